//! UAE Bank Service Initiation, error responses: the one table from reason to status, code and words. No wildcard
//! arm: a new reason does not compile until its wire form is decided here.

use oauth_core::RuleId;
use serde::Serialize;

/// A request of this dialect that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The rule that did not hold; for log and audit, never on the wire.
    pub(crate) rule: RuleId,
    /// What was wrong.
    pub(crate) reason: Reason,
    /// The member, header or limit at fault, in the words of this dialect.
    pub(crate) path: Option<String>,
}

/// Every way a request of this dialect is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No access token, or none that is good for this caller.
    Token,
    /// No such resource, or it belongs to somebody else.
    NotFound,
    /// The path exists, the method does not.
    Method,
    /// The caller does not take what we answer with.
    NotAcceptable,
    /// The body is not a signed JWT by its media type.
    MediaType,
    /// The body is larger than [`oauth_core::limits::SIGNED_BODY_BYTES`].
    TooLarge,
    /// The client calls more often than it may.
    TooOften,
    /// The token does not carry the scope of the operation.
    Scope,
    /// The token is for another consent than the body names.
    OtherConsent,
    /// The customer did not permit this with the consent.
    Permission,
    /// A header is malformed or missing.
    Header,
    /// A parameter of the query is malformed or missing.
    Parameter,
    /// The body is not encrypted to a key of this server, or was damaged.
    Undecryptable,
    /// The JOSE header of the encryption is not acceptable, or the body is in the clear where it must not be.
    JweHeader,
    /// The body is not a compact JWS.
    Malformed,
    /// The JOSE header of the body is not acceptable.
    JoseHeader,
    /// The signature is not one by a key of this client.
    Signature,
    /// A claim of the envelope is missing or wrong.
    Claim,
    /// A member of the message is missing, unknown or malformed.
    Format,
    /// An identifier in the path is malformed.
    ResourceId,
    /// The consent is in a status that does not allow the operation, or of another vocabulary.
    Consent,
    /// The consent's status cannot be changed that way.
    StatusMove,
    /// The other side suspended the consent, and alone may lift that.
    OtherSide,
    /// Purpose or reference are not the ones the customer agreed to.
    BusinessRule,
    /// The bank turned the order down at once, for want of funds.
    Funds,
    /// Amount, day, count or value are outside what the customer agreed to.
    ControlParameters,
    /// The bank has blocked the account for a while.
    AccountBlocked,
    /// The bank cannot reach the account at the moment.
    AccountUnreachable,
    /// The account is closed or no longer the customer's.
    AccountGone,
    /// The idempotency key was used for another request.
    KeyReused,
    /// The first request with this idempotency key is still running.
    InProgress,
    /// Others change the resource all the time.
    Busy,
    /// The client registered for encrypted answers and has no key to encrypt them to. The one answer that is not encrypted:
    /// it holds nothing else.
    Unsealable,
    /// Something on our side failed.
    Failed,
}

/// How a refusal looks from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// A status and nothing else.
    Bodiless(u16),
    /// A status and a signed message.
    Signed {
        /// The status.
        status: u16,
        /// `Code`.
        code: &'static str,
        /// `Message.en`.
        text: &'static str,
    },
}

