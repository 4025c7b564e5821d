//! Section 6: participants, into the domain and out of it.

use oauth_core::{Host, HttpsUrl, Timestamp};

use super::customer::{address, address_shown};
use super::{At, instant};
use crate::dialect::ofxpera::Exposure;
use crate::dialect::ofxpera::body::{
    AuthorizationServerShown, CertificateShown, CertificateSubject, ContactDetails, EndpointUris,
    NewOrganization, OrganizationShown, OrganizationType,
};
use crate::dialect::ofxpera::error::{Code, Problem};
use crate::domain::{
    AuthorizationServerAt, CertificateChain, Contact, Email, Endpoints, Line, Organisation, OrganisationId,
    OrganisationKind, OrganisationStatus, WebOrigin,
};
use crate::port::Registration;

/// Section 6.1: a participant as it registers.
pub(in super::super) fn registration(
    asked: NewOrganization,
    exposure: Exposure,
    now: Timestamp,
) -> Result<Registration, Problem> {
    let at = At("");
    let uris = At("endpointURIs");
    let contact = At("contactDetails");
    let url = |at: At<'_>, name: &str, text: &str| at.read(name, url(text, exposure));
    let organisation = Organisation {
        id: at.read("organizationId", OrganisationId::new(&asked.organization_id))?,
        name: at.read("organizationName", Line::new(&asked.organization_name))?,
        registered_name: at.read("registeredName", Line::new(&asked.registered_name))?,
        kind: match asked.organization_type {
            OrganizationType::PeraAdmin => OrganisationKind::PeraAdministrator,
            OrganizationType::ContributorInstitution => OrganisationKind::ContributorInstitution,
        },
        contact: Contact {
            phone: contact.read("phone", Line::new(&asked.contact_details.phone))?,
            email: contact.read("email", Email::new(&asked.contact_details.email))?,
            website: match &asked.contact_details.website {
                Some(website) => Some(url(contact, "website", website)?),
                None => None,
            },
        },
        endpoints: Endpoints {
            authorization: url(uris, "authorizationEndpoint", &asked.endpoint_uris.authorization_endpoint)?,
            token: url(uris, "tokenEndpoint", &asked.endpoint_uris.token_endpoint)?,
            resource: url(uris, "resourceEndpoint", &asked.endpoint_uris.resource_endpoint)?,
        },
        origins: origins(&asked.cors_uris, exposure)?,
        registered_office: asked
            .registered_office_address
            .map(|office| address(&office, "registeredOfficeAddress"))
            .transpose()?,
        business_address: asked
            .business_address
            .map(|place| address(&place, "businessAddress"))
            .transpose()?,
        authorization_servers: servers(asked.authorization_servers, exposure)?,
        status: OrganisationStatus::Active,
        registered_at: now,
    };
    let certificate = asked.certificate.map(|pem| CertificateChain::read(&pem, now)).transpose();
    Ok(Registration { organisation, certificate: at.read("certificate", certificate)? })
}

fn servers(
    asked: Vec<AuthorizationServerShown>,
    exposure: Exposure,
) -> Result<Vec<AuthorizationServerAt>, Problem> {
    let at = At("authorizationServers");
    if asked.len() > SERVERS_MAX {
        return Err(Problem::at(Code::InvalidField, "authorizationServers"));
    }
    let read = |server: AuthorizationServerShown| {
        Ok(AuthorizationServerAt {
            base: at.read("baseUrl", url(&server.base_url, exposure))?,
            description: at.read("description", Line::new(&server.description))?,
        })
    };
    asked.into_iter().map(read).collect()
}

/// Authorization servers of one participant.
const SERVERS_MAX: usize = 10;
/// Section 6.1: origins of one participant.
const ORIGINS_MAX: usize = 20;

