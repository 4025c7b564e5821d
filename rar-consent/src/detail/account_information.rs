//! `account_information`: access to accounts, in the words of RFC 9396 section 2.

use oauth_core::{DetailsFault, Refusal, Scope, Timestamp, VettedDetail};
use serde::Deserialize;
use serde_json::Value;

use super::element::typed;
use super::{Asked, DetailKind, Lodging, Place, Reading, Supported};
use crate::consent::terms::{AccountInformation, AccountPermission, Terms};
use crate::rules::hold;
use crate::rules::rfc9396::{self, AccessCase};
use crate::value::calendar;

/// Access to accounts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccountInformationKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "type")]
    _type: String,
    access: Access,
    #[serde(default)]
    recurring_indicator: bool,
    valid_until: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Access {
    permissions: Vec<AccountPermission>,
}

impl DetailKind for AccountInformationKind {
    fn types(&self) -> &'static [&'static str] {
        &["account_information"]
    }

    fn read(&self, asked: &Asked<'_>) -> Result<Reading, Refusal> {
        let element = Value::Object(asked.element.clone());
        let terms = terms(&element, &asked.place)?;
        let (place, now) = (asked.place.clone(), asked.now);
        hold(rfc9396::ACCESS, &AccessCase { place, terms: terms.clone(), now })?;
        Ok(Reading {
            consent: asked.fresh.clone(),
            terms: Terms::Accounts(terms),
            granted: element,
            confidential: None,
        })
    }

    fn scope(&self, _reading: &Reading, asked: &Scope) -> Result<Scope, Refusal> {
        Ok(asked.clone())
    }

    fn supports(&self, _reading: &Reading, value: &str) -> Supported {
        if value == "accounts" { Supported::Yes } else { Supported::No }
    }

    fn lodging(&self, detail: &VettedDetail, _asked_at: Timestamp) -> Result<Lodging, Refusal> {
        let terms = terms(&detail.value, &Place::element(0))?;
        Ok(Lodging::Fresh {
            terms: Box::new(Terms::Accounts(terms)),
            element: detail.value.clone(),
            subscription: None,
        })
    }

    fn narrow(&self, granted: &Value, asked: &Value, place: &Place) -> Result<Value, Refusal> {
        let (own, other) = (terms(asked, place)?, terms(granted, place)?);
        if is_within(&own, &other) {
            return Ok(asked.clone());
        }
        Err(place.refuse(rfc9396::WITHIN, DetailsFault::Widened, "not within the access that was granted"))
    }
}

/// Fewer permissions, not recurring where the other is not, an end that is not later.
fn is_within(own: &AccountInformation, other: &AccountInformation) -> bool {
    own.permissions.iter().all(|permission| other.permissions.contains(permission))
        && (other.recurring || !own.recurring)
        && own.valid_until <= other.valid_until
}

fn terms(element: &Value, place: &Place) -> Result<AccountInformation, Refusal> {
    let wire: Wire = typed(element, place)?;
    let refuse = |member, hint| place.member(member).refuse(rfc9396::VALUES_TYPED, DetailsFault::Value, hint);
    let valid_until = calendar::read_instant(&wire.valid_until)
        .map_err(|_| refuse("validUntil", "must be a date-time of RFC 3339 with its offset"))?;
    let permissions: Vec<AccountPermission> = wire.access.permissions;
    let repeated = |(index, permission)| permissions.iter().skip(index + 1).any(|other| other == permission);
    if permissions.is_empty() || permissions.iter().enumerate().any(repeated) {
        return Err(refuse("access.permissions", "must name each permission once, and at least one"));
    }
    Ok(AccountInformation { permissions, recurring: wire.recurring_indicator, valid_until })
}
