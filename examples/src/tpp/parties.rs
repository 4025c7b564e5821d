//! A UAE consent beside its terms: who has approved, what was used of it, and where its events go.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::Tpp;
use super::call::Echo;
use super::command::Wanted;
use super::error::Stop;
use super::payment::consent_url;
use super::state::Api;

/// What a third party wants to know of a consent first, one line each; nothing for consents of other interfaces.
pub(crate) fn told(consent: &Value) -> Vec<String> {
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(data) = consent.get("Data") else { return Vec::new() };
    let mut lines =
        vec![format!("status {} since {}", text(data, "Status"), text(data, "StatusUpdateDateTime"))];
    if let Some(by) = data.get("RevokedBy").and_then(Value::as_str) {
        lines.push(format!("revoked by {by}"));
    }
    if let Some(asked) = consent.pointer("/Meta/MultipleAuthorizers") {
        let each = asked.get("Authorizations").and_then(Value::as_array).cloned().unwrap_or_default();
        let approved = each.iter().filter(|one| text(one, "AuthorizationStatus") == "Approved").count();
        lines.push(format!("approved by {approved} of {}", each.len()));
        lines.extend(each.iter().map(|one| {
            let (who, role) = (text(one, "AuthorizerId"), text(one, "AuthorizerType"));
            let line = format!(
                "  {who} ({role}) {} {}",
                text(one, "AuthorizationStatus"),
                text(one, "AuthorizationDate")
            );
            line.trim_end_matches(' ').to_owned()
        }));
    }
    if let Some(used) = data.get("PaymentConsumption") {
        lines.push(consumed(used, ""));
        if used.get("CumulativeNumberOfPaymentsInCurrentPeriod").is_some() {
            lines.push(consumed(used, "InCurrentPeriod"));
        }
    }
    if let Some(hook) = consent.pointer("/Subscription/Webhook") {
        let active = hook.get("IsActive").and_then(Value::as_bool).unwrap_or_default();
        lines.push(format!("events {} to {}", if active { "on" } else { "off" }, text(hook, "Url")));
    }
    lines
}

/// One pair of counters.
fn consumed(used: &Value, period: &str) -> String {
    let number = used.get(format!("CumulativeNumberOfPayments{period}")).and_then(Value::as_u64);
    let value = used.get(format!("CumulativeValueOfPayments{period}"));
    let part = |name: &str| {
        value.and_then(|value| value.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let when = if period.is_empty() { "in all" } else { "in this period" };
    format!("payments {when}: {}, {} {}", number.unwrap_or_default(), part("Currency"), part("Amount"))
}

/// Changes where the events of a consent go (section 11.1). What is not named stays.
pub(crate) async fn subscribe(
    tpp: &Tpp,
    (api, id): (Api, &str),
    (events, url): (Wanted, Option<&str>),
) -> Result<(), Stop> {
    let token = tpp.client_token("payments").await?;
    tpp.narrator
        .step("Change the subscription", "UAE Bank Service Initiation, PATCH /payment-consents/{ConsentId}");
    let mut webhook = Map::from_iter([("IsActive".to_owned(), json!(events == Wanted::On))]);
    webhook.extend(url.map(|url| ("Url".to_owned(), json!(url))));
    let message = json!({"Subscription": {"Webhook": webhook}});
    let ask = tpp.signed(Method::PATCH, &consent_url(tpp, (api, id))?, &message)?;
    let reply = tpp.call(&token, ask, Echo::Demanded).await?;
    match reply.status {
        StatusCode::NO_CONTENT => Ok(()),
        _ => tpp.open("subscription", &reply, StatusCode::OK).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_of_a_consent_is_told_in_lines() {
        let consent = json!({
            "Data": {"Status": "AwaitingAuthorization", "StatusUpdateDateTime": "2026-11-21T08:00:00.000Z",
                "PaymentConsumption": {"CumulativeNumberOfPayments": 1,
                    "CumulativeValueOfPayments": {"Amount": "250.00", "Currency": "AED"},
                    "CumulativeNumberOfPaymentsInCurrentPeriod": 0,
                    "CumulativeValueOfPaymentsInCurrentPeriod": {"Amount": "0.00", "Currency": "AED"}}},
            "Subscription": {"Webhook": {"Url": "https://tpp.example/h", "IsActive": false}},
            "Meta": {"MultipleAuthorizers": {"TotalRequired": 2, "Authorizations": [
                {"AuthorizerId": "fin-0071", "AuthorizerType": "Financial", "AuthorizationStatus": "Approved",
                 "AuthorizationDate": "2026-11-21T08:02:11.000Z"},
                {"AuthorizerId": "mgt-0009", "AuthorizerType": "Management", "AuthorizationStatus": "Pending"}]}}});
        assert_eq!(
            told(&consent),
            [
                "status AwaitingAuthorization since 2026-11-21T08:00:00.000Z",
                "approved by 1 of 2",
                "  fin-0071 (Financial) Approved 2026-11-21T08:02:11.000Z",
                "  mgt-0009 (Management) Pending",
                "payments in all: 1, AED 250.00",
                "payments in this period: 0, AED 0.00",
                "events off to https://tpp.example/h",
            ]
        );
        assert!(told(&json!({"data": {"id": "c-1"}})).is_empty());
    }
}
