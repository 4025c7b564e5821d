//! Sixty-four at once: as many succeed as consent, year, balance and key allow.

use std::sync::Arc;

use oauth_core::store::contract::{BEGINNING, RACERS, ROUNDS, race, same};
use oauth_core::{ConsentId, Fault};
use rar_consent::ExerciseFault;

use super::desk::{
    Desk, PAID_IN, PAYEE, PAYER, SAVED, change, change_at, client, count, later, step, uuid, wrong,
};
use super::lodgings::lodging;
use super::{Books, Breach};
use crate::domain::{PaymentId, PaymentStatus, RequestFingerprint, Stage};
use crate::port::{Advanced, Booked, Lodging, LodgingChange, PaymentChange, PaymentMove};

pub(super) async fn hold<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Books>>,
{
    keys(&Desk::open(make().await).await?).await?;
    keys_over(&Desk::open(make().await).await?).await?;
    consent(&Desk::open(make().await).await?).await?;
    balance(&Desk::open(make().await).await?).await?;
    year(&Desk::open(make().await).await?).await?;
    moves(&Desk::open(make().await).await?).await?;
    lodgings(&Desk::open(make().await).await?).await
}

/// Books all of these at once.
async fn book_all(desk: &Desk, changes: Vec<PaymentChange>) -> Result<Vec<Booked>, Breach> {
    race(|racer| {
        let (book, change) = (Arc::clone(&desk.ports.payments), changes.get(racer).cloned());
        async move {
            let change = change.ok_or_else(|| Fault::new("suite", "too few changes"))?;
            insist(|| async {
                let booked = book.book(change.clone()).await?;
                if booked == Booked::InProgress {
                    return Err(Fault::new("suite", "the first request still runs"));
                }
                Ok(booked)
            })
            .await
        }
    })
    .await
}

/// Sixty-four at once may be more than a busy server takes in time. Whoever meets a fault tries again, as callers do: every
/// verb here is safe to repeat.
pub(super) async fn insist<T, F>(verb: impl Fn() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    for _ in 0..TRIES {
        if let Ok(found) = verb().await {
            return Ok(found);
        }
    }
    verb().await
}

const TRIES: usize = 20;

fn each(make: impl Fn(usize) -> Result<PaymentChange, Breach>) -> Result<Vec<PaymentChange>, Breach> {
    (0..RACERS).map(make).collect()
}

const fn is_new(booked: &Booked) -> bool {
    matches!(booked, Booked::New(_))
}

async fn keys(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    for round in 0..ROUNDS {
        let base = round * 2 * RACERS;
        let key = change(base, "c-1", 1000)?.key;
        let repeats = each(|n| Ok(PaymentChange { key: key.clone(), ..change(base + n, "c-1", 1000)? }))?;
        let found = book_all(desk, repeats).await?;
        same("of all repeats of one request exactly one is booked", &count(&found, is_new), &1)?;
        let held = desk.ports.payments.by_key(&key, BEGINNING).await?.map(|held| held.payment);
        let same_one = |booked: &Booked| match booked {
            Booked::New(payment) | Booked::Repeat(payment) => Some(payment) == held.as_ref(),
            Booked::InProgress => true,
            Booked::ConflictingRepeat
            | Booked::ConsentRefused(_)
            | Booked::ConsentGone
            | Booked::AllowanceGone
            | Booked::FundsGone => false,
        };
        same("and all the others are told of it", &count(&found, same_one), &RACERS)?;
        let base = base + RACERS;
        let key = change(base, "c-1", 1000)?.key;
        let different = each(|n| {
            let fingerprint = RequestFingerprint::of(&n.to_be_bytes());
            Ok(PaymentChange { key: key.clone(), fingerprint, ..change(base + n, "c-1", 1000)? })
        })?;
        let found = book_all(desk, different).await?;
        same("of all requests under one key exactly one is booked", &count(&found, is_new), &1)?;
        let refused =
            count(&found, |booked| matches!(booked, Booked::ConflictingRepeat | Booked::InProgress));
        same("and all the others conflict", &refused, &(RACERS - 1))?;
    }
    let booked = u64::try_from(2 * ROUNDS).unwrap_or_default();
    same("a consent counts what was booked", &desk.usage("c-1").await?.0, &booked)?;
    desk.sound().await
}

