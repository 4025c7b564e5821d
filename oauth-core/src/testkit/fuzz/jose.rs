//! Tokens and keys.
#![expect(clippy::expect_used, reason = "a property that does not hold is the finding")]

use super::{Received, Target, as_text, keys, refused};
use crate::jose::{JwkSet, Jws};
use crate::limits;

const SIGNED: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6InRlc3QtZXMyNTYiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJ0cHAifQ.\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Compact JWS: kept as sent, three parts, and no signature that nobody made.
pub(super) const COMPACT_JWS: Target = Target {
    name: "compact_jws",
    seeds: &[
        SIGNED,
        "eyJhbGciOiJub25lIn0.e30.",
        "eyJhbGciOiJQUzI1NiIsImNyaXQiOlsiYjY0Il0sImI2NCI6ZmFsc2V9.e30.AA",
        "eyJhbGciOiJFUzI1NiIsImFsZyI6IlBTMjU2In0.e30.AA",
        "a.b.c.d.e",
    ],
    run: |bytes| {
        let text = match as_text(bytes) {
            Ok(text) => text,
            Err(received) => return received,
        };
        let jws = match Jws::parse(text, limits::JWT_BYTES) {
            Ok(jws) => jws,
            Err(fault) => return refused(&fault),
        };
        assert_eq!(jws.as_str(), text, "kept as sent");
        assert_eq!(text.bytes().filter(|byte| *byte == b'.').count(), 2, "three parts");
        assert!(jws.kid().is_none_or(|kid| kid.len() <= limits::KID_BYTES), "a bounded kid");
        jws.verify_by(keys()).expect_err("nobody signed this");
        Received::Taken
    },
};

/// A JWS that brings its key along.
pub(super) const EMBEDDED_KEY: Target = Target {
    name: "embedded_key",
    seeds: &[
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYiLCJ4IjoibDh0RnJoeC0zNHRWM2hSSUNSRFk5ekNrRGxwQmhGNDJVUVVmV1ZBV0JGcyIsInkiOiI5VkU0amZfT2tfbzY0emJUVGxjdU5KYWpIbXQ2djlURFZyVTBDZHZHUkRBIn19.e30.AA",
        SIGNED,
    ],
    run: |bytes| {
        let text = match as_text(bytes) {
            Ok(text) => text,
            Err(received) => return received,
        };
        match Jws::parse_with_embedded_key(text, limits::JWT_BYTES) {
            Ok(jws) => {
                jws.verify_by(keys()).expect_err("nobody signed this");
                Received::Taken
            }
            Err(fault) => refused(&fault),
        }
    },
};

/// Key sets: written and read again they are the same keys, and none of them is more than public.
pub(super) const KEY_SET: Target = Target {
    name: "key_set",
    seeds: &[
        r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"k","use":"sig","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}]}"#,
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},{"kty":"oct","k":"AA"}]}"#,
        r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AA"},{"kty":"AKP"}]}"#,
        r#"{"keys":[]}"#,
    ],
    run: |bytes| {
        let set = match JwkSet::read(bytes) {
            Ok(set) => set,
            Err(fault) => return refused(&fault),
        };
        let written = set.to_value().to_string();
        assert!(!written.contains("\"d\"") && !written.contains("\"k\":"), "nothing but public keys");
        let again = JwkSet::read(written.as_bytes()).expect("what we write we read");
        assert_eq!(again.keys(), set.keys(), "a fixed point");
        match set.check_published() {
            Ok(()) => Received::Taken,
            Err(fault) => refused(&fault),
        }
    },
};
