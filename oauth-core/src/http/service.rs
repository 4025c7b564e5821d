//! One service for all endpoints: bytes to typed request, one method of the server, typed result to bytes.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;

use super::ExternalOrigin;
use super::answer::{self, Answer, DPOP_NONCE, INTERACTION_ID, INTROSPECTION_JWT};
use super::body::{Unread, form_if_any, left_over, read_form, refuse, whole};
use super::routes::{Aliased, Endpoint, Routes};
use crate::endpoint::Submitted;
use crate::endpoint::authorize::AuthorizeSubmitted;
use crate::endpoint::introspect::{AnswerForm, IntrospectionAnswer};
use crate::endpoint::introspect_by_query::QuerySubmitted;
use crate::endpoint::userinfo::UserinfoAnswer;
use crate::limits;
use crate::refusal::reason::{RequestReason, TokenReason};
use crate::refusal::{Error, Refusal, RuleId};
use crate::server::{AuthorizationServer, PeerCertificate, Presented};
use crate::vocabulary::id::CorrelationId;
use crate::wire::form::Form;

/// Name of the cookie that ties a browser to its tickets.
pub const BROWSER_COOKIE: &str = "__Host-browser";

/// The endpoints of an [`AuthorizationServer`] as a tower service.
#[derive(Debug, Clone)]
pub struct OAuthService {
    server: Arc<AuthorizationServer>,
    routes: Arc<Routes>,
}

/// RFC 9110 section 15.5.5: the path exists.
const PATH: RuleId = RuleId("RFC9110-15.5.5");
/// RFC 9110 section 15.5.6: the method is one of the endpoint's.
const METHOD: RuleId = RuleId("RFC9110-15.5.6");
/// RFC 6749 section 3.2: parameters travel in the body, not also in the query.
const BODY_ONLY: RuleId = RuleId("RFC6749-3.2-query");
/// RFC 6750 section 2: one way to send a token, and here it is the header.
const IN_THE_HEADER: RuleId = RuleId("RFC6750-2-userinfo");

impl OAuthService {
    /// Serves the endpoints at the paths of the settings.
    #[must_use]
    pub fn new(server: Arc<AuthorizationServer>) -> Self {
        let routes = Arc::new(Routes::new(server.settings()));
        Self { server, routes }
    }

    /// Serves the endpoint at `existing` at `also` too, with the same handler. An `existing` path that leads nowhere
    /// changes nothing.
    #[must_use]
    pub fn alias(mut self, existing: &str, also: &str) -> Self {
        let mut routes = Routes::clone(&self.routes);
        if routes.alias(existing, also) == Aliased::Done {
            self.routes = Arc::new(routes);
        }
        self
    }

    /// Lets the introspection endpoint at this path, one of its own or an alias, answer questions in a query as well: for
    /// interfaces that list it so.
    #[must_use]
    pub fn introspect_by_query(mut self, path: &str) -> Self {
        let mut routes = Routes::clone(&self.routes);
        routes.by_query(path);
        self.routes = Arc::new(routes);
        self
    }

    /// Whether a path is one of this service's, for hosts that compose it with their own routes.
    #[must_use]
    pub fn serves(&self, path: &str) -> bool {
        self.routes.find(path).is_some()
    }

    /// The methods of an endpoint that a client's own pages may call: token, pushed requests, userinfo. `None` for any other
    /// path, which no page calls. Whose pages may read the answers is the host's to say.
    #[must_use]
    pub fn called_by_pages(&self, path: &str) -> Option<String> {
        let endpoint = self.routes.find(path)?;
        let open = matches!(endpoint, Endpoint::Token | Endpoint::Par | Endpoint::Userinfo);
        let methods: Vec<&str> = endpoint.methods().iter().map(Method::as_str).collect();
        open.then(|| methods.join(", "))
    }

