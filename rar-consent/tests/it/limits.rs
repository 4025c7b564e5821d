//! UAE bank service initiation, section 9.3: payments against the limits of their consent, type by type, over the bodies of
//! section 16.

use oauth_core::{Seconds, Timestamp};
use rar_consent::{
    Actor, Alignment, Consent, ConsentStatus, DetailRegistry, ExerciseFault, UaePaymentType, Use,
    read_instant,
};
use serde_json::{Value, json};

use crate::examples::{
    changed, combined, fixed_on_demand, fixed_recurring, single_future_dated, single_instant,
    variable_defined, variable_on_demand, variable_recurring,
};
use crate::fixture::{NOW, Push, authorised, lodged, use_of};

const MULTI: &str = "ControlParameters/ConsentSchedule/MultiPayment";
const INSTRUCTED: &str = "Data.Instruction.Amount.Amount";
const SINGLE: &str = "Data.ControlParameters.ConsentSchedule.SinglePayment";

fn multi(member: &str) -> String {
    format!("Data.ControlParameters.ConsentSchedule.MultiPayment.{member}")
}

/// Noon of a day in Dubai, or an instant.
fn at(text: &str) -> Timestamp {
    let whole = if text.len() == 10 { format!("{text}T12:00:00+04:00") } else { text.to_owned() };
    read_instant(&whole).unwrap()
}

fn consent(element: Value) -> Consent {
    authorised(&lodged(element)).0
}

fn pay(fils: i64, text: &str) -> Use {
    use_of(fils, at(text))
}

/// The consent after these payments, each of which it allows.
#[track_caller]
fn paid(consent: &Consent, payments: &[Use]) -> Consent {
    payments.iter().fold(consent.clone(), |consent, payment| consent.exercise(payment).expect("within"))
}

#[track_caller]
fn refused(consent: &Consent, wanted: &Use, fault: ExerciseFault, path: &str) {
    let refusal = consent.exercise(wanted).expect_err("refused");
    assert_eq!((refusal.fault, refusal.path), (fault, path), "{wanted:?}");
}

/// The consent after one of its payments has succeeded, and whether that finished it.
fn success(consent: &Consent, payment: &Use) -> (Consent, bool) {
    let (changed, entry) = consent.succeeded(payment, payment.at.plus(Seconds::new(2))).unwrap();
    assert_eq!(entry.is_some(), changed.status == ConsentStatus::Finished);
    (changed, entry.is_some())
}

#[test]
fn a_single_instant_payment_is_one_of_its_amount_on_the_day_it_was_asked_for() {
    let mut consent = consent(single_instant());
    consent.until = None;
    let good = pay(14990, "2026-11-21");
    paid(&consent, &[pay(14990, "2026-11-21T23:59:59.999+04:00")]);
    refused(&consent, &pay(14990, "2026-11-21T20:00:00Z"), ExerciseFault::Day, SINGLE);
    refused(&consent, &pay(14989, "2026-11-21"), ExerciseFault::Amount, INSTRUCTED);
    let used = paid(&consent, std::slice::from_ref(&good));
    refused(&used, &good, ExerciseFault::Count, SINGLE);
    assert!(success(&used, &good).1);
    paid(&used.give_back(&good), &[good]);
}

#[test]
fn a_future_dated_payment_may_be_ordered_until_the_end_of_its_day() {
    let mut consent = consent(single_future_dated());
    consent.until = None;
    let due = format!("{SINGLE}.RequestedExecutionDateTime");
    for early in ["2026-11-21", "2026-12-05T00:00:00+04:00", "2026-12-05T23:59:59.999+04:00"] {
        paid(&consent, &[pay(320_000, early)]);
    }
    refused(&consent, &pay(320_000, "2026-12-05T20:00:00Z"), ExerciseFault::Day, &due);
    refused(&consent, &pay(319_999, "2026-12-01"), ExerciseFault::Amount, INSTRUCTED);
    let first = pay(320_000, "2026-11-22");
    let used = paid(&consent, std::slice::from_ref(&first));
    refused(&used, &pay(320_000, "2026-12-05"), ExerciseFault::Count, SINGLE);
    assert!(success(&used, &first).1);
    paid(&used.give_back(&first), &[pay(320_000, "2026-12-05")]);
}

