//! OpenID Connect Core: ID tokens and userinfo, read by another implementation.

use std::str::FromStr as _;

use conformance::host;
use conformance::tpp::flow::{Ask, Tokens};
use conformance::tpp::mutate::{HONEST, Part, set};
use openidconnect::core::{
    CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{ClientId, IssuerUrl, Nonce};
use serde_json::{Value, json};

use crate::support::judge::{challenged, members};
use crate::support::raw::{Raw, proof_about};
use crate::support::{World, embedded, identity};

async fn discovery(world: &World) -> Value {
    let url = format!("{}/.well-known/openid-configuration", world.issuer());
    world.bank.client().unwrap().get(&url).await.unwrap().json().unwrap()
}

/// ID-01 to ID-05 with openidconnect as the oracle: it reads our metadata and keys and verifies our ID token.
#[tokio::test]
async fn another_implementation_reads_the_metadata_and_verifies_the_id_token() {
    let world = embedded().await;
    for tpp in [world.palm(), world.luzon()] {
        let metadata: CoreProviderMetadata = serde_json::from_value(discovery(world).await).unwrap();
        assert_eq!(metadata.issuer().as_str(), world.issuer());
        let set = world.bank.client().unwrap().get(metadata.jwks_uri().as_str()).await.unwrap();
        let keys: CoreJsonWebKeySet = serde_json::from_slice(&set.body).unwrap();
        let ask = identity();
        let tokens = world.tokens(&tpp, &ask).await;
        let id_token = CoreIdToken::from_str(tokens.body["id_token"].as_str().unwrap()).unwrap();
        let issuer = IssuerUrl::new(world.issuer()).unwrap();
        let client = ClientId::new(tpp.id().to_owned());
        let verifier = CoreIdTokenVerifier::new_public_client(client, issuer, keys).set_allowed_algs([
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        ]);
        let claims = id_token.claims(&verifier, &Nonce::new(ask.nonce.clone())).unwrap();
        assert!(!claims.subject().as_str().is_empty());
        assert!(id_token.claims(&verifier, &Nonce::new("another".to_owned())).is_err());
    }
}

/// ID-01 to ID-06.
#[tokio::test]
async fn section_2_the_id_token_says_what_was_asked_and_no_more() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let tokens = world.tokens(&palm, &ask).await;
    let compact = tokens.body["id_token"].as_str().unwrap();
    let keys = palm.server_keys().await.unwrap();
    let (header, claims) = keys.open(compact, &["ES256", "PS256", "EdDSA"]).unwrap();
    assert!(header["kid"].is_string());
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(world.issuer()), &json!(palm.id())));
    assert_eq!(claims["nonce"], json!(ask.nonce));
    let now = host::now();
    let at = |name: &str| claims[name].as_i64().unwrap_or_else(|| panic!("{name} in {claims}"));
    assert!((at("iat") - now).abs() < 300 && at("exp") > now && at("exp") < now + 86_400);
    assert!(at("auth_time") <= now + 10 && at("auth_time") > now - 86_400);
    let sub = claims["sub"].as_str().unwrap();
    assert!(!sub.is_empty() && sub.len() <= 255 && sub.is_ascii());
    assert!(claims["acr"].as_str().is_some_and(|acr| !acr.is_empty()));
    assert!(claims["amr"].as_array().is_some_and(|methods| !methods.is_empty()));
    let known = ["acr", "amr", "at_hash", "aud", "auth_time", "exp", "iat", "iss", "nonce", "sub"];
    assert!(members(&claims).iter().all(|name| known.contains(&name.as_str())), "{claims}");
}

/// ID-02, ID-07, UI-02; section 12.2.
#[tokio::test]
async fn section_12_2_a_refreshed_id_token_speaks_of_the_same_sign_in() {
    let world = embedded().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let keys = palm.server_keys().await.unwrap();
    let open =
        |body: &Value| keys.open_for(body["id_token"].as_str().unwrap(), &world.issuer(), palm.id()).unwrap();
    let first = open(&tokens.body);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let refreshed = Tokens::read(&palm.refresh(&tokens.refresh.unwrap(), HONEST).await.unwrap()).unwrap();
    let second = open(&refreshed.body);
    for name in ["iss", "sub", "aud", "auth_time", "azp"] {
        assert_eq!(first.get(name), second.get(name), "{name}");
    }
    assert!(second["iat"].as_i64() > first["iat"].as_i64());
    let other = world.tokens(&world.luzon(), &identity()).await;
    let at_luzon =
        keys.open_for(other.body["id_token"].as_str().unwrap(), &world.issuer(), "luzon-bank").unwrap();
    assert_eq!(at_luzon["sub"], first["sub"], "the subject is public and stable");
    let told = world.userinfo(&palm, &refreshed.access).await.json().unwrap();
    assert_eq!(told["sub"], first["sub"]);
}

