//! Section 7.1: the life of a consent.

use oauth_core::Seconds;
use rar_consent::{Actor, ConsentStatus, ConsentStore as _};

use super::*;

const SHARED: &[Permission] = &[Permission::PeraBasicInfo, Permission::PeraBalance];

/// What the consent of [`World::consent`] looks like as a request.
fn terms(permissions: &[&str], end: &str) -> Value {
    json!({"data": {"data_holder_id": "bayan-trust", "permissions": permissions,
        "sharing_duration": {"start_date": "2026-11-21T07:59:00Z", "end_date": end}, "purpose": "tests"}})
}

const BOTH: &[&str] = &["PERA_BASIC_INFO", "PERA_BALANCE"];
const END: &str = "2027-09-17T08:00:00Z";

fn put(id: &str, body: &Value) -> Ask {
    Ask::new("PUT", &format!("/common/consent/{id}")).token(&own_claims("consent")).json(body)
}

fn with_status(mut body: Value, status: &str) -> Value {
    body["data"]["status"] = json!(status);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn section_7_1_narrowing_acts_on_live_tokens_at_the_next_request() {
    for world in crate::fixture::everywhere().await {
        world.consent("c-1", SHARED, None).await;
        let token = claims("c-1", "accounts.basic accounts.details");
        let accounts = || Ask::get("/banking/accounts").token(&token);
        assert!(world.call(accounts()).await.body["data"][0].get("balance").is_some(), "{}", world.name);
        let narrowed = world.call(put("c-1", &terms(&["PERA_BASIC_INFO"], "2026-12-01T00:00:00Z"))).await;
        assert_eq!(narrowed.status, 200, "{}: {}", world.name, narrowed.body);
        assert_eq!(narrowed.body["data"]["permissions"], json!(["PERA_BASIC_INFO"]));
        assert_eq!(narrowed.body["data"]["sharing_duration"]["end_date"], "2026-12-01T00:00:00Z");
        assert!(world.call(accounts()).await.body["data"][0].get("balance").is_none());
        let back = world.call(put("c-1", &terms(BOTH, "2026-12-01T00:00:00Z"))).await;
        assert_eq!((back.status, back.code()), (422, "CONSENT_WIDENING_NOT_ALLOWED"));
    }
}

#[tokio::test]
async fn section_7_1_widening_in_whatever_member_is_refused_and_nothing_changes() {
    let world = file().await;
    let limited = &[Permission::PeraBasicInfo, Permission::PaymentInitiate];
    world.consent("c-1", limited, Some((100_00, 500_00))).await;
    let before = world.call(Ask::get("/common/consent/c-1").token(&own_claims("consent"))).await;
    let limits = |individual: &str, total: &str| {
        json!({"max_individual_amount": {"amount": individual, "currency": "PHP"},
            "max_total_amount": {"amount": total, "currency": "PHP"}})
    };
    let base = || {
        let mut body = terms(&["PERA_BASIC_INFO", "PAYMENT_INITIATE"], END);
        body["data"]["payment_limits"] = limits("100.00", "500.00");
        body
    };
    let with = |pointer: &str, value: Value| {
        let mut body = base();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let mut without_limits = base();
    without_limits["data"].as_object_mut().unwrap().remove("payment_limits");
    for body in [
        with("/data/permissions", json!(["PERA_BASIC_INFO", "PERA_BALANCE", "PAYMENT_INITIATE"])),
        with("/data/sharing_duration/end_date", json!("2027-09-17T08:00:01Z")),
        with("/data/sharing_duration/start_date", json!("2026-11-21T08:00:00Z")),
        with("/data/purpose", json!("another purpose")),
        with("/data/payment_limits", limits("100.01", "500.00")),
        with("/data/payment_limits", limits("100.00", "500.01")),
        without_limits,
    ] {
        let answer = world.call(put("c-1", &body)).await;
        assert_eq!((answer.status, answer.code()), (422, "CONSENT_WIDENING_NOT_ALLOWED"), "{body}");
    }
    let holder = world.call(put("c-1", &with("/data/data_holder_id", json!("another")))).await;
    assert_eq!((holder.status, holder.code()), (400, "INVALID_FIELD"));
    let past =
        world.call(put("c-1", &with("/data/sharing_duration/end_date", json!("2026-11-21T08:00:00Z")))).await;
    assert_eq!((past.status, past.code()), (422, "INVALID_PERIOD"));
    let after = world.call(Ask::get("/common/consent/c-1").token(&own_claims("consent"))).await;
    assert_eq!(after.body, before.body);
    let same = world.call(put("c-1", &base())).await;
    assert_eq!(
        (same.status, same.header("etag")),
        (200, before.header("etag")),
        "what is so already changes nothing"
    );
}

#[tokio::test]
async fn section_7_1_if_match_takes_the_revision_that_was_read_and_no_other() {
    let world = file().await;
    world.consent("c-1", SHARED, None).await;
    let read = || Ask::get("/common/consent/c-1").token(&own_claims("consent"));
    let first = world.call(read()).await.header("etag").to_owned();
    let narrower = terms(&["PERA_BASIC_INFO"], END);
    for (tag, status) in [("\"99\"", 412), (&*format!("W/{first}"), 412), ("nonsense", 400)] {
        let answer = world.call(put("c-1", &narrower).header("if-match", tag)).await;
        assert_eq!(answer.status, status, "{tag}: {}", answer.body);
    }
    let done = world.call(put("c-1", &narrower).header("if-match", &format!("\"99\", {first}"))).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let now_tag = world.call(read()).await.header("etag").to_owned();
    assert_eq!(done.header("etag"), now_tag, "the answer has the tag that is read afterwards");
    assert_ne!(now_tag, first);
    let stale = world
        .call(put("c-1", &terms(&["PERA_BASIC_INFO"], "2026-12-01T00:00:00Z")).header("if-match", &first))
        .await;
    assert_eq!((stale.status, stale.code()), (412, "PRECONDITION_FAILED"));
    let any = world.call(put("c-1", &narrower).header("if-match", "*")).await;
    assert_eq!(any.status, 200);
}

#[tokio::test]
async fn section_4_3_who_suspended_resumes_and_nobody_else() {
    let world = file().await;
    world.consent("c-1", SHARED, None).await;
    let accounts = || Ask::get("/banking/accounts").token(&claims("c-1", "accounts.basic"));
    let held = world.call(put("c-1", &with_status(terms(BOTH, END), "suspended"))).await;
    assert_eq!(held.body["data"]["status"], "suspended", "{}", held.body);
    let refused = world.call(accounts()).await;
    assert_eq!((refused.status, refused.code()), (403, "CONSENT_SUSPENDED"));
    let narrowed = world.call(put("c-1", &terms(&["PERA_BASIC_INFO"], END))).await;
    assert_eq!(narrowed.body["data"]["status"], "suspended", "narrowing does not resume");
    let back = world.call(put("c-1", &with_status(terms(&["PERA_BASIC_INFO"], END), "active"))).await;
    assert_eq!(back.body["data"]["status"], "active");
    assert_eq!(world.call(accounts()).await.status, 200);
    let consent = world.consents.consent(&oauth_core::ConsentId::new("c-1").unwrap()).await.unwrap().unwrap();
    let bank = Actor::Operator("desk".into());
    let (moved, entry) = consent.moved(ConsentStatus::Suspended, &bank, "test", now()).unwrap();
    world.consents.replace(&moved, &entry).await.unwrap();
    let other = world.call(put("c-1", &with_status(terms(&["PERA_BASIC_INFO"], END), "active"))).await;
    assert_eq!((other.status, other.code()), (403, "CONSENT_SUSPENDED"), "the bank suspended it");
}

#[tokio::test]
async fn section_7_1_a_pending_consent_changes_freely_until_the_customer_may_have_seen_it() {
    let world = file().await;
    let mut asked = terms(BOTH, "2027-11-21T08:00:00Z");
    asked["data"]["sharing_duration"]["start_date"] = json!("2026-11-21T08:00:00Z");
    let create = Ask::new("POST", "/common/consent").token(&own_claims("consent")).json(&asked);
    let made = world.call(create).await;
    let id = made.body["data"]["id"].as_str().unwrap().to_owned();
    let mut other = asked.clone();
    other["data"]["permissions"] = json!(["PERA_BASIC_INFO", "PERA_TRANSACTIONS"]);
    other["data"]["purpose"] = json!("another purpose");
    let changed = world.call(put(&id, &other)).await;
    assert_eq!(
        (changed.status, &changed.body["data"]["purpose"]),
        (200, &json!("another purpose")),
        "{}",
        changed.body
    );
    for status in ["active", "suspended"] {
        let early = world.call(put(&id, &with_status(other.clone(), status))).await;
        assert_eq!(
            (early.status, early.code()),
            (409, "CONSENT_STATE_CONFLICT"),
            "a client does not approve"
        );
    }
    let stored = oauth_core::ConsentId::new(&id).unwrap();
    let mut consent = world.consents.consent(&stored).await.unwrap().unwrap();
    consent.asked_at = Some(now());
    let entry = world.consents.history(&stored).await.unwrap().remove(0);
    world.consents.replace(&consent, &entry).await.unwrap();
    let late = world.call(put(&id, &asked)).await;
    assert_eq!((late.status, late.code()), (409, "CONSENT_STATE_CONFLICT"));
}

#[tokio::test]
async fn section_7_1_an_ended_consent_and_a_foreign_one_cannot_be_changed() {
    let world = file().await;
    world.consent("c-1", SHARED, None).await;
    world.consent("c-2", SHARED, None).await;
    world.move_consent("c-2", ConsentStatus::Revoked).await;
    let over = world.call(put("c-2", &terms(BOTH, END))).await;
    assert_eq!((over.status, over.code()), (409, "CONSENT_STATE_CONFLICT"));
    let other = oauth_core::AccessClaims {
        client_id: oauth_core::ClientId::new("other").unwrap(),
        sub: "other".into(),
        ..own_claims("consent")
    };
    for (id, token) in [("c-1", &other), ("nobody", &own_claims("consent"))] {
        let ask = Ask::new("PUT", &format!("/common/consent/{id}")).token(token).json(&terms(BOTH, END));
        let foreign = world.call(ask).await;
        assert_eq!((foreign.status, foreign.code()), (404, "CONSENT_NOT_FOUND"), "{id}");
    }
    let customer =
        Ask::new("PUT", "/common/consent/c-1").token(&claims("c-1", "consent:c-1")).json(&terms(BOTH, END));
    assert_eq!(world.call(customer).await.code(), "INSUFFICIENT_SCOPE", "a customer's token changes nothing");
}

#[tokio::test]
async fn section_9_6_revoking_is_repeatable_and_keeps_the_first_moment() {
    let world = file().await;
    world.consent("c-1", SHARED, None).await;
    let revoke = || Ask::new("DELETE", "/common/consent/c-1?reason=done").token(&own_claims("consent"));
    let first = world.call(revoke()).await;
    assert_eq!((first.status, &first.body["data"]["status"]), (200, &json!("revoked")), "{}", first.body);
    assert_eq!(first.body["data"]["revocation_info"]["reason"], "done");
    world.clock.advance(Seconds::new(60));
    let again = world.call(revoke()).await;
    assert_eq!((again.status, &again.body["data"]), (200, &first.body["data"]));
    assert_eq!(again.header("etag"), first.header("etag"));
    let token = world.call(Ask::get("/banking/accounts").token(&claims("c-1", "accounts.basic"))).await;
    assert_eq!((token.status, token.code()), (401, "INVALID_TOKEN"));
}
