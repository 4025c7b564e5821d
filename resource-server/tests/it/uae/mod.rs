//! UAE Bank Service Initiation, as a client sees it.

mod bank;
mod bank_side;
mod consents;
mod described;
mod effects;
mod events;
mod repeats;
mod sealing;
mod types;
mod v1_2;
mod wishes;

use std::sync::Arc;

use bank::{BASE, Bank, CONSENT, Got, Sent, consent_id, order};
use http::Method;
use oauth_core::Seconds;
use rar_consent::Actor;
use resource_server::domain::AccountStatus;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const KEY: &str = "78dae4513b8847f98e2d4173b4ed0eb6";
const OTHER: &str = "aac-5f7c1d3a-0b9e-4f7d-a0a4-6a3f5f8e2b02";

fn changed(pointer: &str, value: Value) -> Value {
    let mut message = order(CONSENT);
    *message.pointer_mut(pointer).unwrap() = value;
    message
}

#[tokio::test]
async fn section_8_1_an_order_within_its_consent_is_created_pending() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let paid = bank.pay(&token, KEY, &order(CONSENT)).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    let data = &paid.message["Data"];
    let id = data["PaymentId"].as_str().unwrap();
    assert_eq!(data["PaymentStatus"], "Pending");
    assert_eq!(data["CreationDateTime"], "2026-11-21T08:00:00.000Z");
    assert_eq!(data["Type"], "UAEOF.SingleInstantPayment");
    assert_eq!(data["Instruction"], order(CONSENT)["Data"]["Instruction"]);
    assert_eq!(paid.message["Links"]["Related"], format!("{BASE}/payment-consents/{CONSENT}"));
    assert_eq!(paid.header("location"), format!("{BASE}/payments/{id}"));
    assert_eq!(paid.header("x-idempotency-key"), KEY);
    assert!(!paid.header("x-fapi-interaction-id").is_empty());

    let read = bank.get(&token, &format!("/payments/{id}")).await;
    assert_eq!((read.status.as_u16(), &read.message), (200, &paid.message), "every member is told again");
}

#[tokio::test]
async fn section_8_2_a_repeat_is_answered_as_at_first_even_when_the_consent_is_finished() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let first = bank.pay(&token, KEY, &order(CONSENT)).await;
    bank.clock.advance(Seconds::new(5));
    bank.settle().await;
    bank.clock.advance(Seconds::new(5));
    bank.settle().await;
    let consent = bank.get(&token, &format!("/payment-consents/{CONSENT}")).await;
    assert_eq!(consent.message["Data"]["Status"], "Finished", "{consent:?}");
    let again = bank.pay(&token, KEY, &order(CONSENT)).await;
    assert_eq!((again.status.as_u16(), &again.message), (201, &first.message));
    assert_eq!(again.header("location"), first.header("location"));

    let other = bank.pay(&token, "another-key", &order(CONSENT)).await;
    assert_eq!((other.code(), other.rule), ((400, "Consent.Invalid"), Some("UAEBSI-8.1-9")));
}

#[tokio::test]
async fn section_8_3_a_payment_is_told_as_it_was_ordered_whatever_the_order_left_out() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let mut least = order(CONSENT);
    let data = least["Data"].as_object_mut().unwrap();
    for member in ["Type", "PayerReference"] {
        data.remove(member);
    }
    data["Instruction"].as_object_mut().unwrap().remove("BeneficiaryReference");
    data["Instruction"]["PaymentSequenceNumber"] = json!("00000000000000000012");
    let paid = bank.pay(&token, KEY, &least).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    let id = paid.message["Data"]["PaymentId"].as_str().unwrap();
    bank.clock.advance(Seconds::new(5));
    bank.settle().await;
    let read = bank.get(&token, &format!("/payments/{id}")).await.message;
    assert_eq!(read["Data"]["Instruction"], least["Data"]["Instruction"]);
    assert_eq!(read["Data"]["PayerReference"], Value::Null);
    assert_eq!(read["Data"]["Type"], "UAEOF.SingleInstantPayment", "the consent says it");
    assert!(read["Data"]["PaymentTransactionId"].is_string(), "once the rail has it");
    assert!(paid.message["Data"]["PaymentTransactionId"].is_null());
    for (member, value) in paid.message["Data"].as_object().unwrap() {
        if !member.starts_with("PaymentStatus") {
            assert_eq!(&read["Data"][member], value, "{member}");
        }
    }
}

