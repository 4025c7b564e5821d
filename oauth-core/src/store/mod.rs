//! Where things are kept: adapters of the store ports, the suites that every adapter must pass, and the database layer
//! below them.

#[cfg(feature = "testkit")]
pub mod contract;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod database;
pub mod keys;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sql;

/// Grants listed for one customer.
#[cfg(any(feature = "memory", feature = "sqlite", feature = "postgres"))]
const GRANTS_LISTED: usize = 1000;

/// This instant, or the next whole second after it.
#[cfg(any(feature = "memory", feature = "redis"))]
const fn whole_second_after(instant: crate::Timestamp) -> crate::Timestamp {
    crate::Timestamp::from_seconds(
        crate::Timestamp::from_millis(instant.millis().saturating_add(999)).seconds(),
    )
}
