//! FAPI 2.0 Security Profile section 5.3.2.2: the authorization endpoint and the way back to the client.

use std::time::Duration;

use conformance::client::Answer;
use conformance::html;
use conformance::tpp::mutate::HONEST;
use conformance::user::{Decision, Place, Visit};
use url::Url;

use crate::support::judge::{because, error_page, hardened_page, unguessable};
use crate::support::raw::{Raw, fields};
use crate::support::{World, embedded, identity, page, page_form};

async fn get(world: &World, url: &str) -> Answer {
    world.bank.client().unwrap().get(url).await.unwrap()
}

fn authorize(world: &World, query: &str) -> String {
    format!("{}?{query}", world.palm().metadata()["authorization_endpoint"].as_str().unwrap())
}

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// AZ-01, T-AR-02.
#[tokio::test]
async fn client_id_and_request_uri_are_the_whole_request_in_any_order() {
    let world = embedded().await;
    let palm = world.palm();
    let more = "redirect_uri=https%3A%2F%2Fevil.example&scope=payments&state=evil&response_type=token&prompt=none\
                &nonce=evil&code_challenge=evil&authorization_details=%5B%5D&response_mode=fragment&login_hint=x";
    let ask = identity();
    let reference = world.push(&palm, &ask).await;
    let (client, request) =
        (format!("client_id={}", palm.id()), format!("request_uri={}", escaped(&reference)));
    for query in
        [format!("{client}&{request}"), format!("{request}&{client}"), format!("{more}&{request}&{client}")]
    {
        let answer = get(world, &authorize(world, &query)).await;
        assert_eq!(answer.status, 303, "{query} {}", answer.text());
    }
    let mut visit = world.signed_in().await;
    let url = authorize(world, &format!("{client}&{more}&{request}"));
    let place = visit.complete(&url, &world.user, &Decision::Approve).await.unwrap();
    let returned = place.returned().unwrap();
    assert_eq!(returned.parameter("state"), Some(ask.state.clone()));
    let code = palm.code(&ask, &returned).await.unwrap();
    let told = palm.redeem(&ask, &code, HONEST).await.unwrap().json().unwrap();
    assert!(!told["scope"].as_str().unwrap().contains("payments"), "{told}");
}

/// AZ-02, AZ-14, T-AR-01.
#[tokio::test]
async fn a_request_that_was_not_pushed_is_answered_with_a_page_and_no_redirect() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let plain = serde_urlencoded::to_string(ask.all(palm.registered()).to_form()).unwrap();
    let reference = escaped("urn:ietf:params:oauth:request_uri:x");
    for query in [
        plain.clone(),
        format!("{plain}&request=e30.e30."),
        String::new(),
        "client_id=palm-books".to_owned(),
        "client_id=nobody&request_uri=x".to_owned(),
        format!("request_uri={reference}"),
        format!("client_id=palm-books&request_uri={reference}"),
        "client_id=palm-books&request_uri=https%3A%2F%2Ftpp.example%2Frequest".to_owned(),
        "client_id=palm-books&request_uri=%zz".to_owned(),
        format!("client_id=palm-books&request_uri={}", "x".repeat(9000)),
    ] {
        let answer = get(world, &authorize(world, &query)).await;
        if answer.status == 413 || answer.status == 414 {
            hardened_page(&answer, "too long");
        } else {
            error_page(&answer, &query);
        }
        if query == plain || query == "client_id=palm-books" {
            because(&answer, "RFC9126-4");
        }
    }
}

/// T-AR-07.
#[tokio::test]
async fn a_repeated_parameter_is_answered_with_a_page() {
    let world = embedded().await;
    let palm = world.palm();
    let reference = escaped(&world.push(&palm, &identity()).await);
    for query in [
        format!("client_id=palm-books&client_id=palm-books&request_uri={reference}"),
        format!("client_id=palm-books&request_uri={reference}&request_uri={reference}"),
        format!("client_id=palm-books&request_uri={reference}&scope=a&scope=b"),
    ] {
        error_page(&get(world, &authorize(world, &query)).await, &query);
    }
}

/// AZ-05: expired, as long as the push itself said.
#[tokio::test]
async fn an_expired_request_uri_is_answered_with_a_page() {
    let world = embedded().await;
    let palm = world.palm();
    let answer = palm.push(&identity(), HONEST).await.unwrap();
    let lifetime = answer.json().unwrap()["expires_in"].as_u64().unwrap();
    let url = palm.authorization_url(&answer.member("request_uri").unwrap()).unwrap();
    tokio::time::sleep(Duration::from_secs(lifetime + 1)).await;
    error_page(&get(world, &url).await, "expired");
}

