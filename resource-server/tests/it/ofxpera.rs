//! OFxPERA from the outside, section by section.

use oauth_core::Seconds;
use rar_consent::{ConsentStatus, Permission};
use serde_json::{Value, json};

use super::fixture::{Abandoned, Answered, Ask, World, claims, everywhere, file, now, own_claims};

const KEY: &str = "6a3f6f2e-0000-4000-8000-0000000000aa";

fn order(amount: &str) -> Value {
    json!({"data": {
        "sourceAccountId": "sa-1", "peraAccountId": "pa-1",
        "amount": {"amount": amount, "currency": "PHP"}, "reference": "CTR-2026-11"}})
}

fn post(body: &Value, key: &str) -> Ask {
    Ask::new("POST", "/banking/payments")
        .token(&claims("c-1", "payments"))
        .header("x-idempotency-key", key)
        .json(body)
}

async fn pay(world: &World, body: &Value, key: &str) -> Answered {
    world.call(post(body, key)).await
}

fn key(number: u32) -> String {
    format!("6a3f6f2e-0000-4000-8000-{number:012}")
}

async fn with_payments(limits: Option<(i64, i64)>) -> World {
    let world = file().await;
    world.consent("c-1", &[Permission::PaymentInitiate], limits).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn section_8_6_a_contribution_is_received_and_completed_by_the_next_read() {
    for world in everywhere().await {
        world
            .consent(
                "c-1",
                &[Permission::PaymentInitiate, Permission::PeraBasicInfo, Permission::PeraTransactions],
                None,
            )
            .await;
        let made = pay(&world, &order("10000.00"), KEY).await;
        assert_eq!(made.status, 201, "{}: {}", world.name, made.body);
        let data = &made.body["data"];
        assert_eq!(data["status"], "RECEIVED");
        assert_eq!(data["contributionYear"], 2026);
        assert_eq!(data["amount"], json!({"amount": "10000.00", "currency": "PHP"}));
        assert_eq!(made.header("location"), made.body["links"]["self"].as_str().unwrap());
        let id = data["paymentId"].as_str().unwrap();
        let path = format!("/banking/payments/{id}");
        let read = world.call(Ask::get(&path).token(&claims("c-1", "payments"))).await;
        assert_eq!(read.body["data"]["status"], "COMPLETED", "{}", world.name);
        let own = world.call(Ask::get(&path).token(&own_claims("payments"))).await;
        assert_eq!(own.status, 200, "the client that made it reads it too");
        let statement =
            Ask::get("/banking/accounts/pa-1/transactions").token(&claims("c-1", "accounts.details"));
        let statement = world.call(statement).await;
        assert_eq!(statement.body["data"][0]["type"], "CONTRIBUTION", "{}", statement.body);
        assert_eq!(statement.body["data"][0]["amount"], "10000.00");
        assert_eq!(statement.body["meta"]["total-records"], 2);
        world.check_books().await;
    }
}

#[tokio::test]
async fn section_3_4_a_repeat_is_answered_alike_whatever_became_of_consent_and_limits() {
    let world = with_payments(Some((100_00, 100_00))).await;
    let first = pay(&world, &order("100.00"), KEY).await;
    assert_eq!(first.status, 201);
    let reordered = json!({"data": {"reference": "CTR-2026-11", "amount": {"currency": "PHP", "amount": "100.00"},
        "peraAccountId": "pa-1", "sourceAccountId": "sa-1"}});
    let id = first.body["data"]["paymentId"].as_str().unwrap();
    world.call(Ask::get(&format!("/banking/payments/{id}")).token(&claims("c-1", "payments"))).await;
    world.move_consent("c-1", ConsentStatus::Suspended).await;
    let before = world.size().await;
    let again = pay(&world, &reordered, KEY).await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    let other = pay(&world, &order("99.00"), KEY).await;
    assert_eq!((other.status, other.code()), (409, "IDEMPOTENCY_CONFLICT"));
    let fresh = pay(&world, &order("1.00"), &key(2)).await;
    assert_eq!((fresh.status, fresh.code()), (403, "CONSENT_SUSPENDED"));
    assert_eq!(world.size().await, before);
}

/// T-RS-01, T-PY-06: the caller disconnects at one await after another, until none is left. How many there are depends on how
/// fast the book answers, so it is done several times.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_caller_goes_away_at_any_moment_is_whole_or_not_there() {
    for world in everywhere().await {
        world.consent("c-1", &[Permission::PaymentInitiate], None).await;
        let (mut made, mut left, mut looks) = (0, 0, 1);
        while left < 8 {
            let (ordered, key) = (order("1.00"), key(made));
            let call = Box::pin(pay(&world, &ordered, &key));
            let answered = Abandoned { call, looks }.await;
            let again = pay(&world, &ordered, &key).await;
            let at = format!("{}, look {looks}", world.name);
            assert_eq!(again.status, 201, "{at}: {}", again.body);
            made += 1;
            assert_eq!(world.number("SELECT count(*) FROM payment").await, i64::from(made), "{at}");
            assert_eq!(world.number("SELECT count(*) FROM idempotency").await, i64::from(made), "{at}");
            world.check_books().await;
            match answered {
                Some(answered) => {
                    assert_eq!((answered.status, &answered.body), (201, &again.body), "{at}");
                    assert!(looks > 1, "{at}: answered without a moment to leave at");
                    looks = 1;
                }
                None => (left, looks) = (left + 1, looks + 1),
            }
        }
    }
}

