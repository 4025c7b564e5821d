//! What may be used once is claimed once.

use std::sync::Arc;

use super::{BEGINNING, Breach, ROUNDS, cases, later, race, same};
use crate::limits;
use crate::port::claims::{Claimed, Claims, Once};
use crate::vocabulary::id::ClientId;
use crate::vocabulary::uri::Issuer;

pub(super) async fn hold<F>(make: &impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Claims>>,
{
    claimed(&*make().await).await?;
    by_owner(&*make().await).await?;
    memory(&*make().await).await?;
    one_key(&make().await).await?;
    crossed_keys(&make().await).await
}

fn once(name: &str) -> Once {
    Once::proof(&cases::issuer(), &[7; 32], name, later(60))
}

async fn claimed(claims: &dyn Claims) -> Result<(), Breach> {
    let (a, b, c) = (once("a"), once("b"), once("c"));
    let first = claims.claim(&[a.clone(), b.clone()], BEGINNING).await?;
    same("keys nobody showed are claimed", &first, &Claimed::First)?;
    for again in [vec![a.clone()], vec![b.clone()], vec![b.clone(), c], vec![a, b]] {
        for now in [BEGINNING, later(59)] {
            let found = claims.claim(&again, now).await?;
            same("a key shown before is not claimed again before its end", &found, &Claimed::SeenBefore)?;
        }
    }
    let (d, e) = (once("d"), once("e"));
    let twice = claims.claim(&[d.clone(), e, d], BEGINNING).await?;
    same("a key shown twice in one request was shown before", &twice, &Claimed::SeenBefore)?;
    same("nothing to claim is claimed", &claims.claim(&[], BEGINNING).await?, &Claimed::First)?;
    let five: Vec<Once> = (0..5).map(|n| once(&format!("five-{n}"))).collect();
    same("any number of keys is claimed", &claims.claim(&five, BEGINNING).await?, &Claimed::First)?;
    for one in five {
        same("each of them", &claims.claim(&[one], BEGINNING).await?, &Claimed::SeenBefore)?;
    }
    Ok(())
}

async fn by_owner(claims: &dyn Claims) -> Result<(), Breach> {
    let (Ok(other), Ok(client)) = (Issuer::new("https://other.example"), ClientId::new("tpp")) else {
        return Ok(());
    };
    let here = cases::issuer();
    for one in [
        Once::proof(&here, &[7; 32], "same", later(60)),
        Once::proof(&here, &[8; 32], "same", later(60)),
        Once::proof(&other, &[7; 32], "same", later(60)),
        Once::assertion(&here, &client, "same", later(60)),
        Once::assertion(&other, &client, "same", later(60)),
    ] {
        let found = claims.claim(&[one], BEGINNING).await?;
        same("one identifier of several issuers, owners and kinds is several keys", &found, &Claimed::First)?;
    }
    Ok(())
}

async fn memory(claims: &dyn Claims) -> Result<(), Breach> {
    let since = claims.remembers_since(BEGINNING).await?;
    let soon = later(1).plus(limits::SKEW_MAX);
    same(
        "a fresh store remembers everything issued from now on, clocks that differ included",
        &(since <= soon),
        &true,
    )?;
    let first = claims.claim(&[once("a")], later(2)).await?;
    same("keys nobody showed are claimed", &first, &Claimed::First)?;
    let still = claims.remembers_since(later(3)).await?;
    same("a store that has forgotten nothing remembers as far back as before", &still, &since)
}

async fn one_key(claims: &Arc<dyn Claims>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let found = race(|racer| {
            let claims = Arc::clone(claims);
            let own = once(&format!("own-{round}-{racer}"));
            let shared = once(&format!("shared-{round}"));
            async move { claims.claim(&[own, shared], BEGINNING).await }
        })
        .await?;
        let first = found.iter().filter(|claimed| **claimed == Claimed::First).count();
        same("of those who show one key, exactly one is the first", &first, &1)?;
    }
    Ok(())
}

/// Two keys shown in both orders must neither be claimed twice nor wait for each other for ever.
async fn crossed_keys(claims: &Arc<dyn Claims>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let found = race(|racer| {
            let claims = Arc::clone(claims);
            let mut pair = [once(&format!("one-{round}")), once(&format!("other-{round}"))];
            if racer.is_multiple_of(2) {
                pair.reverse();
            }
            async move { claims.claim(&pair, BEGINNING).await }
        })
        .await?;
        let first = found.iter().filter(|claimed| **claimed == Claimed::First).count();
        same("of those who show two keys in either order, at most one is the first", &(first <= 1), &true)?;
    }
    Ok(())
}
