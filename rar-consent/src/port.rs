//! What a consent store does. One verb decides every race: [`ConsentStore::replace`] succeeds once for each revision.

use async_trait::async_trait;
use oauth_core::{ClientId, Companion, ConsentId, Fault, Kept, Standing, Subject, Timestamp};

use crate::consent::Consent;
use crate::consent::approval::Authorizer;
use crate::consent::history::HistoryEntry;
use crate::consent::status::ConsentStatus;

/// Consents a list holds at most.
pub const LIST_MAX: usize = 200;
/// Due consents one call returns at most.
pub const DUE_MAX: usize = 500;

/// Keeps consents and their history.
#[async_trait]
pub trait ConsentStore: Send + Sync {
    /// A new consent with the first entry of its history, to be kept alone or together with the request that brings it.
    /// Its [`unique_key`](Consent::unique_key) is then taken: for ever when the consent is approved, otherwise until it is
    /// [forgotten](Self::forget). Where it was taken before, the change is [overtaken](oauth_core::Kept::Overtaken).
    fn insertion(&self, consent: &Consent, entry: &HistoryEntry) -> Result<Box<dyn Companion>, Fault>;

    /// A changed consent with its entry, to be kept alone or together with what decided it, both or neither, provided
    /// that the stored one then still has the revision of `changed`: otherwise the change is
    /// [overtaken](oauth_core::Kept::Overtaken). The stored revision rises by one. Of any number of concurrent changes of
    /// one revision exactly one is kept.
    fn replacement(&self, changed: &Consent, entry: &HistoryEntry) -> Result<Box<dyn Companion>, Fault>;

    /// Keeps a new consent by itself.
    async fn insert(&self, consent: &Consent, entry: &HistoryEntry) -> Result<Inserted, Fault> {
        Ok(match self.insertion(consent, entry)?.keep().await? {
            Kept::Done => Inserted::New,
            Kept::Overtaken => Inserted::IdUsed,
        })
    }

    /// Keeps a changed consent by itself.
    async fn replace(&self, changed: &Consent, entry: &HistoryEntry) -> Result<Replaced, Fault> {
        Ok(match self.replacement(changed, entry)?.keep().await? {
            Kept::Done => Replaced::Done,
            Kept::Overtaken => Replaced::Conflict,
        })
    }

    /// The consent of this very spelling.
    async fn consent(&self, id: &ConsentId) -> Result<Option<Consent>, Fault>;

    /// The status of a consent and when it is due to change by itself. Called at every introspection and resource call.
    async fn status(&self, id: &ConsentId) -> Result<Option<KeptStatus>, Fault> {
        let consent = self.consent(id).await?;
        Ok(consent.map(|consent| KeptStatus { status: consent.status, due_at: consent.due_at() }))
    }

    /// The consents of a customer, newest first, at most [`LIST_MAX`].
    async fn of_subject(&self, subject: &Subject) -> Result<Vec<Consent>, Fault>;

    /// The consents of a third party, newest first, at most [`LIST_MAX`].
    async fn of_client(&self, client: &ClientId) -> Result<Vec<Consent>, Fault>;

    /// The consents that wait for the approval of this customer, beside that of whoever was sent, newest first, at most
    /// [`LIST_MAX`].
    async fn waiting_for(&self, subject: &Subject) -> Result<Vec<Consent>, Fault>;

    /// The consents of a third party that continue this one (`BaseConsentId`), newest first, at most [`LIST_MAX`].
    async fn of_base(&self, client: &ClientId, base: &str) -> Result<Vec<Consent>, Fault>;

    /// The history of a consent, oldest first.
    async fn history(&self, id: &ConsentId) -> Result<Vec<HistoryEntry>, Fault>;

    /// Deletes consents made before this that ended without anybody having approved them, with their history, at most
    /// [`DUE_MAX`], and says how many. Their unique keys are free again.
    async fn forget(&self, before: Timestamp) -> Result<u64, Fault>;

    /// Consents whose status time has changed by now, at most [`DUE_MAX`], the longest overdue first.
    async fn due(&self, now: Timestamp) -> Result<Vec<Consent>, Fault>;
}

/// The bank's mandates: who may debit an account.
#[async_trait]
pub trait Mandates: Send + Sync {
    /// Whom an account, named as the consent names it (identifier or IBAN), asks for before money leaves it, in the order
    /// they are listed; none where whoever may choose the account decides alone. Called when a customer approves.
    async fn authorizers(&self, account: &str) -> Result<Vec<Authorizer>, Fault>;

    /// The bank's own identifier of the account with this IBAN, by which the consent will name it; `None` leaves the IBAN.
    /// Called when a customer approves a request that names the account itself.
    async fn identifier(&self, _iban: &str) -> Result<Option<String>, Fault> {
        Ok(None)
    }
}

/// Every account is one person's: the default of a bank without mandates.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoleHolders;

#[async_trait]
impl Mandates for SoleHolders {
    async fn authorizers(&self, _account: &str) -> Result<Vec<Authorizer>, Fault> {
        Ok(Vec::new())
    }
}

/// A status as it is kept: time may have overtaken it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptStatus {
    /// The status.
    pub status: ConsentStatus,
    /// When it changes by itself.
    pub due_at: Option<Timestamp>,
}

impl KeptStatus {
    /// How the consent stands at this instant. What is due has ended: time allows no other move.
    #[must_use]
    pub fn standing(self, now: Timestamp) -> Standing {
        if self.due_at.is_some_and(|due| due <= now) { Standing::Ended } else { self.status.standing() }
    }
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
