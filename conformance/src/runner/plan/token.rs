//! The token endpoint: codes, and clients acting alone.

use std::time::Duration;

use serde_json::Value;

use super::{SP, alone, each, must, should, story};
use crate::client::{Answer, form_request};
use crate::runner::case::{At, Case, Expect, Finding, Need, check};
use crate::runner::judge::{challenge, is_unguessable, refusal};
use crate::runner::scene::Scene;
use crate::tpp::flow::{Ask, Tokens, Tpp};
use crate::tpp::mutate::{Forgery, HONEST, Jws, Part, forge, remove, set};
use crate::{Doing as _, Trouble, host};

const FORM: Part = Part::TokenForm;
const GRANT: Expect = Expect::Refused(&[400], &["invalid_grant"]);
const UNBOUND: &[&str] = &["invalid_request", "invalid_grant", "invalid_client", "invalid_dpop_proof"];

pub(super) const CASES: &[Case] = &[
    must(
        "token-answer-is-complete",
        ("RFC 6749", "5.1"),
        "The answer holds an unguessable token, its type and its life.",
        &[],
        story!(answer),
    ),
    must(
        "token-answer-is-not-stored",
        ("RFC 6749", "5.1"),
        "The answer says that nobody may store it.",
        &[],
        story!(no_store),
    ),
    must(
        "token-code-is-used-once",
        (SP, "5.3.2.1-10"),
        "A code that comes again is refused.",
        &[],
        story!(reused),
    ),
    should(
        "token-dies-when-its-code-comes-again",
        ("RFC 6749", "4.1.2"),
        "What the code brought is over when it comes again.",
        &[],
        story!(reuse_revokes),
    ),
    must(
        "token-code-lives-a-minute",
        (SP, "5.3.2.1-11"),
        "A code first shown after 62 seconds is refused.",
        &[Need::Patience(62)],
        story!(late),
    ),
    must(
        "token-code-belongs-to-its-client",
        ("RFC 6749", "4.1.3"),
        "Another client's code is refused.",
        &[Need::Second],
        story!(foreign),
    ),
    must(
        "token-verifier-is-required",
        ("RFC 7636", "4.6"),
        "A missing or wrong verifier is refused.",
        &[],
        each(
            At::Redeem,
            |_| {
                alone([
                    remove(FORM, "code_verifier"),
                    set(FORM, "code_verifier", host::token()),
                    set(FORM, "code_verifier", ""),
                ])
            },
            Expect::Refused(&[400], &["invalid_grant", "invalid_request"]),
        ),
    ),
    must(
        "token-redirect-uri-must-not-differ",
        ("RFC 6749", "4.1.3"),
        "Another redirect URI than that of the request is refused.",
        &[],
        each(
            At::Redeem,
            |_| alone([set(FORM, "redirect_uri", "https://elsewhere.example/")]),
            Expect::Refused(&[400], &["invalid_grant", "invalid_request"]),
        ),
    ),
    must(
        "token-code-must-be-known",
        ("RFC 6749", "5.2"),
        "A code that nobody issued is refused.",
        &[],
        each(At::Redeem, |_| alone([set(FORM, "code", host::token())]), GRANT),
    ),
    must(
        "token-refuses-other-grants",
        ("RFC 9700", "2.4"),
        "A password grant and unknown grants are refused.",
        &[],
        each(
            At::Redeem,
            |_| alone(["password", "quite_unknown"].map(|grant| set(FORM, "grant_type", grant))),
            Expect::Refused(&[400], &["unsupported_grant_type", "unauthorized_client"]),
        ),
    ),
    must(
        "token-demands-a-grant-type",
        ("RFC 6749", "5.2"),
        "A request without `grant_type` is refused.",
        &[],
        each(
            At::Redeem,
            |_| alone([remove(FORM, "grant_type")]),
            Expect::Refused(&[400], &["invalid_request", "unsupported_grant_type"]),
        ),
    ),
    must("token-takes-only-post", ("RFC 6749", "3.2"), "GET is refused.", &[], story!(only_post)),
    must(
        "token-demands-the-proof",
        ("RFC 9449", "5"),
        "Without a proof no token is issued.",
        &[Need::Dpop],
        each(
            At::Redeem,
            |_| alone([forge(Jws::Proof, Forgery::Omitted)]),
            Expect::Refused(&[400, 401], UNBOUND),
        ),
    ),
    must(
        "token-demands-the-key-of-the-request",
        ("RFC 9449", "10"),
        "A code bound by `dpop_jkt` is not redeemed with another key.",
        &[Need::Dpop],
        story!(other_key),
    ),
    must(
        "token-demands-the-certificate",
        ("RFC 8705", "3"),
        "Without the certificate no token is issued.",
        &[Need::Mtls],
        story!(bare),
    ),
    must(
        "token-tells-the-details",
        ("RFC 9396", "7"),
        "The answer tells the details that were granted.",
        &[],
        story!(details),
    ),
    should(
        "token-alone-is-issued",
        ("RFC 6749", "4.4"),
        "A client acting alone gets a token, and no refresh token.",
        &[Need::Alone],
        story!(alone_issued),
    ),
    must(
        "token-alone-demands-binding",
        (SP, "5.3.2.1-4"),
        "A client acting alone gets none without its proof.",
        &[Need::Alone, Need::Dpop],
        each(
            At::Alone,
            |_| alone([forge(Jws::Proof, Forgery::Omitted)]),
            Expect::Refused(&[400, 401], UNBOUND),
        ),
    ),
    must(
        "introspection-demands-a-client",
        ("RFC 7662", "2.1"),
        "Nobody introspects without authenticating.",
        &[Need::Metadata("introspection_endpoint"), Need::Assertions],
        story!(introspection),
    ),
    should(
        "revocation-ends-a-token",
        ("RFC 7009", "2.1"),
        "A revoked token opens nothing.",
        &[Need::Metadata("revocation_endpoint")],
        story!(revocation),
    ),
];

