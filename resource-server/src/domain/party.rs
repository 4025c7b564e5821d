//! Names of people and firms, and other single lines of human text.
//!
//! A line holds only what is visible: two lines that a customer cannot tell apart by invisible characters, direction
//! overrides or padding cannot both exist. Letters that merely look alike across scripts are the page's concern.

use std::fmt;

use serde::{Deserialize, Serialize};

/// 1 to `MAX` characters (Unicode scalar values) of visible text on one line, kept exactly as given.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Line<const MAX: usize>(String);

impl<const MAX: usize> Line<MAX> {
    /// Reads a line; nothing is trimmed or folded.
    ///
    /// # Errors
    /// [`LineFault`] says which rule the text breaks.
    pub fn new(text: &str) -> Result<Self, LineFault> {
        if text.is_empty() {
            return Err(LineFault::Empty);
        }
        // The byte length bounds the work before characters are counted.
        if text.len() > MAX.saturating_mul(4) || text.chars().count() > MAX {
            return Err(LineFault::TooLong);
        }
        if text.chars().any(is_invisible) {
            return Err(LineFault::Invisible);
        }
        if text.starts_with(' ') || text.ends_with(' ') || text.contains("  ") {
            return Err(LineFault::Padded);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Line<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Debug for Line<MAX> {
    /// Names and references are personal: only their length is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({} characters)", self.0.chars().count())
    }
}

impl<const MAX: usize> TryFrom<String> for Line<MAX> {
    type Error = LineFault;
    fn try_from(text: String) -> Result<Self, LineFault> {
        Self::new(&text)
    }
}

impl<const MAX: usize> From<Line<MAX>> for String {
    fn from(line: Line<MAX>) -> Self {
        line.0
    }
}

/// Why a text is not a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// No characters.
    #[error("text is empty")]
    Empty,
    /// More characters than allowed.
    #[error("text is too long")]
    TooLong,
    /// Control, direction, zero-width, private or unassigned-by-design characters, or white space other than the space.
    #[error("text holds characters that cannot be seen")]
    Invisible,
    /// Spaces at an end, or two in a row.
    #[error("text is padded with spaces")]
    Padded,
}

/// A name in English, in Arabic, or both; 1 to 70 characters each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "StoredName", into = "StoredName")]
pub struct LocalizedName {
    en: Option<Line<70>>,
    ar: Option<Line<70>>,
}

impl LocalizedName {
    /// A name in at least one language.
    ///
    /// # Errors
    /// [`Nameless`] when both are absent.
    pub fn new(en: Option<Line<70>>, ar: Option<Line<70>>) -> Result<Self, Nameless> {
        if en.is_none() && ar.is_none() {
            return Err(Nameless);
        }
        Ok(Self { en, ar })
    }

    /// A name in English only.
    #[must_use]
    pub const fn english(en: Line<70>) -> Self {
        Self { en: Some(en), ar: None }
    }

    /// The English form.
    #[must_use]
    pub const fn en(&self) -> Option<&Line<70>> {
        self.en.as_ref()
    }

    /// The Arabic form.
    #[must_use]
    pub const fn ar(&self) -> Option<&Line<70>> {
        self.ar.as_ref()
    }

    /// The English form, or else the Arabic one.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.en.as_ref().or(self.ar.as_ref()).map_or("", Line::as_str)
    }
}

/// A name without a form in any language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name needs at least one language")]
pub struct Nameless;

#[derive(Serialize, Deserialize)]
struct StoredName {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    en: Option<Line<70>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ar: Option<Line<70>>,
}

impl TryFrom<StoredName> for LocalizedName {
    type Error = Nameless;
    fn try_from(stored: StoredName) -> Result<Self, Nameless> {
        Self::new(stored.en, stored.ar)
    }
}

impl From<LocalizedName> for StoredName {
    fn from(name: LocalizedName) -> Self {
        Self { en: name.en, ar: name.ar }
    }
}

/// Characters that change how others are shown, or that show nothing themselves.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{fff0}'..='\u{ffff}'
                | '\u{e000}'..='\u{f8ff}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{10ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_1_to_70_characters_of_any_script() {
        for name in
            ["A", "Mariam Al Suwaidi", "مكتبة النخيل", "Se\u{f1}or O'Neill & Sons", &"\u{645}".repeat(70)]
        {
            assert_eq!(Line::<70>::new(name).unwrap().as_str(), name);
        }
        assert_eq!(Line::<70>::new(""), Err(LineFault::Empty));
        assert_eq!(Line::<70>::new(&"x".repeat(71)), Err(LineFault::TooLong));
        assert_eq!(Line::<70>::new(&"\u{645}".repeat(71)), Err(LineFault::TooLong));
    }

    #[test]
    fn a_name_hides_nothing() {
        for hidden in [
            '\n',
            '\r',
            '\t',
            '\0',
            '\u{7f}',
            '\u{85}',
            '\u{a0}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{202a}',
            '\u{202e}',
            '\u{2028}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{fffd}',
            '\u{e000}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{10fffd}',
        ] {
            let name = format!("Palm{hidden}Books");
            assert_eq!(Line::<70>::new(&name), Err(LineFault::Invisible), "U+{:04X}", u32::from(hidden));
        }
        for padded in [" Palm", "Palm ", "Palm  Books", " "] {
            assert_eq!(Line::<70>::new(padded), Err(LineFault::Padded), "{padded:?}");
        }
    }

    #[test]
    fn a_name_needs_at_least_one_language() {
        assert_eq!(LocalizedName::new(None, None), Err(Nameless));
        assert!(serde_json::from_str::<LocalizedName>("{}").is_err());
        let name: LocalizedName = serde_json::from_str(r#"{"ar":"مكتبة"}"#).unwrap();
        assert_eq!((name.en(), name.shown()), (None, "مكتبة"));
        assert_eq!(serde_json::to_string(&name).unwrap(), r#"{"ar":"مكتبة"}"#);
    }

    #[test]
    fn a_name_does_not_appear_in_debug_output() {
        let name = LocalizedName::english(Line::new("Mariam").unwrap());
        assert!(!format!("{name:?}").contains("Mariam"));
    }
}
