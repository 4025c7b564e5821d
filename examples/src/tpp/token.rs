//! The token endpoint (RFC 6749 sections 4.1.3, 4.4 and 6) and userinfo (OpenID Connect Core section 5.3).

use std::sync::{Arc, PoisonError};

use http::StatusCode;
use oauth_core::jose::{JwkSet, Jws};
use oauth_core::limits;
use serde::Deserialize;
use serde_json::Value;

use super::Tpp;
use super::call::{Echo, Token};
use super::error::{Refusal, Stop, quoted};
use super::flow::Answered;
use super::http::Ask;
use super::id_token::{self, Expected};
use super::proof::ProofKey;

/// The token response's place in messages.
const PLACE: &str = "token response";

/// What the customer's approval brought.
pub(crate) struct Granted {
    /// The access token.
    pub(crate) token: Token,
    /// Kept for `tpp refresh`.
    pub(crate) refresh_token: Option<String>,
    /// The customer, by the ID token.
    pub(crate) subject: Option<String>,
    /// The scope granted; none when it is the one asked for.
    pub(crate) scope: Option<String>,
    /// Seconds the access token is good for, when the server says.
    pub(crate) expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Body {
    access_token: String,
    #[serde(default)]
    token_type: String,
    expires_in: Option<u64>,
    scope: Option<String>,
    refresh_token: Option<String>,
    id_token: Option<String>,
    authorization_details: Option<Value>,
}

#[derive(Deserialize)]
struct Userinfo {
    sub: String,
}

impl Tpp {
    /// Redeems a code and checks everything that comes back.
    pub(crate) async fn redeem(&self, answered: Answered, consent_id: &str) -> Result<Granted, Stop> {
        self.narrator.step("Exchange the code for tokens", "RFC 6749 section 4.1.3, RFC 7636 section 4.5");
        let fields = fields(&[
            ("grant_type", "authorization_code"),
            ("code", &answered.code),
            ("redirect_uri", &answered.redirect_uri),
            ("code_verifier", &answered.verifier),
        ]);
        let key = answered.proof_key;
        let body = self.token(&fields, key.as_deref()).await?;
        check_details(body.authorization_details.as_ref(), consent_id)?;
        let Some(id_token) = &body.id_token else {
            return Err(Refusal::new("CL-07", PLACE, "an id_token: openid was asked for", "none").into());
        };
        let subject = self.check_id_token(id_token, Some(&answered.nonce), None).await?;
        self.narrator.say("ID token checked: issuer, audience, time, nonce, algorithm, signature");
        Ok(granted(body, key, Some(subject)))
    }

    /// A token of the client's own (RFC 6749 section 4.4).
    pub(crate) async fn client_token(&self, scope: &str) -> Result<Token, Stop> {
        self.narrator.step("Get a token for the client itself", "RFC 6749 section 4.4");
        let key = self.new_proof_key()?;
        let fields = fields(&[("grant_type", "client_credentials"), ("scope", scope)]);
        let body = self.token(&fields, key.as_deref()).await?;
        Ok(Token { value: body.access_token, proof_key: key })
    }

    /// Refreshes with a new key. A refresh token that is not replaced stays in use (CL-14).
    pub(crate) async fn refresh(&self, refresh_token: &str, subject: Option<&str>) -> Result<Granted, Stop> {
        self.narrator.step("Refresh with a new key", "RFC 6749 section 6, RFC 9449 section 5");
        let key = self.new_proof_key()?;
        let fields = fields(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]);
        let body = self.token(&fields, key.as_deref()).await?;
        let subject = match &body.id_token {
            Some(text) => Some(self.check_id_token(text, None, subject).await?),
            None => subject.map(str::to_owned),
        };
        let mut granted = granted(body, key, subject);
        granted.refresh_token.get_or_insert_with(|| refresh_token.to_owned());
        Ok(granted)
    }

