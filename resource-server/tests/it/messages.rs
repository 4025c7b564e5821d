//! FAPI 2.0 Message Signing section 5.6: signed requests and signed answers, through the guard.

use oauth_core::FAPI2_SECURITY;
use oauth_core::message::{
    Field, RequestMessage, ResponseMessage, SignatureFields, content_digest, prepare_request, verify_response,
};
use oauth_core::testkit::keys;
use oauth_core::{KeyId, Timestamp};
use rar_consent::Permission;
use resource_server::guard::{GuardLayer, SignedRequests, SignedResponses, guarded};
use resource_server::http::Origin;
use serde_json::json;
use tower_service::Service as _;

use super::fixture::{Answered, Ask, ORIGIN, World, claims, now, signing, signing_since};

const PATH: &str = "/banking/accounts?page=1";

/// What `tpp` signs with its key for ES256.
fn signed(ask: Ask, created: Timestamp) -> Ask {
    let made = signature(&ask, created);
    let ask = ask.header("signature-input", &made.signature_input).header("signature", &made.signature);
    match made.content_digest {
        Some(digest) => ask.header("content-digest", &digest),
        None => ask,
    }
}

fn signature(ask: &Ask, created: Timestamp) -> SignatureFields {
    let (uri, fields) = (format!("{ORIGIN}{}", ask.path), fields(ask));
    let request =
        RequestMessage { method: ask.method.as_str(), target_uri: &uri, fields: &fields, body: &ask.body };
    let prepared = prepare_request(&request, &KeyId::new("test-es256").unwrap(), created).unwrap();
    let made = keys::es256().sign(&ring::rand::SystemRandom::new(), prepared.base()).unwrap();
    prepared.seal(&made)
}

fn fields(ask: &Ask) -> Vec<Field<'_>> {
    ask.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

fn reading() -> Ask {
    Ask::get(PATH).token(&claims("c-1", "accounts.basic"))
}

async fn demanding() -> World {
    let world = signing(SignedRequests::Required, SignedResponses::ToSignedRequests).await;
    world.consent("c-1", &Permission::ALL, Some((1_000_00, 5_000_00))).await;
    world
}

fn is_good(answer: &Answered, ask: &Ask) -> bool {
    let (uri, asked) = (format!("{ORIGIN}{}", ask.path), fields(ask));
    let request =
        RequestMessage { method: ask.method.as_str(), target_uri: &uri, fields: &asked, body: &ask.body };
    let said: Vec<Field<'_>> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let response = ResponseMessage { status: answer.status, fields: &said, body: &answer.bytes };
    verify_response(&response, &request, &keys::public(), &FAPI2_SECURITY, now()).is_ok()
}

#[tokio::test]
async fn section_5_6_1_2_a_signed_request_passes_once_and_its_answer_is_tied_to_it() {
    let world = demanding().await;
    let ask = signed(reading(), now());
    let answer = world.call(ask.clone()).await;
    assert_eq!(answer.status, 200);
    assert!(is_good(&answer, &ask));
    let other = signed(reading(), now());
    assert!(!is_good(&answer, &other), "an answer to another request");
    let again = world.call(ask).await;
    assert_eq!(again.status, 401, "a signature is used once");
}

/// What may have been used before the memory of signatures began is refused, for nobody knows whether it was.
#[tokio::test]
async fn section_7_2_2_a_signature_from_before_the_memory_of_signatures_is_refused() {
    for (age, status) in [(30, 401), (300, 200)] {
        let age = oauth_core::Seconds::new(age);
        let world = signing_since(SignedRequests::Required, SignedResponses::ToSignedRequests, age).await;
        world.consent("c-1", &Permission::ALL, None).await;
        let earlier = signed(reading(), now().minus(oauth_core::Seconds::new(45)));
        assert_eq!(world.call(earlier).await.status, status, "the memory is {age} old");
        assert_eq!(world.call(signed(reading(), now())).await.status, 200);
    }
}

#[tokio::test]
async fn section_5_6_1_2_3_an_unsigned_request_is_told_what_to_sign() {
    let world = demanding().await;
    let answer = world.call(reading()).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").contains("error=\"invalid_request\""));
    let accepted = answer.header("accept-signature");
    assert_eq!(
        accepted,
        "sig=(\"@method\" \"@target-uri\" \"authorization\");created;tag=\"fapi-2-request\""
    );
}

#[tokio::test]
async fn section_5_6_1_2_a_request_that_was_changed_on_the_way_changes_nothing() {
    let world = demanding().await;
    let before = world.size().await;
    let order = json!({"data": {"accountId": "pa-1"}});
    let paying = || {
        Ask::new("POST", "/banking/payments")
            .token(&claims("c-1", "payments"))
            .json(&order)
            .header("x-idempotency-key", "00000000-0000-4000-8000-000000000009")
    };
    let mut body = signed(paying(), now());
    body.body = b"{}".to_vec();
    let mut digest = signed(paying(), now());
    digest.body = b"{}".to_vec();
    digest = digest.without("content-digest").header("content-digest", &content_digest(b"{}"));
    let mut query = signed(reading(), now());
    query.path = query.path.replace("page=1", "page=2");
    let mut uncovered = signed(paying(), now());
    for (name, value) in &mut uncovered.headers {
        if name == "signature-input" {
            *value = value.replace(" \"content-digest\"", "");
        }
    }
    let old = signed(reading(), now().minus(oauth_core::Seconds::new(61)));
    for (what, ask) in
        [("body", body), ("digest", digest), ("query", query), ("uncovered", uncovered), ("old", old)]
    {
        assert_eq!(world.call(ask).await.status, 401, "{what}");
    }
    assert_eq!(world.size().await, before);
}

#[tokio::test]
async fn a_signature_that_is_not_demanded_must_hold_all_the_same() {
    let world = signing(SignedRequests::WhenSigned, SignedResponses::Always).await;
    world.consent("c-1", &Permission::ALL, None).await;
    let plain = reading();
    let answer = world.call(plain.clone()).await;
    assert_eq!(answer.status, 200);
    assert!(is_good(&answer, &plain), "every answer is signed");
    let broken = reading().header("signature-input", "sig=()").header("signature", "sig=:AA==:");
    assert_eq!(world.call(broken).await.status, 401);
    for (name, value) in [("signature-input", "sig=()"), ("signature", "sig=:AA==:")] {
        assert_eq!(world.call(reading().header(name, value)).await.status, 401, "half a signature: {name}");
    }
}

#[tokio::test]
async fn only_answers_to_signed_requests_are_signed_where_no_more_is_asked_for() {
    let world = signing(SignedRequests::WhenSigned, SignedResponses::ToSignedRequests).await;
    world.consent("c-1", &Permission::ALL, None).await;
    let plain = world.call(reading()).await;
    assert_eq!((plain.status, plain.header("signature")), (200, ""));
    let ask = signed(reading(), now());
    assert!(is_good(&world.call(ask.clone()).await, &ask));
}

#[tokio::test]
async fn a_layer_that_cannot_read_content_lets_nothing_through_where_signatures_are_demanded() {
    let world = demanding().await;
    let needs = world.service.routes().remove(0).needs;
    let layer = GuardLayer::new(world.guard.clone(), Origin::new(ORIGIN).unwrap(), needs);
    let mut service = guarded(super::guard::WhoAmI, layer);
    let request = super::guard::with_token(&claims("c-1", "accounts.basic"));
    assert_eq!(service.call(request).await.unwrap().status(), 500);
}
