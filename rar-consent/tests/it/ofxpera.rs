//! OFxPERA: details that refer to a stored consent, and the terms of such a consent.

use oauth_core::{ClientId, ConsentFacts, ConsentId, DetailsFault, Seconds, testkit};
use rar_consent::{
    AdditionalTerm, Amount, Consent, ConsentStatus, Lodged, OfxperaConsent, PaymentLimits, Permission, Terms,
    TermsFault, describe,
};
use serde_json::{Value, json};

use crate::fixture::{NOW, Push, client, scope};

pub(crate) const ID: &str = "7a0e3f52-30e7-4a53-9d5e-0a7f2c9d1b10";

pub(crate) fn terms() -> OfxperaConsent {
    OfxperaConsent {
        data_holder: "bayan-trust".to_owned(),
        permissions: vec![Permission::PeraBasicInfo, Permission::PeraBalance],
        start: NOW,
        end: NOW.plus(Seconds::days(365)),
        purpose: "show my PERA".to_owned(),
        additional_terms: Vec::new(),
        limits: None,
    }
}

pub(crate) fn consent() -> Consent {
    let lodged = Lodged {
        id: ConsentId::new(ID).unwrap(),
        issuer: testkit::issuer(),
        client: client().id,
        element: Value::Null,
    };
    Consent::awaiting(lodged, Terms::Ofxpera(terms()), NOW).0
}

pub(crate) fn element() -> Value {
    json!({"type": "urn:ofxpera:consent:v1", "consentId": ID})
}

fn push(consent: &Consent) -> Push {
    let facts = ConsentFacts(vec![serde_json::to_value(consent).unwrap()]);
    Push { facts, ..Push::of(element()).scope("openid accounts.basic") }
}

#[test]
fn the_granted_scope_names_the_consent() {
    let vetted = push(&consent()).taken();
    assert_eq!(vetted.scope, scope(&format!("openid accounts.basic consent:{ID}")));
    assert_eq!(vetted.consent.unwrap().as_str(), ID);
    assert_eq!(vetted.until, Some(terms().end));
    assert_eq!(vetted.elements[0].value, element());
}

#[test]
fn a_scope_without_a_permission_that_supports_it_is_refused() {
    for (asked, supported) in [
        ("openid accounts.basic accounts.details", true),
        ("openid", true),
        ("openid products", true),
        ("openid accounts.open", false),
        ("openid payments", false),
        ("openid customer", false),
        ("openid bank_account", false),
        ("openid consent:7a0e3f52-30e7-4a53-9d5e-0a7f2c9d1b11", false),
        ("openid payments:x", false),
    ] {
        let push = Push { scope: scope(asked), ..push(&consent()) };
        match push.vet() {
            Ok(_) => assert!(supported, "{asked}"),
            Err(refusal) => {
                assert!(!supported, "{asked}");
                assert_eq!(refusal.rule.0, "RFC9396-3-scope");
            }
        }
    }
}

#[test]
fn section_5_1_a_request_without_openid_is_refused() {
    for (asked, taken) in [("openid", true), ("accounts.basic", false), ("accounts.basic openid", true)] {
        match (Push { scope: scope(asked), ..push(&consent()) }).vet() {
            Ok(_) => assert!(taken, "{asked}"),
            Err(refusal) => {
                assert!(!taken, "{asked}");
                assert_eq!(refusal.rule.0, "OFXPERA-5.1-openid");
            }
        }
    }
}

#[test]
fn an_unknown_foreign_or_decided_consent_is_refused() {
    let path = "authorization_details[0].consentId";
    let nothing = Push { facts: ConsentFacts::default(), ..push(&consent()) };
    nothing.because("OFXPERA-4.4-known", path);
    let foreign = Consent { client: ClientId::new("other").unwrap(), ..consent() };
    push(&foreign).because("OFXPERA-4.4-known", path);
    let other = Consent { id: ConsentId::new("other").unwrap(), ..consent() };
    push(&other).because("OFXPERA-4.4-known", path);
    for status in ConsentStatus::ALL {
        let decided = push(&Consent { status, ..consent() });
        if status == ConsentStatus::AwaitingAuthorization {
            decided.taken();
        } else {
            decided.because("OFXPERA-4.4-waiting", path);
        }
    }
    let fault = push(&Consent { status: ConsentStatus::Revoked, ..consent() }).refused().1.fault;
    assert_eq!(fault, DetailsFault::Consent);
}

#[test]
fn a_reference_has_two_members_and_no_more() {
    for (element, rule, member) in [
        (json!({"type": "urn:ofxpera:consent:v1"}), "RFC9396-5-missing", "consentId"),
        (json!({"type": "urn:ofxpera:consent:v1", "consentId": 7}), "RFC9396-5-value", "consentId"),
        (json!({"type": "urn:ofxpera:consent:v1", "consentId": ""}), "RFC9396-5-value", "consentId"),
        (json!({"type": "urn:ofxpera:consent:v1", "consentId": ID, "x": 1}), "RFC9396-5-member", "x"),
    ] {
        Push::of(element).because(rule, &format!("authorization_details[0].{member}"));
    }
}

