//! Every way a call can end before the bank has done anything for it. Data; each dialect has its own table to the wire.

use oauth_core::{At, Fault, Refusal, RuleId, Seconds, Standing};
use rar_consent::Permission;

use super::needs::Authentication;
use crate::rules::{fapi_resource, rfc6750, rfc9470};

/// Why the guard turns a call away.
#[derive(Debug, thiserror::Error)]
pub enum GuardRefusal {
    /// No such path.
    #[error("no such path")]
    NotFound,
    /// The path exists, the method does not.
    #[error("no such method")]
    Method {
        /// For the `Allow` header.
        allow: String,
    },
    /// The token, its binding or its standing: 400 or 401 by [`Reason::wire`](oauth_core::Reason::wire).
    #[error(transparent)]
    Token(Refusal),
    /// A header field.
    #[error("header {name} is {fault:?}")]
    Header {
        /// Which, in lower case.
        name: &'static str,
        /// What is wrong with it.
        fault: HeaderFault,
    },
    /// Nothing we produce is in `Accept`.
    #[error("not acceptable")]
    NotAcceptable,
    /// A version of the interface that is not served.
    #[error("version not served")]
    Version,
    /// `Content-Type` is not what the route takes.
    #[error("media type not taken")]
    MediaType,
    /// More bytes than [`limits`](oauth_core::limits) allow.
    #[error("body too large")]
    TooLarge,
    /// The body broke off.
    #[error("body broke off")]
    BrokenOff,
    /// The client calls more often than it may; how long it has to wait (RFC 6585 section 4).
    #[error("too often")]
    TooOften(Seconds),
    /// `participant-id` is not the organisation of the client.
    #[error("participant mismatch")]
    Participant,
    /// The organisation of the client does not take part at present.
    #[error("participant inactive")]
    ParticipantInactive,
    /// The token does not carry the scope of the route, or is of the wrong kind.
    #[error("insufficient scope")]
    Scope {
        /// What the route needs, for the challenge.
        needed: String,
    },
    /// The customer has to sign in again, more recently or more strongly (RFC 9470).
    #[error("insufficient user authentication")]
    Authentication(Authentication),
    /// The consent stands, but not in a way that allows this.
    #[error("consent is {0:?}")]
    Standing(Standing),
    /// The consent does not permit this, or not yet.
    #[error("not permitted: {}", .0.as_str())]
    Permission(Permission),
    /// Our side broke.
    #[error(transparent)]
    Failed(#[from] Fault),
}

/// What is wrong with a header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// It is mandatory and not there.
    Missing,
    /// It is there twice, or not in its form.
    Malformed,
}

impl GuardRefusal {
    /// The rule that turned the call away, for log, trace and audit.
    #[must_use]
    pub const fn rule(&self) -> RuleId {
        match self {
            Self::NotFound | Self::Method { .. } => fapi_resource::ROUTE_KNOWN,
            Self::Token(refusal) => refusal.rule,
            Self::Header { .. } | Self::Version => fapi_resource::HEADERS_WELL_FORMED,
            Self::NotAcceptable | Self::MediaType => fapi_resource::MEDIA_TYPE,
            Self::TooLarge | Self::BrokenOff => fapi_resource::BODY_BOUNDED,
            Self::TooOften(_) => fapi_resource::RATE_KEPT,
            Self::Participant | Self::ParticipantInactive => fapi_resource::PARTICIPANT,
            Self::Scope { .. } => rfc6750::SCOPE,
            Self::Authentication(_) => rfc9470::STEP_UP,
            Self::Standing(_) | Self::Permission(_) => fapi_resource::CONSENT_PERMITS,
            Self::Failed(_) => fapi_resource::OUR_SIDE,
        }
    }

    /// The HTTP status, where a dialect has no reason for another one.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Method { .. } => 405,
            Self::Token(refusal) => refusal.reason.wire(At::Resource).status,
            Self::Header { .. } | Self::BrokenOff => 400,
            Self::NotAcceptable | Self::Version => 406,
            Self::Authentication(_) => 401,
            Self::MediaType => 415,
            Self::TooLarge => 413,
            Self::TooOften(_) => 429,
            Self::Participant
            | Self::ParticipantInactive
            | Self::Scope { .. }
            | Self::Standing(_)
            | Self::Permission(_) => 403,
            Self::Failed(_) => 500,
        }
    }
}
