//! Every request is one event of the audit trail, wherever it ended.

use super::{AuthorizationServer, Context};
use crate::port::audit::{AuditEvent, AuditOutcome};
use crate::refusal::Error;
use crate::vocabulary::id::{ClientId, CorrelationId};
use crate::vocabulary::time::Timestamp;

impl AuthorizationServer {
    /// Records one event for the request and passes its result on.
    pub(super) fn audited<T>(
        &self,
        endpoint: &'static str,
        context: &Context<'_>,
        correlation: &CorrelationId,
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        let client = context.trail.lock().map(|client| client.clone()).unwrap_or_default();
        let outcome = result.as_ref().err().map_or(AuditOutcome::Done, ended);
        self.record(endpoint, (context.now, client), correlation, outcome);
        result
    }

    /// Records a request that its transport stopped before any method of this server was called.
    #[cfg(feature = "http")]
    pub(crate) fn record_outside(&self, endpoint: &'static str, error: &Error, correlation: &CorrelationId) {
        self.record(endpoint, (self.ports.clock.now(), None), correlation, ended(error));
    }

    fn record(
        &self,
        endpoint: &'static str,
        (at, client): (Timestamp, Option<ClientId>),
        correlation: &CorrelationId,
        outcome: AuditOutcome,
    ) {
        self.ports.audit.record(&AuditEvent {
            at,
            endpoint,
            correlation: correlation.clone(),
            client,
            subject: None,
            grant: None,
            consent: None,
            outcome,
        });
    }
}

fn ended(error: &Error) -> AuditOutcome {
    match error {
        Error::Refused(refusal) => {
            AuditOutcome::Refused { rule: refusal.rule, reason: format!("{:?}", refusal.reason) }
        }
        Error::Failed(fault) => AuditOutcome::Failed { port: fault.port, error: fault.source.to_string() },
    }
}