impl Reason {
    /// The row of the table.
    #[expect(clippy::too_many_lines, reason = "one row per reason: the table is the point")]
    pub(crate) const fn wire(self) -> Wire {
        match self {
            Self::Token => Wire::Bodiless(401),
            Self::NotFound => Wire::Bodiless(404),
            Self::Method => Wire::Bodiless(405),
            Self::NotAcceptable => Wire::Bodiless(406),
            Self::TooLarge => Wire::Bodiless(413),
            Self::MediaType => Wire::Bodiless(415),
            Self::TooOften => Wire::Bodiless(429),
            Self::Scope => {
                signed(403, INVALID_SCOPE, "The access token does not carry the scope of this operation.")
            }
            Self::OtherConsent => signed(
                403,
                INVALID_SCOPE,
                "The access token is for another consent than Data.ConsentId names.",
            ),
            Self::Permission => {
                signed(403, INVALID_SCOPE, "The consent does not hold the permission of this operation.")
            }
            Self::Header => signed(400, GENERIC, "The header named in Path is missing or malformed."),
            Self::Parameter => {
                signed(400, GENERIC, "The query parameter named in Path is missing or malformed.")
            }
            Self::Undecryptable => signed(
                400,
                "JWE.DecryptionError",
                "The body cannot be decrypted: encrypt the signed JWT to a key of this server with use enc.",
            ),
            Self::JweHeader => signed(
                400,
                "JWE.InvalidHeader",
                "The body must be encrypted as registered: alg RSA-OAEP-256, enc A256GCM, cty JWT, no zip and no crit.",
            ),
            Self::Malformed => {
                signed(400, "JWS.Malformed", "The body is not a JWS in compact form within 64 KiB.")
            }
            Self::JoseHeader => signed(
                400,
                "JWS.InvalidHeader",
                "The JOSE header is not acceptable: alg must be the registered one, typ absent or JWT.",
            ),
            Self::Signature => signed(
                400,
                "JWS.InvalidSignature",
                "The signature does not verify with a registered key of this client.",
            ),
            Self::Claim => signed(
                400,
                "JWS.InvalidClaim",
                "The claim named in Path is missing, malformed, out of its time or not meant for this server.",
            ),
            Self::Format => signed(
                400,
                "Body.InvalidFormat",
                "The member named in Path is missing, not known here or malformed.",
            ),
            Self::ResourceId => {
                signed(400, "Resource.InvalidResourceId", "The identifier in the path is not well-formed.")
            }
            Self::Consent => {
                signed(400, CONSENT_INVALID, "The consent is not one that can be used for this now.")
            }
            Self::StatusMove => {
                signed(400, CONSENT_INVALID, "The consent cannot be moved from its status to that one.")
            }
            Self::OtherSide => {
                signed(403, ACCOUNT_BLOCKED, "The bank has suspended this consent and alone can lift that.")
            }
            Self::BusinessRule => signed(
                400,
                BUSINESS_RULE,
                "The member named in Path is not what the customer agreed to in the consent.",
            ),
            Self::Funds => signed(400, BUSINESS_RULE, "The account does not hold the instructed amount."),
            Self::ControlParameters => signed(
                400,
                "Consent.FailsControlParameters",
                "The payment is outside the control parameter of the consent named in Path.",
            ),
            Self::AccountBlocked => {
                signed(403, ACCOUNT_BLOCKED, "The account is blocked for the time being.")
            }
            Self::AccountUnreachable => signed(
                403,
                "Consent.TransientAccountAccessFailure",
                "The account cannot be reached at the moment; try again with the same key.",
            ),
            Self::AccountGone => signed(
                403,
                "Consent.PermanentAccountAccessFailure",
                "The account can no longer be used; a new consent is needed.",
            ),
            Self::KeyReused => {
                signed(409, GENERIC, "This idempotency key belongs to another request; use a new one.")
            }
            Self::InProgress => signed(
                409,
                RECOVERABLE,
                "The first request with this idempotency key is still running; ask again.",
            ),
            Self::Busy => signed(409, RECOVERABLE, "The resource is being changed; ask again."),
            Self::Unsealable => signed(
                500,
                GENERIC,
                "Your key set has no key with use enc for resource_encrypted_response_alg; nothing was done.",
            ),
            Self::Failed => signed(500, RECOVERABLE, "Something failed on our side; repeat the request."),
        }
    }
}

impl Refused {
    /// A refusal that points at nothing.
    pub(crate) const fn new(rule: RuleId, reason: Reason) -> Self {
        Self { rule, reason, path: None }
    }

    /// A refusal that points at a member, a header or a limit.
    pub(crate) fn at(rule: RuleId, reason: Reason, path: &str) -> Self {
        Self { rule, reason, path: Some(path.to_owned()) }
    }

    /// The status, and the message to sign where there is one.
    pub(crate) fn answer(self) -> (u16, Option<ErrorMessage>) {
        match self.reason.wire() {
            Wire::Bodiless(status) => (status, None),
            Wire::Signed { status, code, text } => {
                let message = MessageText { en: text };
                (status, Some(ErrorMessage { errors: [ErrorEntry { code, message, path: self.path }] }))
            }
        }
    }
}

/// Section 13: the `message` of a refusal.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct ErrorMessage {
    #[serde(rename = "Errors")]
    errors: [ErrorEntry; 1],
}

