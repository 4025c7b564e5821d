//! What a statement returns.

use std::fmt;
use std::sync::Arc;

use super::error::DbError;

/// What a writing statement did.
#[derive(Debug, Default)]
pub struct Written {
    /// The rows of its `RETURNING` clause.
    pub rows: Vec<Row>,
    /// How many rows it inserted, updated or deleted.
    pub affected: u64,
}

impl Written {
    /// The first row of the `RETURNING` clause: whether a conditional statement applied.
    #[must_use]
    pub fn first(self) -> Option<Row> {
        self.rows.into_iter().next()
    }
}

/// A row. Columns are read by index or name, each as the type it was declared with.
pub struct Row {
    pub(super) names: Arc<[Box<str>]>,
    pub(super) values: Vec<Value>,
}

pub(super) enum Value {
    Null,
    Text(String),
    Int(i64),
    Bytes(Vec<u8>),
}

/// How a column is named: by its index (`usize`) or its name (`&str`).
pub trait Column: sealed::Sealed + Copy {
    #[doc(hidden)]
    fn index(self, names: &[Box<str>]) -> Option<usize>;
    #[doc(hidden)]
    fn describe(self) -> String;
}

mod sealed {
    #[expect(unnameable_types, reason = "sealed: an index and a name are all there is")]
    pub trait Sealed {}
    impl Sealed for usize {}
    impl Sealed for &str {}
}

impl Column for usize {
    fn index(self, _: &[Box<str>]) -> Option<usize> {
        Some(self)
    }
    fn describe(self) -> String {
        format!("column {self}")
    }
}

impl Column for &str {
    fn index(self, names: &[Box<str>]) -> Option<usize> {
        names.iter().position(|name| &**name == self)
    }
    fn describe(self) -> String {
        format!("column {self}")
    }
}

impl Row {
    /// A text.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when there is no such column, or it holds something else.
    pub fn text(&self, column: impl Column) -> Result<&str, DbError> {
        self.opt_text(column)?.ok_or_else(|| mismatch(column, "text, not NULL"))
    }

    /// An integer.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when there is no such column, or it holds something else.
    pub fn int(&self, column: impl Column) -> Result<i64, DbError> {
        self.opt_int(column)?.ok_or_else(|| mismatch(column, "an integer, not NULL"))
    }

    /// Bytes.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when there is no such column, or it holds something else.
    pub fn bytes(&self, column: impl Column) -> Result<&[u8], DbError> {
        self.opt_bytes(column)?.ok_or_else(|| mismatch(column, "bytes, not NULL"))
    }

    /// A text, or `None` for `NULL`.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when there is no such column, or it holds something else.
    pub fn opt_text(&self, column: impl Column) -> Result<Option<&str>, DbError> {
        match self.value(column)? {
            Value::Text(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            Value::Int(_) | Value::Bytes(_) => Err(mismatch(column, "text")),
        }
    }

    /// An integer, or `None` for `NULL`.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when there is no such column, or it holds something else.
    pub fn opt_int(&self, column: impl Column) -> Result<Option<i64>, DbError> {
        match self.value(column)? {
            Value::Int(int) => Ok(Some(*int)),
            Value::Null => Ok(None),
            Value::Text(_) | Value::Bytes(_) => Err(mismatch(column, "an integer")),
        }
    }

    /// Bytes, or `None` for `NULL`.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when there is no such column, or it holds something else.
    pub fn opt_bytes(&self, column: impl Column) -> Result<Option<&[u8]>, DbError> {
        match self.value(column)? {
            Value::Bytes(bytes) => Ok(Some(bytes)),
            Value::Null => Ok(None),
            Value::Text(_) | Value::Int(_) => Err(mismatch(column, "bytes")),
        }
    }

    fn value(&self, column: impl Column) -> Result<&Value, DbError> {
        column
            .index(&self.names)
            .and_then(|index| self.values.get(index))
            .ok_or_else(|| DbError::Corrupt { detail: format!("no {}", column.describe()) })
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({:?})", self.names)
    }
}

fn mismatch(column: impl Column, wanted: &'static str) -> DbError {
    DbError::Corrupt { detail: format!("{} should hold {wanted}", column.describe()) }
}
