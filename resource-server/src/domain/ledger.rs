//! Double entry. An entry that does not sum to zero cannot be made, nor read back from storage.
//!
//! The sign is the customer's view: a positive posting adds to the account, a negative one takes from it.

use oauth_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountId, Currency, Money, MoneyFault, Rail, SignedMoney, ascii_text, is_handle, shown};

ascii_text! {
    /// An entry of the journal.
    EntryId, is_handle
}
shown!(EntryId);

/// Postings that belong together: at least two, one currency, sum zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredEntry", into = "StoredEntry")]
pub struct JournalEntry {
    id: EntryId,
    at: Timestamp,
    currency: Currency,
    postings: Vec<Posting>,
    reverses: Option<EntryId>,
}

impl JournalEntry {
    /// An entry of any number of postings.
    ///
    /// # Errors
    /// [`Unbalanced`] says which law the postings break.
    pub fn new(
        id: EntryId,
        at: Timestamp,
        currency: Currency,
        postings: Vec<Posting>,
    ) -> Result<Self, Unbalanced> {
        if postings.len() < 2 {
            return Err(Unbalanced::TooFew);
        }
        // The least value has no opposite, so it could not be reversed.
        if postings.iter().any(|posting| posting.amount == 0 || posting.amount == i64::MIN) {
            return Err(Unbalanced::Amount);
        }
        let sum =
            postings.iter().try_fold(0_i128, |sum, posting| sum.checked_add(i128::from(posting.amount)));
        if sum != Some(0) {
            return Err(Unbalanced::Sum);
        }
        Ok(Self { id, at, currency, postings, reverses: None })
    }

    /// Moves an amount from one account to another.
    ///
    /// # Errors
    /// [`Unbalanced::SameAccount`], or [`Unbalanced::Amount`] when there is nothing to move.
    pub fn transfer(
        id: EntryId,
        at: Timestamp,
        from: LedgerAccount,
        to: LedgerAccount,
        amount: Money,
    ) -> Result<Self, Unbalanced> {
        if from == to {
            return Err(Unbalanced::SameAccount);
        }
        let postings = vec![
            Posting { account: from, amount: amount.debited().minor() },
            Posting { account: to, amount: amount.minor() },
        ];
        Self::new(id, at, amount.currency(), postings)
    }

    /// Undoes an entry, posting by posting. Books are never erased.
    ///
    /// # Errors
    /// None that a well-formed entry can cause; the laws are checked again all the same.
    pub fn reversal_of(entry: &Self, id: EntryId, at: Timestamp) -> Result<Self, Unbalanced> {
        let opposite = |posting: &Posting| {
            let amount = posting.amount.checked_neg().ok_or(Unbalanced::Amount)?;
            Ok(Posting { account: posting.account.clone(), amount })
        };
        let postings = entry.postings.iter().map(opposite).collect::<Result<_, _>>()?;
        let reversal = Self::new(id, at, entry.currency, postings)?;
        Ok(Self { reverses: Some(entry.id.clone()), ..reversal })
    }

    /// Which entry.
    #[must_use]
    pub const fn id(&self) -> &EntryId {
        &self.id
    }

    /// When it was booked.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The one currency of all postings.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The postings.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// The entry this one undoes.
    #[must_use]
    pub const fn reverses(&self) -> Option<&EntryId> {
        self.reverses.as_ref()
    }
}

/// One side of a movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// On which account.
    pub account: LedgerAccount,
    /// Minor units; never zero in an entry, negative when money leaves the account.
    pub amount: i64,
}

/// What can be posted to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerAccount {
    /// An account of a customer.
    Customer(AccountId),
    /// What we owe to, or are owed by, a rail.
    Settlement(Rail),
    /// Money whose owner is being found.
    Suspense,
    /// Where balances came from before this ledger began.
    Opening,
}

/// Why postings do not make an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unbalanced {
    /// Fewer than two postings.
    #[error("an entry needs at least two postings")]
    TooFew,
    /// A posting of nothing, or of an amount without an opposite.
    #[error("a posting has an impossible amount")]
    Amount,
    /// The postings do not sum to zero.
    #[error("postings do not sum to zero")]
    Sum,
    /// From an account to itself.
    #[error("an entry moves money from an account to itself")]
    SameAccount,
}

/// What stands on an account, and what of it is already promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredBalance", into = "StoredBalance")]
pub struct Balance {
    booked: SignedMoney,
    reserved: Money,
}

impl Balance {
    /// A booked balance and what is reserved of it.
    ///
    /// # Errors
    /// [`MoneyFault::OtherCurrency`].
    pub fn new(booked: SignedMoney, reserved: Money) -> Result<Self, MoneyFault> {
        if booked.currency() != reserved.currency() {
            return Err(MoneyFault::OtherCurrency);
        }
        Ok(Self { booked, reserved })
    }

