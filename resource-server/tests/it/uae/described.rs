//! The descriptions of the interface and of the bank's side, held against everything the tests send and get.

use std::collections::BTreeSet;

use http::Method;
use http::response::Parts;
use oauth_core::jose::Jws;
use oauth_core::limits;
use resource_server::http::ResourceService;
use resource_server::openapi;
use serde_json::{Value, json};

use super::bank::Bank;

/// Holds what was taken and answered against the description. Where the body travels signed, the message is held.
pub(super) fn holds(
    service: &ResourceService,
    (method, path, sent): &(Method, String, String),
    (head, message): (&Parts, &Value),
) {
    let path = path.split('?').next().unwrap();
    let interfaces = service.interfaces();
    let interface = interfaces.iter().find(|one| path.starts_with(&format!("{}/", one.base))).unwrap();
    let routes = service.routes();
    let route = openapi::route_of(&routes, interface, method, path);
    let about = route.and_then(|route| route.about);
    let status = head.status.as_u16();
    let media = head.headers.get("content-type").map_or("", |value| value.to_str().unwrap());
    if let Err(fault) = openapi::check_answer((interface, about), (status, media), message) {
        panic!("{method} {path} {status}: {fault}");
    }
    if let (true, Some(about), Some(taken)) = (status < 300, about, content(sent))
        && let Err(fault) = openapi::check_request(about, &taken)
    {
        panic!("{method} {path} took what is not described: {fault}");
    }
}

/// The message of a signed body, or JSON as it is. What is encrypted is not looked into.
fn content(sent: &str) -> Option<Value> {
    match Jws::parse(sent, limits::SIGNED_BODY_BYTES) {
        Ok(jws) => {
            let claims: Value = jws.verify_by(&oauth_core::testkit::keys::public()).ok()?.claims().ok()?;
            Some(claims["message"].clone())
        }
        Err(_) => serde_json::from_str(sent).ok(),
    }
}

fn document(bank: &Bank, name: &str) -> Value {
    bank.service.descriptions().into_iter().find(|(known, _)| *known == name).unwrap().1
}

#[tokio::test]
async fn every_route_is_described_under_its_own_name() {
    let bank = Bank::open().await;
    let both = [
        "CreatePayment",
        "CreatePushedAuthorizationRequest",
        "PatchPaymentConsent",
        "QueryPaymentResource",
        "RetrievePayment",
        "RetrievePaymentConsent",
        "RetrievePaymentConsentRefund",
        "RetrievePaymentConsentsByBaseConsentId",
    ];
    for (name, ids) in [
        ("uae-v1.2", both.to_vec()),
        ("uae", both.to_vec()),
        (
            "uae-bank-side",
            vec!["DecideAuthorization", "PatchConsentByLfi", "PatchPaymentLog", "RevokeConsentByLfi"],
        ),
    ] {
        let document = document(&bank, name);
        let paths = document["paths"].as_object().unwrap();
        let operations = paths.values().flat_map(|item| item.as_object().unwrap().values());
        let said: BTreeSet<&str> =
            operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
        assert_eq!(said.into_iter().collect::<Vec<_>>(), ids);
    }
    let routes = bank.service.routes();
    let silent: Vec<_> = routes.iter().filter(|route| route.about.is_none()).map(|it| &it.path).collect();
    assert!(silent.is_empty(), "not described: {silent:?}");
}

#[tokio::test]
async fn what_is_signed_is_described_as_a_text_and_what_is_in_it_as_its_content() {
    let document = document(&Bank::open().await, "uae");
    let payments = &document["paths"]["/open-finance/payment/v1/payments"]["post"];
    for (content, shape) in [
        (&payments["requestBody"]["content"], "PaymentRequest"),
        (&payments["responses"]["201"]["content"], "PaymentResponse"),
        (&payments["responses"]["400"]["content"], "Errors"),
    ] {
        let schema = &content["application/jwt"]["schema"];
        assert_eq!(
            (&schema["type"], &schema["contentMediaType"]),
            (&json!("string"), &json!("application/jwt"))
        );
        let message = &schema["contentSchema"]["prefixItems"][1]["properties"]["message"];
        assert_eq!(message["$ref"], format!("#/components/schemas/{shape}"));
    }
    assert_eq!(payments["responses"]["401"].get("content"), None, "section 13 gives it no body");
    assert_eq!(payments["responses"].get("default"), None, "every status is named");
}
