//! Signed objects in compact form (RFC 7515 section 7.1): one strict reader, one verifier.

use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::jwk::{Material, RawJwk};
use super::{Alg, JwkFault, JwkSet, PublicJwk, decode_base64url, present};
use crate::limits;
use crate::vocabulary::id::KeyId;
use crate::wire::json::{self, JsonFault};

/// Why a signed object was refused. Messages are fixed and never repeat what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoseFault {
    /// More bytes than the caller allows.
    #[error("too long")]
    TooLong,
    /// Not three parts with a dot between each; five would be an encrypted object.
    #[error("not three parts")]
    Parts,
    /// A part that is not base64url in its one form (RFC 7515 section 2).
    #[error("a part is not base64url in its canonical form")]
    Encoding,
    /// A header that is not strict JSON, or a member of the wrong type.
    #[error("the header is not well-formed")]
    Header(JsonFault),
    /// No `alg`, or one outside our list; `none` is one of those.
    #[error("the algorithm is not accepted")]
    Algorithm,
    /// `kid` is empty, too long, or holds characters that no key identifier has.
    #[error("the key identifier is not well-formed")]
    KeyId,
    /// RFC 7515 section 4.1.11: `crit` names extensions that we would have to understand. We know none.
    #[error("critical extensions are not supported")]
    Critical,
    /// RFC 7797: `b64` changes what is signed.
    #[error("unencoded payloads are not supported")]
    Unencoded,
    /// `zip` belongs to encryption only.
    #[error("compression is not supported")]
    Compressed,
    /// No `jwk` in the header of an object that must carry its key.
    #[error("the header carries no key")]
    EmbeddedKeyMissing,
    /// The `jwk` in the header is not a public key that we accept.
    #[error("the key in the header is not accepted")]
    EmbeddedKey(JwkFault),
    /// The key's type, `alg` or `use` does not allow this algorithm.
    #[error("the key does not fit the algorithm")]
    KeyMismatch,
    /// No key of the set has this `kid` and fits the algorithm. Fetching the set anew may help.
    #[error("no key fits the key identifier and the algorithm")]
    NoKey,
    /// The signature is not one by this key over these bytes, or has the wrong length.
    #[error("the signature does not verify")]
    Signature,
    /// A payload that is not strict JSON, or not the claims expected.
    #[error("the claims are not well-formed")]
    Claims(JsonFault),
}

/// A signed object that has been read and not yet verified: of its payload nothing can be seen.
#[derive(Clone)]
pub struct Jws {
    text: Box<str>,
    signed_bytes: usize,
    header: KnownHeader,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// A payload whose signature has been verified. Only [`Jws::verify`] and [`Jws::verify_by`] make one.
#[derive(Clone)]
pub struct Verified {
    payload: Vec<u8>,
    alg: Alg,
}

impl Jws {
    /// Reads a signed object. A key, a certificate or a link to either in its header is not looked at.
    ///
    /// # Errors
    /// When it is longer than `limit_bytes`, not in strict compact form, or its header is not acceptable.
    pub fn parse(text: &str, limit_bytes: usize) -> Result<Self, JoseFault> {
        let parts = Parts::split(text, limit_bytes)?;
        let raw: RawHeader<IgnoredAny> = parts.header()?;
        parts.assemble(text, raw.check()?, None)
    }

    /// Reads a signed object that carries its own key in `jwk`, as a DPoP proof does (RFC 9449 section 4.2). That
    /// such a key verifies the object proves possession of the key and nothing else.
    ///
    /// # Errors
    /// As [`Jws::parse`], and when the key is missing or not acceptable.
    pub fn parse_with_embedded_key(text: &str, limit_bytes: usize) -> Result<Self, JoseFault> {
        let parts = Parts::split(text, limit_bytes)?;
        let mut raw: RawHeader<RawJwk> = parts.header()?;
        let jwk = raw.jwk.take();
        let known = raw.check()?;
        let key =
            PublicJwk::from_raw(jwk.ok_or(JoseFault::EmbeddedKeyMissing)?).map_err(JoseFault::EmbeddedKey)?;
        parts.assemble(text, known, Some(key))
    }

    /// `alg`: what the sender claims to have used. Whether it may, the caller's policy says.
    #[must_use]
    pub const fn alg(&self) -> Alg {
        self.header.alg
    }

    /// `kid`
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header.kid.as_ref().map(KeyId::as_str)
    }

    /// `typ`, as sent. Compare it with [`Jws::is_typed`].
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// `cty`, as sent.
    #[must_use]
    pub fn cty(&self) -> Option<&str> {
        self.header.cty.as_deref()
    }

    /// RFC 7515 section 4.1.9: whether `typ` is this media type. Case does not matter, and `application/` may be left
    /// out.
    #[must_use]
    pub fn is_typed(&self, subtype: &str) -> bool {
        self.typ().is_some_and(|typ| {
            let prefix = "application/";
            let bare = match typ.get(..prefix.len()) {
                Some(start) if start.eq_ignore_ascii_case(prefix) => {
                    typ.get(prefix.len()..).unwrap_or_default()
                }
                _ => typ,
            };
            bare.eq_ignore_ascii_case(subtype)
        })
    }

    /// The key the object carries, if it was read by [`Jws::parse_with_embedded_key`].
    #[must_use]
    pub const fn embedded_key(&self) -> Option<&PublicJwk> {
        self.header.jwk.as_ref()
    }

    /// The whole object as received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Verifies the signature with one key.
    ///
    /// # Errors
    /// [`JoseFault::KeyMismatch`] when the key is not for this algorithm, [`JoseFault::Signature`] when it did not
    /// make the signature.
    pub fn verify(&self, key: &PublicJwk) -> Result<Verified, JoseFault> {
        let signed = self.text.get(..self.signed_bytes).unwrap_or_default().as_bytes();
        key.verify(self.header.alg, signed, &self.signature)?;
        Ok(Verified { payload: self.payload.clone(), alg: self.header.alg })
    }

