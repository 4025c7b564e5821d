//! Sections 8.6 and 9: what may be contributed, by which way, and in which order that is judged.

use oauth_core::{AccessClaims, CorrelationId, Seconds};
use rar_consent::ConsentStatus;
use resource_server::domain::{EntryId, PaymentId, PaymentStatus, RejectionReason};
use resource_server::port::{EntryNames, PaymentBook as _, PaymentMove};

use super::*;

const PAY: &[Permission] = &[Permission::PaymentInitiate];

fn order(amount: &str) -> Value {
    json!({"data": {"sourceAccountId": "sa-1", "peraAccountId": "pa-1",
        "amount": {"amount": amount, "currency": "PHP"}, "reference": "CTR-2026-11"}})
}

fn with(name: &str, value: Value) -> Value {
    let mut body = order("100.00");
    body["data"][name] = value;
    body
}

/// A token that outlives the year.
fn token(scope: &str) -> AccessClaims {
    AccessClaims { exp: now().seconds() + 400 * 86_400, ..claims("c-1", scope) }
}

async fn pay(world: &World, body: &Value, number: u32) -> Answered {
    let ask = Ask::new("POST", "/banking/payments").token(&token("payments"));
    world.call(ask.header("x-idempotency-key", &key(number)).json(body)).await
}

