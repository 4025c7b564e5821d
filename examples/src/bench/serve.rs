//! The server under measurement: the authorization server on plain HTTP, pinned to its own core by whoever starts it.
//!
//! Four paths are there for the measurement only: an automatic approval in the place of the bank's pages, the counters of
//! the store, the price of a signature on this core, and a clock that jumps ahead.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use oauth_core::http::{BROWSER_COOKIE, OAuthService, cookie, returning};
use oauth_core::jose::{Alg, SigningKey};
use oauth_core::store::database::{Database, DatabaseUrl};
use oauth_core::store::memory::{MemoryClaims, MemoryStore};
use oauth_core::store::sql::{SqlStore, migrations};
use oauth_core::{
    Approval, Authentication, AuthorizationServer, Client, ClientMetadata, Clock, FAPI2_SECURITY, Fault,
    FixedClients, InlineKeys, Interaction, Issuer, KeyId, LocalSigner, LogAudit, NoDecrypter, NoUserClaims,
    Outcome, Ports, Resource, ResourceSetting, ResumeSubmitted, Scope, Seconds, ServerSecret, Settings,
    Store, Subject, SystemClock, SystemEntropy, Timestamp, TokenForm, VettedRequest,
};
use rar_consent::{ConsentEngine, ConsentStore, DetailRegistry, MemoryConsents, SqlConsents};
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::measure::{Sample, price_signatures};
use super::{Doing as _, Failed, ISSUER, RESOURCE, RESOURCE_OPAQUE, SCOPES, StoreKind, say};

/// What the server is told on its command line.
#[derive(Debug, clap::Args)]
pub struct ServeOptions {
    /// Directory with `setup.json`; the SQLite file is made in it.
    #[arg(long)]
    pub dir: PathBuf,
    /// Where requests and grants are kept.
    #[arg(long, value_enum, default_value_t = StoreKind::Sqlite)]
    pub store: StoreKind,
}

/// What the parent writes to `setup.json`.
#[derive(Serialize, Deserialize)]
pub struct Setup {
    /// The registered clients, as RFC 7591 metadata.
    pub clients: Vec<serde_json::Value>,
    /// A PS256 signature to price the verification with.
    pub sample: Sample,
}

/// The server never outlives this, whatever becomes of its parent.
pub(super) const LONGEST_RUN: Duration = Duration::from_secs(30 * 60);

/// Serves until its standard input ends.
///
/// # Errors
/// When the setup cannot be read or the server cannot be built.
pub async fn serve(options: &ServeOptions) -> Result<(), Failed> {
    let text = std::fs::read(options.dir.join("setup.json")).doing("reading the setup")?;
    let setup: Setup = serde_json::from_slice(&text).doing("reading the setup")?;
    let bench = Arc::new(Bench::build(options, setup).await?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.doing("listening")?;
    let port = listener.local_addr().doing("listening")?.port();
    say(&json!({ "port": port }).to_string())?;
    let accepting = async {
        loop {
            let (stream, _) = listener.accept().await.doing("accepting")?;
            tokio::spawn(connection(Arc::clone(&bench), stream));
        }
    };
    tokio::select! {
        ended = accepting => ended,
        () = parent_gone() => Ok(()),
        () = tokio::time::sleep(LONGEST_RUN) => Ok(()),
    }
}

pub(super) async fn parent_gone() {
    let mut nothing = [0; 16];
    let mut input = tokio::io::stdin();
    while let Ok(1..) = tokio::io::AsyncReadExt::read(&mut input, &mut nothing).await {}
}

async fn connection(bench: Arc<Bench>, stream: TcpStream) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| {
        let bench = Arc::clone(&bench);
        async move { Ok::<_, std::convert::Infallible>(bench.handle(request).await) }
    });
    // a broken connection shows as an error at the client, where it is counted
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

struct Bench {
    server: Arc<AuthorizationServer>,
    store: Arc<dyn Store>,
    clock: Arc<Ahead>,
    service: OAuthService,
    database: Option<Database>,
    own_key: SigningKey,
    sample: Sample,
}

