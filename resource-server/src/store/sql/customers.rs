//! What is known of customers, and how they become known.

use async_trait::async_trait;
use oauth_core::store::database::{DbError, Statement, Transaction};
use oauth_core::{Fault, Subject, Timestamp};

use crate::domain::{CustomerFile, Onboarding, OnboardingStatus};
use crate::port::{AlreadyRegistered, CustomerBook, KeyRef, KeyedRequest, Made, Outcome, Put};

use super::keyed::{ended, held, take};
use super::read::{body, written};
use super::{SqlBank, fault};

const KEEP_FILE: &str = "INSERT INTO customer_file (customer, body) VALUES ($1, $2)
    ON CONFLICT (customer) DO UPDATE SET body = excluded.body";
const FILE: &str = "SELECT body FROM customer_file WHERE customer = $1";
/// A partial unique index allows one registration of a customer that is not over.
const SUBMIT: &str = "INSERT INTO onboarding (reference, customer, status, over, created_at, body)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
const NEWEST: &str = "SELECT body FROM onboarding WHERE customer = $1
    ORDER BY over, created_at DESC, id DESC LIMIT 1";
const ADVANCE: &str =
    "UPDATE onboarding SET status = $1, over = $2, body = $3 WHERE reference = $4 AND status = $5";

impl SqlBank {
    /// Keeps what this bank has verified of a customer. Called by the bank's own desk, and for demonstration data.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn keep_file(&self, file: &CustomerFile) -> Result<(), Fault> {
        let row = Statement::new(KEEP_FILE).text(file.customer.as_str()).text(written(file).map_err(fault)?);
        self.database.write(row).await.map(drop).map_err(fault)
    }
}

#[async_trait]
impl CustomerBook for SqlBank {
    async fn file(&self, customer: &Subject) -> Result<Option<CustomerFile>, Fault> {
        let query = Statement::new(FILE).text(customer.as_str());
        let row = self.database.read_one(query).await.map_err(fault)?;
        row.as_ref().map(body).transpose().map_err(fault)
    }

    async fn submit(
        &self,
        wanted: KeyedRequest<Onboarding>,
    ) -> Result<Made<Onboarding, AlreadyRegistered>, Fault> {
        let done = self.database.transaction(move |transaction| {
            let wanted = wanted.clone();
            Box::pin(async move { submit(transaction, &wanted).await })
        });
        ended(done.await)
    }

    async fn submitted(&self, key: &KeyRef, now: Timestamp) -> Result<Option<Outcome<Onboarding>>, Fault> {
        held(&self.database, key, now).await
    }

    async fn onboarding(&self, customer: &Subject) -> Result<Option<Onboarding>, Fault> {
        let query = Statement::new(NEWEST).text(customer.as_str());
        let row = self.database.read_one(query).await.map_err(fault)?;
        row.as_ref().map(body).transpose().map_err(fault)
    }

    async fn advance_onboarding(&self, before: &Onboarding, after: &Onboarding) -> Result<Put, Fault> {
        let row = Statement::new(ADVANCE)
            .text(status(after.status))
            .int(i64::from(after.is_over()))
            .text(written(after).map_err(fault)?)
            .text(&before.reference)
            .text(status(before.status));
        match self.database.write(row).await.map_err(fault)?.affected {
            0 => Ok(Put::Unknown),
            _ => Ok(Put::Done),
        }
    }
}

async fn submit(
    transaction: &mut Transaction<'_>,
    wanted: &KeyedRequest<Onboarding>,
) -> Result<Made<Onboarding, AlreadyRegistered>, DbError> {
    let onboarding = &wanted.wanted;
    let subject = (onboarding.reference.as_str(), onboarding);
    if let Some(answer) = take(transaction, wanted.by.as_ref(), subject, wanted.at).await? {
        return Ok(answer);
    }
    let row = Statement::new(SUBMIT)
        .text(&onboarding.reference)
        .text(onboarding.customer().as_str())
        .text(status(onboarding.status))
        .int(i64::from(onboarding.is_over()))
        .int(onboarding.created_at.millis())
        .text(written(onboarding)?);
    match transaction.execute(row).await?.affected {
        0 => Err(Transaction::abort(Made::<Onboarding, _>::Refused(AlreadyRegistered))),
        _ => Ok(Made::New(onboarding.clone())),
    }
}

/// Part of the stored format.
const fn status(status: OnboardingStatus) -> &'static str {
    match status {
        OnboardingStatus::Received => "received",
        OnboardingStatus::Pending => "pending",
        OnboardingStatus::Active => "active",
        OnboardingStatus::Declined { .. } => "declined",
        OnboardingStatus::Closed => "closed",
    }
}
