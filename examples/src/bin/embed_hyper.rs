//! The authorization server on plain hyper: your own accept loop, one connection a task.

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use mandate_examples::embed;
use oauth_core::http::OAuthService;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let server = embed::server("http://127.0.0.1:9502", embed::ports(b"[]")?)?;
    let oauth = OAuthService::new(server);
    let listener = TcpListener::bind("127.0.0.1:9502").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(oauth.clone());
        tokio::spawn(async move {
            // Without a timer hyper's header timeout does nothing.
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
}