/// Section 5.3.2.2, note 3: the life of a `request_uri` is for the browser to arrive in, not for the customer to decide in.
#[tokio::test]
async fn a_customer_may_take_longer_to_decide_than_the_request_uri_lives() {
    let world = embedded().await;
    let palm = world.palm();
    let answer = palm.push(&identity(), HONEST).await.unwrap();
    let lifetime = answer.json().unwrap()["expires_in"].as_u64().unwrap();
    let url = palm.authorization_url(&answer.member("request_uri").unwrap()).unwrap();
    let mut visit = palm.visit().unwrap();
    let place = visit.open(&url).await.unwrap();
    tokio::time::sleep(Duration::from_secs(lifetime + 1)).await;
    let place = visit.sign_in(page_form(&place, "password"), &world.user).await.unwrap();
    let place = visit.decide(page_form(&place, "approve"), &Decision::Approve).await.unwrap();
    assert!(place.returned().is_ok_and(|back| back.parameter("code").is_some()), "{:?}", visit.at());
}

/// AZ-06.
#[tokio::test]
async fn a_request_uri_that_has_been_decided_is_over() {
    let world = embedded().await;
    let palm = world.palm();
    for decision in [Decision::Approve, Decision::Deny] {
        let reference = world.push(&palm, &identity()).await;
        world.decide(&palm, &reference, &decision).await;
        let url = palm.authorization_url(&reference).unwrap();
        error_page(&get(world, &url).await, "by another browser");
        let mut visit = world.signed_in().await;
        let place = visit.open(&url).await.unwrap();
        assert!(page(&place).status.is_client_error(), "by the same browser");
    }
}

/// AZ-07: before a decision nothing is spent, however often it is opened, also by a link preview.
#[tokio::test]
async fn a_reload_before_the_decision_costs_nothing() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let reference = world.push(&palm, &ask).await;
    let url = palm.authorization_url(&reference).unwrap();
    for _ in 0..3 {
        assert_eq!(get(world, &url).await.status, 303);
    }
    let mut visit = palm.visit().unwrap();
    visit.open(&url).await.unwrap();
    visit.open(&url).await.unwrap();
    let place = visit.complete(&url, &world.user, &Decision::Approve).await.unwrap();
    palm.code(&ask, &place.returned().unwrap()).await.unwrap();
}

/// AZ-08, AZ-09; RFC 9207 section 2.
#[tokio::test]
async fn the_answer_holds_code_state_and_issuer_in_the_query_and_nothing_else() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let reference = world.push(&palm, &ask).await;
    let returned = world.decide(&palm, &reference, &Decision::Approve).await;
    let url = returned.url();
    let mut names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    names.sort();
    assert_eq!(names, ["code", "iss", "state"]);
    assert_eq!((url.fragment(), returned.parameter("iss")), (None, Some(world.issuer())));
    assert_eq!(returned.parameter("state"), Some(ask.state));
    unguessable(&returned.parameter("code").unwrap());
}

/// AZ-11, AZ-12, AZ-13.
#[tokio::test]
async fn a_refusal_is_access_denied_with_state_and_issuer() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let reference = world.push(&palm, &ask).await;
    let returned = world.decide(&palm, &reference, &Decision::Deny).await;
    assert_eq!(returned.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(
        (returned.parameter("state"), returned.parameter("iss")),
        (Some(ask.state), Some(world.issuer()))
    );
    let allowed = ["error", "error_description", "error_uri", "state", "iss"];
    for (name, value) in returned.url().query_pairs() {
        assert!(allowed.contains(&&*name), "{name}");
        let printable = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(name == "state" || value.bytes().all(printable), "{name}={value}");
    }
}

/// A cancelled sign-in is a refusal as well.
#[tokio::test]
async fn cancelling_the_sign_in_is_access_denied() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let reference = world.push(&palm, &ask).await;
    let mut visit = palm.visit().unwrap();
    let place = visit.open(&palm.authorization_url(&reference).unwrap()).await.unwrap();
    let place = visit.submit(&page_form(&place, "cancel"), "cancel").await.unwrap();
    let returned = place.returned().unwrap();
    assert_eq!(returned.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(returned.parameter("state"), Some(ask.state));
}

