//! Version 1.2: the same consents and payments in other words.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use oauth_core::Seconds;
use oauth_core::jose::{ContentEncryption, Encryption, KeyManagement, encrypt_jwt};
use oauth_core::testkit::keys;
use rar_consent::Actor;
use resource_server::domain::SealedNote;
use serde_json::{Value, json};

use super::bank::{Bank, Got, Sent, consent_id, sealed, sign_with};
use super::events::claims;
use super::{CONSENT, KEY};

const BASE: &str = "/open-finance/payment/v1.2";
const URL: &str = "https://rs.example/open-finance/payment/v1.2";
const ID: &str = "0d1e2f30-4152-4637-8849-5a6b7c8d9e09";
const IBAN: &str = "AE050260001015432198765";

fn account(iban: &str, name: &str) -> Value {
    json!({"CreditorAccount": {"SchemeName": "IBAN", "Identification": iban, "Name": {"en": name}}})
}

/// What a third party says of people: signed by it, then encrypted to the bank.
fn personal(said: &Value) -> String {
    sealed(&sign_with(&keys::ps256(), None, said))
}

fn to_books() -> Value {
    json!({"Initiation": {"Creditor": [account(IBAN, "Date Palm Books LLC")]}})
}

/// An element of dialect C for one instant payment of AED 149.90.
fn staged(id: &str) -> Value {
    json!({"type": "urn:openfinanceuae:service-initiation-consent:v1.2", "consent": {
        "ConsentId": id,
        "IsSingleAuthorization": true,
        "AuthorizationExpirationDateTime": "2026-11-21T12:00:00.000Z",
        "ExpirationDateTime": "2026-11-21T19:59:59.000Z",
        "Permissions": ["ReadRefundAccount"],
        "ControlParameters": {"ConsentSchedule": {"SinglePayment": {
            "Type": "SingleInstantPayment", "Amount": {"Amount": "149.90", "Currency": "AED"}}}},
        "PersonalIdentifiableInformation": personal(&to_books()),
        "DebtorReference": "order 88121",
        "PaymentPurposeCode": "ACM"}})
}

/// Section 16.9.
fn on_demand(creditors: &[Value]) -> Value {
    let said = json!({"Initiation": {"Creditor": creditors}});
    let mut element = staged(ID);
    let consent = element["consent"].as_object_mut().unwrap();
    consent.remove("DebtorReference");
    consent.insert("ExpirationDateTime".to_owned(), json!("2027-05-31T19:59:59.000Z"));
    consent.insert(
        "ControlParameters".to_owned(),
        json!({"ConsentSchedule": {"MultiPayment": {
            "MaximumCumulativeNumberOfPayments": 20,
            "MaximumCumulativeValueOfPayments": {"Amount": "1000.00", "Currency": "AED"},
            "PeriodicSchedule": {"Type": "VariableOnDemand", "PeriodType": "Month", "PeriodStartDate": "2026-11-21",
                "Controls": {"MaximumIndividualAmount": {"Amount": "120.00", "Currency": "AED"},
                    "MaximumCumulativeNumberOfPaymentsPerPeriod": 5}}}}}),
    );
    consent.insert("PersonalIdentifiableInformation".to_owned(), json!(personal(&said)));
    element
}

fn order(amount: &str) -> Value {
    json!({"Data": {
        "ConsentId": ID,
        "Instruction": {"Amount": {"Amount": amount, "Currency": "AED"}},
        "PaymentPurposeCode": "ACM",
        "OpenFinanceBilling": {"Type": "Collection", "MerchantId": "88121-PALM"}
    }})
}

fn order_to(amount: &str, creditor: &Value) -> Value {
    let mut order = order(amount);
    order["Data"]["PersonalIdentifiableInformation"] = json!(personal(&json!({"Initiation": creditor})));
    order
}

async fn pay(bank: &Bank, token: &str, key: &str, message: &Value) -> Got {
    let headers = vec![("x-idempotency-key", key), ("content-type", "application/jwt")];
    let body = bank.signed("tpp", message);
    bank.send_below(BASE, Sent { method: Method::POST, path: "/payments", token, headers, body }).await
}

