//! Opening an account at the customer's wish: one transaction, all or nothing.
//!
//! Openings of one customer wait for each other at the customer's row of `account_seat`, so that the last free place goes
//! to one of them.

use async_trait::async_trait;
use oauth_core::store::database::{DbError, Statement, Transaction};
use oauth_core::{Fault, Timestamp};
use rar_consent::store::sql::{lock, save};

use crate::domain::{Account, AccountId};
use crate::port::{AccountOpening, AccountOpenings, KeyRef, KeyedRequest, Made, NotOpened, Outcome};
use crate::store::openings::{has_room, with_account};

use super::accounts::{OPEN, OPEN_BALANCE};
use super::keyed::{ended, held, take};
use super::read::{body, written};
use super::{SqlBank, fault};

const SEAT: &str = "INSERT INTO account_seat (customer, openings) VALUES ($1, 1)
    ON CONFLICT (customer) DO UPDATE SET openings = account_seat.openings + 1";
const OF_CUSTOMER: &str = "SELECT body FROM account WHERE customer = $1";
const LINK: &str = "INSERT INTO account_link (account, source) VALUES ($1, $2)";
const SOURCE: &str = "SELECT source FROM account_link WHERE account = $1";

#[async_trait]
impl AccountOpenings for SqlBank {
    async fn open(&self, wanted: KeyedRequest<AccountOpening>) -> Result<Made<Account, NotOpened>, Fault> {
        let done = self.database.transaction(move |transaction| {
            let wanted = wanted.clone();
            Box::pin(async move { open(transaction, &wanted).await })
        });
        ended(done.await)
    }

    async fn opened(&self, key: &KeyRef, now: Timestamp) -> Result<Option<Outcome<Account>>, Fault> {
        held(&self.database, key, now).await
    }

    async fn source(&self, account: &AccountId) -> Result<Option<AccountId>, Fault> {
        let row =
            self.database.read_one(Statement::new(SOURCE).text(account.as_str())).await.map_err(fault)?;
        let source = row.as_ref().map(|row| row.text("source")).transpose().map_err(fault)?;
        source.map(AccountId::new).transpose().map_err(|fault| Fault::new("bank", fault))
    }
}

async fn open(
    transaction: &mut Transaction<'_>,
    wanted: &KeyedRequest<AccountOpening>,
) -> Result<Made<Account, NotOpened>, DbError> {
    let AccountOpening { account, source, consent, accounts_max } = &wanted.wanted;
    let (id, customer) = (account.id.as_str(), account.customer.as_str());
    if let Some(answer) = take(transaction, wanted.by.as_ref(), (id, account), wanted.at).await? {
        return Ok(answer);
    }
    transaction.execute(Statement::new(SEAT).text(customer)).await?;
    let rows = transaction.query(Statement::new(OF_CUSTOMER).text(customer)).await?;
    let own: Vec<Account> = rows.iter().map(body).collect::<Result<_, _>>()?;
    if !has_room(&own, account.kind, *accounts_max) {
        return refuse(NotOpened::LimitReached);
    }
    let stored = lock(transaction, consent).await?;
    let Some(changed) = stored.and_then(|stored| with_account(stored, account, wanted.at)) else {
        return refuse(NotOpened::ConsentGone);
    };
    save(transaction, &changed, None).await?;
    let row =
        Statement::new(OPEN).text(id).text(customer).int(account.opened_at.millis()).text(written(account)?);
    if transaction.execute(row).await?.affected == 0 {
        return Err(DbError::Other("an account of this name exists".to_owned()));
    }
    transaction.execute(Statement::new(OPEN_BALANCE).text(id).text(account.currency.code())).await?;
    if let Some(source) = source {
        transaction.execute(Statement::new(LINK).text(id).text(source.as_str())).await?;
    }
    Ok(Made::New(account.clone()))
}

fn refuse(why: NotOpened) -> Result<Made<Account, NotOpened>, DbError> {
    Err(Transaction::abort(Made::<Account, NotOpened>::Refused(why)))
}
