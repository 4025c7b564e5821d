//! OFxPERA between a bank and those around it: two banks and a third party that walks both use cases, operators, a resource
//! server that asks after a start, and a customer who takes too long.

use bytes::Bytes;
use conformance::bank::{Controls, Settings, beside};
use conformance::client::Answer;
use conformance::host::{self, Scratch};
use conformance::tpp::flow::{Ask, Call, Tokens, Tpp};
use conformance::tpp::mutate::HONEST;
use conformance::user::Decision;
use http::Request;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::uae::{api_origin, instant};
use crate::support::{World, embedded, identity, page_form};

#[tokio::test(flavor = "multi_thread")]
async fn a_third_party_walks_both_use_cases_at_two_banks() {
    let of = |kind: &str| Settings {
        words: vec!["--represents".to_owned(), kind.to_owned()],
        ..Settings::default()
    };
    let (institution, administrator) = tokio::join!(
        World::start(Settings {
            deployment: Some("[bank.pera]\nyearly_max = \"2000.00\"\n".to_owned()),
            ..of("institution")
        }),
        World::start(of("administrator"))
    );
    let walk = async |amount: &str| {
        let scratch = Scratch::new("walk").unwrap();
        let ran = Command::new(beside("tpp").unwrap())
            .args(["--json", "pera", "--headless", "--username", "maria", "--password", "date-palm-7"])
            .args(["--amount", amount])
            .arg("--institution")
            .arg(institution.bank.directory())
            .arg("--administrator")
            .arg(administrator.bank.directory())
            .current_dir(scratch.path())
            .output()
            .await
            .unwrap();
        let told = String::from_utf8_lossy(&ran.stderr).into_owned();
        (ran.status.code(), serde_json::from_slice::<Value>(&ran.stdout).unwrap_or_default(), told)
    };
    let (code, told, trace) = walk("1500.00").await;
    assert_eq!(code, Some(0), "{told} {trace}");
    assert_eq!(told["outcome"], "done", "{told}");
    assert!(told["institution"].is_object() && told["administrator"].is_object(), "{told}");
    let (code, told, trace) = walk("1500.00").await;
    assert_eq!(code, Some(2), "{told} {trace}");
    assert!(told.to_string().contains("CONTRIBUTION_LIMIT_EXCEEDED"), "the year is used up: {told} {trace}");
}

