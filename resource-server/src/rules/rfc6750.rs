//! RFC 6750, Bearer Token Usage, as narrowed by FAPI 2.0 Security Profile section 5.3.4.
//!
//! | Section | Met by |
//! |---|---|
//! | 2.1 | [`TokenVerifier`](oauth_core::TokenVerifier): one token, in the header |
//! | 2.2 | [`NOT_IN_FORM`] |
//! | 2.3 | [`NOT_IN_QUERY`] |
//! | 3 | [`challenge`](crate::guard) |
//! | 3.1 | [`SCOPE`] with [`Scoped`](crate::guard::Scoped) |

use oauth_core::{Policy, Reason, Rule, RuleId, TokenReason};

/// Where a token might hide, besides the header.
#[derive(Debug)]
pub(crate) struct PlacesCase {
    pub(crate) query: Option<String>,
    pub(crate) content_type: Option<String>,
}

/// The rules for where a token may not be.
pub(crate) const PLACES: &[&Rule<PlacesCase>] = &[&NOT_IN_QUERY, &NOT_IN_FORM];

/// Section 2.3 with FAPI 2.0 Security Profile section 5.3.4: never in the query.
pub(crate) const NOT_IN_QUERY: Rule<PlacesCase> = Rule { id: RuleId("RFC6750-2.3"), check: not_in_query };

/// Section 2.2 with FAPI 2.0 Security Profile section 5.3.4: never in a form; no route takes one.
pub(crate) const NOT_IN_FORM: Rule<PlacesCase> = Rule { id: RuleId("RFC6750-2.2"), check: not_in_form };

/// Section 3.1: the token carries the scope of the resource, or 403 `insufficient_scope`.
pub(crate) const SCOPE: RuleId = RuleId("RFC6750-3.1-scope");

fn not_in_query(case: &PlacesCase, _: &Policy) -> Result<(), Reason> {
    let parameters = case.query.as_deref().unwrap_or_default().split('&');
    let names = parameters.map(|parameter| parameter.split('=').next().unwrap_or_default());
    let mut names = names.map(decoded);
    if names.any(|name| name == "access_token") { Err(TokenReason::Misplaced.into()) } else { Ok(()) }
}

fn not_in_form(case: &PlacesCase, _: &Policy) -> Result<(), Reason> {
    let essence = case.content_type.as_deref().unwrap_or_default().split(';').next().unwrap_or_default();
    if essence.trim_ascii().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(TokenReason::Misplaced.into());
    }
    Ok(())
}

/// A name with `%XX` resolved, so that no spelling of it slips through.
fn decoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        let pair = match byte {
            b'%' => bytes.next().zip(bytes.next()),
            _ => None,
        };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let value =
            pair.and_then(|(high, low)| digit(high).zip(digit(low))).map(|(high, low)| high * 16 + low);
        out.push(value.and_then(char::from_u32).unwrap_or_else(|| char::from(byte)));
    }
    out
}

#[cfg(test)]
mod tests {
    use oauth_core::FAPI2_SECURITY;

    use super::*;

    fn judge(query: Option<&str>, content_type: Option<&str>) -> Result<(), RuleId> {
        let case =
            PlacesCase { query: query.map(str::to_owned), content_type: content_type.map(str::to_owned) };
        oauth_core::hold(PLACES, &case, &FAPI2_SECURITY).map_err(|refusal| refusal.rule)
    }

    #[test]
    fn section_2_3_a_token_in_the_query_is_refused_in_every_spelling() {
        for query in
            ["access_token=x", "a=b&access_token=x", "access%5Ftoken=x", "%61ccess_token=", "access_token"]
        {
            assert_eq!(judge(Some(query), None), Err(NOT_IN_QUERY.id), "{query}");
        }
        for query in ["", "page=1", "x=access_token", "my_access_token=1", "%", "%4"] {
            assert_eq!(judge(Some(query), None), Ok(()), "{query}");
        }
    }

    #[test]
    fn section_2_2_a_form_is_refused_whatever_is_in_it() {
        assert_eq!(
            judge(None, Some("Application/X-WWW-form-urlencoded; charset=utf-8")),
            Err(NOT_IN_FORM.id)
        );
        assert_eq!(judge(None, Some("application/json")), Ok(()));
    }
}
