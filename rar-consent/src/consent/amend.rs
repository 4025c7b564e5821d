//! May the terms of a consent become these. Pure: the answer is the consent with the new terms, or why not.

use oauth_core::Timestamp;

use super::history::{Actor, Changed, HistoryEntry};
use super::status::ConsentStatus;
use super::terms::{OfxperaConsent, Terms};
use super::{AUTHORISE_WITHIN, Consent};
use crate::detail::ofxpera::TermsFault;

/// Why the terms of a consent cannot be changed so. Nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmendFault {
    /// They ask for more than the customer approved.
    #[error("more than the customer approved")]
    Widened,
    /// They are not well-formed or name another data holder.
    #[error(transparent)]
    Malformed(#[from] TermsFault),
    /// Its status allows no change.
    #[error("the consent is {0:?}")]
    Status(ConsentStatus),
    /// It is no consent of this kind.
    #[error("a consent of another kind")]
    OtherKind,
}

impl Consent {
    /// This consent with other terms, and the entry for its history: freely until its authorization page is open,
    /// not at all while the customer decides, and narrower ones afterwards.
    ///
    /// # Errors
    /// [`AmendFault`].
    pub fn amended(
        &self,
        terms: &OfxperaConsent,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(Self, HistoryEntry), AmendFault> {
        let Terms::Ofxpera(stored) = &self.terms else { return Err(AmendFault::OtherKind) };
        let waiting = match self.status {
            ConsentStatus::AwaitingAuthorization if self.asked_at.is_none() => true,
            ConsentStatus::Authorized | ConsentStatus::Suspended => false,
            ConsentStatus::AwaitingAuthorization
            | ConsentStatus::Rejected
            | ConsentStatus::Revoked
            | ConsentStatus::Expired
            | ConsentStatus::Finished => return Err(AmendFault::Status(self.status)),
        };
        if stored.data_holder != terms.data_holder {
            return Err(AmendFault::Malformed(TermsFault::DataHolder));
        }
        if waiting { terms.check(now) } else { terms.check_change(now) }?;
        if !waiting && !terms.is_within(stored) {
            return Err(AmendFault::Widened);
        }
        let mut changed = Self { terms: Terms::Ofxpera(terms.clone()), status_at: now, ..self.clone() };
        changed.until = changed.terms.until();
        if let Some(until) = changed.until.filter(|_| waiting) {
            changed.authorise_until = until.min(self.created_at.plus(AUTHORISE_WITHIN));
        }
        let entry = HistoryEntry::note(self.status, Changed::Terms, actor, "terms changed", now);
        Ok((changed, entry))
    }
}
