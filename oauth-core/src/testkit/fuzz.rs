//! Everything that reads bytes from outside, as functions that any fuzzer can call.
//!
//! A target takes any bytes, panics when one of its properties does not hold, and says otherwise how the bytes were
//! received, so that a fuzzer without instrumentation can tell new behaviour from old. `tests/fuzz` drives them on stable
//! Rust, with seeds of its own; a `fuzz_target!` of another engine is one line around [`Target::run`].

use std::sync::OnceLock;

use crate::jose::JwkSet;

mod jose;
mod text;
mod tokens;

/// One reader of bytes from outside.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Reads the bytes and checks what must hold of the result. Panics when it does not.
    pub run: fn(&[u8]) -> Received,
}

/// How bytes were received.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Received {
    /// They are well-formed.
    Taken,
    /// They are not, for this reason.
    Refused(String),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    text::FORM,
    text::JSON,
    text::REDIRECT_URI,
    text::HTTPS_URL,
    text::DISTINGUISHED_NAME,
    text::AUTHORIZATION_DETAILS,
    text::SCOPE,
    tokens::AUTHORIZATION,
    #[cfg(feature = "http")]
    tokens::COOKIE,
    tokens::PROOF_URI,
    tokens::SIGNATURE_INPUT,
    tokens::CERTIFICATE,
    text::CLAIMS,
    jose::COMPACT_JWS,
    jose::JWE,
    jose::EMBEDDED_KEY,
    jose::KEY_SET,
];

/// The keys that nothing of a fuzzer is signed with.
fn keys() -> &'static JwkSet {
    static KEYS: OnceLock<JwkSet> = OnceLock::new();
    KEYS.get_or_init(super::keys::public)
}

fn refused(fault: &impl std::fmt::Debug) -> Received {
    Received::Refused(
        format!("{fault:?}").chars().filter(|letter| !letter.is_ascii_digit()).take(40).collect(),
    )
}

/// The bytes as text, for readers that are handed text.
fn as_text(bytes: &[u8]) -> Result<&str, Received> {
    std::str::from_utf8(bytes).map_err(|_| Received::Refused("not UTF-8".to_owned()))
}
