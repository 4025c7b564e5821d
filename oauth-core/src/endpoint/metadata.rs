//! Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0), computed from the same policy and settings
//! that the rules read, so that the two cannot disagree.

use serde::Serialize;

use crate::jose::{ContentEncryption, Encryption, KeyManagement};
use crate::model::claims_request::TELLABLE;
use crate::model::client::GrantType;
use crate::policy::settings::{Paths, Settings};
use crate::policy::{AnswerBy, Constraint, Policy, RequestObject, RequestPath};
use crate::port::Ports;

/// The metadata document. A member that does not apply is absent, never null or empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "the members carry the registered names of RFC 8414 section 2 and its registry"
)]
pub struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub pushed_authorization_request_endpoint: String,
    pub require_pushed_authorization_requests: bool,
    pub introspection_endpoint: String,
    pub revocation_endpoint: String,
    pub userinfo_endpoint: String,
    pub jwks_uri: String,
    pub response_types_supported: Vec<&'static str>,
    pub grant_types_supported: Vec<&'static str>,
    pub scopes_supported: Vec<String>,
    pub subject_types_supported: Vec<&'static str>,
    pub claims_supported: Vec<&'static str>,
    pub code_challenge_methods_supported: Vec<&'static str>,
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    pub token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types_supported: Vec<String>,
    pub claims_parameter_supported: bool,
    #[serde(flatten)]
    pub messages: MessageMetadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls_endpoint_aliases: Option<Aliases>,
}

/// The members about signed and encrypted messages (RFC 9101 section 10.5, RFC 9207 section 3, RFC 9701 section 7, JARM
/// section 4, OpenID Connect Discovery section 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the members carry the registered names of the documents")]
#[expect(clippy::struct_excessive_bools, reason = "the registry types these members as booleans")]
pub struct MessageMetadata {
    pub introspection_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_encryption_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_encryption_enc_values_supported: Vec<&'static str>,
    pub id_token_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token_encryption_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token_encryption_enc_values_supported: Vec<&'static str>,
    pub userinfo_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub userinfo_encryption_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub userinfo_encryption_enc_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_object_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_object_encryption_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_object_encryption_enc_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "is_false")]
    pub require_signed_request_object: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_encryption_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_encryption_enc_values_supported: Vec<&'static str>,
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub authorization_response_iss_parameter_supported: bool,
    pub response_modes_supported: Vec<&'static str>,
}

/// The endpoints on the listener that asks for client certificates (RFC 8705 section 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the members carry the registered names of RFC 8414")]
pub struct Aliases {
    pub token_endpoint: String,
    pub pushed_authorization_request_endpoint: String,
    pub introspection_endpoint: String,
    pub revocation_endpoint: String,
    pub userinfo_endpoint: String,
}

/// What every policy of the issuer together takes and does: its own, and those of single clients.
struct Offer {
    response_types: Vec<&'static str>,
    modes: Vec<AnswerBy>,
    methods: Vec<&'static str>,
    accepted: Vec<&'static str>,
    /// Those of the accepted algorithms that we have a key for.
    ours: Vec<&'static str>,
    constraints: Vec<Constraint>,
    object_algs: Vec<&'static str>,
    /// How clients may encrypt to us, and with which content encryption.
    sealed_to_us: Sealed,
    /// How we may encrypt to clients.
    sealed_by_us: Sealed,
}

/// `alg` and `enc` values; both empty where nothing is encrypted.
#[derive(Clone, Default)]
struct Sealed {
    alg: Vec<&'static str>,
    enc: Vec<&'static str>,
}

impl Sealed {
    fn of(algs: &[KeyManagement]) -> Self {
        let enc = if algs.is_empty() { &[] } else { ContentEncryption::ALL };
        Self {
            alg: algs.iter().map(|alg| alg.as_str()).collect(),
            enc: enc.iter().map(|enc| enc.as_str()).collect(),
        }
    }
}

impl Offer {
    fn of(policies: &[&Policy], ports: &Ports) -> Self {
        let algs = each(policies.iter().flat_map(|policy| policy.signing_algs.iter().copied()));
        let ours = algs.iter().filter(|alg| ports.signer.active(**alg).is_some()).map(|alg| alg.as_str());
        let signed = policies.iter().filter_map(|policy| policy.signed_request());
        let objects = each(signed.flat_map(|signed| signed.algs.iter().copied()));
        let keys = ports.decrypter.published();
        let opens = |alg: &KeyManagement| keys.iter().any(|key| key.fits_encryption(alg.published()));
        let mut to_us: Vec<KeyManagement> =
            each(policies.iter().flat_map(|policy| policy.opens.iter().copied()));
        to_us.retain(opens);
        let (takes_objects, seals) = (!objects.is_empty(), Encryption::BUILT);
        Self {
            response_types: each(policies.iter().flat_map(|policy| policy.response_types))
                .into_iter()
                .map(|kind| kind.as_str())
                .collect(),
            modes: each(policies.iter().flat_map(|policy| policy.answer_by.iter().copied())),
            methods: each(policies.iter().flat_map(|policy| policy.client_auth))
                .into_iter()
                .map(|method| method.as_str())
                .collect(),
            ours: ours.collect(),
            accepted: algs.iter().map(|alg| alg.as_str()).collect(),
            constraints: each(policies.iter().flat_map(|policy| policy.sender_constraint.offered()).copied()),
            object_algs: objects.iter().map(|alg| alg.as_str()).collect(),
            sealed_to_us: if takes_objects { Sealed::of(&to_us) } else { Sealed::default() },
            sealed_by_us: if seals { Sealed::of(KeyManagement::ALL) } else { Sealed::default() },
        }
    }
}

