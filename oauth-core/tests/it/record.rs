//! What is refused or fails is on record, and what fails has changed nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request};
use http_body::{Body, Frame};
use http_body_util::Full;
use oauth_core::{FAPI2_SECURITY, limits};
use serde_json::json;

use crate::bank::{Answer, Bank, VERIFIER, parameters, plain};

const FORM: &str = "application/x-www-form-urlencoded";
/// What these tests call their requests.
const NAME: &str = "7b1f3c1e-9c6d-4f35-8a35-6f0f5a1c2d3e";

fn bank() -> Bank {
    Bank::with(&FAPI2_SECURITY, &json!({}))
}

fn named(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header("x-fapi-interaction-id", NAME)
}

/// A body that breaks off after its first bytes.
struct Cut(Option<&'static str>);

impl Body for Cut {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = self.0.take().map(|bytes| Ok(Frame::data(Bytes::from_static(bytes.as_bytes()))));
        Poll::Ready(Some(next.unwrap_or_else(|| Err(std::io::ErrorKind::ConnectionReset.into()))))
    }
}

#[tokio::test]
async fn what_the_transport_stops_is_on_record_with_its_rule_under_the_identifier_of_the_answer() {
    let bank = bank();
    let large = "x".repeat(limits::FORM_BODY_BYTES + 1);
    let cases = [
        (named(Method::GET, "/nowhere"), "", "RFC9110-15.5.5", 404),
        (named(Method::GET, "/par"), "", "RFC9110-15.5.6", 405),
        (named(Method::DELETE, "/.well-known/openid-configuration"), "", "RFC9110-15.5.6", 405),
        (named(Method::POST, "/token?grant_type=refresh_token"), "", "RFC6749-3.2-query", 400),
        (named(Method::POST, "/introspect"), "token=x", "RFC6749-4.1.3-media", 415),
        (named(Method::POST, "/authorize"), "client_id=x", "RFC6749-4.1.3-media", 415),
        (named(Method::POST, "/revoke").header("content-type", FORM), &*large, "RFC9126-2.3-body", 413),
        (named(Method::GET, "/userinfo?access_token=x"), "", "RFC6750-2-userinfo", 400),
    ];
    for (request, body, rule, status) in cases {
        let asked = format!("{request:?}");
        let answer = bank.send_body(request, Full::new(Bytes::from(body.to_owned()))).await;
        assert_eq!((answer.status, answer.rule), (status, Some(rule)), "{asked}");
        assert_eq!(answer.header("x-fapi-interaction-id"), NAME, "{asked}");
    }
}

/// RFC 9110 section 6.4: half a request is none, whatever its first half asks for.
/// A body that says when it was read to its end.
struct Watched(Option<&'static str>, Arc<AtomicBool>);

impl Body for Watched {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = self.0.take().map(|bytes| Ok(Frame::data(Bytes::from_static(bytes.as_bytes()))));
        if next.is_none() {
            self.1.store(true, Ordering::Relaxed);
        }
        Poll::Ready(next)
    }
}

/// RFC 9112 section 9.3: a body left unread would end the connection under an honest client's next request.
#[tokio::test]
async fn what_is_refused_for_its_method_query_or_media_type_is_read_to_its_end_all_the_same() {
    let bank = bank();
    for (request, status) in [
        (named(Method::PUT, "/par"), 405),
        (named(Method::POST, "/token?grant_type=refresh_token").header("content-type", FORM), 400),
        (named(Method::POST, "/introspect"), 415),
        (named(Method::POST, "/userinfo").header("content-type", "text/plain"), 401),
    ] {
        let (asked, ended) = (format!("{request:?}"), Arc::new(AtomicBool::default()));
        let answer = bank.send_body(request, Watched(Some("token=x"), Arc::clone(&ended))).await;
        assert_eq!(answer.status, status, "{asked}");
        assert!(ended.load(Ordering::Relaxed), "{asked}: the connection would be closed");
    }
}

#[tokio::test]
async fn a_form_that_breaks_off_is_refused_and_nothing_of_it_is_used() {
    let bank = bank();
    for path in ["/par", "/token", "/introspect", "/revoke", "/authorize"] {
        let request = named(Method::POST, path).header("content-type", FORM);
        let answer = bank.send_body(request, Cut(Some("client_id=tpp-1&token=x"))).await;
        assert_eq!((answer.status, answer.rule), (400, Some("RFC9110-6.4")), "{path}");
    }
}

async fn redeem(bank: &Bank, code: &str) -> Answer {
    let form = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)];
    bank.post_with("/token", &form, ("x-fapi-interaction-id", NAME)).await
}

#[track_caller]
fn failed(answer: &Answer) {
    let body = answer.json();
    assert_eq!((answer.status, answer.broken), (503, Some("entropy")), "{body}");
    assert_eq!(body["error"], "server_error");
    assert_eq!(body.as_object().unwrap().len(), 2, "nothing but the error: {body}");
}

/// T-OP-05: wherever in a flow the random source fails, the request ends without an answer worth anything, and works
/// when there are random bytes again: what it would have spent is not spent.
#[tokio::test]
async fn without_random_bytes_there_is_no_answer_and_nothing_is_spent() {
    let bank = bank();
    bank.dry_after(Some(0));
    let unnamed = bank.push(&plain()).await;
    assert_eq!(unnamed.status, 503, "not even a name for the request");
    failed(&bank.post_with("/par", &plain(), ("x-fapi-interaction-id", NAME)).await);
    bank.dry_after(None);
    let pushed = bank.push(&plain()).await;
    let uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();

    bank.dry_after(Some(0));
    let arriving = format!("/authorize?client_id=tpp-1&request_uri={uri}");
    let page = bank.send_body(named(Method::GET, &arriving), Full::new(Bytes::new())).await;
    assert_eq!((page.status, page.broken), (503, Some("entropy")));
    assert!(!page.headers.contains_key("set-cookie") && !page.headers.contains_key("location"));
    bank.dry_after(None);

    let arrived = bank.arrive(pushed).await;
    bank.dry_after(Some(0));
    let approval = arrived.approval();
    let stopped = arrived.again().decide(approval).await.unwrap_err();
    assert!(matches!(stopped, oauth_core::Error::Failed(fault) if fault.port == "entropy"));
    bank.dry_after(None);
    let code = parameters(&arrived.approve().await)["code"].clone();

    let mut draws = 0;
    let answer = loop {
        bank.dry_after(Some(draws));
        let answer = redeem(&bank, &code).await;
        if answer.status == 200 {
            break answer;
        }
        failed(&answer);
        draws += 1;
    };
    assert!(draws > 0, "tokens are made of random bytes");
    let kept = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let form = [("grant_type", "refresh_token"), ("refresh_token", kept.as_str())];
    bank.dry_after(Some(0));
    failed(&bank.post_with("/token", &form, ("x-fapi-interaction-id", NAME)).await);
    bank.dry_after(None);
    assert_eq!(bank.push(&plain()).await.status, 201);
    assert_eq!(bank.post_with("/token", &form, ("x-fapi-interaction-id", NAME)).await.status, 200);
}
