//! RFC 8705 section 2: which certificates authenticate a client, at every endpoint that authenticates clients.
//!
//! Each table starts from a certificate of our own making that is taken, so that what is changed is what is refused.

use conformance::bank::{Bank, Settings};
use conformance::client::Client;
use conformance::host::Scratch;
use conformance::tpp::config::Authentication;
use conformance::tpp::flow::{Tokens, Tpp};
use conformance::tpp::keys::{Alg, Key};
use conformance::tpp::mutate::HONEST;
use rcgen::{DnType, ExtendedKeyUsagePurpose, KeyUsagePurpose};
use serde_json::{Value, json};

use crate::support::certificates::{Signer, Wanted, dns, email, ip, uri};
use crate::support::judge::{challenged, everywhere, refused_as, refused_everywhere, taken_everywhere};
use crate::support::{World, embedded, identity};

/// What is done to an honest certificate.
type Change = fn(&mut Wanted);

/// What is wrong whatever a client is recognised by.
const ALWAYS_WRONG: &[(&str, Change)] = &[
    ("of another authority by the same name", |it| it.signer = Signer::Stranger),
    ("of no authority", |it| it.signer = Signer::Itself),
    ("expired", |it| it.valid = (-7200, -60)),
    ("not yet valid", |it| it.valid = (600, 7200)),
    ("for servers", |it| it.purpose = ExtendedKeyUsagePurpose::ServerAuth),
    ("for mail", |it| it.purpose = ExtendedKeyUsagePurpose::EmailProtection),
    ("with a key for encryption only", |it| it.usage = KeyUsagePurpose::KeyEncipherment),
];

/// One client of `tls_client_auth`: an honest certificate, further good ones, and the wrong ones.
struct Row {
    client: &'static str,
    honest: fn() -> Wanted,
    right: &'static [(&'static str, Change)],
    wrong: &'static [(&'static str, Change)],
}

const ROWS: &[Row] = &[
    Row {
        client: "luzon-bank",
        honest: || Wanted::new("luzon-bank", "Luzon Bank"),
        right: &[("with alternative names besides", |it| it.alternative = vec![dns("any.example")])],
        wrong: SUBJECTS,
    },
    Row {
        client: "tls-dn-dpop",
        honest: || Wanted::new("tls-dn-dpop", "Oasis Lending"),
        right: &[],
        wrong: SUBJECTS,
    },
    Row {
        client: "tls-dns-mtls",
        honest: || named(vec![dns("tpp.pearlcredit.example")]),
        right: &[
            ("in capitals", |it| it.alternative = vec![dns("TPP.PearlCredit.Example")]),
            ("among others", |it| {
                it.alternative = vec![uri("urn:x"), dns("www.example"), dns("tpp.pearlcredit.example")];
            }),
        ],
        wrong: &[
            ("a wildcard", |it| it.alternative = vec![dns("*.pearlcredit.example")]),
            ("the domain above", |it| it.alternative = vec![dns("pearlcredit.example")]),
            ("a host below", |it| it.alternative = vec![dns("x.tpp.pearlcredit.example")]),
            ("with a tail", |it| it.alternative = vec![dns("tpp.pearlcredit.example.evil.example")]),
            ("as URI", |it| it.alternative = vec![uri("tpp.pearlcredit.example")]),
            ("as mailbox", |it| it.alternative = vec![email("tpp.pearlcredit.example")]),
            ("as common name", |it| in_the_subject(it, "tpp.pearlcredit.example")),
        ],
    },
    Row {
        client: "tls-uri-mtls",
        honest: || named(vec![uri("https://saffronmarket.example/tpp")]),
        right: &[],
        wrong: &[
            ("longer", |it| it.alternative = vec![uri("https://saffronmarket.example/tpp/")]),
            ("shorter", |it| it.alternative = vec![uri("https://saffronmarket.example/")]),
            ("another path in letters", |it| it.alternative = vec![uri("https://saffronmarket.example/TPP")]),
            ("another scheme", |it| it.alternative = vec![uri("http://saffronmarket.example/tpp")]),
            ("its host", |it| it.alternative = vec![dns("saffronmarket.example")]),
            ("as common name", |it| in_the_subject(it, "https://saffronmarket.example/tpp")),
        ],
    },
    Row {
        client: "tls-ip-mtls",
        honest: || named(vec![ip("192.0.2.17")]),
        right: &[],
        wrong: &[
            ("the next one", |it| it.alternative = vec![ip("192.0.2.18")]),
            ("mapped to IPv6", |it| it.alternative = vec![ip("::ffff:192.0.2.17")]),
            ("as host", |it| it.alternative = vec![dns("192.0.2.17")]),
            ("as common name", |it| in_the_subject(it, "192.0.2.17")),
        ],
    },
    Row {
        client: "tls-email-mtls",
        honest: || named(vec![email("tpp@mindanaocoop.example")]),
        right: &[("host in capitals", |it| it.alternative = vec![email("tpp@MindanaoCoop.EXAMPLE")])],
        wrong: &[
            ("another mailbox in letters", |it| it.alternative = vec![email("TPP@mindanaocoop.example")]),
            ("another mailbox", |it| it.alternative = vec![email("x@mindanaocoop.example")]),
            ("the whole host", |it| it.alternative = vec![email("mindanaocoop.example")]),
            ("as host", |it| it.alternative = vec![dns("mindanaocoop.example")]),
            ("as common name", |it| in_the_subject(it, "tpp@mindanaocoop.example")),
        ],
    },
];

