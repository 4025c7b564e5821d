//! UAE Bank Service Initiation, sections 8.1 and 13: signed bodies, read and written.
//!
//! A body is a compact JWS whose claims are an envelope around `message`. Everything the envelope says about sender,
//! audience and time is judged here; of the message only that it is an object, and its fingerprint.

use oauth_core::jose::{Alg, Audience, Header, JoseFault, JwkSet, Jws, NumericDate, present};
use oauth_core::json::{self, JsonFault};
use oauth_core::{ClientId, Fault, Issuer, RuleId, Seconds, Signer, Timestamp, limits};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{Reason, Refused};
use crate::domain::RequestFingerprint;

/// What a signed body of one caller must look like.
#[derive(Debug)]
pub(crate) struct Expected<'a> {
    /// Who sends it.
    pub(crate) client: &'a ClientId,
    /// With which keys.
    pub(crate) keys: &'a JwkSet,
    /// Names of this server; an `aud` holds at least one.
    pub(crate) audiences: &'a [&'a str],
    /// When it arrived.
    pub(crate) now: Timestamp,
}

/// The algorithm of a client's signed bodies: what it registered, when the policy has it; PS256 otherwise.
#[must_use]
pub(crate) fn message_alg(registered: Option<Alg>, policy: &[Alg]) -> Alg {
    registered.filter(|alg| policy.contains(alg)).unwrap_or(Alg::Ps256)
}

/// Reads a body as far as no key is needed: its form, and that it is signed under the registered algorithm, see
/// [`message_alg`].
///
/// # Errors
/// The first that does not hold of shape and header.
pub(crate) fn open(body: &[u8], alg: Alg) -> Result<Jws, Refused> {
    let text = std::str::from_utf8(body).map_err(|_| refuse(COMPACT, Reason::Malformed))?;
    let jws = Jws::parse(text, limits::SIGNED_BODY_BYTES).map_err(jose)?;
    if jws.alg() != alg {
        return Err(refuse(ALGORITHM, Reason::JoseHeader));
    }
    if jws.typ().is_some() && !jws.is_typed("JWT") {
        return Err(refuse(TYPE, Reason::JoseHeader));
    }
    Ok(jws)
}

/// A `message` whose envelope holds. Only [`SignedMessage::verify`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SignedMessage(Value);

impl SignedMessage {
    /// Verifies a signed body.
    ///
    /// # Errors
    /// The first that does not hold of signature and claims.
    pub(crate) fn verify(jws: &Jws, expected: &Expected<'_>) -> Result<Self, Refused> {
        let envelope: Envelope = jws.verify_by(expected.keys).and_then(|it| it.claims()).map_err(jose)?;
        envelope.judge(expected)?;
        Ok(Self(envelope.message))
    }

    /// Section 8.2: what makes two requests the same. Order of members, white space and envelope do not count.
    #[must_use]
    pub(crate) fn fingerprint(&self) -> RequestFingerprint {
        RequestFingerprint::of(&json::canonical(&self.0))
    }

    /// The same message with what one of its members holds encrypted in its place: encrypted anew, it says the same.
    #[must_use]
    pub(crate) fn saying(self, pointer: &str, opened: Value) -> Self {
        let Self(mut message) = self;
        if let Some(member) = message.pointer_mut(pointer) {
            *member = opened;
        }
        Self(message)
    }

    /// The message as the wire shape of an operation.
    ///
    /// # Errors
    /// `Body.InvalidFormat` with the path of the first member that does not fit.
    pub(crate) fn into_shape<T: DeserializeOwned>(self) -> Result<T, Refused> {
        json::from_tree(self.0).map_err(|fault| Refused {
            rule: SCHEMA,
            reason: Reason::Format,
            path: path_of(&fault),
        })
    }
}

/// Signs a message for a client with our PS256 key (section 8.1).
///
/// # Errors
/// When there is no such key, or the signer fails.
pub(crate) async fn sign(
    signer: &dyn Signer,
    issuer: &Issuer,
    client: &ClientId,
    message: &(impl Serialize + Sync),
    (now, jti): (Timestamp, &str),
) -> Result<String, Fault> {
    let claims = Answer {
        iss: issuer.as_str(),
        aud: [client.as_str()],
        iat: now.seconds(),
        nbf: now.seconds(),
        exp: now.plus(ANSWER_LIFETIME).seconds(),
        jti,
        message,
    };
    sign_claims(signer, &claims, now).await
}

/// Signs claims with our PS256 key.
///
/// # Errors
/// When there is no such key, or the signer fails.
pub(crate) async fn sign_claims(
    signer: &dyn Signer,
    claims: &(impl Serialize + Sync),
    now: Timestamp,
) -> Result<String, Fault> {
    signer.settle(now).await?;
    let kid = signer.active(Alg::Ps256).ok_or_else(|| Fault::new("signer", "no signing key for PS256"))?;
    let header = Header { alg: Alg::Ps256, kid: kid.clone(), typ: Some("JWT") };
    let input = header.encode().signing_input(claims).map_err(|fault| Fault::new("signer", fault))?;
    let signature = signer.sign(&kid, input.as_bytes()).await?;
    Ok(input.complete(&signature))
}

/// The claims around a message that arrives. Other claims have no meaning here (RFC 7519 section 4).
#[derive(Deserialize)]
struct Envelope {
    iss: String,
    #[serde(default, deserialize_with = "present")]
    aud: Option<Audience>,
    exp: NumericDate,
    nbf: NumericDate,
    #[serde(default, deserialize_with = "present")]
    iat: Option<NumericDate>,
    message: Value,
}

