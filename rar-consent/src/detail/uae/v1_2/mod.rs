//! The consent inside an element, as version 1.2 writes it (dialect C): other names, an instant instead of a window, and who
//! pays whom encrypted to the bank.

pub(crate) mod personal;
mod schedule;

use oauth_core::{DetailsFault, Refusal, Seconds};
use serde::Deserialize;
use serde_json::Value;

use super::spelling::Spelling;
use crate::consent::terms::{Sponsor, UaeAuthorization, UaePayment, UaePermission};
use crate::consent::vocabulary::UaeVocabulary;
use crate::detail::Place;
use crate::detail::element::typed;
use crate::rules::{rfc9396, uae_consent};
use crate::value::calendar;
use crate::value::period::Alignment;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Container {
    consent_id: String,
    base_consent_id: Option<String>,
    is_single_authorization: Option<bool>,
    authorization_expiration_date_time: Option<String>,
    expiration_date_time: String,
    #[serde(default, deserialize_with = "super::wire::at_least_one")]
    permissions: Vec<UaePermission>,
    control_parameters: ControlParameters,
    #[serde(rename = "PersonalIdentifiableInformation")]
    _personal: String,
    debtor_reference: Option<String>,
    creditor_reference: Option<String>,
    payment_purpose_code: String,
    #[serde(rename = "SponsoredTPPInformation")]
    sponsored_tpp_information: Option<SponsoredTpp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ControlParameters {
    #[serde(default)]
    is_delegated_authentication: bool,
    consent_schedule: schedule::WireSchedule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SponsoredTpp {
    name: String,
    identification: String,
}

/// Section 4.2: as long as the early drafts give where nothing is said.
const WINDOW: &str = "24:00:00";

/// Reads the consent of an element: its identifier and what it allows. `opened` is what stood encrypted in it.
pub(super) fn read(
    spelling: &Spelling,
    element: &Place,
    alignment: Alignment,
    opened: &Value,
) -> Result<(String, UaePayment), Refusal> {
    let place = element.member(spelling.container);
    let wire: Container = typed(spelling.content.clone(), &place)?;
    if wire.control_parameters.is_delegated_authentication {
        let hint = "delegated authentication is not on offer";
        let place = place.member("ControlParameters.IsDelegatedAuthentication");
        return Err(place.refuse(uae_consent::NOT_DELEGATED, DetailsFault::Value, hint));
    }
    let instant = |text: &str, member: &str| {
        let hint = "must be a date-time of RFC 3339 with its offset";
        let refuse = || place.member(member).refuse(uae_consent::DATE_TIME, DetailsFault::Value, hint);
        calendar::read_instant(text).map_err(|_| refuse())
    };
    let expires_at = instant(&wire.expiration_date_time, "ExpirationDateTime")?;
    let authorise_by = wire.authorization_expiration_date_time.as_deref();
    let authorise_by =
        authorise_by.map(|text| instant(text, "AuthorizationExpirationDateTime")).transpose()?;
    let parties = personal::parties(opened, &place.member(personal::MEMBER))?;
    let terms = UaePayment {
        vocabulary: UaeVocabulary::V1_2,
        base_consent: wire.base_consent_id,
        authorization: wire.is_single_authorization.map(|single| match single {
            true => UaeAuthorization::Single,
            false => UaeAuthorization::Multi,
        }),
        window: WINDOW.to_owned(),
        authorise_within: Seconds::days(1),
        authorise_by,
        expires_at,
        pay_by_account: false,
        schedule: schedule::read(wire.control_parameters.consent_schedule, &place, (alignment, expires_at))?,
        debtor: parties.debtor,
        creditors: parties.creditors,
        payer_reference: wire.debtor_reference,
        beneficiary_reference: wire.creditor_reference,
        purpose_code: wire.payment_purpose_code,
        sponsor: wire
            .sponsored_tpp_information
            .map(|sponsor| Sponsor { name: sponsor.name, identification: sponsor.identification }),
        risk: parties.risk,
        permissions: wire.permissions,
    };
    Ok((wire.consent_id, terms))
}

/// What stands encrypted in an element of this dialect, when it stands where it must.
pub(crate) fn sealed<'a>(spelling: &'a Spelling, element: &Place) -> Result<&'a str, Refusal> {
    let place = element.member(spelling.container).member(personal::MEMBER);
    let hint = "this member is required: a signed JWT, encrypted to a key of this server";
    let sealed = spelling.content.get(personal::MEMBER);
    let missing = || place.refuse(rfc9396::MEMBERS_PRESENT, DetailsFault::MemberMissing, hint);
    let clear = || place.refuse(uae_consent::PERSONAL_SEALED, DetailsFault::Value, hint);
    sealed.ok_or_else(missing)?.as_str().ok_or_else(clear)
}
