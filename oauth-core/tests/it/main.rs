//! Tests of the whole engine: over HTTP messages with a second JOSE implementation, and against real databases.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod bank;
#[cfg(test)]
mod database;
#[cfg(test)]
mod fetch;
#[cfg(test)]
mod jarm;
#[cfg(test)]
mod jwe;
#[cfg(test)]
mod message_signing;
#[cfg(test)]
mod oidc_claims;
#[cfg(test)]
mod record;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod rfc9101;
#[cfg(test)]
mod services;
#[cfg(test)]
mod stores;
#[cfg(test)]
mod timeouts;
#[cfg(test)]
mod tokens;
