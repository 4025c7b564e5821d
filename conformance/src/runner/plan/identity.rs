//! OpenID Connect: what the server says about the customer.

use serde_json::Value;

use super::{must, should, story};
use crate::runner::case::{Case, Finding, Need, check};
use crate::runner::scene::Scene;
use crate::tpp::flow::{Ask, Tokens, Tpp};
use crate::tpp::jws::peek;
use crate::tpp::mutate::{HONEST, remove};
use crate::user::Decision;
use crate::{Doing as _, Trouble, host};

const OIDC: &str = "OpenID Connect Core";
const NEEDS: &[Need] = &[Need::OpenId];
const USERINFO: &[Need] = &[Need::OpenId, Need::Metadata("userinfo_endpoint")];

pub(super) const CASES: &[Case] = &[
    must(
        "id-token-is-signed-for-the-client",
        (OIDC, "3.1.3.7"),
        "Issuer, audience, end and signature of the ID token are right.",
        NEEDS,
        story!(signed),
    ),
    must(
        "id-token-carries-the-nonce",
        (OIDC, "2"),
        "The nonce is the one of the request.",
        NEEDS,
        story!(nonce),
    ),
    must(
        "id-token-without-nonce",
        (OIDC, "2"),
        "A nonce that was not sent is not there.",
        NEEDS,
        story!(nonceless),
    ),
    must(
        "id-token-names-its-key",
        (OIDC, "10.1"),
        "The header names a published key and an algorithm of the profile.",
        NEEDS,
        story!(header),
    ),
    must(
        "id-token-times-are-real",
        (OIDC, "2"),
        "`iat` and `auth_time` are about now.",
        NEEDS,
        story!(times),
    ),
    must(
        "id-token-subject-is-stable",
        (OIDC, "8"),
        "Two sign-ins of one customer have one subject, of at most 255 ASCII characters.",
        NEEDS,
        story!(subject),
    ),
    must(
        "userinfo-subject-is-the-same",
        (OIDC, "5.3.2"),
        "Userinfo speaks of the same subject.",
        USERINFO,
        story!(userinfo),
    ),
    should(
        "userinfo-claims-have-their-types",
        (OIDC, "5.1"),
        "Claims have their registered types, and none is null or empty.",
        USERINFO,
        story!(typed),
    ),
];

async fn granted(scene: &Scene) -> Result<(Tpp, Ask, Tokens, String), Trouble> {
    let (tpp, ask) = (scene.tpp()?, scene.ask());
    let tokens = scene.tokens(&tpp, &ask).await?;
    let id_token = tokens.body.get("id_token").and_then(Value::as_str).map(str::to_owned);
    Ok((tpp, ask, tokens, id_token.doing("find an ID token")?))
}

/// The claims of a token that verifies.
async fn opened(scene: &Scene) -> Result<(Tpp, Ask, Tokens, Value), Trouble> {
    let (tpp, ask, tokens, id_token) = granted(scene).await?;
    let claims = tpp.server_keys().await?.open_for(&id_token, &scene.config().issuer, tpp.id())?;
    Ok((tpp, ask, tokens, claims))
}

async fn signed(scene: Scene) -> Result<(), Finding> {
    opened(&scene).await?;
    Ok(())
}

async fn nonce(scene: Scene) -> Result<(), Finding> {
    let (_, ask, _, claims) = opened(&scene).await?;
    let told = claims.get("nonce").and_then(Value::as_str);
    check(told == Some(&ask.nonce), || format!("the nonce is {told:?}"))
}

async fn nonceless(scene: Scene) -> Result<(), Finding> {
    let (tpp, ask) = (scene.tpp()?, scene.ask());
    let reference = tpp.push(&ask, &[remove(scene.request(), "nonce")]).await?.member("request_uri")?;
    let returned = scene.decide(&tpp, &reference, &Decision::Approve).await?;
    let code = tpp.code(&ask, &returned).await?;
    let id_token = tpp.redeem(&ask, &code, HONEST).await?.member("id_token")?;
    let (_, claims) = peek(&id_token)?;
    check(claims.get("nonce").is_none(), || format!("the nonce is {:?}", claims.get("nonce")))
}

async fn header(scene: Scene) -> Result<(), Finding> {
    let (tpp, _, _, id_token) = granted(&scene).await?;
    let (header, _) = peek(&id_token)?;
    check(header.get("kid").is_some_and(Value::is_string), || "the header has no kid".to_owned())?;
    tpp.server_keys().await?.open(&id_token, &["PS256", "ES256", "EdDSA", "Ed25519"])?;
    Ok(())
}

async fn times(scene: Scene) -> Result<(), Finding> {
    let (_, _, _, claims) = opened(&scene).await?;
    for name in ["iat", "auth_time"] {
        let Some(told) = claims.get(name) else {
            check(name != "iat", || "iat is missing".to_owned())?;
            continue;
        };
        let near = told.as_i64().is_some_and(|second| (host::now() - second).abs() < 300);
        check(near, || format!("{name} is {told}"))?;
    }
    Ok(())
}

async fn subject(scene: Scene) -> Result<(), Finding> {
    let (first, second) = (opened(&scene).await?.3, opened(&scene).await?.3);
    let sub = first.get("sub").and_then(Value::as_str).unwrap_or_default();
    check(!sub.is_empty() && sub.len() <= 255 && sub.is_ascii(), || format!("the subject is {sub:?}"))?;
    check(first.get("sub") == second.get("sub"), || {
        format!("{:?} and {:?}", first.get("sub"), second.get("sub"))
    })
}

async fn userinfo(scene: Scene) -> Result<(), Finding> {
    let (claims, told) = both(&scene).await?;
    check(claims.get("sub") == told.get("sub"), || {
        format!("{:?} and {:?}", claims.get("sub"), told.get("sub"))
    })
}

async fn typed(scene: Scene) -> Result<(), Finding> {
    let (_, told) = both(&scene).await?;
    for (name, value) in told.as_object().into_iter().flatten() {
        let fits = match name.as_str() {
            "email_verified" | "phone_number_verified" => value.is_boolean(),
            "updated_at" => value.is_number(),
            "address" => value.is_object(),
            _ => !value.is_null() && value.as_str() != Some(""),
        };
        check(fits, || format!("{name} is {value}"))?;
    }
    Ok(())
}

async fn both(scene: &Scene) -> Result<(Value, Value), Trouble> {
    let (tpp, _, tokens, claims) = opened(scene).await?;
    let answer = tpp.get(&tpp.endpoint("userinfo_endpoint")?, &tokens.access, HONEST).await?;
    Ok((claims, answer.json()?))
}
