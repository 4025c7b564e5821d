//! What a consent may be used for, and what it may not.

use oauth_core::{Seconds, Timestamp};
use rar_consent::{Actor, Consent, ConsentStatus, ExerciseFault, Terms, UaePaymentType, Use};
use serde_json::json;

use crate::fixture::{NOW, authorised, uae_consent, use_of};

fn consent() -> Consent {
    authorised(&uae_consent().0).0
}

#[track_caller]
fn refused(consent: &Consent, wanted: &Use) -> (ExerciseFault, &'static str) {
    let refusal = consent.exercise(wanted).expect_err("refused");
    (refusal.fault, refusal.path)
}

fn operator() -> Actor {
    Actor::Operator("ops".to_owned())
}

#[test]
fn the_exact_amount_is_booked_once() {
    let consent = consent();
    let used = consent.exercise(&use_of(14990, NOW)).unwrap();
    assert_eq!((used.usage.count, used.usage.total_minor), (1, 14990));
    assert_eq!(Consent { usage: consent.usage.clone(), ..used.clone() }, consent);
    let path = "Data.ControlParameters.ConsentSchedule.SinglePayment";
    assert_eq!(refused(&used, &use_of(14990, NOW)), (ExerciseFault::Count, path));
}

#[test]
fn another_amount_or_currency_is_refused() {
    for amount in [14989, 14991, 0, -14990, i64::MAX, i64::MIN] {
        let found = refused(&consent(), &use_of(amount, NOW));
        assert_eq!(found, (ExerciseFault::Amount, "Data.Instruction.Amount.Amount"), "{amount}");
    }
    for currency in ["EUR", "aed", ""] {
        let found = refused(&consent(), &Use::new(14990, currency, NOW));
        assert_eq!(found, (ExerciseFault::Currency, "Data.Instruction.Amount.Currency"), "{currency}");
    }
}

#[test]
fn another_day_in_dubai_is_refused() {
    let mut consent = consent();
    consent.until = None;
    let midnight = Timestamp::from_seconds(1_795_291_200);
    assert!(consent.exercise(&use_of(14990, Timestamp::from_millis(midnight.millis() - 1))).is_ok());
    let path = "Data.ControlParameters.ConsentSchedule.SinglePayment";
    assert_eq!(refused(&consent, &use_of(14990, midnight)), (ExerciseFault::Day, path));
}

#[test]
fn a_consent_that_is_not_in_force_is_refused_whatever_is_paid() {
    let waiting = uae_consent().0;
    let found = refused(&waiting, &use_of(14990, NOW));
    assert_eq!(found.0, ExerciseFault::Status(ConsentStatus::AwaitingAuthorization));
    for to in [ConsentStatus::Suspended, ConsentStatus::Revoked] {
        let (moved, _) = consent().moved(to, &operator(), "test", NOW).unwrap();
        assert_eq!(refused(&moved, &use_of(14990, NOW)).0, ExerciseFault::Status(to));
    }
    let (finished, _) = consent().succeeded(&use_of(14990, NOW), NOW).unwrap();
    assert_eq!(refused(&finished, &use_of(14990, NOW)).0, ExerciseFault::Status(ConsentStatus::Finished));
    let end = consent().until.unwrap();
    assert!(consent().exercise(&use_of(14990, Timestamp::from_millis(end.millis() - 1))).is_ok());
    let found = refused(&consent(), &use_of(14990, end));
    assert_eq!(found.0, ExerciseFault::Status(ConsentStatus::Expired));
}

#[test]
fn purpose_references_payee_and_kind_are_those_of_the_consent() {
    let good = Use {
        purpose: Some("GDDS".to_owned()),
        payer_reference: Some("order 88121".to_owned()),
        beneficiary_reference: Some("88121".to_owned()),
        creditor: Some("AE050260001015432198765".to_owned()),
        kind: Some(UaePaymentType::SingleInstant),
        ..use_of(14990, NOW)
    };
    assert!(consent().exercise(&good).is_ok());
    let other = || Some("other".to_owned());
    for (wanted, path) in [
        (Use { purpose: other(), ..good.clone() }, "Data.PaymentPurposeCode"),
        (Use { payer_reference: other(), ..good.clone() }, "Data.PayerReference"),
        (Use { beneficiary_reference: other(), ..good.clone() }, "Data.Instruction.BeneficiaryReference"),
        (Use { creditor: other(), ..good.clone() }, "Data.Initiation.CreditorAccount.Identification"),
    ] {
        assert_eq!(refused(&consent(), &wanted), (ExerciseFault::BusinessRule, path));
    }
    let foreign = Use { kind: Some(UaePaymentType::FixedOnDemand), ..good };
    assert_eq!(refused(&consent(), &foreign), (ExerciseFault::Part, "Data.Type"));
}

