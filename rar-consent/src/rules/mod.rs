//! What the documents demand of details and consents: one file for each document, its sections in order.

pub(crate) mod ofxpera;
pub(crate) mod rfc9396;
pub(crate) mod uae_consent;

use oauth_core::{DetailsFault, Reason, Refusal, Rule};

use crate::detail::Place;

/// Judges a case by a list of rules, in order. Details are judged alike under every profile, so the policy handed on
/// asks for nothing.
pub(crate) fn hold<Case>(rules: &[&Rule<Case>], case: &Case) -> Result<(), Refusal> {
    oauth_core::hold(rules, case, &neutral::POLICY)
}

/// `Ok` when the demand holds, the reason with its place otherwise.
fn demand(holds: bool, place: &Place, fault: DetailsFault, hint: &'static str) -> Result<(), Reason> {
    if holds { Ok(()) } else { Err(place.reason(fault, hint).into()) }
}

/// `Ok` when the value is one the member may have.
fn value(holds: bool, place: &Place, hint: &'static str) -> Result<(), Reason> {
    demand(holds, place, DetailsFault::Value, hint)
}

mod neutral {
    use oauth_core::{
        AssertionAudience, Cap, Pkce, Policy, RefreshRotation, RequestObject, RequestPath, Seconds,
        SenderConstraint,
    };

    /// A policy no rule about details reads.
    pub(super) const POLICY: Policy = Policy {
        name: "details",
        request_path: RequestPath::PushedOnly,
        request_object: RequestObject::Refuse,
        response_types: &[],
        answer_by: &[],
        pkce: Pkce::RequireS256,
        client_auth: &[],
        assertion_audience: AssertionAudience::IssuerOnly,
        assertion_lifetime_max: Seconds::new(0),
        sender_constraint: SenderConstraint::Require(&[]),
        proof_age_max: Seconds::new(0),
        refresh_rotation: RefreshRotation::Keep,
        signing_algs: &[],
        opens: &[],
        skew: Seconds::new(0),
        code_lifetime: Cap::Unset,
        request_uri_lifetime: Cap::Unset,
        access_token_lifetime: Cap::Unset,
        refresh_token_lifetime: Cap::Unset,
    };
}
