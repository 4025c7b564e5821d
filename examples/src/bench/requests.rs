//! The requests: every one signed before the clock starts, each with a `jti` of its own.

use std::cell::Cell;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderName, HeaderValue};
use oauth_core::jose::{Alg, SigningKey};
use oauth_core::{Clock as _, Entropy as _, KeyId, SystemClock, SystemEntropy, Thumbprint};
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use super::measure::Sample;
use super::prepared::{Flow, Prepared, encoded, form, get, header};
use super::serve::Setup;
use super::{Doing as _, Failed, ISSUER, RESOURCE, RESOURCE_OPAQUE, SCOPES};
use crate::keys::{self, KeyAlgorithm};

/// What a customer's client asks its tokens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The resource whose tokens are JWTs.
    Jwt,
    /// The resource whose tokens are opaque.
    Opaque,
}

impl Audience {
    const fn uri(self) -> &'static str {
        match self {
            Self::Jwt => RESOURCE,
            Self::Opaque => RESOURCE_OPAQUE,
        }
    }
}

/// Who sends requests: clients, resource servers, and the DPoP key they share.
pub struct Parties {
    clock: Rc<Cell<i64>>,
    es256: Party,
    ps256: Party,
    at_jwt: Party,
    at_opaque: Party,
    proof: Party,
}

struct Party {
    id: &'static str,
    key: SigningKey,
    kid: KeyId,
    random: SystemRandom,
    /// Seconds by which the server's clock was put forward.
    clock: Rc<Cell<i64>>,
}

const REDIRECT_URI: &str = "https://tpp.bench.example/callback";
const ASSERTION_TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
/// Seconds an assertion lives; the policy takes at most five minutes.
const ASSERTION_LIFE: i64 = 290;

