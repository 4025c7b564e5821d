//! The bank's side: section 15.

use http::Method;
use oauth_core::Seconds;
use rar_consent::{Channel, ConsentStatus};
use serde_json::{Value, json};

use super::bank::{Bank, CONSENT, JOINT, consent_id, order, staged};

fn multi() -> Value {
    let mut element = staged(CONSENT);
    element["Data"].as_object_mut().unwrap().remove("AcceptedAuthorizationType");
    element
}

async fn status(bank: &Bank) -> ConsentStatus {
    bank.engine.consent(&consent_id(), bank.now()).await.unwrap().unwrap().status
}

async fn patch(bank: &Bank, body: Value) -> (u16, Value) {
    let got = bank.lfi(Method::PATCH, &format!("/consents/{CONSENT}"), &body).await;
    (got.status.as_u16(), got.message["Errors"][0]["Path"].clone())
}

fn to(status: &str) -> Value {
    json!({"consentBody": {"Data": {"Status": status}}})
}

async fn decide(bank: &Bank, authorizer: &str, decision: &str) -> (u16, Value) {
    let path = format!("/consents/{CONSENT}/authorizations/{authorizer}");
    let got = bank.lfi(Method::POST, &path, &json!({"decision": decision})).await;
    (got.status.as_u16(), got.message)
}

#[tokio::test]
async fn section_15_only_the_banks_own_clients_get_in() {
    let bank = Bank::open().await;
    let user = bank.consented(CONSENT, "tpp").await;
    for token in [bank.client_token("tpp"), user, bank.token_with("tpp", "openid")] {
        for (method, path) in [
            (Method::PATCH, format!("/consents/{CONSENT}")),
            (Method::POST, format!("/consents/{CONSENT}/action/revoke")),
            (Method::POST, format!("/consents/{CONSENT}/authorizations/fin-1")),
            (Method::PATCH, "/payment-log/6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33".to_owned()),
        ] {
            let got = bank.lfi_with(&token, method, &path, to("Suspended").to_string()).await;
            assert_eq!(got.code(), (403, "AccessToken.InvalidScope"), "{path}");
        }
    }
    assert_eq!(status(&bank).await, ConsentStatus::Authorized);
    let lfi = bank.token_with("lfi", "consent_manager");
    let got = bank.get(&lfi, &format!("/payment-consents/{CONSENT}")).await;
    assert_eq!(got.code(), (403, "AccessToken.InvalidScope"), "and the bank's side gets nowhere else");
}

#[tokio::test]
async fn section_15_operation_10_holds_and_lets_go_and_no_move_is_made_twice() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    assert_eq!(patch(&bank, to("Suspended")).await.0, 204);
    assert_eq!(bank.pay(&token, "k", &order(CONSENT)).await.code(), (400, "Consent.Invalid"));
    assert_eq!(patch(&bank, to("Suspended")).await.0, 409);
    assert_eq!(patch(&bank, to("Rejected")).await.0, 409);
    assert_eq!(patch(&bank, to("Authorized")).await.0, 204);
    assert_eq!(patch(&bank, to("Authorized")).await.0, 409);
    for other in ["AwaitingAuthorization", "Revoked", "Expired", "Finished", "Rejected"] {
        assert_eq!(patch(&bank, to(other)).await.0, 409, "{other}");
    }
    assert_eq!(status(&bank).await, ConsentStatus::Authorized);
    assert_eq!(bank.pay(&token, "k", &order(CONSENT)).await.status, 201);
}

