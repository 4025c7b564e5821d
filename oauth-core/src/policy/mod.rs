//! What a profile demands, as data. A profile is a constant in [`profiles`]; nothing outside this folder names one.

pub(crate) mod buckets;
pub(crate) mod key_times;
pub(crate) mod profiles;
pub(crate) mod settings;

use crate::jose::{Alg, KeyManagement};
use crate::vocabulary::time::Seconds;

/// The rules of one profile. Every field is read by at least one rule; the values stand in the profile constants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Name for people: start-up text, the ledger, the report.
    pub name: &'static str,
    /// How an authorization request may arrive.
    pub request_path: RequestPath,
    /// Whether the request travels in a signed request object (RFC 9101).
    pub request_object: RequestObject,
    /// Response types that may be asked for.
    pub response_types: &'static [ResponseType],
    /// How the authorization response may travel back.
    pub answer_by: &'static [AnswerBy],
    /// When a code challenge is demanded (RFC 7636).
    pub pkce: Pkce,
    /// Client authentication methods.
    pub client_auth: &'static [ClientAuth],
    /// What a client assertion may carry as `aud` (RFC 7523 section 3).
    pub assertion_audience: AssertionAudience,
    /// Longest life of a client assertion, from `iat` (or from now when `iat` is absent) to `exp`.
    pub assertion_lifetime_max: Seconds,
    /// How tokens are bound to their sender.
    pub sender_constraint: SenderConstraint,
    /// Age a DPoP proof may have when no server nonce is used (RFC 9449 section 11.1).
    pub proof_age_max: Seconds,
    /// Whether a refresh token changes when it is used.
    pub refresh_rotation: RefreshRotation,
    /// Signature algorithms for everything signed by clients and by us.
    pub signing_algs: &'static [Alg],
    /// How the key of a request object that is encrypted to us may be managed (RFC 7518 section 4.1).
    pub opens: &'static [KeyManagement],
    /// How far ahead of our clock `iat` and `nbf` may be.
    pub skew: Seconds,
    /// Life of an authorization code.
    pub code_lifetime: Cap,
    /// Life of a pushed request.
    pub request_uri_lifetime: Cap,
    /// Life of an access token.
    pub access_token_lifetime: Cap,
    /// Life of a refresh token.
    pub refresh_token_lifetime: Cap,
}

/// How an authorization request may arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestPath {
    /// Pushed only (RFC 9126 section 4, `require_pushed_authorization_requests`).
    PushedOnly,
    /// Pushed, or as parameters of the authorization endpoint.
    PushedOrDirect,
}

/// Whether the request travels in a signed request object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestObject {
    /// Parameters only; a `request` parameter is refused.
    Refuse,
    /// Both forms are taken.
    Accept(SignedRequest),
    /// Only the signed form is taken.
    Require(SignedRequest),
}

/// What a signed request object must satisfy (FAPI 2.0 Message Signing section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedRequest {
    /// Signature algorithms.
    pub algs: &'static [Alg],
    /// Longest time from `nbf` to `exp`.
    pub lifetime_max: Seconds,
    /// How long ago `nbf` may be.
    pub nbf_age_max: Seconds,
    /// Longest `max_age` that may be asked for.
    pub max_age_max: Cap,
    /// How a request object may call itself.
    pub called: ObjectCalled,
    /// Who may be named in `aud`.
    pub audience: ObjectAudience,
    /// Whether `scope` has `openid`.
    pub openid: Openid,
    /// Most characters of `state`.
    pub state_max: usize,
    /// Most characters of `nonce`.
    pub nonce_max: usize,
    /// What becomes of parameters that stand beside the request object.
    pub beside: Beside,
}

/// What becomes of authorization parameters that stand in the form beside a request object (RFC 9126 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// They are not used (RFC 9101 section 6.3).
    Unused,
    /// The request is refused.
    Refused,
}

/// How a request object may call itself (RFC 9101 section 10.8, RFC 7519 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectCalled {
    /// `typ` is absent or `oauth-authz-req+jwt`, and `cty` around it is `JWT`.
    RequestObject,
    /// `typ` may be `JWT` as well, and `cty` around it may be absent.
    OrJwt,
}

/// Who may be named in `aud` of a request object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectAudience {
    /// This issuer, and others beside it.
    Among,
    /// This issuer alone.
    Alone,
}

/// Whether `scope` of a request object has `openid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openid {
    /// It may be missing.
    Optional,
    /// It may not.
    Required,
}

impl Policy {
    /// What a signed request object must satisfy, where one is taken.
    #[must_use]
    pub const fn signed_request(&self) -> Option<&SignedRequest> {
        match &self.request_object {
            RequestObject::Refuse => None,
            RequestObject::Accept(signed) | RequestObject::Require(signed) => Some(signed),
        }
    }

