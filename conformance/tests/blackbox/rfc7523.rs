//! RFC 7523 and what FAPI 2.0 Security Profile section 5.3.2.1 makes of it: every case at PAR, token, introspection
//! and revocation alike.

use conformance::host;
use conformance::tpp::keys::{Alg, Key};
use conformance::tpp::mistakes;
use conformance::tpp::mutate::{
    Change, Forgery, HONEST, Jws, Mistake, Part, duplicate, forge, remove, seal, set,
};
use conformance::tpp::{assertion, flow::Tpp};
use serde_json::{Value, json};

use crate::support::judge::{
    because, everywhere, refused, refused_as, refused_everywhere, taken, taken_everywhere,
};
use crate::support::raw::{Raw, credential, fields, fresh_assertion};
use crate::support::{embedded, identity, registered_with};

const CLAIMS: Part = Part::Claims(Jws::Assertion);
const HEADER: Part = Part::Header(Jws::Assertion);

fn token_form() -> Vec<(String, String)> {
    fields(&[("grant_type", "client_credentials"), ("scope", "payments")])
}

#[tokio::test]
async fn an_honest_assertion_is_taken_at_every_endpoint() {
    taken_everywhere(&embedded().await.palm(), HONEST).await;
}

/// CA-02; RFC 7523 section 2.2.
#[tokio::test]
async fn section_2_2_the_assertion_type_is_the_jwt_bearer_urn_and_nothing_else() {
    let palm = embedded().await.palm();
    for wrong in ["urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "JWT-BEARER", "jwt"] {
        for (endpoint, answer) in
            everywhere(&palm, |part| vec![set(part, "client_assertion_type", wrong)]).await
        {
            // the form mistake is made where fields are, whatever put them there
            refused_as(&answer, 401, &["invalid_client"], &format!("{endpoint} {wrong}"));
        }
    }
    for (endpoint, answer) in everywhere(&palm, |part| vec![remove(part, "client_assertion_type")]).await {
        refused_as(&answer, 401, &["invalid_client"], endpoint);
    }
}

/// CA-02, T-CA-02.
#[tokio::test]
async fn section_3_2_a_client_id_beside_the_assertion_names_the_same_client() {
    let palm = embedded().await.palm();
    for (endpoint, answer) in everywhere(&palm, |part| vec![set(part, "client_id", "palm-books")]).await {
        taken(&answer, endpoint);
    }
    for other in ["luzon-bank", "palm-books2", "PALM-BOOKS", "palm-books "] {
        for (endpoint, answer) in everywhere(&palm, |part| vec![set(part, "client_id", other)]).await {
            refused_as(&answer, 401, &["invalid_client"], &format!("{endpoint} {other:?}"));
        }
    }
}

/// CA-03; sections 3-1 to 3-4 and 3-7.
#[tokio::test]
async fn section_3_every_required_claim_is_required() {
    let palm = embedded().await.palm();
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        refused_everywhere(&palm, &[remove(CLAIMS, name)], "invalid_client").await;
    }
}

/// CA-04, T-CA-02.
#[tokio::test]
async fn sections_3_1_and_3_2_issuer_and_subject_are_the_client() {
    let palm = embedded().await.palm();
    let cases: [&[Mistake]; 6] = [
        &[set(CLAIMS, "iss", "luzon-bank")],
        &[set(CLAIMS, "sub", "luzon-bank")],
        &[set(CLAIMS, "iss", "luzon-bank"), set(CLAIMS, "sub", "luzon-bank")],
        &[set(CLAIMS, "iss", "")],
        &[set(CLAIMS, "sub", "palm-books ")],
        &[set(CLAIMS, "iss", "https://localhost")],
    ];
    for mistakes in cases {
        refused_everywhere(&palm, mistakes, "invalid_client").await;
    }
}