/// Every value once, in the order of its first appearance.
fn each<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for value in values {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}

pub(crate) fn metadata(policy: &Policy, settings: &Settings, ports: &Ports) -> Metadata {
    let issuer = settings.issuer.as_str();
    let at = |path: &str| format!("{issuer}{path}");
    let policies = settings.policies(policy);
    let offer = Offer::of(&policies, ports);
    let messages = messages(&policies, &offer);
    let mtls = settings.mtls_origin.as_deref();
    let offers = |constraint| offer.constraints.contains(&constraint);
    Metadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: at(&settings.paths.authorize),
        token_endpoint: at(&settings.paths.token),
        pushed_authorization_request_endpoint: at(&settings.paths.par),
        require_pushed_authorization_requests: policies
            .iter()
            .all(|policy| policy.request_path == RequestPath::PushedOnly),
        introspection_endpoint: at(&settings.paths.introspect),
        revocation_endpoint: at(&settings.paths.revoke),
        userinfo_endpoint: at(&settings.paths.userinfo),
        jwks_uri: at(&settings.paths.jwks),
        response_types_supported: offer.response_types.clone(),
        grant_types_supported: GrantType::ALL.iter().map(|grant| grant.as_str()).collect(),
        scopes_supported: settings.scopes.iter().map(str::to_owned).collect(),
        subject_types_supported: vec!["public"],
        claims_supported: [CLAIMS, TELLABLE].concat(),
        code_challenge_methods_supported: vec!["S256"],
        token_endpoint_auth_methods_supported: offer.methods.clone(),
        token_endpoint_auth_signing_alg_values_supported: offer.accepted.clone(),
        introspection_endpoint_auth_methods_supported: offer.methods.clone(),
        introspection_endpoint_auth_signing_alg_values_supported: offer.accepted.clone(),
        revocation_endpoint_auth_methods_supported: offer.methods.clone(),
        revocation_endpoint_auth_signing_alg_values_supported: offer.accepted.clone(),
        dpop_signing_alg_values_supported: if offers(Constraint::Dpop) { offer.accepted } else { Vec::new() },
        tls_client_certificate_bound_access_tokens: (offer.constraints.contains(&Constraint::Mtls)
            && mtls.is_some())
        .then_some(true),
        authorization_details_types_supported: ports
            .details
            .supported()
            .iter()
            .map(|kind| kind.as_str().to_owned())
            .collect(),
        claims_parameter_supported: true,
        mtls_endpoint_aliases: mtls.map(|origin| aliases(origin, settings.issuer.path(), &settings.paths)),
        messages,
    }
}

/// What the ID token and userinfo may say.
const CLAIMS: &[&str] = &["sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce"];

fn messages(policies: &[&Policy], offer: &Offer) -> MessageMetadata {
    let signs_responses = offer.modes.iter().any(|mode| mode.is_signed());
    let response = if signs_responses { offer.sealed_by_us.clone() } else { Sealed::default() };
    let sealed = &offer.sealed_by_us;
    MessageMetadata {
        response_modes_supported: offer.modes.iter().copied().map(AnswerBy::as_str).collect(),
        id_token_signing_alg_values_supported: offer.ours.clone(),
        id_token_encryption_alg_values_supported: sealed.alg.clone(),
        id_token_encryption_enc_values_supported: sealed.enc.clone(),
        userinfo_signing_alg_values_supported: offer.ours.clone(),
        userinfo_encryption_alg_values_supported: sealed.alg.clone(),
        userinfo_encryption_enc_values_supported: sealed.enc.clone(),
        introspection_signing_alg_values_supported: offer.ours.clone(),
        introspection_encryption_alg_values_supported: sealed.alg.clone(),
        introspection_encryption_enc_values_supported: sealed.enc.clone(),
        authorization_signing_alg_values_supported: if signs_responses {
            offer.ours.clone()
        } else {
            Vec::new()
        },
        authorization_encryption_alg_values_supported: response.alg,
        authorization_encryption_enc_values_supported: response.enc,
        request_parameter_supported: !offer.object_algs.is_empty(),
        request_uri_parameter_supported: false,
        request_object_signing_alg_values_supported: offer.object_algs.clone(),
        request_object_encryption_alg_values_supported: offer.sealed_to_us.alg.clone(),
        request_object_encryption_enc_values_supported: offer.sealed_to_us.enc.clone(),
        require_signed_request_object: policies
            .iter()
            .all(|policy| matches!(policy.request_object, RequestObject::Require(_))),
        authorization_response_iss_parameter_supported: offer.modes.iter().any(|mode| !mode.is_signed()),
    }
}

fn aliases(origin: &str, prefix: &str, paths: &Paths) -> Aliases {
    let at = |path: &str| format!("{origin}{prefix}{path}");
    Aliases {
        token_endpoint: at(&paths.token),
        pushed_authorization_request_endpoint: at(&paths.par),
        introspection_endpoint: at(&paths.introspect),
        revocation_endpoint: at(&paths.revoke),
        userinfo_endpoint: at(&paths.userinfo),
    }
}
