//! Participants, customers, products and openings in memory.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use oauth_core::{Fault, Subject, Timestamp};
use rar_consent::Replaced;

use crate::domain::{
    Account, AccountId, Balance, CertificateChain, CustomerFile, Holding, Onboarding, Organisation,
    OrganisationId, OrganisationStatus, Product, ProductId, Trade, TransactionId, WebOrigin,
};
use crate::port::{
    AccountOpening, AccountOpenings, AlreadyRegistered, Catalogue, CustomerBook, Found, KeyRef, KeyedRequest,
    Made, NotOpened, NotRegistered, OrganisationQuery, Outcome, Participants, ProductQuery, Put,
    Registration, TakenKey,
};
use crate::store::openings::{has_room, with_account};

use super::accounts::page_of;
use super::{Held, MemoryBank, broken, held};

/// What the scheme needs beside accounts and payments.
#[derive(Debug, Default)]
pub(super) struct Pera {
    participants: BTreeMap<OrganisationId, Registration>,
    files: HashMap<Subject, CustomerFile>,
    onboardings: Vec<Onboarding>,
    products: BTreeMap<ProductId, Product>,
    holdings: HashMap<AccountId, BTreeMap<ProductId, Holding>>,
    trades: HashMap<TransactionId, Trade>,
    sources: HashMap<AccountId, AccountId>,
    organisation_keys: Keys<Organisation>,
    onboarding_keys: Keys<Onboarding>,
    account_keys: Keys<Account>,
}

type Keys<T> = HashMap<KeyRef, Held<T>>;

impl Pera {
    /// Every key with its end.
    pub(super) fn keys(&self) -> impl Iterator<Item = (Timestamp, &KeyRef)> {
        let organisations = self.organisation_keys.iter().map(|(key, held)| (held.until, key));
        let onboardings = self.onboarding_keys.iter().map(|(key, held)| (held.until, key));
        let accounts = self.account_keys.iter().map(|(key, held)| (held.until, key));
        organisations.chain(onboardings).chain(accounts)
    }

    pub(super) fn forget_key(&mut self, key: &KeyRef) {
        self.organisation_keys.remove(key);
        self.onboarding_keys.remove(key);
        self.account_keys.remove(key);
    }
}

impl MemoryBank {
    /// Keeps what this bank has verified of a customer.
    pub fn keep_file(&self, file: &CustomerFile) {
        self.books().pera.files.insert(file.customer.clone(), file.clone());
    }

    /// Offers a product, or changes one that is offered.
    pub fn stock(&self, product: &Product) {
        self.books().pera.products.insert(product.id.clone(), product.clone());
    }

    /// Says what an account is invested in, product by product.
    pub fn hold(&self, account: &AccountId, holding: &Holding) {
        let mut books = self.books();
        let own = books.pera.holdings.entry(account.clone()).or_default();
        own.insert(holding.product.clone(), holding.clone());
    }

    /// Says what a line of a statement bought or sold.
    pub fn note_trade(&self, line: &TransactionId, trade: &Trade) {
        self.books().pera.trades.insert(line.clone(), trade.clone());
    }
}

/// What holds the key of a request; `None`: go ahead.
fn taken<T: Clone, R>(keys: &Keys<T>, by: Option<&TakenKey>, now: Timestamp) -> Option<Made<T, R>> {
    let by = by?;
    let holds = held(keys, &by.key, now)?;
    Some(match holds.fingerprint == by.fingerprint {
        true => Made::Repeat(holds.outcome.clone()),
        false => Made::ConflictingRepeat,
    })
}

fn keep_key<T>(keys: &mut Keys<T>, by: Option<TakenKey>, outcome: T) {
    if let Some(TakenKey { key, fingerprint, until }) = by {
        keys.insert(key, Held { fingerprint, until, outcome });
    }
}