/// CA-05, CA-08, T-FA-03, T-MT-04; FAPI 2.0 Security Profile section 5.3.2.1-8.
#[tokio::test]
async fn section_3_3_the_audience_is_the_issuer_as_one_string_and_nothing_else() {
    let world = embedded().await;
    let (palm, issuer) = (world.palm(), world.issuer());
    let port = issuer.rsplit_once(':').unwrap().1.to_owned();
    let endpoints = [
        "token_endpoint",
        "pushed_authorization_request_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "authorization_endpoint",
        "jwks_uri",
    ];
    let mut audiences = mistakes::audiences(&issuer, &endpoints.map(|name| palm.endpoint(name).unwrap()));
    audiences.extend([
        json!(issuer.replace("localhost", "127.0.0.1")),
        json!(issuer.replace(&format!(":{port}"), "")),
        json!(world.bank.mtls_origin()),
    ]);
    for audience in audiences {
        refused_everywhere(&palm, &[set(CLAIMS, "aud", audience)], "invalid_client").await;
    }
}

/// T-CA-12.
#[tokio::test]
async fn section_3_3_the_host_header_does_not_make_an_issuer() {
    let world = embedded().await;
    let palm = world.palm();
    let draft = assertion::draft(palm.id(), "https://evil.example", &palm.registered().key);
    let [forged] = seal(Jws::Assertion, draft, &palm.registered().key, HONEST).unwrap().try_into().unwrap();
    let mut form = token_form();
    form.extend(fields(&[
        ("client_assertion_type", assertion::ASSERTION_TYPE),
        ("client_assertion", &forged),
    ]));
    let raw = Raw::form(&palm.endpoint("token_endpoint").unwrap(), &form)
        .with("x-forwarded-host", "evil.example")
        .with("x-forwarded-proto", "https")
        .with("forwarded", "host=evil.example;proto=https");
    refused(&raw.send(&palm.registered().http).await, 401, "invalid_client");
}

/// CA-09, T-JO-01 to T-JO-03; FAPI 2.0 Security Profile section 5.4.1.
#[tokio::test]
async fn section_3_9_only_the_algorithms_of_the_profile_and_of_the_key_are_taken() {
    let palm = embedded().await.palm();
    for forgery in [
        Forgery::Algorithm("RS256"),
        Forgery::Algorithm("HS256"),
        Forgery::Algorithm("none"),
        Forgery::ClaimedAlgorithm("ES256"),
        Forgery::ClaimedAlgorithm("EdDSA"),
        Forgery::ClaimedAlgorithm("PS384"),
        Forgery::ClaimedAlgorithm("ps256"),
        Forgery::ClaimedAlgorithm("nOnE"),
        Forgery::ClaimedAlgorithm(""),
    ] {
        refused_everywhere(&palm, &[forge(Jws::Assertion, forgery)], "invalid_client").await;
    }
    let known = [forge(Jws::Assertion, Forgery::Algorithm("RS256"))];
    because(&palm.push(&identity(), &known).await.unwrap(), "RFC7523-3-9");
}

/// T-JO-09, T-JO-10, T-CA-09.
#[tokio::test]
async fn section_3_9_a_signature_that_does_not_hold_is_refused() {
    let palm = embedded().await.palm();
    for forgery in [
        Forgery::OtherKey,
        Forgery::Broken,
        Forgery::Longer,
        Forgery::FiveParts,
        Forgery::Verbatim(String::from("a.b.c")),
        Forgery::Verbatim(String::from("e30.e30.")),
        Forgery::Verbatim(String::from("..")),
        Forgery::Verbatim(".".repeat(2000)),
    ] {
        refused_everywhere(&palm, &[forge(Jws::Assertion, forgery)], "invalid_client").await;
    }
}

