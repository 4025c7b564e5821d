//! Section 8.2, row by row: the same request twice has the effect of one.

use std::time::Duration;

use http::Method;
use oauth_core::Seconds;
use rar_consent::Actor;
use serde_json::{Value, json};

use super::bank::{Bank, CONSENT, Got, Sent, consent_id, order};
use super::{KEY, OTHER, changed};

fn same(again: &Got, first: &Got) {
    assert_eq!((again.status.as_u16(), &again.message), (201, &first.message));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("x-idempotency-key"), KEY);
}

#[tokio::test]
async fn a_repeat_is_signed_freshly_around_the_original_message() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let first = bank.pay(&token, KEY, &order(CONSENT)).await;
    bank.clock.advance(Seconds::new(60));
    bank.settle().await;
    let again = bank.pay(&token, KEY, &order(CONSENT)).await;
    same(&again, &first);
    assert_eq!(again.message["Data"]["PaymentStatus"], "Pending", "as it was at its creation");
    assert_ne!(again.raw, first.raw, "the envelope is of now: its time is checked with every answer");
}

#[tokio::test]
async fn a_repeat_is_answered_while_the_consent_is_suspended_and_when_its_limits_are_used_up() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let first = bank.pay(&token, KEY, &order(CONSENT)).await;
    let over = bank.pay(&token, "another", &order(CONSENT)).await;
    assert_eq!(over.code(), (400, "Consent.FailsControlParameters"), "the limit is used up");
    same(&bank.pay(&token, KEY, &order(CONSENT)).await, &first);
    let operator = Actor::Operator("branch".to_owned());
    bank.engine.suspend(&consent_id(), &operator, "checked", bank.now()).await.unwrap();
    same(&bank.pay(&token, KEY, &order(CONSENT)).await, &first);
}

#[tokio::test]
async fn order_of_members_and_spelling_of_texts_make_no_other_content() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let first = bank.pay(&token, KEY, &order(CONSENT)).await;
    let mut data: Vec<(String, Value)> =
        order(CONSENT)["Data"].as_object().unwrap().clone().into_iter().collect();
    data.reverse();
    let turned = json!({"Data": data.into_iter().collect::<serde_json::Map<_, _>>()});
    same(&bank.pay(&token, KEY, &turned).await, &first);
}

#[tokio::test]
async fn another_content_or_another_consent_is_refused_and_has_no_effect_on_anything() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let second = bank.consented(OTHER, "tpp").await;
    let first = bank.pay(&token, KEY, &order(CONSENT)).await;
    let other = bank.pay(&token, KEY, &changed("/Data/PayerReference", json!("order 88122"))).await;
    let elsewhere = bank.pay(&second, KEY, &order(OTHER)).await;
    for got in [other, elsewhere] {
        assert_eq!((got.code(), got.path()), ((409, "GenericError"), "x-idempotency-key"));
    }
    same(&bank.pay(&token, KEY, &order(CONSENT)).await, &first);
    assert_eq!(bank.pay(&second, "own-key", &order(OTHER)).await.status, 201, "its consent is unused");
}

#[tokio::test]
async fn the_key_of_another_client_is_another_key() {
    let bank = Bank::open().await;
    let (token, other) = (bank.consented(CONSENT, "tpp").await, bank.consented(OTHER, "other").await);
    let first = bank.pay(&token, KEY, &order(CONSENT)).await;
    let second = bank.pay_as("other", &other, KEY, &order(OTHER)).await;
    assert_eq!(second.status, 201, "{second:?}");
    assert_ne!(first.message["Data"]["PaymentId"], second.message["Data"]["PaymentId"]);
}

#[tokio::test]
async fn another_key_is_another_payment_even_with_identical_content() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let rejected = changed("/Data/Instruction/Amount/Amount", json!("149.90"));
    let first = bank.pay(&token, KEY, &rejected).await;
    let second = bank.pay(&token, "another", &rejected).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 400), "the consent is for one");
}

#[tokio::test]
async fn an_attempt_that_made_no_payment_leaves_its_key_free_for_any_content() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let wrong = changed("/Data/Instruction/Amount/Amount", json!("1.00"));
    assert_eq!(bank.pay(&token, KEY, &wrong).await.code(), (400, "Consent.FailsControlParameters"));
    bank.empty_account().await;
    assert_eq!(bank.pay(&token, KEY, &order(CONSENT)).await.code(), (400, "Consent.BusinessRuleViolation"));
    bank.fill_account().await;
    assert_eq!(bank.pay(&token, KEY, &order(CONSENT)).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn section_8_2_a_caller_that_vanishes_at_any_moment_has_ordered_once_or_not_at_all() {
    let (mut cut, mut whole) = (0, 0);
    for moment in 0..60_u64 {
        let bank = Bank::open().await;
        let token = bank.consented(CONSENT, "tpp").await;
        let order = order(CONSENT);
        let vanishing = bank.pay(&token, KEY, &order);
        match tokio::time::timeout(Duration::from_micros(moment * moment * 20), vanishing).await {
            Ok(_) => whole += 1,
            Err(_) => cut += 1,
        }
        // what was handed to the database goes on without its caller
        tokio::time::sleep(Duration::from_millis(20)).await;
        let made = !bank.nothing_booked().await;
        assert_eq!(bank.balance().await, if made { 85_010 } else { 100_000 }, "a whole payment or none");
        let again = bank.pay(&token, KEY, &order).await;
        assert_eq!(again.status, 201, "{again:?}");
        assert_eq!(bank.balance().await, 85_010, "and once in the end");
    }
    assert!(cut >= 5 && whole >= 5, "{cut} vanished, {whole} stayed");
}

#[tokio::test]
async fn section_8_1_an_order_says_nothing_of_its_own_fate_and_no_header_makes_it_another_call() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    for (member, value) in [
        ("PaymentStatus", json!("AcceptedCreditSettlementCompleted")),
        ("PaymentId", json!("6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33")),
        ("CreationDateTime", json!("2026-01-01T00:00:00Z")),
        ("PaymentTransactionId", json!("1")),
        ("DebtorCharges", json!([])),
    ] {
        let mut wanted = order(CONSENT);
        wanted["Data"][member] = value;
        let got = bank.pay(&token, KEY, &wanted).await;
        assert_eq!(got.code(), (400, "Body.InvalidFormat"), "{member}: {got:?}");
    }
    assert!(bank.nothing_booked().await);
    let names = ["x-http-method-override", "x-http-method", "x-method-override"];
    let body = bank.signed("tpp", &order(CONSENT));
    let mut headers = vec![("x-idempotency-key", KEY), ("content-type", "application/jwt")];
    headers.extend(names.map(|name| (name, "GET")));
    let made =
        bank.send(Sent { method: Method::POST, path: "/payments", token: &token, headers, body }).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/payments/{}", made.message["Data"]["PaymentId"].as_str().unwrap());
    for method in ["DELETE", "PATCH", "POST"] {
        let headers = names.map(|name| (name, method)).to_vec();
        let sent = Sent { method: Method::GET, path: &path, token: &token, headers, body: String::new() };
        let read = bank.send(sent).await;
        assert_eq!((read.status.as_u16(), &read.message["Data"]["PaymentStatus"]), (200, &json!("Pending")));
    }
}
