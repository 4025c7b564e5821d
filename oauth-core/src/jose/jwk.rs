//! Public keys (RFC 7517, RFC 7518 section 6, RFC 8037 section 2), read strictly and kept as the verifier needs them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde::de::{self, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Alg, decode_base64url, encode_base64url, p256, present};
use crate::limits;
use crate::vocabulary::id::KeyId;
use crate::wire::json::{self, JsonFault};

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
    /// An RSA modulus outside [`limits::RSA_BITS`].
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
    /// A set with more keys than [`limits::KEYS_PER_SET`].
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

    pub(super) fn from_raw(raw: RawJwk) -> Result<Self, JwkFault> {
        if raw.kty == "oct" {
            return Err(JwkFault::Symmetric);
        }
        let private = [&raw.d, &raw.p, &raw.q, &raw.dp, &raw.dq, &raw.qi, &raw.oth, &raw.k];
        if private.iter().any(|member| member.is_some()) {
            return Err(JwkFault::Private);
        }
        let key = match (raw.kty.as_str(), raw.crv.as_deref()) {
            ("RSA", _) => Self::from_rsa(&bytes(raw.n.as_deref())?, &bytes(raw.e.as_deref())?),
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes(raw.x.as_deref())?, bytes(raw.y.as_deref())?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(JwkFault::Encoding);
                }
                Self::from_p256(&[&[0x04], x.as_slice(), y.as_slice()].concat())
            }
            ("OKP", Some("Ed25519")) => Self::from_ed25519(&bytes(raw.x.as_deref())?),
            ("EC" | "OKP", None) => Err(JwkFault::Incomplete),
            _ => Err(JwkFault::Unsupported),
        }?;
        let alg = raw.alg.as_deref().map(KeyAlg::read).transpose()?;
        let key_use = purpose(raw.key_use.as_deref(), raw.key_ops.as_deref())?;
        if let Some(KeyAlg::Signature(alg)) = alg
            && (key_type_of(alg) != key.key_type() || key_use == Some(KeyUse::Encryption))
        {
            return Err(JwkFault::Purpose);
        }
        let x5c = chain(raw.x5c.as_deref(), raw.x5t_s256.as_deref(), &key)?;
        Ok(Self { kid: raw.kid, key_use, alg, x5c, ..key })
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

/// The members we look at, as sent. Others are ignored (RFC 7517 section 4). The private ones are read only to be
/// noticed, whatever their type.
#[derive(Deserialize)]
pub(super) struct RawJwk {
    kty: String,
    #[serde(default, deserialize_with = "present")]
    kid: Option<KeyId>,
    #[serde(default, deserialize_with = "present", rename = "use")]
    key_use: Option<String>,
    #[serde(default, deserialize_with = "present")]
    key_ops: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    alg: Option<String>,
    #[serde(default, deserialize_with = "present")]
    x5c: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present", rename = "x5t#S256")]
    x5t_s256: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crv: Option<String>,
    #[serde(default, deserialize_with = "present")]
    x: Option<String>,
    #[serde(default, deserialize_with = "present")]
    y: Option<String>,
    #[serde(default, deserialize_with = "present")]
    n: Option<String>,
    #[serde(default, deserialize_with = "present")]
    e: Option<String>,
    #[serde(default, deserialize_with = "present")]
    d: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    p: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    q: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    dp: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    dq: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    qi: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    oth: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    k: Option<IgnoredAny>,
}

impl KeyUse {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "sig",
            Self::Encryption => "enc",
        }
    }
}

impl KeyAlg {
    fn read(name: &str) -> Result<Self, JwkFault> {
        match Alg::parse(name) {
            Some(alg) => Ok(Self::Signature(alg)),
            None if name.len() <= ALG_NAME_BYTES && name.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self::Other(name.into()))
            }
            None => Err(JwkFault::Purpose),
        }
    }
}

/// Longer than every registered name of an algorithm.
const ALG_NAME_BYTES: usize = 64;

const fn key_type_of(alg: Alg) -> KeyType {
    match alg {
        Alg::Ps256 | Alg::Rs256 => KeyType::Rsa,
        Alg::Es256 => KeyType::P256,
        Alg::EdDsa => KeyType::Ed25519,
    }
}

