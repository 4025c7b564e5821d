//! Refresh tokens: rotated once, never after a revocation.

use std::sync::Arc;

use super::{
    BEGINNING, Breach, RACERS, ROUNDS, cases, later, opened, race, redemption, same, stored, unlike, winner,
};
use crate::model::grant::{Grant, Stage};
use crate::port::store::{Redemption, Spend, Store, UseState};
use crate::vocabulary::secret::{Fingerprint, Refresh};

pub(super) async fn hold<F>(make: &impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Store>>,
{
    rotated(&make().await).await?;
    kept(&make().await).await?;
    over(&make().await).await?;
    revoked(&make().await).await?;
    rotate_race(&make().await).await?;
    rotate_against_revoke(&make().await).await
}

fn token(name: &str) -> Fingerprint<Refresh> {
    cases::fingerprint(name)
}

/// A grant whose code was redeemed for a refresh token of the same name.
async fn redeemed(store: &Arc<dyn Store>, name: &str) -> Result<Grant, Breach> {
    let opening = opened(store, name).await?;
    let spend = store.redeem(&opening.code, &redemption(name, &opening.grant, BEGINNING)).await?;
    same("a code is redeemed", &spend, &Spend::Applied)?;
    Ok(opening.grant)
}

async fn use_state(store: &Arc<dyn Store>, name: &str) -> Result<Option<UseState>, Breach> {
    Ok(store.grant_by_refresh(&token(name)).await?.map(|record| record.use_state))
}

async fn rotated(store: &Arc<dyn Store>) -> Result<(), Breach> {
    same("a refresh token nobody made is unknown", &use_state(store, "a").await?, &None)?;
    let grant = redeemed(store, "a").await?;
    let unknown = store.rotate(&token("nobody's"), &redemption("x", &grant, later(1))).await?;
    same("a refresh token nobody made is not rotated", &unknown, &Spend::Unknown)?;
    let spend = store.rotate(&token("a"), &redemption("b", &grant, later(1))).await?;
    same("a refresh token is rotated", &spend, &Spend::Applied)?;
    same("the old token is spent, and still known", &use_state(store, "a").await?, &Some(UseState::Spent))?;
    same("the next one is current", &use_state(store, "b").await?, &Some(UseState::Current))?;
    let access = store.access(&cases::fingerprint("b"), later(2)).await?;
    same("the access token of a rotation comes back", &access, &Some(stored("b", Some(&grant)).claims))?;
    let again = store.rotate(&token("a"), &redemption("c", &grant, later(2))).await?;
    same("a second rotation names the grant", &again, &Spend::SpentBefore(Some(grant.id.clone())))?;
    same("and brings no token", &use_state(store, "c").await?, &None)?;
    let found = store.access(&cases::fingerprint("c"), later(2)).await?;
    same("of either kind", &found, &None)
}

async fn kept(store: &Arc<dyn Store>) -> Result<(), Breach> {
    let grant = redeemed(store, "a").await?;
    for name in ["first", "second"] {
        let change = Redemption { at: later(1), access: Some(stored(name, Some(&grant))), refresh: None };
        let spend = store.rotate(&token("a"), &change).await?;
        same("a refresh token that is kept records access tokens again and again", &spend, &Spend::Applied)?;
        let found = store.access(&cases::fingerprint(name), later(2)).await?;
        same("each of them comes back", &found, &Some(stored(name, Some(&grant)).claims))?;
    }
    same("a token that is kept stays current", &use_state(store, "a").await?, &Some(UseState::Current))?;
    let change = Redemption { at: later(1), access: None, refresh: None };
    same(
        "where nothing is recorded the token is still good",
        &store.rotate(&token("a"), &change).await?,
        &Spend::Applied,
    )?;
    let change = Redemption { at: later(1), access: Some(stored("x", Some(&grant))), refresh: None };
    let unknown = store.rotate(&token("nobody's"), &change).await?;
    same("a token nobody made records nothing", &unknown, &Spend::Unknown)?;
    same("nothing at all", &store.access(&cases::fingerprint("x"), later(2)).await?, &None)
}

async fn over(store: &Arc<dyn Store>) -> Result<(), Breach> {
    let grant = redeemed(store, "a").await?;
    for (name, refresh) in [("b", Some((token("b"), later(9999)))), ("c", None)] {
        let change = Redemption { at: grant.until, access: Some(stored(name, Some(&grant))), refresh };
        let spend = store.rotate(&token("a"), &change).await?;
        same("a refresh token is not used at its end", &spend, &Spend::Unknown)?;
        same("and brings no token", &use_state(store, name).await?, &None)?;
        let found = store.access(&cases::fingerprint(name), later(2)).await?;
        same("of either kind", &found, &None)?;
    }
    Ok(())
}

async fn revoked(store: &Arc<dyn Store>) -> Result<(), Breach> {
    let grant = redeemed(store, "a").await?;
    store.revoke(&grant.id, later(1)).await?;
    for (name, refresh) in [("b", Some((token("b"), grant.until))), ("c", None)] {
        let change = Redemption { at: later(1), access: Some(stored(name, Some(&grant))), refresh };
        let spend = store.rotate(&token("a"), &change).await?;
        unlike("the refresh token of a revoked grant is not used", &spend, &Spend::Applied)?;
        same("and brings no token", &use_state(store, name).await?, &None)?;
        let found = store.access(&cases::fingerprint(name), later(2)).await?;
        same("of either kind", &found, &None)?;
    }
    Ok(())
}

async fn rotate_race(store: &Arc<dyn Store>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let old = format!("rotate-{round}");
        let grant = redeemed(store, &old).await?;
        let name = |racer: usize| format!("rotate-{round}-{racer}");
        let spends = race(|racer| {
            let (store, old) = (Arc::clone(store), token(&old));
            let change = redemption(&name(racer), &grant, later(1));
            async move { store.rotate(&old, &change).await }
        })
        .await?;
        let winner = winner("of those who rotate one refresh token, exactly one does", &spends)?;
        let spent = Spend::SpentBefore(Some(grant.id.clone()));
        for (racer, spend) in spends.iter().enumerate() {
            let wanted = if racer == winner { &Spend::Applied } else { &spent };
            same("those who come too late are told whose grant it was", spend, wanted)?;
            let found = use_state(store, &name(racer)).await?;
            let wanted = (racer == winner).then_some(UseState::Current);
            same("only the one who rotated has a refresh token", &found, &wanted)?;
            let found = store.access(&cases::fingerprint(&name(racer)), later(2)).await?.is_some();
            same("only the one who rotated has an access token", &found, &(racer == winner))?;
        }
    }
    Ok(())
}

