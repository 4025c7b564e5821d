//! Tables that move forward only.

use std::time::Duration;

use super::Database;
use super::error::DbError;
use super::statement::Statement;
use super::transaction::{Isolation, Transaction, Work};
use super::url::Engine;

/// One step of a schema: several statements without parameters, applied once, as one transaction.
///
/// The texts may use words that mean the same on both engines, so that most migrations are written once
/// ([`Migration::shared`]): `BYTES` (`BLOB`, `BYTEA`), `INT64` (`INTEGER`, `BIGINT`), `SERIAL64` (a 64-bit primary key
/// the engine counts up) and, after the last parenthesis of a table, `STRICT` (SQLite refuses values of another type;
/// PostgreSQL always does).
///
/// A migration is applied while processes of the previous version still serve: it adds, and takes nothing away.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Ascending within its set. Gaps are allowed.
    pub version: u32,
    /// What it does, for the reader of the table `schema_migration`.
    pub name: &'static str,
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL.
    pub postgres: &'static str,
}

impl Migration {
    /// A migration whose text is the same on both engines but for the shared words.
    #[must_use]
    pub const fn shared(version: u32, name: &'static str, text: &'static str) -> Self {
        Self { version, name, sqlite: text, postgres: text }
    }

    fn text(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

/// The migrations of one crate.
#[derive(Debug, Clone, Copy)]
pub struct MigrationSet {
    /// The name it has in `schema_migration`; each crate has its own.
    pub name: &'static str,
    /// In ascending order of version.
    pub migrations: &'static [Migration],
}

impl MigrationSet {
    /// A set.
    #[must_use]
    pub const fn new(name: &'static str, migrations: &'static [Migration]) -> Self {
        Self { name, migrations }
    }
}

/// How long one migration may run.
const TIME_MAX: Duration = Duration::from_secs(600);
/// Times to try again while other processes migrate the same tables.
const TRIES: u32 = 40;

const BOOK: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    set_name TEXT NOT NULL,
    version INT64 NOT NULL,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at TEXT NOT NULL,
    PRIMARY KEY (set_name, version)
) STRICT";

pub(super) async fn migrate(database: &Database, set: &MigrationSet) -> Result<(), DbError> {
    if !set.migrations.is_sorted_by(|a, b| a.version < b.version) {
        return Err(DbError::Other(format!("the migrations of {} are not in ascending order", set.name)));
    }
    prepare(database).await?;
    for migration in set.migrations {
        let sum = checksum(migration.text(database.engine()));
        if applied(database, set.name, migration, &sum).await? {
            continue;
        }
        patiently(|| apply(database, set.name, *migration, sum.clone())).await?;
        // Another process may have been quicker, with another text.
        if !applied(database, set.name, migration, &sum).await? {
            return Err(DbError::Corrupt { detail: describe(set.name, migration, "is not recorded") });
        }
    }
    Ok(())
}

/// Makes sure that the book of migrations is there. When several sessions create it at once, PostgreSQL fails the later
/// ones with one of several errors in its own catalogue, `IF NOT EXISTS` or not; what counts is that it is there.
async fn prepare(database: &Database) -> Result<(), DbError> {
    let look = || database.read(Statement::new("SELECT version FROM schema_migration WHERE set_name = ''"));
    if look().await.is_ok() {
        return Ok(());
    }
    patiently(|| async {
        let created = run(database, |transaction| Box::pin(create_book(transaction))).await;
        if created.is_err() && look().await.is_ok() { Ok(()) } else { created }
    })
    .await
}

async fn create_book(transaction: &mut Transaction<'_>) -> Result<(), DbError> {
    let text = translate(BOOK, transaction.engine());
    transaction.script(text).await
}

async fn applied(
    database: &Database,
    set: &'static str,
    migration: &Migration,
    sum: &str,
) -> Result<bool, DbError> {
    let query = Statement::new("SELECT checksum FROM schema_migration WHERE set_name = $1 AND version = $2")
        .text(set)
        .int(migration.version.into());
    match database.read_one(query).await? {
        None => Ok(false),
        Some(row) if row.text(0_usize)? == sum => Ok(true),
        Some(_) => {
            Err(DbError::Corrupt { detail: describe(set, migration, "was applied with another text") })
        }
    }
}

/// Whoever inserts the row first runs the migration, in the same transaction; others wait for the row.
async fn apply(
    database: &Database,
    set: &'static str,
    migration: Migration,
    sum: String,
) -> Result<(), DbError> {
    run(database, move |transaction| {
        let claim = Statement::new(
            "INSERT INTO schema_migration (set_name, version, name, checksum, applied_at)
             VALUES ($1, $2, $3, $4, CAST(CURRENT_TIMESTAMP AS TEXT)) ON CONFLICT DO NOTHING",
        )
        .text(set)
        .int(migration.version.into())
        .text(migration.name)
        .text(sum.clone());
        Box::pin(async move {
            let engine = transaction.engine();
            if engine == Engine::Postgres {
                let limits = "SET LOCAL statement_timeout = '600s'; SET LOCAL lock_timeout = '600s'";
                transaction.script(limits.into()).await?;
            }
            if transaction.execute(claim).await?.affected == 0 {
                return Ok(());
            }
            if engine == Engine::Postgres {
                // Requests must not queue behind a change that waits for its lock.
                transaction.script("SET LOCAL lock_timeout = '500ms'".into()).await?;
            }
            transaction.script(translate(migration.text(engine), engine)).await
        })
    })
    .await
}

async fn run<F>(database: &Database, work: F) -> Result<(), DbError>
where
    F: for<'t> Fn(&'t mut Transaction<'_>) -> futures_util::future::BoxFuture<'t, Result<(), DbError>>
        + Send
        + Sync
        + 'static,
{
    let (mut work, result) = Work::new(Isolation::ReadCommitted, work);
    work.time_max = TIME_MAX;
    database.run(work).await?;
    result.take()
}

async fn patiently<F, R>(step: F) -> Result<(), DbError>
where
    F: Fn() -> R,
    R: Future<Output = Result<(), DbError>>,
{
    let mut tries = 1;
    loop {
        match step().await {
            Err(DbError::Busy { .. }) if tries < TRIES => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                tries += 1;
            }
            outcome => return outcome,
        }
    }
}

