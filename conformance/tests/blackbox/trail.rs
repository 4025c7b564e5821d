//! What the customer saw is what was approved, and what was done is on record: the text of the page, its hash beside the
//! tokens, the operators' view, the audit trail and the command that verifies it.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use conformance::bank::binary;
use conformance::browser::Browser;
use conformance::client::Answer;
use conformance::tpp::flow::{Ask, Tpp};
use conformance::tpp::mutate::HONEST;
use conformance::user::Decision;
use fantoccini::Locator;
use http::Request;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::browser::{DESK, Screen, TELEPHONE, browser, in_the_dark, picture, returned, sign_in};
use crate::support::judge::because;
use crate::support::uae::{self, ACCOUNT};
use crate::support::{World, embedded, page, page_form};

async fn record(world: &World, id: &str) -> Value {
    let url = format!("{}/consents/{id}", world.bank.admin_origin());
    world.bank.client().unwrap().get(&url).await.unwrap().json().unwrap()
}

fn approval(record: &Value) -> Value {
    let history = record["history"].as_array().unwrap();
    history.iter().find(|entry| entry["to"] == "Authorized" && !entry["shown"].is_null()).unwrap().clone()
}

fn hash(shown: &Value) -> String {
    let (language, text) = (shown["language"].as_str().unwrap(), shown["text"].as_str().unwrap());
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("{language}\n{text}").as_bytes()))
}

/// What a reader sees of the element, line by line.
async fn read(browser: &Browser, id: &str) -> Vec<String> {
    let text = browser.page().find(Locator::Id(id)).await.unwrap().text().await.unwrap();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).filter(|line| !line.is_empty()).collect()
}

async fn opened(world: &World, palm: &Tpp, ask: &Ask, screen: Screen) -> Browser {
    let request_uri = world.push(palm, ask).await;
    let browser = browser(screen).await;
    browser.open(&palm.authorization_url(&request_uri).unwrap()).await.unwrap();
    browser
}

