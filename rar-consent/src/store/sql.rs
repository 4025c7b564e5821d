//! Consents in SQLite or PostgreSQL, over the database layer of `oauth-core`.

use async_trait::async_trait;
use oauth_core::store::database::{
    Change, Database, DbError, Migration, MigrationSet, Row, Statement, Transaction,
};
use oauth_core::{ClientId, Companion, ConsentId, Fault, Subject, Timestamp};

use crate::audit::{self, AuditRow};
use crate::consent::Consent;
use crate::consent::history::HistoryEntry;
use crate::consent::status::ConsentStatus;
use crate::port::{ConsentStore, Inserted, KeptStatus};

/// Consents in a database.
#[derive(Debug, Clone)]
pub struct SqlConsents(Database);

/// The tables of this crate. Apply them with [`Database::migrate`] before the store is used.
#[must_use]
pub const fn migrations() -> MigrationSet {
    MigrationSet::new("rar-consent", MIGRATIONS)
}

const MIGRATIONS: &[Migration] = &[
    Migration::shared(1, "consents and their history", TABLES),
    Migration::shared(2, "indexes of those that are in question", PARTIAL),
    Migration::shared(20, "the audit trail", audit::TABLES),
];

/// What [`FORGET`] looks through; and a consent enters the list of its customer when there is one.
const PARTIAL: &str = "CREATE INDEX consent_unapproved ON consent (created_at)
         WHERE due_at IS NULL AND (status = 'Rejected' OR subject IS NULL);
     CREATE INDEX consent_of_subject ON consent (subject, created_at) WHERE subject IS NOT NULL;
     DROP INDEX consent_by_subject;";

const TABLES: &str = "CREATE TABLE consent (
         id TEXT PRIMARY KEY,
         unique_key TEXT NOT NULL UNIQUE,
         client TEXT NOT NULL,
         subject TEXT,
         status TEXT NOT NULL,
         created_at INT64 NOT NULL,
         due_at INT64,
         revision INT64 NOT NULL,
         body TEXT NOT NULL
     ) STRICT;
     CREATE INDEX consent_by_subject ON consent (subject, created_at);
     CREATE INDEX consent_by_client ON consent (client, created_at);
     CREATE INDEX consent_by_due ON consent (due_at);
     CREATE TABLE consent_history (
         position SERIAL64,
         consent TEXT NOT NULL,
         at INT64 NOT NULL,
         body TEXT NOT NULL
     ) STRICT;
     CREATE INDEX consent_history_by_consent ON consent_history (consent, position);";

const INSERT: &str =
    "INSERT INTO consent (id, unique_key, client, subject, status, created_at, due_at, revision, body)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
const UPDATE: &str =
    "UPDATE consent SET subject = $1, status = $2, due_at = $3, body = $4, revision = revision + 1
    WHERE id = $5 AND revision = $6";
const LOCK: &str = "UPDATE consent SET revision = revision WHERE id = $1 RETURNING revision, body";
const NOTE: &str = "INSERT INTO consent_history (consent, at, body) VALUES ($1, $2, $3)";
const BY_ID: &str = "SELECT revision, body FROM consent WHERE id = $1";
const STATUS: &str = "SELECT status, due_at FROM consent WHERE id = $1";
const BY_SUBJECT: &str = "SELECT revision, body FROM consent WHERE subject = $1
    ORDER BY created_at DESC, id DESC LIMIT 200";
const BY_CLIENT: &str = "SELECT revision, body FROM consent WHERE client = $1
    ORDER BY created_at DESC, id DESC LIMIT 200";
const DUE: &str = "SELECT revision, body FROM consent WHERE due_at <= $1 ORDER BY due_at LIMIT 500";
/// A consent without a subject was never approved, and a rejected one neither.
const FORGET: &str = "DELETE FROM consent WHERE id IN (
    SELECT id FROM consent WHERE due_at IS NULL AND (status = 'Rejected' OR subject IS NULL) AND created_at < $1
    ORDER BY created_at LIMIT 500) RETURNING id";
const FORGET_HISTORY: &str = "DELETE FROM consent_history WHERE consent = $1";
const HISTORY: &str = "SELECT body FROM consent_history WHERE consent = $1 ORDER BY position";

impl SqlConsents {
    /// Over a database whose tables are up to date ([`migrations`]).
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self(database)
    }

    /// The note of a change that stopped is not kept either.
    fn change(
        &self,
        changed: Result<Statement, DbError>,
        note: Result<[Statement; 2], DbError>,
    ) -> Result<Box<dyn Companion>, Fault> {
        let [entry, row] = note.map_err(fault)?;
        let statements = vec![changed.map_err(fault)?, entry, row];
        Ok(Box::new(Change::new(self.0.clone(), "consents", statements)))
    }

    async fn list(&self, query: Statement) -> Result<Vec<Consent>, Fault> {
        let rows = self.0.read(query).await.map_err(fault)?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(fault)
    }
}

/// Takes the row of a consent for the rest of this transaction and reads it. Nobody else changes it until then.
///
/// # Errors
/// Whatever the engine reports.
pub async fn lock(transaction: &mut Transaction<'_>, id: &ConsentId) -> Result<Option<Consent>, DbError> {
    let row = transaction.query_one(Statement::new(LOCK).text(id.as_str())).await?;
    row.as_ref().map(read).transpose()
}

