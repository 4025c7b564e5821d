//! The demo clients: two third parties for people, one for every other way to authenticate and to hold tokens, and the
//! bank's own APIs. Each gets its keys once; a later start finds them.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oauth_core::jose::{Alg, DecryptionKey, KeyManagement, PublicJwk, SigningKey};
use oauth_core::{KeyId, Timestamp};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::data_dir::DataFault;
use super::deployment::resource_of;
use crate::keys::{self, KeyAlgorithm};
use crate::pki::{self, AlternativeName, ClientNames, LocalPki};

/// Where demo clients take their customers back: a port on the customer's own machine (RFC 8252 section 7.3).
pub(super) const DEMO_REDIRECT_URI: &str = "http://127.0.0.1:9473/callback";

/// Where the first demo client listens for events: `tpp listen`.
const DEMO_WEBHOOK_URI: &str = "https://localhost:9474/events";

/// A demo client and the files it gets.
pub(super) struct Demo {
    pub(super) id: &'static str,
    organisation: &'static str,
    domain: &'static str,
    role: Role,
    proof: Proof,
    bound: Bound,
    pub(super) algorithm: KeyAlgorithm,
    events: Events,
}

/// Whether it can be sent events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Events {
    /// It has an address for them and a key to encrypt them to.
    Taken,
    /// It has neither.
    None,
}

/// What a demo client is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Named at the start; its files lie in `tpp/`.
    Shown,
    /// For testers: one more combination of authentication and binding. Its files lie in `tpp/more/`.
    Variant,
    /// The bank's APIs, which introspect; no third party.
    Apis,
    /// The bank's side of the UAE interface, which says what the bank has decided; no third party.
    BankSide,
}

/// How a demo client proves who it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    Assertion,
    SelfSigned,
    SubjectDn,
    Alternative(AlternativeName<'static>),
}

/// What its tokens are bound to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    Dpop,
    Mtls,
}

const fn variant(
    (id, organisation): (&'static str, &'static str),
    proof: Proof,
    bound: Bound,
    algorithm: KeyAlgorithm,
) -> Demo {
    Demo {
        id,
        organisation,
        domain: "variant.example",
        role: Role::Variant,
        proof,
        bound,
        algorithm,
        events: Events::None,
    }
}

/// A client that is part of the bank.
const fn own(id: &'static str, organisation: &'static str, role: Role) -> Demo {
    let demo = variant((id, organisation), Proof::Assertion, Bound::Dpop, KeyAlgorithm::Es256);
    Demo { domain: "localhost", role, ..demo }
}

/// RSA keys are what a first start waits for, so only one client has any.
pub(super) const DEMOS: &[Demo] = &[
    Demo {
        id: "palm-books",
        organisation: "Palm Books",
        domain: "palmbooks.example",
        role: Role::Shown,
        proof: Proof::Assertion,
        bound: Bound::Dpop,
        algorithm: KeyAlgorithm::Ps256,
        events: Events::Taken,
    },
    Demo {
        id: "luzon-bank",
        organisation: "Luzon Bank",
        domain: "luzonbank.example",
        role: Role::Shown,
        proof: Proof::SubjectDn,
        bound: Bound::Mtls,
        algorithm: KeyAlgorithm::Es256,
        events: Events::None,
    },
    own("bank-apis", "The bank's own APIs", Role::Apis),
    own("lfi", "The bank's back office", Role::BankSide),
    Demo {
        domain: "bayantrust.example",
        ..variant(("bayan-trust", "Bayan Trust"), Proof::Assertion, Bound::Dpop, KeyAlgorithm::Es256)
    },
    variant(("jwt-es256-mtls", "Cedar Wallet"), Proof::Assertion, Bound::Mtls, KeyAlgorithm::Es256),
    variant(("jwt-eddsa-dpop", "Coral Savings"), Proof::Assertion, Bound::Dpop, KeyAlgorithm::Ed25519),
    variant(("self-signed-mtls", "Dune Pay"), Proof::SelfSigned, Bound::Mtls, KeyAlgorithm::Es256),
    variant(("self-signed-dpop", "Falcon Ledger"), Proof::SelfSigned, Bound::Dpop, KeyAlgorithm::Es256),
    variant(("tls-dn-dpop", "Oasis Lending"), Proof::SubjectDn, Bound::Dpop, KeyAlgorithm::Es256),
    variant(
        ("tls-dns-mtls", "Pearl Credit"),
        Proof::Alternative(AlternativeName::Dns("tpp.pearlcredit.example")),
        Bound::Mtls,
        KeyAlgorithm::Es256,
    ),
    variant(
        ("tls-uri-mtls", "Saffron Market"),
        Proof::Alternative(AlternativeName::Uri("https://saffronmarket.example/tpp")),
        Bound::Mtls,
        KeyAlgorithm::Es256,
    ),
    variant(
        ("tls-ip-mtls", "Visayas Fund"),
        Proof::Alternative(AlternativeName::Ip("192.0.2.17")),
        Bound::Mtls,
        KeyAlgorithm::Es256,
    ),
    variant(
        ("tls-email-mtls", "Mindanao Coop"),
        Proof::Alternative(AlternativeName::Email("tpp@mindanaocoop.example")),
        Bound::Mtls,
        KeyAlgorithm::Es256,
    ),
];

