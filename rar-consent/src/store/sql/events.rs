//! Events in SQLite or PostgreSQL.
//!
//! An event is inserted after its consent's row was taken by the same transaction, so that the positions of one consent's
//! events have the order of its changes.

use async_trait::async_trait;
use oauth_core::store::database::{DbError, Migration, Row, Statement, Transaction};
use oauth_core::{ConsentId, Fault, Timestamp};

use super::{SqlConsents, corrupt, fault, written};
use crate::consent::Consent;
use crate::consent::history::HistoryEntry;
use crate::event::Event;
use crate::outbox::{ClaimedEvent, EventClaim, EventOutbox, Lease, LeaseEnd, PutOff};

pub(super) const MIGRATION: Migration = Migration::shared(
    10,
    "events",
    "CREATE TABLE event (
         position SERIAL64,
         id TEXT NOT NULL UNIQUE,
         consent TEXT NOT NULL,
         due_at INT64 NOT NULL,
         held_until INT64 NOT NULL,
         holder TEXT,
         failures INT64 NOT NULL,
         body TEXT NOT NULL
     ) STRICT;
     CREATE INDEX event_by_consent ON event (consent, position);
     CREATE INDEX event_by_due ON event (due_at);",
);

const ENQUEUE: &str = "INSERT INTO event (id, consent, due_at, held_until, failures, body)
    VALUES ($1, $2, $3, 0, 0, $4)";
/// The outer condition is judged again after a wait for a row, so that of two who chose the same event one gets it.
const CLAIM: &str = "UPDATE event SET holder = $1, held_until = $2 WHERE held_until <= $3 AND position IN (
        SELECT e.position FROM event e WHERE e.due_at <= $3 AND e.held_until <= $3 AND NOT EXISTS (
            SELECT 1 FROM event earlier WHERE earlier.consent = e.consent AND earlier.position < e.position)
        ORDER BY e.due_at, e.position LIMIT $4)
    RETURNING failures, body";
const FINISH: &str = "DELETE FROM event WHERE id = $1 AND holder = $2";
const PUT_OFF: &str = "UPDATE event SET due_at = $1, failures = failures + $2, held_until = 0, holder = NULL
    WHERE id = $3 AND holder = $4";
const CANCEL: &str = "DELETE FROM event WHERE consent = $1";
const WAITING: &str = "SELECT body FROM event WHERE consent = $1 ORDER BY position LIMIT 200";

/// Keeps an event within the transaction of the change that it tells of. The consent's row must have been taken before,
/// with [`lock`](super::lock) or [`save`](super::save).
///
/// # Errors
/// Whatever the engine reports.
pub fn enqueue(transaction: &mut Transaction<'_>, event: &Event) -> Result<(), DbError> {
    transaction.later(insertion(event)?);
    Ok(())
}

/// What keeps the event of a changed consent, when somebody wants it.
pub(super) fn of_change(changed: &Consent, entry: &HistoryEntry) -> Result<Option<Statement>, DbError> {
    let event = Event::of_consent(changed, entry);
    let event = event.map_err(|_| DbError::Other("a consent cannot be written".to_owned()))?;
    event.as_ref().map(insertion).transpose()
}

/// What deletes the events of a consent.
pub(super) fn cancellation(consent: &ConsentId) -> Statement {
    Statement::new(CANCEL).text(consent.as_str())
}

fn insertion(event: &Event) -> Result<Statement, DbError> {
    Ok(Statement::new(ENQUEUE)
        .text(event.id.as_str())
        .text(event.consent.as_str())
        .int(event.at.millis())
        .text(written(event)?))
}

#[async_trait]
impl EventOutbox for SqlConsents {
    async fn claim(&self, asked: &EventClaim) -> Result<Vec<ClaimedEvent>, Fault> {
        let claim = Statement::new(CLAIM)
            .text(&*asked.holder)
            .int(asked.until.millis())
            .int(asked.now.millis())
            .int(asked.limit.into());
        let claimed = self.0.write(claim).await.map_err(fault)?;
        let mut events = Vec::with_capacity(claimed.rows.len());
        for row in &claimed.rows {
            events.push(leased(row, &asked.holder).map_err(fault)?);
        }
        Ok(events)
    }

    async fn finish(&self, lease: &Lease) -> Result<LeaseEnd, Fault> {
        self.end(Statement::new(FINISH).text(lease.event.as_str()).text(&*lease.holder)).await
    }

    async fn put_off(&self, lease: &Lease, until: Timestamp, why: PutOff) -> Result<LeaseEnd, Fault> {
        let failed = match why {
            PutOff::Failed => 1,
            PutOff::Untried => 0,
        };
        let put_off = Statement::new(PUT_OFF)
            .int(until.millis())
            .int(failed)
            .text(lease.event.as_str())
            .text(&*lease.holder);
        self.end(put_off).await
    }

    async fn cancel(&self, consent: &ConsentId) -> Result<u64, Fault> {
        self.0.write(cancellation(consent)).await.map(|done| done.affected).map_err(fault)
    }

    async fn waiting(&self, consent: &ConsentId) -> Result<Vec<Event>, Fault> {
        let rows = self.0.read(Statement::new(WAITING).text(consent.as_str())).await.map_err(fault)?;
        rows.iter().map(event).collect::<Result<_, _>>().map_err(fault)
    }
}

impl SqlConsents {
    async fn end(&self, statement: Statement) -> Result<LeaseEnd, Fault> {
        Ok(match self.0.write(statement).await.map_err(fault)?.affected {
            0 => LeaseEnd::Lost,
            _ => LeaseEnd::Done,
        })
    }
}

fn leased(row: &Row, holder: &str) -> Result<ClaimedEvent, DbError> {
    let event = event(row)?;
    let failures = u32::try_from(row.int("failures")?).map_err(|_| corrupt())?;
    let lease = Lease { event: event.id.clone(), holder: holder.to_owned() };
    Ok(ClaimedEvent { event, failures, lease })
}

fn event(row: &Row) -> Result<Event, DbError> {
    serde_json::from_str(row.text("body")?).map_err(|_| corrupt())
}
