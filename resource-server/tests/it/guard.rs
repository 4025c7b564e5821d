//! The guard before every route of every table.

use http::{Request, Response};
use http_body_util::Full;
use oauth_core::jose::{Alg, Audience, SigningKey};
use oauth_core::{AccessClaims, Binding, Standing, Thumbprint};
use rar_consent::{ConsentStatus, Permission};
use resource_server::guard::{
    Authentication, Authority, Body, GuardLayer, IN_FORCE, Needs, Retry, Scoped, TokenKind, guarded,
};
use resource_server::http::{Origin, RouteInfo};
use tower_service::Service;

use super::fixture::{Ask, World, asking_for_nonces, claims, file, now, own_claims, sign, sign_as, sign_by};

const ALL_SCOPES: &str = "accounts.basic accounts.details accounts.open bank_account customer customer_details \
    customer_onboarding products payments payments:c-1 consent consent:c-1 admin:read admin:write consent_manager openid";

/// The interfaces of this crate, and what stands before their paths: one folder each below `src/dialect`.
const DIALECTS: &[(&str, &str)] = &[
    ("consent_manager", "/open-finance/consent-manager/v1/"),
    ("ofxpera", "/OFPH/v1/"),
    ("uae_bsi", "/open-finance/payment/v1/"),
    ("uae_bsi", "/open-finance/payment/v1.2/"),
];

#[tokio::test]
async fn the_walk_over_all_routes_leaves_no_dialect_out() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/dialect");
    let entries = std::fs::read_dir(source).unwrap().map(Result::unwrap);
    let mut folders: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut known: Vec<&str> = DIALECTS.iter().map(|(folder, _)| *folder).collect();
    known.dedup();
    assert_eq!(folders, known, "a new dialect is mounted in the fixture and named here");
    let routes = file().await.service.routes();
    for (folder, base) in DIALECTS {
        let own = routes.iter().filter(|route| route.path.starts_with(base)).count();
        assert!(own >= 4, "{folder}: {own} routes");
    }
    let others = routes.iter().filter(|route| !DIALECTS.iter().any(|(_, base)| route.path.starts_with(base)));
    assert_eq!(others.count(), 0);
}

/// A well-formed call of a route, as far as header fields go, without a token.
fn ask(route: &RouteInfo) -> Ask {
    ask_with(route, "")
}

fn ask_with(route: &RouteInfo, query: &str) -> Ask {
    const ID: &str = "00000000-0000-4000-8000-000000000001";
    let segments: Vec<&str> =
        route.path.split('/').map(|segment| if segment.starts_with('{') { ID } else { segment }).collect();
    let ask = Ask::new(route.method.as_str(), &format!("{}{query}", segments.join("/")));
    let ask = match route.needs.body {
        Body::None => ask,
        Body::Json => ask.json(&serde_json::json!({"data": {}})),
        Body::SignedJwt => ask.header("content-type", "application/jwt"),
    };
    match route.needs.retry {
        Retry::None => ask,
        Retry::ByIdempotencyKey | Retry::ByOptionalKey => {
            ask.header("x-idempotency-key", "00000000-0000-4000-8000-000000000009")
        }
    }
}

/// A token that is good for a route.
fn good(route: &RouteInfo) -> AccessClaims {
    match route.needs.token {
        TokenKind::Client => own_claims(ALL_SCOPES),
        // Only a client's own token can lack such a scope.
        TokenKind::Either if route.needs.scope.iter().any(|scoped| matches!(scoped, Scoped::OfClient(_))) => {
            own_claims(ALL_SCOPES)
        }
        TokenKind::Customer | TokenKind::Either => claims("c-1", ALL_SCOPES),
    }
}

async fn ready(world: &World) {
    world.consent("c-1", &Permission::ALL, None).await;
}

/// A key that is not ours.
fn foreign_key() -> SigningKey {
    let random = ring::rand::SystemRandom::new();
    let der = SigningKey::generate_es256(&random).unwrap();
    SigningKey::from_pkcs8_der(Alg::Es256, &der, &random).unwrap()
}

