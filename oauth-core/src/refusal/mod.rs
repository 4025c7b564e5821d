//! Why a request ends without what it asked for: the caller's fault ([`Refusal`]) or ours ([`Fault`]).

pub(crate) mod code;
pub(crate) mod reason;

use std::fmt;

use reason::Reason;

/// The name of a rule: document and section, as in `RFC9126-2.1-2`. It goes to log, audit and ledger, never on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub &'static str);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Our verdict on the caller's request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused by {rule}: {reason:?}")]
pub struct Refusal {
    /// The rule that did not hold.
    pub rule: RuleId,
    /// What was wrong.
    pub reason: Reason,
}

/// Something on our side broke: a store, a signer, an outbound call.
#[derive(Debug, thiserror::Error)]
#[error("{port} failed: {source}")]
pub struct Fault {
    /// The port that failed.
    pub port: &'static str,
    /// Its own error.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl Fault {
    /// Wraps a port's own error.
    pub fn new(port: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { port, source: source.into() }
    }
}

/// How a request may end without what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's request was refused; nothing changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Our side broke; the caller may try again.
    #[error(transparent)]
    Failed(#[from] Fault),
}
