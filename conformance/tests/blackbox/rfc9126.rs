//! RFC 9126: pushed authorization requests.

use conformance::host;
use conformance::tpp::flow::Ask;
use conformance::tpp::mutate::{HONEST, Part, duplicate, remove, set};
use conformance::user::Decision;
use serde_json::{Value, json};

use crate::support::judge::{because, members, refused, refused_as, taken, unguessable};
use crate::support::raw::{Raw, fields};
use crate::support::{embedded, identity};

mod encodings;
mod redirect_uris;

const FORM: Part = Part::PushForm;

/// PAR-01, PAR-02, PAR-03, PAR-24.
#[tokio::test]
async fn section_2_2_the_answer_is_201_with_a_reference_that_nobody_guesses() {
    let palm = embedded().await.palm();
    let answer = palm.push(&identity(), HONEST).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (201, Some("application/json")));
    let cache = answer.header("cache-control").unwrap();
    assert!(cache.contains("no-cache") && cache.contains("no-store"), "{cache}");
    let body = answer.json().unwrap();
    assert_eq!(members(&body), ["expires_in", "request_uri"]);
    let lifetime = body["expires_in"].as_i64().unwrap();
    assert!((5..600).contains(&lifetime), "{lifetime}");
    let reference = body["request_uri"].as_str().unwrap();
    let random = reference.strip_prefix("urn:ietf:params:oauth:request_uri:").unwrap();
    unguessable(random);
    let second = palm.push(&identity(), HONEST).await.unwrap().member("request_uri").unwrap();
    assert_ne!(second, reference);
}

/// PAR-04, T-HT-05.
#[tokio::test]
async fn section_2_3_only_post_is_taken() {
    let palm = embedded().await.palm();
    for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"] {
        let raw = Raw { method, ..Raw::push(&palm, &identity()) };
        let answer = raw.send(&palm.registered().http).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")), "{method}");
    }
    let disguised = Raw::bare("GET", &palm.endpoint("pushed_authorization_request_endpoint").unwrap())
        .with("x-http-method-override", "POST");
    assert_eq!(disguised.send(&palm.registered().http).await.status, 405);
}

/// PAR-06, T-AR-04.
#[tokio::test]
async fn section_2_1_a_pushed_request_refers_to_no_other() {
    let world = embedded().await;
    let palm = world.palm();
    let real = world.push(&palm, &identity()).await;
    for reference in [real.as_str(), "urn:ietf:params:oauth:request_uri:x", "https://tpp.example/r"] {
        let answer = palm.push(&identity(), &[set(FORM, "request_uri", reference)]).await.unwrap();
        refused_as(&answer, 400, &["invalid_request"], reference);
    }
}

/// PAR-07; what the metadata does not offer is not half taken.
#[tokio::test]
async fn section_3_a_request_object_is_refused_where_none_are_taken() {
    let palm = embedded().await.palm();
    assert_eq!(palm.metadata()["request_parameter_supported"], json!(false));
    let answer = palm.push(&identity(), &[set(FORM, "request", "e30.e30.")]).await.unwrap();
    refused_as(&answer, 400, &["request_not_supported", "invalid_request_object"], "request");
}

/// PAR-10.
#[tokio::test]
async fn section_2_1_the_redirect_uri_is_required() {
    let palm = embedded().await.palm();
    let absent = palm.push(&identity(), &[remove(FORM, "redirect_uri")]).await.unwrap();
    refused(&absent, 400, "invalid_request");
    because(&absent, "FAPI2SP-5.3.2.2-9");
    refused(&palm.push(&identity(), &[set(FORM, "redirect_uri", "")]).await.unwrap(), 400, "invalid_request");
}

/// PAR-12.
#[tokio::test]
async fn section_2_1_only_the_code_response_type_is_taken() {
    let palm = embedded().await.palm();
    for wrong in ["token", "code id_token", "id_token", "code token", "CODE", "code code", "none"] {
        let answer = palm.push(&identity(), &[set(FORM, "response_type", wrong)]).await.unwrap();
        refused_as(&answer, 400, &["unsupported_response_type"], wrong);
    }
    let absent = palm.push(&identity(), &[remove(FORM, "response_type")]).await.unwrap();
    refused(&absent, 400, "invalid_request");
}

#[tokio::test]
async fn section_2_1_a_response_mode_that_is_not_offered_is_refused() {
    let palm = embedded().await.palm();
    for wrong in ["fragment", "form_post", "jwt", "query.jwt", "web_message"] {
        let answer = palm.push(&identity(), &[set(FORM, "response_mode", wrong)]).await.unwrap();
        refused_as(&answer, 400, &["invalid_request"], wrong);
    }
    taken(&palm.push(&identity(), &[set(FORM, "response_mode", "query")]).await.unwrap(), "query");
}

