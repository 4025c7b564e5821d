//! Signatures with our keys. Called before the one write of a request, so that a failure changes nothing.

use std::sync::Arc;

use async_trait::async_trait;

use crate::jose::{Alg, PublicJwk, SigningKey};
use crate::refusal::Fault;
use crate::vocabulary::id::KeyId;

/// Signatures with our keys.
#[async_trait]
pub trait Signer: Send + Sync {
    /// The public keys to publish (RFC 7517 section 5).
    fn published(&self) -> Vec<PublicJwk>;

    /// The key that signs with this algorithm now; `None` when there is none.
    fn active(&self, alg: Alg) -> Option<KeyId>;

    /// Signs.
    ///
    /// # Errors
    /// When the key is gone or the signing device fails.
    async fn sign(&self, key: &KeyId, input: &[u8]) -> Result<Vec<u8>, Fault>;
}

/// Signs with keys held in this process.
pub struct LocalSigner {
    keys: Vec<(KeyId, SigningKey)>,
    random: ring::rand::SystemRandom,
}

impl LocalSigner {
    /// Signs with these keys; the first of an algorithm is the active one.
    #[must_use]
    pub fn new(keys: Vec<(KeyId, SigningKey)>) -> Arc<Self> {
        Arc::new(Self { keys, random: ring::rand::SystemRandom::new() })
    }
}

impl std::fmt::Debug for LocalSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

#[async_trait]
impl Signer for LocalSigner {
    fn published(&self) -> Vec<PublicJwk> {
        self.keys.iter().map(|(id, key)| key.public(id)).collect()
    }

    fn active(&self, alg: Alg) -> Option<KeyId> {
        self.keys.iter().find(|(_, key)| key.alg() == alg).map(|(id, _)| id.clone())
    }

    async fn sign(&self, id: &KeyId, input: &[u8]) -> Result<Vec<u8>, Fault> {
        let (_, key) = self
            .keys
            .iter()
            .find(|(known, _)| known == id)
            .ok_or_else(|| Fault::new("signer", "no such key"))?;
        key.sign(&self.random, input).map_err(|fault| Fault::new("signer", fault))
    }
}
