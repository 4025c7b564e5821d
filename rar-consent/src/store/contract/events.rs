//! What every adapter of [`EventOutbox`] must do, together with the consents whose changes it tells of.

use std::sync::Arc;

use oauth_core::store::contract::{BEGINNING, ROUNDS, race, same};
use oauth_core::{Seconds, Timestamp};

use super::{Breach, authorised, moved, waiting};
use crate::consent::Consent;
use crate::consent::history::{Actor, Changed, HistoryEntry};
use crate::consent::status::ConsentStatus;
use crate::consent::subscription::Subscription;
use crate::event::{Event, EventKind, EventResource};
use crate::outbox::{ClaimedEvent, EventClaim, EventOutbox, LeaseEnd, PutOff};
use crate::port::{ConsentStore, Replaced};

/// Stores under test, over the same place.
#[derive(Clone)]
pub struct EventPorts {
    /// The consents.
    pub consents: Arc<dyn ConsentStore>,
    /// Their events.
    pub events: Arc<dyn EventOutbox>,
}

impl std::fmt::Debug for EventPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventPorts(…)")
    }
}

/// Holds an [`EventOutbox`] to its port, and a [`ConsentStore`] to telling it.
///
/// # Errors
/// The first thing they do that the ports do not say.
pub async fn event_outbox_contract<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = EventPorts>,
{
    told(&make().await).await?;
    unwanted(&make().await).await?;
    cancelled(&make().await).await?;
    in_turn(&make().await).await?;
    leased(&make().await).await?;
    put_off(&make().await).await?;
    overtaken_race(&make().await).await?;
    claim_race(&make().await).await
}

const LEASE: Seconds = Seconds::new(20);

async fn told(ports: &EventPorts) -> Result<(), Breach> {
    let consent = keep(ports, 1, Wanted::Yes).await?;
    same("that a consent is new is not told", &ports.events.waiting(&consent.id).await?, &Vec::new())?;
    let (given, by) = authorised(&consent)?;
    same("a change is kept", &ports.consents.replace(&given, &by).await?, &Replaced::Done)?;
    let given = read(ports, &consent).await?;
    let aside = note(&given, Changed::Subscription);
    same("so is one of something else", &ports.consents.replace(&given, &aside).await?, &Replaced::Done)?;
    let given = read(ports, &consent).await?;
    ports.consents.replace(&given, &note(&given, Changed::Decision)).await?;
    let given = read(ports, &consent).await?;
    let (taken, by) = moved(&given, ConsentStatus::Revoked, &Actor::Tpp(given.client.clone()))?;
    ports.consents.replace(&taken, &by).await?;
    let events = ports.events.waiting(&consent.id).await?;
    same("each change of status and each decision is told once", &events.len(), &3)?;
    let states: Vec<_> = events.iter().map(state).collect::<Result<_, _>>()?;
    let statuses: Vec<_> = states.iter().map(|state| state.status).collect();
    let order = vec![ConsentStatus::Authorized, ConsentStatus::Authorized, ConsentStatus::Revoked];
    same("in order, with the state of each", &statuses, &order)?;
    for event in &events {
        same(
            "it is about the consent",
            &(&event.about, event.kind),
            &(&EventResource::Consent, EventKind::Updated),
        )?;
        let whose = (&event.consent, &event.client, &event.issuer);
        same("and says whose", &whose, &(&consent.id, &consent.client, &consent.issuer))?;
    }
    let names = events.first().map(|event| &event.id) == events.last().map(|event| &event.id);
    same("two happenings have two names", &names, &false)
}

async fn unwanted(ports: &EventPorts) -> Result<(), Breach> {
    for (n, wanted) in [(1, Wanted::No), (2, Wanted::Nowhere)] {
        let consent = keep(ports, n, wanted).await?;
        let (given, by) = authorised(&consent)?;
        ports.consents.replace(&given, &by).await?;
        let events = ports.events.waiting(&consent.id).await?;
        same("what nobody wants is not kept", &events, &Vec::new())?;
    }
    Ok(())
}

