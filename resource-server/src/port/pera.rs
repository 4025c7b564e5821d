//! What a retirement-account scheme needs beside accounts and payments: its participants, what is known of customers,
//! products, and the opening of accounts.

use std::sync::Arc;

use async_trait::async_trait;
use oauth_core::{ConsentId, Fault, Subject, Timestamp};

use crate::domain::{
    Account, AccountId, CertificateChain, CustomerFile, Holding, Onboarding, Organisation, OrganisationId,
    OrganisationKind, OrganisationStatus, PageRequest, Product, ProductId, ProductKind, RequestFingerprint,
    RiskRating, Trade, TransactionId, WebOrigin,
};

use super::{Found, KeyRef};

/// The ports of the scheme. Clones share them.
#[derive(Clone)]
pub struct PeraPorts {
    /// Who takes part.
    pub participants: Arc<dyn Participants>,
    /// What is known of customers, and how they become known.
    pub customers: Arc<dyn CustomerBook>,
    /// Products, and what accounts are invested in.
    pub catalogue: Arc<dyn Catalogue>,
    /// The opening of accounts.
    pub openings: Arc<dyn AccountOpenings>,
}

impl PeraPorts {
    /// All of them over one book.
    #[must_use]
    pub fn over<B>(book: &Arc<B>) -> Self
    where
        B: Participants + CustomerBook + Catalogue + AccountOpenings + 'static,
    {
        Self {
            participants: book.clone(),
            customers: book.clone(),
            catalogue: book.clone(),
            openings: book.clone(),
        }
    }
}

impl std::fmt::Debug for PeraPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeraPorts(…)")
    }
}

/// What is to be made, and the request's name among its repeats.
#[derive(Debug, Clone)]
pub struct KeyedRequest<T> {
    /// The key, where there is one.
    pub by: Option<TakenKey>,
    /// What is to be made.
    pub wanted: T,
    /// When.
    pub at: Timestamp,
}

/// A key about to be taken.
#[derive(Debug, Clone)]
pub struct TakenKey {
    /// Which.
    pub key: KeyRef,
    /// Of the request's canonical bytes.
    pub fingerprint: RequestFingerprint,
    /// How long it is kept.
    pub until: Timestamp,
}

/// What a key holds: the request that took it, and what came of it, as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<T> {
    /// Of the request that took the key.
    pub fingerprint: RequestFingerprint,
    /// What came of it.
    pub made: T,
}

/// How making something ended. Anything but [`Made::New`] changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made<T, R> {
    /// Made now.
    New(T),
    /// The same request made it before; as it was then.
    Repeat(T),
    /// Another request holds the key.
    ConflictingRepeat,
    /// It cannot be made.
    Refused(R),
}

/// Who takes part in the scheme.
#[async_trait]
pub trait Participants: Send + Sync {
    /// Adds a participant with its certificate, its origins and its key, all or nothing. Of any number of concurrent calls
    /// with one identifier or one origin exactly one succeeds.
    async fn register(
        &self,
        wanted: KeyedRequest<Registration>,
    ) -> Result<Made<Organisation, NotRegistered>, Fault>;

    /// What a key of a registration holds now.
    async fn registered(&self, key: &KeyRef, now: Timestamp) -> Result<Option<Outcome<Organisation>>, Fault>;

    /// One participant.
    async fn organisation(&self, id: &OrganisationId) -> Result<Option<Organisation>, Fault>;

    /// One page of participants, by identifier.
    async fn organisations(&self, query: &OrganisationQuery) -> Result<Found<Organisation>, Fault>;

    /// The certificate a participant has registered.
    async fn certificate(&self, id: &OrganisationId) -> Result<Option<CertificateChain>, Fault>;

    /// The participant whose pages have this origin. Called for every request of a browser from elsewhere.
    async fn at_origin(&self, origin: &WebOrigin) -> Result<Option<Organisation>, Fault>;

    /// Changes whether a participant takes part. Called by the scheme's operator.
    async fn put_status(&self, id: &OrganisationId, status: OrganisationStatus) -> Result<Put, Fault>;
}

