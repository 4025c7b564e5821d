//! Section 8.4: accounts and their opening.

use super::*;

const OPEN: &[Permission] = &[
    Permission::CustomerOnboard,
    Permission::AccountOpen,
    Permission::PeraBasicInfo,
    Permission::SourceAccountRead,
];

fn order() -> Value {
    json!({"data": {"productId": "UITF-EQ-01", "nickname": "retirement", "sourceAccountId": "sa-1",
        "termsAccepted": true}})
}

fn open(body: &Value, number: u32) -> Ask {
    Ask::new("POST", "/banking/accounts")
        .token(&claims("c-1", "accounts.open"))
        .header("x-idempotency-key", &key(number))
        .json(body)
}

#[tokio::test(flavor = "multi_thread")]
async fn section_8_4_an_account_is_opened_and_seen_under_the_consent_it_was_opened_with() {
    for world in crate::fixture::everywhere().await {
        stocked(&world).await;
        world.consent("c-1", OPEN, None).await;
        let early = world.call(open(&order(), 1)).await;
        assert_eq!((early.status, early.code()), (409, "CUSTOMER_NOT_ONBOARDED"), "{}", world.name);
        onboarded(&world, "c-1").await;
        let made = world.call(open(&order(), 1)).await;
        assert_eq!(made.status, 201, "{}: {}", world.name, made.body);
        assert_eq!(
            (&made.body["data"]["status"], &made.body["data"]["product"]),
            (&json!("ACTIVE"), &json!("UITF-EQ-01"))
        );
        let id = made.body["data"]["id"].as_str().unwrap().to_owned();
        assert!(made.header("location").ends_with(&format!("/OFPH/v1/banking/accounts/{id}")));
        let again = world.call(open(&order(), 1)).await;
        assert_eq!((again.status, &again.body), (201, &made.body), "a repeat opens nothing");
        let basic = claims("c-1", "accounts.basic");
        let seen = world.call(Ask::get(&format!("/banking/accounts/{id}")).token(&basic)).await;
        assert_eq!((seen.status, &seen.body["data"]), (200, &made.body["data"]));
        let list = world.call(Ask::get("/banking/accounts").token(&basic)).await;
        assert_eq!(list.body["data"][1]["id"], id.as_str(), "ordered by creation: {}", list.body);
        let source = "SELECT count(*) FROM account_link WHERE source = 'sa-1'";
        assert_eq!(world.number(source).await, 1);
        world.check_books().await;
    }
}

