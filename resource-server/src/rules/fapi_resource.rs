//! FAPI 2.0 Security Profile section 5.3.4 and FAPI 1.0 Baseline section 6.2: what a protected resource must do.
//!
//! | Section | Met by |
//! |---|---|
//! | FAPI 2.0 5.3.4-1, -2 | [`rfc6750`](super::rfc6750) |
//! | FAPI 2.0 5.3.4-3 to -5 | [`TokenVerifier`](oauth_core::TokenVerifier): validity, integrity, expiry, revocation, binding |
//! | FAPI 2.0 5.3.4-6 | [`CONSENT_PERMITS`] and [`SCOPE`](super::rfc6750::SCOPE): the token is enough for this call |
//! | FAPI 1.0 Baseline 6.2.1-11 | [`HEADERS_WELL_FORMED`]: the interaction id is echoed or made |
//! | FAPI 1.0 Baseline 6.2.2 | [`HEADERS_WELL_FORMED`]: what clients may send along |

use oauth_core::RuleId;

/// RFC 9110 section 15.5: the path and the method exist.
pub(crate) const ROUTE_KNOWN: RuleId = RuleId("RFC9110-15.5");
/// FAPI 1.0 Baseline section 6.2: header fields are in the form the interface gives them.
pub(crate) const HEADERS_WELL_FORMED: RuleId = RuleId("FAPI1B-6.2-headers");
/// RFC 9110 sections 12.5.1 and 8.3: what is sent and what is wanted are of kinds we speak.
pub(crate) const MEDIA_TYPE: RuleId = RuleId("RFC9110-12.5.1");
/// RFC 9110 section 15.5.14: a body has a bound.
pub(crate) const BODY_BOUNDED: RuleId = RuleId("RFC9110-15.5.14");
/// RFC 6585 section 4: a client that calls more often than it may is told when to come again.
pub(crate) const RATE_KEPT: RuleId = RuleId("RFC6585-4");
/// OFxPERA common header: the caller speaks for its own organisation.
pub(crate) const PARTICIPANT: RuleId = RuleId("OFXPERA-participant");
/// FAPI 2.0 Security Profile section 5.3.4-6 with RFC 9396 section 9: the consent permits this call, now.
pub(crate) const CONSENT_PERMITS: RuleId = RuleId("FAPI2SP-5.3.4-6");
/// Nothing a document demands: a port failed.
pub(crate) const OUR_SIDE: RuleId = RuleId("RS-port");
/// The client behind a token is still registered and active.
pub(crate) const CLIENT_ACTIVE: RuleId = RuleId("RFC7591-client-active");
