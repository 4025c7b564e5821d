//! What whoever orders a UAE payment in the sandbox wants to happen to it: the table of the third-party guide.

use oauth_core::Seconds;

use crate::domain::{Creditor, PaymentTerms, Rail, RejectionReason};
use crate::operation::payments::DebtorFault;

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// The order is not taken: the account is in this state.
    Refused(DebtorFault),
    /// It is taken and then rejected.
    Rejected(RejectionReason),
    /// It stays pending until the bank says otherwise.
    RestsPending,
    /// The debtor pays, and then nothing until the bank says otherwise.
    RestsSettled,
    /// The debtor pays after [`SLOW`].
    Slow,
    /// It goes from pending to its end in one step.
    AtOnce,
}

/// How long a slow payment is pending.
pub(super) const SLOW: Seconds = Seconds::new(30);

/// Amounts whose last two digits are these.
const BY_AMOUNT: &[(i64, Wish)] = &[
    (1, Wish::Rejected(RejectionReason::InsufficientFunds)),
    (2, Wish::Rejected(RejectionReason::AccountBlocked)),
    (3, Wish::Rejected(RejectionReason::AccountClosed)),
    (4, Wish::Rejected(RejectionReason::CreditorAccountInvalid)),
    (5, Wish::Rejected(RejectionReason::LimitExceeded)),
    (6, Wish::Rejected(RejectionReason::FraudSuspected)),
    (7, Wish::Rejected(RejectionReason::GenericFailure)),
    (8, Wish::Rejected(RejectionReason::RailRefused)),
    (11, Wish::RestsPending),
    (12, Wish::Slow),
    (13, Wish::RestsSettled),
    (14, Wish::AtOnce),
    (21, Wish::Refused(DebtorFault::Blocked)),
    (22, Wish::Refused(DebtorFault::Unreachable)),
    (23, Wish::Refused(DebtorFault::Closed)),
];

/// Payees whose account number, at the end of the IBAN, is this.
const BY_CREDITOR: &[(&str, Wish)] = &[
    ("9999000000000001", Wish::Rejected(RejectionReason::CreditorAccountInvalid)),
    ("9999000000000002", Wish::Rejected(RejectionReason::RailRefused)),
    ("9999000000000003", Wish::RestsSettled),
];

impl Wish {
    /// What these terms wish for: by the payee first, then by the amount.
    pub(super) fn of(terms: &PaymentTerms) -> Option<Self> {
        if terms.rail != Rail::UaeInstant {
            return None;
        }
        let iban = match &terms.creditor {
            Creditor::External { iban, .. } => Some(iban.as_str()),
            Creditor::Internal { .. } => None,
        };
        let by_creditor = BY_CREDITOR.iter().find(|(end, _)| iban.is_some_and(|iban| iban.ends_with(end)));
        let fils = terms.amount.minor().checked_rem(100).unwrap_or_default();
        let by_amount = || BY_AMOUNT.iter().find(|(ending, _)| *ending == fils).map(|(_, wish)| *wish);
        by_creditor.map(|(_, wish)| *wish).or_else(by_amount)
    }
}
