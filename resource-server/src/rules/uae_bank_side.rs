//! UAE Bank Service Initiation section 15, rules for the bank's side.
//!
//! | Section | Met by |
//! |---|---|
//! | 15, callers | [`Needs`](crate::guard::Needs) of the routes: the client's own token, scope `consent_manager` |
//! | 15, bodies | [`BODY`]; `dialect::consent_manager::body`: closed shapes |
//! | 15, operations 10 and 11; 6 | [`MOVES`] |
//! | 15, operation 12; 7 | [`DECISION`] |
//! | 15, operation 13; 8.3 | [`DETAIL`], [`PAYMENT_MOVES`] |
//! | 13 | [`THERE`] |

use oauth_core::RuleId;

/// Section 15: the body says what the operation needs, and nothing else.
pub(crate) const BODY: RuleId = RuleId("UAEBSI-15-body");
/// Section 15: consent, payment and authoriser are there.
pub(crate) const THERE: RuleId = RuleId("UAEBSI-15-there");
/// Sections 6 and 15: the bank's side moves a consent by the table.
pub(crate) const MOVES: RuleId = RuleId("UAEBSI-15-moves");
/// Section 7: an authoriser decides once, while the consent waits.
pub(crate) const DECISION: RuleId = RuleId("UAEBSI-15-decision");
/// Sections 8.3 and 15: a detail goes with a rejection, and its code is a known one.
pub(crate) const DETAIL: RuleId = RuleId("UAEBSI-15-detail");
/// Section 8.3: a payment moves by the table.
pub(crate) const PAYMENT_MOVES: RuleId = RuleId("UAEBSI-15-payment");
