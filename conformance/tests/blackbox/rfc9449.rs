//! RFC 9449: proofs of possession at the endpoints of the authorization server and at a resource.

use conformance::bank::Settings;
use conformance::client::Answer;
use conformance::host;
use conformance::tpp::flow::{Ask, Tokens, Tpp};
use conformance::tpp::jws::peek;
use conformance::tpp::keys::{Alg, Key};
use conformance::tpp::mistakes;
use conformance::tpp::mutate::{Forgery, HONEST, Jws, Mistake, Part, forge, remove, set};
use conformance::tpp::proof::About;
use serde_json::json;

use crate::support::judge::{because, challenged, everywhere, refused, refused_as, taken, taken_everywhere};
use crate::support::raw::{Raw, fields, proof_about};
use crate::support::{World, embedded, identity};

const CLAIMS: Part = Part::Claims(Jws::Proof);
const HEADER: Part = Part::Header(Jws::Proof);

/// DP-01, DP-02, DP-03 at PAR, token, introspection and revocation.
#[tokio::test]
async fn section_4_3_a_proof_with_one_mistake_is_refused_at_every_endpoint() {
    let palm = embedded().await.palm();
    for mistake in
        mistakes::proofs(palm.proof_key()).unwrap().into_iter().chain([mistakes::endless_identifier()])
    {
        for (endpoint, answer) in everywhere(&palm, |_| vec![mistake.clone()]).await {
            refused_as(&answer, 400, &["invalid_dpop_proof"], &format!("{endpoint} {mistake:?}"));
        }
    }
}

/// DP-03, DP-07: the same at a resource, with a challenge.
#[tokio::test]
async fn section_7_1_a_proof_with_one_mistake_is_refused_at_a_resource() {
    let world = embedded().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let url = palm.endpoint("userinfo_endpoint").unwrap();
    let mut wrong = mistakes::proofs(palm.proof_key()).unwrap();
    wrong.extend([
        remove(CLAIMS, "ath"),
        set(CLAIMS, "ath", "x"),
        set(CLAIMS, "ath", conformance::tpp::keys::sha256(b"another token")),
        set(CLAIMS, "ath", json!(null)),
        set(CLAIMS, "htm", "POST"),
        forge(Jws::Proof, Forgery::Omitted),
    ]);
    for mistake in wrong {
        let answer = palm.get(&url, &tokens.access, std::slice::from_ref(&mistake)).await.unwrap();
        challenged(&answer, "DPoP", "invalid_dpop_proof", &format!("{mistake:?}"));
        let named = answer
            .all("www-authenticate")
            .iter()
            .any(|told| told.contains("algs=\"") && !told.contains("RS256"));
        assert!(named, "{:?}", answer.all("www-authenticate"));
    }
    assert_eq!(palm.get(&url, &tokens.access, HONEST).await.unwrap().status, 200);
}

/// DP-03; RFC 9449 section 7.1: the key must be the one of the token.
#[tokio::test]
async fn section_7_1_another_key_than_the_one_of_the_token_is_refused() {
    let world = embedded().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let thief = world.palm();
    let answer = world.userinfo(&thief, &tokens.access).await;
    challenged(&answer, "DPoP", "invalid_token", "another key");
}

/// DP-04, TK-13.
#[tokio::test]
async fn section_4_3_what_a_proof_may_say_besides_does_no_harm() {
    let world = embedded().await;
    let palm = world.palm();
    world.up_for(11).await;
    let now = host::now();
    for mistake in [
        set(CLAIMS, "iat", now - 10),
        set(CLAIMS, "iat", now + 8),
        set(CLAIMS, "nbf", now),
        set(CLAIMS, "exp", now + 60),
        set(CLAIMS, "extra", json!({"a": [1]})),
        set(HEADER, "kid", "mine"),
        set(HEADER, "typ", "DPoP+JWT"),
    ] {
        taken_everywhere(&palm, &[mistake]).await;
    }
    for alg in [Alg::Ps256, Alg::EdDsa] {
        taken_everywhere(&palm.with_proof_key(Key::generate(alg, "p").unwrap()), HONEST).await;
    }
}

