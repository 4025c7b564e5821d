//! The accept loop of the reference binaries: connections in, requests to one service, and an orderly end.
//!
//! Every wait has a bound and every collection a size, all in [`EdgeLimits`]. The application sees a request with
//! [`PeerAddress`] and, where the client showed one, [`ClientCertificate`] among its extensions; both come from the
//! connection and never from a header.

mod layers;
mod pulse;
mod shutdown;
mod visitor;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use oauth_core::{CorrelationId, Timestamp};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;
use tower::layer::Layer as _;
use tower_service::Service;

pub use self::layers::{
    Answer, Authorities, HostCheck, HostChecked, PanicWall, PanicWalled, SecurityHeaders, SecurityHeadersSet,
    Transport,
};
use self::pulse::{Counted, Phase, Pulse, Watched};
pub use self::shutdown::Shutdown;
pub use self::visitor::{ClientCertificate, PeerAddress};
use self::visitor::{Shown, Visitor};
use crate::tls::ChainTrust;

/// How long and how much, for every connection of a listener.
#[derive(Debug, Clone)]
pub struct EdgeLimits {
    /// Connections at one time; further ones wait in the listen queue.
    pub connections: usize,
    /// From the TCP connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// From there to the first bytes that tell the protocol.
    pub first_bytes: Duration,
    /// From the first byte of an HTTP/1 request to the end of its header fields.
    pub head: Duration,
    /// Without any request beginning or ending, while at least one is being read or answered.
    pub exchange: Duration,
    /// Between requests.
    pub idle: Duration,
    /// For a connection that has been told to close.
    pub parting: Duration,
    /// Header fields of one request.
    pub header_fields: usize,
    /// Bytes of the target and all header fields of one request.
    pub header_bytes: u32,
    /// Requests at one time on one HTTP/2 connection.
    pub streams: u32,
    /// HTTP/2 resets, received or provoked, that may be pending before the connection ends.
    pub resets: usize,
}

impl Default for EdgeLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            handshake: Duration::from_secs(10),
            first_bytes: Duration::from_secs(10),
            head: Duration::from_secs(10),
            exchange: Duration::from_secs(60),
            idle: Duration::from_secs(75),
            parting: Duration::from_secs(1),
            header_fields: 64,
            header_bytes: 32 * 1024,
            streams: 128,
            resets: 32,
        }
    }
}

/// What a listener needs besides its socket.
#[derive(Clone)]
pub struct Edge {
    /// The names it answers to.
    pub authorities: Authorities,
    /// Its bounds.
    pub limits: EdgeLimits,
    /// Tells the time, for judging certificates.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Names requests that fail without a name of their own.
    pub correlation: Arc<dyn Fn() -> CorrelationId + Send + Sync>,
}

/// A socket, bound and not yet served.
pub struct Listener {
    socket: TcpListener,
    security: Option<(TlsAcceptor, ChainTrust)>,
    edge: Edge,
}

/// How the end of a listener went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drain {
    /// Every connection ended by itself.
    Complete,
    /// This many were cut off.
    Cut(usize),
}

impl Listener {
    /// For `https`. Client certificates, where the configuration asks for them, are judged by `trust`.
    #[must_use]
    pub fn tls(socket: TcpListener, config: Arc<ServerConfig>, trust: ChainTrust, edge: Edge) -> Self {
        Self { socket, security: Some((TlsAcceptor::from(config), trust)), edge }
    }

    /// For `http`.
    #[must_use]
    pub const fn plain(socket: TcpListener, edge: Edge) -> Self {
        Self { socket, security: None, edge }
    }

    /// Serves until `shutdown` begins, then lets the requests in flight finish within its bound. Around the
    /// application stand, from outside: [`SecurityHeaders`], [`HostCheck`], [`PanicWall`].
    pub async fn serve<S, B>(self, application: S, shutdown: Shutdown) -> Drain
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Self { socket, security, edge } = self;
        let transport = if security.is_some() { Transport::Tls } else { Transport::Plain };
        let wall = PanicWall { correlation: Arc::clone(&edge.correlation) };
        let check = HostCheck { authorities: edge.authorities.clone(), transport };
        let service = SecurityHeaders { transport }.layer(check.layer(wall.layer(application)));

        let room = Arc::new(Semaphore::new(edge.limits.connections));
        let desk =
            Arc::new(Desk { http: Http::new(&edge.limits), security, edge, shutdown: shutdown.clone() });
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                (stream, peer, permit) = admit(&socket, &room) => {
                    let (desk, service) = (Arc::clone(&desk), service.clone());
                    connections.spawn(async move {
                        desk.receive(stream, peer, service).await;
                        drop(permit);
                    });
                }
                Some(_) = connections.join_next() => {}
                () = shutdown.begun() => break,
            }
        }
        drop(socket);
        let finished = async { while connections.join_next().await.is_some() {} };
        tokio::select! {
            () = finished => {}
            () = sleep(shutdown.drain_max) => {}
            () = shutdown.ended() => {}
        }
        let cut = connections.len();
        connections.shutdown().await;
        if cut == 0 { Drain::Complete } else { Drain::Cut(cut) }
    }
}

