//! Signing keys of a client, over josekit.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::{EcCurve, EcKeyPair};
use josekit::jwk::alg::ed::{EdCurve, EdKeyPair};
use josekit::jwk::alg::rsa::RsaKeyPair;
use josekit::jws::{ES256, EdDSA, HS256, JwsSigner, PS256, RS256};
use serde_json::{Map, Value, json};

use crate::{Doing as _, Trouble};

const RSA_BITS: u32 = 2048;

/// The algorithms of FAPI 2.0 Security Profile section 5.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alg {
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519 under its older name.
    EdDsa,
}

impl Alg {
    /// The name in a JOSE header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of this name; `Ed25519` is read as an alias (RFC 9864).
    ///
    /// # Errors
    /// For every other name.
    pub fn named(name: &str) -> Result<Self, Trouble> {
        match name {
            "PS256" => Ok(Self::Ps256),
            "ES256" => Ok(Self::Es256),
            "EdDSA" | "Ed25519" => Ok(Self::EdDsa),
            _ => Err(Trouble::new(format!("{name} is no algorithm of the profile"))),
        }
    }
}

/// A key pair with the name under which its public half is registered.
#[derive(Clone)]
pub struct Key {
    alg: Alg,
    id: String,
    pair: Jwk,
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({} {})", self.alg.name(), self.id)
    }
}

impl Key {
    /// A fresh key pair.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn generate(alg: Alg, id: &str) -> Result<Self, Trouble> {
        let pair = match alg {
            Alg::Ps256 => RsaKeyPair::generate(RSA_BITS).map(|pair| pair.to_jwk_key_pair()),
            Alg::Es256 => EcKeyPair::generate(EcCurve::P256).map(|pair| pair.to_jwk_key_pair()),
            Alg::EdDsa => EdKeyPair::generate(EdCurve::Ed25519).map(|pair| pair.to_jwk_key_pair()),
        };
        Ok(Self { alg, id: id.to_owned(), pair: pair.doing("generate a key")? })
    }

    /// A key pair from PKCS#8 in PEM (RFC 5958, RFC 7468 section 10).
    ///
    /// # Errors
    /// When the PEM holds no key for this algorithm.
    pub fn from_pem(alg: Alg, id: &str, pem: &str) -> Result<Self, Trouble> {
        let pair = match alg {
            Alg::Ps256 => RsaKeyPair::from_pem(pem).map(|pair| pair.to_jwk_key_pair()),
            Alg::Es256 => EcKeyPair::from_pem(pem, Some(EcCurve::P256)).map(|pair| pair.to_jwk_key_pair()),
            Alg::EdDsa => return Self::ed25519(id, pem),
        };
        Ok(Self { alg, id: id.to_owned(), pair: pair.doing(format!("read the key {id}"))? })
    }

    /// OpenSSL 3.0 does not read the newer PKCS#8 that carries the public key; the seed stands at a fixed mark.
    fn ed25519(id: &str, pem: &str) -> Result<Self, Trouble> {
        let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(text).doing(format!("read the key {id}"))?;
        let mark = [0x04, 0x22, 0x04, 0x20];
        let at = der.windows(mark.len()).position(|window| window == mark).map(|at| at + mark.len());
        let seed = at.and_then(|at| der.get(at..at + 32)).doing(format!("find the Ed25519 key {id}"))?;
        let mut plain = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
        plain.extend(mark);
        plain.extend(seed);
        let pair = EdKeyPair::from_der(plain).doing(format!("read the key {id}"))?;
        Ok(Self { alg: Alg::EdDsa, id: id.to_owned(), pair: pair.to_jwk_key_pair() })
    }

    /// Its algorithm.
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// Its `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The members that make the public key, and no other.
    pub fn public(&self) -> Value {
        self.members(&["kty", "crv", "x", "y", "n", "e"])
    }

    /// The public key as a client registers it: with `kid`, `use` and `alg`.
    pub fn registered(&self) -> Value {
        let mut key = self.public();
        if let Some(members) = key.as_object_mut() {
            members.insert("kid".into(), json!(self.id));
            members.insert("use".into(), json!("sig"));
            members.insert("alg".into(), json!(self.alg.name()));
        }
        key
    }

    /// The private key, for the mistake of sending it (RFC 9449 section 4.3, step 7).
    pub fn exposed(&self) -> Value {
        self.members(&["kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi"])
    }

    /// SHA-256 thumbprint, base64url (RFC 7638 section 3): required members only, in lexical order.
    pub fn thumbprint(&self) -> String {
        thumbprint(&self.public())
    }

    /// A signature by the key's own algorithm.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Trouble> {
        self.sign_as(self.alg.name(), message)
    }

    /// A signature by an algorithm that the key was not registered for: `RS256` with an RSA key, `HS256` keyed with
    /// the public key, or `none`.
    ///
    /// # Errors
    /// When the key cannot be used that way.
    pub fn sign_as(&self, alg: &str, message: &[u8]) -> Result<Vec<u8>, Trouble> {
        let doing = || format!("sign as {alg} with {self:?}");
        let signer: Box<dyn JwsSigner> = match alg {
            "PS256" => Box::new(PS256.signer_from_jwk(&self.pair).doing(doing())?),
            "ES256" => Box::new(ES256.signer_from_jwk(&self.pair).doing(doing())?),
            "EdDSA" | "Ed25519" => Box::new(EdDSA.signer_from_jwk(&self.pair).doing(doing())?),
            "RS256" => Box::new(RS256.signer_from_jwk(&self.pair).doing(doing())?),
            "HS256" => Box::new(HS256.signer_from_bytes(self.public().to_string()).doing(doing())?),
            "none" => return Ok(Vec::new()),
            _ => return Err(Trouble::new(doing())),
        };
        signer.sign(message).doing(doing())
    }

    fn members(&self, names: &[&str]) -> Value {
        let present =
            names.iter().filter_map(|name| Some(((*name).to_owned(), self.pair.parameter(name)?.clone())));
        let mut members: Map<String, Value> = present.collect();
        members.insert("kty".into(), json!(self.pair.key_type()));
        Value::Object(members)
    }
}

