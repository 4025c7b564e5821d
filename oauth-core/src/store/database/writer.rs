//! The one writer of a SQLite database: drains its queue into one transaction, answers after its commit.

use std::sync::Arc;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::Counters;
use super::chain::{self, Chained};
use super::error::{DbError, Fault, Reach};
use super::job::{Answer, Did, Job};
use super::row::Written;
use super::sqlite::{Start, connect, execute, execute_all, execute_composed, script};
use super::statement::Statement;
use super::texts::Texts;
use super::transaction::{Connection, Transaction, Work};

/// The door to the writer's queue.
pub(super) struct Writer {
    queue: mpsc::Sender<Job>,
}

/// Jobs that wait before callers have to.
const QUEUE: usize = 1024;
/// Jobs committed together.
const BATCH: usize = 64;

impl Writer {
    pub(super) async fn open(
        options: SqliteConnectOptions,
        counters: Arc<Counters>,
    ) -> Result<Self, DbError> {
        let connection = connect(&options).await?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let task = Task { options, connection: Some(connection), jobs, counters, texts: Texts::default() };
        tokio::spawn(task.run());
        Ok(Self { queue })
    }

    pub(super) async fn write(&self, statement: Statement) -> Result<Written, DbError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Job::Write([statement], reply)).await.map_err(|_| DbError::Closed)?;
        answer.await.unwrap_or(Err(DbError::Closed))
    }

    pub(super) async fn chain(&self, statements: Vec<Statement>) -> Result<Chained, DbError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Job::Chain(statements, reply)).await.map_err(|_| DbError::Closed)?;
        answer.await.unwrap_or(Err(DbError::Closed))
    }

    pub(super) async fn transaction(&self, work: Work) -> Result<(), DbError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Job::Transaction(work, reply)).await.map_err(|_| DbError::Closed)?;
        answer.await.unwrap_or(Err(DbError::Closed))
    }

    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.queue.send(Job::Close(reply)).await.is_ok() {
            drop(closed.await);
        }
    }
}

struct Task {
    options: SqliteConnectOptions,
    /// `None` after it has failed, until the next batch opens a new one.
    connection: Option<SqliteConnection>,
    jobs: mpsc::Receiver<Job>,
    counters: Arc<Counters>,
    texts: Texts,
}

