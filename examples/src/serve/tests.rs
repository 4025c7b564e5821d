//! Real sockets and real TLS clients against a listener with short bounds.

use std::io;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use oauth_core::Seconds;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CipherSuite, ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::keys::tests::Scratch;
use crate::pki::tests::real_now;
use crate::pki::{ClientIdentity, ClientNames, LocalPki, self_signed_client_certificate};
use crate::tls::{ClientCertificates, fapi1_suites, server_config};

const AUTHORITY: &str = "bank.test";
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: bank.test\r\nConnection: close\r\n\r\n";
const GET_KEEP: &[u8] = b"GET / HTTP/1.1\r\nHost: bank.test\r\n\r\n";

fn short() -> EdgeLimits {
    EdgeLimits {
        connections: 64,
        handshake: Duration::from_millis(300),
        first_bytes: Duration::from_millis(300),
        head: Duration::from_millis(300),
        exchange: Duration::from_millis(900),
        idle: Duration::from_millis(900),
        parting: Duration::from_millis(200),
        ..EdgeLimits::default()
    }
}

/// A running listener and what it takes to reach it.
struct Bank {
    address: SocketAddr,
    pki: LocalPki,
    clock: Arc<AtomicI64>,
    release: Arc<Notify>,
    reached: Arc<Notify>,
    shutdown: Shutdown,
    served: JoinHandle<Drain>,
    _files: Scratch,
}

#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Tls,
    Mtls,
    Fapi1,
}

