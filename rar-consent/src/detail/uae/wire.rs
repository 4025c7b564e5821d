//! The consent inside an element, as the early drafts write it, and what it means.

use oauth_core::{DetailsFault, Refusal, Seconds};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::spelling::Spelling;
use crate::consent::subscription::Subscription;
use crate::consent::terms::{Schedule, Sponsor, UaeAccount, UaeAuthorization, UaeName, UaePayment};
use crate::detail::Place;
use crate::detail::element::typed;
use crate::rules::uae_consent;
use crate::value::amount::{Amount, AmountFault};
use crate::value::calendar;

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
    consent_schedule: ConsentSchedule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ConsentSchedule {
    single_payment: Option<Value>,
    multi_payment: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SingleInstant {
    #[serde(rename = "Type")]
    _type: String,
    amount: WireAmount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct WireAmount {
    amount: String,
    currency: String,
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

/// Payment types that exist and are not on offer, with their slot.
const NOT_OFFERED: &[(&str, &str, &str)] = &[
    ("SinglePayment", "UAEOF.SingleFutureDatedPayment", "UAEOF.SingleFutureDatedPayment is not on offer"),
    ("MultiPayment", "UAEOF.FixedRecurringPayment", "UAEOF.FixedRecurringPayment is not on offer"),
    ("MultiPayment", "UAEOF.FixedOnDemandPayment", "UAEOF.FixedOnDemandPayment is not on offer"),
    ("MultiPayment", "UAEOF.VariableRecurringPayment", "UAEOF.VariableRecurringPayment is not on offer"),
    ("MultiPayment", "UAEOF.VariableOnDemandPayment", "UAEOF.VariableOnDemandPayment is not on offer"),
    ("MultiPayment", "UAEOF.VariableDefinedPayment", "UAEOF.VariableDefinedPayment is not on offer"),
];

const WINDOW: &str = "24:00:00";

/// Reads the consent of an element: its identifier and what it allows.
pub(super) fn read(spelling: &Spelling, element: &Place) -> Result<(String, UaePayment), Refusal> {
    let place = element.member(spelling.container);
    let wire: Container = typed(spelling.content.clone(), &place)?;
    let window = wire.authorization_expiration_time_window.unwrap_or_else(|| WINDOW.to_owned());
    let authorise_within = window_seconds(&window).ok_or_else(|| {
        let hint = "must be hours, minutes and seconds as in 720:00:00";
        let place = place.member("AuthorizationExpirationTimeWindow");
        place.refuse(uae_consent::WINDOW, DetailsFault::Value, hint)
    })?;
    let expires_at = calendar::instant(&wire.expiration_date_time).ok_or_else(|| {
        let hint = "must be a date-time of RFC 3339 with its offset";
        place.member("ExpirationDateTime").refuse(uae_consent::DATE_TIME, DetailsFault::Value, hint)
    })?;
    let payer_reference = one_reference(wire.payer_reference, wire.user_reference, &place)?;
    let terms = UaePayment {
        base_consent: wire.base_consent_id,
        authorization: wire.accepted_authorization_type.map(|kind| match kind {
            AuthorizationType::Single => UaeAuthorization::Single,
            AuthorizationType::Multi => UaeAuthorization::Multi,
        }),
        window,
        authorise_within,
        expires_at,
        pay_by_account: wire.control_parameters.is_pay_by_account,
        schedule: schedule(wire.control_parameters.consent_schedule, &place)?,
        debtor: wire.initiation.debtor_account.map(account),
        creditor: account(wire.initiation.creditor_account),
        payer_reference,
        beneficiary_reference: wire.beneficiary_reference,
        purpose_code: wire.payment_purpose_code,
        sponsor: wire
            .sponsored_tpp_information
            .map(|sponsor| Sponsor { name: sponsor.name, identification: sponsor.identification }),
        risk: wire.risk.map(Value::Object),
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
    UaeAccount { iban: wire.identification, name: wire.name, trading_name: wire.trading_name }
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

/// Section 5: which payments. Room for the other types is here and in [`Schedule`].
fn schedule(wire: ConsentSchedule, place: &Place) -> Result<Schedule, Refusal> {
    let place = place.member("ControlParameters.ConsentSchedule");
    let refuse = |place: &Place, fault, hint| Err(place.refuse(uae_consent::SCHEDULE, fault, hint));
    match (wire.single_payment, wire.multi_payment) {
        (Some(single), None) => {
            let place = place.member("SinglePayment");
            if single.get("Type").and_then(Value::as_str) == Some("UAEOF.SingleInstantPayment") {
                let wire: SingleInstant = typed(single, &place)?;
                return Ok(Schedule::SingleInstant { amount: amount(wire.amount, &place.member("Amount"))? });
            }
            Err(not_offered(&single, "SinglePayment", &place))
        }
        (None, Some(multi)) => Err(not_offered(&multi, "MultiPayment", &place.member("MultiPayment"))),
        (Some(_), Some(_)) => {
            refuse(&place, DetailsFault::Value, "SinglePayment and MultiPayment together are not on offer")
        }
        (None, None) => {
            refuse(&place, DetailsFault::MemberMissing, "SinglePayment or MultiPayment must be there")
        }
    }
}

fn not_offered(part: &Value, slot: &str, place: &Place) -> Refusal {
    let named = part.get("Type").and_then(Value::as_str);
    let known = NOT_OFFERED.iter().find(|(_, name, _)| named == Some(name));
    let hint = match known {
        Some((own, _, hint)) if *own == slot => hint,
        Some(_) => "this payment type belongs into the other slot",
        None if slot == "MultiPayment" && named == Some("UAEOF.SingleInstantPayment") => {
            "this payment type belongs into the other slot"
        }
        None => "not a payment type",
    };
    place.member("Type").refuse(uae_consent::SCHEDULE, DetailsFault::Value, hint)
}

fn amount(wire: WireAmount, place: &Place) -> Result<Amount, Refusal> {
    let refuse = |member, hint| place.member(member).refuse(uae_consent::AMOUNT, DetailsFault::Value, hint);
    if wire.currency != "AED" {
        return Err(refuse("Currency", "must be AED"));
    }
    Amount::read(&wire.amount, &wire.currency).map_err(|fault| match fault {
        AmountFault::Spelling | AmountFault::Currency => {
            refuse("Amount", "must be digits without leading zeros, a point and two decimals")
        }
        AmountFault::TooLarge => refuse("Amount", "too many digits"),
        AmountFault::Zero => refuse("Amount", "must be more than zero"),
    })
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
