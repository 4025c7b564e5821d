//! Signed request objects: RFC 9101 section 4, FAPI 2.0 Message Signing section 5.3.1.

use serde_json::json;

use crate::host;
use crate::tpp::jws::{Draft, Members};
use crate::tpp::keys::Key;

const LIFETIME_S: i64 = 300;

/// The parameters of one authorization request, addressed to one issuer.
pub fn draft(client_id: &str, issuer: &str, parameters: Members, key: &Key) -> Draft {
    let now = host::now();
    let mut claims = Members::of([
        ("iss", json!(client_id)),
        ("aud", json!(issuer)),
        ("iat", json!(now)),
        ("nbf", json!(now)),
        ("exp", json!(now + LIFETIME_S)),
        ("jti", json!(host::token())),
    ]);
    claims.extend(parameters);
    let header = [("alg", key.alg().name()), ("kid", key.id()), ("typ", "oauth-authz-req+jwt")];
    Draft { header: Members::of(header), claims }
}
