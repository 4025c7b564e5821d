//! What the third party of a consent is told of its payments: kept with the change, or not at all.

use std::sync::Arc;

use oauth_core::ConsentId;
use oauth_core::store::contract::same;
use rar_consent::{EventKind, EventResource};

use super::desk::{Desk, change, uuid, wrong};
use super::{Books, Breach};
use crate::domain::{Payment, PaymentStatus, RejectionReason, Stage};
use crate::port::Booked;

pub(super) async fn hold<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Books>>,
{
    let desk = Desk::open(make().await).await?;
    steps(&desk).await?;
    desk.sound().await
}

async fn steps(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", Some((1_000, 1_500))).await?;
    let first = change(1, "c-1", 1_000)?;
    desk.booked(&first).await?;
    let created = (1, EventKind::Created, Stage::Received);
    same("a payment is told of when it is booked", &told(desk).await?, &vec![created])?;
    let again = desk.book(&first).await?;
    same("a repeat is one", &matches!(again, Booked::Repeat(_)), &true)?;
    let refused = desk.book(&change(2, "c-1", 1_000)?).await?;
    same("a limit holds", &matches!(refused, Booked::ConsentRefused(_)), &true)?;
    desk.moved(1, "p", PaymentStatus::Pending).await?;
    let silent = told(desk).await?;
    same("a repeat, a refusal and a move that does not show are not told", &silent, &vec![created])?;
    desk.moved(1, "s", PaymentStatus::DebtorSettled).await?;
    desk.moved(1, "c", PaymentStatus::Completed).await?;
    desk.booked(&change(3, "c-1", 500)?).await?;
    desk.moved(3, "r", PaymentStatus::Rejected { reason: RejectionReason::FraudSuspected }).await?;
    let story = vec![
        created,
        (1, EventKind::Updated, Stage::DebtorSettled),
        (1, EventKind::Updated, Stage::Completed),
        (3, EventKind::Created, Stage::Received),
        (3, EventKind::Updated, Stage::Rejected),
    ];
    same("every other step is, in order, with the payment as it was", &told(desk).await?, &story)
}

/// Which payment, what happened, and how far it had come.
async fn told(desk: &Desk) -> Result<Vec<(usize, EventKind, Stage)>, Breach> {
    let consent = ConsentId::new("c-1").map_err(wrong)?;
    let mut told = Vec::new();
    for event in desk.ports.events.waiting(&consent).await? {
        let EventResource::Payment(id) = &event.about else { continue };
        let payment: Payment = serde_json::from_str(&event.state).map_err(wrong)?;
        same("it holds the payment it names", &payment.id().as_str(), &id.as_str())?;
        let n = (1..10).find(|n| uuid(*n) == *id).ok_or_else(|| wrong("another payment"))?;
        told.push((n, event.kind, payment.status().stage()));
    }
    Ok(told)
}
