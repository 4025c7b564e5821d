//! OpenID Connect Core section 5.5: claims asked for one by one.

use oauth_core::{FAPI2_SECURITY, Return};
use serde_json::{Value, json};

use crate::bank::{Bank, Draft, VERIFIER, parameters, part, plain};

fn plain_bank() -> Bank {
    Bank::with(&FAPI2_SECURITY, &json!({}))
}

async fn push(bank: &Bank, claims: &str) -> crate::bank::Answer {
    let mut fields = plain().to_vec();
    fields.push(("claims", claims));
    bank.push(&fields).await
}

async fn approved(bank: &Bank, claims: &str) -> Return {
    bank.arrive(push(bank, claims).await).await.approve().await
}

/// Tokens of a request for these claims.
async fn tokens(bank: &Bank, claims: &str) -> Value {
    let code = parameters(&approved(bank, claims).await)["code"].clone();
    let form = [("grant_type", "authorization_code"), ("code", &code), ("code_verifier", VERIFIER)];
    let answer = bank.post("/token", &form, "application/json").await;
    assert_eq!(answer.status, 200, "{:?}", answer.rule);
    answer.json()
}

fn id_token(tokens: &Value) -> Value {
    serde_json::from_slice(&part(tokens["id_token"].as_str().unwrap(), 1)).unwrap()
}

async fn userinfo(bank: &Bank, tokens: &Value) -> Value {
    let answer = bank.get("/userinfo", tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(answer.status, 200, "{:?}", answer.rule);
    answer.json()
}

/// ID-09, UI-07.
#[tokio::test]
async fn section_5_5_what_is_asked_for_by_name_is_told_where_it_was_asked_for_and_nowhere_else() {
    let bank = plain_bank();
    let bare = tokens(&bank, "{}").await;
    assert!(userinfo(&bank, &bare).await.get("email").is_none() && id_token(&bare).get("email").is_none());
    let asked = tokens(&bank, r#"{"userinfo": {"email": {"essential": true}, "iss": null}}"#).await;
    assert_eq!(userinfo(&bank, &asked).await["email"], "alice@example.com");
    assert!(id_token(&asked).get("email").is_none());
    let asked = tokens(
        &bank,
        r#"{"id_token": {"email": null, "auth_time": {"essential": true}, "acr": {"essential": true}}}"#,
    )
    .await;
    let told = id_token(&asked);
    assert_eq!((&told["email"], &told["acr"]), (&json!("alice@example.com"), &json!("loa2")));
    assert!(told["auth_time"].is_i64() && userinfo(&bank, &asked).await.get("email").is_none());
    let form = [("grant_type", "refresh_token"), ("refresh_token", asked["refresh_token"].as_str().unwrap())];
    let again = bank.post("/token", &form, "application/json").await.json();
    assert_eq!(id_token(&again)["email"], "alice@example.com", "after a refresh as before");
}

#[tokio::test]
async fn section_5_5_claims_of_a_request_object_count_like_those_of_a_form() {
    let bank = Bank::signing();
    let object = Draft::request()
        .with("response_mode", json!("jwt"))
        .with("claims", json!({ "id_token": { "acr": { "essential": true, "value": "loa9" } } }));
    let arrived = bank.arrive(bank.push_object(&object.sign()).await).await;
    assert_eq!(arrived.request.claims.acr, ["loa9"]);
    let broken =
        Draft::request().with("response_mode", json!("jwt")).with("claims", json!({ "id_token": 1 }));
    bank.push_object(&broken.sign()).await.refused("invalid_request", "OIDCC-5.5");
}

/// T-AR-13.
#[tokio::test]
async fn section_5_5_1_1_an_essential_acr_that_is_not_met_is_an_error_and_never_a_lower_one() {
    let bank = plain_bank();
    for (claims, error) in [
        (
            r#"{"id_token": {"acr": {"essential": true, "value": "loa3"}}}"#,
            Some("unmet_authentication_requirements"),
        ),
        (
            r#"{"userinfo": {"acr": {"essential": true, "values": ["loa3", "loa4"]}}}"#,
            Some("unmet_authentication_requirements"),
        ),
        (r#"{"id_token": {"acr": {"essential": true, "values": ["loa3", "loa2"]}}}"#, None),
        (r#"{"id_token": {"acr": {"values": ["loa3"]}}}"#, None),
        (r#"{"id_token": {"acr": {"essential": true}}}"#, None),
    ] {
        let back = parameters(&approved(&bank, claims).await);
        assert_eq!(back.get("error").map(String::as_str), error, "{claims}");
        assert_eq!(back.contains_key("code"), error.is_none(), "{claims}");
    }
    let wished = bank.arrive(push(&bank, r#"{"id_token": {"acr": {"values": ["loa3"]}}}"#).await).await;
    assert_eq!(wished.request.acr_values, ["loa3"], "what is wished for is told to the pages");
}

/// RFC 9470 section 5: what a resource asked for comes to the pages, in the order of preference.
#[tokio::test]
async fn section_3_1_2_1_acr_values_reach_the_sign_in_in_their_order() {
    let bank = plain_bank();
    let asked = [plain().as_slice(), &[("acr_values", "loa3 loa2")]].concat();
    assert_eq!(bank.arrive(bank.push(&asked).await).await.request.acr_values, ["loa3", "loa2"]);
    assert!(bank.arrive(bank.push(&plain()).await).await.request.acr_values.is_empty());
}

#[tokio::test]
async fn section_5_5_1_a_request_for_one_customer_is_not_approved_by_another() {
    let bank = plain_bank();
    for (claims, error) in [
        (r#"{"id_token": {"sub": {"value": "bob"}}}"#, Some("login_required")),
        (r#"{"id_token": {"sub": {"value": "alice"}}}"#, None),
    ] {
        let back = parameters(&approved(&bank, claims).await);
        assert_eq!(back.get("error").map(String::as_str), error, "{claims}");
    }
}

#[tokio::test]
async fn section_5_5_malformed_claims_are_refused_and_without_openid_they_mean_nothing() {
    let bank = plain_bank();
    for claims in ["x", "[]", r#"{"userinfo": {"email": 1}}"#, r#"{"id_token": {}, "id_token": {}}"#] {
        push(&bank, claims).await.refused("invalid_request", "OIDCC-5.5");
    }
    let mut fields = plain().to_vec();
    fields.retain(|(name, _)| *name != "scope");
    fields.extend([("scope", "accounts"), ("claims", r#"{"userinfo": {"email": null}}"#)]);
    let arrived = bank.arrive(bank.push(&fields).await).await;
    assert!(arrived.request.claims.is_empty());
}

#[tokio::test]
async fn the_metadata_says_that_claims_can_be_asked_for() {
    let metadata = serde_json::to_value(plain_bank().server.metadata()).unwrap();
    assert_eq!(metadata["claims_parameter_supported"], json!(true));
    let supported = metadata["claims_supported"].as_array().unwrap();
    assert!(["sub", "acr", "auth_time", "email"].iter().all(|name| supported.contains(&json!(name))));
}