/// Subjects that are not the registered one, made from the honest one.
const SUBJECTS: &[(&str, Change)] = &[
    ("in another order", |it| it.subject.reverse()),
    ("one attribute more", |it| it.subject.push((DnType::OrganizationalUnitName, "x".to_owned()))),
    ("one attribute less", |it| drop(it.subject.pop())),
    ("values exchanged", |it| {
        let values: Vec<String> = it.subject.iter().rev().map(|(_, value)| value.clone()).collect();
        it.subject.iter_mut().zip(values).for_each(|(own, value)| own.1 = value);
    }),
    ("the name in another attribute", |it| it.subject[1].0 = DnType::OrganizationalUnitName),
    ("a longer name", |it| it.subject[1].1.push('x')),
    ("another organisation", |it| it.subject[0].1 = "Other".to_owned()),
    ("both names in one value", |it| {
        let joined = format!("{},O={}", it.subject[1].1, it.subject[0].1);
        it.subject = vec![(DnType::CommonName, joined)];
    }),
    ("as alternative name", |it| {
        let name = it.subject[1].1.clone();
        it.alternative = vec![dns(&name)];
        it.subject[1].1 = "other".to_owned();
    }),
];

fn named(alternative: Vec<rcgen::SanType>) -> Wanted {
    Wanted { alternative, ..Wanted::new("whoever", "Whoever") }
}

fn in_the_subject(wanted: &mut Wanted, value: &str) {
    wanted.alternative.clear();
    wanted.subject(&[(DnType::CommonName, value)]);
}

/// CA-15, T-MT-01.
#[tokio::test]
async fn section_2_1_only_the_registered_subject_of_a_trusted_chain_is_taken() {
    let world = embedded().await;
    for row in ROWS {
        let tpp = world.client(row.client).await;
        taken_everywhere(&tpp.over((row.honest)().shown(world)), HONEST).await;
        for (case, change) in row.right {
            let answers = everywhere(&tpp.over(changed(world, row.honest, *change)), |_| Vec::new()).await;
            for (endpoint, answer) in answers {
                assert!(answer.status.is_success(), "{} {case} {endpoint}: {}", row.client, answer.text());
            }
        }
        for (case, change) in ALWAYS_WRONG.iter().chain(row.wrong) {
            let answers = everywhere(&tpp.over(changed(world, row.honest, *change)), |_| Vec::new()).await;
            for (endpoint, answer) in answers {
                refused_as(&answer, 401, &["invalid_client"], &format!("{} {case} {endpoint}", row.client));
            }
        }
        refused_everywhere(&tpp.over(world.bank.client().unwrap()), HONEST, "invalid_client").await;
    }
}

fn changed(world: &World, honest: fn() -> Wanted, change: Change) -> Client {
    let mut wanted = honest();
    change(&mut wanted);
    wanted.shown(world)
}

/// CA-15: the certificate of every client opens nothing as any other client.
#[tokio::test]
async fn section_2_the_certificate_of_one_client_is_nobody_elses() {
    let world = embedded().await;
    let mut clients = Vec::new();
    for row in ROWS {
        clients.push(world.client(row.client).await);
    }
    for id in ["self-signed-mtls", "self-signed-dpop"] {
        clients.push(world.client(id).await);
    }
    for tpp in &clients {
        for other in clients.iter().filter(|other| other.id() != tpp.id()) {
            let http = other.registered().http.clone();
            for (endpoint, answer) in everywhere(&tpp.over(http), |_| Vec::new()).await {
                let case = format!("{} as {} at {endpoint}", other.id(), tpp.id());
                refused_as(&answer, 401, &["invalid_client"], &case);
            }
        }
    }
}

