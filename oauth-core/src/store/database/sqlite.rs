//! SQLite: one writer, a few readers.

use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Either, Executor as _, Row as _,
    TypeInfo as _, ValueRef as _,
};
use tokio::sync::Semaphore;

use super::Counters;
use super::chain::Chained;
use super::error::{DbError, Fault, Reach};
use super::lookup::LookUps;
use super::row::{Row, Value, Written};
use super::statement::{Param, Statement};
use super::texts::Texts;
use super::transaction::Work;
use super::url::Engine;
use super::writer::Writer;

pub(super) struct Sqlite {
    writer: Writer,
    /// `None` in memory, where every connection would be a database of its own: reads queue with the writes.
    readers: Option<Readers>,
    look_ups: Option<LookUps>,
    counters: Arc<Counters>,
}

/// Readers of one file. WAL lets them read while the writer writes.
const READERS: usize = 4;
/// How long to wait for another process that holds the file.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// Statements a connection keeps prepared.
const PREPARED: usize = 512;
/// Bytes the log beside the file is cut back to after a checkpoint.
const LOG_BYTES: &str = "67108864";
/// Pages in the log before it is copied into the file. Pages that change again and again, those of indexes, are then copied
/// once for many changes; a start after a crash reads at most so many.
const LOG_PAGES: &str = "4000";
/// Pages the writer keeps in memory, in KiB as SQLite counts them: below zero.
const CACHE_KIB: &str = "-8000";
/// Pages each reader keeps. What it keeps is void as soon as somebody writes; the system's own cache is not.
const READER_CACHE_KIB: &str = "-2000";
/// Tries to open a file that other processes are opening at the same moment.
const OPEN_TRIES: u32 = 50;

impl Sqlite {
    pub(super) async fn open_file(path: &Path, counters: Arc<Counters>) -> Result<Self, DbError> {
        create_private(path)?;
        let options = options(SqliteConnectOptions::new().filename(path));
        let writer = Writer::open(options.clone(), Arc::clone(&counters)).await?;
        let options = options.pragma("query_only", "ON").pragma("cache_size", READER_CACHE_KIB);
        let look_ups = Some(LookUps::open(&options, READERS, &counters));
        Ok(Self { writer, readers: Some(Readers::new(options)), look_ups, counters })
    }

    pub(super) async fn open_memory(counters: Arc<Counters>) -> Result<Self, DbError> {
        let memory =
            SqliteConnectOptions::from_str("sqlite::memory:").map_err(|error| fault(&error).error)?;
        let writer = Writer::open(options(memory.shared_cache(false)), Arc::clone(&counters)).await?;
        Ok(Self { writer, readers: None, look_ups: None, counters })
    }

    pub(super) async fn read(&self, query: Statement) -> Result<Vec<Row>, DbError> {
        let Some(readers) = &self.readers else {
            return Ok(self.writer.write(query).await?.rows);
        };
        let mut lease = readers.lease().await?;
        self.counters.statement();
        let read = execute(lease.connection()?, query).await;
        lease.settle(read.map(|done| done.rows))
    }

    pub(super) async fn look_up(&self, query: Statement) -> Result<Option<Row>, DbError> {
        match &self.look_ups {
            Some(look_ups) => look_ups.find(query).await,
            None => Ok(self.writer.write(query).await?.first()),
        }
    }

    pub(super) async fn write(&self, statement: Statement) -> Result<Written, DbError> {
        self.writer.write(statement).await
    }

    pub(super) async fn chain(&self, statements: Vec<Statement>) -> Result<Chained, DbError> {
        self.writer.chain(statements).await
    }

    pub(super) async fn transaction(&self, work: Work) -> Result<(), DbError> {
        self.writer.transaction(work).await
    }

    pub(super) async fn close(&self) {
        if let Some(readers) = &self.readers {
            readers.close().await;
        }
        if let Some(look_ups) = &self.look_ups {
            look_ups.close().await;
        }
        self.writer.close().await;
    }
}

fn options(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_MAX)
        .statement_cache_capacity(PREPARED)
        .pragma("mmap_size", "0")
        .pragma("fullfsync", "ON")
        .pragma("checkpoint_fullfsync", "ON")
        .pragma("journal_size_limit", LOG_BYTES)
        .pragma("wal_autocheckpoint", LOG_PAGES)
        .pragma("cache_size", CACHE_KIB)
        .disable_statement_logging()
}

