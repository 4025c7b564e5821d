//! Why a step of the self-test could not be taken.

use std::error::Error;
use std::fmt;

/// A step that could not be taken, and the cause. Never a verdict on the server: verdicts are assertions in tests.
#[derive(Debug)]
pub struct Trouble {
    doing: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Trouble {
    /// A trouble without a deeper cause.
    pub fn new(doing: impl Into<String>) -> Self {
        Self { doing: doing.into(), cause: None }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Some(cause) => write!(out, "{}: {cause}", self.doing),
            None => out.write_str(&self.doing),
        }
    }
}

impl Error for Trouble {}

/// Names what was being done when something failed or was absent.
pub trait Doing<T> {
    /// The value, or a [`Trouble`] that says what was being done.
    ///
    /// # Errors
    /// When there is no value.
    fn doing(self, what: impl Into<String>) -> Result<T, Trouble>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl Into<String>) -> Result<T, Trouble> {
        self.map_err(|cause| Trouble { doing: what.into(), cause: Some(cause.into()) })
    }
}

impl<T> Doing<T> for Option<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, Trouble> {
        self.ok_or_else(|| Trouble::new(what))
    }
}
