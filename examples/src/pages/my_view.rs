//! What the pages of a signed-in customer say about their consents.

use serde::Serialize;

use super::view::{Form, PaymentSummary, Requester, Section, Session};

/// The list of the customer's consents.
#[derive(Debug, Clone, Serialize)]
pub struct MyConsentsView {
    /// Who is signed in.
    pub session: Session,
    /// Consents that can still be used or wait for a decision, newest first.
    pub open: Vec<ConsentLine>,
    /// Consents that ended, newest first.
    pub ended: Vec<ConsentLine>,
    /// What just happened, for example that a consent was ended.
    pub notice: Option<String>,
    /// Path of the next page of older consents.
    pub older_href: Option<String>,
}

/// One consent in the list.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentLine {
    /// Path of its details.
    pub href: String,
    /// Registered name of the third party.
    pub requester_name: String,
    /// What it allows, in a few words.
    pub summary: String,
    /// Its status.
    pub status: Standing,
    /// Since when, until when, or when it ended, in words.
    pub period: String,
    /// What was used so far, in words.
    pub used: Option<String>,
    /// When the next payment is due, in words.
    pub next_payment: Option<String>,
    /// The form that leads to ending it; `None` when it has ended.
    pub stop: Option<Form>,
}

/// The status of a consent, as word and as tone.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// The word, for example "Active".
    pub label: String,
    /// The colour that supports the word; it never replaces it.
    pub tone: Tone,
}

/// Colour of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// In force.
    Active,
    /// Waits for someone.
    Waiting,
    /// Over.
    Ended,
}

/// A date or time, for people and for programs.
#[derive(Debug, Clone, Serialize)]
pub struct Moment {
    /// As people read it, in the customer's time zone.
    pub shown: String,
    /// RFC 3339.
    pub rfc3339: String,
}

/// One counter of use.
#[derive(Debug, Clone, Serialize)]
pub struct Usage {
    /// What is counted, for example "This month".
    pub label: String,
    /// Used and allowed, for example "AED 149.90 of AED 500.00".
    pub text: String,
    /// Share that is used, 0 to 100; `None` where nothing limits it.
    pub percent: Option<u8>,
}

/// One line of a consent's history.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryEntry {
    /// When it happened.
    pub at: Moment,
    /// What happened.
    pub what: String,
    /// Who did it.
    pub by: String,
}

/// One consent with everything the bank knows about it.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentDetailsView {
    /// Who is signed in.
    pub session: Session,
    /// Path of the list.
    pub back_href: String,
    /// Main heading, for example "Account access for PERA Contribute".
    pub heading: String,
    /// Who may use it.
    pub requester: Requester,
    /// Its status.
    pub status: Standing,
    /// Identifier of the consent, for questions to the bank.
    pub consent_id: String,
    /// Amounts and payees; empty when no money moves.
    pub payments: Vec<PaymentSummary>,
    /// Every field of the stored details, accounts included.
    pub sections: Vec<Section>,
    /// Use so far.
    pub usage: Vec<Usage>,
    /// When the next payment is due, in words.
    pub next_payment: Option<String>,
    /// What happened to it, newest first.
    pub history: Vec<HistoryEntry>,
    /// The form that leads to ending it, button `revoke`; `None` when it has ended.
    pub revoke: Option<Form>,
    /// Why the last attempt to end it failed.
    pub error: Option<String>,
}

/// The question before a consent is ended.
#[derive(Debug, Clone, Serialize)]
pub struct RevokeView {
    /// Who is signed in.
    pub session: Session,
    /// The form that ends the consent; button `confirm-revoke`.
    pub form: Form,
    /// Path for those who keep it.
    pub keep_href: String,
    /// Registered name of the third party.
    pub requester_name: String,
    /// What the consent allows, in a few words.
    pub summary: String,
    /// What ending it does, for example to payments that are under way.
    pub consequence: String,
}

/// The page after a consent was ended.
#[derive(Debug, Clone, Serialize)]
pub struct RevokedView {
    /// Who is signed in.
    pub session: Session,
    /// Registered name of the third party.
    pub requester_name: String,
    /// When it ended.
    pub at: Moment,
    /// What this means now.
    pub consequence: String,
    /// Path of the list.
    pub my_consents_href: String,
}
