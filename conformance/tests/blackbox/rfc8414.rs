//! RFC 8414 and OpenID Connect Discovery: what the bank says of itself, and its keys (RFC 7517).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use crate::support::raw::Raw;
use crate::support::{World, embedded};

const WELL_KNOWN: [&str; 2] =
    ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

async fn fetched(world: &World, path: &str) -> conformance::client::Answer {
    world.bank.client().unwrap().get(&format!("{}{path}", world.issuer())).await.unwrap()
}

async fn metadata(world: &World) -> Value {
    fetched(world, WELL_KNOWN[0]).await.json().unwrap()
}

fn list(metadata: &Value, name: &str) -> Vec<String> {
    let values = metadata[name].as_array().unwrap_or_else(|| panic!("{name} is no list"));
    values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

/// DISC-01, DISC-02, DISC-31.
#[tokio::test]
async fn section_3_both_well_known_addresses_serve_the_same_document() {
    let world = embedded().await;
    let mut bodies = Vec::new();
    for path in WELL_KNOWN {
        let answer = fetched(world, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, Some("application/json")),
            "{path}"
        );
        assert!(answer.header("cache-control").is_some_and(|told| told.contains("max-age=")), "{path}");
        bodies.push(answer.json().unwrap());
    }
    assert_eq!(bodies[0], bodies[1]);
    for path in WELL_KNOWN {
        for method in ["POST", "PUT", "DELETE"] {
            let url = format!("{}{path}", world.issuer());
            let answer = Raw::bare(method, &url).send(&world.bank.client().unwrap()).await;
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
}

/// DISC-03, T-CA-12, T-HT-09.
#[tokio::test]
async fn section_3_3_the_issuer_is_the_address_and_never_the_host_header() {
    let world = embedded().await;
    let honest = metadata(world).await;
    let issuer = Url::parse(honest["issuer"].as_str().unwrap()).unwrap();
    assert_eq!(honest["issuer"], json!(world.issuer()));
    assert!(issuer.scheme() == "https" && issuer.query().is_none() && issuer.fragment().is_none());
    let url = format!("{}{}", world.issuer(), WELL_KNOWN[0]);
    let moved = Raw::bare("GET", &url)
        .with("x-forwarded-host", "evil.example")
        .with("x-forwarded-proto", "http")
        .with("forwarded", "host=evil.example");
    assert_eq!(moved.send(&world.bank.client().unwrap()).await.json().unwrap(), honest);
    let other_host = Raw::bare("GET", &url).with("host", "evil.example");
    let answer = other_host.send(&world.bank.client().unwrap()).await;
    assert!(!answer.text().contains("evil.example"), "{}", answer.text());
}

/// DISC-04, DISC-05: registered names with their types; absent rather than null or empty.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one row per registered name: the table is the point")]
async fn section_2_every_member_is_registered_and_of_its_type() {
    let world = embedded().await;
    let metadata = metadata(world).await;
    let (lists, addresses, switches): (&[&str], &[&str], &[&str]) = (
        &[
            "scopes_supported",
            "response_types_supported",
            "response_modes_supported",
            "grant_types_supported",
            "token_endpoint_auth_methods_supported",
            "token_endpoint_auth_signing_alg_values_supported",
            "revocation_endpoint_auth_methods_supported",
            "revocation_endpoint_auth_signing_alg_values_supported",
            "introspection_endpoint_auth_methods_supported",
            "introspection_endpoint_auth_signing_alg_values_supported",
            "introspection_signing_alg_values_supported",
            "code_challenge_methods_supported",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
            "dpop_signing_alg_values_supported",
            "authorization_details_types_supported",
            "claims_supported",
            "acr_values_supported",
            "prompt_values_supported",
            "ui_locales_supported",
            "userinfo_signing_alg_values_supported",
            "request_object_signing_alg_values_supported",
            "request_object_encryption_alg_values_supported",
            "request_object_encryption_enc_values_supported",
            "id_token_encryption_alg_values_supported",
            "id_token_encryption_enc_values_supported",
            "userinfo_encryption_alg_values_supported",
            "userinfo_encryption_enc_values_supported",
            "introspection_encryption_alg_values_supported",
            "introspection_encryption_enc_values_supported",
            "authorization_signing_alg_values_supported",
            "authorization_encryption_alg_values_supported",
            "authorization_encryption_enc_values_supported",
            "claim_types_supported",
            "display_values_supported",
        ],
        &[
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "revocation_endpoint",
            "introspection_endpoint",
            "userinfo_endpoint",
            "pushed_authorization_request_endpoint",
            "registration_endpoint",
            "end_session_endpoint",
            "service_documentation",
            "op_policy_uri",
            "op_tos_uri",
        ],
        &[
            "require_pushed_authorization_requests",
            "tls_client_certificate_bound_access_tokens",
            "authorization_response_iss_parameter_supported",
            "request_parameter_supported",
            "request_uri_parameter_supported",
            "require_request_uri_registration",
            "claims_parameter_supported",
            "require_signed_request_object",
        ],
    );
    for (name, value) in metadata.as_object().unwrap() {
        let name = name.as_str();
        if lists.contains(&name) {
            let values: Vec<String> = list(&metadata, name);
            let distinct: BTreeSet<&String> = values.iter().collect();
            assert!(!values.is_empty() && distinct.len() == values.len(), "{name}: {values:?}");
        } else if addresses.contains(&name) {
            let url = Url::parse(value.as_str().unwrap()).unwrap();
            assert!(
                url.scheme() == "https" && url.fragment().is_none() && url.username().is_empty(),
                "{name}"
            );
        } else if switches.contains(&name) {
            assert!(value.is_boolean(), "{name}");
        } else {
            assert_eq!(name, "mtls_endpoint_aliases", "not a registered name");
        }
    }
}

/// DISC-06 to DISC-18, DISC-23.
#[tokio::test]
async fn the_metadata_offers_what_fapi_2_0_allows_and_nothing_else() {
    let metadata = metadata(embedded().await).await;
    assert_eq!(list(&metadata, "response_types_supported"), ["code"]);
    assert_eq!(list(&metadata, "response_modes_supported"), ["query"]);
    assert_eq!(list(&metadata, "code_challenge_methods_supported"), ["S256"]);
    for name in [
        "authorization_response_iss_parameter_supported",
        "require_pushed_authorization_requests",
        "tls_client_certificate_bound_access_tokens",
    ] {
        assert_eq!(metadata[name], json!(true), "{name}");
    }
    let permitted = ["PS256", "ES256", "EdDSA", "Ed25519"];
    for (name, value) in metadata.as_object().unwrap() {
        if name.contains("signing_alg_values_supported") {
            for alg in value.as_array().unwrap() {
                assert!(permitted.contains(&alg.as_str().unwrap()), "{name}: {alg}");
            }
        }
    }
    let methods = ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"];
    for name in ["token", "introspection", "revocation"] {
        let offered = list(&metadata, &format!("{name}_endpoint_auth_methods_supported"));
        assert!(offered.iter().all(|method| methods.contains(&method.as_str())), "{name}: {offered:?}");
        assert!(
            offered.contains(&"private_key_jwt".to_owned())
                && offered.contains(&"tls_client_auth".to_owned())
        );
    }
    let grants = list(&metadata, "grant_types_supported");
    for grant in ["authorization_code", "refresh_token", "client_credentials"] {
        assert!(grants.contains(&grant.to_owned()), "{grants:?}");
    }
    for grant in ["implicit", "password"] {
        assert!(!grants.contains(&grant.to_owned()), "{grants:?}");
    }
}

/// DISC-19, DISC-22, DISC-26.
#[tokio::test]
async fn endpoints_aliases_and_types_are_all_there() {
    let world = embedded().await;
    let metadata = metadata(world).await;
    let endpoints = [
        "token_endpoint",
        "pushed_authorization_request_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "userinfo_endpoint",
    ];
    for name in endpoints {
        let (main, alias) =
            (metadata[name].as_str().unwrap(), metadata["mtls_endpoint_aliases"][name].as_str().unwrap());
        assert!(main.starts_with(&format!("{}/", world.bank.origin())), "{name} {main}");
        assert!(alias.starts_with(&format!("{}/", world.bank.mtls_origin())), "{name} {alias}");
    }
    for name in metadata["mtls_endpoint_aliases"].as_object().unwrap().keys() {
        assert!(endpoints.contains(&name.as_str()), "{name}");
    }
    let types = list(&metadata, "authorization_details_types_supported");
    for name in
        ["urn:openfinanceuae:service-initiation-consent", "urn:ofxpera:consent:v1", "payment_initiation"]
    {
        assert!(types.contains(&name.to_owned()), "{types:?}");
    }
}

/// DISC-20; RFC 6749 section 3.3.
#[tokio::test]
async fn scopes_are_scope_tokens_and_hold_openid() {
    let metadata = metadata(embedded().await).await;
    let scopes = list(&metadata, "scopes_supported");
    assert!(scopes.contains(&"openid".to_owned()));
    let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(scopes.iter().all(|scope| !scope.is_empty() && scope.bytes().all(allowed)), "{scopes:?}");
    assert_eq!(list(&metadata, "subject_types_supported"), ["public"]);
}

/// JWK-01 to JWK-05, JWK-07.
#[tokio::test]
async fn the_key_set_is_public_well_formed_and_fits_the_metadata() {
    let world = embedded().await;
    let metadata = metadata(world).await;
    let answer = world.bank.client().unwrap().get(metadata["jwks_uri"].as_str().unwrap()).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(matches!(answer.header("content-type"), Some("application/jwk-set+json" | "application/json")));
    assert!(answer.header("cache-control").is_some_and(|told| told.contains("max-age=")));
    let set = answer.json().unwrap();
    let keys = set["keys"].as_array().unwrap();
    let mut names = BTreeSet::new();
    for key in keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
        assert!(names.insert(key["kid"].as_str().unwrap().to_owned()), "kid twice");
        let (ec, rsa) = match key["use"].as_str().unwrap() {
            "sig" => ("ES256", "PS256"),
            "enc" => ("ECDH-ES", "RSA-OAEP-256"),
            other => panic!("{other}"),
        };
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        match key["kty"].as_str().unwrap() {
            "EC" => {
                assert_eq!((&key["crv"], &key["alg"]), (&json!("P-256"), &json!(ec)));
                assert_eq!((bytes("x").len(), bytes("y").len()), (32, 32));
            }
            "RSA" => {
                assert_eq!(key["alg"], json!(rsa));
                assert!(bytes("n").len() * 8 >= 2048 && bytes("n")[0] != 0 && bytes("e")[0] != 0);
            }
            "OKP" => assert_eq!((&key["crv"], bytes("x").len()), (&json!("Ed25519"), 32)),
            other => panic!("{other}"),
        }
    }
    for alg in list(&metadata, "id_token_signing_alg_values_supported") {
        assert!(keys.iter().any(|key| key["alg"] == json!(alg)), "{alg}");
    }
    // josekit refuses points off the curve and private members
    world.palm().server_keys().await.unwrap();
}
