//! Sections 7.2 and 8: customers, products, accounts and payments.

use oauth_core::Subject;

use super::{
    ADDRESS, AMOUNT, ANY, COUNTRY, DAY, EMAIL, FIGURE, HANDLE, INSTANT, MONEY, PAGE_LINKS, PARTICIPANT, URI,
    UUID,
};
use crate::domain::{LandlineNumber, Line, MobileNumber, Tin};
use crate::openapi::{Form, Named, Shape, always, sometimes};

// Sections 7.2 and 8.3.

const SUBJECT: Shape = Shape::Like("^[!#-\\[\\]-~]{1,50}$", 50, |text| Subject::new(text).is_ok());
const PHONE: Shape = Shape::Like("^[0-9]{11}$", 11, |text| LandlineNumber::new(text).is_ok());
const MOBILE: Shape = Shape::Like("^[0-9]{12}$", 12, |text| MobileNumber::new(text).is_ok());
const TIN: Shape = Shape::Like("^[0-9]{3}(-[0-9]{3}){3}$", 15, |text| Tin::new(text).is_ok());
/// Section 8.6.
const REFERENCE: Shape = Shape::Like("^[A-Za-z0-9./-]+( [A-Za-z0-9./-]+)*$", 35, |text| {
    Line::<35>::new(text).is_ok()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ./-".contains(&byte))
});

named!(
    CONTACT,
    "CustomerContact",
    &[
        always("customerId", ANY),
        always("sub", ANY),
        sometimes("title", ANY),
        always("givenName", ANY),
        sometimes("middleName", ANY),
        always("lastName", ANY),
        sometimes("suffix", ANY),
        always("mobileNumber", ANY),
        always("email", ANY),
    ]
);
resource!(CONTACT_RESPONSE, "CustomerContactResponse", Shape::Of(&CONTACT));
named!(
    PERSONAL_INFORMATION,
    "PersonalInformation",
    &[
        always("sub", SUBJECT),
        sometimes("title", Shape::Line(20)),
        always("givenName", Shape::Line(70)),
        sometimes("middleName", Shape::Line(70)),
        always("lastName", Shape::Line(70)),
        sometimes("suffix", Shape::Line(20)),
        sometimes("phoneNumber", PHONE),
        always("mobileNumber", MOBILE),
        always("email", EMAIL),
        always("birthdate", DAY),
        always("nationality", COUNTRY),
        sometimes("tin", TIN),
        sometimes("presentAddress", Shape::Of(&ADDRESS)),
        sometimes("permanentAddress", Shape::Of(&ADDRESS)),
    ]
);
named!(
    ID_TYPE,
    "IdType",
    &[
        always("idNumber", Shape::Line(50)),
        always("idType", Shape::Line(100)),
        sometimes("idExpiryDate", DAY),
    ]
);
named!(
    CDD,
    "CDD",
    &[
        always("employmentStatus", Shape::Line(50)),
        sometimes("occupation", Shape::Line(100)),
        sometimes("natureOfWork", Shape::Line(10)),
        sometimes("employerName", Shape::Line(140)),
        sometimes("employerAddress", Shape::Of(&ADDRESS)),
        always("pepIndicator", Shape::Truth),
        always("fundSource", Shape::Line(100)),
        always("cddIndicator", Shape::OneOf(&["Low", "Normal", "High"])),
        sometimes("contributorType", Shape::OneOf(&["Employee", "Self-Employed", "Overseas Filipino"])),
    ]
);
named!(
    CUSTOMER_INFORMATION,
    "CustomerInformation",
    &[
        always("sub", SUBJECT),
        always("arrangementId", HANDLE),
        always("personalInformation", Shape::Of(&PERSONAL_INFORMATION)),
        always("presentedIds", Shape::Few(20, &Shape::Of(&ID_TYPE))),
        sometimes("cdd", Shape::Of(&CDD)),
        always("peraAdmin", PARTICIPANT),
    ]
);
sent!(CUSTOMER_REQUEST, "CustomerRequest", CUSTOMER_INFORMATION);
resource!(CUSTOMER_RESPONSE, "CustomerResponse", Shape::Of(&CUSTOMER_INFORMATION));
named!(
    ONBOARDING,
    "Onboarding",
    &[
        always("customerId", ANY),
        always("adminId", HANDLE),
        always("referenceId", UUID),
        always("status", Shape::OneOf(&["received", "pending", "active", "declined", "closed"])),
        sometimes(
            "reason",
            Shape::OneOf(&[
                "invalid_tin",
                "existing_account",
                "incomplete_info",
                "failed_dd",
                "failed_cc",
                "others"
            ]),
        ),
        always("creationDate", INSTANT),
        always("lastUpdateDate", INSTANT),
    ]
);
resource!(ONBOARDING_RESPONSE, "OnboardingResponse", Shape::Of(&ONBOARDING));

