//! Protected resource metadata (RFC 9728): where tokens for this resource come from, and in which form it takes them.

use oauth_core::{Constraint, Policy};
use serde::Serialize;

use super::Guard;

/// Where the document of a resource is found: this, and then the path of the resource (RFC 9728 section 3).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document (RFC 9728 section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProtectedResource {
    /// The resource: the `aud` of its tokens.
    pub resource: String,
    /// Who issues tokens for it.
    pub authorization_servers: Vec<String>,
    /// The keys of signed answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The scope values its routes ask for.
    pub scopes_supported: Vec<String>,
    /// How a token is sent: only in the header (FAPI 2.0 Security Profile section 5.3.4).
    pub bearer_methods_supported: Vec<&'static str>,
    /// Algorithms of signed answers (RFC 9421), when there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_signing_alg_values_supported: Vec<&'static str>,
    /// Whether tokens bound to certificates are taken (RFC 8705).
    pub tls_client_certificate_bound_access_tokens: bool,
    /// Algorithms of DPoP proofs (RFC 9449); none when proofs are not taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<&'static str>,
    /// Whether every token must be bound to a DPoP key.
    pub dpop_bound_access_tokens_required: bool,
}

impl Guard {
    /// The document of this guard's resource, whose routes ask for these scope values.
    #[must_use]
    pub fn metadata(&self, scopes: Vec<String>) -> ProtectedResource {
        let policy: &Policy = self.policy;
        let offered = policy.sender_constraint.offered();
        let proofs = offered.contains(&Constraint::Dpop);
        let algs = || policy.signing_algs.iter().map(|alg| alg.as_str()).collect();
        ProtectedResource {
            resource: self.verifier.audience().to_owned(),
            authorization_servers: vec![self.verifier.issuer().as_str().to_owned()],
            jwks_uri: self.signing.as_ref().and_then(|signing| signing.jwks_uri.clone()),
            scopes_supported: scopes,
            bearer_methods_supported: vec!["header"],
            resource_signing_alg_values_supported: self
                .signing
                .iter()
                .map(|signing| signing.alg.as_str())
                .collect(),
            tls_client_certificate_bound_access_tokens: offered.contains(&Constraint::Mtls),
            dpop_signing_alg_values_supported: if proofs { algs() } else { Vec::new() },
            dpop_bound_access_tokens_required: offered == [Constraint::Dpop],
        }
    }

    /// The path of the document; `None` when the resource is not an address.
    #[must_use]
    pub fn metadata_path(&self) -> Option<String> {
        split(self.verifier.audience()).map(|(_, path)| format!("{WELL_KNOWN}{path}"))
    }

    /// The address of the document, for challenges (RFC 9728 section 5.1).
    pub(super) fn metadata_address(&self) -> Option<String> {
        split(self.verifier.audience()).map(|(origin, path)| format!("{origin}{WELL_KNOWN}{path}"))
    }
}

/// Origin and path of a resource. RFC 9728 section 3: a slash that is the whole path is dropped.
fn split(resource: &str) -> Option<(&str, &str)> {
    let start = resource.strip_prefix("https://").map(|_| "https://".len())?;
    let rest = resource.get(start..)?;
    if rest.contains(['?', '#']) {
        return None;
    }
    let end = rest.find('/').map_or(resource.len(), |at| start.saturating_add(at));
    let (origin, path) = resource.split_at_checked(end)?;
    Some((origin, if path == "/" { "" } else { path }))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn rfc_9728_section_3_the_path_of_the_resource_comes_after_the_well_known_one() {
        assert_eq!(split("https://rs.example/api"), Some(("https://rs.example", "/api")));
        assert_eq!(split("https://rs.example:8443"), Some(("https://rs.example:8443", "")));
        assert_eq!(split("https://rs.example/"), Some(("https://rs.example", "")));
        assert_eq!(split("urn:bank:api"), None);
        assert_eq!(split("https://rs.example/api?x=1"), None);
    }
}
