//! Version 1.2, section 1: the routes, and what they do otherwise than the early drafts.

use http::header::LOCATION;
use http::{HeaderName, Method, StatusCode};
use oauth_core::RuleId;
use rar_consent::{PersonalOpener, Unopened, ordered_creditor};
use serde_json::Value;

use super::super::consents::{change_consent, list_consents, own_consent, read_consent, read_refund};
use super::super::described;
use super::super::error::{Reason, Refused};
use super::super::map::Shown;
use super::super::routes::{
    BY_CLIENT, OWN, READ, Stop, book, find_payment, not_found, of_payment, path_id, payment_terms, repeated,
    settle,
};
use super::super::signature::SCHEMA;
use super::super::{UaeBsi, with_header};
use super::UaeBsiV1_2;
use super::body::PaymentRequest;
use super::described as about;
use super::map;
use crate::dialect::{Answer, Call, Route};
use crate::domain::{PaymentId, SealedNote};
use crate::guard::{Authentication, Body, IDEMPOTENCY_KEY, IN_FORCE, Needs, Retry, TokenKind};
use crate::operation::payments;
use crate::rules::uae_payments as rules;

pub(super) const ROUTES: &[Route<UaeBsiV1_2>] = &[
    Route {
        method: Method::POST,
        path: "/payments",
        needs: Needs {
            token: TokenKind::Customer,
            scope: OWN,
            authentication: Authentication::ANY,
            standing: IN_FORCE,
            permission: None,
            body: Body::SignedJwt,
            retry: Retry::ByIdempotencyKey,
        },
        about: Some(&about::CREATE_PAYMENT),
        handle: |UaeBsiV1_2(bank), call| {
            Box::pin(async move { settle(bank, call, create_payment(bank, call).await).await })
        },
    },
    Route {
        method: Method::GET,
        path: "/payments",
        needs: Needs { retry: Retry::ByIdempotencyKey, ..BY_CLIENT },
        about: Some(&described::FIND_PAYMENT),
        handle: |UaeBsiV1_2(bank), call| {
            Box::pin(async move { settle(bank, call, find_payment(bank, call).await).await })
        },
    },
    Route {
        method: Method::GET,
        path: "/payments/{PaymentId}",
        needs: READ,
        about: Some(&about::READ_PAYMENT),
        handle: |UaeBsiV1_2(bank), call| {
            Box::pin(async move { settle(bank, call, read_payment(bank, call).await).await })
        },
    },
    Route {
        method: Method::GET,
        path: "/payment-consents",
        needs: BY_CLIENT,
        about: Some(&about::LIST_CONSENTS),
        handle: |UaeBsiV1_2(bank), call| {
            Box::pin(async move { settle(bank, call, list_consents(bank, call).await).await })
        },
    },
    Route {
        method: Method::GET,
        path: "/payment-consents/{ConsentId}/refund",
        needs: BY_CLIENT,
        about: Some(&about::READ_REFUND),
        handle: |UaeBsiV1_2(bank), call| {
            Box::pin(async move { settle(bank, call, read_refund(bank, call).await).await })
        },
    },
    Route {
        method: Method::GET,
        path: "/payment-consents/{ConsentId}",
        needs: READ,
        about: Some(&about::READ_CONSENT),
        handle: |UaeBsiV1_2(bank), call| {
            Box::pin(async move { settle(bank, call, read_consent(bank, call).await).await })
        },
    },
    Route {
        method: Method::PATCH,
        path: "/payment-consents/{ConsentId}",
        needs: Needs { body: Body::SignedJwt, ..BY_CLIENT },
        about: Some(&about::CHANGE_CONSENT),
        handle: |UaeBsiV1_2(bank), call| {
            Box::pin(async move { settle(bank, call, change_consent(bank, call).await).await })
        },
    },
];

