//! RFC 7516: what is encrypted to us, and what the guard keeps away from the cipher.

use josekit::jwe::JweHeader;
use oauth_core::jose::{Encryption, Jwe, JweFault, KeyManagement};
use oauth_core::limits;
use oauth_core::{FAPI2_MESSAGE_SIGNING, UAE_OPEN_FINANCE};
use serde_json::{Value, json};

use crate::bank::{Bank, Draft, encode, part, seal, seal_as};

fn object() -> String {
    Draft::request().with("response_mode", json!("jwt")).sign()
}

fn parse(text: &str) -> Result<Encryption, JweFault> {
    Jwe::parse(text, limits::REQUEST_OBJECT_BYTES).map(|jwe| jwe.encryption())
}

/// A genuine object with another header; the tag no longer fits, but the guard comes first.
fn with_header(genuine: &str, change: impl Fn(&mut serde_json::Map<String, Value>)) -> String {
    let mut header: Value = serde_json::from_slice(&part(genuine, 0)).unwrap();
    change(header.as_object_mut().unwrap());
    let rest = genuine.split_once('.').unwrap().1;
    format!("{}.{rest}", encode(header.to_string().as_bytes()))
}

/// A genuine object with another part.
fn with_part(genuine: &str, index: usize, bytes: &[u8]) -> String {
    let mut parts: Vec<String> = genuine.split('.').map(str::to_owned).collect();
    parts[index] = encode(bytes);
    parts.join(".")
}

#[tokio::test]
async fn an_encrypted_signed_request_object_is_opened_with_either_key() {
    let bank = Bank::signing();
    for alg in ["RSA-OAEP-256", "ECDH-ES"] {
        let arrived = bank.arrive(bank.push_object(&seal(&object(), alg)).await).await;
        assert_eq!(arrived.request.state.as_deref(), Some("st"), "{alg}");
    }
}

#[tokio::test]
async fn rsa_oaep_with_sha_1_is_opened_where_the_profile_says_so_and_nowhere_else() {
    let object = Draft::request().signed_by("PS256", "ps").sign();
    let uae = Bank::with(&UAE_OPEN_FINANCE, &json!({}));
    for alg in ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES"] {
        assert_eq!(uae.push_object(&seal(&object, alg)).await.status, 201, "{alg}");
    }
    let sealed = seal(&self::object(), "RSA-OAEP");
    Bank::signing().push_object(&sealed).await.refused("invalid_request_object", "RFC9101-6.1");
    let registered = json!({ "request_object_signing_alg": "PS256",
        "request_object_encryption_alg": "RSA-OAEP-256", "request_object_encryption_enc": "A256GCM" });
    let strict = Bank::with(&UAE_OPEN_FINANCE, &registered);
    let other = strict.push_object(&seal(&object, "RSA-OAEP")).await;
    other.refused("invalid_request_object", "RFC9101-6.1-alg");
}

