//! Reading, lodging and taking back consents as the third party.

use oauth_core::{ConsentId, Fault, Timestamp};
use rar_consent::{
    Actor, Channel, Consent, ConsentStatus, HistoryEntry, Inserted, Lodged, MoveFault, Replaced,
    Subscription, Terms,
};
use serde_json::Value;

use crate::domain::{IdempotencyKey, RequestFingerprint};
use crate::guard::{Authority, fresh_uuid};
use crate::port::{KeyRef, KeyedConsent, KeyedOperation, Lodging, LodgingChange};
use crate::rail::withdraw;

use super::Operations;

/// Why a consent cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ConsentRefusal {
    /// Unknown, another client's, or not the one of this token: the three look the same.
    #[error("no such consent")]
    NoSuchConsent,
    /// It has ended in a way that nothing follows.
    #[error("consent is {0:?}")]
    Over(ConsentStatus),
    /// The other side suspended it, and alone may lift that.
    #[error("suspended by the other side")]
    OtherSide,
    /// Where events are to go is not complete, or not the client's.
    #[error("subscription: {0:?}")]
    Subscription(SubscriptionFault),
    /// Another request holds the key.
    #[error("the key belongs to another request")]
    ConflictingRepeat,
    /// Somebody else changes it all the time; try again.
    #[error("consent is busy")]
    Busy,
    /// Our side broke.
    #[error(transparent)]
    Failed(#[from] Fault),
}

/// A consent as it stands now: what time has made of it is kept first.
///
/// # Errors
/// [`ConsentRefusal::NoSuchConsent`], or a fault.
pub async fn read(
    operations: &Operations,
    authority: &Authority,
    id: &ConsentId,
) -> Result<Consent, ConsentRefusal> {
    for _ in 0..TRIES {
        let consent = visible(operations, authority, id).await?;
        let Some((moved, entry)) = consent.at(authority.now) else { return Ok(consent) };
        if operations.ports.consents.replace(&moved, &entry).await? == Replaced::Done {
            return Ok(kept(moved));
        }
    }
    Err(ConsentRefusal::Busy)
}

/// Takes a consent back. Taking it back again changes nothing.
///
/// # Errors
/// [`ConsentRefusal::Over`] when it ended otherwise before.
pub async fn revoke(
    operations: &Operations,
    authority: &Authority,
    id: &ConsentId,
    reason: &str,
) -> Result<Consent, ConsentRefusal> {
    for _ in 0..TRIES {
        let consent = read(operations, authority, id).await?;
        if consent.status == ConsentStatus::Revoked {
            return Ok(consent);
        }
        let actor = Actor::Tpp(authority.client.id.clone());
        let (revoked, entry) = consent
            .moved(ConsentStatus::Revoked, &actor, reason, authority.now)
            .map_err(|_| ConsentRefusal::Over(consent.status))?;
        if operations.ports.consents.replace(&revoked, &entry).await? == Replaced::Done {
            turn_orders_down(operations, authority.now).await;
            return Ok(kept(revoked));
        }
    }
    Err(ConsentRefusal::Busy)
}

/// The consents of this client that continue another one, newest first, as they stand now.
///
/// # Errors
/// [`ConsentRefusal::Busy`], or a fault.
pub async fn of_base(
    operations: &Operations,
    authority: &Authority,
    base: &str,
) -> Result<Vec<Consent>, ConsentRefusal> {
    let mut found = Vec::new();
    for consent in operations.ports.consents.of_base(&authority.client.id, base).await? {
        if consent.issuer != authority.claims().iss {
            continue;
        }
        found.push(match consent.at(authority.now) {
            None => consent,
            Some(_) => read(operations, authority, &consent.id).await?,
        });
    }
    Ok(found)
}

/// What a client changes of its consent: all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentOrder {
    /// Its status.
    pub status: Option<StatusOrder>,
    /// Where its events go.
    pub subscription: Option<SubscriptionOrder>,
}

