//! What an endpoint costs, and that a request and its consent, or a grant and its consent, are one change: an authorization
//! server and its consents over one database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use oauth_core::jose::{Header, SignFault, compact};
use oauth_core::store::database::{Database, Statement};
use oauth_core::store::memory::{MemoryClaims, MemoryStore};
use oauth_core::store::sql::SqlStore;
use oauth_core::testkit::{self, CountedEntropy, FixedClock};
use oauth_core::{
    AnswerForm, ApprovalReason, AuthorizationServer, AuthorizeSubmitted, Client, ClientId, Constraint,
    CorrelationId, Denial, Entropy as _, Error, FAPI2_SECURITY, Fault, FixedClients, GrantId, Interaction,
    LogAudit, NoDecrypter, NoUserClaims, Outcome, Policy, Ports, Presented, Reason, RefreshRotation,
    Resource, ResourceSetting, ResumeSubmitted, Return, Scope, Seconds, ServerSecret, Settings, Store,
    Subject, Submitted, TokenAnswer, TokenForm, VettedRequest,
};
use rar_consent::{Consent, ConsentEngine, ConsentStatus, ConsentStore, DetailRegistry, SqlConsents};
use serde_json::json;

use crate::fixture::{NOW, approval};
use crate::stores::{postgres, sqlite};

const RESOURCE: &str = "https://rs.example";
const RESOURCE_OPAQUE: &str = "https://opaque.example";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
static ROTATING: Policy = Policy { refresh_rotation: RefreshRotation::EveryUse, ..FAPI2_SECURITY };

/// An authorization server with one third party, and the database it keeps things in.
struct Bank {
    server: AuthorizationServer,
    database: Database,
    store: Arc<dyn Store>,
    consents: Arc<SqlConsents>,
    jtis: AtomicU32,
}

async fn everywhere() -> Vec<(&'static str, Database)> {
    let mut places = vec![("SQLite", sqlite().await)];
    places.extend(postgres().await.map(|database| ("PostgreSQL", database)));
    for (_, database) in &places {
        database.migrate(&oauth_core::store::sql::migrations()).await.unwrap();
    }
    places
}

fn bank(database: &Database, policy: &'static Policy) -> Bank {
    let store = Arc::new(SqlStore::new(database.clone()));
    bank_over(database, policy, store)
}

fn bank_over(database: &Database, policy: &'static Policy, store: Arc<dyn Store>) -> Bank {
    let clock = Arc::new(FixedClock::at(NOW));
    let consents = Arc::new(SqlConsents::new(database.clone()));
    let registry = DetailRegistry::standard();
    let tpp = Client { constraint: Constraint::Mtls, scope: scope(), ..testkit::client("tpp") };
    let rs = Client { resource: Some(resource(RESOURCE)), ..testkit::client("rs") };
    let opaque = Client { resource: Some(resource(RESOURCE_OPAQUE)), ..testkit::client("opaque") };
    let secret = ServerSecret::new(CountedEntropy::default().draw().unwrap());
    let mut settings = Settings::recommended(testkit::issuer(), resource(RESOURCE), secret);
    settings.scopes = scope();
    settings.resources.push(ResourceSetting { uri: resource(RESOURCE_OPAQUE), tokens: TokenForm::Opaque });
    let ports = Ports {
        clock: clock.clone(),
        entropy: Arc::new(CountedEntropy::default()),
        clients: Arc::new(FixedClients::new([tpp, rs, opaque])),
        client_keys: Arc::new(oauth_core::InlineKeys),
        signer: testkit::keys::signer(),
        decrypter: Arc::new(NoDecrypter),
        claims: Arc::new(MemoryClaims::new(NOW.minus(Seconds::minutes(5)))),
        store: store.clone(),
        details: Arc::new(registry.clone()),
        consents: ConsentEngine::new(registry, consents.clone(), clock),
        interaction: Arc::new(Pages),
        users: Arc::new(NoUserClaims),
        audit: Arc::new(LogAudit),
    };
    let server = AuthorizationServer::new(policy, settings, ports).unwrap();
    Bank { server, database: database.clone(), store, consents, jtis: AtomicU32::new(0) }
}

fn scope() -> Scope {
    Scope::new("openid payments").unwrap()
}

fn resource(uri: &str) -> Resource {
    Resource::new(uri).unwrap()
}

/// Pages whose address is the ticket.
struct Pages;

#[async_trait]
impl Interaction for Pages {
    async fn begin(&self, ticket: &str, _request: &VettedRequest) -> Result<String, Fault> {
        Ok(ticket.to_owned())
    }
}

