//! What a consent store does. One verb decides every race: [`ConsentStore::replace`] succeeds once for each revision.

use async_trait::async_trait;
use oauth_core::{ClientId, ConsentId, Fault, Subject, Timestamp};

use crate::consent::Consent;
use crate::consent::history::HistoryEntry;

/// Consents a list holds at most.
pub const LIST_MAX: usize = 200;
/// Due consents one call returns at most.
pub const DUE_MAX: usize = 500;

/// Keeps consents and their history.
#[async_trait]
pub trait ConsentStore: Send + Sync {
    /// Keeps a new consent with the first entry of its history, both or neither. Its
    /// [`unique_key`](Consent::unique_key) is taken for ever, whatever becomes of it.
    async fn insert(&self, consent: &Consent, entry: &HistoryEntry) -> Result<Inserted, Fault>;

    /// The consent of this very spelling.
    async fn consent(&self, id: &ConsentId) -> Result<Option<Consent>, Fault>;

    /// Keeps a changed consent with its entry, both or neither, provided that the stored one still has the revision
    /// of `changed`. The stored revision rises by one. Of any number of concurrent calls exactly one sees
    /// [`Replaced::Done`].
    async fn replace(&self, changed: &Consent, entry: &HistoryEntry) -> Result<Replaced, Fault>;

    /// The consents of a customer, newest first, at most [`LIST_MAX`].
    async fn of_subject(&self, subject: &Subject) -> Result<Vec<Consent>, Fault>;

    /// The consents of a third party, newest first, at most [`LIST_MAX`].
    async fn of_client(&self, client: &ClientId) -> Result<Vec<Consent>, Fault>;

    /// The history of a consent, oldest first.
    async fn history(&self, id: &ConsentId) -> Result<Vec<HistoryEntry>, Fault>;

    /// Consents whose status time has changed by now, at most [`DUE_MAX`], the longest overdue first.
    async fn due(&self, now: Timestamp) -> Result<Vec<Consent>, Fault>;
}

/// What became of a new consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is kept.
    New,
    /// Its identifier was used before; nothing changed.
    IdUsed,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// It is kept.
    Done,
    /// Somebody was quicker, or there is no such consent; nothing changed.
    Conflict,
}
