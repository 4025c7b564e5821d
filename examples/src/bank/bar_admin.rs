//! The operator's calls about who may act: disable a client, lock a customer, and back.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use oauth_core::{Cause, ClientDirectory, ClientId, Fault, Issuer, Subject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::json_answer;
use super::barred::{Barred, Row, Who};
use super::customers::Customers;
use super::key_admin::{order, said, text};

/// Whom the operator can bar, and the table that says who is.
#[derive(Clone)]
pub struct Doors {
    /// Who is barred.
    pub barred: Arc<Barred>,
    /// The clients of every issuer.
    pub clients: Arc<[(Issuer, Arc<dyn ClientDirectory>)]>,
    /// The customers.
    pub customers: Arc<Customers>,
}

/// Who asks, and why. Both stay with the row and go to the log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    actor: String,
    reason: String,
    /// For a client, at which issuer; otherwise at the first.
    #[serde(default)]
    issuer: Option<Issuer>,
}

/// What becomes of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Bar,
    Lift,
}

impl Doors {
    /// Whether a path is one of these calls.
    pub(super) fn serves(path: &str) -> bool {
        path == "/barred" || path.starts_with("/clients/") || path.starts_with("/customers/")
    }

    /// Answers a request below `/barred`, `/clients` or `/customers`.
    pub(super) async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = request.uri().path().to_owned();
        if request.method() == Method::GET && path == "/barred" {
            return match self.barred.list().await {
                Ok(rows) => json_answer(
                    StatusCode::OK,
                    &json!({ "barred": rows.iter().map(row).collect::<Vec<_>>() }),
                ),
                Err(fault) => failed(&fault),
            };
        }
        if request.method() != Method::POST {
            return refuse(StatusCode::NOT_FOUND, "not_found", "there is no such call");
        }
        let words = "an object with actor and reason and, for a client, issuer";
        let asked: Asked = match order(request, words).await {
            Ok(asked) => asked,
            Err(answer) => return answer,
        };
        if !said(&asked.actor) || !said(&asked.reason) {
            let text = "actor and reason are up to 200 printable ASCII characters each, and not empty";
            return refuse(StatusCode::BAD_REQUEST, "invalid_request", text);
        }
        self.change(&path, asked).await.unwrap_or_else(|fault| failed(&fault))
    }

    async fn change(&self, path: &str, asked: Asked) -> Result<Response<Full<Bytes>>, Fault> {
        let Some((who, verb)) = self.meant(path, asked.issuer.as_ref()).await? else {
            return Ok(refuse(StatusCode::NOT_FOUND, "not_found", "nobody of that name, or no such call"));
        };
        let cause = Cause { actor: asked.actor, reason: asked.reason };
        match verb {
            Verb::Bar => self.barred.bar(&who, &cause).await?,
            Verb::Lift => self.barred.lift(&who).await?,
        }
        let barred = verb == Verb::Bar;
        let (actor, reason) = (cause.actor.as_str(), cause.reason.as_str());
        tracing::info!(target: "operator", ?who, barred, actor, reason, "who may act was changed");
        Ok(json_answer(StatusCode::OK, &json!({ "barred": barred })))
    }

    /// `/clients/{id}/disable`, `…/enable`, `/customers/{sub}/lock`, `…/unlock`.
    async fn meant(&self, path: &str, issuer: Option<&Issuer>) -> Result<Option<(Who, Verb)>, Fault> {
        let words: Vec<&str> = path.split('/').skip(1).collect();
        Ok(match words.as_slice() {
            ["clients", id, verb @ ("disable" | "enable")] => {
                let verb = if *verb == "disable" { Verb::Bar } else { Verb::Lift };
                let asked = |own: &Issuer| issuer.is_none_or(|issuer| issuer == own);
                let place = self.clients.iter().find(|(own, _)| asked(own));
                let (Some((issuer, known)), Ok(client_id)) = (place, ClientId::new(id)) else {
                    return Ok(None);
                };
                let known = known.client(&client_id).await?;
                known.map(|_| (Who::Client { issuer: issuer.clone(), client_id }, verb))
            }
            ["customers", subject, verb @ ("lock" | "unlock")] => {
                let verb = if *verb == "lock" { Verb::Bar } else { Verb::Lift };
                let Ok(subject) = Subject::new(subject) else { return Ok(None) };
                self.customers.by_subject(&subject).map(|_| (Who::Customer { subject }, verb))
            }
            _ => None,
        })
    }
}

impl std::fmt::Debug for Doors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Doors(…)")
    }
}

fn row((who, row): &(Who, Row)) -> Value {
    let mut told = serde_json::to_value(who).unwrap_or_default();
    if let Value::Object(members) = &mut told {
        members.insert("since".to_owned(), text(row.since).into());
        members.insert("actor".to_owned(), row.cause.actor.as_str().into());
        members.insert("reason".to_owned(), row.cause.reason.as_str().into());
    }
    told
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Response<Full<Bytes>> {
    json_answer(status, &json!({ "error": error, "error_description": description }))
}

fn failed(fault: &Fault) -> Response<Full<Bytes>> {
    tracing::error!(%fault, "a change of who may act failed");
    refuse(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "nothing is known to have changed; list who is barred",
    )
}
