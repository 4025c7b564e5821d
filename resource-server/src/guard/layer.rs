//! The guard as a tower layer, for a bank's own routes.
//!
//! A layer does not read content. A guard that demands signed requests therefore lets nothing through here; call
//! [`Guard::judge_message`] where the content is read instead.
//!
//! ```text
//! let router = Router::new().route("/loyalty", get(points)).layer(GuardLayer::new(guard, origin, NEEDS));
//! async fn points(Extension(authority): Extension<Authority>) -> String
//! ```

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use oauth_core::{AuditEvent, AuditOutcome, Reason, Refusal};
use tower_service::Service;

use super::{Arrived, Authority, Guard, GuardRefusal, Needs, correlate};
use crate::http::{Origin, arrived_from};

/// Puts the guard before a service. The admitted request carries [`Authority`](super::Authority) as an extension.
#[derive(Debug, Clone)]
pub struct GuardLayer {
    guard: Arc<Guard>,
    origin: Origin,
    needs: Needs,
}

impl GuardLayer {
    /// A layer that enforces `needs`. `origin` is what callers see in front of the path: the start of `htu`.
    #[must_use]
    pub const fn new(guard: Arc<Guard>, origin: Origin, needs: Needs) -> Self {
        Self { guard, origin, needs }
    }
}

impl<S> tower_layer::Layer<S> for GuardLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, layer: self.clone() }
    }
}

/// Puts the guard before one service; [`GuardLayer`] without a layer.
#[must_use]
pub const fn guarded<S>(inner: S, layer: GuardLayer) -> Guarded<S> {
    Guarded { inner, layer }
}

/// A service behind the guard.
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    inner: S,
    layer: GuardLayer,
}

impl<S, B, R> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<Bytes> + Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one to be called; a clone waits for the next request.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let layer = self.layer.clone();
        Box::pin(async move {
            let guard = &layer.guard;
            let ports = guard.ports();
            let Ok((correlation, interaction)) = correlate(request.headers(), &*ports.entropy) else {
                return Ok(bare(StatusCode::INTERNAL_SERVER_ERROR));
            };
            let arrived =
                arrived_from(&request, &layer.origin, (correlation, interaction), ports.clock.now());
            let admitted = match guard.demands_signatures() {
                true => Err(oauth_core::Fault::new("guard", "a layer cannot judge signed content").into()),
                false => guard.admit(&arrived, &layer.needs).await,
            };
            let mut answer = match admitted {
                Ok(authority) => {
                    record(guard, &arrived, Some(&authority), AuditOutcome::Done);
                    request.extensions_mut().insert(authority);
                    inner.call(request).await?
                }
                Err(refusal) => refused(guard, &refusal, &arrived),
            };
            finish(answer.headers_mut(), guard, &arrived);
            Ok(answer)
        })
    }
}

fn refused<R: From<Bytes>>(guard: &Guard, refusal: &GuardRefusal, arrived: &Arrived) -> Response<R> {
    let outcome = if let GuardRefusal::Failed(fault) = refusal {
        AuditOutcome::Failed { port: fault.port, error: fault.source.to_string() }
    } else {
        AuditOutcome::Refused { rule: refusal.rule(), reason: refusal.status().to_string() }
    };
    record(guard, arrived, None, outcome);
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = bare(status);
    challenge(answer.headers_mut(), guard, refusal, arrived);
    answer
}

/// One event for each call: let through to the bank's own route, or turned away.
fn record(guard: &Guard, arrived: &Arrived, who: Option<&Authority>, outcome: AuditOutcome) {
    guard.ports().audit.record(&AuditEvent {
        at: arrived.now,
        endpoint: "guarded",
        correlation: arrived.correlation.clone(),
        client: who.map(|who| who.client.id.clone()),
        subject: who.and_then(|who| who.subject.clone()),
        grant: who.and_then(|who| who.claims().grant_id.clone()),
        consent: who.and_then(|who| who.claims().consent_id.clone()),
        outcome,
    });
}

fn bare<R: From<Bytes>>(status: StatusCode) -> Response<R> {
    let mut answer = Response::new(R::from(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

/// Adds the challenges of a refusal.
pub(crate) fn challenge(
    headers: &mut http::HeaderMap,
    guard: &Guard,
    refusal: &GuardRefusal,
    arrived: &Arrived,
) {
    for challenge in guard.challenges(refusal, arrived) {
        if let Ok(value) = HeaderValue::from_str(&challenge) {
            headers.append(header::WWW_AUTHENTICATE, value);
        }
    }
    if let GuardRefusal::Token(Refusal { reason: Reason::Message(_), .. }) = refusal
        && let Some(Ok(value)) = guard.accepted_signature(arrived).map(|value| HeaderValue::from_str(&value))
    {
        headers.insert("accept-signature", value);
    }
    if let Some(nonce) = guard.demanded_nonce(refusal, arrived)
        && let Ok(value) = HeaderValue::from_str(&nonce)
    {
        headers.insert(DPOP_NONCE, value);
    }
}

/// RFC 9449 section 9.
const DPOP_NONCE: &str = "dpop-nonce";

/// Adds what every answer carries: the identifier of the call, a nonce where proofs need one, and that nobody keeps it.
pub(crate) fn finish(headers: &mut http::HeaderMap, guard: &Guard, arrived: &Arrived) {
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(super::INTERACTION_ID, arrived.correlation.as_str());
    set("cache-control", "no-store");
    if let Some(nonce) = guard.fresh_nonce(arrived) {
        set(DPOP_NONCE, &nonce);
    }
}
