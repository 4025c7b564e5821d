//! Section 8.2, row by row: the same request twice has the effect of one.

use oauth_core::Seconds;
use rar_consent::Actor;
use serde_json::{Value, json};

use super::bank::{Bank, CONSENT, Got, consent_id, order};
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
