//! RFC 9449 section 7: tokens bound to a key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use oauth_core::{AccessClaims, Binding, Thumbprint, testkit};
use rar_consent::Permission;
use serde_json::{Value, json};

use super::fixture::{Ask, World, asking_for_nonces, claims, file, now, sign};

const URI: &str = "https://rs.example/OFPH/v1/banking/accounts";

/// A token bound to the test key.
fn bound() -> AccessClaims {
    let (kid, key) = testkit::keys::all().remove(0);
    let thumbprint = Thumbprint::from_bytes(key.public(&kid).thumbprint());
    AccessClaims { cnf: Binding::Dpop(thumbprint), ..claims("c-1", "accounts.basic") }
}

/// A proof of the test key; `change` is laid over its claims.
fn proof(token: &str, change: &Value) -> String {
    let (kid, key) = testkit::keys::all().remove(0);
    let mut jwk = key.public(&kid).to_value();
    jwk.as_object_mut().unwrap().retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
    let hash = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    let mut claims = json!({"jti": "proof-1", "htm": "GET", "htu": URI, "iat": now().seconds(),
        "ath": BASE64URL.encode(hash.as_ref())});
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let input = format!("{}.{}", BASE64URL.encode(header.to_string()), BASE64URL.encode(claims.to_string()));
    let signature = key.sign(&ring::rand::SystemRandom::new(), input.as_bytes()).unwrap();
    format!("{input}.{}", BASE64URL.encode(signature))
}

fn ask(change: &Value) -> Ask {
    let token = sign(&bound());
    let proof = proof(&token, change);
    Ask::get("/banking/accounts").header("authorization", &format!("dPoP {token}")).header("dpop", &proof)
}

async fn ready(world: World) -> World {
    world.consent("c-1", &[Permission::PeraBasicInfo], None).await;
    world
}

#[tokio::test]
async fn section_7_1_a_proof_for_this_call_and_token_passes_once() {
    let world = ready(file().await).await;
    assert_eq!(world.call(ask(&json!({}))).await.status, 200);
    let again = world.call(ask(&json!({}))).await;
    assert_eq!(again.status, 401);
    assert!(again.header("www-authenticate").contains("invalid_dpop_proof"));
    assert_eq!(world.call(ask(&json!({"jti": "proof-2"}))).await.status, 200);
}

#[tokio::test]
async fn section_4_3_a_proof_for_something_else_is_refused() {
    let world = ready(file().await).await;
    for change in [
        json!({"htm": "POST"}),
        json!({"htu": "https://rs.example/OFPH/v1/banking/account"}),
        json!({"htu": "https://other.example/OFPH/v1/banking/accounts"}),
        json!({"ath": "x"}),
        json!({"iat": now().seconds() - 3600}),
    ] {
        let answer = world.call(ask(&change)).await;
        assert_eq!(answer.status, 401, "{change}");
    }
}

#[tokio::test]
async fn section_7_2_a_bound_token_is_no_bearer_token() {
    let world = ready(file().await).await;
    let bearer = Ask::get("/banking/accounts").token(&bound());
    let answer = world.call(bearer).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").starts_with("DPoP "), "{}", answer.header("www-authenticate"));
}

#[tokio::test]
async fn htu_is_the_listener_that_was_reached_and_never_the_host_header() {
    let world = ready(file().await).await;
    let other = json!({"htu": "https://mtls.example:8444/OFPH/v1/banking/accounts"});
    assert_eq!(world.call(ask(&other).header("host", "mtls.example:8444")).await.status, 401);
    assert_eq!(world.call(ask(&other).at("https://mtls.example:8444")).await.status, 200);
}

#[tokio::test]
async fn section_9_the_nonce_of_a_refusal_is_good_for_the_next_call() {
    let world = ready(asking_for_nonces().await).await;
    let asked = world.call(ask(&json!({}))).await;
    assert_eq!(asked.status, 401);
    assert!(asked.header("www-authenticate").contains("use_dpop_nonce"));
    let nonce = asked.header("dpop-nonce");
    assert_eq!(world.call(ask(&json!({"nonce": nonce}))).await.status, 200);
}
