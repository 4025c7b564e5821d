//! The first start: everything a bank needs to exist, made once and kept. A later start finds it and changes nothing.

use std::path::{Path, PathBuf};

use oauth_core::jose::SigningKey;
use oauth_core::{Client, ClientMetadata, Policy, Timestamp};
use ring::rand::SystemRandom;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::demos::{DEMOS, Demo, signature_of, write_private};
use super::deployment::{DemoClients, Deployment, IssuerPlan};
use super::issuer_files::{self, IssuerFiles};
use super::sealing;
use crate::keys::{self, KeyFault};
use crate::pki::{LocalPki, PkiFault, ServerIdentity};

/// What stands in the data directory, loaded.
pub struct DataDir {
    /// Local authority and server certificate.
    pub pki: LocalPki,
    /// The certificate that the bank brings, when it does.
    brought: Option<ServerIdentity>,
    /// Whose client certificates are trusted: the local authority and those of the deployment.
    pub client_authorities: Vec<CertificateDer<'static>>,
    /// What each issuer keeps, in the order of the deployment.
    pub issuers: Vec<IssuerFiles>,
    /// Whether anything was accepted under these keys before.
    pub past: Past,
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

impl DataDir {
    /// Loads what is there and makes what is missing. Blocks: keys are generated and files are synced.
    ///
    /// # Errors
    /// [`DataFault`], naming the file or the client.
    pub fn ensure(deployment: &Deployment, now: Timestamp) -> Result<Self, DataFault> {
        let root = &deployment.data_dir;
        let places = Self::make(deployment)?;
        let complete = places.first().is_some_and(|first| issuer_files::exist(first));
        let tpp = root.join("tpp");
        let random = SystemRandom::new();
        make_all_at_once((&places, &tpp), &random)?;
        let pki = LocalPki::ensure_for(root, &hosts(deployment), now)?;
        write_tpp_toml(deployment, &tpp)?;
        let demos = DemoKeys::load(&tpp, &random)?;
        let mut issuers = Vec::new();
        // The first issuer's secret comes last: it says that everything is there.
        for (plan, place) in deployment.issuers.iter().zip(&places).rev() {
            let clients = demos.clients(plan, (&tpp, &pki), now)?;
            issuers.push(IssuerFiles::ensure(place, clients, &random)?);
        }
        issuers.reverse();
        let mut client_authorities = vec![pki.authority().clone()];
        for path in &deployment.certificates.client_authorities {
            client_authorities.extend(certificates(path)?);
        }
        let brought = match &deployment.certificates.server {
            Some((chain, key)) => Some(ServerIdentity::read(chain, key)?),
            None => None,
        };
        let past = if complete { Past::Some } else { Past::None };
        Ok(Self { pki, brought, client_authorities, issuers, past })
    }

    /// Makes the directories, for everything that is put there at the same time. Those of the issuers come back, in
    /// their order.
    ///
    /// # Errors
    /// [`DataFault::File`].
    pub fn make(deployment: &Deployment) -> Result<Vec<PathBuf>, DataFault> {
        let (root, origin) = (&deployment.data_dir, deployment.origin());
        let tpp = root.join("tpp");
        let place = |issuer: &IssuerPlan| issuer_files::directory(root, &issuer.slug(&origin));
        let places: Vec<PathBuf> = deployment.issuers.iter().map(place).collect();
        for directory in [root, &root.join("keys"), &tpp, &tpp.join("more")].into_iter().chain(&places) {
            make_private(directory)?;
        }
        Ok(places)
    }

