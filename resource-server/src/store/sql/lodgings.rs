//! Lodging a consent under a key: key and consent in one transaction.

use async_trait::async_trait;
use oauth_core::store::database::{DbError, Row, Transaction};
use oauth_core::{Fault, Timestamp};
use rar_consent::Inserted;
use rar_consent::store::sql::insert;

use crate::port::{KeyRef, KeyedConsent, Lodging, LodgingBook, LodgingChange};

use super::keys::{self, Claim, Kept, fingerprint, held_by};
use super::read::{body, written};
use super::{SqlBank, corrupt, fault};

const HELD_BY_KEY: &str = "SELECT fingerprint, outcome AS body FROM idempotency
    WHERE client = $1 AND operation = $2 AND key = $3 AND until > $4";

#[async_trait]
impl LodgingBook for SqlBank {
    async fn lodge(&self, change: LodgingChange) -> Result<Lodging, Fault> {
        let lodging = self.database.transaction(move |transaction| {
            let change = change.clone();
            Box::pin(async move { lodge(transaction, &change).await })
        });
        match lodging.await {
            Ok(lodging) => Ok(lodging),
            Err(error) => error.into_reason::<Lodging>().map_err(fault),
        }
    }

    async fn lodged(&self, key: &KeyRef, now: Timestamp) -> Result<Option<KeyedConsent>, Fault> {
        let row = self.database.read_one(held_by(HELD_BY_KEY, key, now)).await.map_err(fault)?;
        row.as_ref().map(keyed).transpose().map_err(fault)
    }
}

/// A used identifier gives the transaction up, so that the key is not kept.
async fn lodge(transaction: &mut Transaction<'_>, change: &LodgingChange) -> Result<Lodging, DbError> {
    let now = change.consent.created_at;
    let kept = Kept {
        key: &change.key,
        fingerprint: &change.fingerprint,
        until: change.key_until,
        subject: change.consent.id.as_str(),
        outcome: Some(written(&change.consent)?),
    };
    if keys::claim(transaction, kept, now).await? == Claim::Held {
        let row = transaction.query_one(held_by(HELD_BY_KEY, &change.key, now)).await?;
        let held = keyed(&row.ok_or_else(|| corrupt("a key without its consent"))?)?;
        return Ok(match held.fingerprint == change.fingerprint {
            true => Lodging::Repeat(Box::new(held.consent)),
            false => Lodging::ConflictingRepeat,
        });
    }
    match insert(transaction, &change.consent, &change.entry).await? {
        Inserted::New => Ok(Lodging::New),
        Inserted::IdUsed => Err(Transaction::abort(Lodging::IdUsed)),
    }
}

fn keyed(row: &Row) -> Result<KeyedConsent, DbError> {
    Ok(KeyedConsent { fingerprint: fingerprint(row)?, consent: body(row)? })
}
