//! What the authorization server asks of the engine: the life of a consent along its grant.

use async_trait::async_trait;
use oauth_core::{
    Approval, ApprovalReason, AuthorizationDetails, Client, ClientId, ConsentChange, ConsentFacts, ConsentId,
    Consents, DetailsFault, DetailsReason, Error, Fault, Grant, Issuer, Overtaken, Refusal, RuleId, Standing,
    Subject, Timestamp, VettedRequest,
};

use super::{ConsentEngine, TRIES, contended};
use crate::consent::approval::{Authorizer, FirstApproval, FirstFault};
use crate::consent::history::{Actor, Changed, Channel, HistoryEntry};
use crate::consent::status::ConsentStatus;
use crate::consent::{Consent, Lodged, Shown};
use crate::describe::{AccountChoice, choice};
use crate::detail::{Lodging, ofxpera};
use crate::port::Replaced;

/// UAE bank service initiation section 4.1: an identifier is used once. One that nobody approved is remembered as long as
/// its consent is.
const ID_UNUSED: RuleId = RuleId("UAEBSI-4.1-unused");
/// RFC 9396 section 7: a consent is decided once, while it waits.
const STILL_WAITING: RuleId = RuleId("RFC9396-7-waiting");
/// RFC 9396 section 7: the accounts given are those that could be chosen.
const ACCOUNTS_CHOSEN: RuleId = RuleId("RFC9396-7-accounts");

/// UAE bank service initiation section 4: a consent continues one of the same client and customer.
const BASE_OWN: RuleId = RuleId("UAEBSI-4-base");
/// UAE bank service initiation section 7: `UAEOF.Single` is given from an account that one person may debit.
const ONE_PERSON: RuleId = RuleId("UAEBSI-7-single");

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
            Lodging::Stored => self.reference(id, request, now).await.map(|()| None),
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

    async fn opened(&self, request: &VettedRequest, now: Timestamp) -> Result<(), Fault> {
        let referred = request.details.elements.iter().find_map(|detail| ofxpera::referred(&detail.value));
        let Some(id) = &referred else { return Ok(()) };
        for _ in 0..TRIES {
            let stored = self.consent(id, now).await?;
            let stored = stored.filter(|stored| belongs(stored, &request.client, &request.issuer));
            // what waits no longer is refused when the customer decides
            let Some(stored) = stored.filter(|stored| is_open(stored) && stored.asked_at.is_none()) else {
                return Ok(());
            };
            let tpp = Actor::Tpp(stored.client.clone());
            let reason = "authorization page opened";
            let entry = HistoryEntry::note(stored.status, Changed::Request, &tpp, reason, now);
            let opened = Consent { asked_at: Some(now), ..stored };
            if self.store.replace(&opened, &entry.through(Channel::Redirect)).await? == Replaced::Done {
                return Ok(());
            }
        }
        Err(contended())
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
        let accounts =
            self.identified(chosen(&choice(&consent.terms), &approval.accounts)?, &consent).await?;
        let by = approval.subject.clone();
        if !is_open(&consent) {
            return Err(decided().into());
        }
        if self.objection(&consent, &by, now).await?.is_some() {
            return Err(Refusal { rule: BASE_OWN, reason: ApprovalReason::Widened.into() }.into());
        }
        let authorizers = self.authorizers(&consent.terms, &accounts).await?;
        let (approved, entry) =
            consent.approved_by(FirstApproval { by, accounts, authorizers }, now).map_err(not_approved)?;
        let approved = match &approval.shown {
            Some(text) => {
                let own = |authorizer: &Authorizer| authorizer.subject.as_ref() == Some(&approval.subject);
                Consent { shown: Some(Shown::of(text)), ..approved.having_shown(text, own) }
            }
            None => approved,
        };
        self.replacing(&approved, &entry.through(Channel::Redirect).showing(approval.shown.clone()))
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
            consent.filter(|stored| belongs(stored, &request.client, &request.issuer) && is_open(stored))
        else {
            return Ok(None);
        };
        let actor = subject.map_or(Actor::Engine, |subject| Actor::Customer(subject.clone()));
        let Ok((moved, entry)) = consent.moved(ConsentStatus::Rejected, &actor, "declined", now) else {
            return Ok(None);
        };
        let entry = entry.through(Channel::Redirect);
        self.replacing(&Consent { subject: subject.cloned(), ..moved }, &entry)
    }

    async fn standing(&self, consent: &ConsentId, now: Timestamp) -> Result<Standing, Fault> {
        let kept = self.store.status(consent).await?;
        Ok(kept.map_or(Standing::Ended, |kept| kept.standing(now)))
    }
}

impl ConsentEngine {
    /// An account that the request itself names, by the bank's own identifier.
    async fn identified(&self, accounts: Vec<String>, consent: &Consent) -> Result<Vec<String>, Fault> {
        let AccountChoice::Fixed(iban) = choice(&consent.terms) else { return Ok(accounts) };
        Ok(self.mandates.identifier(&iban).await?.map_or(accounts, |id| vec![id]))
    }

    /// A pushed request refers to a stored consent: one of its own client that waits.
    async fn reference(&self, id: &ConsentId, request: &VettedRequest, now: Timestamp) -> Result<(), Error> {
        let stored = self.consent(id, now).await?;
        let stored = stored.filter(|stored| belongs(stored, &request.client, &request.issuer));
        stored.filter(is_open).ok_or_else(decided)?;
        Ok(())
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

/// Whether nobody has decided yet: once a first customer has approved, the other authorisers decide, and no further request.
fn is_open(consent: &Consent) -> bool {
    consent.status == ConsentStatus::AwaitingAuthorization && consent.approvals.is_empty()
}

/// The accounts a consent is given for, when the choice allows them.
fn chosen(choice: &AccountChoice, given: &[String]) -> Result<Vec<String>, Refusal> {
    let allowed = match choice {
        AccountChoice::OneOf => given.len() == 1,
        AccountChoice::AnyOf => !given.is_empty(),
        AccountChoice::AnyOrNone => true,
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

fn not_approved(fault: FirstFault) -> Refusal {
    match fault {
        FirstFault::DecidedBefore => decided(),
        FirstFault::NotAlone => Refusal { rule: ONE_PERSON, reason: ApprovalReason::Widened.into() },
    }
}

fn id_used() -> Refusal {
    let reason = DetailsReason {
        fault: DetailsFault::ConsentIdUsed,
        path: "authorization_details[0]".to_owned(),
        hint: "this consent identifier was used before; make a new one",
    };
    Refusal { rule: ID_UNUSED, reason: reason.into() }
}
