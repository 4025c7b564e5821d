//! What stands between every connection and every application: the host check, the security headers, and the wall
//! that keeps one request's panic its own.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderName, HeaderValue, REFERRER_POLICY, SERVER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Request, Response, StatusCode, Version};
use http_body_util::{Either, Full};
use oauth_core::CorrelationId;
use tower::ServiceExt as _;
use tower::layer::Layer;
use tower_service::Service;

/// A body that is the application's, or a short one of ours.
pub type Answer<B> = Either<B, Full<Bytes>>;

type Eventually<B> = Pin<Box<dyn Future<Output = Result<Response<B>, Infallible>> + Send>>;

/// How requests reach a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// `https`.
    Tls,
    /// `http`, on a loopback address or behind a proxy.
    Plain,
}

impl Transport {
    const fn default_port(self) -> &'static str {
        match self {
            Self::Tls => ":443",
            Self::Plain => ":80",
        }
    }
}

/// The names under which a listener may be addressed, as they stand in `Host`: `localhost:8443`, `[::1]:8443`.
#[derive(Debug, Clone)]
pub struct Authorities(Arc<[String]>);

impl Authorities {
    /// These and no others. The port is left out where it is the scheme's default.
    pub fn new<'a>(authorities: impl IntoIterator<Item = &'a str>) -> Self {
        Self(authorities.into_iter().map(str::to_owned).collect())
    }

    fn include(&self, asked: &str, transport: Transport) -> Known {
        let port = transport.default_port();
        let bare = |authority: &str| authority.strip_suffix(port).unwrap_or(authority).to_owned();
        let asked = bare(asked);
        match self.0.iter().any(|known| bare(known).eq_ignore_ascii_case(&asked)) {
            true => Known::Ours,
            false => Known::NotOurs,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Known {
    Ours,
    NotOurs,
}

/// Refuses requests for other hosts with 421 (RFC 9110 section 7.4), and those that name their host twice, not at
/// all, or in the request line of HTTP/1 with 400 (RFC 9112 section 3.2).
#[derive(Debug, Clone)]
pub struct HostCheck {
    /// The names that are ours.
    pub authorities: Authorities,
    /// Decides the default port.
    pub transport: Transport,
}

impl<S> Layer<S> for HostCheck {
    type Service = HostChecked<S>;

    fn layer(&self, inner: S) -> HostChecked<S> {
        HostChecked { check: self.clone(), inner }
    }
}

/// [`HostCheck`] before a service.
#[derive(Debug, Clone)]
pub struct HostChecked<S> {
    check: HostCheck,
    inner: S,
}

impl<S, R, B> Service<Request<R>> for HostChecked<S>
where
    S: Service<Request<R>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    R: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<Answer<B>>;
    type Error = Infallible;
    type Future = Eventually<Answer<B>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        match self.check.judge(&request) {
            Ok(()) => Box::pin(self.inner.clone().oneshot(request).map(|r| r.map(|r| r.map(Either::Left)))),
            Err(refusal) => Box::pin(std::future::ready(Ok(refusal.answer()))),
        }
    }
}

/// What is wrong with the host of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HostRefusal {
    Ambiguous,
    NotOurs,
}

impl HostRefusal {
    fn answer<B>(self) -> Response<Answer<B>> {
        let (status, description) = match self {
            Self::Ambiguous => (StatusCode::BAD_REQUEST, "the request does not name one host"),
            Self::NotOurs => (StatusCode::MISDIRECTED_REQUEST, "this server does not answer for that host"),
        };
        refused(status, &serde_json::json!({ "error": "invalid_request", "error_description": description }))
    }
}

impl HostCheck {
    fn judge<R>(&self, request: &Request<R>) -> Result<(), HostRefusal> {
        let mut named = request.headers().get_all(HOST).iter();
        let (header, another) = (named.next(), named.next());
        if another.is_some() {
            return Err(HostRefusal::Ambiguous);
        }
        let header = match header.map(HeaderValue::to_str) {
            None => None,
            Some(Ok(text)) => Some(text),
            Some(Err(_)) => return Err(HostRefusal::Ambiguous),
        };
        let target = request.uri().authority().map(http::uri::Authority::as_str);
        let asked = match (request.version() == Version::HTTP_2, target, header) {
            // RFC 9113 section 8.3.1: Host may repeat :authority, never contradict it.
            (true, Some(target), Some(header)) if target.eq_ignore_ascii_case(header) => target,
            (true, Some(target), None) => target,
            (_, None, Some(header)) => header,
            (_, Some(_), _) | (_, None, None) => return Err(HostRefusal::Ambiguous),
        };
        if asked.is_empty() {
            return Err(HostRefusal::Ambiguous);
        }
        match self.authorities.include(asked, self.transport) {
            Known::Ours => Ok(()),
            Known::NotOurs => Err(HostRefusal::NotOurs),
        }
    }
}

