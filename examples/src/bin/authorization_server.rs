//! `authorization-server`: authorization server and pages; the APIs are the `resource-server` of the same deployment.

use std::process::ExitCode;

fn main() -> ExitCode {
    mandate_examples::command::authorization_server::run()
}