async fn get(bank: &Bank, token: &str, path: &str) -> Got {
    let body = String::new();
    bank.send_below(BASE, Sent { method: Method::GET, path, token, headers: Vec::new(), body }).await
}

async fn patch(bank: &Bank, message: &Value) -> Got {
    let (token, body) = (bank.client_token("tpp"), bank.signed("tpp", message));
    let headers = vec![("content-type", "application/jwt")];
    let path = format!("/payment-consents/{ID}");
    bank.send_below(BASE, Sent { method: Method::PATCH, path: &path, token: &token, headers, body }).await
}

async fn consented(bank: &Bank, element: &Value) -> String {
    bank.consented_to(element, "tpp", "acc-1").await
}

fn members(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn section_5_3_a_payment_in_version_1_2_is_made_read_and_found_in_its_words() {
    let bank = Bank::open().await;
    let token = consented(&bank, &staged(ID)).await;
    let mut wanted = order_to("149.90", &account(IBAN, "Date Palm Books LLC"));
    wanted["Data"]["DebtorReference"] = json!("order 88121");
    let paid = pay(&bank, &token, KEY, &wanted).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    let data = &paid.message["Data"];
    let expected = [
        "ConsentId",
        "CreationDateTime",
        "DebtorReference",
        "Instruction",
        "OpenFinanceBilling",
        "PaymentId",
        "PaymentPurposeCode",
        "Status",
        "StatusUpdateDateTime",
    ];
    assert_eq!(members(data), BTreeSet::from(expected));
    assert_eq!(
        (&data["Status"], &data["CreationDateTime"]),
        (&json!("Pending"), &json!("2026-11-21T08:00:00.000Z"))
    );
    assert_eq!(data["OpenFinanceBilling"], json!({"Type": "Collection", "MerchantId": "88121-PALM"}));
    assert_eq!(data["Instruction"], json!({"Amount": {"Amount": "149.90", "Currency": "AED"}}));
    let path = format!("/payments/{}", data["PaymentId"].as_str().unwrap());
    assert_eq!(paid.header("location"), format!("{URL}{path}"));
    assert_eq!(
        paid.message["Links"],
        json!({"Self": format!("{URL}{path}"), "Related": format!("{URL}/payment-consents/{ID}")})
    );
    assert_eq!(get(&bank, &token, &path).await.message, paid.message);

    let plain = bank.client_token("tpp");
    let headers = vec![("x-idempotency-key", KEY)];
    let sent = Sent { method: Method::GET, path: "/payments", token: &plain, headers, body: String::new() };
    let found = bank.send_below(BASE, sent).await;
    assert_eq!(found.message, json!({"Data": {}, "Links": {"Self": paid.header("location")}}));

    for _ in 0..3 {
        bank.clock.advance(Seconds::new(5));
        bank.settle().await;
    }
    let settled = get(&bank, &token, &path).await.message;
    assert_eq!(settled["Data"]["Status"], "AcceptedCreditSettlementCompleted", "{settled}");
    assert_eq!(settled["Data"]["OpenFinanceBilling"], data["OpenFinanceBilling"]);
    let consent = get(&bank, &plain, &format!("/payment-consents/{ID}")).await.message;
    assert_eq!(consent["Data"]["Status"], "Consumed");
}

#[tokio::test]
async fn section_14_a_consent_of_version_1_2_is_told_without_who_pays_whom_and_always_with_its_use() {
    let bank = Bank::open().await;
    let waiting = bank.waiting_for(&staged(ID), "tpp").await;
    let read = get(&bank, &waiting, &format!("/payment-consents/{ID}")).await;
    assert_eq!(read.status, 200, "{read:?}");
    let staged = staged(ID);
    assert_eq!(
        read.message["Data"],
        json!({
            "ConsentId": ID,
            "BaseConsentId": ID,
            "IsSingleAuthorization": true,
            "AuthorizationExpirationDateTime": "2026-11-21T12:00:00.000Z",
            "ExpirationDateTime": "2026-11-21T19:59:59.000Z",
            "Permissions": ["ReadRefundAccount"],
            "ControlParameters": staged["consent"]["ControlParameters"],
            "DebtorReference": "order 88121",
            "PaymentPurposeCode": "ACM",
            "Status": "AwaitingAuthorization",
            "CreationDateTime": "2026-11-21T08:00:00.000Z",
            "StatusUpdateDateTime": "2026-11-21T08:00:00.000Z",
            "PaymentConsumption": {
                "CumulativeNumberOfPayments": 0,
                "CumulativeValueOfPayments": {"Amount": "0.00", "Currency": "AED"}
            },
        })
    );
    assert_eq!(read.message["Links"], json!({"Self": format!("{URL}/payment-consents/{ID}"), "Related": []}));
    bank.at("2026-11-21T12:00:00Z");
    let late = get(&bank, &bank.client_token("tpp"), &format!("/payment-consents/{ID}")).await;
    assert_eq!(late.message["Data"]["Status"], "Rejected", "at the instant named");
}

#[tokio::test]
async fn section_1_a_consent_is_used_and_read_in_the_vocabulary_it_was_asked_for_in() {
    let bank = Bank::open().await;
    let (early, later) = (bank.consented(CONSENT, "tpp").await, consented(&bank, &staged(ID)).await);
    let mut order_early = order("149.90");
    order_early["Data"]["ConsentId"] = json!(CONSENT);
    let got = pay(&bank, &early, KEY, &order_early).await;
    assert_eq!((got.code(), got.rule), ((400, "Consent.Invalid"), Some("UAEBSI-8.1-9")));
    let got = bank.pay(&later, KEY, &super::bank::order(ID)).await;
    assert_eq!((got.code(), got.rule), ((400, "Consent.Invalid"), Some("UAEBSI-8.1-9")));
    let plain = bank.client_token("tpp");
    assert_eq!(get(&bank, &plain, &format!("/payment-consents/{CONSENT}")).await.status, 404);
    assert_eq!(bank.get(&plain, &format!("/payment-consents/{ID}")).await.status, 404);
    assert_eq!(patch_of_early(&bank, CONSENT).await.status, 404);
    let paid = bank.pay(&early, KEY, &super::bank::order(CONSENT)).await;
    let path = format!("/payments/{}", paid.message["Data"]["PaymentId"].as_str().unwrap());
    assert_eq!(get(&bank, &plain, &path).await.status, 404);
    assert_eq!(bank.get(&plain, &path).await.status, 200);
}

async fn patch_of_early(bank: &Bank, id: &str) -> Got {
    let (token, body) =
        (bank.client_token("tpp"), bank.signed("tpp", &json!({"Data": {"Status": "Suspended"}})));
    let headers = vec![("content-type", "application/jwt")];
    let path = format!("/payment-consents/{id}");
    bank.send_below(BASE, Sent { method: Method::PATCH, path: &path, token: &token, headers, body }).await
}

#[tokio::test]
async fn section_16_who_is_paid_is_one_of_the_consent_with_every_member_as_there() {
    let bank = Bank::open().await;
    let other = "AE540460000000000012345";
    let listed = [account(IBAN, "Date Palm Books LLC"), account(other, "Falcon Motors")];
    let token = consented(&bank, &on_demand(&listed)).await;
    let listed_rule = Some("UAEBSI-16-listed");
    let pii = "Data.PersonalIdentifiableInformation";
    let creditor = "Data.PersonalIdentifiableInformation.Initiation.CreditorAccount";
    let got = pay(&bank, &token, KEY, &order("10.00")).await;
    assert_eq!(
        (got.code(), got.path(), got.rule),
        ((400, "Consent.BusinessRuleViolation"), pii, listed_rule)
    );
    for wrong in [account("AE760330000010195511162", "Date Palm Books LLC"), account(IBAN, "Falcon Motors")] {
        let got = pay(&bank, &token, KEY, &order_to("10.00", &wrong)).await;
        assert_eq!((got.code(), got.path()), ((400, "Consent.BusinessRuleViolation"), creditor), "{got:?}");
        assert_eq!(got.rule, listed_rule);
    }
    for (key, one) in ["one", "two"].iter().zip(&listed) {
        assert_eq!(pay(&bank, &token, key, &order_to("10.00", one)).await.status, 201);
    }
}

#[tokio::test]
async fn section_16_an_open_consent_pays_whom_the_order_names_and_nobody_otherwise() {
    let bank = Bank::open().await;
    let token = consented(&bank, &on_demand(&[])).await;
    let paid = pay(&bank, &token, KEY, &order_to("10.00", &account(IBAN, "Date Palm Books LLC"))).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    let unnamed = pay(&bank, &token, "b", &order("10.00")).await;
    assert_eq!(unnamed.code(), (400, "Consent.BusinessRuleViolation"));
    let broken = pay(&bank, &token, "c", &order_to("10.00", &account("AE00", "Date Palm Books LLC"))).await;
    assert_eq!(broken.code(), (400, "Body.InvalidFormat"), "{broken:?}");
}

#[tokio::test]
async fn section_9_3_limits_are_named_where_version_1_2_keeps_them() {
    let bank = Bank::open().await;
    let token = consented(&bank, &on_demand(&[account(IBAN, "Date Palm Books LLC")])).await;
    let multi = "Data.ControlParameters.ConsentSchedule.MultiPayment.PeriodicSchedule.Controls";
    let got = pay(&bank, &token, "a", &order("120.01")).await;
    assert_eq!(got.code(), (400, "Consent.FailsControlParameters"));
    assert_eq!(got.path(), format!("{multi}.MaximumIndividualAmount"));
    for key in ["1", "2", "3", "4", "5"] {
        assert_eq!(pay(&bank, &token, key, &order("10.00")).await.status, 201);
    }
    let got = pay(&bank, &token, "6", &order("10.00")).await;
    assert_eq!(got.path(), format!("{multi}.MaximumCumulativeNumberOfPaymentsPerPeriod"), "{got:?}");
    let read = get(&bank, &token, &format!("/payment-consents/{ID}")).await;
    let used = &read.message["Data"]["PaymentConsumption"];
    assert_eq!(used["CumulativeNumberOfPaymentsInCurrentPeriod"], 5);
    assert_eq!(read.message["Links"]["Related"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn section_8_2_a_repeat_may_encrypt_its_order_anew_and_another_order_conflicts() {
    let bank = Bank::open().await;
    let token = consented(&bank, &on_demand(&[account(IBAN, "Date Palm Books LLC")])).await;
    let wanted = || order_to("10.00", &account(IBAN, "Date Palm Books LLC"));
    let (first, second) = (wanted(), wanted());
    assert_ne!(first, second, "encrypted anew");
    let paid = pay(&bank, &token, KEY, &first).await;
    let again = pay(&bank, &token, KEY, &second).await;
    assert_eq!((again.status.as_u16(), &again.message), (201, &paid.message));
    let got = pay(&bank, &token, KEY, &order("10.00")).await;
    assert_eq!((got.code(), got.rule), ((409, "GenericError"), Some("UAEBSI-8.2")));
}

#[tokio::test]
async fn section_16_what_is_not_signed_and_encrypted_is_refused_and_never_read_in_the_clear() {
    let bank = Bank::open().await;
    let token = consented(&bank, &on_demand(&[account(IBAN, "Date Palm Books LLC")])).await;
    let said = json!({"Initiation": account(IBAN, "Date Palm Books LLC")});
    let signed = sign_with(&keys::ps256(), None, &said);
    let with = |mut claims: Value, name: &str, value: Value| {
        claims.as_object_mut().unwrap().insert(name.to_owned(), value);
        sealed(&sign_with(&keys::ps256(), None, &claims))
    };
    for (personal, code) in [
        (json!(signed), "JWE.DecryptionError"),
        (json!(sealed(&said.to_string())), "JWS.Malformed"),
        (json!(sealed(&sign_with(&keys::es256(), None, &said))), "JWS.InvalidHeader"),
        (json!(with(said.clone(), "iss", json!("other"))), "JWS.InvalidClaim"),
        (json!(with(said.clone(), "sub", json!("other"))), "JWS.InvalidClaim"),
        (json!(with(said.clone(), "exp", json!(1))), "JWS.InvalidClaim"),
        (json!(with(said.clone(), "exp", json!("tomorrow"))), "JWS.InvalidClaim"),
        (said.clone(), "Body.InvalidFormat"),
        (json!(with(said.clone(), "Note", json!(1))), "Body.InvalidFormat"),
        (json!(with(said.clone(), "Initiation", json!({"Creditor": {}}))), "Body.InvalidFormat"),
    ] {
        let mut order = order("10.00");
        order["Data"]["PersonalIdentifiableInformation"] = personal;
        let got = pay(&bank, &token, KEY, &order).await;
        assert_eq!(got.code(), (400, code), "{got:?}");
        assert!(got.path().starts_with("Data.PersonalIdentifiableInformation"), "{got:?}");
        assert!(!got.raw.contains("Palm") && !got.message.to_string().contains(IBAN));
    }
    let mut claimed = said;
    for (name, value) in [("iss", json!("tpp")), ("sub", json!("tpp")), ("exp", json!(4_102_444_800.25))] {
        claimed[name] = value;
    }
    let mut own = order("10.00");
    own["Data"]["PersonalIdentifiableInformation"] = json!(with(claimed, "nbf", json!(1.5)));
    assert_eq!(pay(&bank, &token, KEY, &own).await.status, 201, "claims of a JWT may stand around it");
}

#[tokio::test]
async fn section_16_who_is_paid_is_encrypted_in_the_one_way_there_is_though_the_bank_has_other_keys() {
    let bank = Bank::open().await;
    let token = consented(&bank, &on_demand(&[account(IBAN, "Date Palm Books LLC")])).await;
    let said = json!({"Initiation": account(IBAN, "Date Palm Books LLC")});
    let signed = sign_with(&keys::ps256(), None, &said);
    let to_ec = |signed: &str| {
        let encryption = Encryption { alg: KeyManagement::EcdhEs, enc: ContentEncryption::A256Gcm };
        encrypt_jwt(signed, keys::agreement().public(), encryption).unwrap()
    };
    let good = sealed(&signed);
    let with = |header: Value| {
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        format!("{header}.{}", good.split_once('.').unwrap().1)
    };
    let mut wrong = vec![to_ec(&signed)];
    for (alg, enc) in [
        ("RSA-OAEP-256", "A128GCM"),
        ("RSA-OAEP-256", "A192GCM"),
        ("RSA-OAEP-256", "A256CBC-HS512"),
        ("RSA-OAEP", "A128GCM"),
        ("RSA-OAEP-512", "A256GCM"),
        ("RSA1_5", "A256GCM"),
        ("ECDH-ES+A256KW", "A256GCM"),
        ("A256KW", "A256GCM"),
        ("dir", "A256GCM"),
    ] {
        wrong.push(with(json!({"alg": alg, "enc": enc, "kid": "test-rsa-oaep-256"})));
    }
    for sealed in wrong {
        let mut order = order("10.00");
        order["Data"]["PersonalIdentifiableInformation"] = json!(sealed);
        let got = pay(&bank, &token, KEY, &order).await;
        assert_eq!((got.code(), got.rule), ((400, "JWE.InvalidHeader"), Some("UAEBSI-16-opened")), "{got:?}");
    }
    let mut element = staged("1d1e2f30-4152-4637-8849-5a6b7c8d9e09");
    let consent = sign_with(&keys::ps256(), None, &to_books());
    element["consent"]["PersonalIdentifiableInformation"] = json!(to_ec(&consent));
    assert_eq!(bank.refused_at_par(&element, "tpp").await, "UAEBSI-16-personal");
    assert!(bank.nothing_booked().await);
}

#[tokio::test]
async fn section_8_1_an_order_of_version_1_2_is_closed_and_says_what_it_is_billed_for() {
    let bank = Bank::open().await;
    let token = consented(&bank, &on_demand(&[account(IBAN, "Date Palm Books LLC")])).await;
    let changed = |pointer: &str, value: Value| {
        let mut message = order("10.00");
        *message.pointer_mut(pointer).unwrap() = value;
        message
    };
    let mut without = order("10.00");
    without["Data"].as_object_mut().unwrap().remove("OpenFinanceBilling");
    let mut typed = order("10.00");
    typed["Data"]["Type"] = json!("VariableOnDemand");
    for message in [
        without,
        typed,
        changed("/Data/OpenFinanceBilling", json!({"Type": "Gift"})),
        changed("/Data/OpenFinanceBilling", json!({"Type": "Me2Me", "MerchantId": "short"})),
        changed("/Data/PaymentPurposeCode", json!("GDDS")),
        changed("/Data/Instruction", json!({"Amount": {"Amount": "10.00", "Currency": "AED"}, "Note": 1})),
    ] {
        let got = pay(&bank, &token, KEY, &message).await;
        assert_eq!(got.code(), (400, "Body.InvalidFormat"), "{message} {got:?}");
    }
}

#[tokio::test]
async fn section_6_a_client_of_version_1_2_holds_its_consent_and_lifts_that_but_not_what_the_bank_holds() {
    let bank = Bank::open().await;
    let token = consented(&bank, &staged(ID)).await;
    let to = |status: &str| json!({"Data": {"Status": status}});
    assert_eq!(patch(&bank, &to("Suspended")).await.status, 204);
    assert_eq!(pay(&bank, &token, KEY, &order("149.90")).await.code(), (400, "Consent.Invalid"));
    assert_eq!(patch(&bank, &to("Authorized")).await.status, 204);
    let operator = Actor::Operator("branch".to_owned());
    let id = oauth_core::ConsentId::new(ID).unwrap();
    bank.engine.suspend(&id, &operator, "checked", bank.now()).await.unwrap();
    let got = patch(&bank, &to("Authorized")).await;
    let blocked = (403, "Consent.AccountTemporarilyBlocked");
    assert_eq!((got.code(), got.rule), (blocked, Some("UAEBSI-6-side")), "{got:?}");
    for (message, code) in [
        (to("Consumed"), "Consent.Invalid"),
        (to("Finished"), "Body.InvalidFormat"),
        (to("Revoked"), "Body.InvalidFormat"),
        (json!({"Data": {"Status": "Suspended", "RevokedBy": "TPP"}}), "Body.InvalidFormat"),
    ] {
        assert_eq!(patch(&bank, &message).await.code(), (400, code), "{message}");
    }
    let revoked = json!({"Data": {"Status": "Revoked", "RevokedBy": "TPP"}});
    assert_eq!(patch(&bank, &revoked).await.status, 204);
    assert_eq!(pay(&bank, &token, KEY, &order("149.90")).await.status, 401);
    assert_ne!(id, consent_id());
}

#[tokio::test]
async fn section_14_a_consent_that_continues_none_is_found_as_its_own_base() {
    let bank = Bank::open().await;
    consented(&bank, &staged(ID)).await;
    let plain = bank.client_token("tpp");
    let next = "1d1e2f30-4152-4637-8849-5a6b7c8d9e09";
    let mut renewed = staged(next);
    renewed["consent"]["BaseConsentId"] = json!(ID);
    bank.waiting_for(&renewed, "tpp").await;
    let got = get(&bank, &plain, &format!("/payment-consents?baseConsentId={ID}")).await;
    let found = got.message.as_array().unwrap().iter().map(|one| one["Data"]["ConsentId"].as_str().unwrap());
    assert_eq!(found.collect::<Vec<_>>(), [next, ID], "newest first");
    assert_eq!(got.message[0]["Data"]["BaseConsentId"], ID);
    let refund = get(&bank, &plain, &format!("/payment-consents/{ID}/refund")).await;
    let data = &refund.message["Data"];
    assert_eq!(
        (&data["BaseConsentId"], &data["RefundAccount"]["Name"]),
        (&json!(ID), &json!({"en": "Alice"}))
    );
    assert_eq!(refund.message["Links"]["Related"], json!([]));
    let foreign =
        get(&bank, &bank.client_token("other"), &format!("/payment-consents?baseConsentId={ID}")).await;
    assert_eq!(foreign.message, json!([]));
    let early = bank.get(&plain, &format!("/payment-consents?baseConsentId={ID}")).await;
    assert_eq!(early.message, json!([]), "its words are not those of the early drafts");
}

#[tokio::test]
async fn section_11_2_events_of_a_consent_of_version_1_2_speak_its_words() {
    let bank = Bank::open().await;
    let mut element = staged(ID);
    element["subscription"] = json!({"Webhook": {"Url": "https://tpp.example/hooks/uae", "IsActive": true}});
    let token = consented(&bank, &element).await;
    assert_eq!(pay(&bank, &token, KEY, &order("149.90")).await.status, 201);
    bank.tell().await;
    let told: Vec<Value> =
        bank.postbox.take().iter().map(|letter| claims(letter)["message"].clone()).collect();
    let payment = told.iter().find(|one| one["Data"].get("PaymentId").is_some()).unwrap();
    assert_eq!(payment["Data"]["Status"], "Pending");
    assert_eq!(payment["Data"]["OpenFinanceBilling"]["Type"], "Collection");
    assert!(payment["Meta"]["EventResource"].as_str().unwrap().starts_with(URL));
    assert!(!told.iter().any(|one| one.to_string().contains("PersonalIdentifiableInformation")));
}

#[tokio::test]
async fn section_9_3_a_listed_day_of_version_1_2_takes_one_payment_up_to_its_amount() {
    let bank = Bank::open().await;
    let most = |day: &str, most: &str| json!({"PaymentExecutionDate": day, "MaximumIndividualAmount": {"Amount": most, "Currency": "AED"}});
    let mut element = on_demand(&[account(IBAN, "Date Palm Books LLC")]);
    element["consent"]["ControlParameters"] = json!({"ConsentSchedule": {"MultiPayment": {"PeriodicSchedule": {
        "Type": "VariableDefinedSchedule",
        "Schedule": [most("2026-12-15", "50.00"), most("2026-12-20", "80.00")]}}}});
    let grant = bank.approved(&element, "tpp").await;
    let place = "Data.ControlParameters.ConsentSchedule.MultiPayment.PeriodicSchedule.Schedule";
    let refused = async |key: &'static str, amount: &str| {
        let got = pay(&bank, &bank.bearer(&grant), key, &order(amount)).await;
        assert_eq!(
            (got.code(), got.path()),
            ((400, "Consent.FailsControlParameters"), place),
            "{key} {got:?}"
        );
    };
    refused("early", "10.00").await;
    bank.at("2026-12-14T20:00:00Z");
    refused("more", "50.01").await;
    let paid = pay(&bank, &bank.bearer(&grant), "first", &order("49.99")).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    refused("again", "0.01").await;
    bank.at("2026-12-15T20:00:00Z");
    refused("late", "10.00").await;
    let read = get(&bank, &bank.client_token("tpp"), &format!("/payment-consents/{ID}")).await;
    let used = &read.message["Data"]["PaymentConsumption"];
    let told = json!({"CumulativeNumberOfPayments": 1, "CumulativeValueOfPayments": {"Amount": "49.99", "Currency": "AED"}});
    assert_eq!(*used, told);
}

#[tokio::test]
async fn section_16_what_is_said_for_the_assessment_of_risk_is_kept_as_it_came_and_told_to_nobody() {
    let bank = Bank::open().await;
    let token = consented(&bank, &on_demand(&[account(IBAN, "Date Palm Books LLC")])).await;
    let said =
        json!({"Initiation": account(IBAN, "Date Palm Books LLC"), "Risk": {"Device": {"Ip": "192.0.2.1"}}});
    let sealed = personal(&said);
    let mut wanted = order("10.00");
    wanted["Data"]["PersonalIdentifiableInformation"] = json!(sealed);
    let paid = pay(&bank, &token, "with", &wanted).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    let kept = bank.kept(&paid.message).await;
    let noted = bank.noted(&kept).await;
    assert_eq!(noted.as_ref().map(SealedNote::as_str), Some(&*sealed));
    let stored = serde_json::to_string(&kept).unwrap();
    assert!(!stored.contains(&sealed), "what every status writes again does not hold it");
    let told = format!("{kept:?}");
    assert!(!told.contains(&sealed) && !told.contains("192.0.2.1"), "{told}");
    assert!(!paid.message.to_string().contains("192.0.2.1") && !paid.raw.contains(&sealed));
    let plain = order_to("10.00", &account(IBAN, "Date Palm Books LLC"));
    let paid = pay(&bank, &token, "without", &plain).await;
    let without = bank.kept(&paid.message).await;
    assert_eq!(bank.noted(&without).await, None, "nothing is kept without need");
}
