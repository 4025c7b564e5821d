//! URLs that this server itself calls. They have one reading: what is not in its one form is refused.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::uri::UriFault;
use crate::limits;

/// An `https` URL that this server itself calls: a client's `jwks_uri` (RFC 7591 section 2), for instance.
///
/// A form that two parsers could read as two different hosts is refused: numbers in octal, hexadecimal or short form where
/// an address belongs, upper-case schemes, empty ports, user names, backslashes, anything that is not ASCII. Whether the
/// host may be called is another question; it is asked of its addresses at the moment of the call.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpsUrl {
    text: Arc<str>,
    host: Host,
    port: u16,
    /// Where path and query begin; the length of the text when there are none.
    target_at: usize,
}

/// Who is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name of the domain name system, as written.
    Name(Arc<str>),
    /// An address in dotted decimal form.
    V4(Ipv4Addr),
    /// An address in brackets.
    V6(Ipv6Addr),
}

/// The port of `https` (RFC 9110 section 4.2.2).
const HTTPS_PORT: u16 = 443;
/// RFC 1035 section 2.3.4.
const NAME_BYTES: usize = 253;
/// RFC 1035 section 2.3.4.
const LABEL_BYTES: usize = 63;

impl HttpsUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// When it is not an absolute `https` URL in its one form, or has a user or a fragment.
    pub fn new(text: &str) -> Result<Self, UriFault> {
        let clean = text.len() <= limits::REDIRECT_URI_BYTES && text.bytes().all(may_stand);
        if !clean {
            return Err(if text.contains('#') { UriFault::Fragment } else { UriFault::Characters });
        }
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return Err(if text.contains("://") { UriFault::NotHttps } else { UriFault::NotAbsolute });
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(UriFault::UserInfo);
        }
        if !escapes_are_whole(target) {
            return Err(UriFault::Characters);
        }
        let (host, port) = split_port(authority)?;
        let (host, port) = (read_host(host)?, port.map_or(Ok(HTTPS_PORT), read_port)?);
        Ok(Self { text: Arc::from(text), host, port, target_at: SCHEME.len() + end })
    }

    /// The URL as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Who is called.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// At which port; 443 unless the URL says otherwise.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as written: the `Host` field of a request (RFC 9110 section 7.2).
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text.get(SCHEME.len()..self.target_at).unwrap_or_default()
    }

    /// Path and query as written: the target of a request (RFC 9112 section 3.2.1), which is never empty.
    #[must_use]
    pub fn target(&self) -> String {
        let written = self.text.get(self.target_at..).unwrap_or_default();
        if written.starts_with('/') { written.to_owned() } else { format!("/{written}") }
    }
}

impl fmt::Debug for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpsUrl({:?})", &*self.text)
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for HttpsUrl {
    type Error = UriFault;
    fn try_from(text: String) -> Result<Self, UriFault> {
        Self::new(&text)
    }
}

impl From<HttpsUrl> for String {
    fn from(url: HttpsUrl) -> Self {
        url.text.as_ref().to_owned()
    }
}

const SCHEME: &str = "https://";

/// RFC 3986 section 2: the characters of a URI, without the number sign.
fn may_stand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte)
}

/// RFC 3986 section 2.1; brackets belong to a host and nowhere else.
fn escapes_are_whole(target: &str) -> bool {
    let mut rest = target.bytes();
    while let Some(byte) = rest.next() {
        let is_whole = match byte {
            b'%' => {
                rest.next().is_some_and(|digit| digit.is_ascii_hexdigit())
                    && rest.next().is_some_and(|digit| digit.is_ascii_hexdigit())
            }
            b'[' | b']' => false,
            _ => true,
        };
        if !is_whole {
            return false;
        }
    }
    true
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), UriFault> {
    let after_address = authority.find(']').map_or(0, |at| at + 1);
    let (address, rest) = authority.split_at(after_address);
    match rest.split_once(':') {
        None if address.is_empty() => Ok((rest, None)),
        None if rest.is_empty() => Ok((address, None)),
        Some((name, port)) if address.is_empty() => Ok((name, Some(port))),
        Some(("", port)) => Ok((address, Some(port))),
        Some(_) | None => Err(UriFault::Host),
    }
}

fn read_port(text: &str) -> Result<u16, UriFault> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_decimal).ok_or(UriFault::Port)
}

fn read_host(text: &str) -> Result<Host, UriFault> {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse().map(Host::V6).map_err(|_| UriFault::Host);
    }
    if let Ok(address) = text.parse() {
        return Ok(Host::V4(address));
    }
    if text.len() <= NAME_BYTES && text.split('.').all(is_label) && !ends_in_a_number(text) {
        Ok(Host::Name(Arc::from(text)))
    } else {
        Err(UriFault::Host)
    }
}

