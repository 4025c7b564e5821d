//! RFC 7591 section 2, `jwks_uri`: a client publishes its keys at a server of its own.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use conformance::bank::{Bank, Controls, Settings};
use conformance::host::Scratch;
use conformance::tpp::config::Registered;
use conformance::tpp::flow::Tpp;
use conformance::tpp::keys::{Alg, Key};
use conformance::tpp::mutate::HONEST;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::identity;
use crate::support::judge::refused;

/// A client's server of keys.
struct KeyServer {
    origin: String,
    authority: String,
    key: Arc<Mutex<Key>>,
    asked: Arc<AtomicUsize>,
}

impl KeyServer {
    async fn start(key: Key) -> Self {
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
        let own = KeyPair::generate().unwrap();
        let leaf =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&own, &ca).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::try_from(own.serialize_der()).unwrap(),
            );
        let acceptor = TlsAcceptor::from(Arc::new(tls.unwrap()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let server =
            Self { origin, authority: ca.pem(), key: Arc::new(Mutex::new(key)), asked: Arc::default() };
        let (key, asked) = (Arc::clone(&server.key), Arc::clone(&server.asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                asked.fetch_add(1, Ordering::SeqCst);
                let body = json!({"keys": [key.lock().unwrap().registered()]}).to_string();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/jwk-set+json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                let _ = stream.shutdown().await;
            }
        });
        server
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// A deployment that knows one client of this server's owner.
    fn deployment(&self, outbound: &str) -> String {
        format!(
            "[outbound]\n{outbound}\n\n[[clients]]\nclient_id = \"oasis\"\n\
             organisation = {{ name = \"Oasis\", id = \"oasis\", domain = \"oasis.example\" }}\n\
             token_endpoint_auth_method = \"private_key_jwt\"\ndpop_bound_access_tokens = true\n\
             redirect_uris = [\"http://127.0.0.1:9473/callback\"]\nscope = \"openid profile email\"\n\
             jwks_uri = \"{}/jwks\"\n",
            self.origin
        )
    }
}

/// A bank started with this deployment, and its client.
async fn bank(scratch: &Scratch, (deployment, controls): (&str, Controls), key: &Key) -> (Bank, Tpp) {
    let file = scratch.path().join("bank.toml");
    std::fs::write(&file, deployment).unwrap();
    let words = vec!["--config".to_owned(), file.display().to_string()];
    let bank = Bank::start(Settings { words, controls, ..Settings::default() }).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let client = oasis(&bank, key).await;
    (bank, client)
}

async fn oasis(bank: &Bank, key: &Key) -> Tpp {
    let known = Registered::load(&bank.directory().join("tpp/tpp.toml"), Some("palm-books")).unwrap();
    let mut entry = known.entry.clone();
    entry.redirect_uri = "http://127.0.0.1:9473/callback".to_owned();
    Tpp::discover(Registered { id: "oasis".to_owned(), key: key.clone(), entry, ..known }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn section_2_a_rotated_key_works_at_its_first_use_and_the_old_one_no_more() {
    let (first, second) =
        (Key::generate(Alg::Es256, "first").unwrap(), Key::generate(Alg::Ps256, "second").unwrap());
    let server = KeyServer::start(first.clone()).await;
    let scratch = Scratch::new("jwks-uri").unwrap();
    let authorities = scratch.path().join("authority.pem");
    std::fs::write(&authorities, &server.authority).unwrap();
    let outbound = format!("authorities = \"{}\"", authorities.display());
    let (bank, client) = bank(&scratch, (&server.deployment(&outbound), Controls::Present), &first).await;
    for _ in 0..3 {
        assert_eq!(client.push(&identity(), HONEST).await.unwrap().status, 201);
    }
    assert_eq!(server.asked(), 1);
    *server.key.lock().unwrap() = second.clone();
    let rotated = oasis(&bank, &second).await;
    assert_eq!(rotated.push(&identity(), HONEST).await.unwrap().status, 201);
    refused(&client.push(&identity(), HONEST).await.unwrap(), 401, "invalid_client");
    assert_eq!(server.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn section_2_a_key_server_at_an_internal_address_is_never_called() {
    let key = Key::generate(Alg::Es256, "first").unwrap();
    let server = KeyServer::start(key.clone()).await;
    let scratch = Scratch::new("jwks-uri").unwrap();
    let authorities = scratch.path().join("authority.pem");
    std::fs::write(&authorities, &server.authority).unwrap();
    let outbound = format!("authorities = \"{}\"", authorities.display());
    let (_bank, client) = bank(&scratch, (&server.deployment(&outbound), Controls::Absent), &key).await;
    refused(&client.push(&identity(), HONEST).await.unwrap(), 401, "invalid_client");
    assert_eq!(server.asked(), 0);
}
