//! Signed HTTP messages (RFC 9421 over the digests of RFC 9530), as FAPI 2.0 Message Signing section 5.6 uses them:
//! requests from clients and responses from resource servers, both made and judged here.
//!
//! Making is in two steps, so that any signer may be asked in between: `prepare` says what is to be signed, and
//! [`Prepared::seal`] turns the signature into header fields. Nothing here needs the rest of the server.

mod component;
mod digest;
mod shown;

use sfv::{BareItem, Dictionary, InnerList, Item, ListSerializer, Parameters, Parser};

use crate::jose::JwkSet;
use crate::limits;
use crate::policy::Policy;
use crate::refusal::reason::MessageReason;
use crate::refusal::{Refusal, RuleId};
use crate::rules::fapi2_message_signing::{
    REQUEST_COVERS, REQUEST_RULES, REQUEST_TAG, RESPONSE_COVERS, RESPONSE_RULES, RESPONSE_TAG,
};
use crate::rules::{hold, rfc9421};
use crate::vocabulary::id::KeyId;
use crate::vocabulary::time::Timestamp;
use component::{CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT, joined, value};
use shown::Shown;

pub use digest::content_digest;

/// A header field: its name in lower case, and one of its values.
pub type Field<'a> = (&'a str, &'a [u8]);

/// A request, as it goes over the wire.
#[derive(Clone, Copy)]
pub struct RequestMessage<'a> {
    /// The method, `@method`.
    pub method: &'a str,
    /// The absolute URI with its query, as the sender knows it, `@target-uri`.
    pub target_uri: &'a str,
    /// The header fields.
    pub fields: &'a [Field<'a>],
    /// The content.
    pub body: &'a [u8],
}

/// A response, as it goes over the wire.
#[derive(Clone, Copy)]
pub struct ResponseMessage<'a> {
    /// The status, `@status`.
    pub status: u16,
    /// The header fields.
    pub fields: &'a [Field<'a>],
    /// The content.
    pub body: &'a [u8],
}

/// What is to be signed, and what it becomes.
pub struct Prepared {
    content_digest: Option<String>,
    parameters: String,
    base: String,
}

/// The header fields that make a message a signed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureFields {
    /// `Content-Digest`, when the message has content (RFC 9530 section 2).
    pub content_digest: Option<String>,
    /// `Signature-Input` (RFC 9421 section 4.1).
    pub signature_input: String,
    /// `Signature` (RFC 9421 section 4.2).
    pub signature: String,
}

/// A message whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedMessage {
    /// Which of the sender's keys made it.
    pub key: Option<KeyId>,
    /// When.
    pub created: Timestamp,
    /// SHA-256 of the signature, for those who accept each but once.
    pub fingerprint: [u8; 32],
}

// Fields carry tokens and proofs, and bodies what customers own: none of it is for a log.

impl std::fmt::Debug for RequestMessage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestMessage").field("method", &self.method).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ResponseMessage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseMessage").field("status", &self.status).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

/// The label of the signatures we make.
const LABEL: &str = "sig";

/// Prepares the signature of a request, made with this key now. A `Content-Digest` among the fields is ignored: it is
/// made anew from the body.
///
/// # Errors
/// [`MessageReason::NotCovered`] when the request has no `authorization` field, [`MessageReason::Malformed`] when a
/// field or the URI cannot be signed.
pub fn prepare_request(
    request: &RequestMessage<'_>,
    key: &KeyId,
    now: Timestamp,
) -> Result<Prepared, Refusal> {
    let digest = (!request.body.is_empty()).then(|| content_digest(request.body));
    let fields = with_digest(request.fields, digest.as_deref());
    let sent = RequestMessage { fields: &fields, ..*request };
    let components = request_components(&sent);
    prepare(
        &Exchange { request: sent, response: None },
        (components, REQUEST_TAG),
        (key, now),
        digest.as_deref(),
    )
}