/// SHA-256, base64url without padding: `ath`, `code_challenge`, `jkt`.
pub fn sha256(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, bytes))
}

/// Thumbprint of a public JWK (RFC 7638 section 3).
pub fn thumbprint(jwk: &Value) -> String {
    let names: &[&str] = match jwk.get("kty").and_then(Value::as_str) {
        Some("RSA") => &["e", "kty", "n"],
        Some("EC") => &["crv", "kty", "x", "y"],
        _ => &["crv", "kty", "x"],
    };
    let members: Vec<String> =
        names.iter().filter_map(|name| Some(format!("{}:{}", json!(name), jwk.get(name)?))).collect();
    sha256(format!("{{{}}}", members.join(",")).as_bytes())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const ALGS: [Alg; 3] = [Alg::Ps256, Alg::Es256, Alg::EdDsa];

    #[test]
    fn the_thumbprint_is_the_one_printed_in_rfc_7638() {
        let key = json!({
            "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZ\
                  CiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJ\
                  ZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBn\
                  iIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        });
        assert_eq!(thumbprint(&key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn keys_of_every_make_are_read_from_pkcs8() {
        use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
        for (alg, made) in [(Alg::Es256, &PKCS_ECDSA_P256_SHA256), (Alg::EdDsa, &PKCS_ED25519)] {
            let pem = KeyPair::generate_for(made).unwrap().serialize_pem();
            let key = Key::from_pem(alg, "k", &pem).unwrap();
            assert!(!key.sign(b"m").unwrap().is_empty());
            assert!(key.public().get("d").is_none() && key.exposed().get("d").is_some());
        }
        let rsa = RsaKeyPair::generate(RSA_BITS).unwrap().to_pem_private_key();
        let key = Key::from_pem(Alg::Ps256, "k", &String::from_utf8(rsa).unwrap()).unwrap();
        assert_eq!(key.sign(b"m").unwrap().len(), 256);
        assert!(
            Key::from_pem(Alg::Es256, "k", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
                .is_err()
        );
    }

    #[test]
    fn a_key_never_shows_its_private_half_in_debug() {
        for alg in ALGS {
            let key = Key::generate(alg, "k1").unwrap();
            assert_eq!(format!("{key:?}"), format!("Key({} k1)", alg.name()));
        }
    }
}
