//! A request object at PAR (RFC 9101, RFC 9126 section 3): decrypted where it is encrypted, verified with the client's
//! keys, and read into the same parameters that a plain request has. Nothing outside the object is looked at.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::identify::{Caller, keys};
use crate::jose::{Audience, JoseFault, Jwe, Jws, NumericDate, present};
use crate::limits;
use crate::model::claims_request::ClaimsAsked;
use crate::model::details::AuthorizationDetails;
use crate::model::request::AuthorizationParams;
use crate::policy::ObjectCalled;
use crate::port::claims::{Claimed, Once};
use crate::port::client_keys::KeyHint;
use crate::port::decrypter::Opened;
use crate::refusal::reason::{DetailsFault, DetailsReason, ObjectReason, RequestReason};
use crate::refusal::{Error, Refusal, RuleId};
use crate::rules::rfc9101::{self, Nested, ObjectCase, Typ};
use crate::rules::{fapi2_message_signing, hold, oidc_core};
use crate::server::Context;
use crate::vocabulary::time::{Seconds, Timestamp};

/// `typ` of a request object (RFC 9101 section 10.8).
const REQUEST_OBJECT_TYPE: &str = "oauth-authz-req+jwt";
/// RFC 9396 section 2: the shape of `authorization_details`.
const DETAILS_WELL_FORMED: RuleId = RuleId("RFC9396-2-object");

/// Reads a request object into parameters.
///
/// # Errors
/// The refusal of the first rule that does not hold, or a fault of a port.
pub(crate) async fn read(
    context: &Context<'_>,
    caller: &Caller,
    text: &str,
) -> Result<AuthorizationParams, Error> {
    let signed = opened(context, caller, text).await?;
    let jws = Jws::parse(&signed, limits::REQUEST_OBJECT_BYTES).map_err(|fault| unreadable(&fault))?;
    let mut case = case(context, caller, &jws);
    hold(rfc9101::BEFORE_SIGNATURE, &case, caller.policy)?;
    let hint = KeyHint::Signature { kid: jws.kid(), alg: jws.alg() };
    let keys = keys::of(context, &caller.client, hint).await?;
    let verified = jws.verify_by(&keys).map_err(|fault| {
        let known = fault != JoseFault::NoKey;
        refuse(rfc9101::SIGNED, if known { ObjectReason::Signature } else { ObjectReason::KeyUnknown })
    })?;
    let mut claims: Claims = verified.claims().map_err(|fault| ill_typed(&fault))?;
    claims.move_into(&mut case);
    hold(rfc9101::AFTER_SIGNATURE, &case, caller.policy)?;
    hold(fapi2_message_signing::TIMES, &case, caller.policy)?;
    if let Some(jti) = claims.jti.take() {
        spend(context, caller, &case, &jti).await?;
    }
    Ok(claims.params()?)
}

/// RFC 7519 section 4.1.7: an object with a `jti` is good once, for as long as it could be taken at all.
async fn spend(context: &Context<'_>, caller: &Caller, case: &ObjectCase, jti: &str) -> Result<(), Error> {
    if jti.is_empty() || jti.len() > limits::JTI_BYTES {
        return Err(refuse(rfc9101::CLAIMS_TYPED, ObjectReason::Claims("/jti".to_owned())).into());
    }
    let (claims, now) = (&context.ports.claims, context.now);
    let issued = case.iat.or(case.nbf).unwrap_or(Timestamp::EPOCH);
    let replayed = refuse(rfc9101::USED_ONCE, ObjectReason::Replayed);
    if issued < claims.remembers_since(now).await? {
        return Err(replayed.into());
    }
    let until = case.exp.unwrap_or(now).plus(caller.policy.skew);
    let once = Once::request_object(&context.settings.issuer, &caller.client.id, jti, until).issued(issued);
    match claims.claim(&[once], now).await? {
        Claimed::First => Ok(()),
        Claimed::SeenBefore => Err(replayed.into()),
    }
}

