//! What each route of version 1.2 is called, takes and answers, where that is not as in the early drafts.

use rar_consent::UaeVocabulary;

use super::super::described::{self, NOTHING, given};
use super::super::map::base_path;
use super::shapes;
use crate::openapi::{Given, Interface, Named, Operation, Parameter, Presence, Shape};

/// The interface as a whole.
pub(in super::super) fn interface() -> Interface {
    Interface {
        name: "uae-v1.2",
        title: "UAE Bank Service Initiation, version 1.2",
        version: "1.2.0",
        base: base_path(UaeVocabulary::V1_2).to_owned(),
        elsewhere: described::OAUTH,
        ..described::interface()
    }
}

const fn operation(
    id: &'static str,
    summary: &'static str,
    takes: Option<&'static Named>,
    gives: &'static [Given],
) -> Operation {
    Operation { id, summary, query: &[], takes, gives }
}

pub(super) static CREATE_PAYMENT: Operation = operation(
    "CreatePayment",
    "Orders a payment under a consent.",
    Some(&shapes::PAYMENT_REQUEST),
    &[given(201, &shapes::PAYMENT_RESPONSE)],
);
pub(super) static READ_PAYMENT: Operation = operation(
    "RetrievePayment",
    "Tells how far a payment has come.",
    None,
    &[given(200, &shapes::PAYMENT_RESPONSE)],
);
pub(super) static LIST_CONSENTS: Operation = Operation {
    query: &[Parameter { name: "baseConsentId", shape: Shape::Line(128), presence: Presence::Always }],
    ..operation(
        "RetrievePaymentConsentsByBaseConsentId",
        "Lists a consent and those that continue it, newest first.",
        None,
        &[given(200, &shapes::CONSENT_LIST)],
    )
};
pub(super) static READ_CONSENT: Operation = operation(
    "RetrievePaymentConsent",
    "Tells a consent as it is now, without who pays whom.",
    None,
    &[given(200, &shapes::CONSENT_RESPONSE)],
);
pub(super) static READ_REFUND: Operation = operation(
    "RetrievePaymentConsentRefund",
    "Tells the account a refund goes to, where the customer permits it.",
    None,
    &[given(200, &shapes::REFUND_RESPONSE)],
);
pub(super) static CHANGE_CONSENT: Operation = operation(
    "PatchPaymentConsent",
    "Ends a consent, holds it for a while, sends its events elsewhere, or both at once.",
    Some(&shapes::CONSENT_PATCH),
    &[NOTHING],
);
