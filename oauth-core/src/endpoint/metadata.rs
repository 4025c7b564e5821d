//! Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0), computed from the same policy and settings
//! that the rules read, so that the two cannot disagree.

use serde::Serialize;

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
#[expect(clippy::struct_excessive_bools, reason = "the registry types these members as booleans")]
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
    pub response_modes_supported: Vec<&'static str>,
    pub grant_types_supported: Vec<&'static str>,
    pub scopes_supported: Vec<String>,
    pub subject_types_supported: Vec<&'static str>,
    pub claims_supported: Vec<&'static str>,
    pub code_challenge_methods_supported: Vec<&'static str>,
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    pub token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub introspection_signing_alg_values_supported: Vec<&'static str>,
    pub revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub id_token_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types_supported: Vec<String>,
    pub authorization_response_iss_parameter_supported: bool,
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
    pub claims_parameter_supported: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls_endpoint_aliases: Option<Aliases>,
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

pub(crate) fn metadata(policy: &Policy, settings: &Settings, ports: &Ports) -> Metadata {
    let issuer = settings.issuer.as_str();
    let at = |path: &str| format!("{issuer}{path}");
    let methods: Vec<&'static str> = policy.client_auth.iter().map(|method| method.as_str()).collect();
    let accepted: Vec<&'static str> = policy.signing_algs.iter().map(|alg| alg.as_str()).collect();
    let ours: Vec<&'static str> = policy
        .signing_algs
        .iter()
        .filter(|alg| ports.signer.active(**alg).is_some())
        .map(|alg| alg.as_str())
        .collect();
    let constraints = policy.sender_constraint.offered();
    let mtls = settings.mtls_origin.as_deref();
    Metadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: at(&settings.paths.authorize),
        token_endpoint: at(&settings.paths.token),
        pushed_authorization_request_endpoint: at(&settings.paths.par),
        require_pushed_authorization_requests: policy.request_path == RequestPath::PushedOnly,
        introspection_endpoint: at(&settings.paths.introspect),
        revocation_endpoint: at(&settings.paths.revoke),
        userinfo_endpoint: at(&settings.paths.userinfo),
        jwks_uri: at(&settings.paths.jwks),
        response_types_supported: policy.response_types.iter().map(|kind| kind.as_str()).collect(),
        response_modes_supported: policy.answer_by.iter().copied().map(AnswerBy::as_str).collect(),
        grant_types_supported: GrantType::ALL.iter().map(|grant| grant.as_str()).collect(),
        scopes_supported: settings.scopes.iter().map(str::to_owned).collect(),
        subject_types_supported: vec!["public"],
        claims_supported: vec![
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "amr",
            "nonce",
            "name",
            "email",
        ],
        code_challenge_methods_supported: vec!["S256"],
        token_endpoint_auth_methods_supported: methods.clone(),
        token_endpoint_auth_signing_alg_values_supported: accepted.clone(),
        introspection_endpoint_auth_methods_supported: methods.clone(),
        introspection_endpoint_auth_signing_alg_values_supported: accepted.clone(),
        introspection_signing_alg_values_supported: vec![settings.signing_alg.as_str()],
        revocation_endpoint_auth_methods_supported: methods,
        revocation_endpoint_auth_signing_alg_values_supported: accepted.clone(),
        id_token_signing_alg_values_supported: ours,
        dpop_signing_alg_values_supported: if constraints.contains(&Constraint::Dpop) {
            accepted
        } else {
            Vec::new()
        },
        tls_client_certificate_bound_access_tokens: (constraints.contains(&Constraint::Mtls)
            && mtls.is_some())
        .then_some(true),
        authorization_details_types_supported: ports
            .details
            .supported()
            .iter()
            .map(|kind| kind.as_str().to_owned())
            .collect(),
        authorization_response_iss_parameter_supported: true,
        request_parameter_supported: policy.request_object != RequestObject::Refuse,
        request_uri_parameter_supported: false,
        claims_parameter_supported: false,
        mtls_endpoint_aliases: mtls.map(|origin| aliases(origin, settings.issuer.path(), &settings.paths)),
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