impl Bank {
    async fn start(kind: Kind, limits: EdgeLimits) -> Self {
        let files = Scratch::new();
        let pki = LocalPki::ensure(&files.0, real_now()).unwrap();
        let clock = Arc::new(AtomicI64::new(real_now().millis()));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let told = Arc::clone(&clock);
        let edge = Edge {
            authorities: Authorities::new([AUTHORITY, "other.test:8443"]),
            limits,
            now: Arc::new(move || Timestamp::from_millis(told.load(Ordering::Relaxed))),
            correlation: Arc::new(|| CorrelationId::new("made-here").unwrap()),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trust = ChainTrust::new(&[pki.authority().clone()], Arc::clone(&provider)).unwrap();
        let listener = match kind {
            Kind::Plain => Listener::plain(socket, edge),
            Kind::Tls | Kind::Mtls | Kind::Fapi1 => {
                let ask = match kind {
                    Kind::Mtls => ClientCertificates::Optional,
                    Kind::Plain | Kind::Tls | Kind::Fapi1 => ClientCertificates::NotAsked,
                };
                let provider = match kind {
                    Kind::Fapi1 => Arc::new(fapi1_suites(&provider)),
                    Kind::Plain | Kind::Tls | Kind::Mtls => provider,
                };
                let config = Arc::new(server_config(pki.server(), ask, provider).unwrap());
                Listener::tls(socket, config, trust, edge)
            }
        };
        let shutdown = Shutdown::new(Duration::from_millis(600));
        let (release, reached) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let application = application(Arc::clone(&release), Arc::clone(&reached));
        let served = tokio::spawn(listener.serve(application, shutdown.clone()));
        Self { address, pki, clock, release, reached, shutdown, served, _files: files }
    }

    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn tls(&self, client: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(client).connect(name, self.tcp().await).await
    }

    async fn http2(&self) -> http2::SendRequest<Full<Bytes>> {
        let mut client = client(&self.pki, None, rustls::DEFAULT_VERSIONS);
        client.alpn_protocols = vec![b"h2".to_vec()];
        let io = TokioIo::new(self.tls(Arc::new(client)).await.unwrap());
        let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        sender
    }
}

/// Tells what it sees of the connection; panics and waits on request.
fn application(
    release: Arc<Notify>,
    reached: Arc<Notify>,
) -> impl Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    tower::service_fn(move |request: Request<Incoming>| {
        let (release, reached) = (Arc::clone(&release), Arc::clone(&reached));
        async move {
            match request.uri().path() {
                "/panic" => panic!("on request, with a secret: hunter2"),
                "/slow" => {
                    reached.notify_one();
                    release.notified().await;
                }
                "/upload" => drop(request.into_body().collect().await),
                _ => {
                    assert!(request.extensions().get::<PeerAddress>().unwrap().0.ip().is_loopback());
                    let seen = match request.extensions().get::<ClientCertificate>() {
                        None => "no certificate".to_owned(),
                        Some(shown) => format!("{:?} {}", shown.chain, hex(&shown.leaf_der)),
                    };
                    let mut response = Response::new(Full::from(seen));
                    response.headers_mut().insert("server", "mandate/1.0".parse().unwrap());
                    return Ok(response);
                }
            }
            Ok(Response::new(Full::from("done")))
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn client(
    pki: &LocalPki,
    identity: Option<&ClientIdentity>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(pki.authority().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = vec![leaf(identity)];
            let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    }
}

fn any_version(pki: &LocalPki, identity: Option<&ClientIdentity>) -> Arc<ClientConfig> {
    Arc::new(client(pki, identity, rustls::DEFAULT_VERSIONS))
}

fn leaf(identity: &ClientIdentity) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(identity.certificate_pem.as_bytes()).unwrap()
}

/// Sends the bytes and reads until the server closes; what was read, and how long that took.
async fn exchange<Io: AsyncRead + AsyncWrite + Unpin>(mut io: Io, bytes: &[u8]) -> (String, Duration) {
    let start = Instant::now();
    let _ = io.write_all(bytes).await;
    (rest(&mut io).await, start.elapsed())
}

async fn rest<Io: AsyncRead + Unpin>(io: &mut Io) -> String {
    let mut answer = Vec::new();
    timeout(Duration::from_secs(5), async {
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = io.read(&mut chunk).await {
            answer.extend_from_slice(&chunk[..read]);
        }
    })
    .await
    .expect("the server closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads one answer of a connection that stays open.
async fn one_answer<Io: AsyncRead + Unpin>(io: &mut Io, ends_with: &str) -> String {
    let mut answer = Vec::new();
    timeout(Duration::from_secs(5), async {
        while !answer.ends_with(ends_with.as_bytes()) {
            answer.push(io.read_u8().await.unwrap());
        }
    })
    .await
    .expect("an answer arrives");
    String::from_utf8(answer).unwrap()
}

fn request(uri: &str) -> Request<Full<Bytes>> {
    Request::builder().uri(uri).body(Full::default()).unwrap()
}

// TLS versions and suites: BCP 195 sections 3.1.1 and 4.2

#[tokio::test]
async fn tls13_is_chosen_when_the_client_offers_both() {
    let bank = Bank::start(Kind::Tls, short()).await;
    let stream = bank.tls(any_version(&bank.pki, None)).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert!(exchange(stream, GET).await.0.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_client_that_speaks_only_tls12_is_served_with_forward_secrecy_and_aead() {
    let bank = Bank::start(Kind::Tls, short()).await;
    let config = Arc::new(client(&bank.pki, None, &[&rustls::version::TLS12]));
    let stream = bank.tls(config).await.unwrap();
    let suite = stream.get_ref().1.negotiated_cipher_suite().unwrap().suite();
    let allowed = [
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ];
    assert!(allowed.contains(&suite), "{suite:?}");
    assert!(exchange(stream, GET).await.0.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn old_versions_and_suites_without_aead_or_forward_secrecy_are_refused() {
    if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
        return;
    }
    let bank = Bank::start(Kind::Tls, EdgeLimits { handshake: Duration::from_secs(5), ..short() }).await;
    let address = bank.address.to_string();
    let offer = |arguments: &'static [&'static str]| {
        let address = address.clone();
        tokio::task::spawn_blocking(move || {
            let mut command = Command::new("openssl");
            command.args(["s_client", "-connect", &address, "-brief"]).args(arguments);
            let output = command.stdin(Stdio::null()).output().unwrap();
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        })
    };
    assert!(offer(&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"]).await.unwrap().0);
    assert!(offer(&["-tls1_3"]).await.unwrap().0);
    let refusals: [&'static [&'static str]; 5] = [
        &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        &["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
    ];
    for refused in refusals {
        let (served, said) = offer(refused).await.unwrap();
        assert!(!served && said.contains("alert"), "the server refuses {refused:?}: {said}");
    }
}

#[tokio::test]
async fn a_fapi1_listener_has_neither_ecdsa_nor_chacha_at_tls12() {
    let bank = Bank::start(Kind::Fapi1, short()).await;
    let provider = fapi1_suites(&rustls::crypto::ring::default_provider());
    let older: Vec<_> =
        provider.cipher_suites.iter().filter(|s| s.tls13().is_none()).map(|s| s.suite()).collect();
    assert_eq!(
        older,
        [
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ]
    );
    let only12 = Arc::new(client(&bank.pki, None, &[&rustls::version::TLS12]));
    assert!(bank.tls(only12).await.is_err());
    assert!(bank.tls(any_version(&bank.pki, None)).await.is_ok());
}

#[tokio::test]
async fn early_data_is_never_accepted() {
    let bank = Bank::start(Kind::Tls, short()).await;
    let mut config = client(&bank.pki, None, &[&rustls::version::TLS13]);
    config.enable_early_data = true;
    let config = Arc::new(config);
    exchange(bank.tls(Arc::clone(&config)).await.unwrap(), GET).await;
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(config, name).unwrap();
    assert!(session.early_data().is_none());
}

// Client certificates: RFC 8705 section 2

#[tokio::test]
async fn a_client_without_certificate_is_answered_and_seen_without_one() {
    let bank = Bank::start(Kind::Mtls, short()).await;
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let stream = bank.tls(Arc::new(client(&bank.pki, None, versions))).await.unwrap();
        assert!(exchange(stream, GET).await.0.ends_with("no certificate"));
    }
}

#[tokio::test]
async fn a_listener_that_does_not_ask_sees_no_certificate() {
    let bank = Bank::start(Kind::Tls, short()).await;
    let identity = bank.pki.issue_client_certificate(&ClientNames::new("tpp", "TPP"), real_now()).unwrap();
    let stream = bank.tls(any_version(&bank.pki, Some(&identity))).await.unwrap();
    assert!(exchange(stream, GET).await.0.ends_with("no certificate"));
}

#[tokio::test]
async fn only_a_current_client_certificate_of_the_authority_is_trusted_and_every_proven_leaf_is_seen() {
    let bank = Bank::start(Kind::Mtls, short()).await;
    let elsewhere = Scratch::new();
    let stranger = LocalPki::ensure(&elsewhere.0, real_now()).unwrap();
    let long_ago = real_now().minus(Seconds::days(900));
    let later = real_now().plus(Seconds::days(2));
    let of_server = ClientIdentity {
        certificate_pem: std::fs::read_to_string(bank._files.0.join("server.pem")).unwrap(),
        key_pem: std::fs::read_to_string(bank._files.0.join("server.key.pem")).unwrap(),
    };
    let cases = [
        (
            "issued here",
            bank.pki.issue_client_certificate(&ClientNames::new("tpp", "TPP"), real_now()).unwrap(),
            "Trusted",
        ),
        (
            "self-signed",
            self_signed_client_certificate(&ClientNames::new("tpp", "TPP"), real_now()).unwrap(),
            "Untrusted",
        ),
        (
            "expired",
            bank.pki.issue_client_certificate(&ClientNames::new("tpp", "TPP"), long_ago).unwrap(),
            "Untrusted",
        ),
        (
            "not yet good",
            bank.pki.issue_client_certificate(&ClientNames::new("tpp", "TPP"), later).unwrap(),
            "Untrusted",
        ),
        (
            "of another authority",
            stranger.issue_client_certificate(&ClientNames::new("tpp", "TPP"), real_now()).unwrap(),
            "Untrusted",
        ),
        ("for servers", of_server, "Untrusted"),
    ];
    for (name, identity, verdict) in &cases {
        for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
            let stream = bank.tls(Arc::new(client(&bank.pki, Some(identity), versions))).await.unwrap();
            let (answer, _) = exchange(stream, GET).await;
            assert!(
                answer.ends_with(&format!("\r\n\r\n{verdict} {}", hex(&leaf(identity)))),
                "{name}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn a_certificate_whose_key_did_not_sign_the_handshake_ends_it() {
    let bank = Bank::start(Kind::Mtls, short()).await;
    let mut identity =
        bank.pki.issue_client_certificate(&ClientNames::new("tpp", "TPP"), real_now()).unwrap();
    let other = bank.pki.issue_client_certificate(&ClientNames::new("tpp", "TPP"), real_now()).unwrap();
    identity.certificate_pem = other.certificate_pem;
    let mut roots = RootCertStore::empty();
    roots.add(bank.pki.authority().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
    let signer = provider.key_provider.load_private_key(key).unwrap();
    let thief = rustls::sign::CertifiedKey::new(vec![leaf(&identity)], signer);
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(thief)));
    let answer = match bank.tls(Arc::new(config)).await {
        Ok(stream) => exchange(stream, GET).await.0,
        Err(_) => String::new(),
    };
    assert_eq!(answer, "");
}

#[tokio::test]
async fn a_resumed_session_keeps_its_certificate_and_has_it_judged_at_every_request() {
    let bank = Bank::start(Kind::Mtls, short()).await;
    let identity = bank.pki.issue_client_certificate(&ClientNames::new("tpp", "TPP"), real_now()).unwrap();
    let config = any_version(&bank.pki, Some(&identity));
    let seen = hex(&leaf(&identity));
    exchange(bank.tls(Arc::clone(&config)).await.unwrap(), GET).await;
    let mut stream = bank.tls(config).await.unwrap();
    stream.write_all(GET_KEEP).await.unwrap();
    assert!(one_answer(&mut stream, &seen).await.ends_with(&format!("Trusted {seen}")));
    assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
    bank.clock.store(real_now().plus(Seconds::days(900)).millis(), Ordering::Relaxed);
    stream.write_all(GET_KEEP).await.unwrap();
    assert!(one_answer(&mut stream, &seen).await.ends_with(&format!("Untrusted {seen}")));
}

// Slow and idle connections

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    for kind in [Kind::Plain, Kind::Tls] {
        let bank = Bank::start(kind, short()).await;
        let (answer, took) = exchange(bank.tcp().await, b"").await;
        assert_eq!(answer, "");
        assert!(took < Duration::from_millis(800), "{took:?}");
    }
    let bank = Bank::start(Kind::Tls, short()).await;
    let stream = bank.tls(any_version(&bank.pki, None)).await.unwrap();
    assert!(exchange(stream, b"").await.1 < Duration::from_millis(800));
}

#[tokio::test]
async fn a_connection_that_stops_within_the_http2_preface_is_closed() {
    let bank = Bank::start(Kind::Plain, short()).await;
    for part in [&b"P"[..], b"PRI * HTTP/2.0\r\n\r\nSM"] {
        assert!(exchange(bank.tcp().await, part).await.1 < Duration::from_millis(800));
    }
}

#[tokio::test]
async fn header_bytes_that_drip_in_are_cut_off() {
    let bank = Bank::start(Kind::Tls, short()).await;
    let stream = bank.tls(any_version(&bank.pki, None)).await.unwrap();
    let (mut reading, mut writing) = tokio::io::split(stream);
    let start = Instant::now();
    let dripping = tokio::spawn(async move {
        for byte in GET.iter().take(40) {
            let _ = writing.write_all(&[*byte]).await;
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert_eq!(rest(&mut reading).await, "");
    assert!(start.elapsed() < Duration::from_millis(1000), "{:?}", start.elapsed());
    dripping.abort();
}

#[tokio::test]
async fn a_client_hello_in_single_bytes_is_understood() {
    let bank = Bank::start(Kind::Tls, EdgeLimits { handshake: Duration::from_secs(5), ..short() }).await;
    let config = any_version(&bank.pki, None);
    let mut session =
        rustls::ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    let mut tcp = bank.tcp().await;
    tcp.set_nodelay(true).unwrap();
    for byte in hello {
        tcp.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let first = timeout(Duration::from_secs(2), tcp.read_u8()).await.unwrap().unwrap();
    assert_eq!(first, 22, "a handshake record, not an alert");
}

#[tokio::test]
async fn a_connection_may_idle_longer_than_a_head_may_take_and_is_closed_in_the_end() {
    let bank = Bank::start(Kind::Plain, short()).await;
    let mut tcp = bank.tcp().await;
    for _ in 0..2 {
        tcp.write_all(GET_KEEP).await.unwrap();
        one_answer(&mut tcp, "no certificate").await;
        sleep(Duration::from_millis(500)).await;
    }
    let (answer, took) = exchange(tcp, b"").await;
    assert_eq!(answer, "");
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed() {
    let bank = Bank::start(Kind::Tls, short()).await;
    let mut sender = bank.http2().await;
    assert_eq!(sender.send_request(request("https://bank.test/")).await.unwrap().status(), 200);
    assert!(!sender.is_closed());
    sleep(Duration::from_millis(1500)).await;
    assert!(sender.is_closed());
}

#[tokio::test]
async fn a_body_that_never_arrives_does_not_hold_a_connection() {
    let bank = Bank::start(Kind::Plain, short()).await;
    let head = b"POST /upload HTTP/1.1\r\nHost: bank.test\r\nContent-Length: 10\r\n\r\nabc";
    let (_, took) = exchange(bank.tcp().await, head).await;
    assert!(took < Duration::from_millis(2000), "{took:?}");
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_for_room() {
    let bank = Bank::start(Kind::Plain, EdgeLimits { connections: 1, ..short() }).await;
    let mut first = bank.tcp().await;
    first.write_all(GET_KEEP).await.unwrap();
    one_answer(&mut first, "no certificate").await;
    let mut second = bank.tcp().await;
    second.write_all(GET).await.unwrap();
    let early = timeout(Duration::from_millis(300), second.read_u8()).await;
    assert!(early.is_err(), "no room yet");
    drop(first);
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 200"));
}

// Sizes

#[tokio::test]
async fn too_many_or_too_large_header_fields_are_refused_with_431() {
    let bank = Bank::start(Kind::Tls, short()).await;
    let many = "X-A: 1\r\n".repeat(65);
    let large = format!("X-A: {}\r\n", "a".repeat(33 * 1024));
    for fields in [many, large] {
        let head = format!("GET / HTTP/1.1\r\nHost: bank.test\r\nConnection: close\r\n{fields}\r\n");
        let stream = bank.tls(any_version(&bank.pki, None)).await.unwrap();
        let (answer, _) = exchange(stream, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{} bytes: {answer:?}", head.len());
    }
    let mut sender = bank.http2().await;
    let mut crumbs = request("https://bank.test/");
    for _ in 0..65 {
        crumbs.headers_mut().append("cookie", "a=b".parse().unwrap());
    }
    assert_eq!(sender.send_request(crumbs).await.unwrap().status(), 431);
    let mut large = request("https://bank.test/");
    large.headers_mut().insert("x-a", "a".repeat(33 * 1024).parse().unwrap());
    match sender.send_request(large).await {
        Ok(answer) => assert_eq!(answer.status(), 431),
        Err(_) => assert!(sender.is_closed()),
    }
}

#[tokio::test]
async fn http2_resets_without_end_end_the_connection() {
    let bank = Bank::start(Kind::Plain, short()).await;
    let mut attack = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for stream in (1_u32..4000).step_by(2) {
        let block = [&[0x82, 0x86, 0x84, 0x41, 9][..], b"bank.test"].concat();
        attack.extend([0, 0, 14, 1, 5]);
        attack.extend(stream.to_be_bytes());
        attack.extend(block);
        attack.extend([0, 0, 4, 3, 0]);
        attack.extend(stream.to_be_bytes());
        attack.extend([0, 0, 0, 8]);
    }
    let mut tcp = bank.tcp().await;
    let _ = tcp.write_all(&attack).await;
    let mut heard = Vec::new();
    let closed = timeout(Duration::from_millis(700), tcp.read_to_end(&mut heard)).await;
    assert!(closed.is_ok(), "long before the idle bound");
    // RFC 9113 section 6.8: GOAWAY is frame type 7; its error code follows nine bytes of header and the last stream.
    let enhance_your_calm = heard.windows(17).any(|w| w[3] == 7 && w[13..] == [0, 0, 0, 0x0b]);
    assert!(enhance_your_calm || closed.is_ok_and(|read| read.is_err()), "{heard:?}");
}

// Framing: RFC 9112 section 6.3

#[tokio::test]
async fn a_request_whose_length_can_be_read_in_two_ways_is_refused_and_nothing_after_it_is_answered() {
    let bank = Bank::start(Kind::Plain, short()).await;
    let mut seen = Vec::new();
    for framing in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding:\u{b}chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "X-A: 1\r\n folded\r\n",
        "X-A: \0\r\n",
    ] {
        let attack = format!(
            "POST / HTTP/1.1\r\nHost: bank.test\r\n{framing}\r\n0\r\n\r\nGET /panic HTTP/1.1\r\nHost: bank.test\r\n\r\n"
        );
        let (answer, took) = exchange(bank.tcp().await, attack.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{framing:?}: {answer}");
        // Of both lengths, the section lets a server follow the chunks if it closes the connection afterwards.
        let both =
            framing.contains("Content-Length: 4\r\n") && framing.contains("Transfer-Encoding: chunked\r\n");
        let expected = if both { "HTTP/1.1 200" } else { "HTTP/1.1 400" };
        seen.push((framing, answer.starts_with(expected)));
        assert!(took < Duration::from_millis(500), "{framing:?}: closed at once");
    }
    assert!(seen.iter().all(|(_, right)| *right), "{seen:?}");
}

// Hosts: RFC 9110 section 7.4, RFC 9112 section 3.2

#[tokio::test]
async fn a_request_for_another_host_is_misdirected_and_an_ambiguous_one_is_bad() {
    let bank = Bank::start(Kind::Plain, short()).await;
    for (head, status) in [
        ("GET / HTTP/1.1\r\nHost: bank.test\r\n", "200"),
        ("GET / HTTP/1.1\r\nHost: BANK.test:80\r\n", "200"),
        ("GET / HTTP/1.1\r\nHost: other.test:8443\r\n", "200"),
        ("GET / HTTP/1.1\r\nHost: other.test\r\n", "421"),
        ("GET / HTTP/1.1\r\nHost: bank.test.evil.test\r\n", "421"),
        ("GET / HTTP/1.1\r\nHost: bank.test:443\r\n", "421"),
        ("GET / HTTP/1.1\r\nHost: bank.test@evil.test\r\n", "421"),
        ("GET / HTTP/1.1\r\nHost: evil.test\r\nX-Forwarded-Host: bank.test\r\n", "421"),
        ("GET / HTTP/1.1\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost:\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: bank.test\r\nHost: bank.test\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: b\u{e4}nk.test\r\n", "400"),
        ("GET http://bank.test/ HTTP/1.1\r\nHost: bank.test\r\n", "400"),
        ("GET http://evil.test/ HTTP/1.1\r\nHost: bank.test\r\n", "400"),
        ("CONNECT bank.test:80 HTTP/1.1\r\nHost: bank.test\r\n", "400"),
        ("GET / HTTP/1.0\r\n", "400"),
    ] {
        let (answer, _) =
            exchange(bank.tcp().await, format!("{head}Connection: close\r\n\r\n").as_bytes()).await;
        assert_eq!(answer.get(9..12), Some(status), "{head}\n{answer}");
    }
}

#[tokio::test]
async fn http2_names_its_host_in_authority_and_host_may_only_repeat_it() {
    let bank = Bank::start(Kind::Tls, short()).await;
    let mut sender = bank.http2().await;
    for (uri, host, status) in [
        ("https://bank.test/", None, 200),
        ("https://bank.test:443/", None, 200),
        ("https://bank.test/", Some("bank.test"), 200),
        ("https://bank.test/", Some("evil.test"), 400),
        ("https://evil.test/", None, 421),
    ] {
        let mut request = request(uri);
        if let Some(host) = host {
            request.headers_mut().insert("host", host.parse().unwrap());
        }
        assert_eq!(sender.send_request(request).await.unwrap().status(), status, "{uri} {host:?}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_no_server_name() {
    for (kind, secure) in [(Kind::Plain, false), (Kind::Tls, true)] {
        let bank = Bank::start(kind, short()).await;
        for head in [
            "GET / HTTP/1.1\r\nHost: bank.test\r\n",
            "GET /panic HTTP/1.1\r\nHost: bank.test\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\n",
        ] {
            let bytes = format!("{head}Connection: close\r\n\r\n").into_bytes();
            let (answer, _) = match kind {
                Kind::Plain => exchange(bank.tcp().await, &bytes).await,
                Kind::Tls | Kind::Mtls | Kind::Fapi1 => {
                    exchange(bank.tls(any_version(&bank.pki, None)).await.unwrap(), &bytes).await
                }
            };
            assert!(answer.contains("x-content-type-options: nosniff\r\n"), "{answer}");
            assert!(answer.contains("referrer-policy: no-referrer\r\n"), "{answer}");
            assert_eq!(answer.contains("strict-transport-security: max-age=31536000"), secure, "{answer}");
            assert!(!answer.contains("\r\nserver:"), "{answer}");
        }
    }
}

// Panics

#[tokio::test]
async fn a_panic_fails_one_request_and_the_connection_lives() {
    let bank = Bank::start(Kind::Plain, short()).await;
    let mut tcp = bank.tcp().await;
    tcp.write_all(b"GET /panic HTTP/1.1\r\nHost: bank.test\r\n\r\n").await.unwrap();
    let answer = one_answer(&mut tcp, "}").await;
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert!(answer.contains("x-fapi-interaction-id: made-here\r\n"), "{answer}");
    let body: serde_json::Value = serde_json::from_str(answer.rsplit("\r\n").next().unwrap()).unwrap();
    assert_eq!(body, serde_json::json!({"correlation_id": "made-here", "error": "server_error"}));
    tcp.write_all(b"GET /panic HTTP/1.1\r\nHost: bank.test\r\nX-Fapi-Interaction-Id: theirs\r\n\r\n")
        .await
        .unwrap();
    assert!(one_answer(&mut tcp, "}").await.contains("\"correlation_id\":\"theirs\""));
    tcp.write_all(GET).await.unwrap();
    assert!(rest(&mut tcp).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_panic_on_one_http2_stream_leaves_the_others_alone() {
    let bank = Bank::start(Kind::Tls, short()).await;
    let mut sender = bank.http2().await;
    let slow = sender.send_request(request("https://bank.test/slow"));
    let broken = sender.send_request(request("https://bank.test/panic")).await.unwrap();
    assert_eq!(broken.status(), 500);
    bank.release.notify_one();
    assert_eq!(slow.await.unwrap().status(), 200);
}

// Shutdown

#[tokio::test]
async fn a_shutdown_finishes_what_is_in_flight_and_takes_nothing_new() {
    let bank = Bank::start(Kind::Plain, short()).await;
    let mut idle = bank.tcp().await;
    idle.write_all(GET_KEEP).await.unwrap();
    one_answer(&mut idle, "no certificate").await;
    let mut busy = bank.tcp().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: bank.test\r\n\r\n").await.unwrap();
    bank.reached.notified().await;
    bank.shutdown.begin();
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(bank.address).await.is_err());
    bank.release.notify_one();
    let answer = rest(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(bank.served.await.unwrap(), Drain::Complete);
}

#[tokio::test]
async fn an_http2_request_in_flight_is_finished_as_well() {
    let bank = Bank::start(Kind::Tls, short()).await;
    let mut sender = bank.http2().await;
    let slow = tokio::spawn(sender.send_request(request("https://bank.test/slow")));
    bank.reached.notified().await;
    bank.shutdown.begin();
    sleep(Duration::from_millis(100)).await;
    bank.release.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    drop(sender);
    assert_eq!(bank.served.await.unwrap(), Drain::Complete);
}

#[tokio::test]
async fn a_drain_ends_at_its_bound_and_says_what_it_cut() {
    let bank = Bank::start(Kind::Plain, short()).await;
    let mut busy = bank.tcp().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: bank.test\r\n\r\n").await.unwrap();
    bank.reached.notified().await;
    let start = Instant::now();
    bank.shutdown.begin();
    assert_eq!(bank.served.await.unwrap(), Drain::Cut(1));
    assert!((500..900).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_second_request_to_end_does_not_wait_for_the_drain() {
    let bank = Bank::start(Kind::Plain, short()).await;
    let mut busy = bank.tcp().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: bank.test\r\n\r\n").await.unwrap();
    bank.reached.notified().await;
    let start = Instant::now();
    bank.shutdown.begin();
    bank.shutdown.end_now();
    assert_eq!(bank.served.await.unwrap(), Drain::Cut(1));
    assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
}

#[tokio::test]
async fn unfinished_openings_do_not_hold_a_shutdown() {
    let bank =
        Bank::start(Kind::Tls, EdgeLimits { parting: Duration::from_millis(100), ..EdgeLimits::default() })
            .await;
    let _silent = bank.tcp().await;
    let _quiet = bank.tls(any_version(&bank.pki, None)).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    bank.shutdown.begin();
    let start = Instant::now();
    assert_eq!(bank.served.await.unwrap(), Drain::Complete);
    assert!(start.elapsed() < Duration::from_millis(450), "{:?}", start.elapsed());
}

#[tokio::test]
async fn the_first_signal_begins_the_end_and_the_second_completes_it() {
    let shutdown = Shutdown::new(Duration::from_secs(60));
    let following = shutdown.follow_signals();
    let signal = |name: &str| {
        let process = std::process::id().to_string();
        assert!(Command::new("kill").args(["-s", name, &process]).status().unwrap().success());
    };
    signal("TERM");
    timeout(Duration::from_secs(2), shutdown.begun()).await.unwrap();
    assert!(timeout(Duration::from_millis(100), shutdown.ended()).await.is_err());
    signal("INT");
    timeout(Duration::from_secs(2), shutdown.ended()).await.unwrap();
    following.await.unwrap().unwrap();
}
