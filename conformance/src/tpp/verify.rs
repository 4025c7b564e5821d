//! What the server signed, checked with its published keys by an implementation that is not its own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jws::{ES256, EdDSA, JwsVerifier, PS256, RS256};
use serde_json::Value;

use crate::host;
use crate::tpp::jws::peek;
use crate::{Doing as _, Trouble};

/// A published JWK set.
#[derive(Clone)]
pub struct ServerKeys(Vec<Jwk>);

impl std::fmt::Debug for ServerKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "ServerKeys({})", self.0.len())
    }
}

impl ServerKeys {
    /// Reads a JWK set (RFC 7517 section 5).
    ///
    /// # Errors
    /// When it is none, or one of its keys carries a private or symmetric member.
    pub fn new(set: &Value) -> Result<Self, Trouble> {
        let keys = set.get("keys").and_then(Value::as_array).doing("find the keys of a set")?;
        let read = keys.iter().map(|key| {
            let members = key.as_object().doing("read a key")?;
            match ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]
                .iter()
                .find(|name| members.contains_key(**name))
            {
                Some(name) => Err(Trouble::new(format!("a published key carries the private member {name}"))),
                None => Jwk::from_map(members.clone()).doing("read a key"),
            }
        });
        read.collect::<Result<_, _>>().map(Self)
    }

    /// Header and claims of a compact token whose signature holds.
    ///
    /// The key is the one whose `kid`, `alg` and `use` fit; `permitted` lists the algorithms that may be used at all.
    ///
    /// # Errors
    /// When the token has not three parts, names another algorithm or no known key, or the signature does not hold.
    pub fn open(&self, compact: &str, permitted: &[&str]) -> Result<(Value, Value), Trouble> {
        let (input, signature) = compact.rsplit_once('.').doing("find the signature")?;
        if input.split('.').count() != 2 {
            return Err(Trouble::new("a signed token has three parts"));
        }
        let (header, claims) = peek(compact)?;
        let alg = header.get("alg").and_then(Value::as_str).doing("find the algorithm")?;
        if !permitted.contains(&alg) {
            return Err(Trouble::new(format!("{alg} is not permitted")));
        }
        if header.get("crit").is_some() {
            return Err(Trouble::new("critical extensions are not understood"));
        }
        let id = header.get("kid").and_then(Value::as_str);
        let fits = |key: &&Jwk| {
            (id.is_none() || key.key_id() == id)
                && key.algorithm().is_none_or(|own| own == alg)
                && key.key_use().is_none_or(|own| own == "sig")
        };
        let key = self.0.iter().find(fits).doing(format!("find the key {id:?} for {alg}"))?;
        let signature = URL_SAFE_NO_PAD.decode(signature).doing("decode the signature")?;
        verifier(alg, key)?.verify(input.as_bytes(), &signature).doing("verify the signature")?;
        Ok((header, claims))
    }

    /// Whether the key of this name made a bare signature by its own algorithm: that of an HTTP message (RFC 9421).
    ///
    /// # Errors
    /// When there is no such key, or the signature does not hold.
    pub fn verify(&self, id: &str, message: &[u8], signature: &[u8]) -> Result<(), Trouble> {
        let key = self.0.iter().find(|key| key.key_id() == Some(id)).doing(format!("find the key {id}"))?;
        let alg = key.algorithm().doing("find the algorithm of the key")?;
        verifier(alg, key)?.verify(message, signature).doing("verify the signature")
    }

    /// As [`Self::open`], with `iss`, `aud` and `exp` checked: an ID token or a JARM answer.
    ///
    /// # Errors
    /// Also when one of the three is missing or wrong.
    pub fn open_for(&self, compact: &str, issuer: &str, client_id: &str) -> Result<Value, Trouble> {
        let (_, claims) = self.open(compact, &["PS256", "ES256", "EdDSA"])?;
        let audience = match claims.get("aud") {
            Some(Value::Array(list)) => list.iter().any(|one| one == client_id),
            Some(one) => one == client_id,
            None => false,
        };
        let expiry = claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
        if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
            return Err(Trouble::new(format!("another issuer: {claims}")));
        }
        if !audience {
            return Err(Trouble::new(format!("another audience: {claims}")));
        }
        if expiry <= host::now() {
            return Err(Trouble::new(format!("expired: {claims}")));
        }
        Ok(claims)
    }
}

fn verifier(alg: &str, key: &Jwk) -> Result<Box<dyn JwsVerifier>, Trouble> {
    let doing = || format!("use a published key for {alg}");
    Ok(match alg {
        "PS256" => Box::new(PS256.verifier_from_jwk(key).doing(doing())?),
        "ES256" => Box::new(ES256.verifier_from_jwk(key).doing(doing())?),
        "EdDSA" => Box::new(EdDSA.verifier_from_jwk(key).doing(doing())?),
        "RS256" => Box::new(RS256.verifier_from_jwk(key).doing(doing())?),
        _ => return Err(Trouble::new(doing())),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tpp::jws::{Draft, Members};
    use crate::tpp::keys::{Alg, Key};

    fn token(key: &Key, claims: &[(&'static str, Value)]) -> String {
        let header = Members::of([("alg", key.alg().name()), ("kid", key.id())]);
        Draft { header, claims: Members::of(claims.to_vec()) }.sign(key).unwrap()
    }

    #[test]
    fn a_token_counts_for_its_issuer_audience_and_lifetime_only() {
        let key = Key::generate(Alg::Es256, "s").unwrap();
        let decoy = Key::generate(Alg::EdDsa, "s").unwrap();
        let keys = ServerKeys::new(&json!({"keys": [decoy.registered(), key.registered()]})).unwrap();
        let later = host::now() + 60;
        let claims =
            |iss: &str, aud: Value, exp: i64| [("iss", json!(iss)), ("aud", aud), ("exp", json!(exp))];
        let open = |claims: &[(&'static str, Value)]| keys.open_for(&token(&key, claims), "i", "c");
        assert!(open(&claims("i", json!("c"), later)).is_ok(), "the decoy of the same name is passed over");
        assert!(open(&claims("i", json!(["x", "c"]), later)).is_ok());
        assert!(open(&claims("j", json!("c"), later)).is_err());
        assert!(open(&claims("i", json!(["x"]), later)).is_err());
        assert!(open(&claims("i", json!("c"), host::now())).is_err());
        assert!(open(&[("iss", json!("i")), ("exp", json!(later))]).is_err());
    }

    #[test]
    fn a_set_that_publishes_a_private_key_is_refused() {
        let key = Key::generate(Alg::Es256, "s").unwrap();
        assert!(ServerKeys::new(&json!({"keys": [key.exposed()]})).is_err());
    }

    #[test]
    fn an_algorithm_outside_the_permitted_ones_is_refused_though_the_signature_holds() {
        let key = Key::generate(Alg::Es256, "s").unwrap();
        let keys = ServerKeys::new(&json!({"keys": [key.registered()]})).unwrap();
        assert!(keys.open(&token(&key, &[]), &["ES256"]).is_ok());
        assert!(keys.open(&token(&key, &[]), &["PS256"]).is_err());
    }
}
