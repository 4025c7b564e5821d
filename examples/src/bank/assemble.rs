//! From a deployment to a running bank: data directory, database, servers, listeners, background work, orderly end.

use std::sync::Arc;
use std::time::Duration;

use oauth_core::http::OAuthService;
use oauth_core::store::database::{Database, DatabaseUrl, DbError};
use oauth_core::store::memory::MemoryClaims;
use oauth_core::store::redis::RedisClaims;
use oauth_core::store::sql::{SqlClaims, SqlStore};
use oauth_core::{
    AuthorizationServer, Claims, Clock, Entropy, FAPI2_SECURITY, Fault, FixedClients, Issuer, LogAudit,
    OutOfBounds, Policy, Ports, Resource, Scope, ServerSecret, Settings, Store, SystemClock, SystemEntropy,
    Timestamp,
};
use rar_consent::{ConsentEngine, ConsentStore, DetailRegistry, SqlConsents};
use resource_server::rail::settle;
use resource_server::store::sql::SqlBank;

use super::admin::AdminService;
use super::apis::apis;
use super::compose::PublicService;
use super::config::Deployment;
use super::customers::Customers;
use super::data_dir::{DataDir, DataFault, Past, resource_of};
use super::listeners::Listeners;
use super::sessions::Sessions;
use super::signing_keys::SigningKeys;
use super::ui::{CustomerAccounts, PageInteraction, Ui};
use super::{customers, fixture, sessions};
use crate::pages::{Pages, PagesFault};
use crate::serve::{Listener, Shutdown};
use crate::tls::TlsFault;

/// The profile in force.
pub const POLICY: &Policy = &FAPI2_SECURITY;

