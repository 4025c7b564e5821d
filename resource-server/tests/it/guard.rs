//! The guard before every route of every table.

use http::{Request, Response};
use http_body_util::Full;
use oauth_core::jose::Audience;
use oauth_core::{AccessClaims, Binding, Thumbprint};
use rar_consent::Permission;
use resource_server::guard::{
    Authentication, Authority, Body, GuardLayer, IN_FORCE, Needs, Retry, Scoped, TokenKind, guarded,
};
use resource_server::http::{Origin, RouteInfo};
use tower_service::Service;

use super::fixture::{Ask, World, asking_for_nonces, claims, file, now, own_claims, sign_as};

const ALL_SCOPES: &str = "accounts.basic accounts.details bank_account payments consent consent:c-1 openid";

/// A well-formed call of a route, as far as header fields go, without a token.
fn ask(route: &RouteInfo) -> Ask {
    let path =
        route.path.replace("{id}", "00000000-0000-4000-8000-000000000001").replace("{transactionId}", "tx-1");
    let ask = Ask::new(route.method.as_str(), &path);
    let ask = match route.needs.body {
        Body::None => ask,
        Body::Json => ask.json(&serde_json::json!({"data": {}})),
        Body::SignedJwt => ask.header("content-type", "application/jwt"),
    };
    match route.needs.retry {
        Retry::None => ask,
        Retry::ByIdempotencyKey => ask.header("x-idempotency-key", "00000000-0000-4000-8000-000000000009"),
    }
}

/// A token that is good for a route.
fn good(route: &RouteInfo) -> AccessClaims {
    match route.needs.token {
        TokenKind::Client => own_claims(ALL_SCOPES),
        TokenKind::Customer | TokenKind::Either => claims("c-1", ALL_SCOPES),
    }
}

async fn ready(world: &World) {
    world.consent("c-1", &Permission::ALL, None).await;
}

#[tokio::test]
async fn every_route_refuses_no_token_a_foreign_token_and_a_wrong_scope_and_changes_nothing() {
    let world = file().await;
    ready(&world).await;
    let before = world.size().await;
    let routes = world.service.routes();
    assert!(routes.len() >= 12, "{}", routes.len());
    for route in routes {
        let name = format!("{} {}", route.method, route.path);
        let token = || good(&route);
        let bad: Vec<(&str, Ask, u16)> = vec![
            ("no token", ask(&route), 401),
            ("not a token", ask(&route).header("authorization", "Bearer abc"), 401),
            (
                "an ID token",
                ask(&route).header("authorization", &format!("Bearer {}", sign_as("JWT", &token()))),
                401,
            ),
            (
                "another audience",
                ask(&route)
                    .token(&AccessClaims { aud: Audience::One("https://x.example".into()), ..token() }),
                401,
            ),
            (
                "another issuer",
                ask(&route).token(&AccessClaims {
                    iss: oauth_core::Issuer::new("https://x.example").unwrap(),
                    ..token()
                }),
                401,
            ),
            ("expired", ask(&route).token(&AccessClaims { exp: now().seconds(), ..token() }), 401),
            (
                "another key",
                ask(&route).token(&AccessClaims { cnf: Binding::Mtls(Thumbprint::of(b"x")), ..token() }),
                401,
            ),
            ("no certificate", ask(&route).token(&token()).certificate(None), 401),
            ("another certificate", ask(&route).token(&token()).certificate(Some(b"other")), 401),
            (
                "a disabled client",
                ask(&route).token(&AccessClaims {
                    client_id: oauth_core::ClientId::new("gone").unwrap(),
                    ..token()
                }),
                401,
            ),
            ("two tokens", ask(&route).token(&token()).token(&token()), 400),
            (
                "wrong scope",
                ask(&route)
                    .token(&AccessClaims { scope: oauth_core::Scope::new("openid").unwrap(), ..token() }),
                403,
            ),
        ];
        for (what, ask, status) in bad {
            let answer = world.call(ask).await;
            assert_eq!(answer.status, status, "{name}: {what}: {}", answer.body);
            assert!(!answer.header("www-authenticate").is_empty(), "{name}: {what}");
            assert_eq!(answer.header("cache-control"), "no-store", "{name}: {what}");
            assert!(!answer.header("x-fapi-interaction-id").is_empty(), "{name}: {what}");
        }
        let allowed = world.call(ask(&route).token(&token())).await;
        assert!(![401, 403].contains(&allowed.status), "{name}: {} {}", allowed.status, allowed.body);
    }
    let after: Vec<i64> = world.size().await;
    // The allowed calls revoke c-1 at the very end; everything else is as it was.
    assert_eq!(after[..7], before[..7]);
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
        assert_eq!((answer.status, answer.code()), (403, "INSUFFICIENT_SCOPE"), "{}", route.path);
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
async fn a_revoked_grant_or_an_unknown_consent_ends_the_token_at_once() {
    let world = file().await;
    ready(&world).await;
    let accounts = || Ask::get("/banking/accounts");
    assert_eq!(world.call(accounts().token(&claims("c-1", "accounts.basic"))).await.status, 200);
    assert_eq!(world.call(accounts().token(&claims("c-nobody", "accounts.basic"))).await.status, 401);
    world.revoke_grant().await;
    assert_eq!(world.call(accounts().token(&claims("c-1", "accounts.basic"))).await.status, 401);
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
    let nobody = service.call(Request::get("/loyalty").body(()).unwrap()).await.unwrap();
    assert_eq!(nobody.status(), 401);
}

/// A call of a bank's own route with a token bound to the certificate of the connection.
pub(super) fn with_token(claims: &AccessClaims) -> Request<()> {
    let token = super::fixture::sign(claims);
    let certificate = oauth_core::PeerCertificate::new(
        b"the certificate of the client".as_slice().into(),
        oauth_core::Chain::Trusted,
    );
    Request::get("/loyalty")
        .header("authorization", format!("Bearer {token}"))
        .extension(certificate)
        .body(())
        .unwrap()
}
