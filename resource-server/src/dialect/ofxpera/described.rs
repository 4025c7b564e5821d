//! What each route is called, takes and answers. The rows of `routes` point here, so no route is without a description.

use super::routes::ALIASES;
use super::shapes;
use crate::openapi::{
    Form, Given, Interface, Named, Operation, Parameter, Presence, Refused, Refusing, Shape,
};

/// The interface as a whole, below this base.
pub(super) fn interface(base: &str) -> Interface {
    Interface {
        name: "ofxpera",
        title: "OFxPERA",
        version: "1.0.0",
        base: base.to_owned(),
        refusals: REFUSALS,
        headers: HEADERS,
        key: &UUID,
        segments: SEGMENTS,
        aliases: ALIASES.iter().map(|alias| (alias.from, alias.to)).collect(),
        elsewhere: super::oauth::OAUTH,
    }
}

const JSON: &str = "application/json";

const fn optional(name: &'static str, shape: Shape) -> Parameter {
    Parameter { name, shape, presence: Presence::Sometimes }
}

const UUID: Shape = Shape::Text(Form::Uuid);

/// Section 3.1.
const HEADERS: &[Parameter] = &[
    Parameter { name: "participant-id", shape: shapes::PARTICIPANT, presence: Presence::Always },
    optional("x-v", Shape::Like("^1(\\.[0-9]{1,4}\\.[0-9]{1,4})?$", 11, |text| text.starts_with('1'))),
    optional("x-fapi-interaction-id", UUID),
    optional("x-fapi-auth-date", Shape::Text(Form::Date)),
    optional("x-fapi-customer-ip-address", Shape::Text(Form::Address)),
    optional("x-client-headers", WORDS),
    optional("x-client-user-agent", WORDS),
];

const SEGMENTS: &[Parameter] = &[
    Parameter { name: "id", shape: Shape::Text(Form::Handle), presence: Presence::Always },
    Parameter { name: "transactionId", shape: Shape::Text(Form::Handle), presence: Presence::Always },
];

/// Section 3.1: what is kept for audit alone, and its characters.
pub(super) const CLIENT_WORDS: &[(&str, usize)] =
    &[("x-client-headers", CLIENT_CHARS), ("x-client-user-agent", CLIENT_CHARS)];
const CLIENT_CHARS: usize = 4096;
const WORDS: Shape = Shape::Like("^[\t -~]*$", CLIENT_CHARS, |text| text.len() <= CLIENT_CHARS);

const fn refused(status: u16, by: Refusing, says: &'static str) -> Refused {
    Refused { status, says, by, media: JSON, body: Some(&shapes::ERRORS) }
}

/// Section 3.3.
const REFUSALS: &[Refused] = &[
    refused(400, Refusing::All, "A header, a parameter or a member is missing or malformed."),
    refused(401, Refusing::All, "No access token, or none that is good for this caller."),
    refused(403, Refusing::All, "Scope, consent or participant do not allow it."),
    refused(404, Refusing::All, "There is no such thing for this token."),
    refused(405, Refusing::All, "The path has no such method; see Allow."),
    refused(406, Refusing::All, "This version or media type is not answered in."),
    refused(409, Refusing::Changing, "The state does not allow it, or the key belongs to another request."),
    refused(412, Refusing::Changing, "It has changed since its ETag was read."),
    refused(413, Refusing::WithBody, "The body is too large."),
    refused(415, Refusing::WithBody, "The body is not sent as application/json."),
    refused(422, Refusing::WithBody, "A rule of the business does not allow it."),
    refused(422, Refusing::Paging, "There is no such page."),
    refused(429, Refusing::All, "This client calls more often than it may; see Retry-After."),
    refused(500, Refusing::All, "Something failed on our side."),
    refused(503, Refusing::All, "Something this server needs is away; see Retry-After."),
];

const PAGE: Parameter = optional("page", Shape::Between(1, u32::MAX));
const PAGE_SIZE: Parameter = optional("page-size", Shape::Between(1, 1000));
const OLDEST: Parameter = optional("oldest-time", Shape::Text(Form::Instant));
const NEWEST: Parameter = optional("newest-time", Shape::Text(Form::Instant));

const fn given(status: u16, body: &'static Named) -> Given {
    Given { status, media: JSON, body: Some(body) }
}

/// Section 7.2: the same, for clients that registered for encryption.
const fn sealed(status: u16) -> Given {
    Given { status, media: super::sealing::JOSE, body: None }
}

macro_rules! operation {
    ($name:ident, $id:literal, $summary:literal, $query:expr, $takes:expr, [$($given:expr),+]) => {
        pub(super) static $name: Operation =
            Operation { id: $id, summary: $summary, query: $query, takes: $takes, gives: &[$($given),+] };
    };
}