const TPP_SCOPE: &str = "openid profile email phone address payments consent products accounts.basic accounts.details \
                         accounts.open bank_account customer customer_details customer_onboarding accounts \
                         admin:read admin:write";
const TPP_TYPES: &[&str] = &[
    "urn:openfinanceuae:service-initiation-consent",
    "urn:ofxpera:consent:v1",
    "payment_initiation",
    "account_information",
];

impl Demo {
    /// Whether it is the bank's own APIs, which are registered wherever tokens are introspected.
    pub(super) fn is_the_apis(&self) -> bool {
        self.role == Role::Apis
    }

    /// The signing key below the directory of the third parties.
    pub(super) fn key_file(&self, tpp: &Path) -> PathBuf {
        self.file(tpp, "sig.pem")
    }

    /// Further keys that are made with it: what others encrypt to.
    pub(super) fn further_keys(&self, tpp: &Path) -> Option<(KeyAlgorithm, PathBuf)> {
        (self.events == Events::Taken).then(|| (KeyAlgorithm::Ps256, self.file(tpp, "enc.pem")))
    }

    /// What it registers, with its certificate where it needs one; the certificate is issued once.
    pub(super) fn metadata(
        &self,
        tpp: &Path,
        issuer: &str,
        (key, pki): (&SigningKey, &LocalPki),
        now: Timestamp,
    ) -> Result<Value, DataFault> {
        let mut keys = vec![key.public(&self.key_id(tpp)?).to_value()];
        let certificate = self.certificate(tpp, pki, now)?;
        if self.proof == Proof::SelfSigned {
            keys.push(self.certified_key(&certificate)?);
        }
        if self.events == Events::Taken {
            keys.push(self.encryption_key(tpp)?.to_value());
            self.listener_certificate(tpp, pki, now)?;
        }
        let (scope, types) = self.registers();
        let mut metadata = json!({
            "client_id": self.id,
            "organisation": { "name": self.organisation, "id": self.id, "domain": self.domain },
            "token_endpoint_auth_method": self.proof.method(),
            "jwks": { "keys": keys },
            "grant_types": self.grants(),
            "scope": scope,
            "authorization_details_types": types,
            "resource_signing_alg": signature_of(self.algorithm).as_str(),
        });
        let mut put = |name: &str, value: Value| {
            if let Some(members) = metadata.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
        };
        match self.role {
            Role::Apis => put("resource", json!(resource_of(issuer))),
            Role::BankSide => {}
            Role::Shown | Role::Variant => put("redirect_uris", json!([DEMO_REDIRECT_URI])),
        }
        if self.events == Events::Taken {
            put("webhook_uris", json!([DEMO_WEBHOOK_URI]));
        }
        match self.bound {
            Bound::Mtls => put("tls_client_certificate_bound_access_tokens", json!(true)),
            Bound::Dpop => put("dpop_bound_access_tokens", json!(true)),
        }
        match self.proof {
            Proof::Assertion | Proof::SelfSigned => {}
            Proof::SubjectDn => {
                put("tls_client_auth_subject_dn", json!(format!("CN={},O={}", self.id, self.organisation)))
            }
            Proof::Alternative(name) => put(registered_as(name), json!(name.as_str())),
        }
        Ok(metadata)
    }