/// The next connection, once there is room for it.
async fn admit(
    socket: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // Acquiring fails only on a closed semaphore, and nobody closes this one.
    let permit = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) => {
                // Out of descriptors, or a peer that left at once: the next attempt may succeed.
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// What all connections of a listener share.
struct Desk {
    http: Http,
    security: Option<(TlsAcceptor, ChainTrust)>,
    edge: Edge,
    shutdown: Shutdown,
}

impl Desk {
    async fn receive<S, B>(&self, stream: TcpStream, peer: SocketAddr, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<Answer<B>>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        Answer<B>: Body<Data = Bytes> + Send + 'static,
        <Answer<B> as Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let _ = stream.set_nodelay(true);
        let Some((acceptor, trust)) = &self.security else {
            let visitor = Visitor { peer, certificate: None };
            return self.converse(stream, &self.http.either, visitor, service).await;
        };
        let secured = tokio::select! {
            secured = timeout(self.edge.limits.handshake, acceptor.accept(stream)) => secured,
            () = self.shutdown.begun() => return,
        };
        let Ok(Ok(stream)) = secured else {
            tracing::debug!(%peer, "a TLS handshake failed or took too long");
            return;
        };
        let (_, session) = stream.get_ref();
        let http = match session.alpn_protocol() {
            Some(b"h2") => &self.http.two,
            Some(_) | None => &self.http.one,
        };
        let certificate = session.peer_certificates().and_then(|chain| Shown::new(chain, trust));
        self.converse(stream, http, Visitor { peer, certificate }, service).await;
    }

    async fn converse<Io, S, B>(
        &self,
        io: Io,
        http: &auto::Builder<TokioExecutor>,
        visitor: Visitor,
        service: S,
    ) where
        Io: AsyncRead + AsyncWrite + Unpin + 'static,
        S: Service<Request<Incoming>, Response = Response<Answer<B>>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        Answer<B>: Body<Data = Bytes> + Send + 'static,
        <Answer<B> as Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let limits = &self.edge.limits;
        let pulse = Pulse::new();
        let (edge, beats) = (&self.edge, pulse.clone());
        let handler = hyper::service::service_fn(move |request| {
            let busy = beats.begin();
            let admitted = visitor.introduce(request, edge);
            let service = service.clone();
            async move {
                let response = match admitted {
                    Ok(request) => service.oneshot(request).await?,
                    Err(unfit) => unfit.answer(),
                };
                Ok::<_, Infallible>(response.map(|body| Counted { body: Box::pin(body), _busy: busy }))
            }
        });
        let io = TokioIo::new(Watched { io, pulse: pulse.clone() });
        let mut connection = pin!(http.serve_connection(io, handler));
        let patience = tokio::select! {
            _ = connection.as_mut() => return,
            phase = pulse.lapse(limits) => match phase {
                Phase::Opening | Phase::Head => return,
                Phase::Busy(_) | Phase::Idle => Some(limits.parting),
            },
            () = self.shutdown.begun() => match pulse.phase() {
                Phase::Opening => Some(limits.parting),
                // Bounded by the listener, which counts what it has to cut.
                Phase::Head | Phase::Busy(_) | Phase::Idle => None,
            },
        };
        connection.as_mut().graceful_shutdown();
        let _ = match patience {
            Some(patience) => timeout(patience, connection).await,
            None => Ok(connection.await),
        };
    }
}

/// hyper, set up once for each way a connection can begin.
struct Http {
    either: auto::Builder<TokioExecutor>,
    one: auto::Builder<TokioExecutor>,
    two: auto::Builder<TokioExecutor>,
}

impl Http {
    fn new(limits: &EdgeLimits) -> Self {
        let mut either = auto::Builder::new(TokioExecutor::new());
        either
            .http1()
            .timer(TokioTimer::new())
            // hyper's timer runs from the previous answer on; the head itself is timed by `Pulse`.
            .header_read_timeout(limits.idle.saturating_add(limits.head))
            .max_headers(limits.header_fields)
            .max_buf_size(usize::try_from(limits.header_bytes).unwrap_or(32 * 1024));
        either
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_pending_accept_reset_streams(limits.resets)
            .max_local_error_reset_streams(limits.resets)
            .max_header_list_size(limits.header_bytes)
            .initial_stream_window_size(64 * 1024)
            .initial_connection_window_size(256 * 1024)
            .max_frame_size(16 * 1024)
            .max_send_buf_size(64 * 1024);
        Self { one: either.clone().http1_only(), two: either.clone().http2_only(), either }
    }
}

#[cfg(test)]
mod tests;
