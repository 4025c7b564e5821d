//! Who approves, where an account asks for more than one person (UAE bank service initiation section 7). Pure.

use oauth_core::{ShownText, Subject, Timestamp};
use serde::{Deserialize, Serialize};

use super::history::{Actor, Changed, HistoryEntry};
use super::status::ConsentStatus;
use super::terms::{Terms, UaeAuthorization};
use super::{Consent, Shown};

/// Somebody whom an account asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorizer {
    /// `AuthorizerId`: what the bank calls this person in this role.
    pub id: String,
    /// `AuthorizerType`, as in `Financial`.
    pub kind: String,
    /// The customer it is, where that is somebody who signs in here.
    pub subject: Option<Subject>,
}

/// What one authoriser has said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizerApproval {
    /// Who.
    pub authorizer: Authorizer,
    /// What.
    pub state: ApprovalState,
    /// When; nothing while it is pending.
    pub decided_at: Option<Timestamp>,
    /// What this person was shown and approved, where that was a page of this bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
}

/// How far an approval has come: `AuthorizationStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApprovalState {
    /// Nothing was said.
    Pending,
    /// Yes.
    Approved,
    /// No.
    Rejected,
}

impl ApprovalState {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
        }
    }
}

/// What an authoriser decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Approved,
    /// No: the consent is rejected, whatever the others say.
    Rejected,
}

/// The approval of the customer whom the third party sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstApproval {
    /// Who.
    pub by: Subject,
    /// For these accounts.
    pub accounts: Vec<String>,
    /// Whom those accounts ask for; none where whoever may choose them decides alone.
    pub authorizers: Vec<Authorizer>,
}

/// Why the first approval does not count. Nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FirstFault {
    /// The consent waits for nobody, or for others already.
    #[error("the consent is decided or waits for others")]
    DecidedBefore,
    /// `UAEOF.Single`: the account asks for somebody else as well.
    #[error("one person may not debit this account")]
    NotAlone,
}

/// Why a decision does not count. Nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecisionFault {
    /// The consent does not ask for this authoriser.
    #[error("no such authoriser")]
    Unknown,
    /// This authoriser has decided.
    #[error("decided before")]
    DecidedBefore,
    /// The consent waits no longer.
    #[error("the consent is {0:?}")]
    Closed(ConsentStatus),
}

impl Consent {
    /// This consent after its first approval: in force where that is enough, otherwise waiting for the others. The status
    /// and its time stay while it waits.
    ///
    /// # Errors
    /// [`FirstFault`]; nothing changes.
    pub fn approved_by(
        &self,
        first: FirstApproval,
        now: Timestamp,
    ) -> Result<(Self, HistoryEntry), FirstFault> {
        if self.status != ConsentStatus::AwaitingAuthorization || !self.approvals.is_empty() {
            return Err(FirstFault::DecidedBefore);
        }
        let FirstApproval { by, accounts, authorizers } = first;
        let own = |authorizer: &Authorizer| authorizer.subject.as_ref() == Some(&by);
        let alone = authorizers.iter().all(own);
        if !alone && self.is_for_one() {
            return Err(FirstFault::NotAlone);
        }
        let actor = Actor::Customer(by.clone());
        let approval = |authorizer: Authorizer| {
            let (state, decided_at) = match own(&authorizer) {
                true => (ApprovalState::Approved, Some(now)),
                false => (ApprovalState::Pending, None),
            };
            AuthorizerApproval { authorizer, state, decided_at, shown: None }
        };
        let approvals: Vec<AuthorizerApproval> = match authorizers.len() {
            1 if alone => Vec::new(),
            _ => authorizers.into_iter().map(approval).collect(),
        };
        let given = Self { subject: Some(by.clone()), accounts, approvals, ..self.clone() };
        if alone {
            let authorised = given.moved(ConsentStatus::Authorized, &actor, "approved", now);
            return authorised.map_err(|_| FirstFault::DecidedBefore);
        }
        let reason = format!("approved, {}", given.tally());
        let entry = HistoryEntry::note(given.status, Changed::Decision, &actor, &reason, now);
        Ok((given, entry))
    }

