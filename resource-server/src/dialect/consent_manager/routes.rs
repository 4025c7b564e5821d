//! The bank's side, section 15: the routes, and what each does with an admitted call.

use http::{Method, StatusCode};
use oauth_core::json::{self as strict, JsonFault};
use oauth_core::{ConsentId, Fault};
use rar_consent::{Actor, BankFault, BankOrder, Channel, Consent, Decided, Ordered, Revoked, Terms, Vote};
use serde::de::DeserializeOwned;

use super::body::{ConsentOrder, DecisionMade, DecisionTold, LogEntry, Revocation};
use super::described as about;
use super::error::{Problem, Reason};
use super::{ConsentManager, broken, done, failed, json};
use crate::dialect::{Answer, Call, Route};
use crate::domain::{Line, PaymentId};
use crate::guard::{ANY_STANDING, Authentication, Body, Needs, Retry, Scoped, TokenKind};
use crate::operation::consents::turn_orders_down;
use crate::operation::payment_log::{self, LogRefusal, Logged};
use crate::rules::uae_bank_side as rules;

/// A client of the bank, for itself.
const OWN: Needs = Needs {
    token: TokenKind::Client,
    scope: &[Scoped::Value("consent_manager")],
    standing: ANY_STANDING,
    authentication: Authentication::ANY,
    permission: None,
    body: Body::Json,
    retry: Retry::None,
};

macro_rules! route {
    ($method:ident $path:literal, $handler:ident, $about:ident) => {
        Route {
            method: Method::$method,
            path: $path,
            needs: OWN,
            about: Some(&about::$about),
            handle: |bank, call| {
                Box::pin(async move {
                    match $handler(bank, call).await {
                        Ok(answer) => answer,
                        Err(Stop::Refused(problem)) => failed(problem),
                        Err(Stop::Failed(fault)) => failed(broken(&fault, &call.arrived)),
                    }
                })
            },
        }
    };
}

pub(super) const ROUTES: &[Route<ConsentManager>] = &[
    route!(PATCH "/consents/{ConsentId}", change_consent, CHANGE_CONSENT),
    route!(POST "/consents/{ConsentId}/action/revoke", revoke_consent, REVOKE_CONSENT),
    route!(POST "/consents/{ConsentId}/authorizations/{AuthorizerId}", decide, DECIDE),
    route!(PATCH "/payment-log/{PaymentId}", log_payment, LOG_PAYMENT),
];

