//! UAE Bank Service Initiation, section 1: the routes, and what each does with an admitted call.

use http::header::LOCATION;
use http::{HeaderName, Method, StatusCode};
use oauth_core::{Fault, RuleId};
use rar_consent::{Consent, ExerciseFault, ExerciseRefusal, Terms, UaePayment, UaePaymentType};

use super::body::PaymentRequest;
use super::consents::{change_consent, list_consents, own_consent, read_consent, read_refund};
use super::described as about;
use super::error::{Reason, Refused};
use super::map::{self, Shown};
use super::{UaeBsi, log, with_header};
use crate::dialect::{Answer, Call, Route};
use crate::domain::{IdempotencyKey, Payment, PaymentId, RequestFingerprint};
use crate::guard::{
    ANY_STANDING, Authentication, Body, GuardRefusal, IDEMPOTENCY_KEY, IN_FORCE, Needs, Retry, Scoped,
    TokenKind,
};
use crate::operation::payments::{self, DebtorFault, PaymentOrder, PaymentRefusal};
use crate::rules::fapi_resource::OUR_SIDE;
use crate::rules::uae_payments as rules;

pub(super) const OWN: &[Scoped] = &[Scoped::OfConsent("payments")];
pub(super) const PLAIN: &[Scoped] = &[Scoped::Value("payments")];
const EITHER: &[Scoped] = &[Scoped::Value("payments"), Scoped::OfConsent("payments")];

/// A resource is read, by the client for itself or with a customer's token.
pub(super) const READ: Needs = Needs {
    token: TokenKind::Either,
    scope: EITHER,
    authentication: Authentication::ANY,
    standing: ANY_STANDING,
    permission: None,
    body: Body::None,
    retry: Retry::None,
};

/// A resource is read by the client for itself.
pub(super) const BY_CLIENT: Needs = Needs { token: TokenKind::Client, scope: PLAIN, ..READ };

pub(super) const ROUTES: &[Route<UaeBsi>] = &[
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
        handle: |bank, call| {
            Box::pin(async move { settle(bank, call, create_payment(bank, call).await).await })
        },
    },
    Route {
        method: Method::GET,
        path: "/payments",
        needs: Needs {
            token: TokenKind::Client,
            scope: PLAIN,
            authentication: Authentication::ANY,
            standing: ANY_STANDING,
            permission: None,
            body: Body::None,
            retry: Retry::ByIdempotencyKey,
        },
        about: Some(&about::FIND_PAYMENT),
        handle: |bank, call| {
            Box::pin(async move { settle(bank, call, find_payment(bank, call).await).await })
        },
    },
    Route {
        method: Method::GET,
        path: "/payments/{PaymentId}",
        needs: READ,
        about: Some(&about::READ_PAYMENT),
        handle: |bank, call| {
            Box::pin(async move { settle(bank, call, read_payment(bank, call).await).await })
        },
    },
    Route {
        method: Method::GET,
        path: "/payment-consents",
        needs: BY_CLIENT,
        about: Some(&about::LIST_CONSENTS),
        handle: |bank, call| {
            Box::pin(async move { settle(bank, call, list_consents(bank, call).await).await })
        },
    },
    Route {
        method: Method::GET,
        path: "/payment-consents/{ConsentId}/refund",
        needs: BY_CLIENT,
        about: Some(&about::READ_REFUND),
        handle: |bank, call| Box::pin(async move { settle(bank, call, read_refund(bank, call).await).await }),
    },
    Route {
        method: Method::GET,
        path: "/payment-consents/{ConsentId}",
        needs: READ,
        about: Some(&about::READ_CONSENT),
        handle: |bank, call| {
            Box::pin(async move { settle(bank, call, read_consent(bank, call).await).await })
        },
    },
    Route {
        method: Method::PATCH,
        path: "/payment-consents/{ConsentId}",
        needs: Needs { body: Body::SignedJwt, ..BY_CLIENT },
        about: Some(&about::CHANGE_CONSENT),
        handle: |bank, call| {
            Box::pin(async move { settle(bank, call, change_consent(bank, call).await).await })
        },
    },
];

