//! Consents that are lodged by key.

use std::sync::Arc;

use oauth_core::ConsentId;
use oauth_core::store::contract::{BEGINNING, same};
use rar_consent::{Actor, ConsentStatus};

use super::desk::{Desk, client, key, later, lodgeable, of, uuid, wrong};
use super::{Books, Breach};
use crate::domain::RequestFingerprint;
use crate::port::{KeyRef, KeyedConsent, KeyedOperation, Lodging, LodgingChange};

pub(super) async fn hold<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Books>>,
{
    lodged(&Desk::open(make().await).await?).await?;
    keys_over(&Desk::open(make().await).await?).await
}

/// The request with the `n`-th key, for a consent of this name.
pub(super) fn lodging(n: usize, id: &str, body: &str) -> Result<LodgingChange, Breach> {
    let (consent, entry) = lodgeable(id, None)?;
    Ok(LodgingChange {
        key: key(&uuid(n), KeyedOperation::LodgeConsent)?,
        fingerprint: RequestFingerprint::of(body.as_bytes()),
        key_until: later(100),
        consent,
        entry,
    })
}

async fn lodged(desk: &Desk) -> Result<(), Breach> {
    let (book, consents) = (&desk.ports.lodgings, &desk.ports.consents);
    let first = lodging(1, "c-1", "one")?;
    same("a free key holds nothing", &book.lodged(&first.key, BEGINNING).await?, &None)?;
    same("a consent is lodged", &book.lodge(first.clone()).await?, &Lodging::New)?;
    same("and kept", &consents.consent(&first.consent.id).await?, &Some(first.consent.clone()))?;
    let history = consents.history(&first.consent.id).await?;
    same("with the first entry of its history", &history, &vec![first.entry.clone()])?;
    let third_party = Actor::Tpp(client()?.id);
    let moved = first.consent.moved(ConsentStatus::Revoked, &third_party, "contract", later(1));
    let (revoked, by) = moved.map_err(wrong)?;
    consents.replace(&revoked, &by).await?;
    let again = book.lodge(lodging(1, "c-2", "one")?).await?;
    let repeat = Lodging::Repeat(Box::new(first.consent.clone()));
    same("a repeat is the consent as it was then", &again, &repeat)?;
    let held = KeyedConsent { fingerprint: first.fingerprint, consent: first.consent.clone() };
    same("so is what the key holds", &book.lodged(&first.key, BEGINNING).await?, &Some(held))?;
    let other = book.lodge(lodging(1, "c-2", "other")?).await?;
    same("another request under a taken key conflicts", &other, &Lodging::ConflictingRepeat)?;
    let second = ConsentId::new("c-2").map_err(wrong)?;
    same("neither makes a consent", &consents.consent(&second).await?, &None)?;
    let used = lodging(2, "c-1", "two")?;
    same("an identifier is used once", &book.lodge(used.clone()).await?, &Lodging::IdUsed)?;
    same("and binds no key", &book.lodged(&used.key, BEGINNING).await?, &None)?;
    let stranger = KeyRef { client: of("https://as.example", "other")?, ..first.key.clone() };
    same("a key belongs to its client", &book.lodged(&stranger, BEGINNING).await?, &None)?;
    let elsewhere = KeyRef { operation: KeyedOperation::InitiatePayment, ..first.key };
    same("and to its operation", &desk.ports.payments.by_key(&elsewhere, BEGINNING).await?, &None)
}

async fn keys_over(desk: &Desk) -> Result<(), Breach> {
    let book = &desk.ports.lodgings;
    let first = lodging(1, "c-1", "one")?;
    book.lodge(first.clone()).await?;
    book.lodge(lodging(2, "c-2", "two")?).await?;
    let until = first.key_until;
    same("at its end a key holds nothing", &book.lodged(&first.key, until).await?, &None)?;
    let mut anew = lodging(1, "c-3", "three")?;
    (anew.consent.created_at, anew.key_until) = (until, later(1000));
    same("and is taken anew", &book.lodge(anew.clone()).await?, &Lodging::New)?;
    same("a sweep deletes keys of consents too", &desk.ports.payments.sweep(until).await?, &1)?;
    let holds = book.lodged(&first.key, until).await?.map(|held| held.consent.id);
    same("but none that was taken anew", &holds, &Some(anew.consent.id))?;
    let second = ConsentId::new("c-2").map_err(wrong)?;
    same("what a swept key held stays", &desk.ports.consents.consent(&second).await?.is_some(), &true)
}
