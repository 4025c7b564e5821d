use ring::rand::SystemRandom;

use super::super::SigningKey;
use super::super::test_keys::{TEST_ONLY_P256, TEST_ONLY_RSA_2048};
use super::*;
use crate::vocabulary::id::KeyId;

fn key(alg: Alg, kid: &str) -> Value {
    let pem = if alg == Alg::Es256 { TEST_ONLY_P256 } else { TEST_ONLY_RSA_2048 };
    let key = SigningKey::from_pkcs8_pem(alg, pem, &SystemRandom::new()).unwrap();
    key.public(&KeyId::new(kid).unwrap()).to_value()
}

fn changed(mut key: Value, name: &str, value: Value) -> Value {
    key[name] = value;
    key
}

fn set(keys: &[Value]) -> JwkSet {
    JwkSet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

#[test]
fn candidates_are_the_keys_whose_kid_type_alg_and_use_fit() {
    let mut unmarked = key(Alg::Es256, "shared");
    unmarked.as_object_mut().unwrap().retain(|name, _| name != "alg" && name != "use" && name != "kid");
    let keys = set(&[
        key(Alg::Es256, "shared"),
        key(Alg::Ps256, "shared"),
        key(Alg::Rs256, "shared"),
        changed(changed(key(Alg::Ps256, "shared"), "use", json!("enc")), "alg", json!("RSA-OAEP-256")),
        key(Alg::Es256, "other"),
        unmarked,
    ]);
    let count = |kid, alg| keys.candidates(kid, alg).count();
    assert_eq!(count(Some("shared"), Alg::Ps256), 1);
    assert_eq!(count(Some("shared"), Alg::Es256), 1);
    assert_eq!(count(None, Alg::Es256), 3);
    assert_eq!(count(Some("other"), Alg::Ps256), 0);
    assert_eq!(count(Some("unknown"), Alg::Es256), 0);
    assert_eq!(count(None, Alg::EdDsa), 0);
}

#[test]
fn one_unusable_key_does_not_lock_out_the_good_ones_but_cannot_be_registered() {
    let bad_point = changed(key(Alg::Es256, "bad"), "x", key(Alg::Es256, "bad")["y"].clone());
    for (bad, fault) in [
        (json!({"kty": "oct", "k": "AAAA"}), JwkFault::Symmetric),
        (changed(key(Alg::Ps256, "bad"), "d", json!("AAAA")), JwkFault::Private),
        (bad_point, JwkFault::OffCurve),
    ] {
        let keys = set(&[bad.clone(), key(Alg::Es256, "good")]);
        assert_eq!(keys.keys().len(), 1, "{bad}");
        assert_eq!(keys.check_registration(), Err(fault), "{bad}");
    }
    for odd in [json!(null), json!([]), json!({}), json!({"kty": 1})] {
        let keys = set(&[odd.clone(), key(Alg::Es256, "good")]);
        assert_eq!(keys.keys().len(), 1, "{odd}");
        assert!(matches!(keys.check_registration(), Err(JwkFault::Json(_))), "{odd}");
    }
    let unknown =
        [json!({"kty": "AKP", "alg": "ML-DSA-44"}), changed(key(Alg::Es256, "x"), "crv", json!("P-521"))];
    assert_eq!(set(&[&unknown[..], &[key(Alg::Es256, "good")]].concat()).check_registration(), Ok(()));
    assert_eq!(set(&unknown).check_registration(), Err(JwkFault::Empty));
}

#[test]
fn registration_asks_for_a_kid_of_its_own_for_each_key() {
    assert_eq!(set(&[key(Alg::Es256, "a"), key(Alg::Ps256, "b")]).check_registration(), Ok(()));
    assert_eq!(set(&[key(Alg::Es256, "a"), key(Alg::Ps256, "a")]).check_registration(), Err(JwkFault::Ids));
    let mut unnamed = key(Alg::Es256, "a");
    unnamed.as_object_mut().unwrap().remove("kid");
    assert_eq!(set(&[unnamed]).check_registration(), Err(JwkFault::Ids));
}

#[test]
fn a_set_is_bounded_and_strict_json() {
    let many = vec![json!({"kty": "AKP"}); limits::KEYS_PER_SET + 1];
    let read = |text: &str| JwkSet::read(text.as_bytes());
    assert_eq!(read(&json!({ "keys": many }).to_string()), Err(JwkFault::TooMany));
    assert_eq!(set(&many[1..]).keys(), []);
    for bad in [
        "[]",
        "{}",
        r#"{"keys":null}"#,
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[{"e":1,"e":2}]}"#,
    ] {
        assert!(matches!(read(bad), Err(JwkFault::Json(_))), "{bad}");
    }
}

#[test]
fn a_set_reads_back_as_it_was_written() {
    let keys = set(&[key(Alg::Es256, "a"), key(Alg::Ps256, "b")]);
    assert_eq!(JwkSet::read(keys.to_value().to_string().as_bytes()), Ok(keys.clone()));
    assert_eq!(serde_json::from_value::<JwkSet>(serde_json::to_value(&keys).unwrap()).unwrap(), keys);
}
