//! OFxPERA section 8.6: contributions to a retirement account, under consents that a customer really gave.

use bytes::Bytes;
use conformance::client::Answer;
use conformance::host;
use conformance::tpp::flow::{Ask, Call, Tokens, Tpp};
use conformance::tpp::mutate::HONEST;
use conformance::user::Decision;
use serde_json::{Value, json};

use crate::support::uae::{self, api_origin, instant};
use crate::support::{World, over_every_database};

over_every_database!(
    a_contribution_is_received_completed_and_listed,
    a_contribution_of_a_later_day_is_cancelled_once,
    a_contribution_stays_within_its_consent,
);

const SOURCE: &str = "acc-mariam-3";
const PERA: &str = "pera-mariam-1";
/// Both third parties: tokens bound to a proof key, and to a certificate.
const CLIENTS: [&str; 2] = ["palm-books", "luzon-bank"];

/// One call of the API.
struct Request<'a> {
    method: &'static str,
    path: &'a str,
    key: Option<&'a str>,
    body: Option<Value>,
}

const fn get(path: &str) -> Request<'_> {
    Request { method: "GET", path, key: None, body: None }
}

const fn delete(path: &str) -> Request<'_> {
    Request { method: "DELETE", path, key: None, body: None }
}

const fn post<'a>(path: &'a str, key: &'a str, body: Value) -> Request<'a> {
    Request { method: "POST", path, key: Some(key), body: Some(body) }
}

async fn call((world, tpp): (&World, &Tpp), token: &str, request: Request<'_>) -> Answer {
    let url = format!("{}/OFPH/v1{}", api_origin(world, tpp), request.path);
    let mut headers =
        vec![("participant-id", tpp.id().to_owned()), ("accept", "application/json".to_owned())];
    headers.extend(request.key.map(|key| ("x-idempotency-key", key.to_owned())));
    headers.extend(request.body.as_ref().map(|_| ("content-type", "application/json".to_owned())));
    let body = Bytes::from(request.body.map_or_else(String::new, |body| body.to_string()));
    tpp.call(&Call { method: request.method, url: &url, token, headers, body }, HONEST).await.unwrap()
}

/// The data of an answer with this status.
#[track_caller]
fn data(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    answer.json().unwrap()["data"].clone()
}

/// Refused with this status and code.
#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    let told = answer.json().unwrap_or_default();
    assert_eq!((answer.status.as_u16(), &told["errors"][0]["code"]), (status, &json!(code)), "{told}");
}

fn pesos(amount: &str) -> Value {
    json!({"amount": amount, "currency": "PHP"})
}

fn order(amount: &str) -> Value {
    json!({"data": {"sourceAccountId": SOURCE, "peraAccountId": PERA, "amount": pesos(amount),
        "reference": "CTR-2026-11"}})
}

