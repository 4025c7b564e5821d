//! Signed authorization responses (JARM section 2.4): nothing of the response is used before all of it was checked.

use oauth_core::jose::{Alg, Audience, JoseFault, JwkSet, Jws, NumericDate};
use oauth_core::{Seconds, Timestamp, limits};
use serde::Deserialize;

use super::error::{Refusal, quoted};

/// Clocks of client and server may differ this much.
const SKEW: Seconds = Seconds::new(10);
/// JARM section 2.1 recommends ten minutes at most.
const LIFETIME_MAX: Seconds = Seconds::minutes(10);

/// Who may have signed a response, for whom, and with which algorithm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// The issuer of the configuration.
    pub(crate) issuer: &'a str,
    /// This client.
    pub(crate) client_id: &'a str,
    /// The registered `authorization_signed_response_alg`.
    pub(crate) alg: Alg,
}

/// The parameters of a response that passed every check.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<NumericDate>,
    pub(crate) state: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) error_description: Option<String>,
}

/// CL-06: signature, algorithm, issuer, audience and end of a response.
pub(crate) fn check(
    text: &str,
    expected: Expected<'_>,
    keys: &JwkSet,
    now: Timestamp,
) -> Result<Claims, Refusal> {
    let jws = Jws::parse(text, limits::JWT_BYTES)
        .map_err(|fault| refusal("a signed object with an accepted algorithm", fault.to_string()))?;
    if jws.alg() != expected.alg {
        return Err(refusal(format!("alg {}", expected.alg), jws.alg().as_str()));
    }
    let verified = jws
        .verify_by(keys)
        .map_err(|fault| refusal("a signature by a key of the issuer", fault.to_string()))?;
    let claims: Claims =
        verified.claims().map_err(|fault| refusal("well-formed claims", fault.to_string()))?;
    if claims.iss.as_deref() != Some(expected.issuer) {
        let found = claims.iss.as_deref().map_or_else(|| "none".to_owned(), quoted);
        return Err(refusal(format!("iss {}", quoted(expected.issuer)), found));
    }
    if !claims.aud.as_ref().is_some_and(|audience| audience.iter().eq([expected.client_id])) {
        let found = claims.aud.as_ref().map(|audience| audience.iter().collect::<Vec<_>>().join(" "));
        let found = found.map_or_else(|| "none".to_owned(), |found| quoted(&found));
        return Err(refusal(format!("aud {}", quoted(expected.client_id)), found));
    }
    let Some(until) = claims.exp.map(NumericDate::timestamp) else {
        return Err(refusal("exp", "none"));
    };
    if until.plus(SKEW) <= now || until > now.plus(LIFETIME_MAX).plus(SKEW) {
        let found = format!("{} s from now", until.since(now).get());
        return Err(refusal("exp within the next ten minutes", found));
    }
    Ok(claims)
}

/// Whether the signature could not be judged for want of a key, so that fetching the key set again may help (CL-18).
pub(crate) fn needs_other_keys(text: &str, alg: Alg, keys: &JwkSet) -> bool {
    Jws::parse(text, limits::JWT_BYTES)
        .is_ok_and(|jws| jws.alg() == alg && jws.verify_by(keys).err() == Some(JoseFault::NoKey))
}

fn refusal(expected: impl Into<String>, found: impl Into<String>) -> Refusal {
    Refusal::new("CL-06", "authorization response", expected, found)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::tpp::keys::tests::fresh;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_248_000);
    const US: Expected<'static> = Expected { issuer: "https://bank", client_id: "palm", alg: Alg::Es256 };

    fn judge(change: impl FnOnce(&mut Value)) -> Result<Claims, Refusal> {
        let (key, public) = fresh("k1");
        let mut claims = json!({"iss": "https://bank", "aud": "palm", "exp": NOW.seconds() + 300,
            "code": "c1", "state": "s1"});
        change(&mut claims);
        check(&key.sign(None, &claims).unwrap(), US, &JwkSet::new(vec![public]), NOW)
    }

    #[test]
    fn a_good_response_yields_its_parameters() {
        let claims = judge(|_| ()).unwrap();
        assert_eq!((claims.code.as_deref(), claims.state.as_deref()), (Some("c1"), Some("s1")));
        assert!(judge(|claims| claims["aud"] = json!(["palm"])).is_ok());
    }

    #[test]
    fn each_missing_or_wrong_claim_is_refused() {
        for (name, value) in [
            ("iss", json!("https://evil")),
            ("iss", json!("https://bank/")),
            ("aud", json!("other")),
            ("aud", json!(["palm", "other"])),
            ("exp", json!(NOW.seconds() - 10)),
            ("exp", json!(NOW.seconds() + 611)),
            ("exp", json!("soon")),
        ] {
            assert_eq!(
                judge(|claims| claims[name] = value.clone()).unwrap_err().check,
                "CL-06",
                "{name} {value}"
            );
        }
        for name in ["iss", "aud", "exp"] {
            let remove = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(name));
            assert!(judge(remove).unwrap_err().expected.contains(name), "{name}");
        }
    }

    #[test]
    fn another_key_another_algorithm_and_none_are_refused() {
        let (key, public) = fresh("k1");
        let (_, other) = fresh("k1");
        let claims = json!({"iss": "https://bank", "aud": "palm", "exp": NOW.seconds() + 300});
        let text = key.sign(None, &claims).unwrap();
        let keys = JwkSet::new(vec![public]);
        assert!(check(&text, US, &keys, NOW).is_ok());
        assert_eq!(check(&text, US, &JwkSet::new(vec![other]), NOW).unwrap_err().check, "CL-06");
        let ps256 = Expected { alg: Alg::Ps256, ..US };
        assert_eq!(check(&text, ps256, &keys, NOW).unwrap_err().found, "ES256");
        let payload = text.split('.').nth(1).unwrap();
        assert!(check(&format!("eyJhbGciOiJub25lIn0.{payload}."), US, &keys, NOW).is_err());
        assert!(check("", US, &keys, NOW).is_err());
    }
}
