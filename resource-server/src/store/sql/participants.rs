//! Participants of the scheme.

use async_trait::async_trait;
use oauth_core::store::database::{DbError, Statement, Transaction};
use oauth_core::{Fault, Timestamp};

use crate::domain::{
    CertificateChain, Organisation, OrganisationId, OrganisationKind, OrganisationStatus, WebOrigin,
};
use crate::port::{
    Found, KeyRef, KeyedRequest, Made, NotRegistered, OrganisationQuery, Outcome, Participants, Put,
    Registration,
};

use super::keyed::{ended, held, take};
use super::read::{body, count, written};
use super::{SqlBank, fault};

const INSERT: &str =
    "INSERT INTO participant (id, kind, status, certificate, body) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING";
const ORIGIN: &str =
    "INSERT INTO participant_origin (origin, participant) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const BY_ID: &str = "SELECT body FROM participant WHERE id = $1";
const CERTIFICATE: &str =
    "SELECT certificate AS body FROM participant WHERE id = $1 AND certificate IS NOT NULL";
const AT_ORIGIN: &str = "SELECT p.body FROM participant_origin o JOIN participant p ON p.id = o.participant
    WHERE o.origin = $1";
const LOCK: &str = "UPDATE participant SET status = $1 WHERE id = $2 RETURNING body";
const CHANGE: &str = "UPDATE participant SET body = $1 WHERE id = $2";

macro_rules! filter {
    ($start:literal, $end:literal) => {
        concat!(
            $start,
            " FROM participant WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR status = $2) ",
            $end
        )
    };
}

const COUNT: &str = filter!("SELECT count(*)", "");
const PAGE: &str = filter!("SELECT body", "ORDER BY id LIMIT $3 OFFSET $4");

#[async_trait]
impl Participants for SqlBank {
    async fn register(
        &self,
        wanted: KeyedRequest<Registration>,
    ) -> Result<Made<Organisation, NotRegistered>, Fault> {
        let done = self.database.transaction(move |transaction| {
            let wanted = wanted.clone();
            Box::pin(async move { register(transaction, &wanted).await })
        });
        ended(done.await)
    }

    async fn registered(&self, key: &KeyRef, now: Timestamp) -> Result<Option<Outcome<Organisation>>, Fault> {
        held(&self.database, key, now).await
    }

    async fn organisation(&self, id: &OrganisationId) -> Result<Option<Organisation>, Fault> {
        let row = self.database.read_one(Statement::new(BY_ID).text(id.as_str())).await.map_err(fault)?;
        row.as_ref().map(body).transpose().map_err(fault)
    }

    async fn organisations(&self, query: &OrganisationQuery) -> Result<Found<Organisation>, Fault> {
        let total = self.database.read_one(filtered(COUNT, query)).await.map_err(fault)?;
        let total = count(total.as_ref()).map_err(fault)?;
        let page = filtered(PAGE, query)
            .int(i64::from(query.page.size()))
            .int(i64::try_from(query.page.offset()).unwrap_or(i64::MAX));
        let rows = self.database.read(page).await.map_err(fault)?;
        let items = rows.iter().map(body).collect::<Result<_, _>>().map_err(fault)?;
        Ok(Found { items, total })
    }

    async fn certificate(&self, id: &OrganisationId) -> Result<Option<CertificateChain>, Fault> {
        let query = Statement::new(CERTIFICATE).text(id.as_str());
        let row = self.database.read_one(query).await.map_err(fault)?;
        row.as_ref().map(body).transpose().map_err(fault)
    }

    async fn at_origin(&self, origin: &WebOrigin) -> Result<Option<Organisation>, Fault> {
        let query = Statement::new(AT_ORIGIN).text(origin.as_str());
        let row = self.database.read_one(query).await.map_err(fault)?;
        row.as_ref().map(body).transpose().map_err(fault)
    }

    async fn put_status(&self, id: &OrganisationId, to: OrganisationStatus) -> Result<Put, Fault> {
        let id = id.clone();
        let putting = self.database.transaction(move |transaction| {
            let id = id.clone();
            Box::pin(async move {
                let lock = Statement::new(LOCK).text(status(to)).text(id.as_str());
                let Some(row) = transaction.query_one(lock).await? else { return Ok(Put::Unknown) };
                let changed = Organisation { status: to, ..body(&row)? };
                let change = Statement::new(CHANGE).text(written(&changed)?).text(id.as_str());
                transaction.execute(change).await.map(|_| Put::Done)
            })
        });
        putting.await.map_err(fault)
    }
}

async fn register(
    transaction: &mut Transaction<'_>,
    wanted: &KeyedRequest<Registration>,
) -> Result<Made<Organisation, NotRegistered>, DbError> {
    let Registration { organisation, certificate } = &wanted.wanted;
    let (id, subject) = (&organisation.id, (organisation.id.as_str(), organisation));
    if let Some(answer) = take(transaction, wanted.by.as_ref(), subject, wanted.at).await? {
        return Ok(answer);
    }
    let row = Statement::new(INSERT)
        .text(id.as_str())
        .text(kind(organisation.kind))
        .text(status(organisation.status))
        .opt_text(certificate.as_ref().map(written).transpose()?)
        .text(written(organisation)?);
    if transaction.execute(row).await?.affected == 0 {
        return refuse(NotRegistered::Duplicate);
    }
    for origin in &organisation.origins {
        let row = Statement::new(ORIGIN).text(origin.as_str()).text(id.as_str());
        if transaction.execute(row).await?.affected == 0 {
            return refuse(NotRegistered::OriginTaken);
        }
    }
    Ok(Made::New(organisation.clone()))
}

fn refuse(why: NotRegistered) -> Result<Made<Organisation, NotRegistered>, DbError> {
    Err(Transaction::abort(Made::<Organisation, NotRegistered>::Refused(why)))
}

fn filtered(sql: &'static str, query: &OrganisationQuery) -> Statement {
    Statement::new(sql).opt_text(query.kind.map(kind)).opt_text(query.status.map(status))
}

/// Part of the stored format.
const fn kind(kind: OrganisationKind) -> &'static str {
    match kind {
        OrganisationKind::PeraAdministrator => "pera_administrator",
        OrganisationKind::ContributorInstitution => "contributor_institution",
    }
}

/// Part of the stored format.
const fn status(status: OrganisationStatus) -> &'static str {
    match status {
        OrganisationStatus::Active => "active",
        OrganisationStatus::Inactive => "inactive",
        OrganisationStatus::Maintenance => "maintenance",
        OrganisationStatus::Suspended => "suspended",
    }
}
