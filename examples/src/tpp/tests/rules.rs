//! What a client owes, rule by rule: CL-01 to CL-20 of the ledger. Each test pays at an honest bank, and then meets banks
//! that are as honest but for one thing; a run that is stopped ends with exit code 1 and asks for nothing more.

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oauth_core::{Clock, Seconds, SystemClock, Timestamp};
use serde_json::{Value, json};

use super::forged::{Captured, ForgedBank, Lie, Place, Registered, proof_claims};
use super::{Stop, keep_consent, kept_refresh_token, run};
use crate::tpp::config::Config;
use crate::tpp::error::Refusal;
use crate::tpp::narrate::{Form, Narrator, Trace};
use crate::tpp::{Tpp, payment};

const PAY: &str = "pay --headless";
const TOKEN: &str = "POST /token";
const DECISION: &str = "POST /consent";
const ORDER: &str = "POST /open-finance/payment/v1/payments";
const METADATA: &str = "GET /.well-known/openid-configuration";
const KEYS: &str = "GET /jwks";

/// One change: a member of a document is another, or is gone.
#[derive(Debug, Clone)]
struct Change(Place, &'static str, Option<Value>);

fn is(place: Place, name: &'static str, value: impl Into<Value>) -> Change {
    Change(place, name, Some(value.into()))
}

const fn no(place: Place, name: &'static str) -> Change {
    Change(place, name, None)
}

impl Change {
    fn make(&self, place: Place, value: &mut Value) {
        let Self(own, name, wanted) = self;
        if *own != place {
            return;
        }
        match wanted {
            Some(wanted) => value[*name] = wanted.clone(),
            None => drop(value.as_object_mut().unwrap().remove(*name)),
        }
    }
}

async fn changed(registered: Registered, changes: &[Change]) -> ForgedBank {
    let changes = changes.to_vec();
    ForgedBank::twisted(registered, move |place, value| {
        changes.iter().for_each(|change| change.make(place, value));
    })
    .await
}

/// Runs, and expects a stop for this rule after this request.
async fn stops(
    bank: &ForgedBank,
    words: &str,
    (check, last): (&str, &str),
    what: &dyn std::fmt::Debug,
) -> Refusal {
    let (outcome, heard) = run(bank, words).await;
    let Err(stop) = outcome else { panic!("{what:?} was believed\n{heard}") };
    assert_eq!(
        format!("{:?}", stop.exit_code()),
        format!("{:?}", ExitCode::from(1)),
        "{what:?}: {stop}\n{heard}"
    );
    let Stop::Refused(refusal) = stop else { panic!("{what:?}: {stop}\n{heard}") };
    assert_eq!(refusal.check, check, "{what:?}: {refusal}\n{heard}");
    assert_eq!(bank.asked().last().map(String::as_str), Some(last), "{what:?}: {:?}", bank.asked());
    refusal
}

async fn all_stop(registered: Registered, (check, last): (&str, &str), cases: &[Change]) {
    for case in cases {
        let bank = changed(registered, std::slice::from_ref(case)).await;
        stops(&bank, PAY, (check, last), case).await;
    }
}

/// Runs, and expects that all goes well.
async fn pays(bank: &ForgedBank) {
    let (outcome, heard) = run(bank, PAY).await;
    outcome.unwrap_or_else(|stop| panic!("{stop}\n{heard}"));
}

async fn all_pay(registered: Registered, cases: &[Vec<Change>]) {
    for case in cases {
        let (outcome, heard) = run(&changed(registered, case).await, PAY).await;
        outcome.unwrap_or_else(|stop| panic!("{case:?}: {stop}\n{heard}"));
    }
}

fn asked(bank: &ForgedBank, what: &str) -> Vec<Captured> {
    bank.captured().into_iter().filter(|one| one.asked == what).collect()
}

fn count(bank: &ForgedBank, what: &str) -> usize {
    asked(bank, what).len()
}

async fn meet(bank: &ForgedBank) -> Tpp {
    let config = Config::read(&bank.dir, None).unwrap();
    Tpp::meet(config, Arc::new(Narrator::new(Form::Json, Trace::Line))).await.unwrap()
}

#[tokio::test]
async fn cl_01_metadata_of_another_issuer_ends_the_run_before_anything_else_is_asked() {
    use Place::Metadata;
    let cases = [
        is(Metadata, "issuer", "https://evil.example"),
        is(Metadata, "issuer", "https://LOCALHOST"),
        is(Metadata, "issuer", ""),
        no(Metadata, "issuer"),
    ];
    all_stop(Registered::Plain, ("CL-01", METADATA), &cases).await;
    let slash = ForgedBank::twisted(Registered::Plain, |place, value| {
        if place == Metadata {
            value["issuer"] = format!("{}/", value["issuer"].as_str().unwrap()).into();
        }
    });
    let slash = slash.await;
    stops(&slash, PAY, ("CL-01", METADATA), &"a slash more").await;
    assert_eq!(slash.asked().len(), 1, "{:?}", slash.asked());
}

#[tokio::test]
async fn cl_02_the_request_is_pushed_as_a_form_or_as_one_signed_object_with_every_claim_in_its_type() {
    let plain = ForgedBank::open(Lie::None).await;
    pays(&plain).await;
    let push = asked(&plain, "POST /par").pop().unwrap();
    assert_eq!(push.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(!push.form.contains_key("request") && !push.form.contains_key("request_uri"));

    let signing = ForgedBank::open(Lie::Signed).await;
    pays(&signing).await;
    let push = asked(&signing, "POST /par").pop().unwrap();
    let beside: HashSet<&str> = push.form.keys().map(String::as_str).collect();
    let only = ["client_id", "client_assertion_type", "client_assertion", "request"];
    assert_eq!(beside, HashSet::from(only), "nothing of the request stands beside its object");
    let claims = proof_claims(&push.form["request"]);
    let now = SystemClock.now().seconds();
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("palm"), &json!(signing.issuer())));
    let (nbf, exp) = (claims["nbf"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert!((now - 60..=now).contains(&nbf) && exp > now && exp - nbf <= 3600, "{nbf} {exp}");
    assert!(claims["authorization_details"].is_array() && claims["max_age"].is_null());
    for absent in ["sub", "request", "request_uri"] {
        assert_eq!(claims.get(absent), None, "{absent}");
    }
    assert!(claims.as_object().unwrap().values().all(|value| !value.is_null()), "{claims}");

    let unsigned = is(Place::Metadata, "request_object_signing_alg_values_supported", json!(["ES256"]));
    all_stop(Registered::Signing, ("CL-02", METADATA), &[unsigned]).await;
}

#[tokio::test]
async fn cl_03_the_browser_carries_the_client_and_the_reference_whatever_the_reference_is() {
    let cases = [
        ("urn:ietf:params:oauth:request_uri:1", "urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A1"),
        ("urn:x&scope=all#y", "urn%3Ax%26scope%3Dall%23y"),
        ("urn:x\r\nSet-Cookie: a", "urn%3Ax%0D%0ASet-Cookie%3A+a"),
    ];
    for (reference, encoded) in cases {
        let bank = changed(Registered::Plain, &[is(Place::Pushed, "request_uri", reference)]).await;
        pays(&bank).await;
        let query = asked(&bank, "GET /authorize").pop().unwrap().query;
        assert_eq!(query, format!("client_id=palm&request_uri={encoded}"));
    }
}

#[tokio::test]
async fn cl_04_verifier_state_and_nonce_are_new_for_every_request_and_s256_is_demanded() {
    let bank = ForgedBank::open(Lie::None).await;
    let mut seen = HashSet::new();
    for _ in 0..2 {
        pays(&bank).await;
        let (pushed, redeemed) = (bank.pushed(), asked(&bank, TOKEN).pop().unwrap().form);
        assert_eq!(pushed["code_challenge_method"], "S256");
        for value in [&pushed["state"], &pushed["nonce"], &redeemed["code_verifier"]] {
            assert_eq!(value.len(), 43, "256 bits");
            assert!(seen.insert(value.clone()), "{value} came twice");
        }
    }
    let name = "code_challenge_methods_supported";
    let cases = [is(Place::Metadata, name, json!(["plain"])), no(Place::Metadata, name)];
    all_stop(Registered::Plain, ("CL-04", METADATA), &cases).await;
}

#[tokio::test]
async fn cl_05_a_response_without_our_state_and_issuer_once_each_brings_no_token_request() {
    use Place::{Metadata, Response};
    let cases = [
        is(Response, "state", "other"),
        is(Response, "state", ""),
        no(Response, "state"),
        is(Response, "iss", "https://evil.example"),
        is(Response, "iss", ""),
        no(Response, "iss"),
        is(Response, "iss", json!(["https://evil.example", "https://evil.example"])),
        is(Response, "code", json!(["code-SECRET", "other"])),
        is(Response, "code", ""),
        no(Response, "code"),
        is(Response, "error", "access_denied"),
    ];
    all_stop(Registered::Plain, ("CL-05", DECISION), &cases).await;
    let name = "authorization_response_iss_parameter_supported";
    let silent = [is(Metadata, name, false), no(Metadata, name)];
    all_stop(Registered::Plain, ("CL-05", METADATA), &silent).await;
}

#[tokio::test]
async fn cl_06_a_signed_response_is_verified_in_full_and_a_plain_one_is_none() {
    use Place::{Metadata, Response, SignedResponse, SignedResponseHeader};
    let now = SystemClock.now().seconds();
    let cases = [
        no(SignedResponse, "iss"),
        is(SignedResponse, "iss", "https://evil.example"),
        no(SignedResponse, "aud"),
        is(SignedResponse, "aud", "other"),
        is(SignedResponse, "aud", json!(["palm", "other"])),
        no(SignedResponse, "exp"),
        is(SignedResponse, "exp", now - 60),
        is(SignedResponse, "exp", now + 3600),
        is(SignedResponse, "exp", "soon"),
        is(SignedResponseHeader, "by", "stranger"),
        is(SignedResponseHeader, "alg", "none"),
        is(SignedResponseHeader, "alg", "RS256"),
        is(SignedResponseHeader, "alg", "HS256"),
        is(SignedResponseHeader, "crit", json!(["x"])),
        is(Response, "code", "beside"),
        is(Response, "response", json!(["a.b.c", "a.b.c"])),
        is(Response, "response", ""),
    ];
    for case in &cases {
        let bank = changed(Registered::Signing, std::slice::from_ref(case)).await;
        // a repeated parameter is refused before anybody asks what is in it
        let check =
            if matches!(case, Change(_, "response", Some(Value::Array(_)))) { "CL-05" } else { "CL-06" };
        stops(&bank, PAY, (check, DECISION), case).await;
    }
    let switched = [
        is(SignedResponseHeader, "alg", "ES256"),
        is(SignedResponseHeader, "kid", "b2"),
        is(SignedResponseHeader, "by", "curve"),
    ];
    let bank = changed(Registered::Signing, &switched).await;
    stops(&bank, PAY, ("CL-06", DECISION), &"another algorithm of the bank's").await;
    let state = [no(SignedResponse, "state"), is(SignedResponse, "state", "other")];
    all_stop(Registered::Signing, ("CL-05", DECISION), &state).await;
    stops(&ForgedBank::open(Lie::SignedNot).await, PAY, ("CL-06", DECISION), &"a plain one").await;
    let unable = [
        is(Metadata, "response_modes_supported", json!(["query"])),
        is(Metadata, "authorization_signing_alg_values_supported", json!(["ES256"])),
    ];
    all_stop(Registered::Signing, ("CL-06", METADATA), &unable).await;
}

#[tokio::test]
async fn cl_07_an_id_token_with_one_claim_missing_or_wrong_stops_the_run_before_the_resource() {
    use Place::{IdToken, IdTokenHeader, Token};
    let now = SystemClock.now().seconds();
    let cases = [
        no(IdToken, "iss"),
        is(IdToken, "iss", "https://evil.example"),
        no(IdToken, "aud"),
        is(IdToken, "aud", "other"),
        is(IdToken, "aud", json!([])),
        is(IdToken, "aud", json!(["palm", "other"])),
        is(IdToken, "azp", "other"),
        no(IdToken, "exp"),
        is(IdToken, "exp", now - 301),
        is(IdToken, "exp", "later"),
        is(IdToken, "iat", now - 604_800),
        is(IdToken, "iat", now + 120),
        no(IdToken, "nonce"),
        is(IdToken, "nonce", "other"),
        is(IdTokenHeader, "alg", "none"),
        is(IdTokenHeader, "alg", "RS256"),
        is(IdTokenHeader, "alg", "HS256"),
        is(IdTokenHeader, "alg", "ES256"),
        is(IdTokenHeader, "crit", json!(["x"])),
        no(Token, "id_token"),
        is(Token, "id_token", "a.b.c"),
    ];
    all_stop(Registered::Plain, ("CL-07", TOKEN), &cases).await;
    let hmac = [is(IdTokenHeader, "alg", "HS256"), is(IdTokenHeader, "by", "hmac")];
    let bank = changed(Registered::Plain, &hmac).await;
    stops(&bank, PAY, ("CL-07", TOKEN), &"keyed with the public key").await;
    let ours = [vec![is(IdToken, "aud", json!(["palm", "other"])), is(IdToken, "azp", "palm")]];
    all_pay(Registered::Plain, &ours).await;
}

#[tokio::test]
async fn cl_08_the_key_is_found_by_name_type_algorithm_and_use() {
    use Place::{IdTokenHeader, Keys};
    // the honest bank publishes a decoy of the same name and another type, before the key that signs
    pays(&ForgedBank::open(Lie::None).await).await;
    // no name in the header: the algorithm finds it
    all_pay(Registered::Plain, &[vec![no(IdTokenHeader, "kid")]]).await;
    let only_ours = |place: Place, value: &mut Value| {
        if place == Keys {
            value["keys"].as_array_mut().unwrap().retain(|key| key["kty"] == "RSA");
        }
        no(IdTokenHeader, "kid").make(place, value);
    };
    pays(&ForgedBank::twisted(Registered::Plain, only_ours).await).await;

    stops(&ForgedBank::open(Lie::OtherKey).await, PAY, ("CL-08", TOKEN), &"a stranger's signature").await;
    let nameless = [no(IdTokenHeader, "kid"), is(IdTokenHeader, "by", "stranger")];
    stops(&changed(Registered::Plain, &nameless).await, PAY, ("CL-08", TOKEN), &"without a name").await;
    for (name, value) in [("use", "enc"), ("alg", "RSA-OAEP-256"), ("alg", "RS256"), ("kid", "another")] {
        let bank = ForgedBank::twisted(Registered::Plain, move |place, document| {
            if place == Keys {
                for key in document["keys"].as_array_mut().unwrap() {
                    if key["kty"] == "RSA" {
                        key[name] = value.into();
                    }
                }
            }
        });
        let bank = bank.await;
        stops(&bank, PAY, ("CL-08", KEYS), &(name, value)).await;
        assert_eq!(count(&bank, KEYS), 2, "asked once more, and no further");
        assert!(!bank.asked().iter().any(|asked| asked.contains("/open-finance/")));
    }
}

#[tokio::test]
async fn cl_09_the_token_type_is_read_in_any_case_and_life_and_scope_may_be_missing() {
    use Place::Token;
    let cases = [
        vec![is(Token, "token_type", "dPoP")],
        vec![no(Token, "expires_in")],
        vec![no(Token, "expires_in"), no(Token, "scope"), no(Token, "refresh_token")],
    ];
    all_pay(Registered::Plain, &cases).await;
    let cases = [
        is(Token, "token_type", "Bearer"),
        is(Token, "token_type", "mac"),
        is(Token, "token_type", ""),
        no(Token, "token_type"),
    ];
    all_stop(Registered::Plain, ("CL-09", TOKEN), &cases).await;
}

#[tokio::test]
async fn cl_10_every_request_has_its_own_proof_and_one_retry_with_the_nonce_of_its_server() {
    let bank = ForgedBank::open(Lie::ResourceNonce).await;
    pays(&bank).await;
    let proven: Vec<(String, Value)> = bank
        .captured()
        .iter()
        .filter_map(|one| Some((one.asked.clone(), proof_claims(one.headers.get("dpop")?.to_str().unwrap()))))
        .collect();
    let with = |what: &str| -> Vec<&Value> {
        proven.iter().filter(|(asked, _)| asked == what).map(|(_, claims)| claims).collect()
    };
    let jtis: HashSet<String> = proven.iter().map(|(_, claims)| claims["jti"].to_string()).collect();
    assert_eq!(jtis.len(), proven.len());
    for (asked, claims) in &proven {
        let (method, path) = asked.split_once(' ').unwrap();
        assert_eq!(claims["htm"], method);
        assert_eq!(claims["htu"], format!("{}{path}", bank.issuer()));
        assert_eq!(claims["ath"].is_string(), path.starts_with("/open-finance/"), "{asked}");
    }
    let nonces = |what: &str| with(what).iter().map(|claims| claims["nonce"].clone()).collect::<Vec<_>>();
    assert_eq!(nonces("POST /par"), [Value::Null, json!("n-1")]);
    assert_eq!(nonces(TOKEN), [json!("n-1")]);
    assert_eq!(nonces(ORDER)[1], json!("n-resource"), "the nonce of the resource server is its own");
    assert_eq!(count(&bank, ORDER), 2);
    let key_of_par = bank.proof_keys();
    assert_eq!(key_of_par.len(), 1, "one key from the pushed request to the resource");

    for (lie, endpoint) in [(Lie::AlwaysNonce, "POST /par"), (Lie::AlwaysResourceNonce, ORDER)] {
        let bank = ForgedBank::open(lie).await;
        let (outcome, _) = run(&bank, PAY).await;
        assert!(matches!(outcome, Err(Stop::Answer { .. })), "{lie:?}");
        assert_eq!(count(&bank, endpoint), 2, "{lie:?}");
        assert_eq!(bank.asked().last().map(String::as_str), Some(endpoint), "{lie:?}");
    }
    let unbound = [
        is(Place::AccessToken, "cnf", json!({"jkt": "another"})),
        is(Place::AccessToken, "cnf", json!({})),
        no(Place::AccessToken, "cnf"),
    ];
    all_stop(Registered::Plain, ("CL-10", TOKEN), &unbound).await;
    let unable = is(Place::Metadata, "dpop_signing_alg_values_supported", json!(["RS256"]));
    all_stop(Registered::Plain, ("CL-10", METADATA), &[unable]).await;
}

#[tokio::test]
async fn cl_11_a_certificate_goes_along_from_the_pushed_request_to_the_resource_over_the_aliases() {
    let bank = changed(Registered::Certificate, &[]).await;
    pays(&bank).await;
    let of = |what: &str| asked(&bank, what).pop().unwrap();
    let shown: HashSet<_> = ["POST /par", TOKEN, ORDER].map(|what| of(what).certificate.unwrap()).into();
    assert_eq!(shown.len(), 1, "the same certificate everywhere");
    let ports: HashSet<u16> = ["POST /par", TOKEN, ORDER].map(|what| of(what).port).into();
    assert!(ports.len() == 1 && !ports.contains(&of("GET /authorize").port));
    assert!(bank.captured().iter().all(|one| one.headers.get("dpop").is_none()));

    let neither = [
        no(Place::Metadata, "mtls_endpoint_aliases"),
        is(Place::Metadata, "mtls_endpoint_aliases", json!({"token_endpoint": "https://localhost/token"})),
    ];
    all_stop(Registered::Certificate, ("CL-11", METADATA), &neither).await;
    let unbound = [no(Place::AccessToken, "cnf"), is(Place::AccessToken, "cnf", json!({"jkt": "x"}))];
    all_stop(Registered::Certificate, ("CL-11", TOKEN), &unbound).await;
    let proof = is(Place::Token, "token_type", "DPoP");
    all_stop(Registered::Certificate, ("CL-09", TOKEN), &[proof]).await;
}

#[tokio::test]
async fn cl_12_every_assertion_is_new_short_and_for_the_issuer_alone_also_in_a_retry() {
    let bank = ForgedBank::open(Lie::None).await;
    pays(&bank).await;
    let assertions: Vec<Value> = bank
        .captured()
        .iter()
        .filter_map(|one| one.form.get("client_assertion").map(|text| proof_claims(text)))
        .collect();
    assert_eq!(assertions.len(), 3, "two pushes, for the first was asked for a nonce, and one redemption");
    let jtis: HashSet<String> = assertions.iter().map(|claims| claims["jti"].to_string()).collect();
    assert_eq!(jtis.len(), 3);
    for claims in &assertions {
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("palm"), &json!("palm")));
        assert_eq!(claims["aud"], json!(bank.issuer()), "one string");
        assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 60);
    }
    let unable = [
        is(Place::Metadata, "token_endpoint_auth_methods_supported", json!(["client_secret_basic"])),
        is(Place::Metadata, "token_endpoint_auth_signing_alg_values_supported", json!(["RS256"])),
        no(Place::Metadata, "token_endpoint_auth_signing_alg_values_supported"),
    ];
    all_stop(Registered::Plain, ("CL-12", METADATA), &unable).await;
}

