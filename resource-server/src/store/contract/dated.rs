//! Orders for a later day: nothing leaves the account before, and on the day it leaves once, or the order is turned down.

use std::sync::Arc;

use oauth_core::ConsentId;
use oauth_core::store::contract::{BEGINNING, RACERS, race, same};
use rar_consent::{Actor, Consent, ConsentStatus, Replaced};

use super::desk::{Desk, PAID_IN, PAYER, change, count, later, names, step, uuid, wrong};
use super::races::insist;
use super::{Books, Breach};
use crate::domain::{Payment, PaymentId, PaymentStatus, PaymentTerms, RejectionReason, Stage};
use crate::port::{Advanced, PaymentChange, PaymentMove};

pub(super) async fn hold<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Books>>,
{
    kept(&Desk::open(make().await).await?).await?;
    debited(&Desk::open(make().await).await?).await?;
    raced(&Desk::open(make().await).await?).await?;
    short(&Desk::open(make().await).await?).await?;
    ended(&Desk::open(make().await).await?).await?;
    left_over(&Desk::open(make().await).await?).await?;
    called_off(&Desk::open(make().await).await?).await
}

/// The instant of the day.
const DAY: i64 = 86_400;

fn dated(n: usize, minor: i64) -> Result<PaymentChange, Breach> {
    let change = change(n, "c-1", minor)?;
    let terms = PaymentTerms { debit_at: Some(later(DAY)), ..change.payment.terms().clone() };
    Ok(PaymentChange { payment: Payment::receive(terms).map_err(wrong)?, ..change })
}

fn on_the_day(n: usize, part: &str, to: PaymentStatus) -> Result<PaymentMove, Breach> {
    Ok(PaymentMove { at: later(DAY), ..step(n, part, to)? })
}

async fn moved(desk: &Desk, change: &PaymentMove) -> Result<PaymentStatus, Breach> {
    match desk.ports.payments.advance(change).await? {
        Advanced::Moved(payment) => Ok(payment.status()),
        other @ (Advanced::Illegal(..) | Advanced::Unknown) => {
            Err(Breach::Answer { fact: "an order of the day moves", found: format!("{other:?}") })
        }
    }
}

async fn kept(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    let order = dated(1, PAID_IN + 1)?;
    let order = PaymentChange { allowance: None, ..order };
    same("an order for a later day asks for no money", &desk.booked(&order).await?, &order.payment)?;
    same("and takes none", &desk.balance(PAYER).await?, &PAID_IN)?;
    same("but counts under its consent", &desk.usage("c-1").await?, &(1, PAID_IN + 1))?;
    let due = async |at| Ok::<_, Breach>(desk.ports.payments.due(later(at), 10).await?.len());
    same("it has no turn before its day", &due(DAY - 1).await?, &0)?;
    same("and then it has", &due(DAY).await?, &1)?;
    desk.sound().await
}

async fn debited(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    desk.booked(&dated(1, 1000)?).await?;
    let taken = moved(desk, &on_the_day(1, "m", PaymentStatus::Pending)?).await?;
    same("on its day an order goes on", &taken, &PaymentStatus::Pending)?;
    same("and its money is taken", &desk.balance(PAYER).await?, &(PAID_IN - 1000))?;
    desk.sound().await?;
    let refused = PaymentStatus::Rejected { reason: RejectionReason::RailRefused };
    moved(desk, &on_the_day(1, "n", refused)?).await?;
    same("what was taken is given back", &desk.balance(PAYER).await?, &PAID_IN)?;
    same("with its part of the consent", &desk.usage("c-1").await?, &(0, 0))?;
    desk.sound().await
}

async fn raced(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    desk.booked(&dated(1, 1000)?).await?;
    let found = race(|racer| {
        let book = Arc::clone(&desk.ports.payments);
        async move {
            let fault = |fault: Breach| oauth_core::Fault::new("suite", fault);
            let own = names(racer, "r").map_err(fault)?;
            let to = on_the_day(1, "r", PaymentStatus::Pending).map_err(fault)?;
            let change = PaymentMove { names: own, ..to };
            insist(|| book.advance(&change)).await
        }
    })
    .await?;
    let won = count(&found, |one| matches!(one, Advanced::Moved(_)));
    same("of all workers exactly one moves an order on its day", &won, &1)?;
    same(
        "the others find it moved",
        &count(&found, |one| matches!(one, Advanced::Illegal(..))),
        &(RACERS - 1),
    )?;
    same("its money is taken once", &desk.balance(PAYER).await?, &(PAID_IN - 1000))?;
    desk.sound().await
}

async fn short(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    desk.booked(&PaymentChange { allowance: None, ..dated(1, 1000)? }).await?;
    let whole = PaymentChange { allowance: None, ..change(2, "c-1", PAID_IN - 999)? };
    desk.booked(&whole).await?;
    let before = desk.balance(PAYER).await?;
    let turned = moved(desk, &on_the_day(1, "m", PaymentStatus::Pending)?).await?;
    let short = PaymentStatus::Rejected { reason: RejectionReason::InsufficientFunds };
    same("an order whose money is gone on its day is rejected for that", &turned, &short)?;
    same("takes nothing", &desk.balance(PAYER).await?, &before)?;
    same("and gives its part of the consent back", &desk.usage("c-1").await?, &(1, PAID_IN - 999))?;
    let id = PaymentId::new(&uuid(1)).map_err(wrong)?;
    let turns = desk.ports.payments.due(later(DAY), 10).await?;
    same("it has no further turn", &turns.iter().any(|payment| *payment.id() == id), &false)?;
    desk.sound().await
}

