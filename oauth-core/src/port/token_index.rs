//! Issued tokens by their hash, for resource servers that ask about a token without sending it. Off unless a server is given
//! an index.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

use crate::model::token::AccessClaims;
use crate::refusal::Fault;
use crate::vocabulary::id::IllFormed;
use crate::vocabulary::time::Timestamp;

/// SHA-256 of an access token as it was sent. Written in base64url without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        let digest = digest::digest(&digest::SHA256, token.as_bytes());
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }

    /// The bytes, as a store keeps them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads base64url without padding.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn read(text: &str) -> Result<Self, IllFormed> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| IllFormed("TokenHash"))?;
        bytes.try_into().map(Self).map_err(|_| IllFormed("TokenHash"))
    }
}

/// Issued tokens by their hash. What is found is judged as any token is: its life, its grant and its consent, at every
/// question.
#[async_trait]
pub trait TokenIndex: Send + Sync {
    /// Keeps what a token says until its end. Called before the token is released.
    async fn keep(&self, hash: &TokenHash, claims: &AccessClaims, until: Timestamp) -> Result<(), Fault>;

    /// What the token of this hash says; of whatever issuer.
    async fn find(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<AccessClaims>, Fault>;
}

/// Keeps nothing, so that no token is found by its hash.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTokenIndex;

#[async_trait]
impl TokenIndex for NoTokenIndex {
    async fn keep(&self, _: &TokenHash, _: &AccessClaims, _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }

    async fn find(&self, _: &TokenHash, _: Timestamp) -> Result<Option<AccessClaims>, Fault> {
        Ok(None)
    }
}

/// The tokens of this process. After a start, and beyond its bound, tokens are not found: that fails closed, and the other
/// form of introspection still knows them.
#[derive(Debug, Default)]
pub struct MemoryTokenIndex(Mutex<HashMap<TokenHash, (AccessClaims, Timestamp)>>);

/// Tokens of one process.
const TOKENS_MAX: usize = 100_000;

#[async_trait]
impl TokenIndex for MemoryTokenIndex {
    async fn keep(&self, hash: &TokenHash, claims: &AccessClaims, until: Timestamp) -> Result<(), Fault> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= TOKENS_MAX {
            let now = Timestamp::from_seconds(claims.iat);
            known.retain(|_, (_, until)| *until > now);
        }
        if known.len() < TOKENS_MAX {
            known.insert(*hash, (claims.clone(), until));
        }
        Ok(())
    }

    async fn find(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<AccessClaims>, Fault> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(known.get(hash).filter(|(_, until)| *until > now).map(|(claims, _)| claims.clone()))
    }
}
