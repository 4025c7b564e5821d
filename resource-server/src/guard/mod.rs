//! The guard before every route: read, identify, and hand over [`Authority`].
//!
//! In this order: token, binding, life and standing (401); header fields (400, 406, 415); participant (403); scope (403);
//! and, where no repeat has to be looked for first, the consent's standing and permission (403).

mod arrived;
mod authority;
mod challenge;
mod headers;
mod layer;
mod message;
mod metadata;
mod needs;
mod refusal;
mod standing;

use std::sync::Arc;

use oauth_core::{
    Audit, ClientBuckets, ClientDirectory, ClientStatus, Clock, Constraint, Entropy, Error, Fault, Policy,
    ProofReason, PushRate, Reason, Refusal, TokenReason, TokenVerifier,
};
use rar_consent::ConsentStore;

use crate::rules::fapi_resource::CLIENT_ACTIVE;
use crate::rules::rfc6750::{PLACES, PlacesCase};
use authority::Gathered;

pub use arrived::{AUTH_DATE, Arrived, AuthDate, CUSTOMER_IP, IDEMPOTENCY_KEY, INTERACTION_ID, Interaction};
pub use authority::Authority;
pub use layer::{GuardLayer, Guarded, guarded};
pub use message::{MessageSigning, SignedRequests, SignedResponses};
pub use metadata::{ProtectedResource, WELL_KNOWN};
pub use needs::{ANY_STANDING, Authentication, Body, IN_FORCE, Needs, READABLE, Retry, Scoped, TokenKind};
pub use refusal::{GuardRefusal, HeaderFault};

pub(crate) use arrived::{correlate, fresh_uuid};
pub(crate) use headers::{accepts as takes_media, judge as judge_headers};
pub(crate) use layer::{challenge, finish};

/// Judges calls of one issuer's tokens at one resource.
pub struct Guard {
    verifier: TokenVerifier,
    policy: &'static Policy,
    algs: String,
    ports: GuardPorts,
    signing: Option<MessageSigning>,
    rate: ClientBuckets,
}

/// What the guard asks.
#[derive(Clone)]
pub struct GuardPorts {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Random bytes, for identifiers.
    pub entropy: Arc<dyn Entropy>,
    /// Who is registered.
    pub clients: Arc<dyn ClientDirectory>,
    /// The consents behind tokens.
    pub consents: Arc<dyn ConsentStore>,
    /// What happened.
    pub audit: Arc<dyn Audit>,
}

impl GuardPorts {
    /// The guard's share of the authorization server's ports, and the consents.
    #[must_use]
    pub fn new(ports: &oauth_core::Ports, consents: Arc<dyn ConsentStore>) -> Self {
        Self {
            clock: Arc::clone(&ports.clock),
            entropy: Arc::clone(&ports.entropy),
            clients: Arc::clone(&ports.clients),
            consents,
            audit: Arc::clone(&ports.audit),
        }
    }
}

impl std::fmt::Debug for GuardPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GuardPorts(…)")
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

impl Guard {
    /// A guard over a verifier. `policy` is the issuer's.
    #[must_use]
    pub fn new(verifier: TokenVerifier, policy: &'static Policy, ports: GuardPorts) -> Self {
        let algs = verifier.proof_algs();
        Self { verifier, policy, algs, ports, signing: None, rate: ClientBuckets::new(PushRate::Unlimited) }
    }

    /// The same guard, with signed messages (FAPI 2.0 Message Signing section 5.6).
    #[must_use]
    pub fn with_message_signing(mut self, signing: MessageSigning) -> Self {
        self.signing = Some(signing);
        self
    }

    /// The same guard, answering a client that calls more often with 429 and `Retry-After` (RFC 6585 section 4). Counted by
    /// this process once the client is known, so that nobody can use up another's share.
    #[must_use]
    pub fn with_rate(self, rate: PushRate) -> Self {
        Self { rate: ClientBuckets::new(rate), ..self }
    }

    /// Whether a client may call again already.
    pub(crate) fn in_time(&self, authority: &Authority) -> Result<(), GuardRefusal> {
        self.rate.take(&authority.client.id, authority.now).map_err(GuardRefusal::TooOften)
    }

    /// What the guard asks.
    #[must_use]
    pub const fn ports(&self) -> &GuardPorts {
        &self.ports
    }

