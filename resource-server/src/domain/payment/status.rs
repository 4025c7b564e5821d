//! How far a payment has come: the table of moves, and the only place where a status changes.

use serde::{Deserialize, Serialize};

use super::PaymentKind;

/// How far a payment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Taken in; waits for its day or its turn.
    Received,
    /// Given to the rail.
    Pending,
    /// The debtor has paid.
    DebtorSettled,
    /// The receiving bank has accepted, the creditor is not yet credited.
    CreditorAccepted,
    /// The creditor is credited.
    Completed,
    /// Turned down.
    Rejected {
        /// Why.
        reason: RejectionReason,
    },
    /// Called off by the customer or the client.
    Cancelled,
}

impl PaymentStatus {
    /// The status without what belongs to it.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::Received => Stage::Received,
            Self::Pending => Stage::Pending,
            Self::DebtorSettled => Stage::DebtorSettled,
            Self::CreditorAccepted => Stage::CreditorAccepted,
            Self::Completed => Stage::Completed,
            Self::Rejected { .. } => Stage::Rejected,
            Self::Cancelled => Stage::Cancelled,
        }
    }
}

/// The name of a status, for tables and filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// [`PaymentStatus::Received`].
    Received,
    /// [`PaymentStatus::Pending`].
    Pending,
    /// [`PaymentStatus::DebtorSettled`].
    DebtorSettled,
    /// [`PaymentStatus::CreditorAccepted`].
    CreditorAccepted,
    /// [`PaymentStatus::Completed`].
    Completed,
    /// [`PaymentStatus::Rejected`].
    Rejected,
    /// [`PaymentStatus::Cancelled`].
    Cancelled,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 7] = [
        Self::Received,
        Self::Pending,
        Self::DebtorSettled,
        Self::CreditorAccepted,
        Self::Completed,
        Self::Rejected,
        Self::Cancelled,
    ];

    /// Its name in what is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Pending => "pending",
            Self::DebtorSettled => "debtor_settled",
            Self::CreditorAccepted => "creditor_accepted",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing can follow.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        !TRANSITIONS.iter().any(|row| row.from == self)
    }

    /// Whether the payment uses up what its consent and its year allow. A rejected or cancelled one gives it back.
    #[must_use]
    pub const fn counts(self) -> bool {
        match self {
            Self::Received
            | Self::Pending
            | Self::DebtorSettled
            | Self::CreditorAccepted
            | Self::Completed => true,
            Self::Rejected | Self::Cancelled => false,
        }
    }

    /// Whether the debtor has paid, which is what a consent counts as a success.
    #[must_use]
    pub const fn succeeded(self) -> bool {
        match self {
            Self::DebtorSettled | Self::CreditorAccepted | Self::Completed => true,
            Self::Received | Self::Pending | Self::Rejected | Self::Cancelled => false,
        }
    }
}

/// Why a payment was turned down. Dialects give it their own code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionReason {
    /// The available balance is below the amount.
    InsufficientFunds,
    /// The debtor account is blocked.
    AccountBlocked,
    /// The debtor account is closed.
    AccountClosed,
    /// The creditor account does not exist or takes no money.
    CreditorAccountInvalid,
    /// The consent it was ordered under is over before its day, or on hold on it.
    ConsentEnded,
    /// A limit of the bank or of the rail.
    LimitExceeded,
    /// The bank suspects fraud.
    FraudSuspected,
    /// The rail or the receiving bank refused.
    RailRefused,
    /// Anything else.
    GenericFailure,
}

/// One row of the status table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// The status before.
    pub from: Stage,
    /// The status after.
    pub to: Stage,
    pub(super) by: Kinds,
}

impl Move {
    /// Whether payments of this kind may make this move.
    #[must_use]
    pub fn is_open_to(self, kind: PaymentKind) -> bool {
        self.by.includes(kind)
    }
}

/// Every legal change of status; what is not listed is refused. That a transfer was given to its rail shows nowhere outside
/// (UAE Bank Service Initiation section 8.3 calls both stages pending), so a bank that says how it ended need not say that
/// it began.
pub const TRANSITIONS: &[Move] = &[
    row(Stage::Received, Stage::Pending, Kinds::Any),
    row(Stage::Received, Stage::Rejected, Kinds::Any),
    row(Stage::Received, Stage::Cancelled, Kinds::Any),
    row(Stage::Received, Stage::DebtorSettled, Kinds::Transfer),
    row(Stage::Received, Stage::CreditorAccepted, Kinds::Transfer),
    row(Stage::Received, Stage::Completed, Kinds::Transfer),
    row(Stage::Pending, Stage::DebtorSettled, Kinds::Any),
    row(Stage::Pending, Stage::CreditorAccepted, Kinds::Any),
    row(Stage::Pending, Stage::Completed, Kinds::Transfer),
    row(Stage::Pending, Stage::Rejected, Kinds::Any),
    row(Stage::Pending, Stage::Cancelled, Kinds::Any),
    row(Stage::DebtorSettled, Stage::CreditorAccepted, Kinds::Any),
    row(Stage::DebtorSettled, Stage::Completed, Kinds::Any),
    row(Stage::DebtorSettled, Stage::Rejected, Kinds::Contribution),
    row(Stage::CreditorAccepted, Stage::Completed, Kinds::Any),
    row(Stage::CreditorAccepted, Stage::Rejected, Kinds::Contribution),
];

/// A change of status that the table does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a payment cannot move from {from:?} to {to:?}")]
pub struct IllegalMove {
    /// The status it has.
    pub from: Stage,
    /// The status it was to have.
    pub to: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kinds {
    Any,
    Transfer,
    Contribution,
}

impl Kinds {
    pub(super) const fn includes(self, kind: PaymentKind) -> bool {
        match (self, kind) {
            (Self::Any, _)
            | (Self::Transfer, PaymentKind::Transfer)
            | (Self::Contribution, PaymentKind::Contribution { .. }) => true,
            (Self::Transfer, PaymentKind::Contribution { .. })
            | (Self::Contribution, PaymentKind::Transfer) => false,
        }
    }
}

const fn row(from: Stage, to: Stage, by: Kinds) -> Move {
    Move { from, to, by }
}
