//! `application/x-www-form-urlencoded` (RFC 6749 appendix B), read once and strictly.
//!
//! RFC 6749 section 3.1: parameters without a value are treated as omitted, and none may be repeated. The same
//! reader serves form bodies and query strings.

use zeroize::Zeroizing;

use crate::limits;
use crate::refusal::reason::{Reason, RequestReason};
use crate::refusal::{Refusal, RuleId};

/// The parameters of one request: no repeats, no empty values, nothing undecodable.
pub(crate) struct Form {
    pairs: Vec<(String, Zeroizing<String>)>,
}

/// RFC 6749 appendix B: the form itself is well-formed.
const WELL_FORMED: RuleId = RuleId("RFC6749-B");
/// RFC 6749 section 3.1: parameters must not be repeated.
const ONCE: RuleId = RuleId("RFC6749-3.1-once");
/// Our own bounds on forms.
const BOUNDED: RuleId = RuleId("RFC9126-2.3-size");

impl Form {
    /// Reads a form body or a query string of at most `max` bytes.
    ///
    /// # Errors
    /// When it is too large, holds a bad escape, invalid UTF-8, a NUL, or a repeated name.
    pub(crate) fn read(bytes: &[u8], max: usize) -> Result<Self, Refusal> {
        if bytes.len() > max {
            return Err(refuse(BOUNDED, RequestReason::TooLarge));
        }
        let mut pairs: Vec<(String, Zeroizing<String>)> = Vec::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == limits::FORM_PARAMETERS {
                return Err(refuse(BOUNDED, RequestReason::TooLarge));
            }
            let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at_checked(end).unwrap_or((pair, &[]));
            let malformed = || refuse(WELL_FORMED, RequestReason::Malformed);
            let mut name = decode(name).ok_or_else(malformed)?;
            let value = decode(value.strip_prefix(b"=").unwrap_or_default()).ok_or_else(malformed)?;
            let cap = match name.as_str() {
                "authorization_details" => limits::AUTHORIZATION_DETAILS_BYTES,
                "request" => limits::REQUEST_OBJECT_BYTES,
                _ => limits::PARAMETER_VALUE_BYTES,
            };
            if name.len() > limits::PARAMETER_NAME_BYTES || value.len() > cap {
                return Err(refuse(BOUNDED, RequestReason::TooLarge));
            }
            if pairs.iter().any(|(known, _)| *known == *name) {
                return Err(refuse(ONCE, RequestReason::Repeated));
            }
            pairs.push((std::mem::take(&mut *name), value));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Self { pairs })
    }

    /// The value of a parameter.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A copy of the value of a parameter.
    #[must_use]
    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
}

fn refuse(rule: RuleId, reason: RequestReason) -> Refusal {
    Refusal { rule, reason: Reason::Request(reason) }
}

/// One name or value: `+` is a space, `%` and two hexadecimal digits are a byte, and everything else is printable
/// ASCII. What comes out is UTF-8 without NUL and without the replacement character. Room is reserved once, so that no
/// copy of a credential is left behind.
fn decode(raw: &[u8]) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(raw.len()));
    let mut rest = raw;
    loop {
        let (plain, special) = rest.split_at_checked(plain_at_the_front(rest))?;
        bytes.extend_from_slice(plain);
        rest = match special {
            [] => break,
            [b'+', tail @ ..] => {
                bytes.push(b' ');
                tail
            }
            [b'%', high, low, tail @ ..] => {
                let byte = hex(*high)? << 4 | hex(*low)?;
                if byte == 0 {
                    return None;
                }
                bytes.push(byte);
                tail
            }
            [_, ..] => return None,
        };
    }
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => {
            let text = Zeroizing::new(text);
            (!text.contains('\u{fffd}')).then_some(text)
        }
        Err(broken) => {
            drop(Zeroizing::new(broken.into_bytes()));
            None
        }
    }
}

/// How many bytes at the front stand for themselves. Whole blocks first: all bytes of one are judged at a time.
fn plain_at_the_front(raw: &[u8]) -> usize {
    let all_plain = |block: &&[u8]| block.iter().fold(true, |plain, byte| plain & is_plain(*byte));
    let blocks = raw.chunks_exact(BLOCK).take_while(all_plain).count() * BLOCK;
    let rest = raw.iter().skip(blocks);
    blocks + rest.take_while(|byte| is_plain(**byte)).count()
}

/// Bytes that are judged at a time.
const BLOCK: usize = 32;

/// Printable ASCII that stands for itself.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e) && !matches!(byte, b'%' | b'+')
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Form, Reason> {
        Form::read(text.as_bytes(), 1000).map_err(|refusal| refusal.reason)
    }

    #[test]
    fn a_parameter_without_a_value_is_as_good_as_absent() {
        let form = read("scope=&state=x").unwrap();
        assert_eq!(form.get("scope"), None);
        assert_eq!(form.get("state"), Some("x"));
    }

    #[test]
    fn a_repeated_parameter_is_refused_also_when_escaped_or_empty() {
        for text in ["a=1&a=1", "a=1&%61=2", "a=&a=1"] {
            assert_eq!(read(text).err(), Some(RequestReason::Repeated.into()), "{text}");
        }
    }

    #[test]
    fn broken_escapes_nul_and_bad_utf8_are_refused() {
        for text in ["a=%", "a=%4", "a=%zz", "a=%00", "a=%ff", "a=\u{e9}", "a=1\n"] {
            assert_eq!(read(text).err(), Some(RequestReason::Malformed.into()), "{text:?}");
        }
    }

    #[test]
    fn a_plus_is_a_space_and_an_escape_is_a_byte_of_utf8() {
        let form = read("a=1+2%2B3&%62=%E2%82%AC&c&&=x&d==").unwrap();
        let found = ["a", "b", "c", "", "d"].map(|name| form.get(name));
        assert_eq!(found, [Some("1 2+3"), Some("\u{20ac}"), None, Some("x"), Some("=")]);
    }

    #[test]
    fn what_is_not_plain_is_seen_wherever_it_stands() {
        for plain in 0..100 {
            let (front, back) = ("x".repeat(plain), "y".repeat(100 - plain));
            let form = read(&format!("a={front}%41+{back}")).unwrap();
            assert_eq!(form.get("a"), Some(&*format!("{front}A {back}")), "{plain}");
            for bad in ["\n", "\u{7f}", "\u{e9}", "%0"] {
                assert!(read(&format!("a={front}{bad}{back}")).is_err(), "{plain} {bad:?}");
            }
        }
    }

    #[test]
    fn more_bytes_or_parameters_than_the_bound_are_refused() {
        assert_eq!(read(&format!("a={}", "x".repeat(1000))).err(), Some(RequestReason::TooLarge.into()));
        let many: Vec<String> = (0..=limits::FORM_PARAMETERS).map(|n| format!("p{n}=1")).collect();
        assert_eq!(read(&many.join("&")).err(), Some(RequestReason::TooLarge.into()));
    }
}
