//! The audit trail: what was done to consents, payments and keys, in an order that cannot be changed unnoticed.
//!
//! Whoever changes something writes an [`AuditRow`] in the same transaction. A sealer ([`Trail::seal`]) gives committed rows
//! their position and their hash within about a second; each hash covers the row, its position and the hash before it
//! ([`link`]). A signed [`Checkpoint`] every few seconds, kept outside the database as well, bears witness of where the chain
//! stood: without one, a trail whose end was cut off would look like a shorter one. [`Verifier`] reads all of it and says
//! what does not fit, and where.
//!
//! This is not [`oauth_core::Audit`], which hears of every request and writes to the log.
//!
//! A row holds what an auditor needs and no more: identifiers, statuses, times. No name, no account number, no amount, no
//! token. What it is about in full is bound by [`AuditRow::digest`].

mod chain;
mod checkpoint;
#[cfg(feature = "sql")]
mod sealer;
#[cfg(feature = "sql")]
mod trail;
mod verify;

use oauth_core::{ClientId, ConsentId, Issuer, KeyEvent, KeyStage, Subject, Timestamp};

use crate::consent::Consent;
use crate::consent::history::{Actor, Changed, Channel, HistoryEntry};
use crate::consent::status::Role;

pub use chain::{ChainHash, Link, digest, link};
pub use checkpoint::{Checkpoint, CheckpointFault, CheckpointKey};
#[cfg(feature = "sql")]
pub use sealer::{CheckpointPace, Sealed};
#[cfg(feature = "sql")]
pub(crate) use trail::TABLES;
#[cfg(feature = "sql")]
pub use trail::{KeyTrail, Trail, TrailRow, insertion};
pub use verify::{Finding, Verifier, Witness};

/// One change, as the trail keeps it. Fields are in the order of [the canonical bytes](link).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// What kind of thing changed: a [name](AuditKind::as_str).
    pub kind: String,
    /// Which one: the identifier of the consent or the payment, the name of the key.
    pub subject: String,
    /// The issuer it belongs to.
    pub issuer: Option<String>,
    /// The consent it is about.
    pub consent: Option<String>,
    /// The third party it concerns.
    pub client: Option<String>,
    /// The customer it concerns, by the bank's identifier.
    pub customer: Option<String>,
    /// Which side acted: `tpp`, `customer`, `operator`, `clock` or `engine`.
    pub role: String,
    /// Who of that side, where it has names.
    pub actor: Option<String>,
    /// The way it came: a [name](Channel::as_str).
    pub channel: String,
    /// What of it changed: `status` for most rows.
    pub what: String,
    /// The status before; none at the beginning.
    pub from: Option<String>,
    /// The status after; none at the end.
    pub to: Option<String>,
    /// Why, in the words of the bank or its operator. What others say is bound by the digest only.
    pub reason: Option<String>,
    /// The call it came with.
    pub correlation: Option<String>,
    /// SHA-256, in hexadecimal, of what is stored about it: the entry of the history, or the payment.
    pub digest: Option<String>,
}

/// What kind of thing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditKind {
    /// A consent.
    Consent,
    /// A payment.
    Payment,
    /// A signing key of the bank.
    Key,
}

impl AuditKind {
    /// The name it is stored by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Payment => "payment",
            Self::Key => "key",
        }
    }
}

impl AuditRow {
    /// The row of an entry in a consent's history. `stored` is the text of the entry as it is kept.
    #[must_use]
    pub fn of_consent(consent: &Consent, entry: &HistoryEntry, stored: &str) -> Self {
        let (actor, reason) = (entry.actor.name(), &entry.reason);
        let told = match entry.actor.role() {
            Role::Operator | Role::Clock | Role::Engine => Some(reason.clone()),
            Role::Tpp | Role::Customer => None,
        };
        Self {
            at: entry.at,
            kind: AuditKind::Consent.as_str().to_owned(),
            subject: consent.id.as_str().to_owned(),
            issuer: Some(consent.issuer.as_str().to_owned()),
            consent: Some(consent.id.as_str().to_owned()),
            client: Some(consent.client.as_str().to_owned()),
            customer: consent.subject.as_ref().map(|subject| subject.as_str().to_owned()),
            role: entry.actor.role().as_str().to_owned(),
            actor: actor.map(str::to_owned),
            channel: entry.channel.map_or("unrecorded", Channel::as_str).to_owned(),
            what: entry.what.as_str().to_owned(),
            from: entry.from.map(|status| status.as_str().to_owned()),
            to: Some(entry.to.as_str().to_owned()),
            reason: told.filter(|reason| !reason.is_empty()),
            correlation: None,
            digest: Some(digest(stored.as_bytes()).to_string()),
        }
    }

    /// The row of a status of a payment.
    #[must_use]
    pub fn of_payment(step: &PaymentStep<'_>) -> Self {
        Self {
            at: step.at,
            kind: AuditKind::Payment.as_str().to_owned(),
            subject: step.payment.to_owned(),
            issuer: Some(step.issuer.as_str().to_owned()),
            consent: Some(step.consent.as_str().to_owned()),
            client: Some(step.client.as_str().to_owned()),
            customer: Some(step.customer.as_str().to_owned()),
            role: step.actor.role().as_str().to_owned(),
            actor: step.actor.name().map(str::to_owned),
            channel: step.channel.as_str().to_owned(),
            what: Changed::Status.as_str().to_owned(),
            from: step.from.map(str::to_owned),
            to: Some(step.to.to_owned()),
            reason: None,
            correlation: Some(step.correlation.to_owned()),
            digest: Some(digest(step.stored.as_bytes()).to_string()),
        }
    }

    /// The row of a signing key that went from stage to stage.
    #[must_use]
    pub fn of_key(event: &KeyEvent) -> Self {
        let stage = |stage: Option<KeyStage>| stage.map(|stage| stage.as_str().to_owned());
        let (role, channel) = match event.cause.actor.as_str() {
            "schedule" | "start" => (Role::Clock, Channel::Clock),
            _ => (Role::Operator, Channel::Operator),
        };
        Self {
            at: event.at,
            kind: AuditKind::Key.as_str().to_owned(),
            subject: event.kid.as_str().to_owned(),
            issuer: Some(event.issuer.as_str().to_owned()),
            consent: None,
            client: None,
            customer: None,
            role: role.as_str().to_owned(),
            actor: Some(event.cause.actor.clone()),
            channel: channel.as_str().to_owned(),
            what: Changed::Status.as_str().to_owned(),
            from: stage(event.from),
            to: stage(event.to),
            reason: Some(event.cause.reason.clone()),
            correlation: None,
            digest: None,
        }
    }
}

/// A status of a payment, for its row.
#[derive(Debug, Clone, Copy)]
pub struct PaymentStep<'a> {
    /// When.
    pub at: Timestamp,
    /// Its identifier.
    pub payment: &'a str,
    /// The consent it uses.
    pub consent: &'a ConsentId,
    /// The issuer that the third party is registered with.
    pub issuer: &'a Issuer,
    /// The third party.
    pub client: &'a ClientId,
    /// The customer.
    pub customer: &'a Subject,
    /// Who acted.
    pub actor: &'a Actor,
    /// The way it came.
    pub channel: Channel,
    /// The status before.
    pub from: Option<&'a str>,
    /// The status after.
    pub to: &'a str,
    /// The call it came with.
    pub correlation: &'a str,
    /// The payment as it is kept.
    pub stored: &'a str,
}
