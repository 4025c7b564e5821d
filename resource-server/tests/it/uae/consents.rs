//! Consents read and changed by their client: sections 6, 7, 10, 11.1 and 14.

use oauth_core::Seconds;
use rar_consent::{Actor, Channel, Decided, Decision, Vote};
use serde_json::{Value, json};

use super::bank::{BASE, Bank, CONSENT, JOINT, consent_id, order, staged};

const OTHER: &str = "aac-5f7c1d3a-0b9e-4f7d-a0a4-6a3f5f8e2b02";

/// An element for this consent, with members of its container set; null takes one away.
fn element(id: &str, members: Value) -> Value {
    let mut element = staged(id);
    for (name, value) in members.as_object().unwrap() {
        let data = element["Data"].as_object_mut().unwrap();
        if value.is_null() {
            data.remove(name);
        } else {
            data.insert(name.clone(), value.clone());
        }
    }
    element
}

fn with_hook(id: &str) -> Value {
    let mut element = staged(id);
    element["Subscription"] = json!({"Webhook": {"Url": "https://tpp.example/hooks", "IsActive": true}});
    element
}

async fn read(bank: &Bank, id: &str) -> Value {
    bank.get(&bank.client_token("tpp"), &format!("/payment-consents/{id}")).await.message
}

fn webhook(url: &str, active: bool) -> Value {
    json!({"Webhook": {"Url": url, "IsActive": active}})
}

#[tokio::test]
async fn section_11_1_a_subscription_is_told_and_changed_member_by_member_after_the_end_as_well() {
    let bank = Bank::open().await;
    bank.consented_to(&with_hook(CONSENT), "tpp", "acc-1").await;
    let before = read(&bank, CONSENT).await;
    assert_eq!(before["Subscription"], webhook("https://tpp.example/hooks", true));
    bank.clock.advance(Seconds::new(60));
    let off = json!({"Subscription": {"Webhook": {"IsActive": false}}});
    assert_eq!(bank.patch("tpp", CONSENT, &off).await.status, 204);
    let after = read(&bank, CONSENT).await;
    assert_eq!(after["Subscription"], webhook("https://tpp.example/hooks", false));
    assert_eq!(after["Data"], before["Data"], "StatusUpdateDateTime included");
    let revoked = json!({"Data": {"Status": "Revoked", "RevokedBy": "TPP"}});
    assert_eq!(bank.patch("tpp", CONSENT, &revoked).await.status, 204);
    let ended = read(&bank, CONSENT).await;
    let moved = json!({"Subscription": {"Webhook": {"Url": "https://tpp.example/late"}}});
    bank.clock.advance(Seconds::days(400));
    assert_eq!(bank.patch("tpp", CONSENT, &moved).await.status, 204);
    let last = read(&bank, CONSENT).await;
    assert_eq!(last["Subscription"], webhook("https://tpp.example/late", false));
    assert_eq!(last["Data"], ended["Data"]);
}

#[tokio::test]
async fn section_11_1_events_go_only_to_a_host_of_the_client_and_only_to_a_whole_subscription() {
    let bank = Bank::open().await;
    bank.consented(CONSENT, "tpp").await;
    let hook = |hook: Value| json!({"Subscription": {"Webhook": hook}});
    for (message, path) in [
        (hook(json!({"IsActive": true})), "Subscription.Webhook.Url"),
        (hook(json!({"Url": "https://tpp.example/h"})), "Subscription.Webhook.IsActive"),
        (hook(json!({"Url": "https://evil.example/h", "IsActive": true})), "Subscription.Webhook.Url"),
        (hook(json!({"Url": "http://tpp.example/h", "IsActive": true})), "Subscription.Webhook.Url"),
        (hook(json!({})), "Subscription.Webhook"),
        (json!({}), "Data"),
    ] {
        let got = bank.patch("tpp", CONSENT, &message).await;
        assert_eq!((got.code(), got.path()), ((400, "Body.InvalidFormat"), path), "{message}");
    }
    assert_eq!(read(&bank, CONSENT).await["Subscription"], Value::Null);
    let whole = hook(json!({"Url": "https://tpp.example/h", "IsActive": true}));
    assert_eq!(bank.patch("other", CONSENT, &whole).await.status, 404, "another client's");
    assert_eq!(bank.patch("tpp", CONSENT, &whole).await.status, 204);
    assert_eq!(read(&bank, CONSENT).await["Subscription"], webhook("https://tpp.example/h", true));
}

