//! RFC 9101: signed request objects at PAR.

use oauth_core::{FAPI2_MESSAGE_SIGNING, FAPI2_SECURITY, Policy, UAE_OPEN_FINANCE};
use serde_json::{Value, json};

use crate::bank::{Bank, CALLBACK, CLIENT, Draft, ISSUER, START, client_keys, encode, part, plain, proof};

fn request() -> Draft {
    Draft::request().with("response_mode", json!("jwt"))
}

async fn refused(draft: Draft, rule: &str) {
    Bank::signing().push_object(&draft.sign()).await.refused("invalid_request_object", rule);
}

async fn taken(draft: Draft) {
    let bank = Bank::signing();
    let pushed = bank.push_object(&draft.sign()).await;
    assert_eq!(pushed.status, 201, "{:?} {:?}", pushed.rule, pushed.body);
}

#[tokio::test]
async fn section_4_every_parameter_of_the_object_reaches_the_request() {
    let bank = Bank::signing();
    let object = request()
        .with("max_age", json!(300))
        .with("acr_values", json!("a b"))
        .with("login_hint", json!("alice"))
        .with("prompt", json!("login"))
        .with("resource", json!(["https://rs.example"]))
        .with("claims", json!({ "userinfo": { "name": null } }))
        .with("unknown", json!([1, { "x": null }]));
    let arrived = bank.arrive(bank.push_object(&object.sign()).await).await;
    let request = &arrived.request;
    assert_eq!(request.redirect_uri.as_str(), CALLBACK);
    assert_eq!((request.state.as_deref(), request.nonce.as_deref()), (Some("st"), Some("no")));
    assert_eq!(request.max_age.map(oauth_core::Seconds::get), Some(300));
    assert_eq!(request.acr_values, ["a", "b"]);
    assert_eq!(request.login_hint.as_deref(), Some("alice"));
    assert_eq!(request.resource.as_ref().map(oauth_core::Resource::as_str), Some("https://rs.example"));
    assert_eq!(request.prompt, oauth_core::Prompt::Login);
}

#[tokio::test]
async fn section_6_3_what_stands_outside_the_object_is_not_used() {
    let bank = Bank::signing();
    let object = request().without("nonce").sign();
    let fields = [
        ("request", object.as_str()),
        ("nonce", "outside"),
        ("state", "outside"),
        ("scope", "openid"),
        ("redirect_uri", "https://evil.example/"),
        ("authorization_details", "not even JSON"),
        ("dpop_jkt", "not a thumbprint"),
    ];
    let arrived = bank.arrive(bank.push(&fields).await).await;
    assert_eq!((arrived.request.state.as_deref(), arrived.request.nonce.as_deref()), (Some("st"), None));
    assert_eq!(arrived.request.redirect_uri.as_str(), CALLBACK);
    assert!(arrived.request.scope.contains("accounts"));
}

#[tokio::test]
async fn section_6_3_a_parameter_that_only_stands_outside_is_missing() {
    let bank = Bank::signing();
    let object = request().without("redirect_uri").sign();
    let answer = bank.push(&[("request", &object), ("redirect_uri", CALLBACK)]).await;
    answer.refused("invalid_request", "FAPI2SP-5.3.2.2-9");
}

#[tokio::test]
async fn section_5_plain_parameters_are_refused_where_the_policy_demands_an_object() {
    for policy in [&FAPI2_MESSAGE_SIGNING, &UAE_OPEN_FINANCE] {
        let answer = Bank::with(policy, &json!({})).push(&plain()).await;
        answer.refused("invalid_request", "RFC9101-5");
    }
}

#[tokio::test]
async fn section_5_an_object_is_not_supported_where_the_policy_refuses_it() {
    let answer = Bank::with(&FAPI2_SECURITY, &json!({})).push_object(&Draft::request().sign()).await;
    answer.refused("request_not_supported", "RFC9101-5");
}

/// Requests may be signed, and a client may bind itself to that.
const ACCEPTING: Policy = match FAPI2_MESSAGE_SIGNING.request_object {
    oauth_core::RequestObject::Require(signed) => {
        Policy { request_object: oauth_core::RequestObject::Accept(signed), ..FAPI2_SECURITY }
    }
    oauth_core::RequestObject::Refuse | oauth_core::RequestObject::Accept(_) => FAPI2_SECURITY,
};

