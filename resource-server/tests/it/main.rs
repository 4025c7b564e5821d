//! Over real databases.
