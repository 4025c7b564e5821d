//! What booking a payment writes, and what follows from each change of its status. Pure: every book applies the same.

use oauth_core::Timestamp;
use rar_consent::{Consent, HistoryEntry};

use crate::domain::{
    AccountId, BookedTransaction, EntryId, JournalEntry, LedgerAccount, Money, Payment, PaymentKind,
    PaymentStatus, RejectionReason, SignedMoney, Stage, TransactionStatus, Unbalanced,
};
use crate::port::{PaymentChange, PaymentMove};

use super::lines;
use crate::rail::carries;

/// The entry and the line of a payment about to be booked: from the payer to what the rail is owed.
pub(super) fn booking(change: &PaymentChange) -> Result<(JournalEntry, BookedTransaction), Unbalanced> {
    let (payment, at) = (&change.payment, change.payment.terms().created_at);
    let entry = booked(payment, change.names.entry.clone(), at)?;
    Ok((entry, lines::debit(payment, change.names.debit.clone(), at)))
}

/// The entry and the amount of a movement that came another way. The other side of the entry is `against`.
pub(super) fn movement(
    line: &BookedTransaction,
    entry: EntryId,
    against: LedgerAccount,
) -> Result<(JournalEntry, Movement), Unbalanced> {
    let own = LedgerAccount::Customer(line.account.clone());
    let amount = magnitude(line.amount)?;
    let (from, to, moved) = if line.amount.minor() < 0 {
        (own, against, Movement::Taken(amount))
    } else {
        (against, own, Movement::Given(amount))
    };
    Ok((JournalEntry::transfer(entry, line.listed_at(), from, to, amount)?, moved))
}

/// Which way an amount moves, as its account sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Movement {
    Taken(Money),
    Given(Money),
}

/// What a move means for the payer of an order for a later day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing: the money was taken before, or is not to be taken.
    Settled,
    /// The money is taken with this move, if it is there.
    Debit,
    /// The order is turned down instead.
    Refuse(RejectionReason),
}

/// Judges the move of an order whose day has come over the consent as it is then.
pub(super) fn turn(before: &Payment, to: PaymentStatus, consent: Option<&Consent>) -> Turn {
    if !before.awaits_debit() || !to.stage().counts() {
        return Turn::Settled;
    }
    let carries = consent.is_some_and(|consent| carries(consent, before.terms().debit_at));
    if carries { Turn::Debit } else { Turn::Refuse(RejectionReason::ConsentEnded) }
}

