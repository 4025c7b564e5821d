//! The profiles. One that extends another is written as the difference.

use super::{
    AnswerBy, AssertionAudience, Beside, Cap, ClientAuth, Constraint, ObjectAudience, ObjectCalled, Openid,
    Pkce, Policy, RefreshRotation, RequestObject, RequestPath, ResponseType, SenderConstraint, SignedRequest,
};
use crate::jose::{Alg, KeyManagement};
use crate::limits;
use crate::vocabulary::time::Seconds;

/// OAuth 2.0 and OpenID Connect as RFC 9700 would have them, for clients that no FAPI profile covers.
pub const PLAIN_OAUTH: Policy = Policy {
    name: "OAuth 2.0",
    request_path: RequestPath::PushedOrDirect,
    request_object: RequestObject::Refuse,
    response_types: &[ResponseType::Code],
    answer_by: &[AnswerBy::Query, AnswerBy::FormPost],
    pkce: Pkce::RequireS256,
    client_auth: &[ClientAuth::PrivateKeyJwt, ClientAuth::TlsClientAuth, ClientAuth::SelfSignedTlsClientAuth],
    assertion_audience: AssertionAudience::IssuerOrEndpoint,
    assertion_lifetime_max: Seconds::minutes(5),
    sender_constraint: SenderConstraint::Offer(&[Constraint::Dpop, Constraint::Mtls]),
    proof_age_max: Seconds::new(60),
    refresh_rotation: RefreshRotation::EveryUse,
    signing_algs: &[Alg::Es256, Alg::Ps256, Alg::EdDsa, Alg::Rs256],
    opens: KeyManagement::ALL,
    skew: Seconds::new(10),
    code_lifetime: Cap::Max(Seconds::new(60)),
    request_uri_lifetime: Cap::Max(Seconds::new(599)),
    access_token_lifetime: Cap::Unset,
    refresh_token_lifetime: Cap::Unset,
};

/// FAPI 1.0 Security Profile, Part 2: Advanced.
pub const FAPI1_ADVANCED: Policy = Policy {
    name: "FAPI 1.0 Advanced",
    request_path: RequestPath::PushedOrDirect,
    request_object: RequestObject::Require(SignedRequest {
        algs: &[Alg::Ps256, Alg::Es256],
        lifetime_max: Seconds::minutes(60),
        nbf_age_max: Seconds::minutes(60),
        max_age_max: Cap::Unset,
        called: ObjectCalled::RequestObject,
        audience: ObjectAudience::Among,
        openid: Openid::Optional,
        state_max: limits::STATE_BYTES,
        nonce_max: limits::NONCE_BYTES,
        beside: Beside::Unused,
    }),
    response_types: &[ResponseType::CodeIdToken, ResponseType::Code],
    answer_by: &[AnswerBy::Fragment, AnswerBy::Jarm],
    pkce: Pkce::RequireS256WhenPushed,
    sender_constraint: SenderConstraint::Require(&[Constraint::Mtls]),
    refresh_rotation: RefreshRotation::Keep,
    signing_algs: &[Alg::Ps256, Alg::Es256],
    ..PLAIN_OAUTH
};

/// FAPI 2.0 Security Profile, Final (2025).
pub const FAPI2_SECURITY: Policy = Policy {
    name: "FAPI 2.0 Security Profile",
    request_path: RequestPath::PushedOnly,
    answer_by: &[AnswerBy::Query],
    assertion_audience: AssertionAudience::IssuerOnly,
    sender_constraint: SenderConstraint::Require(&[Constraint::Dpop, Constraint::Mtls]),
    refresh_rotation: RefreshRotation::Keep,
    signing_algs: &[Alg::Es256, Alg::Ps256, Alg::EdDsa],
    ..PLAIN_OAUTH
};

/// FAPI 2.0 Message Signing, Final (2025): signed requests and signed responses on top of the security profile.
pub const FAPI2_MESSAGE_SIGNING: Policy = Policy {
    name: "FAPI 2.0 Message Signing",
    request_object: RequestObject::Require(SignedRequest {
        algs: FAPI2_SECURITY.signing_algs,
        lifetime_max: Seconds::minutes(60),
        nbf_age_max: Seconds::minutes(60),
        max_age_max: Cap::Unset,
        called: ObjectCalled::RequestObject,
        audience: ObjectAudience::Among,
        openid: Openid::Optional,
        state_max: limits::STATE_BYTES,
        nonce_max: limits::NONCE_BYTES,
        beside: Beside::Unused,
    }),
    answer_by: &[AnswerBy::Jarm, AnswerBy::JarmQuery, AnswerBy::JarmFormPost],
    ..FAPI2_SECURITY
};

/// FAPI 2.0 Message Signing, Implementer's Draft 1: client assertions may name an endpoint or an array as audience.
pub const FAPI2_MESSAGE_SIGNING_ID1: Policy = Policy {
    name: "FAPI 2.0 Message Signing, Implementer's Draft 1",
    assertion_audience: AssertionAudience::IssuerOrEndpoint,
    ..FAPI2_MESSAGE_SIGNING
};

/// The security profile of UAE Open Finance, over FAPI 2.0.
pub const UAE_OPEN_FINANCE: Policy = Policy {
    name: "UAE Open Finance",
    request_object: RequestObject::Require(SignedRequest {
        algs: &[Alg::Ps256],
        lifetime_max: Seconds::minutes(10),
        nbf_age_max: Seconds::minutes(10),
        max_age_max: Cap::Max(Seconds::minutes(60)),
        called: ObjectCalled::OrJwt,
        audience: ObjectAudience::Alone,
        openid: Openid::Required,
        state_max: 512,
        nonce_max: 256,
        beside: Beside::Refused,
    }),
    client_auth: &[ClientAuth::PrivateKeyJwt],
    signing_algs: &[Alg::Ps256],
    opens: &[KeyManagement::RsaOaep256, KeyManagement::EcdhEs, KeyManagement::RsaOaep],
    sender_constraint: SenderConstraint::Require(&[Constraint::Mtls]),
    access_token_lifetime: Cap::Max(Seconds::minutes(10)),
    refresh_token_lifetime: Cap::ConsentLifetime,
    ..FAPI2_SECURITY
};

/// The profiles by the names under which a deployment chooses one.
const NAMED: &[(&str, &Policy)] = &[
    ("plain-oauth", &PLAIN_OAUTH),
    ("fapi1-advanced", &FAPI1_ADVANCED),
    ("fapi2-security", &FAPI2_SECURITY),
    ("fapi2-message-signing", &FAPI2_MESSAGE_SIGNING),
    ("fapi2-message-signing-id1", &FAPI2_MESSAGE_SIGNING_ID1),
    ("uae-open-finance", &UAE_OPEN_FINANCE),
];

impl Policy {
    /// The profile of this name, for deployments that choose by configuration; `None` when there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        NAMED.iter().find(|(known, _)| *known == name).map(|(_, policy)| *policy)
    }

    /// Every name that [`Policy::named`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_is_found_by_its_name_and_nothing_else_is() {
        for name in Policy::names() {
            assert!(Policy::named(name).is_some(), "{name}");
        }
        assert_eq!(Policy::named("fapi2-security"), Some(&FAPI2_SECURITY));
        assert_eq!(Policy::named("FAPI2_SECURITY"), None);
    }

    #[test]
    fn only_the_profile_with_hybrid_responses_is_beyond_this_build() {
        for (name, policy) in NAMED {
            assert_eq!(
                policy.unbuilt().is_empty(),
                *name != "fapi1-advanced",
                "{name}: {:?}",
                policy.unbuilt()
            );
        }
    }
}
