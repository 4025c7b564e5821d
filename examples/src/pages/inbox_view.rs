//! What the page says to somebody whose approval an account asks for beside that of the first customer.

use serde::Serialize;

use super::my_view::{Moment, Standing};
use super::view::{Form, PaymentSummary, Requester, Section, Session};

/// A request that waits for several approvals.
#[derive(Debug, Clone, Serialize)]
pub struct ApprovalView {
    /// Who is signed in.
    pub session: Session,
    /// Path of the list.
    pub back_href: String,
    /// The question, as the first customer was asked it.
    pub heading: String,
    /// Who asks.
    pub requester: Requester,
    /// How the request stands.
    pub status: Standing,
    /// Identifier of the consent, for questions to the bank.
    pub consent_id: String,
    /// Amounts and payees, as the first customer saw them.
    pub payments: Vec<PaymentSummary>,
    /// Every field of the stored details, as the first customer saw them.
    pub sections: Vec<Section>,
    /// The accounts the money would leave.
    pub accounts: Vec<String>,
    /// Everybody who has to approve.
    pub approvers: Vec<ApproverLine>,
    /// Until when.
    pub until: Moment,
    /// The form, buttons `approve` and `deny`; `None` when there is nothing to decide.
    pub form: Option<Form>,
    /// What happens on approval.
    pub next: String,
    /// The hash of the text that an approval is of.
    pub shown_hash: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// One who has to approve.
#[derive(Debug, Clone, Serialize)]
pub struct ApproverLine {
    /// Who.
    pub name: String,
    /// In which role.
    pub role: String,
    /// What was said, in words.
    pub said: String,
    /// When.
    pub at: Option<Moment>,
}
