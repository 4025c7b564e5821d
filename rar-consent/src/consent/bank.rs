//! What the bank's side changes of a consent (UAE bank service initiation section 15, operation 10). Pure.

use oauth_core::{Subject, Timestamp};

use super::Consent;
use super::approval::{ApprovalState, Authorizer, AuthorizerApproval, FirstApproval};
use super::history::{Actor, Changed, Channel, HistoryEntry};
use super::status::{ConsentStatus, Role};

/// What the bank's side orders, all or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct BankOrder {
    /// Who orders it.
    pub by: Actor,
    /// Where the customer was.
    pub channel: Channel,
    /// The customer.
    pub customer: Option<Subject>,
    /// The accounts the customer gives, by the bank's identifiers.
    pub accounts: Option<Vec<String>>,
    /// Who has to approve, and what they have said to the bank already.
    pub approvals: Option<Vec<AuthorizerApproval>>,
    /// The status the consent is to have.
    pub status: Option<ConsentStatus>,
}

/// Why an order of the bank's side is refused. Nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BankFault {
    /// The consent has this status, from which the order leads nowhere.
    #[error("the consent is {0:?}")]
    Illegal(ConsentStatus),
    /// A consent is authorised by somebody; the order names nobody.
    #[error("the customer is missing")]
    CustomerMissing,
    /// The accounts are missing, or not those that the consent can be given for.
    #[error("the accounts do not fit")]
    Accounts,
    /// The approvals contradict themselves: twice the same authoriser, or a date without a decision or the other way round.
    #[error("the approvals contradict themselves")]
    Approvals,
}

impl Consent {
    /// This consent after an order of the bank's side; `None` where nothing is to be changed. `authorizers` are those whom
    /// the accounts ask for, and count where the order itself names none.
    ///
    /// # Errors
    /// [`BankFault`]; nothing changes.
    pub fn ordered_by_bank(
        &self,
        order: &BankOrder,
        authorizers: Vec<Authorizer>,
        now: Timestamp,
    ) -> Result<Option<(Self, HistoryEntry)>, BankFault> {
        if order.by.role() != Role::Operator {
            return Err(BankFault::Illegal(self.status));
        }
        let named = self.with_customer(order)?;
        let (asked, asking) = match &order.approvals {
            None => (named, None),
            Some(approvals) => {
                let (asked, entry) = named.asking(approvals, &order.by, now)?;
                (asked, Some(entry))
            }
        };
        let through = |(consent, entry): (Self, HistoryEntry)| Some((consent, entry.through(order.channel)));
        match order.status {
            Some(status) if asking.is_some() && asked.status != status => {
                return Err(BankFault::Illegal(self.status));
            }
            Some(_) if asking.is_some() => {}
            Some(status) => return asked.moved_by_bank(status, order, authorizers, now).map(through),
            None => {}
        }
        if asked == *self {
            return Ok(None);
        }
        let note = || HistoryEntry::note(self.status, Changed::Terms, &order.by, "named by the bank", now);
        Ok(through((asked, asking.unwrap_or_else(note))))
    }

    /// The customer and the accounts, which stand still from the first approval on.
    fn with_customer(&self, order: &BankOrder) -> Result<Self, BankFault> {
        let customer = order.customer.clone().or_else(|| self.subject.clone());
        let accounts = order.accounts.clone().unwrap_or_else(|| self.accounts.clone());
        let open = self.status == ConsentStatus::AwaitingAuthorization && self.approvals.is_empty();
        if !open && (customer != self.subject || accounts != self.accounts) {
            return Err(BankFault::Illegal(self.status));
        }
        if order.accounts.is_some() && open && !crate::describe::choice(&self.terms).takes(&accounts) {
            return Err(BankFault::Accounts);
        }
        Ok(Self { subject: customer, accounts, ..self.clone() })
    }

    /// The consent asking for these approvals. What they come to already is done at once.
    fn asking(
        &self,
        approvals: &[AuthorizerApproval],
        by: &Actor,
        now: Timestamp,
    ) -> Result<(Self, HistoryEntry), BankFault> {
        if self.status != ConsentStatus::AwaitingAuthorization || !self.approvals.is_empty() {
            return Err(BankFault::Illegal(self.status));
        }
        let whole = |entry: &AuthorizerApproval| {
            let same = approvals.iter().filter(|other| other.authorizer.id == entry.authorizer.id);
            same.count() == 1 && (entry.state == ApprovalState::Pending) == entry.decided_at.is_none()
        };
        let too_many = self.is_for_one() && approvals.len() > 1;
        if approvals.is_empty() || !approvals.iter().all(whole) || too_many {
            return Err(BankFault::Approvals);
        }
        let asked = Self { approvals: approvals.to_vec(), ..self.clone() };
        let to = match (
            approvals.iter().any(|entry| entry.state == ApprovalState::Rejected),
            asked.is_approved_by_all(),
        ) {
            (true, _) => ConsentStatus::Rejected,
            (false, true) => ConsentStatus::Authorized,
            (false, false) => {
                let entry = HistoryEntry::note(
                    asked.status,
                    Changed::Decision,
                    by,
                    "authorisers named by the bank",
                    now,
                );
                return Ok((asked, entry));
            }
        };
        if to == ConsentStatus::Authorized {
            asked.has_customer()?;
        }
        asked.moved(to, by, "decided by its authorisers", now).map_err(|_| BankFault::Illegal(self.status))
    }

    /// The moves of the bank's side: it authorises, rejects, holds and lets go. Others have operations of their own.
    fn moved_by_bank(
        &self,
        to: ConsentStatus,
        order: &BankOrder,
        authorizers: Vec<Authorizer>,
        now: Timestamp,
    ) -> Result<(Self, HistoryEntry), BankFault> {
        let illegal = BankFault::Illegal(self.status);
        let reason = match to {
            ConsentStatus::Authorized if self.status == ConsentStatus::AwaitingAuthorization => {
                return self.authorised_by_bank(order, authorizers, now);
            }
            ConsentStatus::Authorized => "let go by the bank",
            ConsentStatus::Rejected => "rejected by the bank",
            ConsentStatus::Suspended => "held by the bank",
            ConsentStatus::AwaitingAuthorization
            | ConsentStatus::Revoked
            | ConsentStatus::Expired
            | ConsentStatus::Finished => return Err(illegal),
        };
        self.moved(to, &order.by, reason, now).map_err(|_| illegal)
    }

    /// The customer approved at the bank itself, and needs nobody else.
    fn authorised_by_bank(
        &self,
        order: &BankOrder,
        authorizers: Vec<Authorizer>,
        now: Timestamp,
    ) -> Result<(Self, HistoryEntry), BankFault> {
        let illegal = BankFault::Illegal(self.status);
        let by = self.has_customer()?;
        let first = FirstApproval { by, accounts: self.accounts.clone(), authorizers };
        let (approved, entry) = self.approved_by(first, now).map_err(|_| illegal)?;
        if approved.status != ConsentStatus::Authorized {
            return Err(illegal);
        }
        Ok((approved, HistoryEntry { actor: order.by.clone(), ..entry }))
    }

    fn has_customer(&self) -> Result<Subject, BankFault> {
        if !crate::describe::choice(&self.terms).takes(&self.accounts) {
            return Err(BankFault::Accounts);
        }
        self.subject.clone().ok_or(BankFault::CustomerMissing)
    }
}
