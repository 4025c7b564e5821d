//! What SQLite's writer is asked to do, and how it is answered.

use tokio::sync::oneshot;

use super::chain::{self, Chained};
use super::error::{DbError, Fault, Reach};
use super::row::Written;
use super::statement::Statement;
use super::transaction::Work;

pub(super) enum Job {
    Write([Statement; 1], Reply<Written>),
    Chain(Vec<Statement>, Reply<Chained>),
    Transaction(Work, Reply<()>),
    Close(oneshot::Sender<()>),
}

pub(super) type Reply<T> = oneshot::Sender<Result<T, DbError>>;

/// A job done, waiting for the commit to be told so.
pub(super) enum Answer {
    Write(Reply<Written>, Result<Written, DbError>),
    Chain(Reply<Chained>, Result<Chained, DbError>),
    Transaction(Reply<()>, Result<(), DbError>),
}

/// What the statements of one job did.
pub(super) enum Did {
    All(Vec<Written>),
    /// The one at this place changed nothing, and it had to.
    Stopped(usize),
}

impl Job {
    pub(super) fn statements(&self) -> &[Statement] {
        match self {
            Self::Write(statement, _) => statement,
            Self::Chain(statements, _) => statements,
            Self::Transaction(..) | Self::Close(_) => &[],
        }
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &'static str> {
        self.statements().iter().map(|statement| statement.sql)
    }

    /// A failure after a link that changed nothing is not the reason why a chain stopped.
    pub(super) fn judge(&self, written: Vec<Written>, ended: Result<(), Fault>) -> Result<Did, Fault> {
        let stopped = match (self, chain::outcome(&written), &ended) {
            (_, _, Err(Fault { reach: Reach::Conflict | Reach::Transaction | Reach::Connection, .. })) => {
                None
            }
            (Self::Chain(..), Chained::Stopped(at), _) => Some(at),
            (_, _, _) => None,
        };
        match (stopped, ended) {
            (Some(at), _) => Ok(Did::Stopped(at)),
            (None, Ok(())) => Ok(Did::All(written)),
            (None, Err(fault)) => Err(fault),
        }
    }

    pub(super) fn answer(self, did: Result<Did, Fault>) {
        match (self, did.map_err(|fault| fault.error)) {
            (Self::Write(_, reply), Ok(Did::All(mut written))) => {
                drop(reply.send(Ok(written.pop().unwrap_or_default())));
            }
            (Self::Chain(_, reply), Ok(Did::All(_))) => drop(reply.send(Ok(Chained::Done))),
            (Self::Chain(_, reply), Ok(Did::Stopped(at))) => drop(reply.send(Ok(Chained::Stopped(at)))),
            (job, Err(error)) => job.refuse(&error),
            (job, Ok(_)) => job.refuse(&DbError::Closed),
        }
    }

    pub(super) fn refuse(self, error: &DbError) {
        match self {
            Self::Write(_, reply) => drop(reply.send(Err(error.again()))),
            Self::Chain(_, reply) => drop(reply.send(Err(error.again()))),
            Self::Transaction(_, reply) => drop(reply.send(Err(error.again()))),
            Self::Close(reply) => drop(reply.send(())),
        }
    }
}

impl Answer {
    pub(super) fn send(self) {
        match self {
            Self::Write(reply, outcome) => drop(reply.send(outcome)),
            Self::Chain(reply, outcome) => drop(reply.send(outcome)),
            Self::Transaction(reply, outcome) => drop(reply.send(outcome)),
        }
    }

    pub(super) fn refuse(self, error: &DbError) {
        match self {
            Self::Write(reply, _) => drop(reply.send(Err(error.again()))),
            Self::Chain(reply, _) => drop(reply.send(Err(error.again()))),
            Self::Transaction(reply, _) => drop(reply.send(Err(error.again()))),
        }
    }
}
