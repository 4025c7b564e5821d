//! Where the suite works: a customer with two accounts, a client, and consents between them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use oauth_core::store::contract::{BEGINNING, same};
use oauth_core::{ClientId, ConsentId, CorrelationId, Issuer, Seconds, Subject, Timestamp};
use rar_consent::{
    Actor, Amount, Consent, ConsentStatus, Event, HistoryEntry, Lodged, OfxperaConsent, PaymentLimits,
    Permission, Replaced, Subscription, Terms, Use,
};
use serde_json::Value;

use super::{BookPorts, Books, Breach};
use crate::domain::{
    Account, AccountId, AccountKind, AccountNumber, AccountStatus, Balance, BookedTransaction, ClientOf,
    Creditor, Currency, EntryId, IdempotencyKey, LedgerAccount, Line, Money, PageRequest, Payment, PaymentId,
    PaymentKind, PaymentStatus, PaymentTerms, Posting, Rail, RequestFingerprint, TransactionId,
};
use crate::port::{
    Advanced, Allowance, Booked, EntryNames, Found, KeyRef, KeyedOperation, OfKind, PaymentChange,
    PaymentMove, PaymentQuery, TransactionQuery,
};

/// From which account is paid, and to which.
pub(super) const PAYER: &str = "sa-1";
pub(super) const PAYEE: &str = "pa-1";
/// What is on them at first, in centavos.
pub(super) const PAID_IN: i64 = 100_000_000;
pub(super) const SAVED: i64 = 5_000_000;
/// What may be contributed in the year.
pub(super) const YEARLY: i64 = 20_000_000;
pub(super) const YEAR: i32 = 2027;

/// Books with two accounts.
pub(super) struct Desk {
    books: Arc<dyn Books>,
    pub(super) ports: BookPorts,
}

/// All that the ports show.
#[derive(Debug, PartialEq)]
pub(super) struct State {
    balances: Vec<Option<Balance>>,
    postings: Vec<String>,
    payments: Found<Payment>,
    lines: Vec<Found<BookedTransaction>>,
    due: Vec<Payment>,
    consents: Vec<(Consent, Vec<HistoryEntry>)>,
    events: Vec<Event>,
}

impl Desk {
    pub(super) async fn open(books: Arc<dyn Books>) -> Result<Self, Breach> {
        let ports = books.ports();
        let desk = Self { books, ports };
        desk.account(PAYER, AccountKind::Savings, PAID_IN).await?;
        desk.account(PAYEE, AccountKind::Pera, SAVED).await?;
        Ok(desk)
    }

    async fn account(&self, id: &str, kind: AccountKind, minor: i64) -> Result<(), Breach> {
        let opened = account(id, "alice", (kind, BEGINNING.minus(Seconds::days(10))))?;
        Ok(self.books.open(&opened, php(minor)?).await?)
    }

    pub(super) fn books(&self) -> &dyn Books {
        &*self.books
    }

    /// An authorised consent to pay, with limits for one payment and for all.
    pub(super) async fn consent(&self, id: &str, limits: Option<(i64, i64)>) -> Result<(), Breach> {
        let (waiting, entry) = lodgeable(id, limits)?;
        self.ports.consents.insert(&waiting, &entry).await?;
        let alice = Subject::new("alice").map_err(wrong)?;
        let customer = Actor::Customer(alice.clone());
        let moved = waiting.moved(ConsentStatus::Authorized, &customer, "contract", BEGINNING);
        let (mut consent, entry) = moved.map_err(wrong)?;
        consent.subject = Some(alice);
        consent.accounts = vec![PAYER.to_owned(), PAYEE.to_owned()];
        same("a consent is approved", &self.ports.consents.replace(&consent, &entry).await?, &Replaced::Done)
    }

    /// Payments used of a consent: how many, and their sum.
    pub(super) async fn usage(&self, id: &str) -> Result<(u64, i64), Breach> {
        let consent = self.ports.consents.consent(&ConsentId::new(id).map_err(wrong)?).await?;
        Ok(consent.map(|consent| (consent.usage.count, consent.usage.total_minor)).unwrap_or_default())
    }

    pub(super) async fn balance(&self, id: &str) -> Result<i64, Breach> {
        let balance = self.ports.accounts.balance(&AccountId::new(id).map_err(wrong)?).await?;
        balance.map(|balance| balance.booked().minor()).ok_or_else(|| wrong("an account without a balance"))
    }

    pub(super) async fn book(&self, change: &PaymentChange) -> Result<Booked, Breach> {
        Ok(self.ports.payments.book(change.clone()).await?)
    }

    /// Books the `n`-th payment, which must be new.
    pub(super) async fn booked(&self, change: &PaymentChange) -> Result<Payment, Breach> {
        let booked = self.book(change).await?;
        if let Booked::New(payment) = booked {
            return Ok(payment);
        }
        let fact = "a payment within all limits is booked";
        Err(Breach::Answer { fact, found: format!("{booked:?}") })
    }