    /// Asks who the customer is, and checks that it is the one of the ID token (CL-18).
    pub(crate) async fn userinfo(&self, granted: &Granted) -> Result<Value, Stop> {
        self.narrator.step("Ask for claims about the customer", "OpenID Connect Core section 5.3");
        let Some(url) = &self.endpoints.userinfo else {
            return Err(Stop::Declined("the server has no userinfo endpoint for this client".to_owned()));
        };
        let reply = self.call(&granted.token, Ask::get(url, self.channel()), Echo::IfSent).await?;
        let claims: Userinfo = reply.json("userinfo", StatusCode::OK)?;
        if granted.subject.as_ref().is_some_and(|known| *known != claims.sub) {
            return Err(Refusal::new("CL-18", "userinfo", "the sub of the ID token", "another").into());
        }
        reply.json("userinfo", StatusCode::OK)
    }

    /// The key a JWT access token says it is bound to (RFC 9449 section 6.1, RFC 8705 section 3.1); none for an
    /// opaque one.
    pub(crate) fn binding(&self, token: &Token) -> Result<Option<String>, Stop> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        read_binding(token, &keys).map_err(Stop::from)
    }

    async fn token(&self, fields: &[(String, String)], key: Option<&ProofKey>) -> Result<Body, Stop> {
        let reply = self.post(&self.endpoints.token, fields, key).await?;
        let body: Body = reply.json(PLACE, StatusCode::OK)?;
        check_type(&body.token_type, key)?;
        Ok(body)
    }

    async fn check_id_token(
        &self,
        text: &str,
        nonce: Option<&str>,
        subject: Option<&str>,
    ) -> Result<String, Stop> {
        let algs = self.metadata.id_token_algs(&self.config.client);
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let keys = if id_token::needs_other_keys(text, &algs, &known) {
            self.narrator.say("no key of the issuer fits: its key set is fetched once more");
            let fresh = self.metadata.keys(&self.http).await?;
            self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&fresh);
            fresh
        } else {
            known
        };
        let (issuer, client_id) = (&self.config.issuer, &self.config.client.id);
        let expected = Expected { issuer, client_id, nonce, subject, algs: &algs };
        Ok(id_token::check(text, &expected, &keys, self.clock.now())?)
    }
}

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn granted(body: Body, proof_key: Option<Arc<ProofKey>>, subject: Option<String>) -> Granted {
    Granted {
        token: Token { value: body.access_token, proof_key },
        refresh_token: body.refresh_token,
        subject,
        scope: body.scope,
        expires_in: body.expires_in,
    }
}

/// CL-09, RFC 9449 section 5: the type says how the token is bound, in any case of its letters. A bearer token where
/// a proof was sent is not bound to the key.
fn check_type(sent: &str, key: Option<&ProofKey>) -> Result<(), Refusal> {
    let expected = if key.is_some() { "DPoP" } else { "Bearer" };
    if sent.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Refusal::new("CL-09", PLACE, format!("token_type {expected}"), quoted(sent)))
}

/// RFC 9396 section 7: what was granted is about the consent that was asked for.
fn check_details(details: Option<&Value>, consent_id: &str) -> Result<(), Refusal> {
    let names = ["/Data/ConsentId", "/consent/ConsentId", "/consentId"];
    let is_ours =
        |element: &Value| names.iter().any(|name| element.pointer(name).is_some_and(|id| id == consent_id));
    let expected = format!("authorization_details about consent {consent_id} and no other");
    match details.and_then(Value::as_array).map(Vec::as_slice) {
        Some(elements) if !elements.is_empty() && elements.iter().all(is_ours) => Ok(()),
        Some(_) => Err(Refusal::new("CL-16", PLACE, expected, "others")),
        None => Err(Refusal::new("CL-16", PLACE, expected, "none")),
    }
}

#[derive(Deserialize)]
struct AccessClaims {
    cnf: Option<Confirmation>,
}

#[derive(Deserialize)]
struct Confirmation {
    jkt: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
}

