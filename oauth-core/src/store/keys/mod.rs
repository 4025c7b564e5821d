//! Signing keys with a life: a signer that follows a [`KeyRing`], the keeper that moves keys from stage to
//! stage, a vault that seals private keys, and a ring in memory for tests.
//!
//! ```text
//! request ── RingSigner ── reads ──┐
//!                                  ├── KeyRing (SqlKeyRing, MemoryKeyRing)
//! operator, schedule ── KeyKeeper ─┘
//!            both ── KeyVault (SealedVault, a device)
//! ```

mod keeper;
mod memory;
mod sealed;
mod signer;

pub use keeper::{KeeperSettings, KeyChange, KeyKeeper, KeyRow};
pub use memory::MemoryKeyRing;
pub use sealed::{KeyEncryptionKey, KeyMaker, RingMaker, SealedVault};
pub use signer::RingSigner;

use std::sync::Arc;

use crate::port::clock::Clock;
use crate::port::key_ring::{KeyRing, KeyVault};
use crate::vocabulary::uri::Issuer;

/// What signer and keeper of one issuer work with.
#[derive(Clone)]
pub struct KeyPorts {
    /// Whose keys.
    pub issuer: Issuer,
    /// Where they stand.
    pub ring: Arc<dyn KeyRing>,
    /// Where their private halves are.
    pub vault: Arc<dyn KeyVault>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for KeyPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPorts").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
