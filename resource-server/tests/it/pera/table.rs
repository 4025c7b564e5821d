//! What is served is what the contract lists, no more and no less.

use oauth_core::{AccessClaims, ClientId, Seconds};
use resource_server::guard::{Scoped, TokenKind};
use resource_server::http::RouteInfo;

use super::*;

/// One row of the contract.
struct Row {
    id: &'static str,
    method: &'static str,
    path: &'static str,
    token: &'static str,
    scope: &'static str,
    permission: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = include_str!("endpoints.tsv").lines().skip(1);
    let row = |line: &'static str| match line.split('\t').collect::<Vec<_>>()[..] {
        [id, method, path, token, scope, permission] => Row { id, method, path, token, scope, permission },
        _ => panic!("not a row: {line}"),
    };
    lines.map(row).collect()
}

const BASE: &str = "/OFPH/v1";

fn served(world: &World) -> Vec<RouteInfo> {
    world.service.routes().into_iter().filter(|route| route.path.starts_with(BASE)).collect()
}

#[tokio::test]
async fn the_routes_are_those_of_the_contract_row_by_row() {
    let world = file().await;
    let routes = served(&world);
    let rows: Vec<Row> = rows().into_iter().filter(|row| !row.path.starts_with("/oauth")).collect();
    for row in &rows {
        let path = format!("{BASE}{}", row.path);
        let route = routes.iter().find(|route| route.path == path && route.method == row.method);
        let route = route.unwrap_or_else(|| panic!("{} {} is not served", row.method, row.path));
        assert_eq!(route.about.unwrap().id, row.id, "{path}");
        let token = match route.needs.token {
            TokenKind::Customer => "user",
            TokenKind::Client => "client-credentials",
            TokenKind::Either => "either",
        };
        let either = row.token.contains("user") && row.token.contains("client-credentials");
        assert_eq!(token, if either { "either" } else { row.token }, "{path}");
        let first = row.scope.split([' ', '(']).next().unwrap();
        let scopes: Vec<&str> = route.needs.scope.iter().map(|scoped| scoped.name()).collect();
        assert_eq!(scopes.first(), Some(&first), "{path}");
        let of_consent = route.needs.scope.iter().any(|scoped| matches!(scoped, Scoped::OfConsent(_)));
        assert_eq!(of_consent, row.scope.contains("{id}"), "{path}");
        let permission = route.needs.permission.map_or("-", Permission::as_str);
        let named = row.permission.split([' ', '(']).next().unwrap();
        let named = if Permission::ALL.iter().any(|known| known.as_str() == named) { named } else { "-" };
        assert_eq!(permission, named, "{path}");
    }
    assert_eq!(routes.len(), rows.len(), "nothing else is served");
}

#[tokio::test]
async fn the_endpoints_of_the_authorization_server_are_described_row_by_row() {
    let world = file().await;
    let interface = world.service.interfaces().remove(0);
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.path.starts_with("/oauth")).collect();
    for row in &rows {
        let found = interface.elsewhere.iter().find(|known| known.about.id == row.id).unwrap();
        assert_eq!((found.method.as_str(), found.path), (row.method, row.path));
    }
    let others = interface.elsewhere.iter().filter(|known| !rows.iter().any(|row| row.id == known.about.id));
    let others: Vec<&str> = others.map(|known| known.about.id).collect();
    assert_eq!(others, ["authorizePost", "userinfoPost"], "OpenID Connect asks for these besides");
}

/// Section 2, the spellings that are served beside those of the document.
const ALIASES: &[(&str, &str)] = &[
    ("/admin/organizations", "/admin/organization"),
    ("/admin/organizations/{id}/certificate", "/admin/organization/{id}/certificate"),
    ("/common/customers/{id}/detail", "/common/customer/{id}/detail"),
    ("/banking/account/{id}", "/banking/accounts/{id}"),
    ("/banking/accounts/{id}/transactions", "/banking/account/{id}/transactions"),
    (
        "/banking/accounts/{id}/transactions/{transactionId}",
        "/banking/account/{id}/transactions/{transactionId}",
    ),
];

