//! Both use cases of the OFxPERA pilot, end to end: as the administrator at the institution that knows the customer, and as
//! the institution at the administrator that keeps the retirement account.

use std::sync::Arc;

use http::{Method, StatusCode};
use oauth_core::Seconds;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Tpp;
use super::accounts::{self, DETAILS_TYPE, Wanted};
use super::call::Token;
use super::command::PeraOrder;
use super::config::Config;
use super::contribution;
use super::error::Stop;
use super::http::{Ask, Reply};
use super::narrate::{Narrator, Report};
use super::payment::path_safe;
use super::state::Api;
use super::token::Granted;

/// What an administrator asks the institution for.
const KNOWING: [&str; 5] =
    ["CUSTOMER_READ", "CUSTOMER_DETAIL_READ", "SOURCE_ACCOUNT_READ", "PERA_BASIC_INFO", "PAYMENT_INITIATE"];
const KNOWING_SCOPE: &str = "openid customer customer_details bank_account accounts.basic payments";
/// What an institution asks the administrator for.
const KEEPING: [&str; 5] =
    ["CUSTOMER_ONBOARD", "ACCOUNT_OPEN", "PERA_BASIC_INFO", "PERA_BALANCE", "PERA_TRANSACTIONS"];
const KEEPING_SCOPE: &str = "openid customer_onboarding accounts.open accounts.basic accounts.details";
/// Readings of a registration that is being decided.
const READINGS_MAX: usize = 5;

#[derive(Deserialize)]
struct Product {
    #[serde(rename = "productId")]
    id: String,
    currency: String,
}

#[derive(Deserialize)]
struct Registration {
    status: String,
}

#[derive(Deserialize)]
struct Opened {
    id: String,
}

#[derive(Deserialize)]
struct Customer {
    #[serde(rename = "customerId")]
    id: String,
}

/// Walks both use cases.
pub(crate) async fn walk(order: &PeraOrder, narrator: &Arc<Narrator>) -> Result<Report, Stop> {
    let at = async |dir: &std::path::Path, client: &str| {
        let config = Config::read(dir, Some(client))?;
        Tpp::meet(config, Arc::clone(narrator)).await
    };
    let institution = at(&order.institution, &order.as_administrator).await?;
    let known = know(&institution, order).await?;
    let administrator = at(&order.administrator, &order.as_institution).await?;
    let kept = keep(&administrator, order, known.record).await?;
    let mut lines = known.lines;
    lines.extend(kept.lines);
    let value = json!({ "outcome": "done", "institution": known.value, "administrator": kept.value });
    Ok(Report { lines, value })
}

/// What the institution told.
struct Known {
    record: Value,
    lines: Vec<String>,
    value: Value,
}

/// The administrator's side: who takes part, who the customer is, from which account, and a first contribution.
async fn know(tpp: &Tpp, order: &PeraOrder) -> Result<Known, Stop> {
    let registry = tpp.client_token("admin:read").await?;
    tpp.narrator.step("Look up the participants", "OFxPERA, GET /admin/organization");
    let participants = accounts::get(tpp, &registry, "/admin/organization", "participants").await?;
    let (consent, granted) = agree(tpp, order, (&KNOWING, KNOWING_SCOPE, "open a PERA for me")).await?;
    let token = &granted.token;
    tpp.narrator.step("Ask who the customer is", "OFxPERA, GET /common/customer");
    let customer = accounts::get(tpp, token, "/common/customer", "customer").await?;
    let who: Customer = accounts::typed("customer", part(&customer, &["customerId"]))?;
    let path = format!("/common/customer/{}/detail", path_safe("customer", &who.id)?);
    tpp.narrator
        .step("Take over what the institution has verified", "OFxPERA, GET /common/customer/{id}/detail");
    let record = accounts::get(tpp, token, &path, "customer detail").await?;
    let paid = contribution::order(tpp, token, &consent, &order.contribution()).await?;
    let mut lines = vec![format!(
        "{}: {} participant(s), customer {} verified",
        tpp.config.data_holder,
        participants.as_array().map_or(0, Vec::len),
        who.id
    )];
    lines.extend(paid.lines);
    let value = json!({ "consent_id": consent, "customer_id": who.id, "payment": paid.value });
    Ok(Known { record, lines, value })
}

