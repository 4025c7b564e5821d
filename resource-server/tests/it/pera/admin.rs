//! Section 6: the registry of participants.

use super::*;

const P256: &str = include_str!("certificates/p256.pem");
const RSA2048: &str = include_str!("certificates/rsa2048.pem");

/// The organisation of the client `tpp` as it registers itself.
fn organisation(id: &str) -> Value {
    json!({"organizationId": id, "organizationName": "Bayan Trust", "organizationType": "PERA_ADMIN",
        "registeredName": "Bayan Trust Corporation",
        "contactDetails": {"phone": "0288881234", "email": "openfinance@bayantrust.example",
            "website": "https://bayantrust.example"},
        "endpointURIs": {"authorizationEndpoint": "https://as.bayantrust.example/oauth/authorize",
            "tokenEndpoint": "https://as.bayantrust.example/oauth/token",
            "resourceEndpoint": "https://api.bayantrust.example/OFPH/v1"},
        "corsUris": [format!("https://{id}.bayantrust.example")]})
}

fn register(body: &Value, scope: &str) -> Ask {
    Ask::new("POST", "/admin/organization").token(&own_claims(scope)).json(body)
}

async fn listed(world: &World, query: &str) -> Answered {
    world.call(Ask::get(&format!("/admin/organization{query}")).token(&own_claims("admin:read"))).await
}

const OWN: &str = "test-provider";

#[tokio::test(flavor = "multi_thread")]
async fn section_6_2_a_participant_registers_itself_and_is_listed_without_its_certificate() {
    for world in crate::fixture::everywhere().await {
        let mut body = organisation(OWN);
        body["certificate"] = json!(P256);
        let made = world.call(register(&body, "admin:write")).await;
        assert_eq!(made.status, 201, "{}: {}", world.name, made.body);
        assert_eq!(made.body["data"]["status"], "ACTIVE");
        assert_eq!(made.body["data"].get("certificate"), None);
        assert!(made.header("location").ends_with("/OFPH/v1/admin/organization/test-provider"));
        let again = world.call(register(&body, "admin:write")).await;
        assert_eq!((again.status, again.code()), (409, "DUPLICATE_ORGANIZATION"));
        let list = listed(&world, "").await;
        assert_eq!(list.body["data"], json!([made.body["data"]]));
        assert_eq!(list.body["meta"], json!({"total-records": 1, "total-pages": 1}));
    }
}

#[tokio::test]
async fn section_6_2_another_organisation_is_entered_by_the_registry_alone() {
    let world = file().await;
    let refused = world.call(register(&organisation("bayan-trust"), "admin:write")).await;
    assert_eq!((refused.status, refused.code()), (403, "PARTICIPANT_MISMATCH"));
    let registry = world.call(register(&organisation("bayan-trust"), "admin:write admin:registry")).await;
    assert_eq!(registry.status, 201, "{}", registry.body);
    let alone = world.call(register(&organisation("luzon"), "admin:registry")).await;
    assert_eq!((alone.status, alone.code()), (403, "INSUFFICIENT_SCOPE"));
    let read = world.call(register(&organisation("luzon"), "admin:read")).await;
    assert_eq!((read.status, read.code()), (403, "INSUFFICIENT_SCOPE"));
}

