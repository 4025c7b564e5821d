//! `resource-server`: the bank's APIs; tokens come from the `authorization-server` of the same deployment.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use crate::bank::config::{Deployment, Flags};
use crate::bank::log;
use crate::bank::resource::ResourceServer;

/// The APIs of a deployment whose authorization server is a process of its own. The flags are those of the deployment;
/// ports of this process come from `[resource_server]` or from the flags below.
#[derive(Debug, Parser)]
#[command(name = "resource-server", version, about)]
struct CommandLine {
    #[command(flatten)]
    flags: Flags,
    /// Port of the API listener (https).
    #[arg(long)]
    api_port: Option<u16>,
    /// Port of the API listener that asks for client certificates (https).
    #[arg(long)]
    api_mtls_port: Option<u16>,
    /// Port of the health and metrics listener (http, loopback only).
    #[arg(long)]
    api_admin_port: Option<u16>,
}

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Does what the command line says.
#[must_use]
pub fn run() -> ExitCode {
    match start(&CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            let _ = writeln!(std::io::stderr(), "resource-server: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn start(line: &CommandLine) -> Outcome {
    log::to_standard_error();
    let mut deployment = Deployment::read(&line.flags)?.apart();
    let own = &mut deployment.resource_server;
    own.port = line.api_port.unwrap_or(own.port);
    own.mtls_port = line.api_mtls_port.unwrap_or(own.mtls_port);
    own.admin_port = line.api_admin_port.unwrap_or(own.admin_port);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(&deployment))
}

async fn serve(deployment: &Deployment) -> Outcome {
    let shutdown = ResourceServer::shutdown();
    let signals = shutdown.follow_signals();
    let server = ResourceServer::prepare(deployment).await?;
    let mut out = std::io::stdout();
    writeln!(out, "The resource server is open at {}.", deployment.api())?;
    server.run(shutdown).await;
    signals.abort();
    writeln!(out, "The resource server is closed.")?;
    Ok(())
}
