//! DPoP proofs (RFC 9449 section 4): a fresh key per grant, a fresh proof per request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_core::jose::{Alg, SigningKey};
use oauth_core::{KeyId, Timestamp};
use ring::digest;
use serde_json::{Value, json};

use super::error::Stop;
use super::keys::Random;

/// The key that tokens are bound to.
#[derive(Debug)]
pub(crate) struct ProofKey {
    key: SigningKey,
    jwk: Value,
    thumbprint: String,
}

/// What one proof is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProofFor<'a> {
    /// `htm`
    pub(crate) method: &'a http::Method,
    /// The URL of the request; query and fragment do not go into `htu`.
    pub(crate) url: &'a str,
    /// The access token sent along, for `ath`.
    pub(crate) access_token: Option<&'a str>,
    /// The last nonce that this server gave out.
    pub(crate) nonce: Option<&'a str>,
}

impl ProofKey {
    /// A fresh P-256 key.
    pub(crate) fn generate(random: &Random) -> Result<Self, Stop> {
        let rng = random.ring();
        let failed = |fault: &dyn std::fmt::Display| Stop::local("making a DPoP key", fault);
        let der = SigningKey::generate_es256(rng).map_err(|fault| failed(&fault))?;
        let key = SigningKey::from_pkcs8_der(Alg::Es256, &der, rng).map_err(|fault| failed(&fault))?;
        let kid = KeyId::new("dpop").map_err(|fault| failed(&fault))?;
        let public = key.public(&kid);
        let mut jwk = public.to_value();
        if let Some(members) = jwk.as_object_mut() {
            members.retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
        }
        Ok(Self { key, jwk, thumbprint: public.thumbprint_text() })
    }

    /// RFC 7638: what `cnf.jkt` of a token bound to this key says.
    pub(crate) fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Signs a new proof (RFC 9449 section 4.2).
    pub(crate) fn prove(&self, what: &ProofFor<'_>, now: Timestamp, random: &Random) -> Result<String, Stop> {
        let header = json!({ "typ": "dpop+jwt", "alg": self.key.alg().as_str(), "jwk": self.jwk });
        let htu = what.url.split(['?', '#']).next().unwrap_or(what.url);
        let mut claims = json!({
            "jti": random.text()?,
            "htm": what.method.as_str(),
            "htu": htu,
            "iat": now.seconds(),
        });
        if let Some(members) = claims.as_object_mut() {
            if let Some(token) = what.access_token {
                let hash = digest::digest(&digest::SHA256, token.as_bytes());
                members.insert("ath".to_owned(), URL_SAFE_NO_PAD.encode(hash).into());
            }
            if let Some(nonce) = what.nonce {
                members.insert("nonce".to_owned(), nonce.into());
            }
        }
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let mut text = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self
            .key
            .sign(random.ring(), text.as_bytes())
            .map_err(|fault| Stop::local("signing a DPoP proof", fault))?;
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use oauth_core::jose::Jws;
    use oauth_core::limits;

    use super::*;
    use crate::tpp::keys::tests::random;

    fn claims(key: &ProofKey, access_token: Option<&str>, nonce: Option<&str>) -> Value {
        let what = ProofFor { method: &Method::POST, url: "https://a/b?c=d#e", access_token, nonce };
        let text = key.prove(&what, Timestamp::from_seconds(5), &random()).unwrap();
        let jws = Jws::parse_with_embedded_key(&text, limits::JWT_BYTES).unwrap();
        assert!(jws.is_typed("dpop+jwt"));
        let embedded = jws.embedded_key().unwrap();
        assert_eq!(embedded.thumbprint_text(), key.thumbprint());
        jws.verify(embedded).unwrap().claims().unwrap()
    }

    #[test]
    fn every_proof_has_its_own_jti_and_names_method_and_url_without_query() {
        let key = ProofKey::generate(&random()).unwrap();
        let (one, two) = (claims(&key, None, None), claims(&key, None, None));
        assert_ne!(one["jti"], two["jti"]);
        assert_eq!((&one["htm"], &one["htu"]), (&"POST".into(), &"https://a/b".into()));
        assert!(one.get("ath").is_none() && one.get("nonce").is_none());
    }

    #[test]
    fn a_proof_beside_a_token_carries_its_hash_and_the_servers_nonce() {
        let proof = claims(
            &ProofKey::generate(&random()).unwrap(),
            Some("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
            Some("n1"),
        );
        assert_eq!(proof["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
        assert_eq!(proof["nonce"], "n1");
    }

    #[test]
    fn the_header_carries_public_members_only() {
        let key = ProofKey::generate(&random()).unwrap();
        let names: Vec<&str> = key.jwk.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names.len(), 4);
        assert!(!names.contains(&"d"));
    }
}
