//! Requests of an authenticated client and requests with an access token: fresh proofs each time, one retry where a
//! server asks for its nonce (RFC 9449 sections 8 and 9).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{ACCEPT, AUTHORIZATION, HeaderName};
use http::{Method, StatusCode};
use url::Url;

use super::Tpp;
use super::assertion;
use super::config::Authentication;
use super::error::{Refusal, Stop, quoted};
use super::http::{Ask, Reply};
use super::proof::{ProofFor, ProofKey};

const DPOP: HeaderName = HeaderName::from_static("dpop");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("x-idempotency-key");
const INTERACTION_ID: HeaderName = HeaderName::from_static("x-fapi-interaction-id");

/// The nonces that servers gave out, by origin: those of the authorization server are not those of the resource
/// server (RFC 9449 section 9).
#[derive(Debug, Default)]
pub(crate) struct Nonces(Mutex<HashMap<String, String>>);

/// An access token and the key it is bound to.
pub(crate) struct Token {
    /// The token. Sent in the header only.
    pub(crate) value: String,
    /// The key, for a DPoP token; none for one bound to the client certificate.
    pub(crate) proof_key: Option<Arc<ProofKey>>,
}

/// Whether a server must repeat `x-fapi-interaction-id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    /// It must: both open-finance standards say so.
    Demanded,
    /// It may leave it out, and may not send another (userinfo).
    IfSent,
}

impl Nonces {
    fn of(&self, url: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&origin(url)).cloned()
    }

    fn learn(&self, url: &str, reply: &Reply) {
        if let Some(nonce) = reply.header("dpop-nonce") {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(origin(url), nonce.to_owned());
        }
    }
}

impl Tpp {
    /// Posts a form as this client (RFC 9126 section 2, RFC 6749 section 2.3), with a proof when there is a key.
    pub(crate) async fn post(
        &self,
        url: &str,
        fields: &[(String, String)],
        proof_key: Option<&ProofKey>,
    ) -> Result<Reply, Stop> {
        let first = self.post_once(url, fields, proof_key).await?;
        if proof_key.is_none() || !wants_nonce(&first) {
            return Ok(first);
        }
        self.narrator
            .say("the server asks for its DPoP nonce: once more, with a new assertion and a new proof");
        self.post_once(url, fields, proof_key).await
    }

    /// Calls a resource with an access token (RFC 6750 section 2.1, RFC 9449 section 7).
    pub(crate) async fn call(&self, token: &Token, ask: Ask, echo: Echo) -> Result<Reply, Stop> {
        let first = self.call_once(token, ask.clone(), echo).await?;
        if token.proof_key.is_none() || !wants_nonce(&first) {
            return Ok(first);
        }
        self.narrator.say("the resource server asks for its DPoP nonce: once more, with a new proof");
        self.call_once(token, ask, echo).await
    }

    /// Orders something that must happen once: with an idempotency key of its own, and once more with the same key
    /// when the answer was lost (CL-20).
    pub(crate) async fn order(
        &self,
        token: &Token,
        make: impl Fn() -> Result<Ask, Stop>,
    ) -> Result<Reply, Stop> {
        let key = self.random.uuid()?.to_string();
        let keyed = |ask: Ask| ask.with(IDEMPOTENCY_KEY, &key);
        match self.call(token, keyed(make()?), Echo::Demanded).await {
            Err(Stop::Network { place, why }) => {
                self.narrator.say(&format!("{place}: {why}; once more with the same x-idempotency-key"));
                self.call(token, keyed(make()?), Echo::Demanded).await
            }
            other => other,
        }
    }

    /// Posts a form as this client and asks for an answer of this media type.
    pub(crate) async fn post_for(
        &self,
        url: &str,
        fields: &[(String, String)],
        media: &str,
    ) -> Result<Reply, Stop> {
        self.http.send(self.authenticated(url, fields)?.with(ACCEPT, media)).await
    }

    /// A form with what authenticates this client.
    fn authenticated(&self, url: &str, fields: &[(String, String)]) -> Result<Ask, Stop> {
        let client = &self.config.client;
        let mut fields = fields.to_vec();
        let mut field = |name: &str, value: String| fields.push((name.to_owned(), value));
        field("client_id", client.id.clone());
        if client.authentication == Authentication::PrivateKeyJwt {
            let (now, issuer) = (self.clock.now(), &self.config.issuer);
            field("client_assertion_type", assertion::TYPE.to_owned());
            field(
                "client_assertion",
                assertion::assertion(&client.id, issuer, now, &self.random, &self.client_key)?,
            );
        }
        Ok(Ask::form(url, self.channel(), &fields))
    }

    async fn post_once(
        &self,
        url: &str,
        fields: &[(String, String)],
        proof_key: Option<&ProofKey>,
    ) -> Result<Reply, Stop> {
        let mut ask = self.authenticated(url, fields)?;
        if let Some(key) = proof_key {
            let nonce = self.nonces.of(url);
            let what = ProofFor { method: &Method::POST, url, access_token: None, nonce: nonce.as_deref() };
            ask = ask.with(DPOP, &key.prove(&what, self.clock.now(), &self.random)?);
        }
        let reply = self.http.send(ask).await?;
        self.nonces.learn(url, &reply);
        Ok(reply)
    }