#[tokio::test]
async fn section_3_4_a_refused_request_does_not_burn_its_key() {
    let world = with_payments(Some((100_00, 500_00))).await;
    let refused = pay(&world, &order("100.01"), KEY).await;
    assert_eq!((refused.status, refused.code()), (422, "CONSENT_LIMIT_EXCEEDED"));
    assert_eq!(pay(&world, &order("100.00"), KEY).await.status, 201);
}

#[tokio::test]
async fn section_3_1_a_missing_malformed_or_repeated_key_creates_nothing() {
    let world = with_payments(None).await;
    let before = world.size().await;
    let without = world.call(post(&order("1.00"), KEY).without("x-idempotency-key")).await;
    assert_eq!((without.status, without.code()), (400, "MISSING_HEADER"));
    assert_eq!(without.body["errors"][0]["path"], "x-idempotency-key");
    for bad in ["", "x", "6a3f6f2e-0000-4000-8000-0000000000a", &"a".repeat(10_000)] {
        let answer = pay(&world, &order("1.00"), bad).await;
        assert_eq!((answer.status, answer.code()), (400, "INVALID_HEADER"), "{bad}");
    }
    let twice = world.call(post(&order("1.00"), KEY).header("x-idempotency-key", KEY)).await;
    assert_eq!((twice.status, twice.code()), (400, "INVALID_HEADER"));
    assert_eq!(world.size().await, before);
}

