//! RFC 9396 section 2: the generic `payment_initiation`, asked for, shown, granted, told and ended.

use conformance::html;
use conformance::tpp::flow::{Ask, Tokens};
use conformance::tpp::jws::peek;
use conformance::tpp::mutate::{HONEST, Part, set};
use conformance::user::Decision;
use serde_json::{Value, json};

use crate::support::judge::{inactive, refused};
use crate::support::uae::ACCOUNT;
use crate::support::{World, over_every_database, page, page_form};

over_every_database!(
    a_payment_is_granted_as_asked_and_told_to_client_and_resource,
    a_payment_of_another_shape_is_not_asked_of_anyone,
);

/// Clients of both kinds of binding.
const CLIENTS: [&str; 2] = ["jwt-eddsa-dpop", "self-signed-mtls"];

fn payment() -> Value {
    json!({
        "type": "payment_initiation",
        "actions": ["initiate", "status", "cancel"],
        "locations": ["https://example.com/payments"],
        "instructedAmount": {"currency": "AED", "amount": "123.50"},
        "creditorName": "Merchant <A> & Sons",
        "creditorAccount": {"iban": "DE02100100109307118603"},
        "remittanceInformationUnstructured": "Ref Number Merchant",
    })
}

/// RFC 9396 sections 2, 5, 6, 7 and 9.
async fn a_payment_is_granted_as_asked_and_told_to_client_and_resource(world: &World) {
    for client in CLIENTS {
        let tpp = world.client(client).await;
        let ask = Ask::new("openid payments").with_details(&json!([payment()]));
        let request_uri = world.push(&tpp, &ask).await;
        let shown =
            world.signed_in().await.open(&tpp.authorization_url(&request_uri).unwrap()).await.unwrap();
        let text = page(&shown).text();
        for told in ["123.50", "Merchant &lt;A&gt; &amp; Sons", "DE02", "8603", "Ref Number Merchant"] {
            assert!(text.contains(told), "{told}: {text}");
        }
        let chosen = Decision::ApproveOnly(vec![ACCOUNT.to_owned()]);
        let returned = world.decide(&tpp, &request_uri, &chosen).await;
        let code = tpp.code(&ask, &returned).await.unwrap();
        let tokens = Tokens::read(&tpp.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
        let granted = &tokens.body["authorization_details"];
        assert_eq!(granted, &json!([payment()]), "as asked, and nothing of the account");
        assert_eq!(peek(&tokens.access).unwrap().1["authorization_details"], *granted);
        let told = world.apis().present("introspection_endpoint", &tokens.access, HONEST).await.unwrap();
        let told = told.json().unwrap();
        assert_eq!((&told["active"], &told["authorization_details"]), (&json!(true), granted));

        let refresh = tokens.refresh.unwrap();
        let with = |details: Value| [set(Part::TokenForm, "authorization_details", details.to_string())];
        let same = tpp.refresh(&refresh, &with(json!([payment()]))).await.unwrap();
        assert_eq!(same.json().unwrap()["authorization_details"], *granted, "{}", same.text());
        let mut more = payment();
        more["instructedAmount"]["amount"] = json!("123.51");
        let widened = tpp.refresh(&refresh, &with(json!([more]))).await.unwrap();
        refused(&widened, 400, "invalid_authorization_details");
        let plain = tpp.refresh(&refresh, HONEST).await.unwrap();
        assert_eq!(plain.json().unwrap()["authorization_details"], *granted);

        ended_by_the_customer(world).await;
        refused(&tpp.refresh(&refresh, HONEST).await.unwrap(), 400, "invalid_grant");
        let told = world.apis().present("introspection_endpoint", &tokens.access, HONEST).await.unwrap();
        inactive(&told, client);
    }
}

/// The newest consent of this payee ends on the bank's page.
async fn ended_by_the_customer(world: &World) {
    let mut visit = world.signed_in().await;
    let list = visit.open(&format!("{}/my/consents", world.issuer())).await.unwrap();
    let text = page(&list).text();
    let mut links = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let unescaped = |href: &str| href.replace("&#x2F;", "/").replace("&#x2f;", "/");
    let mut found = None;
    for href in links.by_ref().map(unescaped).filter(|href| href.starts_with("/my/consents/")) {
        let details = visit.open(&format!("{}{href}", world.issuer())).await.unwrap();
        let shown = page(&details).text();
        if shown.contains("Merchant &lt;A&gt;") && shown.contains("id=\"revoke\"") {
            found = Some(details);
            break;
        }
    }
    let details = found.unwrap_or_else(|| panic!("the consent is not listed: {text}"));
    let sure = visit.submit(&page_form(&details, "revoke"), "revoke").await.unwrap();
    let done = visit.submit(&page_form(&sure, "confirm-revoke"), "confirm-revoke").await.unwrap();
    assert_eq!(page(&done).status, 200);
    assert!(html::text_of(&page(&done).text(), "error").is_none());
}

/// RFC 9396 section 5.
async fn a_payment_of_another_shape_is_not_asked_of_anyone(world: &World) {
    let tpp = world.client("jwt-es256-mtls").await;
    let changed = |name: &str, value: Value| {
        let mut element = payment();
        element[name] = value;
        element
    };
    let without = |name: &str| {
        let mut element = payment();
        element.as_object_mut().unwrap().remove(name);
        element
    };
    for element in [
        without("instructedAmount"),
        without("creditorName"),
        without("creditorAccount"),
        changed("unknown", json!(1)),
        changed("actions", json!(["steal"])),
        changed("actions", json!("initiate")),
        changed("locations", json!(["http://example.com/payments"])),
        changed("instructedAmount", json!({"currency": "AED", "amount": 123.5})),
        changed("instructedAmount", json!({"currency": "AED", "amount": "-1.00"})),
        changed("instructedAmount", json!({"currency": "AED", "amount": "0.00"})),
        changed("instructedAmount", json!({"currency": "AED", "amount": "1.005"})),
        changed("instructedAmount", json!({"currency": "XXQ", "amount": "1.00"})),
        changed("creditorName", json!("")),
        changed("creditorName", json!("\u{202e}reversed")),
        changed("creditorAccount", json!({"iban": "DE03100100109307118603"})),
        changed("creditorAccount", json!({"iban": "DE02 1001 0010 9307 1186 03"})),
        changed("remittanceInformationUnstructured", json!("x".repeat(141))),
    ] {
        let ask = Ask::new("openid payments").with_details(&json!([element]));
        let answer = tpp.push(&ask, HONEST).await.unwrap();
        refused(&answer, 400, "invalid_authorization_details");
    }
}
