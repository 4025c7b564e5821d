//! UAE Bank Service Initiation: payments under a consent, in vocabulary *seed* below `/open-finance/payment/v1` and in that
//! of version 1.2 below `/open-finance/payment/v1.2` ([`UaeBsiV1_2`]). Both are words for the same consents and payments.
//!
//! Bodies are signed both ways. The consents themselves arrive as `authorization_details` (RFC 9396) and are judged by
//! `rar_consent`; here they are used and read.

mod body;
mod consents;
mod described;
mod error;
mod map;
mod notify;
mod patch;
mod routes;
mod sealing;
mod shapes;
mod signature;
mod v1_2;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use oauth_core::{
    Client, ClientKeys, Decrypter, Fault, InlineKeys, Issuer, KeyHint, KeysFault, NoDecrypter, Policy,
    Signer, Timestamp,
};
use rar_consent::UaeVocabulary;
use serde::Serialize;

use super::{Answer, Call, Dialect, HeaderOrder, HeaderRules, KeyForm, Participant, Route, Versions};
use crate::guard::{Arrived, AuthDate, GuardRefusal, fresh_uuid};
use crate::openapi::Interface;
use crate::operation::Operations;
use error::{ErrorMessage, Reason, Refused};
use map::{Base, base_path};
use routes::Stop;
use signature::{Expected, SignedMessage, message_alg};

pub use notify::UaeNotices;
pub use v1_2::UaeBsiV1_2;

/// What stands before every path.
pub const BASE: &str = base_path(UaeVocabulary::Seed);
/// What stands before every path of version 1.2.
pub const BASE_V1_2: &str = base_path(UaeVocabulary::V1_2);

/// What the description says of the interface.
#[must_use]
pub fn interface() -> Interface {
    described::interface()
}

/// What the description says of the interface in version 1.2.
#[must_use]
pub fn interface_v1_2() -> Interface {
    v1_2::interface()
}

/// UAE Bank Service Initiation over a bank's ports.
#[derive(Clone)]
pub struct UaeBsi {
    /// In whose words it takes requests and answers.
    vocabulary: UaeVocabulary,
    issuer: Issuer,
    policy: &'static Policy,
    signer: Arc<dyn Signer>,
    client_keys: Arc<dyn ClientKeys>,
    decrypter: Arc<dyn Decrypter>,
    operations: Operations,
}

