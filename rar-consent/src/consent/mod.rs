//! The consent: what a customer allows a third party, from the first request to its end.

pub(crate) mod amend;
pub(crate) mod approval;
pub(crate) mod bank;
pub(crate) mod exercise;
mod former;
pub(crate) mod history;
pub(crate) mod outlook;
mod parties;
mod permission;
pub(crate) mod schedule;
pub(crate) mod status;
pub(crate) mod subscription;
pub(crate) mod terms;
pub(crate) mod usage;
pub(crate) mod vocabulary;

use oauth_core::{ClientId, ConsentId, Issuer, Seconds, ShownText, Subject, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use approval::AuthorizerApproval;
use history::{Actor, Changed, HistoryEntry};
use status::{ConsentStatus, Role};
use subscription::Subscription;
use terms::Terms;
use usage::Usage;

/// A consent. Plain data; its status changes through [`Consent::moved`] and [`Consent::at`] only.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Its identifier, in the spelling it was created with.
    pub id: ConsentId,
    /// The issuer it belongs to.
    pub issuer: Issuer,
    /// The third party it is for.
    pub client: ClientId,
    /// The customer, once known.
    pub subject: Option<Subject>,
    /// How far it has come.
    pub status: ConsentStatus,
    /// What it allows.
    pub terms: Terms,
    /// The element of `authorization_details` as received; null when the consent came another way.
    pub element: Value,
    /// The accounts the customer gave.
    pub accounts: Vec<String>,
    /// What has been used of it.
    pub usage: Usage,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its status, or what it allows, last changed.
    pub status_at: Timestamp,
    /// Until when the customer may decide.
    pub authorise_until: Timestamp,
    /// When it ends by itself: at this instant it is over.
    pub until: Option<Timestamp>,
    /// When the customer approved.
    pub authorised_at: Option<Timestamp>,
    /// How it was revoked.
    pub revocation: Option<Revocation>,
    /// What the first customer was shown and approved. What others read stands with their approvals.
    pub shown: Option<Shown>,
    /// When an authorization page first opened for it, for a consent that was there before its request: from then on its terms
    /// stand still until the customer has decided, so that what is approved is what was shown.
    pub asked_at: Option<Timestamp>,
    /// Who suspended it: only that side may lift the suspension.
    pub suspended_by: Option<Role>,
    /// Who has to approve, where the account asks for more than whoever was sent, and what they said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<AuthorizerApproval>,
    /// Where the third party wants its events; it may change this at any time, after the end as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Subscription>,
    /// Counts changes in the store. A change is accepted only by the revision it was read at.
    pub revision: i64,
}

// Whose money goes to whom is not for a log.
impl std::fmt::Debug for Consent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut told = f.debug_struct("Consent");
        told.field("id", &self.id).field("status", &self.status).field("revision", &self.revision);
        told.finish_non_exhaustive()
    }
}

/// How a consent was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// Why, in the words of whoever revoked it.
    pub reason: String,
}

/// What the customer was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The [hash](oauth_core::ShownText::sha256) of the text on the page. The text itself is in the history, in the entry of
    /// the approval.
    pub text_hash: String,
    /// The language of the page (BCP 47).
    #[serde(default)]
    pub language: String,
}

impl Shown {
    /// The record of a text.
    #[must_use]
    pub fn of(text: &ShownText) -> Self {
        Self { text_hash: text.sha256(), language: text.language.clone() }
    }
}

/// Who lodges a consent, and what was received.
#[derive(Debug, Clone, PartialEq)]
pub struct Lodged {
    /// Its identifier.
    pub id: ConsentId,
    /// The issuer it belongs to.
    pub issuer: Issuer,
    /// The third party it is for.
    pub client: ClientId,
    /// The element as received; null when the consent came another way.
    pub element: Value,
}

/// How long a customer may think when neither the request nor its ecosystem says otherwise.
const AUTHORISE_WITHIN: Seconds = Seconds::minutes(60);

impl Consent {
    /// A consent that waits for its customer, with the first entry of its history.
    #[must_use]
    pub fn awaiting(lodged: Lodged, terms: Terms, now: Timestamp) -> (Self, HistoryEntry) {
        let window = now.plus(terms.authorise_within().unwrap_or(AUTHORISE_WITHIN));
        let window = terms.authorise_by().unwrap_or(window);
        let until = terms.until();
        let (tpp, asked) = (Actor::Tpp(lodged.client.clone()), ConsentStatus::AwaitingAuthorization);
        let entry =
            HistoryEntry { from: None, ..HistoryEntry::note(asked, Changed::Status, &tpp, "asked", now) };
        let consent = Self {
            id: lodged.id,
            issuer: lodged.issuer,
            client: lodged.client,
            subject: None,
            status: ConsentStatus::AwaitingAuthorization,
            terms,
            element: lodged.element,
            accounts: Vec::new(),
            usage: Usage::default(),
            created_at: now,
            status_at: now,
            authorise_until: until.map_or(window, |until| until.min(window)),
            until,
            authorised_at: None,
            revocation: None,
            shown: None,
            asked_at: None,
            suspended_by: None,
            approvals: Vec::new(),
            subscription: None,
            revision: 1,
        };
        (consent, entry)
    }

    /// A consent as a store kept it, in the form of this version or of an earlier one.
    ///
    /// # Errors
    /// When it has neither form.
    pub fn from_kept(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).or_else(|fault| former::read(text).ok_or(fault))
    }

    /// The key that is unique over all clients, kinds and times: an identifier that holds a UUID is known by that UUID
    /// in lower case, so that prefix and case make no second consent.
    #[must_use]
    pub fn unique_key(&self) -> String {
        crate::value::uuid::key(self.id.as_str())
    }

    /// This consent with its events sent elsewhere, or no longer, with the entry for its history. Its status and the time
    /// of that stay, and the end of the consent is no hindrance (UAE bank service initiation section 11.1).
    #[must_use]
    pub fn subscribed(&self, to: Subscription, actor: &Actor, now: Timestamp) -> (Self, HistoryEntry) {
        let reason = if to.active { "events wanted" } else { "events not wanted" };
        let entry = HistoryEntry::note(self.status, Changed::Subscription, actor, reason, now);
        (Self { subscription: Some(to), ..self.clone() }, entry)
    }

    /// Whether this consent is one this actor may act on: a third party's own, a customer's own; the bank's are all.
    pub(crate) fn is_of(&self, actor: &Actor) -> bool {
        match actor {
            Actor::Tpp(client) => self.client == *client,
            Actor::Customer(subject) => self.subject.as_ref() == Some(subject),
            Actor::Operator(_) | Actor::Clock | Actor::Engine => true,
        }
    }

    /// Whether it has ended and nobody had ever approved it.
    #[cfg(feature = "memory")]
    pub(crate) const fn is_over_unapproved(&self) -> bool {
        self.status.is_terminal() && self.authorised_at.is_none()
    }

    /// When its status changes by itself.
    #[must_use]
    pub const fn due_at(&self) -> Option<Timestamp> {
        match self.status {
            ConsentStatus::AwaitingAuthorization => Some(self.authorise_until),
            ConsentStatus::Authorized | ConsentStatus::Suspended => self.until,
            ConsentStatus::Rejected
            | ConsentStatus::Revoked
            | ConsentStatus::Expired
            | ConsentStatus::Finished => None,
        }
    }
}
