//! The books keep their contract wherever they are, and the rail moves what they hold.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use oauth_core::store::database::{Database, Engine, Statement, Transaction};
use oauth_core::{ClientId, ConsentId, CorrelationId, Fault, Seconds, Subject};
use rar_consent::{MemoryConsents, Permission, SqlConsents, Use};
use resource_server::domain::{
    Account, AccountId, BookedTransaction, ClientOf, Creditor, Currency, EntryId, IdempotencyKey,
    LedgerAccount, Line, Money, Payment, PaymentId, PaymentKind, PaymentStatus, PaymentTerms, Posting, Rail,
    RequestFingerprint, Stage, TransactionId, TransactionKind, TransactionStatus,
};
use resource_server::port::{
    Allowance, Booked, EntryNames, KeyRef, KeyedOperation, PaymentBook as _, PaymentChange, PaymentMove,
    PeraPorts,
};
use resource_server::rail::settle;
use resource_server::store::contract::{BookPorts, Books, Broken, books_contract};
use resource_server::store::memory::MemoryBank;
use resource_server::store::sql::SqlBank;
use tokio::task::JoinSet;

use super::fixture::{Directory, Place, everywhere, now};

const PAY: &[Permission] = &[Permission::PaymentInitiate];

#[tokio::test(flavor = "multi_thread")]
async fn the_books_in_memory_keep_the_contract() {
    books_contract(|| async { InMemory::empty() }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_in_a_sqlite_file_keep_the_contract() {
    books_contract(|| OverSql::at(Place::file())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_in_postgresql_keep_the_contract() {
    if Place::postgres().await.is_some() {
        books_contract(|| async { OverSql::at(Place::postgres().await.unwrap()).await }).await.unwrap();
    }
}

/// What is paid in when an account opens.
fn paid_in(account: &Account, amount: Money) -> (BookedTransaction, EntryId) {
    let at = account.opened_at;
    let line = BookedTransaction {
        id: TransactionId::new(&format!("tx-in-{}", account.id)).unwrap(),
        account: account.id.clone(),
        kind: TransactionKind::Deposit,
        status: TransactionStatus::Posted { at },
        amount: amount.credited(),
        description: Line::new("Opening").unwrap(),
        executed_at: at,
        reference: None,
        payment: None,
    };
    (line, EntryId::new(&format!("je-in-{}", account.id)).unwrap())
}

struct InMemory {
    bank: MemoryBank,
    consents: Arc<MemoryConsents>,
}

impl InMemory {
    fn empty() -> Arc<dyn Books> {
        let consents = Arc::new(MemoryConsents::new());
        Arc::new(Self { bank: MemoryBank::new(consents.clone()), consents })
    }
}

#[async_trait]
impl Books for InMemory {
    fn ports(&self) -> BookPorts {
        let book = Arc::new(self.bank.clone());
        let (consents, events) = (self.consents.clone(), self.consents.clone());
        let pera = PeraPorts::over(&book);
        BookPorts { accounts: book.clone(), payments: book.clone(), lodgings: book, consents, events, pera }
    }

    async fn open(&self, account: &Account, amount: Money) -> Result<(), Fault> {
        let _ = self.bank.open_account(account);
        if amount.minor() > 0 {
            let (line, entry) = paid_in(account, amount);
            self.bank.record(&line, entry, LedgerAccount::Opening)?;
        }
        Ok(())
    }

    async fn journal(&self) -> Result<Vec<(EntryId, Posting)>, Fault> {
        let postings = |entry: &resource_server::domain::JournalEntry| {
            let id = entry.id().clone();
            entry.postings().to_vec().into_iter().map(move |posting| (id.clone(), posting))
        };
        Ok(self.bank.journal().iter().flat_map(postings).collect())
    }

    async fn break_step(&self, _: usize) -> Result<Broken, Fault> {
        Ok(Broken::NoSuchStep)
    }

    async fn mend(&self) -> Result<(), Fault> {
        Ok(())
    }
}

struct OverSql {
    database: Database,
    bank: SqlBank,
    consents: Arc<SqlConsents>,
    broken: Mutex<Option<&'static str>>,
    _directory: Option<Directory>,
}

impl OverSql {
    async fn at(place: Place) -> Arc<dyn Books> {
        let database = place.open().await;
        Arc::new(Self {
            bank: SqlBank::new(database.clone()),
            consents: Arc::new(SqlConsents::new(database.clone())),
            database,
            broken: Mutex::new(None),
            _directory: place.directory,
        })
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), Fault> {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}").leak();
        self.database.write(Statement::new(sql)).await.map(drop).map_err(|fault| Fault::new("test", fault))
    }
}

/// The tables a booking writes to, in its order: without one of them it fails there.
const STEPS: &[&str] = &[
    "idempotency",
    "consent",
    "allowance",
    "balance",
    "journal_entry",
    "posting",
    "booked_transaction",
    "payment",
    "outbox",
    "event",
    "audit_row",
];

#[async_trait]
impl Books for OverSql {
    fn ports(&self) -> BookPorts {
        let book = Arc::new(self.bank.clone());
        let (consents, events) = (self.consents.clone(), self.consents.clone());
        let pera = PeraPorts::over(&book);
        BookPorts { accounts: book.clone(), payments: book.clone(), lodgings: book, consents, events, pera }
    }

    async fn open(&self, account: &Account, amount: Money) -> Result<(), Fault> {
        self.bank.open_account(account).await?;
        if amount.minor() > 0 {
            let (line, entry) = paid_in(account, amount);
            self.bank.record(&line, entry, LedgerAccount::Opening).await?;
        }
        Ok(())
    }

    async fn journal(&self) -> Result<Vec<(EntryId, Posting)>, Fault> {
        let rows = self.database.read(Statement::new("SELECT entry, ledger, account, amount FROM posting"));
        let posting = |row: &oauth_core::store::database::Row| {
            let account = match row.text("ledger").unwrap() {
                "customer" => LedgerAccount::Customer(AccountId::new(row.text("account").unwrap()).unwrap()),
                "settlement" => LedgerAccount::Settlement(Rail::Internal),
                _ => LedgerAccount::Opening,
            };
            let entry = EntryId::new(row.text("entry").unwrap()).unwrap();
            (entry, Posting { account, amount: row.int("amount").unwrap() })
        };
        Ok(rows.await.unwrap().iter().map(posting).collect())
    }

    async fn break_step(&self, step: usize) -> Result<Broken, Fault> {
        let Some(table) = STEPS.get(step) else { return Ok(Broken::NoSuchStep) };
        *self.broken.lock().unwrap() = Some(table);
        self.rename(table, &format!("{table}_away")).await.map(|()| Broken::Step)
    }

    async fn mend(&self) -> Result<(), Fault> {
        let broken = self.broken.lock().unwrap().take();
        match broken {
            Some(table) => self.rename(&format!("{table}_away"), table).await,
            None => Ok(()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_contribution_has_reached_the_payee_exactly_once() {
    for world in everywhere().await {
        world.consent("c-1", PAY, None).await;
        world.bank.book(change(1, "c-1", 10_00)).await.unwrap();
        assert_eq!((world.balance("sa-1").await, world.balance("pa-1").await), (999_990_00, 50_000_00));
        let (one, two) =
            tokio::join!(settle(&world.operations.ports, now()), settle(&world.operations.ports, now()));
        assert_eq!(one.unwrap() + two.unwrap(), 3, "{}: pending, settled, completed", world.name);
        assert_eq!((world.balance("sa-1").await, world.balance("pa-1").await), (999_990_00, 50_010_00));
        let payment = world.bank.payment(&PaymentId::new(&uuid(1)).unwrap()).await.unwrap().unwrap();
        assert_eq!(payment.status().stage(), Stage::Completed);
        assert_eq!(world.number("SELECT count(*) FROM outbox").await, 0);
        world.check_books().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_and_settling_at_once_ends_in_one_of_the_two() {
    for world in everywhere().await {
        world.consent("c-1", PAY, None).await;
        for number in 0..16 {
            world.bank.book(change(number, "c-1", 10_00)).await.unwrap();
        }
        let mut tasks = JoinSet::new();
        for number in 0..16 {
            let (bank, ports) = (world.bank.clone(), world.operations.ports.clone());
            tasks.spawn(async move {
                let cancel = PaymentMove {
                    id: PaymentId::new(&uuid(number)).unwrap(),
                    to: PaymentStatus::Cancelled,
                    rail_reference: None,
                    at: now(),
                    names: names(number, "m"),
                    correlation: CorrelationId::new("c").unwrap(),
                };
                let (cancelled, settled) = tokio::join!(bank.advance(&cancel), settle(&ports, now()));
                settled.unwrap();
                cancelled.unwrap()
            });
        }
        tasks.join_all().await;
        settle(&world.operations.ports, now()).await.unwrap();
        let done =
            world.number("SELECT count(*) FROM payment WHERE stage IN ('completed', 'cancelled')").await;
        assert_eq!(done, 16, "{}", world.name);
        let paid = world.number("SELECT count(*) FROM payment WHERE stage = 'completed'").await;
        assert_eq!(world.balance("pa-1").await, 50_000_00 + paid * 10_00, "{}", world.name);
        assert_eq!(world.balance("sa-1").await, 1_000_000_00 - paid * 10_00, "{}", world.name);
        world.check_books().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_counts_the_orders_that_wait_for_their_day_and_no_others() {
    const WAITING: &str = "SELECT CAST(sum(orders) AS BIGINT) FROM consent";
    let tomorrow = now().plus(Seconds::days(1));
    for world in everywhere().await {
        world.consent("c-1", PAY, None).await;
        world.bank.book(change(1, "c-1", 10_00)).await.unwrap();
        for number in [2, 3] {
            let today = change(number, "c-1", 10_00);
            let terms = PaymentTerms { debit_at: Some(tomorrow), ..today.payment.terms().clone() };
            let dated = PaymentChange { payment: Payment::receive(terms).unwrap(), ..today };
            assert!(matches!(world.bank.book(dated).await.unwrap(), Booked::New(_)));
        }
        assert_eq!(world.number(WAITING).await, 2, "{}", world.name);
        let cancel = PaymentMove {
            id: PaymentId::new(&uuid(2)).unwrap(),
            to: PaymentStatus::Cancelled,
            rail_reference: None,
            at: now(),
            names: names(2, "m"),
            correlation: CorrelationId::new("c").unwrap(),
        };
        world.bank.advance(&cancel).await.unwrap();
        assert_eq!(world.number(WAITING).await, 1, "{}: one is called off", world.name);
        settle(&world.operations.ports, tomorrow).await.unwrap();
        assert_eq!(world.number(WAITING).await, 0, "{}: the day of the other has come", world.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_first_request_still_runs_is_told_to_come_back() {
    let held = |world: &super::fixture::World| world.database.engine() == Engine::Postgres;
    for world in everywhere().await.into_iter().filter(held) {
        world.consent("c-1", PAY, None).await;
        let (database, (began, running)) = (world.database.clone(), tokio::sync::oneshot::channel());
        let began = Mutex::new(Some(began));
        let first = tokio::spawn(async move {
            let began = Arc::new(began);
            let taking = database.transaction(move |transaction| {
                let began = Arc::clone(&began);
                Box::pin(async move {
                    let take = "INSERT INTO idempotency (client, operation, key, fingerprint, subject, until)
                        VALUES ($1, 'initiate_payment', $2, 'f', 's', 0)";
                    let take = Statement::new(take).text(tpp().column()).text(uuid(1));
                    transaction.execute(take).await?;
                    let began = began.lock().unwrap().take();
                    began.unwrap().send(()).unwrap();
                    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
                    Err::<(), _>(Transaction::abort("it came to nothing"))
                })
            });
            taking.await.unwrap_err()
        });
        running.await.unwrap();
        assert_eq!(world.bank.book(change(1, "c-1", 10_00)).await.unwrap(), Booked::InProgress);
        first.await.unwrap();
        assert!(matches!(world.bank.book(change(1, "c-1", 10_00)).await.unwrap(), Booked::New(_)));
    }
}

fn uuid(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn names(number: u32, part: &str) -> EntryNames {
    EntryNames {
        entry: EntryId::new(&format!("je-{part}-{number}")).unwrap(),
        debit: TransactionId::new(&format!("tx-{part}-{number}-d")).unwrap(),
        credit: TransactionId::new(&format!("tx-{part}-{number}-c")).unwrap(),
    }
}

fn tpp() -> ClientOf {
    ClientOf { issuer: oauth_core::testkit::issuer(), id: ClientId::new("tpp").unwrap() }
}

/// The `number`-th contribution of alice, of so many centavos.
fn change(number: u32, consent: &str, minor: i64) -> PaymentChange {
    let amount = Money::new(minor, Currency::Php).unwrap();
    let payment = Payment::receive(PaymentTerms {
        id: PaymentId::new(&uuid(number)).unwrap(),
        client: tpp(),
        consent: ConsentId::new(consent).unwrap(),
        customer: Subject::new("alice").unwrap(),
        debtor: AccountId::new("sa-1").unwrap(),
        creditor: Creditor::Internal { account: AccountId::new("pa-1").unwrap(), name: None },
        amount,
        kind: PaymentKind::Contribution { year: 2026 },
        rail: Rail::Internal,
        execution_day: None,
        execute_at: None,
        debit_at: None,
        consent_part: None,
        debtor_reference: None,
        creditor_reference: None,
        purpose: None,
        client_sequence: None,
        billing: None,
        created_at: now(),
    });
    PaymentChange {
        key: KeyRef {
            client: tpp(),
            operation: KeyedOperation::InitiatePayment,
            key: IdempotencyKey::new(&uuid(number)).unwrap(),
        },
        fingerprint: RequestFingerprint::of(format!("{consent} {minor}").as_bytes()),
        key_until: now().plus(Seconds::days(7)),
        payment: payment.unwrap(),
        consent_use: Use { account: Some("sa-1".into()), ..Use::new(minor, "PHP", now()) },
        allowance: Some(Allowance { year: 2026, limit: Money::new(200_000_00, Currency::Php).unwrap() }),
        personal: None,
        names: names(number, "b"),
        correlation: CorrelationId::new("c").unwrap(),
    }
}
