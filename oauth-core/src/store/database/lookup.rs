//! Look-ups in a SQLite file: those that wait together travel to the engine together, as writes do.

use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::Counters;
use super::error::{DbError, Fault, Reach};
use super::row::Row;
use super::sqlite::{bound, connect, fault, numbered, row, rows};
use super::statement::Statement;
use super::texts::Texts;

/// The door to the queue of look-ups.
pub(super) struct LookUps {
    queue: mpsc::Sender<Ask>,
    tasks: usize,
}

enum Ask {
    LookUp(LookUp),
    Close(oneshot::Sender<()>),
}

struct LookUp {
    query: Statement,
    reply: oneshot::Sender<Result<Option<Row>, DbError>>,
}

/// Look-ups that wait before callers have to.
const QUEUE: usize = 1024;
/// Look-ups of one text that travel together.
const TOGETHER: usize = 8;
/// Look-ups taken from the queue at a time.
const BATCH: usize = 32;

impl LookUps {
    /// Starts as many tasks as can run at once, each with a connection of its own.
    pub(super) fn open(options: &SqliteConnectOptions, most: usize, counters: &Arc<Counters>) -> Self {
        let (queue, asks) = mpsc::channel(QUEUE);
        let asks = Arc::new(Mutex::new(asks));
        let tasks = std::thread::available_parallelism().map_or(1, usize::from).min(most);
        for _ in 0..tasks {
            let (options, asks, texts) = (options.clone(), Arc::clone(&asks), Texts::default());
            let task = Task { options, connection: None, asks, counters: Arc::clone(counters), texts };
            tokio::spawn(task.run());
        }
        Self { queue, tasks }
    }

    pub(super) async fn find(&self, query: Statement) -> Result<Option<Row>, DbError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Ask::LookUp(LookUp { query, reply })).await.map_err(|_| DbError::Closed)?;
        answer.await.unwrap_or(Err(DbError::Closed))
    }

    /// Each task takes one of the notices.
    pub(super) async fn close(&self) {
        for _ in 0..self.tasks {
            let (reply, closed) = oneshot::channel();
            if self.queue.send(Ask::Close(reply)).await.is_ok() {
                drop(closed.await);
            }
        }
    }
}

struct Task {
    options: SqliteConnectOptions,
    /// `None` before the first look-up, and after it has failed.
    connection: Option<SqliteConnection>,
    asks: Arc<Mutex<mpsc::Receiver<Ask>>>,
    counters: Arc<Counters>,
    texts: Texts,
}

impl Task {
    async fn run(mut self) {
        loop {
            let (batch, closing) = self.next().await;
            for group in in_groups(batch) {
                self.answer(group).await;
            }
            match closing {
                Some(Closing::Told(reply)) => {
                    if let Some(connection) = self.connection.take() {
                        drop(connection.close().await);
                    }
                    // whoever asked may have gone
                    let _ = reply.send(());
                    return;
                }
                Some(Closing::Abandoned) => return,
                None => {}
            }
        }
    }

    /// What waits, up to the first notice to close. Requests that can go on at once do so first, so that their look-ups
    /// come along.
    async fn next(&self) -> (Vec<LookUp>, Option<Closing>) {
        let mut asks = self.asks.lock().await;
        let mut batch = Vec::with_capacity(BATCH);
        let mut next = asks.recv().await;
        tokio::task::yield_now().await;
        loop {
            match next {
                Some(Ask::LookUp(look_up)) => batch.push(look_up),
                Some(Ask::Close(reply)) => return (batch, Some(Closing::Told(reply))),
                None => return (batch, Some(Closing::Abandoned)),
            }
            next = match asks.try_recv() {
                Ok(ask) if batch.len() < BATCH => Some(ask),
                Ok(Ask::LookUp(look_up)) => {
                    batch.push(look_up);
                    return (batch, None);
                }
                Ok(Ask::Close(reply)) => return (batch, Some(Closing::Told(reply))),
                Err(_) => return (batch, None),
            };
        }
    }

    /// A group that fails is asked one by one: one of them may be the reason.
    async fn answer(&mut self, group: Vec<LookUp>) {
        if group.len() > 1
            && let Ok(found) = self.together(&group).await
        {
            group.into_iter().zip(found).for_each(|(look_up, row)| drop(look_up.reply.send(Ok(row))));
            return;
        }
        for look_up in group {
            self.counters.statement();
            let found = self.alone(look_up.query).await;
            drop(look_up.reply.send(found.map_err(|fault| fault.error)));
        }
    }

    async fn alone(&mut self, query: Statement) -> Result<Option<Row>, Fault> {
        let query = bound(sqlx::query(query.sql), query.params);
        let found = self.connection().await?.fetch_optional(query).await.map_err(|error| fault(&error));
        self.settle(found.and_then(|raw| raw.map(|raw| row(&raw, &mut None)).transpose()))
    }

    /// One row that holds them all, each behind a column that says whether it is there.
    async fn together(&mut self, group: &[LookUp]) -> Result<Vec<Option<Row>>, Fault> {
        group.iter().for_each(|_| self.counters.statement());
        let queries = || group.iter().map(|look_up| &look_up.query);
        let text = self.texts.of(0, queries(), || beside(queries()));
        let params = group.iter().flat_map(|look_up| look_up.query.params.iter().cloned());
        let query = bound(sqlx::query(AssertSqlSafe(text)), params);
        let found = self.connection().await?.fetch_one(query).await.map_err(|error| fault(&error));
        self.settle(found.and_then(|raw| rows(&raw, group.len())))
    }

    async fn connection(&mut self) -> Result<&mut SqliteConnection, Fault> {
        if self.connection.is_none() {
            let opened = connect(&self.options).await;
            self.connection = Some(opened.map_err(|error| Fault::new(error, Reach::Connection))?);
        }
        self.connection.as_mut().ok_or_else(|| Fault::new(DbError::Closed, Reach::Connection))
    }

    fn settle<T>(&mut self, found: Result<T, Fault>) -> Result<T, Fault> {
        if matches!(&found, Err(Fault { reach: Reach::Connection, .. })) {
            self.connection = None;
        }
        found
    }
}

/// The text of several look-ups whose rows stand beside each other.
fn beside<'q>(queries: impl Iterator<Item = &'q Statement>) -> String {
    let mut text = String::from("SELECT * FROM (SELECT 1)");
    let mut before = 0;
    for query in queries {
        text.push_str(" LEFT JOIN (SELECT 1 AS there, q.* FROM (");
        numbered(&mut text, query.sql, before);
        text.push_str(") q) ON 1");
        before += query.params.len();
    }
    text
}

enum Closing {
    Told(oneshot::Sender<()>),
    /// Nobody is left to ask.
    Abandoned,
}

/// Look-ups of one text side by side, at most [`TOGETHER`], so that the texts are few and stay prepared.
fn in_groups(mut batch: Vec<LookUp>) -> Vec<Vec<LookUp>> {
    batch.sort_by_key(|look_up| look_up.query.sql);
    let mut groups: Vec<Vec<LookUp>> = Vec::new();
    for look_up in batch {
        match groups.last_mut() {
            Some(group)
                if group.len() < TOGETHER
                    && group.first().is_some_and(|first| first.query.sql == look_up.query.sql) =>
            {
                group.push(look_up);
            }
            Some(_) | None => groups.push(vec![look_up]),
        }
    }
    groups
}
