//! What a token is bound to: a DPoP key or a client certificate.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::policy::Constraint;

/// A SHA-256, in base64url on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Thumbprint([u8; 32]);

/// Text that is not 43 characters of canonical base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 in base64url")]
pub struct NotAThumbprint;

impl Thumbprint {
    /// From the 32 bytes of the hash.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// SHA-256 of these bytes: `x5t#S256` of a DER certificate (RFC 8705 section 3.1), `ath` of a token.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
        Self(hash)
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// When it is not 43 characters of canonical base64url.
    pub fn parse(text: &str) -> Result<Self, NotAThumbprint> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAThumbprint)?;
        Ok(Self(bytes.try_into().map_err(|_| NotAThumbprint)?))
    }

    /// The bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The text form.
    #[must_use]
    pub fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl TryFrom<String> for Thumbprint {
    type Error = NotAThumbprint;
    fn try_from(text: String) -> Result<Self, NotAThumbprint> {
        Self::parse(&text)
    }
}

impl From<Thumbprint> for String {
    fn from(thumbprint: Thumbprint) -> Self {
        thumbprint.to_text()
    }
}

/// What a token is bound to, and its `cnf` claim (RFC 7800).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Binding {
    /// `jkt`: the thumbprint of a DPoP key (RFC 9449 section 6.1).
    #[serde(rename = "jkt")]
    Dpop(Thumbprint),
    /// `x5t#S256`: the hash of a client certificate (RFC 8705 section 3.1).
    #[serde(rename = "x5t#S256")]
    Mtls(Thumbprint),
}

impl Binding {
    /// Which way of binding this is.
    #[must_use]
    pub const fn constraint(self) -> Constraint {
        match self {
            Self::Dpop(_) => Constraint::Dpop,
            Self::Mtls(_) => Constraint::Mtls,
        }
    }

    /// `token_type` of the token answer (RFC 6749 section 7.1, RFC 9449 section 5).
    #[must_use]
    pub const fn token_type(self) -> &'static str {
        match self {
            Self::Dpop(_) => "DPoP",
            Self::Mtls(_) => "Bearer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_confirmation_claim_has_the_registered_member_names() {
        let thumbprint = Thumbprint::of(b"key");
        let jkt = serde_json::to_value(Binding::Dpop(thumbprint)).unwrap();
        assert_eq!(jkt["jkt"], thumbprint.to_text());
        let x5t = serde_json::to_value(Binding::Mtls(thumbprint)).unwrap();
        assert_eq!(x5t["x5t#S256"], thumbprint.to_text());
    }

    #[test]
    fn a_thumbprint_with_stray_bits_or_padding_is_refused() {
        let text = Thumbprint::of(b"key").to_text();
        assert!(Thumbprint::parse(&text).is_ok());
        assert!(Thumbprint::parse(&format!("{text}=")).is_err());
        assert!(Thumbprint::parse(&text[..42]).is_err());
    }
}
