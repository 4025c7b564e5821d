//! A bank's own route behind the resource-server guard: the token, its binding, the scope and the consent are checked
//! before the handler runs, and the handler learns who may do what.

use std::sync::Arc;

use axum::routing::get;
use axum::{Extension, Router};
use mandate_examples::embed;
use oauth_core::http::OAuthService;
use oauth_core::{Entropy as _, FAPI2_SECURITY, Issuer, ProofNonce, ServerSecret, SystemEntropy};
use oauth_core::{TokenVerifier, VerifierSettings};
use rar_consent::{ConsentStore, MemoryConsents};
use resource_server::guard::{
    Authentication, Authority, Body, Guard, GuardLayer, GuardPorts, IN_FORCE, Needs, Retry, Scoped, TokenKind,
};
use resource_server::http::Origin;

const ORIGIN: &str = "http://127.0.0.1:9504";

/// What the route demands, as data.
const NEEDS: Needs = Needs {
    token: TokenKind::Either,
    scope: &[Scoped::Value("accounts")],
    authentication: Authentication::ANY,
    standing: IN_FORCE,
    permission: None,
    body: Body::None,
    retry: Retry::None,
};

/// Runs only for callers who brought what [`NEEDS`] says.
async fn points(Extension(authority): Extension<Authority>) -> String {
    let points = authority.client.id.as_str().len() * 100;
    format!("{} has {points} loyalty points\n", authority.client.organisation.name)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let ports = embed::ports(b"[]")?;
    let settings = VerifierSettings {
        issuer: Issuer::new(ORIGIN)?,
        policy: &FAPI2_SECURITY,
        audience: format!("{ORIGIN}/api"),
        proof_nonce: ProofNonce::Off,
        secret: ServerSecret::new(SystemEntropy::default().draw()?),
    };
    let consents: Arc<dyn ConsentStore> = Arc::new(MemoryConsents::default());
    let verifier = TokenVerifier::new(settings, &ports);
    let guard = Arc::new(Guard::new(verifier, &FAPI2_SECURITY, GuardPorts::new(&ports, consents)));

    let own = Router::new().route("/loyalty", get(points)).layer(GuardLayer::new(
        guard,
        Origin::new(ORIGIN)?,
        NEEDS,
    ));
    let app = own.fallback_service(OAuthService::new(embed::server(ORIGIN, ports)?));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9504").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
