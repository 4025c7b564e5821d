//! Banking, payment and consent APIs behind consent-bound access tokens.
//!
//! A [`ResourceService`](http::ResourceService) is one tower service over a [`Guard`](guard::Guard) and any number of
//! [`dialect`]s. A dialect translates the wire of one country or scheme into the [`operation`]s of the bank, which judge by
//! the nouns of [`domain`] and act through the [`port`]s. [`store`] has adapters; a bank with a ledger of its own
//! implements the ports instead. [`GuardLayer`](guard::GuardLayer) puts the same guard before any other route.

pub mod dialect;
pub mod domain;
pub mod guard;
pub mod http;
pub mod openapi;
pub mod operation;
pub mod port;
pub mod rail;
mod rules;
pub mod store;
pub mod webhook;
