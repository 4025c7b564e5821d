//! The pages in Chromium, as a customer sees them on a telephone and on a desk; pictures in `target/screenshots`.

use std::time::Duration;

use conformance::browser::Browser;
use conformance::tpp::flow::Tpp;
use fantoccini::Locator;
use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::json;
use url::Url;

use crate::support::uae::{self, ACCOUNT};
use crate::support::{World, embedded};

/// What a page is drawn for: width and height in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen(u32, u32);

pub(crate) const TELEPHONE: Screen = Screen(390, 844);
pub(crate) const DESK: Screen = Screen(1280, 900);

/// Windows cannot be as narrow as a telephone, so the page is told so instead.
impl WebDriverCompatibleCommand for Screen {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let metrics =
            json!({"width": self.0, "height": self.1, "deviceScaleFactor": 1, "mobile": self.0 < 600});
        let command = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics});
        (http::Method::POST, Some(command.to_string()))
    }
}

pub(crate) async fn browser(screen: Screen) -> Browser {
    let browser = Browser::start().await.unwrap();
    browser.page().issue_cmd(screen).await.unwrap();
    browser
}

/// As somebody sees it who has asked for dark pages.
#[derive(Debug)]
struct Dark;

impl WebDriverCompatibleCommand for Dark {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
        let command = json!({"cmd": "Emulation.setEmulatedMedia", "params": features});
        (http::Method::POST, Some(command.to_string()))
    }
}

pub(crate) async fn in_the_dark(browser: &Browser) {
    browser.page().issue_cmd(Dark).await.unwrap();
}

async fn text(browser: &Browser, id: &str) -> String {
    browser.page().find(Locator::Id(id)).await.unwrap().text().await.unwrap()
}

async fn width_fits(browser: &Browser, page: &str) {
    let script = "return document.documentElement.scrollWidth <= window.innerWidth";
    let fits = browser.page().execute(script, Vec::new()).await.unwrap();
    assert_eq!(fits, json!(true), "{page} has to be moved sideways");
}

pub(crate) async fn picture(browser: &Browser, name: &str) {
    width_fits(browser, name).await;
    let file = browser.screenshot(name).await.unwrap();
    assert!(file.metadata().unwrap().len() > 1000, "{name}");
}

/// Where the browser left the bank: nobody listens at the redirect URI, but its address is there.
pub(crate) async fn returned(browser: &Browser, tpp: &Tpp) -> Url {
    for _ in 0..50 {
        let at = browser.page().current_url().await.unwrap();
        if at.as_str().starts_with(&tpp.registered().entry.redirect_uri) {
            return at;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("still at {}", browser.page().current_url().await.unwrap());
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

pub(crate) async fn sign_in(world: &World, browser: &Browser) {
    browser.fill("username", &world.user.name).await.unwrap();
    browser.fill("password", &world.user.password).await.unwrap();
    browser.press("sign-in").await.unwrap();
}

#[tokio::test]
async fn browser_signs_in_after_a_wrong_password_and_approves_a_payment() {
    let world = embedded().await;
    let palm = world.palm();
    let (_, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let browser = browser(TELEPHONE).await;
    browser.open(&palm.authorization_url(&request_uri).unwrap()).await.unwrap();
    picture(&browser, "sign-in").await;
    browser.fill("username", &world.user.name).await.unwrap();
    browser.fill("password", "wrong").await.unwrap();
    browser.press("sign-in").await.unwrap();
    assert!(text(&browser, "error").await.contains("not right"));
    picture(&browser, "wrong-password").await;
    sign_in(world, &browser).await;
    let body = browser.page().find(Locator::Css("main, body")).await.unwrap().text().await.unwrap();
    assert!(body.contains("149.90") && body.contains("Palm Books"), "{body}");
    picture(&browser, "consent").await;
    let account = format!("input[name=accounts][value='{ACCOUNT}']");
    browser.page().find(Locator::Css(&account)).await.unwrap().click().await.unwrap();
    browser.press("approve").await.unwrap();
    let back = returned(&browser, &palm).await;
    let code = parameter(&back, "code").unwrap();
    assert_eq!(parameter(&back, "state"), Some(ask.state.clone()));
    let answer = palm.redeem(&ask, &code, conformance::tpp::mutate::HONEST).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    browser.close().await.unwrap();
}

#[tokio::test]
async fn browser_refuses_and_sees_the_error_page() {
    let world = embedded().await;
    let palm = world.palm();
    let (_, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let browser = browser(TELEPHONE).await;
    browser.open(&palm.authorization_url(&request_uri).unwrap()).await.unwrap();
    sign_in(world, &browser).await;
    browser.press("deny").await.unwrap();
    let back = returned(&browser, &palm).await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&back, "state"), Some(ask.state));
    browser
        .open(&palm.authorization_url("urn:ietf:params:oauth:request_uri:unknown").unwrap())
        .await
        .unwrap();
    assert!(!text(&browser, "error").await.is_empty());
    assert!(!text(&browser, "correlation-id").await.is_empty());
    picture(&browser, "error").await;
    browser.close().await.unwrap();
}

#[tokio::test]
async fn browser_shows_lists_and_ends_consents() {
    let world = embedded().await;
    let palm = world.palm();
    let (id, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let decision = conformance::user::Decision::ApproveOnly(vec![ACCOUNT.to_owned()]);
    world.decide(&palm, &request_uri, &decision).await;
    let browser = browser(TELEPHONE).await;
    browser.open(&format!("{}/sign-in", world.issuer())).await.unwrap();
    sign_in(world, &browser).await;
    picture(&browser, "my-consents").await;
    let link = format!("a[href='/my/consents/{id}']");
    browser.page().find(Locator::Css(&link)).await.unwrap().click().await.unwrap();
    picture(&browser, "consent-details").await;
    browser.press("revoke").await.unwrap();
    picture(&browser, "revoke").await;
    browser.press("confirm-revoke").await.unwrap();
    picture(&browser, "revoked").await;
    let list = format!("{}/my/consents/{id}", world.issuer());
    browser.open(&list).await.unwrap();
    assert!(browser.page().find(Locator::Id("revoke")).await.is_err(), "it is over");
    browser.close().await.unwrap();
}

#[tokio::test]
async fn browser_shows_the_consent_page_on_a_desk() {
    let world = embedded().await;
    let palm = world.palm();
    let (_, ask) = uae::single_payment();
    let request_uri = world.push(&palm, &ask).await;
    let browser = browser(DESK).await;
    browser.open(&palm.authorization_url(&request_uri).unwrap()).await.unwrap();
    sign_in(world, &browser).await;
    picture(&browser, "consent-wide").await;
    browser.close().await.unwrap();
}
