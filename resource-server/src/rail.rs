//! The rails of a demonstration bank, and the worker that moves payments along them.
//!
//! The sandbox does what the last two digits of an amount say, so that a third party can choose what happens to its payment;
//! see [`wish`].
//!
//! A bank replaces the sandbox by a connection to its own payment system:
//!
//! ```
//! # use async_trait::async_trait;
//! # use oauth_core::{Fault, Seconds, Timestamp};
//! # use resource_server::operation::payments::DebtorFault;
//! # use resource_server::domain::{AccountId, Line, Payment, PaymentId, PaymentStatus, PaymentTerms, RejectionReason};
//! # use resource_server::port::{Admission, PaymentRail, RailStep};
//! # enum State { Open, Blocked, Unknown, Closed }
//! # enum Order { Working, Settled(String), Refused(RejectionReason), ByPhone }
//! # struct PaymentsApi;
//! # impl PaymentsApi {
//! #     async fn state(&self, _: &AccountId) -> Result<State, std::io::Error> { Ok(State::Open) }
//! #     async fn submit(&self, _: &PaymentId, _: &PaymentTerms) -> Result<Order, std::io::Error> { Ok(Order::Working) }
//! # }
//! struct CoreBanking { api: PaymentsApi }
//!
//! #[async_trait]
//! impl PaymentRail for CoreBanking {
//!     async fn admits(&self, terms: &PaymentTerms, _now: Timestamp) -> Result<Admission, Fault> {
//!         Ok(match self.api.state(&terms.debtor).await.map_err(|e| Fault::new("core", e))? {
//!             State::Open => Admission::Taken,
//!             State::Blocked => Admission::Refused(DebtorFault::Blocked),
//!             State::Unknown => Admission::Refused(DebtorFault::Unreachable),
//!             State::Closed => Admission::Refused(DebtorFault::Closed),
//!         })
//!     }
//!
//!     async fn next(&self, payment: &Payment, now: Timestamp) -> Result<RailStep, Fault> {
//!         if let Some(at) = payment.terms().execute_at.filter(|at| now < *at) {
//!             return Ok(RailStep::Wait(at));
//!         }
//!         // the payment's id is the end-to-end reference: sending it again finds the same order
//!         match self.api.submit(payment.id(), payment.terms()).await.map_err(|e| Fault::new("core", e))? {
//!             Order::Working => Ok(RailStep::Wait(now.plus(Seconds::new(2)))),
//!             Order::Settled(number) => {
//!                 Ok(RailStep::Move(PaymentStatus::Completed, Line::new(&number).ok()))
//!             }
//!             Order::Refused(reason) => Ok(RailStep::Move(PaymentStatus::Rejected { reason }, None)),
//!             Order::ByPhone => Ok(RailStep::Rest),
//!         }
//!     }
//! }
//! ```

mod wish;

use async_trait::async_trait;
use futures_util::future::join_all;
use oauth_core::{CorrelationId, Fault, Seconds, Timestamp};

use crate::domain::{
    AccountStatus, EntryId, Line, Payment, PaymentKind, PaymentStatus, PaymentTerms, Rail, RejectionReason,
    Stage, TransactionId, Zone,
};
use crate::guard::fresh_uuid;
use crate::port::{Admission, Advanced, EntryNames, PaymentMove, PaymentRail, Ports, RailStep};
use wish::Wish;

/// Moves every payment whose turn has come, one transaction a step, until nothing more is due at `now`. Call it from a
/// timer in any number of processes: of two that take the same step, one moves the payment and the other finds it moved.
///
/// # Errors
/// A fault of a port; what was moved before it stays moved.
pub async fn settle(ports: &Ports, now: Timestamp) -> Result<u64, Fault> {
    let mut moved = 0;
    for _ in 0..ROUNDS {
        let due = ports.payments.due(now, BATCH).await?;
        if due.is_empty() {
            return Ok(moved);
        }
        for abreast in due.chunks(ABREAST) {
            let steps: Vec<_> = abreast.iter().map(|payment| step(ports, payment, now)).collect();
            for done in join_all(steps).await {
                moved += done?;
            }
        }
    }
    Ok(moved)
}

