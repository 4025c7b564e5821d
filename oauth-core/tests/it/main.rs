//! Tests against real databases.

mod database;
