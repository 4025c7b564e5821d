//! Booking a payment: one transaction, all or nothing.
//!
//! Rows are locked in this order everywhere: key, payment, consent, allowance, balance. Two transactions can therefore wait
//! for each other, but never in a circle.

use async_trait::async_trait;
use oauth_core::store::database::{DbError, Row, Statement, Transaction};
use oauth_core::{Fault, Timestamp};
use rar_consent::audit::{AuditRow, PaymentStep, insertion};
use rar_consent::store::sql::{enqueue, lock, save};
use rar_consent::{Actor, Channel, Consent, Event};

use crate::domain::{Payment, PaymentId, PaymentKind, Stage};
use crate::port::{
    Advanced, Allowance, Booked, Found, KeyRef, Keyed, OfKind, PaymentBook, PaymentChange, PaymentMove,
    PaymentQuery,
};
use crate::store::{effects, events, lines};

use super::keys::{self, Claim, Kept, fingerprint, held_by};
use super::ledger::{Taken, balanced, line, post, take};
use super::read::{body, count, stage, written};
use super::{SqlBank, corrupt, fault, settle};

const HELD_BY_KEY: &str = "SELECT i.fingerprint, p.body FROM idempotency i JOIN payment p ON p.id = i.subject
    WHERE i.client = $1 AND i.operation = $2 AND i.key = $3 AND i.until > $4";
const USE_ALLOWANCE: &str = "INSERT INTO allowance (customer, year, used) VALUES ($1, $2, $3)
    ON CONFLICT (customer, year) DO UPDATE SET used = allowance.used + excluded.used
    WHERE allowance.used + excluded.used <= $4";
const INSERT: &str = "INSERT INTO payment
    (id, client, consent, customer, debtor, creditor, kind, created_at, stage, entry, body)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const ENQUEUE: &str = "INSERT INTO outbox (payment, due_at, tries) VALUES ($1, $2, 0)";
const BY_ID: &str = "SELECT body FROM payment WHERE id = $1";
const DUE: &str = "SELECT p.body FROM outbox o JOIN payment p ON p.id = o.payment
    WHERE o.due_at <= $1 ORDER BY o.due_at, o.payment LIMIT $2";
const PUT_OFF: &str = "UPDATE outbox SET due_at = $1, tries = tries + 1 WHERE payment = $2";
const DEQUEUE: &str = "DELETE FROM outbox WHERE payment = $1";

#[async_trait]
impl PaymentBook for SqlBank {
    async fn book(&self, change: PaymentChange) -> Result<Booked, Fault> {
        let booking = self.database.transaction(move |transaction| {
            let change = change.clone();
            Box::pin(async move { book(transaction, &change).await })
        });
        match booking.await {
            Ok(booked) => Ok(booked),
            Err(error) => error.into_reason::<Booked>().map_err(fault),
        }
    }

    async fn payment(&self, id: &PaymentId) -> Result<Option<Payment>, Fault> {
        let row = self.database.read_one(Statement::new(BY_ID).text(id.as_str())).await.map_err(fault)?;
        row.as_ref().map(body).transpose().map_err(fault)
    }

    async fn payments(&self, query: &PaymentQuery) -> Result<Found<Payment>, Fault> {
        let total = self.database.read_one(filtered(COUNT, query)).await.map_err(fault)?;
        let total = count(total.as_ref()).map_err(fault)?;
        let page = filtered(PAGE, query)
            .int(i64::from(query.page.size()))
            .int(i64::try_from(query.page.offset()).unwrap_or(i64::MAX));
        let rows = self.database.read(page).await.map_err(fault)?;
        let items = rows.iter().map(body).collect::<Result<_, _>>().map_err(fault)?;
        Ok(Found { items, total })
    }

    async fn by_key(&self, key: &KeyRef, now: Timestamp) -> Result<Option<Keyed>, Fault> {
        let row = self.database.read_one(held_by(HELD_BY_KEY, key, now)).await.map_err(fault)?;
        row.as_ref().map(keyed).transpose().map_err(fault)
    }

