//! What is registered about a client. Read from RFC 7591 metadata, checked once against the policy, then plain data.

use serde::Deserialize;

use super::certificate_subject::{self, CertificateSubject};
use super::messages::{Messages, TimeoutError, own_policy};
use crate::jose::{Alg, ContentEncryption, KeyManagement};
use crate::policy::settings::TokenForm;
use crate::policy::{ClientAuth, Constraint, Policy};
use crate::vocabulary::https_url::HttpsUrl;
use crate::vocabulary::id::{ClientId, DetailType};
use crate::vocabulary::scope::Scope;
use crate::vocabulary::uri::{RedirectUri, Resource};

mod constraint;
mod keys;

pub use keys::RegisteredKeys;

/// A registered client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its identifier.
    pub id: ClientId,
    /// Who it is, for the customer.
    pub organisation: Organisation,
    /// Whether it may act.
    pub status: ClientStatus,
    /// How it proves who it is.
    pub credential: Credential,
    /// Its public keys, for assertions, signed bodies and encryption to it. Ask the port for them: [`ClientKeys`](crate::ClientKeys).
    pub keys: RegisteredKeys,
    /// What its tokens are bound to.
    pub constraint: Constraint,
    /// Where its browsers may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where it listens for events. What it subscribes with is on a host of these, or of [`Self::redirect_uris`].
    pub webhook_uris: Vec<HttpsUrl>,
    /// Which grants it may use.
    pub grant_types: Vec<GrantType>,
    /// The most it may ask for.
    pub scope: Scope,
    /// Which `authorization_details` types it may use (RFC 9396 section 10).
    pub detail_types: Vec<DetailType>,
    /// Algorithm of its ID tokens, when it registered one.
    pub id_token_alg: Option<Alg>,
    /// How its messages are signed and encrypted.
    pub messages: Messages,
    /// Algorithm of its own signed bodies, when it registered one.
    pub message_alg: Option<Alg>,
    /// Form of its access tokens, when it differs from the resource's.
    pub tokens: Option<TokenForm>,
    /// The resource it serves, when it is a resource server: the audience whose tokens it may introspect.
    pub resource: Option<Resource>,
    /// A stricter policy than the issuer's, when it is registered for one.
    pub policy: Option<&'static Policy>,
}

/// Who stands behind a client, from the registry and never from the request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Name for the customer.
    pub name: String,
    /// Identifier in the ecosystem's registry; the `participant-id` of its calls.
    pub id: String,
    /// Verified domain.
    pub domain: String,
}

/// Whether a client may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientStatus {
    /// It may.
    Active,
    /// Everything it asks is refused.
    Disabled,
}

/// How a client proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A signed assertion (RFC 7523).
    PrivateKeyJwt,
    /// A certificate of a trusted authority with this subject (RFC 8705 section 2.1).
    TlsClientAuth(CertificateSubject),
    /// A self-signed certificate whose key is registered (RFC 8705 section 2.2).
    SelfSignedTlsClientAuth,
}

impl Credential {
    /// The registered method.
    #[must_use]
    pub const fn method(&self) -> ClientAuth {
        match self {
            Self::PrivateKeyJwt => ClientAuth::PrivateKeyJwt,
            Self::TlsClientAuth(_) => ClientAuth::TlsClientAuth,
            Self::SelfSignedTlsClientAuth => ClientAuth::SelfSignedTlsClientAuth,
        }
    }
}

/// `grant_type` values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 section 4.1.
    AuthorizationCode,
    /// RFC 6749 section 6.
    RefreshToken,
    /// RFC 6749 section 4.4.
    ClientCredentials,
}

impl GrantType {
    /// Every grant on offer.
    pub const ALL: &'static [Self] = &[Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials];

    /// The value on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }

    /// Reads the value of the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|grant| grant.as_str() == text)
    }
}

