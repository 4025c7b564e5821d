//! The bank's customers and how they sign in. A real bank has its own; this one keeps passwords as Argon2id.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use argon2::{Algorithm, Argon2, Params, Version};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use oauth_core::store::database::{Database, DbError, Migration, MigrationSet, Statement};
use oauth_core::{Fault, Scope, Subject, Timestamp, UserClaims, UserStanding};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

use super::barred::{Barred, Who};
use super::failures::{Failures, source};

/// A customer as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Customer {
    /// `sub` of the customer's tokens.
    pub subject: Subject,
    /// What the customer types.
    pub username: String,
    /// How the bank addresses the customer.
    pub name: String,
    /// Standard claims (OpenID Connect Core section 5.1) besides `sub` and `name`.
    #[serde(default)]
    pub claims: Map<String, Value>,
}

/// Salt and hash of a password.
#[derive(Clone)]
struct Password {
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// All customers, in memory, with the bounded pool that hashes passwords.
pub struct Customers {
    known: RwLock<Known>,
    barred: Arc<Barred>,
    pool: Semaphore,
    /// By user name.
    names: Failures<String>,
    /// By address.
    sources: Failures<IpAddr>,
}

/// Every customer, by both names.
#[derive(Default)]
struct Known {
    by_username: HashMap<String, (Customer, Password)>,
    by_subject: HashMap<Subject, Customer>,
}

/// How a sign-in ended. Nothing tells which part was wrong.
#[derive(Debug)]
pub enum SignIn {
    /// The customer is who they say.
    Welcome(Customer),
    /// User name or password is wrong.
    Wrong,
    /// Too many failures for this name, or from this address; wait.
    Wait,
    /// The password is right, and the bank has locked the customer.
    Locked,
}

/// Failures before a name has to wait.
const FAILURES_MAX: u32 = 5;
/// Failures before an address has to wait: a whole office may be behind one.
const SOURCE_FAILURES_MAX: u32 = 100;

/// The table of customers.
#[must_use]
pub fn migrations() -> MigrationSet {
    const ALL: &[Migration] = &[Migration::shared(
        1,
        "customer",
        "CREATE TABLE customer (subject TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, record TEXT NOT NULL, \
         salt TEXT NOT NULL, hash TEXT NOT NULL) STRICT",
    )];
    MigrationSet::new("bank_customer", ALL)
}

/// Adds a customer; one that is there already stays as it is.
///
/// # Errors
/// When the database or the hash fails.
pub async fn add(database: &Database, customer: &Customer, password: &str, salt: &[u8]) -> Result<(), Fault> {
    const ADD: &str = "INSERT INTO customer (subject, username, record, salt, hash) VALUES ($1, $2, $3, $4, $5) \
                       ON CONFLICT (subject) DO NOTHING";
    write(database, customer, (password, salt), ADD).await
}

/// Adds a customer, or gives the one that is there a new name, password and claims.
///
/// # Errors
/// When the database or the hash fails.
pub async fn put(database: &Database, customer: &Customer, password: &str, salt: &[u8]) -> Result<(), Fault> {
    const PUT: &str = "INSERT INTO customer (subject, username, record, salt, hash) VALUES ($1, $2, $3, $4, $5) \
                       ON CONFLICT (subject) DO UPDATE SET username = excluded.username, \
                       record = excluded.record, salt = excluded.salt, hash = excluded.hash";
    write(database, customer, (password, salt), PUT).await
}

async fn write(
    database: &Database,
    customer: &Customer,
    (password, salt): (&str, &[u8]),
    sql: &'static str,
) -> Result<(), Fault> {
    let hash = hash(password, salt).map_err(|fault| Fault::new("customers", fault.to_string()))?;
    let record = serde_json::to_string(customer).map_err(|fault| Fault::new("customers", fault))?;
    let statement = Statement::new(sql)
        .text(customer.subject.as_str())
        .text(&customer.username)
        .text(&record)
        .text(STANDARD_NO_PAD.encode(salt))
        .text(STANDARD_NO_PAD.encode(hash));
    database.write(statement).await.map_err(|fault| Fault::new("customers", fault))?;
    Ok(())
}

impl Customers {
    /// Reads all customers.
    ///
    /// # Errors
    /// When the database cannot be read or holds something else.
    pub async fn load(
        database: &Database,
        hashing_at_once: usize,
        barred: &Arc<Barred>,
    ) -> Result<Arc<Self>, Fault> {
        let known = RwLock::new(read_all(database).await?);
        let barred = Arc::clone(barred);
        Ok(Arc::new(Self {
            known,
            barred,
            pool: Semaphore::new(hashing_at_once),
            names: Failures::at_most(FAILURES_MAX),
            sources: Failures::at_most(SOURCE_FAILURES_MAX),
        }))
    }

