//! Consents in SQLite or PostgreSQL, over the database layer of `oauth-core`.

mod events;
mod find;

pub use events::enqueue;
pub use find::ConsentQuery;

use async_trait::async_trait;
use oauth_core::store::database::{
    Change, Database, DbError, Migration, MigrationSet, Row, Statement, Transaction,
};
use oauth_core::{ClientId, Companion, ConsentId, Fault, Kept, Subject, Timestamp};

use crate::audit::{self, AuditRow};
use crate::consent::Consent;
use crate::consent::history::HistoryEntry;
use crate::consent::status::ConsentStatus;
use crate::port::{ConsentStore, Inserted, KeptStatus, Replaced};

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
    Migration {
        version: 3,
        name: "who else has to approve, and what a consent continues",
        sqlite: "ALTER TABLE consent ADD COLUMN waits_for TEXT;
            ALTER TABLE consent ADD COLUMN base TEXT;
            UPDATE consent SET base = json_extract(body, '$.terms.uae_payment_1.base_consent');
            CREATE INDEX consent_waiting ON consent (created_at) WHERE waits_for IS NOT NULL;
            CREATE INDEX consent_by_base ON consent (client, base, created_at) WHERE base IS NOT NULL;",
        postgres: "ALTER TABLE consent ADD COLUMN waits_for TEXT;
            ALTER TABLE consent ADD COLUMN base TEXT;
            UPDATE consent SET base = body::json #>> '{terms,uae_payment_1,base_consent}';
            CREATE INDEX consent_waiting ON consent (created_at) WHERE waits_for IS NOT NULL;
            CREATE INDEX consent_by_base ON consent (client, base, created_at) WHERE base IS NOT NULL;",
    },
    events::MIGRATION,
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
    "INSERT INTO consent (id, unique_key, client, subject, status, created_at, due_at, revision, body, waits_for, base)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
const UPDATE: &str =
    "UPDATE consent SET subject = $1, status = $2, due_at = $3, body = $4, waits_for = $5, revision = revision + 1
    WHERE id = $6 AND revision = $7";
const LOCK: &str = "UPDATE consent SET revision = revision WHERE id = $1 RETURNING revision, body";
const NOTE: &str = "INSERT INTO consent_history (consent, at, body) VALUES ($1, $2, $3)";
const BY_ID: &str = "SELECT revision, body FROM consent WHERE id = $1";
const STATUS: &str = "SELECT status, due_at FROM consent WHERE id = $1";
const BY_SUBJECT: &str = "SELECT revision, body FROM consent WHERE subject = $1
    ORDER BY created_at DESC, id DESC LIMIT 200";
const BY_CLIENT: &str = "SELECT revision, body FROM consent WHERE client = $1
    ORDER BY created_at DESC, id DESC LIMIT 200";
/// Few consents wait for others at any time, and those alone are looked through.
const WAITING_FOR: &str = "SELECT revision, body FROM consent WHERE waits_for IS NOT NULL
    AND waits_for LIKE $1 ESCAPE '\\' ORDER BY created_at DESC LIMIT 200";
const BY_BASE: &str = "SELECT revision, body FROM consent WHERE client = $1 AND base = $2
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
    fn change(&self, statements: Vec<Statement>) -> Box<dyn Companion> {
        Box::new(Change::new(self.0.clone(), "consents", statements))
    }

    /// A change after which nobody wants the events that wait. It stands beside [`Change`], whose statements must each find a
    /// row; what goes with a request or a grant never ends a subscription.
    async fn replace_and_cancel(&self, changed: &Consent, entry: &HistoryEntry) -> Result<Kept, Fault> {
        let (changed, entry) = (changed.clone(), entry.clone());
        let work = self.0.transaction(move |transaction| {
            let (changed, entry) = (changed.clone(), entry.clone());
            Box::pin(async move {
                if transaction.execute(update(&changed)?).await?.affected == 0 {
                    return Ok(Kept::Overtaken);
                }
                for statement in note(&changed, &entry)? {
                    transaction.later(statement);
                }
                transaction.later(events::cancellation(&changed.id));
                Ok(Kept::Done)
            })
        });
        work.await.map_err(fault)
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

/// Keeps a consent that [`lock`] returned and was changed since, with an entry when its status changed, and the event that
/// tells of it.
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
            transaction.later(statement);
        }
        if let Some(event) = events::of_change(changed, entry)? {
            transaction.later(event);
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
        transaction.later(statement);
    }
    Ok(Inserted::New)
}

#[async_trait]
impl ConsentStore for SqlConsents {
    fn insertion(&self, consent: &Consent, entry: &HistoryEntry) -> Result<Box<dyn Companion>, Fault> {
        let mut statements = vec![row_of(consent).map_err(fault)?];
        statements.extend(note(consent, entry).map_err(fault)?);
        Ok(self.change(statements))
    }

    fn replacement(&self, changed: &Consent, entry: &HistoryEntry) -> Result<Box<dyn Companion>, Fault> {
        let mut statements = vec![update(changed).map_err(fault)?];
        statements.extend(note(changed, entry).map_err(fault)?);
        statements.extend(events::of_change(changed, entry).map_err(fault)?);
        Ok(self.change(statements))
    }

    async fn replace(&self, changed: &Consent, entry: &HistoryEntry) -> Result<Replaced, Fault> {
        let kept = match changed.declines_events() {
            true => self.replace_and_cancel(changed, entry).await?,
            false => self.replacement(changed, entry)?.keep().await?,
        };
        Ok(match kept {
            Kept::Done => Replaced::Done,
            Kept::Overtaken => Replaced::Conflict,
        })
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

    async fn waiting_for(&self, subject: &Subject) -> Result<Vec<Consent>, Fault> {
        let escaped: String = subject
            .as_str()
            .chars()
            .flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c]))
            .collect();
        self.list(Statement::new(WAITING_FOR).text(format!("%\n{escaped}\n%"))).await
    }

    async fn of_base(&self, client: &ClientId, base: &str) -> Result<Vec<Consent>, Fault> {
        self.list(Statement::new(BY_BASE).text(client.as_str()).text(base)).await
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
        .text(written(consent)?)
        .opt_text(waits_for(consent))
        .opt_text(consent.terms.base()))
}

fn update(changed: &Consent) -> Result<Statement, DbError> {
    Ok(Statement::new(UPDATE)
        .opt_text(changed.subject.as_ref().map(Subject::as_str))
        .text(changed.status.as_str())
        .opt_int(changed.due_at().map(Timestamp::millis))
        .text(written(changed)?)
        .opt_text(waits_for(changed))
        .text(changed.id.as_str())
        .int(changed.revision))
}

/// Everybody the consent waits for, each between two line breaks, which no name has.
fn waits_for(consent: &Consent) -> Option<String> {
    let names: String = consent.waits_for().map(|subject| format!("{subject}\n")).collect();
    (!names.is_empty()).then(|| format!("\n{names}"))
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
