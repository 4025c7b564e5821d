//! What the bank does, one file per thing. Every dialect calls these; each gathers, decides and commits.

pub mod accounts;
pub mod amend;
pub mod consents;
pub mod customers;
pub mod openings;
mod order;
pub mod payments;
pub mod registry;

use oauth_core::{Seconds, Timestamp};

use crate::domain::{Currency, Money, Rail, RequestFingerprint};
use crate::port::{KeyRef, Ports, TakenKey};

/// The operations: ports and the bank's own choices. Clones share the ports.
#[derive(Debug, Clone)]
pub struct Operations {
    /// What the bank supplies.
    pub ports: Ports,
    /// What the bank chooses.
    pub settings: OperationSettings,
}

impl Operations {
    /// A key about to be taken, kept as long as keys are.
    fn taken(&self, key: KeyRef, fingerprint: RequestFingerprint, now: Timestamp) -> TakenKey {
        TakenKey { key, fingerprint, until: now.plus(self.settings.key_kept) }
    }
}

/// What the bank chooses.
#[derive(Debug, Clone)]
pub struct OperationSettings {
    /// How long an idempotency key is kept; at least a day.
    pub key_kept: Seconds,
    /// Days ahead a payment may be ordered for.
    pub execution_days_max: u32,
    /// The most one payment may have on a rail; a rail that is not listed has no bound of its own.
    pub rail_max: Vec<(Rail, Money)>,
    /// What a customer may contribute to a PERA in one calendar year (Republic Act 9505 section 5, as amended).
    pub contribution_max: Option<Money>,
    /// The same for a contributor who works abroad.
    pub contribution_max_overseas: Option<Money>,
    /// Open retirement accounts a customer may have.
    pub pera_accounts_max: u32,
    /// Who decides whether somebody becomes a customer.
    pub assessment: Assessment,
    /// Who moves payments on.
    pub settlement: Settlement,
}

/// Who moves payments on after they were booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// [`settle`](crate::rail::settle), from a timer.
    ByWorker,
    /// That, and whoever asks for the status: a demonstration whose every step can be watched.
    ByWorkerAndReaders,
}

/// Who decides whether somebody becomes a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assessment {
    /// People at the bank, through [`CustomerBook::advance_onboarding`](crate::port::CustomerBook::advance_onboarding).
    ByDesk,
    /// The rule of [`sandbox_decision`](crate::domain::sandbox_decision), at the next reading.
    Sandbox,
}

impl Default for OperationSettings {
    fn default() -> Self {
        let pesos = |minor| Money::new(minor, Currency::Php).ok();
        Self {
            key_kept: Seconds::days(7),
            execution_days_max: 90,
            rail_max: pesos(5_000_000).map(|most| (Rail::Instapay, most)).into_iter().collect(),
            contribution_max: pesos(20_000_000),
            contribution_max_overseas: pesos(40_000_000),
            pera_accounts_max: 5,
            assessment: Assessment::Sandbox,
            settlement: Settlement::ByWorkerAndReaders,
        }
    }
}
