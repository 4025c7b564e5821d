//! The life of signing keys, as operators and relying parties see it. Tokens are verified by another implementation of
//! JOSE, with the key set as it was published.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use conformance::bank::{Place, Settings};
use conformance::client::Answer;
use conformance::host::Scratch;
use conformance::tpp::flow::Tokens;
use conformance::tpp::jws::peek;
use conformance::tpp::keys::thumbprint;
use conformance::tpp::mutate::HONEST;
use conformance::tpp::verify::ServerKeys;
use http::Request;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::support::judge::{challenged, inactive};
use crate::support::{World, identity};

/// What an operator sends.
fn order(more: Value) -> Value {
    let mut order = json!({ "actor": "olga", "reason": "a drill" });
    let members = order.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    order
}

pub(crate) async fn ask(world: &World, path: &str, body: &Value) -> Answer {
    let request = Request::post(format!("{}{path}", world.bank.admin_origin()))
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()));
    world.bank.client().unwrap().send(request.unwrap()).await.unwrap()
}

pub(crate) async fn keys(world: &World) -> Vec<Value> {
    let listed =
        world.bank.client().unwrap().get(&format!("{}/keys", world.bank.admin_origin())).await.unwrap();
    listed.json().unwrap()["keys"].as_array().unwrap().clone()
}

pub(crate) async fn published(world: &World) -> Answer {
    world.bank.client().unwrap().get(&format!("{}/jwks", world.issuer())).await.unwrap()
}

pub(crate) fn kid_of(token: &str) -> String {
    peek(token).unwrap().0["kid"].as_str().unwrap().to_owned()
}

fn kids(set: &Value) -> Vec<&str> {
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect()
}