    /// Its table in `tpp.toml`; the bank's APIs have none.
    pub(super) fn table(&self) -> Option<String> {
        if self.role == Role::Apis {
            return None;
        }
        let (id, place) = (self.id, if self.role == Role::Variant { "more/" } else { "" });
        let mut table = format!(
            "\n[clients.{id}]\nredirect_uri = \"{DEMO_REDIRECT_URI}\"\n\
             token_endpoint_auth_method = \"{}\"\nsender_constraint = \"{}\"\n\
             signing_key = \"{place}{id}.sig.pem\"\nsigning_kid = \"{id}-1\"\nsigning_alg = \"{}\"\n\
             participant_id = \"{id}\"\ncertificate = \"{place}{id}.cert.pem\"\n\
             certificate_key = \"{place}{id}.key.pem\"\n",
            self.proof.method(),
            self.bound.as_str(),
            signature_of(self.algorithm).as_str(),
        );
        if self.events == Events::Taken {
            table.push_str(&format!(
                "encryption_key = \"{place}{id}.enc.pem\"\nencryption_kid = \"{id}-enc-1\"\n\
                 webhook_uri = \"{DEMO_WEBHOOK_URI}\"\nwebhook_certificate = \"{place}{id}.webhook.cert.pem\"\n\
                 webhook_certificate_key = \"{place}{id}.webhook.key.pem\"\n",
            ));
        }
        Some(table)
    }

    /// Its scope and its types of details.
    const fn registers(&self) -> (&'static str, &'static [&'static str]) {
        match self.role {
            Role::Apis => ("introspection", &[]),
            Role::BankSide => ("consent_manager", &[]),
            Role::Shown | Role::Variant => (TPP_SCOPE, TPP_TYPES),
        }
    }

    fn grants(&self) -> &'static [&'static str] {
        match self.role {
            Role::Apis | Role::BankSide => &["client_credentials"],
            Role::Shown | Role::Variant => &["authorization_code", "refresh_token", "client_credentials"],
        }
    }

    fn file(&self, tpp: &Path, kind: &str) -> PathBuf {
        let directory = if self.role == Role::Variant { tpp.join("more") } else { tpp.to_owned() };
        directory.join(format!("{}.{kind}", self.id))
    }

    fn key_id(&self, tpp: &Path) -> Result<KeyId, DataFault> {
        KeyId::new(&format!("{}-1", self.id)).map_err(|fault| unusable(tpp, &fault.to_string()))
    }

    /// The client certificate, issued once: of the local authority, or of its own key (RFC 8705 section 2.2).
    fn certificate(&self, tpp: &Path, pki: &LocalPki, now: Timestamp) -> Result<PathBuf, DataFault> {
        let certificate = self.file(tpp, "cert.pem");
        if certificate.exists() {
            return Ok(certificate);
        }
        let names = ClientNames {
            common_name: self.id,
            organisation: self.organisation,
            alternative: match self.proof {
                Proof::Alternative(name) => Some(name),
                Proof::Assertion | Proof::SelfSigned | Proof::SubjectDn => None,
            },
        };
        let identity = match self.proof {
            Proof::SelfSigned => pki::self_signed_client_certificate(&names, now)?,
            Proof::Assertion | Proof::SubjectDn | Proof::Alternative(_) => {
                pki.issue_client_certificate(&names, now)?
            }
        };
        write_private(&self.file(tpp, "key.pem"), &identity.key_pem)?;
        write_private(&certificate, &identity.certificate_pem)?;
        Ok(certificate)
    }

