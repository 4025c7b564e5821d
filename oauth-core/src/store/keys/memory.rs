//! A ring in this process, for tests and for embedders without a database. It is gone with the process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::model::signing_key::{KeyMaterial, KeyStage, KeyStep, RingKey};
use crate::port::key_ring::{KeyRing, RingChange};
use crate::refusal::Fault;
use crate::vocabulary::id::KeyId;
use crate::vocabulary::uri::Issuer;

/// A ring in memory.
#[derive(Debug, Default)]
pub struct MemoryKeyRing {
    rings: Mutex<HashMap<Issuer, Vec<RingKey>>>,
}

impl MemoryKeyRing {
    /// A ring without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl KeyRing for MemoryKeyRing {
    async fn keys(&self, issuer: &Issuer) -> Result<Vec<RingKey>, Fault> {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(rings.get(issuer).cloned().unwrap_or_default())
    }

    async fn apply(&self, issuer: &Issuer, steps: &[KeyStep]) -> Result<RingChange, Fault> {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = rings.entry(issuer.clone()).or_default();
        let mut next = ring.clone();
        for step in steps {
            if take(&mut next, step).is_none() {
                return Ok(RingChange::Overtaken);
            }
        }
        *ring = next;
        Ok(RingChange::Applied)
    }

    async fn reseal(
        &self,
        issuer: &Issuer,
        kid: &KeyId,
        old: &KeyMaterial,
        new: &KeyMaterial,
    ) -> Result<RingChange, Fault> {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = rings.entry(issuer.clone()).or_default();
        match ring.iter_mut().find(|key| key.kid == *kid && key.material.as_ref() == Some(old)) {
            Some(key) => {
                key.material = Some(new.clone());
                Ok(RingChange::Applied)
            }
            None => Ok(RingChange::Overtaken),
        }
    }
}

/// `None` when the step is not possible.
fn take(ring: &mut Vec<RingKey>, step: &KeyStep) -> Option<()> {
    match step {
        KeyStep::Add(key) => {
            let taken = ring.iter().any(|other| other.kid == key.kid || same_place(other, key, key.stage));
            (!taken).then(|| ring.push((**key).clone()))
        }
        KeyStep::Move(way) => {
            let index = ring.iter().position(|key| key.kid == way.kid && key.stage == way.from)?;
            let moved = ring.get(index)?.clone();
            if ring.iter().any(|other| other.kid != moved.kid && same_place(other, &moved, way.to)) {
                return None;
            }
            let key = ring.get_mut(index)?;
            (key.stage, key.since, key.ends_at) = (way.to, way.at, way.ends_at);
            if !way.to.keeps_material() {
                key.material = None;
            }
            Some(())
        }
        KeyStep::Forget { kid, from } => {
            let index = ring.iter().position(|key| key.kid == *kid && key.stage == *from)?;
            ring.remove(index);
            Some(())
        }
    }
}

/// Whether a place that only one key of an algorithm may hold is held by another one.
fn same_place(other: &RingKey, key: &RingKey, stage: KeyStage) -> bool {
    stage.keeps_material() && other.alg == key.alg && other.stage == stage
}