impl std::fmt::Debug for UaeBsi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UaeBsi").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl UaeBsi {
    /// The dialect for the tokens of one issuer. Answers are signed with the issuer's PS256 key.
    #[must_use]
    pub fn new(
        (issuer, policy): (Issuer, &'static Policy),
        signer: Arc<dyn Signer>,
        operations: Operations,
    ) -> Self {
        let (client_keys, decrypter) = (Arc::new(InlineKeys), Arc::new(NoDecrypter));
        let vocabulary = UaeVocabulary::Seed;
        Self { vocabulary, issuer, policy, signer, client_keys, decrypter, operations }
    }

    /// Fetches the keys of clients that registered a `jwks_uri`; without this only keys registered inline are known.
    #[must_use]
    pub fn with_client_keys(self, client_keys: Arc<dyn ClientKeys>) -> Self {
        Self { client_keys, ..self }
    }

    /// Takes bodies that are encrypted to these keys; without this none is.
    #[must_use]
    pub fn with_decrypter(self, decrypter: Arc<dyn Decrypter>) -> Self {
        Self { decrypter, ..self }
    }

    /// The same bank in the words of version 1.2, mounted beside this one.
    #[must_use]
    pub fn in_v1_2(&self) -> UaeBsiV1_2 {
        UaeBsiV1_2::new(Self { vocabulary: UaeVocabulary::V1_2, ..self.clone() })
    }

    /// Where a call's resources live.
    fn base_of(&self, call: &Call) -> Base {
        Base::at(&call.arrived.origin, self.vocabulary)
    }

    /// Whether what is answered to this client can be encrypted as it registered: asked before anything is done.
    async fn can_answer(&self, client: &Client, now: Timestamp) -> Result<(), Stop> {
        match client.messages.resource_answer {
            Some(encryption) => sealing::key(&*self.client_keys, client, encryption, now).await.map(drop),
            None => Ok(()),
        }
    }

    /// The signed body of a call.
    async fn message(&self, call: &Call) -> Result<SignedMessage, Stop> {
        let (client, now) = (&call.authority.client, call.arrived.now);
        let base = self.base_of(call);
        let body = sealing::open(&*self.decrypter, client, &call.body).await?;
        let jws = signature::open(&body, message_alg(client.message_alg, self.policy.signing_algs))?;
        let hint = KeyHint::Signature { kid: jws.kid(), alg: jws.alg() };
        let keys = match self.client_keys.of(client, hint, now).await {
            Ok(keys) => keys,
            Err(KeysFault::Busy) => return Err(Fault::new("client keys", KeysFault::Busy).into()),
            Err(KeysFault::Unavailable(why)) => {
                tracing::warn!(client = client.id.as_str(), why, "a client's key set cannot be had");
                return Err(signature::unverifiable().into());
            }
        };
        let expected = Expected {
            client: &client.id,
            keys: &keys,
            audiences: &[self.issuer.as_str(), base.as_str()],
            now,
        };
        Ok(SignedMessage::verify(&jws, &expected)?)
    }

    /// A signed answer, encrypted where the client registered for it.
    async fn signed(
        &self,
        status: StatusCode,
        message: &(impl Serialize + Sync),
        (client, arrived): (&Client, &Arrived),
    ) -> Result<Answer, Stop> {
        let signed = self.sign(message, (client, arrived)).await?;
        let sealed = sealing::seal(&*self.client_keys, client, signed, arrived.now).await?;
        Ok(of_jwt(status, sealed))
    }

    async fn sign(
        &self,
        message: &(impl Serialize + Sync),
        (client, arrived): (&Client, &Arrived),
    ) -> Result<String, Fault> {
        let jti = fresh_uuid(&*self.operations.ports.entropy)?;
        let when = (arrived.now, jti.as_str());
        signature::sign(&*self.signer, &self.issuer, &client.id, message, when).await
    }

    async fn answer(
        &self,
        status: StatusCode,
        message: &(impl Serialize + Sync),
        call: &Call,
    ) -> Result<Answer, Stop> {
        self.signed(status, message, (&call.authority.client, &call.arrived)).await
    }

    /// A refusal, signed where the document gives it a body and the caller is known.
    async fn denied(&self, refused: Refused, client: Option<&Client>, arrived: &Arrived) -> Answer {
        let (rule, reason) = (refused.rule, refused.reason);
        let path = refused.path.map(|path| self.vocabulary.place(&path, None));
        let refused = Refused { path, ..refused };
        let (status, message) = refused.answer();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = match (message, client) {
            (Some(message), Some(client)) => self.told(status, &message, client, arrived).await,
            (Some(_), None) | (None, _) => bare(status),
        };
        if reason == Reason::InProgress {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer.extensions_mut().insert(rule);
        answer
    }

    /// A refusal is encrypted as answers are. That it cannot be is told without it, and nothing else with it.
    async fn told(
        &self,
        status: StatusCode,
        message: &ErrorMessage,
        client: &Client,
        arrived: &Arrived,
    ) -> Answer {
        let fault = match self.signed(status, message, (client, arrived)).await {
            Ok(answer) => return answer,
            Err(Stop::Failed(fault)) => fault,
            Err(Stop::Refused(refused)) => {
                let (status, message) = refused.answer();
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                match self.sign(&message, (client, arrived)).await {
                    Ok(signed) => return of_jwt(status, signed),
                    Err(fault) => fault,
                }
            }
        };
        log(&fault, arrived);
        bare(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Section 12, in both vocabularies.
const HEADERS: HeaderRules = HeaderRules {
    auth_date: AuthDate::Imf,
    participant: Participant::Ignored,
    version: Versions::Ignored,
    key: KeyForm::Visible,
    produces: &["application/jwt"],
    order: HeaderOrder::AfterScope,
};

#[async_trait]
impl Dialect for UaeBsi {
    fn routes() -> &'static [Route<Self>] {
        routes::ROUTES
    }

    fn headers() -> &'static HeaderRules {
        &HEADERS
    }

    fn base(&self) -> &str {
        base_path(self.vocabulary)
    }

    fn interface(&self) -> Option<Interface> {
        Some(described::interface())
    }

    async fn refuse(&self, refusal: &GuardRefusal, arrived: &Arrived) -> Answer {
        self.denied(of_guard(refusal), None, arrived).await
    }

    async fn refuse_client(&self, refusal: &GuardRefusal, arrived: &Arrived, client: &Client) -> Answer {
        self.denied(of_guard(refusal), Some(client), arrived).await
    }
}

/// The guard's refusals in the words of this dialect.
fn of_guard(refusal: &GuardRefusal) -> Refused {
    let (reason, path) = match refusal {
        GuardRefusal::NotFound => (Reason::NotFound, None),
        GuardRefusal::Method { .. } => (Reason::Method, None),
        GuardRefusal::Token(_) | GuardRefusal::Authentication(_) => (Reason::Token, None),
        GuardRefusal::Header { name, .. } => (Reason::Header, Some((*name).to_owned())),
        GuardRefusal::NotAcceptable | GuardRefusal::Version => (Reason::NotAcceptable, None),
        GuardRefusal::MediaType => (Reason::MediaType, None),
        GuardRefusal::TooLarge => (Reason::TooLarge, None),
        GuardRefusal::BrokenOff => (Reason::Malformed, None),
        GuardRefusal::TooOften(_) => (Reason::TooOften, None),
        GuardRefusal::Scope { .. } | GuardRefusal::Participant | GuardRefusal::ParticipantInactive => {
            (Reason::Scope, None)
        }
        GuardRefusal::Standing(_) | GuardRefusal::Permission(_) => (Reason::Consent, None),
        GuardRefusal::Failed(_) => (Reason::Failed, None),
    };
    Refused { rule: refusal.rule(), reason, path }
}

fn of_jwt(status: StatusCode, jwt: String) -> Answer {
    let mut answer = Answer::new(Bytes::from(jwt));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
    answer
}

fn bare(status: StatusCode) -> Answer {
    let mut answer = Answer::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

fn with_header(mut answer: Answer, name: HeaderName, value: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
    answer
}

fn log(fault: &Fault, arrived: &Arrived) {
    tracing::error!(port = fault.port, error = %fault.source, correlation = arrived.correlation.as_str(), "payments");
}