async fn cancelled(ports: &EventPorts) -> Result<(), Breach> {
    let (consent, other) = (busy(ports, 1).await?, busy(ports, 2).await?);
    let silent = subscribed(&consent, Wanted::No);
    ports.consents.replace(&silent, &note(&silent, Changed::Subscription)).await?;
    let gone = ports.events.waiting(&consent.id).await?;
    same("who wants no more events gets none of those that wait", &gone, &Vec::new())?;
    same("others do", &ports.events.waiting(&other.id).await?.len(), &1)?;
    let silent = read(ports, &consent).await?;
    let (taken, by) = moved(&silent, ConsentStatus::Revoked, &Actor::Tpp(silent.client.clone()))?;
    ports.consents.replace(&taken, &by).await?;
    same("nor any later one", &ports.events.waiting(&consent.id).await?, &Vec::new())?;
    same("all of them can be cancelled", &ports.events.cancel(&other.id).await?, &1)?;
    same("once", &ports.events.cancel(&other.id).await?, &0)
}

/// A later event waits for the earlier one; other consents do not.
async fn in_turn(ports: &EventPorts) -> Result<(), Breach> {
    let (first, second) = (busy(ports, 1).await?, busy(ports, 2).await?);
    let (taken, by) = moved(&first, ConsentStatus::Revoked, &Actor::Tpp(first.client.clone()))?;
    ports.consents.replace(&taken, &by).await?;
    same("nothing is due before it happened", &claim(ports, "early", BEGINNING).await?.len(), &0)?;
    let now = BEGINNING.plus(Seconds::minutes(1));
    let one = ports.events.claim(&EventClaim { limit: 1, ..asked("one", now) }).await?;
    same("no more is claimed than was asked for", &one.len(), &1)?;
    let rest = claim(ports, "two", now).await?;
    same("the oldest event of every consent has its turn", &rest.len(), &1)?;
    let of: Vec<_> = one.iter().chain(&rest).map(|claimed| claimed.event.consent.clone()).collect();
    same("each of its own", &(of.contains(&first.id) && of.contains(&second.id)), &true)?;
    same("nothing else does", &claim(ports, "three", now).await?.len(), &0)?;
    for claimed in one.iter().chain(&rest) {
        let state = state(&claimed.event)?.status;
        same("the older change comes first", &state, &ConsentStatus::Authorized)?;
        same("what was told is finished", &ports.events.finish(&claimed.lease).await?, &LeaseEnd::Done)?;
    }
    let next = claim(ports, "four", now).await?;
    let status = next.first().map(|claimed| state(&claimed.event)).transpose()?.map(|state| state.status);
    same("and then the next one has its turn", &status, &Some(ConsentStatus::Revoked))
}

async fn leased(ports: &EventPorts) -> Result<(), Breach> {
    busy(ports, 1).await?;
    let now = BEGINNING.plus(Seconds::minutes(1));
    let held = only(claim(ports, "first", now).await?)?;
    let just_before = Timestamp::from_millis(now.plus(LEASE).millis() - 1);
    same("nobody else gets a held event", &claim(ports, "second", just_before).await?.len(), &0)?;
    let taken = only(claim(ports, "second", now.plus(LEASE)).await?)?;
    same("at the end of its lease somebody does", &taken.event, &held.event)?;
    same(
        "a lease that has ended finishes nothing",
        &ports.events.finish(&held.lease).await?,
        &LeaseEnd::Lost,
    )?;
    let late = ports.events.put_off(&held.lease, now, PutOff::Failed).await?;
    same("nor puts anything off", &late, &LeaseEnd::Lost)?;
    same("the new one does", &ports.events.finish(&taken.lease).await?, &LeaseEnd::Done)?;
    same("once", &ports.events.finish(&taken.lease).await?, &LeaseEnd::Lost)
}

async fn put_off(ports: &EventPorts) -> Result<(), Breach> {
    busy(ports, 1).await?;
    let now = BEGINNING.plus(Seconds::minutes(1));
    let mut at = now;
    for (why, failures) in [(PutOff::Failed, 1), (PutOff::Untried, 1), (PutOff::Failed, 2)] {
        let held = only(claim(ports, &format!("at {at:?}"), at).await?)?;
        let until = at.plus(Seconds::new(30));
        same("an event is put off", &ports.events.put_off(&held.lease, until, why).await?, &LeaseEnd::Done)?;
        let early = claim(ports, "early", Timestamp::from_millis(until.millis() - 1)).await?;
        same("until its time", &early.len(), &0)?;
        let again = only(claim(ports, "again", until).await?)?;
        same("failures count, and nothing else", &again.failures, &failures)?;
        ports.events.put_off(&again.lease, until, PutOff::Untried).await?;
        at = until;
    }
    Ok(())
}

