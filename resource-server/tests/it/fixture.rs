//! A bank with two customers, over a database of its own.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use oauth_core::jose::{Audience, Header, compact};
use oauth_core::store::database::{Database, DatabaseUrl, Statement};
use oauth_core::store::memory::{MemoryClaims, MemoryStore};
use oauth_core::testkit::{self, CountedEntropy, FixedClock};
use oauth_core::{
    AccessClaims, Audit, AuditEvent, AuditOutcome, Binding, Chain, Client, ClientId, ConsentId, Constraint,
    FAPI2_SECURITY, FixedClients, GrantId, InlineKeys, LogAudit, Opening, PeerCertificate, ProofNonce, Scope,
    Seconds, ServerSecret, Store, Subject, Timestamp, TokenVerifier, VerifierSettings,
};
use rar_consent::{
    Actor, Amount, Consent, ConsentEngine, ConsentStatus, ConsentStore, DetailRegistry, Lodged,
    OfxperaConsent, PaymentLimits, Permission, SqlConsents, Terms,
};
use resource_server::dialect::consent_manager::ConsentManager;
use resource_server::dialect::ofxpera::{Ofxpera, OfxperaSettings};
use resource_server::dialect::uae_bsi::UaeBsi;
use resource_server::domain::{
    Account, AccountId, AccountKind, AccountNumber, AccountStatus, BookedTransaction, Currency, EntryId,
    LedgerAccount, Line, SignedMoney, TransactionId, TransactionKind, TransactionStatus, read_instant,
};
use resource_server::guard::{Guard, GuardPorts, MessageSigning, SignedRequests, SignedResponses};
use resource_server::http::{ExternalOrigin, Origin, ResourceService};
use resource_server::openapi;
use resource_server::operation::{OperationSettings, Operations};
use resource_server::port::{PeraPorts, Ports};
use resource_server::rail::SandboxRail;
use resource_server::store::sql::SqlBank;
use serde_json::Value;
use tower_service::Service as _;
use zeroize::Zeroizing;

pub(super) const ORIGIN: &str = "https://rs.example";
/// The header that names a request.
const NAME: &str = "x-fapi-interaction-id";
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A bank nobody else uses. Its file is removed with it.
pub(super) struct World {
    pub(super) name: &'static str,
    pub(super) database: Database,
    pub(super) bank: SqlBank,
    pub(super) consents: Arc<SqlConsents>,
    pub(super) clock: Arc<FixedClock>,
    pub(super) operations: Operations,
    pub(super) service: ResourceService,
    pub(super) guard: Arc<Guard>,
    store: Arc<MemoryStore>,
    trail: Arc<Trail>,
    _directory: Option<Directory>,
}

/// What audit was told, in order.
#[derive(Default)]
pub(super) struct Trail(Mutex<Vec<AuditEvent>>);

