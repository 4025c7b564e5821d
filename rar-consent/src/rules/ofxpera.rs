//! OFxPERA: what a request that refers to a consent must satisfy.
//!
//! | Section | Met by |
//! |---|---|
//! | 4.1 | [`OfxperaConsent::check`](crate::OfxperaConsent::check) |
//! | 4.2 | [`Permission::scope`](crate::Permission::scope) with [`SCOPE_SUPPORTED`](super::rfc9396::SCOPE_SUPPORTED) |
//! | 4.4 | [`CONSENT_KNOWN`], [`CONSENT_WAITING`] |
//! | 5.1 | [`OPENID_ASKED`] |

use oauth_core::{DetailsFault, Rule, RuleId, Scope};

use super::demand;
use crate::consent::Consent;
use crate::consent::status::ConsentStatus;
use crate::detail::Place;

/// A reference to a stored consent, and what is stored.
pub(crate) struct ReferenceCase {
    pub(crate) place: Place,
    /// The consent, when this client has it.
    pub(crate) stored: Option<Consent>,
}

/// The scope beside a reference.
pub(crate) struct AskedCase {
    pub(crate) place: Place,
    pub(crate) scope: Scope,
}

/// Section 5.1: the customer is always identified, so the scope contains `openid`.
pub(crate) const OPENID_ASKED: Rule<AskedCase> = Rule {
    id: RuleId("OFXPERA-5.1-openid"),
    check: |case, _| {
        let asked = case.scope.contains("openid");
        demand(
            asked,
            &case.place,
            DetailsFault::ScopeMismatch,
            "scope must contain openid beside a consent of this type",
        )
    },
};

/// What a reference must satisfy.
pub(crate) const REFERENCE: &[&Rule<ReferenceCase>] = &[&CONSENT_KNOWN, &CONSENT_WAITING];

/// Section 4.4: the consent is there and is this client's; one answer for both.
pub(crate) const CONSENT_KNOWN: Rule<ReferenceCase> = Rule {
    id: RuleId("OFXPERA-4.4-known"),
    check: |case, _| {
        let place = case.place.member("consentId");
        demand(case.stored.is_some(), &place, DetailsFault::Consent, "no consent of this client has this id")
    },
};

/// Section 4.4: a consent takes part in one successful authorization only.
pub(crate) const CONSENT_WAITING: Rule<ReferenceCase> = Rule {
    id: RuleId("OFXPERA-4.4-waiting"),
    check: |case, _| {
        let status = case.stored.as_ref().map(|stored| stored.status);
        let place = case.place.member("consentId");
        let waiting = status.is_none_or(|status| status == ConsentStatus::AwaitingAuthorization);
        demand(
            waiting,
            &place,
            DetailsFault::Consent,
            "this consent does not wait for authorization; create a new one",
        )
    },
};
