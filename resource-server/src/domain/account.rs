//! Accounts and the numbers the world knows them by.

use std::fmt;

use oauth_core::{Subject, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Currency, Line, ascii_text, is_handle, shown};

ascii_text! {
    /// An account, as this bank's interfaces name it. Not the number customers see.
    AccountId, is_handle
}
shown!(AccountId);

ascii_text! {
    /// The number customers see: 4 to 34 ASCII letters and digits. Shown in full only to its owner.
    AccountNumber, |text| (4..=34).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl AccountNumber {
    /// Eight asterisks and the last four characters; asterisks alone when that would show the whole number.
    #[must_use]
    pub fn masked(&self) -> String {
        masked(&self.0)
    }
}

impl fmt::Debug for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountNumber({})", self.masked())
    }
}

/// An account of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// Whose.
    pub customer: Subject,
    /// What kind.
    pub kind: AccountKind,
    /// The one currency it holds.
    pub currency: Currency,
    /// Its IBAN, in countries that have them.
    pub iban: Option<Iban>,
    /// The number customers see.
    pub number: AccountNumber,
    /// The holder, as printed on a statement.
    pub name: Line<70>,
    /// Whether money may move.
    pub status: AccountStatus,
    /// What the customer calls it.
    pub nickname: Option<Line<70>>,
    /// The product it was opened under.
    pub product: Option<Line<70>>,
    /// When it was opened.
    pub opened_at: Timestamp,
}

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Day-to-day money.
    Current,
    /// Savings.
    Savings,
    /// An electronic wallet.
    EWallet,
    /// A Personal Equity and Retirement Account (Republic Act 9505).
    Pera,
}

/// Whether money may move on an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// In use.
    Active,
    /// Unused for long; the customer must call first.
    Dormant,
    /// Blocked by the bank or an authority.
    Frozen,
    /// Closed for good.
    Closed,
}

/// An International Bank Account Number (ISO 13616): upper case, without spaces, check digits verified (ISO 7064
/// MOD 97-10), length and alphabet as its country registered them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Iban(String);

impl Iban {
    /// Reads the electronic form; the printed form with spaces, and lower case, are refused.
    ///
    /// # Errors
    /// [`IbanFault`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, IbanFault> {
        if !text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            return Err(IbanFault::Malformed);
        }
        let (country, rest) = text.split_at_checked(2).ok_or(IbanFault::Malformed)?;
        let (check, bban) = rest.split_at_checked(2).ok_or(IbanFault::Malformed)?;
        let (_, length, alphabet) =
            COUNTRIES.iter().find(|(code, ..)| *code == country).ok_or(IbanFault::Country)?;
        if text.len() != *length || !alphabet.holds(bban) {
            return Err(IbanFault::Structure);
        }
        // 00, 01 and 99 leave the same remainders as 97, 98 and 02, and are never issued.
        let issued = check.bytes().all(|byte| byte.is_ascii_digit()) && !matches!(check, "00" | "01" | "99");
        let rearranged = bban.bytes().chain(country.bytes()).chain(check.bytes());
        if !issued || mod97(rearranged) != 1 {
            return Err(IbanFault::CheckDigits);
        }
        Ok(Self(text.to_owned()))
    }

    /// The IBAN of an account that a bank of `country` numbers `bban`, with the check digits computed.
    ///
    /// # Errors
    /// [`IbanFault`] when country and number do not fit each other.
    pub fn issue(country: &str, bban: &str) -> Result<Self, IbanFault> {
        let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if country.len() != 2 || !country.bytes().chain(bban.bytes()).all(upper) {
            return Err(IbanFault::Malformed);
        }
        let remainder = mod97(bban.bytes().chain(country.bytes()).chain(*b"00"));
        let check = 98_u32.saturating_sub(remainder);
        Self::parse(&format!("{country}{check:02}{bban}"))
    }

    /// The electronic form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Eight asterisks and the last four characters.
    #[must_use]
    pub fn masked(&self) -> String {
        masked(&self.0)
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iban({})", self.masked())
    }
}

impl TryFrom<String> for Iban {
    type Error = IbanFault;
    fn try_from(text: String) -> Result<Self, IbanFault> {
        Self::parse(&text)
    }
}

