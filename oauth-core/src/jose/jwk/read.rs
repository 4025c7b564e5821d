//! Reading a JWK: which members count, and what a key must be to be accepted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{JwkFault, KeyAlg, KeyUse, Material, PublicJwk, key_type_of};
use crate::jose::{Alg, decode_base64url, encode_base64url, present};
use crate::limits;
use crate::vocabulary::id::KeyId;

impl PublicJwk {
    pub(in crate::jose) fn from_raw(raw: RawJwk) -> Result<Self, JwkFault> {
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

/// The members we look at, as sent. Others are ignored (RFC 7517 section 4). The private ones are read only to be
/// noticed, whatever their type.
#[derive(Deserialize)]
pub(in crate::jose) struct RawJwk {
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

pub(super) fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), JwkFault> {
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
pub(super) fn is_small_order(mut point: [u8; 32]) -> bool {
    if let Some(last) = point.last_mut() {
        *last &= 0x7f;
    }
    SMALL_ORDER.contains(&point)
}

/// Every encoding of a point of small order, without the sign bit.
pub(super) const SMALL_ORDER: [[u8; 32]; 7] = [
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
