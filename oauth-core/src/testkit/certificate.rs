//! The client certificate of a connection.
#![expect(clippy::expect_used, reason = "a constant of this file, read in a test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::certificate::{Chain, PeerCertificate};

/// A client certificate of `CN=tpp`, current from 2020 to 2098, whose chain the acceptor trusts. Its private key is nowhere.
///
/// # Panics
/// Never: the constant is well-formed.
#[must_use]
pub fn certificate() -> PeerCertificate {
    let der = STANDARD.decode(DER).expect("a constant in base64");
    PeerCertificate::new(der.into(), Chain::Trusted)
}

const DER: &str = concat!(
    "MIIBTzCB9gIBATAKBggqhkjOPQQDAjAzMQswCQYDVQQGEwJBRTEWMBQGA1UECgwNVGVzdCBQcm92aWRlcjEMMAoGA1UEAwwD",
    "dHBwMCAXDTIwMDEwMTAwMDAwMFoYDzIwOTkwMTAxMDAwMDAwWjAzMQswCQYDVQQGEwJBRTEWMBQGA1UECgwNVGVzdCBQcm92",
    "aWRlcjEMMAoGA1UEAwwDdHBwMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEBnUBP8HNrx/5gS2yW6JurhT/d9q8/msCR+/y",
    "95HJqGuz8+Ck7zxuvF+Q55UwQKdjqHeTLlYG3mcC1hQpSMoQrDAKBggqhkjOPQQDAgNIADBFAiEA3KPe+y9MhWWVs+XNz7X4",
    "2hZB9G1LvG60g61iNHnoWJMCIC8GN7CwerUE5WY0YQatoo0Bcu1yIIYjWKx5jqO0UdQy",
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::time::Timestamp;

    #[test]
    fn the_certificate_is_current_for_decades() {
        for seconds in [1_600_000_000, 1_800_000_000, 4_000_000_000] {
            let now = Timestamp::from_seconds(seconds);
            assert!(crate::identify::certificate::is_current(&certificate(), now), "{seconds}");
        }
    }
}