    /// Moves the `n`-th payment, which must be legal. `part` tells the moves of one payment apart.
    pub(super) async fn moved(&self, n: usize, part: &str, to: PaymentStatus) -> Result<Payment, Breach> {
        match self.ports.payments.advance(&step(n, part, to)?).await? {
            Advanced::Moved(payment) => Ok(payment),
            other @ (Advanced::Illegal(..) | Advanced::Unknown) => {
                Err(Breach::Answer { fact: "a legal move is made", found: format!("{other:?}") })
            }
        }
    }

    /// What must hold of the books at any moment.
    pub(super) async fn sound(&self) -> Result<(), Breach> {
        let mut entries: BTreeMap<EntryId, (usize, i128)> = BTreeMap::new();
        let mut accounts: BTreeMap<LedgerAccount, i128> = BTreeMap::new();
        for (entry, Posting { account, amount }) in self.books.journal().await? {
            let (count, sum) = entries.entry(entry).or_default();
            (*count, *sum) = (count.saturating_add(1), sum.saturating_add(i128::from(amount)));
            let sum = accounts.entry(account).or_default();
            *sum = sum.saturating_add(i128::from(amount));
        }
        let crooked: Vec<_> = entries.iter().filter(|(_, (count, sum))| *count < 2 || *sum != 0).collect();
        same("the postings of every entry sum to zero", &crooked, &Vec::new())?;
        for id in [PAYER, PAYEE] {
            let name = AccountId::new(id).map_err(wrong)?;
            let posted = accounts.get(&LedgerAccount::Customer(name)).copied().unwrap_or_default();
            let booked = self.balance(id).await?;
            same("a balance is the sum of its postings", &i128::from(booked), &posted)?;
            same("no balance is overdrawn", &(booked >= 0), &true)?;
        }
        Ok(())
    }

    pub(super) async fn state(&self) -> Result<State, Breach> {
        let (mut balances, mut lines) = (Vec::new(), Vec::new());
        for id in [PAYER, PAYEE] {
            let id = AccountId::new(id).map_err(wrong)?;
            balances.push(self.ports.accounts.balance(&id).await?);
            lines.push(self.ports.accounts.transactions(&statement(&id)?).await?);
        }
        let mut postings: Vec<String> =
            self.books.journal().await?.iter().map(|posting| format!("{posting:?}")).collect();
        postings.sort();
        let (mut consents, mut events) = (Vec::new(), Vec::new());
        for consent in self.ports.consents.of_client(&client()?.id).await? {
            let history = self.ports.consents.history(&consent.id).await?;
            events.extend(self.ports.events.waiting(&consent.id).await?);
            consents.push((consent, history));
        }
        Ok(State {
            balances,
            postings,
            payments: self.ports.payments.payments(&of_client()?).await?,
            lines,
            due: self.ports.payments.due(Timestamp::FAR_FUTURE, 1000).await?,
            consents,
            events,
        })
    }
}

/// An account of a customer, opened at an instant.
pub(super) fn account(
    id: &str,
    customer: &str,
    (kind, opened_at): (AccountKind, Timestamp),
) -> Result<Account, Breach> {
    Ok(Account {
        id: AccountId::new(id).map_err(wrong)?,
        customer: Subject::new(customer).map_err(wrong)?,
        kind,
        currency: Currency::Php,
        iban: None,
        number: AccountNumber::new("001230004321").map_err(wrong)?,
        name: Line::new("Maria Clara Santos").map_err(wrong)?,
        status: AccountStatus::Active,
        nickname: None,
        product: None,
        opened_at,
    })
}

/// A consent to pay that nobody has decided, whose third party wants its events.
pub(super) fn lodgeable(id: &str, limits: Option<(i64, i64)>) -> Result<(Consent, HistoryEntry), Breach> {
    let terms = Terms::Ofxpera(OfxperaConsent {
        data_holder: "holder".to_owned(),
        permissions: vec![Permission::PeraBasicInfo, Permission::PaymentInitiate],
        start: BEGINNING,
        end: BEGINNING.plus(Seconds::days(300)),
        purpose: "contract".to_owned(),
        additional_terms: Vec::new(),
        limits: limits.map(|(individual, total)| PaymentLimits {
            individual: Amount::new(individual, "PHP"),
            total: Amount::new(total, "PHP"),
        }),
    });
    let lodged = Lodged {
        id: ConsentId::new(id).map_err(wrong)?,
        issuer: Issuer::new("https://as.example").map_err(wrong)?,
        client: client()?.id,
        element: Value::Null,
    };
    let (consent, entry) = Consent::awaiting(lodged, terms, BEGINNING);
    let subscription = Subscription { url: "https://tpp.example/hooks".to_owned(), active: true };
    Ok((Consent { subscription: Some(subscription), ..consent }, entry))
}

