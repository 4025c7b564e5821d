//! What an answer must look like.

use conformance::client::Answer;
use conformance::tpp::flow::Tpp;
use conformance::tpp::mutate::{Mistake, Part};
use serde_json::{Value, json};

use super::identity;

/// An OAuth error: status, JSON, code, characters of RFC 6749 section 5.2, and nothing to be cached.
#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, error: &str) {
    refused_as(answer, status, &[error], "");
}

/// As [`refused`] with one of several codes; `case` is quoted when it is not so.
#[track_caller]
pub(crate) fn refused_as(answer: &Answer, status: u16, errors: &[&str], case: &str) {
    let told = format!("{case}: {} {}", answer.status, answer.text());
    assert_eq!(answer.status, status, "{told}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{told}");
    let error = answer.error().unwrap_or_default();
    assert!(errors.contains(&error.as_str()), "{told}");
    let body = answer.json().unwrap();
    let description = body["error_description"].as_str().unwrap_or_default();
    let allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(description.bytes().all(allowed) && error.bytes().all(allowed), "{told}");
    assert!(answer.header("cache-control").unwrap_or_default().contains("no-store"), "{told}");
    on_record(answer, &told);
}

/// The bank logged the refusal under the identifier that the answer tells, with the rule that refused or the port that
/// failed.
#[track_caller]
pub(crate) fn on_record(answer: &Answer, told: &str) -> String {
    let id = answer.header("x-fapi-interaction-id").unwrap_or_else(|| panic!("{told}: no identifier"));
    let lines = conformance::process::logged(id);
    let lines: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let named = lines.iter().find_map(|line| {
        let event = &line["fields"];
        let ours = line["target"] == "audit" && event["correlation"] == id;
        ["rule", "port"].into_iter().filter(|_| ours).find_map(|name| event[name].as_str().map(str::to_owned))
    });
    named.unwrap_or_else(|| panic!("{told}: on record is {lines:?}"))
}

/// This rule refused, says the log.
#[track_caller]
pub(crate) fn because(answer: &Answer, rule: &str) {
    let told = format!("{} {}", answer.status, answer.text());
    assert_eq!(on_record(answer, &told), rule, "{told}");
}

/// A success of an endpoint for clients.
#[track_caller]
pub(crate) fn taken(answer: &Answer, case: &str) {
    assert!(answer.status.is_success(), "{case}: {} {}", answer.status, answer.text());
    assert!(answer.header("cache-control").unwrap_or_default().contains("no-store"), "{case}");
}

/// The four endpoints that authenticate clients, each asked with the same mistakes.
pub(crate) async fn everywhere(
    tpp: &Tpp,
    mistakes: impl Fn(Part) -> Vec<Mistake>,
) -> [(&'static str, Answer); 4] {
    let other = mistakes(Part::OtherForm);
    [
        ("par", tpp.push(&identity(), &mistakes(Part::PushForm)).await.unwrap()),
        ("token", tpp.act_alone("payments", &mistakes(Part::TokenForm)).await.unwrap()),
        ("introspection", tpp.present("introspection_endpoint", "x", &other).await.unwrap()),
        ("revocation", tpp.present("revocation_endpoint", "x", &other).await.unwrap()),
    ]
}

/// The same mistakes are refused alike at all four endpoints.
pub(crate) async fn refused_everywhere(tpp: &Tpp, mistakes: &[Mistake], error: &str) {
    let status = if error == "invalid_client" { 401 } else { 400 };
    for (endpoint, answer) in everywhere(tpp, |_| mistakes.to_vec()).await {
        refused_as(&answer, status, &[error], &format!("{endpoint} {mistakes:?}"));
    }
}

/// Nothing of this is a mistake at any of the four endpoints.
pub(crate) async fn taken_everywhere(tpp: &Tpp, mistakes: &[Mistake]) {
    for (endpoint, answer) in everywhere(tpp, |_| mistakes.to_vec()).await {
        taken(&answer, &format!("{endpoint} {mistakes:?}"));
    }
}

/// A refusal at a protected resource: 401, a challenge of the scheme, the code.
#[track_caller]
pub(crate) fn challenged(answer: &Answer, scheme: &str, error: &str, case: &str) {
    let challenges = answer.all("www-authenticate");
    let told = format!("{case}: {} {challenges:?} {}", answer.status, answer.text());
    assert_eq!(answer.status, 401, "{told}");
    let named = challenges.iter().any(|challenge| {
        challenge.starts_with(&format!("{scheme} ")) && challenge.contains(&format!("error=\"{error}\""))
    });
    assert!(named, "{told}");
    on_record(answer, &told);
}

/// An error page: HTML, no redirect, not to be framed, stored or referred from.
#[track_caller]
pub(crate) fn error_page(answer: &Answer, case: &str) {
    let told = format!("{case}: {} {}", answer.status, answer.text());
    assert_eq!(answer.status, 400, "{told}");
    assert!(answer.header("location").is_none(), "{told}");
    hardened_page(answer, case);
    let said = conformance::html::text_of(&answer.text(), "error");
    assert!(said.is_some_and(|text| !text.is_empty()), "{told}");
    let id = conformance::html::text_of(&answer.text(), "correlation-id");
    let id = id.unwrap_or_else(|| panic!("{told}: no identifier"));
    assert!(!conformance::process::logged(&id).is_empty(), "{told}: nothing on record under {id}");
}

/// What every page of the bank owes its reader.
#[track_caller]
pub(crate) fn hardened_page(answer: &Answer, case: &str) {
    let told = format!("{case}: {} {:?}", answer.status, answer.headers);
    assert!(answer.header("content-type").unwrap_or_default().starts_with("text/html"), "{told}");
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"), "{told}");
    assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{told}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{told}");
    assert!(answer.header("referrer-policy").is_some(), "{told}");
    assert!(answer.header("cache-control").unwrap_or_default().contains("no-store"), "{told}");
}

/// At least 128 bits of length and 96 of Shannon entropy.
#[track_caller]
pub(crate) fn unguessable(text: &str) {
    assert!(conformance::runner::judge::is_unguessable(text), "{text}");
}

/// The members of a JSON object, in alphabetical order.
#[track_caller]
pub(crate) fn members(value: &Value) -> Vec<String> {
    let mut names: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
    names.sort();
    names
}

/// What a caller learns who may learn nothing.
#[track_caller]
pub(crate) fn inactive(answer: &Answer, case: &str) {
    assert_eq!(answer.status, 200, "{case}: {}", answer.text());
    assert_eq!(answer.json().unwrap(), json!({"active": false}), "{case}");
}
