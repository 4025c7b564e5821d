//! What a consent allows, typed. One variant for each kind of detail; the names on disk carry a version.

use oauth_core::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parties::one_or_several;
pub use super::parties::{UaeAccount, UaeName};
pub use super::permission::{AccountGroup, Permission};
use super::schedule::Schedule;
use super::vocabulary::UaeVocabulary;
use crate::value::amount::Amount;

/// What a consent allows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "one per consent; a box would only add a pointer to follow")]
pub enum Terms {
    /// UAE bank service initiation. Version 1 knew the instant payment alone; [`Schedule`] reads it.
    #[serde(rename = "uae_payment_2", alias = "uae_payment_1")]
    UaePayment(UaePayment),
    /// OFxPERA data sharing and contributions.
    #[serde(rename = "ofxpera_1")]
    Ofxpera(OfxperaConsent),
    /// One payment, in the words of RFC 9396 section 2.
    #[serde(rename = "payment_1")]
    Payment(PaymentInitiation),
    /// Access to accounts, in the words of RFC 9396 section 2.
    #[serde(rename = "accounts_1")]
    Accounts(AccountInformation),
}

/// Whose rules a consent lives by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// UAE bank service initiation, early drafts.
    Uae,
    /// UAE bank service initiation, version 1.2.
    UaeV1_2,
    /// OFxPERA.
    Ofxpera,
    /// The generic types.
    Generic,
}

impl Terms {
    /// Whose rules it lives by.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::UaePayment(payment) => match payment.vocabulary {
                UaeVocabulary::Seed => Dialect::Uae,
                UaeVocabulary::V1_2 => Dialect::UaeV1_2,
            },
            Self::Ofxpera(_) => Dialect::Ofxpera,
            Self::Payment(_) | Self::Accounts(_) => Dialect::Generic,
        }
    }

    /// When it ends by itself.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::UaePayment(payment) => Some(payment.expires_at),
            Self::Ofxpera(consent) => Some(consent.end),
            Self::Accounts(access) => Some(access.valid_until),
            Self::Payment(_) => None,
        }
    }

    /// Whether money can be moved under it, so that everybody must approve whom the account asks for.
    #[must_use]
    pub fn moves_money(&self) -> bool {
        match self {
            Self::UaePayment(_) | Self::Payment(_) => true,
            Self::Ofxpera(consent) => consent.permissions.contains(&Permission::PaymentInitiate),
            Self::Accounts(_) => false,
        }
    }

    /// Whether accounts of this group and currency (ISO 4217) are what these terms open or debit.
    #[must_use]
    pub fn concern(&self, group: AccountGroup, currency: &str) -> bool {
        match self {
            Self::UaePayment(_) | Self::Payment(_) | Self::Accounts(_) => true,
            Self::Ofxpera(consent) => {
                consent.permissions.iter().any(|permission| permission.concerns(group, currency))
            }
        }
    }

    /// The consent it continues (`BaseConsentId`).
    #[must_use]
    pub fn base(&self) -> Option<&str> {
        match self {
            Self::UaePayment(payment) => payment.base_consent.as_deref(),
            Self::Ofxpera(_) | Self::Payment(_) | Self::Accounts(_) => None,
        }
    }

    /// Until when the customer may decide, when the request names an instant.
    #[must_use]
    pub const fn authorise_by(&self) -> Option<Timestamp> {
        match self {
            Self::UaePayment(payment) => payment.authorise_by,
            Self::Ofxpera(_) | Self::Payment(_) | Self::Accounts(_) => None,
        }
    }

    /// How long the customer may take to decide, when the request says so.
    #[must_use]
    pub const fn authorise_within(&self) -> Option<Seconds> {
        match self {
            Self::UaePayment(payment) => Some(payment.authorise_within),
            Self::Ofxpera(_) | Self::Payment(_) | Self::Accounts(_) => None,
        }
    }
}