#[test]
fn a_fixed_recurring_payment_is_made_once_on_each_occurrence() {
    let consent = consent(fixed_recurring());
    let start = multi("PeriodicSchedule.PeriodStartDate");
    for (day, allowed) in [
        ("2026-11-30T23:59:59.999+04:00", false),
        ("2026-11-30T20:00:00Z", true),
        ("2026-12-01T23:59:59.999+04:00", true),
        ("2026-12-02T00:00:00+04:00", false),
        ("2026-12-31", false),
        ("2027-01-01", true),
        ("2027-11-01", true),
    ] {
        match allowed {
            true => drop(paid(&consent, &[pay(25_000, day)])),
            false => refused(&consent, &pay(25_000, day), ExerciseFault::Day, &start),
        }
    }
    for wrong in [24_999, 25_001, 50_000, 0, -25_000] {
        refused(&consent, &pay(wrong, "2026-12-01"), ExerciseFault::Amount, INSTRUCTED);
    }
    let used = paid(&consent, &[pay(25_000, "2026-12-01")]);
    let period = multi("PeriodicSchedule.PeriodType");
    refused(&used, &pay(25_000, "2026-12-01"), ExerciseFault::Count, &period);
    refused(&used, &pay(50_000, "2027-01-01"), ExerciseFault::Amount, INSTRUCTED);
    paid(&used, &[pay(25_000, "2027-01-01")]);
}

#[test]
fn an_occurrence_beyond_the_total_does_not_exist() {
    let two = changed(fixed_recurring(), &format!("{MULTI}/TotalNumberOfPayments"), json!(2));
    let consent = consent(two);
    paid(&consent, &[pay(25_000, "2026-12-01"), pay(25_000, "2027-01-01")]);
    refused(&consent, &pay(25_000, "2027-02-01"), ExerciseFault::Day, &multi("TotalNumberOfPayments"));
}

#[test]
fn occurrences_clamp_to_the_ends_of_shorter_months() {
    let consent = consent(variable_recurring());
    let start = multi("PeriodicSchedule.PeriodStartDate");
    let days = ["2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"];
    paid(&consent, &days.map(|day| pay(60_000, day)));
    for day in ["2027-01-28", "2027-02-27", "2027-03-01", "2027-03-28", "2027-03-30", "2027-04-29"] {
        refused(&consent, &pay(60_000, day), ExerciseFault::Day, &start);
    }
}

#[test]
fn fixed_payments_on_demand_keep_to_every_maximum_inclusively() {
    let consent = consent(fixed_on_demand());
    let start = multi("PeriodicSchedule.PeriodStartDate");
    refused(&consent, &pay(5000, "2026-11-22T23:59:59.999+04:00"), ExerciseFault::Day, &start);
    refused(&consent, &pay(5001, "2026-11-23"), ExerciseFault::Amount, INSTRUCTED);
    let week = paid(&consent, &[pay(5000, "2026-11-23"), pay(5000, "2026-11-23"), pay(5000, "2026-11-29")]);
    let count = multi("PeriodicSchedule.MaximumCumulativeNumberOfPaymentsPerPeriodType");
    refused(&week, &pay(5000, "2026-11-29T23:59:59.999+04:00"), ExerciseFault::Count, &count);
    paid(&week, &[pay(5000, "2026-11-30T00:00:00+04:00")]);
}

