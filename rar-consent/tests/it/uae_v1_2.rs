//! Version 1.2 (dialect C): the body of section 16.9 and its siblings are taken, mean what they say in the words of the early
//! drafts, and each is refused when it is broken in one place, with the path as the client knows it.

use oauth_core::{ConsentFacts, DetailsFault, Timestamp};
use rar_consent::{
    Consent, ConsentStatus, ExerciseFault, Language, MultiPayment, Schedule, SinglePayment, Terms,
    UaeAuthorization, UaePayment, UaePaymentType, UaeVocabulary, Use, describe, describe_in,
    ordered_creditor, read_instant,
};
use serde_json::{Value, json};

use crate::examples::{BOOKS, MOTORS};
use crate::fixture::{Push, authorised, use_of};

const AT: &str = "authorization_details[0].consent";
const MULTI: &str = "ControlParameters.ConsentSchedule.MultiPayment";
const SEALED: &str = "sealed.by.the.third.party";

fn aed(amount: &str) -> Value {
    json!({"Amount": amount, "Currency": "AED"})
}

fn creditor(iban: &str, name: &str) -> Value {
    json!({"CreditorAccount": {"SchemeName": "IBAN", "Identification": iban, "Name": {"en": name}}})
}

fn to_books() -> Value {
    json!({"Initiation": {"Creditor": [creditor(BOOKS, "Date Palm Books LLC")]}})
}

/// 16.9, with another schedule.
fn of(schedule: Value) -> Value {
    json!({"type": "urn:openfinanceuae:service-initiation-consent:v1.2",
        "consent": {
            "ConsentId": "0d1e2f30-4152-4637-8849-5a6b7c8d9e09", "IsSingleAuthorization": true,
            "AuthorizationExpirationDateTime": "2026-11-21T12:00:00.000Z",
            "ExpirationDateTime": "2027-05-31T19:59:59.000Z",
            "Permissions": ["ReadRefundAccount"],
            "ControlParameters": {"ConsentSchedule": schedule},
            "PersonalIdentifiableInformation": SEALED,
            "PaymentPurposeCode": "ACM"},
        "subscription": {"Webhook": {"Url": "https://tpp.example/hooks/uae", "IsActive": true}}})
}

fn on_demand() -> Value {
    multi(json!({"Type": "VariableOnDemand", "PeriodType": "Month", "PeriodStartDate": "2026-11-21",
        "Controls": {"MaximumIndividualAmount": aed("120.00"), "MaximumCumulativeNumberOfPaymentsPerPeriod": 5}}))
}

fn multi(periodic: Value) -> Value {
    of(json!({"MultiPayment": {
        "MaximumCumulativeNumberOfPayments": 20, "MaximumCumulativeValueOfPayments": aed("1000.00"),
        "PeriodicSchedule": periodic}}))
}

/// Pushed, with what stood encrypted.
fn push(element: Value, said: Value) -> Push {
    Push { facts: ConsentFacts(vec![json!({"sealed": SEALED, "content": said})]), ..Push::of(element) }
}

fn taken(element: Value) -> UaePayment {
    terms(push(element, to_books()).lodged())
}

fn terms(consent: Consent) -> UaePayment {
    match consent.terms {
        Terms::UaePayment(terms) => terms,
        Terms::Ofxpera(_) | Terms::Payment(_) | Terms::Accounts(_) => panic!("another kind"),
    }
}

/// The element with one member set, or removed for null.
fn changed(mut element: Value, pointer: &str, value: Value) -> Value {
    let (above, name) = pointer.rsplit_once('/').unwrap();
    let members = element.pointer_mut(above).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    element
}

