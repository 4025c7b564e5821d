//! Consents in this process, for tests and demonstrations.

mod events;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use oauth_core::{ClientId, Companion, ConsentId, Fault, Kept, Subject, Timestamp};

use crate::consent::Consent;
use crate::consent::history::HistoryEntry;
use crate::event::Event;
use crate::port::{ConsentStore, DUE_MAX, Inserted, LIST_MAX, Replaced};

/// Consents in memory.
#[derive(Debug, Default)]
pub struct MemoryConsents(Arc<Mutex<Shelf>>);

#[derive(Debug, Default)]
struct Shelf {
    /// By unique key, in the order of their creation.
    order: Vec<String>,
    consents: HashMap<String, (Consent, Vec<HistoryEntry>)>,
    /// In the order in which they happened.
    events: Vec<events::Waiting>,
}

impl MemoryConsents {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the whole store for a change that must succeed or fail with one elsewhere. Everybody else waits until this is
    /// dropped, so take it last and never hold it across an `await`.
    pub fn hold(&self) -> HeldConsents<'_> {
        HeldConsents(self.shelf())
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        locked(&self.0)
    }

    fn change(&self, way: Way, consent: &Consent, entry: &HistoryEntry) -> Box<dyn Companion> {
        let (consent, entry) = (consent.clone(), entry.clone());
        Box::new(Change { shelf: Arc::clone(&self.0), way, consent, entry })
    }
}

/// All consents of a [`MemoryConsents`], in one hand.
#[derive(Debug)]
pub struct HeldConsents<'a>(MutexGuard<'a, Shelf>);

impl HeldConsents<'_> {
    /// The consent of this very spelling.
    #[must_use]
    pub fn consent(&self, id: &ConsentId) -> Option<Consent> {
        self.0.named(id).map(|(consent, _)| consent.clone())
    }

    /// Keeps a new consent, as [`ConsentStore::insert`] does.
    pub fn insert(&mut self, consent: &Consent, entry: &HistoryEntry) -> Inserted {
        match self.0.insert(consent, entry) {
            Kept::Done => Inserted::New,
            Kept::Overtaken => Inserted::IdUsed,
        }
    }

    /// Keeps a changed consent by its revision, as [`ConsentStore::replace`] does, with an entry when its status changed.
    pub fn save(&mut self, changed: &Consent, entry: Option<&HistoryEntry>) -> Replaced {
        match self.0.replace(changed, entry) {
            Kept::Done => Replaced::Done,
            Kept::Overtaken => Replaced::Conflict,
        }
    }

    /// Keeps an event together with the change that it tells of.
    pub fn enqueue(&mut self, event: Event) {
        self.0.events.push(events::Waiting::new(event));
    }
}

/// A change of one consent, not kept yet.
struct Change {
    shelf: Arc<Mutex<Shelf>>,
    way: Way,
    consent: Consent,
    entry: HistoryEntry,
}

#[derive(Clone, Copy)]
enum Way {
    Insert,
    Replace,
}

#[async_trait]
impl Companion for Change {
    async fn keep(&self) -> Result<Kept, Fault> {
        let mut shelf = locked(&self.shelf);
        Ok(match self.way {
            Way::Insert => shelf.insert(&self.consent, &self.entry),
            Way::Replace => shelf.replace(&self.consent, Some(&self.entry)),
        })
    }
}

