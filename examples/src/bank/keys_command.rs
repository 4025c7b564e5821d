//! `bank keys`: the operator's calls about signing keys, straight at the database. Every running bank over it follows
//! within a second; none needs to run.

use std::io::Write as _;
use std::sync::Arc;

use clap::Subcommand;
use oauth_core::jose::Alg;
use oauth_core::store::keys::{KeyChange, KeyKeeper};
use oauth_core::{
    Cause, Clock, Entropy, Haste, KeyId, KeyRefusal, KeyStage, SystemClock, SystemEntropy, Timestamp,
};

use super::config::Deployment;
use super::data_dir::DataDir;
use super::ground;
use super::key_admin::{self, text};
use super::signing_keys::SigningKeys;

/// What to do with the signing keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Lists every key: name, algorithm, stage, since when, until when.
    List,
    /// Takes the next step of a rotation: publishes a successor, or lets the one that was seen by everybody sign.
    Rotate {
        /// `ES256` or `PS256`.
        alg: String,
        /// Whose; otherwise the first issuer's.
        #[arg(long)]
        issuer: Option<String>,
        /// Who asks.
        #[arg(long)]
        actor: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Takes a key out of the key set at once: everything it signed is refused from now on.
    Withdraw {
        /// Its name in the key set.
        kid: String,
        /// Who asks.
        #[arg(long)]
        actor: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// What a command may end with.
type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Does it and says what happened.
///
/// # Errors
/// When the database or the keys cannot be opened, or the life of the key does not allow it.
pub async fn run(deployment: &Deployment, command: KeysCommand) -> Outcome {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
    let places = DataDir::make(deployment)?;
    let database = ground::open(deployment).await?;
    let keys = SigningKeys::all(deployment, &places, (&database, &clock, &entropy)).await?;
    let change = match command {
        KeysCommand::List => return list(&keys).await,
        KeysCommand::Rotate { alg, issuer, actor, reason } => {
            let alg = Alg::parse(&alg).ok_or("the algorithm is ES256 or PS256")?;
            let wanted =
                |own: &&SigningKeys| issuer.as_ref().is_none_or(|issuer| own.issuer.as_str() == issuer);
            let own = keys.iter().find(wanted).ok_or("there is no such issuer")?;
            rotate(&own.keeper, alg, &Cause { actor, reason }, clock.now()).await?
        }
        KeysCommand::Withdraw { kid, actor, reason } => {
            let own = key_admin::owner(&keys, &kid).await?.ok_or("there is no key of this name")?;
            own.keeper.withdraw(&KeyId::new(&kid)?, &Cause { actor, reason }).await?
        }
    };
    database.close().await;
    match change {
        KeyChange::Refused(refusal) => Err(refusal.into()),
        KeyChange::Done(events) => {
            let mut out = std::io::stdout();
            for event in events {
                let stage = |stage: Option<KeyStage>| stage.map_or("nothing", KeyStage::as_str);
                writeln!(out, "{}: {} -> {}", event.kid, stage(event.from), stage(event.to))?;
            }
            Ok(())
        }
    }
}

async fn list(keys: &[SigningKeys]) -> Outcome {
    let mut out = std::io::stdout();
    for own in keys {
        writeln!(out, "{}", own.issuer)?;
        for row in own.keeper.list().await? {
            let until = row.until.map_or_else(|| "-".to_owned(), text);
            let (alg, stage, since) = (row.alg.as_str(), row.stage.as_str(), text(row.since));
            writeln!(out, "  {:24} {alg:6} {stage:10} since {since}  until {until}", row.kid.as_str())?;
        }
    }
    Ok(())
}

async fn rotate(
    keeper: &KeyKeeper,
    alg: Alg,
    cause: &Cause,
    now: Timestamp,
) -> Result<KeyChange, oauth_core::Fault> {
    let rows = keeper.list().await?;
    match rows.into_iter().find(|row| row.alg == alg && row.stage == KeyStage::Published) {
        None => keeper.publish(alg, cause).await,
        Some(next) => match next.until {
            Some(ready) if ready > now => Ok(KeyChange::Refused(KeyRefusal::TooEarly(ready))),
            Some(_) | None => keeper.activate(&next.kid, Haste::Orderly, cause).await,
        },
    }
}