#[tokio::test]
async fn section_2_the_aliases_are_those_of_the_contract() {
    let world = file().await;
    let mut known = world.service.interfaces().remove(0).aliases;
    known.sort_unstable();
    let mut wanted = ALIASES.to_vec();
    wanted.sort_unstable();
    assert_eq!(known, wanted);
}

#[tokio::test]
async fn section_2_every_route_and_alias_leads_to_a_handler_and_nothing_redirects() {
    let world = file().await;
    let filled = |path: &str| path.replace("{id}", "x").replace("{transactionId}", "y");
    for route in served(&world) {
        let answer = world.call(Ask::new(route.method.as_str(), &filled(&route.path))).await;
        assert_eq!((answer.status, answer.code()), (401, "INVALID_TOKEN"), "{}", route.path);
    }
    for (alias, own) in ALIASES {
        for route in served(&world).iter().filter(|route| route.path == format!("{BASE}{own}")) {
            let answer = world.call(Ask::new(route.method.as_str(), &filled(alias))).await;
            assert_eq!((answer.status, answer.code()), (401, "INVALID_TOKEN"), "{alias}");
        }
    }
    for nothing in ["/banking", "/banking/accounts/", "/banking/accounts/x/", "/banking/accounts/../x", "/x"]
    {
        let answer = world.call(Ask::get(nothing)).await;
        assert_eq!((answer.status, answer.code()), (404, "RESOURCE_NOT_FOUND"), "{nothing}");
    }
    let patch = world.call(Ask::new("PATCH", "/common/consent/x")).await;
    assert_eq!((patch.status, patch.code()), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(patch.header("allow"), "GET, PUT, DELETE");
}

#[tokio::test]
async fn section_9_1_the_source_accounts_and_the_retirement_accounts_are_different_resources() {
    let world = file().await;
    let both = &[Permission::SourceAccountRead, Permission::PeraBasicInfo];
    world.consent("c-1", both, None).await;
    let token = claims("c-1", "bank_account accounts.basic");
    let source = world.call(Ask::get("/banking/account").token(&token)).await;
    let pera = world.call(Ask::get("/banking/accounts").token(&token)).await;
    assert_eq!(source.body["data"][0]["accountId"], "sa-1");
    assert_eq!(pera.body["data"][0]["id"], "pa-1");
    assert_eq!(
        (source.body["data"].as_array().unwrap().len(), pera.body["data"].as_array().unwrap().len()),
        (1, 1)
    );
}

#[tokio::test]
async fn section_3_3_a_client_that_calls_too_often_is_told_when_to_come_again() {
    let world = crate::fixture::paced(20, 3).await;
    world.consent("c-1", &[Permission::PeraBasicInfo], None).await;
    let ask = || Ask::get("/banking/accounts").token(&claims("c-1", "accounts.basic"));
    for _ in 0..5 {
        let stranger = world.call(Ask::get("/banking/accounts")).await;
        assert_eq!(stranger.status, 401, "who is nobody uses up nothing");
    }
    for _ in 0..3 {
        assert_eq!(world.call(ask()).await.status, 200);
    }
    let refused = world.call(ask().header("x-v", "2")).await;
    assert_eq!((refused.status, refused.code()), (429, "TOO_MANY_REQUESTS"), "{}", refused.body);
    assert_eq!(refused.header("retry-after"), "3");
    let other = AccessClaims { client_id: ClientId::new("other").unwrap(), ..own_claims("products") };
    assert_eq!(world.call(Ask::get("/banking/products").token(&other)).await.status, 200, "its own share");
    world.clock.advance(Seconds::new(3));
    assert_eq!(world.call(ask()).await.status, 200);
    assert_eq!(world.call(ask()).await.status, 429);
}
