//! Several issuers in one process, over one database: nothing of one is ever accepted by another.

use std::time::Duration;

use conformance::bank::{Bank, Settings};
use conformance::client::Answer;
use conformance::host;
use conformance::tpp::config::Registered;
use conformance::tpp::flow::{Ask, Call, Tokens, Tpp};
use conformance::tpp::keys::{Alg, Key};
use conformance::tpp::mutate::{HONEST, Jws, Part, set};
use conformance::user::{Decision, Place, Visit};
use serde_json::{Value, json};

use crate::support::judge::{challenged, error_page, inactive, refused};
use crate::support::raw::{Raw, proof_about};
use crate::support::{World, identity, page, page_form, uae};

const FILE: &str = "[[issuers]]\n[issuers.settings]\nproof_nonce = \"require\"\n\n[[issuers]]\npath = \"/b\"\n\
                    [issuers.settings]\nproof_nonce = \"require\"\n\n[[issuers]]\npath = \"/plain\"\n\
                    policy = \"plain-oauth\"\n";

/// A bank of three issuers, and a client that is registered at each under one name with one key.
async fn world() -> World {
    let settings = Settings { deployment: Some(FILE.to_owned()), ..Settings::default() };
    World::start(settings).await
}

/// The same client at another issuer of the bank.
async fn at(world: &World, path: &str) -> Tpp {
    at_issuer(&world.palm(), &format!("{}{path}", world.issuer())).await
}

async fn at_issuer(tpp: &Tpp, issuer: &str) -> Tpp {
    let registered = Registered { issuer: issuer.to_owned(), ..tpp.registered().clone() };
    Tpp::discover(registered).await.unwrap()
}

async fn approved(tpp: &Tpp, world: &World, ask: &Ask) -> String {
    let request_uri = tpp.push(ask, HONEST).await.unwrap().member("request_uri").unwrap();
    let url = tpp.authorization_url(&request_uri).unwrap();
    let place = tpp.visit().unwrap().complete(&url, &world.user, &Decision::Approve).await.unwrap();
    tpp.code(ask, &place.returned().unwrap()).await.unwrap()
}

async fn tokens(tpp: &Tpp, world: &World, ask: &Ask) -> Tokens {
    let code = approved(tpp, world, ask).await;
    Tokens::read(&tpp.redeem(ask, &code, HONEST).await.unwrap()).unwrap()
}

/// RFC 8414 section 3.1, OpenID Connect Discovery section 4: both listeners publish each issuer at both addresses.
#[tokio::test]
async fn every_issuer_publishes_its_own_metadata_and_keys() {
    let world = world().await;
    let http = world.bank.client().unwrap();
    let mut keys = Vec::new();
    for path in ["", "/b", "/plain"] {
        let issuer = format!("{}{path}", world.issuer());
        for origin in [world.bank.origin(), world.bank.mtls_origin()] {
            for address in [
                format!("{origin}/.well-known/oauth-authorization-server{path}"),
                format!("{origin}{path}/.well-known/openid-configuration"),
            ] {
                let metadata = http.get(&address).await.unwrap().json().unwrap();
                assert_eq!(metadata["issuer"], json!(issuer), "{address}");
                assert_eq!(metadata["token_endpoint"], json!(format!("{issuer}/token")));
                let alias = &metadata["mtls_endpoint_aliases"]["token_endpoint"];
                assert_eq!(*alias, json!(format!("{}{path}/token", world.bank.mtls_origin())));
            }
        }
        keys.push(http.get(&format!("{issuer}/jwks")).await.unwrap().json().unwrap());
    }
    assert!(keys[0] != keys[1] && keys[1] != keys[2], "no key is shared");
    let unknown = http.get(&format!("{}/.well-known/oauth-authorization-server/c", world.issuer())).await;
    assert_eq!(unknown.unwrap().status, 404);
}