/// A key whose time is over is taken anew while it is being swept.
async fn keys_over(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    for round in 0..ROUNDS {
        let base = round * (RACERS + 1);
        let old = PaymentChange { key_until: later(10), ..change(base, "c-1", 1000)? };
        desk.booked(&old).await?;
        let anew = each(|n| {
            let key = old.key.clone();
            Ok(PaymentChange { key, ..change_at(base + 1 + n, ("c-1", 1000), later(10))? })
        })?;
        let found = race(|racer| {
            let (book, change) = (Arc::clone(&desk.ports.payments), anew.get(racer).cloned());
            async move {
                if racer.is_multiple_of(4) {
                    return insist(|| book.sweep(later(10))).await.map(|_| None);
                }
                let change = change.ok_or_else(|| Fault::new("suite", "too few changes"))?;
                insist(|| book.book(change.clone())).await.map(Some)
            }
        })
        .await?;
        let new = count(&found, |booked| booked.as_ref().is_some_and(is_new));
        same("a key that is over is taken anew exactly once", &new, &1)?;
        let first = found.into_iter().flatten().find(is_new);
        let held = desk.ports.payments.by_key(&old.key, later(10)).await?.map(|held| held.payment);
        same("and no sweep takes it away", &held.map(Booked::New), &first)?;
    }
    desk.sound().await
}

async fn consent(desk: &Desk) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let id = format!("c-{round}");
        desk.consent(&id, Some((1000, 7000))).await?;
        let found = book_all(desk, each(|n| change(round * RACERS + n, &id, 1000))?).await?;
        same("exactly as many are booked as the consent allows", &count(&found, is_new), &7)?;
        let over = |booked: &Booked| matches!(booked, Booked::ConsentRefused(refusal) if refusal.fault == ExerciseFault::Total);
        same("and all the others are beyond it", &count(&found, over), &(RACERS - 7))?;
        same("it counts what was booked", &desk.usage(&id).await?, &(7, 7000))?;
        for n in 0..RACERS {
            let key = change(round * RACERS + n, &id, 1000)?.key;
            let held = desk.ports.payments.by_key(&key, BEGINNING).await?.is_some();
            same("a refusal binds no key", &held, &found.get(n).is_some_and(is_new))?;
        }
    }
    desk.sound().await
}

async fn balance(desk: &Desk) -> Result<(), Breach> {
    // Many consents, so that they race for the balance and not for a consent.
    for consent in 0..16 {
        desk.consent(&format!("c-{consent}"), None).await?;
    }
    let ninth = PAID_IN / 100 * 9;
    let changes =
        each(|n| Ok(PaymentChange { allowance: None, ..change(n, &format!("c-{}", n % 16), ninth)? }))?;
    let found = book_all(desk, changes).await?;
    same("exactly as many are booked as the balance holds", &count(&found, is_new), &11)?;
    let short = count(&found, |booked| *booked == Booked::FundsGone);
    same("and all the others are short", &short, &(RACERS - 11))?;
    same("the rest stays", &desk.balance(PAYER).await?, &(PAID_IN - 11 * ninth))?;
    desk.sound().await
}

async fn year(desk: &Desk) -> Result<(), Breach> {
    for consent in 0..8 {
        desk.consent(&format!("c-{consent}"), None).await?;
    }
    let found = book_all(desk, each(|n| change(n, &format!("c-{}", n % 8), 1_500_000))?).await?;
    same("exactly as many are booked as the year allows", &count(&found, is_new), &13)?;
    let over = count(&found, |booked| *booked == Booked::AllowanceGone);
    same("and all the others are beyond it", &over, &(RACERS - 13))?;
    desk.sound().await
}

