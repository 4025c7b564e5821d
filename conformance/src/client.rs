//! A small HTTPS client: one connection per request, no redirects followed, nothing retried.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use url::Url;

use crate::{Doing as _, Trouble};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests and trusts one certificate authority only.
#[derive(Debug, Clone)]
pub struct Client {
    tls: Arc<ClientConfig>,
    roots: Arc<RootCertStore>,
    trace: Option<Trace>,
    detours: Arc<[(u16, u16)]>,
}

/// What a client sent and got, in order, without anything secret.
#[derive(Debug, Clone, Default)]
pub struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    /// One line per exchange: method, address without its query, status, and the body of a refusal.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

impl Client {
    /// A client that trusts the authorities of a PEM file and shows no certificate of its own.
    ///
    /// # Errors
    /// When the PEM holds no certificate.
    pub fn trusting(ca_pem: &[u8]) -> Result<Self, Trouble> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem) {
            roots.add(certificate.doing("read an authority")?).doing("trust an authority")?;
        }
        if roots.is_empty() {
            return Err(Trouble::new("no authority to trust"));
        }
        let roots = Arc::new(roots);
        let tls = Arc::new(verifying(&roots)?.with_no_client_auth());
        Ok(Self { tls, roots, trace: None, detours: Arc::default() })
    }

    /// The same client with a certificate to show where a server asks for one (RFC 8705).
    ///
    /// # Errors
    /// When the certificate or its key cannot be read.
    pub fn with_certificate(&self, chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, Trouble> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain_pem).collect();
        let key = PrivateKeyDer::from_pem_slice(key_pem).doing("read a client key")?;
        let tls =
            verifying(&self.roots)?.with_client_auth_cert(chain.doing("read a client certificate")?, key);
        let tls = Arc::new(tls.doing("use a client certificate")?);
        Ok(Self { tls, ..self.clone() })
    }

    /// The same client without its certificate.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn without_certificate(&self) -> Result<Self, Trouble> {
        let tls = Arc::new(verifying(&self.roots)?.with_no_client_auth());
        Ok(Self { tls, ..self.clone() })
    }

    /// The same client, telling a trace what it does.
    #[must_use]
    pub fn traced(&self, trace: &Trace) -> Self {
        Self { trace: Some(trace.clone()), ..self.clone() }
    }

    /// The same client, which connects to the second port of a pair wherever an address names the first: another
    /// process behind the same name.
    #[must_use]
    pub fn detoured(&self, ports: &[(u16, u16)]) -> Self {
        Self { detours: ports.into(), ..self.clone() }
    }

    /// GET without a body.
    ///
    /// # Errors
    /// When no answer arrives.
    pub async fn get(&self, url: &str) -> Result<Answer, Trouble> {
        self.send(Request::get(url).body(Bytes::new()).doing(format!("write a request to {url}"))?).await
    }

    /// POST of a form; names may repeat and keep their order.
    ///
    /// # Errors
    /// When no answer arrives.
    pub async fn post_form<N, V>(&self, url: &str, fields: &[(N, V)]) -> Result<Answer, Trouble>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        self.send(form_request(url, fields)?).await
    }

    /// Any request; its URI is absolute.
    ///
    /// # Errors
    /// When no answer arrives: connection or handshake refused, connection lost, time over.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Answer, Trouble> {
        let doing = format!("{} {}", request.method(), request.uri());
        let answered = tokio::time::timeout(REQUEST_TIMEOUT, self.exchange(request)).await;
        let answered = answered.unwrap_or_else(|_| Err(Trouble::new("no answer in time")));
        if let Some(trace) = &self.trace {
            let address = doing.split(['?', '#']).next().unwrap_or_default();
            trace.note(match &answered {
                Ok(answer) => format!("{address} -> {}", told(answer)),
                Err(trouble) => format!("{address} -> no answer: {trouble}"),
            });
        }
        answered.doing(doing)
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Answer, Trouble> {
        let uri = request.uri().clone();
        let host = uri.host().doing("the address has no host")?.to_owned();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let port = self.detours.iter().find(|(from, _)| *from == port).map_or(port, |(_, to)| *to);
        // RFC 6761 section 6.3: such names are this machine, whether its resolver knows them or not
        let reached = if host.ends_with(".localhost") { "127.0.0.1" } else { host.as_str() };
        let socket = TcpStream::connect((reached, port)).await.doing("connect")?;
        socket.set_nodelay(true).doing("set up the socket")?;
        if uri.scheme_str() == Some("http") {
            return talk(socket, request).await;
        }
        let name = ServerName::try_from(host).doing("read the name of the server")?;
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&self.tls));
        talk(connector.connect(name, socket).await.doing("TLS handshake")?, request).await
    }
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// All headers, repeated ones included.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The only value of a header; none when it is absent, repeated or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?;
        if values.next().is_some() {
            return None;
        }
        first.to_str().ok()
    }

    /// Every value of a header that is text.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none; the trouble quotes the answer.
    pub fn json(&self) -> Result<Value, Trouble> {
        serde_json::from_slice(&self.body).doing(format!("read JSON from {} {}", self.status, self.text()))
    }

    /// The `error` member of a JSON body (RFC 6749 section 5.2).
    pub fn error(&self) -> Option<String> {
        serde_json::from_slice::<Value>(&self.body).ok()?.get("error")?.as_str().map(str::to_owned)
    }

    /// A text member of a JSON body.
    ///
    /// # Errors
    /// When the body is no JSON object or has no such text; the trouble quotes the answer.
    pub fn member(&self, name: &str) -> Result<String, Trouble> {
        let found = self.json()?.get(name).and_then(Value::as_str).map(str::to_owned);
        found.doing(format!("find {name} in {} {}", self.status, self.text()))
    }
}

