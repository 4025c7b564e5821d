//! Tests against real databases.

#[cfg(test)]
mod database;
