//! The trail in SQLite or PostgreSQL. Rows are inserted and never updated but for the two columns that seal them; no
//! statement of this program deletes one.

use async_trait::async_trait;
use oauth_core::store::database::{Change, Database, DbError, Row, Statement};
use oauth_core::{Audit, AuditEvent, Companion, ConsentId, Fault, KeyEvent, LogAudit, Timestamp};

use super::AuditRow;
use super::chain::{ChainHash, Link};
use super::verify::{Finding, Verifier};

/// The trail in a database. Clones share it.
#[derive(Debug, Clone)]
pub struct Trail {
    pub(super) database: Database,
}

/// A row as it stands in the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailRow {
    /// The order in which rows were written.
    pub serial: i64,
    /// Where it stands, once sealed.
    pub link: Option<Link>,
    /// What it says.
    pub row: AuditRow,
}

pub(crate) const TABLES: &str = "CREATE TABLE audit_row (
         serial SERIAL64,
         at INT64 NOT NULL,
         kind TEXT NOT NULL,
         subject TEXT NOT NULL,
         issuer TEXT,
         consent TEXT,
         client TEXT,
         customer TEXT,
         role TEXT NOT NULL,
         actor TEXT,
         channel TEXT NOT NULL,
         what TEXT NOT NULL,
         status_before TEXT,
         status_after TEXT,
         reason TEXT,
         correlation TEXT,
         digest TEXT,
         position INT64,
         hash TEXT
     ) STRICT;
     CREATE INDEX audit_row_not_sealed ON audit_row (serial) WHERE position IS NULL;
     CREATE UNIQUE INDEX audit_row_by_position ON audit_row (position) WHERE position IS NOT NULL;
     CREATE INDEX audit_row_by_consent ON audit_row (consent, serial);
     CREATE TABLE audit_head (
         id INT64 PRIMARY KEY,
         position INT64 NOT NULL,
         hash TEXT NOT NULL,
         signed_position INT64 NOT NULL,
         signed_at INT64 NOT NULL
     ) STRICT;
     INSERT INTO audit_head (id, position, hash, signed_position, signed_at)
         VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000', 0, 0);
     CREATE TABLE audit_checkpoint (
         position INT64 PRIMARY KEY,
         body TEXT NOT NULL
     ) STRICT;";

const INSERT: &str =
    "INSERT INTO audit_row (at, kind, subject, issuer, consent, client, customer, role, actor, channel, what,
    status_before, status_after, reason, correlation, digest)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

macro_rules! rows {
    ($which:literal) => {
        concat!(
            "SELECT serial, at, kind, subject, issuer, consent, client, customer, role, actor, channel, what,
            status_before, status_after, reason, correlation, digest, position, hash FROM audit_row ",
            $which
        )
    };
}

pub(super) const NOT_SEALED: &str = rows!("WHERE position IS NULL ORDER BY serial LIMIT 512");
const SEALED_AFTER: &str = rows!("WHERE position > $1 ORDER BY position LIMIT 1000");
const OF_CONSENT: &str = rows!("WHERE consent = $1 ORDER BY serial LIMIT 10000");
const OLDEST_NOT_SEALED: &str = "SELECT at FROM audit_row WHERE position IS NULL ORDER BY serial LIMIT 1";
const HEAD: &str = "SELECT position, hash FROM audit_head WHERE id = 1";
const CHECKPOINTS_AFTER: &str =
    "SELECT body FROM audit_checkpoint WHERE position > $1 ORDER BY position LIMIT 1000";
const COUNT: &str = "SELECT count(*) FROM audit_row WHERE position IS NOT NULL";

/// The statement that writes a row, for the transaction that makes the change.
#[must_use]
pub fn insertion(row: &AuditRow) -> Statement {
    Statement::new(INSERT)
        .int(row.at.millis())
        .text(&*row.kind)
        .text(&*row.subject)
        .opt_text(row.issuer.as_deref())
        .opt_text(row.consent.as_deref())
        .opt_text(row.client.as_deref())
        .opt_text(row.customer.as_deref())
        .text(&*row.role)
        .opt_text(row.actor.as_deref())
        .text(&*row.channel)
        .text(&*row.what)
        .opt_text(row.from.as_deref())
        .opt_text(row.to.as_deref())
        .opt_text(row.reason.as_deref())
        .opt_text(row.correlation.as_deref())
        .opt_text(row.digest.as_deref())
}

