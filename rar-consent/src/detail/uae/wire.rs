//! The consent inside an element, as the early drafts write it, and what it means.

use oauth_core::{DetailsFault, Refusal, Seconds};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use super::schedule::{self, WireSchedule};
use super::spelling::Spelling;
use crate::consent::subscription::Subscription;
use crate::consent::terms::{Sponsor, UaeAccount, UaeAuthorization, UaeName, UaePayment, UaePermission};
use crate::consent::vocabulary::UaeVocabulary;
use crate::detail::Place;
use crate::detail::element::typed;
use crate::rules::uae_consent;
use crate::value::calendar;
use crate::value::period::Alignment;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Container {
    consent_id: String,
    base_consent_id: Option<String>,
    accepted_authorization_type: Option<AuthorizationType>,
    authorization_expiration_time_window: Option<String>,
    expiration_date_time: String,
    control_parameters: ControlParameters,
    initiation: Initiation,
    payer_reference: Option<String>,
    user_reference: Option<String>,
    beneficiary_reference: Option<String>,
    payment_purpose_code: String,
    #[serde(rename = "SponsoredTPPInformation")]
    sponsored_tpp_information: Option<SponsoredTpp>,
    risk: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "at_least_one")]
    permissions: Vec<UaePermission>,
}

#[derive(Deserialize)]
enum AuthorizationType {
    #[serde(rename = "UAEOF.Single")]
    Single,
    #[serde(rename = "UAEOF.Multi")]
    Multi,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ControlParameters {
    #[serde(default)]
    is_pay_by_account: bool,
    consent_schedule: WireSchedule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Initiation {
    debtor_account: Option<Account>,
    creditor_account: Account,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Account {
    #[serde(rename = "IdentificationType")]
    _identification_type: IdentificationType,
    identification: String,
    name: Option<UaeName>,
    trading_name: Option<UaeName>,
}

#[derive(Deserialize)]
enum IdentificationType {
    #[serde(rename = "UAEOF.IBAN")]
    Iban,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SponsoredTpp {
    name: String,
    identification: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct WireSubscription {
    webhook: WireWebhook,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct WireWebhook {
    url: String,
    is_active: bool,
}

/// Section 14, after version 1.2: who asks for permissions asks for one at least.
pub(super) fn at_least_one<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<UaePermission>, D::Error> {
    let asked = Vec::deserialize(reader)?;
    if asked.is_empty() { Err(de::Error::custom("no permission")) } else { Ok(asked) }
}

const WINDOW: &str = "24:00:00";

/// Reads the consent of an element: its identifier and what it allows.
pub(super) fn read(
    spelling: &Spelling,
    element: &Place,
    alignment: Alignment,
) -> Result<(String, UaePayment), Refusal> {
    let place = element.member(spelling.container);
    let wire: Container = typed(spelling.content.clone(), &place)?;
    let window = wire.authorization_expiration_time_window.unwrap_or_else(|| WINDOW.to_owned());
    let authorise_within = window_seconds(&window).ok_or_else(|| {
        let hint = "must be hours, minutes and seconds as in 720:00:00";
        let place = place.member("AuthorizationExpirationTimeWindow");
        place.refuse(uae_consent::WINDOW, DetailsFault::Value, hint)
    })?;
    let expires_at = calendar::read_instant(&wire.expiration_date_time).map_err(|_| {
        let hint = "must be a date-time of RFC 3339 with its offset";
        place.member("ExpirationDateTime").refuse(uae_consent::DATE_TIME, DetailsFault::Value, hint)
    })?;
    let payer_reference = one_reference(wire.payer_reference, wire.user_reference, &place)?;
    let terms = UaePayment {
        vocabulary: UaeVocabulary::Seed,
        base_consent: wire.base_consent_id,
        authorization: wire.accepted_authorization_type.map(|kind| match kind {
            AuthorizationType::Single => UaeAuthorization::Single,
            AuthorizationType::Multi => UaeAuthorization::Multi,
        }),
        window,
        authorise_within,
        authorise_by: None,
        expires_at,
        pay_by_account: wire.control_parameters.is_pay_by_account,
        schedule: schedule::read(wire.control_parameters.consent_schedule, &place, alignment)?,
        debtor: wire.initiation.debtor_account.map(account),
        creditors: vec![account(wire.initiation.creditor_account)],
        payer_reference,
        beneficiary_reference: wire.beneficiary_reference,
        purpose_code: wire.payment_purpose_code,
        sponsor: wire
            .sponsored_tpp_information
            .map(|sponsor| Sponsor { name: sponsor.name, identification: sponsor.identification }),
        risk: wire.risk.map(Value::Object),
        permissions: wire.permissions,
    };
    Ok((wire.consent_id, terms))
}

/// Reads where an element wants its events.
pub(super) fn subscription(spelling: &Spelling, element: &Place) -> Result<Option<Subscription>, Refusal> {
    let Some((name, value)) = &spelling.subscription else { return Ok(None) };
    let wire: WireSubscription = typed(value.clone(), &element.member(name))?;
    Ok(Some(Subscription { url: wire.webhook.url, active: wire.webhook.is_active }))
}

fn account(wire: Account) -> UaeAccount {
    UaeAccount { iban: wire.identification, name: wire.name, trading_name: wire.trading_name, beside: None }
}

fn one_reference(
    payer: Option<String>,
    user: Option<String>,
    place: &Place,
) -> Result<Option<String>, Refusal> {
    match (payer, user) {
        (Some(payer), Some(user)) if payer != user => {
            let place = place.member("UserReference");
            let hint = "says something else than PayerReference";
            Err(place.refuse(uae_consent::REFERENCES_EQUAL, DetailsFault::Value, hint))
        }
        (payer, user) => Ok(payer.or(user)),
    }
}

/// Section 4.2: `H…H:MM:SS`, up to four digits of hours.
fn window_seconds(text: &str) -> Option<Seconds> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let shape = parts.next().is_none()
        && (1..=4).contains(&hours.len())
        && minutes.len() == 2
        && seconds.len() == 2
        && digits(hours)
        && digits(minutes)
        && digits(seconds);
    if !shape || minutes > "59" || seconds > "59" {
        return None;
    }
    let number = |part: &str| part.parse::<i64>().ok();
    Some(Seconds::new(number(hours)? * 3600 + number(minutes)? * 60 + number(seconds)?))
}
