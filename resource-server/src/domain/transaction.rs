//! Transactions as the customer sees them on a statement: one account's side of a movement.

use std::cmp::Ordering;

use oauth_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountId, Line, PaymentId, SignedMoney, ascii_text, is_handle, shown};

ascii_text! {
    /// A transaction, as this bank's interfaces name it.
    TransactionId, is_handle
}
shown!(TransactionId);

/// One line of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookedTransaction {
    /// Which.
    pub id: TransactionId,
    /// On whose statement.
    pub account: AccountId,
    /// What kind of movement.
    pub kind: TransactionKind,
    /// Whether it is final.
    pub status: TransactionStatus,
    /// Negative when money leaves the account.
    pub amount: SignedMoney,
    /// What the statement says.
    pub description: Line<140>,
    /// When the order was executed.
    pub executed_at: Timestamp,
    /// The reference that came with the order.
    pub reference: Option<Line<120>>,
    /// The payment it belongs to, when it was made through an interface.
    pub payment: Option<PaymentId>,
}

impl BookedTransaction {
    /// When it was posted; present exactly when the status says so.
    #[must_use]
    pub const fn posted_at(&self) -> Option<Timestamp> {
        match self.status {
            TransactionStatus::Pending => None,
            TransactionStatus::Posted { at } => Some(at),
        }
    }

    /// The instant it is listed and filtered by: posting, or execution while pending.
    #[must_use]
    pub fn listed_at(&self) -> Timestamp {
        self.posted_at().unwrap_or(self.executed_at)
    }

    /// The order of a statement: newest first, then by identifier, so that pages never overlap.
    #[must_use]
    pub fn newest_first(&self, other: &Self) -> Ordering {
        other.listed_at().cmp(&self.listed_at()).then_with(|| self.id.cmp(&other.id))
    }
}

/// Whether a transaction is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionStatus {
    /// Executed, not yet posted.
    Pending,
    /// Posted to the books.
    Posted {
        /// When.
        at: Timestamp,
    },
}

/// What kind of movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    /// Between two accounts.
    Transfer,
    /// Cash or cheque paid in.
    Deposit,
    /// Cash paid out, or money leaving a PERA.
    Withdrawal,
    /// A contribution to a PERA.
    Contribution,
    /// Units of a fund bought.
    Subscription,
    /// Units of a fund sold.
    Redemption,
    /// Interest or a dividend.
    Income,
    /// What the bank takes.
    Fee,
    /// An earlier movement undone.
    Reversal,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    fn transaction(id: &str, executed: i64, status: TransactionStatus) -> BookedTransaction {
        BookedTransaction {
            id: TransactionId::new(id).unwrap(),
            account: AccountId::new("pa-1").unwrap(),
            kind: TransactionKind::Contribution,
            status,
            amount: SignedMoney::new(-1200, Currency::Php),
            description: Line::new("Contribution 2026").unwrap(),
            executed_at: Timestamp::from_seconds(executed),
            reference: None,
            payment: None,
        }
    }

    #[test]
    fn a_statement_is_newest_first_and_then_by_identifier() {
        let posted = |at| TransactionStatus::Posted { at: Timestamp::from_seconds(at) };
        let mut statement = [
            transaction("c", 1, posted(10)),
            transaction("a", 20, TransactionStatus::Pending),
            transaction("b", 2, posted(10)),
            transaction("d", 3, posted(30)),
        ];
        statement.sort_by(BookedTransaction::newest_first);
        assert_eq!(statement.each_ref().map(|line| line.id.as_str()), ["d", "a", "b", "c"]);
    }

    #[test]
    fn a_transaction_has_a_posting_time_exactly_when_it_is_posted() {
        let at = Timestamp::from_seconds(5);
        assert_eq!(transaction("a", 1, TransactionStatus::Posted { at }).posted_at(), Some(at));
        assert_eq!(transaction("a", 1, TransactionStatus::Pending).posted_at(), None);
    }

    #[test]
    fn the_stored_form_of_a_transaction_does_not_change() {
        let stored = r#"{"id":"a","account":"pa-1","kind":"contribution","status":{"posted":{"at":5000}},"amount":{"minor":-1200,"currency":"PHP"},"description":"Contribution 2026","executed_at":1000,"reference":null,"payment":null}"#;
        let line = transaction("a", 1, TransactionStatus::Posted { at: Timestamp::from_seconds(5) });
        assert_eq!(serde_json::to_string(&line).unwrap(), stored);
        assert_eq!(serde_json::from_str::<BookedTransaction>(stored).unwrap(), line);
    }
}
