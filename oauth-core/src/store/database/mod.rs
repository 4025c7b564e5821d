//! One small database layer for every SQL store of the workspace: SQLite for one process, PostgreSQL for many.
//!
//! Stores write one SQL text that runs on both engines (`$1` placeholders, `RETURNING`, `ON CONFLICT`, columns of
//! text, 64-bit integers and bytes). What the layer adds is what single use and money need:
//!
//! - A [`write`](Database::write) or [`transaction`](Database::transaction), once begun, runs to its end even when its
//!   caller is dropped, and answers only after the commit.
//! - SQLite has one writer, which commits waiting changes together. PostgreSQL transactions are run again when the
//!   engine reports a serialization conflict.
//! - Errors are typed and never show a parameter or a password.
//!
//! Work inside a transaction must use its [`Transaction`] only: SQLite has one writer, so waiting inside it for another
//! write of the same [`Database`] ends when the transaction's time is up.

mod chain;
mod error;
#[cfg(feature = "sqlite")]
mod job;
#[cfg(feature = "sqlite")]
mod lookup;
mod migration;
#[cfg(feature = "postgres")]
mod postgres;
mod row;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statement;
#[cfg(feature = "sqlite")]
mod texts;
mod transaction;
mod url;
#[cfg(feature = "sqlite")]
mod writer;

pub use chain::{Chained, Change};
pub use error::{Abort, DbError};
pub use migration::{Migration, MigrationSet};
pub use row::{Column, Row, Written};
pub use statement::Statement;
pub use transaction::{Isolation, Transaction};
pub use url::{DatabaseUrl, Engine};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;

use self::transaction::Work;
use self::url::Place;

/// A SQLite file, a SQLite database in memory, or a pool of PostgreSQL connections. Clones share it.
#[derive(Clone)]
pub struct Database(Arc<Shared>);

struct Shared {
    engine: Connected,
    counters: Arc<Counters>,
}

/// What waits for PostgreSQL is large, and in a box, so that what waits for SQLite is not as large.
enum Connected {
    #[cfg(feature = "sqlite")]
    Sqlite(Box<sqlite::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Postgres),
}

