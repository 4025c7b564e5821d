//! What a bank may choose, checked once against the bounds of its policy.

use std::fmt;

use zeroize::Zeroizing;

use super::key_times::KeyTimes;
use super::{Cap, Constraint, Policy};
use crate::jose::Alg;
use crate::vocabulary::scope::Scope;
use crate::vocabulary::time::Seconds;
use crate::vocabulary::uri::{Issuer, Resource};

/// The bank's own choices for one issuer.
#[derive(Debug)]
pub struct Settings {
    /// Who issues (RFC 8414 section 2).
    pub issuer: Issuer,
    /// Origin of the listener that asks for client certificates, for `mtls_endpoint_aliases` (RFC 8705 section 5).
    pub mtls_origin: Option<String>,
    /// Where each endpoint lives below the issuer's path.
    pub paths: Paths,
    /// Life of an authorization code.
    pub code_lifetime: Seconds,
    /// Life of a pushed request.
    pub request_uri_lifetime: Seconds,
    /// Life of an access token.
    pub access_token_lifetime: Seconds,
    /// Life of a refresh token and of the grant behind it. Under a consent with an end of its own they live until that instead,
    /// earlier or later.
    pub refresh_token_lifetime: Seconds,
    /// Life of an ID token.
    pub id_token_lifetime: Seconds,
    /// Life of a signed authorization response (JARM section 2.1).
    pub authorization_response_lifetime: Seconds,
    /// Other policies that single clients are registered for. The settings are held against each of them, the
    /// metadata speaks of all of them, and no client is served under any other.
    pub client_policies: Vec<&'static Policy>,
    /// How long the customer may take between seeing the first page and deciding.
    pub interaction_lifetime: Seconds,
    /// How often one client may push a request (RFC 9126 section 2.3).
    pub push_rate: PushRate,
    /// Whether DPoP proofs must carry our nonce (RFC 9449 section 8).
    pub proof_nonce: ProofNonce,
    /// Algorithm of access tokens, ID tokens and signed answers, unless a client registered another.
    pub signing_alg: Alg,
    /// How long a signing key stays in each stage of its life, and how long relying parties may keep the key set.
    pub keys: KeyTimes,
    /// Scopes that may be asked for, besides the parameterised ones a consent brings.
    pub scopes: Scope,
    /// The resources tokens are issued for; the first is the default audience.
    pub resources: Vec<ResourceSetting>,
    /// Key material that all processes of this issuer share.
    pub secret: ServerSecret,
}

/// One resource tokens are issued for.
#[derive(Debug, Clone)]
pub struct ResourceSetting {
    /// Its identifier, the `aud` of tokens (RFC 8707, RFC 9068 section 2.2).
    pub uri: Resource,
    /// The form of its tokens.
    pub tokens: TokenForm,
}

/// The form of an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenForm {
    /// A signed JWT (RFC 9068).
    Jwt,
    /// A random handle that only introspection resolves.
    Opaque,
}

/// Whether DPoP proofs must carry our nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofNonce {
    /// No nonce is asked for; `iat` decides.
    Off,
    /// Every proof needs a fresh nonce of ours.
    Require,
}

/// How often one client may push a request, or do what else is counted, at one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushRate {
    /// As often as it likes.
    Unlimited,
    /// So many a minute in the long run, and so many at once. Beyond that the answer is 429 with `Retry-After`.
    Limited {
        /// In the long run.
        per_minute: u32,
        /// At once, after a pause.
        burst: u32,
    },
}

/// Where each endpoint lives below the issuer's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Authorization endpoint (RFC 6749 section 3.1).
    pub authorize: String,
    /// Token endpoint (RFC 6749 section 3.2).
    pub token: String,
    /// Pushed authorization request endpoint (RFC 9126).
    pub par: String,
    /// Introspection endpoint (RFC 7662).
    pub introspect: String,
    /// Revocation endpoint (RFC 7009).
    pub revoke: String,
    /// Userinfo endpoint (OpenID Connect Core section 5.3).
    pub userinfo: String,
    /// Key set (RFC 7517 section 5).
    pub jwks: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            authorize: "/authorize".to_owned(),
            token: "/token".to_owned(),
            par: "/par".to_owned(),
            introspect: "/introspect".to_owned(),
            revoke: "/revoke".to_owned(),
            userinfo: "/userinfo".to_owned(),
            jwks: "/jwks".to_owned(),
        }
    }
}

/// 256 secret bits that all processes of an issuer share. Nonces, tickets and form tokens are keyed from it.
pub struct ServerSecret(Zeroizing<[u8; 32]>);

impl ServerSecret {
    /// Takes 32 bytes from a cryptographic random source.
    #[must_use]
    pub const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// An HMAC-SHA-256 key for one purpose, derived so that no two purposes share a key.
    #[must_use]
    pub fn key(&self, purpose: &str) -> ring::hmac::Key {
        let root = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.0.as_slice());
        let derived = ring::hmac::sign(&root, purpose.as_bytes());
        ring::hmac::Key::new(ring::hmac::HMAC_SHA256, derived.as_ref())
    }
}

impl fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSecret(…)")
    }
}

/// A setting that the policy, or plain sense, does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {message} ({bound_by})")]
pub struct OutOfBounds {
    /// Name of the field of [`Settings`].
    pub setting: &'static str,
    /// The document and section that bounds it.
    pub bound_by: &'static str,
    /// What to change.
    pub message: String,
}

