//! Keys of nobody. Where a signature cannot be right, one of these is tried all the same, so that the time of a refusal does
//! not tell who is registered and under which key identifiers.

use std::sync::OnceLock;

use super::{Alg, Jws, PublicJwk};

/// Costs what verifying this object costs, and says nothing.
pub(crate) fn verify_in_vain(jws: &Jws) {
    if let Some(key) = key(jws.alg()) {
        let _refused = std::hint::black_box(jws.verify(key).is_ok());
    }
}

/// Public halves whose private halves were never kept.
fn key(alg: Alg) -> Option<&'static PublicJwk> {
    static RSA: OnceLock<Option<PublicJwk>> = OnceLock::new();
    static P256: OnceLock<Option<PublicJwk>> = OnceLock::new();
    static ED25519: OnceLock<Option<PublicJwk>> = OnceLock::new();
    let (kept, text) = match alg {
        Alg::Ps256 | Alg::Rs256 => (&RSA, RSA_KEY),
        Alg::Es256 => (&P256, P256_KEY),
        Alg::EdDsa => (&ED25519, ED25519_KEY),
    };
    kept.get_or_init(|| PublicJwk::read(text.as_bytes()).ok()).as_ref()
}

const P256_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"qdy7JfatSnVwDpRmqKHBcG9zLjBtw5F05qLSg7or3X4","y":"3SDBg0GQEs88uhrt8MiZes6LUmDvYUM2RkX9OqV2x88"}"#;
const ED25519_KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"Bg3IKEZ6EHlrwtOyHha51dr1mnWO55t2ATuT-bew4mI"}"#;
const RSA_KEY: &str = concat!(
    r#"{"kty":"RSA","e":"AQAB","n":""#,
    "rf6CoDFdPWMkzjfjWM8zcHKW8p3tCMVUBsDiHa-T8G8RE78QVKDko2dw1F651fF7n9mDQsCc_Dncovpk4YIx0Uk0ol",
    "8YdTd-rxKJEiVx4XyJFkDr4DDjyopI9shL5vaD0f8ORUr4dE-l29NMWDcWcZpSq_8fdbbCpBmenaiP0tijkhyCKyBk",
    "hKtm85HbaUQAkmMGy3MZ_-uLgXz6qqI9D2TexRHoVcna0DSWw7hkp07bOQrj5QH11piZOJ1Wr_lQ9BGrVXnPA_-pQY",
    "Ab9Y1h--9UiKjhD15_8ef8qtxrzg0XV14cX1gdjaV2waZL_x9yJOmFn0R0WwwiMiYUkPD5Uw",
    r#""}"#
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_key_of_nobody_for_every_algorithm() {
        for alg in [Alg::Ps256, Alg::Rs256, Alg::Es256, Alg::EdDsa] {
            assert!(key(alg).is_some(), "{}", alg.as_str());
        }
    }
}
