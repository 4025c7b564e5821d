//! The `message` of `PATCH /payment-consents/{ConsentId}` in version 1.2: beside its end, a client may hold a consent for a while
//! (section 6).

use oauth_core::jose::present;
use serde::Deserialize;

use super::super::error::{Reason, Refused};
use super::super::patch::{PatchSubscription, RevokedBy};
use super::super::signature::SCHEMA;
use crate::operation::consents::{ConsentOrder, StatusOrder};
use crate::rules::uae_payments as rules;

/// A change of a consent: its status, where its events go, or both at once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ConsentPatch {
    #[serde(default, deserialize_with = "present")]
    data: Option<PatchData>,
    #[serde(default, deserialize_with = "present")]
    subscription: Option<PatchSubscription>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PatchData {
    status: PatchStatus,
    #[serde(default, deserialize_with = "present")]
    revoked_by: Option<RevokedBy>,
}

/// The statuses of the vocabulary. A client may ask for three of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum PatchStatus {
    AwaitingAuthorization,
    Authorized,
    Suspended,
    Rejected,
    Revoked,
    Expired,
    Consumed,
}

impl ConsentPatch {
    /// What is asked for.
    ///
    /// # Errors
    /// A member that is missing or too much, or a move that no client makes.
    pub(crate) fn order(self) -> Result<ConsentOrder, Refused> {
        let status = self.data.map(PatchData::order).transpose()?;
        let subscription = self.subscription.map(PatchSubscription::order).transpose()?;
        if status.is_none() && subscription.is_none() {
            return Err(Refused::at(SCHEMA, Reason::Format, "Data"));
        }
        Ok(ConsentOrder { status, subscription })
    }
}

impl PatchData {
    /// Section 11.1: a client that ends a consent says for whom, and nobody else does.
    fn order(self) -> Result<StatusOrder, Refused> {
        let by = || Refused::at(SCHEMA, Reason::Format, "Data.RevokedBy");
        match (self.status, self.revoked_by) {
            (PatchStatus::Revoked, Some(by)) => Ok(StatusOrder::Revoke(by.as_str())),
            (PatchStatus::Suspended, None) => Ok(StatusOrder::Suspend),
            (PatchStatus::Authorized, None) => Ok(StatusOrder::Resume),
            (PatchStatus::Revoked, None) | (PatchStatus::Suspended | PatchStatus::Authorized, Some(_)) => {
                Err(by())
            }
            (
                PatchStatus::AwaitingAuthorization
                | PatchStatus::Rejected
                | PatchStatus::Expired
                | PatchStatus::Consumed,
                _,
            ) => Err(Refused::at(rules::STATUS_MOVES, Reason::StatusMove, "Data.Status")),
        }
    }
}
