//! OFxPERA, the open-finance pilot for the Philippine retirement account (PERA): accounts, transactions, contributions and
//! consents, below `/OFPH/v1`.

mod accounts;
mod admin;
mod answers;
mod body;
mod consents;
mod customers;
mod described;
mod error;
mod map;
mod oauth;
mod payments;
mod products;
mod routes;
mod sealing;
mod shapes;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use oauth_core::{Client, ClientKeys, Signer};
use serde::Serialize;

use super::{Alias, Answer, Dialect, HeaderOrder, HeaderRules, KeyForm, Participant, Route, Versions};
use crate::domain::OrganisationId;
use crate::guard::{Arrived, AuthDate, Authority, GuardRefusal};
use crate::http::CrossOrigin;
use crate::openapi::Interface;
use crate::operation::Operations;
use error::Problem;
use sealing::Sealing;

/// What stands before every path unless a deployment says otherwise.
pub const BASE: &str = "/OFPH/v1";

/// What the description says of the interface, below this base.
#[must_use]
pub fn interface(base: &str) -> Interface {
    described::interface(base)
}

/// OFxPERA over a bank's ports.
#[derive(Debug, Clone)]
pub struct Ofxpera {
    operations: Operations,
    settings: OfxperaSettings,
    cross_origin: CrossOrigin,
    sealing: Option<Sealing>,
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
    /// Who can reach what participants register.
    pub exposure: Exposure,
}

/// Who can reach what participants register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Everybody: hosts that only this machine or this network knows are refused.
    Public,
    /// Whoever is here: such hosts are allowed.
    Sandbox,
}

impl OfxperaSettings {
    /// The usual base path, for this organisation.
    #[must_use]
    pub fn of(organization_id: &str, organization_name: &str, bic: &str) -> Self {
        Self {
            base: BASE.to_owned(),
            organization_id: organization_id.to_owned(),
            organization_name: organization_name.to_owned(),
            bic: bic.to_owned(),
            exposure: Exposure::Public,
        }
    }
}

impl Ofxpera {
    /// The dialect over a bank's operations.
    #[must_use]
    pub fn new(operations: Operations, settings: OfxperaSettings) -> Self {
        let cross_origin = CrossOrigin::of(Arc::clone(&operations.ports.pera.participants));
        Self { operations, settings, cross_origin, sealing: None }
    }

    /// Encrypts answers with a customer's data to clients that registered for it (section 7.2), signed with the signer's PS256 key.
    /// Without this such clients are answered with an error, and nothing in the clear.
    #[must_use]
    pub fn with_encryption(self, client_keys: Arc<dyn ClientKeys>, signer: Arc<dyn Signer>) -> Self {
        Self { sealing: Some(Sealing { client_keys, signer }), ..self }
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

    /// Section 7.2: nobody gets an encrypted answer who has not registered for it.
    fn produces(path: &str, client: &Client) -> &'static [&'static str] {
        let sealed = client.messages.resource_answer.is_some();
        match path {
            "/admin/organization/{id}/certificate" => &["application/json", admin::PEM],
            _ if sealed && routes::tells_of_customers(path) => &["application/json", sealing::JOSE],
            _ => Self::headers().produces,
        }
    }

    fn bounded() -> &'static [(&'static str, usize)] {
        described::CLIENT_WORDS
    }

    /// Section 3.3 `PARTICIPANT_INACTIVE`. Who is not in the registry is known as a client, which is enough to enter it.
    async fn takes_part(&self, authority: &Authority) -> Result<(), GuardRefusal> {
        let Ok(id) = OrganisationId::new(&authority.client.organisation.id) else { return Ok(()) };
        match self.operations.ports.pera.participants.organisation(&id).await? {
            Some(known) if !known.status.may_call() => Err(GuardRefusal::ParticipantInactive),
            Some(_) | None => Ok(()),
        }
    }

    fn cross_origin(&self) -> Option<&CrossOrigin> {
        Some(&self.cross_origin)
    }

    fn interface(&self) -> Option<Interface> {
        Some(described::interface(&self.settings.base))
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
