use ring::rand::SystemRandom;
use serde_json::json;

use super::super::test_keys::{
    TEST_ONLY_ED25519, TEST_ONLY_P256, TEST_ONLY_P384, TEST_ONLY_RSA_1024, TEST_ONLY_RSA_2048,
};
use super::*;

const KEYS: [(Alg, &str); 4] = [
    (Alg::Ps256, TEST_ONLY_RSA_2048),
    (Alg::Rs256, TEST_ONLY_RSA_2048),
    (Alg::Es256, TEST_ONLY_P256),
    (Alg::EdDsa, TEST_ONLY_ED25519),
];

fn load(alg: Alg, pem: &str) -> Result<SigningKey, KeyFault> {
    SigningKey::from_pkcs8_pem(alg, pem, &SystemRandom::new())
}

#[test]
fn what_a_key_signs_its_public_half_verifies() {
    let rng = SystemRandom::new();
    let kid = KeyId::new("k \"1\"").unwrap();
    for (alg, pem) in KEYS {
        let key = load(alg, pem).unwrap();
        let header = Header { alg, kid: kid.clone(), typ: Some("at+jwt") }.encode();
        let token = compact(&header, &json!({"sub": "a"}), |input| key.sign(&rng, input)).unwrap();
        let jws = Jws::parse(&token, limits::JWT_BYTES).unwrap();
        assert_eq!((jws.alg(), jws.kid(), jws.typ()), (alg, Some(kid.as_str()), Some("at+jwt")));
        let claims: Value = jws.verify(&key.public(&kid)).unwrap().claims().unwrap();
        assert_eq!(claims, json!({"sub": "a"}));
    }
}

#[test]
fn generated_keys_load_and_differ() {
    let rng = SystemRandom::new();
    let (first, second) =
        (SigningKey::generate_es256(&rng).unwrap(), SigningKey::generate_es256(&rng).unwrap());
    assert_ne!(*first, *second);
    assert!(SigningKey::from_pkcs8_der(Alg::Es256, &first, &rng).is_ok());
    let edwards = SigningKey::generate_ed25519(&rng).unwrap();
    assert!(SigningKey::from_pkcs8_der(Alg::EdDsa, &edwards, &rng).is_ok());
    assert_eq!(SigningKey::from_pkcs8_der(Alg::EdDsa, &first, &rng).unwrap_err(), KeyFault::Rejected);
}

#[test]
fn a_key_of_another_type_size_or_form_is_refused() {
    for (alg, _) in KEYS {
        for (other, pem) in KEYS {
            let same_type =
                matches!((alg, other), (Alg::Ps256 | Alg::Rs256, Alg::Ps256 | Alg::Rs256)) || alg == other;
            assert_eq!(load(alg, pem).is_ok(), same_type, "{alg} {other}");
        }
        for pem in [TEST_ONLY_P384, TEST_ONLY_RSA_1024] {
            assert_eq!(load(alg, pem).unwrap_err(), KeyFault::Rejected, "{alg}");
        }
    }
    let two = format!("{TEST_ONLY_P256}{TEST_ONLY_P256}");
    let sec1 = TEST_ONLY_P256.replace("PRIVATE KEY", "EC PRIVATE KEY");
    let unfinished = TEST_ONLY_P256.replace("-----END", "");
    let garbled = TEST_ONLY_P256.replace("MIGH", "M!GH");
    for bad in ["", &two, &sec1, &unfinished, &garbled] {
        assert_eq!(load(Alg::Es256, bad).unwrap_err(), KeyFault::Pem, "{bad}");
    }
    assert!(load(Alg::Es256, &TEST_ONLY_P256.replace('\n', "\r\n")).is_ok());
}

#[test]
fn neither_debug_nor_errors_show_a_key() {
    for (alg, pem) in KEYS {
        assert_eq!(format!("{:?}", load(alg, pem).unwrap()), format!("SigningKey({alg})"));
    }
}

#[test]
fn claims_without_a_json_form_are_a_fault_and_nothing_is_signed() {
    let header = Header { alg: Alg::Es256, kid: KeyId::new("k").unwrap(), typ: None }.encode();
    let claims = std::collections::BTreeMap::from([((1, 2), 3)]);
    let fault = compact::<SignFault>(&header, &claims, |_| panic!("signed")).unwrap_err();
    assert_eq!(fault, SignFault::Claims);
}
