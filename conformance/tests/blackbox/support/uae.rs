//! A payment of UAE bank service initiation: what is asked for, and the signed order under it.

use bytes::Bytes;
use conformance::client::Answer;
use conformance::host;
use conformance::tpp::flow::{Ask, Call, Tpp};
use conformance::tpp::jws::{Draft, Members};
use conformance::tpp::mutate::HONEST;
use serde_json::{Value, json};

use super::World;

/// Base path of the vocabulary with the `UAEOF.` prefixes.
pub(crate) const BASE: &str = "/open-finance/payment/v1";
pub(crate) const AMOUNT: &str = "149.90";

/// A single instant payment (dialect A): its identifier and the request for it.
pub(crate) fn single_payment() -> (String, Ask) {
    let id = format!("aac-{}", host::uuid());
    let ask = Ask::new("openid payments").with_details(&json!([details(&id, AMOUNT)]));
    (id, ask)
}

pub(crate) fn details(id: &str, amount: &str) -> Value {
    json!({"Type": "PaymentConsent", "Data": {
        "ConsentId": id,
        "AcceptedAuthorizationType": "UAEOF.Single",
        "AuthorizationExpirationTimeWindow": "01:00:00",
        "ExpirationDateTime": format!("{}T23:59:59+04:00", dubai_today()),
        "ControlParameters": {"IsPayByAccount": false, "ConsentSchedule": {"SinglePayment": {
            "Type": "UAEOF.SingleInstantPayment", "Amount": {"Amount": amount, "Currency": "AED"}}}},
        "Initiation": {"CreditorAccount": {
            "IdentificationType": "UAEOF.IBAN", "Identification": "AE050260001015432198765",
            "Name": {"en": "Date Palm Books LLC"}, "TradingName": {"en": "Palm Books"}}},
        "PayerReference": "order 88121", "BeneficiaryReference": "88121", "PaymentPurposeCode": "GDDS"}})
}

/// The message of a payment under [`details`].
pub(crate) fn order(id: &str, amount: &str) -> Value {
    json!({"Data": {
        "ConsentId": id,
        "Instruction": {"Amount": {"Amount": amount, "Currency": "AED"}},
        "PaymentPurposeCode": "GDDS"}})
}

/// `POST /payments` with a signed body.
pub(crate) async fn pay(world: &World, tpp: &Tpp, token: &str, key: &str, message: &Value) -> Answer {
    pay_at(&api_origin(world, tpp), tpp, (token, key), message).await
}

/// The same at APIs of another origin.
pub(crate) async fn pay_at(origin: &str, tpp: &Tpp, (token, key): (&str, &str), message: &Value) -> Answer {
    let url = format!("{origin}{BASE}/payments");
    let headers = vec![
        ("content-type", "application/jwt".to_owned()),
        ("accept", "application/jwt".to_owned()),
        ("x-idempotency-key", key.to_owned()),
    ];
    let body = Bytes::from(signed(tpp, message));
    tpp.call(&Call { method: "POST", url: &url, token, headers, body }, HONEST).await.unwrap()
}

/// The same client over the listener that its tokens need.
pub(crate) fn api_origin(world: &World, tpp: &Tpp) -> String {
    match tpp.registered().entry.needs_certificate() {
        true => world.bank.mtls_origin(),
        false => world.bank.origin(),
    }
}

/// The message as a signed body of this client.
pub(crate) fn signed(tpp: &Tpp, message: &Value) -> String {
    signed_for(tpp, Some(&tpp.registered().issuer), message)
}

/// The same for somebody else, or for nobody by name.
pub(crate) fn signed_for(tpp: &Tpp, audience: Option<&str>, message: &Value) -> String {
    let (now, key) = (host::now(), &tpp.registered().key);
    let mut claims = vec![
        ("iss", json!(tpp.id())),
        ("iat", json!(now)),
        ("nbf", json!(now)),
        ("exp", json!(now + 120)),
        ("message", message.clone()),
    ];
    claims.extend(audience.map(|audience| ("aud", json!([audience]))));
    let draft = Draft {
        header: Members::of([
            ("alg", json!(key.alg().name())),
            ("kid", json!(key.id())),
            ("typ", json!("JWT")),
        ]),
        claims: Members::of(claims),
    };
    draft.sign(key).unwrap()
}

/// The message of a signed answer, once its signature, issuer and audience hold.
pub(crate) async fn message(tpp: &Tpp, answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/jwt"), "{} {}", answer.status, answer.text());
    let keys = tpp.server_keys().await.unwrap();
    let claims = keys.open_for(&answer.text(), &tpp.registered().issuer, tpp.id()).unwrap();
    claims["message"].clone()
}

/// The date in Dubai, four hours ahead of UTC all year.
fn dubai_today() -> String {
    date(host::now() + 4 * 3600)
}

/// The calendar date of a second.
pub(crate) fn date(second: i64) -> String {
    let mut days = second / 86_400;
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let mut year = 1970;
    while days >= if leap(year) { 366 } else { 365 } {
        days -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, days + 1)
}

/// An instant in UTC.
pub(crate) fn instant(second: i64) -> String {
    let rest = second % 86_400;
    format!("{}T{:02}:{:02}:{:02}Z", date(second), rest / 3600, rest / 60 % 60, rest % 60)
}

/// Held by a test that looks at the balance, and by every test that pays meanwhile.
pub(crate) static LEDGER: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The account from which the first demo customer pays.
pub(crate) const ACCOUNT: &str = "acc-mariam-1";

/// What the approval page says of an account's balance, in the smallest unit of its currency.
pub(crate) async fn balance(world: &World) -> i64 {
    let palm = world.palm();
    let (_, ask) = single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let place = world.signed_in().await.open(&palm.authorization_url(&request_uri).unwrap()).await.unwrap();
    let text = super::page(&place).text();
    let found = text.split_once(&format!("value=\"{ACCOUNT}\""));
    let (_, after) = found.unwrap_or_else(|| panic!("no account on {text}"));
    let (_, after) = after.split_once("account-balance\">").expect("its balance");
    let (told, _) = after.split_once("</span>").unwrap();
    told.bytes().filter(u8::is_ascii_digit).map(char::from).collect::<String>().parse().unwrap()
}

/// A payment followed until it has come to its end.
pub(crate) async fn settled(world: &World, tpp: &Tpp, token: &str, id: &str) -> Value {
    let url = format!("{}{BASE}/payments/{id}", api_origin(world, tpp));
    for _ in 0..60 {
        let answer = tpp.get(&url, token, HONEST).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let message = message(tpp, &answer).await;
        let status = message["Data"]["PaymentStatus"].as_str().unwrap();
        if matches!(status, "AcceptedCreditSettlementCompleted" | "Rejected") {
            return message;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    panic!("the payment {id} does not settle");
}
