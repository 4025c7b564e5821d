//! UAE Bank Service Initiation, sections 6, 7, 11.1 and 14: consents read and changed by the client they are for.

use http::StatusCode;
use oauth_core::ConsentId;
use rar_consent::{Consent, Terms, UaePayment, UaeVocabulary};

use super::error::{Reason, Refused};
use super::map;
use super::patch::ConsentPatch;
use super::routes::{Stop, not_found, path_id};
use super::signature::SCHEMA;
use super::{UaeBsi, bare, v1_2};
use crate::dialect::query::Query;
use crate::dialect::{Answer, Call};
use crate::domain::{AccountId, ClientOf, PageRequest, PaymentId};
use crate::guard::IDEMPOTENCY_KEY;
use crate::operation::consents::{self, ConsentRefusal, SubscriptionFault};
use crate::port::{OfKind, PaymentQuery};
use crate::rules::uae_payments as rules;

/// Section 14: a consent as it is now, with its payments.
pub(super) async fn read_consent(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    let (consent, terms) = own_consent(bank, call, &consent_id(call)?).await?;
    let payments = payments_of(bank, &consent).await?;
    let message = map::consent_answer(&bank.base_of(call), (&consent, &terms), &payments, call.arrived.now);
    bank.answer(StatusCode::OK, &message, call).await
}

/// Section 14: the consents that continue another one, newest first.
pub(super) async fn list_consents(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    let refuse = || Refused::at(rules::BASE_NAMED, Reason::Parameter, "baseConsentId");
    let query = Query::read(call.arrived.query.as_deref()).map_err(|_| refuse())?;
    let base = query.one("baseConsentId").map_err(|_| refuse())?.ok_or_else(refuse)?;
    if !(1..=BASE_CHARS).contains(&base.chars().count()) {
        return Err(refuse().into());
    }
    let mut found = consents::of_base(&bank.operations, &call.authority, base).await.map_err(of_consent)?;
    found.extend(own_base(bank, call, base).await?);
    let here = bank.base_of(call);
    let mut messages = Vec::with_capacity(found.len());
    for consent in &found {
        if let Terms::UaePayment(terms) = &consent.terms
            && terms.vocabulary == bank.vocabulary
        {
            let payments = payments_of(bank, consent).await?;
            messages.push(map::consent_answer(&here, (consent, terms), &payments, call.arrived.now));
        }
    }
    bank.answer(StatusCode::OK, &messages, call).await
}

/// Section 14: in version 1.2 a consent that continues none is its own base, and the oldest of those with it.
async fn own_base(bank: &UaeBsi, call: &Call, base: &str) -> Result<Option<Consent>, Stop> {
    let own = ConsentId::new(base).ok().filter(|_| !bank.vocabulary.is_seed());
    let Some(id) = own else { return Ok(None) };
    match consents::read(&bank.operations, &call.authority, &id).await {
        Ok(consent) => Ok(Some(consent).filter(|consent| consent.terms.base().is_none())),
        Err(ConsentRefusal::NoSuchConsent) => Ok(None),
        Err(refusal) => Err(of_consent(refusal)),
    }
}

/// Section 4: characters of `BaseConsentId`.
const BASE_CHARS: usize = 128;

/// Section 14: the account a refund goes to, where the customer permits to tell it.
pub(super) async fn read_refund(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    let (consent, terms) = own_consent(bank, call, &consent_id(call)?).await?;
    if !terms.tells_refund_account() {
        return Err(Refused::new(rules::REFUND_PERMITTED, Reason::Permission).into());
    }
    let given = consent.accounts.first().and_then(|id| AccountId::new(id).ok());
    let account = match given {
        Some(id) => bank.operations.ports.accounts.account(&id).await?,
        None => None,
    };
    let chosen = account.and_then(|account| account.iban.clone().map(|iban| (iban, account.name)));
    let (iban, name) = chosen.ok_or(Refused::new(rules::REFUND_PERMITTED, Reason::Consent))?;
    let here = bank.base_of(call);
    match bank.vocabulary {
        UaeVocabulary::Seed => {
            let message = map::refund_answer(&here, (&consent, &terms), iban.as_str(), name.as_str());
            bank.answer(StatusCode::OK, &message, call).await
        }
        UaeVocabulary::V1_2 => {
            let payments = payments_of(bank, &consent).await?;
            let account = (iban.as_str(), name.as_str());
            let message = v1_2::map::refund_answer(&here, (&consent, &terms), account, &payments);
            bank.answer(StatusCode::OK, &message, call).await
        }
    }
}

