//! Moves the keys of an issuer from stage to stage: by the operator's word and by the schedule. Any number of processes
//! may do so at once; each change is taken by exactly one of them, and what another one did meanwhile is looked at anew.

use std::sync::Arc;

use super::KeyPorts;
use crate::jose::{Alg, PublicJwk};
use crate::model::signing_key::{
    Due, Haste, KeyRefusal, KeyStage, KeyStep, NewKey, Ring, RingKey, Withdrawal,
};
use crate::policy::key_times::KeyTimes;
use crate::port::audit::{Audit, Cause, KeyEvent};
use crate::port::key_ring::RingChange;
use crate::refusal::Fault;
use crate::vocabulary::id::KeyId;
use crate::vocabulary::time::Timestamp;

/// Keeps the keys of one issuer.
#[derive(Clone)]
pub struct KeyKeeper {
    ports: KeyPorts,
    settings: KeeperSettings,
    audit: Arc<dyn Audit>,
}

/// What the keeper sees to.
#[derive(Debug, Clone)]
pub struct KeeperSettings {
    /// Algorithms of which there must always be an active key.
    pub algs: Vec<Alg>,
    /// The lengths of the stages.
    pub times: KeyTimes,
}

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// It was made; what happened, in order.
    Done(Vec<KeyEvent>),
    /// The life of the key does not allow it; nothing was changed.
    Refused(KeyRefusal),
}

/// A key as an operator may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Its name in the key set.
    pub kid: KeyId,
    /// What it signs with.
    pub alg: Alg,
    /// Its public half.
    pub public: PublicJwk,
    /// Where it stands.
    pub stage: KeyStage,
    /// Since when.
    pub since: Timestamp,
    /// Until when, if nobody intervenes; for a published key, from when it may sign.
    pub until: Option<Timestamp>,
    /// When it was made.
    pub made_at: Timestamp,
}

/// How often a change is tried anew after another process was quicker.
const TRIES: u32 = 8;

impl KeyKeeper {
    /// A keeper.
    #[must_use]
    pub fn new(ports: KeyPorts, settings: KeeperSettings, audit: Arc<dyn Audit>) -> Self {
        Self { ports, settings, audit }
    }

    /// A keeper for each algorithm, for schedules that run side by side: making an RSA key takes long, and delays no other.
    #[must_use]
    pub fn each(&self) -> Vec<Self> {
        let only = |alg: &Alg| {
            let settings = KeeperSettings { algs: vec![*alg], times: self.settings.times };
            Self { settings, ..self.clone() }
        };
        self.settings.algs.iter().map(only).collect()
    }

    /// Every key, the oldest first.
    ///
    /// # Errors
    /// When the ring does not answer.
    pub async fn list(&self) -> Result<Vec<KeyRow>, Fault> {
        let row = |key: RingKey| KeyRow {
            until: key.until(&self.settings.times),
            kid: key.kid,
            alg: key.alg,
            public: key.public,
            stage: key.stage,
            since: key.since,
            made_at: key.made_at,
        };
        Ok(self.keys().await?.into_iter().map(row).collect())
    }

    /// Makes a key and publishes it; where there is none that signs, it is active at once.
    ///
    /// # Errors
    /// When the ring or the vault fails.
    pub async fn publish(&self, alg: Alg, cause: &Cause) -> Result<KeyChange, Fault> {
        let stage = self.ring(&self.keys().await?).first_stage(alg);
        self.make(alg, stage, cause).await
    }

    /// Takes in a key that was made elsewhere, at this stage.
    ///
    /// # Errors
    /// When the ring fails.
    pub async fn add(&self, new: &NewKey, stage: KeyStage, cause: &Cause) -> Result<KeyChange, Fault> {
        self.change(cause, |ring| ring.add(new, stage)).await
    }

    async fn make(&self, alg: Alg, stage: KeyStage, cause: &Cause) -> Result<KeyChange, Fault> {
        // Before the work of making one; asked again when it is added.
        if let Err(refusal) = self.ring(&self.keys().await?).room(alg, stage) {
            return Ok(KeyChange::Refused(refusal));
        }
        let new = self.ports.vault.make(&self.ports.issuer, alg).await?;
        self.add(&new, stage, cause).await
    }

    /// A published key takes over.
    ///
    /// # Errors
    /// When the ring does not answer.
    pub async fn activate(&self, kid: &KeyId, haste: Haste, cause: &Cause) -> Result<KeyChange, Fault> {
        self.change(cause, |ring| ring.activate(kid, haste)).await
    }

    /// A key signs no more; what it signed stays good.
    ///
    /// # Errors
    /// When the ring does not answer.
    pub async fn retire(&self, kid: &KeyId, cause: &Cause) -> Result<KeyChange, Fault> {
        self.change(cause, |ring| ring.retire(kid)).await
    }

    /// A key leaves the set at once, and what it signed is good no more. There is a key to sign with afterwards.
    ///
    /// # Errors
    /// When the ring or the vault fails.
    pub async fn withdraw(&self, kid: &KeyId, cause: &Cause) -> Result<KeyChange, Fault> {
        let mut made: Option<NewKey> = None;
        for _ in 0..TRIES {
            let keys = self.keys().await?;
            let ring = self.ring(&keys);
            let Withdrawal { mut steps, successor } = match ring.withdraw(kid) {
                Ok(withdrawal) => withdrawal,
                Err(refusal) => return Ok(KeyChange::Refused(refusal)),
            };
            if let Some(alg) = successor {
                let new = match made.take() {
                    Some(new) => new,
                    None => self.ports.vault.make(&self.ports.issuer, alg).await?,
                };
                made = Some(new.clone());
                steps.push(KeyStep::Add(Box::new(RingKey::begin(new, KeyStage::Active, ring.now))));
            }
            if let Some(events) = self.apply(&keys, &steps, cause).await? {
                return Ok(KeyChange::Done(events));
            }
        }
        Err(overtaken())
    }