/// A UAE service initiation consent. Its members are named in the words of the early drafts.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UaePayment {
    /// In whose words it was asked for.
    #[serde(default, skip_serializing_if = "UaeVocabulary::is_seed")]
    pub vocabulary: UaeVocabulary,
    /// `BaseConsentId`: the consent this one replaces.
    pub base_consent: Option<String>,
    /// `AcceptedAuthorizationType`; absent means no restriction.
    pub authorization: Option<UaeAuthorization>,
    /// `AuthorizationExpirationTimeWindow` as given, or `24:00:00`.
    pub window: String,
    /// The same window in seconds.
    pub authorise_within: Seconds,
    /// `AuthorizationExpirationDateTime` of version 1.2: the end of the window, which then counts instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorise_by: Option<Timestamp>,
    /// `ExpirationDateTime`: at this instant it is over.
    pub expires_at: Timestamp,
    /// `ControlParameters.IsPayByAccount`.
    pub pay_by_account: bool,
    /// `ControlParameters.ConsentSchedule`.
    pub schedule: Schedule,
    /// `Initiation.DebtorAccount`.
    pub debtor: Option<UaeAccount>,
    /// Who may be paid: `Initiation.CreditorAccount`, or one of those listed in version 1.2. Anybody where there is none, which
    /// only payments on demand of version 1.2 may ask for.
    #[serde(alias = "creditor", deserialize_with = "one_or_several")]
    pub creditors: Vec<UaeAccount>,
    /// `PayerReference`, also called `UserReference`.
    pub payer_reference: Option<String>,
    /// `BeneficiaryReference`.
    pub beneficiary_reference: Option<String>,
    /// `PaymentPurposeCode`.
    pub purpose_code: String,
    /// `SponsoredTPPInformation`.
    pub sponsor: Option<Sponsor>,
    /// `Risk`: kept, never interpreted.
    pub risk: Option<Value>,
    /// `Permissions`: what the third party may read besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<UaePermission>,
}

/// What a UAE consent lets the third party read besides the consent and its payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UaePermission {
    /// The account the customer pays from, to send money back to.
    ReadRefundAccount,
}

// Names and accounts are not for a log.
impl std::fmt::Debug for UaePayment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut told = f.debug_struct("UaePayment");
        told.field("vocabulary", &self.vocabulary).field("expires_at", &self.expires_at);
        told.field("schedule", &self.schedule).finish_non_exhaustive()
    }
}

impl UaePayment {
    /// The creditor that an order which names none pays: the only one.
    #[must_use]
    pub fn only_creditor(&self) -> Option<&UaeAccount> {
        match &*self.creditors {
            [only] => Some(only),
            [] | [_, _, ..] => None,
        }
    }

    /// Whether the third party may be told the account the customer pays from.
    #[must_use]
    pub fn tells_refund_account(&self) -> bool {
        self.permissions.contains(&UaePermission::ReadRefundAccount)
    }
}

/// Who has to approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UaeAuthorization {
    /// `UAEOF.Single`: one person.
    Single,
    /// `UAEOF.Multi`: all whom the account asks for.
    Multi,
}

/// The third party behind the third party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sponsor {
    /// Its name.
    pub name: String,
    /// Its identification.
    pub identification: String,
}

/// An OFxPERA consent: what may be read or done, how long, and what for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfxperaConsent {
    /// `data_holder_id`.
    pub data_holder: String,
    /// `permissions`.
    pub permissions: Vec<Permission>,
    /// `sharing_duration.start_date`.
    pub start: Timestamp,
    /// `sharing_duration.end_date`: at this instant it is over.
    pub end: Timestamp,
    /// `purpose`.
    pub purpose: String,
    /// `additional_terms`.
    pub additional_terms: Vec<AdditionalTerm>,
    /// `payment_limits`.
    pub limits: Option<PaymentLimits>,
}

/// One more term of an OFxPERA consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdditionalTerm {
    /// Its name.
    pub key: String,
    /// What it says.
    pub value: String,
}

/// How much may be contributed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentLimits {
    /// `max_individual_amount`.
    pub individual: Amount,
    /// `max_total_amount`.
    pub total: Amount,
}

/// One payment (RFC 9396 section 2, second example).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentInitiation {
    /// `instructedAmount`.
    pub amount: Amount,
    /// `creditorName`.
    pub creditor_name: String,
    /// `creditorAccount.iban`.
    pub creditor_iban: String,
    /// `remittanceInformationUnstructured`.
    pub remittance: Option<String>,
    /// `actions`.
    pub actions: Vec<String>,
    /// `locations`.
    pub locations: Vec<String>,
}

/// Access to accounts (RFC 9396 section 2, first example).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountInformation {
    /// `permissions`.
    pub permissions: Vec<AccountPermission>,
    /// `recurringIndicator`.
    pub recurring: bool,
    /// `validUntil`: at this instant it is over.
    pub valid_until: Timestamp,
}

/// What of an account may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountPermission {
    /// Its balances.
    Balances,
    /// Its transactions.
    Transactions,
    /// Its name, number and holder.
    Details,
}