#[test]
fn section_16_9_is_taken_and_kept_in_the_words_of_the_early_drafts() {
    let consent = push(on_demand(), to_books()).lodged();
    assert_eq!(consent.element, on_demand(), "as received");
    assert_eq!(consent.authorise_until, read_instant("2026-11-21T12:00:00Z").unwrap());
    assert!(consent.subscription.is_some());
    let terms = terms(consent);
    assert_eq!(terms.vocabulary, UaeVocabulary::V1_2);
    assert_eq!(terms.authorization, Some(UaeAuthorization::Single));
    assert_eq!(terms.only_creditor().unwrap().iban, BOOKS);
    assert!(terms.tells_refund_account());
    let Schedule::Multi(MultiPayment::VariableOnDemand { individual, lifetime, periodic }) = terms.schedule
    else {
        panic!("another schedule")
    };
    let value = lifetime.value.unwrap().minor;
    assert_eq!((individual.unwrap().minor, lifetime.count, value), (12_000, Some(20), 100_000));
    assert_eq!(periodic.unwrap().count, Some(5));
}

#[test]
fn section_5_3_each_schedule_is_one_of_the_seven_types() {
    let periodic = |kind: &str, extra: Value| {
        let mut schedule = json!({"Type": kind, "PeriodType": "Month", "PeriodStartDate": "2026-12-01"});
        schedule.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        schedule
    };
    let amount = json!({"Amount": aed("50.00")});
    let listed = json!([{"PaymentExecutionDate": "2026-12-15", "Amount": aed("500.00")},
        {"PaymentExecutionDate": "2027-03-15", "Amount": aed("500.00")}]);
    for (periodic, kind) in [
        (json!({"Type": "FixedDefinedSchedule", "Schedule": listed}), UaePaymentType::VariableDefined),
        (
            periodic("VariablePeriodicSchedule", json!({"MaximumIndividualAmount": aed("50.00")})),
            UaePaymentType::VariableRecurring,
        ),
        (
            periodic(
                "FixedOnDemand",
                json!({"Amount": aed("50.00"), "Controls": {"MaximumCumulativeNumberOfPaymentsPerPeriod": 3}}),
            ),
            UaePaymentType::FixedOnDemand,
        ),
    ] {
        let terms = taken(multi(periodic));
        assert_eq!(terms.schedule.multi().map(MultiPayment::kind), Some(kind));
    }
    let fixed =
        json!({"MultiPayment": {"PeriodicSchedule": periodic("FixedPeriodicSchedule", amount.clone())}});
    let terms = taken(of(fixed));
    let Schedule::Multi(MultiPayment::FixedRecurring { payments, .. }) = terms.schedule else {
        panic!("another schedule")
    };
    assert_eq!(payments, 6, "the first of each month from December to May");
    let dated = json!({"SinglePayment": {"Type": "SingleFutureDatedPayment", "Amount": aed("5.00"),
        "RequestedExecutionDate": "2026-12-05"}});
    let at = taken(of(dated)).schedule.single().and_then(SinglePayment::execute_at);
    assert_eq!(at, Some(read_instant("2026-12-05T00:00:00+04:00").unwrap()), "its first instant in Dubai");
}

#[test]
fn section_16_what_stood_encrypted_is_echoed_sealed_and_told_to_nobody() {
    let push = push(on_demand(), to_books());
    let vetted = push.taken();
    let echo = serde_json::to_string(&vetted.echo()).unwrap();
    assert!(echo.contains(SEALED) && !echo.contains(BOOKS), "{echo}");
    let consent = push.lodged();
    for shown in
        [format!("{vetted:?}"), format!("{:?}", push.facts), format!("{consent:?} {:?}", consent.terms)]
    {
        assert!(!shown.contains(BOOKS) && !shown.contains("Palm"), "{shown}");
    }
    let words = format!("{:?}", describe(&consent));
    assert!(words.contains("Date Palm Books LLC") && words.contains(BOOKS), "the customer sees it");
}

#[test]
fn section_16_who_pays_whom_never_stands_in_the_clear_and_must_open() {
    let member = format!("{AT}.PersonalIdentifiableInformation");
    let pointer = "/consent/PersonalIdentifiableInformation";
    push(changed(on_demand(), pointer, to_books()), to_books()).because("UAEBSI-16-personal", &member);
    push(changed(on_demand(), pointer, Value::Null), to_books()).because("RFC9396-5-missing", &member);
    push(changed(on_demand(), pointer, json!("another")), to_books()).because("UAEBSI-16-personal", &member);
    Push::of(on_demand()).because("UAEBSI-16-personal", &member);
    push(on_demand(), Value::Null).because("UAEBSI-16-personal", &member);
    let clear = changed(on_demand(), "/consent/Initiation", json!({}));
    push(clear, to_books()).because("RFC9396-5-member", &format!("{AT}.Initiation"));
}

