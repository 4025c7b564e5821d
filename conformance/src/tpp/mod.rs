//! An honest client that can make one named mistake.
//!
//! - [`keys`]: signing keys, from files or fresh; [`jws`]: a token before and after it is signed
//! - [`assertion`], [`proof`], [`request_object`]: the three tokens a client signs
//! - [`mutate`]: the mistakes, made before or while signing
//! - [`config`]: `tpp.toml`; [`flow`]: the requests from discovery to the bank's API
//! - [`verify`]: what the server signed, checked with its published keys
//!
//! ```no_run
//! # async fn story() -> Result<(), conformance::Trouble> {
//! use conformance::tpp::flow::{Ask, Tpp};
//! use conformance::tpp::mutate::{HONEST, Jws, Part, set};
//! use conformance::user::{Decision, User};
//!
//! let tpp = Tpp::load("mandate-data/tpp/tpp.toml".as_ref(), None).await?;
//! let ask = Ask::new("openid accounts");
//! let refused = tpp.push(&ask, &[set(Part::Claims(Jws::Assertion), "aud", "https://elsewhere.example")]).await?;
//! assert_eq!(refused.error().as_deref(), Some("invalid_client"));
//! let tokens = tpp.grant(&ask, &User::new("amal", "secret"), &Decision::Approve).await?;
//! let accounts = tpp.get("https://localhost:8443/accounts", &tokens.access, HONEST).await?;
//! # drop(accounts); Ok(())
//! # }
//! ```

mod ask;
pub mod assertion;
pub mod config;
pub mod flow;
pub mod jws;
pub mod keys;
pub mod mistakes;
pub mod mutate;
pub mod proof;
pub mod request_object;
pub mod verify;
