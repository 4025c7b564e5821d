//! Consents that count: what is used of them by period, given back with a rejection, and finished with the last success.

use std::sync::Arc;

use oauth_core::store::contract::{BEGINNING, RACERS, ROUNDS, race, same};
use oauth_core::{ConsentId, Fault, Seconds, Subject, Timestamp};
use rar_consent::{
    Actor, Alignment, Amount, Consent, ConsentStatus, ExerciseFault, Lodged, Maxima, MultiPayment,
    PeriodType, PeriodicSchedule, Periods, Replaced, Schedule, Terms, UaeAccount, UaePayment, UaeVocabulary,
};
use serde_json::Value;

use super::desk::{Desk, PAYER, change_at, client, count, wrong};
use super::{Books, Breach};
use crate::domain::{Payment, PaymentKind, PaymentStatus, PaymentTerms, RejectionReason, Zone};
use crate::port::{Booked, PaymentChange};

pub(super) async fn hold<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Books>>,
{
    given_back(&Desk::open(make().await).await?).await?;
    finished(&Desk::open(make().await).await?).await?;
    exactly(&Desk::open(make().await).await?).await
}

async fn given_back(desk: &Desk) -> Result<(), Breach> {
    consent(desk, "u-1", Most { all: 9, a_day: 2 }).await?;
    let tomorrow = BEGINNING.plus(Seconds::days(1));
    for n in 1..=2 {
        desk.booked(&order(n, "u-1", BEGINNING)?).await?;
    }
    let third = desk.book(&order(3, "u-1", BEGINNING)?).await?;
    same("a period holds what it holds", &is_over(&third), &true)?;
    desk.booked(&order(3, "u-1", tomorrow)?).await?;
    same("by period", &slots(desk, "u-1").await?, &vec![2, 1])?;
    reject(desk, 1).await?;
    same("a rejection is of the day its payment came in", &slots(desk, "u-1").await?, &vec![1, 1])?;
    desk.booked(&order(4, "u-1", BEGINNING)?).await?;
    same("its slot is taken again", &slots(desk, "u-1").await?, &vec![2, 1])?;
    same("and counted once", &desk.usage("u-1").await?, &(3, 3000))?;
    desk.sound().await
}

async fn finished(desk: &Desk) -> Result<(), Breach> {
    consent(desk, "u-1", Most { all: 2, a_day: 9 }).await?;
    for n in 1..=2 {
        desk.booked(&order(n, "u-1", BEGINNING)?).await?;
    }
    settle(desk, 1).await?;
    let kept = stored(desk, "u-1").await?;
    same("a success is counted", &kept.usage.multi.successes, &1)?;
    same("and does not finish what has more to do", &kept.status, &ConsentStatus::Authorized)?;
    reject(desk, 2).await?;
    desk.booked(&order(3, "u-1", BEGINNING)?).await?;
    settle(desk, 3).await?;
    same("the last success does", &stored(desk, "u-1").await?.status, &ConsentStatus::Finished)?;
    let history = desk.ports.consents.history(&id("u-1")?).await?;
    let last = history.last().map(|entry| (entry.to, entry.actor.clone()));
    same("with an entry", &last, &Some((ConsentStatus::Finished, Actor::Engine)))?;
    desk.sound().await
}

async fn exactly(desk: &Desk) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let name = format!("u-{round}");
        consent(desk, &name, Most { all: 7, a_day: 9 }).await?;
        let orders: Vec<PaymentChange> =
            (0..RACERS).map(|n| order(round * RACERS + n, &name, BEGINNING)).collect::<Result<_, _>>()?;
        let found = race(|racer| {
            let (book, order) = (Arc::clone(&desk.ports.payments), orders.get(racer).cloned());
            async move {
                let order = order.ok_or_else(|| Fault::new("suite", "too few orders"))?;
                super::races::insist(|| book.book(order.clone())).await
            }
        })
        .await?;
        let new = count(&found, |booked| matches!(booked, Booked::New(_) | Booked::Repeat(_)));
        same("of many at once exactly as many are booked as fit", &new, &7)?;
        same("and all the others are over", &count(&found, is_over), &(RACERS - 7))?;
        same("the period has them", &slots(desk, &name).await?, &vec![7])?;
        same("and so has the lifetime", &desk.usage(&name).await?, &(7, 7000))?;
    }
    desk.sound().await
}

