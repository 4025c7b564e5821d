//! The database layer, on a SQLite file, on SQLite in memory and on PostgreSQL.

mod chains;
pub(crate) mod fixture;
mod migrations;
mod speed;
mod transactions;
mod writes;
