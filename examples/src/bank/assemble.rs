//! From a deployment to a running bank: data directory, database, servers, listeners, background work, orderly end.

use std::sync::Arc;
use std::time::Duration;

use oauth_core::http::OAuthService;
use oauth_core::store::database::{Database, DbError};
use oauth_core::{AuthorizationServer, Clock, Fault, OutOfBounds, Ports, ServerSecret, Store, Timestamp};
use rar_consent::ConsentEngine;
use resource_server::http::CrossOrigin;
use resource_server::rail::settle;

use super::admin::AdminService;
use super::apis::{Books, apis};
use super::audit::Sealer;
use super::compose::{Api, ApiPlace, Face, Place, PublicService};
use super::controls::Controls;
use super::data_dir::DataFault;
use super::deployment::{Deployment, IssuerPlan};
use super::events::{self, EventWorker};
use super::ground::{Ground, remember};
use super::interfaces::Interfaces;
use super::issuer_files::IssuerFiles;
use super::listeners::Listeners;
use super::sessions::{SESSION_COOKIE, Sessions};
use super::signing_keys::SigningKeys;
use super::token_hashes::TokenHashes;
use super::ui::Ui;
use crate::pages::PagesFault;
use crate::serve::Shutdown;
use crate::tls::TlsFault;

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
    /// The authorization server did not appear.
    #[error("the authorization server cannot be found: {0}")]
    Elsewhere(String),
    /// A task of the start-up died.
    #[error("start-up was interrupted")]
    Interrupted,
    /// A configured name or address is not well-formed.
    #[error("{0}")]
    IllFormed(String),
}

/// A bank whose listeners are bound and which serves as soon as it is [run](Bank::run).
pub struct Bank {
    listeners: Listeners,
    public: PublicService,
    operators: AdminService,
    housekeeping: Housekeeping,
    events: Option<EventWorker>,
    keys: Arc<[SigningKeys]>,
    sealer: Sealer,
    database: Database,
}

/// Which parts of the bank a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// Authorization server, pages and APIs.
    Whole,
    /// Authorization server and pages; the APIs are another process.
    AuthorizationServer,
}

/// What has to be done from time to time, whoever calls.
struct Housekeeping {
    store: Arc<dyn Store>,
    consents: Arc<ConsentEngine>,
    sessions: Sessions,
    /// The payment rail's worker runs where the APIs are.
    payments: Option<resource_server::port::Ports>,
    clock: Arc<dyn Clock>,
}

/// Between two rounds of the payment rail's worker.
pub(super) const RAIL_PAUSE: Duration = Duration::from_millis(100);
/// Rounds of the rail between two rounds of sweeping.
pub(super) const SWEEP_EVERY: u32 = 100;
/// How long requests in flight may take when the bank ends.
const DRAIN_MAX: Duration = Duration::from_secs(10);

