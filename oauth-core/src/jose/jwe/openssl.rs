//! The ciphers behind the guard (feature `jwe`). josekit sees only what the guard let through, and everything that the
//! guard refuses is switched off here once more.

use std::fmt;

use josekit::jwe::{ECDH_ES, JweContext, JweDecrypter, JweEncrypter, JweHeader, RSA_OAEP, RSA_OAEP_256};
use josekit::jwk::{Jwk, KeyPair as _};
use zeroize::Zeroizing;

use super::{Jwe, JweFault, encrypt_jwt};
use crate::jose::{ContentEncryption, Encryption, KeyManagement, PublicJwk};
use crate::limits;
use crate::vocabulary::id::KeyId;

/// A private key for decryption, tested once when it is loaded.
pub struct DecryptionKey {
    decrypter: Box<dyn JweDecrypter>,
    /// The same key under the algorithm that is not published.
    unpublished: Option<(KeyManagement, Box<dyn JweDecrypter>)>,
    context: JweContext,
    alg: KeyManagement,
    public: PublicJwk,
}

impl DecryptionKey {
    /// Loads a PKCS#8 key from PEM, names it, and encrypts and decrypts with it once.
    ///
    /// # Errors
    /// [`JweFault::KeyMismatch`] when it is not a key for the algorithm, [`JweFault::Operation`] when it fails its test.
    pub fn from_pkcs8_pem(alg: KeyManagement, kid: &KeyId, pem: &str) -> Result<Self, JweFault> {
        let mismatch = |_| JweFault::KeyMismatch;
        let mut unpublished: Option<(KeyManagement, Box<dyn JweDecrypter>)> = None;
        let (decrypter, public): (Box<dyn JweDecrypter>, Jwk) = match alg {
            KeyManagement::RsaOaep256 => {
                let pair = RSA_OAEP_256.key_pair_from_pem(pem).map_err(mismatch)?;
                let also = RSA_OAEP.decrypter_from_pem(pem).map_err(mismatch)?;
                unpublished = Some((KeyManagement::RsaOaep, Box::new(also)));
                (Box::new(RSA_OAEP_256.decrypter_from_pem(pem).map_err(mismatch)?), pair.to_jwk_public_key())
            }
            KeyManagement::EcdhEs => {
                let pair = ECDH_ES.key_pair_from_ec_pem(pem).map_err(mismatch)?;
                (Box::new(ECDH_ES.decrypter_from_pem(pem).map_err(mismatch)?), pair.to_jwk_public_key())
            }
            KeyManagement::RsaOaep => return Err(JweFault::KeyMismatch),
        };
        let public = read(&public)?.for_encryption(kid, alg).map_err(|_| JweFault::KeyMismatch)?;
        let key = Self { decrypter, unpublished, context: narrow(), alg, public };
        key.test()?;
        Ok(key)
    }

    /// The public half, marked for encryption.
    #[must_use]
    pub const fn public(&self) -> &PublicJwk {
        &self.public
    }

    /// Decrypts. `None` for every way in which it may not work.
    #[must_use]
    pub fn decrypt(&self, jwe: &Jwe) -> Option<Zeroizing<Vec<u8>>> {
        let asked = jwe.encryption().alg;
        let unpublished = self.unpublished.as_ref().filter(|(alg, _)| *alg == asked);
        let decrypter = match unpublished {
            Some((_, decrypter)) => decrypter,
            None if asked == self.alg => &self.decrypter,
            None => return None,
        };
        if !jwe.is_for(&self.public) {
            return None;
        }
        let opened = self.context.deserialize_compact(jwe.as_str(), &**decrypter);
        opened.ok().map(|(content, _)| Zeroizing::new(content))
    }

    fn test(&self) -> Result<(), JweFault> {
        let encryption = Encryption { alg: self.alg, enc: ContentEncryption::A256Gcm };
        let sealed = encrypt_jwt(PROBE, &self.public, encryption)?;
        let opened = self.decrypt(&Jwe::parse(&sealed, limits::JWT_BYTES)?);
        if opened.is_some_and(|content| content.as_slice() == PROBE.as_bytes()) {
            Ok(())
        } else {
            Err(JweFault::Operation)
        }
    }
}

/// What a key encrypts and decrypts when it is loaded.
const PROBE: &str = "a.b.c";

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DecryptionKey").field(&self.public).finish()
    }
}

/// Encrypts to a key that fits.
pub(super) fn encrypt(content: &[u8], key: &PublicJwk, encryption: Encryption) -> Result<String, JweFault> {
    let jwk = Jwk::from_bytes(key.to_value().to_string()).map_err(|_| JweFault::KeyMismatch)?;
    let encrypter: Box<dyn JweEncrypter> = match encryption.alg {
        KeyManagement::RsaOaep256 => {
            Box::new(RSA_OAEP_256.encrypter_from_jwk(&jwk).map_err(|_| JweFault::KeyMismatch)?)
        }
        KeyManagement::EcdhEs => {
            Box::new(ECDH_ES.encrypter_from_jwk(&jwk).map_err(|_| JweFault::KeyMismatch)?)
        }
        KeyManagement::RsaOaep => return Err(JweFault::Algorithm),
    };
    let mut header = JweHeader::new();
    header.set_content_encryption(encryption.enc.as_str());
    header.set_content_type("JWT");
    narrow().serialize_compact(content, &header, &*encrypter).map_err(|_| JweFault::Operation)
}

/// Content encryptions that josekit knows and we do not use.
const SWITCHED_OFF: [&str; 5] = ["A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512", "A128GCM", "A192GCM"];

fn narrow() -> JweContext {
    let mut context = JweContext::new();
    context.remove_compression("DEF");
    for enc in SWITCHED_OFF {
        context.remove_content_encryption(enc);
    }
    context
}

fn read(jwk: &Jwk) -> Result<PublicJwk, JweFault> {
    let text = serde_json::to_vec(jwk.as_ref()).map_err(|_| JweFault::KeyMismatch)?;
    PublicJwk::read(&text).map_err(|_| JweFault::KeyMismatch)
}
