//! The sealer: gives committed rows their place in the chain, and signs checkpoints. Any number of processes may run one;
//! the row of the chain's head is locked by whichever seals, so that they take turns.

use std::sync::{Arc, LazyLock};

use oauth_core::store::database::{DbError, Row, Statement, Transaction};
use oauth_core::{Fault, Seconds, Timestamp};

use super::chain::Link;
use super::checkpoint::{Checkpoint, CheckpointKey};
use super::trail::{NOT_SEALED, Trail, TrailRow, corrupt, fault, link_in, row_in, signed};

/// When a checkpoint is due: after so many rows, or so much time since the last one, and never twice for one position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointPace {
    /// Rows.
    pub rows: u64,
    /// Time.
    pub every: Seconds,
}

impl Default for CheckpointPace {
    fn default() -> Self {
        Self { rows: 10_000, every: Seconds::new(10) }
    }
}

/// What one turn of the sealer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// How many rows it sealed. A full batch of 512 says that there may be more.
    pub rows: usize,
    /// The checkpoint it signed.
    pub checkpoint: Option<Checkpoint>,
}

impl Sealed {
    /// Whether there may be more to seal.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.rows >= BATCH
    }
}

/// Rows of one turn; also in the text of [`NOT_SEALED`].
const BATCH: usize = 512;
const WAITING: &str = "SELECT h.position, h.signed_position, h.signed_at,
    CASE WHEN EXISTS (SELECT 1 FROM audit_row r WHERE r.position IS NULL) THEN 1 ELSE 0 END AS waiting
    FROM audit_head h WHERE h.id = 1";
const LOCK: &str = "UPDATE audit_head SET position = position WHERE id = 1
    RETURNING position, hash, signed_position, signed_at";
const FORWARD: &str = "UPDATE audit_head SET position = $1, hash = $2 WHERE id = 1";
const SIGNED: &str = "UPDATE audit_head SET signed_position = $1, signed_at = $2 WHERE id = 1";
const CHECKPOINT: &str = "INSERT INTO audit_checkpoint (position, body) VALUES ($1, $2)";

/// Statements for this many rows at once, the largest first.
static SEAL: [LazyLock<(usize, String)>; 3] =
    [LazyLock::new(|| seal_text(64)), LazyLock::new(|| seal_text(8)), LazyLock::new(|| seal_text(1))];

impl Trail {
    /// One turn: gives up to 512 committed rows their places, and signs a checkpoint when one is due. Looks before it locks,
    /// so an idle bank costs one read.
    ///
    /// # Errors
    /// A fault of the database or of the key. Nothing is sealed then.
    pub async fn seal(
        &self,
        key: &Arc<CheckpointKey>,
        pace: CheckpointPace,
        now: Timestamp,
    ) -> Result<Sealed, Fault> {
        let head = self.database.read_one(Statement::new(WAITING)).await.map_err(fault)?;
        let head = head.ok_or_else(|| fault(corrupt("the chain has no head")))?;
        if !is_work(&head, pace, now).map_err(fault)? {
            return Ok(Sealed { rows: 0, checkpoint: None });
        }
        let key = Arc::clone(key);
        let work = self.database.transaction(move |transaction| {
            let key = Arc::clone(&key);
            Box::pin(async move { turn(transaction, &key, pace, now).await })
        });
        work.await.map_err(fault)
    }
}

fn is_work(head: &Row, pace: CheckpointPace, now: Timestamp) -> Result<bool, DbError> {
    Ok(head.int("waiting")? > 0 || is_due(head, head.int("position")?, pace, now)?)
}

fn is_due(head: &Row, position: i64, pace: CheckpointPace, now: Timestamp) -> Result<bool, DbError> {
    let ahead = position.saturating_sub(head.int("signed_position")?);
    let since = Timestamp::from_millis(head.int("signed_at")?);
    Ok(ahead > 0 && (ahead >= signed(pace.rows) || since.plus(pace.every) <= now || now < since))
}

async fn turn(
    transaction: &mut Transaction<'_>,
    key: &CheckpointKey,
    pace: CheckpointPace,
    now: Timestamp,
) -> Result<Sealed, DbError> {
    let head = transaction.query_one(Statement::new(LOCK)).await?;
    let head = head.ok_or_else(|| corrupt("the chain has no head"))?;
    let mut link = link_in(&head)?.ok_or_else(|| corrupt("the head of the chain is no link"))?;
    let waiting = transaction.query(Statement::new(NOT_SEALED)).await?;
    let waiting: Vec<TrailRow> = waiting.iter().map(row_in).collect::<Result<_, _>>()?;
    let mut links = Vec::with_capacity(waiting.len());
    for one in &waiting {
        link = link.next(&one.row);
        links.push((one.serial, link));
    }
    write(transaction, &links).await?;
    if !links.is_empty() {
        let forward = Statement::new(FORWARD).int(signed(link.position)).text(link.hash.to_string());
        transaction.execute(forward).await?;
    }
    let mut checkpoint = None;
    if is_due(&head, signed(link.position), pace, now)? {
        let due = Checkpoint { link, at: now };
        let body = key.sign(&due).map_err(|fault| DbError::Other(fault.to_string()))?;
        let position = signed(link.position);
        transaction.execute(Statement::new(CHECKPOINT).int(position).text(body)).await?;
        transaction.execute(Statement::new(SIGNED).int(position).int(now.millis())).await?;
        checkpoint = Some(due);
    }
    Ok(Sealed { rows: links.len(), checkpoint })
}

async fn write(transaction: &mut Transaction<'_>, links: &[(i64, Link)]) -> Result<(), DbError> {
    let mut rest = links;
    while !rest.is_empty() {
        let fitting = SEAL.iter().map(LazyLock::force).find(|(rows, _)| *rows <= rest.len());
        let Some((rows, text)) = fitting else { return Ok(()) };
        let (now, later) = rest.split_at(*rows);
        let mut statement = Statement::new(text.as_str());
        for (serial, link) in now {
            statement = statement.int(*serial).int(signed(link.position)).text(link.hash.to_string());
        }
        if usize::try_from(transaction.execute(statement).await?.affected).ok() != Some(*rows) {
            return Err(corrupt("a row of the trail was sealed before"));
        }
        rest = later;
    }
    Ok(())
}

fn seal_text(rows: usize) -> (usize, String) {
    let row = |n: usize| {
        let first = n * 3 + 1;
        format!("(CAST(${first} AS BIGINT), CAST(${} AS BIGINT), CAST(${} AS TEXT))", first + 1, first + 2)
    };
    let values: Vec<String> = (0..rows).map(row).collect();
    let text = format!(
        "WITH sealed (serial, position, hash) AS (VALUES {})
         UPDATE audit_row SET position = sealed.position, hash = sealed.hash FROM sealed
         WHERE audit_row.serial = sealed.serial AND audit_row.position IS NULL",
        values.join(", ")
    );
    (rows, text)
}
