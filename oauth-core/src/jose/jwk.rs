//! Public keys (RFC 7517, RFC 7518 section 6, RFC 8037 section 2), read strictly and kept as the verifier needs them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde::de;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Alg, KeyManagement, encode_base64url, p256};
use crate::vocabulary::id::KeyId;
use crate::wire::json::{self, JsonFault};

mod read;

pub(super) use read::RawJwk;
use read::{check_rsa, is_small_order};

/// Why a key was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkFault {
    /// Not a JWK in strict JSON.
    #[error("not a JWK")]
    Json(#[from] JsonFault),
    /// A kind of key or a curve that we do not use.
    #[error("a key type or curve that is not supported")]
    Unsupported,
    /// A symmetric key where a public one belongs.
    #[error("a symmetric key where a public key belongs")]
    Symmetric,
    /// Members of the private key came along.
    #[error("holds members of the private key")]
    Private,
    /// A parameter of the key type is absent.
    #[error("a parameter of the key is missing")]
    Incomplete,
    /// Not canonical base64url, or not of the length the key type demands (RFC 7518 section 6).
    #[error("a parameter of the key is not in its one encoding")]
    Encoding,
    /// An RSA modulus outside [`RSA_BITS`](crate::limits::RSA_BITS).
    #[error("an RSA modulus of a size that is not accepted")]
    RsaSize,
    /// An even RSA modulus.
    #[error("an RSA modulus that is even")]
    RsaModulus,
    /// FIPS 186-5 appendix A.1.1: the exponent is odd and above 65536; ours is below 2³² to bound the work.
    #[error("an RSA exponent that is not accepted")]
    RsaExponent,
    /// The coordinates are no point of the curve.
    #[error("not a point of the curve")]
    OffCurve,
    /// An Ed25519 key under which anyone can sign (RFC 8032 section 8.7, RFC 7748 section 6.1).
    #[error("a point of small order")]
    SmallOrder,
    /// `use`, `key_ops` or `alg` contradict each other or the key type (RFC 7517 sections 4.2 to 4.4).
    #[error("use, key_ops and alg do not fit together")]
    Purpose,
    /// `x5c` is malformed, or its first certificate is for another key (RFC 7517 section 4.7).
    #[error("the certificate does not belong to the key")]
    Certificate,
    /// A set with more keys than [`KEYS_PER_SET`](crate::limits::KEYS_PER_SET).
    #[error("too many keys")]
    TooMany,
    /// A set without any usable key.
    #[error("no usable key")]
    Empty,
    /// Two keys of a set have the same `kid`, or one has none.
    #[error("key identifiers are missing or repeated")]
    Ids,
}

/// The kinds of keys that we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// RSA.
    Rsa,
    /// Elliptic curve P-256.
    P256,
    /// Ed25519.
    Ed25519,
}

/// `use` of a key (RFC 7517 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyUse {
    /// `sig`
    Signature,
    /// `enc`
    Encryption,
}

/// A public key that passed every check: right encoding, right size, on its curve.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicJwk {
    material: Material,
    kid: Option<KeyId>,
    key_use: Option<KeyUse>,
    alg: Option<KeyAlg>,
    x5c: Vec<Vec<u8>>,
}

/// The bytes the verifier takes, so that a verification parses nothing.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Material {
    /// Modulus and exponent, big-endian without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// 0x04, x, y.
    P256([u8; 65]),
    Ed25519([u8; 32]),
}

/// `alg` of a key may name an algorithm outside our list, for instance one for encryption.
#[derive(Clone, PartialEq, Eq)]
enum KeyAlg {
    Signature(Alg),
    Other(Box<str>),
}

impl PublicJwk {
    /// Reads one JWK.
    ///
    /// # Errors
    /// When it is not strict JSON or not a public key that we accept; see [`JwkFault`].
    pub fn read(bytes: &[u8]) -> Result<Self, JwkFault> {
        Self::from_raw(json::read_strict(bytes)?)
    }

    pub(super) fn from_tree(tree: Value) -> Result<Self, JwkFault> {
        match tree.get("kty").and_then(Value::as_str) {
            Some("RSA" | "EC" | "OKP") | None => Self::from_raw(json::from_tree(tree)?),
            Some("oct") => Err(JwkFault::Symmetric),
            Some(_) => Err(JwkFault::Unsupported),
        }
    }

