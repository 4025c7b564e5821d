//! A bank that serves UAE payments over SQLite, and a client that pays.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use oauth_core::jose::{
    Alg, Audience, ContentEncryption, Encryption, Header, Jwe, JwkSet, Jws, KeyManagement, SigningKey,
    encrypt_jwt,
};
use oauth_core::store::database::{Database, DatabaseUrl, Statement};
use oauth_core::store::sql::{SqlClaims, SqlStore};
use oauth_core::testkit::{self, FixedClock, keys};
use oauth_core::{
    AccessClaims, Approval, Audit, AuditEvent, AuditOutcome, AuthorizationDetails, Binding, Client, ClientId,
    Code, ConsentId, Constraint, CorrelationId, DetailType, DetailsCase, Fault, FixedClients, Grant,
    Interaction, KeyId, LocalDecrypter, NoUserClaims, Opening, PeerCertificate, Ports as CorePorts,
    ProofNonce, RequestUri, Scope, Seconds, ServerSecret, Spend, Subject, SystemEntropy, Timestamp,
    TokenVerifier, UAE_OPEN_FINANCE, VerifierSettings, VettedRequest, limits,
};
use rar_consent::{
    Authorizer, ConsentEngine, DetailRegistry, Mandates, OpeningConsents, PersonalOpener, SqlConsents,
};
use resource_server::dialect::consent_manager::ConsentManager;
use resource_server::dialect::uae_bsi::{UaeBsi, UaeNotices};
use resource_server::domain::{
    Account, AccountId, AccountKind, AccountNumber, AccountStatus, BookedTransaction, Currency, EntryId,
    Iban, LedgerAccount, Line, Payment, PaymentId, PaymentStatus, RejectionReason, SealedNote, SignedMoney,
    TransactionId, TransactionKind, TransactionStatus, read_instant,
};
use resource_server::guard::{Guard, GuardPorts};
use resource_server::http::{Origin, ResourceService};
use resource_server::operation::{OperationSettings, Operations, Settlement};
use resource_server::port::{
    AccountBook as _, Advanced, EntryNames, PaymentBook as _, PaymentMove, PeraPorts, Ports,
};
use resource_server::rail::{SandboxRail, settle};
use resource_server::store::sql::{Recorded, SqlBank};
use resource_server::webhook::{Attempt, Notices, Webhooks};
use ring::rand::SystemRandom;
use serde_json::{Value, json};
use tower_service::Service as _;

use super::described;
use super::events::Postbox;

pub(super) const ORIGIN: &str = "https://rs.example";
pub(super) const BASE: &str = "https://rs.example/open-finance/payment/v1";
pub(super) const CONSENT: &str = "aac-3f0a9b64-9d0e-4c57-8d6b-1f2f7b5c0a01";
const TYPE: &str = "urn:openfinanceuae:service-initiation-consent";

/// The bank.
pub(super) struct Bank {
    pub(super) service: ResourceService,
    pub(super) clock: Arc<FixedClock>,
    pub(super) engine: Arc<ConsentEngine>,
    pub(super) core: CorePorts,
    operations: Operations,
    books: Arc<SqlBank>,
    rules: Arc<Rules>,
    database: Database,
    pub(super) postbox: Arc<Postbox>,
    webhooks: Webhooks,
}

/// What a client sends.
pub(super) struct Sent<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) token: &'a str,
    pub(super) headers: Vec<(&'static str, &'a str)>,
    pub(super) body: String,
}

/// What it gets.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The signed message, its signature and envelope checked; null when there is no body.
    pub(super) message: Value,
    /// The rule that refused.
    pub(super) rule: Option<&'static str>,
    /// The body as it came.
    pub(super) raw: String,
}

impl Got {
    pub(super) fn code(&self) -> (u16, &str) {
        (self.status.as_u16(), self.message["Errors"][0]["Code"].as_str().unwrap_or(""))
    }

