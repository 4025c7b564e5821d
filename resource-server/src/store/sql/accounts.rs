//! Accounts, balances and statements; and how they come into being.

use async_trait::async_trait;
use oauth_core::store::database::{Row, Statement, Transaction};
use oauth_core::{Fault, Subject};

use crate::domain::{
    Account, AccountId, Balance, BookedTransaction, Currency, EntryId, LedgerAccount, Money, SignedMoney,
    TransactionId,
};
use crate::port::{AccountBook, Found, TransactionQuery};
use crate::store::effects::{self, Movement};
use crate::store::{Opened, Recorded};

use super::ledger::{Taken, balanced, give, line, post, take};
use super::read::{body, count, written};
use super::{SqlBank, corrupt, fault};

pub(super) const OPEN: &str = "INSERT INTO account (id, customer, opened_at, body) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING";
pub(super) const OPEN_BALANCE: &str =
    "INSERT INTO balance (account, currency, booked, reserved) VALUES ($1, $2, 0, 0)";
const OF_CUSTOMER: &str = "SELECT body FROM account WHERE customer = $1 ORDER BY opened_at, id LIMIT 1000";
const BY_ID: &str = "SELECT body FROM account WHERE id = $1";
const CHANGE: &str = "UPDATE account SET body = $1 WHERE id = $2";
const BALANCE: &str = "SELECT currency, booked, reserved FROM balance WHERE account = $1";
const LINE: &str = "SELECT body FROM booked_transaction WHERE id = $1 AND account = $2";

impl SqlBank {
    /// Opens an account with a balance of nothing. Called when an account comes to this bank, and for demonstration data.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn open_account(&self, account: &Account) -> Result<Opened, Fault> {
        let row = Statement::new(OPEN)
            .text(account.id.as_str())
            .text(account.customer.as_str())
            .int(account.opened_at.millis())
            .text(written(account).map_err(fault)?);
        let balance = Statement::new(OPEN_BALANCE).text(account.id.as_str()).text(account.currency.code());
        let opening = self.database.transaction(move |transaction| {
            let (row, balance) = (row.clone(), balance.clone());
            Box::pin(async move {
                if transaction.execute(row).await?.affected == 0 {
                    return Ok(Opened::Existing);
                }
                transaction.execute(balance).await.map(|_| Opened::New)
            })
        });
        opening.await.map_err(fault)
    }

    /// Changes what is known of an account: its status, its nickname. Customer and currency stay.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn change_account(&self, account: &Account) -> Result<(), Fault> {
        let row = Statement::new(CHANGE).text(written(account).map_err(fault)?).text(account.id.as_str());
        self.database.write(row).await.map(drop).map_err(fault)
    }

    /// Books a movement that did not come through an interface: cash, salary, history from before this ledger. The other side
    /// of the entry is `against`.
    ///
    /// # Errors
    /// A fault of the database, also when the transaction was recorded before.
    pub async fn record(
        &self,
        movement: &BookedTransaction,
        entry: EntryId,
        against: LedgerAccount,
    ) -> Result<Recorded, Fault> {
        let movement = movement.clone();
        let recording = self.database.transaction(move |transaction| {
            let (movement, entry, against) = (movement.clone(), entry.clone(), against.clone());
            Box::pin(async move {
                let (entry, moved) = balanced(effects::movement(&movement, entry, against))?;
                match moved {
                    Movement::Given(amount) => give(transaction, &movement.account, amount).await?,
                    Movement::Taken(amount) => {
                        if take(transaction, &movement.account, amount).await? == Taken::Short {
                            return Err(Transaction::abort(Recorded::Short));
                        }
                    }
                }
                post(transaction, &entry);
                line(transaction, &movement)?;
                Ok(Recorded::Booked)
            })
        });
        match recording.await {
            Ok(recorded) => Ok(recorded),
            Err(error) => error.into_reason::<Recorded>().map_err(fault),
        }
    }
}

#[async_trait]
impl AccountBook for SqlBank {
    async fn accounts(&self, customer: &Subject) -> Result<Vec<Account>, Fault> {
        let query = Statement::new(OF_CUSTOMER).text(customer.as_str());
        let rows = self.database.read(query).await.map_err(fault)?;
        rows.iter().map(body).collect::<Result<_, _>>().map_err(fault)
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>, Fault> {
        let row = self.database.read_one(Statement::new(BY_ID).text(id.as_str())).await.map_err(fault)?;
        row.as_ref().map(body).transpose().map_err(fault)
    }

    async fn balance(&self, id: &AccountId) -> Result<Option<Balance>, Fault> {
        let row = self.database.read_one(Statement::new(BALANCE).text(id.as_str())).await.map_err(fault)?;
        row.as_ref().map(balance).transpose().map_err(fault)
    }

    async fn transactions(&self, query: &TransactionQuery) -> Result<Found<BookedTransaction>, Fault> {
        let total = self.database.read_one(filtered(COUNT, query)).await.map_err(fault)?;
        let total = count(total.as_ref()).map_err(fault)?;
        let page = filtered(PAGE, query)
            .int(i64::from(query.page.size()))
            .int(i64::try_from(query.page.offset()).unwrap_or(i64::MAX));
        let rows = self.database.read(page).await.map_err(fault)?;
        let items = rows.iter().map(body).collect::<Result<_, _>>().map_err(fault)?;
        Ok(Found { items, total })
    }

    async fn transaction(
        &self,
        account: &AccountId,
        id: &TransactionId,
    ) -> Result<Option<BookedTransaction>, Fault> {
        let query = Statement::new(LINE).text(id.as_str()).text(account.as_str());
        let row = self.database.read_one(query).await.map_err(fault)?;
        row.as_ref().map(body).transpose().map_err(fault)
    }
}

fn balance(row: &Row) -> Result<Balance, oauth_core::store::database::DbError> {
    let currency = Currency::parse(row.text("currency")?).map_err(|_| corrupt("a currency"))?;
    let booked = SignedMoney::new(row.int("booked")?, currency);
    let reserved = Money::new(row.int("reserved")?, currency).map_err(|_| corrupt("a reservation"))?;
    Balance::new(booked, reserved).map_err(|_| corrupt("a balance"))
}

macro_rules! filter {
    ($start:literal, $end:literal) => {
        concat!(
            $start,
            " FROM booked_transaction WHERE account = $1 AND listed_at >= $2 AND listed_at <= $3
              AND ($4 IS NULL OR amount >= $4) AND ($5 IS NULL OR amount <= $5) ",
            $end
        )
    };
}

const COUNT: &str = filter!("SELECT count(*)", "");
const PAGE: &str = filter!("SELECT body", "ORDER BY listed_at DESC, id LIMIT $6 OFFSET $7");

fn filtered(sql: &'static str, query: &TransactionQuery) -> Statement {
    Statement::new(sql)
        .text(query.account.as_str())
        .int(query.oldest.millis())
        .int(query.newest.millis())
        .opt_int(query.amount_min)
        .opt_int(query.amount_max)
}
