//! The same request twice has the effect of one.
//!
//! A key belongs to one client and one operation. Two requests are the same when their canonical bytes are: the
//! caller canonicalises (RFC 8785), so member order, white space and signature envelopes do not count.

use std::fmt;

use ring::digest;
use serde::{Deserialize, Serialize};

use super::{IllFormed, ascii_text, is_uuid, shown};

ascii_text! {
    /// The key a client gives to a request and to its repeats: 1 to 40 visible ASCII characters without white space.
    IdempotencyKey, |text| (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
shown!(IdempotencyKey);

impl IdempotencyKey {
    /// Reads a key in the dialects that want a UUID of any version (RFC 9562 section 4).
    ///
    /// # Errors
    /// When the text is not a UUID.
    pub fn uuid(text: &str) -> Result<Self, IllFormed> {
        if is_uuid(text) { Self::new(text) } else { Err(IllFormed("IdempotencyKey")) }
    }
}

/// SHA-256 of a request's canonical bytes. Stored and shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestFingerprint([u8; 32]);

impl RequestFingerprint {
    /// The fingerprint of these bytes.
    #[must_use]
    pub fn of(canonical: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, canonical);
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }

    /// Reads the 64 lower-case hexadecimal digits of [`fmt::Display`].
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &str) -> Result<Self, IllFormed> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(IllFormed("RequestFingerprint"));
        }
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let value = nibble(*high).zip(nibble(*low)).map(|(high, low)| high << 4 | low);
            *byte = value.ok_or(IllFormed("RequestFingerprint"))?;
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for RequestFingerprint {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for RequestFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RequestFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestFingerprint({self})")
    }
}

impl TryFrom<String> for RequestFingerprint {
    type Error = IllFormed;
    fn try_from(text: String) -> Result<Self, IllFormed> {
        Self::parse(&text)
    }
}

impl From<RequestFingerprint> for String {
    fn from(fingerprint: RequestFingerprint) -> Self {
        fingerprint.to_string()
    }
}

/// What is kept under a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyRecord<T> {
    /// Of the request that took the key.
    pub fingerprint: RequestFingerprint,
    /// How far that request has come.
    pub progress: Progress<T>,
}

/// How far the request that took a key has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress<T> {
    /// Still running.
    Running,
    /// Finished with this outcome.
    Done(T),
}

/// What a request finds under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// Nothing: go ahead.
    Never,
    /// Itself, finished: give the same answer again, without any effect.
    Same(T),
    /// Another request, finished or not: refuse, without any effect.
    Different,
    /// Itself, still running: ask to come back.
    InProgress,
}

impl<T> Seen<T> {
    /// Compares a request with what its key holds.
    #[must_use]
    pub fn compare(held: Option<IdempotencyRecord<T>>, request: &RequestFingerprint) -> Self {
        match held {
            None => Self::Never,
            Some(record) if record.fingerprint != *request => Self::Different,
            Some(IdempotencyRecord { progress: Progress::Done(outcome), .. }) => Self::Same(outcome),
            Some(IdempotencyRecord { progress: Progress::Running, .. }) => Self::InProgress,
        }
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a').and_then(|value| value.checked_add(10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_1_to_40_visible_ascii_characters() {
        for good in ["k", "78dae4513b8847f98e2d4173b4ed0eb6", "a/b+c=!~", &"x".repeat(40)] {
            assert_eq!(IdempotencyKey::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            " ",
            "a b",
            "a\t",
            "\u{e9}",
            "a\u{a0}",
            "a\u{7f}",
            "\u{ff11}",
            &"x".repeat(41),
            &"x".repeat(10_000),
        ] {
            assert_eq!(IdempotencyKey::new(bad), Err(IllFormed("IdempotencyKey")), "{bad:?}");
        }
    }

    #[test]
    fn a_dialect_may_ask_for_a_uuid() {
        for good in ["6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33", "6F1D2C7A-2B56-1C1E-9C57-0F4F5D0A7B33"] {
            assert_eq!(IdempotencyKey::uuid(good).unwrap().as_str(), good);
        }
        for bad in ["k", "78dae4513b8847f98e2d4173b4ed0eb6", "6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b3\u{661}"] {
            assert!(IdempotencyKey::uuid(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_fingerprint_is_the_sha_256_of_the_bytes() {
        let fingerprint = RequestFingerprint::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(fingerprint.to_string(), text);
        assert_eq!(RequestFingerprint::parse(text), Ok(fingerprint));
        assert_eq!(serde_json::to_string(&fingerprint).unwrap(), format!("\"{text}\""));
        for bad in ["", &text[1..], &text.to_uppercase(), &format!("{text}0"), &text.replace('b', "g")] {
            assert!(RequestFingerprint::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_repeat_finds_its_outcome_and_another_request_finds_a_refusal() {
        let (mine, other) = (RequestFingerprint::of(b"mine"), RequestFingerprint::of(b"other"));
        let done = Some(IdempotencyRecord { fingerprint: mine, progress: Progress::Done(7) });
        let running = Some(IdempotencyRecord { fingerprint: mine, progress: Progress::<i32>::Running });
        assert_eq!(Seen::<i32>::compare(None, &mine), Seen::Never);
        assert_eq!(Seen::compare(done.clone(), &mine), Seen::Same(7));
        assert_eq!(Seen::compare(done, &other), Seen::Different);
        assert_eq!(Seen::compare(running.clone(), &mine), Seen::InProgress);
        assert_eq!(Seen::compare(running, &other), Seen::Different);
    }
}
