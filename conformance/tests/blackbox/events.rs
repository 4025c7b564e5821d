//! Events of UAE bank service initiation (section 11.2) on their way to a third party's own server.

use std::collections::HashMap;
use std::time::Duration;

use conformance::bank::{Controls, Place, Settings};
use conformance::host;
use conformance::tpp::flow::{Ask, Tokens};
use conformance::tpp::mutate::HONEST;
use conformance::user::Decision;
use serde_json::json;

use crate::support::World;
use crate::support::ear::{Ear, Heard, consent_id, subscribed};
use crate::support::uae::{self, ACCOUNT, AMOUNT};

/// What the third party of a single payment is told, in this order.
const STORY: [&str; 6] = [
    "Resource.Updated payment-consents Authorized",
    "Resource.Created payments Pending",
    "Resource.Updated payments AcceptedSettlementCompleted",
    "Resource.Updated payment-consents Finished",
    "Resource.Updated payments AcceptedWithoutPosting",
    "Resource.Updated payments AcceptedCreditSettlementCompleted",
];

async fn world() -> World {
    World::start(Settings { controls: Controls::Present, ..Settings::default() }).await
}

/// A consent, approved and paid under; its identifier and the payment's address.
async fn pay(world: &World, ear: &Ear) -> (String, String) {
    let (id, palm) = (consent_id(), world.palm());
    let details = subscribed(uae::details(&id, AMOUNT), &ear.url);
    let ask = Ask::new("openid payments").with_details(&json!([details]));
    let request_uri = world.push(&palm, &ask).await;
    let returned = world.decide(&palm, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let code = palm.code(&ask, &returned).await.unwrap();
    let tokens = Tokens::read(&palm.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let paid = uae::pay(world, &palm, &tokens.access, &host::uuid(), &uae::order(&id, AMOUNT)).await;
    assert_eq!(paid.status, 201, "{}", paid.text());
    (id, paid.header("location").unwrap().to_owned())
}

fn is_told_whole(heard: &[Heard], consent: &str) -> bool {
    heard.iter().any(|one| one.consent == consent && one.what == STORY[5])
}

#[tokio::test(flavor = "multi_thread")]
async fn section_11_2_a_third_party_is_told_every_step_once_and_in_order() {
    let world = world().await;
    let ear = Ear::open(&world, Duration::ZERO).await;
    let (consent, payment) = pay(&world, &ear).await;
    let heard = ear.until(&world, &world.palm(), |heard| is_told_whole(heard, &consent)).await;
    assert_eq!(heard.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), STORY);
    assert_eq!(heard[1].message["Meta"]["EventResource"], json!(payment), "where the client finds it");
    for attempt in ear.attempts() {
        assert_eq!((attempt.media.as_str(), attempt.interaction.len()), ("application/jwt", 36));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_11_2_what_is_not_acknowledged_comes_again_under_its_name_and_the_rest_waits_for_it() {
    let world = world().await;
    let ear = Ear::open(&world, Duration::ZERO).await;
    ear.fail(1);
    let (consent, _) = pay(&world, &ear).await;
    let heard = ear.until(&world, &world.palm(), |heard| is_told_whole(heard, &consent)).await;
    assert_eq!(heard.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), STORY);
    let attempts = ear.attempts();
    assert_eq!((attempts.len(), attempts[0].acknowledged), (7, false));
    assert_ne!(attempts[0].token, attempts[1].token, "a token for each attempt");
}

/// Redirects and other answers are in the tests of the worker; that a private address is not called is shown here, where
/// the bank is started as in production.
#[tokio::test(flavor = "multi_thread")]
async fn section_11_1_without_test_controls_no_address_of_this_machine_is_called() {
    let world = World::start(Settings::default()).await;
    let ear = Ear::open(&world, Duration::ZERO).await;
    pay(&world, &ear).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(ear.attempts().is_empty());
}

/// `kill -9` while events are being sent, five times. What was sent and not acknowledged in time comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn section_11_2_no_event_is_lost_and_none_overtakes_another_when_the_bank_is_killed() {
    let mut world = world().await;
    let ear = Ear::open(&world, Duration::from_millis(80)).await;
    let mut consents = Vec::new();
    for round in 0..5_u64 {
        for _ in 0..2 {
            consents.push(pay(&world, &ear).await.0);
        }
        tokio::time::sleep(Duration::from_millis(70 * round)).await;
        let place: Place = world.bank.kill().await.unwrap();
        world = World::around(place.start().await.unwrap()).await;
    }
    let all = |heard: &[Heard]| consents.iter().all(|consent| is_told_whole(heard, consent));
    let heard = ear.until(&world, &world.palm(), all).await;
    let mut stories: HashMap<&str, Vec<(&str, &str)>> = HashMap::new();
    for one in &heard {
        let story = stories.entry(&one.consent).or_default();
        // the same event again, before anything else of its consent
        if story.last().is_none_or(|(id, _)| *id != one.id) {
            story.push((&one.id, &one.what));
        }
    }
    for consent in &consents {
        let told: Vec<&str> = stories[consent.as_str()].iter().map(|(_, what)| *what).collect();
        assert_eq!(told, STORY, "{consent}");
    }
}
