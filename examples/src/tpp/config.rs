//! The configuration file of the TPP: which bank, which client, which keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oauth_core::jose::Alg;
use serde::Deserialize;
use url::Url;

/// The name of the file below the data directory.
const FILE: &str = "tpp/tpp.toml";

/// Why the configuration cannot be used. Every message says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigFault {
    /// No file.
    #[error("{} cannot be read ({why}); start the bank once so that it writes the file, or pass --data-dir", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        why: String,
    },
    /// Not TOML, or a member is missing, unknown or of the wrong type.
    #[error("{}: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The reader's reason, with the line.
        why: String,
    },
    /// A value that cannot work.
    #[error("tpp.toml: {member}: {why}")]
    Value {
        /// The member, dotted.
        member: String,
        /// What to change.
        why: String,
    },
}

/// The file, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// The directory of the file; relative paths in it start here, and so does the local state.
    pub(crate) dir: PathBuf,
    /// The issuer, exactly as the discovery document must name it.
    pub(crate) issuer: String,
    /// The certificate authority to trust, and no other.
    pub(crate) ca: PathBuf,
    /// The client this run speaks for.
    pub(crate) client: Client,
    /// Base URL of the resource server, on the listener that this client uses.
    pub(crate) resource: String,
    /// The identifier of the resource, whichever listener is used: the `aud` of its tokens (RFC 8707, RFC 9728).
    pub(crate) resource_id: String,
    /// Whether messages with the resource server are signed.
    pub(crate) messages: Messages,
    /// The organisation named as data holder in data-sharing consents.
    pub(crate) data_holder: String,
    /// The customer that `--headless` signs in as.
    pub(crate) demo: Option<Demo>,
}

/// One registered client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    /// `client_id`
    pub(crate) id: String,
    /// Where the authorization response arrives.
    pub(crate) redirect_uri: String,
    /// How the client proves who it is.
    pub(crate) authentication: Authentication,
    /// What its tokens are bound to.
    pub(crate) sender_constraint: SenderConstraint,
    /// PKCS#8 PEM.
    pub(crate) signing_key: PathBuf,
    /// Name of the key in the registered set.
    pub(crate) signing_kid: String,
    /// The algorithm of the key.
    pub(crate) signing_alg: Alg,
    /// `participant-id` towards OFxPERA.
    pub(crate) participant_id: String,
    /// Client certificate and key, PEM.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
    /// Whether requests are pushed as a signed object (RFC 9101) or as plain parameters.
    pub(crate) request_object: RequestObject,
    /// How the authorization response travels.
    pub(crate) response: AuthorizationResponse,
    /// The registered `id_token_signed_response_alg`, when the file names one.
    pub(crate) id_token_alg: Option<Alg>,
    /// Where it listens for events, when it does.
    pub(crate) events: Option<EventFiles>,
}

/// What it takes to be sent events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventFiles {
    /// The registered address.
    pub(crate) uri: String,
    /// Certificate and key of the server there, PEM.
    pub(crate) certificate: (PathBuf, PathBuf),
    /// The key that events are encrypted to, PKCS#8 PEM, and its name in the registered set.
    pub(crate) encryption: (PathBuf, String),
}

/// How the client authenticates at PAR and token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Authentication {
    /// A signed assertion (RFC 7523).
    PrivateKeyJwt,
    /// A certificate of a known authority (RFC 8705 section 2.1).
    TlsClientAuth,
    /// A registered certificate (RFC 8705 section 2.2).
    SelfSignedTlsClientAuth,
}

/// What access tokens are bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SenderConstraint {
    /// A key proven in every request (RFC 9449).
    Dpop,
    /// The client certificate (RFC 8705 section 3).
    Mtls,
}

/// How the authorization request is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestObject {
    /// As form parameters.
    Plain,
    /// As one signed object.
    Signed,
}

/// How the authorization response travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthorizationResponse {
    /// As parameters, with `iss` among them (RFC 9207).
    Plain,
    /// In one object signed with this algorithm (JARM).
    Signed(Alg),
}

