//! The client against a stand-in that reports what reached it.

use http::header::AUTHORIZATION;
use http::{Request, Response};
use http_body_util::Full;

use super::*;
use crate::client::tests::{Echo, serve};
use crate::tpp::config::tests::directory;
use crate::tpp::jws::peek;
use crate::tpp::keys::sha256;
use crate::tpp::mutate::{Forgery, duplicate, forge, remove, set};

/// Answers a proof without nonce by asking for one, and everything else by telling what it saw.
fn stand_in(request: Request<Bytes>, shown: Option<usize>) -> Response<Full<Bytes>> {
    let proofs: Vec<&str> =
        request.headers().get_all("dpop").iter().map(|value| value.to_str().unwrap()).collect();
    let nonce = proofs
        .first()
        .and_then(|proof| peek(proof).ok())
        .and_then(|(_, claims)| claims.get("nonce").cloned());
    if !proofs.is_empty() && nonce.is_none() {
        let asked = json!({"error": "use_dpop_nonce"}).to_string();
        return Response::builder()
            .status(400)
            .header("dpop-nonce", "n1")
            .body(Full::new(asked.into()))
            .unwrap();
    }
    let told = json!({
        "form": serde_urlencoded::from_bytes::<Vec<(String, String)>>(request.body()).unwrap(),
        "authorization": request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap()),
        "proofs": proofs, "path": request.uri().path(), "shown": shown,
    });
    Response::builder().body(Full::new(told.to_string().into())).unwrap()
}

async fn tpp(client: Option<&str>) -> (Tpp, Echo) {
    let echo = serve(stand_in).await;
    let scratch = directory(&echo.origin);
    let mut registered = Registered::load(&scratch.path().join("tpp.toml"), client).unwrap();
    registered.http = if client.is_some() { echo.certified.clone() } else { echo.client.clone() };
    let at = |path: &str| format!("{}{path}", echo.origin);
    let metadata = json!({
        "pushed_authorization_request_endpoint": at("/par"), "token_endpoint": at("/token"),
        "authorization_endpoint": at("/authorize"),
        "mtls_endpoint_aliases": { "token_endpoint": at("/mtls/token") },
    });
    let proof_key = Key::generate(Alg::Es256, "proof").unwrap();
    (Tpp { registered, proof_key, metadata, nonces: Arc::default() }, echo)
}

fn fields(answer: &Answer, name: &str) -> Vec<String> {
    let form: Vec<(String, String)> = serde_json::from_value(answer.json().unwrap()["form"].clone()).unwrap();
    form.into_iter().filter(|(own, _)| own == name).map(|(_, value)| value).collect()
}

