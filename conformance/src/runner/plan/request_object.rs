//! RFC 9101 and FAPI 2.0 Message Signing section 5.3: signed requests.

use serde_json::json;

use super::{alone, each, honest, must, should, story};
use crate::host;
use crate::runner::case::{At, Case, Expect, Finding, Need};
use crate::runner::judge::refusal;
use crate::runner::scene::Scene;
use crate::tpp::flow::Carried;
use crate::tpp::mutate::{Forgery, HONEST, Jws, Part, forge, remove, set};
use crate::user::Decision;

const MS: &str = "FAPI 2.0 Message Signing";
const JAR: &str = "RFC 9101";
const CLAIMS: Part = Part::Claims(Jws::RequestObject);
const HEADER: Part = Part::Header(Jws::RequestObject);
const NEEDS: &[Need] = &[Need::SignedRequest];
const OBJECT: Expect = Expect::Refused(&[400, 401], &["invalid_request_object", "invalid_request"]);

pub(super) const CASES: &[Case] = &[
    must(
        "object-is-taken",
        (MS, "5.3.1"),
        "An honest request object is taken.",
        NEEDS,
        each(At::Push, |_| honest(), Expect::Taken),
    ),
    must(
        "object-may-have-several-audiences",
        (JAR, "4"),
        "An audience list that holds the issuer is taken.",
        NEEDS,
        each(
            At::Push,
            |scene| alone([set(CLAIMS, "aud", json!([scene.config().issuer, "https://elsewhere.example"]))]),
            Expect::Taken,
        ),
    ),
    must(
        "object-type-is-read-in-any-case",
        (JAR, "10.8"),
        "`typ` is absent, or the registered one in any case.",
        NEEDS,
        each(
            At::Push,
            |_| alone([remove(HEADER, "typ"), set(HEADER, "typ", "OAUTH-AUTHZ-REQ+JWT")]),
            Expect::Taken,
        ),
    ),
    should(
        "object-from-eight-seconds-ahead-is-taken",
        (MS, "5.3.1"),
        "`nbf` 8 seconds ahead is taken.",
        NEEDS,
        each(At::Push, |_| alone([set(CLAIMS, "nbf", host::now() + 8)]), Expect::Taken),
    ),
    must(
        "object-is-for-the-issuer",
        (MS, "5.3.1"),
        "An object for somebody else is refused.",
        NEEDS,
        each(
            At::Push,
            |_| alone([set(CLAIMS, "aud", "https://elsewhere.example"), remove(CLAIMS, "aud")]),
            OBJECT,
        ),
    ),
    must(
        "object-has-begin-and-end",
        (MS, "5.3.1"),
        "Without `exp` or `nbf` an object is refused.",
        NEEDS,
        each(At::Push, |_| alone(["exp", "nbf"].map(|name| remove(CLAIMS, name))), OBJECT),
    ),
    must(
        "object-expires",
        (MS, "5.3.1"),
        "An expired object is refused.",
        NEEDS,
        each(
            At::Push,
            |_| vec![vec![set(CLAIMS, "exp", host::now() - 300), set(CLAIMS, "nbf", host::now() - 360)]],
            OBJECT,
        ),
    ),
    must(
        "object-lives-at-most-an-hour",
        (MS, "5.3.1"),
        "70 minutes from `nbf` to `exp` is refused.",
        NEEDS,
        each(At::Push, |_| alone([set(CLAIMS, "exp", host::now() + 70 * 60)]), OBJECT),
    ),
    must(
        "object-is-at-most-an-hour-old",
        (MS, "5.3.1"),
        "An `nbf` 70 minutes ago is refused.",
        NEEDS,
        each(At::Push, |_| alone([set(CLAIMS, "nbf", host::now() - 70 * 60)]), OBJECT),
    ),
    must(
        "object-is-signed-as-the-profile-says",
        (MS, "5.3.1"),
        "RS256, HS256 and `none` are refused.",
        NEEDS,
        each(
            At::Push,
            |_| {
                alone([
                    forge(Jws::RequestObject, Forgery::Algorithm("HS256")),
                    forge(Jws::RequestObject, Forgery::Algorithm("none")),
                    forge(Jws::RequestObject, Forgery::ClaimedAlgorithm("RS256")),
                ])
            },
            OBJECT,
        ),
    ),
    must(
        "object-signature-holds",
        (JAR, "6.2"),
        "Another key, a changed bit and other forms are refused.",
        NEEDS,
        each(
            At::Push,
            |_| {
                alone(
                    [Forgery::OtherKey, Forgery::Broken, Forgery::Longer, Forgery::Verbatim("a.b.c".into())]
                        .map(|wrong| forge(Jws::RequestObject, wrong)),
                )
            },
            OBJECT,
        ),
    ),
    must(
        "object-belongs-to-the-client",
        (JAR, "6.3"),
        "`iss` and `client_id` are the client.",
        NEEDS,
        each(
            At::Push,
            |_| alone([set(CLAIMS, "iss", "another-client"), set(CLAIMS, "client_id", "another-client")]),
            Expect::Refused(&[400, 401], &["invalid_request_object", "invalid_request", "invalid_client"]),
        ),
    ),
    must(
        "object-holds-no-other-request",
        (JAR, "4"),
        "`request` and `request_uri` inside an object are refused.",
        NEEDS,
        each(
            At::Push,
            |_| {
                alone([
                    set(CLAIMS, "request_uri", "urn:ietf:params:oauth:request_uri:x"),
                    set(CLAIMS, "request", "e30.e30."),
                ])
            },
            OBJECT,
        ),
    ),
    must("object-is-required", (MS, "5.3.1"), "Plain parameters are refused.", NEEDS, story!(required)),
    must(
        "object-alone-counts",
        (JAR, "6.3"),
        "A redirect URI that stands only outside the object is missing.",
        NEEDS,
        story!(outside),
    ),
    must(
        "object-state-inside-counts",
        (JAR, "6.3"),
        "A state outside the object is not used.",
        NEEDS,
        story!(state_outside),
    ),
];

async fn required(scene: Scene) -> Result<(), Finding> {
    let mut ask = scene.ask();
    ask.carried = Carried::Plain;
    let answer = scene.tpp()?.push(&ask, HONEST).await?;
    refusal(&answer, &[400], &["invalid_request", "invalid_request_object"]).map_err(Finding::Fails)
}

async fn outside(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let home = tpp.registered().entry.redirect_uri.clone();
    let moved = [remove(CLAIMS, "redirect_uri"), set(Part::PushForm, "redirect_uri", home)];
    let answer = tpp.push(&scene.ask(), &moved).await?;
    refusal(&answer, &[400], &["invalid_request", "invalid_request_object"]).map_err(Finding::Fails)
}

async fn state_outside(scene: Scene) -> Result<(), Finding> {
    let (tpp, ask) = (scene.tpp()?, scene.ask());
    let answer = tpp.push(&ask, &[set(Part::PushForm, "state", "outside")]).await?;
    if !answer.status.is_success() {
        return refusal(&answer, &[400], &["invalid_request", "invalid_request_object"])
            .map_err(Finding::Fails);
    }
    let returned = scene.decide(&tpp, &answer.member("request_uri")?, &Decision::Approve).await?;
    tpp.code(&ask, &returned).await?;
    Ok(())
}
