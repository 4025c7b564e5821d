//! RFC 9101, JWT-Secured Authorization Request.
//!
//! | Section | Met by |
//! |---|---|
//! | 4 | [`CLAIMS_TYPED`], [`NOTHING_NESTED`], [`CLIENT_NAMED`] |
//! | 4, `iss` and `aud` | [`ISSUER_IS_CLIENT`], [`AUDIENCE`] |
//! | 5 | [`FORM_TAKEN`] |
//! | 6.1 | [`DECRYPTED`], [`ENCRYPTED_AS_REGISTERED`], [`SIGNED_FIRST`] |
//! | 6.2 | [`ALGORITHM`], [`SIGNED`] |
//! | 6.3 | [`read`](crate::endpoint::request_object): parameters come from the object only |
//! | 10.1 | [`ALGORITHM`] |
//! | 10.5 | [`FORM_TAKEN`], by the client's `require_signed_request_object` |
//! | 4, `jti` | [`USED_ONCE`] |
//! | 10.8 | [`TYP_FITS`], [`NO_ASSERTION`] |

use super::{Rule, demand};
use crate::endpoint::push::FormCase;
use crate::jose::{Alg, Audience};
use crate::model::messages::SignedRequests;
use crate::policy::{ObjectAudience, ObjectCalled, RequestObject};
use crate::refusal::RuleId;
use crate::refusal::reason::{ObjectReason, RequestReason};
use crate::vocabulary::id::ClientId;
use crate::vocabulary::time::{Seconds, Timestamp};
use crate::vocabulary::uri::Issuer;

/// A request object; its claims are there once the signature holds.
pub(crate) struct ObjectCase {
    pub(crate) issuer: Issuer,
    /// The client that has authenticated.
    pub(crate) client: ClientId,
    /// The algorithm it registered for request objects.
    pub(crate) registered: Option<Alg>,
    pub(crate) alg: Alg,
    pub(crate) typ: Typ,
    pub(crate) iss: Option<String>,
    pub(crate) sub: Option<String>,
    pub(crate) aud: Option<Audience>,
    pub(crate) exp: Option<Timestamp>,
    pub(crate) nbf: Option<Timestamp>,
    pub(crate) iat: Option<Timestamp>,
    pub(crate) client_id: Option<String>,
    pub(crate) max_age: Option<Seconds>,
    pub(crate) scope: Option<String>,
    /// Characters of `state`.
    pub(crate) state: Option<usize>,
    /// Characters of `nonce`.
    pub(crate) nonce: Option<usize>,
    /// Whether it refers to, or holds, another request.
    pub(crate) nested: Nested,
    pub(crate) now: Timestamp,
}

/// What the header says the object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typ {
    /// Nothing.
    Absent,
    /// A request object.
    RequestObject,
    /// A JWT of whatever kind.
    Jwt,
    /// Something else.
    Other,
}

/// Whether one request refers to, or holds, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nested {
    /// It is the whole request.
    No,
    /// `request` or `request_uri` is among its claims.
    Yes,
}

/// Judged before the signature: cheap, and no key is looked up.
pub(crate) const BEFORE_SIGNATURE: &[&Rule<ObjectCase>] = &[&ALGORITHM, &TYP_FITS];

/// Judged once the signature holds; the times follow in FAPI 2.0 Message Signing.
pub(crate) const AFTER_SIGNATURE: &[&Rule<ObjectCase>] =
    &[&ISSUER_IS_CLIENT, &AUDIENCE, &NO_ASSERTION, &CLIENT_NAMED, &NOTHING_NESTED];

/// Section 5, by the policy's `request_object` field, and section 10.5, by the client's own registration: a signed
/// request object is refused, taken or demanded.
pub(crate) const FORM_TAKEN: Rule<FormCase> = Rule {
    id: RuleId("RFC9101-5"),
    check: |case, policy| match (policy.request_object, case.client.messages.requests, &case.request) {
        (RequestObject::Refuse, _, Some(_)) => Err(RequestReason::RequestObjectNotTaken.into()),
        (RequestObject::Require(_), _, None) | (RequestObject::Accept(_), SignedRequests::Required, None) => {
            Err(RequestReason::RequestObjectMissing.into())
        }
        (RequestObject::Refuse, _, None)
        | (RequestObject::Accept(_), SignedRequests::Optional, None)
        | (RequestObject::Accept(_) | RequestObject::Require(_), _, Some(_)) => Ok(()),
    },
};