#[test]
fn section_16_creditors_are_as_many_as_the_schedule_has() {
    let several = |count: usize| {
        let one = creditor(BOOKS, "Date Palm Books LLC");
        json!({"Initiation": {"Creditor": vec![one; count]}})
    };
    let periodic = json!({"Type": "VariablePeriodicSchedule", "PeriodType": "Month", "PeriodStartDate": "2026-12-01",
        "MaximumIndividualAmount": aed("50.00")});
    let place = format!("{AT}.PersonalIdentifiableInformation.Initiation.Creditor");
    for (count, element, fits) in [
        (0, on_demand(), true),
        (1, on_demand(), true),
        (10, on_demand(), true),
        (11, on_demand(), false),
        (0, multi(periodic.clone()), false),
        (1, multi(periodic.clone()), true),
        (2, multi(periodic), false),
    ] {
        let push = push(element, several(count));
        if fits {
            assert_eq!(terms(push.lodged()).creditors.len(), count);
        } else {
            push.because("UAEBSI-16-creditors", &place);
        }
    }
    let open = push(on_demand(), json!({})).lodged();
    assert!(describe(&open).headline.contains("whomever the third party names"), "{:?}", describe(&open));
}

#[test]
fn section_16_parties_are_judged_like_those_of_the_early_drafts_and_named_as_they_were_sent() {
    let initiation = "PersonalIdentifiableInformation.Initiation";
    let two = |second: Value| json!({"Initiation": {"Creditor": [creditor(BOOKS, "Books"), second]}});
    let own = |account: Value| json!({"Initiation": {"DebtorAccount": account, "Creditor": [creditor(BOOKS, "Books")]}});
    let agent = |identification: &str| {
        let mut with = creditor(MOTORS, "Falcon Motors");
        with["CreditorAgent"] = json!({"SchemeName": "BICFI", "Identification": identification});
        two(with)
    };
    for (said, rule, path) in [
        (two(creditor("AE00", "Motors")), "UAEBSI-4-creditor", "Creditor[1].CreditorAccount.Identification"),
        (two(creditor(MOTORS, "")), "UAEBSI-4-name", "Creditor[1].CreditorAccount.Name"),
        (
            own(json!({"SchemeName": "IBAN", "Identification": BOOKS})),
            "UAEBSI-4-differ",
            "Creditor[0].CreditorAccount.Identification",
        ),
        (
            own(json!({"SchemeName": "IBAN", "Identification": "AE1"})),
            "UAEBSI-4-debtor",
            "DebtorAccount.Identification",
        ),
        (agent("a\u{202e}b"), "UAEBSI-16-beside", "Creditor[1]"),
        (
            two(
                json!({"CreditorAccount": {"SchemeName": "AccountNumber", "Identification": "1", "Name": {"en": "A"}}}),
            ),
            "RFC9396-5-value",
            "Creditor[1].CreditorAccount.SchemeName",
        ),
    ] {
        push(on_demand(), said).because(rule, &format!("{AT}.{initiation}.{path}"));
    }
    let kept = terms(push(on_demand(), agent("EBILAEAD")).lodged());
    assert_eq!(kept.creditors[1].beside.as_ref().unwrap()["CreditorAgent"]["Identification"], "EBILAEAD");
    let null = json!({"Initiation": {"Creditor": [null]}});
    push(on_demand(), null).because("RFC9396-5-value", &format!("{AT}.{initiation}.Creditor[0]"));
}