impl Audit for Trail {
    fn record(&self, event: &AuditEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// An answer, read.
pub(super) struct Answered {
    /// The rule behind a refusal, from the audit.
    pub(super) rule: Option<&'static str>,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) bytes: bytes::Bytes,
    pub(super) body: Value,
}

impl Answered {
    /// The code of the first error; empty when there is none.
    pub(super) fn code(&self) -> &str {
        self.body["errors"][0]["code"].as_str().unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(super) fn now() -> Timestamp {
    read_instant("2026-11-21T08:00:00Z").unwrap()
}

pub(super) async fn file() -> World {
    world(Place::file(), (ProofNonce::Off, None)).await
}

pub(super) async fn asking_for_nonces() -> World {
    world(Place::memory(), (ProofNonce::Require, None)).await
}

/// A bank with signed messages.
pub(super) async fn signing(requests: SignedRequests, responses: SignedResponses) -> World {
    signing_since(requests, responses, Seconds::minutes(5)).await
}

/// The same, whose memory of what was used began this long ago.
pub(super) async fn signing_since(
    requests: SignedRequests,
    responses: SignedResponses,
    age: Seconds,
) -> World {
    let signing = MessageSigning {
        requests,
        responses,
        signer: testkit::keys::signer(),
        alg: oauth_core::jose::Alg::Ps256,
        jwks_uri: None,
    };
    world_since(Place::memory(), (ProofNonce::Off, Some(signing)), age).await
}

/// Where a database of its own is.
pub(super) struct Place {
    pub(super) name: &'static str,
    url: DatabaseUrl,
    pub(super) directory: Option<Directory>,
}

/// A directory that is removed with its owner.
pub(super) struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

impl Place {
    fn memory() -> Self {
        Self { name: "memory", url: DatabaseUrl::sqlite_memory(), directory: None }
    }

    pub(super) fn file() -> Self {
        let name = format!("mandate-rs-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let url = DatabaseUrl::parse(&format!("sqlite:{}", directory.join("bank.db").display())).unwrap();
        Self { name: "file", url, directory: Some(Directory(directory)) }
    }

    /// A schema of its own on the server that `MANDATE_TEST_POSTGRES` names. `None`, and said so, without it.
    pub(super) async fn postgres() -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "where the test server is, only the one who started it knows"
        )]
        let Ok(server) = std::env::var("MANDATE_TEST_POSTGRES") else {
            println!("SKIPPED on PostgreSQL: MANDATE_TEST_POSTGRES is not set");
            return None;
        };
        let schema = format!("rs_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let admin = Database::open(&DatabaseUrl::parse(&server).unwrap()).await.unwrap();
        let create = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
        admin.write(Statement::new(create.leak())).await.unwrap();
        admin.write(Statement::new(format!("CREATE SCHEMA {schema}").leak())).await.unwrap();
        admin.close().await;
        let sign = if server.contains('?') { '&' } else { '?' };
        let url = DatabaseUrl::parse(&format!("{server}{sign}options[search_path]={schema}")).unwrap();
        Some(Self { name: "postgres", url, directory: None })
    }

    /// The database, with the tables of consents and of the bank.
    pub(super) async fn open(&self) -> Database {
        let database = Database::open(&self.url).await.unwrap();
        database.migrate(&rar_consent::migrations()).await.unwrap();
        SqlBank::migrate(&database).await.unwrap();
        database
    }
}

pub(super) async fn everywhere() -> Vec<World> {
    let mut worlds = vec![file().await];
    if let Some(place) = Place::postgres().await {
        worlds.push(world(place, (ProofNonce::Off, None)).await);
    }
    worlds
}

fn books(
    bank: &SqlBank,
    (clock, entropy): (Arc<FixedClock>, Arc<CountedEntropy>),
    consents: Arc<SqlConsents>,
) -> Ports {
    let book = Arc::new(bank.clone());
    Ports {
        clock,
        entropy,
        accounts: book.clone(),
        payments: book.clone(),
        lodgings: book.clone(),
        rail: Arc::new(SandboxRail),
        consents,
        pera: PeraPorts::over(&book),
    }
}

async fn world(place: Place, chosen: (ProofNonce, Option<MessageSigning>)) -> World {
    world_since(place, chosen, Seconds::minutes(5)).await
}

async fn world_since(
    place: Place,
    (nonce, signing): (ProofNonce, Option<MessageSigning>),
    age: Seconds,
) -> World {
    let database = place.open().await;
    let clock = Arc::new(FixedClock::at(now()));
    let entropy = Arc::new(CountedEntropy::default());
    let consents = Arc::new(SqlConsents::new(database.clone()));
    let store = Arc::new(MemoryStore::new());
    let bank = SqlBank::new(database.clone());
    let ports = books(&bank, (clock.clone(), entropy.clone()), consents.clone());
    let operations = Operations { ports, settings: OperationSettings::default() };
    let clients = [
        client("tpp"),
        client("other"),
        sealed("sealed", Some(testkit::keys::decryption().public().clone())),
        sealed("keyless", None),
        Client { status: oauth_core::ClientStatus::Disabled, ..client("gone") },
    ];
    let trail = Arc::new(Trail::default());
    let guard_ports = GuardPorts {
        clock: clock.clone(),
        entropy: entropy.clone(),
        clients: Arc::new(FixedClients::new(clients.clone())),
        consents: consents.clone(),
        audit: trail.clone(),
    };
    let engine = ConsentEngine::new(DetailRegistry::standard(), consents.clone(), clock.clone());
    let core = oauth_core::Ports {
        client_keys: Arc::new(InlineKeys),
        clock: clock.clone(),
        entropy,
        clients: Arc::new(FixedClients::new(clients)),
        signer: testkit::keys::signer(),
        decrypter: Arc::new(oauth_core::NoDecrypter),
        claims: Arc::new(MemoryClaims::new(now().minus(age))),
        store: store.clone(),
        details: Arc::new(oauth_core::NoDetailTypes),
        consents: engine.clone(),
        interaction: Arc::new(NoPages),
        users: Arc::new(oauth_core::NoUserClaims),
        audit: Arc::new(LogAudit),
    };
    let settings = VerifierSettings {
        issuer: testkit::issuer(),
        policy: &FAPI2_SECURITY,
        audience: ORIGIN.to_owned(),
        proof_nonce: nonce,
        secret: ServerSecret::new(Zeroizing::new([7; 32])),
    };
    let guard = Guard::new(TokenVerifier::new(settings, &core), &FAPI2_SECURITY, guard_ports);
    let guard = Arc::new(match signing {
        Some(signing) => guard.with_message_signing(signing),
        None => guard,
    });
    let service = every_dialect(&operations, engine, &guard);
    let Place { name, directory: _directory, .. } = place;
    let world =
        World { name, database, bank, consents, clock, operations, service, guard, store, trail, _directory };
    world.open("sa-1", "alice", AccountKind::Savings, 1_000_000_00).await;
    world.open("sa-2", "alice", AccountKind::Savings, 0).await;
    world.open("pa-1", "alice", AccountKind::Pera, 50_000_00).await;
    world.open("pa-2", "alice", AccountKind::Pera, 0).await;
    world.open("sa-b", "bob", AccountKind::Savings, 1_000_00).await;
    world.open("pa-b", "bob", AccountKind::Pera, 0).await;
    world.grant("g-1").await;
    world
}

/// All interfaces of this crate behind one guard.
fn every_dialect(operations: &Operations, engine: Arc<ConsentEngine>, guard: &Arc<Guard>) -> ResourceService {
    let ofxpera = OfxperaSettings::of("bayan-trust", "Bayan Trust", "BAYNPHMM");
    let uae = UaeBsi::new((testkit::issuer(), &FAPI2_SECURITY), testkit::keys::signer(), operations.clone());
    ResourceService::at(Origin::new(ORIGIN).unwrap())
        .mount(
            Ofxpera::new(operations.clone(), ofxpera)
                .with_encryption(Arc::new(InlineKeys), testkit::keys::signer()),
            guard.clone(),
        )
        .mount(uae.in_v1_2(), guard.clone())
        .mount(uae, guard.clone())
        .mount(ConsentManager::new(operations.clone(), engine), guard.clone())
        .service()
}

/// A client that registered for encrypted answers, with the key for them, where it still has one.
fn sealed(id: &str, key: Option<oauth_core::jose::PublicJwk>) -> Client {
    let encryption = oauth_core::jose::Encryption {
        alg: oauth_core::jose::KeyManagement::RsaOaep256,
        enc: oauth_core::jose::ContentEncryption::A256Gcm,
    };
    let mut client = client(id);
    client.messages.resource_answer = Some(encryption);
    let mut keys = testkit::keys::public().keys().to_vec();
    keys.extend(key);
    client.keys = oauth_core::jose::JwkSet::new(keys).into();
    client
}

fn client(id: &str) -> Client {
    Client { constraint: Constraint::Mtls, ..testkit::client(id) }
}

struct NoPages;

#[async_trait::async_trait]
impl oauth_core::Interaction for NoPages {
    async fn begin(&self, _: &str, _: &oauth_core::VettedRequest) -> Result<String, oauth_core::Fault> {
        Err(oauth_core::Fault::new("interaction", "none"))
    }
}

impl World {
    async fn open(&self, id: &str, customer: &str, kind: AccountKind, minor: i64) {
        let account = Account {
            id: AccountId::new(id).unwrap(),
            customer: Subject::new(customer).unwrap(),
            kind,
            currency: Currency::Php,
            iban: None,
            number: AccountNumber::new("001230004321").unwrap(),
            name: Line::new("Maria Clara Santos").unwrap(),
            status: AccountStatus::Active,
            nickname: None,
            product: None,
            opened_at: now().minus(Seconds::days(100)),
        };
        self.bank.open_account(&account).await.unwrap();
        if minor > 0 {
            self.deposit(id, minor).await;
        }
    }

    pub(super) async fn deposit(&self, account: &str, minor: i64) {
        let at = now().minus(Seconds::days(10));
        let unique = NEXT.fetch_add(1, Ordering::Relaxed);
        let movement = BookedTransaction {
            id: TransactionId::new(&format!("tx-in-{unique}")).unwrap(),
            account: AccountId::new(account).unwrap(),
            kind: TransactionKind::Deposit,
            status: TransactionStatus::Posted { at },
            amount: SignedMoney::new(minor, Currency::Php),
            description: Line::new("Opening").unwrap(),
            executed_at: at,
            reference: None,
            payment: None,
        };
        let entry = EntryId::new(&format!("je-in-{unique}")).unwrap();
        self.bank.record(&movement, entry, LedgerAccount::Opening).await.unwrap();
    }

    /// An active consent of alice for `tpp` over her first savings and PERA account.
    pub(super) async fn consent(&self, id: &str, permissions: &[Permission], limits: Option<(i64, i64)>) {
        self.lodged(("tpp", id), permissions, limits).await;
    }

    /// The same for another client.
    pub(super) async fn consent_for(&self, client: &str, id: &str, permissions: &[Permission]) {
        self.lodged((client, id), permissions, None).await;
    }

    async fn lodged(
        &self,
        (client, id): (&str, &str),
        permissions: &[Permission],
        limits: Option<(i64, i64)>,
    ) {
        let terms = Terms::Ofxpera(OfxperaConsent {
            data_holder: "bayan-trust".into(),
            permissions: permissions.to_vec(),
            start: now().minus(Seconds::minutes(1)),
            end: now().plus(Seconds::days(300)),
            purpose: "tests".into(),
            additional_terms: Vec::new(),
            limits: limits.map(|(individual, total)| PaymentLimits {
                individual: Amount::new(individual, "PHP"),
                total: Amount::new(total, "PHP"),
            }),
        });
        let lodged = Lodged {
            id: ConsentId::new(id).unwrap(),
            issuer: testkit::issuer(),
            client: ClientId::new(client).unwrap(),
            element: Value::Null,
        };
        let (consent, entry) = Consent::awaiting(lodged, terms, now().minus(Seconds::minutes(1)));
        self.consents.insert(&consent, &entry).await.unwrap();
        let customer = Actor::Customer(Subject::new("alice").unwrap());
        let (mut consent, entry) = consent.moved(ConsentStatus::Authorized, &customer, "yes", now()).unwrap();
        consent.subject = Some(Subject::new("alice").unwrap());
        consent.accounts = vec!["sa-1".into(), "pa-1".into()];
        self.consents.replace(&consent, &entry).await.unwrap();
    }

    /// Adds accounts to a consent, whosever they are.
    pub(super) async fn add_accounts(&self, id: &str, accounts: &[&str]) {
        let mut consent = self.consents.consent(&ConsentId::new(id).unwrap()).await.unwrap().unwrap();
        consent.accounts.extend(accounts.iter().map(|account| (*account).to_owned()));
        let entry = self.consents.history(&consent.id).await.unwrap().remove(0);
        self.consents.replace(&consent, &entry).await.unwrap();
    }

    pub(super) async fn move_consent(&self, id: &str, to: ConsentStatus) {
        let consent = self.consents.consent(&ConsentId::new(id).unwrap()).await.unwrap().unwrap();
        let tpp = Actor::Tpp(ClientId::new("tpp").unwrap());
        let (moved, entry) = consent.moved(to, &tpp, "test", now()).unwrap();
        self.consents.replace(&moved, &entry).await.unwrap();
    }

    async fn grant(&self, id: &str) {
        let request = testkit::fingerprint(&format!("r-{id}"));
        let until = now().plus(Seconds::minutes(1));
        self.store.push(&request, &testkit::vetted_request(now()), until).await.unwrap();
        let opening =
            Opening { code: testkit::fingerprint(&format!("c-{id}")), grant: testkit::grant(id, now()) };
        self.store.open(&request, &opening, now()).await.unwrap();
    }

    pub(super) async fn revoke_grant(&self) {
        self.store.revoke(&GrantId::new("g-1").unwrap(), now()).await.unwrap();
    }

    pub(super) async fn call(&self, ask: Ask) -> Answered {
        let sent = (ask.method.clone(), ask.path.clone(), ask.body.clone());
        let answered = self.answer(ask.request()).await;
        self.is_as_described(&sent, &answered);
        answered
    }

    /// Sends any request. Whatever is refused is on record with its rule, under the identifier of the answer.
    pub(super) async fn answer<B>(&self, request: Request<B>) -> Answered
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let answer = self.service.clone().call(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let status = parts.status.as_u16();
        let rule = self.rule_on_record(&parts.headers);
        assert!(status < 400 || !parts.headers.contains_key(NAME) || rule.is_some(), "{status} is on record");
        Answered { rule, status, headers: parts.headers, bytes, body }
    }

    /// The rule that refused the request with the identifier of this answer.
    pub(super) fn rule_on_record(&self, headers: &HeaderMap) -> Option<&'static str> {
        let trail = self.trail.0.lock().unwrap();
        let event = trail
            .iter()
            .rev()
            .find(|event| headers.get(NAME).is_some_and(|id| id == event.correlation.as_str()));
        match event.map(|event| &event.outcome) {
            Some(AuditOutcome::Refused { rule, .. }) => Some(rule.0),
            Some(AuditOutcome::Failed { port, .. }) => Some(port),
            Some(AuditOutcome::Done) | None => None,
        }
    }

    /// Holds what was taken and answered against the description of OFxPERA. What the UAE interfaces answer is signed; their own
    /// tests open it and do the same.
    fn is_as_described(&self, (method, path, sent): &(http::Method, String, Vec<u8>), answered: &Answered) {
        let path = path.split('?').next().unwrap_or_default();
        let interfaces = self.service.interfaces();
        let here = |one: &&openapi::Interface| one.name == "ofxpera" && path.starts_with(&one.base);
        let Some(interface) = interfaces.iter().find(here) else { return };
        if answered.status == 204 {
            return;
        }
        let routes = self.service.routes();
        let about = openapi::route_of(&routes, interface, method, path).and_then(|route| route.about);
        let media = answered.header("content-type");
        let checked = openapi::check_answer((interface, about), (answered.status, media), &answered.body);
        if let Err(fault) = checked {
            panic!("{method} {path} {}: {fault}", answered.status);
        }
        if let (true, Some(about)) = (answered.status < 300, about)
            && let Ok(sent) = serde_json::from_slice::<Value>(sent)
            && let Err(fault) = openapi::check_request(about, &sent)
        {
            panic!("{method} {path} took what is not described: {fault}");
        }
    }

    /// The first column of the only row.
    pub(super) async fn number(&self, sql: &'static str) -> i64 {
        self.database.read_one(Statement::new(sql)).await.unwrap().unwrap().int(0_usize).unwrap()
    }

    pub(super) async fn balance(&self, account: &str) -> i64 {
        let query = Statement::new("SELECT booked FROM balance WHERE account = $1").text(account);
        self.database.read_one(query).await.unwrap().unwrap().int(0_usize).unwrap()
    }

    /// Everything that must hold of the books at any moment.
    pub(super) async fn check_books(&self) {
        let sum = self.number("SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM posting").await;
        assert_eq!(sum, 0, "{}: postings sum to zero", self.name);
        let crooked =
            "SELECT count(*) FROM (SELECT entry FROM posting GROUP BY entry HAVING SUM(amount) <> 0) AS e";
        assert_eq!(self.number(crooked).await, 0, "{}: every entry sums to zero", self.name);
        let drifted = "SELECT count(*) FROM balance b WHERE b.booked <> (SELECT CAST(COALESCE(SUM(p.amount), 0) AS BIGINT)
            FROM posting p WHERE p.ledger = 'customer' AND p.account = b.account)";
        assert_eq!(self.number(drifted).await, 0, "{}: a balance is the sum of its postings", self.name);
        assert_eq!(self.number("SELECT count(*) FROM balance WHERE booked < 0").await, 0, "{}", self.name);
    }

    /// How much is in the tables a refused call must not touch.
    pub(super) async fn size(&self) -> Vec<i64> {
        let mut sizes = Vec::new();
        for sql in [
            "SELECT count(*) FROM payment",
            "SELECT count(*) FROM idempotency",
            "SELECT count(*) FROM posting",
            "SELECT count(*) FROM outbox",
            "SELECT count(*) FROM audit_row",
            "SELECT count(*) FROM booked_transaction",
            "SELECT CAST(COALESCE(SUM(used), 0) AS BIGINT) FROM allowance",
            "SELECT count(*) FROM consent",
            "SELECT count(*) FROM consent_history",
            "SELECT CAST(SUM(revision) AS BIGINT) FROM consent",
        ] {
            sizes.push(self.number(sql).await);
        }
        sizes
    }
}

/// A token of alice for `tpp` under a consent; change what the test is about.
pub(super) fn claims(consent: &str, scope: &str) -> AccessClaims {
    AccessClaims {
        aud: Audience::One(ORIGIN.into()),
        scope: Scope::new(scope).unwrap(),
        cnf: Binding::Mtls(testkit::certificate().thumbprint()),
        consent_id: Some(ConsentId::new(consent).unwrap()),
        authorization_details: Vec::new(),
        ..testkit::access_claims("jti-1", Some(&GrantId::new("g-1").unwrap()), now())
    }
}

/// A token of `tpp` for itself.
pub(super) fn own_claims(scope: &str) -> AccessClaims {
    AccessClaims { sub: "tpp".into(), grant_id: None, consent_id: None, ..claims("c-1", scope) }
}

pub(super) fn sign(claims: &AccessClaims) -> String {
    sign_as("at+jwt", claims)
}

pub(super) fn sign_as(typ: &'static str, claims: &impl serde::Serialize) -> String {
    sign_by(&testkit::keys::es256(), typ, claims)
}

/// Signed by any key, in the name of ours.
pub(super) fn sign_by(
    key: &oauth_core::jose::SigningKey,
    typ: &'static str,
    claims: &impl serde::Serialize,
) -> String {
    let (kid, _) = testkit::keys::all().remove(0);
    let header = Header { alg: oauth_core::jose::Alg::Es256, kid, typ: Some(typ) }.encode();
    compact(&header, claims, |input| key.sign(&ring::rand::SystemRandom::new(), input)).unwrap()
}

/// A call whose caller goes away when it was looked at so often.
pub(super) struct Abandoned<F> {
    pub(super) call: Pin<Box<F>>,
    pub(super) looks: u32,
}

impl<F: Future> Future for Abandoned<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(left) = self.looks.checked_sub(1) else { return Poll::Ready(None) };
        self.looks = left;
        self.call.as_mut().poll(context).map(Some)
    }
}

