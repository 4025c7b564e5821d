//! Fresh databases, one set per test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use oauth_core::store::database::{Database, DatabaseUrl, Migration, MigrationSet, Statement};

pub(super) const TABLES: MigrationSet = MigrationSet::new(
    "test",
    &[
        Migration::shared(
            1,
            "items and their log",
            "CREATE TABLE item (id TEXT PRIMARY KEY, n INT64 NOT NULL, data BYTES) STRICT;
             CREATE TABLE entry (id SERIAL64, item TEXT NOT NULL, at INT64) STRICT;",
        ),
        Migration::shared(2, "find entries", "CREATE INDEX entry_by_item ON entry (item)"),
    ],
);

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A database nobody else uses. A file is removed with it.
pub(crate) struct Place {
    pub(crate) url: DatabaseUrl,
    pub(crate) name: &'static str,
    directory: Option<PathBuf>,
}

impl Place {
    pub(crate) async fn open(&self) -> Database {
        Database::open(&self.url).await.unwrap()
    }

    pub(super) async fn with_tables(&self) -> Database {
        let database = self.open().await;
        database.migrate(&TABLES).await.unwrap();
        database
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.as_ref().unwrap().join("test.db")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(directory) = &self.directory {
            drop(std::fs::remove_dir_all(directory));
        }
    }
}

pub(crate) fn file() -> Place {
    let name = format!("mandate-db-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&directory).unwrap();
    let url = DatabaseUrl::parse(&format!("sqlite:{}", directory.join("test.db").display())).unwrap();
    Place { url, name: "file", directory: Some(directory) }
}

pub(crate) fn memory() -> Place {
    Place { url: DatabaseUrl::sqlite_memory(), name: "memory", directory: None }
}

/// A schema of its own on the test server. `None`, and said so, where there is none.
pub(crate) async fn postgres() -> Option<Place> {
    postgres_with("").await
}

/// `more` are further parameters of the URL, each with its `&`.
pub(super) async fn postgres_with(more: &str) -> Option<Place> {
    let Some(server) = crate::services::postgres() else {
        println!("SKIPPED on PostgreSQL: MANDATE_TEST_POSTGRES is not set and PostgreSQL is not installed");
        return None;
    };
    let schema = format!("t_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let admin = Database::open(&DatabaseUrl::parse(server).unwrap()).await.unwrap();
    let create = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
    admin.write(Statement::new(create.leak())).await.unwrap();
    admin.write(Statement::new(format!("CREATE SCHEMA {schema}").leak())).await.unwrap();
    admin.close().await;
    let sign = if server.contains('?') { '&' } else { '?' };
    let url = DatabaseUrl::parse(&format!("{server}{sign}options[search_path]={schema}{more}")).unwrap();
    Some(Place { url, name: "postgres", directory: None })
}

pub(crate) async fn everywhere() -> Vec<Place> {
    let mut places = vec![file(), memory()];
    places.extend(postgres().await);
    places
}

pub(super) fn insert(id: impl AsRef<str>, n: i64) -> Statement {
    Statement::new("INSERT INTO item (id, n) VALUES ($1, $2)").text(id).int(n)
}

pub(super) async fn count(database: &Database) -> i64 {
    let rows = database.read(Statement::new("SELECT count(*) FROM item")).await.unwrap();
    rows[0].int(0).unwrap()
}
