use ring::rand::SystemRandom;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::json;

use super::super::test_keys::{
    TEST_ONLY_ED25519, TEST_ONLY_P256, TEST_ONLY_P256_CERTIFICATE, TEST_ONLY_RSA_1024, TEST_ONLY_RSA_2048,
};
use super::super::{KeyFault, SigningKey, decode_base64url};
use super::read::SMALL_ORDER;
use super::*;
use crate::limits;

fn read(value: &Value) -> Result<PublicJwk, JwkFault> {
    PublicJwk::read(value.to_string().as_bytes())
}

fn public(alg: Alg, pem: &str) -> Value {
    let key = SigningKey::from_pkcs8_pem(alg, pem, &SystemRandom::new()).unwrap();
    let named = key.public(&KeyId::new("k").unwrap()).to_value();
    ["kid", "use", "alg"].into_iter().fold(named, without)
}

fn ec() -> Value {
    public(Alg::Es256, TEST_ONLY_P256)
}

fn okp() -> Value {
    public(Alg::EdDsa, TEST_ONLY_ED25519)
}

fn rsa() -> Value {
    public(Alg::Ps256, TEST_ONLY_RSA_2048)
}

fn with(mut key: Value, name: &str, value: impl Into<Value>) -> Value {
    key.as_object_mut().unwrap().insert(name.to_owned(), value.into());
    key
}

fn without(mut key: Value, name: &str) -> Value {
    key.as_object_mut().unwrap().remove(name);
    key
}

#[test]
fn rfc_7638_section_3_1_thumbprint_of_an_rsa_key() {
    let key = read(&json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n\
              3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgd\
              AZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-\
              kEgU8awapJzKnqDKgw",
        "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"
    }))
    .unwrap();
    assert_eq!(key.thumbprint_text(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn rfc_8037_appendix_a_3_thumbprint_of_an_ed25519_key() {
    let key =
        read(&json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}))
            .unwrap();
    assert_eq!(key.thumbprint_text(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn rfc_7515_appendix_a_3_1_a_p_256_key() {
    let key = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    });
    assert_eq!(read(&key).unwrap().to_value(), key);
}

#[test]
fn a_key_reads_back_as_it_was_written() {
    let kid = KeyId::new("k1").unwrap();
    for (value, alg) in [(ec(), Alg::Es256), (okp(), Alg::EdDsa), (rsa(), Alg::Ps256), (rsa(), Alg::Rs256)] {
        let key = read(&value).unwrap().for_signatures(&kid, alg).unwrap();
        assert_eq!(read(&key.to_value()), Ok(key.clone()));
        assert_eq!((key.alg(), key.key_use()), (Some(alg.as_str()), Some(KeyUse::Signature)));
        assert_eq!(key.thumbprint(), read(&value).unwrap().thumbprint(), "names and uses are not part of it");
    }
}

#[test]
fn private_members_are_refused_whatever_their_type() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for value in [json!("AQAB"), json!(null), json!([])] {
            assert_eq!(read(&with(rsa(), member, value.clone())), Err(JwkFault::Private), "{member}");
            assert_eq!(read(&with(ec(), member, value)), Err(JwkFault::Private), "{member}");
        }
    }
}

#[test]
fn keys_of_other_types_and_curves_are_refused() {
    for (key, fault) in [
        (json!({"kty": "oct", "k": "AAAA"}), JwkFault::Symmetric),
        (json!({"kty": "AKP", "pub": "AAAA"}), JwkFault::Unsupported),
        (json!({"kty": "rsa"}), JwkFault::Unsupported),
        (with(ec(), "crv", "P-384"), JwkFault::Unsupported),
        (with(ec(), "crv", "secp256k1"), JwkFault::Unsupported),
        (with(okp(), "crv", "Ed448"), JwkFault::Unsupported),
        (with(okp(), "crv", "X25519"), JwkFault::Unsupported),
        (without(ec(), "crv"), JwkFault::Incomplete),
        (without(ec(), "y"), JwkFault::Incomplete),
        (without(okp(), "x"), JwkFault::Incomplete),
        (without(rsa(), "e"), JwkFault::Incomplete),
    ] {
        assert_eq!(read(&key), Err(fault), "{key}");
    }
    assert!(matches!(read(&without(ec(), "kty")), Err(JwkFault::Json(JsonFault::Missing(_)))));
}

