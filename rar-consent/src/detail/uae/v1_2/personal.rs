//! `PersonalIdentifiableInformation` as version 1.2 writes it: who pays, who may be paid, and what is sent along for the
//! assessment of risk (section 16). In an element it stands encrypted only.

use oauth_core::{DetailsFault, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::consent::terms::{UaeAccount, UaeName};
use crate::detail::Place;
use crate::detail::element::{first_null, typed};
use crate::rules::{rfc9396, uae_consent};

/// The member of the container.
pub(crate) const MEMBER: &str = "PersonalIdentifiableInformation";

/// What stood encrypted, and what it says: one of the facts that are gathered before anything is judged.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenedFact {
    /// The object as received.
    pub(crate) sealed: String,
    /// What it says, when it could be opened and its sender had signed it.
    pub(crate) content: Option<Value>,
}

/// Who pays and who may be paid.
pub(super) struct Parties {
    pub(super) debtor: Option<UaeAccount>,
    pub(super) creditors: Vec<UaeAccount>,
    pub(super) risk: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct OfConsent {
    #[serde(default)]
    initiation: ConsentInitiation,
    risk: Option<Map<String, Value>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ConsentInitiation {
    debtor_account: Option<Account>,
    #[serde(default)]
    creditor: Vec<Creditor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct OfPayment {
    initiation: Option<Map<String, Value>>,
    #[serde(rename = "Risk")]
    _risk: Option<Map<String, Value>>,
}

/// A creditor: in a list in the consent, alone in a payment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Creditor {
    creditor_agent: Option<Agent>,
    creditor: Option<Party>,
    creditor_account: Account,
    #[serde(rename = "ConfirmationOfPayeeResponse")]
    _confirmation_of_payee_response: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Account {
    #[serde(rename = "SchemeName")]
    _scheme_name: AccountScheme,
    identification: String,
    name: Option<UaeName>,
    trading_name: Option<UaeName>,
}

/// Accounts of other schemes cannot be paid to.
#[derive(Deserialize)]
enum AccountScheme {
    #[serde(rename = "IBAN")]
    Iban,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Agent {
    scheme_name: AgentScheme,
    identification: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_address: Option<Vec<Address>>,
}

#[derive(Serialize, Deserialize)]
enum AgentScheme {
    #[serde(rename = "BICFI")]
    Bicfi,
    Other,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Party {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_address: Option<Vec<Address>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Address {
    address_type: AddressType,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    floor_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    building_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    street_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secondary_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    district: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    #[serde(rename = "POBox", skip_serializing_if = "Option::is_none")]
    po_box: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zip_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    country: String,
}

#[derive(Serialize, Deserialize)]
enum AddressType {
    Business,
    Correspondence,
    Residential,
}

/// Reads what a consent says of its parties.
pub(super) fn parties(opened: &Value, place: &Place) -> Result<Parties, Refusal> {
    without_nulls(opened, place)?;
    let wire: OfConsent = typed(opened, place)?;
    let creditors = wire.initiation.creditor.into_iter().map(|creditor| account_of(creditor, place));
    Ok(Parties {
        debtor: wire.initiation.debtor_account.map(account),
        creditors: creditors.collect::<Result<_, _>>()?,
        risk: wire.risk.map(Value::Object),
    })
}

/// Reads whom a payment pays; none where it leaves that to its consent, by no `Initiation` or an empty one.
pub(crate) fn creditor_of_payment(opened: &Value, place: &Place) -> Result<Option<UaeAccount>, Refusal> {
    without_nulls(opened, place)?;
    let wire: OfPayment = typed(opened, place)?;
    match wire.initiation {
        Some(named) if !named.is_empty() => {
            let creditor = typed(Value::Object(named), &place.member("Initiation"))?;
            account_of(creditor, place).map(Some)
        }
        Some(_) | None => Ok(None),
    }
}

fn without_nulls(opened: &Value, place: &Place) -> Result<(), Refusal> {
    match first_null(opened, place) {
        Some(null) => {
            let hint = "no member may be null; leave it out";
            Err(null.refuse(rfc9396::VALUES_TYPED, DetailsFault::Value, hint))
        }
        None => Ok(()),
    }
}

fn account(wire: Account) -> UaeAccount {
    UaeAccount { iban: wire.identification, name: wire.name, trading_name: wire.trading_name, beside: None }
}

fn account_of(wire: Creditor, place: &Place) -> Result<UaeAccount, Refusal> {
    let mut beside = Map::new();
    let parts = [
        ("CreditorAgent", wire.creditor_agent.map(serde_json::to_value)),
        ("Creditor", wire.creditor.map(serde_json::to_value)),
    ];
    for (name, part) in parts {
        if let Some(part) = part {
            let hint = "not a value this member can have";
            let part = part
                .map_err(|_| place.member(name).refuse(uae_consent::BESIDE.id, DetailsFault::Value, hint))?;
            beside.insert(name.to_owned(), part);
        }
    }
    let beside = (!beside.is_empty()).then_some(Value::Object(beside));
    Ok(UaeAccount { beside, ..account(wire.creditor_account) })
}
