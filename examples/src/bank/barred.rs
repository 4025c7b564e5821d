//! Clients that are disabled and customers who are locked. A table says who; every process follows it within a second, and
//! the one that was told at once.
//!
//! The table is looked at when it is needed half a second after the last look. While one request looks, the others go on
//! with what is known, up to a second old; after that nobody is let through before the table has answered.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use oauth_core::store::database::{Database, DbError, Migration, MigrationSet, Statement};
use oauth_core::{
    Cause, Client, ClientDirectory, ClientId, ClientStatus, Clock, Fault, FixedClients, Issuer, Subject,
    Timestamp,
};
use serde::Serialize;

/// Milliseconds after which the table is looked at again.
const LOOK_AGAIN: i64 = 500;
/// Milliseconds after which what is known is good for nothing. The promise is one second, so the look itself has time.
const KNOWN_MAX: i64 = 900;

/// Who is barred.
pub struct Barred {
    database: Database,
    clock: Arc<dyn Clock>,
    known: RwLock<Arc<Known>>,
    looking: AtomicBool,
}

/// What one look found.
struct Known {
    at: Timestamp,
    rows: HashMap<Who, Row>,
}

/// Whom a row is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Who {
    /// A client, at one issuer.
    Client {
        /// Where it is registered.
        issuer: Issuer,
        /// Its identifier.
        client_id: ClientId,
    },
    /// A customer, at every issuer.
    Customer {
        /// `sub` of the customer's tokens.
        subject: Subject,
    },
}

/// Since when, by whom and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Since when.
    pub since: Timestamp,
    /// By whom and why.
    pub cause: Cause,
}

/// The table of those who are barred.
#[must_use]
pub fn migrations() -> MigrationSet {
    const ALL: &[Migration] = &[Migration::shared(
        1,
        "barred",
        "CREATE TABLE barred (kind TEXT NOT NULL, issuer TEXT NOT NULL, name TEXT NOT NULL, since INT64 NOT NULL, \
         actor TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (kind, issuer, name)) STRICT",
    )];
    MigrationSet::new("bank_barred", ALL)
}

impl Barred {
    /// Looks once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open(database: &Database, clock: &Arc<dyn Clock>) -> Result<Arc<Self>, Fault> {
        let nobody = Known { at: Timestamp::EPOCH, rows: HashMap::new() };
        let barred = Self {
            database: database.clone(),
            clock: Arc::clone(clock),
            known: RwLock::new(Arc::new(nobody)),
            looking: AtomicBool::new(false),
        };
        barred.look().await?;
        Ok(Arc::new(barred))
    }

    /// Whether somebody is barred, as it stood at most a second ago.
    ///
    /// # Errors
    /// When the database does not answer and what is known is older.
    pub async fn holds(&self, who: &Who) -> Result<bool, Fault> {
        Ok(self.current().await?.rows.contains_key(who))
    }

    /// Everybody who is barred, as it stands now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(&self) -> Result<Vec<(Who, Row)>, Fault> {
        self.look().await?;
        let mut rows: Vec<_> =
            self.known().rows.iter().map(|(who, row)| (who.clone(), row.clone())).collect();
        rows.sort_by_key(|(_, row)| row.since);
        Ok(rows)
    }

    /// Bars somebody. Who is barred already stays so, with the first cause.
    ///
    /// # Errors
    /// When the database does not answer; nothing is known to have changed then.
    pub async fn bar(&self, who: &Who, cause: &Cause) -> Result<(), Fault> {
        let insert = "INSERT INTO barred (kind, issuer, name, since, actor, reason) VALUES ($1, $2, $3, $4, $5, $6) \
                      ON CONFLICT (kind, issuer, name) DO NOTHING";
        let (kind, issuer, name) = who.key();
        let statement = Statement::new(insert)
            .text(kind)
            .text(issuer)
            .text(name)
            .int(self.clock.now().millis())
            .text(&cause.actor)
            .text(&cause.reason);
        self.database.write(statement).await.map_err(broken)?;
        self.look().await
    }

    /// Lifts it again.
    ///
    /// # Errors
    /// When the database does not answer; nothing is known to have changed then.
    pub async fn lift(&self, who: &Who) -> Result<(), Fault> {
        let (kind, issuer, name) = who.key();
        let statement = Statement::new("DELETE FROM barred WHERE kind = $1 AND issuer = $2 AND name = $3")
            .text(kind)
            .text(issuer)
            .text(name);
        self.database.write(statement).await.map_err(broken)?;
        self.look().await
    }

    async fn current(&self) -> Result<Arc<Known>, Fault> {
        let known = self.known();
        let age = self.clock.now().millis().saturating_sub(known.at.millis());
        // A clock that was set back says nothing about how old the knowledge is.
        if (0..LOOK_AGAIN).contains(&age) {
            return Ok(known);
        }
        let first = Looking::begin(&self.looking);
        if first.is_none() && (0..KNOWN_MAX).contains(&age) {
            return Ok(known);
        }
        self.look().await?;
        Ok(self.known())
    }

    async fn look(&self) -> Result<(), Fault> {
        let at = self.clock.now();
        let select = "SELECT kind, issuer, name, since, actor, reason FROM barred";
        let found = self.database.read(Statement::new(select)).await.map_err(broken)?;
        let mut rows = HashMap::with_capacity(found.len());
        for row in &found {
            let text = |column| row.text(column).map(str::to_owned).map_err(broken);
            let who = Who::of(&text(0)?, &text(1)?, &text(2)?)?;
            let since = Timestamp::from_millis(row.int(3).map_err(broken)?);
            rows.insert(who, Row { since, cause: Cause { actor: text(4)?, reason: text(5)? } });
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // A look that began earlier and took longer tells nothing new.
        if known.at <= at {
            *known = Arc::new(Known { at, rows });
        }
        Ok(())
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Barred {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Barred(…)")
    }
}

/// That somebody is looking, as long as it lives; also when the request that looks is given up.
struct Looking<'a>(&'a AtomicBool);

