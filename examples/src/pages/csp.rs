//! What a page may load, whom its forms may reach and who may frame it.

use url::{Host, Url};

use super::PagesFault;

/// Headers that every page carries beside its `content-security-policy`, error pages included.
///
/// The referrer policy is `same-origin` rather than `no-referrer`, because the latter makes browsers send
/// `Origin: null` with the bank's own forms, and that header is checked against forged requests.
pub const PAGE_HEADERS: [(&str, &str); 5] = [
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// The `content-security-policy` of a page: one style sheet of this server, no script, no frames.
///
/// Browsers hold `form-action` against the redirects that follow a form as well. A page whose form ends in a
/// redirect to the third party (login with cancel, consent) names where that is in `returns_to`.
pub fn content_security_policy(returns_to: Option<&ReturnOrigin>) -> String {
    let (space, origin) = match returns_to {
        Some(ReturnOrigin(source)) => (" ", source.as_str()),
        None => ("", ""),
    };
    format!(
        "default-src 'none'; style-src 'self'; form-action 'self'{space}{origin}; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

/// The origin of a redirect URI, in the form `form-action` wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnOrigin(String);

impl ReturnOrigin {
    /// Reads the origin of a registered redirect URI.
    ///
    /// `https` anywhere, `http` on this machine only (RFC 8252 section 7.3), and application schemes with a dot in
    /// them (RFC 8252 section 7.1).
    ///
    /// # Errors
    /// [`PagesFault::Address`] for anything else.
    pub fn of(redirect_uri: &str) -> Result<Self, PagesFault> {
        if !redirect_uri.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(PagesFault::Address);
        }
        let address = Url::parse(redirect_uri).map_err(|_| PagesFault::Address)?;
        match (address.scheme(), address.host()) {
            ("https", Some(host)) if is_plain(&host) => Ok(Self(source("https", &host, address.port()))),
            ("http", Some(host)) if is_this_machine(&host) => Ok(Self(source("http", &host, address.port()))),
            (scheme, _) if scheme.bytes().any(|byte| byte == b'.') => Ok(Self(format!("{scheme}:"))),
            _ => Err(PagesFault::Address),
        }
    }
}

/// The grammar of a host source has no IPv6 literals, so there only the scheme can be named.
fn source(scheme: &str, host: &Host<&str>, port: Option<u16>) -> String {
    match (host, port) {
        (Host::Ipv6(_), _) => format!("{scheme}:"),
        (Host::Domain(_) | Host::Ipv4(_), None) => format!("{scheme}://{host}"),
        (Host::Domain(_) | Host::Ipv4(_), Some(port)) => format!("{scheme}://{host}:{port}"),
    }
}

/// URL hosts may hold `*`, `;`, `,` and `'`, which mean something else in a policy.
fn is_plain(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
        }
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(redirect_uri: &str) -> String {
        content_security_policy(Some(&ReturnOrigin::of(redirect_uri).unwrap()))
    }

    #[test]
    fn a_page_that_stays_here_posts_only_here() {
        assert_eq!(
            content_security_policy(None),
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
    }

    #[test]
    fn a_form_may_end_at_the_origin_of_the_redirect_uri_and_nowhere_else() {
        let named =
            |uri| allowed(uri).split("; ").find(|part| part.starts_with("form-action")).unwrap().to_owned();
        assert_eq!(named("https://palmbooks.example/cb?x=1"), "form-action 'self' https://palmbooks.example");
        assert_eq!(
            named("https://palmbooks.example:9443/cb"),
            "form-action 'self' https://palmbooks.example:9443"
        );
        assert_eq!(named("http://127.0.0.1:4711/cb"), "form-action 'self' http://127.0.0.1:4711");
        assert_eq!(named("http://[::1]:4711/cb"), "form-action 'self' http:");
        assert_eq!(named("ae.palmbooks.app:/cb"), "form-action 'self' ae.palmbooks.app:");
    }

    #[test]
    fn no_redirect_uri_can_write_into_the_policy() {
        for uri in [
            "https://tpp.example;script-src *",
            "https://tpp.example/ https://evil.example",
            "https://*.example/",
            "https://tpp.example'/",
            "https://tpp.example;script-src/",
            "https://tpp.example,x/",
            "https://user:a;b@tpp.example/;script-src",
        ] {
            if let Ok(origin) = ReturnOrigin::of(uri) {
                assert!(
                    origin.0.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:/".contains(&b)),
                    "{uri} became {origin:?}"
                );
            }
        }
        for uri in
            ["javascript:alert(1)", "data:text/html,x", "http://tpp.example/", "blob:https://x/", "/cb", ""]
        {
            assert_eq!(ReturnOrigin::of(uri).map_err(|_| ()), Err(()), "{uri}");
        }
    }
}
