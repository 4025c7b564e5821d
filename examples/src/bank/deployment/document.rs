//! A TOML document read member by member: what is wrong is kept with its line, and reading goes on.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::Range;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One thing that is wrong with a deployment file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {field}: {message} ({rule})")]
pub struct Problem {
    /// Where, counted from 1.
    pub line: usize,
    /// The member, from the top of the document: `issuers[0].settings.code_lifetime`.
    pub field: String,
    /// What to change.
    pub message: String,
    /// The document and section that asks for it.
    pub rule: String,
}

/// Where the members of the file are described.
pub(super) const GUIDE: &str = "guides/deploying.md";

/// A document that is being read, with what was wrong so far.
pub(super) struct Document<'t> {
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
}

impl<'t> Document<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, problems: RefCell::new(Vec::new()) }
    }

    pub(super) fn blame(&self, at: &Range<usize>, field: &str, rule: &str, message: impl Display) {
        let before = self.text.as_bytes().iter().take(at.start);
        let line = before.filter(|byte| **byte == b'\n').count().saturating_add(1);
        let (field, rule, message) = (field.to_owned(), rule.to_owned(), message.to_string());
        self.problems.borrow_mut().push(Problem { line, field, message, rule });
    }

    /// What was wrong, from top to bottom.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        problems.dedup();
        problems
    }
}

/// A table of the document. Members that nobody asked for are wrong; see [`Table::done`].
pub(super) struct Table<'a> {
    document: &'a Document<'a>,
    members: &'a DeTable<'a>,
    path: String,
    at: Range<usize>,
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> Table<'a> {
    pub(super) fn top(document: &'a Document<'a>, members: &'a DeTable<'a>) -> Self {
        Self { document, members, path: String::new(), at: 0..0, asked: RefCell::default() }
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        match self.member(name)? {
            DeValue::String(text) => Some(text),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => self.mistyped(name, "a text"),
        }
    }

    /// A whole number.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        match self.member(name)? {
            DeValue::Integer(number) => {
                let read = i64::from_str_radix(number.as_str(), number.radix()).ok();
                read.or_else(|| self.mistyped(name, "a whole number of 64 bits"))
            }
            DeValue::String(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => self.mistyped(name, "a whole number"),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.member(name)? {
            DeValue::Boolean(flag) => Some(*flag),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => self.mistyped(name, "true or false"),
        }
    }

    /// A text that is read further.
    pub(super) fn parsed<T, E: Display>(
        &self,
        name: &str,
        rule: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match read(self.text(name)?) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.blame(name, rule, fault);
                None
            }
        }
    }

    /// A text from a short list.
    pub(super) fn one_of<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let found = choices.iter().find(|(known, _)| *known == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
            self.blame(name, GUIDE, format!("\"{text}\" is none of {}", known.join(", ")));
        }
        found
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<&'a str>> {
        let DeValue::Array(items) = self.member(name)? else { return self.mistyped(name, "a list of texts") };
        let text = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::String(text) => Some(text.as_ref()),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        let read: Option<Vec<&str>> = items.iter().map(text).collect();
        read.or_else(|| self.mistyped(name, "a list of texts"))
    }

    /// A table below this one.
    pub(super) fn table(&self, name: &str) -> Option<Self> {
        let (_, value) = self.find(name)?;
        let DeValue::Table(members) = value.get_ref() else { return self.mistyped(name, "a table") };
        Some(self.below(members, self.field(name), value.span()))
    }

    /// The tables of an array of tables; none when it is absent.
    pub(super) fn tables(&self, name: &str) -> Vec<Self> {
        let Some((_, value)) = self.find(name) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.mistyped::<()>(name, "a list of tables");
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let field = format!("{}[{index}]", self.field(name));
            match item.get_ref() {
                DeValue::Table(members) => tables.push(self.below(members, field, item.span())),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_) => self.document.blame(&item.span(), &field, GUIDE, "must be a table"),
            }
        }
        tables
    }

    /// Every member that was not asked for yet, as JSON.
    pub(super) fn rest(&self) -> Map<String, Value> {
        let mut rest = Map::new();
        for (key, value) in self.members {
            let name = key.get_ref().as_ref();
            if self.asked.borrow_mut().insert(name.to_owned()) {
                rest.insert(name.to_owned(), json(value.get_ref()));
            }
        }
        rest
    }

    /// A member as JSON, whatever its type.
    pub(super) fn json(&self, name: &str) -> Option<Value> {
        self.member(name).map(json)
    }

    /// Whether a member stands there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Something is wrong with a member, or with this table when the member is absent.
    pub(super) fn blame(&self, name: &str, rule: &str, message: impl Display) {
        let at = self.find(name).map_or_else(|| self.at.clone(), |(at, _)| at);
        self.document.blame(&at, &self.field(name), rule, message);
    }

    /// A member that has to be there.
    pub(super) fn need<T>(&self, name: &str, rule: &str, found: Option<T>) -> Option<T> {
        if found.is_none() && !self.has(name) {
            self.blame(name, rule, "is missing");
        }
        found
    }

    /// Blames every member that nobody asked for.
    pub(super) fn done(&self) {
        let asked = self.asked.borrow();
        for key in self.members.keys() {
            let name = key.get_ref().as_ref();
            if !asked.contains(name) {
                let known: Vec<&str> = asked.iter().map(String::as_str).collect();
                let message = format!("is unknown; known here: {}", known.join(", "));
                self.document.blame(&key.span(), &self.field(name), GUIDE, message);
            }
        }
    }

    fn below(&self, members: &'a DeTable<'a>, path: String, at: Range<usize>) -> Self {
        Self { document: self.document, members, path, at, asked: RefCell::default() }
    }

    fn member(&self, name: &str) -> Option<&'a DeValue<'a>> {
        self.find(name).map(|(_, value)| value.get_ref())
    }

    fn find(&self, name: &str) -> Option<(Range<usize>, &'a Spanned<DeValue<'a>>)> {
        self.asked.borrow_mut().insert(name.to_owned());
        let found = self.members.iter().find(|(key, _)| key.get_ref().as_ref() == name);
        found.map(|(key, value)| (key.span(), value))
    }

    fn mistyped<T>(&self, name: &str, expected: &str) -> Option<T> {
        self.blame(name, GUIDE, format!("must be {expected}"));
        None
    }

    fn field(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(at) => Value::String(at.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(members) => {
            let member = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
                (key.get_ref().clone().into_owned(), json(value.get_ref()))
            };
            Value::Object(members.iter().map(member).collect())
        }
    }
}