fn outcome<T: Clone>(keys: &Keys<T>, key: &KeyRef, now: Timestamp) -> Option<Outcome<T>> {
    held(keys, key, now).map(|held| Outcome { fingerprint: held.fingerprint, made: held.outcome.clone() })
}

#[async_trait]
impl Participants for MemoryBank {
    async fn register(
        &self,
        wanted: KeyedRequest<Registration>,
    ) -> Result<Made<Organisation, NotRegistered>, Fault> {
        let mut books = self.books();
        let pera = &mut books.pera;
        let KeyedRequest { by, wanted: registration, at } = wanted;
        if let Some(answer) = taken(&pera.organisation_keys, by.as_ref(), at) {
            return Ok(answer);
        }
        let organisation = registration.organisation.clone();
        if pera.participants.contains_key(&organisation.id) {
            return Ok(Made::Refused(NotRegistered::Duplicate));
        }
        let mut known = pera.participants.values().flat_map(|known| &known.organisation.origins);
        if known.any(|known| organisation.origins.contains(known)) {
            return Ok(Made::Refused(NotRegistered::OriginTaken));
        }
        pera.participants.insert(organisation.id.clone(), registration);
        keep_key(&mut pera.organisation_keys, by, organisation.clone());
        Ok(Made::New(organisation))
    }

    async fn registered(&self, key: &KeyRef, now: Timestamp) -> Result<Option<Outcome<Organisation>>, Fault> {
        Ok(outcome(&self.books().pera.organisation_keys, key, now))
    }

    async fn organisation(&self, id: &OrganisationId) -> Result<Option<Organisation>, Fault> {
        Ok(self.books().pera.participants.get(id).map(|known| known.organisation.clone()))
    }

    async fn organisations(&self, query: &OrganisationQuery) -> Result<Found<Organisation>, Fault> {
        let books = self.books();
        let wanted = |one: &&Organisation| {
            query.kind.is_none_or(|kind| one.kind == kind)
                && query.status.is_none_or(|status| one.status == status)
        };
        let all = books.pera.participants.values().map(|known| &known.organisation);
        Ok(page_of(all.filter(wanted).cloned().collect(), query.page))
    }

    async fn certificate(&self, id: &OrganisationId) -> Result<Option<CertificateChain>, Fault> {
        Ok(self.books().pera.participants.get(id).and_then(|known| known.certificate.clone()))
    }

    async fn at_origin(&self, origin: &WebOrigin) -> Result<Option<Organisation>, Fault> {
        let books = self.books();
        let mut all = books.pera.participants.values().map(|known| &known.organisation);
        Ok(all.find(|one| one.origins.contains(origin)).cloned())
    }

    async fn put_status(&self, id: &OrganisationId, status: OrganisationStatus) -> Result<Put, Fault> {
        Ok(match self.books().pera.participants.get_mut(id) {
            Some(known) => {
                known.organisation.status = status;
                Put::Done
            }
            None => Put::Unknown,
        })
    }
}

#[async_trait]
impl CustomerBook for MemoryBank {
    async fn file(&self, customer: &Subject) -> Result<Option<CustomerFile>, Fault> {
        Ok(self.books().pera.files.get(customer).cloned())
    }

    async fn submit(
        &self,
        wanted: KeyedRequest<Onboarding>,
    ) -> Result<Made<Onboarding, AlreadyRegistered>, Fault> {
        let mut books = self.books();
        let pera = &mut books.pera;
        let KeyedRequest { by, wanted: onboarding, at } = wanted;
        if let Some(answer) = taken(&pera.onboarding_keys, by.as_ref(), at) {
            return Ok(answer);
        }
        let same = |known: &Onboarding| !known.is_over() && known.customer() == onboarding.customer();
        if pera.onboardings.iter().any(same) {
            return Ok(Made::Refused(AlreadyRegistered));
        }
        pera.onboardings.push(onboarding.clone());
        keep_key(&mut pera.onboarding_keys, by, onboarding.clone());
        Ok(Made::New(onboarding))
    }