#[test]
fn section_4_deadline_end_and_purpose_of_version_1_2_are_instants_and_three_letters() {
    for (pointer, value, rule) in [
        ("AuthorizationExpirationDateTime", json!("2026-11-21T08:00:00Z"), "UAEBSI-4.2-by"),
        ("AuthorizationExpirationDateTime", json!("2027-06-01T00:00:00Z"), "UAEBSI-4.2-by"),
        ("AuthorizationExpirationDateTime", json!("01:00:00"), "UAEBSI-4.3"),
        ("ExpirationDateTime", json!("2027-11-21T08:00:00Z"), "UAEBSI-4.3-year"),
        ("ExpirationDateTime", json!("2026-11-21T07:00:00Z"), "UAEBSI-4.3-ahead"),
        ("PaymentPurposeCode", json!("GDDS"), "UAEBSI-4-purpose"),
        ("PaymentPurposeCode", json!("GD"), "UAEBSI-4-purpose"),
        ("DebtorReference", json!(""), "UAEBSI-4-reference"),
        ("CreditorReference", json!("a".repeat(121)), "UAEBSI-4-reference"),
    ] {
        let mut element = changed(on_demand(), &format!("/consent/{pointer}"), value);
        if rule == "UAEBSI-4.3-ahead" {
            element = changed(element, "/consent/AuthorizationExpirationDateTime", Value::Null);
        }
        let push = Push { now: at("2026-11-21T08:00:00Z"), ..push(element, to_books()) };
        push.because(rule, &format!("{AT}.{pointer}"));
    }
    let last = changed(on_demand(), "/consent/ExpirationDateTime", json!("2027-11-21T07:59:59.999Z"));
    let push = Push { now: at("2026-11-21T08:00:00Z"), ..push(last, to_books()) };
    push.taken();
}

fn at(text: &str) -> Timestamp {
    read_instant(text).unwrap()
}

#[test]
fn section_5_3_a_schedule_broken_in_one_place_is_refused_where_the_client_wrote_it() {
    let pointer = "/consent/ControlParameters/ConsentSchedule/MultiPayment/PeriodicSchedule";
    for (below, value, rule, path) in [
        ("/Type", json!("UAEOF.VariableOnDemandPayment"), "UAEBSI-5-type", "PeriodicSchedule.Type"),
        ("/Type", json!("VariableSchedule"), "UAEBSI-5-type", "PeriodicSchedule.Type"),
        ("/Controls", json!({}), "UAEBSI-5-type", "PeriodicSchedule.Controls"),
        (
            "/Controls/MaximumIndividualAmount",
            aed("1000.01"),
            "UAEBSI-5.1-value",
            "PeriodicSchedule.Controls.MaximumIndividualAmount",
        ),
        (
            "/Controls/MaximumCumulativeNumberOfPaymentsPerPeriod",
            json!(0),
            "UAEBSI-5-number",
            "PeriodicSchedule.Controls.MaximumCumulativeNumberOfPaymentsPerPeriod",
        ),
        ("/PeriodStartDate", json!("2027-06-01"), "UAEBSI-5.1-start", "PeriodicSchedule.PeriodStartDate"),
        ("/Amount", aed("1.00"), "RFC9396-5-member", "PeriodicSchedule.Amount"),
    ] {
        let element = changed(on_demand(), &format!("{pointer}{below}"), value);
        push(element, to_books()).because(rule, &format!("{AT}.{MULTI}.{path}"));
    }
    let listed = json!([{"PaymentExecutionDate": "2026-12-15", "Amount": aed("600.00")},
        {"PaymentExecutionDate": "2026-12-15", "Amount": aed("600.00")}]);
    let list = multi(json!({"Type": "FixedDefinedSchedule", "Schedule": listed}));
    push(list, to_books()).because(
        "UAEBSI-5.1-7-unique",
        &format!("{AT}.{MULTI}.PeriodicSchedule.Schedule[0].PaymentExecutionDate"),
    );
    let delegated = changed(on_demand(), "/consent/ControlParameters/IsDelegatedAuthentication", json!(true));
    push(delegated, to_books())
        .because("UAEBSI-5.3-delegated", &format!("{AT}.ControlParameters.IsDelegatedAuthentication"));
}

