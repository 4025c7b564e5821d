//! What the bank's own side says became of a payment (UAE bank service initiation section 15, operation 13).

use oauth_core::Fault;

use super::Operations;
use crate::domain::{Line, Payment, PaymentId, PaymentStatus, Stage};
use crate::guard::Authority;
use crate::port::{Advanced, PaymentMove};
use crate::rail::fresh_names;

/// What became of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Which.
    pub id: PaymentId,
    /// What.
    pub status: PaymentStatus,
    /// The number it got, where it got one.
    pub rail_reference: Option<Line<40>>,
}

/// Why it cannot be so. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum LogRefusal {
    /// No such payment of this issuer.
    #[error("no such payment")]
    NoSuchPayment,
    /// The table has no such move from here.
    #[error("the payment is {0:?}")]
    Illegal(Stage),
    /// Our side broke.
    #[error(transparent)]
    Failed(#[from] Fault),
}

/// Moves a payment on. The same status again changes nothing, and what still waits for its turn is pending already.
///
/// # Errors
/// [`LogRefusal`].
pub async fn log(operations: &Operations, authority: &Authority, logged: &Logged) -> Result<(), LogRefusal> {
    let found = operations.ports.payments.payment(&logged.id).await?;
    let ours = |payment: &Payment| payment.terms().client.issuer == authority.claims().iss;
    let payment = found.filter(ours).ok_or(LogRefusal::NoSuchPayment)?;
    let wanted = logged.status.stage();
    let mut stage = payment.status().stage();
    if told(stage) == wanted {
        return Ok(());
    }
    if stage == Stage::Received && wanted != Stage::Rejected {
        stage = step(operations, authority, logged, PaymentStatus::Pending).await?;
    }
    if stage == wanted {
        return Ok(());
    }
    step(operations, authority, logged, logged.status).await.map(|_| ())
}

/// One move; where somebody else made it first, that is as good.
async fn step(
    operations: &Operations,
    authority: &Authority,
    logged: &Logged,
    to: PaymentStatus,
) -> Result<Stage, LogRefusal> {
    let change = PaymentMove {
        id: logged.id.clone(),
        to,
        rail_reference: logged.rail_reference.clone(),
        at: authority.now,
        names: fresh_names(&operations.ports)?,
        correlation: authority.correlation.clone(),
    };
    match operations.ports.payments.advance(&change).await? {
        Advanced::Moved(payment) => Ok(payment.status().stage()),
        Advanced::Illegal(_, illegal) if illegal.from == to.stage() => Ok(illegal.from),
        Advanced::Illegal(_, illegal) => Err(LogRefusal::Illegal(illegal.from)),
        Advanced::Unknown => Err(LogRefusal::NoSuchPayment),
    }
}

/// A stage as the interface tells it: what has not had its turn is pending, what was called off is rejected.
const fn told(stage: Stage) -> Stage {
    match stage {
        Stage::Received | Stage::Pending => Stage::Pending,
        Stage::Rejected | Stage::Cancelled => Stage::Rejected,
        Stage::DebtorSettled => Stage::DebtorSettled,
        Stage::CreditorAccepted => Stage::CreditorAccepted,
        Stage::Completed => Stage::Completed,
    }
}
