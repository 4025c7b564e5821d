//! Tickets: the opaque handle the bank's pages carry while the customer decides.
//!
//! A ticket is stateless and tamper-proof: the fingerprint of the pushed request, an end, and a MAC over both, the
//! issuer and the secret of the browser's cookie. It is good only in the browser that was shown it, at every
//! process, and costs no storage; what it points to is still spent exactly once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use crate::refusal::reason::ApprovalReason;
use crate::refusal::{Refusal, RuleId};
use crate::vocabulary::secret::{Browser, Fingerprint, RequestUri, Secret};
use crate::vocabulary::time::{Seconds, Timestamp};
use crate::vocabulary::uri::Issuer;

/// RFC 9700 section 4.7 and FAPI 2.0 Attacker Model: a decision belongs to the browser that was asked.
const SAME_BROWSER: RuleId = RuleId("RFC9700-4.7-browser");

/// How long a request is kept after the customer's time is over, so that its client is told.
pub(crate) const FAREWELL: Seconds = Seconds::minutes(5);
const FINGERPRINT: usize = 32;
const INSTANT: usize = 8;

/// Makes and opens the tickets of one issuer.
pub(crate) struct Tickets {
    key: hmac::Key,
    issuer: Issuer,
}

impl Tickets {
    pub(crate) const fn new(key: hmac::Key, issuer: Issuer) -> Self {
        Self { key, issuer }
    }

    /// A ticket for this request in this browser.
    pub(crate) fn make(
        &self,
        request: &Fingerprint<RequestUri>,
        until: Timestamp,
        browser: &Secret<Browser>,
    ) -> String {
        let until = until.millis().to_be_bytes();
        let tag = self.tag(request.as_bytes(), &until, browser);
        URL_SAFE_NO_PAD.encode([request.as_bytes().as_slice(), &until, tag.as_ref()].concat())
    }

    /// The request behind a ticket.
    ///
    /// # Errors
    /// One refusal for a ticket that is not ours, is over, or belongs to another browser.
    pub(crate) fn open(
        &self,
        ticket: &str,
        browser: Option<&str>,
        now: Timestamp,
    ) -> Result<Fingerprint<RequestUri>, Refusal> {
        let refused = || Refusal { rule: SAME_BROWSER, reason: ApprovalReason::Ticket.into() };
        let browser = browser.and_then(Secret::<Browser>::presented).ok_or_else(refused)?;
        let bytes = URL_SAFE_NO_PAD.decode(ticket).map_err(|_| refused())?;
        let (request, rest) = bytes.split_first_chunk::<FINGERPRINT>().ok_or_else(refused)?;
        let (until, tag) = rest.split_first_chunk::<INSTANT>().ok_or_else(refused)?;
        let expected = self.tag(request, until, &browser);
        let same = bool::from(subtle::ConstantTimeEq::ct_eq(expected.as_ref(), tag));
        let live = now < Timestamp::from_millis(i64::from_be_bytes(*until));
        if same && live { Ok(Fingerprint::from_bytes(*request)) } else { Err(refused()) }
    }

    /// The request behind a ticket that is over, for as long as it is kept to tell its client so.
    ///
    /// # Errors
    /// As of [`Self::open`]; a ticket that is not over is refused, too.
    pub(crate) fn late(
        &self,
        ticket: &str,
        browser: Option<&str>,
        now: Timestamp,
    ) -> Result<Fingerprint<RequestUri>, Refusal> {
        match self.open(ticket, browser, now) {
            Ok(_) => Err(Refusal { rule: SAME_BROWSER, reason: ApprovalReason::Ticket.into() }),
            Err(_) => self.open(ticket, browser, now.minus(FAREWELL)),
        }
    }

    fn tag(&self, request: &[u8], until: &[u8], browser: &Secret<Browser>) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(self.issuer.as_str().as_bytes());
        context.update(request);
        context.update(until);
        context.update(browser.reveal().as_bytes());
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn browser(byte: u8) -> Secret<Browser> {
        Secret::from_random(&Zeroizing::new([byte; 32]))
    }

    fn tickets() -> Tickets {
        Tickets::new(hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]), Issuer::new("https://as.example").unwrap())
    }

    #[test]
    fn a_ticket_opens_only_in_its_own_browser_and_only_in_time() {
        let request = Fingerprint::from_bytes([9; 32]);
        let now = Timestamp::from_seconds(1000);
        let ticket = tickets().make(&request, now.plus(Seconds::new(60)), &browser(1));
        let opens = |browser: Option<&Secret<Browser>>, at: i64| {
            tickets().open(&ticket, browser.map(Secret::reveal), now.plus(Seconds::new(at)))
        };
        assert_eq!(opens(Some(&browser(1)), 59), Ok(request));
        assert_eq!(opens(Some(&browser(2)), 59).unwrap_err().rule, SAME_BROWSER);
        assert!(opens(None, 59).is_err());
        assert!(opens(Some(&browser(1)), 60).is_err());
        let late = |browser: &Secret<Browser>, at: i64| {
            tickets().late(&ticket, Some(browser.reveal()), now.plus(Seconds::new(at)))
        };
        assert_eq!(late(&browser(1), 60), Ok(request));
        assert!(late(&browser(1), 59).is_err(), "it is not late");
        assert!(late(&browser(2), 60).is_err());
        assert!(late(&browser(1), 360).is_err(), "the request is gone");
    }

    #[test]
    fn an_edited_ticket_does_not_open() {
        let now = Timestamp::from_seconds(1000);
        let ticket =
            tickets().make(&Fingerprint::from_bytes([9; 32]), now.plus(Seconds::new(60)), &browser(1));
        for index in 0..ticket.len() {
            let mut edited = ticket.clone().into_bytes();
            edited[index] = if edited[index] == b'A' { b'B' } else { b'A' };
            let edited = String::from_utf8(edited).unwrap();
            assert!(tickets().open(&edited, Some(browser(1).reveal()), now).is_err());
        }
    }
}
