//! Configurations for the OpenID Foundation's conformance suite: one file per variant, with fresh keys and the browser
//! steps of our pages, and the registrations that a deployment file takes.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use serde_json::{Value, json};

use crate::tpp::keys::{Alg, Key};
use crate::{Doing as _, Trouble};

/// Where the suite runs when it is started on one's own machine.
pub const LOCAL_SUITE: &str = "https://localhost.emobix.co.uk:8443";

const SECURITY_PLAN: &str = "fapi2-security-profile-final-test-plan";
const SIGNING_PLAN: &str = "fapi2-message-signing-final-test-plan";
/// What the suite appends to the redirect URI of its second client.
const SECOND_SUFFIX: &str = "?dummy1=lorem&dummy2=ipsum";
/// Modules at whose end the server shows an error page.
const PAGES_OF_ERROR: &[&str] = &[
    "ensure-unsigned-authorization-request-without-using-par-fails",
    "par-attempt-reuse-request_uri",
    "par-attempt-to-use-expired-request_uri",
    "par-attempt-to-use-request_uri-for-different-client",
];

/// For whom files are written.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The issuer to test.
    pub issuer: String,
    /// Where the suite runs.
    pub suite: String,
    /// Who signs in.
    pub username: String,
    /// With which password.
    pub password: String,
}

/// A client of the suite: how it authenticates and binds, its keys and its certificate.
struct SuiteClient {
    id: String,
    by_key: Choice,
    bound_by_key: Choice,
    redirect_uris: Vec<String>,
    key: Key,
    tls_key: KeyPair,
    tls_certificate: rcgen::Certificate,
}

/// By a signing key, or by a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Key,
    Certificate,
}

const CHOICES: [Choice; 2] = [Choice::Key, Choice::Certificate];

/// Writes every file into a directory and returns their number.
///
/// # Errors
/// When a key cannot be made or a file not be written.
pub fn write(wanted: &Wanted, directory: &Path) -> Result<usize, Trouble> {
    std::fs::create_dir_all(directory).doing(format!("make {}", directory.display()))?;
    let mut registrations = Vec::new();
    let mut plans = Vec::new();
    for authentication in CHOICES {
        for constraint in CHOICES {
            let alias = format!("mandate-{}-{}", by(authentication), bound(constraint));
            let first =
                SuiteClient::make(&format!("{alias}-1"), (authentication, constraint), wanted, &alias)?;
            let second =
                SuiteClient::make(&format!("{alias}-2"), (authentication, constraint), wanted, &alias)?;
            for (plan, openid, request, answer) in ways() {
                let variant = variant((authentication, constraint), (openid, request, answer), plan);
                let name = format!("{alias}-{openid}-{request}-{answer}.json");
                let file = file(wanted, (&first, &second), (&alias, openid), &variant);
                put(directory, &name, &format!("{file:#}\n"))?;
                plans.push(format!("{plan}{} {name}\n", brackets(&variant)));
            }
            registrations.extend([first.registration()?, second.registration()?]);
        }
    }
    put(directory, "clients.toml", &registrations.concat())?;
    put(directory, "plans.txt", &plans.concat())?;
    Ok(plans.len() + 2)
}

fn put(directory: &Path, name: &str, text: &str) -> Result<(), Trouble> {
    let file = directory.join(name);
    std::fs::write(&file, text).doing(format!("write {}", file.display()))
}

/// Plan, identity, form of request, form of answer: the ways that the two plans leave open.
fn ways() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let mut all = Vec::new();
    for openid in ["openid_connect", "plain_oauth"] {
        all.push((SECURITY_PLAN, openid, "unsigned", "plain_response"));
        for (request, answer) in [
            ("signed_non_repudiation", "plain_response"),
            ("signed_non_repudiation", "jarm"),
            ("unsigned", "jarm"),
        ] {
            all.push((SIGNING_PLAN, openid, request, answer));
        }
    }
    all
}

fn by(authentication: Choice) -> &'static str {
    match authentication {
        Choice::Key => "private_key_jwt",
        Choice::Certificate => "mtls",
    }
}