#[test]
fn a_point_that_is_not_on_the_curve_is_refused() {
    let swapped = with(with(ec(), "x", ec()["y"].clone()), "y", ec()["x"].clone());
    let zero = encode_base64url(&[0; 32]);
    let infinity = with(with(ec(), "x", zero.clone()), "y", zero);
    for key in [swapped, infinity] {
        assert_eq!(read(&key), Err(JwkFault::OffCurve));
    }
    assert_eq!(PublicJwk::from_p256(&[0]), Err(JwkFault::Encoding));
    assert_eq!(PublicJwk::from_p256(&[2; 33]), Err(JwkFault::Encoding));
    assert_eq!(PublicJwk::from_p256(&[5; 65]), Err(JwkFault::Encoding));
}

#[test]
fn the_curve_check_agrees_with_the_signature_library() {
    let rng = SystemRandom::new();
    for _ in 0..20 {
        let der = SigningKey::generate_es256(&rng).unwrap();
        assert!(SigningKey::from_pkcs8_der(Alg::Es256, &der, &rng).is_ok());
    }
}

#[test]
fn coordinates_have_exactly_one_encoding() {
    let x = ec()["x"].as_str().unwrap().to_owned();
    let short = encode_base64url(&decode_base64url(&x).unwrap()[1..]);
    let long = encode_base64url(&[&[0], decode_base64url(&x).unwrap().as_slice()].concat());
    let padded = format!("{x}=");
    let spaced = format!(" {x}");
    let last = x.chars().last().unwrap();
    let spare_bits = format!("{}{}", &x[..42], char::from(u8::try_from(last).unwrap() + 1));
    for bad in [short, long, padded, spaced, spare_bits, String::new(), "+/".repeat(21) + "A"] {
        assert_eq!(read(&with(ec(), "x", bad.clone())), Err(JwkFault::Encoding), "{bad}");
        assert_eq!(read(&with(okp(), "x", bad.clone())), Err(JwkFault::Encoding), "{bad}");
    }
}

#[test]
fn an_rsa_key_has_an_accepted_size_and_exponent() {
    let refused = SigningKey::from_pkcs8_pem(Alg::Ps256, TEST_ONLY_RSA_1024, &SystemRandom::new());
    assert_eq!(refused.unwrap_err(), KeyFault::Rejected);
    let modulus = |bits: usize| {
        let mut n = vec![0xff; bits.div_ceil(8)];
        n[0] >>= n.len() * 8 - bits;
        n
    };
    let e = [1, 0, 1];
    for bits in [1024, 2047, 4097, 8192, 16384] {
        assert_eq!(PublicJwk::from_rsa(&modulus(bits), &e), Err(JwkFault::RsaSize), "{bits}");
    }
    for bits in [2048, 3072, 4096] {
        assert!(PublicJwk::from_rsa(&modulus(bits), &e).is_ok(), "{bits}");
    }
    let n = modulus(2048);
    for bad in [&[1][..], &[2], &[3], &[17], &[1, 0], &[1, 0, 0], &[1, 0, 2], &[1, 0, 0, 0, 1], &[0xff; 9]] {
        assert_eq!(PublicJwk::from_rsa(&n, bad), Err(JwkFault::RsaExponent), "{bad:?}");
    }
    for bad in [&[][..], &[0], &[0, 1, 0, 1]] {
        assert_eq!(PublicJwk::from_rsa(&n, bad), Err(JwkFault::Encoding), "{bad:?}");
    }
    let even = [&n[..255], &[0xfe]].concat();
    assert_eq!(PublicJwk::from_rsa(&even, &e), Err(JwkFault::RsaModulus));
    assert_eq!(PublicJwk::from_rsa(&[&[0], n.as_slice()].concat(), &e), Err(JwkFault::Encoding));
    assert_eq!(PublicJwk::from_rsa(&[], &e), Err(JwkFault::Encoding));
}

#[test]
fn an_ed25519_key_under_which_anyone_can_sign_is_refused() {
    // With commitment zero and response zero the equation asks only that k·A vanishes: one message in eight will do.
    let mut forged = [0; 64];
    forged[0] = 1;
    for point in SMALL_ORDER {
        for sign in [0, 0x80] {
            let mut point = point;
            point[31] |= sign;
            assert_eq!(PublicJwk::from_ed25519(&point), Err(JwkFault::SmallOrder));
        }
    }
    for point in &SMALL_ORDER[..3] {
        let key = UnparsedPublicKey::new(&ED25519, point);
        assert!((0..200u8).any(|message| key.verify(&[message], &forged).is_ok()), "{point:02x?}");
    }
    for point in &SMALL_ORDER[5..] {
        let key = UnparsedPublicKey::new(&ED25519, point);
        assert!((0..200u8).any(|message| key.verify(&[message], &forged).is_ok()), "{point:02x?}");
    }
}