/// Client metadata as RFC 7591 section 2 names it, with the members of RFC 8705, 9396 and 9449 we read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientMetadata {
    /// `client_id`.
    pub client_id: ClientId,
    /// Who stands behind it.
    pub organisation: Organisation,
    /// `active` unless said otherwise.
    #[serde(default = "active")]
    pub status: ClientStatus,
    /// `token_endpoint_auth_method`.
    pub token_endpoint_auth_method: String,
    /// `tls_client_auth_subject_dn` (RFC 8705 section 2.1.2).
    #[serde(default)]
    pub tls_client_auth_subject_dn: Option<String>,
    /// `tls_client_auth_san_dns`.
    #[serde(default)]
    pub tls_client_auth_san_dns: Option<String>,
    /// `tls_client_auth_san_uri`.
    #[serde(default)]
    pub tls_client_auth_san_uri: Option<String>,
    /// `tls_client_auth_san_ip`: dotted decimal, or the hexadecimal form of IPv6.
    #[serde(default)]
    pub tls_client_auth_san_ip: Option<String>,
    /// `tls_client_auth_san_email`.
    #[serde(default)]
    pub tls_client_auth_san_email: Option<String>,
    /// `jwks`, inline. Not together with `jwks_uri`.
    #[serde(default)]
    pub jwks: Option<serde_json::Value>,
    /// `jwks_uri`: an `https` URL where the client publishes its key set.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// `dpop_bound_access_tokens` (RFC 9449 section 5.2).
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
    /// `tls_client_certificate_bound_access_tokens` (RFC 8705 section 3.4).
    #[serde(default)]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// `redirect_uris`.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// `webhook_uris`: where it listens for events, `https` each (UAE bank service initiation section 11.1).
    #[serde(default)]
    pub webhook_uris: Vec<String>,
    /// `grant_types`.
    #[serde(default = "code_only")]
    pub grant_types: Vec<GrantType>,
    /// `scope`.
    #[serde(default)]
    pub scope: Scope,
    /// `authorization_details_types` (RFC 9396 section 10).
    #[serde(default)]
    pub authorization_details_types: Vec<DetailType>,
    /// `id_token_signed_response_alg`.
    #[serde(default)]
    pub id_token_signed_response_alg: Option<Alg>,
    /// `request_object_signing_alg` (OpenID Connect Registration section 2).
    #[serde(default)]
    pub request_object_signing_alg: Option<Alg>,
    /// `require_signed_request_object` (RFC 9101 section 10.5).
    #[serde(default)]
    pub require_signed_request_object: bool,
    /// `request_object_encryption_alg`.
    #[serde(default)]
    pub request_object_encryption_alg: Option<KeyManagement>,
    /// `request_object_encryption_enc`.
    #[serde(default)]
    pub request_object_encryption_enc: Option<ContentEncryption>,
    /// `id_token_encrypted_response_alg`.
    #[serde(default)]
    pub id_token_encrypted_response_alg: Option<KeyManagement>,
    /// `id_token_encrypted_response_enc`.
    #[serde(default)]
    pub id_token_encrypted_response_enc: Option<ContentEncryption>,
    /// `authorization_signed_response_alg` (JARM section 3).
    #[serde(default)]
    pub authorization_signed_response_alg: Option<Alg>,
    /// `authorization_encrypted_response_alg`.
    #[serde(default)]
    pub authorization_encrypted_response_alg: Option<KeyManagement>,
    /// `authorization_encrypted_response_enc`.
    #[serde(default)]
    pub authorization_encrypted_response_enc: Option<ContentEncryption>,
    /// `userinfo_signed_response_alg`.
    #[serde(default)]
    pub userinfo_signed_response_alg: Option<Alg>,
    /// `userinfo_encrypted_response_alg`.
    #[serde(default)]
    pub userinfo_encrypted_response_alg: Option<KeyManagement>,
    /// `userinfo_encrypted_response_enc`.
    #[serde(default)]
    pub userinfo_encrypted_response_enc: Option<ContentEncryption>,
    /// `introspection_signed_response_alg` (RFC 9701 section 6).
    #[serde(default)]
    pub introspection_signed_response_alg: Option<Alg>,
    /// `introspection_encrypted_response_alg`.
    #[serde(default)]
    pub introspection_encrypted_response_alg: Option<KeyManagement>,
    /// `introspection_encrypted_response_enc`.
    #[serde(default)]
    pub introspection_encrypted_response_enc: Option<ContentEncryption>,
    /// Name of the policy this client is registered for, where it is another than the issuer's. Written by the bank;
    /// whoever takes registrations from clients themselves must not take this member from them.
    #[serde(default)]
    pub policy: Option<String>,
    /// Algorithm of signed resource bodies.
    #[serde(default)]
    pub resource_signing_alg: Option<Alg>,
    /// `resource_encryption_alg`: its signed resource bodies are encrypted to this server, and clear ones are refused.
    #[serde(default)]
    pub resource_encryption_alg: Option<KeyManagement>,
    /// `resource_encryption_enc`.
    #[serde(default)]
    pub resource_encryption_enc: Option<ContentEncryption>,
    /// `resource_encrypted_response_alg`: signed answers of resources are encrypted to this client.
    #[serde(default)]
    pub resource_encrypted_response_alg: Option<KeyManagement>,
    /// `resource_encrypted_response_enc`.
    #[serde(default)]
    pub resource_encrypted_response_enc: Option<ContentEncryption>,
    /// The error of an authorization that nobody decided in time: `access_denied`, or `login_timeout` (OFxPERA).
    #[serde(default)]
    pub timeout_error: TimeoutError,
    /// `jwt` or `opaque`.
    #[serde(default)]
    pub access_token_format: Option<TokenForm>,
    /// For resource servers: the audience they serve.
    #[serde(default)]
    pub resource: Option<Resource>,
}

