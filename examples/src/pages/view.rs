//! What each page says, as plain strings prepared elsewhere.
//!
//! Text is shown as it stands: escaped, with invisible and direction-changing characters made visible. Money, dates
//! and account numbers arrive formatted and masked. Links and form targets arrive as addresses of this server
//! (`/my/consents`), except where a field says that it leads back to the third party.

use std::fmt;

use serde::Serialize;

/// A form value that must not be read by anyone but the browser it was made for: a CSRF token or a ticket.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// Wraps the value as it shall stand in the form.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

/// Where a form is posted and what it hides. What is asked for never travels through the browser; the form of a decision also
/// carries its language and the hash of its text.
#[derive(Debug, Clone, Serialize)]
pub struct Form {
    /// Path the form is posted to.
    pub action: String,
    /// CSRF token of this interaction, posted as `csrf`.
    pub csrf: Hidden,
    /// Opaque handle of the interaction, posted as `ticket`; absent outside an authorization request.
    pub ticket: Option<Hidden>,
}

/// The signed-in customer, shown at the top of the account pages.
#[derive(Debug, Clone, Serialize)]
pub struct Session {
    /// The customer's own name.
    pub name: String,
    /// The form that signs the customer out.
    pub sign_out: Form,
}

/// The third party as the registry knows it, never as it describes itself in a request.
#[derive(Debug, Clone, Serialize)]
pub struct Requester {
    /// Registered trading name.
    pub name: String,
    /// Identifier of the organisation in the register.
    pub organisation_id: String,
    /// Verified domain, in its ASCII (punycode) form so that look-alike letters show.
    pub domain: String,
    /// The register that vouches for these values.
    pub register: String,
}

/// One payment of a request: what is shown first and largest.
#[derive(Debug, Clone, Serialize)]
pub struct PaymentSummary {
    /// What the amount is, for example "You pay" or "Up to, each month".
    pub lead: String,
    /// Amount with its currency, for example "AED 149.90".
    pub amount: String,
    /// Name of the payee.
    pub payee: String,
    /// One line more, for example the date of a scheduled payment.
    pub note: Option<String>,
}

/// A group of rows under one heading.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    /// Heading of the group.
    pub heading: String,
    /// Its rows, in the order to be shown.
    pub rows: Vec<Row>,
}

/// One field of the stored details.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Name of the field in the customer's words.
    pub term: String,
    /// Its value.
    pub value: String,
    /// How much weight the value gets.
    pub emphasis: Emphasis,
}

/// Weight of a value in a list of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Emphasis {
    /// As the text around it.
    Plain,
    /// Stands out, for amounts, payees and dates that bind.
    Strong,
}

/// Which accounts the customer gives, and how they choose.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", content = "accounts", rename_all = "snake_case")]
pub enum AccountChoice {
    /// Exactly one of these, by radio buttons named `accounts`. For payments.
    OneOf(Vec<AccountOption>),
    /// One or more of these, by check boxes named `accounts`. For account access.
    AnyOf(Vec<AccountOption>),
    /// As many of these as the customer likes, by check boxes named `accounts`, and none as well.
    AnyOrNone(Vec<AccountOption>),
    /// The request already names the accounts; they are shown and cannot be changed.
    Fixed(Vec<AccountOption>),
    /// The request concerns no account.
    NotNeeded,
}

/// One of the customer's accounts.
#[derive(Debug, Clone, Serialize)]
pub struct AccountOption {
    /// Value posted as `accounts` when it is chosen.
    pub id: String,
    /// What the customer calls it, for example "Everyday account".
    pub name: String,
    /// Number with all but the last digits masked.
    pub masked_number: String,
    /// Available balance with its currency.
    pub balance: String,
    /// Whether it is chosen when the page opens.
    pub selection: Selection,
    /// Why it cannot be chosen; `None` when it can.
    pub unavailable: Option<String>,
}

/// Whether a choice is made when the page opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Chosen already.
    Selected,
    /// Left to the customer.
    Open,
}

/// What the login page asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginStep {
    /// User name and password.
    Password,
    /// User name, password and one-time code on one page.
    PasswordAndCode,
    /// The one-time code alone, after the password was right.
    Code,
}

