//! Signed bodies (UAE Bank Service Initiation): requests go out and answers come in as `application/jwt`, and nothing
//! in an answer is used before its signature and its envelope have been checked.

use std::sync::PoisonError;

use http::{Method, StatusCode};
use oauth_core::jose::{Alg, Audience, JwkSet, Jws, NumericDate};
use oauth_core::{Seconds, Timestamp, limits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Tpp;
use super::error::{Refusal, Stop, quoted};
use super::http::{Ask, Reply, said};

const MEDIA: &str = "application/jwt";
/// How long a signed request is good for.
const LIFETIME: Seconds = Seconds::minutes(5);
/// Clocks may differ this much.
const SKEW: Seconds = Seconds::new(10);
/// An answer was signed just now.
const AGE_MAX: Seconds = Seconds::minutes(5);

#[derive(Serialize)]
struct Request<'a> {
    iss: &'a str,
    aud: [&'a str; 1],
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    message: &'a Value,
}

#[derive(Deserialize)]
struct Response {
    iss: Option<String>,
    aud: Option<Audience>,
    iat: Option<NumericDate>,
    exp: Option<NumericDate>,
    jti: Option<String>,
    message: Option<Value>,
}

/// Who may have signed an answer, and for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parties<'a> {
    /// The issuer of the configuration.
    pub(crate) issuer: &'a str,
    /// This client.
    pub(crate) client_id: &'a str,
}

impl Tpp {
    /// A request with this message as signed body.
    pub(crate) fn signed(&self, method: Method, url: &str, message: &Value) -> Result<Ask, Stop> {
        let now = self.clock.now();
        if self.client_key.alg() != Alg::Ps256 {
            let why = "the payment API takes PS256 only: use a client with signing_alg = \"PS256\"";
            return Err(Stop::Declined(why.to_owned()));
        }
        let claims = Request {
            iss: &self.config.client.id,
            aud: [&self.config.issuer],
            jti: self.random.text()?,
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: now.plus(LIFETIME).seconds(),
            message,
        };
        let body = self.client_key.sign(Some("JWT"), &claims)?;
        Ok(Ask::body(method, url, (MEDIA, body)).with(http::header::ACCEPT, MEDIA))
    }

    /// The message of an answer with this status. A signed refusal is checked as well before it is repeated.
    pub(crate) fn open(&self, place: &'static str, reply: &Reply, status: StatusCode) -> Result<Value, Stop> {
        if !reply.is_of(MEDIA) {
            if reply.status == status {
                let found = reply.header("content-type").map_or_else(|| "none".to_owned(), quoted);
                return Err(Refusal::new("CL-20", place, "a signed answer, application/jwt", found).into());
            }
            return Err(reply.refused(place));
        }
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let parties = Parties { issuer: &self.config.issuer, client_id: &self.config.client.id };
        let text = std::str::from_utf8(&reply.body).unwrap_or_default();
        let (jti, message) = check(place, text, parties, &keys, self.clock.now())?;
        if !self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(jti) {
            return Err(Refusal::new("CL-20", place, "an answer of its own", "one that came before").into());
        }
        if reply.status == status {
            return Ok(message);
        }
        let said = said(&message).unwrap_or_else(|| "no explanation".to_owned());
        Err(reply.unexpected(place, &said))
    }
}

/// CL-20: signature, algorithm, issuer, audience and time of an answer. Yields its `jti` and its message.
pub(crate) fn check(
    place: &'static str,
    text: &str,
    parties: Parties<'_>,
    keys: &JwkSet,
    now: Timestamp,
) -> Result<(String, Value), Refusal> {
    let refusal = |expected: String, found: String| Refusal::new("CL-20", place, expected, found);
    let jws = Jws::parse(text, limits::SIGNED_BODY_BYTES)
        .map_err(|fault| refusal("a signed object".to_owned(), fault.to_string()))?;
    if jws.alg() != Alg::Ps256 {
        return Err(refusal("alg PS256".to_owned(), jws.alg().to_string()));
    }
    let verified = jws
        .verify_by(keys)
        .map_err(|fault| refusal("a signature by a key of the issuer".to_owned(), fault.to_string()))?;
    let response: Response =
        verified.claims().map_err(|fault| refusal("a well-formed envelope".to_owned(), fault.to_string()))?;
    check_envelope(place, &response, parties, now)?;
    let message = response.message.ok_or_else(|| refusal("message".to_owned(), "none".to_owned()))?;
    Ok((response.jti.unwrap_or_default(), message))
}