const fn active() -> ClientStatus {
    ClientStatus::Active
}

fn code_only() -> Vec<GrantType> {
    vec![GrantType::AuthorizationCode]
}

/// Why metadata cannot be registered. Each names the member to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {message}")]
pub struct InvalidMetadata {
    /// The member of the metadata.
    pub member: &'static str,
    /// What to change.
    pub message: String,
}

impl Client {
    /// Registers a client under a policy (RFC 7591 section 2, checked against the profile).
    ///
    /// # Errors
    /// Every member that is wrong, not only the first.
    pub fn register(metadata: ClientMetadata, policy: &'static Policy) -> Result<Self, Vec<InvalidMetadata>> {
        let mut wrong = Vec::new();
        let mut blame =
            |member, message: &str| wrong.push(InvalidMetadata { member, message: message.to_owned() });

        let own = own_policy(&metadata, &mut blame);
        let policy = own.unwrap_or(policy);
        let credential = credential(&metadata, policy, &mut blame);
        let constraint = constraint::read(&metadata, policy, &mut blame);
        let keys = keys::registered(&metadata, &mut blame);
        let messages = Messages::register(&metadata, policy, &mut blame);
        if let (Some(_), RegisteredKeys::Inline(set)) = (&metadata.jwks, &keys) {
            messages.check_keys(set, &mut blame);
        }
        if matches!(credential, Some(Credential::PrivateKeyJwt | Credential::SelfSignedTlsClientAuth))
            && keys.are_absent()
        {
            blame("jwks", "this authentication method needs at least one public key, here or at a jwks_uri");
        }
        let mut redirect_uris = Vec::new();
        for text in &metadata.redirect_uris {
            match RedirectUri::new(text) {
                Ok(uri) => redirect_uris.push(uri),
                Err(fault) => blame("redirect_uris", &format!("{text}: {fault}")),
            }
        }
        if metadata.grant_types.contains(&GrantType::AuthorizationCode) && metadata.redirect_uris.is_empty() {
            blame("redirect_uris", "the authorization_code grant needs at least one");
        }
        let mut webhook_uris = Vec::new();
        for text in &metadata.webhook_uris {
            match HttpsUrl::new(text) {
                Ok(uri) => webhook_uris.push(uri),
                Err(fault) => blame("webhook_uris", &format!("{text}: {fault}")),
            }
        }
        for alg in
            [metadata.id_token_signed_response_alg, metadata.resource_signing_alg].into_iter().flatten()
        {
            if !policy.signing_algs.contains(&alg) {
                blame(
                    "id_token_signed_response_alg",
                    &format!("{} is not an algorithm of {}", alg.as_str(), policy.name),
                );
            }
        }
        match (credential, constraint, wrong.is_empty()) {
            (Some(credential), Some(constraint), true) => Ok(Self {
                id: metadata.client_id,
                organisation: metadata.organisation,
                status: metadata.status,
                credential,
                keys,
                constraint,
                redirect_uris,
                webhook_uris,
                grant_types: metadata.grant_types,
                scope: metadata.scope,
                detail_types: metadata.authorization_details_types,
                id_token_alg: metadata.id_token_signed_response_alg,
                messages,
                message_alg: metadata.resource_signing_alg,
                tokens: metadata.access_token_format,
                resource: metadata.resource,
                policy: own,
            }),
            (_, _, _) => Err(wrong),
        }
    }

    /// The policy that holds for this client: its own, or the issuer's.
    #[must_use]
    pub fn policy_or(&self, issuer: &'static Policy) -> &'static Policy {
        self.policy.unwrap_or(issuer)
    }
}

fn credential(
    metadata: &ClientMetadata,
    policy: &Policy,
    blame: &mut impl FnMut(&'static str, &str),
) -> Option<Credential> {
    let credential = match metadata.token_endpoint_auth_method.as_str() {
        "private_key_jwt" => Some(Credential::PrivateKeyJwt),
        "self_signed_tls_client_auth" => Some(Credential::SelfSignedTlsClientAuth),
        "tls_client_auth" => certificate_subject::read(metadata, blame).map(Credential::TlsClientAuth),
        _ => {
            blame(
                "token_endpoint_auth_method",
                "private_key_jwt, tls_client_auth or self_signed_tls_client_auth",
            );
            None
        }
    };
    if let Some(known) = &credential
        && !policy.client_auth.contains(&known.method())
    {
        blame(
            "token_endpoint_auth_method",
            &format!("{} is not a method of {}", known.method().as_str(), policy.name),
        );
    }
    credential
}
