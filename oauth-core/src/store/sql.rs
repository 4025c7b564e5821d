//! The stores on SQLite and PostgreSQL. One text per statement for both engines, except where PostgreSQL can do several
//! changes in one round trip.
//!
//! Whatever spends something is one conditional statement, or begins with it: the row it changes is the lock. A pushed
//! request that was decided leaves no trace, so [`Store::open`] and [`Store::close`] answer [`Spend::Unknown`] both for
//! a request that never was and for one that was decided; codes and refresh tokens stay until their grant ends and are
//! answered with [`Spend::SpentBefore`].
//!
//! | Verb | Statements |
//! |---|---|
//! | `push`, `pushed`, `close`, `grant_by_code`, `grant_by_refresh`, `issue`, `access`, `grant`, `stage`, `grants_of`, `revoke`, `revoke_token`, `token_standing`, `claim` of up to two keys | 1 |
//! | `open` | 1 on PostgreSQL, 2 on SQLite |
//! | `push_with`, `open_with`, `close_with` | those of the verb and of its companion |
//! | `redeem`, `rotate` | 1 on PostgreSQL; 1 on SQLite and 1 more for each token to keep; 1 more when nothing was spent |
//! | `sweep` | 1 a table |
//! | keys of a ring: `keys`, `reseal` | 1 |
//! | keys of a ring: `apply` | 1 a step |
//!
//! Whatever the statements of one verb, they are one transaction, and on SQLite one trip to the writer.

mod claims;
mod key_ring;
mod known;
mod record;
mod spend;
mod text;
mod token_index;

pub use claims::SqlClaims;
pub use key_ring::SqlKeyRing;
pub use token_index::SqlTokenIndex;

use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use self::known::Known;
use self::record::{grant_in, read, stage_in, write};
use self::spend::{closed, decide_with, insert_request, open, opened, push_with, redeem, rotate};
use super::database::{Change, Database, DbError, Migration, MigrationSet, Row, Statement};
use crate::limits;
use crate::model::grant::{Grant, Stage};
use crate::model::request::VettedRequest;
use crate::model::token::AccessClaims;
use crate::port::apart;
use crate::port::companion::{Companion, Kept};
use crate::port::store::{
    Opening, Redemption, RefreshRecord, Spend, Store, StoredAccess, Together, TokenStanding, UseState,
};
use crate::refusal::Fault;
use crate::vocabulary::id::{GrantId, Subject};
use crate::vocabulary::secret::{Access, Code, Fingerprint, Kind, Refresh, RequestUri};
use crate::vocabulary::time::Timestamp;

/// The tables of [`SqlStore`], [`SqlClaims`] and [`SqlKeyRing`]. To be [applied](Database::migrate) before either is used.
#[must_use]
pub const fn migrations() -> MigrationSet {
    const MIGRATIONS: &[Migration] = &[
        Migration::shared(1, "requests, grants and tokens", text::TABLES),
        Migration { version: 2, name: "claims", sqlite: text::CLAIM_SQLITE, postgres: text::CLAIM_POSTGRES },
        Migration::shared(10, "signing keys", text::SIGNING_KEY),
        Migration::shared(12, "tokens by their hash", text::TOKEN_HASH),
    ];
    MigrationSet::new("oauth-core", MIGRATIONS)
}

/// Pushed requests, grants and tokens in a database.
#[derive(Debug, Clone)]
pub struct SqlStore {
    database: Database,
    requests: Arc<Known<RequestUri, VettedRequest>>,
    tokens: Arc<Known<Access, AccessClaims>>,
}

