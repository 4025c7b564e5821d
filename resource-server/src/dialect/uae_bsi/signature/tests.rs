use oauth_core::jose::{EncodedHeader, SigningKey};
use oauth_core::{KeyId, LocalSigner};
use ring::rand::SystemRandom;
use serde_json::json;

use super::*;

const NOW: i64 = 1_795_248_000;
const ISSUER: &str = "https://auth.example";
const BASE: &str = "https://rs.example/open-finance/payment/v1";

/// A client with a key, and the envelope of a good order.
struct Tpp {
    key: SigningKey,
    kid: KeyId,
    id: ClientId,
}

impl Tpp {
    fn es256() -> Self {
        let rng = SystemRandom::new();
        let der = SigningKey::generate_es256(&rng).unwrap();
        Self::with(SigningKey::from_pkcs8_der(Alg::Es256, &der, &rng).unwrap())
    }

    fn rsa(alg: Alg) -> Self {
        Self::with(SigningKey::from_pkcs8_pem(alg, TEST_ONLY_RSA_2048, &SystemRandom::new()).unwrap())
    }

    fn with(key: SigningKey) -> Self {
        Self { key, kid: KeyId::new("k1").unwrap(), id: ClientId::new("tpp-1").unwrap() }
    }

    fn keys(&self) -> JwkSet {
        JwkSet::new(vec![self.key.public(&self.kid)])
    }

    fn header(&self, typ: Option<&'static str>) -> EncodedHeader {
        Header { alg: self.key.alg(), kid: self.kid.clone(), typ }.encode()
    }

    fn sign_bytes(&self, typ: Option<&'static str>, payload: &str) -> String {
        let input = self.header(typ).signing_bytes(payload.as_bytes());
        let signature = self.key.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        input.complete(&signature)
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_bytes(None, &claims.to_string())
    }

    /// What the server finds in this body.
    fn read_as(&self, alg: Alg, body: &str) -> Result<SignedMessage, Refused> {
        let expected = Expected {
            client: &self.id,
            keys: &self.keys(),
            audiences: &[ISSUER, BASE],
            now: Timestamp::from_seconds(NOW),
        };
        open(body.as_bytes(), alg).and_then(|jws| SignedMessage::verify(&jws, &expected))
    }

    fn read(&self, body: &str) -> Result<SignedMessage, Refused> {
        self.read_as(self.key.alg(), body)
    }
}

fn envelope() -> Value {
    json!({"iss": "tpp-1", "aud": [ISSUER], "iat": NOW, "nbf": NOW, "exp": NOW + 300, "message": {"Data": {"a": 1}}})
}

fn with(member: &str, value: Value) -> Value {
    let mut claims = envelope();
    claims[member] = value;
    claims
}

fn without(member: &str) -> Value {
    let mut claims = envelope();
    claims.as_object_mut().unwrap().remove(member).unwrap();
    claims
}

#[test]
fn a_good_body_is_read_whatever_the_spelling_of_its_audience_and_time() {
    let tpp = Tpp::es256();
    for claims in [
        envelope(),
        without("iat"),
        without("aud"),
        with("aud", json!(ISSUER)),
        with("aud", json!(BASE)),
        with("aud", json!(["https://other.example", BASE])),
        with("nbf", json!(NOW + 10)),
        with("jti", json!("once")),
        json!({"iss": "tpp-1", "aud": ISSUER, "nbf": NOW - 600, "exp": NOW, "message": {"Data": {"a": 1}}}),
    ] {
        let read = tpp.read(&tpp.sign(&claims)).unwrap();
        assert_eq!(read.0, json!({"Data": {"a": 1}}), "{claims}");
    }
    assert!(tpp.read(&tpp.sign_bytes(Some("jwt"), &envelope().to_string())).is_ok());
}

