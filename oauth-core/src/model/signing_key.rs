//! The life of a signing key: published, active, retired; or withdrawn, at once and for good.
//!
//! Everything here is a function of the keys of one issuer, the times and now. A decision is a list of [`KeyStep`]s that
//! a [`KeyRing`](crate::KeyRing) applies together or not at all.

use std::fmt;

use crate::jose::{Alg, PublicJwk};
use crate::limits;
use crate::policy::key_times::KeyTimes;
use crate::vocabulary::id::{IllFormed, KeyId};
use crate::vocabulary::time::{Seconds, Timestamp};

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyStage {
    /// In the key set, not signing yet: relying parties get to know it.
    Published,
    /// In the key set, and signs. One key per algorithm.
    Active,
    /// In the key set until everything it signed is over. Its private half is gone.
    Retired,
    /// Not in the key set; nothing it signed is accepted any more.
    Withdrawn,
}

impl KeyStage {
    /// The word for lists, logs and stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Published, Self::Active, Self::Retired, Self::Withdrawn]
            .into_iter()
            .find(|stage| stage.as_str() == word)
    }

    /// Whether a key at this stage is in the key set, so that what it signed is accepted.
    #[must_use]
    pub const fn is_in_set(self) -> bool {
        matches!(self, Self::Published | Self::Active | Self::Retired)
    }

    /// Whether a key at this stage may still sign, so that its private half is kept.
    #[must_use]
    pub const fn keeps_material(self) -> bool {
        matches!(self, Self::Published | Self::Active)
    }
}

impl fmt::Display for KeyStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One way from stage to stage.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    /// The stage that is left.
    pub from: KeyStage,
    /// The stage that is entered; `None` forgets the key.
    pub to: Option<KeyStage>,
    /// How long the key stays at `from` at least.
    pub wait: fn(&KeyTimes) -> Seconds,
}

/// Every way there is. An emergency shortens the wait before a key becomes active, and nothing else.
pub const TRANSITIONS: &[Transition] = &[
    Transition { from: KeyStage::Published, to: Some(KeyStage::Active), wait: |times| times.published_min },
    Transition { from: KeyStage::Published, to: Some(KeyStage::Retired), wait: |_| Seconds::new(0) },
    Transition { from: KeyStage::Active, to: Some(KeyStage::Retired), wait: |_| Seconds::new(0) },
    Transition { from: KeyStage::Published, to: Some(KeyStage::Withdrawn), wait: |_| Seconds::new(0) },
    Transition { from: KeyStage::Active, to: Some(KeyStage::Withdrawn), wait: |_| Seconds::new(0) },
    Transition { from: KeyStage::Retired, to: Some(KeyStage::Withdrawn), wait: |_| Seconds::new(0) },
    Transition { from: KeyStage::Retired, to: None, wait: |times| times.retired_min },
    Transition { from: KeyStage::Withdrawn, to: None, wait: |times| times.withdrawn_kept },
];

/// The private half as a [`KeyVault`](crate::KeyVault) keeps it: sealed bytes, or the name of a key in a device.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyMaterial(pub Vec<u8>);

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMaterial(…)")
    }
}

/// A key that a vault has just made, before it stands anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its name in the key set.
    pub kid: KeyId,
    /// What it signs with.
    pub alg: Alg,
    /// Its public half, under its name and marked for signatures.
    pub public: PublicJwk,
    /// Its private half.
    pub material: KeyMaterial,
}

/// The name of a key: its algorithm and the beginning of its thumbprint (RFC 7638), so that no two keys share one and
/// every process finds the same.
///
/// # Errors
/// Never for the algorithms there are; the type of a name is what says so.
pub fn key_name(alg: Alg, public: &PublicJwk) -> Result<KeyId, IllFormed> {
    let short: String = public.thumbprint_text().chars().take(THUMBPRINT_CHARS).collect();
    KeyId::new(&format!("{}-{short}", alg.as_str().to_ascii_lowercase()))
}

/// Characters of a thumbprint in a name.
const THUMBPRINT_CHARS: usize = 12;

/// A key of a ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingKey {
    /// Its name in the key set.
    pub kid: KeyId,
    /// What it signs with.
    pub alg: Alg,
    /// Its public half.
    pub public: PublicJwk,
    /// Where it stands.
    pub stage: KeyStage,
    /// Since when it stands there.
    pub since: Timestamp,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it is forgotten; said when it is retired or withdrawn, because the times may change later.
    pub ends_at: Option<Timestamp>,
    /// Its private half, while the stage [keeps it](KeyStage::keeps_material).
    pub material: Option<KeyMaterial>,
}

impl RingKey {
    /// A new key at its first stage.
    #[must_use]
    pub fn begin(new: NewKey, stage: KeyStage, now: Timestamp) -> Self {
        Self {
            kid: new.kid,
            alg: new.alg,
            public: new.public,
            stage,
            since: now,
            made_at: now,
            ends_at: None,
            material: Some(new.material),
        }
    }

    /// Until when it stands where it stands if nobody intervenes; for a published key, from when it may sign.
    #[must_use]
    pub fn until(&self, times: &KeyTimes) -> Option<Timestamp> {
        match self.stage {
            KeyStage::Published => Some(self.since.plus(times.published_min)),
            KeyStage::Active => times.active_max.map(|length| self.since.plus(length)),
            KeyStage::Retired | KeyStage::Withdrawn => self.ends_at,
        }
    }
}

/// One change of a ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyStep {
    /// A key comes in.
    Add(Box<RingKey>),
    /// A key goes from stage to stage.
    Move(KeyMove),
    /// A retired or withdrawn key is forgotten.
    Forget {
        /// Which one.
        kid: KeyId,
        /// Where it stands.
        from: KeyStage,
    },
}

/// A key goes from stage to stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMove {
    /// Which one.
    pub kid: KeyId,
    /// Where it must stand for the step to be possible.
    pub from: KeyStage,
    /// Where it stands afterwards.
    pub to: KeyStage,
    /// When.
    pub at: Timestamp,
    /// When it is to be forgotten, for the last two stages.
    pub ends_at: Option<Timestamp>,
}

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

#[cfg(test)]
#[cfg(feature = "testkit")]
mod tests;
