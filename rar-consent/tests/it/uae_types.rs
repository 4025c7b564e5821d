//! The seven UAE payment types and the combined one: the bodies of section 16 are taken, and each is refused when it is
//! broken in one place, by the rule of its section and with the path.

use rar_consent::{
    Alignment, DetailRegistry, MultiPayment, PeriodType, Schedule, SinglePayment, Terms, UaePaymentType,
};
use serde_json::{Value, json};

use crate::examples::{
    all, changed, combined, container, fixed_on_demand, fixed_recurring, single_future_dated, single_instant,
    variable_defined, variable_on_demand, variable_recurring,
};
use crate::fixture::{Push, lodged, with};

const SCHEDULE: &str = "ControlParameters/ConsentSchedule";
const SINGLE: &str = "ControlParameters/ConsentSchedule/SinglePayment";
const MULTI: &str = "ControlParameters/ConsentSchedule/MultiPayment";

/// Refused with one member of the consent set, or removed for null, at the path of that member or another one.
#[track_caller]
fn refused(element: Value, (pointer, value): (&str, Value), rule: &str, path: &str) {
    let container = container(&element);
    let path = if path.is_empty() { pointer } else { path };
    let path = path.split('/').fold(format!("authorization_details[0].{container}"), |path, step| {
        if step.parse::<usize>().is_ok() { format!("{path}[{step}]") } else { format!("{path}.{step}") }
    });
    Push::of(changed(element, pointer, value)).because(rule, &path);
}

fn schedule(element: Value) -> Schedule {
    let Terms::UaePayment(payment) = lodged(element).terms else { panic!("another kind") };
    payment.schedule
}

#[test]
fn every_body_of_section_16_is_taken_on_its_day() {
    for element in all() {
        let vetted = Push::of(element.clone()).taken();
        let consent = &element[container(&element)];
        assert_eq!(vetted.consent.unwrap().as_str(), consent["ConsentId"]);
        let mut echoed = vetted.elements[0].value[container(&element)].clone();
        assert_eq!(echoed.as_object_mut().unwrap().remove("Status"), Some(json!("Authorized")));
        assert_eq!(echoed, *consent, "the echo is what was sent");
    }
}

#[test]
fn what_is_kept_of_each_body_is_what_it_says() {
    use UaePaymentType as Kind;
    let kinds = |element| {
        let schedule = schedule(element);
        (schedule.single().map(SinglePayment::kind), schedule.multi().map(MultiPayment::kind))
    };
    let expected = [
        (Some(Kind::SingleInstant), None),
        (Some(Kind::SingleFutureDated), None),
        (None, Some(Kind::FixedRecurring)),
        (None, Some(Kind::FixedOnDemand)),
        (None, Some(Kind::VariableRecurring)),
        (None, Some(Kind::VariableOnDemand)),
        (None, Some(Kind::VariableDefined)),
        (Some(Kind::SingleInstant), Some(Kind::FixedRecurring)),
    ];
    assert_eq!(all().map(kinds), expected);
    let Schedule::Multi(MultiPayment::FixedOnDemand { amount, lifetime, periodic }) =
        schedule(fixed_on_demand())
    else {
        panic!("another type")
    };
    let periodic = periodic.unwrap();
    let value = lifetime.value.unwrap().minor;
    assert_eq!((amount.minor, lifetime.count, value), (5000, Some(40), 200_000));
    assert_eq!((periodic.count, periodic.value.unwrap().minor), (Some(3), 15_000));
    assert_eq!(periodic.periods.kind, PeriodType::Week);
    assert_eq!(periodic.periods.anchor.to_string(), "2026-11-23");
    assert_eq!(periodic.periods.alignment, Alignment::Consent);
    let Schedule::Single(SinglePayment::FutureDated { execute_at, .. }) = schedule(single_future_dated())
    else {
        panic!("another type")
    };
    assert_eq!(rar_consent::read_instant("2026-12-05T06:00:00+04:00"), Ok(execute_at));
}

#[test]
fn terms_of_every_type_are_read_back_as_they_were_kept() {
    for element in all() {
        let terms = lodged(element).terms;
        let kept = serde_json::to_value(&terms).unwrap();
        assert!(kept.get("uae_payment_2").is_some(), "{kept}");
        assert_eq!(serde_json::from_value::<Terms>(kept).unwrap(), terms);
    }
}

