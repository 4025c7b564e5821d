//! OFxPERA section 7.2: answers with a customer's data, encrypted to clients that registered for it and to nobody else; opened
//! by another implementation.

use conformance::bank::Settings;
use conformance::tpp::flow::Tpp;
use conformance::tpp::keys::{Alg, Key};
use conformance::tpp::mutate::HONEST;
use conformance::tpp::verify::ServerKeys;
use serde_json::{Value, json};

use crate::encryption::{REDIRECT_URI, SEALED, Sealing, registered};
use crate::pera::{call, consented, data, taking};
use crate::support::World;

const PERMISSIONS: &[&str] = &[
    "CUSTOMER_READ",
    "CUSTOMER_DETAIL_READ",
    "SOURCE_ACCOUNT_READ",
    "PERA_BASIC_INFO",
    "PERA_BALANCE",
    "PERA_TRANSACTIONS",
    "PAYMENT_INITIATE",
];
const SCOPE: &str = "openid customer customer_details bank_account accounts.basic accounts.details payments";
const ACCOUNTS: &[&str] = &["acc-mariam-3", "pera-mariam-1"];

fn registration(sealing: &Sealing, key: &Key) -> String {
    let keys = json!({ "keys": [key.registered(), sealing.public] });
    format!(
        "[[issuers.clients]]\nclient_id = \"{}\"\nclient_name = \"Sealed\"\n\
         token_endpoint_auth_method = \"private_key_jwt\"\ndpop_bound_access_tokens = true\n\
         redirect_uris = [\"{REDIRECT_URI}\"]\n\
         grant_types = [\"authorization_code\", \"refresh_token\", \"client_credentials\"]\n\
         scope = \"{SCOPE} consent products\"\nauthorization_details_types = [\"urn:ofxpera:consent:v1\"]\n\
         jwks = '{keys}'\nresource_encrypted_response_alg = \"{}\"\nresource_encrypted_response_enc = \"A256GCM\"\n",
        sealing.id(),
        sealing.alg,
    )
}

/// What an encrypted answer says: the type of its envelope, who signed it, and the document in it.
#[track_caller]
fn opened(
    answer: &conformance::client::Answer,
    status: u16,
    (sealing, keys): (&Sealing, &ServerKeys),
) -> Value {
    let media = answer.header("content-type");
    assert_eq!((answer.status.as_u16(), media), (status, Some("application/jose")), "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let (_, document) = keys.open(&sealing.open(&answer.text()), &["PS256"]).unwrap();
    document
}

/// Without what differs between two consents and two moments.
fn comparable(mut document: Value) -> Value {
    match &mut document {
        Value::Array(items) => *items = items.drain(..).map(comparable).collect(),
        Value::Object(members) => {
            for name in [
                "arrangementId",
                "as_of",
                "paymentId",
                "consentId",
                "creationDateTime",
                "statusUpdateDateTime",
            ] {
                members.remove(name);
            }
            members.remove("self");
            for member in members.values_mut() {
                *member = comparable(member.take());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn section_7_2_who_registered_for_it_gets_the_plain_answer_in_an_envelope_and_nobody_else_does() {
    let pairs = SEALED.map(|alg| (Sealing::new(alg), Key::generate(Alg::Es256, "sig-1").unwrap()));
    let clients: String = pairs.iter().map(|(sealing, key)| registration(sealing, key)).collect();
    let file = format!("[[issuers]]\npolicy = \"fapi2-security\"\n{clients}");
    let world = World::start(Settings { deployment: Some(file), ..Settings::default() }).await;
    let luzon = world.luzon();
    let clear = consented((&world, &luzon), (PERMISSIONS, SCOPE), ACCOUNTS).await.access;
    let plain = async |what| call((&world, &luzon), &clear, what, None).await;
    for (sealing, key) in &pairs {
        let tpp = Tpp::discover(registered(&world, &sealing.id(), key)).await.unwrap();
        let keys = tpp.server_keys().await.unwrap();
        let token = consented((&world, &tpp), (PERMISSIONS, SCOPE), ACCOUNTS).await.access;
        for path in [
            "/common/customer",
            "/common/customer/cus-mariam/detail",
            "/banking/account",
            "/banking/accounts",
            "/banking/accounts/pera-mariam-1",
            "/banking/account/pera-mariam-1/transactions?oldest-time=2020-01-01T00:00:00Z",
        ] {
            let expected = data(&plain(("GET", path)).await, 200);
            for accept in ["application/jose", "application/json", "*/*"] {
                let answer = taking((&world, &tpp), &token, (("GET", path), accept), None).await;
                let told = opened(&answer, 200, (sealing, &keys));
                let (mut told, mut expected) =
                    (comparable(told["data"].clone()), comparable(expected.clone()));
                // who the administrator is, is who asks
                for document in [&mut told, &mut expected] {
                    if let Some(members) = document.as_object_mut() {
                        members.remove("peraAdmin");
                    }
                }
                assert_eq!(told, expected, "{path} {accept}");
            }
        }
        payments((&world, &tpp), &token, (sealing, &keys)).await;
        refusals((&world, &tpp), &token).await;
    }
    for path in ["/common/customer", "/banking/accounts", "/banking/payments"] {
        let neither = taking((&world, &luzon), &clear, (("GET", path), "application/jose"), None).await;
        let code = neither.json().unwrap()["errors"][0]["code"].clone();
        assert_eq!((neither.status.as_u16(), code), (406, json!("NOT_ACCEPTABLE")), "{path}");
        let answer = taking((&world, &luzon), &clear, (("GET", path), "*/*"), None).await;
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{path}");
    }
}

/// Made, repeated, read by the client alone, and called off: every answer is sealed.
async fn payments(with: (&World, &Tpp), token: &str, by: (&Sealing, &ServerKeys)) {
    let order = json!({"data": {"sourceAccountId": ACCOUNTS[0], "peraAccountId": ACCOUNTS[1],
        "amount": {"amount": "1.00", "currency": "PHP"}, "rail": "PESONET", "reference": "CTR-1"}});
    let made = opened(&call(with, token, ("POST", "/banking/payments"), Some(order)).await, 201, by);
    assert_eq!(made["data"]["amount"]["amount"], json!("1.00"), "{made}");
    let path = format!("/banking/payments/{}", made["data"]["paymentId"].as_str().unwrap());
    let alone = with.1.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap();
    let read = opened(&call(with, &alone, ("GET", &path), None).await, 200, by);
    assert_eq!(read["data"]["reference"], json!("CTR-1"));
    let over = opened(&call(with, token, ("DELETE", &path), None).await, 200, by);
    assert_eq!(over["data"]["status"], json!("CANCELLED"));
}

/// A refusal tells nothing of a customer and can be read by whoever looks for the fault.
async fn refusals(with: (&World, &Tpp), token: &str) {
    let answer = call(with, token, ("GET", "/banking/accounts/nobody"), None).await;
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(answer.json().unwrap()["errors"][0]["code"], json!("ACCOUNT_NOT_FOUND"));
    let own = with.1.act_alone("products", HONEST).await.unwrap().member("access_token").unwrap();
    let products = call(with, &own, ("GET", "/banking/products"), None).await;
    assert_eq!(products.header("content-type"), Some("application/json; charset=utf-8"));
}
