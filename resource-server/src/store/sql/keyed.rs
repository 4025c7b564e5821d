//! What a key holds where the outcome is kept beside it.

use oauth_core::store::database::{Database, DbError, Row, Transaction};
use oauth_core::{Fault, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::port::{KeyRef, Made, Outcome, TakenKey};

use super::keys::{self, Claim, Kept, fingerprint, held_by};
use super::read::{body, written};
use super::{corrupt, fault};

const HELD_BY_KEY: &str = "SELECT fingerprint, outcome AS body FROM idempotency
    WHERE client = $1 AND operation = $2 AND key = $3 AND until > $4";

/// Takes the key of a request, or says what holds it. `None`: go ahead.
pub(super) async fn take<T: Serialize + DeserializeOwned, R>(
    transaction: &mut Transaction<'_>,
    by: Option<&TakenKey>,
    (subject, made): (&str, &T),
    now: Timestamp,
) -> Result<Option<Made<T, R>>, DbError> {
    let Some(by) = by else { return Ok(None) };
    let kept = Kept {
        key: &by.key,
        fingerprint: &by.fingerprint,
        until: by.until,
        subject,
        outcome: Some(written(made)?),
    };
    if keys::claim(transaction, kept, now).await? == Claim::Taken {
        return Ok(None);
    }
    let row = transaction.query_one(held_by(HELD_BY_KEY, &by.key, now)).await?;
    let held: Outcome<T> = outcome(&row.ok_or_else(|| corrupt("a key without its outcome"))?)?;
    Ok(Some(if held.fingerprint == by.fingerprint {
        Made::Repeat(held.made)
    } else {
        Made::ConflictingRepeat
    }))
}

/// What a key holds now.
pub(super) async fn held<T: DeserializeOwned>(
    database: &Database,
    key: &KeyRef,
    now: Timestamp,
) -> Result<Option<Outcome<T>>, Fault> {
    let row = database.read_one(held_by(HELD_BY_KEY, key, now)).await.map_err(fault)?;
    row.as_ref().map(outcome).transpose().map_err(fault)
}

fn outcome<T: DeserializeOwned>(row: &Row) -> Result<Outcome<T>, DbError> {
    Ok(Outcome { fingerprint: fingerprint(row)?, made: body(row)? })
}

/// How a change ended that may have been given up with a reason.
pub(super) fn ended<T: Send + 'static>(done: Result<T, DbError>) -> Result<T, Fault> {
    match done {
        Ok(made) => Ok(made),
        Err(error) => error.into_reason::<T>().map_err(fault),
    }
}
