//! The authorization endpoint: what opens it, and what goes back to the client.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::{SP, must, should, story};
use crate::client::Answer;
use crate::runner::case::{Case, Finding, Need, check};
use crate::runner::judge::{is_unguessable, printable};
use crate::runner::scene::Scene;
use crate::tpp::flow::Tpp;
use crate::tpp::jws::peek;
use crate::tpp::mutate::{HONEST, remove};
use crate::user::{Decision, Place};
use crate::{Doing as _, Trouble};

const PAR: &str = "RFC 9126";

pub(super) const CASES: &[Case] = &[
    must(
        "authorize-happy-flow",
        (SP, "5.3.2.2"),
        "An honest request ends with a code at the client.",
        &[],
        story!(happy),
    ),
    must(
        "authorize-code-is-unguessable",
        ("RFC 6749", "10.10"),
        "The code cannot be guessed.",
        &[],
        story!(code),
    ),
    must(
        "authorize-answer-names-the-issuer",
        ("RFC 9207", "2"),
        "The answer carries code, the unchanged state and the issuer.",
        &[Need::PlainAnswer],
        story!(parameters),
    ),
    should(
        "authorize-answer-says-nothing-else",
        ("RFC 9207", "2"),
        "The answer carries nothing else, and nothing in the fragment.",
        &[Need::PlainAnswer],
        story!(nothing_else),
    ),
    must(
        "authorize-without-state-none-comes-back",
        (SP, "5.3.2.2"),
        "State that was not sent does not come back.",
        &[Need::PlainAnswer],
        story!(stateless),
    ),
    must(
        "authorize-denial-is-access-denied",
        ("RFC 6749", "4.1.2.1"),
        "A customer who denies sends `access_denied`, state and issuer back.",
        &[Need::PlainAnswer],
        story!(denied),
    ),
    must(
        "authorize-refuses-what-was-not-pushed",
        (SP, "5.3.2.2-2"),
        "Parameters that were not pushed open nothing.",
        &[],
        story!(not_pushed),
    ),
    must(
        "authorize-refuses-an-unknown-reference",
        (PAR, "2.2"),
        "A reference that nobody pushed opens nothing.",
        &[],
        story!(unknown),
    ),
    must(
        "authorize-refuses-another-clients-reference",
        (PAR, "2.2"),
        "A reference belongs to the client that pushed it.",
        &[Need::Second],
        story!(foreign),
    ),
    must(
        "authorize-refuses-an-unknown-client",
        ("RFC 6749", "4.1.2.1"),
        "An unknown client is told so on a page, without a redirect.",
        &[],
        story!(unknown_client),
    ),
    should(
        "authorize-refuses-a-decided-reference",
        (PAR, "7.3"),
        "A reference that was decided opens nothing again.",
        &[],
        story!(decided),
    ),
    must(
        "authorize-may-be-reloaded",
        (SP, "5.3.2.2"),
        "Opening the request again before it is decided does no harm.",
        &[],
        story!(reloaded),
    ),
    must(
        "authorize-ignores-what-stands-beside-a-reference",
        (PAR, "4"),
        "Parameters beside the reference change nothing.",
        &[],
        story!(beside),
    ),
    should(
        "authorize-refuses-an-expired-reference",
        (PAR, "2.2"),
        "A reference is over when it said so.",
        &[Need::Patience(95)],
        story!(expired),
    ),
    must(
        "authorize-never-repeats-a-post",
        ("RFC 9700", "4.12"),
        "No redirect of the flow is 307 or 308.",
        &[],
        story!(redirects),
    ),
    should(
        "authorize-pages-cannot-be-framed",
        ("RFC 9700", "4.16"),
        "The first page cannot be framed.",
        &[],
        story!(framed),
    ),
];

async fn happy(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    scene.tokens(&tpp, &scene.ask()).await?;
    Ok(())
}

async fn code(scene: Scene) -> Result<(), Finding> {
    let code = scene.code(&scene.tpp()?, &scene.ask()).await?;
    check(is_unguessable(&code), || "the code has too little entropy".to_owned())
}

