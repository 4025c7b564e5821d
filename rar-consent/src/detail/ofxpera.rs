//! OFxPERA: an element that refers to a consent created beforehand, and the terms of such a consent.

use oauth_core::{ConsentId, DetailsFault, Refusal, Scope, Timestamp, VettedDetail};
use serde::Deserialize;
use serde_json::Value;

use super::element::typed;
use super::{Asked, DetailKind, Lodging, Place, Reading, Supported};
use crate::consent::Consent;
use crate::consent::terms::{OfxperaConsent, Permission, Terms};
use crate::rules::ofxpera::{self, AskedCase, ReferenceCase};
use crate::rules::{hold, rfc9396};
use crate::value::calendar::Zone;
use crate::value::text;

/// `urn:ofxpera:consent:v1`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfxperaKind;

const TYPE: &str = "urn:ofxpera:consent:v1";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(rename = "type")]
    _type: String,
    #[serde(rename = "consentId")]
    consent: ConsentId,
}

impl DetailKind for OfxperaKind {
    fn types(&self) -> &'static [&'static str] {
        &[TYPE]
    }

    fn read(&self, asked: &Asked<'_>) -> Result<Reading, Refusal> {
        let element = Value::Object(asked.element.clone());
        let wire: Wire = typed(&element, &asked.place)?;
        let stored =
            asked.facts.0.iter().filter_map(|fact| serde_json::from_value::<Consent>(fact.clone()).ok());
        let stored = stored
            .filter(|consent| consent.client == asked.client.id)
            .find(|consent| consent.id == wire.consent && matches!(consent.terms, Terms::Ofxpera(_)));
        hold(ofxpera::REFERENCE, &ReferenceCase { place: asked.place.clone(), stored: stored.clone() })?;
        let stored = stored.ok_or_else(|| {
            asked.place.refuse(ofxpera::CONSENT_KNOWN.id, DetailsFault::Consent, "no such consent")
        })?;
        Ok(Reading { consent: stored.id, terms: stored.terms, granted: element, confidential: None })
    }

    fn scope(&self, reading: &Reading, asked: &Scope) -> Result<Scope, Refusal> {
        let case = AskedCase { place: Place::element(0), scope: asked.clone() };
        hold(&[&ofxpera::OPENID_ASKED], &case)?;
        Scope::new(format!("{asked} consent:{}", reading.consent).trim_start_matches(' ')).map_err(|_| {
            Place::element(0).refuse(
                rfc9396::SCOPE_SUPPORTED.id,
                DetailsFault::ScopeMismatch,
                "scope is too long",
            )
        })
    }

    fn supports(&self, reading: &Reading, value: &str) -> Supported {
        let own = value.strip_prefix("consent:").is_some_and(|id| id == reading.consent.as_str());
        let permitted = match &reading.terms {
            Terms::Ofxpera(terms) => {
                terms.permissions.iter().any(|permission| permission.scope() == Some(value))
            }
            Terms::UaePayment(_) | Terms::Payment(_) | Terms::Accounts(_) => false,
        };
        if own || permitted { Supported::Yes } else { Supported::No }
    }

    fn lodging(&self, _detail: &VettedDetail, _asked_at: Timestamp) -> Result<Lodging, Refusal> {
        Ok(Lodging::Stored)
    }

    fn narrow(&self, granted: &Value, asked: &Value, place: &Place) -> Result<Value, Refusal> {
        if asked == granted {
            return Ok(granted.clone());
        }
        Err(place.refuse(rfc9396::WITHIN, DetailsFault::Widened, "the consent of a grant cannot be changed"))
    }
}

/// The consent an element refers to, well-formed or not.
pub(crate) fn referred(element: &Value) -> Option<ConsentId> {
    let kind = element.get("type").and_then(Value::as_str);
    let id = element.get("consentId").and_then(Value::as_str)?;
    ConsentId::new(id).ok().filter(|_| kind == Some(TYPE))
}

