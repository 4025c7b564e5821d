//! Issued tokens by their hash, in a database: found by every process, and after a start.

use async_trait::async_trait;

use super::super::database::{Database, Statement};
use super::record::{read, write};
use super::{fault, text};
use crate::model::token::AccessClaims;
use crate::port::token_index::{TokenHash, TokenIndex};
use crate::refusal::Fault;
use crate::vocabulary::time::Timestamp;

/// Issued tokens by their hash in a database to which the [migrations](super::migrations) were applied. One write per token;
/// what is over is deleted by the sweep of [`SqlStore`](super::SqlStore).
#[derive(Debug, Clone)]
pub struct SqlTokenIndex {
    database: Database,
}

impl SqlTokenIndex {
    /// An index over this database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl TokenIndex for SqlTokenIndex {
    async fn keep(&self, hash: &TokenHash, claims: &AccessClaims, until: Timestamp) -> Result<(), Fault> {
        let insert = Statement::new(text::KEEP_HASH).bytes(*hash.as_bytes()).int(until.millis());
        self.database.write(insert.text(write(claims)?)).await.map_err(fault)?;
        Ok(())
    }

    async fn find(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<AccessClaims>, Fault> {
        let query = Statement::new(text::BY_HASH).bytes(*hash.as_bytes()).int(now.millis());
        match self.database.read_one(query).await.map_err(fault)? {
            Some(row) => Ok(Some(read(&row, "record")?)),
            None => Ok(None),
        }
    }
}
