//! PAR-25, T-AR-08, T-AR-09: sizes and encodings of a body that is not quite a form.

use std::time::Duration;

use conformance::client::Answer;
use conformance::tpp::flow::Tpp;

use crate::support::judge::{refused, refused_as};
use crate::support::raw::Raw;
use crate::support::{embedded, identity};

const FORM: &str = "application/x-www-form-urlencoded";

async fn sent(palm: &Tpp, raw: Raw) -> Answer {
    raw.send(&palm.registered().http).await
}

#[tokio::test]
async fn a_body_of_another_media_type_is_415() {
    let palm = embedded().await.palm();
    for media in [
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        "application/x-www-form-urlencoded, application/json",
        "application/x-www-form-urlencodedx",
        "",
    ] {
        let answer = sent(&palm, Raw::push(&palm, &identity()).instead("content-type", media)).await;
        refused_as(&answer, 415, &["invalid_request"], media);
    }
    let twice = Raw::push(&palm, &identity()).with("content-type", FORM);
    refused(&sent(&palm, twice).await, 415, "invalid_request");
    let zipped = Raw::push(&palm, &identity()).with("content-encoding", "gzip");
    refused(&sent(&palm, zipped).await, 415, "invalid_request");
    for same in ["application/x-www-form-urlencoded; charset=UTF-8", "APPLICATION/X-WWW-FORM-URLENCODED"] {
        let answer = sent(&palm, Raw::push(&palm, &identity()).instead("content-type", same)).await;
        assert_eq!(answer.status, 201, "{same}");
    }
}

#[tokio::test]
async fn a_body_beyond_64_kib_is_413_and_answered_at_once() {
    let palm = embedded().await.palm();
    let large = format!("&padding={}", "x".repeat(64 * 1024));
    let answering = sent(&palm, Raw::push(&palm, &identity()).and(&large));
    let answer = tokio::time::timeout(Duration::from_secs(5), answering).await.expect("at once");
    refused(&answer, 413, "invalid_request");
}

#[tokio::test]
async fn too_many_parameters_or_too_long_ones_are_refused() {
    let palm = embedded().await.palm();
    let many: String = (0..10_000).map(|n| format!("&p{n}=1")).collect();
    let long_name = format!("&{}=1", "n".repeat(2000));
    let long_value = format!("&state2={}", "v".repeat(40_000));
    for (case, more) in [("many", many), ("name", long_name), ("value", long_value)] {
        let answer = sent(&palm, Raw::push(&palm, &identity()).and(&more)).await;
        assert!(matches!(answer.status.as_u16(), 400 | 413), "{case}: {}", answer.status);
        assert_eq!(answer.error().as_deref(), Some("invalid_request"), "{case}");
    }
}

#[tokio::test]
async fn a_form_that_is_not_well_formed_is_refused() {
    let palm = embedded().await.palm();
    for broken in [
        "&x=%zz",
        "&x=%",
        "&x=%4",
        "&x=%00",
        "&x=a\u{0}b",
        "&x=%ff",
        "&x=%c0%af",
        "&x=%ed%a0%80",
        "&x=\u{e9}",
        "&x=a\nb",
        "\r\n",
        "&%00=x",
    ] {
        let answer = sent(&palm, Raw::push(&palm, &identity()).and(broken)).await;
        refused_as(&answer, 400, &["invalid_request"], &format!("{broken:?}"));
    }
}

/// T-AR-07: what other servers read as a list or as a separator is an ordinary character here.
#[tokio::test]
async fn lists_in_brackets_and_semicolons_separate_nothing() {
    let palm = embedded().await.palm();
    let answer = sent(&palm, Raw::push(&palm, &identity()).and("&client_id[]=x&scope%5B%5D=admin")).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let mut raw = Raw::push(&palm, &identity());
    let text = String::from_utf8(raw.body.clone()).unwrap();
    raw.body = text.replacen('&', ";", 1).into_bytes();
    assert!(sent(&palm, raw).await.status.is_client_error());
}

#[tokio::test]
async fn a_plus_is_a_space_and_so_is_percent_20() {
    let palm = embedded().await.palm();
    let text = |raw: &Raw| String::from_utf8(raw.body.clone()).unwrap();
    let mut raw = Raw::push(&palm, &identity());
    assert!(text(&raw).contains("scope=openid+profile+email"));
    raw.body =
        text(&raw).replace("scope=openid+profile+email", "scope=openid%20profile%20email").into_bytes();
    assert_eq!(sent(&palm, raw).await.status, 201);
    let mut raw = Raw::push(&palm, &identity());
    raw.body = text(&raw).replace("scope=openid+profile+email", "scope=openid%2Bprofile").into_bytes();
    refused(&sent(&palm, raw).await, 400, "invalid_scope");
}

#[tokio::test]
async fn json_and_an_empty_body_are_no_requests() {
    let palm = embedded().await.palm();
    let mut raw = Raw::push(&palm, &identity());
    raw.body = br#"{"client_id":"palm-books"}"#.to_vec();
    assert!(sent(&palm, raw.clone()).await.status.is_client_error());
    raw.body.clear();
    refused(&sent(&palm, raw).await, 401, "invalid_client");
}