/// AZ-15; RFC 9700 section 4.12.
#[tokio::test]
async fn every_redirect_of_the_flow_turns_a_post_into_a_get() {
    let world = embedded().await;
    let palm = world.palm();
    let reference = world.push(&palm, &identity()).await;
    let mut visit = palm.visit().unwrap();
    let url = palm.authorization_url(&reference).unwrap();
    visit.complete(&url, &world.user, &Decision::Approve).await.unwrap().returned().unwrap();
    let redirects: Vec<u16> =
        visit.statuses().iter().copied().filter(|status| (300..400).contains(status)).collect();
    assert!(redirects.len() >= 3, "{redirects:?}");
    assert!(redirects.iter().all(|status| matches!(status, 302 | 303)), "{redirects:?}");
}

/// AZ-25: authorization by POST works as well as by GET.
#[tokio::test]
async fn a_post_of_the_two_parameters_opens_the_request() {
    let world = embedded().await;
    let palm = world.palm();
    let reference = world.push(&palm, &identity()).await;
    let form = fields(&[("client_id", palm.id()), ("request_uri", &reference)]);
    let url = palm.metadata()["authorization_endpoint"].as_str().unwrap().to_owned();
    let answer = Raw::form(&url, &form).send(&world.bank.client().unwrap()).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
}

/// T-UI-05, T-AR-11.
#[tokio::test]
async fn cookies_are_out_of_reach_and_nothing_pushed_stands_in_them_or_in_addresses() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let reference = world.push(&palm, &ask).await;
    let answer = get(world, &palm.authorization_url(&reference).unwrap()).await;
    let location = answer.header("location").unwrap().to_owned();
    let cookies = answer.all("set-cookie");
    assert!(!cookies.is_empty());
    for cookie in &cookies {
        for part in ["__Host-", "; Secure", "; HttpOnly", "; SameSite=", "; Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("; Domain"), "{cookie}");
    }
    for secret in
        [&ask.state, &ask.nonce, "profile", &conformance::tpp::keys::sha256(ask.verifier.as_bytes())]
    {
        assert!(
            !location.contains(secret) && !cookies.iter().any(|cookie| cookie.contains(secret)),
            "{secret}"
        );
    }
    assert!(answer.header("referrer-policy").is_some_and(|told| told == "no-referrer"));
}

async fn consent_page(world: &World) -> (Visit, Place, String) {
    let palm = world.palm();
    let reference = world.push(&palm, &identity()).await;
    let url = palm.authorization_url(&reference).unwrap();
    let mut visit = world.signed_in().await;
    let place = visit.open(&url).await.unwrap();
    (visit, place, reference)
}

/// AZ-27, T-UI-03.
#[tokio::test]
async fn sign_in_and_consent_pages_are_hardened_and_name_the_client() {
    let world = embedded().await;
    let palm = world.palm();
    let reference = world.push(&palm, &identity()).await;
    let mut stranger = palm.visit().unwrap();
    let place = stranger.open(&palm.authorization_url(&reference).unwrap()).await.unwrap();
    hardened_page(page(&place), "sign-in");
    // with no-referrer a browser would post the form with `Origin: null`, which is refused
    assert_eq!(page(&place).header("referrer-policy"), Some("same-origin"));
    assert!(page(&place).text().contains("Palm Books"));
    let (_, place, _) = consent_page(world).await;
    hardened_page(page(&place), "consent");
    let text = page(&place).text();
    assert!(html::form_with(&text, "approve").is_some() && text.contains("Palm Books"), "{text}");
    assert!(!text.contains("<script"));
}

async fn posted(world: &World, visit: &Visit, pairs: &[(String, String)], origin: &str) -> Answer {
    let url = visit.at().join("/request/decide").unwrap();
    let cookies: Vec<String> =
        visit.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
    Raw::form(url.as_str(), pairs)
        .with("cookie", &cookies.join("; "))
        .with("origin", origin)
        .send(&world.bank.client().unwrap())
        .await
}

