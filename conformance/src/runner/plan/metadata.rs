//! RFC 8414: what the server says about itself, and whether it is so.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{SP, must, should, story};
use crate::runner::case::{Case, Finding, Need, check};
use crate::runner::scene::Scene;
use crate::tpp::config::Authentication;
use crate::tpp::mutate::{Part, set};
use crate::{Doing as _, Trouble};

const ASM: &str = "RFC 8414";
const PERMITTED: [&str; 4] = ["PS256", "ES256", "EdDSA", "Ed25519"];

pub(super) const CASES: &[Case] = &[
    must(
        "metadata-names-the-issuer",
        (ASM, "3.3"),
        "The metadata names the issuer it was fetched for, an https address without query and fragment.",
        &[],
        story!(issuer),
    ),
    should(
        "metadata-is-the-same-at-both-addresses",
        (ASM, "3"),
        "Both well-known addresses tell the same.",
        &[],
        story!(both),
    ),
    must(
        "metadata-addresses-are-https",
        (ASM, "2"),
        "Every address is absolute and https.",
        &[],
        story!(addresses),
    ),
    must(
        "metadata-members-have-their-types",
        (ASM, "2"),
        "Lists are lists of text, flags are booleans, nothing is null or empty.",
        &[],
        story!(types),
    ),
    must(
        "metadata-offers-the-code-flow",
        (SP, "5.3.2.2-1"),
        "`response_types_supported` holds `code`.",
        &[],
        story!(code_flow),
    ),
    must("metadata-offers-par", (SP, "5.3.2.2-2"), "The PAR endpoint is there.", &[], story!(par)),
    must(
        "metadata-offers-s256-alone",
        (SP, "5.3.2.2-5"),
        "`code_challenge_methods_supported` holds S256 and not plain.",
        &[],
        story!(s256),
    ),
    must(
        "metadata-announces-the-issuer-in-answers",
        ("RFC 9207", "3"),
        "`authorization_response_iss_parameter_supported` is true.",
        &[Need::PlainAnswer],
        story!(iss),
    ),
    must(
        "metadata-offers-the-clients-authentication",
        (SP, "5.3.2.1-6"),
        "The method of this client is offered, and no shared secret.",
        &[],
        story!(authentication),
    ),
    must(
        "metadata-offers-dpop",
        ("RFC 9449", "5.1"),
        "The proof algorithms are those of the profile.",
        &[Need::Dpop],
        story!(dpop),
    ),
    must(
        "metadata-announces-certificate-bound-tokens",
        ("RFC 8705", "3.3"),
        "`tls_client_certificate_bound_access_tokens` is true.",
        &[Need::Mtls],
        story!(certificates),
    ),
    must(
        "metadata-id-token-algorithms",
        (SP, "5.4"),
        "The ID token algorithms hold one of the profile, and not `none`.",
        &[Need::OpenId],
        story!(id_token),
    ),
    must(
        "metadata-offers-the-code-grant",
        (ASM, "2"),
        "`grant_types_supported` holds `authorization_code`, or is absent.",
        &[],
        story!(grants),
    ),
    must(
        "keys-are-public-and-named",
        (ASM, "2"),
        "Published keys have names of their own and no private member.",
        &[],
        story!(keys),
    ),
    must(
        "keys-are-long-enough",
        (SP, "5.4.1"),
        "RSA keys have at least 2048 bits, curves at least 224.",
        &[],
        story!(long_keys),
    ),
    must(
        "metadata-tells-the-truth-about-request-objects",
        ("RFC 9101", "10.5"),
        "Request objects are refused where they are said not to be supported.",
        &[Need::PlainRequest],
        story!(request_objects),
    ),
    should(
        "metadata-tells-the-truth-about-refresh",
        (ASM, "2"),
        "`refresh_token` is listed exactly when one is issued.",
        &[],
        story!(refresh),
    ),
    should(
        "metadata-tells-the-truth-about-assertions",
        ("RFC 7523", "3"),
        "Each listed algorithm of assertions is one of the profile.",
        &[Need::Assertions],
        story!(assertions),
    ),
];

