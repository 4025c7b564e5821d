//! The shapes of `body`, for the description. Tests hold every request taken and every answer given against them.

use crate::openapi::{Form, Member, Named, Shape, always, sometimes};

/// Section 3.2: one resource.
macro_rules! resource {
    ($name:ident, $wire:literal, $data:expr) => {
        pub(super) static $name: Named = Named {
            name: $wire,
            shape: Shape::Object(&[
                always("data", $data),
                always("links", Shape::Object(&[always("self", Shape::Text(Form::Uri))])),
                always("meta", Shape::Object(&[])),
            ]),
        };
    };
}

/// Section 3.2: a page of a list.
macro_rules! list {
    ($name:ident, $wire:literal, $each:expr) => {
        pub(super) static $name: Named = Named {
            name: $wire,
            shape: Shape::Object(&[
                always("data", Shape::List(&$each)),
                always("links", Shape::Of(&PAGE_LINKS)),
                always(
                    "meta",
                    Shape::Object(&[
                        always("total-records", Shape::Whole),
                        always("total-pages", Shape::Whole),
                    ]),
                ),
            ]),
        };
    };
}

macro_rules! named {
    ($name:ident, $wire:literal, $members:expr) => {
        pub(super) static $name: Named = Named { name: $wire, shape: Shape::Object($members) };
    };
}

/// Section 3.2: what a request wraps its content in.
macro_rules! sent {
    ($name:ident, $wire:literal, $data:expr) => {
        pub(super) static $name: Named =
            Named { name: $wire, shape: Shape::Object(&[always("data", Shape::Of(&$data))]) };
    };
}

const ANY: Shape = Shape::Text(Form::Any);
const HANDLE: Shape = Shape::Text(Form::Handle);
const INSTANT: Shape = Shape::Text(Form::Instant);
const DAY: Shape = Shape::Text(Form::Day);
const AMOUNT: Shape = Shape::Text(Form::Amount);
const FIGURE: Shape = Shape::Text(Form::Figure);
const URI: Shape = Shape::Text(Form::Uri);
const UUID: Shape = Shape::Text(Form::Uuid);
const PHP: Shape = Shape::OneOf(&["PHP"]);

named!(
    PAGE_LINKS,
    "PageLinks",
    &[
        always("self", URI),
        sometimes("first", URI),
        sometimes("prev", URI),
        sometimes("next", URI),
        sometimes("last", URI),
    ]
);

named!(
    ERRORS,
    "Errors",
    &[always("errors", Shape::List(&Shape::Of(&ERROR))), always("meta", Shape::Object(&[])),]
);
named!(ERROR, "Error", &[always("code", ANY), always("message", ANY), sometimes("path", ANY)]);
named!(MONEY, "Money", &[always("amount", AMOUNT), always("currency", PHP)]);

const ADDRESS_MEMBERS: &[Member] = &[
    always("region", Shape::Line(10)),
    always("province", Shape::Line(10)),
    always("city", Shape::Line(10)),
    sometimes("barangay", Shape::Line(100)),
    sometimes("street_address", Shape::Line(140)),
    always("country", Shape::Text(Form::Country)),
    always("postal_code", Shape::Line(10)),
];
named!(ADDRESS, "Address", ADDRESS_MEMBERS);

// Section 6.

named!(
    CONTACT_DETAILS,
    "ContactDetails",
    &[always("phone", Shape::Line(40)), always("email", ANY), sometimes("website", URI),]
);
named!(
    ENDPOINT_URIS,
    "EndpointURIs",
    &[always("authorizationEndpoint", URI), always("tokenEndpoint", URI), always("resourceEndpoint", URI),]
);
named!(
    AUTHORIZATION_SERVER,
    "AuthorizationServer",
    &[always("baseUrl", URI), always("description", Shape::Line(140)),]
);
const ORGANIZATION_TYPE: Shape = Shape::OneOf(&["PERA_ADMIN", "CONTRIBUTOR_INSTITUTION"]);
const ORGANIZATION_TYPE_TAKEN: Shape =
    Shape::OneOf(&["PERA_ADMIN", "CONTRIBUTOR_INSTITUTION", "CONTRIBUTOR_FI"]);
