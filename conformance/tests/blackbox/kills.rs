//! The bank is killed at random while payments are made and repeated: nothing acknowledged is lost, nothing is booked twice,
//! the postings sum to zero, and the counters of the consent agree with the ledger.
//!
//! `MANDATE_KILL_PAYMENTS` says how many payments; the check command asks for a thousand with `--full`.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use conformance::bank::Settings;
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

#[tokio::test(flavor = "multi_thread")]
async fn of_payments_repeated_over_many_kills_none_is_lost_and_none_is_made_twice() {
    let payments = host::setting("MANDATE_KILL_PAYMENTS").map_or(500, |many| many.parse().unwrap());
    let mut world = World::start(Settings::default()).await;
    let before = uae::balance(&world).await;
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
