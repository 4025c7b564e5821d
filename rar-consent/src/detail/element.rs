//! Reading one element: where something stands, and strict structs with faults that name it.

use std::borrow::Borrow;

use oauth_core::json::{self, JsonFault, JsonPath};
use oauth_core::{DetailsFault, DetailsReason, Refusal, RuleId};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::rules::rfc9396;

/// A place in the caller's own document, as in `authorization_details[0].Data.ExpirationDateTime`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// The element of this index.
    #[must_use]
    pub fn element(index: usize) -> Self {
        Self(format!("authorization_details[{index}]"))
    }

    /// A document of its own.
    pub(crate) fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// A member below; a dotted path stands for several steps.
    #[must_use]
    pub fn member(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The refusal that something here breaks a rule.
    #[must_use]
    pub fn refuse(&self, rule: RuleId, fault: DetailsFault, hint: &'static str) -> Refusal {
        Refusal { rule, reason: self.reason(fault, hint).into() }
    }

    /// What is wrong here.
    #[must_use]
    pub fn reason(&self, fault: DetailsFault, hint: &'static str) -> DetailsReason {
        DetailsReason { fault, path: self.0.clone(), hint }
    }

    fn below(&self, path: &JsonPath) -> Self {
        let steps = path.as_str().split('/').skip(1);
        Self(steps.fold(self.0.clone(), |text, step| {
            let index = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
            if index { format!("{text}[{step}]") } else { format!("{text}.{step}") }
        }))
    }
}

/// Reads a typed value from an element or a part of it.
pub(crate) fn typed<T: DeserializeOwned>(value: impl Borrow<Value>, place: &Place) -> Result<T, Refusal> {
    json::from_tree(value).map_err(|fault| {
        let (rule, fault, path, hint) = match fault {
            JsonFault::Missing(path) => {
                (rfc9396::MEMBERS_PRESENT, DetailsFault::MemberMissing, path, "this member is required")
            }
            JsonFault::Unknown(path) => {
                (rfc9396::MEMBERS_KNOWN, DetailsFault::MemberUnknown, path, "this type has no such member")
            }
            JsonFault::Repeated(path) => {
                (rfc9396::MEMBERS_ONCE, DetailsFault::Malformed, path, "this member stands here twice")
            }
            JsonFault::Shape { at, .. } | JsonFault::Refused(at) => {
                (rfc9396::VALUES_TYPED, DetailsFault::Value, at, "not a value this member can have")
            }
            JsonFault::NotUtf8
            | JsonFault::ByteOrderMark
            | JsonFault::Malformed { .. }
            | JsonFault::TrailingData
            | JsonFault::NotFinite
            | JsonFault::TooDeep
            | _ => (rfc9396::VALUES_TYPED, DetailsFault::Malformed, JsonPath::default(), "not strict JSON"),
        };
        place.below(&path).refuse(rule, fault, hint)
    })
}

/// Whether there is a null somewhere in it. No member of any type may be null: absent means absent.
pub(crate) fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(members) => members.values().any(holds_null),
    }
}

/// Where the first null stands.
pub(crate) fn first_null(value: &Value, place: &Place) -> Option<Place> {
    match value {
        Value::Null => Some(place.clone()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| first_null(item, &Place(format!("{}[{index}]", place.0)))),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let shown: String = name.chars().filter(char::is_ascii_graphic).take(64).collect();
            first_null(member, &place.member(&shown))
        }),
    }
}