#[test]
fn terms_of_the_first_version_are_still_read() {
    let Terms::UaePayment(payment) = lodged(single_instant()).terms else { panic!("another kind") };
    let mut kept = serde_json::to_value(Terms::UaePayment(payment.clone())).unwrap();
    let mut first = kept["uae_payment_2"].take();
    first["schedule"] = json!({"SingleInstant": {"amount": {"minor": 14990, "currency": "AED"}}});
    let read: Terms = serde_json::from_value(json!({"uae_payment_1": first})).unwrap();
    assert_eq!(read, Terms::UaePayment(payment));
    first["schedule"] = json!({});
    assert!(serde_json::from_value::<Terms>(json!({"uae_payment_2": first})).is_err(), "at least one part");
}

#[test]
fn the_alignment_of_periods_is_the_registrys_and_stays_with_the_consent() {
    let push = Push { registry: DetailRegistry::aligned(Alignment::Calendar), ..Push::of(fixed_on_demand()) };
    let Terms::UaePayment(payment) = push.lodged().terms else { panic!("another kind") };
    let periodic = payment.schedule.multi().unwrap().periodic().unwrap().clone();
    assert_eq!(periodic.periods.alignment, Alignment::Calendar);
}

#[test]
fn each_type_is_refused_without_a_member_it_must_have() {
    for (element, members) in [
        (single_instant(), &[(SINGLE, "Amount")][..]),
        (single_future_dated(), &[(SINGLE, "Amount"), (SINGLE, "RequestedExecutionDateTime")]),
        (
            fixed_recurring(),
            &[
                (MULTI, "TotalNumberOfPayments"),
                (MULTI, "PeriodicSchedule"),
                (MULTI, "PeriodicSchedule/PeriodType"),
                (MULTI, "PeriodicSchedule/PeriodStartDate"),
                (MULTI, "PeriodicSchedule/Amount"),
            ],
        ),
        (
            fixed_on_demand(),
            &[
                (MULTI, "Amount"),
                (MULTI, "MaximumCumulativeNumberOfPayments"),
                (MULTI, "MaximumCumulativeValueOfPayments"),
                (MULTI, "PeriodicSchedule/PeriodType"),
            ],
        ),
        (
            variable_recurring(),
            &[
                (MULTI, "MaximumIndividualPaymentAmount"),
                (MULTI, "MaximumCumulativeNumberOfPayments"),
                (MULTI, "MaximumCumulativeValueOfPayments"),
                (MULTI, "PeriodicSchedule"),
                (MULTI, "PeriodicSchedule/PeriodStartDate"),
            ],
        ),
        (
            variable_on_demand(),
            &[
                (MULTI, "MaximumIndividualPaymentAmount"),
                (MULTI, "MaximumCumulativeNumberOfPayments"),
                (MULTI, "MaximumCumulativeValueOfPayments"),
            ],
        ),
        (
            variable_defined(),
            &[
                (MULTI, "PaymentSchedule"),
                (MULTI, "PaymentSchedule/1/PaymentExecutionDate"),
                (MULTI, "PaymentSchedule/2/Amount"),
            ],
        ),
    ] {
        for (part, member) in members {
            refused(element.clone(), (&format!("{part}/{member}"), Value::Null), "RFC9396-5-missing", "");
        }
    }
    for element in [variable_on_demand(), fixed_on_demand()] {
        Push::of(changed(element, &format!("{MULTI}/PeriodicSchedule"), Value::Null)).taken();
    }
}

#[test]
fn each_type_is_refused_with_a_member_of_another_type() {
    let aed = json!({"Amount": "1.00", "Currency": "AED"});
    for (element, part, member, value) in [
        (single_instant(), SINGLE, "RequestedExecutionDateTime", json!("2026-12-05")),
        (single_future_dated(), SINGLE, "TotalNumberOfPayments", json!(1)),
        (fixed_recurring(), MULTI, "Amount", aed.clone()),
        (fixed_recurring(), MULTI, "MaximumCumulativeNumberOfPayments", json!(1)),
        (fixed_on_demand(), MULTI, "MaximumIndividualPaymentAmount", aed.clone()),
        (fixed_on_demand(), MULTI, "PeriodicSchedule/Type", json!("Weekly")),
        (variable_recurring(), MULTI, "PeriodicSchedule/Amount", aed.clone()),
        (variable_on_demand(), MULTI, "PeriodicSchedule/Amount", aed.clone()),
        (variable_on_demand(), MULTI, "PaymentSchedule", json!([])),
        (variable_defined(), MULTI, "PeriodicSchedule", json!({})),
        (variable_defined(), MULTI, "PaymentSchedule/0/PaymentSequenceNumber", json!("1")),
        (combined(), SINGLE, "TotalNumberOfPayments", json!(1)),
    ] {
        refused(element, (&format!("{part}/{member}"), value), "RFC9396-5-member", "");
    }
}

