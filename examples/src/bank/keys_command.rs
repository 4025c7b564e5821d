//! `bank keys`: the operator's calls about signing keys, straight at the database. Every running bank over it follows
//! within a second; none needs to run.

use std::io::Write as _;

use clap::Subcommand;
use oauth_core::jose::Alg;
use oauth_core::store::keys::{KeyChange, KeyKeeper};
use oauth_core::{
    Cause, Clock, Entropy, Haste, KeyId, KeyRefusal, KeyStage, SystemClock, SystemEntropy, Timestamp,
};

use std::sync::Arc;

use super::assemble;
use super::config::Deployment;
use super::key_admin::text;
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
    let database = assemble::open(deployment).await?;
    let keeper = SigningKeys::begin(deployment, &database, &clock, &entropy).await?.keeper;
    let change = match command {
        KeysCommand::List => return list(&keeper).await,
        KeysCommand::Rotate { alg, actor, reason } => {
            let alg = Alg::parse(&alg).ok_or("the algorithm is ES256 or PS256")?;
            rotate(&keeper, alg, &Cause { actor, reason }, clock.now()).await?
        }
        KeysCommand::Withdraw { kid, actor, reason } => {
            keeper.withdraw(&KeyId::new(&kid)?, &Cause { actor, reason }).await?
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

async fn list(keeper: &KeyKeeper) -> Outcome {
    let mut out = std::io::stdout();
    for row in keeper.list().await? {
        let until = row.until.map_or_else(|| "-".to_owned(), text);
        let (alg, stage) = (row.alg.as_str(), row.stage.as_str());
        writeln!(out, "{:24} {alg:6} {stage:10} since {}  until {until}", row.kid.as_str(), text(row.since))?;
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
