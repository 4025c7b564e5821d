//! DPoP nonces (RFC 9449 section 8): stateless, keyed, good at every process that shares the secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use crate::rules::rfc9449::NonceVerdict;
use crate::vocabulary::time::{Seconds, Timestamp};
use crate::vocabulary::uri::Issuer;

/// How long a nonce is good.
const LIFETIME: Seconds = Seconds::new(60);
/// How far ahead another process's clock may have been when it made the nonce.
const SKEW: Seconds = Seconds::new(5);
/// Bytes of the instant in front of the tag.
const INSTANT: usize = 8;
/// Bytes of the tag: 128 bits.
const TAG: usize = 16;

/// Makes and judges nonces of one issuer for one side: authorization server or resource server.
pub(crate) struct Nonces {
    key: hmac::Key,
    issuer: Issuer,
}

impl Nonces {
    pub(crate) const fn new(key: hmac::Key, issuer: Issuer) -> Self {
        Self { key, issuer }
    }

    /// A nonce made now.
    pub(crate) fn make(&self, now: Timestamp) -> String {
        let instant = now.seconds().to_be_bytes();
        let mut bytes = Vec::with_capacity(INSTANT + TAG);
        bytes.extend_from_slice(&instant);
        bytes.extend_from_slice(self.tag(&instant).as_ref().get(..TAG).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Judges a nonce that came with a proof.
    pub(crate) fn judge(
        &self,
        nonce: Option<&str>,
        now: Timestamp,
        remembers_since: Timestamp,
    ) -> NonceVerdict {
        let Some(text) = nonce else { return NonceVerdict::Absent };
        match self.made_at(text) {
            Some(made) if made.plus(LIFETIME) > now && made <= now.plus(SKEW) && made >= remembers_since => {
                NonceVerdict::Fresh
            }
            Some(_) | None => NonceVerdict::Stale,
        }
    }

    fn made_at(&self, text: &str) -> Option<Timestamp> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (instant, tag) = bytes.split_at_checked(INSTANT)?;
        let expected = self.tag(instant);
        let same = subtle::ConstantTimeEq::ct_eq(expected.as_ref().get(..TAG)?, tag);
        let instant: [u8; INSTANT] = instant.try_into().ok()?;
        bool::from(same).then(|| Timestamp::from_seconds(i64::from_be_bytes(instant)))
    }

    fn tag(&self, instant: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(self.issuer.as_str().as_bytes());
        context.update(instant);
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonces(issuer: &str) -> Nonces {
        Nonces::new(hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]), Issuer::new(issuer).unwrap())
    }

    #[test]
    fn a_nonce_is_good_for_a_minute_at_every_process_of_its_issuer() {
        let now = Timestamp::from_seconds(1_000_000);
        let text = nonces("https://a.example").make(now);
        let judge =
            |by: &Nonces, at: i64| by.judge(Some(&text), now.plus(Seconds::new(at)), Timestamp::EPOCH);
        let same = nonces("https://a.example");
        assert_eq!(judge(&same, 59), NonceVerdict::Fresh);
        assert_eq!(judge(&same, 60), NonceVerdict::Stale);
        assert_eq!(judge(&same, -6), NonceVerdict::Stale);
        assert_eq!(judge(&nonces("https://b.example"), 0), NonceVerdict::Stale);
    }

    #[test]
    fn a_nonce_from_before_the_replay_memory_began_is_void() {
        let now = Timestamp::from_seconds(1_000_000);
        let by = nonces("https://a.example");
        let text = by.make(now);
        assert_eq!(by.judge(Some(&text), now, now.plus(Seconds::new(1))), NonceVerdict::Stale);
    }

    #[test]
    fn an_edited_nonce_is_void() {
        let now = Timestamp::from_seconds(1_000_000);
        let by = nonces("https://a.example");
        let text = by.make(now);
        for index in 0..text.len() {
            let mut edited = text.clone().into_bytes();
            edited[index] = if edited[index] == b'A' { b'B' } else { b'A' };
            let edited = String::from_utf8(edited).unwrap();
            assert_eq!(by.judge(Some(&edited), now, Timestamp::EPOCH), NonceVerdict::Stale, "{edited}");
        }
    }
}