    /// Does what the schedule asks for, as it stands in `keys`: those of the last look, so that nothing is asked of the
    /// ring while nothing is due.
    ///
    /// # Errors
    /// When the ring or the vault fails. The next tick tries again.
    pub async fn tick(&self, keys: &[RingKey]) -> Result<Vec<KeyEvent>, Fault> {
        let mut events = Vec::new();
        for due in self.ring(keys).due() {
            let changed = match &due {
                Due::Make(alg, stage) => self.make(*alg, *stage, &scheduled("its time has come")).await?,
                Due::Activate(kid) => {
                    self.activate(kid, Haste::Orderly, &scheduled("every relying party has seen it")).await?
                }
                Due::Forget(kid) => {
                    self.change(&scheduled("everything it signed is over"), |ring| ring.forget(kid)).await?
                }
            };
            match changed {
                KeyChange::Done(done) => events.extend(done),
                // Another process did it between our look and now.
                KeyChange::Refused(refusal) => tracing::debug!(%refusal, "the schedule was overtaken"),
            }
        }
        Ok(events)
    }

    /// Sees to it that there is an active key of every algorithm, as a first start needs it.
    ///
    /// # Errors
    /// When the ring or the vault fails.
    pub async fn begin(&self) -> Result<(), Fault> {
        let keys = self.keys().await?;
        for due in self.ring(&keys).due() {
            match due {
                Due::Make(alg, KeyStage::Active) => {
                    self.make(alg, KeyStage::Active, &scheduled("there is no key for it")).await?;
                }
                Due::Activate(kid) => {
                    self.activate(&kid, Haste::Orderly, &scheduled("there is no active key")).await?;
                }
                Due::Make(..) | Due::Forget(_) => {}
            }
        }
        Ok(())
    }

    /// Seals every private key anew that is not sealed under the current key-encryption key, and says how many.
    ///
    /// # Errors
    /// When the ring fails, or a key cannot be opened.
    pub async fn reseal(&self) -> Result<usize, Fault> {
        let mut resealed = 0;
        for key in self.keys().await? {
            let Some(old) = &key.material else { continue };
            if let Some(new) = self.ports.vault.reseal(&self.ports.issuer, &key)? {
                let change = self.ports.ring.reseal(&self.ports.issuer, &key.kid, old, &new).await?;
                resealed += usize::from(change == RingChange::Applied);
            }
        }
        Ok(resealed)
    }

    /// The lengths of the stages.
    #[must_use]
    pub const fn times(&self) -> &KeyTimes {
        &self.settings.times
    }

    async fn keys(&self) -> Result<Vec<RingKey>, Fault> {
        self.ports.ring.keys(&self.ports.issuer).await
    }

    fn ring<'a>(&'a self, keys: &'a [RingKey]) -> Ring<'a> {
        let KeeperSettings { algs, times } = &self.settings;
        Ring { keys, algs, times, now: self.ports.clock.now() }
    }

    async fn change(
        &self,
        cause: &Cause,
        decide: impl Fn(&Ring<'_>) -> Result<Vec<KeyStep>, KeyRefusal> + Send + Sync,
    ) -> Result<KeyChange, Fault> {
        for _ in 0..TRIES {
            let keys = self.keys().await?;
            let steps = match decide(&self.ring(&keys)) {
                Ok(steps) => steps,
                Err(refusal) => return Ok(KeyChange::Refused(refusal)),
            };
            if let Some(events) = self.apply(&keys, &steps, cause).await? {
                return Ok(KeyChange::Done(events));
            }
        }
        Err(overtaken())
    }

    /// `None` when another process was quicker.
    async fn apply(
        &self,
        keys: &[RingKey],
        steps: &[KeyStep],
        cause: &Cause,
    ) -> Result<Option<Vec<KeyEvent>>, Fault> {
        let events: Vec<KeyEvent> = steps.iter().filter_map(|step| self.event(keys, step, cause)).collect();
        let records: Vec<_> = events.iter().filter_map(|event| self.audit.beside(event)).collect();
        let change = self.ports.ring.apply_with(&self.ports.issuer, steps, &records).await?;
        if change == RingChange::Overtaken {
            return Ok(None);
        }
        for event in &events {
            self.audit.record_key(event);
        }
        Ok(Some(events))
    }

    fn event(&self, keys: &[RingKey], step: &KeyStep, cause: &Cause) -> Option<KeyEvent> {
        let alg = |kid: &KeyId| keys.iter().find(|key| key.kid == *kid).map(|key| key.alg);
        let (kid, alg, from, to) = match step {
            KeyStep::Add(key) => (key.kid.clone(), key.alg, None, Some(key.stage)),
            KeyStep::Move(way) => (way.kid.clone(), alg(&way.kid)?, Some(way.from), Some(way.to)),
            KeyStep::Forget { kid, from } => (kid.clone(), alg(kid)?, Some(*from), None),
        };
        let (at, issuer) = (self.ports.clock.now(), self.ports.issuer.clone());
        Some(KeyEvent { at, issuer, kid, alg, from, to, cause: cause.clone() })
    }
}

impl std::fmt::Debug for KeyKeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyKeeper").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn scheduled(reason: &str) -> Cause {
    Cause { actor: "schedule".to_owned(), reason: reason.to_owned() }
}

fn overtaken() -> Fault {
    Fault::new("keys", "other processes change the ring all the time; try again")
}