    async fn advance(&self, change: &PaymentMove) -> Result<Advanced, Fault> {
        let change = change.clone();
        let moving = self.database.transaction(move |transaction| {
            let change = change.clone();
            Box::pin(async move { settle::advance(transaction, &change).await })
        });
        moving.await.map_err(fault)
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Fault> {
        let query = Statement::new(DUE).int(now.millis()).int(i64::from(limit));
        let rows = self.database.read(query).await.map_err(fault)?;
        rows.iter().map(body).collect::<Result<_, _>>().map_err(fault)
    }

    async fn put_off(&self, id: &PaymentId, until: Option<Timestamp>) -> Result<(), Fault> {
        let statement = match until {
            Some(until) => Statement::new(PUT_OFF).int(until.millis()).text(id.as_str()),
            None => Statement::new(DEQUEUE).text(id.as_str()),
        };
        self.database.write(statement).await.map(drop).map_err(fault)
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, Fault> {
        self.database.write(keys::sweep(now)).await.map(|written| written.affected).map_err(fault)
    }
}

/// The whole booking. A refusal gives the transaction up, so that not even the key is kept.
async fn book(transaction: &mut Transaction<'_>, change: &PaymentChange) -> Result<Booked, DbError> {
    if let Some(answer) = claim_key(transaction, change).await? {
        return Ok(answer);
    }
    let consent = use_consent(transaction, change).await?;
    if let Some(allowance) = change.allowance {
        use_allowance(transaction, change, allowance).await?;
    }
    let payment = &change.payment;
    let terms = payment.terms();
    if !payment.awaits_debit() {
        if take(transaction, &terms.debtor, terms.amount).await? == Taken::Short {
            return refuse(Booked::FundsGone);
        }
        let (entry, debit) = balanced(effects::booking(change))?;
        post(transaction, &entry);
        line(transaction, &debit)?;
    }
    insert(transaction, change)?;
    let due = terms.debit_at.unwrap_or(terms.created_at);
    let turn = Statement::new(ENQUEUE).text(terms.id.as_str()).int(due.millis());
    transaction.later(turn);
    tell(transaction, events::created(&consent, payment))?;
    note(transaction, payment, None, change.correlation.as_str())?;
    Ok(Booked::New(payment.clone()))
}

/// Takes the key, or says what holds it. A concurrent holder is waited for, and not longer than for any lock.
async fn claim_key(
    transaction: &mut Transaction<'_>,
    change: &PaymentChange,
) -> Result<Option<Booked>, DbError> {
    let now = change.payment.terms().created_at;
    let kept = Kept {
        key: &change.key,
        fingerprint: &change.fingerprint,
        until: change.key_until,
        subject: change.payment.id().as_str(),
        outcome: None,
    };
    match keys::claim(transaction, kept, now).await {
        Ok(Claim::Taken) => return Ok(None),
        Ok(Claim::Held) => {}
        Err(DbError::Busy { .. }) => return refuse(Booked::InProgress),
        Err(error) => return Err(error),
    }
    let row = transaction.query_one(held_by(HELD_BY_KEY, &change.key, now)).await?;
    let row = row.ok_or_else(|| corrupt("a key without its payment"))?;
    let Keyed { fingerprint, payment } = keyed(&row)?;
    if fingerprint != change.fingerprint {
        return Ok(Some(Booked::ConflictingRepeat));
    }
    Ok(Some(Booked::Repeat(payment.as_received())))
}

async fn use_consent(transaction: &mut Transaction<'_>, change: &PaymentChange) -> Result<Consent, DbError> {
    let id = &change.payment.terms().consent;
    let Some(consent) = lock(transaction, id).await? else { return refuse(Booked::ConsentGone) };
    match consent.exercise(&change.consent_use) {
        Ok(used) => save(transaction, &used, None).await.map(|()| used),
        Err(refusal) => refuse(Booked::ConsentRefused(refusal)),
    }
}

/// Keeps an event, when somebody wants it.
pub(super) fn tell(
    transaction: &mut Transaction<'_>,
    event: Result<Option<Event>, serde_json::Error>,
) -> Result<(), DbError> {
    match event.map_err(|_| DbError::Other("a payment cannot be written".to_owned()))? {
        Some(event) => enqueue(transaction, &event),
        None => Ok(()),
    }
}

async fn use_allowance(
    transaction: &mut Transaction<'_>,
    change: &PaymentChange,
    allowance: Allowance,
) -> Result<(), DbError> {
    let terms = change.payment.terms();
    let (amount, limit) = (terms.amount.minor(), allowance.limit.minor());
    // The first use of a year is an insertion, which the condition of the upsert does not judge.
    if amount > limit {
        return refuse(Booked::AllowanceGone);
    }
    let used = Statement::new(USE_ALLOWANCE)
        .text(terms.customer.as_str())
        .int(i64::from(allowance.year))
        .int(amount)
        .int(limit);
    match transaction.execute(used).await?.affected {
        1 => Ok(()),
        _ => refuse(Booked::AllowanceGone),
    }
}

fn insert(transaction: &mut Transaction<'_>, change: &PaymentChange) -> Result<(), DbError> {
    let payment = &change.payment;
    let terms = payment.terms();
    let row = Statement::new(INSERT)
        .text(terms.id.as_str())
        .text(terms.client.column())
        .text(terms.consent.as_str())
        .text(terms.customer.as_str())
        .text(terms.debtor.as_str())
        .opt_text(lines::credited_account(payment).map(|account| account.as_str()))
        .text(kind(terms.kind))
        .int(terms.created_at.millis())
        .text(stage(payment.status().stage()))
        .text(change.names.entry.as_str())
        .text(written(payment)?);
    transaction.later(row);
    Ok(())
}

/// The row of the audit trail for a status of a payment. `before` is the stage it had.
pub(super) fn note(
    transaction: &mut Transaction<'_>,
    payment: &Payment,
    before: Option<Stage>,
    correlation: &str,
) -> Result<(), DbError> {
    let (terms, now) = (payment.terms(), payment.status().stage());
    let (actor, channel) = match now {
        Stage::Received | Stage::Cancelled => (Actor::Tpp(terms.client.id.clone()), Channel::Api),
        Stage::Pending
        | Stage::DebtorSettled
        | Stage::CreditorAccepted
        | Stage::Completed
        | Stage::Rejected => (Actor::Engine, Channel::Rail),
    };
    let row = AuditRow::of_payment(&PaymentStep {
        at: payment.status_at(),
        payment: terms.id.as_str(),
        consent: &terms.consent,
        issuer: &terms.client.issuer,
        client: &terms.client.id,
        customer: &terms.customer,
        actor: &actor,
        channel,
        from: before.map(stage),
        to: stage(now),
        correlation,
        stored: &written(payment)?,
    });
    transaction.later(insertion(&row));
    Ok(())
}

fn refuse<T>(booked: Booked) -> Result<T, DbError> {
    Err(Transaction::abort(booked))
}

fn keyed(row: &Row) -> Result<Keyed, DbError> {
    Ok(Keyed { fingerprint: fingerprint(row)?, payment: body(row)? })
}

const fn kind(kind: PaymentKind) -> &'static str {
    match kind {
        PaymentKind::Transfer => "transfer",
        PaymentKind::Contribution { .. } => "contribution",
    }
}

macro_rules! filter {
    ($start:literal, $end:literal) => {
        concat!(
            $start,
            " FROM payment WHERE client = $1
              AND ($2 IS NULL OR consent = $2)
              AND ($3 IS NULL OR $3 LIKE '%,' || stage || ',%')
              AND ($4 IS NULL OR created_at >= $4)
              AND ($5 IS NULL OR created_at <= $5)
              AND ($6 IS NULL OR debtor = $6 OR creditor = $6)
              AND ($7 IS NULL OR kind = $7) ",
            $end
        )
    };
}

const COUNT: &str = filter!("SELECT count(*)", "");
const PAGE: &str = filter!("SELECT body", "ORDER BY created_at DESC, id LIMIT $8 OFFSET $9");

fn filtered(sql: &'static str, query: &PaymentQuery) -> Statement {
    let stages: Vec<&str> = query.stages.iter().map(|one| stage(*one)).collect();
    let stages = (!stages.is_empty()).then(|| format!(",{},", stages.join(",")));
    let kind = match query.kind {
        OfKind::Any => None,
        OfKind::Transfer => Some("transfer"),
        OfKind::Contribution => Some("contribution"),
    };
    Statement::new(sql)
        .text(query.client.column())
        .opt_text(query.consent.as_ref().map(|consent| consent.as_str()))
        .opt_text(stages)
        .opt_int(query.oldest.map(Timestamp::millis))
        .opt_int(query.newest.map(Timestamp::millis))
        .opt_text(query.account.as_ref().map(|account| account.as_str()))
        .opt_text(kind)
}
