//! Account data and contributions (OFxPERA): a consent of the client's own making, approved by the customer.

use std::collections::BTreeSet;

use chrono::DateTime;
use http::header::HeaderName;
use http::{Method, StatusCode};
use oauth_core::{Seconds, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Tpp;
use super::call::{Echo, Token};
use super::command::AccountsOrder;
use super::error::{Refusal, Stop, quoted};
use super::http::{Ask, Reply};
use super::narrate::Report;
use super::payment::{Asked, path_safe};
use super::state::Api;
use super::token::Granted;

/// The type of the details that refer to a consent.
pub(crate) const DETAILS_TYPE: &str = "urn:ofxpera:consent:v1";
/// Base path of the API.
const BASE: &str = "/OFPH/v1";
const READING: [&str; 4] =
    ["PERA_BASIC_INFO", "PERA_BALANCE", "PERA_INVESTMENT_DETAILS", "PERA_TRANSACTIONS"];

/// What a consent is to allow.
pub(crate) struct Wanted<'a> {
    /// Permissions.
    pub(crate) permissions: &'a [&'a str],
    /// What the customer is told.
    pub(crate) purpose: &'a str,
    /// How long it lasts.
    pub(crate) lasts: Seconds,
}

#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    /// The payload.
    pub(crate) data: T,
}

#[derive(Deserialize)]
struct Consent {
    id: String,
    permissions: Vec<String>,
}

#[derive(Deserialize)]
struct Account {
    id: String,
}

/// Asks for a consent, has it approved, and reads accounts, one account, and its transactions.
pub(crate) async fn read(tpp: &Tpp, order: &AccountsOrder) -> Result<Report, Stop> {
    let asked = ask(tpp).await?;
    let consent = (Api::Ofxpera, asked.consent_id.as_str());
    let granted = tpp.authorize(asked.scope, &asked.details, consent, &order.customer).await?;
    gather(tpp, &asked.consent_id, &granted).await
}

/// A consent that waits for the customer's approval.
pub(crate) async fn ask(tpp: &Tpp) -> Result<Asked, Stop> {
    tpp.metadata.check_details_type(DETAILS_TYPE)?;
    let wanted =
        Wanted { permissions: &READING, purpose: "show my PERA in this app", lasts: Seconds::days(90) };
    let consent_id = lodge(tpp, &wanted).await?;
    let details = json!({"type": DETAILS_TYPE, "consentId": consent_id});
    Ok(Asked { scope: "openid accounts.basic accounts.details", details, api: Api::Ofxpera, consent_id })
}

/// Accounts, the first of them, and its transactions.
pub(crate) async fn gather(tpp: &Tpp, consent_id: &str, granted: &Granted) -> Result<Report, Stop> {
    let token = &granted.token;
    tpp.narrator.step("Read the accounts", "OFxPERA, GET /banking/accounts");
    let accounts = get(tpp, token, "/banking/accounts", "accounts").await?;
    let listed: Vec<Account> = typed("accounts", accounts.clone())?;
    let (mut account, mut transactions) = (Value::Null, Value::Null);
    if let Some(first) = listed.first() {
        let id = path_safe("accounts", &first.id)?;
        tpp.narrator.step("Read one account", "OFxPERA, GET /banking/accounts/{id}");
        account = get(tpp, token, &format!("/banking/accounts/{id}"), "account").await?;
        tpp.narrator.step("Read its transactions", "OFxPERA, GET /banking/account/{id}/transactions");
        transactions =
            get(tpp, token, &format!("/banking/account/{id}/transactions"), "transactions").await?;
    }
    let count = transactions.as_array().map_or(0, Vec::len);
    Ok(Report {
        lines: vec![
            format!("consent {consent_id}: {} account(s), {count} transaction(s) of the first", listed.len()),
            format!("end it with: tpp consents revoke {consent_id}"),
        ],
        value: json!({
            "outcome": "done",
            "consent_id": consent_id,
            "accounts": accounts,
            "account": account,
            "transactions": transactions,
        }),
    })
}

/// Creates a consent that waits for the customer, and returns its id.
pub(crate) async fn lodge(tpp: &Tpp, wanted: &Wanted<'_>) -> Result<String, Stop> {
    let token = tpp.client_token("consent").await?;
    tpp.narrator.step("Lodge the consent", "OFxPERA, POST /common/consent");
    let now = tpp.clock.now();
    let body = json!({"data": {
        "data_holder_id": tpp.config.data_holder,
        "permissions": wanted.permissions,
        "sharing_duration": {"start_date": rfc3339(now), "end_date": rfc3339(now.plus(wanted.lasts))},
        "purpose": wanted.purpose,
    }});
    let url = url(tpp, "/common/consent");
    let ask = headers(tpp, Ask::body(Method::POST, url, ("application/json", body.to_string())));
    let reply = tpp.call(&token, ask, Echo::Demanded).await?;
    let lodged: Envelope<Consent> = reply.json("consent", StatusCode::CREATED)?;
    check_permissions(&lodged.data.permissions, wanted.permissions)?;
    let id = path_safe("consent", &lodged.data.id)?.to_owned();
    tpp.narrator.say(&format!("consent {id} waits for the customer"));
    Ok(id)
}

