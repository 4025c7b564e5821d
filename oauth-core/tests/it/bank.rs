//! A server under any policy, and a client of it that signs and encrypts with another JOSE implementation than ours.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use josekit::jwe::{ECDH_ES, JweHeader, RSA_OAEP, RSA_OAEP_256};
use josekit::jwk::alg::ec::{EcCurve, EcKeyPair};
use josekit::jwk::alg::rsa::RsaKeyPair;
use josekit::jwk::{Jwk, KeyPair as _};
use josekit::jws::{ES256, JwsHeader, JwsSigner, PS256, RS256};
use oauth_core::http::OAuthService;
use oauth_core::jose::{DecryptionKey, KeyManagement};
use oauth_core::store::memory::{MemoryClaims, MemoryStore};
use oauth_core::testkit::{CountedEntropy, FixedClock, keys};
use oauth_core::{
    Approval, Audit, AuditEvent, AuditOutcome, Authentication, AuthorizationServer, Chain, Claimed, Claims,
    Client, ClientDirectory, ClientId, ClientMetadata, ClientStatus, CorrelationId, Denial, Entropy,
    FAPI2_MESSAGE_SIGNING, Fault, FixedClients, Interaction, Issuer, KeyId, LocalDecrypter, NoConsents,
    NoDetailTypes, Once, OutOfBounds, Outcome, PeerCertificate, Policy, Ports, Resource, ResumeSubmitted,
    Return, Scope, Seconds, ServerSecret, Settings, Subject, Timestamp, UserClaims, UserStanding,
    VettedRequest,
};
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use zeroize::Zeroizing;

pub(crate) const ISSUER: &str = "https://as.example";
pub(crate) const CLIENT: &str = "tpp-1";
pub(crate) const CALLBACK: &str = "https://tpp.example/cb";
/// What the clock of every test shows at first.
pub(crate) const START: i64 = 1_790_000_000;
/// The SHA-256 of [`VERIFIER`] in base64url.
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The private keys of the client, and the decryption keys of the server.
pub(crate) struct Keys {
    pub(crate) es256: Jwk,
    pub(crate) rsa: Jwk,
    pub(crate) sealed_to_client_ec: EcKeyPair,
    pub(crate) sealed_to_client_rsa: RsaKeyPair,
    pub(crate) sealed_to_server_ec: EcKeyPair,
    pub(crate) sealed_to_server_rsa: RsaKeyPair,
    pub(crate) stranger: Jwk,
}

pub(crate) fn client_keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let ec = || EcKeyPair::generate(EcCurve::P256).unwrap();
        let rsa = || RsaKeyPair::generate(2048).unwrap();
        Keys {
            es256: ec().to_jwk_key_pair(),
            rsa: rsa().to_jwk_key_pair(),
            sealed_to_client_ec: ec(),
            sealed_to_client_rsa: rsa(),
            sealed_to_server_ec: ec(),
            sealed_to_server_rsa: rsa(),
            stranger: ec().to_jwk_key_pair(),
        }
    })
}

/// Public halves of the client's keys, as it registers them.
pub(crate) fn jwks() -> Value {
    let keys = client_keys();
    let public = |jwk: &Jwk, kid: &str, alg: &str, key_use: &str| {
        let mut members: Map<String, Value> = jwk.as_ref().clone();
        for private in ["d", "p", "q", "dp", "dq", "qi", "key_ops"] {
            members.remove(private);
        }
        members.insert("kid".into(), kid.into());
        members.insert("alg".into(), alg.into());
        members.insert("use".into(), key_use.into());
        Value::Object(members)
    };
    json!({ "keys": [
        public(&keys.es256, "es", "ES256", "sig"),
        public(&keys.rsa, "ps", "PS256", "sig"),
        public(&keys.sealed_to_client_ec.to_jwk_public_key(), "enc-ec", "ECDH-ES", "enc"),
        public(&keys.sealed_to_client_rsa.to_jwk_public_key(), "enc-rsa", "RSA-OAEP-256", "enc"),
    ]})
}

