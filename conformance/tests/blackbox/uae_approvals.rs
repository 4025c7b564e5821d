//! UAE bank service initiation, sections 6, 7, 10, 11.1 and 15: who has to approve, who may act on a consent, and what that
//! does to its tokens.

use bytes::Bytes;
use conformance::client::Answer;
use conformance::host;
use conformance::tpp::flow::{Ask, Call, Tokens, Tpp};
use conformance::tpp::mutate::HONEST;
use conformance::user::{Decision, User, Visit};
use serde_json::{Value, json};

use crate::support::judge::{inactive, refused};
use crate::support::uae::{self, ACCOUNT, AMOUNT, BASE};
use crate::support::{World, over_every_database, page, page_form};

over_every_database!(
    a_joint_account_pays_when_the_second_holder_has_approved_at_the_bank,
    one_rejection_ends_a_request_of_three_and_its_tokens,
    nobody_else_sees_or_decides_what_waits_for_an_authoriser,
    an_operator_reads_what_each_approver_saw_in_the_language_it_was_read_in,
    a_consent_for_one_person_is_not_given_from_a_joint_account,
    an_account_that_the_request_names_is_the_one_that_pays,
    the_banks_side_holds_decides_and_revokes_and_no_third_party_does,
    a_third_party_changes_status_and_subscription_all_or_nothing,
    a_consent_continues_only_one_of_the_same_customer,
);

const JOINT: &str = "acc-mariam-joint";
const COMPANY: &str = "acc-wadi-trading";
const MANAGER: &str = "/open-finance/consent-manager/v1";

/// A payment for which any account will do.
fn multi_payment() -> (String, Ask) {
    payment_with(json!({"AcceptedAuthorizationType": "UAEOF.Multi"}))
}

fn payment_with(members: Value) -> (String, Ask) {
    let id = format!("aac-{}", host::uuid());
    let mut details = uae::details(&id, AMOUNT);
    details["Data"].as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let ask = Ask::new("openid payments").with_details(&json!([details]));
    (id, ask)
}

async fn approved(world: &World, tpp: &Tpp, ask: &Ask, account: &str) -> Tokens {
    let request_uri = world.push(tpp, ask).await;
    let only = Decision::ApproveOnly(vec![account.to_owned()]);
    let returned = world.decide(tpp, &request_uri, &only).await;
    let code = tpp.code(ask, &returned).await.unwrap();
    Tokens::read(&tpp.redeem(ask, &code, HONEST).await.unwrap()).unwrap()
}

/// A browser in which one of the demo customers has signed in.
async fn browser_of(world: &World, name: &str) -> Visit {
    let mut visit = world.palm().visit().unwrap();
    let place = visit.open(&format!("{}/sign-in", world.issuer())).await.unwrap();
    visit.sign_in(page_form(&place, "password"), &User::new(name, &world.user.password)).await.unwrap();
    visit
}

/// The text of a page without its tags.
fn plain(page: &str) -> String {
    let pieces = page.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    pieces.collect()
}

async fn alone(tpp: &Tpp, scope: &str) -> String {
    tpp.act_alone(scope, HONEST).await.unwrap().member("access_token").unwrap()
}

async fn read(world: &World, tpp: &Tpp, id: &str) -> Value {
    let url = format!("{}{BASE}/payment-consents/{id}", uae::api_origin(world, tpp));
    let answer = tpp.get(&url, &alone(tpp, "payments").await, HONEST).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    uae::message(tpp, &answer).await
}

async fn status(world: &World, tpp: &Tpp, id: &str) -> String {
    read(world, tpp, id).await["Data"]["Status"].as_str().unwrap().to_owned()
}

async fn pay(world: &World, tpp: &Tpp, token: &str, id: &str) -> Answer {
    uae::pay(world, tpp, token, &host::uuid(), &uae::order(id, AMOUNT)).await
}

async fn introspected(world: &World, token: &str) -> Value {
    let answer = world.apis().present("introspection_endpoint", token, HONEST).await.unwrap();
    answer.json().unwrap()
}

async fn patch(world: &World, tpp: &Tpp, id: &str, message: &Value) -> Answer {
    let (url, token) =
        (format!("{}{BASE}/payment-consents/{id}", world.bank.origin()), alone(tpp, "payments").await);
    let headers =
        vec![("content-type", "application/jwt".to_owned()), ("accept", "application/jwt".to_owned())];
    let body = Bytes::from(uae::signed(tpp, message));
    tpp.call(&Call { method: "PATCH", url: &url, token: &token, headers, body }, HONEST).await.unwrap()
}

