//! The bank's signing keys: in the database, sealed under a key that lies in the data directory and nowhere else; or in
//! a device.
//!
//! Several processes over one database share `keys/ring.kek` as they share `keys/server.secret`. To change it, rename it
//! to `ring.kek.previous` at every process and start again: the first one makes a new `ring.kek` (bring it to the
//! others), every private key is sealed anew, and then the previous one can go.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oauth_core::jose::Alg;
use oauth_core::store::database::Database;
use oauth_core::store::keys::{
    KeeperSettings, KeyChange, KeyEncryptionKey, KeyKeeper, KeyMaker, KeyPorts, RingMaker, RingSigner,
    SealedVault,
};
use oauth_core::store::sql::SqlKeyRing;
use oauth_core::{Cause, Clock, Entropy, Fault, Issuer, KeyStage, KeyVault};
use rar_consent::audit::{KeyTrail, Trail};
use zeroize::Zeroizing;

use super::assemble::StartFault;

use super::data_dir::DataFault;
use super::deployment::{Deployment, HsmPlan, IssuerPlan};
use crate::keys::{self, KeyFault};
use crate::serve::Shutdown;

/// The key-encryption key, below the data directory.
const KEK: &str = "keys/ring.kek";
/// The one before it, which still opens.
const KEK_PREVIOUS: &str = "keys/ring.kek.previous";
/// Where bank versions without a ring kept their keys, not encrypted. They are taken in once and removed.
const BEFORE_THE_RING: &[(Alg, &str)] = &[
    (Alg::Es256, "as-es256.pem"),
    (Alg::Ps256, "as-ps256.pem"),
    (Alg::EdDsa, "as-eddsa.pem"),
    (Alg::Rs256, "as-rs256.pem"),
];

/// Between two looks at the ring; short enough that no request has to look.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Between two questions to the schedule.
const TICK_EVERY: Duration = Duration::from_secs(1);
/// After the schedule could not do what is due.
const TICK_AFTER_FAULT: Duration = Duration::from_secs(30);

/// Signer and keeper of one issuer's keys.
#[derive(Debug, Clone)]
pub struct SigningKeys {
    /// Whose keys.
    pub issuer: Issuer,
    /// Signs, and follows the ring.
    pub signer: Arc<RingSigner>,
    /// Moves keys from stage to stage.
    pub keeper: KeyKeeper,
}

/// What the rings of all issuers stand on.
type Base<'a> = (&'a Database, &'a Arc<dyn Clock>, &'a Arc<dyn Entropy>);

impl SigningKeys {
    /// Opens the ring of every issuer, in the order of the deployment; a first start makes their keys. `places` are the
    /// directories of the issuers.
    ///
    /// # Errors
    /// [`StartFault`], naming the file when the key-encryption key does not fit the ring.
    pub async fn all(
        deployment: &Deployment,
        places: &[PathBuf],
        base: Base<'_>,
    ) -> Result<Arc<[Self]>, StartFault> {
        let vault = Vault::open(deployment, base.2).await?;
        let plans = deployment.issuers.iter().zip(places);
        let begun = plans.map(|(plan, place)| Self::begin(plan, place, (&vault, deployment), base));
        Ok(futures_util::future::try_join_all(begun).await?.into())
    }

    async fn begin(
        plan: &IssuerPlan,
        place: &Path,
        (vault, deployment): (&Vault, &Deployment),
        (database, clock, _): Base<'_>,
    ) -> Result<Self, StartFault> {
        let issuer = plan.issuer().clone();
        let ports = KeyPorts {
            issuer: issuer.clone(),
            ring: Arc::new(SqlKeyRing::new(database.clone())),
            vault: vault.port(),
            clock: Arc::clone(clock),
        };
        let settings = KeeperSettings { algs: algs(plan.signing_alg()), times: plan.keys() };
        let trail = KeyTrail::new(Trail::new(database.clone()));
        let keeper = KeyKeeper::new(ports.clone(), settings, Arc::new(trail));
        let taken = match vault {
            Vault::Sealed(vault) => take_in(place, &issuer, vault, &keeper).await?,
            Vault::Device(_) => Vec::new(),
        };
        keeper.begin().await?;
        let fits = |fault: Fault| vault.unfit(deployment, fault);
        keeper.reseal().await.map_err(fits)?;
        let signer = RingSigner::open(ports).await.map_err(fits)?;
        for path in taken {
            remove(&path);
        }
        Ok(Self { issuer, signer, keeper })
    }