/// The `n`-th contribution under a consent, of so many centavos, within a yearly allowance.
pub(super) fn change(n: usize, consent: &str, minor: i64) -> Result<PaymentChange, Breach> {
    change_at(n, (consent, minor), BEGINNING)
}

/// The same, ordered at an instant.
pub(super) fn change_at(
    n: usize,
    (consent, minor): (&str, i64),
    at: Timestamp,
) -> Result<PaymentChange, Breach> {
    let terms = PaymentTerms {
        id: PaymentId::new(&uuid(n)).map_err(wrong)?,
        client: client()?,
        consent: ConsentId::new(consent).map_err(wrong)?,
        customer: Subject::new("alice").map_err(wrong)?,
        debtor: AccountId::new(PAYER).map_err(wrong)?,
        creditor: Creditor::Internal { account: AccountId::new(PAYEE).map_err(wrong)?, name: None },
        amount: php(minor)?,
        kind: PaymentKind::Contribution { year: YEAR },
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
        created_at: at,
    };
    Ok(PaymentChange {
        key: key(&uuid(n), KeyedOperation::InitiatePayment)?,
        fingerprint: RequestFingerprint::of(format!("{consent} {minor}").as_bytes()),
        key_until: at.plus(Seconds::days(7)),
        payment: Payment::receive(terms).map_err(wrong)?,
        consent_use: Use { account: Some(PAYER.to_owned()), ..Use::new(minor, "PHP", at) },
        allowance: Some(Allowance { year: YEAR, limit: php(YEARLY)? }),
        personal: None,
        names: names(n, "b")?,
        correlation: CorrelationId::new("contract").map_err(wrong)?,
    })
}

/// A move of the `n`-th payment.
pub(super) fn step(n: usize, part: &str, to: PaymentStatus) -> Result<PaymentMove, Breach> {
    Ok(PaymentMove {
        id: PaymentId::new(&uuid(n)).map_err(wrong)?,
        to,
        rail_reference: None,
        at: BEGINNING.plus(Seconds::new(1)),
        names: names(n, part)?,
        correlation: CorrelationId::new("contract").map_err(wrong)?,
    })
}

pub(super) fn names(n: usize, part: &str) -> Result<EntryNames, Breach> {
    Ok(EntryNames {
        entry: EntryId::new(&format!("je-{part}-{n}")).map_err(wrong)?,
        debit: TransactionId::new(&format!("tx-{part}-{n}-d")).map_err(wrong)?,
        credit: TransactionId::new(&format!("tx-{part}-{n}-c")).map_err(wrong)?,
    })
}

pub(super) fn key(text: &str, operation: KeyedOperation) -> Result<KeyRef, Breach> {
    Ok(KeyRef { client: client()?, operation, key: IdempotencyKey::new(text).map_err(wrong)? })
}

/// Everything on a statement.
pub(super) fn statement(account: &AccountId) -> Result<TransactionQuery, Breach> {
    Ok(TransactionQuery {
        account: account.clone(),
        oldest: Timestamp::EPOCH,
        newest: Timestamp::FAR_FUTURE,
        amount_min: None,
        amount_max: None,
        page: PageRequest::new(1, 1000).map_err(wrong)?,
    })
}

/// Every payment of the client.
pub(super) fn of_client() -> Result<PaymentQuery, Breach> {
    Ok(PaymentQuery {
        client: client()?,
        consent: None,
        stages: Vec::new(),
        oldest: None,
        newest: None,
        account: None,
        kind: OfKind::Any,
        page: PageRequest::new(1, 1000).map_err(wrong)?,
    })
}

/// A client of an issuer.
pub(super) fn of(issuer: &str, id: &str) -> Result<ClientOf, Breach> {
    Ok(ClientOf { issuer: Issuer::new(issuer).map_err(wrong)?, id: ClientId::new(id).map_err(wrong)? })
}

pub(super) fn client() -> Result<ClientOf, Breach> {
    of("https://as.example", "tpp")
}

pub(super) fn uuid(n: usize) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

pub(super) fn php(minor: i64) -> Result<Money, Breach> {
    Money::new(minor, Currency::Php).map_err(wrong)
}

pub(super) fn later(seconds: i64) -> Timestamp {
    BEGINNING.plus(Seconds::new(seconds))
}

/// A value of the suite that its own types refuse.
pub(super) fn wrong(fault: impl Display) -> Breach {
    Breach::Suite(fault.to_string())
}

/// How many of the racers ended so.
pub(super) fn count<T>(found: &[T], so: impl Fn(&T) -> bool) -> usize {
    found.iter().filter(|one| so(one)).count()
}
