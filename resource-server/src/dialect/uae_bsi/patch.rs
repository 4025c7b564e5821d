//! The `message` of `PATCH /payment-consents/{ConsentId}` (sections 6 and 11.1), and what it asks for.

use oauth_core::jose::present;
use serde::Deserialize;

use super::error::{Reason, Refused};
use super::signature::SCHEMA;
use crate::operation::consents::{ConsentOrder, StatusOrder, SubscriptionOrder};
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

/// The statuses of the vocabulary. A client may ask for the end only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum PatchStatus {
    AwaitingAuthorization,
    Authorized,
    Suspended,
    Rejected,
    Revoked,
    Expired,
    Finished,
}

/// Who a client may say wants the end (section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum RevokedBy {
    /// The client itself.
    #[serde(rename = "TPP")]
    Tpp,
    /// The customer, at the client.
    #[serde(rename = "TPP.InitiatedByUser")]
    TppInitiatedByUser,
}

impl RevokedBy {
    /// The word of the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Tpp => "TPP",
            Self::TppInitiatedByUser => "TPP.InitiatedByUser",
        }
    }
}

/// A change of where events go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct PatchSubscription {
    webhook: PatchWebhook,
}

impl PatchSubscription {
    /// What is asked for.
    ///
    /// # Errors
    /// When it asks for nothing.
    pub(crate) fn order(self) -> Result<SubscriptionOrder, Refused> {
        match self.webhook {
            PatchWebhook { url: None, is_active: None } => {
                Err(Refused::at(SCHEMA, Reason::Format, "Subscription.Webhook"))
            }
            PatchWebhook { url, is_active } => Ok(SubscriptionOrder { url, active: is_active }),
        }
    }
}

/// Each member may be sent alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PatchWebhook {
    #[serde(default, deserialize_with = "present")]
    url: Option<String>,
    #[serde(default, deserialize_with = "present")]
    is_active: Option<bool>,
}

impl ConsentPatch {
    /// What is asked for.
    ///
    /// # Errors
    /// A member that is missing, or a move that no client makes.
    pub(crate) fn order(self) -> Result<ConsentOrder, Refused> {
        let missing = |path| Refused::at(SCHEMA, Reason::Format, path);
        let revoke = self.data.map(PatchData::revocation).transpose()?;
        let subscription = self.subscription.map(PatchSubscription::order).transpose()?;
        if revoke.is_none() && subscription.is_none() {
            return Err(missing("Data"));
        }
        Ok(ConsentOrder { status: revoke.map(StatusOrder::Revoke), subscription })
    }
}

impl PatchData {
    /// Section 11.1: a client that ends a consent says for whom. Section 6: it makes no other move in this vocabulary.
    fn revocation(self) -> Result<&'static str, Refused> {
        match (self.status, self.revoked_by) {
            (PatchStatus::Revoked, Some(by)) => Ok(by.as_str()),
            (PatchStatus::Revoked, None) => Err(Refused::at(SCHEMA, Reason::Format, "Data.RevokedBy")),
            (
                PatchStatus::AwaitingAuthorization
                | PatchStatus::Authorized
                | PatchStatus::Suspended
                | PatchStatus::Rejected
                | PatchStatus::Expired
                | PatchStatus::Finished,
                _,
            ) => Err(Refused::at(rules::STATUS_MOVES, Reason::StatusMove, "Data.Status")),
        }
    }
}

#[cfg(test)]
mod tests {
    use oauth_core::json::read_strict;

    use super::*;

    fn read(text: &str) -> Option<Result<ConsentOrder, Reason>> {
        let patch: ConsentPatch = read_strict(text.as_bytes()).ok()?;
        Some(patch.order().map_err(|refused| refused.reason))
    }

    #[test]
    fn a_change_names_a_status_a_subscription_or_both() {
        for text in [
            r#"{"Data":{"Status":"Revoked","RevokedBy":"TPP.InitiatedByUser"}}"#,
            r#"{"Subscription":{"Webhook":{"IsActive":false}}}"#,
            r#"{"Subscription":{"Webhook":{"Url":"https://tpp.example/h"}}}"#,
            r#"{"Data":{"Status":"Revoked","RevokedBy":"TPP"},"Subscription":{"Webhook":{"IsActive":false}}}"#,
        ] {
            assert!(matches!(read(text), Some(Ok(_))), "{text}");
        }
        for text in ["{}", r#"{"Data":{"Status":"Revoked"}}"#, r#"{"Subscription":{"Webhook":{}}}"#] {
            assert!(matches!(read(text), Some(Err(Reason::Format))), "{text}");
        }
        for text in [
            r#"{"Data":{"Status":"Gone","RevokedBy":"TPP"}}"#,
            r#"{"Data":{"Status":"Revoked","RevokedBy":"LFI"}}"#,
            r#"{"Data":{"Status":"Revoked","RevokedBy":null}}"#,
            r#"{"Data":null}"#,
            r#"{"Subscription":{}}"#,
            r#"{"Subscription":{"Webhook":{"IsActive":"false"}}}"#,
            r#"{"Subscription":{"Webhook":{"Url":null}}}"#,
            r#"{"Data":{"Status":"Revoked","RevokedBy":"TPP","Note":1}}"#,
            r#"{"Data":{"Status":"Revoked","Status":"Revoked","RevokedBy":"TPP"}}"#,
            r#"{"Meta":{}}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_client_moves_a_consent_nowhere_but_to_its_end() {
        for status in ["AwaitingAuthorization", "Authorized", "Suspended", "Rejected", "Expired", "Finished"]
        {
            let alone = format!(r#"{{"Data":{{"Status":"{status}"}}}}"#);
            let with_by = format!(r#"{{"Data":{{"Status":"{status}","RevokedBy":"TPP"}}}}"#);
            for text in [alone, with_by] {
                assert!(matches!(read(&text), Some(Err(Reason::StatusMove))), "{text}");
            }
        }
    }
}
