//! `bank`: starts the reference bank. See `bank --help`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::bank::assemble::{Bank, Parts};
use crate::bank::audit_command::{self, AuditCommand};
use crate::bank::config::{Command, CommandLine, Deployment, Flags};
use crate::bank::deployment::DemoData;
use crate::bank::keys_command::{self, KeysCommand};
use crate::bank::{fixture, log};

/// Does what the command line says.
#[must_use]
pub fn run() -> ExitCode {
    let line = CommandLine::parse();
    let outcome = match line.command {
        Some(Command::CheckConfig { file }) => check(&Flags { config: Some(file), ..line.flags }),
        Some(Command::Keys { command }) => keys(&line.flags, command),
        Some(Command::Audit { command }) => audit(&line.flags, command),
        None => start(&line.flags),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            let _ = writeln!(std::io::stderr(), "bank: {fault}");
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

fn check(flags: &Flags) -> Outcome {
    let deployment = Deployment::read(flags)?;
    for issuer in &deployment.issuers {
        writeln!(std::io::stdout(), "{} ({})", issuer.issuer(), issuer.policy.name)?;
    }
    writeln!(std::io::stdout(), "This bank can run it.")?;
    Ok(())
}

fn keys(flags: &Flags, command: KeysCommand) -> Outcome {
    log::to_standard_error();
    let deployment = Deployment::read(flags)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(keys_command::run(&deployment, command))
}

fn audit(flags: &Flags, command: AuditCommand) -> Outcome {
    log::to_standard_error();
    let deployment = Deployment::read(flags)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(audit_command::run(&deployment, command))
}

fn start(flags: &Flags) -> Outcome {
    log::to_standard_error();
    let deployment = Deployment::read(flags)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(&deployment))
}

async fn serve(deployment: &Deployment) -> Outcome {
    let shutdown = Bank::shutdown();
    let signals = shutdown.follow_signals();
    let bank = Bank::prepare(deployment, Parts::Whole).await?;
    announce(deployment)?;
    bank.run(shutdown).await;
    signals.abort();
    writeln!(std::io::stdout(), "The bank is closed.")?;
    Ok(())
}

fn announce(deployment: &Deployment) -> std::io::Result<()> {
    let data = deployment.data_dir.display();
    let tpp = if deployment.data_dir.as_os_str() == "mandate-data" {
        "cargo run --release --bin tpp -- pay".to_owned()
    } else {
        format!("cargo run --release --bin tpp -- pay --data-dir {data}")
    };
    let mut out = std::io::stdout();
    writeln!(out, "The bank is open.\n")?;
    for issuer in &deployment.issuers {
        writeln!(out, "  Issuer             {}   ({})", issuer.issuer(), issuer.policy.name)?;
    }
    writeln!(
        out,
        "  For certificates   {mtls}\n  \
         For operators      http://127.0.0.1:{admin}/health\n  \
         Data               {data}   (delete it to begin anew)",
        mtls = deployment.mtls_origin(),
        admin = deployment.listeners.admin_port,
    )?;
    if deployment.demo != DemoData::None {
        writeln!(
            out,
            "\n  Demo customers     {first} / {password}\n                     {second} / {password}\n  \
             Third parties      palm-books (private_key_jwt, DPoP), luzon-bank (tls_client_auth, mTLS); keys in \
             {data}/tpp\n\nNext, in another terminal:\n\n  {tpp}",
            first = fixture::DEMO_USERNAME,
            second = fixture::SECOND_USERNAME,
            password = fixture::DEMO_PASSWORD,
        )?;
    }
    writeln!(out, "\nCtrl-C closes the bank.")
}