impl Bank {
    /// Makes or loads everything and binds the listeners.
    ///
    /// # Errors
    /// [`StartFault`].
    pub async fn prepare(deployment: &Deployment, parts: Parts) -> Result<Self, StartFault> {
        let ground = Ground::lay(deployment).await?;
        let claims = ground.claims(deployment).await?;
        let books = ground.books();
        let hosted = Hosted::all(deployment, &ground, &claims)?;
        let mut places = Vec::new();
        for one in &hosted {
            places.push(one.place(deployment, &ground, &books)?);
        }
        let (mut api_places, mut notices) = (Vec::new(), Vec::new());
        for plan in deployment.apis.iter().filter(|_| parts == Parts::Whole) {
            let mut services = Vec::new();
            for one in plan.issuers.iter().filter_map(|index| hosted.get(*index)) {
                let own = (&books.ports, &books.consents);
                let service = apis((one.plan, &deployment.bank), own, &one.ports, one.secret())?;
                services.push((one.plan.issuer().clone(), Api::Beside(service)));
                notices.push(events::notices(one.plan, &one.ports, &ground)?);
            }
            api_places.push(ApiPlace::new(&plan.path, services));
        }
        remember(&*claims, &*ground.clock).await?;
        let ends = deployment.ends();
        let listeners =
            Listeners::bind(deployment, &ends, &ground.data, (&ground.clock, &ground.entropy)).await?;
        let controls = ground.test_clock.clone().map(|clock| {
            let pages = places.iter().map(|place| (place.pages.issuer().clone(), Arc::clone(&place.pages)));
            Arc::new(Controls {
                clock,
                database: ground.database.clone(),
                customers: Arc::clone(&ground.customers),
                entropy: Arc::clone(&ground.entropy),
                deployment: deployment.clone(),
                pages: pages.collect(),
            })
        });
        let doors = ground.doors(
            hosted.iter().map(|one| (one.plan.issuer().clone(), Arc::clone(&one.ports.clients))).collect(),
        );
        let sealer = ground.sealer(deployment).await?;
        let first = hosted.first().ok_or(StartFault::Interrupted)?;
        let events = (parts == Parts::Whole).then(|| EventWorker::new(&ground, notices));
        Ok(Self {
            events,
            listeners,
            public: PublicService::new(&ends, places, api_places),
            operators: AdminService {
                database: ground.database.clone(),
                consents: Arc::clone(&ground.consents),
                keys: Arc::clone(&ground.keys),
                doors,
                clock: Arc::clone(&ground.clock),
                operators: ground.operators(deployment)?,
                controls,
                interfaces: Interfaces::at(&deployment.api(), Arc::clone(&books.ports.pera.participants)),
            },
            housekeeping: Housekeeping {
                store: Arc::clone(&first.ports.store),
                sessions: first.sessions(&ground),
                payments: (parts == Parts::Whole).then_some(books.ports),
                consents: ground.consents,
                clock: ground.clock,
            },
            keys: ground.keys,
            sealer,
            database: ground.database,
        })
    }

