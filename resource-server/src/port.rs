//! What the bank supplies: its accounts, its payments, and the rails money leaves by. Each port says when it is called.

mod keys;
mod pera;

use std::sync::Arc;

use async_trait::async_trait;
use oauth_core::{Clock, ConsentId, CorrelationId, Entropy, Fault, Subject, Timestamp};
use rar_consent::{Consent, ConsentStore, ExerciseRefusal, HistoryEntry, Use};

use crate::domain::{
    Account, AccountId, Balance, BookedTransaction, ClientOf, EntryId, IllegalMove, Line, Money, PageRequest,
    Payment, PaymentId, PaymentKind, PaymentStatus, PaymentTerms, RequestFingerprint, SealedNote, Stage,
    TransactionId,
};
use crate::operation::payments::DebtorFault;

pub use keys::{KeyRef, KeyedOperation};
pub use pera::{
    AccountOpening, AccountOpenings, AlreadyRegistered, Catalogue, CustomerBook, KeyedRequest, Made,
    NotOpened, NotRegistered, OrganisationQuery, Outcome, Participants, PeraPorts, ProductQuery, Put,
    Registration, TakenKey,
};

/// Everything the operations need from outside. Clones share it.
#[derive(Clone)]
pub struct Ports {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Accounts, balances and statements.
    pub accounts: Arc<dyn AccountBook>,
    /// Payments.
    pub payments: Arc<dyn PaymentBook>,
    /// Consents that are lodged by key.
    pub lodgings: Arc<dyn LodgingBook>,
    /// What moves a payment on after it was booked.
    pub rail: Arc<dyn PaymentRail>,
    /// The consents behind tokens.
    pub consents: Arc<dyn ConsentStore>,
    /// What a retirement-account scheme needs.
    pub pera: PeraPorts,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ports(…)")
    }
}

/// Accounts, balances and statements. Read only, from the place where they are current.
#[async_trait]
pub trait AccountBook: Send + Sync {
    /// The accounts of a customer, oldest first, then by identifier; at most 1000. Called when accounts are listed.
    async fn accounts(&self, customer: &Subject) -> Result<Vec<Account>, Fault>;

    /// One account. Called before anything is shown or taken from it.
    async fn account(&self, id: &AccountId) -> Result<Option<Account>, Fault>;

    /// What stands on an account. Called where the consent permits to show it.
    async fn balance(&self, id: &AccountId) -> Result<Option<Balance>, Fault>;

    /// One page of a statement, newest first, then by identifier.
    async fn transactions(&self, query: &TransactionQuery) -> Result<Found<BookedTransaction>, Fault>;

    /// One line of a statement. Called with the account it must be on.
    async fn transaction(
        &self,
        account: &AccountId,
        id: &TransactionId,
    ) -> Result<Option<BookedTransaction>, Fault>;
}

/// Which lines of a statement. All bounds are inclusive.
#[derive(Debug, Clone)]
pub struct TransactionQuery {
    /// On whose statement.
    pub account: AccountId,
    /// Not before.
    pub oldest: Timestamp,
    /// Not after.
    pub newest: Timestamp,
    /// Least signed amount in minor units.
    pub amount_min: Option<i64>,
    /// Greatest signed amount in minor units.
    pub amount_max: Option<i64>,
    /// Which page.
    pub page: PageRequest,
}

/// The items of one page, and how many there are on all pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// The items of the page.
    pub items: Vec<T>,
    /// Items on all pages.
    pub total: u64,
}

/// Payments. Each verb is one transaction; of any number of concurrent calls the books allow exactly as many as the
/// consent, the year and the balance do.
#[async_trait]
pub trait PaymentBook: Send + Sync {
    /// Books a payment: idempotency record, use of the consent, allowance, postings, payment, statement, audit event and
    /// outbox, all or nothing. An order for a later day ([`PaymentTerms::debit_at`](crate::domain::PaymentTerms::debit_at)) is
    /// kept without postings and statement, and has its turn then. Called last, after every check that needs no lock.
    async fn book(&self, change: PaymentChange) -> Result<Booked, Fault>;

    /// One payment as it is now.
    async fn payment(&self, id: &PaymentId) -> Result<Option<Payment>, Fault>;

    /// One page of payments, newest first, then by identifier.
    async fn payments(&self, query: &PaymentQuery) -> Result<Found<Payment>, Fault>;