    /// Answers one request.
    pub async fn handle<B>(&self, request: Request<B>) -> Answer
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        self.answer(head, Box::pin(whole(body))).await
    }

    /// The same for every kind of body, so that all of it is compiled here and not again in every program that serves.
    fn answer<'r>(
        &'r self,
        head: Parts,
        body: Unread<'r>,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'r>> {
        Box::pin(self.answered(head, body))
    }

    async fn answered(&self, head: Parts, body: Unread<'_>) -> Answer {
        let correlation = match correlation(&self.server, &head.headers) {
            Ok(correlation) => correlation,
            Err(fault) => {
                // without an identifier there is nothing to record it under
                tracing::error!(port = fault.port, error = %fault.source, "a request cannot be told from others");
                return answer::error(&self.server, None, &fault.into());
            }
        };
        let endpoint = self.routes.asked(&head.method, head.uri.path());
        let tried = tried_basic(&head.headers);
        let allowed = self.routes.allowed(head.uri.path());
        let wanted = answer::Wanted::of(&self.server, &head.headers);
        let mut response = match self.dispatch(endpoint, (head, body), &correlation).await {
            Ok(response) => response,
            Err(stopped) => self.refused(endpoint, stopped, (&correlation, wanted)),
        };
        answer::put(&mut response, INTERACTION_ID, correlation.as_str());
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            answer::put(&mut response, http::header::ALLOW, &allowed);
        }
        let guarded = matches!(endpoint, Some(Endpoint::Userinfo | Endpoint::IntrospectByQuery));
        let ours = !guarded && response.status() == StatusCode::UNAUTHORIZED;
        if tried == Tried::Basic && ours {
            // RFC 6749 section 5.2: the scheme that was tried, though no client here is registered for it
            answer::put(&mut response, http::header::WWW_AUTHENTICATE, "Basic realm=\"clients\"");
        }
        let proves = matches!(
            endpoint,
            Some(
                Endpoint::Par
                    | Endpoint::Token
                    | Endpoint::Introspect
                    | Endpoint::IntrospectByQuery
                    | Endpoint::Revoke
                    | Endpoint::Userinfo
            )
        );
        if proves && let Some(nonce) = self.server.fresh_nonce() {
            answer::put(&mut response, DPOP_NONCE, &nonce);
        }
        response
    }

    /// The answer to what did not get through, on record whoever stopped it.
    fn refused(
        &self,
        endpoint: Option<Endpoint>,
        stopped: Stopped,
        (correlation, wanted): (&CorrelationId, answer::Wanted),
    ) -> Answer {
        let error = match stopped {
            Stopped::Outside(error) => {
                self.server.record_outside(endpoint.map_or("", Endpoint::name), &error, correlation);
                error
            }
            Stopped::Inside(error) => error,
        };
        match endpoint {
            Some(Endpoint::Authorize) => answer::error_page(&self.server, &error, (correlation, wanted)),
            Some(_) | None => answer::error(&self.server, endpoint, &error),
        }
    }

    async fn dispatch(
        &self,
        endpoint: Option<Endpoint>,
        (head, body): (Parts, Unread<'_>),
        correlation: &CorrelationId,
    ) -> Result<Answer, Stopped> {
        let endpoint = endpoint.ok_or_else(|| refuse(PATH, RequestReason::NotFound))?;
        if !endpoint.methods().contains(&head.method) {
            left_over(body).await;
            return Err(refuse(METHOD, RequestReason::Method).into());
        }
        let server = &self.server;
        match endpoint {
            Endpoint::Metadata => {
                Ok(answer::document(&server.metadata(), "application/json", answer::METADATA_MAX_AGE))
            }
            Endpoint::Jwks => {
                let max_age = server.settings().keys.set_max_age;
                Ok(answer::document(
                    &server.jwks().await.map_err(Stopped::Outside)?,
                    "application/jwk-set+json",
                    max_age,
                ))
            }
            Endpoint::Authorize => {
                let submitted = self.arriving(&head, body).await?;
                Ok(answer::interact(&server.authorize(submitted, correlation).await?))
            }
            Endpoint::Userinfo => {
                let presented = self.presented(&head);
                only_in_the_header(&head, body).await?;
                match server.userinfo(&presented, correlation).await? {
                    UserinfoAnswer::Json(claims) => Ok(answer::json(StatusCode::OK, &claims)),
                    UserinfoAnswer::Jwt(jwt) => Ok(answer::signed(jwt, "application/jwt")),
                }
            }
            Endpoint::Par => {
                let pushed = server.push(self.submitted(&head, body).await?, correlation).await?;
                Ok(answer::json(StatusCode::CREATED, &pushed))
            }
            Endpoint::Token => {
                let issued = server.token(self.submitted(&head, body).await?, correlation).await?;
                Ok(answer::json(StatusCode::OK, &issued))
            }
            Endpoint::Introspect => {
                let wanted = wanted_form(&head.headers);
                match server.introspect(self.submitted(&head, body).await?, wanted, correlation).await? {
                    IntrospectionAnswer::Json(introspection) => {
                        Ok(answer::json(StatusCode::OK, &introspection))
                    }
                    IntrospectionAnswer::Jwt(jwt) => Ok(answer::signed(jwt, INTROSPECTION_JWT)),
                }
            }
            Endpoint::IntrospectByQuery => {
                let query = head.uri.query().unwrap_or_default().as_bytes().to_vec();
                let submitted = QuerySubmitted { query, presented: self.presented(&head) };
                Ok(answer::queried(&server.introspect_by_query(submitted, correlation).await?))
            }
            Endpoint::Revoke => {
                server.revoke(self.submitted(&head, body).await?, correlation).await?;
                Ok(answer::empty())
            }
        }
    }

    async fn submitted(&self, head: &Parts, body: Unread<'_>) -> Result<Submitted, Refusal> {
        if head.uri.query().is_some_and(|query| !query.is_empty()) {
            left_over(body).await;
            return Err(refuse(BODY_ONLY, RequestReason::Malformed));
        }
        let presented = self.presented(head);
        Ok(Submitted { body: read_form(&head.headers, body).await?, presented })
    }

    async fn arriving(&self, head: &Parts, body: Unread<'_>) -> Result<AuthorizeSubmitted, Refusal> {
        let browser = cookie(&head.headers, BROWSER_COOKIE);
        let query = if head.method == Method::POST {
            read_form(&head.headers, body).await?
        } else {
            head.uri.query().unwrap_or_default().as_bytes().to_vec()
        };
        Ok(AuthorizeSubmitted { query, browser })
    }

    fn presented(&self, head: &Parts) -> Presented {
        let origin = head.extensions.get::<ExternalOrigin>();
        let origin = origin.map_or_else(|| self.server.settings().issuer.origin(), |reached| &*reached.0);
        Presented {
            method: head.method.as_str().to_owned(),
            uri: format!("{origin}{}", head.uri.path()),
            dpop: values(&head.headers, "dpop"),
            authorization: values(&head.headers, "authorization"),
            certificate: head.extensions.get::<PeerCertificate>().cloned(),
        }
    }
}

