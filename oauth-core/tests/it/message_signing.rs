//! FAPI 2.0 Message Signing: times of request objects, signed answers, policies by name, and the metadata about them.

use oauth_core::jose::Alg;
use oauth_core::{
    AssertionAudience, Client, FAPI1_ADVANCED, FAPI2_MESSAGE_SIGNING, FAPI2_MESSAGE_SIGNING_ID1,
    FAPI2_SECURITY, PLAIN_OAUTH, Policy, Seconds, UAE_OPEN_FINANCE,
};
use serde_json::{Value, json};

use crate::bank::{Bank, CLIENT, Draft, ISSUER, START, metadata, open, plain, settings, verified};

fn request() -> Draft {
    Draft::request().with("response_mode", json!("jwt"))
}

async fn judged(bank: &Bank, nbf: i64, exp: i64) -> Option<&'static str> {
    let mut object = Draft::request().with("nbf", json!(START + nbf)).with("exp", json!(START + exp));
    if bank.server.settings().signing_alg == Alg::Ps256 {
        object = object.signed_by("PS256", "ps");
    } else {
        object = object.with("response_mode", json!("jwt"));
    }
    let answer = bank.push_object(&object.sign()).await;
    assert_eq!(answer.status == 201, answer.rule.is_none());
    answer.rule
}

#[tokio::test]
async fn section_5_3_1_nbf_and_exp_are_there() {
    let bank = Bank::signing();
    for (name, rule) in [("nbf", "FAPI2MS-5.3.1-nbf"), ("exp", "FAPI2MS-5.3.1-exp")] {
        bank.push_object(&request().without(name).sign()).await.refused("invalid_request_object", rule);
    }
}

#[tokio::test]
async fn section_5_3_1_the_window_of_an_object_is_an_hour() {
    let bank = Bank::signing();
    for (nbf, exp, rule) in [
        (0, 3600, None),
        (0, 3601, Some("FAPI2MS-5.3.1-life")),
        (-3599, 1, None),
        (-3600, 0, Some("FAPI2MS-5.3.1-exp")),
        (-3601, 1, Some("FAPI2MS-5.3.1-nbf")),
        (10, 3610, None),
        (11, 300, Some("FAPI2MS-5.3.1-nbf")),
        (0, -300, Some("FAPI2MS-5.3.1-exp")),
    ] {
        assert_eq!(judged(&bank, nbf, exp).await, rule, "nbf {nbf:+}, exp {exp:+}");
    }
}

#[tokio::test]
async fn the_uae_profile_has_ten_minutes_and_bounds_max_age() {
    let bank = Bank::with(&UAE_OPEN_FINANCE, &json!({}));
    for (nbf, exp, rule) in [
        (0, 600, None),
        (0, 601, Some("FAPI2MS-5.3.1-life")),
        (-599, 1, None),
        (-601, -1, Some("FAPI2MS-5.3.1-nbf")),
        (8, 608, None),
    ] {
        assert_eq!(judged(&bank, nbf, exp).await, rule, "nbf {nbf:+}, exp {exp:+}");
    }
    let object =
        |max_age: i64| Draft::request().with("max_age", json!(max_age)).signed_by("PS256", "ps").sign();
    assert_eq!(bank.push_object(&object(3600)).await.status, 201);
    bank.push_object(&object(3601)).await.refused("invalid_request", "UAESP-request-max_age");
}

/// UAE bank service initiation section 2.2.
#[tokio::test]
async fn the_uae_profile_takes_a_plain_jwt_for_this_issuer_alone_with_openid_and_short_values() {
    let bank = Bank::with(&UAE_OPEN_FINANCE, &json!({}));
    let object = |name: &str, value: Value| Draft::request().with(name, value).signed_by("PS256", "ps");
    let aud = |others: &[&str]| json!([&[ISSUER], others].concat());
    for (draft, rule) in [
        (object("state", json!("s".repeat(512))), None),
        (object("state", json!("s".repeat(513))), Some(("invalid_request", "UAESP-request-short"))),
        (object("nonce", json!("n".repeat(256))), None),
        (object("nonce", json!("n".repeat(257))), Some(("invalid_request", "UAESP-request-short"))),
        (object("scope", json!("openid")), None),
        (object("scope", json!("accounts")), Some(("invalid_scope", "UAESP-request-openid"))),
        (object("aud", aud(&[])), None),
        (object("aud", aud(&["https://other.example"])), Some(("invalid_request_object", "RFC9101-4-aud"))),
        (Draft { typ: Some("JWT".into()), ..object("state", json!("typed")) }, None),
        (
            Draft { typ: Some("at+jwt".into()), ..object("state", json!("mistyped")) },
            Some(("invalid_request_object", "RFC9101-10.8")),
        ),
    ] {
        let answer = bank.push_object(&draft.sign()).await;
        match rule {
            None => assert_eq!(answer.status, 201),
            Some((code, rule)) => answer.refused(code, rule),
        }
    }
}