/// T-JO-04, T-JO-05.
#[tokio::test]
async fn section_3_9_a_key_that_the_header_brings_or_points_to_is_never_trusted() {
    let palm = embedded().await.palm();
    let stranger = Key::generate(Alg::Ps256, "stranger").unwrap();
    let other = [forge(Jws::Assertion, Forgery::OtherKey)];
    for extra in [
        set(HEADER, "jwk", stranger.public()),
        set(HEADER, "jku", "https://127.0.0.1:1/jwks"),
        set(HEADER, "x5u", "https://127.0.0.1:1/x"),
        set(HEADER, "kid", "../../etc/passwd"),
        set(HEADER, "kid", "' or 1=1 --"),
        set(HEADER, "kid", "luzon-bank-1"),
        set(HEADER, "kid", json!(["palm-books-1"])),
        remove(HEADER, "kid"),
    ] {
        let mistakes: Vec<Mistake> = other.iter().cloned().chain([extra]).collect();
        refused_everywhere(&palm, &mistakes, "invalid_client").await;
    }
}

/// CA-10.
#[tokio::test]
async fn section_3_4_an_expired_assertion_is_refused() {
    let palm = embedded().await.palm();
    for ago in [1, 300, 1_000_000] {
        let mistakes = [set(CLAIMS, "exp", host::now() - ago), set(CLAIMS, "iat", host::now() - ago - 30)];
        refused_everywhere(&palm, &mistakes, "invalid_client").await;
    }
}

/// CA-11; FAPI 2.0 Security Profile section 5.3.2.1-13.
#[tokio::test]
async fn sections_3_5_and_3_6_eight_seconds_ahead_is_taken_and_a_minute_is_not() {
    let palm = embedded().await.palm();
    for name in ["iat", "nbf"] {
        taken_everywhere(&palm, &[set(CLAIMS, name, host::now() + 8)]).await;
        refused_everywhere(&palm, &[set(CLAIMS, name, host::now() + 62)], "invalid_client").await;
    }
}

/// CA-12, T-CA-05.
#[tokio::test]
async fn section_3_4_an_assertion_that_lives_longer_than_five_minutes_is_refused() {
    let palm = embedded().await.palm();
    taken_everywhere(&palm, &[set(CLAIMS, "exp", host::now() + 290)]).await;
    for ahead in [600, 3600, 31_536_000] {
        refused_everywhere(&palm, &[set(CLAIMS, "exp", host::now() + ahead)], "invalid_client").await;
        let silent = [set(CLAIMS, "exp", host::now() + ahead), remove(CLAIMS, "iat")];
        refused_everywhere(&palm, &silent, "invalid_client").await;
    }
}

/// T-CA-06; RFC 7519 section 4.1.
#[tokio::test]
async fn section_3_a_claim_of_a_wrong_type_is_refused_and_never_taken_for_absent() {
    let palm = embedded().await.palm();
    let numbers =
        [json!("9999999999"), json!(-1), json!(true), json!(null), json!(1e99), json!([1]), json!({})];
    for name in ["exp", "iat", "nbf"] {
        for wrong in &numbers {
            // a date before 1970 is long past for iat and nbf, which forbids nothing
            if *wrong == json!(-1) && name != "exp" {
                continue;
            }
            refused_everywhere(&palm, &[set(CLAIMS, name, wrong.clone())], "invalid_client").await;
        }
    }
    for name in ["iss", "sub", "jti"] {
        for wrong in [json!(5), json!(null), json!(["palm-books"]), json!({"a": 1}), json!("")] {
            refused_everywhere(&palm, &[set(CLAIMS, name, wrong)], "invalid_client").await;
        }
    }
    refused_everywhere(&palm, &[set(CLAIMS, "jti", "j".repeat(300))], "invalid_client").await;
}

/// T-JO-08; RFC 7519 section 4.
#[tokio::test]
async fn section_3_a_repeated_claim_or_header_is_refused() {
    let palm = embedded().await.palm();
    for name in ["iss", "sub", "aud", "exp", "jti", "iat"] {
        let repeated = |value: Value| {
            [Mistake::Member { part: CLAIMS, name: name.to_owned(), change: Change::Duplicate(value) }]
        };
        refused_everywhere(&palm, &repeated(json!("palm-books")), "invalid_client").await;
    }
    refused_everywhere(&palm, &[duplicate(HEADER, "alg", "PS256")], "invalid_client").await;
}

