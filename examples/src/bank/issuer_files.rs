//! What an issuer keeps in the data directory: its signing keys and its secret.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oauth_core::jose::{Alg, SigningKey};
use oauth_core::{Client, KeyId, LocalDecrypter, LocalSigner, ServerSecret};
use ring::rand::SystemRandom;
use zeroize::Zeroizing;

use super::data_dir::DataFault;
use super::sealing;
use crate::keys::{self, KeyAlgorithm};

/// The file of the secret: made last, so that it is there only after a complete first start.
const SECRET: &str = "server.secret";

/// One issuer's keys, secret and clients.
pub struct IssuerFiles {
    signer: Arc<LocalSigner>,
    decrypter: Arc<LocalDecrypter>,
    secret: Zeroizing<[u8; 32]>,
    /// Registered clients: the demo ones and those of the deployment file.
    pub clients: Vec<Client>,
}

/// Where an issuer's files lie.
pub(super) fn directory(root: &Path, slug: &str) -> PathBuf {
    let keys = root.join("keys");
    if slug.is_empty() { keys } else { keys.join(slug) }
}

/// Whether an issuer was complete before.
pub(super) fn exist(directory: &Path) -> bool {
    directory.join(SECRET).exists()
}

/// The keys an issuer signs with; the first of an algorithm is the active one.
pub(super) fn wanted(directory: &Path, signing_alg: Alg) -> Vec<(Alg, KeyAlgorithm, PathBuf)> {
    let mut wanted = vec![
        (Alg::Es256, KeyAlgorithm::Es256, directory.join("as-es256.pem")),
        (Alg::Ps256, KeyAlgorithm::Ps256, directory.join("as-ps256.pem")),
    ];
    match signing_alg {
        Alg::EdDsa => wanted.push((Alg::EdDsa, KeyAlgorithm::Ed25519, directory.join("as-eddsa.pem"))),
        Alg::Rs256 => wanted.push((Alg::Rs256, KeyAlgorithm::Ps256, directory.join("as-rs256.pem"))),
        Alg::Es256 | Alg::Ps256 => {}
    }
    wanted
}

impl IssuerFiles {
    /// Loads what is there and makes what is missing.
    ///
    /// # Errors
    /// [`DataFault`], naming the file.
    pub(super) fn ensure(
        directory: &Path,
        signing_alg: Alg,
        clients: Vec<Client>,
        random: &SystemRandom,
    ) -> Result<Self, DataFault> {
        let wanted = wanted(directory, signing_alg);
        let files: Vec<_> = wanted.iter().map(|(_, kind, path)| (*kind, path.clone())).collect();
        let mut signing = Vec::new();
        for (made, (alg, _, path)) in keys::ensure_all(&files, random)?.into_iter().zip(&wanted) {
            let key = SigningKey::from_pkcs8_der(*alg, made.pkcs8.secret_pkcs8_der(), random)
                .map_err(|fault| unusable(path, &fault))?;
            signing.push((key_id(*alg, &key).map_err(|fault| unusable(path, &fault))?, key));
        }
        let secret = keys::ensure_secret32(&directory.join(SECRET), random)?;
        let secret = Zeroizing::new(*secret.reveal());
        let decrypter = sealing::ensure(directory, random)?;
        Ok(Self { signer: LocalSigner::new(signing), decrypter, secret, clients })
    }

    /// Signs with the issuer's keys.
    #[must_use]
    pub fn signer(&self) -> Arc<LocalSigner> {
        Arc::clone(&self.signer)
    }

    /// Opens what is encrypted to the issuer.
    #[must_use]
    pub fn decrypter(&self) -> Arc<LocalDecrypter> {
        Arc::clone(&self.decrypter)
    }

    /// The secret as it is, for services that are built again and again.
    pub(super) fn raw_secret(&self) -> Zeroizing<[u8; 32]> {
        self.secret.clone()
    }

    /// The secret as the authorization server takes it.
    #[must_use]
    pub fn server_secret(&self) -> ServerSecret {
        ServerSecret::new(self.secret.clone())
    }
}

/// A name that changes with the key: the algorithm and the beginning of the thumbprint.
fn key_id(alg: Alg, key: &SigningKey) -> Result<KeyId, oauth_core::IllFormed> {
    let name = alg.as_str().to_ascii_lowercase();
    let short: String = key.public(&KeyId::new(&name)?).thumbprint_text().chars().take(12).collect();
    KeyId::new(&format!("{name}-{short}"))
}

fn unusable(path: &Path, fault: &dyn std::fmt::Display) -> DataFault {
    DataFault::Unusable { path: path.to_owned(), message: fault.to_string() }
}
