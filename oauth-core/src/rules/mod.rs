//! What the documents demand: one file per document, its sections in order. A rule is a value with an id.

pub(crate) mod fapi2_message_signing;
pub(crate) mod fapi2_security;
pub(crate) mod oidc_core;
pub(crate) mod rfc6749;
pub(crate) mod rfc7523;
pub(crate) mod rfc7636;
pub(crate) mod rfc8705;
pub(crate) mod rfc8707;
pub(crate) mod rfc9101;
pub(crate) mod rfc9126;
pub(crate) mod rfc9421;
pub(crate) mod rfc9449;
pub(crate) mod uae_security;

use crate::policy::Policy;
use crate::refusal::reason::Reason;
use crate::refusal::{Refusal, RuleId};

/// One demand of one document, judged over a case.
pub struct Rule<Case: 'static> {
    /// Document and section.
    pub id: RuleId,
    /// Whether it holds.
    pub check: fn(&Case, &Policy) -> Result<(), Reason>,
}

impl<Case> std::fmt::Debug for Rule<Case> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rule({})", self.id)
    }
}

/// Judges a case by a list of rules, in order; the first that does not hold refuses.
///
/// # Errors
/// The refusal, naming that rule.
pub fn hold<Case>(rules: &[&Rule<Case>], case: &Case, policy: &Policy) -> Result<(), Refusal> {
    rules
        .iter()
        .try_for_each(|rule| (rule.check)(case, policy).map_err(|reason| Refusal { rule: rule.id, reason }))
}

/// `Ok` when the demand holds, the reason otherwise.
pub(crate) fn demand(holds: bool, reason: impl Into<Reason>) -> Result<(), Reason> {
    if holds { Ok(()) } else { Err(reason.into()) }
}

#[cfg(test)]
mod tests;
