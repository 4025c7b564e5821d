//! UAE Open Finance security profile, where it says more than FAPI 2.0.
//!
//! | Demand | Met by |
//! |---|---|
//! | request object, `max_age` | [`MAX_AGE`] |
//! | request object, `scope` | [`OPENID`] |
//! | request object, `state` and `nonce` | [`SHORT`] |
//! | the form around a request object | [`OBJECT_ALONE`] |
//! | request object, times | [`TIMES`](super::fapi2_message_signing::TIMES), by the policy's `request_object` |

use super::rfc9101::ObjectCase;
use super::{Rule, demand};
use crate::endpoint::push::FormCase;
use crate::policy::{Beside, Openid};
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

/// Request object: `scope` has `openid` where the policy demands it.
pub(crate) const OPENID: Rule<ObjectCase> = Rule {
    id: RuleId("UAESP-request-openid"),
    check: |case, policy| {
        let required = policy.signed_request().is_some_and(|signed| signed.openid == Openid::Required);
        let given =
            case.scope.as_deref().is_some_and(|scope| scope.split(' ').any(|value| value == "openid"));
        demand(!required || given, RequestReason::OpenidMissing)
    },
};

/// Request object: `state` and `nonce` are as short as the policy has them.
pub(crate) const SHORT: Rule<ObjectCase> = Rule {
    id: RuleId("UAESP-request-short"),
    check: |case, policy| {
        let Some(signed) = policy.signed_request() else { return Ok(()) };
        demand(
            case.state.is_none_or(|characters| characters <= signed.state_max),
            RequestReason::StateMalformed,
        )?;
        demand(
            case.nonce.is_none_or(|characters| characters <= signed.nonce_max),
            RequestReason::NonceMalformed,
        )
    },
};

/// The form of a pushed request: no authorization parameter stands beside a request object where the policy forbids it
/// (RFC 9126 section 3).
pub(crate) const OBJECT_ALONE: Rule<FormCase> = Rule {
    id: RuleId("UAESP-request-alone"),
    check: |case, policy| {
        let forbidden = policy.signed_request().is_some_and(|signed| signed.beside == Beside::Refused);
        demand(
            !(forbidden && case.request.is_some() && case.asked_in_form),
            RequestReason::BesideRequestObject,
        )
    },
};