/// What follows from a change of status.
#[derive(Debug, Clone, Default)]
pub(super) struct Effects {
    /// The money of an order for a later day, which leaves the payer's account now: its entry and its line.
    pub(super) debit: Option<(JournalEntry, BookedTransaction)>,
    /// What becomes of the consent.
    pub(super) consent: OfConsent,
    /// The year whose allowance gets the amount back.
    pub(super) frees_year: Option<i32>,
    /// The payer's line is no longer pending.
    pub(super) posts_debit: Posting,
    /// Money that reaches an account of ours, with its entry and its line.
    pub(super) credit: Option<Credit>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum OfConsent {
    #[default]
    Nothing,
    /// It counts a success.
    Succeeded,
    /// It gets its part back.
    GivenBack,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Posting {
    #[default]
    Stays,
    Posted,
}

#[derive(Debug, Clone)]
pub(super) struct Credit {
    pub(super) account: AccountId,
    pub(super) amount: Money,
    pub(super) entry: JournalEntry,
    pub(super) line: BookedTransaction,
}

/// Judges a move that the table of statuses allows. `booked_as` is the name of the entry that takes the payer's money. Nothing is erased: what is undone
/// is reversed, and the statement shows both.
pub(super) fn of_move(
    (before, after): (&Payment, &Payment),
    change: &PaymentMove,
    booked_as: EntryId,
) -> Result<Effects, Unbalanced> {
    let (from, to) = (before.status().stage(), after.status().stage());
    let mut effects = Effects::default();
    let own = || booked_as.clone();
    if before.awaits_debit() && to.counts() {
        let at = after.status_at();
        let line = lines::debit(after, change.names.debit.clone(), at);
        effects.debit = Some((booked(after, own(), at)?, line));
    }
    // That the debtor has paid is what a consent counts as a success.
    if to.succeeded() && !from.succeeded() {
        (effects.consent, effects.posts_debit) = (OfConsent::Succeeded, Posting::Posted);
    }
    if to == Stage::Completed {
        effects.credit = payee(after, change)?;
    }
    if from.counts() && !to.counts() {
        effects.consent = OfConsent::GivenBack;
        effects.frees_year = match after.terms().kind {
            PaymentKind::Contribution { year } => Some(year),
            PaymentKind::Transfer => None,
        };
        if !before.awaits_debit() {
            effects.posts_debit = Posting::Posted;
            effects.credit = Some(payer(after, change, own())?);
        }
    }
    Ok(effects)
}

/// The consent as a change of a payment's status leaves it, with an entry when its own status changed; `None` when it stays
/// as it is.
pub(super) fn of_consent(
    consent: &Consent,
    after: &Payment,
    change: OfConsent,
) -> Option<(Consent, Option<HistoryEntry>)> {
    let used = after.terms().consent_use();
    match change {
        OfConsent::Nothing => None,
        OfConsent::GivenBack => Some((consent.give_back(&used), None)),
        OfConsent::Succeeded => consent.succeeded(&used, after.status_at()),
    }
}

/// A line of the payment as it stands once the debtor has paid or has got the money back.
pub(super) fn posted(line: BookedTransaction, after: &Payment) -> BookedTransaction {
    BookedTransaction { status: TransactionStatus::Posted { at: lines::told(after.status_at()) }, ..line }
}

/// Money that stays in this bank reaches its payee. Money for another bank stays owed to the rail.
fn payee(after: &Payment, change: &PaymentMove) -> Result<Option<Credit>, Unbalanced> {
    let Some(line) = lines::credit(after, change.names.credit.clone(), after.status_at()) else {
        return Ok(None);
    };
    let (account, amount) = (line.account.clone(), after.terms().amount);
    let to = LedgerAccount::Customer(account.clone());
    let entry =
        JournalEntry::transfer(change.names.entry.clone(), after.status_at(), settlement(after), to, amount)?;
    Ok(Some(Credit { account, amount, entry, line }))
}

/// The payer gets the money back.
fn payer(after: &Payment, change: &PaymentMove, booked_as: EntryId) -> Result<Credit, Unbalanced> {
    let terms = after.terms();
    let original = booked(after, booked_as, terms.debit_at.unwrap_or(terms.created_at))?;
    let entry = JournalEntry::reversal_of(&original, change.names.entry.clone(), after.status_at())?;
    let line = lines::reversal(after, change.names.credit.clone(), after.status_at());
    Ok(Credit { account: terms.debtor.clone(), amount: terms.amount, entry, line })
}

/// The entry that takes the payer's money.
fn booked(payment: &Payment, id: EntryId, at: Timestamp) -> Result<JournalEntry, Unbalanced> {
    let terms = payment.terms();
    let from = LedgerAccount::Customer(terms.debtor.clone());
    JournalEntry::transfer(id, at, from, settlement(payment), terms.amount)
}

/// Where a rail's money stands between payer and payee.
const fn settlement(payment: &Payment) -> LedgerAccount {
    LedgerAccount::Settlement(payment.terms().rail)
}

fn magnitude(amount: SignedMoney) -> Result<Money, Unbalanced> {
    let minor = amount.minor().checked_abs().ok_or(Unbalanced::Amount)?;
    Money::new(minor, amount.currency()).map_err(|_| Unbalanced::Amount)
}
