//! Where things are kept: adapters of the store ports, the suites that every adapter must pass, and the database layer
//! below them.

#[cfg(feature = "testkit")]
pub mod contract;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod database;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sql;

/// Grants listed for one customer.
const GRANTS_LISTED: usize = 1000;

/// This instant, or the next whole second after it.
const fn whole_second_after(instant: crate::Timestamp) -> crate::Timestamp {
    crate::Timestamp::from_seconds(
        crate::Timestamp::from_millis(instant.millis().saturating_add(999)).seconds(),
    )
}
