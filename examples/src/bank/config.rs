//! What a deployment chooses: flags on the command line, or the same in one TOML file. Flags win.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use oauth_core::{Client, ClientMetadata, KeyTimes, Policy, Seconds};
use serde::Deserialize;

use super::keys_command::KeysCommand;

/// The reference bank: an authorization server and the APIs behind it, in one process.
#[derive(Debug, Parser)]
#[command(name = "bank", version, about)]
pub struct CommandLine {
    /// What to do; without a command the bank starts.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How the bank runs.
    #[command(flatten)]
    pub flags: Flags,
}

/// Commands besides starting.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reads a deployment file and explains what is wrong with it, without starting anything.
    CheckConfig {
        /// The TOML file.
        file: PathBuf,
    },
    /// Lists, rotates and withdraws signing keys. Flags that say where the bank lives stand before `keys`.
    Keys {
        /// What to do.
        #[command(subcommand)]
        command: KeysCommand,
    },
}

/// Flags; each has a counterpart in the deployment file.
#[derive(Debug, Default, Clone, Args)]
pub struct Flags {
    /// Deployment file (TOML).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where keys, certificates, the database file and the demo clients live.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Port of the browser and API listener (https).
    #[arg(long)]
    pub port: Option<u16>,
    /// Port of the listener that asks for client certificates (https).
    #[arg(long)]
    pub mtls_port: Option<u16>,
    /// Port of the health, metrics and admin listener (http, loopback only).
    #[arg(long)]
    pub admin_port: Option<u16>,
    /// Address the two public listeners bind to.
    #[arg(long)]
    pub bind: Option<IpAddr>,
    /// `sqlite:PATH` or `postgres://…`; without it a file in the data directory.
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// `redis://…`, for replay protection shared by several processes.
    #[arg(long, value_name = "URL")]
    pub redis: Option<String>,
    /// Every DPoP proof must carry a nonce of this server.
    #[arg(long)]
    pub dpop_nonce: bool,
}

/// The deployment file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeploymentFile {
    data_dir: Option<PathBuf>,
    port: Option<u16>,
    mtls_port: Option<u16>,
    admin_port: Option<u16>,
    bind: Option<IpAddr>,
    database: Option<String>,
    redis: Option<String>,
    #[serde(default)]
    dpop_nonce: Option<bool>,
    /// The life of signing keys.
    #[serde(default)]
    keys: KeysTable,
    /// Signing keys in a device.
    hsm: Option<HsmTable>,
    /// Clients besides the demo ones.
    #[serde(default)]
    clients: Vec<ClientMetadata>,
}

/// The table `keys`: how long a signing key stays in each stage of its life. What is left out is as recommended.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysTable {
    /// `max-age` of the key set.
    set_max_age_s: Option<u32>,
    /// In the set before the first signature.
    published_min_s: Option<u32>,
    /// Signing before the schedule brings the next one; 0 leaves that to the operator.
    active_max_s: Option<u32>,
    /// In the set after the last signature.
    retired_min_s: Option<u32>,
}

impl KeysTable {
    fn times(&self) -> KeyTimes {
        let recommended = KeyTimes::recommended();
        let chosen = |seconds: Option<u32>, otherwise| {
            seconds.map_or(otherwise, |seconds| Seconds::new(i64::from(seconds)))
        };
        KeyTimes {
            set_max_age: chosen(self.set_max_age_s, recommended.set_max_age),
            published_min: chosen(self.published_min_s, recommended.published_min),
            active_max: match self.active_max_s {
                None => recommended.active_max,
                Some(0) => None,
                Some(seconds) => Some(Seconds::new(i64::from(seconds))),
            },
            retired_min: chosen(self.retired_min_s, recommended.retired_min),
            ..recommended
        }
    }
}

/// The table `hsm`: signing keys are made and used in a device that speaks PKCS #11.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HsmTable {
    /// The vendor's library.
    pub module: PathBuf,
    /// The label of the token.
    pub token: String,
    /// A file that holds the PIN in its only line, readable by its owner only.
    pub pin_file: PathBuf,
}

/// A complete deployment.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Where everything lives.
    pub data_dir: PathBuf,
    /// Where the two public listeners bind.
    pub bind: IpAddr,
    /// Browser and API listener.
    pub port: u16,
    /// Listener that asks for client certificates.
    pub mtls_port: u16,
    /// Health, metrics and admin listener.
    pub admin_port: u16,
    /// Database URL.
    pub database: String,
    /// Redis URL.
    pub redis: Option<String>,
    /// Whether proofs need a nonce.
    pub proof_nonce: oauth_core::ProofNonce,
    /// How long a signing key stays in each stage of its life.
    pub keys: KeyTimes,
    /// The device in which signing keys are made and used; without one they are sealed in the database.
    pub hsm: Option<HsmTable>,
    /// Clients besides the demo ones.
    pub clients: Vec<ClientMetadata>,
}