/// The login page. Inputs `username`, `password`, `otp`; button `sign-in`.
#[derive(Debug, Clone, Serialize)]
pub struct LoginView {
    /// The login form.
    pub form: Form,
    /// The form that gives up and goes back to the third party; button `cancel`.
    pub cancel: Option<Form>,
    /// Registered name of the third party the customer comes from.
    pub requester_name: Option<String>,
    /// User name to begin with: what was typed before, or a login hint. Empty for none.
    pub username: String,
    /// Which inputs are shown.
    pub step: LoginStep,
    /// Why the last attempt failed, in words that do not tell which part was wrong.
    pub error: Option<String>,
}

/// The consent page. Buttons `approve` and `deny`, posted as `decision`; account inputs named `accounts`.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentView {
    /// The form that carries the decision. Its ticket is always present.
    pub form: Form,
    /// Main heading, for example "Approve this payment?".
    pub heading: String,
    /// The customer's own name.
    pub customer_name: String,
    /// Path that lets another person sign in.
    pub not_you_href: String,
    /// Who asks.
    pub requester: Requester,
    /// Amounts and payees, shown first; empty when no money moves.
    pub payments: Vec<PaymentSummary>,
    /// What the third party may do, one sentence each, in the customer's words.
    pub may: Vec<String>,
    /// What it may not do, one sentence each; empty for none.
    pub may_not: Vec<String>,
    /// Every field of the stored details.
    pub sections: Vec<Section>,
    /// The accounts to choose from.
    pub accounts: AccountChoice,
    /// How long the consent holds.
    pub validity: String,
    /// What the third party says it needs this for.
    pub purpose: Option<String>,
    /// What approving does and where the customer goes then.
    pub next: String,
    /// The hash of the page's text, posted as `shown`: a decision is for this text and no other.
    pub shown_hash: Option<String>,
    /// Why the last decision was not taken, for example that no account was chosen.
    pub error: Option<String>,
}

/// Why a request ended without approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The customer chose not to approve.
    Denied,
    /// The customer cancelled before being asked.
    Cancelled,
    /// The request was not decided in time.
    TimedOut,
}

/// The note after a request that was not approved.
#[derive(Debug, Clone, Serialize)]
pub struct RefusedView {
    /// Registered name of the third party.
    pub requester_name: String,
    /// Why it ended.
    pub ending: Ending,
    /// What did not happen, for example "No money was sent."
    pub consequence: String,
    /// Verified redirect URI, with its answer, back to the third party; `None` to stay here.
    pub return_href: Option<String>,
}

/// An error page. The sentence stands in the element `error`.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorView {
    /// Main heading, for example "This request cannot be opened".
    pub heading: String,
    /// One sentence that says what went wrong.
    pub what: String,
    /// One sentence that says what to do now.
    pub advice: String,
    /// Identifier under which the bank finds this request in its records.
    pub correlation_id: String,
}

/// The neutral page for a request that is no longer open, whatever became of it.
#[derive(Debug, Clone, Serialize)]
pub struct CompletedView {
    /// Path of the list of consents.
    pub my_consents_href: String,
}

/// The page that asks before signing out, for requests that come from elsewhere.
#[derive(Debug, Clone, Serialize)]
pub struct SignOutView {
    /// The form that signs out; button `sign-out`.
    pub form: Form,
    /// The customer's own name.
    pub customer_name: String,
    /// Path for those who stay.
    pub stay_href: String,
}

/// The page after signing out.
#[derive(Debug, Clone, Serialize)]
pub struct SignedOutView {
    /// Path to sign in again.
    pub sign_in_href: String,
    /// Registered post-logout address of the third party.
    pub return_href: Option<String>,
    /// Registered name that goes with `return_href`.
    pub requester_name: Option<String>,
}

/// The landing page of the server.
#[derive(Debug, Clone, Serialize)]
pub struct LandingView {
    /// Path of the list of consents.
    pub my_consents_href: String,
    /// The issuers of this server, as customers' applications know them.
    pub issuers: Vec<Issuer>,
}

/// One issuer of this server.
#[derive(Debug, Clone, Serialize)]
pub struct Issuer {
    /// Issuer identifier, a URL.
    pub identifier: String,
    /// Name of its policy.
    pub policy: String,
    /// Path or URL of its metadata document.
    pub metadata_href: String,
}
