//! The languages that consents are put into words in.

use crate::consent::Consent;
use crate::consent::terms::Dialect;

/// A language of the bank's pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Arabic: Modern Standard, with Latin digits, as banks of the Emirates write it.
    Arabic,
}

impl Language {
    /// Every language there is.
    pub const ALL: [Self; 2] = [Self::English, Self::Arabic];

    /// Its tag (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Arabic => "ar",
        }
    }

    /// The language in which a consent is described to somebody who wants this one: Arabic where its kind has Arabic words,
    /// otherwise English.
    #[must_use]
    pub const fn spoken(self, consent: &Consent) -> Self {
        match (self, consent.terms.dialect()) {
            (Self::Arabic, Dialect::Uae | Dialect::UaeV1_2) => Self::Arabic,
            (Self::English, Dialect::Uae | Dialect::UaeV1_2)
            | (Self::English | Self::Arabic, Dialect::Ofxpera | Dialect::Generic) => Self::English,
        }
    }

    /// The language of a tag, whatever its region: `ar-AE` is Arabic (RFC 4647 section 3.4).
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}
