//! Signing keys in a device: SoftHSM in the place of one. Needs a bank built with `--features pkcs11`, as
//! `bank-pkcs11` beside the usual one, and Debian's package `softhsm2`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use conformance::bank::Settings;
use conformance::host::{self, Scratch};
use conformance::tpp::flow::Tokens;
use conformance::tpp::mutate::HONEST;
use conformance::tpp::verify::ServerKeys;
use conformance::user::Decision;
use serde_json::json;
use tokio::process::Command;

use crate::keys::{ask, keys, kid_of, published};
use crate::support::judge::refused;
use crate::support::uae::{self, ACCOUNT, AMOUNT};
use crate::support::{World, identity};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A token of our own, and a program that starts the bank with it. `None`, and said so, where something is missing.
async fn device() -> Option<(Scratch, Settings)> {
    let built =
        ["release", "debug"].map(|profile| host::target_directory().join(profile).join("bank-pkcs11"));
    let named = host::setting("MANDATE_BANK_PKCS11_BIN").map(PathBuf::from);
    let bank = named.into_iter().chain(built).find(|file| file.is_file());
    let (Some(bank), Some(tool), true) =
        (bank, host::program("softhsm2-util", &[]), Path::new(MODULE).exists())
    else {
        eprintln!(
            "SKIPPED: no bank-pkcs11 (build the bank with --features pkcs11), or softhsm2 is not installed"
        );
        return None;
    };
    let scratch = Scratch::new("hsm").unwrap();
    let at = |name: &str| scratch.path().join(name);
    std::fs::create_dir(at("tokens")).unwrap();
    let conf = format!("directories.tokendir = {}\nobjectstore.backend = file\n", at("tokens").display());
    std::fs::write(at("softhsm2.conf"), conf).unwrap();
    let made = Command::new(tool)
        .args(["--init-token", "--free", "--label", "mandate", "--pin", "246810", "--so-pin", "135791"])
        .env("SOFTHSM2_CONF", at("softhsm2.conf"))
        .output()
        .await
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    secret(&at("pin"), "246810\n", 0o600);
    let script = format!(
        "#!/bin/sh\nSOFTHSM2_CONF={} exec {} \"$@\"\n",
        at("softhsm2.conf").display(),
        bank.display()
    );
    secret(&at("bank"), &script, 0o700);
    let table = format!(
        "[hsm]\nmodule = \"{MODULE}\"\ntoken = \"mandate\"\npin_file = \"{}\"\n",
        at("pin").display()
    );
    std::fs::write(at("bank.toml"), table).unwrap();
    let words = vec!["--config".to_owned(), at("bank.toml").display().to_string()];
    let settings = Settings { words, program: Some(at("bank")), ..Settings::default() };
    Some((scratch, settings))
}

fn secret(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// ES256 for tokens, PS256 for messages of the payment API; verified by another implementation with the published set.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_signs_verifies_and_its_keys_rotate() {
    let Some((_scratch, settings)) = device().await else { return };
    let world = World::start(settings).await;
    let palm = world.palm();
    let open = async |token: &str| {
        let set = published(&world).await.json().unwrap();
        ServerKeys::new(&set).unwrap().open(token, &["ES256"]).unwrap()
    };
    let (id, wanted) = uae::single_payment();
    let request_uri = world.push(&palm, &wanted).await;
    let returned = world.decide(&palm, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let code = palm.code(&wanted, &returned).await.unwrap();
    let tokens = Tokens::read(&palm.redeem(&wanted, &code, HONEST).await.unwrap()).unwrap();
    open(&tokens.access).await;
    let paid = uae::pay(&world, &palm, &tokens.access, &host::uuid(), &uae::order(&id, AMOUNT)).await;
    assert_eq!(paid.status, 201, "{}", paid.text());
    uae::message(&palm, &paid).await;
    let order = json!({ "actor": "olga", "reason": "a drill", "alg": "ES256" });
    let made = ask(&world, "/keys", &order).await.json().unwrap();
    let kid = made["changes"][0]["kid"].as_str().unwrap();
    let force = json!({ "actor": "olga", "reason": "a drill", "force": true });
    assert_eq!(ask(&world, &format!("/keys/{kid}/activate"), &force).await.status, 200);
    let next = palm.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap();
    assert_eq!(kid_of(&next), kid);
    open(&next).await;
    open(&tokens.access).await;
    // a restart finds the same keys in the device
    let before = keys(&world).await;
    let world = World::around(world.bank.stop().await.unwrap().start().await.unwrap()).await;
    assert_eq!(keys(&world).await, before);
    let third = palm.act_alone("payments", HONEST).await.unwrap().member("access_token").unwrap();
    assert_eq!(kid_of(&third), kid);
    assert!(!world.bank.directory().join("keys/ring.kek").exists(), "nothing is sealed here");
}

/// The token is taken away while the bank runs. It comes back with a restart, because SoftHSM reads its directory only
/// then.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_fails_spends_no_code() {
    let Some((scratch, settings)) = device().await else { return };
    let world = World::start(settings).await;
    let palm = world.palm();
    let wanted = identity();
    let code = world.code(&palm, &wanted).await;
    let (here, gone) = (scratch.path().join("tokens"), scratch.path().join("gone"));
    std::fs::rename(&here, &gone).unwrap();
    std::fs::create_dir(&here).unwrap();
    let failed = palm.redeem(&wanted, &code, HONEST).await.unwrap();
    refused(&failed, 503, "server_error");
    assert!(failed.header("retry-after").is_some());
    std::fs::remove_dir(&here).unwrap();
    std::fs::rename(&gone, &here).unwrap();
    let _world = World::around(world.bank.kill().await.unwrap().start().await.unwrap()).await;
    let redeemed = palm.redeem(&wanted, &code, HONEST).await.unwrap();
    assert_eq!(redeemed.status, 200, "{}", redeemed.text());
}
