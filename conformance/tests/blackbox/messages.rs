//! Signed HTTP messages (FAPI 2.0 Message Signing section 5.6, RFC 9421, RFC 9530) at the bank's APIs: made and verified here
//! by hand, so that the bank and its test share no line, and then by the reference third party.

use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use conformance::bank::{Settings, beside};
use conformance::client::Answer;
use conformance::host;
use conformance::tpp::flow::{Tokens, Tpp};
use conformance::tpp::keys::{Alg, Key};
use conformance::tpp::proof::About;
use conformance::user::Decision;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::raw::{Raw, proof_about};
use crate::support::uae::{self, ACCOUNT, AMOUNT, BASE};
use crate::support::{World, embedded};

/// RFC 9421 section 2.5, of values that are written already.
fn base(components: &[(String, String)], params: &str) -> String {
    let lines: String = components.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("{lines}\"@signature-params\": {params}")
}

fn header<'a>(raw: &'a Raw, name: &str) -> Option<&'a str> {
    raw.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

fn digest(body: &[u8]) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, body);
    format!("sha-256=:{}:", STANDARD.encode(hash.as_ref()))
}

/// The request with its signature by this key, made so many seconds ago, covering these components.
fn signed(raw: Raw, key: &Key, (age, covers): (i64, &[&str])) -> Raw {
    let raw = if raw.body.is_empty() { raw } else { raw.clone().with("content-digest", &digest(&raw.body)) };
    let value = |name: &str| match name {
        "@method" => raw.method.to_owned(),
        "@target-uri" => raw.url.clone(),
        field => header(&raw, field).unwrap().to_owned(),
    };
    let components: Vec<(String, String)> =
        covers.iter().map(|name| (format!("\"{name}\""), value(name))).collect();
    let names: Vec<&str> = components.iter().map(|(name, _)| name.as_str()).collect();
    let params = format!(
        "({});created={};keyid=\"{}\";tag=\"fapi-2-request\"",
        names.join(" "),
        host::now() - age,
        key.id()
    );
    let signature = key.sign(base(&components, &params).as_bytes()).unwrap();
    raw.with("signature-input", &format!("one={params}"))
        .with("signature", &format!("one=:{}:", STANDARD.encode(signature)))
}

/// Verifies the signature of an answer, over the values as they are here.
async fn is_answered(world: &World, answer: &Answer, raw: &Raw) -> Result<(), String> {
    let input = answer.header("signature-input").ok_or("no signature")?;
    let (label, params) = input.split_once('=').ok_or("no label")?;
    assert!(params.contains("tag=\"fapi-2-response\""), "{params}");
    let (list, rest) = params.strip_prefix('(').and_then(|rest| rest.split_once(')')).ok_or("no list")?;
    let named = ["\"@status\"", "\"content-digest\"", "\"@method\";req", "\"@target-uri\";req"];
    let tied = ["\"signature\";req", "\"signature-input\";req"];
    for needed in named.iter().chain(&tied) {
        assert!(list.split(' ').any(|own| own == *needed), "{needed} in {list}");
    }
    assert_eq!(answer.header("content-digest"), Some(digest(&answer.body).as_str()));
    let value = |name: &str| -> Option<String> {
        Some(match name {
            "\"@status\"" => answer.status.as_u16().to_string(),
            "\"@method\";req" => raw.method.to_owned(),
            "\"@target-uri\";req" => raw.url.clone(),
            other => match other.strip_suffix(";req") {
                Some(field) => header(raw, field.trim_matches('"'))?.to_owned(),
                None => answer.header(other.trim_matches('"'))?.to_owned(),
            },
        })
    };
    let components: Option<Vec<(String, String)>> =
        list.split(' ').map(|name| Some((name.to_owned(), value(name)?))).collect();
    let base = base(&components.ok_or("a component that is not there")?, params);
    let id = rest.split("keyid=\"").nth(1).and_then(|rest| rest.split('"').next()).ok_or("no keyid")?;
    let signature = answer.header("signature").and_then(|all| all.strip_prefix(&format!("{label}=:")));
    let signature = signature.and_then(|text| text.strip_suffix(':')).ok_or("no signature")?;
    let signature = STANDARD.decode(signature).map_err(|fault| fault.to_string())?;
    let metadata: Value = {
        let url = format!("{}/.well-known/oauth-protected-resource/api", world.issuer());
        world.bank.client().unwrap().get(&url).await.unwrap().json().unwrap()
    };
    assert_eq!(metadata["resource"], json!(format!("{}/api", world.issuer())));
    assert_eq!(metadata["authorization_servers"], json!([world.issuer()]));
    let set = world.bank.client().unwrap().get(metadata["jwks_uri"].as_str().unwrap()).await.unwrap();
    let keys = conformance::tpp::verify::ServerKeys::new(&set.json().unwrap()).unwrap();
    keys.verify(id, base.as_bytes(), &signature).map_err(|trouble| trouble.to_string())
}