    /// Reads all customers again and forgets every failed sign-in.
    ///
    /// # Errors
    /// As of [`Customers::load`].
    pub async fn reload(&self, database: &Database) -> Result<(), Fault> {
        let known = read_all(database).await?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        self.names.forget_all();
        self.sources.forget_all();
        Ok(())
    }

    /// The customer behind a subject.
    #[must_use]
    pub fn by_subject(&self, subject: &Subject) -> Option<Customer> {
        self.known().by_subject.get(subject).cloned()
    }

    /// The customer of a user name.
    #[must_use]
    pub fn by_username(&self, username: &str) -> Option<Customer> {
        self.known().by_username.get(username).map(|(customer, _)| customer.clone())
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks a user name and password, typed at this address. An unknown name costs as much time as a wrong password.
    ///
    /// # Errors
    /// When the hash cannot be computed.
    pub async fn sign_in(
        self: &Arc<Self>,
        username: &str,
        password: String,
        (from, now): (Option<IpAddr>, Timestamp),
    ) -> Result<SignIn, Fault> {
        let name: String = username.chars().take(128).collect();
        let from = from.map(source);
        let from_waits = from.is_some_and(|from| self.sources.must_wait(&from, now));
        if from_waits || self.names.must_wait(&name, now) {
            return Ok(SignIn::Wait);
        }
        let known = self.known().by_username.get(username).cloned();
        let (salt, expected) = match &known {
            Some((_, stored)) => (stored.salt.clone(), stored.hash.clone()),
            None => (vec![0; SALT_BYTES], vec![0; HASH_BYTES]),
        };
        let permit = self.pool.acquire().await.map_err(|fault| Fault::new("customers", fault))?;
        let computed = tokio::task::spawn_blocking(move || hash(&password, &salt)).await;
        drop(permit);
        let computed = computed
            .map_err(|fault| Fault::new("customers", fault))?
            .map_err(|fault| Fault::new("customers", fault.to_string()))?;
        let same = bool::from(computed.ct_eq(&expected));
        match known {
            Some((customer, _)) if same => {
                self.names.forget(&name);
                Ok(match UserClaims::standing(self.as_ref(), &customer.subject).await? {
                    UserStanding::Good => SignIn::Welcome(customer),
                    UserStanding::Locked => SignIn::Locked,
                })
            }
            Some(_) | None => {
                self.names.note(name, now);
                from.into_iter().for_each(|from| self.sources.note(from, now));
                Ok(SignIn::Wrong)
            }
        }
    }
}

impl std::fmt::Debug for Customers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Customers({})", self.known().by_subject.len())
    }
}

