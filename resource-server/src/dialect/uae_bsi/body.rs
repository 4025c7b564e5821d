//! UAE Bank Service Initiation, wire shapes of vocabulary *seed* (sections 8.1, 8.2, 11.1, 14).
//!
//! What arrives is closed: unknown members are refused, texts are read into types that cannot hold a bad value. What
//! leaves is written from the domain by [`super::map`].

use oauth_core::ConsentId;
use oauth_core::jose::present;
use rar_consent::UaePaymentType;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use crate::domain::{Line, Money, Purpose};

/// The `message` of `POST /payments` (section 8.1).
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
    /// Which part of the consent; needed only where the consent has two.
    #[serde(rename = "Type", default, deserialize_with = "present")]
    pub(crate) kind: Option<UaePaymentType>,
    /// How much, and what the payee is told.
    pub(crate) instruction: Instruction,
    /// Why.
    pub(crate) payment_purpose_code: Purpose,
    /// What the payer notes.
    #[serde(default, deserialize_with = "present")]
    pub(crate) payer_reference: Option<Line<120>>,
}

/// `Instruction`, in and out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Instruction {
    /// How much.
    pub(crate) amount: AmountText,
    /// What the payee is told.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) beneficiary_reference: Option<Line<120>>,
    /// The client's own number of the payment; echoed and not interpreted.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) payment_sequence_number: Option<SequenceNumber>,
}

/// An amount object (section 4): canonical digits with two decimals, more than nothing, and three upper-case letters.
/// Whether the currency is one the consent allows is asked later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct AmountText {
    /// Digits, a point, two digits.
    pub(crate) amount: Digits,
    /// ISO 4217.
    pub(crate) currency: CurrencyText,
}

/// A text that was checked when it was read.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $well_formed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub(crate) struct $name(String);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let well_formed: fn(&str) -> bool = $well_formed;
                if well_formed(&text) { Ok(Self(text)) } else { Err(de::Error::custom(stringify!($name))) }
            }
        }
    };
}

checked_text! {
    /// `^[0-9]{1,16}\.[0-9]{2}$`, and more than zero. Zeros in front change nothing: amounts are compared as numbers.
    Digits, |text| rar_consent::Amount::padded(text, "AED").is_ok()
}
checked_text! {
    /// `^[A-Z]{3}$`.
    CurrencyText, |text| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
/// 1 to 20 digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct SequenceNumber(Line<20>);

impl SequenceNumber {
    /// A number that was read before.
    pub(crate) const fn of(line: Line<20>) -> Self {
        Self(line)
    }

    /// As the domain keeps it.
    pub(crate) fn into_line(self) -> Line<20> {
        self.0
    }
}

impl<'de> Deserialize<'de> for SequenceNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = Line::<20>::deserialize(deserializer)?;
        let digits = line.as_str().bytes().all(|byte| byte.is_ascii_digit());
        if digits { Ok(Self(line)) } else { Err(de::Error::custom("SequenceNumber")) }
    }
}

impl Digits {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Text that [`Money::to_text`] wrote.
    pub(crate) fn of(amount: Money) -> Self {
        Self(amount.to_text())
    }
}

impl CurrencyText {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The code of a currency.
    pub(crate) fn of(amount: Money) -> Self {
        Self(amount.currency().code().to_owned())
    }
}

impl AmountText {
    /// The wire form of an amount.
    pub(crate) fn of(amount: Money) -> Self {
        Self { amount: Digits::of(amount), currency: CurrencyText::of(amount) }
    }
}

/// The `message` of a payment answer (section 8.1).
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

/// `Data` of a payment.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PaymentData {
    /// Which payment.
    pub(crate) payment_id: String,
    /// Under which consent.
    pub(crate) consent_id: String,
    /// Under which part of it.
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<UaePaymentType>,
    /// The number the rail gave it, once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_transaction_id: Option<String>,
    /// How far it has come.
    pub(crate) payment_status: PaymentStatusCode,
    /// Since when.
    pub(crate) payment_status_update_date_time: String,
    /// Why it was rejected, exactly when it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_status_detail: Option<StatusDetail>,
    /// When it was ordered.
    pub(crate) creation_date_time: String,
    /// What was ordered.
    pub(crate) instruction: Instruction,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_purpose_code: Option<String>,
    /// What the payer noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payer_reference: Option<String>,
}

