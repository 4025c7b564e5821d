//! Over real databases.

mod uae;