#[tokio::test]
async fn section_8_6_what_is_wrong_with_an_order_is_told_and_nothing_changes() {
    let world = with_payments(None).await;
    let before = world.size().await;
    let with = |path: &str, value: Value| {
        let mut body = order("10.00");
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let and = |name: &str, value: Value| {
        let mut body = order("10.00");
        body["data"][name] = value;
        body
    };
    let rows = [
        (json!({}), 400, "MISSING_FIELD"),
        (json!([]), 400, "INVALID_FIELD"),
        (json!({"data": {}}), 400, "MISSING_FIELD"),
        (with("/data/amount/amount", json!("0.00")), 400, "INVALID_FIELD"),
        (with("/data/amount/amount", json!(10)), 400, "INVALID_FIELD"),
        (with("/data/amount/amount", json!("1e3")), 400, "INVALID_FIELD"),
        (with("/data/amount/currency", json!("USD")), 400, "INVALID_FIELD"),
        (with("/data/reference", json!("caf\u{e9}")), 400, "INVALID_FIELD"),
        (and("contributorType", json!("Overseas Filipino")), 400, "INVALID_FIELD"),
        (and("status", json!("COMPLETED")), 400, "INVALID_FIELD"),
        (and("rail", json!("SWIFT")), 400, "INVALID_FIELD"),
        (and("requestedExecutionDate", json!("2026-02-30")), 400, "INVALID_FIELD"),
        (with("/data/peraAccountId", json!("pa-b")), 404, "ACCOUNT_NOT_FOUND"),
        (with("/data/peraAccountId", json!("sa-2")), 404, "ACCOUNT_NOT_FOUND"),
        (with("/data/peraAccountId", json!("nobody")), 404, "ACCOUNT_NOT_FOUND"),
        (with("/data/sourceAccountId", json!("sa-2")), 422, "SOURCE_ACCOUNT_UNUSABLE"),
        (with("/data/sourceAccountId", json!("sa-b")), 422, "SOURCE_ACCOUNT_UNUSABLE"),
        (and("requestedExecutionDate", json!("2026-11-20")), 422, "INVALID_EXECUTION_DATE"),
        (and("requestedExecutionDate", json!("2027-02-20")), 422, "INVALID_EXECUTION_DATE"),
        (with("/data/amount/amount", json!("200000.01")), 422, "CONTRIBUTION_LIMIT_EXCEEDED"),
    ];
    for (body, status, code) in rows {
        let answer = pay(&world, &body, KEY).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body} -> {}", answer.body);
    }
    let mut instapay = order("50000.01");
    instapay["data"]["rail"] = json!("INSTAPAY");
    assert_eq!(pay(&world, &instapay, KEY).await.code(), "RAIL_LIMIT_EXCEEDED");
    let mut twice = post(&order("1.00"), KEY);
    twice.body = br#"{"data": {}, "data": {}}"#.to_vec();
    assert_eq!(world.call(twice).await.code(), "INVALID_REQUEST");
    assert_eq!(world.size().await, before);
}

#[tokio::test]
async fn section_8_6_the_year_is_counted_in_manila_and_a_cancelled_contribution_is_given_back() {
    let world = with_payments(None).await;
    let mut later = order("200000.00");
    later["data"]["requestedExecutionDate"] = json!("2026-12-31");
    let first = pay(&world, &later, &key(1)).await;
    assert_eq!(first.status, 201, "{}", first.body);
    assert_eq!(pay(&world, &order("0.01"), &key(2)).await.code(), "CONTRIBUTION_LIMIT_EXCEEDED");
    let mut next_year = order("200000.00");
    next_year["data"]["requestedExecutionDate"] = json!("2027-01-01");
    assert_eq!(pay(&world, &next_year, &key(3)).await.body["data"]["contributionYear"], 2027);
    let path = format!("/banking/payments/{}", first.body["data"]["paymentId"].as_str().unwrap());
    let cancel = || Ask::new("DELETE", &path).token(&claims("c-1", "payments"));
    let cancelled = world.call(cancel()).await;
    assert_eq!((cancelled.status, &cancelled.body["data"]["status"]), (200, &json!("CANCELLED")));
    let again = world.call(cancel()).await;
    assert_eq!((again.status, &again.body), (200, &cancelled.body), "cancelling is repeatable");
    let freed = pay(&world, &order("0.01"), &key(4)).await;
    assert_eq!(freed.status, 201, "{}", freed.body);
    world.check_books().await;
}

#[tokio::test]
async fn section_8_6_a_completed_contribution_cannot_be_cancelled() {
    let world = with_payments(None).await;
    let made = pay(&world, &order("1.00"), KEY).await;
    let path = format!("/banking/payments/{}", made.body["data"]["paymentId"].as_str().unwrap());
    world.call(Ask::get(&path).token(&claims("c-1", "payments"))).await;
    let answer = world.call(Ask::new("DELETE", &path).token(&claims("c-1", "payments"))).await;
    assert_eq!((answer.status, answer.code()), (409, "PAYMENT_NOT_CANCELLABLE"));
}