    /// Whether this response mode is one of the profile's.
    #[must_use]
    pub fn offers(&self, mode: AnswerBy) -> bool {
        self.answer_by.contains(&mode)
    }

    /// What this profile asks for and this build cannot do, in words.
    pub(crate) fn unbuilt(&self) -> Vec<String> {
        let responses = self.response_types.iter().filter(|kind| match kind {
            ResponseType::Code => false,
            ResponseType::CodeIdToken => true,
        });
        let modes = self.answer_by.iter().filter(|mode| !mode.is_built());
        responses
            .map(|kind| format!("response_type {}", kind.as_str()))
            .chain(modes.map(|mode| format!("response_mode {}", mode.as_str())))
            .collect()
    }
}

/// `response_type` values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseType {
    /// `code` (RFC 6749 section 4.1).
    Code,
    /// `code id_token` (OpenID Connect Core section 3.3).
    CodeIdToken,
}

impl ResponseType {
    /// The value on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::CodeIdToken => "code id_token",
        }
    }
}

/// `response_mode` values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerBy {
    /// `query`.
    Query,
    /// `form_post`.
    FormPost,
    /// `jwt` (JARM section 2.3.4): for the code flow the same as [`AnswerBy::JarmQuery`].
    Jarm,
    /// `query.jwt` (JARM section 2.3.1).
    JarmQuery,
    /// `form_post.jwt` (JARM section 2.3.3).
    JarmFormPost,
    /// `fragment`.
    Fragment,
}

impl AnswerBy {
    /// Every mode with a name here.
    const ALL: &'static [Self] =
        &[Self::Query, Self::FormPost, Self::Jarm, Self::JarmQuery, Self::JarmFormPost, Self::Fragment];

    /// Reads the value of the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.as_str() == text)
    }

    /// Whether the response is a signed JWT.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        match self {
            Self::Jarm | Self::JarmQuery | Self::JarmFormPost => true,
            Self::Query | Self::FormPost | Self::Fragment => false,
        }
    }

    /// Whether this build can answer in this mode. A fragment belongs to response types that it does not have.
    pub(crate) const fn is_built(self) -> bool {
        match self {
            Self::Query | Self::FormPost | Self::Jarm | Self::JarmQuery | Self::JarmFormPost => true,
            Self::Fragment => false,
        }
    }

    /// The value on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
            Self::Jarm => "jwt",
            Self::JarmQuery => "query.jwt",
            Self::JarmFormPost => "form_post.jwt",
            Self::Fragment => "fragment",
        }
    }
}

/// When a code challenge is demanded. `plain` is never taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkce {
    /// Always.
    RequireS256,
    /// When the request was pushed (FAPI 1.0 Advanced section 5.2.2-18).
    RequireS256WhenPushed,
    /// From public clients.
    RequireS256FromPublic,
}

/// Client authentication methods, by their registered names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// `private_key_jwt` (OpenID Connect Core section 9, RFC 7523).
    PrivateKeyJwt,
    /// `tls_client_auth` (RFC 8705 section 2.1).
    TlsClientAuth,
    /// `self_signed_tls_client_auth` (RFC 8705 section 2.2).
    SelfSignedTlsClientAuth,
}

impl ClientAuth {
    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
        }
    }
}

/// What a client assertion may carry as `aud`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionAudience {
    /// One JSON string equal to the issuer (FAPI 2.0 Security Profile section 5.3.2.1-8).
    IssuerOnly,
    /// The issuer, the token endpoint or the PAR endpoint, alone or in an array (RFC 9126 section 2).
    IssuerOrEndpoint,
}

/// How a token is bound to its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// To a DPoP key (RFC 9449).
    Dpop,
    /// To a client certificate (RFC 8705 section 3).
    Mtls,
}

/// Whether tokens must be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SenderConstraint {
    /// Every token is bound in one of these ways.
    Require(&'static [Constraint]),
    /// Tokens may be bound in one of these ways.
    Offer(&'static [Constraint]),
}

impl SenderConstraint {
    /// The ways of binding on offer.
    #[must_use]
    pub const fn offered(self) -> &'static [Constraint] {
        match self {
            Self::Require(ways) | Self::Offer(ways) => ways,
        }
    }
}

/// Whether a refresh token changes when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshRotation {
    /// It stays (FAPI 2.0 Security Profile section 5.3.2.1-9).
    Keep,
    /// Every use spends it and answers with the next one (RFC 9700 section 4.14).
    EveryUse,
}

/// An upper bound on a lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    /// At most this long.
    Max(Seconds),
    /// As long as the consent behind it.
    ConsentLifetime,
    /// The profile says nothing.
    Unset,
}

impl Cap {
    /// Whether a configured length is within the bound.
    #[must_use]
    pub fn allows(self, length: Seconds) -> bool {
        match self {
            Self::Max(max) => length <= max,
            Self::ConsentLifetime | Self::Unset => true,
        }
    }
}
