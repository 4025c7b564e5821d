//! The parts that the reference binaries are assembled from.

pub mod keys;
pub mod pki;
pub mod serve;
pub mod tls;
