//! Whole journeys: what a third party and a customer do with this bank, from the first request to the last.

use bytes::Bytes;
use conformance::client::Answer;
use conformance::host;
use conformance::html;
use conformance::tpp::flow::{Ask, Call, Tokens, Tpp};
use conformance::tpp::mutate::HONEST;
use conformance::user::{Decision, User};
use serde_json::{Value, json};

use crate::support::judge::{inactive, refused};
use crate::support::uae::{self, ACCOUNT, AMOUNT, BASE};
use crate::support::{World, over_every_database, page, page_form};

over_every_database!(
    a_customer_pays_a_shop,
    a_customer_pays_through_a_client_with_a_certificate,
    a_customer_shares_accounts_and_takes_them_back,
    a_customer_refuses_and_nothing_can_be_paid,
    a_customer_ends_a_payment_consent_on_the_banks_page,
    a_payment_beyond_its_consent_is_refused,
    a_code_whose_consent_has_ended_brings_nothing,
);

const PHILIPPINES: &str = "/OFPH/v1";

async fn approved(world: &World, tpp: &Tpp, ask: &Ask, accounts: &[&str]) -> Tokens {
    let request_uri = world.push(tpp, ask).await;
    let accounts = accounts.iter().map(|id| (*id).to_owned()).collect();
    let returned = world.decide(tpp, &request_uri, &Decision::ApproveOnly(accounts)).await;
    let code = tpp.code(ask, &returned).await.unwrap();
    Tokens::read(&tpp.redeem(ask, &code, HONEST).await.unwrap()).unwrap()
}

/// PAR-23, TK-15, RS-01, RS-07 and the UAE contract of sections 8.1 to 8.4 and 10.
async fn pays(world: &World, tpp: &Tpp) {
    let before = uae::balance(world).await;
    let (id, ask) = uae::single_payment();
    let tokens = approved(world, tpp, &ask, &[ACCOUNT]).await;
    let details = &tokens.body["authorization_details"][0];
    assert_eq!(details["type"], json!("urn:openfinanceuae:service-initiation-consent"));
    assert_eq!((&details["Type"], &details["Data"]["ConsentId"]), (&json!("PaymentConsent"), &json!(id)));
    assert!(!details.to_string().contains(ACCOUNT), "the chosen account is not told");
    let scope = tokens.body["scope"].as_str().unwrap();
    assert!(scope.split(' ').any(|value| value == format!("payments:{id}")), "{scope}");

    let key = host::uuid();
    let order = uae::order(&id, AMOUNT);
    let answer = uae::pay(world, tpp, &tokens.access, &key, &order).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("x-idempotency-key"), Some(key.as_str()));
    assert!(answer.header("x-fapi-interaction-id").is_some());
    let told = uae::message(tpp, &answer).await;
    let payment = told["Data"]["PaymentId"].as_str().unwrap();
    assert_eq!(told["Data"]["PaymentStatus"], json!("Pending"));
    assert!(answer.header("location").unwrap().ends_with(&format!("{BASE}/payments/{payment}")));

    let again = uae::pay(world, tpp, &tokens.access, &key, &order).await;
    assert_eq!((again.status, again.header("location")), (answer.status, answer.header("location")));
    assert_eq!(uae::message(tpp, &again).await, told, "a repeated order is answered with the first answer");

    let end = uae::settled(world, tpp, &tokens.access, payment).await;
    assert_eq!(end["Data"]["PaymentStatus"], json!("AcceptedCreditSettlementCompleted"));
    assert_eq!(uae::balance(world).await, before - 14_990, "paid once");
    let consent = read_consent(world, tpp, &tokens.access, &id).await;
    assert_eq!(consent["Data"]["Status"], json!("Finished"));
}

async fn read_consent(world: &World, tpp: &Tpp, token: &str, id: &str) -> Value {
    let url = format!("{}{BASE}/payment-consents/{id}", uae::api_origin(world, tpp));
    let answer = tpp.get(&url, token, HONEST).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    uae::message(tpp, &answer).await
}

async fn a_customer_pays_a_shop(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    pays(world, &world.palm()).await;
}

