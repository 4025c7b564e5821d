//! Sections 7.2 and 8.3: customers.

use super::*;

const ONBOARD: &[Permission] = &[Permission::CustomerOnboard];

#[tokio::test]
async fn section_7_2_the_contact_subset_is_told_and_nothing_else() {
    let world = bank().await;
    world.consent("c-1", &[Permission::CustomerRead], None).await;
    let told = world.call(Ask::get("/common/customer").token(&claims("c-1", "customer"))).await;
    assert_eq!(
        told.body["data"],
        json!({"customerId": "alice", "sub": "alice", "title": "Ms",
        "givenName": "Maria Clara", "middleName": "Reyes", "lastName": "Santos",
        "mobileNumber": "639171234567", "email": "maria@customer.example"})
    );
    assert_eq!(told.header("cache-control"), "no-store");
    let detail =
        world.call(Ask::get("/common/customer/alice/detail").token(&claims("c-1", "customer_details"))).await;
    assert_eq!(
        (detail.status, detail.code()),
        (403, "CONSENT_NOT_GRANTED"),
        "scope and permission are two gates"
    );
    let detail =
        world.call(Ask::get("/common/customer/alice/detail").token(&claims("c-1", "customer"))).await;
    assert_eq!((detail.status, detail.code()), (403, "INSUFFICIENT_SCOPE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn section_7_2_the_whole_record_is_told_to_whom_the_customer_allowed_and_of_nobody_else() {
    for world in crate::fixture::everywhere().await {
        stocked(&world).await;
        world.consent("c-1", &[Permission::CustomerDetailRead], None).await;
        let detail = |id: &str, path: &str| {
            let path = format!("/common/{path}/{id}/detail");
            world.call(Ask::get(&path).token(&claims("c-1", "customer_details")))
        };
        let told = detail("alice", "customer").await;
        let mut wanted = information("c-1")["data"].clone();
        wanted["peraAdmin"] = json!("test-provider");
        assert_eq!(told.body["data"], wanted, "{}", world.name);
        assert_eq!(told.header("cache-control"), "no-store");
        let alias = detail("alice", "customers").await;
        assert_eq!(alias.body["links"]["self"], "https://rs.example/OFPH/v1/common/customer/alice/detail");
        let (unknown, other) = (detail("nobody", "customer").await, detail("bob", "customer").await);
        assert_eq!((unknown.status, unknown.code()), (404, "CUSTOMER_NOT_FOUND"));
        assert_eq!((other.status, &other.body), (404, &unknown.body), "whether there is one or not");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_8_3_a_customer_is_received_and_active_by_the_next_reading() {
    for world in crate::fixture::everywhere().await {
        world.consent("c-1", ONBOARD, None).await;
        let get = || Ask::get("/banking/customer").token(&claims("c-1", "customer_onboarding"));
        let none = world.call(get()).await;
        assert_eq!((none.status, none.code()), (404, "CUSTOMER_NOT_FOUND"));
        let made = world.call(submit("c-1", &information("c-1"), 1)).await;
        assert_eq!(made.status, 201, "{}: {}", world.name, made.body);
        let data = &made.body["data"];
        assert_eq!(
            (&data["status"], &data["customerId"], &data["adminId"]),
            (&json!("received"), &json!("alice"), &json!("bayan-trust"))
        );
        assert!(made.header("location").ends_with("/OFPH/v1/banking/customer"));
        let read = world.call(get()).await;
        assert_eq!(read.body["data"]["status"], "active");
        assert_eq!(read.body["data"]["referenceId"], data["referenceId"]);
        let again = world.call(submit("c-1", &information("c-1"), 1)).await;
        assert_eq!((again.status, &again.body), (201, &made.body), "a repeat is as at first");
        let other = world.call(submit("c-1", &information("c-1"), 2)).await;
        assert_eq!((other.status, other.code()), (409, "CUSTOMER_ALREADY_REGISTERED"));
    }
}

#[tokio::test]
async fn section_8_3_the_sandbox_declines_one_number_and_lets_a_person_decide_where_care_is_needed() {
    let rows = [
        ("tin", json!("000-000-000-000"), "declined", Some("invalid_tin")),
        ("cddIndicator", json!("High"), "pending", None),
        ("pepIndicator", json!(true), "pending", None),
        ("cddIndicator", json!("Low"), "active", None),
    ];
    for (member, value, status, reason) in rows {
        let world = file().await;
        world.consent("c-1", ONBOARD, None).await;
        let mut body = information("c-1");
        let place = if member == "tin" { "personalInformation" } else { "cdd" };
        body["data"][place][member] = value;
        assert_eq!(world.call(submit("c-1", &body, 1)).await.status, 201);
        let get = || Ask::get("/banking/customer").token(&claims("c-1", "customer_onboarding"));
        for _ in 0..2 {
            let read = world.call(get()).await;
            assert_eq!(read.body["data"]["status"], status, "{member}");
            assert_eq!(
                read.body["data"].get("reason"),
                reason.map(|reason| json!(reason)).as_ref(),
                "{member}"
            );
        }
        let anew = world.call(submit("c-1", &information("c-1"), 2)).await;
        let wanted = if status == "declined" { 201 } else { 409 };
        assert_eq!(anew.status, wanted, "who was declined may try again: {}", anew.body);
    }
}

#[tokio::test]
async fn section_8_3_who_is_too_young_in_manila_or_has_no_tax_number_is_not_eligible() {
    let world = file().await;
    world.consent("c-1", ONBOARD, None).await;
    // 16:30 in London is past midnight in Manila.
    world.clock.advance(oauth_core::Seconds::minutes(8 * 60 + 30));
    let token =
        oauth_core::AccessClaims { exp: now().seconds() + 86_400, ..claims("c-1", "customer_onboarding") };
    let send = |member: &str, value: Value, number: u32| {
        let mut body = information("c-1");
        body["data"]["personalInformation"][member] = value;
        let ask = Ask::new("POST", "/banking/customer")
            .token(&token)
            .header("x-idempotency-key", &key(number))
            .json(&body);
        world.call(ask)
    };
    for (member, value) in [
        ("birthdate", json!("2008-11-23")),
        ("tin", json!("123456789000")),
        ("tin", json!("123-456-789-00x")),
    ] {
        let answer = send(member, value, 1).await;
        assert_eq!((answer.status, answer.code()), (422, "CUSTOMER_NOT_ELIGIBLE"), "{member}");
        assert_eq!(answer.body["errors"][0]["path"], format!("data.personalInformation.{member}"));
    }
    let birthday = send("birthdate", json!("2008-11-22"), 2).await;
    assert_eq!(birthday.status, 201, "the eighteenth birthday has begun in Manila: {}", birthday.body);
}

#[tokio::test]
async fn section_8_3_consent_and_subject_are_those_of_the_token_and_what_is_malformed_is_told() {
    let world = file().await;
    world.consent("c-1", ONBOARD, None).await;
    let with = |pointer: &str, value: Value| {
        let mut body = information("c-1");
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (pointer, value) in [
        ("/data/arrangementId", json!("c-2")),
        ("/data/sub", json!("bob")),
        ("/data/personalInformation/sub", json!("bob")),
        ("/data/personalInformation/mobileNumber", json!("09171234567")),
        ("/data/personalInformation/email", json!("nobody")),
        ("/data/personalInformation/birthdate", json!("1991-02-30")),
        ("/data/personalInformation/nationality", json!("Filipino")),
        ("/data/personalInformation/presentAddress/region", json!("12345678901")),
        ("/data/cdd/cddIndicator", json!("Medium")),
        ("/data/cdd/contributorType", json!("Retiree")),
        ("/data/presentedIds/0/idExpiryDate", json!("soon")),
        ("/data/peraAdmin", json!("a b")),
    ] {
        let answer = world.call(submit("c-1", &with(pointer, value), 1)).await;
        assert_eq!((answer.status, answer.code()), (400, "INVALID_FIELD"), "{pointer}: {}", answer.body);
    }
    let mut without = information("c-1");
    without["data"].as_object_mut().unwrap().remove("presentedIds");
    assert_eq!(world.call(submit("c-1", &without, 1)).await.code(), "MISSING_FIELD");
    let keyless = world.call(submit("c-1", &information("c-1"), 1).without("x-idempotency-key")).await;
    assert_eq!((keyless.status, keyless.code()), (400, "MISSING_HEADER"));
}

#[tokio::test(flavor = "multi_thread")]
async fn section_8_3_of_many_registrations_at_once_one_is_kept() {
    for world in crate::fixture::everywhere().await {
        world.consent("c-1", ONBOARD, None).await;
        let world = std::sync::Arc::new(world);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..16 {
            let world = world.clone();
            tasks.spawn(async move { world.call(submit("c-1", &information("c-1"), number)).await.status });
        }
        let answers = tasks.join_all().await;
        assert_eq!(answers.iter().filter(|status| **status == 201).count(), 1, "{}: {answers:?}", world.name);
        assert_eq!(answers.iter().filter(|status| **status == 409).count(), 15, "{}", world.name);
    }
}
