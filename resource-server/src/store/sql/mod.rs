//! Accounts, payments and the ledger in SQLite or PostgreSQL.
//!
//! A payment, the use of its consent, its idempotency record, its postings, its line on the statement, its audit event and
//! its place in the outbox are one transaction, in `payments`. Balances never go below what is reserved: the `UPDATE`
//! that takes money is conditional, so the engine's row lock decides every race.

mod accounts;
mod catalogue;
mod customers;
mod keyed;
mod keys;
mod ledger;
mod lodgings;
mod openings;
mod participants;
mod payments;
mod pera;
mod read;
mod settle;

pub use super::{Opened, Recorded};

use oauth_core::Fault;
use oauth_core::store::database::{Database, DbError, Migration, MigrationSet};

/// Accounts, payments and the ledger. Clones share the database.
#[derive(Debug, Clone)]
pub struct SqlBank {
    database: Database,
}

impl SqlBank {
    /// A bank over a database whose [`TABLES`] are up to date. The tables of `rar-consent` live in the same database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn migrate(database: &Database) -> Result<(), Fault> {
        database.migrate(&TABLES).await.map_err(fault)?;
        database.migrate(&pera::TABLES).await.map_err(fault)
    }
}

fn fault(error: DbError) -> Fault {
    Fault::new("bank", error)
}

/// What a row holds is not what this crate writes.
fn corrupt(what: &'static str) -> DbError {
    DbError::Corrupt { detail: what.to_owned() }
}

/// Notes are long, and stand where no status of a payment writes them again.
macro_rules! note_table {
    () => {
        "CREATE TABLE payment_note (payment TEXT PRIMARY KEY, body TEXT NOT NULL);"
    };
}

/// The tables of this crate.
pub const TABLES: MigrationSet = MigrationSet::new(
    "resource-server",
    &[
        Migration::shared(1, "accounts and the ledger", LEDGER_TABLES),
        Migration::shared(2, "payments", PAYMENT_TABLES),
        Migration::shared(3, "keys of consents", "ALTER TABLE idempotency ADD COLUMN outcome TEXT"),
        Migration {
            version: 4,
            name: "what came with an order for the assessment of risk",
            sqlite: concat!(
                note_table!(),
                "INSERT INTO payment_note (payment, body) SELECT id, json_extract(body, '$.terms.personal') FROM payment
                     WHERE json_extract(body, '$.terms.personal') IS NOT NULL;"
            ),
            postgres: concat!(
                note_table!(),
                "INSERT INTO payment_note (payment, body) SELECT id, body::json #>> '{terms,personal}' FROM payment
                     WHERE body::json #>> '{terms,personal}' IS NOT NULL;"
            ),
        },
    ],
);

const LEDGER_TABLES: &str = "
CREATE TABLE account (
    id TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    opened_at INT64 NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX account_by_customer ON account (customer, opened_at, id);
CREATE TABLE balance (
    account TEXT PRIMARY KEY,
    currency TEXT NOT NULL,
    booked INT64 NOT NULL,
    reserved INT64 NOT NULL CHECK (reserved >= 0),
    CHECK (booked >= reserved)
) STRICT;
CREATE TABLE journal_entry (
    id TEXT PRIMARY KEY,
    at INT64 NOT NULL,
    currency TEXT NOT NULL,
    reverses TEXT
) STRICT;
CREATE TABLE posting (
    id SERIAL64,
    entry TEXT NOT NULL,
    ledger TEXT NOT NULL,
    account TEXT NOT NULL,
    amount INT64 NOT NULL CHECK (amount <> 0)
) STRICT;
CREATE INDEX posting_by_entry ON posting (entry);
CREATE INDEX posting_by_account ON posting (ledger, account);
CREATE TABLE booked_transaction (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    listed_at INT64 NOT NULL,
    amount INT64 NOT NULL,
    payment TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX booked_transaction_by_account ON booked_transaction (account, listed_at, id);
CREATE INDEX booked_transaction_by_payment ON booked_transaction (payment);
";

const PAYMENT_TABLES: &str = "
CREATE TABLE payment (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    consent TEXT NOT NULL,
    customer TEXT NOT NULL,
    debtor TEXT NOT NULL,
    creditor TEXT,
    kind TEXT NOT NULL,
    created_at INT64 NOT NULL,
    stage TEXT NOT NULL,
    entry TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX payment_by_client ON payment (client, created_at, id);
CREATE INDEX payment_by_consent ON payment (consent, created_at, id);
CREATE TABLE idempotency (
    client TEXT NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    subject TEXT NOT NULL,
    until INT64 NOT NULL,
    PRIMARY KEY (client, operation, key)
) STRICT;
CREATE INDEX idempotency_by_until ON idempotency (until);
CREATE TABLE allowance (
    customer TEXT NOT NULL,
    year INT64 NOT NULL,
    used INT64 NOT NULL CHECK (used >= 0),
    PRIMARY KEY (customer, year)
) STRICT;
CREATE TABLE outbox (
    payment TEXT PRIMARY KEY,
    due_at INT64 NOT NULL,
    tries INT64 NOT NULL
) STRICT;
CREATE INDEX outbox_by_due ON outbox (due_at, payment);
CREATE TABLE audit_event (
    id SERIAL64,
    at INT64 NOT NULL,
    correlation TEXT NOT NULL,
    client TEXT NOT NULL,
    customer TEXT NOT NULL,
    consent TEXT NOT NULL,
    payment TEXT NOT NULL,
    what TEXT NOT NULL
) STRICT;
CREATE INDEX audit_event_by_payment ON audit_event (payment);
";