#[test]
fn section_5_3_maxima_of_a_fixed_schedule_bound_it_where_they_are_smaller_than_it() {
    let six_months = json!({"Type": "FixedPeriodicSchedule", "PeriodType": "Month",
        "PeriodStartDate": "2026-12-01", "Amount": aed("300.00")});
    let of_maxima = |number: Value, value: Value| {
        let at = "/consent/ControlParameters/ConsentSchedule/MultiPayment";
        let element =
            changed(multi(six_months.clone()), &format!("{at}/MaximumCumulativeNumberOfPayments"), number);
        changed(element, &format!("{at}/MaximumCumulativeValueOfPayments"), value)
    };
    for (number, value, payments) in [
        (Value::Null, Value::Null, 6),
        (json!(366), Value::Null, 6),
        (json!(4), aed("90000.00"), 4),
        (json!(20), aed("1000.00"), 3),
        (Value::Null, aed("300.00"), 1),
    ] {
        let said = format!("{number} {value}");
        let Schedule::Multi(MultiPayment::FixedRecurring { payments: kept, .. }) =
            taken(of_maxima(number, value)).schedule
        else {
            panic!("another schedule")
        };
        assert_eq!(kept, payments, "{said}");
    }
    push(of_maxima(Value::Null, aed("299.99")), to_books())
        .because("UAEBSI-5-places", &format!("{AT}.{MULTI}.MaximumCumulativeValueOfPayments"));
    push(of_maxima(json!(0), Value::Null), to_books())
        .because("UAEBSI-5-number", &format!("{AT}.{MULTI}.MaximumCumulativeNumberOfPayments"));
}

#[test]
fn section_5_3_maxima_around_a_list_bound_it_where_they_are_smaller_than_it() {
    let at = "/consent/ControlParameters/ConsentSchedule/MultiPayment";
    let listed = json!([{"PaymentExecutionDate": "2026-12-15", "Amount": aed("600.00")},
        {"PaymentExecutionDate": "2027-01-15", "Amount": aed("400.00")},
        {"PaymentExecutionDate": "2027-02-15", "Amount": aed("500.00")}]);
    let of_maxima = |number: Value, value: Value| {
        let list = multi(json!({"Type": "FixedDefinedSchedule", "Schedule": listed}));
        let element = changed(list, &format!("{at}/MaximumCumulativeNumberOfPayments"), number);
        changed(element, &format!("{at}/MaximumCumulativeValueOfPayments"), value)
    };
    for (number, value, told, bounded) in [
        (Value::Null, Value::Null, "Pay AED 1500.00 to Date Palm Books LLC in 3 payments?", false),
        (json!(99), aed("9000.00"), "Pay AED 1500.00 to Date Palm Books LLC in 3 payments?", false),
        (json!(2), Value::Null, "Pay AED 1500.00 to Date Palm Books LLC in 2 payments?", true),
        (Value::Null, aed("400.00"), "Pay AED 400.00 to Date Palm Books LLC in 3 payments?", true),
    ] {
        let consent = push(of_maxima(number, value), to_books()).lodged();
        let words = describe(&consent);
        assert_eq!(words.headline, told);
        assert_eq!(words.next.contains("on their days, AED 1500.00 in all."), !bounded, "{}", words.next);
        assert_eq!(words.next.contains("on their days, at most"), bounded, "{}", words.next);
    }
    push(of_maxima(Value::Null, aed("399.99")), to_books())
        .because("UAEBSI-5-places", &format!("{AT}.{MULTI}.MaximumCumulativeValueOfPayments"));
    push(of_maxima(json!(0), Value::Null), to_books())
        .because("UAEBSI-5-number", &format!("{AT}.{MULTI}.MaximumCumulativeNumberOfPayments"));
}

#[test]
fn what_version_1_2_has_beside_this_bank_is_refused_by_name() {
    let permissions = "/consent/Permissions";
    for (pointer, value, rule, path) in [
        (permissions, json!([]), "RFC9396-5-value", "Permissions"),
        (permissions, json!(["ReadAccountsBasic"]), "RFC9396-5-value", "Permissions[0]"),
        (permissions, json!(["ReadRefundAccount", "ReadBalances"]), "RFC9396-5-value", "Permissions[1]"),
        (
            "/consent/CurrencyRequest",
            json!({"ExtendedPurpose": "a", "CurrencyOfTransfer": "USD"}),
            "RFC9396-5-member",
            "CurrencyRequest",
        ),
        (
            "/consent/ControlParameters/ConsentSchedule/FilePayment",
            json!({"FileType": "a", "FileHash": "b", "NumberOfTransactions": 1, "ControlSum": "1.00"}),
            "RFC9396-5-member",
            "ControlParameters.ConsentSchedule.FilePayment",
        ),
    ] {
        push(changed(on_demand(), pointer, value), to_books()).because(rule, &format!("{AT}.{path}"));
    }
    let padded = changed(
        on_demand(),
        "/consent/ControlParameters/ConsentSchedule/MultiPayment/MaximumCumulativeValueOfPayments/Amount",
        json!("0001000.00"),
    );
    let Schedule::Multi(multi) = taken(padded).schedule else { panic!("another schedule") };
    assert_eq!(multi.lifetime().unwrap().value.as_ref().unwrap().minor, 100_000);
}

