//! Who changed a consent, when, through which door and why. Entries are added and never changed; they are deleted only with
//! a consent that nobody approved ([`ConsentStore::forget`](crate::ConsentStore::forget)), and their rows in the [audit
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
    /// Through which door; `None` in entries that are older than this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// By whom.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// The text the customer approved, in the entry of an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<ShownText>,
}

/// What of a consent changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// Its status.
    #[default]
    Status,
    /// Its authorization page is open.
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
    /// The bank's listener for operators, or its command line.
    Operator,
    /// None: time passed.
    Clock,
    /// The rail on which a payment went on.
    Rail,
}

impl Channel {
    /// The name it is stored by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::OnlineBanking => "online_banking",
            Self::App => "app",
            Self::Api => "api",
            Self::BankApi => "bank_api",
            Self::Operator => "operator",
            Self::Clock => "clock",
            Self::Rail => "rail",
        }
    }

    /// The door this side takes, unless it is known to have taken another.
    #[must_use]
    pub const fn usual(role: Role) -> Self {
        match role {
            Role::Tpp => Self::Api,
            Role::Customer => Self::OnlineBanking,
            Role::Operator => Self::Operator,
            Role::Clock => Self::Clock,
            Role::Engine => Self::Rail,
        }
    }
}

impl HistoryEntry {
    /// An entry for a change that leaves the status as it is.
    #[must_use]
    pub fn note(status: ConsentStatus, what: Changed, actor: &Actor, reason: &str, now: Timestamp) -> Self {
        let (actor, reason) = (actor.clone(), reason.to_owned());
        let channel = Some(Channel::usual(actor.role()));
        Self { at: now, from: Some(status), to: status, what, channel, actor, reason, shown: None }
    }

    /// The entry with the door through which it came.
    #[must_use]
    pub fn through(self, channel: Channel) -> Self {
        Self { channel: Some(channel), ..self }
    }

    /// The entry with what the customer approved.
    #[must_use]
    pub fn showing(self, shown: Option<ShownText>) -> Self {
        Self { shown, ..self }
    }
}

impl Changed {
    /// The name it is stored by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Request => "request",
            Self::Terms => "terms",
            Self::Subscription => "subscription",
            Self::Decision => "decision",
        }
    }

    /// What entries say that do not say it.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    fn is_status(&self) -> bool {
        *self == Self::Status
    }
}
