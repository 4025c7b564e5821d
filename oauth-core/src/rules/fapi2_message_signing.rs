//! FAPI 2.0 Message Signing (Final, 2025), where it says more than the documents it builds on: request objects, signed
//! responses, and in section 5.6 (after the first implementer's draft a document of its own) which signatures of HTTP
//! messages are good enough.
//!
//! | Section | Met by |
//! |---|---|
//! | 5.3.1-1 | [`FORM_TAKEN`](super::rfc9101::FORM_TAKEN) |
//! | 5.3.1, `aud` | [`AUDIENCE`](super::rfc9101::AUDIENCE) |
//! | 5.3.1, `nbf` | [`NOT_BEFORE`] |
//! | 5.3.1, `exp` | [`EXPIRY`], [`LIFETIME`] |
//! | 5.4.1 | [`RESPONSE_SIGNED`], [`respond`](crate::endpoint::response) |
//! | 5.5.1 | [`introspect`](crate::endpoint::introspect) |
//! | 5.6.1.1 | [`prepare_request`](crate::message::prepare_request) |
//! | 5.6.1.2-1, -2 | [`verify_request`](crate::message::verify_request) |
//! | 5.6.1.2-3 | [`Reason::wire`](crate::Reason::wire): 401 |
//! | 5.6.1.2-4 | [`REQUEST_TAG`]: other tags are other people's signatures |
//! | 5.6.1.2-5, -7, -8 | [`REQUEST_COVERED`] over [`REQUEST_COVERS`] |
//! | 5.6.1.2-6 | [`REQUEST_FRESH`] |
//! | 5.6.2.1 | [`prepare_response`](crate::message::prepare_response) over [`RESPONSE_COVERS`] |
//! | 5.6.2.2 | [`RESPONSE_COVERED`], [`RESPONSE_FRESH`], [`RESPONSE_TAG`] |

use super::rfc9101::ObjectCase;
use super::{Rule, demand, uae_security};
use crate::endpoint::push::PushCase;
use crate::policy::Policy;
use crate::refusal::RuleId;
use crate::refusal::reason::{MessageReason, ObjectReason, Reason, RequestReason};
use crate::vocabulary::time::Timestamp;

/// Section 5.3.1: the times of a request object, judged once its signature holds; `max_age` last.
pub(crate) const TIMES: &[&Rule<ObjectCase>] = &[
    &NOT_BEFORE,
    &EXPIRY,
    &LIFETIME,
    &ISSUED,
    &uae_security::MAX_AGE,
    &uae_security::OPENID,
    &uae_security::SHORT,
];

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

/// Section 5.6.1.1-5.
pub(crate) const REQUEST_TAG: &str = "fapi-2-request";
/// Section 5.6.2.1-6.
pub(crate) const RESPONSE_TAG: &str = "fapi-2-response";

/// Sections 5.6.1.1-2, -3, -6, -7 and -8; the last two as far as the request has them.
pub(crate) const REQUEST_COVERS: &[&str] =
    &["\"@method\"", "\"@target-uri\"", "\"authorization\"", "\"dpop\"", "\"content-digest\""];
/// Sections 5.6.2.1-2, -3, -4 and -7; digests and the signature of the request as far as there are any.
pub(crate) const RESPONSE_COVERS: &[&str] = &[
    "\"@status\"",
    "\"content-digest\"",
    "\"@method\";req",
    "\"@target-uri\";req",
    "\"content-digest\";req",
    "\"signature\";req",
    "\"signature-input\";req",
];

/// What the rules judge: a signature with the right tag, before it is verified.
pub(crate) struct SignatureCase {
    /// Identifiers of the covered components.
    pub(crate) covered: Vec<String>,
    /// Identifiers of those that must be.
    pub(crate) needed: Vec<&'static str>,
    pub(crate) created: Option<Timestamp>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) now: Timestamp,
}

/// Of requests.
pub(crate) const REQUEST_RULES: &[&Rule<SignatureCase>] = &[&REQUEST_COVERED, &REQUEST_FRESH];
/// Of responses.
pub(crate) const RESPONSE_RULES: &[&Rule<SignatureCase>] = &[&RESPONSE_COVERED, &RESPONSE_FRESH];

/// Sections 5.6.1.2-5, -7 and -8.
pub(crate) const REQUEST_COVERED: Rule<SignatureCase> =
    Rule { id: RuleId("FAPI2MS-5.6.1.2-5"), check: covered };
/// Section 5.6.1.2-6: at most the policy's age, as for proofs.
pub(crate) const REQUEST_FRESH: Rule<SignatureCase> = Rule { id: RuleId("FAPI2MS-5.6.1.2-6"), check: fresh };
/// Sections 5.6.2.2-3 and -4.
pub(crate) const RESPONSE_COVERED: Rule<SignatureCase> =
    Rule { id: RuleId("FAPI2MS-5.6.2.2-3"), check: covered };
/// Section 5.6.2.2-3.
pub(crate) const RESPONSE_FRESH: Rule<SignatureCase> =
    Rule { id: RuleId("FAPI2MS-5.6.2.2-3-created"), check: fresh };

fn covered(case: &SignatureCase, _: &Policy) -> Result<(), Reason> {
    let has = |needed: &&str| case.covered.iter().any(|covered| covered == needed);
    demand(case.needed.iter().all(has), MessageReason::NotCovered)
}

fn fresh(case: &SignatureCase, policy: &Policy) -> Result<(), Reason> {
    let young = case.created.is_some_and(|created| {
        created <= case.now.plus(policy.skew) && case.now <= created.plus(policy.proof_age_max)
    });
    let unexpired = case.expires.is_none_or(|expires| case.now < expires);
    demand(young && unexpired, MessageReason::Stale)
}