impl Trail {
    /// Over a database whose tables are up to date ([`crate::migrations`]).
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// How far the chain goes, as the database says.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn head(&self) -> Result<Link, Fault> {
        let row = self.database.read_one(Statement::new(HEAD)).await.map_err(fault)?;
        let row = row.ok_or_else(|| fault(corrupt("the chain has no head")))?;
        link_in(&row).map_err(fault)?.ok_or_else(|| fault(corrupt("the head of the chain is no link")))
    }

    /// Sealed rows behind a position, in order, at most a thousand.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn sealed_after(&self, position: u64) -> Result<Vec<TrailRow>, Fault> {
        self.list(Statement::new(SEALED_AFTER).int(signed(position))).await
    }

    /// How many rows are sealed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn count(&self) -> Result<u64, Fault> {
        let row = self.database.read_one(Statement::new(COUNT)).await.map_err(fault)?;
        let count = row.map_or(Ok(0), |row| row.int(0_usize)).map_err(fault)?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Everything about a consent, in the order it was written, sealed or not.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn of_consent(&self, consent: &ConsentId) -> Result<Vec<TrailRow>, Fault> {
        self.list(Statement::new(OF_CONSENT).text(consent.as_str())).await
    }

    /// When the oldest row was written that waits to be sealed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn oldest_not_sealed(&self) -> Result<Option<Timestamp>, Fault> {
        let row = self.database.read_one(Statement::new(OLDEST_NOT_SEALED)).await.map_err(fault)?;
        row.map(|row| row.int(0_usize).map(Timestamp::from_millis)).transpose().map_err(fault)
    }

    /// Signed checkpoints behind a position, in order, at most a thousand.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn checkpoints_after(&self, position: u64) -> Result<Vec<String>, Fault> {
        let query = Statement::new(CHECKPOINTS_AFTER).int(signed(position));
        let rows = self.database.read(query).await.map_err(fault)?;
        rows.iter().map(|row| row.text(0_usize).map(str::to_owned)).collect::<Result<_, _>>().map_err(fault)
    }

    /// Reads the whole trail into a verifier and says what does not fit. A trail that grows meanwhile is judged up to where
    /// it stood, or further.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn verify(&self, verifier: Verifier) -> Result<Vec<Finding>, Fault> {
        self.verify_and(verifier, |_| {}).await
    }

    /// [`Trail::verify`], showing every sealed row to somebody else as well.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn verify_and(
        &self,
        mut verifier: Verifier,
        mut see: impl FnMut(&TrailRow) + Send,
    ) -> Result<Vec<Finding>, Fault> {
        let head = self.head().await?.position;
        loop {
            let page = self.sealed_after(verifier.last()).await?;
            if page.is_empty() {
                return Ok(verifier.finish(head));
            }
            for found in &page {
                if let Some(link) = found.link {
                    verifier.take(link, &found.row);
                }
                see(found);
            }
        }
    }

    async fn list(&self, query: Statement) -> Result<Vec<TrailRow>, Fault> {
        let rows = self.database.read(query).await.map_err(fault)?;
        rows.iter().map(row_in).collect::<Result<_, _>>().map_err(fault)
    }
}

/// Keeps what happens to signing keys in the trail, in the same transaction; what is asked of the server goes to the log.
#[derive(Debug, Clone)]
pub struct KeyTrail(Trail);

impl KeyTrail {
    /// Over a trail in the database of the key ring.
    #[must_use]
    pub const fn new(trail: Trail) -> Self {
        Self(trail)
    }
}

#[async_trait]
impl Audit for KeyTrail {
    fn record(&self, event: &AuditEvent) {
        LogAudit.record(event);
    }

    fn beside(&self, event: &KeyEvent) -> Option<Box<dyn Companion>> {
        let row = insertion(&AuditRow::of_key(event));
        Some(Box::new(Change::new(self.0.database.clone(), "audit", vec![row])))
    }
}

pub(super) fn row_in(row: &Row) -> Result<TrailRow, DbError> {
    let text = |column: &str| row.text(column).map(str::to_owned);
    let opt_text = |column: &str| row.opt_text(column).map(|text| text.map(str::to_owned));
    Ok(TrailRow {
        serial: row.int("serial")?,
        link: link_in(row)?,
        row: AuditRow {
            at: Timestamp::from_millis(row.int("at")?),
            kind: text("kind")?,
            subject: text("subject")?,
            issuer: opt_text("issuer")?,
            consent: opt_text("consent")?,
            client: opt_text("client")?,
            customer: opt_text("customer")?,
            role: text("role")?,
            actor: opt_text("actor")?,
            channel: text("channel")?,
            what: text("what")?,
            from: opt_text("status_before")?,
            to: opt_text("status_after")?,
            reason: opt_text("reason")?,
            correlation: opt_text("correlation")?,
            digest: opt_text("digest")?,
        },
    })
}

/// A hash that is none reads as one that fits nothing, so that the verifier finds it.
pub(super) fn link_in(row: &Row) -> Result<Option<Link>, DbError> {
    let Some(position) = row.opt_int("position")? else { return Ok(None) };
    let position = u64::try_from(position).map_err(|_| corrupt("a position is negative"))?;
    let hash = row.opt_text("hash")?.and_then(ChainHash::read).unwrap_or(ChainHash::BEGINNING);
    Ok(Some(Link { position, hash }))
}

pub(super) fn signed(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

pub(super) fn corrupt(what: &'static str) -> DbError {
    DbError::Corrupt { detail: what.to_owned() }
}

pub(super) fn fault(error: DbError) -> Fault {
    Fault::new("audit", error)
}
