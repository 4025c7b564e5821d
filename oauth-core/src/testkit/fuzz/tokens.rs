//! Header fields, proofs, certificates.
#![expect(clippy::expect_used, reason = "a property that does not hold is the finding")]

use std::sync::Arc;

use super::{Received, Target, as_text, keys, refused};
use crate::identify::certificate::is_current;
use crate::model::certificate::{Chain, PeerCertificate};
use crate::policy::profiles::FAPI2_SECURITY;
use crate::rules::rfc9449::comparable;
use crate::verify::message::{RequestMessage, verify_request};
use crate::vocabulary::time::Timestamp;
use crate::wire::header::{Scheme, read_authorization};

/// `Authorization`: scheme and token, written again, are read the same.
pub(super) const AUTHORIZATION: Target = Target {
    name: "authorization",
    seeds: &[
        "Bearer abc.def-ghi_~+/=",
        "dPoP at_0123456789",
        "Basic dXNlcjpwYXNz",
        "Bearer",
        "Bearer a, DPoP b",
        "Bearer  a",
    ],
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
    seeds: &[
        "__Host-browser=abc; other=1",
        "__Host-browser=a; __Host-browser=b",
        " __Host-browser = a ;;=;x",
        "__host-browser=a",
        "__Host-browser=\"quoted\"",
    ],
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
    seeds: &[
        "https://as.example/token",
        "HTTPS://AS.example:443/token?x#y",
        "https://as.example/a/../%74oken",
        "https://[::1]:8443/",
        "https://as.example",
        "//as.example/token",
    ],
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
    seeds: &[
        "sig=(\"@method\" \"@target-uri\" \"authorization\");created=1800000000;keyid=\"test-es256\";tag=\"fapi-2-request\"\nsig=:AAAA:",
        "sig=();tag=\"fapi-2-request\"\nsig=:AA==:",
        "a=(\"x\";sf;key=\"y\");alg=\"ed25519\";expires=1;nonce=\"n\", b=?1\na=1, b=:AA==:",
        "sig=((\nsig=",
    ],
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

/// Certificates: any bytes are refused or read.
pub(super) const CERTIFICATE: Target = Target {
    name: "certificate",
    seeds: &["0\u{3}\u{2}\u{1}\u{1}", "", "0\u{0}"],
    run: |bytes| {
        let certificate = PeerCertificate::new(Arc::from(bytes), Chain::Untrusted);
        if is_current(&certificate, Timestamp::from_seconds(1_800_000_000)) {
            Received::Taken
        } else {
            Received::Refused("not read, or not current".to_owned())
        }
    },
};
