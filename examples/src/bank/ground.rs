//! What every issuer of a deployment stands on: files, database, customers, consents, replay protection, the clock.

use std::sync::Arc;
use std::time::Duration;

use oauth_core::fetch::{FetchedKeys, Outbound};
use oauth_core::store::database::{Database, DatabaseUrl, Engine};
use oauth_core::store::memory::MemoryClaims;
use oauth_core::store::redis::RedisClaims;
use oauth_core::store::sql::{SqlClaims, SqlStore};
use oauth_core::{
    Claims, ClientDirectory, Clock, Entropy, Fault, Issuer, LogAudit, Ports, SystemClock, SystemEntropy,
    Timestamp,
};
use rar_consent::{
    ConsentEngine, ConsentStore, DetailRegistry, EventOutbox, OpeningConsents, PersonalOpener, SqlConsents,
};
use resource_server::store::sql::SqlBank;

use super::apis::Books;
use super::assemble::StartFault;
use super::audit::Sealer;
use super::bar_admin::Doors;
use super::barred::{Barred, OpenClients};
use super::controls::TestClock;
use super::customers::Customers;
use super::data_dir::{DataDir, Past};
use super::deployment::{Deployment, IssuerPlan, TestControls};
use super::issuer_files::IssuerFiles;
use super::mandates::BankMandates;
use super::operator::Operators;
use super::outbound::Calls;
use super::payment_record::PaymentRecords;
use super::signing_keys::SigningKeys;
use super::ui::PageInteraction;
use super::{barred, customers, fixture, mandates, sessions};
use crate::pages::Pages;

/// What everything else stands on.
pub(super) struct Ground {
    /// The clock as the test controls set it, when there are any.
    pub(super) test_clock: Option<Arc<TestClock>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) data: DataDir,
    pub(super) database: Database,
    /// In the order of the deployment.
    pub(super) keys: Arc<[SigningKeys]>,
    pub(super) customers: Arc<Customers>,
    pub(super) barred: Arc<Barred>,
    consent_store: Arc<dyn ConsentStore>,
    pub(super) events: Arc<dyn EventOutbox>,
    pub(super) courier: Arc<Outbound>,
    pub(super) consents: Arc<ConsentEngine>,
    pub(super) pages: Arc<Pages>,
    client_keys: Arc<FetchedKeys>,
}

/// Passwords hashed at one time: one for each core of a small machine.
const HASHES_AT_ONCE: usize = 2;

impl Ground {
    /// Makes what is missing, demo data included.
    pub(super) async fn lay(deployment: &Deployment) -> Result<Self, StartFault> {
        let ground = Self::lay_beside(deployment).await?;
        let (clock, data) = (&ground.clock, (deployment.demo, deployment.users.as_slice(), &deployment.bank));
        fixture::seed(&ground.database, data, clock.now(), &*ground.entropy).await?;
        ground.customers.reload(&ground.database).await?;
        Ok(ground)
    }

    /// The same for a process whose data another process of the deployment brings.
    pub(super) async fn lay_beside(deployment: &Deployment) -> Result<Self, StartFault> {
        let test_clock = match deployment.controls {
            TestControls::Present => Some(Arc::new(TestClock::default())),
            TestControls::Absent => None,
        };
        let clock: Arc<dyn Clock> = match &test_clock {
            Some(clock) => clock.clone(),
            None => Arc::new(SystemClock),
        };
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
        let places = DataDir::make(deployment)?;
        // Everything that takes long at a first start, at once.
        let ring = async {
            let database = open(deployment).await?;
            let keys = SigningKeys::all(deployment, &places, (&database, &clock, &entropy)).await?;
            Ok::<_, StartFault>((database, keys))
        };
        let (data, (database, keys)) = tokio::try_join!(load(deployment, clock.now()), ring)?;
        let barred = Barred::open(&database, &clock).await?;
        let customers = Customers::load(&database, HASHES_AT_ONCE, &barred).await?;
        let stored = Arc::new(SqlConsents::new(database.clone()));
        let consent_store: Arc<dyn ConsentStore> = stored.clone();
        let registry = DetailRegistry::standard();
        let mandates = Arc::new(BankMandates::new(database.clone()));
        let consents =
            ConsentEngine::with_mandates(registry, Arc::clone(&consent_store), Arc::clone(&clock), mandates);
        let pages = Arc::new(Pages::new()?);
        let calls = Calls {
            plan: &deployment.calls,
            targets: deployment.outbound(),
            local: data.pki.authority(),
            clock: &clock,
        };
        let (client_keys, courier) = (calls.client_keys()?, calls.courier()?);
        Ok(Self {
            test_clock,
            clock,
            entropy,
            data,
            database,
            keys,
            customers,
            barred,
            consent_store,
            events: stored,
            courier,
            consents,
            pages,
            client_keys,
        })
    }

