//! ID tokens (OpenID Connect Core section 3.1.3.7): every check before any use.

use oauth_core::jose::{Alg, Audience, JoseFault, JwkSet, Jws, NumericDate, Verified};
use oauth_core::{Seconds, Timestamp, limits};
use serde::Deserialize;

use super::error::{Refusal, quoted};

/// Clocks of client and server may differ this much.
const SKEW: Seconds = Seconds::new(10);
/// An ID token just asked for was made just now.
const AGE_MAX: Seconds = Seconds::minutes(5);

/// What the token must say.
#[derive(Debug, Clone)]
pub(crate) struct Expected<'a> {
    /// The issuer of the configuration.
    pub(crate) issuer: &'a str,
    /// This client.
    pub(crate) client_id: &'a str,
    /// The nonce of the request; none after a refresh.
    pub(crate) nonce: Option<&'a str>,
    /// The customer, when known from an earlier token.
    pub(crate) subject: Option<&'a str>,
    /// The algorithms registered for this client.
    pub(crate) algs: &'a [Alg],
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    azp: Option<String>,
    exp: Option<NumericDate>,
    iat: Option<NumericDate>,
    nonce: Option<String>,
}

/// The subject of a token that passed every check.
pub(crate) fn check(
    text: &str,
    expected: &Expected<'_>,
    keys: &JwkSet,
    now: Timestamp,
) -> Result<String, Refusal> {
    let verified = verify(text, expected.algs, keys)?;
    let claims: Claims =
        verified.claims().map_err(|fault| refusal("CL-07", "well-formed claims", fault.to_string()))?;
    check_parties(&claims, expected)?;
    check_times(&claims, now)?;
    if let Some(nonce) = expected.nonce
        && claims.nonce.as_deref() != Some(nonce)
    {
        let found = if claims.nonce.is_some() { "another" } else { "none" };
        return Err(refusal("CL-07", "the nonce of this request", found));
    }
    let Some(subject) = claims.sub.filter(|sub| !sub.is_empty()) else {
        return Err(refusal("CL-18", "sub", "none"));
    };
    if expected.subject.is_some_and(|known| known != subject) {
        return Err(refusal("CL-14", "the sub of the first ID token", "another"));
    }
    Ok(subject)
}

/// Whether the signature could not be judged for want of a key, so that fetching the key set again may help (CL-18).
pub(crate) fn needs_other_keys(text: &str, algs: &[Alg], keys: &JwkSet) -> bool {
    Jws::parse(text, limits::JWT_BYTES)
        .is_ok_and(|jws| algs.contains(&jws.alg()) && jws.verify_by(keys).err() == Some(JoseFault::NoKey))
}

/// CL-08: the key is found by `kid` and by its type, `alg` and `use`, so a decoy of the same name is passed over.
fn verify(text: &str, algs: &[Alg], keys: &JwkSet) -> Result<Verified, Refusal> {
    let jws = Jws::parse(text, limits::JWT_BYTES)
        .map_err(|fault| refusal("CL-07", "a signed object with an accepted algorithm", fault.to_string()))?;
    if !algs.contains(&jws.alg()) {
        let names: Vec<&str> = algs.iter().map(|alg| alg.as_str()).collect();
        return Err(refusal("CL-07", format!("alg {}", names.join(" or ")), jws.alg().as_str()));
    }
    jws.verify_by(keys)
        .map_err(|fault| refusal("CL-08", "a signature by a key of the issuer", fault.to_string()))
}

