//! One service per listener: the authorization server, the APIs and the pages, composed by path.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use oauth_core::PeerCertificate;
use oauth_core::http::{ExternalOrigin, OAuthService};
use resource_server::http::ResourceService;
use tower_service::Service;

use super::ui::Ui;
use crate::serve::ClientCertificate;
use crate::tls::Chain;

/// What one public listener serves.
#[derive(Debug, Clone)]
pub struct PublicService {
    /// Authorization server.
    pub oauth: OAuthService,
    /// Banking, payment and consent APIs.
    pub apis: ResourceService,
    /// The bank's pages; the listener for machines has none.
    pub pages: Option<Arc<Ui>>,
    /// Origin of this listener as the outside world names it.
    pub origin: Arc<str>,
}

impl PublicService {
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
        request.extensions_mut().insert(ExternalOrigin(Arc::clone(&self.origin)));
        let path = request.uri().path();
        match &self.pages {
            Some(pages) if pages.serves(path) => pages.handle(request).await,
            Some(_) | None if self.apis.serves(path) => {
                let Ok(answer) = self.apis.clone().call(request).await;
                answer
            }
            Some(_) | None => self.oauth.handle(request).await,
        }
    }
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
