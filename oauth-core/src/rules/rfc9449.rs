//! RFC 9449, OAuth 2.0 Demonstrating Proof of Possession.
//!
//! | Section | Met by |
//! |---|---|
//! | 4.3-1 | [`ONE_HEADER`] |
//! | 4.3-2, 4.3-7 | [`Jws::parse_with_embedded_key`](crate::jose::Jws::parse_with_embedded_key) |
//! | 4.3-3 | [`CLAIMS_PRESENT`] |
//! | 4.3-4 | [`TYP_FITS`] |
//! | 4.3-5 | [`ALGORITHM`] |
//! | 4.3-6 | [`Jws::verify`](crate::jose::Jws::verify) |
//! | 4.3-8 | [`METHOD`] |
//! | 4.3-9 | [`URI`] |
//! | 4.3-10 | [`NONCE`] |
//! | 4.3-11 | [`AGE`], [`REMEMBERED`] |
//! | 4.3-12 | [`TOKEN_HASH`] |
//! | 10 | [`JKT_WELL_FORMED`], [`JKT_IS_PROOF_KEY`], [`CODE_KEY`] |
//! | 11.1 | [`Once::proof`](crate::claims::Once::proof) |

use super::{Rule, demand};
use crate::endpoint::push::PushCase;
use crate::endpoint::token::code::RedeemCase;
use crate::jose::Alg;
use crate::limits;
use crate::model::binding::{Binding, Thumbprint};
use crate::policy::Policy;
use crate::policy::settings::ProofNonce;
use crate::refusal::RuleId;
use crate::refusal::reason::{ProofReason, RequestReason};
use crate::vocabulary::time::Timestamp;

/// A DPoP proof, read; its signature is checked between the two lists of rules.
pub(crate) struct ProofCase {
    pub(crate) alg: Alg,
    pub(crate) typ: Option<String>,
    pub(crate) jti: Option<String>,
    pub(crate) htm: Option<String>,
    pub(crate) htu: Option<String>,
    pub(crate) iat: Option<Timestamp>,
    pub(crate) ath: Option<String>,
    /// What our own check of the nonce said.
    pub(crate) nonce: NonceVerdict,
    /// What was really called.
    pub(crate) method: String,
    pub(crate) uri: String,
    /// The hash of the access token sent along.
    pub(crate) token_hash: Option<Thumbprint>,
    pub(crate) now: Timestamp,
    pub(crate) remembers_since: Timestamp,
    pub(crate) nonce_policy: ProofNonce,
}

impl ProofCase {
    /// Section 11.1: until when its `jti` is remembered, which is as long as it could be accepted again.
    pub(crate) fn remembered_until(&self, policy: &Policy) -> Timestamp {
        let accepted_until = self.iat.unwrap_or(self.now).plus(policy.proof_age_max);
        accepted_until.max(self.now).plus(policy.skew).plus(policy.skew)
    }
}

/// What our own check of a nonce said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NonceVerdict {
    /// None was sent.
    Absent,
    /// Ours, and fresh.
    Fresh,
    /// Old, foreign, or made before our replay memory began.
    Stale,
}

/// Section 4.3-1: exactly one `DPoP` header. Judged by the reader of the header.
pub(crate) const ONE_HEADER: RuleId = RuleId("RFC9449-4.3-1");

/// Judged before the signature.
pub(crate) const BEFORE_SIGNATURE: &[&Rule<ProofCase>] =
    &[&TYP_FITS, &ALGORITHM, &CLAIMS_PRESENT, &METHOD, &URI];

/// Judged once the signature holds.
pub(crate) const AFTER_SIGNATURE: &[&Rule<ProofCase>] = &[&NONCE, &AGE, &REMEMBERED, &TOKEN_HASH];

/// Section 4.3-4.
pub(crate) const TYP_FITS: Rule<ProofCase> = Rule {
    id: RuleId("RFC9449-4.3-4"),
    check: |case, _| {
        let fits = case.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("dpop+jwt"));
        demand(fits, ProofReason::Type)
    },
};

/// Section 4.3-5, with the algorithms of the policy.
pub(crate) const ALGORITHM: Rule<ProofCase> = Rule {
    id: RuleId("RFC9449-4.3-5"),
    check: |case, policy| demand(policy.signing_algs.contains(&case.alg), ProofReason::Algorithm),
};

/// Section 4.3-3.
pub(crate) const CLAIMS_PRESENT: Rule<ProofCase> = Rule {
    id: RuleId("RFC9449-4.3-3"),
    check: |case, _| {
        let jti = case.jti.as_deref().is_some_and(|jti| !jti.is_empty() && jti.len() <= limits::JTI_BYTES);
        demand(
            jti && case.htm.is_some() && case.htu.is_some() && case.iat.is_some(),
            ProofReason::ClaimMissing,
        )
    },
};

/// Section 4.3-8.
pub(crate) const METHOD: Rule<ProofCase> = Rule {
    id: RuleId("RFC9449-4.3-8"),
    check: |case, _| demand(case.htm.as_deref() == Some(case.method.as_str()), ProofReason::Method),
};

/// Section 4.3-9: equal after dropping query and fragment, lower-casing scheme and host, and dropping a default
/// port. The path is compared as it stands.
pub(crate) const URI: Rule<ProofCase> = Rule {
    id: RuleId("RFC9449-4.3-9"),
    check: |case, _| {
        let same = case.htu.as_deref().is_some_and(|htu| comparable(htu) == comparable(&case.uri));
        demand(same, ProofReason::Uri)
    },
};