    /// Follows the ring and does what the schedule asks for, until `shutdown` begins.
    pub async fn run(self, shutdown: Shutdown) {
        tokio::select! {
            () = shutdown.begun() => {}
            () = self.follow() => {}
            () = self.schedule() => {}
        }
    }

    async fn follow(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(fault) = self.signer.look().await {
                tracing::warn!(%fault, "the signing keys cannot be looked at");
            }
        }
    }

    async fn schedule(&self) {
        let each = self.keeper.each();
        futures_util::future::join_all(each.iter().map(|keeper| self.schedule_of(keeper))).await;
    }

    async fn schedule_of(&self, keeper: &KeyKeeper) {
        loop {
            tokio::time::sleep(TICK_EVERY).await;
            if let Err(fault) = keeper.tick(&self.signer.keys()).await {
                tracing::error!(%fault, "the schedule of the signing keys failed");
                tokio::time::sleep(TICK_AFTER_FAULT).await;
            }
        }
    }
}

/// What an issuer signs with: tokens with its own choice, messages of the payment API with PS256.
fn algs(signing_alg: Alg) -> Vec<Alg> {
    let mut algs = vec![Alg::Es256, Alg::Ps256];
    if !algs.contains(&signing_alg) {
        algs.push(signing_alg);
    }
    algs
}

/// Where the private halves are.
enum Vault {
    /// In the database, sealed.
    Sealed(Arc<SealedVault>),
    /// In a device.
    Device(Arc<dyn KeyVault>),
}

impl Vault {
    async fn open(deployment: &Deployment, entropy: &Arc<dyn Entropy>) -> Result<Self, StartFault> {
        if let Some(hsm) = &deployment.hsm {
            return device(hsm.clone(), Arc::clone(entropy)).await.map(Self::Device);
        }
        let root = deployment.data_dir.clone();
        let [current, previous] = blocking(move || sealing_keys(&root)).await?;
        let none = || DataFault::Unusable {
            path: deployment.data_dir.join(KEK),
            message: "is no key-encryption key".to_owned(),
        };
        let vault = SealedVault::new(
            current.ok_or_else(none)?,
            previous.into_iter().collect(),
            Arc::new(BankMaker(RingMaker::default())),
            Arc::clone(entropy),
        );
        Ok(Self::Sealed(Arc::new(vault)))
    }

    fn port(&self) -> Arc<dyn KeyVault> {
        match self {
            Self::Sealed(vault) => vault.clone(),
            Self::Device(vault) => Arc::clone(vault),
        }
    }

    /// The keys of the ring do not open here.
    fn unfit(&self, deployment: &Deployment, fault: Fault) -> StartFault {
        match self {
            Self::Device(_) => fault.into(),
            Self::Sealed(_) => DataFault::Unusable {
                path: deployment.data_dir.join(KEK),
                message: format!(
                    "{}. The signing keys in the database are sealed under another key than this file holds; bring \
                     back the file that belongs to the database, or start with an empty database",
                    fault.source
                ),
            }
            .into(),
        }
    }
}

