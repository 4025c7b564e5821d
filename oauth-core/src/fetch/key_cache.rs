//! Key sets of clients, fetched when they are first wanted and remembered for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::OwnedMutexGuard;

use super::key_set::{self, Fetched, KeySetFault};
use super::outbound::{Outbound, OutboundFault};
use crate::jose::JwkSet;
use crate::port::client_keys::{ClientKeys, KeyHint, KeysFault};
use crate::vocabulary::https_url::HttpsUrl;
use crate::vocabulary::id::ClientId;
use crate::vocabulary::time::{Seconds, Timestamp};

/// For how long key sets are remembered, and how often a client's server is asked.
#[derive(Debug, Clone, Copy)]
pub struct KeyCacheSettings {
    /// The least time a set is used, whatever its `Cache-Control` says.
    pub fresh_min: Seconds,
    /// The most.
    pub fresh_max: Seconds,
    /// The time for a set that came without `max-age`.
    pub fresh_default: Seconds,
    /// How much longer a set is used while a new one cannot be had.
    pub stale_max: Seconds,
    /// Between two looks at a set for the sake of a key that was not in it.
    pub again_after: Seconds,
    /// After a failure.
    pub retry_after: Seconds,
    /// Sets held at one time.
    pub sets_max: usize,
}

impl Default for KeyCacheSettings {
    /// Between one and ten minutes, ten more while the client's server fails: a key taken back is good for twenty minutes
    /// at most. A new key is found at once, then every 30 seconds.
    fn default() -> Self {
        Self {
            fresh_min: Seconds::new(60),
            fresh_max: Seconds::minutes(10),
            fresh_default: Seconds::minutes(5),
            stale_max: Seconds::minutes(10),
            again_after: Seconds::new(30),
            retry_after: Seconds::new(30),
            sets_max: 4096,
        }
    }
}

/// Fetches key sets, each once for all who wait for it, and remembers sets and failures.
#[derive(Debug)]
pub struct FetchedKeys {
    outbound: Arc<Outbound>,
    settings: KeyCacheSettings,
    entries: Mutex<HashMap<(ClientId, HttpsUrl), Arc<Entry>>>,
}

/// What is known about one client's set.
#[derive(Debug, Default)]
struct Entry {
    state: Mutex<State>,
    /// Held by the one who fetches.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    failed: Option<(Timestamp, String)>,
    looked_again: Option<Timestamp>,
    used: Option<Timestamp>,
}

#[derive(Debug)]
struct Held {
    keys: Arc<JwkSet>,
    at: Timestamp,
    lifetime: Seconds,
}

/// What to do for one caller.
#[derive(Debug)]
enum Plan {
    Use(Arc<JwkSet>),
    Refuse(KeysFault),
    Fetch(Occasion),
}

/// Why a set is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// There is none, or it is too old.
    Due,
    /// A key was asked for that is not in it.
    LookAgain,
}

impl FetchedKeys {
    /// A cache over this client.
    #[must_use]
    pub fn new(outbound: Arc<Outbound>, settings: KeyCacheSettings) -> Self {
        Self { outbound, settings, entries: Mutex::default() }
    }

    fn entry(&self, client: &ClientId, uri: &HttpsUrl, now: Timestamp) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (client.clone(), uri.clone());
        if let Some(entry) = entries.get(&key) {
            return Arc::clone(entry);
        }
        if entries.len() >= self.settings.sets_max {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.state().used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                entries.remove(&oldest);
            }
        }
        let entry = Arc::new(Entry::default());
        entry.state().used = Some(now);
        entries.insert(key, Arc::clone(&entry));
        entry
    }
}

