//! `authorization-server`: authorization server and pages; the APIs are the `resource-server` of the same deployment.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use crate::bank::assemble::{Bank, Parts};
use crate::bank::config::{Deployment, Flags};
use crate::bank::log;

/// The authorization server of a deployment whose APIs are a process of their own.
#[derive(Debug, Parser)]
#[command(name = "authorization-server", version, about)]
struct CommandLine {
    #[command(flatten)]
    flags: Flags,
}

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Does what the command line says.
#[must_use]
pub fn run() -> ExitCode {
    match start(&CommandLine::parse().flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            let _ = writeln!(std::io::stderr(), "authorization-server: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn start(flags: &Flags) -> Outcome {
    log::to_standard_error();
    let deployment = Deployment::read(flags)?.apart();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(&deployment))
}

async fn serve(deployment: &Deployment) -> Outcome {
    let shutdown = Bank::shutdown();
    let signals = shutdown.follow_signals();
    let bank = Bank::prepare(deployment, Parts::AuthorizationServer).await?;
    let mut out = std::io::stdout();
    for issuer in &deployment.issuers {
        writeln!(out, "Issuer {} ({})", issuer.issuer(), issuer.policy.name)?;
    }
    writeln!(out, "The authorization server is open; its APIs are expected at {}.", deployment.api())?;
    bank.run(shutdown).await;
    signals.abort();
    writeln!(out, "The authorization server is closed.")?;
    Ok(())
}
