//! What a client's tokens are bound to, from its metadata (RFC 8705 section 3.4, RFC 9449 section 5.2).

use super::ClientMetadata;
use crate::policy::{Constraint, Policy};

/// The one way that was asked for, when the policy has it.
pub(super) fn read(
    metadata: &ClientMetadata,
    policy: &Policy,
    blame: &mut impl FnMut(&'static str, &str),
) -> Option<Constraint> {
    let asked = match (metadata.dpop_bound_access_tokens, metadata.tls_client_certificate_bound_access_tokens)
    {
        (true, false) => Constraint::Dpop,
        (false, true) => Constraint::Mtls,
        (true, true) | (false, false) => {
            blame(
                "dpop_bound_access_tokens",
                "set exactly one of dpop_bound_access_tokens and tls_client_certificate_bound_access_tokens",
            );
            return None;
        }
    };
    if !policy.sender_constraint.offered().contains(&asked) {
        blame("dpop_bound_access_tokens", &format!("{} does not bind tokens this way", policy.name));
    }
    Some(asked)
}
