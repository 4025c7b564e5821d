//! The descriptions of the interfaces for people at the operators' listener, and what operators decide about participants.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use resource_server::dialect::consent_manager::{self, ConsentManager};
use resource_server::dialect::ofxpera::{self, Ofxpera};
use resource_server::dialect::uae_bsi::{self, UaeBsi, UaeBsiV1_2};
use resource_server::domain::{OrganisationId, OrganisationStatus};
use resource_server::http::{DESCRIPTIONS, RouteInfo, rows};
use resource_server::openapi;
use resource_server::port::{Participants, Put};
use serde_json::{Map, Value, json};

use super::admin::json_answer;

/// What is told and decided there.
#[derive(Clone)]
pub struct Interfaces {
    /// By name.
    documents: Arc<[(&'static str, Value)]>,
    participants: Arc<dyn Participants>,
}

impl Interfaces {
    /// The interfaces of a bank whose APIs are here.
    pub(super) fn at(api: &str, participants: Arc<dyn Participants>) -> Self {
        let described = [
            (ofxpera::interface(ofxpera::BASE), rows::<Ofxpera>(ofxpera::BASE)),
            (uae_bsi::interface(), rows::<UaeBsi>(uae_bsi::BASE)),
            (uae_bsi::interface_v1_2(), rows::<UaeBsiV1_2>(uae_bsi::BASE_V1_2)),
            (consent_manager::interface(), rows::<ConsentManager>(consent_manager::BASE)),
        ];
        let document = |(interface, routes): &(openapi::Interface, Vec<RouteInfo>)| {
            (interface.name, openapi::document(interface, routes, api))
        };
        Self { documents: described.iter().map(document).collect(), participants }
    }

    /// Answers what is asked of it; `None` when something else is asked.
    pub(super) async fn answer(&self, method: &Method, path: &str) -> Option<Response<Full<Bytes>>> {
        let unknown = || json_answer(StatusCode::NOT_FOUND, &json!({ "error": "not_found" }));
        if let Some(rest) = path.strip_prefix("/participants/") {
            let (id, status) = rest.split_once('/')?;
            return match method {
                &Method::PUT => Some(self.put(id, status).await),
                _ => Some(unknown()),
            };
        }
        let file = path.strip_prefix(DESCRIPTIONS)?;
        if method != Method::GET {
            return Some(unknown());
        }
        let of = |name: &str| self.documents.iter().find(|(known, _)| *known == name);
        Some(match (file.strip_suffix(".json").and_then(of), of(file), file) {
            (Some((_, document)), _, _) => json_answer(StatusCode::OK, document),
            (None, Some((_, document)), _) => page(&browsable(document)),
            (None, None, "") => page(&self.index()),
            (None, None, _) => unknown(),
        })
    }

    /// The scheme's operator says whether a participant takes part.
    async fn put(&self, id: &str, status: &str) -> Response<Full<Bytes>> {
        let status = match status {
            "active" => OrganisationStatus::Active,
            "inactive" => OrganisationStatus::Inactive,
            "maintenance" => OrganisationStatus::Maintenance,
            "suspended" => OrganisationStatus::Suspended,
            _ => return json_answer(StatusCode::NOT_FOUND, &json!({ "error": "unknown_status" })),
        };
        let unknown = || json_answer(StatusCode::NOT_FOUND, &json!({ "error": "unknown_participant" }));
        let Ok(id) = OrganisationId::new(id) else { return unknown() };
        match self.participants.put_status(&id, status).await {
            Ok(Put::Done) => json_answer(StatusCode::OK, &json!({ "status": status })),
            Ok(Put::Unknown) => unknown(),
            Err(fault) => {
                tracing::error!(%fault, "a participant's status could not be changed");
                json_answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": "unavailable" }))
            }
        }
    }

    fn index(&self) -> String {
        let mut text = String::from("<h1>Interfaces</h1><ul>");
        for (name, document) in self.documents.iter() {
            let title = text_at(document, "/info/title");
            let _ = write!(
                text,
                "<li><a href=\"{DESCRIPTIONS}{name}\">{}</a> (<a href=\"{DESCRIPTIONS}{name}.json\">OpenAPI 3.1</a>)</li>",
                escaped(title)
            );
        }
        text + "</ul>"
    }
}

impl std::fmt::Debug for Interfaces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interfaces(…)")
    }
}

/// A page that runs and loads nothing.
fn page(body: &str) -> Response<Full<Bytes>> {
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Interfaces</title></head>\
         <body>{body}</body></html>"
    );
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    answer
}

/// The document, operation by operation, then shape by shape.
fn browsable(document: &Value) -> String {
    let mut text = format!("<h1>{}</h1>", escaped(text_at(document, "/info/title")));
    for (path, item) in members(document.get("paths")) {
        for (method, said) in members(Some(item)) {
            let _ = write!(
                text,
                "<h2 id=\"{id}\"><code>{method} {path}</code></h2><p>{summary}</p>",
                id = escaped(text_at(said, "/operationId")),
                method = escaped(&method.to_ascii_uppercase()),
                path = escaped(path),
                summary = escaped(text_at(said, "/summary")),
            );
            text.push_str("<dl>");
            for (name, place) in ROWS {
                if let Some(value) = said.pointer(place).filter(|value| **value != json!([])) {
                    let _ = write!(text, "<dt>{name}</dt><dd>{}</dd>", linked(value));
                }
            }
            text.push_str("</dl>");
        }
    }
    for (name, schema) in members(document.pointer("/components/schemas")) {
        let shape = with_links(&escaped(&serde_json::to_string_pretty(schema).unwrap_or_default()));
        let _ = write!(text, "<h3 id=\"{0}\">{0}</h3><pre>{shape}</pre>", escaped(name));
    }
    text
}

/// Escaped JSON in which shapes that are referred to are links.
fn with_links(shape: &str) -> String {
    let mut parts = shape.split("&quot;#/components/schemas/");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("&quot;").unwrap_or((part, ""));
        let _ = write!(text, "<a href=\"#{name}\">{name}</a>{rest}");
    }
    text
}

/// What of an operation is shown, and where it stands.
const ROWS: &[(&str, &str)] = &[
    ("Token", "/x-token"),
    ("Scope", "/security/0/token"),
    ("Permission", "/x-permission"),
    ("Callers", "/description"),
    ("Other spellings", "/x-aliases"),
    ("Parameters", "/parameters"),
    ("Request", "/requestBody/content"),
    ("Answers", "/responses"),
];

/// A value in words; shapes are links.
fn linked(value: &Value) -> String {
    match value {
        Value::String(text) => match text.strip_prefix("#/components/schemas/") {
            Some(name) => format!("<a href=\"#{0}\">{0}</a>", escaped(name)),
            None => escaped(text),
        },
        Value::Array(items) => items.iter().map(linked).collect::<Vec<_>>().join(", "),
        Value::Object(found) => match (found.get("name"), found.get("in")) {
            (Some(name), Some(place)) => format!("{} ({})", linked(name), linked(place)),
            (_, _) => found
                .iter()
                .filter(|(name, _)| *name != "description")
                .map(|(name, value)| match name.as_str() {
                    "$ref" | "schema" | "content" => linked(value),
                    _ => format!("{} {}", escaped(name), linked(value)),
                })
                .collect::<Vec<_>>()
                .join(", "),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => escaped(&value.to_string()),
    }
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn text_at<'v>(value: &'v Value, place: &str) -> &'v str {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