fn correlation() -> CorrelationId {
    CorrelationId::new("7c1f3a52-5b0e-4e0d-9a7a-0c1d2e3f4a5b").unwrap()
}

impl Bank {
    fn submitted(&self, client: &str, path: &str, body: &str) -> Submitted {
        let (kid, key) = testkit::keys::all().remove(0);
        let jti = format!("jti-{}", self.jtis.fetch_add(1, Ordering::Relaxed));
        let (iss, iat) = (testkit::issuer(), NOW.seconds());
        let claims =
            json!({"iss": client, "sub": client, "aud": iss, "jti": jti, "iat": iat, "exp": iat + 60});
        let header = Header { alg: oauth_core::jose::Alg::Es256, kid, typ: None };
        let random = ring::rand::SystemRandom::new();
        let assertion =
            compact::<SignFault>(&header.encode(), &claims, |input| key.sign(&random, input)).unwrap();
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        let body = format!("{body}&client_assertion_type={kind}&client_assertion={assertion}");
        Submitted { body: body.into_bytes(), presented: presented("POST", path) }
    }

    async fn push(&self, resource: &str) -> Result<String, Error> {
        let details = "%5B%7B%22type%22%3A%22payment_initiation%22%2C%22instructedAmount%22%3A%7B%22currency%22%3A\
            %22EUR%22%2C%22amount%22%3A%2212.50%22%7D%2C%22creditorName%22%3A%22Merchant%22%2C%22creditorAccount%22\
            %3A%7B%22iban%22%3A%22DE02100100109307118603%22%7D%7D%5D";
        let body = format!(
            "response_type=code&client_id=tpp&redirect_uri=https%3A%2F%2Ftpp.example%2Fcallback&scope=openid%20payments\
             &code_challenge={CHALLENGE}&code_challenge_method=S256&resource={resource}&authorization_details={details}"
        );
        let pushed = self.server.push(self.submitted("tpp", "/par", &body), &correlation()).await?;
        Ok(pushed.request_uri)
    }

    async fn authorize(&self, request_uri: &str) -> Result<(String, Option<String>), Error> {
        let query = format!("client_id=tpp&request_uri={}", request_uri.replace(':', "%3A"));
        let submitted = AuthorizeSubmitted { query: query.into_bytes(), browser: None };
        let interacting = self.server.authorize(submitted, &correlation()).await?;
        Ok((interacting.location, interacting.browser))
    }

    async fn resume(
        &self,
        (ticket, browser): &(String, Option<String>),
        outcome: Outcome,
    ) -> Result<String, Error> {
        let (ticket, browser) = (ticket.clone(), browser.clone());
        let submitted = ResumeSubmitted { ticket, browser, outcome };
        match self.server.resume(submitted, &correlation()).await? {
            Return::Redirect(location) => Ok(location),
            Return::Post(form) => panic!("{form:?}: a redirect was asked for"),
        }
    }

    async fn arrived(&self, resource: &str) -> (String, Option<String>) {
        let request_uri = self.push(resource).await.unwrap();
        self.authorize(&request_uri).await.unwrap()
    }

    async fn code(&self, resource: &str) -> String {
        let ticket = self.arrived(resource).await;
        let location = self.resume(&ticket, approved()).await.unwrap();
        let (_, rest) = location.split_once("code=").unwrap();
        rest.split('&').next().unwrap().to_owned()
    }

    async fn token(&self, body: &str) -> Result<TokenAnswer, Error> {
        self.server.token(self.submitted("tpp", "/token", body), &correlation()).await
    }

    async fn redeem(&self, code: &str) -> Result<TokenAnswer, Error> {
        let uri = "https%3A%2F%2Ftpp.example%2Fcallback";
        let body =
            format!("grant_type=authorization_code&code={code}&redirect_uri={uri}&code_verifier={VERIFIER}");
        self.token(&body).await
    }

    async fn revoke(&self, body: &str) -> Result<(), Error> {
        self.server.revoke(self.submitted("tpp", "/revoke", body), &correlation()).await
    }

    async fn consents(&self) -> Vec<Consent> {
        self.consents.of_client(&ClientId::new("tpp").unwrap()).await.unwrap()
    }

    async fn grants(&self) -> usize {
        self.store.grants_of(&approved_by(), NOW).await.unwrap().len()
    }
}

fn presented(method: &str, path: &str) -> Presented {
    Presented {
        method: method.to_owned(),
        uri: format!("{}{path}", testkit::issuer()),
        certificate: Some(testkit::certificate()),
        ..Presented::default()
    }
}

fn approved() -> Outcome {
    Outcome::Approved(oauth_core::Approval { scope: scope(), ..approval(&["acc-1"]) })
}

