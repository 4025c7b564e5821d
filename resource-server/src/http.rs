//! The guard and the dialects as one tower service.

mod cors;
mod descriptions;
mod metadata;
mod origin;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use oauth_core::{
    AuditEvent, AuditOutcome, CorrelationId, GrantId, PeerCertificate, RuleId, Timestamp, limits,
};

use crate::dialect::{Answer, Call, Dialect, Found, HeaderOrder, Route, find, methods};
use crate::guard::{
    Arrived, Authority, Body, Guard, GuardRefusal, HeaderFault, Interaction, Needs, Retry, WELL_KNOWN,
    challenge, correlate, finish, judge_headers,
};
use crate::openapi::{Interface, Operation};

pub use cors::{CrossOrigin, Elsewhere, is_preflight};
pub use descriptions::DESCRIPTIONS;
pub use oauth_core::http::ExternalOrigin;
pub use origin::{NotAnOrigin, Origin};

/// The resource server as one `tower_service::Service`. Clones share everything.
#[derive(Clone)]
pub struct ResourceService {
    origin: Origin,
    mounts: Arc<[Box<dyn Mounted>]>,
}

impl std::fmt::Debug for ResourceService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResourceService").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Puts dialects together.
pub struct Mounting {
    origin: Origin,
    mounts: Vec<Box<dyn Mounted>>,
}

impl std::fmt::Debug for Mounting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mounting").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Mounting {
    /// Adds a dialect below its base, behind a guard.
    #[must_use]
    pub fn mount<D: Dialect>(mut self, dialect: D, guard: Arc<Guard>) -> Self {
        self.mounts.push(Box::new(Mount { dialect, guard }));
        self
    }

    /// The service.
    #[must_use]
    pub fn service(self) -> ResourceService {
        ResourceService { origin: self.origin, mounts: self.mounts.into() }
    }
}

/// One row of a table of routes, for documentation and for tests that walk it.
#[derive(Debug, Clone)]
pub struct RouteInfo {
    /// The method.
    pub method: http::Method,
    /// The path with its base.
    pub path: String,
    /// What the caller must bring.
    pub needs: Needs,
    /// What it is called, takes and answers.
    pub about: Option<&'static Operation>,
}

impl ResourceService {
    /// Begins a service that callers reach at this origin.
    #[must_use]
    pub const fn at(origin: Origin) -> Mounting {
        Mounting { origin, mounts: Vec::new() }
    }

    /// Whether a path is below the base of one of the dialects.
    #[must_use]
    pub fn serves(&self, path: &str) -> bool {
        path.starts_with(WELL_KNOWN)
            || path.starts_with(DESCRIPTIONS)
            || self.mounts.iter().any(|mount| mount.serves(path))
    }

    /// Every route of every dialect.
    #[must_use]
    pub fn routes(&self) -> Vec<RouteInfo> {
        self.mounts.iter().flat_map(|mount| mount.routes()).collect()
    }
}

impl<B> tower_service::Service<Request<B>> for ResourceService
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let path = request.uri().path();
            let answer = match service.mounts.iter().find(|mount| mount.serves(path)) {
                Some(mount) => mount.answer(incoming(request, &service.origin)).await,
                None if path.starts_with(WELL_KNOWN) => service.metadata(request.method(), path),
                None if path.starts_with(DESCRIPTIONS) => service.description(request.method(), path),
                None => bare(StatusCode::NOT_FOUND),
            };
            Ok(answer.map(Full::new))
        })
    }
}

/// A request whose body has not been read.
struct Incoming {
    head: Request<()>,
    origin: Origin,
    body: Unread,
}

/// A body until somebody reads it.
type Unread = Option<Pin<Box<dyn Future<Output = Result<Bytes, GuardRefusal>> + Send>>>;

fn incoming<B>(request: Request<B>, origin: &Origin) -> Incoming
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    let bounded = Limited::new(body, limits::SIGNED_BODY_BYTES);
    let reading = async move {
        match bounded.collect().await {
            Ok(read) => Ok(read.to_bytes()),
            Err(fault) if fault.is::<LengthLimitError>() => Err(GuardRefusal::TooLarge),
            Err(_) => Err(GuardRefusal::BrokenOff),
        }
    };
    Incoming { head: Request::from_parts(parts, ()), origin: origin.clone(), body: Some(Box::pin(reading)) }
}

