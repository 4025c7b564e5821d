//! The `Authorization` header (RFC 9110 section 11.6.2).

use crate::limits;
use crate::refusal::reason::{Reason, TokenReason};
use crate::refusal::{Refusal, RuleId};

/// RFC 6750 section 2: one access token, in the header.
const ONE_TOKEN: RuleId = RuleId("RFC6750-2");

/// How an access token was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `Bearer` (RFC 6750).
    Bearer,
    /// `DPoP` (RFC 9449 section 7.1).
    Dpop,
}

/// Reads scheme and token from the values of the `Authorization` header. The scheme is case-insensitive.
///
/// # Errors
/// When there is no value, more than one, another scheme, or a token outside `token68`.
pub(crate) fn read_authorization<'a>(values: &[&'a str]) -> Result<(Scheme, &'a str), Refusal> {
    let refuse = |reason| Refusal { rule: ONE_TOKEN, reason: Reason::Token(reason) };
    let value = match values {
        [] => return Err(refuse(TokenReason::Missing)),
        [one] => *one,
        [_, _, ..] => return Err(refuse(TokenReason::Misplaced)),
    };
    let (scheme, token) = value.split_once(' ').ok_or_else(|| refuse(TokenReason::Missing))?;
    let scheme = if scheme.eq_ignore_ascii_case("bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case("dpop") {
        Scheme::Dpop
    } else {
        return Err(refuse(TokenReason::Missing));
    };
    let well_formed = !token.is_empty()
        && token.len() <= limits::JWT_BYTES
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    if well_formed { Ok((scheme, token)) } else { Err(refuse(TokenReason::Invalid)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_read_in_any_case() {
        assert_eq!(read_authorization(&["bEARER abc"]), Ok((Scheme::Bearer, "abc")));
        assert_eq!(read_authorization(&["dpop abc"]), Ok((Scheme::Dpop, "abc")));
    }

    #[test]
    fn two_headers_two_tokens_or_another_scheme_are_refused() {
        for values in [
            &["Bearer a", "DPoP b"][..],
            &["Bearer a, DPoP b"],
            &["Basic abc"],
            &["Bearer"],
            &["Bearer  a"],
            &[],
        ] {
            assert!(read_authorization(values).is_err(), "{values:?}");
        }
    }
}
