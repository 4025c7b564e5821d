//! Version 1.2, into and out of the domain (sections 5.3, 8.1, 14 and 16).

use oauth_core::Timestamp;
use rar_consent::{Amount, Consent, Consumption, UaeAccount, UaePayment, UaePaymentType};
use serde_json::{Map, Value};

use super::super::body::{AmountText, ConsentLinks, Empty, PaymentLinks};
use super::super::error::{Reason, Refused};
use super::super::map::{Base, Shown, amount, consumption, creditor, date_time, revoked_by, status_code};
use super::super::signature::SCHEMA;
use super::body::{
    EnglishName, Instruction, MerchantId, OpenFinanceBilling, PaymentAnswer, PaymentData, PaymentRequestData,
    RefundAccount, RefundAnswer, RefundData,
};
use crate::domain::{
    Billing, IdempotencyKey, Line, Payment, PaymentId, PaymentStatus, Purpose, Rail, RequestFingerprint,
    SealedNote,
};
use crate::operation::payments::{Debtor, KeyKept, OrderKind, PaymentOrder};
use crate::rules::uae_payments as rules;

/// The order behind a request.
pub(super) fn order(
    data: PaymentRequestData,
    consent: (&Consent, &UaePayment),
    (paid, personal): (Option<UaeAccount>, Option<SealedNote>),
    (key, fingerprint): (IdempotencyKey, RequestFingerprint),
) -> Result<PaymentOrder, Refused> {
    let (consent, terms) = consent;
    let amount = amount(&data.instruction.amount)?;
    let part = consent.part_for(amount.minor());
    let billing = data.open_finance_billing;
    Ok(PaymentOrder {
        amount,
        consent: data.consent_id,
        creditor: creditor(&payee(terms, paid)?)?,
        debtor: Debtor::OfConsent,
        kind: OrderKind::Transfer,
        rail: Rail::UaeInstant,
        execution_day: None,
        execute_at: terms
            .schedule
            .single()
            .filter(|single| Some(single.kind()) == part)
            .and_then(rar_consent::SinglePayment::execute_at),
        debtor_reference: data.debtor_reference,
        creditor_reference: data.creditor_reference,
        purpose: Some(data.payment_purpose_code.0),
        client_sequence: None,
        billing: Some(Billing {
            kind: billing.kind,
            merchant: billing.merchant_id.map(MerchantId::into_line),
        }),
        personal,
        consent_part: part,
        key,
        key_kept: KeyKept::WithPayment,
        fingerprint,
    })
}

/// Section 16: an order pays a creditor of its consent, named with every member as there; where the consent names none, whom it
/// says; where the order names none, the only one of the consent.
fn payee(terms: &UaePayment, paid: Option<UaeAccount>) -> Result<UaeAccount, Refused> {
    let refuse = |path| Err(Refused::at(rules::CREDITOR_LISTED, Reason::BusinessRule, path));
    match paid {
        None => match terms.only_creditor() {
            Some(only) => Ok(only.clone()),
            None => refuse("Data.PersonalIdentifiableInformation"),
        },
        Some(paid) if terms.creditors.is_empty() => {
            let debtor = terms.debtor.as_ref().is_some_and(|debtor| debtor.iban == paid.iban);
            let payable = creditor(&paid).is_ok() && paid.iban.starts_with("AE");
            match (debtor, payable) {
                (true, _) => refuse(ACCOUNT),
                (false, true) => Ok(paid),
                (false, false) => Err(Refused::at(SCHEMA, Reason::Format, ACCOUNT)),
            }
        }
        Some(paid) if terms.creditors.contains(&paid) => Ok(paid),
        Some(_) => refuse(ACCOUNT),
    }
}

const ACCOUNT: &str = "Data.PersonalIdentifiableInformation.Initiation.CreditorAccount";

/// The message about a payment.
pub(in super::super) fn payment_answer(base: &Base, payment: &Payment, shown: Shown) -> PaymentAnswer {
    let terms = payment.terms();
    let (status, status_at, trace) = match shown {
        Shown::AsCreated => (PaymentStatus::Received, terms.created_at, None),
        Shown::Current => (payment.status(), payment.status_at(), payment.rail_reference()),
    };
    PaymentAnswer {
        data: PaymentData {
            payment_id: terms.id.to_string(),
            consent_id: terms.consent.to_string(),
            payment_transaction_id: trace.map(Line::to_string),
            status: status_code(status),
            status_update_date_time: date_time(status_at),
            creation_date_time: date_time(terms.created_at),
            instruction: Instruction { amount: AmountText::of(terms.amount) },
            payment_purpose_code: terms.purpose.as_ref().map(Purpose::to_string),
            debtor_reference: terms.debtor_reference.as_ref().map(Line::to_string),
            open_finance_billing: terms.billing.clone().map(|billing| OpenFinanceBilling {
                kind: billing.kind,
                merchant_id: billing.merchant.map(MerchantId::of),
            }),
        },
        links: PaymentLinks { this: base.payment(&terms.id), related: base.consent(&terms.consent) },
        meta: Empty {},
    }
}

/// `Data` of a consent (section 14): the container as staged without who pays whom, with what the platform adds to it.
pub(in super::super) fn consent_data(
    (consent, terms): (&Consent, &UaePayment),
    now: Timestamp,
) -> Map<String, Value> {
    let mut data = consent.element.get("consent").and_then(Value::as_object).cloned().unwrap_or_default();
    drop(data.remove("PersonalIdentifiableInformation"));
    let mut set = |name: &str, value: Value| data.insert(name.to_owned(), value);
    set("ConsentId", consent.id.as_str().into());
    set("BaseConsentId", base_consent(consent, terms).into());
    if let Some(by) = terms.authorise_by {
        set("AuthorizationExpirationDateTime", date_time(by).into());
    }
    set("ExpirationDateTime", date_time(terms.expires_at).into());
    set("Status", terms.vocabulary.status(consent.status).into());
    set("CreationDateTime", date_time(consent.created_at).into());
    set("StatusUpdateDateTime", date_time(consent.status_at).into());
    if let Some(revocation) = &consent.revocation {
        set("RevokedBy", revoked_by(&revocation.by, &revocation.reason).into());
    }
    let nothing = || Consumption { count: 0, value: Amount::new(0, "AED"), in_period: None };
    set("PaymentConsumption", consumption(&consent.consumption(now).unwrap_or_else(nothing)).into());
    data
}

/// Section 14: a consent that continues none is its own base.
fn base_consent<'a>(consent: &'a Consent, terms: &'a UaePayment) -> &'a str {
    terms.base_consent.as_deref().unwrap_or(consent.id.as_str())
}

/// The message that says where a refund goes (section 14).
pub(in super::super) fn refund_answer(
    base: &Base,
    (consent, terms): (&Consent, &UaePayment),
    (iban, holder): (&str, &str),
    payments: &[PaymentId],
) -> RefundAnswer {
    RefundAnswer {
        data: RefundData {
            consent_id: consent.id.as_str().to_owned(),
            base_consent_id: base_consent(consent, terms).to_owned(),
            refund_account: RefundAccount {
                scheme_name: "IBAN",
                identification: iban.to_owned(),
                name: EnglishName { en: holder.to_owned() },
            },
        },
        links: ConsentLinks {
            this: format!("{}/refund", base.consent(&consent.id)),
            related: payments.iter().map(|id| base.payment(id)).collect(),
        },
    }
}

/// The kind of payment whose limits a path may speak of.
pub(super) fn kind(terms: &UaePayment) -> Option<UaePaymentType> {
    terms.schedule.multi().map(rar_consent::MultiPayment::kind)
}
