//! What operators see and do about consents, at their own listener: find, look at, hold, let go, end. Every change names who
//! asked for it and why, and is a row of the audit trail.
//!
//! The listener is a loopback address and asks nobody who they are, so two things keep strangers' pages in an operator's
//! browser out: calls take JSON only, which no form can send, and the pages answer to this machine's own names and take forms
//! with a token that only they know.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use oauth_core::json::read_strict;
use oauth_core::store::database::Database;
use oauth_core::{ClientId, ConsentId, Entropy, Fault, Subject};
use rar_consent::audit::{Trail, TrailRow, digest};
use rar_consent::{
    Actor, Consent, ConsentEngine, ConsentQuery, ConsentStatus, HistoryEntry, Moved, Revoked, SqlConsents,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

use super::admin::{AdminService, json_answer};
use super::key_admin::text;
use super::payment_record::PaymentRecords;
use super::ui::operator_pages::{self, Found};
use super::ui::web::{Posted, is_our_own};
use crate::pages::{Pages, PagesFault};

/// Bytes of a request body.
const BODY_BYTES: usize = 4096;
/// Bytes of an actor or a reason.
const WORDS_BYTES: usize = 200;
/// Where the pages are.
pub(super) const PAGES: &str = "/operator/consents";

/// What the operators' consents stand on.
#[derive(Clone)]
pub struct Operators {
    store: SqlConsents,
    trail: Trail,
    payments: PaymentRecords,
    pages: Arc<Pages>,
    /// What a form of ours carries.
    token: Arc<str>,
}

/// Who asks, and why. Both go to the audit trail.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    actor: String,
    reason: String,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Suspend,
    Resume,
    Revoke,
}

/// How an action ended.
enum Done {
    Now,
    Before,
    /// The other side suspended it.
    OtherSide,
    Illegal(ConsentStatus),
    Unknown,
}

impl Operators {
    /// Over the database of the bank. Fails with the random source.
    pub(super) fn new(
        (database, payments): (&Database, PaymentRecords),
        pages: &Arc<Pages>,
        entropy: &dyn Entropy,
    ) -> Result<Self, Fault> {
        Ok(Self {
            store: SqlConsents::new(database.clone()),
            trail: Trail::new(database.clone()),
            payments,
            pages: Arc::clone(pages),
            token: digest(&*entropy.draw()?).to_string().into(),
        })
    }

    /// Answers a request below `/consents` or `/operator/consents`.
    pub(super) async fn answer<B>(&self, bank: &AdminService, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = request.uri().path().to_owned();
        let done = match path.strip_prefix(PAGES) {
            Some(rest) => Box::pin(self.page(bank, rest, request)).await,
            None => {
                Box::pin(self.call(bank, path.strip_prefix("/consents").unwrap_or_default(), request)).await
            }
        };
        done.unwrap_or_else(|fault| {
            tracing::error!(%fault, "an operator's call about consents failed");
            json_answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": "unavailable" }))
        })
    }

