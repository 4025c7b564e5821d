//! RFC 6749 section 6: refresh tokens.

use std::time::Duration;

use serde_json::Value;

use super::{SP, alone, each, must, story};
use crate::host;
use crate::runner::case::{At, Case, Expect, Finding, Need, check};
use crate::runner::judge::{is_unguessable, refusal};
use crate::runner::scene::Scene;
use crate::tpp::flow::Tokens;
use crate::tpp::jws::peek;
use crate::tpp::mutate::{Forgery, HONEST, Jws, Part, forge, remove, set};

const OAUTH: &str = "RFC 6749";
const NEEDS: &[Need] = &[Need::Refresh];
const FORM: Part = Part::TokenForm;

pub(super) const CASES: &[Case] = &[
    must(
        "refresh-brings-a-token",
        (OAUTH, "6"),
        "A refresh token brings a token that opens the resource.",
        NEEDS,
        story!(brings),
    ),
    must(
        "refresh-token-is-unguessable",
        (OAUTH, "10.4"),
        "The refresh token cannot be guessed.",
        NEEDS,
        story!(unguessable),
    ),
    must(
        "refresh-with-another-key-binds-to-it",
        ("RFC 9449", "5"),
        "Another DPoP key is taken, and the new token is bound to it.",
        &[Need::Refresh, Need::Dpop],
        story!(another_key),
    ),
    must(
        "refresh-keeps-the-old-token",
        (SP, "5.3.2.1-9"),
        "A refresh token that was used still works half a minute later.",
        &[Need::Refresh, Need::Patience(31)],
        story!(kept),
    ),
    must(
        "refresh-demands-the-client",
        (OAUTH, "6"),
        "Without client authentication nothing is refreshed.",
        &[Need::Refresh, Need::Assertions],
        each(
            At::Refresh,
            |_| vec![vec![forge(Jws::Assertion, Forgery::Omitted), remove(FORM, "client_assertion_type")]],
            Expect::Refused(&[400, 401], &["invalid_client", "invalid_grant", "invalid_request"]),
        ),
    ),
    must(
        "refresh-demands-the-proof",
        ("RFC 9449", "5"),
        "Without a proof nothing is refreshed.",
        &[Need::Refresh, Need::Dpop],
        each(
            At::Refresh,
            |_| alone([forge(Jws::Proof, Forgery::Omitted)]),
            Expect::Refused(&[400, 401], &["invalid_dpop_proof", "invalid_grant", "invalid_request"]),
        ),
    ),
    must(
        "refresh-demands-the-certificate",
        ("RFC 8705", "3"),
        "Without the certificate nothing is refreshed.",
        &[Need::Refresh, Need::Mtls],
        story!(bare),
    ),
    must(
        "refresh-token-belongs-to-its-client",
        (OAUTH, "6"),
        "Another client's refresh token is refused.",
        &[Need::Refresh, Need::Second],
        story!(foreign),
    ),
    must(
        "refresh-never-widens",
        (OAUTH, "6"),
        "A scope beyond the granted one is refused.",
        NEEDS,
        each(
            At::Refresh,
            |_| alone([set(FORM, "scope", "openid quite-unknown")]),
            Expect::Refused(&[400], &["invalid_scope"]),
        ),
    ),
    must(
        "refresh-token-must-be-known",
        (OAUTH, "5.2"),
        "A refresh token that nobody issued is refused.",
        NEEDS,
        each(
            At::Refresh,
            |_| alone([set(FORM, "refresh_token", host::token())]),
            Expect::Refused(&[400], &["invalid_grant"]),
        ),
    ),
    must(
        "refresh-id-token-speaks-of-the-same-sign-in",
        ("OpenID Connect Core", "12.2"),
        "A refreshed ID token has the same issuer, subject and audience.",
        &[Need::Refresh, Need::OpenId],
        story!(same_sign_in),
    ),
];

async fn brings(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let refresh = scene.refresh_token(&tpp).await?;
    let answer = tpp.refresh(&refresh, HONEST).await?;
    let tokens = Tokens::read(&answer)?;
    let told = answer.header("cache-control").unwrap_or_default();
    check(told.contains("no-store"), || format!("cache-control is {told:?}"))?;
    let called = scene.call(&tpp, &tokens.access, HONEST).await?;
    check(called.status.is_success(), || format!("the new token is answered with {}", called.status))
}

async fn unguessable(scene: Scene) -> Result<(), Finding> {
    let refresh = scene.refresh_token(&scene.tpp()?).await?;
    check(is_unguessable(&refresh), || "the refresh token has too little entropy".to_owned())
}

async fn another_key(scene: Scene) -> Result<(), Finding> {
    let (first, second) = (scene.tpp()?, scene.tpp()?);
    let refresh = scene.refresh_token(&first).await?;
    let tokens = Tokens::read(&second.refresh(&refresh, HONEST).await?)?;
    let called = scene.call(&second, &tokens.access, HONEST).await?;
    check(called.status.is_success(), || format!("with the new key: {}", called.status))?;
    let called = scene.call(&first, &tokens.access, HONEST).await?;
    check(called.status.is_client_error(), || format!("with the old key: {}", called.status))
}

async fn kept(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let refresh = scene.refresh_token(&tpp).await?;
    let first = Tokens::read(&tpp.refresh(&refresh, HONEST).await?)?;
    if first.refresh.as_ref().is_none_or(|new| *new == refresh) {
        return Ok(());
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    Tokens::read(&tpp.refresh(&refresh, HONEST).await?)?;
    Err(Finding::Warns("the refresh token changes when it is used".to_owned()))
}

async fn bare(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let refresh = scene.refresh_token(&tpp).await?;
    let bare = tpp.over(tpp.registered().http.without_certificate()?);
    // a refused connection is as good as a refusal
    bare.refresh(&refresh, HONEST).await.map_or(Ok(()), |answer| {
        refusal(&answer, &[400, 401], &["invalid_client", "invalid_grant", "invalid_request"])
            .map_err(Finding::Fails)
    })
}

async fn foreign(scene: Scene) -> Result<(), Finding> {
    let refresh = scene.refresh_token(&scene.tpp()?).await?;
    let stolen = scene.other()?.refresh(&refresh, HONEST).await?;
    refusal(&stolen, &[400], &["invalid_grant"]).map_err(Finding::Fails)
}

async fn same_sign_in(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let tokens = scene.tokens(&tpp, &scene.ask()).await?;
    let Some(refresh) = &tokens.refresh else {
        return Err(Finding::Skips("no refresh token was issued".to_owned()));
    };
    let refreshed = Tokens::read(&tpp.refresh(refresh, HONEST).await?)?;
    let Some(new) = refreshed.body.get("id_token").and_then(Value::as_str) else {
        return Err(Finding::Skips("a refresh brings no ID token".to_owned()));
    };
    let (_, old) = peek(tokens.body.get("id_token").and_then(Value::as_str).unwrap_or_default())?;
    let (_, new) = peek(new)?;
    for name in ["iss", "sub", "aud"] {
        check(old.get(name) == new.get(name), || {
            format!("{name}: {:?} and {:?}", old.get(name), new.get(name))
        })?;
    }
    Ok(())
}
