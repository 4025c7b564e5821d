//! Who changed a consent, when and why.

use oauth_core::{ClientId, Subject, Timestamp};
use serde::{Deserialize, Serialize};

use super::status::{ConsentStatus, Role};

/// Who acts on a consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The third party.
    Tpp(ClientId),
    /// The customer, at the bank.
    Customer(Subject),
    /// Somebody of the bank, by name.
    Operator(String),
    /// Time passed.
    Clock,
    /// The platform itself, as a consequence of something else.
    Engine,
}

impl Actor {
    /// The side this actor stands for.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self {
            Self::Tpp(_) => Role::Tpp,
            Self::Customer(_) => Role::Customer,
            Self::Operator(_) => Role::Operator,
            Self::Clock => Role::Clock,
            Self::Engine => Role::Engine,
        }
    }
}

/// One change of a consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// The status before; none at the beginning.
    pub from: Option<ConsentStatus>,
    /// The status after; the same where something else changed.
    pub to: ConsentStatus,
    /// What changed.
    #[serde(default, skip_serializing_if = "Changed::is_status")]
    pub what: Changed,
    /// Through which door, where there is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// By whom.
    pub actor: Actor,
    /// Why.
    pub reason: String,
}

/// What of a consent changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// Its status.
    #[default]
    Status,
    /// An authorization request refers to it.
    Request,
    /// What it allows, or from which accounts.
    Terms,
    /// Where events go.
    Subscription,
    /// One of several authorisers decided, and the status did not change by it.
    Decision,
}

/// The doors through which a consent is acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The page to which the third party sent the browser.
    Redirect,
    /// The bank's own pages for its customers.
    OnlineBanking,
    /// The bank's app.
    App,
    /// The interface for third parties.
    Api,
    /// The bank's side of the interface.
    BankApi,
}

impl HistoryEntry {
    /// An entry for a change that leaves the status as it is.
    #[must_use]
    pub fn note(status: ConsentStatus, what: Changed, actor: &Actor, reason: &str, now: Timestamp) -> Self {
        let (actor, reason) = (actor.clone(), reason.to_owned());
        Self { at: now, from: Some(status), to: status, what, channel: None, actor, reason }
    }

    /// The entry with the door through which it came.
    #[must_use]
    pub fn through(self, channel: Channel) -> Self {
        Self { channel: Some(channel), ..self }
    }
}

impl Changed {
    /// What entries say that do not say it.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    fn is_status(&self) -> bool {
        *self == Self::Status
    }
}