async fn read(world: &World, made: &Answered) -> Answered {
    let id = made.body["data"]["paymentId"].as_str().unwrap();
    world.call(Ask::get(&format!("/banking/payments/{id}")).token(&token("payments"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn section_8_6_of_sixty_four_for_the_last_peso_of_the_year_one_is_received() {
    for world in crate::fixture::everywhere().await {
        world.consent("c-1", PAY, None).await;
        assert_eq!(pay(&world, &order("199999.00"), 900).await.status, 201, "{}", world.name);
        let world = std::sync::Arc::new(world);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..64 {
            let world = world.clone();
            tasks.spawn(async move {
                let answer = pay(&world, &order("1.00"), number).await;
                (answer.status, answer.code().to_owned())
            });
        }
        let answers = tasks.join_all().await;
        let received = answers.iter().filter(|(status, _)| *status == 201).count();
        let refused = answers.iter().filter(|(_, code)| code == "CONTRIBUTION_LIMIT_EXCEEDED").count();
        assert_eq!((received, refused), (1, 63), "{}: {answers:?}", world.name);
        world.check_books().await;
    }
}

#[tokio::test]
async fn section_8_6_who_works_abroad_may_contribute_twice_as_much() {
    let world = file().await;
    let mut known = alice();
    known.due_diligence.as_mut().unwrap().contributor = Some(ContributorType::OverseasFilipino);
    world.bank.keep_file(&known).await.unwrap();
    world.consent("c-1", PAY, None).await;
    assert_eq!(pay(&world, &order("400000.00"), 1).await.status, 201);
    let more = pay(&world, &order("0.01"), 2).await;
    assert_eq!((more.status, more.code()), (422, "CONTRIBUTION_LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn section_8_6_what_was_registered_of_the_contributor_counts_before_what_the_bank_knew() {
    let world = bank().await;
    world.consent("c-1", &[Permission::PaymentInitiate, Permission::CustomerOnboard], None).await;
    let mut abroad = information("c-1");
    abroad["data"]["cdd"]["contributorType"] = json!("Overseas Filipino");
    assert_eq!(world.call(submit("c-1", &abroad, 900)).await.status, 201);
    assert_eq!(pay(&world, &order("400000.00"), 1).await.status, 201);
    assert_eq!(pay(&world, &order("0.01"), 2).await.code(), "CONTRIBUTION_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn section_8_6_limits_are_judged_in_order_and_reaching_one_is_allowed() {
    let world = file().await;
    world.consent("c-1", PAY, Some((300_000_00, 500_000_00))).await;
    let code = async |body: Value, number: u32| pay(&world, &body, number).await.code().to_owned();
    assert_eq!(code(order("300000.01"), 1).await, "CONSENT_LIMIT_EXCEEDED", "before the year");
    assert_eq!(code(order("300000.00"), 2).await, "CONTRIBUTION_LIMIT_EXCEEDED", "the year is next");
    world.add_accounts("c-1", &["sa-2"]).await;
    let mut empty = order("200000.01");
    empty["data"]["sourceAccountId"] = json!("sa-2");
    assert_eq!(code(empty.clone(), 3).await, "CONTRIBUTION_LIMIT_EXCEEDED", "before the funds");
    empty["data"]["amount"]["amount"] = json!("200000.00");
    assert_eq!(code(empty, 4).await, "INSUFFICIENT_FUNDS");
    assert_eq!(code(order("200000.00"), 5).await, "", "reaching the limit is allowed");
    assert_eq!(code(order("0.01"), 6).await, "CONTRIBUTION_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn section_9_3_the_year_of_a_contribution_begins_in_manila() {
    let world = file().await;
    world.consent("c-1", PAY, None).await;
    assert_eq!(pay(&world, &order("200000.00"), 1).await.body["data"]["contributionYear"], 2026);
    let until_midnight = Seconds::new(40 * 86_400 + 8 * 3600 - 1);
    world.clock.advance(until_midnight);
    assert_eq!(pay(&world, &order("1.00"), 2).await.code(), "CONTRIBUTION_LIMIT_EXCEEDED", "a second before");
    world.clock.advance(Seconds::new(1));
    let made = pay(&world, &order("200000.00"), 3).await;
    assert_eq!(made.body["data"]["creationDateTime"], "2026-12-31T16:00:00Z");
    assert_eq!(made.body["data"]["contributionYear"], 2027);
}

#[tokio::test]
async fn section_8_6_each_rail_has_its_pace() {
    let world = file().await;
    world.consent("c-1", PAY, None).await;
    let status = |answer: &Answered| answer.body["data"]["status"].as_str().unwrap().to_owned();
    let internal = pay(&world, &with("rail", json!("INTERNAL")), 1).await;
    assert_eq!(
        (status(&internal), status(&read(&world, &internal).await)),
        ("RECEIVED".into(), "COMPLETED".into())
    );
    let instapay = pay(&world, &with("rail", json!("INSTAPAY")), 2).await;
    assert_eq!(
        (status(&instapay), status(&read(&world, &instapay).await)),
        ("RECEIVED".into(), "PENDING".into())
    );
    // It is four in the afternoon in Manila: the batch of today is gone.
    let pesonet = pay(&world, &with("rail", json!("PESONET")), 3).await;
    assert_eq!(status(&read(&world, &pesonet).await), "RECEIVED");
    let later = pay(&world, &with("requestedExecutionDate", json!("2026-11-23")), 4).await;
    assert_eq!(status(&read(&world, &later).await), "RECEIVED", "a payment of another day waits for it");
    world.clock.advance(Seconds::days(2));
    assert_eq!(status(&read(&world, &pesonet).await), "COMPLETED");
    assert_eq!(status(&read(&world, &later).await), "COMPLETED");
    assert_eq!(status(&read(&world, &instapay).await), "PENDING");
}

#[tokio::test]
async fn section_9_4_a_rejected_contribution_says_why_and_gives_the_year_back() {
    let world = file().await;
    world.consent("c-1", PAY, None).await;
    let made = pay(&world, &with("rail", json!("INSTAPAY")), 1).await;
    read(&world, &made).await;
    let full = pay(&world, &order("199900.00"), 2).await;
    assert_eq!(full.status, 201, "{}", full.body);
    assert_eq!(
        pay(&world, &order("0.01"), 3).await.code(),
        "CONTRIBUTION_LIMIT_EXCEEDED",
        "a pending one counts"
    );
    let change = PaymentMove {
        id: PaymentId::new(made.body["data"]["paymentId"].as_str().unwrap()).unwrap(),
        to: PaymentStatus::Rejected { reason: RejectionReason::RailRefused },
        rail_reference: None,
        at: now(),
        names: EntryNames {
            entry: EntryId::new("je-r").unwrap(),
            debit: TransactionId::new("tx-r-d").unwrap(),
            credit: TransactionId::new("tx-r-c").unwrap(),
        },
        correlation: CorrelationId::new("c").unwrap(),
    };
    world.bank.advance(&change).await.unwrap();
    let told = read(&world, &made).await;
    assert_eq!(
        (&told.body["data"]["status"], &told.body["data"]["rejectionReason"]["code"]),
        (&json!("REJECTED"), &json!("RAIL_REFUSED"))
    );
    assert_eq!(pay(&world, &order("100.00"), 4).await.status, 201, "the allowance is given back");
    world.check_books().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn section_8_5_lines_of_one_second_are_listed_by_their_identifiers() {
    const READ: &[Permission] =
        &[Permission::PaymentInitiate, Permission::PeraBasicInfo, Permission::PeraTransactions];
    for world in crate::fixture::everywhere().await {
        world.consent("c-1", READ, None).await;
        for number in 0..4 {
            world.clock.set(now().plus_millis(i64::from(number) * 200));
            let made = pay(&world, &order("1.00"), number).await;
            assert_eq!(read(&world, &made).await.body["data"]["status"], "COMPLETED");
        }
        let path = "/banking/account/pa-1/transactions?max-amount=1.00";
        let ask = Ask::get(path).token(&token("accounts.details"));
        let list = world.call(ask).await;
        let lines = list.body["data"].as_array().unwrap().iter();
        let listed: Vec<&str> = lines.map(|line| line["transactionId"].as_str().unwrap()).collect();
        assert_eq!(listed.len(), 4, "{}: {}", world.name, list.body);
        assert!(listed.is_sorted(), "{}: {listed:?}", world.name);
    }
}

#[tokio::test]
async fn section_8_6_no_contribution_leaves_a_retirement_account() {
    let world = bank().await;
    world.consent("c-1", PAY, None).await;
    let mut body = with("sourceAccountId", json!("pa-1"));
    body["data"]["peraAccountId"] = json!("pa-2");
    let answer = pay(&world, &body, 1).await;
    assert_eq!((answer.status, answer.code()), (422, "SOURCE_ACCOUNT_UNUSABLE"), "{}", answer.body);
    assert_eq!(answer.body["errors"][0]["path"], "data.sourceAccountId");
    assert_eq!(pay(&world, &order("1.00"), 2).await.status, 201);
    world.check_books().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn section_8_6_bounds_in_time_take_the_whole_second_that_is_told() {
    for world in crate::fixture::everywhere().await {
        world
            .consent(
                "c-1",
                &[Permission::PaymentInitiate, Permission::PeraBasicInfo, Permission::PeraTransactions],
                None,
            )
            .await;
        world.clock.set(now().plus_millis(700));
        let made = pay(&world, &order("1.00"), 1).await;
        let told = made.body["data"]["creationDateTime"].as_str().unwrap().to_owned();
        let bounds = format!("oldest-time={told}&newest-time={told}");
        let list = async |path: &str, scope| {
            let answer = world.call(Ask::get(&format!("{path}?{bounds}")).token(&token(scope))).await;
            answer.body["meta"]["total-records"].clone()
        };
        assert_eq!(list("/banking/payments", "payments").await, 1, "{}: {told}", world.name);
        read(&world, &made).await;
        assert_eq!(list("/banking/account/pa-1/transactions", "accounts.details").await, 1, "{}", world.name);
        let earlier = Ask::get("/banking/payments?newest-time=2026-11-21T07:59:59.999Z");
        let none = world.call(earlier.token(&token("payments"))).await;
        assert_eq!(none.body["meta"]["total-records"], 0, "{}", none.body);
    }
}

#[tokio::test]
async fn section_3_3_the_checks_come_in_the_order_of_the_document() {
    let world = file().await;
    world.consent("c-1", &[Permission::PeraBasicInfo], None).await;
    let wrong = |ask: Ask| async { world.call(ask).await.code().to_owned() };
    let broken = || Ask::new("POST", "/banking/payments").json(&json!({"data": 1}));
    // token, header, participant, scope, permission, body: each call is wrong in all that follows.
    assert_eq!(wrong(broken().without("participant-id")).await, "INVALID_TOKEN");
    let bearing = |scope: &str| broken().token(&claims("c-1", scope));
    assert_eq!(wrong(bearing("openid").without("participant-id")).await, "MISSING_HEADER");
    assert_eq!(wrong(bearing("openid")).await, "MISSING_HEADER", "the key is a header, too");
    let keyed = |scope: &str| bearing(scope).header("x-idempotency-key", &key(1));
    let foreign = keyed("openid").without("participant-id").header("participant-id", "somebody");
    assert_eq!(wrong(foreign).await, "PARTICIPANT_MISMATCH");
    assert_eq!(wrong(keyed("openid")).await, "INSUFFICIENT_SCOPE");
    assert_eq!(wrong(keyed("payments")).await, "CONSENT_NOT_GRANTED");
    world.move_consent("c-1", ConsentStatus::Suspended).await;
    assert_eq!(wrong(keyed("payments")).await, "CONSENT_SUSPENDED", "the status before the permission");
}

#[tokio::test]
async fn section_9_10_the_first_page_of_an_empty_list_is_there() {
    let world = file().await;
    world.consent("c-1", PAY, None).await;
    let list =
        |query: &str| world.call(Ask::get(&format!("/banking/payments{query}")).token(&token("payments")));
    let first = list("?page=1").await;
    assert_eq!((first.status, &first.body["meta"]), (200, &json!({"total-records": 0, "total-pages": 0})));
    assert_eq!(first.body["links"].as_object().unwrap().keys().collect::<Vec<_>>(), ["self"]);
    let second = list("?page=2").await;
    assert_eq!((second.status, second.code()), (422, "INVALID_PAGE"));
}

#[tokio::test]
async fn section_8_6_what_is_booked_is_one_transaction_with_its_statement() {
    let world = file().await;
    world
        .consent(
            "c-1",
            &[Permission::PaymentInitiate, Permission::PeraBasicInfo, Permission::PeraTransactions],
            None,
        )
        .await;
    let made = pay(&world, &order("100.00"), 1).await;
    read(&world, &made).await;
    let list = Ask::get("/banking/account/pa-1/transactions").token(&token("accounts.details"));
    let line = world.call(list).await.body["data"][0].clone();
    assert_eq!(
        (&line["type"], &line["amount"], &line["reference"]),
        (&json!("CONTRIBUTION"), &json!("100.00"), &json!("CTR-2026-11"))
    );
    let path = format!("/banking/account/pa-1/transactions/{}", line["transactionId"].as_str().unwrap());
    let one = world.call(Ask::get(&path).token(&token("accounts.details"))).await;
    assert_eq!(one.body["data"]["extendedData"]["paymentId"], made.body["data"]["paymentId"]);
    world.check_books().await;
}
