//! `tpp.toml`: what a registered client knows of itself and of the bank.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::client::Client;
use crate::tpp::keys::{Alg, Key};
use crate::{Doing as _, Trouble};

/// The file.
#[derive(Debug, Clone, Deserialize)]
pub struct TppFile {
    /// Issuer of the bank.
    pub issuer: String,
    /// Authority of its certificates, relative to the file.
    pub ca: PathBuf,
    /// The client meant when none is named.
    pub default: String,
    /// Every registered client by its `client_id`.
    pub clients: BTreeMap<String, Entry>,
}

/// One registered client.
#[derive(Debug, Clone, Deserialize)]
pub struct Entry {
    /// Its one redirect URI.
    pub redirect_uri: String,
    /// How it authenticates.
    pub token_endpoint_auth_method: Authentication,
    /// What its tokens are bound to.
    pub sender_constraint: Constraint,
    /// PKCS#8 in PEM, relative to the file.
    pub signing_key: PathBuf,
    /// `kid` of the signing key.
    pub signing_kid: String,
    /// Algorithm of the signing key.
    pub signing_alg: String,
    /// Client certificate, relative to the file.
    pub certificate: Option<PathBuf>,
    /// Key of the client certificate, relative to the file.
    pub certificate_key: Option<PathBuf>,
}

/// Client authentication of FAPI 2.0 Security Profile section 5.3.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// RFC 7523.
    PrivateKeyJwt,
    /// RFC 8705 section 2.1.
    TlsClientAuth,
    /// RFC 8705 section 2.2.
    SelfSignedTlsClientAuth,
}

/// Sender constraint of access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// RFC 9449.
    Dpop,
    /// RFC 8705 section 3.
    Mtls,
}

/// A client read from the file, with its key and its way to the bank.
#[derive(Debug, Clone)]
pub struct Registered {
    /// `client_id`.
    pub id: String,
    /// Issuer of the bank.
    pub issuer: String,
    /// Its entry in the file.
    pub entry: Entry,
    /// Its signing key.
    pub key: Key,
    /// Sends requests, with the client certificate where the client needs one.
    pub http: Client,
}

impl Registered {
    /// Reads a client, the default one when none is named.
    ///
    /// # Errors
    /// When the file, the client or one of its keys cannot be read.
    pub fn load(file: &Path, client: Option<&str>) -> Result<Self, Trouble> {
        let text = std::fs::read_to_string(file).doing(format!("read {}", file.display()))?;
        let read: TppFile = toml::from_str(&text).doing(format!("understand {}", file.display()))?;
        let id = client.unwrap_or(&read.default).to_owned();
        let entry = read.clients.get(&id).cloned().doing(format!("find the client {id}"))?;
        let directory = file.parent().unwrap_or_else(|| Path::new("."));
        let ca = directory.join(&read.ca);
        let authority = std::fs::read(&ca).doing(format!("read {}", ca.display()))?;
        Self::read(directory, (id, entry), read.issuer, &Client::trusting(&authority)?)
    }

    /// Reads the keys of one client, relative to a directory.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn read(
        directory: &Path,
        (id, entry): (String, Entry),
        issuer: String,
        plain: &Client,
    ) -> Result<Self, Trouble> {
        let bytes = |path: &Path| {
            let path = directory.join(path);
            std::fs::read(&path).doing(format!("read {}", path.display()))
        };
        let pem = String::from_utf8(bytes(&entry.signing_key)?).doing("read the signing key")?;
        let key = Key::from_pem(Alg::named(&entry.signing_alg)?, &entry.signing_kid, &pem)?;
        let http = match (entry.needs_certificate(), &entry.certificate, &entry.certificate_key) {
            (false, _, _) => plain.clone(),
            (true, Some(chain), Some(key)) => plain.with_certificate(&bytes(chain)?, &bytes(key)?)?,
            (true, _, _) => return Err(Trouble::new(format!("{id} needs a certificate and has none"))),
        };
        Ok(Self { id, issuer, entry, key, http })
    }
}

impl Entry {
    /// Whether the client shows a certificate: to authenticate, or to bind its tokens.
    pub fn needs_certificate(&self) -> bool {
        self.token_endpoint_auth_method != Authentication::PrivateKeyJwt
            || self.sender_constraint == Constraint::Mtls
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use rcgen::KeyPair;

    use super::*;
    use crate::host::Scratch;

    /// A directory with `tpp.toml` for two clients, and the files it names.
    pub(crate) fn directory(issuer: &str) -> Scratch {
        let scratch = Scratch::new("tpp").unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new(vec!["tpp".to_owned()]).unwrap().self_signed(&key).unwrap();
        let entry = |name: &str, auth: &str, constraint: &str| {
            format!(
                "[clients.{name}]\nredirect_uri = \"http://127.0.0.1:9473/callback\"\n\
                 token_endpoint_auth_method = \"{auth}\"\nsender_constraint = \"{constraint}\"\n\
                 signing_key = \"sig.pem\"\nsigning_kid = \"{name}-1\"\nsigning_alg = \"ES256\"\n\
                 certificate = \"cert.pem\"\ncertificate_key = \"sig.pem\"\n"
            )
        };
        let file = format!(
            "issuer = \"{issuer}\"\nca = \"sub/../cert.pem\"\ndefault = \"palm-books\"\n{}{}",
            entry("palm-books", "private_key_jwt", "dpop"),
            entry("dune-pay", "self_signed_tls_client_auth", "mtls")
        );
        std::fs::create_dir(scratch.path().join("sub")).unwrap();
        for (name, text) in
            [("tpp.toml", file), ("sig.pem", key.serialize_pem()), ("cert.pem", certificate.pem())]
        {
            std::fs::write(scratch.path().join(name), text).unwrap();
        }
        scratch
    }

    #[test]
    fn the_default_client_and_a_named_one_are_read() {
        let scratch = directory("https://localhost:8443");
        let file = scratch.path().join("tpp.toml");
        let palm = Registered::load(&file, None).unwrap();
        assert_eq!(
            (palm.id.as_str(), palm.issuer.as_str(), palm.key.id()),
            ("palm-books", "https://localhost:8443", "palm-books-1")
        );
        assert!(!palm.entry.needs_certificate());
        let dune = Registered::load(&file, Some("dune-pay")).unwrap();
        assert_eq!(dune.entry.sender_constraint, Constraint::Mtls);
        assert!(dune.entry.needs_certificate());
        assert!(Registered::load(&file, Some("nobody")).is_err());
    }
}
