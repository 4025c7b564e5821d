//! One file describes a deployment: an outside tester brings clients, customers and settings, and nothing else.

use conformance::bank::{Bank, Settings, binary};
use conformance::tpp::config::{Authentication, Constraint, Entry, Registered};
use conformance::tpp::flow::{Tokens, Tpp};
use conformance::tpp::keys::{Alg, Key};
use conformance::tpp::mutate::HONEST;
use conformance::user::{Decision, User};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::identity;

const REDIRECT_URI: &str = "https://suite.example/callback";

/// The file of a tester whose client signs with this key.
fn file(key: &Key) -> String {
    let keys = json!({ "keys": [key.registered()] });
    format!(
        "demo = \"none\"\n\n[[issuers]]\npolicy = \"fapi2-security\"\n\n[issuers.settings]\n\
         request_uri_lifetime = 33\naccess_token_lifetime = 77\nproof_nonce = \"require\"\nscopes = \"openid profile\"\n\n\
         [issuers.settings.paths]\ntoken = \"/oauth2/token\"\n\n\
         [[issuers.clients]]\nclient_id = \"suite-1\"\nclient_name = \"Test Suite\"\n\
         token_endpoint_auth_method = \"private_key_jwt\"\ndpop_bound_access_tokens = true\n\
         redirect_uris = [\"{REDIRECT_URI}\"]\ngrant_types = [\"authorization_code\", \"refresh_token\"]\n\
         scope = \"openid profile\"\njwks = '{keys}'\n\n\
         [[users]]\nusername = \"amal\"\npassword = \"open sesame\"\nname = \"Amal Haddad\"\n"
    )
}

fn suite(bank: &Bank, key: Key) -> Registered {
    Registered {
        id: "suite-1".to_owned(),
        issuer: bank.origin(),
        entry: Entry {
            redirect_uri: REDIRECT_URI.to_owned(),
            token_endpoint_auth_method: Authentication::PrivateKeyJwt,
            sender_constraint: Constraint::Dpop,
            signing_key: "none".into(),
            signing_kid: key.id().to_owned(),
            signing_alg: "ES256".to_owned(),
            certificate: None,
            certificate_key: None,
        },
        key,
        http: bank.client().unwrap(),
    }
}

#[tokio::test]
async fn a_testers_own_client_and_customer_run_the_whole_flow_by_the_settings_of_the_file() {
    let key = Key::generate(Alg::Es256, "suite-key").unwrap();
    let settings = Settings { deployment: Some(file(&key)), ..Settings::default() };
    let bank = Bank::start(settings).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let tpp = Tpp::discover(suite(&bank, key)).await.unwrap();
    let metadata = tpp.metadata();
    assert_eq!(metadata["token_endpoint"], json!(format!("{}/oauth2/token", bank.origin())));
    assert_eq!(metadata["scopes_supported"], json!(["openid", "profile"]));

    let ask = identity().with("scope", "openid profile");
    let pushed = tpp.push(&ask, HONEST).await.unwrap();
    assert_eq!(pushed.json().unwrap()["expires_in"], json!(33), "{}", pushed.text());
    assert!(pushed.header("dpop-nonce").is_some(), "proofs need a nonce");
    let url = tpp.authorization_url(&pushed.member("request_uri").unwrap()).unwrap();
    let amal = User::new("amal", "open sesame");
    let place = tpp.visit().unwrap().complete(&url, &amal, &Decision::Approve).await.unwrap();
    let code = tpp.code(&ask, &place.returned().unwrap()).await.unwrap();
    let tokens = Tokens::read(&tpp.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
    assert_eq!(tokens.body["expires_in"], json!(77));
    let userinfo =
        tpp.get(&tpp.endpoint("userinfo_endpoint").unwrap(), &tokens.access, HONEST).await.unwrap();
    let claims: Value = userinfo.json().unwrap();
    assert_eq!((&claims["sub"], &claims["name"]), (&json!("cus-amal"), &json!("Amal Haddad")));

    let demo = User::new("mariam", "date-palm-7");
    let again = tpp.push(&ask, HONEST).await.unwrap().member("request_uri").unwrap();
    let url = tpp.authorization_url(&again).unwrap();
    let place = tpp.visit().unwrap().complete(&url, &demo, &Decision::Approve).await.unwrap();
    assert!(place.returned().is_err(), "there are no demo customers in this deployment");
}

#[tokio::test]
async fn check_config_explains_everything_that_is_wrong_and_a_bank_does_not_start_with_it() {
    let scratch = conformance::host::Scratch::new("check-config").unwrap();
    let file = scratch.path().join("bank.toml");
    let text = "[listeners]\nporrt = 1\n[[issuers]]\npolicy = \"none\"\n[[issuers]]\npath = \"/b\"\n\
                [issuers.settings]\nsigning_alg = \"RS256\"\n[[issuers.clients]]\nclient_id = \"c\"\n\
                token_endpoint_auth_method = \"client_secret_post\"\n";
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    for words in [vec!["check-config", &file], vec!["--config", &file]] {
        let ran =
            Command::new(binary().unwrap()).args(&words).current_dir(scratch.path()).output().await.unwrap();
        assert!(!ran.status.success());
        let told = String::from_utf8(ran.stderr).unwrap();
        for line in [
            "line 2: listeners.porrt: is unknown",
            "line 4: issuers[0].policy: \"none\" is none of",
            "line 8: issuers[1].settings.signing_alg: RS256 is not an algorithm",
            "line 11: issuers[1].clients[0].token_endpoint_auth_method: private_key_jwt",
            "issuers[1].clients[0].redirect_uris: the authorization_code grant needs at least one",
        ] {
            assert!(told.contains(line), "{line}\n{told}");
        }
    }
    assert!(!scratch.path().join("mandate-data").exists(), "nothing was made");
}