/// Moves one payment as far as it goes at `now`, and returns it as it is then.
///
/// # Errors
/// A fault of a port.
pub async fn settle_one(ports: &Ports, payment: Payment, now: Timestamp) -> Result<Payment, Fault> {
    let mut current = payment;
    while !current.status().stage().is_terminal() {
        if step(ports, &current, now).await? == 0 {
            break;
        }
        current = match ports.payments.payment(current.id()).await? {
            Some(next) => next,
            None => return Ok(current),
        };
    }
    Ok(current)
}

/// Payments of one round.
const BATCH: u32 = 100;
/// Payments moved side by side: what they write is committed together.
const ABREAST: usize = 16;
/// Rounds of one run: what is left over waits for the next.
const ROUNDS: u32 = 1000;

async fn step(ports: &Ports, payment: &Payment, now: Timestamp) -> Result<u64, Fault> {
    let (to, rail_reference) = match ports.rail.next(payment, now).await? {
        RailStep::Move(to, reference) => (to, reference),
        RailStep::Wait(until) => {
            ports.payments.put_off(payment.id(), Some(until.max(now.plus(Seconds::new(1))))).await?;
            return Ok(0);
        }
        RailStep::Rest => {
            ports.payments.put_off(payment.id(), None).await?;
            return Ok(0);
        }
    };
    let change = PaymentMove {
        id: payment.id().clone(),
        to: unless_unusable(ports, payment, to).await?,
        rail_reference,
        at: now,
        names: fresh_names(ports)?,
        correlation: CorrelationId::new(&fresh_uuid(&*ports.entropy)?)
            .map_err(|fault| Fault::new("entropy", fault))?,
    };
    match ports.payments.advance(&change).await? {
        Advanced::Moved(_) => Ok(1),
        Advanced::Illegal(..) | Advanced::Unknown => Ok(0),
    }
}

/// The status an order for a later day is to get, unless its account is in no state to pay by now. Whether the consent carries
/// it and the money is there, the book judges, in its transaction.
async fn unless_unusable(
    ports: &Ports,
    payment: &Payment,
    to: PaymentStatus,
) -> Result<PaymentStatus, Fault> {
    if !payment.awaits_debit() || !to.stage().counts() {
        return Ok(to);
    }
    let account = ports.accounts.account(&payment.terms().debtor).await?;
    let rejected = |reason| PaymentStatus::Rejected { reason };
    Ok(match account.map(|account| account.status) {
        Some(AccountStatus::Active) => to,
        Some(AccountStatus::Dormant | AccountStatus::Frozen) => rejected(RejectionReason::AccountBlocked),
        Some(AccountStatus::Closed) | None => rejected(RejectionReason::AccountClosed),
    })
}

/// Names for the rows of one movement.
///
/// # Errors
/// When the random source fails.
pub(crate) fn fresh_names(ports: &Ports) -> Result<EntryNames, Fault> {
    let fresh = |prefix: &str| Ok::<_, Fault>(format!("{prefix}-{}", fresh_uuid(&*ports.entropy)?));
    let ill_formed = |fault| Fault::new("entropy", fault);
    Ok(EntryNames {
        entry: EntryId::new(&fresh("je")?).map_err(ill_formed)?,
        debit: TransactionId::new(&fresh("tx")?).map_err(ill_formed)?,
        credit: TransactionId::new(&fresh("tx")?).map_err(ill_formed)?,
    })
}

/// Rails of a sandbox: what becomes of a UAE payment is chosen by whoever orders it, everything else always works, and the
/// pace is always the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct SandboxRail;

#[async_trait]
impl PaymentRail for SandboxRail {
    async fn admits(&self, terms: &PaymentTerms, _now: Timestamp) -> Result<Admission, Fault> {
        Ok(match Wish::of(terms) {
            Some(Wish::Refused(fault)) => Admission::Refused(fault),
            Some(Wish::Rejected(_) | Wish::RestsPending | Wish::RestsSettled | Wish::Slow | Wish::AtOnce)
            | None => Admission::Taken,
        })
    }

    async fn next(&self, payment: &Payment, now: Timestamp) -> Result<RailStep, Fault> {
        Ok(next(payment, now))
    }
}