#[tokio::test]
async fn cl_13_the_token_travels_in_the_header_alone_and_the_interaction_id_comes_back() {
    let bank = ForgedBank::open(Lie::None).await;
    pays(&bank).await;
    for call in bank.captured().iter().filter(|one| one.asked.contains("/open-finance/")) {
        let header = call.headers["authorization"].to_str().unwrap().to_owned();
        let token = header.strip_prefix("DPoP ").unwrap();
        assert!(call.query.is_empty() && !call.form.values().any(|value| value.contains(token)));
        assert_eq!(call.headers["x-fapi-interaction-id"].len(), 36);
    }
    let other = "00000000-0000-4000-8000-000000000000";
    for (what, echo) in [("none", json!([])), ("another", json!([other])), ("two", json!([other, other]))] {
        let bank = ForgedBank::twisted(Registered::Plain, move |place, value| {
            if place == Place::Echo {
                *value = echo.clone();
            }
        });
        stops(&bank.await, PAY, ("CL-13", ORDER), &what).await;
    }
    let plain =
        ["token_endpoint", "authorization_endpoint", "pushed_authorization_request_endpoint", "jwks_uri"]
            .map(|name| is(Place::Metadata, name, "http://localhost/x"));
    all_stop(Registered::Plain, ("CL-13", METADATA), &plain).await;
}