    /// What was said of people with an order for the assessment of risk, as it came ([`PaymentChange::personal`]). Called where
    /// the bank itself looks at a payment.
    async fn personal(&self, id: &PaymentId) -> Result<Option<SealedNote>, Fault>;

    /// What a key holds now; a key whose time is over holds nothing. Called before consent and limits are looked at, and when
    /// a client asks what became of a request.
    async fn by_key(&self, key: &KeyRef, now: Timestamp) -> Result<Option<Keyed>, Fault>;

    /// Moves a payment on, with everything that follows: postings, statement, consent, allowance. The money of an order for a
    /// later day is taken with the first move that counts; where its consent is over or on hold by then, or the money is
    /// not there, the payment is rejected instead, with its reason, and that is what this returns. Called by the rail's
    /// worker and for a cancellation.
    async fn advance(&self, change: &PaymentMove) -> Result<Advanced, Fault>;

    /// Payments whose turn at the rail has come, oldest first, at most `limit`. Called by the rail's worker.
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, Fault>;

    /// Orders for a later day whose consent is revoked or expired, at most `limit`: what becomes of them does not wait for their
    /// day. Called by the rail's worker at every run, and after a client has ended a consent.
    async fn left_over(&self, limit: u32) -> Result<Vec<Payment>, Fault>;

    /// Puts the next turn of a payment off; `None` takes it off the list. Called by the rail's worker.
    async fn put_off(&self, id: &PaymentId, until: Option<Timestamp>) -> Result<(), Fault>;

    /// Deletes keys whose time is over, of whatever operation, and says how many: at most
    /// [`SWEEP_ROWS`](oauth_core::limits::SWEEP_ROWS) a call, the longest over first. What they held stays. Called from a
    /// timer, in any number of processes.
    async fn sweep(&self, now: Timestamp) -> Result<u64, Fault>;
}

/// Consents that a client lodges at the interface under a key. Kept where the keys of payments are, and in one transaction
/// with the [`ConsentStore`].
#[async_trait]
pub trait LodgingBook: Send + Sync {
    /// Keeps a new consent, the first entry of its history and its idempotency record, all or nothing. Of any number of
    /// concurrent calls with one key exactly one makes a consent.
    async fn lodge(&self, change: LodgingChange) -> Result<Lodging, Fault>;

    /// What a key holds now; a key whose time is over holds nothing. Called before the request is judged.
    async fn lodged(&self, key: &KeyRef, now: Timestamp) -> Result<Option<KeyedConsent>, Fault>;
}

/// A consent about to be lodged.
#[derive(Debug, Clone)]
pub struct LodgingChange {
    /// The request among its repeats.
    pub key: KeyRef,
    /// Of the request's canonical bytes.
    pub fingerprint: RequestFingerprint,
    /// How long the key is kept.
    pub key_until: Timestamp,
    /// The consent, which waits for its customer.
    pub consent: Consent,
    /// The first entry of its history.
    pub entry: HistoryEntry,
}

/// How lodging ended. Anything but [`Lodging::New`] changed nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Lodging {
    /// Kept now.
    New,
    /// The same request was kept before; the consent as it was then.
    Repeat(Box<Consent>),
    /// Another request holds the key.
    ConflictingRepeat,
    /// The identifier was used before, by whatever request.
    IdUsed,
}

/// What a key of a consent holds.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyedConsent {
    /// Of the request that took the key.
    pub fingerprint: RequestFingerprint,
    /// What came of it, as it was then.
    pub consent: Consent,
}

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// Of the request that took the key.
    pub fingerprint: RequestFingerprint,
    /// What came of it, as it is now.
    pub payment: Payment,
}

/// A payment about to be booked.
#[derive(Debug, Clone)]
pub struct PaymentChange {
    /// The request among its repeats.
    pub key: KeyRef,
    /// Of the request's canonical bytes.
    pub fingerprint: RequestFingerprint,
    /// How long the key is kept: at this instant it is free again. [`Timestamp::FAR_FUTURE`] for as long as the payment.
    pub key_until: Timestamp,
    /// The payment, at stage [`Stage::Received`].
    pub payment: Payment,
    /// What of the consent it uses. Judged inside the transaction, over the consent as it is then.
    pub consent_use: Use,
    /// What the customer may contribute in a year, when the payment is a contribution.
    pub allowance: Option<Allowance>,
    /// What was said of people with the order for the assessment of risk, as it was sent: encrypted to the bank. It is kept beside
    /// the payment, written once, and in nothing that is told of it.
    pub personal: Option<SealedNote>,
    /// Names drawn beforehand.
    pub names: EntryNames,
    /// The call it came with.
    pub correlation: CorrelationId,
}

