//! Private keys in software, sealed with AES-256-GCM (NIST SP 800-38D) wherever they rest.
//!
//! The sealed form is `1 ‖ name of the sealing key (8) ‖ nonce (12) ‖ ciphertext and tag`. Issuer, name and algorithm of
//! the key are authenticated with it, so that one row of a database cannot take the place of another.

use std::sync::Arc;

use async_trait::async_trait;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::SystemRandom;
use zeroize::Zeroizing;

use crate::jose::{Alg, SigningKey};
use crate::model::signing_key::{KeyMaterial, NewKey, RingKey, key_name};
use crate::port::entropy::Entropy;
use crate::port::key_ring::{KeyVault, PrivateKey};
use crate::refusal::Fault;
use crate::vocabulary::id::KeyId;
use crate::vocabulary::uri::Issuer;

/// What private keys are sealed with: 256 secret bits that are never in the database.
pub struct KeyEncryptionKey {
    key: LessSafeKey,
    name: [u8; NAME_BYTES],
}

/// Bytes of the name of a key-encryption key.
const NAME_BYTES: usize = 8;
/// The version of the sealed form.
const VERSION: u8 = 1;

impl KeyEncryptionKey {
    /// Takes 32 bytes from a cryptographic random source.
    #[must_use]
    pub fn new(bytes: &Zeroizing<[u8; 32]>) -> Option<Self> {
        let root = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, bytes.as_slice());
        let name = ring::hmac::sign(&root, b"name of a key-encryption key");
        Some(Self {
            key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes.as_slice()).ok()?),
            name: name.as_ref().first_chunk().copied()?,
        })
    }
}

impl std::fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyEncryptionKey(…)")
    }
}

/// Makes private keys.
#[async_trait]
pub trait KeyMaker: Send + Sync {
    /// A fresh private key as PKCS#8 DER. Work of more than a millisecond does not belong on the runtime's threads.
    async fn make(&self, alg: Alg) -> Result<Zeroizing<Vec<u8>>, Fault>;
}

/// Makes keys for ES256 and `EdDSA`, at once. ring makes no RSA keys: for PS256 bring a maker of your own.
#[derive(Debug, Clone)]
pub struct RingMaker(SystemRandom);

impl Default for RingMaker {
    fn default() -> Self {
        Self(SystemRandom::new())
    }
}

#[async_trait]
impl KeyMaker for RingMaker {
    async fn make(&self, alg: Alg) -> Result<Zeroizing<Vec<u8>>, Fault> {
        match alg {
            Alg::Es256 => SigningKey::generate_es256(&self.0).map_err(fault),
            Alg::EdDsa => SigningKey::generate_ed25519(&self.0).map_err(fault),
            Alg::Ps256 | Alg::Rs256 => Err(fault("this maker has no RSA keys")),
        }
    }
}

/// Private keys in software, sealed at rest.
pub struct SealedVault {
    current: KeyEncryptionKey,
    previous: Vec<KeyEncryptionKey>,
    maker: Arc<dyn KeyMaker>,
    entropy: Arc<dyn Entropy>,
    random: SystemRandom,
}

impl SealedVault {
    /// Seals with `current`, and still opens what one of `previous` sealed.
    #[must_use]
    pub fn new(
        current: KeyEncryptionKey,
        previous: Vec<KeyEncryptionKey>,
        maker: Arc<dyn KeyMaker>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { current, previous, maker, entropy, random: SystemRandom::new() }
    }

    /// Seals a private key that was made elsewhere, under the name it has there; without one, under the name that
    /// follows from its public half.
    ///
    /// # Errors
    /// When it is no key for the algorithm.
    pub fn adopt(
        &self,
        issuer: &Issuer,
        alg: Alg,
        pkcs8: &[u8],
        kid: Option<KeyId>,
    ) -> Result<NewKey, Fault> {
        let key = SigningKey::from_pkcs8_der(alg, pkcs8, &self.random).map_err(fault)?;
        let kid = match kid {
            Some(kid) => kid,
            None => key_name(alg, &key.public(&unnamed()?)).map_err(fault)?,
        };
        let material = self.seal(issuer, &kid, alg, pkcs8)?;
        Ok(NewKey { public: key.public(&kid), kid, alg, material })
    }

