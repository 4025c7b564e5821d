//! PostgreSQL: a pool, and transactions that are run again when they lose.

use std::num::NonZeroU32;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgRow};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Either, Executor as _, PgPool,
    Row as _, TypeInfo as _, ValueRef as _,
};
use tracing::Instrument as _;

use super::Counters;
use super::chain::Chained;
use super::error::{DbError, Fault, Reach};
use super::row::{Row, Value, Written};
use super::statement::{Param, Statement};
use super::transaction::{Connection, Isolation, Transaction, Work};
use super::url::Engine;

#[derive(Clone)]
pub(super) struct Postgres(Arc<Inner>);

struct Inner {
    pool: PgPool,
    /// Pooled connections to be tested before use, set when one of them was found broken.
    suspects: Arc<AtomicU32>,
    counters: Arc<Counters>,
    retries: AtomicU64,
}

/// How long a caller waits for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(1);
/// A connection idle for longer is tested before use: the server may have been restarted.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);
/// Limits the server keeps. It looks for deadlocks after one second: a shorter wait for locks would hide them.
const SERVER_LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "2000"),
    ("lock_timeout", "1500"),
    ("idle_in_transaction_session_timeout", "5000"),
];
/// Runs of one transaction that keeps losing.
const RUNS_MAX: u32 = 10;

impl Postgres {
    pub(super) async fn open(
        url: &str,
        connections: NonZeroU32,
        counters: Arc<Counters>,
    ) -> Result<Self, DbError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| fault(&error).error)?
            .options(SERVER_LIMITS)
            .application_name("mandate")
            .disable_statement_logging();
        let suspects = Arc::new(AtomicU32::new(0));
        let tested = Arc::clone(&suspects);
        let pool = PgPoolOptions::new()
            .max_connections(connections.get())
            .acquire_timeout(ACQUIRE_MAX)
            .test_before_acquire(false)
            .before_acquire(move |connection, about| {
                let suspect =
                    tested.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
                Box::pin(async move {
                    let trusted = suspect.is_err() && about.idle_for < IDLE_TRUSTED;
                    Ok(trusted || connection.ping().await.is_ok())
                })
            })
            .connect_with(options)
            .await
            .map_err(|error| fault(&error).error)?;
        Ok(Self(Arc::new(Inner { pool, suspects, counters, retries: AtomicU64::new(0) })))
    }

    /// A read is repeated once when its connection turns out to be broken.
    pub(super) async fn read(&self, query: Statement) -> Result<Vec<Row>, DbError> {
        match self.0.once(query.clone()).await {
            Err(fault) if fault.reach == Reach::Connection => self.0.once(query).await,
            done => done,
        }
        .map(|done| done.rows)
        .map_err(|fault| fault.error)
    }

    /// Not repeated: a broken connection does not say whether the statement had been executed.
    pub(super) async fn write(&self, statement: Statement) -> Result<Written, DbError> {
        let inner = Arc::clone(&self.0);
        detached(async move {
            let written = inner.once(statement).await.map_err(|fault| fault.error)?;
            inner.counters.commit();
            Ok(written)
        })
        .await
    }

    pub(super) async fn chain(&self, statements: Vec<Statement>) -> Result<Chained, DbError> {
        let (work, _) = Work::new(Isolation::ReadCommitted, move |transaction| {
            let statements = statements.clone();
            Box::pin(async move {
                for (index, statement) in statements.into_iter().enumerate() {
                    if transaction.execute(statement).await?.affected == 0 {
                        return Err(Transaction::abort(Chained::Stopped(index)));
                    }
                }
                Ok(())
            })
        });
        match self.transaction(work).await {
            Ok(()) => Ok(Chained::Done),
            Err(error) => error.into_reason(),
        }
    }

    pub(super) async fn transaction(&self, work: Work) -> Result<(), DbError> {
        let inner = Arc::clone(&self.0);
        detached(async move { inner.until_settled(&work).await }).await
    }

    pub(super) async fn close(&self) {
        self.0.pool.close().await;
    }
}

impl Inner {
    async fn once(&self, statement: Statement) -> Result<Written, Fault> {
        let mut lease = self.lease().await?;
        self.counters.statement();
        let outcome = execute(lease.connection()?, statement).await;
        if !matches!(&outcome, Err(Fault { reach: Reach::Connection, .. })) {
            lease.settled = Settled::Yes;
        }
        self.notice(outcome)
    }

    /// Runs the work until it commits, or fails for a reason that trying again cannot mend.
    async fn until_settled(&self, work: &Work) -> Result<(), DbError> {
        let mut run = 1;
        loop {
            let fault = match self.attempt(work).await {
                Ok(()) => return Ok(()),
                Err(Attempt::Undone(fault)) => self.notice::<()>(Err(fault)).err(),
                Err(Attempt::Unknown(fault)) => return self.notice(Err(fault)).map_err(|fault| fault.error),
            };
            let Some(fault) = fault else { return Ok(()) };
            let again = match fault.reach {
                Reach::Conflict => run < RUNS_MAX,
                Reach::Connection => run < 3,
                Reach::Statement | Reach::Transaction => false,
            };
            if !again {
                return Err(fault.error);
            }
            tokio::time::sleep(self.pause(run)).await;
            run += 1;
        }
    }