/// A signed JWT in the making: what a test changes.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) alg: &'static str,
    pub(crate) kid: Option<&'static str>,
    pub(crate) typ: Option<String>,
    pub(crate) claims: Value,
    pub(crate) key: Option<Jwk>,
}

impl Draft {
    /// A request object that every profile takes.
    pub(crate) fn request() -> Self {
        let claims = json!({
            "iss": CLIENT, "aud": ISSUER, "nbf": START, "exp": START + 300, "client_id": CLIENT,
            "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid accounts", "state": "st",
            "nonce": "no", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        });
        Self { alg: "ES256", kid: Some("es"), typ: Some("oauth-authz-req+jwt".into()), claims, key: None }
    }

    /// The same with one claim changed.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }

    /// The same without one claim.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    /// The same with another algorithm, and the client's key for it.
    pub(crate) fn signed_by(mut self, alg: &'static str, kid: &'static str) -> Self {
        (self.alg, self.kid) = (alg, Some(kid));
        self
    }

    /// The compact form.
    pub(crate) fn sign(&self) -> String {
        self.sign_bytes(self.claims.to_string().as_bytes())
    }

    /// The compact form over any payload.
    pub(crate) fn sign_bytes(&self, payload: &[u8]) -> String {
        let keys = client_keys();
        let mut header = JwsHeader::new();
        if let Some(kid) = self.kid {
            header.set_key_id(kid);
        }
        if let Some(typ) = &self.typ {
            header.set_token_type(typ);
        }
        let signer: Box<dyn JwsSigner> = match self.alg {
            "ES256" => Box::new(ES256.signer_from_jwk(self.key.as_ref().unwrap_or(&keys.es256)).unwrap()),
            "PS256" => Box::new(PS256.signer_from_jwk(self.key.as_ref().unwrap_or(&keys.rsa)).unwrap()),
            "RS256" => Box::new(RS256.signer_from_jwk(self.key.as_ref().unwrap_or(&keys.rsa)).unwrap()),
            other => panic!("{other}"),
        };
        josekit::jws::serialize_compact(payload, &header, &*signer).unwrap()
    }
}

/// A DPoP proof for PAR by the client's own key, and the thumbprint of that key.
pub(crate) fn proof() -> (String, String) {
    proof_for("POST", "/par")
}

/// The same for another call.
pub(crate) fn proof_for(method: &str, path: &str) -> (String, String) {
    let key = &client_keys().es256;
    let member = |name: &str| key.parameter(name).unwrap().as_str().unwrap().to_owned();
    let (x, y) = (member("x"), member("y"));
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let mut header = JwsHeader::new();
    header.set_token_type("dpop+jwt");
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
    header.set_claim("jwk", Some(jwk)).unwrap();
    let claims = json!({ "jti": "proof-1", "htm": method, "htu": format!("{ISSUER}{path}"), "iat": START });
    let signer = ES256.signer_from_jwk(key).unwrap();
    let proof = josekit::jws::serialize_compact(claims.to_string().as_bytes(), &header, &signer).unwrap();
    (proof, encode(ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes()).as_ref()))
}

/// Encrypts to the server the way most clients do.
pub(crate) fn seal(content: &str, alg: &str) -> String {
    let mut header = JweHeader::new();
    header.set_content_encryption("A256GCM");
    header.set_content_type("JWT");
    seal_as(content, alg, header)
}

/// Encrypts to the server under any header.
pub(crate) fn seal_as(content: &str, alg: &str, header: JweHeader) -> String {
    let keys = client_keys();
    let mut header = header;
    match alg {
        "RSA-OAEP-256" => {
            header.set_key_id("srv-rsa");
            let key = keys.sealed_to_server_rsa.to_jwk_public_key();
            let encrypter = RSA_OAEP_256.encrypter_from_jwk(&key).unwrap();
            josekit::jwe::serialize_compact(content.as_bytes(), &header, &encrypter).unwrap()
        }
        "RSA-OAEP" => {
            header.set_key_id("srv-rsa");
            let key = keys.sealed_to_server_rsa.to_jwk_public_key();
            let encrypter = RSA_OAEP.encrypter_from_jwk(&key).unwrap();
            josekit::jwe::serialize_compact(content.as_bytes(), &header, &encrypter).unwrap()
        }
        "ECDH-ES" => {
            header.set_key_id("srv-ec");
            let key = keys.sealed_to_server_ec.to_jwk_public_key();
            let encrypter = ECDH_ES.encrypter_from_jwk(&key).unwrap();
            josekit::jwe::serialize_compact(content.as_bytes(), &header, &encrypter).unwrap()
        }
        other => panic!("{other}"),
    }
}

