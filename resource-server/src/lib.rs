//! Banking, payment and consent APIs behind consent-bound access tokens.

mod dialect;
pub mod domain;
