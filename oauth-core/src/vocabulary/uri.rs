//! URIs that the protocol compares. They are compared byte by byte and never through a parsed form.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::limits;

/// Why a URI cannot be an issuer, a redirect URI or a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriFault {
    /// Not an absolute URI.
    #[error("not an absolute URI")]
    NotAbsolute,
    /// The scheme is not `https` (or, where allowed, a loopback `http`).
    #[error("the scheme must be https")]
    NotHttps,
    /// It names a user.
    #[error("a user name or password is not allowed")]
    UserInfo,
    /// It has a fragment.
    #[error("a fragment is not allowed")]
    Fragment,
    /// It has a query.
    #[error("a query is not allowed")]
    Query,
    /// It ends in a slash.
    #[error("a trailing slash is not allowed")]
    TrailingSlash,
    /// Its query or fragment carries a parameter of the authorization response.
    #[error("its query carries a parameter of the authorization response")]
    ResponseParameter,
    /// It holds a space, a control character, a backslash or a non-ASCII character, or it is too long.
    #[error("it holds a character that may not stand in a URI, or is too long")]
    Characters,
    /// The host is neither a DNS name nor an address in its one form.
    #[error("the host must be a DNS name or an address in its usual form")]
    Host,
    /// The port is empty, zero, out of range or not in decimal form.
    #[error("the port is not a number between 1 and 65535")]
    Port,
}

/// The issuer identifier (RFC 8414 section 2): an `https` URL without query and fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Issuer(Arc<str>);

impl Issuer {
    /// Reads an issuer identifier. `http` is taken for loopback hosts only, for test set-ups.
    ///
    /// # Errors
    /// When it is not an absolute `https` URL free of user, query, fragment and trailing slash.
    pub fn new(text: &str) -> Result<Self, UriFault> {
        if !is_plain(text) {
            let url = absolute(text)?;
            secure(&url)?;
            if url.query().is_some() {
                return Err(UriFault::Query);
            }
        }
        if text.ends_with('/') {
            return Err(UriFault::TrailingSlash);
        }
        Ok(Self(Arc::from(text)))
    }

    /// The identifier as configured.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path below which this issuer lives; empty for an issuer that is only a host.
    #[must_use]
    pub fn path(&self) -> &str {
        let after_scheme = self.0.find("://").map_or(0, |at| at + 3);
        let rest = self.0.get(after_scheme..).unwrap_or_default();
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
    }

    /// Scheme, host and port, without the path.
    #[must_use]
    pub fn origin(&self) -> &str {
        let end = self.0.len() - self.path().len();
        self.0.get(..end).unwrap_or_default()
    }
}

impl Serialize for Issuer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl TryFrom<String> for Issuer {
    type Error = UriFault;
    fn try_from(text: String) -> Result<Self, UriFault> {
        Self::new(&text)
    }
}

