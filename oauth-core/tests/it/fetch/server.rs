//! A TLS server on loopback that answers with bytes of the test's choice, and the means to call it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oauth_core::fetch::{FetchedKeys, KeyCacheSettings, Outbound, OutboundSettings, Reach, Resolve};
use oauth_core::testkit::{FixedClock, keys};
use oauth_core::{HttpsUrl, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// When the tests take place: between the dates of every certificate made here.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A server's own words, in order; `Wait` is a silence in between.
#[derive(Debug, Clone)]
pub(super) enum Say {
    Bytes(Vec<u8>),
    Wait(Duration),
    /// The same bytes again and again, until the other side hangs up.
    Forever(Vec<u8>, Duration),
}

/// What a server says next; it may change between two requests.
pub(super) type Script = Arc<Mutex<Vec<Say>>>;

/// A running server.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) script: Script,
    pub(super) connections: Arc<AtomicUsize>,
    pub(super) requests: Arc<AtomicUsize>,
    pub(super) heads: Arc<Mutex<Vec<String>>>,
    authority: CertifiedIssuer<'static, KeyPair>,
}

/// What a certificate says.
pub(super) struct Certificate {
    pub(super) name: &'static str,
    pub(super) until_year: i32,
}

impl Default for Certificate {
    fn default() -> Self {
        Self { name: "keys.tpp.example", until_year: 2040 }
    }
}

impl Server {
    pub(super) async fn start(script: Vec<Say>) -> Self {
        Self::with(Certificate::default(), script).await
    }

    pub(super) async fn with(certificate: Certificate, script: Vec<Say>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.distinguished_name.push(rcgen::DnType::CommonName, format!("authority {port}"));
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
        let mut leaf = CertificateParams::new(vec![certificate.name.to_owned()]).unwrap();
        leaf.not_before = rcgen::date_time_ymd(2020, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(certificate.until_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let signed = leaf.signed_by(&key, &authority).unwrap();
        let tls = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![signed.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let server = Self {
            port,
            script: Arc::new(Mutex::new(script)),
            connections: Arc::default(),
            requests: Arc::default(),
            heads: Arc::default(),
            authority,
        };
        let (script, connections) = (Arc::clone(&server.script), Arc::clone(&server.connections));
        let (requests, heads) = (Arc::clone(&server.requests), Arc::clone(&server.heads));
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let acceptor = acceptor.clone();
                let (script, requests, heads) =
                    (Arc::clone(&script), Arc::clone(&requests), Arc::clone(&heads));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let Ok(head) = read_head(&mut stream).await else { return };
                    requests.fetch_add(1, Ordering::SeqCst);
                    heads.lock().unwrap().push(head);
                    let script = script.lock().unwrap().clone();
                    let _ = speak(&mut stream, script).await;
                });
            }
        });
        server
    }

    pub(super) fn url(&self, path: &str) -> HttpsUrl {
        HttpsUrl::new(&format!("https://keys.tpp.example:{}{path}", self.port)).unwrap()
    }

    pub(super) fn says(&self, script: Vec<Say>) {
        *self.script.lock().unwrap() = script;
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// A client that trusts this server's authority and may call loopback.
    pub(super) fn outbound(&self) -> Outbound {
        self.outbound_with(Reach::InternetAndLoopback, Names::loopback())
    }

    pub(super) fn outbound_with(&self, reach: Reach, names: Names) -> Outbound {
        let settings = OutboundSettings {
            reach,
            ports: vec![443, self.port],
            time_max: Duration::from_millis(800),
            ..OutboundSettings::default()
        };
        self.outbound_as(settings, names)
    }

    pub(super) fn outbound_as(&self, settings: OutboundSettings, names: Names) -> Outbound {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let clock = Arc::new(FixedClock::at(NOW));
        Outbound::new(settings, (roots, provider()), Arc::new(names), clock).unwrap()
    }

    pub(super) fn cache(&self) -> FetchedKeys {
        FetchedKeys::new(Arc::new(self.outbound()), KeyCacheSettings::default())
    }
}

async fn read_head(stream: &mut TlsStream<TcpStream>) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(head).unwrap())
}

async fn speak(stream: &mut TlsStream<TcpStream>, script: Vec<Say>) -> io::Result<()> {
    for said in script {
        match said {
            Say::Bytes(bytes) => stream.write_all(&bytes).await?,
            Say::Wait(time) => tokio::time::sleep(time).await,
            Say::Forever(bytes, pause) => loop {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
                tokio::time::sleep(pause).await;
            },
        }
        stream.flush().await?;
    }
    stream.shutdown().await
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// An answer with a length.
pub(super) fn answer(status: &str, fields: &str, body: &str) -> Vec<Say> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{fields}\r\n", body.len());
    vec![Say::Bytes((head + body).into_bytes())]
}

pub(super) fn json(body: &str) -> Vec<Say> {
    answer("200 OK", "Content-Type: application/json\r\n", body)
}

/// The test keys, as their owner publishes them.
pub(super) fn published() -> String {
    keys::public().to_value().to_string()
}

/// Names that a test invents, with the answers to each question in order; the last one stays.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pub(super) asked: Arc<AtomicUsize>,
}

impl Names {
    /// Everything is here.
    pub(super) fn loopback() -> Self {
        Self::always(&["127.0.0.1"])
    }

    pub(super) fn always(addresses: &[&str]) -> Self {
        Self::in_turn(&[addresses])
    }

    pub(super) fn in_turn(turns: &[&[&str]]) -> Self {
        let parse = |turn: &&[&str]| turn.iter().map(|address| address.parse().unwrap()).collect();
        let answers = HashMap::from([("keys.tpp.example".to_owned(), turns.iter().map(parse).collect())]);
        Self { answers: Mutex::new(answers), asked: Arc::default() }
    }
}

#[async_trait::async_trait]
impl Resolve for Names {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let turns = answers.get_mut(name).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(if turns.len() > 1 { turns.remove(0) } else { turns[0].clone() })
    }
}

/// A listener that counts who knocks, lets everyone in and never says a word.
pub(super) async fn trap() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (address, knocks) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&knocks);
    tokio::spawn(async move {
        let mut guests = Vec::new();
        while let Ok((guest, _)) = listener.accept().await {
            guests.push(guest);
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, knocks)
}
