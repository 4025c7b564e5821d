//! `authorization_details` (RFC 9396 section 2): a bounded array of JSON objects, otherwise opaque here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json;
use crate::limits;
use crate::refusal::reason::{DetailsFault, DetailsReason};
use crate::vocabulary::id::{ConsentId, DetailType};
use crate::vocabulary::scope::Scope;
use crate::vocabulary::time::Timestamp;

/// `authorization_details` as asked: each element an object without repeated members, within the bounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthorizationDetails(Vec<Value>);

impl AuthorizationDetails {
    /// Reads the parameter (RFC 9396 section 2): strict JSON, an array, at least one object.
    ///
    /// # Errors
    /// When it is larger, longer or deeper than [`limits`] allow, or not an array of objects.
    pub fn read(text: &str) -> Result<Self, DetailsReason> {
        let malformed = |path: String, hint| DetailsReason { fault: DetailsFault::Malformed, path, hint };
        let top = || "authorization_details".to_owned();
        if text.len() > limits::AUTHORIZATION_DETAILS_BYTES {
            return Err(malformed(top(), "larger than 32 KiB"));
        }
        let value = json::read_value(text.as_bytes())
            .map_err(|_| malformed(top(), "not strict JSON: no repeated members, no trailing data"))?;
        Self::from_value(value)
    }

    /// Takes an already parsed value, as found in a request object.
    ///
    /// # Errors
    /// When it is not an array of 1 to 16 objects.
    pub fn from_value(value: Value) -> Result<Self, DetailsReason> {
        let malformed =
            |path: String, hint| Err(DetailsReason { fault: DetailsFault::Malformed, path, hint });
        let Value::Array(elements) = value else {
            return malformed("authorization_details".to_owned(), "must be a JSON array");
        };
        if elements.is_empty() || elements.len() > limits::AUTHORIZATION_DETAILS_COUNT {
            return malformed("authorization_details".to_owned(), "must hold 1 to 16 objects");
        }
        match elements.iter().position(|element| !element.is_object()) {
            Some(index) => malformed(format!("authorization_details[{index}]"), "must be a JSON object"),
            None => Ok(Self(elements)),
        }
    }

    /// The elements, in the order sent.
    #[must_use]
    pub fn elements(&self) -> &[Value] {
        &self.0
    }

    /// Whether none were sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Details that the registry of types has vetted, and what follows from them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VettedDetails {
    /// Each element with its canonical type.
    pub elements: Vec<VettedDetail>,
    /// The scope that goes with them: what was asked, with parameterised values filled in.
    pub scope: Scope,
    /// The consent they belong to, when they belong to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentId>,
    /// When the consent ends: no token outlives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Once the customer has approved: the [hash](crate::ShownText::sha256) of the text the customer was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
}

/// One vetted element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VettedDetail {
    /// The canonical type.
    pub kind: DetailType,
    /// The element as it will be granted and echoed.
    pub value: Value,
    /// What the consent engine needs of the element and nobody is told; gone once the customer has decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidential: Option<Confidential>,
}

/// What a third party sent encrypted within a detail, opened. Never part of an [echo](VettedDetails::echo), a token or a log.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confidential(pub Value);

impl std::fmt::Debug for Confidential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Confidential(…)")
    }
}

impl VettedDetails {
    /// The elements as `authorization_details` of a token answer (RFC 9396 section 7).
    #[must_use]
    pub fn echo(&self) -> Vec<Value> {
        self.elements.iter().map(|element| element.value.clone()).collect()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The same for a grant: what the consent engine needed has been kept with the consent.
    #[must_use]
    pub(crate) fn for_grant(&self, shown: Option<String>) -> Self {
        let told = |detail: &VettedDetail| VettedDetail { confidential: None, ..detail.clone() };
        Self { elements: self.elements.iter().map(told).collect(), shown, ..self.clone() }
    }
}
