//! Signing keys that come and go: where they stand, and where their private halves are.

use std::sync::Arc;

use async_trait::async_trait;

use crate::jose::Alg;
use crate::model::signing_key::{KeyMaterial, KeyStep, NewKey, RingKey};
use crate::port::companion::Companion;
use crate::refusal::Fault;
use crate::vocabulary::id::KeyId;
use crate::vocabulary::uri::Issuer;

/// The signing keys of every issuer and where they stand. Shared by all processes.
///
/// The ring itself keeps two promises whoever asks: an issuer has at most one active and at most one published key for
/// an algorithm.
#[async_trait]
pub trait KeyRing: Send + Sync {
    /// Every key of an issuer that is not forgotten, the oldest first. Asked for about twice a second by each process.
    async fn keys(&self, issuer: &Issuer) -> Result<Vec<RingKey>, Fault>;

    /// Takes all steps together, or none when one is not possible any more. A key that leaves the stages which
    /// [keep it](crate::KeyStage::keeps_material) loses its private half in the same change.
    async fn apply(&self, issuer: &Issuer, steps: &[KeyStep]) -> Result<RingChange, Fault>;

    /// [`KeyRing::apply`] with records of it, all or none. A ring that does not live where the records do takes the steps
    /// first and keeps the records then.
    async fn apply_with(
        &self,
        issuer: &Issuer,
        steps: &[KeyStep],
        records: &[Box<dyn Companion>],
    ) -> Result<RingChange, Fault> {
        let change = self.apply(issuer, steps).await?;
        if change == RingChange::Applied {
            for record in records {
                record.keep().await?;
            }
        }
        Ok(change)
    }

    /// Replaces the private half of a key by the same one sealed anew, if it still is what it was.
    async fn reseal(
        &self,
        issuer: &Issuer,
        kid: &KeyId,
        old: &KeyMaterial,
        new: &KeyMaterial,
    ) -> Result<RingChange, Fault>;
}

/// Of several processes that take the same step, exactly one sees [`RingChange::Applied`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RingChange {
    /// All steps were taken.
    Applied,
    /// Another process was quicker; nothing was changed.
    Overtaken,
}

/// Where private keys are made and used: software that seals them, or a device that never lets them out.
#[async_trait]
pub trait KeyVault: Send + Sync {
    /// Makes a key. Called by the schedule and the operator, never by a request.
    async fn make(&self, issuer: &Issuer, alg: Alg) -> Result<NewKey, Fault>;

    /// Makes a key of the ring ready to sign. Called once per process and key. Must end in bounded time.
    async fn open(&self, issuer: &Issuer, key: &RingKey) -> Result<Arc<dyn PrivateKey>, Fault>;

    /// The private half sealed under the current key-encryption key; `None` where it is already, or is not sealed.
    fn reseal(&self, issuer: &Issuer, key: &RingKey) -> Result<Option<KeyMaterial>, Fault>;
}

/// A private key that is ready to sign.
#[async_trait]
pub trait PrivateKey: Send + Sync {
    /// Signs: 64 bytes for ES256 and `EdDSA`, as many as the modulus for RSA. Must end in bounded time; a device that
    /// does not answer is a fault.
    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, Fault>;
}