    /// This consent after the decision of one of its authorisers, in whatever order they decide: the last approval brings
    /// it into force, the first rejection ends it.
    ///
    /// # Errors
    /// [`DecisionFault`]; nothing changes.
    pub fn decided(
        &self,
        authorizer: &str,
        decision: Decision,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(Self, HistoryEntry), DecisionFault> {
        let known = |entry: &&AuthorizerApproval| entry.authorizer.id == authorizer;
        let known = self.approvals.iter().find(known).ok_or(DecisionFault::Unknown)?;
        if self.status != ConsentStatus::AwaitingAuthorization {
            return Err(DecisionFault::Closed(self.status));
        }
        if known.state != ApprovalState::Pending {
            return Err(DecisionFault::DecidedBefore);
        }
        let state = match decision {
            Decision::Approved => ApprovalState::Approved,
            Decision::Rejected => ApprovalState::Rejected,
        };
        let mut after = self.clone();
        for entry in after.approvals.iter_mut().filter(|entry| entry.authorizer.id == authorizer) {
            (entry.state, entry.decided_at) = (state, Some(now));
        }
        let closed = |_| DecisionFault::Closed(self.status);
        match decision {
            Decision::Rejected => {
                let reason = format!("rejected by {authorizer}");
                after.moved(ConsentStatus::Rejected, actor, &reason, now).map_err(closed)
            }
            Decision::Approved => {
                let reason = format!("approved by {authorizer}, {}", after.tally());
                if after.is_approved_by_all() {
                    return after.moved(ConsentStatus::Authorized, actor, &reason, now).map_err(closed);
                }
                let entry = HistoryEntry::note(after.status, Changed::Decision, actor, &reason, now);
                Ok((after, entry))
            }
        }
    }

    /// The consent with what those authorisers read who have approved and whom `read` picks. The hash stands here, the text in
    /// the history, in the entry of the approval.
    pub(crate) fn having_shown(self, text: &ShownText, read: impl Fn(&Authorizer) -> bool) -> Self {
        let shown = |entry: AuthorizerApproval| match entry.state {
            ApprovalState::Approved if read(&entry.authorizer) => {
                AuthorizerApproval { shown: Some(Shown::of(text)), ..entry }
            }
            ApprovalState::Approved | ApprovalState::Pending | ApprovalState::Rejected => entry,
        };
        Self { approvals: self.approvals.into_iter().map(shown).collect(), ..self }
    }

    /// Whether nobody's approval is missing. True as well where one approval is enough.
    #[must_use]
    pub fn is_approved_by_all(&self) -> bool {
        self.approvals.iter().all(|entry| entry.state == ApprovalState::Approved)
    }

    /// Whose approval the consent waits for, among those who sign in here.
    pub fn waits_for(&self) -> impl Iterator<Item = &Subject> {
        let waits = self.status == ConsentStatus::AwaitingAuthorization;
        let pending =
            self.approvals.iter().filter(move |entry| waits && entry.state == ApprovalState::Pending);
        pending.filter_map(|entry| entry.authorizer.subject.as_ref())
    }

    /// Only an account that one person may debit will do: `UAEOF.Single`, and wherever the interface knows no second
    /// approval but lets money be moved.
    #[must_use]
    pub fn is_for_one(&self) -> bool {
        match &self.terms {
            Terms::UaePayment(payment) => matches!(payment.authorization, Some(UaeAuthorization::Single)),
            Terms::Ofxpera(_) | Terms::Payment(_) | Terms::Accounts(_) => self.terms.moves_money(),
        }
    }

    fn tally(&self) -> String {
        let approved = self.approvals.iter().filter(|entry| entry.state == ApprovalState::Approved).count();
        format!("{approved} of {}", self.approvals.len())
    }
}