/// UI-01, UI-02, UI-03, UI-04.
#[tokio::test]
async fn section_5_3_userinfo_tells_what_the_scope_opens_with_the_registered_types() {
    let world = embedded().await;
    let palm = world.palm();
    let all = world.tokens(&palm, &Ask::new("openid profile email phone address")).await;
    let answer = world.userinfo(&palm, &all.access).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some("application/json")));
    let told = answer.json().unwrap();
    for (name, value) in told.as_object().unwrap() {
        let fits = match name.as_str() {
            "email_verified" | "phone_number_verified" => value.is_boolean(),
            "updated_at" => value.is_number(),
            "address" => value.is_object(),
            _ => value.as_str().is_some_and(|text| !text.is_empty()),
        };
        assert!(fits, "{name}: {value}");
    }
    assert!(told["name"].is_string() && told["email"].is_string() && told.get("nonce").is_none(), "{told}");
    let little = world.tokens(&palm, &Ask::new("openid")).await;
    assert_eq!(members(&world.userinfo(&palm, &little.access).await.json().unwrap()), ["sub"]);
    let email = world.tokens(&palm, &Ask::new("openid email")).await;
    let told = world.userinfo(&palm, &email.access).await.json().unwrap();
    assert!(told.get("name").is_none() && told["email"].is_string(), "{told}");
}

/// UI-01: POST with the token in the header.
#[tokio::test]
async fn section_5_3_1_userinfo_answers_to_post_as_well() {
    let world = embedded().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let url = palm.endpoint("userinfo_endpoint").unwrap();
    let about = conformance::tpp::proof::About {
        method: "POST",
        url: &url,
        access_token: Some(&tokens.access),
        nonce: None,
    };
    let raw = Raw::bare("POST", &url)
        .with("authorization", &format!("DPoP {}", tokens.access))
        .with("dpop", &proof_about(&palm, &about));
    assert_eq!(raw.send(&palm.registered().http).await.status, 200);
}

/// UI-06.
#[tokio::test]
async fn section_5_3_userinfo_is_closed_without_a_good_token() {
    let world = embedded().await;
    let palm = world.palm();
    let url = palm.endpoint("userinfo_endpoint").unwrap();
    let bare = Raw::bare("GET", &url).send(&palm.registered().http).await;
    assert_eq!(bare.status, 401);
    let challenges = bare.all("www-authenticate");
    assert!(challenges.iter().any(|told| told.starts_with("DPoP")), "{challenges:?}");
    assert!(challenges.iter().all(|told| !told.contains("error=")), "{challenges:?}");
    for wrong in ["x", "a.b.c", "e30.e30.e30"] {
        challenged(&world.userinfo(&palm, wrong).await, "DPoP", "invalid_token", wrong);
    }
}

/// Section 3.1.2.1: what the customer is asked again.
#[tokio::test]
async fn section_3_1_2_1_prompt_login_and_max_age_ask_for_a_new_sign_in() {
    let world = embedded().await;
    let palm = world.palm();
    let keys = palm.server_keys().await.unwrap();
    let mut visit = world.signed_in().await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let mut times = Vec::new();
    for ask in [
        identity().with("max_age", "10000"),
        identity().with("prompt", "login"),
        identity().with("max_age", "1"),
    ] {
        tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
        let reference = world.push(&palm, &ask).await;
        let url = palm.authorization_url(&reference).unwrap();
        let place = visit.complete(&url, &world.user, &conformance::user::Decision::Approve).await.unwrap();
        let code = palm.code(&ask, &place.returned().unwrap()).await.unwrap();
        let id_token = palm.redeem(&ask, &code, HONEST).await.unwrap().member("id_token").unwrap();
        times.push(
            keys.open_for(&id_token, &world.issuer(), palm.id()).unwrap()["auth_time"].as_i64().unwrap(),
        );
    }
    assert!(times[0] < times[1] && times[1] < times[2], "{times:?}");
}

/// Section 3.1.2.1: `none` never shows a page.
#[tokio::test]
async fn section_3_1_2_1_prompt_none_goes_straight_back() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity().with("prompt", "none");
    let reference = world.push(&palm, &ask).await;
    let mut visit = palm.visit().unwrap();
    let place = visit.open(&palm.authorization_url(&reference).unwrap()).await.unwrap();
    let returned = place.returned().unwrap();
    assert_eq!(returned.parameter("error").as_deref(), Some("login_required"));
    assert_eq!(
        (returned.parameter("state"), returned.parameter("iss")),
        (Some(ask.state), Some(world.issuer()))
    );
}

#[tokio::test]
async fn section_3_1_2_1_a_prompt_that_contradicts_itself_is_refused() {
    let palm = embedded().await.palm();
    for wrong in ["none login", "always", "login  consent"] {
        let answer = palm.push(&identity(), &[set(Part::PushForm, "prompt", wrong)]).await.unwrap();
        crate::support::judge::refused_as(&answer, 400, &["invalid_request"], wrong);
    }
    for wrong in ["-1", "x", "1e3", "99999999999"] {
        let answer = palm.push(&identity(), &[set(Part::PushForm, "max_age", wrong)]).await.unwrap();
        crate::support::judge::refused_as(&answer, 400, &["invalid_request"], wrong);
    }
}