/// Pure. Internal transfers complete at once on their day; InstaPay stays pending; PESONet starts at the cut-off of its
/// day; the UAE scheme settles at once and takes a second for each further step.
fn next(payment: &Payment, now: Timestamp) -> RailStep {
    let rail = payment.terms().rail;
    let start = start(payment);
    if payment.status().stage() == Stage::Received && now < start {
        return RailStep::Wait(start);
    }
    let go = |to| RailStep::Move(to, reference(payment));
    let after = |pause, to| {
        let at = payment.status_at().plus(pause);
        if now < at { RailStep::Wait(at) } else { go(to) }
    };
    let after_a_second = |to| after(Seconds::new(1), to);
    match (payment.status().stage(), Wish::of(payment.terms())) {
        (Stage::Pending, Some(Wish::Rejected(reason))) => return go(PaymentStatus::Rejected { reason }),
        (Stage::Pending, Some(Wish::RestsPending)) | (Stage::DebtorSettled, Some(Wish::RestsSettled)) => {
            return RailStep::Rest;
        }
        (Stage::Pending, Some(Wish::Slow)) => return after(wish::SLOW, PaymentStatus::DebtorSettled),
        (Stage::Pending, Some(Wish::AtOnce)) => return go(PaymentStatus::Completed),
        (
            Stage::Received
            | Stage::Pending
            | Stage::DebtorSettled
            | Stage::CreditorAccepted
            | Stage::Completed
            | Stage::Rejected
            | Stage::Cancelled,
            _,
        ) => {}
    }
    match (payment.status().stage(), rail) {
        (Stage::Received, _) => go(PaymentStatus::Pending),
        (Stage::Pending, Rail::Instapay) => RailStep::Rest,
        (Stage::Pending, Rail::Internal | Rail::Pesonet | Rail::UaeInstant) => {
            go(PaymentStatus::DebtorSettled)
        }
        (Stage::DebtorSettled, Rail::UaeInstant) => after_a_second(PaymentStatus::CreditorAccepted),
        (Stage::CreditorAccepted, Rail::UaeInstant) => after_a_second(PaymentStatus::Completed),
        (Stage::DebtorSettled | Stage::CreditorAccepted, Rail::Internal | Rail::Pesonet | Rail::Instapay) => {
            go(PaymentStatus::Completed)
        }
        (Stage::Completed | Stage::Rejected | Stage::Cancelled, _) => RailStep::Rest,
    }
}

/// Not before this instant is a payment given to its rail.
fn start(payment: &Payment) -> Timestamp {
    let terms = payment.terms();
    let zone = match terms.rail {
        Rail::UaeInstant => Zone::Dubai,
        Rail::Internal => match terms.kind {
            PaymentKind::Contribution { .. } => Zone::Manila,
            PaymentKind::Transfer => Zone::Dubai,
        },
        Rail::Instapay | Rail::Pesonet => Zone::Manila,
    };
    let asked = terms.execute_at.or_else(|| terms.execution_day.map(|day| day.start_of_day(zone)));
    let begins = asked.map_or(terms.created_at, |day| day.max(terms.created_at));
    match terms.rail {
        Rail::Pesonet => cut_off(begins, zone),
        Rail::Internal | Rail::Instapay | Rail::UaeInstant => begins,
    }
}

/// The next cut-off of the batch scheme: three in the afternoon.
fn cut_off(begins: Timestamp, zone: Zone) -> Timestamp {
    let of_the_day = |at| zone.day(at).start_of_day(zone).plus(Seconds::minutes(15 * 60));
    let today = of_the_day(begins);
    if begins <= today { today } else { of_the_day(begins.plus(Seconds::days(1))) }
}

/// The number the rail gives a payment: `20261121` and the first digits of its name.
fn reference(payment: &Payment) -> Option<Line<40>> {
    if payment.rail_reference().is_some() {
        return None;
    }
    let day = Zone::Utc.day(payment.terms().created_at);
    let digits: String = payment.id().as_str().chars().filter(char::is_ascii_hexdigit).take(12).collect();
    let text = format!("{:04}{:02}{:02}{digits}", day.year(), day.month(), day.day_of_month());
    Line::new(&text.to_ascii_uppercase()).ok()
}
