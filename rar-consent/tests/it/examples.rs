//! The complete bodies of UAE bank service initiation, section 16: one for each type, asked for on 21 November 2026.

use serde_json::{Value, json};

pub(crate) const BOOKS: &str = "AE050260001015432198765";
pub(crate) const MOTORS: &str = "AE540460000000000012345";

fn aed(amount: &str) -> Value {
    json!({"Amount": amount, "Currency": "AED"})
}

fn creditor(iban: &str, name: &str) -> Value {
    json!({"CreditorAccount": {
        "IdentificationType": "UAEOF.IBAN", "Identification": iban, "Name": {"en": name}}})
}

/// 16.1, dialect A.
pub(crate) fn single_instant() -> Value {
    json!({"Type": "PaymentConsent", "Data": crate::fixture::data()})
}

/// 16.2, dialect A, with a webhook.
pub(crate) fn single_future_dated() -> Value {
    json!({
        "Type": "PaymentConsent",
        "Data": {
            "ConsentId": "5f7c1d3a-0b9e-4f7d-a0a4-6a3f5f8e2b02",
            "ExpirationDateTime": "2026-12-06T00:00:00+04:00",
            "ControlParameters": {"ConsentSchedule": {"SinglePayment": {
                "Type": "UAEOF.SingleFutureDatedPayment", "Amount": aed("3200.00"),
                "RequestedExecutionDateTime": "2026-12-05T06:00:00+04:00"}}},
            "Initiation": creditor(MOTORS, "Falcon Motors"),
            "PayerReference": "car instalment", "PaymentPurposeCode": "LOAN"
        },
        "Subscription": {"Webhook": {"Url": "https://tpp.example/hooks/uae", "IsActive": true}}
    })
}

/// 16.3, dialect B.
pub(crate) fn fixed_recurring() -> Value {
    json!({
        "type": "urn:openfinanceuae:service-initiation-consent:v1.0-draft2",
        "consent": {
            "ConsentId": "aac-0b6f3c1e-7d52-4d0a-8a63-5f0a4c1d9e21",
            "AcceptedAuthorizationType": "UAEOF.Multi", "AuthorizationExpirationTimeWindow": "720:00:00",
            "ExpirationDateTime": "2027-11-20T23:59:59+04:00",
            "ControlParameters": {"IsPayByAccount": false, "ConsentSchedule": {"MultiPayment": {
                "Type": "UAEOF.FixedRecurringPayment", "TotalNumberOfPayments": 12,
                "PeriodicSchedule": {
                    "PeriodType": "Month", "PeriodStartDate": "2026-12-01", "Amount": aed("250.00")}}}},
            "Initiation": creditor(BOOKS, "Marina Towers"),
            "PayerReference": "flat 1203", "BeneficiaryReference": "RENT-1203", "PaymentPurposeCode": "RENT"
        }
    })
}

/// 16.4.
pub(crate) fn fixed_on_demand() -> Value {
    json!({"Type": "PaymentConsent", "Data": {
        "ConsentId": "aac-7c2e4d91-55aa-4b0f-9e38-0d9b7a6c4404",
        "ExpirationDateTime": "2027-05-31T23:59:59+04:00",
        "ControlParameters": {"ConsentSchedule": {"MultiPayment": {
            "Type": "UAEOF.FixedOnDemandPayment", "Amount": aed("50.00"),
            "MaximumCumulativeNumberOfPayments": 40, "MaximumCumulativeValueOfPayments": aed("2000.00"),
            "PeriodicSchedule": {
                "PeriodType": "Week", "PeriodStartDate": "2026-11-23",
                "MaximumCumulativeNumberOfPaymentsPerPeriodType": 3,
                "MaximumCumulativeValueOfPaymentsPerPeriodType": aed("150.00")}}}},
        "Initiation": creditor(BOOKS, "Metro Wallet"),
        "UserReference": "wallet top-up", "PaymentPurposeCode": "TOPU"}})
}