#[tokio::test]
async fn section_8_2_a_key_belongs_to_one_content() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    assert_eq!(bank.pay(&token, KEY, &order(CONSENT)).await.status, 201);
    let other = bank.pay(&token, KEY, &changed("/Data/Instruction/PaymentSequenceNumber", json!("2"))).await;
    assert_eq!((other.code(), other.rule), ((409, "GenericError"), Some("UAEBSI-8.2")));
    let second = bank.consented(OTHER, "tpp").await;
    let elsewhere = bank.pay(&second, KEY, &order(OTHER)).await;
    assert_eq!(elsewhere.code(), (409, "GenericError"));
}

#[tokio::test]
async fn section_8_1_terms_are_judged_before_the_account_and_the_account_before_the_funds() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let short = changed("/Data/Instruction/Amount/Amount", json!("1.00"));
    for (status, code) in [
        (AccountStatus::Frozen, (403, "Consent.AccountTemporarilyBlocked")),
        (AccountStatus::Closed, (403, "Consent.PermanentAccountAccessFailure")),
    ] {
        bank.change_account(status).await;
        assert_eq!(bank.pay(&token, KEY, &short).await.code(), (400, "Consent.FailsControlParameters"));
        assert_eq!(bank.pay(&token, KEY, &order(CONSENT)).await.code(), code);
    }
    bank.change_account(AccountStatus::Active).await;
    bank.empty_account().await;
    let got = bank.pay(&token, KEY, &order(CONSENT)).await;
    assert_eq!(got.code(), (400, "Consent.BusinessRuleViolation"), "{got:?}");
}

#[tokio::test]
async fn section_9_3_a_second_payment_is_outside_a_consent_for_one() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    assert_eq!(bank.pay(&token, KEY, &order(CONSENT)).await.status, 201);
    let second = bank.pay(&token, "another-key", &order(CONSENT)).await;
    assert_eq!(second.code(), (400, "Consent.FailsControlParameters"));
    assert_eq!(second.path(), "Data.ControlParameters.ConsentSchedule.SinglePayment");
    assert_eq!(second.rule, Some("UAEBSI-8.1-11"));
}

#[tokio::test]
async fn section_8_1_what_differs_from_the_consent_is_refused_with_its_path() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    for (pointer, value, code, path) in [
        (
            "/Data/Instruction/Amount/Amount",
            json!("149.91"),
            "Consent.FailsControlParameters",
            "Data.Instruction.Amount.Amount",
        ),
        (
            "/Data/Instruction/Amount/Currency",
            json!("EUR"),
            "Consent.FailsControlParameters",
            "Data.Instruction.Amount.Currency",
        ),
        (
            "/Data/Instruction/Amount/Currency",
            json!("KWD"),
            "Consent.FailsControlParameters",
            "Data.Instruction.Amount.Currency",
        ),
        (
            "/Data/PaymentPurposeCode",
            json!("RENT"),
            "Consent.BusinessRuleViolation",
            "Data.PaymentPurposeCode",
        ),
        ("/Data/PayerReference", json!("other"), "Consent.BusinessRuleViolation", "Data.PayerReference"),
        (
            "/Data/Instruction/BeneficiaryReference",
            json!("other"),
            "Consent.BusinessRuleViolation",
            "Data.Instruction.BeneficiaryReference",
        ),
        ("/Data/Type", json!("UAEOF.FixedOnDemandPayment"), "Body.InvalidFormat", "Data.Type"),
        ("/Data/Type", json!("Instant"), "Body.InvalidFormat", "Data.Type"),
        ("/Data/Instruction/Amount", json!({"Amount": "1.0"}), "Body.InvalidFormat", ""),
    ] {
        let got = bank.pay(&token, KEY, &changed(pointer, value.clone())).await;
        assert_eq!(got.code(), (400, code), "{pointer} {value} {got:?}");
        assert!(got.path().contains(path), "{pointer} {got:?}");
    }
    assert_eq!(bank.pay(&token, KEY, &order(CONSENT)).await.status, 201, "nothing was bound or used");
}