/// The institution's side: products, registration, a new account, what is on it, and the end of the consent.
async fn keep(tpp: &Tpp, order: &PeraOrder, record: Value) -> Result<Report, Stop> {
    let own = tpp.client_token("products").await?;
    tpp.narrator.step("Look at the products", "OFxPERA, GET /banking/products");
    let products = accounts::get(tpp, &own, "/banking/products?currency=PHP", "products").await?;
    let listed: Vec<Value> = accounts::typed("products", products)?;
    let listed: Vec<Product> = listed
        .iter()
        .map(|one| accounts::typed("products", part(one, &["productId", "currency"])))
        .collect::<Result<_, Stop>>()?;
    let product = listed.iter().find(|product| product.currency == "PHP");
    let product = product.ok_or_else(|| Stop::Declined("no product in pesos".to_owned()))?;
    let (consent, granted) = agree(tpp, order, (&KEEPING, KEEPING_SCOPE, "keep my PERA for me")).await?;
    let token = &granted.token;
    let registered = register(tpp, &granted, &consent, record).await?;
    let account = open(tpp, token, &product.id).await?;
    tpp.narrator.step("Read the accounts", "OFxPERA, GET /banking/accounts");
    let list = accounts::get(tpp, token, "/banking/accounts", "accounts").await?;
    let first = list.as_array().and_then(|all| all.first()).cloned().unwrap_or_default();
    let first: Opened = accounts::typed("accounts", part(&first, &["id"]))?;
    let path = format!("/banking/account/{}/transactions", path_safe("account", &first.id)?);
    tpp.narrator.step("Read its transactions", "OFxPERA, GET /banking/account/{id}/transactions");
    let transactions = accounts::get(tpp, token, &path, "transactions").await?;
    accounts::revoke_consent(tpp, &consent).await?;
    Ok(Report {
        lines: vec![
            format!("{}: registration {registered}", tpp.config.data_holder),
            match &account {
                Some(id) => format!("opened account {id} in {}", product.id),
                None => "the customer has as many accounts as the law allows".to_owned(),
            },
            format!(
                "{} account(s), {} transaction(s) of the first; the consent is revoked",
                list.as_array().map_or(0, Vec::len),
                transactions.as_array().map_or(0, Vec::len)
            ),
        ],
        value: json!({ "consent_id": consent, "registration": registered, "account_id": account }),
    })
}

/// A consent, approved.
async fn agree(
    tpp: &Tpp,
    order: &PeraOrder,
    (permissions, scope, purpose): (&[&str], &str, &str),
) -> Result<(String, Granted), Stop> {
    tpp.metadata.check_details_type(DETAILS_TYPE)?;
    let wanted = Wanted { permissions, purpose, lasts: Seconds::days(90) };
    let consent = accounts::lodge(tpp, &wanted).await?;
    let details = json!({"type": DETAILS_TYPE, "consentId": consent});
    let granted = tpp.authorize(scope, &details, (Api::Ofxpera, &consent), &order.customer).await?;
    Ok((consent, granted))
}

/// Hands the record over, as a record of this consent and of the customer as this bank knows them.
async fn register(tpp: &Tpp, granted: &Granted, consent: &str, record: Value) -> Result<String, Stop> {
    tpp.narrator.step("Register the customer", "OFxPERA, POST /banking/customer");
    let subject = granted.subject.clone().unwrap_or_default();
    let mut record = record;
    for (place, value) in
        [("/arrangementId", consent), ("/sub", &subject), ("/personalInformation/sub", &subject)]
    {
        if let Some(member) = record.pointer_mut(place) {
            *member = json!(value);
        }
    }
    let reply = post(tpp, &granted.token, "/banking/customer", &json!({ "data": record })).await?;
    if reply.status == StatusCode::CONFLICT {
        tpp.narrator.say("the customer is registered already");
    } else {
        accounts::data(&reply, "registration", StatusCode::CREATED)?;
    }
    let mut status = String::new();
    for _ in 0..READINGS_MAX {
        let now = accounts::get(tpp, &granted.token, "/banking/customer", "registration").await?;
        let now: Registration = accounts::typed("registration", part(&now, &["status"]))?;
        status = now.status;
        if status == "active" {
            return Ok(status);
        }
    }
    Err(Stop::Declined(format!("the registration is {status}")))
}

/// A new account; none when the customer has as many as the law allows.
async fn open(tpp: &Tpp, token: &Token, product: &str) -> Result<Option<String>, Stop> {
    tpp.narrator.step("Open an account", "OFxPERA, POST /banking/accounts");
    let body = json!({"data": {"productId": product, "nickname": "retirement", "termsAccepted": true}});
    let reply = post(tpp, token, "/banking/accounts", &body).await?;
    if reply.status == StatusCode::UNPROCESSABLE_ENTITY {
        return Ok(None);
    }
    let made = accounts::data(&reply, "account", StatusCode::CREATED)?;
    let made: Opened = accounts::typed("account", part(&made, &["id"]))?;
    Ok(Some(path_safe("account", &made.id)?.to_owned()))
}

async fn post(tpp: &Tpp, token: &Token, path: &str, body: &Value) -> Result<Reply, Stop> {
    let ask = Ask::body(Method::POST, accounts::url(tpp, path), ("application/json", body.to_string()));
    let ask = accounts::headers(tpp, ask);
    tpp.order(token, || Ok(ask.clone())).await
}

/// The members we look at.
fn part(value: &Value, names: &[&str]) -> Value {
    let found = names.iter().filter_map(|name| Some(((*name).to_owned(), value.get(name)?.clone())));
    Value::Object(found.collect())
}