#[tokio::test]
async fn section_8_4_what_is_wrong_with_an_order_is_told_in_order() {
    let world = bank().await;
    world.consent("c-1", OPEN, None).await;
    onboarded(&world, "c-1").await;
    let with = |name: &str, value: Value| {
        let mut body = order();
        body["data"][name] = value;
        body
    };
    let without = |name: &str| {
        let mut body = order();
        body["data"].as_object_mut().unwrap().remove(name);
        body
    };
    let rows = [
        (with("termsAccepted", json!(false)), 400, "INVALID_FIELD"),
        (without("termsAccepted"), 400, "MISSING_FIELD"),
        (without("productId"), 400, "MISSING_FIELD"),
        (with("nickname", json!("")), 400, "INVALID_FIELD"),
        (with("currency", json!("PHP")), 400, "INVALID_FIELD"),
        (with("productId", json!("UITF-NONE")), 422, "UNKNOWN_PRODUCT"),
        (with("productId", json!("a b")), 422, "UNKNOWN_PRODUCT"),
        (with("sourceAccountId", json!("sa-2")), 422, "SOURCE_ACCOUNT_UNUSABLE"),
        (with("sourceAccountId", json!("sa-b")), 422, "SOURCE_ACCOUNT_UNUSABLE"),
        (with("sourceAccountId", json!("pa-1")), 422, "SOURCE_ACCOUNT_UNUSABLE"),
        (with("sourceAccountId", json!("nobody")), 422, "SOURCE_ACCOUNT_UNUSABLE"),
    ];
    for (body, status, code) in rows {
        let answer = world.call(open(&body, 1)).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body} -> {}", answer.body);
    }
    let linkless = world.call(open(&without("sourceAccountId"), 1)).await;
    assert_eq!(linkless.status, 201, "a refused request does not burn its key: {}", linkless.body);
    let other = world.call(open(&order(), 1)).await;
    assert_eq!((other.status, other.code()), (409, "IDEMPOTENCY_CONFLICT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn section_8_4_accounts_of_one_second_are_listed_by_their_identifiers() {
    for world in crate::fixture::everywhere().await {
        stocked(&world).await;
        world.consent("c-1", OPEN, None).await;
        onboarded(&world, "c-1").await;
        for number in 0..3 {
            world.clock.set(now().plus_millis(i64::from(number) * 300));
            assert_eq!(world.call(open(&order(), number)).await.status, 201);
        }
        let list = world.call(Ask::get("/banking/accounts").token(&claims("c-1", "accounts.basic"))).await;
        let listed: Vec<(&str, &str)> = list.body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["creation_date"].as_str().unwrap(), one["id"].as_str().unwrap()))
            .collect();
        assert_eq!(listed.len(), 4, "{}: one before", world.name);
        assert!(listed.is_sorted(), "{}: {listed:?}", world.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_8_4_the_sixth_open_account_is_refused_however_many_are_asked_for_at_once() {
    for world in crate::fixture::everywhere().await {
        stocked(&world).await;
        world.consent("c-1", OPEN, None).await;
        onboarded(&world, "c-1").await;
        let world = std::sync::Arc::new(world);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..64 {
            let world = world.clone();
            tasks.spawn(async move {
                let answer = world.call(open(&order(), number)).await;
                (answer.status, answer.code().to_owned())
            });
        }
        let answers = tasks.join_all().await;
        let opened = answers.iter().filter(|(status, _)| *status == 201).count();
        assert_eq!(opened, 3, "{}: alice had two of five: {answers:?}", world.name);
        let refused = answers.iter().filter(|(_, code)| code == "ACCOUNT_LIMIT_REACHED").count();
        assert_eq!(refused, 61, "{}", world.name);
        let closed = resource_server::domain::AccountStatus::Closed;
        let accounts = &world.operations.ports.accounts;
        let account = accounts.account(&AccountId::new("pa-2").unwrap()).await.unwrap().unwrap();
        world
            .bank
            .change_account(&resource_server::domain::Account { status: closed, ..account })
            .await
            .unwrap();
        let room = world.call(open(&order(), 100)).await;
        assert_eq!(room.status, 201, "a closed account does not count: {}", room.body);
    }
}

#[tokio::test]
async fn section_3_4_a_repeat_is_answered_even_if_the_consent_was_suspended_since() {
    let world = bank().await;
    world.consent("c-1", OPEN, None).await;
    onboarded(&world, "c-1").await;
    let made = world.call(open(&order(), 1)).await;
    world.move_consent("c-1", rar_consent::ConsentStatus::Suspended).await;
    let again = world.call(open(&order(), 1)).await;
    assert_eq!((again.status, &again.body), (201, &made.body));
    let fresh = world.call(open(&order(), 2)).await;
    assert_eq!((fresh.status, fresh.code()), (403, "CONSENT_SUSPENDED"));
    let customer = world.call(submit("c-1", &information("c-1"), 900)).await;
    assert_eq!(customer.status, 201, "so is the registration: {}", customer.body);
}

#[tokio::test]
async fn section_8_4_holdings_and_balance_are_absent_without_scope_and_permission() {
    let world = bank().await;
    let all = &[Permission::PeraBasicInfo, Permission::PeraBalance, Permission::PeraInvestmentDetails];
    world.consent("c-1", all, None).await;
    world.consent("c-2", &[Permission::PeraBasicInfo], None).await;
    let get = |consent, scope| world.call(Ask::get("/banking/accounts/pa-1").token(&claims(consent, scope)));
    let full = get("c-1", "accounts.basic accounts.details").await;
    assert_eq!(
        full.body["data"]["holdings"],
        json!([{"productId": "UITF-EQ-01", "units": "40500.123456",
        "navPerUnit": "1.234567", "marketValue": "50000.00", "as_of": "2026-11-21T08:00:00Z"}])
    );
    assert_eq!(full.body["data"]["balance"]["current_value"], "50000.00");
    for (consent, scope) in [("c-1", "accounts.basic"), ("c-2", "accounts.basic accounts.details")] {
        let data = get(consent, scope).await.body["data"].clone();
        assert_eq!((data.get("holdings"), data.get("balance")), (None, None), "{consent} {scope}");
    }
    let list = world
        .call(Ask::get("/banking/accounts").token(&claims("c-1", "accounts.basic accounts.details")))
        .await;
    assert_eq!(list.body["data"][0].get("holdings"), None, "holdings are told of a single account");
}

#[tokio::test]
async fn section_8_5_a_single_transaction_tells_what_was_bought_and_another_accounts_is_not_found() {
    let world = bank().await;
    world.consent("c-1", &[Permission::PeraBasicInfo, Permission::PeraTransactions], None).await;
    world.add_accounts("c-1", &["pa-2"]).await;
    let token = claims("c-1", "accounts.details");
    let list = world.call(Ask::get("/banking/account/pa-1/transactions").token(&token)).await;
    let id = list.body["data"][0]["transactionId"].as_str().unwrap().to_owned();
    assert_eq!(list.body["data"][0].get("extendedData"), None);
    let trade = Trade {
        units: Figure::new("100.5").unwrap(),
        unit_price: Figure::new("1.1").unwrap(),
        fee: Some(Money::new(1_25, Currency::Php).unwrap()),
    };
    world.bank.note_trade(&TransactionId::new(&id).unwrap(), &trade).await.unwrap();
    for path in ["account", "accounts"] {
        let one =
            world.call(Ask::get(&format!("/banking/{path}/pa-1/transactions/{id}")).token(&token)).await;
        assert_eq!(
            one.body["data"]["extendedData"],
            json!({"units": "100.5", "navPerUnit": "1.1", "fee": "1.25"})
        );
        assert!(
            one.body["links"]["self"].as_str().unwrap().contains("/banking/account/pa-1/"),
            "the document's spelling"
        );
        let other =
            world.call(Ask::get(&format!("/banking/{path}/pa-2/transactions/{id}")).token(&token)).await;
        assert_eq!(
            (other.status, other.code()),
            (404, "TRANSACTION_NOT_FOUND"),
            "of the same customer, even"
        );
    }
}
