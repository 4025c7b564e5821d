//! RFC 9126: the pushed request, and what FAPI 2.0 asks of it.

use serde_json::json;

use super::{SP, alone, each, honest, must, should, story};
use crate::client::form_request;
use crate::host;
use crate::runner::case::{At, Case, Expect, Finding, Need, check};
use crate::runner::judge::{is_unguessable, refusal};
use crate::runner::scene::Scene;
use crate::tpp::mutate::{HONEST, Part, duplicate, remove, set};

const PAR: &str = "RFC 9126";
const REQUEST: Expect = Expect::Refused(&[400], &["invalid_request", "invalid_request_object"]);

pub(super) const CASES: &[Case] = &[
    must(
        "par-answers-201-with-a-reference",
        (PAR, "2.2"),
        "A pushed request is answered with 201, `request_uri` and `expires_in`.",
        &[],
        story!(answer),
    ),
    must(
        "par-reference-is-unguessable",
        (PAR, "7.1"),
        "The reference cannot be guessed, and two are never the same.",
        &[],
        story!(reference),
    ),
    must(
        "par-lifetime-is-below-ten-minutes",
        (SP, "5.3.2.2-11"),
        "The reference lives at least 5 and less than 600 seconds.",
        &[],
        story!(lifetime),
    ),
    should(
        "par-answer-is-not-stored",
        (PAR, "2.2"),
        "The answer says that nobody may store it.",
        &[],
        story!(no_store),
    ),
    must("par-takes-only-post", (PAR, "2.3"), "GET and PUT are refused.", &[], story!(only_post)),
    must("par-demands-a-form", (PAR, "2.1"), "A body of JSON is refused.", &[], story!(json_body)),
    must(
        "par-refuses-a-request-uri-in-the-form",
        (PAR, "2.1"),
        "A pushed request refers to no other.",
        &[Need::PlainRequest],
        each(
            At::Push,
            |_| {
                alone(
                    ["urn:ietf:params:oauth:request_uri:x", "https://client.example/r"]
                        .map(|uri| set(Part::PushForm, "request_uri", uri)),
                )
            },
            Expect::Refused(
                &[400],
                &["invalid_request", "invalid_request_object", "request_uri_not_supported"],
            ),
        ),
    ),
    must(
        "par-refuses-a-missing-challenge",
        (SP, "5.3.2.2-5"),
        "A request without `code_challenge` is refused.",
        &[],
        each(At::Push, |scene| alone([remove(scene.request(), "code_challenge")]), REQUEST),
    ),
    must(
        "par-refuses-a-plain-challenge",
        ("RFC 7636", "4.4.1"),
        "A challenge method other than S256, or none, is refused.",
        &[],
        each(
            At::Push,
            |scene| {
                alone([
                    set(scene.request(), "code_challenge_method", "plain"),
                    remove(scene.request(), "code_challenge_method"),
                    set(scene.request(), "code_challenge_method", "S512"),
                ])
            },
            REQUEST,
        ),
    ),
    must(
        "par-refuses-a-missing-redirect-uri",
        (SP, "5.3.2.2-9"),
        "A request without `redirect_uri` is refused.",
        &[],
        each(At::Push, |scene| alone([remove(scene.request(), "redirect_uri")]), REQUEST),
    ),
    must(
        "par-refuses-an-unregistered-redirect-uri",
        ("RFC 9700", "2.1"),
        "A redirect URI that differs from the registered one in any byte is refused.",
        &[],
        each(
            At::Push,
            redirect_uris,
            Expect::Refused(&[400], &["invalid_request", "invalid_request_object", "invalid_redirect_uri"]),
        ),
    ),
    must(
        "par-takes-only-the-code-response-type",
        (SP, "5.3.2.2-1"),
        "A response type other than `code` is refused.",
        &[],
        each(
            At::Push,
            |scene| {
                alone(
                    ["token", "id_token", "code id_token", "code token", "none"]
                        .map(|kind| set(scene.request(), "response_type", kind)),
                )
            },
            Expect::Refused(
                &[400],
                &[
                    "unsupported_response_type",
                    "invalid_request",
                    "unauthorized_client",
                    "invalid_request_object",
                ],
            ),
        ),
    ),
    must(
        "par-refuses-a-missing-response-type",
        ("RFC 6749", "3.1.1"),
        "A request without `response_type` is refused.",
        &[],
        each(
            At::Push,
            |scene| alone([remove(scene.request(), "response_type")]),
            Expect::Refused(
                &[400],
                &["unsupported_response_type", "invalid_request", "invalid_request_object"],
            ),
        ),
    ),
    must(
        "par-refuses-a-repeated-parameter",
        ("RFC 6749", "3.1"),
        "A parameter that comes twice is refused.",
        &[Need::PlainRequest],
        each(
            At::Push,
            |_| {
                alone(
                    ["scope", "state", "redirect_uri", "code_challenge"]
                        .map(|name| duplicate(Part::PushForm, name, "twice")),
                )
            },
            REQUEST,
        ),
    ),
    must(
        "par-ignores-unknown-parameters",
        ("RFC 6749", "3.1"),
        "A parameter that nobody knows does no harm.",
        &[],
        each(At::Push, |scene| alone([set(scene.request(), "quite_unknown", "x")]), Expect::Taken),
    ),
    must(
        "par-takes-any-order-of-scopes",
        ("RFC 6749", "3.3"),
        "The order of scope values has no meaning.",
        &[],
        each(At::Push, reversed_scope, Expect::Taken),
    ),
    must(
        "par-takes-a-nonce-of-64-characters",
        (SP, "5.3.2.2"),
        "A nonce of 43 or 64 characters is taken.",
        &[],
        each(
            At::Push,
            |scene| alone([43, 64].map(|length| set(scene.request(), "nonce", "n".repeat(length)))),
            Expect::Taken,
        ),
    ),
    must(
        "par-takes-or-refuses-long-values",
        (SP, "5.3.2.2"),
        "A long state or nonce is taken as it is, or refused; never cut.",
        &[],
        story!(long_values),
    ),
    must(
        "par-takes-requests-without-state-and-nonce",
        (SP, "5.3.2.2"),
        "State and nonce are optional.",
        &[Need::PlainRequest],
        each(
            At::Push,
            |scene| alone(["state", "nonce"].map(|name| remove(scene.request(), name))),
            Expect::Taken,
        ),
    ),
    must(
        "par-is-honest",
        (PAR, "2"),
        "The honest request is taken.",
        &[],
        each(At::Push, |_| honest(), Expect::Taken),
    ),
    must(
        "par-refuses-malformed-details",
        ("RFC 9396", "5"),
        "Authorization details of an unknown type or of a wrong shape are refused.",
        &[Need::Metadata("authorization_details_types_supported")],
        each(
            At::Push,
            |scene| {
                alone(
                    [json!([{"type": "quite-unknown"}]), json!({"type": "x"}), json!([{}]), json!("x")]
                        .map(|wrong| set(scene.request(), "authorization_details", wrong)),
                )
            },
            Expect::Refused(
                &[400],
                &["invalid_authorization_details", "invalid_request", "invalid_request_object"],
            ),
        ),
    ),
    must(
        "par-refuses-two-different-keys",
        ("RFC 9449", "10.1"),
        "`dpop_jkt` and the proof name the same key.",
        &[Need::Dpop],
        each(
            At::Push,
            |scene| alone([set(scene.request(), "dpop_jkt", crate::tpp::keys::sha256(b"another key"))]),
            Expect::Refused(&[400], &["invalid_request", "invalid_dpop_proof", "invalid_request_object"]),
        ),
    ),
    should("par-bounds-its-body", (PAR, "2.3"), "A body of a megabyte is refused.", &[], story!(bounded)),
    should(
        "par-errors-are-not-stored",
        (PAR, "2.2"),
        "Errors say that nobody may store them.",
        &[],
        story!(errors_not_stored),
    ),
];

