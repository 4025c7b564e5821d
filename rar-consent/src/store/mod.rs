//! Where consents are kept.

#[cfg(feature = "testkit")]
pub mod contract;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "sql")]
pub mod sql;

#[cfg(feature = "memory")]
pub use memory::{HeldConsents, MemoryConsents};
