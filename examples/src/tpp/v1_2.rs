//! The same consents and payments in the words of UAE Bank Service Initiation, version 1.2: who is paid is signed, then
//! encrypted to the bank, and stands nowhere in the clear.

use std::sync::PoisonError;

use oauth_core::Timestamp;
use oauth_core::jose::{ContentEncryption, Encryption, KeyManagement, encrypt_jwt};
use rar_consent::{Day, Zone};
use serde_json::{Map, Value, json};

use super::Tpp;
use super::command::PayOrder;
use super::error::{Refusal, Stop};
use super::plan::{Plan, UP_TO, set};

/// The type of the consent.
const TYPE: &str = "urn:openfinanceuae:service-initiation-consent:v1.2";
/// Three letters, where the early drafts have four.
const PURPOSE: &str = "ACM";
const ENCRYPTION: Encryption = Encryption { alg: KeyManagement::RsaOaep256, enc: ContentEncryption::A256Gcm };

/// What the customer is asked to allow: dialect C.
pub(super) fn details(tpp: &Tpp, order: &PayOrder, consent_id: &str, plan: &Plan) -> Result<Value, Stop> {
    let said = json!({"Initiation": {"Creditor": [creditor(order)]}});
    Ok(json!({"type": TYPE, "consent": {
        "ConsentId": consent_id,
        "ExpirationDateTime": plan.until,
        "Permissions": ["ReadRefundAccount"],
        "ControlParameters": {"ConsentSchedule": schedule(&plan.schedule)},
        "PersonalIdentifiableInformation": sealed(tpp, &said)?,
        "DebtorReference": order.reference,
        "CreditorReference": order.reference,
        "PaymentPurposeCode": PURPOSE,
    }}))
}

/// Version 1.2 ends less than a year from now, to the instant, and pays on a day without a time.
pub(super) fn within(plan: Plan, now: Timestamp) -> Plan {
    let longest = Zone::Dubai.day(now).add_months(12).and_then(|day| day.sub_days(1)).unwrap_or(Day::MAX);
    let asked = plan.until.get(..10).and_then(|day| Day::parse(day).ok());
    let until = match asked {
        Some(day) if day > longest => format!("{longest}T23:59:59+04:00"),
        Some(_) | None => plan.until,
    };
    Plan { until, later: plan.later.replace(", at 06:00 in Dubai", ""), ..plan }
}

/// The order of one payment.
pub(super) fn payment(tpp: &Tpp, order: &PayOrder, consent_id: &str) -> Result<Value, Stop> {
    let said = json!({"Initiation": creditor(order)});
    Ok(json!({"Data": {
        "ConsentId": consent_id,
        "Instruction": {"Amount": {"Amount": order.amount, "Currency": "AED"}},
        "PersonalIdentifiableInformation": sealed(tpp, &said)?,
        "PaymentPurposeCode": PURPOSE,
        "DebtorReference": order.reference,
        "CreditorReference": order.reference,
        "OpenFinanceBilling": {"Type": "Collection"},
    }}))
}

fn creditor(order: &PayOrder) -> Value {
    json!({"CreditorAccount": {
        "SchemeName": "IBAN",
        "Identification": order.creditor_iban,
        "Name": {"en": order.creditor_name},
    }})
}

/// Signed with our key, then encrypted to the bank's key for that.
fn sealed(tpp: &Tpp, said: &Value) -> Result<String, Stop> {
    let signed = tpp.client_key.sign(Some("JWT"), said)?;
    let keys = tpp.keys.lock().unwrap_or_else(PoisonError::into_inner);
    let key = keys.encryption_key(ENCRYPTION.alg).ok_or_else(|| {
        Refusal::new(
            "CL-20",
            "key set",
            "a key with use enc for RSA-OAEP-256",
            "none: nothing is sent in the clear",
        )
    })?;
    encrypt_jwt(&signed, key, ENCRYPTION).map_err(|fault| Stop::local("encrypting", fault))
}

/// A schedule in the words of the early drafts, in those of version 1.2 (section 5.3).
fn schedule(seed: &Value) -> Value {
    let mut own = Map::new();
    if let Some(single) = seed.get("SinglePayment") {
        let mut told = json!({"Type": kind(single), "Amount": single["Amount"]});
        if let Some(at) = single.get("RequestedExecutionDateTime").and_then(Value::as_str) {
            set(&mut told, "RequestedExecutionDate", at.get(..10).unwrap_or(at).into());
        }
        own.insert("SinglePayment".to_owned(), told);
    }
    if let Some(multi) = seed.get("MultiPayment") {
        own.insert("MultiPayment".to_owned(), several(multi));
    }
    Value::Object(own)
}

