//! Measures the authorization server on this machine: `bench --help`.

use std::process::ExitCode;

use clap::Parser as _;
use mandate_examples::bench::{Arguments, run};

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            use std::io::Write as _;
            drop(writeln!(std::io::stderr(), "bench: {failed}"));
            ExitCode::FAILURE
        }
    }
}
