//! What each route is called, takes and answers, and the shapes of `body`. The rows of `routes` point here.

use super::BASE;
use crate::openapi::{
    Form, Given, Interface, Named, Operation, Parameter, Presence, Refused, Refusing, Shape, always,
    sometimes,
};

/// The interface as a whole.
pub(super) fn interface() -> Interface {
    Interface {
        name: "uae-bank-side",
        title: "UAE Bank Service Initiation, the bank's side",
        version: "1.0.0",
        base: BASE.to_owned(),
        refusals: REFUSALS,
        headers: HEADERS,
        key: &ANY,
        segments: SEGMENTS,
        aliases: Vec::new(),
        elsewhere: &[],
    }
}

const JSON: &str = "application/json";
const ANY: Shape = Shape::Text(Form::Any);
const INSTANT: Shape = Shape::Text(Form::Instant);

const HEADERS: &[Parameter] = &[
    Parameter {
        name: "x-fapi-interaction-id",
        shape: Shape::Text(Form::Uuid),
        presence: Presence::Sometimes,
    },
    Parameter {
        name: "x-fapi-customer-ip-address",
        shape: Shape::Text(Form::Address),
        presence: Presence::Sometimes,
    },
];

const SEGMENTS: &[Parameter] = &[
    Parameter { name: "ConsentId", shape: NAME, presence: Presence::Always },
    Parameter { name: "AuthorizerId", shape: NAME, presence: Presence::Always },
    Parameter { name: "PaymentId", shape: Shape::Text(Form::Uuid), presence: Presence::Always },
];

const fn told(status: u16, says: &'static str) -> Refused {
    Refused { status, says, by: Refusing::All, media: JSON, body: Some(&ERRORS) }
}

const fn bare(status: u16, says: &'static str) -> Refused {
    Refused { status, says, by: Refusing::All, media: "", body: None }
}

/// Section 13.
const REFUSALS: &[Refused] = &[
    told(400, "A header or a member is missing, unknown, malformed or contradicts another."),
    bare(401, "No access token, or none that is good for this caller."),
    told(403, "The token is not one of the bank's side."),
    bare(404, "There is no such consent, payment or authoriser."),
    bare(405, "The path has no such method."),
    bare(406, "The caller does not take JSON."),
    told(409, "The status does not allow it."),
    bare(413, "The body is too large."),
    bare(415, "The body is not sent as JSON."),
    bare(429, "The caller calls more often than it may; see Retry-After."),
    told(500, "Something failed on our side."),
];

macro_rules! named {
    ($name:ident, $wire:literal, $members:expr) => {
        static $name: Named = Named { name: $wire, shape: Shape::Object($members) };
    };
}

macro_rules! operation {
    ($name:ident, $id:literal, $summary:literal, $takes:ident, $given:expr) => {
        pub(super) static $name: Operation =
            Operation { id: $id, summary: $summary, query: &[], takes: Some(&$takes), gives: &[$given] };
    };
}

const DONE: Given = Given { status: 204, media: "", body: None };

operation!(
    CHANGE_CONSENT,
    "PatchConsentByLfi",
    "The bank names customer, accounts and authorisers, and authorises, rejects, holds or lets go.",
    CONSENT_ORDER,
    DONE
);
operation!(REVOKE_CONSENT, "RevokeConsentByLfi", "The bank ends a consent.", REVOCATION, DONE);
operation!(
    DECIDE,
    "DecideAuthorization",
    "One of several authorisers has decided.",
    DECISION,
    Given { status: 200, media: JSON, body: Some(&DECIDED) }
);
operation!(LOG_PAYMENT, "PatchPaymentLog", "The bank says what became of a payment.", LOG_ENTRY, DONE);

const NAME: Shape = Shape::Like("^[!-~]{1,128}$", 128, |text| {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
});
const CONSENT_STATUS: Shape = Shape::OneOf(&[
    "AwaitingAuthorization",
    "Authorized",
    "Suspended",
    "Rejected",
    "Revoked",
    "Expired",
    "Finished",
]);

named!(ERROR, "Error", &[always("Code", ANY), always("Message", Shape::Of(&TEXT)), sometimes("Path", ANY)]);
named!(ERRORS, "Errors", &[always("Errors", Shape::List(&Shape::Of(&ERROR)))]);
named!(TEXT, "Text", &[always("en", ANY)]);
named!(
    AUTHORIZATION,
    "Authorization",
    &[
        always("AuthorizerId", NAME),
        always("AuthorizerType", NAME),
        always("AuthorizationStatus", Shape::OneOf(&["Pending", "Approved", "Rejected"])),
        sometimes("AuthorizationDate", INSTANT),
    ]
);
named!(
    META,
    "ConsentMeta",
    &[sometimes(
        "MultipleAuthorizers",
        Shape::Object(&[
            always("TotalRequired", Shape::Whole),
            always("Authorizations", Shape::List(&Shape::Of(&AUTHORIZATION))),
        ]),
    )]
);
const PSU: Shape = Shape::Object(&[always("userId", NAME)]);
named!(
    CONSENT_ORDER,
    "ConsentOrder",
    &[
        sometimes("authorizationChannel", Shape::OneOf(&["App", "Web"])),
        sometimes("psuIdentifiers", PSU),
        sometimes("accountIds", Shape::List(&NAME)),
        sometimes(
            "consentBody",
            Shape::Object(&[
                sometimes("Data", Shape::Object(&[always("Status", CONSENT_STATUS)])),
                sometimes("Meta", Shape::Of(&META)),
            ]),
        ),
    ]
);
named!(
    REVOCATION,
    "Revocation",
    &[always("revokedBy", Shape::OneOf(&["LFI", "LFI.InitiatedByUser"])), sometimes("revokedByPsu", PSU),]
);
named!(DECISION, "Decision", &[always("decision", Shape::OneOf(&["Approved", "Rejected"]))]);
named!(DECIDED, "Decided", &[always("Status", CONSENT_STATUS), always("Meta", Shape::Of(&META))]);
named!(
    LOG_ENTRY,
    "PaymentLogEntry",
    &[always(
        "paymentResponse",
        Shape::Object(&[
            always(
                "status",
                Shape::OneOf(&[
                    "Pending",
                    "AcceptedSettlementCompleted",
                    "AcceptedWithoutPosting",
                    "AcceptedCreditSettlementCompleted",
                    "Rejected",
                ]),
            ),
            sometimes("paymentTransactionId", ANY),
            sometimes(
                "statusDetail",
                Shape::Object(&[
                    always("Reason", Shape::Object(&[always("Code", ANY), sometimes("Detail", ANY)])),
                    sometimes("Message", Shape::Object(&[sometimes("en", ANY), sometimes("ar", ANY)])),
                ]),
            ),
        ]),
    )]
);
