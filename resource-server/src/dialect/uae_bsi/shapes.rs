//! The shapes of `body` and `patch`, for the description: each is the `message` of a signed JWT. Tests hold every message taken
//! and every answer given against them.

use rar_consent::{Amount, AmountFault};

use crate::domain::{Iban, Purpose};
use crate::guard::AuthDate;
use crate::openapi::{Form, HTTP_DATE, Member, Named, Shape, always, sometimes};

macro_rules! named {
    ($name:ident, $wire:literal, $members:expr) => {
        pub(super) static $name: Named = Named { name: $wire, shape: Shape::Object($members) };
    };
}

const ANY: Shape = Shape::Text(Form::Any);
const INSTANT: Shape = Shape::Text(Form::Instant);
const DAY: Shape = Shape::Text(Form::Day);
const URI: Shape = Shape::Text(Form::Uri);
const UUID: Shape = Shape::Text(Form::Uuid);
const EMPTY: Shape = Shape::Object(&[]);

/// Section 8.2.
pub(super) const KEY: Shape =
    Shape::Like("^[!-~]{1,40}$", 40, |text| crate::domain::IdempotencyKey::new(text).is_ok());
/// Section 12.
pub(super) const AUTH_DATE: Shape = Shape::Like(HTTP_DATE, 29, |text| AuthDate::Imf.takes(text));
/// Section 4.1.
pub(super) const CONSENT_ID: Shape = Shape::Like("^[A-Za-z0-9._-]{1,128}$", 128, |text| {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
});
const LINE_120: Shape = Shape::Line(120);
/// Section 4. Zeros may stand in front.
const DIGITS: Shape = Shape::Like("^[0-9]{1,16}\\.[0-9]{2}$", 19, |text| match Amount::padded(text, "AED") {
    Ok(_) | Err(AmountFault::Zero) => true,
    Err(AmountFault::Spelling | AmountFault::TooLarge | AmountFault::Currency) => false,
});
const CURRENCY: Shape = Shape::Like("^[A-Z]{3}$", 3, |text| {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
});
const PURPOSE: Shape = Shape::Like("^[A-Z]{3,4}$", 4, |text| Purpose::new(text).is_ok());
const IBAN: Shape = Shape::Like("^AE[0-9]{21}$", 23, |text| Iban::parse(text).is_ok());
const SEQUENCE: Shape = Shape::Like("^[0-9]{1,20}$", 20, |text| {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
});
const TYPE: Shape = Shape::OneOf(&[
    "UAEOF.SingleInstantPayment",
    "UAEOF.SingleFutureDatedPayment",
    "UAEOF.FixedRecurringPayment",
    "UAEOF.FixedOnDemandPayment",
    "UAEOF.VariableRecurringPayment",
    "UAEOF.VariableOnDemandPayment",
    "UAEOF.VariableDefinedPayment",
]);

named!(AMOUNT, "Amount", &[always("Amount", DIGITS), always("Currency", CURRENCY)]);
named!(SELF_LINK, "SelfLink", &[always("Self", URI)]);
named!(TEXT, "Text", &[always("en", ANY)]);

// Section 13.
named!(ERROR, "Error", &[always("Code", ANY), always("Message", Shape::Of(&TEXT)), sometimes("Path", ANY)]);
named!(ERRORS, "Errors", &[always("Errors", Shape::List(&Shape::Of(&ERROR)))]);

// Section 8.
/// More than nothing.
const POSITIVE: Shape =
    Shape::Like("^([0-9]*[1-9][0-9]*\\.[0-9]{2}|[0-9]+\\.(0[1-9]|[1-9][0-9]))$", 19, |text| {
        Amount::padded(text, "AED").is_ok()
    });
