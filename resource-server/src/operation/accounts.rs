//! Reading accounts and statements: only what the customer gave under this consent.

use oauth_core::{Fault, Timestamp};

use crate::domain::{
    Account, AccountId, AccountKind, Balance, BookedTransaction, Page, PageRequest, PastTheEnd, TransactionId,
};
use crate::guard::Authority;
use crate::port::{Found, TransactionQuery};

use super::Operations;

/// Why an account cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AccountRefusal {
    /// Unknown, another customer's, or not given under this consent: the three look the same.
    #[error("no such account")]
    NoSuchAccount,
    /// Not on the statement of this account.
    #[error("no such transaction")]
    NoSuchTransaction,
    /// A page beyond the last.
    #[error(transparent)]
    NoSuchPage(#[from] PastTheEnd),
    /// Our side broke.
    #[error(transparent)]
    Failed(#[from] Fault),
}

/// The accounts of these kinds that the customer gave, oldest first.
///
/// # Errors
/// A fault of the book.
pub async fn list(
    operations: &Operations,
    authority: &Authority,
    kinds: &[AccountKind],
) -> Result<Vec<Account>, Fault> {
    let Some(subject) = &authority.subject else { return Ok(Vec::new()) };
    let accounts = operations.ports.accounts.accounts(subject).await?;
    let given = |account: &Account| kinds.contains(&account.kind) && is_given(authority, &account.id);
    Ok(accounts.into_iter().filter(given).collect())
}

/// One account the customer gave.
///
/// # Errors
/// [`AccountRefusal::NoSuchAccount`], or a fault.
pub async fn one(
    operations: &Operations,
    authority: &Authority,
    id: &AccountId,
) -> Result<Account, AccountRefusal> {
    if !is_given(authority, id) {
        return Err(AccountRefusal::NoSuchAccount);
    }
    let account = operations.ports.accounts.account(id).await?;
    account
        .filter(|account| Some(&account.customer) == authority.subject.as_ref())
        .ok_or(AccountRefusal::NoSuchAccount)
}

/// What stands on an account that [`one`] or [`list`] returned.
///
/// # Errors
/// A fault of the book.
pub async fn balance(operations: &Operations, account: &Account) -> Result<Balance, Fault> {
    let balance = operations.ports.accounts.balance(&account.id).await?;
    Ok(balance.unwrap_or_else(|| Balance::empty(account.currency)))
}

/// Which lines of a statement; all bounds inclusive.
#[derive(Debug, Clone, Copy)]
pub struct Statement {
    /// Not before.
    pub oldest: Timestamp,
    /// Not after.
    pub newest: Timestamp,
    /// Least signed amount in minor units.
    pub amount_min: Option<i64>,
    /// Greatest signed amount in minor units.
    pub amount_max: Option<i64>,
    /// Which page.
    pub page: PageRequest,
}

/// One page of the statement of an account, newest first.
///
/// # Errors
/// [`AccountRefusal::NoSuchPage`], or a fault.
pub async fn transactions(
    operations: &Operations,
    account: &Account,
    wanted: &Statement,
) -> Result<Page<BookedTransaction>, AccountRefusal> {
    let query = TransactionQuery {
        account: account.id.clone(),
        oldest: wanted.oldest,
        newest: wanted.newest,
        amount_min: wanted.amount_min,
        amount_max: wanted.amount_max,
        page: wanted.page,
    };
    let Found { items, total } = operations.ports.accounts.transactions(&query).await?;
    Ok(Page::new(items, wanted.page, total)?)
}

/// One line of the statement of an account.
///
/// # Errors
/// [`AccountRefusal::NoSuchTransaction`], or a fault.
pub async fn transaction(
    operations: &Operations,
    account: &Account,
    id: &TransactionId,
) -> Result<BookedTransaction, AccountRefusal> {
    let found = operations.ports.accounts.transaction(&account.id, id).await?;
    found.ok_or(AccountRefusal::NoSuchTransaction)
}

/// Whether the customer gave this account under the consent of the token.
pub(super) fn is_given(authority: &Authority, id: &AccountId) -> bool {
    let consent = authority.consent.as_ref();
    consent.is_some_and(|consent| consent.accounts.iter().any(|given| given == id.as_str()))
}