/// PAR-14, PAR-16: long and unusual values come back unchanged.
#[tokio::test]
async fn section_2_1_long_states_and_nonces_are_kept_to_the_letter() {
    let world = embedded().await;
    let palm = world.palm();
    let letters = "ABCXYZabcxyz0189-._~!*'();:@&=+$,/?#[]% \"<>{}|^`";
    for (state, nonce) in [
        (letters.to_owned(), "n".repeat(43)),
        ("s".repeat(1000), "n".repeat(64)),
        ("x&code=evil&iss=https://evil.example".to_owned(), "n-._~".repeat(77)[..384].to_owned()),
        ("x%0d%0aSet-Cookie:%20a=b".to_owned(), "\"n".to_owned()),
    ] {
        let ask = Ask { state: state.clone(), nonce: nonce.clone(), ..identity() };
        let request_uri = world.push(&palm, &ask).await;
        let returned = world.decide(&palm, &request_uri, &Decision::Approve).await;
        assert_eq!(returned.parameter("state"), Some(state));
        let code = palm.code(&ask, &returned).await.unwrap();
        let answer = palm.redeem(&ask, &code, HONEST).await.unwrap();
        let id_token = answer.member("id_token").unwrap();
        let claims =
            palm.server_keys().await.unwrap().open_for(&id_token, &world.issuer(), palm.id()).unwrap();
        assert_eq!(claims["nonce"], json!(nonce));
    }
}

/// PAR-15.
#[tokio::test]
async fn section_2_1_without_state_and_nonce_none_come_back() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let without = [remove(FORM, "state"), remove(FORM, "nonce")];
    let request_uri = palm.push(&ask, &without).await.unwrap().member("request_uri").unwrap();
    let returned = world.decide(&palm, &request_uri, &Decision::Approve).await;
    assert!(!returned.url().query_pairs().any(|(name, _)| name == "state"), "{}", returned.url());
    let answer = palm.redeem(&ask, &returned.parameter("code").unwrap(), HONEST).await.unwrap();
    let id_token = answer.member("id_token").unwrap();
    let claims = palm.server_keys().await.unwrap().open_for(&id_token, &world.issuer(), palm.id()).unwrap();
    assert!(claims.get("nonce").is_none(), "{claims}");
}

#[tokio::test]
async fn section_2_1_a_state_or_nonce_beyond_the_bound_is_refused_and_never_cut() {
    let palm = embedded().await.palm();
    for (name, value) in [
        ("state", "s".repeat(2000)),
        ("nonce", "n".repeat(2000)),
        ("state", "s\u{e9}".to_owned()),
        ("nonce", "n\n".to_owned()),
        ("state", "a\r\nb".to_owned()),
    ] {
        let answer = palm.push(&identity(), &[set(FORM, name, value.as_str())]).await.unwrap();
        refused_as(&answer, 400, &["invalid_request"], name);
    }
}

/// PAR-17, TK-16.
#[tokio::test]
async fn section_2_1_the_order_of_scopes_does_not_matter_and_unknown_ones_are_refused() {
    let palm = embedded().await.palm();
    taken(&palm.push(&Ask::new("email openid profile"), HONEST).await.unwrap(), "order");
    for wrong in
        ["openid admin", "openid introspection", "openid\tprofile", "openid \"x\"", "openid  \\", "OPENID"]
    {
        let answer = palm.push(&Ask::new(wrong), HONEST).await.unwrap();
        refused_as(&answer, 400, &["invalid_scope"], wrong);
    }
}

/// PAR-18.
#[tokio::test]
async fn section_2_1_unknown_parameters_are_ignored() {
    let palm = embedded().await.palm();
    for name in ["vendor_extension", "display", "ui_locales", "claims_locales", "Scope", "SCOPE"] {
        taken(&palm.push(&identity(), &[set(FORM, name, "en")]).await.unwrap(), name);
    }
    for (name, value) in
        [("login_hint", "nobody"), ("acr_values", "urn:none urn:other"), ("id_token_hint", "x")]
    {
        taken(&palm.push(&identity(), &[set(FORM, name, value)]).await.unwrap(), name);
    }
}

