//! Pages from elsewhere (the Fetch standard, section 3.3): who may read answers is who takes part.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};

use crate::domain::{OrganisationStatus, WebOrigin};
use crate::port::Participants;

/// The pages of participants that take part. Clones share the registry.
#[derive(Clone)]
pub struct CrossOrigin(Arc<dyn Participants>);

impl std::fmt::Debug for CrossOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CrossOrigin(…)")
    }
}

/// From where a request says that it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// From no page of another origin.
    Nowhere,
    /// From a page of a participant: its origin, letter by letter.
    Admitted(HeaderValue),
    /// From a page of somebody else.
    Foreign,
}

impl CrossOrigin {
    /// Pages of the active participants of this registry.
    #[must_use]
    pub const fn of(participants: Arc<dyn Participants>) -> Self {
        Self(participants)
    }

    /// Judges `Origin`. A registry that cannot be asked admits nobody.
    pub async fn judge(&self, headers: &HeaderMap) -> Elsewhere {
        let mut sent = headers.get_all(ORIGIN).iter();
        let only = match (sent.next(), sent.next()) {
            (None, _) => return Elsewhere::Nowhere,
            (Some(only), None) => only,
            (Some(_), Some(_)) => return Elsewhere::Foreign,
        };
        let Some(origin) = only.to_str().ok().and_then(|text| WebOrigin::new(text).ok()) else {
            return Elsewhere::Foreign;
        };
        match self.0.at_origin(&origin).await {
            Ok(Some(known)) if known.status == OrganisationStatus::Active => {
                Elsewhere::Admitted(only.clone())
            }
            Ok(Some(_) | None) => Elsewhere::Foreign,
            Err(fault) => {
                tracing::error!(port = fault.port, error = %fault.source, "the registry cannot be asked");
                Elsewhere::Foreign
            }
        }
    }
}

/// Whether a browser asks beforehand.
#[must_use]
pub fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a page may send.
const TAKES: &str = "authorization, dpop, content-type, accept, participant-id, x-v, x-idempotency-key, if-match, \
    x-fapi-interaction-id, x-fapi-auth-date, x-fapi-customer-ip-address, x-client-headers, x-client-user-agent";
/// What a page may read besides the body.
const SHOWS: &str = "location, etag, retry-after, dpop-nonce, www-authenticate, x-v, x-fapi-interaction-id";
/// Seconds a browser may remember what it was told.
const REMEMBERED: &str = "600";

impl Elsewhere {
    /// The answer to a browser that asks beforehand: nothing but header fields, and none of them for a stranger. Never
    /// with credentials of the browser: tokens are header fields, too.
    #[must_use]
    pub fn preflight<R: From<Bytes>>(&self, methods: &str) -> Response<R> {
        let mut answer = Response::new(R::from(Bytes::new()));
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let headers = answer.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        if let Self::Admitted(origin) = self
            && let Ok(methods) = HeaderValue::from_str(methods)
            && !methods.is_empty()
        {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(TAKES));
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED));
        }
        answer
    }

    /// Lets the page read an answer, if it may.
    pub fn mark(&self, headers: &mut HeaderMap) {
        if *self != Self::Nowhere {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Self::Admitted(origin) = self {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOWS));
        }
    }
}