/// Every way a token can be wrong for a route, whatever became of its consent and its grant.
fn wrong(route: &RouteInfo) -> Vec<(&'static str, Ask, u16)> {
    let token = || good(route);
    let claimed = |claims: AccessClaims| ask(route).token(&claims);
    let mut unbound = serde_json::to_value(token()).unwrap();
    unbound.as_object_mut().unwrap().remove("cnf").unwrap();
    let signed = sign(&token());
    let (signed_part, _) = signed.rsplit_once('.').unwrap();
    let unsigned = format!("{signed_part}.");
    let swapped = format!("{signed_part}.{}", sign(&claims("c-9", "x")).rsplit_once('.').unwrap().1);
    let client = |id: &str| oauth_core::ClientId::new(id).unwrap();
    vec![
        ("no token", ask(route), 401),
        ("not a token", ask(route).bearer("abc"), 401),
        ("an empty token", ask(route).bearer(""), 401),
        ("another scheme", ask(route).header("authorization", &format!("Basic {signed}")), 401),
        ("an ID token", ask(route).bearer(&sign_as("JWT", &token())), 401),
        ("a signature by another key", ask(route).bearer(&sign_by(&foreign_key(), "at+jwt", &token())), 401),
        ("the signature of another token", ask(route).bearer(&swapped), 401),
        ("no signature", ask(route).bearer(&unsigned), 401),
        (
            "another audience",
            claimed(AccessClaims { aud: Audience::One("https://x.example".into()), ..token() }),
            401,
        ),
        (
            "another issuer",
            claimed(AccessClaims { iss: oauth_core::Issuer::new("https://x.example").unwrap(), ..token() }),
            401,
        ),
        ("expired", claimed(AccessClaims { exp: now().seconds(), ..token() }), 401),
        ("bound to nothing", ask(route).bearer(&sign_as("at+jwt", &unbound)), 401),
        (
            "bound to another certificate",
            claimed(AccessClaims { cnf: Binding::Mtls(Thumbprint::of(b"x")), ..token() }),
            401,
        ),
        (
            "bound to a key that is not proven",
            claimed(AccessClaims { cnf: Binding::Dpop(Thumbprint::of(b"x")), ..token() }),
            401,
        ),
        ("no certificate", claimed(token()).certificate(None), 401),
        ("another certificate", claimed(token()).certificate(Some(b"other")), 401),
        ("a disabled client", claimed(AccessClaims { client_id: client("gone"), ..token() }), 401),
        ("an unknown client", claimed(AccessClaims { client_id: client("nobody"), ..token() }), 401),
        ("two tokens", claimed(token()).token(&token()), 400),
        ("a second token in the query", ask_with(route, "?access_token=x").token(&token()), 400),
        ("a token in the query alone", ask_with(route, &format!("?access_token={signed}")), 400),
        (
            "another scope",
            claimed(AccessClaims { scope: oauth_core::Scope::new("openid").unwrap(), ..token() }),
            403,
        ),
    ]
}

#[tokio::test]
async fn every_route_refuses_every_wrong_token_and_changes_nothing() {
    let world = file().await;
    ready(&world).await;
    let before = world.size().await;
    let routes = world.service.routes();
    assert!(routes.len() >= 17, "{}", routes.len());
    for route in routes {
        let name = format!("{} {}", route.method, route.path);
        for (what, ask, status) in wrong(&route) {
            let answer = world.call(ask).await;
            // UAE section 8.1 step 1: whatever is wrong with a token is 401 without a body.
            let wanted = if name.contains("/open-finance/") && status == 400 { 401 } else { status };
            assert_eq!(answer.status, wanted, "{name}: {what}: {}", answer.body);
            assert!(!answer.header("www-authenticate").is_empty(), "{name}: {what}");
            assert_eq!(answer.header("cache-control"), "no-store", "{name}: {what}");
            assert!(!answer.header("x-fapi-interaction-id").is_empty(), "{name}: {what}");
            let rule = match what {
                "a disabled client" | "an unknown client" => "RFC7591-client-active",
                "another audience" => "RFC9068-4-aud",
                "another issuer" | "expired" | "no signature" => "RFC9068-4",
                "a token in the query alone" => "RFC6750-2.3",
                _ => continue,
            };
            assert_eq!(answer.rule, Some(rule), "{name}: {what}");
        }
    }
    assert_eq!(world.size().await, before);
    for route in world.service.routes() {
        let allowed = world.call(ask(&route).token(&good(&route))).await;
        assert!(![401, 403].contains(&allowed.status), "{} {}: {}", route.method, route.path, allowed.status);
    }
}