async fn redeemed(scene: &Scene) -> Result<(Tpp, Ask, String, Answer), Trouble> {
    let (tpp, ask) = (scene.tpp()?, scene.ask());
    let code = scene.code(&tpp, &ask).await?;
    let answer = tpp.redeem(&ask, &code, HONEST).await?;
    Ok((tpp, ask, code, answer))
}

async fn answer(scene: Scene) -> Result<(), Finding> {
    let (tpp, _, _, answer) = redeemed(&scene).await?;
    let tokens = Tokens::read(&answer)?;
    check(is_unguessable(&tokens.access), || "the access token has too little entropy".to_owned())?;
    let wanted = match tpp.registered().entry.sender_constraint {
        crate::tpp::config::Constraint::Dpop => "dpop",
        crate::tpp::config::Constraint::Mtls => "bearer",
    };
    let kind = answer.member("token_type")?;
    check(kind.eq_ignore_ascii_case(wanted), || format!("token_type is {kind}"))?;
    match tokens.body.get("expires_in").map(Value::as_i64) {
        None => Err(Finding::Warns("expires_in is missing".to_owned())),
        Some(seconds) => check(seconds.is_some_and(|life| (1..=31_536_000).contains(&life)), || {
            format!("expires_in is {seconds:?}")
        }),
    }
}

async fn no_store(scene: Scene) -> Result<(), Finding> {
    let (_, _, _, answer) = redeemed(&scene).await?;
    let told = answer.header("cache-control").unwrap_or_default();
    check(told.contains("no-store"), || format!("cache-control is {told:?}"))
}

async fn reused(scene: Scene) -> Result<(), Finding> {
    let (tpp, ask, code, first) = redeemed(&scene).await?;
    Tokens::read(&first)?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    refusal(&tpp.redeem(&ask, &code, HONEST).await?, &[400], &["invalid_grant"]).map_err(Finding::Fails)
}

async fn reuse_revokes(scene: Scene) -> Result<(), Finding> {
    let (tpp, ask, code, first) = redeemed(&scene).await?;
    let tokens = Tokens::read(&first)?;
    tpp.redeem(&ask, &code, HONEST).await?;
    dead(&scene, &tpp, &tokens.access).await
}

async fn dead(scene: &Scene, tpp: &Tpp, token: &str) -> Result<(), Finding> {
    let answer = scene.call(tpp, token, HONEST).await?;
    challenge(&answer, &[400, 401, 403], &["invalid_token"]).map_err(Finding::Fails)
}

