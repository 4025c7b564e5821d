//! Every way to be refused, grouped by what is at fault. Data: comparable, without text for the wire.

use crate::vocabulary::time::Seconds;

/// Every way to be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Who is calling.
    Client(ClientReason),
    /// What was sent.
    Request(RequestReason),
    /// The signed request object.
    Object(ObjectReason),
    /// The DPoP proof or the client certificate.
    Proof(ProofReason),
    /// The code, refresh token or grant.
    Grant(GrantReason),
    /// The `authorization_details`.
    Details(DetailsReason),
    /// The access token at a protected resource.
    Token(TokenReason),
    /// The signature of the HTTP message itself.
    Message(MessageReason),
    /// The customer, or what the customer was asked.
    Approval(ApprovalReason),
}

/// Client authentication failed. One answer for all, so that a caller cannot learn which clients exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientReason {
    /// No credential at all.
    CredentialMissing,
    /// No client of that name, or it is disabled.
    Unknown,
    /// Another method than the registered one.
    MethodNotRegistered,
    /// The assertion is not a JWT we can read.
    AssertionMalformed,
    /// `client_assertion_type` is not the JWT bearer URN.
    AssertionTypeUnknown,
    /// The signature does not verify with a key of this client.
    AssertionSignature,
    /// Algorithm outside the policy.
    AssertionAlgorithm,
    /// `typ` names another kind of JWT.
    AssertionType,
    /// `iss`, `sub` and `client_id` are not the same client.
    AssertionSubject,
    /// `aud` is not what the policy asks for.
    AssertionAudience,
    /// `exp` or `jti` is missing.
    AssertionClaimMissing,
    /// Past `exp`.
    AssertionExpired,
    /// `iat` or `nbf` too far ahead.
    AssertionEarly,
    /// `exp` too far ahead.
    AssertionLifetime,
    /// This `jti` was used before.
    AssertionReplayed,
    /// Issued before our replay memory begins.
    AssertionBeforeEpoch,
    /// No certificate where one is the credential.
    CertificateMissing,
    /// The certificate is not the registered one.
    CertificateMismatch,
    /// The certificate is expired, not yet valid, or of an unknown authority.
    CertificateUntrusted,
    /// The key set at the client's `jwks_uri` cannot be had.
    KeysUnavailable,
}

/// What was sent is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestReason {
    /// Not `application/x-www-form-urlencoded`.
    MediaType,
    /// The method is not one of this endpoint.
    Method,
    /// No such endpoint.
    NotFound,
    /// Larger than the bound.
    TooLarge,
    /// Not a well-formed form or query.
    Malformed,
    /// A parameter twice.
    Repeated,
    /// More than one client credential.
    SeveralCredentials,
    /// A PAR that carries `request_uri`.
    CarriesRequestUri,
    /// `request` where the policy takes parameters only.
    RequestObjectNotTaken,
    /// Parameters where the policy takes a request object only.
    RequestObjectMissing,
    /// A request that was not pushed.
    NotPushed,
    /// `request_uri` unknown, expired, used, or pushed by another client.
    RequestUriUnknown,
    /// `client_id` is missing or not well-formed.
    ClientIdMissing,
    /// `response_type` missing.
    ResponseTypeMissing,
    /// `response_type` not on offer.
    ResponseTypeNotOffered,
    /// `response_mode` not on offer.
    ResponseModeNotOffered,
    /// No `response_mode` where every response is signed.
    ResponseModeUnsigned,
    /// `redirect_uri` missing.
    RedirectUriMissing,
    /// `redirect_uri` is not a registered one.
    RedirectUriNotRegistered,
    /// `code_challenge` missing.
    ChallengeMissing,
    /// `code_challenge_method` is not `S256`.
    ChallengeMethod,
    /// `code_challenge` is not a SHA-256 in base64url.
    ChallengeMalformed,
    /// `scope` is not well-formed.
    ScopeMalformed,
    /// `scope` asks for more than this client may have.
    ScopeNotAllowed,
    /// `state` too long or with characters outside RFC 6749 appendix A.5.
    StateMalformed,
    /// `nonce` too long.
    NonceMalformed,
    /// `dpop_jkt` is not a SHA-256 in base64url.
    ThumbprintMalformed,
    /// `prompt` is not a known combination.
    PromptMalformed,
    /// `claims` is not what OpenID Connect Core section 5.5 describes.
    ClaimsMalformed,
    /// `max_age` is not a number of seconds.
    MaxAgeMalformed,
    /// `max_age` is longer than the profile allows.
    MaxAgeTooLong,
    /// `scope` has no `openid`, which the policy demands.
    OpenidMissing,
    /// An authorization parameter stands beside the request object, where none may.
    BesideRequestObject,
    /// `resource` is not one of ours.
    ResourceUnknown,
    /// `grant_type` missing.
    GrantTypeMissing,
    /// `grant_type` not on offer here, or not to this client.
    GrantTypeNotOffered,
    /// `grant_type` not registered for this client.
    GrantTypeNotRegistered,
    /// A parameter the endpoint needs is missing.
    ParameterMissing,
    /// A parameter that belongs to another grant than the one named.
    ParameterOfOtherGrant,
    /// `token` missing.
    TokenMissing,
    /// The caller may not use this endpoint.
    CallerNotAllowed,
    /// The client registered for encrypted answers and has no key to encrypt to.
    EncryptionKeyMissing,
    /// More requests than the client may push; how long it waits.
    TooOften(Seconds),
}

