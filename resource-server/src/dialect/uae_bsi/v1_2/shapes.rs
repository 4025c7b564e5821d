//! The shapes of version 1.2, for its description. What is named here as in the early drafts is said in their words there.

use super::super::shapes::{AMOUNT, CONSENT_ID, CONSENT_META, CONSUMPTION, INSTRUCTED, NAME, PAYMENT_STATUS};
use crate::domain::{Iban, Purpose};
use crate::openapi::{Form, Named, Shape, always, sometimes};

macro_rules! named {
    ($name:ident, $wire:literal, $members:expr) => {
        pub(super) static $name: Named = Named { name: $wire, shape: Shape::Object($members) };
    };
}

const INSTANT: Shape = Shape::Text(Form::Instant);
const DAY: Shape = Shape::Text(Form::Day);
const URI: Shape = Shape::Text(Form::Uri);
const LINE_120: Shape = Shape::Line(120);
const EMPTY: Shape = Shape::Object(&[]);
const PURPOSE: Shape = Shape::Like("^[A-Z]{3}$", 3, |text| text.len() == 3 && Purpose::new(text).is_ok());
const IBAN: Shape = Shape::Like("^AE[0-9]{21}$", 23, |text| Iban::parse(text).is_ok());
/// Section 16: a signed JWT, encrypted to this server.
const SEALED: Shape = Shape::Like("^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]*){4}$", 65_536, |text| {
    text.bytes().filter(|byte| *byte == b'.').count() == 4
});
const MERCHANT: Shape = Shape::Like("^.{8,20}$", 20, |text| (8..=20).contains(&text.chars().count()));
const PERIOD: Shape = Shape::OneOf(&["Day", "Week", "Month", "Year"]);

