//! RFC 7523: client assertions, at PAR and at the token endpoint.

use serde_json::{Value, json};

use super::{SP, alone, each, honest, must, should, story};
use crate::host;
use crate::runner::case::{At, Case, Expect, Finding, Need, check};
use crate::runner::judge::refusal;
use crate::runner::scene::Scene;
use crate::tpp::mistakes;
use crate::tpp::mutate::{Forgery, HONEST, Jws, Part, forge, remove, set};

const PKJ: &str = "RFC 7523";
const CLAIMS: Part = Part::Claims(Jws::Assertion);
const HEADER: Part = Part::Header(Jws::Assertion);
const NEEDS: &[Need] = &[Need::Assertions];
const CLIENT: Expect = Expect::Refused(&[400, 401], &["invalid_client", "invalid_request"]);

pub(super) const CASES: &[Case] = &[
    must(
        "assertion-is-taken",
        (PKJ, "3"),
        "An honest assertion authenticates.",
        NEEDS,
        each(At::Clients, |_| honest(), Expect::Taken),
    ),
    must(
        "assertion-audience-is-the-issuer-alone",
        (SP, "5.3.2.1-8"),
        "The audience is the issuer as one string: no array, no endpoint, no other spelling.",
        NEEDS,
        each(At::Clients, audiences, CLIENT),
    ),
    must(
        "assertion-needs-every-claim",
        (PKJ, "3"),
        "Without `iss`, `sub`, `aud`, `exp` or `jti` an assertion is refused.",
        NEEDS,
        each(
            At::Clients,
            |_| alone(["iss", "sub", "aud", "exp", "jti"].map(|name| remove(CLAIMS, name))),
            CLIENT,
        ),
    ),
    must(
        "assertion-issuer-and-subject-are-the-client",
        (PKJ, "3"),
        "`iss` and `sub` are both the client.",
        NEEDS,
        each(At::Clients, |_| alone(["iss", "sub"].map(|name| set(CLAIMS, name, "another-client"))), CLIENT),
    ),
    must(
        "assertion-expires",
        (PKJ, "3"),
        "An assertion that ended five minutes ago is refused.",
        NEEDS,
        each(
            At::Clients,
            |_| vec![vec![set(CLAIMS, "exp", host::now() - 300), set(CLAIMS, "iat", host::now() - 360)]],
            CLIENT,
        ),
    ),
    must(
        "assertion-from-a-minute-ahead-is-refused",
        (SP, "5.3.2.1-13"),
        "`iat` or `nbf` 62 seconds ahead is refused.",
        NEEDS,
        each(At::Clients, |_| alone(["iat", "nbf"].map(|name| set(CLAIMS, name, host::now() + 62))), CLIENT),
    ),
    should(
        "assertion-from-eight-seconds-ahead-is-taken",
        (SP, "5.3.2.1-13"),
        "`iat` or `nbf` 8 seconds ahead is taken.",
        NEEDS,
        each(
            At::Clients,
            |_| alone(["iat", "nbf"].map(|name| set(CLAIMS, name, host::now() + 8))),
            Expect::Taken,
        ),
    ),
    must(
        "assertion-is-signed-as-the-profile-says",
        (SP, "5.4.1"),
        "RS256, HS256 and `none` are refused.",
        NEEDS,
        each(
            At::Clients,
            |_| {
                alone([
                    forge(Jws::Assertion, Forgery::Algorithm("HS256")),
                    forge(Jws::Assertion, Forgery::Algorithm("none")),
                    forge(Jws::Assertion, Forgery::ClaimedAlgorithm("RS256")),
                    forge(Jws::Assertion, Forgery::ClaimedAlgorithm("nOnE")),
                ])
            },
            CLIENT,
        ),
    ),
    must(
        "assertion-signature-holds",
        (PKJ, "3"),
        "A signature by another key, with a changed bit, or longer is refused.",
        NEEDS,
        each(
            At::Clients,
            |_| {
                alone(
                    [
                        Forgery::OtherKey,
                        Forgery::Broken,
                        Forgery::Longer,
                        Forgery::FiveParts,
                        Forgery::Verbatim("a.b.c".into()),
                    ]
                    .map(|wrong| forge(Jws::Assertion, wrong)),
                )
            },
            CLIENT,
        ),
    ),
    must(
        "assertion-claims-have-their-types",
        ("RFC 7519", "4.1"),
        "A claim of a wrong type is refused and never taken for absent.",
        NEEDS,
        each(
            At::Clients,
            |_| {
                alone(
                    [json!("9999999999"), json!(-1), json!(true), Value::Null]
                        .map(|wrong| set(CLAIMS, "exp", wrong)),
                )
            },
            CLIENT,
        ),
    ),
    must(
        "assertion-critical-extensions-are-refused",
        ("RFC 7515", "4.1.11"),
        "A critical extension that is not understood is refused.",
        NEEDS,
        each(
            At::Clients,
            |_| alone([set(HEADER, "crit", json!(["exp"])), set(HEADER, "crit", json!(["b64"]))]),
            CLIENT,
        ),
    ),
    should(
        "assertion-is-no-other-token",
        ("RFC 8725", "3.11"),
        "A token typed as something else is refused.",
        NEEDS,
        each(
            At::Clients,
            |_| alone(["dpop+jwt", "at+jwt", "oauth-authz-req+jwt"].map(|typ| set(HEADER, "typ", typ))),
            CLIENT,
        ),
    ),
    should(
        "assertion-type-may-be-absent",
        ("RFC 7515", "4.1.9"),
        "An assertion without `typ` is taken.",
        NEEDS,
        each(At::Clients, |_| alone([remove(HEADER, "typ")]), Expect::Taken),
    ),
    must(
        "assertion-is-required",
        ("RFC 6749", "5.2"),
        "Without client authentication the answer is `invalid_client`.",
        NEEDS,
        story!(required),
    ),
    must(
        "assertion-comes-once",
        ("RFC 6749", "3.1"),
        "Two assertions in one request are refused.",
        NEEDS,
        each(At::Clients, |_| alone([forge(Jws::Assertion, Forgery::Twice)]), CLIENT),
    ),
    must(
        "assertion-type-is-the-registered-one",
        (PKJ, "2.2"),
        "Another `client_assertion_type` is refused.",
        NEEDS,
        each(
            At::Push,
            |_| {
                alone([
                    set(
                        Part::PushForm,
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
                    ),
                    remove(Part::PushForm, "client_assertion_type"),
                ])
            },
            CLIENT,
        ),
    ),
    must(
        "assertion-and-client-id-agree",
        (PKJ, "2.2"),
        "A `client_id` beside the assertion names the same client.",
        NEEDS,
        each(
            At::Push,
            |_| alone([set(Part::PushForm, "client_id", "another-client")]),
            Expect::Refused(
                &[400, 401],
                &["invalid_client", "invalid_request", "invalid_grant", "invalid_request_object"],
            ),
        ),
    ),
    should(
        "assertion-is-used-once",
        (PKJ, "3-7"),
        "An assertion that was used is refused.",
        NEEDS,
        story!(once),
    ),
    must(
        "shared-secrets-are-no-credential",
        (SP, "5.3.2.1-6"),
        "A secret authenticates nobody.",
        NEEDS,
        each(
            At::Push,
            |_| {
                vec![vec![
                    forge(Jws::Assertion, Forgery::Omitted),
                    remove(Part::PushForm, "client_assertion_type"),
                    set(Part::PushForm, "client_secret", "secret"),
                ]]
            },
            CLIENT,
        ),
    ),
];

