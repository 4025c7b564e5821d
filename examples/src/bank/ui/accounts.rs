//! What customers choose from.

use async_trait::async_trait;
use oauth_core::{Fault, Subject};
use rar_consent::AccountGroup;

/// The accounts a customer can choose from on the approval page.
#[async_trait]
pub trait CustomerAccounts: Send + Sync {
    /// A customer's own accounts, as the page shows them.
    ///
    /// # Errors
    /// When the book cannot be read.
    async fn own(&self, customer: &Subject) -> Result<Vec<OwnAccount>, Fault>;

    /// Names of accounts for somebody who has to approve a payment from them.
    ///
    /// # Errors
    /// When the book cannot be read.
    async fn names(&self, accounts: &[String]) -> Result<Vec<String>, Fault>;
}

/// One account of a customer, in words.
#[derive(Debug, Clone)]
pub struct OwnAccount {
    /// Its identifier, posted when it is chosen.
    pub id: String,
    /// Its IBAN, when it has one.
    pub iban: Option<String>,
    /// What the customer calls it.
    pub name: String,
    /// Its number, all but the last digits masked.
    pub masked_number: String,
    /// Its currency (ISO 4217).
    pub currency: &'static str,
    /// What it is to a retirement-account scheme.
    pub group: AccountGroup,
    /// What can be spent, with the currency.
    pub balance: String,
    /// Who may debit it.
    pub debit: Debit,
    /// Why it cannot be chosen; `None` when it can.
    pub unavailable: Option<String>,
}

/// Who may debit an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Debit {
    /// The customer alone.
    Alone,
    /// So many persons together.
    Together(usize),
}