/// Cancellation against settlement, and then completion against itself.
async fn moves(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    let mut reached = 0;
    for n in 0..ROUNDS {
        desk.booked(&change(n, "c-1", 1000)?).await?;
        desk.moved(n, "p", PaymentStatus::Pending).await?;
        let to = |racer: usize| match racer.is_multiple_of(2) {
            true => PaymentStatus::Cancelled,
            false => PaymentStatus::DebtorSettled,
        };
        same("of all moves exactly one is made", &move_all(desk, n, "c", to).await?, &1)?;
        let id = PaymentId::new(&uuid(n)).map_err(wrong)?;
        let stage = desk.ports.payments.payment(&id).await?.map(|payment| payment.status().stage());
        let made = move_all(desk, n, "d", |_| PaymentStatus::Completed).await?;
        let paid = stage == Some(Stage::DebtorSettled);
        same("what was cancelled is never completed, what was settled once", &made, &usize::from(paid))?;
        reached += i64::from(paid);
        same("the payee has what was completed", &desk.balance(PAYEE).await?, &(SAVED + reached * 1000))?;
        same("the payer the rest", &desk.balance(PAYER).await?, &(PAID_IN - reached * 1000))?;
        same("and the consent counts it", &desk.usage("c-1").await?.1, &(reached * 1000))?;
        desk.sound().await?;
    }
    Ok(())
}

/// How many of sixty-four moves of one payment were made.
async fn move_all(
    desk: &Desk,
    n: usize,
    part: &str,
    to: impl Fn(usize) -> PaymentStatus,
) -> Result<usize, Breach> {
    let moves = (0..RACERS).map(|racer| step(n, &format!("{part}{racer}"), to(racer)));
    let moves: Vec<PaymentMove> = moves.collect::<Result<_, _>>()?;
    let found = race(|racer| {
        let (book, step) = (Arc::clone(&desk.ports.payments), moves.get(racer).cloned());
        async move {
            let step = step.ok_or_else(|| Fault::new("suite", "too few moves"))?;
            insist(|| book.advance(&step)).await
        }
    })
    .await?;
    Ok(count(&found, |advanced| matches!(advanced, Advanced::Moved(_))))
}

async fn lodgings(desk: &Desk) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let base = round * 3 * RACERS;
        let one_key = |racer: usize| lodging(base, &format!("a-{round}-{racer}"), "body");
        let found = lodge_all(desk, one_key).await?;
        same("of all repeats exactly one lodges a consent", &count(&found, is_lodged), &1)?;
        let key = lodging(base, "x", "body")?.key;
        let held = desk.ports.lodgings.lodged(&key, BEGINNING).await?.map(|held| held.consent);
        let told = |lodged: &Lodging| match lodged {
            Lodging::New => true,
            Lodging::Repeat(consent) => Some(&**consent) == held.as_ref(),
            Lodging::ConflictingRepeat | Lodging::IdUsed => false,
        };
        same("and all the others are told of it", &count(&found, told), &RACERS)?;
        let conflicting =
            |racer: usize| lodging(base + 1, &format!("b-{round}-{racer}"), &format!("body {racer}"));
        let found = lodge_all(desk, conflicting).await?;
        same("of all requests under one key exactly one lodges", &count(&found, is_lodged), &1)?;
        let one_id = |racer: usize| lodging(base + 2 + racer, &format!("c-{round}"), "body");
        let found = lodge_all(desk, one_id).await?;
        same("of all keys for one identifier exactly one lodges", &count(&found, is_lodged), &1)?;
        for racer in 0..RACERS {
            let key = lodging(base + 2 + racer, "x", "body")?.key;
            let held = desk.ports.lodgings.lodged(&key, BEGINNING).await?.is_some();
            same("and only its key is bound", &held, &found.get(racer).is_some_and(is_lodged))?;
        }
        let id = ConsentId::new(&format!("c-{round}")).map_err(wrong)?;
        same("with one entry of history", &desk.ports.consents.history(&id).await?.len(), &1)?;
    }
    let made = desk.ports.consents.of_client(&client()?.id).await?.len();
    same("no other consent was made", &made, &(3 * ROUNDS))
}

const fn is_lodged(lodging: &Lodging) -> bool {
    matches!(lodging, Lodging::New)
}

async fn lodge_all(
    desk: &Desk,
    make: impl Fn(usize) -> Result<LodgingChange, Breach>,
) -> Result<Vec<Lodging>, Breach> {
    let changes: Vec<LodgingChange> = (0..RACERS).map(make).collect::<Result<_, _>>()?;
    race(|racer| {
        let (book, change) = (Arc::clone(&desk.ports.lodgings), changes.get(racer).cloned());
        async move {
            let change = change.ok_or_else(|| Fault::new("suite", "too few changes"))?;
            insist(|| book.lodge(change.clone())).await
        }
    })
    .await
}