#[test]
fn the_lifetime_of_payments_on_demand_is_counted_over_all_periods() {
    let at_most =
        |member: &str, value: Value| changed(fixed_on_demand(), &format!("{MULTI}/{member}"), value);
    let monday = |week: u32| rar_consent::Day::parse("2026-11-23").unwrap().add_days(7 * week).unwrap();
    let weekly: Vec<Use> = (0..4).map(|week| pay(5000, &monday(week).to_string())).collect();
    let fifth = pay(5000, &monday(4).to_string());
    let four = paid(&consent(at_most("MaximumCumulativeNumberOfPayments", json!(4))), &weekly);
    refused(&four, &fifth, ExerciseFault::Count, &multi("MaximumCumulativeNumberOfPayments"));
    let value = json!({"Amount": "200.00", "Currency": "AED"});
    let all = paid(&consent(at_most("MaximumCumulativeValueOfPayments", value)), &weekly);
    refused(&all, &fifth, ExerciseFault::Total, &multi("MaximumCumulativeValueOfPayments"));
    let value = json!({"Amount": "249.99", "Currency": "AED"});
    let all = paid(&consent(at_most("MaximumCumulativeValueOfPayments", value)), &weekly);
    refused(&all, &fifth, ExerciseFault::Total, &multi("MaximumCumulativeValueOfPayments"));
}

#[test]
fn the_value_of_a_period_is_counted_too() {
    let value = json!({"Amount": "149.99", "Currency": "AED"});
    let member = format!("{MULTI}/PeriodicSchedule/MaximumCumulativeValueOfPaymentsPerPeriodType");
    let consent = consent(changed(fixed_on_demand(), &member, value));
    let used = paid(&consent, &[pay(5000, "2026-11-23"), pay(5000, "2026-11-24")]);
    let path = multi("PeriodicSchedule.MaximumCumulativeValueOfPaymentsPerPeriodType");
    refused(&used, &pay(5000, "2026-11-25"), ExerciseFault::Total, &path);
    paid(&used, &[pay(5000, "2026-11-30")]);
}

#[test]
fn payments_on_demand_without_periods_are_made_on_any_day() {
    let consent = consent(changed(fixed_on_demand(), &format!("{MULTI}/PeriodicSchedule"), Value::Null));
    let all = paid(&consent, &vec![pay(5000, "2026-11-21"); 40]);
    refused(
        &all,
        &pay(5000, "2026-11-22"),
        ExerciseFault::Count,
        &multi("MaximumCumulativeNumberOfPayments"),
    );
    assert_eq!(all.usage.multi.recent, []);
}

#[test]
fn variable_recurring_payments_have_up_to_their_amount_once_a_period() {
    let consent = consent(variable_recurring());
    let individual = multi("MaximumIndividualPaymentAmount");
    refused(&consent, &pay(60_001, "2026-12-31"), ExerciseFault::Amount, &individual);
    for wrong in [0, -1, i64::MIN] {
        refused(&consent, &pay(wrong, "2026-12-31"), ExerciseFault::Amount, INSTRUCTED);
    }
    let used = paid(&consent, &[pay(1, "2026-12-31")]);
    let period = multi("PeriodicSchedule.PeriodType");
    refused(&used, &pay(1, "2026-12-31"), ExerciseFault::Count, &period);
    let months = ["2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"];
    let mut payments: Vec<Use> = months.iter().map(|day| pay(60_000, day)).collect();
    payments.push(pay(60_000, "2027-06-30"));
    payments.push(pay(59_999, "2027-07-31"));
    let nearly = paid(&consent, &payments);
    refused(&nearly, &pay(2, "2027-08-31"), ExerciseFault::Total, &multi("MaximumCumulativeValueOfPayments"));
    paid(&nearly, &[pay(1, "2027-08-31")]);
}

#[test]
fn variable_payments_on_demand_keep_to_every_maximum_inclusively() {
    let consent = consent(variable_on_demand());
    let individual = multi("MaximumIndividualPaymentAmount");
    refused(&consent, &pay(12_001, "2026-11-21"), ExerciseFault::Amount, &individual);
    let day = paid(&consent, &[pay(12_000, "2026-11-21"), pay(8000, "2026-11-21")]);
    let period = multi("PeriodicSchedule.MaximumCumulativeValueOfPaymentsPerPeriodType");
    refused(&day, &pay(1, "2026-11-21T23:59:59.999+04:00"), ExerciseFault::Total, &period);
    let days = ["2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25"];
    let rest: Vec<Use> = days.iter().flat_map(|day| [pay(10_000, day), pay(10_000, day)]).collect();
    let all = paid(&day, &rest);
    assert_eq!((all.usage.count, all.usage.total_minor), (10, 100_000));
    refused(&all, &pay(1, "2026-11-26"), ExerciseFault::Total, &multi("MaximumCumulativeValueOfPayments"));
}

