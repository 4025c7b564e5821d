//! The demo data of a first start: customers, accounts, history. Adding what is there already changes nothing.

use oauth_core::store::database::Database;
use oauth_core::{Entropy, Fault, Seconds, Subject, Timestamp};
use resource_server::domain::{
    Account, AccountId, AccountKind, AccountNumber, AccountStatus, BookedTransaction, Currency, EntryId,
    Iban, LedgerAccount, Line, SignedMoney, TransactionId, TransactionKind, TransactionStatus,
};
use resource_server::store::sql::{Opened, SqlBank};
use serde_json::{Map, Value, json};

use super::customers::{self, Customer};
use super::deployment::{AccountPlan, BankPlan, DemoData, UserPlan};
use super::scheme;

/// The first demo customer's user name.
pub const DEMO_USERNAME: &str = "mariam";
/// The second demo customer's user name.
pub const SECOND_USERNAME: &str = "maria";
/// Their password. These are demo customers of a bank that listens on this machine only.
pub const DEMO_PASSWORD: &str = "date-palm-7";

/// One demo account.
struct Demo {
    id: &'static str,
    customer: &'static str,
    holder: &'static str,
    kind: AccountKind,
    currency: Currency,
    /// Bank and account part of an Emirati IBAN.
    bban: Option<&'static str>,
    number: &'static str,
    nickname: &'static str,
    /// What stood on the account before the history below, in minor units.
    opening: i64,
    history: &'static [Movement],
}

/// One line of history: days ago, minor units, kind, text.
type Movement = (i64, i64, TransactionKind, &'static str);

const EVERYDAY: &[Movement] = &[
    (84, 1_850_000, TransactionKind::Deposit, "Salary Gulf Logistics LLC"),
    (80, -620_000, TransactionKind::Transfer, "Rent Marina Heights"),
    (76, -34_250, TransactionKind::Transfer, "Groceries Al Maya"),
    (71, -12_000, TransactionKind::Withdrawal, "Cash withdrawal"),
    (63, -45_990, TransactionKind::Transfer, "DEWA electricity and water"),
    (54, 1_850_000, TransactionKind::Deposit, "Salary Gulf Logistics LLC"),
    (50, -620_000, TransactionKind::Transfer, "Rent Marina Heights"),
    (41, -28_675, TransactionKind::Transfer, "Groceries Al Maya"),
    (33, -150_000, TransactionKind::Transfer, "To savings"),
    (24, 1_850_000, TransactionKind::Deposit, "Salary Gulf Logistics LLC"),
    (20, -620_000, TransactionKind::Transfer, "Rent Marina Heights"),
    (12, -9_900, TransactionKind::Fee, "Card fee"),
    (5, -31_480, TransactionKind::Transfer, "Groceries Al Maya"),
];

const SAVINGS: &[Movement] = &[
    (33, 150_000, TransactionKind::Transfer, "From everyday account"),
    (31, 2_140, TransactionKind::Income, "Interest"),
];

const PESOS: &[Movement] = &[
    (75, 4_500_000, TransactionKind::Deposit, "Salary Luzon Shipping"),
    (70, -1_200_000, TransactionKind::Transfer, "Rent Makati"),
    (45, 4_500_000, TransactionKind::Deposit, "Salary Luzon Shipping"),
    (40, -1_200_000, TransactionKind::Transfer, "Rent Makati"),
    (15, 4_500_000, TransactionKind::Deposit, "Salary Luzon Shipping"),
];

const RETIREMENT: &[Movement] = &[
    (68, 1_000_000, TransactionKind::Contribution, "Contribution"),
    (38, 1_000_000, TransactionKind::Contribution, "Contribution"),
    (37, 15_230, TransactionKind::Income, "Dividend"),
];

const ACCOUNTS: &[Demo] = &[
    Demo {
        id: "acc-mariam-1",
        customer: "cus-mariam",
        holder: "Mariam Al Suwaidi",
        kind: AccountKind::Current,
        currency: Currency::Aed,
        bban: Some("0330000010195511162"),
        number: "10195511162",
        nickname: "Everyday account",
        opening: 1_200_000,
        history: EVERYDAY,
    },
    Demo {
        id: "acc-mariam-2",
        customer: "cus-mariam",
        holder: "Mariam Al Suwaidi",
        kind: AccountKind::Savings,
        currency: Currency::Aed,
        bban: Some("0330000010195511170"),
        number: "10195511170",
        nickname: "Savings",
        opening: 5_000_000,
        history: SAVINGS,
    },
    Demo {
        id: "acc-mariam-3",
        customer: "cus-mariam",
        holder: "Mariam Al Suwaidi",
        kind: AccountKind::Savings,
        currency: Currency::Php,
        bban: None,
        number: "001230004400",
        nickname: "Manila savings",
        opening: 9_000_000,
        history: PESOS,
    },
    Demo {
        id: "pera-mariam-1",
        customer: "cus-mariam",
        holder: "Mariam Al Suwaidi",
        kind: AccountKind::Pera,
        currency: Currency::Php,
        bban: None,
        number: "770000102030",
        nickname: "Retirement",
        opening: 2_500_000,
        history: RETIREMENT,
    },
    Demo {
        id: "sa-58f1",
        customer: "cus-maria",
        holder: "Maria Clara Santos",
        kind: AccountKind::Savings,
        currency: Currency::Php,
        bban: None,
        number: "001230004321",
        nickname: "Payroll savings",
        opening: 8_000_000,
        history: PESOS,
    },
    Demo {
        id: "pa-1",
        customer: "cus-maria",
        holder: "Maria Clara Santos",
        kind: AccountKind::Pera,
        currency: Currency::Php,
        bban: None,
        number: "770000001111",
        nickname: "Retirement",
        opening: 3_000_000,
        history: RETIREMENT,
    },
    Demo {
        id: "acc-palm-books",
        customer: "cus-palm-books",
        holder: "Date Palm Books LLC",
        kind: AccountKind::Current,
        currency: Currency::Aed,
        bban: Some("0260001015432198765"),
        number: "1015432198765",
        nickname: "Shop",
        opening: 100_000,
        history: &[],
    },
];

/// Name and subject of every demo login.
#[must_use]
pub fn logins(demo: DemoData) -> &'static [(&'static str, &'static str)] {
    match demo {
        DemoData::All => LOGINS,
        DemoData::Uae => LOGINS.get(..1).unwrap_or_default(),
        DemoData::Ofxpera => LOGINS,
        DemoData::None => &[],
    }
}

