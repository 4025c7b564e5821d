//! How messages to and from one client are signed and encrypted, as it registered (OpenID Connect Registration section
//! 2, RFC 9101 section 10.5, JARM section 3, RFC 9701 section 6).

use serde::Deserialize;

use super::client::ClientMetadata;
use crate::jose::{Alg, ContentEncryption, Encryption, JwkSet, KeyManagement};
use crate::policy::Policy;

/// How messages to and from one client are signed and encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Messages {
    /// Whether its authorization requests are signed.
    pub requests: SignedRequests,
    /// Its request objects.
    pub request_object: Protection,
    /// Its ID tokens; their signature is [`Client::id_token_alg`](crate::Client::id_token_alg).
    pub id_token: Option<Encryption>,
    /// The signed authorization responses it is sent.
    pub authorization: Protection,
    /// Its userinfo; plain JSON without an algorithm.
    pub userinfo: Protection,
    /// The signed introspection answers it is sent.
    pub introspection: Protection,
    /// The signed bodies it sends to resources: encrypted to this server when one was registered.
    pub resource_body: Option<Encryption>,
    /// The signed answers it gets from resources.
    pub resource_answer: Option<Encryption>,
    /// What it is told when nobody decided in time.
    pub timeout: TimeoutError,
}

/// The `error` of an authorization that nobody decided in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeoutError {
    /// `access_denied` (RFC 6749 section 4.1.2.1); the description begins with `login_timeout`.
    #[default]
    AccessDenied,
    /// `login_timeout`, which is registered nowhere: for clients of a scheme that has it.
    LoginTimeout,
}

/// Whether the authorization requests of a client are signed, where the policy leaves it open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SignedRequests {
    /// They may be.
    #[default]
    Optional,
    /// They are (RFC 9101 section 10.5, `require_signed_request_object`).
    Required,
}

/// A signature and, around it, an encryption.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Protection {
    /// The signature algorithm, when one was registered.
    pub alg: Option<Alg>,
    /// The encryption, when one was registered.
    pub encryption: Option<Encryption>,
}

/// One pair of members, `…_encrypted_response_alg` and `…_enc`.
type Pair = (Option<KeyManagement>, Option<ContentEncryption>);

