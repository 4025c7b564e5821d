//! A signer that follows a ring: what another process publishes, activates, retires or withdraws holds here within a
//! second, without a restart.
//!
//! It looks at the ring when it is used half a second after the last look. While one request looks, the others go on
//! with what is known, up to a second old; after that nobody signs or accepts anything before the ring has answered.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use super::KeyPorts;
use crate::jose::{Alg, PublicJwk};
use crate::model::signing_key::{KeyStage, RingKey};
use crate::port::key_ring::PrivateKey;
use crate::port::signer::{Currency, Signer, Wanted};
use crate::refusal::Fault;
use crate::vocabulary::id::KeyId;
use crate::vocabulary::time::Timestamp;

/// Milliseconds after which the ring is looked at again.
const LOOK_AGAIN: i64 = 500;
/// Milliseconds after which what is known is good for nothing. The promise is one second, so the look itself has time.
const KNOWN_MAX: i64 = 900;
/// Milliseconds in which a made-up name costs no further look.
const UNKNOWN_PAUSE: i64 = 20;
/// Milliseconds in which a request that chose a key may still sign with it, although it was retired meanwhile.
const CHOSEN_MAX: i64 = 5_000;

/// Signs with the keys of a ring.
pub struct RingSigner {
    ports: KeyPorts,
    known: RwLock<Arc<Known>>,
    looks: AtomicU64,
    looking: AtomicBool,
}

/// What one look found.
struct Known {
    look: u64,
    at: Timestamp,
    keys: Arc<[RingKey]>,
    published: Arc<[PublicJwk]>,
    ready: Vec<Ready>,
}

/// A key that can sign.
#[derive(Clone)]
struct Ready {
    kid: KeyId,
    private: Arc<dyn PrivateKey>,
}

impl RingSigner {
    /// A signer that has looked once.
    ///
    /// # Errors
    /// When the ring does not answer, or an active key cannot be opened.
    pub async fn open(ports: KeyPorts) -> Result<Arc<Self>, Fault> {
        let nothing = Known {
            look: 0,
            at: Timestamp::EPOCH,
            keys: Arc::new([]),
            published: Arc::new([]),
            ready: Vec::new(),
        };
        let signer = Self {
            ports,
            known: RwLock::new(Arc::new(nothing)),
            looks: AtomicU64::new(0),
            looking: AtomicBool::new(false),
        };
        signer.look().await?;
        let known = signer.known();
        for key in known.keys.iter().filter(|key| key.stage == KeyStage::Active) {
            if known.ready(&key.kid).is_none() {
                signer.ports.vault.open(&signer.ports.issuer, key).await?;
            }
        }
        Ok(Arc::new(signer))
    }

    /// The keys at the last look, the oldest first.
    #[must_use]
    pub fn keys(&self) -> Arc<[RingKey]> {
        Arc::clone(&self.known().keys)
    }

    /// Looks at the ring now. For a pulse in the background, so that no request has to wait for a look.
    ///
    /// # Errors
    /// When the ring does not answer. What was known stays.
    pub async fn look(&self) -> Result<(), Fault> {
        let look = self.looks.fetch_add(1, Ordering::SeqCst) + 1;
        let at = self.ports.clock.now();
        let keys = self.ports.ring.keys(&self.ports.issuer).await?;
        let before = self.known();
        let ready = self.opened(&keys, &before, at).await;
        let unchanged = *keys == *before.keys;
        let next = Known {
            look,
            at,
            published: if unchanged { Arc::clone(&before.published) } else { published(&keys) },
            keys: if unchanged { Arc::clone(&before.keys) } else { keys.into() },
            ready,
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // A look that began earlier and took longer tells nothing new.
        if known.look < look {
            *known = Arc::new(next);
        }
        Ok(())
    }

    /// The keys that can sign. One that cannot be opened is tried again at every look; its public half stays published.
    async fn opened(&self, keys: &[RingKey], before: &Known, now: Timestamp) -> Vec<Ready> {
        let mut ready = Vec::new();
        for key in keys.iter().filter(|key| may_sign(key, now)) {
            let kid = key.kid.clone();
            if let Some(private) = before.ready(&key.kid) {
                ready.push(Ready { kid, private: Arc::clone(private) });
            } else if key.stage.keeps_material() {
                match self.ports.vault.open(&self.ports.issuer, key).await {
                    Ok(private) => ready.push(Ready { kid, private }),
                    Err(fault) => {
                        tracing::error!(kid = kid.as_str(), %fault, "a signing key cannot be opened")
                    }
                }
            }
        }
        ready
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn age(&self, now: Timestamp) -> i64 {
        let age = now.millis().saturating_sub(self.known().at.millis());
        // A clock that was set back says nothing about how old the knowledge is.
        if age < 0 { i64::MAX } else { age }
    }
}

impl Known {
    fn ready(&self, kid: &KeyId) -> Option<&Arc<dyn PrivateKey>> {
        self.ready.iter().find(|ready| ready.kid == *kid).map(|ready| &ready.private)
    }
}

/// A key chosen a moment ago signs although it was retired; one that was withdrawn does not.
fn may_sign(key: &RingKey, now: Timestamp) -> bool {
    match key.stage {
        KeyStage::Published | KeyStage::Active => true,
        KeyStage::Retired => now.millis().saturating_sub(key.since.millis()) < CHOSEN_MAX,
        KeyStage::Withdrawn => false,
    }
}

fn published(keys: &[RingKey]) -> Arc<[PublicJwk]> {
    keys.iter().filter(|key| key.stage.is_in_set()).map(|key| key.public.clone()).collect()
}

#[async_trait]
impl Signer for RingSigner {
    fn published(&self) -> Arc<[PublicJwk]> {
        Arc::clone(&self.known().published)
    }

    fn active(&self, alg: Alg) -> Option<KeyId> {
        let known = self.known();
        let active = known.keys.iter().find(|key| key.alg == alg && key.stage == KeyStage::Active);
        active.map(|key| key.kid.clone())
    }

    async fn sign(&self, key: &KeyId, input: &[u8]) -> Result<Vec<u8>, Fault> {
        let private = self.known().ready(key).map(Arc::clone);
        private.ok_or_else(|| Fault::new("signer", "this key does not sign here"))?.sign(input).await
    }

    fn currency(&self, now: Timestamp) -> Currency {
        if self.age(now) < LOOK_AGAIN { Currency::Current } else { Currency::Aged }
    }

    async fn refresh(&self, wanted: Wanted) -> Result<(), Fault> {
        let age = self.age(self.ports.clock.now());
        if wanted == Wanted::UnknownKey && age < UNKNOWN_PAUSE {
            return Ok(());
        }
        let first = Looking::begin(&self.looking);
        if wanted == Wanted::Current && first.is_none() && age < KNOWN_MAX {
            return Ok(());
        }
        self.look().await
    }
}

/// That somebody is looking, as long as it lives; also when the request that looks is given up.
struct Looking<'a>(&'a AtomicBool);

impl<'a> Looking<'a> {
    fn begin(flag: &'a AtomicBool) -> Option<Self> {
        (!flag.swap(true, Ordering::SeqCst)).then_some(Self(flag))
    }
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for RingSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RingSigner").field("issuer", &self.ports.issuer).finish_non_exhaustive()
    }
}
