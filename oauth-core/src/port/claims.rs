//! Replay protection: what may be used once is claimed by the first to show it.

use async_trait::async_trait;

use crate::refusal::Fault;
use crate::vocabulary::id::ClientId;
use crate::vocabulary::time::Timestamp;
use crate::vocabulary::uri::Issuer;

/// Replay protection for assertions and proofs.
///
/// Called once per request, as soon as assertion and proof are verified, with all keys of that request.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Inserts every key that is absent, each until its own instant. [`Claimed::SeenBefore`] when any was present;
    /// the others may have been inserted by then.
    ///
    /// # Errors
    /// When the store cannot be asked or does not answer in time. The caller must refuse.
    async fn claim(&self, once: &[Once], now: Timestamp) -> Result<Claimed, Fault>;

    /// Since when the store has remembered everything: what was issued before may have been used already and is
    /// refused. A durable store answers [`Timestamp::EPOCH`].
    ///
    /// # Errors
    /// When the store cannot be asked.
    async fn remembers_since(&self, now: Timestamp) -> Result<Timestamp, Fault>;
}

/// What a claim found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// Nobody had shown any of these before.
    First,
    /// At least one had been shown before.
    SeenBefore,
}

/// A key that may be claimed once, and until when it must be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// SHA-256 over kind, issuer, owner and identifier.
    pub key: [u8; 32],
    /// When it was issued, as it says and as the epoch rule judges it. [`Timestamp::FAR_FUTURE`] when nobody has said.
    pub issued: Timestamp,
    /// Until when it could still be accepted: window plus skew.
    pub until: Timestamp,
}

impl Once {
    /// The `jti` of a client assertion, owned by the client (RFC 7523 section 3).
    #[must_use]
    pub fn assertion(issuer: &Issuer, client: &ClientId, jti: &str, until: Timestamp) -> Self {
        Self::new(key("assertion", issuer, client.as_str().as_bytes(), jti), until)
    }

    /// The `jti` of a request object, owned by the client (RFC 7519 section 4.1.7).
    #[must_use]
    pub fn request_object(issuer: &Issuer, client: &ClientId, jti: &str, until: Timestamp) -> Self {
        Self::new(key("request object", issuer, client.as_str().as_bytes(), jti), until)
    }

    /// The `jti` of a DPoP proof, owned by its key (RFC 9449 section 11.1).
    #[must_use]
    pub fn proof(issuer: &Issuer, thumbprint: &[u8; 32], jti: &str, until: Timestamp) -> Self {
        Self::new(key("proof", issuer, thumbprint, jti), until)
    }

    /// The signature of an HTTP message, owned by the client (RFC 9421 section 7.2.2).
    #[must_use]
    pub fn message(issuer: &Issuer, client: &ClientId, fingerprint: &[u8; 32], until: Timestamp) -> Self {
        Self::new(key("message", issuer, fingerprint, client.as_str()), until)
    }

    /// The same, issued at this instant.
    #[must_use]
    pub const fn issued(self, at: Timestamp) -> Self {
        Self { issued: at, ..self }
    }

    const fn new(key: [u8; 32], until: Timestamp) -> Self {
        Self { key, issued: Timestamp::FAR_FUTURE, until }
    }
}

fn key(kind: &str, issuer: &Issuer, owner: &[u8], id: &str) -> [u8; 32] {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    for part in [kind.as_bytes(), issuer.as_str().as_bytes(), owner, id.as_bytes()] {
        hash.update(&part.len().to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    bytes
}
