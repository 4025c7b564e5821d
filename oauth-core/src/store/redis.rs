//! Replay protection in Redis, shared by several processes. It may only ever say no: when Redis does not answer in time,
//! or may have forgotten something, every claim fails and the request is refused.
//!
//! Redis forgets when it is flushed, restarted or replaced by a replica. So it holds an *incarnation* beside the
//! claims: a value that names the server process and the instant at which it was made. Each claim asks for it in the
//! same round trip, after the keys were set. If it is gone or another one, the answer counts for nothing; the next
//! request finds or makes the incarnation of now, and what was issued before it is refused.
//!
//! | Verb | Round trips |
//! |---|---|
//! | `claim` of any number of keys | 1 |
//! | `remembers_since` | 0, and 3 or 4 after a connection was lost |
//!
//! One server and its replicas, not a cluster. Redis replicates asynchronously: while two servers both take themselves
//! for the primary, each accepts a proof once. Where that matters, use [`SqlClaims`](super::sql::SqlClaims).

mod incarnation;
mod place;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, Value};

use self::incarnation::Incarnation;
use crate::port::claims::{Claimed, Claims, Once};
use crate::refusal::Fault;
use crate::vocabulary::time::Timestamp;

/// How long Redis may take to answer one round trip. A request waits no longer, and is refused.
const ANSWER_MAX: Duration = Duration::from_millis(500);
/// How long it may take to connect and to settle the incarnation.
const CONNECT_MAX: Duration = Duration::from_millis(500);

/// Replay protection in Redis.
pub struct RedisClaims {
    client: Client,
    namespace: String,
    state: Mutex<State>,
    /// Held by whoever connects.
    connecting: tokio::sync::Mutex<()>,
}

struct State {
    session: Option<Session>,
    /// Attempts to connect that have ended, well or not.
    attempts: u64,
    /// The incarnation of the last session.
    incarnation: Option<Arc<Incarnation>>,
    /// The latest request that was told since when everything is remembered.
    told: Timestamp,
    /// Requests up to here may have been told of an incarnation before the present one, and judged by it what they
    /// now want to claim.
    void_until: Timestamp,
}

#[derive(Clone)]
struct Session {
    connection: MultiplexedConnection,
    incarnation: Arc<Incarnation>,
}

/// Why Redis was of no help. Shows neither the address nor a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisTrouble {
    /// It cannot be reached, did not answer in time, or refused the command.
    #[error("Redis is unavailable: {0}")]
    Unavailable(String),
    /// It was flushed, restarted or replaced since this request began.
    #[error("Redis may have forgotten what was claimed")]
    Forgetful,
    /// It is set up to drop records that are still needed: `maxmemory-policy` must be `noeviction`.
    #[error("Redis would evict replay records: set maxmemory-policy to noeviction")]
    Evicting,
    /// It does not tell what must be known about it.
    #[error("INFO does not show {0}")]
    Silent(&'static str),
    /// The URL, or the namespace, cannot be used.
    #[error("not a Redis URL, or an empty namespace")]
    Settings,
    /// It is on another machine and would be reached in the clear.
    #[error(
        "Redis on another machine is reached over TLS: use rediss:// (with sslrootcert=FILE for an authority of your \
         own), or add plaintext=allowed where the network itself is protected"
    )]
    Plaintext,
    /// The file that `sslrootcert` names cannot be used.
    #[error("sslrootcert is no readable file of certificates in PEM form")]
    Authority,
}

impl RedisClaims {
    /// Connects and finds or makes the incarnation. All keys begin with the namespace; two deployments on one server need
    /// two. Must be called inside the runtime that will serve it.
    ///
    /// `redis://…` is for this machine. Another one is reached by `rediss://…`, whose certificate must be for that name and
    /// from a public authority, or from one in the PEM file of the parameter `sslrootcert`. Where the network protects the
    /// connection otherwise, `redis://…?plaintext=allowed` says so.
    ///
    /// # Errors
    /// [`RedisTrouble`], as the source of the fault, when Redis cannot be used.
    pub async fn connect(url: &str, namespace: &str, now: Timestamp) -> Result<Self, Fault> {
        if namespace.is_empty() {
            return Err(fault(RedisTrouble::Settings));
        }
        let claims = Self {
            client: place::client(url).map_err(fault)?,
            namespace: namespace.to_owned(),
            state: Mutex::new(State {
                session: None,
                attempts: 0,
                incarnation: None,
                told: Timestamp::from_millis(i64::MIN),
                void_until: Timestamp::from_millis(i64::MIN),
            }),
            connecting: tokio::sync::Mutex::new(()),
        };
        claims.session(now).await.map_err(fault)?;
        Ok(claims)
    }

