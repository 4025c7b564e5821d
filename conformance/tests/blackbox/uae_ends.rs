//! UAE bank service initiation, sections 5.1, 6, 8.1 and 10: what ends with a consent, and what lives as long as it.

use bytes::Bytes;
use conformance::client::Answer;
use conformance::host;
use conformance::tpp::flow::{Ask, Call, Tokens, Tpp};
use conformance::tpp::mutate::HONEST;
use conformance::user::Decision;
use http::Request;
use serde_json::{Value, json};

use crate::support::uae::{self, ACCOUNT, BASE};
use crate::support::{World, over_every_database};

over_every_database!(
    an_order_for_a_later_day_is_rejected_with_the_end_of_its_consent_whoever_ends_it,
    a_used_key_is_told_before_anything_else_of_the_new_content,
    a_body_without_an_audience_and_an_amount_with_zeros_in_front_pay,
);

const AMOUNT: &str = "0000000000000003.00";

/// A payment in a week.
fn dated() -> (String, Ask) {
    let id = format!("aac-{}", host::uuid());
    let mut details = uae::details(&id, AMOUNT);
    let day = 86_400;
    let (then, end) = (uae::instant(host::now() + 7 * day), uae::instant(host::now() + 8 * day));
    details["Data"]["ExpirationDateTime"] = json!(end);
    details["Data"]["ControlParameters"]["ConsentSchedule"] = json!({"SinglePayment": {
        "Type": "UAEOF.SingleFutureDatedPayment", "Amount": {"Amount": AMOUNT, "Currency": "AED"},
        "RequestedExecutionDateTime": then}});
    (id, Ask::new("openid payments").with_details(&json!([details])))
}

