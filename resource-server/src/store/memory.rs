//! Accounts, payments and the ledger in this process, for tests and demonstrations: nothing outlives it, and nothing of it is
//! audited.
//!
//! The books are one critical section, and the consents of a [`MemoryConsents`] are taken into it, so that a payment and the
//! use of its consent are one change here too. Everything that can fail happens before the first write.

mod accounts;
mod payments;
mod pera;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oauth_core::{Fault, Subject, Timestamp};
use rar_consent::{Consent, HeldConsents, MemoryConsents};

use crate::domain::{
    Account, AccountId, Balance, BookedTransaction, EntryId, JournalEntry, LedgerAccount, Money, Payment,
    PaymentId, RequestFingerprint, SealedNote, TransactionId, Unbalanced, funds_allow,
};
use crate::port::KeyRef;

/// Accounts, payments and the ledger in memory. Clones share them.
#[derive(Debug, Clone)]
pub struct MemoryBank(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    books: Mutex<Books>,
    consents: Arc<MemoryConsents>,
}

#[derive(Debug, Default)]
struct Books {
    accounts: HashMap<AccountId, Account>,
    balances: HashMap<AccountId, Balance>,
    journal: Vec<JournalEntry>,
    entries: HashSet<EntryId>,
    lines: HashMap<TransactionId, BookedTransaction>,
    payments: HashMap<PaymentId, Kept>,
    allowances: HashMap<(Subject, i32), i64>,
    outbox: HashMap<PaymentId, Timestamp>,
    notes: HashMap<PaymentId, SealedNote>,
    payment_keys: HashMap<KeyRef, Held<PaymentId>>,
    consent_keys: HashMap<KeyRef, Held<Consent>>,
    pera: pera::Pera,
}

/// A payment, and the entry of its booking.
#[derive(Debug, Clone)]
struct Kept {
    payment: Payment,
    booked_as: EntryId,
}

/// What a key holds.
#[derive(Debug, Clone)]
struct Held<T> {
    fingerprint: RequestFingerprint,
    until: Timestamp,
    outcome: T,
}

impl MemoryBank {
    /// An empty bank over these consents.
    #[must_use]
    pub fn new(consents: Arc<MemoryConsents>) -> Self {
        Self(Arc::new(Shared { books: Mutex::default(), consents }))
    }

    /// Every entry of the journal, in the order they were made.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.books().journal.clone()
    }

    /// The books. Taken before the consents, never after them.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn consents(&self) -> HeldConsents<'_> {
        self.0.consents.hold()
    }
}

impl Books {
    /// The balance of an account after an amount has left it; `None` when it has not that much, or in another currency.
    fn less(
        &self,
        account: &AccountId,
        amount: Money,
        entry: &JournalEntry,
    ) -> Result<Option<Balance>, Fault> {
        let Some(before) = self.balances.get(account) else { return Ok(None) };
        if funds_allow(before.available().map_err(fault)?, amount).is_err() {
            return Ok(None);
        }
        self.with(account, entry).map(Some)
    }

    /// The balance of an account after an entry.
    fn with(&self, account: &AccountId, entry: &JournalEntry) -> Result<Balance, Fault> {
        let before = self.balances.get(account).ok_or_else(|| broken("no balance of this account"))?;
        before.after(entry, &LedgerAccount::Customer(account.clone())).map_err(fault)
    }

    /// Names that were used before are a mistake of the caller.
    fn are_new(&self, entry: &JournalEntry, line: &BookedTransaction) -> Result<(), Fault> {
        if self.entries.contains(entry.id()) {
            return Err(broken("an entry of this name exists"));
        }
        if self.lines.contains_key(&line.id) {
            return Err(broken("a line of this name exists"));
        }
        Ok(())
    }

    /// Writes an entry, the balance that follows from it, and its line. Cannot fail.
    fn write(&mut self, entry: JournalEntry, balance: Balance, line: BookedTransaction) {
        self.entries.insert(entry.id().clone());
        self.journal.push(entry);
        self.balances.insert(line.account.clone(), balance);
        self.lines.insert(line.id.clone(), line);
    }
}

fn held<'a, T>(keys: &'a HashMap<KeyRef, Held<T>>, key: &KeyRef, now: Timestamp) -> Option<&'a Held<T>> {
    keys.get(key).filter(|held| held.until > now)
}

fn fault(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::new("bank", error)
}

fn broken(what: &'static str) -> Fault {
    Fault::new("bank", what)
}

/// An entry that cannot be made is a mistake of ours, not of the caller.
fn balanced<T>(made: Result<T, Unbalanced>) -> Result<T, Fault> {
    made.map_err(fault)
}
