//! The two generic types, after the examples of RFC 9396 section 2.

use oauth_core::{DetailTypes as _, Timestamp};
use rar_consent::DetailRegistry;
use serde_json::{Value, json};

use crate::fixture::{Push, details, scope};

fn payment() -> Value {
    json!({
        "type": "payment_initiation", "actions": ["initiate", "status", "cancel"],
        "locations": ["https://example.com/payments"], "instructedAmount": {"currency": "EUR", "amount": "123.50"},
        "creditorName": "Merchant A", "creditorAccount": {"iban": "DE02100100109307118603"},
        "remittanceInformationUnstructured": "Ref Number Merchant"
    })
}

fn access() -> Value {
    json!({
        "type": "account_information", "access": {"permissions": ["balances", "transactions"]},
        "recurringIndicator": true, "validUntil": "2027-02-21T08:00:00Z"
    })
}

fn changed(mut element: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    element.pointer_mut(parent).unwrap()[name] = value;
    element
}

#[test]
fn the_payment_of_the_rfc_is_taken_and_gets_a_consent_of_its_own() {
    let vetted = Push::of(payment()).taken();
    assert_eq!(vetted.elements[0].value, payment());
    assert_eq!(vetted.scope, scope("openid payments"));
    assert_eq!(vetted.consent.unwrap().as_str().len(), 36);
    assert_eq!(vetted.until, None);
    assert!(Push::of(payment()).scope("openid").vet().is_ok());
    assert!(Push::of(payment()).scope("openid payments accounts").vet().is_err());
}

#[test]
fn a_payment_with_anything_unknown_missing_or_malformed_is_refused_by_its_path() {
    for (pointer, value, rule, path) in [
        ("/extra", json!(1), "RFC9396-5-member", "extra"),
        ("/privileges", json!(["a"]), "RFC9396-5-member", "privileges"),
        ("/instructedAmount/extra", json!(1), "RFC9396-5-member", "instructedAmount.extra"),
        ("/creditorAccount/bic", json!("X"), "RFC9396-5-member", "creditorAccount.bic"),
        ("/instructedAmount/amount", json!(123.5), "RFC9396-5-value", "instructedAmount.amount"),
        ("/instructedAmount/amount", json!("123.5"), "RFC9396-2-payment", "instructedAmount"),
        ("/instructedAmount/amount", json!("0.00"), "RFC9396-2-payment", "instructedAmount"),
        ("/instructedAmount/currency", json!("JPY"), "RFC9396-2-payment", "instructedAmount"),
        ("/instructedAmount/currency", json!("eur"), "RFC9396-2-payment", "instructedAmount"),
        ("/creditorName", json!("a\u{202e}b"), "RFC9396-2-payment", "creditorName"),
        (
            "/creditorAccount/iban",
            json!("DE02 1001 0010 9307 1186 03"),
            "RFC9396-2-payment",
            "creditorAccount.iban",
        ),
        (
            "/remittanceInformationUnstructured",
            json!(""),
            "RFC9396-2-payment",
            "remittanceInformationUnstructured",
        ),
        ("/actions", json!(["delete"]), "RFC9396-5-value", "actions[0]"),
        ("/locations", json!("https://example.com"), "RFC9396-5-value", "locations"),
        ("/locations", json!(["javascript:x"]), "RFC9396-2-payment", "locations"),
        ("/creditorName", Value::Null, "RFC9396-5-value", "creditorName"),
    ] {
        Push::of(changed(payment(), pointer, value))
            .because(rule, &format!("authorization_details[0].{path}"));
    }
    let mut missing = payment();
    missing.as_object_mut().unwrap().remove("creditorName");
    Push::of(missing).because("RFC9396-5-missing", "authorization_details[0].creditorName");
}

#[test]
fn access_to_accounts_ends_within_a_year() {
    let push = |element| Push::of(element).scope("openid accounts");
    let vetted = push(access()).taken();
    assert_eq!(vetted.until, Some(Timestamp::from_seconds(1_803_196_800)));
    let until = |text: &str| changed(access(), "/validUntil", json!(text));
    push(until("2027-11-21T08:00:00Z")).taken();
    let path = "authorization_details[0].validUntil";
    push(until("2027-11-21T08:00:01Z")).because("RFC9396-2-year", path);
    push(until("2026-11-21T08:00:00Z")).because("RFC9396-2-ahead", path);
    push(until("2027-02-21")).because("RFC9396-5-value", path);
    for bad in [json!([]), json!(["balances", "balances"])] {
        push(changed(access(), "/access/permissions", bad))
            .because("RFC9396-5-value", "authorization_details[0].access.permissions");
    }
    push(changed(access(), "/access/permissions", json!(["payments"])))
        .because("RFC9396-5-value", "authorization_details[0].access.permissions[0]");
    push(changed(access(), "/access/accounts", json!([])))
        .because("RFC9396-5-member", "authorization_details[0].access.accounts");
    assert!(Push::of(access()).vet().is_err(), "payments is not a scope of it");
}

#[test]
fn a_token_request_may_narrow_access_and_never_widen_it() {
    let registry = DetailRegistry::standard();
    let granted = Push::of(access()).scope("openid accounts").taken();
    let ask = |element: Value| registry.narrow(&granted, &details(json!([element])));
    let less = changed(access(), "/access/permissions", json!(["balances"]));
    assert_eq!(ask(less.clone()).unwrap().elements[0].value, less);
    assert!(ask(changed(access(), "/recurringIndicator", json!(false))).is_ok());
    assert!(ask(changed(access(), "/validUntil", json!("2027-01-01T00:00:00Z"))).is_ok());
    for more in [
        changed(access(), "/access/permissions", json!(["balances", "details"])),
        changed(access(), "/validUntil", json!("2027-02-21T08:00:00.001Z")),
        payment(),
    ] {
        assert_eq!(ask(more.clone()).unwrap_err().rule.0, "RFC9396-6-within", "{more}");
    }
    let once = Push::of(changed(access(), "/recurringIndicator", json!(false))).scope("accounts").taken();
    assert!(registry.narrow(&once, &details(json!([access()]))).is_err());
    let paying = Push::of(payment()).taken();
    assert!(registry.narrow(&paying, &details(json!([payment()]))).is_ok());
    let more = changed(payment(), "/instructedAmount/amount", json!("123.51"));
    assert!(registry.narrow(&paying, &details(json!([more]))).is_err());
}