/// How a call ends without what it asked for.
pub(super) enum Stop {
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

pub(super) async fn settle(bank: &UaeBsi, call: &Call, outcome: Result<Answer, Stop>) -> Answer {
    let refused = match outcome {
        Ok(answer) => return answer,
        Err(Stop::Refused(refused)) => refused,
        Err(Stop::Failed(fault)) => {
            log(&fault, &call.arrived);
            Refused::new(OUR_SIDE, Reason::Failed)
        }
    };
    bank.denied(refused, Some(&call.authority.client), &call.arrived).await
}

/// Section 8.1: a payment is ordered. Steps 5 to 7 stand here, 8 in [`repeated`], the others in [`book`].
async fn create_payment(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    bank.can_answer(&call.authority.client, call.arrived.now).await?;
    let message = bank.message(call).await?;
    let fingerprint = message.fingerprint();
    let PaymentRequest { data } = message.into_shape()?;
    if call.authority.claims().consent_id.as_ref() != Some(&data.consent_id) {
        return Err(Refused::at(rules::CONSENT_NAMED, Reason::OtherConsent, "Data.ConsentId").into());
    }
    let (Some(key), Some(consent)) = (call.key.clone(), &call.authority.consent) else {
        return Err(not_found().into());
    };
    let terms = payment_terms(bank, consent)?;
    let part = terms.schedule.part_named(data.kind);
    let part = part.ok_or_else(|| Refused::at(rules::PART_NAMED, Reason::Format, "Data.Type"))?;
    let payment = match repeated(bank, call, &key, &fingerprint).await? {
        Some(first) => first,
        None => {
            let order = map::order(data, (terms, part), (key.clone(), fingerprint))?;
            book(bank, call, consent, order).await.map_err(of_payment)?
        }
    };
    let base = bank.base_of(call);
    let message = map::payment_answer(&base, &payment, part_of(terms, &payment), Shown::AsCreated);
    let answer = bank.answer(StatusCode::CREATED, &message, call).await?;
    let answer = with_header(answer, LOCATION, &base.payment(payment.id()));
    Ok(with_header(answer, HeaderName::from_static(IDEMPOTENCY_KEY), key.as_str()))
}

/// Section 8.1, step 9: what the consent allows, when it is of this vocabulary.
pub(super) fn payment_terms<'a>(bank: &UaeBsi, consent: &'a Consent) -> Result<&'a UaePayment, Refused> {
    match &consent.terms {
        Terms::UaePayment(terms) if terms.vocabulary == bank.vocabulary => Ok(terms),
        Terms::UaePayment(_) | Terms::Ofxpera(_) | Terms::Payment(_) | Terms::Accounts(_) => {
            Err(Refused::new(rules::CONSENT_IN_FORCE, Reason::Consent))
        }
    }
}

/// Section 8.1, step 8 and the standing of step 9: what the first request with this key came to.
pub(super) async fn repeated(
    bank: &UaeBsi,
    call: &Call,
    key: &IdempotencyKey,
    fingerprint: &RequestFingerprint,
) -> Result<Option<Payment>, Stop> {
    payments::replay(&bank.operations, &call.authority, key, fingerprint).await.map_err(of_payment)
}

/// Section 8.1, steps 9 to 12, in their order, where there was no first request: the terms of the consent, the account and the
/// funds.
pub(super) async fn book(
    bank: &UaeBsi,
    call: &Call,
    consent: &Consent,
    order: PaymentOrder,
) -> Result<Payment, PaymentRefusal> {
    let (operations, authority) = (&bank.operations, &call.authority);
    consent.exercise(&map::use_of(&order, call.arrived.now)).map_err(PaymentRefusal::Consent)?;
    payments::initiate_fresh(operations, authority, order).await.map(|booked| booked.payment().clone())
}

/// Section 8.2: where the payment of a key is. Nothing is created.
pub(super) async fn find_payment(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    let key = call.key.as_ref().ok_or(not_found())?;
    let found = payments::by_key(&bank.operations, &call.authority, key).await;
    let payment = found.map_err(of_payment)?;
    own_consent(bank, call, &payment.terms().consent).await?;
    let base = bank.base_of(call);
    let answer = bank.answer(StatusCode::OK, &map::payment_found(&base, payment.id()), call).await?;
    Ok(with_header(answer, LOCATION, &base.payment(payment.id())))
}

/// Section 8.3: a payment as it is now.
async fn read_payment(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    let id = PaymentId::new(path_id(call, 40)?).map_err(|_| not_found())?;
    let found = payments::status(&bank.operations, &call.authority, &id).await;
    let payment = found.map_err(of_payment)?;
    let (_, terms) = own_consent(bank, call, &payment.terms().consent).await?;
    let base = bank.base_of(call);
    let message = map::payment_answer(&base, &payment, part_of(&terms, &payment), Shown::Current);
    bank.answer(StatusCode::OK, &message, call).await
}