    /// The ports of one issuer. Clients, keys and pages are its own; the stores are everybody's.
    pub(super) fn ports(
        &self,
        plan: &IssuerPlan,
        (files, keys): (&IssuerFiles, &SigningKeys),
        claims: Arc<dyn Claims>,
    ) -> Ports {
        Ports {
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            clients: Arc::new(OpenClients::new(files.clients.iter().cloned(), plan.issuer(), &self.barred)),
            signer: keys.signer.clone(),
            client_keys: self.client_keys.clone(),
            decrypter: files.decrypter(),
            claims,
            store: Arc::new(SqlStore::new(self.database.clone())),
            details: Arc::new(DetailRegistry::standard()),
            consents: OpeningConsents::new(
                Arc::clone(&self.consents),
                PersonalOpener::new(files.decrypter(), self.client_keys.clone(), plan.policy),
                Arc::clone(&self.clock),
            ),
            interaction: Arc::new(PageInteraction {
                prefix: plan.issuer().path().to_owned(),
                pages: Arc::clone(&self.pages),
            }),
            users: self.customers.clone(),
            audit: Arc::new(LogAudit),
        }
    }

    /// What an operator may open and close, for these clients.
    pub(super) fn doors(&self, clients: Vec<(Issuer, Arc<dyn ClientDirectory>)>) -> Doors {
        Doors {
            barred: Arc::clone(&self.barred),
            clients: clients.into(),
            customers: Arc::clone(&self.customers),
        }
    }

    /// What operators see of consents.
    pub(super) fn operators(&self, deployment: &Deployment) -> Result<Operators, Fault> {
        let own = deployment.issuers.iter().zip(&self.data.issuers);
        let openers = own.map(|(plan, files)| (plan.issuer().clone(), files.decrypter())).collect();
        let payments = PaymentRecords::new(&self.database, openers);
        Operators::new((&self.database, payments), &self.pages, &*self.entropy)
    }

    /// The sealer of the audit trail.
    pub(super) async fn sealer(&self, deployment: &Deployment) -> Result<Sealer, StartFault> {
        let (place, database, clock) =
            (deployment.data_dir.clone(), self.database.clone(), Arc::clone(&self.clock));
        let opened = tokio::task::spawn_blocking(move || Sealer::open(&place, &database, &clock)).await;
        opened.map_err(|_| StartFault::Interrupted)?
    }

    /// Accounts, payments and consents for the APIs.
    pub(super) fn books(&self) -> Books {
        let consents = (Arc::clone(&self.consent_store), Arc::clone(&self.consents));
        Books::open(&self.database, (&self.clock, &self.entropy), consents)
    }

    /// Consents as they are stored.
    pub(super) fn consent_store(&self) -> Arc<dyn ConsentStore> {
        Arc::clone(&self.consent_store)
    }

    /// Replay protection as the deployment asks for it: Redis when named, PostgreSQL when that is the database, otherwise
    /// this process's memory. Its keys cover the issuer, so one serves all.
    pub(super) async fn claims(&self, deployment: &Deployment) -> Result<Arc<dyn Claims>, StartFault> {
        let now = self.clock.now();
        match (&deployment.redis, self.database.engine()) {
            (Some(url), _) => Ok(Arc::new(RedisClaims::connect(url, "mandate", now).await?)),
            (None, Engine::Postgres) => Ok(Arc::new(SqlClaims::new(self.database.clone()))),
            (None, Engine::Sqlite) => {
                // Keys made just now have signed nothing before; keys of the deployment file may have.
                let brought = deployment.issuers.iter().any(|issuer| !issuer.clients.is_empty());
                Ok(Arc::new(match self.data.past {
                    Past::None if !brought => MemoryClaims::without_past(),
                    Past::None | Past::Some => {
                        MemoryClaims::backed(now, Arc::new(SqlClaims::new(self.database.clone())))
                    }
                }))
            }
        }
    }
}

async fn load(deployment: &Deployment, now: Timestamp) -> Result<DataDir, StartFault> {
    let deployment = deployment.clone();
    let loaded = tokio::task::spawn_blocking(move || DataDir::ensure(&deployment, now)).await;
    Ok(loaded.map_err(|_| StartFault::Interrupted)??)
}

/// The database with every table the bank needs.
pub(super) async fn open(deployment: &Deployment) -> Result<Database, StartFault> {
    let database = open_as_it_is(deployment).await?;
    migrate(&database).await?;
    Ok(database)
}

/// The database as it stands, for those who only read.
pub(super) async fn open_as_it_is(deployment: &Deployment) -> Result<Database, StartFault> {
    let url = DatabaseUrl::parse(&deployment.database)
        .map_err(|fault| StartFault::DatabaseUrl(fault.to_string()))?;
    Ok(Database::open(&url).await?)
}

/// Every table the bank needs.
pub(super) async fn migrate(database: &Database) -> Result<(), StartFault> {
    for set in [
        oauth_core::store::sql::migrations(),
        rar_consent::migrations(),
        customers::migrations(),
        sessions::migrations(),
        mandates::migrations(),
        barred::migrations(),
    ] {
        database.migrate(&set).await?;
    }
    SqlBank::migrate(database).await?;
    Ok(())
}

/// Waits until the replay memory covers what is issued from now on: nobody who finds the bank open is refused for having
/// been too early. That takes at most a second, and eleven with a Redis that knows nothing yet.
pub(super) async fn remember(claims: &dyn Claims, clock: &dyn Clock) -> Result<(), Fault> {
    let since = claims.remembers_since(clock.now()).await?;
    let wait = since.millis().saturating_sub(clock.now().millis());
    if let Ok(wait) = u64::try_from(wait) {
        tokio::time::sleep(Duration::from_millis(wait.min(11_000))).await;
    }
    Ok(())
}