#[tokio::test]
async fn foreign_payments_look_like_unknown_ones() {
    let world = with_payments(None).await;
    world.consent("c-2", &[Permission::PaymentInitiate], None).await;
    let made = pay(&world, &order("1.00"), KEY).await;
    let path = format!("/banking/payments/{}", made.body["data"]["paymentId"].as_str().unwrap());
    let foreign = oauth_core::ClientId::new("other").unwrap();
    let other_client = oauth_core::AccessClaims { client_id: foreign, ..own_claims("payments") };
    let unknown = world
        .call(
            Ask::get("/banking/payments/00000000-0000-4000-8000-000000000000").token(&own_claims("payments")),
        )
        .await;
    for (method, token) in
        [("GET", claims("c-2", "payments")), ("GET", other_client.clone()), ("DELETE", other_client.clone())]
    {
        let answer = world.call(Ask::new(method, &path).token(&token)).await;
        assert_eq!((answer.status, &answer.body), (404, &unknown.body), "{method}");
    }
    let list = world.call(Ask::get("/banking/payments").token(&other_client)).await;
    assert_eq!((list.status, &list.body["data"]), (200, &json!([])));
    let list = world
        .call(Ask::get("/banking/payments?status=RECEIVED&page-size=1").token(&claims("c-1", "payments")))
        .await;
    assert_eq!(list.body["meta"], json!({"total-records": 1, "total-pages": 1}));
}

#[tokio::test]
async fn section_8_4_only_selected_accounts_are_seen_and_the_balance_needs_scope_and_permission() {
    let world = file().await;
    world.consent("c-1", &[Permission::PeraBasicInfo, Permission::PeraBalance], None).await;
    world.consent("c-2", &[Permission::PeraBasicInfo], None).await;
    let list = |consent, scope| world.call(Ask::get("/banking/accounts").token(&claims(consent, scope)));
    let seen = list("c-1", "accounts.basic accounts.details").await;
    assert_eq!(seen.body["data"].as_array().unwrap().len(), 1, "{}", seen.body);
    assert_eq!(seen.body["data"][0]["id"], "pa-1");
    assert_eq!(seen.body["data"][0]["balance"]["current_value"], "50000.00");
    assert!(list("c-1", "accounts.basic").await.body["data"][0].get("balance").is_none());
    assert!(list("c-2", "accounts.basic accounts.details").await.body["data"][0].get("balance").is_none());
    for id in ["pa-2", "pa-b", "sa-1", "nobody", "%2e%2e"] {
        for path in ["accounts", "account"] {
            let answer = world
                .call(Ask::get(&format!("/banking/{path}/{id}")).token(&claims("c-1", "accounts.basic")))
                .await;
            assert_eq!((answer.status, answer.code()), (404, "ACCOUNT_NOT_FOUND"), "{path} {id}");
        }
    }
    let alias = world.call(Ask::get("/banking/account/pa-1").token(&claims("c-1", "accounts.basic"))).await;
    assert_eq!(alias.body["links"]["self"], "https://rs.example/OFPH/v1/banking/accounts/pa-1");
}

#[tokio::test]
async fn another_customers_account_stays_out_of_reach_even_if_a_consent_names_it() {
    let world = file().await;
    world.consent("c-1", &[Permission::PeraBasicInfo, Permission::PaymentInitiate], None).await;
    world.add_accounts("c-1", &["pa-b", "sa-b"]).await;
    let one = Ask::get("/banking/accounts/pa-b").token(&claims("c-1", "accounts.basic"));
    assert_eq!(world.call(one).await.code(), "ACCOUNT_NOT_FOUND");
    let list = world.call(Ask::get("/banking/accounts").token(&claims("c-1", "accounts.basic"))).await;
    assert_eq!(list.body["meta"]["total-records"], 1);
    let mut from_bob = order("1.00");
    from_bob["data"]["sourceAccountId"] = json!("sa-b");
    assert_eq!(pay(&world, &from_bob, KEY).await.code(), "SOURCE_ACCOUNT_UNUSABLE");
    assert_eq!(world.balance("sa-b").await, 1_000_00);
}

