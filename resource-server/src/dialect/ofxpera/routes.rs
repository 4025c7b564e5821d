//! OFxPERA sections 7.1 and 8: the table of routes, and what each does with an admitted call.

use http::header::LOCATION;
use http::{HeaderValue, Method, StatusCode};
use oauth_core::{Seconds, json as strict};
use rar_consent::Permission;
use serde::Serialize;

use super::body::{Links, Meta, NewPayment, PaymentShown, Told};
use super::consents::{create_consent, one_consent, revoke_consent};
use super::error::{Code, Problem};
use super::map::{self, Detail};
use super::{Ofxpera, failed, json};
use crate::dialect::query::Query;
use crate::dialect::{Alias, Answer, Call, Route};
use crate::domain::{
    Account, AccountId, AccountKind, Creditor, IntegerDigits, Page, PageRequest, Payment, PaymentId,
    PaymentKind, RequestFingerprint, SignedMoney, Stage, TransactionId, read_instant,
};
use crate::guard::{
    ANY_STANDING, Authentication, Authority, Body, IN_FORCE, Needs, READABLE, Retry, Scoped, TokenKind,
};
use crate::operation::accounts::{self, Statement};
use crate::operation::payments::{self, Debtor, KeyKept, Listing, OrderKind, PaymentOrder};
use crate::port::OfKind;

/// Section 4.2: a customer's token, a scope, and a permission.
const fn reading(scope: &'static [Scoped], permission: Permission) -> Needs {
    Needs {
        token: TokenKind::Customer,
        scope,
        authentication: Authentication::ANY,
        standing: IN_FORCE,
        permission: Some(permission),
        body: Body::None,
        retry: Retry::None,
    }
}

const BASIC: &[Scoped] = &[Scoped::Value("accounts.basic")];
const DETAILS: &[Scoped] = &[Scoped::Value("accounts.details")];
const BANK_ACCOUNT: &[Scoped] = &[Scoped::Value("bank_account")];
const PAYMENTS: &[Scoped] = &[Scoped::Value("payments")];
const CONSENT: &[Scoped] = &[Scoped::Value("consent")];
const OWN_CONSENT: &[Scoped] = &[Scoped::Value("consent"), Scoped::OfConsent("consent")];

/// Section 8.6: the customer's token, or the client's own for what it initiated.
const PAYMENT_READ: Needs = Needs {
    token: TokenKind::Either,
    scope: PAYMENTS,
    authentication: Authentication::ANY,
    standing: READABLE,
    permission: Some(Permission::PaymentInitiate),
    body: Body::None,
    retry: Retry::None,
};

const PAYMENT_MADE: Needs = Needs {
    token: TokenKind::Customer,
    scope: PAYMENTS,
    authentication: Authentication::ANY,
    standing: IN_FORCE,
    permission: Some(Permission::PaymentInitiate),
    body: Body::Json,
    retry: Retry::ByIdempotencyKey,
};

const CONSENT_READ: Needs = Needs {
    token: TokenKind::Either,
    scope: OWN_CONSENT,
    authentication: Authentication::ANY,
    standing: ANY_STANDING,
    permission: None,
    body: Body::None,
    retry: Retry::None,
};

const CONSENT_MADE: Needs = Needs {
    token: TokenKind::Client,
    scope: CONSENT,
    authentication: Authentication::ANY,
    standing: ANY_STANDING,
    permission: None,
    body: Body::Json,
    retry: Retry::ByOptionalKey,
};

macro_rules! route {
    ($method:ident $path:literal $needs:expr, $handler:ident) => {
        Route {
            method: Method::$method,
            path: $path,
            needs: $needs,
            handle: |dialect, call| {
                Box::pin(async move {
                    match $handler(dialect, call).await {
                        Ok(answer) => answer,
                        Err(problem) => failed(&problem),
                    }
                })
            },
        }
    };
}

