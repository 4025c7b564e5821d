//! Discovery (OpenID Connect Discovery 1.0 section 4, RFC 8414): what the server says about itself, checked before
//! anything else is sent to it.

use http::StatusCode;
use oauth_core::jose::{Alg, JwkSet};
use serde::Deserialize;
use url::Url;

use super::config::{AuthorizationResponse, Client, Config, RequestObject, SenderConstraint};
use super::error::{Refusal, Stop, quoted};
use super::http::{Ask, Channel, Http, Reply};

/// The members of the document that this client uses.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    #[serde(default)]
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: String,
    token_endpoint: String,
    pushed_authorization_request_endpoint: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) introspection_endpoint: Option<String>,
    jwks_uri: String,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    response_modes_supported: Vec<String>,
    #[serde(default)]
    authorization_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    authorization_details_types_supported: Vec<String>,
    #[serde(default)]
    request_object_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    mtls_endpoint_aliases: Aliases,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Aliases {
    token_endpoint: Option<String>,
    pushed_authorization_request_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
}

/// Where this client sends what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// Pushed requests.
    pub(crate) par: String,
    /// Tokens.
    pub(crate) token: String,
    /// Claims about the customer.
    pub(crate) userinfo: Option<String>,
}

/// The document's place in messages.
const PLACE: &str = "discovery document";

impl Metadata {
    /// Fetches the document and checks it.
    pub(crate) async fn fetch(http: &Http, config: &Config) -> Result<Self, Stop> {
        let base = config.issuer.strip_suffix('/').unwrap_or(&config.issuer);
        let url = format!("{base}/.well-known/openid-configuration");
        let reply = http.send(Ask::get(url, Channel::Plain)).await?;
        let metadata: Self = reply.json(PLACE, StatusCode::OK)?;
        metadata.check(config)?;
        Ok(metadata)
    }

    /// Fetches the server's keys (RFC 7517).
    pub(crate) async fn keys(&self, http: &Http) -> Result<JwkSet, Stop> {
        let reply = http.send(Ask::get(&self.jwks_uri, Channel::Plain)).await?;
        read_keys(&reply)
    }

    /// Where this client sends what (RFC 8705 section 5 for one that shows its certificate).
    pub(crate) fn endpoints(&self, client: &Client) -> Result<Endpoints, Refusal> {
        let aliases = &self.mtls_endpoint_aliases;
        if !client.shows_certificate() {
            return Ok(Endpoints {
                par: self.pushed_authorization_request_endpoint.clone(),
                token: self.token_endpoint.clone(),
                userinfo: self.userinfo_endpoint.clone(),
            });
        }
        let expected =
            "mtls_endpoint_aliases with the PAR and the token endpoint, for a client with a certificate";
        match (&aliases.pushed_authorization_request_endpoint, &aliases.token_endpoint) {
            (Some(par), Some(token)) => Ok(Endpoints {
                par: par.clone(),
                token: token.clone(),
                userinfo: aliases.userinfo_endpoint.clone(),
            }),
            (None | Some(_), _) => Err(Refusal::new("CL-11", PLACE, expected, "neither or only one of them")),
        }
    }

    /// The algorithms an ID token of this client may have: the registered one, or what the server offers.
    pub(crate) fn id_token_algs(&self, client: &Client) -> Vec<Alg> {
        let offered = self.id_token_signing_alg_values_supported.iter().filter_map(|name| Alg::parse(name));
        client.id_token_alg.map_or_else(
            || offered.filter(|alg| [Alg::Ps256, Alg::Es256, Alg::EdDsa].contains(alg)).collect(),
            |alg| vec![alg],
        )
    }

    /// CL-16: whether the server takes this type of `authorization_details` (RFC 9396 section 10).
    pub(crate) fn check_details_type(&self, wanted: &str) -> Result<(), Refusal> {
        let listed = &self.authorization_details_types_supported;
        if listed.iter().any(|one| one == wanted || one.starts_with(&format!("{wanted}:"))) {
            return Ok(());
        }
        let expected = format!("authorization_details_types_supported with {wanted}");
        Err(Refusal::new("CL-16", PLACE, expected, quoted(&listed.join(" "))))
    }