/// Prepares the signature of a response to this request, made with this key now. It covers the request as well: its
/// method, its URI, its digest and its signature, as far as it has them.
///
/// # Errors
/// [`MessageReason::Malformed`] when a field or the URI cannot be signed.
pub fn prepare_response(
    response: &ResponseMessage<'_>,
    request: &RequestMessage<'_>,
    key: &KeyId,
    now: Timestamp,
) -> Result<Prepared, Refusal> {
    let digest = (!response.body.is_empty()).then(|| content_digest(response.body));
    let fields = with_digest(response.fields, digest.as_deref());
    let sent = ResponseMessage { fields: &fields, ..*response };
    let components = response_components(&sent, request);
    let exchange = Exchange { request: *request, response: Some(sent) };
    prepare(&exchange, (components, RESPONSE_TAG), (key, now), digest.as_deref())
}

impl Prepared {
    /// The bytes to sign (RFC 9421 section 2.5).
    #[must_use]
    pub fn base(&self) -> &[u8] {
        self.base.as_bytes()
    }

    /// The header fields with a signature over [`Prepared::base`], in the form of RFC 7518 section 3.
    #[must_use]
    pub fn seal(self, signature: &[u8]) -> SignatureFields {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(signature);
        SignatureFields {
            content_digest: self.content_digest,
            signature_input: format!("{LABEL}={}", self.parameters),
            signature: format!("{LABEL}=:{encoded}:"),
        }
    }
}

/// Judges the signature of a request against the keys of the client.
///
/// # Errors
/// A refusal with the rule that was broken.
pub fn verify_request(
    request: &RequestMessage<'_>,
    keys: &JwkSet,
    policy: &Policy,
    now: Timestamp,
) -> Result<VerifiedMessage, Refusal> {
    judge_request(request, policy, now)?.verified(keys, policy)
}

/// A request whose signature keeps every rule that needs no key.
pub(crate) struct Judged {
    shown: Shown,
    base: String,
}

impl Judged {
    /// Which key it says made the signature.
    pub(crate) fn keyid(&self) -> Option<&str> {
        shown::parameter(&self.shown.covered, "keyid")
    }

    /// Judges the signature itself.
    pub(crate) fn verified(&self, keys: &JwkSet, policy: &Policy) -> Result<VerifiedMessage, Refusal> {
        self.shown.verified(&self.base, keys, policy)
    }
}

/// Judges everything about the signature of a request that needs no key.
///
/// # Errors
/// A refusal with the rule that was broken.
pub(crate) fn judge_request(
    request: &RequestMessage<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Result<Judged, Refusal> {
    let shown = Shown::read(request.fields, REQUEST_TAG)?;
    let case = shown.case(request_components(request), now)?;
    hold(REQUEST_RULES, &case, policy)?;
    if !request.body.is_empty() || joined(request.fields, CONTENT_DIGEST).is_some() {
        digest::judge(request.fields, request.body)?;
    }
    let base = base(&shown.covered, &Exchange { request: *request, response: None })?;
    Ok(Judged { shown, base })
}

/// Judges the signature of a response to a request against the keys of the resource server.
///
/// # Errors
/// A refusal with the rule that was broken.
pub fn verify_response(
    response: &ResponseMessage<'_>,
    request: &RequestMessage<'_>,
    keys: &JwkSet,
    policy: &Policy,
    now: Timestamp,
) -> Result<VerifiedMessage, Refusal> {
    let shown = Shown::read(response.fields, RESPONSE_TAG)?;
    let case = shown.case(response_components(response, request), now)?;
    hold(RESPONSE_RULES, &case, policy)?;
    if !response.body.is_empty() || joined(response.fields, CONTENT_DIGEST).is_some() {
        digest::judge(response.fields, response.body)?;
    }
    let base = base(&shown.covered, &Exchange { request: *request, response: Some(*response) })?;
    shown.verified(&base, keys, policy)
}

/// `Accept-Signature` (RFC 9421 section 5.1): what the signature of a request to us must cover.
#[must_use]
pub fn accept_signature(request: &RequestMessage<'_>) -> String {
    let list = InnerList::with_params(items(&request_components(request)), Parameters::new());
    format!("{LABEL}={};created;tag=\"{REQUEST_TAG}\"", written(&list))
}

/// FAPI 2.0 Message Signing section 5.6.1.1: what the signature of a request covers.
fn request_components(request: &RequestMessage<'_>) -> Vec<&'static str> {
    let has = |name: &str| request.fields.iter().any(|(known, _)| *known == name);
    REQUEST_COVERS
        .iter()
        .copied()
        .filter(|name| match *name {
            "\"dpop\"" => has("dpop"),
            "\"content-digest\"" => !request.body.is_empty() || has(CONTENT_DIGEST),
            _ => true,
        })
        .collect()
}

/// FAPI 2.0 Message Signing section 5.6.2.1: what the signature of a response covers.
fn response_components(response: &ResponseMessage<'_>, request: &RequestMessage<'_>) -> Vec<&'static str> {
    let asked = |name: &str| request.fields.iter().any(|(known, _)| *known == name);
    RESPONSE_COVERS
        .iter()
        .copied()
        .filter(|name| match *name {
            "\"content-digest\"" => !response.body.is_empty(),
            "\"content-digest\";req" => asked(CONTENT_DIGEST),
            "\"signature\";req" | "\"signature-input\";req" => asked(SIGNATURE) && asked(SIGNATURE_INPUT),
            _ => true,
        })
        .collect()
}

/// A request and, once there is one, its response.
struct Exchange<'a> {
    request: RequestMessage<'a>,
    response: Option<ResponseMessage<'a>>,
}

