//! What happened: one event per request, with the rule that decided it, and never a secret.

use crate::jose::Alg;
use crate::model::signing_key::KeyStage;
use crate::port::companion::Companion;
use crate::refusal::RuleId;
use crate::vocabulary::id::{ClientId, ConsentId, CorrelationId, GrantId, KeyId, Subject};
use crate::vocabulary::time::Timestamp;
use crate::vocabulary::uri::Issuer;

/// Takes one event per request. Must not block; a durable adapter queues.
pub trait Audit: Send + Sync {
    /// Records an event.
    fn record(&self, event: &AuditEvent);

    /// A record of this change of a signing key, to be kept in the same step as the change itself; none where the log is
    /// enough. Called before the step is taken, and again when it has to be judged anew.
    fn beside(&self, _event: &KeyEvent) -> Option<Box<dyn Companion>> {
        None
    }

    /// Records that a signing key went from stage to stage. Written to the log unless an adapter keeps it elsewhere.
    fn record_key(&self, event: &KeyEvent) {
        tracing::info!(
            target: "audit",
            at = event.at.millis(),
            issuer = event.issuer.as_str(),
            kid = event.kid.as_str(),
            alg = event.alg.as_str(),
            from = event.from.map(KeyStage::as_str),
            to = event.to.map(KeyStage::as_str),
            actor = event.cause.actor,
            reason = event.cause.reason,
            "signing key"
        );
    }
}

/// A signing key went from stage to stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEvent {
    /// When.
    pub at: Timestamp,
    /// Whose key.
    pub issuer: Issuer,
    /// Which one.
    pub kid: KeyId,
    /// What it signs with.
    pub alg: Alg,
    /// Where it stood; `None` for a key that came in.
    pub from: Option<KeyStage>,
    /// Where it stands; `None` for a key that was forgotten.
    pub to: Option<KeyStage>,
    /// Who wanted it, and why.
    pub cause: Cause,
}

/// Who wanted something, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// An operator's name, or the part of the program that acted by itself.
    pub actor: String,
    /// In the actor's words.
    pub reason: String,
}

/// One request and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// The endpoint.
    pub endpoint: &'static str,
    /// The identifier in the caller's answer and in our log.
    pub correlation: CorrelationId,
    /// Who called, once known.
    pub client: Option<ClientId>,
    /// Which customer, once known.
    pub subject: Option<Subject>,
    /// Which grant, once known.
    pub grant: Option<GrantId>,
    /// Which consent, once known.
    pub consent: Option<ConsentId>,
    /// How it ended.
    pub outcome: AuditOutcome,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditOutcome {
    /// It got what it asked for.
    Done,
    /// A rule refused it; the reason in its `Debug` form holds no input.
    Refused {
        /// The rule.
        rule: RuleId,
        /// The reason.
        reason: String,
    },
    /// Our side broke at this port.
    Failed {
        /// The port.
        port: &'static str,
        /// Its error text.
        error: String,
    },
}

/// Writes events as structured log lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogAudit;

impl Audit for LogAudit {
    fn record(&self, event: &AuditEvent) {
        let client = event.client.as_ref().map(ClientId::as_str);
        let correlation = event.correlation.as_str();
        match &event.outcome {
            AuditOutcome::Done => {
                tracing::info!(target: "audit", endpoint = event.endpoint, correlation, client, "done");
            }
            AuditOutcome::Refused { rule, reason } => {
                tracing::info!(target: "audit", endpoint = event.endpoint, correlation, client, rule = rule.0, reason, "refused");
            }
            AuditOutcome::Failed { port, error } => {
                tracing::error!(target: "audit", endpoint = event.endpoint, correlation, client, port, error, "failed");
            }
        }
    }
}
