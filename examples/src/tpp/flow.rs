//! The authorization code flow: pushed request (RFC 9126), PKCE (RFC 7636), authorization response (RFC 9207).

use std::sync::{Arc, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use oauth_core::jose::{Alg, JwkSet};
use oauth_core::{Seconds, Timestamp};
use ring::digest;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::Tpp;
use super::config::{AuthorizationResponse, RequestObject, SenderConstraint};
use super::error::{Refusal, Stop, quoted};
use super::jarm::{self, Expected};
use super::proof::ProofKey;

/// How long the customer may take; a later response was not waited for.
const RESPONSE_AGE_MAX: Seconds = Seconds::minutes(10);
/// How long a request object is good for.
const REQUEST_OBJECT_LIFETIME: Seconds = Seconds::minutes(5);
/// The response's place in messages.
const PLACE: &str = "authorization response";

/// An authorization that has been asked for and not yet answered.
///
/// It holds what the answer is compared with. Taking the answer consumes it, so a second one cannot be taken.
pub(crate) struct Pending {
    /// Where the customer's browser goes.
    pub(crate) url: String,
    /// Where it comes back to.
    pub(crate) redirect_uri: String,
    issuer: String,
    state: String,
    nonce: String,
    verifier: String,
    proof_key: Option<Arc<ProofKey>>,
    asked_at: Timestamp,
}

/// A code and what it takes to redeem it.
pub(crate) struct Answered {
    /// The code.
    pub(crate) code: String,
    /// The PKCE verifier of the request.
    pub(crate) verifier: String,
    /// The nonce that the ID token must repeat.
    pub(crate) nonce: String,
    /// The redirect URI of the request.
    pub(crate) redirect_uri: String,
    /// The key that the code is bound to.
    pub(crate) proof_key: Option<Arc<ProofKey>>,
}

#[derive(Deserialize)]
struct Pushed {
    request_uri: String,
    expires_in: u32,
}

impl Tpp {
    /// Pushes an authorization request and builds the URL for the browser.
    pub(crate) async fn push(&self, scope: &str, details: &Value) -> Result<Pending, Stop> {
        self.narrator.step("Push the authorization request", "RFC 9126 section 2.1, RFC 9396 section 2");
        let (state, nonce, verifier) = (self.random.text()?, self.random.text()?, self.random.text()?);
        let proof_key = self.new_proof_key()?;
        let redirect_uri = self.config.client.redirect_uri.clone();
        let text = |value: &str| Value::String(value.to_owned());
        let mut parameters = vec![
            ("response_type", text("code")),
            ("redirect_uri", text(&redirect_uri)),
            ("scope", text(scope)),
            ("state", text(&state)),
            ("nonce", text(&nonce)),
            ("code_challenge", text(&challenge(&verifier))),
            ("code_challenge_method", text("S256")),
            ("authorization_details", json!([details])),
        ];
        if let AuthorizationResponse::Signed(_) = self.config.client.response {
            parameters.push(("response_mode", text("jwt")));
        }
        let fields = self.push_fields(parameters)?;
        let reply = self.post(&self.endpoints.par, &fields, proof_key.as_deref()).await?;
        let pushed: Pushed = reply.json("pushed request", StatusCode::CREATED)?;
        self.narrator.say(&format!("request_uri received, good for {} s", pushed.expires_in));
        let url = authorization_url(
            &self.metadata.authorization_endpoint,
            &self.config.client.id,
            &pushed.request_uri,
        )?;
        Ok(Pending {
            url,
            redirect_uri,
            issuer: self.config.issuer.clone(),
            state,
            nonce,
            verifier,
            proof_key,
            asked_at: self.clock.now(),
        })
    }

    /// Judges the URL that the browser came back with. Nothing is sent to the bank before it is judged, but for a
    /// request for its keys where a signed response needs one that is not known.
    pub(crate) async fn accept(&self, pending: Pending, came_back_to: &str) -> Result<Answered, Stop> {
        let now = self.clock.now();
        let arrived = Response::read(came_back_to, &pending.redirect_uri)?;
        let response = match self.config.client.response {
            AuthorizationResponse::Plain => arrived,
            AuthorizationResponse::Signed(alg) => {
                let text = arrived.signed_only()?;
                let keys = self.keys_for_response(&text, alg).await?;
                let (issuer, client_id) = (self.config.issuer.as_str(), self.config.client.id.as_str());
                let claims = jarm::check(&text, Expected { issuer, client_id, alg }, &keys, now)?;
                Response {
                    state: claims.state,
                    iss: Some(issuer.to_owned()),
                    code: claims.code,
                    error: claims.error,
                    error_description: claims.error_description,
                    response: None,
                }
            }
        };
        pending.judge(response, now)
    }

    /// The keys of the issuer, fetched once more when none of them comes into question (CL-18).
    async fn keys_for_response(&self, text: &str, alg: Alg) -> Result<JwkSet, Stop> {
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !jarm::needs_other_keys(text, alg, &known) {
            return Ok(known);
        }
        self.narrator.say("no key of the issuer fits: its key set is fetched once more");
        let fresh = self.metadata.keys(&self.http).await?;
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&fresh);
        Ok(fresh)
    }

    /// A fresh key for the tokens to come, where they are bound by DPoP.
    pub(crate) fn new_proof_key(&self) -> Result<Option<Arc<ProofKey>>, Stop> {
        match self.config.client.sender_constraint {
            SenderConstraint::Mtls => Ok(None),
            SenderConstraint::Dpop => {
                let key = ProofKey::generate(&self.random)?;
                self.narrator.say(&format!("new DPoP key, thumbprint {}", key.thumbprint()));
                Ok(Some(Arc::new(key)))
            }
        }
    }

    /// RFC 9126 section 2.1: as form parameters, or section 3: all of them in one signed object (CL-02).
    fn push_fields(&self, parameters: Vec<(&str, Value)>) -> Result<Vec<(String, String)>, Stop> {
        let client = &self.config.client;
        match client.request_object {
            RequestObject::Plain => {
                let flat = |value: Value| match value {
                    Value::String(text) => text,
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                        value.to_string()
                    }
                };
                Ok(parameters.into_iter().map(|(name, value)| (name.to_owned(), flat(value))).collect())
            }
            RequestObject::Signed => {
                let now = self.clock.now();
                let mut claims: serde_json::Map<String, Value> =
                    parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                claims.extend([
                    ("iss".to_owned(), client.id.clone().into()),
                    ("aud".to_owned(), self.config.issuer.clone().into()),
                    ("client_id".to_owned(), client.id.clone().into()),
                    ("jti".to_owned(), self.random.text()?.into()),
                    ("iat".to_owned(), now.seconds().into()),
                    ("nbf".to_owned(), now.seconds().into()),
                    ("exp".to_owned(), now.plus(REQUEST_OBJECT_LIFETIME).seconds().into()),
                ]);
                let object = self.client_key.sign(Some("oauth-authz-req+jwt"), &claims)?;
                Ok(vec![("request".to_owned(), object)])
            }
        }
    }
}

