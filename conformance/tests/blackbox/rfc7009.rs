//! RFC 7009: revocation.

use conformance::host;
use conformance::tpp::mutate::HONEST;
use serde_json::json;

use crate::support::judge::{challenged, inactive, refused};
use crate::support::raw::{Raw, fields};
use crate::support::{embedded, identity};

const ENDPOINT: &str = "revocation_endpoint";

/// RV-01.
#[tokio::test]
async fn section_2_2_valid_unknown_and_revoked_tokens_are_answered_alike() {
    let world = embedded().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let refresh = tokens.refresh.unwrap();
    for token in [
        &refresh,
        &refresh,
        &tokens.access,
        &host::token(),
        "a.b.c",
        tokens.body["id_token"].as_str().unwrap(),
    ] {
        let answer = palm.present(ENDPOINT, token, HONEST).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0), "{token}");
    }
}

/// RV-02, RT-06: at once, for every token of the grant.
#[tokio::test]
async fn section_2_1_revoking_the_refresh_token_ends_the_grant_at_once() {
    let world = embedded().await;
    for tpp in [world.palm(), world.luzon()] {
        let scheme = if tpp.id() == "palm-books" { "DPoP" } else { "Bearer" };
        let tokens = world.tokens(&tpp, &identity()).await;
        let refresh = tokens.refresh.unwrap();
        let second = tpp.refresh(&refresh, HONEST).await.unwrap().member("access_token").unwrap();
        tpp.present(ENDPOINT, &refresh, HONEST).await.unwrap();
        for access in [&tokens.access, &second] {
            challenged(&world.userinfo(&tpp, access).await, scheme, "invalid_token", "revoked");
            inactive(
                &world.apis().present("introspection_endpoint", access, HONEST).await.unwrap(),
                "revoked",
            );
        }
        refused(&tpp.refresh(&refresh, HONEST).await.unwrap(), 400, "invalid_grant");
    }
}

/// RV-02.
#[tokio::test]
async fn section_2_1_revoking_an_access_token_of_a_customer_ends_the_grant() {
    let world = embedded().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    palm.present(ENDPOINT, &tokens.access, HONEST).await.unwrap();
    challenged(&world.userinfo(&palm, &tokens.access).await, "DPoP", "invalid_token", "revoked");
    refused(&palm.refresh(&tokens.refresh.unwrap(), HONEST).await.unwrap(), 400, "invalid_grant");
}

#[tokio::test]
async fn section_2_1_a_token_of_the_client_itself_ends_alone() {
    let world = embedded().await;
    let palm = world.palm();
    let token = |answer: conformance::client::Answer| answer.member("access_token").unwrap();
    let first = token(palm.act_alone("payments", HONEST).await.unwrap());
    let second = token(palm.act_alone("payments", HONEST).await.unwrap());
    palm.present(ENDPOINT, &first, HONEST).await.unwrap();
    let apis = world.apis();
    inactive(&apis.present("introspection_endpoint", &first, HONEST).await.unwrap(), "revoked");
    let told = apis.present("introspection_endpoint", &second, HONEST).await.unwrap().json().unwrap();
    assert_eq!(told["active"], json!(true));
}

/// RV-02: a token of another client is not revoked.
#[tokio::test]
async fn section_2_1_a_token_of_another_client_stays_good() {
    let world = embedded().await;
    let (palm, luzon) = (world.palm(), world.luzon());
    let tokens = world.tokens(&palm, &identity()).await;
    for token in [&tokens.access, tokens.refresh.as_ref().unwrap()] {
        let answer = luzon.present(ENDPOINT, token, HONEST).await.unwrap();
        assert_eq!(answer.status, 200, "and nothing tells whose it is");
    }
    assert_eq!(world.userinfo(&palm, &tokens.access).await.status, 200);
    assert_eq!(palm.refresh(&tokens.refresh.unwrap(), HONEST).await.unwrap().status, 200);
}

#[tokio::test]
async fn section_2_1_a_wrong_hint_changes_nothing_and_the_token_is_required() {
    let world = embedded().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let refresh = tokens.refresh.unwrap();
    let hinted = fields(&[("token", &refresh), ("token_type_hint", "access_token")]);
    assert_eq!(Raw::honest(&palm, ENDPOINT, hinted).send(&palm.registered().http).await.status, 200);
    refused(&palm.refresh(&refresh, HONEST).await.unwrap(), 400, "invalid_grant");
    let empty = Raw::honest(&palm, ENDPOINT, fields(&[])).send(&palm.registered().http).await;
    refused(&empty, 400, "invalid_request");
}

/// A code that was revoked through its grant's tokens is not a way back in.
#[tokio::test]
async fn section_2_1_after_revocation_the_customer_decides_anew() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let code = world.code(&palm, &ask).await;
    let answer = palm.redeem(&ask, &code, HONEST).await.unwrap();
    palm.present(ENDPOINT, &answer.member("refresh_token").unwrap(), HONEST).await.unwrap();
    refused(&palm.redeem(&ask, &code, HONEST).await.unwrap(), 400, "invalid_grant");
    world.tokens(&palm, &identity()).await;
}
