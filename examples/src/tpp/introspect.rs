//! A resource server that asks its authorization server how a token stands: signed introspection (RFC 9701), and the
//! keys to verify tokens with. The same careful client as the third party's, under the bank's own registration.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use http::StatusCode;
use oauth_core::jose::{Alg, Audience, JwkSet, Jws, PublicJwk};
use oauth_core::{Seconds, limits};
use serde::Deserialize;
use serde_json::Value;

use super::Tpp;
use super::config::{
    Authentication, AuthorizationResponse, Client, Config, Messages, RequestObject, SenderConstraint,
};
use super::error::{Refusal, Stop, quoted};
use super::narrate::{Form, Narrator, Trace};

/// Media type and `typ` of a signed answer (RFC 9701 sections 4 and 5).
const MEDIA: &str = "application/token-introspection+jwt";
const TYP: &str = "token-introspection+jwt";
/// An answer was signed just now.
const AGE_MAX: Seconds = Seconds::new(60);
const PLACE: &str = "introspection answer";

/// Where a resource server finds what it authenticates with.
#[derive(Debug, Clone)]
pub struct ResourceServerKeys {
    /// The issuer, exactly as its metadata must name it.
    pub issuer: String,
    /// The authority to trust for its certificates.
    pub ca: PathBuf,
    /// Its own registration.
    pub client_id: String,
    /// PKCS#8 PEM, ES256.
    pub signing_key: PathBuf,
    /// Name of the key in the registered set.
    pub signing_kid: String,
}

/// What the authorization server said of a token.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// It is good right now; the members of RFC 7662 section 2.2.
    Active(Value),
    /// It is not, or none of our business.
    Inactive,
}

/// The authorization server did not answer, or not as it must.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AskFault(String);

impl From<Stop> for AskFault {
    fn from(stop: Stop) -> Self {
        Self(stop.to_string())
    }
}

/// Asks one authorization server.
pub struct Introspector {
    tpp: Tpp,
    endpoint: String,
}

impl std::fmt::Debug for Introspector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Introspector({})", self.tpp.config.issuer)
    }
}

#[derive(Deserialize)]
struct Answer {
    iss: String,
    aud: Audience,
    iat: i64,
    token_introspection: Value,
}

impl Introspector {
    /// Reads the server's metadata and keys, over TLS.
    ///
    /// # Errors
    /// When the server is not there, or is not the one configured.
    pub async fn meet(keys: ResourceServerKeys) -> Result<Self, AskFault> {
        let narrator = Arc::new(Narrator::new(Form::Silent, Trace::Line));
        let tpp = Tpp::meet(config(keys), narrator).await?;
        let endpoint = tpp.metadata.introspection_endpoint.clone();
        let endpoint = endpoint.ok_or_else(|| AskFault("the server has no introspection".to_owned()))?;
        Ok(Self { tpp, endpoint })
    }

    /// The server's keys as last fetched.
    #[must_use]
    pub fn keys(&self) -> Vec<PublicJwk> {
        self.tpp.keys.lock().unwrap_or_else(PoisonError::into_inner).keys().to_vec()
    }

    /// Fetches the keys again.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn refresh_keys(&self) -> Result<(), AskFault> {
        let fresh = self.tpp.metadata.keys(&self.tpp.http).await?;
        *self.tpp.keys.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Asks about a token. Nothing of the answer is used before its signature, issuer, audience and age are checked.
    ///
    /// # Errors
    /// When the server does not answer, or the answer is not its own.
    pub async fn ask(&self, token: &str) -> Result<Told, AskFault> {
        let fields = [("token".to_owned(), token.to_owned())];
        let reply = self.tpp.post_for(&self.endpoint, &fields, MEDIA).await?;
        if reply.status != StatusCode::OK {
            return Err(reply.refused("introspection").into());
        }
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        if let Ok(answer) = self.open(&text) {
            return Ok(self.judge(answer)?);
        }
        self.refresh_keys().await?;
        Ok(self.judge(self.open(&text)?)?)
    }

    fn open(&self, text: &str) -> Result<Answer, Stop> {
        let keys = self.tpp.keys.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(opened(text, &keys)?)
    }

    fn judge(&self, answer: Answer) -> Result<Told, Stop> {
        let config = &self.tpp.config;
        let refused = |expected: &str, found: &str| {
            Refusal::new("RFC9701-5", PLACE, expected.to_owned(), quoted(found))
        };
        if answer.iss != config.issuer {
            return Err(refused("iss of the configured issuer", &answer.iss).into());
        }
        if !answer.aud.contains(&config.client.id) {
            return Err(refused("aud with this resource server", "another").into());
        }
        let age = self.tpp.clock.now().seconds().saturating_sub(answer.iat);
        if age.abs() > AGE_MAX.get() {
            return Err(refused("an answer of this minute", &age.to_string()).into());
        }
        match answer.token_introspection.get("active").and_then(Value::as_bool) {
            Some(true) => Ok(Told::Active(answer.token_introspection)),
            Some(false) => Ok(Told::Inactive),
            None => Err(refused("active true or false", "neither").into()),
        }
    }
}

/// RFC 9701 section 5: an answer is a signed one of its own type, or none.
fn opened(text: &str, keys: &JwkSet) -> Result<Answer, Refusal> {
    let refused = |found: String| Refusal::new("RFC9701-5", PLACE, "one signed by the server", found);
    let jws = Jws::parse(text, limits::JWT_BYTES).map_err(|fault| refused(fault.to_string()))?;
    if !jws.is_typed(TYP) {
        return Err(refused("another type".to_owned()));
    }
    let verified = jws.verify_by(keys).map_err(|fault| refused(fault.to_string()))?;
    verified.claims().map_err(|fault| refused(fault.to_string()))
}

fn config(keys: ResourceServerKeys) -> Config {
    let client = Client {
        id: keys.client_id.clone(),
        redirect_uri: "https://localhost/none".to_owned(),
        authentication: Authentication::PrivateKeyJwt,
        sender_constraint: SenderConstraint::Dpop,
        signing_key: keys.signing_key,
        signing_kid: keys.signing_kid,
        signing_alg: Alg::Es256,
        participant_id: keys.client_id,
        certificate: None,
        request_object: RequestObject::Plain,
        response: AuthorizationResponse::Plain,
        id_token_alg: None,
        events: None,
    };
    Config {
        dir: PathBuf::new(),
        issuer: keys.issuer,
        ca: keys.ca,
        client,
        resource: String::new(),
        resource_id: String::new(),
        messages: Messages::Plain,
        data_holder: String::new(),
        demo: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tpp::keys::tests::fresh;

    /// IN-04.
    #[test]
    fn where_signed_introspection_was_promised_plain_json_and_other_tokens_are_no_answers() {
        let (key, public) = fresh("as-1");
        let keys = JwkSet::new(vec![public]);
        let claims = json!({
            "iss": "https://as.example", "aud": "rs", "iat": 1, "token_introspection": { "active": true }
        });
        let good = key.sign(Some(TYP), &claims).unwrap();
        assert!(opened(&good, &keys).is_ok());
        for plain in [claims.to_string(), json!({ "active": true }).to_string(), String::new()] {
            assert_eq!(opened(&plain, &keys).map(|_| ()).unwrap_err().check, "RFC9701-5", "{plain}");
        }
        assert!(opened(&key.sign(Some("JWT"), &claims).unwrap(), &keys).is_err(), "another type of token");
        assert!(opened(&good, &JwkSet::new(Vec::new())).is_err(), "nobody's key");
    }
}