#[test]
fn use_key_ops_and_alg_must_agree_with_each_other_and_with_the_type() {
    for bad in [
        with(ec(), "use", "signature"),
        with(ec(), "key_ops", json!(["verify", "verify"])),
        with(ec(), "key_ops", json!(["verify", "deriveKey"])),
        with(ec(), "key_ops", json!(["somethingElse"])),
        with(with(ec(), "use", "sig"), "key_ops", json!(["encrypt"])),
        with(with(ec(), "use", "enc"), "key_ops", json!(["verify"])),
        with(with(ec(), "use", "enc"), "alg", "ES256"),
        with(ec(), "alg", "PS256"),
        with(rsa(), "alg", "EdDSA"),
        with(rsa(), "alg", "x\u{7f}"),
    ] {
        assert_eq!(read(&bad), Err(JwkFault::Purpose), "{bad}");
    }
    for bad in [with(ec(), "kid", json!(null)), with(ec(), "use", json!(null)), with(ec(), "kid", "a\0")] {
        assert!(matches!(read(&bad), Err(JwkFault::Json(_))), "{bad}");
    }
}

#[test]
fn a_key_fits_only_what_its_type_alg_and_use_allow() {
    let fitting = |value: Value| {
        let key = read(&value).unwrap();
        [Alg::Ps256, Alg::Es256, Alg::EdDsa, Alg::Rs256]
            .into_iter()
            .filter(|alg| key.fits(*alg))
            .collect::<Vec<_>>()
    };
    assert_eq!(fitting(rsa()), [Alg::Ps256, Alg::Rs256]);
    assert_eq!(fitting(with(rsa(), "alg", "PS256")), [Alg::Ps256]);
    assert_eq!(fitting(with(rsa(), "alg", "RS512")), []);
    assert_eq!(fitting(with(rsa(), "alg", "RSA-OAEP-256")), []);
    assert_eq!(fitting(with(rsa(), "use", "enc")), []);
    assert_eq!(fitting(with(rsa(), "key_ops", json!(["encrypt"]))), []);
    assert_eq!(fitting(with(ec(), "use", "sig")), [Alg::Es256]);
    assert_eq!(fitting(with(okp(), "alg", "Ed25519")), [Alg::EdDsa]);
    assert_eq!(fitting(with(okp(), "key_ops", json!(["verify"]))), [Alg::EdDsa]);
}

#[test]
fn a_certificate_must_be_the_one_of_the_key() {
    let chain = json!([TEST_ONLY_P256_CERTIFICATE]);
    let key = read(&with(ec(), "x5c", chain.clone())).unwrap();
    assert_eq!(key.x5c().len(), 1);
    assert_eq!(read(&key.to_value()), Ok(key.clone()));
    let digest = digest::digest(&digest::SHA256, &key.x5c()[0]);
    let named = with(with(ec(), "x5c", chain.clone()), "x5t#S256", encode_base64url(digest.as_ref()));
    assert_eq!(read(&named), Ok(key));
    for bad in [
        with(okp(), "x5c", chain.clone()),
        with(rsa(), "x5c", chain.clone()),
        with(ec(), "x5c", json!([])),
        with(ec(), "x5c", json!(["not base64"])),
        with(ec(), "x5c", json!(vec![TEST_ONLY_P256_CERTIFICATE; limits::CHAIN_CERTIFICATES + 1])),
        with(ec(), "x5c", json!(["A".repeat(limits::CERTIFICATE_BYTES * 2)])),
        with(with(ec(), "x5c", chain), "x5t#S256", encode_base64url(&[0; 32])),
    ] {
        assert_eq!(read(&bad), Err(JwkFault::Certificate), "{bad}");
    }
}

#[test]
fn a_key_is_never_shown_in_full_by_its_debug_form() {
    let shown = format!("{:?}", read(&rsa()).unwrap());
    assert!(shown.contains("thumbprint") && shown.len() < 200, "{shown}");
}
