//! RFC 6749, The OAuth 2.0 Authorization Framework.
//!
//! | Section | Met by |
//! |---|---|
//! | 3.1, no repeated parameters | [`Form::read`](crate::wire::form::Form::read) |
//! | 3.1.1 | [`RESPONSE_TYPE_PRESENT`], [`RESPONSE_TYPE_OFFERED`] |
//! | 3.1.2.3 | [`REDIRECT_URI_REGISTERED`] |
//! | 3.3 | [`SCOPE_ALLOWED`], [`Scope::new`](crate::Scope::new) |
//! | 4.1.2 | [`CODE_LIVES`], [`CODE_UNSPENT`] |
//! | 4.1.3 | [`CODE_OF_CLIENT`], [`REDIRECT_URI_SAME`] |
//! | 5.2 | [`GRANT_REGISTERED`], [`refusal::code`](crate::refusal::code) |
//! | 6 | [`REFRESH_OF_CLIENT`], [`REFRESH_LIVES`], [`REFRESH_WITHIN`] |
//! | A.5 | [`STATE_BOUNDED`] |

use super::{Rule, demand};
use crate::endpoint::push::PushCase;
use crate::endpoint::token::code::RedeemCase;
use crate::endpoint::token::refresh::RefreshCase;
use crate::limits;
use crate::model::client::GrantType;
use crate::model::grant::Stage;
use crate::port::consents::Standing;
use crate::port::store::UseState;
use crate::port::users::UserStanding;
use crate::refusal::RuleId;
use crate::refusal::reason::{GrantReason, RequestReason};

/// Section 3.1.1: `response_type` is required.
pub(crate) const RESPONSE_TYPE_PRESENT: Rule<PushCase> = Rule {
    id: RuleId("RFC6749-3.1.1-present"),
    check: |case, _| demand(case.params.response_type.is_some(), RequestReason::ResponseTypeMissing),
};

/// Section 3.1.1: only the response types of the policy are taken.
pub(crate) const RESPONSE_TYPE_OFFERED: Rule<PushCase> = Rule {
    id: RuleId("RFC6749-3.1.1-offered"),
    check: |case, policy| {
        let asked = case.params.response_type.as_deref();
        let offered = policy.response_types.iter().any(|known| asked == Some(known.as_str()));
        demand(offered, RequestReason::ResponseTypeNotOffered)
    },
};

/// Section 3.1.2.3: `redirect_uri` equals a registered one, byte by byte (RFC 9700 section 2.1).
pub(crate) const REDIRECT_URI_REGISTERED: Rule<PushCase> = Rule {
    id: RuleId("RFC6749-3.1.2.3"),
    check: |case, _| {
        let asked = case.params.redirect_uri.as_deref();
        let registered = case.client.redirect_uris.iter().any(|known| asked == Some(known.as_str()));
        demand(registered, RequestReason::RedirectUriNotRegistered)
    },
};

/// Section 3.3: every scope value is offered here and registered for this client.
pub(crate) const SCOPE_ALLOWED: Rule<PushCase> = Rule {
    id: RuleId("RFC6749-3.3"),
    check: |case, _| {
        let base = case.scope.iter().map(base_value);
        let mut allowed = base.map(|value| case.offered.contains(value) && case.client.scope.contains(value));
        demand(allowed.all(std::convert::identity), RequestReason::ScopeNotAllowed)
    },
};

/// The registered value behind a parameterised one: `payments` of `payments:8f2c…`.
fn base_value(value: &str) -> &str {
    value.split_once(':').map_or(value, |(base, _)| base)
}

/// Section 5.2, `unauthorized_client`: the client is registered for the code grant it starts here.
pub(crate) const GRANT_REGISTERED: Rule<PushCase> = Rule {
    id: RuleId("RFC6749-5.2-code"),
    check: |case, _| {
        demand(
            case.client.grant_types.contains(&GrantType::AuthorizationCode),
            RequestReason::GrantTypeNotRegistered,
        )
    },
};

/// Appendix A.5 and our bound: `state` is printable ASCII of at most 1024 characters.
pub(crate) const STATE_BOUNDED: Rule<PushCase> = Rule {
    id: RuleId("RFC6749-A.5"),
    check: |case, _| {
        let bounded = case.params.state.as_deref().is_none_or(|state| {
            state.len() <= limits::STATE_BYTES && state.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
        });
        demand(bounded, RequestReason::StateMalformed)
    },
};

/// Section 4.1.3: a code is good only for the client it was issued to. Another client's attempt leaves it as it is.
pub(crate) const CODE_OF_CLIENT: Rule<RedeemCase> = Rule {
    id: RuleId("RFC6749-4.1.3-client"),
    check: |case, _| demand(case.grant.client == case.client.id, GrantReason::OtherClient),
};

/// Section 4.1.2: a code is used once. A second use ends what the first one brought.
pub(crate) const CODE_UNSPENT: Rule<RedeemCase> = Rule {
    id: RuleId("RFC6749-4.1.2-once"),
    check: |case, _| match case.grant.stage {
        Stage::Opened => Ok(()),
        Stage::Redeemed => Err(GrantReason::SpentBefore.into()),
        Stage::Revoked => Err(GrantReason::Revoked.into()),
    },
};

