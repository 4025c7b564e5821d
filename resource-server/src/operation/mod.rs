//! What the bank does, one file per thing. Every dialect calls these; each gathers, decides and commits.

pub mod accounts;
pub mod consents;
mod order;
pub mod payment_log;
pub mod payments;

use oauth_core::Seconds;

use crate::domain::{Currency, Money, Rail};
use crate::port::Ports;

/// The operations: ports and the bank's own choices. Clones share the ports.
#[derive(Debug, Clone)]
pub struct Operations {
    /// What the bank supplies.
    pub ports: Ports,
    /// What the bank chooses.
    pub settings: OperationSettings,
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

impl Default for OperationSettings {
    fn default() -> Self {
        let pesos = |minor| Money::new(minor, Currency::Php).ok();
        Self {
            key_kept: Seconds::days(7),
            execution_days_max: 90,
            rail_max: pesos(5_000_000).map(|most| (Rail::Instapay, most)).into_iter().collect(),
            contribution_max: pesos(20_000_000),
            settlement: Settlement::ByWorkerAndReaders,
        }
    }
}
