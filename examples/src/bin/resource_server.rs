//! `resource-server`: the bank's APIs; tokens come from the `authorization-server` of the same deployment.

use std::process::ExitCode;

fn main() -> ExitCode {
    mandate_examples::command::resource_server::run()
}
