//! OFxPERA, the open-finance pilot for the Philippine retirement account (PERA): accounts, transactions, contributions and
//! consents, below `/OFPH/v1`.

mod body;
mod consents;
mod error;
mod map;
mod routes;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::{Alias, Answer, Dialect, HeaderOrder, HeaderRules, KeyForm, Participant, Route, Versions};
use crate::guard::{Arrived, AuthDate, GuardRefusal};
use crate::operation::Operations;
use error::Problem;

/// OFxPERA over a bank's ports.
#[derive(Debug, Clone)]
pub struct Ofxpera {
    operations: Operations,
    settings: OfxperaSettings,
}

/// What a deployment chooses.
#[derive(Debug, Clone)]
pub struct OfxperaSettings {
    /// What stands before every path.
    pub base: String,
    /// The organisation this server represents: `data_holder_id`.
    pub organization_id: String,
    /// Its name.
    pub organization_name: String,
    /// Its BIC (ISO 9362).
    pub bic: String,
}

impl OfxperaSettings {
    /// The usual base path, for this organisation.
    #[must_use]
    pub fn of(organization_id: &str, organization_name: &str, bic: &str) -> Self {
        Self {
            base: "/OFPH/v1".to_owned(),
            organization_id: organization_id.to_owned(),
            organization_name: organization_name.to_owned(),
            bic: bic.to_owned(),
        }
    }
}

impl Ofxpera {
    /// The dialect over a bank's operations.
    #[must_use]
    pub const fn new(operations: Operations, settings: OfxperaSettings) -> Self {
        Self { operations, settings }
    }

    /// A path of this interface, as a link.
    fn link(&self, arrived: &Arrived, path: &str) -> String {
        format!("{}{}{path}", arrived.origin, self.settings.base)
    }
}

#[async_trait]
impl Dialect for Ofxpera {
    fn routes() -> &'static [Route<Self>] {
        routes::ROUTES
    }

    fn aliases() -> &'static [Alias] {
        routes::ALIASES
    }

    fn headers() -> &'static HeaderRules {
        const RULES: HeaderRules = HeaderRules {
            auth_date: AuthDate::ImfOrRfc3339,
            participant: Participant::Required,
            version: Versions::One,
            key: KeyForm::Uuid,
            produces: &["application/json"],
            order: HeaderOrder::BeforeScope,
        };
        &RULES
    }

    fn base(&self) -> &str {
        &self.settings.base
    }

    async fn refuse(&self, refusal: &GuardRefusal, _arrived: &Arrived) -> Answer {
        failed(&Problem::of_guard(refusal))
    }
}

/// An answer in JSON. Section 3.1: the version used is told.
fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let (status, bytes) = match serde_json::to_vec(body) {
        Ok(bytes) => (status, bytes),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
    };
    let mut answer = Answer::new(Bytes::from(bytes));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert("x-v", HeaderValue::from_static("1"));
    answer
}

/// The answer for a problem.
fn failed(problem: &Problem) -> Answer {
    let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = json(status, &body::Errors::of(problem));
    if let Some(seconds) = problem.code.retry_after() {
        answer.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from_static(seconds));
    }
    answer
}
