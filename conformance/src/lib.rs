//! The self-test: an outsider's tool box for the reference bank.
//!
//! Nothing here shares code with the server. Signatures are made and checked by josekit over OpenSSL, so that the
//! two sides cannot agree on the same mistake. The tests themselves stand in `tests/`.
//!
//! - [`services`]: private PostgreSQL, Redis and chromedriver, started for real
//! - [`bank`]: the reference bank as a child process
//! - [`client`], [`html`], [`user`]: HTTPS, forms in pages, and a person who fills them in
//! - [`tpp`]: an honest client that can make one named mistake
//! - [`browser`]: headless Chromium
//! - [`runner`]: the FAPI 2.0 plans against any issuer; [`suite_config`]: files for the public suite
//! - [`ledger`], [`matrix`]: every demand with its code and tests, and rule by endpoint by policy

pub mod bank;
pub mod browser;
pub mod client;
pub mod host;
pub mod html;
pub mod ledger;
pub mod matrix;
pub mod process;
pub mod runner;
pub mod services;
pub mod suite_config;
pub mod tpp;
mod trouble;
pub mod user;

pub use trouble::{Doing, Trouble};