/// How a call ends without what it asked for.
enum Stop {
    Refused(Problem),
    Failed(Fault),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

/// Operation 10: the bank names customer, accounts and authorisers, and authorises, rejects, holds or lets go.
async fn change_consent(bank: &ConsentManager, call: &Call) -> Result<Answer, Stop> {
    let wanted = body::<ConsentOrder>(call)?.read()?;
    let consent = consent(bank, call).await?;
    let order = BankOrder {
        by: bank_itself(call),
        channel: wanted.channel,
        customer: wanted.customer,
        accounts: wanted.accounts,
        approvals: wanted.approvals,
        status: wanted.status,
    };
    match bank.consents.order(&consent.id, &order, call.arrived.now).await? {
        Ordered::Done(_) | Ordered::Before => Ok(done()),
        Ordered::Refused(BankFault::Illegal(_)) => Err(conflict().into()),
        Ordered::Refused(BankFault::CustomerMissing) => {
            Err(Problem::at(rules::BODY, "psuIdentifiers.userId").into())
        }
        Ordered::Refused(BankFault::Accounts) => Err(Problem::at(rules::BODY, "accountIds").into()),
        Ordered::Refused(BankFault::Approvals) => {
            Err(Problem::at(rules::BODY, "consentBody.Meta.MultipleAuthorizers").into())
        }
        Ordered::Unknown => Err(not_there().into()),
    }
}

/// Operation 11: the bank ends a consent, and its tokens with it.
async fn revoke_consent(bank: &ConsentManager, call: &Call) -> Result<Answer, Stop> {
    let customer = body::<Revocation>(call)?.customer()?;
    let consent = consent(bank, call).await?;
    let (actor, reason) = match customer {
        None => (bank_itself(call), "LFI"),
        Some(customer) if consent.subject.as_ref() == Some(&customer) => {
            (Actor::Customer(customer), "LFI.InitiatedByUser")
        }
        Some(_) => return Err(Problem::at(rules::BODY, "revokedByPsu.userId").into()),
    };
    let (by, channel) = ((&actor, reason), Some(Channel::BankApi));
    match bank.consents.revoke_through(&consent.id, by, channel, call.arrived.now).await? {
        Revoked::Now => {
            turn_orders_down(&bank.operations, call.arrived.now).await;
            Ok(done())
        }
        Revoked::Before | Revoked::Illegal(_) => Err(conflict().into()),
        Revoked::Unknown => Err(not_there().into()),
    }
}

/// Operation 12: one of several authorisers has decided.
async fn decide(bank: &ConsentManager, call: &Call) -> Result<Answer, Stop> {
    let decision = body::<DecisionMade>(call)?.read();
    let consent = consent(bank, call).await?;
    let actor = bank_itself(call);
    let vote = Vote {
        consent: &consent.id,
        authorizer: call.param(1),
        decision,
        actor: &actor,
        channel: Channel::BankApi,
        shown: None,
    };
    match bank.consents.decide(&vote, call.arrived.now).await? {
        Decided::Now(consent) => Ok(json(StatusCode::OK, &DecisionTold::of(&consent))),
        Decided::Unknown => Err(not_there().into()),
        Decided::Before => Err(Problem::new(rules::DECISION, Reason::DecidedBefore).into()),
        Decided::Closed(_) => Err(Problem::new(rules::DECISION, Reason::Conflict).into()),
    }
}

/// Operation 13: what became of a payment.
async fn log_payment(bank: &ConsentManager, call: &Call) -> Result<Answer, Stop> {
    let became = body::<LogEntry>(call)?.read()?;
    let id = PaymentId::new(call.param(0)).map_err(|_| not_there())?;
    let reference = became.transaction.as_deref().map(Line::<40>::new).transpose();
    let reference =
        reference.map_err(|_| Problem::at(rules::BODY, "paymentResponse.paymentTransactionId"))?;
    let logged = Logged { id, status: became.status, rail_reference: reference };
    match payment_log::log(&bank.operations, &call.authority, &logged).await {
        Ok(()) => Ok(done()),
        Err(LogRefusal::NoSuchPayment) => Err(not_there().into()),
        Err(LogRefusal::Illegal(_)) => Err(Problem::new(rules::PAYMENT_MOVES, Reason::Conflict).into()),
        Err(LogRefusal::Failed(fault)) => Err(fault.into()),
    }
}

/// The consent of the path, of this issuer and of this kind; any other is not there.
async fn consent(bank: &ConsentManager, call: &Call) -> Result<Consent, Stop> {
    let id = ConsentId::new(call.param(0)).map_err(|_| not_there())?;
    let found = bank.consents.consent(&id, call.arrived.now).await?;
    let ours = |consent: &Consent| {
        consent.issuer == call.authority.claims().iss
            && match &consent.terms {
                Terms::UaePayment(_) => true,
                Terms::Ofxpera(_) | Terms::Payment(_) | Terms::Accounts(_) => false,
            }
    };
    found.filter(ours).ok_or_else(|| not_there().into())
}

/// The bank's side is known by the client it calls with.
fn bank_itself(call: &Call) -> Actor {
    Actor::Operator(call.authority.client.id.as_str().to_owned())
}

fn body<T: DeserializeOwned>(call: &Call) -> Result<T, Problem> {
    strict::read_strict(&call.body).map_err(|fault| Problem::at(rules::BODY, &path_of(&fault)))
}

/// Where a body does not fit, as `paymentResponse.status`.
fn path_of(fault: &JsonFault) -> String {
    fault.path().trim_start_matches('/').replace('/', ".")
}

const fn conflict() -> Problem {
    Problem::new(rules::MOVES, Reason::Conflict)
}

const fn not_there() -> Problem {
    Problem::new(rules::THERE, Reason::NotFound)
}
