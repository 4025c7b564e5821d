//! Events in this process.

use async_trait::async_trait;
use oauth_core::{ConsentId, Fault, Timestamp};

use super::{MemoryConsents, Shelf};
use crate::event::Event;
use crate::outbox::{ClaimedEvent, EventClaim, EventOutbox, Lease, LeaseEnd, PutOff};
use crate::port::LIST_MAX;

/// An event that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    event: Event,
    due_at: Timestamp,
    failures: u32,
    held: Option<(String, Timestamp)>,
}

impl Waiting {
    pub(super) const fn new(event: Event) -> Self {
        Self { due_at: event.at, event, failures: 0, held: None }
    }

    fn is_held(&self, lease: &Lease) -> bool {
        self.event.id == lease.event && self.held.as_ref().is_some_and(|(holder, _)| *holder == lease.holder)
    }

    fn has_its_turn(&self, now: Timestamp) -> bool {
        self.due_at <= now && self.held.as_ref().is_none_or(|(_, until)| *until <= now)
    }
}

impl Shelf {
    /// The oldest event of each consent, where its turn has come, the longest due first.
    fn turns(&self, now: Timestamp) -> Vec<usize> {
        let mut seen = Vec::new();
        let mut turns = Vec::new();
        for (index, waiting) in self.events.iter().enumerate() {
            if seen.contains(&&waiting.event.consent) {
                continue;
            }
            seen.push(&waiting.event.consent);
            if waiting.has_its_turn(now) {
                turns.push((waiting.due_at, index));
            }
        }
        turns.sort_unstable();
        turns.into_iter().map(|(_, index)| index).collect()
    }

    fn remove(&mut self, gone: impl Fn(&Waiting) -> bool) -> usize {
        let before = self.events.len();
        self.events.retain(|waiting| !gone(waiting));
        before.saturating_sub(self.events.len())
    }

    pub(super) fn cancel(&mut self, consent: &ConsentId) -> usize {
        self.remove(|waiting| waiting.event.consent == *consent)
    }
}

#[async_trait]
impl EventOutbox for MemoryConsents {
    async fn claim(&self, asked: &EventClaim) -> Result<Vec<ClaimedEvent>, Fault> {
        let mut shelf = self.shelf();
        let turns = shelf.turns(asked.now);
        let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
        let mut claimed = Vec::new();
        for index in turns.into_iter().take(limit) {
            let Some(waiting) = shelf.events.get_mut(index) else { continue };
            waiting.held = Some((asked.holder.clone(), asked.until));
            let lease = Lease { event: waiting.event.id.clone(), holder: asked.holder.clone() };
            claimed.push(ClaimedEvent { event: waiting.event.clone(), failures: waiting.failures, lease });
        }
        Ok(claimed)
    }

    async fn finish(&self, lease: &Lease) -> Result<LeaseEnd, Fault> {
        Ok(match self.shelf().remove(|waiting| waiting.is_held(lease)) {
            0 => LeaseEnd::Lost,
            _ => LeaseEnd::Done,
        })
    }

    async fn put_off(&self, lease: &Lease, until: Timestamp, why: PutOff) -> Result<LeaseEnd, Fault> {
        let mut shelf = self.shelf();
        let Some(waiting) = shelf.events.iter_mut().find(|waiting| waiting.is_held(lease)) else {
            return Ok(LeaseEnd::Lost);
        };
        (waiting.due_at, waiting.held) = (until, None);
        if why == PutOff::Failed {
            waiting.failures = waiting.failures.saturating_add(1);
        }
        Ok(LeaseEnd::Done)
    }

    async fn cancel(&self, consent: &ConsentId) -> Result<u64, Fault> {
        Ok(u64::try_from(self.shelf().cancel(consent)).unwrap_or(u64::MAX))
    }

    async fn waiting(&self, consent: &ConsentId) -> Result<Vec<Event>, Fault> {
        let shelf = self.shelf();
        let own = shelf.events.iter().map(|waiting| &waiting.event).filter(|event| event.consent == *consent);
        Ok(own.take(LIST_MAX).cloned().collect())
    }
}