/// 16.5.
pub(crate) fn variable_recurring() -> Value {
    json!({"Type": "PaymentConsent", "Data": {
        "ConsentId": "aac-9a1b0c8d-2f33-4d7a-b1c5-44e0f2a7d505",
        "ExpirationDateTime": "2027-11-20T23:59:59+04:00",
        "ControlParameters": {"ConsentSchedule": {"MultiPayment": {
            "Type": "UAEOF.VariableRecurringPayment",
            "MaximumIndividualPaymentAmount": aed("600.00"),
            "MaximumCumulativeValueOfPayments": aed("4800.00"), "MaximumCumulativeNumberOfPayments": 12,
            "PeriodicSchedule": {"PeriodType": "Month", "PeriodStartDate": "2026-12-31"}}}},
        "Initiation": creditor(MOTORS, "City Water and Power"),
        "UserReference": "meter 55-7781", "PaymentPurposeCode": "UTIL"}})
}

/// 16.6.
pub(crate) fn variable_on_demand() -> Value {
    json!({"Type": "PaymentConsent", "Data": {
        "ConsentId": "aac-2d5f6a70-8b1c-4e9d-8f02-c3d4e5f60606",
        "ExpirationDateTime": "2027-02-28T23:59:59+04:00",
        "ControlParameters": {"ConsentSchedule": {"MultiPayment": {
            "Type": "UAEOF.VariableOnDemandPayment",
            "MaximumIndividualPaymentAmount": aed("120.00"),
            "MaximumCumulativeValueOfPayments": aed("1000.00"), "MaximumCumulativeNumberOfPayments": 20,
            "PeriodicSchedule": {
                "PeriodType": "Day", "PeriodStartDate": "2026-11-21",
                "MaximumCumulativeValueOfPaymentsPerPeriodType": aed("200.00")}}}},
        "Initiation": creditor(BOOKS, "Desert Cabs"),
        "UserReference": "rides", "PaymentPurposeCode": "TRVL"}})
}

/// 16.7.
pub(crate) fn variable_defined() -> Value {
    json!({"Type": "PaymentConsent", "Data": {
        "ConsentId": "aac-e4b7c8d9-1a2b-4c3d-9e4f-5a6b7c8d9e07",
        "ExpirationDateTime": "2027-06-30T23:59:59+04:00",
        "ControlParameters": {"ConsentSchedule": {"MultiPayment": {
            "Type": "UAEOF.VariableDefinedPayment", "PaymentSchedule": [
                {"PaymentExecutionDate": "2026-12-15", "Amount": aed("10000.00")},
                {"PaymentExecutionDate": "2027-03-15", "Amount": aed("7500.00")},
                {"PaymentExecutionDate": "2027-06-15", "Amount": aed("2500.00")}]}}},
        "Initiation": creditor(MOTORS, "Oryx Contracting"),
        "UserReference": "villa project", "PaymentPurposeCode": "CONS"}})
}

/// 16.8: an instant deposit and monthly instalments.
pub(crate) fn combined() -> Value {
    json!({"Type": "PaymentConsent", "Data": {
        "ConsentId": "aac-b0c1d2e3-f405-4617-a829-3a4b5c6d7e08",
        "ExpirationDateTime": "2027-05-31T23:59:59+04:00",
        "ControlParameters": {"ConsentSchedule": {
            "SinglePayment": {"Type": "UAEOF.SingleInstantPayment", "Amount": aed("500.00")},
            "MultiPayment": {"Type": "UAEOF.FixedRecurringPayment", "TotalNumberOfPayments": 6,
                "PeriodicSchedule": {
                    "PeriodType": "Month", "PeriodStartDate": "2026-12-21", "Amount": aed("200.00")}}}},
        "Initiation": creditor(BOOKS, "Home Hub"),
        "UserReference": "sofa plan", "PaymentPurposeCode": "GDDS"}})
}

/// All of them.
pub(crate) fn all() -> [Value; 8] {
    [
        single_instant(),
        single_future_dated(),
        fixed_recurring(),
        fixed_on_demand(),
        variable_recurring(),
        variable_on_demand(),
        variable_defined(),
        combined(),
    ]
}

/// The name of the member that holds the consent.
pub(crate) fn container(element: &Value) -> &'static str {
    if element.get("Data").is_some() { "Data" } else { "consent" }
}

/// The element with one member of its consent, named by a pointer below the container, set; without it for null.
pub(crate) fn changed(mut element: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    let parent = format!("/{}/{parent}", container(&element));
    let parent = element.pointer_mut(parent.trim_end_matches('/')).unwrap();
    match (value, parent) {
        (Value::Null, Value::Object(members)) => drop(members.remove(name).unwrap()),
        (value, Value::Array(items)) => items[name.parse::<usize>().unwrap()] = value,
        (value, parent) => parent[name] = value,
    }
    element
}