async fn given(world: &World, tpp: &Tpp, ask: &Ask) -> Tokens {
    let request_uri = world.push(tpp, ask).await;
    let returned = world.decide(tpp, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let code = tpp.code(ask, &returned).await.unwrap();
    Tokens::read(&tpp.redeem(ask, &code, HONEST).await.unwrap()).unwrap()
}

async fn alone(tpp: &Tpp, scope: &str) -> String {
    tpp.act_alone(scope, HONEST).await.unwrap().member("access_token").unwrap()
}

async fn read(world: &World, tpp: &Tpp, path: &str) -> Value {
    let url = format!("{}{BASE}{path}", uae::api_origin(world, tpp));
    let answer = tpp.get(&url, &alone(tpp, "payments").await, HONEST).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    uae::message(tpp, &answer).await["Data"].clone()
}

async fn send(
    client: &Tpp,
    (method, url): (&'static str, &str),
    scope: &str,
    body: (&str, String),
) -> Answer {
    let token = alone(client, scope).await;
    let headers = vec![("content-type", body.0.to_owned())];
    let call = Call { method, url, token: &token, headers, body: Bytes::from(body.1) };
    client.call(&call, HONEST).await.unwrap()
}

/// The consent ends, by one of three doors.
async fn end(world: &World, tpp: &Tpp, id: &str, door: &str) {
    let status = match door {
        "client" => {
            let url = format!("{}{BASE}/payment-consents/{id}", uae::api_origin(world, tpp));
            let over = json!({"Data": {"Status": "Revoked", "RevokedBy": "TPP.InitiatedByUser"}});
            let body = ("application/jwt", uae::signed(tpp, &over));
            send(tpp, ("PATCH", &url), "payments", body).await.status
        }
        "bank" => {
            let manager = "/open-finance/consent-manager/v1";
            let url = format!("{}{manager}/consents/{id}/action/revoke", world.bank.origin());
            let body = ("application/json", json!({"revokedBy": "LFI"}).to_string());
            send(&world.client("lfi").await, ("POST", &url), "consent_manager", body).await.status
        }
        _ => {
            let request = Request::post(format!("{}/consents/{id}/revoke", world.bank.admin_origin()))
                .header("content-type", "application/json")
                .body(Bytes::from(json!({"actor": "olga", "reason": "case 17"}).to_string()));
            world.bank.client().unwrap().send(request.unwrap()).await.unwrap().status
        }
    };
    assert!(status.is_success(), "{door}: {status}");
}

async fn an_order_for_a_later_day_is_rejected_with_the_end_of_its_consent_whoever_ends_it(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    let palm = world.palm();
    let before = uae::balance(world).await;
    for door in ["client", "bank", "operator"] {
        let (id, ask) = dated();
        let tokens = given(world, &palm, &ask).await;
        let paid = uae::pay(world, &palm, &tokens.access, &host::uuid(), &uae::order(&id, AMOUNT)).await;
        assert_eq!(paid.status, 201, "{}", paid.text());
        let paid = uae::message(&palm, &paid).await["Data"].clone();
        assert_eq!(paid["Instruction"]["Amount"]["Amount"], "3.00");
        let path = format!("/payments/{}", paid["PaymentId"].as_str().unwrap());
        assert_eq!(read(world, &palm, &path).await["PaymentStatus"], "Pending", "{door}");
        end(world, &palm, &id, door).await;
        if door == "operator" {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        let payment = read(world, &palm, &path).await;
        assert_eq!(payment["PaymentStatus"], "Rejected", "{door}: {payment}");
        assert_eq!(payment["PaymentStatusDetail"]["Reason"]["Code"], "LFI.GenericFailure", "{door}");
        let consent = read(world, &palm, &format!("/payment-consents/{id}")).await;
        assert_eq!(consent["Status"], "Revoked", "{door}");
        assert_eq!(consent["PaymentConsumption"]["CumulativeNumberOfPayments"], 0, "{door}");
    }
    assert_eq!(uae::balance(world).await, before, "no money has moved");
}

async fn a_used_key_is_told_before_anything_else_of_the_new_content(world: &World) {
    let palm = world.palm();
    let (id, ask) = dated();
    let tokens = given(world, &palm, &ask).await;
    let (key, order) = (host::uuid(), uae::order(&id, AMOUNT));
    assert_eq!(uae::pay(world, &palm, &tokens.access, &key, &order).await.status, 201);
    for (pointer, other) in [
        ("/Data/Instruction/Amount/Currency", "USD"),
        ("/Data/Instruction/Amount/Amount", "3.00"),
        ("/Data/Instruction/Amount/Amount", "4.00"),
        ("/Data/PaymentPurposeCode", "RENT"),
    ] {
        let mut changed = order.clone();
        *changed.pointer_mut(pointer).unwrap() = json!(other);
        let answer = uae::pay(world, &palm, &tokens.access, &key, &changed).await;
        assert_eq!(answer.status, 409, "{pointer} {other}: {}", answer.text());
        assert_eq!(uae::message(&palm, &answer).await["Errors"][0]["Code"], "GenericError");
    }
}

async fn a_body_without_an_audience_and_an_amount_with_zeros_in_front_pay(world: &World) {
    let palm = world.palm();
    let (id, ask) = dated();
    let tokens = given(world, &palm, &ask).await;
    let url = format!("{}{BASE}/payments", uae::api_origin(world, &palm));
    for (aud, status) in [(Some("https://bank.example"), 400), (None, 201)] {
        let headers =
            vec![("content-type", "application/jwt".to_owned()), ("x-idempotency-key", host::uuid())];
        let body = Bytes::from(uae::signed_for(&palm, aud, &uae::order(&id, "003.00")));
        let call = Call { method: "POST", url: &url, token: &tokens.access, headers, body };
        let answer = palm.call(&call, HONEST).await.unwrap();
        assert_eq!(answer.status, status, "{aud:?}: {}", answer.text());
        if status == 400 {
            let error = &uae::message(&palm, &answer).await["Errors"][0];
            assert_eq!((&error["Code"], &error["Path"]), (&json!("JWS.InvalidClaim"), &json!("aud")));
        }
    }
}
