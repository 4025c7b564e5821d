//! An authorization request: asked by the client, then vetted by the rules.

use serde::{Deserialize, Serialize};

use crate::model::binding::Thumbprint;
use crate::model::claims_request::{ClaimsAsked, ClaimsRequest};
use crate::model::details::{AuthorizationDetails, VettedDetails};
use crate::policy::AnswerBy;
use crate::vocabulary::id::ClientId;
use crate::vocabulary::scope::Scope;
use crate::vocabulary::time::{Seconds, Timestamp};
use crate::vocabulary::uri::{Issuer, RedirectUri, Resource};

/// The parameters of an authorization request as sent, before any rule has looked at them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct AuthorizationParams {
    /// `client_id`.
    pub client_id: Option<String>,
    /// `response_type`.
    pub response_type: Option<String>,
    /// `response_mode`.
    pub response_mode: Option<String>,
    /// `redirect_uri`.
    pub redirect_uri: Option<String>,
    /// `scope`.
    pub scope: Option<String>,
    /// `state`.
    pub state: Option<String>,
    /// `nonce` (OpenID Connect Core section 3.1.2.1).
    pub nonce: Option<String>,
    /// `code_challenge` (RFC 7636 section 4.3).
    pub code_challenge: Option<String>,
    /// `code_challenge_method` (RFC 7636 section 4.3).
    pub code_challenge_method: Option<String>,
    /// `authorization_details` (RFC 9396), read.
    pub authorization_details: AuthorizationDetails,
    /// `dpop_jkt` (RFC 9449 section 10).
    pub dpop_jkt: Option<String>,
    /// `prompt` (OpenID Connect Core section 3.1.2.1).
    pub prompt: Option<String>,
    /// `max_age` (OpenID Connect Core section 3.1.2.1).
    pub max_age: Option<String>,
    /// `acr_values` (OpenID Connect Core section 3.1.2.1).
    pub acr_values: Option<String>,
    /// `login_hint` (OpenID Connect Core section 3.1.2.1).
    pub login_hint: Option<String>,
    /// `ui_locales` (OpenID Connect Core section 3.1.2.1).
    pub ui_locales: Option<String>,
    /// `resource` (RFC 8707).
    pub resource: Option<String>,
    /// `claims` (OpenID Connect Core section 5.5), read.
    pub claims: ClaimsAsked,
}

impl AuthorizationParams {
    /// How the answer is to travel: as asked, or in the query. `None` for a mode that does not exist.
    pub(crate) fn answer_by(&self) -> Option<AnswerBy> {
        self.response_mode.as_deref().map_or(Some(AnswerBy::Query), AnswerBy::parse)
    }
}

/// A request that every rule has passed. What the customer is shown, and what is granted, comes from here only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VettedRequest {
    /// Who issues.
    pub issuer: Issuer,
    /// Who asks.
    pub client: ClientId,
    /// Where the answer goes.
    pub redirect_uri: RedirectUri,
    /// How it travels.
    pub answer_by: AnswerBy,
    /// What was asked, with parameterised values filled in.
    pub scope: Scope,
    /// Echoed unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Goes into the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// SHA-256 of the verifier (RFC 7636 section 4.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<Thumbprint>,
    /// The key the code is bound to (RFC 9449 section 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<Thumbprint>,
    /// Vetted `authorization_details`.
    #[serde(default, skip_serializing_if = "VettedDetails::is_empty")]
    pub details: VettedDetails,
    /// What the customer must be asked again.
    #[serde(default)]
    pub prompt: Prompt,
    /// How old the customer's sign-in may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Seconds>,
    /// Authentication classes asked for, in order of preference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// Who is expected to sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// Languages asked for, in order of preference: BCP 47 tags, well-formed or left out (OpenID Connect Core section
    /// 3.1.2.1 lets no request fail for them).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ui_locales: Vec<String>,
    /// The audience asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// Claims asked for one by one.
    #[serde(default, skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
    /// When it was pushed.
    pub asked_at: Timestamp,
}

/// `prompt` (OpenID Connect Core section 3.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Ask what is needed.
    #[default]
    AsNeeded,
    /// Show nothing; answer with an error when something would have to be shown.
    None,
    /// Sign in again.
    Login,
}
