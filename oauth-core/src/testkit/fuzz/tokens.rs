//! Header fields, proofs, certificates.
#![expect(clippy::expect_used, reason = "a property that does not hold is the finding")]

use std::sync::Arc;

use super::{Received, Target, as_text, keys, refused};
use crate::identify::certificate::{Names, is_current};
use crate::model::certificate::{Chain, PeerCertificate};
use crate::policy::profiles::FAPI2_SECURITY;
use crate::rules::rfc9449::comparable;
use crate::verify::message::{RequestMessage, verify_request};
use crate::vocabulary::time::Timestamp;
use crate::wire::header::{Scheme, read_authorization};

/// `Authorization`: scheme and token, written again, are read the same.
pub(super) const AUTHORIZATION: Target = Target {
    name: "authorization",
    run: |bytes| {
        let text = match as_text(bytes) {
            Ok(text) => text,
            Err(received) => return received,
        };
        match read_authorization(&[text]) {
            Ok((scheme, token)) => {
                let name = if scheme == Scheme::Dpop { "DPoP" } else { "Bearer" };
                let again = format!("{name} {token}");
                assert_eq!(read_authorization(&[&again]), Ok((scheme, token)), "a fixed point");
                assert!(text.ends_with(token), "the token as sent");
                Received::Taken
            }
            Err(refusal) => refused(&refusal.reason),
        }
    },
};

/// `Cookie`: a value that is found stands in the header once.
#[cfg(feature = "http")]
pub(super) const COOKIE: Target = Target {
    name: "cookie",
    run: |bytes| {
        let Ok(value) = http::HeaderValue::from_bytes(bytes) else {
            return Received::Refused("no header value".to_owned());
        };
        let mut headers = http::HeaderMap::new();
        headers.append(http::header::COOKIE, value.clone());
        match crate::http::cookie(&headers, crate::http::BROWSER_COOKIE) {
            Some(found) => {
                let text = value.to_str().expect("text, for a value was found");
                assert!(text.contains(&found) && !found.contains(';'), "the value as sent");
                headers.append(http::header::COOKIE, value);
                assert_eq!(
                    crate::http::cookie(&headers, crate::http::BROWSER_COOKIE),
                    None,
                    "twice is absent"
                );
                Received::Taken
            }
            None => Received::Refused("absent".to_owned()),
        }
    },
};

/// `htu` of a proof: what it is compared by is a fixed point.
pub(super) const PROOF_URI: Target = Target {
    name: "proof_uri",
    run: |bytes| {
        let text = match as_text(bytes) {
            Ok(text) => text,
            Err(received) => return received,
        };
        match comparable(text) {
            Some(compared) => {
                assert_eq!(comparable(&compared).as_ref(), Some(&compared), "a fixed point");
                Received::Taken
            }
            None => Received::Refused("not comparable".to_owned()),
        }
    },
};

/// `Signature-Input` and `Signature` (RFC 9421), split at the first line break: nobody but the owner of a key signs.
pub(super) const SIGNATURE_INPUT: Target = Target {
    name: "signature_input",
    run: |bytes| {
        let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let (input, signature) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
        let signature = signature.strip_prefix(b"\n").unwrap_or(signature);
        let fields: &[(&str, &[u8])] =
            &[("authorization", b"DPoP token"), ("signature-input", input), ("signature", signature)];
        let request =
            RequestMessage { method: "GET", target_uri: "https://rs.example/accounts", fields, body: b"" };
        let now = Timestamp::from_seconds(1_800_000_000);
        let judged = verify_request(&request, keys(), &FAPI2_SECURITY, now);
        refused(&judged.expect_err("nobody signed this").reason)
    },
};

/// Certificates: neither a byte more nor one less is the same certificate, and there is one judgement of time.
pub(super) const CERTIFICATE: Target = Target {
    name: "certificate",
    run: |bytes| {
        let certificate = PeerCertificate::new(Arc::from(bytes), Chain::Untrusted);
        let Some(names) = Names::read(certificate.der()) else {
            return Received::Refused("not read".to_owned());
        };
        let longer = [bytes, &[0]].concat();
        assert!(Names::read(&longer).is_none(), "nothing stands behind it");
        let shorter = bytes.split_last().map_or(bytes, |(_, rest)| rest);
        assert!(Names::read(shorter).is_none(), "nothing of it is missing");
        let now = Timestamp::from_seconds(1_800_000_000);
        assert_eq!(names.cover(now), is_current(&certificate, now), "one judgement of time");
        match (names.cover(now), names.are_of_a_client(), names.key.is_some()) {
            (true, true, true) => Received::Taken,
            told => Received::Refused(format!("{told:?} {} names", names.dns.len() + names.uris.len())),
        }
    },
};