#[test]
fn section_3_1_version_1_2_has_one_spelling() {
    let kind = on_demand()["type"].clone();
    for (element, rule, path) in [
        (changed(on_demand(), "/Type", json!("PaymentConsent")), "UAEBSI-3.1-v12", ".Type"),
        (json!({"type": kind, "Data": on_demand()["consent"]}), "RFC9396-5-member", ".Data"),
        (changed(on_demand(), "/Subscription", json!({})), "UAEBSI-3.2-subscription", ""),
    ] {
        push(element, to_books()).because(rule, &format!("authorization_details[0]{path}"));
    }
}

#[test]
fn terms_kept_before_version_1_2_are_read_with_their_one_creditor() {
    let now = serde_json::to_value(Terms::UaePayment(taken(on_demand()))).unwrap();
    let mut before = now.clone();
    let members = before["uae_payment_2"].as_object_mut().unwrap();
    members.remove("vocabulary");
    let creditor = members.remove("creditors").unwrap()[0].clone();
    members.insert("creditor".to_owned(), creditor);
    let Terms::UaePayment(read) = serde_json::from_value(before).unwrap() else { panic!("another kind") };
    assert_eq!((read.creditors.len(), read.vocabulary), (1, UaeVocabulary::Seed));
    assert_eq!(serde_json::from_value::<Terms>(now).unwrap(), Terms::UaePayment(taken(on_demand())));
}

#[test]
fn section_16_a_payment_names_its_creditor_flat_or_not_at_all() {
    let flat = json!({"Initiation": creditor(BOOKS, "Date Palm Books LLC"), "Risk": {}});
    assert_eq!(ordered_creditor(&flat).unwrap(), taken(on_demand()).creditors.pop());
    assert_eq!(ordered_creditor(&json!({})).unwrap(), None);
    assert_eq!(
        ordered_creditor(&json!({"Initiation": {}, "Risk": {}})).unwrap(),
        None,
        "no member is required"
    );
    for said in [to_books(), json!({"Initiation": {"DebtorAccount": {}}}), json!([]), json!({"Risk": null})] {
        let path = ordered_creditor(&said).unwrap_err();
        assert!(path.starts_with("Data.PersonalIdentifiableInformation"), "{path}");
    }
}

#[test]
fn section_10_the_scope_names_the_consent_of_version_1_2() {
    let vetted = push(on_demand(), to_books()).taken();
    assert!(vetted.scope.contains("payments:0d1e2f30-4152-4637-8849-5a6b7c8d9e09"));
    let (_, reason) = push(on_demand(), to_books()).scope("openid").refused();
    assert_eq!(reason.fault, DetailsFault::ScopeMismatch);
}

#[test]
fn section_5_3_bounds_that_version_1_2_leaves_out_bound_nothing_and_are_told_so() {
    let open = of(json!({"MultiPayment": {"PeriodicSchedule": {
        "Type": "VariableOnDemand", "PeriodType": "Month", "PeriodStartDate": "2026-11-21",
        "Controls": {"MaximumCumulativeValueOfPaymentsPerPeriod": aed("200.00")}}}}));
    let waiting = push(open, to_books()).lodged();
    let words = describe(&waiting);
    assert_eq!(words.headline, "Allow payments of any amount to Date Palm Books LLC?");
    assert!(
        words
            .next
            .contains("with no limit on all payments together, of these at most AED 200.00 every month")
    );
    let arabic = describe_in(&waiting, Language::Arabic);
    assert!(arabic.next.contains("دون حد أقصى لمجموع الدفعات") && arabic.headline.contains("أي مبلغ"));
    let (consent, _) = authorised(&waiting);
    let now = waiting.created_at;
    let within = Use { kind: None, ..use_of(20_000, now) };
    let used = consent.exercise(&within).unwrap();
    let refused = used.exercise(&Use { kind: None, ..use_of(1, now) }).unwrap_err();
    assert!(refused.path.ends_with("MaximumCumulativeValueOfPaymentsPerPeriodType"), "{refused:?}");
    let (settled, _) = used.succeeded(&within, now).unwrap();
    assert_eq!(settled.status, ConsentStatus::Authorized, "it ends by time alone");
}

