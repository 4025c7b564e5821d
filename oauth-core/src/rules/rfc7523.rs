//! RFC 7523, JWT Profile for OAuth 2.0 Client Authentication; OpenID Connect Core section 9.
//!
//! | Section | Met by |
//! |---|---|
//! | 2.2 | [`TYPE_URN`](crate::identify::credential), [`TYP_FITS`] |
//! | 3-1, 3-2 | [`SUBJECT_IS_CLIENT`] |
//! | 3-3 | [`AUDIENCE`] |
//! | 3-4 | [`EXPIRY`], [`LIFETIME`] |
//! | 3-5, 3-6 | [`NOT_EARLY`] |
//! | 3-7 | [`JTI_PRESENT`], [`Once::assertion`](crate::claims::Once::assertion) |
//! | 3-9 | [`ALGORITHM`], [`Jws::verify`](crate::jose::Jws::verify) |

use super::{Rule, demand};
use crate::jose::{Alg, Audience, Jws};
use crate::limits;
use crate::policy::{AssertionAudience, Policy};
use crate::refusal::RuleId;
use crate::refusal::reason::ClientReason;
use crate::vocabulary::id::ClientId;
use crate::vocabulary::time::Timestamp;
use crate::vocabulary::uri::Issuer;

/// A client assertion, read but not yet believed.
pub(crate) struct AssertionCase {
    pub(crate) issuer: Issuer,
    /// Token and PAR endpoint, for policies that take them as audience.
    pub(crate) endpoints: [String; 2],
    /// The client that was looked up.
    pub(crate) client: ClientId,
    /// The `client_id` parameter, when one was sent.
    pub(crate) client_id: Option<String>,
    pub(crate) alg: Alg,
    pub(crate) typ: Option<String>,
    pub(crate) iss: Option<String>,
    pub(crate) sub: Option<String>,
    pub(crate) aud: Option<Audience>,
    pub(crate) exp: Option<Timestamp>,
    pub(crate) iat: Option<Timestamp>,
    pub(crate) nbf: Option<Timestamp>,
    pub(crate) jti: Option<String>,
    pub(crate) now: Timestamp,
    /// Since when every used assertion is remembered.
    pub(crate) remembers_since: Timestamp,
}

impl AssertionCase {
    /// When it was issued: as it says, or as early as its end allows.
    pub(crate) fn issued(&self, policy: &Policy) -> Timestamp {
        let earliest = self.exp.map(|exp| exp.minus(policy.assertion_lifetime_max));
        self.iat.or(earliest).unwrap_or(Timestamp::EPOCH)
    }

    /// Section 3-7: until when its `jti` is remembered, which is as long as it could be accepted again.
    pub(crate) fn remembered_until(&self, policy: &Policy) -> Timestamp {
        self.exp.unwrap_or(self.now).plus(policy.skew)
    }
}

/// Judged before the signature: cheap, and nothing is recorded.
pub(crate) const BEFORE_SIGNATURE: &[&Rule<AssertionCase>] = &[&ALGORITHM, &TYP_FITS];

/// Judged once the signature holds.
pub(crate) const AFTER_SIGNATURE: &[&Rule<AssertionCase>] =
    &[&SUBJECT_IS_CLIENT, &AUDIENCE, &EXPIRY, &LIFETIME, &NOT_EARLY, &JTI_PRESENT, &REMEMBERED];

/// FAPI 2.0 Security Profile section 5.4.1-1: only the algorithms of the policy.
pub(crate) const ALGORITHM: Rule<AssertionCase> = Rule {
    id: RuleId("RFC7523-3-9"),
    check: |case, policy| demand(policy.signing_algs.contains(&case.alg), ClientReason::AssertionAlgorithm),
};

/// What [`BEFORE_SIGNATURE`] asks, for an assertion whose client nobody knows.
pub(crate) fn is_worth_verifying(jws: &Jws, policy: &Policy) -> bool {
    policy.signing_algs.contains(&jws.alg()) && typ_fits(jws.typ())
}