/// Opens what the server encrypted to the client: header and content.
pub(crate) fn open(jwe: &str) -> (Value, String) {
    let keys = client_keys();
    let header: Value = serde_json::from_slice(&part(jwe, 0)).unwrap();
    let (content, _) = match header["alg"].as_str().unwrap() {
        "ECDH-ES" => {
            let key = keys.sealed_to_client_ec.to_jwk_key_pair();
            josekit::jwe::deserialize_compact(jwe, &ECDH_ES.decrypter_from_jwk(&key).unwrap()).unwrap()
        }
        "RSA-OAEP-256" => {
            let key = keys.sealed_to_client_rsa.to_jwk_key_pair();
            josekit::jwe::deserialize_compact(jwe, &RSA_OAEP_256.decrypter_from_jwk(&key).unwrap()).unwrap()
        }
        other => panic!("{other}"),
    };
    (header, String::from_utf8(content).unwrap())
}

/// One part of a compact form, decoded.
pub(crate) fn part(compact: &str, index: usize) -> Vec<u8> {
    use base64::Engine as _;
    let text = compact.split('.').nth(index).unwrap();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Base64url without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Verifies what the server signed, with the key of its published set: header and claims.
pub(crate) fn verified(bank: &Bank, jwt: &str) -> (Value, Value) {
    let header: Value = serde_json::from_slice(&part(jwt, 0)).unwrap();
    let jwks = futures_util::FutureExt::now_or_never(bank.server.jwks()).unwrap().unwrap();
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let key = Jwk::from_map(key.as_object().unwrap().clone()).unwrap();
    let verifier: Box<dyn josekit::jws::JwsVerifier> = match header["alg"].as_str().unwrap() {
        "ES256" => Box::new(ES256.verifier_from_jwk(&key).unwrap()),
        "PS256" => Box::new(PS256.verifier_from_jwk(&key).unwrap()),
        other => panic!("{other}"),
    };
    let (payload, _) = josekit::jws::deserialize_compact(jwt, &*verifier).unwrap();
    (header, serde_json::from_slice(&payload).unwrap())
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
    /// The rule behind a refusal, from the audit.
    pub(crate) rule: Option<&'static str>,
    /// The port that failed, from the audit.
    pub(crate) broken: Option<&'static str>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The refusal that a test expects: status 400, this code, this rule, and words to act on.
    #[track_caller]
    pub(crate) fn refused(&self, code: &str, rule: &str) {
        let body = self.json();
        assert_eq!((self.status, body["error"].as_str(), self.rule), (400, Some(code), Some(rule)), "{body}");
        assert!(body["error_description"].as_str().is_some_and(|words| words.len() > 20), "{body}");
    }
}

/// A server and its surroundings.
pub(crate) struct Bank {
    pub(crate) server: Arc<AuthorizationServer>,
    pub(crate) clock: Arc<FixedClock>,
    service: OAuthService,
    audit: Arc<LastEvent>,
    directory: Arc<Directory>,
    alice: Arc<Alice>,
    well: Arc<Well>,
    shown: Mutex<Arc<[u8]>>,
    pub(crate) claims: Arc<CountedClaims>,
    count: Mutex<u64>,
}

#[derive(Default)]
struct LastEvent(Mutex<Option<AuditEvent>>);

impl Audit for LastEvent {
    fn record(&self, event: &AuditEvent) {
        *self.0.lock().unwrap() = Some(event.clone());
    }
}

/// Random bytes that run out after so many draws, when told to.
#[derive(Default)]
struct Well {
    water: CountedEntropy,
    dry_after: Mutex<Option<u64>>,
}

impl Entropy for Well {
    fn draw(&self) -> Result<Zeroizing<[u8; 32]>, Fault> {
        if let Some(left) = &mut *self.dry_after.lock().unwrap() {
            *left = left.checked_sub(1).ok_or_else(|| Fault::new("entropy", "the well is dry"))?;
        }
        self.water.draw()
    }
}

/// A directory that forgets everyone, or disables the one client of most tests, when told to.
struct Directory {
    known: FixedClients,
    forgotten: AtomicBool,
    disabled: AtomicBool,
}

#[async_trait]
impl ClientDirectory for Directory {
    async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, Fault> {
        if self.forgotten.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let known = self.known.client(id).await?;
        if !self.disabled.load(Ordering::SeqCst) || id.as_str() != CLIENT {
            return Ok(known);
        }
        let disabled =
            |client: Arc<Client>| Arc::new(Client { status: ClientStatus::Disabled, ..(*client).clone() });
        Ok(known.map(disabled))
    }
}

/// Replay protection that says how often it was asked to remember.
pub(crate) struct CountedClaims {
    memory: MemoryClaims,
    pub(crate) claimed: AtomicU64,
    /// Since when it remembers, in seconds.
    pub(crate) since: AtomicI64,
}

#[async_trait]
impl Claims for CountedClaims {
    async fn claim(&self, once: &[Once], now: Timestamp) -> Result<Claimed, Fault> {
        self.claimed.fetch_add(1, Ordering::SeqCst);
        self.memory.claim(once, now).await
    }

    async fn remembers_since(&self, now: Timestamp) -> Result<Timestamp, Fault> {
        let since = Timestamp::from_seconds(self.since.load(Ordering::SeqCst));
        Ok(self.memory.remembers_since(now).await?.max(since))
    }
}

struct Pages;

#[async_trait]
impl Interaction for Pages {
    async fn begin(&self, ticket: &str, _request: &VettedRequest) -> Result<String, Fault> {
        Ok(format!("/login?ticket={ticket}"))
    }
}

/// The one customer, whom the bank may lock.
#[derive(Default)]
struct Alice {
    locked: AtomicBool,
    gone: AtomicBool,
}

#[async_trait]
impl UserClaims for Alice {
    async fn claims(&self, _subject: &Subject, scope: &Scope) -> Result<Option<Map<String, Value>>, Fault> {
        let mut told = json!({ "name": "Alice" });
        if scope.contains("email") {
            told["email"] = json!("alice@example.com");
        }
        let known = !self.locked.load(Ordering::SeqCst) && !self.gone.load(Ordering::SeqCst);
        Ok(if known { told.as_object().cloned() } else { None })
    }

    async fn standing(&self, _subject: &Subject) -> Result<UserStanding, Fault> {
        Ok(if self.locked.load(Ordering::SeqCst) { UserStanding::Locked } else { UserStanding::Good })
    }
}

/// Registration of the client of these tests; a test adds members.
pub(crate) fn metadata(more: &Value) -> ClientMetadata {
    let mut members = json!({
        "client_id": CLIENT,
        "organisation": { "name": "Test", "id": "test", "domain": "tpp.example" },
        "token_endpoint_auth_method": "private_key_jwt",
        "tls_client_certificate_bound_access_tokens": true,
        "jwks": jwks(),
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid accounts",
    });
    for (name, value) in more.as_object().unwrap() {
        members[name] = value.clone();
    }
    serde_json::from_value(members).unwrap()
}

pub(crate) fn settings() -> Settings {
    let issuer = Issuer::new(ISSUER).unwrap();
    let resource = Resource::new("https://rs.example").unwrap();
    let mut settings = Settings::recommended(issuer, resource, ServerSecret::new(Zeroizing::new([7; 32])));
    settings.mtls_origin = Some("https://mtls.as.example".into());
    settings.scopes = Scope::new("openid accounts").unwrap();
    settings
}

pub(crate) fn decrypter() -> Arc<LocalDecrypter> {
    let keys = client_keys();
    let key = |alg, kid: &str, pem: Vec<u8>| {
        DecryptionKey::from_pkcs8_pem(alg, &KeyId::new(kid).unwrap(), &String::from_utf8(pem).unwrap())
            .unwrap()
    };
    LocalDecrypter::new(vec![
        key(KeyManagement::RsaOaep256, "srv-rsa", keys.sealed_to_server_rsa.to_pem_private_key()),
        key(KeyManagement::EcdhEs, "srv-ec", keys.sealed_to_server_ec.to_pem_private_key()),
    ])
}

impl Bank {
    /// A server under this policy, whose client registered with these members besides the usual ones.
    pub(crate) fn with(policy: &'static Policy, more: &Value) -> Self {
        let client = Client::register(metadata(more), policy).unwrap();
        let mut settings = settings();
        if policy.signing_algs == [oauth_core::jose::Alg::Ps256] {
            settings.signing_alg = oauth_core::jose::Alg::Ps256;
        }
        settings.client_policies.extend(client.policy);
        Self::of(policy, settings, vec![client]).unwrap()
    }

    /// A server of Message Signing.
    pub(crate) fn signing() -> Self {
        Self::with(&FAPI2_MESSAGE_SIGNING, &json!({}))
    }

    pub(crate) fn of(
        policy: &'static Policy,
        settings: Settings,
        clients: Vec<Client>,
    ) -> Result<Self, Vec<OutOfBounds>> {
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(START)));
        let audit = Arc::new(LastEvent::default());
        let directory = Arc::new(Directory {
            known: FixedClients::new(clients),
            forgotten: AtomicBool::new(false),
            disabled: AtomicBool::new(false),
        });
        let alice = Arc::new(Alice::default());
        let claims = Arc::new(CountedClaims {
            memory: MemoryClaims::new(Timestamp::EPOCH),
            claimed: AtomicU64::new(0),
            since: AtomicI64::new(0),
        });
        let well = Arc::new(Well::default());
        let ports = Ports {
            clock: clock.clone(),
            entropy: well.clone(),
            clients: directory.clone(),
            client_keys: Arc::new(oauth_core::InlineKeys),
            signer: keys::signer(),
            decrypter: decrypter(),
            claims: claims.clone(),
            store: Arc::new(MemoryStore::new()),
            details: Arc::new(NoDetailTypes),
            consents: Arc::new(NoConsents),
            interaction: Arc::new(Pages),
            users: alice.clone(),
            audit: audit.clone(),
        };
        let server = Arc::new(AuthorizationServer::new(policy, settings, ports)?);
        let service = OAuthService::new(Arc::clone(&server));
        Ok(Self {
            server,
            clock,
            service,
            audit,
            directory,
            alice,
            well,
            shown: Mutex::new(certificate()),
            claims,
            count: Mutex::new(0),
        })
    }

    /// From now on nobody is registered.
    pub(crate) fn forget_clients(&self) {
        self.directory.forgotten.store(true, Ordering::SeqCst);
    }

    /// From now on the client of these tests is disabled, or not.
    pub(crate) fn disable_client(&self, disabled: bool) {
        self.directory.disabled.store(disabled, Ordering::SeqCst);
    }

    /// From now on the customer is locked, or not.
    pub(crate) fn lock_customer(&self, locked: bool) {
        self.alice.locked.store(locked, Ordering::SeqCst);
    }

    /// From now on nothing is known of the customer, who is not locked.
    pub(crate) fn forget_customer(&self) {
        self.alice.gone.store(true, Ordering::SeqCst);
    }

    /// From now on there are random bytes for so many draws only, or again without end.
    pub(crate) fn dry_after(&self, draws: Option<u64>) {
        *self.well.dry_after.lock().unwrap() = draws;
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(Seconds::new(seconds));
    }

    async fn send(&self, request: http::request::Builder, body: String) -> Answer {
        self.send_body(request, Full::new(Bytes::from(body))).await
    }

    /// Whatever is refused or fails is on record, under the identifier that the answer tells.
    pub(crate) async fn send_body<B>(&self, request: http::request::Builder, body: B) -> Answer
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let certificate = PeerCertificate::new(self.shown.lock().unwrap().clone(), Chain::Trusted);
        let request = request.extension(certificate).body(body).unwrap();
        *self.audit.0.lock().unwrap() = None;
        let (parts, body) = self.service.handle(request).await.into_parts();
        let event = self.audit.0.lock().unwrap().clone();
        let status = parts.status.as_u16();
        if status >= 400 && parts.headers.contains_key("x-fapi-interaction-id") {
            let event = event.as_ref().expect("what was refused is on record");
            assert_eq!(parts.headers["x-fapi-interaction-id"], event.correlation.as_str());
            assert!(event.outcome != AuditOutcome::Done, "{status} {event:?}");
        }
        let (rule, broken) = match event.map(|event| event.outcome) {
            Some(AuditOutcome::Refused { rule, .. }) => (Some(rule.0), None),
            Some(AuditOutcome::Failed { port, .. }) => (None, Some(port)),
            Some(AuditOutcome::Done) | None => (None, None),
        };
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status, headers: parts.headers, body, rule, broken }
    }

    /// From now on connections show this.
    pub(crate) fn show_certificate(&self, der: &[u8]) {
        *self.shown.lock().unwrap() = der.into();
    }

    /// Posts a form as it stands.
    pub(crate) async fn post_form(&self, path: &str, form: &str) -> Answer {
        let form_type = "application/x-www-form-urlencoded";
        let request = Request::builder().method(Method::POST).uri(path).header("content-type", form_type);
        self.send(request, form.to_owned()).await
    }

    /// Posts a form with the client's assertion beside it.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)], accept: &str) -> Answer {
        self.post_with(path, fields, ("accept", accept)).await
    }

    /// The same with one more header.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        (name, value): (&str, &str),
    ) -> Answer {
        self.post_signed(path, fields, &self.assertion(), (name, value)).await
    }

    /// The same with an assertion of the caller's own making.
    pub(crate) async fn post_signed(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        assertion: &str,
        (name, value): (&str, &str),
    ) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        form.append_pair("client_assertion", assertion);
        form.extend_pairs(fields);
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(name, value);
        self.send(request, form.finish()).await
    }

    /// A fresh client assertion.
    pub(crate) fn assertion(&self) -> String {
        self.assertion_draft().sign()
    }

    /// The same before it is signed.
    pub(crate) fn assertion_draft(&self) -> Draft {
        let mut count = self.count.lock().unwrap();
        *count += 1;
        let now = oauth_core::Clock::now(&*self.clock).seconds();
        let claims = json!({
            "iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": format!("a-{count}"),
        });
        let alg = if self.server.settings().signing_alg == oauth_core::jose::Alg::Ps256 {
            "PS256"
        } else {
            "ES256"
        };
        let kid = if alg == "PS256" { "ps" } else { "es" };
        Draft { alg, kid: Some(kid), typ: None, claims, key: None }
    }

    pub(crate) async fn push(&self, fields: &[(&str, &str)]) -> Answer {
        self.post("/par", fields, "application/json").await
    }

    /// Pushes a request object.
    pub(crate) async fn push_object(&self, object: &str) -> Answer {
        self.push(&[("request", object)]).await
    }

    /// Pushes a request object that must be taken, and says what the bank's pages are shown.
    #[track_caller]
    pub(crate) fn arrive(&self, pushed: Answer) -> impl Future<Output = Arrived<'_>> {
        assert_eq!(pushed.status, 201, "{:?}: {}", pushed.rule, String::from_utf8_lossy(&pushed.body));
        let uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
        async move {
            let query: String = form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("client_id", CLIENT), ("request_uri", &uri)])
                .finish();
            let answer = self.get(&format!("/authorize?{query}"), "").await;
            assert_eq!(answer.status, 303, "{:?}", answer.rule);
            let ticket = answer.header("location").strip_prefix("/login?ticket=").unwrap().to_owned();
            let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
            let browser = cookie.strip_prefix("__Host-browser=").unwrap().to_owned();
            let request = self.server.waiting(&ticket, Some(&browser)).await.unwrap().request;
            Arrived { bank: self, ticket, browser, request }
        }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        let mut request = Request::builder().method(Method::GET).uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request, String::new()).await
    }

    /// The whole way to tokens.
    pub(crate) async fn tokens(&self) -> Value {
        let pushed = if self.server.metadata().messages.request_parameter_supported {
            self.push_object(&Draft::request().with("response_mode", json!("jwt")).sign()).await
        } else {
            self.push(&plain()).await
        };
        let back = self.arrive(pushed).await.approve().await;
        let code = match parameters(&back) {
            plain if plain.contains_key("code") => plain["code"].clone(),
            signed => verified(self, &signed["response"]).1["code"].as_str().unwrap().to_owned(),
        };
        let answer = self
            .post(
                "/token",
                &[("grant_type", "authorization_code"), ("code", &code), ("code_verifier", VERIFIER)],
                "application/json",
            )
            .await;
        assert_eq!(answer.status, 200, "{:?} {:?}", answer.rule, answer.body);
        answer.json()
    }
}