fn listed<'a>(scene: &'a Scene, name: &str) -> Vec<&'a str> {
    scene.metadata(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn permitted(scene: &Scene, name: &str) -> Result<(), Finding> {
    let algorithms = listed(scene, name);
    check(algorithms.iter().any(|alg| PERMITTED.contains(alg)), || format!("{name} is {algorithms:?}"))?;
    check(!algorithms.contains(&"none"), || format!("{name} holds none"))
}

async fn issuer(scene: Scene) -> Result<(), Finding> {
    // discovery has compared the two already
    let issuer = &scene.config().issuer;
    let bare = issuer.starts_with("https://") && !issuer.contains(['?', '#', '@']);
    check(bare, || format!("the issuer is {issuer}"))
}

async fn both(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let issuer = scene.config().issuer.trim_end_matches('/');
    let other = tpp.registered().http.get(&format!("{issuer}/.well-known/openid-configuration")).await?;
    if !other.status.is_success() {
        return Err(Finding::Skips("there is no OpenID configuration".to_owned()));
    }
    check(other.json()? == *tpp.metadata(), || "the two differ".to_owned())
}

async fn addresses(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let aliases = tpp.metadata().get("mtls_endpoint_aliases").and_then(Value::as_object);
    let members = tpp.metadata().as_object().into_iter().flatten().chain(aliases.into_iter().flatten());
    for (name, value) in members {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            let https = value.as_str().is_some_and(|url| url.starts_with("https://"));
            check(https, || format!("{name} is {value}"))?;
        }
    }
    Ok(())
}

async fn types(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    for (name, value) in tpp.metadata().as_object().into_iter().flatten() {
        let fits = match value {
            Value::Array(list) => !list.is_empty() && list.iter().all(Value::is_string),
            Value::Null => false,
            Value::Bool(_) => !name.ends_with("_values_supported"),
            Value::String(text) => !text.is_empty() && !name.ends_with("_parameter_supported"),
            Value::Number(_) | Value::Object(_) => true,
        };
        check(fits, || format!("{name} is {value}"))?;
    }
    Ok(())
}

async fn code_flow(scene: Scene) -> Result<(), Finding> {
    check(scene.lists("response_types_supported", "code"), || {
        format!("{:?}", listed(&scene, "response_types_supported"))
    })
}

async fn par(scene: Scene) -> Result<(), Finding> {
    check(scene.metadata("pushed_authorization_request_endpoint").is_some(), || {
        "it is not there".to_owned()
    })?;
    let flag = scene.metadata("require_pushed_authorization_requests");
    check(flag.is_none_or(Value::is_boolean), || format!("the flag is {flag:?}"))
}

async fn s256(scene: Scene) -> Result<(), Finding> {
    let methods = listed(&scene, "code_challenge_methods_supported");
    check(methods.contains(&"S256") && !methods.contains(&"plain"), || format!("{methods:?}"))
}

async fn iss(scene: Scene) -> Result<(), Finding> {
    let flag = scene.metadata("authorization_response_iss_parameter_supported");
    check(flag == Some(&Value::Bool(true)), || format!("it is {flag:?}"))
}

async fn authentication(scene: Scene) -> Result<(), Finding> {
    let offered = listed(&scene, "token_endpoint_auth_methods_supported");
    let own: &[&str] = match scene.tpp()?.registered().entry.token_endpoint_auth_method {
        Authentication::PrivateKeyJwt => &["private_key_jwt"],
        Authentication::TlsClientAuth | Authentication::SelfSignedTlsClientAuth => {
            &["tls_client_auth", "self_signed_tls_client_auth"]
        }
    };
    check(own.iter().any(|method| offered.contains(method)), || format!("{offered:?}"))?;
    let weak: Vec<_> =
        offered.iter().filter(|method| method.starts_with("client_secret") || **method == "none").collect();
    if weak.is_empty() { Ok(()) } else { Err(Finding::Warns(format!("it also offers {weak:?}"))) }
}

