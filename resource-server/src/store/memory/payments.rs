//! Payments and lodged consents in memory.

use async_trait::async_trait;
use oauth_core::{Fault, Timestamp, limits};
use rar_consent::{Consent, HeldConsents, HistoryEntry, Inserted, Replaced};

use crate::domain::{
    AccountId, Balance, BookedTransaction, JournalEntry, Payment, PaymentId, PaymentStatus, RejectionReason,
    SealedNote, TransactionStatus, funds_allow,
};
use crate::port::{
    Advanced, Allowance, Booked, Found, KeyRef, Keyed, KeyedConsent, Lodging, LodgingBook, LodgingChange,
    PaymentBook, PaymentChange, PaymentMove, PaymentQuery,
};
use crate::rail::is_left_over;
use crate::store::effects::{self, Effects, Posting, Turn};
use crate::store::{events, lines};

use super::accounts::page_of;
use super::{Books, Held, Kept, MemoryBank, balanced, broken, fault, held};

#[async_trait]
impl PaymentBook for MemoryBank {
    async fn book(&self, change: PaymentChange) -> Result<Booked, Fault> {
        let mut books = self.books();
        books.book(self.consents(), change)
    }

    async fn payment(&self, id: &PaymentId) -> Result<Option<Payment>, Fault> {
        Ok(self.books().payments.get(id).map(|kept| kept.payment.clone()))
    }

    async fn payments(&self, query: &PaymentQuery) -> Result<Found<Payment>, Fault> {
        let books = self.books();
        let all = books.payments.values().map(|kept| &kept.payment);
        let mut found: Vec<Payment> = all.filter(|payment| wanted(query, payment)).cloned().collect();
        found.sort_by(|one, other| {
            let newest = other.terms().created_at.cmp(&one.terms().created_at);
            newest.then_with(|| one.id().cmp(other.id()))
        });
        Ok(page_of(found, query.page))
    }

    async fn personal(&self, id: &PaymentId) -> Result<Option<SealedNote>, Fault> {
        Ok(self.books().notes.get(id).cloned())
    }

    async fn by_key(&self, key: &KeyRef, now: Timestamp) -> Result<Option<Keyed>, Fault> {
        let books = self.books();
        let Some(held) = held(&books.payment_keys, key, now) else { return Ok(None) };
        let payment = books.held_payment(held)?.clone();
        Ok(Some(Keyed { fingerprint: held.fingerprint, payment }))
    }

