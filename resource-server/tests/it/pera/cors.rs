//! Section 6.1: whose pages may read answers.

use resource_server::domain::{OrganisationId, OrganisationStatus};
use resource_server::port::Participants as _;

use super::*;

const PAGE: &str = "https://app.bayantrust.example";

async fn with_page() -> World {
    let world = file().await;
    let body = json!({"organizationId": "test-provider", "organizationName": "T", "organizationType": "PERA_ADMIN",
        "registeredName": "T", "contactDetails": {"phone": "1", "email": "a@b.example"},
        "endpointURIs": {"authorizationEndpoint": "https://a.example/a", "tokenEndpoint": "https://a.example/t",
            "resourceEndpoint": "https://a.example/r"}, "corsUris": [PAGE]});
    let made = world
        .call(Ask::new("POST", "/admin/organization").token(&own_claims("admin:write")).json(&body))
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    world
}

fn preflight(origin: &str) -> Ask {
    let mut ask = Ask::new("OPTIONS", "/banking/payments").header("origin", origin);
    ask.headers.push(("access-control-request-method".into(), "POST".into()));
    ask.without("participant-id")
}

const ALLOW: &str = "access-control-allow-origin";

#[tokio::test]
async fn a_preflight_of_a_participants_page_is_answered_without_a_token() {
    let world = with_page().await;
    let answer = world.call(preflight(PAGE)).await;
    assert_eq!((answer.status, answer.header(ALLOW)), (204, PAGE));
    assert_eq!(answer.header("access-control-allow-methods"), "POST, GET");
    assert!(answer.header("access-control-allow-headers").contains("authorization, dpop"));
    assert_eq!(answer.header("vary"), "Origin");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    assert!(answer.bytes.is_empty());
}

#[tokio::test]
async fn a_strangers_page_gets_no_header_and_the_allow_list_is_exact() {
    let world = with_page().await;
    for origin in [
        "https://evil.example",
        "null",
        "https://app.bayantrust.example.evil.example",
        "https://APP.bayantrust.example",
        "https://app.bayantrust.example:8443",
        "http://app.bayantrust.example",
        "https://app.bayantrust.example/",
    ] {
        let answer = world.call(preflight(origin)).await;
        assert_eq!((answer.status, answer.header(ALLOW)), (204, ""), "{origin}");
        let get = Ask::get("/banking/products").token(&own_claims("products")).header("origin", origin);
        let answer = world.call(get).await;
        assert_eq!((answer.status, answer.header(ALLOW)), (200, ""), "{origin}");
        assert_eq!(answer.header("vary"), "Origin");
    }
}

#[tokio::test]
async fn answers_and_refusals_are_readable_by_the_page_of_an_active_participant_only() {
    let world = with_page().await;
    let get = || Ask::get("/banking/products").header("origin", PAGE);
    let refused = world.call(get()).await;
    assert_eq!((refused.status, refused.header(ALLOW)), (401, PAGE));
    assert!(refused.header("access-control-expose-headers").contains("www-authenticate"));
    let id = OrganisationId::new("test-provider").unwrap();
    for status in
        [OrganisationStatus::Inactive, OrganisationStatus::Maintenance, OrganisationStatus::Suspended]
    {
        world.bank.put_status(&id, status).await.unwrap();
        assert_eq!(world.call(get()).await.header(ALLOW), "", "{status:?}");
        assert_eq!(world.call(preflight(PAGE)).await.header(ALLOW), "", "{status:?}");
    }
    world.bank.put_status(&id, OrganisationStatus::Active).await.unwrap();
    assert_eq!(world.call(get()).await.header(ALLOW), PAGE);
    let without = world.call(Ask::get("/banking/products")).await;
    assert_eq!((without.header(ALLOW), without.header("vary")), ("", ""));
}
