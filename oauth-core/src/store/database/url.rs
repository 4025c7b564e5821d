//! Where a database is.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use zeroize::Zeroizing;

use super::error::DbError;

/// Which database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// SQLite, inside this process.
    Sqlite,
    /// PostgreSQL, or an engine that speaks its protocol.
    Postgres,
}

/// Where a database is: `sqlite:PATH`, `sqlite::memory:` or `postgres://user:password@host/database`.
///
/// Connections to PostgreSQL use TLS as the URL's `sslmode` and `sslrootcert` say; without them TLS is used when the
/// server offers it, unverified. The password is never shown.
#[derive(Clone)]
pub struct DatabaseUrl {
    pub(super) place: Place,
    pub(super) connections: NonZeroU32,
}

#[derive(Clone)]
pub(super) enum Place {
    SqliteFile(PathBuf),
    SqliteMemory,
    Postgres(Zeroizing<String>),
}

/// Connections to PostgreSQL unless told otherwise: more buys throughput with latency.
const CONNECTIONS: NonZeroU32 = NonZeroU32::new(16).unwrap();

impl DatabaseUrl {
    /// Reads the text form.
    ///
    /// # Errors
    /// [`DbError::Other`] when it is none of the three forms.
    pub fn parse(text: &str) -> Result<Self, DbError> {
        let place = if text == "sqlite::memory:" {
            Place::SqliteMemory
        } else if let Some(path) = text.strip_prefix("sqlite:") {
            // SQLite reads `file:` names and `?` as options of its own; a path has neither.
            if path.is_empty() || path.starts_with("file:") || path.starts_with(':') || path.contains('\0') {
                return Err(ill_formed());
            }
            Place::SqliteFile(PathBuf::from(path))
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            ::url::Url::parse(text).map_err(|_| ill_formed())?;
            Place::Postgres(Zeroizing::new(text.to_owned()))
        } else {
            return Err(ill_formed());
        };
        Ok(Self { place, connections: CONNECTIONS })
    }

    /// A SQLite file by its path.
    #[must_use]
    pub fn sqlite_file(path: PathBuf) -> Self {
        Self { place: Place::SqliteFile(path), connections: CONNECTIONS }
    }

    /// A SQLite database that lives as long as the [`Database`](super::Database).
    #[must_use]
    pub fn sqlite_memory() -> Self {
        Self { place: Place::SqliteMemory, connections: CONNECTIONS }
    }

    /// Sets how many PostgreSQL connections the pool may hold. Without effect on SQLite.
    #[must_use]
    pub fn with_connections(mut self, connections: NonZeroU32) -> Self {
        self.connections = connections;
        self
    }

    /// Which engine it names.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.place {
            Place::SqliteFile(_) | Place::SqliteMemory => Engine::Sqlite,
            Place::Postgres(_) => Engine::Postgres,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = DbError;
    fn from_str(text: &str) -> Result<Self, DbError> {
        Self::parse(text)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::SqliteFile(path) => write!(f, "sqlite:{}", path.display()),
            Place::SqliteMemory => f.write_str("sqlite::memory:"),
            Place::Postgres(text) => {
                let host = ::url::Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
                write!(f, "postgres://{}/…", host.unwrap_or_default())
            }
        }
    }
}

fn ill_formed() -> DbError {
    DbError::Other(
        "a database URL is sqlite:PATH, sqlite::memory: or postgres://user:password@host/database".into(),
    )
}

#[cfg(not(all(feature = "sqlite", feature = "postgres")))]
pub(super) fn not_built(engine: &'static str) -> DbError {
    DbError::Unavailable { detail: format!("this build has no {engine}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_forms_are_database_urls() {
        for good in
            ["sqlite:a/b.db", "sqlite::memory:", "postgres://u:p@h/d", "postgresql://h/d?sslmode=require"]
        {
            assert!(DatabaseUrl::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "sqlite:", "sqlite:file:x?mode=ro", "sqlite::other:", "mysql://h/d", "/tmp/x.db"] {
            assert!(DatabaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let url = DatabaseUrl::parse("postgres://user:hunter2@db.example/bank?password=hunter2").unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
