//! A bank that serves UAE payments over SQLite, and a client that pays.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use oauth_core::jose::{Alg, Audience, Header, Jws, SigningKey};
use oauth_core::store::database::{Database, DatabaseUrl};
use oauth_core::store::sql::{SqlClaims, SqlStore};
use oauth_core::testkit::{self, FixedClock, keys};
use oauth_core::{
    AccessClaims, Approval, Audit, AuditEvent, AuditOutcome, AuthorizationDetails, Binding, Client, ClientId,
    Code, ConsentFacts, ConsentId, CorrelationId, DetailType, DetailsCase, Fault, FixedClients, Grant,
    Interaction, KeyId, NoUserClaims, Opening, PeerCertificate, Ports as CorePorts, ProofNonce, RequestUri,
    Scope, Seconds, ServerSecret, Spend, Subject, SystemEntropy, Timestamp, TokenVerifier, UAE_OPEN_FINANCE,
    VerifierSettings, VettedRequest, limits,
};
use rar_consent::{ConsentEngine, DetailRegistry, SqlConsents};
use resource_server::dialect::uae_bsi::UaeBsi;
use resource_server::domain::{
    Account, AccountId, AccountKind, AccountNumber, AccountStatus, BookedTransaction, Currency, EntryId,
    Iban, LedgerAccount, Line, PaymentId, PaymentStatus, RejectionReason, SignedMoney, TransactionId,
    TransactionKind, TransactionStatus, read_instant,
};
use resource_server::guard::{Guard, GuardPorts};
use resource_server::http::{Origin, ResourceService};
use resource_server::operation::{OperationSettings, Operations, Settlement};
use resource_server::port::{Advanced, EntryNames, PaymentBook as _, PaymentMove, Ports};
use resource_server::rail::{SandboxRail, settle};
use resource_server::store::sql::{Recorded, SqlBank};
use ring::rand::SystemRandom;
use serde_json::{Value, json};
use tower_service::Service as _;

pub(super) const ORIGIN: &str = "https://rs.example";
pub(super) const BASE: &str = "https://rs.example/open-finance/payment/v1";
pub(super) const CONSENT: &str = "aac-3f0a9b64-9d0e-4c57-8d6b-1f2f7b5c0a01";
const TYPE: &str = "urn:openfinanceuae:service-initiation-consent";

/// The bank.
pub(super) struct Bank {
    service: ResourceService,
    pub(super) clock: Arc<FixedClock>,
    pub(super) engine: Arc<ConsentEngine>,
    core: CorePorts,
    operations: Operations,
    books: Arc<SqlBank>,
    rules: Arc<Rules>,
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

    pub(super) async fn over(database: Database) -> Self {
        database.migrate(&oauth_core::store::sql::migrations()).await.unwrap();
        database.migrate(&rar_consent::migrations()).await.unwrap();
        SqlBank::migrate(&database).await.unwrap();
        let clock = Arc::new(FixedClock::at(read_instant("2026-11-21T08:00:00Z").unwrap()));
        let books = Arc::new(SqlBank::new(database.clone()));
        furnish(&books).await;
        let consents = Arc::new(SqlConsents::new(database.clone()));
        let engine = ConsentEngine::new(DetailRegistry::standard(), consents.clone(), clock.clone());
        let rules = Arc::new(Rules::default());
        let core = CorePorts {
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy::default()),
            clients: Arc::new(FixedClients::new([client("tpp"), client("other")])),
            client_keys: Arc::new(oauth_core::InlineKeys),
            signer: keys::signer(),
            decrypter: Arc::new(oauth_core::NoDecrypter),
            claims: Arc::new(SqlClaims::new(database.clone())),
            store: Arc::new(SqlStore::new(database)),
            details: Arc::new(DetailRegistry::standard()),
            consents: engine.clone(),
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
            UaeBsi::new((testkit::issuer(), &UAE_OPEN_FINANCE), core.signer.clone(), operations.clone());
        let service = ResourceService::at(Origin::new(ORIGIN).unwrap()).mount(dialect, guard).service();
        Self { service, clock, engine, core, operations, books, rules }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.core.clock.now()
    }