fn check_envelope(
    place: &'static str,
    response: &Response,
    parties: Parties<'_>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let refusal = |expected: String, found: String| Err(Refusal::new("CL-20", place, expected, found));
    if response.iss.as_deref() != Some(parties.issuer) {
        let found = response.iss.as_deref().map_or_else(|| "none".to_owned(), quoted);
        return refusal(format!("iss {}", quoted(parties.issuer)), found);
    }
    if !response.aud.as_ref().is_some_and(|audience| audience.contains(parties.client_id)) {
        return refusal(format!("aud {}", quoted(parties.client_id)), "another or none".to_owned());
    }
    match response.iat.map(|issued| now.since(issued.timestamp())) {
        None => return refusal("iat".to_owned(), "none".to_owned()),
        Some(age) if age > AGE_MAX || age < Seconds::new(-SKEW.get()) => {
            return refusal("iat within the last five minutes".to_owned(), format!("an age of {age}"));
        }
        Some(_) => {}
    }
    if response.exp.is_some_and(|until| until.timestamp().plus(SKEW) <= now) {
        return refusal("exp in the future".to_owned(), "an answer that has expired".to_owned());
    }
    match response.jti.as_deref() {
        None | Some("") => refusal("jti".to_owned(), "none".to_owned()),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use oauth_core::KeyId;
    use oauth_core::jose::{Header, PublicJwk, SignFault, SigningKey, compact};
    use ring::rand::SystemRandom;
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_248_000);
    const PARTIES: Parties<'static> = Parties { issuer: "https://bank", client_id: "palm" };

    fn bank_key() -> (SigningKey, KeyId, PublicJwk) {
        use rsa::pkcs8::EncodePrivateKey as _;
        let private = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        let der = private.to_pkcs8_der().unwrap();
        let key = SigningKey::from_pkcs8_der(Alg::Ps256, der.as_bytes(), &SystemRandom::new()).unwrap();
        let kid = KeyId::new("b1").unwrap();
        let public = key.public(&kid);
        (key, kid, public)
    }

    fn sign(key: &SigningKey, kid: &KeyId, claims: &Value) -> String {
        let header = Header { alg: key.alg(), kid: kid.clone(), typ: None }.encode();
        compact(&header, claims, |input| key.sign(&SystemRandom::new(), input))
            .map_err(|_: SignFault| ())
            .unwrap()
    }

    #[test]
    fn only_an_answer_signed_by_the_bank_for_us_and_now_is_opened() {
        let (key, kid, public) = bank_key();
        let keys = JwkSet::new(vec![public]);
        let now = NOW.seconds();
        let good = json!({"iss": "https://bank", "aud": ["palm"], "iat": now, "exp": now + 300, "jti": "j1",
            "message": {"a": 1}});
        let judge = |claims: &Value| check("payment", &sign(&key, &kid, claims), PARTIES, &keys, NOW);
        assert_eq!(judge(&good).unwrap(), ("j1".to_owned(), json!({"a": 1})));
        let bad = [
            ("iss", json!("https://evil")),
            ("iss", Value::Null),
            ("aud", json!(["other"])),
            ("aud", Value::Null),
            ("iat", json!(now - 301)),
            ("iat", json!(now + 60)),
            ("iat", Value::Null),
            ("exp", json!(now - 10)),
            ("jti", json!("")),
            ("jti", Value::Null),
            ("message", Value::Null),
        ];
        for (name, value) in bad {
            let mut claims = good.clone();
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value;
            }
            let refusal = judge(&claims).unwrap_err();
            assert!(refusal.check == "CL-20" && refusal.expected.contains(name), "{name}: {refusal}");
        }
    }

    #[test]
    fn another_key_and_another_algorithm_are_refused() {
        let now = NOW.seconds();
        let claims = json!({"iss": "https://bank", "aud": ["palm"], "iat": now, "jti": "j1", "message": {}});
        let (key, kid, _) = bank_key();
        let (_, _, other) = bank_key();
        let refused = check("payment", &sign(&key, &kid, &claims), PARTIES, &JwkSet::new(vec![other]), NOW);
        assert!(refused.unwrap_err().expected.contains("signature"));
        let (es256, public) = crate::tpp::keys::tests::fresh("b1");
        let text = es256.sign(None, &claims).unwrap();
        let refused = check("payment", &text, PARTIES, &JwkSet::new(vec![public]), NOW).unwrap_err();
        assert_eq!((refused.expected.as_str(), refused.found.as_str()), ("alg PS256", "ES256"));
    }
}