/// RFC 8414 section 2, RFC 9110 section 7.4: an issuer may be a host; what reaches one host is never another's.
#[tokio::test]
async fn issuers_with_hosts_of_their_own_share_a_listener_and_nothing_else() {
    let file = "[[issuers]]\n[[issuers]]\nhost = \"second.localhost\"\n";
    let world = World::start(Settings { deployment: Some(file.to_owned()), ..Settings::default() }).await;
    let second = world.issuer().replace("//localhost", "//second.localhost");
    let here = world.palm();
    let there = at_issuer(&here, &second).await;
    assert_eq!(there.endpoint("token_endpoint").unwrap(), format!("{second}/token"));
    let granted = tokens(&there, &world, &identity()).await;
    let url = there.endpoint("userinfo_endpoint").unwrap();
    assert_eq!(there.get(&url, &granted.access, HONEST).await.unwrap().status, 200);
    let url = here.endpoint("userinfo_endpoint").unwrap();
    assert_eq!(here.get(&url, &granted.access, HONEST).await.unwrap().status, 401, "another issuer's token");
    let pushed = there.push(&identity(), HONEST).await.unwrap().member("request_uri").unwrap();
    let foreign = here.visit().unwrap().open(&here.authorization_url(&pushed).unwrap()).await.unwrap();
    error_page(page(&foreign), "a request of another issuer");
    let unknown = world.issuer().replace("//localhost", "//third.localhost");
    let refused = Raw::bare("GET", &format!("{unknown}/jwks")).try_send(&here.registered().http).await;
    assert!(refused.is_err() || refused.is_ok_and(|answer| answer.status == 421), "a host that is nobody's");
}

#[tokio::test]
async fn a_code_a_refresh_token_and_an_access_token_are_good_at_their_own_issuer_only() {
    let world = world().await;
    let issuers = [world.palm(), at(&world, "/b").await, at(&world, "/plain").await];
    for (index, own) in issuers.iter().enumerate() {
        for other in issuers.iter().enumerate().filter(|(place, _)| *place != index).map(|(_, tpp)| tpp) {
            let case = format!("{} at {}", own.registered().issuer, other.registered().issuer);
            let other = other.with_proof_key(own.proof_key().clone());
            let ask = identity();
            let code = approved(own, &world, &ask).await;
            refused(&other.redeem(&ask, &code, HONEST).await.unwrap(), 400, "invalid_grant");
            let granted = Tokens::read(&own.redeem(&ask, &code, HONEST).await.unwrap()).unwrap();
            if let Some(refresh) = &granted.refresh {
                refused(&other.refresh(refresh, HONEST).await.unwrap(), 400, "invalid_grant");
                assert_eq!(own.refresh(refresh, HONEST).await.unwrap().status, 200, "{case}");
            }
            let asked =
                other.get(&other.endpoint("userinfo_endpoint").unwrap(), &granted.access, HONEST).await;
            challenged(&asked.unwrap(), "DPoP", "invalid_token", &case);
            let known = own.get(&own.endpoint("userinfo_endpoint").unwrap(), &granted.access, HONEST).await;
            assert_eq!(known.unwrap().status, 200, "{case}");
        }
    }
}

#[tokio::test]
async fn the_apis_of_an_issuer_take_its_tokens_and_no_others() {
    let world = world().await;
    let (here, there) = (world.palm(), at(&world, "/b").await);
    for (own, other) in [(&here, &there), (&there, &here)] {
        let token = own.act_alone("consent", HONEST).await.unwrap().member("access_token").unwrap();
        let other = other.with_proof_key(own.proof_key().clone());
        let lodged = lodge(own, &token).await;
        assert_eq!(lodged.status, 201, "{}", lodged.text());
        let strange = lodge(&other, &token).await;
        assert_eq!(strange.status, 401, "{}", strange.text());
        let id = lodged.json().unwrap()["data"]["id"].as_str().unwrap().to_owned();
        let foreign = other.act_alone("consent", HONEST).await.unwrap().member("access_token").unwrap();
        let seen = ofxpera(&other, "GET", &format!("/common/consent/{id}"), &foreign, "").await;
        assert_eq!(seen.status, 404, "{}", seen.text());
        let ask = Ask::new("openid accounts.basic")
            .with_details(&json!([{"type": "urn:ofxpera:consent:v1", "consentId": id}]));
        let pushed = other.push(&ask, HONEST).await.unwrap();
        assert_eq!(pushed.status, 400, "a consent of another issuer: {}", pushed.text());
        assert_eq!(own.push(&ask, HONEST).await.unwrap().status, 201);
    }
}

