//! `DPoP` proofs: RFC 9449 section 4.2.

use serde_json::json;
use url::Url;

use crate::host;
use crate::tpp::jws::{Draft, Members};
use crate::tpp::keys::{Key, sha256};

/// What a proof speaks about.
#[derive(Debug, Clone, Default)]
pub struct About<'a> {
    /// Method of the request.
    pub method: &'a str,
    /// Address of the request; query and fragment are left out of the proof.
    pub url: &'a str,
    /// The access token sent along, for `ath`.
    pub access_token: Option<&'a str>,
    /// The last nonce from this server.
    pub nonce: Option<&'a str>,
}

/// A proof for one request, with a `jti` of its own.
pub fn draft(key: &Key, about: &About<'_>) -> Draft {
    let mut claims = Members::of([
        ("jti", json!(host::token())),
        ("htm", json!(about.method)),
        ("htu", json!(target(about.url))),
        ("iat", json!(host::now())),
    ]);
    if let Some(token) = about.access_token {
        claims.add("ath", sha256(token.as_bytes()));
    }
    if let Some(nonce) = about.nonce {
        claims.add("nonce", nonce);
    }
    let header = [("typ", json!("dpop+jwt")), ("alg", json!(key.alg().name())), ("jwk", key.public())];
    Draft { header: Members::of(header), claims }
}

fn target(url: &str) -> String {
    Url::parse(url).map_or_else(
        |_| url.to_owned(),
        |mut parsed| {
            parsed.set_query(None);
            parsed.set_fragment(None);
            parsed.into()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tpp::jws::peek;
    use crate::tpp::keys::Alg;
    use crate::tpp::keys::tests::ALGS;

    #[test]
    fn a_proof_has_the_shape_of_rfc_9449_section_4_2() {
        for alg in ALGS {
            let key = Key::generate(alg, "p").unwrap();
            let about = About {
                method: "GET",
                url: "https://rs.example/a?b#c",
                access_token: Some("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
                nonce: Some("n"),
            };
            let (header, claims) = peek(&draft(&key, &about).sign(&key).unwrap()).unwrap();
            assert_eq!(header, json!({"typ": "dpop+jwt", "alg": alg.name(), "jwk": key.public()}));
            assert!(header["jwk"].get("d").is_none());
            assert_eq!((&claims["htm"], &claims["htu"]), (&json!("GET"), &json!("https://rs.example/a")));
            // RFC 9449 section 7.1 prints this hash for this token
            assert_eq!(claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
            assert_eq!(claims["nonce"], "n");
            assert!(claims["iat"].is_i64() && claims["jti"].as_str().unwrap().len() == 43);
        }
    }

    #[test]
    fn two_proofs_never_share_their_jti() {
        let key = Key::generate(Alg::Es256, "p").unwrap();
        let jti = || draft(&key, &About::default()).claims.get("jti").cloned().unwrap();
        assert_ne!(jti(), jti());
    }
}
