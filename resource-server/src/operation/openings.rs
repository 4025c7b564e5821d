//! Opening a retirement account at the customer's wish.

use oauth_core::{Fault, Subject, Timestamp};

use crate::domain::{
    Account, AccountId, AccountKind, AccountNumber, AccountStatus, Currency, IllFormed, Line,
    OnboardingStatus, ProductId,
};
use crate::guard::{Authority, GuardRefusal, fresh_uuid};
use crate::port::{AccountOpening, KeyRef, KeyedOperation, KeyedRequest, Made, NotOpened};

use super::Operations;
use super::accounts::is_given;
use super::consents::RetriedBy;
use super::customers;

/// Why an account cannot be opened. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum OpeningRefusal {
    /// The standing or the permissions of the consent.
    #[error(transparent)]
    Guard(GuardRefusal),
    /// The customer is not registered, or not yet.
    #[error("the customer is not onboarded")]
    NotOnboarded,
    /// There is no such product.
    #[error("no such product")]
    NoSuchProduct,
    /// The customer has as many open accounts as the law allows.
    #[error("as many accounts as allowed")]
    LimitReached,
    /// The source account was not given, or cannot be paid from.
    #[error("the source account is unusable")]
    SourceUnusable,
    /// The consent is gone.
    #[error("the consent is gone")]
    ConsentGone,
    /// Another request holds the key.
    #[error("the key belongs to another request")]
    ConflictingRepeat,
    /// Our side broke.
    #[error(transparent)]
    Failed(#[from] Fault),
}

/// An account as ordered.
#[derive(Debug, Clone)]
pub struct OpeningOrder {
    /// What it is to be invested in.
    pub product: ProductId,
    /// What the customer calls it.
    pub nickname: Option<Line<70>>,
    /// Where its money is to come from.
    pub source: Option<AccountId>,
}

/// Answers a repeat with the account as it was at first. `None`: there was none, and the consent stands and permits.
///
/// # Errors
/// [`OpeningRefusal::ConflictingRepeat`], [`OpeningRefusal::Guard`], or a fault.
pub async fn replay(
    operations: &Operations,
    authority: &Authority,
    by: &RetriedBy,
) -> Result<Option<Account>, OpeningRefusal> {
    let key = key_ref(authority, by);
    match operations.ports.pera.openings.opened(&key, authority.now).await? {
        Some(held) if held.fingerprint == by.fingerprint => Ok(Some(held.made)),
        Some(_) => Err(OpeningRefusal::ConflictingRepeat),
        None => authority.pass().map(|()| None).map_err(OpeningRefusal::Guard),
    }
}

/// Opens an account for the customer behind the token.
///
/// # Errors
/// [`OpeningRefusal`].
pub async fn open(
    operations: &Operations,
    authority: &Authority,
    order: OpeningOrder,
    by: RetriedBy,
) -> Result<Account, OpeningRefusal> {
    let customer = authority.subject.as_ref().ok_or(OpeningRefusal::ConsentGone)?;
    let consent = authority.consent.as_ref().ok_or(OpeningRefusal::ConsentGone)?;
    let known = customers::current(operations, customer, authority.now).await?;
    let known = known.filter(|known| known.status == OnboardingStatus::Active);
    let holder = known.ok_or(OpeningRefusal::NotOnboarded)?.file.person.full_name();
    let product = operations.ports.pera.catalogue.product(&order.product).await?;
    let product = product.ok_or(OpeningRefusal::NoSuchProduct)?;
    if let Some(source) = &order.source {
        usable(operations, authority, source).await?;
    }
    let ill_formed = |fault: IllFormed| Fault::new("entropy", fault);
    let name = fresh_uuid(&*operations.ports.entropy)?;
    let account = Account {
        id: AccountId::new(&format!("pa-{name}")).map_err(ill_formed)?,
        customer: customer.clone(),
        kind: AccountKind::Pera,
        currency: Currency::Php,
        iban: None,
        number: AccountNumber::new(&number(&name)).map_err(ill_formed)?,
        name: Line::new(&holder).map_err(|fault| Fault::new("customers", fault))?,
        status: AccountStatus::Active,
        nickname: order.nickname,
        product: Some(Line::new(product.id.as_str()).map_err(|fault| Fault::new("catalogue", fault))?),
        // to the second, as it is told: accounts of one second are listed by their identifiers
        opened_at: Timestamp::from_seconds(authority.now.seconds()),
    };
    let wanted = AccountOpening {
        account,
        source: order.source,
        consent: consent.id.clone(),
        accounts_max: operations.settings.pera_accounts_max,
    };
    let taken = operations.taken(key_ref(authority, &by), by.fingerprint, authority.now);
    let wanted = KeyedRequest { by: Some(taken), wanted, at: authority.now };
    match operations.ports.pera.openings.open(wanted).await? {
        Made::New(made) | Made::Repeat(made) => Ok(made),
        Made::ConflictingRepeat => Err(OpeningRefusal::ConflictingRepeat),
        Made::Refused(NotOpened::LimitReached) => Err(OpeningRefusal::LimitReached),
        Made::Refused(NotOpened::ConsentGone) => Err(OpeningRefusal::ConsentGone),
    }
}

/// Whether money can come from an account: given under the consent, in pesos, in use, and the customer's own.
async fn usable(
    operations: &Operations,
    authority: &Authority,
    id: &AccountId,
) -> Result<(), OpeningRefusal> {
    if !is_given(authority, id) {
        return Err(OpeningRefusal::SourceUnusable);
    }
    let account = operations.ports.accounts.account(id).await?;
    let fits = account.is_some_and(|account| is_linkable(&account, authority.subject.as_ref()));
    if fits { Ok(()) } else { Err(OpeningRefusal::SourceUnusable) }
}

/// Whether an account can feed a retirement account of this customer, who must be its owner.
#[must_use]
pub fn is_linkable(account: &Account, customer: Option<&Subject>) -> bool {
    let ordinary = match account.kind {
        AccountKind::Current | AccountKind::Savings | AccountKind::EWallet => true,
        AccountKind::Pera => false,
    };
    ordinary
        && account.status == AccountStatus::Active
        && account.currency == Currency::Php
        && Some(&account.customer) == customer
}

/// Twelve digits that follow from the account's own random name.
fn number(name: &str) -> String {
    let random = name.chars().filter_map(|digit| digit.to_digit(16));
    let value = random.fold(0_u64, |sum, digit| sum.wrapping_mul(31).wrapping_add(u64::from(digit)));
    format!("70{:010}", value % 10_000_000_000)
}

fn key_ref(authority: &Authority, by: &RetriedBy) -> KeyRef {
    KeyRef { client: authority.client_of(), operation: KeyedOperation::OpenAccount, key: by.key.clone() }
}
