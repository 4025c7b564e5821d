//! `tpp serve`: the web shop of the reference third party, in a browser without script.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use conformance::bank::{Bank, Settings, beside};
use conformance::host::{self, Scratch};
use conformance::html::{form_with, text_of};
use conformance::process::{Process, accepts};
use conformance::tpp::keys::{Alg, Key};
use conformance::user::{Decision, Place, User, Visit};
use josekit::jwk::alg::rsa::RsaKeyPair;
use serde_json::json;
use tokio::process::Command;

use crate::support::page;

/// A bank, a shop that is registered there, and the directory of the shop.
struct World {
    bank: Bank,
    shop: Process,
    origin: String,
    callback: String,
    user: User,
    _files: Scratch,
}

impl World {
    async fn start() -> Self {
        let port = host::free_port().unwrap();
        let origin = format!("http://127.0.0.1:{port}");
        let callback = format!("{origin}/back/from/the-bank");
        let pem = String::from_utf8(RsaKeyPair::generate(2048).unwrap().to_pem_private_key()).unwrap();
        let key = Key::from_pem(Alg::Ps256, "shop-key", &pem).unwrap();
        let settings = Settings { deployment: Some(registration(&key, &callback)), ..Settings::default() };
        let bank = Bank::start(settings).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        let files = Scratch::new("shop").unwrap();
        write(files.path(), &bank, (&pem, &callback));
        let mut command = Command::new(beside("tpp").unwrap());
        command.args(["serve", "--data-dir"]).arg(files.path());
        let mut shop = Process::spawn(command, &files.path().join("shop.log")).unwrap();
        shop.until(|| accepts(port)).await.unwrap();
        let user = User::new("mariam", "date-palm-7");
        Self { bank, shop, origin, callback, user, _files: files }
    }

    /// A browser that stops where it comes back to the shop.
    fn visit(&self) -> Visit {
        Visit::new(&self.bank.client().unwrap(), &self.callback).unwrap()
    }

    /// From the basket to the address that the bank sends the browser back to.
    async fn through_the_bank(&self, visit: &mut Visit, button: &str, decision: &Decision) -> String {
        let basket = visit.open(&format!("{}/", self.origin)).await.unwrap();
        let form = form_with(&page(&basket).text(), button).expect("a button");
        let mut place = visit.submit(&form, button).await.unwrap();
        if let Some(form) = form_with(&page(&place).text(), "password") {
            place = visit.sign_in(form, &self.user).await.unwrap();
        }
        let form = form_with(&page(&place).text(), "approve").expect("an approval page");
        let Place::Returned(url) = visit.decide(form, decision).await.unwrap() else { panic!("still there") };
        url.to_string()
    }
}

fn registration(key: &Key, callback: &str) -> String {
    let keys = json!({ "keys": [key.registered()] });
    format!(
        "[[clients]]\nclient_id = \"web-shop\"\nclient_name = \"Web Shop\"\n\
         token_endpoint_auth_method = \"private_key_jwt\"\ndpop_bound_access_tokens = true\n\
         redirect_uris = [\"{callback}\"]\n\
         grant_types = [\"authorization_code\", \"refresh_token\", \"client_credentials\"]\n\
         scope = \"openid payments consent accounts.basic accounts.details\"\nresource_signing_alg = \"PS256\"\n\
         authorization_details_types = [\"urn:openfinanceuae:service-initiation-consent\", \"urn:ofxpera:consent:v1\"]\n\
         jwks = '{keys}'\n"
    )
}

fn write(directory: &Path, bank: &Bank, (pem, callback): (&str, &str)) {
    let tpp = directory.join("tpp");
    std::fs::create_dir(&tpp).unwrap();
    let mut private = std::fs::OpenOptions::new();
    private.write(true).create_new(true).mode(0o600);
    let mut file = private.open(tpp.join("shop.sig.pem")).unwrap();
    std::io::Write::write_all(&mut file, pem.as_bytes()).unwrap();
    let text = format!(
        "issuer = \"{issuer}\"\nca = \"{ca}\"\ndefault = \"web-shop\"\nresource = \"{issuer}\"\n\n\
         [clients.web-shop]\nredirect_uri = \"{callback}\"\ntoken_endpoint_auth_method = \"private_key_jwt\"\n\
         sender_constraint = \"dpop\"\nsigning_key = \"shop.sig.pem\"\nsigning_kid = \"shop-key\"\n\
         signing_alg = \"PS256\"\n",
        issuer = bank.origin(),
        ca = bank.directory().join("ca.pem").display(),
    );
    std::fs::write(tpp.join("tpp.toml"), text).unwrap();
}

fn told(place: &Place, id: &str) -> String {
    text_of(&page(place).text(), id).unwrap_or_else(|| panic!("no {id}: {}", page(place).text()))
}

#[tokio::test]
async fn a_customer_pays_by_bank_and_shows_accounts_in_the_same_browser() {
    let world = World::start().await;
    let mut visit = world.visit();
    let account = Decision::ApproveOnly(vec!["acc-mariam-1".to_owned()]);
    let back = world.through_the_bank(&mut visit, "pay", &account).await;
    let place = visit.open(&back).await.unwrap();
    assert_eq!(visit.at().as_str(), format!("{}/result", world.origin), "the code has left the address bar");
    assert_eq!(told(&place, "outcome"), "Your order is paid.");
    assert!(page(&place).text().contains("AcceptedCreditSettlementCompleted"));
    let again = visit.open(&back).await.unwrap();
    assert!(told(&again, "error").contains("does not belong"), "an answer counts once");

    let pera = Decision::ApproveOnly(vec!["pera-mariam-1".to_owned()]);
    let back = world.through_the_bank(&mut visit, "accounts", &pera).await;
    let place = visit.open(&back).await.unwrap();
    assert_eq!(told(&place, "outcome"), "You share 1 account(s) with this shop.");
    assert!(page(&place).text().contains("pera-mariam-1"), "{}", page(&place).text());
}

#[tokio::test]
async fn an_answer_is_taken_only_in_the_browser_that_was_sent_and_with_its_own_state() {
    let world = World::start().await;
    let mut visit = world.visit();
    let account = Decision::ApproveOnly(vec!["acc-mariam-1".to_owned()]);
    let back = world.through_the_bank(&mut visit, "pay", &account).await;
    let mut stranger = world.visit();
    let place = stranger.open(&back).await.unwrap();
    assert!(told(&place, "error").contains("does not belong"), "another browser");
    let changed = back.replace("state=", "state=x");
    let place = visit.open(&changed).await.unwrap();
    assert!(told(&place, "error").contains("stopped for safety"), "{}", page(&place).text());
    let place = visit.open(&back).await.unwrap();
    assert!(told(&place, "error").contains("does not belong"), "and the order is over");
    assert!(world.shop.id().is_some());
}

#[tokio::test]
async fn a_refusal_at_the_bank_and_a_forged_form_end_in_a_page_that_says_so() {
    let world = World::start().await;
    let mut visit = world.visit();
    let back = world.through_the_bank(&mut visit, "pay", &Decision::Deny).await;
    let place = visit.open(&back).await.unwrap();
    assert!(told(&place, "error").contains("access_denied"), "{}", page(&place).text());

    let basket = visit.open(&format!("{}/", world.origin)).await.unwrap();
    let form = form_with(&page(&basket).text(), "pay").unwrap();
    let mut stranger = world.visit();
    stranger.open(&format!("{}/", world.origin)).await.unwrap();
    let place = stranger.submit(&form, "pay").await.unwrap();
    assert!(told(&place, "error").contains("not valid any more"), "a token of another browser");
}
