//! What of a payment's life its third party is told. Pure: every book tells the same.

use rar_consent::{Consent, Event, EventKind, PaymentState};

use crate::domain::{Payment, Stage};

/// Whether a change of status shows outside. What was taken in is pending, and so is what was given to the rail.
pub(super) const fn shows((from, to): (Stage, Stage)) -> bool {
    !matches!((from, to), (Stage::Received, Stage::Pending))
}

/// A payment was booked under this consent.
pub(super) fn created(consent: &Consent, payment: &Payment) -> Result<Option<Event>, serde_json::Error> {
    of(consent, EventKind::Created, payment)
}

/// A payment has moved in a way that shows.
pub(super) fn moved(consent: &Consent, after: &Payment) -> Result<Option<Event>, serde_json::Error> {
    of(consent, EventKind::Updated, after)
}

fn of(consent: &Consent, kind: EventKind, payment: &Payment) -> Result<Option<Event>, serde_json::Error> {
    if consent.listens_at().is_none() {
        return Ok(None);
    }
    let state = PaymentState {
        id: payment.id().as_str(),
        step: payment.status().stage().as_str(),
        stored: serde_json::to_string(payment)?,
        at: payment.status_at(),
    };
    Ok(Event::of_payment(consent, kind, state))
}