#[tokio::test]
async fn section_6_1_what_is_wrong_with_a_registration_is_told_and_nothing_is_kept() {
    let world = file().await;
    let with = |path: &str, value: Value| {
        let mut body = organisation(OWN);
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = if parent.is_empty() { &mut body } else { body.pointer_mut(parent).unwrap() };
        parent[name] = value;
        body
    };
    let many: Vec<String> = (0..21).map(|number| format!("https://a{number}.example")).collect();
    let rows = [
        (with("/organizationId", json!("a b")), "organizationId"),
        (with("/organizationName", json!("")), "organizationName"),
        (with("/organizationType", json!("BANK")), "organizationType"),
        (with("/contactDetails/email", json!("nobody")), "contactDetails.email"),
        (with("/endpointURIs/tokenEndpoint", json!("http://as.example")), "endpointURIs.tokenEndpoint"),
        (with("/endpointURIs/tokenEndpoint", json!("https://10.0.0.1/t")), "endpointURIs.tokenEndpoint"),
        (with("/endpointURIs/tokenEndpoint", json!("https://127.0.0.1/t")), "endpointURIs.tokenEndpoint"),
        (with("/endpointURIs/tokenEndpoint", json!("https://localhost/t")), "endpointURIs.tokenEndpoint"),
        (with("/endpointURIs/tokenEndpoint", json!("https://db.internal/t")), "endpointURIs.tokenEndpoint"),
        (with("/endpointURIs/resourceEndpoint", json!("https://[::1]/t")), "endpointURIs.resourceEndpoint"),
        (with("/corsUris", json!(["https://app.example/"])), "corsUris"),
        (with("/corsUris", json!(["https://*.example"])), "corsUris"),
        (with("/corsUris", json!(["null"])), "corsUris"),
        (with("/corsUris", json!(["http://app.example"])), "corsUris"),
        (with("/corsUris", json!(["http://localhost:3000"])), "corsUris"),
        (with("/corsUris", json!(["https://a.example", "https://a.example"])), "corsUris"),
        (with("/corsUris", json!(many)), "corsUris"),
        (with("/status", json!("ACTIVE")), "status"),
        (with("/certificate", json!("no certificate")), "certificate"),
        (with("/certificate", json!(include_str!("certificates/expired.pem"))), "certificate"),
        (with("/certificate", json!(include_str!("certificates/future.pem"))), "certificate"),
        (with("/certificate", json!(include_str!("certificates/rsa1024.pem"))), "certificate"),
        (with("/certificate", json!(include_str!("certificates/p384.pem"))), "certificate"),
        (with("/certificate", json!(format!("{P256}hidden words"))), "certificate"),
        (with("/certificate", json!(format!("{P256}-----BEGIN EC PRIVATE KEY-----"))), "certificate"),
        (with("/contactDetails/phone", json!("-----BEGIN PRIVATE KEY-----")), "contactDetails.phone"),
    ];
    for (body, path) in rows {
        let answer = world.call(register(&body, "admin:write")).await;
        assert_eq!((answer.status, answer.code()), (400, "INVALID_FIELD"), "{body} -> {}", answer.body);
        assert_eq!(answer.body["errors"][0]["path"], path, "{body}");
        assert!(!answer.body.to_string().contains("PRIVATE"), "what was sent is not told again");
    }
    for (path, name) in
        [("", "organizationId"), ("/contactDetails", "phone"), ("/endpointURIs", "tokenEndpoint")]
    {
        let mut body = organisation(OWN);
        let parent = if path.is_empty() { &mut body } else { body.pointer_mut(path).unwrap() };
        parent.as_object_mut().unwrap().remove(name);
        let answer = world.call(register(&body, "admin:write")).await;
        assert_eq!((answer.status, answer.code()), (400, "MISSING_FIELD"), "{name}");
        let told = answer.body["errors"][0]["path"].as_str().unwrap();
        assert!(told.ends_with(name), "{told}");
    }
    assert_eq!(listed(&world, "").await.body["meta"]["total-records"], 0);
}

#[tokio::test]
async fn section_6_1_an_origin_belongs_to_one_organisation() {
    let world = file().await;
    assert_eq!(world.call(register(&organisation(OWN), "admin:write")).await.status, 201);
    let mut other = organisation("luzon");
    other["corsUris"] = json!(["https://luzon.example", format!("https://{OWN}.bayantrust.example")]);
    let taken = world.call(register(&other, "admin:write admin:registry")).await;
    assert_eq!((taken.status, taken.code()), (400, "INVALID_FIELD"));
    other["corsUris"] = json!(["https://luzon.example"]);
    let free = world.call(register(&other, "admin:write admin:registry")).await;
    assert_eq!(free.status, 201, "nothing of the refused registration was kept: {}", free.body);
}

