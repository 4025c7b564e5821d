//! The descriptions of the interfaces (OpenAPI 3.1), served beside the routes.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::Value;

use super::{ResourceService, RouteInfo, bare};
use crate::dialect::Answer;
use crate::openapi;

/// Below this path stand the descriptions: `/openapi/ofxpera.json`.
pub const DESCRIPTIONS: &str = "/openapi/";

impl ResourceService {
    /// Every interface that has a description.
    #[must_use]
    pub fn interfaces(&self) -> Vec<openapi::Interface> {
        self.mounts.iter().filter_map(|mount| mount.interface()).collect()
    }

    /// The description of every interface that has one, by name.
    #[must_use]
    pub fn descriptions(&self) -> Vec<(&'static str, Value)> {
        let described = self.mounts.iter().filter_map(|mount| Some((mount.interface()?, mount.routes())));
        described
            .map(|(interface, routes): (openapi::Interface, Vec<RouteInfo>)| {
                (interface.name, openapi::document(&interface, &routes, self.origin.as_str()))
            })
            .collect()
    }

    pub(super) fn description(&self, method: &Method, path: &str) -> Answer {
        let wanted = path.strip_prefix(DESCRIPTIONS).and_then(|file| file.strip_suffix(".json"));
        let all = self.descriptions();
        let Some((_, document)) = all.iter().find(|(name, _)| Some(*name) == wanted) else {
            return bare(StatusCode::NOT_FOUND);
        };
        if method != Method::GET && method != Method::HEAD {
            let mut answer = bare(StatusCode::METHOD_NOT_ALLOWED);
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        let mut answer = Response::new(Bytes::from(document.to_string()));
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        answer
    }
}
