//! Every way to authenticate with every way to hold tokens (FAPI 2.0 Security Profile sections 5.3.2.1 and 5.3.4), from
//! the pushed request to the revoked token.

use conformance::host;
use conformance::tpp::config::{Authentication, Constraint};
use conformance::tpp::flow::{Tokens, Tpp};
use conformance::tpp::jws::peek;
use conformance::tpp::keys::{Alg, Key, sha256};
use conformance::tpp::mutate::{Forgery, HONEST, Jws, forge};
use conformance::user::Decision;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::support::judge::{
    challenged, everywhere, inactive, refused, refused_as, refused_everywhere, taken, taken_everywhere,
};
use crate::support::raw::{Raw, fields, fresh_assertion};
use crate::support::uae::{self, ACCOUNT, AMOUNT};
use crate::support::{World, embedded, identity, over_every_database};

over_every_database!(every_variant_pays_from_the_pushed_request_to_the_revoked_token);

/// Every registered third party: its authentication, the algorithm of its key, what its tokens are bound to.
const VARIANTS: &[(&str, Authentication, Alg, Constraint)] = &[
    ("palm-books", Authentication::PrivateKeyJwt, Alg::Ps256, Constraint::Dpop),
    ("jwt-eddsa-dpop", Authentication::PrivateKeyJwt, Alg::EdDsa, Constraint::Dpop),
    ("jwt-es256-mtls", Authentication::PrivateKeyJwt, Alg::Es256, Constraint::Mtls),
    ("luzon-bank", Authentication::TlsClientAuth, Alg::Es256, Constraint::Mtls),
    ("tls-dn-dpop", Authentication::TlsClientAuth, Alg::Es256, Constraint::Dpop),
    ("tls-dns-mtls", Authentication::TlsClientAuth, Alg::Es256, Constraint::Mtls),
    ("tls-uri-mtls", Authentication::TlsClientAuth, Alg::Es256, Constraint::Mtls),
    ("tls-ip-mtls", Authentication::TlsClientAuth, Alg::Es256, Constraint::Mtls),
    ("tls-email-mtls", Authentication::TlsClientAuth, Alg::Es256, Constraint::Mtls),
    ("self-signed-mtls", Authentication::SelfSignedTlsClientAuth, Alg::Es256, Constraint::Mtls),
    ("self-signed-dpop", Authentication::SelfSignedTlsClientAuth, Alg::Es256, Constraint::Dpop),
];

/// CA-01, CA-15, TK-12, RS-04, IN-02, RV-02 for each variant.
async fn every_variant_pays_from_the_pushed_request_to_the_revoked_token(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    for (id, authentication, alg, constraint) in VARIANTS {
        let tpp = world.client(id).await;
        let entry = &tpp.registered().entry;
        assert_eq!(
            (entry.token_endpoint_auth_method, tpp.registered().key.alg(), entry.sender_constraint),
            (*authentication, *alg, *constraint),
            "{id}"
        );
        taken_everywhere(&tpp, HONEST).await;
        whole_life(world, &tpp).await;
    }
}