#[test]
fn defined_payments_are_made_once_on_their_day_with_their_amount() {
    let consent = consent(variable_defined());
    let list = multi("PaymentSchedule");
    for day in ["2026-12-14T23:59:59.999+04:00", "2026-12-16", "2027-01-15"] {
        refused(&consent, &pay(1_000_000, day), ExerciseFault::Day, &list);
    }
    refused(&consent, &pay(750_000, "2026-12-15"), ExerciseFault::Amount, INSTRUCTED);
    let first = pay(1_000_000, "2026-12-14T20:00:00Z");
    let used = paid(&consent, std::slice::from_ref(&first));
    refused(&used, &pay(1_000_000, "2026-12-15"), ExerciseFault::Count, &list);
    paid(&used.give_back(&first), &[pay(1_000_000, "2026-12-15"), pay(750_000, "2027-03-15")]);
}

#[test]
fn another_currency_is_refused_for_every_type() {
    for (element, fils, day) in [
        (single_instant(), 14_990, "2026-11-21"),
        (single_future_dated(), 320_000, "2026-12-05"),
        (fixed_recurring(), 25_000, "2026-12-01"),
        (fixed_on_demand(), 5000, "2026-11-23"),
        (variable_recurring(), 60_000, "2026-12-31"),
        (variable_on_demand(), 12_000, "2026-11-21"),
        (variable_defined(), 1_000_000, "2026-12-15"),
    ] {
        let consent = consent(element);
        let foreign = Use { currency: "USD".to_owned(), ..pay(fils, day) };
        refused(&consent, &foreign, ExerciseFault::Currency, "Data.Instruction.Amount.Currency");
        paid(&consent, &[pay(fils, day)]);
    }
}

#[test]
fn purpose_and_references_of_several_payments_may_differ_from_the_consent() {
    let other = || Some("other".to_owned());
    let differing = |payment: Use| Use {
        purpose: Some("ABCD".to_owned()),
        payer_reference: other(),
        beneficiary_reference: other(),
        ..payment
    };
    for (element, payment) in [
        (fixed_recurring(), pay(25_000, "2026-12-01")),
        (variable_defined(), pay(1_000_000, "2026-12-15")),
        (combined(), Use { kind: Some(UaePaymentType::FixedRecurring), ..pay(20_000, "2026-12-21") }),
    ] {
        paid(&consent(element), &[differing(payment)]);
    }
    let single = consent(single_future_dated());
    let wanted = differing(pay(320_000, "2026-12-05"));
    refused(&single, &wanted, ExerciseFault::BusinessRule, "Data.PaymentPurposeCode");
    let part = Use { kind: Some(UaePaymentType::SingleInstant), ..pay(50_000, "2026-11-21") };
    refused(&consent(combined()), &differing(part), ExerciseFault::BusinessRule, "Data.PaymentPurposeCode");
    let payee = Use { creditor: other(), ..pay(25_000, "2026-12-01") };
    let path = "Data.Initiation.CreditorAccount.Identification";
    refused(&consent(fixed_recurring()), &payee, ExerciseFault::BusinessRule, path);
}