    pub(super) fn path(&self) -> &str {
        self.message["Errors"][0]["Path"].as_str().unwrap_or("")
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Bank {
    pub(super) async fn open() -> Self {
        Self::over(Database::open(&DatabaseUrl::sqlite_memory()).await.unwrap()).await
    }

    /// A bank in an empty database.
    pub(super) async fn over(database: Database) -> Self {
        Self::open_for([client("tpp"), client("other"), client("sealed"), client("lfi")], database).await
    }

    /// With a client that registered for encrypted answers and has taken its key back.
    pub(super) async fn open_with_keyless() -> Self {
        let keyless = Client { keys: keys::public().into(), ..client("sealed") };
        let database = Database::open(&DatabaseUrl::sqlite_memory()).await.unwrap();
        Self::open_for([client("tpp"), client("other"), keyless, client("lfi")], database).await
    }

    async fn open_for(clients: [Client; 4], database: Database) -> Self {
        migrate(&database).await;
        let clock = Arc::new(FixedClock::at(read_instant("2026-11-21T08:00:00Z").unwrap()));
        let books = Arc::new(SqlBank::new(database.clone()));
        furnish(&books).await;
        let consents = Arc::new(SqlConsents::new(database.clone()));
        let (stored, seen) = (consents.clone(), database.clone());
        let registry = DetailRegistry::standard();
        let engine =
            ConsentEngine::with_mandates(registry, consents.clone(), clock.clone(), Arc::new(TwoHolders));
        let rules = Arc::new(Rules::default());
        let decrypter = LocalDecrypter::new(vec![keys::decryption(), keys::agreement()]);
        let client_keys = Arc::new(oauth_core::InlineKeys);
        let opener = PersonalOpener::new(decrypter.clone(), client_keys.clone(), &UAE_OPEN_FINANCE);
        let core = CorePorts {
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy::default()),
            clients: Arc::new(FixedClients::new(clients)),
            client_keys,
            signer: keys::signer(),
            decrypter,
            claims: Arc::new(SqlClaims::new(database.clone())),
            store: Arc::new(SqlStore::new(database)),
            details: Arc::new(DetailRegistry::standard()),
            consents: OpeningConsents::new(engine.clone(), opener, clock.clone()),
            interaction: Arc::new(NoPages),
            users: Arc::new(NoUserClaims),
            audit: rules.clone(),
        };
        let operations = Operations {
            ports: Ports {
                clock: clock.clone(),
                entropy: core.entropy.clone(),
                accounts: books.clone(),
                payments: books.clone(),
                lodgings: books.clone(),
                rail: Arc::new(SandboxRail),
                consents: consents.clone(),
                pera: PeraPorts::over(&books),
            },
            settings: OperationSettings { settlement: Settlement::ByWorker, ..OperationSettings::default() },
        };
        let settings = VerifierSettings {
            issuer: testkit::issuer(),
            policy: &UAE_OPEN_FINANCE,
            audience: ORIGIN.to_owned(),
            proof_nonce: ProofNonce::Off,
            secret: ServerSecret::new(core.entropy.draw().unwrap()),
        };
        let guard = Arc::new(Guard::new(
            TokenVerifier::new(settings, &core),
            &UAE_OPEN_FINANCE,
            GuardPorts::new(&core, consents),
        ));
        let dialect =
            UaeBsi::new((testkit::issuer(), &UAE_OPEN_FINANCE), core.signer.clone(), operations.clone())
                .with_decrypter(core.decrypter.clone());
        let notices = notices(&core, stored.clone());
        let postbox = Arc::new(Postbox::default());
        let told = [(testkit::issuer(), notices)];
        let webhooks = Webhooks::new(stored, postbox.clone(), core.entropy.clone(), told);
        let bank_side = ConsentManager::new(operations.clone(), engine.clone());
        let service =
            ResourceService::at(Origin::new(ORIGIN).unwrap()).mount(dialect.in_v1_2(), Arc::clone(&guard));
        let service = service.mount(dialect, Arc::clone(&guard));
        let service = service.mount(bank_side, guard).service();
        Self { service, clock, engine, core, operations, books, rules, database: seen, postbox, webhooks }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.core.clock.now()
    }

    /// Moves every payment as far as it goes now.
    pub(super) async fn settle(&self) {
        settle(&self.operations.ports, self.now()).await.unwrap();
    }

    /// Sends every event whose turn comes now, one after the other, and says what became of each attempt.
    pub(super) async fn tell(&self) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        loop {
            let claimed = self.webhooks.claim(self.now(), 8).await.unwrap();
            if claimed.is_empty() {
                return attempts;
            }
            for event in &claimed {
                attempts.push(self.webhooks.deliver(event, self.now()).await.unwrap());
            }
        }
    }

