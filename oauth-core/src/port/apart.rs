//! A verb of the [`Store`] and its [`Companion`] where the two live in different places: one after the other, in the
//! order in which a crash between them does no harm. What the verbs ending in `_with` do unless a store knows better.

use super::companion::{Companion, Kept};
use super::store::{Opening, Spend, Store, Together};
use crate::model::request::VettedRequest;
use crate::refusal::Fault;
use crate::vocabulary::secret::{Fingerprint, RequestUri};
use crate::vocabulary::time::Timestamp;

/// The consent first: when the request then cannot be kept, the consent lapses by itself.
///
/// # Errors
/// When either store fails.
pub async fn push<S: Store + ?Sized>(
    store: &S,
    key: &Fingerprint<RequestUri>,
    (request, until): (&VettedRequest, Timestamp),
    companion: &dyn Companion,
) -> Result<Kept, Fault> {
    let kept = companion.keep().await?;
    if kept == Kept::Done {
        store.push(key, request, until).await?;
    }
    Ok(kept)
}

/// The grant first, ended again when the consent cannot be kept. Nobody has its code yet: a crash between the two leaves
/// a grant that nobody can use, and never an authorised consent without its grant.
///
/// # Errors
/// When either store fails.
pub async fn open<S: Store + ?Sized>(
    store: &S,
    request: &Fingerprint<RequestUri>,
    opening: &Opening,
    now: Timestamp,
    companion: &dyn Companion,
) -> Result<Together, Fault> {
    let spend = store.open(request, opening, now).await?;
    if spend != Spend::Applied {
        return Ok(Together::Decided(spend));
    }
    let kept = companion.keep().await;
    if !matches!(kept, Ok(Kept::Done)) {
        store.revoke(&opening.grant.id, now).await?;
    }
    Ok(match kept? {
        Kept::Done => Together::Decided(spend),
        Kept::Overtaken => Together::Overtaken,
    })
}

/// The request first: a consent that then cannot be changed lapses by itself.
///
/// # Errors
/// When either store fails.
pub async fn close<S: Store + ?Sized>(
    store: &S,
    request: &Fingerprint<RequestUri>,
    now: Timestamp,
    companion: &dyn Companion,
) -> Result<Together, Fault> {
    let spend = store.close(request, now).await?;
    if spend == Spend::Applied {
        companion.keep().await?;
    }
    Ok(Together::Decided(spend))
}
