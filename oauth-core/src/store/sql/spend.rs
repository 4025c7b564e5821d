//! The verbs that spend: one statement on PostgreSQL; on SQLite a chain that begins with the conditional one.

use super::super::database::{Chained, Database, Engine, Statement};
use super::record::write;
use super::{fault, text};
use crate::model::request::VettedRequest;
use crate::port::companion::Kept;
use crate::port::store::{Opening, Redemption, Spend, Together};
use crate::refusal::Fault;
use crate::vocabulary::id::GrantId;
use crate::vocabulary::secret::{Code, Fingerprint, Refresh, RequestUri};
use crate::vocabulary::time::Timestamp;

pub(super) fn insert_request(
    key: &Fingerprint<RequestUri>,
    request: &VettedRequest,
    until: Timestamp,
) -> Result<Statement, Fault> {
    Ok(Statement::new(text::PUSH).bytes(*key.as_bytes()).int(until.millis()).text(write(request)?))
}

/// The companion first: it alone may stop the chain.
pub(super) async fn push_with(
    database: &Database,
    insert: Statement,
    companion: &[Statement],
) -> Result<Kept, Fault> {
    let chain = companion.iter().cloned().chain([insert]).collect();
    match database.chain(chain).await.map_err(fault)? {
        Chained::Done => Ok(Kept::Done),
        Chained::Stopped(_) => Ok(Kept::Overtaken),
    }
}

pub(super) async fn open(
    database: &Database,
    request: &Fingerprint<RequestUri>,
    opening: &Opening,
    now: Timestamp,
) -> Result<Spend, Fault> {
    let mut statements = opened(database, request, opening, now)?;
    let opened = match (database.engine(), statements.pop()) {
        (Engine::Postgres, Some(at_once)) => database.write(at_once).await.map(|done| done.affected > 0),
        (Engine::Postgres | Engine::Sqlite, last) => {
            statements.extend(last);
            database.chain(statements).await.map(|chained| chained == Chained::Done)
        }
    };
    Ok(if opened.map_err(fault)? { Spend::Applied } else { Spend::Unknown })
}

/// Spends the request and opens the grant. On PostgreSQL in one statement.
pub(super) fn opened(
    database: &Database,
    request: &Fingerprint<RequestUri>,
    opening: &Opening,
    now: Timestamp,
) -> Result<Vec<Statement>, Fault> {
    Ok(match database.engine() {
        Engine::Postgres => {
            let at_once = insert_grant(text::OPEN_AT_ONCE, opening)?;
            vec![at_once.bytes(*request.as_bytes()).int(now.millis())]
        }
        Engine::Sqlite => vec![closed(request, now), insert_grant(text::INSERT_GRANT, opening)?],
    })
}

pub(super) fn closed(request: &Fingerprint<RequestUri>, now: Timestamp) -> Statement {
    Statement::new(text::CLOSE).bytes(*request.as_bytes()).int(now.millis())
}

/// Decides a request and keeps the companion, in one transaction. The request comes first: its row is the lock.
pub(super) async fn decide_with(
    database: &Database,
    mut statements: Vec<Statement>,
    companion: &[Statement],
) -> Result<Together, Fault> {
    let own = statements.len();
    statements.extend(companion.iter().cloned());
    Ok(match database.chain(statements).await.map_err(fault)? {
        Chained::Done => Together::Decided(Spend::Applied),
        Chained::Stopped(at) if at < own => Together::Decided(Spend::Unknown),
        Chained::Stopped(_) => Together::Overtaken,
    })
}

/// A grant whose code is never redeemed brings nothing, and may be swept when its code is over.
fn insert_grant(sql: &'static str, opening: &Opening) -> Result<Statement, Fault> {
    let grant = &opening.grant;
    Ok(Statement::new(sql)
        .text(grant.id.as_str())
        .text(grant.issuer.as_str())
        .text(grant.client.as_str())
        .text(grant.subject.as_str())
        .bytes(*opening.code.as_bytes())
        .int(grant.code_until.millis())
        .int(grant.opened_at.millis())
        .int(grant.until.millis())
        .int(grant.code_until.min(grant.until).millis())
        .text(write(grant)?))
}