#[tokio::test]
async fn section_3_2_pages_have_links_and_a_page_past_the_end_is_422() {
    let world = file().await;
    world.consent("c-1", &[Permission::PeraBasicInfo, Permission::PeraTransactions], None).await;
    for _ in 0..4 {
        world.deposit("pa-1", 1_00).await;
    }
    let list = |query: &str| {
        let path = format!("/banking/account/pa-1/transactions?{query}");
        world.call(Ask::get(&path).token(&claims("c-1", "accounts.details")))
    };
    let page = list("page=2&page-size=2&max-amount=1000000.00").await;
    assert_eq!(page.body["meta"], json!({"total-records": 5, "total-pages": 3}), "{}", page.body);
    let next = page.body["links"]["next"].as_str().unwrap();
    assert!(next.ends_with("?max-amount=1000000.00&page=3&page-size=2"), "{next}");
    assert_eq!(list("min-amount=1.01").await.body["meta"]["total-records"], 1);
    for beyond in ["page=4&page-size=2", "page=99999999999999999999"] {
        let answer = list(beyond).await;
        assert_eq!((answer.status, answer.code()), (422, "INVALID_PAGE"), "{beyond}");
    }
    assert_eq!(list("newest-time=2020-01-01T00:00:00Z").await.body["meta"]["total-records"], 0);
    for bad in [
        "page=0",
        "page=x",
        "page-size=0",
        "page-size=1001",
        "page=1&page=2",
        "oldest-time=yesterday",
        "oldest-time=2027-01-01T00:00:00Z",
        "min-amount=1",
    ] {
        let answer = list(bad).await;
        assert_eq!((answer.status, answer.code()), (400, "INVALID_FIELD"), "{bad}");
    }
}

#[tokio::test]
async fn section_3_1_header_fields_are_judged_in_order_before_the_scope() {
    let world = file().await;
    world.consent("c-1", &[Permission::PeraBasicInfo], None).await;
    let call = || Ask::get("/banking/accounts").token(&claims("c-1", "openid"));
    let code = |ask| async { world.call(ask).await.code().to_owned() };
    assert_eq!(code(call().without("participant-id")).await, "MISSING_HEADER");
    assert_eq!(
        code(call().without("participant-id").header("participant-id", "a b")).await,
        "INVALID_HEADER"
    );
    assert_eq!(
        code(call().without("participant-id").header("participant-id", "somebody")).await,
        "PARTICIPANT_MISMATCH"
    );
    assert_eq!(code(call().header("x-v", "2")).await, "UNSUPPORTED_VERSION");
    assert_eq!(code(call().header("x-v", "18446744073709551616")).await, "UNSUPPORTED_VERSION");
    assert_eq!(code(call().header("x-v", "one")).await, "INVALID_HEADER");
    assert_eq!(code(call().header("x-fapi-auth-date", "yesterday")).await, "INVALID_HEADER");
    assert_eq!(code(call().header("x-fapi-customer-ip-address", "home")).await, "INVALID_HEADER");
    assert_eq!(code(call().header("accept", "text/html")).await, "NOT_ACCEPTABLE");
    assert_eq!(code(call()).await, "INSUFFICIENT_SCOPE");
    let fine = Ask::get("/banking/accounts")
        .token(&claims("c-1", "accounts.basic"))
        .header("x-v", "1.0.0")
        .header("x-fapi-auth-date", "Tue, 11 Sep 2012 19:43:31 GMT")
        .header("x-fapi-customer-ip-address", "2001:db8::1")
        .header("accept", "application/json;charset=UTF-8");
    let fine = world.call(fine).await;
    assert_eq!((fine.status, fine.header("x-v")), (200, "1"));
}

#[tokio::test]
async fn section_3_1_what_is_kept_for_audit_alone_is_bounded() {
    let world = file().await;
    world.consent("c-1", &[Permission::PeraBasicInfo], None).await;
    for name in ["x-client-headers", "x-client-user-agent"] {
        let ask = |length: usize| {
            let ask = Ask::get("/banking/accounts").token(&claims("c-1", "accounts.basic"));
            ask.header(name, &"a".repeat(length))
        };
        assert_eq!(world.call(ask(4096)).await.status, 200, "{name}");
        let answer = world.call(ask(4097)).await;
        assert_eq!((answer.status, answer.code()), (400, "INVALID_HEADER"), "{name}");
        assert_eq!(answer.body["errors"][0]["path"], name);
    }
}

#[tokio::test]
async fn section_0_an_amount_may_begin_with_zeros_and_has_thirteen_digits_at_most() {
    let world = with_payments(None).await;
    let made = pay(&world, &order("0000000000012.50"), KEY).await;
    assert_eq!(
        (made.status, &made.body["data"]["amount"]["amount"]),
        (201, &json!("12.50")),
        "{}",
        made.body
    );
    for bad in
        ["00000000000012.50", "0.00", "0000000000000.00", ".50", "12.5", "12", "+1.00", "1 .00", "1.000"]
    {
        let answer = pay(&world, &order(bad), &key(9)).await;
        assert_eq!((answer.status, answer.code()), (400, "INVALID_FIELD"), "{bad}");
    }
}