/// `PaymentStatus` (section 8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum PaymentStatusCode {
    /// Taken in or given to the rail.
    Pending,
    /// The debtor has paid.
    AcceptedSettlementCompleted,
    /// The receiving bank has accepted.
    AcceptedWithoutPosting,
    /// The creditor is credited.
    AcceptedCreditSettlementCompleted,
    /// Turned down.
    Rejected,
}

/// `PaymentStatusDetail` (section 8.3).
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StatusDetail {
    /// Code and detail.
    pub(crate) reason: StatusReason,
    /// For the customer.
    pub(crate) message: English,
}

/// `Reason` of a rejection.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StatusReason {
    /// A code with its name space.
    pub(crate) code: &'static str,
    /// What it means.
    pub(crate) detail: &'static str,
}

/// A text in English.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct English {
    /// The text.
    pub(crate) en: &'static str,
}

/// `Links` of a payment: `Related` is one address, the consent.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PaymentLinks {
    /// The payment.
    #[serde(rename = "Self")]
    pub(crate) this: String,
    /// The consent.
    pub(crate) related: String,
}

/// The `message` of `GET /payments` by idempotency key (section 8.2).
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PaymentFound {
    /// Empty.
    pub(crate) data: Empty,
    /// The payment.
    pub(crate) links: SelfLink,
}

/// `Links` that only point at the resource itself.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SelfLink {
    /// The resource.
    #[serde(rename = "Self")]
    pub(crate) this: String,
}

/// The `message` of a consent answer (section 14). `Data` is the container as staged with what the platform adds.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConsentAnswer {
    /// The consent.
    pub(crate) data: serde_json::Map<String, Value>,
    /// Where events go now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<Value>,
    /// Where it and its payments are read.
    pub(crate) links: ConsentLinks,
    /// What stands outside the consent.
    pub(crate) meta: ConsentMeta,
}

/// `Meta` of a consent.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConsentMeta {
    /// Who has to approve, where the account asks for several (section 7).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) multiple_authorizers: Option<MultipleAuthorizers>,
}

/// Who has to approve, and what they said.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MultipleAuthorizers {
    /// How many.
    pub(crate) total_required: usize,
    /// Each of them.
    pub(crate) authorizations: Vec<Authorization>,
}

/// One who has to approve.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Authorization {
    /// Who.
    pub(crate) authorizer_id: String,
    /// In which role.
    pub(crate) authorizer_type: String,
    /// What was said.
    pub(crate) authorization_status: &'static str,
    /// When, once it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authorization_date: Option<String>,
}

/// The `message` about the account a refund goes to (section 14).
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RefundAnswer {
    /// The account.
    pub(crate) data: RefundData,
    /// Where this is read.
    pub(crate) links: SelfLink,
}

/// `Data` of a refund account.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RefundData {
    /// The consent it is of.
    pub(crate) consent_id: String,
    /// The consent that one continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base_consent_id: Option<String>,
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
    pub(crate) name: String,
}

/// `Links` of a consent: `Related` is a list, its payments in the order they were made.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConsentLinks {
    /// The consent.
    #[serde(rename = "Self")]
    pub(crate) this: String,
    /// Its payments.
    pub(crate) related: Vec<String>,
}

/// `{}`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Empty {}

#[cfg(test)]
mod tests {
    use oauth_core::json::from_tree;
    use serde_json::json;

    use super::*;

    fn order() -> Value {
        json!({"Data": {
            "ConsentId": "aac-0b6f3c1e-7d52-4d0a-8a63-5f0a4c1d9e21",
            "Type": "UAEOF.FixedRecurringPayment",
            "Instruction": {
                "Amount": {"Amount": "250.00", "Currency": "AED"},
                "BeneficiaryReference": "INV-2026-11",
                "PaymentSequenceNumber": "1"
            },
            "PaymentPurposeCode": "RENT",
            "PayerReference": "flat 1203"
        }})
    }