fn approved_by() -> Subject {
    approval(&[]).subject
}

/// Reads and writes, as a row of the table in ARCHITECTURE.md.
struct Meter<'b>(&'b Bank, &'static str);

impl Meter<'_> {
    async fn row<T>(&self, endpoint: &str, wanted: (u64, u64), work: impl Future<Output = T>) -> T {
        let database = &self.0.database;
        let before = (database.reads(), database.writes());
        let done = work.await;
        let found = (database.reads() - before.0, database.writes() - before.1);
        assert_eq!(found, wanted, "reads and writes of {endpoint} on {}", self.1);
        done
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_reads_and_writes_as_often_as_is_documented() {
    for (place, database) in everywhere().await {
        let bank = bank(&database, &FAPI2_SECURITY);
        let meter = Meter(&bank, place);
        let request_uri = meter.row("PAR", (0, 1), bank.push(RESOURCE)).await.unwrap();
        let ticket = meter.row("authorize", (1, 0), bank.authorize(&request_uri)).await.unwrap();
        let waiting = bank.server.waiting(&ticket.0, ticket.1.as_deref());
        meter.row("the page", (1, 0), waiting).await.unwrap();
        let location = meter.row("approve", (2, 1), bank.resume(&ticket, approved())).await.unwrap();
        let (_, code) = location.split_once("code=").unwrap();
        let code = code.split('&').next().unwrap();
        let other = bank.arrived(RESOURCE).await;
        let denied = bank.resume(&other, Outcome::Denied(Denial::Refused));
        meter.row("deny", (2, 1), denied).await.unwrap();
        let jwt = meter.row("token, code", (2, 1), bank.redeem(code)).await.unwrap();
        let body = format!("grant_type=refresh_token&refresh_token={}", jwt.refresh_token.unwrap());
        meter.row("token, refresh", (2, 0), bank.token(&body)).await.unwrap();
        let body = "grant_type=client_credentials&scope=payments";
        let alone = meter.row("token, client, JWT", (0, 0), bank.token(body)).await.unwrap();
        let body = "grant_type=client_credentials&scope=payments&resource=https%3A%2F%2Fopaque.example";
        let handle = meter.row("token, client, opaque", (0, 1), bank.token(body)).await.unwrap();

        let introspect = async |client: &str, token: &str| {
            let submitted = bank.submitted(client, "/introspect", &format!("token={token}"));
            let answer = bank.server.introspect(submitted, AnswerForm::Json, &correlation()).await.unwrap();
            let oauth_core::IntrospectionAnswer::Json(answer) = answer else { panic!("JSON was asked for") };
            assert!(matches!(*answer, oauth_core::Introspection::Active(_)), "{client}");
        };
        meter.row("introspect, JWT", (2, 0), introspect("rs", &jwt.access_token)).await;
        meter.row("introspect, client's own", (1, 0), introspect("rs", &alone.access_token)).await;
        meter.row("introspect, client's handle", (2, 0), introspect("opaque", &handle.access_token)).await;
        let opaque = bank.redeem(&bank.code("https%3A%2F%2Fopaque.example").await).await.unwrap();
        meter.row("introspect, opaque", (2, 0), introspect("opaque", &opaque.access_token)).await;

        let bearer = Presented {
            authorization: vec![format!("Bearer {}", jwt.access_token)],
            ..presented("GET", "/userinfo")
        };
        meter.row("userinfo", (2, 0), bank.server.userinfo(&bearer, &correlation())).await.unwrap();
        let body = format!("token={}", jwt.access_token);
        meter.row("revoke, access token", (2, 1), bank.revoke(&body)).await.unwrap();
        let body = format!("token={}", opaque.refresh_token.unwrap());
        meter.row("revoke, refresh token", (1, 1), bank.revoke(&body)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_rotates_or_brings_a_handle_writes_once() {
    for (place, database) in everywhere().await {
        let bank = bank(&database, &ROTATING);
        let meter = Meter(&bank, place);
        let first = bank.redeem(&bank.code("https%3A%2F%2Fopaque.example").await).await.unwrap();
        let body = format!("grant_type=refresh_token&refresh_token={}", first.refresh_token.unwrap());
        let second = meter.row("token, refresh, rotating", (2, 1), bank.token(&body)).await.unwrap();
        assert!(second.refresh_token.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_grant_cannot_be_kept_its_consent_still_waits_and_the_request_is_there() {
    for (place, database) in everywhere().await {
        let bank = bank(&database, &FAPI2_SECURITY);
        let ticket = bank.arrived(RESOURCE).await;
        for (gone, back) in [
            ("ALTER TABLE grant_record RENAME TO g", "ALTER TABLE g RENAME TO grant_record"),
            ("ALTER TABLE consent_history RENAME TO h", "ALTER TABLE h RENAME TO consent_history"),
        ] {
            database.write(Statement::new(gone)).await.unwrap();
            let failed = bank.resume(&ticket, approved()).await;
            assert!(matches!(failed, Err(Error::Failed(_))), "{place}: {failed:?}");
            database.write(Statement::new(back)).await.unwrap();
            assert_eq!(bank.consents().await[0].status, ConsentStatus::AwaitingAuthorization, "{place}");
            assert_eq!(bank.grants().await, 0, "{place}");
        }
        bank.resume(&ticket, approved()).await.unwrap();
        assert_eq!(bank.consents().await[0].status, ConsentStatus::Authorized, "{place}");
        assert_eq!(bank.grants().await, 1, "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_request_cannot_be_kept_neither_is_its_consent() {
    for (place, database) in everywhere().await {
        let bank = bank(&database, &FAPI2_SECURITY);
        database.write(Statement::new("ALTER TABLE pushed_request RENAME TO p")).await.unwrap();
        assert!(matches!(bank.push(RESOURCE).await, Err(Error::Failed(_))), "{place}");
        assert_eq!(bank.consents().await.len(), 0, "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_kept_elsewhere_end_when_their_consent_cannot_be_authorised() {
    for (place, database) in everywhere().await {
        let bank = bank_over(&database, &FAPI2_SECURITY, Arc::new(MemoryStore::new()));
        let ticket = bank.arrived(RESOURCE).await;
        database.write(Statement::new("ALTER TABLE consent_history RENAME TO h")).await.unwrap();
        let failed = bank.resume(&ticket, approved()).await;
        assert!(matches!(failed, Err(Error::Failed(_))), "{place}: {failed:?}");
        assert_eq!(bank.consents().await[0].status, ConsentStatus::AwaitingAuthorization, "{place}");
        assert_eq!(bank.grants().await, 0, "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_decide_one_request_one_does_and_grant_and_consent_agree() {
    for (place, database) in everywhere().await {
        let bank = Arc::new(bank(&database, &FAPI2_SECURITY));
        for round in 0..4 {
            let ticket = bank.arrived(RESOURCE).await;
            let mut racers = tokio::task::JoinSet::new();
            for racer in 0..16 {
                let (bank, ticket) = (bank.clone(), ticket.clone());
                let outcome = if racer % 4 == round { Outcome::Denied(Denial::Refused) } else { approved() };
                racers.spawn(async move { bank.resume(&ticket, outcome).await });
            }
            let decided = racers.join_all().await;
            let winners: Vec<&String> = decided.iter().filter_map(|done| done.as_ref().ok()).collect();
            let losers = decided.iter().filter(|done| is_decided_before(done)).count();
            assert_eq!((winners.len(), losers), (1, 15), "{place}: {decided:?}");
            let approved = winners[0].contains("code=");
            let wanted = if approved { ConsentStatus::Authorized } else { ConsentStatus::Rejected };
            let consents = bank.consents().await;
            let newest = consents.iter().filter(|consent| consent.status == wanted).count();
            let history = bank.consents.history(&consents[0].id).await.unwrap();
            assert!(newest >= 1 && history.len() == 2, "{place}: {consents:?} {history:?}");
            let agreed = consents.iter().filter(|one| one.status == ConsentStatus::Authorized).count();
            assert_eq!(bank.grants().await, agreed, "{place}: a grant for each authorised consent");
        }
    }
}

fn is_decided_before(done: &Result<String, Error>) -> bool {
    let reason = Reason::from(ApprovalReason::DecidedBefore);
    matches!(done, Err(Error::Refused(refusal)) if refusal.reason == reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_revoked_while_its_grant_was_opened_leaves_neither() {
    for (place, database) in everywhere().await {
        let bank = bank(&database, &FAPI2_SECURITY);
        let ticket = bank.arrived(RESOURCE).await;
        let waiting = bank.consents().await.remove(0);
        let actor = rar_consent::Actor::Engine;
        let (rejected, entry) = waiting.moved(ConsentStatus::Rejected, &actor, "bank", NOW).unwrap();
        bank.consents.replace(&rejected, &entry).await.unwrap();
        assert!(is_decided_before(&bank.resume(&ticket, approved()).await), "{place}");
        assert_eq!(bank.grants().await, 0, "{place}");
        assert!(bank.store.grant(&GrantId::new("none").unwrap()).await.unwrap().is_none(), "{place}");
    }
}