/// Section 4.1.2: a code is short-lived; FAPI 2.0 Security Profile section 5.3.2.1-11 says 60 seconds.
pub(crate) const CODE_LIVES: Rule<RedeemCase> = Rule {
    id: RuleId("RFC6749-4.1.2-life"),
    check: |case, _| demand(case.now < case.grant.code_until, GrantReason::Expired),
};

/// Section 4.1.3: `redirect_uri`, when sent, is the one of the authorization request.
pub(crate) const REDIRECT_URI_SAME: Rule<RedeemCase> = Rule {
    id: RuleId("RFC6749-4.1.3-redirect"),
    check: |case, _| {
        let same = case.redirect_uri.as_deref().is_none_or(|sent| sent == case.grant.redirect_uri.as_str());
        demand(same, GrantReason::RedirectUri)
    },
};

/// Section 5.2: the approval behind the code still stands.
pub(crate) const CODE_CONSENT_STANDS: Rule<RedeemCase> = Rule {
    id: RuleId("RFC6749-5.2-consent"),
    check: |case, _| demand(may_issue(case.standing), GrantReason::ConsentEnded),
};

/// Section 5.2: the customer who approved may still act. Nobody else learns that this is the reason.
pub(crate) const CODE_CUSTOMER_STANDS: Rule<RedeemCase> = Rule {
    id: RuleId("RFC6749-5.2-customer"),
    check: |case, _| demand(case.customer == UserStanding::Good, GrantReason::Revoked),
};

/// Section 6: a refresh token is good only for the client it was issued to.
pub(crate) const REFRESH_OF_CLIENT: Rule<RefreshCase> = Rule {
    id: RuleId("RFC6749-6-client"),
    check: |case, _| demand(case.record.grant.client == case.client.id, GrantReason::OtherClient),
};

/// Section 6: neither the refresh token nor its grant is over.
pub(crate) const REFRESH_LIVES: Rule<RefreshCase> = Rule {
    id: RuleId("RFC6749-6-life"),
    check: |case, _| match case.record.grant.stage {
        Stage::Revoked => Err(GrantReason::Revoked.into()),
        Stage::Opened | Stage::Redeemed => {
            demand(case.now < case.record.until && case.now < case.record.grant.until, GrantReason::Expired)
        }
    },
};

/// RFC 9700 section 4.14.2: a refresh token that was rotated away ends the grant when it returns.
pub(crate) const REFRESH_UNSPENT: Rule<RefreshCase> = Rule {
    id: RuleId("RFC9700-4.14.2"),
    check: |case, _| demand(case.record.use_state == UseState::Current, GrantReason::SpentBefore),
};

/// Section 6: a refresh may narrow the scope, never widen it.
pub(crate) const REFRESH_WITHIN: Rule<RefreshCase> = Rule {
    id: RuleId("RFC6749-6-scope"),
    check: |case, _| {
        let within = case.scope.as_ref().is_none_or(|asked| asked.is_within(&case.record.grant.scope));
        demand(within, GrantReason::Widened)
    },
};

/// Section 5.2: the consent behind the grant still stands.
pub(crate) const REFRESH_CONSENT_STANDS: Rule<RefreshCase> = Rule {
    id: RuleId("RFC6749-6-consent"),
    check: |case, _| demand(may_issue(case.standing), GrantReason::ConsentEnded),
};

/// Section 6: the customer behind the grant may still act.
pub(crate) const REFRESH_CUSTOMER_STANDS: Rule<RefreshCase> = Rule {
    id: RuleId("RFC6749-6-customer"),
    check: |case, _| demand(case.customer == UserStanding::Good, GrantReason::Revoked),
};

/// Tokens are issued while the consent may still come into force or back into it.
const fn may_issue(standing: Standing) -> bool {
    match standing {
        Standing::Good | Standing::Waiting | Standing::Suspended => true,
        Standing::Finished | Standing::Ended => false,
    }
}

#[cfg(all(test, feature = "testkit"))]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::binding::{Binding, Thumbprint};
    use crate::policy::profiles::FAPI2_SECURITY;
    use crate::testkit::{client, grant};
    use crate::vocabulary::time::{Seconds, Timestamp};

    #[test]
    fn a_code_lives_up_to_its_end_and_not_at_it() {
        let now = Timestamp::from_seconds(1000);
        let redeemed = |code_until: Timestamp| {
            let mut grant = grant("gr_1", now);
            grant.code_until = code_until;
            RedeemCase {
                client: Arc::new(client("tpp-1")),
                binding: Binding::Dpop(Thumbprint::of(b"key")),
                grant,
                redirect_uri: None,
                verifier: None,
                standing: Standing::Good,
                customer: UserStanding::Good,
                now,
            }
        };
        assert!((CODE_LIVES.check)(&redeemed(now.plus(Seconds::new(1))), &FAPI2_SECURITY).is_ok());
        assert!((CODE_LIVES.check)(&redeemed(now), &FAPI2_SECURITY).is_err());
    }
}