/// RFC 8705 section 2.2: the registered certificate and no other, whoever signed it.
#[tokio::test]
async fn section_2_2_only_the_registered_self_signed_certificate_is_taken() {
    let world = embedded().await;
    for (id, organisation) in [("self-signed-mtls", "Dune Pay"), ("self-signed-dpop", "Falcon Ledger")] {
        let tpp = world.client(id).await;
        taken_everywhere(&tpp, HONEST).await;
        let key = std::fs::read_to_string(world.bank.directory().join(format!("tpp/more/{id}.key.pem")));
        let key = key.unwrap();
        let own = |signer, key: Option<&String>| Wanted {
            signer,
            key: key.cloned(),
            ..Wanted::new(id, organisation)
        };
        for (case, wanted) in [
            ("another key", own(Signer::Itself, None)),
            ("another key, of the bank's authority", own(Signer::Bank, None)),
            ("another certificate of the same key", own(Signer::Itself, Some(&key))),
            ("the same key, of the bank's authority", own(Signer::Bank, Some(&key))),
        ] {
            for (endpoint, answer) in everywhere(&tpp.over(wanted.shown(world)), |_| Vec::new()).await {
                refused_as(&answer, 401, &["invalid_client"], &format!("{id} {case} {endpoint}"));
            }
        }
        refused_everywhere(&tpp.over(world.bank.client().unwrap()), HONEST, "invalid_client").await;
    }
}

/// Section 7.3: the connection and the session of TLS may outlive the certificate; requests do not.
#[tokio::test]
async fn section_7_3_a_certificate_that_ends_between_two_requests_opens_nothing_more() {
    let world = embedded().await;
    let short = |id, organisation| Wanted { valid: (-60, 4), ..Wanted::new(id, organisation) };
    let luzon = world.client("luzon-bank").await.over(short("luzon-bank", "Luzon Bank").shown(world));
    let cedar = world.client("jwt-es256-mtls").await;
    let cedar = cedar.over(short("jwt-es256-mtls", "Cedar Wallet").shown(world));
    let ask = identity();
    let code = world.code(&luzon, &ask).await;
    let held = Tokens::read(&luzon.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let alone = cedar.act_alone("payments", HONEST).await.unwrap();
    assert_eq!(alone.status, 200, "{}", alone.text());
    assert_eq!(world.userinfo(&luzon, &held.access).await.status, 200, "while it is valid");
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    refused_everywhere(&luzon, HONEST, "invalid_client").await;
    challenged(&world.userinfo(&luzon, &held.access).await, "Bearer", "invalid_token", "its end has come");
    refused_everywhere(&cedar, HONEST, "invalid_request").await;
}

/// Certificates out of their time are no proof of possession either, where the credential is an assertion.
#[tokio::test]
async fn section_3_no_token_is_bound_to_a_certificate_out_of_its_time() {
    let world = embedded().await;
    let tpp = world.client("jwt-es256-mtls").await;
    for valid in [(-7200, -60), (600, 7200)] {
        let wanted = Wanted { valid, ..Wanted::new("jwt-es256-mtls", "Cedar Wallet") };
        refused_everywhere(&tpp.over(wanted.shown(world)), HONEST, "invalid_request").await;
    }
}

/// A client that the deployment registers, with what is said of it here.
fn registration(id: &str, method: &str, said: &Value) -> Value {
    let mut metadata = json!({
        "client_id": id,
        "organisation": {"name": id, "id": id, "domain": "tpp.example"},
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "client_credentials"],
        "redirect_uris": ["http://127.0.0.1:9473/callback"],
        "scope": "openid profile email payments",
        "tls_client_certificate_bound_access_tokens": true,
    });
    metadata.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
    metadata
}

/// A bank with these clients besides its own.
async fn bank_with(clients: &[Value]) -> (World, Scratch) {
    let scratch = Scratch::new("registered").unwrap();
    let file = scratch.path().join("bank.toml");
    std::fs::write(&file, toml::to_string(&json!({"clients": clients})).unwrap()).unwrap();
    let words = vec!["--config".to_owned(), file.display().to_string()];
    (World::start(Settings { words, ..Settings::default() }).await, scratch)
}

/// The registered client behind this certificate.
fn shows(world: &World, id: &str, method: Authentication, wanted: &Wanted) -> Tpp {
    let mut registered = world.luzon().registered().clone();
    registered.id = id.to_owned();
    registered.entry.token_endpoint_auth_method = method;
    world.luzon().registered_as(registered).over(wanted.shown(world))
}