    #[test]
    fn the_order_of_the_document_is_read() {
        let read: PaymentRequest = from_tree(order()).unwrap();
        assert_eq!(read.data.kind, Some(UaePaymentType::FixedRecurring));
        assert_eq!(read.data.instruction.amount.amount.as_str(), "250.00");
        assert_eq!(serde_json::to_value(&read.data.instruction).unwrap(), order()["Data"]["Instruction"]);
    }

    #[test]
    fn one_wrong_member_refuses_the_order_and_the_path_names_it() {
        for (pointer, value, path) in [
            ("/Data/ConsentId", json!(""), "/Data/ConsentId"),
            ("/Data/ConsentId", json!("a b"), "/Data/ConsentId"),
            ("/Data/Type", json!("SingleInstantPayment"), "/Data/Type"),
            ("/Data/Type", json!(null), "/Data/Type"),
            ("/Data/Instruction/Amount/Amount", json!("0.00"), "/Data/Instruction/Amount/Amount"),
            ("/Data/Instruction/Amount/Amount", json!("250"), "/Data/Instruction/Amount/Amount"),
            ("/Data/Instruction/Amount/Amount", json!("250.0"), "/Data/Instruction/Amount/Amount"),
            (
                "/Data/Instruction/Amount/Amount",
                json!("00000000000000250.00"),
                "/Data/Instruction/Amount/Amount",
            ),
            ("/Data/Instruction/Amount/Amount", json!("00.00"), "/Data/Instruction/Amount/Amount"),
            ("/Data/Instruction/Amount/Amount", json!("-1.00"), "/Data/Instruction/Amount/Amount"),
            ("/Data/Instruction/Amount/Amount", json!(250.0), "/Data/Instruction/Amount/Amount"),
            ("/Data/Instruction/Amount/Amount", json!("\u{661}.00"), "/Data/Instruction/Amount/Amount"),
            (
                "/Data/Instruction/Amount/Amount",
                json!("12345678901234567.00"),
                "/Data/Instruction/Amount/Amount",
            ),
            ("/Data/Instruction/Amount/Currency", json!("aed"), "/Data/Instruction/Amount/Currency"),
            (
                "/Data/Instruction/PaymentSequenceNumber",
                json!("x"),
                "/Data/Instruction/PaymentSequenceNumber",
            ),
            ("/Data/Instruction/BeneficiaryReference", json!(""), "/Data/Instruction/BeneficiaryReference"),
            ("/Data/PaymentPurposeCode", json!("RE"), "/Data/PaymentPurposeCode"),
            ("/Data/PaymentPurposeCode", json!("rent"), "/Data/PaymentPurposeCode"),
            ("/Data/PayerReference", json!("x".repeat(121)), "/Data/PayerReference"),
        ] {
            let mut message = order();
            *message.pointer_mut(pointer).unwrap() = value.clone();
            let fault = from_tree::<PaymentRequest>(message).unwrap_err();
            assert!(format!("{fault:?}").contains(&format!("\"{path}\"")), "{pointer} {value}: {fault:?}");
        }
    }

    #[test]
    fn an_unknown_or_missing_member_refuses_the_order() {
        for parent in ["", "/Data", "/Data/Instruction", "/Data/Instruction/Amount"] {
            let mut message = order();
            message.pointer_mut(parent).unwrap()["Extra"] = json!(1);
            assert!(from_tree::<PaymentRequest>(message).is_err(), "{parent}");
        }
        for (parent, name) in [
            ("/Data", "ConsentId"),
            ("/Data", "PaymentPurposeCode"),
            ("/Data", "Instruction"),
            ("/Data/Instruction", "Amount"),
            ("/Data/Instruction/Amount", "Currency"),
        ] {
            let mut message = order();
            message.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
            assert!(from_tree::<PaymentRequest>(message).is_err(), "{name}");
        }
    }
}
