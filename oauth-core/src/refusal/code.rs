//! The one table from reason to error code, status and words. No wildcard arm: a new reason does not compile until
//! its wire form is decided here.

use super::reason::{
    ApprovalReason, ClientReason, DetailsFault, GrantReason, MessageReason, ObjectReason, ProofReason,
    Reason, RequestReason, TokenReason,
};

/// `error` values, by the registry of RFC 6749 section 11.4 and the documents that extend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// RFC 6749 section 5.2.
    InvalidRequest,
    /// RFC 6749 section 5.2.
    InvalidClient,
    /// RFC 6749 section 5.2.
    InvalidGrant,
    /// RFC 6749 section 5.2.
    UnauthorizedClient,
    /// RFC 6749 section 5.2.
    UnsupportedGrantType,
    /// RFC 6749 section 5.2.
    InvalidScope,
    /// RFC 6749 section 4.1.2.1.
    AccessDenied,
    /// RFC 6749 section 4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749 section 4.1.2.1.
    ServerError,
    /// RFC 6749 section 4.1.2.1.
    TemporarilyUnavailable,
    /// OpenID Connect Core section 3.1.2.6.
    LoginRequired,
    /// OpenID Connect Core section 3.1.2.6.
    ConsentRequired,
    /// OpenID Connect Core Error Code `unmet_authentication_requirements` 1.0.
    UnmetAuthenticationRequirements,
    /// OpenID Connect Core section 3.1.2.6, RFC 9101.
    InvalidRequestUri,
    /// OpenID Connect Core section 3.1.2.6, RFC 9101.
    InvalidRequestObject,
    /// OpenID Connect Core section 3.1.2.6, RFC 9101.
    RequestNotSupported,
    /// RFC 9449 section 12.2.
    InvalidDpopProof,
    /// RFC 9449 section 8.
    UseDpopNonce,
    /// RFC 9396 section 5.
    InvalidAuthorizationDetails,
    /// RFC 8707 section 2.
    InvalidTarget,
    /// RFC 6750 section 3.1.
    InvalidToken,
    /// RFC 6750 section 3.1.
    InsufficientScope,
    /// RFC 9470 section 3.
    InsufficientUserAuthentication,
    /// Registered nowhere; for clients that ask for it (`timeout_error`).
    LoginTimeout,
    /// Not an OAuth error: the path or method does not exist. Written as `invalid_request`.
    NotHere,
}

impl ErrorCode {
    /// The value on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::NotHere => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::LoginTimeout => "login_timeout",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::RequestNotSupported => "request_not_supported",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
        }
    }
}

/// Where an error is answered: the same proof error is 400 at the token endpoint and 401 at a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// An endpoint that authenticates clients (RFC 6749 section 5.2).
    ClientEndpoint,
    /// A protected resource (RFC 6750 section 3, RFC 9449 section 7.1).
    Resource,
    /// The authorization endpoint, as a page.
    Browser,
}

/// How a reason looks from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// The `error` value.
    pub code: ErrorCode,
    /// The HTTP status.
    pub status: u16,
    /// What the caller can do about it. Only characters of RFC 6749 section 4.1.2.1.
    pub description: String,
}

impl Reason {
    /// How this reason looks from outside.
    #[must_use]
    pub fn wire(&self, at: At) -> Wire {
        let (code, description) = match self {
            Self::Client(reason) => client(*reason),
            Self::Request(reason) => request(*reason),
            Self::Object(ObjectReason::Claims(path)) => {
                let description =
                    clean(&format!("The request object is not well-formed at '{path}': check the type."));
                return Wire { code: ErrorCode::InvalidRequestObject, status: 400, description };
            }
            Self::Object(reason) => (ErrorCode::InvalidRequestObject, object(reason)),
            Self::Proof(reason) => proof(*reason, at),
            Self::Grant(reason) => grant(*reason),
            Self::Details(reason) => {
                let description =
                    clean(&format!("{}: {} ({})", reason.path, reason.hint, word(reason.fault)));
                return Wire { code: details(reason.fault), status: 400, description };
            }
            Self::Token(reason) => token(*reason),
            Self::Message(reason) => (ErrorCode::InvalidRequest, message(*reason)),
            Self::Approval(reason) => approval(*reason),
        };
        Wire { code, status: status(self, code, at), description: description.to_owned() }
    }
}

