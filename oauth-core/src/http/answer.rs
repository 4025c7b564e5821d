//! Results as HTTP: JSON everywhere except at the authorization endpoint, `no-store` wherever a credential is near.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, PRAGMA, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use super::routes::Endpoint;
use super::service::BROWSER_COOKIE;
use crate::endpoint::authorize::Interacting;
use crate::endpoint::introspect::IntrospectionAnswer;
use crate::endpoint::introspect_by_query::{Named, Queried};
use crate::endpoint::response::{FormPost, Return};
use crate::refusal::code::{At, ErrorCode, Wire};
use crate::refusal::reason::{Reason, RequestReason, TokenReason};
use crate::refusal::{Error, Refusal};
use crate::server::{AuthorizationServer, ErrorPage};
use crate::vocabulary::id::CorrelationId;
use crate::vocabulary::time::Seconds;

pub(super) type Answer = Response<Full<Bytes>>;

/// The error body of RFC 6749 section 5.2.
#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
}

/// JSON that must not be stored (RFC 6749 section 5.1, RFC 9126 section 2.2).
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let mut answer = with_type(status, bytes, "application/json");
    no_store(&mut answer);
    answer
}

/// How long metadata may be kept.
pub(super) const METADATA_MAX_AGE: Seconds = Seconds::minutes(5);

/// A public document that may be kept for a while.
pub(super) fn document(body: &impl Serialize, media: &'static str, max_age: Seconds) -> Answer {
    let mut answer = with_type(StatusCode::OK, serde_json::to_vec(body).unwrap_or_default(), media);
    put(&mut answer, CACHE_CONTROL, &format!("public, max-age={}", max_age.get()));
    answer
}

/// A signed answer.
pub(super) fn signed(jwt: String, media: &'static str) -> Answer {
    let mut answer = with_type(StatusCode::OK, jwt.into_bytes(), media);
    no_store(&mut answer);
    answer
}

/// The answer to a question in a query: not for the next page's `Referer`, and with a warning where the token stood in it.
pub(super) fn queried(queried: &Queried) -> Answer {
    let mut answer = match &queried.answer {
        IntrospectionAnswer::Json(introspection) => json(StatusCode::OK, introspection),
        IntrospectionAnswer::Jwt(jwt) => signed(jwt.clone(), INTROSPECTION_JWT),
    };
    put(&mut answer, http::header::REFERRER_POLICY, "no-referrer");
    if queried.named == Named::ByItself {
        put(&mut answer, http::header::WARNING, "299 - \"token in query\"");
    }
    answer
}

/// Media type of a signed introspection answer (RFC 9701 section 4).
pub(super) const INTROSPECTION_JWT: &str = "application/token-introspection+jwt";

/// 200 without a body.
pub(super) fn empty() -> Answer {
    let mut answer = Response::new(Full::new(Bytes::new()));
    no_store(&mut answer);
    answer
}

/// The browser goes to the bank's pages: 303, never 307 (RFC 9700 section 4.12).
pub(super) fn interact(interacting: &Interacting) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = StatusCode::SEE_OTHER;
    no_store(&mut answer);
    put(&mut answer, LOCATION, &interacting.location);
    put(&mut answer, http::header::REFERRER_POLICY, "no-referrer");
    if let Some(browser) = &interacting.browser {
        put(
            &mut answer,
            SET_COOKIE,
            &format!("{BROWSER_COOKIE}={browser}; Path=/; Secure; HttpOnly; SameSite=Lax"),
        );
    }
    answer
}

/// The browser goes back to the client: by redirect, or by a page that posts itself.
#[must_use]
pub fn returning(back: &Return) -> Answer {
    let mut answer = match back {
        Return::Redirect(location) => {
            let mut answer = Response::new(Full::new(Bytes::new()));
            *answer.status_mut() = StatusCode::SEE_OTHER;
            put(&mut answer, LOCATION, location);
            answer
        }
        Return::Post(form) => {
            let mut answer = with_type(StatusCode::OK, form.page().into_bytes(), "text/html; charset=utf-8");
            put(&mut answer, http::header::CONTENT_SECURITY_POLICY, &FormPost::content_security_policy());
            put(&mut answer, http::header::X_FRAME_OPTIONS, "DENY");
            put(&mut answer, http::header::X_CONTENT_TYPE_OPTIONS, "nosniff");
            answer
        }
    };
    no_store(&mut answer);
    put(&mut answer, http::header::REFERRER_POLICY, "no-referrer");
    answer
}

