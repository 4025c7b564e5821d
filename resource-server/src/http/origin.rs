//! Where callers find this server.

use std::sync::Arc;

/// Scheme, host and port as callers see them: the start of `htu` and of links. From configuration, never from `Host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Arc<str>);

/// A text that is not `https://host[:port]`, or `http` on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an origin: https://host[:port] without a path")]
pub struct NotAnOrigin;

impl Origin {
    /// Reads `https://host[:port]`, without a slash at its end.
    ///
    /// # Errors
    /// [`NotAnOrigin`].
    pub fn new(text: &str) -> Result<Self, NotAnOrigin> {
        let host =
            text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(NotAnOrigin)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(allowed) {
            return Err(NotAnOrigin);
        }
        Ok(Self(Arc::from(text)))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
