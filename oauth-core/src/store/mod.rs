//! Where things are kept: adapters of the store ports, and the database layer below them.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod database;