const LIST: &str = "ControlParameters.ConsentSchedule.MultiPayment.PeriodicSchedule.Schedule";

fn up_to(day: &str, most: &str) -> Value {
    json!({"PaymentExecutionDate": day, "MaximumIndividualAmount": aed(most)})
}

/// A list of most amounts, and the bounds beside it.
fn defined(list: &[Value], bounds: Value) -> Value {
    let mut multi = json!({"PeriodicSchedule": {"Type": "VariableDefinedSchedule", "Schedule": list}});
    multi.as_object_mut().unwrap().extend(bounds.as_object().unwrap().clone());
    of(json!({"MultiPayment": multi}))
}

fn two() -> [Value; 2] {
    [up_to("2026-12-15", "500.00"), up_to("2027-03-15", "750.00")]
}

fn ordered(minor: i64, day: &str) -> Use {
    Use { kind: None, ..use_of(minor, at(&format!("{day}T08:00:00Z"))) }
}

#[test]
fn section_5_3_a_list_of_most_amounts_takes_one_payment_a_day_up_to_the_amount_of_that_day() {
    let (consent, _) = authorised(&push(defined(&two(), json!({})), to_books()).lodged());
    let listed = "Data.ControlParameters.ConsentSchedule.MultiPayment.PaymentSchedule";
    for (minor, day, fault) in [
        (1, "2026-12-14", ExerciseFault::Day),
        (1, "2026-12-16", ExerciseFault::Day),
        (50_001, "2026-12-15", ExerciseFault::Amount),
        (75_001, "2027-03-15", ExerciseFault::Amount),
    ] {
        let refused = consent.exercise(&ordered(minor, day)).unwrap_err();
        assert_eq!((refused.fault, refused.path), (fault, listed), "{minor} on {day}");
    }
    let first = ordered(12_345, "2026-12-15");
    let used = consent.exercise(&first).unwrap();
    let again = used.exercise(&ordered(1, "2026-12-15")).unwrap_err();
    assert_eq!((again.fault, again.path), (ExerciseFault::Count, listed), "what is left of a day is gone");
    assert!(
        used.give_back(&first).exercise(&ordered(50_000, "2026-12-15")).is_ok(),
        "unless it was rejected"
    );
    let (paid, _) = used.succeeded(&first, first.at).unwrap();
    assert_eq!(paid.status, ConsentStatus::Authorized);
    let second = ordered(75_000, "2027-03-15");
    let (done, _) = paid.exercise(&second).unwrap().succeeded(&second, second.at).unwrap();
    assert_eq!(done.status, ConsentStatus::Finished, "when every day has its payment");
    assert_eq!((done.usage.count, done.usage.total_minor), (2, 87_345));
}

#[test]
fn section_9_3_bounds_beside_a_list_of_most_amounts_hold_and_end_the_consent() {
    let bounds =
        json!({"MaximumCumulativeNumberOfPayments": 1, "MaximumCumulativeValueOfPayments": aed("800.00")});
    let (consent, _) = authorised(&push(defined(&two(), bounds), to_books()).lodged());
    let first = ordered(100, "2026-12-15");
    let used = consent.exercise(&first).unwrap();
    let second = used.exercise(&ordered(100, "2027-03-15")).unwrap_err();
    assert!(second.path.ends_with("MaximumCumulativeNumberOfPayments"), "{second:?}");
    assert_eq!(used.succeeded(&first, first.at).unwrap().0.status, ConsentStatus::Finished);
    let bounds = json!({"MaximumCumulativeValueOfPayments": aed("800.00")});
    let (consent, _) = authorised(&push(defined(&two(), bounds), to_books()).lodged());
    let used = consent.exercise(&ordered(50_000, "2026-12-15")).unwrap();
    let over = used.exercise(&ordered(30_001, "2027-03-15")).unwrap_err();
    assert!(over.path.ends_with("MaximumCumulativeValueOfPayments"), "{over:?}");
    assert!(used.exercise(&ordered(30_000, "2027-03-15")).is_ok(), "to the very limit");
}