pub(super) type Answer = Response<Full<Bytes>>;

impl Bench {
    async fn build(options: &ServeOptions, setup: Setup) -> Result<Self, Failed> {
        let database = match options.store {
            StoreKind::Memory => None,
            StoreKind::Sqlite => Some(open(options).await?),
        };
        let random = SystemRandom::new();
        let der = SigningKey::generate_es256(&random).doing("making a key")?;
        let key = |der: &[u8]| SigningKey::from_pkcs8_der(Alg::Es256, der, &random).doing("loading a key");
        let stores: (Arc<dyn Store>, Arc<dyn ConsentStore>) = match &database {
            Some(database) => {
                (Arc::new(SqlStore::new(database.clone())), Arc::new(SqlConsents::new(database.clone())))
            }
            None => (Arc::new(MemoryStore::new()), Arc::new(MemoryConsents::new())),
        };
        let (store, clock) = (Arc::clone(&stores.0), Arc::new(Ahead::default()));
        let server = server(stores, key(&der)?, setup.clients, Arc::<Ahead>::clone(&clock))?;
        let service = OAuthService::new(Arc::clone(&server));
        Ok(Self { server, store, clock, service, database, own_key: key(&der)?, sample: setup.sample })
    }

    async fn handle(&self, request: Request<Incoming>) -> Answer {
        match request.uri().path() {
            "/bench/approve" => self.approve(&request).await,
            "/bench/counters" => json_answer(&self.counters()),
            "/bench/later" => match self.later().await {
                Ok(seconds) => json_answer(&seconds),
                Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR),
            },
            "/bench/signatures" => match price_signatures(&self.own_key, &self.sample) {
                Ok(prices) => json_answer(&prices),
                Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR),
            },
            _ => self.service.handle(request).await,
        }
    }

    /// Stands in for the bank's pages: says yes at once.
    async fn approve(&self, request: &Request<Incoming>) -> Answer {
        let ticket = request.uri().query().and_then(|query| query.strip_prefix("ticket="));
        let outcome = approval().map(Outcome::Approved);
        let (Some(ticket), Ok(outcome), Ok(correlation)) = (ticket, outcome, self.server.fresh_correlation())
        else {
            return plain(StatusCode::BAD_REQUEST);
        };
        let submitted = ResumeSubmitted {
            ticket: ticket.to_owned(),
            browser: cookie(request.headers(), BROWSER_COOKIE),
            outcome,
        };
        let resumed = self.server.resume(submitted, &correlation).await;
        resumed.map_or_else(|error| refused(&error), |back| returning(&back))
    }

    /// It is later at once: whatever was prepared, issued or claimed is over, and swept. Says how many seconds passed.
    async fn later(&self) -> Result<i64, Fault> {
        let passed = self.clock.0.fetch_add(LATER.get(), Ordering::Relaxed) + LATER.get();
        while self.store.sweep(self.clock.now()).await? > 0 {}
        Ok(passed)
    }

    fn counters(&self) -> serde_json::Value {
        match &self.database {
            Some(database) => json!({ "statements": database.statements(), "commits": database.commits() }),
            None => json!({ "statements": 0, "commits": 0 }),
        }
    }
}

async fn open(options: &ServeOptions) -> Result<Database, Failed> {
    let url = DatabaseUrl::sqlite_file(options.dir.join("bench.db"));
    let database = Database::open(&url).await.doing("opening the database")?;
    for tables in [migrations(), rar_consent::migrations()] {
        database.migrate(&tables).await.doing("migrating the database")?;
    }
    Ok(database)
}

