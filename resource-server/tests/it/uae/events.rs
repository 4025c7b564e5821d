//! Section 11.2: events, as a third party gets them.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use http::StatusCode;
use oauth_core::jose::{Alg, Jws};
use oauth_core::testkit::{self, keys};
use oauth_core::{Seconds, Timestamp, limits};
use rar_consent::Actor;
use resource_server::webhook::{Attempt, Courier, Letter, RETRIES, Undelivered};
use serde_json::{Value, json};

use super::bank::{BASE, Bank, CONSENT, order, staged, unsealed};
use super::{KEY, OTHER};

const HOOK: &str = "https://tpp.example/hooks";

/// A courier that keeps what it is given, and answers as it is told, 204 otherwise.
#[derive(Default)]
pub(super) struct Postbox {
    letters: Mutex<Vec<Letter>>,
    answers: Mutex<VecDeque<u16>>,
}

impl Postbox {
    fn answer(&self, statuses: impl IntoIterator<Item = u16>) {
        self.answers.lock().unwrap().extend(statuses);
    }

    pub(super) fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.letters.lock().unwrap())
    }

    /// Type, resource and status of every event that was sent.
    fn told(&self) -> Vec<(String, String, String)> {
        self.take().iter().map(|letter| words(&claims(letter)["message"])).collect()
    }
}

#[async_trait]
impl Courier for Postbox {
    async fn send(&self, letter: &Letter) -> Result<StatusCode, Undelivered> {
        self.letters.lock().unwrap().push(letter.clone());
        let status = self.answers.lock().unwrap().pop_front().unwrap_or(204);
        StatusCode::from_u16(status).map_err(|_| Undelivered("no answer".to_owned()))
    }
}

fn verified(text: &str) -> Value {
    let jws = Jws::parse(text, limits::SIGNED_BODY_BYTES).unwrap();
    assert_eq!(jws.alg(), Alg::Ps256);
    jws.verify_by(&keys::public()).unwrap().claims().unwrap()
}

pub(super) fn claims(letter: &Letter) -> Value {
    verified(&unsealed(std::str::from_utf8(&letter.body).unwrap()))
}

fn token(letter: &Letter) -> Value {
    verified(letter.headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap())
}

fn words(message: &Value) -> (String, String, String) {
    let text =
        |pointer: &str| message.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let resource = text("/Meta/EventResource").strip_prefix(BASE).unwrap().to_owned();
    let status = if resource.starts_with("/payments") { "/Data/PaymentStatus" } else { "/Data/Status" };
    let kind = resource.split('/').nth(1).unwrap().to_owned();
    (text("/Meta/EventType"), kind, text(status))
}

fn subscribed(id: &str) -> Value {
    let mut element = staged(id);
    element["Subscription"] = json!({"Webhook": {"Url": HOOK, "IsActive": true}});
    element
}

async fn later(bank: &Bank, seconds: i64) {
    bank.clock.advance(Seconds::new(seconds));
    bank.settle().await;
}

fn told(kind: &str, resource: &str, status: &str) -> (String, String, String) {
    (format!("Resource.{kind}"), resource.to_owned(), status.to_owned())
}

