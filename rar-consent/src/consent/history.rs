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
    /// Why.
    pub reason: String,
}
