//! Rows into values and back.

use oauth_core::store::database::{DbError, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::{LedgerAccount, Rail, Stage};

use super::corrupt;

/// The value in the column `body`.
pub(super) fn body<T: DeserializeOwned>(row: &Row) -> Result<T, DbError> {
    serde_json::from_str(row.text("body")?).map_err(|_| corrupt("a stored value cannot be read"))
}

/// The text of the column `body`.
pub(super) fn written(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|_| DbError::Other("a value cannot be written".to_owned()))
}

/// The name of a stage, part of the stored format.
pub(super) const fn stage(stage: Stage) -> &'static str {
    stage.as_str()
}

/// The two columns that name a ledger account, part of the stored format.
pub(super) fn ledger(account: &LedgerAccount) -> (&'static str, String) {
    match account {
        LedgerAccount::Customer(id) => ("customer", id.as_str().to_owned()),
        LedgerAccount::Settlement(rail) => ("settlement", rail_name(*rail).to_owned()),
        LedgerAccount::Suspense => ("suspense", String::new()),
        LedgerAccount::Opening => ("opening", String::new()),
    }
}

const fn rail_name(rail: Rail) -> &'static str {
    match rail {
        Rail::Internal => "internal",
        Rail::Instapay => "instapay",
        Rail::Pesonet => "pesonet",
        Rail::UaeInstant => "uae_instant",
    }
}

/// A count as this crate counts.
pub(super) fn count(row: Option<&Row>) -> Result<u64, DbError> {
    let count = row.map_or(Ok(0), |row| row.int(0_usize))?;
    u64::try_from(count).map_err(|_| corrupt("a count is negative"))
}