impl<B> tower_service::Service<Request<B>> for OAuthService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.handle(request).await) })
    }
}

/// A request that got no further, and whether the server has it on record already.
enum Stopped {
    /// By this service, before a method of the server was called.
    Outside(Error),
    /// By the server, which recorded it.
    Inside(Error),
}

impl From<Refusal> for Stopped {
    fn from(refusal: Refusal) -> Self {
        Self::Outside(refusal.into())
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Inside(error)
    }
}

/// RFC 6750 section 2 with FAPI 2.0 Security Profile section 5.3.4: the token travels in the header and nowhere else.
async fn only_in_the_header(head: &Parts, body: Unread<'_>) -> Result<(), Refusal> {
    let query = head.uri.query().unwrap_or_default().as_bytes().to_vec();
    let form = form_if_any(&head.headers, body).await?;
    for parameters in [query, form] {
        if Form::read(&parameters, limits::FORM_BODY_BYTES)?.get("access_token").is_some() {
            return Err(Refusal { rule: IN_THE_HEADER, reason: TokenReason::Misplaced.into() });
        }
    }
    Ok(())
}

/// Whether a client tried `client_secret_basic` (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    Basic,
    NotBasic,
}

fn tried_basic(headers: &http::HeaderMap) -> Tried {
    let scheme = |value: &String| value.split(' ').next().is_some_and(|it| it.eq_ignore_ascii_case("basic"));
    if values(headers, "authorization").iter().any(scheme) { Tried::Basic } else { Tried::NotBasic }
}

