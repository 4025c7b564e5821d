//! Attacks that no single document asks for: who is gone in the middle of a flow, guessing, flooding, listening to time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use oauth_core::{Client, Denial, FAPI2_SECURITY, Outcome, PLAIN_OAUTH, PushRate, limits};
use serde_json::json;

use crate::bank::{
    Bank, CLIENT, Draft, ISSUER, VERIFIER, client_keys, metadata, parameters, plain, proof, settings,
};

/// No further header.
const NOTHING: (&str, &str) = ("accept", "*/*");

/// Introspection of an access token by its own client.
async fn active(bank: &Bank, token: &str) -> bool {
    let answer = bank.post("/introspect", &[("token", token)], "application/json").await;
    assert_eq!(answer.status, 200);
    answer.json()["active"].as_bool().unwrap()
}

async fn redeem(bank: &Bank, code: &str) -> crate::bank::Answer {
    let form = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)];
    bank.post("/token", &form, "application/json").await
}

async fn refresh(bank: &Bank, token: &str) -> crate::bank::Answer {
    bank.post("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)], "application/json")
        .await
}

fn plain_bank() -> Bank {
    Bank::with(&FAPI2_SECURITY, &json!({}))
}

/// T-TK-14: grants and tokens of a locked customer, on every way that makes or accepts one.
#[tokio::test]
async fn a_locked_customer_is_refused_on_every_way_that_mints_and_at_every_resource() {
    let bank = plain_bank();
    let tokens = bank.tokens().await;
    let (access, kept) =
        (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let waiting = bank.arrive(bank.push(&plain()).await).await;
    let code = parameters(&bank.arrive(bank.push(&plain()).await).await.approve().await)["code"].clone();
    assert!(active(&bank, access).await);

    bank.lock_customer(true);
    redeem(&bank, &code).await.refused("invalid_grant", "RFC6749-5.2-customer");
    refresh(&bank, kept).await.refused("invalid_grant", "RFC6749-6-customer");
    assert!(!active(&bank, access).await);
    let userinfo = bank.get("/userinfo", access).await;
    assert_eq!((userinfo.status, userinfo.rule), (401, Some("RFC7009-2.1-stands")));
    let back = parameters(&waiting.approve().await);
    assert_eq!(back["error"], "access_denied");
    assert!(!back.contains_key("code"), "{back:?}");

    bank.lock_customer(false);
    assert_eq!(refresh(&bank, kept).await.status, 200, "a lock takes nothing away");
    assert_eq!(redeem(&bank, &code).await.status, 200);
    assert!(active(&bank, access).await);
}

/// T-CA-11: nothing that a disabled client holds works any more, and nothing it began goes on.
#[tokio::test]
async fn a_client_disabled_in_the_middle_of_a_flow_gets_no_further_at_any_step() {
    let bank = plain_bank();
    let tokens = bank.tokens().await;
    let (access, kept) =
        (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let pushed = bank.push(&plain()).await.json()["request_uri"].as_str().unwrap().to_owned();
    let (shown, approved) =
        (bank.arrive(bank.push(&plain()).await).await, bank.arrive(bank.push(&plain()).await).await);
    let code = parameters(&bank.arrive(bank.push(&plain()).await).await.approve().await)["code"].clone();

    bank.disable_client(true);
    for (what, answer) in [
        ("push", bank.push(&plain()).await),
        ("redeem", redeem(&bank, &code).await),
        ("refresh", refresh(&bank, kept).await),
        ("introspect", bank.post("/introspect", &[("token", access)], "application/json").await),
        ("revoke", bank.post("/revoke", &[("token", access)], "application/json").await),
    ] {
        assert_eq!((answer.status, answer.rule), (401, Some("RFC6749-3.2.1")), "{what}");
        assert_eq!(answer.json()["error"], "invalid_client", "{what}");
    }
    assert_eq!(bank.get("/userinfo", access).await.status, 401);
    let query = format!("/authorize?client_id={CLIENT}&request_uri={pushed}");
    let page = bank.get(&query, "").await;
    assert_eq!((page.status, page.rule), (400, Some("RFC9126-4-active")));
    let (ticket, browser) = shown.handle();
    bank.server.waiting(&ticket, Some(&browser)).await.expect_err("no page for it");
    shown.decide(Outcome::Denied(Denial::Refused)).await.expect_err("no browser is sent to it");
    let yes = approved.approval();
    approved.decide(yes).await.expect_err("nor with a code");

    bank.disable_client(false);
    assert_eq!(redeem(&bank, &code).await.status, 200, "nothing was spent meanwhile");
}

/// T-CA-11 in another's eyes: a resource server that introspects the tokens of a disabled client.
#[tokio::test]
async fn tokens_of_a_disabled_client_are_inactive_to_the_resource_server() {
    let apis = json!({ "client_id": "rs-1", "resource": "https://rs.example" });
    let clients = [json!({}), apis].map(|more| Client::register(metadata(&more), &FAPI2_SECURITY).unwrap());
    let bank = Bank::of(&FAPI2_SECURITY, settings(), clients.into()).unwrap();
    let tokens = bank.tokens().await;
    let access = tokens["access_token"].as_str().unwrap();
    let mut asked = Vec::new();
    for disabled in [false, true] {
        bank.disable_client(disabled);
        let mut own = bank.assertion_draft();
        (own.claims["iss"], own.claims["sub"]) = (json!("rs-1"), json!("rs-1"));
        let answer = bank.post_signed("/introspect", &[("token", access)], &own.sign(), NOTHING).await;
        asked.push(answer.json());
    }
    assert_eq!((&asked[0]["active"], &asked[1]), (&json!(true), &json!({ "active": false })));
}

/// T-DP-10: neither a flood of broken proofs nor one of broken assertions is remembered, and no `jti` is burnt by one.
#[tokio::test]
async fn what_does_not_verify_is_not_remembered() {
    let bank = plain_bank();
    let (whole, _) = proof();
    let (signed, signature) = whole.rsplit_once('.').unwrap();
    let broken =
        format!("{signed}.{}{}", if signature.starts_with('A') { "B" } else { "A" }, &signature[1..]);
    for _ in 0..200 {
        let answer = bank.post_with("/par", &plain(), ("dpop", &broken)).await;
        answer.refused("invalid_dpop_proof", "RFC9449-4.3-6");
    }
    let mut foreign = Draft { key: Some(client_keys().stranger.clone()), ..bank.assertion_draft() };
    foreign.claims["jti"] = json!("a-stolen");
    for _ in 0..200 {
        let answer = bank.post_signed("/par", &plain(), &foreign.sign(), NOTHING).await;
        assert_eq!((answer.status, answer.rule), (401, Some("RFC7523-3-9-signature")));
    }
    assert_eq!(bank.claims.claimed.load(Ordering::SeqCst), 0, "nothing was remembered");
    assert_eq!(
        bank.post_with("/par", &plain(), ("dpop", &whole)).await.status,
        201,
        "the proof itself is good"
    );
    let mut own = bank.assertion_draft();
    own.claims["jti"] = json!("a-stolen");
    assert_eq!(
        bank.post_signed("/par", &plain(), &own.sign(), NOTHING).await.status,
        201,
        "and so is the jti"
    );
}

/// T-AR-14, PAR-25: beyond its rate a client is told when to come again, before its request costs anything more, and
/// nobody else waits for it.
#[tokio::test]
async fn a_client_that_floods_par_is_answered_429_with_a_time_and_nobody_else_is() {
    let mut chosen = settings();
    chosen.push_rate = PushRate::Limited { per_minute: 6, burst: 3 };
    let other = json!({ "client_id": "tpp-2" });
    let clients = [json!({}), other].map(|more| Client::register(metadata(&more), &FAPI2_SECURITY).unwrap());
    let bank = Bank::of(&FAPI2_SECURITY, chosen, clients.into()).unwrap();
    for _ in 0..3 {
        assert_eq!(bank.push(&plain()).await.status, 201);
    }
    for _ in 0..3 {
        let answer = bank.push(&plain()).await;
        assert_eq!((answer.status, answer.rule), (429, Some("RFC9126-2.3-rate")));
        assert_eq!(answer.json()["error"], "temporarily_unavailable");
        assert_eq!(
            (answer.header("retry-after"), answer.header("cache-control")),
            ("10", "no-cache, no-store")
        );
    }
    let mut stranger = bank.assertion_draft();
    for (name, value) in [("iss", "tpp-2"), ("sub", "tpp-2"), ("jti", "b-1")] {
        stranger.claims[name] = json!(value);
    }
    assert_eq!(bank.post_signed("/par", &plain(), &stranger.sign(), NOTHING).await.status, 201);
    // who cannot authenticate empties nobody's bucket
    let forged = Draft { key: Some(client_keys().stranger.clone()), ..stranger };
    for _ in 0..10 {
        assert_eq!(bank.post_signed("/par", &plain(), &forged.sign(), NOTHING).await.status, 401);
    }
    bank.advance(10);
    assert_eq!(bank.push(&plain()).await.status, 201, "after the time it was told");
    assert_eq!(bank.push(&plain()).await.status, 429);
}

/// A rate at which nobody could push is found before the server starts.
#[test]
fn a_rate_of_nothing_is_out_of_bounds() {
    for (per_minute, burst) in [(0, 1), (1, 0)] {
        let mut chosen = settings();
        chosen.push_rate = PushRate::Limited { per_minute, burst };
        let wrong = Bank::of(&FAPI2_SECURITY, chosen, Vec::new()).map(|_| ()).unwrap_err();
        assert_eq!(wrong.iter().map(|one| one.setting).collect::<Vec<_>>(), ["push_rate"]);
    }
}

/// T-CA-10, CA-19: a refusal takes as long for a client nobody knows as for a registered one with another key, whichever
/// key identifier is named. Medians of interleaved calls, so that a busy machine falls on all alike.
#[tokio::test]
async fn an_unknown_client_a_wrong_key_and_an_unknown_key_identifier_take_the_same_time() {
    let bank = plain_bank();
    let stranger = || Draft { key: Some(client_keys().stranger.clone()), ..bank.assertion_draft() };
    let wrong_key = stranger().sign();
    let mut nobody = stranger();
    (nobody.claims["iss"], nobody.claims["sub"]) = (json!("tpp-9"), json!("tpp-9"));
    let unknown_client = nobody.sign();
    let unknown_kid = Draft { kid: Some("no-such-key"), ..stranger() }.sign();
    let kinds = [&wrong_key, &unknown_client, &unknown_kid];
    let mut spent = [const { Vec::new() }; 3];
    for round in 0..600 {
        for (kind, assertion) in kinds.iter().enumerate() {
            let began = tokio::time::Instant::now();
            let answer = bank.post_signed("/par", &plain(), assertion, NOTHING).await;
            if round >= 50 {
                spent[kind].push(began.elapsed());
            }
            assert_eq!(answer.status, 401);
        }
    }
    let medians = spent.map(|mut all: Vec<Duration>| {
        all.sort_unstable();
        all[all.len() / 2].as_secs_f64() * 1e6
    });
    let [known, unknown, kid] = medians;
    for (what, other) in [("unknown client", unknown), ("unknown kid", kid)] {
        let apart = (known - other).abs() / known;
        assert!(apart < 0.15, "{what}: {other:.1} us against {known:.1} us");
    }
}

/// BCP-2.2.2, T-TK-06: where refresh tokens rotate, one that comes again ends the grant, also within the same second.
#[tokio::test]
async fn a_rotated_refresh_token_that_comes_again_ends_everything_that_its_grant_brought() {
    let bank = Bank::with(&PLAIN_OAUTH, &json!({}));
    let first = bank.tokens().await;
    let old = first["refresh_token"].as_str().unwrap();
    let second = refresh(&bank, old).await.json();
    let next = second["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(next, old);
    refresh(&bank, old).await.refused("invalid_grant", "RFC9700-4.14.2");
    assert_eq!(refresh(&bank, &next).await.json()["error"], "invalid_grant", "the good one is over too");
    assert!(!active(&bank, second["access_token"].as_str().unwrap()).await);
}

/// RT-06: a refresh token has an end of its own.
#[tokio::test]
async fn a_refresh_token_is_good_until_its_end_and_not_at_it() {
    let bank = plain_bank();
    let kept = bank.tokens().await["refresh_token"].as_str().unwrap().to_owned();
    let lifetime = settings().refresh_token_lifetime.get();
    bank.advance(lifetime - 1);
    assert_eq!(refresh(&bank, &kept).await.status, 200);
    bank.advance(1);
    refresh(&bank, &kept).await.refused("invalid_grant", "RFC6749-6-life");
}

/// CA-06, CA-07: which audiences count is a field of the policy.
#[tokio::test]
async fn the_audience_of_an_assertion_is_what_the_policy_says() {
    let endpoints = [json!(format!("{ISSUER}/token")), json!(format!("{ISSUER}/par")), json!([ISSUER])];
    for (policy, taken) in [(&PLAIN_OAUTH, 201), (&FAPI2_SECURITY, 401)] {
        let bank = Bank::with(policy, &json!({}));
        let push = async |aud: &serde_json::Value| {
            let mut assertion = bank.assertion_draft();
            assertion.claims["aud"] = aud.clone();
            bank.post_signed("/par", &plain(), &assertion.sign(), NOTHING).await.status
        };
        for aud in &endpoints {
            assert_eq!(push(aud).await, taken, "{} {aud}", policy.name);
        }
        assert_eq!((push(&json!(ISSUER)).await, push(&json!("https://other.example")).await), (201, 401));
    }
}

/// RI-01: a resource that is not ours is no audience of a token of ours.
#[tokio::test]
async fn a_resource_that_is_not_ours_is_refused_at_the_token_endpoint() {
    let more = json!({ "grant_types": ["client_credentials"], "redirect_uris": [] });
    let bank = Bank::with(&FAPI2_SECURITY, &more);
    for (resource, status) in
        [("https://rs.example", 200), ("https://rs.example/", 400), ("https://x.example", 400)]
    {
        let form = [("grant_type", "client_credentials"), ("scope", "accounts"), ("resource", resource)];
        let answer = bank.post("/token", &form, "application/json").await;
        assert_eq!(answer.status, status, "{resource}");
        if status == 400 {
            answer.refused("invalid_target", "RFC8707-2-token");
        }
    }
}

/// T-RU-02.
#[test]
fn no_dangerous_scheme_can_be_registered_as_a_redirect_uri() {
    for uri in [
        "javascript:alert(1)//https://tpp.example",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://tpp.example/x",
        "http://tpp.example/cb",
        "ftp://tpp.example/cb",
        "//tpp.example/cb",
        "https:tpp.example/cb",
        "https:/tpp.example/cb",
        "https:///tpp.example/cb",
        " https://tpp.example/cb",
        "https://tpp.example/cb#fragment",
        "https://user@tpp.example/cb",
    ] {
        let more = json!({ "redirect_uris": [uri] });
        assert!(Client::register(metadata(&more), &FAPI2_SECURITY).is_err(), "{uri}");
    }
}

/// T-TK-08, T-TK-13: a request is for one grant; what belongs to another is refused and spends nothing.
#[tokio::test]
async fn what_belongs_to_another_grant_is_refused_and_nothing_is_spent() {
    let more = json!({ "grant_types": ["authorization_code", "refresh_token", "client_credentials"] });
    let bank = Bank::with(&FAPI2_SECURITY, &more);
    let kept = bank.tokens().await["refresh_token"].as_str().unwrap().to_owned();
    let back = bank.arrive(bank.push(&plain()).await).await.approve().await;
    let code = parameters(&back)["code"].clone();
    let ask = async |form: &[(&str, &str)]| bank.post("/token", form, "application/json").await;
    let by_code = [("grant_type", "authorization_code"), ("code", &code), ("code_verifier", VERIFIER)];
    let by_token = [("grant_type", "refresh_token"), ("refresh_token", &kept)];
    let alone = [("grant_type", "client_credentials"), ("scope", "accounts")];
    let foreign: [(&[_], _); 8] = [
        (&by_token, ("code", code.as_str())),
        (&by_token, ("code_verifier", VERIFIER)),
        (&by_token, ("redirect_uri", "https://tpp.example/cb")),
        (&by_code, ("refresh_token", kept.as_str())),
        (&alone, ("code", code.as_str())),
        (&alone, ("code_verifier", VERIFIER)),
        (&alone, ("redirect_uri", "https://tpp.example/cb")),
        (&alone, ("refresh_token", kept.as_str())),
    ];
    for (own, other) in foreign {
        let form = [own, &[other]].concat();
        let answer = ask(&form).await;
        assert_eq!((answer.status, answer.rule), (400, Some("RFC6749-5.2-other")), "{form:?}");
        assert_eq!(answer.json()["error"], "invalid_request", "{form:?}");
    }
    for form in [&by_code[..], &by_token[..], &alone[..]] {
        assert_eq!(ask(form).await.status, 200, "{form:?}");
    }
}

/// T-TK-09: a third party that asks about many tokens is told to wait before it finds one, and nobody else is; what is
/// its own costs it nothing; a resource server asks about what anybody brings, and has no such bound.
#[tokio::test]
async fn a_third_party_that_scans_for_tokens_is_slowed_and_a_resource_server_is_not() {
    let resource = json!({ "client_id": "tpp-2", "resource": "https://rs.example" });
    let clients =
        [json!({}), resource].map(|more| Client::register(metadata(&more), &FAPI2_SECURITY).unwrap());
    let bank = Bank::of(&FAPI2_SECURITY, settings(), clients.into()).unwrap();
    let own = bank.tokens().await["access_token"].as_str().unwrap().to_owned();
    let ask = async |token: &str| bank.post("/introspect", &[("token", token)], "application/json").await;
    for round in 0..limits::MISSES_AT_ONCE {
        assert!(active(&bank, &own).await, "{round}");
        assert!(!active(&bank, &format!("at_{round}")).await);
    }
    for token in ["at_once_more", &own] {
        let answer = ask(token).await;
        assert_eq!((answer.status, answer.rule), (429, Some("RFC7662-4-scan")), "{token}");
        assert_eq!(answer.header("retry-after"), "1");
    }
    for round in 0..limits::MISSES_AT_ONCE + 10 {
        let mut server = bank.assertion_draft();
        for name in ["iss", "sub"] {
            server.claims[name] = json!("tpp-2");
        }
        server.claims["jti"] = json!(format!("server-{round}"));
        let answer = bank.post_signed("/introspect", &[("token", "x")], &server.sign(), NOTHING).await;
        assert_eq!(answer.status, 200, "{round}");
    }
    bank.advance(1);
    assert!(active(&bank, &own).await, "after the time it was told");
}