/// Whether messages with the resource server are signed (FAPI 2.0 Message Signing section 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Messages {
    /// Neither way, beyond what the interface itself signs.
    Plain,
    /// Both ways.
    Signed,
}

/// Credentials of a demo customer.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Demo {
    /// User name.
    pub(crate) username: String,
    /// Password.
    pub(crate) password: String,
}

impl std::fmt::Debug for Demo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Demo").field("username", &self.username).finish_non_exhaustive()
    }
}

impl Authentication {
    /// The registered name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
        }
    }
}

impl Client {
    /// Whether this client shows its certificate, and so uses `mtls_endpoint_aliases` (RFC 8705 section 5).
    pub(crate) fn shows_certificate(&self) -> bool {
        self.sender_constraint == SenderConstraint::Mtls
            || self.authentication != Authentication::PrivateKeyJwt
    }
}

impl Config {
    /// Reads the file below the data directory and picks the client: the one named, or the file's `default`.
    ///
    /// # Errors
    /// When something is missing or cannot work; see [`ConfigFault`].
    pub(crate) fn read(data_dir: &Path, client: Option<&str>) -> Result<Self, ConfigFault> {
        let path = data_dir.join(FILE);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| ConfigFault::Missing { path: path.clone(), why: error.to_string() })?;
        let dir = path.parent().unwrap_or(data_dir).to_path_buf();
        let file: File = toml::from_str(&text)
            .map_err(|error| ConfigFault::Syntax { path, why: error.to_string().trim_end().to_owned() })?;
        file.check(dir, client)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    issuer: String,
    ca: PathBuf,
    default: String,
    resource: String,
    resource_mtls: Option<String>,
    resource_identifier: Option<String>,
    #[serde(default = "default_data_holder")]
    data_holder: String,
    demo: Option<Demo>,
    clients: BTreeMap<String, ClientEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientEntry {
    redirect_uri: String,
    token_endpoint_auth_method: Authentication,
    sender_constraint: SenderConstraint,
    signing_key: PathBuf,
    signing_kid: String,
    signing_alg: String,
    participant_id: Option<String>,
    certificate: Option<PathBuf>,
    certificate_key: Option<PathBuf>,
    request_object_signing_alg: Option<String>,
    authorization_signed_response_alg: Option<String>,
    id_token_signed_response_alg: Option<String>,
    webhook_uri: Option<String>,
    webhook_certificate: Option<PathBuf>,
    webhook_certificate_key: Option<PathBuf>,
    encryption_key: Option<PathBuf>,
    encryption_kid: Option<String>,
}

fn default_data_holder() -> String {
    "bayan-trust".to_owned()
}

impl File {
    fn check(mut self, dir: PathBuf, wanted: Option<&str>) -> Result<Config, ConfigFault> {
        let id = wanted.unwrap_or(&self.default).to_owned();
        let Some(entry) = self.clients.remove(&id) else {
            let known: Vec<&str> = self.clients.keys().map(String::as_str).collect();
            let member = if wanted.is_some() { "clients" } else { "default" };
            return Err(fault(member, format!("no client \"{id}\"; the file has: {}", known.join(", "))));
        };
        check_url("issuer", &self.issuer)?;
        check_url("resource", &self.resource)?;
        let client = entry.check(&id, &dir)?;
        let without_slash = |url: &str| url.strip_suffix('/').unwrap_or(url).to_owned();
        let resource_id = self.resource_identifier.unwrap_or_else(|| without_slash(&self.resource));
        check_url("resource_identifier", &resource_id)?;
        let resource = match (client.sender_constraint, self.resource_mtls) {
            (SenderConstraint::Dpop, _) => self.resource,
            (SenderConstraint::Mtls, Some(url)) => {
                check_url("resource_mtls", &url)?;
                url
            }
            (SenderConstraint::Mtls, None) => {
                let why = "add it: tokens of this client are bound to its certificate, and the listener that asks \
                           for certificates has another address";
                return Err(fault("resource_mtls", why));
            }
        };
        Ok(Config {
            ca: dir.join(self.ca),
            dir,
            issuer: self.issuer,
            client,
            resource: without_slash(&resource),
            resource_id,
            messages: Messages::Plain,
            data_holder: self.data_holder,
            demo: self.demo,
        })
    }
}

impl ClientEntry {
    fn check(self, id: &str, dir: &Path) -> Result<Client, ConfigFault> {
        let member = |name: &str| format!("clients.{id}.{name}");
        if Url::parse(&self.redirect_uri).is_err() || self.redirect_uri.contains('#') {
            return Err(fault(&member("redirect_uri"), "write the registered URL, without a fragment"));
        }
        let signing_alg = fapi_alg(&member("signing_alg"), &self.signing_alg)?;
        let id_token_alg = self
            .id_token_signed_response_alg
            .map(|name| fapi_alg(&member("id_token_signed_response_alg"), &name))
            .transpose()?;
        let response = match self.authorization_signed_response_alg {
            None => AuthorizationResponse::Plain,
            Some(name) => {
                AuthorizationResponse::Signed(fapi_alg(&member("authorization_signed_response_alg"), &name)?)
            }
        };
        let request_object = match self.request_object_signing_alg {
            None => RequestObject::Plain,
            Some(name) if name == signing_alg.as_str() => RequestObject::Signed,
            Some(_) => {
                let why = format!("must be {signing_alg}, the signing_alg of the one key of this client");
                return Err(fault(&member("request_object_signing_alg"), why));
            }
        };
        let certificate = match (self.certificate, self.certificate_key) {
            (Some(certificate), Some(key)) => Some((dir.join(certificate), dir.join(key))),
            (None, None) => None,
            (Some(_), None) => return Err(fault(&member("certificate_key"), "add it: certificate is set")),
            (None, Some(_)) => return Err(fault(&member("certificate"), "add it: certificate_key is set")),
        };
        let server = (self.webhook_certificate, self.webhook_certificate_key);
        let events = match (self.webhook_uri, server, (self.encryption_key, self.encryption_kid)) {
            (None, ..) => None,
            (Some(uri), (Some(certificate), Some(key)), (Some(opener), Some(kid))) => {
                check_url(&member("webhook_uri"), &uri)?;
                let certificate = (dir.join(certificate), dir.join(key));
                Some(EventFiles { uri, certificate, encryption: (dir.join(opener), kid) })
            }
            (Some(_), ..) => {
                let why = "goes with webhook_certificate, webhook_certificate_key, encryption_key and encryption_kid";
                return Err(fault(&member("webhook_uri"), why));
            }
        };
        let client = Client {
            id: id.to_owned(),
            redirect_uri: self.redirect_uri,
            authentication: self.token_endpoint_auth_method,
            sender_constraint: self.sender_constraint,
            signing_key: dir.join(self.signing_key),
            signing_kid: self.signing_kid,
            signing_alg,
            participant_id: self.participant_id.unwrap_or_else(|| id.to_owned()),
            certificate,
            request_object,
            response,
            id_token_alg,
            events,
        };
        if client.shows_certificate() && client.certificate.is_none() {
            let why =
                "add it and certificate_key: this client authenticates or binds its tokens by certificate";
            return Err(fault(&member("certificate"), why));
        }
        Ok(client)
    }
}

/// FAPI 2.0 Security Profile section 5.4.1: PS256, ES256 or `EdDSA`.
fn fapi_alg(member: &str, name: &str) -> Result<Alg, ConfigFault> {
    let refused = || fault(member, format!("\"{name}\" is not allowed; use PS256, ES256 or EdDSA"));
    match Alg::parse(name).ok_or_else(refused)? {
        Alg::Rs256 => Err(refused()),
        alg @ (Alg::Ps256 | Alg::Es256 | Alg::EdDsa) => Ok(alg),
    }
}

fn check_url(member: &str, text: &str) -> Result<(), ConfigFault> {
    let fine = Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    let why = "write an https URL with a host and without query, fragment or credentials";
    if fine { Ok(()) } else { Err(fault(member, why)) }
}

pub(super) fn fault(member: &str, why: impl Into<String>) -> ConfigFault {
    ConfigFault::Value { member: member.to_owned(), why: why.into() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::tpp) const EXAMPLE: &str = r#"
issuer = "https://localhost:8443"
ca = "../ca.pem"
default = "palm-books"
resource = "https://localhost:8443"
resource_mtls = "https://localhost:8444"
[demo]
username = "mariam"
password = "correct horse"
[clients.palm-books]
redirect_uri = "http://127.0.0.1:9473/callback"
token_endpoint_auth_method = "private_key_jwt"
sender_constraint = "dpop"
signing_key = "palm-books.sig.pem"
signing_kid = "palm-books-1"
signing_alg = "PS256"
participant_id = "palm-books"
certificate = "palm-books.cert.pem"
certificate_key = "palm-books.key.pem"
"#;

    pub(in crate::tpp) fn parse(text: &str, client: Option<&str>) -> Result<Config, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        file.check(PathBuf::from("/d/tpp"), client).map_err(|error| error.to_string())
    }