    async fn call<B>(
        &self,
        bank: &AdminService,
        rest: &str,
        request: Request<B>,
    ) -> Result<Response<Full<Bytes>>, Fault>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let words: Vec<&str> = rest.split('/').skip(1).collect();
        match (request.method(), words.as_slice()) {
            (&Method::GET, []) => {
                let Some(query) = query(request.uri().query().unwrap_or_default()) else {
                    return Ok(refuse(StatusCode::BAD_REQUEST, "invalid_request"));
                };
                let found = self.store.find(&query).await?;
                Ok(json_answer(
                    StatusCode::OK,
                    &json!({ "consents": found.iter().map(line).collect::<Vec<_>>() }),
                ))
            }
            (&Method::GET, [id]) => Ok(match self.found(bank, id).await? {
                Some(found) => json_answer(StatusCode::OK, &record(&found)),
                None => refuse(StatusCode::NOT_FOUND, "unknown_consent"),
            }),
            (&Method::GET, [consent, "payments", id]) => Ok(match self.payments.one(consent, id).await? {
                Some(payment) => json_answer(StatusCode::OK, &payment),
                None => refuse(StatusCode::NOT_FOUND, "unknown_payment"),
            }),
            (&Method::POST, [id, verb]) => {
                let (id, verb) = (ConsentId::new(id), Verb::parse(verb));
                let (Ok(id), Some(verb)) = (id, verb) else {
                    return Ok(refuse(StatusCode::NOT_FOUND, "not_found"));
                };
                match asked(request).await {
                    Ok(asked) => Ok(told(self.act(bank, &id, verb, asked).await?)),
                    Err(answer) => Ok(answer),
                }
            }
            _ => Ok(refuse(StatusCode::NOT_FOUND, "not_found")),
        }
    }

    async fn page<B>(
        &self,
        bank: &AdminService,
        rest: &str,
        request: Request<B>,
    ) -> Result<Response<Full<Bytes>>, Fault>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some(origin) = own_origin(request.headers()) else {
            return Ok(refuse(StatusCode::FORBIDDEN, "not_this_machine"));
        };
        let id = rest.strip_prefix('/');
        let shown = |page: Result<Response<Full<Bytes>>, PagesFault>| {
            page.map_err(|fault| Fault::new("pages", fault))
        };
        match (request.method(), id) {
            (&Method::GET, None) => {
                let wanted = request.uri().query().unwrap_or_default().to_owned();
                let found = self.store.find(&query(&wanted).unwrap_or_default()).await?;
                shown(operator_pages::list(&self.pages, &wanted, &found))
            }
            (&Method::GET, Some(id)) => match self.found(bank, id).await? {
                Some(found) => shown(operator_pages::one(&self.pages, &found, &self.token, None)),
                None => Ok(refuse(StatusCode::NOT_FOUND, "unknown_consent")),
            },
            (&Method::POST, Some(id)) => {
                let id = id.to_owned();
                let (parts, body) = request.into_parts();
                let posted = Posted::read(&parts.headers, body).await.unwrap_or_default();
                let token = posted.get("csrf").unwrap_or_default();
                if !is_our_own(&parts.headers, &origin)
                    || !bool::from(token.as_bytes().ct_eq(self.token.as_bytes()))
                {
                    return Ok(refuse(StatusCode::FORBIDDEN, "form"));
                }
                let Some(before) = self.found(bank, &id).await? else {
                    return Ok(refuse(StatusCode::NOT_FOUND, "unknown_consent"));
                };
                let words = |name| posted.get(name).unwrap_or_default().to_owned();
                let asked = Asked { actor: words("actor"), reason: words("reason") };
                let error = match Verb::parse(&words("verb")) {
                    Some(verb) if asked.is_sound() => {
                        self.act(bank, &before.consent.id, verb, asked).await?.words()
                    }
                    Some(_) | None => {
                        Some("Name and reason are up to 200 printable ASCII characters each, and not empty.")
                    }
                };
                let after = self.found(bank, &id).await?.unwrap_or(before);
                shown(operator_pages::one(&self.pages, &after, &self.token, error))
            }
            _ => Ok(refuse(StatusCode::METHOD_NOT_ALLOWED, "method")),
        }
    }

    async fn found(&self, bank: &AdminService, id: &str) -> Result<Option<Found>, Fault> {
        let Ok(id) = ConsentId::new(id) else { return Ok(None) };
        let Some(consent) = bank.consents.consent(&id, bank.clock.now()).await? else { return Ok(None) };
        let history = bank.consents.history(&id).await?;
        let trail = self.trail.of_consent(&id).await?;
        Ok(Some(Found { consent, history, trail }))
    }

    async fn act(
        &self,
        bank: &AdminService,
        id: &ConsentId,
        verb: Verb,
        asked: Asked,
    ) -> Result<Done, Fault> {
        let (engine, now): (&ConsentEngine, _) = (&bank.consents, bank.clock.now());
        let (actor, reason) = (Actor::Operator(asked.actor), asked.reason);
        Ok(match verb {
            Verb::Revoke => match engine.revoke(id, &actor, &reason, now).await? {
                Revoked::Now => Done::Now,
                Revoked::Before => Done::Before,
                Revoked::Illegal(status) => Done::Illegal(status),
                Revoked::Unknown => Done::Unknown,
            },
            Verb::Suspend => engine.suspend(id, &actor, &reason, now).await?.into(),
            Verb::Resume => engine.resume(id, &actor, &reason, now).await?.into(),
        })
    }
}

impl std::fmt::Debug for Operators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Operators(…)")
    }
}

impl From<Moved> for Done {
    fn from(moved: Moved) -> Self {
        match moved {
            Moved::Now => Self::Now,
            Moved::Before => Self::Before,
            Moved::OtherSide => Self::OtherSide,
            Moved::Illegal(status) => Self::Illegal(status),
            Moved::Unknown => Self::Unknown,
        }
    }
}

