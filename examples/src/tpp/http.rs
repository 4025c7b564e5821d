//! The HTTP client: no redirects followed, a time limit, a size limit, every exchange narrated.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use oauth_core::{Clock, json};
use serde::de::DeserializeOwned;

use super::connect::{CertificateFiles, Connector};
use super::error::{Stop, printable, quoted};
use super::narrate::{Message, Narrator};
use super::{config::Config, mask};

/// How long one exchange may take, connection included.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of an answer.
const ANSWER_BYTES: usize = 512 * 1024;
/// Bytes of each part of a server's explanation that are repeated.
const SAID_BYTES: usize = 500;

/// Whether the connection shows the client certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    /// As a browser or a DPoP client.
    Plain,
    /// RFC 8705: with the client certificate.
    Certificate,
}

/// A request to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// Method.
    pub(crate) method: Method,
    /// Absolute https URL.
    pub(crate) url: String,
    /// The connection it goes over.
    pub(crate) channel: Channel,
    /// Header fields.
    pub(crate) headers: HeaderMap,
    /// Body.
    pub(crate) body: Bytes,
}

/// An answer, read in full.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// Status.
    pub(crate) status: StatusCode,
    /// Header fields.
    pub(crate) headers: HeaderMap,
    /// Body.
    pub(crate) body: Bytes,
}

/// Sends requests.
pub(crate) struct Http {
    plain: Client<Connector, Full<Bytes>>,
    certificate: Option<Client<Connector, Full<Bytes>>>,
    narrator: Arc<Narrator>,
    clock: Arc<dyn Clock>,
}

impl Http {
    /// Loads the trusted authority and, for a client that shows one, its certificate.
    pub(crate) fn new(config: &Config, narrator: Arc<Narrator>, clock: Arc<dyn Clock>) -> Result<Self, Stop> {
        let connect = |certificate: Option<CertificateFiles<'_>>| -> Result<_, Stop> {
            let connector = Connector::new(&config.ca, certificate)?;
            Ok(Client::builder(TokioExecutor::new()).build(connector))
        };
        let certificate = match &config.client.certificate {
            Some((certificate, key)) if config.client.shows_certificate() => {
                Some(connect(Some((certificate, key)))?)
            }
            Some(_) | None => None,
        };
        Ok(Self { plain: connect(None)?, certificate, narrator, clock })
    }

    /// Sends a request and reads the answer, whatever its status.
    pub(crate) async fn send(&self, ask: Ask) -> Result<Reply, Stop> {
        let (_, after_scheme) = ask.url.split_once("://").unwrap_or_default();
        let path = after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or("/");
        let line = format!("{} {}", ask.method, path.split('?').next().unwrap_or(path));
        let failed = |why: String| Stop::Network { place: line.clone(), why };
        let headers = ask.headers.clone();
        let start = format!("{} {}", ask.method, mask::location(&ask.url));
        self.narrator.trace(">", &Message { start, headers: &headers, body: &ask.body });
        let began = self.clock.now();
        let exchange = self.exchange(ask);
        let reply = tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| failed(format!("no complete answer within {} s", PATIENCE.as_secs())))?
            .map_err(failed)?;
        let millis = self.clock.now().millis().saturating_sub(began.millis());
        self.narrator.exchange(&line, reply.status, millis);
        let start = format!("HTTP {}", reply.status.as_u16());
        self.narrator.trace("<", &Message { start, headers: &reply.headers, body: &reply.body });
        Ok(reply)
    }

    async fn exchange(&self, ask: Ask) -> Result<Reply, String> {
        let client = match ask.channel {
            Channel::Plain => &self.plain,
            Channel::Certificate => self.certificate.as_ref().ok_or("no client certificate is configured")?,
        };
        let mut request = Request::new(Full::new(ask.body));
        *request.uri_mut() = ask.url.parse().map_err(|_| "not a URL")?;
        *request.method_mut() = ask.method;
        *request.headers_mut() = ask.headers;
        let answer = client.request(request).await.map_err(|error| innermost(&error))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(|error| innermost(&*error))?;
        Ok(Reply { status: parts.status, headers: parts.headers, body: body.to_bytes() })
    }
}

impl Ask {
    /// A request without body.
    pub(crate) fn get(url: impl Into<String>, channel: Channel) -> Self {
        let (method, body) = (Method::GET, Bytes::new());
        Self { method, url: url.into(), channel, headers: HeaderMap::new(), body }
            .with(ACCEPT, "application/json")
    }

