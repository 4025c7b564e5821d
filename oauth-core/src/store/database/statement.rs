//! One SQL statement and its parameters.

use std::fmt;
use std::sync::Arc;

/// A SQL statement with its parameters, bound in the order they are added: the first is `$1`.
///
/// The text is a constant of the program; whatever comes from outside is a parameter, whose text clones share. `Debug`
/// shows the text and how many parameters there are, never their values. A statement is not `BEGIN`, `COMMIT` or
/// `ROLLBACK`, and does not use `ON CONFLICT ROLLBACK`: transactions belong to the layer.
#[derive(Clone)]
pub struct Statement {
    pub(super) sql: &'static str,
    pub(super) params: Vec<Param>,
}

#[derive(Clone)]
pub(super) enum Param {
    Text(Option<Arc<str>>),
    Int(Option<i64>),
    Bytes(Option<Vec<u8>>),
}

impl Statement {
    /// A statement without parameters.
    #[must_use]
    pub const fn new(sql: &'static str) -> Self {
        Self { sql, params: Vec::new() }
    }

    /// Adds a text.
    #[must_use]
    pub fn text(self, value: impl AsRef<str>) -> Self {
        self.with(Param::Text(Some(value.as_ref().into())))
    }

    /// Adds an integer.
    #[must_use]
    pub fn int(self, value: i64) -> Self {
        self.with(Param::Int(Some(value)))
    }

    /// Adds bytes.
    #[must_use]
    pub fn bytes(self, value: impl Into<Vec<u8>>) -> Self {
        self.with(Param::Bytes(Some(value.into())))
    }

    /// Adds a text or `NULL`.
    #[must_use]
    pub fn opt_text(self, value: Option<impl AsRef<str>>) -> Self {
        self.with(Param::Text(value.map(|text| text.as_ref().into())))
    }

    /// Adds an integer or `NULL`.
    #[must_use]
    pub fn opt_int(self, value: Option<i64>) -> Self {
        self.with(Param::Int(value))
    }

    /// Adds bytes or `NULL`.
    #[must_use]
    pub fn opt_bytes(self, value: Option<impl Into<Vec<u8>>>) -> Self {
        self.with(Param::Bytes(value.map(Into::into)))
    }

    fn with(mut self, param: Param) -> Self {
        self.params.push(param);
        self
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Statement({:?}, {} parameters)", self.sql, self.params.len())
    }
}