#[tokio::test]
async fn cl_14_a_refresh_keeps_or_replaces_the_token_and_its_id_token_is_about_the_same_customer() {
    let bank = ForgedBank::open(Lie::None).await;
    keep_consent(&bank);
    run(&bank, "refresh").await.0.unwrap();
    assert_eq!(kept_refresh_token(&bank).as_deref(), Some("rt_SECRET"), "none came, so the old one stays");

    let bank = changed(Registered::Plain, &[is(Place::Token, "refresh_token", "rt_SECRET-2")]).await;
    keep_consent(&bank);
    for sent in ["rt_SECRET", "rt_SECRET-2"] {
        run(&bank, "refresh").await.0.unwrap();
        assert_eq!(asked(&bank, TOKEN).pop().unwrap().form["refresh_token"], sent);
    }
    assert_eq!(kept_refresh_token(&bank).as_deref(), Some("rt_SECRET-2"));

    let cases = [
        ("CL-14", is(Place::IdToken, "sub", "u2")),
        ("CL-07", is(Place::IdToken, "iss", "https://evil.example")),
        ("CL-07", is(Place::IdToken, "aud", "other")),
        ("CL-08", is(Place::IdTokenHeader, "by", "stranger")),
    ];
    for (check, case) in cases {
        let bank = changed(Registered::Plain, std::slice::from_ref(&case)).await;
        keep_consent(&bank);
        stops(&bank, "refresh", (check, TOKEN), &case).await;
        assert_eq!(kept_refresh_token(&bank).as_deref(), Some("rt_SECRET"), "nothing of the answer is kept");
    }
}