fn typ_fits(typ: Option<&str>) -> bool {
    typ.is_none_or(|typ| {
        typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("client-authentication+jwt")
    })
}

/// RFC 8725 section 3.11: a JWT of another kind is never an assertion. An absent `typ` is taken.
pub(crate) const TYP_FITS: Rule<AssertionCase> = Rule {
    id: RuleId("RFC7523-2.2-typ"),
    check: |case, _| demand(typ_fits(case.typ.as_deref()), ClientReason::AssertionType),
};

/// Sections 3-1 and 3-2: `iss`, `sub` and a sent `client_id` all name the client.
pub(crate) const SUBJECT_IS_CLIENT: Rule<AssertionCase> = Rule {
    id: RuleId("RFC7523-3-2"),
    check: |case, _| {
        let client = Some(case.client.as_str());
        let same = case.iss.as_deref() == client
            && case.sub.as_deref() == client
            && case.client_id.as_deref().is_none_or(|sent| Some(sent) == client);
        demand(same, ClientReason::AssertionSubject)
    },
};

/// Section 3-3, as FAPI 2.0 Security Profile section 5.3.2.1-8 narrows it.
pub(crate) const AUDIENCE: Rule<AssertionCase> = Rule {
    id: RuleId("RFC7523-3-3"),
    check: |case, policy| {
        let us = case.aud.as_ref().is_some_and(|aud| match policy.assertion_audience {
            AssertionAudience::IssuerOnly => aud.is_exactly(case.issuer.as_str()),
            AssertionAudience::IssuerOrEndpoint => {
                aud.contains(case.issuer.as_str())
                    || case.endpoints.iter().any(|endpoint| aud.contains(endpoint))
            }
        });
        demand(us, ClientReason::AssertionAudience)
    },
};

/// Section 3-4: `exp` is there and ahead.
pub(crate) const EXPIRY: Rule<AssertionCase> = Rule {
    id: RuleId("RFC7523-3-4"),
    check: |case, _| match case.exp {
        None => Err(ClientReason::AssertionClaimMissing.into()),
        Some(exp) => demand(case.now < exp, ClientReason::AssertionExpired),
    },
};

/// Section 3-4: `exp` unreasonably far ahead is refused, which bounds the replay memory.
pub(crate) const LIFETIME: Rule<AssertionCase> = Rule {
    id: RuleId("RFC7523-3-4-life"),
    check: |case, policy| {
        let latest = case.now.plus(policy.assertion_lifetime_max).plus(policy.skew);
        let from_issue = case.iat.map_or(latest, |iat| iat.plus(policy.assertion_lifetime_max));
        demand(
            case.exp.is_some_and(|exp| exp <= latest && exp <= from_issue),
            ClientReason::AssertionLifetime,
        )
    },
};

/// Sections 3-5 and 3-6: `nbf` and `iat` at most the skew ahead (FAPI 2.0 Security Profile section 5.3.2.1-13).
pub(crate) const NOT_EARLY: Rule<AssertionCase> = Rule {
    id: RuleId("RFC7523-3-5"),
    check: |case, policy| {
        let latest = case.now.plus(policy.skew);
        demand(
            [case.iat, case.nbf].into_iter().flatten().all(|at| at <= latest),
            ClientReason::AssertionEarly,
        )
    },
};

/// Section 3-7: `jti` is there, not empty, and bounded.
pub(crate) const JTI_PRESENT: Rule<AssertionCase> = Rule {
    id: RuleId("RFC7523-3-7"),
    check: |case, _| {
        let present =
            case.jti.as_deref().is_some_and(|jti| !jti.is_empty() && jti.len() <= limits::JTI_BYTES);
        demand(present, ClientReason::AssertionClaimMissing)
    },
};

/// Section 3-7: an assertion from before our replay memory began may have been used already.
pub(crate) const REMEMBERED: Rule<AssertionCase> = Rule {
    id: RuleId("RFC7523-3-7-epoch"),
    check: |case, policy| {
        demand(case.issued(policy) >= case.remembers_since, ClientReason::AssertionBeforeEpoch)
    },
};
