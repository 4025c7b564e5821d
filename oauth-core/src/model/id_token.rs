//! The ID token (OpenID Connect Core section 2).

use serde::Serialize;
use serde_json::{Map, Value};

use crate::vocabulary::id::{ClientId, Subject};
use crate::vocabulary::uri::Issuer;

/// The claims of an ID token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct IdTokenClaims<'a> {
    /// Issuer.
    pub iss: &'a Issuer,
    /// The customer.
    pub sub: &'a Subject,
    /// The client, as one string.
    pub aud: &'a ClientId,
    /// `NumericDate` of its end.
    pub exp: i64,
    /// `NumericDate` of issue.
    pub iat: i64,
    /// When the customer signed in.
    pub auth_time: i64,
    /// How.
    pub acr: &'a str,
    /// By what means (RFC 8176).
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub amr: &'a [String],
    /// The request's own value, absent when it had none or on refresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// What was asked for by name; none of the above is among it.
    #[serde(flatten)]
    pub told: Map<String, Value>,
}
