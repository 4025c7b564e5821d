//! The journal, the balances that follow from it, and the lines on statements.

use oauth_core::store::database::{DbError, Statement, Transaction};

use crate::domain::{AccountId, BookedTransaction, JournalEntry, Money, PaymentId};

use super::read::{ledger, written};

const ENTRY: &str = "INSERT INTO journal_entry (id, at, currency, reverses) VALUES ($1, $2, $3, $4)";
const POSTING: &str = "INSERT INTO posting (entry, ledger, account, amount) VALUES ($1, $2, $3, $4)";
const TAKE: &str = "UPDATE balance SET booked = booked - $1
    WHERE account = $2 AND currency = $3 AND booked - reserved >= $1";
const GIVE: &str = "UPDATE balance SET booked = booked + $1 WHERE account = $2 AND currency = $3";
const LINE: &str = "INSERT INTO booked_transaction (id, account, listed_at, amount, payment, body)
    VALUES ($1, $2, $3, $4, $5, $6)";
const LINES_OF: &str = "SELECT body FROM booked_transaction WHERE payment = $1 ORDER BY id";
const RELIST: &str = "UPDATE booked_transaction SET listed_at = $1, body = $2 WHERE id = $3";

/// Whether a balance had enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// Less than the amount was available, or the account holds another currency.
    Short,
}

/// Takes an amount from a balance, if that much is available. The row stays locked until the transaction ends.
pub(super) async fn take(
    transaction: &mut Transaction<'_>,
    account: &AccountId,
    amount: Money,
) -> Result<Taken, DbError> {
    let statement =
        Statement::new(TAKE).int(amount.minor()).text(account.as_str()).text(amount.currency().code());
    Ok(if transaction.execute(statement).await?.affected == 1 { Taken::Yes } else { Taken::Short })
}

/// Adds an amount to a balance.
pub(super) async fn give(
    transaction: &mut Transaction<'_>,
    account: &AccountId,
    amount: Money,
) -> Result<(), DbError> {
    let statement =
        Statement::new(GIVE).int(amount.minor()).text(account.as_str()).text(amount.currency().code());
    match transaction.execute(statement).await?.affected {
        1 => Ok(()),
        _ => Err(DbError::Other("no balance of this account and currency".to_owned())),
    }
}

/// Writes an entry with its postings. Balances are the caller's: [`take`] or [`give`] for every customer posting.
pub(super) fn post(transaction: &mut Transaction<'_>, entry: &JournalEntry) {
    let head = Statement::new(ENTRY)
        .text(entry.id().as_str())
        .int(entry.at().millis())
        .text(entry.currency().code())
        .opt_text(entry.reverses().map(|id| id.as_str()));
    transaction.later(head);
    for posting in entry.postings() {
        let (kind, account) = ledger(&posting.account);
        let row =
            Statement::new(POSTING).text(entry.id().as_str()).text(kind).text(account).int(posting.amount);
        transaction.later(row);
    }
}

/// Writes a line on a statement.
pub(super) fn line(transaction: &mut Transaction<'_>, line: &BookedTransaction) -> Result<(), DbError> {
    let row = Statement::new(LINE)
        .text(line.id.as_str())
        .text(line.account.as_str())
        .int(line.listed_at().millis())
        .int(line.amount.minor())
        .opt_text(line.payment.as_ref().map(PaymentId::as_str))
        .text(written(line)?);
    transaction.later(row);
    Ok(())
}

/// The lines a payment has written so far.
pub(super) async fn lines_of(
    transaction: &mut Transaction<'_>,
    payment: &PaymentId,
) -> Result<Vec<BookedTransaction>, DbError> {
    let rows = transaction.query(Statement::new(LINES_OF).text(payment.as_str())).await?;
    rows.iter().map(super::read::body).collect()
}

/// Writes a line again after its status changed.
pub(super) fn relist(transaction: &mut Transaction<'_>, line: &BookedTransaction) -> Result<(), DbError> {
    let row =
        Statement::new(RELIST).int(line.listed_at().millis()).text(written(line)?).text(line.id.as_str());
    transaction.later(row);
    Ok(())
}

/// An entry that cannot be made is a mistake of ours, not of the caller.
pub(super) fn balanced<T>(made: Result<T, crate::domain::Unbalanced>) -> Result<T, DbError> {
    made.map_err(|law| DbError::Other(law.to_string()))
}