    /// A form.
    pub(crate) fn form(url: impl Into<String>, channel: Channel, fields: &[(String, String)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { method: Method::POST, body: body.into(), ..Self::get(url, channel) }
            .with(CONTENT_TYPE, "application/x-www-form-urlencoded")
    }

    /// A body of another media type.
    pub(crate) fn body(method: Method, url: impl Into<String>, media: (&str, String)) -> Self {
        let ask = Self::get(url, Channel::Plain);
        Self { method, body: media.1.into(), ..ask }.with(CONTENT_TYPE, media.0)
    }

    /// The same request with this header field. A value that no header can carry is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

impl Reply {
    /// The one field of this name; none when it is absent, repeated or not text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(one), None) => one.to_str().ok(),
            _ => None,
        }
    }

    /// The media type, without parameters.
    pub(crate) fn is_of(&self, media: &str) -> bool {
        let sent = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        sent.split(';').next().is_some_and(|bare| bare.trim_ascii().eq_ignore_ascii_case(media))
    }

    /// The body as JSON of a known shape, when the status is the one expected.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        place: &'static str,
        status: StatusCode,
    ) -> Result<T, Stop> {
        if self.status != status {
            return Err(self.refused(place));
        }
        let is_json = self.is_of("application/json") || self.is_of("application/jwk-set+json");
        if !is_json {
            return Err(self.unexpected(place, "not application/json"));
        }
        json::read_strict(&self.body).map_err(|fault| self.unexpected(place, &fault.to_string()))
    }

    /// The server's own words for its refusal.
    pub(crate) fn refused(&self, place: &'static str) -> Stop {
        let said =
            serde_json::from_slice::<serde_json::Value>(&self.body).ok().and_then(|value| said(&value));
        let challenge = self.header("www-authenticate").map(quoted);
        let said = said.or(challenge).unwrap_or_else(|| "no explanation".to_owned());
        self.unexpected(place, &said)
    }

    /// An answer that is not what the document promises.
    pub(crate) fn unexpected(&self, place: &'static str, said: &str) -> Stop {
        Stop::Answer { place, status: self.status.as_u16(), said: said.to_owned() }
    }
}

/// OAuth errors, OFxPERA errors and UAE errors, each in one line.
pub(crate) fn said(value: &serde_json::Value) -> Option<String> {
    let text = |pointer: &str| value.pointer(pointer).and_then(serde_json::Value::as_str);
    let parts = [
        text("/error"),
        text("/error_description"),
        text("/errors/0/code"),
        text("/errors/0/message"),
        text("/errors/0/path"),
        text("/Errors/0/Code"),
        text("/Errors/0/Message/en"),
        text("/Errors/0/Path"),
    ];
    let found: Vec<String> = parts.into_iter().flatten().map(|part| printable(part, SAID_BYTES)).collect();
    (!found.is_empty()).then(|| found.join(": "))
}

/// The reason at the bottom, which is the one that helps.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::tpp) fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        Reply { status, headers: map, body: Bytes::from(body.to_owned()) }
    }

    #[test]
    fn a_repeated_header_field_counts_as_absent() {
        let twice = reply(200, &[("dpop-nonce", "a"), ("dpop-nonce", "b")], "");
        assert_eq!(twice.header("dpop-nonce"), None);
        assert_eq!(reply(200, &[("dpop-nonce", "a")], "").header("dpop-nonce"), Some("a"));
    }

    #[test]
    fn json_is_read_only_with_its_media_type_and_without_repeated_members() {
        let media = [("content-type", "application/json; charset=utf-8")];
        let read = |reply: &Reply| reply.json::<serde_json::Value>("here", StatusCode::OK);
        assert!(read(&reply(200, &media, r#"{"a":1}"#)).is_ok());
        assert!(read(&reply(200, &[("content-type", "text/html")], r#"{"a":1}"#)).is_err());
        assert!(read(&reply(200, &media, r#"{"a":1,"a":2}"#)).is_err());
        assert!(read(&reply(201, &media, r#"{"a":1}"#)).is_err());
    }

    #[test]
    fn the_servers_words_for_a_refusal_are_repeated_in_one_line() {
        let oauth = reply(400, &[], r#"{"error":"invalid_request","error_description":"no\nscope"}"#);
        assert!(oauth.refused("PAR").to_string().ends_with("HTTP 400: invalid_request: no?scope"));
        let pera = reply(403, &[], r#"{"errors":[{"code":"CONSENT_NOT_GRANTED","message":"no"}]}"#);
        assert!(pera.refused("accounts").to_string().ends_with("CONSENT_NOT_GRANTED: no"));
    }
}