/// Names for the rows of one movement, drawn while gathering.
#[derive(Debug, Clone)]
pub struct EntryNames {
    /// The journal entry.
    pub entry: EntryId,
    /// The line on the payer's statement.
    pub debit: TransactionId,
    /// The line on the payee's statement, should it be one of ours.
    pub credit: TransactionId,
}

/// A yearly allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The calendar year it is for.
    pub year: i32,
    /// The most that may be used of it, inclusive.
    pub limit: Money,
}

/// How booking ended. Anything but [`Booked::New`] changed nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Booked {
    /// Booked now.
    New(Payment),
    /// The same request was booked before; the payment as it was then.
    Repeat(Payment),
    /// Another request holds the key.
    ConflictingRepeat,
    /// A request with this key is being booked at this moment, and for longer than this one was willing to wait.
    InProgress,
    /// The consent does not allow it.
    ConsentRefused(ExerciseRefusal),
    /// The consent of this name is gone.
    ConsentGone,
    /// The allowance of the year is used up.
    AllowanceGone,
    /// The balance is below the amount. Of an order for a later day it is asked on that day.
    FundsGone,
}

/// Which payments. All bounds are inclusive.
#[derive(Debug, Clone)]
pub struct PaymentQuery {
    /// Of this client.
    pub client: ClientOf,
    /// Under this consent only.
    pub consent: Option<ConsentId>,
    /// In one of these stages; none means all.
    pub stages: Vec<Stage>,
    /// Created not before.
    pub oldest: Option<Timestamp>,
    /// Created not after.
    pub newest: Option<Timestamp>,
    /// From or to this account.
    pub account: Option<AccountId>,
    /// Of this kind.
    pub kind: OfKind,
    /// Which page.
    pub page: PageRequest,
}

/// Which kinds of payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfKind {
    /// Every kind.
    Any,
    /// [`PaymentKind::Transfer`].
    Transfer,
    /// [`PaymentKind::Contribution`], of whatever year.
    Contribution,
}

impl OfKind {
    /// Whether a kind is meant.
    #[must_use]
    pub const fn includes(self, kind: PaymentKind) -> bool {
        match (self, kind) {
            (Self::Any, _)
            | (Self::Transfer, PaymentKind::Transfer)
            | (Self::Contribution, PaymentKind::Contribution { .. }) => true,
            (Self::Transfer, PaymentKind::Contribution { .. })
            | (Self::Contribution, PaymentKind::Transfer) => false,
        }
    }
}

/// A change of a payment's status.
#[derive(Debug, Clone)]
pub struct PaymentMove {
    /// Which payment.
    pub id: PaymentId,
    /// To which status.
    pub to: PaymentStatus,
    /// The number the rail gave it, where it gave one now.
    pub rail_reference: Option<Line<40>>,
    /// When.
    pub at: Timestamp,
    /// Names for what is posted, if anything is.
    pub names: EntryNames,
    /// The call or the worker's run it comes of.
    pub correlation: CorrelationId,
}

/// How a change of status ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advanced {
    /// The payment has moved.
    Moved(Payment),
    /// The table of statuses has no such move from where the payment is; nothing changed.
    Illegal(Payment, IllegalMove),
    /// No such payment.
    Unknown,
}

/// The way money takes after it was booked, and the bank's say before. A bank replaces it by a connection to its own
/// payment system, as the example in [`rail`](crate::rail) shows.
#[async_trait]
pub trait PaymentRail: Send + Sync {
    /// Whether the bank takes an order from its account at this moment. Called once for each new order, after the consent and
    /// before anything is booked; it must change nothing.
    async fn admits(&self, _terms: &PaymentTerms, _now: Timestamp) -> Result<Admission, Fault> {
        Ok(Admission::Taken)
    }

    /// What happens next to a payment. Called by the worker, outside every request and every transaction; may be called
    /// again for the same step and must then do nothing new.
    async fn next(&self, payment: &Payment, now: Timestamp) -> Result<RailStep, Fault>;
}

/// Whether an order is taken from its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is.
    Taken,
    /// The account cannot be used.
    Refused(DebtorFault),
}

/// What happens next to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RailStep {
    /// It moves on now; with the number the rail gave it, where it gave one.
    Move(PaymentStatus, Option<Line<40>>),
    /// Nothing before this instant.
    Wait(Timestamp),
    /// Nothing, until somebody outside says so.
    Rest,
}