#[test]
fn each_type_is_refused_with_a_value_of_another_json_type() {
    for (element, member, value) in [
        (fixed_recurring(), "TotalNumberOfPayments", json!("12")),
        (fixed_recurring(), "TotalNumberOfPayments", json!(12.0)),
        (fixed_recurring(), "TotalNumberOfPayments", json!(-12)),
        (fixed_recurring(), "TotalNumberOfPayments", json!(4_294_967_296_u64)),
        (fixed_recurring(), "PeriodicSchedule/PeriodType", json!("month")),
        (fixed_recurring(), "PeriodicSchedule/PeriodType", json!("Quarter")),
        (fixed_recurring(), "PeriodicSchedule/PeriodStartDate", json!(20_261_201)),
        (fixed_on_demand(), "MaximumCumulativeNumberOfPayments", json!(1.5)),
        (fixed_on_demand(), "MaximumCumulativeValueOfPayments", json!("2000.00")),
        (variable_defined(), "PaymentSchedule", json!({})),
        (variable_defined(), "PaymentSchedule/0", json!("2026-12-15")),
    ] {
        refused(element, (&format!("{MULTI}/{member}"), value), "RFC9396-5-value", "");
    }
}

#[test]
fn a_type_belongs_into_its_slot() {
    let other = "this payment type belongs into the other slot";
    for element in all() {
        let element = if container(&element) == "Data" { element } else { fixed_recurring() };
        let schedule = &element[container(&element)]["ControlParameters"]["ConsentSchedule"];
        let (single, multi) = (&schedule["SinglePayment"], &schedule["MultiPayment"]);
        if single.is_object() && multi.is_object() {
            continue;
        }
        let (wrong, part) =
            if single.is_object() { ("MultiPayment", single) } else { ("SinglePayment", multi) };
        let push = Push::of(with(SCHEDULE, json!({wrong: part})));
        push.because(
            "UAEBSI-5-type",
            &format!("authorization_details[0].Data.ControlParameters.ConsentSchedule.{wrong}.Type"),
        );
        assert_eq!(push.refused().1.hint, other);
    }
    for unknown in [json!("SingleInstantPayment"), json!("UAEOF.Payment"), json!(7), json!([]), json!("")] {
        let path = "ControlParameters/ConsentSchedule/SinglePayment/Type";
        refused(single_instant(), (path, unknown), "UAEBSI-5-type", "");
    }
    for nothing in [json!([]), json!("x"), json!({})] {
        let path = "ControlParameters/ConsentSchedule/SinglePayment/Type";
        refused(single_instant(), (SINGLE, nothing), "UAEBSI-5-type", path);
    }
    refused(single_instant(), (SCHEDULE, json!({})), "UAEBSI-5-type", "");
}

#[test]
fn whoever_pays_several_times_says_what_for() {
    for element in
        [fixed_on_demand(), variable_recurring(), variable_on_demand(), variable_defined(), combined()]
    {
        refused(element.clone(), ("UserReference", Value::Null), "UAEBSI-5-reference", "PayerReference");
        refused(element, ("UserReference", json!("")), "UAEBSI-4-reference", "PayerReference");
    }
    refused(fixed_recurring(), ("PayerReference", Value::Null), "UAEBSI-5-reference", "");
    Push::of(changed(single_future_dated(), "PayerReference", Value::Null)).taken();
}

#[test]
fn numbers_of_payments_are_at_least_one() {
    for (element, member) in [
        (fixed_recurring(), "TotalNumberOfPayments"),
        (fixed_on_demand(), "MaximumCumulativeNumberOfPayments"),
        (fixed_on_demand(), "PeriodicSchedule/MaximumCumulativeNumberOfPaymentsPerPeriodType"),
        (variable_recurring(), "MaximumCumulativeNumberOfPayments"),
        (variable_recurring(), "PeriodicSchedule/MaximumCumulativeNumberOfPaymentsPerPeriodType"),
        (variable_on_demand(), "MaximumCumulativeNumberOfPayments"),
        (combined(), "TotalNumberOfPayments"),
    ] {
        refused(element.clone(), (&format!("{MULTI}/{member}"), json!(0)), "UAEBSI-5-number", "");
        Push::of(changed(element, &format!("{MULTI}/{member}"), json!(1))).taken();
    }
}