impl Settings {
    /// Settings with every lifetime at its recommended value.
    #[must_use]
    pub fn recommended(issuer: Issuer, resource: Resource, secret: ServerSecret) -> Self {
        Self {
            issuer,
            mtls_origin: None,
            paths: Paths::default(),
            code_lifetime: Seconds::new(60),
            request_uri_lifetime: Seconds::new(60),
            access_token_lifetime: Seconds::minutes(5),
            refresh_token_lifetime: Seconds::days(90),
            id_token_lifetime: Seconds::minutes(5),
            authorization_response_lifetime: Seconds::new(120),
            client_policies: Vec::new(),
            interaction_lifetime: Seconds::minutes(10),
            push_rate: PushRate::Limited { per_minute: 60_000, burst: 100_000 },
            proof_nonce: ProofNonce::Off,
            signing_alg: Alg::Es256,
            keys: KeyTimes::recommended(),
            scopes: Scope::default(),
            resources: vec![ResourceSetting { uri: resource, tokens: TokenForm::Jwt }],
            secret,
        }
    }

    /// The issuer's policy and those of single clients, each once.
    pub(crate) fn policies<'a>(&'a self, issuer: &'a Policy) -> Vec<&'a Policy> {
        let mut all = vec![issuer];
        for policy in &self.client_policies {
            if !all.contains(policy) {
                all.push(policy);
            }
        }
        all
    }

    /// Every setting that is out of bounds, not only the first. Whether the signer has a key is not looked at here.
    #[must_use]
    pub fn out_of_bounds(&self, policy: &Policy) -> Vec<OutOfBounds> {
        let mut found = self.unfit(policy);
        for fault in self.policies(policy).into_iter().flat_map(|policy| self.beyond(policy)) {
            if !found.contains(&fault) {
                found.push(fault);
            }
        }
        found
    }

    /// Every lifetime that one policy does not allow, and what it asks for that is not built.
    fn beyond(&self, policy: &Policy) -> Vec<OutOfBounds> {
        let mut found = Vec::from_iter(unbuilt(policy));
        let mut lifetime = |setting, length: Seconds, cap: Cap, bound_by| {
            if length <= Seconds::new(0) || !cap.allows(length) {
                let message = match cap {
                    Cap::Max(max) => format!("{length} must be between 1 s and {max}"),
                    Cap::ConsentLifetime | Cap::Unset => format!("{length} must be at least 1 s"),
                };
                found.push(OutOfBounds { setting, bound_by, message });
            }
        };
        lifetime(
            "code_lifetime",
            self.code_lifetime,
            policy.code_lifetime,
            "FAPI 2.0 Security Profile 5.3.2.1-11",
        );
        lifetime(
            "request_uri_lifetime",
            self.request_uri_lifetime,
            policy.request_uri_lifetime,
            "FAPI 2.0 Security Profile 5.3.2.2-11",
        );
        lifetime(
            "access_token_lifetime",
            self.access_token_lifetime,
            policy.access_token_lifetime,
            "the profile's own cap",
        );
        lifetime(
            "refresh_token_lifetime",
            self.refresh_token_lifetime,
            policy.refresh_token_lifetime,
            "the profile's own cap",
        );
        lifetime("id_token_lifetime", self.id_token_lifetime, Cap::Unset, "OpenID Connect Core 2");
        lifetime(
            "authorization_response_lifetime",
            self.authorization_response_lifetime,
            Cap::Max(Seconds::minutes(10)),
            "JARM 2.1",
        );
        let signed_max =
            self.access_token_lifetime.max(self.id_token_lifetime).max(self.authorization_response_lifetime);
        found.extend(self.keys.out_of_bounds(signed_max, policy.skew));
        if self.mtls_origin.is_none() && policy.sender_constraint.offered() == [Constraint::Mtls] {
            found.push(OutOfBounds {
                setting: "mtls_origin",
                bound_by: "RFC 8705 5",
                message: "this profile binds tokens to certificates: name the listener that asks for them"
                    .to_owned(),
            });
        }
        found
    }

    /// What is held against the issuer's own policy, or against plain sense.
    fn unfit(&self, policy: &Policy) -> Vec<OutOfBounds> {
        let mut found = Vec::new();
        if self.request_uri_lifetime < Seconds::new(5) {
            found.push(OutOfBounds {
                setting: "request_uri_lifetime",
                bound_by: "RFC 9126 2.2",
                message: "at least 5 s, or no browser can follow".to_owned(),
            });
        }
        if matches!(
            self.push_rate,
            PushRate::Limited { per_minute: 0, .. } | PushRate::Limited { burst: 0, .. }
        ) {
            found.push(OutOfBounds {
                setting: "push_rate",
                bound_by: "RFC 9126 2.3",
                message: "at least one a minute and one at once, or nobody can push".to_owned(),
            });
        }
        if !policy.signing_algs.contains(&self.signing_alg) {
            found.push(OutOfBounds {
                setting: "signing_alg",
                bound_by: "FAPI 2.0 Security Profile 5.4.1",
                message: format!("{} is not an algorithm of {}", self.signing_alg.as_str(), policy.name),
            });
        }
        if self.resources.is_empty() {
            found.push(OutOfBounds {
                setting: "resources",
                bound_by: "RFC 9068 2.2",
                message: "name at least one resource, the audience of access tokens".to_owned(),
            });
        }
        found
    }
}

/// What a policy asks for and this build cannot do: it is refused whole rather than served in part.
fn unbuilt(policy: &Policy) -> Option<OutOfBounds> {
    let unbuilt = policy.unbuilt();
    (!unbuilt.is_empty()).then(|| OutOfBounds {
        setting: "policy",
        bound_by: "this build",
        message: format!("{} needs what is not built: {}", policy.name, unbuilt.join(", ")),
    })
}