/// A consent for contributions, lodged by the client and approved by the customer for the source account.
async fn consented(world: &World, tpp: &Tpp) -> (String, Tokens) {
    let alone = tpp.act_alone("consent", HONEST).await.unwrap().member("access_token").unwrap();
    let now = host::now();
    let wanted = json!({"data": {
        "data_holder_id": "bayan-trust",
        "permissions": ["PAYMENT_INITIATE", "SOURCE_ACCOUNT_READ"],
        "sharing_duration": {"start_date": instant(now), "end_date": instant(now + 30 * 86_400)},
        "purpose": "pay into my retirement account",
        "payment_limits": {"max_individual_amount": pesos("500.00"), "max_total_amount": pesos("800.00")}}});
    let key = host::uuid();
    let made = call((world, tpp), &alone, post("/common/consent", &key, wanted)).await;
    let consent = data(&made, 201);
    let id = consent["id"].as_str().unwrap().to_owned();
    let ask = Ask::new("openid payments bank_account")
        .with_details(&json!([{"type": "urn:ofxpera:consent:v1", "consentId": id}]));
    let request_uri = world.push(tpp, &ask).await;
    let chosen = Decision::ApproveOnly(vec![SOURCE.to_owned()]);
    let returned = world.decide(tpp, &request_uri, &chosen).await;
    let code = tpp.code(&ask, &returned).await.unwrap();
    let tokens = Tokens::read(&tpp.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    assert_eq!(tokens.body["authorization_details"][0]["consentId"], json!(id));
    (id, tokens)
}

async fn a_contribution_is_received_completed_and_listed(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    for client in CLIENTS {
        let tpp = world.client(client).await;
        let (consent, tokens) = consented(world, &tpp).await;
        let with = (world, &tpp);
        let sources = data(&call(with, &tokens.access, get("/banking/account")).await, 200);
        assert_eq!((sources.as_array().unwrap().len(), &sources[0]["accountId"]), (1, &json!(SOURCE)));

        let key = host::uuid();
        let made = call(with, &tokens.access, post("/banking/payments", &key, order("500.00"))).await;
        let payment = data(&made, 201);
        let id = payment["paymentId"].as_str().unwrap();
        assert_eq!(
            (&payment["status"], &payment["consentId"], &payment["type"], &payment["rail"]),
            (&json!("RECEIVED"), &json!(consent), &json!("CONTRIBUTION"), &json!("INTERNAL"))
        );
        assert_eq!(payment["amount"], pesos("500.00"));
        let path = format!("/banking/payments/{id}");
        assert!(made.header("location").unwrap().ends_with(&format!("/OFPH/v1{path}")));
        let again = call(with, &tokens.access, post("/banking/payments", &key, order("500.00"))).await;
        assert_eq!(data(&again, 201)["paymentId"], json!(id), "a repeat is the same payment");
        let other = call(with, &tokens.access, post("/banking/payments", &key, order("1.00"))).await;
        refused(&other, 409, "IDEMPOTENCY_CONFLICT");

        let mut now = data(&call(with, &tokens.access, get(&path)).await, 200);
        for _ in 0..20 {
            if now["status"] == json!("COMPLETED") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
            now = data(&call(with, &tokens.access, get(&path)).await, 200);
        }
        assert_eq!(now["status"], json!("COMPLETED"), "{now}");
        refused(&call(with, &tokens.access, delete(&path)).await, 409, "PAYMENT_NOT_CANCELLABLE");

        let alone = tpp.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap();
        for token in [&tokens.access, &alone] {
            let list = data(&call(with, token, get("/banking/payments?status=COMPLETED")).await, 200);
            assert_eq!(list[0]["paymentId"], json!(id), "newest first");
        }
        let own = data(&call(with, &tokens.access, get("/banking/payments")).await, 200);
        assert_eq!(own.as_array().unwrap().len(), 1, "the payments of this consent alone");
        nobody_elses(world, &tpp, &path).await;
    }
}

/// Another client sees and cancels nothing of it.
async fn nobody_elses(world: &World, tpp: &Tpp, path: &str) {
    let other = CLIENTS.into_iter().find(|id| *id != tpp.id()).unwrap();
    let other = world.client(other).await;
    let alone = other.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap();
    refused(&call((world, &other), &alone, get(path)).await, 404, "PAYMENT_NOT_FOUND");
    refused(&call((world, &other), &alone, delete(path)).await, 404, "PAYMENT_NOT_FOUND");
}

async fn a_contribution_of_a_later_day_is_cancelled_once(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    for client in CLIENTS {
        let tpp = world.client(client).await;
        let (_, tokens) = consented(world, &tpp).await;
        let with = (world, &tpp);
        let mut later = order("120.00");
        // Manila is eight hours ahead of UTC all year
        later["data"]["requestedExecutionDate"] = json!(uae::date(host::now() + 8 * 3600 + 3 * 86_400));
        let key = host::uuid();
        let made = call(with, &tokens.access, post("/banking/payments", &key, later.clone())).await;
        let payment = data(&made, 201);
        assert_eq!(payment["requestedExecutionDate"], later["data"]["requestedExecutionDate"]);
        let path = format!("/banking/payments/{}", payment["paymentId"].as_str().unwrap());
        assert_eq!(data(&call(with, &tokens.access, get(&path)).await, 200)["status"], json!("RECEIVED"));
        for _ in 0..2 {
            let cancelled = data(&call(with, &tokens.access, delete(&path)).await, 200);
            assert_eq!(cancelled["status"], json!("CANCELLED"), "repeatable");
        }
        let read = data(&call(with, &tokens.access, get(&path)).await, 200);
        assert_eq!(read["status"], json!("CANCELLED"), "the record stays");
        let list = data(&call(with, &tokens.access, get("/banking/payments?status=RECEIVED")).await, 200);
        assert_eq!(list, json!([]));
        let replay = call(with, &tokens.access, post("/banking/payments", &key, later)).await;
        assert_eq!(data(&replay, 201)["paymentId"], payment["paymentId"], "no second payment");
    }
}

async fn a_contribution_stays_within_its_consent(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    let tpp = world.client("palm-books").await;
    let (consent, tokens) = consented(world, &tpp).await;
    let with = (world, &tpp);
    let pay = async |body: Value| {
        let key = host::uuid();
        call(with, &tokens.access, post("/banking/payments", &key, body)).await
    };
    let changed = |name: &str, value: Value| {
        let mut body = order("10.00");
        body["data"][name] = value;
        body
    };
    refused(&pay(order("500.01")).await, 422, "CONSENT_LIMIT_EXCEEDED");
    refused(&pay(changed("sourceAccountId", json!("acc-mariam-1"))).await, 422, "SOURCE_ACCOUNT_UNUSABLE");
    refused(&pay(changed("sourceAccountId", json!("sa-58f1"))).await, 422, "SOURCE_ACCOUNT_UNUSABLE");
    refused(&pay(changed("peraAccountId", json!("pa-1"))).await, 404, "ACCOUNT_NOT_FOUND");
    refused(&pay(changed("peraAccountId", json!(SOURCE))).await, 404, "ACCOUNT_NOT_FOUND");
    refused(&pay(changed("amount", json!({"amount": "10", "currency": "PHP"}))).await, 400, "INVALID_FIELD");
    refused(
        &pay(changed("amount", json!({"amount": "10.00", "currency": "AED"}))).await,
        400,
        "INVALID_FIELD",
    );
    refused(&pay(changed("contributorType", json!("Overseas Filipino"))).await, 400, "INVALID_FIELD");
    assert_eq!(pay(order("500.00")).await.status, 201);
    refused(&pay(order("300.01")).await, 422, "CONSENT_LIMIT_EXCEEDED");
    assert_eq!(pay(order("300.00")).await.status, 201, "a limit may be reached");
    refused(&pay(order("0.01")).await, 422, "CONSENT_LIMIT_EXCEEDED");

    let unkeyed = Request { method: "POST", path: "/banking/payments", key: None, body: Some(order("1.00")) };
    refused(&call(with, &tokens.access, unkeyed).await, 400, "MISSING_HEADER");
    let alone = tpp.act_alone("payments consent", HONEST).await.unwrap().member("access_token").unwrap();
    let key = host::uuid();
    let without = call(with, &alone, post("/banking/payments", &key, order("1.00"))).await;
    assert!(matches!(without.status.as_u16(), 401 | 403), "no customer stands behind it: {}", without.text());
    let ended = call(with, &alone, delete(&format!("/common/consent/{consent}"))).await;
    assert_eq!(data(&ended, 200)["status"], json!("revoked"));
    let after = pay(order("0.01")).await;
    refused(&after, 401, "INVALID_TOKEN");
}