#[tokio::test]
async fn section_11_2_a_payment_is_told_from_its_creation_to_its_end_and_its_consent_with_it() {
    let bank = Bank::open().await;
    let token = bank.consented_to(&subscribed(CONSENT), "tpp", "acc-1").await;
    bank.tell().await;
    assert_eq!(bank.postbox.told(), [told("Updated", "payment-consents", "Authorized")]);
    let paid = bank.pay(&token, KEY, &order(CONSENT)).await;
    for _ in 0..3 {
        later(&bank, 2).await;
    }
    assert!(bank.tell().await.iter().all(|attempt| *attempt == Attempt::Acknowledged));
    let letters = bank.postbox.take();
    let first = claims(&letters[0]);
    assert_eq!(first["message"]["Data"], paid.message["Data"], "the resource as its reading shows it");
    let heard: Vec<_> = letters.iter().map(|letter| words(&claims(letter)["message"])).collect();
    assert_eq!(
        heard,
        [
            told("Created", "payments", "Pending"),
            told("Updated", "payments", "AcceptedSettlementCompleted"),
            told("Updated", "payment-consents", "Finished"),
            told("Updated", "payments", "AcceptedWithoutPosting"),
            told("Updated", "payments", "AcceptedCreditSettlementCompleted"),
        ]
    );
    let meta = &first["message"]["Meta"];
    assert_eq!(
        (&meta["ConsentId"], &meta["EventDateTime"]),
        (&json!(CONSENT), &json!("2026-11-21T08:00:00.000Z"))
    );
    assert_eq!(meta["EventResource"], paid.message["Links"]["Self"]);
    assert!(bank.tell().await.is_empty(), "nothing is told twice");
}

#[tokio::test]
async fn section_11_2_an_attempt_is_signed_for_its_address_and_its_content_for_its_reader() {
    let bank = Bank::open().await;
    bank.consented_to(&subscribed(CONSENT), "tpp", "acc-1").await;
    bank.postbox.answer([500]);
    bank.tell().await;
    bank.clock.advance(Seconds::new(30));
    bank.tell().await;
    let letters = bank.postbox.take();
    assert_eq!(letters.len(), 2);
    for letter in &letters {
        let (token, claims) = (token(letter), claims(letter));
        let issuer = testkit::issuer();
        assert_eq!((&token["iss"], &token["sub"]), (&json!(issuer.as_str()), &json!(issuer.as_str())));
        assert_eq!(token["aud"], HOOK);
        assert_eq!(token["exp"].as_i64().unwrap() - token["iat"].as_i64().unwrap(), 60);
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(issuer.as_str()), &json!(["tpp"])));
        assert_eq!(letter.headers["content-type"], "application/jwt");
        assert_eq!(letter.headers["x-fapi-interaction-id"].len(), 36);
        assert_eq!(letter.url.as_str(), HOOK);
    }
    let [first, second] = letters.as_slice() else { panic!("two attempts") };
    assert_ne!(token(first)["jti"], token(second)["jti"], "each attempt has a token of its own");
    assert_ne!(first.body, second.body, "and is encrypted anew");
    assert_eq!(claims(first)["jti"], claims(second)["jti"], "the event is the same");
    assert_eq!(claims(second)["iat"].as_i64().unwrap(), claims(first)["iat"].as_i64().unwrap() + 30);
}

#[tokio::test]
async fn section_11_2_retries_come_after_30_s_2_min_10_min_1_h_6_h_and_24_h_and_then_no_more() {
    let bank = Bank::open().await;
    bank.consented_to(&subscribed(CONSENT), "tpp", "acc-1").await;
    bank.postbox.answer(std::iter::repeat_n(503, 7));
    let schedule = [30, 120, 600, 3600, 21_600, 86_400].map(Seconds::new);
    assert_eq!(RETRIES, schedule);
    for pause in schedule {
        let due = bank.now().plus(pause);
        assert_eq!(bank.tell().await, [Attempt::Again(due)]);
        bank.clock.set(Timestamp::from_millis(due.millis() - 1));
        assert!(bank.tell().await.is_empty(), "not before {pause:?} have passed");
        bank.clock.set(due);
    }
    assert_eq!(bank.tell().await, [Attempt::Dropped]);
    bank.clock.advance(Seconds::days(30));
    assert!(bank.tell().await.is_empty());
    assert_eq!(bank.postbox.take().len(), 7);
}

