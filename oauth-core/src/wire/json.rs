//! JSON that arrives (RFC 8259, RFC 7493) and JSON that is hashed (RFC 8785).
//!
//! Parsers disagree about repeated names, byte order marks and what stands after the document, so two readers of
//! one message may see two different orders to pay. Here there is one reading, or a refusal. A document becomes a
//! checked tree first and a typed value second; a struct is read from an object only, never from an array.

use std::borrow::Borrow;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::limits;

mod canonical;
mod tree;

pub use canonical::canonical;

/// Why a JSON document was refused. Messages are fixed; what was sent appears only in [`JsonPath`], made harmless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonFault {
    /// Not UTF-8 (RFC 8259 section 8.1).
    #[error("not UTF-8")]
    NotUtf8,
    /// Begins with a byte order mark (RFC 8259 section 8.1).
    #[error("begins with a byte order mark")]
    ByteOrderMark,
    /// Not JSON.
    #[error("not JSON")]
    Malformed {
        /// Line of the first fault, counted from one.
        line: usize,
        /// Column of the first fault in bytes, counted from one.
        column: usize,
    },
    /// Something other than white space follows the document.
    #[error("something follows the document")]
    TrailingData,
    /// A number outside the range of an IEEE 754 double (RFC 7493 section 2.2).
    #[error("a number is out of range")]
    NotFinite,
    /// Nested deeper than [`limits::JSON_DEPTH`].
    #[error("nested too deeply")]
    TooDeep,
    /// One object holds the same name twice (RFC 7493 section 2.3), in whatever spelling.
    #[error("a member is repeated")]
    Repeated(JsonPath),
    /// A required member is absent.
    #[error("a required member is missing")]
    Missing(JsonPath),
    /// A member that may not stand here.
    #[error("a member is not allowed here")]
    Unknown(JsonPath),
    /// A value of another type, length or range than the one asked for.
    #[error("a value has the wrong type or range")]
    Shape {
        /// Where it stands.
        at: JsonPath,
        /// What should have stood there, in the reader's words.
        expected: String,
    },
    /// A value of the right type that its own rules refuse.
    #[error("a value is not well-formed")]
    Refused(JsonPath),
}

/// Where in a document a fault lies: names and indices, each after a slash, from the outermost inwards. Names are
/// cut short and reduced to printable ASCII, so that a path is fit for a log line and an error message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsonPath(String);

/// Reads a value of a known type.
///
/// # Errors
/// When the bytes are not one JSON document in UTF-8 without byte order mark, when a name is repeated in any object
/// at any depth, when it is nested deeper than [`limits::JSON_DEPTH`], when a number is out of range, or when it is
/// not a `T`.
pub fn read_strict<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonFault> {
    from_tree(read_value(bytes)?)
}

/// Reads a value from a tree that [`read_value`] returned, or from a part of it.
///
/// # Errors
/// When it is not a `T`.
pub fn from_tree<T: DeserializeOwned>(tree: impl Borrow<Value>) -> Result<T, JsonFault> {
    T::deserialize(tree::Strict(tree.borrow()))
}

/// Reads a document of unknown type.
///
/// # Errors
/// As [`read_strict`], without the last.
pub fn read_value(bytes: &[u8]) -> Result<Value, JsonFault> {
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        return Err(JsonFault::ByteOrderMark);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| JsonFault::NotUtf8)?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut found = None;
    let tree = Node { depth: 0, found: &mut found }
        .deserialize(&mut reader)
        .map_err(|error| found.unwrap_or_else(|| syntax(&error)))?;
    reader.end().map_err(|_| JsonFault::TrailingData)?;
    Ok(tree)
}

/// One value of the document on its way into the tree. Where a rule is broken it leaves the fault in `found`, since
/// the parser's own error can only carry text.
struct Node<'a> {
    depth: usize,
    found: &'a mut Option<JsonFault>,
}

impl Node<'_> {
    fn refuse<E: de::Error>(&mut self, fault: JsonFault) -> E {
        *self.found = Some(fault);
        E::custom("refused")
    }

    fn enter<E: de::Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        if self.depth > limits::JSON_DEPTH { Err(self.refuse(JsonFault::TooDeep)) } else { Ok(()) }
    }

    fn child(&mut self) -> Node<'_> {
        Node { depth: self.depth, found: self.found }
    }

    fn locate(&mut self, step: &str) {
        *self.found = self.found.take().map(|fault| fault.below(step));
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(mut self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| self.refuse(JsonFault::NotFinite))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut items = Vec::new();
        loop {
            match access.next_element_seed(self.child()) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => return Ok(Value::Array(items)),
                Err(error) => {
                    self.locate(&items.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let place = match members.entry(name) {
                Entry::Vacant(place) => place,
                Entry::Occupied(taken) => {
                    return Err(self.refuse(JsonFault::Repeated(JsonPath::to(taken.key()))));
                }
            };
            match access.next_value_seed(self.child()) {
                Ok(value) => _ = place.insert(value),
                Err(error) => {
                    self.locate(place.key());
                    return Err(error);
                }
            }
        }
        Ok(Value::Object(members))
    }
}

fn syntax(error: &serde_json::Error) -> JsonFault {
    if error.to_string().starts_with("number out of range") {
        return JsonFault::NotFinite;
    }
    JsonFault::Malformed { line: error.line(), column: error.column() }
}

impl JsonFault {
    /// Where the fault lies; empty for the whole document.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Repeated(at)
            | Self::Missing(at)
            | Self::Unknown(at)
            | Self::Refused(at)
            | Self::Shape { at, .. } => at.as_str(),
            Self::NotUtf8
            | Self::ByteOrderMark
            | Self::Malformed { .. }
            | Self::TrailingData
            | Self::NotFinite
            | Self::TooDeep => "",
        }
    }

    /// The same fault, seen from one level further out.
    fn below(self, step: &str) -> Self {
        match self {
            Self::Repeated(path) => Self::Repeated(path.below(step)),
            Self::Missing(path) => Self::Missing(path.below(step)),
            Self::Unknown(path) => Self::Unknown(path.below(step)),
            Self::Refused(path) => Self::Refused(path.below(step)),
            Self::Shape { at, expected } => Self::Shape { at: at.below(step), expected },
            Self::NotUtf8
            | Self::ByteOrderMark
            | Self::Malformed { .. }
            | Self::TrailingData
            | Self::NotFinite
            | Self::TooDeep => self,
        }
    }
}

/// Bytes of one name shown in a path, and of a whole path.
const NAME_SHOWN_BYTES: usize = 64;
const PATH_SHOWN_BYTES: usize = 256;

impl JsonPath {
    /// The path as text; empty for the whole document.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn to(name: &str) -> Self {
        Self::default().below(name)
    }

    fn below(self, step: &str) -> Self {
        if self.0.len() > PATH_SHOWN_BYTES {
            return self;
        }
        let mut path = String::with_capacity(1 + step.len().min(NAME_SHOWN_BYTES) + self.0.len());
        path.push('/');
        path.extend(
            step.bytes()
                .take(NAME_SHOWN_BYTES)
                .map(|byte| if byte.is_ascii_graphic() { char::from(byte) } else { '?' }),
        );
        path.push_str(&self.0);
        Self(path)
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