    /// An account on which nothing was ever booked.
    #[must_use]
    pub const fn empty(currency: Currency) -> Self {
        Self { booked: SignedMoney::new(0, currency), reserved: Money::zero(currency) }
    }

    /// The sum of all postings.
    #[must_use]
    pub const fn booked(self) -> SignedMoney {
        self.booked
    }

    /// What payments on their way will take.
    #[must_use]
    pub const fn reserved(self) -> Money {
        self.reserved
    }

    /// What may still be spent: booked less reserved.
    ///
    /// # Errors
    /// [`MoneyFault::Overflow`].
    pub fn available(self) -> Result<SignedMoney, MoneyFault> {
        self.booked.minus(self.reserved.credited())
    }

    /// The balance of `account` after an entry.
    ///
    /// # Errors
    /// [`LedgerFault`] when the entry is of another currency or the balance leaves its range.
    pub fn after(self, entry: &JournalEntry, account: &LedgerAccount) -> Result<Self, LedgerFault> {
        let mine = entry.postings.iter().filter(|posting| posting.account == *account);
        let booked = mine
            .map(|posting| SignedMoney::new(posting.amount, entry.currency))
            .try_fold(self.booked, SignedMoney::plus)?;
        Ok(Self { booked, ..self })
    }
}

/// Why an entry cannot be applied to a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry does not fit the balance: {0}")]
pub struct LedgerFault(#[from] MoneyFault);

/// Whether an amount may leave an account: no overdraft, and the last unit may be spent.
///
/// # Errors
/// [`FundsFault`].
pub fn funds_allow(available: SignedMoney, amount: Money) -> Result<(), FundsFault> {
    match amount.credited().compare(available) {
        Ok(order) if order.is_le() => Ok(()),
        Ok(_) => Err(FundsFault::Insufficient),
        Err(_) => Err(FundsFault::OtherCurrency),
    }
}

/// Why an amount may not leave an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FundsFault {
    /// More than what is available.
    #[error("insufficient funds")]
    Insufficient,
    /// The account holds another currency.
    #[error("account holds another currency")]
    OtherCurrency,
}

#[derive(Serialize, Deserialize)]
struct StoredEntry {
    id: EntryId,
    at: Timestamp,
    currency: Currency,
    postings: Vec<Posting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reverses: Option<EntryId>,
}

impl TryFrom<StoredEntry> for JournalEntry {
    type Error = Unbalanced;
    fn try_from(stored: StoredEntry) -> Result<Self, Unbalanced> {
        let entry = Self::new(stored.id, stored.at, stored.currency, stored.postings)?;
        Ok(Self { reverses: stored.reverses, ..entry })
    }
}

impl From<JournalEntry> for StoredEntry {
    fn from(entry: JournalEntry) -> Self {
        let JournalEntry { id, at, currency, postings, reverses } = entry;
        Self { id, at, currency, postings, reverses }
    }
}

#[derive(Serialize, Deserialize)]
struct StoredBalance {
    booked: SignedMoney,
    reserved: Money,
}

impl TryFrom<StoredBalance> for Balance {
    type Error = MoneyFault;
    fn try_from(stored: StoredBalance) -> Result<Self, MoneyFault> {
        Self::new(stored.booked, stored.reserved)
    }
}