    async fn session(&self, now: Timestamp) -> Result<Session, RedisTrouble> {
        let attempts = {
            let state = self.state();
            if let Some(session) = &state.session {
                return Ok(session.clone());
            }
            state.attempts
        };
        let _turn = self.connecting.lock().await;
        {
            let state = self.state();
            if let Some(session) = &state.session {
                return Ok(session.clone());
            }
            // Those who waited for one attempt share its failure.
            if state.attempts != attempts {
                return Err(RedisTrouble::Unavailable("the attempt to connect failed".into()));
            }
        }
        let opened = tokio::time::timeout(CONNECT_MAX, self.open(now)).await;
        let opened =
            opened.unwrap_or_else(|_| Err(RedisTrouble::Unavailable("no connection in time".into())));
        let mut state = self.state();
        state.attempts = state.attempts.wrapping_add(1);
        let session = opened?;
        state.install(&session);
        Ok(session)
    }

    async fn open(&self, now: Timestamp) -> Result<Session, RedisTrouble> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(ANSWER_MAX));
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = connecting.await.map_err(|error| unavailable(&error))?;
        let key = format!("{}:incarnation", self.namespace);
        let incarnation = incarnation::settle(&mut connection, &key, now).await?;
        Ok(Session { connection, incarnation: Arc::new(incarnation) })
    }

    /// Sets the keys, then looks whether Redis is still the one that knows all earlier claims.
    async fn insert(
        &self,
        session: &mut Session,
        once: &[Once],
        now: Timestamp,
    ) -> Result<Claimed, RedisTrouble> {
        let mut pipe = redis::pipe();
        for one in once {
            let life = one.until.millis().saturating_sub(now.millis()).max(1);
            let key = format!("{}:claim:{}", self.namespace, URL_SAFE_NO_PAD.encode(one.key));
            pipe.cmd("SET").arg(key).arg(1).arg("NX").arg("PX").arg(life);
        }
        pipe.cmd("GET").arg(format!("{}:incarnation", self.namespace));
        let answers: Vec<Value> =
            pipe.query_async(&mut session.connection).await.map_err(|error| unavailable(&error))?;
        let Some((incarnation, sets)) = answers.split_last() else {
            return Err(RedisTrouble::Unavailable("no answer".into()));
        };
        if *incarnation != Value::BulkString(session.incarnation.text.clone().into_bytes()) {
            return Err(RedisTrouble::Forgetful);
        }
        if sets.len() == once.len() && sets.iter().all(|set| *set == Value::Okay) {
            return Ok(Claimed::First);
        }
        Ok(Claimed::SeenBefore)
    }

    /// Gives the session up, unless another one has taken its place already.
    fn discard(&self, session: &Session) {
        let mut state = self.state();
        let same = |current: &Session| Arc::ptr_eq(&current.incarnation, &session.incarnation);
        if state.session.as_ref().is_some_and(same) {
            state.session = None;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn install(&mut self, session: &Session) {
        let before = self.incarnation.replace(Arc::clone(&session.incarnation));
        if before.is_some_and(|before| before.text != session.incarnation.text) {
            self.void_until = self.told;
        }
        self.session = Some(session.clone());
    }
}

#[async_trait]
impl Claims for RedisClaims {
    async fn claim(&self, once: &[Once], now: Timestamp) -> Result<Claimed, Fault> {
        let mut session = self.session(now).await.map_err(fault)?;
        if now <= self.state().void_until {
            return Err(fault(RedisTrouble::Forgetful));
        }
        let claimed = self.insert(&mut session, once, now).await;
        claimed.map_err(|trouble| {
            self.discard(&session);
            fault(trouble)
        })
    }

    async fn remembers_since(&self, now: Timestamp) -> Result<Timestamp, Fault> {
        self.session(now).await.map_err(fault)?;
        let mut state = self.state();
        state.told = state.told.max(now);
        // The session may have been given up meanwhile; the incarnation of its successor will differ or be the same.
        state
            .incarnation
            .as_ref()
            .map(|incarnation| incarnation.since)
            .ok_or_else(|| fault(RedisTrouble::Unavailable("never connected".into())))
    }
}

impl std::fmt::Debug for RedisClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisClaims").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

fn unavailable(error: &RedisError) -> RedisTrouble {
    let timely = if error.is_timeout() { "no answer in time" } else { error.category() };
    RedisTrouble::Unavailable(timely.to_owned())
}

fn fault(trouble: RedisTrouble) -> Fault {
    Fault::new("claims", trouble)
}