impl Task {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.jobs.recv_many(&mut batch, BATCH).await > 0 {
            self.wait_for_company(&mut batch).await;
            let closing = batch.iter().position(|job| matches!(job, Job::Close(_)));
            let rest = closing.map(|at| batch.split_off(at));
            if !batch.is_empty() {
                self.commit_together(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).await;
            }
            if let Some(rest) = rest {
                return self.close(rest).await;
            }
        }
        drop(self.close_connection().await);
    }

    /// Requests that can go on at once do so first: what they write is part of the same commit.
    async fn wait_for_company(&mut self, batch: &mut Vec<Job>) {
        tokio::task::yield_now().await;
        while batch.len() < BATCH
            && let Ok(job) = self.jobs.try_recv()
        {
            batch.push(job);
        }
    }

    async fn commit_together(&mut self, jobs: Vec<Job>) {
        let connection = match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.reopen().await,
        };
        let mut connection = match connection {
            Ok(connection) => connection,
            Err(error) => return jobs.into_iter().for_each(|job| job.refuse(&error)),
        };
        let statements_only = !jobs.iter().any(|job| matches!(job, Job::Transaction(..)));
        let outcome = if jobs.len() == 1 && matches!(jobs.first(), Some(Job::Write(..))) {
            alone(&mut connection, jobs, &self.counters).await
        } else if statements_only {
            at_once((&mut connection, &mut self.texts), jobs, &self.counters).await
        } else {
            together(&mut connection, jobs, &self.counters).await
        };
        if outcome == Usable::Yes {
            self.connection = Some(connection);
        }
    }

    /// A database in memory is lost with its connection.
    async fn reopen(&self) -> Result<SqliteConnection, DbError> {
        let in_memory = self.options.get_filename().as_os_str().as_encoded_bytes().starts_with(b"file:");
        if in_memory { Err(DbError::Closed) } else { connect(&self.options).await }
    }

    async fn close(&mut self, rest: Vec<Job>) {
        self.jobs.close();
        drop(self.close_connection().await);
        for job in rest {
            job.refuse(&DbError::Closed);
        }
        while let Some(job) = self.jobs.recv().await {
            job.refuse(&DbError::Closed);
        }
    }

    async fn close_connection(&mut self) -> Result<(), sqlx::Error> {
        match self.connection.take() {
            Some(connection) => connection.close().await,
            None => Ok(()),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Usable {
    Yes,
    No,
}

/// One statement is a transaction by itself.
async fn alone(connection: &mut SqliteConnection, mut jobs: Vec<Job>, counters: &Counters) -> Usable {
    let Some(Job::Write(statement, reply)) = jobs.pop() else { return Usable::Yes };
    let [statement] = statement;
    counters.statement();
    let outcome = execute(connection, statement).await;
    let usable = match &outcome {
        Ok(_) => {
            counters.commit();
            Usable::Yes
        }
        Err(fault) if fault.reach == Reach::Connection => Usable::No,
        Err(_) => Usable::Yes,
    };
    drop(reply.send(outcome.map_err(|fault| fault.error)));
    usable
}

/// Jobs of nothing but statements, in one transaction without savepoints, those of the same statements together in one
/// trip. When one of several does not come to its end, nothing is kept and all are run again, each behind a savepoint.
async fn at_once(
    (connection, texts): (&mut SqliteConnection, &mut Texts),
    mut jobs: Vec<Job>,
    counters: &Counters,
) -> Usable {
    // who waits here together does not wait for each other: their order is free
    jobs.sort_by(|one, other| one.texts().cmp(other.texts()));
    let mut done = Vec::with_capacity(jobs.len());
    let mut start = Start::Begin;
    let mut rest = jobs.as_slice();
    while !rest.is_empty() {
        let (group, after) = rest.split_at_checked(alike(rest)).unwrap_or((rest, &[]));
        let statements: Vec<_> = group.iter().flat_map(Job::statements).collect();
        statements.iter().for_each(|_| counters.statement());
        let (written, ended) = execute_composed(connection, texts, start, &statements).await;
        done.extend(judge(group, written, ended));
        if !matches!(done.last(), Some(Ok(Did::All(_)))) {
            break;
        }
        (start, rest) = (Start::Within, after);
    }
    let failed = match done.last() {
        Some(Ok(Did::Stopped(_))) => Some(Reach::Statement),
        Some(Err(fault)) => Some(fault.reach),
        Some(Ok(Did::All(_))) | None => None,
    };
    let ended = match failed {
        None => script(connection, "COMMIT").await.inspect(|()| counters.commit()),
        Some(_) => undo(connection).await,
    };
    match (failed, ended) {
        (None, Ok(())) => {
            jobs.into_iter().zip(done).for_each(|(job, did)| job.answer(did));
            Usable::Yes
        }
        (None, Err(fault)) => {
            let undone = undo(connection).await;
            jobs.into_iter().for_each(|job| job.refuse(&fault.error));
            if undone.is_ok() { Usable::Yes } else { Usable::No }
        }
        (Some(Reach::Statement), Ok(())) if jobs.len() > 1 => together(connection, jobs, counters).await,
        (Some(Reach::Statement), Ok(())) => {
            jobs.into_iter().zip(done).for_each(|(job, did)| job.answer(did));
            Usable::Yes
        }
        (Some(reach), undone) => {
            let error = match done.pop() {
                Some(Err(fault)) => fault.error,
                Some(Ok(_)) | None => DbError::Closed,
            };
            jobs.into_iter().for_each(|job| job.refuse(&error));
            if undone.is_ok() && reach != Reach::Connection { Usable::Yes } else { Usable::No }
        }
    }
}

/// Jobs of the same statements that travel together at most.
const TOGETHER: usize = 8;

/// How many jobs at the front have the same statements: a power of two, so that the texts are few and stay prepared.
fn alike(jobs: &[Job]) -> usize {
    let Some(first) = jobs.first() else { return 0 };
    let same = jobs.iter().take(TOGETHER).take_while(|job| job.texts().eq(first.texts())).count();
    same.checked_ilog2().map_or(0, |power| 1 << power)
}

/// What became of each job of a group, up to the first that did not come to its end.
fn judge(group: &[Job], written: Vec<Written>, ended: Result<(), Fault>) -> Vec<Result<Did, Fault>> {
    let mut written = written.into_iter();
    let mut ended = Some(ended);
    let mut verdicts = Vec::with_capacity(group.len());
    for job in group {
        let own: Vec<_> = written.by_ref().take(job.statements().len()).collect();
        let whole = own.len() == job.statements().len();
        let verdict = job.judge(own, if whole { Ok(()) } else { ended.take().unwrap_or(Ok(())) });
        let goes_on = matches!(verdict, Ok(Did::All(_)));
        verdicts.push(verdict);
        if !goes_on {
            break;
        }
    }
    verdicts
}

/// All jobs in one transaction. When it cannot be committed, every job has failed: even a refusal may rest on what
/// another job of the batch had written.
async fn together(connection: &mut SqliteConnection, jobs: Vec<Job>, counters: &Counters) -> Usable {
    let batch = if jobs.len() == 1 { Batch::Single } else { Batch::Several };
    if let Err(fault) = script(connection, batch.begin()).await {
        jobs.into_iter().for_each(|job| job.refuse(&fault.error));
        return if fault.reach == Reach::Connection { Usable::No } else { Usable::Yes };
    }
    let mut answers = Vec::with_capacity(jobs.len());
    let mut jobs = jobs.into_iter();
    let mut broken = None;
    for job in jobs.by_ref() {
        let (answer, standing) = run(connection, job, batch, counters).await;
        answers.extend(answer);
        if let Err(fault) = standing {
            broken = Some(fault);
            break;
        }
    }
    let given_up = matches!((batch, answers.first()), (Batch::Single, Some(Answer::Transaction(_, Err(_)))));
    let ended = match broken {
        Some(fault) => Err(fault),
        None if given_up => undo(connection).await,
        None => script(connection, "COMMIT").await.inspect(|()| counters.commit()),
    };
    let Err(fault) = ended else {
        answers.into_iter().for_each(Answer::send);
        return Usable::Yes;
    };
    let undone = undo(connection).await;
    answers.into_iter().for_each(|answer| answer.refuse(&fault.error));
    jobs.for_each(|job| job.refuse(&fault.error));
    if undone.is_ok() { Usable::Yes } else { Usable::No }
}

/// Leaves the transaction, if SQLite has not left it by itself: then `ROLLBACK` is a mere mistake.
async fn undo(connection: &mut SqliteConnection) -> Result<(), Fault> {
    match script(connection, "ROLLBACK").await {
        Err(fault) if fault.reach == Reach::Statement => Ok(()),
        outcome => outcome,
    }
}

#[derive(Clone, Copy)]
enum Batch {
    Single,
    Several,
}

impl Batch {
    const fn begin(self) -> &'static str {
        match self {
            Self::Single => "BEGIN IMMEDIATE",
            Self::Several => "BEGIN IMMEDIATE; SAVEPOINT batch",
        }
    }
}

/// Runs one job of a batch. The second value says whether the transaction around it still stands: some failures, a
/// full disk for one, make SQLite roll back everything, and what came after would be committed piece by piece.
async fn run(
    connection: &mut SqliteConnection,
    job: Job,
    batch: Batch,
    counters: &Counters,
) -> (Option<Answer>, Result<(), Fault>) {
    match job {
        Job::Write([statement], reply) => {
            counters.statement();
            let outcome = execute(connection, statement).await;
            let standing = match &outcome {
                Ok(_) => Ok(()),
                Err(_) => script(connection, "RELEASE batch; SAVEPOINT batch").await,
            };
            (Some(Answer::Write(reply, outcome.map_err(|fault| fault.error))), standing)
        }
        Job::Chain(statements, reply) => {
            let (outcome, standing) = link(connection, &statements, counters).await;
            (Some(Answer::Chain(reply, outcome)), standing)
        }
        Job::Transaction(work, reply) => {
            let (outcome, standing) = transact(connection, &work, batch, counters).await;
            (Some(Answer::Transaction(reply, outcome)), standing)
        }
        // Taken out of the batch before.
        Job::Close(_) => (None, Ok(())),
    }
}

/// Runs a chain behind a savepoint.
async fn link(
    connection: &mut SqliteConnection,
    statements: &[Statement],
    counters: &Counters,
) -> (Result<Chained, DbError>, Result<(), Fault>) {
    if let Err(fault) = script(connection, "SAVEPOINT job").await {
        return (Err(fault.error.again()), Err(fault));
    }
    statements.iter().for_each(|_| counters.statement());
    let (written, ended) = execute_all(connection, Start::Within, &Vec::from_iter(statements)).await;
    let outcome = match (chain::outcome(&written), ended) {
        (Chained::Done, Err(fault)) => Err(fault.error),
        (outcome, _) => Ok(outcome),
    };
    let standing = match outcome {
        Ok(Chained::Done) => script(connection, "RELEASE job").await,
        Ok(Chained::Stopped(_)) | Err(_) => script(connection, "ROLLBACK TO job; RELEASE job").await,
    };
    (outcome, standing)
}

/// Runs a transaction behind a savepoint, so that giving it up leaves the other jobs of the batch alone.
async fn transact(
    connection: &mut SqliteConnection,
    work: &Work,
    batch: Batch,
    counters: &Counters,
) -> (Result<(), DbError>, Result<(), Fault>) {
    if matches!(batch, Batch::Several)
        && let Err(fault) = script(connection, "SAVEPOINT job").await
    {
        return (Err(fault.error.again()), Err(fault));
    }
    let outcome = work.attempt(Transaction::new(Connection::Sqlite(connection), counters)).await;
    let standing = match (batch, &outcome) {
        (Batch::Single, _) => Ok(()),
        (Batch::Several, Ok(())) => script(connection, "RELEASE job").await,
        (Batch::Several, Err(_)) => script(connection, "ROLLBACK TO job; RELEASE job").await,
    };
    (outcome.map_err(|fault| fault.error), standing)
}
