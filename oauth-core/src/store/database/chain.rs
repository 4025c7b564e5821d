//! Several statements that are kept together or not at all, in one trip to the database where the engine can.

use async_trait::async_trait;

use super::Database;
#[cfg(feature = "sqlite")]
use super::row::Written;
use super::statement::Statement;
use crate::port::companion::{Companion, Kept};
use crate::refusal::Fault;

/// How a chain of statements ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chained {
    /// Each changed a row, and all are committed.
    Done,
    /// The statement at this place changed nothing, so none is kept.
    Stopped(usize),
}

/// Statements of one database that are a change of their own, and can become part of a larger one.
#[derive(Debug, Clone)]
pub struct Change {
    database: Database,
    port: &'static str,
    statements: Vec<Statement>,
}

impl Change {
    /// A change for [`Database::chain`]: the first statement that changes nothing stops it. Faults carry this port's name.
    #[must_use]
    pub const fn new(database: Database, port: &'static str, statements: Vec<Statement>) -> Self {
        Self { database, port, statements }
    }

    /// The statements of a companion that lives in this database, for a chain that holds more than them.
    #[must_use]
    pub fn shared<'c>(companion: &'c dyn Companion, database: &Database) -> Option<&'c [Statement]> {
        let any: &dyn std::any::Any = companion;
        let change = any.downcast_ref::<Self>()?;
        change.database.is(database).then_some(&change.statements)
    }
}

#[async_trait]
impl Companion for Change {
    async fn keep(&self) -> Result<Kept, Fault> {
        match self.database.chain(self.statements.clone()).await {
            Ok(Chained::Done) => Ok(Kept::Done),
            Ok(Chained::Stopped(_)) => Ok(Kept::Overtaken),
            Err(error) => Err(Fault::new(self.port, error)),
        }
    }
}

/// What the results of a chain that ran to its end come to.
#[cfg(feature = "sqlite")]
pub(super) fn outcome(written: &[Written]) -> Chained {
    written.iter().position(|done| done.affected == 0).map_or(Chained::Done, Chained::Stopped)
}
