//! What an issuer keeps in the data directory: its secret and what others encrypt to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oauth_core::{Client, LocalDecrypter, ServerSecret};
use ring::rand::SystemRandom;
use zeroize::Zeroizing;

use super::data_dir::DataFault;
use super::sealing;
use crate::keys;

/// The file of the secret: made last, so that it is there only after a complete first start.
const SECRET: &str = "server.secret";

/// One issuer's secret, decryption keys and clients.
pub struct IssuerFiles {
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

impl IssuerFiles {
    /// Loads what is there and makes what is missing.
    ///
    /// # Errors
    /// [`DataFault`], naming the file.
    pub(super) fn ensure(
        directory: &Path,
        clients: Vec<Client>,
        random: &SystemRandom,
    ) -> Result<Self, DataFault> {
        let secret = keys::ensure_secret32(&directory.join(SECRET), random)?;
        let secret = Zeroizing::new(*secret.reveal());
        let decrypter = sealing::ensure(directory, random)?;
        Ok(Self { decrypter, secret, clients })
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
