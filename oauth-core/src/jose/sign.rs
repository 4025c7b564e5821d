//! Making signed objects: keys, headers and the compact form (RFC 7515 sections 5.1 and 7.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SecureRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Alg, JwkFault, Jws, PublicJwk, encode_base64url};
use crate::limits;
use crate::vocabulary::id::KeyId;

/// Why a private key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// Not one PEM block `PRIVATE KEY` (RFC 7468 section 10).
    #[error("not one PEM block PRIVATE KEY")]
    Pem,
    /// Not a PKCS#8 key for the algorithm. An elliptic-curve key must hold its public key as well.
    #[error("not a PKCS#8 private key for this algorithm")]
    Rejected,
    /// The public half is not a key that we would accept from others.
    #[error("the public half is not acceptable")]
    Public(#[from] JwkFault),
    /// A signature made with the key did not verify.
    #[error("a signature made with the key does not verify")]
    SelfTest,
}

/// Why nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignFault {
    /// The key operation failed, for want of random bytes or memory.
    #[error("the key operation failed")]
    Operation,
    /// The claims have no JSON form.
    #[error("the claims cannot be written as JSON")]
    Claims,
}

/// A private key for signatures, tested once when it is loaded.
pub struct SigningKey {
    pair: Pair,
    alg: Alg,
    public: PublicJwk,
}

enum Pair {
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Loads a PKCS#8 key from PEM.
    ///
    /// # Errors
    /// When it is not a key for the algorithm, or fails its test.
    pub fn from_pkcs8_pem(alg: Alg, pem: &str, rng: &dyn SecureRandom) -> Result<Self, KeyFault> {
        let der = read_pem(pem).ok_or(KeyFault::Pem)?;
        Self::from_pkcs8_der(alg, &der, rng)
    }

    /// Loads a PKCS#8 key from DER, and signs and verifies with it once.
    ///
    /// # Errors
    /// When it is not a key for the algorithm, or fails its test.
    pub fn from_pkcs8_der(alg: Alg, der: &[u8], rng: &dyn SecureRandom) -> Result<Self, KeyFault> {
        let (pair, public) = match alg {
            Alg::Ps256 | Alg::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| KeyFault::Rejected)?;
                let public: PublicKeyComponents<Vec<u8>> = pair.public().into();
                let padding: &'static dyn RsaEncoding =
                    if alg == Alg::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                (Pair::Rsa(Box::new(pair), padding), PublicJwk::from_rsa(&public.n, &public.e)?)
            }
            Alg::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, rng)
                    .map_err(|_| KeyFault::Rejected)?;
                let public = PublicJwk::from_p256(pair.public_key().as_ref())?;
                (Pair::P256(pair), public)
            }
            Alg::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| KeyFault::Rejected)?;
                let public = PublicJwk::from_ed25519(pair.public_key().as_ref())?;
                (Pair::Ed25519(pair), public)
            }
        };
        let key = Self { pair, alg, public };
        key.test(rng)?;
        Ok(key)
    }

    /// A fresh P-256 key as PKCS#8 DER.
    ///
    /// # Errors
    /// When the source of random bytes fails.
    pub fn generate_es256(rng: &dyn SecureRandom) -> Result<Zeroizing<Vec<u8>>, SignFault> {
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, rng)
            .map(|document| Zeroizing::new(document.as_ref().to_vec()))
            .map_err(|_| SignFault::Operation)
    }

    /// A fresh Ed25519 key as PKCS#8 DER.
    ///
    /// # Errors
    /// When the source of random bytes fails.
    pub fn generate_ed25519(rng: &dyn SecureRandom) -> Result<Zeroizing<Vec<u8>>, SignFault> {
        Ed25519KeyPair::generate_pkcs8(rng)
            .map(|document| Zeroizing::new(document.as_ref().to_vec()))
            .map_err(|_| SignFault::Operation)
    }

    /// The algorithm this key signs with.
    #[must_use]
    pub const fn alg(&self) -> Alg {
        self.alg
    }

    /// The public half under this name, marked for signatures with this algorithm.
    #[must_use]
    pub fn public(&self, kid: &KeyId) -> PublicJwk {
        let public = self.public.clone();
        public.clone().for_signatures(kid, self.alg).unwrap_or(public)
    }

    /// Signs bytes: 64 bytes for ES256 and `EdDSA`, as many as the modulus for RSA.
    ///
    /// # Errors
    /// When the key operation fails.
    pub fn sign(&self, rng: &dyn SecureRandom, input: &[u8]) -> Result<Vec<u8>, SignFault> {
        match &self.pair {
            Pair::Rsa(pair, padding) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(*padding, rng, input, &mut signature).map_err(|_| SignFault::Operation)?;
                Ok(signature)
            }
            Pair::P256(pair) => {
                let signature = pair.sign(rng, input).map_err(|_| SignFault::Operation)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => Ok(pair.sign(input).as_ref().to_vec()),
        }
    }

    fn test(&self, rng: &dyn SecureRandom) -> Result<(), KeyFault> {
        let header =
            EncodedHeader::of_members(&Map::from_iter([("alg".to_owned(), self.alg.as_str().into())]));
        let token = compact(&header, &(), |input| self.sign(rng, input)).map_err(|_| KeyFault::SelfTest)?;
        let verified = Jws::parse(&token, limits::JWT_BYTES).and_then(|jws| jws.verify(&self.public));
        verified.map(drop).map_err(|_| KeyFault::SelfTest)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.alg)
    }
}

