//! The document, computed from the routes.

use serde_json::{Map, Value, json};

use super::{Elsewhere, Interface, Operation, Parameter, Presence, Shape};
use crate::guard::{Body, Retry, Scoped, TokenKind};
use crate::http::RouteInfo;

/// The description of an interface whose routes are these, at an origin.
#[must_use]
pub fn document(interface: &Interface, routes: &[RouteInfo], origin: &str) -> Value {
    let mut schemas = Map::new();
    let mut paths = Paths::new();
    let errors = Shape::Of(interface.errors).schema(&mut schemas);
    for route in routes {
        let Some(about) = route.about else { continue };
        let mut said = operation(about, (&errors, media(route)), &mut schemas);
        let mut taken = parameters(&route.path, (interface.headers, about.query), &mut schemas);
        taken.extend(key(route));
        set(&mut said, "parameters", json!(taken));
        guarded(&mut said, route);
        set(&mut said, "x-aliases", json!(aliases_of(interface, &route.path)));
        put(&mut paths, &route.path, route.method.as_str(), said);
    }
    for Elsewhere { method, path, aliases, callers, about } in interface.elsewhere {
        let mut said = operation(about, (&json!({}), "application/json"), &mut schemas);
        set(&mut said, "parameters", json!(parameters(path, (&[], about.query), &mut schemas)));
        set(&mut said, "description", json!(callers));
        set(&mut said, "x-aliases", json!(aliases));
        put(&mut paths, path, method.as_str(), said);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": interface.title, "version": interface.version },
        "servers": [{ "url": origin }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http", "scheme": "bearer",
                    "description": "An access token bound to a client certificate (RFC 8705), or to a key (RFC 9449) and \
                                    then sent with the scheme DPoP and a proof.",
                },
            },
        },
    })
}

type Members = Map<String, Value>;
type Paths = std::collections::BTreeMap<String, Members>;

fn set(members: &mut Members, name: &str, value: Value) {
    members.insert(name.to_owned(), value);
}

fn put(paths: &mut Paths, path: &str, method: &str, said: Members) {
    let item = paths.entry(path.to_owned()).or_default();
    set(item, &method.to_ascii_lowercase(), Value::Object(said));
}

fn operation(about: &Operation, (errors, sent_as): (&Value, &str), schemas: &mut Members) -> Members {
    let mut responses = Members::new();
    for given in about.gives {
        let status = given.status.to_string();
        let same = about.gives.iter().filter(|other| other.status == given.status && !other.media.is_empty());
        let content: Members = same
            .map(|given| {
                let text = || json!({"type": "string"});
                let schema = given.body.map_or_else(text, |named| Shape::Of(named).schema(schemas));
                (given.media.to_owned(), json!({ "schema": schema }))
            })
            .collect();
        let mut response = Members::new();
        set(&mut response, "description", json!("Done."));
        if !content.is_empty() {
            set(&mut response, "content", Value::Object(content));
        }
        set(&mut responses, &status, Value::Object(response));
    }
    let content = json!({"application/json": {"schema": errors}});
    set(&mut responses, "default", json!({"description": "Refused.", "content": content}));
    let mut said = Members::new();
    set(&mut said, "operationId", json!(about.id));
    set(&mut said, "summary", json!(about.summary));
    set(&mut said, "responses", Value::Object(responses));
    if let Some(named) = about.takes {
        let schema = Shape::Of(named).schema(schemas);
        set(&mut said, "requestBody", json!({"required": true, "content": {sent_as: {"schema": schema}}}));
    }
    said
}

/// In what a request is sent.
const fn media(route: &RouteInfo) -> &'static str {
    match route.needs.body {
        Body::SignedJwt => "application/jwt",
        Body::Json | Body::None => "application/json",
    }
}

fn parameters(
    path: &str,
    (headers, query): (&[Parameter], &[Parameter]),
    schemas: &mut Members,
) -> Vec<Value> {
    let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> = in_path
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    for (place, some) in [("query", query), ("header", headers)] {
        for one in some {
            let required = one.presence == Presence::Always;
            let schema = one.shape.schema(schemas);
            all.push(json!({"name": one.name, "in": place, "required": required, "schema": schema}));
        }
    }
    all
}

fn key(route: &RouteInfo) -> Option<Value> {
    let required = match route.needs.retry {
        Retry::None => return None,
        Retry::ByIdempotencyKey => true,
        Retry::ByOptionalKey => false,
    };
    let schema = json!({"type": "string"});
    Some(json!({"name": "x-idempotency-key", "in": "header", "required": required, "schema": schema}))
}

/// What the guard demands, in the words of the description.
fn guarded(said: &mut Members, route: &RouteInfo) {
    let needs = &route.needs;
    let scope = |scoped: &Scoped| match scoped {
        Scoped::Value(value) | Scoped::OfClient(value) => (*value).to_owned(),
        Scoped::OfConsent(value) => format!("{value}:{{consent}}"),
    };
    let scopes: Vec<String> = needs.scope.iter().map(scope).collect();
    set(said, "security", json!([{ "token": scopes }]));
    let token = match needs.token {
        TokenKind::Customer => "customer",
        TokenKind::Client => "client",
        TokenKind::Either => "customer or client",
    };
    set(said, "x-token", json!(token));
    if let Some(permission) = needs.permission {
        set(said, "x-permission", json!(permission.as_str()));
    }
}

fn aliases_of(interface: &Interface, path: &str) -> Vec<String> {
    let own = path.strip_prefix(interface.base.as_str()).unwrap_or(path);
    let aliases = interface.aliases.iter().filter(|(_, to)| *to == own);
    aliases.map(|(from, _)| format!("{}{from}", interface.base)).collect()
}
