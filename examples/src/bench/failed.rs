//! What went wrong, and what was being done.

/// Why the measurement could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {source}")]
pub struct Failed {
    doing: &'static str,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Failed {
    pub(super) fn new(
        doing: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { doing, source: source.into() }
    }
}

/// Names what was being done when something failed.
pub(super) trait Doing<T> {
    fn doing(self, what: &'static str) -> Result<T, Failed>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> Doing<T> for Result<T, E> {
    fn doing(self, what: &'static str) -> Result<T, Failed> {
        self.map_err(|source| Failed::new(what, source))
    }
}