#[tokio::test]
async fn a_push_carries_challenge_details_assertion_and_after_a_refusal_the_nonce() {
    let (tpp, _echo) = tpp(None).await;
    let ask = Ask::new("openid").with_details(&json!([{"type": "t"}]));
    let answer = tpp.push(&ask, HONEST).await.unwrap();
    assert_eq!(fields(&answer, "code_challenge"), [sha256(ask.verifier.as_bytes())]);
    assert_eq!(fields(&answer, "authorization_details"), [r#"[{"type":"t"}]"#]);
    assert_eq!(fields(&answer, "redirect_uri"), ["http://127.0.0.1:9473/callback"]);
    assert_eq!(peek(&fields(&answer, "client_assertion")[0]).unwrap().1["sub"], "palm-books");
    let told = answer.json().unwrap();
    let (_, claims) = peek(told["proofs"][0].as_str().unwrap()).unwrap();
    assert_eq!((&claims["nonce"], &claims["htm"]), (&json!("n1"), &json!("POST")));
    assert!(claims["htu"].as_str().unwrap().ends_with("/par"));
    let exchanged = tpp.redeem(&ask, "c", HONEST).await.unwrap().json().unwrap();
    assert_eq!(exchanged["path"], "/token", "without a certificate the alias is of no use");
}

#[tokio::test]
async fn each_mistake_reaches_the_wire_and_nothing_else_changes() {
    let (tpp, _echo) = tpp(None).await;
    let ask = Ask::new("openid");
    let push = |mistake: Mistake| {
        let (tpp, ask) = (&tpp, &ask);
        async move { tpp.push(ask, &[mistake]).await.unwrap() }
    };
    assert_eq!(fields(&push(set(Part::PushForm, "request_uri", "urn:x")).await, "request_uri"), ["urn:x"]);
    assert!(fields(&push(remove(Part::PushForm, "code_challenge")).await, "code_challenge").is_empty());
    assert_eq!(
        fields(&push(duplicate(Part::PushForm, "state", "x")).await, "state"),
        [ask.state.as_str(), "x"]
    );
    assert!(fields(&push(forge(Jws::Assertion, Forgery::Omitted)).await, "client_assertion").is_empty());
    let twice = push(forge(Jws::Proof, Forgery::Twice)).await;
    assert_eq!(twice.json().unwrap()["proofs"].as_array().unwrap().len(), 2);
    let elsewhere = push(set(Part::TokenForm, "code", "x")).await;
    assert!(fields(&elsewhere, "code").is_empty());
}

#[tokio::test]
async fn a_signed_request_leaves_nothing_outside_but_the_client() {
    let (tpp, _echo) = tpp(None).await;
    let ask = Ask { carried: Carried::Signed, ..Ask::new("openid").with("max_age", 300) };
    let answer = tpp.push(&ask, HONEST).await.unwrap();
    let (header, claims) = peek(&fields(&answer, "request")[0]).unwrap();
    assert_eq!(header["typ"], "oauth-authz-req+jwt");
    assert_eq!(
        (&claims["max_age"], &claims["iss"], &claims["state"]),
        (&json!(300), &json!("palm-books"), &json!(ask.state))
    );
    assert!(fields(&answer, "state").is_empty() && fields(&answer, "scope").is_empty());
}

#[tokio::test]
async fn a_client_with_a_certificate_uses_the_alias_and_sends_no_assertion() {
    let (tpp, _echo) = tpp(Some("dune-pay")).await;
    let answer = tpp.refresh("r", HONEST).await.unwrap();
    let told = answer.json().unwrap();
    assert_eq!(
        (&told["path"], &told["shown"], &told["proofs"]),
        (&json!("/mtls/token"), &json!(1), &json!([]))
    );
    assert_eq!(fields(&answer, "client_id"), ["dune-pay"]);
    assert!(fields(&answer, "client_assertion").is_empty());
    let call = tpp.get(&tpp.endpoint("token_endpoint").unwrap(), "at", HONEST).await.unwrap();
    assert_eq!(call.json().unwrap()["authorization"], "Bearer at");
}

#[tokio::test]
async fn a_call_proves_the_token_and_a_code_is_taken_only_with_state_and_issuer() {
    let (tpp, echo) = tpp(None).await;
    let answer =
        tpp.get(&format!("{}/accounts?x=1", echo.origin), "at", HONEST).await.unwrap().json().unwrap();
    assert_eq!(answer["authorization"], "DPoP at");
    assert_eq!(peek(answer["proofs"][0].as_str().unwrap()).unwrap().1["ath"], sha256(b"at"));
    let ask = Ask::new("openid");
    for (query, good) in [
        (format!("code=c&state={}&iss={}", ask.state, echo.origin), true),
        (format!("code=c&state=x&iss={}", echo.origin), false),
        (format!("code=c&state={}", ask.state), false),
        (format!("code=c&state={}&iss={}x", ask.state, echo.origin), false),
    ] {
        let url = Url::parse(&format!("http://127.0.0.1:9473/callback?{query}")).unwrap();
        let code = tpp.code(&ask, &Place::Returned(url).returned().unwrap()).await;
        assert_eq!(code.ok(), good.then(|| "c".to_owned()), "{query}");
    }
}

#[test]
fn the_well_known_part_stands_before_the_path() {
    assert_eq!(metadata_url("https://h:1").unwrap(), "https://h:1/.well-known/oauth-authorization-server");
    assert_eq!(metadata_url("https://h/a").unwrap(), "https://h/.well-known/oauth-authorization-server/a");
}
