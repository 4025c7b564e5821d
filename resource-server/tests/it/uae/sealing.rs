//! Sections 2.3 and 8.1: encrypted bodies and encrypted answers.

use http::Method;
use serde_json::{Value, json};

use super::KEY;
use super::bank::{Bank, CONSENT, Got, Sent, order, sealed, unsealed};

async fn post(bank: &Bank, token: &str, body: String) -> Got {
    let headers = vec![("x-idempotency-key", KEY), ("content-type", "application/jwt")];
    bank.send(Sent { method: Method::POST, path: "/payments", token, headers, body }).await
}

fn is_sealed(got: &Got) -> bool {
    got.raw.split('.').count() == 5
}

#[tokio::test]
async fn section_8_1_an_encrypted_order_is_taken_and_its_answer_encrypted_where_the_client_registered_so() {
    let bank = Bank::open().await;
    let (open, closed) = (bank.consented(CONSENT, "tpp").await, bank.consented(super::OTHER, "sealed").await);
    let body = sealed(&bank.signed("tpp", &order(CONSENT)));
    let got = post(&bank, &open, body).await;
    assert_eq!((got.status.as_u16(), is_sealed(&got)), (201, false), "{got:?}");
    let body = sealed(&bank.signed("sealed", &order(super::OTHER)));
    let got = post(&bank, &closed, body).await;
    assert_eq!((got.status.as_u16(), is_sealed(&got)), (201, true), "{got:?}");
    assert_eq!(got.header("content-type"), "application/jwt");
    let path = format!("/payments/{}", got.message["Data"]["PaymentId"].as_str().unwrap());
    let read = bank.get(&closed, &path).await;
    assert_eq!((read.status.as_u16(), is_sealed(&read)), (200, true));
    assert_eq!(read.message, got.message);
}

#[tokio::test]
async fn section_8_1_what_cannot_be_opened_is_refused_by_its_header_or_as_undecryptable() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "tpp").await;
    let good = sealed(&bank.signed("tpp", &order(CONSENT)));
    let parts: Vec<&str> = good.split('.').collect();
    let with = |index: usize, part: &str| {
        let mut parts = parts.clone();
        parts[index] = part;
        parts.join(".")
    };
    let header = |header: Value| with(0, &encoded(&header.to_string()));
    let damaged: String = parts[3].chars().rev().collect();
    for (body, code) in [
        (header(json!({"alg": "RSA1_5", "enc": "A256GCM"})), "JWE.InvalidHeader"),
        (header(json!({"alg": "dir", "enc": "A256GCM"})), "JWE.InvalidHeader"),
        (header(json!({"alg": "RSA-OAEP-256", "enc": "A128CBC-HS256"})), "JWE.InvalidHeader"),
        (header(json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "zip": "DEF"})), "JWE.InvalidHeader"),
        (header(json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "crit": ["x"]})), "JWE.InvalidHeader"),
        (header(json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "text"})), "JWE.InvalidHeader"),
        (header(json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT"})), "JWE.DecryptionError"),
        (header(json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": "unknown"})), "JWE.DecryptionError"),
        (with(3, &damaged), "JWE.DecryptionError"),
        (with(4, "AAAAAAAAAAAAAAAAAAAAAA"), "JWE.DecryptionError"),
        (with(1, "AAAA"), "JWE.DecryptionError"),
        ("a.b.c.d.e".to_owned(), "JWE.DecryptionError"),
        (sealed("not a signed object"), "JWS.Malformed"),
    ] {
        let got = post(&bank, &token, body.clone()).await;
        assert_eq!(got.code(), (400, code), "{body:.60} {got:?}");
    }
    assert_eq!(post(&bank, &token, good).await.status, 201, "nothing was bound");
}

#[tokio::test]
async fn section_8_1_a_client_that_must_encrypt_cannot_send_in_the_clear_and_its_refusals_are_encrypted() {
    let bank = Bank::open().await;
    let token = bank.consented(CONSENT, "sealed").await;
    let clear = bank.signed("sealed", &order(CONSENT));
    let got = post(&bank, &token, clear.clone()).await;
    assert_eq!((got.code(), is_sealed(&got)), ((400, "JWE.InvalidHeader"), true));
    let body = sealed(&bank.signed("sealed", &json!({"Data": {}})));
    let got = post(&bank, &token, body).await;
    assert_eq!((got.code(), is_sealed(&got)), ((400, "Body.InvalidFormat"), true));
    assert!(unsealed(&got.raw).split('.').count() == 3);
    let headers = vec![("content-type", "application/jwt")];
    let (path, plain) = (format!("/payment-consents/{CONSENT}"), bank.client_token("sealed"));
    let change = json!({"Data": {"Status": "Revoked", "RevokedBy": "TPP"}});
    let body = bank.signed("sealed", &change);
    let sent = Sent { method: Method::PATCH, path: &path, token: &plain, headers: headers.clone(), body };
    assert_eq!(bank.send(sent).await.code(), (400, "JWE.InvalidHeader"));
    let body = sealed(&bank.signed("sealed", &change));
    let sent = Sent { method: Method::PATCH, path: &path, token: &plain, headers, body };
    assert_eq!(bank.send(sent).await.status, 204);
}

#[tokio::test]
async fn section_8_1_without_a_key_of_the_client_nothing_is_done_and_nothing_is_told() {
    let bank = Bank::open_with_keyless().await;
    let token = bank.consented(CONSENT, "sealed").await;
    let got = post(&bank, &token, sealed(&bank.signed("sealed", &order(CONSENT)))).await;
    assert_eq!((got.code(), is_sealed(&got)), ((500, "GenericError"), false));
    assert!(!got.message.to_string().contains(CONSENT));
    let read = bank.get(&token, &format!("/payment-consents/{CONSENT}")).await;
    assert_eq!(read.code(), (500, "GenericError"));
    assert!(read.message.get("Data").is_none());
    assert!(bank.nothing_booked().await);
}

fn encoded(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}
