//! `--sign-messages`: FAPI 2.0 Message Signing section 5.6 from the client's side.

use serde_json::{Value, json};

use super::forged::{ForgedBank, Lie, Place, Registered};
use super::{Stop, run};

const PAY: &str = "pay --headless --sign-messages";
const ORDER: &str = "POST /open-finance/payment/v1/payments";

async fn signing(over: &'static str, by: &'static str) -> ForgedBank {
    ForgedBank::twisted(Registered::Plain, move |place, value| {
        if place == Place::Message {
            *value = json!({"by": by, "over": over});
        }
    })
    .await
}

async fn stopped(bank: &ForgedBank, what: &str) -> String {
    let (outcome, heard) = run(bank, PAY).await;
    match outcome {
        Err(Stop::Refused(refusal)) => assert_eq!(refusal.check, "CL-21", "{what}: {refusal}\n{heard}"),
        Err(other) => panic!("{what}: {other}\n{heard}"),
        Ok(_) => panic!("{what} was believed\n{heard}"),
    }
    bank.asked().last().cloned().unwrap()
}

#[tokio::test]
async fn cl_21_every_request_to_the_resource_is_signed_and_its_answer_verified() {
    for registered in [Registered::Plain, Registered::Certificate] {
        let bank = ForgedBank::twisted(registered, |_, _| ()).await;
        let (outcome, heard) = run(&bank, PAY).await;
        outcome.unwrap_or_else(|stop| panic!("{stop}\n{heard}"));
        let calls = bank.captured().iter().filter(|one| one.asked.contains("/open-finance/")).count();
        assert!(calls >= 3 && bank.signed_requests() == calls, "{calls} {}", bank.signed_requests());
        let elsewhere = bank.captured().into_iter().filter(|one| !one.asked.contains("/open-finance/"));
        assert!(elsewhere.into_iter().all(|one| !one.headers.contains_key("signature")));
    }
    let plain = ForgedBank::open(Lie::None).await;
    run(&plain, "pay --headless").await.0.unwrap();
    assert_eq!(plain.signed_requests(), 0, "only where it is asked for");
}

#[tokio::test]
async fn cl_21_the_retry_with_a_nonce_has_a_signature_of_its_own() {
    let bank = ForgedBank::open(Lie::ResourceNonce).await;
    let (outcome, heard) = run(&bank, PAY).await;
    outcome.unwrap_or_else(|stop| panic!("{stop}\n{heard}"));
    let signatures: std::collections::HashSet<String> = bank
        .captured()
        .iter()
        .filter_map(|one| Some(one.headers.get("signature")?.to_str().unwrap().to_owned()))
        .collect();
    assert_eq!(signatures.len(), bank.signed_requests());
}

#[tokio::test]
async fn cl_21_an_answer_that_is_not_signed_for_this_request_now_by_the_resource_is_not_used() {
    for (over, by) in [
        ("nothing", "bank"),
        ("answer", "stranger"),
        ("answer", "nobody"),
        ("other", "bank"),
        ("old", "bank"),
        ("status", "bank"),
    ] {
        let bank = signing(over, by).await;
        assert_eq!(stopped(&bank, over).await, ORDER, "{over} by {by}");
    }
    let bank = ForgedBank::open(Lie::OtherDigest).await;
    assert_eq!(stopped(&bank, "another content").await, ORDER);
}

#[tokio::test]
async fn cl_21_the_resource_names_itself_our_issuer_and_its_keys_before_anything_is_pushed() {
    let cases: [(&str, Option<Value>); 6] = [
        ("resource", Some("https://evil.example".into())),
        ("resource", None),
        ("authorization_servers", Some(json!(["https://evil.example"]))),
        ("authorization_servers", None),
        ("jwks_uri", None),
        ("jwks_uri", Some("https://".into())),
    ];
    for (name, wanted) in cases {
        let what = format!("{name} {wanted:?}");
        let bank = ForgedBank::twisted(Registered::Plain, move |place, value| {
            if place == Place::Resource {
                match &wanted {
                    Some(wanted) => value[name] = wanted.clone(),
                    None => drop(value.as_object_mut().unwrap().remove(name)),
                }
            }
        });
        let bank = bank.await;
        let (outcome, heard) = run(&bank, PAY).await;
        assert!(matches!(outcome, Err(Stop::Refused(_))), "{what}\n{heard}");
        assert_eq!(bank.asked().last().unwrap(), "GET /.well-known/oauth-protected-resource/api", "{what}");
    }
}