    fn seal(&self, issuer: &Issuer, kid: &KeyId, alg: Alg, pkcs8: &[u8]) -> Result<KeyMaterial, Fault> {
        let drawn = self.entropy.draw()?;
        let nonce: [u8; NONCE_LEN] =
            drawn.first_chunk().copied().ok_or_else(|| fault("no random bytes for a nonce"))?;
        let mut sealed = Zeroizing::new(pkcs8.to_vec());
        let tag = self
            .current
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound_to(issuer, kid, alg)),
                &mut sealed,
            )
            .map_err(|_| fault("a key could not be sealed"))?;
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.current.name);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        bytes.extend_from_slice(tag.as_ref());
        Ok(KeyMaterial(bytes))
    }

    fn unseal(&self, issuer: &Issuer, key: &RingKey) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let material = key.material.as_ref().ok_or_else(|| fault("the private half is gone"))?;
        let (name, nonce, sealed) = parts(material).ok_or_else(|| fault("not a sealed key"))?;
        let sealing = std::iter::once(&self.current).chain(&self.previous).find(|one| one.name == name);
        let sealing = sealing.ok_or_else(|| {
            fault(format!("{} was sealed under a key-encryption key that is not here", key.kid))
        })?;
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let aad = Aad::from(bound_to(issuer, &key.kid, key.alg));
        let length = sealing
            .key
            .open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut bytes)
            .map_err(|_| fault(format!("{} was changed since it was sealed", key.kid)))?
            .len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

impl std::fmt::Debug for SealedVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealedVault(…)")
    }
}

#[async_trait]
impl KeyVault for SealedVault {
    async fn make(&self, issuer: &Issuer, alg: Alg) -> Result<NewKey, Fault> {
        let pkcs8 = self.maker.make(alg).await?;
        self.adopt(issuer, alg, &pkcs8, None)
    }

    async fn open(&self, issuer: &Issuer, key: &RingKey) -> Result<Arc<dyn PrivateKey>, Fault> {
        let pkcs8 = self.unseal(issuer, key)?;
        let opened = SigningKey::from_pkcs8_der(key.alg, &pkcs8, &self.random).map_err(fault)?;
        if opened.public(&key.kid) != key.public {
            return Err(fault(format!("{} is not the private half of what is published", key.kid)));
        }
        Ok(Arc::new(InProcess { key: opened, random: self.random.clone() }))
    }

    fn reseal(&self, issuer: &Issuer, key: &RingKey) -> Result<Option<KeyMaterial>, Fault> {
        let Some(material) = &key.material else { return Ok(None) };
        match parts(material) {
            Some((name, _, _)) if name == self.current.name => Ok(None),
            Some(_) | None => {
                let pkcs8 = self.unseal(issuer, key)?;
                self.seal(issuer, &key.kid, key.alg, &pkcs8).map(Some)
            }
        }
    }
}

/// A private key in the memory of this process.
struct InProcess {
    key: SigningKey,
    random: SystemRandom,
}

#[async_trait]
impl PrivateKey for InProcess {
    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, Fault> {
        self.key.sign(&self.random, input).map_err(|error| Fault::new("signer", error))
    }
}

/// The public half comes out of a key under some name only; the thumbprint does not look at it.
fn unnamed() -> Result<KeyId, Fault> {
    KeyId::new("unnamed").map_err(fault)
}

fn parts(material: &KeyMaterial) -> Option<([u8; NAME_BYTES], [u8; NONCE_LEN], &[u8])> {
    let (version, rest) = material.0.split_first()?;
    let (name, rest) = rest.split_first_chunk()?;
    let (nonce, sealed) = rest.split_first_chunk()?;
    (*version == VERSION).then_some((*name, *nonce, sealed))
}

