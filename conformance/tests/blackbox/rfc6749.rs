//! RFC 6749: codes, tokens and refresh tokens, as FAPI 2.0 Security Profile section 5.3.2 narrows them.

use std::time::Duration;

use conformance::host;
use conformance::tpp::flow::{Ask, Tokens};
use conformance::tpp::jws::peek;
use conformance::tpp::keys::{Alg, Key};
use conformance::tpp::mutate::{HONEST, Part, remove, set};
use serde_json::{Value, json};

use crate::support::judge::{
    because, challenged, inactive, members, refused, refused_as, taken, unguessable,
};
use crate::support::raw::{Raw, fields};
use crate::support::{embedded, identity};

const FORM: Part = Part::TokenForm;

/// TK-01, TK-02, TK-20, RT-05.
#[tokio::test]
async fn section_5_1_the_token_answer_is_complete_and_never_stored() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let code = world.code(&palm, &ask).await;
    let answer = palm.redeem(&ask, &code, HONEST).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some("application/json")));
    taken(&answer, "code");
    let body = answer.json().unwrap();
    assert_eq!(
        members(&body),
        [
            "access_token",
            "consent_text_sha256",
            "expires_in",
            "id_token",
            "refresh_token",
            "scope",
            "token_type"
        ]
    );
    assert!(body["token_type"].as_str().unwrap().eq_ignore_ascii_case("dpop"));
    assert!((1..=600).contains(&body["expires_in"].as_i64().unwrap()));
    unguessable(body["access_token"].as_str().unwrap());
    unguessable(body["refresh_token"].as_str().unwrap());
    let mut scope: Vec<&str> = body["scope"].as_str().unwrap().split(' ').collect();
    scope.sort_unstable();
    assert_eq!(scope, ["email", "openid", "profile"]);
}

/// TK-03, T-TK.
#[tokio::test]
async fn section_5_2_a_token_request_that_makes_no_sense_is_told_so() {
    let palm = embedded().await.palm();
    let honest = fields(&[("grant_type", "client_credentials"), ("scope", "payments")]);
    for (form, error) in [
        (fields(&[]), "invalid_request"),
        (fields(&[("grant_type", "")]), "invalid_request"),
        (
            fields(&[("grant_type", "password"), ("username", "a"), ("password", "b")]),
            "unsupported_grant_type",
        ),
        (fields(&[("grant_type", "implicit")]), "unsupported_grant_type"),
        (fields(&[("grant_type", "urn:ietf:params:oauth:grant-type:device_code")]), "unsupported_grant_type"),
        (fields(&[("grant_type", "AUTHORIZATION_CODE")]), "unsupported_grant_type"),
        (fields(&[("grant_type", "authorization_code")]), "invalid_request"),
        (fields(&[("grant_type", "refresh_token")]), "invalid_request"),
        (fields(&[("grant_type", "authorization_code"), ("code", "x")]), "invalid_grant"),
        (fields(&[("grant_type", "authorization_code"), ("code", &host::token())]), "invalid_grant"),
        (fields(&[("grant_type", "refresh_token"), ("refresh_token", &host::token())]), "invalid_grant"),
        ([honest.clone(), fields(&[("scope", "payments")])].concat(), "invalid_request"),
    ] {
        let answer = Raw::honest(&palm, "token_endpoint", form.clone()).send(&palm.registered().http).await;
        refused_as(&answer, 400, &[error], &format!("{form:?}"));
    }
    let mut raw = Raw::honest(&palm, "token_endpoint", honest);
    raw.url.push_str("?scope=payments");
    refused(&raw.send(&palm.registered().http).await, 400, "invalid_request");
}

/// TK-04: the code is dead, and everything it brought with it.
#[tokio::test]
async fn section_4_1_2_a_code_that_comes_twice_ends_what_it_brought() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let code = world.code(&palm, &ask).await;
    let tokens = Tokens::read(&palm.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    assert_eq!(world.userinfo(&palm, &tokens.access).await.status, 200);
    refused(&palm.redeem(&ask, &code, HONEST).await.unwrap(), 400, "invalid_grant");
    challenged(&world.userinfo(&palm, &tokens.access).await, "DPoP", "invalid_token", "after reuse");
    refused(&palm.refresh(&tokens.refresh.unwrap(), HONEST).await.unwrap(), 400, "invalid_grant");
    let told = world.apis().present("introspection_endpoint", &tokens.access, HONEST).await.unwrap();
    inactive(&told, "after reuse");
}

/// TK-05, AZ-05; FAPI 2.0 Security Profile section 5.3.2.1-11: at most 60 seconds.
#[tokio::test]
async fn section_4_1_2_a_code_is_dead_after_62_seconds() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let code = world.code(&palm, &ask).await;
    tokio::time::sleep(Duration::from_secs(62)).await;
    refused(&palm.redeem(&ask, &code, HONEST).await.unwrap(), 400, "invalid_grant");
}

