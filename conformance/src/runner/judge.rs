//! What an answer must look like.

use crate::client::Answer;
use crate::runner::case::Expect;

/// Whether an answer is what was expected; otherwise what it is instead.
///
/// # Errors
/// When it is not.
pub fn judge(answer: &Answer, expect: Expect) -> Result<(), String> {
    match expect {
        Expect::Taken if answer.status.is_success() => Ok(()),
        Expect::Taken => Err(format!("refused with {}", told(answer))),
        Expect::Refused(statuses, errors) => refusal(answer, statuses, errors),
        Expect::Challenged(statuses, errors) => challenge(answer, statuses, errors),
    }
}

/// An OAuth error: status, JSON, one of the codes, the characters of RFC 6749 section 5.2, and nothing to be cached.
///
/// # Errors
/// When it is none; says in which respect.
pub fn refusal(answer: &Answer, statuses: &[u16], errors: &[&str]) -> Result<(), String> {
    let told = || told(answer);
    if !statuses.contains(&answer.status.as_u16()) {
        return Err(format!("status is none of {statuses:?}: {}", told()));
    }
    let media = answer.header("content-type").unwrap_or_default();
    if media.split(';').next().map(str::trim) != Some("application/json") {
        return Err(format!("media type is {media:?}: {}", told()));
    }
    let error = answer.error().unwrap_or_default();
    if !errors.contains(&error.as_str()) {
        return Err(format!("error is none of {errors:?}: {}", told()));
    }
    let body = answer.json().map_err(|trouble| trouble.to_string())?;
    let description = body.get("error_description").and_then(serde_json::Value::as_str).unwrap_or_default();
    if !(printable(description) && printable(&error)) {
        return Err(format!("characters outside the grammar: {}", told()));
    }
    Ok(())
}

/// A refusal at a protected resource (RFC 6750 section 3, RFC 9449 section 7.1).
///
/// # Errors
/// When it is none; says in which respect.
pub fn challenge(answer: &Answer, statuses: &[u16], errors: &[&str]) -> Result<(), String> {
    let challenges = answer.all("www-authenticate");
    let told = || format!("{} {challenges:?}", told(answer));
    if !statuses.contains(&answer.status.as_u16()) {
        return Err(format!("status is none of {statuses:?}: {}", told()));
    }
    if answer.status.as_u16() == 401 && challenges.is_empty() {
        return Err(format!("401 without a challenge: {}", told()));
    }
    let named: Vec<&str> =
        challenges.iter().filter_map(|one| one.split("error=\"").nth(1)?.split('"').next()).collect();
    if !named.is_empty() && !named.iter().any(|error| errors.contains(error)) {
        return Err(format!("error is none of {errors:?}: {}", told()));
    }
    Ok(())
}

/// Status and body, for a report. A success may carry tokens or personal data, so of it the status is enough.
fn told(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    match answer.status.is_client_error() || answer.status.is_server_error() {
        true => format!("{status} {}", answer.text().chars().take(400).collect::<String>()),
        false => format!("{status}, a success"),
    }
}

/// RFC 6749 section 5.2: the characters of `error` and `error_description`.
pub fn printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// At least 128 bits of length and more than 96 of Shannon entropy over its letters, and nothing but visible ASCII.
pub fn is_unguessable(text: &str) -> bool {
    let length = count(text.len());
    let entropy: f64 = (0..=127_u8)
        .map(|byte| count(text.bytes().filter(|own| *own == byte).count()))
        .filter(|seen| *seen > 0.0)
        .map(|seen| -(seen / length) * (seen / length).log2())
        .sum();
    text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic()) && entropy * length > 96.0
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Answer {
        let mut map = http::HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Answer { status: status.try_into().unwrap(), headers: map, body: body.into() }
    }

    #[test]
    fn an_error_has_its_status_media_type_code_and_characters() {
        let json = [("content-type", "application/json;charset=UTF-8")];
        let good = answer(400, &json, r#"{"error":"invalid_request"}"#);
        assert!(refusal(&good, &[400], &["invalid_request"]).is_ok());
        assert!(refusal(&good, &[401], &["invalid_request"]).is_err());
        assert!(refusal(&good, &[400], &["invalid_client"]).is_err());
        let html = answer(400, &[("content-type", "text/html")], r#"{"error":"invalid_request"}"#);
        assert!(refusal(&html, &[400], &["invalid_request"]).is_err());
        let line = answer(400, &json, "{\"error\":\"invalid_request\",\"error_description\":\"a\\nb\"}");
        assert!(refusal(&line, &[400], &["invalid_request"]).is_err());
    }

    #[test]
    fn what_a_success_carries_is_never_told() {
        let json = [("content-type", "application/json")];
        let leak = answer(200, &json, r#"{"access_token":"secret"}"#);
        for expect in [Expect::Refused(&[400], &["x"]), Expect::Challenged(&[401], &["x"])] {
            let told = judge(&leak, expect).unwrap_err();
            assert!(!told.contains("secret") && told.contains("200"), "{told}");
        }
    }

    #[test]
    fn a_challenge_may_leave_the_error_out_but_not_name_another() {
        let named = answer(401, &[("www-authenticate", "DPoP algs=\"ES256\", error=\"invalid_token\"")], "");
        assert!(challenge(&named, &[401], &["invalid_token"]).is_ok());
        assert!(challenge(&named, &[401], &["invalid_dpop_proof"]).is_err());
        assert!(challenge(&answer(401, &[("www-authenticate", "DPoP")], ""), &[401], &["x"]).is_ok());
        assert!(challenge(&answer(401, &[], ""), &[401], &["x"]).is_err(), "no challenge at all");
    }

    #[test]
    fn long_and_varied_text_is_unguessable_and_repeated_text_is_not() {
        assert!(is_unguessable(&crate::host::token()));
        assert!(!is_unguessable(&"a".repeat(64)) && !is_unguessable("abcdef"));
    }
}
