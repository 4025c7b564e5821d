//! FAPI 2.0 Message Signing, section 5.6 (HTTP message signing; after the first implementer's draft a document of its
//! own): which signatures of requests and responses are good enough.
//!
//! | Section | Met by |
//! |---|---|
//! | 5.6.1.1 | [`prepare_request`](crate::message::prepare_request) |
//! | 5.6.1.2-1, -2 | [`verify_request`](crate::message::verify_request) |
//! | 5.6.1.2-3 | [`Reason::wire`](crate::Reason::wire): 401 |
//! | 5.6.1.2-4 | [`REQUEST_TAG`]: other tags are other people's signatures |
//! | 5.6.1.2-5, -7, -8 | [`REQUEST_COVERED`] over [`REQUEST_COVERS`] |
//! | 5.6.1.2-6 | [`REQUEST_FRESH`] |
//! | 5.6.2.1 | [`prepare_response`](crate::message::prepare_response) over [`RESPONSE_COVERS`] |
//! | 5.6.2.2 | [`RESPONSE_COVERED`], [`RESPONSE_FRESH`], [`RESPONSE_TAG`] |

use super::{Rule, demand};
use crate::policy::Policy;
use crate::refusal::RuleId;
use crate::refusal::reason::{MessageReason, Reason};
use crate::vocabulary::time::Timestamp;

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