async fn ended(desk: &Desk) -> Result<(), Breach> {
    let ended = PaymentStatus::Rejected { reason: RejectionReason::ConsentEnded };
    let bank = Actor::Operator("branch".to_owned());
    for (n, to, by, outcome) in [
        (1, ConsentStatus::Suspended, &bank, ended),
        (2, ConsentStatus::Authorized, &bank, PaymentStatus::Pending),
        (3, ConsentStatus::Revoked, &bank, ended),
    ] {
        let id = ConsentId::new("c-1").map_err(wrong)?;
        if n == 1 {
            desk.consent("c-1", None).await?;
        }
        if n != 2 {
            desk.booked(&dated(n, 1000)?).await?;
        }
        let consent = desk.ports.consents.consent(&id).await?.ok_or_else(|| wrong("no consent"))?;
        let (changed, entry) = consent.moved(to, by, "contract", BEGINNING).map_err(wrong)?;
        let replaced = desk.ports.consents.replace(&changed, &entry).await?;
        same("a consent is held, let go and ended", &replaced, &Replaced::Done)?;
        if n == 2 {
            desk.booked(&dated(n, 1000)?).await?;
        }
        let turned = moved(desk, &on_the_day(n, "m", PaymentStatus::Pending)?).await?;
        same("an order goes on only under a consent in force", &turned, &outcome)?;
    }
    same("and only then is its money taken", &desk.balance(PAYER).await?, &(PAID_IN - 1000))?;
    same("as its consent counts", &desk.usage("c-1").await?, &(1, 1000))?;
    desk.sound().await?;
    by_time_alone(desk).await
}

/// What a consent leaves behind is found when it is revoked, and not before.
async fn left_over(desk: &Desk) -> Result<(), Breach> {
    let id = ConsentId::new("c-1").map_err(wrong)?;
    desk.consent("c-1", None).await?;
    desk.booked(&dated(1, 1000)?).await?;
    desk.booked(&dated(2, 500)?).await?;
    let at_once = PaymentChange { allowance: None, ..change(3, "c-1", 70)? };
    desk.booked(&at_once).await?;
    let left = async |limit| Ok::<_, Breach>(desk.ports.payments.left_over(limit).await?.len());
    same("under a consent in force nothing is left over", &left(10).await?, &0)?;
    let bank = Actor::Operator("branch".to_owned());
    for (status, found) in [(ConsentStatus::Suspended, 0), (ConsentStatus::Revoked, 2)] {
        let consent = desk.ports.consents.consent(&id).await?.ok_or_else(|| wrong("no consent"))?;
        let (changed, entry) = consent.moved(status, &bank, "contract", BEGINNING).map_err(wrong)?;
        desk.ports.consents.replace(&changed, &entry).await?;
        same("a hold leaves orders where they are, an end does not", &left(10).await?, &found)?;
    }
    same("no more than asked for", &left(1).await?, &1)?;
    let refused = PaymentStatus::Rejected { reason: RejectionReason::ConsentEnded };
    let early = PaymentMove { at: BEGINNING, ..step(1, "m", refused)? };
    same("an order is turned down before its day", &moved(desk, &early).await?, &refused)?;
    same("with its part of the consent", &desk.usage("c-1").await?, &(2, 570))?;
    same("and is left over no longer", &left(10).await?, &1)?;
    same("no money but that of the order of today has moved", &desk.balance(PAYER).await?, &(PAID_IN - 70))?;
    desk.sound().await
}

/// A consent whose time is over has let its orders go, unless it was on hold when it ended.
async fn by_time_alone(desk: &Desk) -> Result<(), Breach> {
    for (n, held, outcome) in [(11_usize, false, Stage::Pending), (12, true, Stage::Rejected)] {
        let name = format!("c-{n}");
        desk.consent(&name, None).await?;
        let order = dated(n, 1000)?;
        let id = ConsentId::new(&name).map_err(wrong)?;
        let terms = PaymentTerms { consent: id.clone(), ..order.payment.terms().clone() };
        let payment = Payment::receive(terms).map_err(wrong)?;
        desk.booked(&PaymentChange { payment, ..order }).await?;
        let stored = desk.ports.consents.consent(&id).await?.ok_or_else(|| wrong("no consent"))?;
        let bank = Actor::Operator("branch".to_owned());
        if held {
            let (on_hold, entry) =
                stored.moved(ConsentStatus::Suspended, &bank, "contract", BEGINNING).map_err(wrong)?;
            desk.ports.consents.replace(&on_hold, &entry).await?;
        }
        let stored = desk.ports.consents.consent(&id).await?.ok_or_else(|| wrong("no consent"))?;
        let over: Option<(Consent, _)> = stored.until.and_then(|until| stored.at(until));
        let (over, entry) = over.ok_or_else(|| wrong("a consent without an end"))?;
        desk.ports.consents.replace(&over, &entry).await?;
        let turned = moved(desk, &on_the_day(n, "m", PaymentStatus::Pending)?).await?;
        same("time alone stops no order, a hold does", &turned.stage(), &outcome)?;
    }
    desk.sound().await
}

async fn called_off(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    desk.booked(&dated(1, 1000)?).await?;
    desk.moved(1, "m", PaymentStatus::Cancelled).await?;
    same("an order called off before its day gives no money back", &desk.balance(PAYER).await?, &PAID_IN)?;
    same("but its part of the consent", &desk.usage("c-1").await?, &(0, 0))?;
    let turns = desk.ports.payments.due(later(DAY), 10).await?;
    same("and has no turn", &turns.len(), &0)?;
    desk.sound().await
}
