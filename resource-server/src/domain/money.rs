//! Money: whole minor units of one currency. No floating point anywhere.
//!
//! The text form is canonical: ASCII digits, no sign, no superfluous zero in front, exactly as many decimals as ISO
//! 4217 gives the currency. What is shown, stored and compared is therefore one and the same text.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount that is never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// An amount in minor units (fils, centavos, cents; whole units where the currency has no minor unit).
    ///
    /// # Errors
    /// [`MoneyFault::Negative`].
    pub const fn new(minor: i64, currency: Currency) -> Result<Self, MoneyFault> {
        if minor < 0 {
            return Err(MoneyFault::Negative);
        }
        Ok(Self { minor, currency })
    }

    /// Nothing, in this currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads `^[0-9]{1,N}\.[0-9]{minor}$` in ASCII, without superfluous leading zeros; `^[0-9]{1,N}$` where the
    /// currency has no minor unit. Zero is read; see [`Money::positive`].
    ///
    /// # Errors
    /// [`MoneyFault::NotCanonical`] or [`MoneyFault::TooLarge`].
    pub fn parse(text: &str, currency: Currency, digits: IntegerDigits) -> Result<Self, MoneyFault> {
        read_minor(text, currency, digits).map(|minor| Self { minor, currency })
    }

    /// This amount, unless it is zero.
    ///
    /// # Errors
    /// [`MoneyFault::NotPositive`].
    pub const fn positive(self) -> Result<Self, MoneyFault> {
        if self.minor == 0 { Err(MoneyFault::NotPositive) } else { Ok(self) }
    }

    /// Minor units; never negative.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyFault::OtherCurrency`] or [`MoneyFault::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyFault> {
        same(self.currency, other.currency)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyFault::Overflow)?;
        Ok(Self { minor, currency: self.currency })
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyFault::OtherCurrency`], or [`MoneyFault::Negative`] when `other` is more than this.
    pub fn minus(self, other: Self) -> Result<Self, MoneyFault> {
        same(self.currency, other.currency)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyFault::Overflow)?;
        Self::new(minor, self.currency)
    }

    /// The sum of any number of amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyFault::OtherCurrency`] or [`MoneyFault::Overflow`].
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyFault> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    /// The order of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyFault::OtherCurrency`]: amounts of two currencies have no order.
    pub fn compare(self, other: Self) -> Result<Ordering, MoneyFault> {
        same(self.currency, other.currency)?;
        Ok(self.minor.cmp(&other.minor))
    }

    /// Whether this amount keeps to a limit; reaching it exactly is allowed.
    ///
    /// # Errors
    /// [`MoneyFault::OtherCurrency`].
    pub fn is_within(self, limit: Self) -> Result<bool, MoneyFault> {
        self.compare(limit).map(Ordering::is_le)
    }

    /// The same amount with a sign that says money comes in.
    #[must_use]
    pub const fn credited(self) -> SignedMoney {
        SignedMoney { minor: self.minor, currency: self.currency }
    }

    /// The same amount with a sign that says money leaves.
    #[must_use]
    pub const fn debited(self) -> SignedMoney {
        SignedMoney { minor: self.minor.saturating_neg(), currency: self.currency }
    }

    /// The canonical text, as [`Money::parse`] reads it.
    #[must_use]
    pub fn to_text(self) -> String {
        self.credited().to_text()
    }
}

/// An amount with a sign: a balance, or a transaction as the customer sees it (minus: money leaving).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SignedMoney {
    minor: i64,
    currency: Currency,
}

impl SignedMoney {
    /// A signed amount in minor units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads the text of [`Money::parse`], optionally after one `-`. Minus zero is refused.
    ///
    /// # Errors
    /// [`MoneyFault::NotCanonical`] or [`MoneyFault::TooLarge`].
    pub fn parse(text: &str, currency: Currency, digits: IntegerDigits) -> Result<Self, MoneyFault> {
        let Some(magnitude) = text.strip_prefix('-') else {
            return Money::parse(text, currency, digits).map(Money::credited);
        };
        let amount = Money::parse(magnitude, currency, digits)?;
        amount.positive().map(Money::debited).map_err(|_| MoneyFault::NotCanonical)
    }

