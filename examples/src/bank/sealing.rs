//! The keys that others encrypt to: made once, beside the signing keys, and used for nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oauth_core::jose::{DecryptionKey, KeyManagement};
use oauth_core::{KeyId, LocalDecrypter};
use ring::rand::SystemRandom;

use super::data_dir::DataFault;
use crate::keys::{self, KeyAlgorithm};

/// Each file, how it is made, and what it opens.
const KEYS: [(&str, KeyAlgorithm, KeyManagement); 2] = [
    ("as-rsa-oaep-256.pem", KeyAlgorithm::Ps256, KeyManagement::RsaOaep256),
    ("as-ecdh-es.pem", KeyAlgorithm::Es256, KeyManagement::EcdhEs),
];

/// The files of a directory, for a first start that makes all keys at once.
pub(super) fn wanted(directory: &Path) -> Vec<(KeyAlgorithm, PathBuf)> {
    KEYS.iter().map(|(file, algorithm, _)| (*algorithm, directory.join(file))).collect()
}

/// Loads the decryption keys of this directory and makes those that are missing. Blocks.
///
/// # Errors
/// [`DataFault`], naming the file.
pub fn ensure(directory: &Path, random: &SystemRandom) -> Result<Arc<LocalDecrypter>, DataFault> {
    let wanted = wanted(directory);
    keys::ensure_all(&wanted, random)?;
    let mut loaded = Vec::new();
    for ((_, path), (_, _, alg)) in wanted.iter().zip(KEYS) {
        let unusable = |message: String| DataFault::Unusable { path: path.clone(), message };
        let pem = keys::read_secret(path)?.ok_or_else(|| unusable("was not made".to_owned()))?;
        let pem = String::from_utf8(pem).map_err(|_| unusable("not PEM".to_owned()))?;
        let kid = name(alg, &pem).ok_or_else(|| unusable("cannot be named".to_owned()))?;
        loaded.push(
            DecryptionKey::from_pkcs8_pem(alg, &kid, &pem).map_err(|fault| unusable(fault.to_string()))?,
        );
    }
    Ok(LocalDecrypter::new(loaded))
}

/// The algorithm and the beginning of the thumbprint, as the signing keys are named.
fn name(alg: KeyManagement, pem: &str) -> Option<KeyId> {
    let anonymous = KeyId::new("unnamed").ok()?;
    let key = DecryptionKey::from_pkcs8_pem(alg, &anonymous, pem).ok()?;
    let short: String = key.public().thumbprint_text().chars().take(12).collect();
    let prefix = match alg {
        KeyManagement::RsaOaep256 | KeyManagement::RsaOaep => "rsa-oaep-256",
        KeyManagement::EcdhEs => "ecdh-es",
    };
    KeyId::new(&format!("{prefix}-{short}")).ok()
}