#[tokio::test]
async fn every_route_refuses_a_customer_token_whose_grant_or_consent_is_over() {
    let revoked = file().await;
    ready(&revoked).await;
    revoked.revoke_grant().await;
    let taken_back = file().await;
    ready(&taken_back).await;
    taken_back.move_consent("c-1", ConsentStatus::Revoked).await;
    let unknown = file().await;
    for (what, world) in
        [("revoked grant", &revoked), ("revoked consent", &taken_back), ("unknown consent", &unknown)]
    {
        let before = world.number("SELECT count(*) FROM posting").await;
        for route in world.service.routes().iter().filter(|route| route.needs.token != TokenKind::Client) {
            let answer = world.call(ask(route).token(&claims("c-1", ALL_SCOPES))).await;
            assert_eq!(answer.status, 401, "{} {}: {what}: {}", route.method, route.path, answer.body);
            assert!(!answer.header("www-authenticate").is_empty(), "{}: {what}", route.path);
        }
        assert_eq!(world.number("SELECT count(*) FROM posting").await, before);
    }
}

#[tokio::test]
async fn every_route_refuses_a_suspended_consent_unless_it_says_otherwise() {
    let world = file().await;
    ready(&world).await;
    world.move_consent("c-1", ConsentStatus::Suspended).await;
    let before = world.size().await;
    let customers = world.service.routes().into_iter().filter(|route| route.needs.token != TokenKind::Client);
    let (open, closed): (Vec<_>, Vec<_>) =
        customers.partition(|route| route.needs.standing.contains(&Standing::Suspended));
    assert!(closed.len() >= 8 && open.len() >= 4, "{} {}", closed.len(), open.len());
    for route in &closed {
        let answer = world.call(ask(route).token(&claims("c-1", ALL_SCOPES))).await;
        // Where a repeat is looked for first, a message that cannot be read is refused as such.
        let wanted = if route.needs.body == Body::SignedJwt { 400 } else { 403 };
        assert_eq!(answer.status, wanted, "{} {}: {}", route.method, route.path, answer.body);
    }
    assert_eq!(world.size().await, before);
    for route in &open {
        let answer = world.call(ask(route).token(&claims("c-1", ALL_SCOPES))).await;
        assert!(![401, 403].contains(&answer.status), "{} {}: {}", route.method, route.path, answer.status);
    }
}

#[tokio::test]
async fn every_route_of_one_kind_of_token_refuses_the_other() {
    let world = file().await;
    ready(&world).await;
    for route in world.service.routes() {
        let other = match route.needs.token {
            TokenKind::Client => claims("c-1", ALL_SCOPES),
            TokenKind::Customer => own_claims(ALL_SCOPES),
            TokenKind::Either => continue,
        };
        let answer = world.call(ask(&route).token(&other)).await;
        assert_eq!(answer.status, 403, "{}", route.path);
        assert!(answer.header("www-authenticate").contains("insufficient_scope"), "{}", route.path);
    }
}

#[tokio::test]
async fn every_route_with_a_permission_refuses_a_consent_without_it() {
    let world = file().await;
    world.consent("c-1", &[Permission::PeraStatements], None).await;
    for route in world.service.routes() {
        if route.needs.permission.is_none() {
            continue;
        }
        let answer = world.call(ask(&route).token(&claims("c-1", ALL_SCOPES))).await;
        assert_eq!((answer.status, answer.code()), (403, "CONSENT_NOT_GRANTED"), "{}", route.path);
    }
}

