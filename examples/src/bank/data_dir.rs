//! The first start: everything a bank needs to exist, made once and kept. A later start finds it and changes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oauth_core::jose::{Alg, SigningKey};
use oauth_core::{Client, ClientMetadata, KeyId, LocalSigner, Policy, ServerSecret, Timestamp};
use ring::rand::SystemRandom;
use serde_json::Value;
use zeroize::Zeroizing;

use super::config::Deployment;
use super::demos::{DEMOS, Demo, signature_of, write_private};
use crate::keys::{self, KeyAlgorithm, KeyFault};
use crate::pki::{LocalPki, PkiFault};

/// What stands in the data directory, loaded.
pub struct DataDir {
    /// Local authority and server certificate.
    pub pki: LocalPki,
    /// Signs with our keys; the first of an algorithm is the active one.
    signer: Arc<LocalSigner>,
    /// Secret that nonces, tickets and form tokens are keyed from.
    pub secret: Zeroizing<[u8; 32]>,
    /// Whether anything was accepted under these keys before.
    pub past: Past,
    /// Registered clients: the demo ones and those of the deployment file.
    pub clients: Vec<Client>,
}

/// Whether anything was accepted under the keys of a data directory before this start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// The directory was made just now: there is nothing a replay could repeat.
    None,
    /// It was there before.
    Some,
}

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataFault {
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// A certificate.
    #[error(transparent)]
    Pki(#[from] PkiFault),
    /// A key that ring does not take.
    #[error("{}: {message}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A file or directory.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A client cannot be registered.
    #[error("client {client}: {message}")]
    Client {
        /// Which one.
        client: String,
        /// Every member that is wrong.
        message: String,
    },
}

/// The file of the server secret: made last, so that it is there only after a complete first start.
const SECRET: &str = "keys/server.secret";

/// The identifier of the bank's APIs as a resource, below the issuer.
#[must_use]
pub fn resource_of(issuer: &str) -> String {
    format!("{issuer}/api")
}

impl DataDir {
    /// Loads what is there and makes what is missing. Blocks: keys are generated and files are synced.
    ///
    /// # Errors
    /// [`DataFault`], naming the file or the client.
    pub fn ensure(
        deployment: &Deployment,
        policy: &'static Policy,
        now: Timestamp,
    ) -> Result<Self, DataFault> {
        let root = &deployment.data_dir;
        let past = if root.join(SECRET).exists() { Past::Some } else { Past::None };
        let tpp = root.join("tpp");
        for directory in [root.clone(), root.join("keys"), tpp.clone(), tpp.join("more")] {
            make_private(&directory)?;
        }
        let random = SystemRandom::new();
        let mut wanted = vec![
            (KeyAlgorithm::Es256, root.join("keys/as-es256.pem")),
            (KeyAlgorithm::Ps256, root.join("keys/as-ps256.pem")),
        ];
        wanted.extend(DEMOS.iter().map(|demo| (demo.algorithm, demo.key_file(&tpp))));
        let mut made = keys::ensure_all(&wanted, &random)?.into_iter();
        let mut load = |alg, path: &Path| -> Result<SigningKey, DataFault> {
            let der = made.next().map(|key| key.pkcs8);
            let unusable = |message: String| DataFault::Unusable { path: path.to_owned(), message };
            let der = der.ok_or_else(|| unusable("was not made".to_owned()))?;
            SigningKey::from_pkcs8_der(alg, der.secret_pkcs8_der(), &random)
                .map_err(|fault| unusable(fault.to_string()))
        };
        let es256 = load(Alg::Es256, &root.join("keys/as-es256.pem"))?;
        let ps256 = load(Alg::Ps256, &root.join("keys/as-ps256.pem"))?;
        let pki = LocalPki::ensure(root, now)?;
        let mut clients = Vec::new();
        for demo in DEMOS {
            let key = load(signature_of(demo.algorithm), &demo.key_file(&tpp))?;
            let metadata = demo.metadata(&tpp, &deployment.issuer(), (&key, &pki), now)?;
            clients.push(register(metadata, policy)?);
        }
        for metadata in &deployment.clients {
            clients.push(register(metadata.clone(), policy)?);
        }
        write_tpp_toml(deployment, &tpp)?;
        let secret = keys::ensure_secret32(&root.join(SECRET), &random)?;
        let named = |alg: &str, key: SigningKey| -> Result<(KeyId, SigningKey), DataFault> {
            let anonymous = KeyId::new(alg).map_err(|fault| unusable_key(root, &fault.to_string()))?;
            let thumbprint = key.public(&anonymous).thumbprint_text();
            let short: String = thumbprint.chars().take(12).collect();
            let id = KeyId::new(&format!("{alg}-{short}"))
                .map_err(|fault| unusable_key(root, &fault.to_string()))?;
            Ok((id, key))
        };
        Ok(Self {
            signer: LocalSigner::new(vec![named("es256", es256)?, named("ps256", ps256)?]),
            pki,
            past,
            secret: Zeroizing::new(*secret.reveal()),
            clients,
        })
    }

    /// Signs with our keys.
    #[must_use]
    pub fn signer(&self) -> Arc<LocalSigner> {
        Arc::clone(&self.signer)
    }

    /// The secret as the authorization server takes it.
    #[must_use]
    pub fn server_secret(&self) -> ServerSecret {
        ServerSecret::new(self.secret.clone())
    }
}

fn register(metadata: impl Registrable, policy: &'static Policy) -> Result<Client, DataFault> {
    let metadata = metadata.metadata()?;
    let client = metadata.client_id.to_string();
    Client::register(metadata, policy).map_err(|wrong| {
        let message: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        DataFault::Client { client, message: message.join("; ") }
    })
}

/// Metadata, or JSON that should be metadata.
trait Registrable {
    fn metadata(self) -> Result<ClientMetadata, DataFault>;
}

impl Registrable for ClientMetadata {
    fn metadata(self) -> Result<ClientMetadata, DataFault> {
        Ok(self)
    }
}

impl Registrable for Value {
    fn metadata(self) -> Result<ClientMetadata, DataFault> {
        serde_json::from_value(self)
            .map_err(|fault| DataFault::Client { client: "demo".to_owned(), message: fault.to_string() })
    }
}

/// What `tpp` reads: the issuer, the certificate authority, and one table per third party.
fn write_tpp_toml(deployment: &Deployment, directory: &Path) -> Result<(), DataFault> {
    let mut text = format!(
        "# Written by the bank at its start; the third party in the terminal reads it.\n\
         issuer = \"{}\"\nca = \"../ca.pem\"\ndefault = \"palm-books\"\nresource = \"{}\"\nresource_mtls = \"{}\"\ndata_holder = \"{}\"\n\n\
         [demo]\nusername = \"{}\"\npassword = \"{}\"\n",
        deployment.issuer(),
        deployment.issuer(),
        deployment.mtls_origin(),
        super::apis::ORGANISATION.0,
        super::fixture::DEMO_USERNAME,
        super::fixture::DEMO_PASSWORD,
    );
    text.extend(DEMOS.iter().filter_map(Demo::table));
    write_private(&directory.join("tpp.toml"), &text)
}

fn unusable_key(path: &Path, message: &str) -> DataFault {
    DataFault::Unusable { path: path.to_owned(), message: message.to_owned() }
}

fn make_private(path: &Path) -> Result<(), DataFault> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| DataFault::File { path: path.to_owned(), source })
}
