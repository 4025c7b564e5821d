//! OFxPERA sections 5.4, 6.1 and 8 at the running bank: introspection by query, pages from elsewhere, and the way of a
//! customer to an account.

use bytes::Bytes;
use conformance::client::Answer;
use conformance::host;
use conformance::tpp::flow::{Ask, Call, Tokens, Tpp};
use conformance::tpp::mutate::HONEST;
use conformance::user::Decision;
use http::Request;
use serde_json::{Value, json};

use crate::support::judge::inactive;
use crate::support::uae::{api_origin, instant};
use crate::support::{World, embedded, identity, page};

async fn asked(world: &World, tpp: &Tpp, token: &str, query: &str) -> Answer {
    let origin = api_origin(world, tpp);
    let url = format!("{origin}/oauth/introspection?{query}");
    let call = Call { method: "GET", url: &url, token, headers: Vec::new(), body: Bytes::new() };
    tpp.call(&call, HONEST).await.unwrap()
}

fn hash_of(token: &str) -> String {
    conformance::tpp::keys::sha256(token.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_4_a_resource_server_asks_by_hash_and_learns_what_the_form_with_post_tells() {
    let world = embedded().await;
    let tokens = world.tokens(&world.palm(), &identity()).await;
    let apis = world.apis();
    let own = apis.act_alone("introspection", HONEST).await.unwrap().member("access_token").unwrap();
    let by_hash = asked(world, &apis, &own, &format!("token_hash={}", hash_of(&tokens.access))).await;
    let posted = apis.present("introspection_endpoint", &tokens.access, HONEST).await.unwrap();
    assert_eq!(by_hash.json().unwrap(), posted.json().unwrap());
    assert_eq!(by_hash.header("referrer-policy"), Some("no-referrer"));
    assert!(by_hash.header("cache-control").unwrap().contains("no-store"));
    assert_eq!(by_hash.header("warning"), None);
    let by_itself = asked(world, &apis, &own, &format!("token={}", tokens.access)).await;
    assert_eq!(by_itself.json().unwrap(), posted.json().unwrap());
    assert_eq!(by_itself.header("warning"), Some("299 - \"token in query\""));
    inactive(&asked(world, &apis, &own, &format!("token_hash={}", hash_of("x"))).await, "unknown");
    world.palm().present("revocation_endpoint", &tokens.access, HONEST).await.unwrap();
    inactive(&asked(world, &apis, &own, &format!("token_hash={}", hash_of(&tokens.access))).await, "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_4_nobody_but_a_resource_server_with_one_question_is_answered() {
    let world = embedded().await;
    let (apis, palm) = (world.apis(), world.palm());
    let tokens = world.tokens(&palm, &identity()).await;
    let question = format!("token_hash={}", hash_of(&tokens.access));
    let ordinary = palm.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap();
    for token in [&ordinary, &tokens.access] {
        let answer = asked(world, &palm, token, &question).await;
        assert_eq!(answer.status, 403, "{}", answer.text());
        assert_eq!(answer.json().unwrap()["error"], "insufficient_scope");
    }
    let url = format!("{}/oauth/introspection?{question}", api_origin(world, &palm));
    let nobody = palm.registered().http.get(&url).await.unwrap();
    assert_eq!(nobody.status, 401);
    let own = apis.act_alone("introspection", HONEST).await.unwrap().member("access_token").unwrap();
    for wrong in ["", "token_hash=x", &format!("{question}&token=x"), &format!("{question}&{question}")] {
        let answer = asked(world, &apis, &own, wrong).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json().unwrap()["error"]),
            (400, &json!("invalid_request")),
            "{wrong}"
        );
    }
}

/// One call of the API.
pub(crate) async fn call(
    with: (&World, &Tpp),
    token: &str,
    what: (&str, &str),
    body: Option<Value>,
) -> Answer {
    taking(with, token, (what, "application/json"), body).await
}

/// One call of the API that takes answers of this kind.
pub(crate) async fn taking(
    (world, tpp): (&World, &Tpp),
    token: &str,
    ((method, path), accept): ((&str, &str), &str),
    body: Option<Value>,
) -> Answer {
    let url = format!("{}/OFPH/v1{path}", api_origin(world, tpp));
    let mut headers = vec![("participant-id", tpp.id().to_owned()), ("accept", accept.to_owned())];
    if body.is_some() {
        headers.push(("content-type", "application/json".to_owned()));
        headers.push(("x-idempotency-key", host::uuid()));
    }
    let body = Bytes::from(body.map_or_else(String::new, |body| body.to_string()));
    tpp.call(&Call { method, url: &url, token, headers, body }, HONEST).await.unwrap()
}

#[track_caller]
pub(crate) fn data(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    answer.json().unwrap()["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn section_6_1_the_pages_of_a_participant_may_read_tokens_and_those_of_a_stranger_not() {
    const PAGE: &str = "https://app.palmbooks.example";
    let world = embedded().await;
    let palm = world.palm();
    let token = palm.act_alone("admin:write admin:read", HONEST).await.unwrap();
    let token = token.member("access_token").unwrap();
    let body = json!({"organizationId": palm.id(), "organizationName": "Palm Books",
        "organizationType": "CONTRIBUTOR_INSTITUTION", "registeredName": "Palm Books LLC",
        "contactDetails": {"phone": "0288881234", "email": "of@palmbooks.example"},
        "endpointURIs": {"authorizationEndpoint": "https://as.palmbooks.example/a",
            "tokenEndpoint": "https://as.palmbooks.example/t", "resourceEndpoint": "https://api.palmbooks.example"},
        "corsUris": [PAGE]});
    let made = call((world, &palm), &token, ("POST", "/admin/organization"), Some(body)).await;
    assert_eq!(data(&made, 201)["status"], "ACTIVE");
    let listed = data(&call((world, &palm), &token, ("GET", "/admin/organizations"), None).await, 200);
    assert!(listed.as_array().unwrap().iter().any(|one| one["organizationId"] == palm.id()), "{listed}");
    let origin = api_origin(world, &palm);
    for (path, methods) in [
        ("/oauth/token", "POST"),
        ("/oauth/par", "POST"),
        ("/oauth/userinfo", "GET, POST"),
        ("/OFPH/v1/banking/payments", "POST, GET"),
    ] {
        for (page, allowed) in [(PAGE, Some(PAGE)), ("https://evil.example", None)] {
            let request = Request::options(format!("{origin}{path}"))
                .header("origin", page)
                .header("access-control-request-method", "POST")
                .body(Bytes::new());
            let answer = palm.registered().http.send(request.unwrap()).await.unwrap();
            assert_eq!(answer.status, 204, "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), allowed, "{path}");
            assert_eq!(answer.header("access-control-allow-methods"), allowed.map(|_| methods), "{path}");
            assert_eq!(answer.header("access-control-allow-credentials"), None);
            let request = Request::get(format!("{origin}{path}")).header("origin", page).body(Bytes::new());
            let answer = palm.registered().http.send(request.unwrap()).await.unwrap();
            assert_eq!(answer.header("access-control-allow-origin"), allowed, "{path}: {}", answer.status);
        }
    }
    let request = Request::options(format!("{origin}/oauth/introspection"))
        .header("origin", PAGE)
        .header("access-control-request-method", "GET")
        .body(Bytes::new());
    let never = palm.registered().http.send(request.unwrap()).await.unwrap();
    assert_eq!(never.header("access-control-allow-origin"), None, "introspection is for no page");
}

/// A consent with these permissions, lodged and not decided, and the request that refers to it.
pub(crate) async fn lodged((world, tpp): (&World, &Tpp), permissions: &[&str], scope: &str) -> (String, Ask) {
    let alone = tpp.act_alone("consent", HONEST).await.unwrap().member("access_token").unwrap();
    let now = host::now();
    let wanted = json!({"data": {"data_holder_id": "bayan-trust", "permissions": permissions,
        "sharing_duration": {"start_date": instant(now), "end_date": instant(now + 30 * 86_400)},
        "purpose": "keep my retirement account"}});
    let consent = data(&call((world, tpp), &alone, ("POST", "/common/consent"), Some(wanted)).await, 201);
    let id = consent["id"].as_str().unwrap().to_owned();
    let ask = Ask::new(scope).with_details(&json!([{"type": "urn:ofxpera:consent:v1", "consentId": id}]));
    (id, ask)
}

/// The tokens of a consent with these permissions, given for these accounts.
pub(crate) async fn consented(
    (world, tpp): (&World, &Tpp),
    (permissions, scope): (&[&str], &str),
    accounts: &[&str],
) -> Tokens {
    let (_, ask) = lodged((world, tpp), permissions, scope).await;
    let request_uri = world.push(tpp, &ask).await;
    let chosen = Decision::ApproveOnly(accounts.iter().map(|id| (*id).to_owned()).collect());
    let returned = world.decide(tpp, &request_uri, &chosen).await;
    let code = tpp.code(&ask, &returned).await.unwrap();
    Tokens::read(&tpp.redeem(&ask, &code, HONEST).await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_offered_where_the_consent_opens_or_debits_them_and_the_holder_is_named() {
    const OWN: [&str; 4] = ["pera-mariam-1", "acc-mariam-3", "acc-mariam-1", "acc-mariam-2"];
    let world = embedded().await;
    let luzon = world.luzon();
    for (permissions, scope, offered) in [
        (&["PERA_BASIC_INFO"][..], "openid accounts.basic", &OWN[..1]),
        (&["SOURCE_ACCOUNT_READ"], "openid bank_account", &OWN[1..]),
        (&["PAYMENT_INITIATE"], "openid payments", &OWN[1..2]),
        (&["PAYMENT_INITIATE", "PERA_BASIC_INFO"], "openid payments accounts.basic", &OWN[..2]),
        (&["ACCOUNT_OPEN", "PERA_BASIC_INFO"], "openid accounts.open accounts.basic", &OWN[..1]),
        (&["CUSTOMER_READ", "ACCOUNT_OPEN"], "openid customer accounts.open", &[]),
    ] {
        let (_, ask) = lodged((world, &luzon), permissions, scope).await;
        let request_uri = world.push(&luzon, &ask).await;
        let mut visit = world.signed_in().await;
        let place = visit.open(&luzon.authorization_url(&request_uri).unwrap()).await.unwrap();
        let text = page(&place).text();
        for id in OWN {
            let box_of_it = format!("name=\"accounts\" value=\"{id}\"");
            assert_eq!(text.contains(&box_of_it), offered.contains(&id), "{permissions:?}: {id}");
        }
        assert!(text.contains("Bayan Trust (bayan-trust)"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_7_1_a_consent_changes_until_its_page_is_open_and_the_page_shows_what_is_stored() {
    const OTHER: &str = "compare my retirement accounts";
    let world = embedded().await;
    let luzon = world.luzon();
    let alone = luzon.act_alone("consent", HONEST).await.unwrap().member("access_token").unwrap();
    let (id, ask) = lodged((world, &luzon), &["PERA_BASIC_INFO"], "openid accounts.basic").await;
    let path = format!("/common/consent/{id}");
    let stored = data(&call((world, &luzon), &alone, ("GET", &path), None).await, 200);
    let wanted = json!({"data": {"data_holder_id": "bayan-trust", "permissions": stored["permissions"],
        "sharing_duration": stored["sharing_duration"], "purpose": OTHER}});
    let change = || call((world, &luzon), &alone, ("PUT", &path), Some(wanted.clone()));
    let request_uri = world.push(&luzon, &ask).await;
    assert_eq!(data(&change().await, 200)["purpose"], OTHER, "pushed, and nobody has read it");
    let mut visit = world.signed_in().await;
    let place = visit.open(&luzon.authorization_url(&request_uri).unwrap()).await.unwrap();
    assert!(page(&place).text().contains(OTHER), "{}", page(&place).text());
    let late = change().await;
    assert_eq!(late.status, 409, "{}", late.text());
    assert_eq!(late.json().unwrap()["errors"][0]["code"], "CONSENT_STATE_CONFLICT");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_account_opened_may_give_none_and_reads_who_holds_the_data() {
    let world = embedded().await;
    let luzon = world.luzon();
    let (id, ask) =
        lodged((world, &luzon), &["ACCOUNT_OPEN", "PERA_BASIC_INFO"], "openid accounts.open accounts.basic")
            .await;
    let request_uri = world.push(&luzon, &ask).await;
    let mut visit = world.signed_in().await;
    let url = luzon.authorization_url(&request_uri).unwrap();
    let place = visit.complete(&url, &world.user, &Decision::ApproveOnly(Vec::new())).await.unwrap();
    let code = luzon.code(&ask, &place.returned().unwrap()).await.unwrap();
    let tokens = Tokens::read(&luzon.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let list = data(&call((world, &luzon), &tokens.access, ("GET", "/banking/accounts"), None).await, 200);
    assert_eq!(list, json!([]));
    let mine = visit.open(&format!("{}/my/consents/{id}", world.issuer())).await.unwrap();
    assert!(page(&mine).text().contains("Bayan Trust (bayan-trust)"), "{}", page(&mine).text());
}

#[tokio::test(flavor = "multi_thread")]
async fn section_8_a_customer_is_handed_over_registered_and_gets_an_account() {
    let world = embedded().await;
    let luzon = world.luzon();
    let with = (world, &luzon);
    let alone = luzon.act_alone("consent products", HONEST).await.unwrap().member("access_token").unwrap();
    let products = data(&call(with, &alone, ("GET", "/banking/products?product-type=UITF"), None).await, 200);
    assert_eq!(products.as_array().unwrap().len(), 2);
    let now = host::now();
    let permissions =
        ["CUSTOMER_READ", "CUSTOMER_DETAIL_READ", "CUSTOMER_ONBOARD", "ACCOUNT_OPEN", "PERA_BASIC_INFO"];
    let wanted = json!({"data": {"data_holder_id": "bayan-trust", "permissions": permissions,
        "sharing_duration": {"start_date": instant(now), "end_date": instant(now + 30 * 86_400)},
        "purpose": "keep my retirement account"}});
    let consent = data(&call(with, &alone, ("POST", "/common/consent"), Some(wanted)).await, 201);
    let id = consent["id"].as_str().unwrap().to_owned();
    let ask = Ask::new("openid customer customer_details customer_onboarding accounts.open accounts.basic")
        .with_details(&json!([{"type": "urn:ofxpera:consent:v1", "consentId": id}]));
    let request_uri = world.push(&luzon, &ask).await;
    let chosen = Decision::ApproveOnly(vec!["pera-mariam-1".to_owned()]);
    let returned = world.decide(&luzon, &request_uri, &chosen).await;
    let code = luzon.code(&ask, &returned).await.unwrap();
    let tokens = Tokens::read(&luzon.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let token = &tokens.access;
    let who = data(&call(with, token, ("GET", "/common/customer"), None).await, 200);
    let path = format!("/common/customers/{}/detail", who["customerId"].as_str().unwrap());
    let record = data(&call(with, token, ("GET", &path), None).await, 200);
    assert_eq!(record["arrangementId"], json!(id));
    let made = call(with, token, ("POST", "/banking/customer"), Some(json!({ "data": record }))).await;
    assert_eq!(data(&made, 201)["status"], "received");
    assert_eq!(data(&call(with, token, ("GET", "/banking/customer"), None).await, 200)["status"], "active");
    let order = json!({"data": {"productId": products[0]["productId"], "termsAccepted": true}});
    let account = data(&call(with, token, ("POST", "/banking/accounts"), Some(order)).await, 201);
    let path = format!("/banking/account/{}", account["id"].as_str().unwrap());
    assert_eq!(data(&call(with, token, ("GET", &path), None).await, 200)["id"], account["id"]);
    let mut narrower = json!({"data": {"data_holder_id": "bayan-trust", "permissions": ["PERA_BASIC_INFO"],
        "sharing_duration": consent["sharing_duration"], "purpose": consent["purpose"]}});
    narrower["data"]["status"] = json!("suspended");
    let path = format!("/common/consent/{id}");
    assert_eq!(data(&call(with, &alone, ("PUT", &path), Some(narrower)).await, 200)["status"], "suspended");
    let refused = call(with, token, ("GET", "/banking/accounts"), None).await;
    assert_eq!(refused.json().unwrap()["errors"][0]["code"], "CONSENT_SUSPENDED");
}

/// Whether a value is as a schema of the published description says, as far as it names members, types and values.
fn described(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = match schema["$ref"].as_str() {
        Some(to) => document.pointer(&to[1..]).unwrap(),
        None => schema,
    };
    let is = |name: &str| schema["type"] == name;
    let of_type = schema["type"].is_null()
        || (is("object") && value.is_object())
        || (is("array") && value.is_array())
        || (is("string") && value.is_string())
        || (is("integer") && value.is_i64())
        || (is("boolean") && value.is_boolean());
    let listed = schema["enum"].as_array().is_none_or(|known| known.contains(value));
    let bounded = schema["maximum"].as_i64().is_none_or(|most| value.as_i64().is_some_and(|n| n <= most));
    if !of_type || !listed || !bounded {
        return Err(format!("{value} is not {schema}"));
    }
    let empty = serde_json::Map::new();
    let members = value.as_object().unwrap_or(&empty);
    for name in schema["required"].as_array().into_iter().flatten() {
        members.get(name.as_str().unwrap()).ok_or(format!("{name} is missing: {value}"))?;
    }
    for (name, member) in members {
        match schema["properties"].get(name) {
            Some(schema) => described(document, schema, member)?,
            None if schema["additionalProperties"] == false => {
                return Err(format!("{name} is unknown: {value}"));
            }
            None => {}
        }
    }
    value.as_array().into_iter().flatten().try_for_each(|item| described(document, &schema["items"], item))
}

#[tokio::test(flavor = "multi_thread")]
async fn sections_5_1_to_5_5_what_the_oauth_endpoints_answer_is_as_described() {
    const SCOPE: &str = "openid profile email phone address customer";
    let world = embedded().await;
    let luzon = world.luzon();
    let origin = api_origin(world, &luzon);
    let http = luzon.registered().http.clone();
    let document = http.get(&format!("{origin}/openapi/ofxpera.json")).await.unwrap().json().unwrap();
    let fits = |path: &str, method: &str, answer: &Answer| {
        let said = &document["paths"][path][method]["responses"][answer.status.as_str()];
        let media = answer.header("content-type").unwrap().split(';').next().unwrap().to_owned();
        let schema = &said["content"][&media]["schema"];
        assert!(schema.is_object(), "{method} {path}: {} {media} is not described", answer.status);
        let told = answer.json().unwrap();
        described(&document, schema, &told).unwrap_or_else(|fault| panic!("{method} {path}: {fault}"));
        told
    };
    let (_, ask) = lodged((world, &luzon), &["CUSTOMER_READ"], SCOPE).await;
    let pushed = luzon.push(&ask, HONEST).await.unwrap();
    fits("/oauth/par", "post", &pushed);
    let returned = world.decide(&luzon, &pushed.member("request_uri").unwrap(), &Decision::Approve).await;
    let code = luzon.code(&ask, &returned).await.unwrap();
    let answer = luzon.redeem(&ask, &code, HONEST).await.unwrap();
    let told = fits("/oauth/token", "post", &answer);
    assert_eq!(told["authorization_details"][0]["type"], "urn:ofxpera:consent:v1");
    let tokens = Tokens::read(&answer).unwrap();
    let again = luzon.redeem(&ask, &code, HONEST).await.unwrap();
    assert_eq!(fits("/oauth/token", "post", &again)["error"], "invalid_grant");
    let dead = fits("/oauth/userinfo", "get", &world.userinfo(&luzon, &tokens.access).await);
    assert_eq!(dead["error"], "invalid_token", "a code that is used twice ends what it began");
    let tokens = consented((world, &luzon), (&["CUSTOMER_READ"], SCOPE), &[]).await;
    let who = fits("/oauth/userinfo", "get", &world.userinfo(&luzon, &tokens.access).await);
    assert_eq!(who["sub"], "cus-mariam");
    let apis = world.apis();
    let own = apis.act_alone("introspection", HONEST).await.unwrap().member("access_token").unwrap();
    for token in [&tokens.access, "unknown"] {
        let query = format!("token_hash={}", hash_of(token));
        fits("/oauth/introspection", "get", &asked(world, &apis, &own, &query).await);
        let posted = apis.present("introspection_endpoint", token, HONEST).await.unwrap();
        fits("/oauth/introspection", "post", &posted);
    }
    let twice = asked(world, &apis, &own, "token_hash=x&token=y").await;
    fits("/oauth/introspection", "get", &twice);
    for (path, form, error) in [
        ("/oauth/par", "response_type=token", "invalid_client"),
        ("/oauth/par", "client_id=luzon-bank&request=x", "request_not_supported"),
        ("/oauth/par", "client_id=luzon-bank", "invalid_request"),
        ("/oauth/token", "client_id=luzon-bank&grant_type=password", "unsupported_grant_type"),
        ("/oauth/token", "client_id=nobody&grant_type=password", "invalid_client"),
    ] {
        let request = Request::post(format!("{origin}{path}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from_static(form.as_bytes()));
        let answer = http.send(request.unwrap()).await.unwrap();
        assert_eq!(fits(path, "post", &answer)["error"], error, "{form:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_published_and_can_be_browsed_by_operators() {
    let world = embedded().await;
    let palm = world.palm();
    let url = format!("{}/openapi/ofxpera.json", api_origin(world, &palm));
    let document = palm.registered().http.get(&url).await.unwrap();
    assert_eq!((document.status.as_u16(), &document.json().unwrap()["openapi"]), (200, &json!("3.1.0")));
}
