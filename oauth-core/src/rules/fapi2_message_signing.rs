//! FAPI 2.0 Message Signing (Final, 2025), where it says more than the documents it builds on.
//!
//! | Section | Met by |
//! |---|---|
//! | 5.3.1-1 | [`FORM_TAKEN`](super::rfc9101::FORM_TAKEN) |
//! | 5.3.1, `aud` | [`AUDIENCE`](super::rfc9101::AUDIENCE) |
//! | 5.3.1, `nbf` | [`NOT_BEFORE`] |
//! | 5.3.1, `exp` | [`EXPIRY`], [`LIFETIME`] |
//! | 5.4.1 | [`RESPONSE_SIGNED`], [`respond`](crate::endpoint::response) |
//! | 5.5.1 | [`introspect`](crate::endpoint::introspect) |

use super::rfc9101::ObjectCase;
use super::{Rule, demand, uae_security};
use crate::endpoint::push::PushCase;
use crate::refusal::RuleId;
use crate::refusal::reason::{ObjectReason, RequestReason};

/// Section 5.3.1: the times of a request object, judged once its signature holds; `max_age` last.
pub(crate) const TIMES: &[&Rule<ObjectCase>] =
    &[&NOT_BEFORE, &EXPIRY, &LIFETIME, &ISSUED, &uae_security::MAX_AGE];

/// Section 5.3.1: `nbf` is there, at most the skew ahead and at most the policy's time ago.
pub(crate) const NOT_BEFORE: Rule<ObjectCase> = Rule {
    id: RuleId("FAPI2MS-5.3.1-nbf"),
    check: |case, policy| {
        let nbf = case.nbf.ok_or(ObjectReason::NotBeforeMissing)?;
        let signed = policy.signed_request().ok_or(ObjectReason::NotBeforeOld)?;
        demand(nbf <= case.now.plus(policy.skew), ObjectReason::Early)?;
        demand(nbf >= case.now.minus(signed.nbf_age_max), ObjectReason::NotBeforeOld)
    },
};

/// Section 5.3.1: `exp` is there and ahead.
pub(crate) const EXPIRY: Rule<ObjectCase> = Rule {
    id: RuleId("FAPI2MS-5.3.1-exp"),
    check: |case, _| {
        let exp = case.exp.ok_or(ObjectReason::ExpiryMissing)?;
        demand(case.now < exp, ObjectReason::Expired)
    },
};

/// Section 5.3.1: `exp` is at most the policy's time after `nbf`.
pub(crate) const LIFETIME: Rule<ObjectCase> = Rule {
    id: RuleId("FAPI2MS-5.3.1-life"),
    check: |case, policy| {
        let within = match (case.nbf, case.exp, policy.signed_request()) {
            (Some(nbf), Some(exp), Some(signed)) => exp <= nbf.plus(signed.lifetime_max),
            (None, _, _) | (_, None, _) | (_, _, None) => false,
        };
        demand(within, ObjectReason::Lifetime)
    },
};

/// FAPI 2.0 Security Profile section 5.3.2.1-13: `iat`, when sent, is at most the skew ahead.
pub(crate) const ISSUED: Rule<ObjectCase> = Rule {
    id: RuleId("FAPI2MS-5.3.1-iat"),
    check: |case, policy| {
        demand(case.iat.is_none_or(|iat| iat <= case.now.plus(policy.skew)), ObjectReason::Early)
    },
};

/// Section 5.4.1 with JARM section 2.3.4: where every response is signed, the client asks for a signed one. An absent
/// `response_mode` means `query`, which the policy does not have.
pub(crate) const RESPONSE_SIGNED: Rule<PushCase> = Rule {
    id: RuleId("FAPI2MS-5.4.1"),
    check: |case, policy| {
        let asked = case.params.response_mode.is_some();
        let all_signed = policy.answer_by.iter().all(|mode| mode.is_signed());
        demand(asked || !all_signed, RequestReason::ResponseModeUnsigned)
    },
};