fn wanted_form(headers: &http::HeaderMap) -> AnswerForm {
    let asked = values(headers, "accept");
    let signed = asked.iter().any(|value| {
        value.split(',').any(|one| {
            let media = one.split(';').next().unwrap_or_default();
            media.trim_matches([' ', '\t']).eq_ignore_ascii_case(INTROSPECTION_JWT)
        })
    });
    if signed { AnswerForm::Jwt } else { AnswerForm::Json }
}

/// Every value of a header; one that is not visible ASCII counts as present and malformed.
fn values(headers: &http::HeaderMap, name: &str) -> Vec<String> {
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or("\u{fffd}").to_owned();
    headers.get_all(name).iter().map(text).collect()
}

/// The caller's own identifier when it is a UUID, a fresh one otherwise.
fn correlation(
    server: &AuthorizationServer,
    headers: &http::HeaderMap,
) -> Result<CorrelationId, crate::refusal::Fault> {
    let mut sent = headers.get_all(INTERACTION_ID).iter();
    if let (Some(only), None) = (sent.next(), sent.next())
        && let Ok(text) = only.to_str()
        && is_uuid(text)
        && let Ok(correlation) = CorrelationId::new(text)
    {
        return Ok(correlation);
    }
    server.fresh_correlation()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The value of a cookie (RFC 6265 section 4.2). A name that comes twice is as good as absent: one of the two was
/// planted.
#[must_use]
pub fn cookie(headers: &http::HeaderMap, name: &str) -> Option<String> {
    let mut found = None;
    for header in headers.get_all(http::header::COOKIE) {
        for pair in header.to_str().ok()?.split(';') {
            let Some((key, value)) = pair.split_once('=') else { continue };
            if key.trim_matches(' ') == name {
                if found.is_some() {
                    return None;
                }
                found = Some(value.trim_matches(' ').to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&'static str]) -> http::HeaderMap {
        let mut headers = http::HeaderMap::new();
        for cookie in cookies {
            headers.append(http::header::COOKIE, http::HeaderValue::from_static(cookie));
        }
        headers
    }

    #[test]
    fn a_cookie_is_found_among_others_and_a_doubled_one_is_not() {
        assert_eq!(cookie(&headers(&["a=1; __Host-browser=x; b=2"]), BROWSER_COOKIE).as_deref(), Some("x"));
        assert_eq!(cookie(&headers(&["__Host-browser=x; __Host-browser=y"]), BROWSER_COOKIE), None);
        assert_eq!(cookie(&headers(&["__Host-browser=x", "__Host-browser=y"]), BROWSER_COOKIE), None);
        assert_eq!(cookie(&headers(&["__host-browser=x"]), BROWSER_COOKIE), None);
    }

    #[test]
    fn only_a_uuid_is_taken_for_an_interaction_id() {
        assert!(is_uuid("0f3d7c0e-5a2b-4a51-9a53-0d2b8f0f9a11"));
        for bad in [
            "",
            "0f3d7c0e5a2b4a519a530d2b8f0f9a11",
            "0f3d7c0e-5a2b-4a51-9a53-0d2b8f0f9a1g",
            "0f3d7c0e-5a2b-4a51-9a53-0d2b8f0f9a1\n",
        ] {
            assert!(!is_uuid(bad), "{bad:?}");
        }
    }
}