#[test]
fn every_amount_of_every_type_is_canonical_and_in_dirhams() {
    for (element, part, member) in [
        (single_future_dated(), SINGLE, "Amount"),
        (fixed_recurring(), MULTI, "PeriodicSchedule/Amount"),
        (fixed_on_demand(), MULTI, "Amount"),
        (fixed_on_demand(), MULTI, "MaximumCumulativeValueOfPayments"),
        (fixed_on_demand(), MULTI, "PeriodicSchedule/MaximumCumulativeValueOfPaymentsPerPeriodType"),
        (variable_recurring(), MULTI, "MaximumIndividualPaymentAmount"),
        (variable_recurring(), MULTI, "MaximumCumulativeValueOfPayments"),
        (variable_on_demand(), MULTI, "MaximumIndividualPaymentAmount"),
        (variable_on_demand(), MULTI, "MaximumCumulativeValueOfPayments"),
        (variable_defined(), MULTI, "PaymentSchedule/1/Amount"),
        (combined(), SINGLE, "Amount"),
        (combined(), MULTI, "PeriodicSchedule/Amount"),
    ] {
        let at = |name: &str| format!("{part}/{member}/{name}");
        for bad in ["0.00", "1", "1.0", "000.00", "1e2", "-1.00", "12345678901234567.00"] {
            refused(element.clone(), (&at("Amount"), json!(bad)), "UAEBSI-4-amount", "");
        }
        for bad in ["USD", "aed", ""] {
            refused(element.clone(), (&at("Currency"), json!(bad)), "UAEBSI-4-amount", "");
        }
    }
}

#[test]
fn days_and_instants_have_one_spelling() {
    for bad in ["2026-12-1", "01-12-2026", "2026-02-30", "2026-12-01T00:00:00Z", "", "\u{661}026-12-01"] {
        for (element, member) in [
            (fixed_recurring(), "PeriodicSchedule/PeriodStartDate"),
            (variable_on_demand(), "PeriodicSchedule/PeriodStartDate"),
            (variable_defined(), "PaymentSchedule/0/PaymentExecutionDate"),
        ] {
            refused(element, (&format!("{MULTI}/{member}"), json!(bad)), "UAEBSI-5-date", "");
        }
    }
    let member = format!("{SINGLE}/RequestedExecutionDateTime");
    for bad in ["2026-12-05T06:00:00", "2026-12-05 06:00:00Z", "2026-12-5", "soon"] {
        refused(single_future_dated(), (&member, json!(bad)), "UAEBSI-5-date", "");
    }
}

#[test]
fn section_5_1_2_a_future_dated_payment_is_on_another_day_within_the_consent() {
    let member = format!("{SINGLE}/RequestedExecutionDateTime");
    let at = |text: &str| changed(single_future_dated(), &member, json!(text));
    for (bad, rule) in [
        ("2026-11-21T23:59:59.999+04:00", "UAEBSI-5.1-2-ahead"),
        ("2026-11-21T12:00:00.001+04:00", "UAEBSI-5.1-2-ahead"),
        ("2026-11-21", "UAEBSI-5.1-2-ahead"),
        ("2020-01-01", "UAEBSI-5.1-2-ahead"),
        ("2026-12-06T00:00:00.001+04:00", "UAEBSI-5.1-2-end"),
        ("2026-12-07", "UAEBSI-5.1-2-end"),
        ("2027-11-22", "UAEBSI-5.1-2-year"),
    ] {
        refused(single_future_dated(), (&member, json!(bad)), rule, "");
    }
    for good in ["2026-11-21T20:00:00Z", "2026-11-22", "2026-12-06T00:00:00+04:00", "2026-12-05"] {
        Push::of(at(good)).taken();
    }
    let Schedule::Single(single) = schedule(at("2026-12-05")) else { panic!("another type") };
    assert_eq!(
        single.execute_at(),
        rar_consent::read_instant("2026-12-04T20:00:00Z").ok(),
        "midnight in Dubai"
    );
    let last = changed(at("2027-11-21"), "ExpirationDateTime", json!("2027-11-21T23:59:59+04:00"));
    Push::of(last).taken();
}