/// DP-04, DP-05: query and fragment do not count, nor does the case of scheme and host.
#[tokio::test]
async fn section_4_3_9_the_uri_is_compared_without_query_and_in_normal_form() {
    let palm = embedded().await.palm();
    let url = palm.endpoint("token_endpoint").unwrap();
    for same in
        [format!("{url}?a=b"), format!("{url}#c"), url.replace("https://localhost", "HTTPS://LOCALHOST")]
    {
        taken(&palm.act_alone("payments", &[set(CLAIMS, "htu", same.as_str())]).await.unwrap(), &same);
    }
    for other in [
        format!("{url}/"),
        format!("{url}/../token"),
        url.replace("/token", "//token"),
        url.replace("/token", "/%74oken"),
        url.replace("/token", "/Token"),
        url.replace("localhost", "127.0.0.1"),
        url.replace("localhost", "localhost."),
        url.replace("localhost", "user@localhost"),
        url.replace("https", "http"),
        palm.endpoint("pushed_authorization_request_endpoint").unwrap(),
        palm.metadata()["mtls_endpoint_aliases"]["token_endpoint"].as_str().unwrap().to_owned(),
    ] {
        let answer = palm.act_alone("payments", &[set(CLAIMS, "htu", other.as_str())]).await.unwrap();
        refused_as(&answer, 400, &["invalid_dpop_proof"], &other);
    }
}

/// DP-10, T-CA-12: `htu` is compared with the configured origin.
#[tokio::test]
async fn section_4_3_9_the_host_header_does_not_move_the_server() {
    let palm = embedded().await.palm();
    let form = fields(&[("grant_type", "client_credentials"), ("scope", "payments")]);
    let proof =
        proof_about(&palm, &About { method: "POST", url: "https://evil.example/token", ..About::default() });
    let raw = Raw::honest(&palm, "token_endpoint", form)
        .instead("dpop", &proof)
        .with("x-forwarded-host", "evil.example")
        .with("forwarded", "host=evil.example;proto=https");
    refused(&raw.send(&palm.registered().http).await, 400, "invalid_dpop_proof");
}

/// DP-06; section 11.1: at the endpoints that authenticate clients and at a resource.
#[tokio::test]
async fn section_11_1_a_proof_is_used_once() {
    let world = embedded().await;
    let palm = world.palm();
    let jti = [set(CLAIMS, "jti", host::token())];
    taken(&palm.act_alone("payments", &jti).await.unwrap(), "first");
    let again = palm.act_alone("payments", &jti).await.unwrap();
    refused_as(&again, 400, &["invalid_dpop_proof"], "second");
    let tokens = world.tokens(&palm, &identity()).await;
    let url = palm.endpoint("userinfo_endpoint").unwrap();
    let about = About { method: "GET", url: &url, access_token: Some(&tokens.access), nonce: None };
    let raw = Raw::bare("GET", &url)
        .with("authorization", &format!("DPoP {}", tokens.access))
        .with("dpop", &proof_about(&palm, &about));
    assert_eq!(raw.send(&palm.registered().http).await.status, 200);
    challenged(&raw.send(&palm.registered().http).await, "DPoP", "invalid_dpop_proof", "replayed");
}

/// DP-08, RS-02, RS-03.
#[tokio::test]
async fn section_7_2_the_scheme_fits_the_token_and_the_token_travels_in_one_place() {
    let world = embedded().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let url = palm.endpoint("userinfo_endpoint").unwrap();
    let http = &palm.registered().http;
    let proven = |scheme: &str| {
        let about = About { method: "GET", url: &url, access_token: Some(&tokens.access), nonce: None };
        Raw::bare("GET", &url)
            .with("authorization", &format!("{scheme} {}", tokens.access))
            .with("dpop", &proof_about(&palm, &about))
    };
    for scheme in ["DPoP", "dpop", "dpOP", "DPOP"] {
        assert_eq!(proven(scheme).send(http).await.status, 200, "{scheme}");
    }
    for wrong in ["Bearer", "bEARER", "Basic", "DPoPx"] {
        let answer = proven(wrong).send(http).await;
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(!answer.all("www-authenticate").is_empty());
    }
    let twice = proven("DPoP").with("authorization", &format!("Bearer {}", tokens.access)).send(http).await;
    assert!(matches!(twice.status.as_u16(), 400 | 401), "{}", twice.status);
    let mut query = Raw::bare("GET", &url);
    query.url = format!("{url}?access_token={}", tokens.access);
    assert!(matches!(query.send(http).await.status.as_u16(), 400 | 401));
    let mut both = proven("DPoP");
    both.url = query.url;
    let answer = both.send(http).await;
    assert!(matches!(answer.status.as_u16(), 400 | 401), "{}", answer.status);
    let form = Raw::form(&url, &fields(&[("access_token", &tokens.access)]));
    assert!(matches!(form.send(http).await.status.as_u16(), 400 | 401));
}

