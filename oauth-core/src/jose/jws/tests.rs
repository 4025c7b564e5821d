use ring::hmac;
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use super::super::danger::UnverifiedClaims as _;
use super::super::test_keys::{TEST_ONLY_ED25519, TEST_ONLY_P256, TEST_ONLY_RSA_2048};
use super::super::{KeyUse, SigningKey, encode_base64url};
use super::*;

const ALGS: [Alg; 4] = [Alg::Ps256, Alg::Es256, Alg::EdDsa, Alg::Rs256];

fn signer(alg: Alg) -> SigningKey {
    let pem = match alg {
        Alg::Ps256 | Alg::Rs256 => TEST_ONLY_RSA_2048,
        Alg::Es256 => TEST_ONLY_P256,
        Alg::EdDsa => TEST_ONLY_ED25519,
    };
    SigningKey::from_pkcs8_pem(alg, pem, &SystemRandom::new()).unwrap()
}

fn public(alg: Alg) -> PublicJwk {
    signer(alg).public(&KeyId::new("k1").unwrap())
}

/// A token whose header and payload are exactly these texts, genuinely signed.
fn signed(alg: Alg, header: &str, payload: &str) -> String {
    let input = format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(payload.as_bytes()));
    let signature = signer(alg).sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    format!("{input}.{}", encode_base64url(&signature))
}

fn with_header(header: &str) -> Result<Jws, JoseFault> {
    Jws::parse(&signed(Alg::Es256, header, "{}"), limits::JWT_BYTES)
}

fn parse(text: &str) -> Result<Jws, JoseFault> {
    Jws::parse(text, limits::JWT_BYTES)
}