#[tokio::test]
async fn section_11_1_status_and_subscription_change_together_or_not_at_all() {
    let bank = Bank::open().await;
    bank.consented_to(&with_hook(CONSENT), "tpp", "acc-1").await;
    let revoked = json!({"Status": "Revoked", "RevokedBy": "TPP.InitiatedByUser"});
    let bad = json!({"Data": revoked, "Subscription": {"Webhook": {"Url": "https://evil.example/h"}}});
    assert_eq!(bank.patch("tpp", CONSENT, &bad).await.code(), (400, "Body.InvalidFormat"));
    let held = json!({"Data": {"Status": "Suspended"}, "Subscription": {"Webhook": {"IsActive": false}}});
    let got = bank.patch("tpp", CONSENT, &held).await;
    assert_eq!((got.code(), got.path()), ((400, "Consent.Invalid"), "Data.Status"));
    let after = read(&bank, CONSENT).await;
    assert_eq!(after["Data"]["Status"], "Authorized");
    assert_eq!(after["Subscription"]["Webhook"]["IsActive"], true);
    let both = json!({"Data": revoked, "Subscription": {"Webhook": {"IsActive": false}}});
    let done = bank.patch("tpp", CONSENT, &both).await;
    assert_eq!(done.status, 204);
    assert!(!done.header("x-fapi-interaction-id").is_empty());
    let after = read(&bank, CONSENT).await;
    assert_eq!(
        (&after["Data"]["Status"], &after["Data"]["RevokedBy"]),
        (&json!("Revoked"), &json!("TPP.InitiatedByUser"))
    );
    assert_eq!(after["Subscription"]["Webhook"]["IsActive"], false);
    let late = bank.patch("tpp", CONSENT, &both).await;
    assert_eq!(late.code(), (400, "Consent.Invalid"), "what has ended does not end again");
}

#[tokio::test]
async fn section_6_a_waiting_consent_is_not_revoked_and_no_client_lifts_a_block_of_the_bank() {
    let bank = Bank::open().await;
    bank.waiting(OTHER, "tpp").await;
    let revoked = json!({"Data": {"Status": "Revoked", "RevokedBy": "TPP"}});
    assert_eq!(bank.patch("tpp", OTHER, &revoked).await.code(), (400, "Consent.Invalid"));
    bank.consented(CONSENT, "tpp").await;
    let operator = Actor::Operator("branch".to_owned());
    bank.engine.suspend(&consent_id(), &operator, "checked", bank.now()).await.unwrap();
    let lift = json!({"Data": {"Status": "Authorized"}});
    assert_eq!(bank.patch("tpp", CONSENT, &lift).await.code(), (400, "Consent.Invalid"));
    assert_eq!(read(&bank, CONSENT).await["Data"]["Status"], "Suspended");
    assert_eq!(bank.patch("tpp", CONSENT, &revoked).await.status, 204, "a suspended one ends");
}

#[tokio::test]
async fn section_14_consents_are_listed_by_the_one_they_continue_newest_first() {
    let bank = Bank::open().await;
    bank.consented(CONSENT, "tpp").await;
    let mut wanted = Vec::new();
    for n in 1..=3 {
        bank.clock.advance(Seconds::new(1));
        let id = format!("5f7c1d3a-0b9e-4f7d-a0a4-{n:012}");
        let continuing = element(&id, json!({"BaseConsentId": CONSENT}));
        bank.consented_to(&continuing, "tpp", "acc-1").await;
        wanted.insert(0, id);
    }
    let plain = bank.client_token("tpp");
    let list = |query: &'static str| {
        let (bank, plain) = (&bank, plain.clone());
        async move { bank.get(&plain, &format!("/payment-consents{query}")).await }
    };
    let found = bank.get(&plain, &format!("/payment-consents?baseConsentId={CONSENT}")).await;
    assert_eq!(found.status, 200, "{found:?}");
    let ids: Vec<&Value> =
        found.message.as_array().unwrap().iter().map(|one| &one["Data"]["ConsentId"]).collect();
    assert_eq!(ids, wanted.iter().collect::<Vec<_>>());
    assert_eq!(found.message[0]["Data"]["BaseConsentId"], CONSENT);
    assert_eq!(found.message[0], read(&bank, &wanted[0]).await, "as each is told alone");
    assert_eq!(list("?baseConsentId=unknown").await.message, json!([]));
    let other = bank.client_token("other");
    let foreign = bank.get(&other, &format!("/payment-consents?baseConsentId={CONSENT}")).await;
    assert_eq!(foreign.message, json!([]), "another client's are not listed");
    for bad in ["", "?baseConsentId=", "?baseConsentId=a&baseConsentId=b", "?baseConsentId=%f"] {
        let got = list(bad).await;
        assert_eq!((got.code(), got.path()), ((400, "GenericError"), "baseConsentId"), "{bad}");
    }
}

