//! What a store of events does. One verb decides every race: of any number of workers that claim an event one gets it, for
//! as long as its lease lasts.

use async_trait::async_trait;
use oauth_core::{ConsentId, Fault, Timestamp};

use crate::event::{Event, EventId};

/// Keeps events until they have been told. They are put there by the stores of what they tell of, together with the change.
#[async_trait]
pub trait EventOutbox: Send + Sync {
    /// Takes events whose turn has come, the longest due first. Of each consent the oldest event alone has its turn, so that
    /// a later one waits until it was [finished](Self::finish). Nobody else gets a claimed event before its lease ends;
    /// then somebody else does, because whoever held it may be gone. Called by every worker, in any number of processes.
    async fn claim(&self, asked: &EventClaim) -> Result<Vec<ClaimedEvent>, Fault>;

    /// Deletes an event that was told or given up. Called by the worker that holds it.
    async fn finish(&self, lease: &Lease) -> Result<LeaseEnd, Fault>;

    /// Gives an event back until another time. Called by the worker that holds it.
    async fn put_off(&self, lease: &Lease, until: Timestamp, why: PutOff) -> Result<LeaseEnd, Fault>;

    /// Deletes every event of a consent and says how many. Called when its third party wants no more of them; the consent
    /// stores do so themselves in a change that says so.
    async fn cancel(&self, consent: &ConsentId) -> Result<u64, Fault>;

    /// The events of a consent that wait, oldest first, at most [`LIST_MAX`](crate::LIST_MAX). For operators and tests.
    async fn waiting(&self, consent: &ConsentId) -> Result<Vec<Event>, Fault>;
}

/// A worker's wish for events.
#[derive(Debug, Clone)]
pub struct EventClaim {
    /// Who asks: a name that no two calls share.
    pub holder: String,
    /// What time it is.
    pub now: Timestamp,
    /// When the lease ends.
    pub until: Timestamp,
    /// Events at most.
    pub limit: u32,
}

/// An event, for one worker alone until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedEvent {
    /// The event.
    pub event: Event,
    /// Attempts that have failed.
    pub failures: u32,
    /// The worker's right to it.
    pub lease: Lease,
}

/// A worker's right to one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The event.
    pub event: EventId,
    /// Who holds it.
    pub holder: String,
}

/// Why an event is put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOff {
    /// An attempt has failed, and counts.
    Failed,
    /// None was made.
    Untried,
}

/// How a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseEnd {
    /// As its holder wished.
    Done,
    /// Earlier: it was over, or the event was cancelled. Nothing changed.
    Lost,
}
