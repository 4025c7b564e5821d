//! A third party in the terminal: finds the bank, asks for consent, pays and reads accounts, and checks everything it
//! is told on the way.
//!
//! | Part | Document |
//! |---|---|
//! | [`discovery`] | OpenID Connect Discovery 1.0, RFC 8414 |
//! | [`assertion`], [`proof`] | RFC 7523, RFC 9449 |
//! | [`flow`], [`token`], [`id_token`] | RFC 9126, 7636, 9207, 6749; OpenID Connect Core 1.0 |
//! | [`payment`], [`listen`] | UAE Bank Service Initiation |
//! | [`accounts`], [`contribution`], [`pera`] | OFxPERA |
//! | [`message`] | FAPI 2.0 Message Signing section 5.6, RFC 9421, RFC 9728 |
//!
//! A check that does not hold ends the run with exit code 1 and no further request.

mod accounts;
mod assertion;
mod browser;
mod call;
mod command;
mod config;
mod connect;
mod consents;
mod contribution;
mod discovery;
mod error;
mod flow;
mod forms;
mod headless;
mod http;
mod id_token;
mod introspect;
mod jarm;
mod keys;
mod listen;
mod mask;
mod message;
mod narrate;
mod parties;
mod payment;
mod pera;
mod plan;
mod proof;
mod shop;
mod signed;
mod state;
mod token;
mod v1_2;

use std::collections::HashSet;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use clap::Parser as _;
use oauth_core::jose::JwkSet;
use oauth_core::{Clock, Entropy, SystemClock, SystemEntropy};

pub use command::Command;
pub use introspect::{AskFault, Introspector, ResourceServerKeys, Told};

use self::http::{Channel, Http};
use call::Nonces;
use command::{ConsentOrder, Order};
use config::Config;
use discovery::{Endpoints, Metadata};
use error::Stop;
use keys::{ClientKey, Random};
use message::ResourceKeys;
use narrate::{Narrator, Report};

/// Does what the command line says.
#[must_use]
pub fn command() -> ExitCode {
    let command = Command::parse();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(&command)),
        Err(fault) => {
            drop(writeln!(std::io::stderr(), "tpp: {fault}"));
            ExitCode::from(2)
        }
    }
}

/// Runs one command with the system's clock and random source, and says how it ended: 0 done, 1 stopped for a
/// security reason, 2 anything else.
pub async fn run(command: &Command) -> ExitCode {
    let narrator = Arc::new(command.narrator());
    match execute(command, &narrator).await {
        Ok(report) => {
            narrator.result(&report);
            ExitCode::SUCCESS
        }
        Err(stop) => {
            narrator.result(&Report { value: stop.to_value(), lines: vec![stop.to_string()] });
            stop.exit_code()
        }
    }
}

async fn execute(command: &Command, narrator: &Arc<Narrator>) -> Result<Report, Stop> {
    let common = command.common();
    if let Order::Pera(order) = &command.order {
        return pera::walk(order, narrator).await;
    }
    let mut config = Config::read(&common.data_dir, common.client.as_deref())?;
    config.messages = common.messages();
    let order = &command.order;
    if let Order::Consents { order: None | Some(ConsentOrder::List) } = order {
        return consents::list(&config);
    }
    let tpp = Tpp::meet(config, Arc::clone(narrator)).await?;
    match order {
        Order::Pay(order) => order.via.pay(&tpp, order).await,
        Order::Pera(order) => pera::walk(order, narrator).await,
        Order::Serve => shop::serve(tpp).await,
        Order::Listen(order) => listen::listen(tpp, order).await,
        Order::Accounts(order) => accounts::read(&tpp, order).await,
        Order::Consents { order } => consents::run(&tpp, order.as_ref()).await,
        Order::Refresh { id } => consents::refresh(&tpp, id.as_deref()).await,
    }
}

/// Everything a command works with, after the bank's description of itself has been checked.
pub(crate) struct Tpp {
    config: Config,
    metadata: Metadata,
    endpoints: Endpoints,
    keys: Mutex<JwkSet>,
    client_key: ClientKey,
    nonces: Nonces,
    /// The `jti` of every signed answer of this run.
    answers: Mutex<HashSet<String>>,
    /// The keys of the resource server, where messages are signed.
    resource_keys: Option<ResourceKeys>,
    http: Http,
    narrator: Arc<Narrator>,
    clock: Arc<dyn Clock>,
    random: Random,
}

impl Tpp {
    /// Loads keys, then discovery and key set.
    async fn meet(config: Config, narrator: Arc<Narrator>) -> Result<Self, Stop> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
        let random = Random::new(entropy);
        let client_key = ClientKey::load(&config.client, &random)?;
        let http = Http::new(&config, Arc::clone(&narrator), Arc::clone(&clock))?;
        narrator.step("Discover the bank", "OpenID Connect Discovery 1.0 section 4");
        let metadata = Metadata::fetch(&http, &config).await?;
        narrator.say(&format!("issuer {} is the one configured", metadata.issuer));
        let endpoints = metadata.endpoints(&config.client)?;
        let keys = Mutex::new(metadata.keys(&http).await?);
        let resource_keys = ResourceKeys::fetch(&http, &config).await?;
        Ok(Self {
            config,
            metadata,
            endpoints,
            keys,
            client_key,
            nonces: Nonces::default(),
            answers: Mutex::default(),
            resource_keys,
            http,
            narrator,
            clock,
            random,
        })
    }

    /// Fetches the bank's key set again: it may have new keys since the start.
    async fn learn_keys(&self) -> Result<(), Stop> {
        let keys = self.metadata.keys(&self.http).await?;
        *self.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = keys;
        Ok(())
    }

    /// The connection for endpoints that know this client.
    fn channel(&self) -> Channel {
        if self.config.client.shows_certificate() { Channel::Certificate } else { Channel::Plain }
    }
}

#[cfg(test)]
mod tests;
