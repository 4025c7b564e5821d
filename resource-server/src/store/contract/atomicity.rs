//! All or nothing: a change that fails midway has left nothing, and the same request succeeds afterwards.

use std::sync::Arc;

use oauth_core::Fault;
use oauth_core::store::contract::{BEGINNING, same};

use super::desk::{Desk, YEARLY, change, names, step};
use super::lodgings::lodging;
use super::{Books, Breach, Broken};
use crate::domain::PaymentStatus;
use crate::port::{Advanced, Booked, EntryNames, Lodging, PaymentChange, PaymentMove};

pub(super) async fn hold<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Books>>,
{
    names_used(&Desk::open(make().await).await?).await?;
    bookings(&Desk::open(make().await).await?).await?;
    moves(&Desk::open(make().await).await?, PaymentStatus::Cancelled).await?;
    moves(&Desk::open(make().await).await?, PaymentStatus::Completed).await?;
    lodgings(&Desk::open(make().await).await?).await
}

/// Steps no adapter is asked to have.
const STEPS_MAX: usize = 64;

/// A name that is taken is found out after other parts of the change were written.
async fn names_used(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    desk.booked(&change(1, "c-1", 1000)?).await?;
    desk.booked(&change(3, "c-1", 1000)?).await?;
    let before = desk.state().await?;
    let (own, used) = (names(2, "b")?, names(1, "b")?);
    let second = change(2, "c-1", 1000)?;
    let clashes = [
        PaymentChange { payment: change(1, "c-1", 1000)?.payment, ..second.clone() },
        PaymentChange { names: EntryNames { entry: used.entry.clone(), ..own.clone() }, ..second.clone() },
        PaymentChange { names: EntryNames { debit: used.debit.clone(), ..own }, ..second.clone() },
    ];
    for clash in clashes {
        fails("a booking with a used name fails", &desk.ports.payments.book(clash).await)?;
        same("and leaves nothing", &desk.state().await?, &before)?;
    }
    let cancel = step(3, "m", PaymentStatus::Cancelled)?;
    let clashes = [
        EntryNames { entry: used.entry, ..cancel.names.clone() },
        EntryNames { credit: used.debit, ..cancel.names.clone() },
    ];
    for names in clashes {
        let clash = PaymentMove { names, ..cancel.clone() };
        fails("a move with a used name fails", &desk.ports.payments.advance(&clash).await)?;
        same("and leaves nothing", &desk.state().await?, &before)?;
    }
    desk.booked(&second).await?;
    desk.sound().await
}

async fn bookings(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", Some((YEARLY, YEARLY))).await?;
    let change = change(1, "c-1", YEARLY)?;
    let mut failed = 0;
    for at in 0..STEPS_MAX {
        let before = desk.state().await?;
        if desk.books().break_step(at).await? == Broken::NoSuchStep {
            break;
        }
        let booked = desk.ports.payments.book(change.clone()).await;
        desk.books().mend().await?;
        if booked.is_ok() {
            return broken_in_vain(at);
        }
        failed += 1;
        same("a booking that fails midway leaves nothing", &desk.state().await?, &before)?;
        let held = desk.ports.payments.by_key(&change.key, BEGINNING).await?;
        same("not even its key", &held, &None)?;
    }
    // The amount is all that consent and year allow: had one of them kept anything, this would be refused.
    let booked = desk.book(&change).await?;
    same("and the same request is booked afterwards", &matches!(booked, Booked::New(_)), &true)?;
    tracing::debug!(failed, "bookings that failed midway");
    desk.sound().await
}

/// Every step of a booking must be one that fails it, or the suite would prove nothing.
fn broken_in_vain(step: usize) -> Result<(), Breach> {
    Err(Breach::Answer {
        fact: "a booking fails at a broken step; name only steps that a booking has",
        found: format!("step {step} was broken and the payment booked"),
    })
}

async fn moves(desk: &Desk, to: PaymentStatus) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    for at in 0..STEPS_MAX {
        desk.booked(&change(at, "c-1", 1000)?).await?;
        desk.moved(at, "p", PaymentStatus::Pending).await?;
        if to == PaymentStatus::Completed {
            desk.moved(at, "s", PaymentStatus::DebtorSettled).await?;
        }
        let before = desk.state().await?;
        if desk.books().break_step(at).await? == Broken::NoSuchStep {
            break;
        }
        let moved = desk.ports.payments.advance(&step(at, "e", to)?).await;
        desk.books().mend().await?;
        if moved.is_err() {
            same("a move that fails midway leaves nothing", &desk.state().await?, &before)?;
            let again = desk.ports.payments.advance(&step(at, "e", to)?).await?;
            same("and is made afterwards", &matches!(again, Advanced::Moved(_)), &true)?;
        }
        desk.sound().await?;
    }
    Ok(())
}

async fn lodgings(desk: &Desk) -> Result<(), Breach> {
    for at in 0..STEPS_MAX {
        let change = lodging(at, &format!("c-{at}"), "body")?;
        if desk.books().break_step(at).await? == Broken::NoSuchStep {
            break;
        }
        let lodged = desk.ports.lodgings.lodge(change.clone()).await;
        desk.books().mend().await?;
        if lodged.is_err() {
            let held = desk.ports.lodgings.lodged(&change.key, BEGINNING).await?;
            same("a lodging that fails midway binds no key", &held, &None)?;
            let made = desk.ports.consents.consent(&change.consent.id).await?;
            same("and makes no consent", &made, &None)?;
            let again = desk.ports.lodgings.lodge(change).await?;
            same("and succeeds afterwards", &again, &Lodging::New)?;
        }
    }
    Ok(())
}

fn fails<T>(fact: &'static str, outcome: &Result<T, Fault>) -> Result<(), Breach> {
    same(fact, &outcome.is_err(), &true)
}