    /// From an RSA modulus and exponent, big-endian without leading zeros.
    ///
    /// # Errors
    /// When the size or a value is not accepted.
    pub fn from_rsa(n: &[u8], e: &[u8]) -> Result<Self, JwkFault> {
        check_rsa(n, e)?;
        Ok(Self::bare(Material::Rsa { n: n.to_vec(), e: e.to_vec() }))
    }

    /// From an uncompressed P-256 point: 0x04 and two coordinates of 32 bytes.
    ///
    /// # Errors
    /// When it is not one, or not on the curve.
    pub fn from_p256(point: &[u8]) -> Result<Self, JwkFault> {
        let point: [u8; 65] = point.try_into().map_err(|_| JwkFault::Encoding)?;
        let [0x04, coordinates @ ..] = point else {
            return Err(JwkFault::Encoding);
        };
        let ([x, y], []) = coordinates.as_chunks::<32>() else {
            return Err(JwkFault::Encoding);
        };
        if !p256::is_on_curve(x, y) {
            return Err(JwkFault::OffCurve);
        }
        Ok(Self::bare(Material::P256(point)))
    }

    /// From an Ed25519 public key of 32 bytes.
    ///
    /// # Errors
    /// When the length is another, or the point has a small order.
    pub fn from_ed25519(point: &[u8]) -> Result<Self, JwkFault> {
        let point: [u8; 32] = point.try_into().map_err(|_| JwkFault::Encoding)?;
        if is_small_order(point) {
            return Err(JwkFault::SmallOrder);
        }
        Ok(Self::bare(Material::Ed25519(point)))
    }

    /// The same key under this name, for signatures with this algorithm only.
    ///
    /// # Errors
    /// [`JwkFault::Purpose`] when the algorithm needs another type of key.
    pub fn for_signatures(self, kid: &KeyId, alg: Alg) -> Result<Self, JwkFault> {
        if self.key_type() != key_type_of(alg) {
            return Err(JwkFault::Purpose);
        }
        Ok(Self {
            kid: Some(kid.clone()),
            key_use: Some(KeyUse::Signature),
            alg: Some(KeyAlg::Signature(alg)),
            ..self
        })
    }

    /// The same key under this name, for encryption to its owner only.
    ///
    /// # Errors
    /// [`JwkFault::Purpose`] when the algorithm needs another type of key.
    pub fn for_encryption(self, kid: &KeyId, alg: KeyManagement) -> Result<Self, JwkFault> {
        if self.key_type() != alg.key_type() {
            return Err(JwkFault::Purpose);
        }
        Ok(Self {
            kid: Some(kid.clone()),
            key_use: Some(KeyUse::Encryption),
            alg: Some(KeyAlg::Other(alg.as_str().into())),
            ..self
        })
    }

    /// Whether its owner may be sent what is encrypted with this algorithm: the type agrees, and `use` or `alg` says
    /// that the key is for encryption.
    #[must_use]
    pub fn fits_encryption(&self, alg: KeyManagement) -> bool {
        let named = self.alg().map(|name| name == alg.as_str());
        let meant = match self.key_use {
            Some(KeyUse::Encryption) => named.unwrap_or(true),
            Some(KeyUse::Signature) => false,
            None => named.unwrap_or(false),
        };
        meant && self.key_type() == alg.key_type()
    }

