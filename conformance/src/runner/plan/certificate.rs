//! RFC 8705: clients that authenticate by certificate.

use super::{SP, each, honest, must, story};
use crate::Trouble;
use crate::client::Answer;
use crate::runner::case::{At, Case, Expect, Finding, Need};
use crate::runner::judge::refusal;
use crate::runner::scene::Scene;
use crate::tpp::mutate::{HONEST, Part, remove};

const MTLS: &str = "RFC 8705";
const NEEDS: &[Need] = &[Need::CertificateAuth];

pub(super) const CASES: &[Case] = &[
    must(
        "certificate-authenticates",
        (MTLS, "2"),
        "The registered certificate opens PAR and the token endpoint.",
        NEEDS,
        each(At::Clients, |_| honest(), Expect::Taken),
    ),
    must(
        "certificate-is-required",
        (SP, "5.3.2.1-6"),
        "Without its certificate the client is nobody.",
        NEEDS,
        story!(required),
    ),
    must(
        "certificate-of-another-is-refused",
        (MTLS, "2.1.2"),
        "Another client's certificate does not authenticate.",
        NEEDS,
        story!(another),
    ),
    must(
        "certificate-client-names-itself",
        (MTLS, "2"),
        "Without `client_id` the client is nobody.",
        NEEDS,
        each(
            At::Push,
            |_| vec![vec![remove(Part::PushForm, "client_id")]],
            Expect::Refused(&[400, 401], &["invalid_client", "invalid_request"]),
        ),
    ),
];

async fn required(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let bare = tpp.over(tpp.registered().http.without_certificate()?);
    unknown(bare.push(&scene.ask(), HONEST).await)?;
    unknown(bare.redeem(&scene.ask(), "made-up-code", HONEST).await)
}

async fn another(scene: Scene) -> Result<(), Finding> {
    let disguised = scene.tpp()?.over(scene.certified()?);
    unknown(disguised.push(&scene.ask(), HONEST).await)
}

/// A refused connection is as good as a refusal.
fn unknown(answer: Result<Answer, Trouble>) -> Result<(), Finding> {
    answer.map_or(Ok(()), |answer| {
        refusal(&answer, &[400, 401], &["invalid_client", "invalid_request"]).map_err(Finding::Fails)
    })
}
