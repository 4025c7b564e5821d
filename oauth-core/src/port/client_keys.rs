//! The public keys of clients. Called while identifying, and wherever something of a client's is verified or something is
//! encrypted to it.
//!
//! A client that registered its keys inline is answered from the registration, without waiting and without a copy. One
//! that registered `jwks_uri` (RFC 7591 section 2) is answered by the adapter, which fetches and remembers.

use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;

use crate::jose::{Alg, JwkSet, KeyUse};
use crate::model::binding::Thumbprint;
use crate::model::client::{Client, RegisteredKeys};
use crate::vocabulary::https_url::HttpsUrl;
use crate::vocabulary::id::{ClientId, KeyId};
use crate::vocabulary::time::Timestamp;

/// Where the keys of clients with `jwks_uri` come from.
#[async_trait]
pub trait ClientKeys: Send + Sync {
    /// The key set that `client` publishes at `uri`. A set without a key that [answers](KeyHint::is_answered_by) the hint
    /// may be out of date; an adapter looks again, but not for every caller that asks.
    ///
    /// # Errors
    /// [`KeysFault`]. What went wrong is for the log; callers of an endpoint learn only that it failed.
    async fn published(
        &self,
        client: &ClientId,
        uri: &HttpsUrl,
        hint: KeyHint<'_>,
        now: Timestamp,
    ) -> Result<Arc<JwkSet>, KeysFault>;
}

/// What the keys are wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHint<'a> {
    /// To verify a signature.
    Signature {
        /// `kid` of its header.
        kid: Option<&'a str>,
        /// `alg` of its header.
        alg: Alg,
    },
    /// To verify a signature whose key says its algorithm (RFC 9421 section 3.3.7): `keyid`, when it names one.
    Message(Option<&'a str>),
    /// To recognise a self-signed certificate (RFC 8705 section 2.2): by the certificate itself where the key is
    /// registered with one, by its key otherwise.
    Certificate {
        /// Thumbprint of the certificate.
        certificate: Thumbprint,
        /// Thumbprint of its key (RFC 7638), when the key is of a kind we register.
        key: Option<&'a [u8; 32]>,
    },
    /// To encrypt to the client: a key with `use` `enc`.
    Encryption,
}

impl KeyHint<'_> {
    /// Whether a set holds a key of this description.
    #[must_use]
    pub fn is_answered_by(self, set: &JwkSet) -> bool {
        match self {
            Self::Signature { kid, alg } => set.candidates(kid, alg).next().is_some(),
            Self::Message(keyid) => {
                let is_named = |own: &KeyId| keyid.is_none_or(|keyid| keyid == own.as_str());
                set.keys().iter().any(|key| key.kid().is_some_and(is_named))
            }
            Self::Certificate { certificate, key: own } => {
                set.keys().iter().any(|key| match key.x5c().first() {
                    Some(registered) => Thumbprint::of(registered) == certificate,
                    None => Some(&key.thumbprint()) == own,
                })
            }
            Self::Encryption => set.keys().iter().any(|key| key.key_use() == Some(KeyUse::Encryption)),
        }
    }
}

/// Why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysFault {
    /// The client's set cannot be fetched, is not one, or was not there a moment ago.
    #[error("the client's key set cannot be had: {0}")]
    Unavailable(String),
    /// Too many sets are being fetched; nothing is known about this one.
    #[error("too many key sets are being fetched")]
    Busy,
}

/// The keys of one client, for one request.
#[derive(Debug, Clone)]
pub enum HeldKeys<'a> {
    /// Those of its registration.
    Registered(&'a JwkSet),
    /// Those it publishes.
    Published(Arc<JwkSet>),
}

impl Deref for HeldKeys<'_> {
    type Target = JwkSet;
    fn deref(&self) -> &JwkSet {
        match self {
            Self::Registered(set) => set,
            Self::Published(set) => set,
        }
    }
}

impl dyn ClientKeys + '_ {
    /// The keys of a client, wherever it registered them.
    ///
    /// # Errors
    /// [`KeysFault`], for a client with `jwks_uri` only.
    pub async fn of<'c>(
        &self,
        client: &'c Client,
        hint: KeyHint<'_>,
        now: Timestamp,
    ) -> Result<HeldKeys<'c>, KeysFault> {
        match &client.keys {
            RegisteredKeys::Inline(set) => Ok(HeldKeys::Registered(set)),
            RegisteredKeys::At(uri) => {
                self.published(&client.id, uri, hint, now).await.map(HeldKeys::Published)
            }
        }
    }
}

/// For servers that call nobody: only keys registered inline are known.
#[derive(Debug, Clone, Copy, Default)]
pub struct InlineKeys;

#[async_trait]
impl ClientKeys for InlineKeys {
    async fn published(
        &self,
        _client: &ClientId,
        _uri: &HttpsUrl,
        _hint: KeyHint<'_>,
        _now: Timestamp,
    ) -> Result<Arc<JwkSet>, KeysFault> {
        Err(KeysFault::Unavailable("this server fetches no keys".to_owned()))
    }
}
