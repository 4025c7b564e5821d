//! Payments of every type of UAE Bank Service Initiation: consent, approval, signed order, settlement.

use std::time::Duration;

use http::{Method, StatusCode};
use rar_consent::UaePaymentType;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Tpp;
use super::call::{Echo, Token};
use super::command::PayOrder;
use super::error::{Refusal, Stop, quoted};
use super::http::Ask;
use super::narrate::Report;
use super::plan::{Kind, Plan, plan};
use super::state::{Api, State};
use super::token::Granted;
use super::v1_2;

/// The canonical type of the consent.
const DETAILS_TYPE: &str = "urn:openfinanceuae:service-initiation-consent";
const CURRENCY: &str = "AED";
const PURPOSE: &str = "GDDS";
/// Questions about the status, and the pause between two.
const POLLS_MAX: usize = 30;
const POLL_PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Deserialize)]
struct Message {
    #[serde(rename = "Data")]
    data: Payment,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Payment {
    payment_id: String,
    consent_id: String,
    #[serde(alias = "Status")]
    payment_status: String,
    payment_transaction_id: Option<String>,
    payment_status_detail: Option<Value>,
    instruction: Instruction,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Instruction {
    amount: Amount,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Amount {
    amount: String,
    currency: String,
}

/// A consent to be asked for.
pub(crate) struct Asked {
    /// Scope beside the details.
    pub(crate) scope: &'static str,
    /// `authorization_details`.
    pub(crate) details: Value,
    /// Which API.
    pub(crate) api: Api,
    /// The consent's identifier.
    pub(crate) consent_id: String,
}

/// Pays.
pub(crate) async fn pay(tpp: &Tpp, order: &PayOrder) -> Result<Report, Stop> {
    let asked = ask(tpp, order)?;
    let consent = (asked.api, asked.consent_id.as_str());
    let granted = tpp.authorize(asked.scope, &asked.details, consent, &order.customer).await?;
    complete(tpp, order, &asked.consent_id, &granted).await
}

/// What a payment needs the customer to allow.
pub(crate) fn ask(tpp: &Tpp, order: &PayOrder) -> Result<Asked, Stop> {
    let plan = planned(tpp, order)?;
    tpp.metadata.check_details_type(DETAILS_TYPE)?;
    let consent_id = tpp.random.uuid()?.to_string();
    let (mut details, subscription_name) = match order.via {
        Api::UaeV1_2 => (v1_2::details(tpp, order, &consent_id, &plan)?, "subscription"),
        Api::Uae | Api::Ofxpera => (details(order, &consent_id, &plan), "Subscription"),
    };
    if order.events {
        let Some(events) = &tpp.config.client.events else {
            let why = "--events: this client has no webhook_uri in tpp.toml";
            return Err(Stop::Declined(why.to_owned()));
        };
        let subscription = json!({"Webhook": {"Url": events.uri, "IsActive": true}});
        details.as_object_mut().map(|element| element.insert(subscription_name.to_owned(), subscription));
    }
    Ok(Asked { scope: "openid payments", details, api: order.via, consent_id })
}

/// The plan of an order, in the bounds of its vocabulary.
fn planned(tpp: &Tpp, order: &PayOrder) -> Result<Plan, Stop> {
    let now = tpp.clock.now();
    let plan = plan(&order.terms, &order.amount, now)?;
    match order.via {
        Api::UaeV1_2 => Ok(v1_2::within(plan, now)),
        Api::Uae | Api::Ofxpera if order.terms.kind == Kind::VariableDefinedUpTo => {
            let why = "--type variable-defined-up-to: only version 1.2 has it, add --via uae-v1.2";
            Err(Stop::Declined(why.to_owned()))
        }
        Api::Uae | Api::Ofxpera => Ok(plan),
    }
}

/// From the customer's approval to payments that have settled, of all that is due today.
pub(crate) async fn complete(
    tpp: &Tpp,
    order: &PayOrder,
    consent_id: &str,
    granted: &Granted,
) -> Result<Report, Stop> {
    if let Some(scope) = &granted.scope {
        tpp.narrator.say(&format!("granted: {scope}"));
    }
    let plan = planned(tpp, order)?;
    let mut made = Vec::new();
    for part in &plan.today {
        let ordered = send(tpp, order, (consent_id, *part), &granted.token).await?;
        made.push(match part {
            UaePaymentType::SingleFutureDated => ordered,
            UaePaymentType::SingleInstant
            | UaePaymentType::FixedRecurring
            | UaePaymentType::FixedOnDemand
            | UaePaymentType::VariableRecurring
            | UaePaymentType::VariableOnDemand
            | UaePaymentType::VariableDefined => {
                made_or_not(settle(tpp, order.via, ordered, &granted.token).await?)?
            }
        });
    }
    if plan.today == [UaePaymentType::SingleInstant] {
        // The consent was for this one payment: its refresh token has ended with it.
        State::read(&tpp.config.dir)?.end(consent_id)?;
    }
    Ok(report(order, consent_id, &made, &plan))
}

/// A payment that the bank has turned down, or not made in time, is not a payment.
fn made_or_not(settled: Payment) -> Result<Payment, Stop> {
    match settled.payment_status.as_str() {
        "AcceptedSettlementCompleted" | "AcceptedWithoutPosting" | "AcceptedCreditSettlementCompleted" => {
            Ok(settled)
        }
        other => {
            let detail = settled.payment_status_detail.as_ref();
            let reason = detail.map(|detail| quoted(&detail.to_string())).unwrap_or_default();
            Err(Stop::Declined(format!("payment {} is {} {reason}", settled.payment_id, quoted(other))))
        }
    }
}

/// The first payment, and below it the others, each on a line of its own.
fn report(order: &PayOrder, consent_id: &str, made: &[Payment], plan: &Plan) -> Report {
    let told = |payment: &Payment| {
        json!({
            "outcome": "done",
            "payment_id": payment.payment_id,
            "consent_id": consent_id,
            "status": payment.payment_status,
            "transaction_id": payment.payment_transaction_id,
            "amount": payment.instruction.amount.amount,
            "currency": payment.instruction.amount.currency,
        })
    };
    let mut lines = Vec::new();
    for payment in made {
        let Amount { amount, currency } = &payment.instruction.amount;
        let verb = if payment.payment_status == "Pending" { "ordered" } else { "paid" };
        lines.push(format!("{verb}: {amount} {currency} to {}", order.creditor_name));
        lines.push(format!("payment {} is {}", payment.payment_id, payment.payment_status));
    }
    if !plan.later.is_empty() {
        lines.push(plan.later.clone());
    }
    let mut value = made.first().map_or_else(|| json!({"outcome": "done", "consent_id": consent_id}), told);
    if let (Some(members), false) = (value.as_object_mut(), plan.later.is_empty()) {
        members.insert("later".to_owned(), plan.later.as_str().into());
    }
    if let (Some(members), [_, others @ ..]) = (value.as_object_mut(), made)
        && !others.is_empty()
    {
        members.insert("further_payments".to_owned(), others.iter().map(told).collect());
    }
    Report { value, lines }
}

/// What the customer is asked to allow: dialect A, `Type` and `Data`, with a consent id that we choose.
fn details(order: &PayOrder, consent_id: &str, plan: &Plan) -> Value {
    json!({
        "Type": "PaymentConsent",
        "Data": {
            "ConsentId": consent_id,
            "AuthorizationExpirationTimeWindow": "01:00:00",
            "ExpirationDateTime": plan.until,
            "ControlParameters": {"IsPayByAccount": false, "ConsentSchedule": plan.schedule},
            "Initiation": {"CreditorAccount": {
                "IdentificationType": "UAEOF.IBAN",
                "Identification": order.creditor_iban,
                "Name": {"en": order.creditor_name},
            }},
            "PayerReference": order.reference,
            "BeneficiaryReference": order.reference,
            "PaymentPurposeCode": PURPOSE,
        },
    })
}

/// The API's text form of money: digits, a point, two digits, and more than nothing.
pub(crate) fn check_amount(text: &str) -> Result<(), Stop> {
    let (whole, cents) = text.split_once('.').unwrap_or_default();
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_well_formed =
        (1..=16).contains(&whole.len()) && cents.len() == 2 && digits(whole) && digits(cents);
    if is_well_formed && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        return Ok(());
    }
    Err(Stop::Declined(format!("--amount {}: write it as 149.90, and more than 0.00", quoted(text))))
}

async fn send(
    tpp: &Tpp,
    order: &PayOrder,
    (consent_id, part): (&str, UaePaymentType),
    token: &Token,
) -> Result<Payment, Stop> {
    tpp.narrator.step("Send the signed payment order", "UAE Bank Service Initiation, POST /payments");
    let message = match order.via {
        Api::UaeV1_2 => v1_2::payment(tpp, order, consent_id)?,
        Api::Uae | Api::Ofxpera => message(order, (consent_id, part)),
    };
    let url = format!("{}{}/payments", tpp.config.resource, base(order.via));
    let reply = tpp.order(token, || tpp.signed(Method::POST, &url, &message)).await?;
    let payment = read("payment order", tpp.open("payment order", &reply, StatusCode::CREATED)?)?;
    check_payment("payment order", &payment, consent_id, &order.amount)?;
    tpp.narrator.say(&format!(
        "answer signed by the bank; payment {} is {}",
        payment.payment_id, payment.payment_status
    ));
    Ok(payment)
}

/// The order of one payment, in the words of the early drafts.
fn message(order: &PayOrder, (consent_id, part): (&str, UaePaymentType)) -> Value {
    let amount = json!({"Amount": order.amount, "Currency": CURRENCY});
    json!({"Data": {
        "ConsentId": consent_id,
        "Type": part,
        "Instruction": {"Amount": amount, "BeneficiaryReference": order.reference},
        "PaymentPurposeCode": PURPOSE,
        "PayerReference": order.reference,
    }})
}

/// Base path of the payment API.
const fn base(api: Api) -> &'static str {
    match api {
        Api::Uae | Api::Ofxpera => "/open-finance/payment/v1",
        Api::UaeV1_2 => "/open-finance/payment/v1.2",
    }
}

/// Asks until the payment is settled or rejected, or patience ends; then the last answer stands.
async fn settle(tpp: &Tpp, api: Api, ordered: Payment, token: &Token) -> Result<Payment, Stop> {
    tpp.narrator.step("Ask until it is settled", "UAE Bank Service Initiation, GET /payments/{PaymentId}");
    let place = "payment status";
    let id = path_safe(place, &ordered.payment_id)?.to_owned();
    let url = format!("{}{}/payments/{id}", tpp.config.resource, base(api));
    let mut latest = ordered;
    for _ in 0..POLLS_MAX {
        if ["AcceptedCreditSettlementCompleted", "Rejected"].contains(&latest.payment_status.as_str()) {
            break;
        }
        tokio::time::sleep(POLL_PAUSE).await;
        let ask = Ask::get(&url, tpp.channel()).with(http::header::ACCEPT, "application/jwt");
        let reply = tpp.call(token, ask, Echo::Demanded).await?;
        let payment = read(place, tpp.open(place, &reply, StatusCode::OK)?)?;
        check_payment(place, &payment, &latest.consent_id, &latest.instruction.amount.amount)?;
        if payment.payment_id != id {
            return Err(
                Refusal::new("CL-20", place, format!("payment {id}"), quoted(&payment.payment_id)).into()
            );
        }
        tpp.narrator.say(&format!("payment {id} is {}", payment.payment_status));
        latest = payment;
    }
    Ok(latest)
}

fn read(place: &'static str, message: Value) -> Result<Payment, Stop> {
    let message: Message = oauth_core::json::from_tree(message)
        .map_err(|fault| Refusal::new("CL-20", place, "a payment", fault.to_string()))?;
    Ok(message.data)
}

/// CL-20: the answer is about the payment that was ordered.
fn check_payment(
    place: &'static str,
    payment: &Payment,
    consent_id: &str,
    amount: &str,
) -> Result<(), Refusal> {
    if payment.consent_id != consent_id {
        let expected = format!("ConsentId {consent_id}");
        return Err(Refusal::new("CL-20", place, expected, quoted(&payment.consent_id)));
    }
    let sent = &payment.instruction.amount;
    if sent.amount != amount || sent.currency != CURRENCY {
        let found = quoted(&format!("{} {}", sent.amount, sent.currency));
        return Err(Refusal::new("CL-20", place, format!("{amount} {CURRENCY}"), found));
    }
    Ok(())
}

/// An id from outside that goes into a URL must not change where the URL leads.
pub(crate) fn path_safe<'a>(place: &'static str, id: &'a str) -> Result<&'a str, Refusal> {
    let is_safe = (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if is_safe {
        Ok(id)
    } else {
        Err(Refusal::new("CL-20", place, "an id of letters, digits, - and _", quoted(id)))
    }
}

/// The consent as the bank sees it.
pub(crate) async fn show_consent(tpp: &Tpp, (api, id): (Api, &str)) -> Result<Value, Stop> {
    let token = tpp.client_token("payments").await?;
    tpp.narrator.step("Read the consent", "UAE Bank Service Initiation, GET /payment-consents/{ConsentId}");
    let ask =
        Ask::get(consent_url(tpp, (api, id))?, tpp.channel()).with(http::header::ACCEPT, "application/jwt");
    let reply = tpp.call(&token, ask, Echo::Demanded).await?;
    tpp.open("consent", &reply, StatusCode::OK)
}

/// Ends the consent on the customer's wish.
pub(crate) async fn revoke_consent(tpp: &Tpp, (api, id): (Api, &str)) -> Result<(), Stop> {
    let token = tpp.client_token("payments").await?;
    tpp.narrator
        .step("Revoke the consent", "UAE Bank Service Initiation, PATCH /payment-consents/{ConsentId}");
    let message = json!({"Data": {"Status": "Revoked", "RevokedBy": "TPP.InitiatedByUser"}});
    let ask = tpp.signed(Method::PATCH, &consent_url(tpp, (api, id))?, &message)?;
    let reply = tpp.call(&token, ask, Echo::Demanded).await?;
    match reply.status {
        StatusCode::NO_CONTENT => Ok(()),
        _ => tpp.open("revocation", &reply, StatusCode::OK).map(drop),
    }
}

pub(super) fn consent_url(tpp: &Tpp, (api, id): (Api, &str)) -> Result<String, Refusal> {
    let id = path_safe("consent id", id)?;
    Ok(format!("{}{}/payment-consents/{id}", tpp.config.resource, base(api)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_two_decimals_and_are_more_than_nothing() {
        for good in ["149.90", "0.01", "1234567890123456.00"] {
            assert!(check_amount(good).is_ok(), "{good}");
        }
        for bad in [
            "149",
            "149.9",
            "149.900",
            "-1.00",
            "+1.00",
            "0.00",
            "1,00",
            ".10",
            "١.00",
            "12345678901234567.00",
            "",
        ] {
            assert!(check_amount(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_answer_about_another_payment_stops_the_run() {
        let message = json!({"Data": {"PaymentId": "p", "ConsentId": "c", "PaymentStatus": "Pending",
            "Instruction": {"Amount": {"Amount": "149.90", "Currency": "AED"}}}, "Links": {}, "Meta": {}});
        let payment = read("here", message).unwrap();
        assert!(check_payment("here", &payment, "c", "149.90").is_ok());
        assert_eq!(check_payment("here", &payment, "d", "149.90").unwrap_err().check, "CL-20");
        assert_eq!(check_payment("here", &payment, "c", "149.91").unwrap_err().check, "CL-20");
    }

    #[test]
    fn an_id_that_would_change_the_url_is_refused() {
        for bad in ["", "../x", "a/b", "a?b", "a#b", "a%2fb", "a b"] {
            assert!(path_safe("here", bad).is_err(), "{bad}");
        }
        assert!(path_safe("here", "6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33").is_ok());
    }
}