/// Spellings that a parser might take for the registered one.
fn redirect_uris(scene: &Scene) -> super::Changes {
    let Ok(tpp) = scene.tpp() else { return Vec::new() };
    let good = &tpp.registered().entry.redirect_uri;
    let mut wrong = vec![
        "https://elsewhere.example/callback".to_owned(),
        format!("{good}/"),
        format!("{good}?x=y"),
        format!("{good}#"),
        format!("{good}/../callback"),
        good.to_ascii_uppercase(),
        good.replacen("://", "://user@", 1),
        format!(" {good}"),
    ];
    wrong.retain(|uri| uri != good);
    alone(wrong.into_iter().map(|uri| set(scene.request(), "redirect_uri", uri)))
}

fn reversed_scope(scene: &Scene) -> super::Changes {
    let ask = scene.ask();
    let scope = ask.parameters.get("scope").and_then(serde_json::Value::as_str).unwrap_or_default();
    let reversed: Vec<&str> = scope.split(' ').rev().collect();
    alone([set(scene.request(), "scope", reversed.join(" "))])
}

async fn answer(scene: Scene) -> Result<(), Finding> {
    let answer = scene.tpp()?.push(&scene.ask(), HONEST).await?;
    check(answer.status.as_u16() == 201, || format!("the status is {}: {}", answer.status, answer.text()))?;
    let media = answer.header("content-type").unwrap_or_default();
    check(media.starts_with("application/json"), || format!("the media type is {media}"))?;
    answer.member("request_uri")?;
    check(answer.error().is_none(), || "a success names an error".to_owned())
}

