//! What a connection knows of its client, and what it adds to each request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use oauth_core::Timestamp;
use rustls_pki_types::CertificateDer;

use super::Edge;
use super::layers::{Answer, refused};
use crate::tls::{Chain, ChainTrust};

/// Request extension: the address at the other end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// Request extension: the certificate whose key signed the TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The end-entity certificate.
    pub leaf_der: Arc<[u8]>,
    /// What its chain is worth at the time of this request; a resumed session may outlive its certificate.
    pub chain: Chain,
}

/// Who is at the other end of a connection.
pub(super) struct Visitor {
    pub(super) peer: SocketAddr,
    pub(super) certificate: Option<Shown>,
}

impl Visitor {
    /// Adds what the connection knows to a request. The bounds are exact only here: hyper lets a head grow to the
    /// end of its buffer at HTTP/1, and does not count the fields of HTTP/2.
    pub(super) fn introduce(
        &self,
        mut request: Request<Incoming>,
        edge: &Edge,
    ) -> Result<Request<Incoming>, Unfit> {
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
        let bytes = u32::try_from(target.saturating_add(fields.sum())).unwrap_or(u32::MAX);
        if request.headers().len() > edge.limits.header_fields || bytes > edge.limits.header_bytes {
            return Err(Unfit::TooLarge);
        }
        let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
        let (first, second) = (codings.next(), codings.next());
        if second.is_some() || first.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        {
            return Err(Unfit::Framing);
        }
        let extensions = request.extensions_mut();
        extensions.insert(PeerAddress(self.peer));
        if let Some(certificate) = &self.certificate {
            extensions.insert(certificate.at((edge.now)()));
        }
        Ok(request)
    }
}

/// Why a request does not reach the application.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unfit {
    /// More header fields, or more bytes of them, than the bounds allow.
    TooLarge,
    /// RFC 9112 section 6.1: a transfer coding other than one `chunked`, which peers may read in different ways.
    Framing,
}

impl Unfit {
    pub(super) fn answer<B>(self) -> Response<Answer<B>> {
        let body = serde_json::json!({ "error": "invalid_request" });
        match self {
            Self::TooLarge => refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &body),
            Self::Framing => {
                let mut response = refused(StatusCode::BAD_REQUEST, &body);
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                response
            }
        }
    }
}

/// The certificate chain shown on a connection, judged again whenever the clock has moved. Validity is written in
/// whole seconds (RFC 5280 section 4.1.2.5), so within one second the verdict cannot change.
pub(super) struct Shown {
    leaf_der: Arc<[u8]>,
    chain: Vec<CertificateDer<'static>>,
    trust: ChainTrust,
    verdict: Mutex<Option<(i64, Chain)>>,
}

impl Shown {
    pub(super) fn new(chain: &[CertificateDer<'_>], trust: &ChainTrust) -> Option<Self> {
        let leaf_der = Arc::from(chain.first()?.as_ref());
        let chain = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        Some(Self { leaf_der, chain, trust: trust.clone(), verdict: Mutex::new(None) })
    }

    fn at(&self, now: Timestamp) -> ClientCertificate {
        let mut verdict = self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
        let chain = match (*verdict, self.chain.split_first()) {
            (Some((second, chain)), _) if second == now.seconds() => chain,
            (_, Some((leaf, intermediates))) => self.trust.judge(leaf, intermediates, now),
            (_, None) => Chain::Untrusted,
        };
        *verdict = Some((now.seconds(), chain));
        ClientCertificate { leaf_der: Arc::clone(&self.leaf_der), chain }
    }
}
