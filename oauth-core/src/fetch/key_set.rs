//! A client's key set, fetched once and judged (RFC 7517 section 5, RFC 7591 section 2).

use bytes::Bytes;
use http::header::{ACCEPT, AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::outbound::{Answered, Outbound, OutboundFault, Outgoing};
use crate::jose::{JwkFault, JwkSet};
use crate::limits;
use crate::vocabulary::https_url::HttpsUrl;
use crate::vocabulary::time::Seconds;

/// A key set and for how long its owner says it may be kept.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) keys: JwkSet,
    /// What is left of `max-age` (RFC 9111 section 4.2); `None` when nothing was said.
    pub(crate) lifetime: Option<Seconds>,
}

/// Why there is no key set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeySetFault {
    #[error(transparent)]
    Outbound(#[from] OutboundFault),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer is not of a media type for key sets")]
    MediaType,
    #[error("the answer is no acceptable key set: {0}")]
    Keys(#[from] JwkFault),
}

/// RFC 7517 section 8.5, and what most servers say instead.
const MEDIA_TYPES: &[&str] = &["application/jwk-set+json", "application/json"];

/// Fetches the key set at this URL.
pub(crate) async fn fetch(outbound: &Outbound, url: &HttpsUrl) -> Result<Fetched, KeySetFault> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/jwk-set+json, application/json"));
    let outgoing = Outgoing {
        method: Method::GET,
        url,
        headers,
        body: Bytes::new(),
        answer_bytes: limits::KEY_SET_BYTES,
    };
    judge(&outbound.call(outgoing).await?)
}

fn judge(answered: &Answered) -> Result<Fetched, KeySetFault> {
    if answered.status != StatusCode::OK {
        return Err(KeySetFault::Status(answered.status));
    }
    let media = only(&answered.headers, &CONTENT_TYPE).ok_or(KeySetFault::MediaType)?;
    let bare = media.split(';').next().unwrap_or_default().trim_ascii();
    if !MEDIA_TYPES.iter().any(|known| bare.eq_ignore_ascii_case(known)) {
        return Err(KeySetFault::MediaType);
    }
    let keys = JwkSet::read(&answered.body)?;
    keys.check_published()?;
    Ok(Fetched { keys, lifetime: lifetime(&answered.headers) })
}

/// RFC 9111 sections 4.2 and 5.2.2. What must not be kept, or cannot be read, has no lifetime left.
fn lifetime(headers: &HeaderMap) -> Option<Seconds> {
    let mut max_age = None;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or("no-store").split(',') {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            let name = name.trim_ascii();
            if ["no-store", "no-cache"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
                return Some(Seconds::new(0));
            }
            if name.eq_ignore_ascii_case("max-age") {
                let stated = delta_seconds(argument.trim_ascii()).unwrap_or(0);
                max_age = Some(max_age.map_or(stated, |earlier: i64| earlier.min(stated)));
            }
        }
    }
    let age = only(headers, &AGE).and_then(delta_seconds).unwrap_or(0);
    max_age.map(|seconds| Seconds::new(seconds.saturating_sub(age).max(0)))
}

/// RFC 9111 section 1.2.2; more than anybody keeps counts as the greatest.
fn delta_seconds(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse::<i64>().unwrap_or(i64::from(i32::MAX)))
}

