//! JWT Secured Authorization Response Mode: signed answers.

use serde_json::Value;

use super::{must, should, story};
use crate::runner::case::{Case, Finding, Need, check};
use crate::runner::scene::Scene;
use crate::tpp::flow::Ask;
use crate::tpp::jws::peek;
use crate::user::{Decision, Returned};
use crate::{Doing as _, Trouble, host};

const JARM: &str = "JARM";
const NEEDS: &[Need] = &[Need::SignedAnswer];

pub(super) const CASES: &[Case] = &[
    must(
        "jarm-answer-is-one-token",
        (JARM, "2.3"),
        "The answer carries `response` and nothing else.",
        NEEDS,
        story!(one),
    ),
    must(
        "jarm-token-is-for-the-client",
        (JARM, "2.4"),
        "Issuer, audience, end and signature of the token are right.",
        NEEDS,
        story!(signed),
    ),
    should(
        "jarm-token-lives-shortly",
        (JARM, "2.1"),
        "The token lives between ten seconds and ten minutes.",
        NEEDS,
        story!(lifetime),
    ),
    must(
        "jarm-carries-code-and-state",
        (JARM, "2.1.1"),
        "Code and state stand inside the token.",
        NEEDS,
        story!(inside),
    ),
    must(
        "jarm-carries-errors",
        (JARM, "2.1.2"),
        "A denial stands inside a token as well.",
        NEEDS,
        story!(denied),
    ),
    must(
        "jarm-is-announced",
        (JARM, "4"),
        "The metadata lists the mode and the algorithms of its tokens.",
        NEEDS,
        story!(announced),
    ),
];

async fn answered(scene: &Scene, decision: &Decision) -> Result<(Ask, Returned, Value), Trouble> {
    let (tpp, ask) = (scene.tpp()?, scene.ask());
    let reference = scene.push(&tpp, &ask).await?;
    let returned = scene.decide(&tpp, &reference, decision).await?;
    let signed =
        returned.parameter("response").doing(format!("find a signed answer in {}", returned.url()))?;
    let claims = tpp.server_keys().await?.open_for(&signed, &scene.config().issuer, tpp.id())?;
    Ok((ask, returned, claims))
}

async fn one(scene: Scene) -> Result<(), Finding> {
    let (_, returned, _) = answered(&scene, &Decision::Approve).await?;
    let names: Vec<String> = returned.url().query_pairs().map(|(name, _)| name.into_owned()).collect();
    check(names == ["response"], || format!("it carries {names:?}"))
}

async fn signed(scene: Scene) -> Result<(), Finding> {
    let (_, returned, _) = answered(&scene, &Decision::Approve).await?;
    let (header, _) = peek(&returned.parameter("response").unwrap_or_default())?;
    check(header.get("kid").is_some_and(Value::is_string), || "the header has no kid".to_owned())
}

async fn lifetime(scene: Scene) -> Result<(), Finding> {
    let (_, _, claims) = answered(&scene, &Decision::Approve).await?;
    let left = claims.get("exp").and_then(Value::as_i64).unwrap_or_default() - host::now();
    check((10..=900).contains(&left), || format!("{left} s are left"))
}

async fn inside(scene: Scene) -> Result<(), Finding> {
    let (ask, _, claims) = answered(&scene, &Decision::Approve).await?;
    check(claims.get("code").is_some_and(Value::is_string), || "there is no code".to_owned())?;
    let state = claims.get("state").and_then(Value::as_str);
    check(state == Some(&ask.state), || "the state is another one".to_owned())
}

async fn denied(scene: Scene) -> Result<(), Finding> {
    let (_, _, claims) = answered(&scene, &Decision::Deny).await?;
    let error = claims.get("error").and_then(Value::as_str);
    check(error == Some("access_denied"), || format!("the error is {error:?}"))
}

async fn announced(scene: Scene) -> Result<(), Finding> {
    check(scene.lists("response_modes_supported", "jwt"), || "the mode is not listed".to_owned())?;
    let algorithms = scene.metadata("authorization_signing_alg_values_supported");
    check(algorithms.is_some_and(Value::is_array), || "the algorithms are not listed".to_owned())
}