pub(super) const ROUTES: &[Route<Ofxpera>] = &[
    route!(GET "/banking/account" reading(BANK_ACCOUNT, Permission::SourceAccountRead), source_accounts),
    route!(GET "/banking/accounts" reading(BASIC, Permission::PeraBasicInfo), list_accounts),
    route!(GET "/banking/accounts/{id}" reading(BASIC, Permission::PeraBasicInfo), one_account),
    route!(GET "/banking/account/{id}/transactions" reading(DETAILS, Permission::PeraTransactions), list_transactions),
    route!(GET "/banking/account/{id}/transactions/{transactionId}" reading(DETAILS, Permission::PeraTransactions), one_transaction),
    route!(POST "/banking/payments" PAYMENT_MADE, create_payment),
    route!(GET "/banking/payments" PAYMENT_READ, list_payments),
    route!(GET "/banking/payments/{id}" PAYMENT_READ, one_payment),
    route!(DELETE "/banking/payments/{id}" PAYMENT_READ, cancel_payment),
    route!(POST "/common/consent" CONSENT_MADE, create_consent),
    route!(GET "/common/consent/{id}" CONSENT_READ, one_consent),
    route!(DELETE "/common/consent/{id}" CONSENT_READ, revoke_consent),
];

/// Section 2.
pub(super) const ALIASES: &[Alias] = &[
    Alias { from: "/banking/account/{id}", to: "/banking/accounts/{id}" },
    Alias { from: "/banking/accounts/{id}/transactions", to: "/banking/account/{id}/transactions" },
    Alias {
        from: "/banking/accounts/{id}/transactions/{transactionId}",
        to: "/banking/account/{id}/transactions/{transactionId}",
    },
];

async fn source_accounts(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    const KINDS: &[AccountKind] = &[AccountKind::Current, AccountKind::Savings, AccountKind::EWallet];
    let query = query(call)?;
    let found = accounts::list(&dialect.operations, &call.authority, KINDS).await?;
    let shown = found.iter().map(|account| map::source_account(account, &dialect.settings)).collect();
    paged(dialect, call, &query, "/banking/account", cut(&query, shown)?)
}

async fn list_accounts(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
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
        shown.push(map::pera_account(account, balance(dialect, call, account).await?));
    }
    let mut shown = shown.into_iter();
    let mut next = || shown.next();
    let page = page.map(|_| next());
    paged(dialect, call, &query, "/banking/accounts", page)
}

async fn one_account(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let account = account(dialect, call, &[AccountKind::Pera]).await?;
    let shown = map::pera_account(&account, balance(dialect, call, &account).await?);
    told(dialect, call, StatusCode::OK, (shown, &format!("/banking/accounts/{}", account.id)))
}

async fn list_transactions(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let query = query(call)?;
    let account = account(dialect, call, &[AccountKind::Pera]).await?;
    let wanted = statement(&query, &account, call)?;
    let page = accounts::transactions(&dialect.operations, &account, &wanted).await?;
    let shown = page.map(|line| map::transaction(&line, Detail::Brief));
    paged(dialect, call, &query, &format!("/banking/account/{}/transactions", account.id), shown)
}

async fn one_transaction(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let account = account(dialect, call, &[AccountKind::Pera]).await?;
    let id = TransactionId::new(call.param(1)).map_err(|_| Problem::new(Code::TransactionNotFound))?;
    let line = accounts::transaction(&dialect.operations, &account, &id).await?;
    let path = format!("/banking/account/{}/transactions/{id}", account.id);
    told(dialect, call, StatusCode::OK, (map::transaction(&line, Detail::Full), &path))
}

