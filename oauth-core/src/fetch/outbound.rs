//! One bounded exchange with a server that somebody else named: the only door through which this server calls out.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;

use super::address::{Range, Reach};
use super::connect::{self, Connector};
use super::places::Places;
use super::resolve::Resolve;
use crate::limits;
use crate::port::clock::Clock;
use crate::vocabulary::https_url::HttpsUrl;

/// Calls other people's servers: `https` only, addresses judged before each connection and that connection made to the
/// judged address, certificates verified, no redirects, cookies, proxies, compression or credentials, and every exchange
/// bounded in time and size.
pub struct Outbound {
    connector: Connector,
    places: Places,
    time_max: Duration,
    connect_max: Duration,
}

/// What a deployment chooses about its calls.
#[derive(Debug, Clone)]
pub struct OutboundSettings {
    /// How far they go.
    pub reach: Reach,
    /// Ports that may be called.
    pub ports: Vec<u16>,
    /// Time for one exchange, from waiting for its turn to the last byte of the answer.
    pub time_max: Duration,
    /// The part of it that may pass until the connection stands: name, address and TLS.
    pub connect_max: Duration,
    /// Exchanges at a time.
    pub at_once: usize,
    /// Exchanges at a time with one host.
    pub at_once_per_host: usize,
}

impl Default for OutboundSettings {
    /// Port 443 of the internet, three seconds, 32 at a time and four with one host.
    fn default() -> Self {
        Self {
            reach: Reach::Internet,
            ports: vec![443],
            time_max: Duration::from_secs(3),
            connect_max: Duration::from_secs(3),
            at_once: 32,
            at_once_per_host: 4,
        }
    }
}

impl OutboundSettings {
    /// For events that are sent to third parties: five seconds, two of them for the connection (UAE bank service initiation
    /// section 11.2).
    #[must_use]
    pub fn for_webhooks(self) -> Self {
        Self { time_max: Duration::from_secs(5), connect_max: Duration::from_secs(2), ..self }
    }
}

/// A request to be sent.
#[derive(Clone)]
pub struct Outgoing<'a> {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: &'a HttpsUrl,
    /// Header fields; `Host`, `Connection`, `User-Agent` and `Accept-Encoding` are set here.
    pub headers: HeaderMap,
    /// The content.
    pub body: Bytes,
    /// Bytes of content that the answer may have.
    pub answer_bytes: usize,
}

// Header fields carry credentials, and contents are for the two ends only.
impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} {}, {} bytes)", self.method, self.url.authority(), self.body.len())
    }
}

/// An answer, read in full. Its status is whatever it was; a redirect is an answer like others.
#[derive(Clone)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// The content.
    pub body: Bytes,
}

impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answered({}, {} bytes)", self.status.as_u16(), self.body.len())
    }
}

/// Why there is no answer. For the log: what is told to a caller must not depend on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundFault {
    /// The port is not one that may be called.
    #[error("port {0} may not be called")]
    Port(u16),
    /// The name has no address.
    #[error("the host has no address: {0}")]
    Unresolved(String),
    /// One of its addresses may not be called.
    #[error("the host has {0}, which may not be called")]
    Address(Range),
    /// Nobody answers there.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// TLS failed; most often the certificate.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// Not a well-formed HTTP exchange.
    #[error("HTTP failed: {0}")]
    Http(String),
    /// More content than allowed.
    #[error("the answer is too large")]
    TooLarge,
    /// Content in an encoding that nobody asked for.
    #[error("the answer is compressed or otherwise encoded")]
    Encoded,
    /// Not done in time.
    #[error("the exchange took too long")]
    Slow,
    /// No turn came in time: too many other exchanges.
    #[error("too many exchanges at a time")]
    Busy,
}