/// UAE bank service initiation section 2.1.
#[tokio::test]
async fn the_uae_profile_takes_nothing_beside_a_request_object() {
    let bank = Bank::with(&UAE_OPEN_FINANCE, &json!({}));
    let object = |state: &str| Draft::request().with("state", json!(state)).signed_by("PS256", "ps").sign();
    for (n, name) in ["state", "redirect_uri", "scope", "authorization_details", "claims"].iter().enumerate()
    {
        let object = object(&format!("s{n}"));
        let answer = bank.push(&[("request", &object), (*name, "st")]).await;
        answer.refused("invalid_request", "UAESP-request-alone");
    }
    let object = object("alone");
    let answer = bank.push(&[("request", object.as_str()), ("client_id", CLIENT), ("unheard_of", "x")]).await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn an_issue_time_ahead_of_the_clock_is_refused_and_the_skew_is_not() {
    let bank = Bank::signing();
    let object = |ahead: i64| request().with("iat", json!(START + ahead)).sign();
    assert_eq!(bank.push_object(&object(10)).await.status, 201);
    bank.push_object(&object(11)).await.refused("invalid_request_object", "FAPI2MS-5.3.1-iat");
}

#[tokio::test]
async fn the_uae_profile_answers_in_the_query_and_signs_with_ps256() {
    let bank = Bank::with(&UAE_OPEN_FINANCE, &json!({}));
    let back = bank
        .arrive(bank.push_object(&Draft::request().signed_by("PS256", "ps").sign()).await)
        .await
        .approve()
        .await;
    let sent = crate::bank::parameters(&back);
    assert_eq!(sent.keys().collect::<Vec<_>>(), ["code", "iss", "state"]);
}

#[tokio::test]
async fn the_id1_policy_differs_in_the_audience_of_assertions_only() {
    assert_eq!(FAPI2_MESSAGE_SIGNING_ID1.assertion_audience, AssertionAudience::IssuerOrEndpoint);
    let same = Policy {
        name: FAPI2_MESSAGE_SIGNING.name,
        assertion_audience: FAPI2_MESSAGE_SIGNING.assertion_audience,
        ..FAPI2_MESSAGE_SIGNING_ID1
    };
    assert_eq!(same, FAPI2_MESSAGE_SIGNING);
    let bank = Bank::with(&FAPI2_MESSAGE_SIGNING_ID1, &json!({}));
    assert_eq!(bank.push_object(&request().sign()).await.status, 201);
    bank.push_object(&request().with("aud", json!(format!("{ISSUER}/par"))).sign())
        .await
        .refused("invalid_request_object", "RFC9101-4-aud");
}

#[tokio::test]
async fn a_client_registered_for_a_stricter_policy_is_held_to_it() {
    let bank = Bank::with(&FAPI2_SECURITY, &json!({ "policy": "fapi2-message-signing" }));
    bank.push(&plain()).await.refused("invalid_request", "RFC9101-5");
    assert_eq!(bank.push_object(&request().sign()).await.status, 201);
    let document = serde_json::to_value(bank.server.metadata()).unwrap();
    assert_eq!(document["response_modes_supported"], json!(["query", "jwt", "query.jwt", "form_post.jwt"]));
    assert_eq!(document["request_parameter_supported"], json!(true));
    assert!(document.get("require_signed_request_object").is_none(), "only some clients must");
}

#[tokio::test]
async fn a_client_of_a_policy_that_the_issuer_does_not_serve_gets_nothing() {
    let client =
        Client::register(metadata(&json!({ "policy": "fapi2-message-signing" })), &FAPI2_SECURITY).unwrap();
    let bank = Bank::of(&FAPI2_SECURITY, settings(), vec![client]).unwrap();
    let answer = bank.push_object(&request().sign()).await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (503, Some("server_error")));
}