/// A client certificate that is valid whenever these tests play.
fn certificate() -> Arc<[u8]> {
    static DER: OnceLock<Arc<[u8]>> = OnceLock::new();
    let made = || {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2040, 1, 1);
        Arc::from(params.self_signed(&key).unwrap().der().as_ref())
    };
    Arc::clone(DER.get_or_init(made))
}

/// The parameters of a plain request.
pub(crate) fn plain() -> [(&'static str, &'static str); 7] {
    [
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid accounts"),
        ("state", "st"),
        ("nonce", "no"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

/// A browser before the bank's pages.
pub(crate) struct Arrived<'a> {
    bank: &'a Bank,
    ticket: String,
    browser: String,
    pub(crate) request: VettedRequest,
}

impl Arrived<'_> {
    /// Ticket and cookie, for a look after the decision.
    pub(crate) fn handle(&self) -> (String, String) {
        (self.ticket.clone(), self.browser.clone())
    }

    /// The customer says yes to everything.
    pub(crate) fn approval(&self) -> Outcome {
        let approval = Approval {
            subject: Subject::new("alice").unwrap(),
            authentication: Authentication {
                at: Timestamp::from_seconds(START),
                acr: "loa2".into(),
                amr: vec!["pwd".into()],
            },
            scope: self.request.scope.clone(),
            accounts: Vec::new(),
            shown: None,
        };
        Outcome::Approved(approval)
    }

    /// The same browser before the same page.
    pub(crate) fn again(&self) -> Self {
        let (ticket, browser) = self.handle();
        Self { bank: self.bank, ticket, browser, request: self.request.clone() }
    }

    pub(crate) async fn approve(self) -> Return {
        let approved = self.approval();
        self.decide(approved).await.unwrap()
    }

    pub(crate) async fn deny(self) -> Return {
        self.decide(Outcome::Denied(Denial::Refused)).await.unwrap()
    }

    pub(crate) async fn decide(self, outcome: Outcome) -> Result<Return, oauth_core::Error> {
        let submitted = ResumeSubmitted { ticket: self.ticket, browser: Some(self.browser), outcome };
        self.bank.server.resume(submitted, &CorrelationId::new("c-1").unwrap()).await
    }
}

/// What the client receives: the parameters, whichever way they travel.
pub(crate) fn parameters(back: &Return) -> std::collections::BTreeMap<String, String> {
    match back {
        Return::Redirect(location) => {
            let url = url::Url::parse(location).unwrap();
            assert!(location.starts_with(CALLBACK) && url.fragment().is_none(), "{location}");
            url.query_pairs().into_owned().collect()
        }
        Return::Post(form) => {
            assert_eq!(form.action, CALLBACK);
            form.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        }
    }
}
