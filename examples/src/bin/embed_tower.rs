//! The authorization server in a tower stack: layers around it, and no HTTP server at all. Here a layer counts
//! requests, and the stack is called in process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use mandate_examples::embed;
use oauth_core::http::OAuthService;
use tower::{ServiceBuilder, ServiceExt as _};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let server = embed::server("https://bank.example", embed::ports(b"[]")?)?;
    let seen = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&seen);
    let stack = ServiceBuilder::new()
        .map_request(move |request: Request<Full<Bytes>>| {
            counter.fetch_add(1, Ordering::Relaxed);
            request
        })
        .service(OAuthService::new(server));

    let request = Request::get("/.well-known/oauth-authorization-server").body(Full::new(Bytes::new()))?;
    let answer = stack.oneshot(request).await?;
    let metadata = answer.into_body().collect().await?.to_bytes();
    let text = format!("{} request, {} bytes of metadata\n", seen.load(Ordering::Relaxed), metadata.len());
    tokio::io::AsyncWriteExt::write_all(&mut tokio::io::stdout(), text.as_bytes()).await?;
    Ok(())
}
