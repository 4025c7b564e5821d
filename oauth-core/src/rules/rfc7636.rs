//! RFC 7636, Proof Key for Code Exchange.
//!
//! | Section | Met by |
//! |---|---|
//! | 4.1, 4.6 | [`VERIFIER_MATCHES`] |
//! | 4.2, 4.3 | [`CHALLENGE_METHOD`], [`CHALLENGE_WELL_FORMED`] |
//! | 4.4.1 | [`CHALLENGE_PRESENT`] |

use super::{Rule, demand};
use crate::endpoint::push::PushCase;
use crate::endpoint::token::code::RedeemCase;
use crate::limits;
use crate::model::binding::Thumbprint;
use crate::policy::Pkce;
use crate::refusal::RuleId;
use crate::refusal::reason::{GrantReason, RequestReason};

/// Section 4.4.1, made mandatory by the policy's `pkce` field. Every client here is confidential.
pub(crate) const CHALLENGE_PRESENT: Rule<PushCase> = Rule {
    id: RuleId("RFC7636-4.4.1"),
    check: |case, policy| match (&case.params.code_challenge, policy.pkce) {
        (Some(_), _) | (None, Pkce::RequireS256FromPublic) => Ok(()),
        (None, Pkce::RequireS256 | Pkce::RequireS256WhenPushed) => {
            Err(RequestReason::ChallengeMissing.into())
        }
    },
};

/// Section 4.3: `S256` and nothing else; an absent method means `plain` and is refused with it.
pub(crate) const CHALLENGE_METHOD: Rule<PushCase> = Rule {
    id: RuleId("RFC7636-4.3"),
    check: |case, _| {
        let method = case.params.code_challenge_method.as_deref();
        let sound = match &case.params.code_challenge {
            Some(_) => method == Some("S256"),
            None => method.is_none(),
        };
        demand(sound, RequestReason::ChallengeMethod)
    },
};

/// Section 4.2: the challenge is a SHA-256 in base64url.
pub(crate) const CHALLENGE_WELL_FORMED: Rule<PushCase> = Rule {
    id: RuleId("RFC7636-4.2"),
    check: |case, _| {
        let well_formed =
            case.params.code_challenge.as_deref().is_none_or(|text| Thumbprint::parse(text).is_ok());
        demand(well_formed, RequestReason::ChallengeMalformed)
    },
};

/// Section 4.6: the verifier hashes to the challenge; without a challenge none may come (RFC 9700 section 4.8.2).
pub(crate) const VERIFIER_MATCHES: Rule<RedeemCase> = Rule {
    id: RuleId("RFC7636-4.6"),
    check: |case, _| match (&case.grant.code_challenge, &case.verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(GrantReason::VerifierUnasked.into()),
        (Some(_), None) => Err(GrantReason::VerifierMissing.into()),
        (Some(challenge), Some(verifier)) => demand(
            well_formed(verifier) && Thumbprint::of(verifier.as_bytes()) == *challenge,
            GrantReason::Verifier,
        ),
    },
};

/// Section 4.1: 43 to 128 unreserved characters.
fn well_formed(verifier: &str) -> bool {
    limits::VERIFIER_CHARS.contains(&verifier.len())
        && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}