#[async_trait]
impl ClientKeys for FetchedKeys {
    async fn published(
        &self,
        client: &ClientId,
        uri: &HttpsUrl,
        hint: KeyHint<'_>,
        now: Timestamp,
    ) -> Result<Arc<JwkSet>, KeysFault> {
        let entry = self.entry(client, uri, now);
        match entry.state().plan(hint, now, &self.settings) {
            Plan::Use(keys) => return Ok(keys),
            Plan::Refuse(fault) => return Err(fault),
            Plan::Fetch(_) => {}
        }
        // whoever fetches is done within that time; when one after the other fails to, this caller does not wait for all
        let patience = self.outbound.time_max().saturating_mul(2);
        let turn = tokio::time::timeout(patience, Arc::clone(&entry.turn).lock_owned()).await;
        let turn = turn.map_err(|_| KeysFault::Busy)?;
        // somebody else may have fetched it meanwhile
        let occasion = match entry.state().plan(hint, now, &self.settings) {
            Plan::Use(keys) => return Ok(keys),
            Plan::Refuse(fault) => return Err(fault),
            Plan::Fetch(occasion) => occasion,
        };
        let fetch = Fetch {
            outbound: Arc::clone(&self.outbound),
            uri: uri.clone(),
            settings: self.settings,
            occasion,
        };
        // a task of its own: a caller who hangs up neither wastes the fetch nor makes it happen again
        let fetching = tokio::spawn(fetch.run(entry, now, turn));
        fetching.await.unwrap_or_else(|_| Err(KeysFault::Unavailable("the fetch was interrupted".to_owned())))
    }
}

/// One fetch.
struct Fetch {
    outbound: Arc<Outbound>,
    uri: HttpsUrl,
    settings: KeyCacheSettings,
    occasion: Occasion,
}

impl Fetch {
    async fn run(
        self,
        entry: Arc<Entry>,
        now: Timestamp,
        turn: OwnedMutexGuard<()>,
    ) -> Result<Arc<JwkSet>, KeysFault> {
        let fetched = key_set::fetch(&self.outbound, &self.uri).await;
        if let Err(fault) = &fetched {
            tracing::warn!(uri = self.uri.as_str(), %fault, "a key set could not be fetched");
        }
        let result = entry.state().settle(fetched, self.occasion, now, &self.settings);
        drop(turn);
        result
    }
}

impl Entry {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn plan(&mut self, hint: KeyHint<'_>, now: Timestamp, settings: &KeyCacheSettings) -> Plan {
        self.used = Some(now);
        let looked = self.looked_again.is_some_and(|at| within(settings.again_after, at, now));
        let failure = self.failed.as_ref().filter(|(at, _)| within(settings.retry_after, *at, now));
        match (&self.held, failure) {
            (Some(held), _) if within(held.lifetime, held.at, now) => {
                if looked || failure.is_some() || hint.is_answered_by(&held.keys) {
                    Plan::Use(Arc::clone(&held.keys))
                } else {
                    Plan::Fetch(Occasion::LookAgain)
                }
            }
            (Some(held), Some(_)) if held.bridges(now, settings) => Plan::Use(Arc::clone(&held.keys)),
            (_, Some((_, why))) => Plan::Refuse(KeysFault::Unavailable(why.clone())),
            (_, None) => Plan::Fetch(Occasion::Due),
        }
    }

    /// Records how a fetch ended, and says what its caller gets.
    fn settle(
        &mut self,
        fetched: Result<Fetched, KeySetFault>,
        occasion: Occasion,
        now: Timestamp,
        settings: &KeyCacheSettings,
    ) -> Result<Arc<JwkSet>, KeysFault> {
        if occasion == Occasion::LookAgain {
            self.looked_again = Some(now);
        }
        let fault = match fetched {
            Ok(fetched) => {
                let keys = Arc::new(fetched.keys);
                let lifetime = fetched.lifetime.unwrap_or(settings.fresh_default);
                let lifetime = lifetime.max(settings.fresh_min).min(settings.fresh_max);
                self.held = Some(Held { keys: Arc::clone(&keys), at: now, lifetime });
                self.failed = None;
                return Ok(keys);
            }
            Err(KeySetFault::Outbound(OutboundFault::Busy)) => KeysFault::Busy,
            Err(fault) => {
                self.failed = Some((now, fault.to_string()));
                KeysFault::Unavailable(fault.to_string())
            }
        };
        match &self.held {
            Some(held) if held.bridges(now, settings) => Ok(Arc::clone(&held.keys)),
            Some(_) | None => Err(fault),
        }
    }
}

impl Held {
    /// Whether the set may still be used because no newer one can be had.
    fn bridges(&self, now: Timestamp, settings: &KeyCacheSettings) -> bool {
        within(self.lifetime.plus(settings.stale_max), self.at, now)
    }
}

/// Whether two instants are less than this apart. A clock that was set back ages what is held as one set forward does.
const fn within(length: Seconds, then: Timestamp, now: Timestamp) -> bool {
    now.millis().abs_diff(then.millis()) < length.get().saturating_mul(1000).unsigned_abs()
}

#[cfg(test)]
mod tests;
