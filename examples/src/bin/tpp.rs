//! A third party in the terminal. Everything is in [`mandate_examples::tpp`].

use std::process::ExitCode;

fn main() -> ExitCode {
    mandate_examples::tpp::command()
}
