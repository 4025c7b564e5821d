//! One file per endpoint, each with the six steps from top to bottom: read, identify, gather, decide, commit, answer.

pub(crate) mod authorize;
pub(crate) mod introspect;
pub(crate) mod introspect_by_query;
pub(crate) mod jwks;
pub(crate) mod metadata;
pub(crate) mod pace;
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
#[derive(Clone, Default)]
pub struct Submitted {
    /// The body, already bounded by the transport.
    pub body: Vec<u8>,
    /// How it arrived.
    pub presented: Presented,
}

// What was sent holds credentials or what customers own; none of it is for a log.
impl std::fmt::Debug for Submitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submitted").field("presented", &self.presented).finish_non_exhaustive()
    }
}

/// How often a change of a consent is made anew because somebody else was quicker.
const CHANGES_MAX: u32 = 8;

fn contended() -> Fault {
    Fault::new("consents", "a consent keeps changing; try again")
}

#[cfg(test)]
mod tests {
    use super::authorize::AuthorizeSubmitted;
    use super::resume::ResumeSubmitted;
    use super::*;
    use crate::port::interaction::{Denial, Outcome};

    #[test]
    fn debug_shows_nothing_of_what_was_sent() {
        let secret = || "hunter2".to_owned();
        let presented =
            Presented { dpop: vec![secret()], authorization: vec![secret()], ..Presented::default() };
        let submitted = Submitted { body: secret().into_bytes(), presented };
        let arrived = AuthorizeSubmitted { query: secret().into_bytes(), browser: Some(secret()) };
        let outcome = Outcome::Denied(Denial::Refused);
        let decided = ResumeSubmitted { ticket: secret(), browser: Some(secret()), outcome };
        let shown = format!("{submitted:?} {arrived:?} {decided:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("104, 117, 110"), "{shown}");
    }
}
