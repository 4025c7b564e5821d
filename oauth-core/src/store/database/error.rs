//! What can go wrong with a database, sorted by what the caller should do about it.

use std::any::Any;
use std::fmt;

use super::url::Engine;

/// A failure of the database. The text names codes, constraints and tables, never a value, a parameter or a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The engine cannot be reached or cannot work (disk full, shutting down). Whether a single write took place is
    /// not known.
    #[error("the database is unavailable: {detail}")]
    Unavailable {
        /// The engine's code.
        detail: String,
    },
    /// A row with this key exists.
    #[error("the unique constraint {constraint} is violated")]
    UniqueViolation {
        /// PostgreSQL: the constraint's name. SQLite: its table and columns.
        constraint: String,
    },
    /// Somebody else holds what we need for too long. Nothing was changed; trying again later may help.
    #[error("the database is busy: {detail}")]
    Busy {
        /// The engine's code.
        detail: String,
    },
    /// What is stored is not what this program would have stored.
    #[error("the database holds something unexpected: {detail}")]
    Corrupt {
        /// Which column, migration or code.
        detail: String,
    },
    /// The caller's own work gave the transaction up ([`Transaction::abort`](super::Transaction::abort)).
    #[error("the transaction was given up")]
    Aborted(Abort),
    /// The database was closed before.
    #[error("the database is closed")]
    Closed,
    /// Anything else: a mistake in a statement, a violated check.
    #[error("the database refused: {0}")]
    Other(String),
}

impl DbError {
    /// The reason given to [`Transaction::abort`](super::Transaction::abort), when this is one of that type.
    ///
    /// # Errors
    /// The error itself otherwise.
    pub fn into_reason<R: Any>(self) -> Result<R, Self> {
        match self {
            Self::Aborted(Abort(reason)) => {
                reason.downcast().map(|reason| *reason).map_err(|reason| Self::Aborted(Abort(reason)))
            }
            Self::Unavailable { .. }
            | Self::UniqueViolation { .. }
            | Self::Busy { .. }
            | Self::Corrupt { .. }
            | Self::Closed
            | Self::Other(_) => Err(self),
        }
    }

    /// The same news for another listener.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Unavailable { detail } => Self::Unavailable { detail: detail.clone() },
            Self::UniqueViolation { constraint } => Self::UniqueViolation { constraint: constraint.clone() },
            Self::Busy { detail } => Self::Busy { detail: detail.clone() },
            Self::Corrupt { detail } => Self::Corrupt { detail: detail.clone() },
            Self::Aborted(_) => Self::Other("given up".into()),
            Self::Closed => Self::Closed,
            Self::Other(detail) => Self::Other(detail.clone()),
        }
    }
}

/// Why the caller's work gave up: a value of the caller's own type, read with [`DbError::into_reason`].
pub struct Abort(pub(super) Box<dyn Any + Send + Sync>);

impl fmt::Debug for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Abort")
    }
}

/// An error and how far the damage goes.
pub(super) struct Fault {
    pub(super) error: DbError,
    pub(super) reach: Reach,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// This statement only; on SQLite the transaction around it stands.
    Statement,
    /// The transaction lost against another one and should be run again.
    Conflict,
    /// Whatever transaction there was may be gone.
    Transaction,
    /// The connection is of no more use.
    Connection,
}

impl Fault {
    pub(super) fn new(error: DbError, reach: Reach) -> Self {
        Self { error, reach }
    }

    pub(super) fn from_sqlx(engine: Engine, error: &sqlx::Error) -> Self {
        use sqlx::Error as E;
        if let E::Database(error) = error {
            let code = error.code().unwrap_or_default();
            return match engine {
                Engine::Sqlite => sqlite(code.parse().unwrap_or(0), error.as_ref()),
                Engine::Postgres => postgres(&code, error.as_ref()),
            };
        }
        let unavailable =
            |detail: &str, reach| Self::new(DbError::Unavailable { detail: detail.to_owned() }, reach);
        if let E::Io(error) = error {
            return unavailable(&error.kind().to_string(), Reach::Connection);
        }
        if matches!(error, E::PoolClosed) {
            return Self::new(DbError::Closed, Reach::Transaction);
        }
        if matches!(error, E::PoolTimedOut) {
            return unavailable("no connection in time", Reach::Transaction);
        }
        if matches!(error, E::Tls(_) | E::Protocol(_) | E::WorkerCrashed) {
            return unavailable("the connection failed", Reach::Connection);
        }
        if matches!(error, E::ColumnDecode { .. } | E::Decode(_)) {
            return Self::new(
                DbError::Corrupt { detail: "a value cannot be read".into() },
                Reach::Transaction,
            );
        }
        let detail = if matches!(error, E::Configuration(_)) { "connection settings" } else { "driver" };
        Self::new(DbError::Other(detail.into()), Reach::Transaction)
    }
}

/// Result codes: <https://www.sqlite.org/rescode.html>.
fn sqlite(code: u32, error: &dyn sqlx::error::DatabaseError) -> Fault {
    let detail = format!("SQLite code {code}");
    match (code & 0xff, code) {
        (19, 1555 | 2067 | 2579) => {
            let constraint = error.message().rsplit(": ").next().unwrap_or_default().to_owned();
            Fault::new(DbError::UniqueViolation { constraint }, Reach::Statement)
        }
        // The text of these names tables, columns and constraints of the statement, not values.
        (1 | 19 | 20 | 25, _) => {
            Fault::new(DbError::Other(format!("{detail}: {}", error.message())), Reach::Statement)
        }
        (18, _) => Fault::new(DbError::Other(detail), Reach::Statement),
        (5 | 6, _) => Fault::new(DbError::Busy { detail }, Reach::Transaction),
        (11 | 26, _) => Fault::new(DbError::Corrupt { detail }, Reach::Transaction),
        (7 | 8 | 9 | 10 | 13 | 14 | 23, _) => Fault::new(DbError::Unavailable { detail }, Reach::Transaction),
        _ => Fault::new(DbError::Other(detail), Reach::Transaction),
    }
}

/// Codes: PostgreSQL documentation, appendix A.
fn postgres(code: &str, error: &dyn sqlx::error::DatabaseError) -> Fault {
    let detail = format!("SQLSTATE {code}");
    match (code.get(..2).unwrap_or_default(), code) {
        (_, "23505") => {
            let constraint = error.constraint().unwrap_or_default().to_owned();
            Fault::new(DbError::UniqueViolation { constraint }, Reach::Statement)
        }
        (_, "40001" | "40P01") => Fault::new(DbError::Busy { detail }, Reach::Conflict),
        (_, "55P03" | "57014") => Fault::new(DbError::Busy { detail }, Reach::Statement),
        (_, "XX001" | "XX002") => Fault::new(DbError::Corrupt { detail }, Reach::Transaction),
        // 25006: a primary that has become a replica; other connections may reach the new primary.
        ("08" | "28" | "3D" | "57", _) | (_, "25006" | "25P03") => {
            Fault::new(DbError::Unavailable { detail }, Reach::Connection)
        }
        ("53" | "58", _) => Fault::new(DbError::Unavailable { detail }, Reach::Transaction),
        ("23", _) => {
            let constraint = error.constraint().or(error.table()).unwrap_or_default();
            Fault::new(DbError::Other(format!("{detail}: {constraint}")), Reach::Statement)
        }
        // Syntax and unknown names: the text quotes the statement, which is a constant.
        ("42", _) => Fault::new(DbError::Other(format!("{detail}: {}", error.message())), Reach::Statement),
        _ => Fault::new(DbError::Other(detail), Reach::Statement),
    }
}
