//! UAE Bank Service Initiation, rules for payments under a consent.
//!
//! | Section | Met by |
//! |---|---|
//! | 8.1, steps 1 and 2 | [`Needs`](crate::guard::Needs) of the route: token, sender, scope |
//! | 8.1, steps 3 and 4 | [`HeaderRules`](crate::dialect::HeaderRules) of the dialect |
//! | 8.1, step 5 | `dialect::uae_bsi::signature` |
//! | 8.1, step 6 | `dialect::uae_bsi::body`: closed shapes |
//! | 8.1, step 6; 5.2 | [`PART_NAMED`] |
//! | 8.1, step 7 | [`CONSENT_NAMED`] |
//! | 8.1, step 8; 8.2 | [`KEY_BOUND`]; [`PaymentBook::by_key`](crate::PaymentBook::by_key) before everything below |
//! | 8.1, step 9; 6 | [`CONSENT_IN_FORCE`] |
//! | 8.1, steps 10 and 11; 9.3 | [`Consent::exercise`](rar_consent::Consent::exercise): [`AS_AGREED`], [`WITHIN_CONTROL`] |
//! | 8.1, step 12 | [`ACCOUNT_OPEN`] |
//! | 6 | [`STATUS_MOVES`], [`OWN_SUSPENSION`] |
//! | 8.1 and 16, version 1.2 | [`CREDITOR_LISTED`] |
//! | 10, 14 | [`OWN_ONLY`], [`BASE_NAMED`], [`REFUND_PERMITTED`] |

use oauth_core::RuleId;

/// Section 5.2: an order names no other type than those of its consent, and one of the two where there are two.
pub(crate) const PART_NAMED: RuleId = RuleId("UAEBSI-5.2");
/// Section 8.1, step 7: the order names the consent of the token.
pub(crate) const CONSENT_NAMED: RuleId = RuleId("UAEBSI-8.1-7");
/// Section 8.2: a key belongs to one request.
pub(crate) const KEY_BOUND: RuleId = RuleId("UAEBSI-8.2");
/// Section 8.1, step 9, and section 6: the consent is of this vocabulary and in force.
pub(crate) const CONSENT_IN_FORCE: RuleId = RuleId("UAEBSI-8.1-9");
/// Section 8.1, step 10: purpose and references are the consent's.
pub(crate) const AS_AGREED: RuleId = RuleId("UAEBSI-8.1-10");
/// Section 8.1, step 11, and section 9.3: amount, day, count and value are within the consent.
pub(crate) const WITHIN_CONTROL: RuleId = RuleId("UAEBSI-8.1-11");
/// Section 8.1, step 12: the account can be debited.
pub(crate) const ACCOUNT_OPEN: RuleId = RuleId("UAEBSI-8.1-12");
/// Sections 10 and 14: a client sees its own consents and payments, a customer's token its own consent's.
pub(crate) const OWN_ONLY: RuleId = RuleId("UAEBSI-10-pay");
/// Section 14: a list of consents is asked for by the consent they continue.
pub(crate) const BASE_NAMED: RuleId = RuleId("UAEBSI-14-base");
/// Section 14: where a refund goes is told when the customer permits it.
pub(crate) const REFUND_PERMITTED: RuleId = RuleId("UAEBSI-14-refund");
/// Section 13: an identifier in a path is well-formed.
pub(crate) const ID_WELL_FORMED: RuleId = RuleId("UAEBSI-13-id");
/// Section 6: a client lifts the suspensions it made, and no other.
pub(crate) const OWN_SUSPENSION: RuleId = RuleId("UAEBSI-6-side");
/// Sections 8.1 and 16: an order in version 1.2 pays a creditor of its consent.
pub(crate) const CREDITOR_LISTED: RuleId = RuleId("UAEBSI-16-listed");
/// Sections 6 and 11.1: the status of a consent moves by the table.
pub(crate) const STATUS_MOVES: RuleId = RuleId("UAEBSI-6");
