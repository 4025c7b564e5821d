//! Words for a consent screen: every field of what is stored, and what approval brings.

mod generic;
pub(crate) mod language;
mod ofxpera;
#[cfg(test)]
mod tests;
mod uae;

use oauth_core::{ConsentFacts, Timestamp, VettedDetails};

pub use language::Language;

use crate::consent::Consent;
use crate::consent::subscription::Subscription;
use crate::consent::terms::{AccountGroup, Permission, Terms, UaeAccount};
use crate::detail::registry::DetailRegistry;

/// What the customer is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The question in one line.
    pub headline: String,
    /// The payment, shown first and largest; none when no money moves.
    pub payment: Option<PaymentWords>,
    /// Every field of the stored terms.
    pub sections: Vec<Section>,
    /// What happens on approval.
    pub next: String,
    /// Which accounts the customer gives.
    pub choice: AccountChoice,
}

/// A payment in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentWords {
    /// What the amount is: `You pay`.
    pub lead: String,
    /// `AED 149.90`.
    pub amount: String,
    /// Who is paid.
    pub payee: String,
    /// One line more.
    pub note: Option<String>,
}

/// Rows under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// Its rows, in order.
    pub rows: Vec<Row>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name in the customer's words.
    pub term: String,
    /// Its value.
    pub value: String,
    /// How much it stands out.
    pub strong: Weight,
}

/// How much a value stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// As the text around it.
    Plain,
    /// It binds: amounts, payees, dates.
    Strong,
}

/// Which accounts the customer gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChoice {
    /// Exactly one.
    OneOf,
    /// One or more.
    AnyOf,
    /// As many as the customer likes, and none as well: one will come that is opened under the consent.
    AnyOrNone,
    /// The request names it: this IBAN and no other.
    Fixed(String),
    /// None.
    None,
}

impl AccountChoice {
    /// Whether these accounts, by the bank's own identifiers, are such a choice.
    pub(crate) fn takes(&self, accounts: &[String]) -> bool {
        match self {
            Self::OneOf | Self::Fixed(_) => accounts.len() == 1,
            Self::AnyOf => !accounts.is_empty(),
            Self::AnyOrNone => true,
            Self::None => accounts.is_empty(),
        }
    }
}

/// A stored consent in English.
#[must_use]
pub fn describe(consent: &Consent) -> Description {
    words(&consent.terms, consent.subscription.as_ref())
}

/// A stored consent in the language wanted, if there are words for its kind in it ([`Language::spoken`]); otherwise in
/// English.
#[must_use]
pub fn describe_in(consent: &Consent, wanted: Language) -> Description {
    words_in(&consent.terms, consent.subscription.as_ref(), wanted.spoken(consent))
}

/// Who holds the data that terms name by the holder's identifier.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// Its identifier, as terms name it.
    pub id: &'a str,
    /// What people call it.
    pub name: &'a str,
}

/// As [`describe_in`], at the organisation that holds the data: where the terms name it, its name is told, too.
#[must_use]
pub fn describe_at(consent: &Consent, wanted: Language, holder: Holder<'_>) -> Description {
    composed((&consent.terms, consent.subscription.as_ref()), wanted.spoken(consent), Some(holder))
}

/// Vetted details in words, for a request whose consent is not at hand; `None` when they ask for nothing.
#[must_use]
pub fn describe_details(
    details: &VettedDetails,
    facts: &ConsentFacts,
    registry: &DetailRegistry,
    asked_at: Timestamp,
) -> Option<Description> {
    let own = registry.terms(details, asked_at);
    let stored = || {
        let consents = facts.0.iter().filter_map(|fact| serde_json::from_value::<Consent>(fact.clone()).ok());
        let mut named = consents.filter(|consent| Some(&consent.id) == details.consent.as_ref());
        named.next().map(|consent| (consent.terms, consent.subscription))
    };
    own.or_else(stored).map(|(terms, subscription)| words(&terms, subscription.as_ref()))
}

/// Which accounts the customer gives under these terms.
pub(crate) fn choice(terms: &Terms) -> AccountChoice {
    match terms {
        Terms::UaePayment(payment) => choice_of_debtor(payment.debtor.as_ref()),
        Terms::Payment(_) => AccountChoice::OneOf,
        Terms::Ofxpera(consent) => choice_of_permissions(&consent.permissions),
        Terms::Accounts(_) => AccountChoice::AnyOf,
    }
}

/// The named account, or one of the customer's choice.
fn choice_of_debtor(debtor: Option<&UaeAccount>) -> AccountChoice {
    debtor.map_or(AccountChoice::OneOf, |debtor| AccountChoice::Fixed(debtor.iban.clone()))
}

/// Some permissions concern accounts; others concern the person, who may not have one yet. Who has a retirement account
/// opened need not have one before.
fn choice_of_permissions(permissions: &[Permission]) -> AccountChoice {
    let about = |group| permissions.iter().any(|permission| permission.accounts() == Some(group));
    match (about(AccountGroup::Retirement), about(AccountGroup::Source)) {
        (true, false) if permissions.contains(&Permission::AccountOpen) => AccountChoice::AnyOrNone,
        (true, _) | (_, true) => AccountChoice::AnyOf,
        (false, false) => AccountChoice::None,
    }
}

fn words(terms: &Terms, subscription: Option<&Subscription>) -> Description {
    words_in(terms, subscription, Language::English)
}

/// Words in a language that the kind of the terms has.
fn words_in(terms: &Terms, subscription: Option<&Subscription>, language: Language) -> Description {
    composed((terms, subscription), language, None)
}

fn composed(
    (terms, subscription): (&Terms, Option<&Subscription>),
    language: Language,
    holder: Option<Holder<'_>>,
) -> Description {
    let mut words = match terms {
        Terms::UaePayment(payment) => uae::words(payment, language),
        Terms::Ofxpera(consent) => ofxpera::words(consent, holder),
        Terms::Payment(payment) => generic::payment(payment),
        Terms::Accounts(access) => generic::accounts(access),
    };
    words.sections.extend(subscription.and_then(|subscription| uae::events(subscription, language)));
    words
}

/// A value within a sentence of the other direction: between the marks that isolate it (Unicode UAX 9 section 2.4). Pages
/// turn them into elements.
fn isolated(value: impl std::fmt::Display) -> String {
    format!("\u{2068}{value}\u{2069}")
}

fn section(heading: &str, rows: Vec<Row>) -> Option<Section> {
    (!rows.is_empty()).then(|| Section { heading: heading.to_owned(), rows })
}

fn plain(term: &str, value: impl Into<String>) -> Row {
    Row { term: term.to_owned(), value: value.into(), strong: Weight::Plain }
}

fn strong(term: &str, value: impl Into<String>) -> Row {
    Row { term: term.to_owned(), value: value.into(), strong: Weight::Strong }
}

fn yes_or_no(value: bool) -> &'static str {
    if value { "Yes" } else { "No" }
}
