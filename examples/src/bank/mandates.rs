//! The bank's mandates: accounts that need more than one person, and who those persons are.

use async_trait::async_trait;
use oauth_core::store::database::{Database, DbError, Migration, MigrationSet, Row, Statement};
use oauth_core::{Fault, Subject};
use rar_consent::{Authorizer, Mandates};

/// Mandates and the names of accounts, in the database of the bank.
#[derive(Debug, Clone)]
pub struct BankMandates(Database);

/// The tables of mandates.
#[must_use]
pub fn migrations() -> MigrationSet {
    const ALL: &[Migration] = &[Migration::shared(
        1,
        "who may debit an account",
        "CREATE TABLE mandate (account TEXT NOT NULL, position INT64 NOT NULL, authorizer TEXT NOT NULL, \
         kind TEXT NOT NULL, subject TEXT, PRIMARY KEY (account, authorizer)) STRICT; \
         CREATE INDEX mandate_by_subject ON mandate (subject) WHERE subject IS NOT NULL; \
         CREATE TABLE account_iban (iban TEXT PRIMARY KEY, account TEXT NOT NULL) STRICT",
    )];
    MigrationSet::new("bank_mandate", ALL)
}

const ADD: &str =
    "INSERT INTO mandate (account, position, authorizer, kind, subject) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (account, authorizer) DO UPDATE SET
    position = excluded.position, kind = excluded.kind, subject = excluded.subject";
const ADD_IBAN: &str =
    "INSERT INTO account_iban (iban, account) VALUES ($1, $2) ON CONFLICT (iban) DO NOTHING";
const OF_ACCOUNT: &str =
    "SELECT authorizer, kind, subject FROM mandate WHERE account = $1 ORDER BY position, authorizer";
const OF_SUBJECT: &str = "SELECT DISTINCT account FROM mandate WHERE subject = $1 ORDER BY account";
const BY_IBAN: &str = "SELECT account FROM account_iban WHERE iban = $1";

/// The demo accounts that need more than one person: account, name and role of the person, and who that is.
const DEMO: &[(&str, &str, &str, &str)] = &[
    ("acc-mariam-joint", "hld-0001", "Holder", "cus-mariam"),
    ("acc-mariam-joint", "hld-0002", "Holder", "cus-omar"),
    ("acc-wadi-trading", "fin-0071", "Financial", "cus-mariam"),
    ("acc-wadi-trading", "mgt-0009", "Management", "cus-omar"),
    ("acc-wadi-trading", "mgt-0010", "Management", "cus-huda"),
];

impl BankMandates {
    /// Over a database whose tables are up to date ([`migrations`]).
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self(database)
    }

    /// Adds somebody whom an account asks for, as the `position`-th; who is there already is described anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add(&self, account: &str, position: usize, who: &Authorizer) -> Result<(), Fault> {
        let statement = Statement::new(ADD)
            .text(account)
            .int(i64::try_from(position).unwrap_or(i64::MAX))
            .text(&who.id)
            .text(&who.kind)
            .opt_text(who.subject.as_ref().map(Subject::as_str));
        self.0.write(statement).await.map(drop).map_err(fault)
    }

    /// Adds whom the demo accounts ask for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_demo(&self) -> Result<(), Fault> {
        for (position, (account, id, kind, subject)) in DEMO.iter().enumerate() {
            let subject = Subject::new(subject).map_err(|fault| Fault::new("mandates", fault))?;
            let who = Authorizer { id: (*id).to_owned(), kind: (*kind).to_owned(), subject: Some(subject) };
            self.add(account, position, &who).await?;
        }
        Ok(())
    }

    /// Makes an account known by its IBAN; one that is known stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn name(&self, iban: &str, account: &str) -> Result<(), Fault> {
        self.0.write(Statement::new(ADD_IBAN).text(iban).text(account)).await.map(drop).map_err(fault)
    }

    /// The accounts whose mandate lists a customer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_subject(&self, customer: &Subject) -> Result<Vec<String>, Fault> {
        let rows = self.0.read(Statement::new(OF_SUBJECT).text(customer.as_str())).await.map_err(fault)?;
        rows.iter().map(|row| Ok(row.text(0_usize)?.to_owned())).collect::<Result<_, _>>().map_err(fault)
    }
}

#[async_trait]
impl Mandates for BankMandates {
    async fn authorizers(&self, account: &str) -> Result<Vec<Authorizer>, Fault> {
        let rows = self.0.read(Statement::new(OF_ACCOUNT).text(account)).await.map_err(fault)?;
        rows.iter().map(authorizer).collect::<Result<_, _>>().map_err(fault)
    }

    async fn identifier(&self, iban: &str) -> Result<Option<String>, Fault> {
        let row = self.0.read_one(Statement::new(BY_IBAN).text(iban)).await.map_err(fault)?;
        row.map(|row| Ok(row.text(0_usize)?.to_owned())).transpose().map_err(fault)
    }
}

fn authorizer(row: &Row) -> Result<Authorizer, DbError> {
    let subject = row.opt_text(2_usize)?.map(Subject::new).transpose();
    let subject =
        subject.map_err(|_| DbError::Corrupt { detail: "a mandate names nobody well-formed".to_owned() })?;
    Ok(Authorizer { id: row.text(0_usize)?.to_owned(), kind: row.text(1_usize)?.to_owned(), subject })
}

fn fault(error: DbError) -> Fault {
    Fault::new("mandates", error)
}
