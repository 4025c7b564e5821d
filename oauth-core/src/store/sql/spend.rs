//! The verbs that spend: one statement on PostgreSQL; on SQLite a transaction that begins with the conditional one.

use super::super::database::{Database, Engine, Row, Statement};
use super::record::write;
use super::{fault, text};
use crate::port::store::{Opening, Redemption, Spend};
use crate::refusal::Fault;
use crate::vocabulary::id::GrantId;
use crate::vocabulary::secret::{Code, Fingerprint, Refresh, RequestUri};
use crate::vocabulary::time::Timestamp;

pub(super) async fn open(
    database: &Database,
    request: &Fingerprint<RequestUri>,
    opening: &Opening,
    now: Timestamp,
) -> Result<Spend, Fault> {
    let opened = match database.engine() {
        Engine::Postgres => {
            let at_once =
                insert_grant(text::OPEN_AT_ONCE, opening)?.bytes(*request.as_bytes()).int(now.millis());
            database.write(at_once).await.map(|done| done.affected)
        }
        Engine::Sqlite => {
            let spend = Statement::new(text::CLOSE).bytes(*request.as_bytes()).int(now.millis());
            let insert = insert_grant(text::INSERT_GRANT, opening)?;
            let work = database.transaction(move |transaction| {
                let (spend, insert) = (spend.clone(), insert.clone());
                Box::pin(async move {
                    if transaction.execute(spend).await?.affected == 0 {
                        return Ok(0);
                    }
                    transaction.execute(insert).await.map(|done| done.affected)
                })
            });
            work.await
        }
    };
    Ok(if opened.map_err(fault)? > 0 { Spend::Applied } else { Spend::Unknown })
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
    let spent = match (database.engine(), tokens(change)?) {
        (Engine::Postgres, tokens) if !tokens.is_empty() => {
            at_once(database, text::REDEEM_AT_ONCE, key, change).await?
        }
        (Engine::Postgres | Engine::Sqlite, tokens) => {
            let spend = Statement::new(text::REDEEM).bytes(key).int(change.at.millis());
            in_steps(database, spend, tokens).await?
        }
    };
    if spent.is_some() {
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
        (Engine::Postgres, Some(_)) => at_once(database, text::ROTATE_AT_ONCE, key, change).await?.is_some(),
        (Engine::Sqlite, Some(_)) => {
            let spend = Statement::new(text::ROTATE).bytes(key).int(change.at.millis());
            in_steps(database, spend, tokens(change)?).await?.is_some()
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
) -> Result<Option<Row>, Fault> {
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
    Ok(database.write(statement).await.map_err(fault)?.first())
}

/// The inserts of the tokens to keep, each but for its last parameter, the grant.
fn tokens(change: &Redemption) -> Result<Vec<Statement>, Fault> {
    let mut inserts = Vec::with_capacity(2);
    if let Some((token, until)) = change.refresh {
        inserts.push(Statement::new(text::INSERT_REFRESH).bytes(*token.as_bytes()).int(until.millis()));
    }
    if let Some(access) = &change.access {
        let insert = Statement::new(text::INSERT_ACCESS)
            .bytes(*access.token.as_bytes())
            .int(access.until.millis())
            .text(write(&access.claims)?);
        inserts.push(insert);
    }
    Ok(inserts)
}

/// Spends, and then keeps the tokens of the grant whose row came back.
async fn in_steps(
    database: &Database,
    spend: Statement,
    tokens: Vec<Statement>,
) -> Result<Option<Row>, Fault> {
    if tokens.is_empty() {
        return Ok(database.write(spend).await.map_err(fault)?.first());
    }
    let work = database.transaction(move |transaction| {
        let (spend, tokens) = (spend.clone(), tokens.clone());
        Box::pin(async move {
            let Some(row) = transaction.query_one(spend).await? else { return Ok(None) };
            for insert in tokens {
                transaction.execute(insert.text(row.text(0_usize)?)).await?;
            }
            Ok(Some(row))
        })
    });
    work.await.map_err(fault)
}

/// Why nothing was spent. Asked afterwards: what was spent stays spent, so the answer cannot be overtaken.
async fn spent_before(database: &Database, query: Statement) -> Result<Spend, Fault> {
    let Some(row) = database.read_one(query).await.map_err(fault)? else { return Ok(Spend::Unknown) };
    let id = row.text(0_usize).map_err(fault)?;
    Ok(Spend::SpentBefore(GrantId::new(id).ok()))
}
