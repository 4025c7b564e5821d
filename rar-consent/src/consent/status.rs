//! The statuses of a consent and every move between them, as one table. Nothing else changes a status.

use oauth_core::{Standing, Timestamp};
use serde::{Deserialize, Serialize};

use super::history::{Actor, Changed, HistoryEntry};
use super::terms::Dialect;
use super::{Consent, Revocation};

/// How far a consent has come. One set for every dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ConsentStatus {
    /// Asked for; the customer has not decided.
    AwaitingAuthorization,
    /// In force.
    Authorized,
    /// Held for now.
    Suspended,
    /// The customer or the bank said no, or nobody said yes in time.
    Rejected,
    /// Taken back.
    Revoked,
    /// Its time is over.
    Expired,
    /// What it allowed has happened.
    Finished,
}

impl ConsentStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::AwaitingAuthorization,
        Self::Authorized,
        Self::Suspended,
        Self::Rejected,
        Self::Revoked,
        Self::Expired,
        Self::Finished,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingAuthorization => "AwaitingAuthorization",
            Self::Authorized => "Authorized",
            Self::Suspended => "Suspended",
            Self::Rejected => "Rejected",
            Self::Revoked => "Revoked",
            Self::Expired => "Expired",
            Self::Finished => "Finished",
        }
    }

    /// How a consent of this status stands.
    #[must_use]
    pub const fn standing(self) -> Standing {
        match self {
            Self::AwaitingAuthorization => Standing::Waiting,
            Self::Authorized => Standing::Good,
            Self::Suspended => Standing::Suspended,
            Self::Finished => Standing::Finished,
            Self::Rejected | Self::Revoked | Self::Expired => Standing::Ended,
        }
    }

    /// Whether nothing can follow.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Rejected | Self::Revoked | Self::Expired | Self::Finished)
    }
}

/// The sides that act on consents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The third party.
    Tpp,
    /// The customer.
    Customer,
    /// The bank.
    Operator,
    /// Time.
    Clock,
    /// The platform.
    Engine,
}

impl Role {
    /// The name it is stored by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tpp => "tpp",
            Self::Customer => "customer",
            Self::Operator => "operator",
            Self::Clock => "clock",
            Self::Engine => "engine",
        }
    }
}

/// One move that is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    /// The status before.
    pub from: ConsentStatus,
    /// The status after.
    pub to: ConsentStatus,
    /// Who may make the move.
    pub by: &'static [Role],
    /// In which dialects.
    pub dialects: &'static [Dialect],
}

const EVERY: &[Dialect] = &[Dialect::Uae, Dialect::UaeV1_2, Dialect::Ofxpera, Dialect::Generic];
const PAYING: &[Dialect] = &[Dialect::Uae, Dialect::UaeV1_2, Dialect::Generic];
const UAE: &[Dialect] = &[Dialect::Uae, Dialect::UaeV1_2];
const HELD_BY_CLIENT: &[Dialect] = &[Dialect::UaeV1_2, Dialect::Ofxpera, Dialect::Generic];
const SHARING: &[Dialect] = &[Dialect::Ofxpera, Dialect::Generic];

const fn may(
    from: ConsentStatus,
    to: ConsentStatus,
    by: &'static [Role],
    dialects: &'static [Dialect],
) -> Transition {
    Transition { from, to, by, dialects }
}

use ConsentStatus::{Authorized, AwaitingAuthorization, Expired, Finished, Rejected, Revoked, Suspended};

