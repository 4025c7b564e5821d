//! What happened: one event per request, with the rule that decided it, and never a secret.

use crate::refusal::RuleId;
use crate::vocabulary::id::{ClientId, ConsentId, CorrelationId, GrantId, Subject};
use crate::vocabulary::time::Timestamp;

/// Takes one event per request. Must not block; a durable adapter queues.
pub trait Audit: Send + Sync {
    /// Records an event.
    fn record(&self, event: &AuditEvent);
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