pub(super) const ORGANIZATION_STATUS: Shape =
    Shape::OneOf(&["ACTIVE", "INACTIVE", "MAINTENANCE", "SUSPENDED"]);
pub(super) const TYPE_FILTER: Shape = ORGANIZATION_TYPE_TAKEN;

named!(
    NEW_ORGANIZATION,
    "NewOrganization",
    &[
        always("organizationId", HANDLE),
        always("organizationName", Shape::Line(140)),
        always("registeredName", Shape::Line(140)),
        always("organizationType", ORGANIZATION_TYPE_TAKEN),
        always("contactDetails", Shape::Of(&CONTACT_DETAILS)),
        always("endpointURIs", Shape::Of(&ENDPOINT_URIS)),
        sometimes("corsUris", Shape::List(&URI)),
        sometimes("registeredOfficeAddress", Shape::Of(&ADDRESS)),
        sometimes("businessAddress", Shape::Of(&ADDRESS)),
        sometimes("authorizationServers", Shape::List(&Shape::Of(&AUTHORIZATION_SERVER))),
        sometimes("certificate", ANY),
    ]
);
named!(
    ORGANIZATION,
    "Organization",
    &[
        always("organizationId", HANDLE),
        always("organizationName", Shape::Line(140)),
        always("registeredName", Shape::Line(140)),
        always("organizationType", ORGANIZATION_TYPE),
        always("contactDetails", Shape::Of(&CONTACT_DETAILS)),
        always("endpointURIs", Shape::Of(&ENDPOINT_URIS)),
        sometimes("corsUris", Shape::List(&URI)),
        sometimes("registeredOfficeAddress", Shape::Of(&ADDRESS)),
        sometimes("businessAddress", Shape::Of(&ADDRESS)),
        sometimes("authorizationServers", Shape::List(&Shape::Of(&AUTHORIZATION_SERVER))),
        always("status", ORGANIZATION_STATUS),
    ]
);
resource!(ORGANIZATION_RESPONSE, "OrganizationResponse", Shape::Of(&ORGANIZATION));
list!(ORGANIZATION_LIST, "OrganizationList", Shape::Of(&ORGANIZATION));
named!(
    CERTIFICATE,
    "Certificate",
    &[
        always("certificate", ANY),
        always("validFrom", INSTANT),
        always("validUntil", INSTANT),
        always(
            "subject",
            Shape::Object(&[
                sometimes("commonName", ANY),
                sometimes("organizationName", ANY),
                always("organizationId", ANY),
            ]),
        ),
    ]
);
resource!(CERTIFICATE_RESPONSE, "CertificateResponse", Shape::Of(&CERTIFICATE));

// Section 4.