fn status(reason: &Reason, code: ErrorCode, at: At) -> u16 {
    let by_reason = match reason {
        Reason::Request(RequestReason::Method) => Some(405),
        Reason::Request(RequestReason::NotFound) => Some(404),
        Reason::Request(RequestReason::TooLarge) => Some(413),
        Reason::Request(RequestReason::MediaType) => Some(415),
        Reason::Request(RequestReason::CallerNotAllowed) => Some(403),
        // RFC 9126 section 2.3
        Reason::Request(RequestReason::TooOften(_)) => Some(429),
        // FAPI 2.0 Message Signing section 5.6.1.2-3
        Reason::Message(_) => Some(401),
        Reason::Client(_)
        | Reason::Request(_)
        | Reason::Object(_)
        | Reason::Proof(_)
        | Reason::Grant(_)
        | Reason::Details(_)
        | Reason::Token(_)
        | Reason::Approval(_) => None,
    };
    by_reason.unwrap_or(match (code, at) {
        (ErrorCode::InvalidClient, _) => 401,
        (ErrorCode::InsufficientScope, _) => 403,
        (
            ErrorCode::InvalidToken
            | ErrorCode::InvalidDpopProof
            | ErrorCode::UseDpopNonce
            | ErrorCode::InsufficientUserAuthentication,
            At::Resource,
        ) => 401,
        (ErrorCode::ServerError, _) => 500,
        (_, At::ClientEndpoint | At::Resource | At::Browser) => 400,
    })
}

/// One answer for every way client authentication can fail, so that nobody learns which clients exist.
const fn client(reason: ClientReason) -> (ErrorCode, &'static str) {
    match reason {
        ClientReason::CredentialMissing => (
            ErrorCode::InvalidClient,
            "Client authentication is missing. Send the credential this client registered.",
        ),
        ClientReason::Unknown
        | ClientReason::MethodNotRegistered
        | ClientReason::AssertionMalformed
        | ClientReason::AssertionTypeUnknown
        | ClientReason::AssertionSignature
        | ClientReason::AssertionAlgorithm
        | ClientReason::AssertionType
        | ClientReason::AssertionSubject
        | ClientReason::AssertionAudience
        | ClientReason::AssertionClaimMissing
        | ClientReason::AssertionExpired
        | ClientReason::AssertionEarly
        | ClientReason::AssertionLifetime
        | ClientReason::AssertionReplayed
        | ClientReason::AssertionBeforeEpoch
        | ClientReason::CertificateMissing
        | ClientReason::CertificateMismatch
        | ClientReason::CertificateUntrusted
        | ClientReason::KeysUnavailable => (
            ErrorCode::InvalidClient,
            "Client authentication failed. Check the registered method and key; an assertion needs iss = sub = client_id, aud = the issuer as one string, a fresh jti, and exp within five minutes.",
        ),
    }
}

