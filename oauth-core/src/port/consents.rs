//! What the core asks a consent engine: which details exist (pure), and how the consent behind a grant stands.

use async_trait::async_trait;
use serde_json::Value;
use zeroize::Zeroizing;

use super::companion::Companion;
use crate::model::client::Client;
use crate::model::details::{AuthorizationDetails, VettedDetails};
use crate::model::grant::{Approval, Grant};
use crate::model::request::VettedRequest;
use crate::refusal::reason::{DetailsFault, DetailsReason, Reason};
use crate::refusal::{Error, Fault, Refusal, RuleId};
use crate::vocabulary::id::{ConsentId, DetailType, Subject};
use crate::vocabulary::scope::Scope;
use crate::vocabulary::time::Timestamp;

/// Which `authorization_details` exist and what they mean. Pure: may be called while deciding.
pub trait DetailTypes: Send + Sync {
    /// The types on offer, for the metadata (RFC 9396 section 10).
    fn supported(&self) -> Vec<DetailType>;

    /// Judges what was asked. Called for every pushed request, also one without details, because a scope may need
    /// a consent that is not there.
    ///
    /// # Errors
    /// A refusal that names the JSON path.
    fn vet(&self, case: &DetailsCase<'_>) -> Result<VettedDetails, Refusal>;

    /// What of the granted details a token request narrows to (RFC 9396 section 6).
    ///
    /// # Errors
    /// When it asks for anything beyond what was granted.
    fn narrow(&self, granted: &VettedDetails, asked: &AuthorizationDetails)
    -> Result<VettedDetails, Refusal>;

    /// The same details as a token that is issued now says them, while their consent stands so. Called at every token request
    /// of a grant.
    fn told(&self, granted: &VettedDetails, _standing: Standing) -> VettedDetails {
        granted.clone()
    }
}

/// Everything a judgement about details needs.
#[derive(Debug)]
pub struct DetailsCase<'a> {
    /// What was asked.
    pub asked: &'a AuthorizationDetails,
    /// The scope asked for beside them.
    pub scope: &'a Scope,
    /// Who asks.
    pub client: &'a Client,
    /// The stored consents the details refer to.
    pub facts: &'a ConsentFacts,
    /// When.
    pub now: Timestamp,
    /// Random bits for an identifier, should one be needed.
    pub fresh: &'a Zeroizing<[u8; 32]>,
}

/// What details refer to or hold encrypted, stored consents and opened content, in the engine's own JSON. Opaque here.
#[derive(Clone, Default, PartialEq)]
pub struct ConsentFacts(pub Vec<Value>);

// Names and accounts of customers are not for a log.
impl std::fmt::Debug for ConsentFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ConsentFacts({} …)", self.0.len())
    }
}

/// A change of a consent, judged and ready. The [`Store`](super::store::Store) keeps it together with the request or
/// the grant it belongs to.
pub struct ConsentChange {
    /// The change.
    pub companion: Box<dyn Companion>,
    /// What follows when somebody was quicker.
    pub overtaken: Overtaken,
}

/// What follows when somebody else changed a consent first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overtaken {
    /// The change is to be made anew, from the consent as it is now.
    Again,
    /// The request is refused.
    Refused(Refusal),
}

impl std::fmt::Debug for ConsentChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsentChange").field("overtaken", &self.overtaken).finish_non_exhaustive()
    }
}

/// The consents behind grants. Each change is made here and kept by the [`Store`](super::store::Store), in one step with
/// what it belongs to; `None` is nothing to change.
#[async_trait]
pub trait Consents: Send + Sync {
    /// Reads the stored consents that these details refer to, and opens what they hold encrypted. Called while gathering,
    /// before [`DetailTypes::vet`].
    async fn facts(&self, asked: &AuthorizationDetails, client: &Client) -> Result<ConsentFacts, Fault>;

