//! Sharp tools: claims that nobody has vouched for.

use serde::de::DeserializeOwned;

use super::{JoseFault, Jws};
use crate::wire::json;

/// Reading claims before the signature is checked.
pub trait UnverifiedClaims {
    /// The claims as sent, by whomever. Good for one purpose: finding the client, and so the keys, by `iss` or `sub`.
    /// Nothing may be decided by them.
    ///
    /// # Errors
    /// [`JoseFault::Claims`] when the payload is not a `T`.
    fn danger_unverified_claims<T: DeserializeOwned>(&self) -> Result<T, JoseFault>;
}

impl UnverifiedClaims for Jws {
    fn danger_unverified_claims<T: DeserializeOwned>(&self) -> Result<T, JoseFault> {
        json::read_strict(self.payload()).map_err(JoseFault::Claims)
    }
}