#[test]
fn section_5_1_3_a_schedule_begins_today_or_later_and_can_be_finished() {
    let start = format!("{MULTI}/PeriodicSchedule/PeriodStartDate");
    let total = format!("{MULTI}/TotalNumberOfPayments");
    refused(fixed_recurring(), (&start, json!("2026-11-20")), "UAEBSI-5.1-3-start", "");
    Push::of(changed(fixed_recurring(), &start, json!("2026-11-21"))).taken();
    refused(fixed_recurring(), (&total, json!(13)), "UAEBSI-5.1-3-last", "");
    refused(fixed_recurring(), (&total, json!(u32::MAX)), "UAEBSI-5.1-3-last", "");
    // The last of twelve is on 31 October or 20 November 2027, which is the day the consent ends.
    Push::of(changed(fixed_recurring(), &start, json!("2026-12-20"))).taken();
    refused(fixed_recurring(), (&start, json!("2026-12-21")), "UAEBSI-5.1-3-last", &total);
    let weekly = changed(fixed_recurring(), &format!("{MULTI}/PeriodicSchedule/PeriodType"), json!("Week"));
    Push::of(changed(weekly.clone(), &total, json!(51))).taken();
    refused(weekly, (&total, json!(52)), "UAEBSI-5.1-3-last", "");
    refused(combined(), (&total, json!(7)), "UAEBSI-5.1-3-last", "");
}

#[test]
fn section_5_1_periods_begin_before_the_consent_ends() {
    let start = format!("{MULTI}/PeriodicSchedule/PeriodStartDate");
    for (element, last, after) in [
        (fixed_on_demand(), "2027-05-31", "2027-06-01"),
        (variable_recurring(), "2027-11-20", "2027-11-21"),
        (variable_on_demand(), "2027-02-28", "2027-03-01"),
    ] {
        refused(element.clone(), (&start, json!(after)), "UAEBSI-5.1-start", "");
        for good in [last, "2026-11-01"] {
            Push::of(changed(element.clone(), &start, json!(good))).taken();
        }
    }
}

#[test]
fn section_5_1_4_the_amount_says_the_same_in_both_places() {
    let (own, inner) = (format!("{MULTI}/Amount"), format!("{MULTI}/PeriodicSchedule/Amount"));
    let aed = |amount: &str| json!({"Amount": amount, "Currency": "AED"});
    Push::of(changed(fixed_on_demand(), &inner, aed("50.00"))).taken();
    refused(fixed_on_demand(), (&inner, aed("50.01")), "UAEBSI-5-places", "");
    let only_inner = changed(changed(fixed_on_demand(), &inner, aed("50.00")), &own, Value::Null);
    let Schedule::Multi(MultiPayment::FixedOnDemand { amount, .. }) = schedule(only_inner) else {
        panic!("another type")
    };
    assert_eq!(amount.minor, 5000);
}

#[test]
fn section_5_1_4_to_6_one_payment_fits_into_the_value_of_all() {
    let amount = |member: &str| format!("{MULTI}/{member}/Amount");
    let most = "MaximumCumulativeValueOfPayments";
    for (element, member, fits, beyond, path) in [
        (fixed_on_demand(), "Amount", "2000.00", "2000.01", most),
        (
            variable_recurring(),
            "MaximumIndividualPaymentAmount",
            "4800.00",
            "4800.01",
            "MaximumIndividualPaymentAmount",
        ),
        (
            variable_on_demand(),
            "MaximumIndividualPaymentAmount",
            "1000.00",
            "1000.01",
            "MaximumIndividualPaymentAmount",
        ),
    ] {
        Push::of(changed(element.clone(), &amount(member), json!(fits))).taken();
        let path = format!("{MULTI}/{path}");
        refused(element, (&amount(member), json!(beyond)), "UAEBSI-5.1-value", &path);
    }
}