/// CA-14, T-JO-06; RFC 7515 section 4.1.11, RFC 8725 section 3.11.
#[tokio::test]
async fn the_header_is_read_as_rfc_7515_says() {
    let palm = embedded().await.palm();
    taken_everywhere(&palm, &[remove(HEADER, "typ")]).await;
    taken_everywhere(&palm, &[set(HEADER, "typ", "jwt")]).await;
    for mistake in [
        set(HEADER, "typ", "dpop+jwt"),
        set(HEADER, "typ", "at+jwt"),
        set(HEADER, "typ", "oauth-authz-req+jwt"),
        set(HEADER, "crit", json!(["exp"])),
        set(HEADER, "crit", json!([])),
        set(HEADER, "crit", json!(["b64"])),
        set(HEADER, "b64", false),
        set(HEADER, "kid", "palm-books-2"),
    ] {
        refused_everywhere(&palm, &[mistake], "invalid_client").await;
    }
}

async fn shows(
    palm: &Tpp,
    endpoint: &str,
    form: &[(String, String)],
    jwt: &str,
) -> conformance::client::Answer {
    let mut form = form.to_vec();
    form.extend(fields(&[("client_assertion_type", assertion::ASSERTION_TYPE), ("client_assertion", jwt)]));
    let url = palm.endpoint(endpoint).unwrap();
    let raw = Raw::form(&url, &form);
    let proof = crate::support::raw::fresh_proof(palm, &url).unwrap();
    raw.with("dpop", &proof).send(&palm.registered().http).await
}

/// CA-12, T-CA-03.
#[tokio::test]
async fn section_3_7_an_assertion_used_at_one_endpoint_is_used_everywhere() {
    let palm = embedded().await.palm();
    let endpoints = [
        "token_endpoint",
        "pushed_authorization_request_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
    ];
    let form = |endpoint: &str| match endpoint {
        "token_endpoint" => token_form(),
        "pushed_authorization_request_endpoint" => identity().all(palm.registered()).to_form(),
        _ => fields(&[("token", "x")]),
    };
    for first in endpoints {
        let jwt = fresh_assertion(&palm);
        taken(&shows(&palm, first, &form(first), &jwt).await, first);
        for second in endpoints {
            let again = shows(&palm, second, &form(second), &jwt).await;
            refused_as(&again, 401, &["invalid_client"], &format!("{first} then {second}"));
        }
    }
}

/// Claimed together with the proof as soon as both are verified, even if the request fails later.
#[tokio::test]
async fn section_3_7_an_assertion_of_a_request_that_fails_later_is_used() {
    let palm = embedded().await.palm();
    let jwt = fresh_assertion(&palm);
    let failing = fields(&[("grant_type", "authorization_code"), ("code", "unknown")]);
    refused(&shows(&palm, "token_endpoint", &failing, &jwt).await, 400, "invalid_grant");
    refused(&shows(&palm, "token_endpoint", &token_form(), &jwt).await, 401, "invalid_client");
}

/// T-CA-03, T-CA-04.
#[tokio::test]
async fn section_3_7_a_jti_belongs_to_its_client_and_a_broken_signature_does_not_use_it() {
    let world = embedded().await;
    let (palm, apis) = (world.palm(), world.apis());
    let jti = host::token();
    let mine = set(CLAIMS, "jti", jti.as_str());
    let broken = [mine.clone(), forge(Jws::Assertion, Forgery::Broken)];
    refused(&palm.push(&identity(), &broken).await.unwrap(), 401, "invalid_client");
    taken(&palm.push(&identity(), std::slice::from_ref(&mine)).await.unwrap(), "after a broken signature");
    refused(&palm.push(&identity(), std::slice::from_ref(&mine)).await.unwrap(), 401, "invalid_client");
    taken(&apis.present("introspection_endpoint", "x", &[mine]).await.unwrap(), "another client");
}

