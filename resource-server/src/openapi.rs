//! What an interface says of itself, as OpenAPI 3.1.
//!
//! There is no second table: the rows are the routes that are served, each with its [`Operation`]. The shapes stand beside the
//! wire structures of a dialect, and its tests hold every request it takes and every answer it gives against them
//! ([`check_answer`], [`check_request`]), so that a shape that has drifted fails a test.

mod document;
mod shape;

pub use document::{FORM, SIGNED, document};
pub use shape::{Form, HTTP_DATE, Member, Named, Presence, Shape, always, fits, sometimes};

use http::Method;
use serde_json::Value;

use crate::http::RouteInfo;

/// An interface as a whole.
#[derive(Debug, Clone)]
pub struct Interface {
    /// The name of its file.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What stands before every path of a route.
    pub base: String,
    /// How requests are refused, one row for each status.
    pub refusals: &'static [Refused],
    /// Header fields every route takes.
    pub headers: &'static [Parameter],
    /// The form of `x-idempotency-key`.
    pub key: &'static Shape,
    /// What stands in paths in place of the segments in braces, by their names.
    pub segments: &'static [Parameter],
    /// Other spellings of paths, below the base: the spelling, and the path of the route.
    pub aliases: Vec<(&'static str, &'static str)>,
    /// Endpoints of the interface that another part of the server serves.
    pub elsewhere: &'static [Elsewhere],
}

/// An endpoint of an interface that another part of the server serves.
#[derive(Debug)]
pub struct Elsewhere {
    /// The method.
    pub method: Method,
    /// The whole path.
    pub path: &'static str,
    /// Other spellings of it.
    pub aliases: &'static [&'static str],
    /// Who may call, in words.
    pub callers: &'static str,
    /// What it takes and answers.
    pub about: &'static Operation,
    /// The media type in which a request is sent.
    pub sent_as: &'static str,
    /// How requests are refused; where none is named, the document of the endpoint says it.
    pub refusals: &'static [Refused],
}

/// What a route is called, takes and answers.
#[derive(Debug)]
pub struct Operation {
    /// Its name, unique in its interface.
    pub id: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Parameters in the query.
    pub query: &'static [Parameter],
    /// What is sent.
    pub takes: Option<&'static Named>,
    /// What is answered when it succeeds.
    pub gives: &'static [Given],
}

/// A parameter of a query, or a header field.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub shape: Shape,
    /// Whether it must be there.
    pub presence: Presence,
}

/// One way to succeed.
#[derive(Debug)]
pub struct Given {
    /// The status.
    pub status: u16,
    /// The media type; empty when there is no body.
    pub media: &'static str,
    /// The body, where it is JSON, or a JWT whose claim `message` is.
    pub body: Option<&'static Named>,
}

/// One way to be refused.
#[derive(Debug)]
pub struct Refused {
    /// The status.
    pub status: u16,
    /// What it means, in one sentence.
    pub says: &'static str,
    /// Which routes refuse so.
    pub by: Refusing,
    /// The media type; empty when there is no body.
    pub media: &'static str,
    /// The body, where there is one.
    pub body: Option<&'static Named>,
}

/// Which routes refuse in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusing {
    /// All of them.
    All,
    /// Those that take a body.
    WithBody,
    /// Those that read nothing.
    Changing,
    /// Those that name one thing: in the path, in the body, or by the key of a request.
    Naming,
    /// Those that answer with a page of a list.
    Paging,
}

/// Holds an answer against what is said of it. The body is the message where the media type is `application/jwt`.
///
/// # Errors
/// What does not fit, and where.
pub fn check_answer(
    (interface, about): (&Interface, Option<&Operation>),
    (status, media): (u16, &str),
    body: &Value,
) -> Result<(), String> {
    let media = media.split(';').next().unwrap_or_default();
    if status >= 400 {
        let known = interface.refusals.iter().find(|known| known.status == status && known.media == media);
        let known = known.ok_or_else(|| format!("{status} {media:?} is not among the refusals"))?;
        return known.body.map_or(Ok(()), |named| fits(&Shape::Of(named), body));
    }
    let about = about.ok_or("a route without a description")?;
    let given = about.gives.iter().find(|given| given.status == status && given.media == media);
    let given = given.ok_or_else(|| format!("{}: {status} {media:?} is not among its answers", about.id))?;
    match given.body {
        Some(named) => fits(&Shape::Of(named), body).map_err(|fault| format!("{}: {fault}", about.id)),
        None => Ok(()),
    }
}

/// Holds a request that was taken against what is said of it.
///
/// # Errors
/// What does not fit, and where.
pub fn check_request(about: &Operation, body: &Value) -> Result<(), String> {
    match about.takes {
        Some(named) => fits(&Shape::Of(named), body).map_err(|fault| format!("{}: {fault}", about.id)),
        None => Ok(()),
    }
}

/// The route that serves a path.
#[must_use]
pub fn route_of<'r>(
    routes: &'r [RouteInfo],
    interface: &Interface,
    method: &Method,
    path: &str,
) -> Option<&'r RouteInfo> {
    let matches = |pattern: &str| {
        let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
                (Some(wanted), Some(given)) if wanted == given => {}
                (_, _) => return false,
            }
        }
    };
    let own = routes.iter().find(|route| route.method == *method && matches(&route.path));
    own.or_else(|| {
        let base = &interface.base;
        let alias = interface.aliases.iter().find(|(from, _)| matches(&format!("{base}{from}")))?;
        routes.iter().find(|route| route.method == *method && route.path == format!("{base}{}", alias.1))
    })
}