impl Messages {
    /// Reads the members of a registration and checks them against the policy.
    pub(super) fn register(
        metadata: &ClientMetadata,
        policy: &Policy,
        blame: &mut impl FnMut(&'static str, &str),
    ) -> Self {
        let signed = signed(metadata, policy, blame);
        let encryption = encryption(metadata, blame);
        let [
            request_object,
            id_token,
            authorization,
            userinfo,
            introspection,
            resource_body,
            resource_answer,
        ] = encryption;
        if userinfo.is_some() && signed.userinfo.is_none() {
            blame("userinfo_signed_response_alg", "what is encrypted is signed first: register an algorithm");
        }
        let requests = if metadata.require_signed_request_object {
            SignedRequests::Required
        } else {
            SignedRequests::Optional
        };
        Self {
            requests,
            request_object: Protection { alg: signed.request_object, encryption: request_object },
            id_token,
            authorization: Protection { alg: signed.authorization, encryption: authorization },
            userinfo: Protection { alg: signed.userinfo, encryption: userinfo },
            introspection: Protection { alg: signed.introspection, encryption: introspection },
            resource_body,
            resource_answer,
            timeout: metadata.timeout_error,
        }
    }

    /// Every answer that must be encrypted to this client has a key in its set.
    pub(super) fn check_keys(&self, keys: &JwkSet, blame: &mut impl FnMut(&'static str, &str)) {
        let answers = [
            ("id_token_encrypted_response_alg", self.id_token),
            ("authorization_encrypted_response_alg", self.authorization.encryption),
            ("userinfo_encrypted_response_alg", self.userinfo.encryption),
            ("introspection_encrypted_response_alg", self.introspection.encryption),
            ("resource_encrypted_response_alg", self.resource_answer),
        ];
        for (member, encryption) in answers {
            if encryption.is_some_and(|encryption| keys.encryption_key(encryption.alg).is_none()) {
                blame(member, "jwks holds no key for that algorithm with use=enc");
            }
        }
    }
}

/// The signature algorithms, each allowed by the policy or blamed.
struct Signed {
    request_object: Option<Alg>,
    authorization: Option<Alg>,
    userinfo: Option<Alg>,
    introspection: Option<Alg>,
}

fn signed(metadata: &ClientMetadata, policy: &Policy, blame: &mut impl FnMut(&'static str, &str)) -> Signed {
    let objects = policy.signed_request().map_or(&[][..], |signed| signed.algs);
    let responses =
        if policy.answer_by.iter().any(|mode| mode.is_signed()) { policy.signing_algs } else { &[] };
    for (member, alg, allowed) in [
        ("request_object_signing_alg", metadata.request_object_signing_alg, objects),
        ("authorization_signed_response_alg", metadata.authorization_signed_response_alg, responses),
        ("userinfo_signed_response_alg", metadata.userinfo_signed_response_alg, policy.signing_algs),
        (
            "introspection_signed_response_alg",
            metadata.introspection_signed_response_alg,
            policy.signing_algs,
        ),
    ] {
        if let Some(alg) = alg
            && !allowed.contains(&alg)
        {
            blame(member, &format!("{} is not an algorithm of {} for this", alg.as_str(), policy.name));
        }
    }
    if metadata.require_signed_request_object && objects.is_empty() {
        blame("require_signed_request_object", &format!("{} takes no request objects", policy.name));
    }
    Signed {
        request_object: metadata.request_object_signing_alg,
        authorization: metadata.authorization_signed_response_alg,
        userinfo: metadata.userinfo_signed_response_alg,
        introspection: metadata.introspection_signed_response_alg,
    }
}

/// Request object, ID token, authorization response, userinfo, introspection, resource bodies, resource answers.
fn encryption(
    metadata: &ClientMetadata,
    blame: &mut impl FnMut(&'static str, &str),
) -> [Option<Encryption>; 7] {
    let pairs: [(&'static str, Pair); 7] = [
        (
            "request_object_encryption_alg",
            (metadata.request_object_encryption_alg, metadata.request_object_encryption_enc),
        ),
        (
            "id_token_encrypted_response_alg",
            (metadata.id_token_encrypted_response_alg, metadata.id_token_encrypted_response_enc),
        ),
        (
            "authorization_encrypted_response_alg",
            (metadata.authorization_encrypted_response_alg, metadata.authorization_encrypted_response_enc),
        ),
        (
            "userinfo_encrypted_response_alg",
            (metadata.userinfo_encrypted_response_alg, metadata.userinfo_encrypted_response_enc),
        ),
        (
            "introspection_encrypted_response_alg",
            (metadata.introspection_encrypted_response_alg, metadata.introspection_encrypted_response_enc),
        ),
        ("resource_encryption_alg", (metadata.resource_encryption_alg, metadata.resource_encryption_enc)),
        (
            "resource_encrypted_response_alg",
            (metadata.resource_encrypted_response_alg, metadata.resource_encrypted_response_enc),
        ),
    ];
    pairs.map(|(member, pair)| match pair {
        (None, None) => None,
        (Some(_), Some(_)) if !Encryption::BUILT => {
            blame(member, "this server was built without encryption");
            None
        }
        (Some(alg), Some(enc)) => Some(Encryption { alg, enc }),
        (Some(_), None) => {
            blame(member, "name the content encryption too: A256GCM; the standard's default is not on offer");
            None
        }
        (None, Some(_)) => {
            blame(member, "the content encryption needs its key management algorithm");
            None
        }
    })
}

/// The policy a registration names for this client alone.
pub(super) fn own_policy(
    metadata: &ClientMetadata,
    blame: &mut impl FnMut(&'static str, &str),
) -> Option<&'static Policy> {
    let name = metadata.policy.as_deref()?;
    let Some(policy) = Policy::named(name) else {
        blame("policy", "there is no policy of that name");
        return None;
    };
    let unbuilt = policy.unbuilt();
    if !unbuilt.is_empty() {
        blame("policy", &format!("{} needs what is not built: {}", policy.name, unbuilt.join(", ")));
    }
    Some(policy)
}