#[tokio::test]
async fn section_15_operation_10_authorises_for_a_customer_and_accounts_that_need_nobody_else() {
    let bank = Bank::open().await;
    bank.waiting_for(&multi(), "tpp").await;
    let authorised = |accounts: Value| {
        json!({"authorizationChannel": "App", "psuIdentifiers": {"userId": "alice"}, "accountIds": accounts,
            "consentBody": {"Data": {"Status": "Authorized"}}})
    };
    assert_eq!(patch(&bank, to("Authorized")).await, (400, json!("accountIds")));
    assert_eq!(patch(&bank, authorised(json!(["acc-1", "acc-2"]))).await, (400, json!("accountIds")));
    assert_eq!(patch(&bank, authorised(json!([]))).await, (400, json!("accountIds")));
    assert_eq!(patch(&bank, authorised(json!([JOINT]))).await.0, 409, "Bob has not approved");
    assert_eq!(status(&bank).await, ConsentStatus::AwaitingAuthorization);
    assert_eq!(patch(&bank, authorised(json!(["acc-1"]))).await.0, 204);
    let consent = bank.engine.consent(&consent_id(), bank.now()).await.unwrap().unwrap();
    assert_eq!((consent.status, &consent.accounts), (ConsentStatus::Authorized, &vec!["acc-1".to_owned()]));
    assert_eq!(consent.subject.unwrap().as_str(), "alice");
    let history = bank.engine.history(&consent_id()).await.unwrap();
    let last = history.last().unwrap();
    assert_eq!(
        (last.channel, &last.actor),
        (Some(Channel::App), &rar_consent::Actor::Operator("lfi".to_owned()))
    );
    assert_eq!(patch(&bank, json!({"accountIds": ["acc-9"]})).await.0, 409, "accounts stand still");
}

#[tokio::test]
async fn section_15_operation_10_rejects_what_waits_and_names_who_has_to_approve() {
    let bank = Bank::open().await;
    bank.waiting_for(&multi(), "tpp").await;
    let one = |id: &str, status: &str| json!({"AuthorizerId": id, "AuthorizerType": "Financial", "AuthorizationStatus": status});
    let ask = |total: usize, list: Value| {
        json!({"psuIdentifiers": {"userId": "alice"}, "accountIds": ["acc-1"],
            "consentBody": {"Meta": {"MultipleAuthorizers": {"TotalRequired": total, "Authorizations": list}}}})
    };
    let place = json!("consentBody.Meta.MultipleAuthorizers");
    for bad in [
        ask(1, json!([one("a", "Pending"), one("b", "Pending")])),
        ask(2, json!([one("a", "Pending"), one("a", "Pending")])),
        ask(0, json!([])),
        ask(1, json!([one("a", "Approved")])),
        ask(1, json!([one("", "Pending")])),
    ] {
        assert_eq!(patch(&bank, bad.clone()).await, (400, place.clone()), "{bad}");
    }
    assert_eq!(patch(&bank, ask(2, json!([one("a", "Pending"), one("b", "Pending")]))).await.0, 204);
    assert_eq!(patch(&bank, ask(1, json!([one("c", "Pending")]))).await.0, 409, "once");
    let (code, told) = decide(&bank, "b", "Approved").await;
    assert_eq!((code, &told["Status"]), (200, &json!("AwaitingAuthorization")), "{told}");
    assert_eq!(patch(&bank, to("Authorized")).await.0, 409, "not past a missing approval");
    assert_eq!(patch(&bank, to("Rejected")).await.0, 204);
    assert_eq!(decide(&bank, "a", "Approved").await.0, 409);
}

#[tokio::test]
async fn section_15_operation_11_ends_a_consent_once_and_its_tokens_at_once() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let revoke = |body: Value| {
        let bank = &bank;
        async move { bank.lfi(Method::POST, &format!("/consents/{CONSENT}/action/revoke"), &body).await }
    };
    let by_user = |id: &str| json!({"revokedBy": "LFI.InitiatedByUser", "revokedByPsu": {"userId": id}});
    for bad in [
        json!({}),
        json!({"revokedBy": "TPP"}),
        json!({"revokedBy": "LFI.InitiatedByUser"}),
        by_user("mallory"),
        json!({"revokedBy": "LFI", "note": 1}),
    ] {
        assert_eq!(revoke(bad.clone()).await.status, 400, "{bad}");
    }
    assert_eq!(status(&bank).await, ConsentStatus::Authorized);
    assert_eq!(revoke(by_user("alice")).await.status, 204);
    assert_eq!(bank.get(&token, &format!("/payment-consents/{CONSENT}")).await.status, 401);
    let read = bank.get(&bank.client_token("tpp"), &format!("/payment-consents/{CONSENT}")).await;
    assert_eq!(read.message["Data"]["RevokedBy"], "LFI.InitiatedByUser");
    assert_eq!(revoke(json!({"revokedBy": "LFI"})).await.status, 409);
    let elsewhere = "/consents/aac-5f7c1d3a-0b9e-4f7d-a0a4-6a3f5f8e2b02/action/revoke";
    assert_eq!(bank.lfi(Method::POST, elsewhere, &json!({"revokedBy": "LFI"})).await.status, 404);
}