    /// The payment of an answer as it is kept.
    pub(super) async fn kept(&self, answer: &Value) -> Payment {
        let id = PaymentId::new(answer["Data"]["PaymentId"].as_str().unwrap()).unwrap();
        self.books.payment(&id).await.unwrap().unwrap()
    }

    /// What came with the order for the assessment of risk, as it is kept.
    pub(super) async fn noted(&self, payment: &Payment) -> Option<SealedNote> {
        self.books.personal(payment.id()).await.unwrap()
    }

    /// What is on Alice's account, in fils.
    pub(super) async fn balance(&self) -> i64 {
        let account = AccountId::new("acc-1").unwrap();
        self.books.balance(&account).await.unwrap().unwrap().booked().minor()
    }

    pub(super) async fn change_account(&self, status: AccountStatus) {
        self.books.change_account(&account(status)).await.unwrap();
    }

    /// The bank turns a payment down.
    pub(super) async fn reject(&self, payment: &Value) {
        let id = payment["Data"]["PaymentId"].as_str().unwrap();
        for (part, to) in [
            ("p", PaymentStatus::Pending),
            ("r", PaymentStatus::Rejected { reason: RejectionReason::InsufficientFunds }),
        ] {
            let name = |what: &str| format!("{what}-{part}-{id}");
            let change = PaymentMove {
                id: PaymentId::new(id).unwrap(),
                to,
                rail_reference: None,
                at: self.now(),
                names: EntryNames {
                    entry: EntryId::new(&name("je")).unwrap(),
                    debit: TransactionId::new(&name("d")).unwrap(),
                    credit: TransactionId::new(&name("c")).unwrap(),
                },
                correlation: CorrelationId::new("test").unwrap(),
            };
            let moved = self.books.advance(&change).await.unwrap();
            assert!(matches!(moved, Advanced::Moved(_)), "{moved:?}");
        }
    }

    /// The clock stands at this instant.
    pub(super) fn at(&self, text: &str) {
        let to = read_instant(text).unwrap();
        self.clock.advance(Seconds::new(to.seconds() - self.now().seconds()));
    }

    /// Whether no payment was ever made.
    pub(super) async fn nothing_booked(&self) -> bool {
        let rows = self.database.read(Statement::new("SELECT id FROM payment")).await.unwrap();
        rows.is_empty()
    }

    /// Pays AED 1,000.00 in.
    pub(super) async fn fill_account(&self) {
        let (given, entry) = (movement("t-3", 100_000), EntryId::new("e-3").unwrap());
        self.books.record(&given, entry, LedgerAccount::Opening).await.unwrap();
    }

    /// Takes all but one fils out of the account.
    pub(super) async fn empty_account(&self) {
        let (taken, entry) = (movement("t-2", -99_999), EntryId::new("e-2").unwrap());
        let booked = self.books.record(&taken, entry, LedgerAccount::Opening).await.unwrap();
        assert_eq!(booked, Recorded::Booked);
    }

    /// A consent for one instant payment of AED 149.90 that the customer has approved, and a token for it.
    pub(super) async fn consented(&self, id: &str, name: &str) -> String {
        self.bearer(&self.approved(&staged(id), name).await)
    }

    /// A consent that the customer has approved, with the grant behind its tokens.
    pub(super) async fn approved(&self, element: &Value, name: &str) -> Grant {
        let (request, grant) = self.asked_for(element, name).await;
        let approval = Approval {
            subject: grant.subject.clone(),
            authentication: grant.authentication.clone(),
            scope: grant.scope.clone(),
            accounts: vec!["acc-1".to_owned()],
            shown: None,
        };
        self.engine.authorise(&grant, &approval, self.now()).await.unwrap();
        self.open_grant(&request, &grant).await;
        grant
    }

