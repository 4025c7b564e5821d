//! Signatures with our keys. Called before the one write of a request, so that a failure changes nothing.

use std::sync::Arc;

use async_trait::async_trait;

use crate::jose::{Alg, PublicJwk, SigningKey};
use crate::refusal::Fault;
use crate::vocabulary::id::KeyId;
use crate::vocabulary::time::Timestamp;

/// Signatures with our keys. The keys may change while the server runs; each answer is about this moment.
#[async_trait]
pub trait Signer: Send + Sync {
    /// The public keys to publish and to accept (RFC 7517 section 5). A pointer: called for every token.
    fn published(&self) -> Arc<[PublicJwk]>;

    /// The key that signs with this algorithm now; `None` when there is none.
    fn active(&self, alg: Alg) -> Option<KeyId>;

    /// Signs. Must end in bounded time; a device that does not answer is a fault.
    ///
    /// # Errors
    /// When the key is gone or the signing device fails.
    async fn sign(&self, key: &KeyId, input: &[u8]) -> Result<Vec<u8>, Fault>;

    /// Whether what this signer knows may be out of date, so that [`Signer::refresh`] comes first. Asked for every
    /// signature and every token.
    fn currency(&self, _now: Timestamp) -> Currency {
        Currency::Current
    }

    /// Looks where the keys stand now.
    ///
    /// # Errors
    /// When that cannot be told. Nothing is signed or accepted then.
    async fn refresh(&self, _wanted: Wanted) -> Result<(), Fault> {
        Ok(())
    }
}

/// Whether a signer's knowledge is good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Currency {
    /// It is.
    Current,
    /// It may be out of date.
    Aged,
}

/// Why a signer is asked to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// What it knows has [aged](Currency::Aged).
    Current,
    /// A key was named that it does not know.
    UnknownKey,
}

impl dyn Signer + '_ {
    /// Looks again when what the signer knows has aged. Comes before [`Signer::active`] and before a signature is judged.
    ///
    /// # Errors
    /// As [`Signer::refresh`].
    pub async fn settle(&self, now: Timestamp) -> Result<(), Fault> {
        match self.currency(now) {
            Currency::Current => Ok(()),
            Currency::Aged => self.refresh(Wanted::Current).await,
        }
    }
}

/// Signs with keys held in this process, which stay what they are.
pub struct LocalSigner {
    keys: Vec<(KeyId, SigningKey)>,
    published: Arc<[PublicJwk]>,
    random: ring::rand::SystemRandom,
}

impl LocalSigner {
    /// Signs with these keys; the first of an algorithm is the active one.
    #[must_use]
    pub fn new(keys: Vec<(KeyId, SigningKey)>) -> Arc<Self> {
        let published = keys.iter().map(|(id, key)| key.public(id)).collect();
        Arc::new(Self { keys, published, random: ring::rand::SystemRandom::new() })
    }
}

impl std::fmt::Debug for LocalSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

#[async_trait]
impl Signer for LocalSigner {
    fn published(&self) -> Arc<[PublicJwk]> {
        Arc::clone(&self.published)
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