impl Pending {
    fn judge(self, response: Response, now: Timestamp) -> Result<Answered, Stop> {
        if response.response.is_some() {
            return Err(Refusal::new("CL-06", PLACE, "plain parameters", "a signed response").into());
        }
        if now.since(self.asked_at) > RESPONSE_AGE_MAX {
            let expected = format!("a response within {RESPONSE_AGE_MAX}");
            return Err(Refusal::new("CL-19", PLACE, expected, now.since(self.asked_at).to_string()).into());
        }
        match response.state {
            Some(state) if state == self.state => {}
            Some(_) => {
                return Err(Refusal::new("CL-05", PLACE, "the state of this request", "another").into());
            }
            None => return Err(Refusal::new("CL-05", PLACE, "the state of this request", "none").into()),
        }
        let expected = format!("iss {}", quoted(&self.issuer));
        match response.iss {
            Some(iss) if iss == self.issuer => {}
            Some(iss) => return Err(Refusal::new("CL-05", PLACE, expected, quoted(&iss)).into()),
            None => return Err(Refusal::new("CL-05", PLACE, expected, "none").into()),
        }
        match (response.code, response.error) {
            (Some(code), None) if !code.is_empty() => Ok(Answered {
                code,
                verifier: self.verifier,
                nonce: self.nonce,
                redirect_uri: self.redirect_uri,
                proof_key: self.proof_key,
            }),
            (None, Some(error)) => {
                let why =
                    response.error_description.map(|text| format!(": {}", quoted(&text))).unwrap_or_default();
                Err(Stop::Declined(format!("the bank answered {}{why}", quoted(&error))))
            }
            (Some(_) | None, Some(_) | None) => {
                Err(Refusal::new("CL-05", PLACE, "a code, or an error and no code", "neither or both").into())
            }
        }
    }
}