async fn rotate_against_revoke(store: &Arc<dyn Store>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let old = format!("end-{round}");
        let grant = redeemed(store, &old).await?;
        let name = |racer: usize| format!("end-{round}-{racer}");
        let late = race(|racer| {
            let (store, old, grant) = (Arc::clone(store), token(&old), grant.clone());
            let mut change = redemption(&name(racer), &grant, later(1));
            if racer.is_multiple_of(2) {
                change.refresh = None;
            }
            async move {
                if racer == RACERS / 2 {
                    store.revoke(&grant.id, later(1)).await?;
                    return store.rotate(&old, &change).await.map(|spend| spend == Spend::Applied);
                }
                store.rotate(&old, &change).await.map(|_| false)
            }
        })
        .await?;
        same("nothing is refreshed after a revocation", &late.contains(&true), &false)?;
        let found = store.grant(&grant.id).await?.map(|grant| grant.stage);
        same("a revoked grant stays revoked, whoever refreshes meanwhile", &found, &Some(Stage::Revoked))?;
        for racer in 0..RACERS {
            let found = store.access(&cases::fingerprint(&name(racer)), later(2)).await?;
            same("no access token outlives the revocation", &found, &None)?;
            let record = store.grant_by_refresh(&token(&name(racer))).await?;
            let alive = record.is_some_and(|record| record.grant.stage != Stage::Revoked);
            same("no refresh token outlives the revocation", &alive, &false)?;
        }
    }
    Ok(())
}
