//! A past for the bank: rows like those of its own first consents and payments, as many as asked for.
//!
//! Copied inside the database, table by table, from rows the bank wrote itself; only the names differ. Names ascend, which
//! is kinder to the database than random ones while they are written; what is measured afterwards looks rows up at random.

use oauth_core::store::database::{Database, Engine, Statement};
use serde::{Deserialize, Serialize};

use super::super::{Doing as _, Failed};

/// How many there are of the past, not counting those the measurement itself made.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Grown {
    pub(super) consents: u64,
    pub(super) payments: u64,
}

/// Rows that one transaction writes, of each table.
const BATCH: u64 = 20_000;

impl Grown {
    /// Adds what is missing.
    pub(super) async fn to(self, wanted: Self, database: &Database) -> Result<Self, Failed> {
        let mut from = self.consents;
        while from < wanted.consents {
            let until = wanted.consents.min(from + BATCH);
            copy(database, CONSENT_TABLES, (from, until), 1).await?;
            from = until;
        }
        let mut from = self.payments;
        while from < wanted.payments {
            let until = wanted.payments.min(from + BATCH);
            copy(database, PAYMENT_TABLES, (from, until), wanted.consents.max(1)).await?;
            from = until;
        }
        let more = wanted.consents > self.consents || wanted.payments > self.payments;
        // PostgreSQL would count its rows by itself, in time; the bank never has SQLite count them
        if more && database.engine() == Engine::Postgres {
            database.write(Statement::new("ANALYZE")).await.doing("counting the rows")?;
        }
        Ok(Self {
            consents: wanted.consents.max(self.consents),
            payments: wanted.payments.max(self.payments),
        })
    }
}

/// One statement for each table, good for both engines: `$1` to `$2` are the numbers of the new rows, `$3` the number of
/// consents they belong to.
macro_rules! numbered {
    ($into:literal, $from:literal) => {
        concat!(
            $into,
            " FROM (WITH RECURSIVE number (n) AS (SELECT CAST($1 AS BIGINT)
                    UNION ALL SELECT n + 1 FROM number WHERE n < CAST($2 AS BIGINT)) SELECT n FROM number) AS number, ",
            $from
        )
    };
}

const CONSENT_TABLES: &[&str] = &[
    numbered!(
        "INSERT INTO consent (id, unique_key, client, subject, status, created_at, due_at, revision, body)
     SELECT 'past-c-' || n, 'past-c-' || n, model.client, 'past-' || (n % 1000), model.status, model.created_at - n,
            NULL, 1, model.body",
        "(SELECT * FROM consent WHERE id NOT LIKE 'past-%' ORDER BY id LIMIT 1) AS model WHERE CAST($3 AS BIGINT) > 0"
    ),
    numbered!(
        "INSERT INTO consent_history (consent, at, body)
     SELECT 'past-c-' || n, model.at, model.body",
        "(SELECT * FROM consent_history WHERE consent NOT LIKE 'past-%' ORDER BY position LIMIT 1) AS model
     WHERE CAST($3 AS BIGINT) > 0"
    ),
];

const PAYMENT_TABLES: &[&str] = &[
    numbered!(
        "INSERT INTO payment (id, client, consent, customer, debtor, creditor, kind, created_at, stage, entry, body)
     SELECT 'past-p-' || n, model.client, 'past-c-' || (n % CAST($3 AS BIGINT)), 'past-' || (n % 1000), 'past-a-' || (n % 1000),
            model.creditor, model.kind, model.created_at - n, model.stage, 'past-e-' || n, model.body",
        "(SELECT * FROM payment WHERE id NOT LIKE 'past-%' ORDER BY id LIMIT 1) AS model WHERE CAST($3 AS BIGINT) > 0"
    ),
    numbered!(
        "INSERT INTO idempotency (client, operation, key, fingerprint, subject, until)
     SELECT model.client, model.operation, 'past-k-' || n, model.fingerprint, 'past-p-' || n, model.until",
        "(SELECT * FROM idempotency WHERE key NOT LIKE 'past-%' LIMIT 1) AS model
     WHERE CAST($3 AS BIGINT) > 0"
    ),
    numbered!(
        "INSERT INTO journal_entry (id, at, currency, reverses)
     SELECT 'past-e-' || n, model.at, model.currency, NULL",
        "(SELECT * FROM journal_entry WHERE id NOT LIKE 'past-%' ORDER BY id LIMIT 1) AS model
     WHERE CAST($3 AS BIGINT) > 0"
    ),
    numbered!(
        "INSERT INTO posting (entry, ledger, account, amount)
     SELECT 'past-e-' || n, side.ledger, side.ledger || '-' || (n % 1000), side.amount",
        "(SELECT 'past-debtor' AS ledger, -150 AS amount UNION ALL SELECT 'past-creditor', 150) AS side
     WHERE CAST($3 AS BIGINT) > 0"
    ),
    numbered!(
        "INSERT INTO booked_transaction (id, account, listed_at, amount, payment, body)
     SELECT 'past-t-' || n, 'past-a-' || (n % 1000), model.listed_at - n, model.amount, 'past-p-' || n, model.body",
        "(SELECT * FROM booked_transaction WHERE payment IS NOT NULL AND id NOT LIKE 'past-%' LIMIT 1) AS model
     WHERE CAST($3 AS BIGINT) > 0"
    ),
];

async fn copy(
    database: &Database,
    tables: &[&'static str],
    (from, until): (u64, u64),
    consents: u64,
) -> Result<(), Failed> {
    let int = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    for table in tables {
        let rows = Statement::new(table).int(int(from) + 1).int(int(until)).int(int(consents));
        if database.write(rows).await.doing("writing the past")?.affected == 0 {
            return Err(Failed::new("writing the past", "there is no row to copy from"));
        }
    }
    Ok(())
}