// Section 8.1.

named!(
    SOURCE_ACCOUNT,
    "SourceAccount",
    &[
        always("accountId", HANDLE),
        always("accountNumber", ANY),
        always("maskedNumber", ANY),
        always("accountType", Shape::OneOf(&["SAVINGS", "CURRENT", "EWALLET"])),
        always("accountName", ANY),
        always("currency", ANY),
        always("status", Shape::OneOf(&["ACTIVE", "DORMANT", "FROZEN", "CLOSED"])),
        always("linkable", Shape::Truth),
        always(
            "institution",
            Shape::Object(&[always("organizationId", HANDLE), always("name", ANY), always("bic", ANY)]),
        ),
    ]
);
list!(SOURCE_ACCOUNT_LIST, "SourceAccountList", Shape::Of(&SOURCE_ACCOUNT));

// Section 8.2.

pub(in crate::dialect::ofxpera) const PRODUCT_TYPE: Shape =
    Shape::OneOf(&["UITF", "MUTUAL_FUND", "INSURANCE", "GOVERNMENT_SECURITIES"]);
pub(in crate::dialect::ofxpera) const PRODUCT_CURRENCY: Shape = Shape::OneOf(&["PHP", "USD"]);
pub(in crate::dialect::ofxpera) const RISK_RATING: Shape =
    Shape::OneOf(&["CONSERVATIVE", "MODERATE", "AGGRESSIVE"]);
named!(
    PRODUCT,
    "Product",
    &[
        always("productId", HANDLE),
        always("productName", ANY),
        always("productType", PRODUCT_TYPE),
        always("currency", PRODUCT_CURRENCY),
        always("riskRating", RISK_RATING),
        always("navPerShare", FIGURE),
        always("fundManager", ANY),
        always("minimumInitialInvestment", AMOUNT),
        always("minimumAdditionalInvestment", AMOUNT),
        always("managementFee", FIGURE),
        always(
            "regulatoryInfo",
            Shape::Object(&[sometimes("bspApprovalNumber", ANY), sometimes("secRegistrationNumber", ANY)]),
        ),
        always(
            "historicalPerformance",
            Shape::Object(&[
                always("ytd", FIGURE),
                always("oneYear", FIGURE),
                always("threeYear", FIGURE),
                always("fiveYear", FIGURE),
            ]),
        ),
        always("investmentPolicy", ANY),
        always("cutoffTime", ANY),
        always("settlementPeriod", ANY),
        sometimes("productKiidUri", URI),
    ]
);
list!(PRODUCT_LIST, "ProductList", Shape::Of(&PRODUCT));

// Section 8.4.

