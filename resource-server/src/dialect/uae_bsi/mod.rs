//! UAE Bank Service Initiation, vocabulary *seed*: payments under a consent, below `/open-finance/payment/v1`.
//!
//! Bodies are signed both ways. Here stand the header rules every call shares (section 12).

mod body;
mod error;
mod map;
mod signature;

use http::HeaderMap;
use oauth_core::RuleId;

use crate::domain::IdempotencyKey;
use error::{Reason, Refused};

/// `x-fapi-interaction-id`
pub(crate) const INTERACTION_ID: &str = "x-fapi-interaction-id";
/// `x-idempotency-key`
pub(crate) const IDEMPOTENCY_KEY: &str = "x-idempotency-key";
const AUTH_DATE: &str = "x-fapi-auth-date";
const CUSTOMER_IP: &str = "x-fapi-customer-ip-address";

/// Section 12: the headers of a call are well-formed.
const HEADERS: RuleId = RuleId("UAE-BSI-12");
/// Section 12: we answer with signed JWTs only.
const ACCEPT: RuleId = RuleId("UAE-BSI-12-accept");
/// Section 12: bodies are signed JWTs.
const CONTENT_TYPE: RuleId = RuleId("UAE-BSI-12-content-type");
/// Section 8.1, step 4: the idempotency key of an order.
const KEY: RuleId = RuleId("UAE-BSI-8.1-4");

/// Section 12: the optional headers of a call are well-formed where they are present.
pub(crate) fn check_headers(headers: &HeaderMap) -> Result<(), Refused> {
    interaction_id(headers)?;
    optional(headers, AUTH_DATE, is_http_date)?;
    optional(headers, CUSTOMER_IP, |text| text.parse::<std::net::IpAddr>().is_ok())
}

/// The interaction id to echo: the caller's, verbatim, when it sent one.
pub(crate) fn interaction_id(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    optional(headers, INTERACTION_ID, |text| uuid::Uuid::try_parse(text).is_ok() && text.len() == 36)?;
    Ok(headers.get(INTERACTION_ID).and_then(|value| value.to_str().ok()))
}

/// Section 8.1, step 4: one key of 1 to 40 visible characters.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<IdempotencyKey, Refused> {
    let refused = || Refused::at(KEY, Reason::Header, IDEMPOTENCY_KEY);
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    match (values.next(), values.next()) {
        (Some(one), None) => {
            one.to_str().ok().and_then(|text| IdempotencyKey::new(text).ok()).ok_or_else(refused)
        }
        (None, _) | (Some(_), Some(_)) => Err(refused()),
    }
}

/// Section 12: `Accept` is absent or takes `application/jwt`.
pub(crate) fn check_accept(headers: &HeaderMap) -> Result<(), Refused> {
    let mut ranges = headers.get_all(http::header::ACCEPT).iter().peekable();
    if ranges.peek().is_none() {
        return Ok(());
    }
    let taken =
        ranges.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',')).any(takes_jwt);
    if taken { Ok(()) } else { Err(Refused::new(ACCEPT, Reason::NotAcceptable)) }
}

/// Section 12: a body is `application/jwt`.
pub(crate) fn check_content_type(headers: &HeaderMap) -> Result<(), Refused> {
    let mut values = headers.get_all(http::header::CONTENT_TYPE).iter();
    let is_jwt = match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(one), None) => essence(one).eq_ignore_ascii_case("application/jwt"),
        (None, _) | (Some(_), Some(_)) => false,
    };
    if is_jwt { Ok(()) } else { Err(Refused::new(CONTENT_TYPE, Reason::MediaType)) }
}

fn optional(headers: &HeaderMap, name: &'static str, holds: fn(&str) -> bool) -> Result<(), Refused> {
    let mut values = headers.get_all(name).iter();
    let well_formed = match (values.next(), values.next()) {
        (None, _) => true,
        (Some(one), None) => one.to_str().is_ok_and(holds),
        (Some(_), Some(_)) => false,
    };
    if well_formed { Ok(()) } else { Err(Refused::at(HEADERS, Reason::Header, name)) }
}

/// RFC 9110 section 12.5.1: one media range, and whether its weight is more than zero.
fn takes_jwt(range: &str) -> bool {
    let named = ["application/jwt", "application/*", "*/*"];
    let mut parameters = range.split(';').skip(1).map(trimmed);
    let refused = parameters.any(|parameter| {
        let weight = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
        weight.is_some_and(|weight| weight.bytes().all(|byte| matches!(byte, b'0' | b'.')))
    });
    !refused && named.iter().any(|name| essence(range).eq_ignore_ascii_case(name))
}

fn essence(value: &str) -> &str {
    trimmed(value.split(';').next().unwrap_or_default())
}