/// A call of the bank's side with this client's token of this scope.
async fn manage(
    world: &World,
    (client, scope): (&Tpp, &str),
    (method, path): (&'static str, &str),
    body: &Value,
) -> Answer {
    let (url, token) = (format!("{}{MANAGER}{path}", world.bank.origin()), alone(client, scope).await);
    let headers = vec![("content-type", "application/json".to_owned())];
    let body = Bytes::from(body.to_string());
    client.call(&Call { method, url: &url, token: &token, headers, body }, HONEST).await.unwrap()
}

async fn a_joint_account_pays_when_the_second_holder_has_approved_at_the_bank(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    let palm = world.palm();
    let (id, ask) = multi_payment();
    let request_uri = world.push(&palm, &ask).await;
    let url = palm.authorization_url(&request_uri).unwrap();
    let shown = world.signed_in().await.open(&url).await.unwrap();
    let shown = page(&shown).text();
    assert!(shown.contains("Household (2 people approve)"), "{shown}");
    let returned = world.decide(&palm, &request_uri, &Decision::ApproveOnly(vec![JOINT.to_owned()])).await;
    let code = palm.code(&ask, &returned).await.unwrap();
    let tokens = Tokens::read(&palm.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    let granted_status = |tokens: &Tokens| tokens.body["authorization_details"][0]["Data"]["Status"].clone();
    assert_eq!(granted_status(&tokens), "AwaitingAuthorization");

    let waits = read(world, &palm, &id).await;
    assert_eq!(waits["Data"]["Status"], "AwaitingAuthorization");
    let asked = &waits["Meta"]["MultipleAuthorizers"];
    assert_eq!(asked["TotalRequired"], 2);
    assert_eq!(asked["Authorizations"][0]["AuthorizationStatus"], "Approved");
    assert_eq!(asked["Authorizations"][1]["AuthorizationStatus"], "Pending");
    assert_eq!(pay(world, &palm, &tokens.access, &id).await.status, 400);
    assert_eq!(introspected(world, &tokens.access).await["active"], true);
    let refreshed = palm.refresh(tokens.refresh.as_ref().unwrap(), HONEST).await.unwrap();
    let waiting = Tokens::read(&refreshed).unwrap();

    let mut omar = browser_of(world, "omar").await;
    let list = omar.open(&format!("{}/my/consents", world.issuer())).await.unwrap();
    let list = page(&list).text();
    assert!(list.contains("Waiting for your approval") && list.contains(&id), "{list}");
    let place = omar.open(&format!("{}/my/consents/{id}", world.issuer())).await.unwrap();
    let text = page(&place).text();
    let rows = |text: &str| {
        text.lines()
            .filter(|line| line.contains("<dt>"))
            .map(|line| line.trim().to_owned())
            .collect::<Vec<_>>()
    };
    for row in rows(&shown).iter().filter(|row| !row.contains("<dt>Valid</dt>")) {
        assert!(rows(&text).contains(row), "the second sees what the first saw: {row}");
    }
    let told = plain(&text);
    let both = ["Mariam Al Suwaidi: Approved", "Omar Al Suwaidi: Has not decided"];
    assert!(both.iter().all(|words| told.contains(words)), "{told}");
    let done = omar.submit(&page_form(&place, "approve"), "approve").await.unwrap();
    let said = plain(&page(&done).text());
    assert!(said.contains("Omar Al Suwaidi: Approved"), "{said}");
    let list = omar.open(&format!("{}/my/consents", world.issuer())).await.unwrap();
    assert!(!page(&list).text().contains(&id), "nothing is left to decide");

    assert_eq!(status(world, &palm, &id).await, "Authorized");
    let refreshed =
        palm.refresh(waiting.refresh.as_ref().or(tokens.refresh.as_ref()).unwrap(), HONEST).await.unwrap();
    let good = Tokens::read(&refreshed).unwrap();
    assert_eq!(granted_status(&good), "Authorized");
    let paid = pay(world, &palm, &good.access, &id).await;
    assert_eq!(paid.status, 201, "{}", paid.text());
    let payment = uae::message(&palm, &paid).await["Data"]["PaymentId"].as_str().unwrap().to_owned();
    let end = uae::settled(world, &palm, &good.access, &payment).await;
    assert_eq!(end["Data"]["PaymentStatus"], "AcceptedCreditSettlementCompleted");
}

async fn one_rejection_ends_a_request_of_three_and_its_tokens(world: &World) {
    let palm = world.palm();
    let (id, ask) = multi_payment();
    let tokens = approved(world, &palm, &ask, COMPANY).await;
    assert_eq!(read(world, &palm, &id).await["Meta"]["MultipleAuthorizers"]["TotalRequired"], 3);
    let mut huda = browser_of(world, "huda").await;
    let place = huda.open(&format!("{}/my/consents/{id}", world.issuer())).await.unwrap();
    let form = page_form(&place, "deny");
    let done = huda.submit(&form, "deny").await.unwrap();
    assert_eq!(page(&done).status, 200);
    let again = huda.submit(&form, "approve").await.unwrap();
    assert_eq!(page(&again).status, 409, "the first decision stands");
    let mut omar = browser_of(world, "omar").await;
    let list = omar.open(&format!("{}/my/consents", world.issuer())).await.unwrap();
    assert!(!page(&list).text().contains(&id));
    let after = read(world, &palm, &id).await;
    assert_eq!(after["Data"]["Status"], "Rejected");
    let states: Vec<&Value> = after["Meta"]["MultipleAuthorizers"]["Authorizations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["AuthorizationStatus"])
        .collect();
    assert_eq!(states, ["Approved", "Pending", "Rejected"]);
    assert_eq!(pay(world, &palm, &tokens.access, &id).await.status, 401);
    refused(&palm.refresh(&tokens.refresh.unwrap(), HONEST).await.unwrap(), 400, "invalid_grant");
    inactive(
        &world.apis().present("introspection_endpoint", &tokens.access, HONEST).await.unwrap(),
        "rejected",
    );
}

async fn nobody_else_sees_or_decides_what_waits_for_an_authoriser(world: &World) {
    let palm = world.palm();
    let (id, ask) = multi_payment();
    approved(world, &palm, &ask, JOINT).await;
    let at = format!("{}/my/consents/{id}", world.issuer());
    for name in ["maria", "huda"] {
        let mut stranger = browser_of(world, name).await;
        assert_eq!(page(&stranger.open(&at).await.unwrap()).status, 404, "{name}");
    }
    let mut omar = browser_of(world, "omar").await;
    let place = omar.open(&at).await.unwrap();
    let mut forged = page_form(&place, "approve");
    assert!(forged.fields.iter().any(|field| field.name == "csrf"));
    for field in &mut forged.fields {
        if field.name == "csrf" {
            field.value = "x".repeat(43);
        }
    }
    assert_eq!(page(&omar.submit(&forged, "approve").await.unwrap()).status, 403);
    let mut mariam = world.signed_in().await;
    let own = page_form(&omar.open(&at).await.unwrap(), "approve");
    mariam.open(&at).await.unwrap();
    assert_ne!(page(&mariam.submit(&own, "approve").await.unwrap()).status, 200, "another's form");
    assert_eq!(status(world, &palm, &id).await, "AwaitingAuthorization");
}

async fn an_operator_reads_what_each_approver_saw_in_the_language_it_was_read_in(world: &World) {
    let palm = world.palm();
    let (id, ask) = multi_payment();
    approved(world, &palm, &ask, JOINT).await;
    let mut omar = browser_of(world, "omar").await;
    let place = omar.open(&format!("{}/my/consents/{id}?lang=ar", world.issuer())).await.unwrap();
    let mut forged = page_form(&place, "approve");
    assert!(forged.fill("shown", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_eq!(page(&omar.submit(&forged, "approve").await.unwrap()).status, 403, "a text nobody was shown");
    let mut other = page_form(&place, "approve");
    assert!(other.fill("lang", "en"));
    let again = omar.submit(&other, "approve").await.unwrap();
    assert_eq!(page(&again).status, 422, "read in one language, approved in another");
    assert_eq!(status(world, &palm, &id).await, "AwaitingAuthorization");
    let done = omar.submit(&page_form(&place, "approve"), "approve").await.unwrap();
    assert_eq!(page(&done).status, 200);
    let url = format!("{}/consents/{id}", world.bank.admin_origin());
    let record: Value = world.bank.client().unwrap().get(&url).await.unwrap().json().unwrap();
    let history = record["history"].as_array().unwrap();
    let shown: Vec<&Value> =
        history.iter().map(|entry| &entry["shown"]).filter(|one| !one.is_null()).collect();
    let languages: Vec<&Value> = shown.iter().map(|one| &one["language"]).collect();
    assert_eq!(languages, ["en", "ar"]);
    let kept = shown[1]["text"].as_str().unwrap();
    let read = plain(&page(&place).text()).replace("&amp;", "&");
    let read = read.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(kept.contains("Date Palm Books LLC") && kept.lines().count() > 10, "{kept}");
    for line in kept.lines() {
        assert!(read.contains(line), "on the page: {line}");
    }
    let form = page_form(&place, "approve");
    let hash = form.fields.iter().find(|field| field.name == "shown").unwrap();
    assert_eq!(hash.value, shown[1]["sha256"].as_str().unwrap());
}

async fn a_consent_for_one_person_is_not_given_from_a_joint_account(world: &World) {
    let palm = world.palm();
    let iban = "AE530330000010195511188";
    let debtor = json!({"IdentificationType": "UAEOF.IBAN", "Identification": iban});
    let mut initiation = uae::details("x", AMOUNT)["Data"]["Initiation"].clone();
    initiation["DebtorAccount"] = debtor;
    let (id, ask) = payment_with(json!({"Initiation": initiation}));
    let request_uri = world.push(&palm, &ask).await;
    let url = palm.authorization_url(&request_uri).unwrap();
    let place = world.signed_in().await.open(&url).await.unwrap();
    let returned = place.returned().unwrap();
    assert_eq!(returned.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(status(world, &palm, &id).await, "Rejected");

    let (_, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let url = palm.authorization_url(&request_uri).unwrap();
    let mut visit = world.signed_in().await;
    let place = visit.open(&url).await.unwrap();
    let text = page(&place).text();
    let (_, joint) = text.split_once(&format!("value=\"{JOINT}\"")).expect("the joint account is shown");
    assert!(joint.split('>').next().unwrap().contains("disabled"), "and cannot be chosen");
}

async fn an_account_that_the_request_names_is_the_one_that_pays(world: &World) {
    let _alone = uae::LEDGER.lock().await;
    let palm = world.palm();
    let mut initiation = uae::details("x", AMOUNT)["Data"]["Initiation"].clone();
    initiation["DebtorAccount"] =
        json!({"IdentificationType": "UAEOF.IBAN", "Identification": "AE760330000010195511162"});
    let (id, ask) = payment_with(json!({"Initiation": initiation}));
    let before = uae::balance(world).await;
    let tokens = world.tokens(&palm, &ask).await;
    let paid = pay(world, &palm, &tokens.access, &id).await;
    assert_eq!(paid.status, 201, "{}", paid.text());
    let payment = uae::message(&palm, &paid).await["Data"]["PaymentId"].as_str().unwrap().to_owned();
    uae::settled(world, &palm, &tokens.access, &payment).await;
    assert_eq!(uae::balance(world).await, before - 14_990);
}

async fn the_banks_side_holds_decides_and_revokes_and_no_third_party_does(world: &World) {
    let (palm, lfi) = (world.palm(), world.client("lfi").await);
    let bank = (&lfi, "consent_manager");
    let (id, ask) = multi_payment();
    let tokens = approved(world, &palm, &ask, COMPANY).await;
    refused(&palm.act_alone("consent_manager", HONEST).await.unwrap(), 400, "invalid_scope");
    let decide = |who: &'static str, decision: &'static str| {
        let path = format!("/consents/{id}/authorizations/{who}");
        async move { manage(world, bank, ("POST", &path), &json!({"decision": decision})).await }
    };
    let path = format!("/consents/{id}/authorizations/mgt-0009");
    let forbidden =
        manage(world, (&palm, "payments"), ("POST", &path), &json!({"decision": "Approved"})).await;
    assert_eq!(forbidden.status, 403);
    assert_eq!(decide("nobody", "Approved").await.status, 404);
    assert_eq!(decide("mgt-0010", "Approved").await.json().unwrap()["Status"], "AwaitingAuthorization");
    assert_eq!(decide("mgt-0010", "Rejected").await.status, 409);
    let last = decide("mgt-0009", "Approved").await;
    assert_eq!((last.status.as_u16(), last.json().unwrap()["Status"].clone()), (200, json!("Authorized")));

    let consent = format!("/consents/{id}");
    let to = |status: &str| json!({"consentBody": {"Data": {"Status": status}}});
    assert_eq!(manage(world, bank, ("PATCH", &consent), &to("Suspended")).await.status, 204);
    assert_eq!(pay(world, &palm, &tokens.access, &id).await.status, 400);
    assert_eq!(introspected(world, &tokens.access).await["active"], true);
    let lift = json!({"Data": {"Status": "Authorized"}});
    assert_eq!(patch(world, &palm, &id, &lift).await.status, 400, "a third party lifts no block of the bank");
    assert_eq!(status(world, &palm, &id).await, "Suspended");
    let refreshed =
        Tokens::read(&palm.refresh(tokens.refresh.as_ref().unwrap(), HONEST).await.unwrap()).unwrap();
    let revoke = format!("/consents/{id}/action/revoke");
    let by_user = json!({"revokedBy": "LFI.InitiatedByUser", "revokedByPsu": {"userId": "cus-mariam"}});
    assert_eq!(manage(world, bank, ("POST", &revoke), &by_user).await.status, 204);
    assert_eq!(manage(world, bank, ("POST", &revoke), &by_user).await.status, 409);
    assert_eq!(read(world, &palm, &id).await["Data"]["RevokedBy"], "LFI.InitiatedByUser");
    for token in [&tokens.access, &refreshed.access] {
        assert_eq!(pay(world, &palm, token, &id).await.status, 401, "at once");
        inactive(&world.apis().present("introspection_endpoint", token, HONEST).await.unwrap(), "revoked");
    }
    refused(&palm.refresh(&tokens.refresh.unwrap(), HONEST).await.unwrap(), 400, "invalid_grant");
}

async fn a_third_party_changes_status_and_subscription_all_or_nothing(world: &World) {
    let palm = world.palm();
    let (id, ask) = uae::single_payment();
    approved(world, &palm, &ask, ACCOUNT).await;
    let elsewhere = json!({"Webhook": {"Url": "https://evil.example/h", "IsActive": true}});
    let revoked = json!({"Status": "Revoked", "RevokedBy": "TPP.InitiatedByUser"});
    let before = read(world, &palm, &id).await;
    let both = json!({"Data": revoked, "Subscription": elsewhere});
    assert_eq!(patch(world, &palm, &id, &both).await.status, 400);
    assert_eq!(patch(world, &palm, &id, &json!({"Data": {"Status": "Suspended"}})).await.status, 400);
    assert_eq!(read(world, &palm, &id).await, before, "nothing changed");
    let luzon = world.luzon();
    let url = format!("{}{BASE}/payment-consents/{id}", world.bank.mtls_origin());
    let token = alone(&luzon, "payments").await;
    assert_eq!(luzon.get(&url, &token, HONEST).await.unwrap().status, 404);
    assert_eq!(patch(world, &palm, &id, &json!({"Data": revoked})).await.status, 204);
    let after = read(world, &palm, &id).await;
    assert_eq!(after["Data"]["RevokedBy"], "TPP.InitiatedByUser");
    assert_eq!(patch(world, &palm, &id, &json!({"Data": revoked})).await.status, 400, "it has ended");
}

async fn a_consent_continues_only_one_of_the_same_customer(world: &World) {
    let palm = world.palm();
    let (base, ask) = uae::single_payment();
    approved(world, &palm, &ask, ACCOUNT).await;
    let (id, ask) = payment_with(json!({"BaseConsentId": base}));
    approved(world, &palm, &ask, ACCOUNT).await;
    let url = format!("{}{BASE}/payment-consents?baseConsentId={base}", world.bank.origin());
    let list = palm.get(&url, &alone(&palm, "payments").await, HONEST).await.unwrap();
    let list = uae::message(&palm, &list).await;
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(
        (&list[0]["Data"]["ConsentId"], &list[0]["Data"]["BaseConsentId"]),
        (&json!(id), &json!(base))
    );
    let (id, ask) = payment_with(json!({"BaseConsentId": host::uuid()}));
    let request_uri = world.push(&palm, &ask).await;
    let url = palm.authorization_url(&request_uri).unwrap();
    let place = world.signed_in().await.open(&url).await.unwrap();
    assert_eq!(place.returned().unwrap().parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(status(world, &palm, &id).await, "Rejected");
}