async fn of_operators(world: &World, method: &str, path: &str) -> Answer {
    let url = format!("{}{path}", world.bank.admin_origin());
    let request = Request::builder().method(method).uri(url).body(Bytes::new()).unwrap();
    world.bank.client().unwrap().send(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_browse_every_interface_operation_by_operation_and_shape_by_shape() {
    let world = embedded().await;
    let index = of_operators(world, "GET", "/openapi/").await.text();
    for (name, operation, path, shape) in [
        ("ofxpera", "initiatePayment", "POST /OFPH/v1/banking/payments", "NewPayment"),
        ("uae", "CreatePayment", "POST /open-finance/payment/v1/payments", "PaymentOrder"),
        ("uae-bank-side", "DecideAuthorization", "authorizations/{AuthorizerId}", "Decision"),
    ] {
        assert!(index.contains(&format!("href=\"/openapi/{name}\"")), "{name}: {index}");
        let page = of_operators(world, "GET", &format!("/openapi/{name}")).await;
        assert_eq!(page.header("content-security-policy"), Some("default-src 'none'"), "{name}");
        let text = page.text();
        for part in [
            format!("id=\"{operation}\""),
            path.to_owned(),
            format!("<h3 id=\"{shape}\">"),
            format!("href=\"#{shape}\""),
        ] {
            assert!(text.contains(&part), "{name} lacks {part}");
        }
        assert!(!text.contains("<script"), "{name}");
        let document = of_operators(world, "GET", &format!("/openapi/{name}.json")).await.json().unwrap();
        assert_eq!(document["openapi"], "3.1.0", "{name}");
        let operations = document["paths"].as_object().unwrap().values();
        for said in operations.flat_map(|item| item.as_object().unwrap().values()) {
            let id = said["operationId"].as_str().unwrap();
            assert!(text.contains(&format!("id=\"{id}\"")), "{name} lacks {id}");
        }
    }
    assert_eq!(of_operators(world, "GET", "/openapi/nothing").await.status, 404);
    assert_eq!(of_operators(world, "POST", "/openapi/ofxpera").await.status, 404);
}

/// Lists the participants, or registers one.
async fn organisations(world: &World, tpp: &Tpp, token: &str, new: Option<Value>) -> Answer {
    let url = format!("{}/OFPH/v1/admin/organization", api_origin(world, tpp));
    let json = ("content-type", "application/json".to_owned());
    let headers = vec![("participant-id", tpp.id().to_owned()), json];
    let method = if new.is_some() { "POST" } else { "GET" };
    let body = Bytes::from(new.map_or_else(String::new, |new| new.to_string()));
    tpp.call(&Call { method, url: &url, token, headers, body }, HONEST).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_say_who_takes_part_and_it_holds_at_the_next_call() {
    let world = World::start(Settings::default()).await;
    let luzon = world.luzon();
    let token = luzon.act_alone("admin:read admin:write", HONEST).await.unwrap();
    let token = token.member("access_token").unwrap();
    let registration = json!({"organizationId": luzon.id(), "organizationName": "Luzon Bank",
        "organizationType": "CONTRIBUTOR_INSTITUTION", "registeredName": "Luzon Bank Incorporated",
        "contactDetails": {"phone": "0288881234", "email": "of@luzonbank.example"},
        "endpointURIs": {"authorizationEndpoint": "https://as.luzonbank.example/a",
            "tokenEndpoint": "https://as.luzonbank.example/t", "resourceEndpoint": "https://api.luzonbank.example"}});
    assert_eq!(organisations(&world, &luzon, &token, Some(registration)).await.status, 201);
    let put = async |id: &str, status: &str| {
        of_operators(&world, "PUT", &format!("/participants/{id}/{status}")).await.status.as_u16()
    };
    for (status, answered) in
        [("suspended", 403), ("active", 200), ("inactive", 403), ("maintenance", 200), ("active", 200)]
    {
        assert_eq!(put("luzon-bank", status).await, 200, "{status}");
        let answer = organisations(&world, &luzon, &token, None).await;
        assert_eq!(answer.status, answered, "{status}: {}", answer.text());
        if answered == 403 {
            assert_eq!(answer.json().unwrap()["errors"][0]["code"], "PARTICIPANT_INACTIVE");
        }
    }
    assert_eq!((put("luzon-bank", "gone").await, put("nobody", "active").await), (404, 404));
    assert_eq!(of_operators(&world, "GET", "/participants/luzon-bank/active").await.status, 404);
}

/// Tokens under a consent of this interface.
async fn under_a_consent(world: &World, tpp: &Tpp) -> Tokens {
    let alone = tpp.act_alone("consent", HONEST).await.unwrap().member("access_token").unwrap();
    let now = host::now();
    let wanted = json!({"data": {"data_holder_id": "bayan-trust", "permissions": ["SOURCE_ACCOUNT_READ"],
        "sharing_duration": {"start_date": instant(now), "end_date": instant(now + 86_400)},
        "purpose": "see where the money is"}});
    let url = format!("{}/OFPH/v1/common/consent", api_origin(world, tpp));
    let headers =
        vec![("participant-id", tpp.id().to_owned()), ("content-type", "application/json".to_owned())];
    let body = Bytes::from(wanted.to_string());
    let made = tpp.call(&Call { method: "POST", url: &url, token: &alone, headers, body }, HONEST).await;
    let made = made.unwrap().json().unwrap();
    let details = json!([{"type": "urn:ofxpera:consent:v1", "consentId": made["data"]["id"]}]);
    let ask = Ask::new("openid bank_account").with_details(&details);
    let request_uri = world.push(tpp, &ask).await;
    let chosen = Decision::ApproveOnly(vec!["acc-mariam-3".to_owned()]);
    let returned = world.decide(tpp, &request_uri, &chosen).await;
    let code = tpp.code(&ask, &returned).await.unwrap();
    Tokens::read(&tpp.redeem(&ask, &code, HONEST).await.unwrap()).unwrap()
}

async fn by_hash(world: &World, token: &str) -> Value {
    let apis = world.apis();
    let own = apis.act_alone("introspection", HONEST).await.unwrap().member("access_token").unwrap();
    let hash = conformance::tpp::keys::sha256(token.as_bytes());
    let url = format!("{}/oauth/introspection?token_hash={hash}", api_origin(world, &apis));
    let call = Call { method: "GET", url: &url, token: &own, headers: Vec::new(), body: Bytes::new() };
    apis.call(&call, HONEST).await.unwrap().json().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_4_a_token_is_found_by_its_hash_after_a_start_and_names_its_customer() {
    let world = World::start(Settings::default()).await;
    let tokens = under_a_consent(&world, &world.luzon()).await;
    let told = by_hash(&world, &tokens.access).await;
    assert_eq!((&told["active"], &told["username"]), (&json!(true), &json!("mariam")));
    let place = world.bank.kill().await.unwrap();
    let world = World::around(place.start().await.unwrap()).await;
    assert_eq!(by_hash(&world, &tokens.access).await, told);
    let apis = world.apis();
    let posted = apis.present("introspection_endpoint", &tokens.access, HONEST).await.unwrap();
    assert_eq!(posted.json().unwrap(), told, "the form with POST tells the same");
    let luzon = world.luzon();
    let own = luzon.present("introspection_endpoint", &tokens.access, HONEST).await.unwrap();
    assert_eq!(own.json().unwrap().get("username"), None, "a client learns no name from its own token");
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_4_other_methods_are_told_both_that_there_are() {
    let world = embedded().await;
    for (path, methods) in [
        ("/oauth/introspection", "GET, POST"),
        ("/oauth/introspect", "GET, POST"),
        ("/introspect", "POST"),
        ("/oauth/token", "POST"),
    ] {
        let url = format!("{}{path}", world.issuer());
        let request = Request::delete(url).body(Bytes::new()).unwrap();
        let answer = world.bank.client().unwrap().send(request).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some(methods)), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_2_a_customer_who_idles_on_the_login_page_is_sent_back_and_the_client_is_told() {
    let world = World::start(Settings { controls: Controls::Present, ..Settings::default() }).await;
    let palm = world.palm();
    let request_uri = world.push(&palm, &identity()).await;
    let mut visit = palm.visit().unwrap();
    let place = visit.open(&palm.authorization_url(&request_uri).unwrap()).await.unwrap();
    let form = page_form(&place, "password");
    let clock = format!("{}/test/clock", world.bank.admin_origin());
    let moved = Request::post(clock).body(Bytes::from("{\"advance_s\": 601}")).unwrap();
    assert_eq!(world.bank.client().unwrap().send(moved).await.unwrap().status, 200);
    let returned = visit.sign_in(form, &world.user).await.unwrap().returned().unwrap();
    assert_eq!(returned.parameter("error").as_deref(), Some("access_denied"));
    assert!(returned.parameter("error_description").unwrap().starts_with("login_timeout"));
    assert!(returned.parameter("state").is_some() && returned.parameter("code").is_none());
}
