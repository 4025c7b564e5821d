//! One service per listener: every issuer's authorization server, pages and APIs, composed by host and path.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, Uri};
use http_body::Body;
use http_body_util::Full;
use oauth_core::http::{ExternalOrigin, OAuthService};
use oauth_core::{Issuer, PeerCertificate};
use resource_server::http::{CrossOrigin, ResourceService, is_preflight};
use serde::Deserialize;
use tower_service::Service;

use super::deployment::Ends;
use super::introspected::IntrospectedApi;
use super::ui::Ui;
use crate::serve::ClientCertificate;
use crate::tls::Chain;

/// The endpoints and pages of one issuer.
#[derive(Debug)]
pub struct Place {
    /// Authorization server.
    pub oauth: OAuthService,
    /// Pages; the listener for machines shows none.
    pub pages: Arc<Ui>,
    /// Whose pages may read answers of the endpoints that pages call.
    pub cross_origin: CrossOrigin,
    /// Origin of the browser and API listener as the outside world names it.
    pub origin: Arc<str>,
    /// Origin of the listener that asks for client certificates.
    pub mtls_origin: Arc<str>,
}

/// The APIs below one path, for the tokens of some issuers.
#[derive(Debug)]
pub struct ApiPlace {
    path: String,
    services: Vec<(Issuer, Api)>,
}

/// The APIs for one issuer's tokens.
#[derive(Debug, Clone)]
pub enum Api {
    /// Beside the authorization server, over its stores.
    Beside(ResourceService),
    /// In a process of their own.
    Introspected(Arc<IntrospectedApi>),
}

impl Api {
    fn serves(&self, path: &str) -> bool {
        match self {
            Self::Beside(service) => service.serves(path),
            Self::Introspected(api) => api.serves(path),
        }
    }

    async fn answer<B>(self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match self {
            Self::Beside(mut service) => {
                let Ok(answer) = service.call(request).await;
                answer
            }
            Self::Introspected(api) => api.call(request).await,
        }
    }
}

/// What a listener is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Browsers, and clients without certificates.
    Browsers,
    /// Clients with certificates.
    Machines,
}

/// What one public listener serves.
#[derive(Debug, Clone)]
pub struct PublicService {
    all: Arc<All>,
    face: Face,
}

#[derive(Debug)]
struct All {
    places: Vec<Place>,
    apis: Vec<ApiPlace>,
    own: Arc<str>,
    own_mtls: Arc<str>,
}

impl ApiPlace {
    /// The services of these issuers below `path`.
    #[must_use]
    pub fn new(path: &str, services: Vec<(Issuer, Api)>) -> Self {
        Self { path: path.to_owned(), services }
    }

    fn serves(&self, path: &str) -> bool {
        path.strip_prefix(self.path.as_str())
            .is_some_and(|rest| self.services.iter().any(|(_, service)| service.serves(rest)))
    }

    /// The service for this caller. The token says whose it claims to be; the service then judges whether it is.
    fn service(&self, headers: &HeaderMap) -> Option<Api> {
        let (_, first) = self.services.first()?;
        let claimed = match self.services.len() {
            1 => None,
            _ => claimed_issuer(headers),
        };
        let named = claimed.and_then(|claimed| {
            self.services.iter().find(|(issuer, _)| issuer.as_str() == claimed).map(|(_, service)| service)
        });
        Some(named.unwrap_or(first).clone())
    }
}

impl Place {
    fn origin(&self, face: Face) -> &Arc<str> {
        match face {
            Face::Browsers => &self.origin,
            Face::Machines => &self.mtls_origin,
        }
    }
}

impl PublicService {
    /// All places behind one door.
    #[must_use]
    pub fn new(ends: &Ends, places: Vec<Place>, apis: Vec<ApiPlace>) -> Self {
        let own = Arc::from(ends.origin.as_str());
        let own_mtls = Arc::from(ends.mtls_origin.as_str());
        Self { all: Arc::new(All { places, apis, own, own_mtls }), face: Face::Browsers }
    }

    /// The same for another listener.
    #[must_use]
    pub fn facing(&self, face: Face) -> Self {
        Self { all: Arc::clone(&self.all), face }
    }

