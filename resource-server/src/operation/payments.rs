//! Initiating, finding and cancelling payments.
//!
//! In this order: a repeat is answered first, whatever became of consent and limits; then the consent's standing and
//! permission; then the accounts; and last, in one transaction of the book, the consent's limits, the year and the funds.

use oauth_core::{ConsentId, Fault, Timestamp};
use rar_consent::{ExerciseRefusal, UaePaymentType};

use crate::domain::{
    AccountId, Billing, Creditor, Day, IdempotencyKey, Line, Money, MoneyFault, Page, PageRequest,
    PastTheEnd, Payment, PaymentId, PaymentStatus, PaymentTerms, Purpose, Rail, RequestFingerprint,
    SealedNote, Stage,
};
use crate::guard::{Authority, GuardRefusal};
use crate::port::{
    Advanced, Booked, Found, KeyRef, KeyedOperation, OfKind, PaymentChange, PaymentMove, PaymentQuery,
};
use crate::rail::{fresh_names, settle_one};

use super::order::{admitted, allowance, creditor_exists, debit_at, debtor, kind, within_bounds};
use super::{Operations, Settlement};

pub use super::order::DebtorFault;

/// A payment as a dialect read it.
#[derive(Debug, Clone)]
pub struct PaymentOrder {
    /// Under which consent: the one of the token.
    pub consent: ConsentId,
    /// How much.
    pub amount: Money,
    /// To whom.
    pub creditor: Creditor,
    /// From which account.
    pub debtor: Debtor,
    /// What kind.
    pub kind: OrderKind,
    /// By which way.
    pub rail: Rail,
    /// The day it is to be executed, when not at once.
    pub execution_day: Option<Day>,
    /// What the payer notes.
    pub debtor_reference: Option<Line<120>>,
    /// What the payee is told.
    pub creditor_reference: Option<Line<120>>,
    /// Why the money moves.
    pub purpose: Option<Purpose>,
    /// The client's own number of the payment.
    pub client_sequence: Option<Line<20>>,
    /// What the client is billed for, where it says so.
    pub billing: Option<Billing>,
    /// What was said of people for the assessment of risk, as it was sent.
    pub personal: Option<SealedNote>,
    /// The instant before which it is not executed, where the consent names one.
    pub execute_at: Option<Timestamp>,
    /// Which part of the consent it uses, where the consent says so.
    pub consent_part: Option<UaePaymentType>,
    /// The key of the request.
    pub key: IdempotencyKey,
    /// How long the key is kept.
    pub key_kept: KeyKept,
    /// Of the request's canonical bytes.
    pub fingerprint: RequestFingerprint,
}

/// How long the key of a request is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKept {
    /// As long as [`OperationSettings::key_kept`](super::OperationSettings::key_kept) says.
    AsSet,
    /// As long as the payment and its consent are.
    WithPayment,
}

/// From which account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Debtor {
    /// This one, which must be among those the customer gave.
    Account(AccountId),
    /// The first the customer gave.
    OfConsent,
}

/// What kind of payment is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// To a payee.
    Transfer,
    /// To the customer's own PERA. Counts for the calendar year in Manila of its execution.
    Contribution,
}

/// How an order ended well.
#[derive(Debug, Clone, PartialEq)]
pub enum Initiated {
    /// Booked now.
    New(Payment),
    /// The same request was booked before; the payment as it was then.
    Repeat(Payment),
}

impl Initiated {
    /// The payment.
    #[must_use]
    pub const fn payment(&self) -> &Payment {
        match self {
            Self::New(payment) | Self::Repeat(payment) => payment,
        }
    }
}

