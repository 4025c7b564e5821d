//! What the customer gave, to whom, bound to which key; and the stages a grant passes through.

use serde::{Deserialize, Serialize};

use crate::model::binding::Thumbprint;
use crate::model::claims_request::ClaimsRequest;
use crate::model::details::VettedDetails;
use crate::vocabulary::id::{ClientId, GrantId, Subject};
use crate::vocabulary::scope::Scope;
use crate::vocabulary::time::Timestamp;
use crate::vocabulary::uri::{Issuer, RedirectUri, Resource};

/// One act of approval, from the code it opens to the last refresh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Its identifier, in every token it brings.
    pub id: GrantId,
    /// Who issued it.
    pub issuer: Issuer,
    /// To whom.
    pub client: ClientId,
    /// By whom.
    pub subject: Subject,
    /// What: scope.
    pub scope: Scope,
    /// What: details, and the consent they belong to.
    #[serde(default)]
    pub details: VettedDetails,
    /// For which audience.
    #[serde(default)]
    pub resource: Option<Resource>,
    /// Where the code was sent.
    pub redirect_uri: RedirectUri,
    /// SHA-256 of the verifier that redeems the code.
    #[serde(default)]
    pub code_challenge: Option<Thumbprint>,
    /// The DPoP key that redeems the code (RFC 9449 section 10).
    #[serde(default)]
    pub dpop_jkt: Option<Thumbprint>,
    /// For the ID token.
    #[serde(default)]
    pub nonce: Option<String>,
    /// Claims asked for one by one.
    #[serde(default, skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
    /// When and how the customer signed in.
    pub authentication: Authentication,
    /// When the customer approved.
    pub opened_at: Timestamp,
    /// When the code dies.
    pub code_until: Timestamp,
    /// When the grant dies: no token of it outlives this.
    pub until: Timestamp,
    /// How far it has come.
    pub stage: Stage,
}

/// When and how the customer signed in (OpenID Connect Core section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// `auth_time`.
    pub at: Timestamp,
    /// `acr`.
    pub acr: String,
    /// `amr` (RFC 8176).
    pub amr: Vec<String>,
}

/// How far a grant has come. It never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The code waits to be redeemed.
    Opened,
    /// The code was redeemed; tokens are out.
    Redeemed,
    /// Over, whatever else holds.
    Revoked,
}

/// What the customer said yes to, as the bank's pages report it.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// Who approved.
    pub subject: Subject,
    /// When and how that person signed in.
    pub authentication: Authentication,
    /// The scope given: within what was asked.
    pub scope: Scope,
    /// What was ticked on the page: account identifiers. Opaque here, handed to the consent engine.
    pub accounts: Vec<String>,
    /// The text of the page that the customer approved, where the pages keep it.
    pub shown: Option<ShownText>,
}

/// What a customer read before approving, word for word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownText {
    /// The language it was in (BCP 47).
    pub language: String,
    /// The text, a line for each line of the page.
    pub text: String,
}

impl ShownText {
    /// SHA-256 over the language, a line feed and the text, in base64url without padding: `consent_text_sha256` of token
    /// answers, access tokens and introspection.
    #[must_use]
    pub fn sha256(&self) -> String {
        let Self { language, text } = self;
        Thumbprint::of(format!("{language}\n{text}").as_bytes()).to_text()
    }
}
