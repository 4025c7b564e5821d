//! Section 8.6: contributions as a participant handles them.

use http::StatusCode;
use oauth_core::json as strict;

use super::answers::{instants, page_request, paged, query, told};
use super::body::{NewPayment, PaymentShown};
use super::error::{Code, Problem};
use super::{Ofxpera, map};
use crate::dialect::{Answer, Call};
use crate::domain::{AccountId, Creditor, Page, Payment, PaymentId, PaymentKind, RequestFingerprint, Stage};
use crate::operation::payments::{self, Debtor, KeyKept, Listing, OrderKind, PaymentOrder};
use crate::port::OfKind;

/// Section 3.3 orders the checks: a repeat is answered before the consent is looked at, and the consent before the body.
pub(super) async fn create_payment(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let (operations, authority) = (&dialect.operations, &call.authority);
    let key = call.key.clone().ok_or_else(|| Problem::at(Code::MissingHeader, "x-idempotency-key"))?;
    let Ok(tree) = strict::read_value(&call.body) else {
        authority.pass().map_err(|refusal| Problem::of_guard(&refusal))?;
        return Err(Problem::new(Code::InvalidRequest));
    };
    let fingerprint = RequestFingerprint::of(&strict::canonical(&tree));
    if let Some(first) = payments::replay(operations, authority, &key, &fingerprint).await? {
        return payment_told(dialect, call, StatusCode::CREATED, &first);
    }
    let asked = map::contribution(&map::read::<NewPayment>(tree)?)?;
    let consent = authority.consent.as_ref().ok_or_else(|| Problem::new(Code::ConsentNotGranted))?;
    let source =
        asked.source.ok_or_else(|| Problem::at(Code::SourceAccountUnusable, "data.sourceAccountId"))?;
    let order = PaymentOrder {
        consent: consent.id.clone(),
        amount: asked.amount,
        creditor: Creditor::Internal { account: asked.pera, name: None },
        debtor: Debtor::Account(source),
        kind: OrderKind::Contribution,
        rail: asked.rail,
        execution_day: asked.day,
        debtor_reference: Some(asked.reference),
        creditor_reference: None,
        purpose: None,
        client_sequence: None,
        billing: None,
        personal: None,
        execute_at: None,
        consent_part: None,
        key,
        key_kept: KeyKept::AsSet,
        fingerprint,
    };
    let initiated = payments::initiate_fresh(operations, authority, order).await?;
    payment_told(dialect, call, StatusCode::CREATED, initiated.payment())
}

pub(super) async fn list_payments(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let query = query(call)?;
    let (oldest, newest) = instants(&query)?;
    let account = query.one("account-id")?.map(AccountId::new).transpose();
    let wanted = Listing {
        stages: query.one("status")?.map(stages).transpose()?.unwrap_or_default(),
        oldest,
        newest,
        account: account.map_err(|_| Problem::at(Code::InvalidField, "account-id"))?,
        kind: OfKind::Contribution,
        page: page_request(&query)?,
    };
    let page = payments::list(&dialect.operations, &call.authority, &wanted).await?;
    let shown: Page<Option<PaymentShown>> = page.map(|payment| map::payment(&payment));
    paged(dialect, call, &query, "/banking/payments", shown)
}

/// The stages behind a status of section 8.6.
fn stages(status: &str) -> Result<Vec<Stage>, Problem> {
    let stages: Vec<Stage> =
        Stage::ALL.into_iter().filter(|stage| map::payment_status(*stage) == status).collect();
    if stages.is_empty() { Err(Problem::at(Code::InvalidField, "status")) } else { Ok(stages) }
}

pub(super) async fn one_payment(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let payment = payments::status(&dialect.operations, &call.authority, &payment_id(call)?).await?;
    payment_told(dialect, call, StatusCode::OK, &payment)
}

pub(super) async fn cancel_payment(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let id = payment_id(call)?;
    let own = dialect.operations.ports.payments.payment(&id).await?;
    let contribution = |payment: &Payment| matches!(payment.terms().kind, PaymentKind::Contribution { .. });
    if !own.as_ref().is_some_and(contribution) {
        return Err(Problem::new(Code::PaymentNotFound));
    }
    let payment = payments::cancel(&dialect.operations, &call.authority, &id).await?;
    payment_told(dialect, call, StatusCode::OK, &payment)
}

fn payment_id(call: &Call) -> Result<PaymentId, Problem> {
    PaymentId::new(call.param(0)).map_err(|_| Problem::new(Code::PaymentNotFound))
}

fn payment_told(
    dialect: &Ofxpera,
    call: &Call,
    status: StatusCode,
    payment: &Payment,
) -> Result<Answer, Problem> {
    let shown = map::payment(payment).ok_or_else(|| Problem::new(Code::PaymentNotFound))?;
    told(dialect, call, status, (shown, &format!("/banking/payments/{}", payment.id())))
}
