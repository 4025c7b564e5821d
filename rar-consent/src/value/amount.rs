//! Amounts of money: whole minor units and a currency of ISO 4217.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Fils, cents, centavos: the smallest unit of the currency.
    pub minor: i64,
    /// Three capital letters of ISO 4217.
    pub currency: String,
}

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountFault {
    /// Another spelling than digits, a point and exactly the decimals of the currency, without leading zeros.
    #[error("not a canonical amount")]
    Spelling,
    /// More digits than are taken.
    #[error("too many digits")]
    TooLarge,
    /// Zero.
    #[error("not more than zero")]
    Zero,
    /// A currency that is not known here.
    #[error("unknown currency")]
    Currency,
}

/// Digits taken before the point.
const WHOLE_DIGITS: usize = 16;

/// Currencies of banks that use this, with their decimals (ISO 4217).
const CURRENCIES: &[(&str, usize)] = &[
    ("AED", 2),
    ("AUD", 2),
    ("BHD", 3),
    ("BRL", 2),
    ("CAD", 2),
    ("CHF", 2),
    ("CNY", 2),
    ("DKK", 2),
    ("EUR", 2),
    ("GBP", 2),
    ("HKD", 2),
    ("INR", 2),
    ("JOD", 3),
    ("JPY", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("NOK", 2),
    ("NZD", 2),
    ("OMR", 3),
    ("PHP", 2),
    ("QAR", 2),
    ("SAR", 2),
    ("SEK", 2),
    ("SGD", 2),
    ("TND", 3),
    ("USD", 2),
    ("VND", 0),
    ("ZAR", 2),
];

impl Amount {
    /// So many minor units.
    #[must_use]
    pub fn new(minor: i64, currency: &str) -> Self {
        Self { minor, currency: currency.to_owned() }
    }

    /// Reads the one text form: ASCII digits without leading zeros, then a point and exactly the decimals of the
    /// currency (no point when it has none), more than zero.
    ///
    /// # Errors
    /// Any other spelling, any unknown currency.
    pub fn read(text: &str, currency: &str) -> Result<Self, AmountFault> {
        let decimals = decimals(currency).ok_or(AmountFault::Currency)?;
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) if decimals > 0 => (whole, fraction),
            None if decimals == 0 => (text, ""),
            Some(_) | None => return Err(AmountFault::Spelling),
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = !whole.is_empty() && (whole == "0" || !whole.starts_with('0'));
        if !canonical || !digits(whole) || !digits(fraction) || fraction.len() != decimals {
            return Err(AmountFault::Spelling);
        }
        if whole.len() > WHOLE_DIGITS {
            return Err(AmountFault::TooLarge);
        }
        let minor = format!("{whole}{fraction}").parse::<i64>().map_err(|_| AmountFault::TooLarge)?;
        if minor == 0 { Err(AmountFault::Zero) } else { Ok(Self::new(minor, currency)) }
    }

    /// Reads the same form with zeros in front, which count among the digits before the point.
    ///
    /// # Errors
    /// As [`Amount::read`].
    pub fn padded(text: &str, currency: &str) -> Result<Self, AmountFault> {
        if text.find('.').unwrap_or(text.len()) > WHOLE_DIGITS {
            return Err(AmountFault::TooLarge);
        }
        let short = text.trim_start_matches('0');
        let headless = !short.starts_with(|first: char| first.is_ascii_digit());
        let kept = if headless { short.len().saturating_add(1) } else { short.len() };
        Self::read(text.get(text.len().saturating_sub(kept)..).unwrap_or(text), currency)
    }

    /// The text form, without the currency: `149.90`.
    #[must_use]
    pub fn decimal(&self) -> String {
        let decimals = decimals(&self.currency).unwrap_or(2);
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let sign = if self.minor < 0 { "-" } else { "" };
        if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

/// As the customer reads it: `AED 149.90`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.decimal())
    }
}

fn decimals(currency: &str) -> Option<usize> {
    CURRENCIES.iter().find(|(known, _)| *known == currency).map(|(_, decimals)| *decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_of_an_amount_is_read() {
        for (text, minor) in
            [("149.90", 14990), ("0.01", 1), ("1234567890123456.99", 123_456_789_012_345_699)]
        {
            assert_eq!(Amount::read(text, "AED"), Ok(Amount::new(minor, "AED")), "{text}");
            assert_eq!(Amount::new(minor, "AED").decimal(), text);
        }
        for bad in [
            "1e2",
            "1E2",
            "NaN",
            "Infinity",
            "-1.00",
            "+1.00",
            "-0.00",
            "0.00",
            "1.005",
            "1,00",
            "1_000.00",
            "0x10",
            " 1.00",
            "1.00\n",
            "\u{ff11}.\u{ff10}\u{ff10}",
            "\u{661}\u{66b}\u{660}\u{661}",
            "1.0",
            ".50",
            "01.00",
            "1.",
            "",
            ".",
            "9223372036854775808",
            "92233720368547758.08.00",
            "12345678901234567.00",
            "1000000000000000000000000000000.00",
            "00.10",
            "1..00",
            "1.0.0",
        ] {
            assert!(Amount::read(bad, "AED").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn zeros_in_front_change_no_amount_where_they_may_stand() {
        for (text, minor) in [
            ("010.00", 1000),
            ("0000000000000010.00", 1000),
            ("00.01", 1),
            ("0.01", 1),
            ("149.90", 14990),
            ("9999999999999999.99", 999_999_999_999_999_999),
        ] {
            assert_eq!(Amount::padded(text, "AED"), Ok(Amount::new(minor, "AED")), "{text}");
        }
        assert_eq!(Amount::padded("007", "JPY"), Ok(Amount::new(7, "JPY")));
        for bad in [
            "00000000000000010.00",
            "00.00",
            "0.00",
            ".50",
            "00",
            "0",
            "",
            "0x1.00",
            "0-1.00",
            "01.0",
            "0 1.00",
        ] {
            assert!(Amount::padded(bad, "AED").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn decimals_are_those_of_the_currency() {
        assert_eq!(Amount::read("100", "JPY"), Ok(Amount::new(100, "JPY")));
        assert_eq!(Amount::read("1.250", "BHD"), Ok(Amount::new(1250, "BHD")));
        assert_eq!(Amount::new(1250, "BHD").to_string(), "BHD 1.250");
        assert_eq!(Amount::new(5, "JPY").decimal(), "5");
        assert_eq!(Amount::new(5, "AED").decimal(), "0.05");
        for (text, currency) in
            [("100.00", "JPY"), ("1.25", "BHD"), ("1.00", "aed"), ("1.00", "XXX"), ("1.00", "")]
        {
            assert!(Amount::read(text, currency).is_err(), "{text} {currency}");
        }
    }
}
