//! The shapes of `body`, for the description. Tests hold every request taken and every answer given against them.

use oauth_core::HttpsUrl;

use super::map::amount;
use crate::domain::{Currency, Email, OrganisationId, PlaceCode, PostalCode, WebOrigin};
use crate::openapi::{Form, Member, Named, Shape, always, sometimes};

/// Section 3.2: one resource.
macro_rules! resource {
    ($name:ident, $wire:literal, $data:expr) => {
        pub(in crate::dialect::ofxpera) static $name: Named = Named {
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
        pub(in crate::dialect::ofxpera) static $name: Named = Named {
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
        pub(in crate::dialect::ofxpera) static $name: Named =
            Named { name: $wire, shape: Shape::Object($members) };
    };
}

/// Section 3.2: what a request wraps its content in.
macro_rules! sent {
    ($name:ident, $wire:literal, $data:expr) => {
        pub(in crate::dialect::ofxpera) static $name: Named =
            Named { name: $wire, shape: Shape::Object(&[always("data", Shape::Of(&$data))]) };
    };
}

mod banking;

pub(super) use banking::{
    ACCOUNT_LIST, ACCOUNT_REQUEST, ACCOUNT_RESPONSE, ACCOUNT_STATUS, CONTACT_RESPONSE, CUSTOMER_REQUEST,
    CUSTOMER_RESPONSE, ONBOARDING_RESPONSE, PAYMENT_LIST, PAYMENT_REQUEST, PAYMENT_RESPONSE, PAYMENT_STATUS,
    PRODUCT_CURRENCY, PRODUCT_LIST, PRODUCT_TYPE, RISK_RATING, SOURCE_ACCOUNT_LIST, TRANSACTION_LIST,
    TRANSACTION_RESPONSE,
};

/// Section 3.1.
pub(super) const PARTICIPANT: Shape =
    Shape::Like("^[A-Za-z0-9._-]{1,64}$", 64, |text| OrganisationId::new(text).is_ok());
/// An address that may be registered: `https`, in its one form.
const HTTPS: Shape = Shape::Like(
    "^https://[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z]([a-z0-9-]{0,61}[a-z0-9])?){1,4}(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~-]*)*$",
    512,
    |text| HttpsUrl::new(text).is_ok(),
);
/// Section 6.1: the origin of a page.
const ORIGIN: Shape = Shape::Like(
    "^https://[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z]([a-z0-9-]{0,61}[a-z0-9])?){1,4}(:[1-9][0-9]{3})?$",
    255,
    |text| WebOrigin::new(text).is_ok(),
);
const EMAIL: Shape = Shape::Like("^[!-?A-~]+@[!-,/-?A-~][!-?A-~]*\\.[!-?A-~]*[!-,/-?A-~]$", 254, |text| {
    Email::new(text).is_ok()
});
const COUNTRY: Shape = Shape::Text(Form::Country);
const PLACE: Shape = Shape::Like("^[A-Za-z0-9]{1,10}$", 10, |text| PlaceCode::new(text).is_ok());
const POSTAL_CODE: Shape = Shape::Like("^[A-Za-z0-9 -]{1,10}$", 10, |text| PostalCode::new(text).is_ok());
/// Section 0, of a movement: more than nothing.
const POSITIVE: Shape =
    Shape::Like("^([0-9]{0,12}[1-9][0-9]{0,12}\\.[0-9]{2}|0{1,13}\\.([1-9][0-9]|0[1-9]))$", 16, |text| {
        amount(text, Currency::Php).is_ok_and(|amount| amount.minor() > 0)
    });
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
named!(MONEY, "Money", &[always("amount", POSITIVE), always("currency", PHP)]);

const ADDRESS_MEMBERS: &[Member] = &[
    always("region", PLACE),
    always("province", PLACE),
    always("city", PLACE),
    sometimes("barangay", Shape::Line(100)),
    sometimes("street_address", Shape::Line(140)),
    always("country", COUNTRY),
    always("postal_code", POSTAL_CODE),
];
named!(ADDRESS, "Address", ADDRESS_MEMBERS);

// Section 6.

named!(
    CONTACT_DETAILS,
    "ContactDetails",
    &[always("phone", Shape::Line(40)), always("email", EMAIL), sometimes("website", HTTPS),]
);
named!(
    ENDPOINT_URIS,
    "EndpointURIs",
    &[
        always("authorizationEndpoint", HTTPS),
        always("tokenEndpoint", HTTPS),
        always("resourceEndpoint", HTTPS),
    ]
);
named!(
    AUTHORIZATION_SERVER,
    "AuthorizationServer",
    &[always("baseUrl", HTTPS), always("description", Shape::Line(140)),]
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
        always("organizationId", PARTICIPANT),
        always("organizationName", Shape::Line(140)),
        always("registeredName", Shape::Line(140)),
        always("organizationType", ORGANIZATION_TYPE_TAKEN),
        always("contactDetails", Shape::Of(&CONTACT_DETAILS)),
        always("endpointURIs", Shape::Of(&ENDPOINT_URIS)),
        sometimes("corsUris", Shape::Some(0, 20, &ORIGIN)),
        sometimes("registeredOfficeAddress", Shape::Of(&ADDRESS)),
        sometimes("businessAddress", Shape::Of(&ADDRESS)),
        sometimes("authorizationServers", Shape::Few(10, &Shape::Of(&AUTHORIZATION_SERVER))),
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
        always("data_holder_id", Shape::Line(128)),
        always("permissions", Shape::Some(1, 11, &PERMISSION)),
        always("sharing_duration", Shape::Of(&DURATION)),
        always("purpose", Shape::Line(255)),
        sometimes("additional_terms", Shape::Few(20, &Shape::Of(&TERM))),
        sometimes("payment_limits", Shape::Of(&LIMITS)),
    ]
);
sent!(CONSENT_REQUEST, "ConsentRequest", NEW_CONSENT);
named!(
    CHANGED_CONSENT,
    "ChangedConsent",
    &[
        always("data_holder_id", Shape::Line(128)),
        always("permissions", Shape::Some(1, 11, &PERMISSION)),
        always("sharing_duration", Shape::Of(&DURATION)),
        always("purpose", Shape::Line(255)),
        sometimes("additional_terms", Shape::Few(20, &Shape::Of(&TERM))),
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