/// The head of a request as the guard looks at it.
pub(crate) fn arrived_from<B>(
    request: &Request<B>,
    origin: &Origin,
    (correlation, interaction): (CorrelationId, Interaction),
    now: Timestamp,
) -> Arrived {
    let external = request.extensions().get::<ExternalOrigin>();
    Arrived {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().map(str::to_owned),
        headers: request.headers().clone(),
        certificate: request.extensions().get::<PeerCertificate>().cloned(),
        origin: external
            .map_or_else(|| origin.as_str().to_owned(), |external| external.0.as_ref().to_owned()),
        correlation,
        interaction,
        now,
    }
}

/// The table of a dialect, below a base.
#[must_use]
pub fn rows<D: Dialect>(base: &str) -> Vec<RouteInfo> {
    let info = |route: &Route<D>| RouteInfo {
        method: route.method.clone(),
        path: format!("{base}{}", route.path),
        needs: route.needs,
        about: route.about,
    };
    D::routes().iter().map(info).collect()
}

/// A dialect behind its guard, whatever its type.
#[async_trait]
trait Mounted: Send + Sync {
    fn serves(&self, path: &str) -> bool;
    fn guard(&self) -> &Guard;
    fn routes(&self) -> Vec<RouteInfo>;
    fn interface(&self) -> Option<Interface>;
    async fn answer(&self, incoming: Incoming) -> Answer;
}

struct Mount<D> {
    dialect: D,
    guard: Arc<Guard>,
}

