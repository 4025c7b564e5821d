//! What tests need, ours and an embedder's: a clock that is set, entropy that is counted, keys that protect nothing, and
//! small well-formed cases to start from.

mod cases;
mod clock;
mod entropy;
pub mod keys;

pub use cases::{access_claims, client, fingerprint, grant, issuer, vetted_request};
pub use clock::FixedClock;
pub use entropy::CountedEntropy;
