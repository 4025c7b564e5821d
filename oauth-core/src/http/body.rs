//! Bodies are read under a bound, whole or not at all.

use std::future::Future;
use std::pin::Pin;

use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::limits;
use crate::refusal::reason::RequestReason;
use crate::refusal::{Refusal, RuleId};

/// RFC 9126 section 2.3: 413 for a body that is too large.
const BOUNDED: RuleId = RuleId("RFC9126-2.3-body");
/// RFC 6749 section 4.1.3: a form, in UTF-8.
const FORM: RuleId = RuleId("RFC6749-4.1.3-media");
/// RFC 9110 section 6.4: the body arrives whole.
const WHOLE: RuleId = RuleId("RFC9110-6.4");

/// A body on its way. Nothing of it is read before somebody asks.
pub(super) type Unread<'b> = Pin<Box<dyn Future<Output = Result<Vec<u8>, Refusal>> + Send + 'b>>;

/// The bytes of a body, whole or not at all.
pub(super) async fn whole<B>(body: B) -> Result<Vec<u8>, Refusal>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match Limited::new(body, limits::FORM_BODY_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(refuse(BOUNDED, RequestReason::TooLarge)),
        Err(_) => Err(refuse(WHOLE, RequestReason::Malformed)),
    }
}

/// Reads a form body where there is one; what is none counts as empty.
pub(super) async fn form_if_any(headers: &http::HeaderMap, body: Unread<'_>) -> Result<Vec<u8>, Refusal> {
    if is_form(headers) {
        return body.await;
    }
    left_over(body).await;
    Ok(Vec::new())
}

/// Reads a form body.
pub(super) async fn read_form(headers: &http::HeaderMap, body: Unread<'_>) -> Result<Vec<u8>, Refusal> {
    if is_form(headers) {
        return body.await;
    }
    left_over(body).await;
    Err(refuse(FORM, RequestReason::MediaType))
}

/// Reads what nobody wants (RFC 9112 section 9.3): unread, it would close the connection under a client that is about to use it
/// again.
pub(super) async fn left_over(body: Unread<'_>) {
    drop(body.await);
}

/// One `Content-Type` of a form, no other charset than UTF-8, and no content coding.
fn is_form(headers: &http::HeaderMap) -> bool {
    let mut types = headers.get_all(http::header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return false };
    let Ok(text) = only.to_str() else { return false };
    let (media, parameters) = text.split_once(';').unwrap_or((text, ""));
    let parameter = parameters.trim_matches([' ', '\t']);
    let utf8 = parameter.is_empty()
        || ["charset=utf-8", "charset=\"utf-8\""].iter().any(|known| parameter.eq_ignore_ascii_case(known));
    let plain = headers
        .get(http::header::CONTENT_ENCODING)
        .is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    media.trim_matches([' ', '\t']).eq_ignore_ascii_case("application/x-www-form-urlencoded") && utf8 && plain
}

pub(super) fn refuse(rule: RuleId, reason: RequestReason) -> Refusal {
    Refusal { rule, reason: reason.into() }
}
