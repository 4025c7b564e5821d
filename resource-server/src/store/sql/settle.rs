//! Moving a payment on, with everything that follows from its new status, in one transaction.

use oauth_core::store::database::{DbError, Statement, Transaction};
use rar_consent::store::sql::{lock, save};

use crate::domain::{
    BookedTransaction, EntryId, JournalEntry, LedgerAccount, Payment, PaymentKind, Stage, TransactionStatus,
};
use crate::port::{Advanced, PaymentMove};
use crate::store::lines;

use super::ledger::{balanced, give, line, lines_of, post, relist, settlement};
use super::payments::note;
use super::read::{body, stage, written};

const LOCK: &str = "UPDATE payment SET stage = stage WHERE id = $1 RETURNING body, entry";
const UPDATE: &str = "UPDATE payment SET stage = $1, body = $2 WHERE id = $3";
const DEQUEUE: &str = "DELETE FROM outbox WHERE payment = $1";
const FREE_ALLOWANCE: &str =
    "UPDATE allowance SET used = used - $1 WHERE customer = $2 AND year = $3 AND used >= $1";

/// Locks the payment, judges the move by the table of statuses, and books what follows.
pub(super) async fn advance(
    transaction: &mut Transaction<'_>,
    change: &PaymentMove,
) -> Result<Advanced, DbError> {
    let row = transaction.query_one(Statement::new(LOCK).text(change.id.as_str())).await?;
    let Some(row) = row else { return Ok(Advanced::Unknown) };
    let before: Payment = body(&row)?;
    let entry = EntryId::new(row.text("entry")?).map_err(|_| super::corrupt("an entry without a name"))?;
    let after = match before.advance(change.to, change.at) {
        Ok(after) => after,
        Err(illegal) => return Ok(Advanced::Illegal(before, illegal)),
    };
    let after = match &change.rail_reference {
        Some(reference) => after.traced(reference.clone()),
        None => after,
    };
    let (from, to) = (before.status().stage(), after.status().stage());
    update(transaction, &after).await?;
    if to.succeeded() && !from.succeeded() {
        finish_consent(transaction, &after).await?;
        settle_debit(transaction, &after).await?;
    }
    if to == Stage::Completed {
        credit(transaction, &after, change).await?;
    }
    if from.counts() && !to.counts() {
        undo(transaction, &after, change, &entry).await?;
    }
    if to.is_terminal() {
        transaction.execute(Statement::new(DEQUEUE).text(change.id.as_str())).await?;
    }
    note(transaction, &after, change.correlation.as_str(), change.at).await?;
    Ok(Advanced::Moved(after))
}

async fn update(transaction: &mut Transaction<'_>, after: &Payment) -> Result<(), DbError> {
    let row = Statement::new(UPDATE)
        .text(stage(after.status().stage()))
        .text(written(after)?)
        .text(after.id().as_str());
    transaction.execute(row).await.map(drop)
}

/// The debtor has paid: that is what the consent counts as a success.
async fn finish_consent(transaction: &mut Transaction<'_>, after: &Payment) -> Result<(), DbError> {
    let Some(consent) = lock(transaction, &after.terms().consent).await? else { return Ok(()) };
    match consent.succeeded(after.status_at()) {
        Some((finished, entry)) => save(transaction, &finished, Some(&entry)).await,
        None => Ok(()),
    }
}

/// The payer's line is no longer pending.
async fn settle_debit(transaction: &mut Transaction<'_>, after: &Payment) -> Result<(), DbError> {
    for pending in lines_of(transaction, after.id()).await? {
        if pending.status == TransactionStatus::Pending {
            let posted = TransactionStatus::Posted { at: after.status_at() };
            relist(transaction, &BookedTransaction { status: posted, ..pending }).await?;
        }
    }
    Ok(())
}

/// Money that stays in this bank reaches its payee. Money for another bank stays owed to the rail.
async fn credit(
    transaction: &mut Transaction<'_>,
    after: &Payment,
    change: &PaymentMove,
) -> Result<(), DbError> {
    let Some(line_of_payee) = lines::credit(after, change.names.credit.clone(), after.status_at()) else {
        return Ok(());
    };
    let payee = line_of_payee.account.clone();
    give(transaction, &payee, after.terms().amount).await?;
    let entry = JournalEntry::transfer(
        change.names.entry.clone(),
        after.status_at(),
        settlement(after),
        LedgerAccount::Customer(payee),
        after.terms().amount,
    );
    post(transaction, &balanced(entry)?).await?;
    line(transaction, &line_of_payee).await
}

/// Nothing is erased: consent and allowance get their part back, the booking is reversed, the statement shows both.
async fn undo(
    transaction: &mut Transaction<'_>,
    after: &Payment,
    change: &PaymentMove,
    booked: &EntryId,
) -> Result<(), DbError> {
    let terms = after.terms();
    if let Some(consent) = lock(transaction, &terms.consent).await? {
        save(transaction, &consent.give_back(terms.amount.minor()), None).await?;
    }
    if let PaymentKind::Contribution { year } = terms.kind {
        let free = Statement::new(FREE_ALLOWANCE)
            .int(terms.amount.minor())
            .text(terms.customer.as_str())
            .int(i64::from(year));
        transaction.execute(free).await?;
    }
    give(transaction, &terms.debtor, terms.amount).await?;
    let original = balanced(JournalEntry::transfer(
        booked.clone(),
        terms.created_at,
        LedgerAccount::Customer(terms.debtor.clone()),
        settlement(after),
        terms.amount,
    ))?;
    let reversal = JournalEntry::reversal_of(&original, change.names.entry.clone(), after.status_at());
    post(transaction, &balanced(reversal)?).await?;
    settle_debit(transaction, after).await?;
    line(transaction, &lines::reversal(after, change.names.credit.clone(), after.status_at())).await
}