fn call(tpp: &Tpp, method: &'static str, url: &str, token: &str) -> Raw {
    let proof = proof_about(tpp, &About { method, url, access_token: Some(token), nonce: None });
    Raw::bare(method, url)
        .with("authorization", &format!("DPoP {token}"))
        .with("dpop", &proof)
        .with("accept", "application/jwt")
}

const READING: &[&str] = &["@method", "@target-uri", "authorization", "dpop"];
const PAYING: &[&str] = &["@method", "@target-uri", "authorization", "dpop", "content-digest"];

async fn granted(world: &World, tpp: &Tpp) -> (String, Tokens) {
    let (id, ask) = uae::single_payment();
    let request_uri = world.push(tpp, &ask).await;
    let returned = world.decide(tpp, &request_uri, &Decision::ApproveOnly(vec![ACCOUNT.to_owned()])).await;
    let code = tpp.code(&ask, &returned).await.unwrap();
    let redeemed = tpp.redeem(&ask, &code, conformance::tpp::mutate::HONEST).await.unwrap();
    (id, Tokens::read(&redeemed).unwrap())
}

/// Sections 5.6.1.2 and 5.6.2.1, over requests without and with content.
#[tokio::test]
async fn section_5_6_another_implementation_signs_requests_and_verifies_the_answers_to_them() {
    let world = embedded().await;
    let _alone = uae::LEDGER.lock().await;
    let palm = world.palm();
    let (registered, http) = (&palm.registered().key, palm.registered().http.clone());
    let (id, tokens) = granted(world, &palm).await;
    let url = format!("{}{BASE}/payment-consents/{id}", world.issuer());
    let ask = signed(call(&palm, "GET", &url, &tokens.access), registered, (0, READING));
    let answer = ask.send(&http).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    is_answered(world, &answer, &ask).await.unwrap();
    let other = signed(call(&palm, "GET", &url, &tokens.access), registered, (0, READING));
    assert!(is_answered(world, &answer, &other).await.is_err(), "an answer to another request");

    let url = format!("{}{BASE}/payments", world.issuer());
    let mut order = call(&palm, "POST", &url, &tokens.access)
        .with("content-type", "application/jwt")
        .with("x-idempotency-key", &host::uuid());
    order.body = uae::signed(&palm, &uae::order(&id, AMOUNT)).into_bytes();
    let order = signed(order, registered, (0, PAYING));
    let answer = order.send(&http).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    is_answered(world, &answer, &order).await.unwrap();
}

