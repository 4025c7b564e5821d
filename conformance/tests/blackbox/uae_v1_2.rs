//! UAE bank service initiation, version 1.2: a consent of dialect C, approved on the bank's page, and payments under it, with
//! what is said of people signed and then encrypted by another implementation.
#![expect(deprecated, reason = "padding that must be refused has to be made")]

use bytes::Bytes;
use conformance::client::Answer;
use conformance::host;
use conformance::tpp::flow::{Ask, Call, Tokens, Tpp};
use conformance::tpp::jws::{Draft, Members};
use conformance::tpp::mutate::HONEST;
use conformance::user::Decision;
use josekit::jwe::alg::rsaes::RsaesJweAlgorithm;
use josekit::jwe::{self, JweHeader, RSA_OAEP, RSA_OAEP_256, RSA1_5};
use josekit::jwk::Jwk;
use serde_json::{Value, json};

use crate::support::judge::refused;
use crate::support::raw::{Raw, fresh_proof};
use crate::support::uae::{self, ACCOUNT, AMOUNT};
use crate::support::{World, over_every_database, page};

over_every_database!(
    a_customer_pays_in_version_1_2_and_nobody_reads_who_was_paid,
    what_is_not_signed_by_the_client_or_not_encrypted_to_the_bank_is_no_consent,
    an_order_that_pays_somebody_else_is_refused_in_the_words_of_version_1_2,
    a_third_party_holds_its_consent_of_version_1_2_and_takes_it_back,
    a_consent_is_staged_at_the_address_of_either_version,
);

const BASE: &str = "/open-finance/payment/v1.2";
const TYPE: &str = "urn:openfinanceuae:service-initiation-consent:v1.2";
const IBAN: &str = "AE050260001015432198765";
const PAYEE: &str = "Date Palm Books LLC";

fn account(iban: &str) -> Value {
    json!({"CreditorAccount": {"SchemeName": "IBAN", "Identification": iban, "Name": {"en": PAYEE}}})
}

/// A signed object of this client around these members.
fn signed(tpp: &Tpp, said: &Value) -> String {
    let key = &tpp.registered().key;
    let header =
        Members::of([("alg", json!(key.alg().name())), ("kid", json!(key.id())), ("typ", json!("JWT"))]);
    let mut claims = Members::default();
    for (name, value) in said.as_object().unwrap() {
        claims.add(name, value.clone());
    }
    Draft { header, claims }.sign(key).unwrap()
}

/// Encrypted to the key that the bank publishes for that.
async fn sealed(world: &World, text: &str) -> String {
    sealed_by(world, text, &RSA_OAEP_256).await
}

/// As [`sealed`], with another padding for the key.
async fn sealed_by(world: &World, text: &str, padding: &RsaesJweAlgorithm) -> String {
    let set =
        world.bank.client().unwrap().get(&format!("{}/jwks", world.issuer())).await.unwrap().json().unwrap();
    let fits = |key: &&Value| key["use"] == "enc" && key["alg"] == "RSA-OAEP-256";
    let key = set["keys"].as_array().unwrap().iter().find(fits).unwrap().clone();
    let mut header = JweHeader::new();
    header.set_content_encryption("A256GCM");
    header.set_key_id(key["kid"].as_str().unwrap());
    let mut members = key.as_object().unwrap().clone();
    // a client that takes another padding does not heed it
    members.remove("alg");
    let jwk = Jwk::from_map(members).unwrap();
    jwe::serialize_compact(text.as_bytes(), &header, &padding.encrypter_from_jwk(&jwk).unwrap()).unwrap()
}