/// Whether something was there to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was.
    Done,
    /// There is none.
    Unknown,
}

/// A participant about to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Who.
    pub organisation: Organisation,
    /// Its certificate.
    pub certificate: Option<CertificateChain>,
}

/// Why a participant was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRegistered {
    /// There is one of this identifier.
    Duplicate,
    /// One of its origins is another's.
    OriginTaken,
}

/// Which participants.
#[derive(Debug, Clone)]
pub struct OrganisationQuery {
    /// Of this kind.
    pub kind: Option<OrganisationKind>,
    /// In this state.
    pub status: Option<OrganisationStatus>,
    /// Which page.
    pub page: PageRequest,
}

/// What is known of customers, and how they become known.
#[async_trait]
pub trait CustomerBook: Send + Sync {
    /// What this bank has verified of a customer.
    async fn file(&self, customer: &Subject) -> Result<Option<CustomerFile>, Fault>;

    /// Keeps a registration and its key, all or nothing, unless the customer has one that is not over. Of any number of
    /// concurrent calls for one customer exactly one succeeds.
    async fn submit(
        &self,
        wanted: KeyedRequest<Onboarding>,
    ) -> Result<Made<Onboarding, AlreadyRegistered>, Fault>;

    /// What a key of a registration holds now.
    async fn submitted(&self, key: &KeyRef, now: Timestamp) -> Result<Option<Outcome<Onboarding>>, Fault>;

    /// The newest registration of a customer.
    async fn onboarding(&self, customer: &Subject) -> Result<Option<Onboarding>, Fault>;

    /// Keeps a registration in its next status, provided that it still has the status of `before`.
    async fn advance_onboarding(&self, before: &Onboarding, after: &Onboarding) -> Result<Put, Fault>;
}

/// The customer has a registration that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlreadyRegistered;

/// Products, and what accounts are invested in.
#[async_trait]
pub trait Catalogue: Send + Sync {
    /// One page of products, by identifier.
    async fn products(&self, query: &ProductQuery) -> Result<Found<Product>, Fault>;

    /// One product.
    async fn product(&self, id: &ProductId) -> Result<Option<Product>, Fault>;

    /// What an account is invested in, by product.
    async fn holdings(&self, account: &AccountId) -> Result<Vec<Holding>, Fault>;

    /// What a line of a statement bought or sold.
    async fn trade(&self, line: &TransactionId) -> Result<Option<Trade>, Fault>;
}

/// Which products. Filters combine.
#[derive(Debug, Clone)]
pub struct ProductQuery {
    /// Of this kind.
    pub kind: Option<ProductKind>,
    /// Quoted in this currency.
    pub currency: Option<crate::domain::Currency>,
    /// For these people.
    pub risk: Option<RiskRating>,
    /// Which page.
    pub page: PageRequest,
}

/// The opening of accounts at the customer's wish.
#[async_trait]
pub trait AccountOpenings: Send + Sync {
    /// Opens an account with a balance of nothing, gives it to the consent, links its source, and keeps the key, all or
    /// nothing, unless the customer has as many open accounts of its kind as allowed.
    async fn open(&self, wanted: KeyedRequest<AccountOpening>) -> Result<Made<Account, NotOpened>, Fault>;

    /// What a key of an opening holds now.
    async fn opened(&self, key: &KeyRef, now: Timestamp) -> Result<Option<Outcome<Account>>, Fault>;

    /// The account that an account is fed from.
    async fn source(&self, account: &AccountId) -> Result<Option<AccountId>, Fault>;
}

/// An account about to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountOpening {
    /// The account.
    pub account: Account,
    /// Where its money is to come from.
    pub source: Option<AccountId>,
    /// Under which consent.
    pub consent: ConsentId,
    /// How many open accounts of this kind a customer may have, this one included.
    pub accounts_max: u32,
}

/// Why an account was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOpened {
    /// The customer has as many as allowed.
    LimitReached,
    /// The consent is gone, or no longer in force.
    ConsentGone,
}