    /// Serves until `shutdown` begins, then drains and stops.
    pub async fn run(self, shutdown: Shutdown) {
        let keeping = tokio::spawn(self.housekeeping.run(shutdown.clone()));
        let telling = self.events.map(|events| tokio::spawn(events.run(shutdown.clone())));
        for keys in self.keys.iter() {
            tokio::spawn(keys.clone().run(shutdown.clone()));
        }
        let sealing = tokio::spawn(self.sealer.run(shutdown.clone()));
        let Listeners { public, mtls, admin } = self.listeners;
        tokio::join!(
            public.serve(self.public.facing(Face::Browsers), shutdown.clone()),
            mtls.serve(self.public.facing(Face::Machines), shutdown.clone()),
            admin.serve(self.operators, shutdown.clone()),
        );
        if keeping.await.is_err() {
            tracing::error!("housekeeping ended badly");
        }
        if sealing.await.is_err() {
            tracing::error!("the sealer of the audit trail ended badly");
        }
        if let Some(telling) = telling
            && telling.await.is_err()
        {
            tracing::error!("the worker of events ended badly");
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

/// One issuer with everything it runs on.
struct Hosted<'a> {
    plan: &'a IssuerPlan,
    files: &'a IssuerFiles,
    ports: Ports,
    server: Arc<AuthorizationServer>,
}

impl<'a> Hosted<'a> {
    fn all(
        deployment: &'a Deployment,
        ground: &'a Ground,
        claims: &Arc<dyn oauth_core::Claims>,
    ) -> Result<Vec<Self>, StartFault> {
        let mut hosted = Vec::new();
        let own = ground.data.issuers.iter().zip(&*ground.keys);
        for (plan, (files, keys)) in deployment.issuers.iter().zip(own) {
            let ports = ground.ports(plan, (files, keys), Arc::clone(claims));
            let mut settings = plan.settings(files.server_secret());
            // the policies that clients of this issuer are registered for
            for policy in files.clients.iter().filter_map(|client| client.policy) {
                if !settings.client_policies.contains(&policy) {
                    settings.client_policies.push(policy);
                }
            }
            let server = AuthorizationServer::new(plan.policy, settings, ports.clone());
            let server = server.map_err(StartFault::Settings)?;
            let server = Arc::new(server.with_token_index(Arc::new(TokenHashes::over(&ground.database))));
            hosted.push(Self { plan, files, ports, server });
        }
        Ok(hosted)
    }

    fn secret(&self) -> ServerSecret {
        self.files.server_secret()
    }

    fn sessions(&self, ground: &Ground) -> Sessions {
        let key = self.secret().key("form token");
        let issuer = self.plan.issuer().clone();
        Sessions::new(ground.database.clone(), issuer, Arc::clone(&ground.entropy), key)
    }

    /// Its endpoints and pages.
    fn place(&self, deployment: &Deployment, ground: &Ground, books: &Books) -> Result<Place, StartFault> {
        let (plan, own) = (self.plan, deployment.origin());
        let slug = plan.slug(&own);
        let every = deployment.issuers.iter().map(|one| (one.issuer().clone(), one.policy.name));
        let ui = Ui {
            server: Arc::clone(&self.server),
            customers: Arc::clone(&ground.customers),
            sessions: self.sessions(ground),
            pages: Arc::clone(&ground.pages),
            consents: Arc::clone(&ground.consents),
            accounts: Arc::clone(&books.accounts),
            clients: Arc::clone(&self.ports.clients),
            clock: Arc::clone(&ground.clock),
            holder: (deployment.bank.id.clone(), deployment.bank.name.clone()),
            origin: plan.issuer().origin().to_owned(),
            prefix: plan.issuer().path().to_owned(),
            session_cookie: match slug.as_str() {
                "" => SESSION_COOKIE.to_owned(),
                slug => format!("{SESSION_COOKIE}-{slug}"),
            },
            issuers: every.collect(),
        };
        let oauth = OAuthService::new(Arc::clone(&self.server));
        Ok(Place {
            oauth: with_ofxpera_paths(oauth, plan, &self.server.settings().paths),
            pages: Arc::new(ui),
            cross_origin: CrossOrigin::of(Arc::clone(&books.ports.pera.participants)),
            origin: Arc::from(plan.issuer().origin()),
            mtls_origin: Arc::from(plan.mtls_origin()),
        })
    }
}

impl Housekeeping {
    async fn run(self, shutdown: Shutdown) {
        let mut round: u32 = 0;
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(RAIL_PAUSE) => {}
            }
            let now = self.clock.now();
            if let Some(payments) = &self.payments
                && let Err(fault) = settle(payments, now).await
            {
                tracing::error!(%fault, "the payment rail's worker failed");
            }
            round = round.wrapping_add(1);
            if round.is_multiple_of(SWEEP_EVERY) {
                self.sweep(now).await;
            }
        }
    }

    async fn sweep(&self, now: Timestamp) {
        let mut swept =
            vec![self.store.sweep(now).await, self.consents.sweep(now).await, self.sessions.sweep(now).await];
        if let Some(books) = &self.payments {
            swept.push(books.payments.sweep(now).await);
        }
        for fault in swept.into_iter().filter_map(Result::err) {
            tracing::error!(%fault, "sweeping failed");
        }
    }
}

/// The OFxPERA and UAE addresses of the same endpoints.
fn with_ofxpera_paths(oauth: OAuthService, plan: &IssuerPlan, paths: &oauth_core::Paths) -> OAuthService {
    let prefix = plan.issuer().path();
    let also = [
        (&paths.par, "/oauth/par"),
        (&paths.par, "/open-finance/v1/par"),
        (&paths.par, "/open-finance/auth/v1.2/par"),
        (&paths.authorize, "/oauth/authorize"),
        (&paths.authorize, "/oauth/auth"),
        (&paths.token, "/oauth/token"),
        (&paths.introspect, "/oauth/introspection"),
        (&paths.introspect, "/oauth/introspect"),
        (&paths.userinfo, "/oauth/userinfo"),
    ];
    let oauth = also.iter().fold(oauth, |oauth, (existing, also)| {
        oauth.alias(&format!("{prefix}{existing}"), &format!("{prefix}{also}"))
    });
    // The document lists introspection with GET.
    let by_query = ["/oauth/introspection", "/oauth/introspect"];
    by_query.iter().fold(oauth, |oauth, path| oauth.introspect_by_query(&format!("{prefix}{path}")))
}
