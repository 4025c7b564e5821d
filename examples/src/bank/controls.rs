//! Test controls: the clock, putting data back, and deciding for a customer. Loopback deployments that ask for them only.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use http::{Response, StatusCode};
use http_body_util::Full;
use oauth_core::store::database::{Database, Statement};
use oauth_core::{
    AuthorizeSubmitted, Clock, ConsentId, Entropy, Error, Fault, Issuer, Return, Seconds, SystemClock,
    Timestamp,
};
use rar_consent::{Actor, AuthorizerApproval, Channel, Decided, Vote};
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::json_answer;
use super::customers::Customers;
use super::deployment::{Deployment, Fixture};
use super::fixture;
use super::ui::{StandIn, Ui, UiFault, Verdict};

/// A clock that tests may set, stop and let run.
#[derive(Debug)]
pub struct TestClock {
    real: SystemClock,
    state: Mutex<Reading>,
}

/// What the clock shows, and since when it has run from there.
#[derive(Debug, Clone, Copy)]
struct Reading {
    shown: Timestamp,
    since: Timestamp,
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Running,
    Frozen,
}

impl Default for TestClock {
    fn default() -> Self {
        let now = SystemClock.now();
        Self { real: SystemClock, state: Mutex::new(Reading { shown: now, since: now, mode: Mode::Running }) }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let reading = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match reading.mode {
            Mode::Frozen => reading.shown,
            Mode::Running => reading.shown.plus_millis(self.real.now().millis() - reading.since.millis()),
        }
    }
}

impl TestClock {
    /// Stands still there.
    #[cfg(test)]
    pub(super) fn stop_at(&self, shown: Timestamp) {
        self.set(shown, Some(Mode::Frozen));
    }

    fn set(&self, shown: Timestamp, mode: Option<Mode>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = Reading { shown, since: self.real.now(), mode: mode.unwrap_or(state.mode) };
    }
}

/// What `POST /test/…` works on.
pub struct Controls {
    /// The clock of everything.
    pub clock: Arc<TestClock>,
    /// Where everything is.
    pub database: Database,
    /// Who may sign in, in memory.
    pub customers: Arc<Customers>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// What to go back to.
    pub deployment: Deployment,
    /// The pages of each issuer.
    pub pages: Vec<(Issuer, Arc<Ui>)>,
}

impl std::fmt::Debug for Controls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Controls(…)")
    }
}