/// Of any number of changes to one revision one is kept, and one event with it.
async fn overtaken_race(ports: &EventPorts) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let consent = keep(ports, round, Wanted::Yes).await?;
        let (given, by) = authorised(&consent)?;
        race(|_| {
            let (given, by, consents) = (given.clone(), by.clone(), Arc::clone(&ports.consents));
            async move { consents.replace(&given, &by).await }
        })
        .await?;
        let events = ports.events.waiting(&consent.id).await?;
        same("what was not kept is not told", &events.len(), &1)?;
    }
    Ok(())
}

async fn claim_race(ports: &EventPorts) -> Result<(), Breach> {
    let now = BEGINNING.plus(Seconds::minutes(1));
    for round in 0..ROUNDS {
        let consent = busy(ports, round).await?;
        let claimed = race(|racer| {
            let events = Arc::clone(&ports.events);
            async move { events.claim(&asked(&format!("{round} {racer}"), now)).await }
        })
        .await?;
        let winners: Vec<ClaimedEvent> = claimed.into_iter().flatten().collect();
        same("of all workers exactly one gets an event", &winners.len(), &1)?;
        for winner in winners {
            same("the one that waits", &winner.event.consent, &consent.id)?;
            same("and holds it", &ports.events.finish(&winner.lease).await?, &LeaseEnd::Done)?;
        }
    }
    Ok(())
}

/// Whether and where the events of a consent are wanted.
#[derive(Clone, Copy)]
enum Wanted {
    Yes,
    No,
    Nowhere,
}

fn asked(holder: &str, now: Timestamp) -> EventClaim {
    EventClaim { holder: holder.to_owned(), now, until: now.plus(LEASE), limit: 100 }
}

async fn claim(ports: &EventPorts, holder: &str, now: Timestamp) -> Result<Vec<ClaimedEvent>, Breach> {
    Ok(ports.events.claim(&asked(holder, now)).await?)
}

fn only(mut claimed: Vec<ClaimedEvent>) -> Result<ClaimedEvent, Breach> {
    same("one event is claimed", &claimed.len(), &1)?;
    claimed.pop().ok_or_else(|| Breach::Suite("one is one".to_owned()))
}

/// A consent that waits for its customer.
async fn keep(ports: &EventPorts, n: usize, wanted: Wanted) -> Result<Consent, Breach> {
    let (consent, entry) = waiting(n, BEGINNING)?;
    let consent = subscribed(&consent, wanted);
    ports.consents.insert(&consent, &entry).await?;
    Ok(consent)
}

/// A consent in force, with one event that waits.
async fn busy(ports: &EventPorts, n: usize) -> Result<Consent, Breach> {
    let consent = keep(ports, n, Wanted::Yes).await?;
    let (given, by) = authorised(&consent)?;
    ports.consents.replace(&given, &by).await?;
    read(ports, &consent).await
}

async fn read(ports: &EventPorts, consent: &Consent) -> Result<Consent, Breach> {
    let found = ports.consents.consent(&consent.id).await?;
    found.ok_or_else(|| Breach::Suite("the consent is gone".to_owned()))
}

fn state(event: &Event) -> Result<Consent, Breach> {
    Consent::from_kept(&event.state).map_err(|fault| Breach::Suite(fault.to_string()))
}

fn note(consent: &Consent, what: Changed) -> HistoryEntry {
    let tpp = Actor::Tpp(consent.client.clone());
    HistoryEntry::note(consent.status, what, &tpp, "contract", BEGINNING)
}

fn subscribed(consent: &Consent, wanted: Wanted) -> Consent {
    let at = |active| Some(Subscription { url: "https://tpp.example/hooks".to_owned(), active });
    let subscription = match wanted {
        Wanted::Yes => at(true),
        Wanted::No => at(false),
        Wanted::Nowhere => None,
    };
    Consent { subscription, ..consent.clone() }
}
