//! The authorization server inside an axum application: the bank's own routes first, everything else to OAuth.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mandate_examples::embed;
use oauth_core::http::{BROWSER_COOKIE, OAuthService, cookie, returning};
use oauth_core::{
    Approval, Authentication, AuthorizationServer, Outcome, ResumeSubmitted, Return, Subject, SystemClock,
};
use oauth_core::{Clock as _, Error};
use std::sync::Arc;

type Server = Arc<AuthorizationServer>;

#[derive(serde::Deserialize)]
struct Arriving {
    ticket: String,
}

/// Your login and consent pages go here. They end by telling the server what the customer decided; this example has a
/// single customer who is always signed in and always agrees.
async fn login(
    State(server): State<Server>,
    Query(arriving): Query<Arriving>,
    headers: HeaderMap,
) -> Response {
    match decide(&server, &arriving.ticket, cookie(&headers, BROWSER_COOKIE)).await {
        Ok(back) => returning(&back).map(axum::body::Body::new),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

async fn decide(
    server: &AuthorizationServer,
    ticket: &str,
    browser: Option<String>,
) -> Result<Return, Error> {
    let waiting = server.waiting(ticket, browser.as_deref()).await?;
    let subject = Subject::new("customer-1").map_err(|fault| oauth_core::Fault::new("login", fault))?;
    let authentication = Authentication {
        at: SystemClock.now(),
        acr: "urn:example:password".to_owned(),
        amr: vec!["pwd".to_owned()],
    };
    let approval =
        Approval { subject, authentication, scope: waiting.request.scope, accounts: Vec::new(), shown: None };
    let outcome = Outcome::Approved(approval);
    let submitted = ResumeSubmitted { ticket: ticket.to_owned(), browser, outcome };
    server.resume(submitted, &server.fresh_correlation()?).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let server = embed::server("http://127.0.0.1:9501", embed::ports(b"[]")?)?;
    let oauth = OAuthService::new(Arc::clone(&server));
    let app = Router::new()
        .route("/login", get(login))
        .route("/about", get(|| async { "A bank's own page." }))
        .with_state(server)
        .fallback_service(oauth);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9501").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
