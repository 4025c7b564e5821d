//! RFC 9728, protected resource metadata, and RFC 9470, step up.

use oauth_core::Seconds;
use rar_consent::Permission;
use resource_server::guard::{
    Authentication, Body, GuardLayer, IN_FORCE, Needs, Retry, TokenKind, WELL_KNOWN, guarded,
};
use resource_server::http::Origin;
use serde_json::json;
use tower_service::Service as _;

use super::fixture::{Ask, claims, file, now};

#[tokio::test]
async fn rfc_9728_section_3_the_document_says_what_the_routes_ask_for() {
    let world = file().await;
    let mut ask = Ask::get("/").without("participant-id");
    ask.path = WELL_KNOWN.to_owned();
    let answer = world.call(ask).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.body["resource"], super::fixture::ORIGIN);
    assert_eq!(answer.body["authorization_servers"], json!([oauth_core::testkit::issuer().as_str()]));
    assert_eq!(answer.body["bearer_methods_supported"], json!(["header"]));
    assert_eq!(answer.body["tls_client_certificate_bound_access_tokens"], true);
    assert_eq!(answer.body["dpop_bound_access_tokens_required"], false);
    assert_eq!(answer.body["dpop_signing_alg_values_supported"], json!(["ES256", "PS256", "EdDSA"]));
    let scopes = answer.body["scopes_supported"].as_array().unwrap();
    for route in world.service.routes() {
        for scoped in route.needs.scope {
            assert!(scopes.contains(&json!(scoped.name())), "{} of {}", scoped.name(), route.path);
        }
    }
}

#[tokio::test]
async fn rfc_9728_section_3_1_no_other_resource_and_no_other_method_is_answered() {
    let world = file().await;
    let mut ask = Ask::get("/");
    ask.path = format!("{WELL_KNOWN}/elsewhere");
    assert_eq!(world.call(ask).await.status, 404);
    let mut ask = Ask::new("POST", "/");
    ask.path = WELL_KNOWN.to_owned();
    assert_eq!(world.call(ask).await.status, 405);
}

#[tokio::test]
async fn rfc_9728_section_5_1_a_refusal_leads_to_the_document() {
    let world = file().await;
    let refused = world.call(Ask::get("/banking/accounts")).await;
    let expected = format!("resource_metadata=\"{}{WELL_KNOWN}\"", super::fixture::ORIGIN);
    assert!(refused.header("www-authenticate").contains(&expected), "{}", refused.header("www-authenticate"));
}

const NEEDS: Needs = Needs {
    token: TokenKind::Customer,
    scope: &[],
    authentication: Authentication { acr_values: &["urn:bank:strong"], max_age: Some(Seconds::new(300)) },
    standing: IN_FORCE,
    permission: None,
    body: Body::None,
    retry: Retry::None,
};

#[tokio::test]
async fn rfc_9470_section_3_an_old_or_weak_sign_in_is_challenged_and_a_new_strong_one_passes() {
    let world = file().await;
    world.consent("c-1", &Permission::ALL, None).await;
    let layer = GuardLayer::new(world.guard.clone(), Origin::new(super::fixture::ORIGIN).unwrap(), NEEDS);
    let mut service = guarded(super::guard::WhoAmI, layer);
    let recent = now().minus(Seconds::new(300)).seconds();
    for (acr, auth_time, status) in [
        (Some("urn:bank:strong"), Some(recent), 200),
        (Some("urn:bank:strong"), Some(recent - 1), 401),
        (Some("urn:bank:strong"), None, 401),
        (Some("urn:bank:weak"), Some(recent), 401),
        (None, Some(recent), 401),
    ] {
        let claims =
            oauth_core::AccessClaims { acr: acr.map(str::to_owned), auth_time, ..claims("c-1", "openid") };
        let answer = service.call(super::guard::with_token(&claims)).await.unwrap();
        assert_eq!(answer.status(), status, "{acr:?} {auth_time:?}");
        if status == 401 {
            let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains("error=\"insufficient_user_authentication\""), "{challenge}");
            assert!(challenge.contains("acr_values=\"urn:bank:strong\", max_age=\"300\""), "{challenge}");
        }
    }
}