impl Database {
    /// Opens the database. A SQLite file is created when missing, readable by its owner only. Must be called inside the
    /// runtime that will serve it.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when it cannot be reached or this build lacks the engine.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, DbError> {
        let counters = Arc::new(Counters::default());
        let engine = match &url.place {
            #[cfg(feature = "sqlite")]
            Place::SqliteFile(path) => {
                Connected::Sqlite(Box::new(sqlite::Sqlite::open_file(path, Arc::clone(&counters)).await?))
            }
            #[cfg(feature = "sqlite")]
            Place::SqliteMemory => {
                Connected::Sqlite(Box::new(sqlite::Sqlite::open_memory(Arc::clone(&counters)).await?))
            }
            #[cfg(not(feature = "sqlite"))]
            Place::SqliteFile(_) | Place::SqliteMemory => return Err(url::not_built("SQLite")),
            #[cfg(feature = "postgres")]
            Place::Postgres(text) => Connected::Postgres(
                postgres::Postgres::open(text, url.connections, Arc::clone(&counters)).await?,
            ),
            #[cfg(not(feature = "postgres"))]
            Place::Postgres(_) => return Err(url::not_built("PostgreSQL")),
        };
        Ok(Self(Arc::new(Shared { engine, counters })))
    }

    /// Brings the tables of one crate up to date. May run in any number of processes at once; applied migrations are
    /// left alone, and migrations of a newer version of the crate are tolerated.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when an applied migration's text differs from ours; otherwise as [`Self::write`].
    pub async fn migrate(&self, set: &MigrationSet) -> Result<(), DbError> {
        migration::migrate(self, set).await
    }

    /// Which engine this is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.0.engine {
            #[cfg(feature = "sqlite")]
            Connected::Sqlite(_) => Engine::Sqlite,
            #[cfg(feature = "postgres")]
            Connected::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a query that changes nothing. It sees everything that was committed before it began. Not for
    /// `INSERT`, `UPDATE` or `DELETE`, whatever they return: an engine may refuse them here, or run them twice.
    ///
    /// # Errors
    /// Whatever the engine reports.
    pub async fn read(&self, query: Statement) -> Result<Vec<Row>, DbError> {
        self.0.counters.read();
        match &self.0.engine {
            #[cfg(feature = "sqlite")]
            Connected::Sqlite(sqlite) => sqlite.read(query).await,
            #[cfg(feature = "postgres")]
            Connected::Postgres(postgres) => Box::pin(postgres.read(query)).await,
        }
    }

    /// [`Self::read`] for at most one row; of several, the first.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_one(&self, query: Statement) -> Result<Option<Row>, DbError> {
        Ok(self.read(query).await?.into_iter().next())
    }

    /// [`Self::read_one`] for a query of one table that finds at most one row by its key. On SQLite those that wait
    /// together travel to the engine together; a query that joins tables would be slower that way.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn look_up(&self, query: Statement) -> Result<Option<Row>, DbError> {
        self.0.counters.read();
        match &self.0.engine {
            #[cfg(feature = "sqlite")]
            Connected::Sqlite(sqlite) => sqlite.look_up(query).await,
            #[cfg(feature = "postgres")]
            Connected::Postgres(postgres) => Ok(Box::pin(postgres.read(query)).await?.into_iter().next()),
        }
    }

    /// Runs one statement as a transaction of its own.
    ///
    /// # Errors
    /// Whatever the engine reports. After [`DbError::Unavailable`] the change may or may not have been made.
    pub async fn write(&self, statement: Statement) -> Result<Written, DbError> {
        self.0.counters.write();
        match &self.0.engine {
            #[cfg(feature = "sqlite")]
            Connected::Sqlite(sqlite) => sqlite.write(statement).await,
            #[cfg(feature = "postgres")]
            Connected::Postgres(postgres) => Box::pin(postgres.write(statement)).await,
        }
    }

    /// Runs statements of which each has to change a row, as one transaction: all of them, or none when one changes
    /// nothing. On SQLite they travel to the writer together, so a later one must not rest on the `RETURNING` of an
    /// earlier one. A constant `$` stands in none of them but before the number of a parameter.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn chain(&self, statements: Vec<Statement>) -> Result<Chained, DbError> {
        self.0.counters.write();
        match &self.0.engine {
            #[cfg(feature = "sqlite")]
            Connected::Sqlite(sqlite) => sqlite.chain(statements).await,
            #[cfg(feature = "postgres")]
            Connected::Postgres(postgres) => Box::pin(postgres.chain(statements)).await,
        }
    }

    /// Runs several statements as one transaction: all of them, or none when `work` returns an error, panics, takes
    /// longer than five seconds, or has had a statement fail. `work` may be run several times; only its last run counts.
    ///
    /// On PostgreSQL the isolation is read committed: begin with the conditional `UPDATE` that locks what you change.
    ///
    /// # Errors
    /// What `work` returns, or whatever the engine reports.
    pub async fn transaction<T, F>(&self, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Transaction<'_>) -> BoxFuture<'t, Result<T, DbError>> + Send + Sync + 'static,
    {
        self.transaction_at(Isolation::ReadCommitted, work).await
    }

    /// [`Self::transaction`] with a chosen isolation. SQLite always serializes.
    ///
    /// # Errors
    /// As [`Self::transaction`].
    pub async fn transaction_at<T, F>(&self, isolation: Isolation, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Transaction<'_>) -> BoxFuture<'t, Result<T, DbError>> + Send + Sync + 'static,
    {
        let (work, result) = Work::new(isolation, work);
        self.run(work).await?;
        result.take()
    }

    /// Statements that callers have had executed, repeated runs included. The layer's own `BEGIN` and `COMMIT` are
    /// not counted.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.0.counters.statements.load(Ordering::Relaxed)
    }

    /// Reads that callers have asked for: [`Self::read`], [`Self::read_one`] and [`Self::look_up`].
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.0.counters.reads.load(Ordering::Relaxed)
    }

    /// Changes that callers have asked for, each atomic: [`Self::write`], [`Self::chain`] and [`Self::transaction`].
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.0.counters.writes.load(Ordering::Relaxed)
    }

    /// Commits made. Fewer than the writes when SQLite's writer commits several together.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.0.counters.commits.load(Ordering::Relaxed)
    }

    /// Finishes what has been accepted, then closes. Later calls get [`DbError::Closed`].
    pub async fn close(&self) {
        match &self.0.engine {
            #[cfg(feature = "sqlite")]
            Connected::Sqlite(sqlite) => sqlite.close().await,
            #[cfg(feature = "postgres")]
            Connected::Postgres(postgres) => postgres.close().await,
        }
    }

    /// Whether this is a clone of the other.
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    async fn run(&self, work: Work) -> Result<(), DbError> {
        self.0.counters.write();
        match &self.0.engine {
            #[cfg(feature = "sqlite")]
            Connected::Sqlite(sqlite) => sqlite.transaction(work).await,
            #[cfg(feature = "postgres")]
            Connected::Postgres(postgres) => Box::pin(postgres.transaction(work)).await,
        }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(&self.engine()).finish()
    }
}

#[derive(Default)]
struct Counters {
    reads: AtomicU64,
    writes: AtomicU64,
    statements: AtomicU64,
    commits: AtomicU64,
}

impl Counters {
    fn read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    fn write(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    fn statement(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    fn commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }
}
