//! How a letter travels.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use oauth_core::HttpsUrl;

/// One `POST` to a third party.
#[derive(Clone)]
pub struct Letter {
    /// Where to.
    pub url: HttpsUrl,
    /// Header fields.
    pub headers: HeaderMap,
    /// The content.
    pub body: Bytes,
}

// The credentials and the content are for its reader only.
impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// Sends letters to servers that third parties name: it must reach no address inside (section 11.1), follow no redirect,
/// and end within five seconds, two of them for the connection (section 11.2). Called by the worker, once an attempt.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Sends it once and answers with the status, where the answer has no content.
    async fn send(&self, letter: &Letter) -> Result<StatusCode, Undelivered>;
}

/// Why there is no answer, or none without content. For the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undelivered(pub String);

/// The guarded client, with the times of section 11.2 as its settings:
/// [`OutboundSettings::for_webhooks`](oauth_core::fetch::OutboundSettings::for_webhooks).
#[cfg(feature = "fetch")]
#[async_trait]
impl Courier for oauth_core::fetch::Outbound {
    async fn send(&self, letter: &Letter) -> Result<StatusCode, Undelivered> {
        let outgoing = oauth_core::fetch::Outgoing {
            method: http::Method::POST,
            url: &letter.url,
            headers: letter.headers.clone(),
            body: letter.body.clone(),
            answer_bytes: 0,
        };
        let answered = self.call(outgoing).await.map_err(|fault| Undelivered(fault.to_string()))?;
        Ok(answered.status)
    }
}
