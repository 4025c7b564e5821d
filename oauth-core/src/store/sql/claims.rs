//! Replay protection in a database: durable, and shared by all processes that use it.

use async_trait::async_trait;

use super::super::database::{Database, Statement};
use super::text;
use crate::port::claims::{Claimed, Claims, Once};
use crate::refusal::Fault;
use crate::vocabulary::time::Timestamp;

/// Replay protection in a database to which the [migrations](super::migrations) were applied. It forgets nothing, so it
/// remembers since ever. What is over is deleted by the sweep of [`SqlStore`](super::SqlStore).
#[derive(Debug, Clone)]
pub struct SqlClaims {
    database: Database,
}

impl SqlClaims {
    /// Replay protection over this database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    async fn insert(&self, statement: Statement, keys: usize) -> Result<Claimed, Fault> {
        let written = self.database.write(statement).await.map_err(|error| Fault::new("claims", error))?;
        Ok(if written.rows.len() == keys { Claimed::First } else { Claimed::SeenBefore })
    }
}

#[async_trait]
impl Claims for SqlClaims {
    async fn claim(&self, once: &[Once], now: Timestamp) -> Result<Claimed, Fault> {
        // In one order for all, so that two requests never wait for each other's rows.
        let mut sorted: Vec<&Once> = once.iter().collect();
        sorted.sort_by_key(|one| (one.key, std::cmp::Reverse(one.until)));
        sorted.dedup_by_key(|one| one.key);
        for keys in sorted.chunks(2) {
            let text = if keys.len() == 2 { text::CLAIM_TWO } else { text::CLAIM_ONE };
            let statement = keys.iter().fold(Statement::new(text).int(now.millis()), |statement, one| {
                statement.bytes(one.key).int(one.until.millis())
            });
            if self.insert(statement, keys.len()).await? == Claimed::SeenBefore {
                return Ok(Claimed::SeenBefore);
            }
        }
        Ok(if sorted.len() == once.len() { Claimed::First } else { Claimed::SeenBefore })
    }

    async fn remembers_since(&self, _now: Timestamp) -> Result<Timestamp, Fault> {
        Ok(Timestamp::EPOCH)
    }
}
