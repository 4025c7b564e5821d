//! Typed `authorization_details`: one module for each kind of detail.

pub(crate) mod account_information;
pub(crate) mod element;
pub(crate) mod ofxpera;
pub(crate) mod payment_initiation;
pub(crate) mod registry;
pub(crate) mod uae;

use std::fmt;

use oauth_core::{
    Client, Confidential, ConsentFacts, ConsentId, Refusal, Scope, Standing, Timestamp, VettedDetail,
};
use serde_json::{Map, Value};

use crate::consent::subscription::Subscription;
use crate::consent::terms::Terms;
pub use element::Place;

/// One kind of detail: its types, how it is read, which scope goes with it, what it allows, what is within what.
///
/// To add a kind:
///
/// 1. give its terms a variant of [`Terms`]; the compiler then asks for its dialect, its end, its use
///    (`consent/exercise.rs`) and its words (`describe.rs`);
/// 2. implement this trait in a file of its own, with a struct for the wire that refuses unknown members;
/// 3. put what its document demands into a file of `rules/`, one row for each demand;
/// 4. list it in [`DetailRegistry::standard`](crate::DetailRegistry::standard).
pub trait DetailKind: Send + Sync + fmt::Debug {
    /// Its `type` values; the first is the canonical one, which clients register and tokens carry.
    fn types(&self) -> &'static [&'static str];

    /// Whether an element is of this kind, well-formed or not.
    fn recognises(&self, element: &Map<String, Value>) -> Recognised {
        let named = element.get("type").and_then(Value::as_str);
        if named.is_some_and(|name| self.types().contains(&name)) {
            Recognised::Mine
        } else {
            Recognised::NotMine
        }
    }

    /// Reads and judges an element.
    ///
    /// # Errors
    /// The first rule that does not hold.
    fn read(&self, asked: &Asked<'_>) -> Result<Reading, Refusal>;

    /// The scope that goes with it: what was asked, with parameters filled in.
    ///
    /// # Errors
    /// When the scope and the element do not belong together.
    fn scope(&self, reading: &Reading, asked: &Scope) -> Result<Scope, Refusal>;

    /// Whether this scope value, which needs a consent, is supported by this element.
    fn supports(&self, reading: &Reading, value: &str) -> Supported;

    /// What is kept for a vetted element.
    ///
    /// # Errors
    /// When the element is not one that [`Self::read`] returned.
    fn lodging(&self, detail: &VettedDetail, asked_at: Timestamp) -> Result<Lodging, Refusal>;

    /// What of a granted element a token request narrows to (RFC 9396 section 6).
    ///
    /// # Errors
    /// When it asks for anything beyond.
    fn narrow(&self, granted: &Value, asked: &Value, place: &Place) -> Result<Value, Refusal>;

    /// A granted element as it is told while its consent stands so.
    fn told(&self, granted: &Value, _standing: Standing) -> Value {
        granted.clone()
    }
}

/// Whether an element is of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    /// It is.
    Mine,
    /// It is not.
    NotMine,
}

/// Whether an element supports a scope value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supported {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// An element to be read, and what is known around it.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The element: an object without nulls.
    pub element: &'a Map<String, Value>,
    /// Where it stands.
    pub place: Place,
    /// Who asks.
    pub client: &'a Client,
    /// The stored consents it may refer to.
    pub facts: &'a ConsentFacts,
    /// When.
    pub now: Timestamp,
    /// An identifier for the consent, should it need one.
    pub fresh: ConsentId,
}

/// An element that was read and judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The consent it belongs to.
    pub consent: ConsentId,
    /// What it allows.
    pub terms: Terms,
    /// The element as it will be granted and echoed.
    pub granted: Value,
    /// What it held encrypted, opened: kept with the request until the customer has decided, and never echoed.
    pub confidential: Option<Confidential>,
}

/// What is kept for a vetted element.
#[derive(Debug, Clone, PartialEq)]
pub enum Lodging {
    /// A new consent.
    Fresh {
        /// What it allows.
        terms: Box<Terms>,
        /// The element as received.
        element: Value,
        /// Where the third party wants its events, when it says so.
        subscription: Option<Subscription>,
    },
    /// Nothing: it refers to a consent that is kept already.
    Stored,
}
