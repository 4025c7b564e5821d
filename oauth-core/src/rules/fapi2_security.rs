//! FAPI 2.0 Security Profile (Final, 2025), where it says more than the documents it builds on.
//!
//! | Section | Met by |
//! |---|---|
//! | 5.3.2.1-4, -5 | [`CONSTRAINT_SHOWN`](crate::identify::Caller::binding) |
//! | 5.3.2.1-6 | [`Client::register`](crate::Client::register) |
//! | 5.3.2.1-8 | [`AUDIENCE`](super::rfc7523::AUDIENCE) |
//! | 5.3.2.1-9 | [`RefreshRotation`](crate::policy::RefreshRotation) |
//! | 5.3.2.1-11 | [`CODE_LIVES`](super::rfc6749::CODE_LIVES) |
//! | 5.3.2.1-13 | [`NOT_EARLY`](super::rfc7523::NOT_EARLY), [`AGE`](super::rfc9449::AGE) |
//! | 5.3.2.2-2 | [`PUSHED`](super::rfc9126::PUSHED) |
//! | 5.3.2.2-5 | [`CHALLENGE_PRESENT`](super::rfc7636::CHALLENGE_PRESENT) |
//! | 5.3.2.2-7 | [`answer`](crate::endpoint::resume): `iss` in every response |
//! | 5.3.2.2-9 | [`REDIRECT_URI_PRESENT`] |
//! | 5.3.4 | [`verify`](crate::verify) |

use super::{Rule, demand};
use crate::endpoint::push::PushCase;
use crate::refusal::RuleId;
use crate::refusal::reason::RequestReason;

/// Section 5.3.2.2-9: `redirect_uri` is in every pushed request.
pub(crate) const REDIRECT_URI_PRESENT: Rule<PushCase> = Rule {
    id: RuleId("FAPI2SP-5.3.2.2-9"),
    check: |case, _| demand(case.params.redirect_uri.is_some(), RequestReason::RedirectUriMissing),
};

/// Section 5.3.2.2: the response travels in a mode of the policy; an absent `response_mode` is `query` (OAuth 2.0
/// Multiple Response Type Encoding Practices section 2.1).
pub(crate) const RESPONSE_MODE_OFFERED: Rule<PushCase> = Rule {
    id: RuleId("FAPI2SP-5.3.2.2-mode"),
    check: |case, policy| {
        let mode = case.params.answer_by();
        let offered = mode.is_some_and(|mode| policy.offers(mode) && mode.is_built());
        demand(offered, RequestReason::ResponseModeNotOffered)
    },
};

/// Section 5.3.2.1-4: every token is bound to its sender.
pub(crate) const SENDER_CONSTRAINED: RuleId = RuleId("FAPI2SP-5.3.2.1-4");
