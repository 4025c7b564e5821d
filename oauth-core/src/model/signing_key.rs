//! The life of a signing key: published, active, retired; or withdrawn, at once and for good.
//!
//! Everything here is a function of the keys of one issuer, the times and now. A decision is a list of [`KeyStep`]s that
//! a [`KeyRing`](crate::KeyRing) applies together or not at all.

use std::fmt;

mod ring;

pub use ring::{Due, Haste, KeyRefusal, Ring, Withdrawal};

use crate::jose::{Alg, PublicJwk};
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

#[cfg(test)]
#[cfg(feature = "testkit")]
mod tests;
