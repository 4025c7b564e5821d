//! RFC 9126, OAuth 2.0 Pushed Authorization Requests.
//!
//! | Section | Met by |
//! |---|---|
//! | 2.1, step 1 | [`identify`](crate::identify) |
//! | 2.1, step 2 | [`REQUEST_URI_ABSENT`] |
//! | 2.1, step 3 | [`RULES`](crate::endpoint::push) |
//! | 3 | [`read`](crate::endpoint::request_object) |
//! | 2.2, `expires_in` | [`ARRIVES_IN_TIME`] |
//! | 2.3, rate | [`Pace`](crate::endpoint::pace) |
//! | 2.3 | [`Form::read`](crate::wire::form::Form::read), [`limits::FORM_BODY_BYTES`](crate::limits::FORM_BODY_BYTES) |
//! | 4 | [`PUSHED`], [`SAME_CLIENT`], [`CLIENT_ACTIVE`] |
//! | 7.3 | [`Store::open`](crate::Store::open): spent when decided |

use super::{Rule, demand};
use crate::endpoint::authorize::AuthorizeCase;
use crate::endpoint::push::FormCase;
use crate::model::client::ClientStatus;
use crate::policy::RequestPath;
use crate::refusal::RuleId;
use crate::refusal::reason::RequestReason;

/// Section 2.1, step 2: a pushed request never refers to another pushed request.
pub(crate) const REQUEST_URI_ABSENT: Rule<FormCase> = Rule {
    id: RuleId("RFC9126-2.1-2"),
    check: |case, _| demand(case.request_uri.is_none(), RequestReason::CarriesRequestUri),
};

/// Section 4: where the policy says so, only pushed requests are taken.
pub(crate) const PUSHED: Rule<AuthorizeCase> = Rule {
    id: RuleId("RFC9126-4"),
    check: |case, policy| match policy.request_path {
        RequestPath::PushedOnly | RequestPath::PushedOrDirect => {
            demand(case.request_uri.is_some(), RequestReason::NotPushed)
        }
    },
};

/// Section 4: the request was pushed by the client that is named now, and is neither decided nor over.
pub(crate) const SAME_CLIENT: Rule<AuthorizeCase> = Rule {
    id: RuleId("RFC9126-4-client"),
    check: |case, _| {
        let same = case
            .request
            .as_ref()
            .is_some_and(|request| Some(request.client.as_str()) == case.client_id.as_deref());
        demand(same, RequestReason::RequestUriUnknown)
    },
};

/// Section 4: a client that was disabled after its push asks nobody any more.
pub(crate) const CLIENT_ACTIVE: Rule<AuthorizeCase> = Rule {
    id: RuleId("RFC9126-4-active"),
    check: |case, _| demand(case.client == Some(ClientStatus::Active), RequestReason::RequestUriUnknown),
};

/// Section 2.2: the browser arrives before `expires_in` has passed. Deciding may take longer: the request is kept until
/// the ticket of the bank's pages is over.
pub(crate) const ARRIVES_IN_TIME: Rule<AuthorizeCase> = Rule {
    id: RuleId("RFC9126-2.2-life"),
    check: |case, _| {
        let in_time =
            case.request.as_ref().is_none_or(|request| case.now < request.asked_at.plus(case.lifetime));
        demand(in_time, RequestReason::RequestUriUnknown)
    },
};

#[cfg(all(test, feature = "testkit"))]
mod tests {
    use super::*;
    use crate::policy::profiles::FAPI2_SECURITY;
    use crate::testkit::vetted_request;
    use crate::vocabulary::time::{Seconds, Timestamp};

    #[test]
    fn a_browser_arrives_in_time_up_to_the_last_second_and_not_at_its_end() {
        let pushed = Timestamp::from_seconds(1000);
        let arriving = |after: i64| AuthorizeCase {
            client_id: None,
            request_uri: None,
            request: Some(vetted_request(pushed)),
            client: Some(ClientStatus::Active),
            lifetime: Seconds::new(90),
            now: pushed.plus(Seconds::new(after)),
        };
        assert!((ARRIVES_IN_TIME.check)(&arriving(89), &FAPI2_SECURITY).is_ok());
        assert!((ARRIVES_IN_TIME.check)(&arriving(90), &FAPI2_SECURITY).is_err());
    }
}