#[tokio::test]
async fn cl_16_details_of_a_type_the_server_does_not_list_are_not_sent_and_others_are_not_taken() {
    let name = "authorization_details_types_supported";
    let unlisted = [is(Place::Metadata, name, json!(["urn:other"])), no(Place::Metadata, name)];
    all_stop(Registered::Plain, ("CL-16", KEYS), &unlisted).await;
    let details = "authorization_details";
    let others = [
        no(Place::Token, details),
        is(Place::Token, details, json!([])),
        is(Place::Token, details, json!({})),
        is(Place::Token, details, json!([{"type": "PaymentConsent", "Data": {"ConsentId": "another"}}])),
    ];
    all_stop(Registered::Plain, ("CL-16", TOKEN), &others).await;
}

#[tokio::test]
async fn cl_18_without_a_subject_nothing_goes_on_and_new_keys_are_asked_for_once() {
    let cases = [no(Place::IdToken, "sub"), is(Place::IdToken, "sub", ""), no(Place::IdToken, "iat")];
    all_stop(Registered::Plain, ("CL-18", TOKEN), &cases).await;
    let other = changed(Registered::Plain, &[is(Place::Userinfo, "sub", "u2")]).await;
    keep_consent(&other);
    stops(&other, "refresh", ("CL-18", "GET /userinfo"), &"another customer").await;

    let times = AtomicUsize::new(0);
    let rotated = ForgedBank::twisted(Registered::Plain, move |place, value| {
        if place == Place::Keys && times.fetch_add(1, Ordering::Relaxed) == 0 {
            value["keys"].as_array_mut().unwrap().retain(|key| key["kty"] != "RSA");
        }
    });
    let rotated = rotated.await;
    pays(&rotated).await;
    assert_eq!(count(&rotated, KEYS), 2, "at the start, and once more for a key that is not known");
}

