//! RFC 9101, JWT-Secured Authorization Request.
//!
//! | Section | Met by |
//! |---|---|
//! | 5 | [`FORM_TAKEN`] |

use super::{Rule, demand};
use crate::endpoint::push::PushCase;
use crate::policy::RequestObject;
use crate::refusal::RuleId;
use crate::refusal::reason::RequestReason;

/// Section 5, by the policy's `request_object` field: a signed request object is refused, taken or demanded.
pub(crate) const FORM_TAKEN: Rule<PushCase> = Rule {
    id: RuleId("RFC9101-5"),
    check: |case, policy| match (policy.request_object, case.params.request.is_some()) {
        (RequestObject::Refuse, true) => Err(RequestReason::RequestObjectNotTaken.into()),
        (RequestObject::Require(_), present) => demand(present, RequestReason::RequestObjectMissing),
        (RequestObject::Refuse, false) | (RequestObject::Accept(_), _) => Ok(()),
    },
};
