//! What each route is called, takes and answers. The rows of `routes` point here.

use http::Method;
use rar_consent::UaeVocabulary;

use super::map::base_path;
use super::shapes;
use crate::openapi::{
    Elsewhere, Form, Given, Interface, Named, Operation, Parameter, Presence, Refused, Refusing, SIGNED,
    Shape,
};

/// The interface as a whole.
pub(super) fn interface() -> Interface {
    Interface {
        name: "uae",
        title: "UAE Bank Service Initiation",
        version: "1.0.0",
        base: base_path(UaeVocabulary::Seed).to_owned(),
        refusals: REFUSALS,
        headers: HEADERS,
        key: &shapes::KEY,
        segments: SEGMENTS,
        aliases: Vec::new(),
        elsewhere: OAUTH,
    }
}

const fn optional(name: &'static str, shape: Shape) -> Parameter {
    Parameter { name, shape, presence: Presence::Sometimes }
}

/// Section 12.
const HEADERS: &[Parameter] = &[
    optional("x-fapi-interaction-id", Shape::Text(Form::Uuid)),
    optional("x-fapi-auth-date", shapes::AUTH_DATE),
    optional("x-fapi-customer-ip-address", Shape::Text(Form::Address)),
    optional("x-customer-user-agent", Shape::Text(Form::Any)),
];

const SEGMENTS: &[Parameter] = &[
    Parameter { name: "PaymentId", shape: Shape::Text(Form::Uuid), presence: Presence::Always },
    Parameter { name: "ConsentId", shape: shapes::CONSENT_ID, presence: Presence::Always },
];

const fn told(status: u16, by: Refusing, says: &'static str) -> Refused {
    Refused { status, says, by, media: SIGNED, body: Some(&shapes::ERRORS) }
}

const fn bare(status: u16, by: Refusing, says: &'static str) -> Refused {
    Refused { status, says, by, media: "", body: None }
}

/// Section 13.
const REFUSALS: &[Refused] = &[
    told(
        400,
        Refusing::All,
        "A header, a parameter, the signature or the message is wrong, or the consent does not allow it.",
    ),
    bare(401, Refusing::All, "No access token, or none that is good for this caller."),
    told(
        403,
        Refusing::All,
        "The token lacks the scope, the consent the permission, or the account cannot be used.",
    ),
    bare(403, Refusing::All, "The same, for a caller who is not known."),
    bare(404, Refusing::Naming, "There is no such resource for this caller."),
    bare(405, Refusing::All, "The path has no such method."),
    bare(406, Refusing::All, "The caller does not take application/jwt."),
    told(
        409,
        Refusing::Changing,
        "The key belongs to another request, or the same request is being worked on.",
    ),
    bare(413, Refusing::WithBody, "The body is too large."),
    bare(415, Refusing::WithBody, "The body is not sent as application/jwt."),
    told(500, Refusing::All, "Something failed on our side."),
    bare(503, Refusing::All, "Something this server needs is away; ask again."),
];

pub(super) const fn given(status: u16, body: &'static Named) -> Given {
    Given { status, media: SIGNED, body: Some(body) }
}

pub(super) const NOTHING: Given = Given { status: 204, media: "", body: None };

macro_rules! operation {
    ($name:ident, $id:literal, $summary:literal, $query:expr, $takes:expr, $given:expr) => {
        pub(super) static $name: Operation =
            Operation { id: $id, summary: $summary, query: $query, takes: $takes, gives: &[$given] };
    };
}

operation!(
    CREATE_PAYMENT,
    "CreatePayment",
    "Orders a payment under a consent.",
    &[],
    Some(&shapes::PAYMENT_REQUEST),
    given(201, &shapes::PAYMENT_RESPONSE)
);
operation!(
    FIND_PAYMENT,
    "QueryPaymentResource",
    "Tells where the payment of an idempotency key is.",
    &[],
    None,
    given(200, &shapes::PAYMENT_FOUND)
);
operation!(
    READ_PAYMENT,
    "RetrievePayment",
    "Tells how far a payment has come.",
    &[],
    None,
    given(200, &shapes::PAYMENT_RESPONSE)
);
operation!(
    LIST_CONSENTS,
    "RetrievePaymentConsentsByBaseConsentId",
    "Lists the consents that continue another one, newest first.",
    &[Parameter { name: "baseConsentId", shape: Shape::Line(128), presence: Presence::Always }],
    None,
    given(200, &shapes::CONSENT_LIST)
);
operation!(
    READ_CONSENT,
    "RetrievePaymentConsent",
    "Tells a consent as it is now.",
    &[],
    None,
    given(200, &shapes::CONSENT_RESPONSE)
);
operation!(
    READ_REFUND,
    "RetrievePaymentConsentRefund",
    "Tells the account a refund goes to, where the customer permits it.",
    &[],
    None,
    given(200, &shapes::REFUND_RESPONSE)
);
operation!(
    CHANGE_CONSENT,
    "PatchPaymentConsent",
    "Ends a consent, sends its events elsewhere, or both at once.",
    &[],
    Some(&shapes::CONSENT_PATCH),
    NOTHING
);

// Section 2: served by the authorization server, whose own documents describe requests and answers.
static PUSHED: Named = Named {
    name: "Pushed",
    shape: Shape::Object(&[
        crate::openapi::always("request_uri", Shape::Text(Form::Any)),
        crate::openapi::always("expires_in", Shape::Whole),
    ]),
};
operation!(
    PAR,
    "CreatePushedAuthorizationRequest",
    "Stages a consent: a pushed authorization request (RFC 9126) with a signed request object.",
    &[],
    None,
    Given { status: 201, media: "application/json", body: Some(&PUSHED) }
);

/// Section 1: one endpoint, at the addresses of either vocabulary.
pub(super) const OAUTH: &[Elsewhere] = &[Elsewhere {
    method: Method::POST,
    path: "/open-finance/v1/par",
    aliases: &["/open-finance/auth/v1.2/par"],
    callers: "A client that authenticates with private_key_jwt, or as it is registered.",
    about: &PAR,
}];