#[expect(clippy::too_many_lines, reason = "one row per reason: the table is the point")]
const fn request(reason: RequestReason) -> (ErrorCode, &'static str) {
    match reason {
        RequestReason::MediaType => {
            (ErrorCode::InvalidRequest, "Send the body as application/x-www-form-urlencoded.")
        }
        RequestReason::Method => {
            (ErrorCode::NotHere, "This endpoint does not take that method; see the Allow header.")
        }
        RequestReason::NotFound => {
            (ErrorCode::NotHere, "Nothing lives at this path; see the metadata document.")
        }
        RequestReason::TooLarge => {
            (ErrorCode::InvalidRequest, "The request is larger than this endpoint takes.")
        }
        RequestReason::Malformed => (ErrorCode::InvalidRequest, "The parameters are not a well-formed form."),
        RequestReason::Repeated => {
            (ErrorCode::InvalidRequest, "A parameter is repeated; send each one once.")
        }
        RequestReason::SeveralCredentials => {
            (ErrorCode::InvalidRequest, "More than one client credential; send exactly one.")
        }
        RequestReason::CarriesRequestUri => (
            ErrorCode::InvalidRequest,
            "A pushed request may not carry request_uri; push the parameters themselves.",
        ),
        RequestReason::RequestObjectNotTaken => (
            ErrorCode::RequestNotSupported,
            "Signed request objects are not taken here; push plain parameters.",
        ),
        RequestReason::RequestObjectMissing => (
            ErrorCode::InvalidRequest,
            "This client must push a signed request object in the request parameter.",
        ),
        RequestReason::NotPushed => (
            ErrorCode::InvalidRequest,
            "Authorization requests must be pushed first; send only client_id and request_uri here.",
        ),
        RequestReason::RequestUriUnknown => (
            ErrorCode::InvalidRequestUri,
            "This request_uri is unknown, expired, already used, or belongs to another client. Push a new request.",
        ),
        RequestReason::ClientIdMissing => (ErrorCode::InvalidRequest, "client_id is missing or malformed."),
        RequestReason::ResponseTypeMissing => {
            (ErrorCode::InvalidRequest, "response_type is missing; send code.")
        }
        RequestReason::ResponseTypeNotOffered => {
            (ErrorCode::UnsupportedResponseType, "response_type is not offered here; send code.")
        }
        RequestReason::ResponseModeNotOffered => {
            (ErrorCode::InvalidRequest, "response_mode is not offered here; see response_modes_supported.")
        }
        RequestReason::ResponseModeUnsigned => (
            ErrorCode::InvalidRequest,
            "Every authorization response is signed here; send response_mode=jwt.",
        ),
        RequestReason::RedirectUriMissing => (ErrorCode::InvalidRequest, "redirect_uri is missing."),
        RequestReason::RedirectUriNotRegistered => (
            ErrorCode::InvalidRequest,
            "redirect_uri is not registered for this client; it must match a registered value byte for byte.",
        ),
        RequestReason::ChallengeMissing => {
            (ErrorCode::InvalidRequest, "code_challenge is missing; PKCE with S256 is required.")
        }
        RequestReason::ChallengeMethod => (ErrorCode::InvalidRequest, "code_challenge_method must be S256."),
        RequestReason::ChallengeMalformed => {
            (ErrorCode::InvalidRequest, "code_challenge must be a SHA-256 hash in base64url, 43 characters.")
        }
        RequestReason::ScopeMalformed => (ErrorCode::InvalidScope, "scope is not a list of scope values."),
        RequestReason::ScopeNotAllowed => {
            (ErrorCode::InvalidScope, "scope asks for a value that is not offered, or not to this client.")
        }
        RequestReason::StateMalformed => (
            ErrorCode::InvalidRequest,
            "state is longer than 1024 characters (512 under some profiles) or not printable ASCII.",
        ),
        RequestReason::NonceMalformed => (
            ErrorCode::InvalidRequest,
            "nonce is longer than 512 characters (256 under some profiles) or not printable ASCII.",
        ),
        RequestReason::ThumbprintMalformed => (
            ErrorCode::InvalidRequest,
            "dpop_jkt must be a JWK SHA-256 thumbprint in base64url, 43 characters.",
        ),
        RequestReason::PromptMalformed => (
            ErrorCode::InvalidRequest,
            "prompt must be none alone, or a list of login, consent and select_account.",
        ),
        RequestReason::ClaimsMalformed => (
            ErrorCode::InvalidRequest,
            "claims must be a JSON object with userinfo and id_token as objects, each member null or an object.",
        ),
        RequestReason::MaxAgeMalformed => (ErrorCode::InvalidRequest, "max_age must be a number of seconds."),
        RequestReason::MaxAgeTooLong => {
            (ErrorCode::InvalidRequest, "max_age is longer than this profile allows.")
        }
        RequestReason::OpenidMissing => {
            (ErrorCode::InvalidScope, "scope must hold openid under this profile.")
        }
        RequestReason::BesideRequestObject => (
            ErrorCode::InvalidRequest,
            "beside request, the form may hold client_id and what authenticates the client, and no parameter of the request.",
        ),
        RequestReason::ResourceUnknown => {
            (ErrorCode::InvalidTarget, "resource is not one this server issues tokens for.")
        }
        RequestReason::GrantTypeMissing => (ErrorCode::InvalidRequest, "grant_type is missing."),
        RequestReason::GrantTypeNotOffered => {
            (ErrorCode::UnsupportedGrantType, "grant_type is not offered here; see grant_types_supported.")
        }
        RequestReason::GrantTypeNotRegistered => {
            (ErrorCode::UnauthorizedClient, "This client is not registered for that grant_type.")
        }
        RequestReason::ParameterMissing => {
            (ErrorCode::InvalidRequest, "A parameter this grant_type needs is missing.")
        }
        RequestReason::ParameterOfOtherGrant => (
            ErrorCode::InvalidRequest,
            "A parameter of another grant_type stands in this request; send only those of the one you name.",
        ),
        RequestReason::TokenMissing => (ErrorCode::InvalidRequest, "token is missing."),
        RequestReason::CallerNotAllowed => {
            (ErrorCode::UnauthorizedClient, "This client may not use this endpoint.")
        }
        RequestReason::EncryptionKeyMissing => (
            ErrorCode::InvalidRequest,
            "This client registered for encrypted answers and its key set has no key for that: publish one with use=enc.",
        ),
        RequestReason::TooOften(_) => (
            ErrorCode::TemporarilyUnavailable,
            "This client asks more often than it may; wait as long as Retry-After says.",
        ),
    }
}