/// Keeps a consent that [`lock`] returned and was changed since, with an entry when its status changed.
///
/// # Errors
/// Whatever the engine reports; [`DbError::Other`] when the stored revision is another one.
pub async fn save(
    transaction: &mut Transaction<'_>,
    changed: &Consent,
    entry: Option<&HistoryEntry>,
) -> Result<(), DbError> {
    if transaction.execute(update(changed)?).await?.affected == 0 {
        return Err(DbError::Other("a consent has changed since it was read".to_owned()));
    }
    if let Some(entry) = entry {
        for statement in note(changed, entry)? {
            transaction.execute(statement).await?;
        }
    }
    Ok(())
}

/// Keeps a new consent with the first entry of its history, as [`ConsentStore::insert`] does, within a transaction that
/// changes something else as well.
///
/// # Errors
/// Whatever the engine reports.
pub async fn insert(
    transaction: &mut Transaction<'_>,
    consent: &Consent,
    entry: &HistoryEntry,
) -> Result<Inserted, DbError> {
    if transaction.execute(row_of(consent)?).await?.affected == 0 {
        return Ok(Inserted::IdUsed);
    }
    for statement in note(consent, entry)? {
        transaction.execute(statement).await?;
    }
    Ok(Inserted::New)
}

#[async_trait]
impl ConsentStore for SqlConsents {
    fn insertion(&self, consent: &Consent, entry: &HistoryEntry) -> Result<Box<dyn Companion>, Fault> {
        self.change(row_of(consent), note(consent, entry))
    }

    fn replacement(&self, changed: &Consent, entry: &HistoryEntry) -> Result<Box<dyn Companion>, Fault> {
        self.change(update(changed), note(changed, entry))
    }

    async fn consent(&self, id: &ConsentId) -> Result<Option<Consent>, Fault> {
        let row = self.0.look_up(Statement::new(BY_ID).text(id.as_str())).await.map_err(fault)?;
        row.as_ref().map(read).transpose().map_err(fault)
    }

    async fn status(&self, id: &ConsentId) -> Result<Option<KeptStatus>, Fault> {
        let row = self.0.look_up(Statement::new(STATUS).text(id.as_str())).await.map_err(fault)?;
        row.as_ref().map(status).transpose().map_err(fault)
    }

    async fn of_subject(&self, subject: &Subject) -> Result<Vec<Consent>, Fault> {
        self.list(Statement::new(BY_SUBJECT).text(subject.as_str())).await
    }

    async fn of_client(&self, client: &ClientId) -> Result<Vec<Consent>, Fault> {
        self.list(Statement::new(BY_CLIENT).text(client.as_str())).await
    }

    async fn history(&self, id: &ConsentId) -> Result<Vec<HistoryEntry>, Fault> {
        let rows = self.0.read(Statement::new(HISTORY).text(id.as_str())).await.map_err(fault)?;
        let entry = |row: &Row| serde_json::from_str(row.text(0_usize)?).map_err(|_| corrupt());
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(fault)
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, Fault> {
        let work = self.0.transaction(move |transaction| {
            Box::pin(async move {
                let gone = transaction.query(Statement::new(FORGET).int(before.millis())).await?;
                for row in &gone {
                    transaction.execute(Statement::new(FORGET_HISTORY).text(row.text(0_usize)?)).await?;
                }
                Ok(gone.len())
            })
        });
        Ok(u64::try_from(work.await.map_err(fault)?).unwrap_or(u64::MAX))
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<Consent>, Fault> {
        self.list(Statement::new(DUE).int(now.millis())).await
    }
}

fn row_of(consent: &Consent) -> Result<Statement, DbError> {
    Ok(Statement::new(INSERT)
        .text(consent.id.as_str())
        .text(consent.unique_key())
        .text(consent.client.as_str())
        .opt_text(consent.subject.as_ref().map(Subject::as_str))
        .text(consent.status.as_str())
        .int(consent.created_at.millis())
        .opt_int(consent.due_at().map(Timestamp::millis))
        .int(consent.revision)
        .text(written(consent)?))
}

fn update(changed: &Consent) -> Result<Statement, DbError> {
    Ok(Statement::new(UPDATE)
        .opt_text(changed.subject.as_ref().map(Subject::as_str))
        .text(changed.status.as_str())
        .opt_int(changed.due_at().map(Timestamp::millis))
        .text(written(changed)?)
        .text(changed.id.as_str())
        .int(changed.revision))
}

/// An entry of the history and its row in the audit trail: neither is ever written without the other.
fn note(consent: &Consent, entry: &HistoryEntry) -> Result<[Statement; 2], DbError> {
    let text = written(entry)?;
    let row = audit::insertion(&AuditRow::of_consent(consent, entry, &text));
    Ok([Statement::new(NOTE).text(consent.id.as_str()).int(entry.at.millis()).text(text), row])
}

fn written(value: &impl serde::Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|_| DbError::Other("a consent cannot be written".to_owned()))
}

fn read(row: &Row) -> Result<Consent, DbError> {
    let consent = Consent::from_kept(row.text("body")?).map_err(|_| corrupt())?;
    Ok(Consent { revision: row.int("revision")?, ..consent })
}

fn status(row: &Row) -> Result<KeptStatus, DbError> {
    let name = row.text("status")?;
    let status = ConsentStatus::ALL.into_iter().find(|status| status.as_str() == name);
    Ok(KeptStatus {
        status: status.ok_or_else(corrupt)?,
        due_at: row.opt_int("due_at")?.map(Timestamp::from_millis),
    })
}

fn corrupt() -> DbError {
    DbError::Corrupt { detail: "a consent cannot be read".to_owned() }
}

fn fault(error: DbError) -> Fault {
    Fault::new("consents", error)
}
