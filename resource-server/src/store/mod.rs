//! Where accounts, payments and the ledger are kept, and the suite that every place must pass.

#[cfg(feature = "testkit")]
pub mod contract;
#[cfg(any(feature = "memory", feature = "sql"))]
mod effects;
#[cfg(any(feature = "memory", feature = "sql"))]
mod events;
#[cfg(any(feature = "memory", feature = "sql"))]
mod lines;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(any(feature = "memory", feature = "sql"))]
mod openings;
#[cfg(feature = "sql")]
pub mod sql;

/// Whether an account was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It is open now, with a balance of nothing.
    New,
    /// It was there before; nothing changed.
    Existing,
}

/// Whether a movement was booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It was.
    Booked,
    /// The balance is below what was to be taken; nothing changed.
    Short,
}
