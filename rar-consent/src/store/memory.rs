//! Consents in this process, for tests and demonstrations.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use oauth_core::{ClientId, ConsentId, Fault, Subject, Timestamp};

use crate::consent::Consent;
use crate::consent::history::HistoryEntry;
use crate::port::{ConsentStore, DUE_MAX, Inserted, LIST_MAX, Replaced};

/// Consents in memory.
#[derive(Debug, Default)]
pub struct MemoryConsents(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// By unique key, in the order of their creation.
    order: Vec<String>,
    consents: HashMap<String, (Consent, Vec<HistoryEntry>)>,
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
        HeldConsents(self.kept())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All consents of a [`MemoryConsents`], in one hand.
#[derive(Debug)]
pub struct HeldConsents<'a>(MutexGuard<'a, Kept>);

impl HeldConsents<'_> {
    /// The consent of this very spelling.
    #[must_use]
    pub fn consent(&self, id: &ConsentId) -> Option<Consent> {
        self.0.named(id).map(|(consent, _)| consent.clone())
    }

    /// Keeps a new consent, as [`ConsentStore::insert`] does.
    pub fn insert(&mut self, consent: &Consent, entry: &HistoryEntry) -> Inserted {
        self.0.insert(consent, entry)
    }

    /// Keeps a changed consent by its revision, as [`ConsentStore::replace`] does, with an entry when its status changed.
    pub fn save(&mut self, changed: &Consent, entry: Option<&HistoryEntry>) -> Replaced {
        self.0.save(changed, entry)
    }
}

impl Kept {
    fn insert(&mut self, consent: &Consent, entry: &HistoryEntry) -> Inserted {
        let key = consent.unique_key();
        if self.consents.contains_key(&key) {
            return Inserted::IdUsed;
        }
        self.order.push(key.clone());
        self.consents.insert(key, (consent.clone(), vec![entry.clone()]));
        Inserted::New
    }

    fn save(&mut self, changed: &Consent, entry: Option<&HistoryEntry>) -> Replaced {
        let Some((consent, history)) = self.consents.get_mut(&changed.unique_key()) else {
            return Replaced::Conflict;
        };
        if consent.id != changed.id || consent.revision != changed.revision {
            return Replaced::Conflict;
        }
        *consent = Consent { revision: changed.revision.saturating_add(1), ..changed.clone() };
        history.extend(entry.cloned());
        Replaced::Done
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
    async fn insert(&self, consent: &Consent, entry: &HistoryEntry) -> Result<Inserted, Fault> {
        Ok(self.kept().insert(consent, entry))
    }

    async fn consent(&self, id: &ConsentId) -> Result<Option<Consent>, Fault> {
        Ok(self.kept().named(id).map(|(consent, _)| consent.clone()))
    }

    async fn replace(&self, changed: &Consent, entry: &HistoryEntry) -> Result<Replaced, Fault> {
        Ok(self.kept().save(changed, Some(entry)))
    }

    async fn of_subject(&self, subject: &Subject) -> Result<Vec<Consent>, Fault> {
        Ok(self.kept().newest(|consent| consent.subject.as_ref() == Some(subject)))
    }

    async fn of_client(&self, client: &ClientId) -> Result<Vec<Consent>, Fault> {
        Ok(self.kept().newest(|consent| consent.client == *client))
    }

    async fn history(&self, id: &ConsentId) -> Result<Vec<HistoryEntry>, Fault> {
        Ok(self.kept().named(id).map(|(_, history)| history.clone()).unwrap_or_default())
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<Consent>, Fault> {
        let kept = self.kept();
        let is_due = |consent: &&Consent| consent.due_at().is_some_and(|due| due <= now);
        let mut due: Vec<Consent> =
            kept.consents.values().map(|(consent, _)| consent).filter(is_due).cloned().collect();
        due.sort_by_key(Consent::due_at);
        due.truncate(DUE_MAX);
        Ok(due)
    }
}
