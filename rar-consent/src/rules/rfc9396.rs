//! RFC 9396, OAuth 2.0 Rich Authorization Requests.
//!
//! | Section | Met by |
//! |---|---|
//! | 2, an array of objects | [`AuthorizationDetails::read`](oauth_core::AuthorizationDetails::read) |
//! | 2, example of a payment | [`PAYMENT_VALUES`] |
//! | 2, example of access | [`ACCESS_AHEAD`], [`ACCESS_WITHIN_YEAR`] |
//! | 2, one consent for one request | [`ONE_ELEMENT`] |
//! | 3, scope beside details | [`SCOPE_SUPPORTED`] |
//! | 5, known types | [`TYPE_KNOWN`] |
//! | 5, known members, once, of the right type | [`MEMBERS_KNOWN`], [`MEMBERS_ONCE`], [`MEMBERS_PRESENT`], [`VALUES_TYPED`] |
//! | 6, narrowing only | [`WITHIN`] |
//! | 10, types of the client | [`TYPE_REGISTERED`] |

use oauth_core::{DetailType, DetailsFault, Rule, RuleId, Scope, Timestamp};

use super::{demand, value};
use crate::consent::terms::AccountInformation;
use crate::detail::Place;
use crate::value::calendar::Zone;

/// What is asked, before any element is read.
pub(crate) struct ElementsCase {
    pub(crate) count: usize,
    /// The canonical type of the first element, when it has a known one.
    pub(crate) kind: Option<DetailType>,
    /// The types registered for the client.
    pub(crate) registered: Vec<DetailType>,
}

/// The scope beside the details.
pub(crate) struct ScopeCase {
    /// The values that need a consent and that no element supports.
    pub(crate) unsupported: Scope,
}

/// Access to accounts that was read, and when.
pub(crate) struct AccessCase {
    pub(crate) place: Place,
    pub(crate) terms: AccountInformation,
    pub(crate) now: Timestamp,
}

/// The rules for access to accounts.
pub(crate) const ACCESS: &[&Rule<AccessCase>] = &[&ACCESS_AHEAD, &ACCESS_WITHIN_YEAR];

/// Section 2: access that is over gives nothing.
pub(crate) const ACCESS_AHEAD: Rule<AccessCase> = Rule {
    id: RuleId("RFC9396-2-ahead"),
    check: |case, _| {
        value(case.terms.valid_until > case.now, &case.place.member("validUntil"), "must be later than now")
    },
};

/// Section 2 leaves the longest access to the bank: one year.
pub(crate) const ACCESS_WITHIN_YEAR: Rule<AccessCase> = Rule {
    id: RuleId("RFC9396-2-year"),
    check: |case, _| {
        let within = case.terms.valid_until <= Zone::Utc.year_after(case.now);
        value(within, &case.place.member("validUntil"), "more than one year ahead")
    },
};

/// The rules for what is asked as a whole.
pub(crate) const ELEMENTS: &[&Rule<ElementsCase>] = &[&ONE_ELEMENT, &TYPE_KNOWN, &TYPE_REGISTERED];

/// Section 2: several elements may be sent; here a request asks for one consent and so carries one.
pub(crate) const ONE_ELEMENT: Rule<ElementsCase> = Rule {
    id: RuleId("RFC9396-2-one"),
    check: |case, _| {
        let hint = "one request carries one element; push one request for each consent";
        demand(case.count <= 1, &Place::element(1), DetailsFault::Malformed, hint)
    },
};

/// Section 5: a missing or unknown `type` is refused.
pub(crate) const TYPE_KNOWN: Rule<ElementsCase> = Rule {
    id: RuleId("RFC9396-5-type"),
    check: |case, _| {
        let place = Place::element(0).member("type");
        demand(case.kind.is_some(), &place, DetailsFault::TypeUnknown, "not a type of this server")
    },
};

/// Section 10: the client is registered for the type.
pub(crate) const TYPE_REGISTERED: Rule<ElementsCase> = Rule {
    id: RuleId("RFC9396-10-client"),
    check: |case, _| {
        let place = Place::element(0).member("type");
        let registered = case.kind.as_ref().is_some_and(|kind| case.registered.contains(kind));
        demand(registered, &place, DetailsFault::TypeUnknown, "this client is not registered for this type")
    },
};

/// Section 3: a scope value that stands for a consent has details that support it.
pub(crate) const SCOPE_SUPPORTED: Rule<ScopeCase> = Rule {
    id: RuleId("RFC9396-3-scope"),
    check: |case, _| {
        let place = Place::element(0);
        let hint = "a value of scope needs a consent that these details do not ask for";
        demand(case.unsupported.is_empty(), &place, DetailsFault::ScopeMismatch, hint)
    },
};

/// Section 5: a member that the type does not have.
pub(crate) const MEMBERS_KNOWN: RuleId = RuleId("RFC9396-5-member");
/// Section 5: a member that the type needs.
pub(crate) const MEMBERS_PRESENT: RuleId = RuleId("RFC9396-5-missing");
/// Section 5: a member that stands twice.
pub(crate) const MEMBERS_ONCE: RuleId = RuleId("RFC9396-5-repeated");
/// Section 5: a member of another JSON type, or null.
pub(crate) const VALUES_TYPED: RuleId = RuleId("RFC9396-5-value");
/// Section 6: a token request narrows, it never widens.
pub(crate) const WITHIN: RuleId = RuleId("RFC9396-6-within");
/// Section 2: amount, payee and text of a payment are well-formed.
pub(crate) const PAYMENT_VALUES: RuleId = RuleId("RFC9396-2-payment");
