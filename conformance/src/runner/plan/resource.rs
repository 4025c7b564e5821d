//! The protected resource: who may use a token, and how.

use http::Request;
use serde_json::Value;

use super::{SP, each, honest, must, should, story};
use crate::client::Answer;
use crate::runner::case::{At, Case, Expect, Finding, Need, check};
use crate::runner::judge::challenge;
use crate::runner::scene::Scene;
use crate::tpp::config::Constraint;
use crate::tpp::flow::{Call, Tpp};
use crate::tpp::mutate::HONEST;
use crate::tpp::proof::{self, About};
use crate::{Doing as _, Trouble, host};

const TOKEN: &[&str] = &["invalid_token", "invalid_request", "invalid_dpop_proof"];

pub(super) const CASES: &[Case] = &[
    must(
        "resource-opens",
        ("RFC 6750", "2.1"),
        "An honest call is answered.",
        &[],
        each(At::Resource, |_| honest(), Expect::Taken),
    ),
    must(
        "resource-demands-a-token",
        ("RFC 6750", "3"),
        "Without a token the answer is a challenge.",
        &[],
        story!(tokenless),
    ),
    must(
        "resource-refuses-a-made-up-token",
        ("RFC 6750", "3.1"),
        "A token that nobody issued opens nothing.",
        &[],
        story!(made_up),
    ),
    must(
        "resource-reads-the-scheme-in-any-case",
        ("RFC 9110", "11.1"),
        "The scheme is read in any case.",
        &[],
        story!(any_case),
    ),
    must(
        "resource-refuses-a-token-in-the-query",
        (SP, "5.3.4-2"),
        "A token in the query opens nothing.",
        &[],
        story!(in_query),
    ),
    must(
        "resource-refuses-a-bound-token-as-bearer",
        ("RFC 9449", "7.2"),
        "A token bound to a key is no bearer token.",
        &[Need::Dpop],
        story!(as_bearer),
    ),
    must(
        "resource-demands-the-key-of-the-token",
        ("RFC 9449", "7.1"),
        "A token opens nothing with another key.",
        &[Need::Dpop],
        story!(other_key),
    ),
    must(
        "resource-demands-the-certificate",
        ("RFC 8705", "3"),
        "A token opens nothing without its certificate.",
        &[Need::Mtls],
        story!(bare),
    ),
    must(
        "resource-demands-the-certificate-of-the-token",
        ("RFC 8705", "3"),
        "A token opens nothing with another certificate.",
        &[Need::Mtls],
        story!(other_certificate),
    ),
    must(
        "resource-echoes-the-interaction-id",
        (SP, "5.3.4"),
        "`x-fapi-interaction-id` comes back, if at all, as it was sent.",
        &[],
        story!(interaction),
    ),
    should(
        "resource-tells-the-date",
        ("RFC 9110", "6.6.1"),
        "The answer carries the date.",
        &[],
        story!(date),
    ),
    must(
        "resource-tolerates-fapi-headers",
        (SP, "5.3.4"),
        "Headers about the customer do no harm.",
        &[],
        story!(headers),
    ),
];

/// A call written by hand: this scheme, this token, and a proof by this client.
async fn sent(scene: &Scene, tpp: &Tpp, (scheme, token): (&str, &str)) -> Result<Answer, Trouble> {
    let url = scene.resource()?;
    let mut request = Request::get(&url).header("authorization", format!("{scheme} {token}"));
    if tpp.registered().entry.sender_constraint == Constraint::Dpop {
        let about = About { method: "GET", url: &url, access_token: Some(token), nonce: None };
        request = request.header("dpop", proof::draft(tpp.proof_key(), &about).sign(tpp.proof_key())?);
    }
    tpp.registered().http.send(request.body(bytes::Bytes::new()).doing("write a call")?).await
}

async fn token(scene: &Scene, tpp: &Tpp) -> Result<String, Trouble> {
    Ok(scene.tokens(tpp, &scene.ask()).await?.access)
}

