//! The spellings of an element: which member names its type, which holds the consent. Section 3 of the contract.

use oauth_core::{DetailsFault, Refusal};
use serde_json::{Map, Value};

use super::v1_2::personal;
use crate::consent::status::ConsentStatus;
use crate::consent::vocabulary::UaeVocabulary;
use crate::detail::Place;
use crate::rules::{rfc9396, uae_consent};

/// The one name of this type for registration, storage and tokens.
pub(crate) const CANONICAL: &str = "urn:openfinanceuae:service-initiation-consent";

/// Values of `Type` (dialect A).
const CAPITAL: &[&str] = &["PaymentConsent", "https://www.openfinance.ae/service-initiation-consent"];
/// Values of `type` (dialect B).
const SMALL: &[&str] = &[
    CANONICAL,
    "urn:openfinanceuae:service-initiation-consent:v1.0-draft1",
    "urn:openfinanceuae:service-initiation-consent:v1.0-draft2",
    "PaymentConsent",
];
/// Version 1.2 (dialect C).
const V1_2: &str = "urn:openfinanceuae:service-initiation-consent:v1.2";

/// An element taken apart: what is left is the consent and the subscription.
#[derive(Debug, Clone)]
pub(crate) struct Spelling {
    /// In whose words the consent is written.
    pub(crate) vocabulary: UaeVocabulary,
    /// `Data` or `consent`.
    pub(crate) container: &'static str,
    /// What it holds.
    pub(crate) content: Value,
    /// The subscription under its name, when there is one.
    pub(crate) subscription: Option<(&'static str, Value)>,
}

impl Spelling {
    /// Takes an element apart.
    pub(crate) fn read(element: &Map<String, Value>, place: &Place) -> Result<Self, Refusal> {
        let vocabulary = vocabulary(element, place)?;
        let (container, content) = one_of(element, ["Data", "consent"]).map_err(|several| match several {
            Several::None => {
                let hint = "the consent stands in Data or in consent";
                place.refuse(uae_consent::ONE_CONTAINER, DetailsFault::MemberMissing, hint)
            }
            Several::Both => {
                let hint = "only one of Data and consent";
                place.refuse(uae_consent::ONE_CONTAINER, DetailsFault::Malformed, hint)
            }
        })?;
        let subscription = match one_of(element, ["Subscription", "subscription"]) {
            Ok(found) => Some(found),
            Err(Several::None) => None,
            Err(Several::Both) => {
                let hint = "only one of Subscription and subscription";
                return Err(place.refuse(uae_consent::ONE_SUBSCRIPTION, DetailsFault::Malformed, hint));
            }
        };
        let known: &[&str] = match vocabulary {
            UaeVocabulary::Seed => &["type", "Type", "Data", "consent", "Subscription", "subscription"],
            UaeVocabulary::V1_2 => &["type", "consent", "subscription"],
        };
        if let Some(other) = element.keys().find(|name| !known.contains(&name.as_str())) {
            let shown: String = other.chars().filter(char::is_ascii_graphic).take(64).collect();
            let hint = "this type has no such member";
            return Err(place.member(&shown).refuse(
                rfc9396::MEMBERS_KNOWN,
                DetailsFault::MemberUnknown,
                hint,
            ));
        }
        Ok(Self { vocabulary, container, content, subscription })
    }

    /// The name its subscription has, or would have.
    pub(crate) fn subscription_name(&self) -> &'static str {
        let own = match self.vocabulary {
            UaeVocabulary::Seed => "Subscription",
            UaeVocabulary::V1_2 => "subscription",
        };
        self.subscription.as_ref().map_or(own, |(name, _)| name)
    }

    /// The element as tokens carry it: `type` is there in any case (RFC 9396 section 2), and the consent has a status, see
    /// [`with_status`].
    pub(crate) fn granted(&self, element: &Map<String, Value>) -> Value {
        let mut granted = element.clone();
        granted.entry("type").or_insert_with(|| CANONICAL.into());
        if let Some(content) = granted.get_mut(self.container).and_then(Value::as_object_mut) {
            content.insert("Status".to_owned(), ConsentStatus::Authorized.as_str().into());
        }
        Value::Object(granted)
    }
}

/// The element as granted, with the status that its consent has now.
pub(crate) fn with_status(granted: &Value, status: ConsentStatus) -> Value {
    let mut told = granted.clone();
    let of_v1_2 = told.get("type").and_then(Value::as_str) == Some(V1_2);
    let vocabulary = if of_v1_2 { UaeVocabulary::V1_2 } else { UaeVocabulary::Seed };
    for container in ["Data", "consent"] {
        if let Some(content) = told.get_mut(container).and_then(Value::as_object_mut) {
            content.insert("Status".to_owned(), vocabulary.status(status).into());
        }
    }
    told
}

/// The element as received, from the element as granted.
pub(crate) fn received(granted: &Value) -> Value {
    let mut received = granted.clone();
    if let Some(element) = received.as_object_mut() {
        if element.contains_key("Type") && element.get("type").and_then(Value::as_str) == Some(CANONICAL) {
            element.remove("type");
        }
        for container in ["Data", "consent"] {
            if let Some(content) = element.get_mut(container).and_then(Value::as_object_mut) {
                content.remove("Status");
            }
        }
    }
    received
}

/// What stands encrypted in an element of dialect C.
pub(crate) fn sealed_in(element: &Value) -> Option<&str> {
    let of_v1_2 = element.get("type").and_then(Value::as_str) == Some(V1_2);
    element.get("consent").filter(|_| of_v1_2)?.get(personal::MEMBER)?.as_str()
}

/// Whether an element means this type, in whatever spelling and version.
pub(crate) fn names_this_type(element: &Map<String, Value>) -> bool {
    let capital = named(element, "Type").is_some_and(|name| CAPITAL.contains(&name));
    capital || named(element, "type").is_some_and(|name| SMALL.contains(&name) || name == V1_2)
}

/// Section 3.1: version 1.2 has one spelling, and its type under one name.
fn vocabulary(element: &Map<String, Value>, place: &Place) -> Result<UaeVocabulary, Refusal> {
    if named(element, "type") == Some(V1_2) {
        if element.contains_key("Type") {
            let hint = "version 1.2 has type alone";
            return Err(place.member("Type").refuse(uae_consent::VOCABULARY, DetailsFault::Malformed, hint));
        }
        return Ok(UaeVocabulary::V1_2);
    }
    for (member, spellings) in [("type", SMALL), ("Type", CAPITAL)] {
        if element.contains_key(member)
            && !named(element, member).is_some_and(|name| spellings.contains(&name))
        {
            let hint = "not a spelling of this type";
            return Err(place.member(member).refuse(uae_consent::DIALECT, DetailsFault::TypeUnknown, hint));
        }
    }
    Ok(UaeVocabulary::Seed)
}

fn named<'a>(element: &'a Map<String, Value>, member: &str) -> Option<&'a str> {
    element.get(member).and_then(Value::as_str)
}

enum Several {
    None,
    Both,
}

fn one_of(element: &Map<String, Value>, names: [&'static str; 2]) -> Result<(&'static str, Value), Several> {
    let [first, second] = names;
    match (element.get(first), element.get(second)) {
        (Some(value), None) => Ok((first, value.clone())),
        (None, Some(value)) => Ok((second, value.clone())),
        (None, None) => Err(Several::None),
        (Some(_), Some(_)) => Err(Several::Both),
    }
}