impl Done {
    /// Why nothing happened, for a page.
    const fn words(&self) -> Option<&'static str> {
        match self {
            Self::Now | Self::Before => None,
            Self::OtherSide => {
                Some("The third party holds this consent, so only the third party can let it go.")
            }
            Self::Illegal(_) => Some("The status of this consent does not allow that."),
            Self::Unknown => Some("There is no such consent any more."),
        }
    }
}

impl Verb {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "suspend" => Some(Self::Suspend),
            "resume" => Some(Self::Resume),
            "revoke" => Some(Self::Revoke),
            _ => None,
        }
    }
}

impl Asked {
    fn is_sound(&self) -> bool {
        let said = |words: &str| {
            (1..=WORDS_BYTES).contains(&words.len()) && words.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
        };
        said(&self.actor) && said(&self.reason)
    }
}

async fn asked<B>(request: Request<B>) -> Result<Asked, Response<Full<Bytes>>>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let bad = || refuse(StatusCode::BAD_REQUEST, "invalid_request");
    if request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes) != Some(b"application/json") {
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request"));
    }
    let body = Box::pin(Limited::new(request.into_body(), BODY_BYTES).collect()).await;
    let asked: Asked = read_strict(&body.map_err(|_| bad())?.to_bytes()).map_err(|_| bad())?;
    if asked.is_sound() { Ok(asked) } else { Err(bad()) }
}

/// This machine by one of its own names, so that no name of a stranger's leads here.
fn own_origin(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(HOST)?.to_str().ok()?;
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]").then(|| format!("http://{host}"))
}

fn query(text: &str) -> Option<ConsentQuery> {
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(text).ok()?;
    let mut query = ConsentQuery::default();
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "client" => query.client = Some(ClientId::new(&value).ok()?),
            "customer" => query.subject = Some(Subject::new(&value).ok()?),
            "id" => query.begins = Some(value),
            "status" => {
                query.status = Some(ConsentStatus::ALL.into_iter().find(|status| status.as_str() == value)?);
            }
            _ => return None,
        }
    }
    Some(query)
}

fn line(consent: &Consent) -> Value {
    json!({
        "id": consent.id.as_str(),
        "client": consent.client.as_str(),
        "customer": consent.subject.as_ref().map(Subject::as_str),
        "status": consent.status.as_str(),
        "created_at": text(consent.created_at),
        "until": consent.until.map(text),
    })
}

/// Everything an operator may see about a consent. What it allows in full is on the text that the customer approved.
fn record(found: &Found) -> Value {
    let mut record = line(&found.consent);
    let entries = found.history.iter().map(|entry| entry_of(entry, found)).collect::<Vec<_>>();
    let payments = found.trail.iter().filter(|row| row.row.kind == "payment").map(row_of).collect::<Vec<_>>();
    if let Value::Object(members) = &mut record {
        members.insert("status_at".to_owned(), text(found.consent.status_at).into());
        members.insert("used".to_owned(), found.consent.usage.count.into());
        members.insert("history".to_owned(), entries.into());
        members.insert("payments".to_owned(), payments.into());
    }
    record
}

fn entry_of(entry: &HistoryEntry, found: &Found) -> Value {
    json!({
        "at": text(entry.at),
        "from": entry.from.map(ConsentStatus::as_str),
        "to": entry.to.as_str(),
        "what": entry.what.as_str(),
        "role": entry.actor.role().as_str(),
        "actor": entry.actor.name(),
        "channel": entry.channel.map(rar_consent::Channel::as_str),
        "reason": entry.reason,
        "position": found.position(entry),
        "shown": entry.shown.as_ref().map(|shown| json!({
            "sha256": shown.sha256(), "language": shown.language, "text": shown.text,
        })),
    })
}

fn row_of(row: &TrailRow) -> Value {
    json!({
        "payment": row.row.subject,
        "at": text(row.row.at),
        "from": row.row.from,
        "to": row.row.to,
        "position": row.link.map(|link| link.position),
    })
}

fn told(done: Done) -> Response<Full<Bytes>> {
    match done {
        Done::Now => json_answer(StatusCode::OK, &json!({ "changed": true })),
        Done::Before => json_answer(StatusCode::OK, &json!({ "changed": false })),
        Done::OtherSide => json_answer(StatusCode::CONFLICT, &json!({ "error": "other_side" })),
        Done::Illegal(status) => {
            json_answer(StatusCode::CONFLICT, &json!({ "error": "consent_state", "status": status.as_str() }))
        }
        Done::Unknown => refuse(StatusCode::NOT_FOUND, "unknown_consent"),
    }
}

fn refuse(status: StatusCode, error: &str) -> Response<Full<Bytes>> {
    json_answer(status, &json!({ "error": error }))
}