#[async_trait]
impl UserClaims for Customers {
    async fn claims(&self, subject: &Subject, scope: &Scope) -> Result<Option<Map<String, Value>>, Fault> {
        if self.standing(subject).await? == UserStanding::Locked {
            return Ok(None);
        }
        let Some(customer) = self.by_subject(subject) else { return Ok(None) };
        let mut told = Map::new();
        if scope.contains("profile") {
            told.insert("name".to_owned(), Value::String(customer.name.clone()));
        }
        let opened: &[(&str, &[&str])] = &[
            (
                "profile",
                &[
                    "given_name",
                    "family_name",
                    "middle_name",
                    "nickname",
                    "gender",
                    "birthdate",
                    "updated_at",
                ],
            ),
            ("email", &["email", "email_verified"]),
            ("phone", &["phone_number", "phone_number_verified"]),
            ("address", &["address"]),
        ];
        for (_, names) in opened.iter().filter(|(value, _)| scope.contains(value)) {
            for name in *names {
                if let Some(value) = customer.claims.get(*name) {
                    told.insert((*name).to_owned(), value.clone());
                }
            }
        }
        Ok(Some(told))
    }

    async fn username(&self, subject: &Subject) -> Result<Option<String>, Fault> {
        Ok(self.by_subject(subject).map(|customer| customer.username))
    }

    async fn standing(&self, subject: &Subject) -> Result<UserStanding, Fault> {
        let known = self.known().by_subject.contains_key(subject);
        let locked = self.barred.holds(&Who::Customer { subject: subject.clone() }).await?;
        Ok(if known && !locked { UserStanding::Good } else { UserStanding::Locked })
    }
}

