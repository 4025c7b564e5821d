//! A contribution to a retirement account (OFxPERA section on payments), paid from an account at the bank.

use std::time::Duration;

use http::{Method, StatusCode};
use oauth_core::Seconds;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Tpp;
use super::accounts::{self, DETAILS_TYPE, Wanted};
use super::call::Token;
use super::command::PayOrder;
use super::error::{Refusal, Stop, quoted};
use super::http::Ask;
use super::narrate::Report;
use super::payment::{check_amount, path_safe};
use super::state::Api;

const PERMISSIONS: [&str; 3] = ["SOURCE_ACCOUNT_READ", "PERA_BASIC_INFO", "PAYMENT_INITIATE"];
const CURRENCY: &str = "PHP";
const POLLS_MAX: usize = 20;
const POLL_PAUSE: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct Source {
    #[serde(rename = "accountId")]
    account_id: String,
    linkable: bool,
}

#[derive(Deserialize)]
struct Pera {
    id: String,
    status: String,
}

#[derive(Deserialize)]
struct Payment {
    #[serde(rename = "paymentId")]
    payment_id: String,
    #[serde(rename = "consentId")]
    consent_id: String,
    status: String,
    amount: Amount,
}

#[derive(Deserialize)]
struct Amount {
    amount: String,
    currency: String,
}

/// Pays a contribution from the first source account to the first open retirement account.
pub(crate) async fn pay(tpp: &Tpp, order: &PayOrder) -> Result<Report, Stop> {
    check_amount(&order.amount)?;
    tpp.metadata.check_details_type(DETAILS_TYPE)?;
    let wanted = Wanted { permissions: &PERMISSIONS, purpose: "pay a contribution", lasts: Seconds::days(1) };
    let consent_id = accounts::lodge(tpp, &wanted).await?;
    let details = json!({"type": DETAILS_TYPE, "consentId": consent_id});
    let scope = "openid bank_account accounts.basic payments";
    let granted = tpp.authorize(scope, &details, (Api::Ofxpera, &consent_id), &order.customer).await?;
    let ordered = Ordered { amount: order.amount.clone(), reference: order.reference.clone() };
    self::order(tpp, &granted.token, &consent_id, &ordered).await
}

/// A contribution under a consent that stands.
pub(crate) struct Ordered {
    /// How much.
    pub(crate) amount: String,
    /// What for.
    pub(crate) reference: String,
}

/// Orders a contribution and follows it.
pub(crate) async fn order(
    tpp: &Tpp,
    token: &Token,
    consent_id: &str,
    order: &Ordered,
) -> Result<Report, Stop> {
    tpp.narrator
        .step("Find the accounts to pay from and to", "OFxPERA, GET /banking/account, /banking/accounts");
    let sources = accounts::get(tpp, token, "/banking/account", "source accounts").await?;
    let sources: Vec<Source> = accounts::typed("source accounts", sources)?;
    let peras = accounts::get(tpp, token, "/banking/accounts", "accounts").await?;
    let peras: Vec<Pera> = accounts::typed("accounts", peras)?;
    let source = sources.iter().find(|source| source.linkable);
    let pera = peras.iter().find(|pera| pera.status == "ACTIVE");
    let (Some(source), Some(pera)) = (source, pera) else {
        return Err(Stop::Declined("the customer shared no usable pair of accounts".to_owned()));
    };

    tpp.narrator.step("Order the contribution", "OFxPERA, POST /banking/payments");
    let body = json!({"data": {
        "sourceAccountId": source.account_id,
        "peraAccountId": pera.id,
        "amount": {"amount": order.amount, "currency": CURRENCY},
        "rail": "INTERNAL",
        "reference": order.reference,
    }});
    let url = accounts::url(tpp, "/banking/payments");
    let ask = accounts::headers(tpp, Ask::body(Method::POST, url, ("application/json", body.to_string())));
    let reply = tpp.order(token, || Ok(ask.clone())).await?;
    let mut payment = read(accounts::data(&reply, "contribution", StatusCode::CREATED)?)?;
    check(&payment, consent_id, &order.amount)?;
    let path = format!("/banking/payments/{}", path_safe("contribution", &payment.payment_id)?);
    for _ in 0..POLLS_MAX {
        if ["COMPLETED", "REJECTED", "CANCELLED"].contains(&payment.status.as_str()) {
            break;
        }
        tokio::time::sleep(POLL_PAUSE).await;
        payment = read(accounts::get(tpp, token, &path, "contribution").await?)?;
        check(&payment, consent_id, &order.amount)?;
        tpp.narrator.say(&format!("contribution {} is {}", payment.payment_id, payment.status));
    }
    report(&payment, consent_id)
}

fn report(payment: &Payment, consent_id: &str) -> Result<Report, Stop> {
    let (id, status, amount) = (&payment.payment_id, &payment.status, &payment.amount);
    if status != "COMPLETED" {
        return Err(Stop::Declined(format!("contribution {id} is {}", quoted(status))));
    }
    Ok(Report {
        lines: vec![format!("contributed {} {}: payment {id} is {status}", amount.amount, amount.currency)],
        value: json!({
            "outcome": "done",
            "payment_id": id,
            "consent_id": consent_id,
            "status": status,
            "amount": amount.amount,
            "currency": amount.currency,
        }),
    })
}

fn read(value: Value) -> Result<Payment, Stop> {
    accounts::typed("contribution", value)
}

/// CL-20: the answer is about the payment that was ordered.
fn check(payment: &Payment, consent_id: &str, amount: &str) -> Result<(), Refusal> {
    let expected = format!("{amount} {CURRENCY} under consent {consent_id}");
    let found = format!("{} {} under {}", payment.amount.amount, payment.amount.currency, payment.consent_id);
    if payment.consent_id == consent_id
        && payment.amount.amount == amount
        && payment.amount.currency == CURRENCY
    {
        return Ok(());
    }
    Err(Refusal::new("CL-20", "contribution", expected, quoted(&found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(status: &str) -> Payment {
        let value = json!({"paymentId": "p", "consentId": "c", "status": status,
            "amount": {"amount": "10.00", "currency": "PHP"}, "rail": "INTERNAL"});
        read(value).unwrap()
    }

    #[test]
    fn an_answer_about_another_payment_stops_the_run() {
        assert!(check(&payment("RECEIVED"), "c", "10.00").is_ok());
        assert!(check(&payment("RECEIVED"), "d", "10.00").is_err());
        assert!(check(&payment("RECEIVED"), "c", "10.01").is_err());
    }

    #[test]
    fn only_a_completed_contribution_is_a_success() {
        assert!(report(&payment("COMPLETED"), "c").is_ok());
        for status in ["REJECTED", "PENDING", "CANCELLED"] {
            assert!(report(&payment(status), "c").is_err(), "{status}");
        }
    }
}
