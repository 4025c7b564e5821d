//! What is known of the customer behind a token, and how a customer becomes known.

use oauth_core::{Fault, Subject, Timestamp};

use crate::domain::{ContributorType, CustomerFile, Onboarding, OnboardingStatus, Zone, sandbox_decision};
use crate::guard::{Authority, GuardRefusal, fresh_uuid};
use crate::port::{KeyRef, KeyedOperation, KeyedRequest, Made, Put};

use super::consents::RetriedBy;
use super::{Assessment, Operations};

/// Why a customer cannot be read or registered. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum CustomerRefusal {
    /// The standing or the permissions of the consent.
    #[error(transparent)]
    Guard(GuardRefusal),
    /// Nothing is known, or no customer stands behind the token.
    #[error("no such customer")]
    NoSuchCustomer,
    /// Too young, or without a usable taxpayer number.
    #[error("not eligible: {0:?}")]
    NotEligible(Ineligible),
    /// There is a registration that is not over.
    #[error("registered already")]
    AlreadyRegistered,
    /// Another request holds the key.
    #[error("the key belongs to another request")]
    ConflictingRepeat,
    /// Our side broke.
    #[error(transparent)]
    Failed(#[from] Fault),
}

/// Why somebody cannot contribute (Republic Act 9505 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ineligible {
    /// Not of age on the day in Manila.
    Age,
    /// No well-formed taxpayer number.
    Tin,
}

/// Contributors are of age.
const AGE_MIN: i32 = 18;

/// What this bank has verified of the customer behind the token.
///
/// # Errors
/// [`CustomerRefusal::NoSuchCustomer`], or a fault.
pub async fn file(operations: &Operations, authority: &Authority) -> Result<CustomerFile, CustomerRefusal> {
    let customer = authority.subject.as_ref().ok_or(CustomerRefusal::NoSuchCustomer)?;
    let file = operations.ports.pera.customers.file(customer).await?;
    file.ok_or(CustomerRefusal::NoSuchCustomer)
}

/// Answers a repeat with the registration as it was at first. `None`: there was none, and the consent stands and permits.
///
/// # Errors
/// [`CustomerRefusal::ConflictingRepeat`], [`CustomerRefusal::Guard`], or a fault.
pub async fn replay(
    operations: &Operations,
    authority: &Authority,
    by: &RetriedBy,
) -> Result<Option<Onboarding>, CustomerRefusal> {
    let key = key_ref(authority, by);
    match operations.ports.pera.customers.submitted(&key, authority.now).await? {
        Some(held) if held.fingerprint == by.fingerprint => Ok(Some(held.made)),
        Some(_) => Err(CustomerRefusal::ConflictingRepeat),
        None => authority.pass().map(|()| None).map_err(CustomerRefusal::Guard),
    }
}

/// Registers the customer behind the token.
///
/// # Errors
/// [`CustomerRefusal`].
pub async fn submit(
    operations: &Operations,
    authority: &Authority,
    file: CustomerFile,
    by: RetriedBy,
) -> Result<Onboarding, CustomerRefusal> {
    if authority.subject.as_ref() != Some(&file.customer) {
        return Err(CustomerRefusal::NoSuchCustomer);
    }
    // What was registered is brought up to date first: a declined registration makes room for another.
    let known = current(operations, &file.customer, authority.now).await?;
    if known.is_some_and(|known| !known.is_over()) {
        return Err(CustomerRefusal::AlreadyRegistered);
    }
    eligible(&file, authority.now).map_err(CustomerRefusal::NotEligible)?;
    let onboarding = Onboarding {
        reference: fresh_uuid(&*operations.ports.entropy)?,
        file,
        client: authority.client_of(),
        status: OnboardingStatus::Received,
        created_at: authority.now,
        updated_at: authority.now,
    };
    let taken = operations.taken(key_ref(authority, &by), by.fingerprint, authority.now);
    let wanted = KeyedRequest { by: Some(taken), wanted: onboarding, at: authority.now };
    match operations.ports.pera.customers.submit(wanted).await? {
        Made::New(made) | Made::Repeat(made) => Ok(made),
        Made::ConflictingRepeat => Err(CustomerRefusal::ConflictingRepeat),
        Made::Refused(_) => Err(CustomerRefusal::AlreadyRegistered),
    }
}

/// The registration of the customer behind the token, as it is now.
///
/// # Errors
/// [`CustomerRefusal::NoSuchCustomer`], or a fault.
pub async fn onboarding(
    operations: &Operations,
    authority: &Authority,
) -> Result<Onboarding, CustomerRefusal> {
    let customer = authority.subject.as_ref().ok_or(CustomerRefusal::NoSuchCustomer)?;
    current(operations, customer, authority.now).await?.ok_or(CustomerRefusal::NoSuchCustomer)
}

/// The newest registration of a customer, after every step that is due.
///
/// # Errors
/// A fault.
pub async fn current(
    operations: &Operations,
    customer: &Subject,
    now: Timestamp,
) -> Result<Option<Onboarding>, Fault> {
    let book = &operations.ports.pera.customers;
    let mut known = book.onboarding(customer).await?;
    for _ in 0..STEPS {
        let Some(before) = &known else { break };
        let Some(after) = next(operations.settings.assessment, before, now) else { break };
        known = match book.advance_onboarding(before, &after).await? {
            Put::Done => Some(after),
            Put::Unknown => book.onboarding(customer).await?,
        };
    }
    Ok(known)
}

/// Steps of one reading; a registration has fewer.
const STEPS: usize = 4;

/// Pure: the next step of a registration, when one is due.
fn next(assessment: Assessment, known: &Onboarding, now: Timestamp) -> Option<Onboarding> {
    let decided = match assessment {
        Assessment::ByDesk => return None,
        Assessment::Sandbox => sandbox_decision(&known.file),
    };
    match known.status {
        OnboardingStatus::Received => known.moved(OnboardingStatus::Pending, now).ok(),
        OnboardingStatus::Pending if decided != OnboardingStatus::Pending => known.moved(decided, now).ok(),
        OnboardingStatus::Pending
        | OnboardingStatus::Active
        | OnboardingStatus::Declined { .. }
        | OnboardingStatus::Closed => None,
    }
}

/// What the law calls a customer: as registered, or else as this bank has verified.
///
/// # Errors
/// A fault.
pub async fn contributor(
    operations: &Operations,
    customer: &Subject,
) -> Result<Option<ContributorType>, Fault> {
    let book = &operations.ports.pera.customers;
    let registered = book.onboarding(customer).await?.filter(|known| !known.is_over());
    if let Some(kind) = registered.as_ref().and_then(Onboarding::contributor) {
        return Ok(Some(kind));
    }
    let diligence = book.file(customer).await?.and_then(|file| file.due_diligence);
    Ok(diligence.and_then(|diligence| diligence.contributor))
}

fn eligible(file: &CustomerFile, now: Timestamp) -> Result<(), Ineligible> {
    if file.person.tin.is_none() {
        return Err(Ineligible::Tin);
    }
    if !file.person.is_of_age(AGE_MIN, Zone::Manila.day(now)) {
        return Err(Ineligible::Age);
    }
    Ok(())
}

fn key_ref(authority: &Authority, by: &RetriedBy) -> KeyRef {
    KeyRef { client: authority.client_of(), operation: KeyedOperation::SubmitCustomer, key: by.key.clone() }
}