/// Creates the file before SQLite does, so that it is never readable by others. Its log inherits the permissions.
fn create_private(path: &Path) -> Result<(), DbError> {
    let mut file = std::fs::OpenOptions::new();
    file.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(DbError::Unavailable { detail: format!("{}: {}", path.display(), error.kind()) }),
    }
}

/// Opens a connection. The switch to WAL fails at once, whatever the busy timeout, while another process switches.
pub(super) async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, DbError> {
    let mut tries = 1;
    loop {
        match options.connect().await.map_err(|error| fault(&error).error) {
            Err(DbError::Busy { .. }) if tries < OPEN_TRIES => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            opened => return opened,
        }
    }
}

pub(super) async fn execute(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> Result<Written, Fault> {
    let query = bound(sqlx::query(statement.sql), statement.params);
    let mut done = Vec::with_capacity(1);
    collect(connection, query, &mut done, 1).await?;
    Ok(done.pop().unwrap_or_default())
}

/// Runs statements within a transaction, until one fails. What the last one did is the answer.
pub(super) async fn execute_in_order(
    connection: &mut SqliteConnection,
    mut statements: Vec<Statement>,
) -> Result<Written, Fault> {
    match (statements.pop(), statements.is_empty()) {
        (Some(only), true) => execute(connection, only).await,
        (last, _) => {
            statements.extend(last);
            let all = Vec::from_iter(&statements);
            let (mut done, ended) = execute_all(connection, Start::Within, &all).await;
            ended.map(|()| done.pop().unwrap_or_default())
        }
    }
}

/// Runs several statements in one trip to the connection's thread, `BEGIN IMMEDIATE` before them when it is asked for,
/// until one fails. Also says what those before it did.
pub(super) async fn execute_all(
    connection: &mut SqliteConnection,
    start: Start,
    statements: &[&Statement],
) -> (Vec<Written>, Result<(), Fault>) {
    execute_composed(connection, &mut Texts::default(), start, statements).await
}

/// The same with the texts that were composed before.
pub(super) async fn execute_composed(
    connection: &mut SqliteConnection,
    texts: &mut Texts,
    start: Start,
    statements: &[&Statement],
) -> (Vec<Written>, Result<(), Fault>) {
    let before = usize::from(start == Start::Begin);
    let text = texts.of(before, statements.iter().copied(), || joined(start, statements));
    let params = statements.iter().flat_map(|statement| statement.params.iter().cloned());
    let query = bound(sqlx::query(AssertSqlSafe(text)), params);
    let mut done = Vec::with_capacity(before + statements.len());
    let ended = collect(connection, query, &mut done, before + statements.len()).await;
    (done.split_off(before.min(done.len())), ended)
}

/// Whether statements open a transaction or run in one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Begin,
    Within,
}

/// One text of several statements, with the parameters numbered through. It is the same text for the same statements,
/// so that the connection finds them prepared.
fn joined(start: Start, statements: &[&Statement]) -> String {
    let mut text = String::with_capacity(statements.iter().map(|statement| statement.sql.len() + 32).sum());
    if start == Start::Begin {
        text.push_str("BEGIN IMMEDIATE;");
    }
    let mut bound = 0;
    for statement in statements {
        numbered(&mut text, statement.sql, bound);
        text.push(';');
        bound += statement.params.len();
    }
    text
}