    #[test]
    fn the_documented_file_is_read_with_paths_relative_to_it() {
        let config = parse(EXAMPLE, None).unwrap();
        assert_eq!(config.client.id, "palm-books");
        assert_eq!(config.ca, Path::new("/d/tpp/../ca.pem"));
        assert_eq!(config.client.signing_key, Path::new("/d/tpp/palm-books.sig.pem"));
        assert_eq!(config.resource, "https://localhost:8443");
        assert!(!config.client.shows_certificate());
    }

    #[test]
    fn a_certificate_bound_client_uses_the_address_that_asks_for_certificates() {
        let config = parse(&EXAMPLE.replace("\"dpop\"", "\"mtls\""), None).unwrap();
        assert_eq!(config.resource, "https://localhost:8444");
        assert!(config.client.shows_certificate());
    }

    #[test]
    fn every_fault_names_the_member_and_what_to_change() {
        let cases = [
            (EXAMPLE.replace("\"PS256\"", "\"RS256\""), "clients.palm-books.signing_alg", "use PS256, ES256"),
            (EXAMPLE.replace("\"PS256\"", "\"none\""), "clients.palm-books.signing_alg", "use PS256, ES256"),
            (EXAMPLE.replace("issuer = \"https", "issuer = \"http"), "issuer", "https URL"),
            (EXAMPLE.replace(":8443\"\nca", ":8443/?a=b\"\nca"), "issuer", "without query"),
            (EXAMPLE.replace("default = \"palm-books\"", "default = \"palm\""), "default", "palm-books"),
            (EXAMPLE.replace("certificate_key = \"palm-books.key.pem\"\n", ""), "certificate_key", "add it"),
            (
                EXAMPLE
                    .replace("\"dpop\"", "\"mtls\"")
                    .replace("resource_mtls = \"https://localhost:8444\"\n", ""),
                "resource_mtls",
                "add it",
            ),
            (EXAMPLE.replace("\"dpop\"", "\"bearer\""), "bearer", "dpop"),
            (EXAMPLE.replace("signing_kid", "signing_kit"), "signing_kit", "expected one of"),
            (
                EXAMPLE.replace("http://127.0.0.1:9473/callback", "/callback"),
                "redirect_uri",
                "registered URL",
            ),
        ];
        for (text, member, advice) in cases {
            let message = parse(&text, None).unwrap_err();
            assert!(message.contains(member) && message.contains(advice), "{message}");
        }
    }

    #[test]
    fn a_missing_file_says_how_to_get_one() {
        let fault = Config::read(Path::new("/nonexistent"), None).unwrap_err();
        assert!(fault.to_string().contains("start the bank once"), "{fault}");
    }

    #[test]
    fn the_demo_password_is_not_in_the_debug_form() {
        assert!(!format!("{:?}", parse(EXAMPLE, None).unwrap()).contains("horse"));
    }
}