const fn object(reason: &ObjectReason) -> &'static str {
    match reason {
        ObjectReason::Malformed => "The request object is not a JWT in compact form, or too large.",
        ObjectReason::Undecryptable => {
            "The request object does not decrypt. Use a current key with use=enc of the key set, with alg and enc of the metadata document."
        }
        ObjectReason::EncryptionAlgorithm => {
            "The request object is encrypted with another alg or enc than this client registered."
        }
        ObjectReason::Unsigned => {
            "Sign the request object first and encrypt the signed JWT, with cty=JWT in the outer header."
        }
        ObjectReason::Algorithm => {
            "The request object is signed with an algorithm that is not taken here, or is not the one this client registered."
        }
        ObjectReason::Type => "The typ of the request object must be oauth-authz-req+jwt, or absent.",
        ObjectReason::KeyUnknown => {
            "No registered key of this client has the kid and alg of the request object."
        }
        ObjectReason::Signature => {
            "The signature of the request object does not verify with this client's key."
        }
        ObjectReason::Claims(_) => "The request object is not well-formed.",
        ObjectReason::Issuer => "iss of the request object must be the client_id.",
        ObjectReason::Audience => "aud of the request object must be, or hold, the issuer of this server.",
        ObjectReason::Assertion => "sub of the request object must not be the client_id; leave sub out.",
        ObjectReason::Client => "client_id must be in the request object and name the client that sends it.",
        ObjectReason::Nested => "A request object may hold neither request nor request_uri.",
        ObjectReason::NotBeforeMissing => "nbf is missing from the request object.",
        ObjectReason::Early => "nbf or iat of the request object is in the future; check the clock.",
        ObjectReason::NotBeforeOld => "nbf of the request object is too long ago; make a fresh one.",
        ObjectReason::ExpiryMissing => "exp is missing from the request object.",
        ObjectReason::Expired => "The request object has expired; make a fresh one.",
        ObjectReason::Replayed => "The jti of this request object was used before. Sign a new one.",
        ObjectReason::Lifetime => "exp of the request object is too long after nbf.",
    }
}

