//! OAuth 2.0 and OpenID Connect authorization server for FAPI-grade deployments: the protocol engine.
//!
//! An [`AuthorizationServer`] is built from a [`Policy`] (what a profile demands), [`Settings`] (what the bank
//! chooses) and [`Ports`] (what the bank supplies). Every endpoint is one method, and every method goes through the
//! same six steps: read, identify, gather, decide, commit, answer.
//!
//! Start with [`AuthorizationServer::new`]; mount it with `http::OAuthService` (feature `http`), or call the
//! methods with typed values from any framework. Resource servers judge tokens with [`TokenVerifier`].

mod endpoint;
#[cfg(feature = "fetch")]
pub mod fetch;
#[cfg(feature = "http")]
pub mod http;
mod identify;
pub mod jose;
pub mod limits;
mod model;
mod policy;
mod port;
mod refusal;
mod rules;
mod server;
pub mod store;
#[cfg(feature = "testkit")]
pub mod testkit;
mod verify;
mod vocabulary;
mod wire;

pub use endpoint::Submitted;
pub use endpoint::authorize::{AuthorizeSubmitted, Interacting};
pub use endpoint::introspect::{Active, AnswerForm, Inactive, Introspection, IntrospectionAnswer};
pub use endpoint::introspect_by_query::{Named, Queried, QuerySubmitted};
pub use endpoint::metadata::{Aliases, MessageMetadata, Metadata};
pub use endpoint::push::Pushed;
pub use endpoint::response::{FormPost, Return};
pub use endpoint::resume::{ResumeSubmitted, Waiting};
pub use endpoint::token::TokenAnswer;
pub use endpoint::userinfo::UserinfoAnswer;
pub use identify::Presented;
pub use model::binding::{Binding, NotAThumbprint, Thumbprint};
pub use model::certificate::{Chain, PeerCertificate};
pub use model::certificate_subject::CertificateSubject;
pub use model::claims_request::ClaimsRequest;
pub use model::client::{
    Client, ClientMetadata, ClientStatus, Credential, GrantType, InvalidMetadata, Organisation,
    RegisteredKeys,
};
pub use model::details::{AuthorizationDetails, Confidential, VettedDetail, VettedDetails};
pub use model::distinguished_name::{DistinguishedName, DistinguishedNameFault};
pub use model::grant::{Approval, Authentication, Grant, ShownText, Stage};
pub use model::messages::{Messages, Protection, SignedRequests, TimeoutError};
pub use model::request::{Prompt, VettedRequest};
pub use model::signing_key::{
    Due, Haste, KeyMaterial, KeyMove, KeyRefusal, KeyStage, KeyStep, NewKey, Ring, RingKey, TRANSITIONS,
    Transition, Withdrawal, key_name,
};
pub use model::token::AccessClaims;
pub use policy::buckets::ClientBuckets;
pub use policy::key_times::KeyTimes;
pub use policy::profiles::{
    FAPI1_ADVANCED, FAPI2_MESSAGE_SIGNING, FAPI2_MESSAGE_SIGNING_ID1, FAPI2_SECURITY, PLAIN_OAUTH,
    UAE_OPEN_FINANCE,
};
pub use policy::settings::{
    OutOfBounds, Paths, ProofNonce, PushRate, ResourceSetting, ServerSecret, Settings, TokenForm,
};
pub use policy::{
    AnswerBy, AssertionAudience, Beside, Cap, ClientAuth, Constraint, ObjectAudience, ObjectCalled, Openid,
    Pkce, Policy, RefreshRotation, RequestObject, RequestPath, ResponseType, SenderConstraint, SignedRequest,
};
pub use port::Ports;
pub use port::apart;
pub use port::audit::{Audit, AuditEvent, AuditOutcome, Cause, KeyEvent, LogAudit};
pub use port::claims::{Claimed, Claims, Once};
pub use port::client_keys::{ClientKeys, HeldKeys, InlineKeys, KeyHint, KeysFault};
pub use port::clients::{ClientDirectory, FixedClients};
pub use port::clock::{Clock, SystemClock};
pub use port::companion::{Companion, Kept};
pub use port::consents::{
    ConsentChange, ConsentFacts, Consents, DetailTypes, DetailsCase, NoConsents, NoDetailTypes, Overtaken,
    Standing,
};
#[cfg(feature = "jwe")]
pub use port::decrypter::LocalDecrypter;
pub use port::decrypter::{Decrypter, NoDecrypter, Opened};
pub use port::entropy::{Entropy, SystemEntropy};
pub use port::interaction::{Denial, ErrorPage, Interaction, Outcome};
pub use port::key_ring::{KeyRing, KeyVault, PrivateKey, RingChange};
pub use port::signer::{Currency, LocalSigner, Signer, Wanted};
pub use port::store::{
    Opening, Redemption, RefreshRecord, Spend, Store, StoredAccess, Together, TokenStanding, UseState,
};
pub use port::token_index::{MemoryTokenIndex, NoTokenIndex, TokenHash, TokenIndex};
pub use port::users::{NoUserClaims, UserClaims, UserStanding};
pub use refusal::code::{At, ErrorCode, Wire};
pub use refusal::reason::{
    ApprovalReason, ClientReason, DetailsFault, DetailsReason, GrantReason, MessageReason, ObjectReason,
    ProofReason, Reason, RequestReason, TokenReason,
};
pub use refusal::{Error, Fault, Refusal, RuleId};
pub use rules::{Rule, hold};
pub use server::AuthorizationServer;
pub use verify::access_token::{Authority, TokenVerifier, VerifierSettings};
pub use vocabulary::https_url::{Host, HttpsUrl};
pub use vocabulary::id::{
    ClientId, ConsentId, CorrelationId, DetailType, GrantId, IllFormed, KeyId, Subject,
};
pub use vocabulary::scope::Scope;
pub use vocabulary::secret::{
    Access, Browser, Code, Fingerprint, Kind, Refresh, RequestUri, Secret, Session,
};
pub use vocabulary::time::{Seconds, Timestamp};
pub use vocabulary::uri::{Issuer, RedirectUri, Resource, UriFault};

/// JSON, read strictly and written canonically.
pub mod json {
    pub use crate::wire::json::{JsonFault, JsonPath, canonical, from_tree, read_strict, read_value};
}

/// Signed HTTP messages (RFC 9421, RFC 9530), made and judged as FAPI 2.0 Message Signing asks.
pub mod message {
    pub use crate::verify::message::{
        Field, Prepared, RequestMessage, ResponseMessage, SignatureFields, VerifiedMessage, accept_signature,
        content_digest, prepare_request, prepare_response, verify_request, verify_response,
    };
}
