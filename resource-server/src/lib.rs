//! Banking, payment and consent APIs behind consent-bound access tokens.

pub mod domain;