    async fn call_once(&self, token: &Token, ask: Ask, echo: Echo) -> Result<Reply, Stop> {
        let url = ask.url.clone();
        let interaction = self.random.uuid()?.to_string();
        let scheme = if token.proof_key.is_some() { "DPoP" } else { "Bearer" };
        let mut ask = Ask { channel: self.channel(), ..ask }
            .with(AUTHORIZATION, &format!("{scheme} {}", token.value))
            .with(INTERACTION_ID, &interaction);
        if let Some(key) = &token.proof_key {
            let nonce = self.nonces.of(&url);
            let what = ProofFor {
                method: &ask.method,
                url: &url,
                access_token: Some(&token.value),
                nonce: nonce.as_deref(),
            };
            let proof = key.prove(&what, self.clock.now(), &self.random)?;
            ask = ask.with(DPOP, &proof);
        }
        let ask = self.sign_message(ask)?;
        let reply = self.http.send(ask.clone()).await?;
        self.check_message(&ask, &reply).await?;
        self.nonces.learn(&url, &reply);
        check_echo(&interaction, &reply, echo)?;
        Ok(reply)
    }
}

/// CL-13: the server repeats the interaction id, in any case of its letters. A refusal may come from a layer in front
/// that does not know it.
fn check_echo(sent: &str, reply: &Reply, echo: Echo) -> Result<(), Refusal> {
    let place = "resource response";
    match reply.header(INTERACTION_ID.as_str()) {
        Some(echoed) if echoed.eq_ignore_ascii_case(sent) => Ok(()),
        Some(other) => {
            Err(Refusal::new("CL-13", place, format!("x-fapi-interaction-id {sent}"), quoted(other)))
        }
        None if echo == Echo::IfSent || !reply.status.is_success() => Ok(()),
        None => Err(Refusal::new("CL-13", place, format!("x-fapi-interaction-id {sent}"), "none")),
    }
}

/// RFC 9449 sections 8 and 9: the token endpoint says it in JSON, a resource server in its challenge, whose scheme
/// may be written in any case.
fn wants_nonce(reply: &Reply) -> bool {
    if reply.header("dpop-nonce").is_none() {
        return false;
    }
    match reply.status {
        StatusCode::BAD_REQUEST => {
            let error = serde_json::from_slice::<serde_json::Value>(&reply.body).ok();
            error.is_some_and(|value| value.get("error").is_some_and(|code| code == "use_dpop_nonce"))
        }
        StatusCode::UNAUTHORIZED => reply.header("www-authenticate").is_some_and(|challenge| {
            let challenge = challenge.to_ascii_lowercase();
            challenge.starts_with("dpop") && challenge.contains("error=\"use_dpop_nonce\"")
        }),
        _ => false,
    }
}

fn origin(url: &str) -> String {
    Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tpp::http::tests::reply;

    #[test]
    fn a_foreign_or_missing_interaction_id_stops_the_run() {
        let id = "0f3d7c0e-5a2b-4a51-9a53-0d2b8f0f9a11";
        let judge = |status, headers: &[(&'static str, &str)]| {
            check_echo(id, &reply(status, headers, ""), Echo::Demanded)
        };
        assert!(judge(200, &[("x-fapi-interaction-id", &id.to_ascii_uppercase())]).is_ok());
        assert_eq!(judge(200, &[("x-fapi-interaction-id", "other")]).unwrap_err().check, "CL-13");
        assert_eq!(judge(200, &[]).unwrap_err().check, "CL-13");
        assert_eq!(
            judge(200, &[("x-fapi-interaction-id", id), ("x-fapi-interaction-id", id)]).unwrap_err().check,
            "CL-13"
        );
        assert!(judge(401, &[]).is_ok());
        assert!(check_echo(id, &reply(200, &[], ""), Echo::IfSent).is_ok());
        assert!(
            check_echo(id, &reply(200, &[("x-fapi-interaction-id", "other")], ""), Echo::IfSent).is_err()
        );
    }

    #[test]
    fn a_nonce_is_wanted_only_where_the_server_says_so_and_gives_one() {
        let error = r#"{"error":"use_dpop_nonce"}"#;
        assert!(wants_nonce(&reply(400, &[("dpop-nonce", "n")], error)));
        assert!(!wants_nonce(&reply(400, &[], error)));
        assert!(!wants_nonce(&reply(400, &[("dpop-nonce", "n")], r#"{"error":"invalid_dpop_proof"}"#)));
        let challenge = [("dpop-nonce", "n"), ("www-authenticate", "dPoP error=\"use_dpop_nonce\"")];
        assert!(wants_nonce(&reply(401, &challenge, "")));
        assert!(!wants_nonce(&reply(
            401,
            &[("dpop-nonce", "n"), ("www-authenticate", "DPoP error=\"invalid_token\"")],
            ""
        )));
    }

    #[test]
    fn nonces_of_two_servers_are_kept_apart() {
        let nonces = Nonces::default();
        nonces.learn("https://as.example/token", &reply(200, &[("dpop-nonce", "a")], ""));
        nonces.learn("https://rs.example/x", &reply(200, &[("dpop-nonce", "r")], ""));
        assert_eq!(nonces.of("https://as.example/par").as_deref(), Some("a"));
        assert_eq!(nonces.of("https://rs.example/y").as_deref(), Some("r"));
        assert_eq!(nonces.of("https://other.example/"), None);
    }
}