/// CA-13, CA-18.
#[tokio::test]
async fn without_any_credential_every_endpoint_answers_401_in_json() {
    let palm = embedded().await.palm();
    let none = |part| vec![forge(Jws::Assertion, Forgery::Omitted), remove(part, "client_assertion_type")];
    for (endpoint, answer) in everywhere(&palm, none).await {
        refused_as(&answer, 401, &["invalid_client"], endpoint);
    }
    let named = |part| {
        let mut mistakes = none(part);
        mistakes.push(set(part, "client_id", "palm-books"));
        mistakes
    };
    for (endpoint, answer) in everywhere(&palm, named).await {
        refused_as(&answer, 401, &["invalid_client"], endpoint);
        assert!(answer.all("www-authenticate").is_empty(), "{endpoint}: no scheme was tried");
    }
}

/// T-AR-07.
#[tokio::test]
async fn two_assertions_are_one_too_many() {
    let palm = embedded().await.palm();
    refused_everywhere(&palm, &[forge(Jws::Assertion, Forgery::Twice)], "invalid_request").await;
}

/// CA-01, T-CA-07; RFC 6749 section 2.3.
#[tokio::test]
async fn two_methods_in_one_request_are_refused() {
    let palm = embedded().await.palm();
    for (endpoint, answer) in everywhere(&palm, |part| vec![set(part, "client_secret", "secret")]).await {
        refused_as(&answer, 400, &["invalid_request"], endpoint);
    }
    let basic = Raw::honest(&palm, "token_endpoint", token_form()).with("authorization", "Basic cGFsbTpz");
    refused(&basic.send(&palm.registered().http).await, 400, "invalid_request");
}

/// CA-01, T-CA-08; FAPI 2.0 Security Profile section 5.3.2.1-6.
#[tokio::test]
async fn shared_secrets_are_no_credential() {
    let palm = embedded().await.palm();
    let url = palm.endpoint("token_endpoint").unwrap();
    let mut form = token_form();
    form.extend(fields(&[("client_id", "palm-books"), ("client_secret", "secret")]));
    refused(&Raw::form(&url, &form).send(&palm.registered().http).await, 401, "invalid_client");
    let basic = Raw::form(&url, &token_form()).with("authorization", "Basic cGFsbS1ib29rczpzZWNyZXQ=");
    let answer = basic.send(&palm.registered().http).await;
    refused(&answer, 401, "invalid_client");
    // RFC 6749 section 5.2: the challenge of the scheme that was tried
    assert!(answer.header("www-authenticate").is_some_and(|told| told.starts_with("Basic")), "{answer:?}");
}

/// CA-19, T-CA-10.
#[tokio::test]
async fn an_unknown_client_and_a_wrong_key_look_the_same() {
    let palm = embedded().await.palm();
    let stranger = registered_with(&palm, |registered| registered.id = "nobody".to_owned());
    let stranger = Tpp::discover(stranger).await.unwrap();
    let unknown = stranger.act_alone("payments", HONEST).await.unwrap();
    let wrong = palm.act_alone("payments", &[forge(Jws::Assertion, Forgery::OtherKey)]).await.unwrap();
    assert_eq!((unknown.status, unknown.text()), (wrong.status, wrong.text()));
    refused(&unknown, 401, "invalid_client");
}

/// T-CA-08: a client registered for a certificate does not get in with an assertion by its own key.
#[tokio::test]
async fn a_method_that_is_not_the_registered_one_is_refused() {
    let world = embedded().await;
    let luzon = registered_with(&world.luzon(), |registered| {
        registered.entry.token_endpoint_auth_method = conformance::tpp::config::Authentication::PrivateKeyJwt;
    });
    let luzon = Tpp::discover(luzon).await.unwrap();
    assert!(!credential(&luzon).is_empty());
    refused_everywhere(&luzon, HONEST, "invalid_client").await;
}
