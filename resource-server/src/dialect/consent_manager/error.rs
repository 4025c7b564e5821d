//! The bank's side, error responses: the one table from reason to status, code and words, after section 13.

use oauth_core::RuleId;
use serde::Serialize;

use crate::guard::GuardRefusal;

/// A call that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The rule that did not hold; for log and audit, never on the wire.
    pub(super) rule: RuleId,
    /// What was wrong.
    pub(super) reason: Reason,
    /// The member at fault.
    path: Option<String>,
}

/// Every way a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// No access token, or none that is good for this caller.
    Token,
    /// The token is not one of the bank's side.
    Scope,
    /// No such consent, payment or authoriser.
    NotFound,
    /// The path exists, the method does not.
    Method,
    /// The caller does not take JSON.
    NotAcceptable,
    /// The body is not JSON by its media type.
    MediaType,
    /// The body is too large.
    TooLarge,
    /// The caller calls more often than it may.
    TooOften,
    /// A header is malformed.
    Header,
    /// A member is missing, unknown, malformed or contradicts another.
    Format,
    /// The status does not allow it.
    Conflict,
    /// This authoriser has decided.
    DecidedBefore,
    /// Something on our side failed.
    Failed,
}

/// The `Errors` of section 13.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Message {
    errors: [Entry; 1],
}

#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    code: &'static str,
    message: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Text {
    en: &'static str,
}

impl Reason {
    /// The status.
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::Header | Self::Format => 400,
            Self::Token => 401,
            Self::Scope => 403,
            Self::NotFound => 404,
            Self::Method => 405,
            Self::NotAcceptable => 406,
            Self::Conflict | Self::DecidedBefore => 409,
            Self::TooLarge => 413,
            Self::MediaType => 415,
            Self::TooOften => 429,
            Self::Failed => 500,
        }
    }

    /// Code and words, where there is a body.
    const fn told(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Token
            | Self::NotFound
            | Self::Method
            | Self::NotAcceptable
            | Self::TooLarge
            | Self::MediaType
            | Self::TooOften => None,
            Self::Scope => {
                Some(("AccessToken.InvalidScope", "The access token is not one of the bank's side."))
            }
            Self::Header => Some(("GenericError", "The header named in Path is malformed.")),
            Self::Format => Some((
                "Body.InvalidFormat",
                "The member named in Path is missing, not known here, malformed or contradicts another.",
            )),
            Self::Conflict => Some(("Consent.Invalid", "The status allows no such change; nothing changed.")),
            Self::DecidedBefore => {
                Some(("Consent.Invalid", "This authoriser has decided; the first decision stands."))
            }
            Self::Failed => {
                Some(("GenericRecoverableError", "Something failed on our side; repeat the request."))
            }
        }
    }
}

impl Problem {
    /// A problem that points at nothing.
    pub(super) const fn new(rule: RuleId, reason: Reason) -> Self {
        Self { rule, reason, path: None }
    }

    /// A problem with a member.
    pub(super) fn at(rule: RuleId, path: &str) -> Self {
        Self { rule, reason: Reason::Format, path: Some(path.to_owned()) }
    }

    /// The guard's refusals in the words of this interface.
    pub(super) fn of_guard(refusal: &GuardRefusal) -> Self {
        let (reason, path) = match refusal {
            GuardRefusal::NotFound => (Reason::NotFound, None),
            GuardRefusal::Method { .. } => (Reason::Method, None),
            GuardRefusal::Token(_) | GuardRefusal::Authentication(_) => (Reason::Token, None),
            GuardRefusal::Header { name, .. } => (Reason::Header, Some((*name).to_owned())),
            GuardRefusal::NotAcceptable | GuardRefusal::Version => (Reason::NotAcceptable, None),
            GuardRefusal::MediaType => (Reason::MediaType, None),
            GuardRefusal::TooLarge => (Reason::TooLarge, None),
            GuardRefusal::BrokenOff => (Reason::Format, None),
            GuardRefusal::TooOften(_) => (Reason::TooOften, None),
            GuardRefusal::Scope { .. }
            | GuardRefusal::Participant
            | GuardRefusal::ParticipantInactive
            | GuardRefusal::Standing(_)
            | GuardRefusal::Permission(_) => (Reason::Scope, None),
            GuardRefusal::Failed(_) => (Reason::Failed, None),
        };
        Self { rule: refusal.rule(), reason, path }
    }

    /// The body, where there is one.
    pub(super) fn message(self) -> Option<Message> {
        let (code, en) = self.reason.told()?;
        Some(Message { errors: [Entry { code, message: Text { en }, path: self.path }] })
    }
}
