//! Key sets of clients: fetched once, remembered, looked at again, forgotten.

use std::sync::Arc;
use std::time::Duration;

use oauth_core::fetch::{FetchedKeys, KeyCacheSettings, OutboundSettings, Reach};
use oauth_core::jose::{Alg, JwkSet};
use oauth_core::testkit::{self, keys};
use oauth_core::{Client, ClientId, ClientKeys, KeyHint, KeysFault, RegisteredKeys, Seconds, Timestamp};

use super::server::{NOW, Names, Say, Server, answer, json, published};

const KNOWN: KeyHint<'_> = KeyHint::Signature { kid: Some("test-es256"), alg: Alg::Es256 };

async fn keys(
    cache: &FetchedKeys,
    server: &Server,
    hint: KeyHint<'_>,
    now: Timestamp,
) -> Result<Arc<JwkSet>, KeysFault> {
    cache.published(&ClientId::new("tpp").unwrap(), &server.url("/jwks"), hint, now).await
}

fn one_key(name: &str) -> String {
    let key = keys::es256().public(&oauth_core::KeyId::new(name).unwrap());
    JwkSet::new(vec![key]).to_value().to_string()
}

fn later(seconds: i64) -> Timestamp {
    NOW.plus(Seconds::new(seconds))
}

#[tokio::test]
async fn keys_at_an_address_are_fetched_once_and_then_remembered() {
    let server = Server::start(json(&published())).await;
    let cache = server.cache();
    for second in 0..200 {
        assert_eq!(*keys(&cache, &server, KNOWN, later(second)).await.unwrap(), keys::public());
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn keys_in_the_registration_are_lent_and_nobody_is_called() {
    let server = Server::start(json(&published())).await;
    let port: Arc<dyn ClientKeys> = Arc::new(server.cache());
    let client = testkit::client("tpp");
    let held = port.of(&client, KNOWN, NOW).await.unwrap();
    let RegisteredKeys::Inline(own) = &client.keys else { panic!("inline") };
    assert!(std::ptr::eq(&raw const *held, own));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn sixty_four_requests_at_once_cause_one_fetch() {
    let mut script = vec![Say::Wait(Duration::from_millis(100))];
    script.extend(json(&published()));
    let server = Arc::new(Server::start(script).await);
    let cache = Arc::new(server.cache());
    let herd: Vec<_> = (0..64)
        .map(|_| {
            let (cache, server) = (Arc::clone(&cache), Arc::clone(&server));
            tokio::spawn(async move { keys(&cache, &server, KNOWN, NOW).await })
        })
        .collect();
    for one in herd {
        assert!(one.await.unwrap().is_ok());
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_herd_before_a_broken_server_causes_one_fetch_as_well() {
    let server = Arc::new(Server::start(answer("500 Internal Server Error", "", "")).await);
    let cache = Arc::new(server.cache());
    let herd: Vec<_> = (0..64)
        .map(|_| {
            let (cache, server) = (Arc::clone(&cache), Arc::clone(&server));
            tokio::spawn(async move { keys(&cache, &server, KNOWN, NOW).await })
        })
        .collect();
    for one in herd {
        assert!(matches!(one.await.unwrap(), Err(KeysFault::Unavailable(_))));
    }
    assert_eq!(server.connections(), 1);
    assert!(keys(&cache, &server, KNOWN, later(29)).await.is_err());
    assert_eq!(server.connections(), 1);
    server.says(json(&published()));
    assert!(keys(&cache, &server, KNOWN, later(30)).await.is_ok());
}

#[tokio::test]
async fn ten_thousand_unknown_key_names_cause_two_fetches() {
    let server = Server::start(json(&published())).await;
    let cache = server.cache();
    for count in 0..10_000 {
        let name = format!("random-{count}");
        let hint = KeyHint::Signature { kid: Some(&name), alg: Alg::Es256 };
        let set = keys(&cache, &server, hint, NOW).await.unwrap();
        assert_eq!(set.candidates(Some(&name), Alg::Es256).count(), 0);
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn callers_who_hang_up_do_not_make_it_fetch_again() {
    let mut script = vec![Say::Wait(Duration::from_millis(150))];
    script.extend(json(&published()));
    let server = Server::start(script).await;
    let cache = server.cache();
    for _ in 0..20 {
        let impatient = keys(&cache, &server, KNOWN, NOW);
        let _ = tokio::time::timeout(Duration::from_millis(5), impatient).await;
    }
    assert!(keys(&cache, &server, KNOWN, NOW).await.is_ok());
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_at_its_first_use() {
    let server = Server::start(json(&one_key("before"))).await;
    let cache = server.cache();
    let named = |name| KeyHint::Signature { kid: Some(name), alg: Alg::Es256 };
    assert!(named("before").is_answered_by(&keys(&cache, &server, named("before"), NOW).await.unwrap()));
    server.says(json(&one_key("after")));
    let now = later(5);
    assert!(named("before").is_answered_by(&keys(&cache, &server, named("before"), now).await.unwrap()));
    assert!(named("after").is_answered_by(&keys(&cache, &server, named("after"), now).await.unwrap()));
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_key_taken_back_is_gone_after_the_age_its_owner_stated() {
    let aged = |body: &str| {
        answer("200 OK", "Content-Type: application/json\r\nCache-Control: max-age=120\r\n", body)
    };
    let server = Server::start(aged(&one_key("before"))).await;
    let cache = server.cache();
    let before = KeyHint::Signature { kid: Some("before"), alg: Alg::Es256 };
    keys(&cache, &server, before, NOW).await.unwrap();
    server.says(aged(&one_key("after")));
    assert!(before.is_answered_by(&keys(&cache, &server, before, later(119)).await.unwrap()));
    assert!(!before.is_answered_by(&keys(&cache, &server, before, later(120)).await.unwrap()));
}

#[tokio::test]
async fn an_outage_is_bridged_for_ten_minutes_and_no_longer() {
    let server = Server::start(json(&published())).await;
    let cache = server.cache();
    keys(&cache, &server, KNOWN, NOW).await.unwrap();
    server.says(answer("503 Service Unavailable", "", ""));
    assert!(keys(&cache, &server, KNOWN, later(301)).await.is_ok());
    assert!(keys(&cache, &server, KNOWN, later(899)).await.is_ok());
    assert!(matches!(keys(&cache, &server, KNOWN, later(901)).await, Err(KeysFault::Unavailable(_))));
    server.says(json(&published()));
    assert!(keys(&cache, &server, KNOWN, later(940)).await.is_ok());
}

#[tokio::test]
async fn what_is_no_key_set_is_refused_and_not_asked_for_again_at_once() {
    let html = answer("200 OK", "Content-Type: text/html\r\n", &published());
    let redirect = answer("302 Found", "Location: https://keys.tpp.example/jwks\r\n", "");
    let private = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"AA","y":"AA","d":"AA"}]}"#;
    let many = format!("{{\"keys\":[{}]}}", vec!["{}"; 20_000].join(","));
    for script in [html, redirect, json(private), json(&many), json("{\"keys\":[]}"), json("[]"), json("")] {
        let server = Server::start(script.clone()).await;
        let cache = server.cache();
        for _ in 0..3 {
            let refused = keys(&cache, &server, KNOWN, NOW).await;
            assert!(matches!(refused, Err(KeysFault::Unavailable(_))), "{script:?}");
        }
        assert_eq!(server.connections(), 1, "{script:?}");
    }
}

#[tokio::test]
async fn two_clients_at_one_address_have_a_cache_each() {
    let server = Server::start(json(&published())).await;
    let cache = server.cache();
    for name in ["tpp-1", "tpp-2"] {
        let client: Client =
            Client { keys: RegisteredKeys::At(server.url("/jwks")), ..testkit::client(name) };
        let port: &dyn ClientKeys = &cache;
        assert!(port.of(&client, KNOWN, NOW).await.is_ok());
    }
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_herd_that_finds_no_room_is_told_so_and_does_not_queue_for_ever() {
    let server = Arc::new(Server::start(json(&published())).await);
    let settings = OutboundSettings {
        reach: Reach::InternetAndLoopback,
        time_max: Duration::from_millis(100),
        at_once: 0,
        ..OutboundSettings::default()
    };
    let outbound = Arc::new(server.outbound_as(settings, Names::loopback()));
    let cache = Arc::new(FetchedKeys::new(outbound, KeyCacheSettings::default()));
    let herd = (0..64).map(|_| {
        let (cache, server) = (Arc::clone(&cache), Arc::clone(&server));
        tokio::spawn(async move { keys(&cache, &server, KNOWN, NOW).await })
    });
    let answers = tokio::time::timeout(Duration::from_secs(2), async {
        for one in herd.collect::<Vec<_>>() {
            assert_eq!(one.await.unwrap(), Err(KeysFault::Busy));
        }
    });
    answers.await.unwrap();
    assert_eq!(server.connections(), 0);
}