    async fn submitted(&self, key: &KeyRef, now: Timestamp) -> Result<Option<Outcome<Onboarding>>, Fault> {
        Ok(outcome(&self.books().pera.onboarding_keys, key, now))
    }

    async fn onboarding(&self, customer: &Subject) -> Result<Option<Onboarding>, Fault> {
        let books = self.books();
        let own = || books.pera.onboardings.iter().rev().filter(|known| known.customer() == customer);
        Ok(own().find(|known| !known.is_over()).or_else(|| own().next()).cloned())
    }

    async fn advance_onboarding(&self, before: &Onboarding, after: &Onboarding) -> Result<Put, Fault> {
        let mut books = self.books();
        let same =
            |known: &&mut Onboarding| known.reference == before.reference && known.status == before.status;
        Ok(match books.pera.onboardings.iter_mut().find(same) {
            Some(known) => {
                *known = after.clone();
                Put::Done
            }
            None => Put::Unknown,
        })
    }
}

#[async_trait]
impl Catalogue for MemoryBank {
    async fn products(&self, query: &ProductQuery) -> Result<Found<Product>, Fault> {
        let books = self.books();
        let wanted = |one: &&Product| {
            query.kind.is_none_or(|kind| one.kind == kind)
                && query.currency.is_none_or(|currency| one.currency == currency)
                && query.risk.is_none_or(|risk| one.risk == risk)
        };
        Ok(page_of(books.pera.products.values().filter(wanted).cloned().collect(), query.page))
    }

    async fn product(&self, id: &ProductId) -> Result<Option<Product>, Fault> {
        Ok(self.books().pera.products.get(id).cloned())
    }

    async fn holdings(&self, account: &AccountId) -> Result<Vec<Holding>, Fault> {
        let books = self.books();
        let own = books.pera.holdings.get(account);
        Ok(own.map(|own| own.values().cloned().collect()).unwrap_or_default())
    }

    async fn trade(&self, line: &TransactionId) -> Result<Option<Trade>, Fault> {
        Ok(self.books().pera.trades.get(line).cloned())
    }
}

#[async_trait]
impl AccountOpenings for MemoryBank {
    async fn open(&self, wanted: KeyedRequest<AccountOpening>) -> Result<Made<Account, NotOpened>, Fault> {
        let mut books = self.books();
        let KeyedRequest { by, wanted: AccountOpening { account, source, consent, accounts_max }, at } =
            wanted;
        if let Some(answer) = taken(&books.pera.account_keys, by.as_ref(), at) {
            return Ok(answer);
        }
        let own = books.accounts.values().filter(|known| known.customer == account.customer);
        let own: Vec<Account> = own.cloned().collect();
        if !has_room(&own, account.kind, accounts_max) {
            return Ok(Made::Refused(NotOpened::LimitReached));
        }
        if books.accounts.contains_key(&account.id) {
            return Err(broken("an account of this name exists"));
        }
        let mut consents = self.consents();
        let stored = consents.consent(&consent);
        let Some(changed) = stored.and_then(|stored| with_account(stored, &account, at)) else {
            return Ok(Made::Refused(NotOpened::ConsentGone));
        };
        if consents.save(&changed, None) == Replaced::Conflict {
            return Err(broken("a consent has changed since it was read"));
        }
        books.balances.insert(account.id.clone(), Balance::empty(account.currency));
        books.accounts.insert(account.id.clone(), account.clone());
        if let Some(source) = source {
            books.pera.sources.insert(account.id.clone(), source);
        }
        keep_key(&mut books.pera.account_keys, by, account.clone());
        Ok(Made::New(account))
    }

    async fn opened(&self, key: &KeyRef, now: Timestamp) -> Result<Option<Outcome<Account>>, Fault> {
        Ok(outcome(&self.books().pera.account_keys, key, now))
    }

    async fn source(&self, account: &AccountId) -> Result<Option<AccountId>, Fault> {
        Ok(self.books().pera.sources.get(account).cloned())
    }
}
