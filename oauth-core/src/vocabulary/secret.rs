//! Secrets and their fingerprints. The only file that can reveal a secret.
//!
//! A secret is 256 random bits behind a short prefix that names its kind, and the instant it was made at where it is kept in
//! a store. It has no `Debug`, no `Display`, no equality and no serde: the one way to its text is [`Secret::reveal`].
//! Stores see only the [`Fingerprint`], a SHA-256 over kind, issuer and text, so that a secret of one kind or of one issuer
//! never matches another's.

use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::vocabulary::time::Timestamp;
use crate::vocabulary::uri::Issuer;

/// What a secret is for. Implemented by the markers in this module only.
pub trait Kind: sealed::Sealed + Send + Sync + 'static {
    /// What stands before the random characters.
    const PREFIX: &'static str;
}

mod sealed {
    #[expect(unnameable_types, reason = "sealed: only the markers of this file are kinds")]
    pub trait Sealed {}
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        #[non_exhaustive]
        pub struct $name;
        impl sealed::Sealed for $name {}
        impl Kind for $name {
            const PREFIX: &'static str = $prefix;
        }
    )+};
}

kinds! {
    /// An authorization code (RFC 6749 section 1.3.1).
    Code = "ac_";
    /// The reference a pushed request is answered with (RFC 9126 section 2.2).
    RequestUri = "urn:ietf:params:oauth:request_uri:";
    /// A refresh token (RFC 6749 section 1.5).
    Refresh = "rt_";
    /// An opaque access token.
    Access = "at_";
    /// The cookie that ties a ticket to the browser that was shown it.
    Browser = "br_";
    /// A login session of the bank's own pages.
    Session = "se_";
}

/// A secret of one kind. Cleared from memory when dropped.
pub struct Secret<K: Kind> {
    text: Zeroizing<String>,
    kind: PhantomData<K>,
}

/// Characters of 32 bytes in base64url without padding.
const RANDOM_CHARS: usize = 43;
/// Bytes of an instant: milliseconds, the highest byte first.
const INSTANT_BYTES: usize = 6;
/// Characters of an instant in base64url.
const INSTANT_CHARS: usize = 8;

impl<K: Kind> Secret<K> {
    /// Makes a secret of 256 fresh random bits.
    #[must_use]
    pub fn from_random(bytes: &Zeroizing<[u8; 32]>) -> Self {
        Self::composed(&[], bytes)
    }

    /// Makes a secret of 256 fresh random bits, with the instant before them. The [`Fingerprint`] begins with that instant, so
    /// that what is made one after the other stands side by side in the index of a store.
    #[must_use]
    pub fn made_at(now: Timestamp, bytes: &Zeroizing<[u8; 32]>) -> Self {
        let [_, _, instant @ ..] = now.millis().to_be_bytes();
        Self::composed(&instant, bytes)
    }

    fn composed(instant: &[u8], bytes: &Zeroizing<[u8; 32]>) -> Self {
        let mut text = String::with_capacity(K::PREFIX.len() + INSTANT_CHARS + RANDOM_CHARS);
        text.push_str(K::PREFIX);
        URL_SAFE_NO_PAD.encode_string(instant, &mut text);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        Self { text: Zeroizing::new(text), kind: PhantomData }
    }

    /// Reads a secret that a caller presented. `None` when it cannot be one of this kind: wrong prefix, length or
    /// alphabet. Cheap, so that made-up values are turned away before any look-up.
    #[must_use]
    pub fn presented(text: &str) -> Option<Self> {
        let random = text.strip_prefix(K::PREFIX)?;
        let well_formed = (random.len() == RANDOM_CHARS || random.len() == INSTANT_CHARS + RANDOM_CHARS)
            && random.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        well_formed.then(|| Self { text: Zeroizing::new(text.to_owned()), kind: PhantomData })
    }

    /// The text, for the one answer that hands the secret out.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What a store may know of it.
    #[must_use]
    pub fn fingerprint(&self, issuer: &Issuer) -> Fingerprint<K> {
        let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
        hash.update(K::PREFIX.as_bytes());
        hash.update(&[0]);
        hash.update(issuer.as_str().as_bytes());
        hash.update(&[0]);
        hash.update(self.text.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.finish().as_ref());
        if let Some(instant) = self.instant() {
            bytes.copy_within(..32 - INSTANT_BYTES, INSTANT_BYTES);
            bytes.iter_mut().zip(instant).for_each(|(byte, of_instant)| *byte = of_instant);
        }
        Fingerprint::from_bytes(bytes)
    }