fn check_parties(claims: &Claims, expected: &Expected<'_>) -> Result<(), Refusal> {
    if claims.iss.as_deref() != Some(expected.issuer) {
        let found = claims.iss.as_deref().map_or_else(|| "none".to_owned(), quoted);
        return Err(refusal("CL-07", format!("iss {}", quoted(expected.issuer)), found));
    }
    let Some(audience) = &claims.aud else {
        return Err(refusal("CL-07", "aud", "none"));
    };
    let ours = format!("aud {}", quoted(expected.client_id));
    if !audience.contains(expected.client_id) {
        let found = audience.iter().collect::<Vec<_>>().join(" ");
        return Err(refusal("CL-07", ours, quoted(&found)));
    }
    let is_ours = |azp: &str| azp == expected.client_id;
    let has_strangers = audience.iter().any(|one| one != expected.client_id);
    if has_strangers && claims.azp.is_none() {
        return Err(refusal("CL-07", format!("{ours} alone, or azp"), "further audiences and no azp"));
    }
    match claims.azp.as_deref() {
        Some(azp) if !is_ours(azp) => Err(refusal("CL-07", "this client in azp", quoted(azp))),
        Some(_) | None => Ok(()),
    }
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<(), Refusal> {
    let Some(until) = claims.exp else {
        return Err(refusal("CL-07", "exp", "none"));
    };
    if until.timestamp().plus(SKEW) <= now {
        return Err(refusal(
            "CL-07",
            "exp in the future",
            format!("{} s ago", now.since(until.timestamp()).get()),
        ));
    }
    let Some(issued) = claims.iat else {
        return Err(refusal("CL-18", "iat", "none"));
    };
    let age = now.since(issued.timestamp());
    if age > AGE_MAX || age < Seconds::new(-SKEW.get()) {
        return Err(refusal(
            "CL-07",
            "iat within the last five minutes",
            format!("an age of {} s", age.get()),
        ));
    }
    Ok(())
}

fn refusal(check: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Refusal {
    Refusal::new(check, "ID token", expected, found)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use oauth_core::jose::PublicJwk;
    use serde_json::{Value, json};

    use super::*;
    use crate::tpp::keys::ClientKey;
    use crate::tpp::keys::tests::fresh;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_248_000);

    fn expected() -> Expected<'static> {
        Expected {
            issuer: "https://bank",
            client_id: "palm",
            nonce: Some("n-1"),
            subject: None,
            algs: &[Alg::Es256],
        }
    }

    fn claims() -> Value {
        let now = NOW.seconds();
        json!({"iss": "https://bank", "sub": "u1", "aud": "palm", "exp": now + 300, "iat": now, "nonce": "n-1"})
    }

    fn sign(key: &ClientKey, claims: &Value) -> String {
        key.sign(None, claims).unwrap()
    }

    fn judge(change: impl FnOnce(&mut Value)) -> Result<String, Refusal> {
        let (key, public) = fresh("k1");
        let mut claims = claims();
        change(&mut claims);
        check(&sign(&key, &claims), &expected(), &JwkSet::new(vec![public]), NOW)
    }

    fn remove(name: &'static str) -> impl FnOnce(&mut Value) {
        move |claims| drop(claims.as_object_mut().unwrap().remove(name))
    }

    #[test]
    fn a_good_token_yields_its_subject() {
        assert_eq!(judge(|_| ()).unwrap(), "u1");
        assert_eq!(judge(|claims| claims["aud"] = json!(["palm"])).unwrap(), "u1");
        assert_eq!(
            judge(|claims| {
                claims["aud"] = json!(["palm", "other"]);
                claims["azp"] = "palm".into();
            })
            .unwrap(),
            "u1"
        );
    }

    #[test]
    fn wrong_parties_are_refused() {
        for (name, value) in [
            ("iss", json!("https://bank/")),
            ("aud", json!("other")),
            ("aud", json!(["other"])),
            ("aud", json!(["palm", "other"])),
            ("aud", json!([])),
            ("azp", json!("other")),
        ] {
            assert_eq!(
                judge(|claims| claims[name] = value.clone()).unwrap_err().check,
                "CL-07",
                "{name} {value}"
            );
        }
    }

    #[test]
    fn a_token_out_of_its_time_is_refused() {
        let now = NOW.seconds();
        for (name, value) in [("exp", now - 10), ("exp", now - 86_400), ("iat", now - 301), ("iat", now + 60)]
        {
            assert_eq!(
                judge(|claims| claims[name] = value.into()).unwrap_err().check,
                "CL-07",
                "{name} {value}"
            );
        }
        assert!(judge(|claims| claims["iat"] = (now + 8).into()).is_ok());
    }

    #[test]
    fn the_nonce_must_be_the_one_of_the_request() {
        assert!(judge(|claims| claims["nonce"] = "n-2".into()).unwrap_err().expected.contains("nonce"));
    }

    #[test]
    fn every_missing_claim_is_refused() {
        for name in ["iss", "sub", "aud", "exp", "iat", "nonce"] {
            let refusal = judge(remove(name)).unwrap_err();
            assert!(refusal.expected.contains(name), "{name}: {refusal}");
        }
    }

    #[test]
    fn another_customer_after_a_refresh_is_refused() {
        let (key, public) = fresh("k1");
        let known = Expected { nonce: None, subject: Some("u2"), ..expected() };
        let refused = check(&sign(&key, &claims()), &known, &JwkSet::new(vec![public]), NOW);
        assert_eq!(refused.unwrap_err().check, "CL-14");
    }

    #[test]
    fn alg_none_and_an_algorithm_that_was_not_registered_are_refused() {
        let (key, public) = fresh("k1");
        let keys = JwkSet::new(vec![public]);
        let signed = sign(&key, &claims());
        let payload = signed.split('.').nth(1).unwrap();
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let bare = check(&format!("{header}.{payload}."), &expected(), &keys, NOW).unwrap_err();
        assert!(bare.found.contains("algorithm"), "{bare}");
        let ps256 = Expected { algs: &[Alg::Ps256], ..expected() };
        let switched = check(&signed, &ps256, &keys, NOW).unwrap_err();
        assert_eq!((switched.expected.as_str(), switched.found.as_str()), ("alg PS256", "ES256"));
    }

    #[test]
    fn a_signature_by_another_key_of_the_same_name_is_refused() {
        let (key, _) = fresh("k1");
        let (_, other) = fresh("k1");
        let refused = check(&sign(&key, &claims()), &expected(), &JwkSet::new(vec![other]), NOW);
        assert_eq!(refused.unwrap_err().check, "CL-08");
    }

    #[test]
    fn decoys_with_the_same_kid_and_another_type_are_passed_over() {
        let (key, public) = fresh("k1");
        let ed25519 = {
            let rng = ring::rand::SystemRandom::new();
            let der = oauth_core::jose::SigningKey::generate_ed25519(&rng).unwrap();
            let decoy = oauth_core::jose::SigningKey::from_pkcs8_der(Alg::EdDsa, &der, &rng).unwrap();
            decoy.public(&oauth_core::KeyId::new("k1").unwrap())
        };
        let encryption = PublicJwk::read(
            {
                let (_, other) = fresh("k1");
                let mut jwk = other.to_value();
                jwk["use"] = "enc".into();
                jwk["alg"] = "ECDH-ES".into();
                jwk.to_string()
            }
            .as_bytes(),
        )
        .unwrap();
        let keys = JwkSet::new(vec![ed25519, encryption, public]);
        assert_eq!(check(&sign(&key, &claims()), &expected(), &keys, NOW).unwrap(), "u1");
    }

    #[test]
    fn only_an_unknown_kid_is_a_reason_to_fetch_the_keys_again() {
        let (key, public) = fresh("k1");
        let (_, other) = fresh("k2");
        let text = sign(&key, &claims());
        assert!(needs_other_keys(&text, &[Alg::Es256], &JwkSet::new(vec![other])));
        assert!(!needs_other_keys(&text, &[Alg::Es256], &JwkSet::new(vec![public])));
        assert!(!needs_other_keys(&text, &[Alg::Ps256], &JwkSet::default()));
    }
}
