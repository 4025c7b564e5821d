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

pub mod bank;
pub mod browser;
pub mod client;
pub mod host;
pub mod html;
pub mod ledger;
pub mod process;
pub mod services;
pub mod tpp;
mod trouble;
pub mod user;

pub use trouble::{Doing, Trouble};