    /// The instant it says it was made at. Nobody relies on it: it is covered by the hash as well.
    fn instant(&self) -> Option<[u8; INSTANT_BYTES]> {
        let behind = self.text.strip_prefix(K::PREFIX)?;
        let (instant, _) = behind.split_at_checked(behind.len().checked_sub(RANDOM_CHARS)?)?;
        URL_SAFE_NO_PAD.decode(instant).ok()?.try_into().ok()
    }
}

/// SHA-256 of a secret, its kind and its issuer. Where the secret says when it was made, that instant stands before the
/// first 208 bits of it.
pub struct Fingerprint<K: Kind> {
    bytes: [u8; 32],
    kind: PhantomData<K>,
}

impl<K: Kind> Fingerprint<K> {
    /// Reads a fingerprint back from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// The bytes a store keeps.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl<K: Kind> Clone for Fingerprint<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K: Kind> Copy for Fingerprint<K> {}
impl<K: Kind> PartialEq for Fingerprint<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}
impl<K: Kind> Eq for Fingerprint<K> {}
impl<K: Kind> std::hash::Hash for Fingerprint<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}
impl<K: Kind> fmt::Debug for Fingerprint<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.bytes;
        write!(f, "Fingerprint({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Issuer {
        Issuer::new(text).unwrap()
    }

    #[test]
    fn a_secret_of_another_kind_or_issuer_has_another_fingerprint() {
        let bytes = Zeroizing::new([7; 32]);
        let code = Secret::<Code>::from_random(&bytes);
        let here = code.fingerprint(&issuer("https://a.example"));
        let there = code.fingerprint(&issuer("https://b.example"));
        let refresh = Secret::<Refresh>::from_random(&bytes).fingerprint(&issuer("https://a.example"));
        assert_ne!(here.as_bytes(), there.as_bytes());
        assert_ne!(here.as_bytes(), refresh.as_bytes());
    }

    #[test]
    fn what_was_made_later_has_a_higher_fingerprint_and_the_instant_is_hashed_too() {
        let here = issuer("https://a.example");
        let made = |millis, byte| {
            let secret = Secret::<Code>::made_at(Timestamp::from_millis(millis), &Zeroizing::new([byte; 32]));
            let presented = Secret::<Code>::presented(secret.reveal()).unwrap().fingerprint(&here);
            assert_eq!(presented, secret.fingerprint(&here));
            *presented.as_bytes()
        };
        let (earlier, later) = (made(1_795_000_000_255, 0xff), made(1_795_000_000_256, 0));
        assert!(earlier < later);
        assert_eq!(&later[..6], 1_795_000_000_256_u64.to_be_bytes().get(2..).unwrap());
        assert_ne!(later, made(1_795_000_000_256, 1), "the random bits count");
        assert_ne!(made(1, 7)[6..], made(2, 7)[6..], "and so does the instant");
    }

    #[test]
    fn a_secret_without_an_instant_has_a_hash_for_a_fingerprint() {
        let secret = Secret::<Code>::from_random(&Zeroizing::new([7; 32]));
        let text = format!("ac_\0https://a.example\0{}", secret.reveal());
        let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        assert_eq!(secret.fingerprint(&issuer("https://a.example")).as_bytes(), hash.as_ref());
    }

    #[test]
    fn only_the_exact_shape_is_taken_for_a_presented_secret() {
        let text = Secret::<Code>::from_random(&Zeroizing::new([1; 32])).reveal().to_owned();
        assert!(Secret::<Code>::presented(&text).is_some());
        assert!(Secret::<Refresh>::presented(&text).is_none());
        for bad in [
            format!("{text}A"),
            text.replace("ac_", "AC_"),
            text[..text.len() - 1].to_owned(),
            text.replace('A', "="),
        ] {
            assert!(bad == text || Secret::<Code>::presented(&bad).is_none(), "{bad}");
        }
    }
}
