//! Encrypted objects in compact form (RFC 7516 section 7.1): the guard. Everything about an object that can be checked
//! without a key is checked here, and nothing that fails gets as far as a cipher.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::jwk::Material;
use super::{
    ContentEncryption, Encryption, KeyManagement, KeyType, PublicJwk, decode_base64url, p256, present,
};
use crate::limits;
use crate::vocabulary::id::KeyId;
use crate::wire::json;

#[cfg(feature = "jwe")]
mod openssl;

#[cfg(feature = "jwe")]
pub use openssl::DecryptionKey;

/// Why an encrypted object was refused, or could not be made. Messages are fixed and never repeat what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JweFault {
    /// More bytes than the caller allows.
    #[error("too long")]
    TooLong,
    /// Not five parts with a dot between each.
    #[error("not five parts")]
    Parts,
    /// A part that is not base64url in its one form (RFC 7515 section 2).
    #[error("a part is not base64url in its canonical form")]
    Encoding,
    /// A header that is not strict JSON, or a member of the wrong type.
    #[error("the header is not well-formed")]
    Header,
    /// An `alg` or `enc` outside our lists.
    #[error("the algorithms are not accepted")]
    Algorithm,
    /// RFC 7516 section 4.1.13: we know no critical extensions.
    #[error("critical extensions are not supported")]
    Critical,
    /// RFC 8725 section 3.6: nothing is decompressed.
    #[error("compression is not supported")]
    Compressed,
    /// An initialisation vector, tag or encrypted key of another length than its algorithm has.
    #[error("a part has the wrong length for its algorithm")]
    Length,
    /// No ephemeral key where there must be one, one where there must be none, or one that is no point of P-256.
    #[error("the ephemeral key is not accepted")]
    EphemeralKey,
    /// The key is not one for this algorithm.
    #[error("the key does not fit the algorithm")]
    KeyMismatch,
    /// The operation failed.
    #[error("the operation failed")]
    Operation,
    /// This build has no encryption (feature `jwe`).
    #[error("this build has no encryption")]
    NotBuilt,
}

/// An encrypted object that passed the guard and has not been decrypted.
#[derive(Clone)]
pub struct Jwe {
    text: Box<str>,
    encryption: Encryption,
    kid: Option<KeyId>,
    cty: Option<String>,
    encrypted_key_bytes: usize,
}

/// Bytes of an initialisation vector and of a tag in A256GCM (RFC 7518 section 5.3).
const IV_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

impl Jwe {
    /// Reads an encrypted object in one of the algorithms on offer ([`KeyManagement::ALL`]).
    ///
    /// # Errors
    /// Those of [`Self::parse_among`].
    pub fn parse(text: &str, limit_bytes: usize) -> Result<Self, JweFault> {
        Self::parse_among(text, limit_bytes, KeyManagement::ALL)
    }

    /// Reads an encrypted object whose key is managed in one of these ways.
    ///
    /// # Errors
    /// When it is longer than `limit_bytes`, not in strict compact form, uses an algorithm outside the lists, `zip` or
    /// `crit`, or one of its parts has a length that its algorithm does not have.
    pub fn parse_among(text: &str, limit_bytes: usize, taken: &[KeyManagement]) -> Result<Self, JweFault> {
        if text.len() > limit_bytes {
            return Err(JweFault::TooLong);
        }
        let mut parts = text.split('.');
        let (Some(header), Some(key), Some(iv), Some(content), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JweFault::Parts);
        };
        if header.len() > limits::JOSE_HEADER_BYTES.div_ceil(3) * 4 {
            return Err(JweFault::TooLong);
        }
        let bytes = |part: &str| decode_base64url(part).ok_or(JweFault::Encoding);
        let header: RawHeader = json::read_strict(&bytes(header)?).map_err(|_| JweFault::Header)?;
        let encryption = header.check(taken)?;
        let encrypted_key_bytes = bytes(key)?.len();
        let key_fits = match encryption.alg {
            KeyManagement::EcdhEs => encrypted_key_bytes == 0,
            KeyManagement::RsaOaep256 | KeyManagement::RsaOaep => {
                (limits::RSA_BITS.start() / 8..=limits::RSA_BITS.end() / 8).contains(&encrypted_key_bytes)
            }
        };
        let lengths_fit = match encryption.enc {
            ContentEncryption::A256Gcm => bytes(iv)?.len() == IV_BYTES && bytes(tag)?.len() == TAG_BYTES,
        };
        bytes(content)?;
        if !(key_fits && lengths_fit) {
            return Err(JweFault::Length);
        }
        Ok(Self { text: text.into(), encryption, kid: header.kid, cty: header.cty, encrypted_key_bytes })
    }

    /// `alg` and `enc`.
    #[must_use]
    pub const fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// `kid`
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_ref().map(KeyId::as_str)
    }

    /// RFC 7519 section 5.2: whether the header says that the content is a JWT again.
    #[must_use]
    pub fn holds_jwt(&self) -> bool {
        self.cty.as_deref().is_some_and(|cty| cty.eq_ignore_ascii_case("JWT"))
    }

    /// Whether the header says that the content is something else than a JWT.
    #[must_use]
    pub fn holds_other(&self) -> bool {
        self.cty.is_some() && !self.holds_jwt()
    }

    /// The whole object as received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it can be for this key: type and length agree.
    #[must_use]
    pub fn is_for(&self, key: &PublicJwk) -> bool {
        let length_fits = match key.material() {
            Material::Rsa { n, .. } => self.encrypted_key_bytes == n.len(),
            Material::P256(_) => self.encrypted_key_bytes == 0,
            Material::Ed25519(_) => false,
        };
        key.key_type() == self.encryption.alg.key_type() && length_fits
    }
}