fn locked(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    fn insert(&mut self, consent: &Consent, entry: &HistoryEntry) -> Kept {
        let key = consent.unique_key();
        if self.consents.contains_key(&key) {
            return Kept::Overtaken;
        }
        self.order.push(key.clone());
        self.consents.insert(key, (consent.clone(), vec![entry.clone()]));
        Kept::Done
    }

    fn replace(&mut self, changed: &Consent, entry: Option<&HistoryEntry>) -> Kept {
        let Some((consent, history)) = self.consents.get_mut(&changed.unique_key()) else {
            return Kept::Overtaken;
        };
        if consent.id != changed.id || consent.revision != changed.revision {
            return Kept::Overtaken;
        }
        *consent = Consent { revision: changed.revision.saturating_add(1), ..changed.clone() };
        history.extend(entry.cloned());
        if changed.declines_events() {
            self.cancel(&changed.id);
        }
        // Only a consent that cannot be written has no event, and such a consent no store would keep.
        if let Some(Ok(Some(event))) = entry.map(|entry| Event::of_consent(changed, entry)) {
            self.events.push(events::Waiting::new(event));
        }
        Kept::Done
    }

    fn named(&self, id: &ConsentId) -> Option<&(Consent, Vec<HistoryEntry>)> {
        self.consents.get(&crate::value::uuid::key(id.as_str())).filter(|(consent, _)| consent.id == *id)
    }

    fn newest(&self, wanted: impl Fn(&Consent) -> bool) -> Vec<Consent> {
        let all =
            self.order.iter().rev().filter_map(|key| self.consents.get(key)).map(|(consent, _)| consent);
        let mut found: Vec<Consent> = all.filter(|consent| wanted(consent)).cloned().collect();
        found.sort_by_key(|consent| std::cmp::Reverse(consent.created_at));
        found.truncate(LIST_MAX);
        found
    }
}

#[async_trait]
impl ConsentStore for MemoryConsents {
    fn insertion(&self, consent: &Consent, entry: &HistoryEntry) -> Result<Box<dyn Companion>, Fault> {
        Ok(self.change(Way::Insert, consent, entry))
    }

    fn replacement(&self, changed: &Consent, entry: &HistoryEntry) -> Result<Box<dyn Companion>, Fault> {
        Ok(self.change(Way::Replace, changed, entry))
    }

    async fn consent(&self, id: &ConsentId) -> Result<Option<Consent>, Fault> {
        Ok(self.shelf().named(id).map(|(consent, _)| consent.clone()))
    }

    async fn of_subject(&self, subject: &Subject) -> Result<Vec<Consent>, Fault> {
        Ok(self.shelf().newest(|consent| consent.subject.as_ref() == Some(subject)))
    }

    async fn of_client(&self, client: &ClientId) -> Result<Vec<Consent>, Fault> {
        Ok(self.shelf().newest(|consent| consent.client == *client))
    }

    async fn waiting_for(&self, subject: &Subject) -> Result<Vec<Consent>, Fault> {
        Ok(self.shelf().newest(|consent| consent.waits_for().any(|other| other == subject)))
    }

    async fn of_base(&self, client: &ClientId, base: &str) -> Result<Vec<Consent>, Fault> {
        let continues = |consent: &Consent| consent.client == *client && consent.terms.base() == Some(base);
        Ok(self.shelf().newest(continues))
    }

    async fn history(&self, id: &ConsentId) -> Result<Vec<HistoryEntry>, Fault> {
        Ok(self.shelf().named(id).map(|(_, history)| history.clone()).unwrap_or_default())
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, Fault> {
        let mut shelf = self.shelf();
        let over = |consent: &Consent| consent.is_over_unapproved() && consent.created_at < before;
        let keys: Vec<String> = shelf
            .consents
            .iter()
            .filter(|(_, (consent, _))| over(consent))
            .map(|(key, _)| key.clone())
            .take(DUE_MAX)
            .collect();
        for key in &keys {
            shelf.consents.remove(key);
        }
        let Shelf { order, consents, .. } = &mut *shelf;
        order.retain(|key| consents.contains_key(key));
        Ok(u64::try_from(keys.len()).unwrap_or(u64::MAX))
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<Consent>, Fault> {
        let shelf = self.shelf();
        let is_due = |consent: &&Consent| consent.due_at().is_some_and(|due| due <= now);
        let mut due: Vec<Consent> =
            shelf.consents.values().map(|(consent, _)| consent).filter(is_due).cloned().collect();
        due.sort_by_key(Consent::due_at);
        due.truncate(DUE_MAX);
        Ok(due)
    }
}
