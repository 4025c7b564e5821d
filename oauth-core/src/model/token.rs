//! Access tokens: the claims of RFC 9068, the same whether they travel in a JWT or behind a handle.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::jose::Audience;
use crate::model::binding::Binding;
use crate::vocabulary::id::{ClientId, ConsentId, GrantId};
use crate::vocabulary::scope::Scope;
use crate::vocabulary::uri::Issuer;

/// `typ` of a JWT access token (RFC 9068 section 2.1).
pub(crate) const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// The claims of an access token (RFC 9068 section 2.2), with `cnf` (RFC 7800) and `authorization_details`
/// (RFC 9396 section 9.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Issuer.
    pub iss: Issuer,
    /// The customer, or the client itself when no customer takes part (RFC 9068 section 2.2).
    pub sub: String,
    /// The resource it is for.
    pub aud: Audience,
    /// Who may use it.
    pub client_id: ClientId,
    /// What for.
    pub scope: Scope,
    /// `NumericDate` of issue.
    pub iat: i64,
    /// `NumericDate` of its end.
    pub exp: i64,
    /// Its identifier.
    pub jti: String,
    /// What it is bound to.
    pub cnf: Binding,
    /// What exactly was granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Value>,
    /// The grant behind it; absent when the client acts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<GrantId>,
    /// The consent behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_id: Option<ConsentId>,
    /// What the customer was shown, by its [hash](crate::ShownText::sha256).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_text_sha256: Option<String>,
    /// When the customer signed in (RFC 9068 section 2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How (RFC 9068 section 2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// What userinfo tells besides what the scope opens (OpenID Connect Core section 5.5).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo_claims: Vec<String>,
}