fn describe(set: &str, migration: &Migration, what: &str) -> String {
    format!("migration {} of {set} ({}) {what}", migration.version, migration.name)
}

fn checksum(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces the shared words, wherever they stand as words of their own.
fn translate(text: &str, engine: Engine) -> String {
    let of_a_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut translated = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c| !of_a_word(c)) {
        let word = piece.trim_end_matches(|c| !of_a_word(c));
        let sql = match (word, engine) {
            ("BYTES", Engine::Sqlite) => "BLOB",
            ("BYTES", Engine::Postgres) => "BYTEA",
            ("INT64", Engine::Sqlite) => "INTEGER",
            ("INT64", Engine::Postgres) => "BIGINT",
            ("SERIAL64", Engine::Sqlite) => "INTEGER PRIMARY KEY AUTOINCREMENT",
            ("SERIAL64", Engine::Postgres) => "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
            ("STRICT", Engine::Postgres) => "",
            _ => word,
        };
        translated.push_str(sql);
        translated.push_str(piece.get(word.len()..).unwrap_or_default());
    }
    translated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_words_become_the_words_of_each_engine_and_nothing_else_changes() {
        let text = "CREATE TABLE a (n INT64, b BYTES, BYTES_seen TEXT) STRICT;";
        assert_eq!(
            translate(text, Engine::Sqlite),
            "CREATE TABLE a (n INTEGER, b BLOB, BYTES_seen TEXT) STRICT;"
        );
        assert_eq!(
            translate(text, Engine::Postgres),
            "CREATE TABLE a (n BIGINT, b BYTEA, BYTES_seen TEXT) ;"
        );
        assert_eq!(translate("x é STRICT", Engine::Postgres), "x é ");
    }
}