fn details(id: &str, personal: Value) -> Value {
    let until = host::now() + 1800;
    json!({"type": TYPE, "consent": {
        "ConsentId": id,
        "IsSingleAuthorization": true,
        "AuthorizationExpirationDateTime": uae::instant(until),
        "ExpirationDateTime": uae::instant(host::now() + 30 * 86_400),
        "Permissions": ["ReadRefundAccount"],
        "ControlParameters": {"ConsentSchedule": {"MultiPayment": {
            "MaximumCumulativeNumberOfPayments": 1,
            "MaximumCumulativeValueOfPayments": {"Amount": AMOUNT, "Currency": "AED"},
            "PeriodicSchedule": {"Type": "FixedOnDemand", "PeriodType": "Month",
                "PeriodStartDate": uae::date(host::now() + 4 * 3600),
                "Amount": {"Amount": AMOUNT, "Currency": "AED"},
                "Controls": {"MaximumCumulativeNumberOfPaymentsPerPeriod": 1}}}}},
        "PersonalIdentifiableInformation": personal,
        "DebtorReference": "order 88121",
        "PaymentPurposeCode": "ACM"}})
}

async fn asked(world: &World, tpp: &Tpp) -> (String, Ask) {
    asked_by(world, tpp, &RSA_OAEP_256).await
}

async fn asked_by(world: &World, tpp: &Tpp, padding: &RsaesJweAlgorithm) -> (String, Ask) {
    let id = host::uuid();
    let said = json!({"Initiation": {"Creditor": [account(IBAN)]}});
    let personal = sealed_by(world, &signed(tpp, &said), padding).await;
    let ask = Ask::new("openid payments").with_details(&json!([details(&id, json!(personal))]));
    (id, ask)
}