#[tokio::test]
async fn section_10_5_a_client_that_registered_for_signed_requests_pushes_no_others() {
    static POLICY: Policy = ACCEPTING;
    let free = Bank::with(&POLICY, &json!({}));
    assert_eq!(free.push(&plain()).await.status, 201);
    assert_eq!(free.push_object(&Draft::request().sign()).await.status, 201);
    let bound = Bank::with(&POLICY, &json!({ "require_signed_request_object": true }));
    bound.push(&plain()).await.refused("invalid_request", "RFC9101-5");
    assert_eq!(bound.push_object(&Draft::request().sign()).await.status, 201);
}

#[tokio::test]
async fn section_2_1_of_rfc_9126_a_request_uri_is_refused_beside_the_object_and_in_it() {
    let bank = Bank::signing();
    let object = request().sign();
    let answer = bank.push(&[("request", &object), ("request_uri", "urn:x")]).await;
    answer.refused("invalid_request", "RFC9126-2.1-2");
    for (name, value) in
        [("request_uri", json!("urn:x")), ("request", json!("a.b.c")), ("request", Value::Null)]
    {
        refused(request().with(name, value), "RFC9101-4-nested").await;
    }
}

#[tokio::test]
async fn section_10_8_the_type_is_that_of_a_request_object_or_absent() {
    for typ in ["oauth-authz-req+jwt", "OAuth-AuthZ-Req+JWT", "application/oauth-authz-req+jwt"] {
        taken(Draft { typ: Some(typ.into()), ..request() }).await;
    }
    taken(Draft { typ: None, ..request() }).await;
    for typ in ["at+jwt", "dpop+jwt", "client-authentication+jwt", "JWT", "", "oauth-authz-req+jwt "] {
        refused(Draft { typ: Some(typ.into()), ..request() }, "RFC9101-10.8").await;
    }
}

#[tokio::test]
async fn section_10_8_a_client_assertion_is_no_request_object() {
    refused(request().with("sub", json!(CLIENT)), "RFC9101-10.8-sub").await;
    taken(request().with("sub", json!("somebody"))).await;
    let bank = Bank::signing();
    let answer = bank.push_object(&bank.assertion()).await;
    answer.refused("invalid_request_object", "RFC9101-10.8-sub");
}

#[tokio::test]
async fn section_4_issuer_and_client_id_are_the_client_that_authenticated() {
    refused(request().without("iss"), "RFC9101-4-iss").await;
    refused(request().with("iss", json!("tpp-2")), "RFC9101-4-iss").await;
    refused(request().without("client_id"), "RFC9101-5-client").await;
    refused(request().with("client_id", json!("tpp-2")), "RFC9101-5-client").await;
}

#[tokio::test]
async fn section_4_the_audience_is_or_holds_our_issuer() {
    taken(request().with("aud", json!([ISSUER]))).await;
    taken(request().with("aud", json!(["https://other.example", ISSUER]))).await;
    for aud in [
        json!("https://other.example"),
        json!(format!("{ISSUER}/")),
        json!(format!("{ISSUER}/par")),
        json!([]),
        json!(["https://AS.example"]),
    ] {
        refused(request().with("aud", aud), "RFC9101-4-aud").await;
    }
    refused(request().without("aud"), "RFC9101-4-aud").await;
}