#[tokio::test]
async fn rfc_6750_section_2_a_token_in_the_query_or_in_a_form_is_refused() {
    let world = file().await;
    ready(&world).await;
    let good = claims("c-1", "accounts.basic");
    let query = Ask::get("/banking/accounts?access_token=x").token(&good);
    assert_eq!(world.call(query).await.status, 400);
    let form = Ask::get("/banking/accounts").token(&good);
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(world.call(form).await.status, 400);
}

#[tokio::test]
async fn unknown_paths_are_404_and_unknown_methods_405_with_allow() {
    let world = file().await;
    for path in [
        "/banking",
        "/banking/accounts/",
        "/banking/accounts/a/b",
        "/banking/payments/..",
        "/banking/accounts/a%2Fb/transactions/x/y",
        "/Banking/accounts",
        "",
    ] {
        assert_eq!(world.call(Ask::get(path)).await.status, 404, "{path}");
    }
    assert_eq!(world.call(Ask::get("/OFPH/v2/banking/accounts")).await.status, 404);
    let answer = world.call(Ask::new("PUT", "/banking/payments")).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST, GET"));
    assert!(world.service.serves("/OFPH/v1/banking/accounts"));
    assert!(!world.service.serves("/OFPH/v10/banking/accounts"));
}

#[tokio::test]
async fn the_interaction_id_is_echoed_or_made_and_a_malformed_one_refused() {
    let world = file().await;
    ready(&world).await;
    let call = || Ask::get("/banking/accounts").token(&claims("c-1", "accounts.basic"));
    let id = "942A7ee7-d29a-45aa-93b7-c5f292d86602";
    let echoed = world.call(call().header("x-fapi-interaction-id", id)).await;
    assert_eq!((echoed.status, echoed.header("x-fapi-interaction-id")), (200, id));
    let malformed = world.call(call().header("x-fapi-interaction-id", "no uuid")).await;
    assert_eq!((malformed.status, malformed.code()), (400, "INVALID_HEADER"));
    assert_eq!(malformed.header("x-fapi-interaction-id").len(), 36);
}

#[tokio::test]
async fn rfc_9449_section_9_where_nonces_are_asked_for_every_answer_carries_one() {
    let world = asking_for_nonces().await;
    let answer = world.call(Ask::get("/banking/accounts").header("authorization", "DPoP abc")).await;
    assert_eq!(answer.status, 401);
    assert!(!answer.header("dpop-nonce").is_empty());
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("DPoP ") && challenge.contains("algs=\""), "{challenge}");
}

#[tokio::test]
async fn a_body_above_the_bound_is_413_and_is_not_read_without_a_token() {
    let world = file().await;
    ready(&world).await;
    let mut large = Ask::new("POST", "/banking/payments")
        .header("content-type", "application/json")
        .header("x-idempotency-key", "00000000-0000-4000-8000-000000000009");
    large.body = vec![b' '; 64 * 1024 + 1];
    assert_eq!(world.call(large.clone()).await.status, 401);
    assert_eq!(world.call(large.token(&claims("c-1", "payments"))).await.status, 413);
}

/// A body that breaks off after its first bytes.
struct Cut(Option<bytes::Bytes>);

impl http_body::Body for Cut {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        let next = self.0.take().map(|bytes| Ok(http_body::Frame::data(bytes)));
        std::task::Poll::Ready(Some(next.unwrap_or_else(|| Err(std::io::ErrorKind::ConnectionReset.into()))))
    }
}

/// RS-22: what arrived of a call is judged as far as its head, and its half of a body never.
#[tokio::test]
async fn a_call_whose_body_breaks_off_is_refused_on_every_route_and_changes_nothing() {
    let world = file().await;
    ready(&world).await;
    let before = world.size().await;
    for route in world.service.routes().iter().filter(|route| route.needs.body != Body::None) {
        let request =
            ask(route).token(&good(route)).request().map(|_| Cut(Some(bytes::Bytes::from_static(b"{"))));
        let answer = world.answer(request).await;
        let told = format!("{} {}: {}", route.method, route.path, answer.body);
        assert_eq!((answer.status, answer.rule), (400, Some("RFC9110-15.5.14")), "{told}");
    }
    assert_eq!(world.size().await, before);
}

