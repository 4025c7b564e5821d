//! Whether an order fits accounts, day and rail, and what of the year it uses. The limits themselves are judged by
//! the book, inside its transaction.

use oauth_core::{Fault, Timestamp};

use crate::domain::{
    Account, AccountId, AccountKind, AccountStatus, ContributorType, Creditor, Day, PaymentKind,
    PaymentTerms, Zone,
};
use crate::guard::Authority;
use crate::port::{Admission, Allowance};

use super::accounts::is_given;
use super::payments::{Debtor, OrderKind, PaymentOrder, PaymentRefusal};
use super::{Operations, customers};

/// What is wrong with the payer's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DebtorFault {
    /// The customer did not give it, or gave none.
    NotGiven,
    /// It holds another currency.
    Currency,
    /// Blocked, for now or until the customer calls.
    Blocked,
    /// The bank cannot say at the moment.
    Unreachable,
    /// Closed, or gone.
    Closed,
}

/// The bank takes the order from its account.
pub(super) async fn admitted(
    operations: &Operations,
    terms: &PaymentTerms,
    now: Timestamp,
) -> Result<(), PaymentRefusal> {
    match operations.ports.rail.admits(terms, now).await? {
        Admission::Taken => Ok(()),
        Admission::Refused(fault) => Err(PaymentRefusal::DebtorUnusable(fault)),
    }
}

/// A payee of this bank exists and takes what is paid.
pub(super) async fn creditor_exists(
    operations: &Operations,
    authority: &Authority,
    order: &PaymentOrder,
) -> Result<(), PaymentRefusal> {
    let Creditor::Internal { account, .. } = &order.creditor else { return Ok(()) };
    let found = operations.ports.accounts.account(account).await?;
    let takes = |account: &Account| {
        let own_pera =
            account.kind == AccountKind::Pera && Some(&account.customer) == authority.subject.as_ref();
        account.status == AccountStatus::Active
            && account.currency == order.amount.currency()
            && (order.kind == OrderKind::Transfer || own_pera)
    };
    if found.as_ref().is_some_and(takes) { Ok(()) } else { Err(PaymentRefusal::NoSuchCreditor) }
}

/// The payer's account, in a state to pay.
pub(super) async fn debtor(
    operations: &Operations,
    authority: &Authority,
    order: &PaymentOrder,
) -> Result<Account, PaymentRefusal> {
    let unusable = PaymentRefusal::DebtorUnusable;
    let first_given = || {
        let consent = authority.consent.as_ref();
        consent.and_then(|consent| consent.accounts.first()).and_then(|id| AccountId::new(id).ok())
    };
    let id = match &order.debtor {
        Debtor::Account(id) => Some(id.clone()).filter(|id| is_given(authority, id)),
        Debtor::OfConsent => first_given(),
    };
    let id = id.ok_or(unusable(DebtorFault::NotGiven))?;
    let account = operations.ports.accounts.account(&id).await?.ok_or(unusable(DebtorFault::Closed))?;
    if Some(&account.customer) != authority.subject.as_ref() && !approved_by_others(authority) {
        return Err(unusable(DebtorFault::NotGiven));
    }
    let pays = matches!(order.creditor, Creditor::Internal { account: ref to, .. } if *to == account.id);
    // OFxPERA section 8.6: no money leaves a retirement account by a contribution
    let retired = order.kind == OrderKind::Contribution && account.kind == AccountKind::Pera;
    match account.status {
        _ if pays || retired => Err(unusable(DebtorFault::NotGiven)),
        AccountStatus::Active if account.currency == order.amount.currency() => Ok(account),
        AccountStatus::Active => Err(unusable(DebtorFault::Currency)),
        AccountStatus::Dormant | AccountStatus::Frozen => Err(unusable(DebtorFault::Blocked)),
        AccountStatus::Closed => Err(unusable(DebtorFault::Closed)),
    }
}

/// Whether everybody has approved whom the account asks for: then it need not be the payer's alone.
fn approved_by_others(authority: &Authority) -> bool {
    let consent = authority.consent.as_ref();
    consent.is_some_and(|consent| !consent.approvals.is_empty() && consent.is_approved_by_all())
}

/// The day and the rail take the order.
pub(super) fn within_bounds(
    operations: &Operations,
    authority: &Authority,
    order: &PaymentOrder,
) -> Result<(), PaymentRefusal> {
    let zone = zone(order.kind);
    let today = zone.day(authority.now);
    if let Some(day) = order.execution_day {
        let latest = today.add_days(operations.settings.execution_days_max).unwrap_or(Day::MAX);
        let end = authority.consent.as_ref().and_then(|consent| consent.until);
        let within_consent = end.is_none_or(|end| day.start_of_day(zone) < end);
        if day < today || day > latest || !within_consent {
            return Err(PaymentRefusal::ExecutionDay);
        }
    }
    let most = operations.settings.rail_max.iter().find(|(rail, _)| *rail == order.rail);
    match most.map(|(_, most)| order.amount.is_within(*most)) {
        Some(Ok(false)) => Err(PaymentRefusal::RailLimit),
        Some(Ok(true) | Err(_)) | None => Ok(()),
    }
}

/// When the money of an order for a later day is taken.
pub(super) fn debit_at(order: &PaymentOrder, now: Timestamp) -> Option<Timestamp> {
    let day = || order.execution_day.map(|day| day.start_of_day(zone(order.kind)));
    order.execute_at.or_else(day).filter(|at| now < *at)
}

const fn zone(kind: OrderKind) -> Zone {
    match kind {
        OrderKind::Contribution => Zone::Manila,
        OrderKind::Transfer => Zone::Dubai,
    }
}

pub(super) fn kind(ordered: OrderKind, day: Option<Day>, authority: &Authority) -> PaymentKind {
    match ordered {
        OrderKind::Transfer => PaymentKind::Transfer,
        OrderKind::Contribution => {
            let day = day.unwrap_or_else(|| Zone::Manila.day(authority.now));
            PaymentKind::Contribution { year: day.year() }
        }
    }
}

/// What of which year's allowance a contribution uses: the law gives more to who works abroad.
pub(super) async fn allowance(
    operations: &Operations,
    terms: &PaymentTerms,
) -> Result<Option<Allowance>, Fault> {
    let PaymentKind::Contribution { year } = terms.kind else { return Ok(None) };
    let limit = match customers::contributor(operations, &terms.customer).await? {
        Some(ContributorType::OverseasFilipino) => operations.settings.contribution_max_overseas,
        Some(ContributorType::Employee | ContributorType::SelfEmployed) | None => {
            operations.settings.contribution_max
        }
    };
    Ok(limit.map(|limit| Allowance { year, limit }))
}