const LOGINS: &[(&str, &str)] = &[(DEMO_USERNAME, "cus-mariam"), (SECOND_USERNAME, "cus-maria")];

/// Whether an account belongs to this part of the demo data.
const fn is_part(demo: DemoData, currency: Currency) -> bool {
    match (demo, currency) {
        (DemoData::All, _) | (DemoData::Uae, Currency::Aed) | (DemoData::Ofxpera, Currency::Php) => true,
        (DemoData::Uae | DemoData::Ofxpera | DemoData::None, _) => false,
    }
}

/// Adds the demo customers, the users of the deployment, and what they own.
///
/// # Errors
/// When the database or the random source fails.
pub async fn seed(
    database: &Database,
    (demo, users, own): (DemoData, &[UserPlan], &BankPlan),
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(), Fault> {
    let known = logins(demo);
    for (subject, username, name, claims) in people() {
        if !known.iter().any(|(login, _)| *login == username) {
            continue;
        }
        let customer = Customer {
            subject: Subject::new(subject).map_err(broken)?,
            username: username.to_owned(),
            name: name.to_owned(),
            claims: members(claims),
        };
        let random = entropy.draw()?;
        let (salt, _) = random.split_at(16);
        customers::add(database, &customer, DEMO_PASSWORD, salt).await?;
    }
    let bank = SqlBank::new(database.clone());
    for demo in ACCOUNTS.iter().filter(|account| is_part(demo, account.currency)) {
        open(&bank, demo, now).await?;
    }
    if matches!(demo, DemoData::All | DemoData::Ofxpera) {
        scheme::seed(&bank, own, now).await?;
    }
    for user in users {
        let random = entropy.draw()?;
        let (salt, _) = random.split_at(16);
        customers::put(database, &user.customer, &user.password, salt).await?;
        for plan in &user.accounts {
            open_configured(&bank, plan, now).await?;
        }
    }
    Ok(())
}

/// An account of the deployment file, with its first balance.
async fn open_configured(bank: &SqlBank, plan: &AccountPlan, now: Timestamp) -> Result<(), Fault> {
    let at = now.minus(Seconds::days(400));
    let account = Account { opened_at: at, ..plan.account.clone() };
    if bank.open_account(&account).await? == Opened::Existing || plan.opening == 0 {
        return Ok(());
    }
    let transaction = BookedTransaction {
        id: TransactionId::new(&format!("tx-{}-0", account.id.as_str())).map_err(broken)?,
        account: account.id.clone(),
        kind: TransactionKind::Deposit,
        status: TransactionStatus::Posted { at },
        amount: SignedMoney::new(plan.opening, account.currency),
        description: Line::new("Opening balance").map_err(broken)?,
        executed_at: at,
        reference: None,
        payment: None,
    };
    let entry = EntryId::new(&format!("en-{}-0", account.id.as_str())).map_err(broken)?;
    bank.record(&transaction, entry, LedgerAccount::Opening).await?;
    Ok(())
}

async fn open(bank: &SqlBank, demo: &Demo, now: Timestamp) -> Result<(), Fault> {
    let opened_at = now.minus(Seconds::days(400));
    let account = Account {
        id: AccountId::new(demo.id).map_err(broken)?,
        customer: Subject::new(demo.customer).map_err(broken)?,
        kind: demo.kind,
        currency: demo.currency,
        iban: demo.bban.map(|bban| Iban::issue("AE", bban)).transpose().map_err(broken)?,
        number: AccountNumber::new(demo.number).map_err(broken)?,
        name: Line::new(demo.holder).map_err(broken)?,
        status: AccountStatus::Active,
        nickname: Some(Line::new(demo.nickname).map_err(broken)?),
        product: None,
        opened_at,
    };
    if bank.open_account(&account).await? == Opened::Existing {
        return Ok(());
    }
    let first: Movement = (399, demo.opening, TransactionKind::Deposit, "Opening balance");
    for (index, movement) in std::iter::once(&first).chain(demo.history).enumerate() {
        record(bank, demo, movement, (index, now)).await?;
    }
    Ok(())
}

async fn record(
    bank: &SqlBank,
    demo: &Demo,
    movement: &Movement,
    (index, now): (usize, Timestamp),
) -> Result<(), Fault> {
    let (days_ago, minor, kind, text) = *movement;
    let at = now.minus(Seconds::days(days_ago));
    let transaction = BookedTransaction {
        id: TransactionId::new(&format!("tx-{}-{index}", demo.id)).map_err(broken)?,
        account: AccountId::new(demo.id).map_err(broken)?,
        kind,
        status: TransactionStatus::Posted { at },
        amount: SignedMoney::new(minor, demo.currency),
        description: Line::new(text).map_err(broken)?,
        executed_at: at,
        reference: None,
        payment: None,
    };
    let entry = EntryId::new(&format!("en-{}-{index}", demo.id)).map_err(broken)?;
    bank.record(&transaction, entry, LedgerAccount::Opening).await?;
    Ok(())
}

fn people() -> [(&'static str, &'static str, &'static str, Value); 2] {
    let claims = |given: &str, family: &str, phone: &str, birthdate: &str| {
        json!({
            "given_name": given, "family_name": family, "email": format!("{}@customer.example", given.split(' ').next().unwrap_or(given)),
            "email_verified": true, "phone_number": phone, "phone_number_verified": true,
            "birthdate": birthdate, "gender": "female", "nickname": given.split(' ').next().unwrap_or(given),
            "address": { "street_address": "12 Jupiter Street", "locality": "Makati", "postal_code": "1209", "country": "PH" },
            "updated_at": 1_767_225_600,
        })
    };
    [
        (
            "cus-mariam",
            DEMO_USERNAME,
            "Mariam Al Suwaidi",
            claims("Mariam", "Al Suwaidi", "+971501234567", "1988-04-02"),
        ),
        (
            "cus-maria",
            SECOND_USERNAME,
            "Maria Clara Santos",
            with_middle_name(claims("Maria Clara", "Santos", "+639171234567", "1991-06-19"), "Reyes"),
        ),
    ]
}

fn with_middle_name(mut claims: Value, name: &str) -> Value {
    if let Some(members) = claims.as_object_mut() {
        members.insert("middle_name".to_owned(), json!(name));
    }
    claims
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

pub(super) fn broken(fault: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::new("fixture", fault)
}