/// Section 3.3 orders the checks: a repeat is answered before the consent is looked at, and the consent before the body.
async fn create_payment(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let (operations, authority) = (&dialect.operations, &call.authority);
    let key = call.key.clone().ok_or_else(|| Problem::at(Code::MissingHeader, "x-idempotency-key"))?;
    let Ok(tree) = strict::read_value(&call.body) else {
        authority.pass().map_err(|refusal| Problem::of_guard(&refusal))?;
        return Err(Problem::new(Code::InvalidRequest));
    };
    let fingerprint = RequestFingerprint::of(&strict::canonical(&tree));
    if let Some(first) = payments::replay(operations, authority, &key, &fingerprint).await? {
        return payment_told(dialect, call, StatusCode::CREATED, &first);
    }
    let asked = map::contribution(&map::read::<NewPayment>(tree)?)?;
    let consent = authority.consent.as_ref().ok_or_else(|| Problem::new(Code::ConsentNotGranted))?;
    let source =
        asked.source.ok_or_else(|| Problem::at(Code::SourceAccountUnusable, "data.sourceAccountId"))?;
    let order = PaymentOrder {
        consent: consent.id.clone(),
        amount: asked.amount,
        creditor: Creditor::Internal { account: asked.pera, name: None },
        debtor: Debtor::Account(source),
        kind: OrderKind::Contribution,
        rail: asked.rail,
        execution_day: asked.day,
        debtor_reference: Some(asked.reference),
        creditor_reference: None,
        purpose: None,
        client_sequence: None,
        execute_at: None,
        consent_part: None,
        key,
        key_kept: KeyKept::AsSet,
        fingerprint,
    };
    let initiated = payments::initiate_fresh(operations, authority, order).await?;
    payment_told(dialect, call, StatusCode::CREATED, initiated.payment())
}

async fn list_payments(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let query = query(call)?;
    let instant = |name: &'static str| {
        let read = query.one(name)?.map(read_instant).transpose();
        read.map_err(|_| Problem::at(Code::InvalidField, name))
    };
    let (oldest, newest) = (instant("oldest-time")?, instant("newest-time")?);
    if oldest.zip(newest).is_some_and(|(oldest, newest)| oldest > newest) {
        return Err(Problem::at(Code::InvalidField, "oldest-time"));
    }
    let account = query.one("account-id")?.map(AccountId::new).transpose();
    let wanted = Listing {
        stages: query.one("status")?.map(stages).transpose()?.unwrap_or_default(),
        oldest,
        newest,
        account: account.map_err(|_| Problem::at(Code::InvalidField, "account-id"))?,
        kind: OfKind::Contribution,
        page: page_request(&query)?,
    };
    let page = payments::list(&dialect.operations, &call.authority, &wanted).await?;
    let shown: Page<Option<PaymentShown>> = page.map(|payment| map::payment(&payment));
    paged(dialect, call, &query, "/banking/payments", shown)
}

/// The stages behind a status of section 8.6.
fn stages(status: &str) -> Result<Vec<Stage>, Problem> {
    let stages: Vec<Stage> =
        Stage::ALL.into_iter().filter(|stage| map::payment_status(*stage) == status).collect();
    if stages.is_empty() { Err(Problem::at(Code::InvalidField, "status")) } else { Ok(stages) }
}

async fn one_payment(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let payment = payments::status(&dialect.operations, &call.authority, &payment_id(call)?).await?;
    payment_told(dialect, call, StatusCode::OK, &payment)
}

async fn cancel_payment(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let id = payment_id(call)?;
    let own = dialect.operations.ports.payments.payment(&id).await?;
    let contribution = |payment: &Payment| matches!(payment.terms().kind, PaymentKind::Contribution { .. });
    if !own.as_ref().is_some_and(contribution) {
        return Err(Problem::new(Code::PaymentNotFound));
    }
    let payment = payments::cancel(&dialect.operations, &call.authority, &id).await?;
    payment_told(dialect, call, StatusCode::OK, &payment)
}

fn payment_id(call: &Call) -> Result<PaymentId, Problem> {
    PaymentId::new(call.param(0)).map_err(|_| Problem::new(Code::PaymentNotFound))
}

fn payment_told(
    dialect: &Ofxpera,
    call: &Call,
    status: StatusCode,
    payment: &Payment,
) -> Result<Answer, Problem> {
    let shown = map::payment(payment).ok_or_else(|| Problem::new(Code::PaymentNotFound))?;
    told(dialect, call, status, (shown, &format!("/banking/payments/{}", payment.id())))
}

