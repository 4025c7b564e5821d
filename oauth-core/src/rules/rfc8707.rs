//! RFC 8707, Resource Indicators for OAuth 2.0.
//!
//! | Section | Met by |
//! |---|---|
//! | 2 | [`RESOURCE_KNOWN`] |

use super::{Rule, demand};
use crate::endpoint::push::PushCase;
use crate::refusal::RuleId;
use crate::refusal::reason::RequestReason;

/// Section 2: a named resource is one this server issues tokens for.
pub(crate) const RESOURCE_KNOWN: Rule<PushCase> = Rule {
    id: RuleId("RFC8707-2"),
    check: |case, _| {
        let known = case
            .params
            .resource
            .as_deref()
            .is_none_or(|asked| case.resources.iter().any(|resource| resource.as_str() == asked));
        demand(known, RequestReason::ResourceUnknown)
    },
};
