//! Section 7.2: what is told of a customer to clients that registered for encryption.

use oauth_core::jose::{Jwe, Jws};
use oauth_core::{limits, testkit::keys};

use super::*;

const READ: &[Permission] = &[Permission::CustomerRead, Permission::PeraBasicInfo];

fn of(client: &str, scope: &str) -> oauth_core::AccessClaims {
    oauth_core::AccessClaims { client_id: oauth_core::ClientId::new(client).unwrap(), ..claims("c-1", scope) }
}

#[tokio::test]
async fn section_7_2_a_customers_data_is_signed_and_encrypted_where_that_was_registered() {
    let world = bank().await;
    world.consent_for("sealed", "c-1", READ).await;
    let plain = file().await;
    stocked(&plain).await;
    plain.consent("c-1", READ, None).await;
    let clear = plain.call(Ask::get("/common/customer").token(&claims("c-1", "customer"))).await;
    assert_eq!((clear.status, clear.header("content-type")), (200, "application/json; charset=utf-8"));
    for accept in ["application/json", "application/jose"] {
        let ask = Ask::get("/common/customer").token(&of("sealed", "customer")).header("accept", accept);
        let answer = world.call(ask).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "application/jose"),
            "{}",
            answer.body
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        let text = std::str::from_utf8(&answer.bytes).unwrap();
        let jwe = Jwe::parse(text, limits::SIGNED_BODY_BYTES).unwrap();
        let inside = keys::decryption().decrypt(&jwe).unwrap();
        let jws = Jws::parse(std::str::from_utf8(&inside).unwrap(), limits::SIGNED_BODY_BYTES).unwrap();
        let told: Value = jws.verify_by(&keys::public()).unwrap().claims().unwrap();
        assert_eq!(told["data"], clear.body["data"]);
    }
    let refused = world.call(Ask::get("/banking/accounts/pa-2").token(&of("sealed", "accounts.basic"))).await;
    assert_eq!((refused.status, refused.code()), (404, "ACCOUNT_NOT_FOUND"), "a problem tells of nobody");
}

#[tokio::test]
async fn section_7_2_nobody_else_gets_an_encrypted_answer_and_who_takes_nothing_else_gets_none() {
    let world = bank().await;
    world.consent("c-1", READ, None).await;
    world.consent_for("sealed", "c-2", READ).await;
    let ask = || Ask::get("/common/customer").token(&claims("c-1", "customer"));
    let neither = world.call(ask().header("accept", "application/jose")).await;
    assert_eq!((neither.status, neither.code()), (406, "NOT_ACCEPTABLE"));
    assert_eq!(neither.header("content-type"), "application/json; charset=utf-8");
    for accept in ["application/jose, application/json;q=0.1", "*/*", "application/*"] {
        let clear = world.call(ask().header("accept", accept)).await;
        assert_eq!((clear.status, clear.header("content-type")), (200, "application/json; charset=utf-8"));
    }
    let products = Ask::get("/banking/products").token(&oauth_core::AccessClaims {
        client_id: oauth_core::ClientId::new("sealed").unwrap(),
        ..own_claims("products")
    });
    let public = world.call(products.header("accept", "application/jose")).await;
    assert_eq!(public.status, 406, "products are nobody's secret: {}", public.body);
}

#[tokio::test]
async fn section_7_2_without_a_key_nothing_is_done_and_nothing_told_in_the_clear() {
    let world = bank().await;
    world.consent_for("keyless", "c-1", &[Permission::CustomerRead, Permission::PaymentInitiate]).await;
    let before = world.size().await;
    let answer = world.call(Ask::get("/common/customer").token(&of("keyless", "customer"))).await;
    assert_eq!((answer.status, answer.code()), (500, "INTERNAL_ERROR"));
    let order = json!({"data": {"sourceAccountId": "sa-1", "peraAccountId": "pa-1",
        "amount": {"amount": "1.00", "currency": "PHP"}, "reference": "CTR-2026-11"}});
    let ask = Ask::new("POST", "/banking/payments").token(&of("keyless", "payments"));
    let answer = world.call(ask.header("x-idempotency-key", &key(1)).json(&order)).await;
    assert_eq!((answer.status, answer.code()), (500, "INTERNAL_ERROR"));
    assert_eq!(world.size().await, before);
}
