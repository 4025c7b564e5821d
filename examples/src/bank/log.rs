//! One event per line, as JSON, on standard error.

use tracing_subscriber::EnvFilter;

/// Sets the log of this process up.
pub fn to_standard_error() {
    let filter = EnvFilter::new("warn,audit=info,pages=info");
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
}