    fn check(&self, config: &Config) -> Result<(), Refusal> {
        if self.issuer != config.issuer {
            let expected = format!("issuer {}", quoted(&config.issuer));
            return Err(Refusal::new("CL-01", PLACE, expected, quoted(&self.issuer)));
        }
        for (name, url) in self.urls() {
            check_https(name, url)?;
        }
        let client = &config.client;
        self.check_response(client.response)?;
        let key_alg = [client.signing_alg.as_str()];
        if client.request_object == RequestObject::Signed {
            let algs = &self.request_object_signing_alg_values_supported;
            lists("CL-02", "request_object_signing_alg_values_supported", algs, &key_alg)?;
        }
        lists(
            "CL-04",
            "code_challenge_methods_supported",
            &self.code_challenge_methods_supported,
            &["S256"],
        )?;
        let methods = &self.token_endpoint_auth_methods_supported;
        lists("CL-12", "token_endpoint_auth_methods_supported", methods, &[client.authentication.as_str()])?;
        if client.authentication == super::config::Authentication::PrivateKeyJwt {
            let algs = &self.token_endpoint_auth_signing_alg_values_supported;
            lists("CL-12", "token_endpoint_auth_signing_alg_values_supported", algs, &key_alg)?;
        }
        match client.sender_constraint {
            SenderConstraint::Dpop => {
                let algs = &self.dpop_signing_alg_values_supported;
                lists("CL-10", "dpop_signing_alg_values_supported", algs, &[Alg::Es256.as_str()])
            }
            SenderConstraint::Mtls => Ok(()),
        }
    }

    /// How the response will say who it is from: a parameter (RFC 9207 section 3), or its signature (JARM section 4).
    fn check_response(&self, response: AuthorizationResponse) -> Result<(), Refusal> {
        match response {
            AuthorizationResponse::Plain if self.authorization_response_iss_parameter_supported => Ok(()),
            AuthorizationResponse::Plain => {
                let expected = "authorization_response_iss_parameter_supported true (RFC 9207 section 3)";
                Err(Refusal::new("CL-05", PLACE, expected, "false or none"))
            }
            AuthorizationResponse::Signed(alg) => {
                lists("CL-06", "response_modes_supported", &self.response_modes_supported, &["jwt"])?;
                let algs = &self.authorization_signing_alg_values_supported;
                lists("CL-06", "authorization_signing_alg_values_supported", algs, &[alg.as_str()])
            }
        }
    }

    fn urls(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let aliases = &self.mtls_endpoint_aliases;
        let always = [
            ("authorization_endpoint", Some(&self.authorization_endpoint)),
            ("token_endpoint", Some(&self.token_endpoint)),
            ("pushed_authorization_request_endpoint", Some(&self.pushed_authorization_request_endpoint)),
            ("jwks_uri", Some(&self.jwks_uri)),
            ("userinfo_endpoint", self.userinfo_endpoint.as_ref()),
            ("introspection_endpoint", self.introspection_endpoint.as_ref()),
            ("mtls_endpoint_aliases.token_endpoint", aliases.token_endpoint.as_ref()),
            (
                "mtls_endpoint_aliases.pushed_authorization_request_endpoint",
                aliases.pushed_authorization_request_endpoint.as_ref(),
            ),
            ("mtls_endpoint_aliases.userinfo_endpoint", aliases.userinfo_endpoint.as_ref()),
        ];
        always.into_iter().filter_map(|(name, url)| url.map(|url| (name, url.as_str())))
    }
}

/// CL-13: nothing is asked of an address without TLS.
pub(crate) fn check_https(name: &'static str, text: &str) -> Result<(), Refusal> {
    let fine = Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https" && url.has_host() && url.username().is_empty() && url.fragment().is_none()
    });
    let refused = || Refusal::new("CL-13", PLACE, format!("{name} with an https URL"), quoted(text));
    if fine { Ok(()) } else { Err(refused()) }
}

fn lists(check: &'static str, name: &str, listed: &[String], wanted: &[&str]) -> Result<(), Refusal> {
    if wanted.iter().all(|one| listed.iter().any(|other| other == one)) {
        return Ok(());
    }
    let expected = format!("{name} with {}", wanted.join(" and "));
    Err(Refusal::new(check, PLACE, expected, quoted(&listed.join(" "))))
}