async fn approved(world: &World, tpp: &Tpp, ask: &Ask) -> Tokens {
    let request_uri = world.push(tpp, ask).await;
    let returned = world.decide(tpp, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let code = tpp.code(ask, &returned).await.unwrap();
    Tokens::read(&tpp.redeem(ask, &code, HONEST).await.unwrap()).unwrap()
}

async fn order(world: &World, tpp: &Tpp, id: &str, iban: &str) -> Value {
    let personal =
        sealed(world, &signed(tpp, &json!({"Initiation": account(iban), "Risk": {"Score": 1947110947}})))
            .await;
    json!({"Data": {
        "ConsentId": id,
        "Instruction": {"Amount": {"Amount": AMOUNT, "Currency": "AED"}},
        "PersonalIdentifiableInformation": personal,
        "PaymentPurposeCode": "ACM",
        "OpenFinanceBilling": {"Type": "Collection", "MerchantId": "88121-PALM"}}})
}

async fn send(
    world: &World,
    tpp: &Tpp,
    (method, path): (&str, &str),
    token: &str,
    message: &Value,
) -> Answer {
    let url = format!("{}{BASE}{path}", uae::api_origin(world, tpp));
    let headers =
        vec![("content-type", "application/jwt".to_owned()), ("accept", "application/jwt".to_owned())];
    let body = Bytes::from(uae::signed(tpp, message));
    tpp.call(&Call { method, url: &url, token, headers, body }, HONEST).await.unwrap()
}

async fn pay(world: &World, tpp: &Tpp, token: &str, key: &str, message: &Value) -> Answer {
    let url = format!("{}{BASE}/payments", uae::api_origin(world, tpp));
    let headers = vec![
        ("content-type", "application/jwt".to_owned()),
        ("accept", "application/jwt".to_owned()),
        ("x-idempotency-key", key.to_owned()),
    ];
    let body = Bytes::from(uae::signed(tpp, message));
    tpp.call(&Call { method: "POST", url: &url, token, headers, body }, HONEST).await.unwrap()
}

async fn read(world: &World, tpp: &Tpp, token: &str, path: &str) -> Value {
    let url = format!("{}{BASE}{path}", uae::api_origin(world, tpp));
    let answer = tpp.get(&url, token, HONEST).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    uae::message(tpp, &answer).await
}

async fn alone(tpp: &Tpp) -> String {
    tpp.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap()
}

/// Sections 3.3, 5.3, 8.1 to 8.4, 14 and 16.
async fn a_customer_pays_in_version_1_2_and_nobody_reads_who_was_paid(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    let palm = world.palm();
    let (id, ask) = asked(world, &palm).await;
    let request_uri = world.push(&palm, &ask).await;
    let place = world.signed_in().await.open(&palm.authorization_url(&request_uri).unwrap()).await.unwrap();
    let shown = page(&place).text();
    assert!(shown.contains(PAYEE) && shown.contains(IBAN), "the customer sees who is paid: {shown}");
    let returned = world.decide(&palm, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let code = palm.code(&ask, &returned).await.unwrap();
    let tokens = Tokens::read(&palm.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let echoed = &tokens.body["authorization_details"][0];
    assert_eq!((&echoed["type"], &echoed["consent"]["ConsentId"]), (&json!(TYPE), &json!(id)));
    let clear = |text: &str| text.contains(IBAN) || text.contains("Palm Books");
    assert!(!clear(&tokens.body.to_string()), "nobody is told who is paid: {}", tokens.body);

    let (key, wanted) = (host::uuid(), order(world, &palm, &id, IBAN).await);
    let answer = pay(world, &palm, &tokens.access, &key, &wanted).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let told = uae::message(&palm, &answer).await;
    assert_eq!(told["Data"]["Status"], json!("Pending"));
    assert_eq!(told["Data"]["OpenFinanceBilling"], wanted["Data"]["OpenFinanceBilling"]);
    let anew = order(world, &palm, &id, IBAN).await;
    let again = pay(world, &palm, &tokens.access, &key, &anew).await;
    assert_eq!(
        (again.status.as_u16(), uae::message(&palm, &again).await),
        (201, told.clone()),
        "encrypted anew, the same"
    );

    let path = format!("/payments/{}", told["Data"]["PaymentId"].as_str().unwrap());
    let mut latest = told;
    for _ in 0..60 {
        if latest["Data"]["Status"] == json!("AcceptedCreditSettlementCompleted") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        latest = read(world, &palm, &tokens.access, &path).await;
    }
    assert_eq!(latest["Data"]["Status"], json!("AcceptedCreditSettlementCompleted"), "{latest}");
    let consent = read(world, &palm, &alone(&palm).await, &format!("/payment-consents/{id}")).await;
    assert_eq!(consent["Data"]["Status"], json!("Consumed"));
    assert_eq!(consent["Data"]["PaymentConsumption"]["CumulativeNumberOfPayments"], json!(1));
    assert!(!clear(&consent.to_string()) && consent["Data"].get("PersonalIdentifiableInformation").is_none());
    let log = world.bank.log_end();
    assert!(!log.contains(IBAN) && !log.contains("1947110947"), "nor does the log");
    let url = format!("{}/consents/{id}{path}", world.bank.admin_origin());
    let record: Value = world.bank.client().unwrap().get(&url).await.unwrap().json().unwrap();
    assert_eq!(
        record["risk"],
        json!({"Score": 1947110947}),
        "the bank itself reads what came for its assessment"
    );
    assert!(!clear(&record.to_string()) && !consent.to_string().contains("1947110947"));
}

/// Sections 2.5 and 16: one answer, whatever is wrong with it.
async fn what_is_not_signed_by_the_client_or_not_encrypted_to_the_bank_is_no_consent(world: &World) {
    let palm = world.palm();
    let said = json!({"Initiation": {"Creditor": [account(IBAN)]}});
    let stranger = signed(&world.luzon(), &said);
    let mut answers = Vec::new();
    for personal in [
        said.clone(),
        json!(signed(&palm, &said)),
        json!(sealed(world, &said.to_string()).await),
        json!(sealed(world, &stranger).await),
        json!("a.b.c.d.e"),
    ] {
        let ask = Ask::new("openid payments").with_details(&json!([details(&host::uuid(), personal)]));
        let answer = palm.push(&ask, HONEST).await.unwrap();
        refused(&answer, 400, "invalid_authorization_details");
        let text = answer.text();
        assert!(text.contains("consent.PersonalIdentifiableInformation") && !text.contains(IBAN), "{text}");
        answers.push(text);
    }
    assert_eq!(answers[1], answers[2]);
    assert_eq!(answers[2], answers[3], "nobody learns which layer failed");
}

/// Section 1, row 1: the addresses of both vocabularies lead to one handler.
async fn a_consent_is_staged_at_the_address_of_either_version(world: &World) {
    let tpp = world.palm();
    for (path, padding) in [("/open-finance/auth/v1.2/par", RSA_OAEP), ("/open-finance/v1/par", RSA_OAEP_256)]
    {
        let (id, ask) = asked_by(world, &tpp, &padding).await;
        let mut raw = Raw::push(&tpp, &ask);
        raw.url = format!("{}{path}", uae::api_origin(world, &tpp));
        let proof = fresh_proof(&tpp, &raw.url).unwrap();
        let answer = raw.instead("dpop", &proof).send(&tpp.registered().http).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
        let alone = alone(&tpp).await;
        let kept = read(world, &tpp, &alone, &format!("/payment-consents/{id}")).await;
        assert_eq!(kept["Data"]["Status"], "AwaitingAuthorization", "{path}");
    }
    let (_, never) = asked_by(world, &tpp, &RSA1_5).await;
    let answer = Raw::push(&tpp, &never).send(&tpp.registered().http).await;
    refused(&answer, 400, "invalid_authorization_details");
}

/// Sections 8.1, step 10, 13 and 16.
async fn an_order_that_pays_somebody_else_is_refused_in_the_words_of_version_1_2(world: &World) {
    let palm = world.palm();
    let (id, ask) = asked(world, &palm).await;
    let tokens = approved(world, &palm, &ask).await;
    let other = order(world, &palm, &id, "AE540460000000000012345").await;
    let answer = pay(world, &palm, &tokens.access, &host::uuid(), &other).await;
    assert_eq!(answer.status, 400);
    let error = &uae::message(&palm, &answer).await["Errors"][0];
    assert_eq!(error["Code"], json!("Consent.BusinessRuleViolation"));
    assert_eq!(error["Path"], json!("Data.PersonalIdentifiableInformation.Initiation.CreditorAccount"));
    let early = uae::pay(world, &palm, &tokens.access, &host::uuid(), &uae::order(&id, AMOUNT)).await;
    assert_eq!(early.status, 400);
    assert_eq!(uae::message(&palm, &early).await["Errors"][0]["Code"], json!("Consent.Invalid"));
}

/// Sections 6 and 11.1.
async fn a_third_party_holds_its_consent_of_version_1_2_and_takes_it_back(world: &World) {
    let palm = world.palm();
    let (id, ask) = asked(world, &palm).await;
    let tokens = approved(world, &palm, &ask).await;
    let path = format!("/payment-consents/{id}");
    let to = |status: &str| json!({"Data": {"Status": status}});
    let status = async || {
        read(world, &palm, &alone(&palm).await, &path).await["Data"]["Status"].as_str().unwrap().to_owned()
    };
    assert_eq!(send(world, &palm, ("PATCH", &path), &alone(&palm).await, &to("Suspended")).await.status, 204);
    assert_eq!(status().await, "Suspended");
    let wanted = order(world, &palm, &id, IBAN).await;
    assert_eq!(pay(world, &palm, &tokens.access, &host::uuid(), &wanted).await.status, 400);
    assert_eq!(
        send(world, &palm, ("PATCH", &path), &alone(&palm).await, &to("Authorized")).await.status,
        204
    );
    assert_eq!(status().await, "Authorized");
    let over = json!({"Data": {"Status": "Revoked", "RevokedBy": "TPP.InitiatedByUser"}});
    assert_eq!(send(world, &palm, ("PATCH", &path), &alone(&palm).await, &over).await.status, 204);
    assert_eq!(pay(world, &palm, &tokens.access, &host::uuid(), &wanted).await.status, 401);
}
