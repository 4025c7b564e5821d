//! The command line. What it says wins over the deployment file.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use resource_server::domain::OrganisationKind;

pub use super::deployment::{ConfigFault, Deployment};

use super::audit_command::AuditCommand;
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
    /// Verifies the audit trail, or shows a part of it. Flags that say where the bank lives stand before `audit`.
    Audit {
        /// What to do.
        #[command(subcommand)]
        command: AuditCommand,
    },
}

/// What a bank is in the retirement-account scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Represented {
    /// It keeps retirement accounts.
    Administrator,
    /// It keeps the accounts that contributions come from.
    Institution,
}

impl Represented {
    /// In the words of the scheme.
    #[must_use]
    pub const fn kind(self) -> OrganisationKind {
        match self {
            Self::Administrator => OrganisationKind::PeraAdministrator,
            Self::Institution => OrganisationKind::ContributorInstitution,
        }
    }
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
    /// `redis://…` or `rediss://…`, for replay protection shared by several processes.
    #[arg(long, value_name = "URL")]
    pub redis: Option<String>,
    /// Every DPoP proof must carry a nonce of this server.
    #[arg(long)]
    pub dpop_nonce: bool,
    /// What the bank is in the retirement-account scheme of the Philippines.
    #[arg(long, value_enum)]
    pub represents: Option<Represented>,
    /// Clock, reset and approval at the admin listener, for tests on this machine.
    #[arg(long)]
    pub test_controls: bool,
}