/// AZ-27, T-UI-02.
#[tokio::test]
async fn a_decision_from_elsewhere_or_without_its_form_token_changes_nothing() {
    let world = embedded().await;
    let (mut visit, place, _) = consent_page(world).await;
    let form = page_form(&place, "approve");
    assert_eq!(visit.at().join(&form.action).unwrap().path(), "/request/decide");
    let good = form.press("approve");
    let without: Vec<_> = good.iter().filter(|(name, _)| name != "csrf").cloned().collect();
    let mut other = good.clone();
    other.iter_mut().filter(|(name, _)| name == "csrf").for_each(|(_, value)| *value = "x".to_owned());
    for (case, pairs, origin) in [
        ("another origin", &good, "https://evil.example"),
        ("null origin", &good, "null"),
        ("no form token", &without, world.issuer().as_str()),
        ("another form token", &other, world.issuer().as_str()),
    ] {
        let answer = posted(world, &visit, pairs, origin).await;
        assert!(
            answer.status.is_client_error() && answer.header("location").is_none(),
            "{case}: {}",
            answer.status
        );
    }
    let place = visit.submit(&form, "approve").await.unwrap();
    assert!(place.returned().unwrap().parameter("code").is_some(), "the honest form still works");
}

/// AZ-28: a ticket belongs to the browser that opened the request.
#[tokio::test]
async fn another_visitor_cannot_finish_what_one_began() {
    let world = embedded().await;
    let (visit, place, _) = consent_page(world).await;
    let form = page_form(&place, "approve");
    let ticket = visit.at().clone();
    let mut thief = world.palm().visit().unwrap();
    let shown = thief.open(ticket.as_str()).await.unwrap();
    assert!(page(&shown).status.is_client_error(), "without a cookie: {}", page(&shown).status);
    let other = world.push(&world.palm(), &identity()).await;
    thief.open(&world.palm().authorization_url(&other).unwrap()).await.unwrap();
    let shown = thief.open(ticket.as_str()).await.unwrap();
    assert!(page(&shown).status.is_client_error(), "with a cookie of its own: {}", page(&shown).status);
    // with the session of the same customer, but in a browser of its own
    let named = |visit: &Visit, of: fn(&str) -> bool| -> Vec<String> {
        let own = visit.cookies().iter().filter(|(name, _)| of(name));
        own.map(|(name, value)| format!("{name}={value}")).collect()
    };
    let browser = |name: &str| name == "__Host-browser";
    let session = |name: &str| name != "__Host-browser";
    for cookies in [named(&visit, session), [named(&visit, session), named(&thief, browser)].concat()] {
        let answer = Raw::form(visit.at().join(&form.action).unwrap().as_str(), &form.press("approve"))
            .with("cookie", &cookies.join("; "))
            .with("origin", &world.issuer())
            .send(&world.bank.client().unwrap())
            .await;
        assert!(answer.status.is_client_error(), "{cookies:?}: {}", answer.status);
        assert!(answer.header("location").is_none());
    }
}

/// T-UI-08: the second decision finds the request closed.
#[tokio::test]
async fn a_denial_after_an_approval_undoes_nothing() {
    let world = embedded().await;
    let (mut visit, place, _) = consent_page(world).await;
    let form = page_form(&place, "approve");
    let mut second = visit.clone();
    let returned = visit.submit(&form, "approve").await.unwrap().returned().unwrap();
    assert!(returned.parameter("code").is_some());
    let late = second.submit(&form, "deny").await.unwrap();
    assert!(page(&late).status.is_client_error());
}

/// T-UI-01: signing in changes the session.
#[tokio::test]
async fn signing_in_gives_a_new_session() {
    let world = embedded().await;
    let palm = world.palm();
    let mut visit = palm.visit().unwrap();
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let place = visit.open(&format!("{}/sign-in", world.issuer())).await.unwrap();
        visit.sign_in(page_form(&place, "password"), &world.user).await.unwrap();
        sessions.push(visit.cookies().to_vec());
    }
    let differs = sessions[0]
        .iter()
        .any(|(name, value)| sessions[1].iter().any(|(other, now)| name == other && value != now));
    assert!(differs, "{:?}", sessions.iter().map(Vec::len).collect::<Vec<_>>());
}

