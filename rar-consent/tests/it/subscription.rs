//! Where events go: part of the consent, not of its terms (UAE bank service initiation section 11.1).

use std::sync::Arc;

use oauth_core::Seconds;
use oauth_core::store::database::Statement;
use oauth_core::testkit::FixedClock;
use rar_consent::{
    Actor, Changed, Consent, ConsentEngine, ConsentStatus, ConsentStore as _, DetailRegistry, MemoryConsents,
    SqlConsents, Subscription, describe,
};
use serde_json::json;

use crate::fixture::{NOW, Push, client, element, request, uae_consent};
use crate::stores::{postgres, sqlite};

fn to(url: &str, active: bool) -> Subscription {
    Subscription { url: url.to_owned(), active }
}

#[tokio::test]
async fn a_lodged_consent_has_the_subscription_of_its_request() {
    let clock = Arc::new(FixedClock::at(NOW));
    let engine = ConsentEngine::new(DetailRegistry::standard(), Arc::new(MemoryConsents::new()), clock);
    let mut element = element();
    element["Subscription"] = json!({"Webhook": {"Url": "https://tpp.example/hooks", "IsActive": true}});
    let request = request(Push::of(element).taken());
    engine.lodge(&request, NOW).await.unwrap();
    let consent = engine.consent(request.details.consent.as_ref().unwrap(), NOW).await.unwrap().unwrap();
    assert_eq!(consent.subscription, Some(to("https://tpp.example/hooks", true)));
    let shown: Vec<String> =
        describe(&consent).sections.into_iter().flat_map(|s| s.rows).map(|row| row.value).collect();
    assert!(shown.contains(&"https://tpp.example/hooks".to_owned()), "{shown:?}");
}

#[test]
fn a_subscription_changes_in_every_status_and_nothing_else_does() {
    let waiting = uae_consent().0;
    for status in ConsentStatus::ALL {
        let consent = Consent { status, ..waiting.clone() };
        let later = NOW.plus(Seconds::days(900));
        let wanted = to("https://tpp.example/h", false);
        let (changed, entry) = consent.subscribed(wanted.clone(), &Actor::Tpp(client().id), later);
        assert_eq!(changed, Consent { subscription: Some(wanted), ..consent });
        assert_eq!((entry.from, entry.to, entry.what), (Some(status), status, Changed::Subscription));
    }
}

#[test]
fn events_go_to_https_on_a_host_of_the_client() {
    for (url, fits) in [
        ("https://tpp.example/h", true),
        ("https://TPP.example/h?x=1", true),
        ("http://tpp.example/h", false),
        ("https://tpp.example:9/h", true),
        ("https://tpp.example@evil.example/", false),
        ("https://evil.example/h", false),
        ("", false),
    ] {
        assert_eq!(to(url, true).is_at_home(&client()), fits, "{url}");
    }
    let long = format!("https://tpp.example/{}", "a".repeat(2048 - 20));
    assert!(to(&long, true).is_at_home(&client()));
    assert!(!to(&format!("{long}a"), true).is_at_home(&client()));
}

/// A consent in the words of the first version of its terms.
fn as_first_kept(consent: &Consent) -> serde_json::Value {
    let mut kept = serde_json::to_value(consent).unwrap();
    let mut terms = kept["terms"]["uae_payment_2"].take();
    terms["schedule"] = json!({"SingleInstant": terms["schedule"]["single"]["instant"]});
    kept["terms"] = json!({"uae_payment_1": terms});
    kept
}

#[test]
fn a_consent_kept_by_an_earlier_version_has_its_subscription() {
    let waiting = uae_consent().0;
    let mut kept = as_first_kept(&waiting);
    assert_eq!(Consent::from_kept(&kept.to_string()).unwrap(), waiting);
    kept["terms"]["uae_payment_1"]["webhook"] = json!({"url": "https://tpp.example/h", "active": true});
    let read = Consent::from_kept(&kept.to_string()).unwrap();
    assert_eq!(read, Consent { subscription: Some(to("https://tpp.example/h", true)), ..waiting.clone() });
    kept["terms"]["uae_payment_1"]["webhook"] = json!(null);
    assert_eq!(Consent::from_kept(&kept.to_string()).unwrap(), waiting);
    kept["terms"]["uae_payment_1"]["stray"] = json!(null);
    assert!(Consent::from_kept(&kept.to_string()).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_an_earlier_version_is_read_and_kept_in_the_new_form() {
    let mut places = vec![sqlite().await];
    places.extend(postgres().await);
    for database in places {
        let store = SqlConsents::new(database.clone());
        let (waiting, entry) = uae_consent();
        store.insert(&waiting, &entry).await.unwrap();
        let mut kept = as_first_kept(&waiting);
        kept["terms"]["uae_payment_1"]["webhook"] = json!({"url": "https://tpp.example/h", "active": true});
        let old = Statement::new("UPDATE consent SET body = $1").text(kept.to_string());
        database.write(old).await.unwrap();
        let read = store.consent(&waiting.id).await.unwrap().unwrap();
        assert_eq!(read.subscription, Some(to("https://tpp.example/h", true)));
        let (changed, note) =
            read.subscribed(to("https://tpp.example/h", false), &Actor::Tpp(client().id), NOW);
        store.replace(&changed, &note).await.unwrap();
        let body = database.read(Statement::new("SELECT body FROM consent")).await.unwrap();
        assert!(!body[0].text(0_usize).unwrap().contains("webhook"));
        assert_eq!(store.consent(&read.id).await.unwrap().unwrap().subscription, changed.subscription);
        assert_eq!(store.history(&read.id).await.unwrap()[1].what, Changed::Subscription);
    }
}