const fn proof(reason: ProofReason, at: At) -> (ErrorCode, &'static str) {
    match (reason, at) {
        (ProofReason::Nonce, _) => (
            ErrorCode::UseDpopNonce,
            "Sign a new DPoP proof with the nonce of the DPoP-Nonce header and send again.",
        ),
        (ProofReason::CertificateMissing, At::Resource) => {
            (ErrorCode::InvalidToken, "The token is bound to a client certificate; present that certificate.")
        }
        (ProofReason::CertificateMissing, At::ClientEndpoint | At::Browser) => (
            ErrorCode::InvalidRequest,
            "This client gets certificate-bound tokens; use the mtls_endpoint_aliases with the client certificate.",
        ),
        (ProofReason::CertificateNotCurrent, _) => (
            ErrorCode::InvalidRequest,
            "The client certificate is not yet or no longer valid; present one that is.",
        ),
        (ProofReason::ConstraintMismatch, _) => (
            ErrorCode::InvalidRequest,
            "The request binds tokens in another way than this client registered; use the registered one.",
        ),
        (ProofReason::Missing, _) => {
            (ErrorCode::InvalidDpopProof, "Exactly one DPoP header with a proof is needed.")
        }
        (ProofReason::KeyMismatch, _) => (
            ErrorCode::InvalidDpopProof,
            "The DPoP proof is signed with another key than the one bound before.",
        ),
        (ProofReason::Replayed, _) => {
            (ErrorCode::InvalidDpopProof, "This DPoP proof was used before; sign a new one.")
        }
        (ProofReason::Age | ProofReason::BeforeEpoch, _) => (
            ErrorCode::InvalidDpopProof,
            "The iat of the DPoP proof is too old or too far ahead; check the clock and sign a new one.",
        ),
        (ProofReason::Method, _) => {
            (ErrorCode::InvalidDpopProof, "htm of the DPoP proof is not the method used.")
        }
        (ProofReason::Uri, _) => {
            (ErrorCode::InvalidDpopProof, "htu of the DPoP proof is not the URI called.")
        }
        (ProofReason::TokenHash, _) => (
            ErrorCode::InvalidDpopProof,
            "ath of the DPoP proof is missing or not the hash of this access token.",
        ),
        (
            ProofReason::Malformed
            | ProofReason::Type
            | ProofReason::Algorithm
            | ProofReason::Signature
            | ProofReason::ClaimMissing,
            _,
        ) => (
            ErrorCode::InvalidDpopProof,
            "The DPoP proof is not valid: it needs typ dpop+jwt, a permitted alg, the public jwk, jti, htm, htu and iat.",
        ),
    }
}

const fn grant(reason: GrantReason) -> (ErrorCode, &'static str) {
    match reason {
        GrantReason::Unknown
        | GrantReason::OtherClient
        | GrantReason::Expired
        | GrantReason::SpentBefore
        | GrantReason::Revoked
        | GrantReason::ConsentEnded => (
            ErrorCode::InvalidGrant,
            "The code or refresh token is unknown, expired, used, revoked, or of another client. Start a new authorization.",
        ),
        GrantReason::RedirectUri => {
            (ErrorCode::InvalidGrant, "redirect_uri is not the one of the authorization request.")
        }
        GrantReason::VerifierMissing => (ErrorCode::InvalidGrant, "code_verifier is missing."),
        GrantReason::Verifier => {
            (ErrorCode::InvalidGrant, "code_verifier does not match the code_challenge.")
        }
        GrantReason::VerifierUnasked => {
            (ErrorCode::InvalidGrant, "code_verifier was sent though the request had no code_challenge.")
        }
        GrantReason::Widened => (ErrorCode::InvalidScope, "scope asks for more than was granted."),
    }
}

const fn details(fault: DetailsFault) -> ErrorCode {
    match fault {
        DetailsFault::Malformed
        | DetailsFault::TypeUnknown
        | DetailsFault::MemberUnknown
        | DetailsFault::MemberMissing
        | DetailsFault::Value
        | DetailsFault::Widened
        | DetailsFault::Consent
        | DetailsFault::ConsentIdUsed => ErrorCode::InvalidAuthorizationDetails,
        DetailsFault::ScopeMismatch => ErrorCode::InvalidScope,
    }
}

const fn word(fault: DetailsFault) -> &'static str {
    match fault {
        DetailsFault::Malformed => "malformed",
        DetailsFault::TypeUnknown => "unknown type",
        DetailsFault::MemberUnknown => "unknown member",
        DetailsFault::MemberMissing => "missing member",
        DetailsFault::Value => "value",
        DetailsFault::Widened => "more than was granted",
        DetailsFault::Consent => "consent",
        DetailsFault::ConsentIdUsed => "consent id used before",
        DetailsFault::ScopeMismatch => "scope",
    }
}

