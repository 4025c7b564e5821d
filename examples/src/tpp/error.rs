//! How a run of the TPP may end early, and the exit code that says so.

use std::process::ExitCode;

use oauth_core::Fault;

use super::config::ConfigFault;

/// A security rule of the client did not hold. Nothing further is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: expected {expected}, found {found} [{check}]")]
pub(crate) struct Refusal {
    /// The rule, by its number in the list of client rules.
    pub(crate) check: &'static str,
    /// Where the value stood.
    pub(crate) place: &'static str,
    /// What should have stood there.
    pub(crate) expected: String,
    /// What stood there; secrets and unguessable values are described, not repeated.
    pub(crate) found: String,
}

/// Why a run ended before its goal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// A security rule did not hold.
    #[error("stopped for safety at the {0}")]
    Refused(#[from] Refusal),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigFault),
    /// The server could not be reached or did not speak HTTP as agreed.
    #[error("{place}: {why}")]
    Network {
        /// Method and path.
        place: String,
        /// What went wrong.
        why: String,
    },
    /// The server answered, and the answer was no, or not what the document promises.
    #[error("{place}: HTTP {status}: {said}")]
    Answer {
        /// The endpoint.
        place: &'static str,
        /// The status.
        status: u16,
        /// The error as the server put it.
        said: String,
    },
    /// The customer or the bank declined, or did not finish in time.
    #[error("{0}")]
    Declined(String),
    /// Something on this machine.
    #[error("{doing}: {why}")]
    Local {
        /// What was attempted.
        doing: &'static str,
        /// What went wrong.
        why: String,
    },
}

impl Stop {
    /// Something on this machine went wrong.
    pub(crate) fn local(doing: &'static str, why: impl std::fmt::Display) -> Self {
        Self::Local { doing, why: why.to_string() }
    }

    /// 1 for a security reason, 2 for anything else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused(_) => ExitCode::from(1),
            Self::Config(_)
            | Self::Network { .. }
            | Self::Answer { .. }
            | Self::Declined(_)
            | Self::Local { .. } => ExitCode::from(2),
        }
    }

    /// The end of the run as the one JSON object of `--json`.
    pub(crate) fn to_value(&self) -> serde_json::Value {
        match self {
            Self::Refused(refusal) => serde_json::json!({
                "outcome": "refused",
                "check": refusal.check,
                "place": refusal.place,
                "expected": refusal.expected,
                "found": refusal.found,
            }),
            Self::Config(_)
            | Self::Network { .. }
            | Self::Answer { .. }
            | Self::Declined(_)
            | Self::Local { .. } => {
                serde_json::json!({ "outcome": "failed", "message": self.to_string() })
            }
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::local("random bytes", fault)
    }
}

impl Refusal {
    /// A rule did not hold.
    pub(crate) fn new(
        check: &'static str,
        place: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { check, place, expected: expected.into(), found: found.into() }
    }
}

/// A value from outside, shortened and reduced to printable ASCII, so that a message cannot be forged with it.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text, 120))
}

/// The first so many bytes of a text, reduced to printable ASCII.
pub(crate) fn printable(text: &str, bytes_max: usize) -> String {
    let shown = text.bytes().take(bytes_max);
    let mut shown: String = shown
        .map(|byte| if byte == b' ' || byte.is_ascii_graphic() { char::from(byte) } else { '?' })
        .collect();
    if text.len() > bytes_max {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_security_reason_ends_with_exit_code_1() {
        let refused = Stop::from(Refusal::new("CL-01", "discovery document", "a", "b"));
        assert_eq!(format!("{:?}", refused.exit_code()), format!("{:?}", ExitCode::from(1)));
        for other in [Stop::Declined("no".to_owned()), Stop::local("x", "y")] {
            assert_eq!(format!("{:?}", other.exit_code()), format!("{:?}", ExitCode::from(2)));
        }
    }

    #[test]
    fn quoted_text_keeps_no_line_breaks_or_escapes() {
        assert_eq!(quoted("a\r\n\u{1b}[31mb"), "\"a???[31mb\"");
    }
}
