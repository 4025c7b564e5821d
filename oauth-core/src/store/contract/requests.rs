//! Pushed requests: kept, read, decided once.

use std::sync::Arc;

use super::{BEGINNING, Breach, RACERS, ROUNDS, cases, later, opening, race, same, unlike, winner};
use crate::port::store::{Spend, Store};
use crate::vocabulary::secret::{Fingerprint, RequestUri, Secret};
use crate::vocabulary::uri::Issuer;

pub(super) async fn hold<F>(make: &impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Store>>,
{
    kept(&*make().await).await?;
    over(&*make().await).await?;
    opened_once(&*make().await).await?;
    closed(&*make().await).await?;
    of_one_issuer(&*make().await).await?;
    open_race(&make().await).await?;
    open_against_close(&make().await).await
}

fn key(name: &str) -> Fingerprint<RequestUri> {
    cases::fingerprint(name)
}

async fn kept(store: &dyn Store) -> Result<(), Breach> {
    let request = cases::vetted_request(BEGINNING);
    same("a request nobody pushed is not there", &store.pushed(&key("a"), BEGINNING).await?, &None)?;
    store.push(&key("a"), &request, later(60)).await?;
    for _ in 0..2 {
        let found = store.pushed(&key("a"), BEGINNING).await?;
        same(
            "a pushed request comes back as it was, however often it is read",
            &found,
            &Some(request.clone()),
        )?;
    }
    same("one request is not another", &store.pushed(&key("b"), BEGINNING).await?, &None)
}

async fn over(store: &dyn Store) -> Result<(), Breach> {
    store.push(&key("a"), &cases::vetted_request(BEGINNING), later(60)).await?;
    let alive = store.pushed(&key("a"), later(59)).await?.is_some();
    same("a pushed request is there until its end", &alive, &true)?;
    same("a pushed request is gone at its end", &store.pushed(&key("a"), later(60)).await?, &None)?;
    let opened = store.open(&key("a"), &opening("a"), later(60)).await?;
    same("a request that is over opens nothing", &opened, &Spend::Unknown)?;
    same("and leaves no grant", &store.grant(&opening("a").grant.id).await?, &None)?;
    let closed = store.close(&key("a"), later(60)).await?;
    same("a request that is over cannot be closed", &closed, &Spend::Unknown)
}

async fn opened_once(store: &dyn Store) -> Result<(), Breach> {
    let unknown = store.open(&key("a"), &opening("a"), BEGINNING).await?;
    same("a request nobody pushed opens nothing", &unknown, &Spend::Unknown)?;
    store.push(&key("a"), &cases::vetted_request(BEGINNING), later(60)).await?;
    let first = store.open(&key("a"), &opening("first"), BEGINNING).await?;
    same("a pushed request opens a grant", &first, &Spend::Applied)?;
    same("a decided request is no longer there", &store.pushed(&key("a"), BEGINNING).await?, &None)?;
    let second = store.open(&key("a"), &opening("second"), BEGINNING).await?;
    unlike("a decided request does not open again", &second, &Spend::Applied)?;
    same("and leaves no second grant", &store.grant(&opening("second").grant.id).await?, &None)?;
    let closed = store.close(&key("a"), BEGINNING).await?;
    unlike("an approved request cannot be refused", &closed, &Spend::Applied)?;
    let found = store.grant(&opening("first").grant.id).await?;
    same("an opened grant comes back as it was", &found, &Some(opening("first").grant))
}

async fn closed(store: &dyn Store) -> Result<(), Breach> {
    same("what nobody pushed cannot be closed", &store.close(&key("a"), BEGINNING).await?, &Spend::Unknown)?;
    store.push(&key("a"), &cases::vetted_request(BEGINNING), later(60)).await?;
    same("a pushed request is closed", &store.close(&key("a"), BEGINNING).await?, &Spend::Applied)?;
    let again = store.close(&key("a"), BEGINNING).await?;
    unlike("a closed request is not closed again", &again, &Spend::Applied)?;
    let opened = store.open(&key("a"), &opening("a"), BEGINNING).await?;
    unlike("a closed request does not open", &opened, &Spend::Applied)?;
    same("and leaves no grant", &store.grant(&opening("a").grant.id).await?, &None)
}

async fn of_one_issuer(store: &dyn Store) -> Result<(), Breach> {
    let Ok(other) = Issuer::new("https://other.example") else { return Ok(()) };
    let secret = Secret::<RequestUri>::from_random(&zeroize::Zeroizing::new([7; 32]));
    let until = later(60);
    store.push(&secret.fingerprint(&cases::issuer()), &cases::vetted_request(BEGINNING), until).await?;
    let found = store.pushed(&secret.fingerprint(&other), BEGINNING).await?;
    same("another issuer does not find the request", &found, &None)
}

async fn open_race(store: &Arc<dyn Store>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let request = key(&format!("open-{round}"));
        store.push(&request, &cases::vetted_request(BEGINNING), later(60)).await?;
        let name = |racer: usize| format!("open-{round}-{racer}");
        let spends = race(|racer| {
            let (store, opening) = (Arc::clone(store), opening(&name(racer)));
            async move { store.open(&request, &opening, BEGINNING).await }
        })
        .await?;
        let winner = winner("of those who open one request, exactly one does", &spends)?;
        for racer in 0..RACERS {
            let there = store.grant(&opening(&name(racer)).grant.id).await?.is_some();
            same("only the one who opened has a grant", &there, &(racer == winner))?;
        }
    }
    Ok(())
}

async fn open_against_close(store: &Arc<dyn Store>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let request = key(&format!("decide-{round}"));
        store.push(&request, &cases::vetted_request(BEGINNING), later(60)).await?;
        let name = |racer: usize| format!("decide-{round}-{racer}");
        let opens = |racer: usize| racer.is_multiple_of(2);
        let spends = race(|racer| {
            let (store, opening) = (Arc::clone(store), opening(&name(racer)));
            async move {
                if opens(racer) {
                    store.open(&request, &opening, BEGINNING).await
                } else {
                    store.close(&request, BEGINNING).await
                }
            }
        })
        .await?;
        let winner = winner("of those who approve or refuse one request, exactly one does", &spends)?;
        for racer in 0..RACERS {
            let there = store.grant(&opening(&name(racer)).grant.id).await?.is_some();
            let wanted = racer == winner && opens(winner);
            same("there is a grant exactly if the one who decided approved", &there, &wanted)?;
        }
    }
    Ok(())
}