/// The signed request object is wrong (RFC 9101).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectReason {
    /// Not one signed or encrypted object in compact form.
    Malformed,
    /// It does not decrypt: wrong key, damaged, or not encrypted the way we take. One reason for all.
    Undecryptable,
    /// Encrypted with another pair of algorithms than the registered one.
    EncryptionAlgorithm,
    /// What was encrypted is not a signed object.
    Unsigned,
    /// Algorithm outside the policy, or not the registered one.
    Algorithm,
    /// `typ` names another kind of JWT.
    Type,
    /// No key of this client has that `kid` and fits the algorithm.
    KeyUnknown,
    /// The signature does not verify.
    Signature,
    /// A claim of the wrong type, or a member twice; where, in the caller's own document.
    Claims(String),
    /// `iss` is not the client.
    Issuer,
    /// `aud` does not hold our issuer.
    Audience,
    /// `sub` is the client, so that it could pass for a client assertion.
    Assertion,
    /// `client_id` is missing or another client.
    Client,
    /// `request` or `request_uri` inside.
    Nested,
    /// No `nbf`.
    NotBeforeMissing,
    /// `nbf` or `iat` too far ahead.
    Early,
    /// `nbf` too long ago.
    NotBeforeOld,
    /// No `exp`.
    ExpiryMissing,
    /// Past `exp`.
    Expired,
    /// Too long from `nbf` to `exp`.
    Lifetime,
    /// This `jti` was used before, or may have been.
    Replayed,
}

/// The DPoP proof or the client certificate is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofReason {
    /// No proof where one is needed.
    Missing,
    /// More than one `DPoP` header, or not one JWT in it.
    Malformed,
    /// `typ` is not `dpop+jwt`.
    Type,
    /// Algorithm outside the policy.
    Algorithm,
    /// The signature does not verify with the embedded key.
    Signature,
    /// `jti`, `htm`, `htu` or `iat` missing or of the wrong type.
    ClaimMissing,
    /// `htm` is another method.
    Method,
    /// `htu` is another URI.
    Uri,
    /// `iat` too old or too far ahead.
    Age,
    /// `ath` missing or of another token.
    TokenHash,
    /// Used before.
    Replayed,
    /// Issued before our replay memory begins.
    BeforeEpoch,
    /// No nonce, an old one or a foreign one: the answer carries a fresh one.
    Nonce,
    /// Another key than the one bound.
    KeyMismatch,
    /// No client certificate where the token is bound to one.
    CertificateMissing,
    /// A client certificate out of its time, where tokens are to be bound to it.
    CertificateNotCurrent,
    /// Both a DPoP proof and a certificate binding are in play and contradict the registration.
    ConstraintMismatch,
}