impl Envelope {
    fn judge(&self, expected: &Expected<'_>) -> Result<(), Refused> {
        let hold = |rule, claim, holds| {
            if holds { Ok(()) } else { Err(Refused::at(rule, Reason::Claim, claim)) }
        };
        let (nbf, exp, now) = (self.nbf.timestamp(), self.exp.timestamp(), expected.now);
        hold(SENDER, "iss", self.iss == expected.client.as_str())?;
        let to_us = |aud: &Audience| expected.audiences.iter().any(|name| aud.contains(name));
        hold(AUDIENCE, "aud", self.aud.as_ref().is_none_or(to_us))?;
        hold(WINDOW, "nbf", nbf <= now.plus(SKEW) && nbf >= now.minus(AGE_MAX).minus(SKEW))?;
        hold(WINDOW, "iat", self.iat.is_none_or(|iat| iat.timestamp() <= now.plus(SKEW)))?;
        hold(WINDOW, "exp", now < exp.plus(SKEW) && exp > nbf && exp <= nbf.plus(AGE_MAX))?;
        hold(MESSAGE, "message", self.message.is_object())
    }
}

#[derive(Serialize)]
struct Answer<'a, T> {
    iss: &'a str,
    aud: [&'a str; 1],
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: &'a str,
    message: &'a T,
}

/// Section 2.2: how old a body may be, and how long it may live.
const AGE_MAX: Seconds = Seconds::minutes(10);
/// Section 2.2: how far clocks may differ.
const SKEW: Seconds = Seconds::new(10);
/// Section 8.1: how long an answer of ours lives.
const ANSWER_LIFETIME: Seconds = Seconds::minutes(5);

/// Section 8.1, step 5: one compact JWS.
const COMPACT: RuleId = RuleId("UAEBSI-8.1-5-jws");
/// Section 8.1, step 5: the registered algorithm.
const ALGORITHM: RuleId = RuleId("UAEBSI-8.1-5-alg");
/// Section 8.1, step 5: nothing but a JWT, by `typ`.
const TYPE: RuleId = RuleId("UAEBSI-8.1-5-typ");
/// Section 8.1, step 5: header, key and signature.
const SIGNATURE: RuleId = RuleId("UAEBSI-8.1-5-signature");
/// Section 8.1, step 5: `iss` is the client.
const SENDER: RuleId = RuleId("UAEBSI-8.1-5-iss");
/// Section 8.1, step 5: `aud` is us, where it is said; the document makes it optional.
const AUDIENCE: RuleId = RuleId("UAEBSI-8.1-5-aud");
/// Section 2.2: the window of `nbf` and `exp`.
const WINDOW: RuleId = RuleId("UAEBSI-2.2-window");
/// Section 8.1, step 5: the claims are JSON of the right types, and `message` an object.
const MESSAGE: RuleId = RuleId("UAEBSI-8.1-5-message");
/// Section 8.1, step 6: the schema.
pub(crate) const SCHEMA: RuleId = RuleId("UAEBSI-8.1-6");

const fn refuse(rule: RuleId, reason: Reason) -> Refused {
    Refused::new(rule, reason)
}

/// The refusal of a body whose sender's keys cannot be had.
pub(crate) const fn unverifiable() -> Refused {
    refuse(SIGNATURE, Reason::Signature)
}

fn jose(fault: JoseFault) -> Refused {
    match fault {
        JoseFault::TooLong | JoseFault::Parts | JoseFault::Encoding => refuse(COMPACT, Reason::Malformed),
        JoseFault::Header(_)
        | JoseFault::Algorithm
        | JoseFault::KeyId
        | JoseFault::Critical
        | JoseFault::Unencoded
        | JoseFault::Compressed
        | JoseFault::EmbeddedKeyMissing
        | JoseFault::EmbeddedKey(_) => refuse(SIGNATURE, Reason::JoseHeader),
        JoseFault::Claims(fault) => match path_of(&fault) {
            // the envelope is whole, and what is in it is not: step 6
            Some(path) if path.starts_with(INSIDE) => {
                let path = path.strip_prefix(INSIDE).map(str::to_owned);
                Refused { rule: SCHEMA, reason: Reason::Format, path }
            }
            path => Refused { rule: MESSAGE, reason: Reason::Claim, path },
        },
        JoseFault::KeyMismatch | JoseFault::NoKey | JoseFault::Signature | _ => {
            refuse(SIGNATURE, Reason::Signature)
        }
    }
}

/// What stands before the path of a member of the message.
const INSIDE: &str = "message.";

/// A JSON path as this dialect writes it: `Data.Instruction.Amount`.
fn path_of(fault: &JsonFault) -> Option<String> {
    let path = match fault {
        JsonFault::Repeated(path)
        | JsonFault::Missing(path)
        | JsonFault::Unknown(path)
        | JsonFault::Refused(path)
        | JsonFault::Shape { at: path, .. } => path.as_str(),
        JsonFault::NotUtf8
        | JsonFault::ByteOrderMark
        | JsonFault::Malformed { .. }
        | JsonFault::TrailingData
        | JsonFault::NotFinite
        | JsonFault::TooDeep
        | _ => return None,
    };
    let dotted = path.strip_prefix('/')?.replace('/', ".");
    Some(dotted)
}

#[cfg(test)]
mod tests;