#[tokio::test]
async fn section_8_1_step_7_an_order_names_the_consent_of_its_token() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let second = bank.consented(OTHER, "tpp").await;
    let got = bank.pay(&token, KEY, &order(OTHER)).await;
    assert_eq!((got.code(), got.rule), ((403, "AccessToken.InvalidScope"), Some("UAEBSI-8.1-7")));
    assert_eq!(bank.pay(&second, KEY, &order(OTHER)).await.status, 201);
    let replayed = bank.pay(&token, KEY, &order(OTHER)).await;
    assert_eq!(
        replayed.code(),
        (403, "AccessToken.InvalidScope"),
        "another consent's answer is not repeated"
    );
}

#[tokio::test]
async fn section_10_a_plain_scope_reads_and_does_not_pay() {
    let bank = Bank::open().await;
    bank.consented(CONSENT, "tpp").await;
    let plain = bank.client_token("tpp");
    let got = bank.pay(&plain, KEY, &order(CONSENT)).await;
    assert_eq!(got.code(), (403, "AccessToken.InvalidScope"), "{got:?}");
    let read = bank.get(&plain, &format!("/payment-consents/{CONSENT}")).await;
    assert_eq!(read.status, 200);
}

#[tokio::test]
async fn section_10_what_belongs_to_others_does_not_exist() {
    let bank = Bank::open().await;
    let (token, second) = (bank.consented(CONSENT, "tpp").await, bank.consented(OTHER, "tpp").await);
    let paid = bank.pay(&token, KEY, &order(CONSENT)).await;
    let payment = format!("/payments/{}", paid.message["Data"]["PaymentId"].as_str().unwrap());
    let consent = format!("/payment-consents/{CONSENT}");
    for path in [payment.as_str(), consent.as_str(), "/payments/6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33"] {
        for stranger in [&second, &bank.client_token("other")] {
            let got = bank.get(stranger, path).await;
            assert_eq!((got.status.as_u16(), &got.message), (404, &Value::Null), "{path}");
        }
    }
    for path in ["/payments/not%20an%20id", &format!("/payments/{}", "a".repeat(41))] {
        assert_eq!(bank.get(&token, path).await.code(), (400, "Resource.InvalidResourceId"), "{path}");
    }
}

#[tokio::test]
async fn section_6_a_revoked_consent_kills_its_tokens_at_once() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let plain = bank.client_token("tpp");
    let change = json!({"Data": {"Status": "Revoked", "RevokedBy": "TPP.InitiatedByUser"}});
    let patch = |name: &'static str, token: String| {
        let (bank, body) = (&bank, bank.signed(name, &change));
        async move {
            let path = format!("/payment-consents/{CONSENT}");
            let headers = vec![("content-type", "application/jwt")];
            bank.send(Sent { method: Method::PATCH, path: &path, token: &token, headers, body }).await
        }
    };
    assert_eq!(patch("other", bank.client_token("other")).await.status, 404);
    assert_eq!(patch("tpp", plain.clone()).await.status, 204);
    let got = bank.pay(&token, KEY, &order(CONSENT)).await;
    assert_eq!((got.status.as_u16(), &got.message), (401, &Value::Null));
    assert!(got.header("www-authenticate").contains("invalid_token"), "{got:?}");
    assert_eq!(bank.get(&token, &format!("/payment-consents/{CONSENT}")).await.status, 401);
    let read = bank.get(&plain, &format!("/payment-consents/{CONSENT}")).await;
    assert_eq!(read.message["Data"]["Status"], "Revoked");
    assert_eq!(read.message["Data"]["RevokedBy"], "TPP.InitiatedByUser");
    assert_eq!(patch("tpp", plain).await.code(), (400, "Consent.Invalid"));
}