#[async_trait]
impl<D: Dialect> Mounted for Mount<D> {
    fn serves(&self, path: &str) -> bool {
        path.strip_prefix(self.dialect.base()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn guard(&self) -> &Guard {
        &self.guard
    }

    fn routes(&self) -> Vec<RouteInfo> {
        rows::<D>(self.dialect.base())
    }

    fn interface(&self) -> Option<Interface> {
        self.dialect.interface()
    }

    async fn answer(&self, mut incoming: Incoming) -> Answer {
        let ports = self.guard.ports();
        let Ok(correlation) = correlate(incoming.head.headers(), &*ports.entropy) else {
            return bare(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let arrived = arrived_from(&incoming.head, &incoming.origin, correlation, ports.clock.now());
        let elsewhere = match self.dialect.cross_origin() {
            Some(allowed) => Some(allowed.judge(&arrived.headers).await),
            None => None,
        };
        if let Some(elsewhere) = elsewhere.as_ref().filter(|_| is_preflight(&incoming.head)) {
            let below = arrived.path.strip_prefix(self.dialect.base()).unwrap_or_default();
            return elsewhere.preflight(&methods::<D>(below));
        }
        let (endpoint, outcome) = self.run(&arrived, &mut incoming.body).await;
        // RFC 9112 section 9.3: what is left of a body that nobody wanted is read, or the connection would have to be closed under
        // a client that is about to use it again.
        if let Some(rest) = incoming.body.take() {
            drop(rest.await);
        }
        let (mut answer, who) = match outcome {
            Ok((answer, authority)) => (answer, Some(authority)),
            Err((refusal, authority)) => {
                let mut answer = match &authority {
                    Some(who) => self.dialect.refuse_client(&refusal, &arrived, &who.client).await,
                    None => self.dialect.refuse(&refusal, &arrived).await,
                };
                answer.extensions_mut().insert(refusal.rule());
                challenge(answer.headers_mut(), &self.guard, &refusal, &arrived);
                if let GuardRefusal::Method { allow } = &refusal
                    && let Ok(allow) = HeaderValue::from_str(allow)
                {
                    answer.headers_mut().insert(http::header::ALLOW, allow);
                }
                if let GuardRefusal::Failed(fault) = &refusal {
                    tracing::error!(port = fault.port, error = %fault.source, correlation = arrived.correlation.as_str(), "resource server");
                }
                (answer, authority)
            }
        };
        finish(answer.headers_mut(), &self.guard, &arrived);
        if let Some(elsewhere) = &elsewhere {
            elsewhere.mark(answer.headers_mut());
        }
        self.audit(endpoint, &arrived, who.as_ref(), &answer);
        if let Err(fault) = self.guard.sign_answer(&arrived, &mut answer).await {
            tracing::error!(port = fault.port, error = %fault.source, correlation = arrived.correlation.as_str(), "resource server");
            return bare(StatusCode::INTERNAL_SERVER_ERROR);
        }
        answer
    }
}

/// An answer and who got it, or a refusal and who it was for, where that is known.
type Ran = Result<(Answer, Who), (GuardRefusal, Option<Who>)>;

/// What audit keeps of an [`Authority`].
struct Who {
    client: Arc<oauth_core::Client>,
    subject: Option<oauth_core::Subject>,
    grant: Option<GrantId>,
    consent: Option<oauth_core::ConsentId>,
}

impl Who {
    fn of(authority: &Authority) -> Self {
        Self {
            client: Arc::clone(&authority.client),
            subject: authority.subject.clone(),
            grant: authority.claims().grant_id.clone(),
            consent: authority.claims().consent_id.clone(),
        }
    }
}

impl<D: Dialect> Mount<D> {
    /// Read, identify, and then the route's own work.
    async fn run(&self, arrived: &Arrived, body: &mut Unread) -> (&'static str, Ran) {
        let below = arrived.path.strip_prefix(self.dialect.base()).unwrap_or_default();
        let (route, params) = match find::<D>(&arrived.method, below) {
            Found::Route(route, params) => (route, params),
            Found::OtherMethods(allow) => return ("", Err((GuardRefusal::Method { allow }, None))),
            Found::Nothing => return ("", Err((GuardRefusal::NotFound, None))),
        };
        let authority = match self.guard.identify(arrived, &route.needs).await {
            Ok(authority) => authority,
            Err(refusal) => return (route.path, Err((refusal, None))),
        };
        let who = Who::of(&authority);
        let ran = match self.admit(arrived, route, &authority, body).await {
            Ok((key, body)) => {
                let call = Call { authority, arrived: arrived.clone(), params, body, key };
                Ok(((route.handle)(&self.dialect, &call).await, who))
            }
            Err(refusal) => Err((refusal, Some(who))),
        };
        (route.path, ran)
    }

    /// What is judged between the token and the route's own work.
    async fn admit(
        &self,
        arrived: &Arrived,
        route: &Route<D>,
        authority: &Authority,
        body: &mut Unread,
    ) -> Result<(Option<crate::domain::IdempotencyKey>, Bytes), GuardRefusal> {
        self.guard.in_time(authority)?;
        let rules = D::headers();
        if rules.order == HeaderOrder::AfterScope {
            authority.in_scope()?;
        }
        for (name, most) in D::bounded() {
            if arrived.header(name)?.is_some_and(|sent| sent.len() > *most) {
                return Err(GuardRefusal::Header { name, fault: HeaderFault::Malformed });
            }
        }
        let rules = (rules, D::produces(route.path, &authority.client));
        let asked = judge_headers(arrived, rules, &route.needs, &authority.client)?;
        self.dialect.takes_part(authority).await?;
        authority.in_scope()?;
        authority.signed_in_well()?;
        if route.needs.retry == Retry::None {
            authority.pass()?;
        }
        let body = match route.needs.body {
            Body::None => Bytes::new(),
            Body::Json | Body::SignedJwt => match body.take() {
                Some(reading) => reading.await?,
                None => Bytes::new(),
            },
        };
        self.guard.judge_message(arrived, &authority.client, &body).await?;
        Ok((asked.key, body))
    }

    fn audit(&self, endpoint: &'static str, arrived: &Arrived, who: Option<&Who>, answer: &Answer) {
        let status = answer.status();
        let outcome = if status.is_success() {
            AuditOutcome::Done
        } else {
            let rule = answer.extensions().get::<RuleId>().copied().unwrap_or(ANSWERED);
            AuditOutcome::Refused { rule, reason: status.as_u16().to_string() }
        };
        self.guard.ports().audit.record(&AuditEvent {
            at: arrived.now,
            endpoint,
            correlation: arrived.correlation.clone(),
            client: who.map(|who| who.client.id.clone()),
            subject: who.and_then(|who| who.subject.clone()),
            grant: who.and_then(|who| who.grant.clone()),
            consent: who.and_then(|who| who.consent.clone()),
            outcome,
        });
    }
}

/// The route's own work said no.
const ANSWERED: RuleId = RuleId("RS-operation");

fn bare(status: StatusCode) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer.headers_mut().insert("cache-control", HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path_and_no_surroundings() {
        assert!(Origin::new("https://api.example:8443").is_ok());
        for bad in
            ["https://api.example/", "api.example", "https://", "https://a b", "https://u@h", "ftp://h"]
        {
            assert_eq!(Origin::new(bad), Err(NotAnOrigin), "{bad}");
        }
    }
}