async fn a_customer_pays_through_a_client_with_a_certificate(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    pays(world, &world.luzon()).await;
}

async fn call((world, tpp): (&World, &Tpp), method: &str, path: &str, token: &str, body: &str) -> Answer {
    let url = format!("{}{PHILIPPINES}{path}", uae::api_origin(world, tpp));
    let mut headers =
        vec![("participant-id", tpp.id().to_owned()), ("accept", "application/json".to_owned())];
    if !body.is_empty() {
        headers.push(("content-type", "application/json".to_owned()));
    }
    let call = Call { method, url: &url, token, headers, body: Bytes::from(body.to_owned()) };
    tpp.call(&call, HONEST).await.unwrap()
}

/// OFxPERA sections 4, 7.1, 8.4 and 8.5.
async fn a_customer_shares_accounts_and_takes_them_back(world: &World) {
    let palm = world.palm();
    let alone = palm.act_alone("consent", HONEST).await.unwrap().member("access_token").unwrap();
    let now = host::now();
    let wanted = json!({"data": {
        "data_holder_id": "bayan-trust",
        "permissions": ["PERA_BASIC_INFO", "PERA_BALANCE", "PERA_TRANSACTIONS"],
        "sharing_duration": {"start_date": uae::instant(now), "end_date": uae::instant(now + 30 * 86_400)},
        "purpose": "show my savings in the Palm Books app"}});
    let made = call((world, &palm), "POST", "/common/consent", &alone, &wanted.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let consent = made.json().unwrap()["data"].clone();
    assert_eq!(consent["status"], json!("pending"));
    let id = consent["id"].as_str().unwrap();
    assert!(made.header("location").unwrap().ends_with(&format!("/common/consent/{id}")));

    let ask = Ask::new("openid accounts.basic accounts.details")
        .with_details(&json!([{"type": "urn:ofxpera:consent:v1", "consentId": id}]));
    let tokens = approved(world, &palm, &ask, &["pera-mariam-1"]).await;
    assert_eq!(tokens.body["authorization_details"][0]["consentId"], json!(id));

    let list = call((world, &palm), "GET", "/banking/accounts", &tokens.access, "").await;
    assert_eq!(list.status, 200, "{}", list.text());
    let accounts = list.json().unwrap()["data"].clone();
    let ids: Vec<&str> = accounts
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap_or_else(|| panic!("{one}")))
        .collect();
    assert_eq!(ids, ["pera-mariam-1"], "only what was ticked");
    let path = format!("/banking/account/{}/transactions", ids[0]);
    let history = call((world, &palm), "GET", &path, &tokens.access, "").await;
    assert_eq!(history.status, 200, "{}", history.text());
    let lines = history.json().unwrap()["data"].clone();
    assert!(lines.as_array().is_some_and(|lines| !lines.is_empty()), "{lines}");
    let other = call((world, &palm), "GET", "/banking/accounts/acc-mariam-2", &tokens.access, "").await;
    assert_eq!(other.status, 404, "{}", other.text());

    let ended = call((world, &palm), "DELETE", &format!("/common/consent/{id}"), &alone, "").await;
    assert_eq!(ended.status, 200, "{}", ended.text());
    let after = call((world, &palm), "GET", "/banking/accounts", &tokens.access, "").await;
    assert_eq!(after.status, 401, "at once: {}", after.text());
    refused(&palm.refresh(&tokens.refresh.unwrap(), HONEST).await.unwrap(), 400, "invalid_grant");
    inactive(&world.apis().present("introspection_endpoint", &tokens.access, HONEST).await.unwrap(), "ended");
}

