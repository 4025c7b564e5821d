//! What the embedder supplies: one narrow trait per need, each saying when it is called.

pub mod apart;
pub(crate) mod audit;
pub(crate) mod claims;
pub(crate) mod client_keys;
pub(crate) mod clients;
pub(crate) mod clock;
pub(crate) mod companion;
pub(crate) mod consents;
pub(crate) mod decrypter;
pub(crate) mod entropy;
pub(crate) mod interaction;
pub(crate) mod key_ring;
pub(crate) mod signer;
pub(crate) mod store;
pub(crate) mod token_index;
pub(crate) mod users;

use std::sync::Arc;

use audit::Audit;
use claims::Claims;
use client_keys::ClientKeys;
use clients::ClientDirectory;
use clock::Clock;
use consents::{Consents, DetailTypes};
use decrypter::Decrypter;
use entropy::Entropy;
use interaction::Interaction;
use signer::Signer;
use store::Store;
use users::UserClaims;

/// Everything an [`AuthorizationServer`](crate::AuthorizationServer) needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Who is registered.
    pub clients: Arc<dyn ClientDirectory>,
    /// Keys of clients that publish them at their `jwks_uri`.
    pub client_keys: Arc<dyn ClientKeys>,
    /// Signatures with our keys.
    pub signer: Arc<dyn Signer>,
    /// Decryption with our keys.
    pub decrypter: Arc<dyn Decrypter>,
    /// Replay protection.
    pub claims: Arc<dyn Claims>,
    /// Pushed requests, grants, tokens.
    pub store: Arc<dyn Store>,
    /// Which `authorization_details` exist and what they mean.
    pub details: Arc<dyn DetailTypes>,
    /// The consents behind grants.
    pub consents: Arc<dyn Consents>,
    /// The bank's pages.
    pub interaction: Arc<dyn Interaction>,
    /// What userinfo says about a customer.
    pub users: Arc<dyn UserClaims>,
    /// What happened.
    pub audit: Arc<dyn Audit>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ports(…)")
    }
}