/// A clock that is ahead.
struct Later;

impl Clock for Later {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(Seconds::new(601))
    }
}

#[tokio::test]
async fn cl_19_an_answer_to_somebody_else_an_old_one_and_one_elsewhere_bring_no_token_request() {
    let bank = ForgedBank::open(Lie::None).await;
    let mut tpp = meet(&bank).await;
    let details = json!({"Type": "PaymentConsent", "Data": {"ConsentId": "c1"}});
    let back = |bank: &ForgedBank| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("code", "code-SECRET")
            .append_pair("state", &bank.pushed()["state"])
            .append_pair("iss", bank.issuer())
            .finish();
        format!("http://127.0.0.1:9473/callback?{query}")
    };
    let check = |outcome: Result<_, Stop>| match outcome {
        Err(Stop::Refused(refusal)) => refusal.check,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    };
    // two flows of one client, and the answer of one where the other is waited for
    let first = tpp.push("openid payments", &details).await.unwrap();
    let second = tpp.push("openid payments", &details).await.unwrap();
    assert_eq!(check(tpp.accept(first, &back(&bank)).await.map(drop)), "CL-05");
    tpp.accept(second, &back(&bank)).await.map(drop).unwrap();

    let elsewhere = tpp.push("openid payments", &details).await.unwrap();
    let at = back(&bank).replace("/callback", "/other");
    assert_eq!(check(tpp.accept(elsewhere, &at).await.map(drop)), "CL-19");
    let late = tpp.push("openid payments", &details).await.unwrap();
    tpp.clock = Arc::new(Later);
    assert_eq!(check(tpp.accept(late, &back(&bank)).await.map(drop)), "CL-19");
    assert_eq!(count(&bank, TOKEN), 0);

    for lie in [Lie::LeavesOrigin, Lie::KeepsForm] {
        stops(&ForgedBank::open(lie).await, PAY, ("CL-19", DECISION), &lie).await;
    }
}

