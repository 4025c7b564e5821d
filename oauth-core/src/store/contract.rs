//! What every adapter of [`Store`], [`Claims`] and [`KeyRing`] must do, as suites to run in the tests of the adapter.
//!
//! ```ignore
//! #[tokio::test(flavor = "multi_thread")]
//! async fn our_store_keeps_the_contract() {
//!     store_contract(|| async { our_empty_store().await }).await.unwrap();
//! }
//! ```
//!
//! Each part of a suite starts with an empty store of its own, so `make` is called many times. Run the suites on a
//! runtime of several threads: for every verb that spends something, sixty-four tasks try at once, round after round.

pub(crate) mod cases;
mod claims;
mod grants;
mod key_ring;
mod refresh;
mod requests;
mod together;
mod tokens;

use std::fmt::Debug;
use std::sync::Arc;

use crate::model::grant::{Grant, Stage};
use crate::port::claims::Claims;
use crate::port::key_ring::KeyRing;
use crate::port::store::{Opening, Redemption, Spend, Store, StoredAccess};
use crate::refusal::Fault;
use crate::vocabulary::secret::{Access, Code, Refresh};
use crate::vocabulary::time::{Seconds, Timestamp};

/// What an adapter did instead of what its port says.
#[derive(Debug, thiserror::Error)]
pub enum Breach {
    /// It answered something else.
    #[error("{fact}: {found}")]
    Answer {
        /// What should hold.
        fact: &'static str,
        /// What was found, and what was wanted.
        found: String,
    },
    /// It failed where nothing should fail.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A task of the suite did not end well.
    #[error("a task of the suite ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
    /// The suite itself is wrong.
    #[error("the suite is wrong: {0}")]
    Suite(String),
}

/// The instant at which the suites begin. Adapters that are told when they started are told this.
pub const BEGINNING: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// Tasks that try to spend the same thing.
pub const RACERS: usize = 64;
/// Races run for each verb.
pub const ROUNDS: usize = 6;

/// Holds a [`Store`] to its port.
///
/// # Errors
/// The first thing it does that the port does not say.
pub async fn store_contract<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Store>>,
{
    requests::hold(&make).await?;
    together::hold(&make).await?;
    grants::hold(&make).await?;
    refresh::hold(&make).await?;
    tokens::hold(&make).await
}

/// Holds a [`Claims`] to its port.
///
/// # Errors
/// The first thing it does that the port does not say.
pub async fn claims_contract<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Claims>>,
{
    claims::hold(&make).await
}

/// Holds a [`KeyRing`] to its port.
///
/// # Errors
/// The first thing it does that the port does not say.
pub async fn key_ring_contract<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn KeyRing>>,
{
    key_ring::hold(&make).await
}

/// Holds what was found to what the port says; for suites of other ports.
///
/// # Errors
/// [`Breach::Answer`].
pub fn same<T: PartialEq + Debug>(fact: &'static str, found: &T, wanted: &T) -> Result<(), Breach> {
    if found == wanted {
        return Ok(());
    }
    Err(Breach::Answer { fact, found: format!("found {found:?}, wanted {wanted:?}") })
}

fn unlike<T: PartialEq + Debug>(fact: &'static str, found: &T, unwanted: &T) -> Result<(), Breach> {
    if found != unwanted {
        return Ok(());
    }
    Err(Breach::Answer { fact, found: format!("found {found:?}") })
}

/// Starts [`RACERS`] tasks at one moment and hands back what each found, in order; for suites of other ports.
///
/// # Errors
/// The first fault, or a task that did not end well.
pub async fn race<T, F>(task: impl Fn(usize) -> F) -> Result<Vec<T>, Breach>
where
    F: Future<Output = Result<T, Fault>> + Send + 'static,
    T: Send + 'static,
{
    let gate = Arc::new(tokio::sync::Barrier::new(RACERS));
    let started = |racer| {
        let (gate, run) = (Arc::clone(&gate), task(racer));
        tokio::spawn(async move {
            gate.wait().await;
            run.await
        })
    };
    let tasks: Vec<_> = (0..RACERS).map(started).collect();
    let mut found = Vec::with_capacity(RACERS);
    for task in tasks {
        found.push(task.await??);
    }
    Ok(found)
}

/// Exactly one racer applied; which one.
fn winner(fact: &'static str, spends: &[Spend]) -> Result<usize, Breach> {
    let mut winners = spends.iter().enumerate().filter(|(_, spend)| **spend == Spend::Applied);
    match (winners.next(), winners.count()) {
        (Some((winner, _)), 0) => Ok(winner),
        (first, more) => {
            let found = usize::from(first.is_some()) + more;
            Err(Breach::Answer { fact, found: format!("{found} of {RACERS} were told so") })
        }
    }
}

fn later(seconds: i64) -> Timestamp {
    BEGINNING.plus(Seconds::new(seconds))
}

fn opening(name: &str) -> Opening {
    Opening { code: cases::fingerprint::<Code>(name), grant: cases::grant(name, BEGINNING) }
}

fn staged(grant: &Grant, stage: Stage) -> Grant {
    Grant { stage, ..grant.clone() }
}

/// A store in which the grant of this name was opened.
async fn opened(store: &Arc<dyn Store>, name: &str) -> Result<Opening, Breach> {
    let request = cases::fingerprint(name);
    store.push(&request, &cases::vetted_request(BEGINNING), later(60)).await?;
    let opening = opening(name);
    same(
        "a pushed request opens a grant",
        &store.open(&request, &opening, BEGINNING).await?,
        &Spend::Applied,
    )?;
    Ok(opening)
}

/// A redemption that brings an opaque token and a refresh token of this name.
fn redemption(name: &str, grant: &Grant, at: Timestamp) -> Redemption {
    Redemption {
        at,
        access: Some(stored(name, Some(grant))),
        refresh: Some((cases::fingerprint::<Refresh>(name), grant.until)),
    }
}

fn stored(name: &str, grant: Option<&Grant>) -> StoredAccess {
    StoredAccess {
        token: cases::fingerprint::<Access>(name),
        claims: cases::access_claims(name, grant.map(|grant| &grant.id), BEGINNING),
        until: later(300),
    }
}
