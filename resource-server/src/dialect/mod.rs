//! One folder per interface of a country or scheme; they never import each other. A dialect translates and nothing
//! else: `body` is the wire shape, `map` the two functions into and out of the domain, `error` the exhaustive table from
//! refusal to that dialect's error object, `routes` the table of what it serves.

pub mod consent_manager;
pub mod ofxpera;
pub mod query;
pub mod uae_bsi;

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use oauth_core::Client;

use crate::domain::IdempotencyKey;
use crate::guard::{Arrived, AuthDate, Authority, GuardRefusal, Needs};
use crate::http::CrossOrigin;
use crate::openapi::{Interface, Operation};

/// One thing a dialect serves.
#[derive(Debug)]
pub struct Route<D: 'static> {
    /// The method.
    pub method: Method,
    /// The path below the base: `/banking/accounts/{id}`. A segment in braces takes anything but a slash.
    pub path: &'static str,
    /// What the caller must bring. The guard enforces it.
    pub needs: Needs,
    /// What it is called, takes and answers, for the description of the interface.
    pub about: Option<&'static Operation>,
    /// What is done.
    pub handle: Handle<D>,
}

/// What is done for an admitted call.
pub type Handle<D> = for<'a> fn(&'a D, &'a Call) -> Answering<'a>;

/// An answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// An answer. The service adds what every answer carries: interaction id, cache rules, nonce, challenges.
pub type Answer = http::Response<Bytes>;

/// Another spelling of a path: an internal rewrite, never a redirect, which could lose the `Authorization` header.
/// Segments in braces keep their order.
#[derive(Debug, Clone, Copy)]
pub struct Alias {
    /// What is called.
    pub from: &'static str,
    /// The path of a [`Route`].
    pub to: &'static str,
}

/// A call the guard has admitted.
pub struct Call {
    /// Who calls, with what right.
    pub authority: Authority,
    /// The head of the request.
    pub arrived: Arrived,
    /// What stood in place of the segments in braces.
    pub params: Vec<String>,
    /// The body; empty where the route takes none.
    pub body: Bytes,
    /// `x-idempotency-key`: always there where the route demands it, where it was sent where the route honours it.
    pub key: Option<IdempotencyKey>,
}

// What was sent holds credentials or what customers own; none of it is for a log.
impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("arrived", &self.arrived).finish_non_exhaustive()
    }
}

impl Call {
    /// What stood in place of the `index`-th segment in braces; empty when there was none, which no identifier is.
    #[must_use]
    pub fn param(&self, index: usize) -> &str {
        self.params.get(index).map_or("", String::as_str)
    }

    /// Whether the customer is there (`x-fapi-customer-ip-address` was sent).
    #[must_use]
    pub fn customer(&self) -> CustomerPresence {
        match self.arrived.headers.contains_key(crate::guard::CUSTOMER_IP) {
            true => CustomerPresence::Present,
            false => CustomerPresence::Absent,
        }
    }
}

/// Whether the customer is there when the client calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerPresence {
    /// The client says so.
    Present,
    /// It does not.
    Absent,
}

/// The rules for header fields that a dialect shares between all its routes.
#[derive(Debug, Clone, Copy)]
pub struct HeaderRules {
    /// Spellings of `x-fapi-auth-date`.
    pub auth_date: AuthDate,
    /// `participant-id`.
    pub participant: Participant,
    /// `x-v`.
    pub version: Versions,
    /// The form of `x-idempotency-key`.
    pub key: KeyForm,
    /// The media types it answers with; `Accept` must take one.
    pub produces: &'static [&'static str],
    /// Whether header fields are judged before the scope of the token, or after it.
    pub order: HeaderOrder,
}

/// Whether `participant-id` is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Participant {
    /// Mandatory; the organisation of the client.
    Required,
    /// Not looked at.
    Ignored,
}

/// Whether `x-v` is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// Only version 1 is served; the default when none is asked for. Echoed.
    One,
    /// Not looked at.
    Ignored,
}

/// The form of `x-idempotency-key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// A UUID of any version.
    Uuid,
    /// 1 to 40 visible characters.
    Visible,
}

/// When header fields are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderOrder {
    /// Header fields first, then the scope.
    BeforeScope,
    /// The scope first, then header fields.
    AfterScope,
}

