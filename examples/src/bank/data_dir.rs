//! The first start: everything a bank needs to exist, made once and kept. A later start finds it and changes nothing.

use std::path::{Path, PathBuf};

use oauth_core::jose::{Alg, PublicJwk, SigningKey};
use oauth_core::{Client, ClientMetadata, KeyId, Policy, Timestamp};
use ring::rand::SystemRandom;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::deployment::{DemoClients, Deployment, IssuerPlan, resource_of};
use super::issuer_files::{self, IssuerFiles};
use crate::keys::{self, KeyAlgorithm, KeyFault};
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

/// A demo client and the files it gets.
struct Demo {
    id: &'static str,
    organisation: &'static str,
    domain: &'static str,
    method: &'static str,
    constraint: &'static str,
    scope: &'static str,
    types: &'static [&'static str],
    grants: &'static [&'static str],
    resource: Option<&'static str>,
    algorithm: KeyAlgorithm,
}

/// Where demo TPPs take their customers back: a port on the customer's own machine (RFC 8252 section 7.3).
pub const DEMO_REDIRECT_URI: &str = "http://127.0.0.1:9473/callback";

const TPP_SCOPE: &str = "openid profile email phone address payments consent products accounts.basic accounts.details \
                         accounts.open bank_account customer customer_details customer_onboarding accounts";
const TPP_TYPES: &[&str] = &[
    "urn:openfinanceuae:service-initiation-consent",
    "urn:ofxpera:consent:v1",
    "payment_initiation",
    "account_information",
];

const DEMOS: &[Demo] = &[
    Demo {
        id: "palm-books",
        organisation: "Palm Books",
        domain: "palmbooks.example",
        method: "private_key_jwt",
        constraint: "dpop",
        scope: TPP_SCOPE,
        types: TPP_TYPES,
        grants: &["authorization_code", "refresh_token", "client_credentials"],
        resource: None,
        algorithm: KeyAlgorithm::Ps256,
    },
    Demo {
        id: "luzon-bank",
        organisation: "Luzon Bank",
        domain: "luzonbank.example",
        method: "tls_client_auth",
        constraint: "mtls",
        scope: TPP_SCOPE,
        types: TPP_TYPES,
        grants: &["authorization_code", "refresh_token", "client_credentials"],
        resource: None,
        algorithm: KeyAlgorithm::Ps256,
    },
    Demo {
        id: "bank-apis",
        organisation: "The bank's own APIs",
        domain: "localhost",
        method: "private_key_jwt",
        constraint: "dpop",
        scope: "introspection",
        types: &[],
        grants: &["client_credentials"],
        resource: Some("api"),
        algorithm: KeyAlgorithm::Es256,
    },
];

