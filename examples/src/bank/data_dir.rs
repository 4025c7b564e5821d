//! The first start: everything a bank needs to exist, made once and kept. A later start finds it and changes nothing.

use std::path::{Path, PathBuf};

use oauth_core::jose::{Alg, PublicJwk, SigningKey};
use oauth_core::{Client, ClientMetadata, KeyId, Policy, ServerSecret, Timestamp};
use ring::rand::SystemRandom;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::config::Deployment;
use crate::keys::{self, KeyAlgorithm, KeyFault};
use crate::pki::{LocalPki, PkiFault};

/// What stands in the data directory, loaded.
pub struct DataDir {
    /// Local authority and server certificate.
    pub pki: LocalPki,
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
}

/// Where demo TPPs take their customers back: a port on the customer's own machine (RFC 8252 section 7.3).
pub const DEMO_REDIRECT_URI: &str = "http://127.0.0.1:9473/callback";

/// The file of the server secret: made last, so that it is there only after a complete first start.
const SECRET: &str = "keys/server.secret";

/// The identifier of the bank's APIs as a resource, below the issuer.
#[must_use]
pub fn resource_of(issuer: &str) -> String {
    format!("{issuer}/api")
}

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
    },
];

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
        Self::make(root)?;
        let random = SystemRandom::new();
        let wanted: Vec<(KeyAlgorithm, PathBuf)> = DEMOS
            .iter()
            .map(|demo| (KeyAlgorithm::Ps256, tpp.join(format!("{}.sig.pem", demo.id))))
            .collect();
        let mut made = keys::ensure_all(&wanted, &random)?.into_iter();
        let mut load = |alg, path: &Path| -> Result<SigningKey, DataFault> {
            let der = made.next().map(|key| key.pkcs8);
            let unusable = |message: String| DataFault::Unusable { path: path.to_owned(), message };
            let der = der.ok_or_else(|| unusable("was not made".to_owned()))?;
            SigningKey::from_pkcs8_der(alg, der.secret_pkcs8_der(), &random)
                .map_err(|fault| unusable(fault.to_string()))
        };
        let pki = LocalPki::ensure(root, now)?;
        let mut clients = Vec::new();
        for demo in DEMOS {
            let key = load(Alg::Ps256, &tpp.join(format!("{}.sig.pem", demo.id)))?;
            let public = key.public(&demo.key_id(&tpp)?);
            certificate(&pki, demo, &tpp, now)?;
            clients.push(register(demo.metadata(&deployment.issuer(), &public), policy)?);
        }
        for metadata in &deployment.clients {
            clients.push(register(metadata.clone(), policy)?);
        }
        write_tpp_toml(deployment, &tpp)?;
        let secret = keys::ensure_secret32(&root.join(SECRET), &random)?;
        Ok(Self { pki, past, secret: Zeroizing::new(*secret.reveal()), clients })
    }

    /// Makes the directories, for everything that is put there at the same time.
    ///
    /// # Errors
    /// [`DataFault::File`].
    pub fn make(root: &Path) -> Result<(), DataFault> {
        [root.to_owned(), root.join("keys"), root.join("tpp")].iter().try_for_each(|path| make_private(path))
    }

    /// The secret as the authorization server takes it.
    #[must_use]
    pub fn server_secret(&self) -> ServerSecret {
        ServerSecret::new(self.secret.clone())
    }
}

impl Demo {
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
            "resource_signing_alg": "PS256",
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
        deployment.issuer(),
        deployment.mtls_origin(),
        super::apis::ORGANISATION.0,
        super::fixture::DEMO_USERNAME,
        super::fixture::DEMO_PASSWORD,
    );
    for demo in DEMOS.iter().filter(|demo| is_tpp(demo)) {
        let id = demo.id;
        let _ = write!(
            text,
            "\n[clients.{id}]\nredirect_uri = \"{DEMO_REDIRECT_URI}\"\n\
             token_endpoint_auth_method = \"{}\"\nsender_constraint = \"{}\"\nsigning_key = \"{id}.sig.pem\"\n\
             signing_kid = \"{id}-1\"\nsigning_alg = \"PS256\"\nparticipant_id = \"{id}\"\n\
             certificate = \"{id}.cert.pem\"\ncertificate_key = \"{id}.key.pem\"\n",
            demo.method, demo.constraint,
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
