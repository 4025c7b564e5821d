//! Nouns and their laws: money, accounts, payments, the ledger. Pure values, the same for every dialect.
//!
//! Nothing here waits, reads a clock, draws random bytes or knows a wire format. Arithmetic that could wrap does
//! not compile without a warning; sums, differences and dates are checked and answer with a typed error.
//! What derives `Serialize` is stored: its names are part of the stored format and do not change.

#![warn(clippy::arithmetic_side_effects)]

mod account;
mod certificate;
mod client_of;
mod fund;
mod idempotency;
mod ledger;
mod money;
mod onboarding;
mod organisation;
mod page;
mod party;
mod payment;
mod person;
mod transaction;

pub use account::{Account, AccountId, AccountKind, AccountNumber, AccountStatus, Iban, IbanFault};
pub use certificate::{CertificateChain, CertificateFault, Leaf, holds_private_key};
pub use client_of::ClientOf;
pub use fund::{Figure, Holding, Performance, Product, ProductId, ProductKind, RiskRating, Trade};
pub use idempotency::{IdempotencyKey, IdempotencyRecord, Progress, RequestFingerprint, Seen};
pub use ledger::{
    Balance, EntryId, FundsFault, JournalEntry, LedgerAccount, LedgerFault, Posting, Unbalanced, funds_allow,
};
pub use money::{Currency, IntegerDigits, Money, MoneyFault, SignedMoney};
pub use onboarding::{DeclineReason, IllegalStep, Onboarding, OnboardingStatus, sandbox_decision};
pub use organisation::{
    AuthorizationServerAt, Contact, Endpoints, Organisation, OrganisationId, OrganisationKind,
    OrganisationStatus, WebOrigin,
};
pub use page::{Page, PageFault, PageRequest, PastTheEnd};
pub use party::{Line, LineFault, LocalizedName, Nameless};
pub use payment::{
    Billing, BillingKind, Creditor, IllegalMove, Move, PURPOSE_LETTERS, Payment, PaymentId, PaymentKind,
    PaymentStatus, PaymentTerms, Purpose, Rail, RejectionReason, SealedNote, Stage, TRANSITIONS,
};
pub use person::{
    ContributorType, Country, CustomerFile, CustomerRisk, DueDiligence, Email, LandlineNumber, MobileNumber,
    Person, PlaceCode, PoliticalExposure, PostalAddress, PostalCode, PresentedId, Tin,
};
pub use rar_consent::{CalendarFault, Day, Precision, Zone, read_instant, write_instant};
pub use transaction::{BookedTransaction, TransactionId, TransactionKind, TransactionStatus};

/// A text that is not well-formed for the identifier it was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed {0}")]
pub struct IllFormed(
    /// What was being read.
    pub &'static str,
);

/// An identifier over ASCII, read through one check and stored as its text.
macro_rules! ascii_text {
    ($(#[$doc:meta])* $name:ident, $well_formed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the text form.
            ///
            /// # Errors
            /// When the text is not well-formed for this kind of identifier; nothing is trimmed or folded.
            pub fn new(text: &str) -> Result<Self, $crate::domain::IllFormed> {
                let well_formed: fn(&str) -> bool = $well_formed;
                if !well_formed(text) {
                    return Err($crate::domain::IllFormed(stringify!($name)));
                }
                Ok(Self(text.to_owned()))
            }

            /// The text form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::domain::IllFormed;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}
use ascii_text;

/// The text form of an identifier in logs and paths.
macro_rules! shown {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({:?})", stringify!($name), self.0)
            }
        }
    };
}
use shown;

/// 1 to 64 printable ASCII characters that are safe in a path segment, a header and a log line.
fn is_handle(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~'))
}

/// RFC 9562 section 4: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12; either case, any version.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