/// RFC 4514 section 4, RFC 5952: the same name in another spelling is the same name.
#[tokio::test]
async fn section_2_1_2_a_registered_name_is_compared_by_its_value_and_not_by_its_spelling() {
    let spelled = r"cn=Palm\2C Books \2b Sons ,  O=B\C3\BCcher\, Ltd.,2.5.4.6=#0c024145";
    let (world, _files) = bank_with(&[
        registration("spelled", "tls_client_auth", &json!({"tls_client_auth_subject_dn": spelled})),
        registration("six", "tls_client_auth", &json!({"tls_client_auth_san_ip": "2001:DB8:0:0::0:17"})),
    ])
    .await;
    let subject: &[(DnType, &str)] = &[
        (DnType::CountryName, "AE"),
        (DnType::OrganizationName, "Bücher, Ltd."),
        (DnType::CommonName, "Palm, Books + Sons"),
    ];
    let mut wanted = Wanted::new("", "");
    wanted.subject(subject);
    taken_everywhere(&shows(&world, "spelled", Authentication::TlsClientAuth, &wanted), HONEST).await;
    wanted.subject.reverse();
    let reversed = shows(&world, "spelled", Authentication::TlsClientAuth, &wanted);
    refused_everywhere(&reversed, HONEST, "invalid_client").await;
    let six = |address| shows(&world, "six", Authentication::TlsClientAuth, &named(vec![ip(address)]));
    taken_everywhere(&six("2001:db8::17"), HONEST).await;
    refused_everywhere(&six("2001:db8::18"), HONEST, "invalid_client").await;
}

/// RFC 8705 section 2.2: a client that registered the key alone shows any certificate of that key, in its time.
#[tokio::test]
async fn section_2_2_a_registered_key_without_its_certificate_takes_every_certificate_of_that_key_in_its_time()
 {
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let public = Key::from_pem(Alg::Es256, "tls", &key).unwrap().registered();
    let said = json!({"jwks": {"keys": [public]}});
    let (world, _files) = bank_with(&[registration("keyed", "self_signed_tls_client_auth", &said)]).await;
    let own = |valid, signer| {
        let wanted = Wanted { valid, signer, key: Some(key.clone()), ..Wanted::new("any", "Any") };
        shows(&world, "keyed", Authentication::SelfSignedTlsClientAuth, &wanted)
    };
    for signer in [Signer::Itself, Signer::Bank, Signer::Stranger] {
        taken_everywhere(&own((-60, 600), signer), HONEST).await;
        for valid in [(-7200, -60), (600, 7200)] {
            refused_everywhere(&own(valid, signer), HONEST, "invalid_client").await;
        }
    }
    let other = Wanted { signer: Signer::Itself, ..Wanted::new("any", "Any") };
    let other = shows(&world, "keyed", Authentication::SelfSignedTlsClientAuth, &other);
    refused_everywhere(&other, HONEST, "invalid_client").await;
}

/// RFC 8705 section 2.1.2: a registration that names no certificate, several, or none that can be, is refused at start.
#[tokio::test]
async fn section_2_1_2_a_registration_names_exactly_one_subject_that_can_be() {
    for (member, said) in [
        ("tls_client_auth_subject_dn", json!({})),
        (
            "tls_client_auth_subject_dn",
            json!({"tls_client_auth_subject_dn": "CN=a", "tls_client_auth_san_dns": "a.example"}),
        ),
        ("tls_client_auth_subject_dn", json!({"tls_client_auth_subject_dn": "a"})),
        ("tls_client_auth_san_dns", json!({"tls_client_auth_san_dns": "*.example"})),
        ("tls_client_auth_san_ip", json!({"tls_client_auth_san_ip": "192.0.2.256"})),
        ("tls_client_auth_san_email", json!({"tls_client_auth_san_email": "a.example"})),
    ] {
        let scratch = Scratch::new("registered").unwrap();
        let file = scratch.path().join("bank.toml");
        let clients = [registration("wrong", "tls_client_auth", &said)];
        std::fs::write(&file, toml::to_string(&json!({"clients": clients})).unwrap()).unwrap();
        let words = vec!["--config".to_owned(), file.display().to_string()];
        let refused = Bank::start(Settings { words, ..Settings::default() }).await;
        let trouble = refused.unwrap_err().to_string();
        assert!(trouble.contains("wrong") && trouble.contains(member), "{said}: {trouble}");
    }
}