operation!(
    REGISTER_ORGANIZATION,
    "registerOrganization",
    "Registers a participant with its addresses, origins and certificate.",
    &[],
    Some(&shapes::NEW_ORGANIZATION),
    [given(201, &shapes::ORGANIZATION_RESPONSE)]
);
operation!(
    LIST_ORGANIZATIONS,
    "listOrganizations",
    "Lists the participants.",
    &[
        optional("type", shapes::TYPE_FILTER),
        optional("status", shapes::ORGANIZATION_STATUS),
        PAGE,
        PAGE_SIZE
    ],
    None,
    [given(200, &shapes::ORGANIZATION_LIST)]
);
operation!(
    ORGANIZATION_CERTIFICATE,
    "getOrganizationCertificate",
    "Tells the certificate of a participant, as JSON or as PEM.",
    &[],
    None,
    [
        given(200, &shapes::CERTIFICATE_RESPONSE),
        Given { status: 200, media: "application/x-pem-file", body: None }
    ]
);
operation!(
    CREATE_CONSENT,
    "createConsent",
    "Creates a consent that waits for its customer.",
    &[],
    Some(&shapes::CONSENT_REQUEST),
    [given(201, &shapes::CONSENT_RESPONSE)]
);
operation!(
    GET_CONSENT,
    "getConsent",
    "Tells a consent as it is now.",
    &[],
    None,
    [given(200, &shapes::CONSENT_RESPONSE)]
);
operation!(
    UPDATE_CONSENT,
    "updateConsent",
    "Narrows a consent, suspends it, or ends a suspension.",
    &[],
    Some(&shapes::CONSENT_CHANGE),
    [given(200, &shapes::CONSENT_RESPONSE)]
);
operation!(
    REVOKE_CONSENT,
    "revokeConsent",
    "Takes a consent back.",
    &[optional("reason", Shape::Line(255))],
    None,
    [given(200, &shapes::CONSENT_RESPONSE)]
);
operation!(
    GET_CUSTOMER,
    "getCustomer",
    "Tells how to reach the customer.",
    &[],
    None,
    [given(200, &shapes::CONTACT_RESPONSE), sealed(200)]
);
operation!(
    GET_CUSTOMER_DETAIL,
    "getCustomerDetail",
    "Tells all that is known of the customer.",
    &[],
    None,
    [given(200, &shapes::CUSTOMER_RESPONSE), sealed(200)]
);
operation!(
    GET_SOURCE_ACCOUNTS,
    "getSourceAccounts",
    "Lists the ordinary accounts the customer gave.",
    &[PAGE, PAGE_SIZE],
    None,
    [given(200, &shapes::SOURCE_ACCOUNT_LIST), sealed(200)]
);
operation!(
    LIST_PRODUCTS,
    "listProducts",
    "Lists the products a contributor can choose.",
    &[
        optional("product-type", shapes::PRODUCT_TYPE),
        optional("currency", shapes::PRODUCT_CURRENCY),
        optional("risk-rating", shapes::RISK_RATING),
        PAGE,
        PAGE_SIZE
    ],
    None,
    [given(200, &shapes::PRODUCT_LIST)]
);
operation!(
    SUBMIT_CUSTOMER,
    "submitCustomer",
    "Registers the customer with the administrator.",
    &[],
    Some(&shapes::CUSTOMER_REQUEST),
    [given(201, &shapes::ONBOARDING_RESPONSE), sealed(201)]
);
operation!(
    GET_ONBOARDING,
    "getCustomerOnboarding",
    "Tells how far the registration has come.",
    &[],
    None,
    [given(200, &shapes::ONBOARDING_RESPONSE), sealed(200)]
);
operation!(
    OPEN_ACCOUNT,
    "openAccount",
    "Opens a retirement account for the customer.",
    &[],
    Some(&shapes::ACCOUNT_REQUEST),
    [given(201, &shapes::ACCOUNT_RESPONSE), sealed(201)]
);
operation!(
    LIST_ACCOUNTS,
    "listAccounts",
    "Lists the retirement accounts the customer gave.",
    &[optional("status", shapes::ACCOUNT_STATUS), PAGE, PAGE_SIZE],
    None,
    [given(200, &shapes::ACCOUNT_LIST), sealed(200)]
);
operation!(
    GET_ACCOUNT,
    "getAccount",
    "Tells one retirement account.",
    &[],
    None,
    [given(200, &shapes::ACCOUNT_RESPONSE), sealed(200)]
);
operation!(
    LIST_TRANSACTIONS,
    "listTransactions",
    "Lists the statement of an account, newest first.",
    &[
        OLDEST,
        NEWEST,
        optional("min-amount", Shape::Text(Form::SignedAmount)),
        optional("max-amount", Shape::Text(Form::SignedAmount)),
        PAGE,
        PAGE_SIZE
    ],
    None,
    [given(200, &shapes::TRANSACTION_LIST), sealed(200)]
);
operation!(
    GET_TRANSACTION,
    "getTransaction",
    "Tells one line of the statement in full.",
    &[],
    None,
    [given(200, &shapes::TRANSACTION_RESPONSE), sealed(200)]
);
operation!(
    INITIATE_PAYMENT,
    "initiatePayment",
    "Initiates a contribution.",
    &[],
    Some(&shapes::PAYMENT_REQUEST),
    [given(201, &shapes::PAYMENT_RESPONSE), sealed(201)]
);
operation!(
    GET_PAYMENT,
    "getPayment",
    "Tells how far a contribution has come.",
    &[],
    None,
    [given(200, &shapes::PAYMENT_RESPONSE), sealed(200)]
);
operation!(
    CANCEL_PAYMENT,
    "cancelPayment",
    "Calls a contribution off.",
    &[],
    None,
    [given(200, &shapes::PAYMENT_RESPONSE), sealed(200)]
);
operation!(
    LIST_PAYMENTS,
    "listPayments",
    "Lists contributions, newest first.",
    &[
        optional("status", shapes::PAYMENT_STATUS),
        OLDEST,
        NEWEST,
        optional("account-id", Shape::Text(Form::Handle)),
        PAGE,
        PAGE_SIZE
    ],
    None,
    [given(200, &shapes::PAYMENT_LIST), sealed(200)]
);