/// Section 4: the object is one signed object in compact form. Judged by its reader.
pub(crate) const WELL_FORMED: RuleId = RuleId("RFC9101-4-form");

/// Section 4 with RFC 7519 section 4: the claims are strict JSON of the types their definitions give them. Judged by
/// their reader; a wrong type is never an absence.
pub(crate) const CLAIMS_TYPED: RuleId = RuleId("RFC9101-4-types");

/// Section 6.1: an encrypted object opens with a key of ours. One refusal for every way it may not.
pub(crate) const DECRYPTED: RuleId = RuleId("RFC9101-6.1");

/// Section 6.1: a client that registered how it encrypts encrypts no other way.
pub(crate) const ENCRYPTED_AS_REGISTERED: RuleId = RuleId("RFC9101-6.1-alg");

/// Section 6.1: what is encrypted is a signed object, and says so (RFC 7519 section 5.2).
pub(crate) const SIGNED_FIRST: RuleId = RuleId("RFC9101-6.1-nested");

/// RFC 7519 section 4.1.7: a `jti` is used once. Judged by the memory of those that were.
pub(crate) const USED_ONCE: RuleId = RuleId("RFC7519-4.1.7");

/// Section 6.2: the signature verifies with a key of this client.
pub(crate) const SIGNED: RuleId = RuleId("RFC9101-6.2");

/// Sections 6.2 and 10.1: an algorithm of the policy, and the one the client registered.
pub(crate) const ALGORITHM: Rule<ObjectCase> = Rule {
    id: RuleId("RFC9101-6.2-alg"),
    check: |case, policy| {
        let of_policy = policy.signed_request().is_some_and(|signed| signed.algs.contains(&case.alg));
        let as_registered = case.registered.is_none_or(|registered| registered == case.alg);
        demand(of_policy && as_registered, ObjectReason::Algorithm)
    },
};

/// Section 10.8: a JWT of another kind is never a request object. An absent `typ` is taken, and `JWT` where the policy has it.
pub(crate) const TYP_FITS: Rule<ObjectCase> = Rule {
    id: RuleId("RFC9101-10.8"),
    check: |case, policy| match (case.typ, policy.signed_request().map(|signed| signed.called)) {
        (Typ::Absent | Typ::RequestObject, _) | (Typ::Jwt, Some(ObjectCalled::OrJwt)) => Ok(()),
        (Typ::Jwt, Some(ObjectCalled::RequestObject) | None) | (Typ::Other, _) => {
            Err(ObjectReason::Type.into())
        }
    },
};

/// Section 4: `iss` is the client.
pub(crate) const ISSUER_IS_CLIENT: Rule<ObjectCase> = Rule {
    id: RuleId("RFC9101-4-iss"),
    check: |case, _| demand(case.iss.as_deref() == Some(case.client.as_str()), ObjectReason::Issuer),
};

/// Section 4: `aud` is our issuer, or holds it, alone or among others as the policy has it.
pub(crate) const AUDIENCE: Rule<ObjectCase> = Rule {
    id: RuleId("RFC9101-4-aud"),
    check: |case, policy| {
        let alone = policy.signed_request().is_some_and(|signed| signed.audience == ObjectAudience::Alone);
        let us = case.aud.as_ref().is_some_and(|aud| {
            aud.contains(case.issuer.as_str())
                && (!alone || aud.iter().all(|name| *name == *case.issuer.as_str()))
        });
        demand(us, ObjectReason::Audience)
    },
};

/// Section 10.8: what could pass for a client assertion is not a request object.
pub(crate) const NO_ASSERTION: Rule<ObjectCase> = Rule {
    id: RuleId("RFC9101-10.8-sub"),
    check: |case, _| demand(case.sub.as_deref() != Some(case.client.as_str()), ObjectReason::Assertion),
};

/// Section 5: `client_id` is in the object and names the client that has authenticated.
pub(crate) const CLIENT_NAMED: Rule<ObjectCase> = Rule {
    id: RuleId("RFC9101-5-client"),
    check: |case, _| demand(case.client_id.as_deref() == Some(case.client.as_str()), ObjectReason::Client),
};

/// Section 4: the object holds neither `request` nor `request_uri`.
pub(crate) const NOTHING_NESTED: Rule<ObjectCase> = Rule {
    id: RuleId("RFC9101-4-nested"),
    check: |case, _| demand(case.nested == Nested::No, ObjectReason::Nested),
};
