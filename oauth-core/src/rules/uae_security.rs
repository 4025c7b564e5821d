//! UAE Open Finance security profile, where it says more than FAPI 2.0.
//!
//! | Demand | Met by |
//! |---|---|
//! | request object, `max_age` | [`MAX_AGE`] |
//! | request object, times | [`TIMES`](super::fapi2_message_signing::TIMES), by the policy's `request_object` |

use super::rfc9101::ObjectCase;
use super::{Rule, demand};
use crate::refusal::RuleId;
use crate::refusal::reason::RequestReason;

/// Request object: `max_age` is bounded; the policy says by how much.
pub(crate) const MAX_AGE: Rule<ObjectCase> = Rule {
    id: RuleId("UAESP-request-max_age"),
    check: |case, policy| {
        let within = policy
            .signed_request()
            .is_some_and(|signed| case.max_age.is_none_or(|asked| signed.max_age_max.allows(asked)));
        demand(within, RequestReason::MaxAgeTooLong)
    },
};