#[test]
fn only_an_account_the_customer_gave_may_pay() {
    let consent = Consent { accounts: vec!["acc-1".to_owned()], ..consent() };
    let from = |account: &str| Use { account: Some(account.to_owned()), ..use_of(14990, NOW) };
    assert!(consent.exercise(&from("acc-1")).is_ok());
    assert_eq!(refused(&consent, &from("acc-2")).0, ExerciseFault::Account);
}

#[test]
fn a_rejected_payment_gives_its_slot_back() {
    let used = consent().exercise(&use_of(14990, NOW)).unwrap();
    let again = used.give_back(&use_of(14990, NOW));
    assert_eq!(again.usage, consent().usage);
    assert!(again.exercise(&use_of(14990, NOW)).is_ok());
    assert_eq!(again.give_back(&use_of(14990, NOW)).usage, again.usage, "usage never falls below nothing");
}

#[test]
fn a_successful_single_payment_finishes_the_consent() {
    let used = use_of(14990, NOW);
    let (finished, entry) = consent().succeeded(&used, NOW.plus(Seconds::new(60))).unwrap();
    let entry = entry.unwrap();
    assert_eq!(
        (finished.status, entry.to, entry.actor),
        (ConsentStatus::Finished, ConsentStatus::Finished, Actor::Engine)
    );
    assert!(finished.succeeded(&used, NOW).unwrap().1.is_none(), "finished once");
    assert!(uae_consent().0.succeeded(&used, NOW).unwrap().1.is_none(), "only what is in force is finished");
}

fn with_terms(terms: serde_json::Value) -> Consent {
    let terms: Terms = serde_json::from_value(terms).unwrap();
    Consent { until: terms.until(), terms, ..consent() }
}

#[test]
fn contributions_stay_within_their_limits() {
    let limits = json!({"individual": {"minor": 1000, "currency": "PHP"}, "total": {"minor": 1500, "currency": "PHP"}});
    let consent = |permissions: &[&str], limits: serde_json::Value| {
        with_terms(
            json!({"ofxpera_1": {"data_holder": "h", "permissions": permissions, "start": NOW.millis(),
            "end": NOW.plus(Seconds::days(30)).millis(), "purpose": "p", "additional_terms": [], "limits": limits}}),
        )
    };
    let paying = consent(&["PAYMENT_INITIATE"], limits);
    let pay = |amount| Use::new(amount, "PHP", NOW);
    let once = paying.exercise(&pay(1000)).unwrap();
    assert_eq!(refused(&paying, &pay(1001)), (ExerciseFault::Amount, "payment_limits.max_individual_amount"));
    assert!(once.exercise(&pay(500)).is_ok());
    assert_eq!(refused(&once, &pay(501)), (ExerciseFault::Total, "payment_limits.max_total_amount"));
    assert_eq!(refused(&paying, &pay(0)).0, ExerciseFault::Amount);
    assert_eq!(refused(&paying, &use_of(10, NOW)).0, ExerciseFault::Currency);
    let early = Use::new(10, "PHP", Timestamp::from_millis(NOW.millis() - 1));
    assert_eq!(refused(&paying, &early).0, ExerciseFault::NotYet);
    let reading = consent(&["PERA_BASIC_INFO"], json!(null));
    assert_eq!(refused(&reading, &pay(1)), (ExerciseFault::NoPayments, "permissions"));
    let unlimited = consent(&["PAYMENT_INITIATE"], json!(null));
    let full = unlimited.exercise(&pay(i64::MAX)).unwrap();
    assert_eq!(refused(&full, &pay(1)).0, ExerciseFault::Total, "sums do not wrap");
}

#[test]
fn access_to_accounts_pays_nothing() {
    let reading = with_terms(json!({"accounts_1": {"permissions": ["balances"], "recurring": true,
        "valid_until": NOW.plus(Seconds::days(1)).millis()}}));
    assert_eq!(refused(&reading, &use_of(1, NOW)).0, ExerciseFault::NoPayments);
}
