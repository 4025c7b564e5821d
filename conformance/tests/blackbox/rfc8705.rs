//! RFC 8705: certificates as credentials, and tokens bound to them.

use conformance::client::Client;
use conformance::tpp::config::{Authentication, Registered};
use conformance::tpp::flow::Tpp;
use conformance::tpp::jws::peek;
use conformance::tpp::keys::sha256;
use conformance::tpp::mutate::HONEST;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::support::certificates::Wanted;
use crate::support::judge::{challenged, refused, refused_as, refused_everywhere, taken_everywhere};
use crate::support::raw::{Raw, fields};
use crate::support::{World, embedded, identity};

fn file(world: &World, name: &str) -> Vec<u8> {
    std::fs::read(world.bank.directory().join("tpp").join(name)).unwrap()
}

/// Luzon Bank over a connection that shows another certificate.
fn showing(world: &World, certificate: &[u8], key: &[u8]) -> Tpp {
    world.luzon().over(world.bank.client().unwrap().with_certificate(certificate, key).unwrap())
}

/// Issued by nobody we know, with the registered name on it.
fn self_made() -> (String, String) {
    let mut wanted = rcgen::CertificateParams::new(vec!["luzonbank.example".to_owned()]).unwrap();
    wanted.distinguished_name = rcgen::DistinguishedName::new();
    wanted.distinguished_name.push(rcgen::DnType::OrganizationName, "Luzon Bank");
    wanted.distinguished_name.push(rcgen::DnType::CommonName, "luzon-bank");
    let key = rcgen::KeyPair::generate().unwrap();
    (wanted.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// CA-15.
#[tokio::test]
async fn section_2_1_the_registered_certificate_opens_every_endpoint() {
    taken_everywhere(&embedded().await.luzon(), HONEST).await;
}

/// CA-15, T-MT-01: another client's certificate of the same authority.
#[tokio::test]
async fn section_2_1_2_the_certificate_of_another_client_is_refused_everywhere() {
    let world = embedded().await;
    let (certificate, key) = (file(world, "palm-books.cert.pem"), file(world, "palm-books.key.pem"));
    refused_everywhere(&showing(world, &certificate, &key), HONEST, "invalid_client").await;
}

/// CA-15: the chain must lead to the configured authority, whatever the subject says.
#[tokio::test]
async fn section_2_1_a_certificate_of_an_unknown_authority_is_refused_everywhere() {
    let world = embedded().await;
    let (certificate, key) = self_made();
    refused_everywhere(&showing(world, certificate.as_bytes(), key.as_bytes()), HONEST, "invalid_client")
        .await;
}

/// CA-16, TLS-10: the handshake succeeds so that the answer can be JSON.
#[tokio::test]
async fn section_2_without_a_certificate_the_client_is_not_authenticated() {
    let world = embedded().await;
    refused_everywhere(&world.luzon().over(world.bank.client().unwrap()), HONEST, "invalid_client").await;
}

/// CA-17, T-MT-03.
#[tokio::test]
async fn a_certificate_in_a_header_is_no_certificate() {
    let world = embedded().await;
    let (luzon, bare) = (world.luzon(), world.bank.client().unwrap());
    let pem = String::from_utf8(file(world, "luzon-bank.cert.pem")).unwrap();
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let form =
        fields(&[("grant_type", "client_credentials"), ("scope", "payments"), ("client_id", "luzon-bank")]);
    for url in [
        luzon.endpoint("token_endpoint").unwrap(),
        luzon.metadata()["token_endpoint"].as_str().unwrap().to_owned(),
    ] {
        for name in [
            "x-forwarded-client-cert",
            "x-forwarded-tls-client-cert",
            "x-ssl-cert",
            "x_ssl_client_cert",
            "ssl-client-cert",
            "client-cert",
        ] {
            let value = if name == "client-cert" { format!(":{text}:") } else { text.clone() };
            let answer = Raw::form(&url, &form).with(name, &value).send(&bare).await;
            refused_as(&answer, 401, &["invalid_client"], &format!("{url} {name}"));
        }
    }
}

/// T-CA-08: a client of assertions with its own good certificate.
#[tokio::test]
async fn a_certificate_is_no_credential_for_a_client_of_assertions() {
    let world = embedded().await;
    let mut palm: Registered = world.palm().registered().clone();
    palm.entry.token_endpoint_auth_method = Authentication::TlsClientAuth;
    let (certificate, key) = (file(world, "palm-books.cert.pem"), file(world, "palm-books.key.pem"));
    palm.http = world.bank.client().unwrap().with_certificate(&certificate, &key).unwrap();
    refused_everywhere(&Tpp::discover(palm).await.unwrap(), HONEST, "invalid_client").await;
}

/// TK-12.
#[tokio::test]
async fn section_3_1_the_token_names_the_certificate_and_is_a_bearer_token() {
    let world = embedded().await;
    let luzon = world.luzon();
    let tokens = world.tokens(&luzon, &identity()).await;
    assert!(tokens.body["token_type"].as_str().unwrap().eq_ignore_ascii_case("bearer"));
    let (_, claims) = peek(&tokens.access).unwrap();
    let leaf = CertificateDer::from_pem_slice(&file(world, "luzon-bank.cert.pem")).unwrap();
    assert_eq!(claims["cnf"], serde_json::json!({"x5t#S256": sha256(&leaf)}));
    assert_eq!(world.userinfo(&luzon, &tokens.access).await.status, 200);
}

/// RS-04, UI-06, T-MT-02, T-MT-04.
#[tokio::test]
async fn section_3_the_token_opens_nothing_without_its_certificate() {
    let world = embedded().await;
    let tokens = world.tokens(&world.luzon(), &identity()).await;
    let (palm_certificate, palm_key) =
        (file(world, "palm-books.cert.pem"), file(world, "palm-books.key.pem"));
    let (made, made_key) = self_made();
    // T-MT-02: issued once more, by the same authority, for the same name and over the same key
    let own_key = String::from_utf8(file(world, "luzon-bank.key.pem")).unwrap();
    let again = Wanted { key: Some(own_key), ..Wanted::new("luzon-bank", "Luzon Bank") }.make(world);
    let bare: Client = world.bank.client().unwrap();
    for (case, tpp) in [
        ("issued again over the same key", showing(world, again.0.as_bytes(), again.1.as_bytes())),
        ("no certificate", world.luzon().over(bare.clone())),
        ("of another client", showing(world, &palm_certificate, &palm_key)),
        ("of another authority", showing(world, made.as_bytes(), made_key.as_bytes())),
    ] {
        challenged(&world.userinfo(&tpp, &tokens.access).await, "Bearer", "invalid_token", case);
    }
    let plain = world.palm().metadata()["userinfo_endpoint"].as_str().unwrap().to_owned();
    let raw = Raw::bare("GET", &plain).with("authorization", &format!("Bearer {}", tokens.access));
    challenged(&raw.send(&bare).await, "Bearer", "invalid_token", "at the other listener");
}

/// TK-09: a refresh needs the certificate as well.
#[tokio::test]
async fn section_3_a_code_and_a_refresh_token_are_not_redeemed_without_the_certificate() {
    let world = embedded().await;
    let luzon = world.luzon();
    let bare = luzon.over(world.bank.client().unwrap());
    let ask = identity();
    let code = world.code(&luzon, &ask).await;
    refused(&bare.redeem(&ask, &code, HONEST).await.unwrap(), 401, "invalid_client");
    let answer = luzon.redeem(&ask, &code, HONEST).await.unwrap();
    assert_eq!(answer.status, 200, "the failed attempt spent nothing: {}", answer.text());
    let refresh = answer.member("refresh_token").unwrap();
    refused(&bare.refresh(&refresh, HONEST).await.unwrap(), 401, "invalid_client");
}
