//! Every bound in one place: how long, how many, how deep.
//!
//! Nothing that arrives from the network is read without a bound from this file. Bodies and tokens are counted
//! in bytes, collections in items, nesting in levels.

use crate::vocabulary::time::Seconds;

/// Bytes of a form body at PAR, token, introspection and revocation. RFC 9126 section 2.3 asks for 413 above it.
pub const FORM_BODY_BYTES: usize = 64 * 1024;
/// Parameters in one form or query.
pub const FORM_PARAMETERS: usize = 64;
/// Bytes of a parameter name.
pub const PARAMETER_NAME_BYTES: usize = 64;
/// Bytes of one parameter value; `authorization_details` has its own bound.
pub const PARAMETER_VALUE_BYTES: usize = 16 * 1024;
/// Bytes of a query string at the authorization endpoint.
pub const QUERY_BYTES: usize = 8 * 1024;
/// Bytes of one header value that we read.
pub const HEADER_VALUE_BYTES: usize = 16 * 1024;

/// Bytes of a compact JWS or JWE.
pub const JWT_BYTES: usize = 16 * 1024;
/// Bytes of a request object, signed or encrypted, at PAR.
pub const REQUEST_OBJECT_BYTES: usize = 56 * 1024;
/// Bytes of a signed request or response body (a payment, a consent).
pub const SIGNED_BODY_BYTES: usize = 64 * 1024;
/// Bytes of a JOSE header after base64url decoding.
pub const JOSE_HEADER_BYTES: usize = 4 * 1024;
/// Bytes of a `jti`.
pub const JTI_BYTES: usize = 256;
/// Bytes of a `kid`.
pub const KID_BYTES: usize = 256;
/// Bytes of a key set that a client publishes.
pub const KEY_SET_BYTES: usize = 64 * 1024;
/// Bytes of the header section of an answer to one of our own calls.
pub const OUTBOUND_HEADER_BYTES: usize = 16 * 1024;
/// Header fields of such an answer.
pub const OUTBOUND_HEADERS: usize = 64;
/// Keys in one JWK set.
pub const KEYS_PER_SET: usize = 32;
/// Bits of an RSA modulus, smallest and largest (FAPI 2.0 Security Profile section 5.4.1; the upper bound caps CPU).
pub const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// Components that one HTTP message signature covers.
pub const SIGNATURE_COMPONENTS: usize = 32;

/// Levels of nesting in any JSON document.
pub const JSON_DEPTH: usize = 32;
/// Languages of a `ui_locales` parameter that are looked at.
pub const LOCALES: usize = 8;
/// Bytes of one of them (RFC 5646 section 4.4.1).
pub const LOCALE_BYTES: usize = 35;
/// Bytes of an `authorization_details` parameter.
pub const AUTHORIZATION_DETAILS_BYTES: usize = 32 * 1024;
/// Objects in one `authorization_details` array.
pub const AUTHORIZATION_DETAILS_COUNT: usize = 16;
/// Bytes of a `type` in `authorization_details`.
pub const DETAIL_TYPE_BYTES: usize = 128;

/// Bytes of `state`. Longer values are refused, never cut.
pub const STATE_BYTES: usize = 1024;
/// Bytes of `nonce`.
pub const NONCE_BYTES: usize = 512;
/// Bytes of `scope`.
pub const SCOPE_BYTES: usize = 1024;
/// Values in one `scope`.
pub const SCOPE_VALUES: usize = 32;
/// Claims asked for in one section of `claims`, and values of one claim.
pub const CLAIMS_COUNT: usize = 64;
/// Bytes of a redirect URI.
pub const REDIRECT_URI_BYTES: usize = 2048;
/// Bytes of a client identifier.
pub const CLIENT_ID_BYTES: usize = 256;
/// Characters of a PKCE verifier (RFC 7636 section 4.1).
pub const VERIFIER_CHARS: std::ops::RangeInclusive<usize> = 43..=128;

/// Tokens that are none of its own or none at all that a third party may ask about in a minute, and at once before
/// that (RFC 7662 section 4). Resource servers ask about what others bring, and have no such bound.
pub const MISSES_PER_MINUTE: u32 = 60;
/// See [`MISSES_PER_MINUTE`].
pub const MISSES_AT_ONCE: u32 = 300;

/// Certificates read from one TLS chain.
pub const CHAIN_CERTIFICATES: usize = 8;
/// Bytes of one certificate.
pub const CERTIFICATE_BYTES: usize = 16 * 1024;

/// Replay records a process holds in memory before it refuses new ones.
pub const CLAIMS_IN_MEMORY: usize = 2_000_000;
/// Records of a kind, requests that were pushed or opaque tokens, that a process keeps as it has read them.
pub const RECORDS_KNOWN: usize = 1024;
/// The furthest ahead of our clock that any policy takes `iat` and `nbf`: what was used before a replay memory began may
/// say that it was issued so long afterwards.
pub const SKEW_MAX: Seconds = Seconds::new(10);
/// Rows deleted by one sweep of one table.
pub const SWEEP_ROWS: u32 = 1000;