/// An error of an endpoint that answers in JSON.
pub(super) fn error(server: &AuthorizationServer, endpoint: Option<Endpoint>, error: &Error) -> Answer {
    let guarded = matches!(endpoint, Some(Endpoint::Userinfo | Endpoint::IntrospectByQuery));
    let at = if guarded { At::Resource } else { At::ClientEndpoint };
    let wire = wire(error, at);
    let status = StatusCode::from_u16(wire.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = ErrorBody { error: wire.code.as_str(), error_description: &wire.description };
    let mut answer = json(status, &body);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        put(&mut answer, http::header::RETRY_AFTER, "1");
    }
    if let Error::Refused(Refusal { reason: Reason::Request(RequestReason::TooOften(wait)), .. }) = error {
        put(&mut answer, http::header::RETRY_AFTER, &wait.get().to_string());
    }
    if wire.code == ErrorCode::UseDpopNonce {
        put(&mut answer, DPOP_NONCE, &server.demanded_nonce());
    }
    if at == At::Resource && matches!(wire.status, 401 | 403) {
        challenge(server, &mut answer, error, &wire);
    }
    answer
}

/// RFC 6750 section 3 and RFC 9449 section 7.1: one challenge per scheme on offer. A request without a token learns
/// the schemes and nothing else, and what is wrong with a proof is an error of the scheme that has proofs alone.
fn challenge(server: &AuthorizationServer, answer: &mut Answer, error: &Error, wire: &Wire) {
    let missing =
        matches!(error, Error::Refused(Refusal { reason: Reason::Token(TokenReason::Missing), .. }));
    let told = if missing {
        String::new()
    } else {
        format!(", error=\"{}\", error_description=\"{}\"", wire.code.as_str(), wire.description)
    };
    let dpop = format!("DPoP algs=\"{}\"{told}", server.proof_algs());
    let proof = matches!(error, Error::Refused(Refusal { reason: Reason::Proof(_), .. }));
    let bearer = if proof || told.is_empty() {
        "Bearer".to_owned()
    } else {
        format!("Bearer {}", told.trim_start_matches(", "))
    };
    for value in [dpop, bearer] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().append(WWW_AUTHENTICATE, value);
        }
    }
}

/// An error of the authorization endpoint: the bank's page, never a redirect, because nothing has been proven yet.
pub(super) fn error_page(
    server: &AuthorizationServer,
    error: &Error,
    (correlation, wanted): (&CorrelationId, Wanted),
) -> Answer {
    let wire = wire(error, At::Browser);
    let status = StatusCode::from_u16(wire.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = ErrorPage {
        status: wire.status,
        description: wire.description,
        correlation: correlation.clone(),
        chosen_language: wanted.chosen,
        accept_language: wanted.accepted,
    };
    let mut answer = with_type(status, server.error_page(&page).into_bytes(), "text/html; charset=utf-8");
    no_store(&mut answer);
    put(&mut answer, http::header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    put(&mut answer, http::header::X_FRAME_OPTIONS, "DENY");
    put(&mut answer, http::header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(&mut answer, http::header::REFERRER_POLICY, "no-referrer");
    answer
}

/// The language a browser would rather read.
pub(super) struct Wanted {
    chosen: Option<String>,
    accepted: String,
}

impl Wanted {
    pub(super) fn of(server: &AuthorizationServer, headers: &HeaderMap) -> Self {
        let accepted = headers.get(http::header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self {
            chosen: server.language_cookie().and_then(|name| super::service::cookie(headers, name)),
            accepted: accepted.unwrap_or_default().to_owned(),
        }
    }
}

/// What an error page may load: the bank's own style sheet.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// RFC 9449 section 8.
pub(super) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// FAPI 1.0 Baseline section 6.2.1-11, kept by FAPI 2.0.
pub(super) const INTERACTION_ID: HeaderName = HeaderName::from_static("x-fapi-interaction-id");

fn wire(error: &Error, at: At) -> Wire {
    match error {
        Error::Refused(refusal) => refusal.reason.wire(at),
        Error::Failed(_) => Wire {
            code: ErrorCode::ServerError,
            status: 503,
            description: "The server cannot answer right now; nothing was changed. Try again.".to_owned(),
        },
    }
}

fn with_type(status: StatusCode, bytes: Vec<u8>, media: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(bytes)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    answer
}

fn no_store(answer: &mut Answer) {
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    answer.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
}

/// Sets a header; a value that is not one is left out rather than sent broken.
pub(super) fn put(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}