#[tokio::test]
async fn section_6_a_suspended_or_waiting_consent_can_be_read_and_not_used() {
    let bank = Bank::open().await;
    let waiting = bank.waiting(OTHER, "tpp").await;
    let suspended = bank.consented(CONSENT, "tpp").await;
    let operator = Actor::Operator("branch".to_owned());
    bank.engine.suspend(&consent_id(), &operator, "checked", bank.now()).await.unwrap();
    for (token, id, status) in
        [(&waiting, OTHER, "AwaitingAuthorization"), (&suspended, CONSENT, "Suspended")]
    {
        let got = bank.pay(token, KEY, &order(id)).await;
        assert_eq!((got.code(), got.rule), ((400, "Consent.Invalid"), Some("UAEBSI-8.1-9")), "{status}");
        let read = bank.get(token, &format!("/payment-consents/{id}")).await;
        assert_eq!(read.message["Data"]["Status"], status, "{read:?}");
    }
}

#[tokio::test]
async fn section_8_2_a_client_that_lost_the_answer_finds_its_payment_by_key() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let paid = bank.pay(&token, KEY, &order(CONSENT)).await;
    let look = |token: String, headers: Vec<(&'static str, &'static str)>| {
        let bank = &bank;
        async move {
            let body = String::new();
            bank.send(Sent { method: Method::GET, path: "/payments", token: &token, headers, body }).await
        }
    };
    let found = look(bank.client_token("tpp"), vec![("x-idempotency-key", KEY)]).await;
    assert_eq!((found.status.as_u16(), found.header("location")), (200, paid.header("location")));
    assert_eq!(found.message, json!({"Data": {}, "Links": {"Self": paid.header("location")}}));
    assert_eq!(look(bank.client_token("other"), vec![("x-idempotency-key", KEY)]).await.status, 404);
    assert_eq!(look(bank.client_token("tpp"), vec![("x-idempotency-key", "unknown")]).await.status, 404);
    bank.clock.advance(Seconds::days(400));
    let kept = look(bank.client_token("tpp"), vec![("x-idempotency-key", KEY)]).await;
    assert_eq!(kept.header("location"), paid.header("location"), "as long as the consent is stored");
    let missing = look(bank.client_token("tpp"), Vec::new()).await;
    assert_eq!((missing.code(), missing.path()), ((400, "GenericError"), "x-idempotency-key"));
}

#[tokio::test]
async fn section_14_a_consent_shows_what_was_staged_and_what_was_used_of_it() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let read = bank.get(&token, &format!("/payment-consents/{CONSENT}")).await;
    assert_eq!(read.status, 200);
    let data = &read.message["Data"];
    assert_eq!(data["ExpirationDateTime"], "2026-11-21T19:59:59.000Z");
    assert_eq!(data["Status"], "Authorized");
    assert_eq!(data["Initiation"], bank::staged(CONSENT)["Data"]["Initiation"]);
    assert_eq!(data["ControlParameters"], bank::staged(CONSENT)["Data"]["ControlParameters"]);
    assert_eq!(data["PaymentConsumption"]["CumulativeNumberOfPayments"], 0);
    assert_eq!(read.message["Links"]["Related"], json!([]));

    let paid = bank.pay(&token, KEY, &order(CONSENT)).await;
    let read = bank.get(&token, &format!("/payment-consents/{CONSENT}")).await;
    let used = json!({
        "CumulativeNumberOfPayments": 1,
        "CumulativeValueOfPayments": {"Amount": "149.90", "Currency": "AED"}
    });
    assert_eq!(read.message["Data"]["PaymentConsumption"], used);
    assert_eq!(read.message["Links"]["Related"], json!([paid.header("location")]));
}

