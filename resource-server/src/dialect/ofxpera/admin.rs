//! Section 6: the registry of participants.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use oauth_core::json as strict;
use serde_json::Value;

use super::answers::{by_key, page_request, paged, query, told};
use super::body::{NewOrganization, OrganizationType};
use super::error::{Code, Problem};
use super::{Ofxpera, map};
use crate::dialect::{Answer, Call};
use crate::domain::{OrganisationId, OrganisationKind, OrganisationStatus, holds_private_key};
use crate::guard::takes_media;
use crate::operation::registry;
use crate::port::OrganisationQuery;

/// Section 6.2: the chain by itself.
pub(super) const PEM: &str = "application/x-pem-file";

pub(super) async fn register_organization(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let tree = strict::read_value(&call.body).map_err(|_| Problem::new(Code::InvalidRequest))?;
    let (operations, authority) = (&dialect.operations, &call.authority);
    let by = by_key(call, &tree);
    let replayed = match &by {
        Some(by) => registry::replay(operations, authority, by).await?,
        None => None,
    };
    let organisation = match replayed {
        Some(first) => first,
        None => {
            without_private_key(&tree, "")?;
            let asked = map::read_bare::<NewOrganization>(tree)?;
            let registration = map::registration(asked, dialect.settings.exposure, call.arrived.now)?;
            registry::register(operations, authority, registration, by).await?
        }
    };
    let path = format!("/admin/organization/{}", organisation.id);
    told(dialect, call, StatusCode::CREATED, (map::organization(&organisation), &path))
}

/// Section 6.2: nobody's private key enters, in whatever member it was put.
fn without_private_key(tree: &Value, path: &str) -> Result<(), Problem> {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match tree {
        Value::String(text) if holds_private_key(text) => {
            Err(Problem { code: Code::InvalidField, path: Some(path.to_owned().into()) })
        }
        Value::Array(items) => items.iter().try_for_each(|item| without_private_key(item, path)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            if holds_private_key(name) {
                return Err(Problem::new(Code::InvalidField));
            }
            without_private_key(value, &below(name))
        }),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

pub(super) async fn list_organizations(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let query = query(call)?;
    let wanted = OrganisationQuery {
        kind: query.one("type")?.map(kind).transpose()?,
        status: query.one("status")?.map(status).transpose()?,
        page: page_request(&query)?,
    };
    let page = registry::list(&dialect.operations, &wanted).await?;
    let shown = page.map(|known| map::organization(&known));
    paged(dialect, call, &query, "/admin/organization", shown)
}

fn kind(text: &str) -> Result<OrganisationKind, Problem> {
    let read = serde_json::from_value::<OrganizationType>(Value::String(text.to_owned()));
    match read.map_err(|_| Problem::at(Code::InvalidField, "type"))? {
        OrganizationType::PeraAdmin => Ok(OrganisationKind::PeraAdministrator),
        OrganizationType::ContributorInstitution => Ok(OrganisationKind::ContributorInstitution),
    }
}

fn status(text: &str) -> Result<OrganisationStatus, Problem> {
    const ALL: [OrganisationStatus; 4] = [
        OrganisationStatus::Active,
        OrganisationStatus::Inactive,
        OrganisationStatus::Maintenance,
        OrganisationStatus::Suspended,
    ];
    let found = ALL.into_iter().find(|known| map::organization_status(*known) == text);
    found.ok_or_else(|| Problem::at(Code::InvalidField, "status"))
}

pub(super) async fn organization_certificate(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let unknown = || Problem::new(Code::OrganizationNotFound);
    let id = OrganisationId::new(call.param(0)).map_err(|_| unknown())?;
    let (organisation, chain) = registry::certificate(&dialect.operations, &id).await?;
    if wants_pem(call) {
        let mut answer = Answer::new(Bytes::from(chain.pem().to_owned()));
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PEM));
        answer.headers_mut().insert("x-v", HeaderValue::from_static("1"));
        return Ok(answer);
    }
    let path = format!("/admin/organization/{id}/certificate");
    told(dialect, call, StatusCode::OK, (map::certificate(&organisation, &chain), &path))
}

/// The chain by itself goes to who asks for it by name, and not for JSON before it.
fn wants_pem(call: &Call) -> bool {
    let asked = call.arrived.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<&str> = asked.flat_map(|list| list.split(',')).map(str::trim_ascii).collect();
    let place =
        |kind: &str| ranges.iter().position(|range| range.starts_with(kind) && takes_media(range, kind));
    match (place(PEM), place("application/json")) {
        (Some(pem), Some(json)) => pem < json,
        (pem, _) => pem.is_some(),
    }
}