/// The customer will be asked for what we asked for, in whatever order.
fn check_permissions(lodged: &[String], wanted: &[&str]) -> Result<(), Refusal> {
    let (lodged, wanted): (BTreeSet<&str>, BTreeSet<&str>) =
        (lodged.iter().map(String::as_str).collect(), wanted.iter().copied().collect());
    if lodged == wanted {
        return Ok(());
    }
    let listed = |set: &BTreeSet<&str>| set.iter().copied().collect::<Vec<_>>().join(" ");
    Err(Refusal::new("CL-20", "consent", listed(&wanted), quoted(&listed(&lodged))))
}

/// The consent as the bank sees it.
pub(crate) async fn show_consent(tpp: &Tpp, id: &str) -> Result<Value, Stop> {
    let token = tpp.client_token("consent").await?;
    tpp.narrator.step("Read the consent", "OFxPERA, GET /common/consent/{id}");
    get(tpp, &token, &format!("/common/consent/{}", path_safe("consent id", id)?), "consent").await
}

/// Ends the consent.
pub(crate) async fn revoke_consent(tpp: &Tpp, id: &str) -> Result<(), Stop> {
    let token = tpp.client_token("consent").await?;
    tpp.narrator.step("Revoke the consent", "OFxPERA, DELETE /common/consent/{id}");
    let url = url(tpp, &format!("/common/consent/{}", path_safe("consent id", id)?));
    let ask = Ask { method: Method::DELETE, ..Ask::get(url, tpp.channel()) };
    let reply = tpp.call(&token, headers(tpp, ask), Echo::Demanded).await?;
    data(&reply, "revocation", StatusCode::OK).map(drop)
}

/// The payload of a GET below the API's base path.
pub(crate) async fn get(tpp: &Tpp, token: &Token, path: &str, place: &'static str) -> Result<Value, Stop> {
    let ask = headers(tpp, Ask::get(url(tpp, path), tpp.channel()));
    let reply = tpp.call(token, ask, Echo::Demanded).await?;
    data(&reply, place, StatusCode::OK)
}

/// The URL of a path of this API.
pub(crate) fn url(tpp: &Tpp, path: &str) -> String {
    format!("{}{BASE}{path}", tpp.config.resource)
}

/// The headers that the API wants on every request.
pub(crate) fn headers(tpp: &Tpp, ask: Ask) -> Ask {
    ask.with(HeaderName::from_static("participant-id"), &tpp.config.client.participant_id)
        .with(HeaderName::from_static("x-v"), "1")
}

/// The payload of an answer with this status.
pub(crate) fn data(reply: &Reply, place: &'static str, status: StatusCode) -> Result<Value, Stop> {
    let envelope: Envelope<Value> = reply.json(place, status)?;
    Ok(envelope.data)
}

/// A payload as what it should be.
pub(crate) fn typed<T: serde::de::DeserializeOwned>(place: &'static str, value: Value) -> Result<T, Stop> {
    oauth_core::json::from_tree(value).map_err(|fault| Stop::Answer {
        place,
        status: StatusCode::OK.as_u16(),
        said: fault.to_string(),
    })
}

fn rfc3339(at: Timestamp) -> String {
    DateTime::from_timestamp(at.seconds(), 0)
        .map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_utc() {
        assert_eq!(rfc3339(Timestamp::from_seconds(1_795_248_000)), "2026-11-21T08:00:00Z");
    }

    #[test]
    fn a_consent_with_more_or_less_than_was_asked_for_stops_the_run() {
        let lodged = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(check_permissions(&lodged(&["B", "A"]), &["A", "B"]).is_ok());
        assert!(check_permissions(&lodged(&["A", "B", "C"]), &["A", "B"]).is_err());
        assert!(check_permissions(&lodged(&["A"]), &["A", "B"]).is_err());
    }

    #[test]
    fn a_payload_of_another_shape_is_named_with_its_place() {
        let stop = typed::<Vec<Account>>("accounts", json!({"id": 1})).err().unwrap();
        assert!(stop.to_string().starts_with("accounts"), "{stop}");
    }
}