#[cfg(feature = "pkcs11")]
async fn device(hsm: HsmPlan, entropy: Arc<dyn Entropy>) -> Result<Arc<dyn KeyVault>, StartFault> {
    let pin_file = hsm.pin_file.clone();
    let pin = blocking(move || keys::read_secret(&pin_file)).await?.map(Zeroizing::new);
    let unusable = || DataFault::Unusable { path: hsm.pin_file.clone(), message: "holds no PIN".to_owned() };
    let pin = pin.ok_or_else(unusable)?;
    let line = pin.strip_suffix(b"\n").unwrap_or(&pin);
    let pin = Zeroizing::new(std::str::from_utf8(line).map_err(|_| unusable())?.to_owned());
    let address = crate::hsm::DeviceAddress { module: hsm.module.clone(), token: hsm.token.clone() };
    let vault =
        tokio::task::spawn_blocking(move || crate::hsm::DeviceVault::open(&address, pin, entropy)).await;
    Ok(Arc::new(vault.map_err(|_| StartFault::Interrupted)??))
}

#[cfg(not(feature = "pkcs11"))]
async fn device(_hsm: HsmPlan, _entropy: Arc<dyn Entropy>) -> Result<Arc<dyn KeyVault>, StartFault> {
    let text = "this bank was built without support for devices: build it with `--features pkcs11`";
    Err(StartFault::IllFormed(text.to_owned()))
}

/// Makes ES256 keys at once, RSA keys on a thread of their own.
struct BankMaker(RingMaker);

#[async_trait]
impl KeyMaker for BankMaker {
    async fn make(&self, alg: Alg) -> Result<Zeroizing<Vec<u8>>, Fault> {
        match alg {
            Alg::Es256 | Alg::EdDsa => self.0.make(alg).await,
            Alg::Ps256 | Alg::Rs256 => {
                let made = tokio::task::spawn_blocking(keys::generate_rsa_der).await;
                made.map_err(|fault| Fault::new("keys", fault))?.map_err(|fault| Fault::new("keys", fault))
            }
        }
    }
}

fn sealing_keys(root: &Path) -> Result<[Option<KeyEncryptionKey>; 2], KeyFault> {
    let random = ring::rand::SystemRandom::new();
    let previous = root.join(KEK_PREVIOUS);
    let previous = match previous.exists() {
        true => Some(keys::ensure_secret32(&previous, &random)?),
        false => None,
    };
    let current = keys::ensure_secret32(&root.join(KEK), &random)?;
    let sealing = |secret: &keys::Secret32| KeyEncryptionKey::new(&Zeroizing::new(*secret.reveal()));
    Ok([sealing(&current), previous.as_ref().and_then(sealing)])
}

/// Takes in the keys that a version without a ring left, and says which files are of no more use.
async fn take_in(
    place: &Path,
    issuer: &Issuer,
    vault: &SealedVault,
    keeper: &KeyKeeper,
) -> Result<Vec<PathBuf>, StartFault> {
    let mut taken = Vec::new();
    for (alg, file) in BEFORE_THE_RING {
        let path = place.join(file);
        let read = path.clone();
        let Some(der) = blocking(move || keys::read_pkcs8(&read)).await? else { continue };
        let new = vault.adopt(issuer, *alg, &der, None)?;
        let known = keeper.list().await?.iter().any(|row| row.kid == new.kid);
        let cause =
            Cause { actor: "start".to_owned(), reason: format!("taken in from {file}, which is removed") };
        let ours = known
            || match keeper.add(&new, KeyStage::Active, &cause).await? {
                KeyChange::Done(_) => true,
                KeyChange::Refused(refusal) => {
                    tracing::warn!(path = %path.display(), %refusal, "this key file is not used; remove it");
                    false
                }
            };
        if ours {
            taken.push(path);
        }
    }
    Ok(taken)
}

fn remove(path: &Path) {
    if let Err(fault) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %fault, "a key file of an earlier version cannot be removed");
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeyFault> + Send + 'static,
) -> Result<T, StartFault> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| StartFault::Interrupted)?;
    Ok(done.map_err(DataFault::from)?)
}
