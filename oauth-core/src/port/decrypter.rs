//! Decryption with our keys. Called while gathering, for what a client encrypted to us.

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::jose::{Jwe, PublicJwk};
use crate::refusal::Fault;

/// Decryption with our keys.
#[async_trait]
pub trait Decrypter: Send + Sync {
    /// The public keys to publish, each with `use` `enc` (RFC 7517 section 4.2).
    fn published(&self) -> Vec<PublicJwk>;

    /// Decrypts what passed the guard of [`Jwe::parse`].
    ///
    /// # Errors
    /// When the device that holds the key fails. That the object does not decrypt is no error but
    /// [`Opened::Refused`], the same whatever the reason.
    async fn decrypt(&self, jwe: &Jwe) -> Result<Opened, Fault>;
}

/// What came of an encrypted object.
pub enum Opened {
    /// Its content.
    Content(Zeroizing<Vec<u8>>),
    /// It is not for a key of ours, or it was damaged. Nobody learns which.
    Refused,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Content(_) => f.write_str("Content(…)"),
            Self::Refused => f.write_str("Refused"),
        }
    }
}

/// No decryption keys: the default of a server that takes nothing encrypted.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDecrypter;

#[async_trait]
impl Decrypter for NoDecrypter {
    fn published(&self) -> Vec<PublicJwk> {
        Vec::new()
    }

    async fn decrypt(&self, _jwe: &Jwe) -> Result<Opened, Fault> {
        Ok(Opened::Refused)
    }
}

/// Decrypts with keys held in this process.
#[cfg(feature = "jwe")]
#[derive(Debug)]
pub struct LocalDecrypter(Vec<crate::jose::DecryptionKey>);

#[cfg(feature = "jwe")]
impl LocalDecrypter {
    /// Decrypts with these keys.
    #[must_use]
    pub fn new(keys: Vec<crate::jose::DecryptionKey>) -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self(keys))
    }
}

#[cfg(feature = "jwe")]
#[async_trait]
impl Decrypter for LocalDecrypter {
    fn published(&self) -> Vec<PublicJwk> {
        self.0.iter().map(|key| key.public().clone()).collect()
    }

    async fn decrypt(&self, jwe: &Jwe) -> Result<Opened, Fault> {
        let named = |key: &&crate::jose::DecryptionKey| {
            jwe.kid().is_none_or(|kid| key.public().kid().is_some_and(|own| own.as_str() == kid))
        };
        let opened = self.0.iter().filter(named).find_map(|key| key.decrypt(jwe));
        Ok(opened.map_or(Opened::Refused, Opened::Content))
    }
}