const PERMISSION: Shape = Shape::OneOf(&[
    "PERA_BASIC_INFO",
    "PERA_BALANCE",
    "PERA_INVESTMENT_DETAILS",
    "PERA_TRANSACTIONS",
    "PERA_STATEMENTS",
    "SOURCE_ACCOUNT_READ",
    "CUSTOMER_READ",
    "CUSTOMER_DETAIL_READ",
    "CUSTOMER_ONBOARD",
    "ACCOUNT_OPEN",
    "PAYMENT_INITIATE",
]);
named!(DURATION, "SharingDuration", &[always("start_date", INSTANT), always("end_date", INSTANT)]);
named!(TERM, "AdditionalTerm", &[always("key", Shape::Line(50)), always("value", Shape::Line(255))]);
named!(
    LIMITS,
    "PaymentLimits",
    &[always("max_individual_amount", Shape::Of(&MONEY)), always("max_total_amount", Shape::Of(&MONEY)),]
);
named!(
    NEW_CONSENT,
    "NewConsent",
    &[
        always("data_holder_id", ANY),
        always("permissions", Shape::List(&PERMISSION)),
        always("sharing_duration", Shape::Of(&DURATION)),
        always("purpose", Shape::Line(255)),
        sometimes("additional_terms", Shape::List(&Shape::Of(&TERM))),
        sometimes("payment_limits", Shape::Of(&LIMITS)),
    ]
);
sent!(CONSENT_REQUEST, "ConsentRequest", NEW_CONSENT);
named!(
    CHANGED_CONSENT,
    "ChangedConsent",
    &[
        always("data_holder_id", ANY),
        always("permissions", Shape::List(&PERMISSION)),
        always("sharing_duration", Shape::Of(&DURATION)),
        always("purpose", Shape::Line(255)),
        sometimes("additional_terms", Shape::List(&Shape::Of(&TERM))),
        sometimes("payment_limits", Shape::Of(&LIMITS)),
        sometimes("status", Shape::OneOf(&["active", "suspended"])),
    ]
);
sent!(CONSENT_CHANGE, "ConsentChange", CHANGED_CONSENT);
named!(
    CONSENT,
    "Consent",
    &[
        always("id", HANDLE),
        always("status", Shape::OneOf(&["pending", "active", "suspended", "revoked", "expired", "rejected"])),
        always("created_at", INSTANT),
        always("last_updated_at", INSTANT),
        always("client_id", ANY),
        sometimes("customer_id", ANY),
        always("data_holder_id", ANY),
        always("permissions", Shape::List(&PERMISSION)),
        always("sharing_duration", Shape::Of(&DURATION)),
        always("purpose", Shape::Line(255)),
        sometimes("additional_terms", Shape::List(&Shape::Of(&TERM))),
        sometimes("payment_limits", Shape::Of(&LIMITS)),
        sometimes("account_ids", Shape::List(&HANDLE)),
        sometimes("revocation_info", Shape::Object(&[always("revoked_at", INSTANT), always("reason", ANY)])),
    ]
);
resource!(CONSENT_RESPONSE, "ConsentResponse", Shape::Of(&CONSENT));

// Sections 7.2 and 8.3.

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
        always("sub", ANY),
        sometimes("title", Shape::Line(20)),
        always("givenName", Shape::Line(70)),
        sometimes("middleName", Shape::Line(70)),
        always("lastName", Shape::Line(70)),
        sometimes("suffix", Shape::Line(20)),
        sometimes("phoneNumber", Shape::Line(11)),
        always("mobileNumber", Shape::Line(12)),
        always("email", Shape::Line(254)),
        always("birthdate", DAY),
        always("nationality", Shape::Text(Form::Country)),
        sometimes("tin", ANY),
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
        always("sub", ANY),
        always("arrangementId", HANDLE),
        always("personalInformation", Shape::Of(&PERSONAL_INFORMATION)),
        always("presentedIds", Shape::List(&Shape::Of(&ID_TYPE))),
        sometimes("cdd", Shape::Of(&CDD)),
        always("peraAdmin", HANDLE),
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

pub(super) const PRODUCT_TYPE: Shape =
    Shape::OneOf(&["UITF", "MUTUAL_FUND", "INSURANCE", "GOVERNMENT_SECURITIES"]);
pub(super) const PRODUCT_CURRENCY: Shape = Shape::OneOf(&["PHP", "USD"]);
pub(super) const RISK_RATING: Shape = Shape::OneOf(&["CONSERVATIVE", "MODERATE", "AGGRESSIVE"]);
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
        always("termsAccepted", Shape::Truth),
    ]
);
sent!(ACCOUNT_REQUEST, "AccountRequest", NEW_ACCOUNT);
pub(super) const ACCOUNT_STATUS: Shape = Shape::OneOf(&["PENDING", "ACTIVE", "CLOSED"]);
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
        always("reference", Shape::Line(35)),
    ]
);
sent!(PAYMENT_REQUEST, "PaymentRequest", NEW_PAYMENT);
pub(super) const PAYMENT_STATUS: Shape =
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
        sometimes("reference", Shape::Line(35)),
        sometimes("rejectionReason", Shape::Object(&[always("code", ANY), always("message", ANY)])),
    ]
);
resource!(PAYMENT_RESPONSE, "PaymentResponse", Shape::Of(&PAYMENT));
list!(PAYMENT_LIST, "PaymentList", Shape::Of(&PAYMENT));