/// The code, refresh token or grant is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantReason {
    /// No such code or refresh token, or of another issuer.
    Unknown,
    /// Issued to another client.
    OtherClient,
    /// Past its life.
    Expired,
    /// Used before; everything it brought was revoked.
    SpentBefore,
    /// The grant was revoked.
    Revoked,
    /// `redirect_uri` is not the one of the request.
    RedirectUri,
    /// `code_verifier` missing.
    VerifierMissing,
    /// `code_verifier` is not the one behind the challenge.
    Verifier,
    /// `code_verifier` sent though no challenge was.
    VerifierUnasked,
    /// The consent behind it has ended.
    ConsentEnded,
    /// Asks for more than was granted.
    Widened,
}

/// The `authorization_details` are wrong; `path` says where, in the caller's own document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailsReason {
    /// Which way.
    pub fault: DetailsFault,
    /// Where, as in `authorization_details[0].Data.ExpirationDateTime`.
    pub path: String,
    /// What to change: fixed text, never a value that was sent.
    pub hint: &'static str,
}

/// The ways `authorization_details` can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetailsFault {
    /// Not a JSON array of objects within the bounds.
    Malformed,
    /// A `type` nobody registered here, or not for this client.
    TypeUnknown,
    /// A member this type does not have.
    MemberUnknown,
    /// A member that must be there is not.
    MemberMissing,
    /// A value that breaks a rule of the type.
    Value,
    /// More than was vetted or granted.
    Widened,
    /// A consent that does not exist, is another's, or is in the wrong state.
    Consent,
    /// The consent identifier was used before.
    ConsentIdUsed,
    /// The scope and the details do not belong together.
    ScopeMismatch,
}

/// The access token at a protected resource is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenReason {
    /// None in the `Authorization` header.
    Missing,
    /// More than one, or in a place it may not be.
    Misplaced,
    /// Not a token of this issuer, or its signature does not verify.
    Invalid,
    /// Past its life.
    Expired,
    /// For another audience.
    Audience,
    /// Revoked, or its grant or consent has ended.
    Revoked,
    /// Sent with another scheme than its binding asks for.
    Scheme,
    /// Not bound to the key or certificate that was shown.
    Binding,
    /// The scope of this resource is not in the token.
    Scope,
    /// The customer signed in too long ago, or not strongly enough, for this resource (RFC 9470 section 3).
    Authentication,
}

/// The signature of an HTTP message (RFC 9421) or its digest (RFC 9530).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageReason {
    /// No signature with the tag of the profile.
    Missing,
    /// More than one signature with that tag.
    Repeated,
    /// `Signature-Input`, `Signature` or `Content-Digest` cannot be read.
    Malformed,
    /// A component that must be covered is not.
    NotCovered,
    /// `created` is missing, too old or ahead of our clock, or `expires` has passed.
    Stale,
    /// An algorithm outside the policy, or not that of the key.
    Algorithm,
    /// No key of the sender has this `keyid`.
    Key,
    /// The signature does not verify.
    Signature,
    /// The content is not what its digest says.
    Digest,
    /// This signature was seen before.
    Replayed,
}

/// The customer, or what the customer was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalReason {
    /// The customer said no.
    Denied,
    /// The ticket is not ours, is over, or belongs to another browser.
    Ticket,
    /// `prompt=none` and nobody is signed in.
    LoginRequired,
    /// `prompt=none` and something has to be approved.
    ConsentRequired,
    /// What was approved is not within what was asked.
    Widened,
    /// The request was decided before.
    DecidedBefore,
    /// The customer did not sign in the way the request demands.
    AuthenticationUnmet,
    /// Nobody decided in time.
    TimedOut,
}

macro_rules! grouped {
    ($($group:ident($reason:ident)),+) => {$(
        impl From<$reason> for Reason {
            fn from(reason: $reason) -> Self {
                Self::$group(reason)
            }
        }
    )+};
}

grouped! {
    Client(ClientReason), Request(RequestReason), Object(ObjectReason), Proof(ProofReason), Grant(GrantReason),
    Details(DetailsReason), Token(TokenReason), Message(MessageReason), Approval(ApprovalReason)
}
