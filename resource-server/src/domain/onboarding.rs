//! How a customer becomes known to an administrator.

use oauth_core::{Subject, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ClientOf, ContributorType, CustomerFile, CustomerRisk, PoliticalExposure, Tin};

/// A registration of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Onboarding {
    /// Its own name: a UUID.
    pub reference: String,
    /// What was handed in.
    pub file: CustomerFile,
    /// By whom.
    pub client: ClientOf,
    /// How far it has come.
    pub status: OnboardingStatus,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
}

/// How far a registration has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnboardingStatus {
    /// Handed in.
    Received,
    /// A person looks at it.
    Pending,
    /// The customer is one.
    Active,
    /// The customer is not one.
    Declined {
        /// Why.
        reason: DeclineReason,
    },
    /// The customer was one.
    Closed,
}

/// Why a registration was declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineReason {
    /// The taxpayer number is nobody's.
    InvalidTin,
    /// There is an account already.
    ExistingAccount,
    /// Something is missing.
    IncompleteInformation,
    /// Due diligence failed.
    FailedDueDiligence,
    /// The credit check failed.
    FailedCreditCheck,
    /// Anything else.
    Others,
}

/// A move that the table of statuses does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a registration cannot move from {from:?} to {to:?}")]
pub struct IllegalStep {
    /// The status it has.
    pub from: OnboardingStatus,
    /// The status it was to have.
    pub to: OnboardingStatus,
}

impl Onboarding {
    /// Whether the customer may be registered anew.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.status, OnboardingStatus::Declined { .. } | OnboardingStatus::Closed)
    }

    /// Whose it is.
    #[must_use]
    pub const fn customer(&self) -> &Subject {
        &self.file.customer
    }

    /// What the law calls the customer, when that is known.
    #[must_use]
    pub fn contributor(&self) -> Option<ContributorType> {
        self.file.due_diligence.as_ref().and_then(|diligence| diligence.contributor)
    }

    /// The registration in its next status.
    ///
    /// # Errors
    /// [`IllegalStep`].
    pub fn moved(&self, to: OnboardingStatus, at: Timestamp) -> Result<Self, IllegalStep> {
        use OnboardingStatus::{Active, Closed, Declined, Pending, Received};
        let legal = matches!(
            (self.status, to),
            (Received, Pending) | (Pending, Active | Declined { .. }) | (Active, Closed)
        );
        if !legal {
            return Err(IllegalStep { from: self.status, to });
        }
        Ok(Self { status: to, updated_at: at, ..self.clone() })
    }
}

/// The taxpayer number that a demonstration declines.
const DECLINED_TIN: &str = "000-000-000-000";

/// What a demonstration decides, so that tests are repeatable: one number is declined, who needs care waits for a person,
/// everybody else is taken.
#[must_use]
pub fn sandbox_decision(file: &CustomerFile) -> OnboardingStatus {
    let needs_care = file.due_diligence.as_ref().is_some_and(|diligence| {
        diligence.risk == CustomerRisk::High || diligence.exposure == PoliticalExposure::Exposed
    });
    match file.person.tin.as_ref().map(Tin::as_str) {
        Some(DECLINED_TIN) => OnboardingStatus::Declined { reason: DeclineReason::InvalidTin },
        Some(_) | None if needs_care => OnboardingStatus::Pending,
        Some(_) | None => OnboardingStatus::Active,
    }
}
