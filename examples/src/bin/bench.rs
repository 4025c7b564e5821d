//! Measures the authorization server on this machine: `bench --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mandate_examples::bench::command()
}