impl<'a> Looking<'a> {
    fn begin(flag: &'a AtomicBool) -> Option<Self> {
        (!flag.swap(true, Ordering::SeqCst)).then_some(Self(flag))
    }
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Who {
    fn key(&self) -> (&'static str, &str, &str) {
        match self {
            Self::Client { issuer, client_id } => ("client", issuer.as_str(), client_id.as_str()),
            Self::Customer { subject } => ("customer", "", subject.as_str()),
        }
    }

    fn of(kind: &str, issuer: &str, name: &str) -> Result<Self, Fault> {
        let corrupt = |what: &str| Fault::new("barred", format!("a row holds {what}"));
        Ok(if kind == "client" {
            Self::Client {
                issuer: Issuer::new(issuer).map_err(|_| corrupt("no issuer"))?,
                client_id: ClientId::new(name).map_err(|_| corrupt("no client"))?,
            }
        } else {
            Self::Customer { subject: Subject::new(name).map_err(|_| corrupt("no subject"))? }
        })
    }
}

/// The registered clients of one issuer, of whom some are disabled.
#[derive(Debug)]
pub struct OpenClients {
    registered: FixedClients,
    issuer: Issuer,
    barred: Arc<Barred>,
}

impl OpenClients {
    /// These clients of this issuer.
    #[must_use]
    pub fn new(clients: impl IntoIterator<Item = Client>, issuer: &Issuer, barred: &Arc<Barred>) -> Self {
        Self { registered: FixedClients::new(clients), issuer: issuer.clone(), barred: Arc::clone(barred) }
    }
}

#[async_trait]
impl ClientDirectory for OpenClients {
    async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, Fault> {
        let Some(client) = self.registered.client(id).await? else { return Ok(None) };
        let who = Who::Client { issuer: self.issuer.clone(), client_id: id.clone() };
        Ok(Some(match self.barred.holds(&who).await? {
            true => Arc::new(Client { status: ClientStatus::Disabled, ..(*client).clone() }),
            false => client,
        }))
    }
}

fn broken(fault: DbError) -> Fault {
    Fault::new("barred", fault)
}

#[cfg(test)]
mod tests {
    use super::super::controls::TestClock;
    use super::*;
    use oauth_core::store::database::DatabaseUrl;

    /// A clock that stands still at a second until it is moved.
    fn stopped() -> Arc<TestClock> {
        let clock = Arc::new(TestClock::default());
        clock.stop_at(Timestamp::from_seconds(1000));
        clock
    }

    fn customer(subject: &str) -> Who {
        Who::Customer { subject: Subject::new(subject).unwrap() }
    }

    fn cause() -> Cause {
        Cause { actor: "olga".to_owned(), reason: "a stolen telephone".to_owned() }
    }

    async fn database() -> Database {
        let database = Database::open(&DatabaseUrl::sqlite_memory()).await.unwrap();
        database.migrate(&migrations()).await.unwrap();
        database
    }

    #[tokio::test]
    async fn one_process_follows_another_within_a_second_and_itself_at_once() {
        let (database, fixed) = (database().await, stopped());
        let clock: Arc<dyn Clock> = fixed.clone();
        let told = Barred::open(&database, &clock).await.unwrap();
        let other = Barred::open(&database, &clock).await.unwrap();
        told.bar(&customer("cus-1"), &cause()).await.unwrap();
        assert!(told.holds(&customer("cus-1")).await.unwrap());
        assert!(!told.holds(&customer("cus-2")).await.unwrap());
        fixed.stop_at(clock.now().plus_millis(KNOWN_MAX));
        assert!(other.holds(&customer("cus-1")).await.unwrap());
        other.lift(&customer("cus-1")).await.unwrap();
        assert!(!other.holds(&customer("cus-1")).await.unwrap());
        fixed.stop_at(clock.now().plus_millis(KNOWN_MAX));
        assert!(!told.holds(&customer("cus-1")).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_is_let_through_by_knowledge_that_the_database_no_longer_confirms() {
        let (database, fixed) = (database().await, stopped());
        let clock: Arc<dyn Clock> = fixed.clone();
        let barred = Barred::open(&database, &clock).await.unwrap();
        database.write(Statement::new("DROP TABLE barred")).await.unwrap();
        assert!(!barred.holds(&customer("cus-1")).await.unwrap(), "still fresh");
        fixed.stop_at(clock.now().plus_millis(KNOWN_MAX));
        barred.holds(&customer("cus-1")).await.unwrap_err();
    }

    #[tokio::test]
    async fn who_is_barred_twice_keeps_the_first_cause_and_is_free_after_one_lift() {
        let (database, fixed) = (database().await, stopped());
        let clock: Arc<dyn Clock> = fixed.clone();
        let barred = Barred::open(&database, &clock).await.unwrap();
        barred.bar(&customer("cus-1"), &cause()).await.unwrap();
        let again = Cause { actor: "piet".to_owned(), reason: "again".to_owned() };
        barred.bar(&customer("cus-1"), &again).await.unwrap();
        let rows = barred.list().await.unwrap();
        assert_eq!(rows, [(customer("cus-1"), Row { since: clock.now(), cause: cause() })]);
        barred.lift(&customer("cus-1")).await.unwrap();
        assert!(barred.list().await.unwrap().is_empty());
    }
}