// Section 8.
named!(
    BILLING,
    "OpenFinanceBilling",
    &[
        always("Type", Shape::OneOf(&["Collection", "LargeValueCollection", "PushP2P", "PullP2P", "Me2Me"]),),
        sometimes("MerchantId", MERCHANT),
    ]
);
named!(INSTRUCTION, "Instruction", &[always("Amount", Shape::Of(&INSTRUCTED))]);
named!(
    PAYMENT_ORDER,
    "PaymentOrder",
    &[
        always("ConsentId", CONSENT_ID),
        always("Instruction", Shape::Of(&INSTRUCTION)),
        sometimes("PersonalIdentifiableInformation", SEALED),
        always("PaymentPurposeCode", PURPOSE),
        sometimes("DebtorReference", LINE_120),
        sometimes("CreditorReference", LINE_120),
        always("OpenFinanceBilling", Shape::Of(&BILLING)),
    ]
);
named!(PAYMENT_REQUEST, "PaymentRequest", &[always("Data", Shape::Of(&PAYMENT_ORDER))]);
named!(
    PAYMENT,
    "Payment",
    &[
        always("PaymentId", Shape::Text(Form::Uuid)),
        always("ConsentId", CONSENT_ID),
        sometimes("PaymentTransactionId", Shape::Text(Form::Any)),
        always("Status", PAYMENT_STATUS),
        always("StatusUpdateDateTime", INSTANT),
        always("CreationDateTime", INSTANT),
        always("Instruction", Shape::Of(&INSTRUCTION)),
        always("PaymentPurposeCode", PURPOSE),
        sometimes("DebtorReference", LINE_120),
        always("OpenFinanceBilling", Shape::Of(&BILLING)),
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

// Section 5.3.
macro_rules! kind {
    ($name:ident, $wire:literal, [$($member:expr),* $(,)?]) => {
        named!($name, $wire, &[always("Type", Shape::OneOf(&[$wire])), $($member),*]);
    };
}

kind!(INSTANT_PAYMENT, "SingleInstantPayment", [always("Amount", Shape::Of(&AMOUNT))]);
kind!(
    DATED_PAYMENT,
    "SingleFutureDatedPayment",
    [always("Amount", Shape::Of(&AMOUNT)), always("RequestedExecutionDate", DAY)]
);
named!(
    FIXED_CONTROLS,
    "FixedControls",
    &[
        sometimes("MaximumCumulativeNumberOfPaymentsPerPeriod", Shape::Whole),
        sometimes("MaximumCumulativeValueOfPaymentsPerPeriod", Shape::Of(&AMOUNT)),
    ]
);
named!(
    VARIABLE_CONTROLS,
    "VariableControls",
    &[
        sometimes("MaximumIndividualAmount", Shape::Of(&AMOUNT)),
        sometimes("MaximumCumulativeNumberOfPaymentsPerPeriod", Shape::Whole),
        sometimes("MaximumCumulativeValueOfPaymentsPerPeriod", Shape::Of(&AMOUNT)),
    ]
);
named!(LISTED, "ListedPayment", &[always("PaymentExecutionDate", DAY), always("Amount", Shape::Of(&AMOUNT))]);
named!(
    LISTED_UP_TO,
    "ListedMaximum",
    &[always("PaymentExecutionDate", DAY), always("MaximumIndividualAmount", Shape::Of(&AMOUNT))]
);
kind!(
    FIXED_PERIODIC,
    "FixedPeriodicSchedule",
    [always("PeriodType", PERIOD), always("PeriodStartDate", DAY), always("Amount", Shape::Of(&AMOUNT)),]
);
kind!(
    VARIABLE_PERIODIC,
    "VariablePeriodicSchedule",
    [
        always("PeriodType", PERIOD),
        always("PeriodStartDate", DAY),
        always("MaximumIndividualAmount", Shape::Of(&AMOUNT)),
    ]
);
kind!(
    FIXED_ON_DEMAND,
    "FixedOnDemand",
    [
        always("PeriodType", PERIOD),
        always("PeriodStartDate", DAY),
        always("Amount", Shape::Of(&AMOUNT)),
        always("Controls", Shape::Of(&FIXED_CONTROLS)),
    ]
);
kind!(
    VARIABLE_ON_DEMAND,
    "VariableOnDemand",
    [
        always("PeriodType", PERIOD),
        always("PeriodStartDate", DAY),
        always("Controls", Shape::Of(&VARIABLE_CONTROLS)),
    ]
);
kind!(FIXED_DEFINED, "FixedDefinedSchedule", [always("Schedule", Shape::List(&Shape::Of(&LISTED)))]);
kind!(
    VARIABLE_DEFINED,
    "VariableDefinedSchedule",
    [always("Schedule", Shape::List(&Shape::Of(&LISTED_UP_TO)))]
);
pub(super) static SINGLE: Named =
    Named { name: "SinglePayment", shape: Shape::Choice("Type", &[&INSTANT_PAYMENT, &DATED_PAYMENT]) };
pub(super) static PERIODIC: Named = Named {
    name: "PeriodicSchedule",
    shape: Shape::Choice(
        "Type",
        &[
            &FIXED_PERIODIC,
            &VARIABLE_PERIODIC,
            &FIXED_ON_DEMAND,
            &VARIABLE_ON_DEMAND,
            &FIXED_DEFINED,
            &VARIABLE_DEFINED,
        ],
    ),
};
named!(
    MULTI,
    "MultiPayment",
    &[
        sometimes("MaximumCumulativeNumberOfPayments", Shape::Whole),
        sometimes("MaximumCumulativeValueOfPayments", Shape::Of(&AMOUNT)),
        always("PeriodicSchedule", Shape::Of(&PERIODIC)),
    ]
);
named!(
    SCHEDULE,
    "ConsentSchedule",
    &[sometimes("SinglePayment", Shape::Of(&SINGLE)), sometimes("MultiPayment", Shape::Of(&MULTI))]
);

// Sections 6, 7, 8.5, 11.1 and 14.
named!(
    CONSENT,
    "Consent",
    &[
        always("ConsentId", CONSENT_ID),
        always("BaseConsentId", Shape::Line(128)),
        sometimes("IsSingleAuthorization", Shape::Truth),
        sometimes("AuthorizationExpirationDateTime", INSTANT),
        always("ExpirationDateTime", INSTANT),
        sometimes("Permissions", Shape::List(&Shape::OneOf(&["ReadRefundAccount"]))),
        always(
            "Status",
            Shape::OneOf(&[
                "AwaitingAuthorization",
                "Authorized",
                "Suspended",
                "Rejected",
                "Revoked",
                "Expired",
                "Consumed",
            ]),
        ),
        sometimes("RevokedBy", Shape::OneOf(&["TPP", "TPP.InitiatedByUser", "LFI", "LFI.InitiatedByUser"])),
        always("CreationDateTime", INSTANT),
        always("StatusUpdateDateTime", INSTANT),
        always(
            "ControlParameters",
            Shape::Object(&[
                sometimes("IsDelegatedAuthentication", Shape::Truth),
                always("ConsentSchedule", Shape::Of(&SCHEDULE)),
            ]),
        ),
        sometimes("DebtorReference", LINE_120),
        sometimes("CreditorReference", LINE_120),
        always("PaymentPurposeCode", PURPOSE),
        sometimes(
            "SponsoredTPPInformation",
            Shape::Object(&[always("Name", Shape::Line(50)), always("Identification", Shape::Line(50))]),
        ),
        always("PaymentConsumption", Shape::Of(&CONSUMPTION)),
    ]
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
                always("BaseConsentId", Shape::Line(128)),
                always(
                    "RefundAccount",
                    Shape::Object(&[
                        always("SchemeName", Shape::OneOf(&["IBAN"])),
                        always("Identification", IBAN),
                        always("Name", Shape::Of(&NAME)),
                    ]),
                ),
            ]),
        ),
        always("Links", Shape::Object(&[always("Self", URI), always("Related", Shape::List(&URI))])),
    ]
);
named!(
    CONSENT_PATCH,
    "ConsentPatch",
    &[
        sometimes(
            "Data",
            Shape::Object(&[
                always("Status", Shape::OneOf(&["Revoked", "Suspended", "Authorized"])),
                sometimes("RevokedBy", Shape::OneOf(&["TPP", "TPP.InitiatedByUser"])),
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
