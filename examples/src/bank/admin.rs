//! The listener for operators: health, counters, and the operator's own ways to end a consent or a
//! signing key, to disable a client and to lock a customer. Loopback only.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use oauth_core::store::database::Database;
use oauth_core::{Clock, ConsentId};
use rar_consent::{Actor, ConsentEngine, Revoked};
use serde_json::{Value, json};
use tower_service::Service;

use super::bar_admin::Doors;
use super::controls::Controls;
use super::interfaces::Interfaces;
use super::key_admin;
use super::operator::Operators;
use super::signing_keys::SigningKeys;

/// Bytes of a request to the test controls.
const BODY_BYTES: usize = 256 * 1024;

/// What an operator may see and do.
#[derive(Clone)]
pub struct AdminService {
    /// The database behind everything.
    pub database: Database,
    /// Consents.
    pub consents: Arc<ConsentEngine>,
    /// The signing keys of every issuer.
    pub keys: Arc<[SigningKeys]>,
    /// Who may act.
    pub doors: Doors,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What operators see of consents.
    pub operators: Operators,
    /// The test controls of a deployment that asked for them.
    pub controls: Option<Arc<Controls>>,
    /// What the interfaces look like, and who takes part.
    pub interfaces: Interfaces,
}

impl AdminService {
    async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = request.uri().path().to_owned();
        if Doors::serves(&path) {
            return self.doors.answer(request).await;
        }
        if path == "/keys" || path.starts_with("/keys/") {
            return key_admin::answer(&self.keys, request).await;
        }
        if let Some(answer) = self.interfaces.answer(request.method(), &path).await {
            return answer;
        }
        let of_consents =
            path == "/consents" || path.starts_with("/consents/") || path.starts_with("/operator/");
        if of_consents && request.method() != Method::DELETE {
            return self.operators.answer(self, request).await;
        }
        if path.starts_with("/assets/") {
            return super::ui::web::style();
        }
        match (request.method(), path.as_str()) {
            (&Method::GET, "/health") => json_answer(StatusCode::OK, &json!({ "status": "up" })),
            (&Method::GET, "/metrics") => self.metrics(),
            (&Method::POST, path) if path.starts_with("/test/") => {
                self.control(path, request.into_body()).await
            }
            (&Method::DELETE, path) => match path.strip_prefix("/consents/") {
                Some(id) => self.revoke(id).await,
                None => json_answer(StatusCode::NOT_FOUND, &json!({ "error": "not_found" })),
            },
            _ => json_answer(StatusCode::NOT_FOUND, &json!({ "error": "not_found" })),
        }
    }

    /// The test controls, where there are any.
    async fn control<B>(&self, path: &str, body: B) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some(controls) = &self.controls else {
            return json_answer(StatusCode::NOT_FOUND, &json!({ "error": "not_found" }));
        };
        let order = path.strip_prefix("/test/").unwrap_or_default();
        let read = Limited::new(body, BODY_BYTES).collect().await.ok();
        match read.map(http_body_util::Collected::to_bytes) {
            Some(body) => controls.answer(order, &body).await,
            None => json_answer(StatusCode::BAD_REQUEST, &json!({ "error": "unreadable" })),
        }
    }

    /// Prometheus text format, a fixed set of series.
    fn metrics(&self) -> Response<Full<Bytes>> {
        let text = format!(
            "# HELP bank_store_statements_total Statements sent to the database.\n\
             # TYPE bank_store_statements_total counter\nbank_store_statements_total {}\n\
             # HELP bank_store_commits_total Durable commits.\n\
             # TYPE bank_store_commits_total counter\nbank_store_commits_total {}\n",
            self.database.statements(),
            self.database.commits()
        );
        with_type(StatusCode::OK, text.into_bytes(), "text/plain; version=0.0.4")
    }

    /// Ends a consent by decision of the bank.
    async fn revoke(&self, id: &str) -> Response<Full<Bytes>> {
        let unknown = || json_answer(StatusCode::NOT_FOUND, &json!({ "error": "unknown_consent" }));
        let Ok(id) = ConsentId::new(id) else { return unknown() };
        let actor = Actor::Operator("admin".to_owned());
        match self.consents.revoke(&id, &actor, "ended by the bank", self.clock.now()).await {
            Ok(Revoked::Now | Revoked::Before) => {
                json_answer(StatusCode::OK, &json!({ "status": "revoked" }))
            }
            Ok(Revoked::Illegal(status)) => json_answer(
                StatusCode::CONFLICT,
                &json!({ "error": "consent_state", "status": format!("{status:?}") }),
            ),
            Ok(Revoked::Unknown) => unknown(),
            Err(fault) => {
                tracing::error!(%fault, "revocation by the operator failed");
                json_answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": "unavailable" }))
            }
        }
    }
}

impl std::fmt::Debug for AdminService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminService(…)")
    }
}

impl<B> Service<Request<B>> for AdminService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

pub(super) fn json_answer(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    with_type(status, body.to_string().into_bytes(), "application/json")
}

fn with_type(status: StatusCode, body: Vec<u8>, media: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(media));
    answer.headers_mut().insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    answer
}