#[test]
fn one_wrong_claim_refuses_the_body_and_names_itself() {
    let tpp = Tpp::es256();
    for (claims, claim) in [
        (with("iss", json!("tpp-2")), "iss"),
        (without("iss"), "iss"),
        (with("aud", json!("https://other.example")), "aud"),
        (with("aud", json!([])), "aud"),
        (with("aud", json!("https://auth.example/")), "aud"),
        (with("aud", json!(null)), "aud"),
        (without("exp"), "exp"),
        (with("exp", json!(NOW - 10)), "exp"),
        (with("exp", json!(NOW + 601)), "exp"),
        (with("exp", json!("1795248300")), "exp"),
        (with("exp", json!(null)), "exp"),
        (without("nbf"), "nbf"),
        (with("nbf", json!(NOW + 11)), "nbf"),
        (with("nbf", json!(NOW - 611)), "nbf"),
        (with("iat", json!(NOW + 11)), "iat"),
        (with("iat", json!(null)), "iat"),
        (without("message"), "message"),
        (with("message", json!([])), "message"),
        (with("message", json!("{}")), "message"),
    ] {
        let refused = tpp.read(&tpp.sign(&claims)).unwrap_err();
        assert_eq!((refused.reason, refused.path.as_deref()), (Reason::Claim, Some(claim)), "{claims}");
    }
}