async fn whole_life(world: &World, tpp: &Tpp) {
    let (consent, ask) = uae::single_payment();
    let request_uri = world.push(tpp, &ask).await;
    let returned = world.decide(tpp, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let code = tpp.code(&ask, &returned).await.unwrap();
    let first = Tokens::read(&tpp.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let refresh = first.refresh.clone().unwrap();
    let second = Tokens::read(&tpp.refresh(&refresh, HONEST).await.unwrap()).unwrap();
    for tokens in [&first, &second] {
        bound_as_registered(world, tpp, tokens).await;
        assert_eq!(world.userinfo(tpp, &tokens.access).await.status, 200, "{}", tpp.id());
    }
    let order = uae::order(&consent, AMOUNT);
    let paid = uae::pay(world, tpp, &second.access, &host::uuid(), &order).await;
    assert_eq!(paid.status, 201, "{}: {}", tpp.id(), paid.text());
    assert_eq!(uae::message(tpp, &paid).await["Data"]["ConsentId"], json!(consent));

    taken(&tpp.present("revocation_endpoint", &refresh, HONEST).await.unwrap(), tpp.id());
    for tokens in [&first, &second] {
        let answer = world.userinfo(tpp, &tokens.access).await;
        challenged(&answer, scheme(tpp), "invalid_token", tpp.id());
        let told = tpp.present("introspection_endpoint", &tokens.access, HONEST).await.unwrap();
        inactive(&told, tpp.id());
    }
    refused(&tpp.refresh(&refresh, HONEST).await.unwrap(), 400, "invalid_grant");
}

/// The token, and what introspection says of it, name what this client registered: its certificate, or its proof key.
async fn bound_as_registered(world: &World, tpp: &Tpp, tokens: &Tokens) {
    let expected = match tpp.registered().entry.sender_constraint {
        Constraint::Dpop => json!({"jkt": tpp.proof_key().thumbprint()}),
        Constraint::Mtls => json!({"x5t#S256": sha256(&leaf(world, tpp))}),
    };
    let (_, claims) = peek(&tokens.access).unwrap();
    assert_eq!(claims["cnf"], expected, "{}", tpp.id());
    assert_eq!(tokens.body["token_type"].as_str().unwrap(), scheme(tpp), "{}", tpp.id());
    let answer = world.apis().present("introspection_endpoint", &tokens.access, HONEST).await.unwrap();
    let told: Value = answer.json().unwrap();
    assert_eq!((&told["active"], &told["cnf"]), (&json!(true), &expected), "{}", tpp.id());
}

fn scheme(tpp: &Tpp) -> &'static str {
    match tpp.registered().entry.sender_constraint {
        Constraint::Dpop => "DPoP",
        Constraint::Mtls => "Bearer",
    }
}

fn leaf(world: &World, tpp: &Tpp) -> Vec<u8> {
    let file = tpp.registered().entry.certificate.clone().unwrap();
    let pem = std::fs::read(world.bank.directory().join("tpp").join(file)).unwrap();
    CertificateDer::from_pem_slice(&pem).unwrap().to_vec()
}

/// CA-02: an assertion by a key that is not the client's, whatever certificate comes with it.
#[tokio::test]
async fn an_assertion_of_another_key_is_refused_everywhere() {
    let world = embedded().await;
    for id in ["palm-books", "jwt-es256-mtls", "jwt-eddsa-dpop"] {
        let tpp = world.client(id).await;
        refused_everywhere(&tpp, &[forge(Jws::Assertion, Forgery::OtherKey)], "invalid_client").await;
        let mut stolen = tpp.registered().clone();
        stolen.key = Key::generate(Alg::Es256, "self-signed-mtls-1").unwrap();
        refused_everywhere(&Tpp::discover(stolen).await.unwrap(), HONEST, "invalid_client").await;
    }
}

/// T-CA-08: what is registered counts, not what is shown. An assertion by the registered key of a client that
/// authenticates with its certificate is nothing, also when the good certificate comes with it.
#[tokio::test]
async fn an_assertion_of_a_client_with_a_certificate_is_refused_everywhere() {
    let world = embedded().await;
    for (id, method, ..) in VARIANTS {
        if *method == Authentication::PrivateKeyJwt {
            continue;
        }
        let mut registered = world.client(id).await.registered().clone();
        registered.entry.token_endpoint_auth_method = Authentication::PrivateKeyJwt;
        for http in [registered.http.clone(), world.bank.client().unwrap()] {
            let mut tpp = registered.clone();
            tpp.http = http;
            refused_everywhere(&Tpp::discover(tpp).await.unwrap(), HONEST, "invalid_client").await;
        }
    }
}

/// RFC 6749 section 2.3: one method per request; a certificate that authenticates is one.
#[tokio::test]
async fn a_certificate_and_another_credential_at_once_are_refused_everywhere() {
    let world = embedded().await;
    for id in ["luzon-bank", "tls-dns-mtls", "self-signed-mtls"] {
        let tpp = world.client(id).await;
        let assertion = fresh_assertion(&tpp);
        let extra: [&[(&str, &str)]; 3] = [
            &[
                ("client_assertion_type", conformance::tpp::assertion::ASSERTION_TYPE),
                ("client_assertion", &assertion),
            ],
            &[("client_secret", "s3cret")],
            &[("client_assertion", &assertion)],
        ];
        for endpoint in [
            "pushed_authorization_request_endpoint",
            "token_endpoint",
            "introspection_endpoint",
            "revocation_endpoint",
        ] {
            for added in extra {
                let mut form = fields(&[("grant_type", "client_credentials"), ("token", "x")]);
                form.extend(fields(added));
                let answer = Raw::honest(&tpp, endpoint, form).send(&tpp.registered().http).await;
                refused_as(&answer, 401, &["invalid_client"], &format!("{id} {endpoint} {added:?}"));
            }
            let form = fields(&[("grant_type", "client_credentials"), ("token", "x")]);
            let basic = Raw::honest(&tpp, endpoint, form).with("authorization", "Basic bHV6b246czNjcmV0");
            let answer = basic.send(&tpp.registered().http).await;
            refused_as(&answer, 401, &["invalid_client"], &format!("{id} {endpoint} Basic"));
        }
    }
}

/// TK-09, RFC 8705 section 3: where the certificate is no credential, it is still what tokens are bound to.
#[tokio::test]
async fn a_client_of_assertions_gets_no_bound_token_without_its_certificate() {
    let world = embedded().await;
    let tpp = world.client("jwt-es256-mtls").await;
    let bare = tpp.over(world.bank.client().unwrap());
    refused(&bare.act_alone("payments", HONEST).await.unwrap(), 400, "invalid_request");
    let ask = identity();
    let code = world.code(&tpp, &ask).await;
    refused(&bare.redeem(&ask, &code, HONEST).await.unwrap(), 400, "invalid_request");
    let tokens = Tokens::read(&tpp.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    refused(&bare.refresh(&tokens.refresh.unwrap(), HONEST).await.unwrap(), 400, "invalid_request");
    challenged(&world.userinfo(&bare, &tokens.access).await, "Bearer", "invalid_token", "no certificate");
}

/// RFC 8705 section 3.1: a refresh may come with a renewed certificate; the new token is bound to that one alone.
#[tokio::test]
async fn a_token_is_bound_to_the_certificate_of_its_own_request() {
    let world = embedded().await;
    let tpp = world.client("jwt-es256-mtls").await;
    let renewed = crate::support::certificates::Wanted::new("jwt-es256-mtls", "Cedar Wallet").shown(world);
    let renewed = tpp.over(renewed);
    let tokens = world.tokens(&tpp, &identity()).await;
    let answer = renewed.refresh(&tokens.refresh.unwrap(), HONEST).await.unwrap();
    let fresh = Tokens::read(&answer).unwrap();
    assert_eq!(world.userinfo(&renewed, &fresh.access).await.status, 200);
    challenged(&world.userinfo(&tpp, &fresh.access).await, "Bearer", "invalid_token", "the old certificate");
    challenged(&world.userinfo(&renewed, &tokens.access).await, "Bearer", "invalid_token", "the old token");
}

/// RFC 9449 section 5: a client of certificates that registered proofs gets no token without one.
#[tokio::test]
async fn a_client_with_a_certificate_gets_no_proof_bound_token_without_a_proof() {
    let world = embedded().await;
    for id in ["tls-dn-dpop", "self-signed-dpop"] {
        let tpp = world.client(id).await;
        let without = [forge(Jws::Proof, Forgery::Omitted)];
        refused(&tpp.act_alone("payments", &without).await.unwrap(), 400, "invalid_dpop_proof");
        // and a proof binds, not the certificate that came along
        let tokens = world.tokens(&tpp, &identity()).await;
        let other = tpp.with_proof_key(Key::generate(Alg::Es256, "proof").unwrap());
        challenged(&world.userinfo(&other, &tokens.access).await, "DPoP", "invalid_token", id);
        for (endpoint, answer) in everywhere(&tpp, |_| vec![forge(Jws::Proof, Forgery::Broken)]).await {
            refused_as(&answer, 400, &["invalid_dpop_proof"], &format!("{id} {endpoint}"));
        }
    }
}