fn closed(answer: &Answer) -> Result<(), Finding> {
    challenge(answer, &[400, 401, 403], TOKEN).map_err(Finding::Fails)
}

async fn tokenless(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let answer = tpp.registered().http.get(&scene.resource()?).await?;
    check(answer.status.as_u16() == 401, || format!("it is answered with {}", answer.status))?;
    check(!answer.all("www-authenticate").is_empty(), || "there is no challenge".to_owned())
}

async fn made_up(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    closed(&scene.call(&tpp, &host::token(), HONEST).await?)
}

async fn any_case(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let token = token(&scene, &tpp).await?;
    let spellings = match tpp.registered().entry.sender_constraint {
        Constraint::Dpop => ["dpop", "dPOP"],
        Constraint::Mtls => ["bearer", "bEARER"],
    };
    for scheme in spellings {
        let answer = sent(&scene, &tpp, (scheme, &token)).await?;
        if answer.all("www-authenticate").iter().any(|told| told.contains("use_dpop_nonce")) {
            return Err(Finding::Skips("the server demands a nonce".to_owned()));
        }
        check(answer.status.is_success(), || format!("{scheme} is answered with {}", answer.status))?;
    }
    Ok(())
}

async fn in_query(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let token = token(&scene, &tpp).await?;
    let answer = tpp.registered().http.get(&format!("{}?access_token={token}", scene.resource()?)).await?;
    check(answer.status.is_client_error(), || format!("it is answered with {}", answer.status))
}

async fn as_bearer(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let token = token(&scene, &tpp).await?;
    closed(&sent(&scene, &tpp, ("Bearer", &token)).await?)
}

async fn other_key(scene: Scene) -> Result<(), Finding> {
    let token = token(&scene, &scene.tpp()?).await?;
    closed(&scene.call(&scene.tpp()?, &token, HONEST).await?)
}

async fn bare(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let token = token(&scene, &tpp).await?;
    let bare = tpp.over(tpp.registered().http.without_certificate()?);
    // a refused connection is as good as a refusal
    scene.call(&bare, &token, HONEST).await.map_or(Ok(()), |answer| closed(&answer))
}

async fn other_certificate(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let thief = tpp.over(scene.certified()?);
    let token = token(&scene, &tpp).await?;
    scene.call(&thief, &token, HONEST).await.map_or(Ok(()), |answer| closed(&answer))
}

/// The headers go with an otherwise honest call.
async fn told(scene: &Scene, headers: Vec<(&'static str, String)>) -> Result<Answer, Trouble> {
    let tpp = scene.tpp()?;
    let token = token(scene, &tpp).await?;
    let url = scene.resource()?;
    tpp.call(&Call { method: "GET", url: &url, token: &token, headers, body: bytes::Bytes::new() }, HONEST)
        .await
}

async fn interaction(scene: Scene) -> Result<(), Finding> {
    let id = host::uuid();
    let answer = told(&scene, vec![("x-fapi-interaction-id", id.clone())]).await?;
    let echo = answer.header("x-fapi-interaction-id");
    check(echo.is_none_or(|echo| echo.eq_ignore_ascii_case(&id)), || format!("{echo:?} came back for {id}"))
}

async fn date(scene: Scene) -> Result<(), Finding> {
    let answer = told(&scene, Vec::new()).await?;
    check(answer.header("date").is_some_and(|date| date.ends_with(" GMT")), || "there is no date".to_owned())
}

async fn headers(scene: Scene) -> Result<(), Finding> {
    for address in ["198.51.100.7", "2001:db8::7"] {
        let headers = vec![
            ("x-fapi-auth-date", "Tue, 11 Sep 2012 19:43:31 GMT".to_owned()),
            ("x-fapi-customer-ip-address", address.to_owned()),
            ("x-quite-unknown", "x".to_owned()),
        ];
        let answer = told(&scene, headers).await?;
        let body =
            serde_json::from_slice::<Value>(&answer.body).map(|body| body.to_string()).unwrap_or_default();
        check(answer.status.is_success(), || format!("{address}: {} {body}", answer.status))?;
    }
    Ok(())
}