named!(INSTRUCTED, "InstructedAmount", &[always("Amount", POSITIVE), always("Currency", CURRENCY)]);
named!(
    INSTRUCTION,
    "Instruction",
    &[
        always("Amount", Shape::Of(&INSTRUCTED)),
        sometimes("BeneficiaryReference", LINE_120),
        sometimes("PaymentSequenceNumber", SEQUENCE),
    ]
);
named!(
    PAYMENT_ORDER,
    "PaymentOrder",
    &[
        always("ConsentId", CONSENT_ID),
        sometimes("Type", TYPE),
        always("Instruction", Shape::Of(&INSTRUCTION)),
        always("PaymentPurposeCode", PURPOSE),
        sometimes("PayerReference", LINE_120),
    ]
);
named!(PAYMENT_REQUEST, "PaymentRequest", &[always("Data", Shape::Of(&PAYMENT_ORDER))]);
pub(super) const PAYMENT_STATUS: Shape = Shape::OneOf(&[
    "Pending",
    "AcceptedSettlementCompleted",
    "AcceptedWithoutPosting",
    "AcceptedCreditSettlementCompleted",
    "Rejected",
]);
named!(
    STATUS_DETAIL,
    "PaymentStatusDetail",
    &[
        always("Reason", Shape::Object(&[always("Code", ANY), always("Detail", ANY)])),
        always("Message", Shape::Of(&TEXT)),
    ]
);
named!(
    PAYMENT,
    "Payment",
    &[
        always("PaymentId", UUID),
        always("ConsentId", CONSENT_ID),
        sometimes("Type", TYPE),
        sometimes("PaymentTransactionId", ANY),
        always("PaymentStatus", PAYMENT_STATUS),
        always("PaymentStatusUpdateDateTime", INSTANT),
        sometimes("PaymentStatusDetail", Shape::Of(&STATUS_DETAIL)),
        always("CreationDateTime", INSTANT),
        always("Instruction", Shape::Of(&INSTRUCTION)),
        sometimes("PaymentPurposeCode", PURPOSE),
        sometimes("PayerReference", LINE_120),
    ]
);
named!(
    PAYMENT_RESPONSE,
    "PaymentResponse",
    &[
        always("Data", Shape::Of(&PAYMENT)),
        always("Links", Shape::Object(&[always("Self", URI), always("Related", URI)])),
        always("Meta", EMPTY),
    ]
);
named!(PAYMENT_FOUND, "PaymentFound", &[always("Data", EMPTY), always("Links", Shape::Of(&SELF_LINK))]);

// Sections 4 and 5.
named!(NAME, "Name", &[sometimes("en", Shape::Line(70)), sometimes("ar", Shape::Line(70))]);
const ACCOUNT_MEMBERS: &[Member] = &[
    always("IdentificationType", Shape::OneOf(&["UAEOF.IBAN"])),
    always("Identification", IBAN),
    sometimes("Name", Shape::Of(&NAME)),
    sometimes("TradingName", Shape::Of(&NAME)),
];
named!(ACCOUNT, "Account", ACCOUNT_MEMBERS);
named!(
    SINGLE,
    "SinglePayment",
    &[
        always("Type", TYPE),
        always("Amount", Shape::Of(&AMOUNT)),
        sometimes("RequestedExecutionDateTime", INSTANT),
    ]
);
named!(
    PERIODIC,
    "PeriodicSchedule",
    &[
        always("PeriodType", Shape::OneOf(&["Day", "Week", "Month", "Year"])),
        always("PeriodStartDate", DAY),
        sometimes("Amount", Shape::Of(&AMOUNT)),
        sometimes("MaximumCumulativeNumberOfPaymentsPerPeriodType", Shape::Whole),
        sometimes("MaximumCumulativeValueOfPaymentsPerPeriodType", Shape::Of(&AMOUNT)),
    ]
);
named!(LISTED, "ListedPayment", &[always("PaymentExecutionDate", DAY), always("Amount", Shape::Of(&AMOUNT))]);
named!(
    MULTI,
    "MultiPayment",
    &[
        always("Type", TYPE),
        sometimes("Amount", Shape::Of(&AMOUNT)),
        sometimes("TotalNumberOfPayments", Shape::Whole),
        sometimes("MaximumIndividualPaymentAmount", Shape::Of(&AMOUNT)),
        sometimes("MaximumCumulativeNumberOfPayments", Shape::Whole),
        sometimes("MaximumCumulativeValueOfPayments", Shape::Of(&AMOUNT)),
        sometimes("PeriodicSchedule", Shape::Of(&PERIODIC)),
        sometimes("PaymentSchedule", Shape::List(&Shape::Of(&LISTED))),
    ]
);
named!(
    SCHEDULE,
    "ConsentSchedule",
    &[sometimes("SinglePayment", Shape::Of(&SINGLE)), sometimes("MultiPayment", Shape::Of(&MULTI))]
);

