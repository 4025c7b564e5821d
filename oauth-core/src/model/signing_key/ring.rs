//! What the keys of one issuer allow and ask for: pure decisions over the table of transitions.

use super::{KeyMove, KeyStage, KeyStep, NewKey, RingKey, TRANSITIONS, Transition};
use crate::jose::Alg;
use crate::limits;
use crate::policy::key_times::KeyTimes;
use crate::vocabulary::id::KeyId;
use crate::vocabulary::time::Timestamp;

/// Whether the operator may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Haste {
    /// The times hold.
    Orderly,
    /// A key signs before every relying party has seen it: some will refuse its tokens for a while.
    Emergency,
}

/// Why a step is not taken. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// There is no such key.
    #[error("there is no key of this name")]
    Unknown,
    /// The table has no such way.
    #[error("a key that is {from} cannot become {to}")]
    NoSuchWay {
        /// Where it stands.
        from: KeyStage,
        /// Where it should go.
        to: KeyStage,
    },
    /// Relying parties may not have seen it yet.
    #[error("not before {} (seconds since 1970): relying parties may hold a key set without it; force it in an emergency", .0.seconds())]
    TooEarly(Timestamp),
    /// Nothing could be signed without it.
    #[error(
        "it is the only key that signs with {0}: publish a successor and wait until it may sign, or withdraw it in an emergency"
    )]
    OnlyActive(Alg),
    /// A successor is there already.
    #[error("{0} is published already and waits to become active")]
    SuccessorWaits(KeyId),
    /// There is an active key already.
    #[error("{0} signs already")]
    SignsAlready(KeyId),
    /// The key set is full.
    #[error("the key set is full; wait until retired keys have left it")]
    Full,
}

/// The keys of one issuer, and what is asked of them.
#[derive(Debug, Clone, Copy)]
pub struct Ring<'a> {
    /// Every key.
    pub keys: &'a [RingKey],
    /// Algorithms of which there must always be an active key.
    pub algs: &'a [Alg],
    /// The lengths of the stages.
    pub times: &'a KeyTimes,
    /// Now.
    pub now: Timestamp,
}

/// Something the schedule asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// A key for this algorithm, at this stage.
    Make(Alg, KeyStage),
    /// A published key takes over.
    Activate(KeyId),
    /// A key is forgotten.
    Forget(KeyId),
}

/// Steps, and a key that must be made first for them to be complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// What changes.
    pub steps: Vec<KeyStep>,
    /// An algorithm that has nothing to sign with afterwards: a key for it is to be added, active, in the same change.
    pub successor: Option<Alg>,
}

