//! `private_key_jwt`: RFC 7523 section 3, `OpenID` Connect Core section 9, FAPI 2.0 Security Profile section 5.3.2.1.

use serde_json::json;

use crate::host;
use crate::tpp::jws::{Draft, Members};
use crate::tpp::keys::Key;

/// RFC 7523 section 2.2.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const LIFETIME_S: i64 = 60;

/// An assertion for one request, with the issuer as its one audience and a `jti` of its own.
pub fn draft(client_id: &str, issuer: &str, key: &Key) -> Draft {
    let now = host::now();
    Draft {
        header: Members::of([
            ("alg", json!(key.alg().name())),
            ("kid", json!(key.id())),
            ("typ", json!("JWT")),
        ]),
        claims: Members::of([
            ("iss", json!(client_id)),
            ("sub", json!(client_id)),
            ("aud", json!(issuer)),
            ("jti", json!(host::token())),
            ("iat", json!(now)),
            ("exp", json!(now + LIFETIME_S)),
        ]),
    }
}
