//! Sections 3.2 and 3.4: what all answers have in common. Every list of this interface is paged here and nowhere else.

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use oauth_core::{Timestamp, json as strict};
use serde::Serialize;
use serde_json::Value;

use super::body::{Links, Meta, Told};
use super::error::{Code, Problem};
use super::{Ofxpera, json};
use crate::dialect::query::Query;
use crate::dialect::{Answer, Call};
use crate::domain::{Page, PageRequest, RequestFingerprint, read_instant};
use crate::operation::consents::RetriedBy;

pub(super) fn query(call: &Call) -> Result<Query, Problem> {
    Ok(Query::read(call.arrived.query.as_deref())?)
}

/// The document of a request that is known by its key: repeats are told by its canonical form (RFC 8785), whatever its order
/// and white space.
pub(super) fn by_key(call: &Call, tree: &Value) -> Option<RetriedBy> {
    let fingerprint = RequestFingerprint::of(&strict::canonical(tree));
    call.key.clone().map(|key| RetriedBy { key, fingerprint })
}

/// Two instants of a query, in this order, both inclusive: the whole second counts, because that is how times are told.
///
/// # Errors
/// Where one is no instant, or the first is later than the second.
pub(super) fn instants(query: &Query) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let instant = |name: &'static str| {
        let read = query.one(name)?.map(read_instant).transpose();
        read.map_err(|_| Problem::at(Code::InvalidField, name))
    };
    let (oldest, newest) = (instant("oldest-time")?, instant("newest-time")?);
    if oldest.zip(newest).is_some_and(|(oldest, newest)| oldest > newest) {
        return Err(Problem::at(Code::InvalidField, "oldest-time"));
    }
    Ok((oldest.map(first_of_second), newest.map(last_of_second)))
}

/// The instant that is told as this second and begins it.
pub(super) const fn first_of_second(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.seconds())
}

/// The last instant that is told as this second.
const fn last_of_second(at: Timestamp) -> Timestamp {
    first_of_second(at).plus_millis(999)
}

pub(super) fn page_request(query: &Query) -> Result<PageRequest, Problem> {
    Ok(PageRequest::parse(query.one("page")?, query.one("page-size")?)?)
}

pub(super) fn cut<T>(query: &Query, list: Vec<T>) -> Result<Page<T>, Problem> {
    Page::cut(list, page_request(query)?).map_err(|_| Problem::at(Code::InvalidPage, "page"))
}

/// One resource with its link; `Location` where it is new (RFC 9110 section 10.2.2).
pub(super) fn told(
    dialect: &Ofxpera,
    call: &Call,
    status: StatusCode,
    (data, path): (impl Serialize, &str),
) -> Result<Answer, Problem> {
    let own = dialect.link(&call.arrived, path);
    let location = HeaderValue::from_str(&own).map_err(|_| Problem::new(Code::InternalError))?;
    let links = Links { own, ..Links::default() };
    let mut answer = json(status, &Told { data, links, meta: Meta::default() });
    if status == StatusCode::CREATED {
        answer.headers_mut().insert(LOCATION, location);
    }
    Ok(answer)
}

/// Section 3.2: a page of a list, with links to the others that keep the filters.
pub(super) fn paged<T: Serialize>(
    dialect: &Ofxpera,
    call: &Call,
    query: &Query,
    path: &str,
    page: Page<T>,
) -> Result<Answer, Problem> {
    let size = page.request().size();
    let link = |number: u64| {
        let set = [("page", number.to_string()), ("page-size", size.to_string())];
        format!("{}?{}", dialect.link(&call.arrived, path), query.with(&set))
    };
    let last = Some(page.total_pages()).filter(|last| *last > 0);
    let links = Links {
        own: link(u64::from(page.request().page())),
        first: last.map(|_| link(1)),
        prev: page.prev().map(link),
        next: page.next().map(link),
        last: last.map(link),
    };
    let meta = Meta { total_records: Some(page.total_records()), total_pages: Some(page.total_pages()) };
    Ok(json(StatusCode::OK, &Told { data: page.into_items(), links, meta }))
}