    /// What kind of key it is.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        match self.material {
            Material::Rsa { .. } => KeyType::Rsa,
            Material::P256(_) => KeyType::P256,
            Material::Ed25519(_) => KeyType::Ed25519,
        }
    }

    /// `kid` (RFC 7517 section 4.5).
    #[must_use]
    pub const fn kid(&self) -> Option<&KeyId> {
        self.kid.as_ref()
    }

    /// What the key is for, by its `use` or, without one, its `key_ops`.
    #[must_use]
    pub const fn key_use(&self) -> Option<KeyUse> {
        self.key_use
    }

    /// `alg` (RFC 7517 section 4.4), whether or not we know it.
    #[must_use]
    pub fn alg(&self) -> Option<&str> {
        self.alg.as_ref().map(|alg| match alg {
            KeyAlg::Signature(alg) => alg.as_str(),
            KeyAlg::Other(name) => name,
        })
    }

    /// `x5c` (RFC 7517 section 4.7) as DER, the key's own certificate first. Never a reason to trust the key.
    #[must_use]
    pub fn x5c(&self) -> &[Vec<u8>] {
        &self.x5c
    }

    /// Whether a signature with this algorithm may be checked with this key: type, `alg` and `use` all agree.
    #[must_use]
    pub fn fits(&self, alg: Alg) -> bool {
        self.key_type() == key_type_of(alg)
            && self.key_use != Some(KeyUse::Encryption)
            && self.alg.as_ref().is_none_or(|own| *own == KeyAlg::Signature(alg))
    }

    /// RFC 7638: SHA-256 over the required members in alphabetical order.
    #[must_use]
    pub fn thumbprint(&self) -> [u8; 32] {
        let members = match &self.material {
            Material::Rsa { n, e } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode_base64url(e), encode_base64url(n))
            }
            Material::P256(point) => {
                let (x, y) = coordinates(point);
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Material::Ed25519(x) => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode_base64url(x))
            }
        };
        let mut thumbprint = [0; 32];
        thumbprint.copy_from_slice(digest::digest(&digest::SHA256, members.as_bytes()).as_ref());
        thumbprint
    }

    /// The thumbprint in base64url, as `cnf.jkt` and `dpop_jkt` carry it (RFC 9449 sections 6.1 and 10).
    #[must_use]
    pub fn thumbprint_text(&self) -> String {
        encode_base64url(&self.thumbprint())
    }

    /// The JWK as published or confirmed: public members only.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, text: String| members.insert(name.to_owned(), Value::String(text));
        match &self.material {
            Material::Rsa { n, e } => {
                put("kty", "RSA".to_owned());
                put("n", encode_base64url(n));
                put("e", encode_base64url(e));
            }
            Material::P256(point) => {
                let (x, y) = coordinates(point);
                put("kty", "EC".to_owned());
                put("crv", "P-256".to_owned());
                put("x", x);
                put("y", y);
            }
            Material::Ed25519(x) => {
                put("kty", "OKP".to_owned());
                put("crv", "Ed25519".to_owned());
                put("x", encode_base64url(x));
            }
        }
        if let Some(kid) = &self.kid {
            put("kid", kid.as_str().to_owned());
        }
        if let Some(key_use) = self.key_use {
            put("use", key_use.as_str().to_owned());
        }
        if let Some(alg) = self.alg() {
            put("alg", alg.to_owned());
        }
        if !self.x5c.is_empty() {
            let chain = self.x5c.iter().map(|der| Value::String(STANDARD.encode(der))).collect();
            members.insert("x5c".to_owned(), Value::Array(chain));
        }
        Value::Object(members)
    }

    pub(super) const fn material(&self) -> &Material {
        &self.material
    }

    const fn bare(material: Material) -> Self {
        Self { material, kid: None, key_use: None, alg: None, x5c: Vec::new() }
    }
}

impl fmt::Debug for PublicJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicJwk")
            .field("key_type", &self.key_type())
            .field("kid", &self.kid)
            .field("thumbprint", &self.thumbprint_text())
            .finish_non_exhaustive()
    }
}

impl Serialize for PublicJwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PublicJwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawJwk::deserialize(deserializer).and_then(|raw| Self::from_raw(raw).map_err(de::Error::custom))
    }
}

impl KeyUse {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "sig",
            Self::Encryption => "enc",
        }
    }
}

const fn key_type_of(alg: Alg) -> KeyType {
    match alg {
        Alg::Ps256 | Alg::Rs256 => KeyType::Rsa,
        Alg::Es256 => KeyType::P256,
        Alg::EdDsa => KeyType::Ed25519,
    }
}

fn coordinates(point: &[u8; 65]) -> (String, String) {
    let [_, coordinates @ ..] = point;
    let (x, y) = coordinates.split_at(32);
    (encode_base64url(x), encode_base64url(y))
}

#[cfg(test)]
mod tests;