impl SqlStore {
    /// A store over a database to which [`migrations`] were applied.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database, requests: Arc::default(), tokens: Arc::default() }
    }

    /// The record under a key, if the database says that it is there. `[first, again]` finds the record itself, and, once it
    /// is known, only that.
    async fn record<K: Kind, T: Clone + DeserializeOwned>(
        &self,
        known: &Known<K, T>,
        [first, again]: [&'static str; 2],
        key: &Fingerprint<K>,
        now: Timestamp,
    ) -> Result<Option<T>, Fault> {
        let before = known.find(key);
        let text = if before.is_some() { again } else { first };
        let row = self.one(Statement::new(text).bytes(*key.as_bytes()).int(now.millis())).await?;
        let Some(row) = row else { return Ok(None) };
        if let Some(record) = before {
            return Ok(Some(T::clone(&record)));
        }
        let record: T = read(&row, "record")?;
        known.keep(*key, record.clone());
        Ok(Some(record))
    }

    async fn one(&self, query: Statement) -> Result<Option<Row>, Fault> {
        self.database.look_up(query).await.map_err(fault)
    }

    async fn change(&self, statement: Statement) -> Result<u64, Fault> {
        Ok(self.database.write(statement).await.map_err(fault)?.affected)
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn push(
        &self,
        key: &Fingerprint<RequestUri>,
        request: &VettedRequest,
        until: Timestamp,
    ) -> Result<(), Fault> {
        self.change(insert_request(key, request, until)?).await.map(drop)
    }

    async fn push_with(
        &self,
        key: &Fingerprint<RequestUri>,
        (request, until): (&VettedRequest, Timestamp),
        companion: &dyn Companion,
    ) -> Result<Kept, Fault> {
        let Some(shared) = Change::shared(companion, &self.database) else {
            return apart::push(self, key, (request, until), companion).await;
        };
        push_with(&self.database, insert_request(key, request, until)?, shared).await
    }

    async fn pushed(
        &self,
        key: &Fingerprint<RequestUri>,
        now: Timestamp,
    ) -> Result<Option<VettedRequest>, Fault> {
        self.record(&self.requests, [text::PUSHED, text::PUSHED_STILL], key, now).await
    }

    async fn open(
        &self,
        request: &Fingerprint<RequestUri>,
        opening: &Opening,
        now: Timestamp,
    ) -> Result<Spend, Fault> {
        self.requests.forget(request);
        open(&self.database, request, opening, now).await
    }

    async fn open_with(
        &self,
        request: &Fingerprint<RequestUri>,
        opening: &Opening,
        now: Timestamp,
        companion: &dyn Companion,
    ) -> Result<Together, Fault> {
        let Some(shared) = Change::shared(companion, &self.database) else {
            return apart::open(self, request, opening, now, companion).await;
        };
        self.requests.forget(request);
        decide_with(&self.database, opened(&self.database, request, opening, now)?, shared).await
    }

    async fn close(&self, request: &Fingerprint<RequestUri>, now: Timestamp) -> Result<Spend, Fault> {
        self.requests.forget(request);
        Ok(if self.change(closed(request, now)).await? > 0 { Spend::Applied } else { Spend::Unknown })
    }

    async fn close_with(
        &self,
        request: &Fingerprint<RequestUri>,
        now: Timestamp,
        companion: &dyn Companion,
    ) -> Result<Together, Fault> {
        let Some(shared) = Change::shared(companion, &self.database) else {
            return apart::close(self, request, now, companion).await;
        };
        self.requests.forget(request);
        decide_with(&self.database, vec![closed(request, now)], shared).await
    }

    async fn grant_by_code(&self, code: &Fingerprint<Code>) -> Result<Option<Grant>, Fault> {
        let row = self.one(Statement::new(text::GRANT_BY_CODE).bytes(*code.as_bytes())).await?;
        row.map(|row| grant_in(&row)).transpose()
    }

    async fn redeem(&self, code: &Fingerprint<Code>, change: &Redemption) -> Result<Spend, Fault> {
        redeem(&self.database, code, change).await
    }

    async fn grant_by_refresh(&self, token: &Fingerprint<Refresh>) -> Result<Option<RefreshRecord>, Fault> {
        let query = Statement::new(text::GRANT_BY_REFRESH).bytes(*token.as_bytes());
        let row = self.database.read_one(query).await.map_err(fault)?;
        row.map(|row| refresh_in(&row)).transpose()
    }

    async fn rotate(&self, old: &Fingerprint<Refresh>, change: &Redemption) -> Result<Spend, Fault> {
        rotate(&self.database, old, change).await
    }

    async fn issue(&self, token: &StoredAccess) -> Result<(), Fault> {
        let insert = Statement::new(text::INSERT_ACCESS)
            .bytes(*token.token.as_bytes())
            .int(token.until.millis())
            .text(write(&token.claims)?)
            .opt_text(token.claims.grant_id.as_ref().map(GrantId::as_str));
        self.change(insert).await.map(drop)
    }

    async fn access(
        &self,
        token: &Fingerprint<Access>,
        now: Timestamp,
    ) -> Result<Option<AccessClaims>, Fault> {
        self.record(&self.tokens, [text::ACCESS, text::ACCESS_STILL], token, now).await
    }

    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, Fault> {
        let row = self.one(Statement::new(text::GRANT).text(id.as_str())).await?;
        row.map(|row| grant_in(&row)).transpose()
    }

    async fn stage(&self, id: &GrantId) -> Result<Option<Stage>, Fault> {
        let row = self.one(Statement::new(text::STAGE).text(id.as_str())).await?;
        row.map(|row| stage_in(&row)).transpose()
    }

    async fn grants_of(&self, subject: &Subject, now: Timestamp) -> Result<Vec<Grant>, Fault> {
        let limit = i64::try_from(super::GRANTS_LISTED).unwrap_or(i64::MAX);
        let query = Statement::new(text::GRANTS_OF).text(subject.as_str()).int(now.millis()).int(limit);
        self.database.read(query).await.map_err(fault)?.iter().map(grant_in).collect()
    }

    async fn revoke(&self, grant: &GrantId, _now: Timestamp) -> Result<(), Fault> {
        self.change(Statement::new(text::REVOKE).text(grant.as_str())).await.map(drop)
    }

    async fn revoke_token(&self, jti: &str, until: Timestamp) -> Result<(), Fault> {
        self.change(Statement::new(text::REVOKE_TOKEN).text(jti).int(until.millis())).await.map(drop)
    }

    async fn token_standing(&self, jti: &str, now: Timestamp) -> Result<TokenStanding, Fault> {
        let row = self.one(Statement::new(text::TOKEN_STANDING).text(jti).int(now.millis())).await?;
        Ok(if row.is_some() { TokenStanding::Revoked } else { TokenStanding::Good })
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, Fault> {
        let mut swept = 0;
        for sweep in text::SWEEPS {
            let delete = Statement::new(sweep).int(now.millis()).int(limits::SWEEP_ROWS.into());
            swept += self.change(delete).await?;
        }
        Ok(swept)
    }
}

fn refresh_in(row: &Row) -> Result<RefreshRecord, Fault> {
    let spent = row.opt_int("spent_at").map_err(fault)?.is_some();
    Ok(RefreshRecord {
        grant: grant_in(row)?,
        until: Timestamp::from_millis(row.int("ends_at").map_err(fault)?),
        use_state: if spent { UseState::Spent } else { UseState::Current },
    })
}

fn fault(error: DbError) -> Fault {
    Fault::new("store", error)
}
