//! The bank is killed at random while payments are made and repeated: nothing acknowledged is lost, nothing is booked twice,
//! the postings sum to zero, and the counters of the consent agree with the ledger.
//!
//! A thousand payments, or as many as `MANDATE_KILL_PAYMENTS` says; the check command asks for five thousand with `--full`.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use conformance::bank::{Settings, binary};
use conformance::client::Answer;
use conformance::host;
use conformance::tpp::flow::{Ask, Call, Tokens, Tpp};
use conformance::tpp::mutate::HONEST;
use conformance::user::Decision;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::support::World;
use crate::support::ear::consent_id;
use crate::support::uae::{self, ACCOUNT, BASE};

/// What one payment is for, in fils.
const FILS: i64 = 150;
const AMOUNT: &str = "1.50";
/// Who pay at the same time.
const PAYERS: usize = 6;
/// Attempts at one payment: more than any number of restarts takes.
const ATTEMPTS: usize = 400;

/// Payments whenever the client asks, as many as the test makes and no more.
fn consent(id: &str, payments: usize) -> Value {
    let total = FILS * i64::try_from(payments).unwrap();
    let mut details = uae::details(id, AMOUNT);
    details["Data"]["ControlParameters"]["ConsentSchedule"] = json!({"MultiPayment": {
        "Type": "UAEOF.VariableOnDemandPayment",
        "MaximumIndividualPaymentAmount": {"Amount": AMOUNT, "Currency": "AED"},
        "MaximumCumulativeNumberOfPayments": payments,
        "MaximumCumulativeValueOfPayments":
            {"Amount": format!("{}.{:02}", total / 100, total % 100), "Currency": "AED"}}});
    details
}

/// What every payer works with. The bank's address stays the same from one life of it to the next.
struct Payers {
    tpp: Tpp,
    origin: String,
    consent: String,
    tokens: tokio::sync::RwLock<Tokens>,
    keys: Vec<String>,
    next: AtomicUsize,
    /// The payment that each key was told of.
    told: Mutex<BTreeMap<String, String>>,
}

impl Payers {
    async fn work(self: Arc<Self>) {
        while let Some(key) = self.keys.get(self.next.fetch_add(1, Ordering::SeqCst)) {
            let answer = self.until_told(key).await;
            let place = answer.header("location").unwrap().to_owned();
            let earlier = self.told.lock().unwrap().insert(key.clone(), place);
            assert_eq!(earlier, None);
        }
    }