fn bound_to(issuer: &Issuer, kid: &KeyId, alg: Alg) -> Vec<u8> {
    format!("signing key\0{}\0{kid}\0{alg}", issuer.as_str()).into_bytes()
}

fn fault(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::new("vault", source)
}

#[cfg(test)]
#[cfg(feature = "testkit")]
mod tests {
    use super::*;
    use crate::model::signing_key::KeyStage;
    use crate::testkit::{CountedEntropy, issuer};
    use crate::vocabulary::time::Timestamp;

    fn kek(byte: u8) -> KeyEncryptionKey {
        KeyEncryptionKey::new(&Zeroizing::new([byte; 32])).unwrap()
    }

    fn vault(current: u8, previous: &[u8]) -> SealedVault {
        let previous = previous.iter().map(|byte| kek(*byte)).collect();
        let entropy = Arc::new(CountedEntropy::default());
        SealedVault::new(kek(current), previous, Arc::new(RingMaker::default()), entropy)
    }

    async fn made(vault: &SealedVault) -> RingKey {
        let new = vault.make(&issuer(), Alg::Es256).await.unwrap();
        RingKey::begin(new, KeyStage::Active, Timestamp::EPOCH)
    }

    #[tokio::test]
    async fn what_is_sealed_opens_and_signs() {
        let vault = vault(1, &[]);
        let key = made(&vault).await;
        assert_eq!(vault.open(&issuer(), &key).await.unwrap().sign(b"x").await.unwrap().len(), 64);
    }

    #[tokio::test]
    async fn a_sealed_key_opens_for_nobody_else_under_no_other_name_and_not_when_changed() {
        let vault = vault(1, &[]);
        let key = made(&vault).await;
        let other_issuer = Issuer::new("https://other.example").unwrap();
        assert!(vault.open(&other_issuer, &key).await.is_err());
        let renamed = RingKey { kid: KeyId::new("es256-other").unwrap(), ..key.clone() };
        assert!(vault.open(&issuer(), &renamed).await.is_err());
        let swapped = RingKey { public: made(&vault).await.public, ..key.clone() };
        assert!(vault.open(&issuer(), &swapped).await.is_err());
        let bytes = key.material.clone().unwrap().0;
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let changed = RingKey { material: Some(KeyMaterial(changed)), ..key.clone() };
            assert!(vault.open(&issuer(), &changed).await.is_err(), "byte {index}");
        }
        let cut = RingKey { material: Some(KeyMaterial(bytes[..20].to_vec())), ..key.clone() };
        assert!(vault.open(&issuer(), &cut).await.is_err());
    }

    #[tokio::test]
    async fn the_sealed_form_shows_nothing_of_the_private_key() {
        let vault = vault(1, &[]);
        let pkcs8 = RingMaker::default().make(Alg::Es256).await.unwrap();
        let new = vault.adopt(&issuer(), Alg::Es256, &pkcs8, None).unwrap();
        let secret = &pkcs8[36..68];
        assert!(pkcs8.windows(32).any(|window| window == secret));
        assert!(!new.material.0.windows(8).any(|window| secret.windows(8).any(|part| part == window)));
        assert_eq!(format!("{:?}", new.material), "KeyMaterial(…)");
    }

    #[tokio::test]
    async fn after_a_change_of_the_sealing_key_old_keys_open_and_are_sealed_anew() {
        let key = made(&vault(1, &[])).await;
        let later = vault(2, &[1]);
        assert!(later.open(&issuer(), &key).await.is_ok());
        let anew = later.reseal(&issuer(), &key).unwrap().unwrap();
        let resealed = RingKey { material: Some(anew), ..key.clone() };
        assert_eq!(later.reseal(&issuer(), &resealed).unwrap(), None);
        let last = vault(2, &[]);
        assert!(last.open(&issuer(), &resealed).await.is_ok());
        assert!(last.open(&issuer(), &key).await.is_err());
    }
}