/// Why terms cannot become a consent, or the consent become them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TermsFault {
    /// `data_holder_id` is empty, or another one than the consent has.
    #[error("data_holder_id")]
    DataHolder,
    /// `permissions` is empty or names one twice.
    #[error("permissions")]
    Permissions,
    /// `PERA_BALANCE`, `PERA_INVESTMENT_DETAILS` or `PERA_TRANSACTIONS` without `PERA_BASIC_INFO`.
    #[error("permissions without PERA_BASIC_INFO")]
    BasicInfoMissing,
    /// The sharing duration begins more than five minutes ago.
    #[error("sharing_duration.start_date")]
    Start,
    /// The sharing duration ends before it begins, in the past, or more than a year after its beginning.
    #[error("sharing_duration.end_date")]
    End,
    /// `purpose` has not 1 to 255 readable characters.
    #[error("purpose")]
    Purpose,
    /// `additional_terms` are too many, or one is too long.
    #[error("additional_terms")]
    AdditionalTerms,
    /// `payment_limits` without `PAYMENT_INITIATE`, not in pesos, not positive, or the single one above the total.
    #[error("payment_limits")]
    Limits,
}

/// How far in the past a sharing duration may begin.
const START_AGE_MAX: oauth_core::Seconds = oauth_core::Seconds::minutes(5);

impl OfxperaConsent {
    /// Whether these terms can become a consent now.
    ///
    /// # Errors
    /// The first member that is wrong.
    pub fn check(&self, now: Timestamp) -> Result<(), TermsFault> {
        if self.start < now.minus(START_AGE_MAX) {
            return Err(TermsFault::Start);
        }
        self.check_change(now)
    }

    /// Whether these terms can stay: as [`Self::check`], but a beginning in the past is in order.
    ///
    /// # Errors
    /// The first member that is wrong.
    pub fn check_change(&self, now: Timestamp) -> Result<(), TermsFault> {
        let rows = [
            (text::is_readable(&self.data_holder, 128), TermsFault::DataHolder),
            (self.permissions_are_a_set(), TermsFault::Permissions),
            (self.has_basic_info_if_needed(), TermsFault::BasicInfoMissing),
            (self.end > self.start && self.end > now, TermsFault::End),
            (self.end <= Zone::Manila.year_after(self.start), TermsFault::End),
            (text::is_readable(&self.purpose, 255), TermsFault::Purpose),
            (self.additional_terms_are_short(), TermsFault::AdditionalTerms),
            (self.limits_fit(), TermsFault::Limits),
        ];
        rows.into_iter().try_for_each(|(holds, fault)| if holds { Ok(()) } else { Err(fault) })
    }

    /// Whether these terms ask for nothing beyond `other`: the same beginning and purpose, fewer permissions, an earlier
    /// end, lower limits.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let limits = match (&self.limits, &other.limits) {
            (_, None) => true,
            (None, Some(_)) => !self.permissions.contains(&Permission::PaymentInitiate),
            (Some(own), Some(old)) => {
                own.individual.minor <= old.individual.minor && own.total.minor <= old.total.minor
            }
        };
        limits
            && self.data_holder == other.data_holder
            && self.start == other.start
            && self.end <= other.end
            && self.purpose == other.purpose
            && self.additional_terms == other.additional_terms
            && self.permissions.iter().all(|permission| other.permissions.contains(permission))
    }

    fn permissions_are_a_set(&self) -> bool {
        let unique =
            |(index, permission)| !self.permissions.iter().skip(index + 1).any(|other| other == permission);
        !self.permissions.is_empty() && self.permissions.iter().enumerate().all(unique)
    }

    fn has_basic_info_if_needed(&self) -> bool {
        let needs =
            [Permission::PeraBalance, Permission::PeraInvestmentDetails, Permission::PeraTransactions];
        self.permissions.contains(&Permission::PeraBasicInfo)
            || !self.permissions.iter().any(|permission| needs.contains(permission))
    }

    fn additional_terms_are_short(&self) -> bool {
        let short = |term: &crate::AdditionalTerm| {
            text::is_readable(&term.key, 50) && text::is_readable(&term.value, 255)
        };
        self.additional_terms.len() <= 20 && self.additional_terms.iter().all(short)
    }

    fn limits_fit(&self) -> bool {
        self.limits.as_ref().is_none_or(|limits| {
            self.permissions.contains(&Permission::PaymentInitiate)
                && [&limits.individual, &limits.total]
                    .iter()
                    .all(|limit| limit.currency == "PHP" && limit.minor > 0)
                && limits.individual.minor <= limits.total.minor
        })
    }
}
