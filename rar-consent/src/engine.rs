//! The consents behind grants: what the authorization server asks for, and what pages and APIs do with them.
//!
//! Every reading applies the clock first and keeps what it changed, so nobody sees a status that time has overtaken.

#[cfg(feature = "testkit")]
mod alone;
mod approvals;
mod bank_side;
mod grants;

use std::sync::Arc;

use oauth_core::{ClientId, Clock, ConsentId, Fault, Seconds, Subject, Timestamp};

use crate::consent::Consent;
use crate::consent::amend::AmendFault;
use crate::consent::history::{Actor, Channel, HistoryEntry};
use crate::consent::status::{ConsentStatus, IllegalMove, MoveFault};
use crate::consent::terms::OfxperaConsent;
use crate::detail::ofxpera::TermsFault;
use crate::detail::registry::DetailRegistry;
use crate::port::{ConsentStore, DUE_MAX, Inserted, Mandates, Replaced, SoleHolders};

pub use approvals::{Decided, Objection, Vote};
pub use bank_side::Ordered;

/// Keeps the consents behind grants.
pub struct ConsentEngine {
    registry: DetailRegistry,
    store: Arc<dyn ConsentStore>,
    mandates: Arc<dyn Mandates>,
    clock: Arc<dyn Clock>,
}

/// What became of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// It is revoked by this call.
    Now,
    /// It was revoked before; nothing changed.
    Before,
    /// It has this status and cannot be revoked by this side; nothing changed.
    Illegal(ConsentStatus),
    /// There is no such consent.
    Unknown,
}

/// What became of a suspension or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It has the status by this call.
    Now,
    /// It had the status before; nothing changed.
    Before,
    /// The other side suspended it; nothing changed.
    OtherSide,
    /// It has this status and the move is not in the table; nothing changed.
    Illegal(ConsentStatus),
    /// There is no such consent.
    Unknown,
}

/// What became of a change of terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amended {
    /// The new terms hold.
    Done,
    /// They ask for more than the customer approved; nothing changed.
    Widened,
    /// They are not well-formed or name another data holder; nothing changed.
    Malformed(TermsFault),
    /// Its status allows no change; nothing changed.
    Illegal(ConsentStatus),
    /// It is no consent of this kind, or there is none.
    Unknown,
}

/// Readings of a consent that somebody else keeps changing.
const TRIES: u32 = 8;
/// How long a consent is kept that nobody approved. What was approved is a record of the bank and stays.
const UNAPPROVED_KEPT: Seconds = Seconds::days(90);
/// Full batches one sweep works through.
const BATCHES: u32 = 20;

impl ConsentEngine {
    /// An engine over a store. The registry is the one the authorization server asks.
    #[must_use]
    pub fn new(registry: DetailRegistry, store: Arc<dyn ConsentStore>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Self::with_mandates(registry, store, clock, Arc::new(SoleHolders))
    }

    /// An engine for a bank with accounts that ask for more than one person.
    #[must_use]
    pub fn with_mandates(
        registry: DetailRegistry,
        store: Arc<dyn ConsentStore>,
        clock: Arc<dyn Clock>,
        mandates: Arc<dyn Mandates>,
    ) -> Arc<Self> {
        Arc::new(Self { registry, store, mandates, clock })
    }