/// Puts the headers on every answer that any browser should see, and takes `Server` off.
#[derive(Debug, Clone)]
pub struct SecurityHeaders {
    /// HSTS is for TLS only (RFC 6797 section 7.2). It speaks for this host alone, not for hosts below it, which
    /// may be another department's.
    pub transport: Transport,
}

impl<S> Layer<S> for SecurityHeaders {
    type Service = SecurityHeadersSet<S>;

    fn layer(&self, inner: S) -> SecurityHeadersSet<S> {
        SecurityHeadersSet { transport: self.transport, inner }
    }
}

/// [`SecurityHeaders`] after a service.
#[derive(Debug, Clone)]
pub struct SecurityHeadersSet<S> {
    transport: Transport,
    inner: S,
}

impl<S, R, B> Service<Request<R>> for SecurityHeadersSet<S>
where
    S: Service<Request<R>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = Eventually<B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let transport = self.transport;
        Box::pin(self.inner.call(request).map(move |answered| {
            answered.map(|mut response| {
                let headers = response.headers_mut();
                headers.remove(SERVER);
                headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
                // a page with forms names its own: without a referrer browsers post with `Origin: null`
                headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
                match transport {
                    Transport::Plain => None,
                    Transport::Tls => headers
                        .insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000")),
                };
                response
            })
        }))
    }
}

/// Turns a panic into a 500 for the one request it belongs to. The answer holds a correlation identifier and
/// nothing of the panic, which may quote what must stay secret.
#[derive(Clone)]
pub struct PanicWall {
    /// Names a request that brought no `x-fapi-interaction-id` of its own.
    pub correlation: Arc<dyn Fn() -> CorrelationId + Send + Sync>,
}

impl<S> Layer<S> for PanicWall {
    type Service = PanicWalled<S>;

    fn layer(&self, inner: S) -> PanicWalled<S> {
        PanicWalled { wall: self.clone(), inner }
    }
}

/// [`PanicWall`] around a service.
#[derive(Clone)]
pub struct PanicWalled<S> {
    wall: PanicWall,
    inner: S,
}

/// The header that carries correlation identifiers.
const INTERACTION_ID: HeaderName = HeaderName::from_static("x-fapi-interaction-id");

impl<S, R, B> Service<Request<R>> for PanicWalled<S>
where
    S: Service<Request<R>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    R: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<Answer<B>>;
    type Error = Infallible;
    type Future = Eventually<Answer<B>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let given = request.headers().get(INTERACTION_ID).and_then(|value| value.to_str().ok());
        let given = given.and_then(|text| CorrelationId::new(text).ok());
        let (wall, inner) = (self.wall.clone(), self.inner.clone());
        let guarded = AssertUnwindSafe(async move { inner.oneshot(request).await }).catch_unwind();
        Box::pin(guarded.map(move |outcome| match outcome {
            Ok(Ok(response)) => Ok(response.map(Either::Left)),
            Ok(Err(never)) => match never {},
            Err(_) => Ok(broken(&given.unwrap_or_else(|| (wall.correlation)()))),
        }))
    }
}

fn broken<B>(correlation: &CorrelationId) -> Response<Answer<B>> {
    tracing::error!(correlation = %correlation, "a request handler panicked");
    let mut response = refused(
        StatusCode::INTERNAL_SERVER_ERROR,
        &serde_json::json!({ "error": "server_error", "correlation_id": correlation.as_str() }),
    );
    if let Ok(value) = HeaderValue::from_str(correlation.as_str()) {
        response.headers_mut().insert(INTERACTION_ID, value);
    }
    response
}

/// A short JSON answer of the edge itself.
pub(super) fn refused<B>(status: StatusCode, body: &serde_json::Value) -> Response<Answer<B>> {
    let mut response = Response::new(Either::Right(Full::new(Bytes::from(body.to_string()))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
