//! Where signing keys stand: steps together or not at all, and one key for one place.

use std::sync::Arc;

use super::{BEGINNING, Breach, ROUNDS, cases, later, race, same};
use crate::jose::{Alg, PublicJwk};
use crate::model::signing_key::{KeyMaterial, KeyMove, KeyStage, KeyStep, NewKey, RingKey};
use crate::port::key_ring::{KeyRing, RingChange};
use crate::vocabulary::id::KeyId;
use crate::vocabulary::uri::Issuer;

pub(super) async fn hold<F>(make: &impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn KeyRing>>,
{
    life(&*make().await).await?;
    together(&*make().await).await?;
    by_issuer(&*make().await).await?;
    resealed(&*make().await).await?;
    added_once(&make().await).await?;
    handed_over_once(&make().await).await
}

fn kid(name: &str) -> Result<KeyId, Breach> {
    KeyId::new(name)
        .map_err(|fault| Breach::Answer { fact: "a name of the suite is one", found: fault.to_string() })
}

/// The keys of RFC 7515 appendix A.3 and RFC 8037 appendix A.2.
const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn key(name: &str, alg: Alg, stage: KeyStage) -> Result<RingKey, Breach> {
    let text = if alg == Alg::EdDsa { ED25519 } else { P256 };
    let kid = kid(name)?;
    let public = PublicJwk::read(text.as_bytes()).and_then(|public| public.for_signatures(&kid, alg));
    let public = public
        .map_err(|fault| Breach::Answer { fact: "a key of the suite is one", found: fault.to_string() })?;
    let new = NewKey { kid, alg, public, material: KeyMaterial(name.as_bytes().to_vec()) };
    Ok(RingKey::begin(new, stage, BEGINNING))
}

fn add(key: &RingKey) -> KeyStep {
    KeyStep::Add(Box::new(key.clone()))
}

fn to(key: &RingKey, stage: KeyStage) -> KeyStep {
    let ends_at = (!stage.keeps_material()).then(|| later(60));
    KeyStep::Move(KeyMove { kid: key.kid.clone(), from: key.stage, to: stage, at: later(10), ends_at })
}

fn moved(key: &RingKey, stage: KeyStage) -> RingKey {
    let ends_at = (!stage.keeps_material()).then(|| later(60));
    let material = key.material.clone().filter(|_| stage.keeps_material());
    RingKey { stage, since: later(10), ends_at, material, ..key.clone() }
}

async fn life(ring: &dyn KeyRing) -> Result<(), Breach> {
    let issuer = cases::issuer();
    same("a fresh ring has no keys", &ring.keys(&issuer).await?, &Vec::new())?;
    let first = key("a", Alg::Es256, KeyStage::Active)?;
    let applied = ring.apply(&issuer, &[add(&first)]).await?;
    same("a key comes in", &applied, &RingChange::Applied)?;
    same("as it was given", &ring.keys(&issuer).await?, &vec![first.clone()])?;
    let next = key("b", Alg::Es256, KeyStage::Published)?;
    ring.apply(&issuer, &[add(&next)]).await?;
    let change = [to(&first, KeyStage::Retired), to(&next, KeyStage::Active)];
    same("one key hands over to another", &ring.apply(&issuer, &change).await?, &RingChange::Applied)?;
    let (retired, active) = (moved(&first, KeyStage::Retired), moved(&next, KeyStage::Active));
    let found = ring.keys(&issuer).await?;
    same("a retired key loses its private half", &found, &vec![retired.clone(), active.clone()])?;
    let forget = KeyStep::Forget { kid: retired.kid.clone(), from: KeyStage::Retired };
    same(
        "a retired key is forgotten",
        &ring.apply(&issuer, std::slice::from_ref(&forget)).await?,
        &RingChange::Applied,
    )?;
    same("once", &ring.apply(&issuer, &[forget]).await?, &RingChange::Overtaken)?;
    ring.apply(&issuer, &[to(&active, KeyStage::Withdrawn)]).await?;
    let withdrawn = moved(&active, KeyStage::Withdrawn);
    same("and so does a withdrawn one", &ring.keys(&issuer).await?, &vec![withdrawn])
}

async fn together(ring: &dyn KeyRing) -> Result<(), Breach> {
    let issuer = cases::issuer();
    let (first, next) = (key("a", Alg::Es256, KeyStage::Active)?, key("b", Alg::Es256, KeyStage::Published)?);
    ring.apply(&issuer, &[add(&first), add(&next)]).await?;
    let both = vec![first.clone(), next.clone()];
    let third = key("c", Alg::Es256, KeyStage::Published)?;
    let other = key("d", Alg::EdDsa, KeyStage::Active)?;
    for (fact, steps) in [
        ("a second active key does not come in", vec![add(&key("c", Alg::Es256, KeyStage::Active)?)]),
        ("a second published key does not come in", vec![add(&third)]),
        ("a name comes in once", vec![add(&key("a", Alg::EdDsa, KeyStage::Active)?)]),
        ("a key does not become active beside another", vec![to(&next, KeyStage::Active)]),
        (
            "a key that stands elsewhere does not move",
            vec![to(&moved(&first, KeyStage::Published), KeyStage::Retired)],
        ),
        ("a key that is not there does not move", vec![to(&third, KeyStage::Retired)]),
        ("steps before an impossible one are not taken", vec![add(&other), to(&third, KeyStage::Retired)]),
        ("steps after an impossible one are not taken", vec![to(&third, KeyStage::Retired), add(&other)]),
        (
            "an active key is not forgotten",
            vec![KeyStep::Forget { kid: first.kid.clone(), from: KeyStage::Retired }],
        ),
    ] {
        same(fact, &ring.apply(&issuer, &steps).await?, &RingChange::Overtaken)?;
        same(fact, &ring.keys(&issuer).await?, &both)?;
    }
    same(
        "another algorithm has places of its own",
        &ring.apply(&issuer, &[add(&other)]).await?,
        &RingChange::Applied,
    )
}

async fn by_issuer(ring: &dyn KeyRing) -> Result<(), Breach> {
    let (here, Ok(there)) = (cases::issuer(), Issuer::new("https://other.example")) else { return Ok(()) };
    let one = key("a", Alg::Es256, KeyStage::Active)?;
    ring.apply(&here, &[add(&one)]).await?;
    same("an issuer has no keys of another", &ring.keys(&there).await?, &Vec::new())?;
    let far = ring.apply(&there, &[to(&one, KeyStage::Withdrawn)]).await?;
    same("and moves none of them", &far, &RingChange::Overtaken)?;
    let own = ring.apply(&there, &[add(&one)]).await?;
    same("the places of one issuer are free for another", &own, &RingChange::Applied)
}

async fn resealed(ring: &dyn KeyRing) -> Result<(), Breach> {
    let issuer = cases::issuer();
    let one = key("a", Alg::Es256, KeyStage::Active)?;
    ring.apply(&issuer, &[add(&one)]).await?;
    let (old, new) = (KeyMaterial(b"a".to_vec()), KeyMaterial(b"sealed anew".to_vec()));
    let done = ring.reseal(&issuer, &one.kid, &old, &new).await?;
    same("a private half is replaced by the same one sealed anew", &done, &RingChange::Applied)?;
    let again = ring.reseal(&issuer, &one.kid, &old, &new).await?;
    same("and not by somebody who has seen an older one", &again, &RingChange::Overtaken)?;
    let found = ring.keys(&issuer).await?;
    same("nothing else changes", &found, &vec![RingKey { material: Some(new), ..one }])
}

/// First starts of many processes at one moment.
async fn added_once(ring: &Arc<dyn KeyRing>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let issuer = Issuer::new(&format!("https://{round}.example"));
        let Ok(issuer) = issuer else { return Ok(()) };
        let own = |racer| key(&format!("own-{racer}"), Alg::Es256, KeyStage::Active);
        let mine = (0..super::RACERS).map(own).collect::<Result<Vec<_>, _>>()?;
        let found = race(|racer| {
            let (ring, issuer) = (Arc::clone(ring), issuer.clone());
            let steps: Vec<KeyStep> = mine.get(racer).map(add).into_iter().collect();
            async move { ring.apply(&issuer, &steps).await }
        })
        .await?;
        let applied = found.iter().filter(|change| **change == RingChange::Applied).count();
        same("of those who bring the first key, exactly one does", &applied, &1)?;
        same("and there is one key", &ring.keys(&issuer).await?.len(), &1)?;
    }
    Ok(())
}

/// Half of the racers hand over, half withdraw: one change wins, and something can sign afterwards.
async fn handed_over_once(ring: &Arc<dyn KeyRing>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let Ok(issuer) = Issuer::new(&format!("https://{round}.example")) else { return Ok(()) };
        let (old, next) =
            (key("a", Alg::Es256, KeyStage::Active)?, key("b", Alg::Es256, KeyStage::Published)?);
        ring.apply(&issuer, &[add(&old), add(&next)]).await?;
        let found = race(|racer| {
            let (ring, issuer) = (Arc::clone(ring), issuer.clone());
            let end = if racer.is_multiple_of(2) { KeyStage::Retired } else { KeyStage::Withdrawn };
            let steps = [to(&old, end), to(&next, KeyStage::Active)];
            async move { ring.apply(&issuer, &steps).await }
        })
        .await?;
        let applied = found.iter().filter(|change| **change == RingChange::Applied).count();
        same("of those who replace a key, exactly one does", &applied, &1)?;
        let keys = ring.keys(&issuer).await?;
        let active = keys.iter().filter(|key| key.stage == KeyStage::Active).count();
        same("and one key is active", &(active, keys.len()), &(1, 2))?;
    }
    Ok(())
}
