//! Where the third party of a consent wants its events (UAE bank service initiation section 11.1).

use oauth_core::{Client, HttpsUrl, RedirectUri};
use serde::{Deserialize, Serialize};

use crate::value::https;

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
    /// Whether its address may be called for this client: `https`, on a host and port the client is registered with, as
    /// `webhook_uris` or `redirect_uris`. Where the name leads to is judged when it is called.
    #[must_use]
    pub fn is_at_home(&self, client: &Client) -> bool {
        let redirects = client.redirect_uris.iter().map(RedirectUri::as_str);
        let own = redirects.chain(client.webhook_uris.iter().map(HttpsUrl::as_str));
        let mut own = own.filter_map(https::host).map(str::to_ascii_lowercase);
        let host = https::host(&self.url).map(str::to_ascii_lowercase);
        self.url.len() <= URL_MAX && host.is_some_and(|host| own.any(|known| known == host))
    }
}