/// RS-21: a port of ours that fails is told as our fault, without a word of what it said.
#[tokio::test]
async fn every_route_tells_of_a_port_that_fails_and_nothing_else() {
    let world = file().await;
    ready(&world).await;
    world.database.close().await;
    let mut broken = 0;
    for route in world.service.routes() {
        let answer = world.call(ask(&route).token(&good(&route))).await;
        let told = format!("{} {}: {} {}", route.method, route.path, answer.status, answer.body);
        if answer.status < 500 {
            // a client's own call that lacks what the route wants is refused before any port is asked
            assert!(answer.status == 400 && route.needs.token != TokenKind::Customer, "{told}");
            continue;
        }
        broken += 1;
        let said = said(&answer.bytes).to_lowercase();
        for word in ["pool", "sqlite", "database", "sql", "closed", "store"] {
            assert!(!said.contains(word), "{told}");
        }
        if route.needs.token == TokenKind::Customer {
            assert_eq!(answer.rule, Some("RS-port"), "{told}");
        }
    }
    assert!(broken > 20, "{broken}");
}

/// What an answer says: itself, or the claims of the signed message it is.
fn said(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let text = String::from_utf8_lossy(bytes).into_owned();
    let claims = text.split('.').nth(1).filter(|_| !text.starts_with('{'));
    let claims = claims.map(|part| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap());
    claims.map_or(text, |claims| String::from_utf8(claims).unwrap())
}

/// A bank's own route: says who called.
#[derive(Clone)]
pub(super) struct WhoAmI;

impl Service<Request<()>> for WhoAmI {
    type Response = Response<Full<bytes::Bytes>>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }
    fn call(&mut self, request: Request<()>) -> Self::Future {
        let authority = request.extensions().get::<Authority>().unwrap();
        let subject = authority.subject.as_ref().unwrap().as_str().to_owned();
        std::future::ready(Ok(Response::new(Full::from(subject))))
    }
}

#[tokio::test]
async fn the_guard_stands_before_a_banks_own_route_too() {
    let world = file().await;
    ready(&world).await;
    const NEEDS: Needs = Needs {
        token: TokenKind::Customer,
        scope: &[Scoped::Value("loyalty")],
        authentication: Authentication::ANY,
        standing: IN_FORCE,
        permission: None,
        body: Body::None,
        retry: Retry::None,
    };
    let layer = GuardLayer::new(world.guard.clone(), Origin::new(super::fixture::ORIGIN).unwrap(), NEEDS);
    let mut service = guarded(WhoAmI, layer);
    let request = |scope: &str| with_token(&claims("c-1", scope));
    let answer = service.call(request("loyalty")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let refused = service.call(request("openid")).await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().contains("scope=\"loyalty\""));
    assert_eq!(world.rule_on_record(refused.headers()), Some("RFC6750-3.1-scope"));
    let nobody = service.call(Request::get("/loyalty").body(()).unwrap()).await.unwrap();
    assert_eq!(nobody.status(), 401);
    assert_eq!(world.rule_on_record(nobody.headers()), Some("RFC6750-2"));
    world.database.close().await;
    let broken = service.call(request("loyalty")).await.unwrap();
    assert_eq!(broken.status(), 500);
    assert_eq!(world.rule_on_record(broken.headers()), Some("consents"));
}

/// A call of a bank's own route with a token bound to the certificate of the connection.
pub(super) fn with_token(claims: &AccessClaims) -> Request<()> {
    let token = sign(claims);
    let certificate = oauth_core::testkit::certificate();
    Request::get("/loyalty")
        .header("authorization", format!("Bearer {token}"))
        .extension(certificate)
        .body(())
        .unwrap()
}