named!(
    NEW_ACCOUNT,
    "NewAccount",
    &[
        always("productId", HANDLE),
        sometimes("nickname", Shape::Line(70)),
        sometimes("sourceAccountId", HANDLE),
        always("termsAccepted", Shape::Yes),
    ]
);
sent!(ACCOUNT_REQUEST, "AccountRequest", NEW_ACCOUNT);
pub(in crate::dialect::ofxpera) const ACCOUNT_STATUS: Shape = Shape::OneOf(&["PENDING", "ACTIVE", "CLOSED"]);
named!(
    HOLDING,
    "Holding",
    &[
        always("productId", HANDLE),
        always("units", FIGURE),
        always("navPerUnit", FIGURE),
        always("marketValue", AMOUNT),
        always("as_of", INSTANT),
    ]
);
named!(
    ACCOUNT,
    "Account",
    &[
        always("id", HANDLE),
        always("account_id", ANY),
        always("creation_date", INSTANT),
        always("status", ACCOUNT_STATUS),
        sometimes("product", ANY),
        sometimes(
            "balance",
            Shape::Object(&[
                always("current_value", Shape::Text(Form::SignedAmount)),
                always("currency", ANY),
                always("as_of", INSTANT),
            ]),
        ),
        sometimes("holdings", Shape::List(&Shape::Of(&HOLDING))),
    ]
);
resource!(ACCOUNT_RESPONSE, "AccountResponse", Shape::Of(&ACCOUNT));
list!(ACCOUNT_LIST, "AccountList", Shape::Of(&ACCOUNT));

// Section 8.5.

named!(
    TRANSACTION,
    "Transaction",
    &[
        always("transactionId", HANDLE),
        always("accountId", HANDLE),
        always("isDetailAvailable", Shape::Truth),
        always(
            "type",
            Shape::OneOf(&[
                "CONTRIBUTION",
                "SUBSCRIPTION",
                "REDEMPTION",
                "INCOME",
                "FEE",
                "WITHDRAWAL",
                "REVERSAL",
            ]),
        ),
        always("status", Shape::OneOf(&["PENDING", "POSTED"])),
        always("description", ANY),
        always("executionDateTime", INSTANT),
        sometimes("postingDateTime", INSTANT),
        always("amount", Shape::Text(Form::SignedAmount)),
        always("currency", ANY),
        sometimes("reference", ANY),
        sometimes(
            "extendedData",
            Shape::Object(&[
                sometimes("paymentId", UUID),
                sometimes("units", FIGURE),
                sometimes("navPerUnit", FIGURE),
                sometimes("fee", AMOUNT),
            ]),
        ),
    ]
);
resource!(TRANSACTION_RESPONSE, "TransactionResponse", Shape::Of(&TRANSACTION));
list!(TRANSACTION_LIST, "TransactionList", Shape::Of(&TRANSACTION));

// Section 8.6.

const RAIL: Shape = Shape::OneOf(&["INTERNAL", "INSTAPAY", "PESONET"]);
named!(
    NEW_PAYMENT,
    "NewPayment",
    &[
        always("sourceAccountId", HANDLE),
        always("peraAccountId", HANDLE),
        always("amount", Shape::Of(&MONEY)),
        sometimes("rail", RAIL),
        sometimes("requestedExecutionDate", DAY),
        always("reference", REFERENCE),
    ]
);
sent!(PAYMENT_REQUEST, "PaymentRequest", NEW_PAYMENT);
pub(in crate::dialect::ofxpera) const PAYMENT_STATUS: Shape =
    Shape::OneOf(&["RECEIVED", "PENDING", "ACCEPTED", "COMPLETED", "REJECTED", "CANCELLED"]);
named!(
    PAYMENT,
    "Payment",
    &[
        always("paymentId", UUID),
        always("consentId", HANDLE),
        always("type", Shape::OneOf(&["CONTRIBUTION"])),
        always("status", PAYMENT_STATUS),
        always("creationDateTime", INSTANT),
        always("statusUpdateDateTime", INSTANT),
        always("sourceAccountId", HANDLE),
        always("peraAccountId", HANDLE),
        always("amount", Shape::Of(&MONEY)),
        always("rail", RAIL),
        always("contributionYear", Shape::Whole),
        sometimes("requestedExecutionDate", DAY),
        sometimes("reference", REFERENCE),
        sometimes("rejectionReason", Shape::Object(&[always("code", ANY), always("message", ANY)])),
    ]
);
resource!(PAYMENT_RESPONSE, "PaymentResponse", Shape::Of(&PAYMENT));
list!(PAYMENT_LIST, "PaymentList", Shape::Of(&PAYMENT));