/// Section 8.1: a payment is ordered. Who is paid is opened in step 5, and a repeat may encrypt it anew.
async fn create_payment(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    bank.can_answer(&call.authority.client, call.arrived.now).await?;
    let mut message = bank.message(call).await?;
    let PaymentRequest { data } = message.clone().into_shape()?;
    let (paid, personal) = match &data.personal_identifiable_information {
        Some(sealed) => {
            let opened = open(bank, call, sealed).await?;
            let paid =
                ordered_creditor(&opened).map_err(|path| Refused::at(SCHEMA, Reason::Format, &path))?;
            let kept = opened.get("Risk").is_some().then(|| SealedNote::new(sealed.clone()));
            message = message.saying("/Data/PersonalIdentifiableInformation", opened);
            (paid, kept)
        }
        None => (None, None),
    };
    let fingerprint = message.fingerprint();
    if call.authority.claims().consent_id.as_ref() != Some(&data.consent_id) {
        return Err(Refused::at(rules::CONSENT_NAMED, Reason::OtherConsent, "Data.ConsentId").into());
    }
    let (Some(key), Some(consent)) = (call.key.clone(), &call.authority.consent) else {
        return Err(not_found().into());
    };
    let terms = payment_terms(bank, consent)?;
    let payment = match repeated(bank, call, &key, &fingerprint).await? {
        Some(first) => first,
        None => {
            let order = map::order(data, (consent, terms), (paid, personal), (key.clone(), fingerprint))?;
            let booked = book(bank, call, consent, order).await;
            booked.map_err(|refusal| in_own_words(of_payment(refusal), bank, terms))?
        }
    };
    let base = bank.base_of(call);
    let message = map::payment_answer(&base, &payment, Shown::AsCreated);
    let answer = bank.answer(StatusCode::CREATED, &message, call).await?;
    let answer = with_header(answer, LOCATION, &base.payment(payment.id()));
    Ok(with_header(answer, HeaderName::from_static(IDEMPOTENCY_KEY), key.as_str()))
}

/// A limit of the consent, where this consent has it.
fn in_own_words(stop: Stop, bank: &UaeBsi, terms: &rar_consent::UaePayment) -> Stop {
    match stop {
        Stop::Refused(refused) => {
            let path = refused.path.map(|path| bank.vocabulary.place(&path, map::kind(terms)));
            Stop::Refused(Refused { path, ..refused })
        }
        Stop::Failed(fault) => Stop::Failed(fault),
    }
}

/// Section 8.3: a payment as it is now.
async fn read_payment(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    let id = PaymentId::new(path_id(call, 40)?).map_err(|_| not_found())?;
    let payment = payments::status(&bank.operations, &call.authority, &id).await.map_err(of_payment)?;
    own_consent(bank, call, &payment.terms().consent).await?;
    let message = map::payment_answer(&bank.base_of(call), &payment, Shown::Current);
    bank.answer(StatusCode::OK, &message, call).await
}

/// Section 16: who is paid, from within its encryption and signature. There is no other way to say it.
async fn open(bank: &UaeBsi, call: &Call, sealed: &str) -> Result<Value, Stop> {
    let opener = PersonalOpener::new(bank.decrypter.clone(), bank.client_keys.clone(), bank.policy);
    let opened = opener.open(sealed, &call.authority.client, call.arrived.now).await?;
    Ok(opened.map_err(|why| {
        let reason = match why {
            Unopened::Encryption => Reason::JweHeader,
            Unopened::Undecryptable => Reason::Undecryptable,
            Unopened::Malformed => Reason::Malformed,
            Unopened::Header => Reason::JoseHeader,
            Unopened::Signature => Reason::Signature,
            Unopened::Claim => Reason::Claim,
        };
        Refused::at(PERSONAL, reason, "Data.PersonalIdentifiableInformation")
    })?)
}

/// Section 16: who is paid is signed by the client and encrypted to this server.
const PERSONAL: RuleId = RuleId("UAEBSI-16-opened");