/// A request about to be sent.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) method: http::Method,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    certificate: Option<Vec<u8>>,
    origin: Option<Arc<str>>,
}

impl Ask {
    pub(super) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.parse().unwrap(),
            path: match ["/OFPH", "/open-finance"].iter().any(|base| path.starts_with(base)) {
                true => path.to_owned(),
                false => format!("/OFPH/v1{path}"),
            },
            headers: vec![("participant-id".into(), "test-provider".into())],
            body: Vec::new(),
            certificate: Some(testkit::certificate().der().to_vec()),
            origin: None,
        }
    }

    /// A path outside the interfaces.
    pub(super) fn at_root(method: &str, path: &str) -> Self {
        Self { path: path.to_owned(), ..Self::new(method, path) }
    }

    pub(super) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(super) fn token(self, claims: &AccessClaims) -> Self {
        self.bearer(&sign(claims))
    }

    pub(super) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// As it is sent.
    pub(super) fn request(self) -> Request<Full<bytes::Bytes>> {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(certificate) = self.certificate {
            let der: Arc<[u8]> = certificate.into();
            request = request.extension(PeerCertificate::new(der, Chain::Trusted));
        }
        if let Some(origin) = self.origin {
            request = request.extension(ExternalOrigin(origin));
        }
        request.body(Full::from(self.body)).unwrap()
    }

    /// Reached through another listener.
    pub(super) fn at(mut self, origin: &str) -> Self {
        self.origin = Some(origin.into());
        self
    }

    pub(super) fn certificate(mut self, certificate: Option<&[u8]>) -> Self {
        self.certificate = certificate.map(<[u8]>::to_vec);
        self
    }

    pub(super) fn json(mut self, body: &Value) -> Self {
        self.body = serde_json::to_vec(body).unwrap();
        self.header("content-type", "application/json")
    }
}
