//! Approvals by several people, and what stands in the way of one.

use oauth_core::{ConsentId, Fault, ShownText, Subject, Timestamp};

use super::{ConsentEngine, contended};
use crate::consent::Consent;
use crate::consent::approval::{Authorizer, Decision, DecisionFault};
use crate::consent::history::{Actor, Channel, HistoryEntry};
use crate::consent::status::ConsentStatus;
use crate::consent::terms::Terms;
use crate::port::Replaced;

/// The decision of one authoriser.
#[derive(Debug, Clone, Copy)]
pub struct Vote<'a> {
    /// Of this consent.
    pub consent: &'a ConsentId,
    /// By this authoriser (`AuthorizerId`).
    pub authorizer: &'a str,
    /// What it is.
    pub decision: Decision,
    /// Who brings it: the authoriser, or the bank for the authoriser.
    pub actor: &'a Actor,
    /// Through which door.
    pub channel: Channel,
    /// What the authoriser read on a page of this bank: kept with an approval, word for word. Nothing where the bank brings
    /// the decision.
    pub shown: Option<&'a ShownText>,
}

/// What became of the decision of an authoriser.
#[derive(Debug, Clone, PartialEq)]
pub enum Decided {
    /// It counts; the consent as it is now.
    Now(Box<Consent>),
    /// There is no such consent, it asks for no such authoriser, or this actor is not the one.
    Unknown,
    /// This authoriser decided before, and that stands.
    Before,
    /// The consent has this status and waits for nobody.
    Closed(ConsentStatus),
}

/// Why a customer cannot approve a consent, whatever account is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// It continues a consent that this customer has not given to this third party.
    OtherBase,
}

/// Readings of a consent that its other authorisers keep changing. Each changes it once, so this is more than there are.
const TRIES: u32 = 256;

impl ConsentEngine {
    /// Counts the decision of one authoriser. Of any number that arrive at once each counts once, and exactly one of them is
    /// the last.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn decide(&self, vote: &Vote<'_>, now: Timestamp) -> Result<Decided, Fault> {
        for _ in 0..TRIES {
            let Some(consent) = self.consent(vote.consent, now).await? else { return Ok(Decided::Unknown) };
            if !may_bring(&consent, vote) {
                return Ok(Decided::Unknown);
            }
            let (changed, entry) = match consent.decided(vote.authorizer, vote.decision, vote.actor, now) {
                Ok(decided) => decided,
                Err(DecisionFault::Unknown) => return Ok(Decided::Unknown),
                Err(DecisionFault::DecidedBefore) => return Ok(Decided::Before),
                Err(DecisionFault::Closed(status)) => return Ok(Decided::Closed(status)),
            };
            let (changed, entry) = showing(vote, changed, entry.through(vote.channel));
            if self.store.replace(&changed, &entry).await? == Replaced::Done {
                return Ok(Decided::Now(Box::new(super::kept(changed))));
            }
        }
        Err(contended())
    }

    /// What waits for the approval of this customer, newest first, clock applied.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting_for(&self, subject: &Subject, now: Timestamp) -> Result<Vec<Consent>, Fault> {
        let current = self.current(self.store.waiting_for(subject).await?, now).await?;
        let waits = |consent: &Consent| consent.waits_for().any(|other| other == subject);
        Ok(current.into_iter().filter(waits).collect())
    }

    /// Whom these accounts ask for under these terms, in the order they are listed, each once.
    ///
    /// # Errors
    /// When the bank's mandates cannot be read.
    pub async fn authorizers(&self, terms: &Terms, accounts: &[String]) -> Result<Vec<Authorizer>, Fault> {
        let mut all: Vec<Authorizer> = Vec::new();
        for account in accounts.iter().filter(|_| terms.moves_money()) {
            for authorizer in self.mandates.authorizers(account).await? {
                if !all.iter().any(|known| known.id == authorizer.id) {
                    all.push(authorizer);
                }
            }
        }
        Ok(all)
    }

    /// What stands in the way of an approval by this customer (UAE bank service initiation section 4, `BaseConsentId`).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn objection(
        &self,
        consent: &Consent,
        customer: &Subject,
        now: Timestamp,
    ) -> Result<Option<Objection>, Fault> {
        let Some(base) = consent.terms.base().filter(|base| *base != consent.id.as_str()) else {
            return Ok(None);
        };
        let stored = match ConsentId::new(base) {
            Ok(id) => self.consent(&id, now).await?,
            Err(_) => None,
        };
        let own = |base: &Consent| {
            base.client == consent.client
                && base.issuer == consent.issuer
                && base.subject.as_ref() == Some(customer)
        };
        Ok(if stored.as_ref().is_some_and(own) { None } else { Some(Objection::OtherBase) })
    }
}

/// An approval with what was read before it.
fn showing(vote: &Vote<'_>, changed: Consent, entry: HistoryEntry) -> (Consent, HistoryEntry) {
    match (vote.decision, vote.shown) {
        (Decision::Approved, Some(text)) => {
            let own = |authorizer: &Authorizer| authorizer.id == vote.authorizer;
            (changed.having_shown(text, own), entry.showing(Some(text.clone())))
        }
        (Decision::Approved, None) | (Decision::Rejected, _) => (changed, entry),
    }
}

/// An authoriser decides in person; the bank may bring anybody's decision, a third party nobody's.
fn may_bring(consent: &Consent, vote: &Vote<'_>) -> bool {
    let named = consent.approvals.iter().map(|entry| &entry.authorizer).find(|one| one.id == vote.authorizer);
    match (vote.actor, named) {
        (Actor::Customer(subject), Some(named)) => named.subject.as_ref() == Some(subject),
        (Actor::Operator(_), Some(_)) => true,
        (Actor::Tpp(_) | Actor::Clock | Actor::Engine, _) | (_, None) => false,
    }
}