/// An honest answer, whatever was decided.
async fn answered(scene: &Scene, decision: &Decision) -> Result<(crate::tpp::flow::Ask, Url), Trouble> {
    let (tpp, ask) = (scene.tpp()?, scene.ask());
    let reference = scene.push(&tpp, &ask).await?;
    let returned = scene.decide(&tpp, &reference, decision).await?;
    Ok((ask, returned.url().clone()))
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

async fn parameters(scene: Scene) -> Result<(), Finding> {
    let (ask, url) = answered(&scene, &Decision::Approve).await?;
    check(parameter(&url, "code").is_some(), || "there is no code".to_owned())?;
    check(parameter(&url, "state") == Some(ask.state), || "the state is another one".to_owned())?;
    let iss = parameter(&url, "iss");
    check(iss.as_deref() == Some(&scene.config().issuer), || format!("iss is {iss:?}"))
}

async fn nothing_else(scene: Scene) -> Result<(), Finding> {
    let (_, url) = answered(&scene, &Decision::Approve).await?;
    let more: Vec<String> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .filter(|name| !["code", "state", "iss", "session_state"].contains(&name.as_str()))
        .collect();
    check(more.is_empty() && url.fragment().is_none(), || {
        format!("there is also {more:?} {:?}", url.fragment())
    })
}

async fn stateless(scene: Scene) -> Result<(), Finding> {
    let (tpp, ask) = (scene.tpp()?, scene.ask());
    let reference = tpp.push(&ask, &[remove(scene.request(), "state")]).await?.member("request_uri")?;
    let returned = scene.decide(&tpp, &reference, &Decision::Approve).await?;
    check(parameter(returned.url(), "state").is_none(), || "there is a state".to_owned())?;
    check(parameter(returned.url(), "code").is_some(), || "there is no code".to_owned())
}

async fn denied(scene: Scene) -> Result<(), Finding> {
    let (ask, url) = answered(&scene, &Decision::Deny).await?;
    let error = parameter(&url, "error");
    check(error.as_deref() == Some("access_denied"), || format!("the error is {error:?}"))?;
    check(parameter(&url, "state") == Some(ask.state), || "the state is another one".to_owned())?;
    check(parameter(&url, "iss").as_deref() == Some(&scene.config().issuer), || {
        "the issuer is missing".to_owned()
    })?;
    let description = parameter(&url, "error_description").unwrap_or_default();
    check(printable(&description), || format!("characters outside the grammar: {description:?}"))
}

/// Opens an address as a browser would.
async fn opened(scene: &Scene, tpp: &Tpp, url: &str) -> Result<Place, Trouble> {
    scene.visit(tpp)?.open(url).await
}

/// A parameter within a signed answer; who signed it is asked by the cases about such answers.
fn inside(url: &Url, name: &str) -> Option<String> {
    let (_, claims) = peek(&parameter(url, "response")?).ok()?;
    claims.get(name)?.as_str().map(str::to_owned)
}

/// An error page, or an error carried back to the client; never a page to sign in on.
fn refused(scene: &Scene, place: &Place) -> Result<(), Finding> {
    match place {
        Place::Page(page) => refused_page(scene, page),
        Place::Returned(url) => {
            let told = |name: &str| parameter(url, name).or_else(|| inside(url, name));
            check(told("error").is_some() && told("code").is_none(), || format!("it ended at {url}"))
        }
    }
}

fn refused_page(scene: &Scene, page: &Answer) -> Result<(), Finding> {
    let form = crate::html::form_with(&page.text(), &scene.config().pages.password);
    check(page.status.is_client_error() && form.is_none(), || {
        format!("a page with status {} is shown", page.status)
    })
}

fn address(tpp: &Tpp, pairs: &[(String, String)]) -> Result<String, Trouble> {
    let endpoint = tpp.metadata().get("authorization_endpoint").and_then(Value::as_str);
    let mut url = Url::parse(endpoint.doing("find authorization_endpoint")?).doing("read it")?;
    url.query_pairs_mut().extend_pairs(pairs);
    Ok(url.into())
}

async fn not_pushed(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let url = address(&tpp, &scene.ask().all(tpp.registered()).to_form())?;
    refused(&scene, &opened(&scene, &tpp, &url).await?)
}

async fn unknown(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    for reference in ["urn:ietf:params:oauth:request_uri:unknown", "https://client.example/request.jwt"] {
        refused(&scene, &opened(&scene, &tpp, &tpp.authorization_url(reference)?).await?)?;
    }
    Ok(())
}

async fn foreign(scene: Scene) -> Result<(), Finding> {
    let (tpp, other) = (scene.tpp()?, scene.other()?);
    let reference = scene.push(&tpp, &scene.ask()).await?;
    refused(&scene, &opened(&scene, &other, &other.authorization_url(&reference)?).await?)
}

async fn unknown_client(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let reference = scene.push(&tpp, &scene.ask()).await?;
    let pairs = [("client_id", "nobody"), ("request_uri", &reference)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    match opened(&scene, &tpp, &address(&tpp, &pairs)?).await? {
        Place::Page(page) => refused_page(&scene, &page),
        Place::Returned(url) => Err(Finding::Fails(format!("it redirected to {url}"))),
    }
}

async fn decided(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let reference = scene.push(&tpp, &scene.ask()).await?;
    scene.decide(&tpp, &reference, &Decision::Approve).await?;
    refused(&scene, &opened(&scene, &tpp, &tpp.authorization_url(&reference)?).await?)
}

async fn reloaded(scene: Scene) -> Result<(), Finding> {
    let (tpp, ask) = (scene.tpp()?, scene.ask());
    let reference = scene.push(&tpp, &ask).await?;
    let url = tpp.authorization_url(&reference)?;
    for _ in 0..2 {
        opened(&scene, &tpp, &url).await?;
    }
    let returned = scene.decide(&tpp, &reference, &Decision::Approve).await?;
    tpp.code(&ask, &returned).await?;
    Ok(())
}

async fn beside(scene: Scene) -> Result<(), Finding> {
    let (tpp, ask) = (scene.tpp()?, scene.ask());
    let reference = scene.push(&tpp, &ask).await?;
    let more = [
        ("state", "evil"),
        ("scope", "evil"),
        ("redirect_uri", "https://elsewhere.example/"),
        ("client_id", tpp.id()),
        ("request_uri", &reference),
    ];
    let url = address(&tpp, &more.map(|(name, value)| (name.to_owned(), value.to_owned())))?;
    match opened(&scene, &tpp, &url).await? {
        // refusing such a request is as good as ignoring what stands beside the reference
        Place::Page(page) if page.status.is_client_error() => return Ok(()),
        Place::Page(_) => {}
        Place::Returned(at) => return Err(Finding::Fails(format!("it ended at {at}"))),
    }
    let returned = scene.decide(&tpp, &reference, &Decision::Approve).await?;
    tpp.code(&ask, &returned).await?;
    Ok(())
}

async fn expired(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let answer = tpp.push(&scene.ask(), HONEST).await?;
    let lifetime = answer.json()?.get("expires_in").and_then(Value::as_u64).unwrap_or_default();
    if lifetime > 93 {
        return Err(Finding::Skips(format!("the reference lives {lifetime} s")));
    }
    tokio::time::sleep(Duration::from_secs(lifetime + 2)).await;
    let url = tpp.authorization_url(&answer.member("request_uri")?)?;
    refused(&scene, &opened(&scene, &tpp, &url).await?)
}

async fn redirects(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    if !scene.config().browser.is_empty() {
        return Err(Finding::Skips("a program is the browser of this run".to_owned()));
    }
    let reference = scene.push(&tpp, &scene.ask()).await?;
    let user = &scene.config().user;
    let user = crate::user::User {
        name: user.username.clone(),
        password: user.password.clone(),
        otp: user.otp.clone(),
    };
    let mut visit = scene.visit(&tpp)?;
    visit.complete(&tpp.authorization_url(&reference)?, &user, &Decision::Approve).await?;
    let repeated: Vec<&u16> = visit.statuses().iter().filter(|status| matches!(status, 307 | 308)).collect();
    check(repeated.is_empty(), || format!("{repeated:?} among {:?}", visit.statuses()))
}

async fn framed(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let reference = scene.push(&tpp, &scene.ask()).await?;
    let Place::Page(page) = opened(&scene, &tpp, &tpp.authorization_url(&reference)?).await? else {
        return Err(Finding::Skips("no page is shown".to_owned()));
    };
    let policy = page.header("content-security-policy").unwrap_or_default().contains("frame-ancestors");
    check(policy || page.header("x-frame-options").is_some(), || "neither header forbids it".to_owned())
}