async fn read_all(database: &Database) -> Result<Known, Fault> {
    let corrupt = |fault: DbError| Fault::new("customers", fault);
    let rows =
        database.read(Statement::new("SELECT record, salt, hash FROM customer")).await.map_err(corrupt)?;
    let (mut by_username, mut by_subject) = (HashMap::new(), HashMap::new());
    for row in rows {
        let record: String = row.text(0).map_err(corrupt)?.to_owned();
        let customer: Customer =
            serde_json::from_str(&record).map_err(|fault| Fault::new("customers", fault))?;
        let decode =
            |text: &str| STANDARD_NO_PAD.decode(text).map_err(|fault| Fault::new("customers", fault));
        let salt = decode(row.text(1).map_err(corrupt)?)?;
        let hash = decode(row.text(2).map_err(corrupt)?)?;
        by_subject.insert(customer.subject.clone(), customer.clone());
        by_username.insert(customer.username.clone(), (customer, Password { salt, hash }));
    }
    Ok(Known { by_username, by_subject })
}

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// Argon2id, 19 MiB, two passes, one lane: OWASP's first choice.
fn hash(password: &str, salt: &[u8]) -> Result<Vec<u8>, argon2::Error> {
    let parameters = Params::new(19 * 1024, 2, 1, Some(HASH_BYTES))?;
    let mut out = vec![0; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters).hash_password_into(
        password.as_bytes(),
        salt,
        &mut out,
    )?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::failures::WAIT;
    use super::*;
    use oauth_core::store::database::DatabaseUrl;

    async fn customers() -> Arc<Customers> {
        let database = Database::open(&DatabaseUrl::sqlite_memory()).await.unwrap();
        database.migrate(&migrations()).await.unwrap();
        let mut claims = Map::new();
        claims.insert("email".to_owned(), Value::from("m@bank.example"));
        let customer = Customer {
            subject: Subject::new("cus-1").unwrap(),
            username: "mariam".to_owned(),
            name: "Mariam".to_owned(),
            claims,
        };
        add(&database, &customer, "correct horse", &[7; 16]).await.unwrap();
        database.migrate(&super::super::barred::migrations()).await.unwrap();
        database.migrate(&rar_consent::migrations()).await.unwrap();
        let clock: Arc<dyn oauth_core::Clock> = Arc::new(oauth_core::SystemClock);
        let barred = Barred::open(&database, &clock).await.unwrap();
        Customers::load(&database, 1, &barred).await.unwrap()
    }

    #[tokio::test]
    async fn the_right_password_opens_and_a_wrong_one_or_an_unknown_name_looks_the_same() {
        let customers = customers().await;
        let now = Timestamp::from_seconds(1000);
        let attempt = |name: &'static str, password: &'static str| {
            let customers = Arc::clone(&customers);
            async move { customers.sign_in(name, password.to_owned(), (None, now)).await.unwrap() }
        };
        assert!(matches!(attempt("mariam", "correct horse").await, SignIn::Welcome(_)));
        assert!(matches!(attempt("mariam", "wrong").await, SignIn::Wrong));
        assert!(matches!(attempt("nobody", "wrong").await, SignIn::Wrong));
    }

    #[tokio::test]
    async fn after_five_failures_a_name_waits_a_minute_and_no_longer() {
        let customers = customers().await;
        let now = Timestamp::from_seconds(1000);
        for _ in 0..FAILURES_MAX {
            customers.sign_in("mariam", "wrong".to_owned(), (None, now)).await.unwrap();
        }
        let right = || "correct horse".to_owned();
        assert!(matches!(customers.sign_in("mariam", right(), (None, now)).await.unwrap(), SignIn::Wait));
        let later = now.plus(WAIT);
        assert!(matches!(
            customers.sign_in("mariam", right(), (None, later)).await.unwrap(),
            SignIn::Welcome(_)
        ));
    }

    /// T-UI-04.
    #[tokio::test]
    async fn after_a_hundred_failures_an_address_waits_a_minute_whatever_the_names_and_others_do_not() {
        let customers = customers().await;
        let now = Timestamp::from_seconds(1000);
        let at = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        // what is counted is what the hash says in the end; a hundred hashes would say no more
        for _ in 0..SOURCE_FAILURES_MAX - 1 {
            customers.sources.note(source(at("192.0.2.7").unwrap()), now);
        }
        let attempt = |name: &'static str, password: &'static str, from: &'static str, when| {
            let customers = Arc::clone(&customers);
            async move { customers.sign_in(name, password.to_owned(), (at(from), when)).await.unwrap() }
        };
        assert!(matches!(attempt("nobody", "correct horse", "192.0.2.7", now).await, SignIn::Wrong));
        assert!(matches!(attempt("mariam", "correct horse", "192.0.2.7", now).await, SignIn::Wait));
        assert!(matches!(attempt("mariam", "correct horse", "192.0.2.8", now).await, SignIn::Welcome(_)));
        let later = now.plus(WAIT);
        assert!(matches!(attempt("mariam", "correct horse", "192.0.2.7", later).await, SignIn::Welcome(_)));
    }

    #[tokio::test]
    async fn a_locked_customer_signs_in_nowhere_and_only_the_right_password_learns_why() {
        let customers = customers().await;
        let (now, subject) = (Timestamp::from_seconds(1000), Subject::new("cus-1").unwrap());
        let cause = oauth_core::Cause { actor: "olga".to_owned(), reason: "asked to".to_owned() };
        let who = Who::Customer { subject: subject.clone() };
        customers.barred.bar(&who, &cause).await.unwrap();
        let right = customers.sign_in("mariam", "correct horse".to_owned(), (None, now)).await.unwrap();
        let wrong = customers.sign_in("mariam", "wrong".to_owned(), (None, now)).await.unwrap();
        assert!(matches!((right, wrong), (SignIn::Locked, SignIn::Wrong)));
        assert_eq!(customers.standing(&subject).await.unwrap(), UserStanding::Locked);
        assert!(customers.claims(&subject, &Scope::default()).await.unwrap().is_none());
        customers.barred.lift(&who, &cause).await.unwrap();
        assert_eq!(customers.standing(&subject).await.unwrap(), UserStanding::Good);
    }

    #[tokio::test]
    async fn userinfo_tells_only_what_the_scope_opens() {
        let customers = customers().await;
        let subject = Subject::new("cus-1").unwrap();
        let told = customers.claims(&subject, &Scope::new("openid email").unwrap()).await.unwrap().unwrap();
        assert_eq!(told.keys().collect::<Vec<_>>(), ["email"]);
        assert!(customers.claims(&Subject::new("gone").unwrap(), &Scope::default()).await.unwrap().is_none());
    }
}