#[tokio::test]
async fn section_12_headers_and_media_types_are_judged_after_the_scope() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let post = |token: String, headers: Vec<(&'static str, &'static str)>| {
        let (bank, body) = (&bank, bank.signed("tpp", &order(CONSENT)));
        async move {
            bank.send(Sent { method: Method::POST, path: "/payments", token: &token, headers, body }).await
        }
    };
    const JWT: (&str, &str) = ("content-type", "application/jwt");
    const KEYED: (&str, &str) = ("x-idempotency-key", KEY);
    let bodiless =
        |got: Got, status: u16| assert_eq!((got.status.as_u16(), got.message), (status, Value::Null));
    bodiless(post(token.clone(), vec![KEYED, ("content-type", "application/json")]).await, 415);
    bodiless(post(token.clone(), vec![KEYED, JWT, ("accept", "application/json")]).await, 406);
    bodiless(post("nonsense".to_owned(), vec![KEYED, JWT]).await, 401);
    let out_of_scope = post(bank.client_token("tpp"), vec![JWT]).await;
    assert_eq!(out_of_scope.code(), (403, "AccessToken.InvalidScope"));
    for (headers, path) in [
        (vec![JWT], "x-idempotency-key"),
        (vec![JWT, ("x-idempotency-key", "two words")], "x-idempotency-key"),
        (vec![JWT, KEYED, ("x-fapi-interaction-id", "mine")], "x-fapi-interaction-id"),
        (vec![JWT, KEYED, ("x-fapi-auth-date", "today")], "x-fapi-auth-date"),
        (vec![JWT, KEYED, ("x-fapi-customer-ip-address", "home")], "x-fapi-customer-ip-address"),
    ] {
        let got = post(token.clone(), headers).await;
        assert_eq!((got.code(), got.path()), ((400, "GenericError"), path));
    }
    let mine = "0F3D7C0E-5A2B-4A51-9A53-0D2B8F0F9A11";
    let got = post(token, vec![JWT, KEYED, ("x-fapi-interaction-id", mine)]).await;
    assert_eq!((got.status.as_u16(), got.header("x-fapi-interaction-id")), (201, mine));
}

#[tokio::test]
async fn section_8_1_of_many_orders_at_once_one_is_paid() {
    let bank = Arc::new(Bank::open().await);
    let token = bank.consented(CONSENT, "tpp").await;
    let mut orders = JoinSet::new();
    for index in 0..8 {
        let (bank, token) = (Arc::clone(&bank), token.clone());
        orders.spawn(async move { bank.pay(&token, &format!("key-{index}"), &order(CONSENT)).await });
    }
    let got = orders.join_all().await;
    let refused = |got: &&Got| got.code() == (400, "Consent.FailsControlParameters");
    assert_eq!(got.iter().filter(|got| got.status == 201).count(), 1);
    assert_eq!(got.iter().filter(refused).count(), 7);
}

#[tokio::test]
async fn section_8_2_of_many_equal_orders_at_once_all_get_the_same_payment() {
    let bank = Arc::new(Bank::open().await);
    let token = bank.consented(CONSENT, "tpp").await;
    let mut orders = JoinSet::new();
    for _ in 0..8 {
        let (bank, token) = (Arc::clone(&bank), token.clone());
        orders.spawn(async move { bank.pay(&token, KEY, &order(CONSENT)).await });
    }
    let got = orders.join_all().await;
    assert!(got.iter().all(|one| one.status == 201 && one.message == got[0].message), "{got:?}");
}
