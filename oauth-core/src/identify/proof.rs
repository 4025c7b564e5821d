//! DPoP proofs (RFC 9449 section 4.3): verify, judge the nonce, say what must be claimed.

use serde::Deserialize;

use super::nonce::Nonces;
use crate::jose::danger::UnverifiedClaims as _;
use crate::jose::{Jws, NumericDate};
use crate::limits;
use crate::model::binding::Thumbprint;
use crate::policy::Policy;
use crate::policy::settings::ProofNonce;
use crate::port::claims::Once;
use crate::refusal::reason::ProofReason;
use crate::refusal::{Refusal, RuleId};
use crate::rules::hold;
use crate::rules::rfc9449::{AFTER_SIGNATURE, BEFORE_SIGNATURE, ONE_HEADER, ProofCase};
use crate::server::Context;
use crate::vocabulary::time::Timestamp;
use crate::vocabulary::uri::Issuer;

/// RFC 9449 section 11.1: a proof is used once.
pub(crate) const ONCE: RuleId = RuleId("RFC9449-11.1");
/// RFC 9449 section 4.3-2: the header holds one well-formed JWT.
const WELL_FORMED: RuleId = RuleId("RFC9449-4.3-2");
/// RFC 9449 section 4.3-6: the signature verifies with the embedded key.
const SIGNED: RuleId = RuleId("RFC9449-4.3-6");

/// What a proof must be for.
pub(crate) struct Target<'a> {
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
    /// The access token sent along.
    pub(crate) token: Option<&'a str>,
}

/// What judging a proof needs besides the proof.
pub(crate) struct ProofContext<'a> {
    pub(crate) issuer: &'a Issuer,
    pub(crate) nonces: &'a Nonces,
    pub(crate) nonce_policy: ProofNonce,
    pub(crate) now: Timestamp,
    pub(crate) remembers_since: Timestamp,
}

/// A proof that verified: its key, and what must be claimed once.
pub(crate) struct Proven {
    pub(crate) key: Thumbprint,
    pub(crate) once: Once,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default, deserialize_with = "crate::jose::present")]
    jti: Option<String>,
    #[serde(default, deserialize_with = "crate::jose::present")]
    htm: Option<String>,
    #[serde(default, deserialize_with = "crate::jose::present")]
    htu: Option<String>,
    #[serde(default, deserialize_with = "crate::jose::present")]
    iat: Option<NumericDate>,
    #[serde(default, deserialize_with = "crate::jose::present")]
    ath: Option<String>,
    #[serde(default, deserialize_with = "crate::jose::present")]
    nonce: Option<String>,
}

/// The one DPoP header, when there is one.
///
/// # Errors
/// When there are several, or several values in one.
pub(crate) fn header(values: &[String]) -> Result<Option<&str>, Refusal> {
    match values {
        [] => Ok(None),
        [one] if !one.contains(',') => Ok(Some(one)),
        [_] | [_, _, ..] => Err(refuse(ONE_HEADER, ProofReason::Malformed)),
    }
}

/// Verifies a proof at an endpoint of the authorization server.
pub(crate) fn verify(
    context: &Context<'_>,
    jwt: &str,
    target: &Target<'_>,
    policy: &Policy,
    remembers_since: Timestamp,
) -> Result<Proven, Refusal> {
    let around = ProofContext {
        issuer: &context.settings.issuer,
        nonces: context.nonces,
        nonce_policy: context.settings.proof_nonce,
        now: context.now,
        remembers_since,
    };
    judge(&around, jwt, target, policy)
}

/// Verifies a proof.
///
/// # Errors
/// The refusal of the first rule that does not hold. Nothing has been recorded by then.
pub(crate) fn judge(
    around: &ProofContext<'_>,
    jwt: &str,
    target: &Target<'_>,
    policy: &Policy,
) -> Result<Proven, Refusal> {
    let malformed = |_| refuse(WELL_FORMED, ProofReason::Malformed);
    let jws = Jws::parse_with_embedded_key(jwt, limits::JWT_BYTES).map_err(malformed)?;
    let key = jws.embedded_key().ok_or_else(|| refuse(WELL_FORMED, ProofReason::Malformed))?;
    let claims: Claims =
        jws.danger_unverified_claims().map_err(|_| refuse(WELL_FORMED, ProofReason::ClaimMissing))?;
    let case = ProofCase {
        alg: jws.alg(),
        typ: jws.typ().map(str::to_owned),
        nonce: around.nonces.judge(claims.nonce.as_deref(), around.now, around.remembers_since),
        jti: claims.jti,
        htm: claims.htm,
        htu: claims.htu,
        iat: claims.iat.map(NumericDate::timestamp),
        ath: claims.ath,
        method: target.method.to_owned(),
        uri: target.uri.to_owned(),
        token_hash: target.token.map(|token| Thumbprint::of(token.as_bytes())),
        now: around.now,
        remembers_since: around.remembers_since,
        nonce_policy: around.nonce_policy,
    };
    hold(BEFORE_SIGNATURE, &case, policy)?;
    jws.verify(key).map_err(|_| refuse(SIGNED, ProofReason::Signature))?;
    hold(AFTER_SIGNATURE, &case, policy)?;
    let thumbprint = key.thumbprint();
    let until = case.remembered_until(policy);
    let jti = case.jti.unwrap_or_default();
    Ok(Proven {
        key: Thumbprint::from_bytes(thumbprint),
        once: Once::proof(around.issuer, &thumbprint, &jti, until)
            .issued(case.iat.unwrap_or(Timestamp::FAR_FUTURE)),
    })
}

fn refuse(rule: RuleId, reason: ProofReason) -> Refusal {
    Refusal { rule, reason: reason.into() }
}