#[tokio::test]
async fn section_15_operation_12_takes_decisions_in_any_order_each_once() {
    let bank = Bank::open().await;
    let token = bank.consented_to(&multi(), "tpp", JOINT).await;
    assert_eq!(decide(&bank, "nobody", "Approved").await.0, 404);
    assert_eq!(decide(&bank, "fin-0071", "Rejected").await.0, 409, "decided on the page");
    assert_eq!(decide(&bank, "mgt-0009", "Maybe").await.0, 400);
    let (code, told) = decide(&bank, "mgt-0009", "Approved").await;
    assert_eq!((code, &told["Status"]), (200, &json!("Authorized")));
    let entries = &told["Meta"]["MultipleAuthorizers"];
    assert_eq!(
        (&entries["TotalRequired"], &entries["Authorizations"][1]["AuthorizationStatus"]),
        (&json!(2), &json!("Approved"))
    );
    assert_eq!(decide(&bank, "mgt-0009", "Rejected").await.0, 409);
    assert_eq!(bank.pay(&token, "k", &order(CONSENT)).await.status, 201);
}

#[tokio::test]
async fn section_15_operation_12_after_a_rejection_or_the_deadline_nobody_decides() {
    let bank = Bank::open().await;
    bank.consented_to(&multi(), "tpp", JOINT).await;
    let (code, told) = decide(&bank, "mgt-0009", "Rejected").await;
    assert_eq!((code, &told["Status"]), (200, &json!("Rejected")));
    assert_eq!(decide(&bank, "mgt-0009", "Approved").await.0, 409);
    let bank = Bank::open().await;
    let token = bank.consented_to(&multi(), "tpp", JOINT).await;
    bank.clock.advance(Seconds::minutes(60));
    assert_eq!(decide(&bank, "mgt-0009", "Approved").await.0, 409);
    assert_eq!(status(&bank).await, ConsentStatus::Rejected);
    assert_eq!(bank.get(&token, &format!("/payment-consents/{CONSENT}")).await.status, 401);
}

#[tokio::test]
async fn section_15_operation_13_moves_a_payment_by_the_table_of_section_8_3() {
    let wire = [
        "Pending",
        "AcceptedSettlementCompleted",
        "AcceptedWithoutPosting",
        "AcceptedCreditSettlementCompleted",
        "Rejected",
    ];
    let allowed = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (2, 3)];
    for from in 0..wire.len() {
        for to in 0..wire.len() {
            let bank = Bank::open().await;
            let token = bank.consented(CONSENT, "tpp").await;
            let paid = bank.pay(&token, "k", &order(CONSENT)).await;
            let id = paid.message["Data"]["PaymentId"].as_str().unwrap().to_owned();
            let log = |status: &'static str| {
                let mut response = json!({"status": status});
                if status == "Rejected" {
                    response["statusDetail"] = json!({"Reason": {"Code": "LFI.InsufficientFunds", "Detail": "d"}, "Message": {"en": "no"}});
                }
                let (bank, path) = (&bank, format!("/payment-log/{id}"));
                async move {
                    bank.lfi(Method::PATCH, &path, &json!({"paymentResponse": response}))
                        .await
                        .status
                        .as_u16()
                }
            };
            assert_eq!(log(wire[from]).await, 204, "to {}", wire[from]);
            let wanted = if from == to || allowed.contains(&(from, to)) { 204 } else { 409 };
            assert_eq!(log(wire[to]).await, wanted, "{} to {}", wire[from], wire[to]);
            let read = bank.get(&bank.client_token("tpp"), &format!("/payments/{id}")).await;
            let stands = if wanted == 204 { wire[to] } else { wire[from] };
            assert_eq!(read.message["Data"]["PaymentStatus"], stands);
            let detailed = read.message["Data"]["PaymentStatusDetail"].is_object();
            assert_eq!(detailed, stands == "Rejected");
        }
    }
}