/// TK-06: the thief learns nothing and spoils nothing.
#[tokio::test]
async fn section_4_1_3_a_code_of_another_client_is_refused_and_stays_good() {
    let world = embedded().await;
    for (owner, thief) in [(world.palm(), world.luzon()), (world.luzon(), world.palm())] {
        let ask = identity();
        let code = world.code(&owner, &ask).await;
        refused(&thief.redeem(&ask, &code, HONEST).await.unwrap(), 400, "invalid_grant");
        taken(&owner.redeem(&ask, &code, HONEST).await.unwrap(), owner.id());
    }
}

/// TK-08, T-RU-06.
#[tokio::test]
async fn section_4_1_3_the_redirect_uri_may_be_left_out_and_must_not_differ() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let code = world.code(&palm, &ask).await;
    taken(&palm.redeem(&ask, &code, &[remove(FORM, "redirect_uri")]).await.unwrap(), "absent");
    for other in ["http://127.0.0.1:9473/callback/", "https://evil.example/cb", "x"] {
        let code = world.code(&palm, &ask).await;
        let answer = palm.redeem(&ask, &code, &[set(FORM, "redirect_uri", other)]).await.unwrap();
        refused_as(&answer, 400, &["invalid_grant"], other);
    }
}

/// T-AR-06.
#[tokio::test]
async fn no_secret_is_taken_for_one_of_another_kind() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let request_uri = world.push(&palm, &ask).await;
    let tokens = world.tokens(&palm, &ask).await;
    let refresh = tokens.refresh.unwrap();
    let random = request_uri.rsplit_once(':').unwrap().1;
    for wrong in [&request_uri, random, &refresh, &tokens.access] {
        refused_as(&palm.redeem(&ask, wrong, HONEST).await.unwrap(), 400, &["invalid_grant"], wrong);
    }
    let code = world.code(&palm, &ask).await;
    for wrong in [&code, &tokens.access, &request_uri] {
        refused_as(&palm.refresh(wrong, HONEST).await.unwrap(), 400, &["invalid_grant"], wrong);
    }
    for wrong in [&refresh, &code, tokens.body["id_token"].as_str().unwrap()] {
        challenged(&world.userinfo(&palm, wrong).await, "DPoP", "invalid_token", wrong);
    }
    let url = palm.authorization_url(&format!("urn:ietf:params:oauth:request_uri:{code}")).unwrap();
    crate::support::judge::error_page(&world.bank.client().unwrap().get(&url).await.unwrap(), "code");
}

/// TK-17.
#[tokio::test]
async fn without_openid_there_is_no_id_token_and_no_userinfo() {
    let world = embedded().await;
    let palm = world.palm();
    let (id, ask) = crate::support::uae::single_payment();
    let ask = ask.with("scope", format!("payments:{id}"));
    let tokens = world.tokens(&palm, &ask).await;
    assert!(tokens.body.get("id_token").is_none(), "{}", tokens.body);
    let answer = world.userinfo(&palm, &tokens.access).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.all("www-authenticate").iter().any(|told| told.contains("insufficient_scope")));
}

/// TK-17, TK-18.
#[tokio::test]
async fn section_4_4_a_client_acts_alone_without_refresh_and_without_a_customer() {
    let world = embedded().await;
    for tpp in [world.palm(), world.luzon()] {
        let answer = tpp.act_alone("payments", HONEST).await.unwrap();
        taken(&answer, tpp.id());
        let body = answer.json().unwrap();
        assert_eq!(members(&body), ["access_token", "expires_in", "scope", "token_type"]);
        let (_, claims) = peek(body["access_token"].as_str().unwrap()).unwrap();
        assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(tpp.id()), &json!(tpp.id())));
        assert!(claims["cnf"].is_object(), "{claims}");
        let answer = world.userinfo(&tpp, body["access_token"].as_str().unwrap()).await;
        assert_eq!(answer.status, 403, "{}", answer.text());
    }
    let palm = world.palm();
    for wrong in
        ["openid", "payments openid", "offline_access", "introspection", "consent_manager", "payments:x"]
    {
        refused_as(&palm.act_alone(wrong, HONEST).await.unwrap(), 400, &["invalid_scope"], wrong);
    }
}

#[tokio::test]
async fn section_5_2_a_grant_type_that_is_not_registered_is_unauthorized() {
    let apis = embedded().await.apis();
    let answer = apis.refresh(&host::token(), HONEST).await.unwrap();
    refused(&answer, 400, "unauthorized_client");
    refused(&apis.push(&Ask::new("openid"), HONEST).await.unwrap(), 400, "unauthorized_client");
}

