//! The bank is killed between two steps, as by a power cut, and started again in the same place.

use conformance::bank::{Controls, Place, Settings};
use conformance::host;
use conformance::tpp::flow::{Ask, Tokens};
use conformance::tpp::mutate::HONEST;
use conformance::user::Decision;
use serde_json::{Value, json};

use crate::support::judge::{challenged, refused};
use crate::support::raw::{Raw, fields};
use crate::support::uae::{self, ACCOUNT, AMOUNT};
use crate::support::{World, identity};

async fn fresh() -> World {
    World::start(Settings::default()).await
}

/// `kill -9` and a second start.
async fn struck(world: World) -> World {
    let place: Place = world.bank.kill().await.unwrap();
    World::around(place.start().await.unwrap()).await
}

async fn documents(world: &World) -> [Value; 2] {
    let http = world.bank.client().unwrap();
    let get =
        async |path: &str| http.get(&format!("{}{path}", world.issuer())).await.unwrap().json().unwrap();
    [get("/.well-known/openid-configuration").await, get("/jwks").await]
}

#[tokio::test]
async fn a_pushed_request_survives_and_is_decided_afterwards() {
    let world = fresh().await;
    let palm = world.palm();
    let ask = identity();
    let request_uri = world.push(&palm, &ask).await;
    let world = struck(world).await;
    let returned = world.decide(&palm, &request_uri, &Decision::Approve).await;
    let code = palm.code(&ask, &returned).await.unwrap();
    assert_eq!(palm.redeem(&ask, &code, HONEST).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_code_survives_is_redeemed_once_and_stays_spent() {
    let world = fresh().await;
    let palm = world.palm();
    let ask = identity();
    let code = world.code(&palm, &ask).await;
    let world = struck(world).await;
    let tokens = Tokens::read(&palm.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let world = struck(world).await;
    assert_eq!(world.userinfo(&palm, &tokens.access).await.status, 200, "a token survives");
    refused(&palm.redeem(&ask, &code, HONEST).await.unwrap(), 400, "invalid_grant");
    let world = struck(world).await;
    challenged(
        &world.userinfo(&palm, &tokens.access).await,
        "DPoP",
        "invalid_token",
        "and so does a revocation",
    );
}

#[tokio::test]
async fn a_payment_survives_is_not_made_twice_and_comes_to_its_end() {
    let world = fresh().await;
    let palm = world.palm();
    let before = uae::balance(&world).await;
    let (id, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let returned = world.decide(&palm, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let code = palm.code(&ask, &returned).await.unwrap();
    let tokens = Tokens::read(&palm.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let (key, order) = (host::uuid(), uae::order(&id, AMOUNT));
    let first = uae::pay(&world, &palm, &tokens.access, &key, &order).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let world = struck(world).await;
    let again = uae::pay(&world, &palm, &tokens.access, &key, &order).await;
    assert_eq!((again.status, again.header("location")), (first.status, first.header("location")));
    let payment = uae::message(&palm, &again).await["Data"]["PaymentId"].as_str().unwrap().to_owned();
    let end = uae::settled(&world, &palm, &tokens.access, &payment).await;
    assert_eq!(end["Data"]["PaymentStatus"], json!("AcceptedCreditSettlementCompleted"));
    assert_eq!(uae::balance(&world).await, before - 14_990);
}

/// What the audit trail has about the payments under a consent.
async fn rows(world: &World, id: &str) -> Vec<Value> {
    let url = format!("{}/consents/{id}", world.bank.admin_origin());
    let record: Value = world.bank.client().unwrap().get(&url).await.unwrap().json().unwrap();
    record["payments"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_order_for_a_later_day_survives_a_kill_and_its_money_leaves_once_on_that_day() {
    let world = World::start(Settings { controls: Controls::Present, ..Settings::default() }).await;
    let palm = world.palm();
    let before = uae::balance(&world).await;
    let id = format!("aac-{}", host::uuid());
    let day = uae::date(host::now() + 4 * 3600 + 86_400);
    let mut details = uae::details(&id, AMOUNT);
    details["Data"]["ExpirationDateTime"] = json!(format!("{day}T23:59:59+04:00"));
    details["Data"]["ControlParameters"]["ConsentSchedule"] = json!({"SinglePayment": {
        "Type": "UAEOF.SingleFutureDatedPayment", "Amount": {"Amount": AMOUNT, "Currency": "AED"},
        "RequestedExecutionDateTime": format!("{day}T06:00:00+04:00")}});
    let ask = Ask::new("openid payments").with_details(&json!([details]));
    let request_uri = world.push(&palm, &ask).await;
    let returned = world.decide(&palm, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let code = palm.code(&ask, &returned).await.unwrap();
    let tokens = Tokens::read(&palm.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let (key, order) = (host::uuid(), uae::order(&id, AMOUNT));
    let ordered = uae::pay(&world, &palm, &tokens.access, &key, &order).await;
    assert_eq!(ordered.status, 201, "{}", ordered.text());
    assert_eq!(uae::balance(&world).await, before, "nothing leaves before the day");
    let world = struck(world).await;
    let again = uae::pay(&world, &palm, &tokens.access, &key, &order).await;
    assert_eq!((again.status, again.header("location")), (ordered.status, ordered.header("location")));
    assert_eq!((uae::balance(&world).await, rows(&world, &id).await.len()), (before, 1), "nor by a start");
    let mut raw = Raw::bare("POST", &format!("{}/test/clock", world.bank.admin_origin()));
    raw.body = b"{\"advance_s\": 172800}".to_vec();
    assert_eq!(raw.send(&world.bank.client().unwrap()).await.status, 200);
    for _ in 0..120 {
        if rows(&world, &id).await.len() >= 5 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    let told: Vec<Value> = rows(&world, &id).await.iter().map(|row| row["to"].clone()).collect();
    assert_eq!(told, ["received", "pending", "debtor_settled", "creditor_accepted", "completed"]);
    let world = struck(world).await;
    assert_eq!(uae::balance(&world).await, before - 14_990, "once, on its day");
}

/// T-TK-06: where refresh tokens rotate, what was spent before the kill is spent after it.
#[tokio::test]
async fn rotations_before_and_after_a_restart_are_kept_apart() {
    let file = "[[issuers]]\npolicy = \"plain-oauth\"\n";
    let world = World::start(Settings { deployment: Some(file.to_owned()), ..Settings::default() }).await;
    let palm = world.palm();
    let first = world.tokens(&palm, &identity()).await.refresh.unwrap();
    let second = Tokens::read(&palm.refresh(&first, HONEST).await.unwrap()).unwrap();
    let next = second.refresh.unwrap();
    assert_ne!(first, next);
    let world = struck(world).await;
    let third = Tokens::read(&palm.refresh(&next, HONEST).await.unwrap()).unwrap();
    let last = third.refresh.unwrap();
    assert_eq!(world.userinfo(&palm, &third.access).await.status, 200);
    let world = struck(world).await;
    refused(&palm.refresh(&first, HONEST).await.unwrap(), 400, "invalid_grant");
    refused(&palm.refresh(&last, HONEST).await.unwrap(), 400, "invalid_grant");
    challenged(&world.userinfo(&palm, &third.access).await, "DPoP", "invalid_token", "the grant is over");
}

#[tokio::test]
async fn a_session_survives() {
    let world = fresh().await;
    let mut visit = world.signed_in().await;
    let world = struck(world).await;
    let place = visit.open(&format!("{}/my/consents", world.issuer())).await.unwrap();
    let page = crate::support::page(&place);
    assert!(conformance::html::form_with(&page.text(), "password").is_none(), "still signed in");
}

/// What was signed before the memory of used tokens began is refused: it may have been used.
#[tokio::test]
async fn an_assertion_used_before_the_kill_is_not_taken_after_it() {
    let world = fresh().await;
    let palm = world.palm();
    let raw = Raw::honest(
        &palm,
        "token_endpoint",
        fields(&[("grant_type", "client_credentials"), ("scope", "payments")]),
    );
    let http = palm.registered().http.clone();
    assert_eq!(raw.send(&http).await.status, 200);
    let world = struck(world).await;
    refused(&raw.send(&http).await, 401, "invalid_client");
    assert_eq!(world.palm().act_alone("payments", HONEST).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_second_start_keeps_keys_and_metadata_and_ctrl_c_ends_with_0() {
    let world = fresh().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let before = documents(&world).await;
    let tpp = std::fs::read(world.bank.directory().join("tpp/tpp.toml")).unwrap();
    let place = world.bank.stop().await.unwrap();
    let world = World::around(place.start().await.unwrap()).await;
    assert_eq!(documents(&world).await, before);
    assert_eq!(std::fs::read(world.bank.directory().join("tpp/tpp.toml")).unwrap(), tpp);
    assert_eq!(world.userinfo(&palm, &tokens.access).await.status, 200);
    world.bank.stop().await.unwrap();
}
