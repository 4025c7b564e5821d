//! What tests need, ours and an embedder's: a clock that is set, entropy that is counted, keys that protect nothing, and
//! small well-formed cases to start from.

mod certificate;
mod client;
mod clock;
mod entropy;
pub mod fuzz;
pub mod keys;

pub use crate::store::contract::cases::{access_claims, fingerprint, grant, issuer, vetted_request};
pub use certificate::certificate;
pub use client::client;
pub use clock::FixedClock;
pub use entropy::CountedEntropy;
