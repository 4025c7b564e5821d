use std::sync::Arc;
use std::time::{Duration, Instant};

use oauth_core::store::contract::BEGINNING;
use oauth_core::store::redis::{RedisClaims, RedisTrouble};
use oauth_core::testkit::issuer;
use oauth_core::{Claimed, Claims, Fault, Once, Seconds, Timestamp};

use crate::services::Redis;

const NAMESPACE: &str = "bank";

fn later(seconds: i64) -> Timestamp {
    BEGINNING.plus(Seconds::new(seconds))
}

fn once(name: &str) -> [Once; 1] {
    [Once::proof(&issuer(), &[7; 32], name, later(300))]
}

fn forgetful(outcome: &Result<Claimed, Fault>) -> bool {
    let Err(fault) = outcome else { return false };
    fault.source.downcast_ref() == Some(&RedisTrouble::Forgetful)
}

/// What a process may do with a proof issued at `iat`, in a request of this instant: refuse it by the epoch rule, or claim it.
async fn accept(claims: &RedisClaims, name: &str, iat: Timestamp, now: Timestamp) -> bool {
    let Ok(since) = claims.remembers_since(now).await else { return false };
    iat >= since && matches!(claims.claim(&once(name), now).await, Ok(Claimed::First))
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_flush_no_proof_of_before_is_accepted_again() {
    let Some(redis) = Redis::start() else { return };
    let one = RedisClaims::connect(&redis.url(), NAMESPACE, BEGINNING).await.unwrap();
    let other = RedisClaims::connect(&redis.url(), NAMESPACE, BEGINNING).await.unwrap();
    assert!(accept(&one, "a", later(10), later(10)).await);
    assert!(!accept(&other, "a", later(10), later(10)).await, "claimed by the other process");
    redis.command(&["flushall"]);
    for now in [11, 12, 13] {
        assert!(!accept(&one, "a", later(10), later(now)).await, "at {now}");
        assert!(!accept(&other, "a", later(10), later(now)).await, "at {now}");
        assert!(
            !accept(&one, "ahead", later(20), later(now)).await,
            "it may have been used before, at {now}"
        );
    }
    assert!(accept(&one, "fresh", later(24), later(24)).await, "work goes on with what is issued later");
    assert!(!accept(&other, "fresh", later(24), later(24)).await);
    assert!(accept(&other, "fresher", later(25), later(25)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_judged_before_a_flush_cannot_claim_after_it() {
    let Some(redis) = Redis::start() else { return };
    let claims = RedisClaims::connect(&redis.url(), NAMESPACE, BEGINNING).await.unwrap();
    assert!(accept(&claims, "a", later(10), later(10)).await);
    // The proof shown again, judged before the flush; its claim comes after another request has met the flush.
    let since = claims.remembers_since(later(12)).await.unwrap();
    assert!(later(10) >= since);
    redis.command(&["flushall"]);
    assert!(forgetful(&claims.claim(&once("b"), later(11)).await));
    claims.remembers_since(later(11)).await.unwrap();
    let late = claims.claim(&once("a"), later(12)).await;
    assert!(forgetful(&late), "{late:?}");
    assert!(accept(&claims, "c", later(23), later(23)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_between_two_processes_that_share_the_incarnation_is_met_by_both() {
    let Some(redis) = Redis::start() else { return };
    let one = RedisClaims::connect(&redis.url(), NAMESPACE, BEGINNING).await.unwrap();
    let since = one.remembers_since(BEGINNING).await.unwrap();
    let other = RedisClaims::connect(&redis.url(), NAMESPACE, later(100)).await.unwrap();
    assert_eq!(
        other.remembers_since(later(100)).await.unwrap(),
        since,
        "made by the first, found by the second"
    );
    redis.command(&["flushall"]);
    // The second makes a new incarnation first; the first must not take it for the old one.
    assert!(forgetful(&other.claim(&once("a"), later(101)).await));
    assert_eq!(other.remembers_since(later(101)).await.unwrap(), later(111));
    assert!(forgetful(&one.claim(&once("a"), later(102)).await));
    assert_eq!(one.remembers_since(later(102)).await.unwrap(), later(111));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_a_fault_and_its_successor_remembers_nothing_of_before() {
    let Some(mut redis) = Redis::start() else { return };
    let claims = RedisClaims::connect(&redis.url(), NAMESPACE, BEGINNING).await.unwrap();
    assert!(accept(&claims, "a", later(10), later(10)).await);
    redis.end();
    for now in [11, 12] {
        assert!(claims.claim(&once("b"), later(now)).await.is_err());
    }
    assert!(claims.remembers_since(later(13)).await.is_err(), "what cannot be asked is not guessed");
    let redis = redis.crash_and_restart();
    assert!(!accept(&claims, "a", later(10), later(14)).await);
    assert_eq!(claims.remembers_since(later(14)).await.unwrap(), later(24));
    assert!(accept(&claims, "c", later(25), later(25)).await);
    drop(redis);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_with_an_old_copy_of_its_memory_is_not_believed() {
    let Some(redis) = Redis::start() else { return };
    let claims = RedisClaims::connect(&redis.url(), NAMESPACE, BEGINNING).await.unwrap();
    assert_eq!(redis.command(&["save"]), "OK");
    assert!(accept(&claims, "a", later(10), later(10)).await, "after the copy was made");
    let redis = redis.crash_and_restart();
    let kept = redis.command(&["exists", &format!("{NAMESPACE}:incarnation")]);
    assert_eq!(kept, "1", "the copy holds the incarnation, and not the claim");
    for now in [11, 12, 13] {
        assert!(!accept(&claims, "a", later(10), later(now)).await, "at {now}");
    }
    assert!(accept(&claims, "b", later(24), later(24)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_in_time_is_a_fault() {
    let Some(redis) = Redis::start() else { return };
    let claims = RedisClaims::connect(&redis.url(), NAMESPACE, BEGINNING).await.unwrap();
    redis.command(&["client", "pause", "3000", "all"]);
    #[expect(clippy::disallowed_methods, reason = "how long a caller really waits is what is tested")]
    let began = Instant::now();
    let outcome = claims.claim(&once("a"), later(1)).await;
    let waited = began.elapsed();
    assert!(outcome.is_err(), "{outcome:?}");
    assert!(
        waited < Duration::from_millis(1500),
        "half a second is the bound, and a pause of three was asked for: {waited:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_for_one_attempt_to_connect_share_its_failure() {
    let Some(mut redis) = Redis::start() else { return };
    let claims = Arc::new(RedisClaims::connect(&redis.url(), NAMESPACE, BEGINNING).await.unwrap());
    redis.end();
    // Takes connections and never says anything.
    let _mute = std::net::TcpListener::bind(("127.0.0.1", redis.port)).unwrap();
    drop(claims.claim(&once("first"), later(1)).await);
    #[expect(clippy::disallowed_methods, reason = "how long callers really wait is what is tested")]
    let began = Instant::now();
    let tasks: Vec<_> = (0..32)
        .map(|n| {
            let claims = Arc::clone(&claims);
            tokio::spawn(async move { claims.claim(&once(&format!("{n}")), later(1)).await.is_err() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    assert!(began.elapsed() < Duration::from_millis(2500), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_evicts_records_is_refused() {
    let Some(redis) = Redis::start() else { return };
    redis.command(&["config", "set", "maxmemory", "100mb"]);
    redis.command(&["config", "set", "maxmemory-policy", "allkeys-lru"]);
    let refused = RedisClaims::connect(&redis.url(), NAMESPACE, BEGINNING).await.unwrap_err();
    assert_eq!(refused.source.downcast_ref(), Some(&RedisTrouble::Evicting), "{refused}");
    redis.command(&["config", "set", "maxmemory-policy", "noeviction"]);
    assert!(RedisClaims::connect(&redis.url(), NAMESPACE, BEGINNING).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_show_a_hash_only_and_end_by_themselves() {
    let Some(redis) = Redis::start() else { return };
    let claims = RedisClaims::connect(&redis.url(), NAMESPACE, BEGINNING).await.unwrap();
    claims.claim(&once("a-telling-identifier"), BEGINNING).await.unwrap();
    let keys = redis.command(&["keys", "*"]);
    let mut claims = keys.lines().filter(|key| key.starts_with("bank:claim:"));
    let key = claims.next().unwrap();
    assert_eq!((claims.next(), key.len()), (None, "bank:claim:".len() + 43));
    let life: i64 = redis.command(&["pttl", key]).parse().unwrap();
    assert!((290_000..=300_000).contains(&life), "{life}");
}