#[tokio::test]
async fn section_6_2_the_list_is_filtered_ordered_and_paged() {
    let world = file().await;
    for (id, kind) in
        [("c-bank", "CONTRIBUTOR_FI"), ("a-trust", "PERA_ADMIN"), ("b-bank", "CONTRIBUTOR_INSTITUTION")]
    {
        let mut body = organisation(id);
        body["organizationType"] = json!(kind);
        let made = world.call(register(&body, "admin:write admin:registry")).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let ids = |answer: &Answered| {
        let all = answer.body["data"].as_array().unwrap();
        all.iter().map(|one| one["organizationId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&listed(&world, "").await), ["a-trust", "b-bank", "c-bank"]);
    assert_eq!(ids(&listed(&world, "?type=CONTRIBUTOR_INSTITUTION").await), ["b-bank", "c-bank"]);
    assert_eq!(
        ids(&listed(&world, "?type=CONTRIBUTOR_FI").await),
        ["b-bank", "c-bank"],
        "the later spelling"
    );
    assert_eq!(ids(&listed(&world, "?type=PERA_ADMIN&status=ACTIVE").await), ["a-trust"]);
    assert_eq!(ids(&listed(&world, "?status=SUSPENDED").await), [""; 0]);
    let second = listed(&world, "?page=2&page-size=2&type=CONTRIBUTOR_FI").await;
    assert_eq!((second.status, second.code()), (422, "INVALID_PAGE"));
    let page = listed(&world, "?page-size=1&status=ACTIVE").await;
    assert!(page.body["links"]["next"].as_str().unwrap().contains("status=ACTIVE"), "{}", page.body);
    for bad in ["?type=BANK", "?status=open", "?page=0", "?type=PERA_ADMIN&type=PERA_ADMIN"] {
        assert_eq!(listed(&world, bad).await.code(), "INVALID_FIELD", "{bad}");
    }
}

#[tokio::test]
async fn section_6_2_the_certificate_comes_as_json_or_as_pem() {
    let world = file().await;
    let mut body = organisation(OWN);
    body["certificate"] = json!(format!("{P256}{RSA2048}"));
    world.call(register(&body, "admin:write")).await;
    let path = format!("/admin/organization/{OWN}/certificate");
    let get = || Ask::get(&path).token(&own_claims("admin:read"));
    let told = world.call(get()).await;
    assert_eq!(told.status, 200, "{}", told.body);
    let data = &told.body["data"];
    assert_eq!(data["certificate"], format!("{P256}{RSA2048}"), "leaf first, then the chain");
    assert_eq!(
        (&data["validFrom"], &data["validUntil"]),
        (&json!("2026-01-01T00:00:00Z"), &json!("2056-01-01T00:00:00Z"))
    );
    assert_eq!(
        data["subject"],
        json!({"commonName": "bayan-trust", "organizationName": "Bayan Trust Corporation",
        "organizationId": "PSDPH-BSP-1234"})
    );
    let pem = world.call(get().header("accept", "application/x-pem-file")).await;
    assert_eq!((pem.status, pem.header("content-type")), (200, "application/x-pem-file"));
    assert_eq!(pem.bytes, format!("{P256}{RSA2048}").as_bytes());
    let alias = world
        .call(Ask::get(&format!("/admin/organizations/{OWN}/certificate")).token(&own_claims("admin:read")));
    assert_eq!(alias.await.body, told.body);
    for (accept, media) in [
        ("application/x-pem-file, application/json;q=0.5", "application/x-pem-file"),
        ("application/json, application/x-pem-file;q=0.5", "application/json; charset=utf-8"),
        ("application/x-pem-file;q=0, */*", "application/json; charset=utf-8"),
    ] {
        let answer = world.call(get().header("accept", accept)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, media), "{accept}");
    }
    let neither = world.call(get().header("accept", "text/html")).await;
    assert_eq!((neither.status, neither.code()), (406, "NOT_ACCEPTABLE"));
    let elsewhere = world
        .call(
            Ask::get("/admin/organization")
                .token(&own_claims("admin:read"))
                .header("accept", "application/x-pem-file"),
        )
        .await;
    assert_eq!(elsewhere.status, 406, "only the certificate comes as PEM");
}

#[tokio::test]
async fn section_6_2_an_unknown_organisation_and_one_without_certificate_are_told_apart() {
    let world = file().await;
    world.call(register(&organisation(OWN), "admin:write")).await;
    for (id, code) in [
        ("nobody", "ORGANIZATION_NOT_FOUND"),
        ("a~b", "ORGANIZATION_NOT_FOUND"),
        (OWN, "CERTIFICATE_NOT_FOUND"),
    ] {
        let ask = Ask::get(&format!("/admin/organization/{id}/certificate")).token(&own_claims("admin:read"));
        let answer = world.call(ask).await;
        assert_eq!((answer.status, answer.code()), (404, code), "{id}");
    }
}

#[tokio::test]
async fn section_6_2_a_certificate_that_has_expired_since_is_told_all_the_same() {
    let world = file().await;
    let mut body = organisation(OWN);
    body["certificate"] = json!(include_str!("certificates/soon.pem"));
    assert_eq!(world.call(register(&body, "admin:write")).await.status, 201);
    world.clock.advance(oauth_core::Seconds::days(30));
    let token = oauth_core::AccessClaims { exp: now().seconds() + 40 * 86_400, ..own_claims("admin:read") };
    let told = world.call(Ask::get(&format!("/admin/organization/{OWN}/certificate")).token(&token)).await;
    assert_eq!((told.status, &told.body["data"]["validUntil"]), (200, &json!("2026-12-01T00:00:00Z")));
}

#[tokio::test]
async fn section_3_1_a_key_is_honoured_when_a_participant_registers() {
    let world = file().await;
    let first =
        world.call(register(&organisation(OWN), "admin:write").header("x-idempotency-key", &key(1))).await;
    let again =
        world.call(register(&organisation(OWN), "admin:write").header("x-idempotency-key", &key(1))).await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    let mut other = organisation(OWN);
    other["organizationName"] = json!("Another name");
    let other = world.call(register(&other, "admin:write").header("x-idempotency-key", &key(1))).await;
    assert_eq!((other.status, other.code()), (409, "IDEMPOTENCY_CONFLICT"));
}

#[tokio::test]
async fn section_3_3_an_organisation_that_is_excluded_calls_in_vain_and_a_working_one_does_not() {
    use resource_server::domain::{OrganisationId, OrganisationStatus};
    use resource_server::port::Participants as _;
    let world = file().await;
    world.call(register(&organisation(OWN), "admin:write")).await;
    let id = OrganisationId::new(OWN).unwrap();
    for (status, code) in [
        (OrganisationStatus::Suspended, "PARTICIPANT_INACTIVE"),
        (OrganisationStatus::Inactive, "PARTICIPANT_INACTIVE"),
        (OrganisationStatus::Maintenance, ""),
        (OrganisationStatus::Active, ""),
    ] {
        world.bank.put_status(&id, status).await.unwrap();
        assert_eq!(listed(&world, "").await.code(), code, "{status:?}");
    }
}
