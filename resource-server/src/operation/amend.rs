//! Changing the terms of a consent as the third party.

use oauth_core::ConsentId;
use rar_consent::{
    Actor, AmendFault, Channel, Consent, ConsentStatus, HistoryEntry, IllegalMove, MoveFault, OfxperaConsent,
    Replaced,
};

use crate::guard::Authority;

use super::Operations;
use super::consents::{ConsentRefusal, TRIES, kept, read};

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
        if operations
            .ports
            .consents
            .replace(&changed, &entry.through(Channel::Api))
            .await
            .map_err(ConsentRefusal::from)?
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
        Err(IllegalMove { why: MoveFault::NoSuchMove | MoveFault::ApprovalMissing, .. }) => {
            Err(ConsentRefusal::Over(consent.status).into())
        }
    }
}