    /// Moves every payment as far as it goes now.
    pub(super) async fn settle(&self) {
        settle(&self.operations.ports, self.now()).await.unwrap();
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
        let (request, grant) = self.asked(element, name).await;
        let approval = Approval {
            subject: grant.subject.clone(),
            authentication: grant.authentication.clone(),
            scope: grant.scope.clone(),
            accounts: vec!["acc-1".to_owned()],
        };
        self.engine.authorise(&grant, &approval, self.now()).await.unwrap();
        self.open_grant(&request, &grant).await;
        grant
    }

    /// The same before anybody has approved.
    pub(super) async fn waiting(&self, id: &str, name: &str) -> String {
        let (request, grant) = self.asked(&staged(id), name).await;
        self.open_grant(&request, &grant).await;
        self.bearer(&grant)
    }

    async fn asked(&self, element: &Value, name: &str) -> (VettedRequest, Grant) {
        let now = self.now();
        let client = client(name);
        let asked = AuthorizationDetails::from_value(json!([element])).unwrap();
        let case = DetailsCase {
            asked: &asked,
            scope: &Scope::new("openid payments").unwrap(),
            client: &client,
            facts: &ConsentFacts::default(),
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
        let client_id = ClientId::new(name).unwrap();
        self.mint(&AccessClaims {
            client_id,
            sub: name.to_owned(),
            scope: Scope::new("payments").unwrap(),
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
            "iss": name, "aud": [BASE], "iat": now, "nbf": now, "exp": now + 300, "message": message
        });
        sign_with(&keys::ps256(), None, &claims)
    }

    pub(super) async fn pay(&self, token: &str, key: &str, message: &Value) -> Got {
        let body = self.signed("tpp", message);
        let headers = vec![("x-idempotency-key", key), ("content-type", "application/jwt")];
        self.send(Sent { method: Method::POST, path: "/payments", token, headers, body }).await
    }

    pub(super) async fn get(&self, token: &str, path: &str) -> Got {
        self.send(Sent { method: Method::GET, path, token, headers: Vec::new(), body: String::new() }).await
    }

    pub(super) async fn send(&self, sent: Sent<'_>) -> Got {
        let mut request = Request::builder()
            .method(sent.method)
            .uri(format!("/open-finance/payment/v1{}", sent.path))
            .header("authorization", format!("Bearer {}", sent.token));
        for (name, value) in sent.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Full::new(Bytes::from(sent.body))).unwrap();
        request.extensions_mut().insert(certificate());
        let (head, body) = self.service.clone().call(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let message = if body.is_empty() { Value::Null } else { self.message(&head.headers, &body) };
        Got { status: head.status, headers: head.headers, message, rule: self.rules.take() }
    }

    fn message(&self, headers: &HeaderMap, body: &[u8]) -> Value {
        assert_eq!(headers["content-type"], "application/jwt");
        let jws = Jws::parse(std::str::from_utf8(body).unwrap(), limits::SIGNED_BODY_BYTES).unwrap();
        assert_eq!(jws.alg(), Alg::Ps256);
        let claims: Value = jws.verify_by(&keys::public()).unwrap().claims().unwrap();
        assert_eq!(claims["iss"], testkit::issuer().as_str());
        assert_eq!(claims["exp"].as_i64().unwrap(), self.now().seconds() + 300);
        assert!(claims["aud"][0] == "tpp" || claims["aud"][0] == "other", "{claims}");
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

fn sign_with(key: &SigningKey, typ: Option<&'static str>, claims: &Value) -> String {
    let header = Header { alg: key.alg(), kid: KeyId::new("test-ps256").unwrap(), typ }.encode();
    let input = header.signing_input(claims).unwrap();
    let signature = key.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    input.complete(&signature)
}

fn client(id: &str) -> Client {
    Client { detail_types: vec![DetailType::new(TYPE).unwrap()], ..testkit::client(id) }
}

fn certificate() -> PeerCertificate {
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

struct NoPages;

#[async_trait]
impl Interaction for NoPages {
    async fn begin(&self, _: &str, _: &VettedRequest) -> Result<String, Fault> {
        Err(Fault::new("pages", "there are none"))
    }
}