#[test]
fn an_order_under_a_combined_consent_names_its_part() {
    let consent = consent(combined());
    let deposit = Use { kind: Some(UaePaymentType::SingleInstant), ..pay(50_000, "2026-11-21") };
    let instalment = Use { kind: Some(UaePaymentType::FixedRecurring), ..pay(20_000, "2026-12-21") };
    let unnamed = Use { kind: None, ..deposit.clone() };
    refused(&consent, &unnamed, ExerciseFault::Part, "Data.Type");
    let foreign = Use { kind: Some(UaePaymentType::VariableRecurring), ..deposit.clone() };
    refused(&consent, &foreign, ExerciseFault::Part, "Data.Type");
    let swapped = Use { kind: instalment.kind, ..deposit.clone() };
    refused(&consent, &swapped, ExerciseFault::Day, &multi("PeriodicSchedule.PeriodStartDate"));
    let both = paid(&consent, &[deposit.clone(), instalment.clone()]);
    assert_eq!((both.usage.count, both.usage.multi.count), (2, 1), "each part counts its own");
    refused(&both, &deposit, ExerciseFault::Count, SINGLE);
    assert_eq!(both.give_back(&deposit).usage.multi, both.usage.multi);
    paid(&both.give_back(&deposit), &[deposit]);
    paid(&both.give_back(&instalment), &[instalment]);
}

#[test]
fn the_instant_part_of_a_combined_consent_is_paid_on_the_day_of_its_approval() {
    let waiting = lodged(combined());
    let actor = Actor::Customer(crate::fixture::customer());
    let late = at("2026-11-22T11:00:00+04:00");
    let (approved, _) = waiting.moved(ConsentStatus::Authorized, &actor, "approved", late).unwrap();
    let deposit = |day: &str| Use { kind: Some(UaePaymentType::SingleInstant), ..pay(50_000, day) };
    refused(&approved, &deposit("2026-11-21T23:59:59.999+04:00"), ExerciseFault::Day, SINGLE);
    paid(&approved, &[deposit("2026-11-22")]);
    refused(&approved, &deposit("2026-11-23T00:00:00+04:00"), ExerciseFault::Day, SINGLE);
}

#[test]
fn a_combined_consent_is_finished_when_both_parts_are() {
    let one = changed(combined(), &format!("{MULTI}/TotalNumberOfPayments"), json!(1));
    let deposit = Use { kind: Some(UaePaymentType::SingleInstant), ..pay(50_000, "2026-11-21") };
    let instalment = Use { kind: Some(UaePaymentType::FixedRecurring), ..pay(20_000, "2026-12-21") };
    let both = paid(&consent(one), &[deposit.clone(), instalment.clone()]);
    for order in [[&deposit, &instalment], [&instalment, &deposit]] {
        let (first, finished) = success(&both, order[0]);
        assert!(!finished, "one part is not both");
        assert!(success(&first, order[1]).1);
    }
}

#[test]
fn each_type_is_finished_by_the_successes_its_section_counts() {
    let weekly = |count: u32| -> Vec<Use> {
        let first = rar_consent::Day::parse("2026-11-23").unwrap();
        (0..count).map(|week| pay(5000, &first.add_days(7 * week).unwrap().to_string())).collect()
    };
    let with =
        |element: Value, member: &str, value: Value| changed(element, &format!("{MULTI}/{member}"), value);
    let aed = |amount: &str| json!({"Amount": amount, "Currency": "AED"});
    let listed = [pay(1_000_000, "2026-12-15"), pay(750_000, "2027-03-15"), pay(250_000, "2027-06-15")];
    for (element, payments) in [
        (
            with(fixed_recurring(), "TotalNumberOfPayments", json!(2)),
            vec![pay(25_000, "2026-12-01"), pay(25_000, "2027-01-01")],
        ),
        (with(fixed_on_demand(), "MaximumCumulativeNumberOfPayments", json!(3)), weekly(3)),
        (with(fixed_on_demand(), "MaximumCumulativeValueOfPayments", aed("199.99")), weekly(3)),
        (
            with(variable_recurring(), "MaximumCumulativeNumberOfPayments", json!(2)),
            vec![pay(1, "2026-12-31"), pay(1, "2027-01-31")],
        ),
        (
            with(variable_recurring(), "MaximumCumulativeValueOfPayments", aed("700.00")),
            vec![pay(60_000, "2026-12-31"), pay(10_000, "2027-01-31")],
        ),
        (
            with(variable_on_demand(), "MaximumCumulativeValueOfPayments", aed("130.00")),
            vec![pay(12_000, "2026-11-21"), pay(1000, "2026-11-21")],
        ),
        (variable_defined(), listed.to_vec()),
    ] {
        let mut consent = paid(&consent(element), &payments);
        let (last, before) = payments.split_last().unwrap();
        for payment in before {
            let (changed, finished) = success(&consent, payment);
            assert!(!finished, "{payment:?}");
            consent = changed;
        }
        let (finished, is_finished) = success(&consent, last);
        assert!(is_finished, "{last:?}");
        assert_eq!(finished.status, ConsentStatus::Finished);
    }
}