// Sections 6, 7, 8.5, 11.1 and 14.
named!(
    CONSUMPTION,
    "PaymentConsumption",
    &[
        always("CumulativeNumberOfPayments", Shape::Whole),
        always("CumulativeValueOfPayments", Shape::Of(&AMOUNT)),
        sometimes("CumulativeNumberOfPaymentsInCurrentPeriod", Shape::Whole),
        sometimes("CumulativeValueOfPaymentsInCurrentPeriod", Shape::Of(&AMOUNT)),
    ]
);
named!(
    CONSENT,
    "Consent",
    &[
        always("ConsentId", CONSENT_ID),
        sometimes("BaseConsentId", Shape::Line(128)),
        sometimes("AcceptedAuthorizationType", Shape::OneOf(&["UAEOF.Single", "UAEOF.Multi"])),
        always("AuthorizationExpirationTimeWindow", ANY),
        always("ExpirationDateTime", INSTANT),
        always(
            "Status",
            Shape::OneOf(&[
                "AwaitingAuthorization",
                "Authorized",
                "Suspended",
                "Rejected",
                "Revoked",
                "Expired",
                "Finished",
            ]),
        ),
        sometimes("RevokedBy", Shape::OneOf(&["TPP", "TPP.InitiatedByUser", "LFI", "LFI.InitiatedByUser"]),),
        always("CreationDateTime", INSTANT),
        always("StatusUpdateDateTime", INSTANT),
        always(
            "ControlParameters",
            Shape::Object(&[
                sometimes("IsPayByAccount", Shape::Truth),
                always("ConsentSchedule", Shape::Of(&SCHEDULE)),
            ]),
        ),
        always(
            "Initiation",
            Shape::Object(&[
                sometimes("DebtorAccount", Shape::Of(&ACCOUNT)),
                always("CreditorAccount", Shape::Of(&ACCOUNT)),
            ]),
        ),
        sometimes("PayerReference", LINE_120),
        sometimes("UserReference", LINE_120),
        sometimes("BeneficiaryReference", LINE_120),
        always("PaymentPurposeCode", PURPOSE),
        sometimes(
            "SponsoredTPPInformation",
            Shape::Object(&[always("Name", Shape::Line(50)), always("Identification", Shape::Line(50))]),
        ),
        sometimes("Risk", Shape::Anything),
        sometimes("Permissions", Shape::List(&Shape::OneOf(&["ReadRefundAccount"]))),
        sometimes("PaymentConsumption", Shape::Of(&CONSUMPTION)),
    ]
);
named!(
    AUTHORIZATION,
    "Authorization",
    &[
        always("AuthorizerId", ANY),
        always("AuthorizerType", ANY),
        always("AuthorizationStatus", Shape::OneOf(&["Pending", "Approved", "Rejected"])),
        sometimes("AuthorizationDate", INSTANT),
    ]
);
named!(
    CONSENT_META,
    "ConsentMeta",
    &[sometimes(
        "MultipleAuthorizers",
        Shape::Object(&[
            always("TotalRequired", Shape::Whole),
            always("Authorizations", Shape::List(&Shape::Of(&AUTHORIZATION))),
        ]),
    )]
);
named!(
    CONSENT_RESPONSE,
    "ConsentResponse",
    &[
        always("Data", Shape::Of(&CONSENT)),
        sometimes(
            "Subscription",
            Shape::Object(&[always(
                "Webhook",
                Shape::Object(&[always("Url", URI), always("IsActive", Shape::Truth)]),
            )]),
        ),
        always("Links", Shape::Object(&[always("Self", URI), always("Related", Shape::List(&URI))])),
        always("Meta", Shape::Of(&CONSENT_META)),
    ]
);
pub(super) static CONSENT_LIST: Named =
    Named { name: "ConsentList", shape: Shape::List(&Shape::Of(&CONSENT_RESPONSE)) };
named!(
    REFUND_RESPONSE,
    "RefundResponse",
    &[
        always(
            "Data",
            Shape::Object(&[
                always("ConsentId", CONSENT_ID),
                sometimes("BaseConsentId", Shape::Line(128)),
                always(
                    "RefundAccount",
                    Shape::Object(&[
                        always("SchemeName", Shape::OneOf(&["IBAN"])),
                        always("Identification", IBAN),
                        always("Name", ANY),
                    ]),
                ),
            ]),
        ),
        always("Links", Shape::Of(&SELF_LINK)),
    ]
);
named!(
    CONSENT_PATCH,
    "ConsentPatch",
    &[
        sometimes(
            "Data",
            Shape::Object(&[
                always("Status", Shape::OneOf(&["Revoked"])),
                always("RevokedBy", Shape::OneOf(&["TPP", "TPP.InitiatedByUser"])),
            ]),
        ),
        sometimes(
            "Subscription",
            Shape::Object(&[always(
                "Webhook",
                Shape::Object(&[sometimes("Url", URI), sometimes("IsActive", Shape::Truth)]),
            )]),
        ),
    ]
);

#[cfg(test)]
mod tests {
    use rar_consent::UaePaymentType;

    use super::*;

    #[test]
    fn section_5_every_type_of_payment_is_described() {
        let Shape::OneOf(described) = TYPE else { panic!("not an enumeration") };
        for kind in UaePaymentType::ALL {
            let wire = serde_json::to_value(kind).unwrap();
            assert!(described.contains(&wire.as_str().unwrap()), "{wire}");
        }
        assert_eq!(described.len(), UaePaymentType::ALL.len());
    }
}