impl Outbound {
    /// A client that trusts these authorities and speaks TLS with this provider.
    ///
    /// # Errors
    /// When the provider supports neither TLS 1.3 nor 1.2.
    pub fn new(
        settings: OutboundSettings,
        (roots, provider): (RootCertStore, Arc<CryptoProvider>),
        resolver: Arc<dyn Resolve>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, rustls::Error> {
        let tls = connect::tls(roots, provider, clock)?;
        Ok(Self {
            connector: Connector { reach: settings.reach, ports: settings.ports, resolver, tls },
            places: Places::new(settings.at_once, settings.at_once_per_host),
            time_max: settings.time_max,
            connect_max: settings.connect_max,
        })
    }

    /// How long a call may take.
    #[must_use]
    pub const fn time_max(&self) -> Duration {
        self.time_max
    }

    /// Sends a request and reads the answer, whatever its status.
    ///
    /// # Errors
    /// [`OutboundFault`].
    pub async fn call(&self, outgoing: Outgoing<'_>) -> Result<Answered, OutboundFault> {
        let mut late = pin!(tokio::time::sleep(self.time_max));
        let host = outgoing.url.authority().to_owned();
        let _place = tokio::select! {
            biased;
            () = &mut late => return Err(OutboundFault::Busy),
            place = self.places.take(&host) => place.ok_or(OutboundFault::Busy)?,
        };
        tokio::select! {
            answered = self.exchange(outgoing) => answered,
            () = &mut late => Err(OutboundFault::Slow),
        }
    }

    async fn exchange(&self, outgoing: Outgoing<'_>) -> Result<Answered, OutboundFault> {
        let opening = tokio::time::timeout(self.connect_max, self.connector.open(outgoing.url));
        let stream = opening.await.map_err(|_| OutboundFault::Slow)??;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(limits::OUTBOUND_HEADER_BYTES)
            .max_headers(limits::OUTBOUND_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|fault| http_fault(&fault))?;
        let (bytes_max, request) = (outgoing.answer_bytes, request(outgoing)?);
        let mut connection = pin!(connection);
        let mut answered = pin!(async {
            let answer = sender.send_request(request).await.map_err(|fault| http_fault(&fault))?;
            read(answer, bytes_max).await
        });
        // the connection may end before its last bytes have been taken
        tokio::select! {
            answered = &mut answered => answered,
            _ = &mut connection => answered.await,
        }
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("reach", &self.connector.reach).finish_non_exhaustive()
    }
}

fn request(outgoing: Outgoing<'_>) -> Result<Request<Full<Bytes>>, OutboundFault> {
    let malformed = |_| OutboundFault::Http("not a request".to_owned());
    let mut request = Request::new(Full::new(outgoing.body));
    *request.method_mut() = outgoing.method;
    *request.uri_mut() = http::Uri::try_from(outgoing.url.target())
        .map_err(|_| OutboundFault::Http("not a request target".to_owned()))?;
    let host = HeaderValue::from_str(outgoing.url.authority()).map_err(malformed)?;
    let mut headers = outgoing.headers;
    headers.insert(HOST, host);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(USER_AGENT, HeaderValue::from_static("oauth-core"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    *request.headers_mut() = headers;
    Ok(request)
}

async fn read(answer: http::Response<Incoming>, bytes_max: usize) -> Result<Answered, OutboundFault> {
    let (parts, body) = answer.into_parts();
    if parts.headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return Err(OutboundFault::Encoded);
    }
    if body.size_hint().lower() > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
        return Err(OutboundFault::TooLarge);
    }
    let body = Limited::new(body, bytes_max).collect().await.map_err(|fault| {
        if fault.is::<LengthLimitError>() { OutboundFault::TooLarge } else { http_fault(&*fault) }
    })?;
    Ok(Answered { status: parts.status, headers: parts.headers, body: body.to_bytes() })
}

fn http_fault(fault: &(dyn std::error::Error + 'static)) -> OutboundFault {
    OutboundFault::Http(fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_and_answered_is_not_in_a_log() {
        let url = HttpsUrl::new("https://tpp.example/hook?key=SECRET").unwrap();
        let headers =
            HeaderMap::from_iter([(http::header::AUTHORIZATION, HeaderValue::from_static("SECRET"))]);
        let body = Bytes::from_static(b"SECRET");
        let (method, answer_bytes) = (Method::POST, 1);
        let asked =
            Outgoing { method, url: &url, headers: headers.clone(), body: body.clone(), answer_bytes };
        let answered = Answered { status: StatusCode::OK, headers, body };
        assert_eq!(
            format!("{asked:?} {answered:?}"),
            "Outgoing(POST tpp.example, 6 bytes) Answered(200, 6 bytes)"
        );
    }
}