#[tokio::test]
async fn section_11_2_a_later_event_waits_for_the_earlier_one_and_other_consents_do_not() {
    let bank = Bank::open().await;
    bank.consented_to(&subscribed(CONSENT), "tpp", "acc-1").await;
    let consent = bank.engine.consent(&super::consent_id(), bank.now()).await.unwrap().unwrap();
    let operator = Actor::Operator("branch".to_owned());
    bank.engine.suspend(&consent.id, &operator, "checked", bank.now()).await.unwrap();
    bank.postbox.answer([410]);
    bank.tell().await;
    assert_eq!(bank.postbox.told(), [told("Updated", "payment-consents", "Authorized")]);
    bank.consented_to(&subscribed(OTHER), "tpp", "acc-1").await;
    bank.tell().await;
    assert_eq!(bank.postbox.told().len(), 1, "the other consent is told of meanwhile");
    bank.clock.advance(Seconds::new(30));
    bank.tell().await;
    let both =
        [told("Updated", "payment-consents", "Authorized"), told("Updated", "payment-consents", "Suspended")];
    assert_eq!(bank.postbox.told(), both);
}

#[tokio::test]
async fn section_11_2_without_a_key_to_encrypt_to_nothing_is_sent() {
    let bank = Bank::open().await;
    bank.consented_to(&subscribed(CONSENT), "other", "acc-1").await;
    assert_eq!(bank.tell().await, [Attempt::Dropped]);
    assert!(bank.postbox.take().is_empty());
}

#[tokio::test]
async fn section_11_2_who_wants_no_more_events_gets_none_of_those_that_wait() {
    let bank = Bank::open().await;
    let token = bank.consented_to(&subscribed(CONSENT), "tpp", "acc-1").await;
    bank.pay(&token, KEY, &order(CONSENT)).await;
    let off = json!({"Subscription": {"Webhook": {"IsActive": false}}});
    assert_eq!(bank.patch("tpp", CONSENT, &off).await.status, 204);
    later(&bank, 5).await;
    assert!(bank.tell().await.is_empty());
    let on = json!({"Subscription": {"Webhook": {"IsActive": true}}});
    assert_eq!(bank.patch("tpp", CONSENT, &on).await.status, 204);
    assert!(bank.tell().await.is_empty(), "a subscription's change is no event");
    later(&bank, 5).await;
    bank.tell().await;
    assert_eq!(bank.postbox.told(), [told("Updated", "payments", "AcceptedWithoutPosting")]);
}

#[tokio::test]
async fn section_11_1_events_that_wait_go_where_the_third_party_has_moved() {
    let bank = Bank::open().await;
    bank.consented_to(&subscribed(CONSENT), "tpp", "acc-1").await;
    let moved = json!({"Subscription": {"Webhook": {"Url": "https://tpp.example/new"}}});
    assert_eq!(bank.patch("tpp", CONSENT, &moved).await.status, 204);
    bank.tell().await;
    let letters = bank.postbox.take();
    assert_eq!(
        letters.iter().map(|letter| letter.url.as_str()).collect::<Vec<_>>(),
        ["https://tpp.example/new"]
    );
    assert_eq!(token(&letters[0])["aud"], "https://tpp.example/new");
}

#[tokio::test]
async fn a_target_that_fails_five_times_is_left_alone_for_half_a_minute_and_no_attempt_is_lost() {
    let bank = Bank::open().await;
    bank.postbox.answer(std::iter::repeat_n(502, 5));
    for n in 0..6 {
        let id = format!("aac-5f7c1d3a-0b9e-4f7d-a0a4-6a3f5f8e2b1{n}");
        bank.consented_to(&subscribed(&id), "tpp", "acc-1").await;
    }
    let due = bank.now().plus(Seconds::new(30));
    assert_eq!(bank.tell().await, [Attempt::Again(due); 6]);
    assert_eq!(bank.postbox.take().len(), 5, "the sixth was not even tried");
    bank.clock.set(due);
    // one looks whether the target is back, which lets the others through
    assert_eq!(bank.tell().await, [Attempt::Acknowledged; 6]);
}