/// CL-03: the URL carries the client and the reference, and nothing of the request itself.
fn authorization_url(endpoint: &str, client_id: &str, request_uri: &str) -> Result<String, Stop> {
    let mut url = Url::parse(endpoint).map_err(|_| {
        Refusal::new("CL-03", "discovery document", "an authorization_endpoint", quoted(endpoint))
    })?;
    url.query_pairs_mut().append_pair("client_id", client_id).append_pair("request_uri", request_uri);
    Ok(url.into())
}

/// RFC 7636 section 4.2.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

#[derive(Default)]
struct Response {
    state: Option<String>,
    iss: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    /// JARM section 2.3.1: all of the above in one signed object.
    response: Option<String>,
}

impl Response {
    /// JARM section 2.3.1: the signed object, and nothing beside it.
    fn signed_only(self) -> Result<String, Refusal> {
        let plain = [self.state, self.iss, self.code, self.error, self.error_description];
        let refusal = |found: &str| Refusal::new("CL-06", PLACE, "a signed response alone", found);
        match (self.response, plain.iter().any(Option::is_some)) {
            (Some(text), false) => Ok(text),
            (Some(_), true) => Err(refusal("plain parameters beside it")),
            (None, _) => Err(refusal("none")),
        }
    }

    /// Reads the query. A repeated parameter is refused (RFC 6749 section 3.1), and so is another address.
    fn read(came_back_to: &str, redirect_uri: &str) -> Result<Self, Refusal> {
        let (address, query) = came_back_to.split_once('?').unwrap_or((came_back_to, ""));
        if address != redirect_uri.split('?').next().unwrap_or(redirect_uri) {
            return Err(Refusal::new("CL-19", PLACE, quoted(redirect_uri), quoted(address)));
        }
        let mut response = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let slot = match name.as_ref() {
                "state" => &mut response.state,
                "iss" => &mut response.iss,
                "code" => &mut response.code,
                "error" => &mut response.error,
                "error_description" => &mut response.error_description,
                "response" => &mut response.response,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(Refusal::new("CL-05", PLACE, format!("one parameter {name}"), "two"));
            }
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Timestamp = Timestamp::from_seconds(1000);
    const GOOD: &str = "http://127.0.0.1:9473/callback?code=c1&state=s1&iss=https%3A%2F%2Fbank";

    fn accept(url: &str) -> Result<Answered, Stop> {
        accept_at(url, ASKED.plus(Seconds::new(30)))
    }

    fn accept_at(url: &str, now: Timestamp) -> Result<Answered, Stop> {
        let pending = Pending {
            url: String::new(),
            redirect_uri: "http://127.0.0.1:9473/callback".to_owned(),
            issuer: "https://bank".to_owned(),
            state: "s1".to_owned(),
            nonce: "n1".to_owned(),
            verifier: "v1".to_owned(),
            proof_key: None,
            asked_at: ASKED,
        };
        let response = Response::read(url, &pending.redirect_uri)?;
        pending.judge(response, now)
    }

    fn refused(url: &str) -> Refusal {
        match accept(url) {
            Err(Stop::Refused(refusal)) => refusal,
            Err(other) => panic!("{url}: {other}"),
            Ok(_) => panic!("{url} was accepted"),
        }
    }

    #[test]
    fn a_good_response_yields_its_code() {
        assert_eq!(accept(GOOD).map(|answered| answered.code).ok().as_deref(), Some("c1"));
        assert!(accept(&format!("{GOOD}&session_state=x")).is_ok());
    }

    #[test]
    fn a_response_of_another_issuer_or_of_none_is_refused() {
        assert_eq!(refused(&GOOD.replace("%2Fbank", "%2Fevil")).check, "CL-05");
        assert_eq!(refused(&GOOD.replace("%2Fbank", "%2Fbank%2F")).check, "CL-05");
        assert!(refused(&GOOD.replace("&iss=https%3A%2F%2Fbank", "")).found.contains("none"));
    }

    #[test]
    fn a_response_with_another_state_or_none_is_refused_and_the_state_is_not_repeated() {
        let refusal = refused(&GOOD.replace("state=s1", "state=FORGED"));
        assert!(refusal.expected.contains("state") && !refusal.to_string().contains("FORGED"));
        assert!(refused(&GOOD.replace("&state=s1", "")).found.contains("none"));
    }

    #[test]
    fn repeated_parameters_and_code_beside_error_are_refused() {
        for extra in ["&state=s1", "&code=c1", "&iss=https%3A%2F%2Fbank", "&error=access_denied"] {
            assert_eq!(refused(&format!("{GOOD}{extra}")).check, "CL-05", "{extra}");
        }
        assert_eq!(refused(&GOOD.replace("code=c1&", "")).check, "CL-05");
    }

    #[test]
    fn plain_and_signed_responses_are_not_taken_for_each_other() {
        assert_eq!(refused(&format!("{GOOD}&response=x.y.z")).check, "CL-06");
        let signed = |query: &str| {
            let url = format!("http://127.0.0.1:9473/callback?{query}");
            Response::read(&url, "http://127.0.0.1:9473/callback").unwrap().signed_only()
        };
        assert_eq!(signed("response=x.y.z").unwrap(), "x.y.z");
        for query in ["", "code=c1&state=s1&iss=https%3A%2F%2Fbank", "response=x.y.z&code=c1"] {
            assert_eq!(signed(query).unwrap_err().check, "CL-06", "{query}");
        }
    }

    #[test]
    fn an_error_counts_only_with_our_state_and_issuer() {
        let denied = GOOD.replace("code=c1", "error=access_denied&error_description=no");
        assert!(matches!(accept(&denied), Err(Stop::Declined(why)) if why.contains("access_denied")));
        assert_eq!(refused(&denied.replace("state=s1", "state=s2")).check, "CL-05");
        assert_eq!(refused(&denied.replace("%2Fbank", "%2Fevil")).check, "CL-05");
    }

    #[test]
    fn a_response_after_ten_minutes_or_at_another_address_is_refused() {
        assert!(accept_at(GOOD, ASKED.plus(Seconds::minutes(10))).is_ok());
        let late = accept_at(GOOD, ASKED.plus(Seconds::new(601)));
        assert!(matches!(late, Err(Stop::Refused(refusal)) if refusal.check == "CL-19"));
        assert_eq!(refused(&GOOD.replace("/callback", "/other")).check, "CL-19");
    }

    #[test]
    fn the_authorization_url_carries_client_and_reference_only() {
        let url = authorization_url("https://bank/authorize", "palm", "urn:x:y").unwrap();
        assert_eq!(url, "https://bank/authorize?client_id=palm&request_uri=urn%3Ax%3Ay");
    }

    #[test]
    fn the_challenge_is_that_of_the_example_in_appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