/// RT-01, RT-02; FAPI 2.0 Security Profile section 5.3.2.1-9.
#[tokio::test]
async fn section_6_a_refresh_brings_tokens_for_the_new_key_and_keeps_the_refresh_token() {
    let world = embedded().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let refresh = tokens.refresh.unwrap();
    let renewed = palm.with_proof_key(Key::generate(Alg::EdDsa, "next").unwrap());
    for _ in 0..3 {
        let answer = renewed.refresh(&refresh, HONEST).await.unwrap();
        let next = Tokens::read(&answer).unwrap();
        assert!(next.refresh.is_none_or(|told| told == refresh), "not rotated");
        let (_, claims) = peek(&next.access).unwrap();
        assert_eq!(claims["cnf"], json!({"jkt": renewed.proof_key().thumbprint()}));
        assert_eq!(world.userinfo(&renewed, &next.access).await.status, 200);
        challenged(&world.userinfo(&palm, &next.access).await, "DPoP", "invalid_token", "the old key");
    }
    assert_eq!(world.userinfo(&palm, &tokens.access).await.status, 200, "the first token keeps its key");
}

/// RT-04.
#[tokio::test]
async fn section_6_a_refresh_token_of_another_client_is_refused_and_stays_good() {
    let world = embedded().await;
    let (palm, luzon) = (world.palm(), world.luzon());
    let refresh = world.tokens(&palm, &identity()).await.refresh.unwrap();
    refused(&luzon.refresh(&refresh, HONEST).await.unwrap(), 400, "invalid_grant");
    taken(&palm.refresh(&refresh, HONEST).await.unwrap(), "owner");
}

/// RT-06, TK-16.
#[tokio::test]
async fn section_6_a_refresh_may_narrow_the_scope_and_never_widen_it() {
    let world = embedded().await;
    let palm = world.palm();
    let refresh = world.tokens(&palm, &Ask::new("openid email")).await.refresh.unwrap();
    let narrow = palm.refresh(&refresh, &[set(FORM, "scope", "openid")]).await.unwrap();
    let narrow = Tokens::read(&narrow).unwrap();
    assert_eq!(narrow.body["scope"], json!("openid"));
    let told = world.userinfo(&palm, &narrow.access).await.json().unwrap();
    assert_eq!(members(&told), ["sub"]);
    for wider in ["openid email profile", "payments", "openid admin"] {
        let answer = palm.refresh(&refresh, &[set(FORM, "scope", wider)]).await.unwrap();
        refused_as(&answer, 400, &["invalid_scope"], wider);
    }
    let again = Tokens::read(&palm.refresh(&refresh, HONEST).await.unwrap()).unwrap();
    let mut scope: Vec<&str> = again.body["scope"].as_str().unwrap().split(' ').collect();
    scope.sort_unstable();
    assert_eq!(scope, ["email", "openid"], "narrowing holds for one token only");
}

/// RT-06; RFC 9396 section 6: what was granted bounds what a refresh asks.
#[tokio::test]
async fn section_6_authorization_details_of_a_refresh_never_widen() {
    let world = embedded().await;
    let palm = world.palm();
    let (id, ask) = crate::support::uae::single_payment();
    let refresh = world.tokens(&palm, &ask).await.refresh.unwrap();
    let wider: Value = json!([crate::support::uae::details(&id, "150.00")]);
    let answer = palm.refresh(&refresh, &[set(FORM, "authorization_details", wider)]).await.unwrap();
    refused(&answer, 400, "invalid_authorization_details");
    because(&answer, "RFC9396-6-within");
    for malformed in ["{}", "[1]", "["] {
        let answer = palm.refresh(&refresh, &[set(FORM, "authorization_details", malformed)]).await.unwrap();
        refused_as(&answer, 400, &["invalid_authorization_details"], malformed);
        because(&answer, "RFC9396-6-form");
    }
}

/// RFC 6749 section 3.3: the form of a scope is judged before anything else is made of it.
#[tokio::test]
async fn section_3_3_a_malformed_scope_is_told_so_at_the_token_endpoint() {
    let world = embedded().await;
    let palm = world.palm();
    let refresh = world.tokens(&palm, &identity()).await.refresh.unwrap();
    for malformed in ["pay\"ments", "pay\\ments", "payments\tx", "paym\u{e9}nts", "payments\u{7f}"] {
        let alone = palm.act_alone(malformed, HONEST).await.unwrap();
        refused_as(&alone, 400, &["invalid_scope"], malformed);
        because(&alone, "RFC6749-4.4.2-form");
        let again = palm.refresh(&refresh, &[set(FORM, "scope", malformed)]).await.unwrap();
        refused_as(&again, 400, &["invalid_scope"], malformed);
        because(&again, "RFC6749-6-form");
    }
    taken(&palm.refresh(&refresh, HONEST).await.unwrap(), "still good");
}
