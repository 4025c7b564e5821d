//! What the authorization server asks of the engine: the life of a consent along its grant.

use async_trait::async_trait;
use oauth_core::{
    Approval, ApprovalReason, AuthorizationDetails, Client, ClientId, ConsentChange, ConsentFacts, ConsentId,
    Consents, DetailsFault, DetailsReason, Error, Fault, Grant, Issuer, Overtaken, Refusal, RuleId, Standing,
    Subject, Timestamp, VettedRequest,
};

use super::ConsentEngine;
use crate::consent::history::{Actor, Changed, Channel, HistoryEntry};
use crate::consent::status::ConsentStatus;
use crate::consent::{Consent, Lodged, Shown};
use crate::describe::{AccountChoice, choice};
use crate::detail::{Lodging, ofxpera};

/// UAE bank service initiation section 4.1: an identifier is used once. One that nobody approved is remembered as long as
/// its consent is.
const ID_UNUSED: RuleId = RuleId("UAEBSI-4.1-unused");
/// RFC 9396 section 7: a consent is decided once, while it waits.
const STILL_WAITING: RuleId = RuleId("RFC9396-7-waiting");
/// RFC 9396 section 7: the accounts given are those that could be chosen.
const ACCOUNTS_CHOSEN: RuleId = RuleId("RFC9396-7-accounts");

#[async_trait]
impl Consents for ConsentEngine {
    async fn facts(&self, asked: &AuthorizationDetails, client: &Client) -> Result<ConsentFacts, Fault> {
        let mut facts = Vec::new();
        for id in asked.elements().iter().filter_map(ofxpera::referred) {
            if let Some(consent) = self.consent(&id, self.clock.now()).await?
                && consent.client == client.id
            {
                facts.push(serde_json::to_value(&consent).map_err(|error| Fault::new("consents", error))?);
            }
        }
        Ok(ConsentFacts(facts))
    }

    async fn lodging(&self, request: &VettedRequest, now: Timestamp) -> Result<Option<ConsentChange>, Error> {
        let (Some(id), Some(detail)) = (&request.details.consent, request.details.elements.first()) else {
            return Ok(None);
        };
        match self.registry.lodging(detail, request.asked_at)? {
            Lodging::Stored => self.reference(id, request, now).await,
            Lodging::Fresh { terms, element, subscription } => {
                let (issuer, client) = (request.issuer.clone(), request.client.clone());
                let lodged = Lodged { id: id.clone(), issuer, client, element };
                let (consent, entry) = Consent::awaiting(lodged, *terms, now);
                let consent = Consent { subscription, ..consent };
                let companion = self.store.insertion(&consent, &entry)?;
                Ok(Some(ConsentChange { companion, overtaken: Overtaken::Refused(id_used()) }))
            }
        }
    }

    async fn authorisation(
        &self,
        grant: &Grant,
        approval: &Approval,
        now: Timestamp,
    ) -> Result<Option<ConsentChange>, Error> {
        let Some(id) = &grant.details.consent else {
            return Ok(None);
        };
        let consent =
            self.consent(id, now).await?.filter(|consent| belongs(consent, &grant.client, &grant.issuer));
        let consent = consent.ok_or_else(decided)?;
        let accounts = chosen(&choice(&consent.terms), &approval.accounts)?;
        let actor = Actor::Customer(approval.subject.clone());
        if !is_waiting(&consent) {
            return Err(decided().into());
        }
        let (moved, entry) =
            consent.moved(ConsentStatus::Authorized, &actor, "approved", now).map_err(|_| decided())?;
        let shown = approval.shown.as_ref().map(Shown::of);
        let authorised = Consent { subject: Some(approval.subject.clone()), accounts, shown, ..moved };
        self.replacing(&authorised, &entry.through(Channel::Redirect).showing(approval.shown.clone()))
    }

    async fn rejection(
        &self,
        request: &VettedRequest,
        subject: Option<&Subject>,
        now: Timestamp,
    ) -> Result<Option<ConsentChange>, Error> {
        let Some(id) = &request.details.consent else {
            return Ok(None);
        };
        let consent = self.consent(id, now).await?;
        let Some(consent) =
            consent.filter(|stored| belongs(stored, &request.client, &request.issuer) && is_waiting(stored))
        else {
            return Ok(None);
        };
        let actor = subject.map_or(Actor::Engine, |subject| Actor::Customer(subject.clone()));
        let Ok((moved, entry)) = consent.moved(ConsentStatus::Rejected, &actor, "declined", now) else {
            return Ok(None);
        };
        self.replacing(&Consent { subject: subject.cloned(), ..moved }, &entry.through(Channel::Redirect))
    }

    async fn standing(&self, consent: &ConsentId, now: Timestamp) -> Result<Standing, Fault> {
        let kept = self.store.status(consent).await?;
        Ok(kept.map_or(Standing::Ended, |kept| kept.standing(now)))
    }
}

impl ConsentEngine {
    /// A pushed request refers to a stored consent: from now on the terms stand still.
    async fn reference(
        &self,
        id: &ConsentId,
        request: &VettedRequest,
        now: Timestamp,
    ) -> Result<Option<ConsentChange>, Error> {
        let stored = self.consent(id, now).await?;
        let stored = stored.filter(|stored| belongs(stored, &request.client, &request.issuer));
        let stored = stored.filter(is_waiting).ok_or_else(decided)?;
        if stored.asked_at.is_some() {
            return Ok(None);
        }
        let tpp = Actor::Tpp(stored.client.clone());
        let reason = "authorization requested";
        let entry = HistoryEntry::note(stored.status, Changed::Request, &tpp, reason, now);
        self.replacing(&Consent { asked_at: Some(now), ..stored }, &entry)
    }

    fn replacing(&self, changed: &Consent, entry: &HistoryEntry) -> Result<Option<ConsentChange>, Error> {
        let companion = self.store.replacement(changed, entry)?;
        Ok(Some(ConsentChange { companion, overtaken: Overtaken::Again }))
    }
}

/// Nothing of one client or one issuer is accepted for another.
fn belongs(consent: &Consent, client: &ClientId, issuer: &Issuer) -> bool {
    consent.client == *client && consent.issuer == *issuer
}

fn is_waiting(consent: &Consent) -> bool {
    consent.status == ConsentStatus::AwaitingAuthorization
}

/// The accounts a consent is given for, when the choice allows them.
fn chosen(choice: &AccountChoice, given: &[String]) -> Result<Vec<String>, Refusal> {
    let allowed = match choice {
        AccountChoice::OneOf => given.len() == 1,
        AccountChoice::AnyOf => !given.is_empty(),
        AccountChoice::Fixed(iban) if given.is_empty() => return Ok(vec![iban.clone()]),
        AccountChoice::Fixed(iban) => given == [iban.clone()],
        AccountChoice::None => given.is_empty(),
    };
    if allowed {
        return Ok(given.to_vec());
    }
    Err(Refusal { rule: ACCOUNTS_CHOSEN, reason: ApprovalReason::Widened.into() })
}

fn decided() -> Refusal {
    Refusal { rule: STILL_WAITING, reason: ApprovalReason::DecidedBefore.into() }
}

fn id_used() -> Refusal {
    let reason = DetailsReason {
        fault: DetailsFault::ConsentIdUsed,
        path: "authorization_details[0]".to_owned(),
        hint: "this consent identifier was used before; make a new one",
    };
    Refusal { rule: ID_UNUSED, reason: reason.into() }
}
