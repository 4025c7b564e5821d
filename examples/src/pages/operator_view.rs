//! What the operators' pages say. In English only.

use serde::Serialize;

use super::my_view::{HistoryEntry, Moment, Standing};
use super::view::{Form, Row};

/// The list of consents, with what was looked for.
#[derive(Debug, Clone, Serialize)]
pub struct OperatorListView {
    /// Where the search is sent to.
    pub find_path: String,
    /// The beginning of the identifier.
    pub id: String,
    /// The third party.
    pub client: String,
    /// The customer.
    pub customer: String,
    /// The status.
    pub status: String,
    /// Every status.
    pub statuses: Vec<&'static str>,
    /// What was found, newest first.
    pub lines: Vec<OperatorLine>,
}

/// One consent of the list.
#[derive(Debug, Clone, Serialize)]
pub struct OperatorLine {
    /// Path of its page.
    pub href: String,
    /// Its identifier.
    pub id: String,
    /// The third party.
    pub client: String,
    /// The customer, once known.
    pub customer: Option<String>,
    /// Its status.
    pub status: Standing,
    /// When it was asked for.
    pub created_at: Moment,
}

/// One consent as the bank has it.
#[derive(Debug, Clone, Serialize)]
pub struct OperatorConsentView {
    /// Path of the list.
    pub back_href: String,
    /// Its identifier.
    pub heading: String,
    /// Its status.
    pub status: Standing,
    /// What is on record.
    pub rows: Vec<Row>,
    /// What happened, oldest first, with positions in the audit trail.
    pub history: Vec<HistoryEntry>,
    /// What was approved, by everybody who read it here, in the order of the approvals.
    pub shown: Vec<ShownView>,
    /// Where an action is posted.
    pub form: Form,
    /// What can be done now.
    pub verbs: Vec<Verb>,
    /// Why the last action was not taken.
    pub error: Option<String>,
}

/// The text that was approved.
#[derive(Debug, Clone, Serialize)]
pub struct ShownView {
    /// Who read and approved it.
    pub by: String,
    /// When.
    pub at: Moment,
    /// Its hash.
    pub hash: String,
    /// BCP 47.
    pub language: String,
    /// The text.
    pub text: String,
}

/// Something an operator can do.
#[derive(Debug, Clone, Serialize)]
pub struct Verb {
    /// As it is posted.
    pub name: &'static str,
    /// As it is shown.
    pub label: &'static str,
}
