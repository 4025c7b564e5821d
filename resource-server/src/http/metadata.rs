//! Protected resource metadata (RFC 9728), served beside the routes.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};

use super::{Mounted, ResourceService, bare};
use crate::dialect::Answer;

impl ResourceService {
    /// Protected resource metadata (RFC 9728 section 3): one document for each resource that is guarded here.
    pub(super) fn metadata(&self, method: &Method, path: &str) -> Answer {
        let described: Vec<&dyn Mounted> = self
            .mounts
            .iter()
            .map(AsRef::as_ref)
            .filter(|mount| mount.guard().metadata_path().as_deref() == Some(path))
            .collect();
        let Some(first) = described.first() else { return bare(StatusCode::NOT_FOUND) };
        if method != Method::GET && method != Method::HEAD {
            let mut answer = bare(StatusCode::METHOD_NOT_ALLOWED);
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        let mut scopes: Vec<String> = described
            .iter()
            .flat_map(|mount| mount.routes())
            .flat_map(|route| route.needs.scope)
            .map(|scoped| scoped.name().to_owned())
            .collect();
        scopes.sort();
        scopes.dedup();
        match serde_json::to_vec(&first.guard().metadata(scopes)) {
            Ok(document) => {
                let mut answer = Response::new(Bytes::from(document));
                let headers = answer.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
                answer
            }
            Err(_) => bare(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}