impl From<Balance> for StoredBalance {
    fn from(balance: Balance) -> Self {
        Self { booked: balance.booked, reserved: balance.reserved }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> EntryId {
        EntryId::new(text).unwrap()
    }

    fn customer(name: &str) -> LedgerAccount {
        LedgerAccount::Customer(AccountId::new(name).unwrap())
    }

    fn aed(minor: i64) -> Money {
        Money::new(minor, Currency::Aed).unwrap()
    }

    fn entry(amounts: &[i64]) -> Result<JournalEntry, Unbalanced> {
        let postings =
            amounts.iter().map(|amount| Posting { account: LedgerAccount::Suspense, amount: *amount });
        JournalEntry::new(id("e-1"), Timestamp::EPOCH, Currency::Aed, postings.collect())
    }

    #[test]
    fn an_entry_sums_to_zero_over_at_least_two_postings() {
        for (amounts, fault) in [
            (&[][..], Unbalanced::TooFew),
            (&[0], Unbalanced::TooFew),
            (&[5], Unbalanced::TooFew),
            (&[0, 0], Unbalanced::Amount),
            (&[5, -5, 0], Unbalanced::Amount),
            (&[5, -4], Unbalanced::Sum),
            (&[5, 5], Unbalanced::Sum),
            (&[i64::MAX, i64::MAX, 2], Unbalanced::Sum),
            (&[i64::MIN, i64::MAX, 1], Unbalanced::Amount),
        ] {
            assert_eq!(entry(amounts), Err(fault), "{amounts:?}");
        }
        assert!(entry(&[5, -3, -2]).is_ok());
        assert!(entry(&[i64::MAX, i64::MAX, -i64::MAX, -i64::MAX]).is_ok());
    }

    #[test]
    fn a_transfer_takes_from_one_account_what_it_gives_the_other() {
        let moved = JournalEntry::transfer(id("e"), Timestamp::EPOCH, customer("a"), customer("b"), aed(250))
            .unwrap();
        let start = Balance::new(SignedMoney::new(1000, Currency::Aed), aed(100)).unwrap();
        let after = |name| start.after(&moved, &customer(name)).unwrap();
        assert_eq!(
            [after("a"), after("b"), after("c")].map(|balance| balance.booked().minor()),
            [750, 1250, 1000]
        );
        assert_eq!(after("a").available().unwrap().minor(), 650);
    }

    #[test]
    fn a_transfer_needs_two_accounts_and_an_amount() {
        let transfer = |to: &str, minor| {
            JournalEntry::transfer(id("e"), Timestamp::EPOCH, customer("a"), customer(to), aed(minor))
        };
        assert_eq!(transfer("a", 1), Err(Unbalanced::SameAccount));
        assert_eq!(transfer("b", 0), Err(Unbalanced::Amount));
    }

    #[test]
    fn an_entry_of_another_currency_or_beyond_the_range_does_not_fit_a_balance() {
        let give =
            JournalEntry::transfer(id("e"), Timestamp::EPOCH, customer("a"), customer("b"), aed(1)).unwrap();
        let full = Balance::new(SignedMoney::new(i64::MAX, Currency::Aed), aed(0)).unwrap();
        assert_eq!(full.after(&give, &customer("b")), Err(LedgerFault(MoneyFault::Overflow)));
        let pesos = Balance::empty(Currency::Php);
        assert_eq!(pesos.after(&give, &customer("b")), Err(LedgerFault(MoneyFault::OtherCurrency)));
    }

    #[test]
    fn the_last_unit_may_be_spent_and_no_more() {
        let available = |minor| SignedMoney::new(minor, Currency::Aed);
        assert_eq!(funds_allow(available(100), aed(100)), Ok(()));
        assert_eq!(funds_allow(available(99), aed(100)), Err(FundsFault::Insufficient));
        assert_eq!(funds_allow(available(-1), aed(0)), Err(FundsFault::Insufficient));
        assert_eq!(funds_allow(SignedMoney::new(100, Currency::Php), aed(1)), Err(FundsFault::OtherCurrency));
    }

    #[test]
    fn a_stored_entry_is_checked_when_it_is_read_back() {
        let stored = r#"{"id":"e","at":0,"currency":"AED","postings":[{"account":{"customer":"a"},"amount":-5},{"account":{"settlement":"instapay"},"amount":5}]}"#;
        let entry: JournalEntry = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&entry).unwrap(), stored);
        assert!(serde_json::from_str::<JournalEntry>(&stored.replace(":5", ":6")).is_err());
    }

    proptest! {
        #[test]
        fn every_entry_and_its_reversal_sum_to_zero(amounts in proptest::collection::vec(any::<i64>(), 0..6), close in any::<bool>()) {
            let mut amounts = amounts;
            if close {
                let sum: i128 = amounts.iter().copied().map(i128::from).sum();
                amounts.extend(sum.checked_neg().and_then(|rest| i64::try_from(rest).ok()));
            }
            let total = |entry: &JournalEntry| entry.postings().iter().map(|posting| i128::from(posting.amount)).sum::<i128>();
            let balanced = amounts.iter().copied().map(i128::from).sum::<i128>() == 0;
            match entry(&amounts) {
                Ok(entry) => {
                    prop_assert_eq!(total(&entry), 0);
                    let reversal = JournalEntry::reversal_of(&entry, id("e-2"), Timestamp::EPOCH).unwrap();
                    prop_assert_eq!(total(&reversal), 0);
                    prop_assert_eq!(reversal.reverses(), Some(entry.id()));
                    for (there, back) in entry.postings().iter().zip(reversal.postings()) {
                        prop_assert_eq!(there.amount.checked_neg(), Some(back.amount));
                    }
                }
                Err(Unbalanced::Sum) => prop_assert!(!balanced),
                Err(_) => prop_assert!(amounts.len() < 2 || amounts.contains(&0) || amounts.contains(&i64::MIN)),
            }
        }
    }
}