fn with_digest<'a>(fields: &[Field<'a>], digest: Option<&'a str>) -> Vec<Field<'a>> {
    let others = fields.iter().copied().filter(|(name, _)| *name != CONTENT_DIGEST);
    others.chain(digest.map(|digest| (CONTENT_DIGEST, digest.as_bytes()))).collect()
}

fn prepare(
    exchange: &Exchange<'_>,
    (components, tag): (Vec<&'static str>, &'static str),
    (key, now): (&KeyId, Timestamp),
    digest: Option<&str>,
) -> Result<Prepared, Refusal> {
    let unsignable = || malformed(rfc9421::COMPONENTS);
    let text = |value: &str| sfv::String::from_string(value.to_owned()).map(BareItem::String);
    let created = sfv::Integer::try_from(now.seconds()).map_err(|_| unsignable())?;
    let mut params = Parameters::new();
    for (name, value) in [
        ("created", BareItem::Integer(created)),
        ("keyid", text(key.as_str()).map_err(|_| unsignable())?),
        ("tag", text(tag).map_err(|_| unsignable())?),
    ] {
        params.insert(sfv::Key::from_string(name.to_owned()).map_err(|_| unsignable())?, value);
    }
    let covered = InnerList::with_params(items(&components), params);
    Ok(Prepared {
        content_digest: digest.map(str::to_owned),
        parameters: written(&covered),
        base: base(&covered, exchange)?,
    })
}

/// Component identifiers of ours, as structured items.
fn items(components: &[&str]) -> Vec<Item> {
    components.iter().filter_map(|component| Parser::new(component).parse::<Item>().ok()).collect()
}

/// An inner list in its one serialisation (RFC 9651 section 4.1.1.1).
fn written(list: &InnerList) -> String {
    let mut serializer = ListSerializer::new();
    let mut inner = serializer.inner_list();
    inner.items(&list.items);
    inner.finish().parameters(&list.params);
    serializer.finish().unwrap_or_default()
}

/// The signature base (RFC 9421 section 2.5).
fn base(covered: &InnerList, exchange: &Exchange<'_>) -> Result<String, Refusal> {
    let mut base = String::new();
    let mut seen: Vec<String> = Vec::new();
    for item in &covered.items {
        let identifier = component::identifier(item);
        let value = value(item, exchange).ok_or_else(|| malformed(rfc9421::COMPONENTS))?;
        if seen.contains(&identifier) {
            return Err(malformed(rfc9421::COMPONENTS));
        }
        base.push_str(&identifier);
        base.push_str(": ");
        base.push_str(&value);
        base.push('\n');
        seen.push(identifier);
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(&written(covered));
    Ok(base)
}

fn dictionary(fields: &[Field<'_>], name: &str) -> Result<Dictionary, Refusal> {
    let Some(value) = joined(fields, name) else {
        return Err(Refusal { rule: rfc9421::ONE, reason: MessageReason::Missing.into() });
    };
    if value.len() > limits::HEADER_VALUE_BYTES {
        return Err(malformed(rfc9421::COMPONENTS));
    }
    Parser::new(&value).parse::<Dictionary>().map_err(|_| malformed(rfc9421::COMPONENTS))
}

fn malformed(rule: RuleId) -> Refusal {
    Refusal { rule, reason: MessageReason::Malformed.into() }
}

#[cfg(test)]
mod tests;