    /// Minor units; negative when money leaves.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyFault::OtherCurrency`] or [`MoneyFault::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyFault> {
        same(self.currency, other.currency)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyFault::Overflow)?;
        Ok(Self { minor, currency: self.currency })
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyFault::OtherCurrency`] or [`MoneyFault::Overflow`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyFault> {
        same(self.currency, other.currency)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyFault::Overflow)?;
        Ok(Self { minor, currency: self.currency })
    }

    /// The order of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyFault::OtherCurrency`].
    pub fn compare(self, other: Self) -> Result<Ordering, MoneyFault> {
        same(self.currency, other.currency)?;
        Ok(self.minor.cmp(&other.minor))
    }

    /// The canonical text: `-12.00`, `0.00`, `10000.00`.
    #[must_use]
    pub fn to_text(self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        let decimals = self.currency.decimals();
        let digits = self.minor.unsigned_abs().to_string();
        if decimals == 0 {
            return format!("{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = decimals.saturating_add(1));
        let (whole, fraction) = padded.split_at(padded.len().saturating_sub(decimals));
        format!("{sign}{whole}.{fraction}")
    }
}

/// How many digits an amount may have before the decimal point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntegerDigits(usize);

impl IntegerDigits {
    /// OFxPERA amounts: at most thirteen.
    pub const THIRTEEN: Self = Self(13);
    /// UAE amounts: at most sixteen.
    pub const SIXTEEN: Self = Self(16);

    /// This many, at least one.
    #[must_use]
    pub const fn new(digits: std::num::NonZeroU8) -> Self {
        #[expect(clippy::as_conversions, reason = "a u8 always fits, and `From` is not const")]
        Self(digits.get() as usize)
    }
}

/// Why an amount cannot be read, made or combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyFault {
    /// The text is not the one canonical spelling of an amount in this currency.
    #[error("not an amount in canonical form")]
    NotCanonical,
    /// More digits than the interface, or than we, can carry.
    #[error("amount too large")]
    TooLarge,
    /// Zero where something must move.
    #[error("amount must be more than zero")]
    NotPositive,
    /// Less than nothing.
    #[error("amount must not be negative")]
    Negative,
    /// A sum that leaves the range of minor units.
    #[error("amount out of range")]
    Overflow,
    /// Two currencies in one sum or comparison.
    #[error("amounts of two currencies")]
    OtherCurrency,
    /// Not a currency of the table, or not in upper case.
    #[error("unknown currency")]
    UnknownCurrency,
}

macro_rules! currencies {
    ($($name:ident $code:literal $decimals:literal $word:literal;)+) => {
        /// A currency by its ISO 4217 code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum Currency {$(
            #[doc = $word]
            $name,
        )+}

        impl Currency {
            /// Every currency of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Reads three upper-case letters.
            ///
            /// # Errors
            /// [`MoneyFault::UnknownCurrency`] for any other spelling and for currencies not in the table.
            pub fn parse(code: &str) -> Result<Self, MoneyFault> {
                match code {
                    $($code => Ok(Self::$name),)+
                    _ => Err(MoneyFault::UnknownCurrency),
                }
            }

            /// The code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Decimals of the minor unit.
            #[must_use]
            pub const fn decimals(self) -> usize {
                match self { $(Self::$name => $decimals,)+ }
            }
        }
    };
}