fn origins(asked: &[String], exposure: Exposure) -> Result<Vec<WebOrigin>, Problem> {
    let bad = || Problem::at(Code::InvalidField, "corsUris");
    if asked.len() > ORIGINS_MAX {
        return Err(bad());
    }
    let mut read: Vec<WebOrigin> = Vec::new();
    for text in asked {
        let origin = WebOrigin::new(text).map_err(|_| bad())?;
        if read.contains(&origin) || (exposure == Exposure::Public && origin.is_local()) {
            return Err(bad());
        }
        read.push(origin);
    }
    Ok(read)
}

/// Where the server is not a sandbox, nobody names a host that only this machine or this network knows.
fn url(text: &str, exposure: Exposure) -> Result<HttpsUrl, Unusable> {
    let url = HttpsUrl::new(text).map_err(|_| Unusable)?;
    let inside = match url.host() {
        Host::Name(name) => {
            let name = name.to_ascii_lowercase();
            !name.contains('.') || ["localhost", "local", "internal"].iter().any(|last| ends_in(&name, last))
        }
        Host::V4(address) => {
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
        }
        Host::V6(address) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.to_ipv4().is_some()
        }
    };
    if inside && exposure == Exposure::Public { Err(Unusable) } else { Ok(url) }
}

fn ends_in(name: &str, last: &str) -> bool {
    name.rsplit('.').find(|label| !label.is_empty()) == Some(last)
}

struct Unusable;

/// Section 6.2. The certificate is never part of it.
pub(in super::super) fn organization(known: &Organisation) -> OrganizationShown {
    OrganizationShown {
        organization_id: known.id.as_str().to_owned(),
        organization_name: known.name.as_str().to_owned(),
        registered_name: known.registered_name.as_str().to_owned(),
        organization_type: match known.kind {
            OrganisationKind::PeraAdministrator => OrganizationType::PeraAdmin,
            OrganisationKind::ContributorInstitution => OrganizationType::ContributorInstitution,
        },
        contact_details: ContactDetails {
            phone: known.contact.phone.as_str().to_owned(),
            email: known.contact.email.as_str().to_owned(),
            website: known.contact.website.as_ref().map(|website| website.as_str().to_owned()),
        },
        endpoint_uris: EndpointUris {
            authorization_endpoint: known.endpoints.authorization.as_str().to_owned(),
            token_endpoint: known.endpoints.token.as_str().to_owned(),
            resource_endpoint: known.endpoints.resource.as_str().to_owned(),
        },
        cors_uris: known.origins.iter().map(|origin| origin.as_str().to_owned()).collect(),
        registered_office_address: known.registered_office.as_ref().map(address_shown),
        business_address: known.business_address.as_ref().map(address_shown),
        authorization_servers: known
            .authorization_servers
            .iter()
            .map(|server| AuthorizationServerShown {
                base_url: server.base.as_str().to_owned(),
                description: server.description.as_str().to_owned(),
            })
            .collect(),
        status: organization_status(known.status),
    }
}

pub(in super::super) const fn organization_status(status: OrganisationStatus) -> &'static str {
    match status {
        OrganisationStatus::Active => "ACTIVE",
        OrganisationStatus::Inactive => "INACTIVE",
        OrganisationStatus::Maintenance => "MAINTENANCE",
        OrganisationStatus::Suspended => "SUSPENDED",
    }
}

/// Section 6.2. What the certificate does not say of its holder's identifier, the registry does.
pub(in super::super) fn certificate(known: &Organisation, chain: &CertificateChain) -> CertificateShown {
    let leaf = chain.leaf();
    let said = leaf.organisation_id.clone();
    CertificateShown {
        certificate: chain.pem().to_owned(),
        valid_from: instant(leaf.valid_from),
        valid_until: instant(leaf.valid_until),
        subject: CertificateSubject {
            common_name: leaf.common_name.clone(),
            organization_name: leaf.organisation_name.clone(),
            organization_id: said.unwrap_or_else(|| known.id.as_str().to_owned()),
        },
    }
}
