//! Several statements as one.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::Counters;
use super::error::{Abort, DbError, Fault, Reach};
use super::row::{Row, Written};
use super::statement::Statement;
use super::url::Engine;

/// How far PostgreSQL keeps concurrent transactions apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement sees what was committed before it began; an `UPDATE` waits for the row and judges it anew.
    ReadCommitted,
    /// As if transactions ran one after the other; the loser is run again.
    Serializable,
}

/// A transaction in progress. Once a statement has failed, nothing more is executed and the transaction will be undone,
/// even if the work around it ends well.
pub struct Transaction<'c> {
    connection: Connection<'c>,
    counters: &'c Counters,
    state: State,
    /// Statements that travel with the next one.
    waiting: Vec<Statement>,
}

pub(super) enum Connection<'c> {
    #[cfg(feature = "sqlite")]
    Sqlite(&'c mut sqlx::SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(&'c mut sqlx::PgConnection),
}

enum State {
    Sound,
    /// A statement was begun and its end not seen. What stays behind when its future is dropped.
    Running,
    Failed(Fault),
}

impl<'c> Transaction<'c> {
    pub(super) fn new(connection: Connection<'c>, counters: &'c Counters) -> Self {
        Self { connection, counters, state: State::Sound, waiting: Vec::new() }
    }

    /// Which engine runs it.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.connection {
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(_) => Engine::Sqlite,
            #[cfg(feature = "postgres")]
            Connection::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement, after all that [wait](Self::later).
    ///
    /// # Errors
    /// Whatever the engine reports, for this statement or one that waited.
    pub async fn execute(&mut self, statement: Statement) -> Result<Written, DbError> {
        self.waiting.push(statement);
        self.run_waiting().await
    }

    /// Runs a statement with the next one that is [executed](Self::execute), or at the end of the work: for changes that
    /// tell nothing. The order stays; SQLite is asked once instead of twice.
    pub fn later(&mut self, statement: Statement) {
        self.waiting.push(statement);
    }

    /// Runs a statement for its rows.
    ///
    /// # Errors
    /// Whatever the engine reports.
    pub async fn query(&mut self, statement: Statement) -> Result<Vec<Row>, DbError> {
        Ok(self.execute(statement).await?.rows)
    }

    /// Runs a statement for its first row.
    ///
    /// # Errors
    /// Whatever the engine reports.
    pub async fn query_one(&mut self, statement: Statement) -> Result<Option<Row>, DbError> {
        Ok(self.execute(statement).await?.first())
    }

    /// The error that gives the transaction up for a reason of the caller's own, which
    /// [`DbError::into_reason`] returns on the other side.
    #[must_use]
    pub fn abort<R: Any + Send + Sync>(reason: R) -> DbError {
        DbError::Aborted(Abort(Box::new(reason)))
    }

    /// Runs the statements of a migration, which have no parameters.
    pub(super) async fn script(&mut self, sql: String) -> Result<(), DbError> {
        self.begin_step()?;
        let outcome = match &mut self.connection {
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(connection) => super::sqlite::script(connection, sql).await,
            #[cfg(feature = "postgres")]
            Connection::Postgres(connection) => super::postgres::script(connection, sql).await,
        };
        self.end_step(outcome)
    }

    /// Runs what waits. What the last statement did is the answer.
    async fn run_waiting(&mut self) -> Result<Written, DbError> {
        let statements = std::mem::take(&mut self.waiting);
        self.begin_step()?;
        statements.iter().for_each(|_| self.counters.statement());
        let outcome = match &mut self.connection {
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(connection) => super::sqlite::execute_in_order(connection, statements).await,
            #[cfg(feature = "postgres")]
            Connection::Postgres(connection) => {
                super::postgres::execute_in_order(connection, statements).await
            }
        };
        self.end_step(outcome)
    }

    /// Runs what still waits when the work is done.
    async fn finish(&mut self) -> Result<(), DbError> {
        if self.waiting.is_empty() { Ok(()) } else { self.run_waiting().await.map(drop) }
    }

    fn begin_step(&mut self) -> Result<(), DbError> {
        match std::mem::replace(&mut self.state, State::Running) {
            State::Sound => Ok(()),
            State::Running => Err(interrupted()),
            State::Failed(fault) => {
                let error = fault.error.again();
                self.state = State::Failed(fault);
                Err(error)
            }
        }
    }

    fn end_step<T>(&mut self, outcome: Result<T, Fault>) -> Result<T, DbError> {
        match outcome {
            Ok(value) => {
                self.state = State::Sound;
                Ok(value)
            }
            Err(fault) => {
                self.state = State::Failed(Fault::new(fault.error.again(), fault.reach));
                Err(fault.error)
            }
        }
    }
}

impl std::fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transaction")
    }
}

/// What a caller wants done in one transaction, with the type of its result hidden.
pub(super) struct Work {
    body: Box<dyn Body>,
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite always serializes"))]
    pub(super) isolation: Isolation,
    pub(super) time_max: Duration,
}

/// Where the result of the last run lies.
pub(super) struct Outcome<T>(Arc<Mutex<Option<T>>>);

/// As long as one transaction may keep others waiting.
const TIME_MAX: Duration = Duration::from_secs(5);

impl Work {
    pub(super) fn new<T, F>(isolation: Isolation, work: F) -> (Self, Outcome<T>)
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Transaction<'_>) -> BoxFuture<'t, Result<T, DbError>> + Send + Sync + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let body = Box::new(Slotted { work, slot: Arc::clone(&slot) });
        (Self { body, isolation, time_max: TIME_MAX }, Outcome(slot))
    }

    /// Runs the work once. `Ok` only if everything in it went well, so that it may be committed.
    pub(super) async fn attempt(&self, mut transaction: Transaction<'_>) -> Result<(), Fault> {
        let body = AssertUnwindSafe(self.body.run(&mut transaction)).catch_unwind();
        let ended = match tokio::time::timeout(self.time_max, body).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(_panic)) => Err(DbError::Other("the work of a transaction panicked".into())),
            Err(_elapsed) => Err(DbError::Busy { detail: "a transaction took too long".into() }),
        };
        match (transaction.state, ended) {
            (State::Sound, Ok(())) => Ok(()),
            (State::Sound, Err(error)) => Err(Fault::new(error, Reach::Statement)),
            (State::Failed(fault), Ok(())) => Err(fault),
            (State::Failed(fault), Err(error)) => Err(Fault::new(error, fault.reach)),
            (State::Running, ended) => {
                let error = ended.err().unwrap_or_else(interrupted);
                Err(Fault::new(error, Reach::Transaction))
            }
        }
    }
}

impl<T> Outcome<T> {
    pub(super) fn take(self) -> Result<T, DbError> {
        let value = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        value.ok_or_else(|| DbError::Other("a transaction ended without a result".into()))
    }
}

trait Body: Send + Sync {
    fn run<'t>(&'t self, transaction: &'t mut Transaction<'_>) -> BoxFuture<'t, Result<(), DbError>>;
}

struct Slotted<T, F> {
    work: F,
    slot: Arc<Mutex<Option<T>>>,
}

impl<T, F> Body for Slotted<T, F>
where
    T: Send + 'static,
    F: for<'t> Fn(&'t mut Transaction<'_>) -> BoxFuture<'t, Result<T, DbError>> + Send + Sync + 'static,
{
    fn run<'t>(&'t self, transaction: &'t mut Transaction<'_>) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            let value = (self.work)(transaction).await?;
            transaction.finish().await?;
            *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            Ok(())
        })
    }
}

fn interrupted() -> DbError {
    DbError::Other("a statement of the transaction was not waited for".into())
}
