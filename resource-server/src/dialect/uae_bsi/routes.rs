//! UAE Bank Service Initiation, section 1: the routes, and what each does with an admitted call.

use http::header::LOCATION;
use http::{HeaderName, Method, StatusCode};
use oauth_core::{ConsentId, Fault};
use rar_consent::{Actor, Consent, ExerciseFault, ExerciseRefusal, Revoked, Terms, UaePayment};

use super::body::{ConsentPatch, PatchStatus, PaymentRequest, PaymentType};
use super::error::{Reason, Refused};
use super::map::{self, Base, Shown};
use super::{UaeBsi, bare, log, with_header};
use crate::dialect::{Answer, Call, Route};
use crate::domain::{Payment, PaymentId};
use crate::guard::{ANY_STANDING, Body, IDEMPOTENCY_KEY, IN_FORCE, Needs, Retry, Scoped, TokenKind};
use crate::port::{KeyRef, KeyedOperation};
use crate::rules::uae_payments as rules;

const OWN: &[Scoped] = &[Scoped::OfConsent("payments")];
const PLAIN: &[Scoped] = &[Scoped::Value("payments")];
const EITHER: &[Scoped] = &[Scoped::Value("payments"), Scoped::OfConsent("payments")];

/// A resource is read, by the client for itself or with a customer's token.
const READ: Needs = Needs {
    token: TokenKind::Either,
    scope: EITHER,
    standing: ANY_STANDING,
    permission: None,
    body: Body::None,
    retry: Retry::None,
};

pub(super) const ROUTES: &[Route<UaeBsi>] = &[
    Route {
        method: Method::POST,
        path: "/payments",
        needs: Needs {
            token: TokenKind::Customer,
            scope: OWN,
            standing: IN_FORCE,
            permission: None,
            body: Body::SignedJwt,
            retry: Retry::ByIdempotencyKey,
        },
        handle: |bank, call| Box::pin(async move { settle(bank, call, create_payment(bank, call).await).await }),
    },
    Route {
        method: Method::GET,
        path: "/payments",
        needs: Needs {
            token: TokenKind::Client,
            scope: PLAIN,
            standing: ANY_STANDING,
            permission: None,
            body: Body::None,
            retry: Retry::ByIdempotencyKey,
        },
        handle: |bank, call| Box::pin(async move { settle(bank, call, find_payment(bank, call).await).await }),
    },
    Route {
        method: Method::GET,
        path: "/payments/{PaymentId}",
        needs: READ,
        handle: |bank, call| Box::pin(async move { settle(bank, call, read_payment(bank, call).await).await }),
    },
    Route {
        method: Method::GET,
        path: "/payment-consents/{ConsentId}",
        needs: READ,
        handle: |bank, call| Box::pin(async move { settle(bank, call, read_consent(bank, call).await).await }),
    },
    Route {
        method: Method::PATCH,
        path: "/payment-consents/{ConsentId}",
        needs: Needs {
            token: TokenKind::Client,
            scope: PLAIN,
            standing: ANY_STANDING,
            permission: None,
            body: Body::SignedJwt,
            retry: Retry::None,
        },
        handle: |bank, call| Box::pin(async move { settle(bank, call, change_consent(bank, call).await).await }),
    },
];