    async fn attempt(&self, work: &Work) -> Result<(), Attempt> {
        let mut lease = self.lease().await.map_err(Attempt::Undone)?;
        let begin = match work.isolation {
            Isolation::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        let connection = lease.connection().map_err(Attempt::Undone)?;
        word(connection, begin).await.map_err(Attempt::Undone)?;
        let done = work.attempt(Transaction::new(Connection::Postgres(connection), &self.counters)).await;
        if let Err(fault) = done {
            if fault.reach != Reach::Connection && word(connection, "ROLLBACK").await.is_ok() {
                lease.settled = Settled::Yes;
            }
            return Err(Attempt::Undone(fault));
        }
        match word(connection, "COMMIT").await {
            Ok(()) => {
                lease.settled = Settled::Yes;
                self.counters.commit();
                Ok(())
            }
            Err(fault) if fault.reach == Reach::Connection => Err(Attempt::Unknown(fault)),
            Err(fault) => {
                lease.settled = Settled::Yes;
                Err(Attempt::Undone(fault))
            }
        }
    }

    async fn lease(&self) -> Result<Lease, Fault> {
        let connection = self.pool.acquire().await.map_err(|error| fault(&error))?;
        Ok(Lease { connection: Some(connection), settled: Settled::No })
    }

    /// One broken connection makes the others suspect.
    fn notice<T>(&self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        if matches!(&outcome, Err(Fault { reach: Reach::Connection, .. })) {
            self.suspects.store(self.pool.size(), Ordering::Relaxed);
        }
        outcome
    }

    /// Doubles with each run, up to 256 ms, and differs between transactions that lost at the same moment: a counter,
    /// spread by the golden ratio, gives each a different share.
    fn pause(&self, run: u32) -> Duration {
        let count = self.retries.fetch_add(1, Ordering::Relaxed);
        let share = count.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
        let longest = Duration::from_millis(2) * 2_u32.pow(run.min(7));
        longest * u32::try_from(share).unwrap_or(1023) / 1024
    }
}

enum Attempt {
    /// Nothing of it was committed.
    Undone(Fault),
    /// The connection broke during the commit.
    Unknown(Fault),
}

/// A connection that returns to the pool only when it is known to stand between two transactions. Anything else, the
/// end of the runtime included, closes it: sqlx 0.9.0 can hand an open transaction to the next borrower.
struct Lease {
    connection: Option<PoolConnection<sqlx::Postgres>>,
    settled: Settled,
}

enum Settled {
    Yes,
    No,
}

impl Lease {
    fn connection(&mut self) -> Result<&mut PgConnection, Fault> {
        self.connection.as_deref_mut().ok_or_else(|| Fault::new(DbError::Closed, Reach::Transaction))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(mut connection), Settled::No) = (self.connection.take(), &self.settled) {
            connection.close_on_drop();
        }
    }
}

/// Runs the work in a task of its own, so that it goes on when the caller is dropped.
async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, DbError>> + Send + 'static,
) -> Result<T, DbError> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => Err(DbError::Other("panic".into())),
        Err(_stopped) => Err(DbError::Closed),
    }
}

/// Runs statements one after the other, until one fails. What the last one did is the answer.
pub(super) async fn execute_in_order(
    connection: &mut PgConnection,
    statements: Vec<Statement>,
) -> Result<Written, Fault> {
    let mut done = Written::default();
    for statement in statements {
        done = execute(connection, statement).await?;
    }
    Ok(done)
}

pub(super) async fn execute(connection: &mut PgConnection, statement: Statement) -> Result<Written, Fault> {
    let mut query = sqlx::query(statement.sql);
    for param in statement.params {
        query = match param {
            Param::Text(value) => query.bind(value),
            Param::Int(value) => query.bind(value),
            Param::Bytes(value) => query.bind(value),
        };
    }
    let mut steps = connection.fetch_many(query);
    let mut written = Written::default();
    let mut names: Option<Arc<[Box<str>]>> = None;
    while let Some(step) = steps.try_next().await.map_err(|error| fault(&error))? {
        match step {
            Either::Left(done) => written.affected = done.rows_affected(),
            Either::Right(raw) => {
                let names =
                    names.get_or_insert_with(|| raw.columns().iter().map(|c| c.name().into()).collect());
                let values = (0..raw.len()).map(|index| value(&raw, index)).collect::<Result<_, _>>()?;
                written.rows.push(Row { names: Arc::clone(names), values });
            }
        }
    }
    Ok(written)
}

/// Runs several statements without parameters: migrations.
pub(super) async fn script(connection: &mut PgConnection, sql: String) -> Result<(), Fault> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop).map_err(|error| fault(&error))
}

/// One of the layer's own statements.
async fn word(connection: &mut PgConnection, sql: &'static str) -> Result<(), Fault> {
    connection.execute(sql).await.map(drop).map_err(|error| fault(&error))
}

fn value(row: &PgRow, index: usize) -> Result<Value, Fault> {
    let raw = row.try_get_raw(index).map_err(|error| fault(&error))?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let name = raw.type_info().name().to_owned();
    match name.as_str() {
        "TEXT" | "VARCHAR" | "NAME" => row.try_get_unchecked(index).map(Value::Text),
        "INT8" => row.try_get_unchecked(index).map(Value::Int),
        "INT4" => row.try_get_unchecked::<i32, _>(index).map(|int| Value::Int(int.into())),
        // What SQLite calls 0 and 1.
        "BOOL" => row.try_get_unchecked::<bool, _>(index).map(|yes| Value::Int(yes.into())),
        "BYTEA" => row.try_get_unchecked(index).map(Value::Bytes),
        _ => {
            let detail = format!("column {index} has the type {name}");
            return Err(Fault::new(DbError::Corrupt { detail }, Reach::Statement));
        }
    }
    .map_err(|error| fault(&error))
}

fn fault(error: &sqlx::Error) -> Fault {
    Fault::from_sqlx(Engine::Postgres, error)
}