#[tokio::test]
async fn what_the_browser_showed_is_kept_word_for_word_and_its_hash_travels_with_the_tokens() {
    let world = embedded().await;
    let palm = world.palm();
    for (language, ask) in [("en", uae::single_payment()), ("ar", uae::single_payment())] {
        let (id, ask) = ask;
        let ask = ask.with("ui_locales", language);
        let browser = opened(world, &palm, &ask, DESK).await;
        sign_in(world, &browser).await;
        let seen = read(&browser, "agreed").await;
        let account = format!("input[name=accounts][value='{ACCOUNT}']");
        browser.page().find(Locator::Css(&account)).await.unwrap().click().await.unwrap();
        browser.press("approve").await.unwrap();
        let back = returned(&browser, &palm).await;
        browser.close().await.unwrap();
        let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let tokens = palm.redeem(&ask, &code, HONEST).await.unwrap().json().unwrap();
        let shown = approval(&record(world, &id).await)["shown"].clone();
        let kept = shown["text"].as_str().unwrap();
        let kept: Vec<&str> = kept.lines().collect();
        let words = |lines: &[String]| lines.join(" ");
        let kept_words = words(&kept.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        assert_eq!(kept_words, words(&seen), "{language}");
        assert_eq!(shown["language"], language);
        assert!(kept_words.contains("AED 149.90") && kept_words.contains("AE050260001015432198765"));
        assert_eq!(shown["sha256"], json!(hash(&shown)));
        assert_eq!(tokens["consent_text_sha256"], shown["sha256"], "{language}");
        let token = tokens["access_token"].as_str().unwrap();
        let introspected = world.apis().present("introspection_endpoint", token, HONEST).await.unwrap();
        assert_eq!(introspected.json().unwrap()["consent_text_sha256"], shown["sha256"]);
    }
}

#[tokio::test]
async fn an_approval_of_a_text_that_is_not_the_one_there_is_now_is_refused_and_the_page_shown_again() {
    let world = embedded().await;
    let palm = world.palm();
    let (id, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let mut visit = world.signed_in().await;
    let place = visit.open(&palm.authorization_url(&request_uri).unwrap()).await.unwrap();
    let mut form = page_form(&place, "decision");
    // the page was read in English; what it says in Arabic was never read
    assert!(form.fill("lang", "ar"));
    form.tick("accounts", |account| account == ACCOUNT);
    let place = visit.submit(&form, "approve").await.unwrap();
    assert_eq!(page(&place).status, 422);
    assert!(page(&place).text().contains("lang=\"ar\""));
    assert!(
        record(world, &id).await["history"]
            .as_array()
            .unwrap()
            .iter()
            .all(|entry| entry["to"] != "Authorized")
    );
    let mut forged = page_form(&place, "decision");
    forged.tick("accounts", |account| account == ACCOUNT);
    assert!(forged.fill("shown", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    let place = visit.submit(&forged, "approve").await.unwrap();
    assert_eq!(page(&place).status, 403, "a hash that no page of ours had");
}

#[tokio::test]
async fn an_error_page_speaks_the_language_that_was_chosen_or_that_the_browser_asks_for() {
    let world = embedded().await;
    let url = format!("{}/authorize?client_id=palm-books&request_uri=urn:x", world.issuer());
    for (accept, cookie, language, direction) in [
        ("", "", "en", "ltr"),
        ("ar-AE,ar;q=0.9,en;q=0.5", "", "ar", "rtl"),
        ("en", "__Host-language=ar", "ar", "rtl"),
        ("ar", "__Host-language=en", "en", "ltr"),
        ("ar", "__Host-language=<script>", "ar", "rtl"),
        ("fr;q=1,<b>", "", "en", "ltr"),
    ] {
        let mut request = Request::get(&url);
        for (name, value) in [("accept-language", accept), ("cookie", cookie)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        let answer = world.bank.client().unwrap().send(request.body(Bytes::new()).unwrap()).await.unwrap();
        let text = answer.text();
        assert_eq!(answer.status, 400, "{text}");
        assert!(
            text.contains(&format!("lang=\"{language}\" dir=\"{direction}\"")),
            "{accept} {cookie}: {text}"
        );
        assert_eq!(text.contains("لا يمكن فتح هذا الطلب"), language == "ar", "{text}");
        assert!(!text.contains("<script>") && !text.contains("<b>"), "{text}");
    }
}

#[tokio::test]
async fn pages_are_in_the_language_of_the_request_the_browser_or_the_switch_and_run_the_right_way() {
    let world = embedded().await;
    let palm = world.palm();
    for (screen, name) in [(TELEPHONE, "telephone"), (DESK, "desk")] {
        let (id, ask) = uae::single_payment();
        let browser = opened(world, &palm, &ask.with("ui_locales", "fr ar-AE"), screen).await;
        direction(&browser, "ar", "rtl").await;
        picture(&browser, &format!("ar-sign-in-{name}")).await;
        sign_in(world, &browser).await;
        direction(&browser, "ar", "rtl").await;
        picture(&browser, &format!("ar-consent-{name}")).await;
        in_the_dark(&browser).await;
        picture(&browser, &format!("ar-consent-{name}-dark")).await;
        browser.press("switch-language").await.unwrap();
        direction(&browser, "en", "ltr").await;
        picture(&browser, &format!("en-consent-{name}-dark")).await;
        browser.press("switch-language").await.unwrap();
        direction(&browser, "ar", "rtl").await;
        let account = format!("input[name=accounts][value='{ACCOUNT}']");
        browser.page().find(Locator::Css(&account)).await.unwrap().click().await.unwrap();
        browser.press("approve").await.unwrap();
        returned(&browser, &palm).await;
        browser.open(&format!("{}/my/consents", world.issuer())).await.unwrap();
        direction(&browser, "ar", "rtl").await;
        picture(&browser, &format!("ar-my-consents-{name}")).await;
        browser.open(&format!("{}/my/consents/{id}", world.issuer())).await.unwrap();
        picture(&browser, &format!("ar-consent-details-{name}")).await;
        browser.open(&format!("{}/no-such-page", world.issuer())).await.unwrap();
        browser.open(&format!("{}/my/consents/unknown", world.issuer())).await.unwrap();
        direction(&browser, "ar", "rtl").await;
        picture(&browser, &format!("ar-error-{name}")).await;
        browser.open(&format!("{}/operator/consents/{id}", world.bank.admin_origin())).await.unwrap();
        picture(&browser, &format!("operator-consent-{name}")).await;
        browser.open(&format!("{}/operator/consents", world.bank.admin_origin())).await.unwrap();
        picture(&browser, &format!("operator-consents-{name}")).await;
        browser.close().await.unwrap();
    }
}

async fn direction(browser: &Browser, language: &str, direction: &str) {
    let script = "return [document.documentElement.lang, document.documentElement.dir]";
    let found = browser.page().execute(script, Vec::new()).await.unwrap();
    assert_eq!(found, json!([language, direction]));
}

async fn order(world: &World, path: &str, body: &Value) -> Answer {
    let request = Request::post(format!("{}{path}", world.bank.admin_origin()))
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()));
    world.bank.client().unwrap().send(request.unwrap()).await.unwrap()
}

#[tokio::test]
async fn an_operator_finds_holds_lets_go_and_ends_a_consent_and_each_is_on_record_with_name_and_reason() {
    let world = embedded().await;
    let palm = world.palm();
    let (id, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    world.decide(&palm, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let said = json!({"actor": "olga", "reason": "case 17"});
    for verb in ["suspend", "resume", "revoke"] {
        let answer = order(world, &format!("/consents/{id}/{verb}"), &said).await;
        assert_eq!(answer.status, 200, "{verb}");
        assert_eq!(answer.json().unwrap(), json!({"changed": true}), "{verb}");
    }
    let again = order(world, &format!("/consents/{id}/resume"), &said).await;
    assert_eq!(again.status, 409);
    for bad in [
        json!({"actor": "olga"}),
        json!({"actor": "", "reason": "x"}),
        json!({"actor": "a", "reason": "b\n"}),
    ] {
        assert_eq!(order(world, &format!("/consents/{id}/revoke"), &bad).await.status, 400);
    }
    let listed = format!("{}/consents?id={id}&client=palm-books", world.bank.admin_origin());
    let listed = world.bank.client().unwrap().get(&listed).await.unwrap().json().unwrap();
    assert_eq!(listed["consents"].as_array().unwrap().len(), 1);
    let positions = sealed(world, &id).await;
    assert_eq!(positions.iter().collect::<HashSet<_>>().len(), 5, "{positions:?}");
    let record = record(world, &id).await;
    let by_olga = record["history"].as_array().unwrap().iter().filter(|entry| entry["actor"] == "olga");
    let said: Vec<_> = by_olga
        .map(|entry| (entry["to"].clone(), entry["channel"].clone(), entry["reason"].clone()))
        .collect();
    let line = |to: &str| (json!(to), json!("operator"), json!("case 17"));
    assert_eq!(said, [line("Suspended"), line("Authorized"), line("Revoked")]);
    let page = format!("{}/operator/consents/{id}", world.bank.admin_origin());
    let stranger = Request::get(&page).header("host", "bank.attacker.example").body(Bytes::new()).unwrap();
    assert_eq!(world.bank.client().unwrap().send(stranger).await.unwrap().status, 421);
    let form = Request::post(&page)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from_static(b"actor=a&reason=b&verb=revoke&csrf=x"));
    assert_eq!(world.bank.client().unwrap().send(form.unwrap()).await.unwrap().status, 403);
}

/// The positions of a consent's entries, once each of them has one.
async fn sealed(world: &World, id: &str) -> Vec<i64> {
    for _ in 0..50 {
        let record = record(world, id).await;
        let positions: Vec<_> = record["history"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|entry| entry["position"].as_i64())
            .collect();
        if positions.len() == record["history"].as_array().unwrap().len() {
            return positions;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{id} is not sealed within five seconds");
}

#[tokio::test]
async fn the_command_verifies_the_trail_of_a_running_bank_and_shows_a_consent() {
    let world = embedded().await;
    let palm = world.palm();
    let (id, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    world.decide(&palm, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    sealed(world, &id).await;
    let run = async |words: &[&str]| {
        let data = world.bank.directory().display().to_string();
        let mut bank = tokio::process::Command::new(binary().unwrap());
        bank.args(["--data-dir", &data, "audit"]).args(words).output().await.unwrap()
    };
    let verified = run(&["verify"]).await;
    let text = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{text}{}", String::from_utf8_lossy(&verified.stderr));
    assert!(text.contains("The trail fits."), "{text}");
    let shown = run(&["show", "--consent", &id]).await;
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("AwaitingAuthorization -> Authorized") && text.contains("(redirect)"), "{text}");
    assert!(!text.contains("AE05") && !text.contains("Date Palm"), "{text}");
    assert_eq!(run(&["show", "--consent", "unknown"]).await.status.code(), Some(1));
}

/// LOG-01: whoever refuses, the transport, the server, its pages or the guard of the APIs. The judges of all other tests
/// look for that line as well.
#[tokio::test]
async fn a_refusal_at_every_endpoint_is_a_line_of_the_log_that_names_its_rule() {
    let world = embedded().await;
    let palm = world.palm();
    let client = world.bank.client().unwrap();
    let at = |name: &str| palm.endpoint(name).unwrap();
    let (par, token) = (at("pushed_authorization_request_endpoint"), at("token_endpoint"));
    let (revocation, userinfo) = (at("revocation_endpoint"), at("userinfo_endpoint"));
    let unasked = [
        (Request::get(&par), "RFC9110-15.5.6"),
        (Request::post(&par), "RFC6749-4.1.3-media"),
        (Request::post(format!("{token}?a=b")), "RFC6749-3.2-query"),
        (Request::get(format!("{userinfo}?access_token=x")), "RFC6750-2-userinfo"),
        (Request::get(&userinfo), "RFC6750-2"),
        (Request::get(at("authorization_endpoint")), "RFC9126-4"),
        (Request::get(format!("{}/OFPH/v1/banking/accounts", world.issuer())), "RFC6750-2"),
        (Request::get(format!("{}/open-finance/payment/v1/payments/x", world.issuer())), "RFC6750-2"),
    ];
    for (request, rule) in unasked {
        because(&client.send(request.body(Bytes::new()).unwrap()).await.unwrap(), rule);
    }
    for url in [&par, &token, &revocation, &at("introspection_endpoint")] {
        because(&client.post_form(url, &[("client_id", "palm-books")]).await.unwrap(), "RFC6749-2.3-present");
    }
    let large = vec![("client_id".to_owned(), "x".repeat(300_000))];
    because(&client.post_form(&par, &large).await.unwrap(), "RFC9126-2.3-body");
}
