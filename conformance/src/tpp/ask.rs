//! What a client asks for: RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 9396 section 2.

use serde_json::Value;

use crate::host;
use crate::tpp::config::Registered;
use crate::tpp::jws::Members;
use crate::tpp::keys::sha256;

/// One authorization request, with the secrets it must be redeemed with.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Parameters beyond those that every request has: `scope`, `authorization_details`, `prompt`.
    pub parameters: Members,
    /// How they travel.
    pub carried: Carried,
    /// `state`.
    pub state: String,
    /// `nonce`.
    pub nonce: String,
    /// `code_verifier` (RFC 7636).
    pub verifier: String,
}

/// How the parameters of a request travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// As the server's metadata demands.
    AsDemanded,
    /// As form parameters (RFC 9126).
    Plain,
    /// In a signed request object (RFC 9101).
    Signed,
}

impl Ask {
    /// A request for a scope, with fresh secrets.
    pub fn new(scope: &str) -> Self {
        Self {
            parameters: Members::of([("scope", scope)]),
            carried: Carried::AsDemanded,
            state: host::token(),
            nonce: host::token(),
            verifier: host::token(),
        }
    }

    /// Adds `authorization_details` (RFC 9396 section 2).
    #[must_use]
    pub fn with_details(self, details: &Value) -> Self {
        self.with("authorization_details", details.clone())
    }

    /// Adds or replaces a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.parameters.set(name, value);
        self
    }

    /// Every parameter of the request, in the order of RFC 6749 section 4.1.1.
    pub fn all(&self, registered: &Registered) -> Members {
        let mut all = Members::of([
            ("response_type", "code"),
            ("client_id", &registered.id),
            ("redirect_uri", &registered.entry.redirect_uri),
            ("state", &self.state),
            ("nonce", &self.nonce),
            ("code_challenge", &sha256(self.verifier.as_bytes())),
            ("code_challenge_method", "S256"),
        ]);
        all.extend(self.parameters.clone());
        all
    }
}