fn asked() -> Value {
    json!({"data": {"data_holder_id": "bayan-trust", "permissions": ["PERA_BASIC_INFO", "PERA_BALANCE"],
        "sharing_duration": {"start_date": "2026-11-21T08:00:00Z", "end_date": "2027-11-21T08:00:00Z"},
        "purpose": "show my PERA in the app"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn section_7_1_a_consent_is_created_read_and_revoked_once() {
    for world in everywhere().await {
        let create = Ask::new("POST", "/common/consent").token(&own_claims("consent")).json(&asked());
        let made = world.call(create).await;
        assert_eq!(made.status, 201, "{}: {}", world.name, made.body);
        assert_eq!(made.body["data"]["status"], "pending");
        assert_eq!(made.header("location"), made.body["links"]["self"].as_str().unwrap());
        let path = format!("/common/consent/{}", made.body["data"]["id"].as_str().unwrap());
        let read = world.call(Ask::get(&path).token(&own_claims("consent"))).await;
        assert_eq!((read.status, &read.body["data"]), (200, &made.body["data"]));
        assert!(!read.header("etag").is_empty());
        let foreign = oauth_core::AccessClaims {
            client_id: oauth_core::ClientId::new("other").unwrap(),
            ..own_claims("consent")
        };
        assert_eq!(world.call(Ask::get(&path).token(&foreign)).await.code(), "CONSENT_NOT_FOUND");
        assert_eq!(world.call(Ask::new("DELETE", &path).token(&foreign)).await.code(), "CONSENT_NOT_FOUND");
        let revoke = || Ask::new("DELETE", &format!("{path}?reason=done")).token(&own_claims("consent"));
        let revoked = world.call(revoke()).await;
        assert_eq!(
            (revoked.status, &revoked.body["data"]["status"]),
            (200, &json!("revoked")),
            "{}",
            revoked.body
        );
        assert_eq!(revoked.body["data"]["revocation_info"]["reason"], "done");
        world.clock.advance(Seconds::new(5));
        let again = world.call(revoke()).await;
        assert_eq!(again.body["data"]["revocation_info"], revoked.body["data"]["revocation_info"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_4_a_consent_asked_for_again_under_its_key_is_the_same_and_answered_alike() {
    for world in everywhere().await {
        let token = || oauth_core::AccessClaims {
            exp: now().plus(Seconds::days(30)).seconds(),
            ..own_claims("consent")
        };
        let create = |body: &Value, key: &str| {
            Ask::new("POST", "/common/consent").token(&token()).json(body).header("x-idempotency-key", key)
        };
        let first = world.call(create(&asked(), KEY)).await;
        assert_eq!(first.status, 201, "{}: {}", world.name, first.body);
        let path = format!("/common/consent/{}", first.body["data"]["id"].as_str().unwrap());
        world.clock.advance(Seconds::new(5));
        world.call(Ask::new("DELETE", &path).token(&token())).await;
        let before = world.size().await;
        // By now the period it asked for has begun, so as a new request it would be refused.
        world.clock.advance(Seconds::minutes(90));
        let again = world.call(create(&asked(), KEY)).await;
        assert_eq!((again.status, &again.body), (201, &first.body), "{}: whatever became of it", world.name);
        for header in ["location", "etag"] {
            assert_eq!(again.header(header), first.header(header), "{header}");
        }
        let mut other = asked();
        other["data"]["purpose"] = json!("something else");
        let other = world.call(create(&other, KEY)).await;
        assert_eq!((other.status, other.code()), (409, "IDEMPOTENCY_CONFLICT"));
        let malformed = world.call(create(&asked(), "x")).await;
        assert_eq!((malformed.status, malformed.code()), (400, "INVALID_HEADER"));
        assert_eq!(world.size().await, before, "{}", world.name);
        let mut wrong = asked();
        wrong["data"]["purpose"] = json!("");
        assert_eq!(world.call(create(&wrong, &key(7))).await.status, 400);
        let mut right = asked();
        right["data"]["sharing_duration"]["start_date"] = json!("2026-11-21T09:31:00Z");
        assert_eq!(world.call(create(&right, &key(7))).await.status, 201, "a refusal does not burn the key");
        let without = Ask::new("POST", "/common/consent").token(&token()).json(&right);
        let (one, two) = (world.call(without.clone()).await, world.call(without).await);
        assert_ne!(
            one.body["data"]["id"], two.body["data"]["id"],
            "without a key every request is a new one"
        );
        world.clock.advance(Seconds::days(7));
        right["data"]["sharing_duration"]["start_date"] = json!("2026-11-29T08:00:00Z");
        assert_eq!(world.call(create(&right, KEY)).await.status, 201, "after seven days the key is free");
    }
}

#[tokio::test]
async fn section_4_3_a_consent_nobody_decides_on_expires_and_cannot_be_revoked_any_more() {
    let world = file().await;
    let create = Ask::new("POST", "/common/consent").token(&own_claims("consent")).json(&asked());
    let made = world.call(create).await;
    let path = format!("/common/consent/{}", made.body["data"]["id"].as_str().unwrap());
    world.clock.advance(Seconds::minutes(61));
    let token = || oauth_core::AccessClaims { exp: now().seconds() + 7200, ..own_claims("consent") };
    assert_eq!(world.call(Ask::get(&path).token(&token())).await.body["data"]["status"], "expired");
    let answer = world.call(Ask::new("DELETE", &path).token(&token())).await;
    assert_eq!((answer.status, answer.code()), (409, "CONSENT_STATE_CONFLICT"));
}

#[tokio::test]
async fn section_4_1_what_is_wrong_with_a_consent_is_told_and_nothing_changes() {
    let world = file().await;
    world.consent("c-0", &[Permission::PeraBasicInfo], None).await;
    let before = world.size().await;
    let with = |name: &str, value: Value| {
        let mut body = asked();
        body["data"][name] = value;
        body
    };
    let period =
        |start: &str, end: &str| with("sharing_duration", json!({"start_date": start, "end_date": end}));
    let rows = [
        (with("data_holder_id", json!("another")), 422, "UNKNOWN_DATA_HOLDER"),
        (with("permissions", json!([])), 400, "INVALID_FIELD"),
        (with("permissions", json!(["EVERYTHING"])), 400, "INVALID_FIELD"),
        (with("permissions", json!(["PERA_BALANCE"])), 400, "INVALID_FIELD"),
        (period("2026-11-21T07:00:00Z", "2027-01-01T00:00:00Z"), 422, "INVALID_PERIOD"),
        (period("2026-11-21T08:00:00Z", "2027-11-21T08:00:01Z"), 422, "INVALID_PERIOD"),
        (period("2026-11-21T08:00:00Z", "2026-11-21T08:00:00Z"), 422, "INVALID_PERIOD"),
        (period("2026-11-21", "2027-01-01T00:00:00Z"), 400, "INVALID_FIELD"),
        (with("status", json!("active")), 400, "INVALID_FIELD"),
        (with("purpose", json!("")), 400, "INVALID_FIELD"),
    ];
    for (body, status, code) in rows {
        let create = Ask::new("POST", "/common/consent").token(&own_claims("consent")).json(&body);
        let answer = world.call(create).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body} -> {}", answer.body);
    }
    assert_eq!(world.size().await, before);
}

#[tokio::test]
async fn section_4_3_a_suspended_consent_is_readable_itself_and_nothing_else_is() {
    let world = file().await;
    world.consent("c-1", &[Permission::PeraBasicInfo], None).await;
    world.move_consent("c-1", ConsentStatus::Suspended).await;
    let accounts = world.call(Ask::get("/banking/accounts").token(&claims("c-1", "accounts.basic"))).await;
    assert_eq!((accounts.status, accounts.code()), (403, "CONSENT_SUSPENDED"));
    let consent = world.call(Ask::get("/common/consent/c-1").token(&claims("c-1", "consent:c-1"))).await;
    assert_eq!((consent.status, &consent.body["data"]["status"]), (200, &json!("suspended")));
}