/// Section 4.3-10 and section 8: where the bank asks for nonces every proof carries a fresh one of ours, and where
/// it does not a sent one must still be ours.
pub(crate) const NONCE: Rule<ProofCase> = Rule {
    id: RuleId("RFC9449-4.3-10"),
    check: |case, _| {
        let sound = match (case.nonce_policy, case.nonce) {
            (_, NonceVerdict::Fresh) | (ProofNonce::Off, NonceVerdict::Absent) => true,
            (_, NonceVerdict::Stale) | (ProofNonce::Require, NonceVerdict::Absent) => false,
        };
        demand(sound, ProofReason::Nonce)
    },
};

/// Section 4.3-11: `iat` within the window of the policy.
pub(crate) const AGE: Rule<ProofCase> = Rule {
    id: RuleId("RFC9449-4.3-11"),
    check: |case, policy| {
        let fresh = case.iat.is_some_and(|iat| {
            iat <= case.now.plus(policy.skew) && iat >= case.now.minus(policy.proof_age_max)
        });
        demand(fresh, ProofReason::Age)
    },
};

/// Section 11.1: a proof from before our replay memory began may have been used already.
pub(crate) const REMEMBERED: Rule<ProofCase> = Rule {
    id: RuleId("RFC9449-11.1-epoch"),
    check: |case, _| {
        demand(case.iat.is_some_and(|iat| iat >= case.remembers_since), ProofReason::BeforeEpoch)
    },
};

/// Section 4.3-12: with an access token comes its hash.
pub(crate) const TOKEN_HASH: Rule<ProofCase> = Rule {
    id: RuleId("RFC9449-4.3-12"),
    check: |case, _| {
        let same = case.token_hash.is_none_or(|hash| case.ath.as_deref() == Some(hash.to_text().as_str()));
        demand(same, ProofReason::TokenHash)
    },
};

/// Section 10: `dpop_jkt` is a thumbprint.
pub(crate) const JKT_WELL_FORMED: Rule<PushCase> = Rule {
    id: RuleId("RFC9449-10"),
    check: |case, _| {
        let well_formed = case.params.dpop_jkt.as_deref().is_none_or(|text| Thumbprint::parse(text).is_ok());
        demand(well_formed, RequestReason::ThumbprintMalformed)
    },
};

/// Section 10.1: a proof at PAR and `dpop_jkt` name the same key.
pub(crate) const JKT_IS_PROOF_KEY: Rule<PushCase> = Rule {
    id: RuleId("RFC9449-10.1"),
    check: |case, _| match (&case.params.dpop_jkt, case.proof) {
        (Some(jkt), Some(proof)) => demand(*jkt == proof.to_text(), ProofReason::KeyMismatch),
        (None, _) | (_, None) => Ok(()),
    },
};

/// Section 10: a code bound to a key is redeemed with that key.
pub(crate) const CODE_KEY: Rule<RedeemCase> = Rule {
    id: RuleId("RFC9449-10-code"),
    check: |case, _| match (case.grant.dpop_jkt, case.binding) {
        (None, _) => Ok(()),
        (Some(bound), Binding::Dpop(shown)) => demand(bound == shown, ProofReason::KeyMismatch),
        (Some(_), Binding::Mtls(_)) => Err(ProofReason::KeyMismatch.into()),
    },
};

/// RFC 3986 section 6.2.2.1 and 6.2.3, and nothing more of its normalisation.
pub(crate) fn comparable(uri: &str) -> Option<String> {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    let (scheme, rest) = uri.get(..end)?.split_once("://")?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let scheme = scheme.to_ascii_lowercase();
    let authority = authority.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    // section 3.2: a colon outside an address in brackets begins the port, so there is one at most
    let behind = authority.rsplit_once(']').map_or(authority.as_str(), |(_, behind)| behind);
    let one_port = behind.bytes().filter(|byte| *byte == b':').count() <= 1;
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    let plain = !authority.is_empty() && !authority.contains('@') && uri.is_ascii() && one_port;
    plain.then(|| format!("{scheme}://{authority}{path}"))
}

#[cfg(test)]
mod tests {
    use super::comparable;

    #[test]
    fn case_of_scheme_and_host_default_port_query_and_fragment_do_not_count() {
        let called = comparable("https://as.example/token");
        for same in
            ["HTTPS://AS.example/token", "https://as.example:443/token", "https://as.example/token?a=b#c"]
        {
            assert_eq!(comparable(same), called, "{same}");
        }
    }

    #[test]
    fn an_authority_has_one_port_at_most() {
        for none in
            ["https://as.example:443:443/token", "https://as.example:443:8443", "https://[::1]:443:443"]
        {
            assert_eq!(comparable(none), None, "{none}");
        }
        assert_eq!(comparable("https://[::1]:443/token"), comparable("https://[::1]/token"));
        assert_ne!(comparable("https://[::1]:8443/token"), comparable("https://[::1]/token"));
    }

    #[test]
    fn the_path_is_not_normalised() {
        let called = comparable("https://as.example/token");
        for other in [
            "https://as.example/a/../token",
            "https://as.example/%74oken",
            "https://as.example//token",
            "https://as.example/token/",
            "https://as.example:8443/token",
            "https://as.example/Token",
            "https://user@as.example/token",
            "/token",
            "https://as.example./token",
        ] {
            assert_ne!(comparable(other), called, "{other}");
        }
    }
}
