//! `private_key_jwt` (RFC 7523 section 2.2, OpenID Connect Core section 9).

use serde::Deserialize;

use super::credential::Assertion;
use super::keys;
use crate::jose::{Audience, NumericDate, verify_in_vain};
use crate::model::client::Client;
use crate::policy::Policy;
use crate::port::claims::Once;
use crate::port::client_keys::KeyHint;
use crate::refusal::reason::ClientReason;
use crate::refusal::{Error, Refusal, RuleId};
use crate::rules::hold;
use crate::rules::rfc7523::{AFTER_SIGNATURE, AssertionCase, BEFORE_SIGNATURE};
use crate::server::Context;
use crate::vocabulary::time::Timestamp;

/// RFC 7523 section 3-9: the signature verifies with a key of this client.
const SIGNED: RuleId = RuleId("RFC7523-3-9-signature");
/// RFC 7519 section 4.1: claims have the types their definition gives them.
const TYPED: RuleId = RuleId("RFC7519-4.1");

/// The claims we read; a wrong type is a refusal, never an absence.
#[derive(Deserialize, Default)]
struct Claims {
    #[serde(default, deserialize_with = "crate::jose::present")]
    iss: Option<String>,
    #[serde(default, deserialize_with = "crate::jose::present")]
    sub: Option<String>,
    #[serde(default, deserialize_with = "crate::jose::present")]
    aud: Option<Audience>,
    #[serde(default, deserialize_with = "crate::jose::present")]
    exp: Option<NumericDate>,
    #[serde(default, deserialize_with = "crate::jose::present")]
    iat: Option<NumericDate>,
    #[serde(default, deserialize_with = "crate::jose::present")]
    nbf: Option<NumericDate>,
    #[serde(default, deserialize_with = "crate::jose::present")]
    jti: Option<String>,
}

/// Verifies an assertion and says what must be claimed once.
///
/// # Errors
/// The refusal of the first rule that does not hold. Nothing has been recorded by then. A fault of the port of keys.
pub(crate) async fn verify(
    context: &Context<'_>,
    assertion: &Assertion,
    client: &Client,
    policy: &Policy,
    remembers_since: Timestamp,
) -> Result<Once, Error> {
    let mut case = AssertionCase {
        issuer: context.settings.issuer.clone(),
        endpoints: context.client_endpoints(),
        client: client.id.clone(),
        client_id: assertion.sent_client_id.clone(),
        alg: assertion.jws.alg(),
        typ: assertion.jws.typ().map(str::to_owned),
        iss: None,
        sub: None,
        aud: None,
        exp: None,
        iat: None,
        nbf: None,
        jti: None,
        now: context.now,
        remembers_since,
    };
    hold(BEFORE_SIGNATURE, &case, policy)?;
    let hint = KeyHint::Signature { kid: assertion.jws.kid(), alg: assertion.jws.alg() };
    let keys = keys::of(context, client, hint).await?;
    let mut candidates = keys.candidates(assertion.jws.kid(), assertion.jws.alg()).peekable();
    if candidates.peek().is_none() {
        verify_in_vain(&assertion.jws);
    }
    let verified = candidates
        .find_map(|key| assertion.jws.verify(key).ok())
        .ok_or(Refusal { rule: SIGNED, reason: ClientReason::AssertionSignature.into() })?;
    let claims: Claims = verified
        .claims()
        .map_err(|_| Refusal { rule: TYPED, reason: ClientReason::AssertionMalformed.into() })?;
    case.iss = claims.iss;
    case.sub = claims.sub;
    case.aud = claims.aud;
    case.exp = claims.exp.map(NumericDate::timestamp);
    case.iat = claims.iat.map(NumericDate::timestamp);
    case.nbf = claims.nbf.map(NumericDate::timestamp);
    case.jti = claims.jti;
    hold(AFTER_SIGNATURE, &case, policy)?;
    let issued = case.issued(policy);
    let until = case.remembered_until(policy);
    let jti = case.jti.unwrap_or_default();
    Ok(Once::assertion(&context.settings.issuer, &client.id, &jti, until).issued(issued))
}
