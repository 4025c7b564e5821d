//! A client that registered encryption for every answer, and encrypts its own requests (RFC 7516, RFC 9101 section 6.1, JARM
//! section 2.2, RFC 9701 section 5, OpenID Connect Core section 10.2): opened and sealed by another implementation.

use conformance::bank::Settings;
use conformance::client::Answer;
use conformance::tpp::config::{Authentication, Constraint, Entry, Registered};
use conformance::tpp::flow::{Ask, Tokens, Tpp};
use conformance::tpp::jws::Members;
use conformance::tpp::keys::{Alg, Key};
use conformance::tpp::mutate::HONEST;
use conformance::tpp::request_object;
use conformance::user::Decision;
use josekit::jwe::{self, ECDH_ES, JweDecrypter, JweEncrypter, JweHeader, RSA_OAEP_256};
use josekit::jwk::Jwk;
use josekit::jwk::KeyPair as _;
use josekit::jwk::alg::ec::{EcCurve, EcKeyPair};
use josekit::jwk::alg::rsa::RsaKeyPair;
use serde_json::{Value, json};

use crate::support::World;
use crate::support::judge::refused;
use crate::support::raw::{Raw, fields};

pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:9473/callback";
pub(crate) const SEALED: [&str; 2] = ["RSA-OAEP-256", "ECDH-ES"];

/// The client's own pair of keys for one way to encrypt.
pub(crate) struct Sealing {
    pub(crate) alg: &'static str,
    private: Jwk,
    pub(crate) public: Value,
}

impl Sealing {
    pub(crate) fn new(alg: &'static str) -> Self {
        let (private, public) = if alg == "ECDH-ES" {
            let pair = EcKeyPair::generate(EcCurve::P256).unwrap();
            (pair.to_jwk_private_key(), pair.to_jwk_public_key())
        } else {
            let pair = RsaKeyPair::generate(2048).unwrap();
            (pair.to_jwk_private_key(), pair.to_jwk_public_key())
        };
        let mut public = serde_json::to_value(public.as_ref()).unwrap();
        let members = public.as_object_mut().unwrap();
        members.remove("key_ops");
        members.extend([
            ("use".to_owned(), json!("enc")),
            ("alg".to_owned(), json!(alg)),
            ("kid".to_owned(), json!(format!("enc-{alg}"))),
        ]);
        Self { alg, private, public }
    }

    pub(crate) fn id(&self) -> String {
        format!("sealed-{}", self.alg.to_lowercase())
    }

    /// What stands in the envelope. Its header says how it was sealed, and that a signed token is inside.
    pub(crate) fn open(&self, sealed: &str) -> String {
        assert_eq!(sealed.matches('.').count(), 4, "sealed: {sealed}");
        let decrypter: Box<dyn JweDecrypter> = match self.alg {
            "ECDH-ES" => Box::new(ECDH_ES.decrypter_from_jwk(&self.private).unwrap()),
            _ => Box::new(RSA_OAEP_256.decrypter_from_jwk(&self.private).unwrap()),
        };
        let (inside, header) = jwe::deserialize_compact(sealed, &*decrypter).unwrap();
        assert_eq!(
            (header.algorithm(), header.content_encryption(), header.content_type()),
            (Some(self.alg), Some("A256GCM"), Some("JWT"))
        );
        assert_eq!(header.key_id(), self.public["kid"].as_str());
        String::from_utf8(inside).unwrap()
    }
}

/// Seals to the server, with the key that it publishes for that.
fn seal(alg: &str, server: &Value, text: &str) -> String {
    let fits = |key: &&Value| key["use"] == "enc" && key["alg"] == alg;
    let key = server["keys"].as_array().unwrap().iter().find(fits).unwrap();
    let jwk = Jwk::from_map(key.as_object().unwrap().clone()).unwrap();
    let mut header = JweHeader::new();
    header.set_content_encryption("A256GCM");
    header.set_content_type("JWT");
    header.set_key_id(key["kid"].as_str().unwrap());
    let encrypter: Box<dyn JweEncrypter> = match alg {
        "ECDH-ES" => Box::new(ECDH_ES.encrypter_from_jwk(&jwk).unwrap()),
        _ => Box::new(RSA_OAEP_256.encrypter_from_jwk(&jwk).unwrap()),
    };
    jwe::serialize_compact(text.as_bytes(), &header, &*encrypter).unwrap()
}

fn registration(sealing: &Sealing, key: &Key) -> String {
    let keys = json!({ "keys": [key.registered(), sealing.public] });
    let alg = sealing.alg;
    let mut text = format!(
        "[[issuers.clients]]\nclient_id = \"{}\"\nclient_name = \"Sealed\"\n\
         token_endpoint_auth_method = \"private_key_jwt\"\ndpop_bound_access_tokens = true\n\
         redirect_uris = [\"{REDIRECT_URI}\"]\ngrant_types = [\"authorization_code\", \"refresh_token\"]\n\
         scope = \"openid profile email\"\njwks = '{keys}'\nuserinfo_signed_response_alg = \"ES256\"\n",
        sealing.id()
    );
    for name in [
        "request_object_encryption",
        "id_token_encrypted_response",
        "userinfo_encrypted_response",
        "authorization_encrypted_response",
        "introspection_encrypted_response",
    ] {
        text.push_str(&format!("{name}_alg = \"{alg}\"\n{name}_enc = \"A256GCM\"\n"));
    }
    text
}