impl Parties {
    /// Fresh keys for everyone. The files are left in the directory.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub fn make(dir: &std::path::Path) -> Result<Self, Failed> {
        let random = SystemRandom::new();
        let wanted = [
            ("es256", KeyAlgorithm::Es256),
            ("ps256", KeyAlgorithm::Ps256),
            ("at-jwt", KeyAlgorithm::Es256),
            ("at-opaque", KeyAlgorithm::Es256),
            ("proof", KeyAlgorithm::Es256),
        ];
        let files: Vec<_> =
            wanted.iter().map(|(name, alg)| (*alg, dir.join(format!("{name}.pem")))).collect();
        let keys = keys::ensure_all(&files, &random).doing("making keys")?;
        let clock = Rc::new(Cell::new(0));
        let mut parties = keys.into_iter().zip(wanted).map(|(made, (id, algorithm))| {
            let alg = if algorithm == KeyAlgorithm::Ps256 { Alg::Ps256 } else { Alg::Es256 };
            let key = SigningKey::from_pkcs8_der(alg, made.pkcs8.secret_pkcs8_der(), &random);
            let kid = KeyId::new(id).doing("naming a key")?;
            Ok(Party {
                id,
                key: key.doing("loading a key")?,
                kid,
                random: SystemRandom::new(),
                clock: Rc::clone(&clock),
            })
        });
        let clock = Rc::clone(&clock);
        let mut next = || parties.next().unwrap_or_else(|| Err(Failed::new("making keys", "one is missing")));
        Ok(Self {
            clock,
            es256: next()?,
            ps256: next()?,
            at_jwt: next()?,
            at_opaque: next()?,
            proof: next()?,
        })
    }

    /// The server's clock was put forward by so many seconds in all.
    pub fn later(&self, seconds: i64) {
        self.clock.set(seconds);
    }

    /// What the server has to know of them.
    ///
    /// # Errors
    /// When the sample cannot be signed.
    pub fn setup(&self) -> Result<Setup, Failed> {
        let clients = vec![
            self.es256.client(&["authorization_code", "client_credentials"], None),
            self.ps256.client(&["authorization_code"], None),
            self.at_jwt.client(&[], Some(RESOURCE)),
            self.at_opaque.client(&[], Some(RESOURCE_OPAQUE)),
        ];
        let jwk = self.ps256.key.public(&self.ps256.kid).to_value();
        let member = |name: &str| {
            let text = jwk.get(name).and_then(Value::as_str).unwrap_or_default();
            URL_SAFE_NO_PAD.decode(text).doing("reading a key")
        };
        let message = vec![0x5a; 600];
        let signature = self.ps256.key.sign(&self.ps256.random, &message).doing("signing")?;
        Ok(Setup { clients, sample: Sample { n: member("n")?, e: member("e")?, message, signature } })
    }

    /// PAR with a 2 kB payment, an ES256 assertion and a proof.
    ///
    /// # Errors
    /// When a signature fails.
    pub fn push(&self) -> Result<Prepared, Failed> {
        Ok(self.pushed(&self.es256, Audience::Jwt)?.0)
    }

    /// The same by the client that signs PS256.
    ///
    /// # Errors
    /// When a signature fails.
    pub fn push_ps256(&self) -> Result<Prepared, Failed> {
        Ok(self.pushed(&self.ps256, Audience::Jwt)?.0)
    }

    /// A client credentials request with a proof.
    ///
    /// # Errors
    /// When a signature fails.
    pub fn client_credentials(&self, audience: Audience) -> Result<Prepared, Failed> {
        let body = format!(
            "grant_type=client_credentials&scope=payments&resource={}&{}",
            encoded(audience.uri()),
            self.es256.authentication()?
        );
        self.proven("/token", body)
    }

    /// A flow for a token of this audience.
    ///
    /// # Errors
    /// When a signature fails.
    pub fn flow(&self, audience: Audience) -> Result<Flow, Failed> {
        let (push, verifier) = self.pushed(&self.es256, audience)?;
        Ok(Flow { push, redeem: self.redeemed(&verifier)? })
    }

    /// A token request without its code.
    fn redeemed(&self, verifier: &str) -> Result<Prepared, Failed> {
        let body = format!(
            "grant_type=authorization_code&redirect_uri={}&code_verifier={verifier}&{}&code=",
            encoded(REDIRECT_URI),
            self.es256.authentication()?
        );
        self.proven("/token", body)
    }

    /// Introspection by the resource server the token is for.
    ///
    /// # Errors
    /// When a signature fails.
    pub fn introspect(
        &self,
        token: &str,
        audience: Audience,
        accept: &'static str,
    ) -> Result<Prepared, Failed> {
        let party = match audience {
            Audience::Jwt => &self.at_jwt,
            Audience::Opaque => &self.at_opaque,
        };
        let body = format!("token={token}&{}", party.authentication()?);
        let mut prepared = form("/introspect", body);
        prepared.headers.insert(ACCEPT, HeaderValue::from_static(accept));
        Ok(prepared)
    }

    /// Userinfo with a proof over this token.
    ///
    /// # Errors
    /// When a signature fails.
    pub fn userinfo(&self, token: &str) -> Result<Prepared, Failed> {
        let mut prepared = get("/userinfo")?;
        let hash = Thumbprint::of(token.as_bytes()).to_text();
        let proof = self.proof("GET", "/userinfo", Some(&hash))?;
        prepared.headers.insert(DPOP, header(&proof)?);
        prepared.headers.insert(AUTHORIZATION, header(&format!("DPoP {token}"))?);
        Ok(prepared)
    }

    /// A flow for these details.
    ///
    /// # Errors
    /// When a signature fails.
    pub fn flow_for(&self, details: &str) -> Result<Flow, Failed> {
        let (push, verifier) = self.pushed_with(&self.es256, Audience::Jwt, details)?;
        Ok(Flow { push, redeem: self.redeemed(&verifier)? })
    }

    /// A signed body: the envelope of the UAE interface around a message.
    ///
    /// # Errors
    /// When the signature fails.
    pub fn message(&self, audience: &str, message: &Value) -> Result<String, Failed> {
        let now = self.es256.now();
        let claims = json!({
            "iss": self.es256.id, "aud": [audience], "iat": now, "nbf": now, "exp": now + ASSERTION_LIFE,
            "message": message,
        });
        let header = json!({ "alg": "ES256", "kid": self.es256.kid.as_str(), "typ": "JWT" });
        self.es256.jws(&header, &claims)
    }

    fn pushed(&self, party: &Party, audience: Audience) -> Result<(Prepared, String), Failed> {
        self.pushed_with(party, audience, &payment().to_string())
    }

    fn pushed_with(
        &self,
        party: &Party,
        audience: Audience,
        details: &str,
    ) -> Result<(Prepared, String), Failed> {
        let verifier = random_text()?;
        let body = format!(
            "response_type=code&client_id={}&redirect_uri={}&scope=openid%20payments&state={}&nonce={}\
             &code_challenge={}&code_challenge_method=S256&resource={}&authorization_details={}&{}",
            party.id,
            encoded(REDIRECT_URI),
            random_text()?,
            random_text()?,
            Thumbprint::of(verifier.as_bytes()).to_text(),
            encoded(audience.uri()),
            encoded(details),
            party.authentication()?
        );
        Ok((self.proven("/par", body)?, verifier))
    }

    fn proven(&self, path: &'static str, body: String) -> Result<Prepared, Failed> {
        let mut prepared = form(path, body);
        prepared.headers.insert(DPOP, header(&self.proof("POST", path, None)?)?);
        Ok(prepared)
    }

    /// A proof for one request to the server under measurement.
    ///
    /// # Errors
    /// When the signature fails.
    pub fn proof(&self, method: &str, path: &str, token_hash: Option<&str>) -> Result<String, Failed> {
        let mut jwk = self.proof.key.public(&self.proof.kid).to_value();
        if let Some(members) = jwk.as_object_mut() {
            members.retain(|name, _| matches!(name.as_str(), "kty" | "crv" | "x" | "y"));
        }
        let mut claims = json!({ "jti": random_text()?, "htm": method, "htu": format!("{ISSUER}{path}"), "iat": self.proof.now() });
        if let (Some(hash), Some(claims)) = (token_hash, claims.as_object_mut()) {
            claims.insert("ath".to_owned(), hash.into());
        }
        self.proof.jws(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk }), &claims)
    }
}