fn server(
    stores: (Arc<dyn Store>, Arc<dyn ConsentStore>),
    key: SigningKey,
    clients: Vec<serde_json::Value>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<AuthorizationServer>, Failed> {
    let kid = KeyId::new("server-es256").doing("naming a key")?;
    let ports = ports(stores, vec![(kid, key)], clients, clock)?;
    let server = AuthorizationServer::new(&FAPI2_SECURITY, settings(&ports)?, ports);
    let server = server.map_err(|wrong| Failed::new("building the server", format!("{wrong:?}")))?;
    Ok(Arc::new(server))
}

/// An approval that was not taken, and why.
pub(super) fn refused(error: &oauth_core::Error) -> Answer {
    let mut answer = plain(StatusCode::BAD_REQUEST);
    *answer.body_mut() = Full::new(Bytes::from(error.to_string()));
    answer
}

/// What the server may do.
pub(super) fn settings(ports: &Ports) -> Result<Settings, Failed> {
    let secret = ServerSecret::new(ports.entropy.draw().doing("drawing a secret")?);
    let resource = |text| Resource::new(text).doing("naming a resource");
    let issuer = Issuer::new(ISSUER).doing("naming the issuer")?;
    let mut settings = Settings::recommended(issuer, resource(RESOURCE)?, secret);
    settings.scopes = Scope::new(SCOPES).doing("naming scopes")?;
    settings.resources.push(ResourceSetting { uri: resource(RESOURCE_OPAQUE)?, tokens: TokenForm::Opaque });
    Ok(settings)
}

/// What the server works with.
pub(super) fn ports(
    (store, consents): (Arc<dyn Store>, Arc<dyn ConsentStore>),
    keys: Vec<(KeyId, SigningKey)>,
    clients: Vec<serde_json::Value>,
    clock: Arc<dyn Clock>,
) -> Result<Ports, Failed> {
    let entropy = SystemEntropy::default();
    let registry = DetailRegistry::standard();
    let mut registered = Vec::with_capacity(clients.len());
    for metadata in clients {
        let metadata: ClientMetadata = serde_json::from_value(metadata).doing("reading a client")?;
        let client = Client::register(metadata, &FAPI2_SECURITY);
        registered.push(client.map_err(|wrong| Failed::new("registering a client", format!("{wrong:?}")))?);
    }
    Ok(Ports {
        // every key of this run was made for it
        claims: Arc::new(MemoryClaims::without_past()),
        details: Arc::new(registry.clone()),
        consents: ConsentEngine::new(registry, consents, Arc::clone(&clock)),
        clock,
        entropy: Arc::new(entropy),
        clients: Arc::new(FixedClients::new(registered)),
        client_keys: Arc::new(InlineKeys),
        signer: LocalSigner::new(keys),
        decrypter: Arc::new(NoDecrypter),
        store,
        interaction: Arc::new(Automatic),
        users: Arc::new(NoUserClaims),
        audit: Arc::new(LogAudit),
    })
}

pub(super) fn approval() -> Result<Approval, Failed> {
    Ok(Approval {
        subject: Subject::new("alice").doing("naming the customer")?,
        authentication: Authentication {
            at: SystemClock.now(),
            acr: "urn:bench:automatic".to_owned(),
            amr: vec!["pwd".to_owned()],
        },
        scope: Scope::new("openid payments").doing("naming the scope")?,
        accounts: vec!["current-account".to_owned()],
        shown: None,
    })
}

/// The system's clock, and so many seconds more.
#[derive(Default)]
struct Ahead(AtomicI64);

/// Longer than anything of this run is good for.
const LATER: Seconds = Seconds::minutes(60);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(Seconds::new(self.0.load(Ordering::Relaxed)))
    }
}

/// Sends every browser straight to the automatic approval.
pub(super) struct Automatic;

#[async_trait]
impl Interaction for Automatic {
    async fn begin(&self, ticket: &str, _request: &VettedRequest) -> Result<String, Fault> {
        Ok(format!("{ISSUER}/bench/approve?ticket={ticket}"))
    }
}

pub(super) fn json_answer(body: &impl Serialize) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(serde_json::to_vec(body).unwrap_or_default())));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

pub(super) fn plain(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = status;
    answer
}
