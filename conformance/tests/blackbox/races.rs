//! Two at once: one wins, and what the losers cause is decided. Requests are built first and sent together.

use conformance::client::{Answer, Client};
use conformance::host;
use conformance::tpp::flow::Tokens;
use conformance::tpp::mutate::HONEST;
use conformance::tpp::proof::About;
use conformance::user::{Decision, Place};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::judge::{challenged, inactive, refused};
use crate::support::raw::{Raw, fields, fresh_assertion, proof_about};
use crate::support::uae::{self, ACCOUNT, AMOUNT};
use crate::support::{World, identity, over_every_database, page_form};

over_every_database!(
    thirty_two_redemptions_of_one_code_bring_one_token_that_dies_of_the_others,
    thirty_two_approvals_of_one_request_bring_one_code,
    one_assertion_sent_sixteen_times_at_once_is_taken_once,
    one_proof_sent_sixteen_times_at_once_is_taken_once,
    one_idempotency_key_sent_sixteen_times_at_once_pays_once,
    sixteen_orders_under_a_consent_for_one_payment_pay_once,
);

async fn together(requests: Vec<Raw>, http: &Client) -> Vec<Answer> {
    let mut running = JoinSet::new();
    for request in requests {
        let http = http.clone();
        running.spawn(async move { request.send(&http).await });
    }
    running.join_all().await
}

fn successes(answers: &[Answer]) -> Vec<&Answer> {
    answers.iter().filter(|answer| answer.status.is_success()).collect()
}

/// TK-19; RFC 6749 section 4.1.2.
async fn thirty_two_redemptions_of_one_code_bring_one_token_that_dies_of_the_others(world: &World) {
    let palm = world.palm();
    let ask = identity();
    let code = world.code(&palm, &ask).await;
    let form =
        fields(&[("grant_type", "authorization_code"), ("code", &code), ("code_verifier", &ask.verifier)]);
    let requests = (0..32).map(|_| Raw::honest(&palm, "token_endpoint", form.clone())).collect();
    let answers = together(requests, &palm.registered().http).await;
    let [winner] = successes(&answers)[..] else {
        panic!("{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    };
    for loser in answers.iter().filter(|answer| !answer.status.is_success()) {
        refused(loser, 400, "invalid_grant");
    }
    let tokens = Tokens::read(winner).unwrap();
    challenged(&world.userinfo(&palm, &tokens.access).await, "DPoP", "invalid_token", "after the race");
    refused(&palm.refresh(&tokens.refresh.unwrap(), HONEST).await.unwrap(), 400, "invalid_grant");
    inactive(
        &world.apis().present("introspection_endpoint", &tokens.access, HONEST).await.unwrap(),
        "after the race",
    );
}

/// PAR 7.3, T-UI-08.
async fn thirty_two_approvals_of_one_request_bring_one_code(world: &World) {
    let palm = world.palm();
    let (_, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let mut visit = world.signed_in().await;
    let place = visit.open(&palm.authorization_url(&request_uri).unwrap()).await.unwrap();
    let mut form = page_form(&place, "approve");
    form.tick("accounts", |id| id == ACCOUNT);
    let mut running = JoinSet::new();
    for _ in 0..32 {
        let (mut visit, form) = (visit.clone(), form.clone());
        running.spawn(async move { visit.submit(&form, "approve").await.unwrap() });
    }
    let places = running.join_all().await;
    let mut codes = Vec::new();
    for place in &places {
        match place {
            Place::Returned(_) => codes.push(palm.code(&ask, &place.returned().unwrap()).await.unwrap()),
            Place::Page(page) => assert!(page.status.is_client_error(), "{} {}", page.status, page.text()),
        }
    }
    assert_eq!(codes.len(), 1);
    assert_eq!(palm.redeem(&ask, &codes[0], HONEST).await.unwrap().status, 200, "the one code is good");
}

/// CA-12; RFC 7523 section 3-7.
async fn one_assertion_sent_sixteen_times_at_once_is_taken_once(world: &World) {
    let palm = world.palm();
    let assertion = fresh_assertion(&palm);
    let url = palm.endpoint("token_endpoint").unwrap();
    let form = fields(&[
        ("grant_type", "client_credentials"),
        ("scope", "payments"),
        ("client_assertion_type", conformance::tpp::assertion::ASSERTION_TYPE),
        ("client_assertion", &assertion),
    ]);
    let about = About { method: "POST", url: &url, ..About::default() };
    let requests =
        (0..16).map(|_| Raw::form(&url, &form).with("dpop", &proof_about(&palm, &about))).collect();
    let answers = together(requests, &palm.registered().http).await;
    assert_eq!(successes(&answers).len(), 1);
    for loser in answers.iter().filter(|answer| !answer.status.is_success()) {
        refused(loser, 401, "invalid_client");
    }
}

/// DP-06; RFC 9449 section 11.1, at a resource.
async fn one_proof_sent_sixteen_times_at_once_is_taken_once(world: &World) {
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let url = palm.endpoint("userinfo_endpoint").unwrap();
    let about = About { method: "GET", url: &url, access_token: Some(&tokens.access), nonce: None };
    let request = Raw::bare("GET", &url)
        .with("authorization", &format!("DPoP {}", tokens.access))
        .with("dpop", &proof_about(&palm, &about));
    let answers = together(vec![request; 16], &palm.registered().http).await;
    assert_eq!(successes(&answers).len(), 1);
}

async fn payment_tokens(world: &World) -> (conformance::tpp::flow::Tpp, String, Tokens) {
    let palm = world.palm();
    let (id, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let returned = world.decide(&palm, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let code = palm.code(&ask, &returned).await.unwrap();
    let tokens = Tokens::read(&palm.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    (palm, id, tokens)
}

async fn orders(world: &World, keys: Vec<String>) {
    let (palm, id, tokens) = payment_tokens(world).await;
    let distinct = keys.iter().collect::<std::collections::BTreeSet<_>>().len();
    let order = uae::order(&id, AMOUNT);
    let sending = keys.iter().map(|key| uae::pay(world, &palm, &tokens.access, key, &order));
    let answers = join_all(sending).await;
    let mut payments = std::collections::BTreeSet::new();
    for answer in &answers {
        let told = uae::message(&palm, answer).await;
        match answer.status.as_u16() {
            201 => drop(payments.insert(told["Data"]["PaymentId"].as_str().unwrap().to_owned())),
            409 if distinct == 1 => assert_eq!(told["Errors"][0]["Code"], json!("GenericRecoverableError")),
            400 if distinct > 1 => {}
            _ => panic!("{} {told}", answer.status),
        }
    }
    assert_eq!(payments.len(), 1, "{payments:?}");
    let id = payments.pop_first().unwrap();
    let end = uae::settled(world, &palm, &tokens.access, &id).await;
    assert_eq!(end["Data"]["PaymentStatus"], json!("AcceptedCreditSettlementCompleted"));
}

/// All at once in one task: each is polled until all are done.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut all = true;
        for (future, done) in &mut running {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(output) => *done = Some(output),
                    std::task::Poll::Pending => all = false,
                }
            }
        }
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, done)| done).collect()
}

/// UAE bank service initiation, section 8.2.
async fn one_idempotency_key_sent_sixteen_times_at_once_pays_once(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    orders(world, vec![host::uuid(); 16]).await;
}

/// Section 8.1: steps 8 to 11 are one step.
async fn sixteen_orders_under_a_consent_for_one_payment_pay_once(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    orders(world, (0..16).map(|_| host::uuid()).collect()).await;
}