impl Party {
    fn client(&self, grants: &[&str], resource: Option<&str>) -> Value {
        let mut metadata = json!({
            "client_id": self.id,
            "organisation": { "name": "Bench TPP", "id": self.id, "domain": "tpp.bench.example" },
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [self.key.public(&self.kid).to_value()] },
            "dpop_bound_access_tokens": true,
            "redirect_uris": [REDIRECT_URI],
            "grant_types": grants,
            "resource_signing_alg": self.key.alg().as_str(),
            "scope": SCOPES,
            "authorization_details_types": ["payment_initiation", "urn:openfinanceuae:service-initiation-consent"],
        });
        if let (Some(resource), Some(members)) = (resource, metadata.as_object_mut()) {
            members.insert("resource".to_owned(), resource.into());
        }
        metadata
    }

    fn now(&self) -> i64 {
        SystemClock.now().seconds() + self.clock.get()
    }

    fn authentication(&self) -> Result<String, Failed> {
        let now = self.now();
        let header = json!({ "alg": self.key.alg().as_str(), "kid": self.kid.as_str(), "typ": "JWT" });
        let claims = json!({
            "iss": self.id, "sub": self.id, "aud": ISSUER, "jti": random_text()?,
            "iat": now, "nbf": now, "exp": now + ASSERTION_LIFE,
        });
        let assertion = self.jws(&header, &claims)?;
        Ok(format!("client_assertion_type={ASSERTION_TYPE}&client_assertion={assertion}"))
    }

    fn jws(&self, header: &Value, claims: &Value) -> Result<String, Failed> {
        let mut text = URL_SAFE_NO_PAD.encode(header.to_string());
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut text);
        let signature = self.key.sign(&self.random, text.as_bytes()).doing("signing")?;
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        Ok(text)
    }
}

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// A payment in the words of RFC 9396 section 2, of about 2 kB: the size an order has in an open banking dialect. Here
/// two long addresses make up the size.
fn payment() -> Value {
    let locations = ["a", "b"].map(|letter| format!("{RESOURCE}/payments/{}", letter.repeat(800)));
    json!([{
        "type": "payment_initiation",
        "actions": ["initiate", "status"],
        "locations": locations,
        "instructedAmount": { "currency": "EUR", "amount": "275.00" },
        "creditorName": "Merchant and Sons, Wholesale",
        "creditorAccount": { "iban": "DE02100100109307118603" },
        "remittanceInformationUnstructured": "Invoices of November",
    }])
}

fn random_text() -> Result<String, Failed> {
    let bytes = SystemEntropy::default().draw().doing("drawing random bytes")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

/// A UUID of version 4.
pub(super) fn random_uuid() -> Result<String, Failed> {
    let bytes = SystemEntropy::default().draw().doing("drawing random bytes")?;
    let bytes = bytes.first_chunk::<16>().ok_or_else(|| Failed::new("drawing random bytes", "too few"))?;
    Ok(uuid::Builder::from_random_bytes(*bytes).into_uuid().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payment_is_about_two_kilobytes() {
        assert!((1900..2200).contains(&payment().to_string().len()), "{}", payment().to_string().len());
    }

    #[test]
    fn no_two_requests_carry_the_same_assertion_or_proof() {
        let dir = std::env::temp_dir().join(format!("mandate-bench-test-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let parties = Parties::make(&dir).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        let (one, other) = (parties.push().unwrap(), parties.push().unwrap());
        assert_ne!(one.body, other.body);
        assert_ne!(one.headers.get("dpop"), other.headers.get("dpop"));
    }
}
