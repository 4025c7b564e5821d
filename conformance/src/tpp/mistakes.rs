//! Lists of single mistakes that every server must refuse, used by our own tests and by the runner alike.

use serde_json::{Value, json};
use url::Url;

use crate::Trouble;
use crate::host;
use crate::tpp::keys::{Alg, Key};
use crate::tpp::mutate::{Forgery, Jws, Mistake, Part, duplicate, forge, remove, set};

const CLAIMS: Part = Part::Claims(Jws::Proof);
const HEADER: Part = Part::Header(Jws::Proof);

/// What is wrong with a `DPoP` proof wherever it is shown: RFC 9449 section 4.3.
///
/// # Errors
/// When no key can be made.
pub fn proofs(key: &Key) -> Result<Vec<Mistake>, Trouble> {
    let stranger = Key::generate(Alg::Es256, "stranger")?;
    let mut wrong: Vec<Mistake> = ["jti", "htm", "htu", "iat"].map(|name| remove(CLAIMS, name)).into();
    wrong.extend(["typ", "jwk"].map(|name| remove(HEADER, name)));
    for typ in ["JWT", "at+jwt", "dpop", "DPOP"] {
        wrong.push(set(HEADER, "typ", typ));
    }
    wrong.extend([
        forge(Jws::Proof, Forgery::Twice),
        forge(Jws::Proof, Forgery::Broken),
        forge(Jws::Proof, Forgery::Longer),
        forge(Jws::Proof, Forgery::FiveParts),
        forge(Jws::Proof, Forgery::OtherKey),
        forge(Jws::Proof, Forgery::Algorithm("HS256")),
        forge(Jws::Proof, Forgery::Algorithm("none")),
        forge(Jws::Proof, Forgery::ClaimedAlgorithm("PS256")),
        forge(Jws::Proof, Forgery::ClaimedAlgorithm("RS256")),
        forge(Jws::Proof, Forgery::ClaimedAlgorithm("ES384")),
        forge(Jws::Proof, Forgery::Verbatim("x".into())),
        forge(Jws::Proof, Forgery::Verbatim("e30.e30.e30".into())),
        set(HEADER, "jwk", stranger.public()),
        set(HEADER, "jwk", key.exposed()),
        set(HEADER, "jwk", json!("x")),
        set(HEADER, "jwk", json!({"kty": "oct", "k": "AAAA"})),
        set(HEADER, "crit", json!(["exp"])),
        set(CLAIMS, "htm", "GETT"),
        set(CLAIMS, "htm", "post"),
        set(CLAIMS, "htm", ""),
        set(CLAIMS, "jti", ""),
        set(CLAIMS, "jti", json!(5)),
        set(CLAIMS, "iat", host::now() - 3600),
        set(CLAIMS, "iat", host::now() + 3600),
        set(CLAIMS, "iat", host::now() + 62),
        set(CLAIMS, "iat", host::now().to_string()),
        set(CLAIMS, "iat", json!(null)),
        set(CLAIMS, "htu", "https://elsewhere.example/token"),
        set(CLAIMS, "htu", "/token"),
        set(CLAIMS, "htu", ""),
        duplicate(CLAIMS, "htm", "POST"),
        duplicate(CLAIMS, "jti", "x"),
        duplicate(HEADER, "typ", "dpop+jwt"),
    ]);
    Ok(wrong)
}

/// A proof whose identifier nobody should have to remember: RFC 9449 section 11.1.
pub fn endless_identifier() -> Mistake {
    set(CLAIMS, "jti", "j".repeat(2000))
}

/// Audiences of a client assertion that are not the issuer as one string: FAPI 2.0 Security Profile section 5.3.2.1-8.
pub fn audiences(issuer: &str, endpoints: &[String]) -> Vec<Value> {
    let mut wrong = vec![
        json!([issuer]),
        json!([issuer, issuer]),
        json!([]),
        json!(""),
        json!(5),
        json!(null),
        json!({"aud": issuer}),
        json!("https://elsewhere.example"),
        json!(format!("{issuer}#")),
        json!(format!("{issuer}?")),
        json!(format!(" {issuer}")),
        json!(issuer.to_ascii_uppercase()),
        json!(issuer.replacen("https", "http", 1)),
    ];
    let slash = issuer.strip_suffix('/').map_or_else(|| format!("{issuer}/"), str::to_owned);
    wrong.push(json!(slash));
    if let Some(host) = Url::parse(issuer).ok().as_ref().and_then(Url::host_str) {
        wrong.push(json!(issuer.replacen(host, &format!("{host}."), 1)));
        let first = host.get(..1).unwrap_or_default();
        let escaped: String = first.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let hidden = host.get(1..).map(|rest| format!("{escaped}{rest}")).unwrap_or_default();
        wrong.push(json!(issuer.replacen(host, &hidden, 1)));
    }
    wrong.extend(endpoints.iter().map(|endpoint| json!(endpoint)));
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wrong_audience_is_the_issuer() {
        for issuer in ["https://as.example", "https://as.example:8443/tenant/", "https://1.example"] {
            let wrong = audiences(issuer, &["https://as.example/token".to_owned()]);
            assert!(wrong.iter().all(|audience| audience != issuer), "{issuer}");
            assert!(wrong.iter().any(|audience| audience == "https://as.example/token"));
        }
    }
}