    /// The consent of a vetted request, waiting for authorization. Called by PAR, last.
    ///
    /// # Errors
    /// A refusal when the request refers to a consent that no longer waits.
    async fn lodging(&self, request: &VettedRequest, now: Timestamp) -> Result<Option<ConsentChange>, Error>;

    /// The browser arrived with a vetted request: from now on the customer may read what is asked, and what is read is what
    /// is approved. A consent that was stored before its request stands still from here. Called by the authorization
    /// endpoint before the first page, at every arrival; changes something at the first at most.
    async fn opened(&self, _request: &VettedRequest, _now: Timestamp) -> Result<(), Fault> {
        Ok(())
    }

    /// The customer approved: the consent becomes authorised, once. Called before the grant is opened.
    ///
    /// # Errors
    /// A refusal when it is no longer waiting, or the accounts are not those that could be chosen.
    async fn authorisation(
        &self,
        grant: &Grant,
        approval: &Approval,
        now: Timestamp,
    ) -> Result<Option<ConsentChange>, Error>;

    /// The customer refused. `None` as well when the consent waits no longer.
    async fn rejection(
        &self,
        request: &VettedRequest,
        subject: Option<&Subject>,
        now: Timestamp,
    ) -> Result<Option<ConsentChange>, Error>;

    /// How the consent stands, clock applied. Called at every token request, introspection and resource call.
    async fn standing(&self, consent: &ConsentId, now: Timestamp) -> Result<Standing, Fault>;
}

/// How a consent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Waiting for the customer, or for one more of several.
    Waiting,
    /// In force.
    Good,
    /// Held for now; may come back.
    Suspended,
    /// Used up: what it allowed has happened. Reading goes on while tokens live.
    Finished,
    /// Over: refused, revoked, expired, or unknown.
    Ended,
}

/// Refuses any `authorization_details`: the default of a server without a consent engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDetailTypes;

/// RFC 9396 section 5: a type the server does not know is refused.
const TYPE_KNOWN: RuleId = RuleId("RFC9396-5-none");

impl DetailTypes for NoDetailTypes {
    fn supported(&self) -> Vec<DetailType> {
        Vec::new()
    }

    fn vet(&self, case: &DetailsCase<'_>) -> Result<VettedDetails, Refusal> {
        none_of(case.asked)?;
        Ok(VettedDetails { scope: case.scope.clone(), ..VettedDetails::default() })
    }

    fn narrow(
        &self,
        granted: &VettedDetails,
        asked: &AuthorizationDetails,
    ) -> Result<VettedDetails, Refusal> {
        none_of(asked)?;
        Ok(granted.clone())
    }
}

fn none_of(asked: &AuthorizationDetails) -> Result<(), Refusal> {
    if asked.is_empty() {
        return Ok(());
    }
    Err(Refusal {
        rule: TYPE_KNOWN,
        reason: Reason::Details(DetailsReason {
            fault: DetailsFault::TypeUnknown,
            path: "authorization_details[0].type".to_owned(),
            hint: "this server takes no authorization_details",
        }),
    })
}

/// No consents: the default of a server without a consent engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoConsents;

#[async_trait]
impl Consents for NoConsents {
    async fn facts(&self, _asked: &AuthorizationDetails, _client: &Client) -> Result<ConsentFacts, Fault> {
        Ok(ConsentFacts::default())
    }

    async fn lodging(
        &self,
        _request: &VettedRequest,
        _now: Timestamp,
    ) -> Result<Option<ConsentChange>, Error> {
        Ok(None)
    }

    async fn authorisation(
        &self,
        _grant: &Grant,
        _approval: &Approval,
        _now: Timestamp,
    ) -> Result<Option<ConsentChange>, Error> {
        Ok(None)
    }

    async fn rejection(
        &self,
        _request: &VettedRequest,
        _subject: Option<&Subject>,
        _now: Timestamp,
    ) -> Result<Option<ConsentChange>, Error> {
        Ok(None)
    }

    async fn standing(&self, _consent: &ConsentId, _now: Timestamp) -> Result<Standing, Fault> {
        Ok(Standing::Ended)
    }
}