impl Ring<'_> {
    /// What the schedule asks for now: an active key for every algorithm, a successor in the set before an active key's
    /// time is over, the change when both have had their time, and the end of what is over.
    #[must_use]
    pub fn due(&self) -> Vec<Due> {
        let mut due: Vec<Due> = self.algs.iter().filter_map(|alg| self.due_for(*alg)).collect();
        let over = |key: &&RingKey| {
            !key.stage.keeps_material() && key.ends_at.is_some_and(|ends_at| ends_at <= self.now)
        };
        due.extend(self.keys.iter().filter(over).map(|key| Due::Forget(key.kid.clone())));
        due
    }

    fn due_for(&self, alg: Alg) -> Option<Due> {
        let published = self.at(alg, KeyStage::Published);
        let Some(active) = self.at(alg, KeyStage::Active) else {
            return Some(
                published.map_or(Due::Make(alg, KeyStage::Active), |key| Due::Activate(key.kid.clone())),
            );
        };
        let ends = active.since.plus(self.times.active_max?);
        match published {
            None if ends.minus(self.times.published_min) <= self.now && self.has_room() => {
                Some(Due::Make(alg, KeyStage::Published))
            }
            Some(next) if ends <= self.now && next.since.plus(self.times.published_min) <= self.now => {
                Some(Due::Activate(next.kid.clone()))
            }
            None | Some(_) => None,
        }
    }

    /// The stage at which a new key for this algorithm begins: published, or active when there is nothing to wait for.
    #[must_use]
    pub fn first_stage(&self, alg: Alg) -> KeyStage {
        match self.at(alg, KeyStage::Active) {
            Some(_) => KeyStage::Published,
            None => KeyStage::Active,
        }
    }

    /// A new key comes in at this stage.
    ///
    /// # Errors
    /// When its place is taken, or the set is full.
    pub fn add(&self, new: &NewKey, stage: KeyStage) -> Result<Vec<KeyStep>, KeyRefusal> {
        self.room(new.alg, stage)?;
        Ok(vec![KeyStep::Add(Box::new(RingKey::begin(new.clone(), stage, self.now)))])
    }

    /// Whether a new key for this algorithm could come in at this stage.
    ///
    /// # Errors
    /// When its place is taken, or the set is full.
    pub fn room(&self, alg: Alg, stage: KeyStage) -> Result<(), KeyRefusal> {
        let taken = self.at(alg, stage).filter(|_| stage.keeps_material()).map(|key| key.kid.clone());
        match (taken, stage) {
            (Some(kid), KeyStage::Active) => Err(KeyRefusal::SignsAlready(kid)),
            (Some(kid), KeyStage::Published | KeyStage::Retired | KeyStage::Withdrawn) => {
                Err(KeyRefusal::SuccessorWaits(kid))
            }
            (None, _) if self.has_room() => Ok(()),
            (None, _) => Err(KeyRefusal::Full),
        }
    }

    /// A published key takes over, and the active one of its algorithm retires.
    ///
    /// # Errors
    /// When it is not published, or not long enough.
    pub fn activate(&self, kid: &KeyId, haste: Haste) -> Result<Vec<KeyStep>, KeyRefusal> {
        let key = self.find(kid)?;
        let way = self.way(key, KeyStage::Active)?;
        let ready = key.since.plus((way.wait)(self.times));
        let alone = self.at(key.alg, KeyStage::Active).is_none();
        if haste == Haste::Orderly && !alone && ready > self.now {
            return Err(KeyRefusal::TooEarly(ready));
        }
        let mut steps = Vec::with_capacity(2);
        if let Some(active) = self.at(key.alg, KeyStage::Active) {
            steps.push(self.step(active, KeyStage::Retired));
        }
        steps.push(self.step(key, KeyStage::Active));
        Ok(steps)
    }

    /// A key signs no more; what it signed stays good. An active key hands over to its published successor.
    ///
    /// # Errors
    /// When it is neither published nor active, or nothing could be signed without it.
    pub fn retire(&self, kid: &KeyId) -> Result<Vec<KeyStep>, KeyRefusal> {
        let key = self.find(kid)?;
        self.way(key, KeyStage::Retired)?;
        if key.stage != KeyStage::Active || !self.algs.contains(&key.alg) {
            return Ok(vec![self.step(key, KeyStage::Retired)]);
        }
        match self.at(key.alg, KeyStage::Published) {
            Some(next) => self.activate(&next.kid, Haste::Orderly),
            None => Err(KeyRefusal::OnlyActive(key.alg)),
        }
    }

    /// A key leaves the set at once, and what it signed is good no more. An active key is replaced in the same change, by
    /// its successor when there is one, seen by everybody or not.
    ///
    /// # Errors
    /// When there is no such key, or it is withdrawn already.
    pub fn withdraw(&self, kid: &KeyId) -> Result<Withdrawal, KeyRefusal> {
        let key = self.find(kid)?;
        self.way(key, KeyStage::Withdrawn)?;
        let mut steps = vec![self.step(key, KeyStage::Withdrawn)];
        if key.stage != KeyStage::Active || !self.algs.contains(&key.alg) {
            return Ok(Withdrawal { steps, successor: None });
        }
        let next = self.at(key.alg, KeyStage::Published);
        steps.extend(next.map(|next| self.step(next, KeyStage::Active)));
        Ok(Withdrawal { steps, successor: next.is_none().then_some(key.alg) })
    }

    /// A retired or withdrawn key is forgotten.
    ///
    /// # Errors
    /// When it stands elsewhere, or its time is not over.
    pub fn forget(&self, kid: &KeyId) -> Result<Vec<KeyStep>, KeyRefusal> {
        let key = self.find(kid)?;
        match key.ends_at {
            Some(ends_at) if !key.stage.keeps_material() && ends_at <= self.now => {
                Ok(vec![KeyStep::Forget { kid: key.kid.clone(), from: key.stage }])
            }
            Some(ends_at) => Err(KeyRefusal::TooEarly(ends_at)),
            None => Err(KeyRefusal::NoSuchWay { from: key.stage, to: key.stage }),
        }
    }

    fn find(&self, kid: &KeyId) -> Result<&RingKey, KeyRefusal> {
        self.keys.iter().find(|key| key.kid == *kid).ok_or(KeyRefusal::Unknown)
    }

    fn at(&self, alg: Alg, stage: KeyStage) -> Option<&RingKey> {
        self.keys.iter().find(|key| key.alg == alg && key.stage == stage)
    }

    fn has_room(&self) -> bool {
        self.keys.iter().filter(|key| key.stage.is_in_set()).count() < limits::KEYS_PER_SET
    }

    fn way(&self, key: &RingKey, to: KeyStage) -> Result<&'static Transition, KeyRefusal> {
        TRANSITIONS
            .iter()
            .find(|way| way.from == key.stage && way.to == Some(to))
            .ok_or(KeyRefusal::NoSuchWay { from: key.stage, to })
    }

    fn step(&self, key: &RingKey, to: KeyStage) -> KeyStep {
        let kept = TRANSITIONS.iter().find(|way| way.from == to && way.to.is_none());
        KeyStep::Move(KeyMove {
            kid: key.kid.clone(),
            from: key.stage,
            to,
            at: self.now,
            ends_at: kept.map(|way| self.now.plus((way.wait)(self.times))),
        })
    }
}