    async fn answer<B>(&self, mut request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let shown = request.extensions_mut().remove::<ClientCertificate>();
        if let Some(shown) = shown {
            request.extensions_mut().insert(peer_certificate(&shown));
        }
        let origin = self.reached(&request);
        let here: Vec<&Place> =
            self.all.places.iter().filter(|place| *place.origin(self.face) == origin).collect();
        let path = request.uri().path();
        let pages = here.iter().find(|place| place.pages.serves(path));
        let pages = pages.or_else(|| here.first().filter(|_| path == "/" || path.starts_with("/assets/")));
        if let (Some(place), Face::Browsers) = (pages, self.face) {
            return place.pages.handle(request).await;
        }
        if let Some(place) = here.iter().find(|place| place.oauth.serves(path)) {
            request.extensions_mut().insert(ExternalOrigin(origin));
            return oauth(place, request).await;
        }
        let api = self.all.apis.iter().filter(|api| api.serves(path)).max_by_key(|api| api.path.len());
        if let Some((api, service)) = api.and_then(|api| Some((api, api.service(request.headers())?))) {
            request.extensions_mut().insert(ExternalOrigin(Arc::from(format!("{origin}{}", api.path))));
            return service.answer(below(request, &api.path)).await;
        }
        match here.first().or(self.all.places.first().as_ref()) {
            Some(place) => place.oauth.handle(request).await,
            None => {
                let mut nothing = Response::default();
                *nothing.status_mut() = http::StatusCode::NOT_FOUND;
                nothing
            }
        }
    }

    /// The origin that was reached: an issuer's own host, or the deployment's. The listener has let no other name in.
    fn reached<B>(&self, request: &Request<B>) -> Arc<str> {
        let host = request.headers().get(HOST).and_then(|value| value.to_str().ok());
        let asked = request.uri().authority().map(http::uri::Authority::as_str).or(host).unwrap_or_default();
        let mut origins = self.all.places.iter().map(|place| place.origin(self.face));
        let named = origins.find(|origin| is_at(origin, asked));
        let own = match self.face {
            Face::Browsers => &self.all.own,
            Face::Machines => &self.all.own_mtls,
        };
        Arc::clone(named.unwrap_or(own))
    }
}

/// The endpoints that a page of a participant may call itself are open to such pages, and no others.
async fn oauth<B>(place: &Place, request: Request<B>) -> Response<Full<Bytes>>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Some(methods) = place.oauth.called_by_pages(request.uri().path()) else {
        return place.oauth.handle(request).await;
    };
    let elsewhere = place.cross_origin.judge(request.headers()).await;
    if is_preflight(&request) {
        return elsewhere.preflight::<Bytes>(&methods).map(Full::new);
    }
    let mut answer = place.oauth.handle(request).await;
    elsewhere.mark(answer.headers_mut());
    answer
}

fn is_at(origin: &str, asked: &str) -> bool {
    let bare = |text: &str| text.strip_suffix(":443").unwrap_or(text).to_ascii_lowercase();
    origin.strip_prefix("https://").is_some_and(|authority| bare(authority) == bare(asked))
}

/// The request as the APIs see it, which know nothing of the path they are mounted below.
fn below<B>(request: Request<B>, prefix: &str) -> Request<B> {
    let (mut parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let rest = target.strip_prefix(prefix).and_then(|rest| rest.parse::<PathAndQuery>().ok());
    let mut uri = parts.uri.clone().into_parts();
    if rest.is_some() {
        uri.path_and_query = rest;
    }
    if let Ok(uri) = Uri::from_parts(uri) {
        parts.uri = uri;
    }
    Request::from_parts(parts, body)
}

#[derive(Deserialize)]
struct Claimed {
    iss: String,
}

/// `iss` of the token in the header, unverified. `None` for a handle, or for no token.
fn claimed_issuer(headers: &HeaderMap) -> Option<String> {
    let (_, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Claimed>(&payload).ok().map(|claimed| claimed.iss)
}

impl<B> Service<Request<B>> for PublicService
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
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

fn peer_certificate(shown: &ClientCertificate) -> PeerCertificate {
    let chain = match shown.chain {
        Chain::Trusted => oauth_core::Chain::Trusted,
        Chain::Untrusted => oauth_core::Chain::Untrusted,
    };
    PeerCertificate::new(Arc::clone(&shown.leaf_der), chain)
}