/// T-UI-04: nothing tells whether the name or the password was wrong.
#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let world = embedded().await;
    let mut told = Vec::new();
    for name in ["nobody-1", "nobody-2"] {
        let mut visit = world.palm().visit().unwrap();
        let place = visit.open(&format!("{}/sign-in", world.issuer())).await.unwrap();
        let wrong = conformance::user::User::new(name, "wrong");
        let place = visit.sign_in(page_form(&place, "password"), &wrong).await.unwrap();
        hardened_page(page(&place), name);
        assert_eq!(page(&place).status, 422);
        told.push(html::text_of(&page(&place).text(), "error"));
    }
    let mut visit = world.palm().visit().unwrap();
    let place = visit.open(&format!("{}/sign-in", world.issuer())).await.unwrap();
    let wrong = conformance::user::User::new(&world.user.name, "wrong");
    let place = visit.sign_in(page_form(&place, "password"), &wrong).await.unwrap();
    told.push(html::text_of(&page(&place).text(), "error"));
    assert!(told[0].is_some() && told.iter().all(|one| *one == told[0]), "{told:?}");
}

/// T-UI-06: asked first, ended by its own form alone, and led nowhere else.
#[tokio::test]
async fn signing_out_is_asked_for_ends_the_session_and_leads_nowhere_else() {
    let world = embedded().await;
    let palm = world.palm();
    let home = format!("{}/my/consents", world.issuer());
    let mut visit = palm.visit().unwrap();
    let place = visit.open(&format!("{}/sign-in", world.issuer())).await.unwrap();
    visit.sign_in(page_form(&place, "password"), &world.user).await.unwrap();
    let out = format!("{}/sign-out?post_logout_redirect_uri=https://evil.example", world.issuer());
    let asked = visit.open(&out).await.unwrap();
    let leads_away =
        |text: &str| text.contains("=\"https://evil.example") || text.contains("url=https://evil");
    assert!(page(&asked).status == 200 && !leads_away(&page(&asked).text()));
    let still = visit.open(&home).await.unwrap();
    assert!(html::form_with(&page(&still).text(), "password").is_none(), "a look at the page ends nothing");
    let form = page_form(&asked, "sign-out");
    let mut forged = form.clone();
    assert!(forged.fill("csrf", "x"));
    let refused = visit.clone().submit(&forged, "sign-out").await.unwrap();
    assert_eq!(page(&refused).status, 403, "without the token of the form");
    let done = visit.submit(&form, "sign-out").await.unwrap();
    let done = page(&done);
    assert!(done.status == 200 && done.header("location").is_none() && !leads_away(&done.text()));
    let gone = visit.open(&home).await.unwrap();
    assert!(html::form_with(&page(&gone).text(), "password").is_some(), "the session is over");
}

/// T-UI-04: one password tried on many names, from one place.
#[tokio::test]
async fn after_a_hundred_failures_from_one_address_even_the_right_password_waits() {
    let world = World::start(conformance::bank::Settings::default()).await;
    let palm = world.palm();
    let mut visit = palm.visit().unwrap();
    let place = visit.open(&format!("{}/sign-in", world.issuer())).await.unwrap();
    let form = page_form(&place, "password");
    let mut statuses = std::collections::BTreeMap::new();
    for number in 0..100 {
        let nobody = conformance::user::User::new(&format!("nobody-{number}"), "date-palm-7");
        let answer = visit.clone().sign_in(form.clone(), &nobody).await.unwrap();
        *statuses.entry(page(&answer).status.as_u16()).or_insert(0) += 1;
    }
    assert_eq!(statuses, std::collections::BTreeMap::from([(422, 100)]));
    let answer = visit.sign_in(form, &world.user).await.unwrap();
    assert_eq!(page(&answer).status, 429);
}

/// T-RU-05, T-HT-06.
#[tokio::test]
async fn no_page_redirects_to_an_address_of_the_caller() {
    let world = embedded().await;
    let origin = world.issuer();
    for path in [
        "/sign-in?return=https://evil.example",
        "/sign-in?ticket=//evil.example",
        "/sign-out?post_logout_redirect_uri=https://evil.example",
        "/request?ticket=https://evil.example",
        "//evil.example/..",
        "/authorize?client_id=palm-books&redirect_uri=https://evil.example&error=x",
    ] {
        let raw = Raw::bare("GET", &format!("{origin}{path}")).with("origin", "https://evil.example");
        let answer = raw.send(&world.bank.client().unwrap()).await;
        let location = answer.header("location").unwrap_or("/");
        let target = Url::parse(&origin).unwrap().join(location).unwrap();
        assert_eq!(target.origin().ascii_serialization(), origin, "{path} -> {location}");
        assert!(answer.header("access-control-allow-origin").is_none(), "{path}");
    }
}
