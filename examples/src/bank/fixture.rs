//! The demo data of a first start: customers, accounts, history. Adding what is there already changes nothing.

use std::sync::Arc;

use async_trait::async_trait;
use oauth_core::store::database::Database;
use oauth_core::{Entropy, Fault, Subject, Timestamp};
use serde_json::{Map, Value, json};

use super::customers::{self, Customer};
use super::ui::{CustomerAccounts, OwnAccount};

/// The first demo customer's user name.
pub const DEMO_USERNAME: &str = "mariam";
/// The second demo customer's user name.
pub const SECOND_USERNAME: &str = "maria";
/// Their password. These are demo customers of a bank that listens on this machine only.
pub const DEMO_PASSWORD: &str = "date-palm-7";

/// Adds the demo customers.
///
/// # Errors
/// When the database or the random source fails.
pub async fn seed(database: &Database, _now: Timestamp, entropy: &dyn Entropy) -> Result<(), Fault> {
    for (subject, username, name, claims) in [
        (
            "cus-mariam",
            DEMO_USERNAME,
            "Mariam Al Suwaidi",
            json!({
                "given_name": "Mariam", "family_name": "Al Suwaidi", "email": "mariam@customer.example",
                "email_verified": true, "phone_number": "+971501234567", "phone_number_verified": true,
                "birthdate": "1988-04-02", "updated_at": 1_767_225_600,
            }),
        ),
        (
            "cus-maria",
            SECOND_USERNAME,
            "Maria Clara Santos",
            json!({
                "given_name": "Maria Clara", "family_name": "Santos", "email": "maria@customer.example",
                "email_verified": true, "phone_number": "+639171234567", "phone_number_verified": true,
                "birthdate": "1991-06-19", "updated_at": 1_767_225_600,
            }),
        ),
    ] {
        let customer = Customer {
            subject: Subject::new(subject).map_err(|fault| Fault::new("fixture", fault))?,
            username: username.to_owned(),
            name: name.to_owned(),
            claims: members(claims),
        };
        let random = entropy.draw()?;
        let (salt, _) = random.split_at(16);
        customers::add(database, &customer, DEMO_PASSWORD, salt).await?;
    }
    Ok(())
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// No accounts.
pub fn accounts() -> Arc<dyn CustomerAccounts> {
    struct None;
    #[async_trait]
    impl CustomerAccounts for None {
        async fn own(&self, _customer: &Subject) -> Result<Vec<OwnAccount>, Fault> {
            Ok(vec![OwnAccount {
                id: "acc-1".to_owned(),
                iban: Option::None,
                name: "Everyday account".to_owned(),
                masked_number: "•••• 1162".to_owned(),
                balance: "AED 10,000.00".to_owned(),
                unavailable: Option::None,
            }])
        }
    }
    Arc::new(None)
}