/// Writes a statement whose parameters come after others.
pub(super) fn numbered(text: &mut String, sql: &str, before: usize) {
    let mut pieces = sql.split('$');
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let end = piece.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(piece.len());
        let (number, rest) = piece.split_at(end);
        let number = number.parse::<usize>().unwrap_or_default().saturating_add(before);
        // writing to a string cannot fail
        let _ = write!(text, "${number}{rest}");
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

pub(super) fn bound(query: Query<'_>, params: impl IntoIterator<Item = Param>) -> Query<'_> {
    params.into_iter().fold(query, |query, param| match param {
        Param::Text(value) => query.bind(value),
        Param::Int(value) => query.bind(value),
        Param::Bytes(value) => query.bind(value),
    })
}

/// Takes what so many statements did, and does not wait for the thread to say that there is nothing more.
async fn collect(
    connection: &mut SqliteConnection,
    query: Query<'_>,
    done: &mut Vec<Written>,
    statements: usize,
) -> Result<(), Fault> {
    let mut steps = connection.fetch_many(query);
    let mut rows = Vec::new();
    let mut names = None;
    while done.len() < statements
        && let Some(step) = steps.try_next().await.map_err(|error| fault(&error))?
    {
        match step {
            Either::Left(end) => {
                done.push(Written { rows: std::mem::take(&mut rows), affected: end.rows_affected() });
                names = None;
            }
            Either::Right(raw) => rows.push(row(&raw, &mut names)?),
        }
    }
    Ok(())
}

type Names = Arc<[Box<str>]>;

/// The rows of several look-ups side by side, each behind a column that is `NULL` when it is not there.
pub(super) fn rows(raw: &SqliteRow, look_ups: usize) -> Result<Vec<Option<Row>>, Fault> {
    let width = raw.len().saturating_sub(1) / look_ups.max(1);
    let mut names: Option<Names> = None;
    (0..look_ups)
        .map(|place| {
            let first = 1 + place * width;
            if matches!(value(raw, first)?, Value::Null) {
                return Ok(None);
            }
            let columns = first + 1..first + width;
            let names = names.get_or_insert_with(|| {
                let named = raw.columns().get(columns.clone()).unwrap_or_default();
                named.iter().map(|column| column.name().into()).collect()
            });
            let values = columns.map(|index| value(raw, index)).collect::<Result<_, _>>()?;
            Ok(Some(Row { names: Arc::clone(names), values }))
        })
        .collect()
}

pub(super) fn row(raw: &SqliteRow, names: &mut Option<Names>) -> Result<Row, Fault> {
    let names = names.get_or_insert_with(|| raw.columns().iter().map(|c| c.name().into()).collect());
    let values = (0..raw.len()).map(|index| value(raw, index)).collect::<Result<_, _>>()?;
    Ok(Row { names: Arc::clone(names), values })
}

/// Runs several statements without parameters: migrations, and the layer's own words.
pub(super) async fn script(connection: &mut SqliteConnection, sql: impl Into<String>) -> Result<(), Fault> {
    sqlx::raw_sql(AssertSqlSafe(sql.into()))
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| fault(&error))
}

fn value(row: &SqliteRow, index: usize) -> Result<Value, Fault> {
    let raw = row.try_get_raw(index).map_err(|error| fault(&error))?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    match kind.name() {
        "TEXT" => row.try_get_unchecked(index).map(Value::Text),
        "INTEGER" => row.try_get_unchecked(index).map(Value::Int),
        "BLOB" => row.try_get_unchecked(index).map(Value::Bytes),
        name => {
            let detail = format!("column {index} has the type {name}");
            return Err(Fault::new(DbError::Corrupt { detail }, Reach::Transaction));
        }
    }
    .map_err(|error| fault(&error))
}

pub(super) fn fault(error: &sqlx::Error) -> Fault {
    Fault::from_sqlx(Engine::Sqlite, error)
}

/// Connections lent out one reader at a time, opened as they are first needed.
struct Readers {
    options: SqliteConnectOptions,
    idle: Mutex<Vec<SqliteConnection>>,
    permits: Semaphore,
}

struct Lease<'r> {
    readers: &'r Readers,
    connection: Option<SqliteConnection>,
    _permit: tokio::sync::SemaphorePermit<'r>,
}

impl Readers {
    fn new(options: SqliteConnectOptions) -> Self {
        Self { options, idle: Mutex::new(Vec::new()), permits: Semaphore::new(READERS) }
    }

    async fn lease(&self) -> Result<Lease<'_>, DbError> {
        let permit = self.permits.acquire().await.map_err(|_| DbError::Closed)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            // rare and large
            None => Box::pin(connect(&self.options)).await?,
        };
        Ok(Lease { readers: self, connection: Some(connection), _permit: permit })
    }

    async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            drop(connection.close().await);
        }
    }
}

impl Lease<'_> {
    fn connection(&mut self) -> Result<&mut SqliteConnection, DbError> {
        self.connection.as_mut().ok_or(DbError::Closed)
    }

    /// A connection that broke is not lent again.
    fn settle<T>(&mut self, outcome: Result<T, Fault>) -> Result<T, DbError> {
        outcome.map_err(|fault| {
            if fault.reach == Reach::Connection {
                self.connection = None;
            }
            fault.error
        })
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