/// How many payments a consent allows.
struct Most {
    all: u32,
    a_day: u32,
}

/// An authorised consent to pay ten pesos at a time, counted by day.
async fn consent(desk: &Desk, name: &str, most: Most) -> Result<(), Breach> {
    let (waiting, entry) = Consent::awaiting(
        Lodged { id: id(name)?, issuer: client()?.issuer, client: client()?.id, element: Value::Null },
        Terms::UaePayment(terms(&most)),
        BEGINNING,
    );
    desk.ports.consents.insert(&waiting, &entry).await?;
    let alice = Subject::new("alice").map_err(wrong)?;
    let customer = Actor::Customer(alice.clone());
    let moved = waiting.moved(ConsentStatus::Authorized, &customer, "contract", BEGINNING);
    let (moved, entry) = moved.map_err(wrong)?;
    let consent = Consent { subject: Some(alice), accounts: vec![PAYER.to_owned()], ..moved };
    same("a consent is approved", &desk.ports.consents.replace(&consent, &entry).await?, &Replaced::Done)
}

fn terms(most: &Most) -> UaePayment {
    let day = Zone::Dubai.day(BEGINNING);
    let periods = Periods { kind: PeriodType::Day, anchor: day, alignment: Alignment::Consent };
    UaePayment {
        vocabulary: UaeVocabulary::Seed,
        base_consent: None,
        authorization: None,
        window: "24:00:00".to_owned(),
        authorise_within: Seconds::days(1),
        authorise_by: None,
        expires_at: BEGINNING.plus(Seconds::days(300)),
        pay_by_account: false,
        schedule: Schedule::Multi(MultiPayment::VariableOnDemand {
            individual: Some(Amount::new(1000, "PHP")),
            lifetime: Maxima { count: Some(most.all), value: Some(Amount::new(100_000, "PHP")) },
            periodic: Some(PeriodicSchedule { periods, count: Some(most.a_day), value: None }),
        }),
        debtor: None,
        creditors: vec![UaeAccount {
            iban: "AE050260001015432198765".to_owned(),
            name: None,
            trading_name: None,
            beside: None,
        }],
        payer_reference: Some("contract".to_owned()),
        beneficiary_reference: None,
        purpose_code: "GDDS".to_owned(),
        sponsor: None,
        permissions: Vec::new(),
        risk: None,
    }
}

/// The `n`-th payment of ten pesos under a consent.
fn order(n: usize, consent: &str, at: Timestamp) -> Result<PaymentChange, Breach> {
    let change = change_at(n, (consent, 1000), at)?;
    let terms = PaymentTerms { kind: PaymentKind::Transfer, ..change.payment.terms().clone() };
    Ok(PaymentChange {
        consent_use: terms.consent_use(),
        payment: Payment::receive(terms).map_err(wrong)?,
        allowance: None,
        ..change
    })
}

async fn settle(desk: &Desk, n: usize) -> Result<(), Breach> {
    desk.moved(n, "p", PaymentStatus::Pending).await?;
    desk.moved(n, "s", PaymentStatus::DebtorSettled).await.map(drop)
}

async fn reject(desk: &Desk, n: usize) -> Result<(), Breach> {
    let reason = RejectionReason::GenericFailure;
    desk.moved(n, "r", PaymentStatus::Rejected { reason }).await.map(drop)
}

async fn stored(desk: &Desk, name: &str) -> Result<Consent, Breach> {
    let consent = desk.ports.consents.consent(&id(name)?).await?;
    consent.ok_or_else(|| wrong("a consent is gone"))
}

/// How many payments each period has that is remembered.
async fn slots(desk: &Desk, name: &str) -> Result<Vec<u64>, Breach> {
    Ok(stored(desk, name).await?.usage.multi.recent.iter().map(|slot| slot.count).collect())
}

fn is_over(booked: &Booked) -> bool {
    matches!(booked, Booked::ConsentRefused(refusal) if refusal.fault == ExerciseFault::Count)
}

fn id(name: &str) -> Result<ConsentId, Breach> {
    ConsentId::new(name).map_err(wrong)
}
