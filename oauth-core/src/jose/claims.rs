//! Claims whose JSON type varies (RFC 7519 section 4.1), read with the types it allows and no others.

use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::vocabulary::time::Timestamp;

/// `aud` (RFC 7519 section 4.1.3): one string, or an array of strings. Which of the two was sent matters, because
/// the FAPI 2.0 Security Profile section 5.3.2.1 takes only the string in client assertions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Audience {
    /// One string.
    One(String),
    /// An array, even of one.
    Many(Vec<String>),
}

impl Audience {
    /// Whether it is a single string, not an array, equal to this one byte by byte.
    #[must_use]
    pub fn is_exactly(&self, value: &str) -> bool {
        match self {
            Self::One(one) => one == value,
            Self::Many(_) => false,
        }
    }

    /// Whether it is this string or an array that holds it.
    #[must_use]
    pub fn contains(&self, value: &str) -> bool {
        self.iter().any(|one| one == value)
    }

    /// The values, however many there are.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let values = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many.as_slice(),
        };
        values.iter().map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrStrings;

        impl<'de> Visitor<'de> for StringOrStrings {
            type Value = Audience;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_str<E>(self, value: &str) -> Result<Audience, E> {
                Ok(Audience::One(value.to_owned()))
            }

            fn visit_string<E>(self, value: String) -> Result<Audience, E> {
                Ok(Audience::One(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Audience, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = access.next_element()? {
                    values.push(value);
                }
                Ok(Audience::Many(values))
            }
        }

        deserializer.deserialize_any(StringOrStrings)
    }
}

/// A `NumericDate` (RFC 7519 section 2): seconds since 1970-01-01T00:00:00Z. Fractions are read and rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct NumericDate(i64);

/// Seconds from 1970 to the end of the year 9999. Larger numbers are milliseconds sent by mistake, or mischief.
const LATEST: i64 = 253_402_300_799;

impl NumericDate {
    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// The instant.
    #[must_use]
    pub const fn timestamp(self) -> Timestamp {
        Timestamp::from_seconds(self.0)
    }

    fn within(seconds: i64) -> Option<Self> {
        (-LATEST..=LATEST).contains(&seconds).then_some(Self(seconds))
    }
}

impl From<Timestamp> for NumericDate {
    fn from(instant: Timestamp) -> Self {
        Self(instant.seconds())
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = NumericDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seconds before the year 10000")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<NumericDate, E> {
                NumericDate::within(value)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(value), &self))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<NumericDate, E> {
                let refused = || E::invalid_value(de::Unexpected::Unsigned(value), &self);
                i64::try_from(value).ok().and_then(NumericDate::within).ok_or_else(refused)
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<NumericDate, E> {
                let refused = || E::invalid_value(de::Unexpected::Float(value), &self);
                whole(value.floor()).and_then(NumericDate::within).ok_or_else(refused)
            }
        }

        deserializer.deserialize_any(Number)
    }
}

/// An integral double as an integer, where that loses nothing.
fn whole(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::as_conversions, reason = "integral and within 53 bits, so the conversion is exact")]
    (value.abs() <= EXACT).then_some(value as i64)
}

/// For `#[serde(default, deserialize_with = "present")]` on an `Option`: an absent member is `None`, any member that
/// is there must be a `T`. Plain `Option` reads JSON `null` as absent, which hides a member from the rules about it.
///
/// # Errors
/// When the member is not a `T`.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::read_strict;

    #[test]
    fn an_audience_is_a_string_or_an_array_of_strings_and_the_difference_is_kept() {
        let one: Audience = read_strict(br#""https://as.example""#).unwrap();
        let many: Audience = read_strict(br#"["https://as.example"]"#).unwrap();
        assert!(one.is_exactly("https://as.example") && one.contains("https://as.example"));
        assert!(!many.is_exactly("https://as.example") && many.contains("https://as.example"));
        assert!(!one.is_exactly("https://as.example/") && !many.contains("https://AS.example"));
        assert!(!read_strict::<Audience>(b"[]").unwrap().contains(""));
        for bad in ["null", "1", "true", "{}", r#"["a",1]"#, r#"["a",null]"#, r#"[["a"]]"#, r#"{"One":"a"}"#]
        {
            assert!(read_strict::<Audience>(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(serde_json::to_string(&one).unwrap(), r#""https://as.example""#);
        assert_eq!(serde_json::to_string(&many).unwrap(), r#"["https://as.example"]"#);
    }

    #[test]
    fn a_numeric_date_is_a_number_rounded_down_to_seconds() {
        for (text, seconds) in [
            ("0", 0),
            ("-0", 0),
            ("1790000000", 1_790_000_000),
            ("1790000000.9", 1_790_000_000),
            ("1.79e9", 1_790_000_000),
            ("-1.5", -2),
            ("253402300799", LATEST),
        ] {
            assert_eq!(read_strict::<NumericDate>(text.as_bytes()).unwrap().seconds(), seconds, "{text}");
        }
        for bad in [
            "null",
            "true",
            "\"1790000000\"",
            "[1]",
            "{}",
            "253402300800",
            "1e18",
            "18446744073709551615",
            "1e300",
        ] {
            assert!(read_strict::<NumericDate>(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[derive(Deserialize)]
    struct Claims {
        #[serde(default, deserialize_with = "present")]
        nbf: Option<NumericDate>,
    }

    #[test]
    fn a_null_member_is_not_an_absent_member() {
        assert_eq!(read_strict::<Claims>(b"{}").unwrap().nbf, None);
        assert_eq!(read_strict::<Claims>(br#"{"nbf":1}"#).unwrap().nbf, Some(NumericDate(1)));
        assert!(read_strict::<Claims>(br#"{"nbf":null}"#).is_err());
    }
}
