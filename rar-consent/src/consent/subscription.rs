//! Where the third party of a consent wants its events (UAE bank service initiation section 11.1).

use oauth_core::{Client, Host, HttpsUrl};
use serde::{Deserialize, Serialize};

/// A subscription to the events of one consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Where they are sent.
    pub url: String,
    /// Whether they are wanted.
    pub active: bool,
}

/// The longest address, in bytes.
const URL_MAX: usize = 2048;

impl Subscription {
    /// Whether its address may be called for this client: an `https` URL in its one form, on a host the client is registered
    /// with, as `webhook_uris` or `redirect_uris`. A host is a name or an address, without the port (RFC 3986 section
    /// 3.2.2); which ports are called, and where the name leads to, is judged when it is called.
    #[must_use]
    pub fn is_at_home(&self, client: &Client) -> bool {
        let redirects = client.redirect_uris.iter().filter_map(|uri| host(uri.as_str()));
        let mut own = redirects.chain(client.webhook_uris.iter().map(named));
        let wanted = HttpsUrl::new(&self.url).ok().filter(|_| self.url.len() <= URL_MAX);
        wanted.is_some_and(|url| own.any(|known| known == named(&url)))
    }
}

/// The host of a redirect URI; a client on the customer's own machine has `http` there (RFC 8252 section 7.3).
fn host(redirect: &str) -> Option<Host> {
    let secure = match redirect.strip_prefix("http://") {
        Some(rest) => HttpsUrl::new(&format!("https://{rest}")),
        None => HttpsUrl::new(redirect),
    };
    secure.ok().as_ref().map(named)
}

/// Names are equal whatever their case (RFC 4343).
fn named(url: &HttpsUrl) -> Host {
    match url.host() {
        Host::Name(name) => Host::Name(name.to_ascii_lowercase().into()),
        Host::V4(_) | Host::V6(_) => url.host().clone(),
    }
}
