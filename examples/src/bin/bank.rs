//! `bank`: starts the reference bank. See `bank --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mandate_examples::command::bank::run()
}
