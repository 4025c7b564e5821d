//! Reading, lodging and taking back consents as the third party.

use oauth_core::{ConsentId, Fault};
use rar_consent::{
    Actor, AmendFault, Consent, ConsentStatus, HistoryEntry, IllegalMove, Inserted, Lodged, MoveFault,
    OfxperaConsent, Replaced, Terms,
};
use serde_json::Value;

use crate::domain::{IdempotencyKey, RequestFingerprint};
use crate::guard::{Authority, fresh_uuid};
use crate::port::{KeyRef, KeyedConsent, KeyedOperation, Lodging, LodgingChange};

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
            return Ok(kept(revoked));
        }
    }
    Err(ConsentRefusal::Busy)
}

/// Why a consent cannot be amended. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum AmendRefusal {
    /// It cannot be read, or its status allows no change.
    #[error(transparent)]
    Consent(#[from] ConsentRefusal),
    /// Its terms cannot become these.
    #[error(transparent)]
    Terms(#[from] AmendFault),
    /// The bank suspended it, and alone may lift that.
    #[error("suspended by the bank")]
    OtherSide,
    /// It is another revision than the client knows.
    #[error("another revision")]
    Precondition,
}

/// What a client wants a consent to become.
#[derive(Debug, Clone)]
pub struct Amendment {
    /// Its terms.
    pub terms: OfxperaConsent,
    /// Its status, when the client says so.
    pub status: Option<WantedStatus>,
    /// The revisions of which one must be the consent's; an absent list takes any.
    pub only_if: Option<Vec<i64>>,
}

/// The statuses a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedStatus {
    /// In force.
    Active,
    /// Held.
    Suspended,
}

/// Changes a consent: freely before the customer has seen it, to less afterwards; holds it, or ends a suspension of the
/// client's own. Terms and status change together or not at all; what is already so changes nothing.
///
/// # Errors
/// [`AmendRefusal`].
pub async fn amend(
    operations: &Operations,
    authority: &Authority,
    id: &ConsentId,
    amendment: &Amendment,
) -> Result<Consent, AmendRefusal> {
    for _ in 0..TRIES {
        let consent = read(operations, authority, id).await?;
        if amendment.only_if.as_ref().is_some_and(|wanted| !wanted.contains(&consent.revision)) {
            return Err(AmendRefusal::Precondition);
        }
        let Some((changed, entry)) = amended(&consent, amendment, authority)? else { return Ok(consent) };
        if operations.ports.consents.replace(&changed, &entry).await.map_err(ConsentRefusal::from)?
            == Replaced::Done
        {
            return Ok(kept(changed));
        }
    }
    Err(ConsentRefusal::Busy.into())
}

/// Pure: the consent as the client wants it; `None` when it is so already.
fn amended(
    consent: &Consent,
    amendment: &Amendment,
    authority: &Authority,
) -> Result<Option<(Consent, HistoryEntry)>, AmendRefusal> {
    let actor = Actor::Tpp(authority.client.id.clone());
    let (changed, entry) = consent.amended(&amendment.terms, &actor, authority.now)?;
    let wanted = match amendment.status {
        None => consent.status,
        Some(WantedStatus::Active) => ConsentStatus::Authorized,
        Some(WantedStatus::Suspended) => ConsentStatus::Suspended,
    };
    if wanted == consent.status {
        return Ok((changed.terms != consent.terms).then_some((changed, entry)));
    }
    // A client does not approve in the customer's place.
    if consent.status == ConsentStatus::AwaitingAuthorization {
        return Err(ConsentRefusal::Over(consent.status).into());
    }
    match changed.moved(wanted, &actor, "asked by the participant", authority.now) {
        Ok(moved) => Ok(Some(moved)),
        Err(IllegalMove { why: MoveFault::OtherSide, .. }) => Err(AmendRefusal::OtherSide),
        Err(IllegalMove { why: MoveFault::NoSuchMove, .. }) => {
            Err(ConsentRefusal::Over(consent.status).into())
        }
    }
}

/// A consent as the store now has it.
fn kept(consent: Consent) -> Consent {
    Consent { revision: consent.revision.saturating_add(1), ..consent }
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
const TRIES: u32 = 5;

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