#[tokio::test]
async fn section_15_operation_13_a_detail_goes_with_a_rejection_and_with_nothing_else() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let paid = bank.pay(&token, "k", &order(CONSENT)).await;
    let id = paid.message["Data"]["PaymentId"].as_str().unwrap().to_owned();
    let log = |response: Value| {
        let (bank, path) = (&bank, format!("/payment-log/{id}"));
        async move { bank.lfi(Method::PATCH, &path, &json!({"paymentResponse": response})).await }
    };
    let detail = |code: &str| json!({"Reason": {"Code": code}, "Message": {"en": "no"}});
    for bad in [
        json!({"status": "Rejected"}),
        json!({"status": "Rejected", "statusDetail": null}),
        json!({"status": "Pending", "statusDetail": detail("LFI.GenericFailure")}),
        json!({"status": "AcceptedSettlementCompleted", "statusDetail": detail("LFI.GenericFailure")}),
        json!({"status": "Rejected", "statusDetail": detail("nonsense")}),
        json!({"status": "Rejected", "statusDetail": detail("AANI.")}),
        json!({"status": "Cancelled"}),
        json!({"status": "Pending", "paymentTransactionId": ""}),
    ] {
        assert_eq!(log(bad.clone()).await.status, 400, "{bad}");
    }
    let settled =
        json!({"status": "AcceptedSettlementCompleted", "paymentTransactionId": "20261121AE000417"});
    assert_eq!(log(settled.clone()).await.status, 204);
    let read = bank.get(&bank.client_token("tpp"), &format!("/payments/{id}")).await;
    assert_eq!(read.message["Data"]["PaymentTransactionId"], "20261121AE000417");
    let at = read.message["Data"]["PaymentStatusUpdateDateTime"].clone();
    bank.clock.advance(Seconds::new(5));
    assert_eq!(log(settled).await.status, 204, "the same again");
    let again = bank.get(&bank.client_token("tpp"), &format!("/payments/{id}")).await;
    assert_eq!(again.message["Data"]["PaymentStatusUpdateDateTime"], at, "has no effect");
    assert_eq!(status(&bank).await, ConsentStatus::Finished, "its one payment was made");
    let unknown = "/payment-log/6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33";
    let got = bank.lfi(Method::PATCH, unknown, &json!({"paymentResponse": {"status": "Pending"}})).await;
    assert_eq!((got.status.as_u16(), got.message), (404, Value::Null));
}

#[tokio::test]
async fn section_15_a_body_is_closed_and_read_strictly() {
    let bank = Bank::open().await;
    bank.consented(CONSENT, "tpp").await;
    let lfi = bank.token_with("lfi", "consent_manager");
    for body in [
        "",
        "[]",
        "{}",
        "{\"consentBody\":{}}",
        "{\"consentBody\":{\"Data\":{\"Status\":\"Gone\"}}}",
        "{\"consentBody\":{\"Data\":{\"Status\":\"Suspended\",\"Status\":\"Suspended\"}}}",
        "{\"consentBody\":{\"Data\":{\"Status\":\"Suspended\",\"More\":1}}}",
        "{\"psuIdentifiers\":{\"userId\":\"two words\"}}",
        "{\"accountIds\":[\"\"]}",
        "{\"authorizationChannel\":\"Fax\"}",
    ] {
        let got = bank.lfi_with(&lfi, Method::PATCH, &format!("/consents/{CONSENT}"), body.to_owned()).await;
        assert_eq!(got.code(), (400, "Body.InvalidFormat"), "{body}");
    }
    assert_eq!(status(&bank).await, ConsentStatus::Authorized);
}
