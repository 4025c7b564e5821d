//! The registry of participants: who may enter whom, and what is told of them.

use oauth_core::Fault;

use crate::domain::{CertificateChain, Organisation, OrganisationId, Page, PastTheEnd};
use crate::guard::Authority;
use crate::port::{
    Found, KeyRef, KeyedOperation, KeyedRequest, Made, NotRegistered, OrganisationQuery, Registration,
};

use super::Operations;
use super::consents::RetriedBy;

/// Why a participant cannot be entered or found. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryRefusal {
    /// It is another organisation than the caller's, and the caller is not the registry.
    #[error("another organisation")]
    OtherOrganisation,
    /// It is there already.
    #[error("registered already")]
    Duplicate,
    /// One of its origins is another's.
    #[error("an origin is another organisation's")]
    OriginTaken,
    /// Another request holds the key.
    #[error("the key belongs to another request")]
    ConflictingRepeat,
    /// There is none of this identifier.
    #[error("no such organisation")]
    NoSuchOrganisation,
    /// It has registered none.
    #[error("no certificate")]
    NoCertificate,
    /// A page beyond the last.
    #[error(transparent)]
    NoSuchPage(#[from] PastTheEnd),
    /// Our side broke.
    #[error(transparent)]
    Failed(#[from] Fault),
}

/// Who keeps the registry may enter anybody; everybody else only themselves.
const REGISTRY: &str = "admin:registry";

/// Answers a repeat with the participant as it was at first. `None`: there was none.
///
/// # Errors
/// [`RegistryRefusal::ConflictingRepeat`], or a fault.
pub async fn replay(
    operations: &Operations,
    authority: &Authority,
    by: &RetriedBy,
) -> Result<Option<Organisation>, RegistryRefusal> {
    let key = key_ref(authority, by);
    match operations.ports.pera.participants.registered(&key, authority.now).await? {
        Some(held) if held.fingerprint == by.fingerprint => Ok(Some(held.made)),
        Some(_) => Err(RegistryRefusal::ConflictingRepeat),
        None => Ok(None),
    }
}

/// Whether the caller may enter this organisation.
///
/// # Errors
/// [`RegistryRefusal::OtherOrganisation`].
pub fn may_enter(authority: &Authority, id: &OrganisationId) -> Result<(), RegistryRefusal> {
    if authority.client.organisation.id == id.as_str() || authority.scope.contains(REGISTRY) {
        return Ok(());
    }
    Err(RegistryRefusal::OtherOrganisation)
}

/// Enters a participant.
///
/// # Errors
/// [`RegistryRefusal`].
pub async fn register(
    operations: &Operations,
    authority: &Authority,
    registration: Registration,
    by: Option<RetriedBy>,
) -> Result<Organisation, RegistryRefusal> {
    may_enter(authority, &registration.organisation.id)?;
    let by = by.map(|by| operations.taken(key_ref(authority, &by), by.fingerprint, authority.now));
    let wanted = KeyedRequest { by, wanted: registration, at: authority.now };
    match operations.ports.pera.participants.register(wanted).await? {
        Made::New(made) | Made::Repeat(made) => Ok(made),
        Made::ConflictingRepeat => Err(RegistryRefusal::ConflictingRepeat),
        Made::Refused(NotRegistered::Duplicate) => Err(RegistryRefusal::Duplicate),
        Made::Refused(NotRegistered::OriginTaken) => Err(RegistryRefusal::OriginTaken),
    }
}

/// One page of participants.
///
/// # Errors
/// [`RegistryRefusal::NoSuchPage`], or a fault.
pub async fn list(
    operations: &Operations,
    query: &OrganisationQuery,
) -> Result<Page<Organisation>, RegistryRefusal> {
    let Found { items, total } = operations.ports.pera.participants.organisations(query).await?;
    Ok(Page::new(items, query.page, total)?)
}

/// The certificate of a participant.
///
/// # Errors
/// [`RegistryRefusal::NoSuchOrganisation`], [`RegistryRefusal::NoCertificate`], or a fault.
pub async fn certificate(
    operations: &Operations,
    id: &OrganisationId,
) -> Result<(Organisation, CertificateChain), RegistryRefusal> {
    let participants = &operations.ports.pera.participants;
    let organisation = participants.organisation(id).await?.ok_or(RegistryRefusal::NoSuchOrganisation)?;
    let chain = participants.certificate(id).await?.ok_or(RegistryRefusal::NoCertificate)?;
    Ok((organisation, chain))
}

fn key_ref(authority: &Authority, by: &RetriedBy) -> KeyRef {
    KeyRef {
        client: authority.client_of(),
        operation: KeyedOperation::RegisterOrganisation,
        key: by.key.clone(),
    }
}