    /// A consent of this element that the customer has approved from this account, and a token for it.
    pub(super) async fn consented_to(&self, element: &Value, name: &str, account: &str) -> String {
        let (request, grant) = self.asked_for(element, name).await;
        let approval = Approval {
            subject: grant.subject.clone(),
            authentication: grant.authentication.clone(),
            scope: grant.scope.clone(),
            accounts: vec![account.to_owned()],
            shown: None,
        };
        self.engine.authorise(&grant, &approval, self.now()).await.unwrap();
        self.open_grant(&request, &grant).await;
        self.bearer(&grant)
    }

    /// `PATCH` of a consent.
    pub(super) async fn patch(&self, name: &str, id: &str, message: &Value) -> Got {
        let (token, body) = (self.client_token(name), self.signed(name, message));
        let path = format!("/payment-consents/{id}");
        let headers = vec![("content-type", "application/jwt")];
        self.send(Sent { method: Method::PATCH, path: &path, token: &token, headers, body }).await
    }

    /// The same before anybody has approved.
    pub(super) async fn waiting(&self, id: &str, name: &str) -> String {
        let (request, grant) = self.asked(id, name).await;
        self.open_grant(&request, &grant).await;
        self.bearer(&grant)
    }

    /// A consent of this element before anybody has approved, and a token for it.
    pub(super) async fn waiting_for(&self, element: &Value, name: &str) -> String {
        let (request, grant) = self.asked_for(element, name).await;
        self.open_grant(&request, &grant).await;
        self.bearer(&grant)
    }

    async fn asked(&self, id: &str, name: &str) -> (VettedRequest, Grant) {
        self.asked_for(&staged(id), name).await
    }

    async fn asked_for(&self, element: &Value, name: &str) -> (VettedRequest, Grant) {
        let now = self.now();
        let client = client(name);
        let asked = AuthorizationDetails::from_value(json!([element])).unwrap();
        let case = DetailsCase {
            asked: &asked,
            scope: &Scope::new("openid payments").unwrap(),
            client: &client,
            facts: &self.core.consents.facts(&asked, &client).await.unwrap(),
            now,
            fresh: &self.core.entropy.draw().unwrap(),
        };
        let details = self.core.details.vet(&case).unwrap();
        let scope = details.scope.clone();
        let request = VettedRequest {
            client: client.id.clone(),
            scope: scope.clone(),
            details: details.clone(),
            ..testkit::vetted_request(now)
        };
        self.engine.lodge(&request, now).await.unwrap();
        let id = format!("g-{}", details.consent.as_ref().unwrap());
        let until = details.until.unwrap();
        let grant = Grant { client: client.id, scope, details, until, ..testkit::grant(&id, now) };
        (request, grant)
    }

