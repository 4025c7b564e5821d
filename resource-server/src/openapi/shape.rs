//! Shapes of JSON: what a description says, and what a test checks.

use serde_json::{Map, Value, json};

/// One character that is seen.
macro_rules! visible {
    () => {
        concat!(
            "[^\u{0}-\u{20}\u{7f}-\u{a0}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{1680}\u{17b4}\u{17b5}",
            "\u{180b}-\u{180f}\u{2000}-\u{200f}\u{2028}-\u{202f}\u{205f}-\u{206f}\u{2800}\u{3000}\u{3164}",
            "\u{fe00}-\u{fe0f}\u{feff}\u{ffa0}\u{fff0}-\u{ffff}\u{e000}-\u{f8ff}\u{1d173}-\u{1d17a}",
            "\u{e0000}-\u{10ffff}]"
        )
    };
}

/// The shape of a value.
#[derive(Debug)]
pub enum Shape {
    /// A text.
    Text(Form),
    /// A text of at least one and at most so many visible characters, with single spaces between them.
    Line(usize),
    /// A text of a form of its own: a regular expression of ECMA-262, the most characters, and what the two stand for.
    Like(&'static str, usize, fn(&str) -> bool),
    /// A whole number.
    Whole,
    /// A whole number from the first to the second.
    Between(u32, u32),
    /// True or false.
    Truth,
    /// True.
    Yes,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// These members and no others.
    Object(&'static [Member]),
    /// These members, and others that nobody looks at.
    Open(&'static [Member]),
    /// Any number of values of a shape.
    List(&'static Self),
    /// At most so many values of a shape.
    Few(usize, &'static Self),
    /// From the first to the second number of different values of a shape.
    Some(usize, usize, &'static Self),
    /// One of several objects: the named member says which, by the name of its shape.
    Choice(&'static str, &'static [&'static Named]),
    /// A shape with a name.
    Of(&'static Named),
    /// Anything: where another document says what it is.
    Anything,
}

/// A shape with a name.
#[derive(Debug)]
pub struct Named {
    /// The name.
    pub name: &'static str,
    /// The shape.
    pub shape: Shape,
}

/// A member of an object.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether it must be there.
    pub presence: Presence,
}

/// Whether something must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Always,
    /// It may be absent; it is never null.
    Sometimes,
}

/// A member that is always there.
#[must_use]
pub const fn always(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, presence: Presence::Always }
}

/// A member that may be absent.
#[must_use]
pub const fn sometimes(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, presence: Presence::Sometimes }
}

/// The form of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Any,
    /// A UUID.
    Uuid,
    /// An instant of RFC 3339.
    Instant,
    /// A day.
    Day,
    /// `1500.00`.
    Amount,
    /// `-1500.00`.
    SignedAmount,
    /// `1.25`.
    Figure,
    /// An absolute URI.
    Uri,
    /// A name in a path.
    Handle,
    /// A country of three letters.
    Country,
    /// An IPv4 or IPv6 address.
    Address,
    /// The date of HTTP, or an instant of RFC 3339.
    Date,
}

impl Form {
    /// A regular expression of ECMA-262, and a format of JSON Schema.
    const fn said(self) -> (Option<&'static str>, Option<&'static str>) {
        match self {
            Self::Any => (None, None),
            Self::Uuid => (None, Some("uuid")),
            Self::Instant => (None, Some("date-time")),
            Self::Day => (None, Some("date")),
            Self::Amount => (Some("^[0-9]{1,13}\\.[0-9]{2}$"), None),
            Self::SignedAmount => (Some("^-?[0-9]{1,13}\\.[0-9]{2}$"), None),
            Self::Figure => (Some("^-?[0-9]{1,13}(\\.[0-9]{1,6})?$"), None),
            Self::Uri => (None, Some("uri")),
            Self::Handle => (Some(r"^[A-Za-z0-9._~-]{1,64}$"), None),
            Self::Country => (Some("^[A-Z]{3}$"), None),
            Self::Address | Self::Date => (None, None),
        }
    }

    fn takes(self, text: &str) -> bool {
        use crate::domain::{
            Currency, Day, Figure, IdempotencyKey, IntegerDigits, SignedMoney, read_instant,
        };
        let money = |text| SignedMoney::parse(text, Currency::Php, IntegerDigits::THIRTEEN);
        match self {
            Self::Any => true,
            Self::Uuid => IdempotencyKey::uuid(text).is_ok(),
            Self::Instant => read_instant(text).is_ok(),
            Self::Day => Day::parse(text).is_ok(),
            Self::Amount => !text.starts_with('-') && money(text).is_ok(),
            Self::SignedAmount => money(text).is_ok(),
            Self::Figure => Figure::new(text).is_ok(),
            Self::Uri => text.contains("://"),
            Self::Handle => {
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
                (1..=64).contains(&text.len()) && text.bytes().all(allowed)
            }
            Self::Date => crate::guard::AuthDate::ImfOrRfc3339.takes(text),
            Self::Address => text.parse::<std::net::IpAddr>().is_ok(),
            Self::Country => text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()),
        }
    }
}

/// Whether a value has a shape.
///
/// # Errors
/// The first place where it has not.
pub fn fits(shape: &Shape, value: &Value) -> Result<(), String> {
    at(shape, value, "$")
}

fn at(shape: &Shape, value: &Value, path: &str) -> Result<(), String> {
    let other = |wanted: &str| Err(format!("{path} is not {wanted}: {value}"));
    match (shape, value) {
        (Shape::Anything, _) | (Shape::Truth, Value::Bool(_)) | (Shape::Yes, Value::Bool(true)) => Ok(()),
        (Shape::Of(named), _) => at(&named.shape, value, path),
        (Shape::Text(form), Value::String(text)) if form.takes(text) => Ok(()),
        (Shape::Line(most), Value::String(text)) if (1..=*most).contains(&text.chars().count()) => Ok(()),
        (Shape::Like(_, _, takes), Value::String(text)) if takes(text) => Ok(()),
        (Shape::Whole, Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(()),
        (Shape::Between(least, most), Value::Number(number))
            if number.as_u64().is_some_and(|n| (u64::from(*least)..=u64::from(*most)).contains(&n)) =>
        {
            Ok(())
        }
        (Shape::OneOf(values), Value::String(text)) if values.contains(&text.as_str()) => Ok(()),
        (Shape::List(each), Value::Array(items)) => every(each, items, path),
        (Shape::Few(most, each), Value::Array(items)) if items.len() <= *most => every(each, items, path),
        (Shape::Some(least, most, each), Value::Array(items)) if (*least..=*most).contains(&items.len()) => {
            every(each, items, path)
        }
        (Shape::Object(members), Value::Object(found)) => {
            known(members, found, path).and_then(|()| object(members, found, path))
        }
        (Shape::Open(members), Value::Object(found)) => object(members, found, path),
        (Shape::Choice(by, shapes), Value::Object(found)) => {
            let named = found.get(*by).and_then(Value::as_str);
            match shapes.iter().find(|shape| named == Some(shape.name)) {
                Some(shape) => at(&shape.shape, value, path),
                None => other(&format!("an object whose {by} is known")),
            }
        }
        (Shape::Text(form), _) => other(&format!("a text of form {form:?}")),
        (Shape::Line(most), _) => other(&format!("a text of up to {most} characters")),
        (Shape::Like(form, _, _), _) => other(&format!("a text like {form}")),
        (Shape::Whole, _) => other("a whole number"),
        (Shape::Between(least, most), _) => other(&format!("a whole number from {least} to {most}")),
        (Shape::Truth, _) => other("true or false"),
        (Shape::Yes, _) => other("true"),
        (Shape::OneOf(values), _) => other(&format!("one of {values:?}")),
        (Shape::List(_), _) => other("a list"),
        (Shape::Few(most, _), _) => other(&format!("a list of up to {most}")),
        (Shape::Some(least, most, _), _) => other(&format!("a list of {least} to {most}")),
        (Shape::Object(_) | Shape::Open(_) | Shape::Choice(..), _) => other("an object"),
    }
}

fn every(each: &Shape, items: &[Value], path: &str) -> Result<(), String> {
    items.iter().enumerate().try_for_each(|(index, item)| at(each, item, &format!("{path}[{index}]")))
}

fn known(members: &[Member], found: &Map<String, Value>, path: &str) -> Result<(), String> {
    match found.keys().find(|name| !members.iter().any(|member| member.name == **name)) {
        Some(name) => Err(format!("{path}.{name} is not described")),
        None => Ok(()),
    }
}

fn object(members: &[Member], found: &Map<String, Value>, path: &str) -> Result<(), String> {
    members.iter().try_for_each(|member| match (found.get(member.name), member.presence) {
        (Some(value), _) => at(&member.shape, value, &format!("{path}.{}", member.name)),
        (None, Presence::Sometimes) => Ok(()),
        (None, Presence::Always) => Err(format!("{path}.{} is missing", member.name)),
    })
}

/// RFC 9110 section 5.6.7, with `GMT` or `UTC`.
pub const HTTP_DATE: &str = concat!(
    "^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), (0[1-9]|[12][0-9]|3[01]) ",
    "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] (GMT|UTC)$"
);

/// What is seen, with single spaces in between: `domain::Line` as a regular expression. The characters stand for themselves.
const VISIBLE: &str = concat!("^", visible!(), "+( ", visible!(), "+)*$");

impl Shape {
    /// The shape as JSON Schema 2020-12; named shapes are referred to and collected.
    pub(super) fn schema(&self, named: &mut Map<String, Value>) -> Value {
        match self {
            Self::Text(Form::Address) => {
                json!({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]})
            }
            Self::Text(Form::Date) => {
                json!({"type": "string", "anyOf": [{"format": "date-time"}, {"pattern": HTTP_DATE}]})
            }
            Self::Text(form) => {
                let (pattern, format) = form.said();
                let set = [("type", Some("string")), ("pattern", pattern), ("format", format)];
                let set = set.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
                Value::Object(set.collect())
            }
            Self::Line(most) => {
                json!({"type": "string", "minLength": 1, "maxLength": most, "pattern": VISIBLE})
            }
            Self::Like(pattern, most, _) => {
                json!({"type": "string", "maxLength": most, "pattern": pattern})
            }
            Self::Whole => json!({"type": "integer"}),
            Self::Between(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
            Self::Truth => json!({"type": "boolean"}),
            Self::Yes => json!({"const": true}),
            Self::OneOf(values) => json!({"type": "string", "enum": values}),
            Self::List(each) => json!({"type": "array", "items": each.schema(named)}),
            Self::Few(most, each) => {
                json!({"type": "array", "items": each.schema(named), "maxItems": most})
            }
            Self::Some(least, most, each) => json!({
                "type": "array", "items": each.schema(named), "minItems": least, "maxItems": most,
                "uniqueItems": true,
            }),
            Self::Anything => json!({}),
            Self::Choice(by, shapes) => {
                let each: Vec<Value> = shapes.iter().map(|shape| Self::Of(shape).schema(named)).collect();
                json!({"oneOf": each, "discriminator": {"propertyName": by}})
            }
            Self::Of(known) => {
                if !named.contains_key(known.name) {
                    named.insert(known.name.to_owned(), Value::Null);
                    let schema = known.shape.schema(named);
                    named.insert(known.name.to_owned(), schema);
                }
                json!({"$ref": format!("#/components/schemas/{}", known.name)})
            }
            Self::Object(members) => {
                let mut said = of_members(members, named);
                said.insert("additionalProperties".to_owned(), Value::Bool(false));
                Value::Object(said)
            }
            Self::Open(members) => Value::Object(of_members(members, named)),
        }
    }
}

fn of_members(members: &[Member], named: &mut Map<String, Value>) -> Map<String, Value> {
    let always = members.iter().filter(|member| member.presence == Presence::Always);
    let required: Vec<&str> = always.map(|member| member.name).collect();
    let properties: Map<String, Value> =
        members.iter().map(|member| (member.name.to_owned(), member.shape.schema(named))).collect();
    let said = [("type", json!("object")), ("properties", json!(properties)), ("required", json!(required))];
    said.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