/// The signed object: as sent, or from within an encrypted one. Encryption never stands in for a signature.
async fn opened<'a>(context: &Context<'_>, caller: &Caller, text: &'a str) -> Result<Cow<'a, str>, Error> {
    if text.bytes().filter(|byte| *byte == b'.').count() != JWE_DOTS {
        return Ok(Cow::Borrowed(text));
    }
    let undecryptable = || refuse(rfc9101::DECRYPTED, ObjectReason::Undecryptable);
    let jwe = Jwe::parse_among(text, limits::REQUEST_OBJECT_BYTES, caller.policy.opens);
    let jwe = jwe.map_err(|_| undecryptable())?;
    let registered = caller.client.messages.request_object.encryption;
    if registered.is_some_and(|registered| registered != jwe.encryption()) {
        return Err(refuse(rfc9101::ENCRYPTED_AS_REGISTERED, ObjectReason::EncryptionAlgorithm).into());
    }
    let called = caller.policy.signed_request().map(|signed| signed.called);
    if jwe.holds_other() || (!jwe.holds_jwt() && called != Some(ObjectCalled::OrJwt)) {
        return Err(refuse(rfc9101::SIGNED_FIRST, ObjectReason::Unsigned).into());
    }
    match context.ports.decrypter.decrypt(&jwe).await? {
        Opened::Content(bytes) => {
            let text = std::str::from_utf8(&bytes).map_err(|_| undecryptable())?;
            Ok(Cow::Owned(text.to_owned()))
        }
        Opened::Refused => Err(undecryptable().into()),
    }
}

/// Dots of an encrypted object in compact form (RFC 7516 section 7.1).
const JWE_DOTS: usize = 4;

fn case(context: &Context<'_>, caller: &Caller, jws: &Jws) -> ObjectCase {
    let typ = match jws.typ() {
        None => Typ::Absent,
        Some(_) if jws.is_typed(REQUEST_OBJECT_TYPE) => Typ::RequestObject,
        Some(_) if jws.is_typed("JWT") => Typ::Jwt,
        Some(_) => Typ::Other,
    };
    ObjectCase {
        issuer: context.settings.issuer.clone(),
        client: caller.client.id.clone(),
        registered: caller.client.messages.request_object.alg,
        alg: jws.alg(),
        typ,
        iss: None,
        sub: None,
        aud: None,
        exp: None,
        nbf: None,
        iat: None,
        client_id: None,
        max_age: None,
        scope: None,
        state: None,
        nonce: None,
        nested: Nested::No,
        now: context.now,
    }
}

/// The claims we read; a wrong type is a refusal, never an absence. Others are ignored (RFC 6749 section 3.1).
#[derive(Deserialize)]
struct Claims {
    #[serde(default, deserialize_with = "present")]
    iss: Option<String>,
    #[serde(default, deserialize_with = "present")]
    sub: Option<String>,
    #[serde(default, deserialize_with = "present")]
    aud: Option<Audience>,
    #[serde(default, deserialize_with = "present")]
    exp: Option<NumericDate>,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<NumericDate>,
    #[serde(default, deserialize_with = "present")]
    iat: Option<NumericDate>,
    #[serde(default, deserialize_with = "present")]
    jti: Option<String>,
    #[serde(default, deserialize_with = "present")]
    client_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    response_type: Option<String>,
    #[serde(default, deserialize_with = "present")]
    response_mode: Option<String>,
    #[serde(default, deserialize_with = "present")]
    redirect_uri: Option<String>,
    #[serde(default, deserialize_with = "present")]
    scope: Option<String>,
    #[serde(default, deserialize_with = "present")]
    state: Option<String>,
    #[serde(default, deserialize_with = "present")]
    nonce: Option<String>,
    #[serde(default, deserialize_with = "present")]
    code_challenge: Option<String>,
    #[serde(default, deserialize_with = "present")]
    code_challenge_method: Option<String>,
    #[serde(default, deserialize_with = "present")]
    authorization_details: Option<Vec<Value>>,
    #[serde(default, deserialize_with = "present")]
    dpop_jkt: Option<String>,
    #[serde(default, deserialize_with = "present")]
    prompt: Option<String>,
    #[serde(default, deserialize_with = "present")]
    max_age: Option<u32>,
    #[serde(default, deserialize_with = "present")]
    acr_values: Option<String>,
    #[serde(default, deserialize_with = "present")]
    login_hint: Option<String>,
    #[serde(default, deserialize_with = "present")]
    ui_locales: Option<String>,
    #[serde(default, deserialize_with = "present")]
    resource: Option<Audience>,
    #[serde(default, deserialize_with = "present")]
    claims: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "present")]
    request: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    request_uri: Option<IgnoredAny>,
}