/// Section 5.6.1.2: each of these has a fresh token and proof, and one fault in its signature.
#[tokio::test]
async fn section_5_6_1_2_a_signature_with_one_fault_is_401_and_says_what_to_cover() {
    let world = embedded().await;
    let palm = world.palm();
    let (registered, http) = (&palm.registered().key, palm.registered().http.clone());
    let (id, tokens) = granted(world, &palm).await;
    let url = format!("{}{BASE}/payment-consents/{id}", world.issuer());
    let fresh = || call(&palm, "GET", &url, &tokens.access);
    let stranger = Key::generate(Alg::Ps256, registered.id()).unwrap();
    let mut moved = signed(Raw { url: format!("{url}x"), ..fresh() }, registered, (0, READING));
    moved.url = url.clone();
    let cases = [
        ("another key", signed(fresh(), &stranger, (0, READING))),
        ("another address", moved),
        ("too old", signed(fresh(), registered, (75, READING))),
        ("ahead of time", signed(fresh(), registered, (-60, READING))),
        ("the token uncovered", signed(fresh(), registered, (0, &["@method", "@target-uri", "dpop"]))),
        ("the proof uncovered", signed(fresh(), registered, (0, &READING[..3]))),
        ("another tag", {
            let raw = signed(fresh(), registered, (0, READING));
            let input = header(&raw, "signature-input").unwrap().replace("fapi-2-request", "other");
            raw.instead("signature-input", &input)
        }),
        ("half a signature", fresh().with("signature", "one=:AAAA:")),
    ];
    for (what, raw) in cases {
        let answer = raw.send(&http).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        let covers = answer.header("accept-signature").unwrap_or_else(|| panic!("{what}"));
        assert!(covers.contains("\"authorization\"") && covers.contains("fapi-2-request"), "{covers}");
    }
    let once = signed(fresh(), registered, (0, READING));
    assert_eq!(once.send(&http).await.status, 200);
    let proof = proof_about(
        &palm,
        &About { method: "GET", url: &url, access_token: Some(&tokens.access), nonce: None },
    );
    let again = once.instead("dpop", &proof);
    assert_eq!(again.send(&http).await.status, 401, "a new proof under the old signature");
}

/// The reference third party: every call to the resource server signed, every answer verified.
#[tokio::test]
async fn tpp_pays_and_reads_with_signed_messages() {
    let world = embedded().await;
    let _alone = uae::LEDGER.lock().await;
    let reading: &[&str] = &["accounts", "--headless", "--username", "maria", "--password", "date-palm-7"];
    let orders =
        [("palm-books", &["pay", "--headless"][..]), ("palm-books", reading), ("luzon-bank", reading)];
    for (client, order) in orders {
        let mut command = Command::new(beside("tpp").unwrap());
        command.args(["--json", "--trace", "--sign-messages", "--client", client, "--data-dir"]);
        command.arg(world.bank.directory()).args(order).stdin(Stdio::null());
        let output = command.output().await.unwrap();
        let heard = String::from_utf8_lossy(&output.stderr).into_owned();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{client} {order:?}: {said}\n{heard}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["outcome"], json!("done"), "{told}");
        let (asked, verified) = (
            heard.matches("request signed:").count(),
            heard.matches("answer signed by the resource").count(),
        );
        assert!(asked >= 3 && verified == asked, "{client}: {asked} requests, {verified} answers\n{heard}");
        assert!(
            heard.contains("tag=\"fapi-2-request\"") && heard.contains("tag=\"fapi-2-response\""),
            "{heard}"
        );
    }
}

/// AE-04, MS-01, CL-02, CL-06: the details in a signed request object, a signed authorization response, and signed messages
/// on top; `tpp` holds what the token answer says against what it asked for.
#[tokio::test]
async fn tpp_pays_with_everything_signed_that_can_be() {
    let file = "[[issuers]]\npolicy = \"fapi2-message-signing\"\n".to_owned();
    let world = World::start(Settings { deployment: Some(file), ..Settings::default() }).await;
    let path = world.bank.directory().join("tpp/tpp.toml");
    let own = "[clients.palm-books]\n";
    let signs = "request_object_signing_alg = \"PS256\"\nauthorization_signed_response_alg = \"ES256\"\n";
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(own));
    std::fs::write(&path, text.replace(own, &format!("{own}{signs}"))).unwrap();
    let mut command = Command::new(beside("tpp").unwrap());
    command.args(["--json", "--sign-messages", "--data-dir"]).arg(world.bank.directory());
    let output = command.args(["pay", "--headless"]).stdin(Stdio::null()).output().await.unwrap();
    let heard = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{heard}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["status"], json!("AcceptedCreditSettlementCompleted"), "{told}");
}

/// Whoever closes the output of `tpp` wants to read no more, and neither stops the payment nor changes its end.
#[tokio::test]
async fn tpp_comes_to_its_end_when_nobody_reads_what_it_says() {
    let world = embedded().await;
    let _alone = uae::LEDGER.lock().await;
    let mut command = Command::new(beside("tpp").unwrap());
    command.arg("--data-dir").arg(world.bank.directory()).args(["pay", "--headless"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait().await.unwrap();
    assert!(ended.success(), "{ended}");
}
