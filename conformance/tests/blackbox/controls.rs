//! Test controls at the admin listener: the clock, the reset, and a decision in a customer's name.

use conformance::bank::{Bank, Controls, Settings, binary};
use conformance::client::Answer;
use conformance::host::{self, Scratch};
use conformance::tpp::flow::{Ask, Tokens};
use conformance::tpp::mutate::{HONEST, Jws, Part, set};
use conformance::user::Decision;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::judge::refused;
use crate::support::raw::Raw;
use crate::support::{World, identity, uae};

async fn world() -> World {
    World::start(Settings { controls: Controls::Present, ..Settings::default() }).await
}

async fn control(bank: &Bank, order: &str, body: &str) -> Answer {
    let mut raw = Raw::bare("POST", &format!("{}/test/{order}", bank.admin_origin()));
    raw.body = body.as_bytes().to_vec();
    raw.send(&bank.client().unwrap()).await
}

#[tokio::test]
async fn without_being_asked_for_there_are_no_controls() {
    let world = World::start(Settings::default()).await;
    for order in ["clock", "reset", "approve"] {
        assert_eq!(control(&world.bank, order, "{}").await.status, 404, "{order}");
    }
}

#[tokio::test]
async fn a_bank_that_strangers_can_reach_does_not_start_with_controls() {
    let scratch = Scratch::new("controls").unwrap();
    let words = ["--test-controls", "--bind", "0.0.0.0"];
    let ran = Command::new(binary().unwrap()).args(words).current_dir(scratch.path()).output().await.unwrap();
    let told = String::from_utf8(ran.stderr).unwrap();
    assert!(!ran.status.success() && told.contains("every listener must be on a loopback address"), "{told}");
}

