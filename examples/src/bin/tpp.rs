//! A third party in the terminal. Everything is in [`mandate_examples::tpp`].

use std::process::ExitCode;

use clap::Parser as _;
use mandate_examples::tpp::{self, Command};

#[tokio::main]
async fn main() -> ExitCode {
    tpp::run(&Command::parse()).await
}