/// RFC 1123 section 2.1.
fn is_label(label: &str) -> bool {
    (1..=LABEL_BYTES).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Some readers take a name whose last label is a number, in whatever base, for an address.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn fault(text: &str) -> Option<UriFault> {
        HttpsUrl::new(text).err()
    }

    #[test]
    fn a_url_has_host_port_and_target() {
        let url = HttpsUrl::new("https://keys.tpp.example:8443/jwks?v=1").unwrap();
        assert_eq!(url.host(), &Host::Name("keys.tpp.example".into()));
        assert_eq!((url.port(), url.authority()), (8443, "keys.tpp.example:8443"));
        assert_eq!(url.target(), "/jwks?v=1");
        let bare = HttpsUrl::new("https://tpp.example").unwrap();
        assert_eq!((bare.port(), bare.target()), (443, "/".to_owned()));
        assert_eq!(HttpsUrl::new("https://tpp.example?x").unwrap().target(), "/?x");
        assert_eq!(HttpsUrl::new("https://[2001:db8::1]:9/").unwrap().port(), 9);
        assert_eq!(HttpsUrl::new("https://192.0.2.7/").unwrap().host(), &Host::V4([192, 0, 2, 7].into()));
    }

    #[test]
    fn an_address_in_any_other_form_is_refused() {
        for host in [
            "0177.0.0.1",
            "0x7f.0.0.1",
            "0x7f000001",
            "2130706433",
            "127.1",
            "127.0.1",
            "0",
            "1.2.3.4.5",
            "127.0.0.1.",
            "127.0.0.01",
            "256.0.0.1",
            "a.0x1",
            "a.1",
            "[::1",
            "::1",
            "[127.0.0.1]",
            "[::1%25lo]",
            "[::1]x",
            "x[::1]",
            "[::ffff:127.0.0.1]]",
            "",
            ".",
            "a..b",
            "-a.b",
            "a-.b",
            "a_b.c",
            "%31%32%37.0.0.1",
            "a.b.",
            "*.a",
        ] {
            let found = fault(&format!("https://{host}/"));
            assert!(matches!(found, Some(UriFault::Host | UriFault::Port)), "{host}: {found:?}");
        }
    }

    #[test]
    fn user_fragment_other_schemes_and_odd_characters_are_refused() {
        for (text, expected) in [
            ("http://tpp.example/", UriFault::NotHttps),
            ("http://localhost/", UriFault::NotHttps),
            ("HTTPS://tpp.example/", UriFault::NotHttps),
            ("file:///etc/passwd", UriFault::NotHttps),
            ("https:/tpp.example", UriFault::NotAbsolute),
            ("tpp.example", UriFault::NotAbsolute),
            ("https://me@tpp.example/", UriFault::UserInfo),
            ("https://tpp.example@10.0.0.1/", UriFault::UserInfo),
            ("https://@tpp.example/", UriFault::UserInfo),
            ("https://tpp.example/#x", UriFault::Fragment),
            ("https://tpp.example#", UriFault::Fragment),
            ("https://tpp.example\\@10.0.0.1/", UriFault::Characters),
            ("https://tpp.example/a b", UriFault::Characters),
            ("https://tpp.example/\r\nHost: x", UriFault::Characters),
            ("https://tpp.ex\u{e4}mple/", UriFault::Characters),
            ("https://tpp.example/%4", UriFault::Characters),
            ("https://tpp.example/[x]", UriFault::Characters),
            ("https://tpp.example:/", UriFault::Port),
            ("https://tpp.example:0/", UriFault::Port),
            ("https://tpp.example:0443/", UriFault::Port),
            ("https://tpp.example:+443/", UriFault::Port),
            ("https://tpp.example:65536/", UriFault::Port),
        ] {
            assert_eq!(fault(text), Some(expected), "{text}");
        }
        let long = format!("https://tpp.example/{}", "a".repeat(limits::REDIRECT_URI_BYTES));
        assert_eq!(fault(&long), Some(UriFault::Characters));
    }

    proptest! {
        #[test]
        fn another_parser_reads_the_same_host_and_port(
            text in "https://[0-9a-zA-Z.:\\[\\]@%x-]{1,24}(/[a-z./?%2]{0,8})?"
        ) {
            if let Ok(url) = HttpsUrl::new(&text) {
                let other = Url::parse(&text).unwrap();
                let host = match other.host().unwrap() {
                    url::Host::Domain(name) => Host::Name(name.into()),
                    url::Host::Ipv4(address) => Host::V4(address),
                    url::Host::Ipv6(address) => Host::V6(address),
                };
                let own = match url.host() {
                    Host::Name(name) => Host::Name(name.to_ascii_lowercase().into()),
                    Host::V4(_) | Host::V6(_) => url.host().clone(),
                };
                prop_assert_eq!(own, host);
                prop_assert_eq!(Some(url.port()), other.port_or_known_default());
                prop_assert!(other.username().is_empty() && other.fragment().is_none());
                prop_assert_eq!(HttpsUrl::new(url.as_str()), Ok(url));
            }
        }
    }
}