impl DataDir {
    /// Loads what is there and makes what is missing. Blocks: keys are generated and files are synced.
    ///
    /// # Errors
    /// [`DataFault`], naming the file or the client.
    pub fn ensure(deployment: &Deployment, now: Timestamp) -> Result<Self, DataFault> {
        let root = &deployment.data_dir;
        let origin = deployment.origin();
        let places: Vec<PathBuf> = deployment
            .issuers
            .iter()
            .map(|issuer| issuer_files::directory(root, &issuer.slug(&origin)))
            .collect();
        let complete = places.first().is_some_and(|first| issuer_files::exist(first));
        let tpp = root.join("tpp");
        for directory in [root, &root.join("keys"), &tpp].into_iter().chain(&places) {
            make_private(directory)?;
        }
        let random = SystemRandom::new();
        make_all_at_once(deployment, (&places, &tpp), &random)?;
        let pki = LocalPki::ensure_for(root, &hosts(deployment), now)?;
        write_tpp_toml(deployment, &tpp)?;
        let demos = DemoKeys::load(&tpp, &pki, (now, &random))?;
        let mut issuers = Vec::new();
        // The first issuer's secret comes last: it says that everything is there.
        for (plan, place) in deployment.issuers.iter().zip(&places).rev() {
            let clients = demos.clients(plan, &tpp)?;
            issuers.push(IssuerFiles::ensure(place, plan.signing_alg(), clients, &random)?);
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

    /// The identity of the public listeners.
    #[must_use]
    pub fn server(&self) -> &ServerIdentity {
        self.brought.as_ref().unwrap_or_else(|| self.pki.server())
    }
}

/// Every key that is missing, each on its own thread: RSA keys are what a first start waits for.
fn make_all_at_once(
    deployment: &Deployment,
    (places, tpp): (&[PathBuf], &Path),
    random: &SystemRandom,
) -> Result<(), DataFault> {
    let issuers = deployment.issuers.iter().zip(places);
    let of_issuers = issuers.flat_map(|(plan, place)| issuer_files::wanted(place, plan.signing_alg()));
    let mut wanted: Vec<_> = of_issuers.map(|(_, kind, path)| (kind, path)).collect();
    wanted.extend(DEMOS.iter().map(|demo| (demo.algorithm, demo.key_file(tpp))));
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

/// The keys of the demo clients.
struct DemoKeys(Vec<(&'static Demo, PublicJwk)>);

impl DemoKeys {
    fn load(
        tpp: &Path,
        pki: &LocalPki,
        (now, random): (Timestamp, &SystemRandom),
    ) -> Result<Self, DataFault> {
        let files: Vec<_> = DEMOS.iter().map(|demo| (demo.algorithm, demo.key_file(tpp))).collect();
        let mut loaded = Vec::new();
        for (demo, made) in DEMOS.iter().zip(keys::ensure_all(&files, random)?) {
            let key = SigningKey::from_pkcs8_der(demo.alg(), made.pkcs8.secret_pkcs8_der(), random)
                .map_err(|fault| unusable_key(&demo.key_file(tpp), &fault.to_string()))?;
            certificate(pki, demo, tpp, now)?;
            loaded.push((demo, key.public(&demo.key_id(tpp)?)));
        }
        Ok(Self(loaded))
    }

    /// The clients of one issuer: the demo ones that its policy takes, and those of the deployment file.
    fn clients(&self, plan: &IssuerPlan, tpp: &Path) -> Result<Vec<Client>, DataFault> {
        let mut clients = Vec::new();
        let registered = plan.demo_clients == DemoClients::Registered;
        for (demo, public) in self.0.iter().filter(|(demo, _)| registered || !is_tpp(demo)) {
            let metadata = read_metadata(demo.metadata(plan.issuer().as_str(), public), tpp)?;
            clients.extend(Client::register(metadata, plan.policy).ok());
        }
        for metadata in &plan.clients {
            clients.push(register(metadata.clone(), plan.policy)?);
        }
        Ok(clients)
    }
}

impl Demo {
    fn key_file(&self, tpp: &Path) -> PathBuf {
        tpp.join(format!("{}.sig.pem", self.id))
    }

    const fn alg(&self) -> Alg {
        match self.algorithm {
            KeyAlgorithm::Es256 => Alg::Es256,
            KeyAlgorithm::Ps256 => Alg::Ps256,
            KeyAlgorithm::Ed25519 => Alg::EdDsa,
        }
    }

    fn key_id(&self, directory: &Path) -> Result<KeyId, DataFault> {
        KeyId::new(&format!("{}-1", self.id)).map_err(|fault| unusable_key(directory, &fault.to_string()))
    }

    fn metadata(&self, issuer: &str, key: &PublicJwk) -> Value {
        let mut metadata = json!({
            "client_id": self.id,
            "organisation": { "name": self.organisation, "id": self.id, "domain": self.domain },
            "token_endpoint_auth_method": self.method,
            "jwks": { "keys": [key.to_value()] },
            "grant_types": self.grants,
            "scope": self.scope,
            "authorization_details_types": self.types,
            "resource_signing_alg": self.alg().as_str(),
        });
        let mut put = |name: &str, value: Value| {
            if let Some(members) = metadata.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
        };
        if self.grants.contains(&"authorization_code") {
            put("redirect_uris", json!([DEMO_REDIRECT_URI]));
        }
        if self.constraint == "mtls" {
            put("tls_client_certificate_bound_access_tokens", json!(true));
        } else {
            put("dpop_bound_access_tokens", json!(true));
        }
        if self.method == "tls_client_auth" {
            put("tls_client_auth_subject_dn", json!(format!("CN={},O={}", self.id, self.organisation)));
        }
        if self.resource.is_some() {
            put("resource", json!(resource_of(issuer)));
        }
        metadata
    }
}

/// Two of the demo clients are third parties; their files are what `tpp` works with.
fn is_tpp(demo: &Demo) -> bool {
    demo.resource.is_none()
}

fn register(metadata: ClientMetadata, policy: &'static Policy) -> Result<Client, DataFault> {
    let client = metadata.client_id.to_string();
    Client::register(metadata, policy).map_err(|wrong| {
        let message: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        DataFault::Client { client, message: message.join("; ") }
    })
}

fn read_metadata(value: Value, tpp: &Path) -> Result<ClientMetadata, DataFault> {
    serde_json::from_value(value).map_err(|fault| unusable_key(tpp, &fault.to_string()))
}

/// The client certificate of a demo client, issued once.
fn certificate(pki: &LocalPki, demo: &Demo, directory: &Path, now: Timestamp) -> Result<(), DataFault> {
    let certificate = directory.join(format!("{}.cert.pem", demo.id));
    if certificate.exists() {
        return Ok(());
    }
    let identity = pki.issue_client_certificate(demo.id, demo.organisation, now)?;
    write_private(&directory.join(format!("{}.key.pem", demo.id)), &identity.key_pem)?;
    write_private(&certificate, &identity.certificate_pem)
}

/// What `tpp` reads: the issuer, the certificate authority, and one table per third party.
fn write_tpp_toml(deployment: &Deployment, directory: &Path) -> Result<(), DataFault> {
    use std::fmt::Write as _;
    let mut text = format!(
        "# Written by the bank at its start; the third party in the terminal reads it.\n\
         issuer = \"{}\"\nca = \"../ca.pem\"\ndefault = \"palm-books\"\nresource = \"{}\"\nresource_mtls = \"{}\"\ndata_holder = \"{}\"\n\n\
         [demo]\nusername = \"{}\"\npassword = \"{}\"\n",
        deployment.issuer(),
        deployment.api(),
        deployment.mtls_api(),
        deployment.bank.id,
        super::fixture::DEMO_USERNAME,
        super::fixture::DEMO_PASSWORD,
    );
    for demo in DEMOS.iter().filter(|demo| is_tpp(demo)) {
        let id = demo.id;
        let _ = write!(
            text,
            "\n[clients.{id}]\nredirect_uri = \"{DEMO_REDIRECT_URI}\"\n\
             token_endpoint_auth_method = \"{}\"\nsender_constraint = \"{}\"\nsigning_key = \"{id}.sig.pem\"\n\
             signing_kid = \"{id}-1\"\nsigning_alg = \"{}\"\nparticipant_id = \"{id}\"\n\
             certificate = \"{id}.cert.pem\"\ncertificate_key = \"{id}.key.pem\"\n",
            demo.method,
            demo.constraint,
            demo.alg().as_str(),
        );
    }
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

fn write_private(path: &Path, text: &str) -> Result<(), DataFault> {
    keys::place(path, text.as_bytes(), keys::Access::Owner, keys::Existing::Replace).map_err(DataFault::from)
}