async fn late(scene: Scene) -> Result<(), Finding> {
    let (tpp, ask) = (scene.tpp()?, scene.ask());
    let code = scene.code(&tpp, &ask).await?;
    tokio::time::sleep(Duration::from_secs(62)).await;
    refusal(&tpp.redeem(&ask, &code, HONEST).await?, &[400], &["invalid_grant"]).map_err(Finding::Fails)
}

async fn foreign(scene: Scene) -> Result<(), Finding> {
    let (tpp, other, ask) = (scene.tpp()?, scene.other()?, scene.ask());
    let code = scene.code(&tpp, &ask).await?;
    let stolen = other.redeem(&ask, &code, HONEST).await?;
    refusal(&stolen, &[400], &["invalid_grant"]).map_err(Finding::Fails)
}

async fn only_post(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let mut request =
        form_request(&tpp.endpoint("token_endpoint")?, &[("grant_type", "authorization_code")])?;
    *request.method_mut() = http::Method::GET;
    let answer = tpp.registered().http.send(request).await?;
    check(answer.status.is_client_error(), || format!("it is answered with {}", answer.status))
}

async fn other_key(scene: Scene) -> Result<(), Finding> {
    let (tpp, ask) = (scene.tpp()?, scene.ask());
    let bound = set(scene.request(), "dpop_jkt", tpp.proof_key().thumbprint());
    let reference = tpp.push(&ask, &[bound]).await?.member("request_uri")?;
    let returned = scene.decide(&tpp, &reference, &crate::user::Decision::Approve).await?;
    let code = tpp.code(&ask, &returned).await?;
    let thief = scene.tpp()?.redeem(&ask, &code, HONEST).await?;
    refusal(&thief, &[400], UNBOUND).map_err(Finding::Fails)
}

async fn bare(scene: Scene) -> Result<(), Finding> {
    let (tpp, ask) = (scene.tpp()?, scene.ask());
    let code = scene.code(&tpp, &ask).await?;
    let bare = tpp.over(tpp.registered().http.without_certificate()?);
    // a refused connection is as good as a refusal
    bare.redeem(&ask, &code, HONEST)
        .await
        .map_or(Ok(()), |answer| refusal(&answer, &[400, 401], UNBOUND).map_err(Finding::Fails))
}

async fn details(scene: Scene) -> Result<(), Finding> {
    if scene.config().authorization_details.is_none() {
        return Err(Finding::Skips("the file names no authorization_details".to_owned()));
    }
    let (_, _, _, answer) = redeemed(&scene).await?;
    let told = answer.json()?;
    let entries =
        told.get("authorization_details").and_then(Value::as_array).doing("find authorization_details")?;
    check(
        !entries.is_empty() && entries.iter().all(|one| one.get("type").is_some_and(Value::is_string)),
        || format!("{entries:?}"),
    )
}

async fn alone_issued(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let scope = scene.config().own_scope.clone().unwrap_or_default();
    let tokens = Tokens::read(&tpp.act_alone(&scope, HONEST).await?)?;
    check(tokens.refresh.is_none(), || "there is a refresh token".to_owned())?;
    check(tokens.body.get("id_token").is_none(), || "there is an ID token".to_owned())
}

async fn introspection(scene: Scene) -> Result<(), Finding> {
    let none = [forge(Jws::Assertion, Forgery::Omitted), remove(Part::OtherForm, "client_assertion_type")];
    let answer = scene.tpp()?.present("introspection_endpoint", "x", &none).await?;
    refusal(&answer, &[400, 401], &["invalid_client", "invalid_request"]).map_err(Finding::Fails)
}

async fn revocation(scene: Scene) -> Result<(), Finding> {
    let (tpp, _, _, answer) = redeemed(&scene).await?;
    let tokens = Tokens::read(&answer)?;
    let revoked = tpp.present("revocation_endpoint", &tokens.access, HONEST).await?;
    check(revoked.status.as_u16() == 200, || format!("revocation is answered with {}", revoked.status))?;
    dead(&scene, &tpp, &tokens.access).await
}
