//! The bank's side of UAE Bank Service Initiation (section 15): what the bank itself says about consents and payments,
//! below `/open-finance/consent-manager/v1`. For clients of the bank, by their own tokens; no third party gets in.

mod body;
mod described;
mod error;
mod routes;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use rar_consent::ConsentEngine;
use serde::Serialize;

use super::{Answer, Dialect, HeaderOrder, HeaderRules, KeyForm, Participant, Route, Versions};
use crate::guard::{Arrived, AuthDate, GuardRefusal};
use crate::openapi::Interface;
use crate::operation::Operations;
use error::{Problem, Reason};

/// What stands before every path.
pub const BASE: &str = "/open-finance/consent-manager/v1";

/// What the description says of the interface.
#[must_use]
pub fn interface() -> Interface {
    described::interface()
}

/// The bank's side over its consents and payments.
#[derive(Debug)]
pub struct ConsentManager {
    operations: Operations,
    consents: Arc<ConsentEngine>,
}

impl ConsentManager {
    /// The dialect over the engine that the authorization server asks, and the bank's books.
    #[must_use]
    pub const fn new(operations: Operations, consents: Arc<ConsentEngine>) -> Self {
        Self { operations, consents }
    }
}

#[async_trait]
impl Dialect for ConsentManager {
    fn routes() -> &'static [Route<Self>] {
        routes::ROUTES
    }

    fn headers() -> &'static HeaderRules {
        const RULES: HeaderRules = HeaderRules {
            auth_date: AuthDate::Imf,
            participant: Participant::Ignored,
            version: Versions::Ignored,
            key: KeyForm::Visible,
            produces: &["application/json"],
            order: HeaderOrder::AfterScope,
        };
        &RULES
    }

    fn base(&self) -> &str {
        BASE
    }

    fn interface(&self) -> Option<Interface> {
        Some(described::interface())
    }

    async fn refuse(&self, refusal: &GuardRefusal, _arrived: &Arrived) -> Answer {
        failed(Problem::of_guard(refusal))
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let (status, bytes) = match serde_json::to_vec(body) {
        Ok(bytes) => (status, bytes),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
    };
    let mut answer = Answer::new(Bytes::from(bytes));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn done() -> Answer {
    let mut answer = Answer::new(Bytes::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// The answer for a problem. Section 13 gives some statuses no body.
fn failed(problem: Problem) -> Answer {
    let (status, rule) = (problem.reason.status(), problem.rule);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = match problem.message() {
        Some(message) => json(status, &message),
        None => done(),
    };
    *answer.status_mut() = status;
    answer.extensions_mut().insert(rule);
    answer
}

/// A fault of ours, told as such and logged.
fn broken(fault: &oauth_core::Fault, arrived: &Arrived) -> Problem {
    tracing::error!(port = fault.port, error = %fault.source, correlation = arrived.correlation.as_str(), "bank's side");
    Problem::new(crate::rules::fapi_resource::OUR_SIDE, Reason::Failed)
}
