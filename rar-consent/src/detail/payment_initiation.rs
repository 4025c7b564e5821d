//! `payment_initiation`: one payment, in the words of the example of RFC 9396 section 2.

use oauth_core::{DetailsFault, Refusal, Scope, Timestamp, VettedDetail};
use serde::Deserialize;
use serde_json::Value;

use super::element::typed;
use super::{Asked, DetailKind, Lodging, Place, Reading, Supported};
use crate::consent::terms::{PaymentInitiation, Terms};
use crate::rules::rfc9396;
use crate::value::amount::Amount;
use crate::value::{https, iban, text};

/// One payment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PaymentInitiationKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "type")]
    _type: String,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    locations: Vec<String>,
    instructed_amount: WireAmount,
    creditor_name: String,
    creditor_account: CreditorAccount,
    remittance_information_unstructured: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Initiate,
    Status,
    Cancel,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireAmount {
    currency: String,
    amount: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreditorAccount {
    iban: String,
}

impl DetailKind for PaymentInitiationKind {
    fn types(&self) -> &'static [&'static str] {
        &["payment_initiation"]
    }

    fn read(&self, asked: &Asked<'_>) -> Result<Reading, Refusal> {
        let element = Value::Object(asked.element.clone());
        let terms = terms(&element, &asked.place)?;
        Ok(Reading {
            consent: asked.fresh.clone(),
            terms: Terms::Payment(terms),
            granted: element,
            confidential: None,
        })
    }

    fn scope(&self, _reading: &Reading, asked: &Scope) -> Result<Scope, Refusal> {
        Ok(asked.clone())
    }

    fn supports(&self, _reading: &Reading, value: &str) -> Supported {
        if value == "payments" { Supported::Yes } else { Supported::No }
    }

    fn lodging(&self, detail: &VettedDetail, _asked_at: Timestamp) -> Result<Lodging, Refusal> {
        let terms = terms(&detail.value, &Place::element(0))?;
        Ok(Lodging::Fresh {
            terms: Box::new(Terms::Payment(terms)),
            element: detail.value.clone(),
            subscription: None,
        })
    }

    fn narrow(&self, granted: &Value, asked: &Value, place: &Place) -> Result<Value, Refusal> {
        if asked == granted {
            return Ok(granted.clone());
        }
        Err(place.refuse(rfc9396::WITHIN, DetailsFault::Widened, "a payment cannot be changed"))
    }
}

fn terms(element: &Value, place: &Place) -> Result<PaymentInitiation, Refusal> {
    let wire: Wire = typed(element, place)?;
    let refuse =
        |member, hint| place.member(member).refuse(rfc9396::PAYMENT_VALUES, DetailsFault::Value, hint);
    let amount =
        Amount::read(&wire.instructed_amount.amount, &wire.instructed_amount.currency).map_err(|_| {
            refuse("instructedAmount", "must be a canonical amount above zero in a known currency")
        })?;
    if !text::is_readable(&wire.creditor_name, 140) {
        return Err(refuse("creditorName", "must have 1 to 140 readable characters"));
    }
    if !iban::is_iban(&wire.creditor_account.iban) {
        return Err(refuse("creditorAccount.iban", "must be an IBAN without spaces"));
    }
    let remittance = wire.remittance_information_unstructured;
    if remittance.as_ref().is_some_and(|remittance| !text::is_readable(remittance, 140)) {
        return Err(refuse("remittanceInformationUnstructured", "must have 1 to 140 readable characters"));
    }
    if wire.locations.len() > 8 || wire.locations.iter().any(|location| https::host(location).is_none()) {
        return Err(refuse("locations", "must be https URLs, at most eight"));
    }
    let word = |action: &Action| match action {
        Action::Initiate => "initiate".to_owned(),
        Action::Status => "status".to_owned(),
        Action::Cancel => "cancel".to_owned(),
    };
    Ok(PaymentInitiation {
        amount,
        creditor_name: wire.creditor_name,
        creditor_iban: wire.creditor_account.iban,
        remittance,
        actions: wire.actions.iter().map(word).collect(),
        locations: wire.locations,
    })
}