#[test]
fn section_5_the_maxima_of_a_period_are_taken_under_all_their_names() {
    let schedule_at = format!("{MULTI}/PeriodicSchedule");
    let aed = |amount: &str| json!({"Amount": amount, "Currency": "AED"});
    let base = || json!({"PeriodType": "Week", "PeriodStartDate": "2026-11-23"});
    let spelled = |members: Value| {
        let mut schedule = base();
        schedule.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        changed(fixed_on_demand(), &schedule_at, schedule)
    };
    for members in [
        json!({"MaximumCumulativeNumberOfPaymentsPerPeriodType": 3,
            "MaximumCumulativeValueOfPaymentsPerPeriodType": aed("150.00")}),
        json!({"MaximumCumulativeNumberOfPaymentsPerPeriod": 3,
            "MaximumCumulativeValueOfPaymentsPerPeriod": aed("150.00")}),
        json!({"Controls": {"MaximumCumulativeNumberOfPaymentsPerPeriod": 3,
            "MaximumCumulativeValueOfPaymentsPerPeriod": aed("150.00")}}),
        json!({"MaximumCumulativeNumberOfPaymentsPerPeriodType": 3,
            "MaximumCumulativeNumberOfPaymentsPerPeriod": 3,
            "Controls": {"MaximumCumulativeNumberOfPaymentsPerPeriod": 3,
                "MaximumCumulativeValueOfPaymentsPerPeriod": aed("150.00")}}),
    ] {
        assert_eq!(schedule(spelled(members)), schedule(fixed_on_demand()));
    }
    let count = "MaximumCumulativeNumberOfPaymentsPerPeriod";
    let value = "MaximumCumulativeValueOfPaymentsPerPeriod";
    for (members, path) in [
        (json!({"MaximumCumulativeNumberOfPaymentsPerPeriodType": 3, (count): 4}), count.to_owned()),
        (json!({(count): 3, "Controls": {(count): 4}}), format!("Controls.{count}")),
        (
            json!({"MaximumCumulativeValueOfPaymentsPerPeriodType": aed("1.00"), (value): aed("1.01")}),
            value.to_owned(),
        ),
    ] {
        let path = format!("authorization_details[0].Data.{}.{path}", schedule_at.replace('/', "."));
        Push::of(spelled(members)).because("UAEBSI-5-places", &path);
    }
    let unknown = spelled(json!({"Controls": {"MaximumIndividualAmount": aed("1.00")}}));
    let path = format!(
        "authorization_details[0].Data.{}.Controls.MaximumIndividualAmount",
        schedule_at.replace('/', ".")
    );
    Push::of(unknown).because("RFC9396-5-member", &path);
}

#[test]
fn section_5_1_7_a_list_has_its_size_and_its_days() {
    let list = format!("{MULTI}/PaymentSchedule");
    let entry =
        |day: &str| json!({"PaymentExecutionDate": day, "Amount": {"Amount": "1.00", "Currency": "AED"}});
    let days = |count: u32| -> Value {
        let first = rar_consent::Day::parse("2026-11-21").unwrap();
        (0..count).map(|offset| entry(&first.add_days(offset).unwrap().to_string())).collect()
    };
    for good in [1, 53] {
        Push::of(changed(variable_defined(), &list, days(good))).taken();
    }
    for bad in [0, 54] {
        refused(variable_defined(), (&list, days(bad)), "UAEBSI-5.1-7-size", "");
    }
    let second = format!("{list}/1/PaymentExecutionDate");
    for (day, rule) in [("2026-11-20", "UAEBSI-5.1-7-ahead"), ("2027-07-01", "UAEBSI-5.1-7-end")] {
        refused(variable_defined(), (&second, json!(day)), rule, "");
    }
    for day in ["2026-11-21", "2027-06-30"] {
        Push::of(changed(variable_defined(), &second, json!(day))).taken();
    }
    let first = format!("{list}/0/PaymentExecutionDate");
    refused(variable_defined(), (&second, json!("2026-12-15")), "UAEBSI-5.1-7-unique", &first);
}

#[test]
fn section_5_2_a_combined_consent_lives_as_long_as_its_several_payments() {
    let (year, beyond) = (json!("2027-11-21T23:59:59+04:00"), json!("2027-11-22T00:00:00+04:00"));
    Push::of(changed(combined(), "ExpirationDateTime", year)).taken();
    refused(combined(), ("ExpirationDateTime", beyond), "UAEBSI-4.3-year", "");
    let future = json!({"Type": "UAEOF.SingleFutureDatedPayment",
        "Amount": {"Amount": "500.00", "Currency": "AED"}, "RequestedExecutionDateTime": "2026-11-21"});
    let path = format!("{SINGLE}/RequestedExecutionDateTime");
    refused(combined(), (SINGLE, future), "UAEBSI-5.1-2-ahead", &path);
}

#[test]
fn section_17_a_single_instant_payment_ends_today_and_every_other_type_on_the_anniversary_at_the_latest() {
    for element in all() {
        let until = |text: &str| Push::of(changed(element.clone(), "ExpirationDateTime", json!(text)));
        let path = format!("authorization_details[0].{}.ExpirationDateTime", container(&element));
        if element == single_instant() {
            until("2026-11-22T00:00:00+04:00").because("UAEBSI-4.3-today", &path);
        } else {
            until("2027-11-21T19:59:59.999Z").taken();
            until("2027-11-21T20:00:00Z").because("UAEBSI-4.3-year", &path);
        }
    }
}