/// Why a control did not do what was asked.
#[derive(Debug, thiserror::Error)]
enum ControlFault {
    #[error("{0}")]
    Asked(String),
    #[error(transparent)]
    Ui(#[from] UiFault),
    #[error(transparent)]
    Port(#[from] Fault),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockOrder {
    now: Option<String>,
    advance_s: Option<i64>,
    mode: Option<Mode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApproveOrder {
    /// The first issuer without it.
    issuer: Option<Issuer>,
    client_id: Option<String>,
    request_uri: Option<String>,
    /// A whole authorization request, instead of the two above.
    url: Option<String>,
    /// A request that a browser has opened, with that browser's cookie.
    ticket: Option<String>,
    browser: Option<String>,
    /// A consent that waits for this user's approval beside another's, instead of a request.
    consent: Option<ConsentId>,
    user: String,
    #[serde(default = "approve")]
    decision: Decision,
    #[serde(default)]
    accounts: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Approve,
    Deny,
}

const fn approve() -> Decision {
    Decision::Approve
}

impl Controls {
    /// Answers `POST /test/{order}`.
    pub(super) async fn answer(&self, order: &str, body: &[u8]) -> Response<Full<Bytes>> {
        let done = match order {
            "clock" => self.clock(body),
            "reset" => self.reset(body).await,
            "approve" => self.approve(body).await,
            _ => return json_answer(StatusCode::NOT_FOUND, &json!({ "error": "not_found" })),
        };
        match done {
            Ok(told) => json_answer(StatusCode::OK, &told),
            Err(fault) => {
                let status = match &fault {
                    ControlFault::Asked(_)
                    | ControlFault::Ui(UiFault::Form | UiFault::Protocol(Error::Refused(_))) => {
                        StatusCode::BAD_REQUEST
                    }
                    ControlFault::Ui(_) | ControlFault::Port(_) => StatusCode::SERVICE_UNAVAILABLE,
                };
                json_answer(status, &json!({ "error": "refused", "error_description": fault.to_string() }))
            }
        }
    }

    fn clock(&self, body: &[u8]) -> Result<Value, ControlFault> {
        let order: ClockOrder = read(body)?;
        let from = match &order.now {
            None => self.clock.now(),
            Some(text) => {
                let at = DateTime::parse_from_rfc3339(text)
                    .map_err(|fault| ControlFault::Asked(format!("now: {fault}")))?;
                Timestamp::from_millis(at.timestamp_millis())
            }
        };
        self.clock.set(from.plus(Seconds::new(order.advance_s.unwrap_or_default())), order.mode);
        Ok(self.told())
    }

    fn told(&self) -> Value {
        let now = DateTime::<Utc>::from_timestamp_millis(self.clock.now().millis()).unwrap_or_default();
        json!({ "now": now.to_rfc3339_opts(SecondsFormat::Millis, true) })
    }

    /// Empties every table, sets the clock to now, and brings back the demo data, or what was sent along.
    async fn reset(&self, body: &[u8]) -> Result<Value, ControlFault> {
        let text = std::str::from_utf8(body).map_err(|fault| ControlFault::Asked(fault.to_string()))?;
        let sent = Fixture::read(text).map_err(|problems| {
            ControlFault::Asked(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        })?;
        let (demo, users) = match &sent {
            Some(sent) => (sent.demo, sent.users.as_slice()),
            None => (self.deployment.demo, self.deployment.users.as_slice()),
        };
        for statement in EMPTYING {
            let emptied = self.database.write(Statement::new(statement)).await;
            emptied.map_err(|fault| Fault::new("test controls", fault))?;
        }
        self.clock.set(SystemClock.now(), Some(Mode::Running));
        let data = (demo, users, &self.deployment.bank);
        fixture::seed(&self.database, data, self.clock.now(), &*self.entropy).await?;
        self.customers.reload(&self.database).await?;
        Ok(self.told())
    }

    /// Decides a request as its pages would, and says where the browser goes.
    async fn approve(&self, body: &[u8]) -> Result<Value, ControlFault> {
        let order: ApproveOrder = read(body)?;
        let wanted = |issuer: &Issuer| order.issuer.as_ref().is_none_or(|asked| asked == issuer);
        let (_, ui) = self
            .pages
            .iter()
            .find(|(issuer, _)| wanted(issuer))
            .ok_or_else(|| ControlFault::Asked("issuer: there is no such issuer".to_owned()))?;
        if let Some(consent) = &order.consent {
            return self.vote(ui, consent, &order).await;
        }
        let (ticket, browser) = match (&order.ticket, order.query()?) {
            (Some(ticket), None) => (ticket.clone(), order.browser.clone()),
            (None, Some(query)) => arrive(ui, query, order.browser.clone()).await?,
            (Some(_), Some(_)) | (None, None) => {
                let message = "name one request: request_uri and client_id, or url, or ticket and browser";
                return Err(ControlFault::Asked(message.to_owned()));
            }
        };
        let customer = self
            .customers
            .by_username(&order.user)
            .ok_or_else(|| ControlFault::Asked("user: there is no such user".to_owned()))?;
        let verdict = match order.decision {
            Decision::Approve => Verdict::Approve(order.accounts),
            Decision::Deny => Verdict::Deny,
        };
        Ok(match ui.stand_in(StandIn { ticket, browser, customer, verdict }).await? {
            Return::Redirect(location) => json!({ "redirect_to": location }),
            Return::Post(form) => {
                let fields: serde_json::Map<String, Value> =
                    form.fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
                json!({ "post_to": form.action, "fields": fields })
            }
        })
    }
}

impl Controls {
    /// Decides in the name of one of several authorisers, as the page of that customer would.
    async fn vote(&self, ui: &Ui, id: &ConsentId, order: &ApproveOrder) -> Result<Value, ControlFault> {
        let asked = |text: &str| ControlFault::Asked(text.to_owned());
        let customer = self.customers.by_username(&order.user);
        let customer = customer.ok_or_else(|| asked("user: there is no such user"))?;
        let now = self.clock.now();
        let consent = ui.consents.consent(id, now).await?.ok_or_else(|| asked("consent: there is none"))?;
        let own = |entry: &&AuthorizerApproval| {
            entry.authorizer.subject.as_ref() == Some(&customer.subject) && entry.decided_at.is_none()
        };
        let own = consent.approvals.iter().find(own);
        let own = own.ok_or_else(|| asked("user: the consent does not wait for this user"))?;
        let read = ui.read_by(customer.clone(), (&consent, own)).await?;
        let actor = Actor::Customer(customer.subject.clone());
        let vote = Vote {
            consent: id,
            authorizer: &own.authorizer.id,
            decision: match order.decision {
                Decision::Approve => rar_consent::Decision::Approved,
                Decision::Deny => rar_consent::Decision::Rejected,
            },
            actor: &actor,
            channel: Channel::OnlineBanking,
            shown: Some(&read),
        };
        match ui.consents.decide(&vote, now).await? {
            Decided::Now(consent) => Ok(json!({ "status": consent.status.as_str() })),
            Decided::Unknown | Decided::Before | Decided::Closed(_) => {
                Err(asked("consent: it waits no longer for this user"))
            }
        }
    }
}

impl ApproveOrder {
    /// The authorization request as a browser would send it.
    fn query(&self) -> Result<Option<String>, ControlFault> {
        let wrong = |fault: &dyn std::fmt::Display| ControlFault::Asked(fault.to_string());
        match (&self.url, &self.request_uri, &self.client_id) {
            (Some(url), None, None) => {
                let url = url::Url::parse(url).map_err(|fault| wrong(&fault))?;
                Ok(Some(url.query().unwrap_or_default().to_owned()))
            }
            (None, Some(request_uri), Some(client_id)) => {
                let pairs = [("client_id", client_id), ("request_uri", request_uri)];
                Ok(Some(serde_urlencoded::to_string(pairs).map_err(|fault| wrong(&fault))?))
            }
            (None, None, None) => Ok(None),
            (_, _, _) => Err(wrong(&"request_uri goes with client_id, and url stands alone")),
        }
    }
}

/// A browser arrives at the authorization endpoint; its ticket and cookie.
async fn arrive(
    ui: &Ui,
    query: String,
    browser: Option<String>,
) -> Result<(String, Option<String>), ControlFault> {
    let correlation = ui.server.fresh_correlation()?;
    let submitted = AuthorizeSubmitted { query: query.into_bytes(), browser: browser.clone() };
    let sent = ui.server.authorize(submitted, &correlation).await.map_err(UiFault::Protocol)?;
    let (_, ticket) = sent
        .location
        .split_once("ticket=")
        .ok_or_else(|| ControlFault::Asked("the request was answered without asking anybody".to_owned()))?;
    Ok((ticket.to_owned(), sent.browser.or(browser)))
}

fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, ControlFault> {
    serde_json::from_slice(body).map_err(|fault| ControlFault::Asked(fault.to_string()))
}

/// Every table of data. Keys, clients and the record of migrations stay.
const EMPTYING: &[&str] = &[
    "DELETE FROM pushed_request",
    "DELETE FROM grant_record",
    "DELETE FROM refresh_token",
    "DELETE FROM access_token",
    "DELETE FROM revoked_token",
    "DELETE FROM claim",
    "DELETE FROM token_hash",
    "DELETE FROM consent",
    "DELETE FROM consent_history",
    "DELETE FROM event",
    "DELETE FROM session",
    "DELETE FROM barred",
    "DELETE FROM customer",
    "DELETE FROM outbox",
    "DELETE FROM idempotency",
    "DELETE FROM allowance",
    "DELETE FROM audit_event",
    "DELETE FROM booked_transaction",
    "DELETE FROM payment_note",
    "DELETE FROM payment",
    "DELETE FROM posting",
    "DELETE FROM journal_entry",
    "DELETE FROM balance",
    "DELETE FROM mandate",
    "DELETE FROM account_iban",
    "DELETE FROM account_link",
    "DELETE FROM account_seat",
    "DELETE FROM trade",
    "DELETE FROM holding",
    "DELETE FROM product",
    "DELETE FROM onboarding",
    "DELETE FROM customer_file",
    "DELETE FROM participant_origin",
    "DELETE FROM participant",
    "DELETE FROM account",
];

#[cfg(test)]
mod tests {
    use oauth_core::store::database::DatabaseUrl;

    use super::*;

    #[test]
    fn a_frozen_clock_stands_still_and_a_running_one_goes_on_from_where_it_was_set() {
        let clock = TestClock::default();
        let then = Timestamp::from_seconds(2_000_000_000);
        clock.set(then, Some(Mode::Frozen));
        assert_eq!((clock.now(), clock.now()), (then, then));
        clock.set(then, Some(Mode::Running));
        let now = clock.now();
        assert!(now >= then && now < then.plus(Seconds::new(60)));
    }

    #[tokio::test]
    async fn a_reset_empties_every_table_of_data() {
        let database = Database::open(&DatabaseUrl::sqlite_memory()).await.unwrap();
        super::super::ground::migrate(&database).await.unwrap();
        let names = Statement::new(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        );
        for row in database.read(names).await.unwrap() {
            let name = row.text(0).unwrap().to_owned();
            let emptied = EMPTYING.contains(&format!("DELETE FROM {name}").as_str());
            assert!(emptied || KEPT.contains(&name.as_str()), "{name} is neither emptied nor kept");
        }
        for statement in EMPTYING {
            database.write(Statement::new(statement)).await.unwrap();
        }
    }

    /// Tables that a reset leaves alone.
    const KEPT: &[&str] = &["schema_migration", "signing_key", "audit_row", "audit_head", "audit_checkpoint"];
}