/// A status that a client wants its consent to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusOrder {
    /// Over, in the word that says for whom.
    Revoke(&'static str),
    /// Held for now.
    Suspend,
    /// In force again.
    Resume,
}

/// A change of a subscription. What is not named stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionOrder {
    /// The address.
    pub url: Option<String>,
    /// Whether events are wanted.
    pub active: Option<bool>,
}

/// What is wrong with a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionFault {
    /// The address may not be called for this client.
    Elsewhere,
    /// There was no address before, and none is named.
    UrlMissing,
    /// Whether events are wanted was not said before, and is not now.
    ActiveMissing,
}

/// Changes a consent, in one change.
///
/// # Errors
/// [`ConsentRefusal::Over`] when it has ended or waits, [`ConsentRefusal::Subscription`], or a fault.
pub async fn change(
    operations: &Operations,
    authority: &Authority,
    id: &ConsentId,
    order: &ConsentOrder,
) -> Result<Consent, ConsentRefusal> {
    for _ in 0..TRIES {
        let consent = read(operations, authority, id).await?;
        let Some((changed, entry)) = ordered(&consent, authority, order)? else { return Ok(consent) };
        if operations.ports.consents.replace(&changed, &entry.through(Channel::Api)).await? == Replaced::Done
        {
            if changed.status.is_terminal() {
                turn_orders_down(operations, authority.now).await;
            }
            return Ok(changed);
        }
    }
    Err(ConsentRefusal::Busy)
}

/// Orders for a later day end with their consent. The consent has ended by now, whatever comes: what fails here the rail's worker
/// does at its next run.
pub(crate) async fn turn_orders_down(operations: &Operations, now: Timestamp) {
    if let Err(fault) = withdraw(&operations.ports, now).await {
        tracing::warn!(port = fault.port, error = %fault.source, "orders of an ended consent wait for the worker");
    }
}

/// Pure: the consent after the order. The entry speaks of the end, where there is one.
fn ordered(
    consent: &Consent,
    authority: &Authority,
    order: &ConsentOrder,
) -> Result<Option<(Consent, HistoryEntry)>, ConsentRefusal> {
    let (actor, now) = (Actor::Tpp(authority.client.id.clone()), authority.now);
    let mut outcome = None;
    if let Some(wanted) = &order.subscription {
        let to = subscription(consent.subscription.as_ref(), wanted).map_err(ConsentRefusal::Subscription)?;
        if !to.is_at_home(&authority.client) {
            return Err(ConsentRefusal::Subscription(SubscriptionFault::Elsewhere));
        }
        outcome = Some(consent.subscribed(to, &actor, now));
    }
    if let Some(status) = order.status {
        let before = outcome.as_ref().map_or(consent, |(changed, _)| changed);
        let (to, reason) = match status {
            StatusOrder::Revoke(by) => (ConsentStatus::Revoked, by),
            StatusOrder::Suspend => (ConsentStatus::Suspended, "held by the third party"),
            StatusOrder::Resume if consent.status == ConsentStatus::AwaitingAuthorization => {
                return Err(ConsentRefusal::Over(consent.status));
            }
            StatusOrder::Resume => (ConsentStatus::Authorized, "no longer held by the third party"),
        };
        outcome = Some(before.moved(to, &actor, reason, now).map_err(|illegal| match illegal.why {
            MoveFault::OtherSide => ConsentRefusal::OtherSide,
            MoveFault::NoSuchMove | MoveFault::ApprovalMissing => ConsentRefusal::Over(consent.status),
        })?);
    }
    Ok(outcome)
}

fn subscription(
    before: Option<&Subscription>,
    wanted: &SubscriptionOrder,
) -> Result<Subscription, SubscriptionFault> {
    let url = wanted.url.clone().or_else(|| before.map(|before| before.url.clone()));
    let active = wanted.active.or_else(|| before.map(|before| before.active));
    Ok(Subscription {
        url: url.ok_or(SubscriptionFault::UrlMissing)?,
        active: active.ok_or(SubscriptionFault::ActiveMissing)?,
    })
}