#[test]
fn terms_that_cannot_become_a_consent_are_named() {
    assert_eq!(terms().check(NOW), Ok(()));
    let limits = |individual, total, currency: &str| {
        Some(PaymentLimits {
            individual: Amount::new(individual, currency),
            total: Amount::new(total, currency),
        })
    };
    let paying = OfxperaConsent { permissions: vec![Permission::PaymentInitiate], ..terms() };
    assert_eq!(OfxperaConsent { limits: limits(1, 2, "PHP"), ..paying.clone() }.check(NOW), Ok(()));
    let long = AdditionalTerm { key: "k".repeat(51), value: "v".to_owned() };
    let one = AdditionalTerm { key: "k".to_owned(), value: "v".to_owned() };
    for (terms, fault) in [
        (OfxperaConsent { data_holder: String::new(), ..terms() }, TermsFault::DataHolder),
        (OfxperaConsent { permissions: vec![], ..terms() }, TermsFault::Permissions),
        (
            OfxperaConsent { permissions: vec![Permission::PeraBasicInfo; 2], ..terms() },
            TermsFault::Permissions,
        ),
        (
            OfxperaConsent { permissions: vec![Permission::PeraBalance], ..terms() },
            TermsFault::BasicInfoMissing,
        ),
        (OfxperaConsent { start: NOW.minus(Seconds::new(301)), ..terms() }, TermsFault::Start),
        (OfxperaConsent { end: NOW, ..terms() }, TermsFault::End),
        (OfxperaConsent { end: terms().end.plus(Seconds::new(1)), ..terms() }, TermsFault::End),
        (OfxperaConsent { purpose: "x".repeat(256), ..terms() }, TermsFault::Purpose),
        (OfxperaConsent { additional_terms: vec![long], ..terms() }, TermsFault::AdditionalTerms),
        (OfxperaConsent { additional_terms: vec![one; 21], ..terms() }, TermsFault::AdditionalTerms),
        (OfxperaConsent { limits: limits(1, 2, "PHP"), ..terms() }, TermsFault::Limits),
        (OfxperaConsent { limits: limits(3, 2, "PHP"), ..paying.clone() }, TermsFault::Limits),
        (OfxperaConsent { limits: limits(0, 2, "PHP"), ..paying.clone() }, TermsFault::Limits),
        (OfxperaConsent { limits: limits(1, 2, "USD"), ..paying }, TermsFault::Limits),
    ] {
        assert_eq!(terms.check(NOW), Err(fault), "{terms:?}");
    }
}

#[test]
fn a_year_of_sharing_ends_on_the_anniversary_at_the_same_time() {
    let leap = oauth_core::Timestamp::from_seconds(1_835_400_000);
    let shared = |seconds| OfxperaConsent { start: leap, end: leap.plus(Seconds::new(seconds)), ..terms() };
    assert_eq!(shared(365 * 86_400).check(leap), Ok(()));
    assert_eq!(shared(366 * 86_400 + 1).check(leap), Err(TermsFault::End));
}

#[test]
fn narrower_terms_are_within_and_wider_ones_are_not() {
    let own = terms();
    assert!(own.is_within(&own));
    let less = OfxperaConsent { permissions: vec![Permission::PeraBasicInfo], ..own.clone() };
    assert!(less.is_within(&own) && !own.is_within(&less));
    for wider in [
        OfxperaConsent { end: own.end.plus(Seconds::new(1)), ..own.clone() },
        OfxperaConsent { start: own.start.plus(Seconds::new(1)), ..own.clone() },
        OfxperaConsent { purpose: "other".to_owned(), ..own.clone() },
    ] {
        assert!(!wider.is_within(&own));
    }
    let paying = |individual, total| OfxperaConsent {
        permissions: vec![Permission::PaymentInitiate],
        limits: Some(PaymentLimits {
            individual: Amount::new(individual, "PHP"),
            total: Amount::new(total, "PHP"),
        }),
        ..own.clone()
    };
    assert!(paying(1, 2).is_within(&paying(2, 2)));
    assert!(!paying(2, 3).is_within(&paying(2, 2)));
    assert!(!OfxperaConsent { limits: None, ..paying(1, 1) }.is_within(&paying(1, 1)));
}

#[test]
fn the_question_names_what_moves_money_and_what_makes_accounts() {
    use Permission::{AccountOpen, PaymentInitiate, PeraBasicInfo};
    for (permissions, question) in [
        (vec![PeraBasicInfo], "Share your data?"),
        (vec![PeraBasicInfo, PaymentInitiate], "Share your data and allow contributions?"),
        (vec![PaymentInitiate], "Allow contributions from your account?"),
        (vec![AccountOpen], "Have a PERA account opened?"),
        (vec![AccountOpen, PeraBasicInfo], "Share your data and have a PERA account opened?"),
        (vec![AccountOpen, PaymentInitiate], "Have a PERA account opened and allow contributions?"),
        (
            vec![AccountOpen, PeraBasicInfo, PaymentInitiate],
            "Share your data, have a PERA account opened and allow contributions?",
        ),
    ] {
        let terms = Terms::Ofxpera(OfxperaConsent { permissions, ..terms() });
        assert_eq!(describe(&Consent { terms, ..consent() }).headline, question);
    }
}