impl From<Iban> for String {
    fn from(iban: Iban) -> Self {
        iban.0
    }
}

/// Why a text is not an IBAN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IbanFault {
    /// Anything but upper-case ASCII letters and digits, or too short to hold a country and check digits.
    #[error("IBAN holds other than upper-case letters and digits")]
    Malformed,
    /// A country without IBANs, such as the Philippines, or one we do not know.
    #[error("IBAN of an unknown country")]
    Country,
    /// Not the length or alphabet of its country.
    #[error("IBAN does not have the structure of its country")]
    Structure,
    /// The check digits do not match.
    #[error("IBAN check digits do not match")]
    CheckDigits,
}

/// What may stand after the check digits.
#[derive(Debug, Clone, Copy)]
enum Alphabet {
    Digits,
    /// So many letters first, then digits.
    LettersThenDigits(usize),
    Mixed,
}

impl Alphabet {
    fn holds(self, bban: &str) -> bool {
        match self {
            Self::Digits => bban.bytes().all(|byte| byte.is_ascii_digit()),
            Self::LettersThenDigits(letters) => bban.split_at_checked(letters).is_some_and(|(bank, rest)| {
                bank.bytes().all(|byte| byte.is_ascii_uppercase())
                    && rest.bytes().all(|byte| byte.is_ascii_digit())
            }),
            Self::Mixed => true,
        }
    }
}

/// Country, total length, alphabet (ISO 13616 registry).
const COUNTRIES: &[(&str, usize, Alphabet)] = &[
    ("AE", 23, Alphabet::Digits),
    ("AT", 20, Alphabet::Digits),
    ("BE", 16, Alphabet::Digits),
    ("BH", 22, Alphabet::Mixed),
    ("CH", 21, Alphabet::Mixed),
    ("DE", 22, Alphabet::Digits),
    ("DK", 18, Alphabet::Digits),
    ("ES", 24, Alphabet::Digits),
    ("FI", 18, Alphabet::Digits),
    ("FR", 27, Alphabet::Mixed),
    ("GB", 22, Alphabet::LettersThenDigits(4)),
    ("IE", 22, Alphabet::LettersThenDigits(4)),
    ("IT", 27, Alphabet::Mixed),
    ("JO", 30, Alphabet::Mixed),
    ("KW", 30, Alphabet::Mixed),
    ("LU", 20, Alphabet::Mixed),
    ("NL", 18, Alphabet::LettersThenDigits(4)),
    ("NO", 15, Alphabet::Digits),
    ("OM", 23, Alphabet::Mixed),
    ("PL", 28, Alphabet::Digits),
    ("PT", 25, Alphabet::Digits),
    ("QA", 29, Alphabet::Mixed),
    ("SA", 24, Alphabet::Mixed),
    ("SE", 24, Alphabet::Digits),
];

/// ISO 7064 MOD 97-10, a letter counting as the two digits 10 to 35.
fn mod97(characters: impl Iterator<Item = u8>) -> u32 {
    characters.fold(0_u32, |remainder, byte| {
        let (weight, value) = match byte {
            b'0'..=b'9' => (10, byte.saturating_sub(b'0')),
            _ => (100, byte.saturating_sub(b'A').saturating_add(10)),
        };
        remainder.saturating_mul(weight).saturating_add(u32::from(value)) % 97
    })
}