#[test]
fn what_is_used_up_is_not_finished_while_a_payment_is_pending() {
    let value = json!({"Amount": "130.00", "Currency": "AED"});
    let all = changed(variable_on_demand(), &format!("{MULTI}/MaximumCumulativeValueOfPayments"), value);
    let (one, other) = (pay(12_000, "2026-11-21"), pay(1000, "2026-11-21"));
    let used = paid(&consent(all), &[one.clone(), other.clone()]);
    let (waiting, finished) = success(&used, &one);
    assert!(!finished, "the other may still be rejected");
    let rejected = waiting.give_back(&other);
    assert_eq!(rejected.status, ConsentStatus::Authorized);
    assert!(success(&paid(&rejected, std::slice::from_ref(&other)), &other).1);
}

#[test]
fn a_consent_whose_time_is_over_expires_and_is_not_finished() {
    let used = paid(&consent(single_future_dated()), &[pay(320_000, "2026-12-05")]);
    let late = at("2026-12-06T00:00:00+04:00");
    let (changed, entry) = used.succeeded(&pay(320_000, "2026-12-05"), late).unwrap();
    assert_eq!((changed.status, entry.is_none()), (ConsentStatus::Authorized, true));
    assert_eq!(changed.at(late).unwrap().0.status, ConsentStatus::Expired);
}

#[test]
fn a_rejection_gives_its_slot_back_to_the_period_it_was_received_in() {
    let consent = consent(fixed_on_demand());
    let (monday, next) = (pay(5000, "2026-11-29T23:59:59+04:00"), pay(5000, "2026-11-30T00:00:00+04:00"));
    let full = paid(&consent, &[monday.clone(), monday.clone(), monday.clone()]);
    let both = paid(&full, &[next.clone(), next.clone(), next.clone()]);
    let back = both.give_back(&monday);
    let count = multi("PeriodicSchedule.MaximumCumulativeNumberOfPaymentsPerPeriodType");
    refused(&back, &next, ExerciseFault::Count, &count);
    paid(&back, &[monday]);
    paid(&both.give_back(&next), &[next]);
}

#[test]
fn a_rejection_of_a_period_that_is_forgotten_frees_the_lifetime_alone() {
    let consent = consent(fixed_on_demand());
    let old = pay(5000, "2026-11-23");
    let used = paid(&consent, &[old.clone(), pay(5000, "2026-12-07"), pay(5000, "2026-12-14")]);
    let back = used.give_back(&old);
    assert_eq!((back.usage.count, back.usage.total_minor), (2, 10_000));
    assert_eq!(back.usage.multi.recent, used.usage.multi.recent);
    let start = multi("PeriodicSchedule.PeriodStartDate");
    refused(&used, &old, ExerciseFault::Day, &start);
}

#[test]
fn what_is_kept_of_usage_does_not_grow_with_the_payments() {
    let daily = format!("{MULTI}/PeriodicSchedule/PeriodType");
    let element = changed(fixed_on_demand(), &daily, json!("Day"));
    let element = changed(element, &format!("{MULTI}/MaximumCumulativeNumberOfPayments"), json!(1_000_000));
    let value = json!({"Amount": "9000000.00", "Currency": "AED"});
    let element = changed(element, &format!("{MULTI}/MaximumCumulativeValueOfPayments"), value);
    let first = rar_consent::Day::parse("2026-11-23").unwrap();
    let mut used = consent(element);
    for day in 0..180 {
        let day = first.add_days(day).unwrap().to_string();
        used = paid(&used, &[pay(5000, &day), pay(5000, &day)]);
    }
    assert_eq!(used.usage.multi.recent.len(), 2);
    assert!(serde_json::to_string(&used.usage).unwrap().len() < 300);
    assert_eq!(used.usage.count, 360);
}