fn audiences(scene: &Scene) -> super::Changes {
    let Ok(tpp) = scene.tpp() else { return Vec::new() };
    let endpoints = ["token_endpoint", "pushed_authorization_request_endpoint", "authorization_endpoint"];
    let endpoints: Vec<String> = endpoints.iter().filter_map(|name| tpp.endpoint(name).ok()).collect();
    let wrong = mistakes::audiences(&tpp.registered().issuer, &endpoints);
    alone(wrong.into_iter().map(|audience| set(CLAIMS, "aud", audience)))
}

async fn required(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    for (part, name) in [(Part::PushForm, "PAR"), (Part::TokenForm, "the token endpoint")] {
        let none = [
            forge(Jws::Assertion, Forgery::Omitted),
            remove(part, "client_assertion_type"),
            set(part, "client_id", tpp.id()),
        ];
        let answer = match part {
            Part::PushForm => tpp.push(&scene.ask(), &none).await?,
            Part::TokenForm | Part::OtherForm | Part::Header(_) | Part::Claims(_) => {
                tpp.redeem(&scene.ask(), "made-up-code", &none).await?
            }
        };
        refusal(&answer, &[400, 401], &["invalid_client", "invalid_request"])
            .map_err(|what| Finding::Fails(format!("{name}: {what}")))?;
    }
    Ok(())
}

async fn once(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let same = [set(CLAIMS, "jti", host::token())];
    let first = tpp.push(&scene.ask(), &same).await?;
    check(first.status.is_success(), || format!("the first use is refused: {}", first.text()))?;
    let second = tpp.push(&scene.ask(), &same).await?;
    refusal(&second, &[400, 401], &["invalid_client", "invalid_request"]).map_err(Finding::Fails)?;
    let other = tpp.push(&scene.ask(), HONEST).await?;
    check(other.status.is_success(), || format!("a fresh one is refused afterwards: {}", other.text()))
}