impl std::fmt::Debug for Jwe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jwe").field("encryption", &self.encryption).finish_non_exhaustive()
    }
}

/// Encrypts a signed JWT to a key of its reader (RFC 7519 section 5.2: signed first, `cty` `JWT`).
///
/// # Errors
/// When the key does not fit, the operation fails, or this build has no encryption.
pub fn encrypt_jwt(jwt: &str, key: &PublicJwk, encryption: Encryption) -> Result<String, JweFault> {
    if !key.fits_encryption(encryption.alg) {
        return Err(JweFault::KeyMismatch);
    }
    #[cfg(feature = "jwe")]
    return openssl::encrypt(jwt.as_bytes(), key, encryption);
    #[cfg(not(feature = "jwe"))]
    {
        let _ = jwt;
        Err(JweFault::NotBuilt)
    }
}

/// The members of a header that have a meaning here; keys and links to keys are ignored.
#[derive(Deserialize)]
struct RawHeader {
    #[serde(default, deserialize_with = "present")]
    alg: Option<String>,
    #[serde(default, deserialize_with = "present")]
    enc: Option<String>,
    #[serde(default, deserialize_with = "present")]
    kid: Option<KeyId>,
    #[serde(default, deserialize_with = "present")]
    cty: Option<String>,
    #[serde(default, deserialize_with = "present")]
    epk: Option<Epk>,
    #[serde(default, deserialize_with = "present", rename = "apu")]
    _apu: Option<Party>,
    #[serde(default, deserialize_with = "present", rename = "apv")]
    _apv: Option<Party>,
    #[serde(default, deserialize_with = "present")]
    zip: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Epk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    #[serde(default, deserialize_with = "present")]
    d: Option<IgnoredAny>,
}

/// `apu` or `apv`: base64url (RFC 7518 sections 4.6.1.2 and 4.6.1.3).
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Party;

impl TryFrom<String> for Party {
    type Error = JweFault;
    fn try_from(text: String) -> Result<Self, JweFault> {
        decode_base64url(&text).map(|_| Self).ok_or(JweFault::Encoding)
    }
}

impl RawHeader {
    fn check(&self, taken: &[KeyManagement]) -> Result<Encryption, JweFault> {
        if self.crit.is_some() {
            return Err(JweFault::Critical);
        }
        if self.zip.is_some() {
            return Err(JweFault::Compressed);
        }
        let alg = taken.iter().copied().find(|alg| self.alg.as_deref() == Some(alg.as_str()));
        let alg = alg.ok_or(JweFault::Algorithm)?;
        let enc = self.enc.as_deref().and_then(ContentEncryption::parse).ok_or(JweFault::Algorithm)?;
        let ephemeral_fits = match (alg.key_type(), &self.epk) {
            (KeyType::P256, Some(epk)) => epk.is_on_curve(),
            (KeyType::Rsa | KeyType::Ed25519, None) => true,
            (KeyType::P256, None) | (KeyType::Rsa | KeyType::Ed25519, Some(_)) => false,
        };
        if ephemeral_fits { Ok(Encryption { alg, enc }) } else { Err(JweFault::EphemeralKey) }
    }
}

impl Epk {
    fn is_on_curve(&self) -> bool {
        let coordinate =
            |text: &str| decode_base64url(text).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let named = self.kty == "EC" && self.crv == "P-256" && self.d.is_none();
        match (coordinate(&self.x), coordinate(&self.y)) {
            (Some(x), Some(y)) => named && p256::is_on_curve(&x, &y),
            (None, _) | (_, None) => false,
        }
    }
}
