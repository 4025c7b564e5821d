//! Events on their way to the third parties that want them (UAE Bank Service Initiation section 11).
//!
//! An event waits in the [`EventOutbox`] since the change it tells of. A worker [claims](Webhooks::claim) what is due and
//! [delivers](Webhooks::deliver) each claimed event, any number of them at a time: of each consent only the oldest event is
//! ever claimed, and by one worker alone, so the order of a consent's events holds across processes. An event whose worker
//! died is claimed by another when its lease ends, so it may arrive twice and never not at all; its name is the same.
//!
//! What an event looks like is its interface's business ([`Notices`]); how it travels is the [`Courier`]'s.

mod breaker;
mod courier;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use http::StatusCode;
use oauth_core::{Entropy, Fault, Issuer, Seconds, Timestamp};
use rar_consent::{ClaimedEvent, Event, EventClaim, EventOutbox, PutOff};

use crate::guard::fresh_uuid;
use breaker::{Breakers, Passage};

pub use courier::{Courier, Letter, Undelivered};

/// Delivers events. One for all workers of a process: what it knows of slow and dead targets is in its memory only, and a
/// process that starts again learns it anew.
pub struct Webhooks {
    events: Arc<dyn EventOutbox>,
    entropy: Arc<dyn Entropy>,
    courier: Arc<dyn Courier>,
    notices: HashMap<Issuer, Arc<dyn Notices>>,
    breakers: Breakers,
}

/// The words for events of one issuer.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Writes, signs and encrypts what is sent for an event, anew for every attempt. Called by the worker, outside every
    /// request.
    async fn compose(&self, event: &Event, now: Timestamp) -> Result<Composed, Fault>;
}

/// What came of writing an event.
#[derive(Debug)]
pub enum Composed {
    /// It can be sent.
    Letter(Letter),
    /// It cannot be sent now, which counts as an attempt: why.
    NotNow(String),
    /// It can never be sent: why. It is dropped.
    Never(&'static str),
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The third party has acknowledged it.
    Acknowledged,
    /// It will be tried again at this instant.
    Again(Timestamp),
    /// It is given up.
    Dropped,
}

/// Section 11.2: between a failed attempt and the next. After the last the event is dropped.
pub const RETRIES: [Seconds; 6] = [
    Seconds::new(30),
    Seconds::minutes(2),
    Seconds::minutes(10),
    Seconds::minutes(60),
    Seconds::minutes(6 * 60),
    Seconds::days(1),
];
/// How long an event is a worker's own. An attempt, with a fetch of the client's keys before it, is done in half of that.
const LEASE: Seconds = Seconds::new(20);
/// The next look at an event that could not be written because something of ours failed.
const OUR_PAUSE: Seconds = Seconds::new(5);

impl Webhooks {
    /// Delivers the events of these issuers.
    #[must_use]
    pub fn new(
        events: Arc<dyn EventOutbox>,
        courier: Arc<dyn Courier>,
        entropy: Arc<dyn Entropy>,
        notices: impl IntoIterator<Item = (Issuer, Arc<dyn Notices>)>,
    ) -> Self {
        let notices = notices.into_iter().collect();
        Self { events, entropy, courier, notices, breakers: Breakers::default() }
    }

    /// Takes at most so many events whose turn has come. Deliver each within [`LEASE`]: afterwards somebody else may.
    ///
    /// # Errors
    /// When the store or the random source fails.
    pub async fn claim(&self, now: Timestamp, limit: u32) -> Result<Vec<ClaimedEvent>, Fault> {
        let holder = fresh_uuid(&*self.entropy)?;
        self.events.claim(&EventClaim { holder, now, until: now.plus(LEASE), limit }).await
    }

    /// Makes one attempt, and says what became of it. `now` is the instant of the attempt.
    ///
    /// # Errors
    /// When the store fails; the event is claimed again when its lease has ended.
    pub async fn deliver(&self, claimed: &ClaimedEvent, now: Timestamp) -> Result<Attempt, Fault> {
        let event = &claimed.event;
        let Some(notices) = self.notices.get(&event.issuer) else {
            return self.drop(claimed, "nobody here speaks for its issuer").await;
        };
        let letter = match notices.compose(event, now).await {
            Ok(Composed::Letter(letter)) => letter,
            Ok(Composed::NotNow(why)) => return self.failed(claimed, &why, now).await,
            Ok(Composed::Never(why)) => return self.drop(claimed, why).await,
            Err(fault) => {
                tracing::error!(port = fault.port, error = %fault.source, event = %event.id, "an event could not be written");
                return self.again(claimed, now.plus(OUR_PAUSE), PutOff::Untried).await;
            }
        };
        let target = letter.url.authority().to_ascii_lowercase();
        if let Passage::NotBefore(until) = self.breakers.ask(&target, now) {
            return self.again(claimed, until, PutOff::Untried).await;
        }
        match acknowledged(self.courier.send(&letter).await) {
            Ok(()) => {
                self.breakers.succeeded(&target);
                self.events.finish(&claimed.lease).await?;
                tracing::debug!(event = %event.id, consent = %event.consent, "an event was delivered");
                Ok(Attempt::Acknowledged)
            }
            Err(why) => {
                self.breakers.failed(&target, now);
                self.failed(claimed, &why, now).await
            }
        }
    }

    async fn failed(&self, claimed: &ClaimedEvent, why: &str, now: Timestamp) -> Result<Attempt, Fault> {
        let (event, made) = (&claimed.event, usize::try_from(claimed.failures).unwrap_or(usize::MAX));
        tracing::info!(event = %event.id, client = %event.client, why, "an event was not acknowledged");
        match RETRIES.get(made) {
            Some(pause) => self.again(claimed, now.plus(*pause), PutOff::Failed).await,
            None => self.drop(claimed, "it was never acknowledged").await,
        }
    }

    async fn again(&self, claimed: &ClaimedEvent, until: Timestamp, why: PutOff) -> Result<Attempt, Fault> {
        self.events.put_off(&claimed.lease, until, why).await?;
        Ok(Attempt::Again(until))
    }

    async fn drop(&self, claimed: &ClaimedEvent, why: &'static str) -> Result<Attempt, Fault> {
        let event = &claimed.event;
        tracing::warn!(event = %event.id, consent = %event.consent, client = %event.client, why, "an event was dropped");
        self.events.finish(&claimed.lease).await?;
        Ok(Attempt::Dropped)
    }
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks").field("issuers", &self.notices.keys()).finish_non_exhaustive()
    }
}

/// Section 11.2: 204 or 202 without content. Everything else is a failure.
fn acknowledged(answer: Result<StatusCode, Undelivered>) -> Result<(), String> {
    match answer {
        Ok(StatusCode::NO_CONTENT | StatusCode::ACCEPTED) => Ok(()),
        Ok(other) => Err(format!("answered with {}", other.as_u16())),
        Err(fault) => Err(fault.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_204_and_202_acknowledge() {
        for status in 200..600 {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(acknowledged(Ok(status)).is_ok(), matches!(status.as_u16(), 202 | 204), "{status}");
        }
        assert!(acknowledged(Err(Undelivered("too slow".to_owned()))).is_err());
    }
}