pub(crate) fn registered(world: &World, id: &str, key: &Key) -> Registered {
    Registered {
        id: id.to_owned(),
        issuer: world.issuer(),
        entry: Entry {
            redirect_uri: REDIRECT_URI.to_owned(),
            token_endpoint_auth_method: Authentication::PrivateKeyJwt,
            sender_constraint: Constraint::Dpop,
            signing_key: "none".into(),
            signing_kid: key.id().to_owned(),
            signing_alg: "ES256".to_owned(),
            certificate: None,
            certificate_key: None,
        },
        key: key.clone(),
        http: world.bank.client().unwrap(),
    }
}

async fn push(tpp: &Tpp, object: &str) -> Answer {
    let form = fields(&[("client_id", tpp.id()), ("request", object)]);
    Raw::honest(tpp, "pushed_authorization_request_endpoint", form).send(&tpp.registered().http).await
}

fn signed_object(tpp: &Tpp, ask: &Ask) -> String {
    let registered = tpp.registered();
    let parameters: Members = ask.all(registered);
    let draft = request_object::draft(tpp.id(), &registered.issuer, parameters, &registered.key);
    draft.sign(&registered.key).unwrap()
}

/// JAR-14, ID-10, AZ-19, UI-05, IN-03.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_encrypts_everything_gets_everything_encrypted_and_signed_inside() {
    let pairs = SEALED.map(|alg| (Sealing::new(alg), Key::generate(Alg::Es256, "sig-1").unwrap()));
    let clients: String = pairs.iter().map(|(sealing, key)| registration(sealing, key)).collect();
    let file = format!("[[issuers]]\npolicy = \"fapi2-message-signing\"\n{clients}");
    let world = World::start(Settings { deployment: Some(file), ..Settings::default() }).await;
    let set = world.bank.client().unwrap().get(&format!("{}/jwks", world.issuer())).await.unwrap();
    let set = set.json().unwrap();
    for (sealing, key) in &pairs {
        let tpp = Tpp::discover(registered(&world, &sealing.id(), key)).await.unwrap();
        whole_flow(&world, &tpp, sealing, &set).await;
        what_is_not_sealed_as_registered_is_refused(&tpp, sealing, &set).await;
    }
}

async fn whole_flow(world: &World, tpp: &Tpp, sealing: &Sealing, set: &Value) {
    let ask = Ask::new("openid profile email").with("response_mode", "jwt");
    let pushed = push(tpp, &seal(sealing.alg, set, &signed_object(tpp, &ask))).await;
    let request_uri = pushed.member("request_uri").unwrap();
    let returned = world.decide(tpp, &request_uri, &Decision::Approve).await;
    let names: Vec<String> = returned.url().query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["response"]);
    let keys = tpp.server_keys().await.unwrap();
    let response = sealing.open(&returned.parameter("response").unwrap());
    let claims = keys.open_for(&response, &world.issuer(), tpp.id()).unwrap();
    assert_eq!(claims["state"], json!(ask.state));

    let answer = tpp.redeem(&ask, claims["code"].as_str().unwrap(), HONEST).await.unwrap();
    let tokens = Tokens::read(&answer).unwrap();
    let id_token = sealing.open(tokens.body["id_token"].as_str().unwrap());
    let told = keys.open_for(&id_token, &world.issuer(), tpp.id()).unwrap();
    assert_eq!(told["nonce"], json!(ask.nonce));

    let userinfo = world.userinfo(tpp, &tokens.access).await;
    assert_eq!((userinfo.status.as_u16(), userinfo.header("content-type")), (200, Some("application/jwt")));
    let (_, who) = keys.open(&sealing.open(&userinfo.text()), &["ES256"]).unwrap();
    assert_eq!(
        (&who["sub"], &who["aud"], &who["iss"]),
        (&told["sub"], &json!(tpp.id()), &json!(world.issuer()))
    );

    let answer = tpp.present("introspection_endpoint", &tokens.access, HONEST).await.unwrap();
    assert_eq!(
        answer.header("content-type"),
        Some("application/token-introspection+jwt"),
        "{}",
        answer.text()
    );
    let (header, about) = keys.open(&sealing.open(&answer.text()), &["ES256"]).unwrap();
    assert_eq!(header["typ"], json!("token-introspection+jwt"));
    assert_eq!(about["token_introspection"]["active"], json!(true));
}

async fn what_is_not_sealed_as_registered_is_refused(tpp: &Tpp, sealing: &Sealing, set: &Value) {
    let ask = Ask::new("openid").with("response_mode", "jwt");
    let object = signed_object(tpp, &ask);
    let good = seal(sealing.alg, set, &object);
    let other = if sealing.alg == SEALED[0] { SEALED[1] } else { SEALED[0] };
    let (front, tag) = good.rsplit_once('.').unwrap();
    let broken = format!("{front}.{}{}", if tag.starts_with('A') { 'B' } else { 'A' }, &tag[1..]);
    let unsigned = seal(sealing.alg, set, "{\"client_id\": \"x\"}");
    for (what, sent) in
        [("another way", seal(other, set, &object)), ("a broken seal", broken), ("nothing signed", unsigned)]
    {
        let answer = push(tpp, &sent).await;
        refused(&answer, 400, "invalid_request_object");
        assert!(!answer.text().contains("openssl"), "{what}: {}", answer.text());
    }
    assert_eq!(push(tpp, &good).await.status, 201, "and nothing of that was used up");
}