async fn reference(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let (first, second) = (scene.push(&tpp, &scene.ask()).await?, scene.push(&tpp, &scene.ask()).await?);
    check(first != second, || "two requests have the same reference".to_owned())?;
    let random = first.rsplit(':').next().unwrap_or_default();
    check(is_unguessable(random), || format!("{random} has too little entropy"))
}

async fn lifetime(scene: Scene) -> Result<(), Finding> {
    let told = scene.tpp()?.push(&scene.ask(), HONEST).await?.json()?;
    let seconds = told.get("expires_in").and_then(serde_json::Value::as_i64);
    check(seconds.is_some_and(|seconds| (5..600).contains(&seconds)), || format!("expires_in is {seconds:?}"))
}

async fn no_store(scene: Scene) -> Result<(), Finding> {
    let answer = scene.tpp()?.push(&scene.ask(), HONEST).await?;
    let told = answer.header("cache-control").unwrap_or_default();
    check(told.contains("no-store"), || format!("cache-control is {told:?}"))
}

async fn errors_not_stored(scene: Scene) -> Result<(), Finding> {
    let answer = scene.tpp()?.push(&scene.ask(), &[remove(scene.request(), "redirect_uri")]).await?;
    let told = answer.header("cache-control").unwrap_or_default();
    check(told.contains("no-store"), || format!("cache-control is {told:?}"))
}

async fn only_post(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let url = tpp.endpoint("pushed_authorization_request_endpoint")?;
    for method in ["GET", "PUT"] {
        let request = http::Request::builder().method(method).uri(&url).body(bytes::Bytes::new());
        let answer = tpp.registered().http.send(crate::Doing::doing(request, "write a request")?).await?;
        let refused = answer.status.is_client_error() || answer.status.is_server_error();
        check(refused, || format!("{method} is answered with {}", answer.status))?;
    }
    Ok(())
}

async fn json_body(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let url = tpp.endpoint("pushed_authorization_request_endpoint")?;
    let mut request = form_request(&url, &scene.ask().all(tpp.registered()).to_form())?;
    *request.body_mut() = scene.ask().all(tpp.registered()).to_json().into();
    request.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    let answer = tpp.registered().http.send(request).await?;
    check(answer.status.is_client_error(), || format!("it is answered with {}", answer.status))
}

async fn long_values(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    for (name, length) in [("state", 1000), ("nonce", 384)] {
        let value: String = host::token().chars().cycle().take(length).collect();
        let answer = tpp.push(&scene.ask(), &[set(scene.request(), name, value)]).await?;
        if !answer.status.is_success() {
            refusal(&answer, &[400], &["invalid_request", "invalid_request_object"])
                .map_err(Finding::Fails)?;
        }
    }
    Ok(())
}

async fn bounded(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let answer = tpp.push(&scene.ask(), &[set(Part::PushForm, "filler", "x".repeat(1_048_576))]).await;
    match answer {
        Ok(answer) => {
            check(answer.status.is_client_error(), || format!("it is answered with {}", answer.status))
        }
        // a server may close the connection instead of reading on
        Err(_) => Ok(()),
    }
}