fn bound(constraint: Choice) -> &'static str {
    match constraint {
        Choice::Key => "dpop",
        Choice::Certificate => "mtls",
    }
}

/// The security plan has one form of request and answer and does not ask for them.
fn variant(
    (authentication, constraint): (Choice, Choice),
    (openid, request, answer): (&'static str, &'static str, &'static str),
    plan: &str,
) -> Vec<(&'static str, &'static str)> {
    let mut variant = vec![
        ("client_auth_type", by(authentication)),
        ("sender_constrain", bound(constraint)),
        ("fapi_profile", "plain_fapi"),
        ("openid", openid),
    ];
    if plan == SIGNING_PLAN {
        variant.extend([("fapi_request_method", request), ("fapi_response_mode", answer)]);
    }
    variant
}

fn brackets(variant: &[(&str, &str)]) -> String {
    variant.iter().map(|(name, value)| format!("[{name}={value}]")).collect()
}

fn file(
    wanted: &Wanted,
    (first, second): (&SuiteClient, &SuiteClient),
    (alias, openid): (&str, &str),
    variant: &[(&str, &str)],
) -> Value {
    let issuer = wanted.issuer.trim_end_matches('/');
    // without identity there is no userinfo, and the third party's own scope opens the resource
    let scope = if openid == "openid_connect" { "openid profile email" } else { "payments" };
    json!({
        "alias": alias,
        "description": format!("Mandate: {}", brackets(variant)),
        "server": {"discoveryUrl": format!("{issuer}/.well-known/openid-configuration")},
        "client": first.in_suite(scope),
        "client2": second.in_suite(scope),
        "mtls": first.tls(),
        "mtls2": second.tls(),
        "resource": {"resourceUrl": format!("{issuer}/userinfo")},
        "browser": browser(wanted, "approve"),
        "override": overrides(wanted),
    })
}

/// The steps of a browser through our pages, by the ids that they promise to keep.
fn browser(wanted: &Wanted, button: &str) -> Value {
    let issuer = wanted.issuer.trim_end_matches('/');
    let page = format!("{issuer}/request*");
    json!([{
        "match": format!("{issuer}/authorize*"),
        "tasks": [
            {"task": "Sign in", "match": page, "optional": true, "commands": [
                ["text", "id", "username", wanted.username],
                ["text", "id", "password", wanted.password],
                ["click", "id", "sign-in"],
            ]},
            {"task": "Decide", "match": page, "optional": true, "commands": [["click", "id", button]]},
            {"task": "Return", "match": "*/test/*/callback*", "commands": [
                ["wait", "id", "submission_complete", 10],
            ]},
        ],
    }])
}

fn overrides(wanted: &Wanted) -> Value {
    let issuer = wanted.issuer.trim_end_matches('/');
    let error = json!({"browser": [{
        "match": format!("{issuer}/authorize*"),
        "tasks": [{"task": "Error page", "match": format!("{issuer}/authorize*"), "commands": [
            ["wait", "id", "error", 10, ".*", "update-image-placeholder"],
        ]}],
    }]});
    let mut all = serde_json::Map::new();
    for module in PAGES_OF_ERROR {
        all.insert(format!("fapi2-security-profile-final-{module}"), error.clone());
    }
    all.insert(
        "fapi2-security-profile-final-user-rejects-authentication".into(),
        json!({"browser": browser(wanted, "deny")}),
    );
    Value::Object(all)
}

impl SuiteClient {
    fn make(
        id: &str,
        (by_key, bound_by_key): (Choice, Choice),
        wanted: &Wanted,
        alias: &str,
    ) -> Result<Self, Trouble> {
        let tls_key = KeyPair::generate().doing("make a key for TLS")?;
        let mut certificate = CertificateParams::default();
        certificate.distinguished_name.push(DnType::CommonName, id);
        certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let callback = format!("{}/test/a/{alias}/callback", wanted.suite.trim_end_matches('/'));
        Ok(Self {
            id: id.to_owned(),
            by_key,
            bound_by_key,
            redirect_uris: vec![callback.clone(), format!("{callback}{SECOND_SUFFIX}")],
            key: Key::generate(Alg::Ps256, &format!("{id}-sig"))?,
            tls_certificate: certificate.self_signed(&tls_key).doing("make a certificate")?,
            tls_key,
        })
    }

    /// What the suite knows of it, private key included.
    fn in_suite(&self, scope: &str) -> Value {
        let mut private = self.key.exposed();
        if let (Some(members), Value::Object(named)) = (private.as_object_mut(), self.key.registered()) {
            members.extend(named);
        }
        json!({"client_id": self.id, "scope": scope, "jwks": {"keys": [private]}})
    }

    fn tls(&self) -> Value {
        json!({"cert": self.tls_certificate.pem(), "key": self.tls_key.serialize_pem()})
    }

    /// What the server is told of it, in the words of RFC 7591.
    fn registration(&self) -> Result<String, Trouble> {
        let mut keys = vec![self.key.registered()];
        let method = match self.by_key {
            Choice::Key => "private_key_jwt",
            Choice::Certificate => {
                let pem = self.tls_key.serialize_pem();
                let mut key = Key::from_pem(Alg::Es256, &format!("{}-tls", self.id), &pem)?.registered();
                if let Some(members) = key.as_object_mut() {
                    members.insert("x5c".into(), json!([STANDARD.encode(self.tls_certificate.der())]));
                }
                keys.push(key);
                "self_signed_tls_client_auth"
            }
        };
        let metadata = json!({"clients": [{
            "client_id": self.id,
            "organisation": {"id": "conformance-suite", "name": "Conformance Suite", "domain": "openid.net"},
            "token_endpoint_auth_method": method,
            "dpop_bound_access_tokens": self.bound_by_key == Choice::Key,
            "tls_client_certificate_bound_access_tokens": self.bound_by_key == Choice::Certificate,
            "redirect_uris": self.redirect_uris,
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "scope": "openid profile email payments",
            "jwks": {"keys": keys},
        }]});
        let table = toml::Table::try_from(&metadata).doing("write a registration")?;
        Ok(format!("{}\n", toml::to_string(&table).doing("write a registration")?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::host::Scratch;

    #[test]
    fn every_variant_has_a_file_with_fresh_keys_and_its_clients_are_registered() {
        let wanted = Wanted {
            issuer: "https://localhost:8443".into(),
            suite: LOCAL_SUITE.into(),
            username: "u".into(),
            password: "p".into(),
        };
        let scratch = Scratch::new("suite").unwrap();
        let written = write(&wanted, scratch.path()).unwrap();
        assert_eq!(written, 4 * 8 + 2, "four kinds of client, eight ways, the clients and the list of plans");
        let plans = std::fs::read_to_string(scratch.path().join("plans.txt")).unwrap();
        assert_eq!(plans.lines().collect::<BTreeSet<_>>().len(), 32);
        let clients = std::fs::read_to_string(scratch.path().join("clients.toml")).unwrap();
        let clients: toml::Table = clients.parse().unwrap();
        let registered: BTreeSet<&str> = clients["clients"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["client_id"].as_str().unwrap())
            .collect();
        let mut moduli = BTreeSet::new();
        for line in plans.lines() {
            let name = line.rsplit(' ').next().unwrap();
            let text = std::fs::read_to_string(scratch.path().join(name)).unwrap();
            let file: Value = serde_json::from_str(&text).unwrap();
            for client in ["client", "client2"] {
                assert!(registered.contains(file[client]["client_id"].as_str().unwrap()), "{name}");
                moduli.insert(file[client]["jwks"]["keys"][0]["n"].as_str().unwrap().to_owned());
                assert!(file[client]["jwks"]["keys"][0]["d"].is_string());
            }
        }
        assert_eq!((registered.len(), moduli.len()), (8, 8));
        for client in clients["clients"].as_array().unwrap() {
            for key in client["jwks"]["keys"].as_array().unwrap() {
                assert!(key.get("d").is_none(), "no private key is registered");
            }
        }
    }
}