    /// The identity of the public listeners.
    #[must_use]
    pub fn server(&self) -> &ServerIdentity {
        self.brought.as_ref().unwrap_or_else(|| self.pki.server())
    }
}

/// Every key that is missing, each on its own thread: RSA keys are what a first start waits for.
fn make_all_at_once((places, tpp): (&[PathBuf], &Path), random: &SystemRandom) -> Result<(), DataFault> {
    let mut wanted: Vec<_> = places.iter().flat_map(|place| sealing::wanted(place)).collect();
    wanted.extend(DEMOS.iter().map(|demo| (demo.algorithm, demo.key_file(tpp))));
    wanted.extend(DEMOS.iter().filter_map(|demo| demo.further_keys(tpp)));
    keys::ensure_all(&wanted, random)?;
    Ok(())
}

/// Host names besides localhost that the server certificate has to carry.
fn hosts(deployment: &Deployment) -> Vec<String> {
    let origins = deployment.issuers.iter().flat_map(|plan| [plan.issuer().origin(), plan.mtls_origin()]);
    let mut hosts: Vec<String> = origins
        .filter_map(|origin| url::Url::parse(origin).ok()?.host_str().map(str::to_owned))
        .chain([deployment.listeners.host.clone()])
        .collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// The authorities of a PEM file.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, DataFault> {
    let text = std::fs::read(path).map_err(|fault| unusable_key(path, &fault.to_string()))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) | Err(_) => Err(unusable_key(path, "not a certificate in PEM")),
    }
}

/// The keys of the demo clients, in their order.
struct DemoKeys(Vec<SigningKey>);

impl DemoKeys {
    fn load(tpp: &Path, random: &SystemRandom) -> Result<Self, DataFault> {
        let files: Vec<_> = DEMOS.iter().map(|demo| (demo.algorithm, demo.key_file(tpp))).collect();
        let mut loaded = Vec::new();
        for (demo, made) in DEMOS.iter().zip(keys::ensure_all(&files, random)?) {
            let alg = signature_of(demo.algorithm);
            let key = SigningKey::from_pkcs8_der(alg, made.pkcs8.secret_pkcs8_der(), random)
                .map_err(|fault| unusable_key(&demo.key_file(tpp), &fault.to_string()))?;
            loaded.push(key);
        }
        Ok(Self(loaded))
    }

    /// The clients of one issuer: the demo ones that its policy takes, and those of the deployment file.
    fn clients(
        &self,
        plan: &IssuerPlan,
        (tpp, pki): (&Path, &LocalPki),
        now: Timestamp,
    ) -> Result<Vec<Client>, DataFault> {
        let mut clients = Vec::new();
        let registered = plan.demo_clients == DemoClients::Registered;
        for (demo, key) in DEMOS.iter().zip(&self.0).filter(|(demo, _)| registered || demo.is_the_apis()) {
            let metadata = demo.metadata(tpp, plan.issuer().as_str(), (key, pki), now)?;
            let metadata: ClientMetadata =
                serde_json::from_value(metadata).map_err(|fault| unusable_key(tpp, &fault.to_string()))?;
            clients.extend(Client::register(metadata, plan.policy).ok());
        }
        for metadata in &plan.clients {
            clients.push(register(metadata.clone(), plan.policy)?);
        }
        Ok(clients)
    }
}

fn register(metadata: ClientMetadata, policy: &'static Policy) -> Result<Client, DataFault> {
    let client = metadata.client_id.to_string();
    Client::register(metadata, policy).map_err(|wrong| {
        let message: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        DataFault::Client { client, message: message.join("; ") }
    })
}

/// What `tpp` reads: the issuer, the certificate authority, and one table per third party.
fn write_tpp_toml(deployment: &Deployment, directory: &Path) -> Result<(), DataFault> {
    let mut text = format!(
        "# Written by the bank at its start; the third party in the terminal reads it.\n\
         issuer = \"{}\"\nca = \"../ca.pem\"\ndefault = \"palm-books\"\nresource = \"{}\"\nresource_mtls = \"{}\"\n\
         resource_identifier = \"{}\"\ndata_holder = \"{}\"\n\n\
         [demo]\nusername = \"{}\"\npassword = \"{}\"\n",
        deployment.issuer(),
        deployment.api(),
        deployment.mtls_api(),
        deployment.issuers.first().map_or("", IssuerPlan::audience),
        deployment.bank.id,
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