#[test]
fn a_policy_that_is_not_built_is_refused_at_construction_and_at_registration() {
    let wrong = Bank::of(&FAPI1_ADVANCED, settings(), Vec::new()).err().unwrap();
    let words = wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    assert!(words.contains("code id_token") && words.contains("fragment"), "{words}");
    let wrong =
        Client::register(metadata(&json!({ "policy": "fapi1-advanced" })), &FAPI2_SECURITY).unwrap_err();
    assert!(wrong.iter().any(|one| one.member == "policy"), "{wrong:?}");
    for policy in [&PLAIN_OAUTH, &FAPI2_SECURITY, &FAPI2_MESSAGE_SIGNING, &FAPI2_MESSAGE_SIGNING_ID1] {
        assert!(Bank::of(policy, settings(), Vec::new()).is_ok(), "{}", policy.name);
    }
}

#[test]
fn a_response_that_lives_longer_than_ten_minutes_is_out_of_bounds() {
    let mut long = settings();
    long.authorization_response_lifetime = Seconds::new(601);
    let wrong = Bank::of(&FAPI2_MESSAGE_SIGNING, long, Vec::new()).err().unwrap();
    assert_eq!(wrong.iter().map(|one| one.setting).collect::<Vec<_>>(), ["authorization_response_lifetime"]);
}

#[tokio::test]
async fn a_policy_of_a_single_client_bounds_the_settings_too() {
    let mut shared = settings();
    shared.access_token_lifetime = Seconds::minutes(11);
    shared.client_policies = vec![&UAE_OPEN_FINANCE];
    let wrong = Bank::of(&FAPI2_SECURITY, shared, Vec::new()).err().unwrap();
    assert_eq!(wrong.iter().map(|one| one.setting).collect::<Vec<_>>(), ["access_token_lifetime"]);
}

#[test]
fn registration_names_every_member_that_cannot_be_honoured() {
    let blamed = |policy, more: Value| -> Vec<&'static str> {
        let wrong = Client::register(metadata(&more), policy).err().unwrap_or_default();
        wrong.iter().map(|one| one.member).collect()
    };
    for (policy, more, member) in [
        (&FAPI2_SECURITY, json!({ "require_signed_request_object": true }), "require_signed_request_object"),
        (&FAPI2_SECURITY, json!({ "request_object_signing_alg": "ES256" }), "request_object_signing_alg"),
        (
            &FAPI2_SECURITY,
            json!({ "authorization_signed_response_alg": "ES256" }),
            "authorization_signed_response_alg",
        ),
        (
            &FAPI2_MESSAGE_SIGNING,
            json!({ "userinfo_signed_response_alg": "RS256" }),
            "userinfo_signed_response_alg",
        ),
        (
            &FAPI2_MESSAGE_SIGNING,
            json!({ "introspection_signed_response_alg": "RS256" }),
            "introspection_signed_response_alg",
        ),
        (
            &FAPI2_MESSAGE_SIGNING,
            json!({ "userinfo_encrypted_response_alg": "ECDH-ES", "userinfo_encrypted_response_enc": "A256GCM" }),
            "userinfo_signed_response_alg",
        ),
        (
            &FAPI2_MESSAGE_SIGNING,
            json!({ "id_token_encrypted_response_alg": "ECDH-ES" }),
            "id_token_encrypted_response_alg",
        ),
        (
            &FAPI2_MESSAGE_SIGNING,
            json!({ "id_token_encrypted_response_enc": "A256GCM" }),
            "id_token_encrypted_response_alg",
        ),
        (&FAPI2_MESSAGE_SIGNING, json!({ "policy": "fapi3" }), "policy"),
    ] {
        assert_eq!(blamed(policy, more.clone()), [member], "{more}");
    }
    let mut signing_only = crate::bank::jwks();
    signing_only["keys"].as_array_mut().unwrap().truncate(2);
    let more = json!({
        "id_token_encrypted_response_alg": "ECDH-ES", "id_token_encrypted_response_enc": "A256GCM", "jwks": signing_only,
    });
    assert_eq!(blamed(&FAPI2_MESSAGE_SIGNING, more), ["id_token_encrypted_response_alg"]);
    for alg in ["RSA1_5", "RSA-OAEP", "dir", "A256KW"] {
        let more =
            json!({ "id_token_encrypted_response_alg": alg, "id_token_encrypted_response_enc": "A256GCM" });
        assert!(serde_json::from_value::<oauth_core::ClientMetadata>(more).is_err(), "{alg}");
    }
}

#[tokio::test]
async fn userinfo_is_json_unless_an_algorithm_is_registered() {
    let bank = Bank::signing();
    let token = bank.tokens().await["access_token"].as_str().unwrap().to_owned();
    let answer = bank.get("/userinfo", &token).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json(), json!({ "sub": "alice", "name": "Alice" }));
}

