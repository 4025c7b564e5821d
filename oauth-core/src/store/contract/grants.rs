//! Grants and their codes: found, redeemed once, revoked for good.

use std::sync::Arc;

use super::{
    BEGINNING, Breach, RACERS, ROUNDS, cases, later, opened, race, redemption, same, staged, stored, unlike,
    winner,
};
use crate::model::grant::Stage;
use crate::port::store::{Redemption, Spend, Store, UseState};
use crate::vocabulary::id::Subject;
use crate::vocabulary::secret::{Code, Fingerprint, Secret};
use crate::vocabulary::uri::Issuer;

pub(super) async fn hold<F>(make: &impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Store>>,
{
    redeemed(&make().await).await?;
    without_tokens(&make().await).await?;
    over(&make().await).await?;
    revoked(&make().await).await?;
    listed(&make().await).await?;
    of_one_issuer(&make().await).await?;
    redeem_race(&make().await).await?;
    redeem_against_revoke(&make().await).await
}

async fn redeemed(store: &Arc<dyn Store>) -> Result<(), Breach> {
    let unknown = cases::fingerprint::<Code>("nobody's");
    same("a code nobody made has no grant", &store.grant_by_code(&unknown).await?, &None)?;
    let opening = opened(store, "a").await?;
    for _ in 0..2 {
        let found = store.grant_by_code(&opening.code).await?;
        same("a code leads to its grant, and looking spends nothing", &found, &Some(opening.grant.clone()))?;
    }
    let change = redemption("a", &opening.grant, later(1));
    same("a code nobody made is not redeemed", &store.redeem(&unknown, &change).await?, &Spend::Unknown)?;
    same("a code is redeemed", &store.redeem(&opening.code, &change).await?, &Spend::Applied)?;
    let redeemed = staged(&opening.grant, Stage::Redeemed);
    let found = store.grant_by_code(&opening.code).await?;
    same("a redeemed code still leads to its grant", &found, &Some(redeemed.clone()))?;
    same("the grant says so too", &store.grant(&opening.grant.id).await?, &Some(redeemed.clone()))?;
    let again = store.redeem(&opening.code, &redemption("again", &opening.grant, later(2))).await?;
    let spent = Spend::SpentBefore(Some(opening.grant.id.clone()));
    same("a second use names the grant of the first", &again, &spent)?;
    let late = store.redeem(&opening.code, &redemption("late", &opening.grant, later(120))).await?;
    same("so does a use after the code's end", &late, &spent)?;
    for name in ["again", "late"] {
        let found = store.grant_by_refresh(&cases::fingerprint(name)).await?;
        same("a use that did not apply leaves no refresh token", &found, &None)?;
        let found = store.access(&cases::fingerprint(name), later(2)).await?;
        same("a use that did not apply leaves no access token", &found, &None)?;
    }
    let record = store.grant_by_refresh(&cases::fingerprint("a")).await?;
    let found = record.map(|record| (record.grant, record.until, record.use_state));
    let wanted = (redeemed, opening.grant.until, UseState::Current);
    same("the refresh token of a redemption leads to its grant", &found, &Some(wanted))?;
    let found = store.access(&cases::fingerprint("a"), later(2)).await?;
    same(
        "the access token of a redemption comes back",
        &found,
        &Some(stored("a", Some(&opening.grant)).claims),
    )
}

async fn without_tokens(store: &Arc<dyn Store>) -> Result<(), Breach> {
    let opening = opened(store, "a").await?;
    let change = Redemption { at: later(1), access: None, refresh: None };
    same(
        "a code without stored tokens is redeemed",
        &store.redeem(&opening.code, &change).await?,
        &Spend::Applied,
    )?;
    let again = store.redeem(&opening.code, &change).await?;
    same("and only once", &again, &Spend::SpentBefore(Some(opening.grant.id)))
}

async fn over(store: &Arc<dyn Store>) -> Result<(), Breach> {
    let opening = opened(store, "a").await?;
    let change = redemption("a", &opening.grant, opening.grant.code_until);
    same("a code is not redeemed at its end", &store.redeem(&opening.code, &change).await?, &Spend::Unknown)?;
    let found = store.grant_by_refresh(&cases::fingerprint("a")).await?;
    same("and leaves no refresh token", &found, &None)
}

async fn revoked(store: &Arc<dyn Store>) -> Result<(), Breach> {
    let opening = opened(store, "a").await?;
    for _ in 0..2 {
        store.revoke(&opening.grant.id, later(1)).await?;
        let found = store.grant(&opening.grant.id).await?.map(|grant| grant.stage);
        same("a grant can be revoked, and again", &found, &Some(Stage::Revoked))?;
    }
    let change = redemption("a", &opening.grant, later(1));
    let redeemed = store.redeem(&opening.code, &change).await?;
    unlike("the code of a revoked grant is not redeemed", &redeemed, &Spend::Applied)?;
    let found = store.grant_by_code(&opening.code).await?.map(|grant| grant.stage);
    same("the code of a revoked grant shows it revoked", &found, &Some(Stage::Revoked))?;

    let opening = opened(store, "b").await?;
    store.redeem(&opening.code, &redemption("b", &opening.grant, later(1))).await?;
    store.revoke(&opening.grant.id, later(2)).await?;
    let found = store.access(&cases::fingerprint("b"), later(2)).await?;
    same("the access token of a revoked grant is over", &found, &None)?;
    let found = store.grant_by_refresh(&cases::fingerprint("b")).await?.map(|record| record.grant.stage);
    same("the refresh token of a revoked grant shows it revoked", &found, &Some(Stage::Revoked))?;
    let again = store.redeem(&opening.code, &redemption("again", &opening.grant, later(3))).await?;
    unlike("its code is not redeemed either", &again, &Spend::Applied)?;
    store.issue(&stored("late", Some(&opening.grant))).await?;
    let found = store.access(&cases::fingerprint("late"), later(3)).await?;
    same("an access token kept after the revocation is not good", &found, &None)?;
    let nobody = cases::grant("nobody's", BEGINNING).id;
    store.revoke(&nobody, later(1)).await?;
    same("revoking what is not there makes nothing", &store.grant(&nobody).await?, &None)
}

async fn listed(store: &Arc<dyn Store>) -> Result<(), Breach> {
    let alice = cases::grant("any", BEGINNING).subject;
    same("a customer without grants has none", &store.grants_of(&alice, BEGINNING).await?, &Vec::new())?;
    for (name, age) in [("old", 0), ("new", 20), ("middle", 10), ("revoked", 15), ("bob's", 16)] {
        let request = cases::fingerprint(name);
        store.push(&request, &cases::vetted_request(BEGINNING), later(60)).await?;
        let mut opening = super::opening(name);
        opening.grant = cases::grant(name, later(age));
        if let ("bob's", Ok(bob)) = (name, Subject::new("bob")) {
            opening.grant.subject = bob;
        }
        store.open(&request, &opening, BEGINNING).await?;
        store.redeem(&opening.code, &redemption(name, &opening.grant, later(age))).await?;
    }
    store.revoke(&cases::grant("revoked", BEGINNING).id, later(30)).await?;
    let found = store.grants_of(&alice, later(30)).await?;
    let names: Vec<&str> = found.iter().map(|grant| grant.id.as_str()).collect();
    same(
        "a customer's grants are listed, newest first, without the revoked",
        &names,
        &vec!["new", "middle", "old"],
    )?;
    let redeemed = found.iter().all(|grant| grant.stage == Stage::Redeemed);
    same("they show how far they have come", &redeemed, &true)?;
    let found = store.grants_of(&alice, later(3605)).await?;
    let names: Vec<&str> = found.iter().map(|grant| grant.id.as_str()).collect();
    same("a grant that is over is not listed", &names, &vec!["new", "middle"])
}

async fn of_one_issuer(store: &Arc<dyn Store>) -> Result<(), Breach> {
    let Ok(other) = Issuer::new("https://other.example") else { return Ok(()) };
    let secret = Secret::<Code>::from_random(&zeroize::Zeroizing::new([7; 32]));
    let (here, there): (Fingerprint<Code>, _) =
        (secret.fingerprint(&cases::issuer()), secret.fingerprint(&other));
    let request = cases::fingerprint("a");
    store.push(&request, &cases::vetted_request(BEGINNING), later(60)).await?;
    let mut opening = super::opening("a");
    opening.code = here;
    store.open(&request, &opening, BEGINNING).await?;
    same("another issuer does not find the code", &store.grant_by_code(&there).await?, &None)?;
    let change = redemption("a", &opening.grant, later(1));
    same("nor redeem it", &store.redeem(&there, &change).await?, &Spend::Unknown)?;
    same("its own issuer does", &store.redeem(&here, &change).await?, &Spend::Applied)
}

async fn redeem_race(store: &Arc<dyn Store>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let opening = opened(store, &format!("redeem-{round}")).await?;
        let name = |racer: usize| format!("redeem-{round}-{racer}");
        let spends = race(|racer| {
            let (store, code) = (Arc::clone(store), opening.code);
            let change = redemption(&name(racer), &opening.grant, later(1));
            async move { store.redeem(&code, &change).await }
        })
        .await?;
        let winner = winner("of those who redeem one code, exactly one does", &spends)?;
        let spent = Spend::SpentBefore(Some(opening.grant.id.clone()));
        for (racer, spend) in spends.iter().enumerate() {
            let wanted = if racer == winner { &Spend::Applied } else { &spent };
            same("those who come too late are told whose grant it was", spend, wanted)?;
            let found = store.grant_by_refresh(&cases::fingerprint(&name(racer))).await?.is_some();
            same("only the one who redeemed has a refresh token", &found, &(racer == winner))?;
            let found = store.access(&cases::fingerprint(&name(racer)), later(2)).await?.is_some();
            same("only the one who redeemed has an access token", &found, &(racer == winner))?;
        }
    }
    Ok(())
}