    /// The rule by which an element is refused when it is pushed.
    pub(super) async fn refused_at_par(&self, element: &Value, name: &str) -> &'static str {
        let client = client(name);
        let asked = AuthorizationDetails::from_value(json!([element])).unwrap();
        let case = DetailsCase {
            asked: &asked,
            scope: &Scope::new("openid payments").unwrap(),
            client: &client,
            facts: &self.core.consents.facts(&asked, &client).await.unwrap(),
            now: self.now(),
            fresh: &self.core.entropy.draw().unwrap(),
        };
        self.core.details.vet(&case).unwrap_err().rule.0
    }

    async fn open_grant(&self, request: &VettedRequest, grant: &Grant) {
        let now = self.now();
        let key = testkit::fingerprint::<RequestUri>(grant.id.as_str());
        self.core.store.push(&key, request, now.plus(Seconds::minutes(10))).await.unwrap();
        let code = testkit::fingerprint::<Code>(grant.id.as_str());
        let opened = self.core.store.open(&key, &Opening { code, grant: grant.clone() }, now).await.unwrap();
        assert_eq!(opened, Spend::Applied);
    }

    /// A token for the consent of a grant, as it would be refreshed now.
    pub(super) fn bearer(&self, grant: &Grant) -> String {
        self.mint(&AccessClaims {
            client_id: grant.client.clone(),
            scope: grant.scope.clone(),
            authorization_details: grant.details.echo(),
            consent_id: grant.details.consent.clone(),
            grant_id: Some(grant.id.clone()),
            ..self.claims(&format!("{}-{}", grant.id, self.now().millis()))
        })
    }

    /// A token of the client alone.
    pub(super) fn client_token(&self, name: &str) -> String {
        self.token_with(name, "payments")
    }

    pub(super) fn token_with(&self, name: &str, scope: &str) -> String {
        let client_id = ClientId::new(name).unwrap();
        self.mint(&AccessClaims {
            client_id,
            sub: name.to_owned(),
            scope: Scope::new(scope).unwrap(),
            authorization_details: Vec::new(),
            ..self.claims(&format!("cc-{name}"))
        })
    }

    fn claims(&self, jti: &str) -> AccessClaims {
        let certificate = Binding::Mtls(certificate().thumbprint());
        let claims = testkit::access_claims(jti, None, self.now());
        AccessClaims { cnf: certificate, aud: Audience::One(ORIGIN.to_owned()), ..claims }
    }

    fn mint(&self, claims: &AccessClaims) -> String {
        sign_with(&keys::ps256(), Some("at+jwt"), &serde_json::to_value(claims).unwrap())
    }

    /// The envelope of a message of this client, signed.
    pub(super) fn signed(&self, name: &str, message: &Value) -> String {
        let now = self.now().seconds();
        let claims = json!({
            "iss": name, "aud": [BASE, format!("{BASE}.2")], "iat": now, "nbf": now, "exp": now + 300, "message": message
        });
        sign_with(&keys::ps256(), None, &claims)
    }

    pub(super) async fn pay(&self, token: &str, key: &str, message: &Value) -> Got {
        self.pay_as("tpp", token, key, message).await
    }

    pub(super) async fn pay_as(&self, name: &str, token: &str, key: &str, message: &Value) -> Got {
        let body = self.signed(name, message);
        let headers = vec![("x-idempotency-key", key), ("content-type", "application/jwt")];
        self.send(Sent { method: Method::POST, path: "/payments", token, headers, body }).await
    }

    pub(super) async fn get(&self, token: &str, path: &str) -> Got {
        self.send(Sent { method: Method::GET, path, token, headers: Vec::new(), body: String::new() }).await
    }

    /// A call of the bank's side.
    pub(super) async fn lfi(&self, method: Method, path: &str, body: &Value) -> Got {
        let token = self.token_with("lfi", "consent_manager");
        self.lfi_with(&token, method, path, body.to_string()).await
    }

    pub(super) async fn lfi_with(&self, token: &str, method: Method, path: &str, body: String) -> Got {
        let asked = (method.clone(), format!("/open-finance/consent-manager/v1{path}"), body.clone());
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/open-finance/consent-manager/v1{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        request.extensions_mut().insert(certificate());
        let (head, body) = self.service.clone().call(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let message = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        let raw = String::from_utf8(body.to_vec()).unwrap();
        described::holds(&self.service, &asked, (&head, &message));
        Got { status: head.status, headers: head.headers, message, rule: self.rules.take(), raw }
    }

    pub(super) async fn send(&self, sent: Sent<'_>) -> Got {
        self.send_below("/open-finance/payment/v1", sent).await
    }

    pub(super) async fn send_below(&self, base: &str, sent: Sent<'_>) -> Got {
        let path = format!("{base}{}", sent.path);
        let asked = (sent.method.clone(), path, sent.body.clone());
        let mut request = Request::builder()
            .method(sent.method)
            .uri(format!("{base}{}", sent.path))
            .header("authorization", format!("Bearer {}", sent.token));
        for (name, value) in sent.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Full::new(Bytes::from(sent.body))).unwrap();
        request.extensions_mut().insert(certificate());
        let (head, body) = self.service.clone().call(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let message = if body.is_empty() { Value::Null } else { self.message(&head.headers, &body) };
        let raw = String::from_utf8(body.to_vec()).unwrap();
        described::holds(&self.service, &asked, (&head, &message));
        Got { status: head.status, headers: head.headers, message, rule: self.rules.take(), raw }
    }

    fn message(&self, headers: &HeaderMap, body: &[u8]) -> Value {
        assert_eq!(headers["content-type"], "application/jwt");
        let mut text = std::str::from_utf8(body).unwrap().to_owned();
        if text.split('.').count() == 5 {
            text = unsealed(&text);
        }
        let jws = Jws::parse(&text, limits::SIGNED_BODY_BYTES).unwrap();
        assert_eq!(jws.alg(), Alg::Ps256);
        let claims: Value = jws.verify_by(&keys::public()).unwrap().claims().unwrap();
        assert_eq!(claims["iss"], testkit::issuer().as_str());
        assert_eq!(claims["exp"].as_i64().unwrap(), self.now().seconds() + 300);
        let clients = ["tpp", "other", "sealed", "lfi"];
        assert!(clients.iter().any(|name| claims["aud"][0] == *name), "{claims}");
        claims["message"].clone()
    }
}

/// The order that fits [`staged`].
pub(super) fn order(consent: &str) -> Value {
    json!({"Data": {
        "ConsentId": consent,
        "Type": "UAEOF.SingleInstantPayment",
        "Instruction": {
            "Amount": {"Amount": "149.90", "Currency": "AED"},
            "BeneficiaryReference": "88121",
            "PaymentSequenceNumber": "1"
        },
        "PaymentPurposeCode": "GDDS",
        "PayerReference": "order 88121"
    }})
}

/// One element of `authorization_details`, as a client sends it.
pub(super) fn staged(id: &str) -> Value {
    json!({"Type": "PaymentConsent", "Data": {
        "ConsentId": id,
        "AcceptedAuthorizationType": "UAEOF.Single",
        "AuthorizationExpirationTimeWindow": "01:00:00",
        "ExpirationDateTime": "2026-11-21T23:59:59+04:00",
        "ControlParameters": {"IsPayByAccount": false, "ConsentSchedule": {"SinglePayment": {
            "Type": "UAEOF.SingleInstantPayment", "Amount": {"Amount": "149.90", "Currency": "AED"}}}},
        "Initiation": {"CreditorAccount": {
            "IdentificationType": "UAEOF.IBAN",
            "Identification": Iban::issue("AE", "0260001015432198765").unwrap().as_str(),
            "Name": {"en": "Date Palm Books LLC"}}},
        "PayerReference": "order 88121",
        "BeneficiaryReference": "88121",
        "PaymentPurposeCode": "GDDS"}})
}

async fn migrate(database: &Database) {
    database.migrate(&oauth_core::store::sql::migrations()).await.unwrap();
    database.migrate(&rar_consent::migrations()).await.unwrap();
    SqlBank::migrate(database).await.unwrap();
}

pub(super) fn sign_with(key: &SigningKey, typ: Option<&'static str>, claims: &Value) -> String {
    let header = Header { alg: key.alg(), kid: KeyId::new("test-ps256").unwrap(), typ }.encode();
    let input = header.signing_input(claims).unwrap();
    let signature = key.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    input.complete(&signature)
}

fn notices(core: &CorePorts, consents: Arc<SqlConsents>) -> Arc<dyn Notices> {
    Arc::new(UaeNotices {
        issuer: testkit::issuer(),
        signer: core.signer.clone(),
        entropy: core.entropy.clone(),
        clients: core.clients.clone(),
        client_keys: core.client_keys.clone(),
        consents,
        origins: (Origin::new("https://dpop.example").unwrap(), Origin::new(ORIGIN).unwrap()),
    })
}

/// `other` has no key to encrypt to; `sealed` encrypts, and is answered encrypted.
fn client(id: &str) -> Client {
    let mut client = Client { detail_types: vec![DetailType::new(TYPE).unwrap()], ..testkit::client(id) };
    client.constraint = Constraint::Mtls;
    client.scope = Scope::new(if id == "lfi" { "consent_manager" } else { "openid payments" }).unwrap();
    if id != "other" {
        let mut own = keys::public().keys().to_vec();
        own.push(keys::decryption().public().clone());
        client.keys = JwkSet::new(own).into();
    }
    if id == "sealed" {
        client.messages.resource_body = Some(SEALED);
        client.messages.resource_answer = Some(SEALED);
    }
    client
}

pub(super) const SEALED: Encryption =
    Encryption { alg: KeyManagement::RsaOaep256, enc: ContentEncryption::A256Gcm };

/// Encrypts a signed body to the bank, whose key is the one of the tests.
pub(super) fn sealed(body: &str) -> String {
    encrypt_jwt(body, keys::decryption().public(), SEALED).unwrap()
}

/// What is within an encrypted answer or event.
pub(super) fn unsealed(text: &str) -> String {
    let jwe = Jwe::parse(text, limits::SIGNED_BODY_BYTES).unwrap();
    assert!(jwe.holds_jwt());
    String::from_utf8(keys::decryption().decrypt(&jwe).unwrap().to_vec()).unwrap()
}

pub(super) fn certificate() -> PeerCertificate {
    testkit::certificate()
}

pub(super) fn consent_id() -> ConsentId {
    ConsentId::new(CONSENT).unwrap()
}

/// Alice's account with AED 1,000.00.
async fn furnish(bank: &SqlBank) {
    bank.open_account(&account(AccountStatus::Active)).await.unwrap();
    let entry = EntryId::new("e-1").unwrap();
    bank.record(&movement("t-1", 100_000), entry, LedgerAccount::Opening).await.unwrap();
    let joint = Account {
        id: AccountId::new(JOINT).unwrap(),
        customer: Subject::new("bob").unwrap(),
        iban: Some(Iban::issue("AE", "0330000010195511999").unwrap()),
        number: AccountNumber::new("0000010195511999").unwrap(),
        ..account(AccountStatus::Active)
    };
    bank.open_account(&joint).await.unwrap();
    let opening = BookedTransaction { account: joint.id, ..movement("t-9", 100_000) };
    bank.record(&opening, EntryId::new("e-9").unwrap(), LedgerAccount::Opening).await.unwrap();
}

fn account(status: AccountStatus) -> Account {
    Account {
        id: AccountId::new("acc-1").unwrap(),
        customer: Subject::new("alice").unwrap(),
        kind: AccountKind::Current,
        currency: Currency::Aed,
        iban: Some(Iban::issue("AE", "0330000010195511161").unwrap()),
        number: AccountNumber::new("0000010195511161").unwrap(),
        name: Line::new("Alice").unwrap(),
        status,
        nickname: None,
        product: None,
        opened_at: read_instant("2026-01-01T00:00:00Z").unwrap(),
    }
}

fn movement(id: &str, minor: i64) -> BookedTransaction {
    let at = read_instant("2026-01-01T00:00:00Z").unwrap();
    BookedTransaction {
        id: TransactionId::new(id).unwrap(),
        account: AccountId::new("acc-1").unwrap(),
        kind: TransactionKind::Deposit,
        status: TransactionStatus::Posted { at },
        amount: SignedMoney::new(minor, Currency::Aed),
        description: Line::new("Cash").unwrap(),
        executed_at: at,
        reference: None,
        payment: None,
    }
}

/// One account of Alice's needs Bob as well.
#[derive(Debug)]
struct TwoHolders;

pub(super) const JOINT: &str = "acc-joint";

#[async_trait]
impl Mandates for TwoHolders {
    async fn authorizers(&self, account: &str) -> Result<Vec<Authorizer>, Fault> {
        let one = |id: &str, kind: &str, name: &str| Authorizer {
            id: id.to_owned(),
            kind: kind.to_owned(),
            subject: Some(Subject::new(name).unwrap()),
        };
        let both = || vec![one("fin-0071", "Financial", "alice"), one("mgt-0009", "Management", "bob")];
        Ok(if account == JOINT { both() } else { Vec::new() })
    }
}

/// The rules that refused, in order.
#[derive(Default)]
struct Rules(Mutex<Option<&'static str>>);

impl Rules {
    fn take(&self) -> Option<&'static str> {
        self.0.lock().unwrap().take()
    }
}

impl Audit for Rules {
    fn record(&self, event: &AuditEvent) {
        *self.0.lock().unwrap() = match &event.outcome {
            AuditOutcome::Refused { rule, .. } => Some(rule.0),
            AuditOutcome::Done | AuditOutcome::Failed { .. } => None,
        };
    }
}

/// Pages whose address is the ticket.
struct NoPages;

#[async_trait]
impl Interaction for NoPages {
    async fn begin(&self, ticket: &str, _: &VettedRequest) -> Result<String, Fault> {
        Ok(ticket.to_owned())
    }
}