#[tokio::test]
async fn signed_userinfo_names_its_issuer_and_its_audience() {
    let bank = Bank::with(&FAPI2_MESSAGE_SIGNING, &json!({ "userinfo_signed_response_alg": "PS256" }));
    let token = bank.tokens().await["access_token"].as_str().unwrap().to_owned();
    let answer = bank.get("/userinfo", &token).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/jwt"));
    let (header, claims) = verified(&bank, std::str::from_utf8(&answer.body).unwrap());
    assert_eq!(header["alg"], "PS256");
    assert_eq!(claims, json!({ "iss": ISSUER, "aud": CLIENT, "sub": "alice", "name": "Alice" }));
}

#[tokio::test]
async fn a_client_that_is_gone_learns_nothing_from_userinfo() {
    let bank = Bank::signing();
    let token = bank.tokens().await["access_token"].as_str().unwrap().to_owned();
    bank.forget_clients();
    let answer = bank.get("/userinfo", &token).await;
    assert_eq!((answer.status, answer.rule), (401, Some("OIDCC-5.3.2")));
    assert!(!String::from_utf8_lossy(&answer.body).contains("Alice"));
}

const INTROSPECTION_JWT: &str = "application/token-introspection+jwt";

#[tokio::test]
async fn rfc_9701_section_5_the_answer_is_typed_and_holds_the_introspection_as_one_member() {
    let bank = Bank::with(&FAPI2_MESSAGE_SIGNING, &json!({ "introspection_signed_response_alg": "PS256" }));
    let token = bank.tokens().await["access_token"].as_str().unwrap().to_owned();
    let answer = bank.post("/introspect", &[("token", &token)], INTROSPECTION_JWT).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, INTROSPECTION_JWT));
    let (header, claims) = verified(&bank, std::str::from_utf8(&answer.body).unwrap());
    assert_eq!((&header["alg"], &header["typ"]), (&json!("PS256"), &json!("token-introspection+jwt")));
    let mut members: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["aud", "iat", "iss", "token_introspection"]);
    assert_eq!(
        (&claims["iss"], &claims["aud"], &claims["iat"]),
        (&json!(ISSUER), &json!(CLIENT), &json!(START))
    );
    assert_eq!(claims["token_introspection"]["active"], json!(true));
    let answer = bank.post("/introspect", &[("token", "unknown")], INTROSPECTION_JWT).await;
    let (_, claims) = verified(&bank, std::str::from_utf8(&answer.body).unwrap());
    assert_eq!(claims["token_introspection"], json!({ "active": false }));
}

#[tokio::test]
async fn rfc_9701_section_4_the_accept_header_chooses_the_form() {
    let bank = Bank::signing();
    let token = bank.tokens().await["access_token"].as_str().unwrap().to_owned();
    let answer = bank.post("/introspect", &[("token", &token)], "application/json").await;
    assert_eq!(
        (answer.header("content-type"), answer.json()["active"].clone()),
        ("application/json", json!(true))
    );
}

#[tokio::test]
async fn nothing_registered_for_encryption_is_ever_answered_in_the_clear() {
    let more = json!({
        "id_token_encrypted_response_alg": "RSA-OAEP-256", "id_token_encrypted_response_enc": "A256GCM",
        "userinfo_signed_response_alg": "ES256",
        "userinfo_encrypted_response_alg": "ECDH-ES", "userinfo_encrypted_response_enc": "A256GCM",
        "introspection_encrypted_response_alg": "ECDH-ES", "introspection_encrypted_response_enc": "A256GCM",
    });
    let bank = Bank::with(&FAPI2_MESSAGE_SIGNING, &more);
    let tokens = bank.tokens().await;
    let (header, inner) = open(tokens["id_token"].as_str().unwrap());
    assert_eq!(
        (&header["alg"], &header["cty"], &header["kid"]),
        (&json!("RSA-OAEP-256"), &json!("JWT"), &json!("enc-rsa"))
    );
    let (_, id_token) = verified(&bank, &inner);
    assert_eq!(
        (&id_token["iss"], &id_token["aud"], &id_token["nonce"]),
        (&json!(ISSUER), &json!(CLIENT), &json!("no"))
    );
    let token = tokens["access_token"].as_str().unwrap();
    let answer = bank.get("/userinfo", token).await;
    assert_eq!(answer.header("content-type"), "application/jwt");
    let (_, userinfo) = verified(&bank, &open(std::str::from_utf8(&answer.body).unwrap()).1);
    assert_eq!(userinfo["sub"], "alice");
    for accept in ["application/json", INTROSPECTION_JWT] {
        let answer = bank.post("/introspect", &[("token", token)], accept).await;
        assert_eq!(answer.header("content-type"), INTROSPECTION_JWT);
        let (header, claims) = verified(&bank, &open(std::str::from_utf8(&answer.body).unwrap()).1);
        assert_eq!(header["typ"], "token-introspection+jwt");
        assert_eq!(claims["token_introspection"]["active"], json!(true));
    }
}

