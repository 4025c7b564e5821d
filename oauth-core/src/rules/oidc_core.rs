//! OpenID Connect Core 1.0.
//!
//! | Section | Met by |
//! |---|---|
//! | 3.1.2.1 `nonce` | [`NONCE_BOUNDED`] |
//! | 3.1.2.1 `prompt` | [`PROMPT_KNOWN`] |
//! | 3.1.2.1 `max_age` | [`MAX_AGE_KNOWN`] |
//! | 5.4 | [`UserClaims::claims`](crate::UserClaims::claims) |
//! | 5.5 | [`CLAIMS_WELL_FORMED`], [`resume`](crate::endpoint::resume) |
//! | 12.2 | [`id_token`](crate::endpoint::token) without `nonce` on refresh |

use super::{Rule, demand};
use crate::endpoint::push::PushCase;
use crate::limits;
use crate::refusal::RuleId;
use crate::refusal::reason::RequestReason;

/// Section 3.1.2.1: `nonce` is passed on unchanged, so it is bounded and printable.
pub(crate) const NONCE_BOUNDED: Rule<PushCase> = Rule {
    id: RuleId("OIDCC-3.1.2.1-nonce"),
    check: |case, _| {
        let bounded = case.params.nonce.as_deref().is_none_or(|nonce| {
            nonce.len() <= limits::NONCE_BYTES && nonce.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
        });
        demand(bounded, RequestReason::NonceMalformed)
    },
};

/// Section 5.5: `claims` is a JSON object of the members described there. Judged by its reader.
pub(crate) const CLAIMS_WELL_FORMED: RuleId = RuleId("OIDCC-5.5");

/// Section 3.1.2.1: `none` stands alone.
pub(crate) const PROMPT_KNOWN: Rule<PushCase> = Rule {
    id: RuleId("OIDCC-3.1.2.1-prompt"),
    check: |case, _| {
        let known = case.params.prompt.as_deref().is_none_or(|prompt| {
            prompt == "none"
                || prompt
                    .split(' ')
                    .all(|value| matches!(value, "login" | "consent" | "select_account" | "create"))
        });
        demand(known, RequestReason::PromptMalformed)
    },
};

/// Section 3.1.2.1: `max_age` is a number of seconds.
pub(crate) const MAX_AGE_KNOWN: Rule<PushCase> = Rule {
    id: RuleId("OIDCC-3.1.2.1-max_age"),
    check: |case, _| {
        let known = case.params.max_age.as_deref().is_none_or(|text| {
            text.len() <= 10 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
        });
        demand(known, RequestReason::MaxAgeMalformed)
    },
};
