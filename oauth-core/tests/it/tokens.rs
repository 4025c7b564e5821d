//! What stands behind a grant and a token, where only a server of our own making can take it away.

use oauth_core::{FAPI2_SECURITY, Outcome, Resource, Scope};
use serde_json::json;

use crate::bank::{Answer, Bank, CLIENT, VERIFIER, metadata, parameters, plain, proof_for, settings};

fn bank() -> Bank {
    Bank::with(&FAPI2_SECURITY, &json!({}))
}

/// FAPI 2.0 Security Profile section 5.3.2.1-4: who registered for one constraint is not bound by another.
#[tokio::test]
async fn a_client_registered_for_certificates_gets_no_token_bound_to_a_proof_key() {
    let more = json!({ "grant_types": ["client_credentials"], "redirect_uris": [] });
    let bank = Bank::with(&FAPI2_SECURITY, &more);
    let form = [("grant_type", "client_credentials"), ("scope", "accounts")];
    assert_eq!(bank.post("/token", &form, "application/json").await.status, 200);
    let (proof, _) = proof_for("POST", "/token");
    bank.post_with("/token", &form, ("dpop", &proof)).await.refused("invalid_request", "FAPI2SP-5.3.2.1-4");
}

/// RFC 9449 section 7.1: `Bearer` has no proofs, so its challenge has no word for what is wrong with one.
#[tokio::test]
async fn what_is_wrong_with_a_proof_is_told_in_the_challenge_of_dpop_alone() {
    let more = json!({
        "grant_types": ["client_credentials"], "redirect_uris": [],
        "dpop_bound_access_tokens": true, "tls_client_certificate_bound_access_tokens": false,
    });
    let bank = Bank::with(&FAPI2_SECURITY, &more);
    let form = [("grant_type", "client_credentials"), ("scope", "accounts")];
    let issued = bank.post_with("/token", &form, ("dpop", &proof_for("POST", "/token").0)).await.json();
    let shown = format!("DPoP {}", issued["access_token"].as_str().unwrap());
    let ask = |proof: String| {
        let request = http::Request::get("/userinfo").header("authorization", &shown).header("dpop", proof);
        bank.send_body(request, http_body_util::Empty::<bytes::Bytes>::new())
    };
    let elsewhere = ask(proof_for("GET", "/elsewhere").0).await;
    let malformed = ask("x".to_owned()).await;
    for refused in [elsewhere, malformed] {
        assert_eq!((refused.status, refused.json()["error"].as_str()), (401, Some("invalid_dpop_proof")));
        let challenges: Vec<_> =
            refused.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect();
        let told = |scheme: &str| challenges.iter().find(|text| text.starts_with(scheme)).unwrap();
        assert!(told("DPoP ").contains("error=\"invalid_dpop_proof\""), "{challenges:?}");
        assert_eq!(*told("Bearer"), "Bearer", "{challenges:?}");
    }
}

/// OpenID Connect Core section 5.3.3: of whom nothing is known, nothing is told.
#[tokio::test]
async fn userinfo_of_a_customer_who_is_no_longer_known_is_refused() {
    let bank = bank();
    let tokens = bank.tokens().await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(bank.get("/userinfo", access).await.status, 200);
    bank.forget_customer();
    let refused = bank.get("/userinfo", access).await;
    assert_eq!((refused.status, refused.rule), (401, Some("OIDCC-5.3.3")));
    assert_eq!(refused.json()["error"], "invalid_token");
}

/// RFC 9068 section 4, T-TK-07: same issuer, same keys, same grant, and another resource.
#[tokio::test]
async fn a_token_for_one_resource_opens_no_other() {
    let of = |resource: &str| {
        let mut settings = settings();
        settings.resources[0].uri = Resource::new(resource).unwrap();
        let client = oauth_core::Client::register(metadata(&json!({})), &FAPI2_SECURITY).unwrap();
        Bank::of(&FAPI2_SECURITY, settings, vec![client]).unwrap()
    };
    let (here, there) = (of("https://rs.example"), of("https://other.example"));
    let tokens = here.tokens().await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(here.get("/userinfo", access).await.status, 200);
    let refused = there.get("/userinfo", access).await;
    assert_eq!((refused.status, refused.rule), (401, Some("RFC9068-4-aud")));
}

