//! Forms, JSON, URIs, names.
#![expect(clippy::expect_used, reason = "a property that does not hold is the finding")]

use serde_json::Value;
use url::Url;

use super::{Received, Target, as_text, refused};
use crate::limits;
use crate::model::claims_request::{ClaimsAsked, ClaimsRequest, TELLABLE};
use crate::model::details::AuthorizationDetails;
use crate::model::distinguished_name::DistinguishedName;
use crate::vocabulary::https_url::{Host, HttpsUrl};
use crate::vocabulary::scope::Scope;
use crate::vocabulary::uri::RedirectUri;
use crate::wire::form::Form;
use crate::wire::json::{canonical, read_value};
use crate::wire::redirect::with_query;

/// Form bodies and query strings: another reader finds the same values under the same names, and none twice.
pub(super) const FORM: Target = Target {
    name: "form",
    run: |bytes| {
        let form = match Form::read(bytes, limits::FORM_BODY_BYTES) {
            Ok(form) => form,
            Err(refusal) => return refused(&refusal.reason),
        };
        let mut names = Vec::new();
        for (name, value) in url::form_urlencoded::parse(bytes) {
            let pair_is_there = !name.is_empty() || !value.is_empty();
            if pair_is_there {
                assert!(!names.contains(&name), "{name} came twice");
                assert_eq!(form.get(&name).unwrap_or_default(), value, "the value of {name}");
                names.push(name);
            }
        }
        Received::Taken
    },
};

/// JSON: `serde_json` reads the same value, and the canonical form is a fixed point that means the same.
pub(super) const JSON: Target = Target {
    name: "json",
    run: |bytes| {
        let value = match read_value(bytes) {
            Ok(value) => value,
            Err(fault) => return refused(&fault),
        };
        let other: Value = serde_json::from_slice(bytes).expect("another reader takes it");
        assert_eq!(value, other, "two readers of one document");
        let first = canonical(&value);
        let again = read_value(&first).expect("the canonical form is well-formed");
        assert_eq!(canonical(&again), first, "the canonical form is a fixed point");
        Received::Taken
    },
};

/// Redirect URIs: kept as written, readable by others, and what we append is found at the end.
pub(super) const REDIRECT_URI: Target = Target {
    name: "redirect_uri",
    run: |bytes| {
        let text = match as_text(bytes) {
            Ok(text) => text,
            Err(received) => return received,
        };
        let uri = match RedirectUri::new(text) {
            Ok(uri) => uri,
            Err(fault) => return refused(&fault),
        };
        assert_eq!(uri.as_str(), text, "kept as written");
        let sent =
            with_query(&uri, &[("code", "a b&c=d".to_owned()), ("iss", "https://as.example".to_owned())]);
        assert!(sent.starts_with(text), "nothing before the registered URI changed");
        let read = Url::parse(&sent).expect("a browser reads it");
        let last: Vec<_> = read.query_pairs().collect();
        let (code, iss) = (last.iter().rev().nth(1), last.last());
        assert_eq!(code.map(|(_, value)| value.as_ref()), Some("a b&c=d"), "our parameter as sent");
        assert_eq!(iss.map(|(name, _)| name.as_ref()), Some("iss"), "nothing after ours");
        assert!(read.fragment().is_none() && read.username().is_empty(), "no fragment, no user");
        Received::Taken
    },
};

/// URLs that we call: another reader sees the same host and port.
pub(super) const HTTPS_URL: Target = Target {
    name: "https_url",
    run: |bytes| {
        let text = match as_text(bytes) {
            Ok(text) => text,
            Err(received) => return received,
        };
        let url = match HttpsUrl::new(text) {
            Ok(url) => url,
            Err(fault) => return refused(&fault),
        };
        // a label that only claims to be an internationalised one has no reading at all there
        let Ok(other) = Url::parse(text) else { return Received::Refused("no other reading".to_owned()) };
        let host = other.host_str().expect("a host");
        let own = match url.host() {
            Host::Name(name) => name.to_ascii_lowercase(),
            Host::V4(address) => address.to_string(),
            Host::V6(address) => Url::parse(&format!("https://[{address}]/"))
                .ok()
                .and_then(|url| url.host_str().map(str::to_owned))
                .unwrap_or_default(),
        };
        assert_eq!(own, host, "two readers of one host");
        assert_eq!(Some(url.port()), other.port_or_known_default(), "two readers of one port");
        assert!(other.username().is_empty() && other.password().is_none() && other.fragment().is_none());
        assert_eq!(HttpsUrl::new(url.as_str()).as_ref(), Ok(&url), "a fixed point");
        Received::Taken
    },
};

/// Subjects of certificates: a name equals itself and never its own beginning.
pub(super) const DISTINGUISHED_NAME: Target = Target {
    name: "distinguished_name",
    run: |bytes| {
        let text = match as_text(bytes) {
            Ok(text) => text,
            Err(received) => return received,
        };
        let name = match DistinguishedName::parse(text) {
            Ok(name) => name,
            Err(fault) => return refused(&fault),
        };
        let longer = DistinguishedName::parse(&format!("UID=another,{text}"));
        assert!(longer.is_ok_and(|longer| longer != name), "a longer name is another one");
        Received::Taken
    },
};

/// `authorization_details`: written and read again it is the same.
pub(super) const AUTHORIZATION_DETAILS: Target = Target {
    name: "authorization_details",
    run: |bytes| {
        let text = match as_text(bytes) {
            Ok(text) => text,
            Err(received) => return received,
        };
        let details = match AuthorizationDetails::read(text) {
            Ok(details) => details,
            Err(reason) => return refused(&reason.hint),
        };
        let written = canonical(&Value::Array(details.elements().to_vec()));
        let written = std::str::from_utf8(&written).expect("UTF-8");
        if written.len() <= limits::AUTHORIZATION_DETAILS_BYTES {
            let again = AuthorizationDetails::read(written).expect("what we write we read");
            let again = canonical(&Value::Array(again.elements().to_vec()));
            assert_eq!(again, written.as_bytes(), "a fixed point");
        }
        Received::Taken
    },
};

/// `scope`: written and read again it is the same.
pub(super) const SCOPE: Target = Target {
    name: "scope",
    run: |bytes| {
        let text = match as_text(bytes) {
            Ok(text) => text,
            Err(received) => return received,
        };
        let scope = match Scope::new(text) {
            Ok(scope) => scope,
            Err(fault) => return refused(&fault),
        };
        assert_eq!(Scope::new(&scope.to_string()).as_ref(), Ok(&scope), "a fixed point");
        Received::Taken
    },
};

/// `claims`: nothing that is asked for has a name that nobody knows, and a section never asks for more than its bound.
pub(super) const CLAIMS: Target = Target {
    name: "claims",
    run: |bytes| {
        let text = match as_text(bytes) {
            Ok(text) => text,
            Err(received) => return received,
        };
        let asked = match ClaimsAsked::read(text) {
            Ok(asked) => asked,
            Err(fault) => return refused(&fault),
        };
        let request = &asked.request;
        for section in [&request.userinfo, &request.id_token] {
            assert!(section.len() <= limits::CLAIMS_COUNT, "bounded");
            assert!(section.iter().all(|name| TELLABLE.contains(&name.as_str())), "known names only");
        }
        let written = serde_json::to_vec(request).expect("plain data");
        assert_eq!(serde_json::from_slice::<ClaimsRequest>(&written).expect("read again"), *request);
        if request.is_empty() { Received::Refused("nothing".to_owned()) } else { Received::Taken }
    },
};
