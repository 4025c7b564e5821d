//! Authorization server and APIs as two processes over one database: tokens are verified by the published keys, and how
//! they stand is asked by signed introspection.

use std::time::Duration;

use conformance::bank::{Bank, Settings, beside};
use conformance::client::Answer;
use conformance::host;
use conformance::process::{Process, Ready};
use conformance::tpp::flow::{Ask, Call, Tokens, Tpp};
use conformance::tpp::mutate::HONEST;
use conformance::user::{Decision, User};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::uae;

/// Both processes.
struct Split {
    server: Bank,
    apis: Process,
    origin: String,
    palm: Tpp,
    user: User,
}

impl Split {
    async fn start() -> Self {
        let ports = [host::free_port().unwrap(), host::free_port().unwrap(), host::free_port().unwrap()];
        let [port, mtls_port, admin_port] = ports;
        let file =
            format!("[resource_server]\nport = {port}\nmtls_port = {mtls_port}\nadmin_port = {admin_port}\n");
        let program = Some(beside("authorization-server").unwrap());
        let settings = Settings { deployment: Some(file), program, ..Settings::default() };
        let server = Bank::start(settings).await.unwrap();
        let mut command = Command::new(beside("resource-server").unwrap());
        command.args(server.words());
        let mut apis = Process::spawn(command, &server.directory().join("apis.log")).unwrap();
        let http = server.client().unwrap();
        let health = format!("http://127.0.0.1:{admin_port}/health");
        let ready = async || match http.get(&health).await {
            Ok(answer) if answer.status == 200 => Ready::Yes,
            Ok(_) | Err(_) => Ready::NotYet,
        };
        apis.until(&ready).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let palm = server.tpp(Some("palm-books")).await.unwrap();
        let user = User::new("mariam", "date-palm-7");
        Self { server, apis, origin: format!("https://localhost:{port}"), palm, user }
    }

    async fn tokens(&self, ask: &Ask, account: &str) -> Tokens {
        let decision = Decision::ApproveOnly(vec![account.to_owned()]);
        self.palm.grant(ask, &self.user, &decision).await.unwrap()
    }

    async fn ofxpera(&self, method: &str, path: &str, token: &str, body: &str) -> Answer {
        let url = format!("{}/OFPH/v1{path}", self.origin);
        let mut headers =
            vec![("participant-id", "palm-books".to_owned()), ("accept", "application/json".to_owned())];
        if !body.is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        let call = Call { method, url: &url, token, headers, body: body.to_owned().into() };
        self.palm.call(&call, HONEST).await.unwrap()
    }

    /// Tokens that read one account, and a first reading.
    async fn reading(&self) -> Tokens {
        let alone = self.palm.act_alone("consent", HONEST).await.unwrap().member("access_token").unwrap();
        let now = host::now();
        let wanted: Value = json!({"data": {
            "data_holder_id": "bayan-trust",
            "permissions": ["PERA_BASIC_INFO"],
            "sharing_duration": {"start_date": uae::instant(now), "end_date": uae::instant(now + 86_400)},
            "purpose": "show"}});
        let made = self.ofxpera("POST", "/common/consent", &alone, &wanted.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let id = made.json().unwrap()["data"]["id"].as_str().unwrap().to_owned();
        let ask = Ask::new("openid accounts.basic")
            .with_details(&json!([{"type": "urn:ofxpera:consent:v1", "consentId": id}]));
        let tokens = self.tokens(&ask, "pera-mariam-1").await;
        let read = self.ofxpera("GET", "/banking/accounts", &tokens.access, "").await;
        assert_eq!(read.status, 200, "{}", read.text());
        tokens
    }

    async fn revoke(&self, tokens: &Tokens) {
        let refresh = tokens.refresh.clone().unwrap();
        let answer = self.palm.present("revocation_endpoint", &refresh, HONEST).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_payment_is_made_once_and_uses_its_consent_across_both_processes() {
    let split = Split::start().await;
    let (id, ask) = uae::single_payment();
    let tokens = split.tokens(&ask, uae::ACCOUNT).await;
    let (key, order) = (host::uuid(), uae::order(&id, uae::AMOUNT));
    let paid = uae::pay_at(&split.origin, &split.palm, (&tokens.access, &key), &order).await;
    assert_eq!(paid.status, 201, "{}", paid.text());
    let again = uae::pay_at(&split.origin, &split.palm, (&tokens.access, &key), &order).await;
    assert_eq!(again.header("location"), paid.header("location"), "{}", again.text());
    let more = uae::pay_at(&split.origin, &split.palm, (&tokens.access, &host::uuid()), &order).await;
    assert!(more.status.is_client_error(), "the consent is used: {}", more.text());
    let at_the_server =
        uae::pay_at(&split.server.origin(), &split.palm, (&tokens.access, &key), &order).await;
    assert_eq!(at_the_server.status, 404, "the authorization server has no APIs");
}

#[tokio::test]
async fn a_revoked_grant_ends_payments_at_once_and_readings_within_a_second() {
    let split = Split::start().await;
    let reading = split.reading().await;
    split.revoke(&reading).await;
    tokio::time::sleep(Duration::from_millis(1050)).await;
    let read = split.ofxpera("GET", "/banking/accounts", &reading.access, "").await;
    assert_eq!(read.status, 401, "{}", read.text());

    let (id, ask) = uae::single_payment();
    let paying = split.tokens(&ask, uae::ACCOUNT).await;
    let url = format!("{}{}/payment-consents/{id}", split.origin, uae::BASE);
    let _warm = split.palm.get(&url, &paying.access, HONEST).await.unwrap();
    split.revoke(&paying).await;
    let order = uae::order(&id, uae::AMOUNT);
    let paid = uae::pay_at(&split.origin, &split.palm, (&paying.access, &host::uuid()), &order).await;
    assert_eq!(paid.status, 401, "at once: {}", paid.text());
}

#[tokio::test]
async fn without_the_authorization_server_nothing_is_taken_for_good() {
    let split = Split::start().await;
    let tokens = split.reading().await;
    let (order, alone) = split.palm.act_alone("consent", HONEST).await.map(|it| ("{}", it)).unwrap();
    let alone = alone.member("access_token").unwrap();
    split.server.signal("STOP").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1050)).await;
    let reads = tokio::time::timeout(
        Duration::from_secs(2),
        split.ofxpera("GET", "/banking/accounts", &tokens.access, ""),
    );
    assert!(reads.await.map_or(true, |answer| !answer.status.is_success()), "a reading goes unanswered");
    split.server.signal("CONT").await.unwrap();
    let read = split.ofxpera("GET", "/banking/accounts", &tokens.access, "").await;
    assert_eq!(read.status, 200, "{}", read.text());
    let garbage = split.ofxpera("POST", "/common/consent", &format!("{alone}x"), order).await;
    assert_eq!(garbage.status, 401, "a token of nobody: {}", garbage.text());
    assert!(split.apis.id().is_some(), "the APIs are up");
}