/// Status, and of a refusal the beginning of what it says; a success may carry tokens.
fn told(answer: &Answer) -> String {
    let challenges = answer.all("www-authenticate").join(", ");
    let body = match answer.status.is_client_error() || answer.status.is_server_error() {
        true => answer.text().chars().filter(|letter| !letter.is_control()).take(300).collect(),
        false => String::new(),
    };
    let parts = [answer.status.as_u16().to_string(), challenges, body];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A POST of a form.
///
/// # Errors
/// When the address is no URI.
pub fn form_request<N, V>(url: &str, fields: &[(N, V)]) -> Result<Request<Bytes>, Trouble>
where
    N: AsRef<str>,
    V: AsRef<str>,
{
    let pairs: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    let body = serde_urlencoded::to_string(pairs).doing("write a form")?;
    Request::builder()
        .method(Method::POST)
        .uri(url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .doing(format!("write a request to {url}"))
}

fn verifying(
    roots: &Arc<RootCertStore>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, Trouble> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(versions.doing("set up TLS")?.with_root_certificates(Arc::clone(roots)))
}

async fn talk<S>(stream: S, request: Request<Bytes>) -> Result<Answer, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.doing("open HTTP")?;
    let driving = tokio::spawn(connection);
    let response = sender.send_request(origin_form(request)?).await.doing("send a request")?;
    let (head, body) = response.into_parts();
    let body = body.collect().await.doing("read the body")?.to_bytes();
    driving.abort();
    Ok(Answer { status: head.status, headers: head.headers, body })
}

/// RFC 9112 section 3.2.1: path and query in the request line, the authority in `Host`.
fn origin_form(request: Request<Bytes>) -> Result<Request<Full<Bytes>>, Trouble> {
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().doing("the address has no authority")?.to_string();
    let target = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    head.uri = target.parse().doing("write the request target")?;
    if !head.headers.contains_key(HOST) {
        head.headers.insert(HOST, authority.parse().doing("write the host")?);
    }
    Ok(Request::from_parts(head, Full::new(body)))
}

/// Scheme, host and port: what a nonce and a cookie belong to.
pub fn origin(url: &str) -> String {
    Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::convert::Infallible;

    use hyper::service::service_fn;
    use hyper_util::rt::TokioExecutor;
    use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
    use rustls::ServerConfig;
    use rustls::server::WebPkiClientVerifier;
    use tokio::net::TcpListener;

    use super::*;

    /// An HTTPS server on a free port that answers through `handler`, and the client that trusts it.
    pub(crate) struct Echo {
        pub(crate) origin: String,
        pub(crate) client: Client,
        pub(crate) certified: Client,
    }

    pub(crate) type Handler = fn(Request<Bytes>, Option<usize>) -> http::Response<Full<Bytes>>;

    pub(crate) async fn serve(handler: Handler) -> Echo {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let root = authority.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let leaf = |name: &str, purpose| {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.extended_key_usages = vec![purpose];
            let key = KeyPair::generate().unwrap();
            (params.signed_by(&key, &issuer).unwrap(), key)
        };
        let (server, server_key) = leaf("localhost", ExtendedKeyUsagePurpose::ServerAuth);
        let (own, own_key) = leaf("tpp", ExtendedKeyUsagePurpose::ClientAuth);
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
            .with_single_cert(
                vec![server.der().clone()],
                PrivateKeyDer::from_pem_slice(server_key.serialize_pem().as_bytes()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        tokio::spawn(accept(listener, Arc::new(config), handler));
        let client = Client::trusting(root.pem().as_bytes()).unwrap();
        let certified =
            client.with_certificate(own.pem().as_bytes(), own_key.serialize_pem().as_bytes()).unwrap();
        Echo { origin, client, certified }
    }

    async fn accept(listener: TcpListener, config: Arc<ServerConfig>, handler: Handler) {
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(socket).await else { continue };
            let shown = stream.get_ref().1.peer_certificates().map(<[CertificateDer<'_>]>::len);
            let service = service_fn(move |request: Request<hyper::body::Incoming>| async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                Ok::<_, Infallible>(handler(Request::from_parts(head, body), shown))
            });
            tokio::spawn(async move {
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _closed = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    fn mirror(request: Request<Bytes>, shown: Option<usize>) -> http::Response<Full<Bytes>> {
        let told = format!(
            "{} {} {} {:?}",
            request.method(),
            request.uri(),
            request.headers()[HOST].to_str().unwrap(),
            shown
        );
        http::Response::builder()
            .status(if request.uri().path() == "/away" { 303 } else { 200 })
            .header("location", "/elsewhere")
            .header("x-twice", "a")
            .header("x-twice", "b")
            .body(Full::new([told.as_bytes(), b" ", request.body()].concat().into()))
            .unwrap()
    }

    #[tokio::test]
    async fn a_form_arrives_whole_with_its_repeated_names_and_no_certificate() {
        let echo = serve(mirror).await;
        let answer = echo
            .client
            .post_form(&format!("{}/p?q=1", echo.origin), &[("a", "1 &"), ("a", "ä")])
            .await
            .unwrap();
        let host = echo.origin.trim_start_matches("https://");
        assert_eq!(answer.text(), format!("POST /p?q=1 {host} None a=1+%26&a=%C3%A4"));
        assert_eq!((answer.header("x-twice"), answer.all("x-twice").len()), (None, 2));
    }

    #[tokio::test]
    async fn a_certificate_is_shown_when_asked_for_and_a_redirect_is_not_followed() {
        let echo = serve(mirror).await;
        let answer = echo.certified.get(&format!("{}/away", echo.origin)).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/elsewhere")));
        assert!(answer.text().contains("Some(1)"));
    }

    #[tokio::test]
    async fn a_server_of_another_authority_is_refused() {
        let (one, other) = (serve(mirror).await, serve(mirror).await);
        let trouble = one.client.get(&other.origin).await.unwrap_err().to_string();
        assert!(trouble.contains("TLS handshake"), "{trouble}");
    }
}
