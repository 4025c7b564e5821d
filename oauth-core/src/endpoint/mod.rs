//! One file per endpoint, each with the six steps from top to bottom: read, identify, gather, decide, commit, answer.

pub(crate) mod authorize;
pub(crate) mod introspect;
pub(crate) mod jwks;
pub(crate) mod metadata;
pub(crate) mod push;
pub(crate) mod request_object;
pub(crate) mod response;
pub(crate) mod resume;
pub(crate) mod revoke;
pub(crate) mod seal;
pub(crate) mod ticket;
pub(crate) mod token;
pub(crate) mod userinfo;

use crate::identify::Presented;
use crate::refusal::Fault;

/// A form posted to an endpoint that authenticates clients.
#[derive(Debug, Clone, Default)]
pub struct Submitted {
    /// The body, already bounded by the transport.
    pub body: Vec<u8>,
    /// How it arrived.
    pub presented: Presented,
}

/// How often a change of a consent is made anew because somebody else was quicker.
const CHANGES_MAX: u32 = 8;

fn contended() -> Fault {
    Fault::new("consents", "a consent keeps changing; try again")
}