/// DP-08: a certificate-bound token is no `DPoP` token, whatever key signs the proof.
#[tokio::test]
async fn section_7_2_a_certificate_bound_token_does_not_travel_as_dpop() {
    let world = embedded().await;
    let luzon = world.luzon();
    let tokens = world.tokens(&luzon, &identity()).await;
    let url = luzon.endpoint("userinfo_endpoint").unwrap();
    let about = About { method: "GET", url: &url, access_token: Some(&tokens.access), nonce: None };
    let raw = Raw::bare("GET", &url)
        .with("authorization", &format!("DPoP {}", tokens.access))
        .with("dpop", &proof_about(&world.palm(), &about));
    assert_eq!(raw.send(&luzon.registered().http).await.status, 401);
}

/// TK-10: the code survives the attempt.
#[tokio::test]
async fn section_5_without_a_proof_no_token_is_issued() {
    let world = embedded().await;
    let palm = world.palm();
    let none = [forge(Jws::Proof, Forgery::Omitted)];
    refused(&palm.act_alone("payments", &none).await.unwrap(), 400, "invalid_dpop_proof");
    let ask = identity();
    let code = world.code(&palm, &ask).await;
    refused(&palm.redeem(&ask, &code, &none).await.unwrap(), 400, "invalid_dpop_proof");
    let tokens = Tokens::read(&palm.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    refused(&palm.refresh(&tokens.refresh.unwrap(), &none).await.unwrap(), 400, "invalid_dpop_proof");
}

/// TK-12.
#[tokio::test]
async fn section_6_1_the_token_names_the_thumbprint_of_the_key() {
    let world = embedded().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let (_, claims) = peek(&tokens.access).unwrap();
    assert_eq!(claims["cnf"], json!({"jkt": palm.proof_key().thumbprint()}));
}

async fn code_bound_to(world: &World, tpp: &Tpp, ask: &Ask, mistakes: &[Mistake]) -> String {
    let request_uri = tpp.push(ask, mistakes).await.unwrap().member("request_uri").unwrap();
    let returned = world.decide(tpp, &request_uri, &conformance::user::Decision::Approve).await;
    tpp.code(ask, &returned).await.unwrap()
}

/// PAR-20, PAR-21, TK-11.
#[tokio::test]
async fn section_10_the_key_at_par_is_the_key_at_the_token_endpoint() {
    let world = embedded().await;
    let palm = world.palm();
    let jkt = palm.proof_key().thumbprint();
    let silent = forge(Jws::Proof, Forgery::Omitted);
    let by_parameter = [silent.clone(), set(Part::PushForm, "dpop_jkt", jkt.as_str())];
    let by_both = [set(Part::PushForm, "dpop_jkt", jkt.as_str())];
    for mistakes in [HONEST, &by_parameter, &by_both] {
        let ask = identity();
        let code = code_bound_to(world, &palm, &ask, mistakes).await;
        refused(&world.palm().redeem(&ask, &code, HONEST).await.unwrap(), 400, "invalid_dpop_proof");
        taken(&palm.redeem(&ask, &code, HONEST).await.unwrap(), &format!("{mistakes:?}"));
    }
    let ask = identity();
    let free = code_bound_to(world, &palm, &ask, &[silent]).await;
    taken(&world.palm().redeem(&ask, &free, HONEST).await.unwrap(), "no key was named");
}

/// PAR-21; section 10.1.
#[tokio::test]
async fn section_10_1_two_different_keys_in_one_push_are_refused() {
    let world = embedded().await;
    let palm = world.palm();
    let other = world.palm().proof_key().thumbprint();
    let answer = palm.push(&identity(), &[set(Part::PushForm, "dpop_jkt", other)]).await.unwrap();
    refused_as(&answer, 400, &["invalid_dpop_proof", "invalid_request"], "another key");
    because(&answer, "RFC9449-10.1");
    for wrong in ["x", "", &"A".repeat(44), &format!("{}=", "A".repeat(42))] {
        let answer = palm.push(&identity(), &[set(Part::PushForm, "dpop_jkt", wrong)]).await.unwrap();
        if wrong.is_empty() {
            taken(&answer, "an empty parameter is as good as absent");
        } else {
            refused_as(&answer, 400, &["invalid_dpop_proof", "invalid_request"], wrong);
            because(&answer, "RFC9449-10");
        }
    }
}

fn asks_for_a_nonce(answer: &Answer, status: u16, case: &str) -> String {
    assert_eq!(answer.status, status, "{case}: {}", answer.text());
    let nonce = answer.header("dpop-nonce").unwrap_or_else(|| panic!("{case}: exactly one DPoP-Nonce"));
    assert!(nonce.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')), "{nonce}");
    nonce.to_owned()
}

/// PAR-22, TK-14, DP-09.
#[tokio::test]
async fn sections_8_and_9_a_bank_that_asks_for_nonces_takes_only_its_own() {
    let settings = Settings { words: vec!["--dpop-nonce".to_owned()], ..Settings::default() };
    let world = World::start(settings).await;
    let palm = world.palm();
    let http = &palm.registered().http;
    let first = Raw::push(&palm, &identity()).send(http).await;
    asks_for_a_nonce(&first, 400, "par");
    refused(&first, 400, "use_dpop_nonce");
    let form = fields(&[("grant_type", "client_credentials"), ("scope", "payments")]);
    let first = Raw::honest(&palm, "token_endpoint", form.clone()).send(http).await;
    let nonce = asks_for_a_nonce(&first, 400, "token");
    let url = palm.endpoint("token_endpoint").unwrap();
    let with = |nonce: &str| {
        let about = About { method: "POST", url: &url, access_token: None, nonce: Some(nonce) };
        Raw::honest(&palm, "token_endpoint", form.clone()).instead("dpop", &proof_about(&palm, &about))
    };
    taken(&with(&nonce).send(http).await, "fresh nonce");
    let mut bent = nonce.clone().into_bytes();
    let last = bent.len() - 2;
    bent[last] = if bent[last] == b'A' { b'B' } else { b'A' };
    for wrong in ["x", "", &String::from_utf8(bent).unwrap()] {
        refused(&with(wrong).send(http).await, 400, "use_dpop_nonce");
    }
    // the tool box answers the demand by itself, so the whole flow works
    let tokens = world.tokens(&palm, &identity()).await;
    assert_eq!(world.userinfo(&palm, &tokens.access).await.status, 200);
    let userinfo = palm.endpoint("userinfo_endpoint").unwrap();
    let about = About { method: "GET", url: &userinfo, access_token: Some(&tokens.access), nonce: None };
    let bare = Raw::bare("GET", &userinfo)
        .with("authorization", &format!("DPoP {}", tokens.access))
        .with("dpop", &proof_about(&palm, &about));
    let answer = bare.send(http).await;
    asks_for_a_nonce(&answer, 401, "resource");
    challenged(&answer, "DPoP", "use_dpop_nonce", "resource");
}

/// A nonce that this bank did not make is never ignored, also where none is asked for.
#[tokio::test]
async fn section_8_a_foreign_nonce_is_answered_with_a_fresh_one() {
    let palm = embedded().await.palm();
    let form = fields(&[("grant_type", "client_credentials"), ("scope", "payments")]);
    let url = palm.endpoint("token_endpoint").unwrap();
    let about = About { method: "POST", url: &url, access_token: None, nonce: Some("made-elsewhere") };
    let raw = Raw::honest(&palm, "token_endpoint", form).instead("dpop", &proof_about(&palm, &about));
    let answer = raw.send(&palm.registered().http).await;
    refused(&answer, 400, "use_dpop_nonce");
    asks_for_a_nonce(&answer, 400, "token");
}