#[tokio::test]
async fn cl_20_a_signed_answer_is_verified_before_use_and_a_payment_has_one_idempotency_key() {
    use Place::{Envelope, EnvelopeHeader, Payment};
    let now = SystemClock.now().seconds();
    let cases = [
        no(Envelope, "iss"),
        is(Envelope, "iss", "https://evil.example"),
        no(Envelope, "aud"),
        is(Envelope, "aud", json!(["other"])),
        no(Envelope, "iat"),
        is(Envelope, "iat", now - 3600),
        is(Envelope, "iat", now + 120),
        is(Envelope, "exp", now - 60),
        no(Envelope, "jti"),
        is(Envelope, "jti", ""),
        no(Envelope, "message"),
        is(EnvelopeHeader, "by", "stranger"),
        is(EnvelopeHeader, "alg", "none"),
        is(EnvelopeHeader, "alg", "RS256"),
        is(EnvelopeHeader, "alg", "HS256"),
        is(Payment, "ConsentId", "another"),
        is(Payment, "Instruction", json!({"Amount": {"Amount": "1.00", "Currency": "AED"}})),
        is(Payment, "Instruction", json!({"Amount": {"Amount": "149.90", "Currency": "USD"}})),
        is(Payment, "PaymentId", "../../elsewhere"),
    ];
    all_stop(Registered::Plain, ("CL-20", ORDER), &cases).await;
    let curve = [
        is(EnvelopeHeader, "alg", "ES256"),
        is(EnvelopeHeader, "kid", "b2"),
        is(EnvelopeHeader, "by", "curve"),
    ];
    stops(&changed(Registered::Plain, &curve).await, PAY, ("CL-20", ORDER), &"PS256 alone").await;
    stops(&ForgedBank::open(Lie::PlainPayment).await, PAY, ("CL-20", ORDER), &"a plain answer").await;

    let lost = ForgedBank::open(Lie::LosesOrder).await;
    pays(&lost).await;
    pays(&lost).await;
    let keys = lost.idempotency_keys();
    assert!(keys.len() == 3 && keys[0] == keys[1] && keys[2] != keys[0], "{keys:?}");
    let mut ids: Vec<String> = asked(&lost, ORDER)
        .iter()
        .map(|one| one.headers["x-fapi-interaction-id"].to_str().unwrap().to_owned())
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 3, "a retry is a request of its own");
    assert!(payment::check_amount("149.90").is_ok());
}