/// Without the optional white space of RFC 9110 section 5.6.3.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Section 12: `Sat, 21 Nov 2026 08:15:30 GMT`, or `UTC`.
fn is_http_date(text: &str) -> bool {
    const PATTERN: &[u8; 29] = b"aaa, 00 aaa 0000 00:00:00 aaa";
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let shaped = text.len() == PATTERN.len()
        && text.bytes().zip(PATTERN).all(|(byte, wanted)| match wanted {
            b'a' => byte.is_ascii_alphabetic(),
            b'0' => byte.is_ascii_digit(),
            mark => byte == *mark,
        });
    let word = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    shaped
        && DAYS.contains(&word(0..3))
        && MONTHS.contains(&word(8..11))
        && ["GMT", "UTC"].contains(&word(26..29))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn an_absent_optional_header_is_fine_and_a_malformed_one_is_named() {
        assert_eq!(check_headers(&headers(&[])), Ok(()));
        for (name, good) in [
            (INTERACTION_ID, "0f3d7c0e-5a2b-4a51-9a53-0d2b8f0f9a11"),
            (INTERACTION_ID, "0F3D7C0E-5A2B-4A51-9A53-0D2B8F0F9A11"),
            (AUTH_DATE, "Sat, 21 Nov 2026 08:15:30 GMT"),
            (AUTH_DATE, "Sun, 01 Feb 2026 00:00:00 UTC"),
            (CUSTOMER_IP, "192.0.2.1"),
            (CUSTOMER_IP, "2001:db8::1"),
        ] {
            assert_eq!(check_headers(&headers(&[(name, good)])), Ok(()), "{name}: {good}");
        }
        for (name, bad) in [
            (INTERACTION_ID, "not-a-uuid"),
            (INTERACTION_ID, "0f3d7c0e5a2b4a519a530d2b8f0f9a11"),
            (INTERACTION_ID, "{0f3d7c0e-5a2b-4a51-9a53-0d2b8f0f9a11}"),
            (INTERACTION_ID, ""),
            (AUTH_DATE, "Sat, 21 Nov 2026 08:15:30 +0400"),
            (AUTH_DATE, "Sat, 21 Nov 26 08:15:30 GMT"),
            (AUTH_DATE, "Say, 21 Nov 2026 08:15:30 GMT"),
            (AUTH_DATE, "2026-11-21T08:15:30Z"),
            (CUSTOMER_IP, "192.0.2.256"),
            (CUSTOMER_IP, "localhost"),
        ] {
            let refused = check_headers(&headers(&[(name, bad)])).unwrap_err();
            assert_eq!((refused.reason, refused.path.as_deref()), (Reason::Header, Some(name)), "{bad}");
        }
        let twice = headers(&[(CUSTOMER_IP, "192.0.2.1"), (CUSTOMER_IP, "192.0.2.1")]);
        assert!(check_headers(&twice).is_err());
    }

    #[test]
    fn an_idempotency_key_is_one_to_forty_visible_characters_sent_once() {
        let long = "k".repeat(40);
        for good in ["k", long.as_str(), "78dae4513b8847f98e2d4173b4ed0eb6"] {
            assert_eq!(idempotency_key(&headers(&[(IDEMPOTENCY_KEY, good)])).unwrap().as_str(), good);
        }
        let longer = "k".repeat(41);
        for bad in [
            headers(&[]),
            headers(&[(IDEMPOTENCY_KEY, "")]),
            headers(&[(IDEMPOTENCY_KEY, "two words")]),
            headers(&[(IDEMPOTENCY_KEY, &longer)]),
            headers(&[(IDEMPOTENCY_KEY, "a"), (IDEMPOTENCY_KEY, "a")]),
        ] {
            let refused = idempotency_key(&bad).unwrap_err();
            assert_eq!(refused, Refused::at(KEY, Reason::Header, IDEMPOTENCY_KEY));
        }
    }

    #[test]
    fn only_callers_that_take_signed_jwts_are_answered() {
        for good in ["application/jwt", "application/*", "*/*", "text/html, application/JWT;q=0.5"] {
            assert_eq!(check_accept(&headers(&[("accept", good)])), Ok(()), "{good}");
        }
        assert_eq!(check_accept(&headers(&[])), Ok(()));
        for bad in ["application/json", "", "application/jwt;q=0", "*/*; q=0.000", "text/*"] {
            let refused = check_accept(&headers(&[("accept", bad)])).unwrap_err();
            assert_eq!(refused.reason, Reason::NotAcceptable, "{bad}");
        }
    }

    #[test]
    fn only_a_signed_jwt_is_taken_as_a_body() {
        for good in ["application/jwt", "Application/JWT; charset=utf-8"] {
            assert_eq!(check_content_type(&headers(&[("content-type", good)])), Ok(()), "{good}");
        }
        for bad in [
            headers(&[]),
            headers(&[("content-type", "application/json")]),
            headers(&[("content-type", "application/jwt"), ("content-type", "application/jwt")]),
        ] {
            assert_eq!(check_content_type(&bad).unwrap_err().reason, Reason::MediaType);
        }
    }
}