const fn token(reason: TokenReason) -> (ErrorCode, &'static str) {
    match reason {
        TokenReason::Missing => {
            (ErrorCode::InvalidToken, "Send the access token in the Authorization header.")
        }
        TokenReason::Misplaced => {
            (ErrorCode::InvalidRequest, "Send exactly one access token, in the Authorization header only.")
        }
        TokenReason::Invalid | TokenReason::Expired | TokenReason::Audience | TokenReason::Revoked => (
            ErrorCode::InvalidToken,
            "The access token is expired, revoked, malformed, or not for this resource. Get a new one.",
        ),
        TokenReason::Scheme => (
            ErrorCode::InvalidToken,
            "The authorization scheme does not fit the token: DPoP-bound tokens go with DPoP, others with Bearer.",
        ),
        TokenReason::Binding => (
            ErrorCode::InvalidToken,
            "The access token is bound to another key or certificate than the one shown.",
        ),
        TokenReason::Scope => {
            (ErrorCode::InsufficientScope, "The access token does not carry the scope this resource needs.")
        }
        TokenReason::Authentication => (
            ErrorCode::InsufficientUserAuthentication,
            "The customer has to sign in again, as the challenge says, before this can be done.",
        ),
    }
}

const fn message(reason: MessageReason) -> &'static str {
    match reason {
        MessageReason::Missing => "Sign the request (RFC 9421) with the tag that Accept-Signature names.",
        MessageReason::Repeated => "Send exactly one signature with the tag of the profile.",
        MessageReason::Malformed => {
            "Signature-Input, Signature or Content-Digest is not in the form of RFC 9421 and RFC 9530."
        }
        MessageReason::NotCovered => {
            "The signature does not cover everything it must; Accept-Signature lists the components."
        }
        MessageReason::Stale => "The signature is too old, ahead of our clock, or says no time. Sign again.",
        MessageReason::Algorithm => "The algorithm of the signature is not accepted, or not that of the key.",
        MessageReason::Key => "No registered key of this client has the keyid of the signature.",
        MessageReason::Signature => "The signature of the message does not verify.",
        MessageReason::Digest => "The content is not what Content-Digest says; use sha-256 or sha-512.",
        MessageReason::Replayed => "This signature was used before. Sign again.",
    }
}

const fn approval(reason: ApprovalReason) -> (ErrorCode, &'static str) {
    match reason {
        ApprovalReason::Denied => (ErrorCode::AccessDenied, "The customer did not approve the request."),
        ApprovalReason::Ticket => (
            ErrorCode::InvalidRequest,
            "This page belongs to another browser or took too long. Go back to the app and start again.",
        ),
        ApprovalReason::LoginRequired => (ErrorCode::LoginRequired, "The customer has to sign in."),
        ApprovalReason::ConsentRequired => {
            (ErrorCode::ConsentRequired, "The customer has to approve the request.")
        }
        ApprovalReason::Widened => {
            (ErrorCode::ServerError, "The approval went beyond the request and was not used.")
        }
        ApprovalReason::DecidedBefore => (
            ErrorCode::InvalidRequestUri,
            "This request was decided before. Go back to the app to see the outcome, or start again there.",
        ),
        ApprovalReason::AuthenticationUnmet => (
            ErrorCode::UnmetAuthenticationRequirements,
            "The customer cannot sign in here the way the essential acr demands.",
        ),
        ApprovalReason::TimedOut => {
            (ErrorCode::AccessDenied, "login_timeout: nobody signed in and decided in time.")
        }
    }
}

/// RFC 6749 section 4.1.2.1: printable ASCII without the quotation mark and the backslash.
fn clean(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            '"' | '\\' => '\'',
            ' '..='~' => char,
            _ => '?',
        })
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::reason::DetailsReason;

    #[test]
    fn a_description_never_leaves_the_character_set_of_rfc_6749() {
        let reason = Reason::Details(DetailsReason {
            fault: DetailsFault::Value,
            path: "authorization_details[0].\"\\\r\n\u{202e}".to_owned(),
            hint: "x",
        });
        let description = reason.wire(At::ClientEndpoint).description;
        assert!(
            description.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
            "{description}"
        );
    }

    #[test]
    fn every_failed_client_authentication_looks_the_same() {
        let known = Reason::Client(ClientReason::AssertionSignature).wire(At::ClientEndpoint);
        let unknown = Reason::Client(ClientReason::Unknown).wire(At::ClientEndpoint);
        assert_eq!(known, unknown);
        assert_eq!(known.status, 401);
    }

    #[test]
    fn a_bad_proof_is_400_at_the_token_endpoint_and_401_at_a_resource() {
        let reason = Reason::Proof(ProofReason::Signature);
        assert_eq!(reason.wire(At::ClientEndpoint).status, 400);
        assert_eq!(reason.wire(At::Resource).status, 401);
    }
}
