//! The pages in Chromium, as a customer sees them on a telephone and on a desk; pictures in `target/screenshots`.

use std::time::Duration;

use conformance::browser::Browser;
use conformance::tpp::flow::Tpp;
use fantoccini::Locator;
use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::json;
use url::Url;

use crate::pera::lodged;
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

/// OFxPERA section 7.1: which data, from which accounts, for how long and what for, on both screens; one account is ticked.
#[tokio::test]
async fn browser_shows_what_a_retirement_consent_opens_and_gives_the_accounts_that_are_ticked() {
    const PERMISSIONS: &[&str] =
        &["PERA_BASIC_INFO", "PERA_BALANCE", "PERA_TRANSACTIONS", "PAYMENT_INITIATE"];
    const SCOPE: &str = "openid accounts.basic payments";
    let world = embedded().await;
    let luzon = world.luzon();
    for (name, screen) in [("telephone", TELEPHONE), ("desk", DESK)] {
        let (id, ask) = lodged((world, &luzon), PERMISSIONS, SCOPE).await;
        let request_uri = world.push(&luzon, &ask).await;
        let browser = browser(screen).await;
        browser.open(&luzon.authorization_url(&request_uri).unwrap()).await.unwrap();
        sign_in(world, &browser).await;
        let body = browser.page().find(Locator::Css("body")).await.unwrap().text().await.unwrap();
        for shown in ["Bayan Trust (bayan-trust)", "keep my retirement account", "Luzon Bank"] {
            assert!(body.contains(shown), "{shown} is not in {body}");
        }
        picture(&browser, &format!("pera-consent-{name}")).await;
        for account in ["pera-mariam-1", "acc-mariam-3"] {
            let tick = format!("input[name=accounts][value='{account}']");
            browser.page().find(Locator::Css(&tick)).await.unwrap().click().await.unwrap();
        }
        browser.press("approve").await.unwrap();
        assert!(parameter(&returned(&browser, &luzon).await, "code").is_some());
        browser.open(&format!("{}/my/consents/{id}", world.issuer())).await.unwrap();
        picture(&browser, &format!("pera-consent-details-{name}")).await;
        browser.close().await.unwrap();
    }
}

/// A third party's redirect URI that somebody listens at: keeps the body of the one POST that arrives.
async fn listening() -> (String, tokio::task::JoinHandle<String>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://127.0.0.1:{}/cb", listener.local_addr().unwrap().port());
    let task = tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (mut text, mut part) = (String::new(), [0; 4096]);
            let whole = |text: &str| {
                let (head, body) = text.split_once("\r\n\r\n")?;
                let length = head
                    .lines()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                (body.len() >= length.unwrap_or(0usize)).then(|| body.to_owned())
            };
            while whole(&text).is_none() {
                let read = socket.read(&mut part).await.unwrap();
                assert_ne!(read, 0, "{text}");
                text.push_str(std::str::from_utf8(&part[..read]).unwrap());
            }
            let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\nconnection: close\r\n\r\n<p id=back>back";
            socket.write_all(answer.as_bytes()).await.unwrap();
            if text.starts_with("POST /cb ") {
                return whole(&text).unwrap();
            }
        }
    });
    (address, task)
}

/// OAuth 2.0 Form Post Response Mode: the page posts itself, by its one script or by its button, and carries the signed
/// response and nothing else.
#[tokio::test]
async fn browser_posts_a_signed_response_with_script_and_without() {
    for script in [true, false] {
        let (redirect_uri, posted) = listening().await;
        let key = conformance::tpp::keys::Key::generate(conformance::tpp::keys::Alg::Es256, "sig-1").unwrap();
        let keys = json!({ "keys": [key.registered()] });
        let file = format!(
            "[[issuers]]\npolicy = \"fapi2-message-signing\"\n[[issuers.clients]]\nclient_id = \"poster\"\n\
             client_name = \"Poster\"\ntoken_endpoint_auth_method = \"private_key_jwt\"\n\
             dpop_bound_access_tokens = true\nredirect_uris = [\"{redirect_uri}\"]\n\
             grant_types = [\"authorization_code\"]\nscope = \"openid\"\njwks = '{keys}'\n"
        );
        let settings = conformance::bank::Settings { deployment: Some(file), ..Default::default() };
        let world = World::start(settings).await;
        let mut registered = world.palm().registered().clone();
        (registered.id, registered.key) = ("poster".to_owned(), key);
        registered.entry.redirect_uri = redirect_uri;
        let tpp = Tpp::discover(registered).await.unwrap();
        let ask = conformance::tpp::flow::Ask::new("openid").with("response_mode", "form_post.jwt");
        let request_uri = world.push(&tpp, &ask).await;
        let browser = if script { Browser::start().await } else { Browser::start_without_script().await };
        let browser = browser.unwrap();
        browser.open(&tpp.authorization_url(&request_uri).unwrap()).await.unwrap();
        sign_in(&world, &browser).await;
        browser.page().find(Locator::Id("approve")).await.unwrap().click().await.unwrap();
        if !script {
            browser.page().wait().for_element(Locator::Css("button:not([id])")).await.unwrap();
            let file = browser.screenshot("form-post").await.unwrap();
            assert!(file.metadata().unwrap().len() > 1000);
            let button = browser.page().find(Locator::Css("button")).await.unwrap();
            assert_eq!(button.text().await.unwrap(), "Continue");
            button.click().await.unwrap();
        }
        let body = tokio::time::timeout(Duration::from_secs(20), posted).await.unwrap().unwrap();
        let fields: Vec<(String, String)> =
            url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let [(name, response)] = fields.as_slice() else { panic!("{body}") };
        assert_eq!(name, "response");
        let claims = tpp.server_keys().await.unwrap().open_for(response, &world.issuer(), "poster").unwrap();
        assert_eq!(claims["state"], json!(ask.state));
        let answer =
            tpp.redeem(&ask, claims["code"].as_str().unwrap(), conformance::tpp::mutate::HONEST).await;
        assert_eq!(answer.unwrap().status, 200);
        browser.close().await.unwrap();
    }
}