/// The account of the path, given under this consent and of one of these kinds.
async fn account(dialect: &Ofxpera, call: &Call, kinds: &[AccountKind]) -> Result<Account, Problem> {
    let unknown = || Problem::new(Code::AccountNotFound);
    let id = AccountId::new(call.param(0)).map_err(|_| unknown())?;
    let account = accounts::one(&dialect.operations, &call.authority, &id).await?;
    if kinds.contains(&account.kind) { Ok(account) } else { Err(unknown()) }
}

/// The balance of an account, where scope and permission both allow it; otherwise the member is absent.
async fn balance(
    dialect: &Ofxpera,
    call: &Call,
    account: &Account,
) -> Result<Option<(crate::domain::Balance, oauth_core::Timestamp)>, Problem> {
    let authority: &Authority = &call.authority;
    let allowed = authority.scope.contains("accounts.details") && authority.permits(Permission::PeraBalance);
    if !allowed {
        return Ok(None);
    }
    let balance = accounts::balance(&dialect.operations, account).await?;
    Ok(Some((balance, call.arrived.now)))
}

/// Section 8.5: which lines of the statement.
fn statement(query: &Query, account: &Account, call: &Call) -> Result<Statement, Problem> {
    let instant = |name: &'static str| {
        let read = query.one(name)?.map(read_instant).transpose();
        read.map_err(|_| Problem::at(Code::InvalidField, name))
    };
    let amount = |name: &'static str| {
        let read = |text| SignedMoney::parse(text, account.currency, IntegerDigits::THIRTEEN);
        let read = query.one(name)?.map(read).transpose();
        let read = read.map_err(|_| Problem::at(Code::InvalidField, name))?;
        Ok::<_, Problem>(read.map(SignedMoney::minor))
    };
    let newest = instant("newest-time")?.unwrap_or(call.arrived.now);
    let oldest = instant("oldest-time")?.unwrap_or(newest.minus(Seconds::days(90)));
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

pub(super) fn query(call: &Call) -> Result<Query, Problem> {
    Ok(Query::read(call.arrived.query.as_deref())?)
}

fn page_request(query: &Query) -> Result<PageRequest, Problem> {
    Ok(PageRequest::parse(query.one("page")?, query.one("page-size")?)?)
}

fn cut<T>(query: &Query, list: Vec<T>) -> Result<Page<T>, Problem> {
    Page::cut(list, page_request(query)?).map_err(|_| Problem::at(Code::InvalidPage, "page"))
}

/// One resource with its link; `Location` where it is new (RFC 9110 section 10.2.2).
pub(super) fn told(
    dialect: &Ofxpera,
    call: &Call,
    status: StatusCode,
    (data, path): (impl Serialize, &str),
) -> Result<Answer, Problem> {
    let own = dialect.link(&call.arrived, path);
    let location = HeaderValue::from_str(&own).map_err(|_| Problem::new(Code::InternalError))?;
    let links = Links { own, ..Links::default() };
    let mut answer = json(status, &Told { data, links, meta: Meta::default() });
    if status == StatusCode::CREATED {
        answer.headers_mut().insert(LOCATION, location);
    }
    Ok(answer)
}

/// Section 3.2: a page of a list, with links to the others that keep the filters.
fn paged<T: Serialize>(
    dialect: &Ofxpera,
    call: &Call,
    query: &Query,
    path: &str,
    page: Page<T>,
) -> Result<Answer, Problem> {
    let size = page.request().size();
    let link = |number: u64| {
        let set = [("page", number.to_string()), ("page-size", size.to_string())];
        format!("{}?{}", dialect.link(&call.arrived, path), query.with(&set))
    };
    let last = Some(page.total_pages()).filter(|last| *last > 0);
    let links = Links {
        own: link(u64::from(page.request().page())),
        first: last.map(|_| link(1)),
        prev: page.prev().map(link),
        next: page.next().map(link),
        last: last.map(link),
    };
    let meta = Meta { total_records: Some(page.total_records()), total_pages: Some(page.total_pages()) };
    Ok(json(StatusCode::OK, &Told { data: page.into_items(), links, meta }))
}
