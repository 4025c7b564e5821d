//! From a host's name to its addresses.

use std::net::IpAddr;

use async_trait::async_trait;

/// Names to addresses. What comes back is judged before anybody connects, so this port need not be trusted.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The addresses of a name, in the order in which they are to be tried.
    ///
    /// # Errors
    /// When the name cannot be resolved.
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 443)).await?.map(|socket| socket.ip()).collect())
    }
}