    async fn advance(&self, change: &PaymentMove) -> Result<Advanced, Fault> {
        let mut books = self.books();
        books.advance(self.consents(), change)
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Fault> {
        let books = self.books();
        let mut due: Vec<(Timestamp, &PaymentId)> =
            books.outbox.iter().map(|(id, at)| (*at, id)).filter(|(at, _)| *at <= now).collect();
        due.sort();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let payments = due.into_iter().take(limit).filter_map(|(_, id)| books.payments.get(id));
        Ok(payments.map(|kept| kept.payment.clone()).collect())
    }

    async fn left_over(&self, limit: u32) -> Result<Vec<Payment>, Fault> {
        let books = self.books();
        let consents = self.consents();
        let lost = |payment: &Payment| {
            let consent = consents.consent(&payment.terms().consent);
            consent.is_some_and(|consent| is_left_over(payment, &consent))
        };
        let waiting = books.outbox.keys().filter_map(|id| books.payments.get(id)).map(|kept| &kept.payment);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(waiting.filter(|payment| lost(payment)).take(limit).cloned().collect())
    }

    async fn put_off(&self, id: &PaymentId, until: Option<Timestamp>) -> Result<(), Fault> {
        let mut books = self.books();
        match (until, books.outbox.get_mut(id)) {
            (Some(until), Some(at)) => *at = until,
            (None, Some(_)) => drop(books.outbox.remove(id)),
            (_, None) => {}
        }
        Ok(())
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, Fault> {
        let mut books = self.books();
        let payments = books.payment_keys.iter().map(|(key, held)| (held.until, key));
        let consents = books.consent_keys.iter().map(|(key, held)| (held.until, key));
        let mut over: Vec<(Timestamp, KeyRef)> = payments
            .chain(consents)
            .chain(books.pera.keys())
            .filter(|(until, _)| *until <= now)
            .map(|(until, key)| (until, key.clone()))
            .collect();
        over.sort_by_key(|(until, _)| *until);
        over.truncate(usize::try_from(limits::SWEEP_ROWS).unwrap_or(usize::MAX));
        for (_, key) in &over {
            // The operation is part of a key, so it is in one of them.
            books.payment_keys.remove(key);
            books.consent_keys.remove(key);
            books.pera.forget_key(key);
        }
        Ok(u64::try_from(over.len()).unwrap_or(u64::MAX))
    }
}

#[async_trait]
impl LodgingBook for MemoryBank {
    async fn lodge(&self, change: LodgingChange) -> Result<Lodging, Fault> {
        let mut books = self.books();
        let LodgingChange { key, fingerprint, key_until, consent, entry } = change;
        if let Some(held) = held(&books.consent_keys, &key, consent.created_at) {
            return Ok(match held.fingerprint == fingerprint {
                true => Lodging::Repeat(Box::new(held.outcome.clone())),
                false => Lodging::ConflictingRepeat,
            });
        }
        if self.consents().insert(&consent, &entry) == Inserted::IdUsed {
            return Ok(Lodging::IdUsed);
        }
        books.consent_keys.insert(key, Held { fingerprint, until: key_until, outcome: consent });
        Ok(Lodging::New)
    }

    async fn lodged(&self, key: &KeyRef, now: Timestamp) -> Result<Option<KeyedConsent>, Fault> {
        let books = self.books();
        Ok(held(&books.consent_keys, key, now)
            .map(|held| KeyedConsent { fingerprint: held.fingerprint, consent: held.outcome.clone() }))
    }
}

impl Books {
    /// The whole booking.
    fn book(&mut self, mut consents: HeldConsents<'_>, change: PaymentChange) -> Result<Booked, Fault> {
        let terms = change.payment.terms();
        if let Some(held) = held(&self.payment_keys, &change.key, terms.created_at) {
            if held.fingerprint != change.fingerprint {
                return Ok(Booked::ConflictingRepeat);
            }
            return Ok(Booked::Repeat(self.held_payment(held)?.as_received()));
        }
        let Some(consent) = consents.consent(&terms.consent) else { return Ok(Booked::ConsentGone) };
        let used = match consent.exercise(&change.consent_use) {
            Ok(used) => used,
            Err(refusal) => return Ok(Booked::ConsentRefused(refusal)),
        };
        let allowance = match change.allowance.map(|allowance| self.used_of(&change.payment, allowance)) {
            Some(None) => return Ok(Booked::AllowanceGone),
            Some(used) => used,
            None => None,
        };
        let taken = match change.payment.awaits_debit() {
            true => None,
            false => match self.taking(&change.payment, balanced(effects::booking(&change))?)? {
                Some(taken) => Some(taken),
                None => return Ok(Booked::FundsGone),
            },
        };
        if self.payments.contains_key(&terms.id) {
            return Err(broken("a payment of this name exists"));
        }
        let event = events::created(&used, &change.payment).map_err(fault)?;
        keep(&mut consents, &used, None)?;
        event.into_iter().for_each(|event| consents.enqueue(event));
        if let Some((year, used)) = allowance {
            self.allowances.insert((terms.customer.clone(), year), used);
        }
        let (id, booked_as) = (terms.id.clone(), change.names.entry.clone());
        if let Some((entry, balance, line)) = taken {
            self.write(entry, balance, line);
        }
        self.outbox.insert(id.clone(), terms.debit_at.unwrap_or(terms.created_at));
        let PaymentChange { key, fingerprint, key_until, payment, personal, .. } = change;
        self.notes.extend(personal.map(|note| (id.clone(), note)));
        self.payment_keys.insert(key, Held { fingerprint, until: key_until, outcome: id.clone() });
        self.payments.insert(id, Kept { payment: payment.clone(), booked_as });
        Ok(Booked::New(payment))
    }

    /// Judges the move by the table of statuses, and books what follows.
    fn advance(&mut self, mut consents: HeldConsents<'_>, change: &PaymentMove) -> Result<Advanced, Fault> {
        let Some(Kept { payment: before, booked_as }) = self.payments.get(&change.id).cloned() else {
            return Ok(Advanced::Unknown);
        };
        if let Err(illegal) = before.advance(change.to, change.at) {
            return Ok(Advanced::Illegal(before, illegal));
        }
        let to = self.turned(&before, change, consents.consent(&before.terms().consent).as_ref())?;
        let after = match before.advance(to, change.at) {
            Ok(after) => after,
            Err(illegal) => return Ok(Advanced::Illegal(before, illegal)),
        };
        let after = match &change.rail_reference {
            Some(reference) => after.traced(reference.clone()),
            None => after,
        };
        let mut effects = balanced(effects::of_move((&before, &after), change, booked_as.clone()))?;
        let taken = match effects.debit.take() {
            Some(debit) => self.taking(&after, debit)?,
            None => None,
        };
        let balance = match &effects.credit {
            Some(credit) => {
                self.are_new(&credit.entry, &credit.line)?;
                Some(self.with(&credit.account, &credit.entry)?)
            }
            None => None,
        };
        if events::shows((before.status().stage(), after.status().stage()))
            && let Some(consent) = consents.consent(&after.terms().consent)
        {
            let event = events::moved(&consent, &after).map_err(fault)?;
            event.into_iter().for_each(|event| consents.enqueue(event));
        }
        let consent = consents.consent(&after.terms().consent);
        let changed = consent.and_then(|consent| effects::of_consent(&consent, &after, effects.consent));
        if let Some((changed, entry)) = changed {
            keep(&mut consents, &changed, entry.as_ref())?;
        }
        if let Some((entry, balance, line)) = taken {
            self.write(entry, balance, line);
        }
        self.follow(&after, effects, balance);
        self.payments.insert(change.id.clone(), Kept { payment: after.clone(), booked_as });
        if after.status().stage().is_terminal() {
            self.outbox.remove(&change.id);
        }
        Ok(Advanced::Moved(after))
    }

    /// The status that an order for a later day gets when its day has come.
    fn turned(
        &self,
        before: &Payment,
        change: &PaymentMove,
        consent: Option<&Consent>,
    ) -> Result<PaymentStatus, Fault> {
        let rejected = |reason| PaymentStatus::Rejected { reason };
        Ok(match effects::turn(before, change.to, consent) {
            Turn::Settled => change.to,
            Turn::Refuse(reason) => rejected(reason),
            Turn::Debit => {
                let terms = before.terms();
                let available =
                    self.balances.get(&terms.debtor).map(|balance| balance.available()).transpose();
                match available.map_err(fault)?.map(|available| funds_allow(available, terms.amount)) {
                    Some(Ok(())) => change.to,
                    Some(Err(_)) | None => rejected(RejectionReason::InsufficientFunds),
                }
            }
        })
    }

    /// What taking the payer's money writes; `None` when it is not there.
    fn taking(
        &self,
        payment: &Payment,
        (entry, line): (JournalEntry, BookedTransaction),
    ) -> Result<Option<(JournalEntry, Balance, BookedTransaction)>, Fault> {
        let terms = payment.terms();
        let Some(balance) = self.less(&terms.debtor, terms.amount, &entry)? else { return Ok(None) };
        self.are_new(&entry, &line)?;
        Ok(Some((entry, balance, line)))
    }

    /// Writes what follows. Cannot fail.
    fn follow(&mut self, after: &Payment, effects: Effects, balance: Option<Balance>) {
        let terms = after.terms();
        let year = effects.frees_year.map(|year| (terms.customer.clone(), year));
        if let Some(used) = year.and_then(|year| self.allowances.get_mut(&year)) {
            *used = used.saturating_sub(terms.amount.minor());
        }
        if effects.posts_debit == Posting::Posted {
            let own = |line: &&mut BookedTransaction| {
                line.payment.as_ref() == Some(&terms.id) && line.status == TransactionStatus::Pending
            };
            for line in self.lines.values_mut().filter(own) {
                *line = effects::posted(line.clone(), after);
            }
        }
        if let Some((credit, balance)) = effects.credit.zip(balance) {
            self.write(credit.entry, balance, credit.line);
        }
    }

    fn held_payment(&self, held: &Held<PaymentId>) -> Result<&Payment, Fault> {
        let kept = self.payments.get(&held.outcome);
        kept.map(|kept| &kept.payment).ok_or_else(|| broken("a key without its payment"))
    }

    /// The year, and what is used of its allowance with this payment; `None` when that is too much.
    fn used_of(&self, payment: &Payment, allowance: Allowance) -> Option<(i32, i64)> {
        let terms = payment.terms();
        let before = self.allowances.get(&(terms.customer.clone(), allowance.year)).copied();
        let used = before.unwrap_or_default().checked_add(terms.amount.minor())?;
        (used <= allowance.limit.minor()).then_some((allowance.year, used))
    }
}

fn keep(
    consents: &mut HeldConsents<'_>,
    changed: &Consent,
    entry: Option<&HistoryEntry>,
) -> Result<(), Fault> {
    match consents.save(changed, entry) {
        Replaced::Done => Ok(()),
        Replaced::Conflict => Err(broken("a consent has changed since it was read")),
    }
}

fn wanted(query: &PaymentQuery, payment: &Payment) -> bool {
    let terms = payment.terms();
    let touches =
        |account: &AccountId| *account == terms.debtor || lines::credited_account(payment) == Some(account);
    terms.client == query.client
        && query.consent.as_ref().is_none_or(|consent| *consent == terms.consent)
        && (query.stages.is_empty() || query.stages.contains(&payment.status().stage()))
        && query.oldest.is_none_or(|oldest| terms.created_at >= oldest)
        && query.newest.is_none_or(|newest| terms.created_at <= newest)
        && query.account.as_ref().is_none_or(touches)
        && query.kind.includes(terms.kind)
}