#[test]
fn usage_that_was_kept_before_there_were_parts_is_still_read() {
    let kept: rar_consent::Usage = serde_json::from_value(json!({"count": 1, "total_minor": 14990})).unwrap();
    let used = Consent { usage: kept, ..consent(single_instant()) };
    let payment = pay(14990, "2026-11-21");
    refused(&used, &payment, ExerciseFault::Count, SINGLE);
    assert!(success(&used, &payment).1);
    let fresh = serde_json::to_value(consent(single_instant()).usage).unwrap();
    assert_eq!(fresh, json!({"count": 0, "total_minor": 0}), "and written as before where nothing is new");
}

#[test]
fn consumption_is_told_for_the_period_that_runs_when_it_is_read() {
    let consent = consent(fixed_on_demand());
    let used = paid(&consent, &[pay(5000, "2026-11-29"), pay(5000, "2026-11-29")]);
    let told = |text: &str| {
        let told = used.consumption(at(text)).unwrap();
        let period = told.in_period.unwrap();
        (told.count, told.value.decimal(), period.count, period.value.decimal())
    };
    assert_eq!(told("2026-11-29T23:59:59.999+04:00"), (2, "100.00".into(), 2, "100.00".into()));
    assert_eq!(told("2026-11-30T00:00:00+04:00"), (2, "100.00".into(), 0, "0.00".into()));
    let before = consent.consumption(at("2026-11-22")).unwrap();
    assert_eq!(before.in_period.unwrap().count, 0, "before the first period there is nothing in it");
    let single = self::consent(single_instant()).consumption(NOW).unwrap();
    assert_eq!((single.count, single.in_period), (0, None), "one payment has no periods");
    assert_eq!(lodged(fixed_on_demand()).consumption(NOW), None, "nothing is told before the approval");
}

#[test]
fn consumption_counts_both_parts_and_the_period_only_the_second() {
    let deposit = Use { kind: Some(UaePaymentType::SingleInstant), ..pay(50_000, "2026-11-21") };
    let instalment = Use { kind: Some(UaePaymentType::FixedRecurring), ..pay(20_000, "2026-12-21") };
    let told = paid(&consent(combined()), &[deposit, instalment]).consumption(at("2026-12-21")).unwrap();
    assert_eq!((told.count, told.value.decimal()), (2, "700.00".to_owned()));
    let period = told.in_period.unwrap();
    assert_eq!((period.count, period.value.decimal()), (1, "200.00".to_owned()));
}

#[test]
fn aligned_to_the_calendar_a_week_is_full_until_sunday() {
    let start = format!("{MULTI}/PeriodicSchedule/PeriodStartDate");
    let element = changed(fixed_on_demand(), &start, json!("2026-11-26"));
    let registry = DetailRegistry::aligned(Alignment::Calendar);
    let calendar = authorised(&Push { registry, ..Push::of(element.clone()) }.lodged()).0;
    let three = ["2026-11-26", "2026-11-27", "2026-11-28"].map(|day| pay(5000, day));
    let count = multi("PeriodicSchedule.MaximumCumulativeNumberOfPaymentsPerPeriodType");
    let full = paid(&calendar, &three);
    refused(&full, &pay(5000, "2026-11-29"), ExerciseFault::Count, &count);
    paid(&full, &[pay(5000, "2026-11-30")]);
    let own = paid(&consent(element), &three);
    refused(&own, &pay(5000, "2026-12-02"), ExerciseFault::Count, &count);
    paid(&own, &[pay(5000, "2026-12-03")]);
}
