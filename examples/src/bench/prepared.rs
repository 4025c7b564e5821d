//! Requests that wait to be sent.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Uri};

use super::{Doing as _, Failed};

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// One whole authorization code flow, ready but for what the server answers on the way.
#[derive(Debug, Clone)]
pub struct Flow {
    /// The pushed authorization request.
    pub push: Prepared,
    /// The token request without its code.
    pub redeem: Prepared,
}

impl Prepared {
    /// A POST of this body.
    #[must_use]
    pub fn post(path: &'static str, body: String) -> Self {
        let (headers, uri) = (HeaderMap::new(), Uri::from_static(path));
        Self { method: Method::POST, uri, headers, body: Bytes::from(body) }
    }
}

/// A GET without anything else.
///
/// # Errors
/// When the path is none.
pub fn get(path: &str) -> Result<Prepared, Failed> {
    Ok(Prepared {
        method: Method::GET,
        uri: path.parse().doing("writing a path")?,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    })
}

/// A POST of form parameters.
pub(super) fn form(path: &'static str, body: String) -> Prepared {
    let mut prepared = Prepared::post(path, body);
    prepared.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    prepared
}

/// A header field's value.
pub(super) fn header(text: &str) -> Result<HeaderValue, Failed> {
    HeaderValue::from_str(text).doing("writing a header")
}

/// RFC 3986 section 2.1.
pub(super) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // writing to a string cannot fail
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