#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
struct ErrorEntry {
    code: &'static str,
    message: MessageText,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct MessageText {
    en: &'static str,
}

const INVALID_SCOPE: &str = "AccessToken.InvalidScope";
const CONSENT_INVALID: &str = "Consent.Invalid";
const BUSINESS_RULE: &str = "Consent.BusinessRuleViolation";
const GENERIC: &str = "GenericError";
const ACCOUNT_BLOCKED: &str = "Consent.AccountTemporarilyBlocked";
const RECOVERABLE: &str = "GenericRecoverableError";

const fn signed(status: u16, code: &'static str, text: &'static str) -> Wire {
    Wire::Signed { status, code, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of section 13, row by row.
    const TABLE: &[(Reason, u16, Option<&str>)] = &[
        (Reason::Token, 401, None),
        (Reason::NotFound, 404, None),
        (Reason::Method, 405, None),
        (Reason::NotAcceptable, 406, None),
        (Reason::TooLarge, 413, None),
        (Reason::MediaType, 415, None),
        (Reason::TooOften, 429, None),
        (Reason::Scope, 403, Some("AccessToken.InvalidScope")),
        (Reason::OtherConsent, 403, Some("AccessToken.InvalidScope")),
        (Reason::Permission, 403, Some("AccessToken.InvalidScope")),
        (Reason::Header, 400, Some("GenericError")),
        (Reason::Parameter, 400, Some("GenericError")),
        (Reason::Undecryptable, 400, Some("JWE.DecryptionError")),
        (Reason::JweHeader, 400, Some("JWE.InvalidHeader")),
        (Reason::Malformed, 400, Some("JWS.Malformed")),
        (Reason::JoseHeader, 400, Some("JWS.InvalidHeader")),
        (Reason::Signature, 400, Some("JWS.InvalidSignature")),
        (Reason::Claim, 400, Some("JWS.InvalidClaim")),
        (Reason::Format, 400, Some("Body.InvalidFormat")),
        (Reason::ResourceId, 400, Some("Resource.InvalidResourceId")),
        (Reason::Consent, 400, Some("Consent.Invalid")),
        (Reason::StatusMove, 400, Some("Consent.Invalid")),
        (Reason::BusinessRule, 400, Some("Consent.BusinessRuleViolation")),
        (Reason::Funds, 400, Some("Consent.BusinessRuleViolation")),
        (Reason::ControlParameters, 400, Some("Consent.FailsControlParameters")),
        (Reason::AccountBlocked, 403, Some("Consent.AccountTemporarilyBlocked")),
        (Reason::OtherSide, 403, Some("Consent.AccountTemporarilyBlocked")),
        (Reason::AccountUnreachable, 403, Some("Consent.TransientAccountAccessFailure")),
        (Reason::AccountGone, 403, Some("Consent.PermanentAccountAccessFailure")),
        (Reason::KeyReused, 409, Some("GenericError")),
        (Reason::InProgress, 409, Some("GenericRecoverableError")),
        (Reason::Busy, 409, Some("GenericRecoverableError")),
        (Reason::Unsealable, 500, Some("GenericError")),
        (Reason::Failed, 500, Some("GenericRecoverableError")),
    ];

    #[test]
    fn every_reason_has_the_status_and_code_of_the_document_and_a_body_only_where_it_says_so() {
        for (reason, status, code) in TABLE {
            let (answered, message) = Refused::new(RuleId("UAEBSI-13"), *reason).answer();
            assert_eq!(answered, *status, "{reason:?}");
            assert_eq!(message.map(|message| message.errors[0].code), *code, "{reason:?}");
        }
    }

    #[test]
    fn an_error_message_names_code_text_and_path_and_leaves_an_absent_path_out() {
        let at = |path: Option<&str>| Refused {
            rule: RuleId("UAEBSI-13"),
            reason: Reason::Format,
            path: path.map(str::to_owned),
        };
        let text = |refused: Refused| serde_json::to_value(refused.answer().1.unwrap()).unwrap();
        let entry = text(at(Some("Data.Type")));
        assert_eq!(entry["Errors"][0]["Path"], "Data.Type");
        assert_eq!(entry["Errors"][0]["Code"], "Body.InvalidFormat");
        assert!(entry["Errors"][0]["Message"]["en"].is_string());
        assert_eq!(text(at(None))["Errors"][0].get("Path"), None);
    }
}