pub(super) async fn redeem(
    database: &Database,
    code: &Fingerprint<Code>,
    change: &Redemption,
) -> Result<Spend, Fault> {
    let key = *code.as_bytes();
    let spend = || Statement::new(text::REDEEM).bytes(key).int(change.at.millis());
    let spent = match (database.engine(), change.refresh.is_some() || change.access.is_some()) {
        (_, false) => database.write(spend()).await.map(|done| done.first().is_some()).map_err(fault)?,
        (Engine::Postgres, true) => at_once(database, text::REDEEM_AT_ONCE, key, change).await?,
        (Engine::Sqlite, true) => {
            in_steps(database, spend(), tokens([text::CODE_REFRESH, text::CODE_ACCESS], key, change)?).await?
        }
    };
    if spent {
        return Ok(Spend::Applied);
    }
    spent_before(database, Statement::new(text::REDEEMED_BEFORE).bytes(key)).await
}

pub(super) async fn rotate(
    database: &Database,
    old: &Fingerprint<Refresh>,
    change: &Redemption,
) -> Result<Spend, Fault> {
    let key = *old.as_bytes();
    let used = match (database.engine(), change.refresh) {
        (_, None) => keep(database, key, change).await?,
        (Engine::Postgres, Some(_)) => at_once(database, text::ROTATE_AT_ONCE, key, change).await?,
        (Engine::Sqlite, Some(_)) => {
            let spend = Statement::new(text::ROTATE).bytes(key).int(change.at.millis());
            in_steps(database, spend, tokens([text::NEXT_REFRESH, text::NEXT_ACCESS], key, change)?).await?
        }
    };
    if used {
        return Ok(Spend::Applied);
    }
    spent_before(database, Statement::new(text::ROTATED_BEFORE).bytes(key)).await
}

/// The refresh token stays; a new opaque access token is kept if the token is still good, in one statement.
async fn keep(database: &Database, key: [u8; 32], change: &Redemption) -> Result<bool, Fault> {
    let Some(access) = &change.access else {
        let query = Statement::new(text::REFRESHABLE).bytes(key).int(change.at.millis());
        return Ok(database.read_one(query).await.map_err(fault)?.is_some());
    };
    let insert = Statement::new(text::REFRESH_ACCESS)
        .bytes(key)
        .int(change.at.millis())
        .bytes(*access.token.as_bytes())
        .int(access.until.millis())
        .text(write(&access.claims)?);
    Ok(database.write(insert).await.map_err(fault)?.affected > 0)
}

async fn at_once(
    database: &Database,
    sql: &'static str,
    key: [u8; 32],
    change: &Redemption,
) -> Result<bool, Fault> {
    let access = change.access.as_ref();
    let claims = access.map(|access| write(&access.claims)).transpose()?;
    let statement = Statement::new(sql)
        .bytes(key)
        .int(change.at.millis())
        .opt_bytes(change.refresh.map(|(token, _)| *token.as_bytes()))
        .opt_int(change.refresh.map(|(_, until)| until.millis()))
        .opt_bytes(access.map(|access| *access.token.as_bytes()))
        .opt_int(access.map(|access| access.until.millis()))
        .opt_text(claims);
    Ok(database.write(statement).await.map_err(fault)?.first().is_some())
}

/// The inserts of the tokens to keep, each for the grant that this key leads to.
fn tokens(
    [refresh, access]: [&'static str; 2],
    key: [u8; 32],
    change: &Redemption,
) -> Result<Vec<Statement>, Fault> {
    let mut inserts = Vec::with_capacity(2);
    if let Some((token, until)) = change.refresh {
        inserts.push(Statement::new(refresh).bytes(*token.as_bytes()).int(until.millis()).bytes(key));
    }
    if let Some(stored) = &change.access {
        let insert = Statement::new(access).bytes(*stored.token.as_bytes()).int(stored.until.millis());
        inserts.push(insert.text(write(&stored.claims)?).bytes(key));
    }
    Ok(inserts)
}

/// Spends, and then keeps the tokens.
async fn in_steps(database: &Database, spend: Statement, tokens: Vec<Statement>) -> Result<bool, Fault> {
    let chain = [spend].into_iter().chain(tokens).collect();
    Ok(database.chain(chain).await.map_err(fault)? == Chained::Done)
}

/// Why nothing was spent. Asked afterwards: what was spent stays spent, so the answer cannot be overtaken.
async fn spent_before(database: &Database, query: Statement) -> Result<Spend, Fault> {
    let Some(row) = database.read_one(query).await.map_err(fault)? else { return Ok(Spend::Unknown) };
    let id = row.text(0_usize).map_err(fault)?;
    Ok(Spend::SpentBefore(GrantId::new(id).ok()))
}