    /// The key that it registers for encryption to it.
    fn encryption_key(&self, tpp: &Path) -> Result<PublicJwk, DataFault> {
        let path = self.file(tpp, "enc.pem");
        let broken = |message: &str| unusable(&path, message);
        let pem = keys::read_secret(&path)?.ok_or_else(|| broken("was not made"))?;
        let pem = std::str::from_utf8(&pem).map_err(|_| broken("not PEM"))?;
        let id = KeyId::new(&format!("{}-enc-1", self.id)).map_err(|fault| broken(&fault.to_string()))?;
        let key = DecryptionKey::from_pkcs8_pem(KeyManagement::RsaOaep256, &id, pem);
        Ok(key.map_err(|fault| broken(&fault.to_string()))?.public().clone())
    }

    /// The certificate of the server on this machine that waits for its events, issued once.
    fn listener_certificate(&self, tpp: &Path, pki: &LocalPki, now: Timestamp) -> Result<(), DataFault> {
        let certificate = self.file(tpp, "webhook.cert.pem");
        if certificate.exists() {
            return Ok(());
        }
        let identity = pki.issue_server_certificate(now)?;
        write_private(&self.file(tpp, "webhook.key.pem"), &identity.key_pem)?;
        write_private(&certificate, &identity.certificate_pem)
    }

    /// The key of a self-signed certificate as it is registered: with the certificate (RFC 7517 section 4.7).
    fn certified_key(&self, certificate: &Path) -> Result<Value, DataFault> {
        let broken = |fault: &dyn std::fmt::Display| unusable(certificate, &fault.to_string());
        let der = CertificateDer::from_pem_file(certificate).map_err(|fault| broken(&fault))?;
        let (_, read) = X509Certificate::from_der(&der).map_err(|fault| broken(&fault))?;
        let id = KeyId::new(&format!("{}-tls", self.id)).map_err(|fault| broken(&fault))?;
        let key = PublicJwk::from_p256(&read.public_key().subject_public_key.data)
            .and_then(|key| key.for_signatures(&id, Alg::Es256))
            .map_err(|fault| broken(&fault))?;
        let mut value = key.to_value();
        if let Some(members) = value.as_object_mut() {
            members.insert("x5c".to_owned(), json!([STANDARD.encode(&der)]));
        }
        Ok(value)
    }
}

impl Proof {
    const fn method(self) -> &'static str {
        match self {
            Self::Assertion => "private_key_jwt",
            Self::SelfSigned => "self_signed_tls_client_auth",
            Self::SubjectDn | Self::Alternative(_) => "tls_client_auth",
        }
    }
}

impl Bound {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Dpop => "dpop",
            Self::Mtls => "mtls",
        }
    }
}

/// RFC 8705 section 2.1.2.
const fn registered_as(name: AlternativeName<'_>) -> &'static str {
    match name {
        AlternativeName::Dns(_) => "tls_client_auth_san_dns",
        AlternativeName::Uri(_) => "tls_client_auth_san_uri",
        AlternativeName::Ip(_) => "tls_client_auth_san_ip",
        AlternativeName::Email(_) => "tls_client_auth_san_email",
    }
}

/// The algorithm a demo key signs with.
pub(super) const fn signature_of(algorithm: KeyAlgorithm) -> Alg {
    match algorithm {
        KeyAlgorithm::Es256 => Alg::Es256,
        KeyAlgorithm::Ps256 => Alg::Ps256,
        KeyAlgorithm::Ed25519 => Alg::EdDsa,
    }
}

fn unusable(path: &Path, message: &str) -> DataFault {
    DataFault::Unusable { path: path.to_owned(), message: message.to_owned() }
}

pub(super) fn write_private(path: &Path, text: &str) -> Result<(), DataFault> {
    keys::place(path, text.as_bytes(), keys::Access::Owner, keys::Existing::Replace).map_err(DataFault::from)
}
