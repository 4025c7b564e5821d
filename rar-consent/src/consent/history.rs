//! Who changed a consent, when, by which way and why. Entries are added and never changed; they are deleted only with a consent
//! that nobody approved ([`ConsentStore::forget`](crate::ConsentStore::forget)), and their rows in the [audit
//! trail](crate::audit) stay even then.

use oauth_core::{ClientId, ShownText, Subject, Timestamp};
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

    /// Who it is, where that side has names.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Tpp(client) => Some(client.as_str()),
            Self::Customer(subject) => Some(subject.as_str()),
            Self::Operator(name) => Some(name),
            Self::Clock | Self::Engine => None,
        }
    }
}

/// The way by which a change came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The bank's pages, within an authorization request.
    Redirect,
    /// The customer's own pages at the bank.
    Page,
    /// A call of the third party.
    Api,
    /// A call of the bank's own systems.
    Internal,
    /// The bank's listener for operators, or its command line.
    Operator,
    /// Time passed.
    Clock,
    /// A payment went on at its rail.
    Rail,
    /// Not known: the entry is older than this field.
    #[default]
    Unrecorded,
}

impl Channel {
    /// The name it is stored by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Page => "page",
            Self::Api => "api",
            Self::Internal => "internal",
            Self::Operator => "operator",
            Self::Clock => "clock",
            Self::Rail => "rail",
            Self::Unrecorded => "unrecorded",
        }
    }

    /// The way this side comes by, unless it is known to have come another.
    #[must_use]
    pub const fn usual(role: Role) -> Self {
        match role {
            Role::Tpp => Self::Api,
            Role::Customer => Self::Page,
            Role::Operator => Self::Operator,
            Role::Clock => Self::Clock,
            Role::Engine => Self::Rail,
        }
    }
}

/// One change of status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// The status before; none at the beginning.
    pub from: Option<ConsentStatus>,
    /// The status after.
    pub to: ConsentStatus,
    /// By whom.
    pub actor: Actor,
    /// By which way.
    #[serde(default)]
    pub channel: Channel,
    /// Why.
    pub reason: String,
    /// The text the customer approved, in the entry of an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<ShownText>,
}

impl HistoryEntry {
    /// An entry of the [usual](Channel::usual) way of its actor.
    #[must_use]
    pub fn new(
        at: Timestamp,
        statuses: (Option<ConsentStatus>, ConsentStatus),
        actor: Actor,
        reason: &str,
    ) -> Self {
        let ((from, to), channel) = (statuses, Channel::usual(actor.role()));
        Self { at, from, to, actor, channel, reason: reason.to_owned(), shown: None }
    }

    /// This entry, come another way.
    #[must_use]
    pub fn through(self, channel: Channel) -> Self {
        Self { channel, ..self }
    }

    /// This entry, with what the customer approved.
    #[must_use]
    pub fn showing(self, shown: Option<ShownText>) -> Self {
        Self { shown, ..self }
    }
}