/// Sections 6 and 11.1: the client ends a consent, sends its events elsewhere, or both at once.
pub(super) async fn change_consent(bank: &UaeBsi, call: &Call) -> Result<Answer, Stop> {
    bank.can_answer(&call.authority.client, call.arrived.now).await?;
    let message = bank.message(call).await?;
    let patch = match bank.vocabulary {
        UaeVocabulary::Seed => Patch::Seed(message.into_shape()?),
        UaeVocabulary::V1_2 => Patch::V1_2(message.into_shape()?),
    };
    let (consent, _) = own_consent(bank, call, &consent_id(call)?).await?;
    let order = match patch {
        Patch::Seed(patch) => patch.order()?,
        Patch::V1_2(patch) => patch.order()?,
    };
    match consents::change(&bank.operations, &call.authority, &consent.id, &order).await {
        Ok(_) => Ok(bare(StatusCode::NO_CONTENT)),
        Err(refusal) => Err(of_consent(refusal)),
    }
}

/// A change in the words of its vocabulary.
enum Patch {
    Seed(ConsentPatch),
    V1_2(v1_2::patch::ConsentPatch),
}

/// Sections 10 and 14: the consent, when this caller may know of it and it is of this vocabulary. Anything else looks
/// as if it did not exist.
pub(super) async fn own_consent(
    bank: &UaeBsi,
    call: &Call,
    id: &ConsentId,
) -> Result<(Consent, UaePayment), Stop> {
    let consent = consents::read(&bank.operations, &call.authority, id).await.map_err(of_consent)?;
    match &consent.terms {
        Terms::UaePayment(terms) if terms.vocabulary == bank.vocabulary => {
            let terms = terms.clone();
            Ok((consent, terms))
        }
        Terms::UaePayment(_) | Terms::Ofxpera(_) | Terms::Payment(_) | Terms::Accounts(_) => {
            Err(not_found().into())
        }
    }
}

fn of_consent(refusal: ConsentRefusal) -> Stop {
    match refusal {
        ConsentRefusal::NoSuchConsent => not_found().into(),
        ConsentRefusal::OtherSide => {
            Refused::at(rules::OWN_SUSPENSION, Reason::OtherSide, "Data.Status").into()
        }
        ConsentRefusal::Over(_) => Refused::at(rules::STATUS_MOVES, Reason::StatusMove, "Data.Status").into(),
        ConsentRefusal::Subscription(fault) => {
            let path = match fault {
                SubscriptionFault::Elsewhere | SubscriptionFault::UrlMissing => "Subscription.Webhook.Url",
                SubscriptionFault::ActiveMissing => "Subscription.Webhook.IsActive",
            };
            Refused::at(SCHEMA, Reason::Format, path).into()
        }
        ConsentRefusal::ConflictingRepeat => {
            Refused::at(rules::KEY_BOUND, Reason::KeyReused, IDEMPOTENCY_KEY).into()
        }
        ConsentRefusal::Busy => Refused::new(rules::STATUS_MOVES, Reason::Busy).into(),
        ConsentRefusal::Failed(fault) => fault.into(),
    }
}

/// The payments of a consent, in the order they were made.
async fn payments_of(bank: &UaeBsi, consent: &Consent) -> Result<Vec<PaymentId>, Stop> {
    let mut newest_first = Vec::new();
    for page in 1..=PAGES {
        let query = PaymentQuery {
            client: ClientOf { issuer: consent.issuer.clone(), id: consent.client.clone() },
            consent: Some(consent.id.clone()),
            stages: Vec::new(),
            oldest: None,
            newest: None,
            account: None,
            kind: OfKind::Any,
            page: PageRequest::new(page, PageRequest::MAX_SIZE).unwrap_or(PageRequest::FIRST),
        };
        let found = bank.operations.ports.payments.payments(&query).await?;
        newest_first.extend(found.items.iter().map(|payment| payment.id().clone()));
        if query.page.offset().saturating_add(u64::from(query.page.size())) >= found.total {
            break;
        }
    }
    newest_first.reverse();
    Ok(newest_first)
}

/// Pages of a thousand payments that one consent is told with at most.
const PAGES: u32 = 10;

fn consent_id(call: &Call) -> Result<ConsentId, Refused> {
    ConsentId::new(path_id(call, 128)?).map_err(|_| not_found())
}