/// Every move there is. In the UAE a waiting consent can only be authorised or rejected, so time rejects it; elsewhere
/// it expires, and the third party may take it back before anybody has decided. The third party may hold it for a while
/// afterwards, but not under the early drafts of the UAE.
pub const TRANSITIONS: &[Transition] = &[
    may(AwaitingAuthorization, Authorized, &[Role::Customer, Role::Operator], EVERY),
    may(AwaitingAuthorization, Rejected, &[Role::Customer, Role::Operator, Role::Engine], EVERY),
    may(AwaitingAuthorization, Rejected, &[Role::Clock], UAE),
    may(AwaitingAuthorization, Expired, &[Role::Clock], SHARING),
    may(AwaitingAuthorization, Revoked, &[Role::Tpp], SHARING),
    may(Authorized, Finished, &[Role::Engine], PAYING),
    may(Authorized, Expired, &[Role::Clock], EVERY),
    may(Suspended, Expired, &[Role::Clock], EVERY),
    may(Authorized, Revoked, &[Role::Tpp, Role::Customer, Role::Operator], EVERY),
    may(Suspended, Revoked, &[Role::Tpp, Role::Customer, Role::Operator], EVERY),
    may(Authorized, Suspended, &[Role::Operator], EVERY),
    may(Authorized, Suspended, &[Role::Tpp], HELD_BY_CLIENT),
    may(Suspended, Authorized, &[Role::Operator], EVERY),
    may(Suspended, Authorized, &[Role::Tpp], HELD_BY_CLIENT),
];

/// A move that is not in the table, or that is not for this side to make. Nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{from:?} to {to:?} is not for {role:?}: {why:?}")]
pub struct IllegalMove {
    /// The status it has.
    pub from: ConsentStatus,
    /// The status it was to get.
    pub to: ConsentStatus,
    /// Who tried.
    pub role: Role,
    /// Why not.
    pub why: MoveFault,
}

/// Why a move is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveFault {
    /// The table does not have it.
    NoSuchMove,
    /// The other side suspended it and alone may lift that.
    OtherSide,
    /// Somebody who has to approve has not.
    ApprovalMissing,
}

impl Consent {
    /// This consent after a move of the table, with the entry for its history.
    ///
    /// # Errors
    /// When the table has no such move for this actor; nothing changes.
    pub fn moved(
        &self,
        to: ConsentStatus,
        actor: &Actor,
        reason: &str,
        now: Timestamp,
    ) -> Result<(Self, HistoryEntry), IllegalMove> {
        let (from, role) = (self.status, actor.role());
        let refuse = |why| IllegalMove { from, to, role, why };
        if !is_allowed(from, to, role, self.terms.dialect()) {
            return Err(refuse(MoveFault::NoSuchMove));
        }
        if from == AwaitingAuthorization && to == Authorized && !self.is_approved_by_all() {
            return Err(refuse(MoveFault::ApprovalMissing));
        }
        let lifting = from == Suspended && to == Authorized;
        if lifting && self.suspended_by != Some(role) {
            return Err(refuse(MoveFault::OtherSide));
        }
        let mut changed = Self { status: to, status_at: now, ..self.clone() };
        match to {
            Authorized if from == AwaitingAuthorization => changed.authorised_at = Some(now),
            Authorized => changed.suspended_by = None,
            Suspended => changed.suspended_by = Some(role),
            Revoked => {
                let (by, reason) = (actor.clone(), reason.to_owned());
                changed.revocation = Some(Revocation { at: now, by, reason });
            }
            AwaitingAuthorization | Rejected | Expired | Finished => {}
        }
        let entry = HistoryEntry { to, ..HistoryEntry::note(from, Changed::Status, actor, reason, now) };
        Ok((changed, entry))
    }

    /// The move that time has made by now, dated when it was due; `None` when it has made none.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Option<(Self, HistoryEntry)> {
        let due = self.due_at().filter(|due| *due <= now)?;
        let (to, reason) = match (self.status, self.terms.dialect()) {
            (AwaitingAuthorization, Dialect::Uae | Dialect::UaeV1_2) => (Rejected, "not authorised in time"),
            (AwaitingAuthorization, Dialect::Ofxpera | Dialect::Generic) => {
                (Expired, "not authorised in time")
            }
            (Authorized | Suspended | Rejected | Revoked | Expired | Finished, _) => {
                (Expired, "its time is over")
            }
        };
        self.moved(to, &Actor::Clock, reason, due).ok()
    }

    /// How it stands at this instant.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        self.at(now).map_or(self.status, |(moved, _)| moved.status).standing()
    }
}

fn is_allowed(from: ConsentStatus, to: ConsentStatus, role: Role, dialect: Dialect) -> bool {
    TRANSITIONS.iter().any(|row| {
        row.from == from && row.to == to && row.by.contains(&role) && row.dialects.contains(&dialect)
    })
}