#[tokio::test]
async fn an_assertion_is_for_one_issuer() {
    let world = world().await;
    for (path, other) in [("/b", ""), ("", "/b"), ("/plain", ""), ("/plain", "/b")] {
        let tpp = at(&world, path).await;
        let foreign = format!("{}{other}", world.issuer());
        let wrong = [set(Part::Claims(Jws::Assertion), "aud", foreign.clone())];
        refused(&tpp.push(&identity(), &wrong).await.unwrap(), 401, "invalid_client");
        let wrong = [set(Part::Claims(Jws::Assertion), "aud", format!("{foreign}/token"))];
        refused(&tpp.push(&identity(), &wrong).await.unwrap(), 401, "invalid_client");
    }
}

/// RFC 9449 section 8: a nonce is a secret shared by one server with itself.
#[tokio::test]
async fn a_nonce_and_a_proof_of_one_issuer_are_nothing_to_another() {
    let world = world().await;
    let (here, there) = (world.palm(), at(&world, "/b").await);
    let endpoint = "pushed_authorization_request_endpoint";
    let nonce = here.push(&identity(), HONEST).await.unwrap().header("dpop-nonce").unwrap().to_owned();
    let url = there.endpoint(endpoint).unwrap();
    let about =
        |url, nonce| conformance::tpp::proof::About { method: "POST", url, access_token: None, nonce };
    let foreign = proof_about(&there, &about(&url, Some(nonce.as_str())));
    let answer =
        Raw::push(&there, &identity()).instead("dpop", &foreign).send(&there.registered().http).await;
    refused(&answer, 400, "use_dpop_nonce");
    let own = answer.header("dpop-nonce").unwrap().to_owned();
    let elsewhere = here.endpoint(endpoint).unwrap();
    let proof = proof_about(&there, &about(&elsewhere, Some(own.as_str())));
    let answer = Raw::push(&there, &identity()).instead("dpop", &proof).send(&there.registered().http).await;
    refused(&answer, 400, "invalid_dpop_proof");
    let proof = proof_about(&there, &about(&url, Some(own.as_str())));
    let answer = Raw::push(&there, &identity()).instead("dpop", &proof).send(&there.registered().http).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[tokio::test]
async fn a_pushed_request_a_ticket_and_a_session_belong_to_one_issuer() {
    let world = world().await;
    let (here, there) = (world.palm(), at(&world, "/b").await);
    let request_uri = here.push(&identity(), HONEST).await.unwrap().member("request_uri").unwrap();
    let mut visit = here.visit().unwrap();
    let foreign = visit.open(&there.authorization_url(&request_uri).unwrap()).await.unwrap();
    error_page(page(&foreign), "a request of another issuer");

    let place = visit.open(&here.authorization_url(&request_uri).unwrap()).await.unwrap();
    let ticket = visit.at().query().unwrap().to_owned();
    let elsewhere = visit.open(&format!("{}/b/request?{ticket}", world.issuer())).await.unwrap();
    error_page(page(&elsewhere), "a ticket of another issuer");
    let form = page_form(&place, "password");
    let place = visit.sign_in(form, &world.user).await.unwrap();
    assert!(matches!(&place, Place::Page(page) if page.text().contains("Approve")));

    let mine = visit.open(&format!("{}/my/consents", world.issuer())).await.unwrap();
    assert!(page(&mine).text().contains("My consents") && visit.at().path() == "/my/consents");
    visit.open(&format!("{}/b/my/consents", world.issuer())).await.unwrap();
    assert_eq!(visit.at().path(), "/b/sign-in", "a session of one issuer is none of another's");
    let renamed = renamed_session(&here, &visit).await;
    let shown = renamed.get(&format!("{}/b/my/consents", world.issuer())).await;
    assert_eq!(shown, 303, "whatever its cookie is called");
    visit.open(&format!("{}/my/consents", world.issuer())).await.unwrap();
    assert_eq!(visit.at().path(), "/my/consents", "and visiting one does not end the session at the other");
}

/// A browser that sends the session cookie of the first issuer under the name of the second.
struct Renamed(conformance::client::Client, String);

async fn renamed_session(tpp: &Tpp, visit: &Visit) -> Renamed {
    let session = visit.cookies().iter().find(|(name, _)| name == "__Host-session").unwrap().1.clone();
    Renamed(tpp.registered().http.clone(), format!("__Host-session-b={session}"))
}

impl Renamed {
    async fn get(&self, url: &str) -> u16 {
        let raw = Raw::bare("GET", url).with("cookie", &self.1);
        raw.send(&self.0).await.status.as_u16()
    }
}

#[tokio::test]
async fn a_consent_is_shown_ended_and_used_at_its_own_issuer_only() {
    let world = world().await;
    let (here, there) = (world.palm(), at(&world, "/b").await);
    let (id, ask) = uae::single_payment();
    let granted = tokens(&here, &world, &ask).await;
    let mut visit = there.visit().unwrap();
    let place = visit.open(&format!("{}/b/sign-in", world.issuer())).await.unwrap();
    visit.sign_in(page_form(&place, "password"), &world.user).await.unwrap();
    let list = visit.open(&format!("{}/b/my/consents", world.issuer())).await.unwrap();
    assert!(!page(&list).text().contains(&id), "listed at its own issuer only");
    let one = visit.open(&format!("{}/b/my/consents/{id}", world.issuer())).await.unwrap();
    assert_eq!(page(&one).status, 404);
    let again = there.push(&ask, HONEST).await.unwrap();
    assert_eq!(again.status, 400, "its identifier is taken: {}", again.text());
    let apis = at_issuer(&world.apis(), &format!("{}/b", world.issuer())).await;
    let told = apis.present("introspection_endpoint", &granted.access, HONEST).await.unwrap();
    inactive(&told, "a token of another issuer");
    let revoked = there.present("revocation_endpoint", &granted.refresh.unwrap(), HONEST).await.unwrap();
    assert_eq!(revoked.status, 200, "revocation tells nothing");
    let url = here.endpoint("userinfo_endpoint").unwrap();
    assert_eq!(here.get(&url, &granted.access, HONEST).await.unwrap().status, 200, "and changed nothing");
}

/// Issuers may share a place for their APIs; each token is judged by its own issuer's rules and keys.
#[tokio::test]
async fn apis_at_one_place_take_the_tokens_of_the_issuers_they_are_for() {
    let file = "[[issuers]]\n[[issuers]]\npath = \"/b\"\n[[issuers]]\npath = \"/c\"\n\
                [[apis]]\npath = \"\"\nissuers = [\"\", \"/b\"]\n";
    let bank =
        Bank::start(Settings { deployment: Some(file.to_owned()), ..Settings::default() }).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let palm = bank.tpp(Some("palm-books")).await.unwrap();
    for (path, status) in [("", 201), ("/b", 201), ("/c", 401)] {
        let tpp = at_issuer(&palm, &format!("{}{path}", bank.origin())).await;
        let token = tpp.act_alone("consent", HONEST).await.unwrap().member("access_token").unwrap();
        let answer = lodge_at(&tpp, &bank.origin(), &token).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    let other = palm.with_proof_key(Key::generate(Alg::Es256, "proof").unwrap());
    let nobody = lodge_at(&other, &bank.origin(), "a.b.c").await;
    assert_eq!(nobody.status, 401);
}

async fn lodge(tpp: &Tpp, token: &str) -> Answer {
    lodge_at(tpp, &tpp.registered().issuer, token).await
}

async fn lodge_at(tpp: &Tpp, base: &str, token: &str) -> Answer {
    let now = host::now();
    let wanted: Value = json!({"data": {
        "data_holder_id": "bayan-trust",
        "permissions": ["PERA_BASIC_INFO"],
        "sharing_duration": {"start_date": uae::instant(now), "end_date": uae::instant(now + 86_400)},
        "purpose": "show"}});
    ofxpera_at(tpp, ("POST", &format!("{base}/OFPH/v1/common/consent")), token, &wanted.to_string()).await
}

async fn ofxpera(tpp: &Tpp, method: &str, path: &str, token: &str, body: &str) -> Answer {
    let url = format!("{}/OFPH/v1{path}", tpp.registered().issuer);
    ofxpera_at(tpp, (method, &url), token, body).await
}

async fn ofxpera_at(tpp: &Tpp, (method, url): (&str, &str), token: &str, body: &str) -> Answer {
    let mut headers =
        vec![("participant-id", "palm-books".to_owned()), ("accept", "application/json".to_owned())];
    if !body.is_empty() {
        headers.push(("content-type", "application/json".to_owned()));
    }
    let body = body.to_owned().into();
    tpp.call(&Call { method, url, token, headers, body }, HONEST).await.unwrap()
}
