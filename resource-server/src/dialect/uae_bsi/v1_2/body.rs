//! Wire shapes of version 1.2. What arrives is closed, as in the early drafts.

use oauth_core::ConsentId;
use oauth_core::jose::present;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::super::body::{AmountText, Empty, PaymentLinks, PaymentStatusCode};
use crate::domain::{BillingKind, Line, Purpose};

/// The `message` of `POST /payments`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct PaymentRequest {
    /// What is ordered.
    pub(crate) data: PaymentRequestData,
}

/// `Data` of a payment order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct PaymentRequestData {
    /// Under which consent.
    pub(crate) consent_id: ConsentId,
    /// How much.
    pub(crate) instruction: Instruction,
    /// Who is paid: signed, and encrypted to this server.
    #[serde(default, deserialize_with = "present")]
    pub(crate) personal_identifiable_information: Option<String>,
    /// Why.
    pub(crate) payment_purpose_code: ShortPurpose,
    /// What the payer notes.
    #[serde(default, deserialize_with = "present")]
    pub(crate) debtor_reference: Option<Line<120>>,
    /// What the payee is told.
    #[serde(default, deserialize_with = "present")]
    pub(crate) creditor_reference: Option<Line<120>>,
    /// What the client is billed for.
    pub(crate) open_finance_billing: OpenFinanceBilling,
}

/// `Instruction`, in and out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Instruction {
    /// How much.
    pub(crate) amount: AmountText,
}

/// `OpenFinanceBilling`, in and out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct OpenFinanceBilling {
    /// What kind of payment.
    #[serde(rename = "Type")]
    pub(crate) kind: BillingKind,
    /// For which merchant.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) merchant_id: Option<MerchantId>,
}

/// 8 to 20 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct MerchantId(Line<20>);

impl MerchantId {
    /// One that was read before.
    pub(crate) const fn of(line: Line<20>) -> Self {
        Self(line)
    }

    /// As the domain keeps it.
    pub(crate) fn into_line(self) -> Line<20> {
        self.0
    }
}

impl<'de> Deserialize<'de> for MerchantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = Line::<20>::deserialize(deserializer)?;
        if line.as_str().chars().count() >= 8 { Ok(Self(line)) } else { Err(de::Error::custom("MerchantId")) }
    }
}

/// A purpose of three letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShortPurpose(pub(crate) Purpose);

impl<'de> Deserialize<'de> for ShortPurpose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let purpose = Purpose::deserialize(deserializer)?;
        if purpose.as_str().len() == 3 { Ok(Self(purpose)) } else { Err(de::Error::custom("ShortPurpose")) }
    }
}

/// The `message` of a payment answer.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PaymentAnswer {
    /// The payment.
    pub(crate) data: PaymentData,
    /// Where it and its consent are read.
    pub(crate) links: PaymentLinks,
    /// Empty.
    pub(crate) meta: Empty,
}

/// `Data` of a payment. The version has no member for why it was rejected, and none for what the payee was told.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PaymentData {
    /// Which payment.
    pub(crate) payment_id: String,
    /// Under which consent.
    pub(crate) consent_id: String,
    /// The number the rail gave it, once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_transaction_id: Option<String>,
    /// How far it has come.
    pub(crate) status: PaymentStatusCode,
    /// Since when.
    pub(crate) status_update_date_time: String,
    /// When it was ordered.
    pub(crate) creation_date_time: String,
    /// What was ordered.
    pub(crate) instruction: Instruction,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_purpose_code: Option<String>,
    /// What the payer noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) debtor_reference: Option<String>,
    /// What the client is billed for, as it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) open_finance_billing: Option<OpenFinanceBilling>,
}

/// The `message` about the account a refund goes to (section 14).
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RefundAnswer {
    /// The account.
    pub(crate) data: RefundData,
    /// Where this and the payments of the consent are read.
    pub(crate) links: super::super::body::ConsentLinks,
}

/// `Data` of a refund account.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RefundData {
    /// The consent it is of.
    pub(crate) consent_id: String,
    /// The consent that one continues, or itself.
    pub(crate) base_consent_id: String,
    /// The account.
    pub(crate) refund_account: RefundAccount,
}

/// An account, by its IBAN.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RefundAccount {
    /// `IBAN`.
    pub(crate) scheme_name: &'static str,
    /// The IBAN.
    pub(crate) identification: String,
    /// Who holds it.
    pub(crate) name: EnglishName,
}

/// A name in English.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct EnglishName {
    /// The name.
    pub(crate) en: String,
}