#[tokio::test]
async fn section_14_where_a_refund_goes_is_told_only_when_the_customer_permits_it() {
    let bank = Bank::open().await;
    bank.consented_to(&element(CONSENT, json!({"Permissions": ["ReadRefundAccount"]})), "tpp", "acc-1").await;
    bank.consented(OTHER, "tpp").await;
    let plain = bank.client_token("tpp");
    let told = bank.get(&plain, &format!("/payment-consents/{CONSENT}/refund")).await;
    assert_eq!(told.status, 200, "{told:?}");
    let account = &told.message["Data"]["RefundAccount"];
    assert_eq!(account["SchemeName"], "IBAN");
    assert_eq!(account["Identification"], "AE060330000010195511161");
    assert_eq!(account["Name"], "Alice");
    assert_eq!(told.message["Links"]["Self"], format!("{BASE}/payment-consents/{CONSENT}/refund"));
    let refused = bank.get(&plain, &format!("/payment-consents/{OTHER}/refund")).await;
    assert_eq!((refused.code(), refused.rule), ((403, "AccessToken.InvalidScope"), Some("UAEBSI-14-refund")));
    let foreign = bank.get(&bank.client_token("other"), &format!("/payment-consents/{CONSENT}/refund")).await;
    assert_eq!(foreign.status, 404);
}

#[tokio::test]
async fn section_7_a_consent_of_two_waits_with_tokens_and_pays_when_both_have_approved() {
    let bank = Bank::open().await;
    let multi = element(CONSENT, json!({"AcceptedAuthorizationType": "UAEOF.Multi"}));
    let token = bank.consented_to(&multi, "tpp", JOINT).await;
    let got = bank.pay(&token, "key-1", &order(CONSENT)).await;
    assert_eq!(got.code(), (400, "Consent.Invalid"), "nobody pays before both have approved");
    let waits = read(&bank, CONSENT).await;
    assert_eq!(waits["Data"]["Status"], "AwaitingAuthorization");
    assert_eq!(waits["Data"]["PaymentConsumption"], Value::Null);
    assert_eq!(waits["Data"]["CreationDateTime"], waits["Data"]["StatusUpdateDateTime"]);
    let told = json!({"TotalRequired": 2, "Authorizations": [
        {"AuthorizerId": "fin-0071", "AuthorizerType": "Financial", "AuthorizationStatus": "Approved",
         "AuthorizationDate": "2026-11-21T08:00:00.000Z"},
        {"AuthorizerId": "mgt-0009", "AuthorizerType": "Management", "AuthorizationStatus": "Pending"}]});
    assert_eq!(waits["Meta"], json!({"MultipleAuthorizers": told}));
    assert_eq!(bank.get(&token, &format!("/payment-consents/{CONSENT}")).await.message, waits);
    bank.clock.advance(Seconds::new(30));
    let (actor, id) = (Actor::Operator("lfi".to_owned()), consent_id());
    let (decision, channel) = (Decision::Approved, Channel::BankApi);
    let vote = Vote { consent: &id, authorizer: "mgt-0009", decision, actor: &actor, channel, shown: None };
    assert!(matches!(bank.engine.decide(&vote, bank.now()).await.unwrap(), Decided::Now(_)));
    let after = read(&bank, CONSENT).await;
    assert_eq!(after["Data"]["Status"], "Authorized");
    assert_eq!(after["Data"]["StatusUpdateDateTime"], "2026-11-21T08:00:30.000Z");
    let last = &after["Meta"]["MultipleAuthorizers"]["Authorizations"][1];
    assert_eq!(last["AuthorizationDate"], "2026-11-21T08:00:30.000Z");
    let paid = bank.pay(&token, "key-1", &order(CONSENT)).await;
    assert_eq!(paid.status, 201, "from an account that is not the payer's alone: {paid:?}");
}

#[tokio::test]
async fn section_14_payments_are_related_in_the_order_they_were_made() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    assert_eq!(read(&bank, CONSENT).await["Links"]["Related"], json!([]));
    let paid = bank.pay(&token, "key-1", &order(CONSENT)).await;
    let related = read(&bank, CONSENT).await["Links"]["Related"].clone();
    assert_eq!(related, json!([paid.header("location")]));
    assert_eq!(read(&bank, CONSENT).await["Meta"], json!({}), "one approval was enough");
}
