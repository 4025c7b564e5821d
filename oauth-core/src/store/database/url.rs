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
/// A PostgreSQL server on another machine is reached over TLS: the URL must say `sslmode=verify-full` (or `verify-ca`, or
/// `require`, which encrypts without asking who answers), with `sslrootcert` where the server's authority is not a public
/// one. A deployment whose network protects the connection otherwise says `plaintext=allowed` instead; nothing is ever
/// sent in the clear because a parameter was forgotten. The password is never shown.
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
    /// [`DbError::Other`] when it is none of the three forms, or names a server that would be reached over a network in
    /// the clear.
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
            Place::Postgres(protected(text)?)
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

/// The URL as the driver reads it, unless what it leads to could be read or changed on the way.
fn protected(text: &str) -> Result<Zeroizing<String>, DbError> {
    let mut url = ::url::Url::parse(text).map_err(|_| ill_formed())?;
    let (name, accepted) = crate::store::PLAINTEXT;
    let [plaintext] = crate::store::take_parameters(&mut url, [name]).ok_or_else(ill_formed)?;
    match plaintext.as_deref() {
        None => {
            over_tls(text)?;
            Ok(Zeroizing::new(text.to_owned()))
        }
        Some(value) if value == accepted => Ok(Zeroizing::new(url.to_string())),
        Some(_) => Err(ill_formed()),
    }
}

/// Judged by what the driver makes of the URL and of the environment it reads.
#[cfg(feature = "postgres")]
fn over_tls(text: &str) -> Result<(), DbError> {
    use sqlx::postgres::{PgConnectOptions, PgSslMode};

    let options = PgConnectOptions::from_str(text).map_err(|_| ill_formed())?;
    let host = options.get_host();
    let here = options.get_socket().is_some() || host.starts_with('/') || crate::store::stays_here(host);
    match options.get_ssl_mode() {
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => Ok(()),
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer if here => Ok(()),
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => Err(in_the_clear()),
    }
}

#[cfg(not(feature = "postgres"))]
fn over_tls(_: &str) -> Result<(), DbError> {
    Ok(())
}

#[cfg(feature = "postgres")]
fn in_the_clear() -> DbError {
    DbError::Other(
        "PostgreSQL on another machine is reached over TLS: add sslmode=verify-full (and sslrootcert=FILE) to its URL, or \
         plaintext=allowed where the network itself is protected"
            .into(),
    )
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
            ["sqlite:a/b.db", "sqlite::memory:", "postgres://u:p@[::1]/d", "postgresql://h/d?sslmode=require"]
        {
            assert!(DatabaseUrl::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "sqlite:", "sqlite:file:x?mode=ro", "sqlite::other:", "mysql://h/d", "/tmp/x.db"] {
            assert!(DatabaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_server_on_another_machine_is_reached_over_tls_unless_the_url_accepts_otherwise() {
        for good in [
            "postgres://u@127.0.0.1/d",
            "postgres://u@localhost/d?sslmode=disable",
            "postgres://u@db.example/d?host=/var/run/postgresql",
            "postgres://u@db.example/d?sslmode=verify-full&sslrootcert=ca.pem",
            "postgres://u@db.example/d?sslmode=verify-ca",
            "postgres://u@10.0.0.5/d?plaintext=allowed",
            "postgres://u@10.0.0.5/d?sslmode=disable&plaintext=allowed",
        ] {
            assert!(DatabaseUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "postgres://u@db.example/d",
            "postgres://u@10.0.0.5/d",
            "postgres://u@db.example/d?sslmode=prefer",
            "postgres://u@db.example/d?sslmode=allow",
            "postgres://u@db.example/d?sslmode=disable",
            "postgres://u@localhost/d?host=db.example",
            "postgres://u@localhost/d?hostaddr=10.0.0.5",
        ] {
            let refused = DatabaseUrl::parse(bad).unwrap_err().to_string();
            assert!(refused.contains("sslmode=verify-full"), "{bad}: {refused}");
        }
        for bad in ["postgres://u@h/d?plaintext=1", "postgres://u@h/d?plaintext=allowed&plaintext=allowed"] {
            assert!(DatabaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let url = "postgres://user:hunter2@db.example/bank?sslmode=require&password=hunter2";
        let url = DatabaseUrl::parse(url).unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
