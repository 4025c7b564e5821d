//! Tokens and keys.
#![expect(clippy::expect_used, reason = "a property that does not hold is the finding")]

use super::{Received, Target, as_text, keys, refused};
use crate::jose::{Jwe, JwkSet, Jws, KeyManagement, PublicJwk};
use crate::limits;

/// Compact JWS: kept as sent, three parts, and no signature that nobody made.
pub(super) const COMPACT_JWS: Target = Target {
    name: "compact_jws",
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

/// A JWS that brings its key along: the key is public, reads again as itself, and only it verifies.
pub(super) const EMBEDDED_KEY: Target = Target {
    name: "embedded_key",
    run: |bytes| {
        let text = match as_text(bytes) {
            Ok(text) => text,
            Err(received) => return received,
        };
        let jws = match Jws::parse_with_embedded_key(text, limits::JWT_BYTES) {
            Ok(jws) => jws,
            Err(fault) => return refused(&fault),
        };
        jws.verify_by(keys()).expect_err("nobody signed this");
        let key = jws.embedded_key().expect("read with its key");
        let written = key.to_value().to_string();
        let members = ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\"", "\"k\""];
        assert!(members.iter().all(|member| !written.contains(&format!("{member}:"))), "public: {written}");
        let again = PublicJwk::read(written.as_bytes()).expect("what we write we read");
        assert_eq!(again.thumbprint(), key.thumbprint(), "a fixed point");
        match jws.verify(key) {
            Ok(_) => Received::Taken,
            Err(fault) => refused(&fault),
        }
    },
};

/// Encrypted objects: kept as sent, five parts, one of the pairs on offer, and nothing that our key opens.
pub(super) const JWE: Target = Target {
    name: "jwe",
    run: |bytes| {
        let text = match as_text(bytes) {
            Ok(text) => text,
            Err(received) => return received,
        };
        let jwe = match Jwe::parse(text, limits::REQUEST_OBJECT_BYTES) {
            Ok(jwe) => jwe,
            Err(fault) => return refused(&fault),
        };
        assert_eq!(jwe.as_str(), text, "kept as sent");
        assert_eq!(text.bytes().filter(|byte| *byte == b'.').count(), 4, "five parts");
        assert!(KeyManagement::ALL.contains(&jwe.encryption().alg), "an algorithm on offer");
        assert!(jwe.kid().is_none_or(|kid| kid.len() <= limits::KID_BYTES), "a bounded kid");
        Received::Taken
    },
};

/// Key sets: written and read again they are the same keys, and none of them is more than public.
pub(super) const KEY_SET: Target = Target {
    name: "key_set",
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
