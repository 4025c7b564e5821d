//! Sections 8.1, 8.4 and 8.5: accounts and statements.

use http::StatusCode;
use oauth_core::{Seconds, json as strict};
use rar_consent::Permission;

use super::Ofxpera;
use super::answers::{by_key, cut, first_of_second, instants, page_request, paged, query, told};
use super::body::NewAccount;
use super::error::{Code, Problem};
use super::map::{self, Detail, Parts};
use crate::dialect::query::Query;
use crate::dialect::{Answer, Call};
use crate::domain::{Account, AccountId, AccountKind, Holding, SignedMoney, TransactionId};
use crate::guard::Authority;
use crate::operation::accounts::{self, Statement};
use crate::operation::openings;

pub(super) async fn source_accounts(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    const KINDS: &[AccountKind] = &[AccountKind::Current, AccountKind::Savings, AccountKind::EWallet];
    let query = query(call)?;
    let found = accounts::list(&dialect.operations, &call.authority, KINDS).await?;
    let shown = found.iter().map(|account| map::source_account(account, &dialect.settings)).collect();
    paged(dialect, call, &query, "/banking/account", cut(&query, shown)?)
}

pub(super) async fn list_accounts(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let query = query(call)?;
    let status = query.one("status")?;
    if status.is_some_and(|status| !matches!(status, "PENDING" | "ACTIVE" | "CLOSED")) {
        return Err(Problem::at(Code::InvalidField, "status"));
    }
    let found = accounts::list(&dialect.operations, &call.authority, &[AccountKind::Pera]).await?;
    let wanted = |account: &Account| status.is_none_or(|status| map::pera_status(account.status) == status);
    let page = cut(&query, found.into_iter().filter(wanted).collect::<Vec<Account>>())?;
    let mut shown = Vec::with_capacity(page.items().len());
    for account in page.items() {
        shown.push(map::pera_account(
            account,
            Parts { balance: balance(dialect, call, account).await?, holdings: None },
        ));
    }
    let mut shown = shown.into_iter();
    let mut next = || shown.next();
    let page = page.map(|_| next());
    paged(dialect, call, &query, "/banking/accounts", page)
}

pub(super) async fn one_account(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let account = account(dialect, call, &[AccountKind::Pera]).await?;
    let parts = Parts {
        balance: balance(dialect, call, &account).await?,
        holdings: holdings(dialect, call, &account).await?,
    };
    let shown = map::pera_account(&account, parts);
    told(dialect, call, StatusCode::OK, (shown, &format!("/banking/accounts/{}", account.id)))
}

pub(super) async fn list_transactions(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let query = query(call)?;
    let account = account(dialect, call, &[AccountKind::Pera]).await?;
    let wanted = statement(&query, &account, call)?;
    let page = accounts::transactions(&dialect.operations, &account, &wanted).await?;
    let shown = page.map(|line| map::transaction(&line, &Detail::Brief));
    paged(dialect, call, &query, &format!("/banking/account/{}/transactions", account.id), shown)
}

pub(super) async fn one_transaction(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let account = account(dialect, call, &[AccountKind::Pera]).await?;
    let id = TransactionId::new(call.param(1)).map_err(|_| Problem::new(Code::TransactionNotFound))?;
    let line = accounts::transaction(&dialect.operations, &account, &id).await?;
    let trade = dialect.operations.ports.pera.catalogue.trade(&id).await?;
    let path = format!("/banking/account/{}/transactions/{id}", account.id);
    told(dialect, call, StatusCode::OK, (map::transaction(&line, &Detail::Full(trade)), &path))
}

/// Section 8.4. A repeat is answered before the consent is looked at, and the consent before the body.
pub(super) async fn open_account(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let (operations, authority) = (&dialect.operations, &call.authority);
    let Ok(tree) = strict::read_value(&call.body) else {
        authority.pass().map_err(|refusal| Problem::of_guard(&refusal))?;
        return Err(Problem::new(Code::InvalidRequest));
    };
    let by = by_key(call, &tree).ok_or_else(|| Problem::at(Code::MissingHeader, "x-idempotency-key"))?;
    let account = match openings::replay(operations, authority, &by).await? {
        Some(first) => first,
        None => {
            let order = map::opening(&map::read::<NewAccount>(tree)?)?;
            openings::open(operations, authority, order, by).await?
        }
    };
    let shown = map::pera_account(&account, Parts::default());
    told(dialect, call, StatusCode::CREATED, (shown, &format!("/banking/accounts/{}", account.id)))
}

/// The account of the path, given under this consent and of one of these kinds.
async fn account(dialect: &Ofxpera, call: &Call, kinds: &[AccountKind]) -> Result<Account, Problem> {
    let unknown = || Problem::new(Code::AccountNotFound);
    let id = AccountId::new(call.param(0)).map_err(|_| unknown())?;
    let account = accounts::one(&dialect.operations, &call.authority, &id).await?;
    if kinds.contains(&account.kind) { Ok(account) } else { Err(unknown()) }
}

/// What an account is invested in, where scope and permission both allow it; otherwise the member is absent.
async fn holdings(
    dialect: &Ofxpera,
    call: &Call,
    account: &Account,
) -> Result<Option<Vec<Holding>>, Problem> {
    if !shows(&call.authority, Permission::PeraInvestmentDetails) {
        return Ok(None);
    }
    Ok(Some(dialect.operations.ports.pera.catalogue.holdings(&account.id).await?))
}

/// Section 4.2: scope and permission are separate gates, and both must be open.
fn shows(authority: &Authority, permission: Permission) -> bool {
    authority.scope.contains("accounts.details") && authority.permits(permission)
}

/// The balance of an account, where scope and permission both allow it; otherwise the member is absent.
async fn balance(
    dialect: &Ofxpera,
    call: &Call,
    account: &Account,
) -> Result<Option<(crate::domain::Balance, oauth_core::Timestamp)>, Problem> {
    if !shows(&call.authority, Permission::PeraBalance) {
        return Ok(None);
    }
    let balance = accounts::balance(&dialect.operations, account).await?;
    Ok(Some((balance, call.arrived.now)))
}

/// Section 8.5: which lines of the statement.
fn statement(query: &Query, account: &Account, call: &Call) -> Result<Statement, Problem> {
    let (oldest, newest) = instants(query)?;
    let amount = |name: &'static str| {
        let read = |text| map::signed_amount(text, account.currency);
        let read = query.one(name)?.map(read).transpose();
        let read = read.map_err(|_| Problem::at(Code::InvalidField, name))?;
        Ok::<_, Problem>(read.map(SignedMoney::minor))
    };
    let newest = newest.unwrap_or(call.arrived.now);
    let oldest = oldest.unwrap_or(first_of_second(newest.minus(Seconds::days(90))));
    if oldest > newest {
        return Err(Problem::at(Code::InvalidField, "oldest-time"));
    }
    Ok(Statement {
        oldest,
        newest,
        amount_min: amount("min-amount")?,
        amount_max: amount("max-amount")?,
        page: page_request(query)?,
    })
}
