//! A client that registered a `jwks_uri` pushes authorization requests (RFC 9126, RFC 7591 section 2).

use std::sync::{Arc, Mutex};

use oauth_core::jose::{Alg, Header, SigningKey, compact};
use oauth_core::store::memory::{MemoryClaims, MemoryStore};
use oauth_core::testkit::{self, CountedEntropy, FixedClock, keys};
use oauth_core::{
    Audit, AuditEvent, AuditOutcome, AuthorizationServer, Client, ClientMetadata, CorrelationId, Error,
    FAPI2_SECURITY, Fault, FixedClients, Interaction, KeyId, NoConsents, NoDetailTypes, NoUserClaims, Ports,
    Presented, Pushed, Resource, RuleId, Scope, ServerSecret, Settings, Submitted, Thumbprint, VettedRequest,
};
use serde_json::json;

use super::server::{NOW, Server, answer, json as serve, published};

struct NoPages;

#[async_trait::async_trait]
impl Interaction for NoPages {
    async fn begin(&self, _: &str, _: &VettedRequest) -> Result<String, Fault> {
        Err(Fault::new("interaction", "none"))
    }
}

/// The reasons of refusals, as the audit sees them.
#[derive(Default)]
struct Reasons(Mutex<Vec<String>>);

impl Audit for Reasons {
    fn record(&self, event: &AuditEvent) {
        if let AuditOutcome::Refused { reason, .. } = &event.outcome {
            self.0.lock().unwrap().push(reason.clone());
        }
    }
}

struct Bank {
    server: AuthorizationServer,
    reasons: Arc<Reasons>,
}

impl Bank {
    fn knowing(keys_at: &Server) -> Self {
        let metadata: ClientMetadata = serde_json::from_value(json!({
            "client_id": "tpp", "organisation": {"name": "T", "id": "t", "domain": "tpp.example"},
            "token_endpoint_auth_method": "private_key_jwt", "dpop_bound_access_tokens": true,
            "redirect_uris": ["https://tpp.example/callback"], "scope": "openid payments",
            "jwks_uri": keys_at.url("/jwks").as_str(),
        }))
        .unwrap();
        let client = Client::register(metadata, &FAPI2_SECURITY).unwrap();
        let reasons = Arc::new(Reasons::default());
        let ports = Ports {
            clock: Arc::new(FixedClock::at(NOW)),
            entropy: Arc::new(CountedEntropy::default()),
            clients: Arc::new(FixedClients::new([client])),
            client_keys: Arc::new(keys_at.cache()),
            decrypter: Arc::new(oauth_core::NoDecrypter),
            signer: keys::signer(),
            claims: Arc::new(MemoryClaims::new(oauth_core::Timestamp::EPOCH)),
            store: Arc::new(MemoryStore::new()),
            details: Arc::new(NoDetailTypes),
            consents: Arc::new(NoConsents),
            interaction: Arc::new(NoPages),
            users: Arc::new(NoUserClaims),
            audit: reasons.clone(),
        };
        let resource = Resource::new("https://as.example/api").unwrap();
        let secret = ServerSecret::new(zeroize::Zeroizing::new([7; 32]));
        let mut settings = Settings::recommended(testkit::issuer(), resource, secret);
        settings.scopes = Scope::new("openid payments").unwrap();
        Self { server: AuthorizationServer::new(&FAPI2_SECURITY, settings, ports).unwrap(), reasons }
    }

    async fn push(&self, (name, key): (&str, SigningKey)) -> Result<Pushed, Error> {
        self.push_as(&self.assertion(name, &key)).await
    }

    fn assertion(&self, name: &str, key: &SigningKey) -> String {
        let header = Header { alg: key.alg(), kid: KeyId::new(name).unwrap(), typ: None }.encode();
        let count = self.reasons.0.lock().unwrap().len();
        let claims = json!({
            "iss": "tpp", "sub": "tpp", "aud": testkit::issuer().as_str(), "jti": format!("{name}-{count}-{}", key.alg().as_str()),
            "iat": NOW.seconds(), "exp": NOW.seconds() + 60,
        });
        let sign = |input: &[u8]| key.sign(&ring::rand::SystemRandom::new(), input);
        compact(&header, &claims, sign).unwrap()
    }

    async fn push_as(&self, assertion: &str) -> Result<Pushed, Error> {
        let challenge = Thumbprint::of(b"verifier").to_text();
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            .append_pair("client_assertion", assertion)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", "https://tpp.example/callback")
            .append_pair("scope", "openid payments")
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let presented =
            Presented { method: "POST".into(), uri: "https://as.example/par".into(), ..Presented::default() };
        let correlation = CorrelationId::new("5e0b2b9c-3b39-4b1c-9a55-2f4f3a1d9d10").unwrap();
        self.server.push(Submitted { body: body.into_bytes(), presented }, &correlation).await
    }

    fn last_reason(&self) -> String {
        self.reasons.0.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

#[tokio::test]
async fn a_client_that_publishes_its_keys_completes_a_pushed_request() {
    let server = Server::start(serve(&published())).await;
    let bank = Bank::knowing(&server);
    assert!(bank.push(("test-es256", keys::es256())).await.unwrap().request_uri.starts_with("urn:"));
    assert!(bank.push(("test-ps256", keys::ps256())).await.is_ok());
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_key_that_the_client_does_not_publish_proves_nothing() {
    let server = Server::start(serve(&published())).await;
    let bank = Bank::knowing(&server);
    let random = ring::rand::SystemRandom::new();
    let der = SigningKey::generate_es256(&random).unwrap();
    for name in ["test-es256", "someone-else's"] {
        let key = SigningKey::from_pkcs8_der(Alg::Es256, &der, &random).unwrap();
        assert!(matches!(bank.push((name, key)).await, Err(Error::Refused(_))));
        assert_eq!(bank.last_reason(), "Client(AssertionSignature)");
    }
}

#[tokio::test]
async fn without_a_key_set_the_client_is_refused_like_any_other_that_fails_to_prove_itself() {
    let server = Server::start(answer("404 Not Found", "", "")).await;
    let bank = Bank::knowing(&server);
    let Err(Error::Refused(refusal)) = bank.push(("test-es256", keys::es256())).await else {
        panic!("refused")
    };
    assert_eq!(refusal.rule, RuleId("RFC7591-2-jwks-uri"));
    assert_eq!(bank.last_reason(), "Client(KeysUnavailable)");
    let wrong_key: oauth_core::Reason = oauth_core::ClientReason::AssertionSignature.into();
    assert_eq!(
        refusal.reason.wire(oauth_core::At::ClientEndpoint),
        wrong_key.wire(oauth_core::At::ClientEndpoint)
    );
}

#[tokio::test]
async fn an_assertion_that_is_refused_without_a_key_fetches_none() {
    let server = Server::start(serve(&published())).await;
    let bank = Bank::knowing(&server);
    let signed = bank.assertion("test-ps256", &keys::ps256());
    let (_, rest) = signed.split_once('.').unwrap();
    // {"alg":"RS256","kid":"test-ps256"}
    let other = format!("eyJhbGciOiJSUzI1NiIsImtpZCI6InRlc3QtcHMyNTYifQ.{rest}");
    assert!(bank.push_as(&other).await.is_err());
    assert_eq!((bank.last_reason().as_str(), server.connections()), ("Client(AssertionAlgorithm)", 0));
}