/// PAR-18, T-AR-07: every parameter twice, with the same value and with another.
#[tokio::test]
async fn section_2_1_a_parameter_that_comes_twice_is_refused() {
    let palm = embedded().await.palm();
    let ask = identity().with("prompt", "consent").with("max_age", "300").with("login_hint", "x");
    for (name, value) in ask.all(palm.registered()).to_form() {
        for second in [value.as_str(), "other", ""] {
            let answer = palm.push(&ask, &[duplicate(FORM, &name, second)]).await.unwrap();
            refused_as(&answer, 400, &["invalid_request"], &format!("{name}={second}"));
        }
    }
    for name in ["client_assertion_type", "unknown"] {
        let twice = [set(FORM, name, "a"), duplicate(FORM, name, "b")];
        let answer = palm.push(&ask, &twice[usize::from(name != "unknown")..]).await.unwrap();
        refused_as(&answer, 400, &["invalid_request"], name);
    }
}

/// T-AR-07: once in the body and once in the query.
#[tokio::test]
async fn section_2_1_parameters_in_the_query_are_refused() {
    let palm = embedded().await.palm();
    for query in ["scope=openid", "client_id=palm-books", "x=y", "state="] {
        let mut raw = Raw::push(&palm, &identity());
        raw.url = format!("{}?{query}", raw.url);
        refused(&raw.send(&palm.registered().http).await, 400, "invalid_request");
    }
}

/// PAR-19, AZ-04, T-AR-03.
#[tokio::test]
async fn section_2_2_a_reference_belongs_to_the_client_that_pushed_it() {
    let world = embedded().await;
    let (palm, luzon) = (world.palm(), world.luzon());
    for (owner, other) in [(&palm, &luzon), (&luzon, &palm)] {
        let request_uri = world.push(owner, &identity()).await;
        let url = other.authorization_url(&request_uri).unwrap();
        let answer = world.bank.client().unwrap().get(&url).await.unwrap();
        crate::support::judge::error_page(&answer, other.id());
        world.decide(owner, &request_uri, &Decision::Approve).await;
    }
}

/// PAR-23; RFC 9396 section 5.
#[tokio::test]
async fn authorization_details_that_are_not_understood_are_refused() {
    let palm = embedded().await.palm();
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let cases: Vec<Value> = vec![
        json!("not json"),
        json!("{}"),
        json!("[1]"),
        json!("[[]]"),
        json!("[{}]"),
        json!(r#"[{"type":5}]"#),
        json!(r#"[{"type":""}]"#),
        json!(r#"[{"type":"unknown"}]"#),
        json!(r#"[{"type":"payment_initiation"}]"#),
        json!(r#"[{"type":"payment_initiation","type":"payment_initiation"}]"#),
        json!(r#"[{"type":"urn:ofxpera:consent:v1"}]"#),
        json!(format!(r#"[{{"type":"urn:ofxpera:consent:v1","consentId":"{}"}}]"#, host::uuid())),
        json!(r#"[{"Type":"PaymentConsent"}]"#),
        json!(r#"[{"type":"a"}] x"#),
        json!(deep),
        json!(format!("[{}]", vec![r#"{"type":"payment_initiation"}"#; 17].join(","))),
    ];
    for details in cases {
        let ask = identity().with("authorization_details", details.clone());
        let answer = palm.push(&ask, HONEST).await.unwrap();
        refused_as(&answer, 400, &["invalid_authorization_details"], &details.to_string());
    }
}

#[tokio::test]
async fn a_resource_that_is_not_ours_is_invalid_target() {
    let palm = embedded().await.palm();
    let answer = palm.push(&identity().with("resource", "https://elsewhere.example"), HONEST).await.unwrap();
    refused(&answer, 400, "invalid_target");
}

#[tokio::test]
async fn the_path_is_matched_to_the_letter() {
    let palm = embedded().await.palm();
    let (http, origin) = (&palm.registered().http, palm.registered().issuer.clone());
    for name in ["token_endpoint", "pushed_authorization_request_endpoint", "introspection_endpoint"] {
        let url = palm.endpoint(name).unwrap();
        let path = url.strip_prefix(&origin).unwrap();
        let escaped = format!("/%{:02x}{}", path.as_bytes()[1], &path[2..]);
        for wrong in [
            format!("/{path}"),
            format!("{path}/"),
            format!("{path};x"),
            escaped,
            format!("{path}%2f"),
            format!("{path}%00"),
            format!("/x/..{path}"),
            path.to_ascii_uppercase(),
        ] {
            let raw = Raw::form(&format!("{origin}{wrong}"), &fields(&[("token", "x")]));
            assert_eq!(raw.send(http).await.status, 404, "{wrong}");
        }
        for method in ["GET", "PUT", "TRACE", "DELETE"] {
            let answer = Raw::bare(method, &url).send(http).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("allow")),
                (405, Some("POST")),
                "{method} {path}"
            );
        }
    }
}