async fn redeem_against_revoke(store: &Arc<dyn Store>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let opening = opened(store, &format!("end-{round}")).await?;
        let name = |racer: usize| format!("end-{round}-{racer}");
        race(|racer| {
            let (store, opening) = (Arc::clone(store), opening.clone());
            let change = redemption(&name(racer), &opening.grant, later(1));
            async move {
                if racer == RACERS / 2 {
                    store.revoke(&opening.grant.id, later(1)).await?;
                    return store.redeem(&opening.code, &change).await.map(|spend| spend == Spend::Applied);
                }
                store.redeem(&opening.code, &change).await.map(|_| false)
            }
        })
        .await
        .and_then(|late| same("nothing is redeemed after a revocation", &late.contains(&true), &false))?;
        let found = store.grant(&opening.grant.id).await?.map(|grant| grant.stage);
        same("a revoked grant stays revoked, whoever redeems meanwhile", &found, &Some(Stage::Revoked))?;
        for racer in 0..RACERS {
            let found = store.access(&cases::fingerprint(&name(racer)), later(2)).await?;
            same("no access token outlives the revocation", &found, &None)?;
            let record = store.grant_by_refresh(&cases::fingerprint(&name(racer))).await?;
            let alive = record.is_some_and(|record| record.grant.stage != Stage::Revoked);
            same("no refresh token outlives the revocation", &alive, &false)?;
        }
    }
    Ok(())
}