fn several(seed: &Value) -> Value {
    let name = match kind(seed) {
        "FixedRecurringPayment" => "FixedPeriodicSchedule",
        "FixedOnDemandPayment" => "FixedOnDemand",
        "VariableRecurringPayment" => "VariablePeriodicSchedule",
        "VariableOnDemandPayment" => "VariableOnDemand",
        UP_TO => UP_TO,
        _ => "FixedDefinedSchedule",
    };
    let mut periodic = seed.get("PeriodicSchedule").cloned().unwrap_or_else(|| json!({}));
    set(&mut periodic, "Type", name.into());
    let individual = &seed["MaximumIndividualPaymentAmount"];
    match name {
        "FixedDefinedSchedule" | UP_TO => set(&mut periodic, "Schedule", seed["PaymentSchedule"].clone()),
        "VariablePeriodicSchedule" => set(&mut periodic, "MaximumIndividualAmount", individual.clone()),
        "VariableOnDemand" => set(&mut periodic, "Controls", json!({"MaximumIndividualAmount": individual})),
        "FixedOnDemand" => {
            set(&mut periodic, "Amount", seed["Amount"].clone());
            let number = &seed["MaximumCumulativeNumberOfPayments"];
            set(&mut periodic, "Controls", json!({"MaximumCumulativeNumberOfPaymentsPerPeriod": number}));
        }
        _ => {}
    }
    let mut told = json!({"PeriodicSchedule": periodic});
    let number = seed.get("MaximumCumulativeNumberOfPayments").or_else(|| seed.get("TotalNumberOfPayments"));
    if let Some(number) = number {
        set(&mut told, "MaximumCumulativeNumberOfPayments", number.clone());
    }
    if let Some(value) = seed.get("MaximumCumulativeValueOfPayments") {
        set(&mut told, "MaximumCumulativeValueOfPayments", value.clone());
    }
    told
}

/// The type without the prefix of the early drafts.
fn kind(part: &Value) -> &str {
    let named = part.get("Type").and_then(Value::as_str).unwrap_or_default();
    named.strip_prefix("UAEOF.").unwrap_or(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_schedule_has_its_name_in_version_1_2() {
        let aed = json!({"Amount": "50.00", "Currency": "AED"});
        let periods = json!({"PeriodType": "Month", "PeriodStartDate": "2026-12-01"});
        let own = |seed: Value| schedule(&json!({"MultiPayment": seed}))["MultiPayment"].clone();
        let fixed = own(json!({"Type": "UAEOF.FixedRecurringPayment", "TotalNumberOfPayments": 12,
            "PeriodicSchedule": {"PeriodType": "Month", "PeriodStartDate": "2026-12-01", "Amount": aed}}));
        assert_eq!(fixed["MaximumCumulativeNumberOfPayments"], 12);
        assert_eq!(fixed["PeriodicSchedule"]["Type"], "FixedPeriodicSchedule");
        let on_demand =
            own(json!({"Type": "UAEOF.VariableOnDemandPayment", "MaximumIndividualPaymentAmount": aed,
            "MaximumCumulativeNumberOfPayments": 3, "MaximumCumulativeValueOfPayments": aed,
            "PeriodicSchedule": periods}));
        assert_eq!(on_demand["PeriodicSchedule"]["Controls"], json!({"MaximumIndividualAmount": aed}));
        let listed = own(json!({"Type": "UAEOF.VariableDefinedPayment", "PaymentSchedule": [1]}));
        assert_eq!(listed, json!({"PeriodicSchedule": {"Type": "FixedDefinedSchedule", "Schedule": [1]}}));
        let up_to =
            own(json!({"Type": UP_TO, "PaymentSchedule": [1], "MaximumCumulativeValueOfPayments": aed}));
        assert_eq!(up_to["PeriodicSchedule"], json!({"Type": "VariableDefinedSchedule", "Schedule": [1]}));
        assert_eq!(up_to["MaximumCumulativeValueOfPayments"], aed);
        let dated =
            schedule(&json!({"SinglePayment": {"Type": "UAEOF.SingleFutureDatedPayment", "Amount": aed,
            "RequestedExecutionDateTime": "2026-12-05T06:00:00+04:00"}}));
        assert_eq!(dated["SinglePayment"]["RequestedExecutionDate"], "2026-12-05");
        assert_eq!(dated["SinglePayment"]["Type"], "SingleFutureDatedPayment");
    }

    #[test]
    fn a_plan_of_version_1_2_ends_less_than_a_year_from_now() {
        let now = rar_consent::read_instant("2026-11-21T08:00:00Z").unwrap();
        let ending = |until: &str| {
            let plan = Plan {
                schedule: json!({}),
                until: until.to_owned(),
                today: Vec::new(),
                later: "the bank pays it on 2026-11-23, at 06:00 in Dubai".to_owned(),
            };
            within(plan, now)
        };
        assert_eq!(ending("2027-11-21T23:59:59+04:00").until, "2027-11-20T23:59:59+04:00");
        assert_eq!(ending("2026-11-23T23:59:59+04:00").until, "2026-11-23T23:59:59+04:00");
        assert_eq!(ending("2026-11-23T23:59:59+04:00").later, "the bank pays it on 2026-11-23");
    }
}
