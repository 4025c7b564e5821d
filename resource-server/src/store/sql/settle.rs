//! Moving a payment on, with everything that follows from its new status, in one transaction.

use oauth_core::store::database::{DbError, Statement, Transaction};
use rar_consent::Consent;
use rar_consent::store::sql::{lock, save};

use crate::domain::{EntryId, Payment, PaymentStatus, RejectionReason, TransactionStatus};
use crate::port::{Advanced, PaymentMove};
use crate::store::effects::{self, Effects, OfConsent, Posting, Turn};
use crate::store::events;

use super::ledger::{Taken, balanced, give, line, lines_of, post, relist, take};
use super::payments::{note, tell};
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
    if let Err(illegal) = before.advance(change.to, change.at) {
        return Ok(Advanced::Illegal(before, illegal));
    }
    let to = turned(transaction, &before, change.to).await?;
    let after = match before.advance(to, change.at) {
        Ok(after) => after,
        Err(illegal) => return Ok(Advanced::Illegal(before, illegal)),
    };
    let after = match &change.rail_reference {
        Some(reference) => after.traced(reference.clone()),
        None => after,
    };
    let effects = balanced(effects::of_move((&before, &after), change, entry))?;
    update(transaction, &after)?;
    let shows = events::shows((before.status().stage(), after.status().stage()));
    let consent = match shows || effects.consent != OfConsent::Nothing {
        true => lock(transaction, &after.terms().consent).await?,
        false => None,
    };
    if let Some(consent) = consent.as_ref().filter(|_| shows) {
        tell(transaction, events::moved(consent, &after))?;
    }
    apply(transaction, (&after, consent), effects).await?;
    if after.status().stage().is_terminal() {
        transaction.later(Statement::new(DEQUEUE).text(change.id.as_str()));
    }
    note(transaction, &after, Some(before.status().stage()), change.correlation.as_str())?;
    Ok(Advanced::Moved(after))
}

/// The status that an order for a later day gets when its day has come: the one it is to have with its money taken, or rejected.
async fn turned(
    transaction: &mut Transaction<'_>,
    before: &Payment,
    to: PaymentStatus,
) -> Result<PaymentStatus, DbError> {
    if !before.awaits_debit() {
        return Ok(to);
    }
    let terms = before.terms();
    let consent = lock(transaction, &terms.consent).await?;
    let rejected = |reason| PaymentStatus::Rejected { reason };
    Ok(match effects::turn(before, to, consent.as_ref()) {
        Turn::Settled => to,
        Turn::Refuse(reason) => rejected(reason),
        Turn::Debit => match take(transaction, &terms.debtor, terms.amount).await? {
            Taken::Yes => to,
            Taken::Short => rejected(RejectionReason::InsufficientFunds),
        },
    })
}

fn update(transaction: &mut Transaction<'_>, after: &Payment) -> Result<(), DbError> {
    let row = Statement::new(UPDATE)
        .text(stage(after.status().stage()))
        .text(written(after)?)
        .text(after.id().as_str());
    transaction.later(row);
    Ok(())
}

async fn apply(
    transaction: &mut Transaction<'_>,
    (after, consent): (&Payment, Option<Consent>),
    effects: Effects,
) -> Result<(), DbError> {
    if let Some((entry, debit)) = &effects.debit {
        post(transaction, entry);
        line(transaction, debit)?;
    }
    if let Some(consent) = consent {
        of_consent(transaction, (after, consent), effects.consent).await?;
    }
    if let Some(year) = effects.frees_year {
        let free = Statement::new(FREE_ALLOWANCE)
            .int(after.terms().amount.minor())
            .text(after.terms().customer.as_str())
            .int(i64::from(year));
        transaction.later(free);
    }
    if effects.posts_debit == Posting::Posted {
        for pending in lines_of(transaction, after.id()).await? {
            if pending.status == TransactionStatus::Pending {
                relist(transaction, &effects::posted(pending, after))?;
            }
        }
    }
    if let Some(credit) = effects.credit {
        give(transaction, &credit.account, credit.amount).await?;
        post(transaction, &credit.entry);
        line(transaction, &credit.line)?;
    }
    Ok(())
}

async fn of_consent(
    transaction: &mut Transaction<'_>,
    (after, consent): (&Payment, Consent),
    change: OfConsent,
) -> Result<(), DbError> {
    match effects::of_consent(&consent, after, change) {
        Some((changed, entry)) => save(transaction, &changed, entry.as_ref()).await,
        None => Ok(()),
    }
}