    /// Verifies the signature with whichever key of a set made it.
    ///
    /// # Errors
    /// [`JoseFault::NoKey`] when none comes into question, [`JoseFault::Signature`] when none of those made it.
    pub fn verify_by(&self, keys: &JwkSet) -> Result<Verified, JoseFault> {
        let mut fault = JoseFault::NoKey;
        for key in keys.candidates(self.kid(), self.header.alg) {
            match self.verify(key) {
                Ok(verified) => return Ok(verified),
                Err(refused) => fault = refused,
            }
        }
        Err(fault)
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }
}

impl PublicJwk {
    /// Verifies a bare signature in the form of RFC 7518 section 3.
    ///
    /// # Errors
    /// [`JoseFault::KeyMismatch`] when the key is not for this algorithm, [`JoseFault::Signature`] when it did not
    /// make the signature.
    pub fn verify(&self, alg: Alg, signed: &[u8], signature: &[u8]) -> Result<(), JoseFault> {
        if !self.fits(alg) {
            return Err(JoseFault::KeyMismatch);
        }
        let outcome = match (self.material(), alg) {
            (Material::Rsa { n, e }, Alg::Ps256) => {
                PublicKeyComponents { n, e }.verify(&RSA_PSS_2048_8192_SHA256, signed, signature)
            }
            (Material::Rsa { n, e }, Alg::Rs256) => {
                PublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
            }
            (Material::P256(point), Alg::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature)
            }
            (Material::Ed25519(point), Alg::EdDsa) => {
                UnparsedPublicKey::new(&ED25519, point).verify(signed, signature)
            }
            (Material::Rsa { .. } | Material::P256(_) | Material::Ed25519(_), _) => {
                return Err(JoseFault::KeyMismatch);
            }
        };
        outcome.map_err(|_| JoseFault::Signature)
    }
}

impl Verified {
    /// The payload as claims.
    ///
    /// # Errors
    /// [`JoseFault::Claims`] when it is not strict JSON or not a `T`.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JoseFault> {
        json::read_strict(&self.payload).map_err(JoseFault::Claims)
    }

    /// The payload as bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.payload
    }

    /// The algorithm that the signature verified under.
    #[must_use]
    pub const fn alg(&self) -> Alg {
        self.alg
    }
}

impl std::fmt::Debug for Jws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jws").field("alg", &self.header.alg).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verified").field("alg", &self.alg).finish_non_exhaustive()
    }
}

/// The members of a header that have a meaning here. `jku`, `x5u`, `x5c`, `x5t` and unknown names are ignored.
#[derive(Deserialize)]
#[serde(bound(deserialize = "Key: Deserialize<'de>"))]
struct RawHeader<Key> {
    #[serde(default, deserialize_with = "present")]
    alg: Option<String>,
    #[serde(default, deserialize_with = "present")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    cty: Option<String>,
    #[serde(default, deserialize_with = "present")]
    jwk: Option<Key>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    b64: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    zip: Option<IgnoredAny>,
}

#[derive(Clone)]
struct KnownHeader {
    alg: Alg,
    kid: Option<KeyId>,
    typ: Option<String>,
    cty: Option<String>,
    jwk: Option<PublicJwk>,
}

impl<Key> RawHeader<Key> {
    fn check(self) -> Result<KnownHeader, JoseFault> {
        if self.crit.is_some() {
            return Err(JoseFault::Critical);
        }
        if self.b64.is_some() {
            return Err(JoseFault::Unencoded);
        }
        if self.zip.is_some() {
            return Err(JoseFault::Compressed);
        }
        let alg = self.alg.as_deref().and_then(Alg::parse).ok_or(JoseFault::Algorithm)?;
        let kid = self.kid.as_deref().map(KeyId::new).transpose().map_err(|_| JoseFault::KeyId)?;
        Ok(KnownHeader { alg, kid, typ: self.typ, cty: self.cty, jwk: None })
    }
}

struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str, limit_bytes: usize) -> Result<Self, JoseFault> {
        if text.len() > limit_bytes {
            return Err(JoseFault::TooLong);
        }
        let mut parts = text.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(header), Some(payload), Some(signature), None) => Ok(Self { header, payload, signature }),
            _ => Err(JoseFault::Parts),
        }
    }

    fn header<T: DeserializeOwned>(&self) -> Result<T, JoseFault> {
        if self.header.len() > limits::JOSE_HEADER_BYTES.div_ceil(3) * 4 {
            return Err(JoseFault::TooLong);
        }
        let bytes = decode_base64url(self.header).ok_or(JoseFault::Encoding)?;
        json::read_strict(&bytes).map_err(JoseFault::Header)
    }

    fn assemble(&self, text: &str, known: KnownHeader, jwk: Option<PublicJwk>) -> Result<Jws, JoseFault> {
        let signature = decode_base64url(self.signature).ok_or(JoseFault::Encoding)?;
        let length_fits = match known.alg {
            Alg::Es256 | Alg::EdDsa => signature.len() == 64,
            Alg::Ps256 | Alg::Rs256 => {
                (limits::RSA_BITS.start() / 8..=limits::RSA_BITS.end() / 8).contains(&signature.len())
            }
        };
        if !length_fits {
            return Err(JoseFault::Signature);
        }
        Ok(Jws {
            text: text.into(),
            signed_bytes: self.header.len() + 1 + self.payload.len(),
            header: KnownHeader { jwk, ..known },
            payload: decode_base64url(self.payload).ok_or(JoseFault::Encoding)?,
            signature,
        })
    }
}

#[cfg(test)]
mod tests;