impl Claims {
    /// What the rules about the object judge.
    fn move_into(&mut self, case: &mut ObjectCase) {
        case.iss = self.iss.take();
        case.sub = self.sub.take();
        case.aud = self.aud.take();
        case.exp = self.exp.map(NumericDate::timestamp);
        case.nbf = self.nbf.map(NumericDate::timestamp);
        case.iat = self.iat.map(NumericDate::timestamp);
        case.client_id.clone_from(&self.client_id);
        case.scope.clone_from(&self.scope);
        let characters = |text: &Option<String>| text.as_ref().map(|text| text.chars().count());
        (case.state, case.nonce) = (characters(&self.state), characters(&self.nonce));
        case.max_age = self.max_age.map(|seconds| Seconds::new(seconds.into()));
        if self.request.is_some() || self.request_uri.is_some() {
            case.nested = Nested::Yes;
        }
    }

    /// What the rules about the request judge.
    fn params(self) -> Result<AuthorizationParams, Refusal> {
        let authorization_details = match self.authorization_details {
            Some(elements) => details(elements)?,
            None => AuthorizationDetails::default(),
        };
        let resource = match self.resource {
            None => None,
            Some(Audience::One(one)) => Some(one),
            Some(Audience::Many(many)) => match <[String; 1]>::try_from(many) {
                Ok([one]) => Some(one),
                Err(_) => {
                    let reason = ObjectReason::Claims("/resource".to_owned());
                    return Err(refuse(rfc9101::CLAIMS_TYPED, reason));
                }
            },
        };
        let claims = match &self.claims {
            Some(members) => ClaimsAsked::from_members(members).map_err(|_| Refusal {
                rule: oidc_core::CLAIMS_WELL_FORMED,
                reason: RequestReason::ClaimsMalformed.into(),
            })?,
            None => ClaimsAsked::default(),
        };
        Ok(AuthorizationParams {
            client_id: self.client_id,
            response_type: self.response_type,
            response_mode: self.response_mode,
            redirect_uri: self.redirect_uri,
            scope: self.scope,
            state: self.state,
            nonce: self.nonce,
            code_challenge: self.code_challenge,
            code_challenge_method: self.code_challenge_method,
            authorization_details,
            dpop_jkt: self.dpop_jkt,
            prompt: self.prompt,
            max_age: self.max_age.map(|seconds| seconds.to_string()),
            acr_values: self.acr_values,
            login_hint: self.login_hint,
            ui_locales: self.ui_locales,
            resource,
            claims,
        })
    }
}

/// The same bounds as in a form.
fn details(elements: Vec<Value>) -> Result<AuthorizationDetails, Refusal> {
    let refused = |reason: DetailsReason| Refusal { rule: DETAILS_WELL_FORMED, reason: reason.into() };
    let value = Value::Array(elements);
    if value.to_string().len() > limits::AUTHORIZATION_DETAILS_BYTES {
        let path = "authorization_details".to_owned();
        return Err(refused(DetailsReason {
            fault: DetailsFault::Malformed,
            path,
            hint: "larger than 32 KiB",
        }));
    }
    AuthorizationDetails::from_value(value).map_err(refused)
}

fn unreadable(fault: &JoseFault) -> Refusal {
    if *fault == JoseFault::Algorithm {
        refuse(rfc9101::ALGORITHM.id, ObjectReason::Algorithm)
    } else if *fault == JoseFault::Signature {
        refuse(rfc9101::SIGNED, ObjectReason::Signature)
    } else {
        refuse(rfc9101::WELL_FORMED, ObjectReason::Malformed)
    }
}

fn ill_typed(fault: &JoseFault) -> Refusal {
    let path = if let JoseFault::Claims(fault) = fault { fault.path() } else { "" };
    refuse(rfc9101::CLAIMS_TYPED, ObjectReason::Claims(path.to_owned()))
}

fn refuse(rule: RuleId, reason: ObjectReason) -> Refusal {
    Refusal { rule, reason: reason.into() }
}
