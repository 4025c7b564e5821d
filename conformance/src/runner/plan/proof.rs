//! RFC 9449: proofs at the token endpoint and at the resource.

use serde_json::json;

use super::{SP, alone, each, must, should, story};
use crate::host;
use crate::runner::case::{At, Case, Expect, Finding, Need, check};
use crate::runner::judge::{challenge, refusal};
use crate::runner::scene::Scene;
use crate::tpp::keys::sha256;
use crate::tpp::mistakes;
use crate::tpp::mutate::{Forgery, HONEST, Jws, Mistake, Part, forge, remove, set};

const DPOP: &str = "RFC 9449";
const CLAIMS: Part = Part::Claims(Jws::Proof);
const NEEDS: &[Need] = &[Need::Dpop];
const WRONG: &[&str] = &["invalid_dpop_proof", "invalid_token", "invalid_request"];

pub(super) const CASES: &[Case] = &[
    must(
        "proof-with-a-mistake-is-refused-at-the-token-endpoint",
        (DPOP, "4.3"),
        "Every mistake in a proof is refused where tokens are issued.",
        &[Need::Dpop, Need::Refresh],
        story!(at_token),
    ),
    must(
        "proof-with-a-mistake-is-refused-at-the-resource",
        (DPOP, "7.1"),
        "Every mistake in a proof is refused where tokens are used.",
        NEEDS,
        story!(at_resource),
    ),
    should(
        "proof-with-an-endless-identifier-is-refused",
        (DPOP, "11.1"),
        "A `jti` of two thousand letters is not remembered but refused.",
        NEEDS,
        each(
            At::Resource,
            |_| alone([mistakes::endless_identifier()]),
            Expect::Challenged(&[400, 401], WRONG),
        ),
    ),
    must(
        "proof-names-the-token",
        (DPOP, "4.3-12"),
        "A proof without the hash of the token, or with another, is refused at the resource.",
        NEEDS,
        each(
            At::Resource,
            |_| {
                alone([
                    remove(CLAIMS, "ath"),
                    set(CLAIMS, "ath", sha256(b"another token")),
                    set(CLAIMS, "ath", "x"),
                ])
            },
            Expect::Challenged(&[400, 401], WRONG),
        ),
    ),
    must(
        "proof-is-required-at-the-resource",
        (DPOP, "7.1"),
        "A bound token without a proof opens nothing.",
        NEEDS,
        each(
            At::Resource,
            |_| alone([forge(Jws::Proof, Forgery::Omitted)]),
            Expect::Challenged(&[400, 401], WRONG),
        ),
    ),
    must(
        "proof-of-ten-seconds-ago-is-taken",
        (SP, "5.3.2.1-13"),
        "A proof 10 s old or 8 s ahead is taken.",
        NEEDS,
        each(
            At::Resource,
            |_| alone([set(CLAIMS, "iat", host::now() - 10), set(CLAIMS, "iat", host::now() + 8)]),
            Expect::Taken,
        ),
    ),
    must(
        "proof-may-say-more",
        (DPOP, "4.3"),
        "Further claims and a query in the address do no harm.",
        NEEDS,
        each(
            At::Resource,
            |_| {
                alone([
                    set(CLAIMS, "nbf", host::now()),
                    set(CLAIMS, "exp", host::now() + 60),
                    set(CLAIMS, "extra", json!([1])),
                ])
            },
            Expect::Taken,
        ),
    ),
    must(
        "proof-address-is-compared-without-query",
        (DPOP, "4.3-9"),
        "Query and fragment of the address are not compared.",
        NEEDS,
        each(
            At::Resource,
            |scene| alone(spelled(scene, |url| vec![format!("{url}?a=b"), format!("{url}#c")])),
            Expect::Taken,
        ),
    ),
    should(
        "proof-address-is-normalised",
        (DPOP, "4.3-9"),
        "Case of scheme and host do not count.",
        NEEDS,
        each(
            At::Resource,
            |scene| alone(spelled(scene, |url| vec![url.replacen("https", "HTTPS", 1)])),
            Expect::Taken,
        ),
    ),
    should("proof-is-used-once", (DPOP, "11.1"), "A proof that was used is refused.", NEEDS, story!(once)),
];

fn spelled(scene: &Scene, spell: fn(&str) -> Vec<String>) -> Vec<Mistake> {
    let url = scene.resource().unwrap_or_default();
    spell(&url).into_iter().map(|uri| set(CLAIMS, "htu", uri)).collect()
}

async fn at_token(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let token = scene.refresh_token(&tpp).await?;
    for mistake in mistakes::proofs(tpp.proof_key())? {
        let answer = tpp.refresh(&token, std::slice::from_ref(&mistake)).await?;
        refusal(&answer, &[400, 401], &["invalid_dpop_proof", "invalid_request", "invalid_grant"])
            .map_err(|what| Finding::Fails(format!("{mistake}: {what}")))?;
    }
    let honest = tpp.refresh(&token, HONEST).await?;
    check(honest.status.is_success(), || format!("afterwards an honest one is refused: {}", honest.text()))
}

async fn at_resource(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let token = scene.tokens(&tpp, &scene.ask()).await?.access;
    for mistake in mistakes::proofs(tpp.proof_key())? {
        let answer = scene.call(&tpp, &token, std::slice::from_ref(&mistake)).await?;
        challenge(&answer, &[400, 401], WRONG)
            .map_err(|what| Finding::Fails(format!("{mistake}: {what}")))?;
    }
    let honest = scene.call(&tpp, &token, HONEST).await?;
    check(honest.status.is_success(), || format!("afterwards an honest one is refused: {}", honest.text()))
}

async fn once(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let token = scene.tokens(&tpp, &scene.ask()).await?.access;
    let same = [set(CLAIMS, "jti", host::token())];
    let first = scene.call(&tpp, &token, &same).await?;
    check(first.status.is_success(), || format!("the first use is refused: {}", first.text()))?;
    challenge(&scene.call(&tpp, &token, &same).await?, &[400, 401], WRONG).map_err(Finding::Fails)
}