/// The header of an object we sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The algorithm of the key.
    pub alg: Alg,
    /// The name of the key in our published set.
    pub kid: KeyId,
    /// What the object is (RFC 8725 section 3.11), so that it cannot be taken for another.
    pub typ: Option<&'static str>,
}

impl Header {
    /// The header as it stands in the object. It depends on the key and the type only: encode once, sign often.
    #[must_use]
    pub fn encode(&self) -> EncodedHeader {
        let mut members = Map::new();
        members.insert("alg".to_owned(), self.alg.as_str().into());
        members.insert("kid".to_owned(), self.kid.as_str().into());
        if let Some(typ) = self.typ {
            members.insert("typ".to_owned(), typ.into());
        }
        EncodedHeader::of_members(&members)
    }
}

/// A header in base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedHeader(String);

impl EncodedHeader {
    /// Header and claims, ready to be signed: for signers that answer later.
    ///
    /// # Errors
    /// [`SignFault::Claims`] when the claims have no JSON form.
    pub fn signing_input(&self, claims: &impl Serialize) -> Result<SigningInput, SignFault> {
        let mut payload = Vec::with_capacity(PAYLOAD_BYTES_EXPECTED);
        serde_json::to_writer(&mut payload, claims).map_err(|_| SignFault::Claims)?;
        Ok(self.signing_bytes(&payload))
    }

    /// As [`EncodedHeader::signing_input`], for a payload that is already bytes.
    #[must_use]
    pub fn signing_bytes(&self, payload: &[u8]) -> SigningInput {
        let length = self.0.len() + payload.len().div_ceil(3) * 4 + SIGNATURE_CHARS_MAX + 2;
        let mut text = String::with_capacity(length);
        text.push_str(&self.0);
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut text);
        SigningInput(text)
    }

    fn of_members(members: &Map<String, Value>) -> Self {
        Self(encode_base64url(Value::Object(members.clone()).to_string().as_bytes()))
    }
}

/// Room reserved for claims, so that most are written without growing the buffer.
const PAYLOAD_BYTES_EXPECTED: usize = 1024;
/// Characters of a signature by the largest RSA key.
const SIGNATURE_CHARS_MAX: usize = 684;

/// What is signed (RFC 7515 section 5.1 step 8).
#[derive(Debug)]
pub struct SigningInput(String);

impl SigningInput {
    /// The bytes to sign.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The compact form with this signature.
    #[must_use]
    pub fn complete(self, signature: &[u8]) -> String {
        let mut text = self.0;
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        text
    }
}

/// Writes and signs an object in compact form.
///
/// # Errors
/// When the claims have no JSON form or `sign` fails.
pub fn compact<E: From<SignFault>>(
    header: &EncodedHeader,
    claims: &impl Serialize,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<String, E> {
    let input = header.signing_input(claims)?;
    let signature = sign(input.as_bytes())?;
    Ok(input.complete(&signature))
}

/// RFC 7468 section 10. Text around the block is allowed, a second block is not.
fn read_pem(pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, after) = rest.split_once("-----END PRIVATE KEY-----")?;
    if after.contains("-----BEGIN") {
        return None;
    }
    let mut text = Zeroizing::new(String::with_capacity(body.len()));
    text.extend(body.split(['\r', '\n', ' ', '\t']));
    STANDARD.decode(text.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests;
