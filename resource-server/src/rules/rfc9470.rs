//! RFC 9470, OAuth 2.0 Step Up Authentication Challenge Protocol.
//!
//! | Section | Met by |
//! |---|---|
//! | 3 | [`STEP_UP`]: 401 `insufficient_user_authentication` with `acr_values` and `max_age` |
//! | 4 | `acr_values` and `max_age` of the pushed request, in the core |
//! | 6.1, 6.2 | `acr` and `auth_time` of [`AccessClaims`](oauth_core::AccessClaims) and of introspection |

use oauth_core::RuleId;

/// Section 3: the sign-in behind the token is recent and strong enough for this call.
pub(crate) const STEP_UP: RuleId = RuleId("RFC9470-3");