async fn dpop(scene: Scene) -> Result<(), Finding> {
    permitted(&scene, "dpop_signing_alg_values_supported")
}

async fn certificates(scene: Scene) -> Result<(), Finding> {
    let flag = scene.metadata("tls_client_certificate_bound_access_tokens");
    check(flag == Some(&Value::Bool(true)), || format!("it is {flag:?}"))
}

async fn id_token(scene: Scene) -> Result<(), Finding> {
    permitted(&scene, "id_token_signing_alg_values_supported")
}

async fn assertions(scene: Scene) -> Result<(), Finding> {
    permitted(&scene, "token_endpoint_auth_signing_alg_values_supported")?;
    let algorithms = listed(&scene, "token_endpoint_auth_signing_alg_values_supported");
    check(algorithms.iter().all(|alg| PERMITTED.contains(alg)), || format!("{algorithms:?}"))
}

async fn grants(scene: Scene) -> Result<(), Finding> {
    let there = scene.metadata("grant_types_supported").is_none()
        || scene.lists("grant_types_supported", "authorization_code");
    check(there, || format!("{:?}", listed(&scene, "grant_types_supported")))
}

async fn published(scene: &Scene) -> Result<Vec<Value>, Trouble> {
    let tpp = scene.tpp()?;
    let set = tpp.registered().http.get(&tpp.endpoint("jwks_uri")?).await?.json()?;
    set.get("keys").and_then(Value::as_array).cloned().doing("find the keys")
}

async fn keys(scene: Scene) -> Result<(), Finding> {
    let keys = published(&scene).await?;
    let names: BTreeSet<&str> = keys.iter().filter_map(|key| key.get("kid")?.as_str()).collect();
    check(!keys.is_empty() && names.len() == keys.len(), || {
        format!("{} keys have {} names", keys.len(), names.len())
    })?;
    for key in &keys {
        let secret =
            ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().find(|name| key.get(**name).is_some());
        check(secret.is_none(), || format!("{:?} carries the private member {secret:?}", key.get("kid")))?;
    }
    Ok(())
}

async fn long_keys(scene: Scene) -> Result<(), Finding> {
    for key in published(&scene).await? {
        let long = match key.get("kty").and_then(Value::as_str) {
            // 2048 bits are 342 letters of base64url
            Some("RSA") => key.get("n").and_then(Value::as_str).is_some_and(|n| n.len() >= 342),
            Some("EC") => key.get("crv").and_then(Value::as_str).is_some_and(|curve| curve.starts_with("P-")),
            Some("OKP") => true,
            Some(_) | None => false,
        };
        check(long, || format!("{:?} is too short or of an unknown type", key.get("kid")))?;
    }
    Ok(())
}

async fn request_objects(scene: Scene) -> Result<(), Finding> {
    if scene.metadata("request_parameter_supported") != Some(&Value::Bool(false)) {
        return Err(Finding::Skips("they are not said to be unsupported".to_owned()));
    }
    let answer = scene.tpp()?.push(&scene.ask(), &[set(Part::PushForm, "request", "e30.e30.")]).await?;
    check(answer.status.is_client_error(), || format!("one is answered with {}", answer.status))
}

async fn refresh(scene: Scene) -> Result<(), Finding> {
    let tpp = scene.tpp()?;
    let tokens = scene.tokens(&tpp, &scene.ask()).await?;
    let listed = scene.lists("grant_types_supported", "refresh_token");
    check(listed == tokens.refresh.is_some(), || {
        format!("listed: {listed}, issued: {}", tokens.refresh.is_some())
    })
}