/// The one field of this name; a repeated one counts as absent.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(one), None) => one.to_str().ok(),
        (_, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"{"kty":"EC","crv":"P-256","kid":"k","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#;

    fn answered(status: u16, fields: &[(&'static str, &str)], body: &str) -> Answered {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        Answered { status, headers, body: Bytes::from(body.to_owned()) }
    }

    fn verdict(fields: &[(&'static str, &str)], body: &str) -> Result<Option<i64>, KeySetFault> {
        judge(&answered(200, fields, body)).map(|fetched| fetched.lifetime.map(Seconds::get))
    }

    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    fn only_json_with_status_200_is_a_key_set() {
        let good = format!("{{\"keys\":[{KEY}]}}");
        for media in ["application/json", "Application/JWK-Set+JSON", "application/json; charset=utf-8"] {
            assert_eq!(verdict(&[("content-type", media)], &good), Ok(None), "{media}");
        }
        for media in
            ["text/html", "application/jose+json", "", "application/json5", "text/html, application/json"]
        {
            assert_eq!(verdict(&[("content-type", media)], &good), Err(KeySetFault::MediaType), "{media}");
        }
        assert_eq!(verdict(&[], &good), Err(KeySetFault::MediaType));
        assert_eq!(verdict(&[JSON, JSON], &good), Err(KeySetFault::MediaType));
        for status in [201, 204, 206, 301, 302, 304, 307, 404, 500] {
            let fault = judge(&answered(status, &[JSON], &good)).unwrap_err();
            assert!(matches!(fault, KeySetFault::Status(_)), "{status}");
        }
    }

    #[test]
    fn a_set_with_private_symmetric_or_repeated_keys_is_refused_as_a_whole() {
        let private = KEY.replace("\"kid\":\"k\"", "\"kid\":\"p\",\"d\":\"AAAA\"");
        for (body, fault) in [
            (format!("{{\"keys\":[{KEY},{private}]}}"), JwkFault::Private),
            (format!("{{\"keys\":[{KEY},{{\"kty\":\"oct\",\"k\":\"AAAA\"}}]}}"), JwkFault::Symmetric),
            (format!("{{\"keys\":[{KEY},{KEY}]}}"), JwkFault::Ids),
            ("{\"keys\":[]}".to_owned(), JwkFault::Empty),
            (format!("{{\"keys\":[{}]}}", vec![KEY; 33].join(",")), JwkFault::TooMany),
        ] {
            assert_eq!(verdict(&[JSON], &body), Err(KeySetFault::Keys(fault)), "{body}");
        }
        for body in ["", "<html>", "[]", "{\"keys\":{}}", "{\"keys\":[],\"keys\":[]}", "{\"keys\":[]} x"] {
            assert!(matches!(verdict(&[JSON], body), Err(KeySetFault::Keys(_))), "{body}");
        }
    }

    #[test]
    fn a_weak_or_unknown_key_is_left_out_and_the_others_stay() {
        let weak = r#"{"kty":"RSA","kid":"w","n":"AQAB","e":"AQAB"}"#;
        let unknown = r#"{"kty":"AKP","kid":"u","pub":"AA"}"#;
        let set = judge(&answered(200, &[JSON], &format!("{{\"keys\":[{weak},{unknown},{KEY}]}}"))).unwrap();
        assert_eq!(set.keys.keys().len(), 1);
    }

    #[test]
    fn the_lifetime_is_what_is_left_of_max_age() {
        let good = format!("{{\"keys\":[{KEY}]}}");
        for (fields, expected) in [
            (&[][..], None),
            (&[("cache-control", "public")][..], None),
            (&[("cache-control", "public, max-age=300")], Some(300)),
            (&[("cache-control", "Max-Age = 300"), ("age", "100")], Some(200)),
            (&[("cache-control", "max-age=300"), ("age", "400")], Some(0)),
            (&[("cache-control", "max-age=300, no-cache")], Some(0)),
            (&[("cache-control", "max-age=300"), ("cache-control", "no-store")], Some(0)),
            (&[("cache-control", "max-age=300, max-age=20")], Some(20)),
            (&[("cache-control", "max-age=-1")], Some(0)),
            (&[("cache-control", "max-age=+9")], Some(0)),
            (&[("cache-control", "max-age=99999999999999999999")], Some(i64::from(i32::MAX))),
        ] {
            let fields = [&[JSON], fields].concat();
            assert_eq!(verdict(&fields, &good), Ok(expected), "{fields:?}");
        }
    }
}
