//! Where the chain stood, signed by the bank.

use std::fmt;

use oauth_core::jose::{Alg, Header, JwkSet, Jws, KeyFault, PublicJwk, SigningKey, compact};
use oauth_core::{KeyId, Timestamp};
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};

use super::chain::{ChainHash, Link};

/// Where the chain stood at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last row there was.
    pub link: Link,
    /// When.
    pub at: Timestamp,
}

/// The media type of a signed checkpoint, so that it cannot be taken for any other signed object of the bank.
const TYPE: &str = "mandate-audit-checkpoint+jwt";
/// Bytes of a signed checkpoint.
const BYTES_MAX: usize = 2048;

/// A checkpoint as it is signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    position: u64,
    hash: String,
    at_ms: i64,
}

impl Checkpoint {
    /// Reads a signed checkpoint: a JWS in compact form by one of these keys.
    ///
    /// # Errors
    /// [`CheckpointFault`].
    pub fn read(text: &str, keys: &JwkSet) -> Result<Self, CheckpointFault> {
        let signed = Jws::parse(text, BYTES_MAX).map_err(|_| CheckpointFault::Malformed)?;
        if !signed.is_typed(TYPE) {
            return Err(CheckpointFault::Malformed);
        }
        let verified = signed.verify_by(keys).map_err(|_| CheckpointFault::Signature)?;
        let claims: Claims = verified.claims().map_err(|_| CheckpointFault::Malformed)?;
        let hash = ChainHash::read(&claims.hash).ok_or(CheckpointFault::Malformed)?;
        let link = Link { position: claims.position, hash };
        Ok(Self { link, at: Timestamp::from_millis(claims.at_ms) })
    }
}

/// Why a text is not a checkpoint of this bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointFault {
    /// It is no signed checkpoint at all.
    #[error("not a signed checkpoint")]
    Malformed,
    /// No key of the bank made its signature.
    #[error("not signed by a key of this bank")]
    Signature,
    /// The key does not sign.
    #[error("the key of the audit trail does not sign")]
    Key,
}

/// The key that signs checkpoints. It serves nothing else and does not lie in the database.
pub struct CheckpointKey {
    key: SigningKey,
    kid: KeyId,
    random: SystemRandom,
}

impl CheckpointKey {
    /// A P-256 key as PKCS#8 DER; its name is its thumbprint (RFC 7638).
    ///
    /// # Errors
    /// When it is no such key.
    pub fn new(pkcs8: &[u8]) -> Result<Self, KeyFault> {
        let random = SystemRandom::new();
        let key = SigningKey::from_pkcs8_der(Alg::Es256, pkcs8, &random)?;
        let draft = KeyId::new("audit").map_err(|_| KeyFault::Rejected)?;
        let kid = KeyId::new(&key.public(&draft).thumbprint_text()).map_err(|_| KeyFault::Rejected)?;
        Ok(Self { key, kid, random })
    }

    /// The public half, for auditors.
    #[must_use]
    pub fn public(&self) -> PublicJwk {
        self.key.public(&self.kid)
    }

    /// A checkpoint, signed.
    ///
    /// # Errors
    /// [`CheckpointFault::Key`].
    pub fn sign(&self, checkpoint: &Checkpoint) -> Result<String, CheckpointFault> {
        let header = Header { alg: Alg::Es256, kid: self.kid.clone(), typ: Some(TYPE) }.encode();
        let Checkpoint { link, at } = checkpoint;
        let claims = Claims { position: link.position, hash: link.hash.to_string(), at_ms: at.millis() };
        compact(&header, &claims, |input| self.key.sign(&self.random, input))
            .map_err(|_| CheckpointFault::Key)
    }
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckpointKey({})", self.kid)
    }
}
