//! Section 6 on the wire: participants.

use serde::{Deserialize, Serialize};

use super::customer::Address;

/// Section 6.1, as sent. The one request without a wrapper.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct NewOrganization {
    pub(in super::super) organization_id: String,
    pub(in super::super) organization_name: String,
    pub(in super::super) registered_name: String,
    pub(in super::super) organization_type: OrganizationType,
    pub(in super::super) contact_details: ContactDetails,
    #[serde(rename = "endpointURIs")]
    pub(in super::super) endpoint_uris: EndpointUris,
    #[serde(default)]
    pub(in super::super) cors_uris: Vec<String>,
    #[serde(default)]
    pub(in super::super) registered_office_address: Option<Address>,
    #[serde(default)]
    pub(in super::super) business_address: Option<Address>,
    #[serde(default)]
    pub(in super::super) authorization_servers: Vec<AuthorizationServerShown>,
    #[serde(default)]
    pub(in super::super) certificate: Option<String>,
}

/// Section 6.1, as told: without the certificate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct OrganizationShown {
    pub(in super::super) organization_id: String,
    pub(in super::super) organization_name: String,
    pub(in super::super) registered_name: String,
    pub(in super::super) organization_type: OrganizationType,
    pub(in super::super) contact_details: ContactDetails,
    #[serde(rename = "endpointURIs")]
    pub(in super::super) endpoint_uris: EndpointUris,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) cors_uris: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) registered_office_address: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) business_address: Option<Address>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) authorization_servers: Vec<AuthorizationServerShown>,
    pub(in super::super) status: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(in super::super) enum OrganizationType {
    PeraAdmin,
    /// The later descriptions write `CONTRIBUTOR_FI`.
    #[serde(alias = "CONTRIBUTOR_FI")]
    ContributorInstitution,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ContactDetails {
    pub(in super::super) phone: String,
    pub(in super::super) email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) website: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct EndpointUris {
    pub(in super::super) authorization_endpoint: String,
    pub(in super::super) token_endpoint: String,
    pub(in super::super) resource_endpoint: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct AuthorizationServerShown {
    pub(in super::super) base_url: String,
    pub(in super::super) description: String,
}

/// Section 6.2.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct CertificateShown {
    pub(in super::super) certificate: String,
    pub(in super::super) valid_from: String,
    pub(in super::super) valid_until: String,
    pub(in super::super) subject: CertificateSubject,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct CertificateSubject {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) common_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) organization_name: Option<String>,
    pub(in super::super) organization_id: String,
}