/// The operation's refusals in the words of section 8.1.
pub(super) fn of_payment(refusal: PaymentRefusal) -> Stop {
    let (rule, reason, path) = match refusal {
        PaymentRefusal::Failed(fault) => return fault.into(),
        PaymentRefusal::Consent(refusal) => return of_exercise(&refusal).into(),
        PaymentRefusal::Guard(GuardRefusal::Failed(fault)) => return fault.into(),
        PaymentRefusal::Guard(_) => (rules::CONSENT_IN_FORCE, Reason::Consent, ""),
        PaymentRefusal::ConflictingRepeat => (rules::KEY_BOUND, Reason::KeyReused, IDEMPOTENCY_KEY),
        PaymentRefusal::InProgress => (rules::KEY_BOUND, Reason::InProgress, IDEMPOTENCY_KEY),
        PaymentRefusal::OtherConsent => (rules::CONSENT_NAMED, Reason::OtherConsent, "Data.ConsentId"),
        PaymentRefusal::NoSuchPayment | PaymentRefusal::NoSuchPage(_) => {
            (rules::OWN_ONLY, Reason::NotFound, "")
        }
        PaymentRefusal::DebtorUnusable(fault) => of_debtor(fault),
        PaymentRefusal::FundsGone => (rules::ACCOUNT_OPEN, Reason::Funds, INSTRUCTED),
        PaymentRefusal::Nothing | PaymentRefusal::RailLimit | PaymentRefusal::AllowanceGone => {
            (rules::WITHIN_CONTROL, Reason::ControlParameters, INSTRUCTED)
        }
        PaymentRefusal::NoSuchCreditor | PaymentRefusal::ExecutionDay | PaymentRefusal::NotCancellable(_) => {
            (rules::AS_AGREED, Reason::BusinessRule, "")
        }
    };
    let path = Some(path).filter(|path| !path.is_empty()).map(str::to_owned);
    Refused { rule, reason, path }.into()
}

/// Step 12. The account's currency is the consent's, so an order in another one is outside the consent.
const fn of_debtor(fault: DebtorFault) -> (RuleId, Reason, &'static str) {
    match fault {
        DebtorFault::Currency => {
            (rules::WITHIN_CONTROL, Reason::ControlParameters, "Data.Instruction.Amount.Currency")
        }
        DebtorFault::Blocked => (rules::ACCOUNT_OPEN, Reason::AccountBlocked, ""),
        DebtorFault::Unreachable => (rules::ACCOUNT_OPEN, Reason::AccountUnreachable, ""),
        DebtorFault::NotGiven | DebtorFault::Closed => (rules::ACCOUNT_OPEN, Reason::AccountGone, ""),
    }
}

/// Steps 9 to 11. A part that the consent does not have is a fault of form: section 5.2.
fn of_exercise(refusal: &ExerciseRefusal) -> Refused {
    let (rule, reason) = match refusal.fault {
        ExerciseFault::Status(_) | ExerciseFault::NoPayments | ExerciseFault::NotYet => {
            (rules::CONSENT_IN_FORCE, Reason::Consent)
        }
        ExerciseFault::Part => (rules::PART_NAMED, Reason::Format),
        ExerciseFault::BusinessRule => (rules::AS_AGREED, Reason::BusinessRule),
        ExerciseFault::Account => (rules::ACCOUNT_OPEN, Reason::AccountGone),
        ExerciseFault::Amount
        | ExerciseFault::Currency
        | ExerciseFault::Day
        | ExerciseFault::Count
        | ExerciseFault::Total => (rules::WITHIN_CONTROL, Reason::ControlParameters),
    };
    let path = Some(refusal.path).filter(|path| !path.is_empty()).map(str::to_owned);
    Refused { rule, reason, path }
}

/// Under which part of its consent a payment was made.
pub(super) fn part_of(terms: &UaePayment, payment: &Payment) -> Option<UaePaymentType> {
    payment.terms().consent_part.or_else(|| terms.schedule.part_named(None))
}

const INSTRUCTED: &str = "Data.Instruction.Amount.Amount";

/// Section 13: an identifier in a path is short and made of letters, digits, hyphens, dots and underscores.
pub(super) fn path_id(call: &Call, chars_max: usize) -> Result<&str, Refused> {
    let id = call.param(0);
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if (1..=chars_max).contains(&id.len()) && id.bytes().all(legal) {
        return Ok(id);
    }
    Err(Refused::new(rules::ID_WELL_FORMED, Reason::ResourceId))
}

pub(super) const fn not_found() -> Refused {
    Refused::new(rules::OWN_ONLY, Reason::NotFound)
}