fn good() -> String {
    signed(Alg::Es256, r#"{"alg":"ES256","kid":"k1","typ":"JWT"}"#, r#"{"sub":"a"}"#)
}

fn with_signature(token: &str, signature: &[u8]) -> String {
    let (input, _) = token.rsplit_once('.').unwrap();
    format!("{input}.{}", encode_base64url(signature))
}

fn signature_of(token: &str) -> Vec<u8> {
    decode_base64url(token.rsplit_once('.').unwrap().1).unwrap()
}

#[test]
fn a_genuine_object_verifies_with_its_key_and_no_other() {
    for alg in ALGS {
        let token = signed(alg, &json!({"alg": alg.as_str()}).to_string(), r#"{"sub":"a"}"#);
        let jws = parse(&token).unwrap();
        let verified = jws.verify(&public(alg)).unwrap();
        assert_eq!((verified.bytes(), verified.alg()), (&br#"{"sub":"a"}"#[..], alg));
        for other in ALGS.into_iter().filter(|other| *other != alg) {
            assert_eq!(jws.verify(&public(other)).unwrap_err(), JoseFault::KeyMismatch, "{alg} {other}");
        }
    }
}

#[test]
fn any_changed_byte_of_header_payload_or_signature_is_noticed() {
    for alg in ALGS {
        let token = signed(alg, &json!({"alg": alg.as_str()}).to_string(), r#"{"sub":"a"}"#);
        let key = public(alg);
        for at in (0..token.len()).filter(|at| token.as_bytes()[*at] != b'.') {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(parse(&changed).and_then(|jws| jws.verify(&key)).is_err(), "{alg} {at}");
        }
    }
}

#[test]
fn t_jo_01_none_in_any_casing_an_absent_alg_and_an_empty_signature_are_refused() {
    for alg in ["none", "None", "NONE", "nOnE", "", " none", "none\0"] {
        assert_eq!(
            with_header(&json!({ "alg": alg }).to_string()).unwrap_err(),
            JoseFault::Algorithm,
            "{alg:?}"
        );
    }
    assert_eq!(with_header("{}").unwrap_err(), JoseFault::Algorithm);
    for alg in [json!(null), json!(["ES256"]), json!(1), json!({})] {
        let fault = with_header(&json!({ "alg": alg }).to_string()).unwrap_err();
        assert!(matches!(fault, JoseFault::Header(_)), "{alg}");
    }
    let stripped = with_signature(&good(), &[]);
    assert_eq!(parse(&stripped).unwrap_err(), JoseFault::Signature);
    let none = format!("{}.{}.", encode_base64url(br#"{"alg":"none"}"#), encode_base64url(b"{}"));
    assert_eq!(parse(&none).unwrap_err(), JoseFault::Algorithm);
}

#[test]
fn t_jo_02_an_hmac_keyed_with_the_public_key_is_refused() {
    let key = public(Alg::Es256);
    let input = format!("{}.{}", encode_base64url(br#"{"alg":"HS256"}"#), encode_base64url(b"{}"));
    for secret in [key.to_value().to_string(), TEST_ONLY_P256.to_owned(), key.thumbprint_text()] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), input.as_bytes());
        let token = format!("{input}.{}", encode_base64url(tag.as_ref()));
        assert_eq!(parse(&token).unwrap_err(), JoseFault::Algorithm);
    }
}

#[test]
fn t_jo_03_real_algorithms_outside_the_list_are_refused() {
    for alg in
        ["HS256", "HS512", "ES384", "ES512", "ES256K", "PS384", "PS512", "RS384", "RSA1_5", "Ed448", "es256"]
    {
        assert_eq!(
            with_header(&json!({ "alg": alg }).to_string()).unwrap_err(),
            JoseFault::Algorithm,
            "{alg}"
        );
    }
    let renamed = signed(Alg::EdDsa, r#"{"alg":"Ed25519"}"#, "{}");
    assert!(parse(&renamed).unwrap().verify(&public(Alg::EdDsa)).is_ok());
}

#[test]
fn t_jo_03_the_algorithm_is_the_one_registered_with_the_key() {
    let pinned = public(Alg::Ps256);
    let token = signed(Alg::Rs256, r#"{"alg":"RS256"}"#, "{}");
    assert_eq!(parse(&token).unwrap().verify(&pinned).unwrap_err(), JoseFault::KeyMismatch);
    let relabelled =
        token.replace(&encode_base64url(br#"{"alg":"RS256"}"#), &encode_base64url(br#"{"alg":"PS256"}"#));
    assert_eq!(parse(&relabelled).unwrap().verify(&pinned).unwrap_err(), JoseFault::Signature);
}

#[test]
fn t_jo_04_keys_and_links_in_the_header_are_never_trusted() {
    let attacker = PublicJwk::read(public(Alg::Es256).to_value().to_string().as_bytes()).unwrap();
    let header = json!({
        "alg": "ES256", "jwk": attacker.to_value(), "jku": "http://127.0.0.1:9/", "x5u": "http://127.0.0.1:9/",
        "x5c": ["AAAA"], "x5t": 1, "x5t#S256": null, "unknown": {}
    });
    let jws = with_header(&header.to_string()).unwrap();
    assert!(jws.embedded_key().is_none());
    assert_eq!(jws.verify_by(&JwkSet::default()).unwrap_err(), JoseFault::NoKey);
    assert!(with_header(r#"{"alg":"ES256","jwk":"not even a key"}"#).unwrap().embedded_key().is_none());
}

#[test]
fn an_embedded_key_is_read_where_asked_for_and_held_to_the_same_rules() {
    let read = |jwk: Value| {
        let token =
            signed(Alg::Es256, &json!({"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk}).to_string(), "{}");
        Jws::parse_with_embedded_key(&token, limits::JWT_BYTES)
    };
    let own = public(Alg::Es256);
    let jws = read(own.to_value()).unwrap();
    assert_eq!(jws.embedded_key(), Some(&own));
    assert!(jws.verify(jws.embedded_key().unwrap()).is_ok());

    let mut private = own.to_value();
    private["d"] = json!("AAAA");
    assert_eq!(read(private).unwrap_err(), JoseFault::EmbeddedKey(JwkFault::Private));
    assert_eq!(
        read(json!({"kty": "oct", "k": "AAAA"})).unwrap_err(),
        JoseFault::EmbeddedKey(JwkFault::Symmetric)
    );
    assert!(matches!(read(json!(null)).unwrap_err(), JoseFault::Header(_)));
    assert!(matches!(read(json!([])).unwrap_err(), JoseFault::Header(_)));
    assert_eq!(
        Jws::parse_with_embedded_key(&good(), limits::JWT_BYTES).unwrap_err(),
        JoseFault::EmbeddedKeyMissing
    );
    let other = read(public(Alg::EdDsa).to_value()).unwrap();
    assert_eq!(other.verify(other.embedded_key().unwrap()).unwrap_err(), JoseFault::KeyMismatch);
}

#[test]
fn t_jo_05_a_kid_selects_among_the_registered_keys_and_does_nothing_else() {
    let keys = JwkSet::new(vec![public(Alg::Es256)]);
    for kid in ["../../etc/passwd", "' OR 1=1 --", "https://evil.example/jwks", "k2", "K1", "k1 "] {
        let jws = with_header(&json!({"alg": "ES256", "kid": kid}).to_string()).unwrap();
        assert_eq!(jws.verify_by(&keys).unwrap_err(), JoseFault::NoKey, "{kid}");
    }
    for kid in ["", "k1\0", "k\n1", "caf\u{e9}", &"k".repeat(limits::KID_BYTES + 1)] {
        let fault = with_header(&json!({"alg": "ES256", "kid": kid}).to_string()).unwrap_err();
        assert_eq!(fault, JoseFault::KeyId, "{kid:?}");
    }
    let long = signed(Alg::Es256, &json!({"alg": "ES256", "kid": "k".repeat(65_536)}).to_string(), "{}");
    assert_eq!(Jws::parse(&long, usize::MAX).unwrap_err(), JoseFault::TooLong);
    for kid in [json!(["k1"]), json!(null), json!(1), json!({})] {
        let fault = with_header(&json!({"alg": "ES256", "kid": kid}).to_string()).unwrap_err();
        assert!(matches!(fault, JoseFault::Header(_)), "{kid}");
    }
    assert!(parse(&good()).unwrap().verify_by(&keys).is_ok());
}

#[test]
fn t_jo_06_crit_is_refused_in_any_form() {
    for crit in
        ["[]", "null", "[\"exp\"]", "[\"b64\"]", "[\"x\",\"x\"]", "\"exp\"", "{}", "[\"alg\"]", "false"]
    {
        let fault = with_header(&format!(r#"{{"alg":"ES256","crit":{crit},"x":1}}"#)).unwrap_err();
        assert_eq!(fault, JoseFault::Critical, "{crit}");
    }
}

#[test]
fn t_jo_07_b64_and_zip_are_refused_in_any_form() {
    for value in ["false", "true", "null", "\"DEF\""] {
        let header = |name: &str| format!(r#"{{"alg":"ES256","{name}":{value}}}"#);
        assert_eq!(with_header(&header("b64")).unwrap_err(), JoseFault::Unencoded, "{value}");
        assert_eq!(with_header(&header("zip")).unwrap_err(), JoseFault::Compressed, "{value}");
    }
}

#[test]
fn t_jo_08_repeated_members_are_refused_in_header_and_claims() {
    for header in [
        r#"{"alg":"none","alg":"ES256"}"#,
        r#"{"alg":"ES256","\u0061lg":"none"}"#,
        r#"{"alg":"ES256","x":[{"y":1,"y":2}]}"#,
        r#"{"alg":"ES256","kid":"k1","kid":["k1"]}"#,
    ] {
        assert!(
            matches!(with_header(header).unwrap_err(), JoseFault::Header(JsonFault::Repeated(_))),
            "{header}"
        );
    }
    for claims in [r#"{"aud":"a","a\u0075d":"b"}"#, r#"{"x":{"y":[{"z":1,"z":1}]}}"#, r#"{"a":1,"a":"1"}"#] {
        let jws = parse(&signed(Alg::Es256, r#"{"alg":"ES256"}"#, claims)).unwrap();
        let fault = jws.verify(&public(Alg::Es256)).unwrap().claims::<Value>().unwrap_err();
        assert!(matches!(fault, JoseFault::Claims(JsonFault::Repeated(_))), "{claims}");
        assert_eq!(jws.danger_unverified_claims::<Value>().unwrap_err(), fault, "{claims}");
    }
}

#[test]
fn t_jo_09_only_the_exact_compact_form_is_read() {
    let token = good();
    let (head, rest) = token.split_once('.').unwrap();
    for (bad, fault) in [
        (String::new(), JoseFault::Parts),
        (head.to_owned(), JoseFault::Parts),
        (format!("{head}.{}", rest.split_once('.').unwrap().0), JoseFault::Parts),
        (format!("{token}."), JoseFault::Parts),
        (format!("{token}.a.b"), JoseFault::Parts),
        (".".repeat(10_000), JoseFault::Parts),
        (".".repeat(1_000_000), JoseFault::TooLong),
        ("..".to_owned(), JoseFault::Header(JsonFault::Malformed { line: 1, column: 0 })),
        (format!("{token}="), JoseFault::Encoding),
        (format!("{head}=.{rest}"), JoseFault::Encoding),
        (format!(" {token}"), JoseFault::Encoding),
        (format!("{token}\n"), JoseFault::Encoding),
        (format!("{head}\u{a0}.{rest}"), JoseFault::Encoding),
        (format!("Bearer {token}"), JoseFault::Encoding),
        (format!("{head}.\n{rest}"), JoseFault::Encoding),
        (format!("{head}.a+/b.{}", rest.split_once('.').unwrap().1), JoseFault::Encoding),
        (r#"{"payload":"e30","signatures":[]}"#.to_owned(), JoseFault::Parts),
    ] {
        assert_eq!(parse(&bad).unwrap_err(), fault, "{:.80}", bad);
    }
}

#[test]
fn t_jo_09_spare_bits_must_be_zero_in_every_part() {
    let token = good();
    let last = token.as_bytes()[token.len() - 1];
    let twin = format!("{}{}", &token[..token.len() - 1], char::from(last + 1));
    assert_eq!(parse(&twin).unwrap_err(), JoseFault::Encoding, "a second spelling of the same signature");
    for payload in ["e31", "ew", "ex"] {
        let text = token.split('.').enumerate().map(|(part, text)| if part == 1 { payload } else { text });
        let fault = parse(&text.collect::<Vec<_>>().join(".")).map(drop);
        assert_eq!(fault.is_err(), payload != "ew", "{payload}");
    }
}

#[test]
fn the_size_is_judged_first_and_to_the_byte() {
    let token = good();
    assert!(Jws::parse(&token, token.len()).is_ok());
    assert_eq!(Jws::parse(&token, token.len() - 1).unwrap_err(), JoseFault::TooLong);
    assert_eq!(Jws::parse("not a token", 3).unwrap_err(), JoseFault::TooLong);
}

#[test]
fn t_jo_11_degenerate_and_foreign_ecdsa_signatures_are_refused() {
    let token = good();
    let genuine = signature_of(&token);
    let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let (r, s) = genuine.split_at(32);
    for bad in [
        [0; 64].to_vec(),
        [r, &[0; 32]].concat(),
        [&[0; 32], s].concat(),
        [order.as_slice(), s].concat(),
        [r, order.as_slice()].concat(),
        [0xff; 64].to_vec(),
        [s, r].concat(),
    ] {
        let jws = parse(&with_signature(&token, &bad)).unwrap();
        assert_eq!(jws.verify(&public(Alg::Es256)).unwrap_err(), JoseFault::Signature);
    }
    let der = [&[0x30, 0x44, 0x02, 0x20], r, &[0x02, 0x20], s].concat();
    for length in [genuine[..63].to_vec(), [&genuine[..], &[0]].concat(), [&[0], &genuine[..]].concat(), der]
    {
        assert_eq!(parse(&with_signature(&token, &length)).unwrap_err(), JoseFault::Signature);
    }
}

#[test]
fn t_jo_11_signatures_of_the_wrong_length_are_refused_for_every_algorithm() {
    for alg in ALGS {
        let token = signed(alg, &json!({"alg": alg.as_str()}).to_string(), "{}");
        let genuine = signature_of(&token);
        for bad in [[&genuine[..], &[0]].concat(), [&[0], &genuine[..]].concat(), genuine[1..].to_vec()] {
            let outcome = parse(&with_signature(&token, &bad)).and_then(|jws| jws.verify(&public(alg)));
            assert_eq!(outcome.unwrap_err(), JoseFault::Signature, "{alg} {}", bad.len());
        }
    }
}

#[test]
fn t_jo_12_of_two_keys_with_one_kid_the_fitting_one_verifies_and_an_encryption_key_never_does() {
    let token = good();
    let jws = parse(&token).unwrap();
    let both = JwkSet::new(vec![public(Alg::Ps256), public(Alg::Es256)]);
    assert!(jws.verify_by(&both).is_ok());
    let mut encryption = public(Alg::Es256).to_value();
    encryption["use"] = json!("enc");
    encryption.as_object_mut().unwrap().remove("alg");
    let encryption = PublicJwk::read(encryption.to_string().as_bytes()).unwrap();
    assert_eq!(encryption.key_use(), Some(KeyUse::Encryption));
    assert_eq!(jws.verify(&encryption).unwrap_err(), JoseFault::KeyMismatch);
    assert_eq!(jws.verify_by(&JwkSet::new(vec![encryption])).unwrap_err(), JoseFault::NoKey);
}

#[test]
fn without_a_kid_every_fitting_key_is_tried() {
    let rng = SystemRandom::new();
    let other =
        SigningKey::from_pkcs8_der(Alg::Es256, &SigningKey::generate_es256(&rng).unwrap(), &rng).unwrap();
    let other = other.public(&KeyId::new("k0").unwrap());
    let jws = with_header(r#"{"alg":"ES256"}"#).unwrap();
    assert!(jws.verify_by(&JwkSet::new(vec![other.clone(), public(Alg::Es256)])).is_ok());
    assert_eq!(jws.verify_by(&JwkSet::new(vec![other])).unwrap_err(), JoseFault::Signature);
}

#[test]
fn t_jo_13_a_header_of_hostile_json_is_refused() {
    for header in
        ["[\"ES256\"]", "\"ES256\"", "null", "\u{feff}{\"alg\":\"ES256\"}", "{\"alg\":\"ES256\"} x", "{"]
    {
        assert!(matches!(with_header(header).unwrap_err(), JoseFault::Header(_)), "{header}");
    }
    let deep = format!(r#"{{"alg":"ES256","x":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    assert_eq!(with_header(&deep).unwrap_err(), JoseFault::Header(JsonFault::TooDeep));
    let padded = format!(r#"{{"alg":"ES256","x":"{}"}}"#, "x".repeat(limits::JOSE_HEADER_BYTES));
    assert_eq!(with_header(&padded).unwrap_err(), JoseFault::TooLong);
}

#[test]
fn typ_is_compared_as_a_media_type() {
    for (typ, same) in [
        ("at+jwt", true),
        ("AT+JWT", true),
        ("application/at+jwt", true),
        ("Application/AT+JWT", true),
        ("at+jwt ", false),
        ("xapplication/at+jwt", false),
        ("application/", false),
        ("jwt", false),
        ("\u{212a}", false),
    ] {
        let jws = with_header(&json!({"alg": "ES256", "typ": typ}).to_string()).unwrap();
        assert_eq!(jws.is_typed("at+jwt"), same, "{typ}");
    }
    assert!(!with_header(r#"{"alg":"ES256"}"#).unwrap().is_typed("at+jwt"));
}

#[test]
fn rfc_7515_appendix_a_3_an_es256_object_verifies() {
    let key = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    });
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb\
                 290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let key = PublicJwk::read(key.to_string().as_bytes()).unwrap();
    let claims: Value = parse(token).unwrap().verify(&key).unwrap().claims().unwrap();
    assert_eq!(claims, json!({"iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true}));
}

#[test]
fn rfc_8037_appendix_a_5_an_ed25519_object_verifies() {
    let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6d\
                 WbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let key = PublicJwk::read(key.to_string().as_bytes()).unwrap();
    assert_eq!(parse(token).unwrap().verify(&key).unwrap().bytes(), b"Example of Ed25519 signing");
}

#[test]
fn neither_faults_nor_debug_repeat_what_was_sent() {
    let token = signed(Alg::Es256, r#"{"alg":"ES256","kid":7,"typ":"hunter2"}"#, r#"{"sub":"hunter2"}"#);
    let fault = parse(&token).unwrap_err();
    assert_eq!(fault.to_string(), "the header is not well-formed");
    let jws =
        parse(&signed(Alg::Es256, r#"{"alg":"ES256","typ":"hunter2"}"#, r#"{"sub":"hunter2"}"#)).unwrap();
    let verified = jws.verify(&public(Alg::Es256)).unwrap();
    assert!(!format!("{jws:?} {verified:?} {:?}", verified.claims::<u8>()).contains("hunter2"));
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}", parts in proptest::collection::vec("[A-Za-z0-9_=-]{0,40}", 0..6)) {
        for text in [text, parts.join(".")] {
            let _ = parse(&text);
            let _ = Jws::parse_with_embedded_key(&text, limits::JWT_BYTES);
        }
    }

    #[test]
    fn no_header_or_payload_makes_the_reader_panic(header in ".{0,120}", members in "[a-z0-9\":,{}\\[\\]]{0,80}", payload: Vec<u8>) {
        for header in [header, format!(r#"{{"alg":"ES256",{members}}}"#), format!(r#"{{"alg":"ES256","jwk":{members}}}"#)] {
            let parts = [header.as_bytes(), &payload, &[7; 64]].map(encode_base64url);
            for jws in [parse(&parts.join(".")), Jws::parse_with_embedded_key(&parts.join("."), limits::JWT_BYTES)].into_iter().flatten() {
                let _ = jws.danger_unverified_claims::<Value>();
                proptest::prop_assert!(jws.verify(&public(Alg::Es256)).is_err());
            }
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(24))]

    #[test]
    fn what_is_signed_is_read_back_byte_by_byte(payload: Vec<u8>, alg in proptest::sample::select(&ALGS[..])) {
        let header = json!({"alg": alg.as_str(), "kid": "k1"}).to_string();
        let input = format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(&payload));
        let signature = signer(alg).sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        let jws = Jws::parse(&format!("{input}.{}", encode_base64url(&signature)), limits::JWT_BYTES).unwrap();
        let verified = jws.verify_by(&JwkSet::new(vec![public(alg)])).unwrap();
        proptest::prop_assert_eq!(verified.bytes(), payload.as_slice());
    }
}