/// Why a deployment cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFault {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what it should be; the text names line and member.
    #[error("{}: {message}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// Line, member and what to change.
        message: String,
    },
    /// A client that cannot be registered.
    #[error("client {client}: {message}")]
    Client {
        /// Which one.
        client: String,
        /// Every member that is wrong, and what to change.
        message: String,
    },
    /// Two listeners on one port.
    #[error("port {0} is given to two listeners; each needs its own")]
    SamePort(u16),
}

impl Deployment {
    /// Puts flags, file and defaults together.
    ///
    /// # Errors
    /// [`ConfigFault`], naming file, line and member.
    pub fn read(flags: &Flags) -> Result<Self, ConfigFault> {
        let file = match &flags.config {
            Some(path) => read_file(path)?,
            None => DeploymentFile::default(),
        };
        let data_dir =
            flags.data_dir.clone().or(file.data_dir).unwrap_or_else(|| PathBuf::from("mandate-data"));
        let database = flags.database.clone().or(file.database);
        let nonce = flags.dpop_nonce || file.dpop_nonce.unwrap_or_default();
        let deployment = Self {
            bind: flags.bind.or(file.bind).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port: flags.port.or(file.port).unwrap_or(8443),
            mtls_port: flags.mtls_port.or(file.mtls_port).unwrap_or(8444),
            admin_port: flags.admin_port.or(file.admin_port).unwrap_or(9400),
            database: database
                .unwrap_or_else(|| format!("sqlite:{}", data_dir.join("bank.sqlite").display())),
            redis: flags.redis.clone().or(file.redis),
            proof_nonce: if nonce { oauth_core::ProofNonce::Require } else { oauth_core::ProofNonce::Off },
            keys: file.keys.times(),
            hsm: file.hsm,
            clients: file.clients,
            data_dir,
        };
        deployment.check()
    }

    /// Registers every client of the deployment file and throws the registrations away.
    ///
    /// # Errors
    /// [`ConfigFault::Client`] for the first client that the policy does not take, with everything that is wrong with it.
    pub fn check_clients(&self, policy: &'static Policy) -> Result<(), ConfigFault> {
        for metadata in &self.clients {
            Client::register(metadata.clone(), policy).map_err(|wrong| ConfigFault::Client {
                client: metadata.client_id.to_string(),
                message: wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            })?;
        }
        Ok(())
    }

    fn check(self) -> Result<Self, ConfigFault> {
        let mut ports = [self.port, self.mtls_port, self.admin_port];
        ports.sort_unstable();
        match ports.iter().zip(ports.iter().skip(1)).find(|(one, next)| one == next) {
            Some((port, _)) => Err(ConfigFault::SamePort(*port)),
            None => Ok(self),
        }
    }

    /// The issuer: where browsers and clients find this bank.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The origin of the listener that asks for client certificates.
    #[must_use]
    pub fn mtls_origin(&self) -> String {
        format!("https://localhost:{}", self.mtls_port)
    }

    /// Where a listener binds.
    #[must_use]
    pub const fn address(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.bind, port)
    }
}

fn read_file(path: &Path) -> Result<DeploymentFile, ConfigFault> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigFault::File { path: path.to_owned(), source })?;
    toml::from_str(&text)
        .map_err(|fault| ConfigFault::Content { path: path.to_owned(), message: fault.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_anything_said_the_bank_lives_in_mandate_data_on_sqlite() {
        let deployment = Deployment::read(&Flags::default()).unwrap();
        assert_eq!(deployment.issuer(), "https://localhost:8443");
        assert_eq!(deployment.database, "sqlite:mandate-data/bank.sqlite");
    }

    #[test]
    fn a_client_with_a_shared_secret_is_named_with_what_to_change() {
        let text = "[[clients]]\nclient_id = \"x\"\norganisation = { name = \"X\", id = \"x\", domain = \"x.example\" }\n\
                    token_endpoint_auth_method = \"client_secret_basic\"\n";
        let file = std::env::temp_dir().join(format!("clients-{}.toml", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let deployment = Deployment::read(&Flags { config: Some(file.clone()), ..Flags::default() }).unwrap();
        std::fs::remove_file(file).unwrap();
        let fault = deployment.check_clients(&oauth_core::FAPI2_SECURITY).unwrap_err().to_string();
        assert!(fault.contains("client x") && fault.contains("private_key_jwt"), "{fault}");
    }

    #[test]
    fn two_listeners_on_one_port_are_refused() {
        let flags = Flags { port: Some(9400), ..Flags::default() };
        assert!(matches!(Deployment::read(&flags), Err(ConfigFault::SamePort(9400))));
    }

    #[test]
    fn an_unknown_member_of_the_file_is_named_with_its_line() {
        let file = std::env::temp_dir().join(format!("deployment-{}.toml", std::process::id()));
        std::fs::write(&file, "port = 8443\nprot = 1\n").unwrap();
        let fault = Deployment::read(&Flags { config: Some(file.clone()), ..Flags::default() })
            .unwrap_err()
            .to_string();
        std::fs::remove_file(file).unwrap();
        assert!(fault.contains("line 2") && fault.contains("prot"), "{fault}");
    }
}
