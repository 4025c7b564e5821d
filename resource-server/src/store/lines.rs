//! What a payment writes on statements.

use oauth_core::Timestamp;

use crate::domain::{
    AccountId, BookedTransaction, Creditor, Line, Payment, PaymentKind, TransactionId, TransactionKind,
    TransactionStatus,
};

/// The payer's line, pending until the debtor has paid.
pub(super) fn debit(payment: &Payment, id: TransactionId, at: Timestamp) -> BookedTransaction {
    let terms = payment.terms();
    BookedTransaction {
        id,
        account: terms.debtor.clone(),
        kind: TransactionKind::Transfer,
        status: TransactionStatus::Pending,
        amount: terms.amount.debited(),
        description: description(payment),
        executed_at: told(at),
        reference: terms.debtor_reference.clone(),
        payment: Some(terms.id.clone()),
    }
}

/// The payee's line, when the payee has an account here.
pub(super) fn credit(payment: &Payment, id: TransactionId, at: Timestamp) -> Option<BookedTransaction> {
    let terms = payment.terms();
    let kind = match terms.kind {
        PaymentKind::Transfer => TransactionKind::Transfer,
        PaymentKind::Contribution { .. } => TransactionKind::Contribution,
    };
    Some(BookedTransaction {
        id,
        account: credited_account(payment)?.clone(),
        kind,
        status: TransactionStatus::Posted { at: told(at) },
        amount: terms.amount.credited(),
        description: description(payment),
        executed_at: told(at),
        reference: terms.creditor_reference.clone().or_else(|| terms.debtor_reference.clone()),
        payment: Some(terms.id.clone()),
    })
}

/// The line that gives the payer the money back.
pub(super) fn reversal(payment: &Payment, id: TransactionId, at: Timestamp) -> BookedTransaction {
    BookedTransaction {
        kind: TransactionKind::Reversal,
        status: TransactionStatus::Posted { at: told(at) },
        amount: payment.terms().amount.credited(),
        ..debit(payment, id, at)
    }
}

/// To the second, as statements tell it: lines of one second are listed by their identifiers.
pub(super) const fn told(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.seconds())
}

/// The payee's account, when it is one of ours.
pub(super) const fn credited_account(payment: &Payment) -> Option<&AccountId> {
    match &payment.terms().creditor {
        Creditor::Internal { account, .. } => Some(account),
        Creditor::External { .. } => None,
    }
}

fn description(payment: &Payment) -> Line<140> {
    let terms = payment.terms();
    let name = match &terms.creditor {
        Creditor::Internal { name, .. } => name.as_ref(),
        Creditor::External { name, .. } => Some(name),
    };
    let named = name.and_then(|name| name.en().or_else(|| name.ar())).map(|line| line.as_str().to_owned());
    let text = match terms.kind {
        PaymentKind::Contribution { year } => format!("Contribution {year}"),
        PaymentKind::Transfer => named.unwrap_or_else(|| TRANSFER.to_owned()),
    };
    Line::new(&text).unwrap_or_else(|_| fallback())
}

const TRANSFER: &str = "Transfer";

#[expect(clippy::expect_used, reason = "a constant of this file, read in a test")]
fn fallback() -> Line<140> {
    Line::new(TRANSFER).expect("one word")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_word_for_a_transfer_is_a_line() {
        assert_eq!(super::fallback().as_str(), "Transfer");
    }
}