fn config(scratch: &Scratch, text: &str) -> Settings {
    let file = scratch.path().join("bank.toml");
    std::fs::write(&file, text).unwrap();
    Settings { words: vec!["--config".to_owned(), file.display().to_string()], ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_key_takes_its_tokens_with_it_at_once() {
    let world = World::start(Settings::default()).await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    assert_eq!(world.userinfo(&palm, &tokens.access).await.status, 200);
    let kid = kid_of(&tokens.access);
    let withdrawn = ask(&world, &format!("/keys/{kid}/withdraw"), &order(json!({}))).await;
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.text());
    assert!(!kids(&published(&world).await.json().unwrap()).contains(&kid.as_str()), "out of the set");
    challenged(&world.userinfo(&palm, &tokens.access).await, "DPoP", "invalid_token", "dead");
    let apis = world.apis();
    let answer = apis.present("introspection_endpoint", &tokens.access, HONEST).await.unwrap();
    inactive(&answer, "a token of a withdrawn key");
    // the grant is not to blame: its refresh token brings a token of the next key
    let again =
        Tokens::read(&palm.refresh(tokens.refresh.as_deref().unwrap(), HONEST).await.unwrap()).unwrap();
    assert_ne!(kid_of(&again.access), kid);
    ServerKeys::new(&published(&world).await.json().unwrap())
        .unwrap()
        .open(&again.access, &["ES256"])
        .unwrap();
    assert_eq!(world.userinfo(&palm, &again.access).await.status, 200);
    // and neither a restart nor the schedule brings it back
    let world = World::around(world.bank.stop().await.unwrap().start().await.unwrap()).await;
    assert!(!kids(&published(&world).await.json().unwrap()).contains(&kid.as_str()));
    challenged(&world.userinfo(&palm, &tokens.access).await, "DPoP", "invalid_token", "dead");
    let row = keys(&world).await.into_iter().find(|row| row["kid"] == json!(kid)).unwrap();
    assert_eq!(row["stage"], json!("withdrawn"));
}

/// Keys that sign for four seconds. The relying party looks at the key set when its copy is as old as `max-age` allows,
/// and never earlier.
#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_by_schedule_and_every_token_verifies_with_a_cached_set() {
    let scratch = Scratch::new("keys").unwrap();
    let settings = config(
        &scratch,
        "[[issuers]]\n[issuers.settings.keys]\nset_max_age = 1\npublished_min = 3\nactive_max = 4\n",
    );
    let world = World::start(settings).await;
    let palm = world.palm();
    let fetch = || async {
        let answer = published(&world).await;
        assert_eq!(answer.header("cache-control"), Some("public, max-age=1"));
        (ServerKeys::new(&answer.json().unwrap()).unwrap(), tokio::time::Instant::now())
    };
    let begun = tokio::time::Instant::now();
    let (mut cached, mut fetched) = fetch().await;
    let mut seen = HashSet::new();
    let mut tokens = 0;
    while begun.elapsed().as_secs() < 14 {
        let token = palm.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap();
        if fetched.elapsed().as_millis() >= 1000 {
            (cached, fetched) = fetch().await;
        }
        cached.open(&token, &["ES256"]).unwrap();
        seen.insert(kid_of(&token));
        tokens += 1;
    }
    assert!(seen.len() >= 3 && tokens > 20, "{tokens} tokens of {} keys", seen.len());
    let stages: Vec<Value> = keys(&world).await.into_iter().map(|row| row["stage"].clone()).collect();
    let active = stages.iter().filter(|stage| **stage == json!("active")).count();
    assert_eq!(active, 2, "one for each algorithm: {stages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_told_why_not() {
    let world = World::start(Settings::default()).await;
    let listed = keys(&world).await;
    assert_eq!(listed.len(), 2);
    for row in &listed {
        assert!(["d", "p", "q", "dp", "dq", "qi"].iter().all(|name| row["jwk"].get(name).is_none()), "{row}");
        assert_eq!((&row["stage"], &row["use"]), (&json!("active"), &json!("sig")));
    }
    let active = listed[0]["kid"].as_str().unwrap();
    let alone = ask(&world, &format!("/keys/{active}/retire"), &order(json!({}))).await;
    assert_eq!((alone.status.as_u16(), alone.error().as_deref()), (409, Some("key_life")));
    let made = ask(&world, "/keys", &order(json!({ "alg": "ES256" }))).await.json().unwrap();
    let kid = made["changes"][0]["kid"].as_str().unwrap().to_owned();
    assert_eq!(made["changes"][0]["to"], json!("published"));
    let second = ask(&world, "/keys", &order(json!({ "alg": "ES256" }))).await;
    assert_eq!(second.status, 409, "{}", second.text());
    let early = ask(&world, &format!("/keys/{kid}/activate"), &order(json!({}))).await;
    assert_eq!(early.status, 409, "{}", early.text());
    assert!(
        kids(&published(&world).await.json().unwrap()).contains(&kid.as_str()),
        "published before it signs"
    );
    for (path, body, status) in [
        ("/keys/nobody/withdraw", order(json!({})), 404),
        ("/keys", order(json!({})), 400),
        ("/keys", order(json!({ "alg": "none" })), 400),
        ("/keys", order(json!({ "alg": "ES256", "stage": "active" })), 400),
        ("/keys", json!({ "alg": "ES256", "actor": "olga" }), 400),
        ("/keys", json!({ "alg": "ES256", "actor": "", "reason": "x" }), 400),
    ] {
        assert_eq!(ask(&world, path, &body).await.status, status, "{path} {body}");
    }
    let form = Request::post(format!("{}/keys/{active}/withdraw", world.bank.admin_origin()))
        .header("content-type", "text/plain")
        .body(Bytes::from(order(json!({})).to_string()));
    let http = world.bank.client().unwrap();
    assert_eq!(http.send(form.unwrap()).await.unwrap().status, 415, "what a page in a browser can send");
    assert_eq!(keys(&world).await.len(), 3);
    let log = std::fs::read_to_string(world.bank.directory().join("bank.log")).unwrap();
    let events: Vec<&str> =
        log.lines().filter(|line| line.contains("signing key") && line.contains(&kid)).collect();
    assert!(events.len() == 1 && events[0].contains("olga") && events[0].contains("a drill"), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_sealing_key_the_bank_does_not_start_and_says_so() {
    let world = World::start(Settings::default()).await;
    let place = world.bank.stop().await.unwrap();
    let sealing = place.directory().join("keys/ring.kek");
    let kept = std::fs::read(&sealing).unwrap();
    let database = std::fs::read(place.directory().join("bank.sqlite")).unwrap();
    let secret = STANDARD.encode(URL_SAFE_NO_PAD.decode(kept.trim_ascii_end()).unwrap());
    assert!(
        !database.windows(43).any(|part| part == kept.trim_ascii_end() || part == &secret.as_bytes()[..43])
    );
    std::fs::remove_file(&sealing).unwrap();
    let trouble = place.start().await.unwrap_err().to_string();
    assert!(trouble.contains("ring.kek") && trouble.contains("bring back the file"), "{trouble}");
}

#[tokio::test(flavor = "multi_thread")]
async fn key_files_of_an_earlier_version_are_taken_in_once_and_removed() {
    let random = ring::rand::SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
    let place = Place::new(Settings::default()).unwrap();
    let file = place.directory().join("keys/as-es256.pem");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let body = STANDARD.encode(pkcs8.as_ref());
    std::fs::write(&file, format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"))
        .unwrap();
    let only_mine = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, only_mine).unwrap();
    let world = World::around(place.start().await.unwrap()).await;
    assert!(!file.exists());
    let set = published(&world).await.json().unwrap();
    let key = set["keys"].as_array().unwrap().iter().find(|key| key["alg"] == json!("ES256")).unwrap();
    let x = URL_SAFE_NO_PAD.encode(&pair.public_key().as_ref()[1..33]);
    assert_eq!(key["x"], json!(x), "the key itself");
    assert_eq!(
        key["kid"].as_str().unwrap(),
        format!("es256-{}", &thumbprint(key)[..12]),
        "under its old name"
    );
    let palm = world.palm();
    let token = palm.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap();
    assert_eq!(kid_of(&token), key["kid"].as_str().unwrap());
    let after = World::around(world.bank.stop().await.unwrap().start().await.unwrap()).await;
    assert_eq!(published(&after).await.json().unwrap(), set);
}
