//! The reference bank from outside: the real binary over real TLS, with requests signed by another implementation of
//! JOSE. One module per document; every test states one fact and changes an honest flow in one place.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this binary is tests"
)]

mod attacks;
mod browser;
mod certificates;
mod contributions;
mod controls;
mod deployment;
mod encryption;
mod events;
mod fapi2_security;
mod floods;
mod hsm;
mod issuers;
mod keys;
mod kills;
mod messages;
mod oidc;
mod payment_initiation;
mod pera;
mod processes;
mod races;
mod restart;
mod rfc6749;
mod rfc7009;
mod rfc7523;
mod rfc7591;
mod rfc7636;
mod rfc7662;
mod rfc8414;
mod rfc8705;
mod rfc9068;
mod rfc9126;
mod rfc9449;
mod scheme;
mod sealed_answers;
mod shop;
mod split;
mod stories;
mod support;
mod trail;
mod uae_approvals;
mod uae_ends;
mod uae_v1_2;
mod variants;