currencies! {
    Aed "AED" 2 "UAE dirham";
    Aud "AUD" 2 "Australian dollar";
    Bhd "BHD" 3 "Bahraini dinar";
    Cad "CAD" 2 "Canadian dollar";
    Chf "CHF" 2 "Swiss franc";
    Cny "CNY" 2 "Yuan";
    Eur "EUR" 2 "Euro";
    Gbp "GBP" 2 "Pound sterling";
    Hkd "HKD" 2 "Hong Kong dollar";
    Inr "INR" 2 "Indian rupee";
    Jod "JOD" 3 "Jordanian dinar";
    Jpy "JPY" 0 "Yen";
    Krw "KRW" 0 "Won";
    Kwd "KWD" 3 "Kuwaiti dinar";
    Omr "OMR" 3 "Omani rial";
    Php "PHP" 2 "Philippine peso";
    Qar "QAR" 2 "Qatari riyal";
    Sar "SAR" 2 "Saudi riyal";
    Sgd "SGD" 2 "Singapore dollar";
    Usd "USD" 2 "US dollar";
}

impl TryFrom<String> for Currency {
    type Error = MoneyFault;
    fn try_from(code: String) -> Result<Self, MoneyFault> {
        Self::parse(&code)
    }
}

impl From<Currency> for &'static str {
    fn from(currency: Currency) -> Self {
        currency.code()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What stands in storage for [`Money`]; read back through the check of [`Money::new`].
#[derive(Serialize, Deserialize)]
struct Stored {
    minor: i64,
    currency: Currency,
}

impl TryFrom<Stored> for Money {
    type Error = MoneyFault;
    fn try_from(stored: Stored) -> Result<Self, MoneyFault> {
        Self::new(stored.minor, stored.currency)
    }
}

impl From<Money> for Stored {
    fn from(money: Money) -> Self {
        Self { minor: money.minor, currency: money.currency }
    }
}

fn same(left: Currency, right: Currency) -> Result<(), MoneyFault> {
    if left == right { Ok(()) } else { Err(MoneyFault::OtherCurrency) }
}

fn read_minor(text: &str, currency: Currency, digits: IntegerDigits) -> Result<i64, MoneyFault> {
    let (whole, fraction) = match currency.decimals() {
        0 => (text, ""),
        _ => text.split_once('.').ok_or(MoneyFault::NotCanonical)?,
    };
    let ascii_digits = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || !ascii_digits || leading_zero || fraction.len() != currency.decimals() {
        return Err(MoneyFault::NotCanonical);
    }
    if whole.len() > digits.0 {
        return Err(MoneyFault::TooLarge);
    }
    whole
        .bytes()
        .chain(fraction.bytes())
        .try_fold(0_i64, |minor, byte| minor.checked_mul(10)?.checked_add(i64::from(byte.checked_sub(b'0')?)))
        .ok_or(MoneyFault::TooLarge)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Money, MoneyFault> {
        Money::parse(text, Currency::Aed, IntegerDigits::SIXTEEN)
    }

    fn aed(minor: i64) -> Money {
        Money::new(minor, Currency::Aed).unwrap()
    }

    fn currency() -> impl Strategy<Value = Currency> {
        proptest::sample::select(Currency::ALL)
    }

    #[test]
    fn only_the_canonical_spelling_of_an_amount_is_read() {
        for (text, minor) in [
            ("0.00", 0),
            ("0.01", 1),
            ("1.00", 100),
            ("10.50", 1050),
            ("9999999999999999.99", 999_999_999_999_999_999),
        ] {
            assert_eq!(read(text), Ok(aed(minor)), "{text}");
        }
        let spellings = [
            "",
            ".",
            "1e2",
            "1E2",
            "1.0e1",
            "NaN",
            "nan",
            "Infinity",
            "inf",
            "-1.00",
            "+1.00",
            "-0.00",
            "1.005",
            "1,00",
            "1_000.00",
            "0x10",
            " 1.00",
            "1.00 ",
            "1.00\n",
            "\t1.00",
            "\u{a0}1.00",
            "1.00\u{0}",
            "1.0",
            "1.",
            "1",
            ".50",
            "01.00",
            "00.00",
            "1.0.0",
            "1..00",
            "1.-1",
            "1.+1",
            "null",
            "true",
            "1.00AED",
            "AED1.00",
            "1'000.00",
            "1 000.00",
            "1.00-",
            "--1.00",
            "(1.00)",
            "1\u{66b}00",
            "\u{ff11}.\u{ff10}\u{ff10}",
            "\u{661}\u{66b}\u{660}\u{660}",
            "\u{661}.\u{660}\u{660}",
            "1.\u{ff10}\u{ff10}",
            "\u{1d7cf}.00",
            "1\u{ff0e}00",
            "\u{200b}1.00",
            "1.0\u{660}",
        ];
        for text in spellings {
            assert_eq!(read(text), Err(MoneyFault::NotCanonical), "{text:?}");
        }
    }

    #[test]
    fn an_amount_beyond_the_digits_of_the_interface_is_too_large() {
        let ten_to_the_30 = format!("1{}.00", "0".repeat(30));
        for text in [
            "9223372036854775808.00",
            "18446744073709551616.00",
            ten_to_the_30.as_str(),
            "10000000000000000.00",
        ] {
            assert_eq!(read(text), Err(MoneyFault::TooLarge), "{text}");
        }
        let peso = |text| Money::parse(text, Currency::Php, IntegerDigits::THIRTEEN);
        assert!(peso("9999999999999.99").is_ok());
        assert_eq!(peso("10000000000000.00"), Err(MoneyFault::TooLarge));
        let dinar = Money::parse("9999999999999999.999", Currency::Bhd, IntegerDigits::SIXTEEN);
        assert_eq!(dinar, Err(MoneyFault::TooLarge), "nineteen nines leave the range of minor units");
    }

    #[test]
    fn zero_is_read_but_is_not_positive() {
        assert_eq!(read("0.00").and_then(Money::positive), Err(MoneyFault::NotPositive));
        assert_eq!(read("0.01").and_then(Money::positive), Ok(aed(1)));
    }

    #[test]
    fn decimals_are_those_of_the_currency() {
        let parse = |text, currency| Money::parse(text, currency, IntegerDigits::SIXTEEN);
        assert_eq!(parse("120", Currency::Jpy).unwrap().minor(), 120);
        assert_eq!(parse("120.00", Currency::Jpy), Err(MoneyFault::NotCanonical));
        assert_eq!(parse("1.005", Currency::Bhd).unwrap().minor(), 1005);
        assert_eq!(parse("1.00", Currency::Kwd), Err(MoneyFault::NotCanonical));
        assert_eq!(parse("0", Currency::Jpy).unwrap().to_text(), "0");
    }

    #[test]
    fn a_currency_is_three_upper_case_letters_of_the_table() {
        for code in ["AED", "PHP", "USD", "EUR", "GBP", "JPY", "BHD", "KWD", "SAR", "QAR", "OMR", "HKD"] {
            assert_eq!(Currency::parse(code).unwrap().code(), code);
        }
        for code in ["aed", "Aed", "XXX", "", "AE", "AEDX", " AED", "\u{ff21}ED", "A\u{415}D", "784"] {
            assert_eq!(Currency::parse(code), Err(MoneyFault::UnknownCurrency), "{code:?}");
        }
    }

    #[test]
    fn currencies_never_mix() {
        let peso = Money::new(1, Currency::Php).unwrap();
        assert_eq!(aed(1).plus(peso), Err(MoneyFault::OtherCurrency));
        assert_eq!(aed(1).minus(peso), Err(MoneyFault::OtherCurrency));
        assert_eq!(aed(1).compare(peso), Err(MoneyFault::OtherCurrency));
        assert_eq!(aed(0).is_within(peso), Err(MoneyFault::OtherCurrency));
        assert_eq!(Money::sum(Currency::Aed, [aed(1), peso]), Err(MoneyFault::OtherCurrency));
        assert_eq!(aed(1).credited().plus(peso.debited()), Err(MoneyFault::OtherCurrency));
    }

    #[test]
    fn a_limit_may_be_reached_but_not_passed() {
        assert_eq!(aed(100).is_within(aed(100)), Ok(true));
        assert_eq!(aed(101).is_within(aed(100)), Ok(false));
    }

    #[test]
    fn more_cannot_be_taken_than_there_is() {
        assert_eq!(aed(1).minus(aed(2)), Err(MoneyFault::Negative));
        assert_eq!(Money::new(-1, Currency::Aed), Err(MoneyFault::Negative));
    }

    #[test]
    fn the_sign_stands_in_front_and_zero_has_none() {
        let parse = |text| SignedMoney::parse(text, Currency::Php, IntegerDigits::THIRTEEN);
        assert_eq!(parse("-12.00").unwrap().minor(), -1200);
        assert_eq!(parse("12.00").unwrap().minor(), 1200);
        for text in ["-0.00", "--1.00", "+1.00", "- 1.00", "\u{2212}1.00", "-", "1.00-", "-01.00"] {
            assert_eq!(parse(text), Err(MoneyFault::NotCanonical), "{text:?}");
        }
        assert_eq!(SignedMoney::new(-5, Currency::Php).to_text(), "-0.05");
        assert_eq!(SignedMoney::new(i64::MIN, Currency::Php).to_text(), "-92233720368547758.08");
    }

    #[test]
    fn stored_money_is_checked_when_it_is_read_back() {
        assert_eq!(serde_json::to_string(&aed(1200)).unwrap(), r#"{"minor":1200,"currency":"AED"}"#);
        for stored in [
            r#"{"minor":-1,"currency":"AED"}"#,
            r#"{"minor":1.5,"currency":"AED"}"#,
            r#"{"minor":"1","currency":"AED"}"#,
            r#"{"minor":1,"currency":"aed"}"#,
            r#"{"minor":1,"minor":2,"currency":"AED"}"#,
        ] {
            assert!(serde_json::from_str::<Money>(stored).is_err(), "{stored}");
        }
    }

    proptest! {
        #[test]
        fn the_text_of_an_amount_reads_back_as_the_same_amount(minor in 0_i64..1_000_000_000_000_000, currency in currency()) {
            let amount = Money::new(minor, currency).unwrap();
            prop_assert_eq!(Money::parse(&amount.to_text(), currency, IntegerDigits::SIXTEEN), Ok(amount));
            let debit = amount.debited();
            prop_assert_eq!(SignedMoney::parse(&debit.to_text(), currency, IntegerDigits::SIXTEEN), Ok(debit));
        }

        #[test]
        fn whatever_is_read_is_written_back_unchanged(text in r"[-+]?[0-9]{0,4}[.,]?[0-9]{0,4}", currency in currency()) {
            if let Ok(amount) = Money::parse(&text, currency, IntegerDigits::SIXTEEN) {
                prop_assert_eq!(amount.to_text(), text);
            }
        }

        #[test]
        fn any_text_is_refused_or_written_back_unchanged(text in ".{0,8}") {
            if let Ok(amount) = SignedMoney::parse(&text, Currency::Aed, IntegerDigits::SIXTEEN) {
                prop_assert_eq!(amount.to_text(), text);
            }
        }

        #[test]
        fn sums_and_differences_are_exact_or_refused(left in any::<i64>(), right in any::<i64>()) {
            let (a, b) = (SignedMoney::new(left, Currency::Aed), SignedMoney::new(right, Currency::Aed));
            let exact = |wide: Option<i128>| wide.and_then(|wide| i64::try_from(wide).ok()).ok_or(MoneyFault::Overflow);
            prop_assert_eq!(a.plus(b).map(SignedMoney::minor), exact(i128::from(left).checked_add(i128::from(right))));
            prop_assert_eq!(a.minus(b).map(SignedMoney::minor), exact(i128::from(left).checked_sub(i128::from(right))));
            if let (Ok(a), Ok(b)) = (Money::new(left, Currency::Aed), Money::new(right, Currency::Aed)) {
                prop_assert_eq!(a.plus(b).map(Money::minor), exact(i128::from(left).checked_add(i128::from(right))));
                prop_assert_eq!(a.minus(b).is_ok(), left >= right);
            }
        }
    }
}