/// A key set (RFC 7517 section 5).
pub(crate) fn read_keys(reply: &Reply) -> Result<JwkSet, Stop> {
    if reply.status != StatusCode::OK {
        return Err(reply.refused("key set"));
    }
    JwkSet::read(&reply.body).map_err(|fault| reply.unexpected("key set", &fault.to_string()))
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::tpp::config::tests::{EXAMPLE, parse};

    pub(in crate::tpp) fn document() -> Value {
        json!({
            "issuer": "https://localhost:8443",
            "authorization_endpoint": "https://localhost:8443/authorize",
            "token_endpoint": "https://localhost:8443/token",
            "pushed_authorization_request_endpoint": "https://localhost:8443/par",
            "userinfo_endpoint": "https://localhost:8443/userinfo",
            "jwks_uri": "https://localhost:8443/jwks",
            "authorization_response_iss_parameter_supported": true,
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["PS256", "ES256"],
            "dpop_signing_alg_values_supported": ["ES256"],
            "id_token_signing_alg_values_supported": ["ES256", "RS256"],
            "authorization_details_types_supported": ["urn:openfinanceuae:service-initiation-consent"],
        })
    }

    fn judge(change: impl FnOnce(&mut Value)) -> Result<(), Refusal> {
        let mut document = document();
        change(&mut document);
        let metadata: Metadata = serde_json::from_value(document).unwrap();
        metadata.check(&parse(EXAMPLE, None).unwrap())
    }

    #[test]
    fn a_document_of_another_issuer_stops_the_run() {
        assert_eq!(judge(|_| ()), Ok(()));
        for other in ["https://localhost:8443/", "https://evil.example", "https://LOCALHOST:8443", ""] {
            assert_eq!(
                judge(|document| document["issuer"] = other.into()).unwrap_err().check,
                "CL-01",
                "{other}"
            );
        }
    }

    #[test]
    fn an_endpoint_without_tls_stops_the_run() {
        for name in ["token_endpoint", "authorization_endpoint", "jwks_uri", "userinfo_endpoint"] {
            let refusal = judge(|document| document[name] = "http://localhost:8443/x".into()).unwrap_err();
            assert!(refusal.expected.starts_with(name), "{refusal}");
        }
    }

    #[test]
    fn a_server_without_iss_s256_our_method_or_dpop_stops_the_run() {
        let cases = [
            ("authorization_response_iss_parameter_supported", json!(false), "CL-05"),
            ("code_challenge_methods_supported", json!(["plain"]), "CL-04"),
            ("token_endpoint_auth_methods_supported", json!(["client_secret_basic"]), "CL-12"),
            ("token_endpoint_auth_signing_alg_values_supported", json!(["RS256"]), "CL-12"),
            ("dpop_signing_alg_values_supported", json!(["RS256"]), "CL-10"),
        ];
        for (name, value, check) in cases {
            assert_eq!(judge(|document| document[name] = value).unwrap_err().check, check, "{name}");
        }
    }

    #[test]
    fn a_client_of_signed_responses_asks_for_a_server_that_signs_them() {
        let with = "signing_alg = \"PS256\"\nauthorization_signed_response_alg = \"PS256\"";
        let config = parse(&EXAMPLE.replace("signing_alg = \"PS256\"", with), None).unwrap();
        let judge = |modes: Value, algs: Value| {
            let mut document = document();
            document["response_modes_supported"] = modes;
            document["authorization_signing_alg_values_supported"] = algs;
            document["authorization_response_iss_parameter_supported"] = false.into();
            serde_json::from_value::<Metadata>(document).unwrap().check(&config)
        };
        assert_eq!(judge(json!(["query", "jwt"]), json!(["PS256"])), Ok(()));
        assert_eq!(judge(json!(["query"]), json!(["PS256"])).unwrap_err().check, "CL-06");
        assert_eq!(judge(json!(["jwt"]), json!(["ES256"])).unwrap_err().check, "CL-06");
    }

    #[test]
    fn a_client_with_a_certificate_goes_to_the_aliases_or_nowhere() {
        let mtls = parse(&EXAMPLE.replace("\"dpop\"", "\"mtls\""), None).unwrap().client;
        let mut with = document();
        let plain: Metadata = serde_json::from_value(with.clone()).unwrap();
        assert_eq!(plain.endpoints(&mtls).unwrap_err().check, "CL-11");
        with["mtls_endpoint_aliases"] = json!({
            "token_endpoint": "https://localhost:8444/token",
            "pushed_authorization_request_endpoint": "https://localhost:8444/par",
        });
        let aliased: Metadata = serde_json::from_value(with).unwrap();
        assert_eq!(aliased.endpoints(&mtls).unwrap().token, "https://localhost:8444/token");
        let dpop = parse(EXAMPLE, None).unwrap().client;
        assert_eq!(aliased.endpoints(&dpop).unwrap().token, "https://localhost:8443/token");
    }

    #[test]
    fn rs256_is_never_among_the_algorithms_of_an_id_token() {
        let metadata: Metadata = serde_json::from_value(document()).unwrap();
        let mut client = parse(EXAMPLE, None).unwrap().client;
        assert_eq!(metadata.id_token_algs(&client), [Alg::Es256]);
        client.id_token_alg = Some(Alg::Ps256);
        assert_eq!(metadata.id_token_algs(&client), [Alg::Ps256]);
    }

    #[test]
    fn an_unlisted_type_of_details_is_not_sent() {
        let metadata: Metadata = serde_json::from_value(document()).unwrap();
        assert!(metadata.check_details_type("urn:openfinanceuae:service-initiation-consent").is_ok());
        assert_eq!(metadata.check_details_type("urn:ofxpera:consent:v1").unwrap_err().check, "CL-16");
    }
}