#[tokio::test]
async fn section_6_2_only_the_algorithms_of_policy_and_registration_are_taken() {
    taken(request().signed_by("PS256", "ps")).await;
    refused(request().signed_by("RS256", "ps"), "RFC9101-6.2-alg").await;
    let none = {
        let header = encode(br#"{"alg":"none","typ":"oauth-authz-req+jwt"}"#);
        format!("{header}.{}.", encode(request().claims.to_string().as_bytes()))
    };
    Bank::signing().push_object(&none).await.refused("invalid_request_object", "RFC9101-6.2-alg");
    let bound = Bank::with(&FAPI2_MESSAGE_SIGNING, &json!({ "request_object_signing_alg": "PS256" }));
    bound.push_object(&request().sign()).await.refused("invalid_request_object", "RFC9101-6.2-alg");
    assert_eq!(bound.push_object(&request().signed_by("PS256", "ps").sign()).await.status, 201);
    let uae = Bank::with(&UAE_OPEN_FINANCE, &json!({}));
    let object = Draft::request();
    uae.push_object(&object.sign()).await.refused("invalid_request_object", "RFC9101-6.2-alg");
    assert_eq!(uae.push_object(&object.signed_by("PS256", "ps").sign()).await.status, 201);
}

#[tokio::test]
async fn section_6_2_the_signature_is_by_the_named_key_of_this_client() {
    let stranger = Some(client_keys().stranger.clone());
    refused(Draft { key: stranger, ..request() }, "RFC9101-6.2").await;
    refused(Draft { kid: Some("unknown"), ..request() }, "RFC9101-6.2").await;
    refused(Draft { kid: Some("enc-ec"), ..request() }, "RFC9101-6.2").await;
    taken(Draft { kid: None, ..request() }).await;
    let bank = Bank::signing();
    let object = request().sign();
    for at in [object.len() - 3, object.len() / 2, object.find('.').unwrap() + 3] {
        let mut edited = object.clone().into_bytes();
        edited[at] = if edited[at] == b'A' { b'B' } else { b'A' };
        let answer = bank.push_object(&String::from_utf8(edited).unwrap()).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_request_object")));
    }
}

#[tokio::test]
async fn section_4_a_member_of_the_wrong_type_is_refused_and_named() {
    for (name, value) in [
        ("max_age", json!("300")),
        ("max_age", json!(-1)),
        ("max_age", json!(1.5)),
        ("state", json!(1)),
        ("state", Value::Null),
        ("nonce", json!(["no"])),
        ("scope", json!(["openid"])),
        ("exp", json!("soon")),
        ("nbf", Value::Null),
        ("jti", json!(1)),
        ("claims", json!("{}")),
        ("authorization_details", json!("[]")),
        ("authorization_details", json!({ "type": "x" })),
        ("dpop_jkt", json!({})),
        ("resource", json!(1)),
        ("resource", json!(["https://rs.example", "https://rs.example"])),
    ] {
        let answer = Bank::signing().push_object(&request().with(name, value).sign()).await;
        answer.refused("invalid_request_object", "RFC9101-4-types");
        assert!(answer.json()["error_description"].as_str().unwrap().contains(name), "{name}");
    }
}

#[tokio::test]
async fn section_4_details_are_an_array_of_objects_within_the_bounds() {
    let answer =
        Bank::signing().push_object(&request().with("authorization_details", json!([1])).sign()).await;
    answer.refused("invalid_authorization_details", "RFC9396-2-object");
    let large = json!([{ "type": "x", "filler": "y".repeat(33_000) }]);
    let answer = Bank::signing().push_object(&request().with("authorization_details", large).sign()).await;
    answer.refused("invalid_authorization_details", "RFC9396-2-object");
}

#[tokio::test]
async fn section_4_a_repeated_member_or_text_around_the_claims_is_refused() {
    let draft = request();
    let text = draft.claims.to_string();
    let body = text.trim_end_matches('}');
    for payload in [
        format!("{body},\"scope\":\"openid\"}}"),
        format!("{body},\"sc\\u006fpe\":\"openid\"}}"),
        format!("{text}x"),
        format!("\u{feff}{text}"),
        "[]".to_owned(),
        String::new(),
    ] {
        let answer = Bank::signing().push_object(&draft.sign_bytes(payload.as_bytes())).await;
        answer.refused("invalid_request_object", "RFC9101-4-types");
    }
}

#[tokio::test]
async fn section_4_what_is_not_one_jwt_in_compact_form_is_refused() {
    let object = request().sign();
    let header = String::from_utf8(part(&object, 0)).unwrap();
    let critical = header.replacen('{', "{\"crit\":[\"exp\"],", 1);
    let rest = object.split_once('.').unwrap().1;
    let bank = Bank::signing();
    for text in [
        "x".to_owned(),
        "a.b".to_owned(),
        "...".to_owned(),
        format!("{object}="),
        format!("{}.{rest}", encode(critical.as_bytes())),
        format!("{object}.x"),
    ] {
        bank.push_object(&text).await.refused("invalid_request_object", "RFC9101-4-form");
    }
    let answer = bank.push_object(&"a".repeat(57 * 1024)).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn section_10_of_rfc_9449_the_key_in_the_object_binds_the_code() {
    let bank = Bank::signing();
    let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let object = request().with("dpop_jkt", json!(jkt)).sign();
    let arrived = bank.arrive(bank.push_object(&object).await).await;
    assert_eq!(arrived.request.dpop_jkt.map(oauth_core::Thumbprint::to_text).as_deref(), Some(jkt));
    let answer = bank.push_object(&request().with("dpop_jkt", json!("short")).sign()).await;
    answer.refused("invalid_request", "RFC9449-10");
}

#[tokio::test]
async fn section_10_1_of_rfc_9449_the_key_in_the_object_is_the_key_of_the_proof() {
    let more =
        json!({ "dpop_bound_access_tokens": true, "tls_client_certificate_bound_access_tokens": false });
    let (proof, thumbprint) = proof();
    for (jkt, taken) in [(thumbprint.as_str(), true), ("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", false)]
    {
        let bank = Bank::with(&FAPI2_MESSAGE_SIGNING, &more);
        let object = request().with("dpop_jkt", json!(jkt)).sign();
        let answer = bank.post_with("/par", &[("request", &object)], ("dpop", &proof)).await;
        assert_eq!(answer.status == 201, taken, "{:?} {:?}", answer.rule, answer.body);
    }
    let bank = Bank::with(&FAPI2_MESSAGE_SIGNING, &more);
    let answer = bank.post_with("/par", &[("request", &request().sign())], ("dpop", &proof)).await;
    let bound = bank.arrive(answer).await.request.dpop_jkt.map(oauth_core::Thumbprint::to_text);
    assert_eq!(bound.as_deref(), Some(thumbprint.as_str()));
}

#[tokio::test]
async fn the_times_of_the_object_follow_the_server_s_clock() {
    let bank = Bank::signing();
    let object = request().sign();
    bank.advance(299);
    assert_eq!(bank.push_object(&object).await.status, 201);
    bank.advance(1);
    bank.push_object(&object).await.refused("invalid_request_object", "FAPI2MS-5.3.1-exp");
    assert_eq!(START, 1_790_000_000);
}

/// RFC 7519 section 4.1.7: an object with a `jti` is good once, whatever else its request says; one without may come again.
#[tokio::test]
async fn a_request_object_with_a_jti_is_good_once_until_it_ends() {
    let bank = Bank::signing();
    let once = request().with("jti", json!("o-1"));
    let text = once.sign();
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let broken =
        format!("{signed}.{}{}", if signature.starts_with('A') { "B" } else { "A" }, &signature[1..]);
    bank.push_object(&broken).await.refused("invalid_request_object", "RFC9101-6.2");
    assert_eq!(bank.push_object(&text).await.status, 201, "a broken signature burns nothing");
    bank.push_object(&text).await.refused("invalid_request_object", "RFC7519-4.1.7");
    let again = once.clone().with("state", json!("another"));
    bank.push_object(&again.sign()).await.refused("invalid_request_object", "RFC7519-4.1.7");
    bank.advance(299);
    bank.push_object(&text).await.refused("invalid_request_object", "RFC7519-4.1.7");
    bank.advance(2);
    bank.push_object(&text).await.refused("invalid_request_object", "FAPI2MS-5.3.1-exp");
    let bank = Bank::signing();
    let without = request().sign();
    assert_eq!(bank.push_object(&without).await.status, 201);
    assert_eq!(bank.push_object(&without).await.status, 201, "an object without jti may come again");
    for jti in [json!(""), json!("x".repeat(257)), json!(7)] {
        let object = request().with("jti", jti);
        bank.push_object(&object.sign()).await.refused("invalid_request_object", "RFC9101-4-types");
    }
}

/// T-CA-03: the `jti` of a request object and that of an assertion are two things.
#[tokio::test]
async fn the_jti_of_an_object_and_that_of_an_assertion_do_not_get_in_each_others_way() {
    let bank = Bank::signing();
    let assertion = bank.assertion_draft();
    let object = request().with("jti", assertion.claims["jti"].clone()).sign();
    let answer =
        bank.post_signed("/par", &[("request", &object)], &assertion.sign(), ("accept", "*/*")).await;
    assert_eq!(answer.status, 201, "{:?}", answer.rule);
}

/// What was signed before our memory begins may have been used before; without a `jti` there is nothing to remember.
#[tokio::test]
async fn a_request_object_with_a_jti_from_before_our_memory_is_refused() {
    let bank = Bank::signing();
    bank.advance(10);
    bank.claims.since.store(START + 5, std::sync::atomic::Ordering::SeqCst);
    let old = request().with("jti", json!("o-1"));
    bank.push_object(&old.sign()).await.refused("invalid_request_object", "RFC7519-4.1.7");
    let fresh = old.clone().with("iat", json!(START + 6));
    assert_eq!(bank.push_object(&fresh.sign()).await.status, 201);
    assert_eq!(bank.push_object(&request().sign()).await.status, 201);
}