#[tokio::test]
async fn everything_that_tells_time_follows_the_clock() {
    let world = world().await;
    let palm = world.palm();
    let ask = identity();
    let code = world.code(&palm, &ask).await;
    let spare = world.code(&palm, &ask).await;
    let tokens = Tokens::read(&palm.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let moved = control(&world.bank, "clock", "{\"advance_s\": 61}").await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    let later = |seconds: i64| {
        let now = host::now() + seconds;
        [
            set(Part::Claims(Jws::Proof), "iat", now),
            set(Part::Claims(Jws::Assertion), "iat", now),
            set(Part::Claims(Jws::Assertion), "exp", now + 50),
        ]
    };
    refused(&palm.redeem(&ask, &spare, &later(61)).await.unwrap(), 400, "invalid_grant");
    assert_eq!(
        world.userinfo(&palm, &tokens.access).await.status,
        401,
        "today's proof is a minute old there"
    );
    let userinfo = palm.endpoint("userinfo_endpoint").unwrap();
    assert_eq!(palm.get(&userinfo, &tokens.access, &later(61)).await.unwrap().status, 200);
    control(&world.bank, "clock", "{\"advance_s\": 300}").await;
    assert_eq!(palm.get(&userinfo, &tokens.access, &later(361)).await.unwrap().status, 401, "it has ended");

    let frozen =
        control(&world.bank, "clock", "{\"now\": \"2030-01-01T00:00:00Z\", \"mode\": \"frozen\"}").await;
    assert_eq!(frozen.json().unwrap(), json!({"now": "2030-01-01T00:00:00.000Z"}));
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let still = control(&world.bank, "clock", "{}").await;
    assert_eq!(still.json().unwrap(), json!({"now": "2030-01-01T00:00:00.000Z"}));
    let wrong = control(&world.bank, "clock", "{\"now\": \"tomorrow\"}").await;
    assert_eq!(wrong.status, 400, "{}", wrong.text());
}

/// T-OP-04: an hour ahead, back, an hour behind, and back: what was used, spent or revoked stays so at every hour.
#[tokio::test]
async fn a_clock_that_jumps_lets_nothing_be_used_again() {
    let world = world().await;
    let palm = world.palm();
    let http = &palm.registered().http;
    let ask = identity();
    let pushed = Raw::push(&palm, &ask);
    assert_eq!(pushed.send(http).await.status, 201);
    let code = world.code(&palm, &ask).await;
    let tokens = Tokens::read(&palm.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let refresh = tokens.refresh.clone().unwrap();
    assert_eq!(palm.present("revocation_endpoint", &refresh, HONEST).await.unwrap().status, 200);
    let userinfo = palm.endpoint("userinfo_endpoint").unwrap();
    let mut ahead = 0;
    for jump in [0, 3600, -3600, -3600, 3600] {
        ahead += jump;
        control(&world.bank, "clock", &json!({ "advance_s": jump }).to_string()).await;
        let now = || {
            let now = host::now() + ahead;
            [
                set(Part::Claims(Jws::Proof), "iat", now),
                set(Part::Claims(Jws::Assertion), "iat", now),
                set(Part::Claims(Jws::Assertion), "exp", now + 50),
            ]
        };
        let again = pushed.send(http).await;
        assert_eq!(again.status, 401, "{ahead}: {}", again.text());
        let spent = palm.redeem(&ask, &code, &now()).await.unwrap();
        assert!(spent.status.is_client_error(), "{ahead}: {}", spent.text());
        let renewed = palm.refresh(&refresh, &now()).await.unwrap();
        assert!(renewed.status.is_client_error(), "{ahead}: {}", renewed.text());
        assert_eq!(palm.get(&userinfo, &tokens.access, &now()).await.unwrap().status, 401, "{ahead}");
        if ahead >= 0 {
            assert_eq!(palm.push(&ask, &now()).await.unwrap().status, 201, "{ahead}: honest requests go on");
        }
    }
}

#[tokio::test]
async fn a_reset_brings_back_the_demo_data_or_what_is_sent_along() {
    let world = world().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let answer = control(&world.bank, "reset", "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(world.userinfo(&palm, &tokens.access).await.status, 401, "its grant is gone");
    let request_uri = world.push(&palm, &identity()).await;
    let url = palm.authorization_url(&request_uri).unwrap();
    let place = palm.visit().unwrap().complete(&url, &world.user, &Decision::Approve).await.unwrap();
    assert!(place.returned().is_ok(), "the demo customers are there");
    let amal = "demo = \"none\"\n[[users]]\nusername = \"amal\"\npassword = \"p\"\n";
    assert_eq!(control(&world.bank, "reset", amal).await.status, 200);
    let request_uri = world.push(&palm, &identity()).await;
    let order = json!({"client_id": "palm-books", "request_uri": request_uri, "user": "mariam"});
    let gone = control(&world.bank, "approve", &order.to_string()).await;
    assert!(gone.status == 400 && gone.text().contains("no such user"), "{}", gone.text());
    let order = json!({"client_id": "palm-books", "request_uri": request_uri, "user": "amal"});
    assert_eq!(control(&world.bank, "approve", &order.to_string()).await.status, 200);
    let wrong = control(&world.bank, "reset", "demo = 1\nfoo = 2\n").await;
    assert!(wrong.status == 400 && wrong.text().contains("line 2"), "{}", wrong.text());
}

#[tokio::test]
async fn a_customer_approves_and_refuses_without_a_browser() {
    let world = world().await;
    let palm = world.palm();
    let decide = async |request_uri: &str, more: Value| {
        let mut order = json!({"client_id": "palm-books", "request_uri": request_uri, "user": "mariam"});
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        control(&world.bank, "approve", &order.to_string()).await
    };
    let (id, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let foreign = decide(&request_uri, json!({"accounts": ["sa-58f1"]})).await;
    assert_eq!(foreign.status, 400, "not an account the page would offer: {}", foreign.text());
    let answer = decide(&request_uri, json!({"accounts": [uae::ACCOUNT]})).await;
    let back = url::Url::parse(answer.json().unwrap()["redirect_to"].as_str().unwrap()).unwrap();
    let parameter = |name: &str| back.query_pairs().find(|(own, _)| own == name).unwrap().1.into_owned();
    assert_eq!((parameter("state"), parameter("iss")), (ask.state.clone(), world.issuer()));
    let tokens = Tokens::read(&palm.redeem(&ask, &parameter("code"), HONEST).await.unwrap()).unwrap();
    let order = uae::order(&id, uae::AMOUNT);
    let paid = uae::pay(&world, &palm, &tokens.access, &host::uuid(), &order).await;
    assert_eq!(paid.status, 201, "{}", paid.text());
    assert_eq!(decide(&request_uri, json!({})).await.status, 400, "it is decided once");

    let (_, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let answer = decide(&request_uri, json!({"decision": "deny"})).await;
    assert!(answer.text().contains("error=access_denied"), "{}", answer.text());
}

#[tokio::test]
async fn an_order_that_means_no_request_or_two_decides_nothing() {
    let world = world().await;
    let palm = world.palm();
    let request_uri = world.push(&palm, &identity()).await;
    let url = palm.authorization_url(&request_uri).unwrap();
    let named = json!({"client_id": "palm-books", "request_uri": request_uri, "user": "mariam"});
    let with = |more: Value| {
        let mut order = named.clone();
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        order
    };
    for (order, told) in [
        (with(json!({"ticket": "x"})), "name one request"),
        (with(json!({"url": url})), "url stands alone"),
        (json!({"user": "mariam"}), "name one request"),
        (json!({"user": "mariam", "request_uri": request_uri}), "goes with client_id"),
        (with(json!({"issuer": "https://other.example"})), "no such issuer"),
        (with(json!({"decison": "deny"})), "unknown field"),
        (with(json!({"user": "nobody"})), "no such user"),
        (json!({"user": "mariam", "consent": host::uuid()}), "there is none"),
    ] {
        let answer = control(&world.bank, "approve", &order.to_string()).await;
        assert_eq!(answer.status, 400, "{order}: {}", answer.text());
        assert!(answer.text().contains(told), "{order}: {}", answer.text());
    }
    assert_eq!(
        control(&world.bank, "approve", &json!({"user": "mariam", "url": url}).to_string()).await.status,
        200
    );
}

#[tokio::test]
async fn a_reset_sets_the_clock_to_now_and_lets_it_run() {
    let world = world().await;
    control(&world.bank, "clock", "{\"now\": \"2030-01-01T00:00:00Z\", \"mode\": \"frozen\"}").await;
    let told = control(&world.bank, "reset", "").await.json().unwrap();
    assert!(!told["now"].as_str().unwrap().starts_with("2030"), "{told}");
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let later = control(&world.bank, "clock", "{}").await.json().unwrap();
    assert_ne!(told, later, "it runs");
}

#[tokio::test]
async fn a_second_authoriser_approves_without_a_browser_once_and_nobody_else_does() {
    let world = world().await;
    let palm = world.palm();
    let id = format!("aac-{}", host::uuid());
    let mut details = uae::details(&id, uae::AMOUNT);
    details["Data"]["AcceptedAuthorizationType"] = json!("UAEOF.Multi");
    let ask = Ask::new("openid payments").with_details(&json!([details]));
    let request_uri = world.push(&palm, &ask).await;
    let first = json!({"client_id": "palm-books", "request_uri": request_uri, "user": "mariam",
        "accounts": ["acc-mariam-joint"]});
    assert_eq!(control(&world.bank, "approve", &first.to_string()).await.status, 200);
    let vote = async |user: &str| {
        control(&world.bank, "approve", &json!({"consent": id, "user": user}).to_string()).await
    };
    for stranger in ["mariam", "maria"] {
        let answer = vote(stranger).await;
        assert!(answer.status == 400 && answer.text().contains("does not wait for this user"), "{stranger}");
    }
    let decided = vote("omar").await;
    assert_eq!(decided.json().unwrap(), json!({"status": "Authorized"}), "{}", decided.text());
    assert_eq!(vote("omar").await.status, 400, "once");
}