async fn a_customer_refuses_and_nothing_can_be_paid(world: &World) {
    let palm = world.palm();
    let (id, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let returned = world.decide(&palm, &request_uri, &Decision::Deny).await;
    assert_eq!(returned.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(
        (returned.parameter("state"), returned.parameter("iss")),
        (Some(ask.state), Some(world.issuer()))
    );
    assert_eq!(returned.parameter("code"), None);
    let alone = palm.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap();
    assert_eq!(read_consent(world, &palm, &alone, &id).await["Data"]["Status"], json!("Rejected"));
    let again = Ask::new("openid payments").with_details(&json!([uae::details(&id, AMOUNT)]));
    refused(&palm.push(&again, HONEST).await.unwrap(), 400, "invalid_authorization_details");
}

async fn a_customer_ends_a_payment_consent_on_the_banks_page(world: &World) {
    let palm = world.palm();
    let (id, ask) = uae::single_payment();
    let tokens = approved(world, &palm, &ask, &[ACCOUNT]).await;
    let mut visit = world.signed_in().await;
    let list = visit.open(&format!("{}/my/consents", world.issuer())).await.unwrap();
    let href = format!("/my/consents/{id}");
    assert!(page(&list).text().contains(&id), "the consent is listed");
    let details = visit.open(&format!("{}{href}", world.issuer())).await.unwrap();
    assert!(page(&details).text().contains("149.90"));
    let sure = visit.submit(&page_form(&details, "revoke"), "revoke").await.unwrap();
    let done = visit.submit(&page_form(&sure, "confirm-revoke"), "confirm-revoke").await.unwrap();
    assert_eq!(page(&done).status, 200);

    let answer = uae::pay(world, &palm, &tokens.access, &host::uuid(), &uae::order(&id, AMOUNT)).await;
    assert_eq!(answer.status, 401, "an ended consent ends its tokens: {}", answer.text());
    refused(&palm.refresh(&tokens.refresh.unwrap(), HONEST).await.unwrap(), 400, "invalid_grant");
    inactive(&world.apis().present("introspection_endpoint", &tokens.access, HONEST).await.unwrap(), "ended");

    // another customer sees and ends nothing of it
    let mut stranger = palm.visit().unwrap();
    let place = stranger.open(&format!("{}/sign-in", world.issuer())).await.unwrap();
    let maria = User::new("maria", &world.user.password);
    stranger.sign_in(page_form(&place, "password"), &maria).await.unwrap();
    let hidden = stranger.open(&format!("{}{href}", world.issuer())).await.unwrap();
    assert_eq!(page(&hidden).status, 404);
    assert!(html::text_of(&page(&hidden).text(), "error").is_some());
}

/// TK-30: the customer changes their mind before the third party has come for its tokens.
async fn a_code_whose_consent_has_ended_brings_nothing(world: &World) {
    let palm = world.palm();
    let (id, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let returned = world.decide(&palm, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let code = palm.code(&ask, &returned).await.unwrap();
    let mut visit = world.signed_in().await;
    let details = visit.open(&format!("{}/my/consents/{id}", world.issuer())).await.unwrap();
    let sure = visit.submit(&page_form(&details, "revoke"), "revoke").await.unwrap();
    let done = visit.submit(&page_form(&sure, "confirm-revoke"), "confirm-revoke").await.unwrap();
    assert_eq!(page(&done).status, 200);
    refused(&palm.redeem(&ask, &code, HONEST).await.unwrap(), 400, "invalid_grant");
}

async fn a_payment_beyond_its_consent_is_refused(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    let palm = world.palm();
    let before = uae::balance(world).await;
    let (id, ask) = uae::single_payment();
    let tokens = approved(world, &palm, &ask, &[ACCOUNT]).await;
    let (foreign, _) = uae::single_payment();
    for (case, order, status) in [
        ("more", uae::order(&id, "149.91"), 400),
        ("less", uae::order(&id, "149.89"), 400),
        ("another consent", uae::order(&foreign, AMOUNT), 403),
        ("a number with a letter", uae::order(&id, "149.9O"), 400),
        ("negative", uae::order(&id, "-149.90"), 400),
    ] {
        let answer = uae::pay(world, &palm, &tokens.access, &host::uuid(), &order).await;
        assert_eq!(answer.status.as_u16(), status, "{case}: {}", answer.text());
    }
    let plain = palm.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap();
    let answer = uae::pay(world, &palm, &plain, &host::uuid(), &uae::order(&id, AMOUNT)).await;
    assert!(matches!(answer.status.as_u16(), 401 | 403), "{}", answer.status);
    assert_eq!(uae::balance(world).await, before);
}