/// An interface: its table of routes, its rules for headers, and how it says no.
#[async_trait]
pub trait Dialect: Send + Sync + Sized + 'static {
    /// What it serves.
    fn routes() -> &'static [Route<Self>];

    /// Other spellings of paths.
    fn aliases() -> &'static [Alias] {
        &[]
    }

    /// The rules for header fields.
    fn headers() -> &'static HeaderRules;

    /// What stands before every path: `/OFPH/v1`. Begins with a slash, ends without one.
    fn base(&self) -> &str;

    /// The media types a route answers this client with; `Accept` must take one.
    fn produces(_path: &str, _client: &Client) -> &'static [&'static str] {
        Self::headers().produces
    }

    /// Header fields that are bounded, and by how many characters each.
    fn bounded() -> &'static [(&'static str, usize)] {
        &[]
    }

    /// Whether the organisation of this client takes part at present.
    ///
    /// # Errors
    /// [`GuardRefusal::ParticipantInactive`], or a fault.
    async fn takes_part(&self, _authority: &Authority) -> Result<(), GuardRefusal> {
        Ok(())
    }

    /// Whose pages may read its answers; nobody's unless a dialect says so.
    fn cross_origin(&self) -> Option<&CrossOrigin> {
        None
    }

    /// What its description says of it, when it has one.
    fn interface(&self) -> Option<Interface> {
        None
    }

    /// How a refusal of the guard looks here. Status, body and media type only; challenges are added outside.
    async fn refuse(&self, refusal: &GuardRefusal, arrived: &Arrived) -> Answer;

    /// As [`Dialect::refuse`], where the caller is known: for interfaces that sign what they say, or encrypt it.
    async fn refuse_client(&self, refusal: &GuardRefusal, arrived: &Arrived, _client: &Client) -> Answer {
        self.refuse(refusal, arrived).await
    }
}

/// A path and what stands in place of its segments in braces.
pub(crate) enum Found<'t, D: 'static> {
    /// A route.
    Route(&'t Route<D>, Vec<String>),
    /// Routes of this path, none with this method.
    OtherMethods(String),
    /// Nothing.
    Nothing,
}

/// The methods of a path, below the base, separated by commas; empty when there is no such path.
pub(crate) fn methods<D: Dialect>(path: &str) -> String {
    let pattern = pattern_of::<D>(path).map(|(pattern, _)| pattern);
    let same_path = D::routes().iter().filter(|route| Some(route.path) == pattern);
    let methods: Vec<&str> = same_path.map(|route| route.method.as_str()).collect();
    methods.join(", ")
}

/// Looks a path up, below the base.
pub(crate) fn find<D: Dialect>(method: &Method, path: &str) -> Found<'static, D> {
    let Some((pattern, params)) = pattern_of::<D>(path) else { return Found::Nothing };
    let same_path = || D::routes().iter().filter(|route| route.path == pattern);
    match same_path().find(|route| route.method == *method) {
        Some(route) => Found::Route(route, params),
        None => Found::OtherMethods(methods::<D>(path)),
    }
}

fn pattern_of<D: Dialect>(path: &str) -> Option<(&'static str, Vec<String>)> {
    let own = D::routes().iter().find_map(|route| Some((route.path, fill(route.path, path)?)));
    let other = || D::aliases().iter().find_map(|alias| Some((alias.to, fill(alias.from, path)?)));
    own.or_else(other)
}

/// What of `path` stands in place of the segments in braces of `pattern`, when they fit. A segment is never empty, so
/// a trailing slash does not fit; nothing is percent-decoded, so an encoded slash is no slash and no identifier either.
fn fill(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut params = Vec::new();
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(params),
            (Some(wanted), Some(given)) if wanted.starts_with('{') => match given {
                "" | "." | ".." => return None,
                _ => params.push(given.to_owned()),
            },
            (Some(wanted), Some(given)) if wanted == given => {}
            (_, _) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_exactly_its_own_paths() {
        assert_eq!(fill("/a/{id}/b", "/a/1/b"), Some(vec!["1".to_owned()]));
        for bad in ["/a/1/b/", "/a//b", "/a/1", "/a/1/2/b", "/A/1/b", "/a/../b", "a/1/b", ""] {
            assert_eq!(fill("/a/{id}/b", bad), None, "{bad}");
        }
    }
}