#[tokio::test]
async fn a_client_whose_encryption_key_is_gone_is_refused_and_nothing_is_spent() {
    let more = json!({
        "authorization_encrypted_response_alg": "ECDH-ES", "authorization_encrypted_response_enc": "A256GCM",
        "introspection_encrypted_response_alg": "ECDH-ES", "introspection_encrypted_response_enc": "A256GCM",
    });
    let mut client = Client::register(metadata(&more), &FAPI2_MESSAGE_SIGNING).unwrap();
    let mut signing_only = crate::bank::jwks();
    signing_only["keys"].as_array_mut().unwrap().truncate(2);
    client.keys = serde_json::from_value::<oauth_core::jose::JwkSet>(signing_only).unwrap().into();
    let bank = Bank::of(&FAPI2_MESSAGE_SIGNING, settings(), vec![client]).unwrap();
    bank.post("/introspect", &[("token", "x")], "application/json")
        .await
        .refused("invalid_request", "OIDCC-10.2");
    let uri_of = bank.push_object(&request().sign()).await;
    let arrived = bank.arrive(uri_of).await;
    let denied = oauth_core::Outcome::Denied(oauth_core::Denial::Refused);
    let (ticket, browser) = arrived.handle();
    let refused = arrived.decide(denied).await.unwrap_err();
    assert!(refused.to_string().contains("OIDCC-10.2"), "{refused}");
    assert!(bank.server.waiting(&ticket, Some(&browser)).await.is_ok(), "the request still waits");
}

#[tokio::test]
async fn the_metadata_follows_policy_keys_and_build() {
    let of = |bank: &Bank| serde_json::to_value(bank.server.metadata()).unwrap();
    let signing = of(&Bank::signing());
    assert_eq!(signing["require_signed_request_object"], json!(true));
    assert_eq!(signing["request_parameter_supported"], json!(true));
    assert_eq!(signing["request_uri_parameter_supported"], json!(false));
    assert_eq!(signing["request_object_signing_alg_values_supported"], json!(["ES256", "PS256", "EdDSA"]));
    assert_eq!(signing["request_object_encryption_alg_values_supported"], json!(["RSA-OAEP-256", "ECDH-ES"]));
    assert_eq!(signing["request_object_encryption_enc_values_supported"], json!(["A256GCM"]));
    for name in ["id_token", "userinfo", "introspection"] {
        assert_eq!(
            signing[format!("{name}_signing_alg_values_supported")],
            json!(["ES256", "PS256", "EdDSA"]),
            "{name}"
        );
        let algs = &signing[format!("{name}_encryption_alg_values_supported")];
        assert_eq!(*algs, json!(["RSA-OAEP-256", "ECDH-ES"]), "{name}");
        assert_eq!(signing[format!("{name}_encryption_enc_values_supported")], json!(["A256GCM"]), "{name}");
    }
    let uae = of(&Bank::with(&UAE_OPEN_FINANCE, &json!({})));
    assert_eq!(uae["request_object_signing_alg_values_supported"], json!(["PS256"]));
    assert_eq!(
        uae["request_object_encryption_alg_values_supported"],
        json!(["RSA-OAEP-256", "ECDH-ES", "RSA-OAEP"])
    );
    assert_eq!(uae["id_token_encryption_alg_values_supported"], json!(["RSA-OAEP-256", "ECDH-ES"]));
    assert_eq!(uae["id_token_signing_alg_values_supported"], json!(["PS256"]));
    assert_eq!(uae["response_modes_supported"], json!(["query"]));
    let plain = of(&Bank::with(&FAPI2_SECURITY, &json!({})));
    assert_eq!(plain["request_parameter_supported"], json!(false));
    for absent in [
        "request_object_signing_alg_values_supported",
        "request_object_encryption_alg_values_supported",
        "require_signed_request_object",
    ] {
        assert!(plain.get(absent).is_none(), "{absent}");
    }
}