impl From<Issuer> for String {
    fn from(issuer: Issuer) -> Self {
        issuer.0.as_ref().to_owned()
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the browser goes when the authorization is decided (RFC 6749 section 3.1.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RedirectUri(Arc<str>);

/// Parameters that we add to a redirect URI, so no registered one may carry them (RFC 9700 section 4.1).
const RESPONSE_PARAMETERS: &[&str] = &[
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "response",
    "id_token",
    "access_token",
];

impl RedirectUri {
    /// Reads a redirect URI for registration. `http` is taken for loopback hosts only (RFC 8252 section 7.3).
    ///
    /// # Errors
    /// When it is not an absolute `https` URI, carries a fragment, a user, or a parameter of the response.
    pub fn new(text: &str) -> Result<Self, UriFault> {
        if is_plain(text) {
            return Ok(Self(Arc::from(text)));
        }
        let url = absolute(text)?;
        secure(&url)?;
        if url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_ref())) {
            return Err(UriFault::ResponseParameter);
        }
        Ok(Self(Arc::from(text)))
    }

    /// The URI as registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for RedirectUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = UriFault;
    fn try_from(text: String) -> Result<Self, UriFault> {
        Self::new(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0.as_ref().to_owned()
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A resource an access token is meant for (RFC 8707 section 2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Resource(Arc<str>);

impl Resource {
    /// Reads a resource indicator.
    ///
    /// # Errors
    /// When it is not an absolute URI or carries a fragment.
    pub fn new(text: &str) -> Result<Self, UriFault> {
        if !is_plain(text) {
            absolute(text)?;
        }
        Ok(Self(Arc::from(text)))
    }

    /// The URI as configured or asked for.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl TryFrom<String> for Resource {
    type Error = UriFault;
    fn try_from(text: String) -> Result<Self, UriFault> {
        Self::new(&text)
    }
}

impl From<Resource> for String {
    fn from(resource: Resource) -> Self {
        resource.0.as_ref().to_owned()
    }
}

/// The shape of almost every URI of this protocol, in which a parser finds nothing to object to: `https`, a DNS name in
/// lower case whose last label is letters, and a path of unreserved characters. Every stored record is read through here.
fn is_plain(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else { return false };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let label = |label: &str| {
        let ldh = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte != b'-');
        label.len() <= 63
            && label.bytes().all(ldh)
            && edge(label.bytes().next())
            && edge(label.bytes().last())
            && !label.contains("--")
    };
    let top = host.rsplit('.').next().unwrap_or_default();
    text.len() <= limits::REDIRECT_URI_BYTES
        && host.len() <= 253
        && host.split('.').all(label)
        && top.bytes().all(|byte| byte.is_ascii_lowercase())
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte))
}

fn absolute(text: &str) -> Result<Url, UriFault> {
    let clean = text.len() <= limits::REDIRECT_URI_BYTES
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>'));
    if !clean {
        return Err(UriFault::Characters);
    }
    let url = Url::parse(text).map_err(|_| UriFault::NotAbsolute)?;
    if url.fragment().is_some() {
        return Err(UriFault::Fragment);
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || text.contains('@') && authority(text).contains('@')
    {
        return Err(UriFault::UserInfo);
    }
    Ok(url)
}

fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn secure(url: &Url) -> Result<(), UriFault> {
    match (url.scheme(), url.host_str()) {
        ("https", Some(_)) => Ok(()),
        ("http", Some("localhost" | "127.0.0.1" | "[::1]")) => Ok(()),
        _ => Err(UriFault::NotHttps),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_a_bare_https_url() {
        assert_eq!(Issuer::new("https://as.example/fapi2").unwrap().path(), "/fapi2");
        assert_eq!(Issuer::new("https://as.example:8443/fapi2").unwrap().origin(), "https://as.example:8443");
        assert_eq!(Issuer::new("https://as.example").unwrap().path(), "");
        for (bad, fault) in [
            ("http://as.example", UriFault::NotHttps),
            ("https://as.example/", UriFault::TrailingSlash),
            ("https://as.example?x=1", UriFault::Query),
            ("https://as.example#x", UriFault::Fragment),
            ("https://me@as.example", UriFault::UserInfo),
            ("https://@as.example", UriFault::UserInfo),
            ("as.example", UriFault::NotAbsolute),
            ("https://as.example/a b", UriFault::Characters),
        ] {
            assert_eq!(Issuer::new(bad), Err(fault), "{bad}");
        }
    }

    #[test]
    fn what_is_plain_is_what_a_parser_takes_as_it_stands() {
        let hosts = ["as.example", "a-1.b.example", "localhost", "x", "0a.example"];
        let paths = ["", "/", "/cb", "/a/b.c/~d_e-f", "/a/../b", "//a", "/."];
        for (host, path) in hosts.iter().flat_map(|host| paths.map(|path| (host, path))) {
            let text = format!("https://{host}{path}");
            let url = absolute(&text).unwrap();
            assert!(is_plain(&text) && secure(&url).is_ok() && url.query().is_none(), "{text}");
            assert_eq!(url.host_str(), Some(*host), "{text}");
        }
    }

    #[test]
    fn what_a_parser_might_object_to_is_not_plain() {
        for text in [
            "https://",
            "https:///a",
            "https://as.example:8443",
            "https://me@as.example",
            "https://127.0.0.1",
            "https://0x7f.1",
            "https://a.0x7f",
            "https://[::1]",
            "https://AS.example",
            "https://-a.example",
            "https://xn--a.example",
            "https://a..example",
            "https://as.example.",
            "https://as.example?x",
            "https://as.example/#x",
            "https://as.example/a%2fb",
            "https://as.example/a b",
            "https://as.example/a\\b",
            "http://as.example",
            "HTTPS://as.example",
            "https://as_x.example",
            "https://as.example/\u{e9}",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn a_redirect_uri_with_a_response_parameter_cannot_be_registered() {
        assert!(RedirectUri::new("https://tpp.example/cb?tenant=1").is_ok());
        for bad in [
            "https://tpp.example/cb?code=1",
            "https://tpp.example/cb?st%61te=1",
            "javascript:alert(1)",
            "http://tpp.example/cb",
        ] {
            assert!(RedirectUri::new(bad).is_err(), "{bad}");
        }
    }
}