/// RFC 7517 sections 4.2 and 4.3: what the key is for, if both members agree and no operation is named twice.
fn purpose(key_use: Option<&str>, key_ops: Option<&[String]>) -> Result<Option<KeyUse>, JwkFault> {
    let mut purpose = match key_use {
        None => None,
        Some("sig") => Some(KeyUse::Signature),
        Some("enc") => Some(KeyUse::Encryption),
        Some(_) => return Err(JwkFault::Purpose),
    };
    let ops = key_ops.unwrap_or_default();
    for (index, op) in ops.iter().enumerate() {
        let implied = match op.as_str() {
            "verify" | "sign" => KeyUse::Signature,
            "encrypt" | "decrypt" | "wrapKey" | "unwrapKey" | "deriveKey" | "deriveBits" => {
                KeyUse::Encryption
            }
            _ => return Err(JwkFault::Purpose),
        };
        let is_repeated = ops.iter().skip(index + 1).any(|other| other == op);
        if is_repeated || *purpose.get_or_insert(implied) != implied {
            return Err(JwkFault::Purpose);
        }
    }
    Ok(purpose)
}

/// RFC 7517 sections 4.7 and 4.9. That the first certificate carries this very key is judged by its bytes being in
/// there, which finds a wrong certificate; a chain of trust is not built from it.
fn chain(x5c: Option<&[String]>, x5t_s256: Option<&str>, key: &PublicJwk) -> Result<Vec<Vec<u8>>, JwkFault> {
    let Some(texts) = x5c else {
        return Ok(Vec::new());
    };
    let longest = limits::CERTIFICATE_BYTES.div_ceil(3) * 4;
    if texts.len() > limits::CHAIN_CERTIFICATES || texts.iter().any(|text| text.len() > longest) {
        return Err(JwkFault::Certificate);
    }
    let decoded: Result<Vec<Vec<u8>>, _> = texts.iter().map(|text| STANDARD.decode(text)).collect();
    let chain = decoded.map_err(|_| JwkFault::Certificate)?;
    let own = chain.first().ok_or(JwkFault::Certificate)?;
    let needle: &[u8] = match &key.material {
        Material::Rsa { n, .. } => n,
        Material::P256(point) => point,
        Material::Ed25519(point) => point,
    };
    let digest = digest::digest(&digest::SHA256, own);
    let named = x5t_s256.is_none_or(|text| text == encode_base64url(digest.as_ref()));
    if named && own.windows(needle.len()).any(|window| window == needle) {
        Ok(chain)
    } else {
        Err(JwkFault::Certificate)
    }
}

fn bytes(text: Option<&str>) -> Result<Vec<u8>, JwkFault> {
    decode_base64url(text.ok_or(JwkFault::Incomplete)?).ok_or(JwkFault::Encoding)
}

fn coordinates(point: &[u8; 65]) -> (String, String) {
    let [_, coordinates @ ..] = point;
    let (x, y) = coordinates.split_at(32);
    (encode_base64url(x), encode_base64url(y))
}

fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), JwkFault> {
    let (Some(n_high @ 1..), Some(1..)) = (n.first(), e.first()) else {
        return Err(JwkFault::Encoding);
    };
    let spare = usize::try_from(n_high.leading_zeros()).unwrap_or_default();
    if !limits::RSA_BITS.contains(&(n.len() * 8 - spare)) {
        return Err(JwkFault::RsaSize);
    }
    if n.last().is_none_or(|low| low % 2 == 0) {
        return Err(JwkFault::RsaModulus);
    }
    let exponent =
        if e.len() > 4 { 0 } else { e.iter().fold(0, |value: u32, byte| value << 8 | u32::from(*byte)) };
    if exponent > 65_536 && exponent % 2 == 1 { Ok(()) } else { Err(JwkFault::RsaExponent) }
}

/// Whether the order of the point divides eight. Under such a key one signature fits every message, or every eighth.
fn is_small_order(mut point: [u8; 32]) -> bool {
    if let Some(last) = point.last_mut() {
        *last &= 0x7f;
    }
    SMALL_ORDER.contains(&point)
}

/// Every encoding of a point of small order, without the sign bit.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    edge(0x01, 0x00, 0x00),
    edge(0xec, 0xff, 0x7f),
    edge(0xed, 0xff, 0x7f),
    edge(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

const fn edge(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut point = [middle; 32];
    point[0] = first;
    point[31] = last;
    point
}

#[cfg(test)]
mod tests;