#[tokio::test]
async fn encryption_never_stands_in_for_a_signature() {
    let bank = Bank::signing();
    let claims = Draft::request().claims.to_string();
    let none = format!("{}.{}.", encode(br#"{"alg":"none"}"#), encode(claims.as_bytes()));
    for (content, rule) in [
        (claims, "RFC9101-4-form"),
        (none, "RFC9101-6.2-alg"),
        (seal(&object(), "ECDH-ES"), "RFC9101-4-form"),
    ] {
        for alg in ["RSA-OAEP-256", "ECDH-ES"] {
            bank.push_object(&seal(&content, alg)).await.refused("invalid_request_object", rule);
        }
    }
    let mut header = JweHeader::new();
    header.set_content_encryption("A256GCM");
    let untyped = seal_as(&object(), "ECDH-ES", header);
    bank.push_object(&untyped).await.refused("invalid_request_object", "RFC9101-6.1-nested");
    let uae = Bank::with(&UAE_OPEN_FINANCE, &json!({}));
    let object = Draft::request().signed_by("PS256", "ps").sign();
    for (cty, taken) in [(None, true), (Some("JWT"), true), (Some("json"), false)] {
        let mut header = JweHeader::new();
        header.set_content_encryption("A256GCM");
        if let Some(cty) = cty {
            header.set_content_type(cty);
        }
        let answer = uae.push_object(&seal_as(&object, "ECDH-ES", header)).await;
        match taken {
            true => assert_eq!(answer.status, 201, "{cty:?}"),
            false => answer.refused("invalid_request_object", "RFC9101-6.1-nested"),
        }
    }
    let mut header = JweHeader::new();
    header.set_content_encryption("A256GCM");
    let unsigned = seal_as(&Draft::request().claims.to_string(), "ECDH-ES", header);
    uae.push_object(&unsigned).await.refused("invalid_request_object", "RFC9101-4-form");
}

#[tokio::test]
async fn the_rules_of_the_inner_object_hold_all_the_same() {
    let bank = Bank::signing();
    let late = Draft::request().with("response_mode", json!("jwt")).with("aud", json!("https://x.example"));
    bank.push_object(&seal(&late.sign(), "ECDH-ES")).await.refused("invalid_request_object", "RFC9101-4-aud");
}

#[tokio::test]
async fn every_failure_to_decrypt_looks_the_same() {
    let bank = Bank::signing();
    let mut words = Vec::new();
    for alg in ["RSA-OAEP-256", "ECDH-ES"] {
        let genuine = seal(&object(), alg);
        let flip = |index: usize| {
            let mut bytes = part(&genuine, index);
            *bytes.last_mut().unwrap() ^= 1;
            with_part(&genuine, index, &bytes)
        };
        let mut broken = vec![flip(2), flip(3), flip(4), with_part(&genuine, 4, &part(&genuine, 4)[..4])];
        broken.push(with_header(&genuine, |header| {
            header.insert("kid".into(), "unknown".into());
        }));
        broken.push(with_header(&genuine, |header| {
            header.insert("enc".into(), "A128CBC-HS256".into());
        }));
        if alg == "RSA-OAEP-256" {
            broken.push(flip(1));
            broken.push(with_part(&genuine, 1, &[7; 256]));
        }
        for object in broken {
            let answer = bank.push_object(&object).await;
            answer.refused("invalid_request_object", "RFC9101-6.1");
            words.push(answer.body);
        }
    }
    words.dedup();
    assert_eq!(words.len(), 1, "{words:?}");
}

#[tokio::test]
async fn a_client_that_registered_its_encryption_uses_no_other() {
    let more =
        json!({ "request_object_encryption_alg": "ECDH-ES", "request_object_encryption_enc": "A256GCM" });
    let bank = Bank::with(&FAPI2_MESSAGE_SIGNING, &more);
    assert_eq!(bank.push_object(&seal(&object(), "ECDH-ES")).await.status, 201);
    assert_eq!(bank.push_object(&object()).await.status, 201, "signed alone is taken too");
    let other = bank.push_object(&seal(&object(), "RSA-OAEP-256")).await;
    other.refused("invalid_request_object", "RFC9101-6.1-alg");
}

#[test]
fn the_guard_lets_genuine_objects_pass() {
    assert_eq!(parse(&seal("a.b.c", "RSA-OAEP-256")).unwrap().alg, KeyManagement::RsaOaep256);
    assert_eq!(parse(&seal("a.b.c", "ECDH-ES")).unwrap().alg, KeyManagement::EcdhEs);
}

#[test]
fn the_guard_refuses_compression_and_critical_extensions_even_as_null() {
    let genuine = seal("a.b.c", "RSA-OAEP-256");
    for (name, value, fault) in [
        ("zip", json!("DEF"), JweFault::Compressed),
        ("zip", Value::Null, JweFault::Compressed),
        ("crit", json!(["exp"]), JweFault::Critical),
        ("crit", json!([]), JweFault::Critical),
        ("crit", Value::Null, JweFault::Critical),
    ] {
        let object = with_header(&genuine, |header| {
            header.insert(name.into(), value.clone());
        });
        assert_eq!(parse(&object), Err(fault), "{name} {value}");
    }
}

#[test]
fn the_guard_refuses_every_algorithm_off_the_lists() {
    let genuine = seal("a.b.c", "RSA-OAEP-256");
    for alg in [
        "RSA1_5",
        "RSA-OAEP",
        "dir",
        "A256KW",
        "A256GCMKW",
        "PBES2-HS256+A128KW",
        "ECDH-ES+A256KW",
        "none",
        "",
    ] {
        let object = with_header(&genuine, |header| {
            header.insert("alg".into(), alg.into());
            header.insert("p2c".into(), 2_147_483_647.into());
        });
        assert_eq!(parse(&object), Err(JweFault::Algorithm), "{alg:?}");
    }
    for enc in ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A192GCM", "", "a256gcm"] {
        let object = with_header(&genuine, |header| {
            header.insert("enc".into(), enc.into());
        });
        assert_eq!(parse(&object), Err(JweFault::Algorithm), "{enc:?}");
    }
}

#[test]
fn the_guard_refuses_tags_vectors_and_keys_of_another_length() {
    for alg in ["RSA-OAEP-256", "ECDH-ES"] {
        let genuine = seal("a.b.c", alg);
        for length in [0, 1, 4, 12, 15, 17] {
            assert_eq!(
                parse(&with_part(&genuine, 4, &vec![1; length])),
                Err(JweFault::Length),
                "tag of {length}"
            );
        }
        for length in [0, 8, 11, 13, 16] {
            assert_eq!(
                parse(&with_part(&genuine, 2, &vec![1; length])),
                Err(JweFault::Length),
                "vector of {length}"
            );
        }
    }
    let (rsa, ec) = (seal("a.b.c", "RSA-OAEP-256"), seal("a.b.c", "ECDH-ES"));
    for length in [0, 128, 255, 513] {
        assert_eq!(parse(&with_part(&rsa, 1, &vec![1; length])), Err(JweFault::Length), "key of {length}");
    }
    assert_eq!(parse(&with_part(&ec, 1, &[1; 40])), Err(JweFault::Length));
}

#[tokio::test]
async fn a_key_of_the_length_of_another_modulus_does_not_reach_the_cipher() {
    let genuine = seal(&object(), "RSA-OAEP-256");
    let longer = with_part(&genuine, 1, &[1; 384]);
    assert!(parse(&longer).is_ok(), "a modulus of 3072 bits would have it");
    Bank::signing().push_object(&longer).await.refused("invalid_request_object", "RFC9101-6.1");
}

#[test]
fn the_guard_refuses_ephemeral_keys_that_are_no_point_of_the_curve() {
    let genuine = seal("a.b.c", "ECDH-ES");
    let zero = encode(&[0; 32]);
    for epk in [
        json!({ "kty": "EC", "crv": "P-256", "x": zero, "y": zero }),
        json!({ "kty": "EC", "crv": "P-256", "x": encode(&[1; 32]), "y": encode(&[2; 32]) }),
        json!({ "kty": "EC", "crv": "P-256", "x": encode(&[1; 31]), "y": encode(&[2; 33]) }),
        json!({ "kty": "EC", "crv": "P-384", "x": zero, "y": zero }),
        json!({ "kty": "OKP", "crv": "X25519", "x": zero, "y": zero }),
    ] {
        let object = with_header(&genuine, |header| {
            header.insert("epk".into(), epk.clone());
        });
        assert_eq!(parse(&object), Err(JweFault::EphemeralKey), "{epk}");
    }
    let absent = with_header(&genuine, |header| {
        header.remove("epk");
    });
    assert_eq!(parse(&absent), Err(JweFault::EphemeralKey));
    let needless = with_header(&seal("a.b.c", "RSA-OAEP-256"), |header| {
        header.insert("epk".into(), json!({ "kty": "EC", "crv": "P-256", "x": zero, "y": zero }));
    });
    assert_eq!(parse(&needless), Err(JweFault::EphemeralKey));
}

#[test]
fn the_guard_refuses_what_is_not_five_canonical_parts_under_a_strict_header() {
    let genuine = seal("a.b.c", "RSA-OAEP-256");
    assert_eq!(parse(&format!("{genuine}.x")), Err(JweFault::Parts));
    assert_eq!(parse(&genuine.replacen('.', "", 1)), Err(JweFault::Parts));
    assert_eq!(parse(&format!("{genuine}=")), Err(JweFault::Encoding));
    assert_eq!(parse(&genuine.replacen('.', ".+", 1)), Err(JweFault::Encoding));
    let header = String::from_utf8(part(&genuine, 0)).unwrap();
    let repeated = header.replacen('{', "{\"alg\":\"dir\",", 1);
    let rest = genuine.split_once('.').unwrap().1;
    assert_eq!(parse(&format!("{}.{rest}", encode(repeated.as_bytes()))), Err(JweFault::Header));
    assert_eq!(Jwe::parse(&genuine, genuine.len() - 1).err(), Some(JweFault::TooLong));
}

#[tokio::test]
async fn the_key_set_publishes_the_decryption_keys_for_encryption_only() {
    let jwks = Bank::signing().server.jwks().await.unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    let seen: Vec<_> = keys
        .iter()
        .filter(|key| key["use"] == "enc")
        .map(|key| (key["kid"].as_str().unwrap(), key["alg"].as_str().unwrap()))
        .collect();
    assert_eq!(seen, [("srv-rsa", "RSA-OAEP-256"), ("srv-ec", "ECDH-ES")]);
    for key in keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
    }
}