fn read_binding(token: &Token, keys: &JwkSet) -> Result<Option<String>, Refusal> {
    let place = "access token";
    let Ok(jws) = Jws::parse(&token.value, limits::JWT_BYTES) else {
        return Ok(None);
    };
    let Some(claims) = jws.verify_by(keys).ok().and_then(|verified| verified.claims::<AccessClaims>().ok())
    else {
        return Ok(None);
    };
    let (jkt, x5t_s256) = claims.cnf.map(|cnf| (cnf.jkt, cnf.x5t_s256)).unwrap_or_default();
    match (&token.proof_key, jkt, x5t_s256) {
        (Some(key), Some(jkt), _) if jkt == key.thumbprint() => Ok(Some(format!("cnf.jkt {jkt}"))),
        (Some(key), other, _) => {
            let found = other.map_or_else(|| "none".to_owned(), |jkt| quoted(&jkt));
            Err(Refusal::new("CL-10", place, format!("cnf.jkt {}", key.thumbprint()), found))
        }
        (None, _, Some(thumbprint)) => Ok(Some(format!("cnf.x5t#S256 {thumbprint}"))),
        (None, _, None) => Err(Refusal::new("CL-11", place, "cnf.x5t#S256", "none")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tpp::keys::tests::{fresh, random};

    #[test]
    fn the_token_type_is_compared_in_any_case_and_must_fit_the_binding() {
        let key = ProofKey::generate(&random()).unwrap();
        assert!(check_type("dpOP", Some(&key)).is_ok());
        assert!(check_type("bEARER", None).is_ok());
        assert_eq!(check_type("Bearer", Some(&key)).unwrap_err().check, "CL-09");
        assert_eq!(check_type("DPoP", None).unwrap_err().check, "CL-09");
    }

    #[test]
    fn a_response_without_expires_in_and_scope_is_read() {
        let body: Body = serde_json::from_value(json!({"access_token": "a", "token_type": "DPoP"})).unwrap();
        assert!(body.expires_in.is_none() && body.scope.is_none());
    }

    #[test]
    fn details_about_another_consent_or_none_stop_the_run() {
        let uae = json!([{"type": "u", "Data": {"ConsentId": "c1"}}]);
        assert!(check_details(Some(&uae), "c1").is_ok());
        assert!(check_details(Some(&json!([{"type": "o", "consentId": "c1"}])), "c1").is_ok());
        assert_eq!(check_details(Some(&uae), "c2").unwrap_err().check, "CL-16");
        assert!(check_details(Some(&json!([{"consentId": "c1"}, {"consentId": "c2"}])), "c1").is_err());
        assert!(check_details(None, "c1").is_err());
    }

    #[test]
    fn a_token_bound_to_another_key_stops_the_run() {
        let (signer, public) = fresh("k1");
        let keys = JwkSet::new(vec![public]);
        let key = Arc::new(ProofKey::generate(&random()).unwrap());
        let token = |claims: &Value, proof_key: Option<&Arc<ProofKey>>| Token {
            value: signer.sign(None, claims).unwrap(),
            proof_key: proof_key.cloned(),
        };
        let ours = json!({"cnf": {"jkt": key.thumbprint()}});
        assert!(read_binding(&token(&ours, Some(&key)), &keys).unwrap().unwrap().contains(key.thumbprint()));
        let other = json!({"cnf": {"jkt": "other"}});
        assert_eq!(read_binding(&token(&other, Some(&key)), &keys).unwrap_err().check, "CL-10");
        assert_eq!(read_binding(&token(&json!({}), Some(&key)), &keys).unwrap_err().check, "CL-10");
        assert_eq!(read_binding(&token(&json!({}), None), &keys).unwrap_err().check, "CL-11");
        let opaque = Token { value: "at_x".to_owned(), proof_key: Some(key) };
        assert_eq!(read_binding(&opaque, &keys), Ok(None));
    }
}
