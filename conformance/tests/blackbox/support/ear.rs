//! A third party's listener for events: real TLS, opened and verified by another implementation of JOSE than the bank's.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use conformance::host;
use conformance::tpp::flow::Tpp;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use josekit::jwe::RSA_OAEP_256;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::World;

/// A listener of `palm-books`, on a port of its own.
pub(crate) struct Ear {
    pub(crate) url: String,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    attempts: Mutex<Vec<Attempt>>,
    fail: AtomicU32,
    pause: Duration,
}

/// One request as it came.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) token: String,
    pub(crate) body: String,
    pub(crate) media: String,
    pub(crate) interaction: String,
    pub(crate) acknowledged: bool,
}

/// An event, opened and verified.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heard {
    pub(crate) id: String,
    pub(crate) consent: String,
    /// `Resource.Updated payments AcceptedSettlementCompleted`.
    pub(crate) what: String,
    pub(crate) message: Value,
}

impl Ear {
    /// Listens with the certificate and key that the bank made for its demo client. Each answer takes `pause`.
    pub(crate) async fn open(world: &World, pause: Duration) -> Self {
        let file = |name: &str| world.bank.directory().join(format!("tpp/palm-books.{name}"));
        let chain = CertificateDer::pem_file_iter(file("webhook.cert.pem")).unwrap();
        let chain: Vec<_> = chain.collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(file("webhook.key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/events", socket.local_addr().unwrap().port());
        let shared = Arc::new(Shared { attempts: Mutex::default(), fail: AtomicU32::new(0), pause });
        let task = tokio::spawn(serve(socket, TlsAcceptor::from(Arc::new(config)), Arc::clone(&shared)));
        Self { url, shared, task }
    }

    /// Answers the next so many attempts with 503.
    pub(crate) fn fail(&self, attempts: u32) {
        self.shared.fail.store(attempts, Ordering::SeqCst);
    }

    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.shared.attempts.lock().unwrap().clone()
    }

    /// What was acknowledged so far, in order, each verified.
    pub(crate) async fn heard(&self, world: &World, tpp: &Tpp) -> Vec<Heard> {
        let key = world.bank.directory().join("tpp/palm-books.enc.pem");
        let pem = std::fs::read(key).unwrap();
        let decrypter = RSA_OAEP_256.decrypter_from_pem(&pem).unwrap();
        let keys = tpp.server_keys().await.unwrap();
        let mut heard = Vec::new();
        for attempt in self.attempts().iter().filter(|attempt| attempt.acknowledged) {
            let (_, token) = keys.open(&attempt.token, &["PS256"]).unwrap();
            let issuer = json!(tpp.registered().issuer);
            assert_eq!((&token["iss"], &token["sub"], &token["aud"]), (&issuer, &issuer, &json!(self.url)));
            let (signed, header) = josekit::jwe::deserialize_compact(&attempt.body, &decrypter).unwrap();
            assert_eq!((header.content_encryption(), header.content_type()), (Some("A256GCM"), Some("JWT")));
            let claims = String::from_utf8(signed).unwrap();
            let (_, claims) = keys.open(&claims, &["PS256"]).unwrap();
            assert_eq!((&claims["iss"], &claims["aud"]), (&issuer, &json!([tpp.id()])));
            heard.push(Heard::of(&claims));
        }
        heard
    }

    /// Waits until `enough` holds of what was heard, a minute at most.
    pub(crate) async fn until(
        &self,
        world: &World,
        tpp: &Tpp,
        enough: impl Fn(&[Heard]) -> bool,
    ) -> Vec<Heard> {
        for _ in 0..240 {
            let heard = self.heard(world, tpp).await;
            if enough(&heard) {
                return heard;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        let what: Vec<_> =
            self.heard(world, tpp).await.into_iter().map(|one| (one.consent, one.what)).collect();
        panic!("not enough was heard: {what:#?}; the bank said: {}", world.bank.log_end());
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Heard {
    fn of(claims: &Value) -> Self {
        let message = claims["message"].clone();
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let resource = text("/Meta/EventResource").split('/').rev().nth(1).unwrap_or_default().to_owned();
        let status = if resource == "payments" { "/Data/PaymentStatus" } else { "/Data/Status" };
        let what = format!("{} {resource} {}", text("/Meta/EventType"), text(status));
        let (id, consent) = (claims["jti"].as_str().unwrap().to_owned(), text("/Meta/ConsentId").to_owned());
        Self { id, consent, what, message }
    }
}

async fn serve(socket: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = socket.accept().await else { continue };
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = hyper::service::service_fn(move |request| answer(request, Arc::clone(&shared)));
            // a bank that is killed breaks its connections off
            let _ended = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = String::from_utf8(body.collect().await?.to_bytes().to_vec()).unwrap_or_default();
    let header = |name: &str| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let failing = shared.fail.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    let attempt = Attempt {
        token: header("authorization").trim_start_matches("Bearer ").to_owned(),
        body,
        media: header("content-type"),
        interaction: header("x-fapi-interaction-id"),
        acknowledged: failing.is_err(),
    };
    let acknowledged = attempt.acknowledged;
    shared.attempts.lock().unwrap().push(attempt);
    tokio::time::sleep(shared.pause).await;
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() =
        if acknowledged { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(response)
}

/// The consent of a single payment that subscribes to its events here.
pub(crate) fn subscribed(details: Value, url: &str) -> Value {
    let mut details = details;
    details["Subscription"] = json!({"Webhook": {"Url": url, "IsActive": true}});
    details
}

/// A fresh consent identifier.
pub(crate) fn consent_id() -> String {
    format!("aac-{}", host::uuid())
}