/// By what a request to lodge a consent is known when it is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetriedBy {
    /// The key the client gave it.
    pub key: IdempotencyKey,
    /// Of its canonical bytes.
    pub fingerprint: RequestFingerprint,
}

/// Answers a repeat with the consent as it was at first. `None`: there was none.
///
/// # Errors
/// [`ConsentRefusal::ConflictingRepeat`], or a fault.
pub async fn replay(
    operations: &Operations,
    authority: &Authority,
    by: &RetriedBy,
) -> Result<Option<Consent>, ConsentRefusal> {
    let held = operations.ports.lodgings.lodged(&key_ref(authority, &by.key), authority.now).await?;
    held.map(|KeyedConsent { fingerprint, consent }| {
        let same = fingerprint == by.fingerprint && consent.issuer == authority.claims().iss;
        if same { Ok(consent) } else { Err(ConsentRefusal::ConflictingRepeat) }
    })
    .transpose()
}

/// Lodges a consent that waits for its customer, under a fresh identifier of ours. With a key for which [`replay`] found
/// nothing: should the same request be lodged meanwhile, this is a repeat all the same, for the book decides.
///
/// # Errors
/// [`ConsentRefusal::ConflictingRepeat`], or a fault.
pub async fn lodge(
    operations: &Operations,
    authority: &Authority,
    terms: Terms,
    by: Option<RetriedBy>,
) -> Result<Consent, ConsentRefusal> {
    for _ in 0..TRIES {
        let id = fresh_uuid(&*operations.ports.entropy)?;
        let lodged = Lodged {
            id: ConsentId::new(&id).map_err(|fault| Fault::new("entropy", fault))?,
            issuer: authority.claims().iss.clone(),
            client: authority.client.id.clone(),
            element: Value::Null,
        };
        let (consent, entry) = Consent::awaiting(lodged, terms.clone(), authority.now);
        match keep(operations, authority, (&consent, entry), by.as_ref()).await? {
            Lodging::New => return Ok(consent),
            Lodging::Repeat(first) => return Ok(*first),
            Lodging::ConflictingRepeat => return Err(ConsentRefusal::ConflictingRepeat),
            Lodging::IdUsed => {}
        }
    }
    Err(ConsentRefusal::Busy)
}

async fn keep(
    operations: &Operations,
    authority: &Authority,
    (consent, entry): (&Consent, HistoryEntry),
    by: Option<&RetriedBy>,
) -> Result<Lodging, Fault> {
    let Some(by) = by else {
        return Ok(match operations.ports.consents.insert(consent, &entry).await? {
            Inserted::New => Lodging::New,
            Inserted::IdUsed => Lodging::IdUsed,
        });
    };
    let change = LodgingChange {
        key: key_ref(authority, &by.key),
        fingerprint: by.fingerprint,
        key_until: authority.now.plus(operations.settings.key_kept),
        consent: consent.clone(),
        entry,
    };
    operations.ports.lodgings.lodge(change).await
}

fn key_ref(authority: &Authority, key: &IdempotencyKey) -> KeyRef {
    KeyRef { client: authority.client_of(), operation: KeyedOperation::LodgeConsent, key: key.clone() }
}

/// Times to try again when somebody else was quicker.
pub(super) const TRIES: u32 = 5;

/// The consent, when this caller may know that it exists.
async fn visible(
    operations: &Operations,
    authority: &Authority,
    id: &ConsentId,
) -> Result<Consent, ConsentRefusal> {
    let own = match &authority.claims().consent_id {
        Some(of_token) => of_token == id,
        None => authority.subject.is_none(),
    };
    let consent = operations.ports.consents.consent(id).await?;
    let same = |consent: &Consent| {
        own && consent.client == authority.client.id && consent.issuer == authority.claims().iss
    };
    consent.filter(same).ok_or(ConsentRefusal::NoSuchConsent)
}

/// A consent as the store now has it.
pub(super) fn kept(consent: Consent) -> Consent {
    Consent { revision: consent.revision.saturating_add(1), ..consent }
}