fn masked(text: &str) -> String {
    let tail = text.len().checked_sub(4).filter(|start| *start > 0).and_then(|start| text.get(start..));
    format!("********{}", tail.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &[&str] = &[
        "AE070331234567890123456",
        "AE760330000010195511162",
        "GB33BUKB20201555555555",
        "GB94BARC10201530093459",
        "DE89370400440532013000",
        "FR1420041010050500013M02606",
        "SA0380000000608010167519",
        "KW81CBKU0000000000001234560101",
        "BH67BMAG00001299123456",
    ];

    #[test]
    fn an_iban_has_the_structure_and_check_digits_of_its_country() {
        for good in GOOD {
            assert_eq!(Iban::parse(good).map(|iban| iban.as_str().to_owned()), Ok((*good).to_owned()));
        }
        for (bad, fault) in [
            ("AE07 0331 2345 6789 0123 456", IbanFault::Malformed),
            ("ae070331234567890123456", IbanFault::Malformed),
            ("AE07033123456789012345\u{ff16}", IbanFault::Malformed),
            ("\u{391}E070331234567890123456", IbanFault::Malformed),
            ("AE070331234567890123456\n", IbanFault::Malformed),
            ("", IbanFault::Malformed),
            ("AE0", IbanFault::Malformed),
            ("PH070331234567890123456", IbanFault::Country),
            ("XX070331234567890123456", IbanFault::Country),
            ("AE07033123456789012345", IbanFault::Structure),
            ("AE0703312345678901234567", IbanFault::Structure),
            ("AE07033123456789012345A", IbanFault::Structure),
            ("GB33123420201555555555", IbanFault::Structure),
            ("AE080331234567890123456", IbanFault::CheckDigits),
            ("AE0A0331234567890123456", IbanFault::CheckDigits),
        ] {
            assert_eq!(Iban::parse(bad), Err(fault), "{bad:?}");
        }
    }

    #[test]
    fn an_issued_iban_has_the_check_digits_that_are_read() {
        for good in GOOD {
            let issued = Iban::issue(&good[..2], &good[4..]).unwrap();
            assert_eq!(issued.as_str(), *good);
        }
        assert_eq!(Iban::issue("PH", "0331234567890123456"), Err(IbanFault::Country));
        assert_eq!(Iban::issue("AE", "033123456789012345"), Err(IbanFault::Structure));
        for (country, bban) in
            [("ae", "0331234567890123456"), ("AE", "033123456789012345\u{ff16}"), ("\u{391}", "1")]
        {
            assert_eq!(Iban::issue(country, bban), Err(IbanFault::Malformed));
        }
    }

    #[test]
    fn check_digits_that_are_never_issued_are_refused() {
        // Account numbers whose right check digits are 97, 98 and 02, under the twins with the same remainder.
        let number = |check: &str| {
            (0..10_000_u32)
                .map(|serial| format!("AE{check}0331234567890{serial:06}"))
                .find(|text| Iban::parse(text).is_ok())
                .unwrap()
        };
        for (right, twin) in [("97", "00"), ("98", "01"), ("02", "99")] {
            let forged = number(right).replacen(right, twin, 1);
            assert_eq!(Iban::parse(&forged), Err(IbanFault::CheckDigits), "{forged}");
        }
    }

    #[test]
    fn a_masked_number_shows_four_characters_at_most() {
        assert_eq!(AccountNumber::new("001230004321").unwrap().masked(), "********4321");
        assert_eq!(AccountNumber::new("4321").unwrap().masked(), "********");
        let iban = Iban::parse(GOOD[0]).unwrap();
        assert_eq!(format!("{iban:?}"), "Iban(********3456)");
    }

    #[test]
    fn an_account_id_is_safe_in_a_path_and_a_log() {
        assert!(AccountId::new("sa-58f1").is_ok());
        for bad in ["", "a/b", "a b", "a\n", "..%2f", "caf\u{e9}", &"x".repeat(65)] {
            assert_eq!(AccountId::new(bad), Err(crate::domain::IllFormed("AccountId")), "{bad:?}");
        }
    }

    proptest! {
        /// Of its own class: a letter for a digit also shifts what stands before it, which MOD 97-10 does not
        /// promise to catch.
        #[test]
        fn one_wrong_character_never_passes_the_check_digits(which in 0..GOOD.len(), at in 0_usize..34, digit in 0..10_u8, letter in 0..26_u8) {
            let good = GOOD[which];
            if at < good.len() {
                let mut wrong = good.as_bytes().to_vec();
                wrong[at] = if wrong[at].is_ascii_digit() { digit.saturating_add(b'0') } else { letter.saturating_add(b'A') };
                let wrong = String::from_utf8(wrong).unwrap();
                prop_assert!(wrong == good || Iban::parse(&wrong).is_err(), "{}", wrong);
            }
        }
    }
}