/// RFC 9396 section 5: a server without types takes no details.
#[tokio::test]
async fn a_server_without_types_refuses_every_detail_and_takes_an_empty_list() {
    let bank = bank();
    let with = |details: &'static str| [&plain()[..], &[("authorization_details", details)]].concat();
    bank.push(&with(r#"[{"type":"payment_initiation"}]"#))
        .await
        .refused("invalid_authorization_details", "RFC9396-5-none");
    assert_eq!(bank.push(&plain()).await.status, 201);
}

/// RFC 9700 section 2.1: pages that approve more than was asked open nothing, and the request can still be decided.
#[tokio::test]
async fn an_approval_beyond_the_request_opens_nothing() {
    let bank = bank();
    let mut narrow = plain();
    for field in &mut narrow {
        if field.0 == "scope" {
            field.1 = "openid";
        }
    }
    let arrived = bank.arrive(bank.push(&narrow).await).await;
    let Outcome::Approved(mut approval) = arrived.approval() else { panic!("an approval") };
    approval.scope = Scope::new("openid accounts").unwrap();
    let refused = arrived.again().decide(Outcome::Approved(approval)).await.unwrap_err();
    assert!(refused.to_string().contains("RFC9396-7-within"), "{refused}");
    assert!(parameters(&arrived.approve().await).contains_key("code"));
}

/// RFC 6749 section 4.1.2 with FAPI 2.0 Security Profile section 5.3.2.1-11: sixty seconds, and not the sixtieth.
#[tokio::test]
async fn a_code_is_refused_from_its_sixtieth_second_on() {
    let bank = bank();
    let redeem = async |code: &str| -> Answer {
        let form = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)];
        bank.post("/token", &form, "application/json").await
    };
    let code =
        async || parameters(&bank.arrive(bank.push(&plain()).await).await.approve().await)["code"].clone();
    let life = i64::from(u32::try_from(bank.server.settings().code_lifetime.get()).unwrap());
    assert!(life <= 60);
    let (last, late) = (code().await, code().await);
    bank.advance(life - 1);
    assert_eq!(redeem(&last).await.status, 200);
    bank.advance(1);
    redeem(&late).await.refused("invalid_grant", "RFC6749-4.1.2-life");
}

/// RFC 9126 section 7.3: a request is decided once, whoever comes second and whatever for.
#[tokio::test]
async fn a_request_that_was_decided_is_not_decided_again() {
    let bank = bank();
    let arrived = bank.arrive(bank.push(&plain()).await).await;
    let (again, denied) = (arrived.again(), arrived.again());
    let approval = arrived.approval();
    assert!(parameters(&arrived.approve().await).contains_key("code"));
    for (page, outcome) in [(again, approval), (denied, Outcome::Denied(oauth_core::Denial::Refused))] {
        let refused = page.decide(outcome).await.unwrap_err();
        assert!(refused.to_string().contains("RFC9126-7.3"), "{refused}");
    }
}

/// RFC 8705 section 2: what cannot be read as a certificate proves nobody.
#[tokio::test]
async fn bytes_that_are_no_certificate_authenticate_no_client() {
    let more = json!({
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_subject_dn": "CN=tpp.example",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
    });
    let bank = Bank::with(&FAPI2_SECURITY, &more);
    let form = format!("grant_type=client_credentials&scope=accounts&client_id={CLIENT}");
    for der in [&b""[..], b"\x30\x03\x02\x01\x01", &[0xff; 64]] {
        bank.show_certificate(der);
        let answer = bank.post_form("/token", &form).await;
        assert_eq!((answer.status, answer.rule), (401, Some("RFC8705-2-read")));
        assert_eq!(answer.json()["error"], "invalid_client");
    }
}

/// OpenID Connect Core section 11: where a bank offers `offline_access`, asking for it with consent is honoured.
#[tokio::test]
async fn offline_access_is_honoured_where_it_is_offered() {
    let mut settings = settings();
    settings.scopes = Scope::new("openid accounts offline_access").unwrap();
    let more = json!({ "scope": "openid accounts offline_access" });
    let client = oauth_core::Client::register(metadata(&more), &FAPI2_SECURITY).unwrap();
    let bank = Bank::of(&FAPI2_SECURITY, settings, vec![client]).unwrap();
    let mut ask = [&plain()[..], &[("prompt", "consent")]].concat();
    for field in &mut ask {
        if field.0 == "scope" {
            field.1 = "openid accounts offline_access";
        }
    }
    let code = parameters(&bank.arrive(bank.push(&ask).await).await.approve().await)["code"].clone();
    let form = [("grant_type", "authorization_code"), ("code", code.as_str()), ("code_verifier", VERIFIER)];
    let tokens = bank.post("/token", &form, "application/json").await.json();
    assert!(tokens["refresh_token"].is_string(), "{tokens}");
    assert!(tokens["scope"].as_str().unwrap().split(' ').any(|value| value == "offline_access"), "{tokens}");
}

/// IN-05: whoever asks about tokens cannot tell by the time what was never issued from what was revoked. Medians of
/// interleaved calls, so that a busy machine falls on all alike.
#[tokio::test]
async fn a_token_that_never_was_and_one_that_was_revoked_take_the_same_time() {
    let bank = bank();
    let kept = bank.tokens().await["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(bank.post("/revoke", &[("token", &kept)], "application/json").await.status, 200);
    let mut never = kept.clone();
    never.replace_range(10..14, "AAAA");
    let mut spent = [const { Vec::new() }; 2];
    for round in 0..400 {
        for (kind, token) in [&kept, &never].into_iter().enumerate() {
            // whoever asks about what is not there is slowed down; this is not about that
            bank.advance(1);
            let began = tokio::time::Instant::now();
            let answer = bank.post("/introspect", &[("token", token)], "application/json").await;
            if round >= 50 {
                spent[kind].push(began.elapsed());
            }
            assert_eq!((answer.status, answer.json()), (200, json!({ "active": false })));
        }
    }
    let [revoked, never] = spent.map(|mut all| {
        all.sort_unstable();
        all[all.len() / 2].as_secs_f64() * 1e6
    });
    assert!((revoked - never).abs() / revoked < 0.15, "{revoked:.1} us against {never:.1} us");
}