    /// Identifies the caller: token, binding, standing, client, and the consent as it is stored now. The scope and the
    /// consent's permissions are not judged yet.
    ///
    /// # Errors
    /// [`GuardRefusal::Token`], [`GuardRefusal::Scope`] when the token is of the wrong kind, or a fault.
    pub async fn identify(&self, arrived: &Arrived, needs: &Needs) -> Result<Authority, GuardRefusal> {
        let content_type =
            arrived.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let places =
            PlacesCase { query: arrived.query.clone(), content_type: content_type.map(str::to_owned) };
        oauth_core::hold(PLACES, &places, self.policy).map_err(GuardRefusal::Token)?;
        let verified = self.verifier.verify(&arrived.presented(), arrived.now).await.map_err(refused)?;
        let client = self.ports.clients.client(&verified.claims.client_id).await?;
        let client = client.filter(|client| client.status == ClientStatus::Active).ok_or(
            GuardRefusal::Token(Refusal { rule: CLIENT_ACTIVE, reason: TokenReason::Revoked.into() }),
        )?;
        let consent = self.consent_of(&verified.claims).await?;
        let gathered = Gathered {
            client,
            standing: verified.standing,
            claims: verified.claims,
            consent,
            correlation: arrived.correlation.clone(),
            now: arrived.now,
        };
        Authority::new(gathered, needs)
    }

    /// Everything the guard judges at once, for a route outside the dialects.
    ///
    /// # Errors
    /// Every [`GuardRefusal`] but those about paths, media types and bodies.
    pub async fn admit(&self, arrived: &Arrived, needs: &Needs) -> Result<Authority, GuardRefusal> {
        let authority = self.identify(arrived, needs).await?;
        self.in_time(&authority)?;
        if arrived.interaction == Interaction::Malformed {
            return Err(GuardRefusal::Header { name: INTERACTION_ID, fault: HeaderFault::Malformed });
        }
        authority.in_scope()?;
        authority.signed_in_well()?;
        if needs.retry == Retry::None {
            authority.pass()?;
        }
        Ok(authority)
    }

    /// `WWW-Authenticate` values for a refusal; none when it is not about the token.
    #[must_use]
    pub fn challenges(&self, refusal: &GuardRefusal, arrived: &Arrived) -> Vec<String> {
        let metadata = self.metadata_address();
        let offered = self.policy.sender_constraint.offered();
        let side = challenge::Side { offered, algs: &self.algs, metadata: metadata.as_deref() };
        let shown = arrived.headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown: Option<Constraint> = challenge::scheme_of(shown);
        match refusal {
            GuardRefusal::Token(refusal) => challenge::for_token(refusal, shown, &side),
            GuardRefusal::Scope { needed } => challenge::for_scope(needed, shown, &side),
            GuardRefusal::Authentication(needed) => challenge::for_authentication(needed, shown, &side),
            GuardRefusal::NotFound
            | GuardRefusal::Method { .. }
            | GuardRefusal::Header { .. }
            | GuardRefusal::NotAcceptable
            | GuardRefusal::Version
            | GuardRefusal::MediaType
            | GuardRefusal::TooLarge
            | GuardRefusal::BrokenOff
            | GuardRefusal::TooOften(_)
            | GuardRefusal::Participant
            | GuardRefusal::ParticipantInactive
            | GuardRefusal::Standing(_)
            | GuardRefusal::Permission(_)
            | GuardRefusal::Failed(_) => Vec::new(),
        }
    }

    /// `DPoP-Nonce` for an answer (RFC 9449 section 9), when this side asks for nonces.
    #[must_use]
    pub fn fresh_nonce(&self, arrived: &Arrived) -> Option<String> {
        self.verifier.fresh_nonce(arrived.now)
    }

    /// `DPoP-Nonce` for a refusal that demands one.
    pub(crate) fn demanded_nonce(&self, refusal: &GuardRefusal, arrived: &Arrived) -> Option<String> {
        let GuardRefusal::Token(refusal) = refusal else { return None };
        let demands = refusal.reason == Reason::Proof(ProofReason::Nonce);
        demands.then(|| self.verifier.demanded_nonce(arrived.now))
    }

    async fn consent_of(
        &self,
        claims: &oauth_core::AccessClaims,
    ) -> Result<Option<rar_consent::Consent>, Fault> {
        match &claims.consent_id {
            Some(id) => self.ports.consents.consent(id).await,
            None => Ok(None),
        }
    }
}

fn refused(error: Error) -> GuardRefusal {
    match error {
        Error::Refused(refusal) => GuardRefusal::Token(refusal),
        Error::Failed(fault) => GuardRefusal::Failed(fault),
    }
}