    /// The consent, clock applied and kept.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn consent(&self, id: &ConsentId, now: Timestamp) -> Result<Option<Consent>, Fault> {
        for _ in 0..TRIES {
            let Some(consent) = self.store.consent(id).await? else {
                return Ok(None);
            };
            let Some((moved, entry)) = consent.at(now) else {
                return Ok(Some(consent));
            };
            if self.store.replace(&moved, &entry).await? == Replaced::Done {
                return Ok(Some(kept(moved)));
            }
        }
        Err(contended())
    }

    /// Keeps a consent that was not asked for through an authorization request, such as one of
    /// `POST /common/consent`. Build it with [`Consent::awaiting`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn create(&self, consent: &Consent, entry: &HistoryEntry) -> Result<Inserted, Fault> {
        self.store.insert(consent, entry).await
    }

    /// Changes the terms of an OFxPERA consent: freely until an authorization request refers to it, not at all while the
    /// customer decides, and to narrower ones afterwards.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn amend(
        &self,
        id: &ConsentId,
        terms: &OfxperaConsent,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Amended, Fault> {
        for _ in 0..TRIES {
            let Some(consent) = self.consent(id, now).await?.filter(|consent| consent.is_of(actor)) else {
                return Ok(Amended::Unknown);
            };
            let (changed, entry) = match consent.amended(terms, actor, now) {
                Ok(amended) => amended,
                Err(AmendFault::Widened) => return Ok(Amended::Widened),
                Err(AmendFault::Malformed(fault)) => return Ok(Amended::Malformed(fault)),
                Err(AmendFault::Status(status)) => return Ok(Amended::Illegal(status)),
                Err(AmendFault::OtherKind) => return Ok(Amended::Unknown),
            };
            if self.store.replace(&changed, &entry).await? == Replaced::Done {
                return Ok(Amended::Done);
            }
        }
        Err(contended())
    }

    /// Revokes a consent of this actor; another's is unknown to it. Its tokens die with it, because each use of them asks for its [`Standing`](oauth_core::Standing).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke(
        &self,
        id: &ConsentId,
        actor: &Actor,
        reason: &str,
        now: Timestamp,
    ) -> Result<Revoked, Fault> {
        self.revoke_through(id, (actor, reason), door(actor), now).await
    }

    /// As [`Self::revoke`], where the actor came through another door than its usual one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke_through(
        &self,
        id: &ConsentId,
        (actor, reason): (&Actor, &str),
        channel: Option<Channel>,
        now: Timestamp,
    ) -> Result<Revoked, Fault> {
        let wanted = Wanted { to: ConsentStatus::Revoked, actor, reason, channel };
        Ok(match self.put(id, &wanted, now).await? {
            Moved::Now => Revoked::Now,
            Moved::Before => Revoked::Before,
            Moved::OtherSide => Revoked::Illegal(ConsentStatus::Suspended),
            Moved::Illegal(status) => Revoked::Illegal(status),
            Moved::Unknown => Revoked::Unknown,
        })
    }

    /// Holds a consent of this actor for now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn suspend(
        &self,
        id: &ConsentId,
        actor: &Actor,
        reason: &str,
        now: Timestamp,
    ) -> Result<Moved, Fault> {
        let channel = door(actor);
        self.put(id, &Wanted { to: ConsentStatus::Suspended, actor, reason, channel }, now).await
    }

    /// Ends a suspension; only the side that suspended may.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume(
        &self,
        id: &ConsentId,
        actor: &Actor,
        reason: &str,
        now: Timestamp,
    ) -> Result<Moved, Fault> {
        match self.consent(id, now).await? {
            Some(consent)
                if consent.is_of(actor) && consent.status == ConsentStatus::AwaitingAuthorization =>
            {
                Ok(Moved::Illegal(consent.status))
            }
            Some(_) => {
                let channel = door(actor);
                self.put(id, &Wanted { to: ConsentStatus::Authorized, actor, reason, channel }, now).await
            }
            None => Ok(Moved::Unknown),
        }
    }

    /// The consents of a customer, newest first, clock applied.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of_subject(&self, subject: &Subject, now: Timestamp) -> Result<Vec<Consent>, Fault> {
        self.current(self.store.of_subject(subject).await?, now).await
    }

    /// The consents of a third party, newest first, clock applied.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of_client(&self, client: &ClientId, now: Timestamp) -> Result<Vec<Consent>, Fault> {
        self.current(self.store.of_client(client).await?, now).await
    }

    /// The history of a consent, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn history(&self, id: &ConsentId) -> Result<Vec<HistoryEntry>, Fault> {
        self.store.history(id).await
    }

    /// Makes the moves that time has made due, deletes what ended long ago without an approval, and says how many consents
    /// that were. Any number of processes may sweep at once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, Fault> {
        let mut moves = 0;
        for _ in 0..BATCHES {
            let due = self.store.due(now).await?;
            for (moved, entry) in due.iter().filter_map(|consent| consent.at(now)) {
                if self.store.replace(&moved, &entry).await? == Replaced::Done {
                    moves += 1;
                }
            }
            if due.len() < DUE_MAX {
                break;
            }
        }
        for _ in 0..BATCHES {
            let forgotten = self.store.forget(now.minus(UNAPPROVED_KEPT)).await?;
            moves += forgotten;
            if forgotten < u64::try_from(DUE_MAX).unwrap_or(u64::MAX) {
                break;
            }
        }
        Ok(moves)
    }

    async fn current(&self, consents: Vec<Consent>, now: Timestamp) -> Result<Vec<Consent>, Fault> {
        let mut current = Vec::with_capacity(consents.len());
        for consent in consents {
            if consent.at(now).is_none() {
                current.push(consent);
            } else if let Some(moved) = self.consent(&consent.id, now).await? {
                current.push(moved);
            }
        }
        Ok(current)
    }

    async fn put(&self, id: &ConsentId, wanted: &Wanted<'_>, now: Timestamp) -> Result<Moved, Fault> {
        for _ in 0..TRIES {
            let Some(consent) = self.consent(id, now).await?.filter(|consent| consent.is_of(wanted.actor))
            else {
                return Ok(Moved::Unknown);
            };
            if consent.status == wanted.to {
                return Ok(Moved::Before);
            }
            let (changed, entry) = match consent.moved(wanted.to, wanted.actor, wanted.reason, now) {
                Ok(moved) => moved,
                Err(IllegalMove { why: MoveFault::OtherSide, .. }) => return Ok(Moved::OtherSide),
                Err(IllegalMove {
                    why: MoveFault::NoSuchMove | MoveFault::ApprovalMissing, from, ..
                }) => {
                    return Ok(Moved::Illegal(from));
                }
            };
            let entry = HistoryEntry { channel: wanted.channel, ..entry };
            if self.store.replace(&changed, &entry).await? == Replaced::Done {
                return Ok(Moved::Now);
            }
        }
        Err(contended())
    }
}

/// A status somebody wants a consent to have.
struct Wanted<'a> {
    to: ConsentStatus,
    actor: &'a Actor,
    reason: &'a str,
    channel: Option<Channel>,
}

impl std::fmt::Debug for ConsentEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConsentEngine(…)")
    }
}

/// A consent as the store now has it.
fn kept(consent: Consent) -> Consent {
    Consent { revision: consent.revision.saturating_add(1), ..consent }
}

/// The door through which a side usually acts on consents that are in force.
const fn door(actor: &Actor) -> Option<Channel> {
    match actor {
        Actor::Tpp(_) => Some(Channel::Api),
        Actor::Customer(_) => Some(Channel::OnlineBanking),
        Actor::Operator(_) => Some(Channel::Operator),
        Actor::Clock | Actor::Engine => None,
    }
}

fn contended() -> Fault {
    Fault::new("consents", "a consent keeps changing; try again")
}