    /// The same order again and again under its key, until it is answered for good.
    async fn until_told(&self, key: &str) -> Answer {
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            match self.order(key).await {
                Ok(answer) if answer.status == 201 => return answer,
                // after a start, what was signed just before it is refused; and tokens end
                Ok(answer) if matches!(answer.status.as_u16(), 401 | 409 | 500 | 503) => {
                    if answer.status == 401 {
                        self.refresh().await;
                    }
                    last = format!("{} {}", answer.status, answer.text());
                }
                Ok(answer) => panic!("{} {}", answer.status, answer.text()),
                Err(trouble) => last = trouble,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{key} was never answered: {last}");
    }

    async fn order(&self, key: &str) -> Result<Answer, String> {
        let url = format!("{}{BASE}/payments", self.origin);
        let message = json!({"Data": {
            "ConsentId": self.consent,
            "Instruction": {"Amount": {"Amount": AMOUNT, "Currency": "AED"}},
            "PaymentPurposeCode": "GDDS"}});
        let headers =
            vec![("content-type", "application/jwt".to_owned()), ("x-idempotency-key", key.to_owned())];
        let body = Bytes::from(uae::signed(&self.tpp, &message));
        let token = self.tokens.read().await.access.clone();
        let call = Call { method: "POST", url: &url, token: &token, headers, body };
        self.tpp.call(&call, HONEST).await.map_err(|trouble| trouble.to_string())
    }

    async fn refresh(&self) {
        let mut tokens = self.tokens.write().await;
        let Some(refresh) = tokens.refresh.clone() else { return };
        if let Ok(answer) = self.tpp.refresh(&refresh, HONEST).await
            && let Ok(fresh) = Tokens::read(&answer)
        {
            *tokens = Tokens { refresh: Some(refresh), ..fresh };
        }
    }
}

/// So many payments, with the bank killed at random until the last of them is answered: the bank as it is then, who paid, and
/// how often it was killed.
async fn paid_over_kills(mut world: World, payments: usize) -> (World, Arc<Payers>, usize) {
    let (id, palm) = (consent_id(), world.palm());
    let ask = Ask::new("openid payments").with_details(&json!([consent(&id, payments)]));
    let request_uri = world.push(&palm, &ask).await;
    let returned = world.decide(&palm, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let code = palm.code(&ask, &returned).await.unwrap();
    let tokens = Tokens::read(&palm.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let payers = Arc::new(Payers {
        origin: uae::api_origin(&world, &palm),
        tpp: palm,
        consent: id.clone(),
        tokens: tokio::sync::RwLock::new(tokens),
        keys: (0..payments).map(|_| host::uuid()).collect(),
        next: AtomicUsize::new(0),
        told: Mutex::default(),
    });
    let mut working = JoinSet::new();
    for _ in 0..PAYERS {
        working.spawn(Arc::clone(&payers).work());
    }
    let mut kills = 0;
    while payers.next.load(Ordering::SeqCst) < payments {
        tokio::time::sleep(at_random()).await;
        let place = world.bank.kill().await.unwrap();
        kills += 1;
        world = World::around(place.start().await.unwrap()).await;
    }
    while let Some(ended) = working.join_next().await {
        ended.unwrap();
    }
    (world, payers, kills)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_payments_repeated_over_many_kills_none_is_lost_and_none_is_made_twice() {
    let payments = host::setting("MANDATE_KILL_PAYMENTS").map_or(1000, |many| many.parse().unwrap());
    let world = World::start(Settings::default()).await;
    let before = uae::balance(&world).await;
    let (world, payers, kills) = paid_over_kills(world, payments).await;
    assert!(kills >= 2, "the bank was hardly killed");
    let told: Vec<String> = payers.told.lock().unwrap().values().cloned().collect();
    assert_eq!(told.iter().collect::<HashSet<_>>().len(), payments, "each key has a payment of its own");
    consent_agrees(&world, &payers, &told).await;
    let palm = world.palm();
    let token = palm.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap();
    for key in &payers.keys {
        let told = payers.told.lock().unwrap()[key].clone();
        assert_eq!(found(&palm, &payers.origin, (&token, key)).await, told, "what was told is found");
    }
    let taken = FILS * i64::try_from(payments).unwrap();
    assert_eq!(uae::balance(&world).await, before - taken, "every payment left the account once");
    ledger_sums_to_zero(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_of_a_bank_that_was_killed_while_it_wrote_has_every_status_of_every_payment_once_and_verifies()
 {
    let payments = 60;
    let (world, payers, kills) = paid_over_kills(World::start(Settings::default()).await, payments).await;
    assert!(kills >= 1, "the bank was not killed");
    let told: Vec<String> = payers.told.lock().unwrap().values().cloned().collect();
    consent_agrees(&world, &payers, &told).await;
    let rows = sealed_rows(&world, &payers.consent, payments * STAGES).await;
    for place in &told {
        let id = place.rsplit('/').next().unwrap();
        let mut own: Vec<&Value> = rows.iter().filter(|row| row["payment"] == id).collect();
        own.sort_by_key(|row| row["position"].as_i64());
        let told: Vec<_> = own.iter().map(|row| (&row["from"], &row["to"])).collect();
        let stages =
            ["received", "pending", "debtor_settled", "creditor_accepted", "completed"].map(Value::from);
        let before = [&Value::Null].into_iter().chain(&stages);
        assert_eq!(told, before.zip(&stages).collect::<Vec<_>>(), "no gap and nothing twice: {id}");
    }
    assert_eq!(rows.len(), payments * STAGES, "and nothing else");
    let data = world.bank.directory().display().to_string();
    let mut verify = Command::new(binary().unwrap());
    let verified = verify.args(["--data-dir", &data, "audit", "verify"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && text.contains("The trail fits."), "{text}");
}

/// Statuses of a payment from its order to its end.
const STAGES: usize = 5;

/// The rows of the trail about a consent's payments, once there are so many and all of them are sealed.
async fn sealed_rows(world: &World, id: &str, many: usize) -> Vec<Value> {
    let url = format!("{}/consents/{id}", world.bank.admin_origin());
    for _ in 0..300 {
        let record: Value = world.bank.client().unwrap().get(&url).await.unwrap().json().unwrap();
        let rows = record["payments"].as_array().unwrap().clone();
        if rows.len() >= many && rows.iter().all(|row| row["position"].is_i64()) {
            return rows;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the trail is not complete and sealed within thirty seconds");
}

/// The consent counts every payment once, and names each.
async fn consent_agrees(world: &World, payers: &Payers, told: &[String]) {
    let palm = world.palm();
    let token = palm.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap();
    let url = format!("{}{BASE}/payment-consents/{}", payers.origin, payers.consent);
    for _ in 0..120 {
        let answer = palm.get(&url, &token, HONEST).await.unwrap();
        let message = uae::message(&palm, &answer).await;
        let used = &message["Data"]["PaymentConsumption"];
        assert_eq!(used["CumulativeNumberOfPayments"], json!(told.len()));
        let named: HashSet<&str> =
            message["Links"]["Related"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(named, told.iter().map(String::as_str).collect());
        // finished when the last of them has settled: the rail's worker has outlived the kills as well
        if message["Data"]["Status"] == "Finished" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("the consent is not finished");
}

/// Where the payment of a key is, as the client asks that has lost the answer.
async fn found(tpp: &Tpp, origin: &str, (token, key): (&str, &str)) -> String {
    let url = format!("{origin}{BASE}/payments");
    let headers = vec![("x-idempotency-key", key.to_owned())];
    let call = Call { method: "GET", url: &url, token, headers, body: Bytes::new() };
    let answer = tpp.call(&call, HONEST).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("location").unwrap().to_owned()
}

/// Every entry of the journal, and every balance against its postings, read from the file itself.
async fn ledger_sums_to_zero(world: &World) {
    let Some(python) = host::program("python3", &[]) else {
        eprintln!("SKIPPED: the ledger itself, without python3");
        return;
    };
    let script = "import sqlite3, sys
books = sqlite3.connect('file:' + sys.argv[1] + '?mode=ro', uri=True)
wrong = books.execute('SELECT entry FROM posting GROUP BY entry HAVING sum(amount) <> 0').fetchall()
apart = books.execute('''SELECT b.account FROM balance b WHERE b.booked <>
    (SELECT coalesce(sum(p.amount), 0) FROM posting p WHERE p.ledger = 'customer' AND p.account = b.account)''').fetchall()
total = books.execute('SELECT coalesce(sum(amount), 0) FROM posting').fetchone()[0]
print(len(wrong), len(apart), total)";
    let file = world.bank.directory().join("bank.sqlite");
    let ran = Command::new(python).args(["-c", script]).arg(file).output().await.unwrap();
    let told = String::from_utf8_lossy(&ran.stdout).trim_ascii().to_owned();
    assert_eq!(told, "0 0 0", "{}", String::from_utf8_lossy(&ran.stderr));
}

/// Between a tenth of a second and a second and a half.
fn at_random() -> Duration {
    let drawn: u64 = host::token().bytes().map(u64::from).sum();
    Duration::from_millis(30 + drawn * 37 % 120)
}
