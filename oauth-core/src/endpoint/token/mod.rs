//! The token endpoint (RFC 6749 section 3.2): one grant per file, and what all of them share: minting.

pub(crate) mod client_credentials;
pub(crate) mod code;
pub(crate) mod mint;
pub(crate) mod refresh;

use serde::Serialize;
use serde_json::Value;

use super::Submitted;
use crate::identify;
use crate::limits;
use crate::model::client::GrantType;
use crate::refusal::reason::RequestReason;
use crate::refusal::{Error, Refusal, RuleId};
use crate::server::Context;
use crate::vocabulary::scope::Scope;
use crate::wire::form::Form;

/// The token answer (RFC 6749 section 5.1, RFC 9396 section 7, OpenID Connect Core section 3.1.3.3).
#[derive(Serialize)]
pub struct TokenAnswer {
    /// The access token.
    pub access_token: String,
    /// `DPoP` or `Bearer`.
    pub token_type: &'static str,
    /// Seconds until it is over.
    pub expires_in: i64,
    /// What it is for.
    pub scope: Scope,
    /// The refresh token, when one is handed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The ID token, when `openid` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What exactly was granted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Value>,
    /// What the customer was shown before granting them: the [hash](crate::ShownText::sha256) of the text. It stands beside
    /// the details, whose members belong to their type (RFC 9396 section 7 lets the server add to what was asked).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_text_sha256: Option<String>,
}

impl std::fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenAnswer")
            .field("token_type", &self.token_type)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// RFC 6749 section 5.2: `grant_type` names a grant on offer.
const GRANT_OFFERED: RuleId = RuleId("RFC6749-5.2-grant");
/// RFC 6749 section 5.2: the client is registered for the grant.
const GRANT_REGISTERED: RuleId = RuleId("RFC6749-5.2-registered");
/// RFC 6749 sections 4.1.3 and 6: the parameters of a grant are there.
pub(crate) const PARAMETERS_PRESENT: RuleId = RuleId("RFC6749-5.2-parameters");

/// RFC 6749 sections 4.1.3, 4.4.2 and 6: a request is for one grant. What belongs to another is refused rather than left
/// unread, so that no two readers of the request can take it for different ones.
const PARAMETERS_OF_GRANT: RuleId = RuleId("RFC6749-5.2-other");

/// What one grant alone has.
const OWN: &[(&str, GrantType)] = &[
    ("code", GrantType::AuthorizationCode),
    ("code_verifier", GrantType::AuthorizationCode),
    ("redirect_uri", GrantType::AuthorizationCode),
    ("refresh_token", GrantType::RefreshToken),
];

pub(crate) async fn token(context: &Context<'_>, submitted: Submitted) -> Result<TokenAnswer, Error> {
    let form = Form::read(&submitted.body, limits::FORM_BODY_BYTES)?;
    let caller = identify::identify(context, &form, &submitted.presented).await?;
    let grant_type = match form.get("grant_type") {
        None => return Err(refuse(GRANT_OFFERED, RequestReason::GrantTypeMissing).into()),
        Some(text) => {
            GrantType::parse(text).ok_or_else(|| refuse(GRANT_OFFERED, RequestReason::GrantTypeNotOffered))?
        }
    };
    if !caller.client.grant_types.contains(&grant_type) {
        return Err(refuse(GRANT_REGISTERED, RequestReason::GrantTypeNotRegistered).into());
    }
    if OWN.iter().any(|(name, of)| *of != grant_type && form.get(name).is_some()) {
        return Err(refuse(PARAMETERS_OF_GRANT, RequestReason::ParameterOfOtherGrant).into());
    }
    match grant_type {
        GrantType::AuthorizationCode => code::redeem(context, &form, &caller).await,
        GrantType::RefreshToken => refresh::refresh(context, &form, &caller).await,
        GrantType::ClientCredentials => client_credentials::issue(context, &form, &caller).await,
    }
}

pub(crate) fn refuse(rule: RuleId, reason: RequestReason) -> Refusal {
    Refusal { rule, reason: reason.into() }
}
