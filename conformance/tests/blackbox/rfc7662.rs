//! RFC 7662 and RFC 9701: introspection.

use conformance::host;
use conformance::tpp::flow::Ask;
use conformance::tpp::mutate::HONEST;
use serde_json::json;

use crate::support::judge::{inactive, members, refused};
use crate::support::raw::{Raw, fields};
use crate::support::{embedded, identity};

const ENDPOINT: &str = "introspection_endpoint";

/// IN-02, IN-05.
#[tokio::test]
async fn section_2_2_an_active_token_is_told_in_full() {
    let world = embedded().await;
    for tpp in [world.palm(), world.luzon()] {
        let tokens = world.tokens(&tpp, &identity()).await;
        let answer = world.apis().present(ENDPOINT, &tokens.access, HONEST).await.unwrap();
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.header("cache-control").unwrap().contains("no-store"));
        let told = answer.json().unwrap();
        let (_, claims) = conformance::tpp::jws::peek(&tokens.access).unwrap();
        assert_eq!(told["active"], json!(true));
        for name in
            ["iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "cnf", "acr", "auth_time"]
        {
            assert_eq!(told[name], claims[name], "{name}");
        }
        assert_eq!(told["token_type"], tokens.body["token_type"]);
    }
}

/// RFC 9396 section 9.2.
#[tokio::test]
async fn section_2_2_the_authorization_details_are_told() {
    let world = embedded().await;
    let (_, ask) = crate::support::uae::single_payment();
    let tokens = world.tokens(&world.palm(), &ask).await;
    let told = world.apis().present(ENDPOINT, &tokens.access, HONEST).await.unwrap().json().unwrap();
    assert_eq!(told["authorization_details"], tokens.body["authorization_details"]);
}

/// IN-01: nobody sees another's tokens.
#[tokio::test]
async fn section_4_a_client_sees_its_own_tokens_and_nobody_elses() {
    let world = embedded().await;
    let (palm, luzon) = (world.palm(), world.luzon());
    let tokens = world.tokens(&palm, &identity()).await;
    let own = palm.present(ENDPOINT, &tokens.access, HONEST).await.unwrap().json().unwrap();
    assert_eq!(own["active"], json!(true));
    inactive(&luzon.present(ENDPOINT, &tokens.access, HONEST).await.unwrap(), "another client");
    let refresh = tokens.refresh.unwrap();
    inactive(&luzon.present(ENDPOINT, &refresh, HONEST).await.unwrap(), "its refresh token");
}

/// IN-02.
#[tokio::test]
async fn section_2_2_what_is_no_good_token_is_inactive_and_nothing_more() {
    let world = embedded().await;
    let (palm, apis) = (world.palm(), world.apis());
    let tokens = world.tokens(&palm, &identity()).await;
    let id_token = tokens.body["id_token"].as_str().unwrap();
    let (input, _) = tokens.access.rsplit_once('.').unwrap();
    for wrong in
        ["x", &host::token(), "a.b.c", id_token, input, &"y".repeat(5000), &format!("{} ", tokens.access)]
    {
        inactive(&apis.present(ENDPOINT, wrong, HONEST).await.unwrap(), wrong);
    }
    palm.present("revocation_endpoint", &tokens.access, HONEST).await.unwrap();
    inactive(&apis.present(ENDPOINT, &tokens.access, HONEST).await.unwrap(), "revoked");
}

#[tokio::test]
async fn section_2_1_the_token_is_required_and_comes_once() {
    let palm = embedded().await.palm();
    for form in [fields(&[]), fields(&[("token", "")]), fields(&[("token", "x"), ("token", "y")])] {
        let answer = Raw::honest(&palm, ENDPOINT, form).send(&palm.registered().http).await;
        refused(&answer, 400, "invalid_request");
    }
    let hinted = fields(&[("token", "x"), ("token_type_hint", "refresh_token")]);
    inactive(&Raw::honest(&palm, ENDPOINT, hinted).send(&palm.registered().http).await, "hint");
}

/// IN-03; RFC 9701 section 5.
#[tokio::test]
async fn rfc_9701_a_signed_answer_is_for_its_caller_and_is_no_token() {
    let world = embedded().await;
    let (palm, apis) = (world.palm(), world.apis());
    let tokens = world.tokens(&palm, &identity()).await;
    let media = "application/token-introspection+jwt";
    let raw = Raw::honest(&apis, ENDPOINT, fields(&[("token", &tokens.access)])).with("accept", media);
    let answer = raw.send(&apis.registered().http).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some(media)));
    let keys = apis.server_keys().await.unwrap();
    let (header, claims) = keys.open(&answer.text(), &["ES256", "PS256"]).unwrap();
    assert_eq!(header["typ"], json!("token-introspection+jwt"));
    assert_eq!(members(&claims), ["aud", "iat", "iss", "token_introspection"]);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(world.issuer()), &json!("bank-apis")));
    assert_eq!(claims["token_introspection"]["active"], json!(true));
    crate::support::judge::challenged(
        &world.userinfo(&palm, &answer.text()).await,
        "DPoP",
        "invalid_token",
        "as a token",
    );
    let raw = Raw::honest(&apis, ENDPOINT, fields(&[("token", "x")])).with("accept", media);
    let (_, claims) =
        keys.open(&raw.send(&apis.registered().http).await.text(), &["ES256", "PS256"]).unwrap();
    assert_eq!(claims["token_introspection"], json!({"active": false}));
}

/// A narrowed scope is what a narrowed token tells.
#[tokio::test]
async fn section_2_2_a_token_of_the_client_itself_is_told_too() {
    let world = embedded().await;
    let palm = world.palm();
    let answer = palm.act_alone("payments", HONEST).await.unwrap();
    let told = world.apis().present(ENDPOINT, &answer.member("access_token").unwrap(), HONEST).await.unwrap();
    let told = told.json().unwrap();
    assert_eq!(
        (&told["active"], &told["scope"], &told["sub"]),
        (&json!(true), &json!("payments"), &json!("palm-books"))
    );
    assert_eq!(Ask::new("payments").parameters.get("scope"), Some(&told["scope"]));
}
