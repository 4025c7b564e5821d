//! Events: what a third party that subscribed is told about its consent and what is done under it (UAE bank service
//! initiation section 11.2).
//!
//! An event is kept in the transaction of the change it tells of, or not at all. It holds the state that the change left
//! behind, as its keeper stores it, and not yet the words of any interface: read again at delivery, a resource might have
//! moved on and one state would be told twice and another never; put into words at the change, signatures would be made
//! inside a transaction, with keys that may be withdrawn before the event is delivered.

use std::fmt;

use oauth_core::{ClientId, ConsentId, Issuer, Timestamp};
use ring::digest;
use serde::{Deserialize, Serialize};

use crate::consent::Consent;
use crate::consent::history::{Changed, HistoryEntry};

/// Something that happened to a consent or under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its name, the same in every attempt to tell it.
    pub id: EventId,
    /// The issuer of the consent.
    pub issuer: Issuer,
    /// Who is told.
    pub client: ClientId,
    /// The consent. Its events are told in the order in which they happened.
    pub consent: ConsentId,
    /// What happened.
    pub kind: EventKind,
    /// To what.
    pub about: EventResource,
    /// The resource as it was then: the stored form of its keeper.
    pub state: String,
    /// When.
    pub at: Timestamp,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The resource is new.
    Created,
    /// It has changed.
    Updated,
}

/// What it happened to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventResource {
    /// The consent itself.
    Consent,
    /// The payment of this name under it.
    Payment(String),
}

/// A payment as an event tells of it.
#[derive(Debug)]
pub struct PaymentState<'a> {
    /// Its name.
    pub id: &'a str,
    /// The step it has taken: a payment takes each at most once.
    pub step: &'a str,
    /// The payment as its keeper stores it.
    pub stored: String,
    /// When it took the step.
    pub at: Timestamp,
}

impl Event {
    /// The event of a changed consent; `None` when nobody wants it. A consent is told of when its status has changed, and
    /// when one more of those who have to approve has decided.
    ///
    /// # Errors
    /// When the consent cannot be written.
    pub fn of_consent(changed: &Consent, entry: &HistoryEntry) -> Result<Option<Self>, serde_json::Error> {
        let told = match entry.what {
            Changed::Status => entry.from.is_some_and(|from| from != entry.to),
            Changed::Decision => true,
            Changed::Request | Changed::Terms | Changed::Subscription => false,
        };
        if !told || changed.listens_at().is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            id: EventId::of(["consent", changed.id.as_str(), &changed.revision.to_string()]),
            kind: EventKind::Updated,
            about: EventResource::Consent,
            state: serde_json::to_string(changed)?,
            ..Self::blank(changed, entry.at)
        }))
    }

    /// The event of a payment under this consent, which is as the change leaves it; `None` when nobody wants it.
    #[must_use]
    pub fn of_payment(consent: &Consent, kind: EventKind, payment: PaymentState<'_>) -> Option<Self> {
        consent.listens_at()?;
        Some(Self {
            id: EventId::of(["payment", payment.id, payment.step]),
            kind,
            about: EventResource::Payment(payment.id.to_owned()),
            state: payment.stored,
            ..Self::blank(consent, payment.at)
        })
    }

    fn blank(consent: &Consent, at: Timestamp) -> Self {
        Self {
            id: EventId(String::new()),
            issuer: consent.issuer.clone(),
            client: consent.client.clone(),
            consent: consent.id.clone(),
            kind: EventKind::Updated,
            about: EventResource::Consent,
            state: String::new(),
            at,
        }
    }
}

impl Consent {
    /// Where its events go, while they are wanted.
    #[must_use]
    pub fn listens_at(&self) -> Option<&str> {
        self.subscription.as_ref().filter(|webhook| webhook.active).map(|webhook| webhook.url.as_str())
    }

    /// Whether its third party said that it wants no events, which cancels those that wait.
    #[cfg(any(feature = "memory", feature = "sql"))]
    pub(crate) fn declines_events(&self) -> bool {
        self.subscription.as_ref().is_some_and(|webhook| !webhook.active)
    }
}

/// The name of an event. It follows from what happened, so that one happening has one name wherever it is told.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// The name of what these words say together.
    #[must_use]
    pub fn of(words: [&str; 3]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for word in words {
            context.update(word.as_bytes());
            context.update(&[0]);
        }
        let digest = context.finish();
        let digits = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}"));
        Self(std::iter::once("evt-".to_owned()).chain(digits).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_follows_from_what_happened_and_from_nothing_else() {
        let name = EventId::of(["payment", "p-1", "completed"]);
        assert_eq!(name, EventId::of(["payment", "p-1", "completed"]));
        for other in
            [["payment", "p-1", "rejected"], ["payment", "p-1c", "ompleted"], ["consent", "p-1", "completed"]]
        {
            assert_ne!(name, EventId::of(other), "{other:?}");
        }
        assert_eq!(name.as_str().len(), 36);
    }
}
