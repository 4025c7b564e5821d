//! RFC 9068: access tokens that say what they are, and are taken for nothing else.

use conformance::bank::Settings;
use conformance::host;
use conformance::tpp::jws::{Draft, Members};
use conformance::tpp::keys::{Alg, Key};
use conformance::tpp::mutate::HONEST;
use serde_json::{Value, json};

use crate::support::judge::{challenged, inactive, unguessable};
use crate::support::{World, embedded, identity};

/// RS-11.
#[tokio::test]
async fn section_2_the_token_is_typed_signed_and_complete() {
    let world = embedded().await;
    for tpp in [world.palm(), world.luzon()] {
        let tokens = world.tokens(&tpp, &identity()).await;
        let keys = tpp.server_keys().await.unwrap();
        let (header, claims) = keys.open(&tokens.access, &["ES256", "PS256"]).unwrap();
        assert_eq!(header["typ"], json!("at+jwt"));
        assert_eq!((&claims["iss"], &claims["client_id"]), (&json!(world.issuer()), &json!(tpp.id())));
        let now = host::now();
        let at = |name: &str| claims[name].as_i64().unwrap();
        assert!((at("iat") - now).abs() < 60 && at("exp") - at("iat") <= 600 && at("exp") > now);
        assert_eq!(tokens.body["expires_in"].as_i64().unwrap(), at("exp") - at("iat"));
        assert!(claims["aud"].as_str().is_some_and(|aud| aud.starts_with(&world.issuer())), "{claims}");
        assert_ne!(claims["aud"], json!(tpp.id()));
        unguessable(claims["jti"].as_str().unwrap());
        assert_eq!(claims["scope"], tokens.body["scope"]);
        assert!(claims["auth_time"].is_i64() && claims["acr"].is_string());
        for personal in ["email", "name", "phone_number", "nonce"] {
            assert!(claims.get(personal).is_none(), "{personal}");
        }
        let again = world.tokens(&tpp, &identity()).await;
        let (_, other) = keys.open(&again.access, &["ES256", "PS256"]).unwrap();
        assert_ne!(claims["jti"], other["jti"]);
    }
}

fn forged(key: &Key, typ: &str, claims: &Value) -> String {
    let header = Members::of([("alg", key.alg().name()), ("kid", key.id()), ("typ", typ)]);
    let mut all = Members::default();
    for (name, value) in claims.as_object().unwrap() {
        all.add(name, value.clone());
    }
    Draft { header, claims: all }.sign(key).unwrap()
}

/// RS-10, RS-11, T-JO-01 to T-JO-04.
#[tokio::test]
async fn section_4_a_token_that_this_bank_did_not_sign_is_refused() {
    let world = embedded().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let (header, claims) = conformance::tpp::jws::peek(&tokens.access).unwrap();
    let kid = header["kid"].as_str().unwrap();
    let own = Key::generate(Alg::Es256, kid).unwrap();
    let (input, signature) = tokens.access.rsplit_once('.').unwrap();
    let (head, body) = input.split_once('.').unwrap();
    let unsigned = Draft {
        header: Members::of([("alg", "none"), ("typ", "at+jwt")]),
        claims: Members::of([("sub", claims["sub"].clone())]),
    };
    let mine = palm.registered().key.clone();
    for (case, wrong) in [
        ("another key", forged(&own, "at+jwt", &claims)),
        ("a key of the client", forged(&mine, "at+jwt", &claims)),
        ("the proof key", forged(palm.proof_key(), "at+jwt", &claims)),
        ("no signature", format!("{head}.{body}.")),
        ("none", unsigned.sign(&own).unwrap()),
        ("two parts", input.to_owned()),
        ("four parts", format!("{}.x", tokens.access)),
        ("padding", format!("{}=", tokens.access)),
        ("another body", format!("{head}.{}.{signature}", body.replace(&body[..4], "eyJh"))),
    ] {
        if wrong == tokens.access {
            continue;
        }
        let answer = world.userinfo(&palm, &wrong).await;
        challenged(&answer, "DPoP", "invalid_token", case);
    }
    let id_token = tokens.body["id_token"].as_str().unwrap();
    challenged(&world.userinfo(&palm, id_token).await, "DPoP", "invalid_token", "an ID token");
}

/// T-FA-01: the same client, key and customer at two running banks; what one issued opens nothing at the other.
#[tokio::test]
async fn a_token_of_another_running_bank_for_the_same_key_opens_nothing() {
    let world = embedded().await;
    let other = World::start(Settings::default()).await;
    let here = world.palm();
    let there = other.palm().with_proof_key(here.proof_key().clone());
    let tokens = other.tokens(&there, &identity()).await;
    assert_eq!(other.userinfo(&there, &tokens.access).await.status, 200);
    challenged(&world.userinfo(&here, &tokens.access).await, "DPoP", "invalid_token", "userinfo");
    let account = format!("{}/OFPH/v1/banking/accounts", world.issuer());
    challenged(&here.get(&account, &tokens.access, HONEST).await.unwrap(), "DPoP", "invalid_token", "API");
    inactive(&world.apis().present("introspection_endpoint", &tokens.access, HONEST).await.unwrap(), "told");
}