/// How a call ends without what it asked for.
enum Stop {
    Refused(Refused),
    Failed(Fault),
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

async fn settle(bank: &UaeBsi, call: &Call, outcome: Result<Answer, Stop>) -> Answer {
    let refused = match outcome {
        Ok(answer) => return answer,
        Err(Stop::Refused(refused)) => refused,
        Err(Stop::Failed(fault)) => {
            log(&fault, &call.arrived);
            Refused::new(rules::OUR_SIDE, Reason::Failed)
        }
    };
    bank.denied(refused, Some(&call.authority.client.id), &call.arrived).await
}

/// Section 8.2: where the payment of a key is. Nothing is created.
async fn find_payment(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    let key = call.key.clone().ok_or(not_found())?;
    let client = call.authority.client.id.clone();
    let wanted = KeyRef { client, operation: KeyedOperation::InitiatePayment, key };
    let held = bank.ports.payments.by_key(&wanted).await?.ok_or(not_found())?;
    own_consent(bank, call, &held.payment.terms().consent).await?;
    let base = Base::at(&call.arrived.origin);
    let answer = bank.answer(StatusCode::OK, &map::payment_found(&base, held.payment.id()), call).await?;
    Ok(with_header(answer, LOCATION, &base.payment(held.payment.id())))
}

/// Section 8.3: a payment as it is now.
async fn read_payment(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    let text = path_id(call, 40)?;
    let id = PaymentId::new(text).map_err(|_| not_found())?;
    let payment = bank.ports.payments.payment(&id).await?.ok_or(not_found())?;
    let (_, terms) = own_consent(bank, call, &payment.terms().consent).await?;
    let base = Base::at(&call.arrived.origin);
    let part = (Some(part_of(&terms)), None);
    Ok(bank.answer(StatusCode::OK, &map::payment_answer(&base, &payment, part, Shown::Current), call).await?)
}

/// Section 14: a consent as it is now, with its payments.
async fn read_consent(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    let id = consent_id(call)?;
    let (consent, terms) = own_consent(bank, call, &id).await?;
    let query = PaymentQuery {
        client: consent.client.clone(),
        consent: Some(consent.id.clone()),
        stages: Vec::new(),
        oldest: None,
        newest: None,
        account: None,
        page: PageRequest::first(RELATED_MAX),
    };
    let found = bank.ports.payments.payments(&query).await?;
    let oldest_first: Vec<PaymentId> = found.items.iter().rev().map(|payment| payment.id().clone()).collect();
    let base = Base::at(&call.arrived.origin);
    Ok(bank.answer(StatusCode::OK, &map::consent_answer(&base, &consent, &terms, &oldest_first), call).await?)
}

/// Sections 6 and 11.1: the client takes a consent back.
async fn change_consent(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    let id = consent_id(call)?;
    let ConsentPatch { data } = bank.message(call)?.into_shape()?;
    own_consent(bank, call, &id).await?;
    let PatchStatus::Revoked = data.status;
    let actor = Actor::Tpp(call.authority.client.id.clone());
    match bank.consents.revoke(&id, &actor, data.revoked_by.as_str(), call.arrived.now).await? {
        Revoked::Now => Ok(bare(StatusCode::NO_CONTENT)),
        Revoked::Before | Revoked::Illegal(_) => {
            Err(Refused::at(rules::STATUS_MOVES, Reason::StatusMove, "Data.Status").into())
        }
        Revoked::Unknown => Err(not_found().into()),
    }
}

/// Sections 10 and 14: the consent, when it is this client's, of this issuer and vocabulary, and the one of the token
/// where a customer stands behind it. Anything else looks as if it did not exist.
async fn own_consent(bank: &UaeBsi, call: &Call, id: &ConsentId) -> Result<(Consent, UaePayment), Stop> {
    let consent = bank.consents.consent(id, call.arrived.now).await?.ok_or(not_found())?;
    let authority = &call.authority;
    let of_token = authority.subject.is_none() || authority.claims().consent_id.as_ref() == Some(id);
    match &consent.terms {
        Terms::UaePayment(terms)
            if of_token && consent.client == authority.client.id && consent.issuer == bank.issuer =>
        {
            let terms = terms.clone();
            Ok((consent, terms))
        }
        Terms::UaePayment(_) | Terms::Ofxpera(_) | Terms::Payment(_) | Terms::Accounts(_) => {
            Err(not_found().into())
        }
    }
}

const fn part_of(terms: &UaePayment) -> PaymentType {
    match terms.schedule {
        Schedule::SingleInstant { .. } => PaymentType::SingleInstant,
    }
}

fn consent_id(call: &Call) -> Result<ConsentId, Refused> {
    ConsentId::new(path_id(call, 128)?).map_err(|_| not_found())
}

/// Section 13: an identifier in a path is short and made of letters, digits, hyphens, dots and underscores.
fn path_id(call: &Call, chars_max: usize) -> Result<&str, Refused> {
    let id = call.param(0);
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if (1..=chars_max).contains(&id.len()) && id.bytes().all(legal) {
        return Ok(id);
    }
    Err(Refused::new(rules::ID_WELL_FORMED, Reason::ResourceId))
}

const fn not_found() -> Refused {
    Refused::new(rules::OWN_ONLY, Reason::NotFound)
}

/// Payments of one consent listed in its links.
const RELATED_MAX: u32 = 1000;
