//! `[[users]]`: demo logins and what they own.

use oauth_core::{Subject, Timestamp};
use rar_consent::Authorizer;
use resource_server::domain::{
    Account, AccountId, AccountKind, AccountNumber, AccountStatus, Currency, Iban, IntegerDigits, Line, Money,
};
use serde_json::{Map, Value};

use toml::de::DeTable;

use super::document::{Document, GUIDE, Table};
use super::{DemoData, IssuerPlan, Problem};
use crate::bank::customers::Customer;
use crate::bank::fixture;

/// One login of the deployment file.
#[derive(Clone)]
pub struct UserPlan {
    /// Who signs in.
    pub customer: Customer,
    /// With what. A demo password: it stands in a file.
    pub password: String,
    /// What is theirs.
    pub accounts: Vec<AccountPlan>,
}

/// One account of the deployment file.
#[derive(Debug, Clone)]
pub struct AccountPlan {
    /// The account; its opening date is set when it is opened.
    pub account: Account,
    /// What stands on it at first, in minor units.
    pub opening: i64,
    /// Whom it asks for, where it needs more than its customer.
    pub authorizers: Vec<Authorizer>,
}

impl std::fmt::Debug for UserPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserPlan").field("customer", &self.customer.subject).finish_non_exhaustive()
    }
}

/// Demo data in the words of the deployment file, as `POST /test/reset` takes it: `demo` and `[[users]]`.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// Which demo customers.
    pub demo: DemoData,
    /// Which users besides.
    pub users: Vec<UserPlan>,
}

impl Fixture {
    /// Reads a TOML document; `None` when it is empty.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(text: &str) -> Result<Option<Self>, Vec<Problem>> {
        if text.is_empty() {
            return Ok(None);
        }
        let document = Document::new(text);
        let (members, faults) = DeTable::parse_recoverable(text);
        for fault in &faults {
            document.blame(&fault.span().unwrap_or_default(), "TOML", "TOML 1.0", fault.message());
        }
        let top = Table::top(&document, members.get_ref());
        let demo = super::demo(&top);
        let users = users(&top, fixture::logins(demo));
        top.done();
        let problems = document.into_problems();
        if problems.is_empty() { Ok(Some(Self { demo, users })) } else { Err(problems) }
    }
}

/// Reads `[[users]]`; names and identifiers are unique.
pub(super) fn users(top: &Table<'_>, taken: &[(&str, &str)]) -> Vec<UserPlan> {
    let mut names: Vec<(String, String)> =
        taken.iter().map(|(name, subject)| ((*name).to_owned(), (*subject).to_owned())).collect();
    let mut users = Vec::new();
    for table in top.tables("users") {
        let Some(user) = user(&table) else { continue };
        let (name, subject) = (user.customer.username.clone(), user.customer.subject.to_string());
        if names.iter().any(|(known, _)| *known == name) {
            table.blame("username", GUIDE, format!("\"{name}\" is the name of another user"));
        }
        if names.iter().any(|(_, known)| *known == subject) {
            table.blame("subject", "OpenID Connect Core section 2", "is the subject of another user");
        }
        names.push((name, subject));
        users.push(user);
    }
    users
}

/// RFC 9700 section 4.15: a client acting for itself has its identifier as `sub`, so nobody else may have it.
pub(super) fn none_is_a_client(
    top: &Table<'_>,
    (users, demo): (&[UserPlan], &[(&str, &str)]),
    issuers: &[IssuerPlan],
) {
    let of_users = users.iter().map(|user| user.customer.subject.as_str());
    let subjects: Vec<&str> = of_users.chain(demo.iter().map(|(_, subject)| *subject)).collect();
    for client in issuers.iter().flat_map(|issuer| &issuer.clients) {
        if subjects.contains(&client.client_id.as_str()) {
            let message = format!("\"{}\" is the subject of a customer, too", client.client_id);
            top.blame("clients", "RFC 9700 section 4.15", message);
        }
    }
}

