//! The bank's APIs as a process of their own. Tokens are verified by the issuer's published keys and asked about by
//! signed introspection; consents and books are in the database that both processes share, so that a payment and the
//! use of its consent stay one transaction.

use std::sync::Arc;
use std::time::Duration;

use oauth_core::store::database::Database;
use oauth_core::{FixedClients, Ports};
use resource_server::rail::settle;

use super::admin::AdminService;
use super::apis::{Books, apis};
use super::assemble::{Bank, RAIL_PAUSE, SWEEP_EVERY, StartFault};
use super::audit::Sealer;
use super::compose::{Api, ApiPlace, Face, PublicService};
use super::deployment::{Deployment, IssuerPlan};
use super::events::{self, EventWorker};
use super::ground::{Ground, remember};
use super::interfaces::Interfaces;
use super::introspected::{IntrospectedApi, IntrospectedStore, PublishedKeys};
use super::issuer_files::IssuerFiles;
use super::listeners::Listeners;
use super::signing_keys::SigningKeys;
use crate::serve::Shutdown;
use crate::tpp::{Introspector, ResourceServerKeys};

/// The client that the APIs are at the authorization server.
const CLIENT: &str = "bank-apis";
/// How long the authorization server may take to appear, and between two looks.
const PATIENCE: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

/// A resource server whose listeners are bound.
pub struct ResourceServer {
    listeners: Listeners,
    public: PublicService,
    operators: AdminService,
    payments: resource_server::port::Ports,
    events: EventWorker,
    keys: Arc<[SigningKeys]>,
    sealer: Sealer,
    database: Database,
}

impl std::fmt::Debug for ResourceServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResourceServer(…)")
    }
}

impl ResourceServer {
    /// Loads what the authorization server of the same deployment made, finds that server, and binds the listeners.
    ///
    /// # Errors
    /// [`StartFault`]; also when the authorization server does not appear within half a minute.
    pub async fn prepare(deployment: &Deployment) -> Result<Self, StartFault> {
        let ground = Ground::lay_beside(deployment).await?;
        let claims = ground.claims(deployment).await?;
        let books = ground.books();
        let (mut api_places, mut notices) = (Vec::new(), Vec::new());
        let mut directories = Vec::new();
        for place in &deployment.apis {
            let mut services = Vec::new();
            for (plan, files) in place.issuers.iter().filter_map(|index| {
                let own = (ground.data.issuers.get(*index)?, ground.keys.get(*index)?);
                Some((deployment.issuers.get(*index)?, own))
            }) {
                let ports = ground.ports(plan, files, Arc::clone(&claims));
                notices.push(events::notices(plan, &ports, &ground)?);
                directories.push((plan.issuer().clone(), Arc::clone(&ports.clients)));
                let api = remote(deployment, (plan, files.0), &books, ports).await?;
                services.push((plan.issuer().clone(), Api::Introspected(api)));
            }
            api_places.push(ApiPlace::new(&place.path, services));
        }
        remember(&*claims, &*ground.clock).await?;
        let ends = deployment.resource_ends();
        let listeners =
            Listeners::bind(deployment, &ends, &ground.data, (&ground.clock, &ground.entropy)).await?;
        let sealer = ground.sealer(deployment).await?;
        Ok(Self {
            listeners,
            public: PublicService::new(&ends, Vec::new(), api_places),
            operators: AdminService {
                database: ground.database.clone(),
                consents: Arc::clone(&ground.consents),
                keys: Arc::clone(&ground.keys),
                doors: ground.doors(directories),
                clock: Arc::clone(&ground.clock),
                operators: ground.operators(deployment)?,
                controls: None,
                interfaces: Interfaces::at(&deployment.api(), Arc::clone(&books.ports.pera.participants)),
            },
            payments: books.ports,
            events: EventWorker::new(&ground, notices),
            keys: ground.keys,
            sealer,
            database: ground.database,
        })
    }

    /// Serves until `shutdown` begins, then drains and stops.
    pub async fn run(self, shutdown: Shutdown) {
        let rail = tokio::spawn(pay_out(self.payments, shutdown.clone()));
        let telling = tokio::spawn(self.events.run(shutdown.clone()));
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
        if rail.await.is_err() {
            tracing::error!("the payment rail's worker ended badly");
        }
        if sealing.await.is_err() {
            tracing::error!("the sealer of the audit trail ended badly");
        }
        if telling.await.is_err() {
            tracing::error!("the worker of events ended badly");
        }
        self.database.close().await;
    }

    /// How long an orderly end may take.
    #[must_use]
    pub fn shutdown() -> Shutdown {
        Bank::shutdown()
    }
}

async fn pay_out(ports: resource_server::port::Ports, shutdown: Shutdown) {
    let mut round: u32 = 0;
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(RAIL_PAUSE) => {}
        }
        let now = ports.clock.now();
        if let Err(fault) = settle(&ports, now).await {
            tracing::error!(%fault, "the payment rail's worker failed");
        }
        round = round.wrapping_add(1);
        if round.is_multiple_of(SWEEP_EVERY)
            && let Err(fault) = ports.payments.sweep(now).await
        {
            tracing::error!(%fault, "sweeping failed");
        }
    }
}

/// The APIs for the tokens of one issuer, which is another process.
async fn remote(
    deployment: &Deployment,
    (plan, files): (&IssuerPlan, &IssuerFiles),
    books: &Books,
    ports: Ports,
) -> Result<Arc<IntrospectedApi>, StartFault> {
    let server = Arc::new(find(deployment, plan).await?);
    let store = IntrospectedStore::new(Arc::clone(&server), Arc::clone(&ports.clock));
    let clock = Arc::clone(&ports.clock);
    let (plan, bank) = (plan.clone(), deployment.bank.clone());
    let (books, consents) = (books.ports.clone(), Arc::clone(&books.consents));
    let clients = Arc::new(FixedClients::new(files.clients.iter().cloned()));
    let (signing, secret) = (Arc::clone(&ports.signer), files.raw_secret());
    let build = move |published: Vec<oauth_core::jose::PublicJwk>| {
        let signer = Arc::new(PublishedKeys { published: published.into(), signing: Arc::clone(&signing) });
        let ports = Ports { store: store.clone(), signer, clients: clients.clone(), ..ports.clone() };
        let secret = oauth_core::ServerSecret::new(secret.clone());
        apis((&plan, &bank), (&books, &consents), &ports, secret).map_err(|fault| fault.to_string())
    };
    IntrospectedApi::new(server, clock, Box::new(build)).map_err(StartFault::IllFormed)
}

/// The authorization server, once it is there.
async fn find(deployment: &Deployment, plan: &IssuerPlan) -> Result<Introspector, StartFault> {
    let keys = ResourceServerKeys {
        issuer: plan.issuer().as_str().to_owned(),
        ca: deployment.authority(),
        client_id: CLIENT.to_owned(),
        signing_key: deployment.data_dir.join(format!("tpp/{CLIENT}.sig.pem")),
        signing_kid: format!("{CLIENT}-1"),
    };
    let mut round = 0;
    loop {
        match Introspector::meet(keys.clone()).await {
            Ok(server) => return Ok(server),
            Err(fault) if round >= PATIENCE => return Err(StartFault::Elsewhere(fault.to_string())),
            Err(fault) => tracing::info!(%fault, "waiting for the authorization server"),
        }
        round = round.saturating_add(1);
        tokio::time::sleep(PAUSE).await;
    }
}
