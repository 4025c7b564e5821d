//! The authorization server as one `tower_service::Service` (feature `http`).
//!
//! The service depends on `http`, `http-body`, `bytes` and `tower-service` and on no server or router: mount it in
//! axum with `fallback_service`, in hyper through `TowerToHyperService`, or in any tower stack. The acceptor says
//! which listener was reached and which certificate was shown by request extensions: [`ExternalOrigin`] and
//! [`PeerCertificate`](crate::PeerCertificate). Nothing is ever taken from `Host` or from a forwarding header.

mod answer;
mod body;
mod routes;
mod service;

pub use answer::returning;
pub use service::{BROWSER_COOKIE, OAuthService, cookie};

use std::sync::Arc;

/// Scheme, host and port of the listener that was reached, as the outside world names it. Set as a request extension
/// by the acceptor; without it the origin of the issuer is assumed. DPoP proofs are compared with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalOrigin(pub Arc<str>);
