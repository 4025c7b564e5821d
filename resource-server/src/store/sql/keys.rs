//! Idempotency keys: one row a key, which a later request may take once its time is over.

use oauth_core::store::database::{DbError, Row, Statement, Transaction};
use oauth_core::{Timestamp, limits};

use crate::domain::RequestFingerprint;
use crate::port::KeyRef;

use super::corrupt;

const CLAIM: &str = "INSERT INTO idempotency (client, operation, key, fingerprint, subject, until, outcome)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (client, operation, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, subject = excluded.subject, until = excluded.until, outcome = excluded.outcome
    WHERE idempotency.until <= $8";
/// The outer condition is judged again after a wait for a row: a key taken anew meanwhile stays.
const SWEEP: &str = "DELETE FROM idempotency WHERE until <= $1 AND (client, operation, key) IN
    (SELECT client, operation, key FROM idempotency WHERE until <= $1 ORDER BY until LIMIT $2)";

/// What is kept under a key.
pub(super) struct Kept<'a> {
    pub(super) key: &'a KeyRef,
    pub(super) fingerprint: &'a RequestFingerprint,
    pub(super) until: Timestamp,
    /// The identifier of what was made.
    pub(super) subject: &'a str,
    /// What was made, where it may change afterwards.
    pub(super) outcome: Option<String>,
}

/// Whether a key was free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    Taken,
    Held,
}

/// Takes a key that is free or whose time is over. A concurrent holder is waited for.
pub(super) async fn claim(
    transaction: &mut Transaction<'_>,
    kept: Kept<'_>,
    now: Timestamp,
) -> Result<Claim, DbError> {
    let row = named(CLAIM, kept.key)
        .text(kept.fingerprint.to_string())
        .text(kept.subject)
        .int(kept.until.millis())
        .opt_text(kept.outcome)
        .int(now.millis());
    Ok(if transaction.execute(row).await?.affected == 1 { Claim::Taken } else { Claim::Held })
}

/// A query for what a key holds now: client, operation, key, instant.
pub(super) fn held_by(sql: &'static str, key: &KeyRef, now: Timestamp) -> Statement {
    named(sql, key).int(now.millis())
}

/// Deletes one batch of keys whose time is over.
pub(super) fn sweep(now: Timestamp) -> Statement {
    Statement::new(SWEEP).int(now.millis()).int(limits::SWEEP_ROWS.into())
}

/// The column `fingerprint`.
pub(super) fn fingerprint(row: &Row) -> Result<RequestFingerprint, DbError> {
    RequestFingerprint::parse(row.text("fingerprint")?).map_err(|_| corrupt("a fingerprint"))
}

fn named(sql: &'static str, key: &KeyRef) -> Statement {
    Statement::new(sql).text(key.client.column()).text(key.operation.as_str()).text(key.key.as_str())
}