/// Why a payment cannot be made, found or called off. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum PaymentRefusal {
    /// The standing or the permissions of the consent.
    #[error(transparent)]
    Guard(GuardRefusal),
    /// Another request holds the key.
    #[error("the key belongs to another request")]
    ConflictingRepeat,
    /// The same request is being worked on.
    #[error("the same request is in progress")]
    InProgress,
    /// The order names another consent than the token, or one that is gone.
    #[error("not the consent of the token")]
    OtherConsent,
    /// A limit or a rule of the consent.
    #[error(transparent)]
    Consent(ExerciseRefusal),
    /// The payee's account is unknown, not this customer's, or takes no contributions.
    #[error("no such account to pay to")]
    NoSuchCreditor,
    /// The payer's account was not given, or is in no state to pay in this currency.
    #[error("the account to pay from is unusable: {0:?}")]
    DebtorUnusable(DebtorFault),
    /// The day is in the past, too far ahead, or beyond the consent.
    #[error("execution day out of bounds")]
    ExecutionDay,
    /// More than the rail takes.
    #[error("more than the rail takes")]
    RailLimit,
    /// More than a customer may contribute in a year.
    #[error("more than the allowance of the year")]
    AllowanceGone,
    /// The balance is below the amount.
    #[error("insufficient funds")]
    FundsGone,
    /// Nothing is to be paid.
    #[error("nothing to pay")]
    Nothing,
    /// Unknown, another client's, or under another consent than the token's: the three look the same.
    #[error("no such payment")]
    NoSuchPayment,
    /// It has come too far to be called off.
    #[error("payment is {0:?}")]
    NotCancellable(Stage),
    /// A page beyond the last.
    #[error(transparent)]
    NoSuchPage(#[from] PastTheEnd),
    /// Our side broke.
    #[error(transparent)]
    Failed(#[from] Fault),
}

/// Initiates a payment: [`replay`], and [`initiate_fresh`] when there is none.
///
/// # Errors
/// [`PaymentRefusal`].
pub async fn initiate(
    operations: &Operations,
    authority: &Authority,
    order: PaymentOrder,
) -> Result<Initiated, PaymentRefusal> {
    match replay(operations, authority, &order.key, &order.fingerprint).await? {
        Some(payment) => Ok(Initiated::Repeat(payment)),
        None => initiate_fresh(operations, authority, order).await,
    }
}

/// Answers a repeat with the payment as it was at first. `None`: there was none, and the consent stands and permits.
///
/// # Errors
/// [`PaymentRefusal::ConflictingRepeat`], [`PaymentRefusal::Guard`], or a fault.
pub async fn replay(
    operations: &Operations,
    authority: &Authority,
    key: &IdempotencyKey,
    fingerprint: &RequestFingerprint,
) -> Result<Option<Payment>, PaymentRefusal> {
    let held = operations.ports.payments.by_key(&key_ref(authority, key), authority.now).await?;
    match held {
        Some(held) if held.fingerprint != *fingerprint => Err(PaymentRefusal::ConflictingRepeat),
        Some(held) => Ok(Some(held.payment.as_received())),
        None => authority.pass().map(|()| None).map_err(PaymentRefusal::Guard),
    }
}

/// Initiates a payment for which [`replay`] found nothing. Should the same request be booked meanwhile, this is a repeat all
/// the same: the book decides.
///
/// # Errors
/// [`PaymentRefusal`].
pub async fn initiate_fresh(
    operations: &Operations,
    authority: &Authority,
    order: PaymentOrder,
) -> Result<Initiated, PaymentRefusal> {
    let of_token = authority.consent.as_ref().is_some_and(|consent| consent.id == order.consent);
    let Some(customer) = authority.subject.clone().filter(|_| of_token) else {
        return Err(PaymentRefusal::OtherConsent);
    };
    order.amount.positive().map_err(|_| PaymentRefusal::Nothing)?;
    creditor_exists(operations, authority, &order).await?;
    let debtor = debtor(operations, authority, &order).await?;
    within_bounds(operations, authority, &order)?;
    let id = crate::guard::fresh_uuid(&*operations.ports.entropy)?;
    let (key, fingerprint, later) = (order.key.clone(), order.fingerprint, debit_at(&order, authority.now));
    let key_until = match order.key_kept {
        KeyKept::AsSet => authority.now.plus(operations.settings.key_kept),
        KeyKept::WithPayment => Timestamp::FAR_FUTURE,
    };
    let terms = PaymentTerms {
        id: PaymentId::new(&id).map_err(|fault| Fault::new("entropy", fault))?,
        client: authority.client_of(),
        consent: order.consent,
        customer,
        debtor: debtor.id,
        creditor: order.creditor,
        amount: order.amount,
        kind: kind(order.kind, order.execution_day, authority),
        rail: order.rail,
        execution_day: order.execution_day,
        execute_at: order.execute_at,
        debit_at: later,
        consent_part: order.consent_part,
        debtor_reference: order.debtor_reference,
        creditor_reference: order.creditor_reference,
        purpose: order.purpose,
        client_sequence: order.client_sequence,
        billing: order.billing,
        created_at: authority.now,
    };
    admitted(operations, &terms, authority.now).await?;
    let change = PaymentChange {
        key: key_ref(authority, &key),
        fingerprint,
        key_until,
        consent_use: terms.consent_use(),
        allowance: allowance(operations, &terms).await?,
        personal: order.personal,
        payment: Payment::receive(terms).map_err(|_: MoneyFault| PaymentRefusal::Nothing)?,
        names: fresh_names(&operations.ports)?,
        correlation: authority.correlation.clone(),
    };
    answered(operations.ports.payments.book(change).await?)
}

fn answered(booked: Booked) -> Result<Initiated, PaymentRefusal> {
    match booked {
        Booked::New(payment) => Ok(Initiated::New(payment)),
        Booked::Repeat(payment) => Ok(Initiated::Repeat(payment)),
        Booked::ConflictingRepeat => Err(PaymentRefusal::ConflictingRepeat),
        Booked::InProgress => Err(PaymentRefusal::InProgress),
        Booked::ConsentRefused(refusal) => Err(PaymentRefusal::Consent(refusal)),
        Booked::ConsentGone => Err(PaymentRefusal::OtherConsent),
        Booked::AllowanceGone => Err(PaymentRefusal::AllowanceGone),
        Booked::FundsGone => Err(PaymentRefusal::FundsGone),
    }
}

/// A payment this caller may know of, as it is now.
///
/// # Errors
/// [`PaymentRefusal::NoSuchPayment`], or a fault.
pub async fn status(
    operations: &Operations,
    authority: &Authority,
    id: &PaymentId,
) -> Result<Payment, PaymentRefusal> {
    let payment = visible(operations, authority, id).await?;
    match operations.settings.settlement {
        Settlement::ByWorker => Ok(payment),
        Settlement::ByWorkerAndReaders => Ok(settle_one(&operations.ports, payment, authority.now).await?),
    }
}

/// What became of the request with this key.
///
/// # Errors
/// [`PaymentRefusal::NoSuchPayment`], or a fault.
pub async fn by_key(
    operations: &Operations,
    authority: &Authority,
    key: &IdempotencyKey,
) -> Result<Payment, PaymentRefusal> {
    let held = operations.ports.payments.by_key(&key_ref(authority, key), authority.now).await?;
    let payment = held.map(|held| held.payment).filter(|payment| is_visible(authority, payment));
    payment.ok_or(PaymentRefusal::NoSuchPayment)
}

/// Which payments.
#[derive(Debug, Clone)]
pub struct Listing {
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

/// One page of the payments this caller may know of, newest first.
///
/// # Errors
/// [`PaymentRefusal::NoSuchPage`], or a fault.
pub async fn list(
    operations: &Operations,
    authority: &Authority,
    wanted: &Listing,
) -> Result<Page<Payment>, PaymentRefusal> {
    let query = PaymentQuery {
        client: authority.client_of(),
        consent: authority.claims().consent_id.clone(),
        stages: wanted.stages.clone(),
        oldest: wanted.oldest,
        newest: wanted.newest,
        account: wanted.account.clone(),
        kind: wanted.kind,
        page: wanted.page,
    };
    let Found { items, total } = operations.ports.payments.payments(&query).await?;
    Ok(Page::new(items, wanted.page, total)?)
}

/// Calls a payment off. Calling it off again changes nothing.
///
/// # Errors
/// [`PaymentRefusal::NoSuchPayment`], [`PaymentRefusal::NotCancellable`], or a fault.
pub async fn cancel(
    operations: &Operations,
    authority: &Authority,
    id: &PaymentId,
) -> Result<Payment, PaymentRefusal> {
    visible(operations, authority, id).await?;
    let change = PaymentMove {
        id: id.clone(),
        to: PaymentStatus::Cancelled,
        rail_reference: None,
        at: authority.now,
        names: fresh_names(&operations.ports)?,
        correlation: authority.correlation.clone(),
    };
    match operations.ports.payments.advance(&change).await? {
        Advanced::Moved(payment) => Ok(payment),
        Advanced::Illegal(payment, illegal) => match illegal.from {
            Stage::Cancelled => Ok(payment),
            Stage::Received
            | Stage::Pending
            | Stage::DebtorSettled
            | Stage::CreditorAccepted
            | Stage::Completed
            | Stage::Rejected => Err(PaymentRefusal::NotCancellable(illegal.from)),
        },
        Advanced::Unknown => Err(PaymentRefusal::NoSuchPayment),
    }
}

async fn visible(
    operations: &Operations,
    authority: &Authority,
    id: &PaymentId,
) -> Result<Payment, PaymentRefusal> {
    let payment = operations.ports.payments.payment(id).await?;
    payment.filter(|payment| is_visible(authority, payment)).ok_or(PaymentRefusal::NoSuchPayment)
}

/// A client sees its own payments; a customer's token those of its consent.
fn is_visible(authority: &Authority, payment: &Payment) -> bool {
    let same_consent = match (&authority.claims().consent_id, &authority.subject) {
        (Some(consent), _) => *consent == payment.terms().consent,
        (None, None) => true,
        (None, Some(_)) => false,
    };
    same_consent && payment.terms().client == authority.client_of()
}

fn key_ref(authority: &Authority, key: &IdempotencyKey) -> KeyRef {
    KeyRef { client: authority.client_of(), operation: KeyedOperation::InitiatePayment, key: key.clone() }
}