/// Why a bank cannot start. Each says what to change.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// Keys, certificates or clients.
    #[error(transparent)]
    Data(#[from] DataFault),
    /// The database.
    #[error("the database cannot be used: {0}")]
    Database(#[from] DbError),
    /// The database URL.
    #[error("the database URL cannot be read: {0}")]
    DatabaseUrl(String),
    /// Another store or a port.
    #[error(transparent)]
    Port(#[from] Fault),
    /// A setting out of the policy's bounds.
    #[error("settings: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings(Vec<OutOfBounds>),
    /// The pages.
    #[error(transparent)]
    Pages(#[from] PagesFault),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// A socket.
    #[error("cannot listen on {address}: {source}")]
    Socket {
        /// Where.
        address: std::net::SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A task of the start-up died.
    #[error("start-up was interrupted")]
    Interrupted,
    /// A configured name or address is not well-formed.
    #[error("{0}")]
    IllFormed(String),
}

/// A bank whose listeners are bound and which serves as soon as it is [run](Bank::run).
pub struct Bank {
    public: Listener,
    mtls: Listener,
    admin: Listener,
    browser_and_api: PublicService,
    machines: PublicService,
    operators: AdminService,
    housekeeping: Housekeeping,
    keys: SigningKeys,
    database: Database,
}

/// What has to be done from time to time, whoever calls.
struct Housekeeping {
    store: Arc<dyn Store>,
    consents: Arc<ConsentEngine>,
    sessions: Sessions,
    payments: resource_server::port::Ports,
    clock: Arc<dyn Clock>,
}

/// Between two rounds of the payment rail's worker.
const RAIL_PAUSE: Duration = Duration::from_millis(100);
/// Rounds of the rail between two rounds of sweeping.
const SWEEP_EVERY: u32 = 100;
/// How long requests in flight may take when the bank ends.
const DRAIN_MAX: Duration = Duration::from_secs(10);

impl Bank {
    /// Makes or loads everything and binds the listeners.
    ///
    /// # Errors
    /// [`StartFault`].
    pub async fn prepare(deployment: &Deployment) -> Result<Self, StartFault> {
        let ground = Ground::lay(deployment).await?;
        let ports = ground.ports(deployment).await?;
        let server = AuthorizationServer::new(POLICY, settings(deployment, ground.secret())?, ports.clone());
        let server = Arc::new(server.map_err(StartFault::Settings)?);
        let apis =
            apis(deployment, &ground.database, &ports, Arc::clone(&ground.consent_store), ground.secret())?;
        let ui = Arc::new(ground.ui(deployment, &server, apis.accounts)?);
        let oauth = with_ofxpera_paths(OAuthService::new(server));
        let service = |pages: Option<Arc<Ui>>, origin: &str| PublicService {
            oauth: oauth.clone(),
            apis: apis.service.clone(),
            pages,
            origin: Arc::from(origin),
        };
        remember(&*ports.claims, &*ground.clock).await?;
        let listeners = Listeners::bind(deployment, &ground.data.pki, &ground.clock, &ground.entropy).await?;
        Ok(Self {
            public: listeners.public,
            mtls: listeners.mtls,
            admin: listeners.admin,
            browser_and_api: service(Some(ui), &deployment.issuer()),
            machines: service(None, &deployment.mtls_origin()),
            operators: AdminService {
                database: ground.database.clone(),
                consents: Arc::clone(&ground.consents),
                keys: ground.keys.clone(),
                clock: Arc::clone(&ground.clock),
            },
            housekeeping: Housekeeping {
                store: ports.store,
                sessions: ground.sessions(deployment)?,
                payments: apis.ports,
                consents: ground.consents,
                clock: ground.clock,
            },
            keys: ground.keys,
            database: ground.database,
        })
    }

    /// Serves until `shutdown` begins, then drains and stops.
    pub async fn run(self, shutdown: Shutdown) {
        let keeping = tokio::spawn(self.housekeeping.run(shutdown.clone()));
        let keys = tokio::spawn(self.keys.run(shutdown.clone()));
        tokio::join!(
            self.public.serve(self.browser_and_api, shutdown.clone()),
            self.mtls.serve(self.machines, shutdown.clone()),
            self.admin.serve(self.operators, shutdown.clone()),
        );
        if keeping.await.is_err() || keys.await.is_err() {
            tracing::error!("housekeeping ended badly");
        }
        self.database.close().await;
    }

    /// How long an orderly end may take.
    #[must_use]
    pub fn shutdown() -> Shutdown {
        Shutdown::new(DRAIN_MAX)
    }
}

impl std::fmt::Debug for Bank {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bank(…)")
    }
}

/// What everything else stands on: files, database, customers, consents.
struct Ground {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    data: DataDir,
    database: Database,
    keys: SigningKeys,
    customers: Arc<Customers>,
    clients: Arc<FixedClients>,
    consent_store: Arc<dyn ConsentStore>,
    consents: Arc<ConsentEngine>,
    pages: Arc<Pages>,
}

impl Ground {
    async fn lay(deployment: &Deployment) -> Result<Self, StartFault> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
        DataDir::make(&deployment.data_dir)?;
        let ring = async {
            let database = open(deployment).await?;
            let keys = SigningKeys::begin(deployment, &database, &clock, &entropy).await?;
            Ok::<_, StartFault>((database, keys))
        };
        let (data, (database, keys)) = tokio::try_join!(load(deployment, clock.now()), ring)?;
        fixture::seed(&database, clock.now(), &*entropy).await?;
        let customers = Customers::load(&database, HASHES_AT_ONCE).await?;
        let clients = Arc::new(FixedClients::new(data.clients.iter().cloned()));
        let consent_store: Arc<dyn ConsentStore> = Arc::new(SqlConsents::new(database.clone()));
        let registry = DetailRegistry::standard();
        let consents = ConsentEngine::new(registry, Arc::clone(&consent_store), Arc::clone(&clock));
        let pages = Arc::new(Pages::new()?);
        Ok(Self { clock, entropy, data, database, keys, customers, clients, consent_store, consents, pages })
    }

    async fn ports(&self, deployment: &Deployment) -> Result<Ports, StartFault> {
        Ok(Ports {
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            clients: self.clients.clone(),
            signer: self.keys.signer.clone(),
            claims: claims(deployment, &self.database, (self.data.past, self.clock.now())).await?,
            store: Arc::new(SqlStore::new(self.database.clone())),
            details: Arc::new(DetailRegistry::standard()),
            consents: self.consents.clone(),
            interaction: Arc::new(PageInteraction { pages: Arc::clone(&self.pages) }),
            users: self.customers.clone(),
            audit: Arc::new(LogAudit),
        })
    }

    fn ui(
        &self,
        deployment: &Deployment,
        server: &Arc<AuthorizationServer>,
        accounts: Arc<dyn CustomerAccounts>,
    ) -> Result<Ui, StartFault> {
        Ok(Ui {
            server: Arc::clone(server),
            customers: Arc::clone(&self.customers),
            sessions: self.sessions(deployment)?,
            pages: Arc::clone(&self.pages),
            consents: Arc::clone(&self.consents),
            accounts,
            clients: self.clients.clone(),
            clock: Arc::clone(&self.clock),
            origin: deployment.issuer(),
            policy: POLICY.name,
        })
    }

    fn sessions(&self, deployment: &Deployment) -> Result<Sessions, StartFault> {
        let issuer =
            Issuer::new(&deployment.issuer()).map_err(|fault| StartFault::IllFormed(fault.to_string()))?;
        let key = self.secret().key("form token");
        Ok(Sessions::new(self.database.clone(), issuer, Arc::clone(&self.entropy), key))
    }

    fn secret(&self) -> ServerSecret {
        self.data.server_secret()
    }
}

/// Passwords hashed at one time: one for each core of a small machine.
const HASHES_AT_ONCE: usize = 2;

impl Housekeeping {
    async fn run(self, shutdown: Shutdown) {
        let mut round: u32 = 0;
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(RAIL_PAUSE) => {}
            }
            let now = self.clock.now();
            if let Err(fault) = settle(&self.payments, now).await {
                tracing::error!(%fault, "the payment rail's worker failed");
            }
            round = round.wrapping_add(1);
            if round.is_multiple_of(SWEEP_EVERY) {
                self.sweep(now).await;
            }
        }
    }

    async fn sweep(&self, now: Timestamp) {
        let swept =
            [self.store.sweep(now).await, self.consents.sweep(now).await, self.sessions.sweep(now).await];
        for fault in swept.into_iter().filter_map(Result::err) {
            tracing::error!(%fault, "sweeping failed");
        }
    }
}