fn user(table: &Table<'_>) -> Option<UserPlan> {
    let short = |text: &str| match (1..=128).contains(&text.len()) {
        true => Ok(text.to_owned()),
        false => Err("write 1 to 128 characters"),
    };
    let username = table.need("username", GUIDE, table.parsed("username", GUIDE, short));
    let password = table.need("password", GUIDE, table.text("password"));
    let rule = "OpenID Connect Core section 2";
    let subject = match (table.parsed("subject", rule, Subject::new), &username) {
        (Some(subject), _) => Some(subject),
        (None, Some(name)) if !table.has("subject") => Subject::new(&format!("cus-{name}")).ok(),
        (None, _) => None,
    };
    let name = table.text("name").map(str::to_owned).or_else(|| username.clone());
    let claims = table.table("claims").map(|claims| claims.rest()).unwrap_or_default();
    let owned = table.tables("accounts");
    let accounts = match (&subject, &name) {
        (Some(subject), Some(name)) => {
            owned.iter().filter_map(|account| self::account(account, subject, name)).collect()
        }
        (None, _) | (_, None) => Vec::new(),
    };
    table.done();
    let customer = Customer { subject: subject?, username: username?, name: name?, claims: whole(claims) };
    Some(UserPlan { customer, password: password?.to_owned(), accounts })
}

/// Absent members rather than null ones.
fn whole(claims: Map<String, Value>) -> Map<String, Value> {
    claims.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

const KINDS: &[(&str, AccountKind)] = &[
    ("current", AccountKind::Current),
    ("savings", AccountKind::Savings),
    ("e_wallet", AccountKind::EWallet),
    ("pera", AccountKind::Pera),
];

fn account(table: &Table<'_>, customer: &Subject, holder: &str) -> Option<AccountPlan> {
    let id = table.need("id", GUIDE, table.parsed("id", GUIDE, AccountId::new));
    let kind = table.one_of("kind", KINDS).unwrap_or(AccountKind::Current);
    let currency = table.parsed("currency", "ISO 4217", Currency::parse);
    let currency = table.need("currency", "ISO 4217", currency);
    let iban = table.parsed("iban", "ISO 13616", Iban::parse);
    let number = match (table.parsed("number", GUIDE, AccountNumber::new), &iban) {
        (Some(number), _) => Some(number),
        (None, Some(iban)) => iban.as_str().get(4..).and_then(|bban| AccountNumber::new(bban).ok()),
        (None, None) => {
            table.blame("number", GUIDE, "name the account: number, iban, or both");
            None
        }
    };
    let nickname = table.parsed("nickname", GUIDE, Line::new);
    let opening = match (table.text("balance"), currency) {
        (Some(text), Some(currency)) => match Money::parse(text, currency, IntegerDigits::SIXTEEN) {
            Ok(money) => money.minor(),
            Err(fault) => {
                table.blame("balance", "ISO 4217", fault);
                0
            }
        },
        (None, _) | (_, None) => 0,
    };
    let authorizers = table.tables("authorizers").iter().filter_map(authorizer).collect();
    let name = table.parsed("holder", GUIDE, Line::new).or_else(|| Line::new(holder).ok());
    table.done();
    let account = Account {
        id: id?,
        customer: customer.clone(),
        kind,
        currency: currency?,
        iban,
        number: number?,
        name: name?,
        status: AccountStatus::Active,
        nickname,
        product: None,
        opened_at: Timestamp::EPOCH,
    };
    Some(AccountPlan { account, opening, authorizers })
}

/// One person whom an account asks for.
fn authorizer(table: &Table<'_>) -> Option<Authorizer> {
    let name =
        |text: &str| match (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok(text.to_owned()),
            false => Err("write 1 to 128 visible ASCII characters"),
        };
    let id = table.need("id", GUIDE, table.parsed("id", GUIDE, name));
    let kind = table.need("type", GUIDE, table.parsed("type", GUIDE, name));
    let subject = table.parsed("subject", "OpenID Connect Core section 2", Subject::new);
    table.done();
    Some(Authorizer { id: id?, kind: kind?, subject })
}