#[test]
fn section_5_3_a_list_of_most_amounts_broken_in_one_place_is_refused_there() {
    let exact = json!({"PaymentExecutionDate": "2026-12-15", "Amount": aed("1.00")});
    let many: Vec<Value> = (0..54).map(|_| up_to("2026-12-15", "1.00")).collect();
    let most = json!({"MaximumCumulativeValueOfPayments": aed("749.99")});
    let none = json!({"MaximumCumulativeNumberOfPayments": 0});
    for (element, rule, path) in [
        (defined(&[], json!({})), "UAEBSI-5.1-7-size", LIST.to_owned()),
        (defined(&many, json!({})), "UAEBSI-5.1-7-size", LIST.to_owned()),
        (
            defined(&[up_to("2026-12-15", "1.00"), up_to("2026-12-15", "2.00")], json!({})),
            "UAEBSI-5.1-7-unique",
            format!("{LIST}[0].PaymentExecutionDate"),
        ),
        (
            defined(&[up_to("2026-11-20", "1.00")], json!({})),
            "UAEBSI-5.1-7-ahead",
            format!("{LIST}[0].PaymentExecutionDate"),
        ),
        (
            defined(&[up_to("2027-06-01", "1.00")], json!({})),
            "UAEBSI-5.1-7-end",
            format!("{LIST}[0].PaymentExecutionDate"),
        ),
        (
            defined(&[up_to("2026-12-15", "0.00")], json!({})),
            "UAEBSI-4-amount",
            format!("{LIST}[0].MaximumIndividualAmount.Amount"),
        ),
        (defined(&two(), most), "UAEBSI-5.1-value", format!("{LIST}[1].MaximumIndividualAmount")),
        (defined(&two(), none), "UAEBSI-5-number", format!("{MULTI}.MaximumCumulativeNumberOfPayments")),
        (defined(&[exact], json!({})), "RFC9396-5-member", format!("{LIST}[0].Amount")),
    ] {
        push(element, to_books()).because(rule, &format!("{AT}.{path}"));
    }
}

#[test]
fn section_5_3_a_list_of_most_amounts_is_told_day_by_day_in_both_languages() {
    let bounds = json!({"MaximumCumulativeValueOfPayments": aed("800.00")});
    let waiting = push(defined(&two(), bounds), to_books()).lodged();
    let words = describe(&waiting);
    assert_eq!(
        words.headline,
        "Allow payments of up to AED 800.00 in all to Date Palm Books LLC, in 2 payments?"
    );
    let row = |wanted: &str| {
        let rows = words.sections.iter().flat_map(|section| &section.rows);
        rows.into_iter().find(|row| row.term == wanted).map(|row| row.value.clone())
    };
    assert_eq!(row("15 December 2026").as_deref(), Some("Up to AED 500.00"));
    assert_eq!(row("15 March 2027").as_deref(), Some("Up to AED 750.00"));
    assert_eq!(row("Most of all payments together").as_deref(), Some("AED 800.00"));
    assert!(words.next.contains("at most 2 payments and AED 800.00 in all"), "{}", words.next);
    let arabic = describe_in(&waiting, Language::Arabic);
    assert!(
        arabic.headline.contains("800.00") && arabic.headline.contains("ما لا يتجاوز"),
        "{}",
        arabic.headline
    );
    let rows: Vec<_> = arabic.sections.iter().flat_map(|section| &section.rows).collect();
    assert!(
        rows.iter().any(|row| row.value.contains("500.00"))
            && rows.iter().any(|row| row.value.contains("750.00"))
    );
}
