//! Signing keys in a database: one row per key, private halves as the vault sealed them.

use async_trait::async_trait;

use super::super::database::{Change, Database, DbError, Row, Statement, Transaction};
use super::{fault, text};
use crate::jose::{Alg, PublicJwk};
use crate::model::signing_key::{KeyMaterial, KeyStage, KeyStep, RingKey};
use crate::port::companion::Companion;
use crate::port::key_ring::{KeyRing, RingChange};
use crate::refusal::Fault;
use crate::vocabulary::id::KeyId;
use crate::vocabulary::time::Timestamp;
use crate::vocabulary::uri::Issuer;

/// Signing keys in a database to which the [migrations](super::migrations) were applied. Two partial unique indexes see
/// to it that an algorithm has one active and one published key at most, however many processes ask.
#[derive(Debug, Clone)]
pub struct SqlKeyRing {
    database: Database,
}

impl SqlKeyRing {
    /// A ring over this database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

/// Another process was quicker.
struct Overtaken;

#[async_trait]
impl KeyRing for SqlKeyRing {
    async fn keys(&self, issuer: &Issuer) -> Result<Vec<RingKey>, Fault> {
        let rows = self.database.read(Statement::new(text::KEYS).text(issuer.as_str())).await;
        rows.map_err(fault)?.iter().map(key_in).collect()
    }

    async fn apply(&self, issuer: &Issuer, steps: &[KeyStep]) -> Result<RingChange, Fault> {
        self.apply_with(issuer, steps, &[]).await
    }

    async fn apply_with(
        &self,
        issuer: &Issuer,
        steps: &[KeyStep],
        records: &[Box<dyn Companion>],
    ) -> Result<RingChange, Fault> {
        let mut statements: Vec<Statement> = steps.iter().map(|step| statement(issuer, step)).collect();
        let mut elsewhere = Vec::new();
        for record in records {
            match Change::shared(&**record, &self.database) {
                Some(shared) => statements.extend_from_slice(shared),
                None => elsewhere.push(record),
            }
        }
        let work = self.database.transaction(move |transaction| {
            let statements = statements.clone();
            Box::pin(async move {
                for statement in statements {
                    if transaction.execute(statement).await?.affected != 1 {
                        return Err(Transaction::abort(Overtaken));
                    }
                }
                Ok(())
            })
        });
        match work.await {
            Ok(()) => {
                for record in elsewhere {
                    record.keep().await?;
                }
                Ok(RingChange::Applied)
            }
            Err(DbError::UniqueViolation { .. }) => Ok(RingChange::Overtaken),
            Err(error) => match error.into_reason::<Overtaken>() {
                Ok(Overtaken) => Ok(RingChange::Overtaken),
                Err(error) => Err(fault(error)),
            },
        }
    }

    async fn reseal(
        &self,
        issuer: &Issuer,
        kid: &KeyId,
        old: &KeyMaterial,
        new: &KeyMaterial,
    ) -> Result<RingChange, Fault> {
        let update = Statement::new(text::RESEAL_KEY)
            .text(issuer.as_str())
            .text(kid.as_str())
            .bytes(old.0.clone())
            .bytes(new.0.clone());
        let changed = self.database.write(update).await.map_err(fault)?.affected;
        Ok(if changed == 1 { RingChange::Applied } else { RingChange::Overtaken })
    }
}

fn statement(issuer: &Issuer, step: &KeyStep) -> Statement {
    match step {
        KeyStep::Add(key) => Statement::new(text::ADD_KEY)
            .text(issuer.as_str())
            .text(key.kid.as_str())
            .text(key.alg.as_str())
            .text(key.stage.as_str())
            .text(key.public.to_value().to_string())
            .int(key.made_at.millis())
            .int(key.since.millis())
            .opt_int(key.ends_at.map(Timestamp::millis))
            .opt_bytes(key.material.as_ref().map(|material| material.0.clone())),
        KeyStep::Move(way) => {
            let sql = if way.to.keeps_material() { text::MOVE_KEY } else { text::END_KEY };
            Statement::new(sql)
                .text(issuer.as_str())
                .text(way.kid.as_str())
                .text(way.from.as_str())
                .text(way.to.as_str())
                .int(way.at.millis())
                .opt_int(way.ends_at.map(Timestamp::millis))
        }
        KeyStep::Forget { kid, from } => {
            Statement::new(text::FORGET_KEY).text(issuer.as_str()).text(kid.as_str()).text(from.as_str())
        }
    }
}

fn key_in(row: &Row) -> Result<RingKey, Fault> {
    let text = |column| row.text(column).map_err(fault);
    let time = |column| row.int(column).map(Timestamp::from_millis).map_err(fault);
    let corrupt = |column: &'static str| {
        let detail = format!("column {column} of a signing key holds none");
        fault(DbError::Corrupt { detail })
    };
    Ok(RingKey {
        kid: KeyId::new(text("kid")?).map_err(|_| corrupt("kid"))?,
        alg: Alg::parse(text("alg")?).ok_or_else(|| corrupt("alg"))?,
        public: PublicJwk::read(text("public_jwk")?.as_bytes()).map_err(|_| corrupt("public_jwk"))?,
        stage: KeyStage::parse(text("stage")?).ok_or_else(|| corrupt("stage"))?,
        since: time("since")?,
        made_at: time("made_at")?,
        ends_at: row.opt_int("ends_at").map_err(fault)?.map(Timestamp::from_millis),
        material: row.opt_bytes("material").map_err(fault)?.map(|bytes| KeyMaterial(bytes.to_vec())),
    })
}
