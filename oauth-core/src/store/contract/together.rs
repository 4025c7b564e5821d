//! Verbs with a companion that lives elsewhere: never a companion kept without what it belongs to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::{BEGINNING, Breach, RACERS, ROUNDS, cases, later, opening, race, same};
use crate::model::grant::Stage;
use crate::port::companion::{Companion, Kept};
use crate::port::store::{Spend, Store, Together};
use crate::refusal::Fault;
use crate::vocabulary::secret::{Fingerprint, RequestUri};

pub(super) async fn hold<F>(make: &impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Store>>,
{
    pushed(&*make().await).await?;
    opened(&*make().await).await?;
    not_opened(&*make().await).await?;
    closed(&*make().await).await?;
    open_race(&make().await).await
}

/// A change of some other port, counted.
#[derive(Debug)]
struct Other {
    answer: Option<Kept>,
    kept: AtomicUsize,
}

impl Other {
    fn that(answer: Option<Kept>) -> Self {
        Self { answer, kept: AtomicUsize::new(0) }
    }

    fn kept(&self) -> usize {
        self.kept.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Companion for Other {
    async fn keep(&self) -> Result<Kept, Fault> {
        let answer = self.answer.ok_or_else(|| Fault::new("other", "it fails"))?;
        self.kept.fetch_add(usize::from(answer == Kept::Done), Ordering::SeqCst);
        Ok(answer)
    }
}

fn key(name: &str) -> Fingerprint<RequestUri> {
    cases::fingerprint(name)
}

async fn pushed(store: &dyn Store) -> Result<(), Breach> {
    let request = cases::vetted_request(BEGINNING);
    let other = Other::that(Some(Kept::Done));
    let kept = store.push_with(&key("a"), (&request, later(60)), &other).await?;
    same("a request and its companion are kept", &(kept, other.kept()), &(Kept::Done, 1))?;
    same("the request is there", &store.pushed(&key("a"), BEGINNING).await?, &Some(request.clone()))?;
    for answer in [Some(Kept::Overtaken), None] {
        let other = Other::that(answer);
        let kept = store.push_with(&key("b"), (&request, later(60)), &other).await.ok();
        same("a companion that is not kept is told", &kept, &answer)?;
        let there = store.pushed(&key("b"), BEGINNING).await?;
        same("and its request is not there", &there, &None)?;
    }
    Ok(())
}

async fn opened(store: &dyn Store) -> Result<(), Breach> {
    let other = Other::that(Some(Kept::Done));
    let unknown = store.open_with(&key("a"), &opening("a"), BEGINNING, &other).await?;
    same("a request nobody pushed opens nothing", &unknown, &Together::Decided(Spend::Unknown))?;
    same("and its companion is not kept", &other.kept(), &0)?;
    store.push(&key("a"), &cases::vetted_request(BEGINNING), later(60)).await?;
    let first = store.open_with(&key("a"), &opening("a"), BEGINNING, &other).await?;
    same("a pushed request opens a grant", &first, &Together::Decided(Spend::Applied))?;
    same("with its companion", &other.kept(), &1)?;
    let found = store.stage(&opening("a").grant.id).await?;
    same("which has come as far as a grant just opened", &found, &Some(Stage::Opened))
}

async fn not_opened(store: &dyn Store) -> Result<(), Breach> {
    for (name, answer) in [("overtaken", Some(Kept::Overtaken)), ("failed", None)] {
        store.push(&key(name), &cases::vetted_request(BEGINNING), later(60)).await?;
        let other = Other::that(answer);
        let found = store.open_with(&key(name), &opening(name), BEGINNING, &other).await.ok();
        let wanted = answer.map(|_| Together::Overtaken);
        same("a companion that is not kept is told", &found, &wanted)?;
        let left = store.stage(&opening(name).grant.id).await?;
        same("and leaves no grant in force", &left.unwrap_or(Stage::Revoked), &Stage::Revoked)?;
    }
    Ok(())
}

async fn closed(store: &dyn Store) -> Result<(), Breach> {
    let other = Other::that(Some(Kept::Done));
    let unknown = store.close_with(&key("a"), BEGINNING, &other).await?;
    let found = (unknown, other.kept());
    same("what nobody pushed cannot be closed", &found, &(Together::Decided(Spend::Unknown), 0))?;
    store.push(&key("a"), &cases::vetted_request(BEGINNING), later(60)).await?;
    let closed = store.close_with(&key("a"), BEGINNING, &other).await?;
    let found = (closed, other.kept());
    same("a pushed request is closed with its companion", &found, &(Together::Decided(Spend::Applied), 1))
}

async fn open_race(store: &Arc<dyn Store>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let request = key(&format!("together-{round}"));
        store.push(&request, &cases::vetted_request(BEGINNING), later(60)).await?;
        let other = Arc::new(Other::that(Some(Kept::Done)));
        let found = race(|racer| {
            let (store, other) = (Arc::clone(store), Arc::clone(&other));
            let opening = opening(&format!("together-{round}-{racer}"));
            async move { store.open_with(&request, &opening, BEGINNING, &*other).await }
        })
        .await?;
        let applied = found.iter().filter(|found| **found == Together::Decided(Spend::Applied)).count();
        same("of all who open one request, one does, with one companion", &(applied, other.kept()), &(1, 1))?;
        same("and everybody is told", &found.len(), &RACERS)?;
    }
    Ok(())
}
