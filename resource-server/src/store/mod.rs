//! Where accounts, payments and the ledger are kept.

#[cfg(feature = "sql")]
mod lines;
#[cfg(feature = "sql")]
pub mod sql;
