//! JARM: authorization responses that are signed, and encrypted where the client registered so.

use oauth_core::{FAPI2_MESSAGE_SIGNING, FAPI2_SECURITY, FormPost, PLAIN_OAUTH, Return};
use serde_json::{Value, json};

use crate::bank::{Bank, CLIENT, Draft, ISSUER, START, open, parameters, plain, verified};

async fn pushed(bank: &Bank, mode: &str) -> crate::bank::Answer {
    bank.push_object(&Draft::request().with("response_mode", json!(mode)).sign()).await
}

#[tokio::test]
async fn section_2_1_the_response_holds_issuer_audience_end_and_parameters_and_nothing_else() {
    let bank = Bank::signing();
    let back = bank.arrive(pushed(&bank, "jwt").await).await.approve().await;
    let sent = parameters(&back);
    assert_eq!(sent.keys().collect::<Vec<_>>(), ["response"], "iss stands inside only");
    let (header, mut claims) = verified(&bank, &sent["response"]);
    assert_eq!(header["alg"], "ES256");
    let code = claims["code"].take();
    assert!(code.as_str().unwrap().starts_with("ac_"));
    let expected = json!({ "iss": ISSUER, "aud": CLIENT, "exp": START + 120, "code": null, "state": "st" });
    assert_eq!(claims, expected);
}

#[tokio::test]
async fn section_2_1_an_error_is_signed_like_a_code_and_state_is_left_out_when_none_was_sent() {
    let bank = Bank::signing();
    let object = Draft::request().with("response_mode", json!("jwt")).without("state").sign();
    let back = bank.arrive(bank.push_object(&object).await).await.deny().await;
    let sent = parameters(&back);
    assert_eq!(sent.len(), 1);
    let (_, claims) = verified(&bank, &sent["response"]);
    assert_eq!(
        (&claims["error"], &claims["iss"], &claims["aud"]),
        (&json!("access_denied"), &json!(ISSUER), &json!(CLIENT))
    );
    assert!(
        claims["error_description"].is_string()
            && claims.get("state").is_none()
            && claims.get("code").is_none()
    );
}

#[tokio::test]
async fn section_2_3_each_mode_travels_its_own_way() {
    let bank = Bank::signing();
    for mode in ["jwt", "query.jwt"] {
        let back = bank.arrive(pushed(&bank, mode).await).await.approve().await;
        assert!(matches!(back, Return::Redirect(_)), "{mode}");
    }
    let back = bank.arrive(pushed(&bank, "form_post.jwt").await).await.approve().await;
    let Return::Post(form) = &back else { panic!("{back:?}") };
    assert_eq!(form.fields.len(), 1);
    verified(&bank, &parameters(&back)["response"]);
    assert!(form.page().contains("name=\"response\""));
    assert!(FormPost::content_security_policy().starts_with("default-src 'none'; script-src 'sha256-"));
}

#[tokio::test]
async fn section_2_3_a_mode_the_policy_does_not_have_is_refused() {
    let bank = Bank::signing();
    for mode in ["query", "fragment", "form_post", "fragment.jwt", "JWT", "web_message"] {
        pushed(&bank, mode).await.refused("invalid_request", "FAPI2SP-5.3.2.2-mode");
    }
    let plain_only = Bank::with(&FAPI2_SECURITY, &json!({}));
    for mode in ["jwt", "query.jwt", "form_post"] {
        let mut fields = plain().to_vec();
        fields.push(("response_mode", mode));
        plain_only.push(&fields).await.refused("invalid_request", "FAPI2SP-5.3.2.2-mode");
    }
}

#[tokio::test]
async fn section_5_4_of_message_signing_a_response_without_a_mode_would_be_unsigned_and_is_refused() {
    let answer = Bank::signing().push_object(&Draft::request().sign()).await;
    answer.refused("invalid_request", "FAPI2MS-5.4.1");
    assert!(answer.json()["error_description"].as_str().unwrap().contains("response_mode=jwt"));
}

#[tokio::test]
async fn form_post_carries_the_plain_parameters_with_iss() {
    let bank = Bank::with(&PLAIN_OAUTH, &json!({}));
    let mut fields = plain().to_vec();
    fields.push(("response_mode", "form_post"));
    let back = bank.arrive(bank.push(&fields).await).await.approve().await;
    let Return::Post(_) = &back else { panic!("{back:?}") };
    let sent = parameters(&back);
    assert_eq!(sent.keys().collect::<Vec<_>>(), ["code", "iss", "state"]);
    assert_eq!(sent["iss"], ISSUER);
}

#[tokio::test]
async fn section_3_the_registered_algorithm_signs() {
    let bank = Bank::with(&FAPI2_MESSAGE_SIGNING, &json!({ "authorization_signed_response_alg": "PS256" }));
    let back = bank.arrive(pushed(&bank, "jwt").await).await.approve().await;
    assert_eq!(verified(&bank, &parameters(&back)["response"]).0["alg"], "PS256");
}

#[tokio::test]
async fn section_2_2_a_client_registered_for_encryption_gets_the_signed_response_inside() {
    for (alg, kid) in [("ECDH-ES", "enc-ec"), ("RSA-OAEP-256", "enc-rsa")] {
        let more = json!({ "authorization_encrypted_response_alg": alg, "authorization_encrypted_response_enc": "A256GCM" });
        let bank = Bank::with(&FAPI2_MESSAGE_SIGNING, &more);
        for approve in [true, false] {
            let arrived = bank.arrive(pushed(&bank, "jwt").await).await;
            let back = if approve { arrived.approve().await } else { arrived.deny().await };
            let (header, inner) = open(&parameters(&back)["response"]);
            let expected = [("alg", alg), ("enc", "A256GCM"), ("cty", "JWT"), ("kid", kid)];
            for (name, value) in expected {
                assert_eq!(header[name], Value::from(value), "{name}");
            }
            let claims = verified(&bank, &inner).1;
            assert!(claims[if approve { "code" } else { "error" }].is_string(), "{claims}");
        }
    }
}

#[tokio::test]
async fn section_4_the_metadata_lists_what_is_signed() {
    let signing = serde_json::to_value(Bank::signing().server.metadata()).unwrap();
    assert_eq!(signing["response_modes_supported"], json!(["jwt", "query.jwt", "form_post.jwt"]));
    assert_eq!(signing["authorization_signing_alg_values_supported"], json!(["ES256", "PS256", "EdDSA"]));
    assert_eq!(signing["authorization_encryption_alg_values_supported"], json!(["RSA-OAEP-256", "ECDH-ES"]));
    assert_eq!(signing["authorization_encryption_enc_values_supported"], json!(["A256GCM"]));
    assert!(signing.get("authorization_response_iss_parameter_supported").is_none(), "iss is in the JWT");
    let plain = serde_json::to_value(Bank::with(&FAPI2_SECURITY, &json!({})).server.metadata()).unwrap();
    assert_eq!(plain["response_modes_supported"], json!(["query"]));
    assert_eq!(plain["authorization_response_iss_parameter_supported"], json!(true));
    assert!(plain.get("authorization_signing_alg_values_supported").is_none());
    assert!(plain.get("authorization_encryption_alg_values_supported").is_none());
}

#[tokio::test]
async fn a_client_that_is_gone_is_sent_no_signed_response() {
    let bank = Bank::signing();
    let arrived = bank.arrive(pushed(&bank, "jwt").await).await;
    bank.forget_clients();
    let refused = arrived.decide(oauth_core::Outcome::Denied(oauth_core::Denial::Refused)).await.unwrap_err();
    assert!(refused.to_string().contains("RFC9126-4-there"), "{refused}");
}