async fn load(deployment: &Deployment, now: Timestamp) -> Result<DataDir, StartFault> {
    let deployment = deployment.clone();
    let loaded = tokio::task::spawn_blocking(move || DataDir::ensure(&deployment, POLICY, now)).await;
    Ok(loaded.map_err(|_| StartFault::Interrupted)??)
}

pub(super) async fn open(deployment: &Deployment) -> Result<Database, StartFault> {
    let url = DatabaseUrl::parse(&deployment.database)
        .map_err(|fault| StartFault::DatabaseUrl(fault.to_string()))?;
    let database = Database::open(&url).await?;
    for set in [
        oauth_core::store::sql::migrations(),
        rar_consent::migrations(),
        customers::migrations(),
        sessions::migrations(),
    ] {
        database.migrate(&set).await?;
    }
    SqlBank::migrate(&database).await?;
    Ok(database)
}

/// Replay protection as the deployment asks for it: Redis when named, PostgreSQL when that is the database, otherwise
/// this process's memory.
async fn claims(
    deployment: &Deployment,
    database: &Database,
    (past, now): (Past, Timestamp),
) -> Result<Arc<dyn Claims>, StartFault> {
    match (&deployment.redis, database.engine()) {
        (Some(url), _) => Ok(Arc::new(RedisClaims::connect(url, "mandate", now).await?)),
        (None, oauth_core::store::database::Engine::Postgres) => {
            Ok(Arc::new(SqlClaims::new(database.clone())))
        }
        (None, oauth_core::store::database::Engine::Sqlite) => {
            // Keys made just now have signed nothing before; keys of the deployment file may have.
            let since = match past {
                Past::None if deployment.clients.is_empty() => Timestamp::EPOCH,
                Past::None | Past::Some => now,
            };
            Ok(Arc::new(MemoryClaims::new(since)))
        }
    }
}

/// Waits until the replay memory covers what is issued from now on, at most a second: nobody who finds the bank open is
/// refused for having been too early.
async fn remember(claims: &dyn Claims, clock: &dyn Clock) -> Result<(), Fault> {
    let since = claims.remembers_since(clock.now()).await?;
    let wait = since.millis().saturating_sub(clock.now().millis());
    if let Ok(wait) = u64::try_from(wait) {
        tokio::time::sleep(Duration::from_millis(wait.min(1000))).await;
    }
    Ok(())
}

/// Scopes third parties may ask for, besides the parameterised ones a consent brings.
const SCOPES: &str = "openid profile email phone address payments consent products accounts accounts.basic \
                      accounts.details accounts.open bank_account customer customer_details customer_onboarding \
                      introspection";

fn settings(deployment: &Deployment, secret: ServerSecret) -> Result<Settings, StartFault> {
    let ill_formed = |fault: &dyn std::fmt::Display| StartFault::IllFormed(fault.to_string());
    let issuer = Issuer::new(&deployment.issuer()).map_err(|fault| ill_formed(&fault))?;
    let resource = Resource::new(&resource_of(&deployment.issuer())).map_err(|fault| ill_formed(&fault))?;
    let mut settings = Settings::recommended(issuer, resource, secret);
    settings.mtls_origin = Some(deployment.mtls_origin());
    settings.proof_nonce = deployment.proof_nonce;
    settings.keys = deployment.keys;
    settings.scopes = Scope::new(SCOPES).map_err(|fault| ill_formed(&fault))?;
    Ok(settings)
}

/// The OFxPERA and UAE addresses of the same endpoints.
fn with_ofxpera_paths(oauth: OAuthService) -> OAuthService {
    let also = [
        ("/par", "/oauth/par"),
        ("/par", "/open-finance/v1/par"),
        ("/authorize", "/oauth/authorize"),
        ("/authorize", "/oauth/auth"),
        ("/token", "/oauth/token"),
        ("/introspect", "/oauth/introspection"),
        ("/introspect", "/oauth/introspect"),
        ("/userinfo", "/oauth/userinfo"),
    ];
    also.iter().fold(oauth, |oauth, (existing, also)| oauth.alias(existing, also))
}
