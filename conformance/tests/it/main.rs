//! What holds for the whole repository: its shape, its words and its dependencies.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "all of this binary is tests")]

mod ledger;
mod names;
mod source;
mod supply;
mod tidy;
