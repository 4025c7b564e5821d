//! The document, computed from the routes.

use serde_json::{Map, Value, json};

use super::{Elsewhere, Interface, Named, Operation, Parameter, Presence, Refused, Refusing, Shape};
use crate::guard::{Body, Retry, Scoped, TokenKind};
use crate::http::RouteInfo;

/// The media type of a signed message (RFC 7519).
pub const SIGNED: &str = "application/jwt";
/// The media type of a form (RFC 6749 appendix B).
pub const FORM: &str = "application/x-www-form-urlencoded";

/// The description of an interface whose routes are these, at an origin.
#[must_use]
pub fn document(interface: &Interface, routes: &[RouteInfo], origin: &str) -> Value {
    let mut schemas = Map::new();
    let mut paths = Paths::new();
    for route in routes {
        let Some(about) = route.about else { continue };
        let mut said = operation(about, media(route), &mut schemas);
        refused(&mut said, (interface.refusals, route, about), &mut schemas);
        let mut taken =
            parameters(&route.path, (interface.segments, about.query, interface.headers), &mut schemas);
        taken.extend(key(route, interface.key, &mut schemas));
        set(&mut said, "parameters", json!(taken));
        guarded(&mut said, route);
        set(&mut said, "x-aliases", json!(aliases_of(interface, &route.path)));
        put(&mut paths, &route.path, route.method.as_str(), said);
    }
    for Elsewhere { method, path, aliases, callers, about, sent_as, refusals } in interface.elsewhere {
        let mut said = operation(about, sent_as, &mut schemas);
        if let Some(Value::Object(responses)) = said.get_mut("responses") {
            for row in *refusals {
                set(responses, &row.status.to_string(), refusal(row, &mut schemas));
            }
            if refusals.is_empty() {
                let words = "Refused, as the document of the endpoint says.";
                set(responses, "default", json!({ "description": words }));
            }
        }
        set(&mut said, "parameters", json!(parameters(path, (&[], about.query, &[]), &mut schemas)));
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

fn operation(about: &Operation, sent_as: &'static str, schemas: &mut Members) -> Members {
    let mut responses = Members::new();
    for given in about.gives {
        let status = given.status.to_string();
        let same = about.gives.iter().filter(|other| other.status == given.status && !other.media.is_empty());
        let content: Members = same
            .map(|given| {
                let text = || json!({ "schema": { "type": "string" } });
                let said = given.body.map_or_else(text, |named| content(given.media, named, schemas));
                (given.media.to_owned(), said)
            })
            .collect();
        let mut response = Members::new();
        set(&mut response, "description", json!("Done."));
        if !content.is_empty() {
            set(&mut response, "content", Value::Object(content));
        }
        set(&mut responses, &status, Value::Object(response));
    }
    let mut said = Members::new();
    set(&mut said, "operationId", json!(about.id));
    set(&mut said, "summary", json!(about.summary));
    set(&mut said, "responses", Value::Object(responses));
    if let Some(named) = about.takes {
        let taken = content(sent_as, named, schemas);
        set(&mut said, "requestBody", json!({"required": true, "content": {sent_as: taken}}));
    }
    said
}

/// A body of this shape as it travels. What is signed is a text; JSON Schema says what is in it (validation, section 8.6).
fn content(media: &str, named: &'static Named, schemas: &mut Members) -> Value {
    let schema = Shape::Of(named).schema(schemas);
    if media != SIGNED {
        return json!({ "schema": schema });
    }
    let whole = || json!({"type": "integer"});
    let claims = json!({
        "type": "object",
        "properties": {
            "iss": {"type": "string"}, "aud": {}, "iat": whole(), "nbf": whole(), "exp": whole(),
            "jti": {"type": "string"}, "message": schema,
        },
        "required": ["iss", "aud", "iat", "exp", "message"],
    });
    let header = json!({"type": "object", "properties": {"alg": {"type": "string"}}, "required": ["alg"]});
    json!({"schema": {
        "type": "string", "contentMediaType": SIGNED,
        "contentSchema": {"type": "array", "minItems": 2, "prefixItems": [header, claims]},
    }})
}

/// How a route refuses.
fn refused(
    said: &mut Members,
    (rows, route, about): (&'static [Refused], &RouteInfo, &Operation),
    schemas: &mut Members,
) {
    let Some(Value::Object(responses)) = said.get_mut("responses") else { return };
    let (body, key) = (route.needs.body != Body::None, route.needs.retry != Retry::None);
    let pages = about.query.iter().any(|parameter| parameter.name == "page");
    let reads = route.method == http::Method::GET;
    for row in rows {
        let applies = match row.by {
            Refusing::All => true,
            Refusing::WithBody => body,
            Refusing::Changing => !reads,
            Refusing::Naming => body || key || route.path.contains('{'),
            Refusing::Paging => pages,
        };
        if applies {
            set(responses, &row.status.to_string(), refusal(row, schemas));
        }
    }
}

/// One way to be refused.
fn refusal(row: &'static Refused, schemas: &mut Members) -> Value {
    let mut response = Members::new();
    set(&mut response, "description", json!(row.says));
    match (row.body, row.media) {
        (Some(named), media) => {
            set(&mut response, "content", json!({media: content(media, named, schemas)}));
        }
        (None, "") => {}
        (None, media) => set(&mut response, "content", json!({media: {"schema": {"type": "string"}}})),
    }
    Value::Object(response)
}

/// In what a request is sent.
const fn media(route: &RouteInfo) -> &'static str {
    match route.needs.body {
        Body::SignedJwt => SIGNED,
        Body::Json | Body::None => "application/json",
    }
}

fn parameters(
    path: &str,
    (segments, query, headers): (&[Parameter], &[Parameter], &[Parameter]),
    schemas: &mut Members,
) -> Vec<Value> {
    let mut all = Vec::new();
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let known = segments.iter().find(|known| known.name == name);
        let schema = known.map_or_else(|| json!({"type": "string"}), |known| known.shape.schema(schemas));
        all.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
    }
    for (place, some) in [("query", query), ("header", headers)] {
        for one in some {
            let required = one.presence == Presence::Always;
            let schema = one.shape.schema(schemas);
            all.push(json!({"name": one.name, "in": place, "required": required, "schema": schema}));
        }
    }
    all
}

fn key(route: &RouteInfo, form: &Shape, schemas: &mut Members) -> Option<Value> {
    let required = match route.needs.retry {
        Retry::None => return None,
        Retry::ByIdempotencyKey => true,
        Retry::ByOptionalKey => false,
    };
    let schema = form.schema(schemas);
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
