//! Accounts, balances and statements.

use std::sync::Arc;

use oauth_core::Subject;
use oauth_core::store::contract::same;

use super::desk::{Desk, PAID_IN, PAYEE, PAYER, account, change_at, later, php, statement, wrong};
use super::{Books, Breach};
use crate::domain::{AccountId, AccountKind, PageRequest, TransactionId, TransactionStatus};
use crate::port::TransactionQuery;

pub(super) async fn hold<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Books>>,
{
    listed(&Desk::open(make().await).await?).await?;
    statements(&Desk::open(make().await).await?).await
}

async fn listed(desk: &Desk) -> Result<(), Breach> {
    let book = &desk.ports.accounts;
    let bob = Subject::new("bob").map_err(wrong)?;
    same("a customer without accounts has none", &book.accounts(&bob).await?, &Vec::new())?;
    let nothing = AccountId::new("nothing").map_err(wrong)?;
    same("an account nobody opened is not there", &book.account(&nothing).await?, &None)?;
    same("nor has it a balance", &book.balance(&nothing).await?, &None)?;
    let mut opened = Vec::new();
    for (id, second) in [("b-3", 20), ("b-2", 10), ("b-1", 10)] {
        opened.push(account(id, "bob", (AccountKind::Savings, later(second)))?);
    }
    for one in &opened {
        desk.books().open(one, php(0)?).await?;
        same("an account comes back as it was opened", &book.account(&one.id).await?, &Some(one.clone()))?;
    }
    opened.reverse();
    same("accounts are listed oldest first, then by name", &book.accounts(&bob).await?, &opened)?;
    let first = opened.first().ok_or_else(|| wrong("no account"))?;
    let balance = book.balance(&first.id).await?.map(|balance| balance.booked().minor());
    same("an account opens with nothing on it", &balance, &Some(0))?;
    same("what is paid in is on it", &desk.balance(PAYER).await?, &PAID_IN)?;
    desk.sound().await
}

async fn statements(desk: &Desk) -> Result<(), Breach> {
    let (book, payer) = (&desk.ports.accounts, AccountId::new(PAYER).map_err(wrong)?);
    desk.consent("c-1", None).await?;
    for n in 0..5_usize {
        let second = i64::try_from(n).unwrap_or_default();
        let amount = second.saturating_add(1).saturating_mul(1000);
        desk.booked(&change_at(n, ("c-1", amount), later(second))?).await?;
    }
    let all = book.transactions(&statement(&payer)?).await?;
    same("a statement has what was paid in and what was paid", &all.total, &6)?;
    let in_order = all.items.is_sorted_by(|one, next| one.newest_first(next).is_lt());
    same("newest first, then by name", &in_order, &true)?;
    let amounts: Vec<i64> = all.items.iter().map(|line| line.amount.minor()).collect();
    same("a payment takes", &amounts, &vec![-5000, -4000, -3000, -2000, -1000, PAID_IN])?;
    let pending = all.items.iter().filter(|line| line.status == TransactionStatus::Pending).count();
    same("and is pending until the debtor has paid", &pending, &5)?;
    let within = TransactionQuery { oldest: later(1), newest: later(3), ..statement(&payer)? };
    same("both bounds of time are inclusive", &book.transactions(&within).await?.total, &3)?;
    let amounts = TransactionQuery { amount_min: Some(-4000), amount_max: Some(-2000), ..statement(&payer)? };
    same("both bounds of the amount are inclusive", &book.transactions(&amounts).await?.total, &3)?;
    let second = TransactionQuery { page: PageRequest::new(2, 4).map_err(wrong)?, ..statement(&payer)? };
    let second = book.transactions(&second).await?;
    same(
        "a page has its part of the list",
        &second.items.as_slice(),
        &all.items.get(4..).unwrap_or_default(),
    )?;
    same("and counts the items of all pages", &second.total, &6)?;
    let line = all.items.first().ok_or_else(|| wrong("no line"))?;
    same("a line is found by its name", &book.transaction(&payer, &line.id).await?, &Some(line.clone()))?;
    let payee = AccountId::new(PAYEE).map_err(wrong)?;
    same("but on no other account", &book.transaction(&payee, &line.id).await?, &None)?;
    let nothing = TransactionId::new("nothing").map_err(wrong)?;
    same("a line nobody wrote is not there", &book.transaction(&payer, &nothing).await?, &None)?;
    desk.sound().await
}
