//! Accounts, balances and statements in memory; and how they come into being.

use async_trait::async_trait;
use oauth_core::{Fault, Subject};

use crate::domain::{
    Account, AccountId, Balance, BookedTransaction, EntryId, LedgerAccount, PageRequest, TransactionId,
};
use crate::port::{AccountBook, Found, TransactionQuery};
use crate::store::effects::{self, Movement};
use crate::store::{Opened, Recorded};

use super::{MemoryBank, balanced};

impl MemoryBank {
    /// Opens an account with a balance of nothing.
    #[must_use]
    pub fn open_account(&self, account: &Account) -> Opened {
        let mut books = self.books();
        if books.accounts.contains_key(&account.id) {
            return Opened::Existing;
        }
        books.balances.insert(account.id.clone(), Balance::empty(account.currency));
        books.accounts.insert(account.id.clone(), account.clone());
        Opened::New
    }

    /// Changes what is known of an account: its status, its nickname. Customer and currency stay.
    pub fn change_account(&self, account: &Account) {
        if let Some(known) = self.books().accounts.get_mut(&account.id) {
            *known = Account {
                customer: known.customer.clone(),
                currency: known.currency,
                opened_at: known.opened_at,
                ..account.clone()
            };
        }
    }

    /// Books a movement that did not come through an interface. The other side of the entry is `against`.
    ///
    /// # Errors
    /// When the account is unknown, or entry or line were recorded before.
    pub fn record(
        &self,
        movement: &BookedTransaction,
        entry: EntryId,
        against: LedgerAccount,
    ) -> Result<Recorded, Fault> {
        let mut books = self.books();
        let (entry, moved) = balanced(effects::movement(movement, entry, against))?;
        let balance = match moved {
            Movement::Given(_) => Some(books.with(&movement.account, &entry)?),
            Movement::Taken(amount) => books.less(&movement.account, amount, &entry)?,
        };
        let Some(balance) = balance else { return Ok(Recorded::Short) };
        books.are_new(&entry, movement)?;
        books.write(entry, balance, movement.clone());
        Ok(Recorded::Booked)
    }
}

/// Accounts a customer's list holds at most.
const LISTED: usize = 1000;

#[async_trait]
impl AccountBook for MemoryBank {
    async fn accounts(&self, customer: &Subject) -> Result<Vec<Account>, Fault> {
        let books = self.books();
        let own = books.accounts.values().filter(|account| account.customer == *customer);
        let mut own: Vec<Account> = own.cloned().collect();
        own.sort_by(|one, other| (one.opened_at, &one.id).cmp(&(other.opened_at, &other.id)));
        own.truncate(LISTED);
        Ok(own)
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>, Fault> {
        Ok(self.books().accounts.get(id).cloned())
    }

    async fn balance(&self, id: &AccountId) -> Result<Option<Balance>, Fault> {
        Ok(self.books().balances.get(id).copied())
    }

    async fn transactions(&self, query: &TransactionQuery) -> Result<Found<BookedTransaction>, Fault> {
        let books = self.books();
        let wanted = |line: &&BookedTransaction| {
            let (at, amount) = (line.listed_at(), line.amount.minor());
            line.account == query.account
                && (query.oldest..=query.newest).contains(&at)
                && query.amount_min.is_none_or(|least| amount >= least)
                && query.amount_max.is_none_or(|greatest| amount <= greatest)
        };
        let mut lines: Vec<BookedTransaction> = books.lines.values().filter(wanted).cloned().collect();
        lines.sort_by(BookedTransaction::newest_first);
        Ok(page_of(lines, query.page))
    }

    async fn transaction(
        &self,
        account: &AccountId,
        id: &TransactionId,
    ) -> Result<Option<BookedTransaction>, Fault> {
        let books = self.books();
        Ok(books.lines.get(id).filter(|line| line.account == *account).cloned())
    }
}

/// One page of a list that is in order.
pub(super) fn page_of<T>(all: Vec<T>, page: PageRequest) -> Found<T> {
    let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let size = usize::try_from(page.size()).unwrap_or(usize::MAX);
    Found { items: all.into_iter().skip(offset).take(size).collect(), total }
}
