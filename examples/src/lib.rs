//! The parts that the reference bank and the reference third party are assembled from.

pub mod bank;
pub mod bench;
pub mod command;
pub mod embed;
#[cfg(feature = "pkcs11")]
pub mod hsm;
pub mod keys;
pub mod pages;
pub mod pki;
pub mod serve;
pub mod tls;
pub mod tpp;
