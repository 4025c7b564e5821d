//! Requests and responses of the bank's own pages: forms in, pages and redirects out.

use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};

use rar_consent::Language;

use crate::pages::csp::{PAGE_HEADERS, ReturnOrigin, content_security_policy};

/// A response of the bank's pages.
pub type Answer = Response<Full<Bytes>>;

/// Bytes of a posted form; the bank's own forms are small.
const FORM_BYTES: usize = 16 * 1024;

/// The fields of a posted form. Names may repeat: several accounts can be ticked.
#[derive(Default)]
pub struct Posted(Vec<(String, String)>);

// What was sent holds credentials or what customers own; none of it is for a log.
impl std::fmt::Debug for Posted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Posted").finish_non_exhaustive()
    }
}

impl Posted {
    /// Reads a form body; `None` when it is not a form, too large, or cut off.
    pub async fn read<B>(headers: &HeaderMap, body: B) -> Option<Self>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let media = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let form = media.split(';').next()?.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        if !form {
            return None;
        }
        let bytes = Limited::new(body, FORM_BYTES).collect().await.ok()?.to_bytes();
        serde_urlencoded::from_bytes(&bytes).ok().map(Self)
    }

    /// The value of a field that stands exactly once.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only),
            (None, _) | (Some(_), Some(_)) => None,
        }
    }

    /// Every value of a field, in the order posted.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }
}

/// Whether a POST comes from one of our own pages: browsers say so in `Origin` and `Sec-Fetch-Site`. Programs that
/// send neither are held by the form token alone.
#[must_use]
pub fn is_our_own(headers: &HeaderMap, origin: &str) -> bool {
    let sent = headers.get(ORIGIN).map(HeaderValue::as_bytes);
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    sent.is_none_or(|sent| sent == origin.as_bytes()) && site.is_none_or(|site| site == b"same-origin")
}

/// The language a browser asks for (RFC 9110 section 12.5.4): of those there are, the one it prefers; English otherwise.
#[must_use]
pub fn accepted(headers: &HeaderMap) -> Language {
    accepted_in(headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default())
}

/// The same for the text of the header.
#[must_use]
pub fn accepted_in(text: &str) -> Language {
    let mut best: Option<(Language, u16)> = None;
    for range in text.split(',').take(RANGES_MAX) {
        let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
        let weight = thousandths(weight.trim_matches(' '));
        let found = Language::of_tag(tag.trim_matches(' ')).filter(|_| weight > 0);
        if let Some(language) = found
            && best.is_none_or(|(_, known)| weight > known)
        {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language).unwrap_or_default()
}

/// Ranges of a header that are looked at.
const RANGES_MAX: usize = 16;

/// `q=0.8` is 800; nothing is 1000; what is malformed is 0.
fn thousandths(weight: &str) -> u16 {
    if weight.is_empty() {
        return 1000;
    }
    let Some(number) = weight.strip_prefix("q=") else { return 0 };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.len() > 3 || !digits(fraction) || !matches!(whole, "0" | "1") {
        return 0;
    }
    let fraction = format!("{fraction:0<3}").parse::<u16>().unwrap_or_default();
    if whole == "1" { 1000 } else { fraction }
}

/// A page.
#[must_use]
pub fn page(status: StatusCode, html: String, returns_to: Option<&ReturnOrigin>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(html)));
    *answer.status_mut() = status;
    for (name, value) in PAGE_HEADERS {
        answer.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    put(&mut answer, CONTENT_SECURITY_POLICY, &content_security_policy(returns_to));
    answer
}

/// The browser goes elsewhere: 303, so that a posted password is never posted again (RFC 9700 section 4.12).
#[must_use]
pub fn redirect(location: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = StatusCode::SEE_OTHER;
    put(&mut answer, LOCATION, location);
    put(&mut answer, http::header::CACHE_CONTROL, "no-store");
    put(&mut answer, http::header::REFERRER_POLICY, "no-referrer");
    answer
}

/// Sets a cookie of this host, out of reach of scripts and other sites.
pub fn set_cookie(answer: &mut Answer, name: &str, value: &str) {
    put(answer, SET_COOKIE, &format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax"));
}

/// Takes a cookie back.
pub fn clear_cookie(answer: &mut Answer, name: &str) {
    put(answer, SET_COOKIE, &format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"));
}

/// The style sheet, kept by browsers because its name changes with its content.
#[must_use]
pub fn style() -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(crate::pages::STYLE_CSS.as_bytes())));
    put(&mut answer, CONTENT_TYPE, "text/css; charset=utf-8");
    put(&mut answer, http::header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    answer
}

fn put(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().append(name, value);
    }
}

/// The address of a page without the language chosen at it.
pub(super) fn address(path: &str, query: &[(String, String)]) -> String {
    let rest: Vec<_> = query.iter().filter(|(name, _)| name != "lang").collect();
    match serde_urlencoded::to_string(rest) {
        Ok(query) if !query.is_empty() => format!("{path}?{query}"),
        Ok(_) | Err(_) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_the_browser_prefers_of_those_there_are() {
        for (sent, language) in [
            ("ar-AE,ar;q=0.9,en;q=0.8", Language::Arabic),
            ("en-GB,en;q=0.9,ar;q=0.8", Language::English),
            ("en;q=0.4, ar;q=0.5", Language::Arabic),
            ("fr-FR, ar;q=0.3", Language::Arabic),
            ("ar;q=0", Language::English),
            ("ar;q=2", Language::English),
            ("ar;q=0.12345, en", Language::English),
            ("arc", Language::English),
            ("", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(sent));
            assert_eq!(accepted(&headers), language, "{sent}");
        }
    }

    #[test]
    fn a_post_from_another_origin_is_not_ours_and_one_without_the_header_is() {
        let mut headers = HeaderMap::new();
        assert!(is_our_own(&headers, "https://bank.example"));
        headers.insert(ORIGIN, HeaderValue::from_static("https://bank.example"));
        assert!(is_our_own(&headers, "https://bank.example"));
        headers.insert(ORIGIN, HeaderValue::from_static("null"));
        assert!(!is_our_own(&headers, "https://bank.example"));
        headers.remove(ORIGIN);
        headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
        assert!(!is_our_own(&headers, "https://bank.example"));
    }
}