#[test]
fn a_repeated_member_refuses_the_body_at_any_depth() {
    let tpp = Tpp::es256();
    let envelope = |message: &str| {
        format!(r#"{{"iss":"tpp-1","aud":"{ISSUER}","nbf":{NOW},"exp":{},"message":{message}}}"#, NOW + 300)
    };
    let read = |payload: &str| tpp.read(&tpp.sign_bytes(None, payload));
    assert!(read(&envelope(r#"{"Data":{"Amount":{"Amount":"1.00"}}}"#)).is_ok());
    for message in [
        r#"{"Data":{},"Data":{}}"#,
        r#"{"Data":{"Amount":{"Amount":"1.00","Amount":"9.00"}}}"#,
        r#"{"Data":{"Amount":{"Amount":"1.00","\u0041mount":"9.00"}}}"#,
    ] {
        let refused = read(&envelope(message)).unwrap_err();
        assert_eq!(refused.reason, Reason::Format, "{message}");
        assert!(refused.path.is_some_and(|path| path.starts_with("Data")), "{message}");
    }
    let twice = envelope("{}").replacen(r#""iss":"tpp-1""#, r#""iss":"tpp-2","iss":"tpp-1""#, 1);
    assert_eq!(read(&twice).unwrap_err().reason, Reason::Claim);
}

#[test]
fn only_the_registered_algorithm_is_taken() {
    let rsa = Tpp::rsa(Alg::Ps256);
    let body = rsa.sign(&envelope());
    assert!(rsa.read_as(message_alg(None, &[Alg::Ps256, Alg::Es256]), &body).is_ok());
    let pkcs1 = Tpp::rsa(Alg::Rs256).sign(&envelope());
    assert_eq!(rsa.read(&pkcs1).unwrap_err().reason, Reason::JoseHeader);
    let ec = Tpp::es256();
    let refused = ec.read_as(Alg::Ps256, &ec.sign(&envelope())).unwrap_err();
    assert_eq!(refused.reason, Reason::JoseHeader);
    assert_eq!(message_alg(Some(Alg::Es256), &[Alg::Ps256, Alg::Es256]), Alg::Es256);
    assert_eq!(message_alg(Some(Alg::Rs256), &[Alg::Ps256, Alg::Es256]), Alg::Ps256);
}

#[test]
fn an_unsigned_body_is_refused() {
    use base64::Engine as _;
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let tpp = Tpp::es256();
    let payload = encode(&envelope().to_string());
    for alg in ["none", "HS256"] {
        let header = encode(&format!(r#"{{"alg":"{alg}","kid":"k1"}}"#));
        let refused = tpp.read(&format!("{header}.{payload}.")).unwrap_err();
        assert_eq!(refused.reason, Reason::JoseHeader, "{alg}");
    }
}

#[test]
fn a_body_signed_with_another_key_is_refused() {
    let (tpp, other) = (Tpp::es256(), Tpp::es256());
    assert_eq!(tpp.read(&other.sign(&envelope())).unwrap_err().reason, Reason::Signature);
    let renamed = Tpp { kid: KeyId::new("k2").unwrap(), ..other };
    assert_eq!(tpp.read(&renamed.sign(&envelope())).unwrap_err().reason, Reason::Signature);
    let body = tpp.sign(&envelope());
    let forged = tpp.sign(&with("message", json!({"Data": {"a": 2}})));
    let (head, _) = forged.rsplit_once('.').unwrap();
    let (_, signature) = body.rsplit_once('.').unwrap();
    assert_eq!(tpp.read(&format!("{head}.{signature}")).unwrap_err().reason, Reason::Signature);
}

#[test]
fn what_is_not_a_compact_jws_is_malformed() {
    let tpp = Tpp::es256();
    let body = tpp.sign(&envelope());
    for bad in ["", "a.b", "{}", &format!("{body} "), &format!("{body}="), &"a".repeat(70_000)] {
        assert_eq!(tpp.read(bad).unwrap_err().reason, Reason::Malformed, "{bad:.20}");
    }
    assert_eq!(tpp.read("a.b.c.d.e").unwrap_err().reason, Reason::Malformed);
    assert_eq!(open(&[0xff, 0xfe], Alg::Es256).unwrap_err().reason, Reason::Malformed);
}

#[test]
fn a_jwt_of_another_kind_is_refused() {
    let tpp = Tpp::es256();
    for typ in ["at+jwt", "oauth-authz-req+jwt", ""] {
        let refused = tpp.read(&tpp.sign_bytes(Some(typ), &envelope().to_string())).unwrap_err();
        assert_eq!(refused.reason, Reason::JoseHeader, "{typ}");
    }
}

#[test]
fn two_requests_are_the_same_when_only_order_spacing_and_envelope_differ() {
    let tpp = Tpp::es256();
    let print = |message: &str, exp: i64| {
        let payload =
            format!(r#"{{"iss":"tpp-1","aud":"{ISSUER}","nbf":{NOW},"exp":{exp},"message":{message}}}"#);
        tpp.read(&tpp.sign_bytes(None, &payload)).unwrap().fingerprint()
    };
    let first = print(r#"{"Data":{"a":"1","b":{"c":"2","d":"3"}}}"#, NOW + 60);
    assert_eq!(first, print(r#"{ "Data" : {"b":{"d":"3","c":"\u0032"}, "a":"1"} }"#, NOW + 90));
    assert_ne!(first, print(r#"{"Data":{"a":"1","b":{"c":"2","d":"4"}}}"#, NOW + 60));
}

#[tokio::test]
async fn an_answer_is_signed_for_its_client_and_lives_five_minutes() {
    let rng = SystemRandom::new();
    let key = SigningKey::from_pkcs8_pem(Alg::Ps256, TEST_ONLY_RSA_2048, &rng).unwrap();
    let signer = LocalSigner::new(vec![(KeyId::new("s1").unwrap(), key)]);
    let (issuer, client) = (Issuer::new(ISSUER).unwrap(), ClientId::new("tpp-1").unwrap());
    let message = json!({"Data": {}});
    let now = Timestamp::from_seconds(NOW);
    let text = sign(&*signer, &issuer, &client, &message, (now, "j1")).await.unwrap();
    let jws = Jws::parse(&text, limits::SIGNED_BODY_BYTES).unwrap();
    assert_eq!((jws.alg(), jws.kid()), (Alg::Ps256, Some("s1")));
    let claims: Value = jws.verify_by(&JwkSet::new(signer.published().to_vec())).unwrap().claims().unwrap();
    assert_eq!(
        claims,
        json!({"iss": ISSUER, "aud": ["tpp-1"], "iat": NOW, "nbf": NOW, "exp": NOW + 300, "jti": "j1", "message": {"Data": {}}})
    );
}

/// A key for tests only. It protects nothing and was never used elsewhere.
const TEST_ONLY_RSA_2048: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIIEuwIBADANBgkqhkiG9w0BAQEFAASCBKUwggShAgEAAoIBAQCFqo2zlC94g64F\n\
M1Z4Fpgj0PE8ANxnB6d9QuxiYi7TPZ753127uqWVmGxF2rtCiihLqsFVEGaXZ7cu\n\
+ADuH/QveuPg1nLNH5ZUyW0oX7m5lSjSelY0UrGIOtgyAgeczpne8eSpc9xHK3AN\n\
jkKP1tTyexVka1qGqqFDLXyDvZ3T8GBDpCESLUZtfVjDUlBgCmflObawPgRQ0HE3\n\
RDuFdEwawOMYXXwDTL7jSg4JqBhC5kCwWCAm+blD89jb8zse5fYQ0Fx6kehRbhwM\n\
LzyHpllfovZl46Xjdd+VI+Y4B8kUHnkuouohb/5UZ0tM/gI3wI7evxHXIzmKZSAX\n\
2eKXRa9JAgMBAAECgf9+F+aVAbXGenIvdb6cirP7FaB8elNw3keiYv+b0ANcQ0U1\n\
cwF5lxmdhayeOTluC+b3ep3nIRGmwrCMHmjCOmKgZ82QzLx/xMyML3hKHgOWjp9z\n\
7vRjZ58SZHCOvFtyEXQWXRrYv/ONL+0E3K7uAjvggzwq/xrm7xAxzzcnEDlTNJKJ\n\
Oi59zNj/KQbNIFLiHPSLkqXIOqS3ubNTT1S7AhB7e74+CUOh42OX73G9h2nbMtrC\n\
MMvowfOhnrl++tA5FHBe0u2zUnojUF6pqUM/kEQmKNXdpkIOOxX+7Advw+JsHkgZ\n\
9vuJaytZ+O/DvxdEB1/PqvRN6B5Zy8pq8ucDn18CgYEAvHO7QbaLlqnvmZAhizWS\n\
vzR3z3uaI0QQuHGrLtxK8jKHZrLM2pObI7mRWZqhipBZFQGTG8GJ4+Rdjgrww2Wu\n\
tQADHW2VIHa78UWtoUdrjAQNO4PzMiZ7jcTA6iBIddkiEc/4EZH7BtJl4dEQ4Xlp\n\
/GmkILxIRDDVXCDRhGrY3kcCgYEAtZOzHBQZHKInbZ4XugZ+MLzrClc45ND+4YeT\n\
Da2Sg0JHBwXdegk8+pYIKvjb/R+d6GpZXVV6lNQdmaqhrQpsFagb5wqaAjLmoYZX\n\
SKnjVVkDdfP53HcG49wJ6jjTp9W/w+P4q4HH9ilXgAYRUo1zC3jFU7fjhT4XTQN/\n\
0CrO/e8CgYAhCKhqfHU7k85MPNekb1+p5Kib1i7Ov7+ulT5MmJEKo5DYj78ZEYbA\n\
XGb+LfzjLSpwZDZFR0fEiuNbYs+RcOGPGNFy9yKM7kNDp9Mn0j0n7g3jwN2AjP5b\n\
e4HViJMrFUTDmpEBg3VdXMQ/MUakP4Q0mtAKbPa9/VFpNNeFPrWFQQKBgQCXACZy\n\
UlBz3HHXmiJ3JFEq7OC178UznI5qNZnYRSFToPl6YKlHhIk+hyhxvBUOUo26Kz73\n\
/E79l8yp7xmW0tUByZSytcFP1M6xQwwxNH8GigjzvZprelyzf1iLfQifSYW5PUue\n\
LUaCcuz+XY1oTpN+1cecEI/YTcOI20Eed4s95wKBgEpQg+OeY0bZ4uAxxjSwV7Cz\n\
SMz0OLG6lmJtf3rC3shRQEZG69dPYofCZhqbdE5ZociWPkbZxgSatsPh8Ru+1q5h\n\
4Gs67o/096wuDrKepoEbJJDV37AI8aJbHmPu0ckeDpgHq3vGM5hZ72XQq+CzX87k\n\
3If0RcBm3+boaTWIdFs2\n\
-----END PRIVATE KEY-----\n\
";
