//! Scopes (RFC 6749 section 3.3): a set of tokens whose order does not matter.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::vocabulary::id::IllFormed;

/// A set of scope tokens. The empty set is a scope too: nothing was asked or given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(BTreeSet<String>);

impl Scope {
    /// Reads the space-separated form.
    ///
    /// # Errors
    /// When a value is empty, there are too many, or a character is outside `NQCHAR` of RFC 6749 appendix A.4.
    pub fn new(text: &str) -> Result<Self, IllFormed> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let well_formed = text.len() <= limits::SCOPE_BYTES
            && text.split(' ').count() <= limits::SCOPE_VALUES
            && text.split(' ').all(|value| {
                !value.is_empty()
                    && value.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
            });
        if !well_formed {
            return Err(IllFormed("scope"));
        }
        Ok(Self(text.split(' ').map(str::to_owned).collect()))
    }

    /// Whether this value is in the set.
    #[must_use]
    pub fn contains(&self, value: &str) -> bool {
        self.0.contains(value)
    }

    /// Whether every value of this set is in the other.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// This set with one value replaced by another; unchanged when the first is absent.
    ///
    /// # Errors
    /// When the new value is not a scope token.
    pub fn replacing(&self, old: &str, new: &str) -> Result<Self, IllFormed> {
        let values: Vec<&str> = self.iter().map(|value| if value == old { new } else { value }).collect();
        Self::new(&values.join(" "))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(value)?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Scope {
    type Error = IllFormed;
    fn try_from(text: String) -> Result<Self, IllFormed> {
        Self::new(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_repetition_do_not_matter() {
        assert_eq!(Scope::new("openid payments").unwrap(), Scope::new("payments openid openid").unwrap());
    }

    #[test]
    fn a_double_space_a_quote_or_a_control_character_is_refused() {
        for bad in [" openid", "openid  payments", "open\"id", "open\\id", "open\nid", "op\u{e9}n"] {
            assert!(Scope::new(bad).is_err(), "{bad:?}");
        }
    }
}
