//! Components of a message: how they are named and what they are worth (RFC 9421 section 2).

use sfv::{BareItem, Dictionary, Item, ListEntry, ListSerializer, Parser};

use super::{Exchange, Field, RequestMessage, written};

/// RFC 9530 section 2.
pub(super) const CONTENT_DIGEST: &str = "content-digest";
/// RFC 9421 section 4.2.
pub(super) const SIGNATURE: &str = "signature";
/// RFC 9421 section 4.1.
pub(super) const SIGNATURE_INPUT: &str = "signature-input";

/// The identifier of a component with its parameters, as it stands in the signature base.
pub(super) fn identifier(item: &Item) -> String {
    let mut serializer = ListSerializer::new();
    serializer.bare_item(&item.bare_item).parameters(&item.params);
    serializer.finish().unwrap_or_default()
}

/// What a component is worth in this exchange; `None` when it is not there or asks for something we do not do.
pub(super) fn value(item: &Item, exchange: &Exchange<'_>) -> Option<String> {
    let name = item.bare_item.as_string()?.as_str();
    let mut of_request = exchange.response.is_none();
    let mut member = None;
    for (key, value) in &item.params {
        match (key.as_str(), value) {
            // section 2.4: only a response refers to its request
            ("req", BareItem::Boolean(true)) if exchange.response.is_some() => of_request = true,
            ("key", BareItem::String(key)) => member = Some(key.as_str()),
            _ => return None,
        }
    }
    if let Some(derived) = name.strip_prefix('@') {
        return match (member, &exchange.response) {
            (None, _) if of_request => derived_of(derived, &exchange.request),
            (None, Some(response)) if derived == "status" => Some(response.status.to_string()),
            (_, _) => None,
        };
    }
    let fields = match &exchange.response {
        Some(response) if !of_request => response.fields,
        Some(_) | None => exchange.request.fields,
    };
    let value = joined(fields, name)?;
    match member {
        None => Some(value),
        Some(member) => member_of(&value, member),
    }
}

/// Section 2.1: all values of a field, without surrounding white space, joined by comma and space. Only visible ASCII
/// and spaces can be signed, so no value can pretend to be another line of the base.
pub(super) fn joined(fields: &[Field<'_>], name: &str) -> Option<String> {
    let mut found: Option<String> = None;
    for (_, value) in fields.iter().filter(|(known, _)| *known == name) {
        let text = std::str::from_utf8(value).ok()?.trim_matches([' ', '\t']);
        if !text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) {
            return None;
        }
        match &mut found {
            None => found = Some(text.to_owned()),
            Some(all) => {
                all.push_str(", ");
                all.push_str(text);
            }
        }
    }
    found
}

/// Section 2.1.2: one member of a field that is a dictionary.
fn member_of(value: &str, member: &str) -> Option<String> {
    let dictionary = Parser::new(value).parse::<Dictionary>().ok()?;
    match dictionary.get(member)? {
        ListEntry::Item(item) => Some(identifier(item)),
        ListEntry::InnerList(list) => Some(written(list)),
    }
}

/// Section 2.2: what follows from the request line.
fn derived_of(name: &str, request: &RequestMessage<'_>) -> Option<String> {
    let (scheme, rest) = request.target_uri.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end)?;
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let path = if path.is_empty() { "/" } else { path };
    let visible = request.target_uri.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible || request.target_uri.contains('#') {
        return None;
    }
    match name {
        "method" => Some(request.method.to_owned()),
        "target-uri" => Some(request.target_uri.to_owned()),
        "scheme" => Some(scheme.to_ascii_lowercase()),
        "authority" => {
            let authority = authority.to_ascii_lowercase();
            let default = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
            Some(authority.strip_suffix(default).map(str::to_owned).unwrap_or(authority))
        }
        "path" => Some(path.to_owned()),
        "query" => Some(format!("?{}", query.unwrap_or_default())),
        "request-target" => Some(match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }),
        _ => None,
    }
}
